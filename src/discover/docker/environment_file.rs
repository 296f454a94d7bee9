//! `.env`: the values that compose puts into its files.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::variables::{Dialect, LONGEST_VALUE, Lookup, expand, names_in};
use crate::discover::syntax::{LARGEST_MANIFEST, Lines, Stated, Unreadable, text_of};
use crate::discover::{FragmentIndex, Fragments};

/// The entries of an environment file, by key and with the line that states each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentFile {
    entries: Vec<(String, Stated<String>)>,
    /// What each key says, in the order of the keys, and after them what compose itself heeds.
    pub fragments: Arc<Fragments>,
}

/// How the keys begin that compose heeds whatever its files say.
const OF_COMPOSE: &str = "COMPOSE_";

/// Reads an environment file. Lines that are no assignment say nothing; an entry may use those above it, and the last
/// of two entries counts.
pub fn read(bytes: &[u8]) -> Result<EnvironmentFile, Unreadable> {
    let text = text_of(bytes)?;
    let lines = Lines::new(text);
    let mut values: HashMap<String, String> = HashMap::new();
    let mut entries: Vec<(String, Stated<String>)> = Vec::new();
    let mut uses: HashMap<String, BTreeSet<String>> = HashMap::new();
    let mut length = 0;
    for (line, number) in text.lines().zip(1..) {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((key, value)) = line.split_once('=') else { continue };
        let key = key.trim();
        if key.is_empty() || key.starts_with('#') {
            continue;
        }
        let (mut value, literal) = value_of(value.trim());
        let used = names_in(if literal { "" } else { &value });
        uses.insert(key.to_owned(), used.map(str::to_owned).collect());
        if !literal {
            let lookup = |name: &str| values.get(name).cloned().map_or(Lookup::Unset, Lookup::Value);
            let expanded = expand(&value, Dialect::Compose, &lookup).text;
            if expanded.len() <= LONGEST_VALUE {
                value = expanded;
            }
        }
        // Every line may take over a long value from one above it.
        length += value.len();
        if length > LARGEST_MANIFEST {
            return Err(Unreadable::at(number, format!("its values have more than {LARGEST_MANIFEST} bytes together")));
        }
        values.insert(key.to_owned(), value.clone());
        entries.push((key.to_owned(), lines.stated(number, value)));
    }
    entries.reverse();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    entries.dedup_by(|later, kept| later.0 == kept.0);
    let mut file = EnvironmentFile::default();
    let mut fragments = Fragments::default();
    let cut: Vec<FragmentIndex> =
        entries.iter().map(|(key, value)| fragments.add(key.as_str(), value.line, &[value.value.as_bytes()])).collect();
    file.entries = entries;
    for ((key, _), fragment) in file.entries.iter().zip(cut) {
        let needs = uses.get(key).into_iter().flatten().filter_map(|used| file.fragment(used));
        needs.for_each(|need| fragments.need(fragment, need));
    }
    let of_compose = file.entries.iter().filter(|(key, _)| key.starts_with(OF_COMPOSE));
    let of_compose: Vec<FragmentIndex> = of_compose.filter_map(|(key, _)| file.fragment(key)).collect();
    fragments.group(format!("{OF_COMPOSE}*"), 0, of_compose);
    file.fragments = fragments.sealed();
    Ok(file)
}

fn value_of(written: &str) -> (String, bool) {
    for quote in ['"', '\''] {
        if let Some((inside, _)) = written.strip_prefix(quote).and_then(|rest| rest.split_once(quote)) {
            return (inside.to_owned(), quote == '\'');
        }
    }
    let end = written.find(" #").unwrap_or(written.len());
    let value = if written.starts_with('#') { "" } else { written[..end].trim_end() };
    (value.to_owned(), false)
}

impl EnvironmentFile {
    /// The value of a key, with the line that states it.
    pub fn value(&self, key: &str) -> Option<&Stated<String>> {
        Some(&self.entries[self.place(key)?].1)
    }

    /// The fragment of a key.
    pub fn fragment(&self, key: &str) -> Option<FragmentIndex> {
        Some(FragmentIndex(self.place(key)? as u32))
    }

    /// The fragment of all keys that compose heeds whatever its files say, such as `COMPOSE_PROJECT_NAME`.
    pub fn of_compose(&self) -> FragmentIndex {
        FragmentIndex(self.entries.len() as u32)
    }

    fn place(&self, key: &str) -> Option<usize> {
        self.entries.binary_search_by(|(known, _)| known.as_str().cmp(key)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_96_values_that_grow_beyond_a_manifest_are_refused() {
        let text = format!("A={}\n{}", "v".repeat(LONGEST_VALUE), "B=$A\n".repeat(5000));
        let refused = read(text.as_bytes()).unwrap_err();
        assert_eq!(refused.line, 4097);
    }

    #[test]
    fn values_are_read_by_key() {
        let text = "# c\nA=1\nexport B = \"x # y\"\nC='$A'\nD=${A}/$B # tail\nA=2\nnothing\nE=\n";
        let file = read(text.as_bytes()).unwrap();
        let value = |key| file.value(key).map(|value| (value.value.as_str(), value.line));
        assert_eq!(value("A"), Some(("2", 6)));
        assert_eq!(value("B"), Some(("x # y", 3)));
        assert_eq!(value("C"), Some(("$A", 4)));
        assert_eq!(value("D"), Some(("1/x # y", 5)));
        assert_eq!(value("E"), Some(("", 8)));
        assert_eq!(value("nothing"), None);
    }

    #[test]
    fn case_96_values_that_double_stay_small() {
        let mut text = "A0=xxxxxxxx\n".to_owned();
        for at in 1..60 {
            text.push_str(&format!("A{at}=$A{0}$A{0}\n", at - 1));
        }
        let file = read(text.as_bytes()).unwrap();
        assert!(file.value("A59").unwrap().value.len() <= LONGEST_VALUE);
    }
}
