//! What a `Cargo.lock` says: which crates from elsewhere need which crates, and what each task has of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::discover::syntax::{Located, Unreadable, read_toml};
use crate::discover::{FragmentIndex, Fragments};

/// The newest version of the format that is known.
const NEWEST: u64 = 4;

/// The facts of one `Cargo.lock`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lockfile {
    /// The packages that come from a registry or from git, and what each depends on. Versions are left aside: packages
    /// that share a name are one.
    external: BTreeMap<String, BTreeSet<String>>,
    /// Its packages; none where the format is newer than what is known.
    pub fragments: Option<Arc<Fragments>>,
    /// The packages of the workspace, by name.
    members: BTreeMap<String, Vec<Locked>>,
}

/// A package of the workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Locked {
    /// What it depends on, whatever for: builds, build scripts and tests.
    pub dependencies: Vec<LockedDependency>,
}

/// A package that a package of the workspace depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockedDependency {
    /// Its name.
    pub package: String,
    /// Its entry.
    pub fragment: FragmentIndex,
    /// Whether it is a package of the workspace too.
    pub is_member: bool,
}

/// A `[[package]]`.
struct Entry<'a> {
    name: &'a str,
    version: &'a str,
    source: Option<&'a str>,
    checksum: Option<&'a str>,
    line: u32,
    dependencies: Vec<&'a str>,
}

impl<'a> Entry<'a> {
    fn of(package: &'a Located) -> Option<Self> {
        let text = |key: &str| package.get(key).and_then(Located::text);
        Some(Self {
            name: text("name")?,
            version: text("version").unwrap_or_default(),
            source: text("source"),
            checksum: text("checksum"),
            line: package.line,
            dependencies: package
                .get("dependencies")
                .into_iter()
                .flat_map(Located::items)
                .filter_map(Located::text)
                .collect(),
        })
    }

    /// How an item of `dependencies` may mean this package.
    fn names(&self) -> [String; 3] {
        let Self { name, version, source, .. } = self;
        let source = source.unwrap_or_default();
        [(*name).to_owned(), format!("{name} {version}"), format!("{name} {version} ({source})")]
    }
}

impl Lockfile {
    /// Reads a `Cargo.lock`.
    pub fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let document = read_toml(bytes)?;
        let packages = document.get("package").into_iter().flat_map(Located::items);
        let entries: Vec<Entry<'_>> = packages.filter_map(Entry::of).collect();
        let mut external: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for entry in entries.iter().filter(|entry| entry.source.is_some()) {
            let names = entry.dependencies.iter().filter_map(|wanted| Some(wanted.split(' ').next()?.to_owned()));
            external.entry(entry.name.to_owned()).or_default().extend(names);
        }
        let version = document.get("version").map_or(Some(1), |version| version.scalar()?.parse().ok());
        let mut lockfile = Self { external, ..Self::default() };
        if version.is_some_and(|version: u64| version <= NEWEST) {
            lockfile.cut(&entries, document.get("metadata"));
        }
        Ok(lockfile)
    }

    /// Makes each package a fragment that needs its dependencies.
    fn cut(&mut self, entries: &[Entry<'_>], metadata: Option<&Located>) {
        let mut fragments = Fragments::default();
        let metadata = metadata.into_iter().flat_map(Located::entries);
        let checksums: HashMap<&str, &Located> = metadata.map(|(key, value)| (key.text.as_str(), value)).collect();
        let mut meant: HashMap<String, Vec<usize>> = HashMap::new();
        let mut places = Vec::with_capacity(entries.len());
        for (number, entry) in entries.iter().enumerate() {
            let [_, name, full] = entry.names();
            // The first version of the format has the checksums in a table of their own.
            let checksum = entry.checksum.or_else(|| checksums.get(format!("checksum {full}").as_str())?.text());
            let said = [entry.source.unwrap_or_default().as_bytes(), checksum.unwrap_or_default().as_bytes()];
            places.push(fragments.add(name, entry.line, &said));
            entry.names().into_iter().for_each(|name| meant.entry(name).or_default().push(number));
        }
        // Cargo says as much as it takes to mean one package. Where it did not, each of them may be meant.
        let mut choices: HashMap<&str, FragmentIndex> = HashMap::new();
        for (entry, place) in entries.iter().zip(&places) {
            let mut locked = Locked::default();
            for wanted in &entry.dependencies {
                let (fragment, package, is_member) = match meant.get(*wanted).map(Vec::as_slice) {
                    None | Some([]) => continue,
                    Some([one]) => (places[*one], entries[*one].name, entries[*one].source.is_none()),
                    Some(several) => {
                        let choice = *choices.entry(wanted).or_insert_with(|| {
                            let choice = fragments.add(format!("any {wanted}"), entry.line, &[]);
                            several.iter().for_each(|one| fragments.need(choice, places[*one]));
                            choice
                        });
                        (choice, entries[several[0]].name, false)
                    }
                };
                fragments.need(*place, fragment);
                locked.dependencies.push(LockedDependency { package: package.to_owned(), fragment, is_member });
            }
            if entry.source.is_none() {
                self.members.entry(entry.name.to_owned()).or_default().push(locked);
            }
        }
        self.fragments = Some(fragments.sealed());
    }

    /// The package of the workspace with this name, if there is exactly one.
    pub fn member(&self, name: &str) -> Option<&Locked> {
        match self.members.get(name)?.as_slice() {
            [member] => Some(member),
            _ => None,
        }
    }

    /// Whether a package from elsewhere reaches the crate `wanted` through packages from elsewhere. One that the
    /// lockfile does not know could reach anything.
    pub fn reaches(&self, from: &str, wanted: &str) -> bool {
        if !self.external.contains_key(from) {
            return true;
        }
        let mut seen = BTreeSet::from([from]);
        let mut pending = vec![from];
        while let Some(name) = pending.pop() {
            for dependency in self.external.get(name).into_iter().flatten() {
                if dependency == wanted {
                    return true;
                }
                if seen.insert(dependency) {
                    pending.push(dependency);
                }
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_from_elsewhere_are_followed_and_crates_of_ours_are_not() {
        let lockfile = Lockfile::read(
            br#"version = 4
[[package]]
name = "ours"
version = "0.1.0"
dependencies = ["far"]
[[package]]
name = "near"
version = "1.0.0"
source = "registry+https://example.com"
dependencies = ["middle 1.0.0", "ours"]
[[package]]
name = "middle"
version = "1.0.0"
source = "registry+https://example.com"
dependencies = ["patched 1.0.0 (registry+https://example.com)", "near"]
"#,
        )
        .unwrap();
        assert!(lockfile.reaches("near", "patched"));
        assert!(!lockfile.reaches("near", "far"));
        assert!(lockfile.reaches("unknown", "far"));
    }
}
