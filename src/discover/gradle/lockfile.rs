//! Lockfiles of Gradle: for each module the configurations that it was resolved in. There is no graph in them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::facts::is_for_tests;
use crate::discover::syntax::text_of;
use crate::discover::{FragmentIndex, Fragments};

/// What a lockfile says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lockfile {
    pub(super) fragments: Fragments,
    /// What is locked in configurations that are not of tests.
    pub(super) build: FragmentIndex,
    /// What is locked in configurations of tests.
    pub(super) test: FragmentIndex,
}

/// The versions of a module, each with its configurations.
type Versions<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

impl Lockfile {
    /// Reads a lockfile of this name; none where a line is no entry. One for a single configuration is named after it.
    pub fn read(name: &str, bytes: &[u8]) -> Option<Self> {
        let configuration = name.strip_suffix(".lockfile")?;
        let mut by_module: [BTreeMap<&str, (u32, Versions<'_>)>; 2] = Default::default();
        for (number, line) in text_of(bytes).ok()?.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (locked, configurations) = line.split_once('=').unwrap_or((line, configuration));
            let (module, version) = match locked {
                "empty" => ("empty", ""),
                _ => locked.rsplit_once(':').filter(|(module, _)| module.contains(':'))?,
            };
            let configurations = configurations.split(',').map(str::trim).filter(|name| !name.is_empty());
            for configuration in configurations {
                let entries = &mut by_module[usize::from(is_for_tests(configuration))];
                let (_, versions) = entries.entry(module).or_insert((number as u32 + 1, Versions::new()));
                versions.entry(version).or_default().insert(configuration);
            }
        }
        let mut fragments = Fragments::default();
        let [build, test] = [("", "locked"), (" in tests", "locked for tests")].map(|(suffix, all)| {
            let entries = &by_module[usize::from(!suffix.is_empty())];
            let said = entries.iter().map(|(module, (line, versions))| {
                let count = |configurations: &BTreeSet<&str>| configurations.len().to_string();
                let counts: Vec<String> = versions.values().map(count).collect();
                let mut fields: Vec<&[u8]> = Vec::new();
                for ((version, configurations), count) in versions.iter().zip(&counts) {
                    fields.extend([version.as_bytes(), count.as_bytes()]);
                    fields.extend(configurations.iter().map(|name| name.as_bytes()));
                }
                fragments.add(format!("{module}{suffix}"), *line, &fields)
            });
            let said: Vec<FragmentIndex> = said.collect();
            fragments.group(all, 1, said)
        });
        Some(Self { fragments, build, test })
    }
}
