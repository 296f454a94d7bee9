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
///
/// On Linux a signal that this process was started to ignore is still ignored: SIGHUP after `nohup`, SIGINT in the
/// background of a script.
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
        let ignored = ignored();
        let heard =
            [SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT].into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0);
        let mut signals = Signals::new(heard)?;
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

    /// The signals that are ignored, a bit each.
    fn ignored() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
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
    use crate::run::testing::{alone, assert_passed};

    /// Listens, and returns what sends a signal to this process.
    fn listening() -> (impl Fn(Signal), mpsc::Receiver<Request>) {
        let (sender, requests) = mpsc::channel();
        listen(move |request| sender.send(request).unwrap()).unwrap();
        (|signal| kill_process(getpid(), signal).unwrap(), requests)
    }

    const LONG: Duration = Duration::from_secs(10);

    #[test]
    fn fault_14_each_signal_is_more_urgent_and_the_third_leaves_at_once() {
        let test = "run::signals::tests::fault_14_each_signal_is_more_urgent_and_the_third_leaves_at_once";
        let Some(output) = alone(test, "") else {
            let (send, requests) = listening();
            let next = |signal: Signal| {
                send(signal);
                requests.recv_timeout(LONG).unwrap()
            };
            assert_eq!(next(Signal::TSTP), Request::Pause);
            assert_eq!(next(Signal::CONT), Request::Resume);
            assert_eq!(next(Signal::INT), Request::End { urgency: Urgency::Ask, signal: 2 });
            assert_eq!(next(Signal::CONT), Request::Resume);
            assert_eq!(next(Signal::TERM), Request::End { urgency: Urgency::Kill, signal: 15 });
            send(Signal::HUP);
            panic!("the process still runs after {:?}", requests.recv_timeout(LONG));
        };
        assert_eq!(output.status.code(), Some(128 + 1), "{}", String::from_utf8_lossy(&output.stderr));
    }

    #[test]
    fn fault_14_what_was_ignored_from_the_start_is_ignored() {
        let test = "run::signals::tests::fault_14_what_was_ignored_from_the_start_is_ignored";
        let Some(output) = alone(test, "trap '' HUP INT") else {
            let (send, requests) = listening();
            send(Signal::HUP);
            send(Signal::INT);
            send(Signal::TERM);
            assert_eq!(requests.recv_timeout(LONG), Ok(Request::End { urgency: Urgency::Ask, signal: 15 }));
            return;
        };
        assert_passed(&output);
    }

    #[test]
    fn fault_14_who_stands_still_goes_on_when_told() {
        let test = "run::signals::tests::fault_14_who_stands_still_goes_on_when_told";
        // Somebody outside has to tell.
        let outside = "(own=$$; until grep -q 'State:.T' /proc/$own/status; do sleep 0.01; done; kill -CONT $own) &";
        let Some(output) = alone(test, outside) else {
            let (_, requests) = listening();
            stand_still();
            assert_eq!(requests.recv_timeout(LONG), Ok(Request::Resume));
            return;
        };
        assert_passed(&output);
    }
}
