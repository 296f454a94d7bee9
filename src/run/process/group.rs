//! The group of processes that a command runs in.

use std::io;
use std::process::{Child, Command};

/// How the leader of a group ended.
#[cfg_attr(not(unix), expect(dead_code, reason = "no group is started"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// With a code.
    Exited(i32),
    /// By a signal.
    Signalled(i32),
}

/// What a group can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    /// Please end.
    Ask,
    /// End.
    Kill,
    /// Stand still.
    Pause,
    /// Go on.
    Resume,
}

#[cfg(unix)]
pub(super) use unix::Group;

#[cfg(unix)]
mod unix {
    use std::os::unix::process::CommandExt;

    use rustix::process::{Pid, Signal as Number, WaitId, WaitIdOptions, kill_process_group, waitid};

    use super::*;

    /// A group, by its leader, whom nobody has reaped yet.
    #[derive(Debug, Clone, Copy)]
    pub(in super::super) struct Group(Pid);

    impl Group {
        /// Starts a command as the leader of a group.
        pub(in super::super) fn start(command: &mut Command) -> io::Result<(Child, Self)> {
            let child = command.process_group(0).spawn()?;
            let group = Self(Pid::from_child(&child));
            Ok((child, group))
        }

        /// The leader's number, which is that of the group.
        pub(in super::super) fn leader(self) -> u32 {
            self.0.as_raw_nonzero().get().unsigned_abs()
        }

        /// Sends a signal to all in the group. That nobody is left in it is as well.
        pub(in super::super) fn send(self, signal: Signal) {
            let numbers: &[Number] = match signal {
                // Who stands still would not hear it.
                Signal::Ask => &[Number::TERM, Number::CONT],
                Signal::Kill => &[Number::KILL],
                Signal::Pause => &[Number::STOP],
                Signal::Resume => &[Number::CONT],
            };
            for number in numbers {
                let _ = kill_process_group(self.0, *number);
            }
        }

        /// Waits until the leader ended, and leaves it to be reaped.
        pub(in super::super) fn wait(self) -> io::Result<Status> {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            loop {
                match rustix::io::retry_on_intr(|| waitid(WaitId::Pid(self.0), options))? {
                    Some(status) => {
                        let ended = status.exit_status().map(Status::Exited);
                        let ended = ended.or(status.terminating_signal().map(Status::Signalled));
                        return ended.ok_or_else(|| io::Error::other("it ended in no way that is known"));
                    }
                    None => continue,
                }
            }
        }
    }
}

/// There is none.
#[cfg(not(unix))]
#[derive(Debug, Clone, Copy)]
pub(super) enum Group {}

#[cfg(not(unix))]
impl Group {
    /// Says that it cannot be done.
    pub(super) fn start(_: &mut Command) -> io::Result<(Child, Self)> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "tasks cannot be run on this operating system yet"))
    }

    pub(super) fn send(self, _: Signal) {
        match self {}
    }

    pub(super) fn wait(self) -> io::Result<Status> {
        match self {}
    }

    pub(super) fn leader(self) -> u32 {
        match self {}
    }
}
