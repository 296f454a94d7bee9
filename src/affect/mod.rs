//! Which tasks a change affects, and why: those whose fingerprint at the head differs from that at the base, and those
//! of which it cannot be known.
//!
//! The answer is found without fingerprinting everything twice. A task's own part can only differ if a changed path is
//! among its inputs, if its definition differs, or if the set of its inputs does; whoever reads a task that differs,
//! differs. That this gives what two full sets of fingerprints give is held by a property test.

mod cause;
mod chain;
mod comparison;
mod slice;
mod verify;

use std::collections::{BTreeSet, VecDeque};

pub use cause::{Affected, AffectedTask, Cause};
pub use chain::{Step, chain};
pub use verify::{Difference, DifferenceSide};

use self::comparison::Comparison;
use crate::fingerprint::Environment;
use crate::path::RepoPath;
use crate::tree::{Change, Tree, TreeError};
use crate::workspace::{Doubt, Scope, TaskIndex, Workspace, is_inert};

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

/// The tasks of the head that the changes between base and head affect, each with all its causes. The changes are sorted.
pub fn affect(base: Side<'_>, head: Side<'_>, changes: &[Change], terms: &Terms) -> Result<Affected, TreeError> {
    let comparison = Comparison::new(base, head, changes)?;
    let removed = comparison.removed_projects();
    let Comparison { own, unowned, unread, .. } = comparison;
    let nothing = Affected::nothing(head.workspace.task_indices().len());
    let mut affected = Affected { own, unowned, unread, removed, ..nothing };
    let mut reached: Vec<TaskIndex> = affected.own.keys().copied().collect();
    widen(&mut affected, &mut reached, base, head, changes, terms);
    spread(&mut affected.distances, reached, head.workspace);
    Ok(affected)
}

/// Adds what cannot be known. Two trees that are equal differ in nothing, whatever is unreadable in them.
fn widen(
    affected: &mut Affected,
    reached: &mut Vec<TaskIndex>,
    base: Side<'_>,
    head: Side<'_>,
    changes: &[Change],
    terms: &Terms,
) {
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
    let workspace = head.workspace;
    if doubts.iter().any(|doubt| doubt.scope == Scope::All) {
        reached.extend(workspace.task_indices());
    } else if !doubts.is_empty() {
        let doubtful = |task: &TaskIndex| doubts.iter().any(|doubt| doubt.reaches(workspace.task_at(*task)));
        reached.extend(workspace.task_indices().filter(doubtful));
    }
    affected.widened = doubts.into_iter().collect();
}

/// Follows results to their readers. The distance counts the projects that lie between: a step within a project is
/// free, so a queue with two ends visits tasks in the order of their distance.
fn spread(distances: &mut [u32], reached: Vec<TaskIndex>, workspace: &Workspace) {
    for task in &reached {
        distances[task.number()] = 0;
    }
    let mut pending: VecDeque<(TaskIndex, u32)> = reached.into_iter().map(|task| (task, 0)).collect();
    while let Some((task, far)) = pending.pop_front() {
        if distances[task.number()] < far {
            continue;
        }
        for reader in workspace.readers_of_result(task) {
            let within = workspace.project_index(reader) == workspace.project_index(task);
            let distance = far + u32::from(!within);
            if distance < distances[reader.number()] {
                distances[reader.number()] = distance;
                match within {
                    true => pending.push_front((reader, distance)),
                    false => pending.push_back((reader, distance)),
                }
            }
        }
    }
}

/// Whether a changed path that no task reads is worth a word: it is neither inert by the built-in list, nor ignored by
/// the configuration, nor a file whose meaning the two workspaces hold and that was compared with them.
fn matters(path: &RepoPath, workspaces: [&Workspace; 2]) -> bool {
    let understood = |workspace: &&Workspace| workspace.is_ignored(path) || workspace.is_understood(path);
    !is_inert(path) && !workspaces.iter().any(understood)
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
