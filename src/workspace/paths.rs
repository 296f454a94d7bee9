//! A sorted pool of paths: each has a number, and the numbers are in the order of the paths.

use crate::codec::{Bytes, Numbers};
use crate::path::RepoPath;

/// Paths one behind the other.
#[derive(Debug, Default)]
pub(super) struct Paths {
    pub(super) ends: Numbers,
    pub(super) bytes: Bytes,
}

impl Paths {
    /// A pool of these paths.
    pub(super) fn of<'a>(paths: impl Iterator<Item = &'a RepoPath>) -> Self {
        let (mut ends, mut bytes) = (Vec::new(), Vec::new());
        let mut sorted: Vec<&RepoPath> = paths.collect();
        sorted.sort_unstable();
        sorted.dedup();
        for path in sorted {
            bytes.extend_from_slice(path.as_bytes());
            ends.push(bytes.len() as u32);
        }
        Self { ends: ends.into(), bytes: bytes.into() }
    }

    fn at(&self, number: usize) -> &[u8] {
        let start = number.checked_sub(1).map_or(Some(0), |before| self.ends.get(before));
        match (start, self.ends.get(number)) {
            (Some(start), Some(end)) => self.bytes.get(start as usize..end as usize).unwrap_or_default(),
            _ => &[],
        }
    }

    /// The number of a path.
    pub(super) fn find(&self, path: &[u8]) -> Option<u32> {
        let (mut low, mut high) = (0, self.ends.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.at(middle).cmp(path) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(middle as u32),
            }
        }
        None
    }

    /// The bytes of the path with a number.
    pub(super) fn bytes_of(&self, number: u32) -> &[u8] {
        self.at(number as usize)
    }

    /// The path with a number. Only paths go in, so only a damaged pool could give another.
    pub(super) fn path(&self, number: u32) -> RepoPath {
        RepoPath::from_git(self.at(number as usize)).unwrap_or_else(|_| RepoPath::root())
    }
}
