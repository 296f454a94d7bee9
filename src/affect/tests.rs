//! Which tasks a change affects: the edge cases of change detection, each by its number, and the law that the quick
//! answer is the one that fingerprinting everything twice gives.

mod attributes;
mod chart_slices;
mod definitions;
mod ecosystems;
mod go_slices;
mod gradle_slices;
mod graph;
mod laws;
mod node_slices;
mod paths;
mod python_services;
mod python_slices;
mod slices;
mod xml_slices;

use std::collections::BTreeSet;

use super::testing::{Known, affected, by_fingerprints, ids};

/// The tasks that a change affects, sorted.
fn names(base: &str, head: &str) -> Vec<String> {
    let (base, head) = (Known::parse(base), Known::parse(head));
    let found = affected(&base, &head, true);
    // Whatever a case is about, the law holds for it too.
    assert_eq!(ids(&head.workspace, found.certain(&head.workspace)), by_fingerprints(&base, &head));
    found.tasks().map(|task| head.workspace.task_id(task).to_string()).collect()
}

/// Exactly these tasks are affected.
#[track_caller]
fn check(base: &str, head: &str, expected: &[&str]) {
    assert_eq!(names(base, head), expected);
}

/// All of `required` and none of `forbidden` are affected.
#[track_caller]
fn check_some(base: &str, head: &str, required: &[&str], forbidden: &[&str]) {
    let found: BTreeSet<String> = names(base, head).into_iter().collect();
    let missing: Vec<_> = required.iter().filter(|task| !found.contains(**task)).collect();
    assert!(missing.is_empty(), "missing {missing:?}, found {found:?}");
    let wrong: Vec<_> = forbidden.iter().filter(|task| found.contains(**task)).collect();
    assert!(wrong.is_empty(), "forbidden {wrong:?}, found {found:?}");
}
