//! Which inputs a task has in a tree, and the digest over all that can change its result.
//!
//! The encoding is described in `docs/fingerprint.md`; golden vectors hold it.

mod encoding;
mod inputs;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

pub use inputs::{ResolvedInput, resolve};

use self::encoding::Encoder;
use crate::tree::{Tree, TreeError};
use crate::workspace::{Task, TaskIndex, Workspace};

/// 256-bit BLAKE3 digest over all that can change a task's result.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The raw digest.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Fingerprint {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Fingerprint".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[0-9a-f]{64}$" })
    }
}

/// The values of declared environment variables; a variable that is not set is none, which is not the empty text.
pub type Environment = BTreeMap<String, Option<String>>;

/// Digests over the own parts of tasks, as far as they are known of a tree.
pub type OwnDigests = BTreeMap<TaskIndex, Fingerprint>;

/// What fingerprinting gave.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Fingerprints {
    /// The fingerprints of the wanted tasks.
    pub tasks: BTreeMap<TaskIndex, Fingerprint>,
    /// The own parts of these and of all tasks whose results they read.
    pub own: OwnDigests,
}

/// The fingerprints of the wanted tasks. Results that they read are fingerprinted with them; tasks that read each other
/// in a circle share what they know of one another, and are fingerprinted as one. Own parts that are known already are
/// not worked out again.
pub fn fingerprints(
    workspace: &Workspace,
    tree: &dyn Tree,
    environment: &Environment,
    wanted: &BTreeSet<TaskIndex>,
    known: &OwnDigests,
) -> Result<Fingerprints, TreeError> {
    let graph = reading_graph(workspace, wanted);
    let own = graph
        .raw_nodes()
        .par_iter()
        .map(|node| match known.get(&node.weight) {
            Some(digest) => Ok((node.weight, *digest)),
            None => own_digest(workspace, tree, environment, workspace.task_at(node.weight)).map(|d| (node.weight, d)),
        })
        .collect::<Result<OwnDigests, _>>()?;
    let mut results: HashMap<NodeIndex, Fingerprint> = HashMap::with_capacity(graph.node_count());
    // Kosaraju's components come in the order that what is read stands before its readers.
    for group in kosaraju_scc(&graph) {
        let mut members: Vec<(TaskIndex, NodeIndex, Fingerprint)> = group
            .into_iter()
            .map(|node| {
                let upstream: BTreeMap<TaskIndex, Option<Fingerprint>> =
                    graph.neighbors(node).map(|read| (graph[read], results.get(&read).copied())).collect();
                (graph[node], node, with_upstream(workspace, own[&graph[node]], &upstream))
            })
            .collect();
        if let [(_, node, digest)] = members[..] {
            results.insert(node, digest);
            continue;
        }
        members.sort_unstable_by_key(|(task, ..)| *task);
        let mut circle = Encoder::new(b"circle");
        circle.count(members.len());
        for (task, _, digest) in &members {
            circle.task(&workspace.task_id(*task)).bytes(&digest.0);
        }
        let circle = circle.finish();
        for (_, node, digest) in members {
            let mut encoder = Encoder::new(b"member");
            encoder.bytes(&digest.0).bytes(&circle.0);
            results.insert(node, encoder.finish());
        }
    }
    let tasks = graph
        .node_indices()
        .filter(|node| wanted.contains(&graph[*node]))
        .filter_map(|node| Some((graph[node], *results.get(&node)?)))
        .collect();
    Ok(Fingerprints { tasks, own })
}

/// The wanted tasks and all that they read, directly or not.
fn reading_graph(workspace: &Workspace, wanted: &BTreeSet<TaskIndex>) -> DiGraph<TaskIndex, ()> {
    let mut graph = DiGraph::new();
    let mut nodes: HashMap<TaskIndex, NodeIndex> = HashMap::new();
    let mut pending: Vec<TaskIndex> = wanted.iter().copied().collect();
    for task in &pending {
        nodes.insert(*task, graph.add_node(*task));
    }
    while let Some(task) = pending.pop() {
        let from = nodes[&task];
        for upstream in workspace.results_read_by(task) {
            let to = *nodes.entry(*upstream).or_insert_with(|| {
                pending.push(*upstream);
                graph.add_node(*upstream)
            });
            graph.add_edge(from, to, ());
        }
    }
    graph
}

/// A task's own part and the results that it reads. Of a task in its own circle the result is not known here, but that
/// it is read is: a circle with other readings in it is another circle.
fn with_upstream(
    workspace: &Workspace,
    own: Fingerprint,
    upstream: &BTreeMap<TaskIndex, Option<Fingerprint>>,
) -> Fingerprint {
    let mut encoder = Encoder::new(b"task");
    encoder.bytes(&own.0).count(upstream.len());
    for (task, fingerprint) in upstream {
        encoder.task(&workspace.task_id(*task));
        match fingerprint {
            Some(fingerprint) => encoder.number(1).bytes(&fingerprint.0),
            None => encoder.number(0),
        };
    }
    encoder.finish()
}

/// The digest over a task's own part: everything but the results it reads.
pub fn own_digest(
    workspace: &Workspace,
    tree: &dyn Tree,
    environment: &Environment,
    task: &Task,
) -> Result<Fingerprint, TreeError> {
    let inputs = resolve(workspace, tree, task)?;
    let mut encoder = Encoder::new(b"own");
    encoder.task(&task.id);
    encoder.count(inputs.len());
    for (path, input) in &inputs {
        encoder.bytes(path.as_bytes()).number(input.mode.bits()).bytes(input.content.0.as_bytes());
    }
    encoder.count(task.commands.len());
    for command in &task.commands {
        encoder.bytes(command.line.as_bytes()).bytes(command.folder.as_bytes());
    }
    encoder.count(task.environment.len());
    for name in &task.environment {
        encoder.bytes(name.as_bytes());
        encoder.optional(environment.get(name).and_then(Option::as_deref));
    }
    encoder.count(task.outputs.len());
    for output in &task.outputs {
        encoder.bytes(output.as_bytes());
    }
    encoder.count(task.tools.len());
    for tool in &task.tools {
        encoder.bytes(tool.as_bytes());
    }
    Ok(encoder.finish())
}

#[cfg(test)]
mod tests;
