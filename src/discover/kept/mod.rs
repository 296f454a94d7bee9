//! Surveys and facts as bytes, for a later run.
//!
//! Two parts: an index, from which any entry is found by the first bytes of its object id, and the entries one behind
//! the other, of which each is decoded when it is asked for. A survey names those below it by number, and each stands
//! behind the ones that it names. An entry that cannot be decoded is as good as not there; whoever keeps the parts proves
//! that they are whole and that the same build wrote them.

mod facts;
mod surveys;

use std::sync::Arc;

pub(super) use self::facts::read_facts;
use self::facts::write_facts;
pub(super) use self::surveys::read_survey;
use self::surveys::write_surveys;
use super::{FactsMemo, SurveyMemo};
use crate::codec::{Bytes, Damaged, Numbers, Reader, Writer};
use crate::tree::ObjectId;

/// The most bytes that are kept.
const MOST_BYTES: usize = 64 << 20;

/// How many times more entries than are in use may be kept, and how many may be in any case.
const MOST_UNUSED: usize = 4;
const FEW: usize = 4096;

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
        let is_whole = entries.prefixes.len() == count && entries.numbers.len() == count;
        if is_whole { Ok(entries) } else { Err(Damaged) }
    }
}

/// The first four bytes of an id.
fn prefix(id: ObjectId) -> u32 {
    id.as_bytes().first_chunk().map_or(0, |four| u32::from_be_bytes(*four))
}

/// Entries that are being written: those that were kept, and new ones behind them.
struct NewEntries {
    prefixes: Vec<(u32, u32)>,
    ends: Vec<u32>,
    bytes: Vec<u8>,
}

impl NewEntries {
    fn behind(kept: &Entries) -> Self {
        Self {
            prefixes: kept.prefixes.iter().zip(kept.numbers.iter()).collect(),
            ends: kept.ends.iter().collect(),
            bytes: kept.bytes.to_vec(),
        }
    }

    fn push(&mut self, id: ObjectId, entry: &[u8]) -> u32 {
        let number = self.ends.len() as u32;
        self.prefixes.push((prefix(id), number));
        self.bytes.extend_from_slice(entry);
        self.ends.push(self.bytes.len() as u32);
        number
    }

    fn write(mut self, index: &mut Writer, body: &mut Writer) {
        self.prefixes.sort_unstable();
        index.array(self.prefixes.iter().map(|(prefix, _)| *prefix));
        index.array(self.prefixes.iter().map(|(_, number)| *number));
        index.array(self.ends.iter().copied());
        body.field(&self.bytes);
    }
}

/// Lets memos know what an earlier run kept.
pub fn recall(surveys: &SurveyMemo, facts: &FactsMemo, index: Vec<u8>, body: Vec<u8>) -> Result<(), Damaged> {
    let (index, body) = (Bytes::from(index), Bytes::from(body));
    let (mut index, mut body) = (Reader::sharing(&index), Reader::sharing(&body));
    let [kept_surveys, kept_facts] = [(); 2].map(|()| Entries::read(&mut index, body.shared_field()?));
    let (kept_surveys, kept_facts) = (kept_surveys?, kept_facts?);
    index.end()?;
    body.end()?;
    surveys.recall(Arc::new(kept_surveys));
    facts.recall(Arc::new(kept_facts));
    Ok(())
}

/// How much memos have come to know since they were last asked for [`kept`].
pub fn news(surveys: &SurveyMemo, facts: &FactsMemo) -> usize {
    surveys.news() + facts.news()
}

/// What memos know, and what was kept before, as an index and a body for [`recall`]; what this run did not use goes when
/// it becomes too much. None if what was used is too much alone.
pub fn kept(surveys: &SurveyMemo, facts: &FactsMemo) -> Option<[Vec<u8>; 2]> {
    surveys.forget_news();
    facts.forget_news();
    let (before, fresh) = ((surveys.kept(), facts.kept()), Entries::default());
    let (kept_surveys, kept_facts) = (before.0.as_deref().unwrap_or(&fresh), before.1.as_deref().unwrap_or(&fresh));
    let used = surveys.known().len() + facts.known().len();
    let (all, count) = written(surveys, facts, kept_surveys, kept_facts);
    if count <= used * MOST_UNUSED + FEW && is_little(&all) {
        return Some(all);
    }
    Some(written(surveys, facts, &fresh, &fresh).0).filter(is_little)
}

fn is_little(parts: &[Vec<u8>; 2]) -> bool {
    parts.iter().map(Vec::len).sum::<usize>() <= MOST_BYTES
}

fn written(
    surveys: &SurveyMemo,
    facts: &FactsMemo,
    kept_surveys: &Entries,
    kept_facts: &Entries,
) -> ([Vec<u8>; 2], usize) {
    let (mut new_surveys, mut new_facts) = (NewEntries::behind(kept_surveys), NewEntries::behind(kept_facts));
    write_surveys(&surveys.known(), kept_surveys, &mut new_surveys);
    write_facts(&facts.known(), kept_facts, &mut new_facts);
    let count = new_surveys.ends.len() + new_facts.ends.len();
    let (mut index, mut body) = (Writer::default(), Writer::default());
    new_surveys.write(&mut index, &mut body);
    new_facts.write(&mut index, &mut body);
    ([index.bytes, body.bytes], count)
}

#[cfg(test)]
mod tests;
