//! Which pipeline a run is for, by its name or by an event and a ref, and which tasks that asks for.

use std::collections::BTreeSet;

use super::Selected;
use crate::config::{Configuration, EventKind, PipelineMatch, PipelineSettings, RefMatch, RefName};
use crate::workspace::{LookUpError, ProjectId, TaskIndex, TaskName, Workspace};

/// How a pipeline is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum PipelineRequest {
    /// Not at all: all tasks are meant.
    #[default]
    None,
    /// By its name.
    Named(String),
    /// By what a CI engine runs for.
    Run {
        /// The event.
        event: EventKind,
        /// The branch or tag that patterns are held against, if it is known.
        at: Option<RefName>,
    },
    /// A service and the version to release it as.
    Release {
        /// The service by folder, name or alias.
        service: String,
        /// The version.
        version: String,
    },
}

/// The pipeline of a run, and why this one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PipelineChoice {
    /// Its name; none where all tasks are meant.
    pub pipeline: Option<String>,
    /// Why this one, in a sentence; none where nothing was to be decided.
    pub reason: Option<String>,
    /// The service that is meant by name, whatever changed.
    pub service: Option<ProjectId>,
    /// The version that a ref or the command line names, without a `v` before it.
    pub version: Option<String>,
    /// What it asks for.
    pub selected: Selected,
}

/// Why no pipeline can be chosen.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// No pipeline has the name.
    #[error("no pipeline is called `{wanted}`; there are {}", known.join(", "))]
    Unknown {
        /// What was asked for.
        wanted: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// What stands for a version is none.
    #[error(
        "`{text}` is no version: {reason}; write one as Semantic Versioning has it, such as `1.2.0` or `v1.2.0-rc.1`"
    )]
    Version {
        /// What was given.
        text: String,
        /// Why it is none.
        reason: String,
    },
    /// No project has the name of the service.
    #[error(transparent)]
    Service(#[from] LookUpError),
    /// The service has none of the pipeline's tasks.
    #[error("{service} has none of the tasks of pipeline `{pipeline}`: {}", tasks.join(", "))]
    NoTasks {
        /// The service.
        service: String,
        /// The pipeline.
        pipeline: String,
        /// The pipeline's tasks.
        tasks: Vec<String>,
    },
}

/// Chooses a pipeline. One whose ref names a service asks for that service's tasks, and not for what differs.
pub fn choose_pipeline(
    configuration: &Configuration,
    workspace: &Workspace,
    request: &PipelineRequest,
) -> Result<PipelineChoice, PipelineError> {
    match request {
        PipelineRequest::None => Ok(PipelineChoice::default()),
        PipelineRequest::Named(name) => {
            let choice = chosen(workspace, named(configuration, name)?, RefMatch::default(), String::new())?;
            Ok(PipelineChoice { reason: None, ..choice })
        }
        PipelineRequest::Release { service, version } => {
            let found = RefMatch { service: Some(service.clone()), version: Some(version.clone()) };
            let reason = "a service and its version were given".to_owned();
            chosen(workspace, named(configuration, RELEASE)?, found, reason)
        }
        PipelineRequest::Run { event, at } => by_run(configuration, workspace, *event, at.as_ref()),
    }
}

/// The pipeline that releases a service.
const RELEASE: &str = "release";

fn named<'c>(configuration: &'c Configuration, wanted: &str) -> Result<&'c PipelineSettings, PipelineError> {
    configuration.pipeline(wanted).ok_or_else(|| {
        let all = configuration.all_pipelines();
        let mut known: Vec<String> = all.into_iter().map(|pipeline| pipeline.name.value.clone()).collect();
        known.sort();
        PipelineError::Unknown { wanted: wanted.to_owned(), known }
    })
}

fn by_run(
    configuration: &Configuration,
    workspace: &Workspace,
    event: EventKind,
    at: Option<&RefName>,
) -> Result<PipelineChoice, PipelineError> {
    let run = match at {
        Some(at) => shown(&format!("{event}, {at}")),
        None => event.to_string(),
    };
    let mut excepted = String::new();
    for pipeline in configuration.all_pipelines() {
        match pipeline.selected_by(event, at) {
            PipelineMatch::Selected { pattern, found } => {
                let reason = match pattern {
                    Some(pattern) => format!("selected by `{pattern}` for {run}{excepted}"),
                    None => format!("selected by its events for {run}{excepted}"),
                };
                return chosen(workspace, pipeline, found, reason);
            }
            PipelineMatch::Excepted(pattern) => {
                excepted.push_str(&format!("; not {}, for its exception `{pattern}`", pipeline.name.value));
            }
            PipelineMatch::Passed => {}
        }
    }
    let reason = Some(format!("no pipeline is selected by {run}{excepted}: all tasks are meant"));
    Ok(PipelineChoice { reason, ..PipelineChoice::default() })
}

fn chosen(
    workspace: &Workspace,
    pipeline: &PipelineSettings,
    found: RefMatch,
    reason: String,
) -> Result<PipelineChoice, PipelineError> {
    let names: Vec<String> = pipeline.tasks.iter().map(|task| task.value.clone()).collect();
    let version = found.version.map(|text| version_of(&text)).transpose()?;
    let name = pipeline.name.value.clone();
    let (mut service, mut selected) = (None, Selected::Named(names.clone()));
    if let Some(wanted) = found.service {
        let project = workspace.look_up(&wanted)?;
        let tasks: BTreeSet<TaskIndex> = workspace
            .tasks_of(&project.id)
            .filter(|task| selected.includes(&task.id.name))
            .filter_map(|task| workspace.task_index(&task.id))
            .collect();
        if tasks.is_empty() {
            return Err(PipelineError::NoTasks { service: project.name.clone(), pipeline: name, tasks: names });
        }
        service = Some(project.id.clone());
        selected = Selected::Tasks(tasks);
    }
    Ok(PipelineChoice { pipeline: Some(name), reason: Some(reason), service, version, selected })
}

/// A version of Semantic Versioning, strictly, with or without a `v` before it.
fn version_of(text: &str) -> Result<String, PipelineError> {
    let bare = text.strip_prefix('v').unwrap_or(text);
    match semver::Version::parse(bare) {
        Ok(version) => Ok(version.to_string()),
        Err(error) => Err(PipelineError::Version { text: shown(text), reason: error.to_string() }),
    }
}

/// The tasks among some that may not be planned, or need one that may not.
pub fn withheld(
    workspace: &Workspace,
    members: &BTreeSet<TaskIndex>,
    is_barred: impl Fn(TaskIndex) -> bool,
) -> BTreeSet<TaskIndex> {
    let mut withheld: BTreeSet<TaskIndex> = members.iter().copied().filter(|task| is_barred(*task)).collect();
    if withheld.is_empty() {
        return withheld;
    }
    let mut readers = std::collections::BTreeMap::<TaskIndex, Vec<TaskIndex>>::new();
    for &task in members.iter().filter(|task| !workspace.task_at(**task).builds_upstream) {
        for read in workspace.results_read_by(task) {
            readers.entry(read).or_default().push(task);
        }
    }
    let mut pending: Vec<TaskIndex> = withheld.iter().copied().collect();
    while let Some(task) = pending.pop() {
        for &reader in readers.get(&task).into_iter().flatten() {
            if withheld.insert(reader) {
                pending.push(reader);
            }
        }
    }
    withheld
}

/// Whether a task's name is that of a pipeline's task or of a part of it: `image` also means `image.worker`.
pub(super) fn means(name: &str, task: &TaskName) -> bool {
    task.0.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Text of an environment, which may hold anything, as a part of a sentence.
fn shown(text: &str) -> String {
    crate::path::harmless(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_strictly() {
        for (text, version) in [("1.2.0", "1.2.0"), ("v0.1.0", "0.1.0"), ("1.0.0-rc.1+5", "1.0.0-rc.1+5")] {
            assert_eq!(version_of(text).unwrap(), version);
        }
        for text in
            ["", "v", "1", "1.2", "01.2.3", "1.2.3.4", "vv1.2.3", "V1.2.3", "1.2.3-", "latest", "1.2.x", " 1.2.3"]
        {
            assert!(matches!(version_of(text), Err(PipelineError::Version { .. })), "{text}");
        }
    }
}
