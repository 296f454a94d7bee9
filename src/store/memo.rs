//! The memo: files beside a repository's git directory, each whole or not there at all.
//!
//! Every item is one file, written under another name and then renamed, so that any number of processes can read and
//! write at once and none waits for another. A file says how long its parts are and carries the BLAKE3 digest of each;
//! whatever does not fit (cut short, overwritten, of another build or another user) is as good as not there. What is
//! there too much of goes, the oldest first.

use std::fs::{self, File, Metadata};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::codec::Parts;

/// Names what wrote a file: another build may understand the same bytes otherwise.
const BUILD: &str = env!("KNOCKON_BUILD");

const MAGIC: &[u8; 8] = b"knockon\n";
const DIGEST: usize = 32;
/// Into how many parts an item can be divided: what is not needed is not read.
const PARTS: usize = 4;
/// The magic, then the length and the digest of each part.
const PREFIX: usize = MAGIC.len() + PARTS * (8 + DIGEST);

/// How many items there are at most, those of other builds included, and how many bytes they take.
const MOST_ITEMS: usize = 32;
const MOST_BYTES: u64 = 256 << 20;

/// A file that was begun and is this much older than the newest one is of a process that is dead.
const LONGEST_WRITE: Duration = Duration::from_secs(3600);

/// The memo of one repository.
#[derive(Debug, Clone)]
pub struct Memo {
    folder: PathBuf,
}

/// One thing that was kept, in parts.
pub struct Item {
    /// The name that it was kept under.
    pub name: String,
    file: Mutex<File>,
    parts: [Part; PARTS],
}

#[derive(Clone, Copy)]
struct Part {
    start: u64,
    length: u64,
    digest: [u8; DIGEST],
}

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Contents {
    /// Files that this build can read.
    pub items: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Files of other builds and unfinished ones.
    pub others: usize,
    /// Their bytes.
    pub other_bytes: u64,
}

struct Listed {
    path: PathBuf,
    name: String,
    length: u64,
    modified: SystemTime,
}

impl Memo {
    /// The memo beside a git directory. Nothing is created before something is kept.
    pub fn beside(git_directory: &Path) -> Self {
        Self { folder: git_directory.join("knockon") }
    }

    /// The folder that everything lies in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The items of a kind that can be read, the newest first. They are opened one by one, as they are asked for.
    pub fn items<'a>(&'a self, kind: &str) -> impl Iterator<Item = Item> + use<'a> {
        let prefix = format!("{BUILD}-{kind}-");
        let mut listed: Vec<Listed> = self.listed().unwrap_or_default();
        listed.retain(|item| item.name.starts_with(&prefix) && !is_unfinished(&item.name));
        listed.sort_by(|a, b| b.modified.cmp(&a.modified).then_with(|| a.name.cmp(&b.name)));
        listed.into_iter().filter_map(move |item| self.open(&item.path, item.name.strip_prefix(&prefix)?))
    }

    /// The item with a name.
    pub fn item(&self, kind: &str, name: &str) -> Option<Item> {
        self.open(&self.folder.join(file_name(kind, name)), name)
    }

    fn open(&self, path: &Path, name: &str) -> Option<Item> {
        // Not a link, a device or a pipe: opening one of these could do anything.
        if !fs::symlink_metadata(path).ok()?.is_file() {
            return None;
        }
        let mut file = File::open(path).ok()?;
        let metadata = file.metadata().ok()?;
        if !metadata.is_file() || !self.is_trusted(&metadata) {
            return None;
        }
        let mut prefix = [0; PREFIX];
        file.read_exact(&mut prefix).ok()?;
        let mut rest = prefix.strip_prefix(MAGIC)?;
        let mut start = PREFIX as u64;
        let mut parts = [Part { start, length: 0, digest: [0; DIGEST] }; PARTS];
        for part in &mut parts {
            let (length, after) = rest.split_first_chunk()?;
            let (digest, after) = after.split_first_chunk()?;
            *part = Part { start, length: u64::from_le_bytes(*length), digest: *digest };
            start = start.checked_add(part.length)?;
            rest = after;
        }
        let is_whole = start == metadata.len() && start <= MOST_BYTES;
        is_whole.then(|| Item { name: name.to_owned(), file: Mutex::new(file), parts })
    }

    /// A file of whoever owns the repository, or of the superuser: anybody else could forge what it says.
    #[cfg(unix)]
    fn is_trusted(&self, metadata: &Metadata) -> bool {
        use std::os::unix::fs::MetadataExt;
        let owner = self.folder.parent().and_then(|repository| fs::metadata(repository).ok()).map(|of| of.uid());
        metadata.uid() == 0 || Some(metadata.uid()) == owner
    }

    #[cfg(not(unix))]
    fn is_trusted(&self, _: &Metadata) -> bool {
        true
    }

    /// Keeps an item under a name, instead of any that has it.
    pub fn keep(&self, kind: &str, name: &str, write: impl FnOnce(&mut dyn Parts) -> io::Result<()>) -> io::Result<()> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        match fs::create_dir(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        if !fs::symlink_metadata(&self.folder)?.is_dir() {
            return Err(io::Error::other(format!("{} is no folder", self.folder.display())));
        }
        let file_name = file_name(kind, name);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let unfinished = self.folder.join(format!("{file_name}.{}-{number}.new", std::process::id()));
        let written = NewItem::create(&unfinished).and_then(|mut item| {
            write(&mut item)?;
            item.finish()?;
            fs::rename(&unfinished, self.folder.join(file_name))
        });
        if written.is_err() {
            // What is left of it would only take room.
            let _ = fs::remove_file(&unfinished);
        }
        written?;
        self.prune();
        Ok(())
    }

    /// Removes what is too much, the oldest first. What cannot be removed is tried again by the next one.
    fn prune(&self) {
        let mut listed = self.listed().unwrap_or_default();
        listed.sort_by(|a, b| b.modified.cmp(&a.modified).then_with(|| a.name.cmp(&b.name)));
        let Some(newest) = listed.first().map(|item| item.modified) else { return };
        let (mut items, mut bytes) = (0, 0);
        for item in &listed {
            let is_dead = is_unfinished(&item.name)
                && newest.duration_since(item.modified).is_ok_and(|younger| younger > LONGEST_WRITE);
            // What is removed takes no room from what is older.
            if is_dead || items == MOST_ITEMS || bytes + item.length > MOST_BYTES {
                let _ = fs::remove_file(&item.path);
            } else {
                items += 1;
                bytes += item.length;
            }
        }
    }

    /// How much is kept. A memo that is not there is empty.
    pub fn contents(&self) -> io::Result<Contents> {
        let mut contents = Contents::default();
        for item in self.listed()? {
            let (items, bytes) = match item.name.starts_with(BUILD) && !is_unfinished(&item.name) {
                true => (&mut contents.items, &mut contents.bytes),
                false => (&mut contents.others, &mut contents.other_bytes),
            };
            *items += 1;
            *bytes += item.length;
        }
        Ok(contents)
    }

    /// Removes everything, and says what there was.
    pub fn clear(&self) -> io::Result<Contents> {
        let contents = self.contents()?;
        for item in self.listed()? {
            match fs::remove_file(&item.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        match fs::remove_dir(&self.folder) {
            // Somebody keeps something again, or keeps other things here: that is not ours to remove.
            Err(error) if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty) => {
                Err(error)
            }
            _ => Ok(contents),
        }
    }

    /// The files that have names such as this module gives.
    fn listed(&self) -> io::Result<Vec<Listed>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut listed = Vec::new();
        for entry in entries.flatten() {
            let (Ok(name), Ok(metadata)) = (entry.file_name().into_string(), entry.metadata()) else { continue };
            let Ok(modified) = metadata.modified() else { continue };
            if metadata.is_file() && is_named_here(&name) {
                listed.push(Listed { path: entry.path(), name, length: metadata.len(), modified });
            }
        }
        Ok(listed)
    }
}

impl Item {
    /// A part; none if it is not what was written.
    pub fn part(&self, number: usize) -> Option<Vec<u8>> {
        let Part { start, length, digest } = self.parts.get(number)?;
        let mut bytes = Vec::with_capacity(usize::try_from(*length).ok()?);
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(*start)).ok()?;
        (&mut *file).take(*length).read_to_end(&mut bytes).ok()?;
        (blake3::hash(&bytes).as_bytes() == digest).then_some(bytes)
    }
}

/// An item that is being written. Its prefix is known when all parts are.
struct NewItem {
    file: BufWriter<File>,
    parts: Vec<(u64, blake3::Hasher)>,
    bytes: u64,
}

impl NewItem {
    fn create(path: &Path) -> io::Result<Self> {
        let mut file = BufWriter::new(File::options().write(true).create_new(true).open(path)?);
        file.write_all(&[0; PREFIX])?;
        Ok(Self { file, parts: Vec::new(), bytes: PREFIX as u64 })
    }

    fn finish(mut self) -> io::Result<()> {
        let mut prefix = MAGIC.to_vec();
        self.parts.resize_with(PARTS, Default::default);
        for (length, hasher) in &self.parts {
            prefix.extend_from_slice(&length.to_le_bytes());
            prefix.extend_from_slice(hasher.finalize().as_bytes());
        }
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&prefix)?;
        self.file.flush()
    }
}

impl Parts for NewItem {
    fn begin(&mut self) -> io::Result<()> {
        if self.parts.len() == PARTS {
            return Err(io::Error::other(format!("an item has at most {PARTS} parts")));
        }
        self.parts.push(Default::default());
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (length, hasher) = self.parts.last_mut().ok_or(io::ErrorKind::InvalidInput)?;
        *length += bytes.len() as u64;
        self.bytes += bytes.len() as u64;
        if self.bytes > MOST_BYTES / 4 {
            return Err(io::Error::other(format!("{} bytes are more than is kept", self.bytes)));
        }
        hasher.update(bytes);
        self.file.write_all(bytes)
    }
}

fn file_name(kind: &str, name: &str) -> String {
    format!("{BUILD}-{kind}-{name}")
}

fn is_unfinished(name: &str) -> bool {
    name.ends_with(".new")
}

/// Sixteen digits of a build, and a dash.
fn is_named_here(name: &str) -> bool {
    let build = name.split('-').next().unwrap_or_default();
    build.len() == BUILD.len() && build.bytes().all(|byte| byte.is_ascii_hexdigit()) && name.len() > build.len()
}
