//! `knockon ci`: the plan in the form that a CI engine runs.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use super::Exit;
use super::arguments::{CiArguments, CiFormat};
use super::commands::{Failure, Session, doubtful};
use crate::ci::{Durations, Emission, Engine, Form, JobGraph, JobTerms, Options, Setup, USUAL_LAYERS, engine};

/// The file that GitHub reads a step's outputs from.
const GITHUB_OUTPUT: &str = "GITHUB_OUTPUT";

impl Session<'_> {
    /// Writes a plan for an engine.
    pub(super) fn ci(&self, arguments: &CiArguments) -> Result<Exit, Failure> {
        let Some(engine) = engine(&arguments.engine) else {
            return Err(Failure::Usage(format!("`{}` is no engine that knockon knows", arguments.engine)));
        };
        if arguments.init {
            return self.ci_entry(engine, arguments);
        }
        let (planner, answer, pipeline) = self.wanted(&arguments.wanted)?;
        self.output.findings(&answer.diagnostics);
        let plan = planner.plan(answer, &pipeline)?;
        let pipeline = pipeline.pipeline.as_deref();
        let durations = arguments.durations.as_deref().map(durations).transpose()?.unwrap_or_default();
        let terms = JobTerms { configuration: answer.head.configuration(), pipeline, durations: &durations };
        let mut graph = JobGraph::new(answer.head.workspace(), &plan, &terms)?;
        if let Some(shard) = arguments.shard {
            graph = graph.shard(shard);
        }
        let options = Options {
            form: arguments.format.map(|format| match format {
                CiFormat::Matrix => Form::Matrix,
                CiFormat::Workflow => Form::Workflow,
            }),
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
        Ok(doubtful(&arguments.wanted.range, answer))
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

/// How long tasks take, from a file.
fn durations(file: &Path) -> Result<Durations, Failure> {
    let bytes = std::fs::read(file)?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Failure::Usage(format!("{} is no JSON object of tasks and seconds: {error}", file.display())))
}
