//! Random histories: commits upon commits, with reverts, merges and merges across each other.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::edit::{Edit, State, edit};
use super::{Files, Repository, print, put, repositories, tree};
use crate::path::RepoPath;
use crate::tree::MemoryTree;

/// What a commit makes of earlier ones. Numbers choose among those that are there.
#[derive(Debug, Clone)]
struct Step {
    parent: usize,
    merged: Option<usize>,
    /// After a merge, merges the same two the other way round, so that the two merges have two bases.
    across: bool,
    /// Goes back to an earlier commit: wholly, or in every second path.
    reverted: Option<(usize, bool)>,
    edits: Vec<Edit>,
}

/// A commit: its files and its parents, by their place in the history.
#[derive(Clone)]
pub(crate) struct Commit {
    pub(crate) parents: Vec<usize>,
    pub(crate) files: Files,
}

/// Two to six commits; each stands behind its parents. It prints as their files.
#[derive(Clone)]
pub(crate) struct History {
    pub(crate) commits: Vec<Commit>,
}

/// A random history.
pub(crate) fn histories() -> impl Strategy<Value = History> {
    let step = (
        any::<u8>(),
        (prop::option::weighted(0.3, any::<u8>()), any::<bool>()),
        prop::option::weighted(0.15, (any::<u8>(), any::<bool>())),
        prop::collection::vec(edit(), 0..4),
    )
        .prop_map(|(parent, (merged, across), reverted, edits)| Step {
            parent: parent.into(),
            merged: merged.map(Into::into),
            across,
            reverted: reverted.map(|(commit, whole)| (commit.into(), whole)),
            edits,
        });
    (repositories(), prop::collection::vec(step, 1..6)).prop_map(|(start, steps)| History::of(&start, &steps))
}

impl History {
    fn of(start: &Repository, steps: &[Step]) -> Self {
        let mut states = vec![start.state()];
        let mut parents: Vec<Vec<usize>> = vec![Vec::new()];
        for step in steps {
            let count = states.len();
            // Mostly upon the last commit; else a branch begins.
            let mut parent = if step.parent % 3 == 0 { step.parent / 3 % count } else { count - 1 };
            let mut merged = step.merged.map(|merged| merged % count);
            if let ([one, two], true) = (&parents[count - 1][..], step.across) {
                (parent, merged) = (*two, Some(*one));
            }
            let mut state = states[parent].clone();
            let mut of = vec![parent];
            if let Some(other) = merged.filter(|other| *other != parent) {
                let base = common(&parents, parent, other);
                merge(&mut state, &states[base].files, &states[other].files);
                of.push(other);
            }
            if let Some((commit, whole)) = step.reverted {
                revert(&mut state, &states[commit % count].files, whole);
            }
            state.settle();
            step.edits.iter().for_each(|edit| state.apply(edit));
            states.push(state);
            parents.push(of);
        }
        let commits = states.into_iter().zip(parents);
        Self { commits: commits.map(|(state, parents)| Commit { parents, files: state.files }).collect() }
    }

    /// The tree of each commit, the first first.
    pub(crate) fn trees(&self) -> Vec<MemoryTree> {
        self.commits.iter().map(|commit| tree(&commit.files)).collect()
    }
}

impl std::fmt::Debug for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (number, commit) in self.commits.iter().enumerate() {
            write!(f, "\n#### {number}, upon {:?}{}", commit.parents, print(&commit.files))?;
        }
        Ok(())
    }
}

/// The latest commit that both stand upon.
fn common(parents: &[Vec<usize>], one: usize, two: usize) -> usize {
    let above = |commit: usize| {
        let mut seen = BTreeSet::from([commit]);
        let mut pending = vec![commit];
        while let Some(commit) = pending.pop() {
            pending.extend(parents[commit].iter().filter(|parent| seen.insert(**parent)));
        }
        seen
    };
    above(one).intersection(&above(two)).max().copied().unwrap_or_default()
}

/// Takes over what the other side changed since the base.
fn merge(state: &mut State, base: &Files, theirs: &Files) {
    let paths: BTreeSet<&RepoPath> = base.keys().chain(theirs.keys()).collect();
    for path in paths {
        match (base.get(path), theirs.get(path)) {
            (before, after) if before == after => {}
            (_, None) => drop(state.files.remove(path)),
            (_, Some((mode, bytes))) => put(&mut state.files, path.clone(), *mode, bytes.clone()),
        }
    }
}

fn revert(state: &mut State, to: &Files, whole: bool) {
    if whole {
        state.files.clone_from(to);
        return;
    }
    let other: BTreeMap<&RepoPath, _> = to.iter().step_by(2).collect();
    for (path, (mode, bytes)) in other {
        put(&mut state.files, path.clone(), *mode, bytes.clone());
    }
}
