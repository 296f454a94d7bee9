//! Results on their way from and to a server: taken in as if they had been made here, and handed out as they are kept.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write};

use super::content::write;
use super::keep::{Keeper, differences};
use super::layout::Lookup;
use super::manifest::{Blob, Manifest, ResultKey};
use super::outputs::Declared;
use super::{Cache, CacheError, Kept, Outputs};
use crate::path::RepoPath;

/// A result that a server has, and whose bytes are still to come.
pub(in crate::store) struct Arriving {
    key: ResultKey,
    manifest: Manifest,
    keeper: Keeper,
}

/// A result as it is sent to a server.
pub(in crate::store) struct HandedOut {
    /// The manifest as bytes.
    pub(in crate::store) manifest: Vec<u8>,
    /// The bytes that it names, each once, sorted; none of them empty.
    pub(in crate::store) blobs: Vec<Blob>,
    keeper: Keeper,
}

impl Cache {
    /// Begins to take in a result that was made elsewhere. A manifest that is damaged, of another key, or names more than
    /// the outputs of the task is refused.
    pub(in crate::store) fn arrival(
        &self,
        key: &ResultKey,
        manifest: &[u8],
        outputs: &[Outputs<'_>],
    ) -> Result<Arriving, CacheError> {
        let manifest = Manifest::decode(key, manifest).map_err(|_| CacheError::Damaged)?;
        Declared::new(outputs)?.check(&manifest.entries)?;
        let keeper = Keeper::of(self).map_err(CacheError::Store)?;
        Ok(Arriving { key: *key, manifest, keeper })
    }

    /// What is to be sent of a result that is kept.
    pub(in crate::store) fn hand_out(&self, key: &ResultKey) -> Result<HandedOut, CacheError> {
        let keeper = Keeper::of(self).map_err(CacheError::Store)?;
        match keeper.layout.result(key).map_err(CacheError::Store)? {
            Lookup::Result(manifest) => {
                Ok(HandedOut { manifest: manifest.encode(key), blobs: distinct(&manifest), keeper })
            }
            Lookup::Nothing | Lookup::Damaged => Err(CacheError::Missing),
        }
    }
}

impl Arriving {
    /// How many bytes the result has.
    pub(in crate::store) fn bytes(&self) -> u64 {
        self.manifest.bytes().unwrap_or(u64::MAX)
    }

    /// The bytes that are not here, in the order in which they are to be asked for.
    pub(in crate::store) fn wanted(&self) -> Vec<Blob> {
        let mut wanted = distinct(&self.manifest);
        wanted.retain(|blob| !self.keeper.layout.has_blob(blob));
        wanted
    }

    /// Takes in some bytes that somebody writes. They are refused if they are not what they should be; the inner error is
    /// the writer's.
    pub(in crate::store) fn take<E>(
        &mut self,
        blob: &Blob,
        fill: impl FnOnce(&mut dyn Write) -> Result<(), E>,
    ) -> Result<Result<(), E>, CacheError> {
        let name = self.keeper.staging.name();
        let file = self.keeper.staging.folder().create(name.as_bytes(), false).map_err(CacheError::Store)?;
        let mut taken = Taken { file, hasher: blake3::Hasher::new(), left: blob.length };
        if let Err(reason) = fill(&mut taken) {
            return Ok(Err(reason));
        }
        if taken.left > 0 || *taken.hasher.finalize().as_bytes() != blob.digest {
            return Err(CacheError::Damaged);
        }
        self.keeper.staged.insert(*blob, name);
        Ok(Ok(()))
    }

    /// Keeps the result, all of whose bytes are here.
    pub(in crate::store) fn keep(mut self) -> Result<Kept, CacheError> {
        self.keeper.name_blobs().map_err(CacheError::Store)?;
        if !self.manifest.blobs().all(|blob| self.keeper.layout.has_blob(&blob)) {
            return Err(CacheError::Missing);
        }
        self.keeper.publish(&self.key, &self.manifest)
    }
}

impl HandedOut {
    /// Opens some of its bytes.
    pub(in crate::store) fn open(&self, blob: &Blob) -> io::Result<File> {
        self.keeper.layout.blob(blob)
    }

    /// The outputs at which another manifest of the same key differs; none where that cannot be read.
    pub(in crate::store) fn differences(&self, key: &ResultKey, other: &[u8]) -> Option<Vec<RepoPath>> {
        let own = Manifest::decode(key, &self.manifest).ok()?;
        let other = Manifest::decode(key, other).ok()?;
        Some(differences(&own.entries, &other.entries))
    }
}

/// The bytes that a manifest names, each once, without those that need no file.
fn distinct(manifest: &Manifest) -> Vec<Blob> {
    let blobs: BTreeSet<Blob> = manifest.blobs().filter(|blob| blob.length > 0).collect();
    blobs.into_iter().collect()
}

/// Bytes that are digested on their way into a file, and no more of them than there should be.
struct Taken {
    file: File,
    hasher: blake3::Hasher,
    left: u64,
}

impl Write for Taken {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.left.checked_sub(bytes.len() as u64);
        self.left =
            left.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "more bytes than there should be"))?;
        write(&mut self.file, bytes)?;
        self.hasher.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
