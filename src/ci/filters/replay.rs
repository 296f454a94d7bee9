//! Asks a commit of the past whether a filter would have let the builds run that it called for.

use std::collections::BTreeSet;

use super::{AuditedFilter, Pipelines};
use crate::affect::{Affected, Cause};
use crate::path::RepoPath;
use crate::tree::Change;
use crate::workspace::{TaskIndex, Workspace};

/// What a commit called for of that which a filter guards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalledFor {
    /// The changed files that called for it, sorted.
    pub paths: Vec<RepoPath>,
    /// Whether the filter does not let them run for all changed files.
    pub is_missed: bool,
}

/// Whether a commit called for a build that a filter of today guards, and whether the filter would have missed it. None if
/// it called for nothing; what only an engine's own file or a doubt calls for does not count.
pub fn called_for(
    pipelines: &Pipelines,
    filter: &AuditedFilter,
    workspace: &Workspace,
    affected: &Affected,
    changes: &[Change],
) -> Option<CalledFor> {
    let guarded = filter.tasks.iter().filter_map(|task| workspace.task_index(task));
    let mut pending: Vec<TaskIndex> = guarded.filter(|task| affected.contains(*task)).collect();
    let mut seen: BTreeSet<TaskIndex> = pending.iter().copied().collect();
    let mut paths = BTreeSet::new();
    while let Some(task) = pending.pop() {
        for cause in affected.task(workspace, task)?.causes {
            if let Cause::Input { path, .. } | Cause::InputSet { path, .. } | Cause::Slice { path, .. } = cause
                && pipelines.sources.binary_search(&path).is_err()
            {
                paths.insert(path);
            }
        }
        let upstream = workspace.results_read_by(task).filter(|read| affected.contains(*read));
        pending.extend(upstream.filter(|read| seen.insert(*read)));
    }
    if paths.is_empty() {
        return None;
    }
    let filter = pipelines.filter(filter);
    let is_missed = !filter.admits_any(changes);
    Some(CalledFor { paths: paths.into_iter().collect(), is_missed })
}
