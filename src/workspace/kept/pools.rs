//! What a workspace says many times over, written once.

use std::collections::HashMap;
use std::hash::Hash;
use std::io;
use std::sync::OnceLock;

use foldhash::fast::RandomState;

use super::values::{Kept, Reading, Writing};
use crate::codec::{Bytes, Damaged, Numbers, Parts, Reader, Writer};
use crate::diagnostic::Evidence;
use crate::discover::Input;
use crate::path::RepoPath;

/// Values with their numbers, while they are written.
struct Pool<'v, T: ?Sized>(HashMap<&'v T, u32, RandomState>);

impl<T: ?Sized> Default for Pool<'_, T> {
    fn default() -> Self {
        Self(HashMap::default())
    }
}

impl<'v, T: Hash + Eq + ?Sized> Pool<'v, T> {
    /// The number of a value, and whether it is a new one.
    fn number(&mut self, value: &'v T) -> (u32, bool) {
        let next = self.0.len() as u32;
        let number = *self.0.entry(value).or_insert(next);
        (number, number == next)
    }
}

/// Items one behind the other, each with its end. There may be many bytes of them: they stand in pieces, of which none is
/// copied to make room.
#[derive(Debug, Default)]
pub(super) struct NewItems {
    ends: Vec<u32>,
    pieces: Vec<Vec<u8>>,
    length: usize,
}

/// How long a piece is, but for an item that is longer.
const PIECE: usize = 64 << 10;

impl NewItems {
    pub(super) fn push(&mut self, item: &[u8]) {
        match self.pieces.last_mut().filter(|piece| piece.capacity() - piece.len() >= item.len()) {
            Some(piece) => piece.extend_from_slice(item),
            None => {
                let mut piece = Vec::with_capacity(item.len().max(PIECE));
                piece.extend_from_slice(item);
                self.pieces.push(piece);
            }
        }
        self.length += item.len();
        self.ends.push(self.length as u32);
    }

    pub(super) fn write(self, to: &mut dyn Parts) -> io::Result<()> {
        let mut ends = Writer::default();
        ends.array(self.ends.iter().copied());
        ends.count(self.length);
        to.write(&ends.bytes)?;
        self.pieces.into_iter().try_for_each(|piece| to.write(&piece))
    }
}

/// Items that were kept.
#[derive(Debug)]
pub(super) struct Items {
    ends: Numbers,
    bytes: Bytes,
}

impl Items {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        Ok(Self { ends: from.numbers()?, bytes: from.shared_field()? })
    }

    pub(super) fn get(&self, at: usize) -> Result<&[u8], Damaged> {
        let start = match at.checked_sub(1) {
            Some(before) => self.ends.get(before).ok_or(Damaged)?,
            None => 0,
        };
        let end = self.ends.get(at).ok_or(Damaged)?;
        self.bytes.get(start as usize..end as usize).ok_or(Damaged)
    }
}

/// The pools of a workspace that is being written.
#[derive(Default)]
pub(super) struct Pools<'v> {
    paths: Pool<'v, RepoPath>,
    path_items: NewItems,
    texts: Pool<'v, str>,
    text_items: NewItems,
    evidence: Pool<'v, Evidence>,
    evidence_items: NewItems,
    inputs: Pool<'v, Input>,
    input_items: NewItems,
}

impl<'v> Pools<'v> {
    pub(super) fn path(&mut self, path: &'v RepoPath) -> u32 {
        let (number, new) = self.paths.number(path);
        if new {
            self.path_items.push(path.as_bytes());
        }
        number
    }

    pub(super) fn text(&mut self, text: &'v str) -> u32 {
        let (number, new) = self.texts.number(text);
        if new {
            self.text_items.push(text.as_bytes());
        }
        number
    }

    pub(super) fn evidence(&mut self, evidence: &'v Evidence) -> u32 {
        let (number, new) = self.evidence.number(evidence);
        if new {
            let bytes = Writing::of(self, |writing| {
                evidence.file.write(writing);
                evidence.line.write(writing);
                evidence.text.write(writing);
            });
            self.evidence_items.push(&bytes);
        }
        number
    }

    pub(super) fn input(&mut self, input: &'v Input) -> u32 {
        let (number, new) = self.inputs.number(input);
        if new {
            let bytes = Writing::of(self, |writing| {
                input.selection.write(writing);
                input.evidence.write(writing);
            });
            self.input_items.push(&bytes);
        }
        number
    }

    /// Nothing more is added.
    pub(super) fn into_items(self) -> [NewItems; 4] {
        [self.path_items, self.text_items, self.evidence_items, self.input_items]
    }
}

/// The pools of a workspace that was kept. What is asked for is decoded once and shared.
#[derive(Debug)]
pub(super) struct KeptPools {
    path_items: Items,
    paths: Vec<OnceLock<RepoPath>>,
    texts: Items,
    evidence: Items,
    inputs: Items,
}

impl KeptPools {
    pub(super) fn read(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        let path_items = Items::read(from)?;
        Ok(Self {
            paths: (0..path_items.len()).map(|_| OnceLock::new()).collect(),
            path_items,
            texts: Items::read(from)?,
            evidence: Items::read(from)?,
            inputs: Items::read(from)?,
        })
    }

    pub(super) fn path(&self, number: u32) -> Result<RepoPath, Damaged> {
        let cell = self.paths.get(number as usize).ok_or(Damaged)?;
        if let Some(known) = cell.get() {
            return Ok(known.clone());
        }
        let path = RepoPath::from_git(self.path_items.get(number as usize)?).map_err(|_| Damaged)?;
        Ok(cell.get_or_init(|| path).clone())
    }

    pub(super) fn text<'t, T: From<&'t str>>(&'t self, number: u32) -> Result<T, Damaged> {
        let bytes = self.texts.get(number as usize)?;
        std::str::from_utf8(bytes).map(T::from).map_err(|_| Damaged)
    }

    pub(super) fn evidence(&self, number: u32) -> Result<Evidence, Damaged> {
        let mut reading = Reading::new(self.evidence.get(number as usize)?, self);
        Ok(Evidence {
            file: Kept::read(&mut reading)?,
            line: Kept::read(&mut reading)?,
            text: Kept::read(&mut reading)?,
        })
    }

    pub(super) fn input(&self, number: u32) -> Result<Input, Damaged> {
        let mut reading = Reading::new(self.inputs.get(number as usize)?, self);
        Ok(Input { selection: Kept::read(&mut reading)?, evidence: Kept::read(&mut reading)? })
    }
}
