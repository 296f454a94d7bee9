//! Why something is in the plan, or why not, and what it would react to.

use std::fmt::Write as _;

use super::{FAINT, Look, MOST_FILES, NAME, cause_text, count, evidence_text};
use crate::affect::{Affected, Cause, chain};
use crate::fingerprint::is_attributes;
use crate::path::{RepoPath, harmless};
use crate::tree::Change;
use crate::workspace::{Project, Task, TaskId, TaskIndex, Workspace, is_inert};

/// The shortest chain from a change to each affected task of a project; or why there is none.
pub fn explain_project(workspace: &Workspace, affected: &Affected, project: &Project, look: Look) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{}  {}  {}",
        look.paint(NAME, &project.name),
        project.kind,
        look.paint(FAINT, project.id.to_string())
    );
    for (folder, evidence) in &project.joined {
        let _ = writeln!(text, "with {folder}  {}", look.paint(FAINT, evidence_text(evidence)));
    }
    let mut none = true;
    for task in workspace.tasks_of(&project.id).filter_map(|task| is_affected(workspace, affected, &task.id)) {
        none = false;
        chain_text(&mut text, workspace, affected, task, look);
    }
    if none {
        text.push_str("\nnot affected: no input of its tasks changed, and none of what they read did\n");
        for task in workspace.tasks_of(&project.id) {
            reacts_text(&mut text, workspace, task, look);
        }
    }
    text
}

/// The shortest chain from a change to a task; or why there is none.
pub fn explain_task(workspace: &Workspace, affected: &Affected, task: &Task, look: Look) -> String {
    let mut text = String::new();
    if let Some(task) = is_affected(workspace, affected, &task.id) {
        chain_text(&mut text, workspace, affected, task, look);
        return text;
    }
    let _ = writeln!(text, "{}", look.paint(NAME, task.id.to_string()));
    text.push_str("not affected: none of its inputs changed, and none of the results that it reads did\n");
    reacts_text(&mut text, workspace, task, look);
    text
}

/// Who owns a path, who reads it, and whether it changed.
pub fn explain_path(
    workspace: &Workspace,
    affected: &Affected,
    changes: &[Change],
    path: &RepoPath,
    look: Look,
) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}", look.paint(NAME, path.to_string()));
    let changed = changes.iter().filter(|change| change.path.is_within(path)).count();
    let _ = match changed {
        0 => writeln!(text, "did not change"),
        1 if changes.iter().any(|change| change.path == *path) => writeln!(text, "changed"),
        _ => writeln!(text, "{} below it", count(changed, "file changed", "files changed")),
    };
    let _ = match workspace.owner_of(path) {
        Some(project) => writeln!(text, "owned by {}", project.id),
        None => writeln!(text, "owned by no project"),
    };
    let mut readers: Vec<(TaskIndex, String)> = Vec::new();
    for name in workspace.symlinks.names_of(path) {
        readers.extend(
            workspace
                .readers_of(&name)
                .into_iter()
                .map(|(task, input)| (task, evidence_text(&workspace.task_at(task).inputs[input].evidence))),
        );
    }
    readers.sort();
    readers.dedup_by(|later, first| later.0 == first.0);
    if is_attributes(path) {
        text.push_str("says how files are checked out: read by every task that reads a file beside or below it\n");
    }
    if readers.is_empty() {
        text.push_str(match () {
            () if workspace.is_understood(path) => "read by knockon itself: what it says is compared, not its bytes\n",
            () if workspace.is_ignored(path) => "ignored: the configuration says that it is never an input\n",
            () if is_inert(path) => "inert: on the built-in list of what no build or test reads\n",
            () if workspace.fragments(path).is_some() => {
                "read in slices: a change to it affects who reads what changed\n"
            }
            () if workspace.is_nobodys(path) => {
                "read by no task: a change to it affects everything, unless `unowned` says otherwise\n"
            }
            () if is_attributes(path) => "",
            () => "read by no task: a change to it affects nothing\n",
        });
    }
    for task in workspace.tasks() {
        for slice in task.slices.iter().filter(|slice| slice.file == *path) {
            let planned = match workspace.task_index(&task.id).filter(|task| affected.contains(*task)) {
                Some(_) => "",
                None => "  (not affected)",
            };
            let fragment = harmless(&*slice.fragment);
            let _ = writeln!(text, "read by {} as far as `{fragment}` reaches{planned}", task.id);
        }
    }
    for (task, evidence) in readers {
        let planned = if affected.contains(task) { "" } else { "  (not affected)" };
        let task = workspace.task_id(task);
        let _ = writeln!(text, "read by {task}{planned}\n    {}", look.paint(FAINT, look.cut(&evidence, 4)));
    }
    text
}

fn is_affected(workspace: &Workspace, affected: &Affected, task: &TaskId) -> Option<TaskIndex> {
    workspace.task_index(task).filter(|task| affected.contains(*task))
}

fn chain_text(text: &mut String, workspace: &Workspace, affected: &Affected, task: TaskIndex, look: Look) {
    let steps = chain(affected, workspace, task);
    let Some(last) = steps.last() else { return };
    let _ = writeln!(text, "\n{}", look.paint(NAME, label(workspace, &workspace.task_id(task))));
    for step in &steps[..steps.len() - 1] {
        if let Cause::Upstream { task, evidence } = &step.cause {
            let line = evidence.as_ref().map(evidence_text).unwrap_or_default();
            let _ = writeln!(text, "  reads {}", label(workspace, task));
            if !line.is_empty() {
                let _ = writeln!(text, "      {}", look.paint(FAINT, look.cut(&line, 6)));
            }
        }
    }
    let causes = workspace.task_index(&last.task).and_then(|task| affected.task(workspace, task));
    let own: Vec<&Cause> =
        causes.iter().flat_map(|task| &task.causes).filter(|cause| !matches!(cause, Cause::Upstream { .. })).collect();
    let shown = look.most(own.len(), MOST_FILES);
    for cause in &own[..shown] {
        let (sentence, evidence) = cause_text(cause);
        let _ = writeln!(text, "  because {sentence}");
        if let Some(evidence) = evidence {
            let _ = writeln!(text, "      {}", look.paint(FAINT, look.cut(&evidence_text(evidence), 6)));
        }
    }
    if shown < own.len() {
        let more = format!("and {} more causes; --all tells", own.len() - shown);
        let _ = writeln!(text, "  {}", look.paint(FAINT, more));
    }
}

fn label(workspace: &Workspace, task: &TaskId) -> String {
    let name = workspace.project(&task.project).map_or_else(|| task.project.to_string(), |p| p.name.clone());
    format!("{name}:{}", task.name)
}

fn reacts_text(text: &mut String, workspace: &Workspace, task: &Task, look: Look) {
    let _ = writeln!(text, "\n{} would react to", look.paint(NAME, label(workspace, &task.id)));
    let shown = look.most(task.inputs.len(), MOST_FILES);
    for input in &task.inputs[..shown] {
        let what = match (input.selection.reach, input.selection.filters.len()) {
            (crate::selection::Reach::Owned, 0) => format!("its own files in {}", input.selection.base),
            (crate::selection::Reach::Owned, _) => format!("some of its own files in {}", input.selection.base),
            (_, 0) => input.selection.base.to_string(),
            (_, _) => format!("some files in {}", input.selection.base),
        };
        let _ = writeln!(text, "  {what}\n      {}", look.paint(FAINT, look.cut(&evidence_text(&input.evidence), 6)));
    }
    if shown < task.inputs.len() {
        let more = format!("and {} more; `knockon inputs {}` tells", task.inputs.len() - shown, task.id);
        let _ = writeln!(text, "  {}", look.paint(FAINT, more));
    }
    for slice in &task.slices {
        let evidence = look.cut(&evidence_text(&slice.evidence), 6);
        let fragment = harmless(&*slice.fragment);
        let _ =
            writeln!(text, "  {} as far as `{fragment}` reaches\n      {}", slice.file, look.paint(FAINT, evidence));
    }
    for read in &task.reads {
        let _ = writeln!(text, "  {}", label(workspace, &read.task));
        if let Some(evidence) = &read.evidence {
            let _ = writeln!(text, "      {}", look.paint(FAINT, look.cut(&evidence_text(evidence), 6)));
        }
    }
}
