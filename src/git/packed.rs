//! Objects in packs (git's `gitformat-pack`, index version 2), read piece by piece where they stand.
//!
//! libgit2 maps packs as a whole: every look at another place costs a fault and becomes this process's memory. So what is
//! well-formed is read here. Whatever else there is, a damaged pack above all, is nothing to this module: libgit2 looks next,
//! and says what is wrong.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use flate2::{Decompress, FlushDecompress, Status};
use foldhash::fast::RandomState;

use super::object::{Hash, Kind};
use crate::tree::ObjectId;

/// Signature, version, and how many objects begin with each byte or a lower one.
const INDEX_HEADER: usize = 8 + 4 * 256;
const ID: usize = 20;
/// What is read of an index and of a pack at a time.
const IDS_AT_ONCE: usize = 128;
const BYTES_AT_ONCE: usize = 4096;
/// After so many looks an index is left to libgit2: ids lie evenly, and the first look nearly always tells.
const MOST_LOOKS: usize = 8;
/// After so many objects the ids of a pack are read as a whole, unless there are more of them.
const FEW_OBJECTS: usize = 512;
const MOST_IDS: usize = 1 << 18;
/// Files are held open; and there is a look at each.
const MOST_PACKS: usize = 32;
/// Git makes no longer chains of deltas.
const LONGEST_CHAIN: usize = 4096;
/// What is larger is left to libgit2, and so is a chain of which the deltas are.
const LARGEST_OBJECT: usize = 64 << 20;
/// How many bytes of objects are held that others are deltas to, and how large one may be.
const HELD: usize = 4 << 20;
const LARGEST_HELD: usize = 256 << 10;

/// The packs of a repository and of those that it borrows from.
pub(super) struct Packed {
    folders: Vec<PathBuf>,
    /// As they were when the first object was looked for. What is packed later is left to libgit2.
    packs: OnceLock<Vec<Pack>>,
    idle: Mutex<Vec<Scratch>>,
}

/// A pack and its index.
struct Pack {
    pack: File,
    index: File,
    counts: [u32; 256],
    /// Where the ids of the pack's own content begin.
    end: u64,
    found: AtomicUsize,
    ids: OnceLock<Option<Vec<u8>>>,
    bases: Mutex<Bases>,
}

/// Objects by where they stand.
#[derive(Default)]
struct Bases {
    held: HashMap<u64, (Kind, Arc<Vec<u8>>), RandomState>,
    bytes: usize,
}

/// What one read needs, made once.
struct Scratch {
    stream: Decompress,
    bytes: Vec<u8>,
}

/// What stands at a place of a pack.
enum Entry {
    Whole(Kind),
    DeltaTo(u64),
}

impl Packed {
    /// Looks into these object folders.
    pub(super) fn new(folders: impl IntoIterator<Item = PathBuf>) -> Self {
        Self { folders: folders.into_iter().collect(), packs: OnceLock::new(), idle: Mutex::default() }
    }

    /// The object with this id, whose bytes were checked against it.
    pub(super) fn object(&self, id: ObjectId) -> Option<(Kind, Vec<u8>)> {
        if id.as_bytes().len() != ID {
            return None;
        }
        let packs = self.packs.get_or_init(|| self.open());
        let (pack, offset) = packs.iter().find_map(|pack| Some((pack, pack.offset(id)?)))?;
        let scratch = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut scratch = scratch.unwrap_or_else(Scratch::new);
        let read = pack.read(offset, &mut scratch);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        let (kind, bytes) = read?;
        (Hash::Sha1.digest(kind, &bytes).ok()? == id).then_some((kind, bytes))
    }

    /// Lets go of the objects that others are deltas to.
    pub(super) fn forget(&self) {
        self.packs.get().into_iter().flatten().for_each(|pack| *pack.bases() = Bases::default());
    }

    fn open(&self) -> Vec<Pack> {
        let mut indices = Vec::new();
        for folder in &self.folders {
            let Ok(entries) = fs::read_dir(folder.join("pack")) else { continue };
            let paths = entries.flatten().map(|entry| entry.path());
            indices.extend(paths.filter(|path| path.extension().is_some_and(|ending| ending == "idx")));
        }
        if indices.len() > MOST_PACKS {
            return Vec::new();
        }
        indices.sort();
        indices.iter().filter_map(|index| Pack::open(index)).collect()
    }
}

impl Pack {
    fn open(path: &Path) -> Option<Self> {
        let index = File::open(path).ok()?;
        let pack = File::open(path.with_extension("pack")).ok()?;
        let mut header = [0; INDEX_HEADER];
        read_at(&index, &mut header, 0)?;
        let rest = header.strip_prefix(b"\xfftOc\0\0\0\x02")?;
        let mut counts = [0; 256];
        for (count, four) in counts.iter_mut().zip(rest.as_chunks().0) {
            *count = u32::from_be_bytes(*four);
        }
        let mut begin = [0; 12];
        read_at(&pack, &mut begin, 0)?;
        let is_known = begin.starts_with(b"PACK\0\0\0\x02") && begin.ends_with(&counts[255].to_be_bytes());
        let end = pack.metadata().ok()?.len().checked_sub(ID as u64)?;
        let (found, ids, bases) = Default::default();
        (is_known && counts.is_sorted()).then_some(Self { pack, index, counts, end, found, ids, bases })
    }

    /// Where an object begins.
    fn offset(&self, id: ObjectId) -> Option<u64> {
        let number = u64::from(self.find(id)?);
        let count = u64::from(self.counts[255]);
        let offsets = INDEX_HEADER as u64 + (ID as u64 + 4) * count;
        let mut four = [0; 4];
        read_at(&self.index, &mut four, offsets + 4 * number)?;
        let offset = u32::from_be_bytes(four);
        const FAR: u32 = 1 << 31;
        if offset < FAR {
            return Some(offset.into());
        }
        let mut eight = [0; 8];
        read_at(&self.index, &mut eight, offsets + 4 * count + 8 * u64::from(offset - FAR))?;
        Some(u64::from_be_bytes(eight))
    }

    /// Which object of the index this is.
    fn find(&self, id: ObjectId) -> Option<u32> {
        let first = usize::from(*id.as_bytes().first()?);
        let low = first.checked_sub(1).map_or(0, |before| self.counts[before]) as usize;
        let high = self.counts[first] as usize;
        let found = match self.ids() {
            Some(ids) => low + place_of(id, ids.as_chunks::<ID>().0.get(low..high)?).ok()?,
            None => self.find_between(low, high, id)?,
        };
        self.found.fetch_add(1, Ordering::Relaxed);
        u32::try_from(found).ok()
    }

    /// All ids, once they are worth the room.
    fn ids(&self) -> Option<&[u8]> {
        let count = self.counts[255] as usize;
        if count > MOST_IDS || self.found.load(Ordering::Relaxed) < FEW_OBJECTS {
            return None;
        }
        let read = || {
            let mut ids = vec![0; ID * count];
            read_at(&self.index, &mut ids, INDEX_HEADER as u64).map(|()| ids)
        };
        self.ids.get_or_init(read).as_deref()
    }

    /// Ids are digests and lie evenly, so the place of one is guessed.
    fn find_between(&self, mut low: usize, mut high: usize, id: ObjectId) -> Option<usize> {
        let share = u64::from(u32::from_be_bytes(*id.as_bytes().get(1..)?.first_chunk()?));
        let mut guess = low + (((high - low) as u64 * share) >> 32) as usize;
        let mut ids = [[0; ID]; IDS_AT_ONCE];
        for _ in 0..MOST_LOOKS {
            let start = guess.saturating_sub(IDS_AT_ONCE / 2).min(high.saturating_sub(IDS_AT_ONCE)).max(low);
            let length = (high - start).min(IDS_AT_ONCE);
            let ids = &mut ids[..length];
            read_at(&self.index, ids.as_flattened_mut(), (INDEX_HEADER + ID * start) as u64)?;
            match place_of(id, ids) {
                Ok(at) => return Some(start + at),
                Err(0) if start > low => (high, guess) = (start, start),
                Err(at) if at == ids.len() && start + at < high => (low, guess) = (start + at, start + at),
                Err(_) => return None,
            }
        }
        None
    }

    /// The object at a place.
    fn read(&self, offset: u64, scratch: &mut Scratch) -> Option<(Kind, Vec<u8>)> {
        let mut deltas: Vec<(u64, Vec<u8>)> = Vec::new();
        let (mut at, mut size) = (offset, 0);
        let (kind, mut base) = loop {
            if at != offset
                && let Some(held) = self.bases().held.get(&at)
            {
                break held.clone();
            }
            let (entry, bytes) = self.entry(at, scratch)?;
            match entry {
                Entry::Whole(kind) if deltas.is_empty() => return Some((kind, bytes)),
                Entry::Whole(kind) => {
                    let bytes = Arc::new(bytes);
                    self.bases().hold(at, kind, &bytes);
                    break (kind, bytes);
                }
                Entry::DeltaTo(below) if deltas.len() < LONGEST_CHAIN && size <= LARGEST_OBJECT => {
                    size += bytes.len();
                    deltas.push((at, bytes));
                    at = below;
                }
                Entry::DeltaTo(_) => return None,
            }
        };
        while let Some((at, delta)) = deltas.pop() {
            let bytes = applied(&delta, &base)?;
            if deltas.is_empty() {
                return Some((kind, bytes));
            }
            base = Arc::new(bytes);
            self.bases().hold(at, kind, &base);
        }
        None
    }

    fn bases(&self) -> std::sync::MutexGuard<'_, Bases> {
        self.bases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What stands at a place, inflated.
    fn entry(&self, at: u64, scratch: &mut Scratch) -> Option<(Entry, Vec<u8>)> {
        let mut length = usize::try_from(self.end.checked_sub(at)?).ok()?.min(BYTES_AT_ONCE);
        scratch.bytes.resize(length, 0);
        read_at(&self.pack, &mut scratch.bytes, at)?;
        let mut rest = scratch.bytes.iter().copied();
        let first = rest.next()?;
        // Four bits, then seven in each byte that is said to follow.
        let (mut size, mut shift, mut more) = (usize::from(first & 15), 4, first & 0x80 != 0);
        while more {
            let byte = rest.next()?;
            size |= usize::from(byte & 0x7f).checked_shl(shift)?;
            (shift, more) = (shift + 7, byte & 0x80 != 0);
        }
        if size > LARGEST_OBJECT || shift > 32 {
            return None;
        }
        let entry = match first >> 4 & 7 {
            1 => Entry::Whole(Kind::Commit),
            2 => Entry::Whole(Kind::Tree),
            3 => Entry::Whole(Kind::Blob),
            4 => Entry::Whole(Kind::Tag),
            6 => {
                let mut byte = rest.next()?;
                let mut back = u64::from(byte & 0x7f);
                while byte & 0x80 != 0 {
                    byte = rest.next()?;
                    back = (back + 1).checked_mul(128)? | u64::from(byte & 0x7f);
                }
                Entry::DeltaTo(at.checked_sub(back).filter(|base| *base < at)?)
            }
            7 => {
                let id: Vec<u8> = rest.by_ref().take(ID).collect();
                Entry::DeltaTo(self.offset(ObjectId::from_bytes(&id)?)?)
            }
            _ => return None,
        };
        let mut begin = length - rest.len();
        // One byte more than there should be tells what is too long.
        let mut inflated = Vec::with_capacity(size + 1);
        let mut next = at + length as u64;
        scratch.stream.reset(true);
        loop {
            let (taken, given) = (scratch.stream.total_in(), inflated.len());
            let status = scratch.stream.decompress_vec(&scratch.bytes[begin..], &mut inflated, FlushDecompress::None);
            let taken = (scratch.stream.total_in() - taken) as usize;
            match status.ok()? {
                Status::StreamEnd => return (inflated.len() == size).then_some((entry, inflated)),
                _ if inflated.len() > size => return None,
                _ if begin + taken < length => {
                    // Neither eats nor gives: it will not end.
                    if taken == 0 && inflated.len() == given {
                        return None;
                    }
                    begin += taken;
                }
                _ => {
                    length = usize::try_from(self.end.checked_sub(next)?).ok()?.min(4 * BYTES_AT_ONCE);
                    if length == 0 {
                        return None;
                    }
                    scratch.bytes.resize(length, 0);
                    read_at(&self.pack, &mut scratch.bytes, next)?;
                    next += length as u64;
                    begin = 0;
                }
            }
        }
    }
}

impl Bases {
    fn hold(&mut self, at: u64, kind: Kind, bytes: &Arc<Vec<u8>>) {
        if bytes.len() > LARGEST_HELD {
            return;
        }
        if self.bytes > HELD {
            *self = Self::default();
        }
        if self.held.insert(at, (kind, Arc::clone(bytes))).is_none() {
            self.bytes += bytes.len();
        }
    }
}

impl Scratch {
    fn new() -> Self {
        Self { stream: Decompress::new(true), bytes: Vec::new() }
    }
}

/// What a delta makes of its base.
fn applied(delta: &[u8], base: &[u8]) -> Option<Vec<u8>> {
    let mut rest = delta.iter().copied();
    let mut length = || -> Option<usize> {
        let (mut length, mut shift) = (0_usize, 0);
        loop {
            let byte = rest.next()?;
            length |= usize::from(byte & 0x7f).checked_shl(shift).filter(|_| shift < 35)?;
            shift += 7;
            if byte & 0x80 == 0 {
                return Some(length);
            }
        }
    };
    let (of_base, of_result) = (length()?, length()?);
    if of_base != base.len() || of_result > LARGEST_OBJECT {
        return None;
    }
    let mut rest = delta.get(delta.len() - rest.len()..)?;
    let mut result = Vec::with_capacity(of_result);
    while let Some((&command, after)) = rest.split_first() {
        rest = after;
        if command & 0x80 == 0 {
            // As many bytes follow; none is not a command.
            let (new, after) = rest.split_at_checked(usize::from(command)).filter(|_| command > 0)?;
            result.extend_from_slice(new);
            rest = after;
        } else {
            let mut number = |bits: std::ops::Range<u8>| -> Option<usize> {
                let mut number = 0;
                for (place, bit) in bits.enumerate() {
                    if command >> bit & 1 == 1 {
                        let (byte, after) = rest.split_first()?;
                        number |= usize::from(*byte) << (8 * place);
                        rest = after;
                    }
                }
                Some(number)
            };
            let (start, length) = (number(0..4)?, number(4..7)?);
            let length = if length == 0 { 0x10000 } else { length };
            result.extend_from_slice(base.get(start..start.checked_add(length)?)?);
        }
        if result.len() > of_result {
            return None;
        }
    }
    (result.len() == of_result).then_some(result)
}

/// Where an id stands in a sorted list, or would stand.
fn place_of(id: ObjectId, ids: &[[u8; ID]]) -> Result<usize, usize> {
    ids.binary_search_by(|known| known.as_slice().cmp(id.as_bytes()))
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> Option<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, at).ok()
}

/// A file that is open cannot be removed here, and git would fail to: packs are left to libgit2.
#[cfg(not(unix))]
fn read_at(_: &File, _: &mut [u8], _: u64) -> Option<()> {
    None
}
