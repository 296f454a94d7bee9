//! What `git add` would store of a file on disk: line endings and `$Id$`, but never a filter program.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use super::GitError;
use super::attributes::{Attributes, State};
use super::object::{Hash, Kind, from_oid};
use super::objects::Objects;
use super::settings::{AutoCrlf, Settings};
use crate::path::RepoPath;
use crate::tree::{ContentId, ObjectId};

/// Files beyond this are hashed as a stream of their raw bytes. Git converts no line endings in very large files
/// either; between its limit and this one a changed file merely counts as changed.
const LARGE: u64 = 64 << 20;

/// How bytes on disk become the bytes that git stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As they are.
    Raw,
    /// With line endings and `$Id$` as git stores them.
    Text { endings: Endings, ident: bool },
    /// A `filter=` driver would change them: as they are, because no program is run.
    Filtered { lfs: bool },
    /// `working-tree-encoding` would change them: as they are.
    Encoded,
}

/// Which `\r\n` become `\n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endings {
    Kept,
    /// All: the attributes say that it is text.
    Text,
    /// All if the bytes look like text, and the index does not hold `\r\n` already.
    Guessed,
}

/// The first bytes of every pointer that LFS leaves in place of a file.
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";

/// Whether bytes are such a pointer.
pub(super) fn is_lfs_pointer(bytes: &[u8]) -> bool {
    bytes.len() < 1024 && bytes.starts_with(LFS_POINTER)
}

/// The form of a file by its attributes and the user's settings.
pub(super) fn form_of(path: &RepoPath, attributes: &Attributes, settings: &Settings) -> Form {
    let states = attributes.of(path);
    let state = |name: &str| states.get(name.as_bytes());
    if let Some(State::Value(driver)) = state("filter") {
        return Form::Filtered { lfs: **driver == *b"lfs" };
    }
    if let Some(State::Value(encoding)) = state("working-tree-encoding")
        && !encoding.eq_ignore_ascii_case(b"utf-8")
        && !encoding.eq_ignore_ascii_case(b"utf8")
    {
        return Form::Encoded;
    }
    let text = match state("text") {
        Some(State::Set) => Some(Endings::Text),
        Some(State::Unset) => Some(Endings::Kept),
        Some(value) if value.is("auto") => Some(Endings::Guessed),
        Some(value) if value.is("input") => Some(Endings::Text),
        _ => match state("crlf") {
            Some(State::Set) => Some(Endings::Text),
            Some(State::Unset) => Some(Endings::Kept),
            Some(value) if value.is("input") => Some(Endings::Text),
            _ => None,
        },
    };
    let eol = state("eol").is_some_and(|value| value.is("lf") || value.is("crlf"));
    let endings = match text {
        Some(endings) => endings,
        None if eol => Endings::Text,
        None if settings.auto_crlf == AutoCrlf::No => Endings::Kept,
        None => Endings::Guessed,
    };
    let ident = state("ident") == Some(&State::Set);
    if endings == Endings::Kept && !ident { Form::Raw } else { Form::Text { endings, ident } }
}

impl Form {
    /// The bytes that git would store. `indexed` is what the index holds for the file now.
    pub(super) fn stored<'a>(self, bytes: &'a [u8], indexed: impl FnOnce() -> Option<Vec<u8>>) -> Cow<'a, [u8]> {
        let Form::Text { endings, ident } = self else { return Cow::Borrowed(bytes) };
        let mut stored = Cow::Borrowed(bytes);
        let found = Statistics::of(bytes);
        let converts = match endings {
            Endings::Kept => false,
            Endings::Text => true,
            Endings::Guessed => {
                !found.is_binary()
                    && !indexed().is_some_and(|bytes| {
                        let indexed = Statistics::of(&bytes);
                        indexed.pairs > 0 && !indexed.is_binary()
                    })
            }
        };
        if converts && found.pairs > 0 {
            let mut plain = Vec::with_capacity(bytes.len());
            let next = bytes.iter().skip(1).map(Some).chain([None]);
            plain.extend(bytes.iter().zip(next).filter(|&(&b, n)| b != b'\r' || n != Some(&b'\n')).map(|(&b, _)| b));
            stored = Cow::Owned(plain);
        }
        if ident { Cow::Owned(without_ids(&stored)) } else { stored }
    }
}

/// What git counts to tell text from other bytes.
#[derive(Default)]
struct Statistics {
    nul: usize,
    lone_returns: usize,
    pairs: usize,
    printable: usize,
    other: usize,
}

impl Statistics {
    fn of(bytes: &[u8]) -> Self {
        let mut found = Self::default();
        let mut at = 0;
        while at < bytes.len() {
            match bytes[at] {
                b'\r' if bytes.get(at + 1) == Some(&b'\n') => {
                    found.pairs += 1;
                    at += 1;
                }
                b'\r' => found.lone_returns += 1,
                b'\n' => {}
                0 => {
                    found.nul += 1;
                    found.other += 1;
                }
                b'\x08' | b'\t' | b'\x1b' | b'\x0c' => found.printable += 1,
                ..b' ' | 127 => found.other += 1,
                _ => found.printable += 1,
            }
            at += 1;
        }
        // The end-of-file mark of DOS.
        if bytes.last() == Some(&0x1a) {
            found.other -= 1;
        }
        found
    }

    fn is_binary(&self) -> bool {
        self.lone_returns > 0 || self.nul > 0 || self.printable >> 7 < self.other
    }
}

/// `$Id: …$` as git stores it: `$Id$`.
fn without_ids(bytes: &[u8]) -> Vec<u8> {
    let mut stored = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(4).position(|window| window == b"$Id:") {
        let end = rest[at + 4..].iter().position(|&b| b == b'$' || b == b'\n');
        match end {
            Some(end) if rest[at + 4 + end] == b'$' => {
                stored.extend_from_slice(&rest[..at]);
                stored.extend_from_slice(b"$Id$");
                rest = &rest[at + 5 + end..];
            }
            _ => {
                stored.extend_from_slice(&rest[..at + 4]);
                rest = &rest[at + 4..];
            }
        }
    }
    stored.extend_from_slice(rest);
    stored
}

/// Why a file on disk has no id.
pub(super) enum Failure {
    Disk(io::Error),
    Git(GitError),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

impl From<GitError> for Failure {
    fn from(error: GitError) -> Self {
        Self::Git(error)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Disk(error) => error.fmt(f),
            Failure::Git(error) => error.fmt(f),
        }
    }
}

/// The id of a file on disk, and whether it is a pointer of LFS. The form is asked for only if the raw bytes are not
/// the ones that the index holds.
pub(super) fn identify(
    disk: &Path,
    indexed: Option<ObjectId>,
    objects: &Objects,
    form: impl FnOnce() -> Form,
) -> Result<(ContentId, Form, bool), Failure> {
    if fs::symlink_metadata(disk)?.len() > LARGE {
        return Ok((ContentId(stream(disk, objects.hash)?), Form::Raw, false));
    }
    let bytes = read_file(disk)?;
    let raw = objects.hash.id(Kind::Blob, &bytes)?;
    let pointer = is_lfs_pointer(&bytes);
    if indexed == Some(raw) {
        return Ok((ContentId(raw), Form::Raw, pointer));
    }
    let form = form();
    let stored = form.stored(&bytes, || objects.read(indexed?, Kind::Blob).ok());
    let id = match stored {
        Cow::Borrowed(_) => raw,
        Cow::Owned(stored) => objects.hash.id(Kind::Blob, &stored)?,
    };
    Ok((ContentId(id), form, pointer))
}

/// Reads a regular file. It was one when it was looked at; should it be another thing by now, that is an error.
pub(super) fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let (mut file, length) = open(path)?;
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn open(path: &Path) -> io::Result<(File, u64)> {
    let before = fs::symlink_metadata(path)?;
    if !before.is_file() {
        return Err(io::Error::other("it is no regular file any more"));
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || !same_file(&before, &metadata) {
        return Err(io::Error::other("it was replaced while it was opened"));
    }
    Ok((file, metadata.len()))
}

#[cfg(unix)]
fn same_file(one: &fs::Metadata, two: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (two.dev(), two.ino())
}

#[cfg(not(unix))]
fn same_file(_: &fs::Metadata, _: &fs::Metadata) -> bool {
    true
}

fn stream(path: &Path, hash: Hash) -> Result<ObjectId, Failure> {
    use sha2::Digest;
    let (mut file, length) = open(path)?;
    match hash {
        Hash::Sha1 => {
            drop(file);
            let id = git2::Oid::hash_file(git2::ObjectType::Blob, path).map_err(GitError::from)?;
            Ok(from_oid(id)?)
        }
        Hash::Sha256 => {
            let mut hasher = Hash::sha256_header(Kind::Blob, length);
            let mut buffer = vec![0; 1 << 16];
            let mut seen = 0;
            loop {
                let read = file.read(&mut buffer)?;
                if read == 0 {
                    break;
                }
                seen += read as u64;
                hasher.update(&buffer[..read]);
            }
            if seen != length {
                return Err(io::Error::other("its length changed while it was read").into());
            }
            Ok(ObjectId::from(<[u8; 32]>::from(hasher.finalize())))
        }
    }
}
