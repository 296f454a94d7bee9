//! Why a task is affected.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use crate::diagnostic::Evidence;
use crate::path::RepoPath;
use crate::tree::ChangeKind;
use crate::workspace::{Doubt, ProjectId, TaskId};

/// One reason why a task's fingerprint differs, or cannot be known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(tag = "cause", rename_all = "kebab-case")]
pub enum Cause {
    /// A file that it reads changed.
    Input {
        /// The file.
        path: RepoPath,
        /// How it changed.
        change: ChangeKind,
        /// The line that makes it an input.
        evidence: Evidence,
    },
    /// A file became an input, or is one no longer, although the file itself did not change.
    InputSet {
        /// The file.
        path: RepoPath,
        /// Whether it is an input at the head.
        at_head: bool,
        /// The line that makes it, or made it, an input.
        evidence: Evidence,
    },
    /// What is run, in which environment, with which tools or outputs, is another.
    Definition {
        /// The part that differs.
        part: String,
    },
    /// The base has no such task.
    NewTask,
    /// It reads a result now that it did not read, or reads one no longer.
    Reading {
        /// The task that is, or was, read.
        task: TaskId,
        /// Whether it is read at the head.
        at_head: bool,
        /// The line that says, or said, so.
        evidence: Option<Evidence>,
    },
    /// It cannot be known.
    Widened {
        /// What cannot be known.
        reason: String,
        /// The same for people.
        detail: String,
    },
    /// A result that it reads is affected.
    Upstream {
        /// The task that is read.
        task: TaskId,
        /// The line that says so.
        evidence: Option<Evidence>,
    },
}

/// An affected task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AffectedTask {
    /// All its causes.
    pub causes: BTreeSet<Cause>,
    /// How many edges lie between it and the nearest project whose own inputs changed.
    pub distance: u32,
}

/// The answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Affected {
    /// The affected tasks of the head.
    pub tasks: BTreeMap<TaskId, AffectedTask>,
    /// Changed paths that no project owns or reads.
    pub unowned: BTreeSet<RepoPath>,
    /// Changed paths that a project owns and no task reads.
    pub unread: BTreeSet<RepoPath>,
    /// What could not be known.
    pub widened: Vec<Doubt>,
    /// Projects of the base that the head does not have.
    pub removed: Vec<ProjectId>,
}

impl Affected {
    /// What any of two answers says: the way to several merge bases.
    pub fn union(mut self, other: Affected) -> Affected {
        for (id, task) in other.tasks {
            match self.tasks.entry(id) {
                std::collections::btree_map::Entry::Vacant(entry) => {
                    entry.insert(task);
                }
                std::collections::btree_map::Entry::Occupied(mut entry) => {
                    let known = entry.get_mut();
                    known.causes.extend(task.causes);
                    known.distance = known.distance.min(task.distance);
                }
            }
        }
        self.unowned.extend(other.unowned);
        self.unread.extend(other.unread);
        self.widened.extend(other.widened);
        self.widened.sort();
        self.widened.dedup();
        self.removed.extend(other.removed);
        self.removed.sort();
        self.removed.dedup();
        self
    }
}
