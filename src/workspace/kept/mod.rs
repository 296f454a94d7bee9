//! A workspace as bytes, for a later run.
//!
//! Three parts. The first is the index that every question goes through, whose tables stay as they were read, and the
//! findings, which every answer tells. The second holds the places that were looked at, and the third projects, tasks,
//! edges and fragments; both are fetched when somebody asks for them, and rows are decoded one by one. Paths, texts, evidence and inputs are written once each and
//! named by number. Whoever keeps the parts proves that they are whole and that the same build wrote them.

mod pools;
mod values;

use std::io;

use self::pools::{Items, KeptPools, NewItems, Pools};
use self::values::{Kept, Reading, Writing};
use super::index::{Index, TaskIndex};
use super::paths::Paths;
use super::rows::{Definition, FragmentsByFile, Rows};
use super::{Edge, Project, Symlinks, Task, TaskName, Workspace};
use crate::codec::{Bytes, Damaged, Deferred, Numbers, Parts, Reader, Writer};
use crate::discover::{PathHashes, Places, RestsOn};
use crate::selection::Selection;

/// How many bytes of a definition's digest are kept.
const DIGEST: usize = size_of::<Definition>();

/// Fetches a part of what was kept, if it is still whole.
pub type Fetch = Box<dyn Fn() -> Option<Vec<u8>> + Send + Sync>;

impl Workspace {
    /// Writes the workspace in three parts, from which [`Workspace::from_kept`] makes an equal one. The first is the rest of
    /// one that was begun.
    pub(crate) fn keep(&self, to: &mut dyn Parts) -> io::Result<()> {
        self.write_index(to)?;
        to.begin()?;
        self.write_places(to)?;
        to.begin()?;
        self.rows().write(to)?;
        self.fragments_of_files().write(to)
    }

    /// The bytes of the parts.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn to_kept(&self) -> [Vec<u8>; 3] {
        let mut parts = vec![Vec::new()];
        let written = self.keep(&mut parts);
        written.ok().and_then(|()| parts.try_into().ok()).unwrap_or_default()
    }

    fn write_index(&self, to: &mut dyn Parts) -> io::Result<()> {
        let links = self.symlinks.listed();
        let mut pools = Pools::default();
        let small = Writing::of(&mut pools, |writing| {
            links.write(writing);
            self.ignore.write(writing);
            self.doubts.write(writing);
            self.index.filters.write(writing);
            writing.list(self.diagnostics().iter());
        });
        to.write(&index_tables(&self.index))?;
        Pooled { items: pools.into_items().into(), fields: vec![small] }.write(to)?;
        write_field(self.rests_on.sources().as_bytes(), to)
    }

    fn write_places(&self, to: &mut dyn Parts) -> io::Result<()> {
        // Without the places everything counts as looked at, and an empty part says just that.
        let Some(places) = self.rests_on.places() else { return Ok(()) };
        let mut pools = Pools::default();
        let selections = Writing::of(&mut pools, |to| places.selections.write(to));
        write_field(places.paths.as_bytes(), to)?;
        write_field(places.folders.as_bytes(), to)?;
        Pooled { items: pools.into_items().into(), fields: vec![selections] }.write(to)
    }

    /// Projects, tasks, edges and what defines the tasks.
    fn rows(&self) -> Pooled {
        let define = || self.task_indices().flat_map(|task| self.definition(task).0).collect();
        let ((items, edges), definitions) = rayon::join(|| self.pooled_rows(), define);
        Pooled { items, fields: vec![edges, definitions] }
    }

    /// Pools with projects and tasks behind them, and the edges.
    fn pooled_rows(&self) -> (Vec<NewItems>, Vec<u8>) {
        let mut pools = Pools::default();
        let mut projects = NewItems::default();
        self.projects().for_each(|project| projects.push(&Writing::of(&mut pools, |to| project.write(to))));
        let mut tasks = NewItems::default();
        self.tasks().for_each(|task| tasks.push(&Writing::of(&mut pools, |to| task.write(to))));
        let edges = Writing::of(&mut pools, |to| to.list(self.edges().iter()));
        let mut items = Vec::from(pools.into_items());
        items.extend([projects, tasks]);
        (items, edges)
    }

    fn fragments_of_files(&self) -> Pooled {
        let mut pools = Pools::default();
        let fragments = Writing::of(&mut pools, |to| self.rows.fragments().write(to));
        Pooled { items: pools.into_items().into(), fields: vec![fragments] }
    }

    /// The workspace that was kept.
    pub(crate) fn from_kept(index: Bytes, places: Fetch, rows: Fetch) -> Result<Self, Damaged> {
        let mut reader = Reader::sharing(&index);
        let mut index = read_index(&mut reader)?;
        let pools = KeptPools::read(&mut reader)?;
        let small = reader.field()?;
        let sources = PathHashes::from(reader.shared_field()?);
        reader.end()?;
        let ((links, ignore), ((doubts, filters), diagnostics)) = Reading::whole(small, &pools)?;
        index.filters = filters;
        let counts = (index.project_count(), index.task_count());
        let rows = Deferred::new(move || KeptRows::read(&rows()?.into(), counts).ok());
        Ok(Self {
            symlinks: Symlinks::of_listed(links),
            ignore,
            doubts,
            rests_on: RestsOn::deferred(move || read_places(&places()?.into()).ok(), sources),
            index,
            rows: Rows::kept(rows, counts, diagnostics),
        })
    }

    /// Fetches what is not there yet, so that no later question can fail. Says whether all of it could be had.
    pub fn fetch(&self) -> bool {
        self.rows.fetch() && !self.is_damaged()
    }

    /// Whether something that was kept could not be had: then nothing that the workspace said counts.
    pub fn is_damaged(&self) -> bool {
        self.rows.are_damaged()
    }
}

/// Pools, and values that name what is in them by number.
struct Pooled {
    items: Vec<NewItems>,
    fields: Vec<Vec<u8>>,
}

impl Pooled {
    fn write(self, to: &mut dyn Parts) -> io::Result<()> {
        self.items.into_iter().try_for_each(|items| items.write(to))?;
        self.fields.into_iter().try_for_each(|field| write_field(&field, to))
    }
}

/// A field as [`Writer::field`] writes it, of which nothing is copied.
fn write_field(field: &[u8], to: &mut dyn Parts) -> io::Result<()> {
    let mut length = Writer::default();
    length.count(field.len());
    to.write(&length.bytes)?;
    to.write(field)
}

/// Rows that are decoded one by one.
#[derive(Debug)]
pub(super) struct KeptRows {
    pools: KeptPools,
    projects: Items,
    tasks: Items,
    edges: Bytes,
    definitions: Bytes,
    fragment_pools: KeptPools,
    fragments: Bytes,
}

impl KeptRows {
    fn read(part: &Bytes, counts: (usize, usize)) -> Result<Self, Damaged> {
        let mut reader = Reader::sharing(part);
        let rows = Self {
            pools: KeptPools::read(&mut reader)?,
            projects: Items::read(&mut reader)?,
            tasks: Items::read(&mut reader)?,
            edges: reader.shared_field()?,
            definitions: reader.shared_field()?,
            fragment_pools: KeptPools::read(&mut reader)?,
            fragments: reader.shared_field()?,
        };
        reader.end()?;
        let is_whole = (rows.projects.len(), rows.tasks.len()) == counts && rows.definitions.len() == counts.1 * DIGEST;
        if is_whole { Ok(rows) } else { Err(Damaged) }
    }

    pub(super) fn project(&self, at: usize) -> Result<Project, Damaged> {
        Reading::whole(self.projects.get(at)?, &self.pools)
    }

    pub(super) fn task(&self, at: TaskIndex) -> Result<Task, Damaged> {
        Reading::whole(self.tasks.get(at.number())?, &self.pools)
    }

    pub(super) fn edges(&self) -> Result<Vec<Edge>, Damaged> {
        Reading::whole(&self.edges, &self.pools)
    }

    pub(super) fn fragments(&self) -> Result<FragmentsByFile, Damaged> {
        Reading::whole(&self.fragments, &self.fragment_pools)
    }

    pub(super) fn definition(&self, at: TaskIndex) -> Option<Definition> {
        self.definitions.as_chunks::<DIGEST>().0.get(at.number()).map(|digest| Definition(*digest))
    }
}

fn read_places(part: &Bytes) -> Result<Places, Damaged> {
    let mut reader = Reader::sharing(part);
    let [paths, folders] = [reader.shared_field()?, reader.shared_field()?].map(PathHashes::from);
    let pools = KeptPools::read(&mut reader)?;
    let selections: Vec<Selection> = Reading::whole(reader.field()?, &pools)?;
    reader.end()?;
    Ok(Places { paths, folders, selections })
}

fn index_tables(index: &Index) -> Vec<u8> {
    let mut to = Writer::default();
    to.array(index.paths.ends.iter());
    to.field(&index.paths.bytes);
    for numbers in [
        &index.projects,
        &index.task_projects,
        &index.task_names,
        &index.bases,
        &index.reader_starts,
        &index.readers,
        &index.dependent_starts,
        &index.dependents,
        &index.held,
        &index.holders,
        &index.keeps,
        &index.understood,
        &index.configurations,
        &index.sliced,
    ] {
        to.array(numbers.iter());
    }
    to.count(index.names.len());
    index.names.iter().for_each(|name| to.field(name.0.as_bytes()));
    to.bytes
}

fn read_index(from: &mut Reader<'_>) -> Result<Index, Damaged> {
    let paths = Paths { ends: from.numbers()?, bytes: from.shared_field()? };
    let mut numbers = || -> Result<Numbers, Damaged> { from.numbers() };
    let index = Index {
        paths,
        projects: numbers()?,
        task_projects: numbers()?,
        task_names: numbers()?,
        bases: numbers()?,
        reader_starts: numbers()?,
        readers: numbers()?,
        dependent_starts: numbers()?,
        dependents: numbers()?,
        held: numbers()?,
        holders: numbers()?,
        keeps: numbers()?,
        understood: numbers()?,
        configurations: numbers()?,
        sliced: numbers()?,
        names: from.list(|from| {
            let name = std::str::from_utf8(from.field()?).map_err(|_| Damaged)?;
            Ok(TaskName(name.to_owned()))
        })?,
        ..Index::default()
    };
    if index.is_whole() { Ok(index) } else { Err(Damaged) }
}

#[cfg(test)]
mod tests;
