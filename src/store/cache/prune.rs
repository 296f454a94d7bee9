//! How much is kept, whether it is right, and removing what is too much.

use std::collections::{HashMap, HashSet};
use std::io;
use std::time::{Duration, SystemTime};

use super::content::Content as Bytes;
use super::folder::{Folder, Kind};
use super::layout::{BLOBS, COLLECTOR, DAMAGED, Layout, Lookup, RESULTS, UNFINISHED, blob_name, result_name};
use super::manifest::{Blob, ResultKey};
use super::staging::{is_within, sweep};
use super::{Cache, CacheError};

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CacheContents {
    /// Results, of which some may be damaged.
    pub results: usize,
    /// Blobs that they are made of.
    pub blobs: usize,
    /// The bytes of both.
    pub bytes: u64,
    /// Files that were found not to be what their names say, and were moved aside.
    pub damaged: usize,
}

/// What a check of everything found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Verified {
    /// Results that can be restored.
    pub results: usize,
    /// Results of which something is damaged or not there, and that were removed.
    pub broken: usize,
    /// Blobs that were not what their names say, and were moved aside.
    pub damaged: usize,
}

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pruned {
    /// Whether somebody else is at it, so that nothing was done.
    pub busy: bool,
    /// Results.
    pub results: usize,
    /// Blobs.
    pub blobs: usize,
    /// The bytes of both.
    pub bytes: u64,
    /// Staging folders of processes that died.
    pub unfinished: usize,
}

/// A file of the cache.
struct Listed {
    digest: [u8; 32],
    length: u64,
    modified: SystemTime,
}

impl Cache {
    /// How much is kept. A cache that is not there is empty.
    pub fn contents(&self) -> Result<CacheContents, CacheError> {
        let Some(layout) = self.open_if_there()? else { return Ok(CacheContents::default()) };
        let count = || -> io::Result<CacheContents> {
            let (results, blobs) = (listed(&layout, RESULTS)?, listed(&layout, BLOBS)?);
            let bytes = results.iter().chain(&blobs).fold(0, |sum: u64, file| sum.saturating_add(file.length));
            let damaged =
                folder_if_there(&layout, DAMAGED)?.map_or(Ok(0), |folder| folder.names().map(|it| it.len()))?;
            Ok(CacheContents { results: results.len(), blobs: blobs.len(), bytes, damaged })
        };
        count().map_err(CacheError::Store)
    }

    /// Reads everything. What is damaged is moved aside, and results that rest on it are removed.
    pub fn verify(&self) -> Result<Verified, CacheError> {
        let Some(layout) = self.open_if_there()? else { return Ok(Verified::default()) };
        verify(&layout).map_err(CacheError::Store)
    }

    /// Removes the results that were not used for the longest time, until what is kept takes no more than `limit` bytes.
    /// What is younger than `grace` stays: it may be of a result that is being written, so that has to take less time.
    pub fn prune(&self, limit: u64, grace: Duration) -> Result<Pruned, CacheError> {
        let Some(layout) = self.open_if_there()? else { return Ok(Pruned::default()) };
        prune(&layout, limit, grace, SystemTime::now()).map_err(CacheError::Store)
    }

    /// Prunes, unless somebody has within a day.
    pub fn prune_daily(&self, limit: u64, grace: Duration) -> Result<Option<Pruned>, CacheError> {
        let Some(layout) = self.open_if_there()? else { return Ok(None) };
        let now = SystemTime::now();
        let last = layout.top.look(COLLECTOR.as_bytes()).map(|facts| facts.modified);
        if last.is_ok_and(|last| is_within(DAY, last, now)) {
            return Ok(None);
        }
        prune(&layout, limit, grace, now).map(Some).map_err(CacheError::Store)
    }

    fn open_if_there(&self) -> Result<Option<Layout>, CacheError> {
        match Layout::open(&self.folder, &self.beside) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => opened.map(Some).map_err(CacheError::Store),
        }
    }
}

/// So long nobody need look again.
const DAY: Duration = Duration::from_secs(24 * 3600);

fn folder_if_there(layout: &Layout, name: &str) -> io::Result<Option<Folder>> {
    match layout.top.open(name.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

/// The files on the shelves of a folder that have names as they are given here.
fn listed(layout: &Layout, name: &str) -> io::Result<Vec<Listed>> {
    let mut listed = Vec::new();
    let Some(folder) = folder_if_there(layout, name)? else { return Ok(listed) };
    for (shelf_name, kind) in folder.names()? {
        if kind != Kind::Folder || shelf_name.len() != 2 {
            continue;
        }
        let shelf = folder.open(&shelf_name)?;
        for (rest, _) in shelf.names()? {
            let Some(digest) = digest_of(&shelf_name, &rest) else { continue };
            match shelf.look(&rest) {
                Ok(facts) if facts.kind == Kind::File => {
                    listed.push(Listed { digest, length: facts.length, modified: facts.modified });
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(listed)
}

fn digest_of(shelf: &[u8], rest: &[u8]) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    let digits = [shelf, rest].concat();
    if digits.len() != 2 * digest.len() {
        return None;
    }
    for (byte, pair) in digest.iter_mut().zip(digits.as_chunks::<2>().0) {
        let nibble = |digit: u8| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        };
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(digest)
}

fn verify(layout: &Layout) -> io::Result<Verified> {
    let mut verified = Verified::default();
    let mut bytes = Bytes::new();
    let mut right = HashSet::new();
    for Listed { digest, length, .. } in listed(layout, BLOBS)? {
        let blob = Blob { digest, length };
        let read = layout.blob(&blob).and_then(|mut file| bytes.pass(&mut file, length, |_| Ok(())));
        match read {
            Ok(read) if read == blob => {
                right.insert(blob);
            }
            Ok(_) => {
                layout.quarantine(&blob_name(&blob));
                verified.damaged += 1;
            }
            // Removed by a collector meanwhile, or not to be read: then no result can be restored from it.
            Err(_) => {}
        }
    }
    for Listed { digest, .. } in listed(layout, RESULTS)? {
        let key = ResultKey(digest);
        match layout.result(&key)? {
            Lookup::Result(manifest)
                if manifest.blobs().all(|blob| right.contains(&blob) || layout.has_blob(&blob)) =>
            {
                verified.results += 1;
            }
            Lookup::Result(_) => {
                layout.quarantine(&result_name(&key));
                verified.broken += 1;
            }
            Lookup::Damaged => verified.broken += 1,
            Lookup::Nothing => {}
        }
    }
    Ok(verified)
}

pub(super) fn prune(layout: &Layout, limit: u64, grace: Duration, now: SystemTime) -> io::Result<Pruned> {
    let collector = layout.top.open_or_create(COLLECTOR.as_bytes())?;
    // When it was locked last says when somebody pruned last; where that cannot be written, it is done each time.
    let is_locked = collector.try_lock();
    let _ = collector.set_modified(now);
    if is_locked.is_err() {
        return Ok(Pruned { busy: true, ..Pruned::default() });
    }
    let mut pruned = Pruned::default();
    if let Some(unfinished) = folder_if_there(layout, UNFINISHED)? {
        pruned.unfinished = sweep(&unfinished, "", grace, now)?;
    }
    if let Some(damaged) = folder_if_there(layout, DAMAGED)? {
        for (name, _) in damaged.names()? {
            if damaged.look(&name).is_ok_and(|facts| !is_within(grace, facts.modified, now)) {
                damaged.remove(&name)?;
            }
        }
    }
    let mut results = listed(layout, RESULTS)?;
    let mut uses: HashMap<[u8; 32], usize> = HashMap::new();
    let mut kept = Vec::with_capacity(results.len());
    results.sort_unstable_by_key(|result| (result.modified, result.digest));
    for result in results {
        if let Lookup::Result(manifest) = layout.result(&ResultKey(result.digest))? {
            let mut digests: Vec<_> = manifest.blobs().map(|blob| blob.digest).collect();
            digests.sort_unstable();
            digests.dedup();
            for digest in &digests {
                *uses.entry(*digest).or_default() += 1;
            }
            kept.push((result, digests));
        }
    }
    let blobs = listed(layout, BLOBS)?;
    let sum = |sum: u64, length: &u64| sum.saturating_add(*length);
    let mut bytes = kept.iter().map(|(result, _)| result.length).collect::<Vec<_>>().iter().fold(0, sum);
    bytes = blobs.iter().map(|blob| blob.length).collect::<Vec<_>>().iter().fold(bytes, sum);
    let blobs: HashMap<[u8; 32], Listed> = blobs.into_iter().map(|blob| (blob.digest, blob)).collect();
    let mut removal = Removal { layout, grace, now, pruned, bytes };
    for blob in blobs.values().filter(|blob| !uses.contains_key(&blob.digest)) {
        removal.blob(blob)?;
    }
    for (result, digests) in &kept {
        if removal.bytes <= limit || is_within(grace, result.modified, now) {
            break;
        }
        removal.result(result)?;
        for digest in digests {
            let left = uses.entry(*digest).or_default();
            *left = left.saturating_sub(1);
            if let (0, Some(blob)) = (*left, blobs.get(digest)) {
                removal.blob(blob)?;
            }
        }
    }
    Ok(removal.pruned)
}

struct Removal<'a> {
    layout: &'a Layout,
    grace: Duration,
    now: SystemTime,
    pruned: Pruned,
    /// The bytes that are left.
    bytes: u64,
}

impl Removal<'_> {
    fn result(&mut self, result: &Listed) -> io::Result<()> {
        let removed = self.file(&result_name(&ResultKey(result.digest)), result.length)?;
        self.pruned.results += usize::from(removed);
        Ok(())
    }

    fn blob(&mut self, blob: &Listed) -> io::Result<()> {
        let removed = self.file(&blob_name(&Blob { digest: blob.digest, length: blob.length }), blob.length)?;
        self.pruned.blobs += usize::from(removed);
        Ok(())
    }

    /// Removes a file, unless it was used since it was listed: then somebody may be about to name it in a manifest.
    fn file(&mut self, name: &str, length: u64) -> io::Result<bool> {
        match self.layout.top.look(name.as_bytes()) {
            Ok(facts) if !is_within(self.grace, facts.modified, self.now) => {}
            _ => return Ok(false),
        }
        match self.layout.top.remove(name.as_bytes()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            removed => removed?,
        }
        self.bytes = self.bytes.saturating_sub(length);
        self.pruned.bytes += length;
        Ok(true)
    }
}
