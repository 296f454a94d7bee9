//! `knockon ci`: the plan in the form that a CI engine runs.

use std::fs::OpenOptions;
use std::io::Write as _;

use super::Exit;
use super::arguments::{CiArguments, CiFormat};
use super::commands::{Failure, Session, doubtful};
use crate::ci::{Durations, Emission, Form, JobGraph, JobTerms, Options, engine};

/// The file that GitHub reads a step's outputs from.
const GITHUB_OUTPUT: &str = "GITHUB_OUTPUT";

impl Session<'_> {
    /// Writes a plan for an engine.
    pub(super) fn ci(&self, arguments: &CiArguments) -> Result<Exit, Failure> {
        let Some(engine) = engine(&arguments.engine) else {
            return Err(Failure::Usage(format!("`{}` is no engine that knockon knows", arguments.engine)));
        };
        let (planner, answer, pipeline) = self.answer_for(&arguments.asked)?;
        let plan = planner.plan(answer, &pipeline)?;
        let terms = JobTerms {
            configuration: answer.head.configuration(),
            pipeline: pipeline.pipeline.as_deref(),
            durations: &Durations::new(),
        };
        let graph = JobGraph::new(answer.head.workspace(), &plan, &terms)?;
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
        Ok(doubtful(&arguments.asked.range, answer))
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
