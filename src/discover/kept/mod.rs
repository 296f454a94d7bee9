//! Surveys and facts as bytes, for a later run.
//!
//! Three parts: the surveys and the facts, one entry behind the other, of which each is decoded when it is asked for, and an
//! index, from which any entry is found by the first bytes of its object id. A survey names those below it by number, and each stands
//! behind the ones that it names. An entry that cannot be decoded is as good as not there; whoever keeps the parts proves
//! that they are whole and that the same build wrote them.

mod facts;
mod memo;
mod surveys;

use std::io;

pub(super) use self::facts::read_facts;
use self::facts::write_facts;
use self::memo::Known;
pub use self::memo::Memo;
pub(super) use self::surveys::read_survey;
use self::surveys::write_surveys;
use super::{FactsMemo, SurveyMemo};
use crate::codec::{Bytes, Damaged, Numbers, Parts, Reader, Writer};
use crate::tree::ObjectId;

/// How many times more entries than are in use may be kept, and how many may be in any case.
const MOST_UNUSED: usize = 4;
const FEW: usize = 4096;

/// Entries are handed on when there are so many bytes of them.
const PIECE: usize = 64 << 10;

/// Entries, each under an object id. Several may stand under one.
#[derive(Debug, Default)]
pub(super) struct Entries {
    /// The first four bytes of each id, sorted.
    prefixes: Numbers,
    /// The number of the entry of each prefix.
    numbers: Numbers,
    ends: Numbers,
    bytes: Bytes,
}

impl Entries {
    /// The entries that may stand under an id.
    pub(super) fn under(&self, id: ObjectId) -> impl Iterator<Item = u32> {
        let wanted = prefix(id);
        let places = self.prefixes.below(wanted)..;
        places.map_while(move |at| (self.prefixes.get(at)? == wanted).then(|| self.numbers.get(at))?)
    }

    pub(super) fn get(&self, number: u32) -> Result<&[u8], Damaged> {
        let number = number as usize;
        let start = match number.checked_sub(1) {
            Some(before) => self.ends.get(before).ok_or(Damaged)?,
            None => 0,
        };
        let end = self.ends.get(number).ok_or(Damaged)?;
        self.bytes.get(start as usize..end as usize).ok_or(Damaged)
    }

    fn len(&self) -> usize {
        self.ends.len()
    }

    fn read(index: &mut Reader<'_>, bytes: Bytes) -> Result<Self, Damaged> {
        let entries = Self { prefixes: index.numbers()?, numbers: index.numbers()?, ends: index.numbers()?, bytes };
        let count = entries.len();
        let end = count.checked_sub(1).and_then(|last| entries.ends.get(last)).unwrap_or(0);
        let is_whole =
            entries.prefixes.len() == count && entries.numbers.len() == count && end as usize == entries.bytes.len();
        if is_whole { Ok(entries) } else { Err(Damaged) }
    }
}

/// The first four bytes of an id.
fn prefix(id: ObjectId) -> u32 {
    id.as_bytes().first_chunk().map_or(0, |four| u32::from_be_bytes(*four))
}

/// Entries that are being written: those that were kept, and new ones behind them.
struct NewEntries<'p> {
    prefixes: Vec<(u32, u32)>,
    ends: Vec<u32>,
    end: u32,
    /// What was not handed on yet.
    bytes: Vec<u8>,
    parts: &'p mut dyn Parts,
}

impl<'p> NewEntries<'p> {
    fn behind(kept: &Entries, parts: &'p mut dyn Parts) -> io::Result<Self> {
        let (prefixes, ends) = (kept.prefixes.iter().zip(kept.numbers.iter()).collect(), kept.ends.iter().collect());
        parts.begin()?;
        parts.write(&kept.bytes)?;
        Ok(Self { prefixes, ends, end: kept.bytes.len() as u32, bytes: Vec::with_capacity(2 * PIECE), parts })
    }

    fn push(&mut self, id: ObjectId, entry: &[u8]) -> io::Result<u32> {
        let number = self.ends.len() as u32;
        self.prefixes.push((prefix(id), number));
        self.end += entry.len() as u32;
        self.ends.push(self.end);
        self.bytes.extend_from_slice(entry);
        if self.bytes.len() >= PIECE {
            self.parts.write(&self.bytes)?;
            self.bytes.clear();
        }
        Ok(number)
    }

    /// Hands on what is left, and adds to the index.
    fn finish(mut self, index: &mut Writer) -> io::Result<()> {
        self.prefixes.sort_unstable();
        index.array(self.prefixes.iter().map(|(prefix, _)| *prefix));
        index.array(self.prefixes.iter().map(|(_, number)| *number));
        index.array(self.ends.iter().copied());
        self.parts.write(&self.bytes)
    }
}

/// Surveys, facts and an index.
pub type KeptParts = [Vec<u8>; 3];

/// Lets memos know what was kept, by an earlier run or by this one: what they hold in other forms goes.
pub fn recall(surveys: &SurveyMemo, facts: &FactsMemo, parts: KeptParts) -> Result<(), Damaged> {
    let [kept_surveys, kept_facts, index] = parts.map(Bytes::from);
    let mut index = Reader::sharing(&index);
    let [kept_surveys, kept_facts] = [kept_surveys, kept_facts].map(|bytes| Entries::read(&mut index, bytes));
    let (kept_surveys, kept_facts) = (kept_surveys?, kept_facts?);
    index.end()?;
    surveys.recall(kept_surveys);
    facts.recall(kept_facts);
    Ok(())
}

/// Lets memos forget all that they know.
pub fn forget(surveys: &SurveyMemo, facts: &FactsMemo) {
    surveys.forget();
    facts.forget();
}

/// How much memos have come to know since they were last kept.
pub fn news(surveys: &SurveyMemo, facts: &FactsMemo) -> usize {
    surveys.news() + facts.news()
}

/// Writes what memos know, and what was kept before, for [`recall`]. What this run did not use goes when there is too much of
/// it, or when it is not wanted.
pub fn keep(surveys: &SurveyMemo, facts: &FactsMemo, with_unused: bool, to: &mut dyn Parts) -> io::Result<()> {
    surveys.forget_news();
    facts.forget_news();
    let (mut kept_surveys, mut kept_facts) = (surveys.kept().unwrap_or_default(), facts.kept().unwrap_or_default());
    let (surveys, facts) = (surveys.known(), facts.known());
    let new = surveys.keys().filter(|id| kept_surveys.under(id.0).next().is_none()).count()
        + facts.keys().filter(|key| kept_facts.under(key.2.0).next().is_none()).count();
    let count = kept_surveys.len() + kept_facts.len() + new;
    if !with_unused || count > (surveys.len() + facts.len()) * MOST_UNUSED + FEW {
        (kept_surveys, kept_facts) = Default::default();
    }
    let mut index = Writer::default();
    let mut entries = NewEntries::behind(&kept_surveys, to)?;
    write_surveys(&surveys, &kept_surveys, &mut entries)?;
    entries.finish(&mut index)?;
    let mut entries = NewEntries::behind(&kept_facts, to)?;
    write_facts(&facts, &kept_facts, &mut entries)?;
    entries.finish(&mut index)?;
    to.begin()?;
    to.write(&index.bytes)
}

#[cfg(test)]
mod tests;
