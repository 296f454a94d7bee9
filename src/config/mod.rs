//! `knockon.toml`: what people add to what the manifests already say. None is needed.
//!
//! One file at the root and, for those who like it near the code, one in the folder of a project, whose top level is
//! that project's table. Reading is pure and strict: an unknown key, a value of the wrong type or a path that leaves
//! the repository is an error that points at file, line and column and says what to write instead. A file with an
//! error gives no configuration at all, so that a typo never silently narrows a plan.
//!
//! ```
//! use knockon::config;
//! use knockon::path::RepoPath;
//!
//! let file = RepoPath::from_git(b"knockon.toml")?;
//! let (configuration, diagnostics) = config::read(&file, b"[task.test]\nouputs = [\"a/*\"]\n");
//! assert!(configuration.is_none());
//! assert_eq!(diagnostics[0].help.as_deref(), Some("did you mean `outputs`?"));
//! # Ok::<(), knockon::path::PathError>(())
//! ```

mod document;
mod merge;
mod mistake;
mod pattern;
mod pipeline;
mod policy;
mod read;
mod ref_pattern;
mod value;
pub mod written;

use std::collections::BTreeMap;
use std::time::Duration;

pub use merge::{merge, read_all};
pub use pattern::{PathPattern, select};
pub use pipeline::{EventKind, PipelineMatch, PipelineSettings, RefName, built_in_pipelines};
pub use read::read;
pub use ref_pattern::{Placeholder, RefMatch, RefPattern};
pub use value::{ProjectReference, TaskReference, TaskScope};
pub use written::schema;

use schemars::JsonSchema;
use serde::Serialize;

use crate::diagnostic::{Evidence, Place};
use crate::path::RepoPath;
use crate::selection::{Filter, Rule};

/// The name of the file.
pub const FILE_NAME: &str = "knockon.toml";

/// A value and the place that states it. Two are equal when their values are: a comment or another order of lines
/// changes no configuration.
#[derive(Debug, Clone)]
pub struct Written<T> {
    /// The value.
    pub value: T,
    /// Where it is stated.
    pub place: Place,
}

impl<T> Written<T> {
    /// A value that a place states.
    pub fn new(value: T, place: Place) -> Self {
        Self { value, place }
    }

    /// The line as evidence.
    pub fn evidence(&self) -> Evidence {
        Evidence::new(&self.place.file, self.place.line, self.place.text.trim())
    }

    /// Another value, stated at the same place.
    pub fn with<U>(&self, value: U) -> Written<U> {
        Written { value, place: self.place.clone() }
    }
}

impl<T: PartialEq> PartialEq for Written<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Written<T> {}

/// All that the `knockon.toml` of a tree say, or one of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Configuration {
    /// What holds for the repository.
    pub workspace: WorkspaceSettings,
    /// What is said about single projects, sorted by whom it is said about.
    pub projects: Vec<ProjectSettings>,
    /// What is said about a task of every project that has it.
    pub tasks: BTreeMap<String, TaskSettings>,
    /// Named sets of tasks.
    pub pipelines: BTreeMap<String, PipelineSettings>,
    /// The environments that tasks run in.
    pub environments: BTreeMap<String, EnvironmentSettings>,
    /// Where results are shared.
    pub remote: RemoteSettings,
}

/// `[remote]`: the server that results are shared through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RemoteSettings {
    /// The server.
    pub url: Option<Written<String>>,
    /// The key that what protected branches share has to be signed with, in hexadecimal digits.
    pub public_key: Option<Written<String>>,
}

/// `[environment.X]`: where a task runs, such as a cluster for tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentSettings {
    /// The environment's name, at its table.
    pub name: Written<String>,
    /// Whether somebody has to approve before a task runs in it; not, if nothing is said.
    pub approval: Option<Written<bool>>,
    /// The pipelines that may reach it; all, if nothing is said.
    pub pipelines: Option<Vec<Written<String>>>,
}

impl EnvironmentSettings {
    /// Whether somebody has to approve before a task runs in it.
    pub fn needs_approval(&self) -> bool {
        self.approval.as_ref().is_some_and(|approval| approval.value)
    }

    /// Whether a pipeline may reach it. Where only some may, a plan that follows no pipeline may not.
    pub fn allows(&self, pipeline: Option<&str>) -> bool {
        let Some(allowed) = &self.pipelines else { return true };
        allowed.iter().any(|name| Some(name.value.as_str()) == pipeline)
    }
}

/// What to do about a changed file that no project owns or reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UnownedPolicy {
    /// It affects every task.
    #[default]
    All,
    /// It affects nothing.
    None,
    /// It is an error.
    Error,
}

impl UnownedPolicy {
    /// The policies by the words that a configuration uses for them.
    pub const WORDS: [(&'static str, UnownedPolicy); 3] =
        [("all", UnownedPolicy::All), ("none", UnownedPolicy::None), ("error", UnownedPolicy::Error)];

    /// The word that a configuration uses for it.
    pub fn word(self) -> &'static str {
        match self {
            UnownedPolicy::All => "all",
            UnownedPolicy::None => "none",
            UnownedPolicy::Error => "error",
        }
    }
}

/// `[workspace]`: what holds for the repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkspaceSettings {
    /// The branch that others are merged into.
    pub default_branch: Option<Written<String>>,
    /// What to do about a changed file that no project owns or reads.
    pub unowned: Option<Written<UnownedPolicy>>,
    /// Files that are never an input of anything, relative to the repository root.
    pub ignore: Vec<Written<PathPattern>>,
}

impl WorkspaceSettings {
    /// The filter that admits the files which are ignored; none if none are.
    pub fn ignored(&self) -> Option<Filter> {
        let rule = |pattern: &Written<PathPattern>| Rule {
            include: !pattern.value.excludes,
            glob: pattern.value.glob.clone(),
        };
        // An empty filter would admit everything.
        (!self.ignore.is_empty()).then(|| Filter::new(&RepoPath::root(), self.ignore.iter().map(rule).collect()))
    }
}

/// `[project."path or name"]`, or the top level of a `knockon.toml` in the project's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectSettings {
    /// Which project.
    pub project: Written<ProjectReference>,
    /// The name to give it.
    pub name: Option<Written<String>>,
    /// Who answers for it.
    pub owners: Vec<Written<String>>,
    /// Projects that it depends on, besides those its manifests name.
    pub depends_on: Vec<Written<ProjectReference>>,
    /// Files that all its tasks read, besides those known anyway, relative to its folder.
    pub inputs: Vec<Written<PathPattern>>,
    /// What is said about its tasks.
    pub tasks: BTreeMap<String, TaskSettings>,
}

impl ProjectSettings {
    /// Nothing yet about a project.
    pub fn new(project: Written<ProjectReference>) -> Self {
        Self {
            project,
            name: None,
            owners: Vec::new(),
            depends_on: Vec::new(),
            inputs: Vec::new(),
            tasks: BTreeMap::new(),
        }
    }
}

/// `[task.X]`: what is not said is left as the ecosystem has it; a list that is said, an empty one too, stands in
/// its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskSettings {
    /// The task's name, at its table.
    pub name: Written<String>,
    /// What to run, in the project's folder.
    pub command: Option<Written<String>>,
    /// Tasks whose results it reads.
    pub depends_on: Option<Vec<Written<TaskReference>>>,
    /// The files that it reads, relative to the project's folder.
    pub inputs: Option<Vec<Written<PathPattern>>>,
    /// The files that it writes, relative to the project's folder.
    pub outputs: Option<Vec<Written<PathPattern>>>,
    /// The environment variables that it reads.
    pub env: Option<Vec<Written<String>>>,
    /// How long it may run.
    pub timeout: Option<Written<Duration>>,
    /// How often it is tried again after a failure.
    pub retries: Option<Written<u32>>,
    /// How many of the tasks that may run at once it counts for.
    pub weight: Option<Written<u32>>,
    /// The environment that it runs in.
    pub environment: Option<Written<String>>,
}

impl TaskSettings {
    /// Nothing yet about a task.
    pub fn new(name: Written<String>) -> Self {
        Self {
            name,
            command: None,
            depends_on: None,
            inputs: None,
            outputs: None,
            env: None,
            timeout: None,
            retries: None,
            weight: None,
            environment: None,
        }
    }

    /// What is said here and, where nothing is, what `general` says: a project's own table before the one for all.
    pub fn or(&self, general: &TaskSettings) -> TaskSettings {
        TaskSettings {
            name: self.name.clone(),
            command: self.command.clone().or_else(|| general.command.clone()),
            depends_on: self.depends_on.clone().or_else(|| general.depends_on.clone()),
            inputs: self.inputs.clone().or_else(|| general.inputs.clone()),
            outputs: self.outputs.clone().or_else(|| general.outputs.clone()),
            env: self.env.clone().or_else(|| general.env.clone()),
            timeout: self.timeout.clone().or_else(|| general.timeout.clone()),
            retries: self.retries.clone().or_else(|| general.retries.clone()),
            weight: self.weight.clone().or_else(|| general.weight.clone()),
            environment: self.environment.clone().or_else(|| general.environment.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Diagnostic;

    pub(super) fn path(text: &str) -> RepoPath {
        RepoPath::from_git(text.as_bytes()).unwrap()
    }

    /// The configuration that a file at the root gives; it must have no finding.
    pub(super) fn root(text: &str) -> Configuration {
        let (configuration, diagnostics) = read(&path(FILE_NAME), text.as_bytes());
        assert_eq!(diagnostics, Vec::<Diagnostic>::new(), "{text}");
        configuration.unwrap()
    }

    pub(super) const EXAMPLE: &str = r#"
[workspace]
default-branch = "main"
unowned = "all"                 # all | none | error, for a changed file that no project owns or reads
ignore = ["docs/**", "*.md"]    # never an input of anything

[project."src/shipping/delivery"]   # any project, by id or name; also a knockon.toml in its folder
name = "delivery"
owners = ["@shipping"]
depends-on = ["shared/telemetry"]
inputs = ["../../tools/gen/**"]

[task.test]                     # for every project that has it, or [project.X.task.test]
command = "dotnet test"
depends-on = ["build", "^build"]
inputs = ["**/*.cs", "!**/*.md"]
outputs = ["TestResults/**"]
env = ["CI"]
timeout = "10m"
retries = 1

[pipeline.validation]
branches = ["feature/*", "topic/*"]
except = ["feature/experimental/*", "topic/experimental/*"]
tasks = ["build", "test"]

[pipeline.release]
branches = ["release/{service}/{version}"]
tags = ["{service}/v{version}"]
events = ["push", "tag"]
tasks = ["image", "push", "chart", "chart-push", "deploy"]

[environment.production]
approval = true
pipelines = ["release"]

[task.deploy]
environment = "production"
"#;

    #[test]
    fn the_published_example_is_read() {
        let configuration = root(EXAMPLE);
        assert_eq!(configuration.workspace.unowned.as_ref().unwrap().value, UnownedPolicy::All);
        assert!(configuration.workspace.ignored().unwrap().admits(&path("docs/a/b")));
        assert!(!configuration.workspace.ignored().unwrap().admits(&path("src/readme.md")));
        let project = &configuration.projects[0];
        assert_eq!(project.project.value.folder(), Some(&path("src/shipping/delivery")));
        assert_eq!(project.inputs[0].value.climbs, 2);
        let test = &configuration.tasks["test"];
        assert_eq!(test.timeout.as_ref().unwrap().value, Duration::from_secs(600));
        assert_eq!(test.depends_on.as_ref().unwrap()[1].value.scope, TaskScope::Upstream);
        assert_eq!(&*test.outputs.as_ref().unwrap()[0].evidence().text, r#"outputs = ["TestResults/**"]"#);
        assert_eq!(test.outputs.as_ref().unwrap()[0].evidence().line, 17);
        assert_eq!(test.retries.as_ref().unwrap().value, 1);
        let name = &configuration.tasks["deploy"].environment.as_ref().unwrap().value;
        let production = &configuration.environments[name];
        assert!(production.needs_approval() && production.allows(Some("release")));
        assert!(!production.allows(Some("validation")) && !production.allows(None));
    }

    #[test]
    fn case_69_comments_and_order_change_nothing() {
        let one =
            root("[task.test]\nretries = 1\ntimeout = \"60s\"\n[project.b]\nname = \"x\"\n[project.a]\nname = \"y\"\n");
        let other = root(
            "# why\n[project]\na = { name = \"y\" }\nb.name = 'x'\n\n[task]\ntest.timeout = \"1m\" # long\ntest.retries = 0x1\n",
        );
        assert_eq!(one, other);
        assert_ne!(one, root("[task.test]\nretries = 2\n"));
    }

    #[test]
    fn what_is_not_said_is_not_set() {
        let configuration = root("[task.test]\ninputs = []\n[project.a.task.test]\nretries = 2\n");
        let own = configuration.projects[0].tasks["test"].or(&configuration.tasks["test"]);
        assert_eq!(own.inputs, Some(Vec::new()));
        assert_eq!(own.retries.unwrap().value, 2);
        assert_eq!(own.outputs, None);
        assert_eq!(root(""), Configuration::default());
        assert!(root("").workspace.ignored().is_none());
    }
}
