//! Catalogs of versions: what a `*.versions.toml` says of each alias. Which aliases scripts name is told by `aliases`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use serde::{Deserialize, Serialize};

use crate::discover::syntax::{Located, Value, read_toml};
use crate::discover::{FragmentIndex, Fragments};

/// What a catalog says, alias by alias.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalog {
    pub(super) fragments: Fragments,
    /// What is said of the catalog itself.
    pub(super) own: Vec<FragmentIndex>,
    /// Its entries, by the words of their accessors: `bundles.a`, `plugins.a`, `versions.a`, and `a` of a library.
    entries: BTreeMap<String, FragmentIndex>,
}

impl Catalog {
    /// Reads a catalog; none where two aliases have one accessor, or where it is no catalog.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let document = read_toml(bytes).ok()?;
        let mut catalog = Self::default();
        let of = |section: &str| document.get(section).into_iter().flat_map(Located::entries);
        for (section, prefix) in
            [("versions", "versions."), ("libraries", ""), ("bundles", "bundles."), ("plugins", "plugins.")]
        {
            for (key, value) in of(section) {
                let name = format!("{section}.{}", key.text);
                let fragment = catalog.fragments.add(name, key.line, &[&value.canonical()]);
                if catalog.entries.insert(format!("{prefix}{}", accessor(&key.text)), fragment).is_some() {
                    return None;
                }
                let version = value.at(&["version", "ref"]).and_then(Located::text);
                let needed = version.map(|version| format!("versions.{}", accessor(version)));
                let libraries = value.items().iter().filter(|_| section == "bundles").filter_map(Located::text);
                for needed in needed.into_iter().chain(libraries.map(accessor)) {
                    if let Some(needed) = catalog.entries.get(&needed) {
                        catalog.fragments.need(fragment, *needed);
                    }
                }
            }
        }
        let known = |key: &str| matches!(key, "versions" | "libraries" | "bundles" | "plugins");
        catalog.own = catalog.fragments.add_table("", &document, known);
        matches!(document.value, Value::Table(_)).then_some(catalog)
    }

    /// The entries that accessors mean; none where one of them means nothing that is known. An accessor may be followed by
    /// calls on what it gives, and it may stop at what several entries begin with.
    pub fn entries_of(&self, accessors: &BTreeSet<String>) -> Option<BTreeSet<FragmentIndex>> {
        let mut found = BTreeSet::new();
        for accessor in accessors {
            let cuts = std::iter::once(accessor.len()).chain(accessor.rmatch_indices('.').map(|(at, _)| at));
            let named = cuts.map(|cut| &accessor[..cut]).find_map(|name| self.entries.get(name));
            let below = format!("{accessor}.");
            let all_below = self.entries.range::<str, _>((Bound::Included(below.as_str()), Bound::Unbounded));
            let all_below = all_below.take_while(|(name, _)| name.starts_with(&below));
            let mut meant = named.into_iter().chain(all_below.map(|(_, entry)| entry)).peekable();
            meant.peek()?;
            found.extend(meant.copied());
        }
        Some(found)
    }

    /// The entries that none of these is or needs.
    pub fn besides(&self, named: &BTreeSet<FragmentIndex>) -> Vec<FragmentIndex> {
        let mut reached = named.clone();
        let mut pending: Vec<FragmentIndex> = named.iter().copied().collect();
        while let Some(entry) = pending.pop() {
            let needs = self.fragments.get(entry).into_iter().flat_map(|fragment| &fragment.needs);
            pending.extend(needs.copied().filter(|need| reached.insert(*need)));
        }
        self.entries.values().copied().filter(|entry| !reached.contains(entry)).collect()
    }
}

/// The words of the accessor of an alias, each of which begins with a small letter.
pub(super) fn accessor(alias: &str) -> String {
    let words = alias.split(['-', '_', '.']).map(|word| {
        let mut characters = word.chars();
        characters.next().into_iter().flat_map(char::to_lowercase).chain(characters).collect::<String>()
    });
    words.collect::<Vec<_>>().join(".")
}
