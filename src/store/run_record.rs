//! What a run did, task by task: kept beside the git directory for `knockon last`, and what every report of a run is made
//! of.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// How a task of a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It ran, and passed.
    Passed,
    /// It passed before with the same fingerprint, and what it made then was restored.
    Cached,
    /// It ran, and failed.
    Failed,
    /// It was stopped before it came to an end.
    Stopped,
    /// It did not run.
    Skipped,
}

impl Outcome {
    /// Whether what needs the task may run.
    pub fn is_good(self) -> bool {
        matches!(self, Outcome::Passed | Outcome::Cached)
    }
}

/// Where results are found that earlier runs on this machine kept.
pub const HERE: &str = "here";

/// What a run did with one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct TaskRecord {
    /// The task's id.
    pub task: String,
    /// Its fingerprint, in hexadecimal digits.
    pub fingerprint: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, in words, where that is not plain: how it failed, why it did not run, or why it did though its result is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why its result is not kept, where it passed and is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_kept: Option<String>,
    /// Patterns of its outputs that match nothing that is there, where others do and it passed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_made: Vec<String>,
    /// Seconds from the beginning of the run.
    pub start: f64,
    /// How many seconds it took in all its attempts.
    pub duration: f64,
    /// How many seconds it took when it ran, where its result comes from the cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved: Option<f64>,
    /// Where its result was found: `here`, or the namespace of a remote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// Which of the places for tasks it ran in, counted from 0.
    pub lane: usize,
    /// The last bytes that it printed, where it failed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_output: String,
    /// Processes that it left behind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_behind: Vec<String>,
}

impl TaskRecord {
    /// Whether it failed first and passed then.
    pub fn is_flaky(&self) -> bool {
        self.outcome == Outcome::Passed && self.attempts > 1
    }
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RunRecord {
    /// When it began, in milliseconds since 1970.
    pub began: u64,
    /// Where it ran: the page of a CI engine's job, or the name of the machine.
    #[serde(default)]
    pub place: String,
    /// How many seconds it took.
    pub duration: f64,
    /// The number of the signal that ended it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// Its tasks, in the order of their ids.
    pub tasks: Vec<TaskRecord>,
}

/// A file of more bytes than this was not written here.
const MOST_BYTES: u64 = 1 << 30;

impl RunRecord {
    /// Whether all of its tasks passed.
    pub fn is_good(&self) -> bool {
        self.signal.is_none() && self.tasks.iter().all(|task| task.outcome.is_good())
    }

    /// The file that holds the last run of a repository.
    pub fn file(git_directory: &Path) -> PathBuf {
        git_directory.join("knockon").join("last-run.json")
    }

    /// Keeps it in a file, in place of whatever is there.
    pub fn keep(&self, file: &Path) -> io::Result<()> {
        write_json(file, self)
    }

    /// What a file holds; none where there is no such file.
    pub fn read(file: &Path) -> io::Result<Option<Self>> {
        read_json(file)
    }
}

/// Writes a file that is whole or not there.
pub(super) fn write_json(file: &Path, value: &impl Serialize) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let unfinished = file.with_extension(format!("{}.unfinished", std::process::id()));
    let written = fs::File::create(&unfinished).and_then(|mut to| {
        to.write_all(&serde_json::to_vec(value).map_err(io::Error::other)?)?;
        fs::rename(&unfinished, file)
    });
    if written.is_err() {
        // What cannot be written may not be there to remove.
        let _ = fs::remove_file(&unfinished);
    }
    written
}

/// Reads what [`write_json`] wrote; none where there is no such file.
pub(super) fn read_json<T: DeserializeOwned>(file: &Path) -> io::Result<Option<T>> {
    match fs::metadata(file) {
        Ok(metadata) if metadata.is_file() && metadata.len() <= MOST_BYTES => {
            serde_json::from_slice(&fs::read(file)?).map(Some).map_err(io::Error::other)
        }
        Ok(_) => Err(io::Error::other("it is not what a run writes")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
