//! Patches of packages: which entries of a lockfile need what each of them patches.

use super::lock::Lock;
use crate::discover::FragmentIndex;
use crate::path::RepoPath;

/// How many patches of one lockfile are told apart.
const MOST_PATCHES: usize = 256;

/// The patches of one lockfile.
#[derive(Default)]
pub(super) struct Patches(Vec<Patch>);

struct Patch {
    file: RepoPath,
    /// For each entry whether it needs what is patched.
    needed_by: Vec<bool>,
}

impl Patches {
    /// The patches of a lockfile in this folder.
    pub(super) fn of(folder: &RepoPath, lock: &Lock) -> Self {
        let Some(fragments) = lock.fragments.as_ref().filter(|_| !lock.patches.is_empty()) else {
            return Self::default();
        };
        if lock.patches.len() > MOST_PATCHES {
            return Self::default();
        }
        let mut needed_by: Vec<Vec<FragmentIndex>> = Vec::new();
        needed_by.resize_with(fragments.iter().count(), Vec::new);
        for (at, fragment) in fragments.iter() {
            for need in &fragment.needs {
                if let Some(needing) = needed_by.get_mut(need.number()) {
                    needing.push(at);
                }
            }
        }
        let patch = |(path, entries): (&String, &Vec<FragmentIndex>)| {
            let file = folder.resolve(path.as_bytes()).ok()?;
            let mut reached = vec![false; needed_by.len()];
            let mut pending = entries.clone();
            while let Some(entry) = pending.pop() {
                if let Some(reached) = reached.get_mut(entry.number())
                    && !std::mem::replace(reached, true)
                {
                    pending.extend(&needed_by[entry.number()]);
                }
            }
            Some(Patch { file, needed_by: reached })
        };
        Self(lock.patches.iter().filter_map(patch).collect())
    }

    /// The patches that none of these entries needs.
    pub(super) fn unneeded<'p>(&'p self, entries: &'p [FragmentIndex]) -> impl Iterator<Item = &'p RepoPath> {
        let is_needed =
            |patch: &Patch| entries.iter().any(|entry| patch.needed_by.get(entry.number()).copied().unwrap_or(true));
        self.0.iter().filter(move |patch| !is_needed(patch)).map(|patch| &patch.file)
    }
}
