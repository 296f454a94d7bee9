//! Sends what was kept to where others find it, beside the tasks that still run.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};

use super::scheduler::Place;
use super::work::{Settings, Work};
use super::worker::Message;

/// So many results are on their way at once.
pub(super) const COURIERS: usize = 4;

/// Sends results until no more come, or nobody waits for them any more.
pub(super) fn send(
    works: &[Work],
    settings: &Settings<'_>,
    kept: &Mutex<Receiver<Place>>,
    is_over: &AtomicBool,
    told: &SyncSender<Message>,
) {
    loop {
        let next = match kept.lock() {
            Ok(kept) => kept.recv(),
            Err(_) => return,
        };
        let Ok(place) = next else { return };
        let sent = match (settings.elsewhere, settings.cache, &works[place].key) {
            (Some(elsewhere), Some(cache), Ok(key)) if !is_over.load(Ordering::Relaxed) => elsewhere.send(cache, key),
            _ => None,
        };
        if told.send(Message::Sent(place, sent)).is_err() {
            return;
        }
    }
}
