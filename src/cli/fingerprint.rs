//! `knockon explain TASK --fingerprint A..B`: which inputs make two fingerprints differ.

use std::collections::{BTreeMap, BTreeSet};

use super::Exit;
use super::commands::{Failure, Session, find_task};
use crate::fingerprint::{Fingerprint, TaskInTree, differences};
use crate::planner::{HeadChoice, Planner, View};
use crate::report::text::{DifferenceText, differences_text};
use crate::workspace::{Task, TaskIndex};

impl Session<'_> {
    /// Tells which inputs of a task differ in two trees. No second one means what is on disk.
    pub(super) fn explain_fingerprint(&self, wanted: &str, trees: &str) -> Result<Exit, Failure> {
        let Some((first, second)) = trees.split_once("..").filter(|(first, _)| !first.is_empty()) else {
            return Err(Failure::Usage("write two revisions, `A..B`, or `A..` for what is on disk".to_owned()));
        };
        let planner = self.planner(&self.common.directory)?;
        let tree = |revision: &str| match revision {
            "" => HeadChoice::WorkTree,
            revision => HeadChoice::Revision(revision.to_owned()),
        };
        let (first, _) = planner.view(&tree(first))?;
        let (second, _) = planner.view(&tree(second))?;
        let task = find_task(second.workspace(), wanted).or_else(|_| find_task(first.workspace(), wanted))?;
        let [before, after] = [&first, &second].map(|view| Side::of(&planner, view, task));
        let (before, after) = (before?, after?);
        let text = differences_text(
            &DifferenceText {
                task: &task.id,
                names: [&first.name, &second.name],
                fingerprints: [before.as_ref(), after.as_ref()].map(|side| side.map(|side| side.own)),
                differing: match (&before, &after) {
                    (Some(before), Some(after)) if before.own != after.own => {
                        differences(before.in_tree(), after.in_tree())?
                    }
                    _ => Vec::new(),
                },
            },
            self.output.look,
        );
        self.output.answer(&text)?;
        Ok(Exit::Done)
    }
}

/// The task in one of the trees.
struct Side<'a> {
    view: &'a View,
    task: &'a Task,
    own: Fingerprint,
    fingerprints: BTreeMap<TaskIndex, Fingerprint>,
}

impl<'a> Side<'a> {
    /// None where the tree has no such task.
    fn of(planner: &Planner, view: &'a View, task: &Task) -> Result<Option<Self>, Failure> {
        let workspace = view.workspace();
        let Some(at) = workspace.task_index(&task.id) else { return Ok(None) };
        let wanted: BTreeSet<TaskIndex> = std::iter::once(at).chain(workspace.results_read_by(at)).collect();
        let fingerprints = planner.fingerprints(view, &wanted)?.tasks;
        let Some(own) = fingerprints.get(&at).copied() else { return Ok(None) };
        Ok(Some(Self { view, task: workspace.task_at(at), own, fingerprints }))
    }

    fn in_tree(&self) -> TaskInTree<'_> {
        let Self { view, task, fingerprints, .. } = self;
        TaskInTree { workspace: view.workspace(), tree: &*view.tree, task, fingerprints }
    }
}
