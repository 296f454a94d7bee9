//! The projects of one tree, who depends on whom, who owns which path, and what each task reads: the claims of all
//! ecosystems and the configuration, joined. Pure: it is handed claims and gives values.

mod assemble;
mod configure;
mod doubt;
mod graph;
mod join;
mod names;
mod owner;
mod shared_ground;
mod symlink;
mod task;
mod unmatched;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use assemble::assemble;
pub use doubt::{Doubt, Scope};
pub use graph::{Cycle, cycles};
pub use names::near_names;
pub use owner::{Owner, Owners};
pub use shared_ground::{is_inert, lockfile_names};
pub use symlink::Symlinks;
pub use task::{Read, Task, TaskId, TaskName};

use crate::diagnostic::{Diagnostic, Evidence};
use crate::discover::EdgeKind;
use crate::path::RepoPath;
use crate::selection::Filter;

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
    /// Names that manifests know it by.
    pub aliases: BTreeSet<String>,
    /// The ecosystems whose manifests make it.
    pub ecosystems: BTreeSet<&'static str>,
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

/// Everything that is known of one tree.
#[derive(Debug, Default)]
pub struct Workspace {
    projects: BTreeMap<ProjectId, Project>,
    edges: Vec<Edge>,
    tasks: BTreeMap<TaskId, Task>,
    /// Who owns a path.
    pub owners: Owners,
    /// Where symbolic links lead.
    pub symlinks: Symlinks,
    /// Never an input of anything, from the configuration.
    pub ignore: Option<Filter>,
    /// What cannot be known.
    pub doubts: Vec<Doubt>,
    /// Findings for people.
    pub diagnostics: Vec<Diagnostic>,
    /// Files whose whole meaning is in the projects, edges and tasks: they are nobody's, and need nobody.
    pub understood: BTreeSet<RepoPath>,
    configurations: BTreeSet<RepoPath>,
    readers: HashMap<RepoPath, Vec<(TaskId, usize)>>,
    names: HashMap<String, ProjectId>,
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
    /// All projects, sorted by id.
    pub fn projects(&self) -> impl Iterator<Item = &Project> {
        self.projects.values()
    }

    /// The project with this id.
    pub fn project(&self, id: &ProjectId) -> Option<&Project> {
        self.projects.get(id)
    }

    /// All edges, sorted.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// All tasks, sorted by id.
    pub fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.tasks.values()
    }

    /// The task with this id.
    pub fn task(&self, id: &TaskId) -> Option<&Task> {
        self.tasks.get(id)
    }

    /// The tasks of one project, sorted by name.
    pub fn tasks_of<'a>(&'a self, project: &'a ProjectId) -> impl Iterator<Item = &'a Task> {
        let first = TaskId { project: project.clone(), name: TaskName(String::new()) };
        self.tasks.range(first..).map(|(_, task)| task).take_while(move |task| task.id.project == *project)
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
        let candidates: Vec<&Project> = self.projects().filter(|project| project.aliases.contains(wanted)).collect();
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

    /// The tasks that read a path, each with the input that says so. The path need not exist.
    pub fn readers_of(&self, path: &RepoPath) -> Vec<(&Task, &Evidence)> {
        if self.is_ignored(path) {
            return Vec::new();
        }
        let named = path.ancestors().filter_map(|place| self.readers.get(&place)).flatten();
        named
            .filter_map(|(id, index)| Some((self.tasks.get(id)?, *index)))
            .filter(|(task, index)| self.reads_path(task, *index, path))
            .map(|(task, index)| (task, &task.inputs[index].evidence))
            .collect()
    }

    /// Whether the input with this index of a task covers a path, filters and ownership considered.
    pub fn reads_path(&self, task: &Task, index: usize, path: &RepoPath) -> bool {
        let selection = &task.inputs[index].selection;
        selection.matches(path)
            && (selection.reach == crate::selection::Reach::All
                || self.owners.owner_of(path) == Owner::Project(&task.id.project))
    }

    /// A project, all that it depends on and all that depend on it, directly or not.
    pub fn around(&self, project: &ProjectId) -> BTreeSet<ProjectId> {
        let mut around = BTreeSet::from([project.clone()]);
        for forwards in [true, false] {
            let mut neighbours: BTreeMap<&ProjectId, Vec<&ProjectId>> = BTreeMap::new();
            for edge in &self.edges {
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
            && !self.understood.contains(path)
            && names.iter().all(|name| self.owners.owner_of(name) == Owner::Shared && self.readers_of(name).is_empty())
    }

    /// Whether a path is never an input: the configuration says so, or it is the configuration, which is compared by
    /// what it says.
    pub fn is_ignored(&self, path: &RepoPath) -> bool {
        self.configurations.contains(path) || self.ignore.as_ref().is_some_and(|filter| filter.admits(path))
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
