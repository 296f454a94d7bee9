//! The index: what `git commit` would commit now.

use std::collections::HashMap;
use std::sync::Arc;

use super::listed_tree::{Folders, Listed};
use super::object::mode_of;
use super::objects::Objects;
use super::stat::Stat;
use super::{GitError, commit_tree::StoredTree};
use crate::path::RepoPath;
use crate::tree::{ContentId, Entry, ObjectId, Tree, TreeError, TreeId};

/// What an index file holds.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Sorted by path, then by stage.
    pub(super) entries: Vec<IndexEntry>,
    /// The folders whose ids git keeps because their entries have not changed since they were computed.
    pub(super) folders: CachedFolders,
}

/// Folders by path; the root is the empty path.
pub(super) type CachedFolders = HashMap<Box<[u8]>, CachedFolder>;

/// A folder whose id is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CachedFolder {
    /// How many entries of the index lie below it, at any depth.
    pub(super) entries: usize,
    pub(super) id: TreeId,
}

/// The flags of an index entry that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Flags {
    pub(super) assume_unchanged: bool,
    pub(super) skip_worktree: bool,
    pub(super) intent_to_add: bool,
}

/// One entry of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IndexEntry {
    pub(super) path: RepoPath,
    pub(super) bits: u32,
    pub(super) id: ObjectId,
    /// 0, or which side of a conflict this is.
    pub(super) stage: u8,
    pub(super) flags: Flags,
    /// What `lstat` said when the entry was written, where that is known.
    pub(super) stat: Option<Stat>,
}

/// The entries that would be committed: `git add --intent-to-add` announces a file without any content yet.
fn committed(entries: &[IndexEntry]) -> Result<Vec<Listed>, GitError> {
    let mut conflicts: Vec<RepoPath> =
        entries.iter().filter(|entry| entry.stage > 0).map(|entry| entry.path.clone()).collect();
    if !conflicts.is_empty() {
        conflicts.sort();
        conflicts.dedup();
        return Err(GitError::Conflicts(conflicts));
    }
    let mut listed = Vec::with_capacity(entries.len());
    for entry in entries.iter().filter(|entry| !entry.flags.intent_to_add) {
        let broken = || GitError::corrupt("index", format!("`{}` has no valid mode", entry.path));
        let mode = mode_of(entry.bits).ok_or_else(broken)?;
        listed.push(Listed { path: entry.path.clone(), mode, id: ContentId(entry.id), kept: true });
    }
    Ok(listed)
}

/// A tree of listed paths whose contents are in the object store.
pub(super) struct IndexTree {
    folders: Folders,
    stored: StoredTree,
}

impl IndexTree {
    pub(super) fn new(objects: Arc<Objects>, index: &Index) -> Result<Self, GitError> {
        let folders = Folders::build(committed(&index.entries)?, &index.folders, objects.hash)?;
        let root = folders.root;
        Ok(Self { folders, stored: StoredTree { objects, root } })
    }
}

impl Tree for IndexTree {
    fn root(&self) -> TreeId {
        self.folders.root
    }

    fn folder(&self, id: TreeId) -> Result<Arc<[Entry]>, TreeError> {
        self.folders.by_id.get(&id).map_or_else(|| self.stored.folder(id), |entries| Ok(Arc::clone(entries)))
    }

    fn content(&self, id: ContentId) -> Result<Arc<[u8]>, TreeError> {
        self.stored.content(id)
    }

    fn size(&self, id: ContentId) -> Result<u64, TreeError> {
        self.stored.size(id)
    }
}
