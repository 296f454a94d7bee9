//! What a run is told, and whom it tells.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use super::overlaps::Overlaps;
use super::process::{How, Limits, Stop, Warden};
use super::scheduler::{Job, OnFailure, Place};
use super::tools::Tools;
use crate::discover::Command;
use crate::fingerprint::Fingerprint;
use crate::path::RepoPath;
use crate::plan::{Plan, PlannedTask};
use crate::store::{Cache, Elsewhere, Ledger, ResultKey, StoredResult, TaskRecord};
use crate::workspace::{TaskId, TaskIndex, Workspace};

/// One task of a run.
#[derive(Debug, Clone)]
pub struct Work {
    /// The task.
    pub id: TaskId,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// What its result is kept under, or why it is not kept.
    pub key: Result<ResultKey, NoKey>,
    /// The folder of its project.
    pub folder: RepoPath,
    /// What to run.
    pub commands: Vec<Command>,
    /// The environment variables that it reads.
    pub variables: BTreeSet<String>,
    /// The files that it makes, where they are known.
    pub outputs: Vec<String>,
    /// How long each attempt may take.
    pub timeout: Option<Duration>,
    /// How often it is tried again.
    pub retries: u32,
    /// What the scheduler has to know of it.
    pub job: Job,
}

/// Why no result of a task is kept, however it ends.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoKey {
    /// Nobody says which files it makes.
    #[error("what it makes is not known: say `outputs` in knockon.toml")]
    Unknown,
    /// Another task can make the same files.
    #[error("its outputs overlap those of {0}")]
    Overlaps(TaskId),
}

/// Says for each of some tasks whether what it reads is still what it was, or why that cannot be told.
pub type Unchanged<'a> = dyn Fn(&[Place]) -> Result<Vec<bool>, String> + Sync + 'a;

/// How a run is to go.
pub struct Settings<'a> {
    /// The top of the work tree.
    pub work_tree: &'a Path,
    /// The variables of this process.
    pub variables: &'a BTreeMap<OsString, OsString>,
    /// How many tasks may run at once.
    pub room: usize,
    /// What becomes of the others when a task fails.
    pub on_failure: OnFailure,
    /// Where results are kept and found, if anywhere.
    pub cache: Option<&'a Cache>,
    /// Where others keep theirs, if anywhere.
    pub elsewhere: Option<&'a dyn Elsewhere>,
    /// Where tasks are run that can be run elsewhere, if anywhere.
    pub cluster: Option<&'a dyn Cluster>,
    /// Whether results that are there already are taken.
    pub reuses: bool,
    /// The file that is told how each task ended, if any.
    pub ledger: Option<&'a Path>,
    /// Where this runs, for whoever reads that file: the page of a CI engine's job, or the name of the machine.
    pub place: &'a str,
    /// A folder for what tasks print, which is there and empty.
    pub spools: &'a Path,
    /// Whether the observer wants to see what tasks print as it comes.
    pub streams: bool,
    /// Who ends what runs, should knockon be gone before.
    pub warden: Option<Warden>,
    /// How patient to be with processes.
    pub limits: Limits,
    /// Whether a path is a file that git sees, which no restored result may remove or replace.
    pub is_source: &'a (dyn Fn(&RepoPath) -> bool + Sync),
    /// For each of some tasks whether its fingerprint is now what it was when the run was planned.
    pub is_unchanged: &'a Unchanged<'a>,
}

/// Other machines that run tasks; whether this build can speak to any is another question.
pub trait Cluster: Sync {
    /// Runs a task. If it passed, what it made lies in the errand's landing place. An error says why it has to be run here.
    fn run(&self, errand: &Errand<'_>, stop: &Stop) -> Result<How, String>;

    /// What a task made there was not taken, for this reason, and it is run here.
    fn refused(&self, reason: &str);

    /// Why tasks were run here.
    fn told(&self) -> Vec<String>;
}

/// A task that is to be run elsewhere.
pub struct Errand<'a> {
    /// The task.
    pub work: &'a Work,
    /// The top of the work tree.
    pub work_tree: &'a Path,
    /// The variables of this process.
    pub variables: &'a BTreeMap<OsString, OsString>,
    /// Whether it is to be run even if somebody knows how it ended before.
    pub is_fresh: bool,
    /// An empty folder for what it makes.
    pub landing: &'a Path,
    /// The file for what it prints.
    pub spool: &'a Path,
    /// No more of it is kept.
    pub most_printed: u64,
    /// Who hears it.
    pub on_output: &'a dyn Fn(&[u8]),
}

/// Who wants to know how a run goes. It is called by one thread alone.
pub trait Observer {
    /// A task starts, or is looked up.
    fn started(&mut self, place: Place);
    /// A task printed something; only where this was asked for.
    fn printed(&mut self, place: Place, bytes: &[u8]);
    /// A task came to its end, or does not run.
    fn ended(&mut self, place: Place, record: &TaskRecord, output: Output<'_>);
    /// Something is to be told that is about no task's own result.
    fn warned(&mut self, message: &str);
    /// Time goes by.
    fn ticked(&mut self);
}

/// Where what a task printed is to be found.
#[derive(Debug, Clone, Copy)]
pub enum Output<'a> {
    /// It did not run.
    None,
    /// In a file.
    Spooled(&'a Path),
    /// In the cache.
    Stored(&'a StoredResult),
}

/// How long a task takes of which nothing is known, if nothing is known of any.
const USUAL: Duration = Duration::from_secs(1);

/// The tasks of a plan that run something. What needs a task that runs nothing needs what that one needs.
pub fn works(
    workspace: &Workspace,
    plan: &Plan,
    ledger: &Ledger,
    overlaps: &Overlaps,
    tools: &mut Tools<'_>,
) -> Vec<Work> {
    let mut known: Vec<Duration> = ledger.durations.values().filter_map(|seconds| duration(*seconds)).collect();
    known.sort_unstable();
    let usual = known.get(known.len() / 2).copied().unwrap_or(USUAL);
    let runs = |planned: &&PlannedTask| !workspace.task_at(planned.task).commands.is_empty();
    let places: BTreeMap<TaskIndex, Place> =
        plan.tasks.iter().filter(runs).enumerate().map(|(place, planned)| (planned.task, place)).collect();
    let needs: BTreeMap<TaskIndex, &BTreeSet<TaskIndex>> =
        plan.tasks.iter().map(|planned| (planned.task, &planned.needs)).collect();
    let work = |planned: &PlannedTask| {
        let task = workspace.task_at(planned.task);
        let expected =
            ledger.durations.get(&task.id.to_string()).and_then(|seconds| duration(*seconds)).unwrap_or(usual);
        Work {
            fingerprint: planned.fingerprint,
            key: match overlaps.other(&task.id) {
                _ if task.outputs.is_none() => Err(NoKey::Unknown),
                Some(other) => Err(NoKey::Overlaps(other.clone())),
                None => Ok(tools.key(planned.fingerprint, &task.tools)),
            },
            folder: task.id.project.0.clone(),
            commands: task.commands.clone(),
            variables: task.environment.clone(),
            outputs: task.outputs.clone().unwrap_or_default(),
            timeout: task.timeout,
            retries: task.retries,
            job: Job {
                needs: running_needs(planned.task, &needs, &places),
                expected,
                weight: usize::try_from(task.weight).unwrap_or(usize::MAX),
            },
            id: task.id.clone(),
        }
    };
    let works = plan.tasks.iter().filter(runs).map(work).collect();
    tools.remember();
    works
}

fn duration(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}

/// The nearest tasks that run something, on all ways down.
fn running_needs(
    task: TaskIndex,
    needs: &BTreeMap<TaskIndex, &BTreeSet<TaskIndex>>,
    places: &BTreeMap<TaskIndex, Place>,
) -> BTreeSet<Place> {
    let (mut found, mut seen, mut pending) = (BTreeSet::new(), BTreeSet::new(), vec![task]);
    while let Some(at) = pending.pop() {
        for need in needs.get(&at).into_iter().copied().flatten() {
            match places.get(need) {
                Some(place) => {
                    found.insert(*place);
                }
                None if seen.insert(*need) => pending.push(*need),
                None => {}
            }
        }
    }
    if let Some(own) = places.get(&task) {
        found.remove(own);
    }
    found
}
