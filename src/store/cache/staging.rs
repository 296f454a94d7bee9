//! A folder in which somebody writes what nobody shall see before it is whole.
//!
//! It is locked as long as its process lives. What a process that died left there is removed by the next collector, which
//! can tell by the lock, whatever became of the process's number.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use super::folder::{Folder, Kind};

/// A folder that is as new as this may not have been locked yet.
const SHORTEST_LIFE: Duration = Duration::from_secs(60);

/// How the name of a staging folder at the top of a work tree begins.
pub(super) const IN_WORK_TREE: &str = ".knockon-restore-";

/// A staging folder, which goes with all that is still in it when it is dropped.
pub(super) struct Staging {
    parent: Folder,
    name: String,
    folder: Folder,
    used: u32,
}

impl Staging {
    /// Makes a staging folder with a prefix to its name.
    pub(super) fn make(parent: Folder, prefix: &str) -> io::Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let name = format!("{prefix}{}-{number}", std::process::id());
            match parent.make(name.as_bytes()) {
                // Left by a process that had the same number, in another container or long ago.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                made => made?,
            }
            let folder = parent.open(name.as_bytes())?;
            // Where folders cannot be locked, their age alone protects them.
            let _ = folder.lock();
            return Ok(Self { parent, name, folder, used: 0 });
        }
    }

    /// The folder.
    pub(super) fn folder(&self) -> &Folder {
        &self.folder
    }

    /// A name that nothing in the folder has.
    pub(super) fn name(&mut self) -> String {
        self.used += 1;
        self.used.to_string()
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What stays is removed by the next collector.
        let _ = empty(&self.folder);
        let _ = self.parent.remove_folder(self.name.as_bytes());
    }
}

/// Removes the staging folders of processes that are dead, and says how many. Where folders cannot be locked, one is that
/// of a dead process when it is older than `grace`.
pub(super) fn sweep(parent: &Folder, prefix: &str, grace: Duration, now: SystemTime) -> io::Result<usize> {
    let mut removed = 0;
    for (name, kind) in parent.names()? {
        let rest = name.strip_prefix(prefix.as_bytes());
        let is_ours = rest.is_some_and(|rest| rest.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-'));
        if kind != Kind::Folder || !is_ours {
            continue;
        }
        let Ok(folder) = parent.open(&name) else { continue };
        let life = match folder.lock() {
            Ok(true) => SHORTEST_LIFE,
            Ok(false) => continue,
            Err(_) => grace.max(SHORTEST_LIFE),
        };
        let is_dead = folder.facts().is_ok_and(|facts| !is_within(life, facts.modified, now));
        if is_dead && empty(&folder).is_ok() {
            removed += usize::from(parent.remove_folder(&name).is_ok());
        }
    }
    Ok(removed)
}

/// Removes what is in a staging folder: files, symlinks and empty folders.
fn empty(folder: &Folder) -> io::Result<()> {
    for (name, kind) in folder.names()? {
        match kind {
            Kind::Folder => folder.remove_folder(&name)?,
            _ => folder.remove(&name)?,
        }
    }
    Ok(())
}

/// Whether something is younger than that. A time that lies as far ahead is not believed.
pub(super) fn is_within(age: Duration, modified: SystemTime, now: SystemTime) -> bool {
    match now.duration_since(modified) {
        Ok(elapsed) => elapsed < age,
        Err(ahead) => ahead.duration() < age,
    }
}
