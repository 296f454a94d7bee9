//! Keeping a result: bytes first, then the manifest that names them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Seek};
use std::path::Path;

use super::content::{Content as Bytes, PIECE, blob_of, write};
use super::folder::{Facts, Folder, Kind, facts};
use super::layout::{Layout, Lookup, UNFINISHED, blob_name, result_name};
use super::manifest::{Blob, Content, Entry, Manifest, ResultKey, link_stays_within};
use super::outputs::{Declared, Found};
use super::publish::Trail;
use super::staging::Staging;
use super::{Cache, CacheError, Ending, Outputs};
use crate::path::RepoPath;

/// What became of a result that was to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// It is kept.
    Stored,
    /// The same outputs were kept already.
    Same,
    /// Other outputs are kept under this key, and stay: the task does not make the same of the same.
    Different {
        /// The outputs that differ, sorted.
        paths: Vec<RepoPath>,
    },
}

/// A manifest that appears and disappears while one is to be written is tried for so often.
const TRIES: usize = 4;

/// A result that can be kept: its bytes are in the cache, and nobody finds them before it is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreparedResult {
    key: ResultKey,
    manifest: Manifest,
    not_made: Vec<String>,
}

impl PreparedResult {
    /// The patterns of outputs that matched nothing, where others matched something.
    pub fn not_made(&self) -> &[String] {
        &self.not_made
    }
}

impl Cache {
    /// Takes in what a task wrote and printed.
    pub fn prepare(
        &self,
        key: &ResultKey,
        work_tree: &Path,
        outputs: &[Outputs<'_>],
        ending: &Ending<'_>,
    ) -> Result<PreparedResult, CacheError> {
        let declared = Declared::new(outputs)?;
        let tree = Folder::top(work_tree).map_err(CacheError::at(&RepoPath::root()))?;
        let found = declared.found(&tree)?;
        let not_made = declared.unmatched(outputs, &found);
        // Where a pattern is mistaken, what the task made lies elsewhere, and would not be there after a restore.
        if found.is_empty() && !not_made.is_empty() {
            return Err(CacheError::NothingMade { patterns: not_made });
        }
        let mut keeper = Keeper::of(self).map_err(CacheError::Store)?;
        let entries = keeper.entries(&tree, &found)?;
        let printed = File::open(ending.printed).map_err(CacheError::Printed)?;
        let printed = keeper.stage(printed, None)?.map_err(CacheError::Printed)?;
        keeper.name_blobs().map_err(CacheError::Store)?;
        let manifest = Manifest { entries, printed, duration: ending.duration, attempts: ending.attempts };
        Ok(PreparedResult { key: *key, manifest, not_made })
    }

    /// Keeps a result, unless something is kept under its key.
    pub fn publish(&self, prepared: &PreparedResult) -> Result<Kept, CacheError> {
        Keeper::of(self).map_err(CacheError::Store)?.publish(&prepared.key, &prepared.manifest)
    }

    /// Keeps what a task wrote and printed, unless something is kept under its key.
    pub fn keep(
        &self,
        key: &ResultKey,
        work_tree: &Path,
        outputs: &[Outputs<'_>],
        ending: &Ending<'_>,
    ) -> Result<Kept, CacheError> {
        self.publish(&self.prepare(key, work_tree, outputs, ending)?)
    }
}

pub(super) struct Keeper {
    pub(super) layout: Layout,
    pub(super) staging: Staging,
    bytes: Bytes,
    /// Blobs that the cache does not have, by their names in the staging folder.
    pub(super) staged: BTreeMap<Blob, String>,
}

impl Keeper {
    pub(super) fn of(cache: &Cache) -> io::Result<Self> {
        let layout = Layout::make(&cache.folder, &cache.beside)?;
        let unfinished = layout.top.open(UNFINISHED.as_bytes())?;
        let staging = Staging::make(unfinished, "")?;
        Ok(Self { layout, staging, bytes: Bytes::new(), staged: BTreeMap::new() })
    }

    /// Takes in all outputs.
    fn entries(&mut self, tree: &Folder, found: &[Found]) -> Result<Vec<Entry>, CacheError> {
        let mut trail = Trail::new();
        let mut entries: Vec<Entry> = Vec::with_capacity(found.len());
        for (at, Found { path, facts, in_the_way }) in found.iter().enumerate() {
            let path = path.clone();
            let name = path.name().unwrap_or_default();
            let folder = trail.open(tree, &path)?;
            let content = match facts.kind {
                _ if *in_the_way => return Err(CacheError::BehindLink { path }),
                Kind::Special => return Err(CacheError::Special { path }),
                Kind::Folder => {
                    let holds_more = found[at + 1..]
                        .iter()
                        .take_while(|next| next.path.as_bytes().starts_with(path.as_bytes()))
                        .any(|next| next.path.is_within(&path));
                    if holds_more {
                        continue;
                    }
                    Content::Folder
                }
                Kind::Link => {
                    let target = folder.target(name).map_err(CacheError::at(&path))?;
                    if !link_stays_within(&path, &target) {
                        return Err(CacheError::LinkLeaves { path });
                    }
                    Content::Link { target }
                }
                Kind::File => {
                    let (file, facts) = folder.read(name).map_err(CacheError::at(&path))?;
                    let blob = self.stage(file, Some(&facts))?.map_err(|error| match error.kind() {
                        io::ErrorKind::InvalidData => CacheError::Changed { path: path.clone() },
                        _ => CacheError::WorkTree { path: path.clone(), error },
                    })?;
                    Content::File { blob, executable: facts.executable }
                }
            };
            entries.push(Entry { path, content });
        }
        Ok(entries)
    }

    /// Takes in a file, of which what the cache has is not written again. The inner error is one of reading it; its kind
    /// is `InvalidData` when the file changed meanwhile.
    fn stage(&mut self, mut file: File, before: Option<&Facts>) -> Result<io::Result<Blob>, CacheError> {
        let whole = match self.bytes.piece(&mut file) {
            Ok(piece) if piece.len() < PIECE => Some(blob_of(piece)),
            Ok(_) => None,
            Err(error) => return Ok(Err(error)),
        };
        let blob = match whole {
            Some(blob) => blob,
            None => match file.rewind().and_then(|()| self.bytes.pass(&mut file, u64::MAX, |_| Ok(()))) {
                Ok(blob) => blob,
                Err(error) => return Ok(Err(error)),
            },
        };
        if self.layout.has_blob(&blob) {
            // A blob that was about to go because nobody uses it stays.
            self.layout.touch(&blob_name(&blob));
        } else if !self.staged.contains_key(&blob) {
            let name = self.staging.name();
            let mut staged = self.staging.folder().create(name.as_bytes(), false).map_err(CacheError::Store)?;
            if whole.is_some() {
                write(&mut staged, self.bytes.last()).map_err(CacheError::Store)?;
            } else {
                let mut written = Ok(());
                let copied = file.rewind().and_then(|()| {
                    self.bytes.pass(&mut file, u64::MAX, |piece| {
                        written = write(&mut staged, piece);
                        if written.is_ok() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
                    })
                });
                written.map_err(CacheError::Store)?;
                match copied {
                    Ok(copied) if copied == blob => {}
                    Ok(_) => return Ok(Err(io::ErrorKind::InvalidData.into())),
                    Err(error) => return Ok(Err(error)),
                }
            }
            self.staged.insert(blob, name);
        }
        let after = facts(&file);
        let is_unchanged = |before: &Facts| {
            after.as_ref().is_ok_and(|after| {
                (after.modified, after.length) == (before.modified, before.length) && blob.length == before.length
            })
        };
        if before.is_none_or(is_unchanged) { Ok(Ok(blob)) } else { Ok(Err(io::ErrorKind::InvalidData.into())) }
    }

    /// Gives a manifest its name, whose blobs have theirs.
    pub(super) fn publish(&mut self, key: &ResultKey, manifest: &Manifest) -> Result<Kept, CacheError> {
        let name = self.staging.name();
        let staged = self.staging.folder().create(name.as_bytes(), false);
        let mut file = staged.map_err(CacheError::Store)?;
        write(&mut file, &manifest.encode(key)).map_err(CacheError::Store)?;
        for _ in 0..TRIES {
            if let Lookup::Result(kept) = self.layout.result(key).map_err(CacheError::Store)? {
                if kept.blobs().all(|blob| self.layout.has_blob(&blob)) {
                    self.layout.touch(&result_name(key));
                    let paths = differences(&kept.entries, &manifest.entries);
                    return Ok(if paths.is_empty() { Kept::Same } else { Kept::Different { paths } });
                }
                // Nobody can restore it: it gives way.
                self.layout.quarantine(&result_name(key));
            }
            match self.name_manifest(&name, key) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                named => return named.map(|()| Kept::Stored).map_err(CacheError::Store),
            }
        }
        Err(CacheError::Store(io::ErrorKind::AlreadyExists.into()))
    }

    pub(super) fn name_blobs(&mut self) -> io::Result<()> {
        while let Some((blob, name)) = self.staged.last_key_value() {
            self.layout.keep_blob(&self.staging, name, blob)?;
            self.staged.pop_last();
        }
        Ok(())
    }

    fn name_manifest(&mut self, manifest: &str, key: &ResultKey) -> io::Result<()> {
        self.layout.keep_result(&self.staging, manifest, key)
    }
}

/// The paths at which two results differ.
pub(super) fn differences(one: &[Entry], other: &[Entry]) -> Vec<RepoPath> {
    let (mut one, mut other) = (one.iter().peekable(), other.iter().peekable());
    let mut paths = Vec::new();
    loop {
        let (left, right) = (one.peek().map(|entry| &entry.path), other.peek().map(|entry| &entry.path));
        let path = match (left, right) {
            (None, None) => return paths,
            (Some(left), Some(right)) => left.min(right).clone(),
            (Some(only), None) | (None, Some(only)) => only.clone(),
        };
        let left = one.next_if(|entry| entry.path == path);
        let right = other.next_if(|entry| entry.path == path);
        if left != right {
            paths.push(path);
        }
    }
}
