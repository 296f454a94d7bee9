//! Surveys and facts as bytes, for a later run.
//!
//! Three parts: an index, from which any entry is found by the first bytes of its object id, and the surveys and the facts,
//! one entry behind the other, of which each is decoded when it is asked for. A survey names those below it by number, and each stands
//! behind the ones that it names. An entry that cannot be decoded is as good as not there; whoever keeps the parts proves
//! that they are whole and that the same build wrote them.

mod facts;
mod memo;
mod surveys;

pub(super) use self::facts::read_facts;
use self::facts::write_facts;
pub use self::memo::Memo;
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

/// The bytes of an entry that is rather long. What is set aside and not used costs nothing.
const USUAL_SURVEY: usize = 128;
const USUAL_FACTS: usize = 1024;

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
struct NewEntries {
    prefixes: Vec<(u32, u32)>,
    ends: Vec<u32>,
    bytes: Vec<u8>,
}

impl NewEntries {
    /// Room for more entries of some length is set aside: to grow step by step means to copy everything each time.
    fn behind(kept: &Entries, more: usize, length: usize) -> Self {
        let count = kept.len() + more;
        let (mut prefixes, mut ends) = (Vec::with_capacity(count), Vec::with_capacity(count));
        prefixes.extend(kept.prefixes.iter().zip(kept.numbers.iter()));
        ends.extend(kept.ends.iter());
        let mut bytes = Vec::with_capacity(kept.bytes.len() + more * length);
        bytes.extend_from_slice(&kept.bytes);
        Self { prefixes, ends, bytes }
    }

    fn push(&mut self, id: ObjectId, entry: &[u8]) -> u32 {
        let number = self.ends.len() as u32;
        self.prefixes.push((prefix(id), number));
        self.bytes.extend_from_slice(entry);
        self.ends.push(self.bytes.len() as u32);
        number
    }

    /// Adds to the index, and gives the entries.
    fn write(mut self, index: &mut Writer) -> Vec<u8> {
        self.prefixes.sort_unstable();
        index.array(self.prefixes.iter().map(|(prefix, _)| *prefix));
        index.array(self.prefixes.iter().map(|(_, number)| *number));
        index.array(self.ends.iter().copied());
        self.bytes
    }
}

/// An index, surveys and facts.
pub type KeptParts = [Vec<u8>; 3];

/// Lets memos know what was kept, by an earlier run or by this one: what they hold in other forms goes.
pub fn recall(surveys: &SurveyMemo, facts: &FactsMemo, parts: KeptParts) -> Result<(), Damaged> {
    let [index, kept_surveys, kept_facts] = parts.map(Bytes::from);
    let mut index = Reader::sharing(&index);
    let [kept_surveys, kept_facts] = [kept_surveys, kept_facts].map(|bytes| Entries::read(&mut index, bytes));
    let (kept_surveys, kept_facts) = (kept_surveys?, kept_facts?);
    index.end()?;
    surveys.recall(kept_surveys);
    facts.recall(kept_facts);
    Ok(())
}

/// How much memos have come to know since they were last asked for [`kept`].
pub fn news(surveys: &SurveyMemo, facts: &FactsMemo) -> usize {
    surveys.news() + facts.news()
}

/// What memos know, and what was kept before, for [`recall`]; what this run did not use goes when it becomes too much. None
/// if what was used is too much alone.
pub fn kept(surveys: &SurveyMemo, facts: &FactsMemo) -> Option<KeptParts> {
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

fn is_little(parts: &KeptParts) -> bool {
    parts.iter().map(Vec::len).sum::<usize>() <= MOST_BYTES
}

fn written(
    surveys: &SurveyMemo,
    facts: &FactsMemo,
    kept_surveys: &Entries,
    kept_facts: &Entries,
) -> (KeptParts, usize) {
    let (surveys, facts) = (surveys.known(), facts.known());
    let mut new_surveys = NewEntries::behind(kept_surveys, surveys.len(), USUAL_SURVEY);
    let mut new_facts = NewEntries::behind(kept_facts, facts.len(), USUAL_FACTS);
    write_surveys(&surveys, kept_surveys, &mut new_surveys);
    write_facts(&facts, kept_facts, &mut new_facts);
    let count = new_surveys.ends.len() + new_facts.ends.len();
    let mut index = Writer::default();
    let [surveys, facts] = [new_surveys, new_facts].map(|entries| entries.write(&mut index));
    ([index.bytes, surveys, facts], count)
}

#[cfg(test)]
mod tests;
