//! Cycles among projects. Iterative algorithms only: a chain of 100,000 projects must not overflow a small stack.

use std::collections::{BTreeMap, VecDeque};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

use super::draft::Draft;
use super::{Edge, ProjectId, Workspace};
use crate::diagnostic::Diagnostic;
use crate::discover::EdgeKind;

/// Projects that depend on each other, and one way round with its evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    /// The edges of one shortest way round, beginning at the smallest project id.
    pub edges: Vec<Edge>,
}

/// The dependency graph over the edges that a build follows: tests may depend in circles, builds may not.
fn build_graph<'a>(
    projects: impl Iterator<Item = &'a ProjectId>,
    edges: &'a [Edge],
) -> DiGraph<&'a ProjectId, &'a Edge> {
    let mut graph = DiGraph::new();
    let nodes: BTreeMap<&ProjectId, NodeIndex> = projects.map(|project| (project, graph.add_node(project))).collect();
    for edge in edges {
        if matches!(edge.kind, EdgeKind::Build | EdgeKind::Schema) {
            graph.add_edge(nodes[&edge.from], nodes[&edge.to], edge);
        }
    }
    graph
}

/// Every group of projects that depend on each other, each by one shortest cycle, sorted.
pub fn cycles(workspace: &Workspace) -> Vec<Cycle> {
    cycles_among(workspace.projects().map(|project| &project.id), workspace.edges())
}

fn cycles_among<'a>(projects: impl Iterator<Item = &'a ProjectId>, edges: &'a [Edge]) -> Vec<Cycle> {
    let graph = build_graph(projects, edges);
    let mut found: Vec<Cycle> = kosaraju_scc(&graph)
        .into_iter()
        .filter(|group| group.len() > 1)
        .filter_map(|group| {
            let start = group.iter().copied().min_by_key(|&node| graph[node])?;
            shortest_way_round(&graph, start)
        })
        .collect();
    found.sort_by(|a, b| a.edges.cmp(&b.edges));
    found
}

fn shortest_way_round(graph: &DiGraph<&ProjectId, &Edge>, start: NodeIndex) -> Option<Cycle> {
    let mut came_by: BTreeMap<NodeIndex, &Edge> = BTreeMap::new();
    let mut from: BTreeMap<NodeIndex, NodeIndex> = BTreeMap::new();
    let mut pending = VecDeque::from([start]);
    while let Some(node) = pending.pop_front() {
        let mut next: Vec<_> = graph.edges(node).map(|edge| (*edge.weight(), edge.target())).collect();
        next.sort();
        for (edge, target) in next {
            if target == start {
                let mut edges = vec![edge.clone()];
                let mut here = node;
                while let Some(edge) = came_by.get(&here) {
                    edges.push((*edge).clone());
                    here = from[&here];
                }
                edges.reverse();
                return Some(Cycle { edges });
            }
            came_by.entry(target).or_insert_with(|| {
                from.insert(target, node);
                pending.push_back(target);
                edge
            });
        }
    }
    None
}
/// Warns of projects that depend on each other in a circle.
pub(super) fn report_cycles(workspace: &mut Draft) {
    for cycle in cycles_among(workspace.projects.keys(), &workspace.edges) {
        let Some(first) = cycle.edges.first() else { continue };
        let way: Vec<String> = cycle
            .edges
            .iter()
            .map(|edge| format!("{} ({}:{})", edge.to, edge.evidence.file, edge.evidence.line))
            .collect();
        workspace.diagnostics.push(
            Diagnostic::warning("dependency-cycle", format!("{} depends on itself: {}", first.from, way.join(" → ")))
                .at(&first.evidence)
                .help("the projects of a cycle are planned as one; cut one of its edges"),
        );
    }
}
