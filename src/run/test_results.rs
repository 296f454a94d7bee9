//! The files of test results that tasks wrote in a run, where test tools put them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::work::Work;
use crate::git::on_disk;
use crate::store::RunRecord;

/// Folders of a project in which tools leave results: Maven, Gradle, `dotnet test`, and what people tell others.
const FOLDERS: [&str; 6] = [
    "target/surefire-reports",
    "target/failsafe-reports",
    "build/test-results",
    "TestResults",
    "test-results",
    "reports",
];
/// Files of a project that other tools leave.
const FILES: [&str; 3] = ["junit.xml", "test-results.xml", "report.xml"];
/// A folder is read so deep.
const DEEPEST: usize = 4;
/// A larger file is none that a test tool writes.
const LARGEST: u64 = 64 * 1024 * 1024;
/// No file system's time goes in longer steps.
const COARSEST: Duration = Duration::from_secs(2);

/// The task of each file of results that was written while it ran, and the file's bytes.
pub fn test_results(run: &RunRecord, works: &[Work], work_tree: &Path) -> Vec<(String, Vec<u8>)> {
    // File systems count time in coarser steps than clocks do.
    let began = UNIX_EPOCH + Duration::from_millis(run.began).saturating_sub(COARSEST);
    let mut found = Vec::new();
    for (work, record) in works.iter().zip(&run.tasks) {
        if record.attempts == 0 || !work.id.name.0.starts_with("test") {
            continue;
        }
        let Ok(start) = Duration::try_from_secs_f64(record.start) else { continue };
        let Some(folder) = on_disk(work_tree, &work.folder) else { continue };
        let mut files: Vec<PathBuf> = FILES.iter().map(|name| folder.join(name)).collect();
        FOLDERS.iter().for_each(|name| add_files(&folder.join(name), DEEPEST, &mut files));
        files.sort();
        let fresh = files.iter().filter_map(|file| written_since(file, began + start));
        found.extend(fresh.map(|bytes| (work.id.to_string(), bytes)));
    }
    found
}

fn add_files(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth > 1 => add_files(&path, depth - 1, files),
            Ok(kind) if kind.is_file() && path.extension().is_some_and(|ending| ending == "xml" || ending == "trx") => {
                files.push(path);
            }
            _ => {}
        }
    }
}

fn written_since(file: &Path, since: SystemTime) -> Option<Vec<u8>> {
    let metadata = fs::symlink_metadata(file).ok()?;
    let is_fresh = metadata.is_file() && metadata.len() <= LARGEST && metadata.modified().ok()? >= since;
    if is_fresh { fs::read(file).ok() } else { None }
}
