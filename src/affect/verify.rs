//! The answer held against its definition: fingerprints of every task in both trees.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::{Affected, Cause};
use crate::workspace::TaskId;

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
    pub fn certain(&self) -> BTreeSet<TaskId> {
        let mut readers: BTreeMap<&TaskId, Vec<&TaskId>> = BTreeMap::new();
        let mut pending = Vec::new();
        for (id, task) in &self.tasks {
            for cause in &task.causes {
                match cause {
                    Cause::Widened { .. } => {}
                    Cause::Upstream { task, .. } => readers.entry(task).or_default().push(id),
                    _ => pending.push(id),
                }
            }
        }
        let mut certain = BTreeSet::new();
        while let Some(id) = pending.pop() {
            if certain.insert(id.clone()) {
                pending.extend(readers.get(id).into_iter().flatten());
            }
        }
        certain
    }

    /// Where the answer is not what the fingerprints of all tasks in both trees say, sorted. Tasks that only a doubt
    /// affects may have kept their fingerprints.
    pub fn differences<F: PartialEq>(&self, base: &BTreeMap<TaskId, F>, head: &BTreeMap<TaskId, F>) -> Vec<Difference> {
        let differing: BTreeSet<TaskId> =
            head.iter().filter(|(task, print)| base.get(*task) != Some(*print)).map(|(task, _)| task.clone()).collect();
        let certain = self.certain();
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
    use crate::affect::AffectedTask;
    use crate::path::RepoPath;
    use crate::workspace::ProjectId;

    fn task(name: &str) -> TaskId {
        TaskId::new(&ProjectId(RepoPath::from_git(name.as_bytes()).unwrap()), "build")
    }

    fn prints(of: &[(&str, u8)]) -> BTreeMap<TaskId, u8> {
        of.iter().map(|(name, print)| (task(name), *print)).collect()
    }

    /// Each task with its cause: `!` is one of its own, `?` a doubt, a name what it reads.
    fn answer(of: &[(&str, &str)]) -> Affected {
        let mut affected = Affected::default();
        for (name, cause) in of {
            let cause = match *cause {
                "!" => Cause::NewTask,
                "?" => Cause::Widened { reason: "unowned".to_owned(), detail: String::new() },
                read => Cause::Upstream { task: task(read), evidence: None },
            };
            let found: &mut AffectedTask = affected.tasks.entry(task(name)).or_default();
            found.causes.insert(cause);
        }
        affected
    }

    #[track_caller]
    fn differ(affected: &[(&str, &str)], expected: &[(&str, DifferenceSide)]) {
        let base = prints(&[("gone", 1), ("kept", 1), ("other", 1), ("reader", 1)]);
        let head = prints(&[("kept", 1), ("new", 1), ("other", 2), ("reader", 2)]);
        let expected: Vec<Difference> =
            expected.iter().map(|(name, side)| Difference { task: task(name), side: *side }).collect();
        assert_eq!(answer(affected).differences(&base, &head), expected);
    }

    #[test]
    fn a_right_answer_differs_in_nothing() {
        differ(&[("new", "!"), ("other", "!"), ("reader", "other")], &[]);
        // What only a doubt affects may be what it was, and so may its readers.
        differ(&[("new", "!"), ("other", "!"), ("reader", "other"), ("kept", "?")], &[]);
        differ(&[("new", "!"), ("other", "!"), ("reader", "other"), ("doubted", "?"), ("kept", "doubted")], &[]);
    }

    #[test]
    fn a_wrong_answer_is_told_with_its_side() {
        use DifferenceSide::{Excess, Missed};
        differ(&[("new", "!"), ("other", "!")], &[("reader", Missed)]);
        differ(&[("other", "!"), ("reader", "other")], &[("new", Missed)]);
        differ(&[("new", "!"), ("other", "!"), ("reader", "other"), ("kept", "!")], &[("kept", Excess)]);
        differ(&[("new", "!"), ("other", "!"), ("reader", "!"), ("kept", "reader")], &[("kept", Excess)]);
        // A doubt does not hide a miss, neither at the task itself nor below it.
        differ(&[("new", "!"), ("other", "?"), ("reader", "other")], &[("other", Missed), ("reader", Missed)]);
        differ(&[], &[("new", Missed), ("other", Missed), ("reader", Missed)]);
    }

    #[test]
    fn readers_in_a_circle_are_certain_if_one_is() {
        let circle = answer(&[("a", "c"), ("b", "a"), ("c", "b"), ("b", "!"), ("d", "e"), ("e", "d"), ("e", "?")]);
        assert_eq!(circle.certain(), ["a", "b", "c"].map(task).into());
    }
}
