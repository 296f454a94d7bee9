//! What a person sees of a run while it goes on.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use super::arguments::ShownOutput;
use super::output::Output as Streams;
use crate::ci::LogReader;
use crate::path::harmless;
use crate::report::run::{Progress, task_line};
use crate::run::log_commands::{HarmlessLog, LogCommands};
use crate::run::scheduler::Place;
use crate::run::{Observer, Output, Work, spool};
use crate::store::{Cache, Outcome, TaskRecord};

/// Shows a run on standard output.
pub(super) struct Watch<'a> {
    pub(super) streams: &'a Streams,
    pub(super) works: &'a [Work],
    pub(super) cache: &'a Cache,
    pub(super) shown: ShownOutput,
    pub(super) reader: LogReader,
    pub(super) progress: Progress,
    /// What tasks have printed of lines that have not ended yet.
    pub(super) unfinished: BTreeMap<Place, Vec<u8>>,
    /// Whether standard output is gone.
    pub(super) is_deaf: bool,
}

/// A line that is longer than this is shown in parts.
const LONGEST_LINE: usize = 64 * 1024;

impl Watch<'_> {
    fn print(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        if !self.is_deaf {
            // Nobody listens any more: the run goes on all the same.
            self.is_deaf = self.progress.print(write).is_err();
        }
    }

    fn lines(&mut self, place: Place, lines: &[u8]) {
        let prefix = format!("{} | ", harmless(&self.works[place].id.to_string()));
        let commands = self.commands();
        self.print(|to| {
            // Standard output would be written line by line.
            let mut log = HarmlessLog::new(Vec::with_capacity(lines.len() + prefix.len()), commands);
            for line in lines.split_inclusive(|byte| *byte == b'\n') {
                log.write_all(prefix.as_bytes())?;
                log.write_all(line)?;
                if !line.ends_with(b"\n") {
                    log.write_all(b"\n")?;
                }
            }
            to.write_all(&log.finish()?)
        });
    }

    fn commands(&self) -> LogCommands {
        match self.reader {
            LogReader::GitHub => {
                // Seeded by the operating system anew for each of these.
                let random = || RandomState::new().hash_one(0_u8);
                LogCommands::StoppedUntil(format!("{:016x}{:016x}", random(), random()))
            }
            LogReader::Azure => LogCommands::BrokenUp,
            LogReader::People | LogReader::GitLab | LogReader::Buildkite => LogCommands::None,
        }
    }
}

impl Observer for Watch<'_> {
    fn started(&mut self, place: Place) {
        self.progress.started(place, &self.works[place].id.to_string());
        self.progress.draw();
    }

    fn printed(&mut self, place: Place, bytes: &[u8]) {
        let mut whole = self.unfinished.remove(&place).unwrap_or_default();
        whole.extend_from_slice(bytes);
        let end = match memchr::memrchr(b'\n', &whole) {
            Some(at) => at + 1,
            None if whole.len() > LONGEST_LINE => whole.len(),
            None => 0,
        };
        let rest = whole.split_off(end);
        if !whole.is_empty() {
            self.lines(place, &whole);
        }
        if !rest.is_empty() {
            self.unfinished.insert(place, rest);
        }
    }

    fn ended(&mut self, place: Place, record: &TaskRecord, output: Output<'_>) {
        if let Some(rest) = self.unfinished.remove(&place) {
            self.lines(place, &rest);
        }
        self.progress.ended(place, record, self.works[place].job.expected);
        let shows = match self.shown {
            ShownOutput::All => true,
            ShownOutput::Failed => record.outcome == Outcome::Failed,
            ShownOutput::Stream => matches!(output, Output::Stored(_)),
        };
        let line = task_line(record, self.streams.look);
        let (reader, cache, commands) = (self.reader, self.cache, self.commands());
        let title = format!("{}{}", harmless(&record.task), if record.outcome.is_good() { "" } else { " FAILED" });
        self.print(|to| {
            if shows && !matches!(output, Output::None) {
                let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
                to.write_all(reader.begin(place, &title, now()).as_bytes())?;
                let mut log = HarmlessLog::new(LastByte { to, last: b'\n' }, commands);
                match output {
                    Output::Spooled(file) => spool::replay(file, &mut log)?,
                    Output::Stored(stored) => cache.replay(stored, &mut log).map_err(io::Error::other)?,
                    Output::None => {}
                }
                let LastByte { to, last } = log.finish()?;
                to.write_all(if last == b'\n' { b"" } else { b"\n" })?;
                to.write_all(reader.end(place, now()).as_bytes())?;
            }
            to.write_all(line.as_bytes())
        });
    }

    fn warned(&mut self, message: &str) {
        self.streams.warning(message);
    }

    fn ticked(&mut self) {
        self.progress.draw();
    }
}

/// Knows what was written last.
struct LastByte<'a> {
    to: &'a mut dyn Write,
    last: u8,
}

impl Write for LastByte<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.last = bytes[..written].last().copied().unwrap_or(self.last);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
