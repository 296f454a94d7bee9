//! Git's objects: their ids, and the bytes of commits, tags and trees. One reader for both engines and both hashes.

use std::cmp::Ordering;
use std::sync::Arc;

use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::GitError;
use crate::path::is_segment;
use crate::tree::{ContentId, Entry, Mode, Node, ObjectId, TreeError, TreeId};

/// The kinds of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Commit,
    Tree,
    Blob,
    Tag,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Commit => "commit",
            Kind::Tree => "tree",
            Kind::Blob => "blob",
            Kind::Tag => "tag",
        }
    }

    pub(super) fn from_name(name: &[u8]) -> Option<Self> {
        [Kind::Commit, Kind::Tree, Kind::Blob, Kind::Tag].into_iter().find(|kind| kind.name().as_bytes() == name)
    }
}

/// The hash by which a repository names its objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha1,
    Sha256,
}

impl Hash {
    /// The id that git gives to an object, for content that has not been in a repository yet: one that was made to
    /// have the id of another (a collision of SHA-1) is refused, as git refuses it.
    pub(super) fn id(self, kind: Kind, bytes: &[u8]) -> Result<ObjectId, GitError> {
        match self {
            Hash::Sha1 => {
                let kind = match kind {
                    Kind::Commit => git2::ObjectType::Commit,
                    Kind::Tree => git2::ObjectType::Tree,
                    Kind::Blob => git2::ObjectType::Blob,
                    Kind::Tag => git2::ObjectType::Tag,
                };
                from_oid(git2::Oid::hash_object(kind, bytes)?)
            }
            Hash::Sha256 => self.digest(kind, bytes),
        }
    }

    /// The same id without the search for collisions, which costs several times as much as the digest: for what git
    /// has let into a repository, and for folders, which are made of ids.
    pub(super) fn digest(self, kind: Kind, bytes: &[u8]) -> Result<ObjectId, GitError> {
        let id = match self {
            Hash::Sha1 => {
                let mut hasher = Sha1::new();
                begin(&mut hasher, kind, bytes.len() as u64);
                hasher.update(bytes);
                ObjectId::from_bytes(&hasher.finalize())
            }
            Hash::Sha256 => {
                let mut hasher = Self::sha256_header(kind, bytes.len() as u64);
                hasher.update(bytes);
                ObjectId::from_bytes(&hasher.finalize())
            }
        };
        id.ok_or_else(unknown_length)
    }

    /// The digest that git's own files end in.
    pub(super) fn plain(self, bytes: &[u8]) -> Option<ObjectId> {
        match self {
            Hash::Sha1 => ObjectId::from_bytes(&Sha1::digest(bytes)),
            Hash::Sha256 => ObjectId::from_bytes(&Sha256::digest(bytes)),
        }
    }

    /// A hasher that has seen the header of an object, for content that is too long to hold.
    pub(super) fn sha256_header(kind: Kind, length: u64) -> Sha256 {
        let mut hasher = Sha256::new();
        begin(&mut hasher, kind, length);
        hasher
    }

    /// The length of an id in bytes.
    pub(super) fn length(self) -> usize {
        match self {
            Hash::Sha1 => 20,
            Hash::Sha256 => 32,
        }
    }

    /// The id of a folder with these entries, which are sorted by name: git sorts a folder as if its name ended in
    /// `/`.
    pub(super) fn folder_id(self, entries: &[Entry]) -> Result<TreeId, GitError> {
        let mut order: Vec<&Entry> = entries.iter().collect();
        order.sort_by(|a, b| git_order(a, b));
        let mut bytes = Vec::with_capacity(entries.len() * 48);
        for entry in order {
            let (mode, id): (&[u8], _) = match entry.node {
                Node::Folder(id) => (b"40000 ", id.0),
                Node::Content(Mode::File, id) => (b"100644 ", id.0),
                Node::Content(Mode::Executable, id) => (b"100755 ", id.0),
                Node::Content(Mode::Symlink, id) => (b"120000 ", id.0),
                Node::Content(Mode::Submodule, id) => (b"160000 ", id.0),
            };
            bytes.extend_from_slice(mode);
            bytes.extend_from_slice(&entry.name);
            bytes.push(0);
            bytes.extend_from_slice(id.as_bytes());
        }
        self.digest(Kind::Tree, &bytes).map(TreeId)
    }
}

/// What the digest of an object begins with.
fn begin(hasher: &mut impl Digest, kind: Kind, length: u64) {
    hasher.update(kind.name());
    hasher.update(b" ");
    hasher.update(length.to_string());
    hasher.update(b"\0");
}

fn unknown_length() -> GitError {
    GitError::Library("an id of unknown length".to_owned())
}

/// By name, a folder's as if it ended in `/`.
fn git_order(a: &Entry, b: &Entry) -> Ordering {
    let shared = a.name.len().min(b.name.len());
    let next = |entry: &Entry| {
        let slash = matches!(entry.node, Node::Folder(_)).then_some(b'/');
        entry.name.get(shared).copied().or(slash)
    };
    a.name[..shared].cmp(&b.name[..shared]).then_with(|| next(a).cmp(&next(b)))
}

pub(super) fn from_oid(id: git2::Oid) -> Result<ObjectId, GitError> {
    ObjectId::from_bytes(id.as_bytes()).ok_or_else(unknown_length)
}

/// What a commit object says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CommitObject {
    pub(super) tree: ObjectId,
    pub(super) parents: Vec<ObjectId>,
    /// Seconds since 1970; only a hint for the order of a walk.
    pub(super) time: i64,
}

impl CommitObject {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (mut tree, mut parents, mut time) = (None, Vec::new(), 0);
        for line in bytes.split(|&b| b == b'\n').take_while(|line| !line.is_empty()) {
            if let Some(id) = line.strip_prefix(b"tree ") {
                tree = tree.or(Some(hex(id)?));
            } else if let Some(id) = line.strip_prefix(b"parent ") {
                parents.push(hex(id)?);
            } else if let Some(rest) = line.strip_prefix(b"committer ") {
                let mut words = rest.rsplit(|&b| b == b' ').skip(1);
                time = words.next().and_then(|word| std::str::from_utf8(word).ok()?.parse().ok()).unwrap_or(0);
                break;
            }
        }
        Some(Self { tree: tree?, parents, time })
    }
}

/// The first line of a commit's message that is not blank. Nothing in the header has an empty line, not even a signature.
pub(super) fn subject(commit: &[u8]) -> &[u8] {
    let mut lines = commit.split(|&b| b == b'\n').skip_while(|line| !line.is_empty());
    lines.find_map(|line| Some(line.trim_ascii()).filter(|line| !line.is_empty())).unwrap_or_default()
}

/// The object that an annotated tag points to.
pub(super) fn tagged(bytes: &[u8]) -> Option<ObjectId> {
    hex(bytes.split(|&b| b == b'\n').next()?.strip_prefix(b"object ")?)
}

fn hex(digits: &[u8]) -> Option<ObjectId> {
    ObjectId::from_hex(std::str::from_utf8(digits).ok()?)
}

/// Reads a tree object: sorted by plain name, each name one that a work tree can have.
pub(super) fn entries(id: TreeId, mut bytes: &[u8], hash: Hash) -> Result<Arc<[Entry]>, TreeError> {
    let broken = || TreeError::Folder(id, "the object is cut short".to_owned());
    // A mode, a short name and an id.
    let mut entries = Vec::with_capacity(bytes.len() / (hash.length() + 12));
    while !bytes.is_empty() {
        let space = bytes.iter().position(|&b| b == b' ').ok_or_else(broken)?;
        let bits = std::str::from_utf8(&bytes[..space]).ok().and_then(|text| u32::from_str_radix(text, 8).ok());
        let bits = bits.ok_or_else(broken)?;
        bytes = &bytes[space + 1..];
        let end = bytes.iter().position(|&b| b == 0).ok_or_else(broken)?;
        let name = &bytes[..end];
        let raw = bytes.get(end + 1..end + 1 + hash.length()).ok_or_else(broken)?;
        let child = ObjectId::from_bytes(raw).ok_or_else(broken)?;
        bytes = &bytes[end + 1 + hash.length()..];
        let crafted = || TreeError::Crafted(id, name.escape_ascii().to_string());
        if name.contains(&b'/') || !is_segment(name) {
            return Err(crafted());
        }
        let node = if bits == 0o040_000 {
            Node::Folder(TreeId(child))
        } else {
            Node::Content(mode_of(bits).ok_or_else(crafted)?, ContentId(child))
        };
        entries.push(Entry { name: name.into(), node });
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    if let Some(pair) = entries.windows(2).find(|pair| pair[0].name == pair[1].name) {
        return Err(TreeError::Crafted(id, pair[0].name.escape_ascii().to_string()));
    }
    Ok(entries.into())
}

/// The mode of anything but a folder. Old repositories hold permissions that git reads as one of the two.
pub(super) fn mode_of(bits: u32) -> Option<Mode> {
    match bits & 0o170_000 {
        0o100_000 if bits & 0o100 != 0 => Some(Mode::Executable),
        0o100_000 => Some(Mode::File),
        0o120_000 => Some(Mode::Symlink),
        0o160_000 => Some(Mode::Submodule),
        _ => None,
    }
}
