//! The commands and their flags.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::ci::{ENGINES, Shard};
use crate::config::EventKind;

const EXIT_CODES: &str = "Exit codes: 0 done (an empty plan too), 1 a task failed, or audit filters --check would change \
a list, 2 usage or configuration, 3 git or input/output, 4 something could not be known and --strict was given, \
128 and its number for a signal.";

/// What does this change knock on to?
///
/// knockon reads git and the manifests that are there, and says which projects and tasks of a monorepo a change
/// affects, each with the line of a file that proves it. It needs no configuration. Planning runs nothing of the
/// repository and opens no socket but by --deepen; `run` runs what is planned.
#[derive(Debug, Parser)]
#[command(name = "knockon", version, max_term_width = 110, after_help = EXIT_CODES)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What every command understands.
    #[command(flatten)]
    pub common: Common,
}

/// What every command understands.
#[derive(Debug, Args)]
pub struct Common {
    /// The folder to begin in, as if knockon had been started there.
    #[arg(short = 'C', long = "directory", global = true, value_name = "DIR", default_value = ".")]
    pub directory: PathBuf,
    /// Whether colours are used.
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto)]
    pub color: Colour,
    /// Tell everything, not just what fits a screen.
    #[arg(long, global = true)]
    pub all: bool,
}

/// Whether colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The tasks that a change calls for, in the order they can run in
    Plan(PlanArguments),
    /// Run the tasks that a change calls for, in parallel; what passed before as it is now is taken from the cache
    ///
    /// What `plan` prints with the same arguments is what is run. Tasks run on what is on disk, with no other environment
    /// variables than those that say where tools are and those that they declare.
    #[command(mut_arg("head", |argument| argument.hide(true)))]
    Run(RunArguments),
    /// What the last run did
    Last {
        /// Text for people, JSON for programs
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// The tasks that release one service, whatever changed, and what they need
    Release {
        /// The service by folder, name or alias
        #[arg(value_name = "SERVICE")]
        service: String,
        /// The version to release it as, such as `1.2.0`
        #[arg(value_name = "VERSION")]
        version: String,
        #[command(flatten)]
        tree: OneTree,
        /// Text for people, JSON for programs
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Record how a task ended, for `plan --ledger`
    Record {
        /// The task, such as `delivery:test`
        #[arg(value_name = "TASK")]
        task: String,
        /// How it ended
        #[arg(long, value_enum)]
        result: RecordedResult,
        /// How many seconds it took
        #[arg(long, value_name = "SECONDS", value_parser = seconds)]
        duration: Option<f64>,
        /// How often it was tried
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        attempts: Option<u32>,
        /// The fingerprint that it ran with, as the plan has it. That of the tree that is read, if none is given
        #[arg(long, value_name = "FINGERPRINT", conflicts_with_all = ["head", "staged"])]
        fingerprint: Option<String>,
        /// The file that the record is appended to
        #[arg(long, value_name = "FILE")]
        ledger: PathBuf,
        #[command(flatten)]
        tree: OneTree,
    },
    /// The projects that a change affects
    Affected {
        #[command(flatten)]
        range: Range,
        /// One name a line for shell loops, text for people, JSON for programs
        #[arg(long, value_enum, default_value_t = AffectedFormat::Names)]
        format: AffectedFormat,
    },
    /// Why a project, task or path is in the plan, or why it is not
    Explain {
        /// A project by folder, name or alias; a task (`delivery:test`); or a path
        #[arg(value_name = "PROJECT|TASK|PATH")]
        subject: String,
        /// Of a task: which of its inputs make its fingerprints differ in two trees. `A..` means A and what is on disk
        #[arg(long, value_name = "A..B", conflicts_with_all = ["base", "base_file", "head", "staged", "worktree"])]
        fingerprint: Option<String>,
        #[command(flatten)]
        range: Range,
    },
    /// Projects and who depends on whom, each edge with its evidence
    Graph {
        /// Only this project, what it depends on, and who depends on it
        #[arg(value_name = "PROJECT")]
        around: Option<String>,
        #[command(flatten)]
        tree: OneTree,
        /// How the graph is printed
        #[arg(long, value_enum, default_value_t = GraphFormat::Text)]
        format: GraphFormat,
    },
    /// The files and results that a task reads, where that is known from, and its fingerprint
    Inputs {
        /// The task, such as `delivery:test`
        #[arg(value_name = "TASK")]
        task: String,
        #[command(flatten)]
        tree: OneTree,
        /// Text for people, JSON for programs
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// What was understood of the repository, and what was not
    Check {
        #[command(flatten)]
        tree: OneTree,
        /// Text for people, JSON for programs
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// The plan in the form that a CI engine runs
    Ci(CiArguments),
    /// What would have been planned for each of the last commits, and what a path filter would have missed
    ///
    /// Each commit is compared with its first parent. With --verify the process ends with 4 if an answer differs from
    /// its definition.
    History {
        /// How many commits
        #[arg(value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
        count: u32,
        /// Fingerprint every task in both trees, too, and tell where the answer differs
        #[arg(long)]
        verify: bool,
        /// Begin at this revision
        #[arg(long, value_name = "REV", default_value = "HEAD", allow_hyphen_values = true)]
        head: String,
        /// Text for people, JSON for programs
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// A hook of `git commit` that prints the plan of what is about to be committed
    Hook {
        /// What becomes of it
        #[command(subcommand)]
        action: HookAction,
    },
    /// What the repository's own CI does, held against what knockon infers
    Audit {
        #[command(subcommand)]
        what: Audit,
    },
    /// What is kept between runs beside the git directory; it makes answers faster and changes none
    ///
    /// It holds what was worked out of the repository, and results of tasks. With KNOCKON_MEMO=off in the environment a
    /// process neither reads nor writes the former; with `run --no-cache` it is so with the latter.
    #[command(args_conflicts_with_subcommands = true)]
    Cache {
        #[command(subcommand)]
        action: Option<CacheAction>,
        /// Remove it
        #[arg(long)]
        clear: bool,
        /// Text for people, JSON for programs
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Write a knockon.toml that says what is true already, to begin from
    Init,
    /// The JSON Schema of knockon.toml or of an output
    Schema {
        /// Which one
        #[arg(value_enum)]
        of: SchemaOf,
    },
    /// Make a small repository with a few commits, and plan the last of them
    Demo {
        /// Where to make it: a folder that is empty or not there yet. A temporary one, if none is given
        #[arg(value_name = "DIR")]
        directory: Option<PathBuf>,
    },
    /// Completions for a shell
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// The manual page
    Man,
}

/// What is planned.
#[derive(Debug, Clone, Args)]
pub struct PlanArguments {
    #[command(flatten)]
    pub wanted: Wanted,
    /// Tell step by step how the base was chosen
    #[arg(long)]
    pub why_base: bool,
    /// Text for people, JSON for programs
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// What is run, and how.
#[derive(Debug, Clone, Args)]
pub struct RunArguments {
    /// A name (`build`): the affected tasks of that name, with --all those of every project. A task (`delivery:test`):
    /// that one, affected or not
    #[arg(value_name = "TASK")]
    pub tasks: Vec<String>,
    #[command(flatten)]
    pub wanted: Wanted,
    /// How many tasks run at once; as many as there are cores, if nothing is said
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// After a failure, go on with everything that does not need what failed
    #[arg(long, conflicts_with = "fail_fast")]
    pub keep_going: bool,
    /// After a failure, stop what runs, too
    #[arg(long)]
    pub fail_fast: bool,
    /// Run what the cache has results of, too
    #[arg(long)]
    pub force: bool,
    /// Neither take results from the cache nor keep any
    #[arg(long)]
    pub no_cache: bool,
    /// Look for results on this server, too; `off` asks none. If nothing is said, KNOCKON_REMOTE and the configuration do
    #[arg(long, value_name = "URL")]
    pub remote: Option<String>,
    /// Send results to this namespace of the server: `trusted` for protected branches, `pr-12` for one request to merge,
    /// `local` for workstations. Without it, and without KNOCKON_REMOTE_WRITE, none are sent
    #[arg(long, value_name = "NAMESPACE")]
    pub remote_write: Option<String>,
    /// Run tasks on this cluster, by the Remote Execution API. What it cannot do is run here
    #[cfg(feature = "remote")]
    #[arg(long, value_name = "URL")]
    pub remote_execute: Option<String>,
    /// Print the plan, and run nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Whose output is shown; on a CI engine that folds logs everybody's, else that of what failed
    #[arg(long, value_enum, value_name = "WHOSE")]
    pub output: Option<ShownOutput>,
    /// Write what the run did to a file, as JSON
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Write a JUnit file: a case for each task, and what the tests themselves wrote as JUnit or TRX
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Write a trace for Perfetto or Chrome
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
}

/// Whose output a run shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ShownOutput {
    /// That of tasks that failed, when they are over
    Failed,
    /// That of all tasks, when they are over
    All,
    /// That of all tasks, line by line as it comes
    Stream,
}

/// Which plan is asked for.
#[derive(Debug, Clone, Args)]
pub struct Wanted {
    #[command(flatten)]
    pub range: Range,
    /// Only the tasks of this pipeline (`validation`, `pull-request`, `release`, or one of knockon.toml)
    #[arg(long, value_name = "NAME")]
    pub pipeline: Option<String>,
    /// Only the tasks of the pipeline that this branch or tag selects; in CI the run's own branch or tag does
    #[arg(long = "ref", value_name = "REF", conflicts_with = "pipeline", allow_hyphen_values = true)]
    pub reference: Option<String>,
    /// The event that selects it together with the ref; `tag` for a tag and else `push`, if none is given
    #[arg(long, value_name = "EVENT", requires = "reference", value_parser = event_kind)]
    pub event: Option<EventKind>,
    /// Plan whatever never passed as it is now by this file, too; `knockon record` writes it
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
}

/// What becomes of the results of tasks.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum CacheAction {
    /// Read all results, and remove what is damaged
    Verify,
    /// Remove the results that were not used for the longest time
    Prune {
        /// How many bytes to keep, such as 500MB or 10GB
        #[arg(long, value_name = "SIZE", default_value = "10GB", value_parser = size)]
        keep: u64,
    },
    /// Print the `public-key` of the signing key in KNOCKON_REMOTE_SIGNING_KEY, for `[remote]` in knockon.toml
    #[cfg(feature = "remote")]
    Key,
}

/// What becomes of the hook.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum HookAction {
    /// Write it, for this repository and all its worktrees. Only an error holds a commit up; git's --no-verify passes it by
    Install {
        /// Replace a hook that knockon did not write, and keep it as pre-commit.before-knockon
        #[arg(long)]
        force: bool,
    },
    /// Remove it, and put a hook back that it replaced; one that knockon did not write stays
    Uninstall,
}

/// What is audited.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Which inputs the path filters of pipelines miss, and which of their patterns match nothing
    ///
    /// With --strict the process ends with 4 if a filter misses an input, with --check with 1 if --write would change one.
    Filters {
        #[command(flatten)]
        tree: OneTree,
        /// Count the builds that the filters would have missed in the last N commits
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        history: Option<u32>,
        /// End with exit code 4 where a filter misses an input
        #[arg(long)]
        strict: bool,
        /// Write what is missed to the lists of the filters, in the work tree
        #[arg(long, conflicts_with_all = ["head", "staged", "history"])]
        write: bool,
        /// Print what --write would change, and end with exit code 1 if that is anything
        #[arg(long, conflicts_with_all = ["write", "history"])]
        check: bool,
        /// Text for people, JSON for programs
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
}

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RecordedResult {
    /// Well
    Passed,
    /// Not well
    Failed,
}

fn seconds(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| "write seconds, such as `12` or `0.5`".to_owned())
}

fn size(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, u64); 5] =
        [("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000), ("", 1)];
    let read = |(unit, bytes): &(&str, u64)| text.strip_suffix(unit)?.parse::<u64>().ok()?.checked_mul(*bytes);
    UNITS.iter().find_map(read).ok_or_else(|| "write a size, such as `500MB` or `10GB`".to_owned())
}

fn event_kind(word: &str) -> Result<EventKind, String> {
    let known = EventKind::WORDS.iter().find(|(known, _)| *known == word).map(|(_, event)| *event);
    known.ok_or_else(|| format!("there are {}", EventKind::WORDS.map(|(word, _)| word).join(", ")))
}

/// What means nothing to `ci --init`, which plans nothing.
const OPTIONS_OF_A_PLAN: [&str; 17] = [
    "base",
    "base_file",
    "head",
    "staged",
    "worktree",
    "unowned",
    "deepen",
    "strict",
    "pipeline",
    "reference",
    "event",
    "ledger",
    "format",
    "repository",
    "shard",
    "durations",
    "parts",
];

/// What `ci` understands.
#[derive(Debug, Args)]
pub struct CiArguments {
    /// The engine
    #[arg(value_name = "ENGINE", value_parser = PossibleValuesParser::new(ENGINES.map(|engine| engine.name)))]
    pub engine: String,
    #[command(flatten)]
    pub wanted: Wanted,
    /// A matrix for each layer of a workflow that is there already, or a whole workflow: GitHub and Azure take either
    #[arg(long, value_enum)]
    pub format: Option<CiFormat>,
    /// The image that jobs run in; engines that run everything in containers need it
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,
    /// Where Argo's and Tekton's jobs get the sources from
    #[arg(long, value_name = "URL")]
    pub repository: Option<String>,
    /// How many layers the workflow has that matrices are for; what lies deeper is run in order by the last
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100))]
    pub layers: Option<u16>,
    /// Only this part of so many, such as 1/4; every task is in one of them
    #[arg(long, value_name = "PART/PARTS")]
    pub shard: Option<Shard>,
    /// How long tasks take, for parts that take equally long: a JSON object of tasks and seconds; without it a ledger's
    /// records say it
    #[arg(long, value_name = "FILE")]
    pub durations: Option<PathBuf>,
    /// Write the file that calls knockon for each plan, and plan nothing
    #[arg(long, conflicts_with_all = OPTIONS_OF_A_PLAN)]
    pub init: bool,
    /// Overwrite that file
    #[arg(long, requires = "init")]
    pub force: bool,
    /// Where that file finds knockon; without this it has cargo install it
    #[arg(long, value_name = "PATH", requires = "init")]
    pub binary: Option<String>,
    /// Write Buildkite's uploads into this folder, one file for each; stdout names them in order
    #[arg(long, value_name = "FOLDER")]
    pub parts: Option<PathBuf>,
}

/// The form of a plan, where an engine has several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CiFormat {
    /// A matrix for each layer
    Matrix,
    /// A whole workflow
    Workflow,
}

/// Which two trees are compared.
#[derive(Debug, Clone, Args)]
pub struct Range {
    /// Compare with this revision; where it has left the head's history, with their merge base.
    /// If none is given: in CI what the engine's variables say and the repository bears out, else the merge base with the
    /// default branch
    #[arg(long, value_name = "REV", allow_hyphen_values = true)]
    pub base: Option<String>,
    /// Compare with the commit whose id is the first line of this file, where a base is kept elsewhere
    #[arg(long, value_name = "FILE", conflicts_with = "base")]
    pub base_file: Option<PathBuf>,
    /// Plan this revision, not the work tree
    #[arg(long, value_name = "REV", conflicts_with_all = ["staged", "worktree"], allow_hyphen_values = true)]
    pub head: Option<String>,
    /// Plan what is staged, compared with the last commit if no base is given
    #[arg(long, conflicts_with = "worktree")]
    pub staged: bool,
    /// Plan what is on disk, untracked files too; this is the default
    #[arg(long)]
    pub worktree: bool,
    /// What a changed file means that no project owns or reads
    #[arg(long, value_enum, value_name = "POLICY")]
    pub unowned: Option<Unowned>,
    /// Fetch what a shallow clone lacks for its base, and nothing else; planning opens no connection otherwise
    #[arg(long)]
    pub deepen: bool,
    /// End with exit code 4 where something cannot be known
    #[arg(long)]
    pub strict: bool,
}

/// Which tree is read.
#[derive(Debug, Clone, Args)]
pub struct OneTree {
    /// Read this revision, not the work tree
    #[arg(long, value_name = "REV", conflicts_with = "staged", allow_hyphen_values = true)]
    pub head: Option<String>,
    /// Read what is staged
    #[arg(long)]
    pub staged: bool,
}

/// What a changed file means that no project owns or reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Unowned {
    /// It affects every task
    All,
    /// It affects nothing, and is listed
    None,
    /// It is an error
    Error,
}

/// Text or JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

/// How affected projects are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AffectedFormat {
    /// One project's folder a line
    Names,
    /// For people
    Text,
    /// For programs
    Json,
}

/// How a graph is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// For people
    Text,
    /// For programs
    Json,
    /// For Graphviz
    Dot,
    /// For Markdown
    Mermaid,
    /// One page for a browser
    Html,
}

/// What a schema describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// knockon.toml
    Config,
    /// `plan --format json`
    Plan,
    /// `affected --format json`
    Affected,
    /// `graph --format json`
    Graph,
    /// `inputs --format json`
    Inputs,
    /// `check --format json`
    Check,
    /// `history --format json`
    History,
    /// `cache --format json`
    Cache,
    /// `last --format json` and `run --report`
    Run,
    /// `audit filters --format json`
    AuditFilters,
}
