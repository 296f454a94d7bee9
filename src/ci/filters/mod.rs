//! The path filters that a repository's pipelines have, held against the inputs that are inferred.
//!
//! [`read`] finds the pipelines of one tree: their filters, each with its engine's own way of matching, and what their
//! jobs work on. [`audit`] says which projects a filter serves, which of their inputs it misses and by which line that
//! is known, and which patterns match nothing. [`called_for`] asks one commit of the past.

mod additions;
mod audit;
mod azure;
mod buildkite;
mod circleci;
mod drift;
mod files;
mod github;
mod gitlab;
mod glob;
mod jenkins;
mod lints;
mod paths_filter;
mod replay;
mod serves;
mod work;
mod write;

pub use audit::{Audit, AuditedFilter, DeadPattern, MissedInputs, Served, audit};
pub use drift::{Drift, ListChange, drift, drifted_files};
pub use replay::{CalledFor, called_for};

use self::files::{Files, Page};
use self::glob::Glob;
use self::work::Work;
use crate::diagnostic::{Diagnostic, Evidence};
use crate::discover::syntax::Unreadable;
use crate::path::RepoPath;
use crate::tree::{Change, ChangeKind, Tree, TreeError};

/// Whose files they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Engine {
    /// Azure Pipelines.
    Azure,
    /// Buildkite.
    Buildkite,
    /// CircleCI.
    Circleci,
    /// GitHub Actions.
    Github,
    /// GitLab.
    Gitlab,
    /// Jenkins.
    Jenkins,
}

impl Engine {
    /// Its name in outputs.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Azure => "azure",
            Engine::Buildkite => "buildkite",
            Engine::Circleci => "circleci",
            Engine::Github => "github",
            Engine::Gitlab => "gitlab",
            Engine::Jenkins => "jenkins",
        }
    }

    /// How everything below a folder is written; none where the folder's name alone means that.
    fn all_below(self, folder: &str) -> Option<String> {
        match self {
            Engine::Azure => None,
            Engine::Github | Engine::Buildkite | Engine::Jenkins => Some(format!("{folder}/**")),
            Engine::Gitlab => Some(format!("{folder}/**/*")),
            Engine::Circleci => Some(format!("{folder}/.*")),
        }
    }
}

/// All pipelines of one tree.
#[derive(Debug)]
pub struct Pipelines {
    files: Vec<RepoPath>,
    pipelines: Vec<Pipeline>,
    /// Files of engines, templates among them.
    sources: Vec<RepoPath>,
    findings: Vec<Diagnostic>,
}

/// One file that an engine starts runs from.
#[derive(Debug)]
struct Pipeline {
    engine: Engine,
    file: RepoPath,
    work: Work,
    filters: Vec<PathFilter>,
}

/// Patterns that decide whether something runs.
#[derive(Debug)]
struct PathFilter {
    /// What it is called for people: `push`, `job build`.
    names: Vec<String>,
    /// Where it stands.
    place: Evidence,
    combination: Combination,
    patterns: Vec<PathPattern>,
    /// What it guards; none where that is all of its pipeline.
    work: Option<Work>,
    /// Where the same patterns stand again, each time for other events.
    repeated: Vec<Vec<Evidence>>,
}

/// How the patterns of a filter decide together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Combination {
    /// The first that matches.
    First,
    /// The same, and what none matches is let in.
    FirstOrElseIn,
    /// The last that matches.
    Last,
    /// The same, and what none matches is let in.
    LastOrElseIn,
    /// The deepest that matches; what none matches is let in where no pattern includes.
    Deepest,
    /// One that holds is enough; one that excludes holds for all that it does not match.
    Any,
    /// All have to hold.
    Every,
    /// One that matches, and none that matches and excludes.
    AnyUnlessExcluded,
}

/// One pattern.
#[derive(Debug)]
struct PathPattern {
    /// As it is written.
    text: String,
    place: Evidence,
    /// Whether a match is kept out.
    excludes: bool,
    glob: Glob,
    /// How many segments it has, where that weighs.
    depth: usize,
    /// For which kinds of change it is; none where for all.
    changes: Option<Vec<ChangeKind>>,
}

/// What a filter says of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Matches,
    /// No pattern speaks of it.
    Unmentioned,
    /// The pattern at this place keeps it out, although another would let it in.
    KeptOut(usize),
}

impl PathPattern {
    /// Whether it speaks of this change of a path.
    fn matches(&self, path: &RepoPath, change: ChangeKind) -> bool {
        // A file that became executable is modified to every engine.
        let change = if change == ChangeKind::Mode { ChangeKind::Modified } else { change };
        // Nobody is accused of keeping out by a pattern that cannot be read.
        let is_known = self.glob.is_readable() || !self.excludes;
        is_known
            && self.changes.as_ref().is_none_or(|changes| changes.contains(&change))
            && self.glob.matches(path.as_bytes())
    }
}

impl Pipelines {
    /// The filter that an audit is about.
    fn filter(&self, audited: &AuditedFilter) -> &PathFilter {
        let (pipeline, at) = audited.at;
        &self.pipelines[pipeline].filters[at]
    }
}

impl PathFilter {
    /// Its patterns as often as they stand there, each with its place.
    fn lists(&self) -> Vec<Vec<(&Evidence, &str)>> {
        let own = self.patterns.iter().map(|pattern| (&pattern.place, pattern.text.as_str())).collect();
        let repeated = self.repeated.iter().map(|places| {
            places.iter().zip(&self.patterns).map(|(place, pattern)| (place, pattern.text.as_str())).collect()
        });
        std::iter::once(own).chain(repeated).collect()
    }

    fn verdict(&self, path: &RepoPath, change: ChangeKind) -> Verdict {
        let matching = || self.patterns.iter().enumerate().filter(|(_, pattern)| pattern.matches(path, change));
        let excluding = || matching().find(|(_, pattern)| pattern.excludes);
        let decides = match self.combination {
            Combination::First | Combination::FirstOrElseIn => matching().next(),
            Combination::Last | Combination::LastOrElseIn => matching().next_back(),
            // Of two that are equally deep the one that excludes.
            Combination::Deepest => matching().max_by_key(|(_, pattern)| (pattern.depth, pattern.excludes)),
            Combination::AnyUnlessExcluded => excluding().or_else(|| matching().next()),
            Combination::Any | Combination::Every => {
                let mut patterns = self.patterns.iter();
                let holds = |pattern: &PathPattern| pattern.matches(path, change) != pattern.excludes;
                let is_in = match self.combination {
                    Combination::Every => patterns.all(holds),
                    _ => patterns.any(holds),
                };
                let is_included = || matching().any(|(_, pattern)| !pattern.excludes);
                return match excluding() {
                    _ if is_in => Verdict::Matches,
                    Some((at, _)) if is_included() => Verdict::KeptOut(at),
                    _ => Verdict::Unmentioned,
                };
            }
        };
        let default_is_in = match self.combination {
            Combination::LastOrElseIn | Combination::FirstOrElseIn => true,
            Combination::Deepest => self.patterns.iter().all(|pattern| pattern.excludes),
            _ => false,
        };
        match decides {
            Some((_, pattern)) if !pattern.excludes => Verdict::Matches,
            Some((at, _)) if default_is_in || matching().any(|(_, pattern)| !pattern.excludes) => Verdict::KeptOut(at),
            None if default_is_in => Verdict::Matches,
            _ => Verdict::Unmentioned,
        }
    }

    /// Whether a pattern that keeps out matches a path, whatever the others say.
    fn excludes(&self, path: &RepoPath) -> bool {
        self.patterns.iter().any(|pattern| pattern.excludes && pattern.matches(path, ChangeKind::Modified))
    }

    /// Whether a change of a path lets run what the filter guards.
    fn admits(&self, path: &RepoPath, change: ChangeKind) -> bool {
        self.verdict(path, change) == Verdict::Matches
    }

    /// Whether a commit lets run what the filter guards. Rules that are tried in order are asked about all of its files.
    fn admits_any(&self, changes: &[Change]) -> bool {
        let admits = |change: &Change| self.admits(&change.path, change.kind);
        if !matches!(self.combination, Combination::First | Combination::FirstOrElseIn) {
            return changes.iter().any(admits);
        }
        let holds = |pattern: &&PathPattern| changes.iter().any(|change| pattern.matches(&change.path, change.kind));
        match self.patterns.iter().find(holds) {
            Some(decides) => !decides.excludes,
            None => self.combination == Combination::FirstOrElseIn,
        }
    }

    /// Whether another filter says the same about the same work.
    fn says_the_same(&self, other: &PathFilter) -> bool {
        let says = |(one, other): (&PathPattern, &PathPattern)| {
            (one.excludes, &one.changes, &one.text) == (other.excludes, &other.changes, &other.text)
        };
        self.combination == other.combination
            && self.patterns.len() == other.patterns.len()
            && self.patterns.iter().zip(&other.patterns).all(says)
            && self.work.as_ref().map(Work::projects_named) == other.work.as_ref().map(Work::projects_named)
    }
}

/// What the engines' readers fill.
struct Reader<'a> {
    files: &'a Files<'a>,
    pipelines: Vec<Pipeline>,
    sources: Vec<RepoPath>,
    findings: Vec<Diagnostic>,
}

/// Reads all pipelines of a tree. What cannot be read is a finding.
pub fn read(tree: &dyn Tree) -> Result<Pipelines, TreeError> {
    let files = Files::of(tree)?;
    let mut reader = Reader { files: &files, pipelines: Vec::new(), sources: Vec::new(), findings: Vec::new() };
    for path in &files.paths {
        if github::is_workflow(path) {
            reader.page(path, github::read)?;
        } else if azure::is_pipeline(path) {
            reader.page(path, azure::read)?;
        } else if gitlab::is_pipeline(path) {
            gitlab::read(&mut reader, path)?;
        } else if buildkite::is_pipeline(path) {
            reader.page(path, buildkite::read)?;
        } else if circleci::is_pipeline(path) {
            reader.page(path, circleci::read)?;
        } else if jenkins::is_pipeline(path) {
            reader.program(path, jenkins::read)?;
        }
    }
    let Reader { mut pipelines, mut sources, mut findings, .. } = reader;
    sources.sort();
    sources.dedup();
    for pipeline in &mut pipelines {
        pipeline.bound(&mut findings);
        pipeline.join_equal_filters();
    }
    findings.sort();
    findings.dedup();
    Ok(Pipelines { files: files.paths, pipelines, sources, findings })
}

impl Reader<'_> {
    /// Reads a YAML file and hands it on.
    fn page(
        &mut self,
        path: &RepoPath,
        read: impl FnOnce(&mut Self, &Page<'_>) -> Result<(), TreeError>,
    ) -> Result<(), TreeError> {
        let Some(bytes) = self.files.read(path)? else { return Ok(()) };
        self.sources.push(path.clone());
        match Page::of(path, &bytes) {
            Ok(page) => {
                lints::of_page(&page, &mut self.findings);
                return read(self, &page);
            }
            Err(why) => self.unreadable(path, &why),
        }
        Ok(())
    }

    /// Reads a file that is a program.
    fn program(&mut self, path: &RepoPath, read: impl FnOnce(&mut Self, &Page<'_>)) -> Result<(), TreeError> {
        let Some(bytes) = self.files.read(path)? else { return Ok(()) };
        self.sources.push(path.clone());
        match Page::of_program(path, &bytes) {
            Ok(page) => {
                lints::of_page(&page, &mut self.findings);
                read(self, &page);
            }
            Err(why) => self.unreadable(path, &why),
        }
        Ok(())
    }

    fn unreadable(&mut self, path: &RepoPath, why: &Unreadable) {
        let place = Evidence::new(path, why.line, "");
        let message = format!("{path} cannot be read, and its filters are not looked at: {why}");
        self.findings.push(Diagnostic::warning("unreadable-pipeline", message).at(&place));
    }
}

/// A file with more filters is read so far.
const MOST_FILTERS: usize = 1000;

/// The filters of a file may have so many patterns in all.
const MOST_PATTERNS: usize = 10_000;

impl Pipeline {
    /// Leaves aside what no people write, and says so.
    fn bound(&mut self, findings: &mut Vec<Diagnostic>) {
        let before = self.filters.len();
        let mut patterns = 0;
        let mut place = 0;
        self.filters.retain(|filter| {
            place += 1;
            patterns += filter.patterns.len();
            place <= MOST_FILTERS && patterns <= MOST_PATTERNS
        });
        if self.filters.len() < before {
            let message = format!("{} filters are too many to be looked at", before - self.filters.len());
            let place = Evidence::new(&self.file, 0, "");
            findings.push(Diagnostic::warning("unreadable-pipeline", message).at(&place));
        }
    }

    /// Makes one of filters that stand several times: for pushes and for pull requests.
    fn join_equal_filters(&mut self) {
        let mut joined: Vec<PathFilter> = Vec::new();
        for filter in std::mem::take(&mut self.filters) {
            match joined.iter_mut().find(|known| known.says_the_same(&filter)) {
                Some(known) => {
                    known.repeated.push(filter.patterns.into_iter().map(|pattern| pattern.place).collect());
                    known.names.extend(filter.names);
                }
                None => joined.push(filter),
            }
        }
        self.filters = joined;
    }
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
