//! A tree put together from a sorted list of paths, with the folder ids that git would give.

use std::collections::HashMap;
use std::sync::Arc;

use super::GitError;
use super::object::Hash;
use crate::path::RepoPath;
use crate::tree::{ContentId, Entry, Mode, Node, TreeId};

/// A path with what stands there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Listed {
    pub(super) path: RepoPath,
    pub(super) mode: Mode,
    pub(super) id: ContentId,
}

/// The folders of a list, by id.
pub(super) struct Folders {
    pub(super) root: TreeId,
    pub(super) by_id: HashMap<TreeId, Arc<[Entry]>>,
}

impl Folders {
    /// Builds the folders in one pass. All paths below one folder are neighbours in byte order, so that a stack of
    /// open folders is enough. Where a path is a file and a folder at once, the file counts: it is what is on disk,
    /// while the paths below come from a sparse checkout's index.
    pub(super) fn build(mut listed: Vec<Listed>, hash: Hash) -> Result<Self, GitError> {
        listed.sort_unstable();
        listed.dedup_by(|later, kept| later.path == kept.path);
        let mut by_id = HashMap::new();
        let mut open: Vec<(Vec<u8>, Vec<Entry>)> = vec![(Vec::new(), Vec::new())];
        for Listed { path, mode, id } in &listed {
            let mut segments: Vec<&[u8]> = path.segments().collect();
            let Some(name) = segments.pop() else { continue };
            let shared = open[1..].iter().zip(&segments).take_while(|((open, _), segment)| open == *segment).count();
            while open.len() > shared + 1 {
                close(&mut open, &mut by_id, hash)?;
            }
            open.extend(segments[shared..].iter().map(|segment| (segment.to_vec(), Vec::new())));
            if let Some((_, entries)) = open.last_mut() {
                entries.push(Entry { name: name.into(), node: Node::Content(*mode, *id) });
            }
        }
        let mut root = hash.folder_id(&[])?;
        while !open.is_empty() {
            root = close(&mut open, &mut by_id, hash)?;
        }
        Ok(Self { root, by_id })
    }
}

/// Closes the innermost folder and enters it into the one around it.
fn close(
    open: &mut Vec<(Vec<u8>, Vec<Entry>)>,
    by_id: &mut HashMap<TreeId, Arc<[Entry]>>,
    hash: Hash,
) -> Result<TreeId, GitError> {
    let Some((name, mut entries)) = open.pop() else { return hash.folder_id(&[]) };
    entries.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| is_folder(a).cmp(&is_folder(b))));
    entries.dedup_by(|later, kept| later.name == kept.name);
    let id = hash.folder_id(&entries)?;
    by_id.entry(id).or_insert_with(|| entries.into());
    if let Some((_, around)) = open.last_mut() {
        around.push(Entry { name: name.into(), node: Node::Folder(id) });
    }
    Ok(id)
}

fn is_folder(entry: &Entry) -> bool {
    matches!(entry.node, Node::Folder(_))
}
