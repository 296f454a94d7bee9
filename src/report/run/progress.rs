//! What runs, what is done and how long is left, on the last line of a terminal while a run goes on.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::seconds;
use crate::path::harmless;
use crate::store::{Outcome, TaskRecord};

/// So many of the tasks that run are named.
const MOST_NAMED: usize = 3;

/// The line, which is there only where somebody sees it.
pub struct Progress {
    bar: Option<ProgressBar>,
    total: usize,
    over: usize,
    cached: usize,
    failed: usize,
    running: BTreeMap<usize, (String, Instant)>,
    /// How long the rest may be expected to take, all tasks one after another; none where nothing is known of it.
    rest: Option<Duration>,
    room: u32,
}

impl Progress {
    /// A line about so many tasks of which so many run at once. Without a terminal nothing is drawn.
    pub fn new(total: usize, room: usize, expected: Option<Duration>, on_terminal: bool) -> Self {
        let bar = on_terminal.then(|| {
            let bar = ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::stderr());
            // The template is a constant; a bar without a style shows the same numbers.
            if let Ok(style) = ProgressStyle::with_template("{bar:24.cyan/black} {msg}") {
                bar.set_style(style.progress_chars("━╸ "));
            }
            bar
        });
        let room = u32::try_from(room).unwrap_or(u32::MAX).max(1);
        Self { bar, total, over: 0, cached: 0, failed: 0, running: BTreeMap::new(), rest: expected, room }
    }

    /// A task starts.
    pub fn started(&mut self, place: usize, task: &str) {
        self.running.insert(place, (harmless(task).to_string(), Instant::now()));
    }

    /// A task is over, of which it was expected that it takes so long.
    pub fn ended(&mut self, place: usize, record: &TaskRecord, expected: Duration) {
        self.running.remove(&place);
        self.over += 1;
        self.cached += usize::from(record.outcome == Outcome::Cached);
        self.failed += usize::from(record.outcome == Outcome::Failed);
        self.rest = self.rest.map(|rest| rest.saturating_sub(expected));
        self.draw();
    }

    /// Draws the line as it is now.
    pub fn draw(&self) {
        let Some(bar) = &self.bar else { return };
        let mut parts = vec![format!("{}/{}", self.over, self.total)];
        parts.extend((self.cached > 0).then(|| format!("{} cached", self.cached)));
        parts.extend((self.failed > 0).then(|| format!("{} failed", self.failed)));
        let mut oldest: Vec<&(String, Instant)> = self.running.values().collect();
        oldest.sort_by_key(|(_, since)| *since);
        let named: Vec<String> = oldest
            .iter()
            .take(MOST_NAMED)
            .map(|(task, since)| format!("{task} {}", seconds(since.elapsed().as_secs_f64())))
            .collect();
        if !named.is_empty() {
            let more = oldest.len() - named.len();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            parts.push(named.join(", ") + &more);
        }
        if let Some(rest) = self.rest.filter(|rest| !rest.is_zero()) {
            parts.push(format!("about {} left", seconds((rest / self.room).as_secs_f64())));
        }
        bar.set_position(self.over as u64);
        bar.set_message(parts.join(" · "));
    }

    /// Writes to standard output, with the line out of the way.
    pub fn print(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let print = || {
            let mut output = io::stdout().lock();
            write(&mut output)?;
            output.flush()
        };
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Takes the line away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
