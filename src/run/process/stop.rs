//! The handle by which others end an attempt.

use std::io::{self, Write as _};
use std::process::{Child, Command};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::group::{Group, Signal};
use super::running::Event;
use super::warden::Warden;

/// Ends an attempt: before it began, while it runs, or to no effect when it is over. Clones are the same handle, and
/// what has been asked for stays so, also for the next attempt that is given it.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    warden: Option<Warden>,
    is_asked: bool,
    is_killed: bool,
    /// The group that runs, and the channel of whoever watches it.
    running: Option<(Group, SyncSender<Event>)>,
    paused_since: Option<Instant>,
    paused: Duration,
}

impl Stop {
    /// A handle of attempts whose groups a warden ends, should knockon be gone before them.
    pub fn watched_by(warden: Option<Warden>) -> Self {
        let stop = Self::default();
        stop.state().warden = warden;
        stop
    }

    /// Asks all processes to end (SIGTERM), once. Those that have not when the grace is over are killed.
    pub fn ask(&self) {
        let mut state = self.state();
        if !state.is_asked {
            state.is_asked = true;
            state.send(Signal::Ask);
            state.wake();
        }
    }

    /// Ends all processes of the group (SIGKILL).
    pub fn kill(&self) {
        let mut state = self.state();
        (state.is_asked, state.is_killed) = (true, true);
        state.send(Signal::Kill);
        state.wake();
    }

    /// Lets all processes of the group stand still, and its timeout, too.
    pub fn pause(&self) {
        let mut state = self.state();
        state.paused_since.get_or_insert_with(Instant::now);
        state.send(Signal::Pause);
    }

    /// Lets them go on.
    pub fn resume(&self) {
        let mut state = self.state();
        let since = state.paused_since.take();
        state.paused += since.map_or(Duration::ZERO, |since| since.elapsed());
        state.send(Signal::Resume);
    }

    /// Whether somebody asked.
    pub fn is_asked(&self) -> bool {
        self.state().is_asked
    }

    /// Whether somebody did not even want to wait.
    pub(super) fn is_killed(&self) -> bool {
        self.state().is_killed
    }

    /// How long it has stood still.
    pub(super) fn paused(&self) -> Duration {
        let state = self.state();
        state.paused + state.paused_since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Starts a command, unless somebody asked before. Nobody can ask in between and not be heard.
    pub(super) fn start(
        &self,
        command: &mut Command,
        watcher: SyncSender<Event>,
    ) -> io::Result<Option<(Child, Group)>> {
        let mut state = self.state();
        if state.is_asked {
            return Ok(None);
        }
        let (mut child, group) = Group::start(command)?;
        state.warden.iter().for_each(|warden| warden.began(group));
        // It waits for this line. Who is gone already needs none.
        let _ = child.stdin.take().map(|mut gate| gate.write_all(b"\n"));
        state.running = Some((group, watcher));
        Ok(Some((child, group)))
    }

    /// Sends a signal to the group that runs.
    pub(super) fn send(&self, signal: Signal) {
        self.state().send(signal);
    }

    /// Says that the group is over. From now on its number may be another's.
    pub(super) fn over(&self) {
        let mut state = self.state();
        if let (Some((group, _)), Some(warden)) = (state.running.take(), &state.warden) {
            warden.over(group);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn send(&self, signal: Signal) {
        if let Some((group, _)) = &self.running {
            group.send(signal);
        }
    }

    fn wake(&self) {
        if let Some((_, watcher)) = &self.running {
            // Where the channel is full the watcher is awake.
            let _ = watcher.try_send(Event::Look);
        }
    }
}
