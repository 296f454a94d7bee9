//! Why a task is affected.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use crate::diagnostic::Evidence;
use crate::path::RepoPath;
use crate::tree::ChangeKind;
use crate::workspace::{Doubt, ProjectId, Reason, TaskId, TaskIndex, Workspace};

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
    /// An entry of a file that it reads in slices changed: a package of a lockfile, say.
    Slice {
        /// The file.
        path: RepoPath,
        /// What the file calls the entry.
        entry: String,
        /// How it changed.
        change: ChangeKind,
        /// The entry's line: at the head, or at the base where the head has none.
        evidence: Evidence,
    },
    /// What is run, in which environment, with which tools or outputs, is another.
    Definition {
        /// The part that differs.
        part: String,
    },
    /// The base has no such task.
    NewTask,
    /// No result is recorded by which it passed with this fingerprint.
    NotPassed {
        /// How many results are recorded by which it failed with it; none: it never ran.
        failures: u32,
    },
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AffectedTask {
    /// All its causes.
    pub causes: BTreeSet<Cause>,
    /// How many edges lie between it and the nearest project whose own inputs changed.
    pub distance: u32,
}

/// A cause that lies in the task itself, as briefly as it can be said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Own {
    /// A changed file is covered by one of the head's inputs.
    Read { path: RepoPath, change: ChangeKind, input: usize },
    /// Anything else.
    Told(Cause),
}

/// The answer, about the tasks of the head's workspace. What follows from it and the workspace (whose result a task
/// reads, how far a doubt reaches) is told when it is asked for, so that an answer about everything is quick to give.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Affected {
    pub(super) own: BTreeMap<TaskIndex, BTreeSet<Own>>,
    /// For each task of the head its distance, or [`UNAFFECTED`].
    pub(super) distances: Vec<u32>,
    /// Changed paths that no project owns or reads.
    pub unowned: BTreeSet<RepoPath>,
    /// Changed paths that a project owns and no task reads.
    pub unread: BTreeSet<RepoPath>,
    /// What could not be known, sorted.
    pub widened: Vec<Doubt>,
    /// Projects of the base that the head does not have.
    pub removed: Vec<ProjectId>,
}

/// The distance of a task that is not affected.
pub(super) const UNAFFECTED: u32 = u32::MAX;

impl Affected {
    /// Nothing yet, about so many tasks.
    pub(super) fn nothing(tasks: usize) -> Self {
        Self { distances: vec![UNAFFECTED; tasks], ..Self::default() }
    }

    /// Whether no task is affected.
    pub fn is_empty(&self) -> bool {
        self.tasks().next().is_none()
    }

    /// The affected tasks, in the order of their ids.
    pub fn tasks(&self) -> impl Iterator<Item = TaskIndex> {
        let reached = self.distances.iter().zip(0..).filter(|(distance, _)| **distance != UNAFFECTED);
        reached.map(|(_, at)| TaskIndex::new(at))
    }

    /// The affected tasks that have a cause of their own: a changed input, another definition, other inputs.
    pub fn by_themselves(&self) -> impl Iterator<Item = TaskIndex> {
        self.own.keys().copied()
    }

    /// How many edges lie between a task and the nearest project whose own inputs changed; none if it is not affected.
    pub fn distance(&self, task: TaskIndex) -> Option<u32> {
        self.distances.get(task.number()).copied().filter(|distance| *distance != UNAFFECTED)
    }

    /// Whether a task is affected.
    pub fn contains(&self, task: TaskIndex) -> bool {
        self.distance(task).is_some()
    }

    /// All causes of a task of the head's workspace; none if it is not affected.
    pub fn task(&self, workspace: &Workspace, at: TaskIndex) -> Option<AffectedTask> {
        let distance = self.distance(at)?;
        let task = workspace.task_at(at);
        let told = |own: &Own| match own {
            Own::Read { path, change, input } => Cause::Input {
                path: path.clone(),
                change: *change,
                evidence: task.evidence_of(Reason::Input(*input), path),
            },
            Own::Told(cause) => cause.clone(),
        };
        let mut causes: BTreeSet<Cause> = self.own.get(&at).into_iter().flatten().map(told).collect();
        causes.extend(
            self.widened
                .iter()
                .filter(|doubt| doubt.reaches(task))
                .map(|doubt| Cause::Widened { reason: doubt.reason.clone(), detail: doubt.detail.clone() }),
        );
        let upstream =
            task.reads.iter().filter(|read| workspace.task_index(&read.task).is_some_and(|read| self.contains(read)));
        causes
            .extend(upstream.map(|read| Cause::Upstream { task: read.task.clone(), evidence: read.evidence.clone() }));
        Some(AffectedTask { causes, distance })
    }

    /// Adds tasks that never passed as they are, each with how often it failed. Their readers have results of their own.
    pub fn with_unpassed(mut self, unpassed: &BTreeMap<TaskIndex, u32>) -> Affected {
        for (task, failures) in unpassed {
            self.own.entry(*task).or_default().insert(Own::Told(Cause::NotPassed { failures: *failures }));
            if let Some(distance) = self.distances.get_mut(task.number()) {
                *distance = 0;
            }
        }
        self
    }

    /// What any of two answers about one head says: the way to several merge bases.
    pub fn union(mut self, other: Affected) -> Affected {
        for (task, causes) in other.own {
            self.own.entry(task).or_default().extend(causes);
        }
        if self.distances.is_empty() {
            self.distances = other.distances;
        } else {
            for (known, distance) in self.distances.iter_mut().zip(other.distances) {
                *known = distance.min(*known);
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
