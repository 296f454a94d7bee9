//! What `lstat` says about a file, and when it proves that the file is unchanged.

use std::fs::Metadata;

/// The fields that git's index keeps of a file, cut to the index's widths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
    /// Seconds and nanoseconds of the last modification.
    pub(super) modified: (i64, u32),
    /// Seconds and nanoseconds of the last change of the inode.
    pub(super) changed: (i64, u32),
    pub(super) inode: u32,
    pub(super) length: u32,
}

/// How close to the writing of the index a modification may be and still be told apart from one after it: above the
/// tick by which kernels stamp files, and above the two seconds of the coarsest file systems.
const TICK: i128 = 20_000_000;
const COARSE_TICK: i128 = 2_000_000_000;

impl Stat {
    /// The stat of a file on disk.
    #[cfg(unix)]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub(super) fn of(metadata: &Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        // The index keeps seconds in 32 bits.
        let cut = |seconds: i64| i64::from(seconds as i32);
        Some(Self {
            modified: (cut(metadata.mtime()), metadata.mtime_nsec() as u32),
            changed: (cut(metadata.ctime()), metadata.ctime_nsec() as u32),
            inode: metadata.ino() as u32,
            length: metadata.size() as u32,
        })
    }

    /// Where the operating system offers no such numbers every file is hashed.
    #[cfg(not(unix))]
    pub(super) fn of(_: &Metadata) -> Option<Self> {
        None
    }

    /// Whether a file with this stat could have been written after the index without showing it: its time is not
    /// safely before the index's own.
    pub(super) fn is_racy(&self, index_written: Option<(i64, u32)>) -> bool {
        let Some(written) = index_written else { return true };
        let nanoseconds = |(seconds, nanos): (i64, u32)| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
        let tick = if self.modified.1 == 0 || written.1 == 0 { COARSE_TICK } else { TICK };
        nanoseconds(self.modified) + tick > nanoseconds(written)
    }
}

/// Whether the owner may execute the file; none where the operating system does not say.
#[cfg(unix)]
pub(super) fn is_executable(metadata: &Metadata) -> Option<bool> {
    use std::os::unix::fs::PermissionsExt;
    Some(metadata.permissions().mode() & 0o100 != 0)
}

/// Whether the owner may execute the file; none where the operating system does not say.
#[cfg(not(unix))]
pub(super) fn is_executable(_: &Metadata) -> Option<bool> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_59_a_file_as_young_as_the_index_proves_nothing() {
        let stat = |modified| Stat { modified, changed: (0, 0), inode: 0, length: 0 };
        assert!(stat((100, 500)).is_racy(Some((100, 500))));
        assert!(stat((100, 500)).is_racy(Some((100, 400))));
        assert!(stat((100, 500)).is_racy(Some((100, 10_000_000))));
        assert!(!stat((100, 500)).is_racy(Some((100, 50_000_000))));
        assert!(stat((100, 0)).is_racy(Some((101, 900_000_000))), "a file system without nanoseconds");
        assert!(!stat((100, 0)).is_racy(Some((103, 1))));
        assert!(stat((100, 500)).is_racy(None));
    }
}
