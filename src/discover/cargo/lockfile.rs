//! What a `Cargo.lock` says about which crates from elsewhere need which crates.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::discover::syntax::{Located, Unreadable, read_toml};

/// The facts of one `Cargo.lock`: the packages that come from a registry or from git, and what each depends on.
/// Versions are left aside: packages that share a name are one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lockfile {
    external: BTreeMap<String, BTreeSet<String>>,
}

impl Lockfile {
    /// Reads a `Cargo.lock`.
    pub fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let document = read_toml(bytes)?;
        let mut external: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for package in document.get("package").into_iter().flat_map(Located::items) {
            let Some(name) = package.get("name").and_then(Located::text) else { continue };
            if package.get("source").is_none() {
                continue;
            }
            let dependencies = package.get("dependencies").into_iter().flat_map(Located::items);
            // An entry is a name, then a version and a source where the name alone is not enough.
            let names = dependencies.filter_map(|entry| Some(entry.text()?.split(' ').next()?.to_owned()));
            external.entry(name.to_owned()).or_default().extend(names);
        }
        Ok(Self { external })
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
