//! `knockon.toml` as it is written: the types that its JSON Schema is generated from, and that a configuration is
//! printed through. Reading does without them, because a reader made of them would lose places and near names.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema};
use serde::Serialize;

use super::value::print_duration;
use super::{
    Configuration, EnvironmentSettings, EventKind, PipelineSettings, ProjectSettings, TaskSettings, UnownedPolicy,
    WorkspaceSettings, Written,
};

/// The JSON Schema of `knockon.toml`, for editors: the file at the root or one in a project's folder.
pub fn schema() -> Schema {
    schemars::schema_for!(File)
}

/// A configuration as the text of a `knockon.toml` at the root.
pub fn print(configuration: &Configuration) -> Result<String, toml::ser::Error> {
    toml::to_string(&RootFile::from(configuration))
}

/// `knockon.toml`: what people add to what the manifests of a repository already say.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum File {
    /// The file at the root of the repository.
    Root(RootFile),
    /// A file in the folder of a project: that project's table.
    Project(ProjectTable),
}

/// The file at the root of the repository.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RootFile {
    /// What holds for the repository.
    #[serde(default, skip_serializing_if = "WorkspaceTable::is_empty")]
    pub workspace: WorkspaceTable,
    /// Single projects, by folder from the repository root or by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub project: BTreeMap<String, ProjectTable>,
    /// Tasks, for every project that has them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub task: BTreeMap<String, TaskTable>,
    /// Named sets of tasks, and the events, branches and tags that select them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pipeline: BTreeMap<String, PipelineTable>,
    /// The environments that tasks run in.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, EnvironmentTable>,
    /// The server that results are shared through.
    #[serde(default, skip_serializing_if = "RemoteTable::is_empty")]
    pub remote: RemoteTable,
}

/// What holds for the repository.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WorkspaceTable {
    /// The branch that others are merged into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub default_branch: Option<String>,
    /// What to do about a changed file that no project owns or reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "UnownedPolicy")]
    pub unowned: Option<UnownedPolicy>,
    /// Files that are never an input of anything, as globs relative to the repository root.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
}

impl WorkspaceTable {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What is said about one project.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProjectTable {
    /// The name to give it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", regex(pattern = r"^[A-Za-z0-9_][A-Za-z0-9._-]*$"))]
    pub name: Option<String>,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<String>,
    /// Projects that it depends on besides those its manifests name, by folder from the repository root or by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// Files that all its tasks read besides those known anyway, as globs relative to its folder.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<String>,
    /// Its tasks.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub task: BTreeMap<String, TaskTable>,
}

/// What is said about a task; what is not said is left as the ecosystem has it.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TaskTable {
    /// The line to run in a POSIX shell, in the project's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub command: Option<String>,
    /// Tasks whose results it reads: `build` of the same project, `^build` of all that the project depends on,
    /// `other:build` of one project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<String>")]
    pub depends_on: Option<Vec<String>>,
    /// The files that it reads, as globs relative to the project's folder; `!` keeps out, the last match decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<String>")]
    pub inputs: Option<Vec<String>>,
    /// The files that it writes, as globs relative to the project's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<String>")]
    pub outputs: Option<Vec<String>>,
    /// The names of the environment variables that it reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<String>")]
    pub env: Option<Vec<String>>,
    /// How long it may run, such as `10m`, `90s` or `1h30m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", regex(pattern = r"^([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$"))]
    pub timeout: Option<String>,
    /// How often it is tried again after a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32")]
    pub retries: Option<u32>,
    /// How many of the tasks that may run at once it counts for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32")]
    pub weight: Option<u32>,
    /// The environment that it runs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub environment: Option<String>,
}

/// A named set of tasks, and the events, branches and tags that select it.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PipelineTable {
    /// The events that select it. Without any, `branches` are about runs of the branches themselves, and `tags` about
    /// pushed tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventKind>,
    /// Branches that select it: globs, or text with the placeholders `{service}` and `{version}`. Of a pull request it is
    /// the branch that it is to be merged into.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub branches: Vec<String>,
    /// Tags that select it, written as `branches` are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Branches and tags among them that do not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
    /// The names of its tasks.
    #[schemars(length(min = 1))]
    pub tasks: Vec<String>,
}

/// Where a task runs, such as a cluster for tests.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EnvironmentTable {
    /// Whether somebody has to approve before a task runs in it; not, if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    pub approval: Option<bool>,
    /// The pipelines that may reach it; all, if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<String>")]
    pub pipelines: Option<Vec<String>>,
}

/// The server that results are shared through. Whoever may write to it says so outside the repository.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RemoteTable {
    /// The server, such as `grpcs://cache.example.org/main`. It is given no credentials unless the environment names it, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub url: Option<String>,
    /// The key that what protected branches share has to be signed with. Of a change, what its base says holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", regex(pattern = r"^[0-9a-f]{64}$"))]
    pub public_key: Option<String>,
}

impl RemoteTable {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl From<&Configuration> for RootFile {
    fn from(configuration: &Configuration) -> Self {
        let projects = configuration.projects.iter();
        Self {
            workspace: WorkspaceTable::from(&configuration.workspace),
            project: projects.map(|settings| (settings.project.value.to_string(), settings.into())).collect(),
            task: task_tables(&configuration.tasks),
            pipeline: configuration.pipelines.iter().map(|(name, settings)| (name.clone(), settings.into())).collect(),
            environment: configuration
                .environments
                .iter()
                .map(|(name, settings)| (name.clone(), settings.into()))
                .collect(),
            remote: RemoteTable {
                url: configuration.remote.url.as_ref().map(text),
                public_key: configuration.remote.public_key.as_ref().map(text),
            },
        }
    }
}

impl From<&WorkspaceSettings> for WorkspaceTable {
    fn from(settings: &WorkspaceSettings) -> Self {
        Self {
            default_branch: settings.default_branch.as_ref().map(text),
            unowned: settings.unowned.as_ref().map(|unowned| unowned.value),
            ignore: texts(&settings.ignore),
        }
    }
}

impl From<&ProjectSettings> for ProjectTable {
    fn from(settings: &ProjectSettings) -> Self {
        Self {
            name: settings.name.as_ref().map(text),
            owners: texts(&settings.owners),
            depends_on: texts(&settings.depends_on),
            inputs: texts(&settings.inputs),
            task: task_tables(&settings.tasks),
        }
    }
}

impl From<&TaskSettings> for TaskTable {
    fn from(settings: &TaskSettings) -> Self {
        Self {
            command: settings.command.as_ref().map(text),
            depends_on: settings.depends_on.as_deref().map(texts),
            inputs: settings.inputs.as_deref().map(texts),
            outputs: settings.outputs.as_deref().map(texts),
            env: settings.env.as_deref().map(texts),
            timeout: settings.timeout.as_ref().map(|timeout| print_duration(timeout.value)),
            retries: settings.retries.as_ref().map(|retries| retries.value),
            weight: settings.weight.as_ref().map(|weight| weight.value),
            environment: settings.environment.as_ref().map(text),
        }
    }
}

impl From<&PipelineSettings> for PipelineTable {
    fn from(settings: &PipelineSettings) -> Self {
        Self {
            events: settings.events.iter().map(|event| event.value).collect(),
            branches: texts(&settings.branches),
            tags: texts(&settings.tags),
            except: texts(&settings.except),
            tasks: texts(&settings.tasks),
        }
    }
}

impl From<&EnvironmentSettings> for EnvironmentTable {
    fn from(settings: &EnvironmentSettings) -> Self {
        Self {
            approval: settings.approval.as_ref().map(|approval| approval.value),
            pipelines: settings.pipelines.as_deref().map(texts),
        }
    }
}

fn task_tables(tasks: &BTreeMap<String, TaskSettings>) -> BTreeMap<String, TaskTable> {
    tasks.iter().map(|(name, settings)| (name.clone(), settings.into())).collect()
}

fn text<T: ToString>(written: &Written<T>) -> String {
    written.value.to_string()
}

fn texts<T: ToString>(list: &[Written<T>]) -> Vec<String> {
    list.iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::super::read::delivery::{ENVIRONMENT_KEYS, PIPELINE_KEYS};
    use super::super::read::remote::REMOTE_KEYS;
    use super::super::read::{PROJECT_KEYS, ROOT_KEYS, TASK_KEYS, WORKSPACE_KEYS};
    use super::super::tests::{EXAMPLE, root};
    use super::*;

    #[test]
    fn the_schema_has_exactly_the_keys_that_are_read() {
        let schema = schema().to_value();
        let keys = |table: &str| -> Vec<String> {
            let table = &schema["$defs"][table];
            assert_eq!(table["additionalProperties"], false, "{table}");
            table["properties"].as_object().unwrap().keys().cloned().collect()
        };
        let sorted = |known: &[&str]| {
            let mut known: Vec<_> = known.iter().map(|key| key.to_string()).collect();
            known.sort();
            known
        };
        for (table, known) in [
            ("RootFile", &ROOT_KEYS[..]),
            ("WorkspaceTable", &WORKSPACE_KEYS),
            ("ProjectTable", &PROJECT_KEYS),
            ("TaskTable", &TASK_KEYS),
            ("PipelineTable", &PIPELINE_KEYS),
            ("EnvironmentTable", &ENVIRONMENT_KEYS),
            ("RemoteTable", &REMOTE_KEYS),
        ] {
            let mut found = keys(table);
            found.sort();
            assert_eq!(found, sorted(known), "{table}");
        }
        assert_eq!(schema["$defs"]["PipelineTable"]["required"], serde_json::json!(["tasks"]));
        assert_eq!(schema["$defs"]["TaskTable"]["properties"]["retries"]["type"], "integer");
    }

    #[test]
    fn the_example_is_printed_as_it_is_read() {
        let configuration = root(EXAMPLE);
        assert_eq!(root(&print(&configuration).unwrap()), configuration);
    }
}
