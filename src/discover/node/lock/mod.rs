//! What lockfiles say: which entry each package of the workspace depends on, and which entries those need.
//!
//! One file for each format; all of them give one shape. Where a format leaves open which entry is meant, each that may
//! be is needed.

mod berry;
mod bun;
mod classic;
mod indented;
mod npm;
mod pnpm;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::package::{Dependency, TABLES};
use crate::discover::syntax::{Located, Unreadable, read_json, text_of};
use crate::discover::{FragmentIndex, Fragments};

/// Lockfiles that are read in slices. `bun.lockb` is binary, and counts as a whole.
pub(super) const READ: [&str; 5] =
    ["package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock"];

/// What one lockfile says.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::discover) struct Lock {
    /// Its entries; none where the format is not known.
    pub fragments: Option<Arc<Fragments>>,
    /// What counts for every package that it governs.
    pub common: Option<FragmentIndex>,
    /// The packages of the workspace, by folder from the lockfile's on.
    importers: BTreeMap<String, Importer>,
    /// What `name@range`, or a name alone, leads to, in formats that do not name the packages of the workspace.
    requests: Option<BTreeMap<String, FragmentIndex>>,
    /// Patch files, by their paths from the lockfile's folder on, and the entries that are patched with each.
    pub patches: BTreeMap<String, Vec<FragmentIndex>>,
}

/// A package of the workspace.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::discover) struct Importer {
    /// All that comes from elsewhere.
    pub external: FragmentIndex,
    /// That, and the same of every package of the workspace that it depends on, directly or not.
    pub linked: FragmentIndex,
    /// The folders of the packages of the workspace that it depends on.
    pub members: Vec<String>,
}

impl Lock {
    /// Reads a lockfile.
    pub(super) fn read(name: &[u8], bytes: &[u8]) -> Result<Self, Unreadable> {
        let lock = match name {
            b"pnpm-lock.yaml" => pnpm::read(&indented::read_documents(bytes)?),
            b"yarn.lock" if berry::is_meant(text_of(bytes)?) => {
                indented::read_documents(bytes)?.last().and_then(berry::read)
            }
            b"yarn.lock" => classic::read(text_of(bytes)?)?,
            b"bun.lock" => bun::read(&read_json(bytes)?),
            _ => npm::read(bytes)?,
        };
        Ok(lock.unwrap_or_default())
    }

    /// The package of the workspace with this folder.
    pub(super) fn importer(&self, folder: &str) -> Option<&Importer> {
        self.importers.get(folder)
    }

    /// Whether the entries of a package are found by what it asks for, and not by its folder.
    pub(super) fn goes_by_requests(&self) -> bool {
        self.requests.is_some()
    }

    /// The entry that a dependency leads to; none if nothing here has its name.
    pub(super) fn request(&self, Dependency { name, wanted }: &Dependency) -> Option<FragmentIndex> {
        let requests = self.requests.as_ref()?;
        requests.get(&format!("{name}@{}", wanted.value)).or_else(|| requests.get(name)).copied()
    }
}

/// What a dependency leads to.
enum Led {
    /// To an entry.
    Entry(FragmentIndex),
    /// To the package of the workspace with this folder.
    Member(String),
}

/// A lockfile while it is cut.
#[derive(Default)]
struct Cutter {
    fragments: Fragments,
    common: Vec<FragmentIndex>,
    importers: BTreeMap<String, Importer>,
    patches: BTreeMap<String, Vec<FragmentIndex>>,
}

impl Cutter {
    /// Adds an entry that says all under these keys but the inert.
    fn entry(&mut self, name: &str, line: u32, says: &Located, inert: &[&str]) -> FragmentIndex {
        self.fragments.add(name, line, &[&says.canonical_without(|key| inert.contains(&key))])
    }

    /// Adds what counts for every package: all keys of the document but these.
    fn common(&mut self, document: &Located, known: &[&str]) {
        let added = self.fragments.add_table("", document, |key| known.contains(&key));
        self.common.extend(added);
    }

    /// Adds a package of the workspace, whose dependencies are led later.
    fn importer(&mut self, folder: &str, line: u32, said: &[u8]) {
        let folder = normal(folder);
        let shown = if folder.is_empty() { "." } else { folder };
        let external = self.fragments.add(shown, line, &[said]);
        let linked = self.fragments.group(format!("{shown} with members"), line, [external]);
        self.importers.entry(folder.to_owned()).or_insert(Importer { external, linked, members: Vec::new() });
    }

    /// Whether there is a package of the workspace with this folder.
    fn has_importer(&self, folder: &str) -> bool {
        self.importers.contains_key(normal(folder))
    }

    /// Lets a package of the workspace depend on something.
    fn lead(&mut self, folder: &str, led: Led) {
        let other = match &led {
            Led::Member(member) => self.importers.get(normal(member)).map(|importer| importer.linked),
            Led::Entry(_) => None,
        };
        let Some(importer) = self.importers.get_mut(normal(folder)) else { return };
        match (led, other) {
            (Led::Entry(entry), _) => self.fragments.need(importer.external, entry),
            (Led::Member(member), Some(other)) => {
                self.fragments.need(importer.linked, other);
                importer.members.push(normal(&member).to_owned());
            }
            (Led::Member(_), None) => {}
        }
    }

    /// Lets an entry depend on something.
    fn need(&mut self, entry: FragmentIndex, led: &Led) {
        let needed = match led {
            Led::Entry(other) => Some(*other),
            Led::Member(folder) => self.importers.get(normal(folder)).map(|importer| importer.linked),
        };
        if let Some(needed) = needed {
            self.fragments.need(entry, needed);
        }
    }

    fn finish(mut self, requests: Option<BTreeMap<String, FragmentIndex>>) -> Lock {
        let common = match self.common.len() {
            0 => None,
            _ => Some(self.fragments.group("settings", 0, self.common)),
        };
        let (fragments, importers) = (Some(self.fragments.sealed()), self.importers);
        Lock { fragments, common, importers, requests, patches: self.patches }
    }
}

/// The lockfile's own folder is written as `.` or as nothing.
fn normal(folder: &str) -> &str {
    let folder = folder.strip_prefix("./").unwrap_or(folder);
    if folder == "." { "" } else { folder }
}

/// The names and ranges under the tables of dependencies, of whatever kind.
fn dependencies(entry: &Located) -> impl Iterator<Item = (&str, &Located)> {
    let tables = TABLES.iter().filter_map(|table| entry.get(table));
    tables.flat_map(Located::entries).map(|(key, value)| (key.text.as_str(), value))
}

/// The package of a descriptor such as `@scope/name@npm:^1`.
fn name_of(descriptor: &str) -> Option<&str> {
    let at = descriptor.char_indices().skip(1).find(|(_, c)| *c == '@')?.0;
    Some(&descriptor[..at])
}

/// Entries by what they are asked for, and by their names alone.
#[derive(Default)]
struct Requests {
    exact: BTreeMap<String, FragmentIndex>,
    named: BTreeMap<String, Vec<FragmentIndex>>,
}

impl Requests {
    /// An entry answers each of these descriptors.
    fn answer<'k>(&mut self, descriptors: impl IntoIterator<Item = &'k str>, entry: FragmentIndex) {
        for descriptor in descriptors {
            if let Some(name) = name_of(descriptor) {
                let named = self.named.entry(name.to_owned()).or_default();
                if named.last() != Some(&entry) {
                    named.push(entry);
                }
            }
            self.exact.entry(descriptor.to_owned()).or_insert(entry);
        }
    }

    /// What a name alone may mean: its one entry, or a fragment that needs all of them.
    fn any(&self, fragments: &mut Fragments) -> BTreeMap<String, FragmentIndex> {
        let choice = |(name, entries): (&String, &Vec<FragmentIndex>)| {
            let any = match entries.as_slice() {
                [one] => *one,
                several => fragments.group(format!("any {name}"), 0, several.iter().copied()),
            };
            (name.clone(), any)
        };
        self.named.iter().map(choice).collect()
    }
}
