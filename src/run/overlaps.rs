//! Tasks whose outputs overlap: what one of them made would be taken for the other's, so no result of either is kept.

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostic;
use crate::path::harmless;
use crate::plan::{Plan, PlannedTask};
use crate::store::{Outputs, overlapping};
use crate::workspace::{Task, TaskId, Workspace};

/// The tasks of a workspace that can make files that others make, too.
#[derive(Debug, Default)]
pub struct Overlaps {
    /// Sorted.
    pairs: Vec<(TaskId, TaskId)>,
    others: BTreeMap<TaskId, TaskId>,
}

impl Overlaps {
    /// Compares the declared outputs of all tasks, whether they are planned or not: what a task restores, it restores over
    /// what lies there.
    pub fn of(workspace: &Workspace) -> Self {
        let makes = |task: &&Task| !task.output_patterns().is_empty() && !task.commands.is_empty();
        let tasks: Vec<&Task> = workspace.tasks().filter(makes).collect();
        let outputs: Vec<_> =
            tasks.iter().map(|task| Outputs { folder: &task.id.project.0, patterns: task.output_patterns() }).collect();
        let pairs = overlapping(&outputs).into_iter().map(|(one, two)| (tasks[one].id.clone(), tasks[two].id.clone()));
        let pairs: Vec<_> = pairs.collect();
        let mut others = BTreeMap::new();
        for (one, two) in &pairs {
            others.entry(one.clone()).or_insert_with(|| two.clone());
            others.entry(two.clone()).or_insert_with(|| one.clone());
        }
        Self { pairs, others }
    }

    /// The same, unless no task of a plan declares any: then nobody asks.
    pub fn of_plan(workspace: &Workspace, plan: &Plan) -> Self {
        let makes = |planned: &PlannedTask| !workspace.task_at(planned.task).output_patterns().is_empty();
        if plan.tasks.iter().any(makes) { Self::of(workspace) } else { Self::default() }
    }

    /// Another task that can make the same files.
    pub fn other(&self, task: &TaskId) -> Option<&TaskId> {
        self.others.get(task)
    }

    /// A finding for each pair of which one is wanted.
    pub fn findings(&self, is_wanted: impl Fn(&TaskId) -> bool) -> Vec<Diagnostic> {
        let pairs = self.pairs.iter().filter(|(one, two)| is_wanted(one) || is_wanted(two));
        let finding = |(one, two): &(TaskId, TaskId)| {
            let (one, two) = (one.to_string(), two.to_string());
            let message = format!("the outputs of {} and {} can be the same files", harmless(&one), harmless(&two));
            let help =
                "no result of them is kept; narrow `outputs` of one, such as with `!` before what the other makes";
            Diagnostic::warning("overlapping-outputs", message).help(help)
        };
        pairs.map(finding).collect()
    }
}
