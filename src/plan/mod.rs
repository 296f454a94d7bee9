//! From affected tasks to a plan: the tasks of a pipeline and what they need, as a graph in layers.

mod range;

use std::collections::{BTreeMap, BTreeSet};

pub use range::{Decision, TreeKind, TreeName};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::affect::{Affected, AffectedTask};
use crate::fingerprint::{Environment, Fingerprint, fingerprints};
use crate::tree::{Tree, TreeError};
use crate::workspace::{Task, TaskId, Workspace};

/// Which tasks are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Selected {
    /// All of them.
    #[default]
    All,
    /// Those with one of these names; `image` also means `image.worker`.
    Named(Vec<String>),
}

impl Selected {
    /// Whether a task of this name is asked for.
    pub fn includes(&self, task: &TaskId) -> bool {
        match self {
            Selected::All => true,
            Selected::Named(names) => names.iter().any(|name| {
                task.name.0.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            }),
        }
    }
}

/// One task of a plan.
#[derive(Debug, Clone)]
pub struct PlannedTask {
    /// The task.
    pub task: Task,
    /// Why it is affected; none for a task that is planned only because an affected one needs its result.
    pub affected: Option<AffectedTask>,
    /// Its fingerprint at the head.
    pub fingerprint: Fingerprint,
    /// The tasks of the plan that have to be over before it begins, sorted.
    pub needs: BTreeSet<TaskId>,
    /// The layer, counted from 0: everything that it needs lies in a lower one.
    pub layer: usize,
}

/// What is to be run, and in which order.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The tasks, by id.
    pub tasks: BTreeMap<TaskId, PlannedTask>,
}

/// Plans the affected tasks that are asked for, and what they need.
pub fn plan(
    workspace: &Workspace,
    tree: &dyn Tree,
    environment: &Environment,
    affected: &Affected,
    selected: &Selected,
) -> Result<Plan, TreeError> {
    let asked = affected.tasks.keys().filter(|task| selected.includes(task)).cloned();
    let members = with_needed(workspace, asked.collect());
    let prints = fingerprints(workspace, tree, environment, &members)?;
    let needs: BTreeMap<&TaskId, BTreeSet<TaskId>> =
        members.iter().filter_map(|id| Some((id, needed_by(workspace.task(id)?, &members)))).collect();
    let layers = layers(&needs);
    let tasks = members
        .iter()
        .filter_map(|id| {
            let planned = PlannedTask {
                task: workspace.task(id)?.clone(),
                affected: affected.tasks.get(id).filter(|_| selected.includes(id)).cloned(),
                fingerprint: *prints.get(id)?,
                needs: needs.get(id)?.clone(),
                layer: *layers.get(id)?,
            };
            Some((id.clone(), planned))
        })
        .collect();
    Ok(Plan { tasks })
}

/// The tasks, and those whose results they read and that their own tools would not make.
fn with_needed(workspace: &Workspace, asked: BTreeSet<TaskId>) -> BTreeSet<TaskId> {
    let mut pending: Vec<TaskId> = asked.iter().cloned().collect();
    let mut members = asked;
    while let Some(id) = pending.pop() {
        let Some(task) = workspace.task(&id).filter(|task| !task.builds_upstream) else { continue };
        for read in &task.reads {
            if workspace.task(&read.task).is_some() && members.insert(read.task.clone()) {
                pending.push(read.task.clone());
            }
        }
    }
    members
}

fn needed_by(task: &Task, members: &BTreeSet<TaskId>) -> BTreeSet<TaskId> {
    let reads = task.reads.iter().map(|read| &read.task);
    reads.chain(&task.after).filter(|need| members.contains(need) && **need != task.id).cloned().collect()
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
        let count = self.tasks.values().map(|planned| planned.layer + 1).max().unwrap_or(0);
        let mut layers = vec![Vec::new(); count];
        for planned in self.tasks.values() {
            layers[planned.layer].push(planned);
        }
        layers
    }
}

#[cfg(test)]
mod tests;
