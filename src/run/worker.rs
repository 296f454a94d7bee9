//! One task of a run from its beginning to its end, in the thread of a worker: looked up, or tried until it passes.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::{Duration, Instant};

use super::process::{self, Attempt, Environment, How, Stop};
use super::scheduler::Place;
use super::work::{Cluster, Errand, Settings, Work};
use crate::store::{Cache, CacheError, Ending, HERE, Kept, Outputs, PreparedResult, ResultKey, StoredResult};

/// Tells build tools to leave no server behind for the next build: it would be found as a process left behind, and the
/// result not be kept. A task that declares one of these decides for itself.
const WITHOUT_SERVERS: [(&str, &str); 4] = [
    ("DOTNET_CLI_USE_MSBUILD_SERVER", "0"),
    ("GRADLE_OPTS", "-Dorg.gradle.daemon=false"),
    ("MSBUILDDISABLENODEREUSE", "1"),
    ("UseSharedCompilation", "false"),
];

/// A task to see to.
pub(super) struct Assignment {
    pub(super) place: Place,
    pub(super) stop: Stop,
}

/// What a worker has to tell.
pub(super) enum Message {
    /// A task printed something.
    Printed(Place, Vec<u8>),
    /// A task is over.
    Over(Place, Box<Report>),
    /// A result that passed was kept, or why it was not.
    Kept(Place, Result<Kept, String>),
    /// What became of a result that was to be sent.
    Sent(Place, Option<Kept>),
}

/// How a task ended.
pub(super) struct Report {
    pub(super) lane: usize,
    pub(super) begun: Instant,
    pub(super) duration: Duration,
    pub(super) end: End,
}

/// How a task ended.
pub(super) enum End {
    /// What it made before was restored.
    Restored {
        stored: StoredResult,
        /// Where it was found.
        source: String,
    },
    /// It ran.
    Ran {
        how: How,
        attempts: u32,
        left_behind: Vec<String>,
        /// What it printed.
        spool: PathBuf,
        /// What it made, if it passed and that can be kept; else why it cannot, if there is anything to say.
        made: Result<Option<PreparedResult>, String>,
        /// Why the result that is kept was not restored, if somebody has to know.
        refused: Option<String>,
    },
}

/// Sees to tasks until there are no more.
pub(super) fn work(
    lane: usize,
    works: &[Work],
    settings: &Settings<'_>,
    assignments: &std::sync::Mutex<Receiver<Assignment>>,
    told: &SyncSender<Message>,
) {
    loop {
        let next = match assignments.lock() {
            Ok(assignments) => assignments.recv(),
            Err(_) => return,
        };
        let Ok(Assignment { place, stop }) = next else { return };
        let begun = Instant::now();
        let end = see_to(place, &works[place], settings, &stop, told);
        let report = Report { lane, begun, duration: begun.elapsed(), end };
        if told.send(Message::Over(place, Box::new(report))).is_err() {
            return;
        }
    }
}

fn see_to(place: Place, work: &Work, settings: &Settings<'_>, stop: &Stop, told: &SyncSender<Message>) -> End {
    let refused = match restored(work, settings) {
        Some(Ok(end)) => return end,
        Some(Err(error @ CacheError::Source { .. })) => Some(error.to_string()),
        // A fault of the cache is no business of the task's.
        Some(Err(_)) | None => None,
    };
    let declared = [Outputs { folder: &work.folder, patterns: &work.outputs }];
    let spool = settings.spools.join(format!("{place}.output"));
    let further = WITHOUT_SERVERS.iter().filter(|(name, _)| !work.variables.contains(*name));
    let further = further.map(|(name, value)| (name.into(), value.into()));
    let environment = Environment::new(settings.variables, &work.variables, further);
    let mut left_behind = Vec::new();
    let (mut attempts, mut duration) = (0, Duration::ZERO);
    let mut run_here = None;
    let how = loop {
        attempts += 1;
        if let (Some(cluster), None) = (settings.cluster, &run_here) {
            let begun = Instant::now();
            match run_elsewhere(cluster, place, work, settings, attempts, stop, told) {
                Ok(how) => {
                    duration = duration.max(begun.elapsed());
                    if how == How::Passed || how == How::Stopped || attempts > work.retries || stop.is_asked() {
                        break how;
                    }
                    continue;
                }
                Err(reason) => run_here = Some(reason),
            }
        }
        let label = format!("{}-{place}-{attempts}", std::process::id());
        let attempt = Attempt {
            commands: &work.commands,
            work_tree: settings.work_tree,
            environment: &environment,
            timeout: work.timeout,
            spool: &spool,
            label: &label,
            limits: settings.limits,
        };
        let ended = process::run(&attempt, stop, &mut |bytes| {
            if settings.streams {
                // Whoever listens no more has stopped the task, too.
                let _ = told.send(Message::Printed(place, bytes.to_vec()));
            }
        });
        left_behind.extend(ended.leaked.iter().map(ToString::to_string));
        duration = duration.max(ended.duration);
        let failed = matches!(ended.how, How::Exited(_) | How::Signalled(_) | How::TimedOut);
        if !failed || attempts > work.retries || stop.is_asked() {
            break ended.how;
        }
    };
    let made = match (settings.cache, &work.key) {
        _ if how != How::Passed => Ok(None),
        (None, _) => Ok(None),
        (Some(_), Err(why)) => Err(why.to_string()),
        // What its programs here make is not what is kept of those there.
        (Some(_), Ok(_)) if let Some(reason) = run_here => Err(format!("it was not run on the cluster: {reason}")),
        (Some(_), Ok(_)) if !left_behind.is_empty() => Err("it left processes behind".to_owned()),
        (Some(cache), Ok(key)) => {
            let ending = Ending { duration, attempts, printed: &spool };
            cache.prepare(key, settings.work_tree, &declared, &ending).map(Some).map_err(|error| error.to_string())
        }
    };
    End::Ran { how, attempts, left_behind, spool, made, refused }
}

/// Has a task run by a cluster, and takes what it made into the work tree as the cache does: all of it or nothing.
fn run_elsewhere(
    cluster: &dyn Cluster,
    place: Place,
    work: &Work,
    settings: &Settings<'_>,
    attempts: u32,
    stop: &Stop,
    told: &SyncSender<Message>,
) -> Result<How, String> {
    let folder = settings.spools.join(format!("{place}.{attempts}.landing"));
    let landing = folder.join("tree");
    std::fs::create_dir_all(&landing).map_err(|error| error.to_string())?;
    let spool = settings.spools.join(format!("{place}.output"));
    let errand = Errand {
        work,
        work_tree: settings.work_tree,
        variables: settings.variables,
        is_fresh: attempts > 1 || !settings.reuses,
        landing: &landing,
        spool: &spool,
        most_printed: settings.limits.spool,
        on_output: &|bytes| {
            if settings.streams {
                // Whoever listens no more has stopped the task, too.
                let _ = told.send(Message::Printed(place, bytes.to_vec()));
            }
        },
    };
    let how = cluster.run(&errand, stop);
    let taken = match (&how, &work.key) {
        (Ok(How::Passed), Ok(key)) => take_in(&folder, key, work, settings, &spool),
        _ => Ok(()),
    };
    // The folder goes with those of all that was printed, if not now.
    let _ = std::fs::remove_dir_all(&folder);
    if let Err(error) = taken {
        let reason = error.to_string();
        cluster.refused(&reason);
        return Err(reason);
    }
    how
}

/// Takes what a task made elsewhere into the work tree.
fn take_in(
    folder: &std::path::Path,
    key: &ResultKey,
    work: &Work,
    settings: &Settings<'_>,
    spool: &std::path::Path,
) -> Result<(), CacheError> {
    let declared = [Outputs { folder: &work.folder, patterns: &work.outputs }];
    let arrived = Cache::at(&folder.join("cache"));
    std::fs::create_dir_all(arrived.folder()).map_err(CacheError::Store)?;
    let ending = Ending { duration: Duration::ZERO, attempts: 1, printed: spool };
    arrived.publish(&arrived.prepare(key, &folder.join("tree"), &declared, &ending)?)?;
    let stored = arrived.find(key).ok_or(CacheError::Missing)?;
    arrived.restore(&stored, settings.work_tree, &declared, settings.is_source).map(|_| ())
}

/// What was kept under the task's fingerprint, here or elsewhere, or why it could not be restored; none if nothing is kept.
fn restored(work: &Work, settings: &Settings<'_>) -> Option<Result<End, CacheError>> {
    let cache = settings.cache.filter(|_| settings.reuses)?;
    let key = *work.key.as_ref().ok()?;
    let declared = [Outputs { folder: &work.folder, patterns: &work.outputs }];
    let restore = |source: String| {
        let stored = cache.find(&key)?;
        let restored = cache.restore(&stored, settings.work_tree, &declared, settings.is_source);
        Some(restored.map(|_| End::Restored { stored, source }))
    };
    match restore(HERE.to_owned()) {
        // What is damaged here may be whole elsewhere.
        None | Some(Err(CacheError::Damaged | CacheError::Missing)) => {
            restore(settings.elsewhere?.fetch(cache, &key, &declared)?)
        }
        found => found,
    }
}
