//! CI engines: what they say of a run ([`provider`]), what their files say ([`filters`]), and plans in the form that each
//! runs. Pure: values in, text out.
//!
//! [`JobGraph`] is what a plan is to every engine. An engine is a file of its own, which turns a job graph into what the
//! engine reads, and one line in [`ENGINES`].

mod argo;
mod azure;
mod buildkite;
mod circleci;
mod document;
mod entry;
mod feedback;
pub mod filters;
mod github;
mod gitlab;
mod jenkins;
mod jobs;
mod layers;
mod log_group;
mod names;
pub mod provider;
mod shard;
pub mod shell;
mod sources;
mod tekton;

pub use entry::{Entry, Setup};
pub use feedback::{Feedback, SummaryFile};
pub use jobs::{Durations, Job, JobEnvironment, JobGraph, JobTerms};
pub use log_group::LogReader;
pub use shard::Shard;

use self::document::Node;
use self::names::Grammar;

/// An engine that plans can be written for.
#[derive(Debug, Clone, Copy)]
pub struct Engine {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it is called elsewhere.
    pub title: &'static str,
    /// Writes the jobs of a plan for it.
    pub emit: fn(&JobGraph, &Options) -> Result<Emission, CiError>,
    /// The forms of a plan to choose from; none where there is only one.
    pub forms: &'static [Form],
    /// The file that calls knockon for each plan, where one is enough.
    pub entry: Option<Entry>,
    /// Where it shows what a step has to say, if it shows more than a log.
    pub feedback: Option<Feedback>,
}

/// Every engine, by name.
pub const ENGINES: [Engine; 8] = [
    github::ENGINE,
    gitlab::ENGINE,
    azure::ENGINE,
    buildkite::ENGINE,
    circleci::ENGINE,
    jenkins::ENGINE,
    argo::ENGINE,
    tekton::ENGINE,
];

/// Layers of a workflow that `--init` writes.
pub const USUAL_LAYERS: usize = 10;

/// The engine of a name.
pub fn engine(name: &str) -> Option<Engine> {
    ENGINES.into_iter().find(|engine| engine.name == name)
}

/// What was asked for besides the plan.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The form, where an engine has several.
    pub form: Option<Form>,
    /// The image that jobs run in.
    pub image: Option<String>,
    /// Where jobs get the sources from, where the engine does not see to it.
    pub repository: Option<String>,
    /// The commit whose sources jobs get.
    pub revision: Option<String>,
    /// How many layers the workflow has that a matrix is for.
    pub layers: Option<usize>,
}

/// A form of a plan, where an engine has several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Values for a workflow that is there already, a matrix for each layer.
    Matrix,
    /// A whole workflow with a job for each task.
    Workflow,
}

/// What an engine reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Emission {
    /// One document.
    Document(String),
    /// Lines `name=value` for later jobs.
    Outputs(String),
    /// Lines by which a step sets variables for later jobs, for the log.
    LoggingCommands(String),
    /// Documents that are handed over one after the other.
    Parts(Vec<String>),
}

/// Why there is nothing for an engine to read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CiError {
    /// A limit of the engine.
    #[error("{engine} takes at most {most} {what}, and this plan has at least {found}; {mend}")]
    Limit {
        /// The engine.
        engine: &'static str,
        /// What is counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        most: usize,
        /// What to do.
        mend: &'static str,
    },
    /// A part of the plan that the engine has no form for.
    #[error("{engine} has no {what}, which {task} asks for; {mend}")]
    Unsupported {
        /// The engine.
        engine: &'static str,
        /// What it does not have.
        what: &'static str,
        /// The task that asks for it.
        task: String,
        /// What to do.
        mend: &'static str,
    },
    /// An option that the engine cannot do without.
    #[error("{engine} needs {option}: {why}")]
    Missing {
        /// The engine.
        engine: &'static str,
        /// The option.
        option: &'static str,
        /// What it is needed for.
        why: &'static str,
    },
    /// A task that may not run where it says that it does.
    #[error("{task} runs in {environment}, which this plan may not reach; name a pipeline that may with --pipeline")]
    Forbidden {
        /// The task.
        task: String,
        /// The environment.
        environment: String,
    },
    /// Tasks that need each other, and cannot be run together.
    #[error("{task} and others need each other, but do not run in the same environment")]
    SplitCircle {
        /// One of them.
        task: String,
    },
    /// More retries than can be meant.
    #[error("{task} is to be tried again {retries} times, and the most is {most}")]
    TooManyRetries {
        /// The task.
        task: String,
        /// What it asks for.
        retries: u32,
        /// What it may ask for.
        most: u32,
    },
    /// The commands of one job are longer than a variable can be.
    #[error(
        "the commands of {task} take {found} bytes, and one variable of a process has room for {most}; put them into a script"
    )]
    LongCommands {
        /// The task.
        task: String,
        /// What they take.
        found: usize,
        /// What there is.
        most: usize,
    },
    /// A path to the binary that cannot stand in a script as it is.
    #[error("`{binary}` is no plain path to knockon: letters, digits and `_./+-` are")]
    BadBinary {
        /// What was given.
        binary: String,
    },
    /// No document could be written.
    #[error("the document cannot be written: {0}")]
    Unwritable(String),
}

/// What helps against most limits.
const SHARD: &str = "part it with --shard i/n, or choose fewer tasks with --pipeline";

/// Fails where something is over a limit.
fn within(
    engine: &'static str,
    what: &'static str,
    found: usize,
    most: usize,
    mend: &'static str,
) -> Result<(), CiError> {
    if found > most { Err(CiError::Limit { engine, what, found, most, mend }) } else { Ok(()) }
}

/// Fails early where a document would be far too large, each job taking at least so many bytes.
fn has_room(engine: &'static str, graph: &JobGraph, bytes: usize, most: usize) -> Result<(), CiError> {
    within(engine, "bytes", graph.jobs.len().saturating_mul(bytes), most, SHARD)
}

/// What the commands of a job are for [`shell::SCRIPT`].
fn commands(job: &Job) -> Result<String, CiError> {
    let words = shell::words([vec![(job.retries, &job.commands[..])]]);
    if words.len() > shell::LONGEST {
        return Err(CiError::LongCommands { task: job.title(), found: words.len(), most: shell::LONGEST });
    }
    Ok(words)
}

/// What a job is told by variables.
fn variables(job: &Job) -> Result<Vec<(String, Node)>, CiError> {
    let mut variables = vec![("KNOCKON_TASK".to_owned(), job.title().into())];
    if let Some(environment) = &job.environment {
        variables.push(("KNOCKON_ENVIRONMENT".to_owned(), environment.inert_name().into()));
    }
    variables.push((shell::VARIABLE.to_owned(), commands(job)?.into()));
    Ok(variables)
}

/// Whole minutes in which a duration fits.
fn minutes(duration: std::time::Duration) -> u64 {
    duration.as_secs().div_ceil(60).max(1)
}
