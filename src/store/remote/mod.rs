//! Caches elsewhere: results that others made, and a place for those that are made here.
//!
//! A server is believed in nothing. What it sends is bounded in length and time, every byte is held against its digest,
//! and a manifest against the signature that the repository asks for, before it is kept in the local cache; from there
//! it is restored as if it had been made here. Whatever goes wrong costs time: the task is run.

mod connection;
mod health;
mod objects;
pub(crate) mod reapi;
mod seal;
mod shared;
#[cfg(test)]
mod tests;
mod turborepo;

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

pub use seal::{NoKey, PublicKey, Signer};
pub use shared::{RemoteCache, SetupError, Trust};

use super::cache::{Blob, ResultKey};

/// The longest time that one request may take, connecting included, where a server does not move; and the longest that
/// nothing may arrive while a body is sent or read.
pub(in crate::store) const LONGEST_SILENCE: Duration = Duration::from_secs(10);

/// The longest that connecting may take.
pub(in crate::store) const LONGEST_CONNECT: Duration = Duration::from_secs(3);

/// Who writes what others read. A result is found by those alone who read the namespace that it was written to, so that
/// nobody can put a result in the way of somebody who is trusted more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Namespace {
    /// Written on protected branches only, read by everybody.
    Trusted,
    /// Written and read by the runs for one request to merge.
    PullRequest(u64),
    /// Written and read on workstations.
    Local,
}

impl Namespace {
    /// Reads `trusted`, `pr-12` or `local`.
    pub fn read(text: &str) -> Option<Self> {
        let number = || text.strip_prefix("pr-").filter(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
        match text {
            "trusted" => Some(Self::Trusted),
            "local" => Some(Self::Local),
            _ => number()?.parse().ok().map(Self::PullRequest),
        }
    }
}

/// As it is written in a place of a server: `trusted`, `pr-12`, `local`.
impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trusted => f.write_str("trusted"),
            Self::PullRequest(number) => write!(f, "pr-{number}"),
            Self::Local => f.write_str("local"),
        }
    }
}

/// What a result is found by on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct RemoteKey {
    pub(in crate::store) namespace: Namespace,
    pub(in crate::store) key: ResultKey,
}

impl RemoteKey {
    /// Both parts in one, where a server takes only one name.
    pub(in crate::store) fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("knockon 2026 name of a result on a server v1");
        hasher.update(self.namespace.to_string().as_bytes());
        hasher.update(&[0]);
        hasher.update(&self.key.0);
        *hasher.finalize().as_bytes()
    }
}

/// A server that keeps results. Each request ends within [`LONGEST_SILENCE`] of the last byte that moved.
pub(in crate::store) trait Server: fmt::Debug + Send + Sync {
    /// Looks for a result; none is there where the server says so plainly, all else is an error.
    fn find<'a>(&'a self, key: &RemoteKey) -> Result<Option<Box<dyn RemoteResult + 'a>>, RemoteError>;

    /// Keeps a result, bytes first, then what names them. What is kept under the key already stays as it is.
    fn keep(&self, key: &RemoteKey, result: &Departing<'_>) -> Result<Written, RemoteError>;
}

/// A result that a server has.
pub(in crate::store) trait RemoteResult {
    /// The manifest and its signature, at most [`LONGEST_MANIFEST`] bytes.
    fn manifest(&self) -> &[u8];

    /// Reads bytes that the manifest names, and hands on no more than their length. They are asked for in the order of
    /// [`Departing::blobs`], some perhaps not at all. Whoever asks digests them.
    fn read(&mut self, blob: &Blob, to: &mut dyn Write) -> Result<(), RemoteError>;
}

/// A manifest of more bytes than this is not read from a server.
pub(in crate::store) const LONGEST_MANIFEST: u64 = 64 << 20;

/// A result on its way to a server.
pub(in crate::store) struct Departing<'a> {
    /// The manifest and its signature.
    pub(in crate::store) manifest: &'a [u8],
    /// The bytes that it names, each once, sorted; none of them empty.
    pub(in crate::store) blobs: &'a [Blob],
    /// Opens some of these bytes.
    pub(in crate::store) open: &'a dyn Fn(&Blob) -> io::Result<File>,
    /// When it has to be there.
    pub(in crate::store) deadline: Instant,
}

impl Departing<'_> {
    /// Opens some bytes, of which no more than their length is read, and none after the deadline.
    pub(in crate::store) fn read(&self, blob: &Blob) -> io::Result<impl Read + Send + use<>> {
        Ok(InTime { inner: (self.open)(blob)?.take(blob.length), deadline: self.deadline })
    }

    /// How long it may still take.
    pub(in crate::store) fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

/// Moves bytes until a moment in time.
struct InTime<T> {
    inner: T,
    deadline: Instant,
}

impl<T> InTime<T> {
    fn check(&self) -> io::Result<()> {
        if Instant::now() < self.deadline { Ok(()) } else { Err(io::ErrorKind::TimedOut.into()) }
    }
}

impl<T: Read> Read for InTime<T> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.check()?;
        self.inner.read(bytes)
    }
}

impl<T: Write> Write for InTime<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.check()?;
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// What became of a result that was to be kept elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Written {
    /// It is kept.
    Kept,
    /// Something is kept under its key already, and stays.
    There,
}

/// Why a server is of no use just now.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// It cannot be reached, or broke off.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// Nothing came for too long.
    #[error("it does not answer in time")]
    Slow,
    /// It does not let this user do that.
    #[error("it refuses: {0}")]
    Refused(String),
    /// It has no room, or is asked too often.
    #[error("it takes no more: {0}")]
    Full(String),
    /// It says something else than its protocol has, or than what was put there.
    #[error("what it answers makes no sense: {0}")]
    Wrong(String),
    /// The bytes that were to be sent cannot be read, or those that came not be kept.
    #[error("{0}")]
    Here(#[from] io::Error),
}

/// Prepares to speak to the server at a URL, by the protocol that its scheme names.
fn open(url: &url::Url, secrets: &dyn Fn(&str) -> Option<String>) -> Result<Box<dyn Server>, SetupError> {
    match url.scheme() {
        "s3" | "az" | "gs" | "file" => Ok(Box::new(objects::open(url, secrets, LONGEST_SILENCE)?)),
        "grpc" | "grpcs" => Ok(Box::new(reapi::Reapi::open(url, secrets)?)),
        scheme if scheme.starts_with(turborepo::SCHEME) => {
            Ok(Box::new(turborepo::open(url, secrets, LONGEST_SILENCE)?))
        }
        other => Err(SetupError::Scheme(other.to_owned())),
    }
}
