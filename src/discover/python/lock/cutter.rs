//! Packages of a lockfile as fragments, and how one finds those that another names.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Entries, Lock};
use crate::discover::syntax::Located;
use crate::discover::{FragmentIndex, Fragments};

/// How a package is named, with as much as it takes to mean one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Wanted {
    /// Normalised.
    pub(super) name: String,
    pub(super) version: Option<String>,
    /// Its source in canonical form.
    pub(super) source: Option<Vec<u8>>,
    /// An extra of the package, normalised; without one, the package itself.
    pub(super) extra: Option<String>,
}

impl Wanted {
    /// Every package of a normalised name.
    pub(super) fn named(name: String) -> Self {
        Self { name, version: None, source: None, extra: None }
    }
}

/// Cuts a lockfile into its packages.
#[derive(Default)]
pub(super) struct Cutter {
    pub(super) fragments: Fragments,
    meant: HashMap<Wanted, BTreeSet<FragmentIndex>>,
    choices: HashMap<Wanted, FragmentIndex>,
}

impl Cutter {
    /// Adds what a table says under its keys, but for keys that mean nothing to who installs: `beside` are those of the
    /// table itself, `below` those of all tables in it.
    pub(super) fn add(
        &mut self,
        name: String,
        line: u32,
        table: &Located,
        beside: &[&str],
        below: &[&str],
    ) -> FragmentIndex {
        let said: BTreeMap<&str, Vec<u8>> = table
            .entries()
            .filter(|(key, _)| !beside.contains(&key.text.as_str()))
            .map(|(key, value)| (key.text.as_str(), value.canonical_set(below)))
            .collect();
        let fields: Vec<&[u8]> = said.iter().flat_map(|(key, value)| [key.as_bytes(), value]).collect();
        self.fragments.add(name, line, &fields)
    }

    /// Makes a fragment what a package, or an extra of it, is found by.
    pub(super) fn found_by(&mut self, full: &Wanted, fragment: FragmentIndex) {
        for version in [&full.version, &None] {
            for source in [&full.source, &None] {
                let key = Wanted { version: version.clone(), source: source.clone(), ..full.clone() };
                self.meant.entry(key).or_default().insert(fragment);
            }
        }
    }

    /// The fragment of what is wanted: where several packages may be meant, one that needs them all.
    pub(super) fn find(&mut self, wanted: &Wanted) -> Option<FragmentIndex> {
        let meant = self.meant.get(wanted)?;
        match meant.first() {
            Some(only) if meant.len() == 1 => Some(*only),
            _ => {
                if let Some(choice) = self.choices.get(wanted) {
                    return Some(*choice);
                }
                let Wanted { name, version, extra, .. } = wanted;
                let mut said = format!("any {name}");
                said.extend(version.iter().map(|version| format!(" {version}")));
                said.extend(extra.iter().map(|extra| format!(" [{extra}]")));
                let choice = self.fragments.group(said, 0, meant.iter().copied());
                self.choices.insert(wanted.clone(), choice);
                Some(choice)
            }
        }
    }

    /// Lets a fragment need what is wanted. What is not locked is not installed.
    pub(super) fn need(&mut self, fragment: FragmentIndex, wanted: &Wanted) {
        if let Some(other) = self.find(wanted) {
            self.fragments.need(fragment, other);
        }
    }

    /// What each name of a package means.
    pub(super) fn by_name(&mut self) -> BTreeMap<String, FragmentIndex> {
        let plain = |wanted: &&Wanted| **wanted == Wanted::named(wanted.name.clone());
        let names: BTreeSet<String> = self.meant.keys().filter(plain).map(|wanted| wanted.name.clone()).collect();
        names.into_iter().filter_map(|name| Some((name.clone(), self.find(&Wanted::named(name))?))).collect()
    }

    /// The lockfile that was cut.
    pub(super) fn finish(self, common: FragmentIndex, entries: Entries) -> Lock {
        Lock { fragments: self.fragments.sealed(), common, entries }
    }
}

/// `requests 2.32.3`.
pub(super) fn title(name: &str, version: Option<&str>) -> String {
    version.map_or_else(|| name.to_owned(), |version| format!("{name} {version}"))
}
