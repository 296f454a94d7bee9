//! Loose objects: one zlib stream a file, `kind length NUL content` (git's `gitformat-loose`). They are read here and
//! not by libgit2, which never returns from one that is cut short.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use flate2::read::ZlibDecoder;

use super::GitError;
use super::object::{Hash, Kind};
use crate::tree::ObjectId;

/// The loose objects of a repository and of those that it borrows from.
pub(super) struct Loose(Vec<Store>);

struct Store {
    folder: PathBuf,
    /// The folders by the first byte of the ids in them, as they were when the repository was opened: a repository
    /// that was packed lately has none.
    shelves: HashMap<u8, Shelf>,
}

/// One of the 256 folders.
#[derive(Default)]
struct Shelf {
    /// Whether an object was looked for in vain. The next time all that are here are listed: most objects are in
    /// packs, and a listing costs less than a file that is not there for each of them.
    missed: AtomicBool,
    /// None where it could not be listed. What is written later is left to libgit2.
    listed: OnceLock<Option<HashSet<OsString>>>,
}

/// How many repositories may borrow from each other in a row, as git has it.
const MOST_ALTERNATES: usize = 5;

impl Loose {
    /// Looks into the given object folders and those that they name as alternates.
    pub(super) fn new(folders: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut known: Vec<PathBuf> = Vec::new();
        let mut pending: Vec<(PathBuf, usize)> = folders.into_iter().map(|folder| (folder, 0)).collect();
        while let Some((folder, depth)) = pending.pop() {
            if known.contains(&folder) {
                continue;
            }
            if depth < MOST_ALTERNATES {
                pending.extend(alternates(&folder).into_iter().map(|folder| (folder, depth + 1)));
            }
            known.push(folder);
        }
        Self(known.into_iter().map(Store::new).collect())
    }

    /// The object folders that are looked into.
    pub(super) fn folders(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(|store| &*store.folder)
    }

    /// The object with this id; none if it is not loose.
    pub(super) fn object(&self, id: ObjectId) -> Result<Option<(Kind, Vec<u8>)>, GitError> {
        self.open(id)?.map(|opened| opened.content(id)).transpose()
    }

    /// The length of the object with this id; none if it is not loose.
    pub(super) fn length(&self, id: ObjectId) -> Result<Option<u64>, GitError> {
        Ok(self.open(id)?.map(|opened| opened.length))
    }

    fn open(&self, id: ObjectId) -> Result<Option<Opened<File>>, GitError> {
        for store in &self.0 {
            if let Some(found) = store.open(id)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

impl Store {
    fn new(folder: PathBuf) -> Self {
        let first = |name: OsString| name.to_str().filter(|name| name.len() == 2).and_then(byte);
        let present: Vec<u8> = match std::fs::read_dir(&folder) {
            Ok(entries) => entries.flatten().filter_map(|entry| first(entry.file_name())).collect(),
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            // A folder that cannot be listed may still be entered.
            Err(_) => (0..=u8::MAX).collect(),
        };
        let shelves = present.into_iter().map(|first| (first, Shelf::default())).collect();
        Self { folder, shelves }
    }

    fn open(&self, id: ObjectId) -> Result<Option<Opened<File>>, GitError> {
        let first = id.as_bytes().first().copied().unwrap_or_default();
        let Some(shelf) = self.shelves.get(&first) else { return Ok(None) };
        let hex = id.to_string();
        let (folder, name) = (self.folder.join(&hex[..2]), &hex[2..]);
        if shelf.missed.load(Ordering::Relaxed)
            && let Some(listed) = shelf.listed.get_or_init(|| names(&folder).ok())
            && !listed.contains(OsStr::new(name))
        {
            return Ok(None);
        }
        let path = folder.join(name);
        match File::open(&path) {
            Ok(file) => Opened::new(id, file).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                shelf.missed.store(true, Ordering::Relaxed);
                Ok(None)
            }
            Err(error) => Err(GitError::unreadable(&path, &error)),
        }
    }
}

/// A loose object whose header is read.
pub(super) struct Opened<R> {
    stream: ZlibDecoder<R>,
    kind: Kind,
    length: u64,
}

impl<R: Read> Opened<R> {
    pub(super) fn new(id: ObjectId, file: R) -> Result<Self, GitError> {
        let mut stream = ZlibDecoder::new(file);
        let header = header(&mut stream).map_err(|error| GitError::corrupt(id, error))?;
        let stated = header.iter().position(|&byte| byte == b' ').and_then(|at| {
            let kind = Kind::from_name(&header[..at])?;
            Some((kind, std::str::from_utf8(&header[at + 1..]).ok()?.parse().ok()?))
        });
        let (kind, length) = stated.ok_or_else(|| GitError::corrupt(id, "it begins with no kind and length"))?;
        Ok(Self { stream, kind, length })
    }

    /// All of the content, if it has the stated length and this id.
    pub(super) fn content(mut self, id: ObjectId) -> Result<(Kind, Vec<u8>), GitError> {
        let mut content = Vec::new();
        // One byte more than there should be tells an object that is too long.
        let read = (&mut self.stream).take(self.length.saturating_add(1)).read_to_end(&mut content);
        match read {
            Ok(_) if content.len() as u64 == self.length => match Hash::Sha1.digest(self.kind, &content)? == id {
                true => Ok((self.kind, content)),
                false => Err(GitError::corrupt(id, "its content has another id")),
            },
            Ok(_) => Err(GitError::corrupt(id, "its length is not the one it states")),
            Err(error) => Err(GitError::corrupt(id, error)),
        }
    }
}

fn byte(digits: &str) -> Option<u8> {
    u8::from_str_radix(digits, 16).ok()
}

fn names(folder: &Path) -> std::io::Result<HashSet<OsString>> {
    std::fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect()
}

/// The bytes before the first NUL: at most a word and a number.
fn header(stream: &mut impl Read) -> std::io::Result<Vec<u8>> {
    const LONGEST: usize = 32;
    let mut header = Vec::with_capacity(LONGEST);
    let mut byte = [0];
    while header.len() < LONGEST {
        stream.read_exact(&mut byte)?;
        if byte[0] == 0 {
            return Ok(header);
        }
        header.push(byte[0]);
    }
    Err(std::io::Error::new(ErrorKind::InvalidData, "its header does not end"))
}

/// The object folders that `objects/info/alternates` names. A line that is quoted or no text is left to libgit2.
fn alternates(folder: &Path) -> Vec<PathBuf> {
    let Ok(text) = std::fs::read_to_string(folder.join("info/alternates")) else { return Vec::new() };
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with(['#', '"']));
    lines.map(|line| folder.join(line)).collect()
}
