//! Repositories inside the work tree: submodules, and others that nobody declared.

use std::path::Path;

use super::layout::Layout;
use super::{GitEnvironment, GitError, Repository};
use crate::tree::ObjectId;

/// Submodules of submodules are followed this far. A deeper one counts as changed.
const DEEPEST: usize = 16;

/// What stands in a folder that may be a repository.
pub(super) enum Nested {
    /// No repository.
    None,
    /// A commit, and the files are the commit's.
    Clean(ObjectId),
    /// Something else than a commit; the text is another one for every other state.
    Dirty(String),
    /// It cannot be read, for this reason.
    Unreadable(String),
}

/// Looks at a repository whose top is this folder.
pub(super) fn state(folder: &Path, environment: &GitEnvironment, depth: usize) -> Nested {
    // The variables speak of the repository around this one.
    let environment = GitEnvironment {
        git_dir: None,
        common_dir: None,
        work_tree: None,
        index_file: None,
        object_directory: None,
        alternate_object_directories: Vec::new(),
        ..environment.clone()
    };
    read(folder, environment, depth).unwrap_or_else(|error| Nested::Unreadable(error.to_string()))
}

fn read(folder: &Path, environment: GitEnvironment, depth: usize) -> Result<Nested, GitError> {
    let Some(layout) = Layout::at(folder, &environment)? else { return Ok(Nested::None) };
    if depth > DEEPEST {
        return Ok(Nested::Unreadable("nested too deeply".to_owned()));
    }
    let repository = Repository::open(layout, environment)?;
    let head = repository.head()?;
    let on_disk = repository.work_tree_at(depth)?.tree.root();
    Ok(match head {
        Some(head) if head.tree == on_disk => Nested::Clean(head.id.0),
        Some(head) => Nested::Dirty(format!("{} {on_disk}", head.id)),
        None => Nested::Dirty(format!("unborn {on_disk}")),
    })
}
