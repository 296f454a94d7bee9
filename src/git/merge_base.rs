//! Merge bases, and whether a shallow clone lets them be trusted.

use std::collections::{BinaryHeap, HashMap, HashSet};

use super::commit_graph::{GraphCommit, Located};
use super::history::History;
use super::objects::Objects;
use super::{CommitId, GitError};

/// The best common ancestors of two commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergeBases {
    /// All of them, sorted. More than one after a criss-cross merge: compare with each.
    Proved(Vec<CommitId>),
    /// Common ancestors, but history that is not here could hold better ones.
    Unproved {
        /// What the history that is here suggests.
        candidates: Vec<CommitId>,
        /// Why that is no proof, with the mend.
        reason: String,
    },
    /// No common ancestor.
    None {
        /// Whether that is so or only seems so, with the mend.
        reason: String,
    },
}

const LEFT: u8 = 1;
const RIGHT: u8 = 2;
const BOTH: u8 = LEFT | RIGHT;
/// A common ancestor that is an ancestor of another one.
const STALE: u8 = 4;

/// Finds all best common ancestors, walking from both commits back in time.
///
/// In a shallow clone some commits are *cut*: their parents are not here. A base is proved if and only if **no cut
/// commit is an ancestor of exactly one side**. Why that is enough: let `d` be a best common ancestor that the walk
/// cannot find. Then on every way from one side to `d` lies a cut commit `s`. If `s` were an ancestor of both sides,
/// `s` would itself be common and a descendant of `d`, so `d` would not be a best one. So `s` is an ancestor of
/// exactly one side. And why it is needed: behind a cut commit of one side anything may be, a better base too.
///
/// The walk ends when only common ancestors are left to look at. Every ancestor of exactly one side has been seen by
/// then, whatever the clocks of the committers said: the way to it has only ancestors of that one side.
pub(super) fn merge_bases(
    objects: &Objects,
    graph: Option<Located>,
    one: CommitId,
    two: CommitId,
) -> Result<MergeBases, GitError> {
    if one == two {
        return Ok(MergeBases::Proved(vec![one]));
    }
    let mut walk = Walk {
        history: History::new(objects, graph),
        sides: HashMap::new(),
        commits: HashMap::new(),
        queue: BinaryHeap::new(),
        live: HashSet::new(),
    };
    walk.paint(one, LEFT)?;
    walk.paint(two, RIGHT)?;
    let mut candidates = Vec::new();
    while !walk.live.is_empty() {
        let Some((_, commit)) = walk.queue.pop() else { break };
        walk.live.remove(&commit);
        let mut sides = walk.sides.get(&commit).copied().unwrap_or_default();
        if sides == BOTH {
            candidates.push(commit);
            sides |= STALE;
        }
        for parent in walk.commit(commit)?.parents.clone() {
            walk.paint(parent, sides)?;
        }
    }
    candidates.retain(|commit| walk.sides.get(commit) == Some(&BOTH));
    candidates.sort();
    candidates.dedup();
    if candidates.len() > 1 {
        walk.remove_ancestors(&mut candidates)?;
    }
    let one_sided = |sides: u8| sides & BOTH == LEFT || sides & BOTH == RIGHT;
    let cut = walk.sides.iter().filter(|&(&commit, &sides)| one_sided(sides) && objects.is_cut(commit));
    let cut = cut.map(|(&commit, _)| commit).min();
    Ok(match (cut, candidates.is_empty()) {
        (None, false) => MergeBases::Proved(candidates),
        (None, true) => MergeBases::None { reason: format!("{one} and {two} have no common history") },
        (Some(cut), true) => MergeBases::None {
            reason: format!(
                "the shallow clone's history is cut at {cut}, before any common ancestor; run `git fetch --unshallow`"
            ),
        },
        (Some(cut), false) => MergeBases::Unproved {
            candidates,
            reason: format!(
                "the shallow clone's history is cut at {cut}, and a better merge base may lie behind it; run `git fetch --unshallow`"
            ),
        },
    })
}

struct Walk<'a> {
    history: History<'a>,
    sides: HashMap<CommitId, u8>,
    commits: HashMap<CommitId, GraphCommit>,
    queue: BinaryHeap<(i64, CommitId)>,
    /// The queued commits that are not stale: the walk ends when there are none.
    live: HashSet<CommitId>,
}

impl Walk<'_> {
    fn commit(&mut self, id: CommitId) -> Result<&GraphCommit, GitError> {
        use std::collections::hash_map::Entry::{Occupied, Vacant};
        Ok(match self.commits.entry(id) {
            Occupied(known) => known.into_mut(),
            Vacant(place) => place.insert(self.history.commit(id)?),
        })
    }

    /// Marks a commit as an ancestor of some sides, and queues it if that is news.
    fn paint(&mut self, id: CommitId, sides: u8) -> Result<(), GitError> {
        let known = self.sides.entry(id).or_default();
        if *known & sides == sides {
            return Ok(());
        }
        *known |= sides;
        if *known & STALE == 0 {
            self.live.insert(id);
        } else {
            self.live.remove(&id);
        }
        let time = self.commit(id)?.time;
        self.queue.push((time, id));
        Ok(())
    }

    /// Drops candidates that are ancestors of others, which only clocks that go wrong leave in. The walk does not go
    /// below the oldest candidate: at worst a candidate too many stays, and one more comparison is made.
    fn remove_ancestors(&mut self, candidates: &mut Vec<CommitId>) -> Result<(), GitError> {
        let mut oldest = i64::MAX;
        let mut pending = Vec::new();
        for &candidate in candidates.iter() {
            let commit = self.commit(candidate)?;
            oldest = oldest.min(commit.time);
            pending.extend(commit.parents.iter().copied());
        }
        let mut seen = HashSet::new();
        while let Some(id) = pending.pop() {
            if seen.insert(id) {
                let commit = self.commit(id)?;
                if commit.time >= oldest {
                    pending.extend(commit.parents.iter().copied());
                }
            }
        }
        candidates.retain(|candidate| !seen.contains(candidate));
        Ok(())
    }
}
