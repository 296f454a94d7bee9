//! The files of a task as a tree of digests.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use prost::Message as _;

use super::api;
use super::order::text;
use crate::path::RepoPath;
use crate::store::reapi::{Counting, Digest, Uploads, add_bytes};

/// Files on their way into a tree.
pub(super) struct Inputs<'a> {
    work_tree: PathBuf,
    folders: BTreeMap<RepoPath, Folder>,
    uploads: Uploads<'a>,
}

#[derive(Default)]
struct Folder {
    files: BTreeMap<String, api::FileNode>,
    links: BTreeMap<String, api::SymlinkNode>,
}

impl<'a> Inputs<'a> {
    pub(super) fn new(work_tree: &Path) -> Self {
        let folders = BTreeMap::from([(RepoPath::root(), Folder::default())]);
        Self { work_tree: work_tree.to_owned(), folders, uploads: Uploads::new() }
    }

    /// A folder, even if nothing lies in it.
    pub(super) fn folder(&mut self, path: &RepoPath) -> Result<(), String> {
        text(path)?;
        let mut at = Some(path.clone());
        while let Some(folder) = at.filter(|folder| !self.folders.contains_key(folder)) {
            at = folder.parent();
            self.folders.insert(folder, Folder::default());
        }
        Ok(())
    }

    /// A file or a symbolic link, as it is on disk.
    pub(super) fn file(&mut self, path: &RepoPath) -> Result<(), String> {
        self.add(path).map_err(|error| format!("`{path}` cannot be read: {error}"))?
    }

    fn add(&mut self, path: &RepoPath) -> io::Result<Result<(), String>> {
        let place = self.work_tree.join(Path::new(std::ffi::OsStr::from_bytes(path.as_bytes())));
        let metadata = fs::symlink_metadata(&place)?;
        let parent = path.parent().unwrap_or_else(RepoPath::root);
        let told = self.folder(&parent).and_then(|()| text(path));
        let name = match told {
            Ok(text) => text.rsplit('/').next().unwrap_or_default().to_owned(),
            Err(reason) => return Ok(Err(reason)),
        };
        let folder = self.folders.entry(parent).or_default();
        if metadata.is_symlink() {
            let Ok(target) = fs::read_link(&place)?.into_os_string().into_string() else {
                return Ok(Err(format!("`{path}` leads to what is no text")));
            };
            folder.links.insert(name.clone(), api::SymlinkNode { name, target, node_properties: None });
        } else if metadata.is_file() {
            let mut counting = Counting::new(io::sink());
            io::copy(&mut File::open(&place)?, &mut counting)?;
            let digest = counting.digest();
            let is_executable = metadata.permissions().mode() & 0o100 != 0;
            let node = api::FileNode {
                name: name.clone(),
                digest: Some(digest.message()),
                is_executable,
                node_properties: None,
            };
            folder.files.insert(name, node);
            self.uploads.insert(digest, Box::new(move || Ok(Box::new(File::open(&place)?) as Box<dyn Read>)));
        } else if metadata.is_dir() {
            // A submodule, or what became a folder: nobody knows which of its files are meant.
            return Ok(Err(format!("`{path}` is a folder")));
        } else {
            return Ok(Err(format!("`{path}` is no file")));
        }
        Ok(Ok(()))
    }

    /// Everything below a path, which need not be there.
    pub(super) fn all_below(&mut self, path: &RepoPath) -> Result<(), String> {
        let unreadable = |path: &RepoPath, error: io::Error| format!("`{path}` cannot be read: {error}");
        let mut pending = vec![path.clone()];
        while let Some(path) = pending.pop() {
            let place = self.work_tree.join(Path::new(std::ffi::OsStr::from_bytes(path.as_bytes())));
            match fs::symlink_metadata(&place) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(unreadable(&path, error)),
                Ok(metadata) if !metadata.is_dir() => {
                    self.file(&path)?;
                    continue;
                }
                Ok(_) => self.folder(&path)?,
            }
            for entry in fs::read_dir(&place).map_err(|error| unreadable(&path, error))? {
                let name = entry.map_err(|error| unreadable(&path, error))?.file_name();
                if name != ".git" {
                    pending.push(path.child(name.as_bytes()));
                }
            }
        }
        Ok(())
    }

    /// The digest of the tree, and all that a server has to have of it.
    pub(super) fn finish(mut self) -> (Digest, Uploads<'a>) {
        let mut below: BTreeMap<RepoPath, Vec<api::DirectoryNode>> = BTreeMap::new();
        let mut root = Digest::of(&[]);
        // What lies below a folder comes after it in this order.
        for (path, folder) in self.folders.into_iter().rev() {
            let mut directories = below.remove(&path).unwrap_or_default();
            directories.sort_unstable_by(|one, other| one.name.cmp(&other.name));
            let directory = api::Directory {
                files: folder.files.into_values().collect(),
                symlinks: folder.links.into_values().collect(),
                directories,
                node_properties: None,
            };
            let digest = add_bytes(&mut self.uploads, directory.encode_to_vec());
            match (path.parent(), path.name()) {
                (Some(parent), Some(name)) => {
                    let name = String::from_utf8_lossy(name).into_owned();
                    below.entry(parent).or_default().push(api::DirectoryNode { name, digest: Some(digest.message()) });
                }
                _ => root = digest,
            }
        }
        (root, self.uploads)
    }
}
