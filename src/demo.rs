//! The repository that `knockon demo` plants, and what knockon must answer about each of its commits.
//!
//! A fixture is a folder of files with a `scenario.toml`; `fixtures/README.md` explains the format. Everything here
//! is a function of the fixture's files. The demo's own are embedded in the binary.

use std::collections::BTreeMap;

use include_dir::{Dir, include_dir};
use serde::Deserialize;
use toml::value::{Datetime, Offset};

use crate::discover::EdgeKind;
use crate::git::PlantedCommit;
use crate::path::{PathError, RepoPath};
use crate::tree::Mode;

static DELIVERY: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/fixtures/delivery");

/// The ending of file names that must not act where the fixture lies, such as `Cargo.toml.planted`.
const PLANTED: &[u8] = b".planted";

/// The commits of the demo, oldest first.
pub fn commits() -> Result<Vec<PlantedCommit>, FixtureError> {
    let fixture = Fixture::demo()?;
    fixture.commits(&fixture.scenario()?)
}

/// The files of a fixture, relative to its folder and named as they are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixture {
    files: BTreeMap<RepoPath, Vec<u8>>,
}

/// A history and the answers that are expected of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scenario {
    /// The tasks that [`ScenarioCommit::affected`] is exact about.
    pub tasks: Vec<String>,
    /// The projects as of the first commit.
    #[serde(default, rename = "project")]
    pub projects: Vec<ExpectedProject>,
    /// Edges that must be found in the first commit.
    #[serde(default, rename = "edge")]
    pub edges: Vec<ExpectedEdge>,
    /// The commits, oldest first.
    #[serde(rename = "commit")]
    pub commits: Vec<ScenarioCommit>,
}

/// A project that must be found.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedProject {
    /// Its folder.
    pub id: RepoPath,
    /// What it is.
    pub kind: ExpectedKind,
    /// Folders elsewhere that belong to it.
    #[serde(default)]
    pub joins: Vec<RepoPath>,
}

/// What a project is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExpectedKind {
    /// It has a runtime image or a chart.
    Service,
    /// Code that others use.
    Library,
    /// A chart that belongs to no service.
    Chart,
    /// A schema.
    Schema,
}

/// A dependency that must be found.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedEdge {
    /// The project that depends.
    pub from: RepoPath,
    /// What it depends on.
    pub to: RepoPath,
    /// What the edge carries.
    pub kind: EdgeKind,
    /// The file that says so.
    pub evidence: RepoPath,
}

/// A dependency that must not be found any more.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemovedEdge {
    /// The project that depended.
    pub from: RepoPath,
    /// What it depended on.
    pub to: RepoPath,
    /// What the edge carried.
    pub kind: EdgeKind,
}

/// One commit, and what it must affect.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ScenarioCommit {
    /// The message; it is planted with one newline at its end.
    pub message: String,
    /// The date, with its offset.
    pub date: Datetime,
    /// The folder of the files that it writes, relative to the fixture.
    pub overlay: Option<RepoPath>,
    /// Those of the overlay that are executable.
    #[serde(default)]
    pub executable: Vec<RepoPath>,
    /// Symlinks that it writes, with their targets.
    #[serde(default)]
    pub symlinks: BTreeMap<RepoPath, String>,
    /// What goes.
    #[serde(default)]
    pub deletes: Vec<RepoPath>,
    /// Exactly the tasks that are affected against the commit before, as `id:task`.
    pub affected: Option<Vec<String>>,
    /// Whether every task of every project is affected.
    #[serde(default)]
    pub everything: bool,
    /// Projects of which no task may be affected.
    #[serde(default)]
    pub not_affected: Vec<RepoPath>,
    /// Edges that are gone from here on.
    #[serde(default)]
    pub removes_edges: Vec<RemovedEdge>,
}

/// Why a fixture cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FixtureError {
    /// A file's name cannot be planted.
    #[error("the fixture's file {0:?} cannot be planted: {1}")]
    Name(String, #[source] PathError),
    /// There is no `scenario.toml`, or it is not UTF-8.
    #[error("the fixture has no readable scenario.toml")]
    NoScenario,
    /// The scenario is not of the form that it must have.
    #[error("scenario.toml: {0}")]
    Scenario(#[from] Box<toml::de::Error>),
    /// A date has no day, no time or no offset, so that it means different moments in different places.
    #[error("scenario.toml: the date {0} needs a day, a time and an offset")]
    Date(Datetime),
    /// An overlay has no files.
    #[error("scenario.toml: there are no files in the overlay {0}")]
    EmptyOverlay(RepoPath),
    /// A commit makes a file executable that is not in its overlay.
    #[error("scenario.toml: {0} is to be executable, but is not in the overlay")]
    NotWritten(RepoPath),
}

impl Fixture {
    /// The fixture that is embedded.
    pub fn demo() -> Result<Self, FixtureError> {
        let mut files = Vec::new();
        let mut pending = vec![&DELIVERY];
        while let Some(folder) = pending.pop() {
            pending.extend(folder.dirs());
            for file in folder.files() {
                // The macro writes `/` on every platform, and refuses names that are not UTF-8.
                files.push((file.path().to_string_lossy().replace('\\', "/"), file.contents().to_vec()));
            }
        }
        Self::new(files)
    }

    /// A fixture of these files: `/`-separated names relative to its folder, and bytes.
    pub fn new(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<Self, FixtureError> {
        let checked = files.into_iter().map(|(name, bytes)| match RepoPath::from_git(name.as_bytes()) {
            Ok(path) => Ok((path, bytes)),
            Err(error) => Err(FixtureError::Name(name, error)),
        });
        Ok(Self { files: checked.collect::<Result<_, _>>()? })
    }

    /// The files, by their names in the fixture.
    pub fn files(&self) -> &BTreeMap<RepoPath, Vec<u8>> {
        &self.files
    }

    /// What `scenario.toml` says.
    pub fn scenario(&self) -> Result<Scenario, FixtureError> {
        let bytes = self.files.get(&RepoPath::root().child(b"scenario.toml")).ok_or(FixtureError::NoScenario)?;
        let text = std::str::from_utf8(bytes).map_err(|_| FixtureError::NoScenario)?;
        Ok(toml::from_str(text).map_err(Box::new)?)
    }

    /// The commits of a scenario, with the bytes of their overlays.
    pub fn commits(&self, scenario: &Scenario) -> Result<Vec<PlantedCommit>, FixtureError> {
        scenario.commits.iter().map(|commit| self.commit(commit)).collect()
    }

    fn commit(&self, commit: &ScenarioCommit) -> Result<PlantedCommit, FixtureError> {
        let mut writes: BTreeMap<RepoPath, (Mode, Vec<u8>)> = BTreeMap::new();
        if let Some(overlay) = &commit.overlay {
            for (file, bytes) in &self.files {
                if let Some(path) = file.below(overlay) {
                    writes.insert(planted_name(path), (Mode::File, bytes.clone()));
                }
            }
            if writes.is_empty() {
                return Err(FixtureError::EmptyOverlay(overlay.clone()));
            }
        }
        for path in &commit.executable {
            writes.get_mut(path).ok_or_else(|| FixtureError::NotWritten(path.clone()))?.0 = Mode::Executable;
        }
        for (path, target) in &commit.symlinks {
            writes.insert(path.clone(), (Mode::Symlink, target.as_bytes().to_vec()));
        }
        Ok(PlantedCommit {
            message: format!("{}\n", commit.message.trim_end()),
            time: seconds_since_1970(&commit.date).ok_or(FixtureError::Date(commit.date))?,
            writes: writes.into_iter().map(|(path, (mode, bytes))| (path, mode, bytes)).collect(),
            deletes: commit.deletes.clone(),
        })
    }
}

/// The path without the ending that keeps the file from acting where the fixture lies.
fn planted_name(path: RepoPath) -> RepoPath {
    let bare = path.name().and_then(|name| name.strip_suffix(PLANTED)).filter(|bare| !bare.is_empty());
    match (bare, path.parent()) {
        (Some(bare), Some(folder)) => folder.child(bare),
        _ => path,
    }
}

/// None for a date that is not a moment: without a day, a time or an offset.
fn seconds_since_1970(date: &Datetime) -> Option<i64> {
    let (day, time) = (date.date?, date.time?);
    let offset_minutes = match date.offset? {
        Offset::Z => 0,
        Offset::Custom { minutes } => i64::from(minutes),
    };
    // Years that begin in March have their leap day at the end, so that the months' lengths follow one formula.
    let (year, month) = (i64::from(day.year), i64::from(day.month));
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let day_of_year = (153 * month + 2) / 5 + i64::from(day.day) - 1;
    const FIRST_OF_JANUARY_1970: i64 = 719_468;
    let days = 365 * year + leap_days + day_of_year - FIRST_OF_JANUARY_1970;
    let minutes = (days * 24 + i64::from(time.hour)) * 60 + i64::from(time.minute) - offset_minutes;
    Some(minutes * 60 + i64::from(time.second.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::from_git(text.as_bytes()).unwrap()
    }

    fn fixture(scenario: &str, files: &[(&str, &str)]) -> Fixture {
        let scenario = [("scenario.toml", scenario)];
        let files = files.iter().chain(&scenario);
        Fixture::new(files.map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))).unwrap()
    }

    fn commits_of(fixture: &Fixture) -> Result<Vec<PlantedCommit>, String> {
        let planted = fixture.scenario().and_then(|scenario| fixture.commits(&scenario));
        planted.map_err(|error| error.to_string())
    }

    #[test]
    fn dates_are_moments() {
        for (written, seconds) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2019-04-01T08:00:00Z", Some(1_554_105_600)),
            ("2019-04-01T10:00:00+02:00", Some(1_554_105_600)),
            ("2000-02-29T23:59:59Z", Some(951_868_799)),
            ("2000-03-01T00:00:00Z", Some(951_868_800)),
            ("1969-12-31T23:59:59Z", Some(-1)),
            ("2019-04-01T08:00:00", None),
            ("2019-04-01", None),
        ] {
            assert_eq!(seconds_since_1970(&written.parse().unwrap()), seconds, "{written}");
        }
    }

    #[test]
    fn a_commit_takes_its_overlay_with_modes_and_bare_names() {
        let fixture = fixture(
            r#"
            tasks = []
            [[commit]]
            message = "one"
            date = 1970-01-01T00:01:00Z
            overlay = "repository"
            executable = ["run.sh"]
            symlinks = { "lib/link" = "../run.sh" }
            [[commit]]
            message = """
            two

            why
            """
            date = 1970-01-01T00:02:00Z
            deletes = ["run.sh"]
            "#,
            &[("repository/run.sh", "x"), ("repository/lib/Cargo.toml.planted", "y"), ("repository-notes/no", "z")],
        );
        let commits = commits_of(&fixture).unwrap();
        assert_eq!(
            commits[0],
            PlantedCommit {
                message: "one\n".to_owned(),
                time: 60,
                writes: vec![
                    (path("lib/Cargo.toml"), Mode::File, b"y".to_vec()),
                    (path("lib/link"), Mode::Symlink, b"../run.sh".to_vec()),
                    (path("run.sh"), Mode::Executable, b"x".to_vec()),
                ],
                deletes: vec![],
            }
        );
        assert_eq!((commits[1].writes.len(), &commits[1].deletes[..]), (0, &[path("run.sh")][..]));
        assert!(commits[1].message.ends_with("why\n"));
    }

    #[test]
    fn a_scenario_that_does_not_fit_its_files_is_refused() {
        let commit = |rest: &str| format!("tasks = []\n[[commit]]\nmessage = 'x'\n{rest}");
        let dated = |rest: &str| commit(&format!("date = 1970-01-01T00:00:00Z\n{rest}"));
        for (scenario, complaint) in [
            (dated("overlay = 'commits/none'"), "there are no files in the overlay commits/none"),
            (dated("executable = ['a']"), "a is to be executable, but is not in the overlay"),
            (commit("date = 1970-01-01"), "needs a day, a time and an offset"),
            (dated("afected = []"), "unknown field `afected`"),
        ] {
            let error = commits_of(&fixture(&scenario, &[])).unwrap_err();
            assert!(error.contains(complaint), "{error}");
        }
        assert!(matches!(Fixture::new([]).unwrap().scenario(), Err(FixtureError::NoScenario)));
        assert!(matches!(Fixture::new([("../x".to_owned(), vec![])]), Err(FixtureError::Name(..))));
    }
}
