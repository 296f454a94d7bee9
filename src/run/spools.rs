//! The folder for what the tasks of one run print.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// The name of the file in it that is locked as long as the run lives.
const LOCK: &str = "lock";
/// How the name of a run's folder begins, and that of one which is being made.
const RUN: &str = "run-";
const NEW: &str = "new-";

/// A folder that goes when it is dropped.
#[derive(Debug)]
pub struct Spools {
    folder: PathBuf,
    _lock: File,
}

impl Spools {
    /// Makes a folder below the first of these that can be written, and removes those that dead runs left there.
    pub fn make(places: &[&Path]) -> io::Result<Self> {
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for place in places {
            match Self::below(place) {
                Ok(spools) => return Ok(spools),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn below(place: &Path) -> io::Result<Self> {
        fs::create_dir_all(place)?;
        sweep(place);
        // Whoever sweeps at this moment would take a folder for a dead run's whose lock nobody holds yet.
        let new = make(place, NEW, |folder| fs::create_dir(folder))?;
        let lock = File::create_new(new.join(LOCK))?;
        lock.lock()?;
        let folder = make(place, RUN, |folder| fs::rename(&new, folder))?;
        Ok(Self { folder, _lock: lock })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Spools {
    fn drop(&mut self) {
        // What stays is swept by the next run.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Makes a folder that is nobody else's: in another container somebody may have the same number.
fn make(place: &Path, kind: &str, make: impl Fn(&Path) -> io::Result<()>) -> io::Result<PathBuf> {
    let mut others = 0;
    loop {
        let folder = place.join(format!("{kind}{}-{others}", std::process::id()));
        match make(&folder) {
            Err(reason) if matches!(reason.kind(), ErrorKind::AlreadyExists | ErrorKind::DirectoryNotEmpty) => {
                others += 1;
            }
            made => return made.map(|()| folder),
        }
    }
}

/// Removes the folders whose lock nobody holds.
fn sweep(place: &Path) {
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let begins = |kind| entry.file_name().to_str().is_some_and(|name| name.starts_with(kind));
        if !(begins(RUN) || begins(NEW)) || !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let is_young = || {
            let made = entry.metadata().and_then(|of| of.modified());
            made.is_ok_and(|made| made.elapsed().is_ok_and(|age| age.as_secs() < 60))
        };
        let is_alive = match File::open(entry.path().join(LOCK)) {
            Ok(lock) if begins(RUN) => matches!(lock.try_lock(), Err(TryLockError::WouldBlock)),
            // It is about to be locked.
            Ok(_) | Err(_) => is_young(),
        };
        if !is_alive {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_dead_runs_left_is_swept_and_what_live_ones_hold_is_not() {
        let place = tempfile::tempdir().unwrap();
        let dead = place.path().join("run-1");
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join(LOCK), "").unwrap();
        fs::write(dead.join("0.output"), "x").unwrap();
        fs::create_dir(place.path().join("other")).unwrap();
        // In another container somebody has the same number.
        let live = place.path().join(format!("run-{}-0", std::process::id()));
        fs::create_dir(&live).unwrap();
        let held = File::create_new(live.join(LOCK)).unwrap();
        held.lock().unwrap();
        // One that is being made.
        let new = place.path().join("new-3-0");
        fs::create_dir(&new).unwrap();
        fs::write(new.join(LOCK), "").unwrap();
        let spools = Spools::make(&[Path::new("/proc/none"), place.path()]).unwrap();
        let folder = spools.folder().to_owned();
        assert!(new.is_dir());
        assert!(folder.is_dir() && live.is_dir() && !dead.exists() && place.path().join("other").is_dir());
        drop(spools);
        assert!(!folder.exists());
    }
}
