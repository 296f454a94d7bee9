//! Where a task that is run on disk would not see what is staged.

use std::collections::BTreeSet;

use super::{Answer, Planner, PlannerError};
use crate::affect::{Affected, Cause, Side, Terms, affect};
use crate::diagnostic::Diagnostic;
use crate::git::TreeView;
use crate::path::RepoPath;
use crate::plan::{TreeKind, TreeName};
use crate::tree::changes;
use crate::workspace::{TaskIndex, Workspace};

/// How many files are named.
const NAMED: usize = 5;

impl Planner {
    /// Warns where what is on disk affects, against what is staged, a task that is affected by what is staged. An answer
    /// about the index stands whatever is on disk, so that nothing found here is an error.
    pub(super) fn differing_on_disk(&self, answer: &Answer) -> Vec<Diagnostic> {
        if answer.affected.is_empty() {
            return Vec::new();
        }
        self.find_differing_on_disk(answer).unwrap_or_else(|error| {
            let message = format!("whether the work tree differs from what is staged cannot be told: {error}");
            vec![Diagnostic::warning("unstaged-inputs", message)]
        })
    }

    fn find_differing_on_disk(&self, answer: &Answer) -> Result<Vec<Diagnostic>, PlannerError> {
        let TreeView { tree: on_disk, notes } = self.repository.worktree_tree()?;
        // What is staged is the head here, so that both answers number tasks alike.
        let differing = changes(&*on_disk, &*answer.head.tree)?;
        if differing.is_empty() {
            return Ok(Vec::new());
        }
        let name = TreeName { kind: TreeKind::WorkTree, commit: answer.head.name.commit.clone(), revision: None };
        let known = self.known(&name, &on_disk, Some(answer.head.configuration()))?;
        let workspace = answer.head.workspace();
        let base = Side { tree: &*on_disk, workspace: &known.workspace };
        let head = Side { tree: &*answer.head.tree, workspace };
        let terms = Terms { environment: self.environment.clone(), unowned_widens: false, doubts: Vec::new() };
        let local = affect(base, head, &differing, &terms)?;

        // Followed anew from causes in files: what cannot be known on both sides alike is no difference.
        let reached = closure(local.by_themselves(), |task| workspace.readers_of_result(task).collect());
        let planned: BTreeSet<TaskIndex> = answer.affected.tasks().filter(|task| reached.contains(task)).collect();
        let Some(first) = planned.first() else { return Ok(Vec::new()) };
        let read = closure(planned.iter().copied(), |task| workspace.results_read_by(task).collect());
        let mut files: BTreeSet<RepoPath> = local
            .by_themselves()
            .filter(|task| read.contains(task))
            .flat_map(|task| files_behind(&local, workspace, task))
            .collect();
        if files.is_empty() {
            // A manifest that says something else, and is itself no input; or the configuration.
            let differing: BTreeSet<RepoPath> = differing.into_iter().map(|change| change.path).collect();
            let sides = [&known.workspace, workspace];
            let understood = differing.iter().filter(|path| sides.iter().any(|side| side.is_understood(path)));
            files = understood.cloned().collect();
            if files.is_empty() {
                files = differing;
            }
        }
        let mut named: Vec<String> = files.iter().take(NAMED).map(|file| format!("`{file}`")).collect();
        if files.len() > NAMED {
            named.push(format!("{} more", files.len() - NAMED));
        }
        let tasks = match planned.len() {
            1 => workspace.task_id(*first).to_string(),
            count => format!("{} and {} more", workspace.task_id(*first), count - 1),
        };
        let message = format!(
            "the work tree differs from what is staged in {}; a local run of {tasks} would not test what is committed",
            named.join(", ")
        );
        let help =
            "`git add` what belongs to the commit; `git stash --keep-index --include-untracked` sets the rest aside";
        let mut found = vec![Diagnostic::warning("unstaged-inputs", message).help(help)];
        // Of a file that git would filter it is not known whether it differs.
        found.extend(notes.into_iter().filter(|note| note.code == "git-filter"));
        Ok(found)
    }
}

/// The files that a task's own causes name.
fn files_behind(local: &Affected, workspace: &Workspace, task: TaskIndex) -> impl Iterator<Item = RepoPath> + use<> {
    let causes = local.task(workspace, task).map(|task| task.causes).unwrap_or_default();
    causes.into_iter().filter_map(|cause| match cause {
        Cause::Input { path, .. } | Cause::InputSet { path, .. } | Cause::Slice { path, .. } => Some(path),
        _ => None,
    })
}

/// Some tasks and all that are reached from them.
fn closure(from: impl Iterator<Item = TaskIndex>, next: impl Fn(TaskIndex) -> Vec<TaskIndex>) -> BTreeSet<TaskIndex> {
    let mut pending: Vec<TaskIndex> = from.collect();
    let mut reached: BTreeSet<TaskIndex> = pending.iter().copied().collect();
    while let Some(task) = pending.pop() {
        pending.extend(next(task).into_iter().filter(|task| reached.insert(*task)));
    }
    reached
}
