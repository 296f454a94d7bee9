//! What whoever runs knockon wants, by signals: each is more urgent than the one before.

use std::io;

/// How urgent it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Tasks are asked to end, and nothing else is started.
    Ask,
    /// Tasks are killed.
    Kill,
}

/// What a signal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// To end.
    End {
        /// How urgently.
        urgency: Urgency,
        /// The signal's number. A run that it ended ends with 128 and this.
        signal: i32,
    },
    /// To let tasks stand still, and then to call [`stand_still`].
    Pause,
    /// To let them go on.
    Resume,
}

/// Hands the signals of this process over as long as it lives: SIGINT, SIGTERM and SIGHUP as [`Request::End`], SIGTSTP
/// and SIGCONT as [`Request::Pause`] and [`Request::Resume`]. At the third that wants an end it leaves at once, with 128
/// and the signal's number, whatever else is going on.
pub fn listen(tell: impl FnMut(Request) + Send + 'static) -> io::Result<()> {
    platform::listen(tell)
}

/// Stands still, as a process does that nobody asked whether it wants to hear of SIGTSTP, until SIGCONT.
pub fn stand_still() {
    platform::stand_still();
}

#[cfg(unix)]
mod platform {
    use std::io;
    use std::thread;

    use rustix::process::{Signal, getpid, kill_process};
    use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGTSTP};
    use signal_hook::iterator::Signals;

    use super::{Request, Urgency};

    pub(super) fn listen(mut tell: impl FnMut(Request) + Send + 'static) -> io::Result<()> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT])?;
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            let mut last = None;
            for signal in signals.forever() {
                tell(match (signal, last) {
                    (SIGTSTP, _) => Request::Pause,
                    (SIGCONT, _) => Request::Resume,
                    (_, Some(Urgency::Kill)) => signal_hook::low_level::exit(128 + signal),
                    (_, before) => {
                        let urgency = if before.is_none() { Urgency::Ask } else { Urgency::Kill };
                        last = Some(urgency);
                        Request::End { urgency, signal }
                    }
                });
            }
        })?;
        Ok(())
    }

    pub(super) fn stand_still() {
        // It cannot be refused to oneself.
        let _ = kill_process(getpid(), Signal::STOP);
    }
}

/// Here a signal ends the process.
#[cfg(not(unix))]
mod platform {
    use std::io;

    use super::Request;

    pub(super) fn listen(_: impl FnMut(Request) + Send + 'static) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn stand_still() {}
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use rustix::process::{Signal, getpid, kill_process};

    use super::*;
    use crate::run::testing::alone;

    #[test]
    fn fault_14_each_signal_is_more_urgent_and_the_third_leaves_at_once() {
        let Some(output) =
            alone("run::signals::tests::fault_14_each_signal_is_more_urgent_and_the_third_leaves_at_once", "")
        else {
            let (sender, requests) = mpsc::channel();
            listen(move |request| sender.send(request).unwrap()).unwrap();
            let next = |signal: Signal| {
                kill_process(getpid(), signal).unwrap();
                requests.recv_timeout(Duration::from_secs(10)).unwrap()
            };
            assert_eq!(next(Signal::TSTP), Request::Pause);
            assert_eq!(next(Signal::CONT), Request::Resume);
            assert_eq!(next(Signal::INT), Request::End { urgency: Urgency::Ask, signal: 2 });
            assert_eq!(next(Signal::CONT), Request::Resume);
            assert_eq!(next(Signal::TERM), Request::End { urgency: Urgency::Kill, signal: 15 });
            kill_process(getpid(), Signal::HUP).unwrap();
            let answer = requests.recv_timeout(Duration::from_secs(10));
            panic!("the process still runs after {answer:?}");
        };
        assert_eq!(output.status.code(), Some(128 + 1), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
