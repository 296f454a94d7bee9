//! The ledger: which tasks ended how with which fingerprint, one JSON object a line, in a file that only grows.
//!
//! A line is written by one call to a file that is opened for appending, so that any number of processes can record at
//! once. A line that cannot be read counts for nothing: what it said is run again.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{File, OpenOptions};
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

/// Whether a text is a fingerprint as it is written.
pub fn is_whole(fingerprint: &str) -> bool {
    fingerprint.len() == DIGITS && fingerprint.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl Record {
    /// Appends the record to a ledger, which is made if it is not there.
    pub fn append(&self, file: &Path) -> io::Result<()> {
        let mut line = serde_json::to_vec(self).map_err(io::Error::other)?;
        line.push(b'\n');
        let mut ledger = OpenOptions::new().read(true).append(true).create(true).open(file)?;
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
        Record { task: task.to_owned(), fingerprint: digit.repeat(64), result, duration: Some(1.5), attempts: None }
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
}
