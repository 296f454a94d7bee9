//! Files on disk that the index does not know and no rule ignores.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::GitEnvironment;
use super::ignore_rules::{IgnoreRules, Level};
use super::layout::{Layout, path_of};
use crate::path::RepoPath;

/// What the walk found, each list sorted.
#[derive(Debug, Default)]
pub(super) struct Untracked {
    /// Files and symlinks.
    pub(super) files: Vec<RepoPath>,
    /// Folders that are repositories of their own.
    pub(super) nested: Vec<RepoPath>,
    /// Pipes, sockets and devices, which git passes over.
    pub(super) special: Vec<RepoPath>,
    /// Folders and names that could not be read, with the reason.
    pub(super) unreadable: Vec<(RepoPath, String)>,
}

/// Which paths the index knows, and whether one is a submodule.
pub(super) type Tracked<'a> = HashMap<&'a [u8], bool>;

struct Walk<'a> {
    top: &'a Path,
    environment: &'a GitEnvironment,
    tracked: &'a Tracked<'a>,
    /// The same paths, sorted: whether any lies below a folder.
    sorted: &'a [&'a [u8]],
    found: Mutex<Untracked>,
}

/// Walks the work tree on all threads. `outer` are the user's rules, the weakest first.
pub(super) fn untracked(
    top: &Path,
    environment: &GitEnvironment,
    tracked: &Tracked<'_>,
    outer: Vec<IgnoreRules>,
) -> Untracked {
    let mut sorted: Vec<&[u8]> = tracked.keys().copied().collect();
    sorted.sort_unstable();
    let walk = Walk { top, environment, tracked, sorted: &sorted, found: Mutex::default() };
    let level = Level::outermost(outer);
    rayon::scope(|scope| walk.visit(scope, RepoPath::root(), level));
    let mut found = walk.found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.files.sort();
    found.nested.sort();
    found.special.sort();
    found.unreadable.sort();
    found
}

impl<'a> Walk<'a> {
    fn visit<'s>(&'s self, scope: &rayon::Scope<'s>, folder: RepoPath, level: Option<Arc<Level>>)
    where
        'a: 's,
    {
        let mut found = Untracked::default();
        match self.list(&folder) {
            Err(error) => found.unreadable.push((folder, error.to_string())),
            Ok(listing) if listing.is_repository && self.is_nested(&folder) => found.nested.push(folder),
            Ok(listing) => {
                let prefix = if folder.is_root() { 0 } else { folder.as_bytes().len() + 1 };
                let level = match listing.ignore_file {
                    Some(path) => Level::enter(level, IgnoreRules::read(&path), prefix),
                    None => level,
                };
                for (path, kind) in listing.entries {
                    let is_folder = kind == Some(Kind::Folder);
                    let tracked = self.tracked.get(path.as_bytes());
                    let known = if is_folder { tracked == Some(&true) } else { tracked.is_some() };
                    if known || Level::ignores(level.as_ref(), path.as_bytes(), is_folder) {
                        continue;
                    }
                    match kind {
                        Some(Kind::Folder) => {
                            let level = level.clone();
                            scope.spawn(move |scope| self.visit(scope, path, level));
                        }
                        Some(Kind::File) => found.files.push(path),
                        None => found.special.push(path),
                    }
                }
            }
        }
        let mut all = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        all.files.append(&mut found.files);
        all.nested.append(&mut found.nested);
        all.special.append(&mut found.special);
        all.unreadable.append(&mut found.unreadable);
    }

    fn list(&self, folder: &RepoPath) -> std::io::Result<Listing> {
        let on_disk = on_disk(self.top, folder)
            .ok_or_else(|| std::io::Error::other("the name cannot be written on this operating system"))?;
        let mut listing = Listing { entries: Vec::new(), ignore_file: None, is_repository: false };
        for entry in fs::read_dir(&on_disk)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.as_encoded_bytes();
            if name == b".git" {
                listing.is_repository = true;
                continue;
            }
            let kind = entry.file_type()?;
            // Git does not follow a `.gitignore` that is a symlink.
            if name == b".gitignore" && kind.is_file() {
                listing.ignore_file = Some(entry.path());
            }
            let kind = if kind.is_dir() {
                Some(Kind::Folder)
            } else {
                (kind.is_file() || kind.is_symlink()).then_some(Kind::File)
            };
            // Other spellings of `.git` are no content: git refuses to add them.
            if RepoPath::from_git(name).is_ok() {
                listing.entries.push((folder.child(name), kind));
            }
        }
        Ok(listing)
    }

    /// Whether a folder with a `.git` in it is a repository of its own: not if the index has files below it.
    fn is_nested(&self, folder: &RepoPath) -> bool {
        if folder.is_root() {
            return false;
        }
        let below = [folder.as_bytes(), b"/"].concat();
        let at = self.sorted.partition_point(|path| *path < below.as_slice());
        if self.sorted.get(at).is_some_and(|path| path.starts_with(&below)) {
            return false;
        }
        let found = on_disk(self.top, folder).map(|path| Layout::at(&path, self.environment));
        !matches!(found, None | Some(Ok(None)))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Folder,
    File,
}

struct Listing {
    entries: Vec<(RepoPath, Option<Kind>)>,
    ignore_file: Option<PathBuf>,
    is_repository: bool,
}

/// The place of a path on disk; none where the operating system cannot write it.
pub(super) fn on_disk(top: &Path, path: &RepoPath) -> Option<PathBuf> {
    if path.is_root() { Some(top.to_owned()) } else { Some(top.join(path_of(path.as_bytes())?)) }
}
