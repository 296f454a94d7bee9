//! What a result consists of, as it is written down. The format stands in `docs/cache.md`.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use super::outputs::MOST_ENTRIES;
use crate::codec::{Damaged, Reader, Writer};
use crate::path::RepoPath;

/// What a result is kept under: the fingerprint of the task.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResultKey(pub [u8; 32]);

/// As it is written in the names of files.
impl fmt::Display for ResultKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ResultKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Bytes that are kept, by their BLAKE3 digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::store) struct Blob {
    pub(in crate::store) digest: [u8; 32],
    pub(in crate::store) length: u64,
}

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    File {
        blob: Blob,
        executable: bool,
    },
    Link {
        target: Vec<u8>,
    },
    /// A folder in which nothing else of the result lies.
    Folder,
}

/// One output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) path: RepoPath,
    pub(super) content: Content,
}

/// A result: the outputs, sorted by path, and how the task ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Manifest {
    pub(super) entries: Vec<Entry>,
    /// What the task printed.
    pub(super) printed: Blob,
    pub(super) duration: Duration,
    pub(super) attempts: u32,
}

/// The name of the format and its version.
const MAGIC: &[u8; 16] = b"knockon result 1";
const DIGEST: usize = 32;
/// A manifest of more bytes than this was not written here.
pub(super) const LONGEST: u64 = 256 << 20;

const FILE: u64 = 0;
const EXECUTABLE: u64 = 1;
const LINK: u64 = 2;
const FOLDER: u64 = 3;

impl Manifest {
    /// The manifest as bytes: the magic, the digest of all that follows, then the key and what is under it.
    pub(super) fn encode(&self, key: &ResultKey) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.bytes.extend_from_slice(MAGIC);
        writer.bytes.extend_from_slice(&[0; DIGEST]);
        writer.bytes.extend_from_slice(&key.0);
        writer.number(self.duration.as_secs());
        writer.number(self.duration.subsec_nanos());
        writer.number(self.attempts);
        write_blob(&mut writer, self.printed);
        writer.count(self.entries.len());
        for Entry { path, content } in &self.entries {
            writer.field(path.as_bytes());
            match content {
                Content::File { blob, executable } => {
                    writer.number(if *executable { EXECUTABLE } else { FILE });
                    write_blob(&mut writer, *blob);
                }
                Content::Link { target } => {
                    writer.number(LINK);
                    writer.field(target);
                }
                Content::Folder => writer.number(FOLDER),
            }
        }
        let mut bytes = writer.bytes;
        let digest = blake3::hash(&bytes[MAGIC.len() + DIGEST..]);
        bytes[MAGIC.len()..MAGIC.len() + DIGEST].copy_from_slice(digest.as_bytes());
        bytes
    }

    /// Reads what [`Manifest::encode`] wrote for the same key. All that a restore relies on is checked here.
    pub(super) fn decode(key: &ResultKey, bytes: &[u8]) -> Result<Self, Damaged> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(Damaged)?;
        let (digest, body) = rest.split_first_chunk::<DIGEST>().ok_or(Damaged)?;
        if blake3::hash(body).as_bytes() != digest {
            return Err(Damaged);
        }
        Self::decode_body(key, body)
    }

    /// Reads what the digest covers; whoever damages it on purpose can write a digest that fits.
    pub(super) fn decode_body(key: &ResultKey, body: &[u8]) -> Result<Self, Damaged> {
        let mut reader = Reader::new(body);
        if reader.take(key.0.len())? != key.0 {
            return Err(Damaged);
        }
        let (seconds, nanoseconds) = (reader.number()?, reader.small()?);
        if nanoseconds >= 1_000_000_000 {
            return Err(Damaged);
        }
        let duration = Duration::new(seconds, nanoseconds);
        let attempts = reader.small()?;
        let printed = read_blob(&mut reader)?;
        let entries = reader.list(read_entry)?;
        reader.end()?;
        let manifest = Self { entries, printed, duration, attempts };
        if manifest.is_sound() { Ok(manifest) } else { Err(Damaged) }
    }

    /// Whether the paths are sorted, and none lies below a file, a symlink or a folder without anything in it.
    fn is_sound(&self) -> bool {
        let paths: HashSet<&[u8]> = self.entries.iter().map(|entry| entry.path.as_bytes()).collect();
        self.entries.len() <= MOST_ENTRIES
            && self.entries.is_sorted_by(|a, b| a.path < b.path)
            && self.entries.iter().all(|Entry { path, content }| {
                let mut above = path.as_bytes();
                while let Some(at) = above.iter().rposition(|&byte| byte == b'/') {
                    above = &above[..at];
                    if paths.contains(above) {
                        return false;
                    }
                }
                !path.is_root() && content.stays_within(path)
            })
            && self.bytes().is_some()
    }

    /// All bytes of the outputs together, as long as that is a number.
    pub(super) fn bytes(&self) -> Option<u64> {
        self.blobs().try_fold(0u64, |sum, blob| sum.checked_add(blob.length))
    }

    /// The blobs that it takes to restore the result.
    pub(super) fn blobs(&self) -> impl Iterator<Item = Blob> {
        let of_entries = self.entries.iter().filter_map(|entry| match entry.content {
            Content::File { blob, .. } => Some(blob),
            _ => None,
        });
        of_entries.chain([self.printed])
    }
}

impl Content {
    fn stays_within(&self, path: &RepoPath) -> bool {
        match self {
            Self::Link { target } => link_stays_within(path, target),
            _ => true,
        }
    }
}

/// Whether a symlink at a path leads to a place in the work tree, and not into `.git`.
///
/// It may climb at its beginning only: there every folder is a real one, whereas a name further on can be a symlink
/// itself, and `..` behind it leads elsewhere than the text says.
pub(super) fn link_stays_within(path: &RepoPath, target: &[u8]) -> bool {
    let Some(folder) = path.parent() else { return false };
    let mut segments = target.split(|&byte| byte == b'/').skip_while(|segment| matches!(*segment, b"." | b".." | b""));
    !target.is_empty() && !segments.any(|segment| segment == b"..") && folder.resolve(target).is_ok()
}

fn write_blob(writer: &mut Writer, blob: Blob) {
    writer.number(blob.length);
    // No bytes are no file: the empty digest says nothing more.
    if blob.length > 0 {
        writer.bytes.extend_from_slice(&blob.digest);
    }
}

fn read_blob(reader: &mut Reader<'_>) -> Result<Blob, Damaged> {
    let length = reader.number()?;
    let digest = match length {
        0 => *blake3::hash(b"").as_bytes(),
        _ => reader.take(DIGEST)?.try_into().map_err(|_| Damaged)?,
    };
    Ok(Blob { digest, length })
}

fn read_entry(reader: &mut Reader<'_>) -> Result<Entry, Damaged> {
    let path = RepoPath::from_git(reader.field()?).map_err(|_| Damaged)?;
    let content = match reader.number()? {
        kind @ (FILE | EXECUTABLE) => Content::File { blob: read_blob(reader)?, executable: kind == EXECUTABLE },
        LINK => Content::Link { target: reader.field()?.to_vec() },
        FOLDER => Content::Folder,
        _ => return Err(Damaged),
    };
    Ok(Entry { path, content })
}
