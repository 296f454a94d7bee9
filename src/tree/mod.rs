//! An immutable view of a repository's content, and the difference between two of them.
//!
//! A commit, the index, the work tree and the empty tree are all a [`Tree`]: a root id, folders by id, contents by
//! id. Two folders with one id are equal, whatever is in them, so nothing that is equal is ever read twice.

mod changes;
mod memory;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use changes::{Change, ChangeKind, changes, each_change};
pub use memory::MemoryTree;

use crate::path::RepoPath;

/// The id that git gives to content: SHA-1 or SHA-256 over the object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectId {
    length: u8,
    bytes: [u8; 32],
}

/// An id is a digest already: half of it tells ids apart as well as all of it, and tables of ids are asked often.
impl Hash for ObjectId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.bytes[..16]);
    }
}

impl ObjectId {
    /// Takes the raw bytes of an id; none unless there are 20 (SHA-1) or 32 (SHA-256).
    pub fn from_bytes(raw: &[u8]) -> Option<Self> {
        if raw.len() != 20 && raw.len() != 32 {
            return None;
        }
        let mut bytes = [0; 32];
        bytes[..raw.len()].copy_from_slice(raw);
        Some(Self { length: raw.len() as u8, bytes })
    }

    /// Reads lower- or upper-case hexadecimal; none unless it is a whole id.
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if !digits.len().is_multiple_of(2) || digits.len() > 64 {
            return None;
        }
        let mut raw = Vec::with_capacity(32);
        for pair in digits.chunks(2) {
            let high = char::from(pair[0]).to_digit(16)?;
            let low = char::from(pair[1]).to_digit(16)?;
            raw.push((high * 16 + low) as u8);
        }
        Self::from_bytes(&raw)
    }

    /// The raw bytes: 20 or 32.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

impl From<[u8; 32]> for ObjectId {
    fn from(bytes: [u8; 32]) -> Self {
        Self { length: 32, bytes }
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for ObjectId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ObjectId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_hex(&text).ok_or_else(|| serde::de::Error::custom("not an object id"))
    }
}

macro_rules! typed_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub ObjectId);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

typed_id!(
    /// The id of a folder: equal ids mean equal content, all the way down.
    TreeId
);
typed_id!(
    /// The id of a file's bytes, a symlink's target text, or the commit that a submodule is pinned to.
    ContentId
);

/// What an entry of a folder is. The content id of a [`Mode::Submodule`] is the pinned commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Mode {
    /// A regular file.
    File,
    /// A regular file with its executable bit set.
    Executable,
    /// A symbolic link; its content is the target as written.
    Symlink,
    /// A gitlink: another repository at a pinned commit.
    Submodule,
}

impl Mode {
    /// Git's number for the mode.
    pub fn bits(self) -> u32 {
        match self {
            Mode::File => 0o100_644,
            Mode::Executable => 0o100_755,
            Mode::Symlink => 0o120_000,
            Mode::Submodule => 0o160_000,
        }
    }

    /// The mode with git's number.
    pub fn of_bits(bits: u32) -> Option<Self> {
        [Mode::File, Mode::Executable, Mode::Symlink, Mode::Submodule].into_iter().find(|mode| mode.bits() == bits)
    }

    /// Whether reading it gives the bytes of a file.
    pub fn is_file(self) -> bool {
        matches!(self, Mode::File | Mode::Executable)
    }
}

/// What stands under a name in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Node {
    /// A folder.
    Folder(TreeId),
    /// Anything that has content.
    Content(Mode, ContentId),
}

/// One name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name: one valid path segment.
    pub name: Box<[u8]>,
    /// What stands under it.
    pub node: Node,
}

/// Why a tree could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// A folder's object is missing or broken.
    #[error("folder {0} cannot be read: {1}")]
    Folder(TreeId, String),
    /// A content object is missing or broken.
    #[error("content {0} cannot be read: {1}")]
    Content(ContentId, String),
    /// A folder holds a name that git itself would refuse, such as `..`, or the same name twice.
    #[error("folder {0} holds a name that no work tree can have: {1}")]
    Crafted(TreeId, String),
}

/// An immutable view of a repository's content: a commit, the index, the work tree or the empty tree.
///
/// Implementations guarantee: entries of a folder are sorted by name bytes and have valid, distinct names; one id
/// always has one content, in every tree that is compared with this one.
pub trait Tree: Send + Sync {
    /// The root folder.
    fn root(&self) -> TreeId;
    /// The entries of a folder.
    fn folder(&self, id: TreeId) -> Result<Arc<[Entry]>, TreeError>;
    /// The bytes of a file or the target text of a symlink.
    fn content(&self, id: ContentId) -> Result<Arc<[u8]>, TreeError>;
    /// The size of a content in bytes, without reading all of it.
    fn size(&self, id: ContentId) -> Result<u64, TreeError> {
        self.content(id).map(|bytes| bytes.len() as u64)
    }
}

/// What stands at a path, symlinks not followed. A path through a file is none.
pub fn node_at(tree: &dyn Tree, path: &RepoPath) -> Result<Option<Node>, TreeError> {
    let mut node = Node::Folder(tree.root());
    for segment in path.segments() {
        let Node::Folder(id) = node else { return Ok(None) };
        let entries = tree.folder(id)?;
        match entries.binary_search_by(|entry| (*entry.name).cmp(segment)) {
            Ok(at) => node = entries[at].node,
            Err(_) => return Ok(None),
        }
    }
    Ok(Some(node))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_ids_read_what_they_print() {
        for hex in ["4b825dc642cb6eb9a060e54bf8d69288fbee4904", &"ab".repeat(32)] {
            assert_eq!(ObjectId::from_hex(hex).unwrap().to_string(), hex);
        }
        assert_eq!(ObjectId::from_hex("abc"), None);
        assert_eq!(ObjectId::from_hex("zz"), None);
    }
}
