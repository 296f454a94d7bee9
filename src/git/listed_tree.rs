//! A tree put together from a list of paths, with the folder ids that git would give.

use std::collections::HashMap;
use std::sync::Arc;

use super::GitError;
use super::index::CachedFolders;
use super::object::Hash;
use crate::path::RepoPath;
use crate::tree::{ContentId, Entry, Mode, Node, TreeId};

/// A path with what stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) path: RepoPath,
    pub(super) mode: Mode,
    pub(super) id: ContentId,
    /// Whether this is just what the index holds for the path.
    pub(super) kept: bool,
}

/// The folders of a list, by id.
pub(super) struct Folders {
    pub(super) root: TreeId,
    pub(super) by_id: HashMap<TreeId, Arc<[Entry]>>,
}

/// A folder that is being filled.
struct Open<'l> {
    path: &'l [u8],
    entries: Vec<Entry>,
    /// How many of the listed paths lie below it.
    listed: usize,
    /// Whether all of them are as in the index.
    kept: bool,
}

impl<'l> Open<'l> {
    fn new(path: &'l [u8]) -> Self {
        Self { path, entries: Vec::with_capacity(16), listed: 0, kept: true }
    }

    fn holds(&self, path: &[u8]) -> bool {
        self.path.is_empty() || (path.starts_with(self.path) && path.get(self.path.len()) == Some(&b'/'))
    }
}

impl Folders {
    /// Builds the folders in one pass. All paths below one folder are neighbours in byte order, so that a stack of
    /// open folders is enough. Where a path is a file and a folder at once, the file counts: it is what is on disk,
    /// while the paths below come from a sparse checkout's index.
    ///
    /// A folder in which nothing differs from the index, and nothing is missing, has the id that the index keeps.
    pub(super) fn build(mut listed: Vec<Listed>, cached: &CachedFolders, hash: Hash) -> Result<Self, GitError> {
        // The list is made of few sorted ones, which a stable sort merges.
        listed.sort_by(|a, b| a.path.cmp(&b.path));
        listed.dedup_by(|later, kept| later.path == kept.path);
        let mut by_id = HashMap::with_capacity(cached.len());
        let mut open = vec![Open::new(b"")];
        for Listed { path, mode, id, kept } in &listed {
            let path = path.as_bytes();
            while open.last().is_some_and(|folder| !folder.holds(path)) {
                close(&mut open, &mut by_id, cached, hash)?;
            }
            let mut from = open.last().map_or(0, |folder| folder.path.len());
            from += usize::from(from > 0);
            while let Some(length) = path[from..].iter().position(|&b| b == b'/') {
                open.push(Open::new(&path[..from + length]));
                from += length + 1;
            }
            if let Some(folder) = open.last_mut() {
                folder.entries.push(Entry { name: path[from..].into(), node: Node::Content(*mode, *id) });
                folder.listed += 1;
                folder.kept &= kept;
            }
        }
        let mut root = hash.folder_id(&[])?;
        while !open.is_empty() {
            root = close(&mut open, &mut by_id, cached, hash)?;
        }
        Ok(Self { root, by_id })
    }
}

/// Closes the innermost folder and enters it into the one around it.
fn close(
    open: &mut Vec<Open<'_>>,
    by_id: &mut HashMap<TreeId, Arc<[Entry]>>,
    cached: &CachedFolders,
    hash: Hash,
) -> Result<TreeId, GitError> {
    let Some(Open { path, mut entries, listed, mut kept }) = open.pop() else { return hash.folder_id(&[]) };
    entries.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| is_folder(a).cmp(&is_folder(b))));
    let all = entries.len();
    entries.dedup_by(|later, kept| later.name == kept.name);
    kept &= entries.len() == all;
    let id = match cached.get(path) {
        Some(folder) if kept && folder.entries == listed => folder.id,
        _ => hash.folder_id(&entries)?,
    };
    by_id.entry(id).or_insert_with(|| entries.into());
    if let Some(around) = open.last_mut() {
        let name = path.rsplit(|&b| b == b'/').next().unwrap_or_default();
        around.entries.push(Entry { name: name.into(), node: Node::Folder(id) });
        around.listed += listed;
        around.kept &= kept;
    }
    Ok(id)
}

fn is_folder(entry: &Entry) -> bool {
    matches!(entry.node, Node::Folder(_))
}
