//! Where files of Gradle lie, whatever they say.

use std::collections::{BTreeMap, BTreeSet};

use crate::path::RepoPath;

/// The folders with files of Gradle.
pub(super) struct Grounds<'g> {
    pub settings: &'g BTreeMap<RepoPath, RepoPath>,
    pub scripts: &'g BTreeSet<RepoPath>,
    pub by_name: &'g BTreeMap<&'g [u8], Vec<&'g RepoPath>>,
}

impl Grounds<'_> {
    pub fn is_ground(&self, folder: &RepoPath) -> bool {
        self.settings.contains_key(folder) || self.scripts.contains(folder)
    }

    /// Whether the settings in a folder are the nearest above another folder.
    fn is_of(&self, folder: &RepoPath, build: &RepoPath) -> bool {
        folder.ancestors().find(|above| self.settings.contains_key(above)).is_some_and(|nearest| nearest == *build)
    }

    /// The folders with build scripts that may be projects of a build.
    pub fn scripts_of<'g>(&'g self, build: &'g RepoPath) -> impl Iterator<Item = &'g RepoPath> {
        let after = self.scripts.range(build.clone()..);
        let below = after.take_while(move |folder| folder.as_bytes().starts_with(build.as_bytes()));
        below.filter(move |folder| {
            let below = folder.below(build).filter(|below| !below.is_root());
            below.is_some_and(|below| !below.segments().any(|name| matches!(name, b"src" | b"buildSrc" | b"testdata")))
                && self.is_of(folder, build)
        })
    }

    /// The one project of a name below a build.
    pub fn named(&self, build: &RepoPath, name: &str) -> Option<RepoPath> {
        let candidates = self.by_name.get(name.as_bytes())?;
        let mut below = candidates.iter().filter(|folder| folder.is_within(build) && self.is_of(folder, build));
        match (below.next(), below.next()) {
            (Some(folder), None) => Some((*folder).clone()),
            _ => None,
        }
    }
}
