//! From affected tasks to a plan: the tasks of a pipeline and what they need, as a graph in layers.

mod event;
mod pipeline;
mod range;

use std::collections::{BTreeMap, BTreeSet};

pub use event::{Candidate, Event, Said, is_whole_id, is_zeros};
pub use pipeline::{PipelineChoice, PipelineError, PipelineRequest, choose_pipeline, withheld};
pub use range::{Decision, FetchCommand, Step, TreeKind, TreeName};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::affect::Affected;
use crate::fingerprint::Fingerprint;
use crate::workspace::{TaskIndex, TaskName, Workspace};

/// Which tasks are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Selected {
    /// All of them.
    #[default]
    All,
    /// Those with one of these names; `image` also means `image.worker`.
    Named(Vec<String>),
    /// These, whether they are affected or not.
    Tasks(BTreeSet<TaskIndex>),
}

impl Selected {
    /// Whether a task of this name is asked for, where tasks are asked for by name.
    pub fn includes(&self, task: &TaskName) -> bool {
        match self {
            Selected::All | Selected::Tasks(_) => true,
            Selected::Named(names) => names.iter().any(|name| pipeline::means(name, task)),
        }
    }
}

/// One task of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedTask {
    /// The task.
    pub task: TaskIndex,
    /// Whether it is asked for: affected, or named; else it is planned only because such a one needs its result.
    pub affected: bool,
    /// Its fingerprint at the head.
    pub fingerprint: Fingerprint,
    /// The tasks of the plan that have to be over before it begins.
    pub needs: BTreeSet<TaskIndex>,
    /// The layer, counted from 0: everything that it needs lies in a lower one.
    pub layer: usize,
}

/// What is to be run, and in which order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The tasks, in the order of their ids.
    pub tasks: Vec<PlannedTask>,
    /// Tasks that would be planned, and are not: they run in an environment that only some pipelines may reach, or need
    /// one that does.
    pub withheld: BTreeSet<TaskIndex>,
}

/// The tasks that are asked for, and what they need.
pub fn members(workspace: &Workspace, affected: &Affected, selected: &Selected) -> BTreeSet<TaskIndex> {
    let mut pending = asked(workspace, affected, selected);
    let mut members: BTreeSet<TaskIndex> = pending.iter().copied().collect();
    while let Some(task) = pending.pop() {
        // What its own tools would make needs no task.
        if workspace.task_at(task).builds_upstream {
            continue;
        }
        for read in workspace.results_read_by(task) {
            if members.insert(read) {
                pending.push(read);
            }
        }
    }
    members
}

fn asked(workspace: &Workspace, affected: &Affected, selected: &Selected) -> Vec<TaskIndex> {
    if let Selected::Tasks(tasks) = selected {
        return tasks.iter().copied().collect();
    }
    affected.tasks().filter(|task| selected.includes(workspace.task_name(*task))).collect()
}

/// Plans the tasks that [`members`] names, with their fingerprints.
pub fn plan(
    workspace: &Workspace,
    affected: &Affected,
    selected: &Selected,
    fingerprints: &BTreeMap<TaskIndex, Fingerprint>,
) -> Plan {
    let asked: BTreeSet<TaskIndex> = asked(workspace, affected, selected).into_iter().collect();
    let needs: BTreeMap<&TaskIndex, BTreeSet<TaskIndex>> =
        fingerprints.keys().map(|task| (task, needed_by(workspace, *task, fingerprints))).collect();
    let layers = layers(&needs);
    let tasks = fingerprints
        .iter()
        .filter_map(|(task, fingerprint)| {
            Some(PlannedTask {
                task: *task,
                affected: asked.contains(task),
                fingerprint: *fingerprint,
                needs: needs.get(task)?.clone(),
                layer: *layers.get(task)?,
            })
        })
        .collect();
    Plan { tasks, withheld: BTreeSet::new() }
}

fn needed_by(
    workspace: &Workspace,
    task: TaskIndex,
    members: &BTreeMap<TaskIndex, Fingerprint>,
) -> BTreeSet<TaskIndex> {
    let after = workspace.task_at(task).after.iter().filter_map(|after| workspace.task_index(after));
    let reads = workspace.results_read_by(task);
    reads.chain(after).filter(|need| members.contains_key(need) && *need != task).collect()
}

/// The layer of each node of a graph: the longest way down to one that needs nothing. Nodes of a circle share a layer.
pub fn layers<'a, T: Ord>(needs: &BTreeMap<&'a T, BTreeSet<T>>) -> BTreeMap<&'a T, usize> {
    let mut graph: DiGraph<&T, ()> = DiGraph::new();
    let nodes: BTreeMap<&T, NodeIndex> = needs.keys().map(|node| (*node, graph.add_node(*node))).collect();
    for (node, needed) in needs {
        for need in needed.iter().filter_map(|need| nodes.get(need)) {
            graph.add_edge(nodes[node], *need, ());
        }
    }
    let mut layers: BTreeMap<&T, usize> = BTreeMap::new();
    for group in kosaraju_scc(&graph) {
        let below = group.iter().flat_map(|&node| graph.neighbors(node)).filter_map(|node| layers.get(graph[node]));
        let layer = below.max().map_or(0, |deepest| deepest + 1);
        layers.extend(group.iter().map(|&node| (graph[node], layer)));
    }
    layers
}

impl Plan {
    /// The tasks of each layer, lowest first.
    pub fn layers(&self) -> Vec<Vec<&PlannedTask>> {
        let count = self.tasks.iter().map(|planned| planned.layer + 1).max().unwrap_or(0);
        let mut layers = vec![Vec::new(); count];
        for planned in &self.tasks {
            layers[planned.layer].push(planned);
        }
        layers
    }
}

#[cfg(test)]
mod tests;
