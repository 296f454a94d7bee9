//! Each command: one call on the planner, one report.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::CommandFactory;
use schemars::generate::SchemaSettings;

use super::arguments::{
    AffectedFormat, Audit, Command, Common, Format, GraphFormat, OneTree, Range, RecordedResult, SchemaOf,
};
use super::output::Output;
use super::range::head_choice;
use super::{Arguments, Exit, Surroundings};
use crate::ci::CiError;
use crate::config;
use crate::fingerprint::{Environment, resolve};
use crate::git::{GitEnvironment, GitError, HookError, Repository};
use crate::path::RepoPath;
use crate::planner::{Answer, Planner, PlannerError, View, unowned_files};
use crate::report::audit::FiltersReport;
use crate::report::cache::CacheReport;
use crate::report::history::HistoryReport;
use crate::report::json::{
    AffectedReport, CheckReport, GraphProject, GraphReport, InputFile, InputRule, InputSlice, InputsReport, PlanReport,
    ReadResult, SCHEMA,
};
use crate::report::run::RunReport;
use crate::report::{drawing, page, text};
use crate::run::Overlaps;
use crate::store::{Record, TaskResult};
use crate::workspace::{LookUpError, ProjectId, Task, TaskId, TaskName, Workspace};

/// The variable that, set to `off`, lets a run neither read nor write the memo.
const MEMO: &str = "KNOCKON_MEMO";

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Planner(#[from] PlannerError),
    #[error(transparent)]
    LookUp(#[from] LookUpError),
    #[error(transparent)]
    Hook(#[from] HookError),
    #[error(transparent)]
    Ci(#[from] CiError),
    #[error("{0}")]
    Usage(String),
    #[error("the output cannot be written: {0}")]
    Output(#[from] io::Error),
    #[error("{0}")]
    Demo(String),
}

impl From<GitError> for Failure {
    fn from(error: GitError) -> Self {
        Self::Planner(error.into())
    }
}

impl From<crate::tree::TreeError> for Failure {
    fn from(error: crate::tree::TreeError) -> Self {
        Self::Planner(error.into())
    }
}

impl Failure {
    fn exit(&self) -> Exit {
        match self {
            Failure::Planner(PlannerError::Git(
                GitError::RefusedRevision { .. } | GitError::AmbiguousRevision { .. },
            )) => Exit::Usage,
            Failure::Planner(PlannerError::Git(_) | PlannerError::Tree(_))
            | Failure::Hook(HookError::Git(_) | HookError::Unwritable { .. })
            | Failure::Output(_)
            | Failure::Demo(_) => Exit::Infrastructure,
            Failure::Planner(_) | Failure::LookUp(_) | Failure::Hook(_) | Failure::Ci(_) | Failure::Usage(_) => {
                Exit::Usage
            }
        }
    }
}

/// Runs a command and says how the process ends.
pub fn run(arguments: &Arguments, surroundings: &Surroundings) -> Exit {
    let output = Output::new(&arguments.common, surroundings);
    let session = Session { common: &arguments.common, surroundings, output: &output };
    match session.run(&arguments.command) {
        Ok(exit) => exit,
        Err(failure) => {
            if let Failure::Planner(PlannerError::Configuration(findings)) = &failure {
                output.findings(findings);
            }
            output.error(&failure.to_string());
            failure.exit()
        }
    }
}

pub(super) struct Session<'a> {
    pub(super) common: &'a Common,
    pub(super) surroundings: &'a Surroundings,
    pub(super) output: &'a Output,
}

impl Session<'_> {
    fn run(&self, command: &Command) -> Result<Exit, Failure> {
        match command {
            Command::Plan(asked) => self.plan(asked),
            Command::Run(asked) => self.run_tasks(asked),
            Command::Last { format } => self.last(*format),
            Command::Release { service, version, tree, format } => self.release(service, version, tree, *format),
            Command::Record { task, result, duration, attempts, fingerprint, ledger, tree } => {
                let record = Record {
                    task: String::new(),
                    fingerprint: fingerprint.clone().unwrap_or_default(),
                    result: match result {
                        RecordedResult::Passed => TaskResult::Passed,
                        RecordedResult::Failed => TaskResult::Failed,
                    },
                    duration: *duration,
                    attempts: *attempts,
                    at: Some(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()),
                    place: Some(self.place()),
                };
                self.record(task, tree, record, ledger)
            }
            Command::Affected { range, format } => self.affected(range, *format),
            Command::Explain { subject, fingerprint: Some(trees), .. } => self.explain_fingerprint(subject, trees),
            Command::Explain { subject, range, .. } => self.explain(subject, range),
            Command::Graph { around, tree, format } => self.graph(around.as_deref(), tree, *format),
            Command::Inputs { task, tree, format } => self.inputs(task, tree, *format),
            Command::Check { tree, format } => self.check(tree, *format),
            Command::History { count, verify, head, format } => self.history(*count, *verify, head, *format),
            Command::Hook { action } => self.hook(action),
            Command::Audit { what: Audit::Filters { tree, history, strict, write, check, format } } => {
                match (write, check) {
                    (true, _) => self.write_filters(*strict, *format),
                    (_, true) => self.check_filters(tree, *strict, *format),
                    _ => self.audit_filters(tree, *history, *strict, *format),
                }
            }
            Command::Cache { action, clear, format } => self.cache(*action, *clear, *format),
            Command::Ci(arguments) => self.ci(arguments),
            Command::Init => self.init(),
            Command::Schema { of } => self.schema(*of),
            Command::Demo { directory } => self.demo(directory.as_deref()),
            Command::Completions { shell } => self.completions(*shell),
            Command::Man => self.man(),
        }
    }

    pub(super) fn planner(&self, directory: &Path) -> Result<Planner, Failure> {
        let git = GitEnvironment::from_variables(self.surroundings.variables.iter().cloned());
        let repository = Repository::discover(directory, &git)?;
        let text = |value: &std::ffi::OsString| value.to_str().map(str::to_owned);
        let environment: Environment = self
            .surroundings
            .variables
            .iter()
            .filter_map(|(name, value)| Some((text(name)?, Some(value.to_string_lossy().into_owned()))))
            .collect();
        let planner = Planner::new(repository, environment);
        Ok(if self.surroundings.variable(MEMO) == Some("off") { planner } else { planner.with_memo() })
    }

    pub(super) fn answer(&self, range: &Range) -> Result<(&'static Planner, &'static Answer), Failure> {
        let (planner, choice) = self.asked(range)?;
        let planner = until_the_end(planner);
        let answer = until_the_end(planner.affected(&choice)?);
        self.output.findings(&answer.diagnostics);
        Ok((planner, answer))
    }

    fn affected(&self, range: &Range, format: AffectedFormat) -> Result<Exit, Failure> {
        if format == AffectedFormat::Names {
            return self.affected_names(range);
        }
        let (_, answer) = self.answer(range)?;
        let report = AffectedReport::new(&answer.decision, answer.head.workspace(), &answer.affected);
        match format {
            AffectedFormat::Json => {
                self.output.doubts(&answer.affected);
                self.output.json(&report)?;
            }
            _ => self.output.answer(&text::affected_text(&report, self.output.look))?,
        }
        Ok(doubtful(range, answer))
    }

    fn affected_names(&self, range: &Range) -> Result<Exit, Failure> {
        let (planner, choice) = self.asked(range)?;
        let planner = until_the_end(planner);
        let (answer, projects) = planner.affected_projects(&choice)?;
        let answer = until_the_end(answer);
        self.output.findings(&answer.diagnostics);
        self.output.doubts(&answer.affected);
        let lines: String = projects.iter().map(|project| word(project) + "\n").collect();
        self.output.answer(&lines)?;
        Ok(doubtful(range, answer))
    }

    fn explain(&self, subject: &str, range: &Range) -> Result<Exit, Failure> {
        let (_, answer) = self.answer(range)?;
        let (workspace, affected, look) = (answer.head.workspace(), &answer.affected, self.output.look);
        let explained = match find_subject(workspace, answer, subject)? {
            Subject::Task(task) => text::explain_task(workspace, affected, task, look),
            Subject::Project(project) => text::explain_project(workspace, affected, project, look),
            Subject::Path(path) => text::explain_path(workspace, affected, &answer.changes, &path, look),
        };
        self.output.answer(&explained)?;
        Ok(doubtful(range, answer))
    }

    pub(super) fn view(&self, tree: &OneTree) -> Result<(Planner, View, Vec<crate::diagnostic::Diagnostic>), Failure> {
        let planner = self.planner(&self.common.directory)?;
        let choice = head_choice(tree.head.as_deref(), tree.staged);
        let (view, diagnostics) = planner.view(&choice)?;
        Ok((planner, view, diagnostics))
    }

    fn graph(&self, around: Option<&str>, tree: &OneTree, format: GraphFormat) -> Result<Exit, Failure> {
        let (_, view, diagnostics) = self.view(tree)?;
        self.output.findings(&diagnostics);
        let workspace = view.workspace();
        let chosen =
            around.map(|wanted| Ok::<_, Failure>(workspace.around(&workspace.look_up(wanted)?.id))).transpose()?;
        let within = |id: &ProjectId| chosen.as_ref().is_none_or(|chosen| chosen.contains(id));
        let report = GraphReport {
            schema: SCHEMA,
            tree: view.name.clone(),
            projects: workspace.projects().filter(|p| within(&p.id)).map(|p| GraphProject::new(workspace, p)).collect(),
            edges: workspace.edges().iter().filter(|edge| within(&edge.from) && within(&edge.to)).cloned().collect(),
        };
        match format {
            GraphFormat::Text => self.output.answer(&text::graph_text(&report, self.output.look))?,
            GraphFormat::Json => self.output.json(&report)?,
            GraphFormat::Dot => self.output.answer(&drawing::dot(&report))?,
            GraphFormat::Html => self.output.answer(&page::html(&report))?,
            GraphFormat::Mermaid => self.output.answer(&drawing::mermaid(&report))?,
        }
        Ok(Exit::Done)
    }

    fn inputs(&self, wanted: &str, tree: &OneTree, format: Format) -> Result<Exit, Failure> {
        let (planner, view, diagnostics) = self.view(tree)?;
        self.output.findings(&diagnostics);
        let task = find_task(view.workspace(), wanted)?;
        let wanted: BTreeSet<_> = view.workspace().task_index(&task.id).into_iter().collect();
        let prints = planner.fingerprints(&view, &wanted)?;
        let Some(fingerprint) = prints.tasks.into_values().next() else {
            return Err(Failure::Usage(format!("{} has no fingerprint", task.id)));
        };
        let files = resolve(view.workspace(), &*view.tree, task)?;
        let report = InputsReport {
            schema: SCHEMA,
            tree: view.name.clone(),
            task: task.id.clone(),
            fingerprint,
            inputs: files
                .into_iter()
                .map(|(path, file)| InputFile {
                    mode: format!("{:o}", file.mode.bits()),
                    content: file.content.to_string(),
                    evidence: task.evidence_of(file.reason, &path),
                    path,
                })
                .collect(),
            slices: InputSlice::of(view.workspace(), task),
            reads: task.reads.iter().map(ReadResult::from).collect(),
            commands: task.commands.clone(),
            environment: task.environment.iter().cloned().collect(),
            tools: task.tools.clone(),
            rules: InputRule::of(task),
        };
        match format {
            Format::Text => self.output.answer(&text::inputs_text(&report, self.output.look))?,
            Format::Json => self.output.json(&report)?,
        }
        Ok(Exit::Done)
    }

    fn check(&self, tree: &OneTree, format: Format) -> Result<Exit, Failure> {
        let (_, view, mut diagnostics) = self.view(tree)?;
        let workspace = view.workspace();
        diagnostics.extend(workspace.diagnostics().iter().cloned());
        diagnostics.extend(Overlaps::of(workspace).findings(|_| true));
        let mut report = CheckReport {
            schema: SCHEMA,
            tree: view.name.clone(),
            projects: BTreeMap::new(),
            kinds: BTreeMap::new(),
            edges: BTreeMap::new(),
            tasks: BTreeMap::new(),
            unowned: unowned_files(&view)?,
            widened: workspace.doubts.clone(),
            diagnostics,
        };
        for project in workspace.projects() {
            *report.kinds.entry(project.kind.to_string()).or_default() += 1;
            for ecosystem in &project.ecosystems {
                *report.projects.entry((*ecosystem).to_owned()).or_default() += 1;
            }
        }
        for edge in workspace.edges() {
            *report.edges.entry(format!("{:?}", edge.kind).to_lowercase()).or_default() += 1;
        }
        for task in workspace.tasks() {
            *report.tasks.entry(task.id.name.0.clone()).or_default() += 1;
        }
        match format {
            Format::Text => {
                self.output.all_findings(&report.diagnostics);
                self.output.answer(&text::check_text(&report, self.output.look))?;
            }
            Format::Json => self.output.json(&report)?,
        }
        Ok(Exit::Done)
    }

    fn schema(&self, of: SchemaOf) -> Result<Exit, Failure> {
        let schema = match of {
            SchemaOf::Config => config::schema(),
            SchemaOf::Plan => written::<PlanReport>(),
            SchemaOf::Affected => written::<AffectedReport>(),
            SchemaOf::Graph => written::<GraphReport>(),
            SchemaOf::Inputs => written::<InputsReport>(),
            SchemaOf::Check => written::<CheckReport>(),
            SchemaOf::History => written::<HistoryReport>(),
            SchemaOf::Cache => written::<CacheReport>(),
            SchemaOf::Run => written::<RunReport<'_>>(),
            SchemaOf::AuditFilters => written::<FiltersReport>(),
        };
        self.output.json(&schema)?;
        Ok(Exit::Done)
    }

    fn completions(&self, shell: clap_complete::Shell) -> Result<Exit, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Arguments::command(), "knockon", &mut script);
        self.output.answer(&String::from_utf8_lossy(&script))?;
        Ok(Exit::Done)
    }

    fn man(&self) -> Result<Exit, Failure> {
        let mut page = Vec::new();
        clap_mangen::Man::new(Arguments::command()).render(&mut page)?;
        self.output.answer(&String::from_utf8_lossy(&page))?;
        Ok(Exit::Done)
    }
}

/// Keeps a value for as long as the process lives. A process that ends gives all its memory back at once; to take a large
/// answer to pieces first would only take time.
pub(super) fn until_the_end<T>(value: T) -> &'static mut T {
    Box::leak(Box::new(value))
}

/// The schema of what is written, in which an empty list may be left out.
fn written<T: schemars::JsonSchema>() -> schemars::Schema {
    SchemaSettings::default().for_serialize().into_generator().into_root_schema_for::<T>()
}

/// A project's folder as a word of a shell's loop: neither an option nor a command of a CI engine.
fn word(project: &ProjectId) -> String {
    let id = project.to_string();
    if id.starts_with('-') || id.starts_with("::") { format!("./{id}") } else { id }
}

pub(super) fn doubtful(range: &Range, answer: &Answer) -> Exit {
    if range.strict && !answer.affected.widened.is_empty() { Exit::Doubt } else { Exit::Done }
}

enum Subject<'a> {
    Task(&'a Task),
    Project(&'a crate::workspace::Project),
    Path(RepoPath),
}

/// What people mean by a word: a task if it has a colon and is one, a project by any name, else a path.
fn find_subject<'a>(workspace: &'a Workspace, answer: &Answer, subject: &str) -> Result<Subject<'a>, Failure> {
    if let Ok(task) = find_task(workspace, subject) {
        return Ok(Subject::Task(task));
    }
    let unknown = match workspace.look_up(subject) {
        Ok(project) => return Ok(Subject::Project(project)),
        Err(ambiguous @ LookUpError::Ambiguous { .. }) => return Err(ambiguous.into()),
        Err(unknown) => unknown,
    };
    let path =
        RepoPath::root().resolve(subject.as_bytes()).map_err(|error| Failure::Usage(format!("{subject}: {error}")))?;
    let changed = answer.changes.iter().any(|change| change.path.is_within(&path));
    if changed || crate::tree::node_at(&*answer.head.tree, &path)?.is_some() {
        return Ok(Subject::Path(path));
    }
    match subject.contains('/') {
        true => Err(Failure::Usage(format!(
            "there is no project, task or file `{subject}`, and none of the changes was below it"
        ))),
        false => Err(unknown.into()),
    }
}

pub(super) fn find_task<'a>(workspace: &'a Workspace, wanted: &str) -> Result<&'a Task, Failure> {
    let Some((project, name)) = wanted.rsplit_once(':') else {
        return Err(Failure::Usage(format!("`{wanted}` is no task; write `project:task`, such as `{wanted}:build`")));
    };
    let project = workspace.look_up(project)?;
    let id = TaskId { project: project.id.clone(), name: TaskName(name.to_owned()) };
    workspace.task(&id).ok_or_else(|| {
        let known: Vec<&str> = workspace.tasks_of(&project.id).map(|task| task.id.name.0.as_str()).collect();
        Failure::Usage(format!("{} has no task `{name}`; it has {}", project.name, known.join(", ")))
    })
}
