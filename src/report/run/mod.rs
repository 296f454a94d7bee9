//! A run, for people while it goes on and when it is over, and for programs afterwards.

mod junit;
mod progress;
mod trace;

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use schemars::JsonSchema;
use serde::Serialize;

pub use junit::{TestResults, junit};
pub use progress::Progress;
pub use trace::trace;

use super::json::SCHEMA;
use super::text::{DOUBT, FAINT, Look, NAME, STRONG, count};
use crate::path::harmless;
use crate::store::{HERE, Outcome, RunRecord, TaskRecord};

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// So many of the last lines of a failed task are told again at the end.
const LAST_LINES: usize = 12;

/// What `run --report` writes, and `last --format json` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RunReport<'a> {
    /// The version of this format.
    pub schema: u32,
    /// The run.
    #[serde(flatten)]
    pub run: &'a RunRecord,
}

impl<'a> RunReport<'a> {
    /// The report of a run.
    pub fn new(run: &'a RunRecord) -> Self {
        Self { schema: SCHEMA, run }
    }
}

/// Seconds as people say them.
pub(super) fn seconds(seconds: f64) -> String {
    match seconds {
        short if short < 0.0995 => format!("{:.0}ms", short * 1e3),
        short if short < 9.95 => format!("{short:.1}s"),
        short if short < 99.5 => format!("{short:.0}s"),
        long if long < 5970.0 => format!("{}m{:02}s", long as u64 / 60, long as u64 % 60),
        long => format!("{}h{:02}m", long as u64 / 3600, long as u64 % 3600 / 60),
    }
}

/// One line about a task that came to its end.
pub fn task_line(record: &TaskRecord, look: Look) -> String {
    let (style, word) = match record.outcome {
        Outcome::Passed if record.is_flaky() => (DOUBT, "flaky"),
        Outcome::Passed => (GOOD, "passed"),
        Outcome::Cached => (GOOD, "cached"),
        Outcome::Failed => (BAD, "FAILED"),
        Outcome::Stopped => (DOUBT, "stopped"),
        Outcome::Skipped => (FAINT, "skipped"),
    };
    let mut line = format!("{} {}", look.paint(style, format!("{word:>7}")), harmless(&record.task));
    match (record.outcome, record.saved) {
        (Outcome::Skipped, _) => {}
        (_, Some(saved)) => {
            let elsewhere = record.source.as_deref().filter(|source| *source != HERE);
            let from = elsewhere.map(|source| format!(", from {}", harmless(source))).unwrap_or_default();
            let _ = write!(line, "  {}", look.paint(FAINT, format!("saves {}{from}", seconds(saved))));
        }
        (_, None) => {
            let _ = write!(line, "  {}", look.paint(FAINT, seconds(record.duration)));
        }
    }
    if record.attempts > 1 {
        let _ = write!(line, "  {} attempts", record.attempts);
    }
    if let Some(reason) = &record.reason {
        let _ = write!(line, "  {}", harmless(reason));
    }
    if !record.not_made.is_empty() {
        let patterns = record.not_made.join(", ");
        let _ = write!(line, "  {}", look.paint(DOUBT, format!("made nothing that matches {}", harmless(&patterns))));
    }
    if !record.left_behind.is_empty() {
        let left = record.left_behind.join(", ");
        let _ = write!(line, "  {}", look.paint(DOUBT, format!("left behind and killed: {}", harmless(&left))));
    }
    line.push('\n');
    line
}

/// What a run came to: how many tasks ended how, what failed with its last lines, and how to run just that again.
pub fn summary_text(run: &RunRecord, look: Look) -> String {
    let of = |outcome: Outcome| run.tasks.iter().filter(move |task| task.outcome == outcome);
    let mut text = String::new();
    for failed in of(Outcome::Failed) {
        text.push('\n');
        text.push_str(&task_line(failed, look));
        let plain = anstream::adapter::strip_str(&failed.last_output).to_string();
        let lines: Vec<&str> = plain.lines().collect();
        let skipped = lines.len().saturating_sub(LAST_LINES);
        for line in &lines[skipped..] {
            let line = harmless(&line.replace('\t', "    ")).to_string();
            let _ = writeln!(text, "        {}", look.paint(FAINT, look.cut(&line, 8)));
        }
    }
    let unkept: Vec<&TaskRecord> = run.tasks.iter().filter(|task| task.not_kept.is_some()).collect();
    let kinds = [
        (Outcome::Passed, "passed"),
        (Outcome::Cached, "from the cache"),
        (Outcome::Failed, "failed"),
        (Outcome::Stopped, "stopped"),
        (Outcome::Skipped, "skipped"),
    ];
    let kinds = kinds.iter().map(|(outcome, word)| (of(*outcome).count(), *word)).filter(|(number, _)| *number > 0);
    let mut told: Vec<String> = kinds.map(|(number, word)| format!("{number} {word}")).collect();
    let flaky = run.tasks.iter().filter(|task| task.is_flaky()).count();
    if flaky > 0 {
        told.push(format!("{flaky} flaky"));
    }
    let saved: f64 = run.tasks.iter().filter_map(|task| task.saved).sum();
    text.push('\n');
    let tasks = count(run.tasks.len(), "task", "tasks");
    let _ = write!(text, "{}", look.paint(STRONG, format!("{tasks} in {}", seconds(run.duration))));
    if !told.is_empty() {
        let _ = write!(text, ": {}", told.join(", "));
    }
    if saved >= 0.05 {
        let _ = write!(text, "; the cache saved {}", seconds(saved));
    }
    text.push('\n');
    if let Some(first) = unkept.first() {
        let results = count(unkept.len(), "result is", "results are");
        let reason = first.not_kept.as_deref().unwrap_or_default();
        let line = format!("{results} not kept, such as that of {}: {}", harmless(&first.task), harmless(reason));
        let _ = writeln!(text, "{}", look.paint(FAINT, line));
        if look.all {
            for task in &unkept[1..] {
                let reason = task.not_kept.as_deref().unwrap_or_default();
                let _ = writeln!(text, "  {}: {}", harmless(&task.task), harmless(reason));
            }
        }
    }
    let again: Vec<String> = of(Outcome::Failed).map(|task| word(&task.task)).collect();
    if !again.is_empty() {
        let _ = writeln!(text, "again: {}", look.paint(NAME, format!("knockon run {}", again.join(" "))));
    }
    text
}

/// A task as a word of a shell.
fn word(task: &str) -> String {
    let text = harmless(task).to_string();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-:@+".contains(&byte);
    if text.bytes().all(plain) && !text.starts_with('-') { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests;
