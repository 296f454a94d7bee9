//! Which inputs make the fingerprints of one task differ in two trees.

use std::collections::{BTreeMap, BTreeSet};

use super::{Fingerprint, resolve};
use crate::path::RepoPath;
use crate::tree::{Tree, TreeError};
use crate::workspace::{Task, TaskId, TaskIndex, Workspace};

/// A task as it is in one tree.
#[derive(Clone, Copy)]
pub struct TaskInTree<'a> {
    /// All that is known of the tree.
    pub workspace: &'a Workspace,
    /// The tree.
    pub tree: &'a dyn Tree,
    /// The task.
    pub task: &'a Task,
    /// The fingerprints there of the task and of those whose results it reads.
    pub fingerprints: &'a BTreeMap<TaskIndex, Fingerprint>,
}

/// One input that is not the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Differing {
    /// What is run, in which environment, with which tools or outputs.
    Part(&'static str),
    /// A file.
    File(RepoPath, Sides),
    /// What a file says under a name, with all that it needs.
    Slice(RepoPath, String, Sides),
    /// The result of another task.
    Read(TaskId, Sides),
}

/// In which of two trees something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sides {
    /// In the first alone.
    First,
    /// In the second alone.
    Second,
    /// In both, and not the same.
    Both,
}

/// All inputs that differ, sorted. Where the fingerprints are equal there are none.
pub fn differences(first: TaskInTree<'_>, second: TaskInTree<'_>) -> Result<Vec<Differing>, TreeError> {
    let mut found: Vec<Differing> = differing_parts(first.task, second.task).into_iter().map(Differing::Part).collect();
    let files = |side: TaskInTree<'_>| -> Result<BTreeMap<_, _>, TreeError> {
        let files = resolve(side.workspace, side.tree, side.task)?;
        Ok(files.into_iter().map(|(path, file)| (path, (file.mode, file.content))).collect())
    };
    let differing = compare(&files(first)?, &files(second)?);
    found.extend(differing.into_iter().map(|(path, sides)| Differing::File(path, sides)));
    let slices = |side: TaskInTree<'_>| -> BTreeMap<_, _> {
        side.task.slices.iter().map(|slice| ((slice.file.clone(), slice.fragment.clone()), slice.digest)).collect()
    };
    let differing = compare(&slices(first), &slices(second));
    found.extend(differing.into_iter().map(|((file, name), sides)| Differing::Slice(file, name.to_string(), sides)));
    let reads = |side: TaskInTree<'_>| -> BTreeMap<_, _> {
        let at = side.workspace.task_index(&side.task.id);
        let reads = at.into_iter().flat_map(|at| side.workspace.results_read_by(at));
        reads.map(|read| (side.workspace.task_id(read), side.fingerprints.get(&read).copied())).collect()
    };
    let differing = compare(&reads(first), &reads(second));
    found.extend(differing.into_iter().map(|(task, sides)| Differing::Read(task, sides)));
    found.sort();
    Ok(found)
}

fn compare<K: Ord + Clone, V: PartialEq>(first: &BTreeMap<K, V>, second: &BTreeMap<K, V>) -> Vec<(K, Sides)> {
    let keys: BTreeSet<&K> = first.keys().chain(second.keys()).collect();
    let sides = |key: &K| match (first.get(key), second.get(key)) {
        (Some(_), None) => Some(Sides::First),
        (None, Some(_)) => Some(Sides::Second),
        (one, other) => (one != other).then_some(Sides::Both),
    };
    keys.into_iter().filter_map(|key| Some((key.clone(), sides(key)?))).collect()
}

/// The parts of two tasks' definitions that differ.
pub fn differing_parts(before: &Task, after: &Task) -> Vec<&'static str> {
    let mut parts = Vec::new();
    if before.commands != after.commands {
        parts.push("command");
    }
    if before.environment != after.environment {
        parts.push("environment");
    }
    if before.output_patterns() != after.output_patterns() {
        parts.push("outputs");
    }
    if before.tools != after.tools {
        parts.push("tools");
    }
    parts
}
