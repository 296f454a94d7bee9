//! A tree that is held in memory: what the index, the work tree and the tests of the core are made of.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{ContentId, Entry, Mode, Node, ObjectId, Tree, TreeError, TreeId};
use crate::path::RepoPath;

/// A tree built from a list of paths. Its contents are held too, unless they were given by id alone.
#[derive(Debug, Clone)]
pub struct MemoryTree {
    root: TreeId,
    folders: HashMap<TreeId, Arc<[Entry]>>,
    contents: HashMap<ContentId, Arc<[u8]>>,
}

/// How a folder's id is computed from its entries: git's own way where trees of git are compared with it.
pub type FolderHash<'a> = &'a dyn Fn(&[Entry]) -> TreeId;

impl Default for MemoryTree {
    /// The empty tree.
    fn default() -> Self {
        Self::from_contents(Vec::new())
    }
}

impl MemoryTree {
    /// A tree of the given files; ids are BLAKE3 over kind and content.
    pub fn from_contents(files: impl IntoIterator<Item = (RepoPath, Mode, Vec<u8>)>) -> Self {
        let mut contents = HashMap::new();
        let mut listed = Vec::new();
        for (path, mode, bytes) in files {
            let id = ContentId(digest("content", &bytes));
            contents.insert(id, Arc::from(bytes));
            listed.push((path, mode, id));
        }
        Self { contents, ..Self::from_ids(listed, &|entries| TreeId(digest("folder", &encode(entries)))) }
    }

    /// A tree of paths whose contents are known by id alone; reading a content is an error, so whoever wraps this
    /// tree reads contents elsewhere. The last of two entries with one path counts.
    pub fn from_ids(listed: impl IntoIterator<Item = (RepoPath, Mode, ContentId)>, hash: FolderHash<'_>) -> Self {
        let mut by_folder: BTreeMap<RepoPath, BTreeMap<Box<[u8]>, Node>> = BTreeMap::new();
        by_folder.insert(RepoPath::root(), BTreeMap::new());
        for (path, mode, id) in listed {
            let (Some(folder), Some(name)) = (path.parent(), path.name()) else { continue };
            for ancestor in folder.ancestors() {
                if by_folder.contains_key(&ancestor) {
                    break;
                }
                by_folder.insert(ancestor, BTreeMap::new());
            }
            by_folder.entry(folder).or_default().insert(Box::from(name), Node::Content(mode, id));
        }
        let mut folders = HashMap::new();
        let mut root = None;
        // Children sort after their folder, so the reverse order closes every folder before it is needed.
        while let Some((folder, children)) = by_folder.pop_last() {
            let entries: Arc<[Entry]> = children.into_iter().map(|(name, node)| Entry { name, node }).collect();
            let id = hash(&entries);
            folders.insert(id, entries);
            match (folder.parent(), folder.name()) {
                (Some(parent), Some(name)) => {
                    by_folder.entry(parent).or_default().insert(Box::from(name), Node::Folder(id));
                }
                _ => root = Some(id),
            }
        }
        let root = root.unwrap_or_else(|| hash(&[]));
        Self { root, folders, contents: HashMap::new() }
    }

    /// Reads a tree from one string, for tests: `== path` begins a file, ` *` after the path makes it executable,
    /// `== path -> target` is a symlink, `== path @ hex` a submodule.
    pub fn parse(text: &str) -> Self {
        let mut files: Vec<(RepoPath, Mode, Vec<u8>)> = Vec::new();
        for line in text.split_inclusive('\n') {
            let Some(header) = line.strip_prefix("== ") else {
                if let Some((_, _, bytes)) = files.last_mut() {
                    bytes.extend_from_slice(line.as_bytes());
                }
                continue;
            };
            let header = header.trim_end();
            let (path, mode, content) = if let Some((path, target)) = header.split_once(" -> ") {
                (path, Mode::Symlink, target.as_bytes().to_vec())
            } else if let Some((path, commit)) = header.split_once(" @ ") {
                (path, Mode::Submodule, commit.as_bytes().to_vec())
            } else if let Some(path) = header.strip_suffix(" *") {
                (path, Mode::Executable, Vec::new())
            } else {
                (header, Mode::File, Vec::new())
            };
            if let Ok(path) = RepoPath::from_git(path.as_bytes()) {
                files.push((path, mode, content));
            }
        }
        Self::from_contents(files)
    }
}

impl Tree for MemoryTree {
    fn root(&self) -> TreeId {
        self.root
    }

    fn folder(&self, id: TreeId) -> Result<Arc<[Entry]>, TreeError> {
        self.folders.get(&id).cloned().ok_or_else(|| TreeError::Folder(id, "it is not in this tree".to_owned()))
    }

    fn content(&self, id: ContentId) -> Result<Arc<[u8]>, TreeError> {
        self.contents.get(&id).cloned().ok_or_else(|| TreeError::Content(id, "it is not in this tree".to_owned()))
    }
}

fn digest(kind: &str, bytes: &[u8]) -> ObjectId {
    let mut hasher = blake3::Hasher::new_derive_key("knockon 2026 memory tree v1");
    hasher.update(kind.as_bytes());
    hasher.update(bytes);
    ObjectId::from(*hasher.finalize().as_bytes())
}

fn encode(entries: &[Entry]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        let (bits, id) = match entry.node {
            Node::Folder(id) => (0o040_000, id.0),
            Node::Content(mode, id) => (mode.bits(), id.0),
        };
        bytes.extend_from_slice(&bits.to_be_bytes());
        bytes.extend_from_slice(&(entry.name.len() as u64).to_be_bytes());
        bytes.extend_from_slice(&entry.name);
        bytes.extend_from_slice(id.as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::node_at;

    #[test]
    fn parse_reads_modes_and_contents() {
        let tree = MemoryTree::parse("== a/run.sh *\nhello\n== a/link -> ../b\n== b\nbytes\n");
        let at = |path: &str| node_at(&tree, &RepoPath::from_git(path.as_bytes()).unwrap()).unwrap();
        assert!(matches!(at("a/run.sh"), Some(Node::Content(Mode::Executable, _))));
        let Some(Node::Content(Mode::Symlink, id)) = at("a/link") else { unreachable!() };
        assert_eq!(&*tree.content(id).unwrap(), b"../b");
        assert!(matches!(at("a"), Some(Node::Folder(_))));
        assert_eq!(at("b/x"), None);
        assert_eq!(at("missing"), None);
    }
}
