//! The closure over the graph, without files.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::testing::{Known, fingerprints_of, ids};
use super::super::{Side, Terms, affect, chain};
use crate::fingerprint::Environment;
use crate::path::RepoPath;
use crate::tree::{Change, ChangeKind, MemoryTree};
use crate::workspace::{TaskId, Workspace, cycles};

/// The numbers of the projects that the change of one command affects.
fn affected(count: usize, edges: &[(usize, usize)], changed: usize) -> BTreeSet<usize> {
    let tree = MemoryTree::default();
    let base = Workspace::of_graph(count, edges.iter().copied());
    let head = Workspace::of_graph(count, edges.iter().copied()).with_command(changed, "other");
    let (base, head) = (Side { tree: &tree, workspace: &base }, Side { tree: &tree, workspace: &head });
    let found = affect(base, head, &[], &Terms::default()).unwrap();
    let number = |task: &TaskId| task.project.to_string()[1..].parse().unwrap();
    for task in found.tasks() {
        // Every affected task can be explained, and as far away as its chain is long.
        let far = found.distance(task).unwrap();
        assert_eq!(chain(&found, head.workspace, task).len(), far as usize + 1, "{task:?}");
    }
    let [old, new] = [base, head].map(|side| fingerprints_of(side.workspace, &tree, &Environment::new()));
    let differ: BTreeSet<usize> =
        new.iter().filter(|(id, print)| old[*id] != **print).map(|(id, _)| number(id)).collect();
    let quick: BTreeSet<usize> = ids(head.workspace, found.tasks()).iter().map(number).collect();
    assert_eq!(quick, differ, "{edges:?} with {changed}");
    quick
}

/// Whoever depends on the changed one, found by asking again and again.
fn fix_point(edges: &[(usize, usize)], changed: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::from([changed]);
    loop {
        let more: Vec<usize> = edges
            .iter()
            .filter(|(from, to)| found.contains(to) && !found.contains(from))
            .map(|(from, _)| *from)
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

#[test]
fn case_65_66_all_graphs_of_up_to_four_projects_close_as_the_fix_point_does() {
    for count in 1..=4_usize {
        let pairs: Vec<(usize, usize)> =
            (0..count).flat_map(|from| (0..count).map(move |to| (from, to))).filter(|(from, to)| from != to).collect();
        for mask in 0..1_u32 << pairs.len() {
            let edges: Vec<_> =
                pairs.iter().enumerate().filter(|(at, _)| mask >> at & 1 == 1).map(|(_, p)| *p).collect();
            assert_eq!(affected(count, &edges, 0), fix_point(&edges, 0), "{edges:?}");
        }
    }
}

/// The pairs that an edge between five projects can join; a set of edges is a mask of twenty bits.
fn pairs_of_five() -> Vec<(usize, usize)> {
    (0..5).flat_map(|from| (0..5).map(move |to| (from, to))).filter(|(from, to)| from != to).collect()
}

/// One graph of five projects for all that are alike but for the names of projects 1 to 4; project 0 is the one that
/// changes, so it keeps its name.
fn graphs_of_five() -> Vec<u32> {
    let pairs = pairs_of_five();
    let mut orders: Vec<Vec<usize>> = vec![vec![0]];
    for project in 1..5 {
        orders = orders
            .into_iter()
            .flat_map(|order| {
                (1..=order.len()).map(move |at| {
                    let mut order = order.clone();
                    order.insert(at, project);
                    order
                })
            })
            .collect();
    }
    let at = |pair: (usize, usize)| pairs.iter().position(|known| *known == pair).unwrap();
    let renamed: Vec<Vec<u32>> = orders
        .iter()
        .map(|order| pairs.iter().map(|(from, to)| 1 << at((order[*from], order[*to]))).collect())
        .collect();
    let mut seen = vec![false; 1 << pairs.len()];
    let mut found = Vec::new();
    for mask in 0..1_u32 << pairs.len() {
        if seen[mask as usize] {
            continue;
        }
        found.push(mask);
        for bits in &renamed {
            let image: u32 = bits.iter().enumerate().filter(|(bit, _)| mask >> bit & 1 == 1).map(|(_, to)| to).sum();
            seen[image as usize] = true;
        }
    }
    assert!(seen.iter().all(|seen| *seen));
    found
}

#[test]
fn case_65_66_all_graphs_of_five_projects_close_as_the_fix_point_does() {
    let (pairs, graphs) = (pairs_of_five(), graphs_of_five());
    // As many as Burnside's lemma counts: masks that each of the 24 renamings leaves as they are, on average.
    assert_eq!(graphs.len(), 45_960);
    let tree = MemoryTree::default();
    // Many graphs side by side in one workspace, so that each costs little; they do not know of each other.
    for some in graphs.chunks(64) {
        let edges_of = |mask: u32| pairs.iter().enumerate().filter(move |(at, _)| mask >> at & 1 == 1).map(|(_, p)| *p);
        let edges = || {
            let numbered = some.iter().enumerate();
            numbered.flat_map(|(n, mask)| edges_of(*mask).map(move |(from, to)| (5 * n + from, 5 * n + to)))
        };
        let base = Workspace::of_graph(5 * some.len(), edges());
        let changed = (0..some.len()).map(|n| 5 * n);
        let head = Workspace::of_graph(5 * some.len(), edges()).with_commands(changed, "other");
        let sides = [&base, &head].map(|workspace| Side { tree: &tree, workspace });
        let found = affect(sides[0], sides[1], &[], &Terms::default()).unwrap();
        let quick: BTreeSet<usize> = found.tasks().map(|task| task.number()).collect();
        let numbered = some.iter().enumerate();
        let expected: BTreeSet<usize> = numbered
            .flat_map(|(n, mask)| {
                let edges: Vec<_> = edges_of(*mask).collect();
                fix_point(&edges, 0).into_iter().map(move |project| 5 * n + project)
            })
            .collect();
        assert_eq!(quick, expected);
    }
}

#[test]
fn case_66_another_edge_within_a_circle_is_another_result() {
    let tree = MemoryTree::default();
    let base = Workspace::of_graph(3, [(0, 1), (1, 2), (2, 0)]);
    let head = Workspace::of_graph(3, [(0, 1), (1, 0), (1, 2), (2, 1)]);
    let [old, new] = [&base, &head].map(|w| fingerprints_of(w, &tree, &Environment::new()));
    assert!(head.tasks().all(|task| old[&task.id] != new[&task.id]));
    let (base, head) = (Side { tree: &tree, workspace: &base }, Side { tree: &tree, workspace: &head });
    assert_eq!(affect(base, head, &[], &Terms::default()).unwrap().tasks().count(), 3);
}

proptest! {
    #[test]
    fn random_graphs_close_as_the_fix_point_does(
        edges in prop::collection::vec((0..12_usize, 0..12_usize), 0..40),
        changed in 0..12_usize,
    ) {
        let edges: Vec<_> = edges.into_iter().filter(|(from, to)| from != to).collect();
        prop_assert_eq!(affected(12, &edges, changed), fix_point(&edges, changed));
    }
}

/// Runs on a stack of 1 MiB.
fn on_a_small_stack(run: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn a_chain_of_a_hundred_thousand_projects_needs_no_deep_stack() {
    on_a_small_stack(|| {
        let count = 100_000;
        let chain_of = || Workspace::of_graph(count, (1..count).map(|n| (n, n - 1)));
        let (base, head, tree) = (chain_of(), chain_of().with_command(0, "other"), MemoryTree::default());
        assert!(cycles(&head).is_empty());
        let sides = (Side { tree: &tree, workspace: &base }, Side { tree: &tree, workspace: &head });
        let found = affect(sides.0, sides.1, &[], &Terms::default()).unwrap();
        assert_eq!(found.tasks().count(), count);
        let last = found.tasks().last().unwrap();
        assert_eq!(found.distance(last), Some(count as u32 - 1));
        assert_eq!(chain(&found, &head, last).len(), count);
    });
}

#[test]
fn more_ways_than_could_be_walked_lead_to_one_answer() {
    // Each diamond doubles the number of ways from the first project to the last.
    let diamonds = (0..60).map(|at| 3 * at);
    let edges: Vec<_> = diamonds
        .flat_map(|from| [(from + 1, from), (from + 2, from), (from + 3, from + 1), (from + 3, from + 2)])
        .collect();
    assert_eq!(affected(181, &edges, 0), (0..181).collect());
}

#[test]
fn a_ring_of_a_hundred_thousand_projects_is_one_cycle() {
    on_a_small_stack(|| {
        let count = 100_000;
        let ring = Workspace::of_graph(count, (0..count).map(|n| (n, (n + 1) % count)));
        let found = cycles(&ring);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].edges.len(), count);
        let prints = fingerprints_of(&ring, &MemoryTree::default(), &Environment::new());
        assert_eq!(prints.values().collect::<BTreeSet<_>>().len(), count);
    });
}

#[test]
fn case_27_very_deep_folders_need_no_deep_stack() {
    on_a_small_stack(|| {
        let deep = format!("{}/go.mod", vec!["d"; 400].join("/"));
        let known = |text: &str| {
            let path = RepoPath::from_git(deep.as_bytes()).unwrap();
            Known::of(MemoryTree::from_contents([(path, crate::tree::Mode::File, text.as_bytes().to_vec())]))
        };
        let (base, head) = (known("module x\n"), known("module x\n// more\n"));
        let changes = super::super::testing::differing(&base, &head);
        assert!(matches!(changes[..], [Change { kind: ChangeKind::Modified, .. }]));
        assert_eq!(super::super::testing::affected(&base, &head, true).tasks().count(), 2);
    });
}
