//! An open folder, and what is done in it by name. Nothing here follows a symlink in a name's last segment, so who goes
//! down one segment at a time cannot be led out of the folder that they began at.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, RenameFlags, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, fstat, linkat,
    mkdirat, openat, readlinkat, renameat, renameat_with, statat, symlinkat, unlinkat, utimensat,
};
use rustix::io::Errno;

use super::fault;

/// What stands at a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    Link,
    /// A pipe, a socket, a device.
    Special,
}

/// What is known of a file without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) kind: Kind,
    pub(super) executable: bool,
    pub(super) length: u64,
    pub(super) modified: SystemTime,
    /// Who owns it.
    pub(super) owner: u32,
    /// The file system that it is in.
    pub(super) device: u64,
}

/// An open folder. It stays the same one, whatever is moved meanwhile.
#[derive(Debug)]
pub(super) struct Folder(File);

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

impl Folder {
    /// A folder that may be reached through symlinks.
    pub(super) fn top(path: &Path) -> io::Result<Self> {
        Ok(Self(File::from(openat(CWD, path, FOLDER, Mode::empty())?)))
    }

    /// A folder in this one. A symlink is none.
    pub(super) fn open(&self, name: &[u8]) -> io::Result<Self> {
        fault::step()?;
        Ok(Self(File::from(openat(&self.0, name, FOLDER | OFlags::NOFOLLOW, Mode::empty())?)))
    }

    /// Makes a folder.
    pub(super) fn make(&self, name: &[u8]) -> io::Result<()> {
        fault::step()?;
        Ok(mkdirat(&self.0, name, Mode::from_raw_mode(0o777))?)
    }

    /// A folder in this one, which is made if it is not there.
    pub(super) fn open_or_make(&self, name: &[u8]) -> io::Result<Self> {
        match self.open(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened,
        }
        match self.make(name) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => self.open(name),
        }
    }

    /// The names in the folder, sorted, and what stands at each.
    pub(super) fn names(&self) -> io::Result<Vec<(Vec<u8>, Kind)>> {
        fault::step()?;
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.0)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            let kind = match entry.file_type() {
                // Some file systems do not say.
                FileType::Unknown => match self.look(name) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    facts => facts?.kind,
                },
                kind => kind_of(kind),
            };
            names.push((name.to_vec(), kind));
        }
        names.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        Ok(names)
    }

    /// What stands at a name.
    pub(super) fn look(&self, name: &[u8]) -> io::Result<Facts> {
        fault::step()?;
        Ok(facts_of(&statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW)?))
    }

    /// What is known of the folder itself.
    pub(super) fn facts(&self) -> io::Result<Facts> {
        facts(&self.0)
    }

    /// Opens a file to read it. What is no file (a pipe would wait for a writer) is an error.
    pub(super) fn read(&self, name: &[u8]) -> io::Result<(File, Facts)> {
        fault::step()?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(openat(&self.0, name, flags, Mode::empty())?);
        let facts = facts(&file)?;
        match facts.kind {
            Kind::File => Ok((file, facts)),
            _ => Err(io::Error::other("it is no file")),
        }
    }

    /// Makes a file at a name that nothing has.
    pub(super) fn create(&self, name: &[u8], executable: bool) -> io::Result<File> {
        fault::step()?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(if executable { 0o777 } else { 0o666 });
        Ok(File::from(openat(&self.0, name, flags, mode)?))
    }

    /// Opens a file to write it, which is made if it is not there.
    pub(super) fn open_or_create(&self, name: &[u8]) -> io::Result<File> {
        fault::step()?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(File::from(openat(&self.0, name, flags, Mode::from_raw_mode(0o666))?))
    }

    /// Where a symlink points.
    pub(super) fn target(&self, name: &[u8]) -> io::Result<Vec<u8>> {
        fault::step()?;
        Ok(readlinkat(&self.0, name, Vec::new())?.into_bytes())
    }

    /// Makes a symlink.
    pub(super) fn link(&self, name: &[u8], target: &[u8]) -> io::Result<()> {
        fault::step()?;
        Ok(symlinkat(target, &self.0, name)?)
    }

    /// Moves what has a name to another, instead of what has that.
    pub(super) fn replace(&self, name: &[u8], to: &Folder, new: &[u8]) -> io::Result<()> {
        fault::step()?;
        Ok(renameat(&self.0, name, &to.0, new)?)
    }

    /// Moves what has a name to another; an error of kind `AlreadyExists` if something has that.
    pub(super) fn place(&self, name: &[u8], to: &Folder, new: &[u8]) -> io::Result<()> {
        fault::step()?;
        match renameat_with(&self.0, name, &to.0, new, RenameFlags::NOREPLACE) {
            // Not every file system can; all that have hard links can do this.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                linkat(&self.0, name, &to.0, new, AtFlags::empty())?;
                Ok(unlinkat(&self.0, name, AtFlags::empty())?)
            }
            moved => Ok(moved?),
        }
    }

    /// Exchanges what two names stand for; an error of kind `Unsupported` where the file system cannot.
    pub(super) fn exchange(&self, name: &[u8], other: &Folder, new: &[u8]) -> io::Result<()> {
        fault::step()?;
        match renameat_with(&self.0, name, &other.0, new, RenameFlags::EXCHANGE) {
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => Err(io::ErrorKind::Unsupported.into()),
            exchanged => Ok(exchanged?),
        }
    }

    /// Removes what is no folder.
    pub(super) fn remove(&self, name: &[u8]) -> io::Result<()> {
        fault::step()?;
        Ok(unlinkat(&self.0, name, AtFlags::empty())?)
    }

    /// Removes an empty folder.
    pub(super) fn remove_folder(&self, name: &[u8]) -> io::Result<()> {
        fault::step()?;
        Ok(unlinkat(&self.0, name, AtFlags::REMOVEDIR)?)
    }

    /// Says that a file was used now.
    pub(super) fn touch(&self, name: &[u8]) -> io::Result<()> {
        fault::step()?;
        let time = |tv_nsec| Timespec { tv_sec: 0, tv_nsec };
        let now = Timestamps { last_access: time(UTIME_OMIT), last_modification: time(UTIME_NOW) };
        Ok(utimensat(&self.0, name, &now, AtFlags::SYMLINK_NOFOLLOW)?)
    }

    /// Whether the folder was not locked and is now, until it is closed.
    pub(super) fn lock(&self) -> io::Result<bool> {
        match self.0.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// What is known of an open file.
pub(super) fn facts(file: &File) -> io::Result<Facts> {
    Ok(facts_of(&fstat(file)?))
}

/// The fields are of other widths and signs on other systems.
#[allow(clippy::cast_sign_loss, clippy::cast_possible_truncation, clippy::cast_lossless, clippy::unnecessary_cast)]
fn facts_of(found: &rustix::fs::Stat) -> Facts {
    let since = Duration::new(found.st_mtime.max(0) as u64, found.st_mtime_nsec as u32);
    Facts {
        kind: kind_of(FileType::from_raw_mode(found.st_mode)),
        executable: found.st_mode & 0o100 != 0,
        length: found.st_size.max(0) as u64,
        modified: SystemTime::UNIX_EPOCH.checked_add(since).unwrap_or(SystemTime::UNIX_EPOCH),
        owner: found.st_uid,
        device: found.st_dev as u64,
    }
}

fn kind_of(kind: FileType) -> Kind {
    match kind {
        FileType::Directory => Kind::Folder,
        FileType::RegularFile => Kind::File,
        FileType::Symlink => Kind::Link,
        _ => Kind::Special,
    }
}
