//! Whether a server is still asked: one that is down, slow or full costs a bounded time of a whole run.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::RemoteError;

/// After so many faults one behind the other nobody asks any more.
const MOST_FAULTS: u32 = 3;
/// When so much time went by for nothing, nobody asks any more.
const MOST_TIME: Duration = Duration::from_secs(30);

/// How a server has done so far.
#[derive(Debug, Default)]
pub(super) struct Health(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    faults: u32,
    in_a_row: u32,
    lost: Duration,
    is_given_up: bool,
    first: Option<String>,
}

impl Health {
    /// Asks the server, unless it was given up. A fault is told by none.
    pub(super) fn ask<T>(&self, ask: impl FnOnce() -> Result<T, RemoteError>) -> Option<T> {
        if self.state().is_given_up {
            return None;
        }
        let begun = Instant::now();
        let asked = ask();
        let mut state = self.state();
        match asked {
            Ok(value) => {
                state.in_a_row = 0;
                Some(value)
            }
            Err(reason) => {
                state.faults += 1;
                state.in_a_row += 1;
                state.lost += begun.elapsed();
                let refuses = matches!(reason, RemoteError::Refused(_));
                state.is_given_up |= refuses || state.in_a_row >= MOST_FAULTS || state.lost >= MOST_TIME;
                state.first.get_or_insert_with(|| reason.to_string());
                None
            }
        }
    }

    /// What is to be told of it at the end, if anything went wrong.
    pub(super) fn told(&self) -> Option<String> {
        let state = self.state();
        let first = state.first.as_ref()?;
        let faults = if state.faults == 1 { "once".to_owned() } else { format!("{} times", state.faults) };
        let end = if state.is_given_up { ", and is not asked any more" } else { "" };
        Some(format!("failed {faults}{end}: {first}"))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_8_a_server_that_fails_again_and_again_is_given_up() {
        let health = Health::default();
        assert_eq!(health.told(), None);
        for _ in 0..2 {
            assert_eq!(health.ask::<()>(|| Err(RemoteError::Slow)), None);
        }
        assert_eq!(health.ask(|| Ok(1)), Some(1));
        for _ in 0..3 {
            assert_eq!(health.ask::<()>(|| Err(RemoteError::Full("507".to_owned()))), None);
        }
        assert_eq!(health.ask::<()>(|| unreachable!()), None);
        let told = "failed 5 times, and is not asked any more: it does not answer in time";
        assert_eq!(health.told().as_deref(), Some(told));
    }

    #[test]
    fn a_server_that_refuses_is_not_asked_twice() {
        let health = Health::default();
        assert_eq!(health.ask::<()>(|| Err(RemoteError::Refused("no token".to_owned()))), None);
        assert_eq!(health.ask::<()>(|| unreachable!()), None);
    }
}
