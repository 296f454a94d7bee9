//! Publishes what tasks made, once it is certain that what they read did not change meanwhile.
//!
//! To be certain takes a look at the whole work tree, as planning does. So results wait for each other, and the time that
//! is spent on looking stays a small part of the run's, however many tasks there are.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use super::scheduler::Place;
use super::work::Settings;
use super::worker::Message;
use crate::store::{Kept, PreparedResult};

/// Between two looks so many times the time that a look takes goes by.
const PATIENCE: u32 = 20;

/// Keeps results until no more come.
pub(super) fn keep(settings: &Settings<'_>, made: &Receiver<(Place, PreparedResult)>, told: &SyncSender<Message>) {
    let mut pause = Duration::ZERO;
    let mut is_open = true;
    while is_open {
        let Ok(first) = made.recv() else { return };
        let mut batch = vec![first];
        let until = Instant::now() + pause;
        is_open = loop {
            match made.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(next) => batch.push(next),
                Err(RecvTimeoutError::Timeout) => break true,
                Err(RecvTimeoutError::Disconnected) => break false,
            }
        };
        let begun = Instant::now();
        for (place, kept) in publish(settings, batch) {
            if told.send(Message::Kept(place, kept)).is_err() {
                return;
            }
        }
        pause = begun.elapsed() * PATIENCE;
    }
}

fn publish(settings: &Settings<'_>, batch: Vec<(Place, PreparedResult)>) -> Vec<(Place, Result<Kept, String>)> {
    let places: Vec<Place> = batch.iter().map(|(place, _)| *place).collect();
    let unchanged = (settings.is_unchanged)(&places);
    let publish = |(at, (place, prepared)): (usize, (Place, PreparedResult))| {
        let kept = match &unchanged {
            Err(reason) => Err(format!("whether its inputs changed cannot be told: {reason}")),
            Ok(unchanged) if !unchanged.get(at).copied().unwrap_or(false) => {
                Err("its inputs changed while it ran, by somebody or by itself".to_owned())
            }
            Ok(_) => match settings.cache {
                Some(cache) => cache.publish(&prepared).map_err(|error| error.to_string()),
                None => Ok(Kept::Same),
            },
        };
        (place, kept)
    };
    batch.into_iter().enumerate().map(publish).collect()
}
