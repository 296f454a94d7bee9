//! Restoring a result: everything is read, digested and staged before the first change to the work tree.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::Path;

use super::content::{Content as Bytes, write};
use super::folder::{Folder, Kind};
use super::layout::{Layout, UNFINISHED, blob_name};
use super::manifest::{Blob, Content, Entry};
use super::outputs::{Declared, Found};
use super::publish::{Publisher, Trail};
use super::staging::{IN_WORK_TREE, Staging, sweep};
use super::{Cache, CacheError, Outputs, StoredResult};
use crate::path::RepoPath;

/// What restoring a result did to the work tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Restored {
    /// Outputs that were written.
    pub written: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Outputs that were there already, and were not touched.
    pub unchanged: usize,
    /// What matched the outputs, is no part of the result, and was removed.
    pub removed: usize,
}

impl Cache {
    /// Makes the outputs in a work tree those of a result. Files that match the outputs and are not of the result go. No
    /// file goes or is replaced of which `is_source` says that git sees it: what a person wrote may be nowhere else.
    ///
    /// On an error the work tree is as it was, unless it cannot be written any more: the task has to run.
    pub fn restore(
        &self,
        result: &StoredResult,
        work_tree: &Path,
        outputs: &[Outputs<'_>],
        is_source: &dyn Fn(&RepoPath) -> bool,
    ) -> Result<Restored, CacheError> {
        let declared = Declared::new(outputs)?;
        declared.check(&result.manifest.entries)?;
        let tree = Folder::top(work_tree).map_err(CacheError::at(&RepoPath::root()))?;
        let found = declared.found(&tree)?;
        let mut reader = Reader { layout: self.open()?, bytes: Bytes::new() };
        reader.read(&result.manifest.printed, |_| Ok(()))?;
        if result.manifest.entries.is_empty() && found.is_empty() {
            return Ok(Restored::default());
        }
        let staging = staging(&reader.layout, &tree)?;
        let may_clear = |path: &RepoPath| (declared.admits(path) || declared.admits_folder(path)) && !is_source(path);
        let mut publisher = Publisher::new(&tree, staging, &may_clear);
        let (staged, mut restored) = reader.stage(result, &tree, &found, is_source, &mut publisher.staging)?;
        restored.removed = clear(result, &found, &mut publisher)?;
        for Staged { path, name, replaces } in &staged {
            match name {
                Some(name) => publisher.put(name, path, *replaces)?,
                None => publisher.put_folder(path)?,
            }
        }
        publisher.accept();
        Ok(restored)
    }

    /// Hands on what the task printed, byte for byte. Nothing is handed on of what is damaged.
    pub fn replay(&self, result: &StoredResult, into: &mut dyn Write) -> Result<(), CacheError> {
        let mut reader = Reader { layout: self.open()?, bytes: Bytes::new() };
        let printed = &result.manifest.printed;
        let Some(mut file) = reader.read(printed, |_| Ok(()))? else { return Ok(()) };
        file.rewind().map_err(CacheError::Store)?;
        let mut handed = Ok(());
        let read = reader.bytes.pass(&mut file, printed.length, |piece| {
            handed = into.write_all(piece);
            if handed.is_ok() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
        });
        handed.map_err(CacheError::Printed)?;
        match read.map_err(CacheError::Store)? == *printed {
            true => Ok(()),
            false => Err(CacheError::Damaged),
        }
    }
}

/// A staging folder from which files can be moved into the work tree.
fn staging(layout: &Layout, tree: &Folder) -> Result<Staging, CacheError> {
    let root = || CacheError::at(&RepoPath::root());
    let here = tree.facts().map_err(root())?.device;
    if let Ok(folder) = layout.top.open(UNFINISHED.as_bytes())
        && folder.facts().is_ok_and(|facts| facts.device == here)
        && let Ok(staging) = Staging::make(folder, "")
    {
        return Ok(staging);
    }
    // The cache cannot be written, or lies in another file system.
    let parent = tree.open(b".").map_err(root())?;
    // No collector comes by here.
    let _ = sweep(&parent, IN_WORK_TREE, std::time::Duration::MAX, std::time::SystemTime::now());
    Staging::make(parent, IN_WORK_TREE).map_err(root())
}

/// An output that is to be put at its path: what has a name in the staging folder, or a folder.
struct Staged<'a> {
    path: &'a RepoPath,
    name: Option<String>,
    /// Whether something stands there.
    replaces: bool,
}

struct Reader {
    layout: Layout,
    bytes: Bytes,
}

impl Reader {
    /// Reads a blob and hands it on; what is not what its name says is moved out of the way. No bytes lie in no file.
    fn read(&mut self, blob: &Blob, to: impl FnMut(&[u8]) -> io::Result<()>) -> Result<Option<File>, CacheError> {
        if blob.length == 0 {
            return Ok(None);
        }
        let read = self.layout.blob(blob).and_then(|mut file| {
            let read = self.bytes.pass(&mut file, blob.length, to)?;
            if read == *blob { Ok(Some(file)) } else { Err(io::ErrorKind::InvalidData.into()) }
        });
        read.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => CacheError::Missing,
            io::ErrorKind::InvalidData => {
                self.layout.quarantine(&blob_name(blob));
                CacheError::Damaged
            }
            _ => CacheError::Store(error),
        })
    }

    /// Stages all outputs that are not in the work tree as they should be.
    fn stage<'a>(
        &mut self,
        result: &'a StoredResult,
        tree: &Folder,
        found: &[Found],
        is_source: &dyn Fn(&RepoPath) -> bool,
        staging: &mut Staging,
    ) -> Result<(Vec<Staged<'a>>, Restored), CacheError> {
        let found: BTreeMap<&RepoPath, &Found> = found.iter().map(|found| (&found.path, found)).collect();
        let mut trail = Trail::new();
        let mut staged = Vec::with_capacity(result.manifest.entries.len());
        let mut restored = Restored::default();
        for Entry { path, content } in &result.manifest.entries {
            let present = found.get(path).copied();
            if let Some(present) = present
                && self.is_right(content, present, trail.open(tree, path)?)
            {
                restored.unchanged += 1;
                continue;
            }
            if present.is_some() && is_source(path) {
                return Err(CacheError::Source { path: path.clone() });
            }
            let name = match content {
                Content::File { blob, executable } => {
                    let name = staging.name();
                    let created = staging.folder().create(name.as_bytes(), *executable);
                    let mut file = created.map_err(CacheError::at(path))?;
                    let mut written = Ok(());
                    let read = self.read(blob, |piece| {
                        written = write(&mut file, piece);
                        if written.is_ok() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
                    });
                    written.map_err(CacheError::at(path))?;
                    read?;
                    restored.bytes += blob.length;
                    Some(name)
                }
                Content::Link { target } => {
                    let name = staging.name();
                    staging.folder().link(name.as_bytes(), target).map_err(CacheError::at(path))?;
                    Some(name)
                }
                Content::Folder => None,
            };
            staged.push(Staged { path, name, replaces: present.is_some() });
            restored.written += 1;
        }
        Ok((staged, restored))
    }

    /// Whether an output is there as it should be. What cannot be read is not.
    fn is_right(&mut self, content: &Content, present: &Found, folder: &Folder) -> bool {
        let name = present.path.name().unwrap_or_default();
        match (content, present.facts.kind) {
            (Content::Folder, Kind::Folder) => true,
            (Content::Link { target }, Kind::Link) => folder.target(name).is_ok_and(|there| there == *target),
            (Content::File { blob, executable }, Kind::File) => {
                present.facts.length == blob.length
                    && present.facts.executable == *executable
                    && folder
                        .read(name)
                        .and_then(|(mut file, _)| self.bytes.pass(&mut file, blob.length, |_| Ok(())))
                        .is_ok_and(|there| there == *blob)
            }
            _ => false,
        }
    }
}

/// Removes what matches the outputs and is no part of the result, and says how much that was.
fn clear(result: &StoredResult, found: &[Found], publisher: &mut Publisher<'_>) -> Result<usize, CacheError> {
    let mut entries = BTreeMap::new();
    let mut folders = BTreeSet::new();
    for Entry { path, content } in &result.manifest.entries {
        entries.insert(path, content);
        let mut above = path.parent();
        while let Some(folder) = above.filter(|folder| !folders.contains(folder)) {
            above = folder.parent();
            folders.insert(folder);
        }
    }
    let mut removed = 0;
    // Backwards, so that folders are empty when it is their turn.
    for Found { path, facts, .. } in found.iter().rev() {
        let entry = entries.get(path);
        let stays = match facts.kind {
            Kind::Folder => folders.contains(path) || matches!(entry, Some(Content::Folder)),
            // What stands where an output belongs is exchanged for it.
            Kind::File | Kind::Link => matches!(entry, Some(Content::File { .. } | Content::Link { .. })),
            Kind::Special => false,
        };
        // A symlink on the way to outputs is found, too, and need not be one.
        if stays || !publisher.may_clear(path) {
            continue;
        }
        if facts.kind == Kind::Folder {
            removed += usize::from(publisher.clear_folder(path)?);
        } else {
            publisher.clear(path)?;
            removed += 1;
        }
    }
    Ok(removed)
}
