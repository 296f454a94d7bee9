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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::cause::Own;
    use super::*;

    /// Projects by the letters of the alphabet.
    fn number(name: &str) -> usize {
        usize::from(name.as_bytes()[0] - b'a')
    }

    /// The way from a task, as names of projects. Each task is given with its cause: `!` is one of its own, a name what
    /// it reads.
    fn way(of: &[(&str, &str)], from: &str) -> String {
        let edges = of.iter().filter(|(_, cause)| *cause != "!").map(|(name, read)| (number(name), number(read)));
        let workspace = Workspace::of_graph(26, edges);
        let mut affected = Affected::nothing(26);
        for (name, cause) in of {
            affected.distances[number(name)] = 0;
            if *cause == "!" {
                let own = BTreeSet::from([Own::Told(Cause::NewTask)]);
                affected.own.insert(TaskIndex::new(number(name) as u32), own);
            }
        }
        let steps = chain(&affected, &workspace, TaskIndex::new(number(from) as u32));
        for pair in steps.windows(2) {
            assert!(matches!(&pair[0].cause, Cause::Upstream { task, .. } if *task == pair[1].task));
        }
        assert!(steps.last().is_none_or(|last| last.cause == Cause::NewTask));
        let letter = |step: &Step| char::from(b'a' + workspace.task_index(&step.task).unwrap().number() as u8);
        steps.iter().map(letter).collect()
    }

    #[test]
    fn the_way_ends_at_the_nearest_task_with_a_cause_of_its_own() {
        let chain = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "!")];
        assert_eq!(way(&chain, "a"), "abcd");
        assert_eq!(way(&chain, "d"), "d");
        // Another way round is shorter; what stands first in the alphabet is not.
        let two = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "!"), ("a", "y"), ("y", "z"), ("z", "!")];
        assert_eq!(way(&two, "a"), "ayz");
        // A task of its own cause needs nobody else's.
        assert_eq!(way(&[("a", "b"), ("b", "!"), ("a", "!")], "a"), "a");
    }

    #[test]
    fn a_way_through_a_circle_ends() {
        assert_eq!(way(&[("a", "b"), ("b", "a"), ("b", "c"), ("c", "b"), ("c", "!")], "a"), "abc");
        assert_eq!(way(&[("a", "b"), ("b", "a")], "a"), "");
        assert_eq!(way(&[("a", "!")], "o"), "");
    }
}
