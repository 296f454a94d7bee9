//! Git's commit-graph (`gitformat-commit-graph`): the parents and times of commits without their objects, in one file
//! or in a chain of them.
//!
//! Read here, because libgit2 takes neither a chain nor what git writes since 2.36 (the chunk `GDA2`), and checks no
//! digest. Git checks none either; here a file counts only if its digest is right, so that a damaged one costs time and
//! never an answer.

use std::fs;
use std::path::{Path, PathBuf};

use super::CommitId;
use super::object::Hash;
use crate::tree::ObjectId;

/// Before the chunks: signature, version, hash, number of chunks, number of files below this one in the chain.
const HEADER: usize = 8;
/// An entry in the table of chunks: a name and an offset.
const CHUNK: usize = 12;
/// Behind the id of a commit's tree: two parents, then generation and time in one.
const COMMIT: usize = 16;
const NO_PARENT: u32 = 0x7000_0000;
/// The second parent is a position in the list of further parents; there it marks the last.
const HIGH_BIT: u32 = 0x8000_0000;
/// The generation takes the other bits.
const TIME: u64 = 0x3_ffff_ffff;

/// Where the graph of a repository is, and how much there is to read.
pub(super) struct Located {
    files: Vec<(PathBuf, Option<ObjectId>)>,
    /// All bytes of all files.
    pub(super) length: u64,
}

/// A graph that was read and checked.
pub(super) struct CommitGraph {
    /// The oldest commits first: parents are in the same file or in one before it.
    files: Vec<GraphFile>,
}

/// What the graph says of a commit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GraphCommit {
    pub(super) time: i64,
    pub(super) parents: Vec<CommitId>,
}

struct GraphFile {
    bytes: Vec<u8>,
    id: ObjectId,
    id_length: usize,
    /// How many commits the files before it have.
    first: u32,
    count: u32,
    fan: usize,
    ids: usize,
    commits: usize,
    /// Where the list of further parents is; empty where no commit has more than two.
    edges: std::ops::Range<usize>,
}

impl Located {
    /// Looks in an object store: for one file, else for a chain.
    pub(super) fn in_store(objects: &Path) -> Option<Self> {
        let info = objects.join("info");
        let alone = info.join("commit-graph");
        if let Ok(found) = fs::metadata(&alone) {
            return Some(Self { files: vec![(alone, None)], length: found.len() });
        }
        let folder = info.join("commit-graphs");
        let chain = fs::read_to_string(folder.join("commit-graph-chain")).ok()?;
        let mut located = Self { files: Vec::new(), length: 0 };
        for id in chain.lines() {
            let path = folder.join(format!("graph-{id}.graph"));
            let (Some(id), Ok(found)) = (ObjectId::from_hex(id), fs::metadata(&path)) else { break };
            located.length += found.len();
            located.files.push((path, Some(id)));
        }
        Some(located)
    }

    /// Reads and checks the files. Of a chain those that come before the first bad one are a graph as well: commits
    /// that are not in it are read as objects.
    pub(super) fn read(&self, hash: Hash) -> CommitGraph {
        let mut graph = CommitGraph { files: Vec::new() };
        for (path, id) in &self.files {
            let file = fs::read(path).ok().and_then(|bytes| GraphFile::parse(bytes, hash, &graph.files));
            let Some(file) = file.filter(|file| id.is_none_or(|id| id == file.id)) else { break };
            graph.files.push(file);
        }
        graph
    }
}

impl CommitGraph {
    /// What the graph says of a commit; none if it is not in it.
    pub(super) fn commit(&self, id: CommitId) -> Option<GraphCommit> {
        let (file, place) = self.files.iter().rev().find_map(|file| Some((file, file.place(id.0)?)))?;
        let at = file.commits + place as usize * (file.id_length + COMMIT) + file.id_length;
        let time = u64::from_be_bytes(*file.bytes.get(at + 8..)?.first_chunk()?) & TIME;
        let mut parents = Vec::with_capacity(1);
        let (first, second) = (file.number(at)?, file.number(at + 4)?);
        if first != NO_PARENT {
            parents.push(self.id(first)?);
        }
        if second & HIGH_BIT != 0 {
            let mut at = file.edges.start + (second & !HIGH_BIT) as usize * 4;
            loop {
                let parent = file.number(at).filter(|_| at < file.edges.end)?;
                parents.push(self.id(parent & !HIGH_BIT)?);
                if parent & HIGH_BIT != 0 {
                    break;
                }
                at += 4;
            }
        } else if second != NO_PARENT {
            parents.push(self.id(second)?);
        }
        Some(GraphCommit { time: time.cast_signed(), parents })
    }

    /// The commit at a position, counted through all files.
    fn id(&self, position: u32) -> Option<CommitId> {
        let file = self.files.iter().rfind(|file| file.first <= position)?;
        file.id_at(position - file.first).and_then(ObjectId::from_bytes).map(CommitId)
    }
}

impl GraphFile {
    /// Reads a file that comes above others. None if its digest or its form is wrong, or others belong below it.
    fn parse(bytes: Vec<u8>, hash: Hash, below: &[GraphFile]) -> Option<Self> {
        let id_length = hash.length();
        let version = match hash {
            Hash::Sha1 => 1,
            Hash::Sha256 => 2,
        };
        let &[b'C', b'G', b'P', b'H', 1, hash_version, chunks, bases] = bytes.first_chunk::<HEADER>()? else {
            return None;
        };
        if hash_version != version || usize::from(bases) != below.len() {
            return None;
        }
        let end = bytes.len().checked_sub(id_length)?;
        let id = ObjectId::from_bytes(&bytes[end..])?;
        if hash.plain(&bytes[..end]) != Some(id) {
            return None;
        }
        let offset = |at: usize| {
            let number = u64::from_be_bytes(*bytes.get(at..)?.first_chunk()?);
            usize::try_from(number).ok().filter(|offset| *offset <= end)
        };
        let chunk = |name: &[u8]| {
            let table = (0..usize::from(chunks)).map(|chunk| HEADER + chunk * CHUNK);
            let at = table.clone().find(|at| bytes.get(*at..at + 4) == Some(name))?;
            Some(offset(at + 4)?..offset(at + CHUNK + 4)?)
        };
        let (fan, ids, commits) = (chunk(b"OIDF")?, chunk(b"OIDL")?, chunk(b"CDAT")?);
        let count = u32::from_be_bytes(*bytes.get(fan.start + 255 * 4..fan.end)?.first_chunk()?);
        let fits = ids.len() == count as usize * id_length && commits.len() == count as usize * (id_length + COMMIT);
        let rests_on: Vec<u8> = below.iter().flat_map(|file| file.id.as_bytes()).copied().collect();
        if !fits || bytes.get(chunk(b"BASE").unwrap_or_default())? != rests_on {
            return None;
        }
        let first = below.iter().map(|file| file.count).sum();
        let edges = chunk(b"EDGE").unwrap_or_default();
        let (fan, ids, commits) = (fan.start, ids.start, commits.start);
        Some(Self { bytes, id, id_length, first, count, fan, ids, commits, edges })
    }

    fn number(&self, at: usize) -> Option<u32> {
        self.bytes.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
    }

    fn id_at(&self, place: u32) -> Option<&[u8]> {
        let at = self.ids + place as usize * self.id_length;
        self.bytes.get(at..at + self.id_length).filter(|_| place < self.count)
    }

    /// Where in this file a commit stands.
    fn place(&self, id: ObjectId) -> Option<u32> {
        let byte = usize::from(*id.as_bytes().first()?);
        let mut end = self.number(self.fan + byte * 4)?;
        let mut start = if byte == 0 { 0 } else { self.number(self.fan + (byte - 1) * 4)? };
        while start < end {
            let middle = u32::midpoint(start, end);
            match self.id_at(middle)?.cmp(id.as_bytes()) {
                std::cmp::Ordering::Less => start = middle + 1,
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Greater => end = middle,
            }
        }
        None
    }
}
