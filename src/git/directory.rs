//! A folder on disk: what is in it, and what `lstat` says of each name, without beginning at the file system's root
//! for every file.

use std::fs::{self, Metadata};
use std::io;
use std::path::Path;

use super::stat::{Stat, is_executable};

#[cfg(target_os = "linux")]
pub(super) use linux::Directory;
#[cfg(not(target_os = "linux"))]
pub(super) use portable::Directory;

/// What stands under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Folder,
    File,
    Symlink,
    /// A pipe, a socket or a device.
    Special,
}

/// What `lstat` says, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) kind: Kind,
    /// None where the operating system does not say.
    pub(super) executable: Option<bool>,
    pub(super) length: u64,
    pub(super) stat: Option<Stat>,
}

impl Facts {
    fn of(metadata: &Metadata) -> Self {
        Self {
            kind: Kind::of(metadata.file_type()),
            executable: is_executable(metadata),
            length: metadata.len(),
            stat: Stat::of(metadata),
        }
    }

    /// Looks at a path from the file system's root.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        fs::symlink_metadata(path).map(|metadata| Self::of(&metadata))
    }
}

impl Kind {
    fn of(kind: fs::FileType) -> Self {
        if kind.is_dir() {
            Kind::Folder
        } else if kind.is_symlink() {
            Kind::Symlink
        } else if kind.is_file() {
            Kind::File
        } else {
            Kind::Special
        }
    }
}

/// The names in a folder, in no order. They lie in one allocation.
#[derive(Debug)]
pub(super) struct Names {
    bytes: Vec<u8>,
    /// Where each name ends, and what stands there.
    ends: Vec<(usize, Kind)>,
}

impl Names {
    /// Room for what most folders hold, so that it need not grow.
    fn new() -> Self {
        Self { bytes: Vec::with_capacity(512), ends: Vec::with_capacity(32) }
    }

    fn push(&mut self, name: &[u8], kind: Kind) {
        self.bytes.extend_from_slice(name);
        self.ends.push((self.bytes.len(), kind));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], Kind)> {
        let begins = std::iter::once(0).chain(self.ends.iter().map(|(end, _)| *end));
        begins.zip(&self.ends).map(|(begin, &(end, kind))| (&self.bytes[begin..end], kind))
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::mem::MaybeUninit;
    use std::os::fd::OwnedFd;
    use std::path::Path;

    use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, openat, statat};

    use super::{Facts, Kind, Names};
    use crate::git::stat::Stat;

    /// An open folder. It stays the same one, whatever is moved meanwhile.
    pub(in crate::git) struct Directory(OwnedFd);

    /// Reading it needs no access to what is in it, and a symlink in its place is not followed.
    const READ: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

    impl Directory {
        /// The top of a work tree, which may be reached through symlinks.
        pub(in crate::git) fn top(path: &Path) -> io::Result<Self> {
            Ok(Self(openat(CWD, path, READ, Mode::empty())?))
        }

        /// A folder at some depth below this one.
        pub(in crate::git) fn below(&self, path: &[u8]) -> io::Result<Self> {
            Ok(Self(openat(&self.0, path, READ.union(OFlags::NOFOLLOW), Mode::empty())?))
        }

        pub(in crate::git) fn look(&self, name: &[u8]) -> io::Result<Facts> {
            let found = statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW)?;
            let kind = kind_of(FileType::from_raw_mode(found.st_mode));
            Ok(Facts {
                kind,
                executable: Some(found.st_mode & 0o100 != 0),
                #[allow(clippy::cast_sign_loss)]
                length: found.st_size as u64,
                stat: Some(stat_of(&found)),
            })
        }

        pub(in crate::git) fn names(&self) -> io::Result<Names> {
            let mut names = Names::new();
            let mut buffer = [MaybeUninit::uninit(); 8192];
            let mut listing = RawDir::new(&self.0, &mut buffer);
            while let Some(entry) = listing.next() {
                let entry = entry?;
                let name = entry.file_name().to_bytes();
                if name == b"." || name == b".." {
                    continue;
                }
                let kind = match entry.file_type() {
                    // Some file systems do not say.
                    FileType::Unknown => self.look(name)?.kind,
                    kind => kind_of(kind),
                };
                names.push(name, kind);
            }
            Ok(names)
        }
    }

    fn kind_of(kind: FileType) -> Kind {
        match kind {
            FileType::Directory => Kind::Folder,
            FileType::RegularFile => Kind::File,
            FileType::Symlink => Kind::Symlink,
            _ => Kind::Special,
        }
    }

    /// The fields are of other widths on other processors; the index keeps 32 bits of each.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_lossless)]
    #[allow(clippy::unnecessary_cast, clippy::cast_possible_wrap)]
    fn stat_of(found: &rustix::fs::Stat) -> Stat {
        Stat {
            modified: (i64::from(found.st_mtime as i32), found.st_mtime_nsec as u32),
            changed: (i64::from(found.st_ctime as i32), found.st_ctime_nsec as u32),
            inode: found.st_ino as u32,
            length: found.st_size as u32,
        }
    }
}

#[cfg(any(test, not(target_os = "linux")))]
mod portable {
    use std::fs;
    use std::io;
    use std::path::{Path, PathBuf};

    use super::{Facts, Kind, Names};
    use crate::git::layout::path_of;

    /// A folder by its path.
    pub(in crate::git) struct Directory(PathBuf);

    impl Directory {
        /// The top of a work tree, which may be reached through symlinks.
        pub(in crate::git) fn top(path: &Path) -> io::Result<Self> {
            Ok(Self(path.to_owned()))
        }

        /// A folder at some depth below this one.
        pub(in crate::git) fn below(&self, path: &[u8]) -> io::Result<Self> {
            let found = Self(self.place(path)?);
            match Facts::at(&found.0)?.kind {
                Kind::Folder => Ok(found),
                _ => Err(io::ErrorKind::NotADirectory.into()),
            }
        }

        pub(in crate::git) fn look(&self, name: &[u8]) -> io::Result<Facts> {
            Facts::at(&self.place(name)?)
        }

        pub(in crate::git) fn names(&self) -> io::Result<Names> {
            let mut names = Names::new();
            for entry in fs::read_dir(&self.0)? {
                let entry = entry?;
                names.push(entry.file_name().as_encoded_bytes(), Kind::of(entry.file_type()?));
            }
            Ok(names)
        }

        fn place(&self, below: &[u8]) -> io::Result<PathBuf> {
            let unspeakable = || io::Error::other("the name cannot be written on this operating system");
            Ok(self.0.join(path_of(below).ok_or_else(unspeakable)?))
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_read_a_folder_give_the_same() {
        let top = tempfile::TempDir::new().unwrap();
        let inner = top.path().join("outer/inner");
        fs::create_dir_all(inner.join("folder")).unwrap();
        fs::write(inner.join("file"), "content").unwrap();
        fs::write(inner.join("n".repeat(255)), "").unwrap();
        std::os::unix::fs::symlink("file", inner.join("link")).unwrap();
        std::os::unix::net::UnixListener::bind(inner.join("socket")).unwrap();
        for number in 0..500 {
            fs::write(inner.join(format!("one of many {number}")), "").unwrap();
        }
        let linux = linux::Directory::top(top.path()).unwrap().below(b"outer/inner").unwrap();
        let portable = portable::Directory::top(top.path()).unwrap().below(b"outer/inner").unwrap();
        let sorted = |names: &Names| {
            let mut names: Vec<(Vec<u8>, Kind)> = names.iter().map(|(name, kind)| (name.to_vec(), kind)).collect();
            names.sort();
            names
        };
        let names = sorted(&linux.names().unwrap());
        assert_eq!(names, sorted(&portable.names().unwrap()));
        assert_eq!(names.len(), 505);
        for (name, kind) in names {
            let facts = linux.look(&name).unwrap();
            assert_eq!(facts, portable.look(&name).unwrap());
            assert_eq!(facts.kind, kind);
        }
        let absent = |error: io::Error| error.kind() == io::ErrorKind::NotFound;
        assert!(linux.look(b"absent").is_err_and(absent) && portable.look(b"absent").is_err_and(absent));
        for other in [b"link".as_slice(), b"file"] {
            let error = linux.below(other).err().map(|error| error.kind());
            assert_eq!(error, Some(io::ErrorKind::NotADirectory));
            assert_eq!(error, portable.below(other).err().map(|error| error.kind()));
        }
    }
}
