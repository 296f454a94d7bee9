//! What is kept between runs, for people and programs.

use std::fmt::Write as _;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::run::seconds;
use super::text::count;
use crate::path::harmless;
use crate::store::{Pruned, RunSummary, Verified};

/// What `cache` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CacheReport {
    /// The version of this format.
    pub schema: u32,
    /// The folder that it lies in.
    pub folder: String,
    /// How many items this build can use.
    pub items: usize,
    /// How many bytes they take.
    pub bytes: u64,
    /// How many items of other builds, or unfinished ones, there are.
    pub others: usize,
    /// How many bytes they take.
    pub other_bytes: u64,
    /// How many results of tasks there are.
    pub results: usize,
    /// How many bytes they take.
    pub result_bytes: u64,
    /// How many files among them were found damaged, and moved aside.
    pub damaged: usize,
    /// What the last runs took from the cache, the newest first.
    pub runs: Vec<RunSummary>,
    /// Whether all of them were removed.
    pub cleared: bool,
}

/// So many of the last runs are told.
const TOLD_RUNS: usize = 5;

/// What is kept, or was removed. `now` is the time since 1970.
pub fn cache_text(report: &CacheReport, now: Duration) -> String {
    let removed = if report.cleared { "removed from " } else { "" };
    let (folder, items) = (harmless(&report.folder), count(report.items, "item", "items"));
    let mut text = format!("{removed}{folder}: {items}, {}\n", megabytes(report.bytes));
    if report.others > 0 {
        let others = count(report.others, "item", "items");
        text.push_str(&format!("of other builds or unfinished: {others}, {}\n", megabytes(report.other_bytes)));
    }
    let results = count(report.results, "result of a task", "results of tasks");
    text.push_str(&format!("{results}, {}\n", megabytes(report.result_bytes)));
    if report.damaged > 0 {
        text.push_str(&format!("{} moved aside\n", count(report.damaged, "damaged file was", "damaged files were")));
    }
    for run in report.runs.iter().take(TOLD_RUNS).filter(|_| !report.cleared) {
        let ago = seconds(now.saturating_sub(Duration::from_millis(run.began)).as_secs_f64());
        let _ = write!(text, "run {ago} ago at {}: {} from the cache", harmless(&run.place), run.cached);
        if run.saved >= 0.05 {
            let _ = write!(text, " (saved {})", seconds(run.saved));
        }
        let _ = write!(text, ", {} ran", run.ran);
        if run.not_kept > 0 {
            let _ = write!(text, ", {} not kept: `knockon last` tells", run.not_kept);
        }
        text.push('\n');
    }
    if !report.cleared {
        text.push_str(
            "the items are workspaces and digests that were worked out before; `knockon cache --clear` removes everything,\n",
        );
        text.push_str("and nothing but time is lost\n");
    }
    text
}

/// What a look at all results found.
pub fn verified_text(verified: &Verified) -> String {
    let results = count(verified.results, "result is", "results are");
    let broken = count(verified.broken, "was not and is removed", "were not and are removed");
    let damaged = count(verified.damaged, "damaged file was", "damaged files were");
    format!("{results} whole; {broken}; {damaged} moved aside\n")
}

/// What was removed.
pub fn pruned_text(pruned: &Pruned) -> String {
    if pruned.busy {
        return "another process is removing results just now\n".to_owned();
    }
    let (results, blobs) = (count(pruned.results, "result", "results"), count(pruned.blobs, "blob", "blobs"));
    format!("removed {results} and {blobs}: {}\n", megabytes(pruned.bytes))
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
