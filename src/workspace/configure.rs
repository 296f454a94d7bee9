//! What `knockon.toml` adds to the claims of the manifests: names, owners, dependencies, inputs and tasks.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::draft::Draft;
use super::{Edge, Project, ProjectId, ProjectKind, Read, Task, TaskId, TaskName, near_names};
use crate::config::{
    Configuration, PathPattern, ProjectReference, ProjectSettings, TaskScope, TaskSettings, Written, select,
};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::discover::{Command, EdgeKind, Input};
use crate::path::RepoPath;
use crate::selection::{Reach, Selection};

/// Folders that the configuration names, with the line that does: a sign of standing alone, and projects even where no
/// manifest makes them one.
pub(super) fn configured_folders(configuration: &Configuration) -> BTreeMap<RepoPath, Evidence> {
    let folders = configuration.projects.iter().filter_map(|settings| {
        let folder = match &settings.project.value {
            ProjectReference::Folder(folder) => folder.clone(),
            ProjectReference::Word(word) => RepoPath::root().resolve(word.as_bytes()).ok()?,
        };
        Some((folder, settings.project.evidence()))
    });
    folders.collect()
}

/// A project without a manifest: its folder is one because the configuration says so.
pub(super) fn project_without_manifest(folder: &RepoPath, evidence: &Evidence, name: String) -> Project {
    Project {
        id: ProjectId(folder.clone()),
        name,
        kind: ProjectKind::Library,
        aliases: Vec::new(),
        ecosystems: Vec::new(),
        owners: Vec::new(),
        evidence: vec![evidence.clone()],
        joined: Vec::new(),
    }
}

/// The projects that a project depends on, and what each edge carries.
type Upstream = HashMap<ProjectId, Vec<(ProjectId, EdgeKind)>>;

impl Draft {
    /// Applies the configuration. Whatever names a project that is not there, or leaves the repository, is an error.
    pub(super) fn configure(&mut self, configuration: &Configuration) {
        self.ignore = configuration.workspace.ignored();
        if let Some(ignore) = &self.ignore {
            self.tasks.values_mut().for_each(|task| task.slices.retain(|slice| !ignore.admits(&slice.file)));
        }
        self.index_names();
        // All projects are found by the names they have without configuration, then all get their new names.
        let mut found: Vec<(ProjectId, ProjectSettings)> = Vec::new();
        let mut places: BTreeMap<ProjectId, usize> = BTreeMap::new();
        for settings in &configuration.projects {
            match self.find(&settings.project) {
                // Spoken of twice, by its name and by its folder, say: each thing is said once all the same.
                Ok(id) => match places.get(&id) {
                    Some(&at) => found[at].1.join(settings.clone(), &mut self.diagnostics),
                    None => {
                        places.insert(id.clone(), found.len());
                        found.push((id, settings.clone()));
                    }
                },
                Err(unknown) => self.diagnostics.push(unknown),
            }
        }
        self.rename(&found);
        let mut dependencies = Vec::new();
        for (id, settings) in &found {
            if let Some(project) = self.projects.get_mut(id) {
                project.owners = settings.owners.iter().map(|owner| owner.value.clone()).collect();
            }
            self.add_own_tasks(id, settings, configuration);
            dependencies.extend(self.dependencies(id, settings));
        }
        self.edges.extend(dependencies.iter().cloned());
        self.configure_tasks(&found, configuration);
        // What is said of all tasks of a project is added last: no table of a single task takes it away.
        for (id, settings) in &found {
            self.add_inputs(id, settings);
        }
        for edge in &dependencies {
            let tasks: Vec<TaskId> = self.tasks_of(&edge.from).map(|task| task.id.clone()).collect();
            self.read_from_all(&tasks, &edge.to, &edge.evidence);
        }
    }

    fn rename(&mut self, found: &[(ProjectId, ProjectSettings)]) {
        for (id, settings) in found {
            let Some(name) = &settings.name else { continue };
            if let Some(other) = self.names.get(&name.value).filter(|other| *other != id) {
                let message = format!("{other} is called `{}` already", name.value);
                let finding = Diagnostic::error("duplicate-name", message).at_place(name.place.clone());
                self.diagnostics.push(finding.help("give one of the two another name"));
            } else if let Some(project) = self.projects.get_mut(id) {
                self.names.remove(&project.name);
                project.name.clone_from(&name.value);
                self.names.insert(project.name.clone(), id.clone());
            }
        }
    }

    fn index_names(&mut self) {
        self.names = self.projects.values().map(|project| (project.name.clone(), project.id.clone())).collect();
    }

    fn add_own_tasks(&mut self, id: &ProjectId, settings: &ProjectSettings, configuration: &Configuration) {
        for (name, own) in &settings.tasks {
            let general = configuration.tasks.get(name).and_then(|general| general.inputs.as_ref());
            let says_inputs = own.inputs.as_ref().or(general).is_some();
            let task = TaskId { project: id.clone(), name: TaskName(name.clone()) };
            self.tasks.entry(task.clone()).or_insert_with(|| {
                let evidence = own.name.evidence();
                let own = || Input { selection: Selection::owned(&id.0), evidence };
                let inputs = if says_inputs { Vec::new() } else { self.parts.with_parts(&id.0, None, vec![own()]) };
                Task { inputs, outputs: None, ..Task::empty(task.clone()) }
            });
        }
    }

    fn dependencies(&mut self, id: &ProjectId, settings: &ProjectSettings) -> Vec<Edge> {
        let mut edges = Vec::new();
        for dependency in &settings.depends_on {
            match self.find(dependency) {
                Ok(to) if to == *id => {
                    let finding = Diagnostic::error("self-dependency", format!("{id} cannot depend on itself"));
                    self.diagnostics.push(finding.at_place(dependency.place.clone()).help("remove it"));
                }
                Ok(to) => {
                    let evidence = dependency.evidence();
                    edges.push(Edge { from: id.clone(), to, kind: EdgeKind::Build, evidence });
                }
                Err(unknown) => self.diagnostics.push(unknown),
            }
        }
        edges
    }

    /// Applies the tables of tasks: a project's own before the one for all.
    fn configure_tasks(&mut self, found: &[(ProjectId, ProjectSettings)], configuration: &Configuration) {
        let mut tables: BTreeMap<TaskId, TaskSettings> = BTreeMap::new();
        for (id, settings) in found {
            for (name, own) in &settings.tasks {
                let merged = configuration.tasks.get(name).map_or_else(|| own.clone(), |general| own.or(general));
                tables.insert(TaskId { project: id.clone(), name: TaskName(name.clone()) }, merged);
            }
        }
        for id in self.tasks.keys() {
            if let Some(general) = configuration.tasks.get(&id.name.0) {
                tables.entry(id.clone()).or_insert_with(|| general.clone());
            }
        }
        let mut upstream = Upstream::new();
        for edge in &self.edges {
            upstream.entry(edge.from.clone()).or_default().push((edge.to.clone(), edge.kind));
        }
        for (id, settings) in tables {
            self.configure_task(&id, &settings, &upstream);
        }
    }

    fn add_inputs(&mut self, id: &ProjectId, settings: &ProjectSettings) {
        if settings.inputs.is_empty() {
            return;
        }
        let inputs = self.selected(&settings.inputs, id);
        let tasks: Vec<TaskId> = self.tasks_of(id).map(|task| task.id.clone()).collect();
        for task in tasks {
            if let Some(task) = self.tasks.get_mut(&task) {
                task.inputs.extend(inputs.iter().cloned());
            }
        }
    }

    /// Lets tasks read what a project builds, or its files where it builds nothing.
    fn read_from_all(&mut self, tasks: &[TaskId], to: &ProjectId, evidence: &Evidence) {
        let build = TaskId::new(to, "build");
        let builds = self.tasks.contains_key(&build);
        for task in tasks {
            let Some(task) = self.tasks.get_mut(task) else { continue };
            if builds {
                task.reads.push(Read { task: build.clone(), evidence: Some(evidence.clone()) });
            } else {
                task.inputs.push(Input { selection: Selection::all(&to.0), evidence: evidence.clone() });
            }
        }
    }

    fn configure_task(&mut self, id: &TaskId, settings: &TaskSettings, upstream: &Upstream) {
        let inputs = settings.inputs.as_ref().map(|patterns| self.selected(patterns, &id.project));
        let reads = settings.depends_on.as_ref().map(|references| {
            let reads = references.iter().flat_map(|reference| match self.referred(id, reference, upstream) {
                Ok(reads) => reads,
                Err(unknown) => {
                    self.diagnostics.push(unknown);
                    Vec::new()
                }
            });
            reads.collect::<Vec<_>>()
        });
        let Some(task) = self.tasks.get_mut(id) else { return };
        if let Some(command) = &settings.command {
            task.commands = vec![Command { line: command.value.clone(), folder: id.project.0.clone() }];
            // What the ecosystem's own command makes says nothing about this one, but that a test is about passing.
            task.outputs.take_if(|outputs| !outputs.is_empty());
        }
        if let Some(inputs) = inputs {
            // What lies outside the folder (a lockfile above it, a file that a manifest names) is read all the same.
            task.inputs.retain(|input| {
                let inside = !id.project.0.is_root() && input.selection.base.is_within(&id.project.0);
                input.selection.reach != Reach::Owned && !inside
            });
            task.inputs.extend(inputs);
            task.slices.retain(|slice| id.project.0.is_root() || !slice.file.is_within(&id.project.0));
        }
        if let Some(reads) = reads {
            task.reads = reads;
            // Whoever says which results it reads does not mean that its tools would make them.
            task.builds_upstream = false;
        }
        if let Some(outputs) = &settings.outputs {
            task.outputs = Some(outputs.iter().map(|pattern| pattern.value.to_string()).collect());
        }
        if let Some(names) = &settings.env {
            task.environment = names.iter().map(|name| name.value.clone()).collect();
        }
        if let Some(timeout) = &settings.timeout {
            task.timeout = Some(timeout.value);
        }
        if let Some(retries) = &settings.retries {
            task.retries = retries.value;
        }
        if let Some(weight) = &settings.weight {
            task.weight = weight.value;
        }
        if let Some(environment) = &settings.environment {
            task.runs_in = Some(environment.value.clone());
        }
    }

    /// The inputs that patterns select, each with its line.
    fn selected(&mut self, patterns: &[Written<PathPattern>], project: &ProjectId) -> Vec<Input> {
        // A list that begins with `!` begins with everything; then each pattern that lets in selects files.
        let stating = patterns.iter().enumerate().filter(|(at, pattern)| *at == 0 || !pattern.value.excludes);
        match select(patterns, &project.0) {
            Ok(selections) => {
                let inputs = stating
                    .zip(selections)
                    .map(|((_, pattern), selection)| Input { selection, evidence: pattern.evidence() });
                self.parts.with_parts(&project.0, None, inputs.collect())
            }
            Err(finding) => {
                let evidence = Evidence::new(&project.0, 0, "");
                self.diagnostics.push(finding);
                // Until it is mended everything is read.
                vec![Input { selection: Selection::owned(&project.0), evidence }]
            }
        }
    }

    fn referred(
        &self,
        id: &TaskId,
        reference: &Written<crate::config::TaskReference>,
        upstream: &Upstream,
    ) -> Result<Vec<Read>, Diagnostic> {
        let evidence = Some(reference.evidence());
        let name = TaskName(reference.value.task.clone());
        let projects: BTreeSet<ProjectId> = match &reference.value.scope {
            TaskScope::Own => BTreeSet::from([id.project.clone()]),
            TaskScope::Project(project) => BTreeSet::from([self.find(&reference.with(project.clone()))?]),
            TaskScope::Upstream => {
                let from = upstream.get(&id.project).map(Vec::as_slice).unwrap_or_default();
                let followed = from.iter().filter(|(_, kind)| match kind {
                    EdgeKind::Build | EdgeKind::Schema => true,
                    EdgeKind::Test => id.name.0 == "test",
                    EdgeKind::Image | EdgeKind::Deploy => false,
                });
                followed.map(|(to, _)| to.clone()).collect()
            }
        };
        let tasks = projects.into_iter().map(|project| TaskId { project, name: name.clone() });
        let reads: Vec<Read> = tasks
            .filter(|task| task != id && self.tasks.contains_key(task))
            .map(|task| Read { task, evidence: evidence.clone() })
            .collect();
        if reads.is_empty() && reference.value.scope != TaskScope::Upstream {
            let of_project: Vec<&str> = self.tasks_of(&id.project).map(|task| task.id.name.0.as_str()).collect();
            let message = format!("`{}` names no task that {id} could read", reference.value);
            let known = format!("{} has the tasks {}", id.project, of_project.join(", "));
            return Err(Diagnostic::error("unknown-task", message).at_place(reference.place.clone()).help(known));
        }
        Ok(reads)
    }

    pub(super) fn find(&self, reference: &Written<ProjectReference>) -> Result<ProjectId, Diagnostic> {
        let (by_folder, word) = match &reference.value {
            ProjectReference::Folder(folder) => (Some(folder.clone()), folder.to_string()),
            ProjectReference::Word(word) => (RepoPath::root().resolve(word.as_bytes()).ok(), word.clone()),
        };
        let named = self.names.get(&word).cloned();
        let found = named.or_else(|| by_folder.map(ProjectId).filter(|id| self.projects.contains_key(id)));
        found.ok_or_else(|| {
            let all = self.projects.values().flat_map(|project| [project.name.clone(), project.id.to_string()]);
            let all: BTreeSet<String> = all.collect();
            let near = near_names(&word, all.iter().map(String::as_str));
            let help = match near.is_empty() {
                true => "write the project's folder, relative to the root of the repository".to_owned(),
                false => format!("did you mean {}?", near.join(", ")),
            };
            let message = format!("no project has the folder or the name `{word}`");
            Diagnostic::error("unknown-project", message).at_place(reference.place.clone()).help(help)
        })
    }
}
