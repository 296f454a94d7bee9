//! Surveys as entries.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use super::{Entries, Known, NewEntries};
use crate::codec::{Damaged, Reader, Writer};
use crate::discover::registry::EcosystemIndex;
use crate::discover::survey::{Own, Survey};
use crate::tree::{ContentId, ObjectId, TreeId};

const SYMLINK: u32 = 0;
const CONFIGURATION: u32 = 1;
/// Ecosystems follow, in the order of the registry.
const MANIFEST: u32 = 2;

/// Adds a kept survey, and those below it, to the known ones; none if it was not kept or cannot be read.
pub(in crate::discover) fn read_survey(
    kept: &Entries,
    wanted: TreeId,
    known: &mut Known<TreeId, Arc<Survey>>,
) -> Option<Arc<Survey>> {
    let mut pending = vec![find(kept, wanted)?];
    // Each names only those before it, so this comes to an end.
    while let Some(&number) = pending.last() {
        let entry = Entry::read(kept, number).ok()?;
        let mut below = Vec::with_capacity(entry.below.len());
        let before = pending.len();
        for (name, number) in entry.below {
            match known.get(&id_of(kept, number).ok()?) {
                Some(survey) => below.push((Box::from(name), Arc::clone(survey))),
                None => pending.push(number),
            }
        }
        if pending.len() == before {
            let own = entry.own.into_iter().map(|(name, own)| (Box::from(name), own)).collect();
            known.entry(entry.id).or_insert_with(|| Arc::new(Survey { id: entry.id, own, below }));
            pending.pop();
        }
    }
    known.get(&wanted).cloned()
}

/// Writes surveys that were not kept before.
pub(super) fn write_surveys(
    known: &Known<TreeId, Arc<Survey>>,
    kept: &Entries,
    to: &mut NewEntries<'_>,
) -> io::Result<()> {
    let mut sorted: Vec<&Arc<Survey>> = known.values().collect();
    sorted.sort_unstable_by_key(|survey| survey.id);
    let mut numbers: HashMap<TreeId, u32> = HashMap::new();
    let mut pending: Vec<&Survey> = Vec::new();
    for survey in sorted {
        pending.push(survey);
        while let Some(survey) = pending.last().copied() {
            let number = numbers.get(&survey.id).copied().or_else(|| find(kept, survey.id));
            let before = pending.len();
            if number.is_none() {
                let is_new = |below: &&Survey| !numbers.contains_key(&below.id);
                pending.extend(survey.below.iter().map(|(_, below)| &**below).filter(is_new));
            }
            if pending.len() == before {
                let number = match number {
                    Some(number) => number,
                    None => to.push(survey.id.0, &written(survey, &numbers))?,
                };
                numbers.insert(survey.id, number);
                pending.pop();
            }
        }
    }
    Ok(())
}

fn written(survey: &Survey, numbers: &HashMap<TreeId, u32>) -> Vec<u8> {
    let mut entry = Writer::default();
    entry.field(survey.id.0.as_bytes());
    entry.count(survey.own.len());
    for (name, own) in &survey.own {
        let (kind, id) = match own {
            Own::Symlink(id) => (SYMLINK, id),
            Own::Configuration(id) => (CONFIGURATION, id),
            Own::Manifest(ecosystem, id) => (MANIFEST + u32::from(ecosystem.number()), id),
        };
        entry.field(name);
        entry.number(kind);
        entry.field(id.0.as_bytes());
    }
    entry.count(survey.below.len());
    for (name, below) in &survey.below {
        entry.field(name);
        entry.number(numbers.get(&below.id).copied().unwrap_or(u32::MAX));
    }
    entry.bytes
}

struct Entry<'a> {
    id: TreeId,
    own: Vec<(&'a [u8], Own)>,
    below: Vec<(&'a [u8], u32)>,
}

impl<'a> Entry<'a> {
    fn read(kept: &'a Entries, number: u32) -> Result<Self, Damaged> {
        let mut reader = Reader::new(kept.get(number)?);
        let id = TreeId(object(&mut reader)?);
        let own = reader.list(|reader| {
            let (name, kind) = (segment(reader)?, reader.small()?);
            let id = ContentId(object(reader)?);
            let own = match kind {
                SYMLINK => Own::Symlink(id),
                CONFIGURATION => Own::Configuration(id),
                kind => Own::Manifest(EcosystemIndex::of_number(kind - MANIFEST).ok_or(Damaged)?, id),
            };
            Ok((name, own))
        })?;
        let below = reader.list(|reader| {
            let (name, below) = (segment(reader)?, reader.small()?);
            if below < number { Ok((name, below)) } else { Err(Damaged) }
        })?;
        reader.end()?;
        Ok(Self { id, own, below })
    }
}

fn find(kept: &Entries, wanted: TreeId) -> Option<u32> {
    kept.under(wanted.0).find(|&number| id_of(kept, number) == Ok(wanted))
}

fn id_of(kept: &Entries, number: u32) -> Result<TreeId, Damaged> {
    object(&mut Reader::new(kept.get(number)?)).map(TreeId)
}

pub(super) fn object(reader: &mut Reader<'_>) -> Result<ObjectId, Damaged> {
    ObjectId::from_bytes(reader.field()?).ok_or(Damaged)
}

fn segment<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Damaged> {
    let name = reader.field()?;
    if name.is_empty() || name.contains(&b'/') { Err(Damaged) } else { Ok(name) }
}
