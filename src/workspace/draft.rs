//! A workspace while it is put together: tables that can still change.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::owner::{Owner, Owners};
use super::{Doubt, Edge, Project, ProjectId, Symlinks, Task, TaskId, TaskName};
use crate::diagnostic::Diagnostic;
use crate::discover::{Fragments, Probes};
use crate::path::RepoPath;
use crate::selection::Filter;

/// What [`super::Workspace`] is made from.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) projects: BTreeMap<ProjectId, Project>,
    pub(super) edges: Vec<Edge>,
    pub(super) tasks: BTreeMap<TaskId, Task>,
    pub(super) owners: Owners,
    pub(super) symlinks: Symlinks,
    pub(super) ignore: Option<Filter>,
    pub(super) doubts: Vec<Doubt>,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) understood: BTreeSet<RepoPath>,
    pub(super) fragments: BTreeMap<RepoPath, Arc<Fragments>>,
    pub(super) configurations: BTreeSet<RepoPath>,
    pub(super) names: HashMap<String, ProjectId>,
    pub(super) probes: Probes,
}

impl Draft {
    /// The tasks of one project, sorted by name.
    pub(super) fn tasks_of<'a>(&'a self, project: &'a ProjectId) -> impl Iterator<Item = &'a Task> {
        let first = TaskId { project: project.clone(), name: TaskName(String::new()) };
        self.tasks.range(first..).map(|(_, task)| task).take_while(move |task| task.id.project == *project)
    }

    /// The project that a folder named by a claim belongs to, and the folder that counts as its place.
    pub(super) fn place_of(&self, folder: &RepoPath) -> Option<(RepoPath, ProjectId)> {
        let id = ProjectId(folder.clone());
        if self.projects.contains_key(&id) {
            return Some((folder.clone(), id));
        }
        let Owner::Project(id) = self.owners.owner_inside(folder) else { return None };
        let joined = self.projects.get(id)?.joined.iter().find(|(place, _)| folder.is_within(place));
        Some((joined.map_or_else(|| id.0.clone(), |(place, _)| place.clone()), id.clone()))
    }
}
