//! Ways in for the fuzz targets of `tests/fuzz`, compiled for them alone: the readers of git's own bytes, which are
//! nobody else's to call.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::attributes::{self, State};
use super::ignore_rules::{IgnoreRules, Level};
use super::listed_tree::{Folders, Listed};
use super::loose::Opened;
use super::object::{self, CommitObject, Hash, Kind};
use super::pattern::Pattern;
use super::{GitError, index_file};
use crate::path::RepoPath;
use crate::tree::{ContentId, Entry, ObjectId, TreeError, TreeId};

/// Paths of an index file with their conflict stages, and the root folder that they make.
pub fn index(file: &[u8]) -> Result<(Vec<(RepoPath, u8)>, Option<TreeId>), String> {
    let index = index_file::read(file)?;
    let listed = |entry: &super::index::IndexEntry| {
        let mode = object::mode_of(entry.bits)?;
        Some(Listed { path: entry.path.clone(), mode, id: ContentId(entry.id), kept: true })
    };
    let listed = index.entries.iter().filter_map(listed).collect();
    let root = Folders::build(listed, &index.folders, Hash::Sha1).ok().map(|folders| folders.root);
    Ok((index.entries.into_iter().map(|entry| (entry.path, entry.stage)).collect(), root))
}

/// The entries of a tree object, whose ids are SHA-1 or SHA-256.
pub fn folder(bytes: &[u8], sha256: bool) -> Result<Arc<[Entry]>, TreeError> {
    let hash = if sha256 { Hash::Sha256 } else { Hash::Sha1 };
    object::entries(TreeId(ObjectId::from([0; 32])), bytes, hash)
}

/// The id of a folder with these entries.
pub fn folder_id(entries: &[Entry], sha256: bool) -> Result<TreeId, GitError> {
    if sha256 { Hash::Sha256.folder_id(entries) } else { Hash::Sha1.folder_id(entries) }
}

/// The tree and the parents of a commit.
pub fn commit(bytes: &[u8]) -> Option<(ObjectId, Vec<ObjectId>)> {
    CommitObject::parse(bytes).map(|commit| (commit.tree, commit.parents))
}

/// The subject of a commit.
pub fn subject(commit: &[u8]) -> &[u8] {
    object::subject(commit)
}

/// What an annotated tag points to.
pub fn tagged(bytes: &[u8]) -> Option<ObjectId> {
    object::tagged(bytes)
}

/// The id that git gives to a blob.
pub fn blob_id(bytes: &[u8]) -> Result<ObjectId, GitError> {
    Hash::Sha1.id(Kind::Blob, bytes)
}

/// The kind and content of the loose object in this file, if it has this id.
pub fn loose(file: &[u8], id: ObjectId) -> Result<(&'static str, Vec<u8>), GitError> {
    Opened::new(id, file)?.content(id).map(|(kind, content)| (kind.name(), content))
}

/// Whether the lines of a `.gitignore` in the root folder ignore a path.
pub fn is_ignored(text: &[u8], path: &[u8], is_folder: bool) -> bool {
    Level::ignores(Level::enter(None, IgnoreRules::parse(text), 0).as_ref(), path, is_folder)
}

/// What the lines of a `.gitattributes` in the root folder say of a path.
pub fn attributes(text: &[u8], path: &[u8]) -> BTreeMap<Vec<u8>, String> {
    let file = attributes::parse(text, true);
    let mut states: HashMap<Box<[u8]>, State> = HashMap::new();
    file.apply(&file.macros.iter().cloned().collect(), path, &mut states);
    states.into_iter().map(|(name, state)| (name.into(), format!("{state:?}"))).collect()
}

/// Whether a pattern of git's matches a path.
pub fn matches(pattern: &[u8], path: &[u8]) -> bool {
    Pattern::new(pattern).matches(path)
}
