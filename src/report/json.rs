//! What programs read: one JSON object for each command, with a `schema` version. The types are the published schema.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::affect::{Affected, AffectedTask, Cause};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::discover::Command;
use crate::fingerprint::Fingerprint;
use crate::path::RepoPath;
use crate::plan::{Decision, PipelineChoice, Plan, PlannedTask, TreeName};
use crate::workspace::{
    Doubt, Edge, Project, ProjectId, ProjectKind, Read, Slice, Task, TaskId, TaskIndex, TaskName, Workspace,
};

/// The version of every JSON output. It grows when a field goes or changes its meaning; a new field leaves it.
pub const SCHEMA: u32 = 1;

/// What `affected` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AffectedReport {
    /// The version of this format.
    pub schema: u32,
    /// Which trees were compared.
    #[serde(flatten)]
    pub range: Decision,
    /// The affected projects, sorted by id.
    pub projects: Vec<AffectedProject>,
    /// Projects that only the base has.
    pub removed: Vec<ProjectId>,
    /// Changed paths that no project owns or reads.
    pub unowned: Vec<RepoPath>,
    /// Changed paths that a project owns and no task reads.
    pub unread: Vec<RepoPath>,
    /// What could not be known, and how far the answer was widened by it.
    pub widened: Vec<Doubt>,
}

/// An affected project.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AffectedProject {
    /// Its folder.
    pub id: ProjectId,
    /// Its short name.
    pub name: String,
    /// What it is.
    pub kind: ProjectKind,
    /// Who owns it, from the configuration.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<String>,
    /// 0 where one of its own inputs changed; else how many edges lie between it and the nearest such project.
    pub distance: u32,
    /// Its affected tasks.
    pub tasks: Vec<TaskName>,
    /// All causes of all its tasks.
    pub causes: Vec<ProjectCause>,
}

/// A cause, and which of the project's tasks it brings in.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProjectCause {
    /// The cause.
    #[serde(flatten)]
    pub cause: Cause,
    /// The tasks.
    pub tasks: Vec<TaskName>,
}

impl AffectedReport {
    /// Puts the affected tasks together by project.
    pub fn new(range: &Decision, workspace: &Workspace, affected: &Affected) -> Self {
        Self {
            schema: SCHEMA,
            range: range.clone(),
            projects: affected_projects(workspace, affected),
            removed: affected.removed.clone(),
            unowned: affected.unowned.iter().cloned().collect(),
            unread: affected.unread.iter().cloned().collect(),
            widened: affected.widened.clone(),
        }
    }
}

/// The affected tasks, project by project, sorted by id.
pub fn affected_projects(workspace: &Workspace, affected: &Affected) -> Vec<AffectedProject> {
    let tasks: Vec<TaskIndex> = affected.tasks().collect();
    let of_one_project =
        |one: &TaskIndex, other: &TaskIndex| workspace.project_index(*one) == workspace.project_index(*other);
    let described = tasks.chunk_by(of_one_project).filter_map(|tasks| {
        let project = workspace.project(&workspace.project_of(*tasks.first()?))?;
        let tasks: Vec<(&TaskName, AffectedTask)> = tasks
            .iter()
            .filter_map(|task| Some((workspace.task_name(*task), affected.task(workspace, *task)?)))
            .collect();
        let mut causes: BTreeMap<&Cause, Vec<TaskName>> = BTreeMap::new();
        for (name, task) in &tasks {
            for cause in &task.causes {
                causes.entry(cause).or_default().push((*name).clone());
            }
        }
        Some(AffectedProject {
            id: project.id.clone(),
            name: project.name.clone(),
            kind: project.kind,
            owners: project.owners.clone(),
            distance: tasks.iter().map(|(_, task)| task.distance).min().unwrap_or(0),
            tasks: tasks.iter().map(|(name, _)| (*name).clone()).collect(),
            causes: causes.into_iter().map(|(cause, tasks)| ProjectCause { cause: cause.clone(), tasks }).collect(),
        })
    });
    described.collect()
}

/// What `plan` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlanReport {
    /// What is affected.
    #[serde(flatten)]
    pub affected: AffectedReport,
    /// The pipeline whose tasks these are; none where all are meant.
    pub pipeline: Option<String>,
    /// Why this pipeline, in a sentence; not there where nothing was to be decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selection: Option<String>,
    /// The service whose tasks are planned by name, whatever changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<ProjectId>,
    /// The version that the ref or the command line names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Tasks that are left out, as they run in an environment that only some pipelines may reach, or need one that does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub withheld: Vec<TaskId>,
    /// The tasks to run, sorted by id.
    pub tasks: Vec<PlannedTaskReport>,
    /// How many layers they lie in.
    pub layers: usize,
}

/// One task of a plan.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlannedTaskReport {
    /// The task.
    pub id: TaskId,
    /// Its project.
    pub project: ProjectId,
    /// The project's short name.
    pub name: String,
    /// Its name.
    pub task: TaskName,
    /// Whether it is asked for: affected, or of the service that is released; else it is planned because such a task
    /// needs its result.
    pub affected: bool,
    /// The digest over all that can change its result.
    pub fingerprint: Fingerprint,
    /// The tasks of this plan that have to be over before it begins.
    pub needs: Vec<TaskId>,
    /// Its layer: all that it needs lies in lower ones.
    pub layer: usize,
    /// What to run, in this order.
    pub commands: Vec<Command>,
    /// The environment that it runs in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Why it is affected.
    pub causes: Vec<Cause>,
}

impl PlanReport {
    /// Describes a plan.
    pub fn new(
        range: &Decision,
        workspace: &Workspace,
        affected: &Affected,
        pipeline: &PipelineChoice,
        plan: &Plan,
    ) -> Self {
        let name = |project: &ProjectId| workspace.project(project).map(|project| project.name.clone());
        let causes = |planned: &PlannedTask| {
            let task = planned.affected.then(|| affected.task(workspace, planned.task)).flatten();
            task.into_iter().flat_map(|task| task.causes).collect()
        };
        let tasks = plan.tasks.iter().map(|planned| {
            let task = workspace.task_at(planned.task);
            PlannedTaskReport {
                id: task.id.clone(),
                project: task.id.project.clone(),
                name: name(&task.id.project).unwrap_or_default(),
                task: task.id.name.clone(),
                affected: planned.affected,
                fingerprint: planned.fingerprint,
                needs: planned.needs.iter().map(|need| workspace.task_id(*need)).collect(),
                layer: planned.layer,
                commands: task.commands.clone(),
                environment: task.runs_in.clone(),
                causes: causes(planned),
            }
        });
        let tasks = tasks.collect();
        let affected = AffectedReport::new(range, workspace, affected);
        Self {
            affected,
            pipeline: pipeline.pipeline.clone(),
            selection: pipeline.reason.clone(),
            service: pipeline.service.clone(),
            version: pipeline.version.clone(),
            withheld: plan.withheld.iter().map(|task| workspace.task_id(*task)).collect(),
            tasks,
            layers: plan.layers().len(),
        }
    }
}

/// What `graph` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct GraphReport {
    /// The version of this format.
    pub schema: u32,
    /// The tree that was read.
    pub tree: TreeName,
    /// The projects, sorted by id.
    pub projects: Vec<GraphProject>,
    /// The edges, one for each line that states one, sorted.
    pub edges: Vec<Edge>,
}

/// A project of the graph.
#[derive(Debug, Serialize, JsonSchema)]
pub struct GraphProject {
    /// Its folder.
    pub id: ProjectId,
    /// Its short name.
    pub name: String,
    /// What it is.
    pub kind: ProjectKind,
    /// The ecosystems whose manifests make it.
    pub ecosystems: Vec<String>,
    /// Names that manifests know it by.
    pub aliases: Vec<String>,
    /// Who owns it, from the configuration.
    pub owners: Vec<String>,
    /// Its tasks.
    pub tasks: Vec<TaskName>,
    /// Folders elsewhere that belong to it.
    pub joined: Vec<JoinedFolder>,
    /// The lines that make it a project.
    pub evidence: Vec<Evidence>,
}

/// A folder that belongs to a project that stands elsewhere, and the line that says so.
#[derive(Debug, Serialize, JsonSchema)]
pub struct JoinedFolder {
    /// The folder.
    pub folder: RepoPath,
    /// The line.
    pub evidence: Evidence,
}

impl GraphProject {
    /// Describes a project.
    pub fn new(workspace: &Workspace, project: &Project) -> Self {
        Self {
            id: project.id.clone(),
            name: project.name.clone(),
            kind: project.kind,
            ecosystems: project.ecosystems.iter().map(|name| (*name).to_owned()).collect(),
            aliases: project.aliases.clone(),
            owners: project.owners.clone(),
            tasks: workspace.tasks_of(&project.id).map(|task| task.id.name.clone()).collect(),
            joined: project
                .joined
                .iter()
                .map(|(folder, evidence)| JoinedFolder { folder: folder.clone(), evidence: evidence.clone() })
                .collect(),
            evidence: project.evidence.clone(),
        }
    }
}

/// What `inputs` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InputsReport {
    /// The version of this format.
    pub schema: u32,
    /// The tree that was read.
    pub tree: TreeName,
    /// The task.
    pub task: TaskId,
    /// The digest over all that can change its result.
    pub fingerprint: Fingerprint,
    /// The files that it reads, sorted by path.
    pub inputs: Vec<InputFile>,
    /// What it reads of files that it does not read as a whole.
    pub slices: Vec<InputSlice>,
    /// The results that it reads.
    pub reads: Vec<ReadResult>,
    /// What is run.
    pub commands: Vec<Command>,
    /// Names of the environment variables that it reads.
    pub environment: Vec<String>,
    /// The tools that run it.
    pub tools: Vec<String>,
    /// The rules that choose its files.
    pub rules: Vec<InputRule>,
}

/// One file that a task reads.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InputFile {
    /// The file.
    pub path: RepoPath,
    /// Git's mode, in octal digits.
    pub mode: String,
    /// The id of its content.
    pub content: String,
    /// The line that makes it an input.
    pub evidence: Evidence,
}

/// An entry of a file that a task reads, with all that it needs, and no other byte of the file.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InputSlice {
    /// The file.
    pub path: RepoPath,
    /// What the file calls the entry.
    pub entry: String,
    /// How many entries that are, with all that it needs.
    pub entries: usize,
    /// The line that makes it an input.
    pub evidence: Evidence,
}

impl InputSlice {
    /// The slices that a task reads.
    pub fn of(workspace: &Workspace, task: &Task) -> Vec<Self> {
        let slice = |slice: &Slice| Self {
            path: slice.file.clone(),
            entry: slice.fragment.to_string(),
            entries: workspace.fragments(&slice.file).map_or(0, |fragments| fragments.reached_from(&slice.fragment)),
            evidence: slice.evidence.clone(),
        };
        task.slices.iter().map(slice).collect()
    }
}

/// A result that a task reads.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReadResult {
    /// The task whose result it is.
    pub task: TaskId,
    /// The line that says so; none within a project.
    pub evidence: Option<Evidence>,
}

impl From<&Read> for ReadResult {
    fn from(read: &Read) -> Self {
        Self { task: read.task.clone(), evidence: read.evidence.clone() }
    }
}

/// A rule that chooses files.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InputRule {
    /// The file or folder it begins at.
    pub base: RepoPath,
    /// Whether only files that the project owns are meant.
    pub owned: bool,
    /// Ordered patterns, each list relative to the folder before the colon; `!` keeps out.
    pub patterns: Vec<String>,
    /// The line that it is known from.
    pub evidence: Evidence,
}

impl InputRule {
    /// The rules of a task.
    pub fn of(task: &Task) -> Vec<Self> {
        let rule = |input: &crate::discover::Input| Self {
            base: input.selection.base.clone(),
            owned: input.selection.reach == crate::selection::Reach::Owned,
            patterns: input.selection.filters.iter().map(ToString::to_string).collect(),
            evidence: input.evidence.clone(),
        };
        task.inputs.iter().map(rule).collect()
    }
}

/// What `check` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CheckReport {
    /// The version of this format.
    pub schema: u32,
    /// The tree that was read.
    pub tree: TreeName,
    /// How many projects each ecosystem makes.
    pub projects: BTreeMap<String, usize>,
    /// How many projects there are of each kind.
    pub kinds: BTreeMap<String, usize>,
    /// How many edges there are of each kind.
    pub edges: BTreeMap<String, usize>,
    /// How many tasks there are of each name.
    pub tasks: BTreeMap<String, usize>,
    /// Files that no project owns or reads and that are not inert: a change to one affects everything.
    pub unowned: Vec<RepoPath>,
    /// What cannot be known.
    pub widened: Vec<Doubt>,
    /// Findings.
    pub diagnostics: Vec<Diagnostic>,
}
