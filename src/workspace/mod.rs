//! The projects of one tree, who depends on whom, who owns which path, and what each task reads: the claims of all
//! ecosystems and the configuration, joined. Pure: it is handed claims and gives values.

mod assemble;
mod configure;
mod doubt;
mod draft;
#[cfg(fuzzing)]
pub mod fuzzing;
mod graph;
mod index;
mod join;
mod kept;
mod names;
mod owner;
mod paths;
mod rows;
mod shared_ground;
mod slices;
mod symlink;
mod task;
mod unmatched;

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use assemble::assemble;
pub use doubt::{Doubt, Scope};
pub use graph::{Cycle, cycles};
pub use index::TaskIndex;
pub use kept::Fetch;
pub use names::near_names;
pub use shared_ground::{is_inert, lockfile_names};
pub use symlink::Symlinks;
pub use task::{Read, Reason, Slice, Task, TaskId, TaskName};

use crate::diagnostic::{Diagnostic, Evidence};
use crate::discover::{EdgeKind, Fragments, Input, Probes, RestsOn};
use crate::path::RepoPath;
use crate::selection::Filter;
use draft::Draft;
use index::{Index, Reads};
pub(crate) use rows::Definition;
use rows::Rows;

/// A project's id: its folder relative to the repository root.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ProjectId(pub RepoPath);

impl fmt::Display for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a project is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProjectKind {
    /// It has a runtime image or a chart.
    Service,
    /// Code that others use.
    Library,
    /// A chart that belongs to no service here.
    Chart,
    /// A schema that code is generated from.
    Schema,
    /// The root of a workspace, with members and nothing of its own to build.
    Workspace,
}

impl fmt::Display for ProjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ProjectKind::Service => "service",
            ProjectKind::Library => "library",
            ProjectKind::Chart => "chart",
            ProjectKind::Schema => "schema",
            ProjectKind::Workspace => "workspace",
        })
    }
}

/// A folder with a manifest, and the folders elsewhere that belong to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Its folder.
    pub id: ProjectId,
    /// Short, and unique in its workspace.
    pub name: String,
    /// What it is.
    pub kind: ProjectKind,
    /// Names that manifests know it by, sorted.
    pub aliases: Vec<String>,
    /// The ecosystems whose manifests make it, sorted.
    pub ecosystems: Vec<&'static str>,
    /// Who owns it, from the configuration.
    pub owners: Vec<String>,
    /// The lines that make it a project.
    pub evidence: Vec<Evidence>,
    /// Folders elsewhere that were joined to it, and why.
    pub joined: Vec<(RepoPath, Evidence)>,
}

/// One project depends on another, and the line that says so.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
pub struct Edge {
    /// The project that depends.
    pub from: ProjectId,
    /// The project it depends on.
    pub to: ProjectId,
    /// What the edge carries.
    pub kind: EdgeKind,
    /// The line that says so.
    pub evidence: Evidence,
}

/// Everything that is known of one tree. It is read-only; a large one that was kept from an earlier run is decoded
/// where it is asked.
#[derive(Debug)]
pub struct Workspace {
    /// Where symbolic links lead.
    pub symlinks: Symlinks,
    /// Never an input of anything, from the configuration.
    pub ignore: Option<Filter>,
    /// What cannot be known.
    pub doubts: Vec<Doubt>,
    /// What it rests on besides manifests.
    pub rests_on: RestsOn,
    index: Index,
    rows: Rows,
}

/// A reference by id, name or alias that names no project, or several.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookUpError {
    /// No project goes by this name.
    #[error("no project is called `{wanted}`{}", near_text(near))]
    Unknown {
        /// What was asked for.
        wanted: String,
        /// Names that are near it.
        near: Vec<String>,
    },
    /// Several projects go by this name.
    #[error("`{wanted}` names several projects: {}; give the folder", candidates.join(", "))]
    Ambiguous {
        /// What was asked for.
        wanted: String,
        /// Their ids.
        candidates: Vec<String>,
    },
}

fn near_text(near: &[String]) -> String {
    if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(", ")) }
}

impl Workspace {
    /// Seals a draft, with where others looked for it.
    fn of(draft: Draft, linked: &Probes) -> Self {
        let (index, rests_on) = rayon::join(|| Index::new(&draft), || RestsOn::of([linked, &draft.probes]));
        let Draft { symlinks, ignore, doubts, .. } = draft;
        let rows = Rows::of(draft.projects, draft.tasks, draft.edges, draft.diagnostics, draft.fragments);
        Self { symlinks, ignore, doubts, rests_on, index, rows }
    }

    /// All projects, sorted by id.
    pub fn projects(&self) -> impl Iterator<Item = &Project> {
        (0..self.index.project_count()).map(|at| self.rows.project(at))
    }

    /// How many projects there are.
    pub fn project_count(&self) -> usize {
        self.index.project_count()
    }

    /// The project with this id.
    pub fn project(&self, id: &ProjectId) -> Option<&Project> {
        self.index.project(&id.0).map(|at| self.rows.project(at))
    }

    /// All edges, sorted.
    pub fn edges(&self) -> &[Edge] {
        self.rows.edges()
    }

    /// Findings for people, sorted.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        self.rows.diagnostics()
    }

    /// The fragments of a file that tasks read in slices.
    pub fn fragments(&self, file: &RepoPath) -> Option<&Fragments> {
        self.rows.fragments().get(file).map(|fragments| &**fragments)
    }

    /// All tasks, sorted by id.
    pub fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.task_indices().map(|at| self.task_at(at))
    }

    /// The places of all tasks, in the order of their ids.
    pub fn task_indices(&self) -> impl ExactSizeIterator<Item = TaskIndex> + use<> {
        self.index.tasks()
    }

    /// The names that tasks have, each once, sorted.
    pub fn task_names(&self) -> &[TaskName] {
        self.index.task_names()
    }

    /// The task with this id.
    pub fn task(&self, id: &TaskId) -> Option<&Task> {
        self.task_index(id).map(|at| self.task_at(at))
    }

    /// Where the task with this id stands.
    pub fn task_index(&self, id: &TaskId) -> Option<TaskIndex> {
        self.index.task(id)
    }

    /// The task at a place.
    pub fn task_at(&self, at: TaskIndex) -> &Task {
        self.rows.task(at, || self.task_id(at))
    }

    /// The id of the task at a place.
    pub fn task_id(&self, at: TaskIndex) -> TaskId {
        TaskId { project: self.project_of(at), name: self.task_name(at).clone() }
    }

    /// The name of the task at a place.
    pub fn task_name(&self, at: TaskIndex) -> &TaskName {
        self.index.name_of(at)
    }

    /// The project of the task at a place.
    pub fn project_of(&self, at: TaskIndex) -> ProjectId {
        self.project_id(self.index.project_of(at))
    }

    /// The folder of the project of the task at a place, as bytes.
    pub(crate) fn project_folder(&self, at: TaskIndex) -> &[u8] {
        self.index.project_folder(at)
    }

    /// The project at a place that [`Workspace::project_index`] told.
    pub fn project_id(&self, at: u32) -> ProjectId {
        ProjectId(self.index.project_path(at))
    }

    /// Where the project of a task stands among all projects: equal for tasks of one project.
    pub fn project_index(&self, at: TaskIndex) -> u32 {
        self.index.project_of(at)
    }

    /// The tasks that read the result of the task at a place, sorted.
    pub fn readers_of_result(&self, at: TaskIndex) -> impl Iterator<Item = TaskIndex> {
        self.index.dependents(at)
    }

    /// The tasks whose results the task at a place reads, sorted.
    pub fn results_read_by(&self, at: TaskIndex) -> impl Iterator<Item = TaskIndex> {
        self.index.reads(at)
    }

    /// The tasks of one project, sorted by name.
    pub fn tasks_of(&self, project: &ProjectId) -> impl Iterator<Item = &Task> {
        self.index.tasks_of(&project.0).map(|at| self.task_at(at))
    }

    /// A digest over what defines a task: equal ones mean equal commands, environment, outputs, tools, readings and
    /// choice of inputs.
    pub(crate) fn definition(&self, at: TaskIndex) -> Definition {
        self.rows.definition(at, || self.task_at(at))
    }

    /// The project that goes by an id, a name or an alias.
    pub fn look_up(&self, wanted: &str) -> Result<&Project, LookUpError> {
        let folder = wanted.trim_end_matches('/');
        if let Some(project) =
            RepoPath::root().resolve(folder.as_bytes()).ok().and_then(|p| self.project(&ProjectId(p)))
        {
            return Ok(project);
        }
        if let Some(project) = self.projects().find(|project| project.name == wanted) {
            return Ok(project);
        }
        let candidates: Vec<&Project> =
            self.projects().filter(|project| project.aliases.iter().any(|alias| alias == wanted)).collect();
        match candidates[..] {
            [project] => Ok(project),
            [] => {
                let all = self.projects().map(|project| project.name.as_str());
                Err(LookUpError::Unknown { wanted: wanted.to_owned(), near: near_names(wanted, all) })
            }
            _ => Err(LookUpError::Ambiguous {
                wanted: wanted.to_owned(),
                candidates: candidates.iter().map(|project| project.id.to_string()).collect(),
            }),
        }
    }

    /// The tasks that read a path, each with the place of the input that says so. The path need not exist.
    pub fn readers_of(&self, path: &RepoPath) -> Vec<(TaskIndex, usize)> {
        if self.is_ignored(path) {
            return Vec::new();
        }
        let owner = OnceCell::new();
        let is_owned =
            |task: TaskIndex| *owner.get_or_init(|| self.index.owner_of(path)) == Some(self.index.project_folder(task));
        let named = self.index.named_by(path);
        let is_sliced = self.index.is_sliced(path);
        let reading = named.filter(|(task, input, reads)| match reads {
            _ if is_sliced => self.reads_path(self.task_at(*task), *input, path),
            Reads::Everything => true,
            Reads::Owned => is_owned(*task),
            Reads::Chosen => self.reads_path(self.task_at(*task), *input, path),
        });
        reading.map(|(task, input, _)| (task, input)).collect()
    }

    /// Whether the input with this index of a task covers a path, filters and ownership considered.
    pub fn reads_path(&self, task: &Task, index: usize, path: &RepoPath) -> bool {
        let Some(Input { selection, .. }) = task.inputs.get(index) else { return false };
        selection.matches(path)
            && (selection.reach == crate::selection::Reach::All
                || self.index.owner_of(path) == Some(task.id.project.0.as_bytes()))
    }

    /// The project that owns a path, which need not exist: the nearest around it, or none.
    pub fn owner_of(&self, path: &RepoPath) -> Option<&Project> {
        let folder = RepoPath::from_git(self.index.owner_of(path)?).ok()?;
        self.project(&ProjectId(folder))
    }

    /// Whether some project owns a path.
    pub fn is_owned(&self, path: &RepoPath) -> bool {
        self.index.owner_of(path).is_some()
    }

    /// Whether `folder` is held by another project than this one, and so is everything below it.
    pub(crate) fn is_held_by_others(&self, folder: &RepoPath, project: &ProjectId) -> bool {
        self.index.is_held_by_others(folder, &project.0)
    }

    /// Projects whose own files may differ between two workspaces although no file changed: those that gained or lost a
    /// folder, and those that a nested folder was taken from or given back to.
    pub(crate) fn disputed_with(&self, other: &Workspace) -> BTreeSet<ProjectId> {
        let (here, there) = (self.index.owners(), other.index.owners());
        here.disputed_with(&there).cloned().collect()
    }

    /// A project, all that it depends on and all that depend on it, directly or not.
    pub fn around(&self, project: &ProjectId) -> BTreeSet<ProjectId> {
        let mut around = BTreeSet::from([project.clone()]);
        for forwards in [true, false] {
            let mut neighbours: BTreeMap<&ProjectId, Vec<&ProjectId>> = BTreeMap::new();
            for edge in self.edges() {
                let (here, there) = if forwards { (&edge.from, &edge.to) } else { (&edge.to, &edge.from) };
                neighbours.entry(here).or_default().push(there);
            }
            let mut seen = BTreeSet::from([project]);
            let mut pending = vec![project];
            while let Some(here) = pending.pop() {
                for there in neighbours.get(here).into_iter().flatten() {
                    if seen.insert(there) {
                        pending.push(there);
                    }
                }
            }
            around.extend(seen.into_iter().cloned());
        }
        around
    }

    /// Whether no project owns or reads a path, and neither the built-in list nor the configuration calls it inert.
    pub fn is_nobodys(&self, path: &RepoPath) -> bool {
        let names = self.symlinks.names_of(path);
        !is_inert(path)
            && !self.is_ignored(path)
            && !self.is_understood(path)
            && names.iter().all(|name| !self.is_owned(name) && self.readers_of(name).is_empty())
    }

    /// Whether the whole meaning of a file is in the projects, edges and tasks: it is nobody's, and needs nobody.
    pub fn is_understood(&self, path: &RepoPath) -> bool {
        self.index.is_understood(path)
    }

    /// Whether a path is never an input: the configuration says so, or it is the configuration, which is compared by
    /// what it says.
    pub fn is_ignored(&self, path: &RepoPath) -> bool {
        self.index.is_configuration(path) || self.ignore.as_ref().is_some_and(|filter| filter.admits(path))
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
