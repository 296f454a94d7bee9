//! A workspace while it is put together: tables that can still change.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::owner::{Owner, Owners};
use super::{Doubt, Edge, Project, ProjectId, Symlinks, Task, TaskId, TaskName};
use crate::diagnostic::Diagnostic;
use crate::discover::{Fragments, Input, Probes};
use crate::path::RepoPath;
use crate::selection::{Filter, Reach, Selection};

/// Projects that are parts of another one, by the folder of the whole, each with the ecosystem that says so.
#[derive(Debug, Default)]
pub(super) struct Parts(BTreeMap<RepoPath, Vec<(RepoPath, &'static str)>>);

impl Parts {
    pub(super) fn add(&mut self, whole: &RepoPath, part: &RepoPath, ecosystem: &'static str) {
        self.0.entry(whole.clone()).or_default().push((part.clone(), ecosystem));
    }

    /// Adds the same of a project's parts to inputs of its task that mean what the project owns. The ecosystem that parts a
    /// project knows what it does in the whole.
    pub(super) fn with_parts(&self, whole: &RepoPath, ecosystem: Option<&str>, mut inputs: Vec<Input>) -> Vec<Input> {
        let Some(parts) = self.0.get(whole) else { return inputs };
        let owned = inputs.iter().filter(|input| input.selection.reach == Reach::Owned);
        let of_parts = owned.flat_map(|input| {
            let of_others = parts.iter().filter(|(_, by)| ecosystem != Some(by));
            let read = of_others.filter(|(part, _)| part.is_within(&input.selection.base));
            read.map(|(part, _)| Input {
                selection: Selection { base: part.clone(), reach: Reach::All, ..input.selection.clone() },
                evidence: input.evidence.clone(),
            })
        });
        let of_parts: Vec<Input> = of_parts.collect();
        inputs.extend(of_parts);
        inputs
    }
}

/// What [`super::Workspace`] is made from.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) projects: BTreeMap<ProjectId, Project>,
    pub(super) edges: Vec<Edge>,
    pub(super) tasks: BTreeMap<TaskId, Task>,
    pub(super) owners: Owners,
    pub(super) parts: Parts,
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
