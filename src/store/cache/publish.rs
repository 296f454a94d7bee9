//! Changing a work tree so that every change can be taken back.

use std::io;

use super::CacheError;
use super::folder::{Folder, Kind};
use super::staging::Staging;
use crate::path::RepoPath;

/// The folders on the way to a path, open, so that those of the next path need not be opened again.
pub(super) struct Trail {
    open: Vec<(Vec<u8>, Folder)>,
}

impl Trail {
    pub(super) fn new() -> Self {
        Self { open: Vec::new() }
    }

    /// Opens the folder that a path lies in, one segment at a time and through no symlink.
    pub(super) fn open<'a>(&'a mut self, top: &'a Folder, path: &RepoPath) -> Result<&'a Folder, CacheError> {
        self.descend(top, path, |folder, name, at| folder.open(name).map_err(CacheError::at(at)))
    }

    /// As [`Trail::open`], with another way to open a folder in one that is open.
    fn descend<'a>(
        &'a mut self,
        top: &'a Folder,
        path: &RepoPath,
        mut enter: impl FnMut(&Folder, &[u8], &RepoPath) -> Result<Folder, CacheError>,
    ) -> Result<&'a Folder, CacheError> {
        let Some(parent) = path.parent() else { return Ok(top) };
        let shared = self.open.iter().zip(parent.segments()).take_while(|((name, _), segment)| name == segment).count();
        self.open.truncate(shared);
        let mut at = RepoPath::root();
        for (depth, name) in parent.segments().enumerate() {
            at = at.child(name);
            if depth >= shared {
                let above = self.open.last().map_or(top, |(_, folder)| folder);
                let folder = enter(above, name, &at)?;
                self.open.push((name.to_vec(), folder));
            }
        }
        Ok(self.open.last().map_or(top, |(_, folder)| folder))
    }
}

/// What was done to the work tree, and what takes it back.
enum Change {
    /// Something was put where nothing was.
    Placed(RepoPath),
    /// Something was put where something else was, which has this name in the staging folder now.
    Exchanged(RepoPath, String),
    /// Something was moved to this name in the staging folder.
    Moved(RepoPath, String),
    /// A folder was made.
    Made(RepoPath),
    /// An empty folder was removed.
    Removed(RepoPath),
}

/// A work tree that is being changed. Unless the changes are accepted, they are taken back when this is dropped.
pub(super) struct Publisher<'a> {
    tree: &'a Folder,
    pub(super) staging: Staging,
    trail: Trail,
    changes: Vec<Change>,
    /// Whether what stands at a path is an output and not git's.
    may_clear: &'a dyn Fn(&RepoPath) -> bool,
}

impl<'a> Publisher<'a> {
    pub(super) fn new(tree: &'a Folder, staging: Staging, may_clear: &'a dyn Fn(&RepoPath) -> bool) -> Self {
        Self { tree, staging, trail: Trail::new(), changes: Vec::new(), may_clear }
    }

    /// Whether what stands at a path may be removed.
    pub(super) fn may_clear(&self, path: &RepoPath) -> bool {
        (self.may_clear)(path)
    }

    /// Takes a file or a symlink out of the work tree.
    pub(super) fn clear(&mut self, path: &RepoPath) -> Result<(), CacheError> {
        let aside = self.staging.name();
        let folder = self.trail.open(self.tree, path)?;
        let name = path.name().unwrap_or_default();
        match folder.place(name, self.staging.folder(), aside.as_bytes()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            moved => moved.map_err(CacheError::at(path))?,
        }
        self.changes.push(Change::Moved(path.clone(), aside));
        Ok(())
    }

    /// Removes a folder if nothing is in it.
    pub(super) fn clear_folder(&mut self, path: &RepoPath) -> Result<bool, CacheError> {
        let folder = self.trail.open(self.tree, path)?;
        match folder.remove_folder(path.name().unwrap_or_default()) {
            Ok(()) => {
                self.changes.push(Change::Removed(path.clone()));
                Ok(true)
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotFound) => {
                Ok(false)
            }
            Err(error) => Err(CacheError::at(path)(error)),
        }
    }

    /// Puts a staged file or symlink at its path, instead of the file or symlink that it replaces.
    pub(super) fn put(&mut self, staged: &str, path: &RepoPath, replaces: bool) -> Result<(), CacheError> {
        self.open_or_make(path)?;
        let folder = self.trail.open(self.tree, path)?;
        let name = path.name().unwrap_or_default();
        match self.staging.folder().place(staged.as_bytes(), folder, name) {
            Ok(()) => {
                self.changes.push(Change::Placed(path.clone()));
                return Ok(());
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(CacheError::at(path)(error)),
        }
        // What was not seen before is somebody's who writes here at the same time, or another output, where the file
        // system takes two names for one.
        if !replaces || folder.look(name).is_ok_and(|facts| facts.kind == Kind::Folder) {
            return Err(CacheError::InTheWay { path: path.clone() });
        }
        match self.staging.folder().exchange(staged.as_bytes(), folder, name) {
            Ok(()) => {
                self.changes.push(Change::Exchanged(path.clone(), staged.to_owned()));
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                self.clear(path)?;
                let folder = self.trail.open(self.tree, path)?;
                let placed = self.staging.folder().place(staged.as_bytes(), folder, name);
                placed.map_err(CacheError::at(path))?;
                self.changes.push(Change::Placed(path.clone()));
                Ok(())
            }
            Err(error) => Err(CacheError::at(path)(error)),
        }
    }

    /// Sees to it that a folder is there.
    pub(super) fn put_folder(&mut self, path: &RepoPath) -> Result<(), CacheError> {
        // The folder that anything in it would lie in.
        self.open_or_make(&path.child(b"-"))
    }

    /// Makes the folders that a path lies in, as far as they are not there. What is in the way of one goes if it may.
    fn open_or_make(&mut self, path: &RepoPath) -> Result<(), CacheError> {
        let Self { tree, staging, trail, changes, may_clear } = self;
        trail.descend(tree, path, |above, name, at| {
            match above.open(name) {
                Ok(folder) => return Ok(folder),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) if !above.look(name).is_ok_and(|facts| facts.kind != Kind::Folder) => {
                    return Err(CacheError::at(at)(error));
                }
                Err(_) if !may_clear(at) => return Err(CacheError::InTheWay { path: at.clone() }),
                Err(_) => {
                    let aside = staging.name();
                    let moved = above.place(name, staging.folder(), aside.as_bytes());
                    moved.map_err(CacheError::at(at))?;
                    changes.push(Change::Moved(at.clone(), aside));
                }
            }
            match above.make(name) {
                Ok(()) => changes.push(Change::Made(at.clone())),
                // Another task's outputs lie there, too.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(CacheError::at(at)(error)),
            }
            above.open(name).map_err(CacheError::at(at))
        })?;
        Ok(())
    }

    /// Leaves the work tree as it is now.
    pub(super) fn accept(mut self) {
        self.changes.clear();
    }
}

impl Drop for Publisher<'_> {
    /// Takes back what was done, the last first. What cannot be taken back is passed by.
    fn drop(&mut self) {
        let staging = self.staging.folder();
        while let Some(change) = self.changes.pop() {
            let (Change::Placed(path)
            | Change::Exchanged(path, _)
            | Change::Moved(path, _)
            | Change::Made(path)
            | Change::Removed(path)) = &change;
            // Folders that were open may have been removed meanwhile.
            let mut trail = Trail::new();
            let Ok(folder) = trail.open(self.tree, path) else { continue };
            let name = path.name().unwrap_or_default();
            let _ = match &change {
                Change::Placed(_) => folder.remove(name),
                Change::Exchanged(_, aside) => staging.replace(aside.as_bytes(), folder, name),
                Change::Moved(_, aside) => staging.place(aside.as_bytes(), folder, name),
                Change::Made(_) => folder.remove_folder(name),
                Change::Removed(_) => folder.make(name),
            };
        }
    }
}
