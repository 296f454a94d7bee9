//! Whose own part differs between two trees: changed inputs, other definitions, another set of inputs.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::cause::Own;
use super::slice::SlicesOf;
use super::{Cause, Side, matters};
use crate::fingerprint::{ResolvedInput, differing_parts, is_attributes, resolve};
use crate::path::RepoPath;
use crate::tree::{Change, ChangeKind, TreeError};
use crate::workspace::{ProjectId, Reason, Task, TaskId, TaskIndex, Workspace};

/// What differs, before it spreads.
pub(super) struct Comparison<'a> {
    base: Side<'a>,
    head: Side<'a>,
    changes: &'a [Change],
    pub(super) own: BTreeMap<TaskIndex, BTreeSet<Own>>,
    pub(super) unowned: BTreeSet<RepoPath>,
    pub(super) unread: BTreeSet<RepoPath>,
}

impl<'a> Comparison<'a> {
    pub(super) fn new(base: Side<'a>, head: Side<'a>, changes: &'a [Change]) -> Result<Self, TreeError> {
        let (own, unowned, unread) = Default::default();
        let mut comparison = Self { base, head, changes, own, unowned, unread };
        let unread = comparison.changed_paths();
        let read_through_links = comparison.changed_definitions()?;
        let applied = comparison.changed_attributes()?;
        comparison.paths_without_reader(&unread, &read_through_links, &applied);
        Ok(comparison)
    }

    /// Whether both trees have one workspace: it was made from what they have in common.
    fn is_one_workspace(&self) -> bool {
        std::ptr::eq(self.base.workspace, self.head.workspace)
    }

    /// Projects of the base that the head does not have.
    pub(super) fn removed_projects(&self) -> Vec<ProjectId> {
        if self.is_one_workspace() {
            return Vec::new();
        }
        let gone = self.base.workspace.projects().filter(|project| self.head.workspace.project(&project.id).is_none());
        gone.map(|project| project.id.clone()).collect()
    }

    /// Blames each changed path for the tasks that read it by its own name; returns the changes that none does. Those
    /// that reach it through a link are compared input by input later, because links name a path in more ways than can
    /// be counted here.
    fn changed_paths(&mut self) -> Vec<&'a Change> {
        let mut unread = Vec::new();
        for change in self.changes {
            let Change { path, kind } = change;
            let mut is_read = false;
            if *kind != ChangeKind::Deleted || self.is_one_workspace() {
                for (task, input) in self.head.workspace.readers_of(path) {
                    self.own.entry(task).or_default().insert(Own::Read { path: path.clone(), change: *kind, input });
                    is_read = true;
                }
            }
            if *kind != ChangeKind::Added && !self.is_one_workspace() {
                let workspace = self.base.workspace;
                for (task, input) in workspace.readers_of(path) {
                    let task = workspace.task_at(task);
                    let evidence = || task.evidence_of(Reason::Input(input), path);
                    self.blame(&task.id, || Cause::Input { path: path.clone(), change: *kind, evidence: evidence() });
                    is_read |= *kind == ChangeKind::Deleted;
                }
            }
            if !is_read {
                unread.push(change);
            }
        }
        unread
    }

    /// Notes changed paths that nobody is known to read. What counts is the head; of a deleted path, the base.
    fn paths_without_reader(
        &mut self,
        unread: &[&Change],
        read_through_links: &BTreeSet<RepoPath>,
        applied: &BTreeSet<RepoPath>,
    ) {
        for Change { path, kind } in unread {
            let side = if *kind == ChangeKind::Deleted { self.base } else { self.head };
            let workspace = side.workspace;
            let names = workspace.symlinks.names_of(path);
            // A link may stand above what a task names as its input.
            let below = |task: &Task| task.inputs.iter().any(|input| input.selection.base.is_within(path));
            let is_read = read_through_links.contains(path)
                || names.iter().any(|name| name != path && !workspace.readers_of(name).is_empty())
                || (workspace.symlinks.has(path) && workspace.tasks().any(below));
            if !is_read && matters(path, [self.base.workspace, self.head.workspace]) {
                let is_owned = names.iter().any(|name| workspace.is_owned(name));
                match is_owned {
                    true if applied.contains(path) => {}
                    true => _ = self.unread.insert(path.clone()),
                    // Attributes apply to files that nobody owns as well.
                    false => _ = self.unowned.insert(path.clone()),
                }
            }
        }
    }

    /// Notes a cause for a task of the head; a task that only the base has is no task that could run.
    fn blame(&mut self, task: &TaskId, cause: impl FnOnce() -> Cause) {
        if let Some(at) = self.head.workspace.task_index(task) {
            self.own.entry(at).or_default().insert(Own::Told(cause()));
        }
    }

    /// Blames what differs in tasks themselves; returns the changed paths that were found to be read on the way.
    fn changed_definitions(&mut self) -> Result<BTreeSet<RepoPath>, TreeError> {
        let (base, head) = (self.base.workspace, self.head.workspace);
        let mut read = BTreeSet::new();
        let relinked = base.symlinks != head.symlinks
            || self.changes.iter().any(|c| base.symlinks.lead_to(&c.path) || head.symlinks.lead_to(&c.path));
        // One workspace for both trees defines every task alike, but links can lead to what changed.
        if self.is_one_workspace() && !relinked {
            return Ok(read);
        }
        let disputed = base.disputed_with(head);
        let mut slices = SlicesOf::new([base, head]);
        let others_choose = base.ignore != head.ignore || relinked;
        for at in head.task_indices() {
            let id = head.task_id(at);
            let Some(before) = base.task_index(&id) else {
                self.blame(&id, || Cause::NewTask);
                continue;
            };
            let is_disputed = disputed.contains(&id.project);
            if !others_choose && !is_disputed && base.definition(before) == head.definition(at) {
                continue;
            }
            let (before, task) = (base.task_at(before), head.task_at(at));
            for part in differing_parts(before, task) {
                self.blame(&task.id, || Cause::Definition { part: part.to_owned() });
            }
            self.changed_slices(before, task, &mut slices);
            self.changed_readings(before, task);
            let selections = |task: &'a Task| task.inputs.iter().map(|input| &input.selection).collect::<BTreeSet<_>>();
            if base.ignore != head.ignore
                || is_disputed
                || selections(before) != selections(task)
                || (relinked && (meets_links(base, before) || meets_links(head, task)))
            {
                self.changed_input_set(before, task, &mut read)?;
            }
        }
        Ok(read)
    }

    /// Blames attributes of files that changed for the tasks that read a file that they apply to; returns those that
    /// apply to any. One side is enough: a task that reads such a file on the other side alone is blamed for that file.
    fn changed_attributes(&mut self) -> Result<BTreeSet<RepoPath>, TreeError> {
        let mut applied = BTreeSet::new();
        for (side, at_head) in [(self.base, false), (self.head, true)] {
            let is_here = |change: &&Change| at_head == (change.kind != ChangeKind::Deleted);
            let changed = self.changes.iter().filter(is_here).filter(|change| is_attributes(&change.path));
            let folders: Vec<(&Change, RepoPath)> = changed.filter_map(|c| Some((c, c.path.parent()?))).collect();
            if folders.is_empty() {
                continue;
            }
            let tasks: Vec<TaskIndex> = side.workspace.task_indices().collect();
            let read_by = |at: &TaskIndex| {
                let task = side.workspace.task_at(*at);
                if !folders.iter().any(|(_, folder)| may_read_below(side.workspace, task, folder)) {
                    return Ok((task, Vec::new()));
                }
                let inputs = resolve(side.workspace, side.tree, task)?;
                let read = folders.iter().filter_map(|(change, _)| Some((*change, inputs.get(&change.path)?.reason)));
                Ok((task, read.collect()))
            };
            let read: Vec<(&Task, Vec<(&Change, Reason)>)> =
                tasks.par_iter().map(read_by).collect::<Result<_, TreeError>>()?;
            for (task, changes) in read {
                for (Change { path, kind }, reason) in changes {
                    let evidence = || task.evidence_of(reason, path);
                    self.blame(&task.id, || Cause::Input { path: path.clone(), change: *kind, evidence: evidence() });
                    applied.insert(path.clone());
                }
            }
        }
        Ok(applied)
    }

    fn changed_slices(&mut self, before: &'a Task, after: &'a Task, slices: &mut SlicesOf<'a>) {
        let files: BTreeSet<&RepoPath> = before.slices.iter().chain(&after.slices).map(|slice| &slice.file).collect();
        for file in files {
            let of = |task: &'a Task| task.slices.iter().filter(|slice| slice.file == *file).collect::<Vec<_>>();
            for cause in slices.differing(file, &of(before), &of(after)) {
                self.blame(&after.id, || cause);
            }
        }
    }

    fn changed_readings(&mut self, before: &Task, after: &Task) {
        for (these, those, at_head) in [(before, after, false), (after, before, true)] {
            let known: BTreeSet<&TaskId> = those.reads.iter().map(|read| &read.task).collect();
            for read in these.reads.iter().filter(|read| !known.contains(&read.task)) {
                self.blame(&after.id, || Cause::Reading {
                    task: read.task.clone(),
                    at_head,
                    evidence: read.evidence.clone(),
                });
            }
        }
    }

    /// The exact comparison, for the few tasks whose inputs are chosen in another way than before, or through links.
    fn changed_input_set(
        &mut self,
        before: &Task,
        after: &Task,
        read: &mut BTreeSet<RepoPath>,
    ) -> Result<(), TreeError> {
        let old = resolve(self.base.workspace, self.base.tree, before)?;
        let new = resolve(self.head.workspace, self.head.tree, after)?;
        let what = |input: &ResolvedInput| (input.mode, input.content);
        for (here, there, task, at_head) in [(&old, &new, before, false), (&new, &old, after, true)] {
            for (path, input) in here.iter().filter(|(path, input)| there.get(*path).map(what) != Some(what(input))) {
                let evidence = task.evidence_of(input.reason, path);
                let change = self.change_of(path);
                // A path that is read no longer is not known to be read.
                read.extend(new.contains_key(path).then(|| path.clone()));
                read.extend((change == Some(ChangeKind::Deleted)).then(|| path.clone()));
                self.blame(&after.id, || match change {
                    Some(change) => Cause::Input { path: path.clone(), change, evidence },
                    None => Cause::InputSet { path: path.clone(), at_head, evidence },
                });
            }
        }
        Ok(())
    }

    fn change_of(&self, path: &RepoPath) -> Option<ChangeKind> {
        self.changes.binary_search_by(|change| change.path.cmp(path)).ok().map(|at| self.changes[at].kind)
    }
}

/// Whether a task could read something through a symbolic link.
fn meets_links(workspace: &Workspace, task: &Task) -> bool {
    task.inputs.iter().any(|input| workspace.symlinks.lie_on(&input.selection.base))
}

/// Whether a task could read a file of a folder, as far as that can be told without a look at the tree.
fn may_read_below(workspace: &Workspace, task: &Task, folder: &RepoPath) -> bool {
    let bases = task.inputs.iter().map(|input| &input.selection.base);
    let mut bases = bases.chain(task.slices.iter().map(|slice| &slice.file));
    bases.any(|base| base.is_within(folder) || folder.is_within(base)) || meets_links(workspace, task)
}
