//! Whose own part differs between two trees: changed inputs, other definitions, another set of inputs.

use std::collections::{BTreeMap, BTreeSet};

use super::{Cause, Side, matters};
use crate::fingerprint::{Environment, own_digest, resolve};
use crate::path::RepoPath;
use crate::tree::{Change, ChangeKind, TreeError};
use crate::workspace::{Owner, ProjectId, Task, TaskId, Workspace};

/// What differs, before it spreads.
pub(super) struct Comparison<'a> {
    base: Side<'a>,
    head: Side<'a>,
    pub(super) causes: BTreeMap<TaskId, BTreeSet<Cause>>,
    pub(super) unowned: BTreeSet<RepoPath>,
    pub(super) unread: BTreeSet<RepoPath>,
}

impl<'a> Comparison<'a> {
    pub(super) fn new(
        base: Side<'a>,
        head: Side<'a>,
        changes: &[Change],
        environment: &Environment,
    ) -> Result<Self, TreeError> {
        let (causes, unowned, unread) = Default::default();
        let mut comparison = Self { base, head, causes, unowned, unread };
        for change in changes {
            comparison.changed_path(change);
        }
        comparison.changed_definitions(environment)?;
        Ok(comparison)
    }

    /// Projects of the base that the head does not have.
    pub(super) fn removed_projects(&self) -> Vec<ProjectId> {
        let gone = self.base.workspace.projects().filter(|project| self.head.workspace.project(&project.id).is_none());
        gone.map(|project| project.id.clone()).collect()
    }

    fn changed_path(&mut self, change: &Change) {
        let mut is_read = false;
        let mut is_owned = false;
        for (side, exists) in
            [(self.base, change.kind != ChangeKind::Added), (self.head, change.kind != ChangeKind::Deleted)]
        {
            let workspace = side.workspace;
            for name in workspace.symlinks.names_of(&change.path) {
                is_owned |= workspace.owners.owner_of(&name) != Owner::Shared;
                if !exists {
                    continue;
                }
                for (task, evidence) in workspace.readers_of(&name) {
                    is_read = true;
                    self.blame(&task.id, || Cause::Input {
                        path: change.path.clone(),
                        change: change.kind,
                        evidence: evidence.clone(),
                    });
                }
            }
            if exists && workspace.symlinks.has(&change.path) {
                is_read |= self.link_on_the_way(workspace, change);
            }
        }
        if !is_read && matters(&change.path, [self.base.workspace, self.head.workspace]) {
            let list = if is_owned { &mut self.unread } else { &mut self.unowned };
            list.insert(change.path.clone());
        }
    }

    /// A link that changed may stand above what a task names as its input.
    fn link_on_the_way(&mut self, workspace: &Workspace, change: &Change) -> bool {
        let mut found = false;
        for task in workspace.tasks() {
            for input in task.inputs.iter().filter(|input| input.selection.base.is_within(&change.path)) {
                found = true;
                self.blame(&task.id, || Cause::Input {
                    path: change.path.clone(),
                    change: change.kind,
                    evidence: input.evidence.clone(),
                });
            }
        }
        found
    }

    /// Notes a cause for a task of the head; a task that only the base has is no task that could run.
    fn blame(&mut self, task: &TaskId, cause: impl FnOnce() -> Cause) {
        if self.head.workspace.task(task).is_some() {
            self.causes.entry(task.clone()).or_default().insert(cause());
        }
    }

    fn changed_definitions(&mut self, environment: &Environment) -> Result<(), TreeError> {
        let (base, head) = (self.base.workspace, self.head.workspace);
        if std::ptr::eq(base, head) {
            return Ok(());
        }
        let disputed: BTreeSet<&ProjectId> = base.owners.disputed_with(&head.owners).collect();
        let relinked = base.symlinks != head.symlinks || base.ignore != head.ignore;
        for task in head.tasks() {
            let Some(before) = base.task(&task.id) else {
                self.blame(&task.id, || Cause::NewTask);
                continue;
            };
            for part in differing_parts(before, task) {
                self.blame(&task.id, || Cause::Definition { part: part.to_owned() });
            }
            self.changed_readings(before, task);
            let selections = |task: &'a Task| task.inputs.iter().map(|input| &input.selection).collect::<BTreeSet<_>>();
            if relinked || disputed.contains(&task.id.project) || selections(before) != selections(task) {
                self.changed_input_set(before, task, environment)?;
            }
        }
        Ok(())
    }

    fn changed_readings(&mut self, before: &Task, after: &Task) {
        for (these, those, at_head) in [(before, after, false), (after, before, true)] {
            for read in these.reads.iter().filter(|read| !those.reads.iter().any(|other| other.task == read.task)) {
                self.blame(&after.id, || Cause::Reading {
                    task: read.task.clone(),
                    at_head,
                    evidence: read.evidence.clone(),
                });
            }
        }
    }

    /// The exact comparison, for the few tasks whose inputs are chosen in another way than before.
    fn changed_input_set(&mut self, before: &Task, after: &Task, environment: &Environment) -> Result<(), TreeError> {
        let old = own_digest(self.base.workspace, self.base.tree, environment, before)?;
        let new = own_digest(self.head.workspace, self.head.tree, environment, after)?;
        if old == new {
            return Ok(());
        }
        let old = resolve(self.base.workspace, self.base.tree, before)?;
        let new = resolve(self.head.workspace, self.head.tree, after)?;
        for (here, there, task, at_head) in [(&old, &new, before, false), (&new, &old, after, true)] {
            for (path, input) in here.iter().filter(|(path, _)| !there.contains_key(*path)) {
                self.blame(&after.id, || Cause::InputSet {
                    path: path.clone(),
                    at_head,
                    evidence: task.inputs[input.input].evidence.clone(),
                });
            }
        }
        Ok(())
    }
}

fn differing_parts(before: &Task, after: &Task) -> Vec<&'static str> {
    let mut parts = Vec::new();
    if before.commands != after.commands {
        parts.push("command");
    }
    if before.environment != after.environment {
        parts.push("environment");
    }
    if before.outputs != after.outputs {
        parts.push("outputs");
    }
    if before.tools != after.tools {
        parts.push("tools");
    }
    parts
}
