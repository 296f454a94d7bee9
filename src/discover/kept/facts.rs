//! Facts as entries.

use std::io;

use super::surveys::object;
use super::{Entries, Known, NewEntries};
use crate::codec::{Damaged, Reader, Writer};
use crate::discover::registry::{EcosystemIndex, Facts, FactsKey};
use crate::discover::syntax::Unreadable;
use crate::tree::ContentId;

/// What a kept manifest says; none if it was not kept or cannot be read.
pub(in crate::discover) fn read_facts(kept: &Entries, wanted: &FactsKey) -> Option<Result<Facts, Unreadable>> {
    let mut reader = find(kept, wanted)?;
    let is_readable = reader.truth().ok()?;
    if is_readable {
        return wanted.0.recall(reader.rest()).map(Ok);
    }
    let (line, column) = (reader.small().ok()?, reader.small().ok()?);
    let message = std::str::from_utf8(reader.rest()).ok()?.to_owned();
    Some(Err(Unreadable { message, line, column }))
}

/// Writes facts that were not kept before.
pub(super) fn write_facts(
    known: &Known<FactsKey, Result<Facts, Unreadable>>,
    kept: &Entries,
    to: &mut NewEntries<'_>,
) -> io::Result<()> {
    let mut sorted: Vec<_> = known.iter().filter(|(key, _)| find(kept, key).is_none()).collect();
    sorted.sort_unstable_by_key(|(key, _)| *key);
    for (key, facts) in sorted {
        let (ecosystem, name, id) = key;
        let mut entry = Writer::default();
        entry.field(id.0.as_bytes());
        entry.number(ecosystem.number());
        entry.field(name);
        entry.number(u32::from(facts.is_ok()));
        match facts {
            Ok(facts) => {
                let Some(facts) = ecosystem.keep(facts) else { continue };
                entry.bytes.extend(facts);
            }
            Err(Unreadable { message, line, column }) => {
                entry.number(*line);
                entry.number(*column);
                entry.bytes.extend_from_slice(message.as_bytes());
            }
        }
        to.push(id.0, &entry.bytes)?;
    }
    Ok(())
}

/// What follows the key of an entry.
fn find<'a>(kept: &'a Entries, wanted: &FactsKey) -> Option<Reader<'a>> {
    kept.under(wanted.2.0).find_map(|number| {
        let mut reader = Reader::new(kept.get(number).ok()?);
        (read_key(&mut reader).ok()? == (wanted.0, &*wanted.1, wanted.2)).then_some(reader)
    })
}

fn read_key<'a>(reader: &mut Reader<'a>) -> Result<(EcosystemIndex, &'a [u8], ContentId), Damaged> {
    let id = ContentId(object(reader)?);
    let ecosystem = EcosystemIndex::of_number(reader.small()?).ok_or(Damaged)?;
    Ok((ecosystem, reader.field()?, id))
}
