//! The shortest way from a change to a task: what `explain` shows.

use std::collections::{BTreeMap, VecDeque};

use super::{Affected, Cause};
use crate::workspace::{TaskId, TaskIndex, Workspace};

/// One step of a chain: a task, and the cause that brings it in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The task.
    pub task: TaskId,
    /// Its cause. The last step's cause is one of its own; every other names the next step's task.
    pub cause: Cause,
}

/// The shortest chain from a task down to a task with a cause of its own; empty for a task that is not affected.
pub fn chain(affected: &Affected, workspace: &Workspace, task: TaskIndex) -> Vec<Step> {
    let mut came_from: BTreeMap<TaskIndex, (TaskIndex, Cause)> = BTreeMap::new();
    let mut pending = VecDeque::from([task]);
    while let Some(here) = pending.pop_front() {
        let Some(entry) = affected.task(workspace, here) else { continue };
        if let Some(own) = entry.causes.iter().find(|cause| !matches!(cause, Cause::Upstream { .. })) {
            let mut steps = vec![Step { task: workspace.task_id(here), cause: own.clone() }];
            let mut below = here;
            while let Some((above, cause)) = came_from.remove(&below) {
                steps.push(Step { task: workspace.task_id(above), cause });
                below = above;
            }
            steps.reverse();
            return steps;
        }
        for cause in entry.causes {
            if let Cause::Upstream { task: upstream, .. } = &cause
                && let Some(upstream) = workspace.task_index(upstream)
                && upstream != task
                && !came_from.contains_key(&upstream)
            {
                came_from.insert(upstream, (here, cause));
                pending.push_back(upstream);
            }
        }
    }
    Vec::new()
}
