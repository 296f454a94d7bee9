//! What the last runs came to: how much of each was taken from the cache.

use std::io;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::run_record::{Outcome, RunRecord, read_json, write_json};

/// So many runs are remembered.
const MOST: usize = 20;

/// What one run came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RunSummary {
    /// When it began, in milliseconds since 1970.
    pub began: u64,
    /// Where it ran: the page of a CI engine's job, or the name of the machine.
    pub place: String,
    /// How many of its tasks were restored.
    pub cached: usize,
    /// How many seconds they took when they ran.
    pub saved: f64,
    /// How many of its tasks ran.
    pub ran: usize,
    /// How many of those passed and are not kept, so that they will run again.
    pub not_kept: usize,
}

impl RunSummary {
    /// What a run came to.
    pub fn of(run: &RunRecord) -> Self {
        let count = |outcomes: &[Outcome]| run.tasks.iter().filter(|task| outcomes.contains(&task.outcome)).count();
        Self {
            began: run.began,
            place: run.place.clone(),
            cached: count(&[Outcome::Cached]),
            saved: run.tasks.iter().filter_map(|task| task.saved).sum(),
            ran: count(&[Outcome::Passed, Outcome::Failed, Outcome::Stopped]),
            not_kept: run.tasks.iter().filter(|task| task.not_kept.is_some()).count(),
        }
    }

    /// The last runs, the newest first.
    pub fn read(git_directory: &Path) -> io::Result<Vec<Self>> {
        Ok(read_json(&file(git_directory))?.unwrap_or_default())
    }

    /// Remembers it. Of two runs that end at once in two work trees one may be forgotten.
    pub fn remember(self, git_directory: &Path) -> io::Result<()> {
        let mut runs = Self::read(git_directory).unwrap_or_default();
        runs.insert(0, self);
        runs.truncate(MOST);
        write_json(&file(git_directory), &runs)
    }
}

fn file(git_directory: &Path) -> PathBuf {
    git_directory.join("knockon").join("runs.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_runs_are_remembered_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(RunSummary::read(folder.path()).unwrap(), []);
        let run = |began| RunRecord { began, place: "here".to_owned(), duration: 1.0, signal: None, tasks: Vec::new() };
        for began in 0..30 {
            RunSummary::of(&run(began)).remember(folder.path()).unwrap();
        }
        let began: Vec<u64> = RunSummary::read(folder.path()).unwrap().iter().map(|run| run.began).collect();
        assert_eq!(began, (10..30).rev().collect::<Vec<_>>());
        // What cannot be read is begun anew.
        std::fs::write(file(folder.path()), "[{]").unwrap();
        assert!(RunSummary::read(folder.path()).is_err());
        RunSummary::of(&run(7)).remember(folder.path()).unwrap();
        assert_eq!(RunSummary::read(folder.path()).unwrap().len(), 1);
    }
}
