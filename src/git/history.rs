//! The parents of commits, from the commit-graph where a walk is long enough to make that worth reading.

use super::commit_graph::{CommitGraph, GraphCommit, Located};
use super::objects::Objects;
use super::{CommitId, GitError};

/// Reading one commit's object takes about as long as reading and checking this many bytes of a graph.
const OBJECT: u64 = 32 * 1024;

/// Reads commits for one walk.
///
/// The graph is read once the objects have cost as much as it will: a short walk pays nothing for it, and no walk twice
/// of what the better of the two ways would have cost. As git does, it is passed by in a shallow clone and where objects
/// are replaced.
pub(super) struct History<'a> {
    objects: &'a Objects,
    graph: Graph,
    /// What the objects that were read have cost, in bytes of a graph.
    spent: u64,
}

enum Graph {
    Unread(Located),
    Read(CommitGraph),
    None,
}

impl<'a> History<'a> {
    pub(super) fn new(objects: &'a Objects, graph: Option<Located>) -> Self {
        let graph = graph.filter(|_| !objects.is_shallow()).map_or(Graph::None, Graph::Unread);
        Self { objects, graph, spent: 0 }
    }

    /// The time and the parents of a commit. The parents of one at which a shallow clone is cut are empty.
    pub(super) fn commit(&mut self, id: CommitId) -> Result<GraphCommit, GitError> {
        if let Graph::Unread(located) = &self.graph
            && located.length <= self.spent
        {
            let names = self.objects.engine.references()?;
            let has_replacements = names.iter().any(|name| name.starts_with("refs/replace/"));
            self.graph = if has_replacements { Graph::None } else { Graph::Read(located.read(self.objects.hash)) };
        }
        if let Graph::Read(graph) = &self.graph
            && let Some(found) = graph.commit(id)
        {
            return Ok(found);
        }
        self.spent += OBJECT;
        let object = self.objects.commit(id)?;
        Ok(GraphCommit { time: object.time, parents: object.parents.into_iter().map(CommitId).collect() })
    }
}
