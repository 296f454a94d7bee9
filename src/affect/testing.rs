//! Two trees, each written as one string, and what the change between them affects.

pub(crate) mod repository;

use std::collections::{BTreeMap, BTreeSet};

use super::{Affected, Side, Terms, affect};
use crate::fingerprint::{Environment, Fingerprint, OwnDigests, fingerprints};
use crate::tree::{Change, MemoryTree, changes};
use crate::workspace::testing::workspace_of;
use crate::workspace::{TaskId, TaskIndex, Workspace};

/// A tree and what is known of it.
pub(crate) struct Known {
    pub(crate) tree: MemoryTree,
    pub(crate) workspace: Workspace,
}

impl Known {
    pub(crate) fn parse(text: &str) -> Self {
        Self::of(MemoryTree::parse(text))
    }

    pub(crate) fn of(tree: MemoryTree) -> Self {
        let workspace = workspace_of(&tree);
        Self { tree, workspace }
    }

    pub(crate) fn side(&self) -> Side<'_> {
        Side { tree: &self.tree, workspace: &self.workspace }
    }

    /// The fingerprint of every task.
    pub(crate) fn fingerprints(&self, environment: &Environment) -> BTreeMap<TaskId, Fingerprint> {
        fingerprints_of(&self.workspace, &self.tree, environment)
    }
}

/// The fingerprint of every task of a workspace.
pub(crate) fn fingerprints_of(
    workspace: &Workspace,
    tree: &MemoryTree,
    environment: &Environment,
) -> BTreeMap<TaskId, Fingerprint> {
    let all = workspace.task_indices().collect();
    let found = fingerprints(workspace, tree, environment, &all, &OwnDigests::default()).unwrap();
    found.tasks.into_iter().map(|(task, print)| (workspace.task_id(task), print)).collect()
}

/// The ids of some tasks.
pub(crate) fn ids(workspace: &Workspace, tasks: impl IntoIterator<Item = TaskIndex>) -> BTreeSet<TaskId> {
    tasks.into_iter().map(|task| workspace.task_id(task)).collect()
}

pub(crate) fn differing(base: &Known, head: &Known) -> Vec<Change> {
    changes(&base.tree, &head.tree).unwrap()
}

pub(crate) fn affected(base: &Known, head: &Known, unowned_widens: bool) -> Affected {
    let terms = Terms { unowned_widens, ..Terms::default() };
    affect(base.side(), head.side(), &differing(base, head), &terms).unwrap()
}

/// Tasks whose fingerprint at the head is not the one at the base, and those that the base has not.
pub(crate) fn by_fingerprints(base: &Known, head: &Known) -> BTreeSet<TaskId> {
    let before = base.fingerprints(&Environment::new());
    let after = head.fingerprints(&Environment::new());
    after.into_iter().filter(|(task, print)| before.get(task) != Some(print)).map(|(task, _)| task).collect()
}
