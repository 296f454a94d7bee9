//! The cache on real folders.

mod damage;
mod leftovers;
mod restore;
mod sharing;

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;

/// A work tree and a cache beside it.
struct Place {
    folder: tempfile::TempDir,
    cache: Cache,
}

fn path(bytes: impl AsRef<[u8]>) -> RepoPath {
    RepoPath::from_git(bytes.as_ref()).unwrap()
}

fn key(number: u8) -> ResultKey {
    ResultKey([number; 32])
}

fn patterns(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// All that is below a folder: mode and content of files, targets of symlinks, folders.
fn listing(folder: &Path) -> Vec<(Vec<u8>, String)> {
    fn add(folder: &Path, top: &Path, found: &mut Vec<(Vec<u8>, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let name = path.strip_prefix(top).unwrap().as_os_str().as_bytes().to_vec();
            let says = if metadata.is_dir() {
                add(&path, top, found);
                "folder".to_owned()
            } else if metadata.is_symlink() {
                format!("to {}", fs::read_link(&path).unwrap().display())
            } else if metadata.is_file() {
                let executable = metadata.permissions().mode() & 0o100 != 0;
                format!("{executable} {}", blake3::hash(&fs::read(&path).unwrap()))
            } else {
                "special".to_owned()
            };
            found.push((name, says));
        }
    }
    let mut found = Vec::new();
    add(folder, folder, &mut found);
    found.sort();
    found
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["tree", "git"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let cache = Cache::beside(&folder.path().join("git"));
        Self { folder, cache }
    }

    fn tree(&self) -> PathBuf {
        self.folder.path().join("tree")
    }

    fn write(&self, file: &str, bytes: impl AsRef<[u8]>) {
        let file = self.tree().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }

    fn link(&self, target: &str, at: &str) {
        let at = self.tree().join(at);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        symlink(target, at).unwrap();
    }

    fn empty_tree(&self) {
        fs::remove_dir_all(self.tree()).unwrap();
        fs::create_dir(self.tree()).unwrap();
    }

    fn printed(&self, bytes: &[u8]) -> PathBuf {
        let file = self.folder.path().join("printed");
        fs::write(&file, bytes).unwrap();
        file
    }

    /// Keeps what the project in folder `svc` has written.
    fn keep(&self, number: u8, outputs: &[&str]) -> Result<Kept, CacheError> {
        let printed = self.printed(b"compiled\n");
        let ending = Ending { duration: Duration::from_millis(1500), attempts: 2, printed: &printed };
        let outputs = [Outputs { folder: &path("svc"), patterns: &patterns(outputs) }];
        self.cache.keep(&key(number), &self.tree(), &outputs, &ending)
    }

    fn restore(&self, number: u8, outputs: &[&str]) -> Result<Restored, CacheError> {
        self.restore_beside(number, outputs, &[])
    }

    /// Restores where git has these files.
    fn restore_beside(&self, number: u8, outputs: &[&str], sources: &[&str]) -> Result<Restored, CacheError> {
        let result = self.cache.find(&key(number)).ok_or(CacheError::Missing)?;
        let outputs = [Outputs { folder: &path("svc"), patterns: &patterns(outputs) }];
        let is_source = |path: &RepoPath| sources.iter().any(|source| source.as_bytes() == path.as_bytes());
        self.cache.restore(&result, &self.tree(), &outputs, &is_source)
    }

    /// The files of the cache with their bytes' places, without what says when they were used.
    fn files(&self, below: &str) -> Vec<PathBuf> {
        let folder = self.cache.folder().join(below);
        let mut files: Vec<_> = listing(&folder)
            .into_iter()
            .map(|(name, _)| folder.join(std::ffi::OsStr::from_bytes(&name)))
            .filter(|file| file.is_file())
            .collect();
        files.sort();
        files
    }

    /// Nothing is left of what was being written.
    fn is_tidy(&self) -> bool {
        listing(&self.cache.folder().join("unfinished")).is_empty()
            && !listing(&self.tree()).iter().any(|(name, _)| name.starts_with(b".knockon"))
    }
}
