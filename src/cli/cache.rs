//! `knockon cache`: what is kept between runs.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Exit;
use super::arguments::{CacheAction, Format};
use super::commands::{Failure, Session};
use crate::git::{GitEnvironment, Repository};
use crate::report::cache::{CacheReport, cache_text, pruned_text, verified_text};
use crate::report::json::SCHEMA;
use crate::store::{Cache, CacheError, Memo, RunSummary};

/// How much is kept of results, unless somebody says another size.
pub(super) const USUAL_LIMIT: u64 = 10_000_000_000;

/// What is younger may be of a result that is being written.
pub(super) const GRACE: Duration = Duration::from_secs(3600);

impl From<CacheError> for Failure {
    fn from(error: CacheError) -> Self {
        Self::Output(std::io::Error::other(error))
    }
}

impl Session<'_> {
    /// Shows what is kept, or removes it.
    pub(super) fn cache(&self, action: Option<CacheAction>, clear: bool, format: Format) -> Result<Exit, Failure> {
        let git = GitEnvironment::from_variables(self.surroundings.variables.iter().cloned());
        let repository = Repository::discover(&self.common.directory, &git)?;
        let memo = Memo::beside(repository.git_directory());
        let cache = Cache::beside(repository.git_directory());
        match action {
            Some(CacheAction::Verify) => {
                let verified = cache.verify()?;
                self.output.answer(&verified_text(&verified))?;
                return Ok(Exit::Done);
            }
            Some(CacheAction::Prune { keep }) => {
                let pruned = cache.prune(keep, GRACE)?;
                self.output.answer(&pruned_text(&pruned))?;
                return Ok(Exit::Done);
            }
            #[cfg(feature = "remote")]
            Some(CacheAction::Key) => return self.public_key(),
            None => {}
        }
        let results = cache.contents()?;
        let contents = if clear {
            cache.prune(0, Duration::ZERO)?;
            memo.clear()?
        } else {
            memo.contents()?
        };
        let folder = memo.folder();
        let report = CacheReport {
            schema: SCHEMA,
            folder: folder.display().to_string(),
            items: contents.items,
            bytes: contents.bytes,
            others: contents.others,
            other_bytes: contents.other_bytes,
            results: results.results,
            result_bytes: results.bytes,
            damaged: results.damaged,
            runs: RunSummary::read(repository.git_directory()).unwrap_or_default(),
            cleared: clear,
        };
        match format {
            Format::Text => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                self.output.answer(&cache_text(&report, now))?;
            }
            Format::Json => self.output.json(&report)?,
        }
        Ok(Exit::Done)
    }
}
