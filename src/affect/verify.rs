//! The answer held against its definition: fingerprints of every task in both trees.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::Affected;
use crate::workspace::{TaskId, TaskIndex, Workspace};

/// A task of which the answer says something else than its fingerprints.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Difference {
    /// The task.
    pub task: TaskId,
    /// Which way the answer errs.
    pub side: DifferenceSide,
}

/// Which way an answer errs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DifferenceSide {
    /// The fingerprint is another or new, and the answer has no cause for it. Being affected by a doubt is none: the
    /// doubt could be cured.
    Missed,
    /// The answer has a cause, and the fingerprint is what it was.
    Excess,
}

impl Affected {
    /// The tasks that are affected by more than a doubt about themselves or about what they read.
    pub fn certain(&self, workspace: &Workspace) -> BTreeSet<TaskIndex> {
        let mut pending: Vec<TaskIndex> = self.own.keys().copied().collect();
        let mut certain = BTreeSet::new();
        while let Some(task) = pending.pop() {
            // A task that the answer does not have is none that it is certain of.
            if self.contains(task) && certain.insert(task) {
                pending.extend(workspace.readers_of_result(task));
            }
        }
        certain
    }

    /// Where the answer is not what the fingerprints of all tasks in both trees say, sorted. Tasks that only a doubt
    /// affects may have kept their fingerprints.
    pub fn differences<F: PartialEq>(
        &self,
        workspace: &Workspace,
        base: &BTreeMap<TaskId, F>,
        head: &BTreeMap<TaskId, F>,
    ) -> Vec<Difference> {
        let differing: BTreeSet<TaskId> =
            head.iter().filter(|(task, print)| base.get(*task) != Some(*print)).map(|(task, _)| task.clone()).collect();
        let certain: BTreeSet<TaskId> =
            self.certain(workspace).into_iter().map(|task| workspace.task_id(task)).collect();
        let sided = |task: &TaskId, side| Difference { task: task.clone(), side };
        let missed = differing.difference(&certain).map(|task| sided(task, DifferenceSide::Missed));
        let excess = certain.difference(&differing).map(|task| sided(task, DifferenceSide::Excess));
        let mut differences: Vec<Difference> = missed.chain(excess).collect();
        differences.sort();
        differences
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::affect::cause::{Cause, Own};

    /// Project 3 reads 2, which reads 1; 4 and 5 read each other; 0 stands alone.
    fn workspace() -> Workspace {
        Workspace::of_graph(6, [(3, 2), (2, 1), (4, 5), (5, 4)])
    }

    /// An answer that has these tasks: those with a cause of their own, and others.
    fn answer(own: &[u32], others: &[u32]) -> Affected {
        let mut affected = Affected::nothing(6);
        for task in own {
            let cause = BTreeSet::from([Own::Told(Cause::NewTask)]);
            affected.own.insert(TaskIndex::new(*task), cause);
        }
        for task in own.iter().chain(others) {
            affected.distances[*task as usize] = 0;
        }
        affected
    }

    /// What the answer gets wrong if the fingerprints of these tasks differ.
    fn differences(answer: &Affected, differing: &[u32]) -> Vec<(u32, DifferenceSide)> {
        let workspace = workspace();
        let prints = |other: bool| {
            let print = |task: TaskIndex| other && differing.contains(&(task.number() as u32));
            workspace.task_indices().map(|task| (workspace.task_id(task), print(task))).collect()
        };
        let place =
            |difference: Difference| (workspace.task_index(&difference.task).unwrap().number() as u32, difference.side);
        answer.differences(&workspace, &prints(false), &prints(true)).into_iter().map(place).collect()
    }

    #[test]
    fn a_right_answer_differs_in_nothing() {
        assert_eq!(differences(&answer(&[1], &[2, 3]), &[1, 2, 3]), []);
        // What only a doubt affects may be what it was, and so may its readers.
        assert_eq!(differences(&answer(&[1], &[2, 3, 0, 4, 5]), &[1, 2, 3]), []);
    }

    #[test]
    fn a_wrong_answer_is_told_with_its_side() {
        use DifferenceSide::{Excess, Missed};
        assert_eq!(differences(&answer(&[1], &[2]), &[1, 2, 3]), [(3, Missed)]);
        // A reader of something that was missed is missed too, however it came into the answer.
        assert_eq!(differences(&answer(&[1], &[3]), &[1, 2, 3]), [(2, Missed), (3, Missed)]);
        assert_eq!(differences(&answer(&[1, 0], &[2, 3]), &[1, 2, 3]), [(0, Excess)]);
        assert_eq!(differences(&answer(&[1], &[2, 3]), &[2, 3]), [(1, Excess)]);
        // A doubt does not hide a miss, neither at the task itself nor at its readers.
        assert_eq!(differences(&answer(&[], &[1, 2, 3]), &[1, 2, 3]), [(1, Missed), (2, Missed), (3, Missed)]);
        assert_eq!(differences(&answer(&[], &[]), &[0]), [(0, Missed)]);
    }

    #[test]
    fn a_task_that_only_the_head_has_differs() {
        let (workspace, before) = (workspace(), BTreeMap::new());
        let after: BTreeMap<TaskId, u8> = workspace.tasks().map(|task| (task.id.clone(), 1)).collect();
        assert_eq!(answer(&[0, 1, 4], &[2, 3, 5]).differences(&workspace, &before, &after), []);
    }

    #[test]
    fn readers_in_a_circle_are_certain_if_one_is() {
        assert_eq!(answer(&[4], &[5, 1]).certain(&workspace()), [4, 5].map(TaskIndex::new).into());
    }
}
