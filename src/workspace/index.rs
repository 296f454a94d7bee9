//! The small tables of a workspace that every question goes through: ids, who may read a path, who reads a result.
//!
//! They are plain numbers in sorted arrays, so that a kept workspace is there as soon as its bytes are.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::OnceLock;

use foldhash::fast::RandomState;

use super::draft::Draft;
use super::owner::{Holding, Owners};
use super::paths::Paths;
use super::{ProjectId, Task, TaskId, TaskName};
use crate::codec::Numbers;
use crate::path::RepoPath;
use crate::selection::{Filter, Reach, Selection};

/// The place of a task among all tasks of its workspace, in the order of their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskIndex(pub(super) u32);

impl TaskIndex {
    /// The task at a place that [`TaskIndex::number`] told.
    pub(crate) fn new(place: u32) -> Self {
        Self(place)
    }

    /// The place as a number, to find what is kept for each task.
    pub fn number(self) -> usize {
        self.0 as usize
    }
}

/// Who may read a path for an input, told without looking at the task. Files that are read in slices are asked about in
/// every case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reads {
    /// Everything at and below where it begins.
    Everything,
    /// Of that what its project owns.
    Owned,
    /// Its patterns have to be asked.
    Chosen,
}

impl Reads {
    fn of(selection: &Selection) -> Self {
        match selection.reach {
            _ if !selection.filters.is_empty() => Reads::Chosen,
            Reach::All => Reads::Everything,
            Reach::Owned => Reads::Owned,
        }
    }

    fn of_number(number: u32) -> Self {
        match number {
            0 => Reads::Everything,
            1 => Reads::Owned,
            _ => Reads::Chosen,
        }
    }
}

/// Sorted arrays. All paths are numbers of [`Paths`], which keeps their order.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) paths: Paths,
    /// The folder of each project.
    pub(super) projects: Numbers,
    /// The project of each task.
    pub(super) task_projects: Numbers,
    /// The name of each task, a number of `names`.
    pub(super) task_names: Numbers,
    pub(super) names: Vec<TaskName>,
    /// The places that inputs begin at.
    pub(super) bases: Numbers,
    /// Where the inputs of each base begin in `readers`, and where those of the last end.
    pub(super) reader_starts: Numbers,
    /// A task, the number of its input, and what that [`Reads`], in turn.
    pub(super) readers: Numbers,
    /// Where the readers of each task's result begin in `dependents`, and where those of the last end.
    pub(super) dependent_starts: Numbers,
    pub(super) dependents: Numbers,
    /// The same the other way round, once somebody asks.
    pub(super) reads: OnceLock<(Numbers, Numbers)>,
    /// Folders that belong to a project.
    pub(super) held: Numbers,
    /// The folder of the project that each belongs to.
    pub(super) holders: Numbers,
    /// What the project keeps of each, where the rest is shared ground: a number of `filters` and one more, or 0.
    pub(super) keeps: Numbers,
    pub(super) filters: Vec<Filter>,
    pub(super) understood: Numbers,
    pub(super) configurations: Numbers,
    /// Files that some input leaves to slices.
    pub(super) sliced: Numbers,
}

impl Index {
    pub(super) fn new(draft: &Draft) -> Self {
        let Draft { projects, tasks, understood, configurations, .. } = draft;
        let mut by_base: HashMap<&RepoPath, Vec<u32>, RandomState> = HashMap::default();
        let mut sliced: BTreeSet<&RepoPath> = BTreeSet::new();
        for (task, number) in tasks.values().zip(0_u32..) {
            for (input, at) in task.inputs.iter().zip(0_u32..) {
                let reads = Reads::of(&input.selection) as u32;
                sliced.extend(&input.selection.sliced);
                by_base.entry(&input.selection.base).or_default().extend([number, at, reads]);
            }
        }
        let mut by_base: Vec<(&RepoPath, Vec<u32>)> = by_base.into_iter().collect();
        by_base.sort_unstable_by_key(|(base, _)| *base);
        let held = draft.owners.iter();
        let folders = projects.keys().map(|id| &id.0);
        let owned = held.clone().flat_map(|(folder, holding)| [folder, &holding.project.0]);
        let named =
            by_base.iter().map(|(base, _)| *base).chain(folders).chain(owned).chain(understood).chain(configurations);
        let named = named.chain(sliced.iter().copied());
        let paths = Paths::of(named);
        let number = |path: &RepoPath| paths.find(path.as_bytes()).unwrap_or(u32::MAX);
        let numbers =
            |wanted: &mut dyn Iterator<Item = &RepoPath>| Numbers::from(wanted.map(number).collect::<Vec<_>>());
        let names: BTreeSet<&TaskName> = tasks.keys().map(|id| &id.name).collect();
        let names: Vec<TaskName> = names.into_iter().cloned().collect();
        let mut filters: Vec<Filter> = Vec::new();
        let keeps: Vec<u32> = held
            .clone()
            .map(|(_, holding)| {
                filters.extend(holding.keeps.clone());
                if holding.keeps.is_some() { filters.len() as u32 } else { 0 }
            })
            .collect();
        let mut index = Self {
            projects: numbers(&mut projects.keys().map(|id| &id.0)),
            bases: numbers(&mut by_base.iter().map(|(base, _)| *base)),
            held: numbers(&mut held.clone().map(|(folder, _)| folder)),
            holders: numbers(&mut held.map(|(_, holding)| &holding.project.0)),
            understood: numbers(&mut understood.iter()),
            configurations: numbers(&mut configurations.iter()),
            sliced: numbers(&mut sliced.into_iter()),
            keeps: keeps.into(),
            filters,
            names,
            ..Self::default()
        };
        index.paths = paths;
        let place = |found: Option<usize>| found.map_or(u32::MAX, |at| at as u32);
        // Both are in the order of their folders.
        let mut at = projects.keys().zip(0_u32..).peekable();
        let of_projects = tasks.keys().map(|id| {
            while at.next_if(|(project, _)| **project < id.project).is_some() {}
            at.peek().filter(|(project, _)| **project == id.project).map_or(u32::MAX, |(_, number)| *number)
        });
        let of_projects: Vec<u32> = of_projects.collect();
        let of_names: Vec<u32> = tasks.keys().map(|id| place(index.names.binary_search(&id.name).ok())).collect();
        (index.task_projects, index.task_names) = (of_projects.into(), of_names.into());
        let (mut starts, mut readers) = (vec![0], Vec::new());
        for (_, of_base) in by_base {
            readers.extend(of_base);
            starts.push(readers.len() as u32 / 3);
        }
        (index.reader_starts, index.readers) = (starts.into(), readers.into());
        index.link(tasks);
        index
    }

    /// Turns "reads" around.
    fn link(&mut self, tasks: &BTreeMap<TaskId, Task>) {
        let mut reads: Vec<(u32, u32)> = Vec::new();
        for (task, number) in tasks.values().zip(0_u32..) {
            let read = task.reads.iter().filter_map(|read| self.task(&read.task));
            reads.extend(read.map(|read| (read.0, number)));
        }
        reads.sort_unstable();
        reads.dedup();
        (self.dependent_starts, self.dependents) = adjacency(tasks.len(), &reads);
    }

    /// Whether every number names something that is there. What only finds nothing when it is wrong is not looked at.
    pub(super) fn is_whole(&self) -> bool {
        let below = |numbers: &Numbers, limit: usize| numbers.iter().all(|number| (number as usize) < limit);
        self.task_names.len() == self.task_projects.len()
            && below(&self.task_projects, self.projects.len())
            && below(&self.task_names, self.names.len())
            && below(&self.dependents, self.task_count())
            // Or a range that leads nowhere is walked for minutes.
            && below(&self.reader_starts, self.readers.len() / 3 + 1)
            && (0..self.readers.len())
                .step_by(3)
                .all(|at| self.readers.get(at).is_some_and(|task| (task as usize) < self.task_count()))
    }

    pub(super) fn project_count(&self) -> usize {
        self.projects.len()
    }

    pub(super) fn task_count(&self) -> usize {
        self.task_projects.len()
    }

    pub(super) fn tasks(&self) -> impl ExactSizeIterator<Item = TaskIndex> + use<> {
        (0..self.task_count() as u32).map(TaskIndex)
    }

    /// The place of the project with this folder.
    pub(super) fn project(&self, folder: &RepoPath) -> Option<usize> {
        self.projects.find(self.paths.find(folder.as_bytes())?)
    }

    /// The folder of the project at a place.
    pub(super) fn project_path(&self, project: u32) -> RepoPath {
        self.projects.get(project as usize).map_or_else(RepoPath::root, |path| self.paths.path(path))
    }

    /// The folder of the project of a task.
    pub(super) fn project_folder(&self, task: TaskIndex) -> &[u8] {
        self.projects.get(self.project_of(task) as usize).map_or(&[], |path| self.paths.bytes_of(path))
    }

    pub(super) fn project_of(&self, task: TaskIndex) -> u32 {
        self.task_projects.get(task.number()).unwrap_or(u32::MAX)
    }

    pub(super) fn task_names(&self) -> &[TaskName] {
        &self.names
    }

    pub(super) fn name_of(&self, task: TaskIndex) -> &TaskName {
        static NONE: TaskName = TaskName(String::new());
        self.task_names.get(task.number()).and_then(|name| self.names.get(name as usize)).unwrap_or(&NONE)
    }

    pub(super) fn tasks_of(&self, folder: &RepoPath) -> impl Iterator<Item = TaskIndex> + use<> {
        let range = match self.project(folder) {
            Some(project) => {
                let (first, next) = (project as u32, project as u32 + 1);
                self.task_projects.below(first) as u32..self.task_projects.below(next) as u32
            }
            None => 0..0,
        };
        range.map(TaskIndex)
    }

    pub(super) fn task(&self, id: &TaskId) -> Option<TaskIndex> {
        let name = self.names.binary_search(&id.name).ok()? as u32;
        self.tasks_of(&id.project.0).find(|task| self.task_names.get(task.number()) == Some(name))
    }

    /// The tasks that read the result of one, sorted.
    pub(super) fn dependents(&self, task: TaskIndex) -> impl Iterator<Item = TaskIndex> {
        self.dependents.slice(self.dependent_starts.range(task.number())).map(TaskIndex)
    }

    /// The tasks whose results one reads, sorted.
    pub(super) fn reads(&self, task: TaskIndex) -> impl Iterator<Item = TaskIndex> {
        let (starts, reads) = self.reads.get_or_init(|| {
            let pairs = self.tasks().flat_map(|read| self.dependents(read).map(move |reader| (reader.0, read.0)));
            let mut pairs: Vec<(u32, u32)> = pairs.collect();
            pairs.sort_unstable();
            adjacency(self.task_count(), &pairs)
        });
        reads.slice(starts.range(task.number())).map(TaskIndex)
    }

    /// The inputs that begin at a path or at a folder around it.
    pub(super) fn named_by(&self, path: &RepoPath) -> impl Iterator<Item = (TaskIndex, usize, Reads)> {
        enclosing(path.as_bytes())
            .filter_map(|place| self.bases.find(self.paths.find(place)?))
            .flat_map(|base| self.reader_starts.range(base))
            .filter_map(|reader| {
                let part = |at: usize| self.readers.get(reader * 3 + at);
                Some((TaskIndex(part(0)?), part(1)? as usize, Reads::of_number(part(2)?)))
            })
    }

    /// The folder of the project that owns a path, which need not exist: that of the nearest folder that is held, unless
    /// the path is on shared ground there.
    pub(super) fn owner_of(&self, path: &RepoPath) -> Option<&[u8]> {
        let held = enclosing(path.as_bytes()).find_map(|place| self.held.find(self.paths.find(place)?))?;
        let keeps = (self.keeps.get(held)? as usize).checked_sub(1).and_then(|keeps| self.filters.get(keeps));
        let is_kept = keeps.is_none_or(|keeps| keeps.admits(path));
        is_kept.then(|| self.holders.get(held).map(|project| self.paths.bytes_of(project))).flatten()
    }

    /// Whether a folder is held by another project than this one, and so is everything below it.
    pub(super) fn is_held_by_others(&self, folder: &RepoPath, project: &RepoPath) -> bool {
        let is_others = |held: usize| {
            self.holders.get(held).is_some_and(|holder| self.paths.bytes_of(holder) != project.as_bytes())
        };
        let Some(held) = self.paths.find(folder.as_bytes()).and_then(|number| self.held.find(number)) else {
            return false;
        };
        // Children sort after their folder, but siblings such as `a-b` stand between `a` and `a/b`.
        let below = (held..self.held.len())
            .map(|held| (held, self.held.get(held).map_or(&[][..], |path| self.paths.bytes_of(path))))
            .take_while(|(_, path)| path.starts_with(folder.as_bytes()))
            .filter(|(_, path)| folder.is_root() || matches!(path.get(folder.as_bytes().len()), None | Some(b'/')));
        below.map(|(held, _)| held).all(is_others)
    }

    /// Who owns what, as it was put together.
    pub(super) fn owners(&self) -> Owners {
        let listed = (0..self.held.len()).filter_map(|held| {
            let keeps = (self.keeps.get(held)? as usize).checked_sub(1).and_then(|keeps| self.filters.get(keeps));
            let project = ProjectId(self.paths.path(self.holders.get(held)?));
            Some((self.paths.path(self.held.get(held)?), Holding { project, keeps: keeps.cloned() }))
        });
        Owners::of_listed(listed)
    }

    pub(super) fn is_understood(&self, path: &RepoPath) -> bool {
        self.holds(&self.understood, path)
    }

    pub(super) fn is_sliced(&self, path: &RepoPath) -> bool {
        self.holds(&self.sliced, path)
    }

    pub(super) fn is_configuration(&self, path: &RepoPath) -> bool {
        self.holds(&self.configurations, path)
    }

    fn holds(&self, numbers: &Numbers, path: &RepoPath) -> bool {
        numbers.len() > 0 && self.paths.find(path.as_bytes()).is_some_and(|number| numbers.find(number).is_some())
    }
}

/// Sorted pairs by their first, of which there are so many: where those of each begin, and the seconds.
fn adjacency(count: usize, pairs: &[(u32, u32)]) -> (Numbers, Numbers) {
    let mut starts = vec![0; count + 1];
    for (from, _) in pairs {
        starts[*from as usize + 1] += 1;
    }
    for at in 0..count {
        starts[at + 1] += starts[at];
    }
    (starts.into(), pairs.iter().map(|(_, to)| *to).collect::<Vec<_>>().into())
}

/// A path, then each folder around it, the root last.
fn enclosing(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::successors(Some(path), |here| match here {
        [] => None,
        _ => Some(here.iter().rposition(|&byte| byte == b'/').map_or(&[][..], |at| &here[..at])),
    })
}
