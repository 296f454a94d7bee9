//! What differs between two trees: folders with one id are equal and are not read.

use std::cmp::Ordering;
use std::ops::ControlFlow;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Entry, Node, Tree, TreeError, TreeId};
use crate::path::RepoPath;

/// How a path differs. A rename is a deletion and an addition: both places are affected by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// Only the head has the path.
    Added,
    /// Only the base has the path.
    Deleted,
    /// Both have it, with other bytes.
    Modified,
    /// Both have it, with another mode: the executable bit, or a file that became a symlink.
    Mode,
}

/// One path with content that differs between base and head.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The path.
    pub path: RepoPath,
    /// How it differs.
    pub kind: ChangeKind,
}

/// Every path with content that differs, sorted by path. A folder that became a file is deletions below it and an
/// addition at it.
pub fn changes(base: &dyn Tree, head: &dyn Tree) -> Result<Vec<Change>, TreeError> {
    let mut found = Vec::new();
    let _ = each_change(base, head, |change| {
        found.push(change);
        Ok(ControlFlow::Continue(()))
    })?;
    found.sort_unstable();
    Ok(found)
}

/// Tells every path with content that differs, in no order, until it is told to stop. Says whether it was.
pub fn each_change(
    base: &dyn Tree,
    head: &dyn Tree,
    mut tell: impl FnMut(Change) -> Result<ControlFlow<()>, TreeError>,
) -> Result<ControlFlow<()>, TreeError> {
    // A stack of pairs of folders, so that a very deep tree costs memory and no recursion.
    let mut pending = vec![(RepoPath::root(), Some(base.root()), Some(head.root()))];
    while let Some((folder, before, after)) = pending.pop() {
        if before == after {
            continue;
        }
        let before = entries(base, before)?;
        let after = entries(head, after)?;
        let (mut left, mut right) = (before.iter().peekable(), after.iter().peekable());
        loop {
            let (old, new) = match (left.peek(), right.peek()) {
                (None, None) => break,
                (Some(_), None) => (left.next(), None),
                (None, Some(_)) => (None, right.next()),
                (Some(a), Some(b)) => match a.name.cmp(&b.name) {
                    Ordering::Less => (left.next(), None),
                    Ordering::Greater => (None, right.next()),
                    Ordering::Equal => (left.next(), right.next()),
                },
            };
            let (old_node, new_node) = (old.map(|e| e.node), new.map(|e| e.node));
            if old_node == new_node {
                continue;
            }
            let Some(name) = old.or(new).map(|entry| &entry.name) else { break };
            let path = folder.child(name);
            if let Some(kind) = kind(old_node, new_node)
                && tell(Change { path: path.clone(), kind })?.is_break()
            {
                return Ok(ControlFlow::Break(()));
            }
            let folders = (subfolder(old_node), subfolder(new_node));
            if folders != (None, None) {
                pending.push((path, folders.0, folders.1));
            }
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// How two nodes that are not equal differ in content, if they do.
fn kind(old: Option<Node>, new: Option<Node>) -> Option<ChangeKind> {
    match (old, new) {
        (Some(Node::Content(before, _)), Some(Node::Content(after, _))) if before != after => Some(ChangeKind::Mode),
        (Some(Node::Content(..)), Some(Node::Content(..))) => Some(ChangeKind::Modified),
        (Some(Node::Content(..)), _) => Some(ChangeKind::Deleted),
        (_, Some(Node::Content(..))) => Some(ChangeKind::Added),
        _ => None,
    }
}

fn subfolder(node: Option<Node>) -> Option<TreeId> {
    match node {
        Some(Node::Folder(id)) => Some(id),
        _ => None,
    }
}

fn entries(tree: &dyn Tree, id: Option<TreeId>) -> Result<Arc<[Entry]>, TreeError> {
    id.map_or_else(|| Ok(Arc::from([])), |id| tree.folder(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::MemoryTree;

    fn check(before: &str, after: &str, expected: &[(&str, ChangeKind)]) {
        let (base, head) = (MemoryTree::parse(before), MemoryTree::parse(after));
        let found = changes(&base, &head).unwrap();
        let found: Vec<_> = found.iter().map(|c| (c.path.to_string(), c.kind)).collect();
        let found: Vec<_> = found.iter().map(|(path, kind)| (path.as_str(), *kind)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn case_1_a_rename_is_both_places() {
        check("== a/f\nx\n", "== b/f\nx\n", &[("a/f", ChangeKind::Deleted), ("b/f", ChangeKind::Added)]);
    }

    #[test]
    fn case_5_a_mode_is_a_change() {
        check("== a/f\nx\n", "== a/f *\nx\n", &[("a/f", ChangeKind::Mode)]);
    }

    #[test]
    fn case_19_folder_and_file_change_places() {
        check("== a/f\nx\n", "== a\nx\n", &[("a", ChangeKind::Added), ("a/f", ChangeKind::Deleted)]);
    }

    #[test]
    fn equal_trees_have_no_changes() {
        check("== a/f\nx\n== b\ny\n", "== b\ny\n== a/f\nx\n", &[]);
    }

    #[test]
    fn case_27_a_deep_tree_does_not_recurse() {
        let deep = format!("== {}f\nx\n", "d/".repeat(5000));
        let found = changes(&MemoryTree::default(), &MemoryTree::parse(&deep)).unwrap();
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn case_26_many_changes_are_told_one_by_one_until_somebody_has_enough() {
        let files = |text: &str| {
            let file = |number: usize| {
                let path = RepoPath::from_git(format!("d{}/f{number}", number % 100).as_bytes()).unwrap();
                (path, crate::tree::Mode::File, text.as_bytes().to_vec())
            };
            MemoryTree::from_contents((0..20_000).map(file))
        };
        let (base, head) = (files("one"), files("two"));
        let found = changes(&base, &head).unwrap();
        assert_eq!(found.len(), 20_000);
        assert!(found.is_sorted() && found.iter().all(|change| change.kind == ChangeKind::Modified));
        let mut told = 0;
        let stopped = each_change(&base, &head, |_| {
            told += 1;
            Ok(if told == 7 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        });
        assert_eq!((stopped.unwrap(), told), (ControlFlow::Break(()), 7));
    }
}
