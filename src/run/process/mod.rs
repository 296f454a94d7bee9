//! One attempt of one task: its commands one after the other, each with `sh -c` in a group of processes of its own.
//!
//! A command reads nothing (its standard input is `/dev/null`) and prints into one pipe, so that standard output and
//! standard error stay in the order in which they were written. Nothing here waits for ever on a process that does not
//! mean to end: what is asked to end and does not is killed, and what a command leaves behind is found, killed and told.
//!
//! The group is made by the standard library, and signals are sent by rustix, which is here anyway. A crate that wraps
//! both would reap the leader when it ends; but only as long as nobody has, its number and that of its group are given
//! to nobody else, and signals cannot hit strangers.
//!
//! # Limits
//! - When knockon itself is killed, a [`Warden`] ends the groups of its tasks, but not what left its group.
//! - A process that left its group is found on Linux alone, where orphans become children of knockon and
//!   `/proc` shows which environment they were started with; one that empties its environment is not found.
//! - A process that asks the terminal itself, as for a password, is stopped by the system, as it is not in the
//!   foreground, and stands still until its time is over.
//! - No task is started where there are no groups of processes, which is on Windows.

mod environment;
mod group;
mod orphans;
mod running;
mod stop;
mod warden;

use std::fmt;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::discover::Command;
use crate::run::spool::{OutputSummary, Spool};

pub use environment::Environment;
pub use orphans::Orphan;
pub use stop::Stop;
pub use warden::Warden;

/// The variable by which a process is known to be of an attempt. In a run within a run its value begins with that of
/// the outer one and a slash.
pub const LABEL: &str = "KNOCKON_ATTEMPT";

/// One attempt of one task.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// What to run, in this order, until one fails.
    pub commands: &'a [Command],
    /// The folder that the commands' folders are in.
    pub work_tree: &'a Path,
    /// The variables that it gets, and no others but [`LABEL`].
    pub environment: &'a Environment,
    /// How long all commands together may take.
    pub timeout: Option<Duration>,
    /// The file that all output goes to. It is made, or emptied.
    pub spool: &'a Path,
    /// What no other attempt on this machine is called at the same time.
    pub label: &'a str,
    /// How patient to be.
    pub limits: Limits,
}

/// How much is put up with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long a process has to end after it was asked to, before it is killed.
    pub grace: Duration,
    /// How long the other processes of a command may outlive it, before they count as left behind.
    pub leak_timeout: Duration,
    /// How many bytes of output are kept.
    pub spool: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { grace: Duration::from_secs(10), leak_timeout: Duration::from_millis(200), spool: 1 << 30 }
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Whether it passed, or else why not.
    pub how: How,
    /// How long it took.
    pub duration: Duration,
    /// What its commands left behind, which is gone now. Whether its result can be trusted is for the caller to say.
    pub leaked: Vec<Orphan>,
    /// What it printed.
    pub output: OutputSummary,
}

/// Whether an attempt passed, or else why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// Every command ended with 0.
    Passed,
    /// A command ended with another code.
    Exited(i32),
    /// A signal ended a command.
    Signalled(i32),
    /// It took too long.
    TimedOut,
    /// It was asked to stop, even if it ended well thereafter.
    Stopped,
    /// A command could not be started.
    NotStarted(NotStarted),
    /// How a command ended could not be found out.
    Lost(String),
}

/// Why a command could not be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotStarted {
    /// What the operating system said, and of what.
    pub message: String,
    /// Whether it may well go once another task is over: there are too many processes or open files, or too little
    /// memory. Commands before this one have run.
    pub is_crowded: bool,
}

impl NotStarted {
    fn new(what: &str, reason: &io::Error) -> Self {
        Self { message: format!("{what}: {reason}"), is_crowded: is_crowded(reason) }
    }
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => f.write_str("passed"),
            // A shell says so of what it ran.
            Self::Exited(code @ 129..=192) => write!(f, "exit code {code}, as of a signal {}", code - 128),
            Self::Exited(code) => write!(f, "exit code {code}"),
            Self::Signalled(9) => f.write_str("signal 9 (SIGKILL), as when memory runs out"),
            Self::Signalled(signal) => write!(f, "signal {signal}"),
            Self::TimedOut => f.write_str("timed out"),
            Self::Stopped => f.write_str("stopped"),
            Self::NotStarted(reason) => f.write_str(&reason.message),
            Self::Lost(reason) => write!(f, "lost sight of it: {reason}"),
        }
    }
}

/// Runs an attempt and returns when it is over and nothing of it is left. `on_output` is handed what it prints, as it
/// comes.
pub fn run(attempt: &Attempt<'_>, stop: &Stop, on_output: &mut dyn FnMut(&[u8])) -> Ended {
    let begin = Instant::now();
    orphans::adopt();
    let mut leaked = Vec::new();
    let (how, output) = match Spool::create(attempt.spool, attempt.limits.spool) {
        Err(reason) => {
            let what = format!("the output cannot be kept in `{}`", attempt.spool.display());
            (How::NotStarted(NotStarted::new(&what, &reason)), OutputSummary::default())
        }
        Ok(mut spool) => {
            let mut take = |bytes: &[u8]| {
                spool.take(bytes);
                on_output(bytes);
            };
            let mut how = How::Passed;
            for command in attempt.commands {
                let (end, left) = running::run(command, attempt, begin, stop, &mut take);
                leaked.extend(left);
                how = end;
                if how != How::Passed {
                    break;
                }
            }
            if how == How::Passed && stop.is_asked() {
                how = How::Stopped;
            }
            (how, spool.finish())
        }
    };
    Ended { how, duration: begin.elapsed(), leaked, output }
}

#[cfg(unix)]
fn is_crowded(reason: &io::Error) -> bool {
    use rustix::io::Errno;
    let crowded = [Errno::AGAIN, Errno::MFILE, Errno::NFILE, Errno::NOMEM];
    reason.raw_os_error().is_some_and(|code| crowded.iter().any(|errno| errno.raw_os_error() == code))
}

#[cfg(not(unix))]
fn is_crowded(_: &io::Error) -> bool {
    false
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;
