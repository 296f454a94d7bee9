//! A task: one target of one project, and all that its result depends on.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use super::ProjectId;
use crate::diagnostic::Evidence;
use crate::discover::{Command, FragmentDigest, Input};
use crate::path::RepoPath;

/// A task's name within its project, such as `build`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct TaskName(pub String);

impl fmt::Display for TaskName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One target of one project. Printed with the project's id: `src/shipping/delivery:test`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId {
    /// The project.
    pub project: ProjectId,
    /// The target.
    pub name: TaskName,
}

impl TaskId {
    /// The task of a project with this name.
    pub fn new(project: &ProjectId, name: &str) -> Self {
        Self { project: project.clone(), name: TaskName(name.to_owned()) }
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.project, self.name)
    }
}

impl Serialize for TaskId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for TaskId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TaskId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "description": "A task: the project's id, a colon, the task's name." })
    }
}

/// Another task whose result a task reads, and the line that says so.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Read {
    /// The task that is read.
    pub task: TaskId,
    /// The edge's line; none within a project, where it is the ecosystem's way.
    pub evidence: Option<Evidence>,
}

/// A fragment of a file that a task reads with all that it needs, where it reads no other byte of the file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slice {
    /// The file.
    pub file: RepoPath,
    /// What the file calls the fragment.
    pub fragment: Arc<str>,
    /// A digest over the fragment and all that it needs.
    pub digest: FragmentDigest,
    /// How it is known that the task reads it.
    pub evidence: Evidence,
}

/// What makes a file an input of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The input with this place among the task's.
    Input(usize),
    /// The slice with this place among the task's.
    Slice(usize),
}

/// One target of one project, and all that its result depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// The files it reads.
    pub inputs: Vec<Input>,
    /// What it reads of files that it does not read as a whole, sorted by file and digest, each digest once.
    pub slices: Vec<Slice>,
    /// The results it reads, sorted.
    pub reads: Vec<Read>,
    /// Tasks that only have to be over before it begins.
    pub after: BTreeSet<TaskId>,
    /// What to run, in this order; nothing where the files themselves are the result.
    pub commands: Vec<Command>,
    /// Names of the environment variables that it reads.
    pub environment: BTreeSet<String>,
    /// The files that it makes, as globs relative to the project's folder; empty where its result is that it passed, and
    /// none where nobody can say or where it makes something else than files, such as an image.
    pub outputs: Option<Vec<String>>,
    /// The tools that run it, sorted.
    pub tools: Vec<String>,
    /// The ecosystems that claim it, sorted.
    pub ecosystems: Vec<&'static str>,
    /// Whether its tools build what it reads by themselves.
    pub builds_upstream: bool,
    /// How long it may take.
    pub timeout: Option<Duration>,
    /// How often it is tried again.
    pub retries: u32,
    /// How many of the tasks that may run at once it counts for.
    pub weight: u32,
    /// The environment of the configuration that it runs in. What a task is made of does not depend on it.
    pub runs_in: Option<String>,
}

impl Task {
    /// A task that reads and runs nothing yet.
    pub(super) fn empty(id: TaskId) -> Self {
        Self {
            id,
            inputs: Vec::new(),
            slices: Vec::new(),
            reads: Vec::new(),
            after: BTreeSet::new(),
            commands: Vec::new(),
            environment: BTreeSet::new(),
            outputs: Some(Vec::new()),
            tools: Vec::new(),
            ecosystems: Vec::new(),
            builds_upstream: true,
            timeout: None,
            retries: 0,
            weight: 1,
            runs_in: None,
        }
    }

    /// The globs of its outputs, as far as they are known.
    pub fn output_patterns(&self) -> &[String] {
        self.outputs.as_deref().unwrap_or_default()
    }

    /// The line that makes a path an input. Of a task that was kept and could not be decoded there is none, only the
    /// path.
    pub(crate) fn evidence_of(&self, reason: Reason, path: &RepoPath) -> Evidence {
        let evidence = match reason {
            Reason::Input(at) => self.inputs.get(at).map(|input| &input.evidence),
            Reason::Slice(at) => self.slices.get(at).map(|slice| &slice.evidence),
        };
        evidence.cloned().unwrap_or_else(|| Evidence::new(path, 0, ""))
    }

    /// Puts what is listed in order, each once.
    pub(super) fn tidy(&mut self) {
        self.inputs.sort();
        self.inputs.dedup();
        // Two entries that need each other have one digest, whatever they are called.
        self.slices.sort_by(|a, b| (&a.file, a.digest, &a.fragment).cmp(&(&b.file, b.digest, &b.fragment)));
        self.slices.dedup_by(|later, first| (&later.file, later.digest) == (&first.file, first.digest));
        self.reads.sort();
        self.reads.dedup_by(|later, first| later.task == first.task);
        self.reads.shrink_to_fit();
        self.tools.sort();
        self.tools.dedup();
        self.ecosystems.sort();
        self.ecosystems.dedup();
    }
}
