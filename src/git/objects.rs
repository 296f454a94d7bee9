//! The object store of one repository, with the folders that were read already.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use foldhash::fast::RandomState;

use super::engine::Engine;
use super::object::{self, CommitObject, Hash, Kind};
use super::{CommitId, GitError};
use crate::tree::{ContentId, Entry, ObjectId, TreeError, TreeId};

/// How many folders are held. Whoever goes through all of a larger tree asks for few of them again.
const MOST_FOLDERS: usize = 1 << 13;

/// Objects by id. The base tree, the head tree, the index and the work tree share one.
pub(super) struct Objects {
    pub(super) engine: Box<dyn Engine>,
    pub(super) hash: Hash,
    /// Commits whose parents a shallow clone left behind.
    shallow: HashSet<ObjectId>,
    mend: String,
    empty: Option<TreeId>,
    folders: RwLock<HashMap<TreeId, Arc<[Entry]>, RandomState>>,
}

impl Objects {
    pub(super) fn new(engine: Box<dyn Engine>, hash: Hash, shallow: HashSet<ObjectId>, mend: String) -> Self {
        let empty = hash.folder_id(&[]).ok();
        Self { engine, hash, shallow, mend, empty, folders: RwLock::default() }
    }

    pub(super) fn is_shallow(&self) -> bool {
        !self.shallow.is_empty()
    }

    /// Whether the parents of a commit were left behind by a shallow clone.
    pub(super) fn is_cut(&self, commit: CommitId) -> bool {
        self.shallow.contains(&commit.0)
    }

    pub(super) fn missing(&self, id: ObjectId) -> GitError {
        GitError::MissingObject { id, mend: self.mend.clone() }
    }

    /// An object of a known kind.
    pub(super) fn read(&self, id: ObjectId, kind: Kind) -> Result<Vec<u8>, GitError> {
        match self.engine.object(id)? {
            None => Err(self.missing(id)),
            Some((found, bytes)) if found == kind => Ok(bytes),
            Some((found, _)) => {
                Err(GitError::corrupt(id, format!("it is a {} where a {} belongs", found.name(), kind.name())))
            }
        }
    }

    /// A commit as its object says: replacements and grafts are not followed. The parents of a commit at which a
    /// shallow clone is cut are empty.
    pub(super) fn commit(&self, id: CommitId) -> Result<CommitObject, GitError> {
        let bytes = self.read(id.0, Kind::Commit)?;
        let mut commit =
            CommitObject::parse(&bytes).ok_or_else(|| GitError::corrupt(id, "it has no readable header"))?;
        if self.is_cut(id) {
            commit.parents.clear();
        }
        Ok(commit)
    }

    pub(super) fn folder(&self, id: TreeId) -> Result<Arc<[Entry]>, TreeError> {
        let folders = self.folders.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = folders.get(&id) {
            return Ok(Arc::clone(known));
        }
        drop(folders);
        let entries = if self.empty == Some(id) {
            // Git knows the empty tree without having its object.
            Arc::from([])
        } else {
            let bytes = self.read(id.0, Kind::Tree).map_err(|error| TreeError::Folder(id, error.to_string()))?;
            object::entries(id, &bytes, self.hash)?
        };
        let mut folders = self.folders.write().unwrap_or_else(PoisonError::into_inner);
        let too_many = (folders.len() >= MOST_FOLDERS).then(|| std::mem::take(&mut *folders));
        folders.insert(id, Arc::clone(&entries));
        drop(folders);
        drop(too_many);
        Ok(entries)
    }

    pub(super) fn forget_folders(&self) {
        *self.folders.write().unwrap_or_else(PoisonError::into_inner) = HashMap::default();
    }

    pub(super) fn content(&self, id: ContentId) -> Result<Arc<[u8]>, TreeError> {
        let read = self.read(id.0, Kind::Blob).map_err(|error| TreeError::Content(id, error.to_string()))?;
        Ok(read.into())
    }

    pub(super) fn size(&self, id: ContentId) -> Result<u64, TreeError> {
        let failed = |error: GitError| TreeError::Content(id, error.to_string());
        self.engine.length(id.0).map_err(failed)?.ok_or_else(|| failed(self.missing(id.0)))
    }
}
