//! `knockon cache`: what is kept between runs.

use super::Exit;
use super::arguments::Format;
use super::commands::{Failure, Session};
use crate::git::{GitEnvironment, Repository};
use crate::report::cache::{CacheReport, cache_text};
use crate::report::json::SCHEMA;
use crate::store::Memo;

impl Session<'_> {
    /// Shows what is kept, or removes it.
    pub(super) fn cache(&self, clear: bool, format: Format) -> Result<Exit, Failure> {
        let git = GitEnvironment::from_variables(self.surroundings.variables.iter().cloned());
        let memo = Memo::beside(Repository::discover(&self.common.directory, &git)?.git_directory());
        let contents = if clear { memo.clear()? } else { memo.contents()? };
        let folder = memo.folder();
        let report = CacheReport {
            schema: SCHEMA,
            folder: folder.display().to_string(),
            items: contents.items,
            bytes: contents.bytes,
            others: contents.others,
            other_bytes: contents.other_bytes,
            cleared: clear,
        };
        match format {
            Format::Text => self.output.answer(&cache_text(&report))?,
            Format::Json => self.output.json(&report)?,
        }
        Ok(Exit::Done)
    }
}
