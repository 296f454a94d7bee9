//! The ledger: which tasks ended how with which fingerprint, when and where, one JSON object a line.
//!
//! A line is written by one call to a file that is opened for appending, so that any number of processes can record at
//! once. A line that cannot be read counts for nothing: what it said is run again. Whoever shortens a ledger puts another
//! file in its place, and has it locked meanwhile, so that no line goes to the file that is gone.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskResult {
    /// Well.
    Passed,
    /// Not well.
    Failed,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The task's id.
    pub task: String,
    /// Its fingerprint, in hexadecimal digits.
    pub fingerprint: String,
    /// How it ended.
    pub result: TaskResult,
    /// How many seconds it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
    /// How often it was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// When it ended, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<u64>,
    /// Where it ran: the page of a CI engine's job, or the name of the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

/// Digits of a fingerprint.
const DIGITS: usize = 64;
/// A line of more bytes than this was not written here.
const LONGEST_LINE: u64 = 64 * 1024;

/// What a ledger says.
#[derive(Debug, Default)]
pub struct Ledger {
    passed: HashSet<(String, String)>,
    failures: HashMap<(String, String), u32>,
    /// How many seconds each task took when it passed last, of those of which that is recorded.
    pub durations: BTreeMap<String, f64>,
    /// How many lines cannot be read.
    pub damaged: usize,
}

impl Ledger {
    /// Reads a ledger.
    pub fn read(file: &Path) -> io::Result<Self> {
        if !std::fs::metadata(file)?.is_file() {
            return Err(io::Error::other("it is no file"));
        }
        let mut reader = BufReader::new(File::open(file)?);
        let mut ledger = Self::default();
        let mut line = Vec::new();
        loop {
            line.clear();
            if reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
                return Ok(ledger);
            }
            match serde_json::from_slice::<Record>(&line) {
                Ok(record) if is_whole(&record.fingerprint) => ledger.add(record),
                _ if line.trim_ascii().is_empty() => {}
                _ => ledger.damaged += 1,
            }
        }
    }

    fn add(&mut self, record: Record) {
        let key = (record.task, record.fingerprint);
        match record.result {
            TaskResult::Passed => {
                if let Some(duration) = record.duration {
                    self.durations.insert(key.0.clone(), duration);
                }
                self.passed.insert(key);
            }
            TaskResult::Failed => *self.failures.entry(key).or_default() += 1,
        }
    }

    /// Whether a task passed with a fingerprint, ever.
    pub fn has_passed(&self, task: &str, fingerprint: &str) -> bool {
        self.passed.contains(&(task.to_owned(), fingerprint.to_owned()))
    }

    /// How many records say that a task failed with a fingerprint.
    pub fn failures(&self, task: &str, fingerprint: &str) -> u32 {
        self.failures.get(&(task.to_owned(), fingerprint.to_owned())).copied().unwrap_or(0)
    }
}

/// Opens a ledger to append to it, and locks it in one of two ways. What has its name then is what is locked. Where files
/// cannot be locked, nobody shortens one either.
fn open(
    file: &Path,
    try_lock: fn(&File) -> Result<(), TryLockError>,
    lock: fn(&File) -> io::Result<()>,
) -> io::Result<File> {
    loop {
        let ledger = OpenOptions::new().read(true).append(true).create(true).open(file)?;
        match try_lock(&ledger) {
            Err(TryLockError::Error(_)) => return Ok(ledger),
            Err(TryLockError::WouldBlock) => lock(&ledger)?,
            Ok(()) => {}
        }
        if is_named(&ledger, file) {
            return Ok(ledger);
        }
    }
}

#[cfg(unix)]
fn is_named(open: &File, name: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (open, named) = (open.metadata(), std::fs::metadata(name));
    open.is_ok_and(|open| named.is_ok_and(|named| (open.dev(), open.ino()) == (named.dev(), named.ino())))
}

#[cfg(not(unix))]
fn is_named(_: &File, _: &Path) -> bool {
    true
}

/// Leaves the newest half of a ledger that has more than so many bytes. Whoever records meanwhile waits.
pub fn shorten(file: &Path, most: u64) -> io::Result<()> {
    if !std::fs::metadata(file).is_ok_and(|metadata| metadata.is_file() && metadata.len() > most) {
        return Ok(());
    }
    let mut ledger = open(file, File::try_lock, File::lock)?;
    // Without a lock somebody could be writing. Another process may have done it by now.
    let length = ledger.metadata()?.len();
    if ledger.try_lock().is_err() || length <= most {
        return Ok(());
    }
    ledger.seek(SeekFrom::Start(length - most / 2))?;
    let mut rest = BufReader::new(&ledger);
    // Its beginning is in the half that goes.
    rest.read_until(b'\n', &mut Vec::new())?;
    let unfinished = file.with_extension(format!("{}.unfinished", std::process::id()));
    let written = File::create(&unfinished).and_then(|mut to| {
        io::copy(&mut rest, &mut to)?;
        std::fs::rename(&unfinished, file)
    });
    if written.is_err() {
        let _ = std::fs::remove_file(&unfinished);
    }
    written
}

/// Whether a text is a fingerprint as it is written.
pub fn is_whole(fingerprint: &str) -> bool {
    fingerprint.len() == DIGITS && fingerprint.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl Record {
    /// Appends the record to a ledger, which is made if it is not there.
    pub fn append(&self, file: &Path) -> io::Result<()> {
        let mut line = serde_json::to_vec(self).map_err(io::Error::other)?;
        line.push(b'\n');
        let mut ledger = open(file, File::try_lock_shared, File::lock_shared)?;
        // What a process that died left half written is one damaged line, not two.
        if ledger.seek(SeekFrom::End(0))? > 0 {
            let mut last = [0];
            ledger.seek(SeekFrom::End(-1))?;
            ledger.read_exact(&mut last)?;
            if last != *b"\n" {
                line.insert(0, b'\n');
            }
        }
        // One call, so that lines of several processes do not mix; less than the whole of it is an error.
        match ledger.write(&line)? {
            written if written == line.len() => Ok(()),
            _ => Err(io::Error::new(io::ErrorKind::WriteZero, "only a part of the line was written")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(task: &str, digit: &str, result: TaskResult) -> Record {
        let (task, fingerprint, place) = (task.to_owned(), digit.repeat(64), Some("here".to_owned()));
        Record { task, fingerprint, result, duration: Some(1.5), attempts: None, at: Some(7), place }
    }

    #[test]
    fn what_is_recorded_is_read_and_what_is_damaged_counts_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ledger");
        record("a:test", "1", TaskResult::Failed).append(&file).unwrap();
        record("a:test", "1", TaskResult::Failed).append(&file).unwrap();
        let (one, two) = ("1".repeat(64), "2".repeat(64));
        let ledger = Ledger::read(&file).unwrap();
        assert_eq!((ledger.has_passed("a:test", &one), ledger.failures("a:test", &one)), (false, 2));
        // A half of a line, then others.
        let half = format!("{{\"task\":\"b:test\",\"fingerprint\":\"{two}\",\"resu");
        OpenOptions::new().append(true).open(&file).unwrap().write_all(half.as_bytes()).unwrap();
        record("a:test", "1", TaskResult::Passed).append(&file).unwrap();
        for line in [
            "null".to_owned(),
            "{}".to_owned(),
            format!(r#"{{"task":"b:test","fingerprint":"{two}","result":"green"}}"#),
            format!(r#"{{"task":"b:test","fingerprint":"{two}","result":"passed","more":1}}"#),
            r#"{"task":"b:test","fingerprint":"22","result":"passed"}"#.to_owned(),
            "\u{0}\u{ff}".to_owned(),
            "x".repeat(100_000),
        ] {
            OpenOptions::new().append(true).open(&file).unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
        }
        let ledger = Ledger::read(&file).unwrap();
        assert!(ledger.has_passed("a:test", &one) && !ledger.has_passed("a:test", &two));
        assert!(!ledger.has_passed("b:test", &two));
        // The longest one is read in two parts.
        assert_eq!(ledger.damaged, 9);
    }

    #[test]
    fn a_task_takes_as_long_as_when_it_passed_last() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ledger");
        for (task, result, duration) in [
            ("a:test", TaskResult::Passed, Some(9.0)),
            ("a:test", TaskResult::Passed, Some(2.5)),
            ("a:test", TaskResult::Passed, None),
            ("a:test", TaskResult::Failed, Some(0.1)),
            ("b:test", TaskResult::Failed, Some(1.0)),
            ("c:test", TaskResult::Passed, None),
        ] {
            Record { duration, ..record(task, "1", result) }.append(&file).unwrap();
        }
        let durations = Ledger::read(&file).unwrap().durations;
        assert_eq!(durations.into_iter().collect::<Vec<_>>(), [("a:test".to_owned(), 2.5)]);
    }

    #[test]
    fn many_can_record_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ledger");
        std::thread::scope(|scope| {
            for writer in 0..8 {
                let file = &file;
                scope.spawn(move || {
                    for _ in 0..50 {
                        record(&format!("{writer}:test"), "3", TaskResult::Failed).append(file).unwrap();
                    }
                });
            }
        });
        let ledger = Ledger::read(&file).unwrap();
        let failures: Vec<u32> = (0..8).map(|w| ledger.failures(&format!("{w}:test"), &"3".repeat(64))).collect();
        assert_eq!((failures, ledger.damaged), (vec![50; 8], 0));
    }

    #[test]
    fn a_ledger_is_shortened_while_others_record_and_no_new_line_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ledger");
        let most = 40_000;
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let file = &file;
                scope.spawn(move || {
                    for round in 0..300 {
                        let task = format!("{writer}:{round}");
                        record(&task, "4", TaskResult::Passed).append(file).unwrap();
                        shorten(file, most).unwrap();
                        // As young as this, it cannot have been cut off.
                        assert!(Ledger::read(file).unwrap().has_passed(&task, &"4".repeat(64)), "{task}");
                    }
                });
            }
        });
        let ledger = Ledger::read(&file).unwrap();
        assert_eq!(ledger.damaged, 0);
        let length = std::fs::metadata(&file).unwrap().len();
        assert!(length <= most && length > most / 4, "{length}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        // What is short enough is left alone.
        shorten(&file, length).unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().len(), length);
        shorten(&folder.path().join("nothing"), 0).unwrap();
    }
}
