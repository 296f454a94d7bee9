//! The tree of a commit: folders and contents are read when they are asked for.

use std::sync::Arc;

use super::objects::Objects;
use crate::tree::{ContentId, Entry, Tree, TreeError, TreeId};

/// A tree in the object store, by its root. The empty tree is one too.
pub(super) struct StoredTree {
    pub(super) objects: Arc<Objects>,
    pub(super) root: TreeId,
}

impl Tree for StoredTree {
    fn root(&self) -> TreeId {
        self.root
    }

    fn folder(&self, id: TreeId) -> Result<Arc<[Entry]>, TreeError> {
        self.objects.folder(id)
    }

    fn content(&self, id: ContentId) -> Result<Arc<[u8]>, TreeError> {
        self.objects.content(id)
    }

    fn size(&self, id: ContentId) -> Result<u64, TreeError> {
        self.objects.size(id)
    }
}
