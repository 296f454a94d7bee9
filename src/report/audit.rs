//! What path filters miss: the published format, and lines for people.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use super::json::SCHEMA;
use super::text::{DOUBT, FAINT, Look, NAME, STRONG, count, evidence_text};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::path::{RepoPath, harmless};
use crate::plan::TreeName;
use crate::workspace::{ProjectId, TaskId};

/// What `audit filters` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FiltersReport {
    /// The version of this format.
    pub schema: u32,
    /// The tree.
    pub tree: TreeName,
    /// How many pipelines there are, with filters or without.
    pub pipelines: usize,
    /// Their filters, sorted by file and line.
    pub filters: Vec<FilterReport>,
    /// What else is wrong with filters, references and releases.
    pub findings: Vec<Diagnostic>,
    /// What the last commits called for, where that was asked for.
    pub history: Option<FilterHistory>,
    /// What `--write` changed and `--check` would; where one of them was given.
    pub changes: Option<Vec<ChangeReport>>,
}

/// Patterns that are added to one list.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChangeReport {
    /// The item of the list that they go behind.
    pub behind: Evidence,
    /// The patterns, as the engine writes them.
    pub add: Vec<String>,
}

/// One filter.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FilterReport {
    /// Whose filter it is: `azure`, `github`, …
    pub engine: String,
    /// The events, the job or the output that it is for. Several where they say the same.
    pub names: Vec<String>,
    /// Its first line.
    pub place: Evidence,
    /// The patterns as written.
    pub patterns: Vec<String>,
    /// The projects that it guards. Empty: none that is known, so nothing is said about misses.
    pub serves: Vec<ServedReport>,
    /// The tasks of these projects that the guarded jobs run.
    pub tasks: Vec<TaskId>,
    /// What these tasks read and the filter does not match.
    pub missed: Vec<MissedReport>,
    /// Patterns that match no file.
    pub dead: Vec<DeadReport>,
    /// Whether it matches the file that it stands in.
    pub matches_own_file: bool,
    /// How many documents it keeps out that tasks may read.
    pub documents_kept_out: usize,
    /// Of the builds that the last commits called for, how many it misses; where that was asked for.
    pub builds: Option<BuildsReport>,
}

/// A project that a filter guards.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ServedReport {
    /// The project.
    pub project: ProjectId,
    /// The line that says so.
    pub evidence: Evidence,
}

/// Inputs that a filter does not match, of one project or folder.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MissedReport {
    /// The project's folder, or the folder or file that is nobody's.
    pub folder: RepoPath,
    /// How many files.
    pub files: usize,
    /// One of them.
    pub example: RepoPath,
    /// A task that reads it.
    pub task: TaskId,
    /// The line by which that is known.
    pub evidence: Evidence,
    /// The pattern that keeps it out, where another would let it in.
    pub kept_out_by: Option<Evidence>,
    /// Patterns, as the engine writes them, that would match those that no pattern keeps out.
    pub add: Vec<String>,
}

/// A pattern that matches no file.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DeadReport {
    /// The pattern as written.
    pub pattern: String,
    /// Its line.
    pub place: Evidence,
    /// What would match.
    pub help: Option<String>,
}

/// Builds that commits called for.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct BuildsReport {
    /// In how many commits the filter's tasks were affected.
    pub called_for: usize,
    /// In how many of them the filter matches no changed file.
    pub missed: usize,
    /// The files that called for missed builds most often.
    pub paths: Vec<PathCount>,
}

/// How often a file called for a build that was missed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PathCount {
    /// The file.
    pub path: RepoPath,
    /// How many commits.
    pub commits: usize,
}

/// What the last commits called for.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct FilterHistory {
    /// How many commits were asked.
    pub commits: usize,
    /// For how many of them nothing could be planned.
    pub refused: usize,
    /// In how many a filter misses a build.
    pub missed_commits: usize,
    /// How many builds they called for, each filter by itself.
    pub builds: usize,
    /// How many of these are missed.
    pub missed_builds: usize,
}

impl FiltersReport {
    /// A report without filters yet.
    pub fn new(tree: TreeName, pipelines: usize, findings: Vec<Diagnostic>) -> Self {
        Self { schema: SCHEMA, tree, pipelines, filters: Vec::new(), findings, history: None, changes: None }
    }

    /// Whether a filter misses an input.
    pub fn has_misses(&self) -> bool {
        self.filters.iter().any(|filter| !filter.missed.is_empty())
    }
}

/// How many groups of missed inputs of one filter are told before it says how many more there are.
const MOST_GROUPS: usize = 8;

/// The audit for people.
pub fn filters_text(report: &FiltersReport, look: Look) -> String {
    let mut text = String::new();
    let mut told: Vec<&FilterReport> = report.filters.iter().filter(|filter| look.all || !filter.is_sound()).collect();
    // The worst first, where it is known how often each fails.
    told.sort_by_key(|filter| std::cmp::Reverse(filter.builds.as_ref().map(|builds| builds.missed)));
    for filter in &told {
        filter_text(&mut text, filter, look);
    }
    let sound = report.filters.len() - told.len();
    if sound > 0 && !told.is_empty() {
        let _ = writeln!(text, "{} with nothing to say about; --all tells\n", count(sound, "filter", "filters"));
    }
    let missing = report.filters.iter().filter(|filter| !filter.missed.is_empty()).count();
    let unknown = report.filters.iter().filter(|filter| filter.serves.is_empty()).count();
    let dead: usize = report.filters.iter().map(|filter| filter.dead.len()).sum();
    let _ = writeln!(
        text,
        "{}, {}: {missing} with misses, {unknown} for no known project; {}",
        count(report.pipelines, "pipeline", "pipelines"),
        count(report.filters.len(), "filter", "filters"),
        count(dead, "dead pattern", "dead patterns"),
    );
    if let Some(history) = &report.history {
        let refused = match history.refused {
            0 => String::new(),
            refused => format!(" ({refused} could not be planned)"),
        };
        let _ = writeln!(
            text,
            "last {}{refused}: in {} a filter misses a build, {} of {}",
            count(history.commits, "commit", "commits"),
            history.missed_commits,
            history.missed_builds,
            count(history.builds, "build", "builds"),
        );
    }
    text
}

impl FilterReport {
    fn is_sound(&self) -> bool {
        let missed_builds = self.builds.as_ref().is_some_and(|builds| builds.missed > 0);
        self.missed.is_empty() && self.dead.is_empty() && !self.serves.is_empty() && !missed_builds
    }
}

fn filter_text(text: &mut String, filter: &FilterReport, look: Look) {
    let place = format!("{}:{}", filter.place.file, filter.place.line);
    let _ = writeln!(text, "{}  {}", look.paint(NAME, place), safe(&filter.names.join(", ")));
    let mut served: Vec<String> = filter.serves.iter().map(|served| served.project.to_string()).collect();
    let most = if look.all { usize::MAX } else { 6 };
    if served.len() > most + 1 {
        let more = served.len() - most;
        served.truncate(most);
        served.push(format!("{more} more"));
    }
    let _ = match served.is_empty() {
        true => {
            writeln!(text, "  {}", look.paint(DOUBT, "for no project that is known here: its misses are not known"))
        }
        false => writeln!(text, "  {} {}", look.paint(FAINT, "for"), served.join(", ")),
    };
    let shown = if look.all || filter.missed.len() <= MOST_GROUPS + 1 { filter.missed.len() } else { MOST_GROUPS };
    for missed in &filter.missed[..shown] {
        let _ = match missed.files {
            1 => writeln!(text, "  {} {}", look.paint(STRONG, "misses"), missed.example),
            files => writeln!(
                text,
                "  {} {}: {files} files, such as {}",
                look.paint(STRONG, "misses"),
                missed.folder,
                missed.example
            ),
        };
        let _ = writeln!(text, "      {}", look.paint(FAINT, look.cut(&evidence_text(&missed.evidence), 6)));
        if let Some(pattern) = &missed.kept_out_by {
            let line = format!("kept out by {}", evidence_text(pattern));
            let _ = writeln!(text, "      {}", look.paint(FAINT, look.cut(&line, 6)));
        }
    }
    if shown < filter.missed.len() {
        let line = format!("  … and in {} more places; --all tells", filter.missed.len() - shown);
        let _ = writeln!(text, "{}", look.paint(FAINT, line));
    }
    let add: Vec<&str> = filter.missed[..shown].iter().flat_map(|missed| &missed.add).map(String::as_str).collect();
    if !add.is_empty() {
        let add: Vec<String> = add.into_iter().map(|pattern| format!("'{}'", safe(pattern))).collect();
        let _ = writeln!(text, "  {} {}", look.paint(STRONG, "add"), add.join(", "));
    }
    for dead in &filter.dead {
        let help = dead.help.as_ref().map(|help| format!("; {}", safe(help))).unwrap_or_default();
        let line = format!("`{}` matches no file{help}", safe(&dead.pattern));
        let _ = writeln!(text, "  {} {line}  {}", look.paint(STRONG, "dead"), look.paint(FAINT, line_of(&dead.place)));
    }
    if let Some(builds) = &filter.builds
        && builds.called_for > 0
    {
        let line = format!("{} of {}", builds.missed, count(builds.called_for, "build", "builds"));
        let _ = writeln!(text, "  {} {line}", look.paint(if builds.missed > 0 { STRONG } else { FAINT }, "missed"));
        for path in &builds.paths {
            let _ =
                writeln!(text, "      {}  {}", path.path, look.paint(FAINT, count(path.commits, "commit", "commits")));
        }
    }
    if look.all {
        for served in &filter.serves {
            let line = format!("{} by {}", served.project, evidence_text(&served.evidence));
            let _ = writeln!(text, "  {}", look.paint(FAINT, line));
        }
        if !filter.matches_own_file {
            let line = format!("  a change of {} itself starts nothing", filter.place.file);
            let _ = writeln!(text, "{}", look.paint(FAINT, line));
        }
        if filter.documents_kept_out > 0 {
            let line = format!("  keeps out {}", count(filter.documents_kept_out, "document", "documents"));
            let _ = writeln!(text, "{}", look.paint(FAINT, line));
        }
    }
    text.push('\n');
}

fn line_of(place: &Evidence) -> String {
    format!("{}:{}", place.file, place.line)
}

/// Text of a repository, safe for a terminal.
fn safe(text: &str) -> String {
    harmless(text).to_string()
}
