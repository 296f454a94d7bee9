//! Lockfiles that are lists of named entries, each of which needs others by name: what most of them come down to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::fragments::{FragmentIndex, Fragments, SliceClaim};
use crate::diagnostic::Evidence;
use crate::path::RepoPath;

/// The entries of one lockfile.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Locked {
    /// The entries as fragments.
    pub fragments: Arc<Fragments>,
    places: BTreeMap<String, FragmentIndex>,
}

/// One entry as it was read.
#[derive(Debug, Clone, Default)]
pub(super) struct LockedEntry {
    /// The name that others need it by.
    pub name: String,
    /// The line, counted from 1.
    pub line: u32,
    /// What it says: version, source, checksum.
    pub said: Vec<String>,
    /// The names of what it needs.
    pub needs: Vec<String>,
}

/// All entries of one name.
#[derive(Default)]
struct Joined {
    line: u32,
    said: BTreeSet<Vec<String>>,
    needs: BTreeSet<String>,
}

impl Locked {
    /// Joins entries by their names. Several of one name, such as one for each platform, count as one.
    pub fn of(entries: Vec<LockedEntry>) -> Self {
        let mut by_name: BTreeMap<String, Joined> = BTreeMap::new();
        for entry in entries {
            let joined = by_name.entry(entry.name).or_default();
            if joined.line == 0 {
                joined.line = entry.line;
            }
            joined.said.insert(entry.said);
            joined.needs.extend(entry.needs);
        }
        let mut fragments = Fragments::default();
        let mut places = BTreeMap::new();
        for (name, Joined { line, said, .. }) in &by_name {
            let count = said.len().to_string();
            let mut fields: Vec<&[u8]> = vec![count.as_bytes()];
            let counts: Vec<String> = said.iter().map(|one| one.len().to_string()).collect();
            for (one, count) in said.iter().zip(&counts) {
                fields.push(count.as_bytes());
                fields.extend(one.iter().map(|field| field.as_bytes()));
            }
            places.insert(name.clone(), fragments.add(name.clone(), *line, &fields));
        }
        for (name, Joined { needs, .. }) in &by_name {
            for needed in needs.iter().filter_map(|needed| places.get(needed)) {
                fragments.need(places[name], *needed);
            }
        }
        Self { fragments: fragments.sealed(), places }
    }

    /// The names of all entries.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(String::as_str)
    }

    /// Whether there is an entry of this name.
    pub fn has(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }

    /// The entries of these names; none where one of them is not known.
    pub fn claims<'a>(&self, file: &RepoPath, names: impl IntoIterator<Item = &'a str>) -> Option<Vec<SliceClaim>> {
        let evidence = Evidence::new(file, 0, "");
        let names: BTreeSet<&str> = names.into_iter().collect();
        let claim = |name: &str| {
            let fragment = *self.places.get(name)?;
            Some(SliceClaim { file: file.clone(), fragment, evidence: evidence.clone() })
        };
        names.into_iter().map(claim).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, said: &str, needs: &[&str]) -> LockedEntry {
        let needs = needs.iter().map(|name| (*name).to_owned()).collect();
        LockedEntry { name: name.to_owned(), line: 1, said: vec![said.to_owned()], needs }
    }

    fn slice(entries: Vec<LockedEntry>, name: &str) -> super::super::FragmentDigest {
        let locked = Locked::of(entries);
        locked.fragments.slices()[locked.places[name].number()]
    }

    #[test]
    fn case_91_several_entries_of_one_name_are_one() {
        let of = |said: &str| vec![entry("a", "linux", &["b"]), entry("a", said, &[]), entry("b", "1", &[])];
        let mut turned = of("darwin");
        turned.reverse();
        assert_eq!(slice(of("darwin"), "a"), slice(turned, "a"));
        assert_ne!(slice(of("darwin"), "a"), slice(of("windows"), "a"));
        assert_eq!(slice(of("darwin"), "b"), slice(of("windows"), "b"));
    }

    #[test]
    fn a_name_that_is_not_locked_leaves_the_claims_open() {
        let locked = Locked::of(vec![entry("a", "1", &["gone"])]);
        let file = RepoPath::root().child(b"x.lock");
        assert_eq!(locked.claims(&file, ["a"]).map(|claims| claims.len()), Some(1));
        assert_eq!(locked.claims(&file, ["a", "b"]), None);
    }
}
