//! The small tables of a workspace that every question goes through: ids, who may read a path, who reads a result.
//!
//! They are plain numbers in sorted arrays, so that a kept workspace is there as soon as its bytes are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use super::paths::Paths;
use super::{Project, ProjectId, Task, TaskId, TaskName};
use crate::path::RepoPath;

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

/// For each task some others: all of them in one array, and where those of each task begin.
type Adjacency = (Vec<u32>, Vec<TaskIndex>);

/// Sorted arrays. All paths are numbers of [`Paths`], which keeps their order.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) paths: Paths,
    /// The folder of each project.
    pub(super) projects: Vec<u32>,
    /// The project of each task.
    pub(super) task_projects: Vec<u32>,
    /// The name of each task, a number of `names`.
    pub(super) task_names: Vec<u32>,
    pub(super) names: Vec<TaskName>,
    /// The places that inputs begin at.
    pub(super) bases: Vec<u32>,
    /// Where the inputs of each base begin in `readers`, and where those of the last end.
    pub(super) reader_starts: Vec<u32>,
    /// A task and the number of its input, in turn.
    pub(super) readers: Vec<u32>,
    /// Where the readers of each task's result begin in `dependents`, and where those of the last end.
    pub(super) dependent_starts: Vec<u32>,
    pub(super) dependents: Vec<TaskIndex>,
    /// The same the other way round, once somebody asks.
    pub(super) reads: OnceLock<Adjacency>,
    pub(super) understood: Vec<u32>,
    pub(super) configurations: Vec<u32>,
}

impl Index {
    pub(super) fn new(
        projects: &BTreeMap<ProjectId, Project>,
        tasks: &BTreeMap<TaskId, Task>,
        understood: &BTreeSet<RepoPath>,
        configurations: &BTreeSet<RepoPath>,
    ) -> Self {
        let mut by_base: BTreeMap<&RepoPath, Vec<u32>> = BTreeMap::new();
        for (task, number) in tasks.values().zip(0_u32..) {
            for (input, at) in task.inputs.iter().zip(0_u32..) {
                by_base.entry(&input.selection.base).or_default().extend([number, at]);
            }
        }
        let folders = projects.keys().chain(tasks.keys().map(|id| &id.project)).map(|id| &id.0);
        let named = by_base.keys().copied().chain(folders).chain(understood).chain(configurations);
        let paths = Paths::of(named);
        let numbers = |wanted: &mut dyn Iterator<Item = &RepoPath>| -> Vec<u32> {
            wanted.filter_map(|path| paths.find(path.as_bytes())).collect()
        };
        let names: BTreeSet<&TaskName> = tasks.keys().map(|id| &id.name).collect();
        let names: Vec<TaskName> = names.into_iter().cloned().collect();
        let mut index = Self {
            // A project that only tasks name could not be found again; there is none, and none is lost.
            projects: numbers(&mut projects.keys().map(|id| &id.0)),
            bases: numbers(&mut by_base.keys().copied()),
            understood: numbers(&mut understood.iter()),
            configurations: numbers(&mut configurations.iter()),
            task_projects: Vec::with_capacity(tasks.len()),
            task_names: Vec::with_capacity(tasks.len()),
            reader_starts: vec![0],
            names,
            ..Self::default()
        };
        index.paths = paths;
        for id in tasks.keys() {
            index.task_projects.push(index.project(&id.project.0).map_or(u32::MAX, |at| at as u32));
            index.task_names.push(index.names.binary_search(&id.name).map_or(u32::MAX, |at| at as u32));
        }
        for readers in by_base.into_values() {
            index.readers.extend(readers);
            index.reader_starts.push(index.readers.len() as u32);
        }
        index.link(tasks);
        index
    }

    /// Turns "reads" around.
    fn link(&mut self, tasks: &BTreeMap<TaskId, Task>) {
        let mut reads: Vec<(TaskIndex, TaskIndex)> = Vec::new();
        for (task, number) in tasks.values().zip(0_u32..) {
            let read = task.reads.iter().filter_map(|read| self.task(&read.task));
            reads.extend(read.map(|read| (read, TaskIndex(number))));
        }
        reads.sort_unstable();
        reads.dedup();
        (self.dependent_starts, self.dependents) = adjacency(tasks.len(), &reads);
    }

    /// Whether every number names something that is there. What only finds nothing when it is wrong is not looked at.
    pub(super) fn is_whole(&self) -> bool {
        let tasks = self.task_count() as u32;
        let below = |numbers: &[u32], limit: usize| numbers.iter().all(|&number| (number as usize) < limit);
        self.task_names.len() == self.task_projects.len()
            && below(&self.task_projects, self.projects.len())
            && below(&self.task_names, self.names.len())
            && below(&self.projects, self.paths.ends.len())
            && self.readers.as_chunks().0.iter().all(|[task, _]| *task < tasks)
            && self.dependents.iter().all(|task| task.0 < tasks)
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
        self.projects.binary_search(&self.paths.find(folder.as_bytes())?).ok()
    }

    /// The folder of the project at a place.
    pub(super) fn project_path(&self, project: u32) -> RepoPath {
        self.projects.get(project as usize).map_or_else(RepoPath::root, |&path| self.paths.path(path))
    }

    /// The folder of the project of a task.
    pub(super) fn project_folder(&self, task: TaskIndex) -> &[u8] {
        self.projects.get(self.project_of(task) as usize).map_or(&[], |&path| self.paths.bytes_of(path))
    }

    pub(super) fn project_of(&self, task: TaskIndex) -> u32 {
        self.task_projects.get(task.number()).copied().unwrap_or(u32::MAX)
    }

    pub(super) fn task_names(&self) -> &[TaskName] {
        &self.names
    }

    pub(super) fn name_of(&self, task: TaskIndex) -> &TaskName {
        static NONE: TaskName = TaskName(String::new());
        self.task_names.get(task.number()).and_then(|&name| self.names.get(name as usize)).unwrap_or(&NONE)
    }

    pub(super) fn tasks_of(&self, folder: &RepoPath) -> impl Iterator<Item = TaskIndex> + use<> {
        let range = match self.project(folder) {
            Some(project) => {
                let project = project as u32;
                let first = self.task_projects.partition_point(|&other| other < project);
                first as u32..self.task_projects.partition_point(|&other| other <= project) as u32
            }
            None => 0..0,
        };
        range.map(TaskIndex)
    }

    pub(super) fn task(&self, id: &TaskId) -> Option<TaskIndex> {
        let name = self.names.binary_search(&id.name).ok()? as u32;
        self.tasks_of(&id.project.0).find(|task| self.task_names.get(task.number()) == Some(&name))
    }

    /// The tasks that read the result of one, sorted.
    pub(super) fn dependents(&self, task: TaskIndex) -> &[TaskIndex] {
        self.dependents.get(between(&self.dependent_starts, task.number())).unwrap_or_default()
    }

    /// The tasks whose results one reads, sorted.
    pub(super) fn reads(&self, task: TaskIndex) -> &[TaskIndex] {
        let (starts, reads) = self.reads.get_or_init(|| {
            let mut pairs: Vec<(TaskIndex, TaskIndex)> =
                self.tasks().flat_map(|read| self.dependents(read).iter().map(move |reader| (*reader, read))).collect();
            pairs.sort_unstable();
            adjacency(self.task_count(), &pairs)
        });
        reads.get(between(starts, task.number())).unwrap_or_default()
    }

    /// The inputs that begin at a path or at a folder around it.
    pub(super) fn named_by(&self, path: &RepoPath) -> impl Iterator<Item = (TaskIndex, usize)> {
        enclosing(path.as_bytes())
            .filter_map(|place| self.bases.binary_search(&self.paths.find(place)?).ok())
            .flat_map(|base| self.readers.get(between(&self.reader_starts, base)).unwrap_or_default().as_chunks().0)
            .map(|[task, input]| (TaskIndex(*task), *input as usize))
    }

    pub(super) fn is_understood(&self, path: &RepoPath) -> bool {
        self.holds(&self.understood, path)
    }

    pub(super) fn is_configuration(&self, path: &RepoPath) -> bool {
        self.holds(&self.configurations, path)
    }

    fn holds(&self, numbers: &[u32], path: &RepoPath) -> bool {
        !numbers.is_empty()
            && self.paths.find(path.as_bytes()).is_some_and(|number| numbers.binary_search(&number).is_ok())
    }
}

/// Sorted pairs by their first, of which there are so many.
fn adjacency(count: usize, pairs: &[(TaskIndex, TaskIndex)]) -> Adjacency {
    let starts = (0..=count as u32).map(|task| pairs.partition_point(|(from, _)| from.0 < task) as u32).collect();
    (starts, pairs.iter().map(|(_, to)| *to).collect())
}

/// The range that an array of starts gives to one item.
fn between(starts: &[u32], at: usize) -> std::ops::Range<usize> {
    match starts.get(at..at + 2) {
        Some([from, to]) => *from as usize..*to as usize,
        _ => 0..0,
    }
}

/// A path, then each folder around it, the root last.
fn enclosing(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::successors(Some(path), |here| match here {
        [] => None,
        _ => Some(here.iter().rposition(|&byte| byte == b'/').map_or(&[][..], |at| &here[..at])),
    })
}
