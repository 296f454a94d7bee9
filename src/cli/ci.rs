//! `knockon ci`: the plan in the form that a CI engine runs.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use super::Exit;
use super::arguments::{CiArguments, CiFormat};
use super::commands::{Failure, Session, doubtful};
use super::plan::WantedPlan;
use crate::ci::{
    Durations, Emission, Engine, Feedback, Form, JobGraph, JobTerms, Options, Setup, Shard, SummaryFile, USUAL_LAYERS,
    engine,
};
use crate::diagnostic::Diagnostic;
use crate::planner::{Answer, PlannerError};
use crate::report::json::PlanReport;
use crate::report::markdown::plan_summary;
use crate::report::text::doubt_text;

/// The file that GitHub reads a step's outputs from.
const GITHUB_OUTPUT: &str = "GITHUB_OUTPUT";

impl Session<'_> {
    /// Writes a plan for an engine.
    pub(super) fn ci(&self, arguments: &CiArguments) -> Result<Exit, Failure> {
        let Some(engine) = engine(&arguments.engine) else {
            return Err(Failure::Usage(format!("`{}` is no engine that knockon knows", arguments.engine)));
        };
        let form = arguments.format.map(|format| match format {
            CiFormat::Matrix => Form::Matrix,
            CiFormat::Workflow => Form::Workflow,
        });
        if form.is_some_and(|form| !engine.forms.contains(&form)) {
            let message =
                format!("there is one form of a plan for {}, and --format chooses among several", engine.title);
            return Err(Failure::Usage(message));
        }
        if arguments.init {
            return self.ci_entry(engine, arguments);
        }
        let planned = self.ci_plan(engine, form, arguments);
        match &planned {
            Ok(_) => {}
            Err(Failure::Planner(PlannerError::Configuration(findings))) => self.annotate(engine, findings),
            Err(failure) => self.annotate(engine, &[Diagnostic::error("error", failure.to_string())]),
        }
        planned
    }

    fn ci_plan(&self, engine: Engine, form: Option<Form>, arguments: &CiArguments) -> Result<Exit, Failure> {
        let WantedPlan { planner, answer, pipeline: choice, ledger } = self.wanted(&arguments.wanted)?;
        self.output.findings(&answer.diagnostics);
        self.annotate(engine, &findings_of_change(answer));
        let plan = planner.plan(answer, &choice)?;
        let pipeline = choice.pipeline.as_deref();
        let durations = match &arguments.durations {
            Some(file) => durations(file)?,
            None => ledger.durations,
        };
        let terms = JobTerms { configuration: answer.head.configuration(), pipeline, durations: &durations };
        let mut graph = JobGraph::new(answer.head.workspace(), &plan, &terms)?;
        if let Some(shard) = arguments.shard {
            graph = graph.shard(shard);
        }
        let options = Options {
            form,
            image: arguments.image.clone(),
            repository: arguments.repository.clone(),
            revision: answer.decision.head.commit.clone(),
            layers: arguments.layers.map(usize::from),
        };
        let emission = (engine.emit)(&graph, &options)?;
        self.output.doubts(&answer.affected);
        match emission {
            Emission::Document(text) => self.output.answer(&text)?,
            Emission::Outputs(text) => {
                if let Some(file) = self.surroundings.variable(GITHUB_OUTPUT) {
                    OpenOptions::new().append(true).create(true).open(file)?.write_all(text.as_bytes())?;
                }
                self.output.answer(&text)?;
            }
            Emission::LoggingCommands(text) => self.output.commands(&text)?,
            Emission::Parts(parts) => self.parts(arguments, &parts)?,
        }
        if let Some(file) = engine.feedback.and_then(|feedback| feedback.summary) {
            let report =
                || PlanReport::new(&answer.decision, answer.head.workspace(), &answer.affected, &choice, &plan);
            self.summarise(file, arguments.shard, report);
        }
        Ok(doubtful(&arguments.wanted.range, answer))
    }

    /// Shows findings beside their lines, where this is a run of the engine.
    fn annotate(&self, engine: Engine, findings: &[Diagnostic]) {
        let is_here = |feedback: &Feedback| {
            self.surroundings.variable(feedback.variable).is_some_and(|value| value.eq_ignore_ascii_case("true"))
        };
        if let Some(feedback) = engine.feedback.filter(is_here) {
            self.output.annotations(&feedback.commands(findings));
        }
    }

    /// Appends the plan to the file whose Markdown the engine shows, if it names one. A page that is not there changes no
    /// plan.
    fn summarise(&self, summary: SummaryFile, shard: Option<Shard>, report: impl FnOnce() -> PlanReport) {
        let Some(path) = self.surroundings.variable(summary.variable) else { return };
        let append = || {
            let mut file = OpenOptions::new().append(true).create(true).open(path)?;
            let there = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
            let part = shard.map(|Shard { number, of }| format!("\nThis step runs part {number} of {of}.\n"));
            let part = part.unwrap_or_default();
            let room = summary.most.saturating_sub(there).saturating_sub(part.len());
            match plan_summary(&report(), room) {
                text if text.is_empty() => Err(std::io::Error::other("it has no room left")),
                text => file.write_all((text + &part).as_bytes()),
            }
        };
        if let Err(error) = append() {
            self.output.warning(&format!("there is no summary in {}: {error}", summary.variable));
        }
    }

    /// Writes the file that an engine begins with, at the top of the work tree.
    fn ci_entry(&self, engine: Engine, arguments: &CiArguments) -> Result<Exit, Failure> {
        let Some(entry) = engine.entry else {
            let message = format!("{} has no file that it begins with; create what `ci` prints", engine.title);
            return Err(Failure::Usage(message));
        };
        let setup = Setup {
            layers: arguments.layers.map_or(USUAL_LAYERS, usize::from),
            binary: arguments.binary.clone(),
            image: arguments.image.clone(),
        };
        let text = (entry.text)(&setup)?;
        let planner = self.planner(&self.common.directory)?;
        let Some(top) = planner.work_tree() else {
            return Err(Failure::Usage(format!("the repository is bare, and has no place for {}", entry.path)));
        };
        let path = top.join(entry.path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new();
        let file = file.write(true).truncate(arguments.force).create(true).create_new(!arguments.force).open(&path);
        let mut file = file.map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                Failure::Usage(format!("{} is there already; --force overwrites it", path.display()))
            }
            _ => error.into(),
        })?;
        file.write_all(text.as_bytes())?;
        self.output.answer(&format!("wrote {}\n", path.display()))?;
        Ok(Exit::Done)
    }

    /// Writes documents that are handed over one after the other: into a folder, unless there is one only.
    fn parts(&self, arguments: &CiArguments, parts: &[String]) -> Result<(), Failure> {
        let Some(folder) = &arguments.parts else {
            let [part] = parts else {
                let message = format!(
                    "the plan takes {} uploads; have them written with --parts FOLDER, and upload each file in order",
                    parts.len()
                );
                return Err(Failure::Usage(message));
            };
            return Ok(self.output.answer(part)?);
        };
        std::fs::create_dir_all(folder)?;
        for (number, part) in parts.iter().enumerate() {
            let file = folder.join(format!("{:03}.yml", number + 1));
            std::fs::write(&file, part)?;
            self.output.answer(&format!("{}\n", file.display()))?;
        }
        Ok(())
    }
}

/// What is worth showing beside lines: findings about the repository as a whole, those in files that the change touches,
/// and what could not be known.
fn findings_of_change(answer: &Answer) -> Vec<Diagnostic> {
    let is_touched = |finding: &&Diagnostic| {
        let file = finding.place.as_ref().map(|place| &place.file);
        file.is_some_and(|file| answer.changes.binary_search_by(|change| change.path.cmp(file)).is_ok())
    };
    let of_manifests = answer.head.workspace().diagnostics().iter().filter(is_touched);
    let doubts = answer.affected.widened.iter().map(|doubt| Diagnostic::warning("widened", doubt_text(doubt)));
    answer.diagnostics.iter().chain(of_manifests).cloned().chain(doubts).collect()
}

/// How long tasks take, from a file.
fn durations(file: &Path) -> Result<Durations, Failure> {
    let bytes = std::fs::read(file)?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Failure::Usage(format!("{} is no JSON object of tasks and seconds: {error}", file.display())))
}
