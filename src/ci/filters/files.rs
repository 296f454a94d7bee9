//! The files of a tree, and a YAML file with its lines.

use std::sync::Arc;

use crate::diagnostic::Evidence;
use crate::discover::syntax::{LARGEST_MANIFEST, Lines, Located, Unreadable, Value, read_yaml, text_of};
use crate::path::RepoPath;
use crate::tree::{Node, Tree, TreeError, node_at};

/// All files of a tree.
pub(super) struct Files<'a> {
    tree: &'a dyn Tree,
    /// Their paths, sorted.
    pub paths: Vec<RepoPath>,
}

impl<'a> Files<'a> {
    /// Walks a tree once.
    pub fn of(tree: &'a dyn Tree) -> Result<Self, TreeError> {
        let mut paths = Vec::new();
        let mut pending = vec![(RepoPath::root(), tree.root())];
        while let Some((folder, id)) = pending.pop() {
            for entry in tree.folder(id)?.iter() {
                let path = folder.child(&entry.name);
                match entry.node {
                    Node::Folder(below) => pending.push((path, below)),
                    Node::Content(..) => paths.push(path),
                }
            }
        }
        paths.sort();
        Ok(Self { tree, paths })
    }

    /// Whether a file or folder stands at a path.
    pub fn has(&self, path: &RepoPath) -> bool {
        self.paths.binary_search(path).is_ok() || self.has_folder(path)
    }

    /// Whether a folder stands at a path.
    pub fn has_folder(&self, path: &RepoPath) -> bool {
        let below = [path.as_bytes(), b"/"].concat();
        let first = self.paths.partition_point(|other| other.as_bytes() < below.as_slice());
        path.is_root() || self.paths.get(first).is_some_and(|other| other.as_bytes().starts_with(&below))
    }

    /// The bytes of a file; none where no file stands, or one of a size that nobody writes.
    pub fn read(&self, path: &RepoPath) -> Result<Option<Arc<[u8]>>, TreeError> {
        match node_at(self.tree, path)? {
            Some(Node::Content(mode, content))
                if mode.is_file() && self.tree.size(content)? <= LARGEST_MANIFEST as u64 =>
            {
                self.tree.content(content).map(Some)
            }
            _ => Ok(None),
        }
    }
}

/// A YAML file.
pub(super) struct Page<'a> {
    pub file: &'a RepoPath,
    pub text: &'a str,
    pub lines: Lines<'a>,
    pub root: Located,
}

impl<'a> Page<'a> {
    pub fn of(file: &'a RepoPath, bytes: &'a [u8]) -> Result<Self, Unreadable> {
        let text = text_of(bytes)?;
        let documents = read_yaml(bytes)?;
        // A header of inputs may stand before what a file says.
        let after_header = documents.iter().position(|document| document.get("spec").is_none()).unwrap_or(0);
        let root = documents.into_iter().nth(after_header).unwrap_or(Located { line: 1, value: Value::Null });
        Ok(Self { file, text, lines: Lines::new(text), root })
    }

    /// A file that is a program: its text alone.
    pub fn of_program(file: &'a RepoPath, bytes: &'a [u8]) -> Result<Self, Unreadable> {
        let text = text_of(bytes)?;
        Ok(Self { file, text, lines: Lines::new(text), root: Located { line: 1, value: Value::Null } })
    }

    pub fn evidence(&self, line: u32) -> Evidence {
        Evidence::new(self.file, line, self.lines.text(line))
    }
}

/// The texts of a list, or the one text that stands instead of it.
pub(super) fn texts(value: &Located) -> Vec<(String, u32)> {
    let own = value.scalar().map(|text| (text, value.line));
    own.into_iter().chain(value.items().iter().filter_map(|item| Some((item.scalar()?, item.line)))).collect()
}
