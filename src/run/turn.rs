//! One run at a time in one work tree: two would write the same files at once, and one of them keep what the other had half
//! written.

use std::fs::{File, TryLockError};
use std::path::Path;

/// The right to change a work tree, until it is dropped or the process is gone. It is a lock on the folder itself, so there
/// is nothing to be left over.
#[derive(Debug)]
pub struct Turn {
    lock: Option<File>,
}

impl Turn {
    /// Takes it, and waits for it after saying so. Within a task of a run there is nothing to wait for, as that run waits for
    /// the task. Where folders cannot be locked, everybody has it.
    pub fn take(work_tree: &Path, is_within_a_run: bool, waits: impl FnOnce()) -> Self {
        let Ok(lock) = File::open(work_tree) else { return Self { lock: None } };
        let is_mine = match lock.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) if is_within_a_run => false,
            Err(TryLockError::WouldBlock) => {
                waits();
                lock.lock().is_ok()
            }
            Err(TryLockError::Error(_)) => false,
        };
        Self { lock: is_mine.then_some(lock) }
    }

    /// Another handle of the same: nobody else has their turn before both are gone.
    pub fn share(&self) -> Option<File> {
        self.lock.as_ref()?.try_clone().ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn who_comes_second_waits_unless_within() {
        let folder = tempfile::tempdir().unwrap();
        let first = Turn::take(folder.path(), false, || panic!("nobody is there"));
        let inner = Turn::take(folder.path(), true, || panic!("within a run nobody waits"));
        assert!(inner.share().is_none());
        let (told, done) = (AtomicBool::new(false), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                Turn::take(folder.path(), false, || told.store(true, Ordering::SeqCst));
                done.store(true, Ordering::SeqCst);
            });
            while !told.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
            let shared = first.share().unwrap();
            drop(first);
            std::thread::sleep(std::time::Duration::from_millis(20));
            assert!(!done.load(Ordering::SeqCst));
            drop(shared);
        });
        assert!(done.load(Ordering::SeqCst));
        assert!(Turn::take(&folder.path().join("none"), false, || panic!("nobody is there")).share().is_none());
    }
}
