//! Which tasks a change affects, and why: those whose fingerprint at the head differs from that at the base, and those
//! of which it cannot be known.
//!
//! The answer is found without fingerprinting everything twice. A task's own part can only differ if a changed path is
//! among its inputs, if its definition differs, or if the set of its inputs does; whoever reads a task that differs,
//! differs. That this gives what two full sets of fingerprints give is held by a property test.

mod cause;
mod chain;
mod comparison;
mod verify;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub use cause::{Affected, AffectedTask, Cause};
pub use chain::{Step, chain};
pub use verify::{Difference, DifferenceSide};

use self::comparison::Comparison;
use crate::fingerprint::Environment;
use crate::path::RepoPath;
use crate::tree::{Change, Tree, TreeError};
use crate::workspace::{Doubt, Read, Scope, Task, TaskId, Workspace, is_inert};

/// One of the two trees that are compared, and what is known of it.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    /// The content.
    pub tree: &'a dyn Tree,
    /// The projects.
    pub workspace: &'a Workspace,
}

/// What else the answer depends on.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// The values of declared environment variables.
    pub environment: Environment,
    /// Whether a changed file that nobody owns or reads widens the plan to everything.
    pub unowned_widens: bool,
    /// Doubts that do not come from the trees: a base that could not be proved, say.
    pub doubts: Vec<Doubt>,
}

/// The tasks of the head that the changes between base and head affect, each with all its causes.
pub fn affect(base: Side<'_>, head: Side<'_>, changes: &[Change], terms: &Terms) -> Result<Affected, TreeError> {
    let comparison = Comparison::new(base, head, changes)?;
    let mut affected = Affected { removed: comparison.removed_projects(), ..Affected::default() };
    let Comparison { causes, unowned, unread, .. } = comparison;
    affected.unowned = unowned;
    affected.unread = unread;
    for (task, causes) in causes {
        affected.tasks.insert(task, AffectedTask { causes, distance: 0 });
    }
    widen(&mut affected, base, head, changes, terms);
    spread(&mut affected, head.workspace);
    Ok(affected)
}

/// Adds what cannot be known. Two trees that are equal differ in nothing, whatever is unreadable in them.
fn widen(affected: &mut Affected, base: Side<'_>, head: Side<'_>, changes: &[Change], terms: &Terms) {
    let mut doubts: BTreeSet<Doubt> = terms.doubts.iter().cloned().collect();
    if !changes.is_empty() {
        doubts.extend(head.workspace.doubts.iter().cloned());
        let at_base = base.workspace.doubts.iter();
        doubts.extend(at_base.filter(|doubt| matches!(doubt.scope, Scope::Project(_))).cloned());
    }
    if terms.unowned_widens {
        doubts.extend(affected.unowned.iter().map(|path| Doubt {
            reason: "unowned".to_owned(),
            detail: format!("{path} changed, and no project owns or reads it"),
            scope: Scope::All,
        }));
    }
    for doubt in doubts {
        for task in head.workspace.tasks().filter(|task| reaches(&doubt.scope, task)) {
            let cause = Cause::Widened { reason: doubt.reason.clone(), detail: doubt.detail.clone() };
            affected.tasks.entry(task.id.clone()).or_default().causes.insert(cause);
        }
        affected.widened.push(doubt);
    }
}

fn reaches(scope: &Scope, task: &Task) -> bool {
    match scope {
        Scope::All => true,
        Scope::Ecosystem { name, below } => {
            task.ecosystems.contains(name.as_str()) && task.id.project.0.is_within(below)
        }
        Scope::Project(project) => task.id.project == *project,
    }
}

/// Follows results to their readers. The distance counts the projects that lie between: a step within a project is
/// free, so a queue with two ends visits tasks in the order of their distance.
fn spread(affected: &mut Affected, workspace: &Workspace) {
    let mut readers: BTreeMap<&TaskId, Vec<(&TaskId, &Read)>> = BTreeMap::new();
    for task in workspace.tasks() {
        for read in &task.reads {
            readers.entry(&read.task).or_default().push((&task.id, read));
        }
    }
    let mut distances: BTreeMap<TaskId, u32> = affected.tasks.keys().map(|task| (task.clone(), 0)).collect();
    let mut pending: VecDeque<(TaskId, u32)> = distances.iter().map(|(task, far)| (task.clone(), *far)).collect();
    while let Some((task, far)) = pending.pop_front() {
        if distances.get(&task).is_some_and(|known| *known < far) {
            continue;
        }
        for (reader, read) in readers.get(&task).map(Vec::as_slice).unwrap_or_default() {
            let cause = Cause::Upstream { task: task.clone(), evidence: read.evidence.clone() };
            affected.tasks.entry((*reader).clone()).or_default().causes.insert(cause);
            let step = u32::from(reader.project != task.project);
            if distances.get(*reader).is_none_or(|known| far + step < *known) {
                distances.insert((*reader).clone(), far + step);
                match step {
                    0 => pending.push_front(((*reader).clone(), far)),
                    _ => pending.push_back(((*reader).clone(), far + step)),
                }
            }
        }
    }
    for (task, far) in distances {
        if let Some(affected) = affected.tasks.get_mut(&task) {
            affected.distance = far;
        }
    }
}

/// Whether a changed path that no task reads is worth a word: it is neither inert by the built-in list, nor ignored by
/// the configuration, nor a file whose meaning the two workspaces hold and that was compared with them.
fn matters(path: &RepoPath, workspaces: [&Workspace; 2]) -> bool {
    let understood = |workspace: &&Workspace| workspace.is_ignored(path) || workspace.understood.contains(path);
    !is_inert(path) && !workspaces.iter().any(understood)
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
