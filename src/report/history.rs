//! What would have been planned for the last commits: the published format, and lines for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::json::SCHEMA;
use super::text::{DOUBT, FAINT, Look, NAME, STRONG, count};
use crate::affect::{Difference, DifferenceSide};
use crate::path::harmless;
use crate::plan::TreeName;
use crate::workspace::TaskId;

/// What `history` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HistoryReport {
    /// The version of this format.
    pub schema: u32,
    /// The newest commit.
    pub head: TreeName,
    /// Whether each answer was held against the fingerprints of every task in both trees.
    pub verified: bool,
    /// The commits, newest first.
    pub commits: Vec<CommitReport>,
    /// The commit at which a shallow clone cuts the history, if that was reached. It is not among the commits.
    pub cut: Option<String>,
    /// All of them together.
    pub totals: HistoryTotals,
}

/// One commit.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CommitReport {
    /// Its id.
    pub commit: String,
    /// Its first parent, which it is compared with; none for a first commit, which is compared with the empty tree.
    pub parent: Option<String>,
    /// The first line of its message, for people.
    #[serde(skip)]
    pub subject: Vec<u8>,
    /// How many files it changes.
    pub changed: usize,
    /// Affected projects.
    pub projects: ShareReport,
    /// Affected tasks.
    pub tasks: ShareReport,
    /// The reasons of doubts that widened the plan.
    pub widened: Vec<String>,
    /// Tasks that are affected, and not only by a doubt, although no file below their project's own folders changed.
    pub filter_misses: Vec<TaskId>,
    /// Tasks of which the answer says something else than their fingerprints.
    pub differences: Vec<Difference>,
    /// Why nothing could be planned, where the configuration of that time forbids it.
    pub refused: Option<String>,
}

/// How many of how many.
#[derive(Debug, Default, Clone, Copy, Serialize, JsonSchema)]
pub struct ShareReport {
    /// How many are affected.
    pub affected: usize,
    /// How many there are.
    pub all: usize,
}

/// Sums over commits.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct HistoryTotals {
    /// How many commits were replayed.
    pub commits: usize,
    /// For how many of them nothing could be planned.
    pub refused: usize,
    /// How often a task was selected, and how often one could have been.
    pub tasks: ShareReport,
    /// How many commits' plans were widened by a doubt.
    pub widened: usize,
    /// The same by the doubt's reason.
    pub widened_by: BTreeMap<String, usize>,
    /// In how many commits a filter by folders misses a task.
    pub filter_missed_commits: usize,
    /// How many tasks it misses.
    pub filter_misses: usize,
    /// How many differences were found.
    pub differences: usize,
}

impl HistoryReport {
    /// A report without commits yet.
    pub fn new(head: TreeName, verified: bool) -> Self {
        let totals = HistoryTotals::default();
        Self { schema: SCHEMA, head, verified, commits: Vec::new(), cut: None, totals }
    }

    /// Adds a commit that is older than those before.
    pub fn add(&mut self, commit: CommitReport) {
        let totals = &mut self.totals;
        totals.commits += 1;
        totals.refused += usize::from(commit.refused.is_some());
        totals.tasks.affected += commit.tasks.affected;
        totals.tasks.all += commit.tasks.all;
        totals.widened += usize::from(!commit.widened.is_empty());
        for reason in &commit.widened {
            *totals.widened_by.entry(reason.clone()).or_default() += 1;
        }
        totals.filter_missed_commits += usize::from(!commit.filter_misses.is_empty());
        totals.filter_misses += commit.filter_misses.len();
        totals.differences += commit.differences.len();
        self.commits.push(commit);
    }
}

/// What stands above the commits.
pub fn heading(look: Look) -> String {
    look.paint(FAINT, format!("{:<12}  {:>5}  {:>9}  {:>11}", "commit", "files", "projects", "tasks")) + "\n"
}

/// One commit in a line, and what was found wrong below it.
pub fn commit_text(commit: &CommitReport, look: Look) -> String {
    let share = |share: ShareReport| format!("{}/{}", share.affected, share.all);
    let short = &commit.commit[..commit.commit.len().min(12)];
    let mut numbers = format!("  {:>5}  ", commit.changed);
    match &commit.refused {
        None => _ = write!(numbers, "{:>9}  {:>11}", share(commit.projects), share(commit.tasks)),
        Some(_) => _ = write!(numbers, "{:>9}  {:>11}", "-", "-"),
    }
    let mut remarks = Vec::new();
    if let Some(why) = &commit.refused {
        remarks.push(format!("not planned: {why}"));
    }
    if !commit.widened.is_empty() {
        remarks.push(format!("widened: {}", commit.widened.join(", ")));
    }
    if !commit.filter_misses.is_empty() {
        remarks.push(format!("filter misses {}", commit.filter_misses.len()));
    }
    let remarks: String = remarks.iter().map(|remark| format!("  {remark}")).collect();
    let subject =
        look.cut(&harmless(&commit.subject).to_string(), short.width() + numbers.width() + 2 + remarks.width());
    let mut text = format!("{}{numbers}  {subject}{}\n", look.paint(NAME, short), look.paint(DOUBT, remarks));
    for difference in &commit.differences {
        let side = match difference.side {
            DifferenceSide::Missed => "missed",
            DifferenceSide::Excess => "excess",
        };
        let _ = writeln!(text, "    {}  {}", look.paint(STRONG, side), difference.task);
    }
    text
}

/// All commits together.
pub fn totals_text(report: &HistoryReport, look: Look) -> String {
    let totals = &report.totals;
    let mut text = String::from("\n");
    if let Some(cut) = &report.cut {
        let line =
            format!("the history of this shallow clone is cut at {cut}; `git fetch --unshallow` brings the rest");
        text.push_str(&(look.paint(DOUBT, line) + "\n"));
    }
    let percent = match totals.tasks.all {
        0 => 0.0,
        all => totals.tasks.affected as f64 * 100.0 / all as f64,
    };
    let _ = writeln!(
        text,
        "{}: {} of {} task selections, {percent:.1} %",
        count(totals.commits, "commit", "commits"),
        totals.tasks.affected,
        totals.tasks.all
    );
    if totals.refused > 0 {
        let _ = writeln!(text, "{} could not be planned", count(totals.refused, "commit", "commits"));
    }
    let by: Vec<String> = totals.widened_by.iter().map(|(reason, commits)| format!("{reason} {commits}")).collect();
    let by = if by.is_empty() { String::new() } else { format!(": {}", by.join(", ")) };
    let _ = writeln!(text, "{} widened{by}", count(totals.widened, "commit", "commits"));
    let _ = writeln!(
        text,
        "{} in which a path filter misses {}",
        count(totals.filter_missed_commits, "commit", "commits"),
        count(totals.filter_misses, "task", "tasks")
    );
    if report.verified {
        let line = count(totals.differences, "difference", "differences") + " from fingerprints of both trees\n";
        text.push_str(&if totals.differences > 0 { look.paint(STRONG, line) } else { line });
    }
    text
}
