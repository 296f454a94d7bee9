//! Which inputs a task has in a tree, and the digest over all that can change its result.
//!
//! The encoding is described in `docs/fingerprint.md`; golden vectors hold it.

mod encoding;
mod inputs;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

pub use inputs::{ResolvedInput, resolve};

use self::encoding::Encoder;
use crate::tree::{Tree, TreeError};
use crate::workspace::{Task, TaskId, Workspace};

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

/// The fingerprints of the wanted tasks. Results that they read are fingerprinted with them; tasks that read each other
/// in a circle share what they know of one another, and are fingerprinted as one.
pub fn fingerprints(
    workspace: &Workspace,
    tree: &dyn Tree,
    environment: &Environment,
    wanted: &BTreeSet<TaskId>,
) -> Result<BTreeMap<TaskId, Fingerprint>, TreeError> {
    let graph = reading_graph(workspace, wanted);
    let mut known: HashMap<NodeIndex, Fingerprint> = HashMap::new();
    // Kosaraju's components come in the order that what is read stands before its readers.
    for group in kosaraju_scc(&graph) {
        let own = group
            .iter()
            .map(|&node| {
                own_digest(workspace, tree, environment, graph[node]).map(|digest| (graph[node], node, digest))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let mut members: Vec<_> = own
            .into_iter()
            .map(|(task, node, digest)| {
                let upstream: BTreeMap<&TaskId, Option<Fingerprint>> =
                    graph.neighbors(node).map(|read| (&graph[read].id, known.get(&read).copied())).collect();
                (task, node, with_upstream(digest, &upstream))
            })
            .collect();
        members.sort_by(|a, b| a.0.id.cmp(&b.0.id));
        let circle = (members.len() > 1).then(|| {
            let mut encoder = Encoder::new(b"circle");
            encoder.count(members.len());
            for (task, _, digest) in &members {
                encoder.task(&task.id).bytes(&digest.0);
            }
            encoder.finish()
        });
        for (_, node, digest) in members {
            let fingerprint = match &circle {
                Some(circle) => {
                    let mut encoder = Encoder::new(b"member");
                    encoder.bytes(&digest.0).bytes(&circle.0);
                    encoder.finish()
                }
                None => digest,
            };
            known.insert(node, fingerprint);
        }
    }
    Ok(graph
        .node_indices()
        .filter(|&node| wanted.contains(&graph[node].id))
        .filter_map(|node| Some((graph[node].id.clone(), *known.get(&node)?)))
        .collect())
}

/// The wanted tasks and all that they read, directly or not.
fn reading_graph<'a>(workspace: &'a Workspace, wanted: &BTreeSet<TaskId>) -> DiGraph<&'a Task, ()> {
    let mut graph = DiGraph::new();
    let mut nodes: HashMap<&TaskId, NodeIndex> = HashMap::new();
    let mut pending: Vec<&Task> = wanted.iter().filter_map(|id| workspace.task(id)).collect();
    for task in &pending {
        nodes.insert(&task.id, graph.add_node(*task));
    }
    while let Some(task) = pending.pop() {
        let from = nodes[&task.id];
        for upstream in task.reads.iter().filter_map(|read| workspace.task(&read.task)) {
            let to = *nodes.entry(&upstream.id).or_insert_with(|| {
                pending.push(upstream);
                graph.add_node(upstream)
            });
            graph.add_edge(from, to, ());
        }
    }
    graph
}

/// A task's own part and the results that it reads. Of a task in its own circle the result is not known here, but that
/// it is read is: a circle with other readings in it is another circle.
fn with_upstream(own: Fingerprint, upstream: &BTreeMap<&TaskId, Option<Fingerprint>>) -> Fingerprint {
    let mut encoder = Encoder::new(b"task");
    encoder.bytes(&own.0).count(upstream.len());
    for (task, fingerprint) in upstream {
        encoder.task(task);
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
