//! A workspace as bytes, for a later run.
//!
//! Paths, texts, evidence and inputs are written once each and named by number. What every question goes through (the
//! index, owners, links) is read at once; projects, tasks, edges and findings where they are asked for. Whoever keeps
//! the bytes proves that they are whole and that the same build wrote them.

mod pools;
mod values;

use self::pools::{Items, KeptPools, Pools};
use self::values::{Kept, Reading, Writing};
use super::index::{Index, TaskIndex};
use super::owner::{Holding, Owners};
use super::paths::Paths;
use super::rows::{Definition, Rows};
use super::{Edge, Project, Symlinks, Task, TaskName, Workspace};
use crate::codec::{Damaged, Reader, Writer};
use crate::diagnostic::Diagnostic;
use crate::discover::{PathHash, RestsOn};
use crate::path::RepoPath;

/// How many bytes of a definition's digest are kept.
const DIGEST: usize = size_of::<Definition>();

impl Workspace {
    /// The workspace as bytes, from which [`Workspace::from_kept`] makes an equal one.
    pub fn to_kept(&self) -> Vec<u8> {
        let mut pools = Pools::default();
        let small = Writing::of(&mut pools, |writing| {
            self.owners.listed().write(writing);
            self.symlinks.listed().write(writing);
            self.ignore.write(writing);
            self.doubts.write(writing);
            self.rests_on.selections.write(writing);
        });
        let mut projects = Items::default();
        self.projects().for_each(|project| projects.push(&Writing::of(&mut pools, |to| project.write(to))));
        let mut tasks = Items::default();
        self.tasks().for_each(|task| tasks.push(&Writing::of(&mut pools, |to| task.write(to))));
        let edges = Writing::of(&mut pools, |to| self.rows.edges().to_vec().write(to));
        let diagnostics = Writing::of(&mut pools, |to| self.rows.diagnostics().to_vec().write(to));
        let definitions: Vec<u8> = self.task_indices().flat_map(|task| self.definition(task).0).collect();
        let mut all = Writer::default();
        write_index(&self.index, &mut all);
        for hashes in [&self.rests_on.paths, &self.rests_on.folders] {
            all.field(&hashes.iter().flat_map(|hash| hash.0.to_le_bytes()).collect::<Vec<u8>>());
        }
        pools.write(&mut all);
        projects.write(&mut all);
        tasks.write(&mut all);
        for field in [small, edges, diagnostics, definitions] {
            all.field(&field);
        }
        all.bytes
    }

    /// The workspace that was kept.
    pub fn from_kept(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut reader = Reader::new(bytes);
        let index = read_index(&mut reader)?;
        let [paths, folders] = [read_hashes(&mut reader)?, read_hashes(&mut reader)?];
        let pools = KeptPools::read(&mut reader)?;
        let (projects, tasks) = (Items::read(&mut reader)?, Items::read(&mut reader)?);
        let small = reader.field()?;
        let [edges, diagnostics, definitions] = [reader.field()?, reader.field()?, reader.field()?].map(<[u8]>::to_vec);
        reader.end()?;
        let counts = (index.project_count(), index.task_count());
        if (projects.len(), tasks.len()) != counts || definitions.len() != counts.1 * DIGEST {
            return Err(Damaged);
        }
        let ((owners, links), ((ignore, doubts), selections)) = Reading::whole(small, &pools)?;
        let owners: Vec<(RepoPath, Holding)> = owners;
        let rows = KeptRows { pools, projects, tasks, edges, diagnostics, definitions };
        Ok(Self {
            owners: Owners::of_listed(owners),
            symlinks: Symlinks::of_listed(links),
            ignore,
            doubts,
            rests_on: RestsOn { paths, folders, selections },
            index,
            rows: Rows::kept(rows, counts.0, counts.1),
        })
    }

    /// Whether something that was kept could not be decoded: then nothing that the workspace said counts.
    pub fn is_damaged(&self) -> bool {
        self.rows.are_damaged()
    }
}

/// Rows that are decoded one by one.
#[derive(Debug)]
pub(super) struct KeptRows {
    pools: KeptPools,
    projects: Items,
    tasks: Items,
    edges: Vec<u8>,
    diagnostics: Vec<u8>,
    definitions: Vec<u8>,
}

impl KeptRows {
    pub(super) fn project(&self, at: usize) -> Result<Project, Damaged> {
        Reading::whole(self.projects.get(at)?, &self.pools)
    }

    pub(super) fn task(&self, at: TaskIndex) -> Result<Task, Damaged> {
        Reading::whole(self.tasks.get(at.number())?, &self.pools)
    }

    pub(super) fn edges(&self) -> Result<Vec<Edge>, Damaged> {
        Reading::whole(&self.edges, &self.pools)
    }

    pub(super) fn diagnostics(&self) -> Result<Vec<Diagnostic>, Damaged> {
        Reading::whole(&self.diagnostics, &self.pools)
    }

    pub(super) fn definition(&self, at: TaskIndex) -> Option<Definition> {
        self.definitions.as_chunks::<DIGEST>().0.get(at.number()).map(|digest| Definition(*digest))
    }
}

fn read_hashes(from: &mut Reader<'_>) -> Result<Vec<PathHash>, Damaged> {
    Ok(from.field()?.as_chunks().0.iter().map(|eight| PathHash(u64::from_le_bytes(*eight))).collect())
}

fn write_index(index: &Index, to: &mut Writer) {
    let numbers = |to: &mut Writer, numbers: &[u32]| to.array(numbers.iter().copied());
    numbers(to, &index.paths.ends);
    to.field(&index.paths.bytes);
    for array in [
        &index.projects,
        &index.task_projects,
        &index.task_names,
        &index.bases,
        &index.reader_starts,
        &index.readers,
        &index.dependent_starts,
        &index.understood,
        &index.configurations,
    ] {
        numbers(to, array);
    }
    to.array(index.dependents.iter().map(|task| task.0));
    to.count(index.names.len());
    index.names.iter().for_each(|name| to.field(name.0.as_bytes()));
}

fn read_index(from: &mut Reader<'_>) -> Result<Index, Damaged> {
    let paths = Paths { ends: from.array()?, bytes: from.field()?.to_vec() };
    let index = Index {
        paths,
        projects: from.array()?,
        task_projects: from.array()?,
        task_names: from.array()?,
        bases: from.array()?,
        reader_starts: from.array()?,
        readers: from.array()?,
        dependent_starts: from.array()?,
        understood: from.array()?,
        configurations: from.array()?,
        dependents: from.array()?.into_iter().map(TaskIndex).collect(),
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
