//! The command line: flags become one call on the library, its answer becomes one report. No decision is made here.

mod arguments;
mod audit;
mod audit_write;
mod cache;
mod ci;
mod commands;
mod demo;
mod fingerprint;
mod history;
mod hook;
mod init;
mod output;
mod plan;
mod range;
#[cfg_attr(not(feature = "remote"), path = "without_remote.rs")]
mod remote;
mod run;
mod run_watch;

pub use arguments::Arguments;
pub use commands::run;
pub use output::Surroundings;

/// How a process ends, as `--help` promises it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done; an empty plan too.
    Done,
    /// A task failed.
    Failed,
    /// What is written differs from what is inferred, and `--check` was given.
    Drift,
    /// A mistake in the arguments or the configuration.
    Usage,
    /// Git or the file system failed.
    Infrastructure,
    /// Something could not be known, and `--strict` was given; or an answer that was verified is wrong.
    Doubt,
    /// A signal ended the run.
    Signal(i32),
}

impl Exit {
    /// The number that the process returns.
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed | Exit::Drift => 1,
            Exit::Usage => 2,
            Exit::Infrastructure => 3,
            Exit::Doubt => 4,
            Exit::Signal(number) => u8::try_from(number).unwrap_or(0).saturating_add(128),
        }
    }
}
