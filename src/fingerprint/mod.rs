//! Which inputs a task has in a tree, and the digest over all that can change its result.
//!
//! The encoding is described in `docs/fingerprint.md`; golden vectors hold it.

mod difference;
mod encoding;
mod inputs;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

pub use difference::{Differing, Sides, TaskInTree, differences, differing_parts};
pub use inputs::{ResolvedInput, is_attributes, resolve};

use self::encoding::Encoder;
use crate::tree::{Tree, TreeError};
use crate::workspace::{Task, TaskIndex, Workspace};

/// 256-bit BLAKE3 digest over all that can change a task's result.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint with a raw digest.
    pub fn from_bytes(digest: [u8; 32]) -> Self {
        Self(digest)
    }

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

/// Who reads whose result.
type ReadingGraph = DiGraph<(), ()>;

/// The values of declared environment variables; a variable that is not set is none, which is not the empty text.
pub type Environment = BTreeMap<String, Option<String>>;

/// Digests over the own parts of tasks, as far as they are known of a tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnDigests(Vec<Option<Fingerprint>>);

impl OwnDigests {
    /// The digest of a task, if it is known.
    pub fn get(&self, task: TaskIndex) -> Option<Fingerprint> {
        self.0.get(task.number()).copied().flatten()
    }

    /// Takes up the digest of a task.
    pub fn insert(&mut self, task: TaskIndex, digest: Fingerprint) {
        if self.0.len() <= task.number() {
            self.0.resize(task.number() + 1, None);
        }
        self.0[task.number()] = Some(digest);
    }

    /// Forgets the digest of a task.
    pub fn remove(&mut self, task: TaskIndex) {
        if let Some(known) = self.0.get_mut(task.number()) {
            *known = None;
        }
    }

    /// Each known digest, in the order of the tasks.
    pub fn iter(&self) -> impl Iterator<Item = (TaskIndex, Fingerprint)> {
        self.0.iter().zip(0..).filter_map(|(digest, at)| Some((TaskIndex::new(at), (*digest)?)))
    }
}

/// What fingerprinting gave.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Fingerprints {
    /// The fingerprints of the wanted tasks.
    pub tasks: BTreeMap<TaskIndex, Fingerprint>,
    /// Own parts that were not known before.
    pub own: Vec<(TaskIndex, Fingerprint)>,
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
    let (graph, members) = reading_graph(workspace, wanted);
    let own: Vec<(TaskIndex, Fingerprint)> = members
        .par_iter()
        .filter(|task| known.get(**task).is_none())
        .map(|task| own_digest(workspace, tree, environment, workspace.task_at(*task)).map(|digest| (*task, digest)))
        .collect::<Result<_, _>>()?;
    let mut all = known.clone();
    own.iter().for_each(|(task, digest)| all.insert(*task, *digest));
    let mut results = OwnDigests::default();
    // Kosaraju's components come in the order that what is read stands before its readers.
    for group in kosaraju_scc(&graph) {
        let mut circle: Vec<(TaskIndex, Fingerprint)> = Vec::with_capacity(group.len());
        for node in group {
            let task = members[node.index()];
            let Some(digest) = all.get(task) else { continue };
            circle.push((task, with_upstream(workspace, task, digest, &results)));
        }
        if let [(task, digest)] = circle[..] {
            results.insert(task, digest);
            continue;
        }
        circle.sort_unstable_by_key(|(task, _)| *task);
        let mut encoder = Encoder::new(b"circle");
        encoder.count(circle.len());
        for (task, digest) in &circle {
            encoder.task(workspace, *task).bytes(&digest.0);
        }
        let whole = encoder.finish();
        for (task, digest) in circle {
            let mut encoder = Encoder::new(b"member");
            encoder.bytes(&digest.0).bytes(&whole.0);
            results.insert(task, encoder.finish());
        }
    }
    let tasks = wanted.iter().filter_map(|task| Some((*task, results.get(*task)?))).collect();
    Ok(Fingerprints { tasks, own })
}

/// The wanted tasks and all that they read, directly or not, and which node of the graph each one is.
fn reading_graph(workspace: &Workspace, wanted: &BTreeSet<TaskIndex>) -> (ReadingGraph, Vec<TaskIndex>) {
    let mut nodes = vec![None; workspace.task_indices().len()];
    let mut members: Vec<TaskIndex> = Vec::new();
    let mut graph = DiGraph::new();
    let mut node_of = |task: TaskIndex, graph: &mut ReadingGraph, members: &mut Vec<TaskIndex>| {
        *nodes[task.number()].get_or_insert_with(|| {
            members.push(task);
            graph.add_node(())
        })
    };
    for task in wanted {
        node_of(*task, &mut graph, &mut members);
    }
    let mut next = 0;
    while let Some(&task) = members.get(next) {
        for upstream in workspace.results_read_by(task) {
            let to = node_of(upstream, &mut graph, &mut members);
            graph.add_edge(NodeIndex::new(next), to, ());
        }
        next += 1;
    }
    (graph, members)
}

/// A task's own part and the results that it reads. Of a task in its own circle the result is not known here, but that
/// it is read is: a circle with other readings in it is another circle.
fn with_upstream(workspace: &Workspace, task: TaskIndex, own: Fingerprint, results: &OwnDigests) -> Fingerprint {
    let upstream: Vec<TaskIndex> = workspace.results_read_by(task).collect();
    let mut encoder = Encoder::new(b"task");
    encoder.bytes(&own.0).count(upstream.len());
    for read in upstream {
        encoder.task(workspace, read);
        match results.get(read) {
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
    encoder.bytes(task.id.project.0.as_bytes()).bytes(task.id.name.0.as_bytes());
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
    encoder.count(task.output_patterns().len());
    for output in task.output_patterns() {
        encoder.bytes(output.as_bytes());
    }
    encoder.count(task.tools.len());
    for tool in &task.tools {
        encoder.bytes(tool.as_bytes());
    }
    encoder.count(task.slices.len());
    for slice in &task.slices {
        encoder.bytes(slice.file.as_bytes()).bytes(&slice.digest.0);
    }
    Ok(encoder.finish())
}

#[cfg(test)]
mod tests;
