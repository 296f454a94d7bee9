//! One walk over the folders on disk. Each is opened once: the index's entries in it are looked at from there, and
//! its listing says what the index does not know.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::directory::{Directory, Facts, Kind, Names};
use super::ignore_rules::{IgnoreRules, Level};
use super::index::IndexEntry;
use super::layout::{Layout, path_of};
use super::{GitEnvironment, GitError};
use crate::path::{RepoPath, is_segment};
use crate::tree::Mode;

/// What the walk found. Ranges and numbers speak of the index's entries. Sorted, but for `looks`.
#[derive(Debug)]
pub(super) struct Walked<L> {
    /// Entries that are on disk just as the index has them.
    pub(super) kept: Vec<Range<usize>>,
    /// What was found out about other entries.
    pub(super) looks: Vec<L>,
    /// Entries that are submodules.
    pub(super) submodules: Vec<usize>,
    /// Entries whose folder is none on disk, or could not be listed: nobody has looked at them.
    pub(super) elsewhere: Vec<Range<usize>>,
    /// Files and symlinks that the index does not know and no rule ignores.
    pub(super) files: Vec<RepoPath>,
    /// Folders that are repositories of their own.
    pub(super) nested: Vec<RepoPath>,
    /// Pipes, sockets and devices, which git passes over.
    pub(super) special: Vec<RepoPath>,
    /// Folders that could not be read, with the reason.
    pub(super) unreadable: Vec<(RepoPath, String)>,
    failure: Option<GitError>,
}

impl<L> Walked<L> {
    fn new() -> Self {
        Self {
            kept: Vec::new(),
            looks: Vec::new(),
            submodules: Vec::new(),
            elsewhere: Vec::new(),
            files: Vec::new(),
            nested: Vec::new(),
            special: Vec::new(),
            unreadable: Vec::new(),
            failure: None,
        }
    }

    fn append(&mut self, mut other: Self) {
        self.kept.append(&mut other.kept);
        self.looks.append(&mut other.looks);
        self.submodules.append(&mut other.submodules);
        self.elsewhere.append(&mut other.elsewhere);
        self.files.append(&mut other.files);
        self.nested.append(&mut other.nested);
        self.special.append(&mut other.special);
        self.unreadable.append(&mut other.unreadable);
        self.failure = self.failure.take().or(other.failure);
    }

    fn keep(&mut self, at: usize) {
        match self.kept.last_mut() {
            Some(last) if last.end == at => last.end += 1,
            _ => self.kept.push(at..at + 1),
        }
    }
}

struct Walk<'a, Look> {
    top: &'a Path,
    directory: Directory,
    environment: &'a GitEnvironment,
    entries: &'a [IndexEntry],
    look: Look,
}

/// A folder to visit.
struct Visit {
    folder: RepoPath,
    /// The entries below it.
    entries: Range<usize>,
    level: Option<Arc<Level>>,
    /// A rule ignores it: only what the index knows counts in it.
    ignored: bool,
}

/// Walks the work tree on all threads. `outer` are the user's rules, the weakest first. `look` is asked about each
/// entry but submodules, with what stands in its place; none says that it is just as the index has it.
pub(super) fn walk<L, Look>(
    top: &Path,
    environment: &GitEnvironment,
    entries: &[IndexEntry],
    outer: Vec<IgnoreRules>,
    look: Look,
) -> Result<Walked<L>, GitError>
where
    L: Send,
    Look: Fn(&IndexEntry, io::Result<Facts>) -> Result<Option<L>, GitError> + Sync,
{
    let directory = match Directory::top(top) {
        Ok(directory) => directory,
        Err(error) => {
            let mut found = Walked::new();
            found.elsewhere.extend((!entries.is_empty()).then_some(0..entries.len()));
            found.unreadable.push((RepoPath::root(), error.to_string()));
            return Ok(found);
        }
    };
    let walk = Walk { top, directory, environment, entries, look };
    let found = Mutex::new(Walked::new());
    let level = Level::outermost(outer);
    let root = Visit { folder: RepoPath::root(), entries: 0..entries.len(), level, ignored: false };
    rayon::scope(|scope| walk.visit(scope, root, &found));
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(failure) = found.failure {
        return Err(failure);
    }
    found.kept.sort_unstable_by_key(|range| range.start);
    found.submodules.sort_unstable();
    found.elsewhere.sort_unstable_by_key(|range| range.start);
    found.files.sort();
    found.nested.sort();
    found.special.sort();
    found.unreadable.sort();
    Ok(found)
}

/// The index's entries in one folder.
struct Known<'a> {
    /// Names, sorted, with whether one is a submodule.
    files: Vec<(&'a [u8], bool)>,
    /// Names of folders, sorted, with the entries below each and whether it is on disk.
    folders: Vec<(&'a [u8], Range<usize>, bool)>,
}

impl<'a, Look> Walk<'a, Look> {
    fn visit<'s, L>(&'s self, scope: &rayon::Scope<'s>, visit: Visit, all: &'s Mutex<Walked<L>>)
    where
        'a: 's,
        L: Send,
        Look: Fn(&IndexEntry, io::Result<Facts>) -> Result<Option<L>, GitError> + Sync,
    {
        let mut found = Walked::new();
        let opened = if visit.folder.is_root() {
            self.directory.names().map(|names| (None, names))
        } else {
            let opened = self.directory.below(visit.folder.as_bytes());
            opened.and_then(|opened| opened.names().map(|names| (Some(opened), names)))
        };
        match opened {
            Err(error) => {
                if !visit.entries.is_empty() {
                    found.elsewhere.push(visit.entries);
                }
                if !visit.ignored {
                    found.unreadable.push((visit.folder, error.to_string()));
                }
            }
            Ok((_, names)) if self.is_nested(&visit, &names) => found.nested.push(visit.folder),
            Ok((opened, names)) => {
                let directory = opened.as_ref().unwrap_or(&self.directory);
                let known = self.known(&visit, directory, &mut found);
                // Nobody else waits for this folder to be closed.
                drop(opened);
                for inner in self.unknown(&visit, &names, known, &mut found) {
                    scope.spawn(move |scope| self.visit(scope, inner, all));
                }
            }
        }
        all.lock().unwrap_or_else(PoisonError::into_inner).append(found);
    }

    /// Looks at the entries that stand in this very folder.
    fn known<L>(&self, visit: &Visit, directory: &Directory, found: &mut Walked<L>) -> Known<'a>
    where
        Look: Fn(&IndexEntry, io::Result<Facts>) -> Result<Option<L>, GitError> + Sync,
    {
        let room = visit.entries.len().min(32);
        let mut known = Known { files: Vec::with_capacity(room), folders: Vec::new() };
        let prefix = prefix(&visit.folder);
        let entries = self.entries;
        let mut at = visit.entries.start;
        while at < visit.entries.end {
            let path = entries[at].path.as_bytes();
            let name = &path[prefix..];
            if let Some(length) = name.iter().position(|&b| b == b'/') {
                let below = &path[..=prefix + length];
                let inside = |entry: &IndexEntry| entry.path.as_bytes().starts_with(below);
                let end = at + entries[at..visit.entries.end].partition_point(inside);
                known.folders.push((&name[..length], at..end, false));
                at = end;
                continue;
            }
            let is_submodule = entries[at].bits == Mode::Submodule.bits();
            known.files.push((name, is_submodule));
            if is_submodule {
                found.submodules.push(at);
            } else {
                match (self.look)(&entries[at], directory.look(name)) {
                    Ok(None) => found.keep(at),
                    Ok(Some(look)) => found.looks.push(look),
                    Err(error) => found.failure = Some(error),
                }
            }
            // A path in conflict has up to three entries and one place on disk.
            at += 1;
            while at < visit.entries.end && entries[at].path.as_bytes() == path {
                at += 1;
            }
        }
        // The index sorts a folder as if its name ended in `/`.
        known.folders.sort_by_key(|(name, ..)| *name);
        known
    }

    /// Finds what the index does not know, and the folders to visit next.
    fn unknown<L>(&self, visit: &Visit, names: &Names, mut known: Known<'_>, found: &mut Walked<L>) -> Vec<Visit> {
        let Visit { folder, ignored, .. } = visit;
        let mut level = visit.level.clone();
        // Git does not follow a `.gitignore` that is a symlink.
        if !ignored && names.iter().any(|(name, kind)| kind == Kind::File && name == b".gitignore") {
            let rules = on_disk(self.top, &folder.child(b".gitignore")).map(|path| IgnoreRules::read(&path));
            level = Level::enter(level, rules.unwrap_or_default(), prefix(folder));
        }
        let mut inner = Vec::new();
        for (name, kind) in names.iter().filter(|(name, _)| name != b".git") {
            let is_folder = kind == Kind::Folder;
            let file = known.files.binary_search_by(|(known, _)| (*known).cmp(name));
            if file.is_ok_and(|at| !is_folder || known.files[at].1) {
                continue;
            }
            let ignores = |path: &RepoPath| Level::ignores(level.as_ref(), path.as_bytes(), is_folder);
            let within = |folder, entries, ignored| Visit { folder, entries, level: level.clone(), ignored };
            if is_folder && let Ok(at) = known.folders.binary_search_by(|(known, ..)| (*known).cmp(name)) {
                let (_, entries, is_on_disk) = &mut known.folders[at];
                *is_on_disk = true;
                let path = folder.child(name);
                let ignored = *ignored || ignores(&path);
                inner.push(within(path, entries.clone(), ignored));
                continue;
            }
            // A folder in the place of a file that git was told of may be a repository. No rule hides that change.
            let is_replaced = is_folder && file.is_ok();
            // Other spellings of `.git` are no content: git refuses to add them.
            if (*ignored && !is_replaced) || !is_segment(name) {
                continue;
            }
            let path = folder.child(name);
            let ignored = *ignored || ignores(&path);
            if ignored && !is_replaced {
                continue;
            }
            match kind {
                Kind::Folder => inner.push(within(path, 0..0, ignored)),
                Kind::File | Kind::Symlink => found.files.push(path),
                Kind::Special => found.special.push(path),
            }
        }
        let absent = known.folders.into_iter().filter(|(.., is_on_disk)| !is_on_disk);
        found.elsewhere.extend(absent.map(|(_, entries, _)| entries));
        inner
    }

    /// Whether a folder with a `.git` in it is a repository of its own: not if the index has files below it.
    fn is_nested(&self, visit: &Visit, names: &Names) -> bool {
        if visit.folder.is_root() || !visit.entries.is_empty() || !names.iter().any(|(name, _)| name == b".git") {
            return false;
        }
        let found = on_disk(self.top, &visit.folder).map(|path| Layout::at(&path, self.environment));
        !matches!(found, None | Some(Ok(None)))
    }
}

/// The length of a folder's path with its `/`.
fn prefix(folder: &RepoPath) -> usize {
    if folder.is_root() { 0 } else { folder.as_bytes().len() + 1 }
}

/// The place of a path on disk; none where the operating system cannot write it.
pub fn on_disk(top: &Path, path: &RepoPath) -> Option<PathBuf> {
    if path.is_root() { Some(top.to_owned()) } else { Some(top.join(path_of(path.as_bytes())?)) }
}
