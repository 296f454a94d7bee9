//! From claims to a workspace: which folders are projects, who owns what, which edges and tasks there are.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::configure::{configured_folders, project_without_manifest};
use super::draft::Draft;
use super::graph::report_cycles;
use super::join::joins;
use super::names::short_names;
use super::owner::{Holding, Owner, Owners};
use super::rows::FragmentsByFile;
use super::shared_ground::lockfile_names;
use super::slices::Slices;
use super::symlink::Symlinks;
use super::{Edge, Project, ProjectId, ProjectKind, Read, Task, TaskId, TaskName, Workspace};
use crate::config::Configuration;
use crate::diagnostic::{Diagnostic, Evidence};
use crate::discover::{
    Admission, DanglingClaim, EdgeClaim, EdgeTarget, Ground, Input, LayoutClaim, Linked, Links, Probes, ProjectClaim,
    Reading, Role, TaskClaim,
};
use crate::path::RepoPath;
use crate::selection::{Filter, Rule, Selection};
use crate::tree::{Node, Tree, TreeError, node_at};

/// Joins all claims about one tree. Those of tasks and edges are most of what is known: they go where they are joined.
pub fn assemble(tree: &dyn Tree, mut linked: Linked, configuration: &Configuration) -> Result<Workspace, TreeError> {
    let mut workspace = Draft::default();
    let fragments: FragmentsByFile = taken(&mut linked, |links| &mut links.fragments).map(|(_, claim)| claim).collect();
    let place = || place(tree, &mut linked, configuration, &mut workspace);
    let (slices, edges) = rayon::join(|| Slices::of(&fragments), place);
    let edges = edges?;
    add_tasks(&mut linked, &edges, &slices, &mut workspace);
    drop(slices);
    workspace.fragments = fragments;
    workspace.add_mentions(&linked);
    workspace.edges = edges.into_iter().map(|placed| placed.edge).collect();
    workspace.configure(configuration);
    workspace.warn_of_unmatched(tree, configuration)?;
    workspace.tasks.par_iter_mut().for_each(|(_, task)| task.tidy());
    workspace.edges.par_sort_unstable();
    workspace.edges.dedup();
    workspace.edges.shrink_to_fit();
    workspace.doubt(&linked);
    workspace.understood = all(&linked, |links| &links.understood).map(|(_, path)| path.clone()).collect();
    workspace.configurations = linked.configurations.iter().map(|(path, _)| path.clone()).collect();
    workspace.understood.extend(workspace.configurations.iter().cloned());
    workspace.understood.extend(workspace.fragments.keys().cloned());
    report_cycles(&mut workspace);
    workspace.diagnostics.sort();
    workspace.diagnostics.dedup();
    let probes = std::mem::take(&mut linked.probes);
    drop(linked);
    Ok(Workspace::of(workspace, &probes))
}

/// Puts in all but the tasks: projects, what they own, and where edges lead.
fn place(
    tree: &dyn Tree,
    linked: &mut Linked,
    configuration: &Configuration,
    workspace: &mut Draft,
) -> Result<Vec<PlacedEdge>, TreeError> {
    let configured = configured_folders(configuration);
    let folders = claimed_folders(tree, linked, &configured, &mut workspace.probes)?;
    let (symlinks, findings) = Symlinks::new(&linked.symlinks);
    workspace.symlinks = symlinks;
    workspace.diagnostics.extend(findings);
    workspace.diagnostics.extend(all(linked, |links| &links.diagnostics).map(|(_, finding)| finding.clone()));

    let services: BTreeSet<RepoPath> =
        folders.iter().filter(|(_, claims)| claims.has(Role::Image)).map(|(folder, _)| folder.clone()).collect();
    let wished = all(linked, |links| &links.joins).map(|(_, claim)| claim);
    let joined = joins(wished.filter(|claim| folders.contains_key(&claim.folder)), &services);

    workspace.owners = owners(&folders, &joined);
    workspace.projects = projects(&folders, &joined);
    drop((folders, joined));
    for (ecosystem, claim) in all(linked, |links| &links.parts) {
        workspace.parts.add(&claim.whole, &claim.part, ecosystem);
    }
    add_configured(tree, &configured, workspace)?;
    resolve_edges(tree, linked, workspace)
}

/// All claims of one kind, each with its ecosystem.
pub(super) fn all<'a, T: 'a>(
    linked: &'a Linked,
    of: impl Fn(&'a Links) -> &'a Vec<T> + 'a,
) -> impl Iterator<Item = (&'static str, &'a T)> {
    linked.links.iter().flat_map(move |(ecosystem, links)| of(links).iter().map(|claim| (*ecosystem, claim)))
}

/// All claims of one kind, each with its ecosystem. Those of an ecosystem are gone as soon as the next one's turn comes.
fn taken<'a, T: 'a>(
    linked: &'a mut Linked,
    of: impl Fn(&'a mut Links) -> &'a mut Vec<T> + 'a,
) -> impl Iterator<Item = (&'static str, T)> {
    linked
        .links
        .iter_mut()
        .flat_map(move |(ecosystem, links)| std::mem::take(of(links)).into_iter().map(|claim| (*ecosystem, claim)))
}

/// What is claimed of one folder.
#[derive(Default)]
struct Claims<'a> {
    of: Vec<(&'static str, &'a ProjectClaim)>,
}

impl Claims<'_> {
    fn has(&self, role: Role) -> bool {
        self.of.iter().any(|(_, claim)| claim.role == role)
    }

    /// Whether the folder takes its files from the project around it. A fixture's manifest does not, and neither does
    /// an image alone beside such a manifest.
    fn takes_files(&self) -> bool {
        self.of.iter().all(|(_, claim)| claim.admission == Admission::Admitted)
    }

    fn kind(&self, has_chart: bool) -> ProjectKind {
        let code = self.has(Role::Code);
        if self.has(Role::Image) || (has_chart && code) {
            ProjectKind::Service
        } else if code {
            ProjectKind::Library
        } else if self.has(Role::Chart) {
            ProjectKind::Chart
        } else if self.has(Role::Schema) {
            ProjectKind::Schema
        } else {
            ProjectKind::Workspace
        }
    }

    /// The globs of what the folder keeps where it is shared ground; none where everything is its own.
    fn keeps(&self, folder: &RepoPath) -> Option<Filter> {
        let mut globs = BTreeSet::new();
        let mut shared = false;
        for (_, claim) in &self.of {
            if let Ground::Shared(kept) = &claim.ground {
                shared = true;
                globs.extend(kept.iter().cloned());
            }
        }
        // A Dockerfile alone at the root says nothing about who reads the root's other files.
        shared |= folder.is_root() && self.of.iter().all(|(_, claim)| claim.role == Role::Image);
        shared.then(|| {
            let mut rules: Vec<Rule> = globs.into_iter().map(Rule::include).collect();
            rules.extend(self.of.iter().filter_map(|(_, claim)| {
                let manifest = claim.evidence.file.below(folder)?.to_string();
                Some(Rule::include(crate::selection::escape_glob(&manifest)))
            }));
            rules.sort();
            rules.dedup();
            Filter::new(folder, rules)
        })
    }
}

/// Folders that are projects: admitted by their ecosystem, or strays with a sign of standing alone.
fn claimed_folders<'a>(
    tree: &dyn Tree,
    linked: &'a Linked,
    configured: &BTreeMap<RepoPath, Evidence>,
    probes: &mut Probes,
) -> Result<BTreeMap<RepoPath, Claims<'a>>, TreeError> {
    let mut folders: BTreeMap<RepoPath, Claims<'a>> = BTreeMap::new();
    for (ecosystem, claim) in all(linked, |links| &links.projects) {
        folders.entry(claim.folder.clone()).or_default().of.push((ecosystem, claim));
    }
    let mut strays = Vec::new();
    for (folder, claims) in &folders {
        // An image is a sign of standing alone even where it leaves its files to the project around it.
        let admitted = claims.of.iter().any(|(_, claim)| claim.admission == Admission::Admitted);
        let admitted = admitted || claims.has(Role::Image);
        if !admitted && !configured.contains_key(folder) && !has_lockfile(tree, folder, probes)? {
            strays.push(folder.clone());
        }
    }
    for stray in strays {
        folders.remove(&stray);
    }
    Ok(folders)
}

fn has_lockfile(tree: &dyn Tree, folder: &RepoPath, probes: &mut Probes) -> Result<bool, TreeError> {
    probes.list(folder);
    let Some(Node::Folder(id)) = node_at(tree, folder)? else { return Ok(false) };
    let entries = tree.folder(id)?;
    Ok(lockfile_names().iter().any(|name| entries.iter().any(|entry| *entry.name == *name.as_bytes())))
}

/// Projects that only the configuration names: they own their folder, and their tasks are those it gives them.
fn add_configured(
    tree: &dyn Tree,
    configured: &BTreeMap<RepoPath, Evidence>,
    workspace: &mut Draft,
) -> Result<(), TreeError> {
    let mut names: BTreeSet<String> = workspace.projects.values().map(|project| project.name.clone()).collect();
    for (folder, evidence) in configured {
        let id = ProjectId(folder.clone());
        workspace.probes.look_at(folder);
        let is_folder = matches!(node_at(tree, folder)?, Some(Node::Folder(_)));
        let name = id.to_string();
        if workspace.projects.contains_key(&id) || !is_folder || !names.insert(name.clone()) {
            continue;
        }
        workspace.owners.insert(folder.clone(), Holding { project: id.clone(), keeps: None });
        workspace.projects.insert(id, project_without_manifest(folder, evidence, name));
    }
    Ok(())
}

fn owners(folders: &BTreeMap<RepoPath, Claims<'_>>, joined: &BTreeMap<RepoPath, (RepoPath, Evidence)>) -> Owners {
    let mut owners = Owners::default();
    for (folder, claims) in folders.iter().filter(|(_, claims)| claims.takes_files()) {
        let project = joined.get(folder).map_or(folder, |(service, _)| service);
        let holding = Holding { project: ProjectId(project.clone()), keeps: claims.keeps(folder) };
        owners.insert(folder.clone(), holding);
    }
    owners
}

fn projects(
    folders: &BTreeMap<RepoPath, Claims<'_>>,
    joined: &BTreeMap<RepoPath, (RepoPath, Evidence)>,
) -> BTreeMap<ProjectId, Project> {
    let mut places: BTreeMap<&RepoPath, Vec<(RepoPath, Evidence)>> = BTreeMap::new();
    for (folder, (service, evidence)) in joined {
        places.entry(service).or_default().push((folder.clone(), evidence.clone()));
    }
    let ids: Vec<ProjectId> =
        folders.keys().filter(|folder| !joined.contains_key(*folder)).cloned().map(ProjectId).collect();
    let names = short_names(ids.iter());
    let mut projects = BTreeMap::new();
    for id in ids {
        let claims = &folders[&id.0];
        let joined = places.remove(&id.0).unwrap_or_default();
        let here = claims.of.iter().copied();
        let elsewhere = joined.iter().flat_map(|(folder, _)| folders[folder].of.iter().copied());
        let every: Vec<_> = here.chain(elsewhere).collect();
        let has_chart = every.iter().any(|(_, claim)| claim.role == Role::Chart);
        let project = Project {
            name: names.get(&id).cloned().unwrap_or_default(),
            kind: claims.kind(has_chart),
            aliases: sorted(every.iter().flat_map(|(_, claim)| claim.aliases.iter().cloned())),
            ecosystems: sorted(every.iter().map(|(ecosystem, _)| *ecosystem)),
            owners: Vec::new(),
            evidence: every.iter().map(|(_, claim)| claim.evidence.clone()).collect(),
            joined,
            id: id.clone(),
        };
        projects.insert(id, project);
    }
    projects
}

/// Each once.
fn sorted<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.collect();
    items.sort();
    items.dedup();
    items
}

/// An edge and the folder whose manifest states it: a chart's dependencies are not its service's.
pub(super) struct PlacedEdge {
    place: RepoPath,
    edge: Edge,
}

impl Draft {
    /// The projects that an edge leads to.
    fn targets_of(&self, from: &ProjectId, to: &EdgeTarget) -> BTreeSet<ProjectId> {
        let mut targets = BTreeSet::new();
        match to {
            EdgeTarget::Project(folder) => targets.extend(self.place_of(folder).map(|(_, id)| id)),
            // Everything around the project itself is no dependency on each of its neighbours.
            EdgeTarget::Path(path) if from.0.is_within(path) => {}
            EdgeTarget::Path(path) => {
                if let Owner::Project(id) = self.owners.owner_of(path) {
                    targets.insert(id.clone());
                }
                targets.extend(self.owners.below(path).cloned());
            }
        }
        targets.remove(from);
        targets
    }

    /// Lets the tasks of projects read the files that speak of them.
    fn add_mentions(&mut self, linked: &Linked) {
        let mut known: BTreeSet<(ProjectId, &RepoPath)> = BTreeSet::new();
        for (_, mention) in all(linked, |links| &links.mentions) {
            let mut projects: BTreeSet<ProjectId> = self.owners.below(&mention.path).cloned().collect();
            if let Owner::Project(id) = self.owners.owner_of(&mention.path) {
                projects.insert(id.clone());
            }
            for id in projects.into_iter().filter(|id| known.insert((id.clone(), &mention.input.selection.base))) {
                let tasks: Vec<TaskId> = self.tasks_of(&id).map(|task| task.id.clone()).collect();
                for task in tasks {
                    if let Some(task) = self.tasks.get_mut(&task) {
                        task.inputs.push(mention.input.clone());
                    }
                }
            }
        }
    }
}

fn resolve_edges(tree: &dyn Tree, linked: &mut Linked, workspace: &mut Draft) -> Result<Vec<PlacedEdge>, TreeError> {
    let claimed = linked.links.iter().map(|(_, links)| links.edges.len()).sum();
    let mut edges = Vec::with_capacity(claimed);
    let mut add = |workspace: &Draft, claim: &EdgeClaim| {
        let Some((place, from)) = workspace.place_of(&claim.from) else { return };
        for to in workspace.targets_of(&from, &claim.to) {
            let edge = Edge { from: from.clone(), to, kind: claim.kind, evidence: claim.evidence.clone() };
            edges.push(PlacedEdge { place: place.clone(), edge });
        }
    };
    for (_, claim) in taken(linked, |links| &mut links.edges) {
        add(workspace, &claim);
    }
    let layouts: Vec<&LayoutClaim> = all(linked, |links| &links.layouts).map(|(_, layout)| layout).collect();
    for (_, dangling) in all(linked, |links| &links.dangling) {
        match found_in_an_image(tree, dangling, &layouts, &mut workspace.probes)? {
            Some((folder, layout)) => {
                let note = format!(
                    "{} is not there, but an image copies {folder} to that place",
                    String::from_utf8_lossy(&dangling.name)
                );
                workspace.diagnostics.push(
                    Diagnostic::note("resolved-by-image-layout", note)
                        .at(&dangling.evidence)
                        .help(format!("see {}:{}: {}", layout.file, layout.line, layout.text)),
                );
                let to = EdgeTarget::Path(folder);
                let claim = EdgeClaim {
                    from: dangling.from.clone(),
                    to,
                    kind: dangling.kind,
                    evidence: dangling.evidence.clone(),
                };
                add(workspace, &claim);
            }
            None if workspace.place_of(&dangling.from).is_some() => {
                let wanted = dangling
                    .wanted
                    .as_ref()
                    .map_or("a path outside the repository".to_owned(), |path| path.to_string());
                workspace.diagnostics.push(
                    Diagnostic::warning(
                        "dangling-reference",
                        format!("the reference leads to nothing: {wanted} does not exist"),
                    )
                    .at(&dangling.evidence)
                    .help("correct the path, or remove the reference"),
                );
            }
            None => {}
        }
    }
    Ok(edges)
}

/// Where a reference that dangles in the repository leads to inside an image: a folder that some Dockerfile copies
/// besides the referring project's own, and that holds the file. Only a single answer counts.
fn found_in_an_image(
    tree: &dyn Tree,
    dangling: &DanglingClaim,
    layouts: &[&LayoutClaim],
    probes: &mut Probes,
) -> Result<Option<(RepoPath, Evidence)>, TreeError> {
    let touches = |layout: &&&LayoutClaim| {
        layout.source.is_within(&dangling.from) || (!layout.source.is_root() && dangling.from.is_within(&layout.source))
    };
    let images: BTreeSet<&RepoPath> = layouts.iter().filter(touches).map(|layout| &layout.project).collect();
    let mut found: BTreeMap<RepoPath, (RepoPath, Evidence)> = BTreeMap::new();
    for layout in layouts.iter().filter(|layout| images.contains(&layout.project)) {
        let is_the_file = layout.source.name() == Some(&dangling.name);
        let file = if is_the_file { layout.source.clone() } else { layout.source.child(&dangling.name) };
        probes.look_at(&file);
        if matches!(node_at(tree, &file)?, Some(Node::Content(..))) {
            let copied = (layout.source.clone(), layout.evidence.clone());
            // A manifest is often copied before its folder is: the folder says more.
            if is_the_file {
                found.entry(file).or_insert(copied);
            } else {
                found.entry(file).and_modify(|known| known.clone_from(&copied)).or_insert(copied);
            }
        }
    }
    Ok(if found.len() == 1 { found.into_values().next() } else { None })
}

/// A claim of a task, as far as it is not in the task yet.
struct PlacedTask {
    task: TaskId,
    place: RepoPath,
    reads: Vec<Reading>,
    /// The line of its first input.
    evidence: Option<Evidence>,
}

fn add_tasks(linked: &mut Linked, edges: &[PlacedEdge], slices: &Slices<'_>, workspace: &mut Draft) {
    let mut by_place: BTreeMap<(&ProjectId, &RepoPath), Vec<&Edge>> = BTreeMap::new();
    for placed in edges {
        by_place.entry((&placed.edge.from, &placed.place)).or_default().push(&placed.edge);
    }
    let mut placed_tasks: Vec<PlacedTask> = Vec::new();
    for (ecosystem, claim) in taken(linked, |links| &mut links.tasks) {
        let TaskClaim { folder, name, inputs, slices: claimed, reads, command, tool, builds_upstream, outputs } = claim;
        // A claim of a folder that is no project (a fixture without a sign of standing alone) makes no task.
        let (place, project) = match workspace.place_of(&folder) {
            Some((place, project)) if project.0 == folder || place == folder => (place, project),
            _ => continue,
        };
        let id = TaskId { project, name: TaskName(name) };
        let takes = workspace.owners.owner_inside(&folder) == Owner::Project(&id.project);
        let task = workspace.tasks.entry(id.clone()).or_insert_with(|| Task::empty(id.clone()));
        let evidence = inputs.first().map(|input| input.evidence.clone());
        let inputs: Vec<Input> = match takes {
            // A stray that stands alone reads its files although the project around it owns them.
            false => inputs.into_iter().map(input_whoever_owns).collect(),
            true => workspace.parts.with_parts(&folder, Some(ecosystem), inputs),
        };
        add_to(&mut task.inputs, inputs.len(), inputs);
        add_to(&mut task.slices, claimed.len(), claimed.into_iter().filter_map(|claim| slices.find(claim)));
        add_to(&mut task.commands, usize::from(command.is_some()), command);
        add_to(&mut task.tools, 1, [tool]);
        add_to(&mut task.ecosystems, 1, [ecosystem]);
        task.builds_upstream &= builds_upstream;
        task.outputs = task.outputs.take().zip(outputs).map(|(all, more)| [all, more].concat());
        placed_tasks.push(PlacedTask { task: id, place, reads, evidence });
    }
    for PlacedTask { task: id, place, reads: readings, evidence: first } in placed_tasks {
        let mut reads = Vec::new();
        let mut inputs = Vec::new();
        for reading in readings {
            match reading {
                Reading::Own(name) => {
                    let task = TaskId { project: id.project.clone(), name: TaskName(name) };
                    if workspace.tasks.contains_key(&task) {
                        reads.push(Read { task, evidence: None });
                    } else if let Some(evidence) = &first {
                        let selection = Selection::owned(&id.project.0);
                        inputs.push(Input { selection, evidence: evidence.clone() });
                    }
                }
                Reading::Along(kinds, name) => {
                    let edges = by_place.get(&(&id.project, &place)).map(Vec::as_slice).unwrap_or_default();
                    for edge in edges.iter().filter(|edge| kinds.contains(&edge.kind)) {
                        read_project(workspace, &edge.to, &name, &edge.evidence, &mut reads, &mut inputs);
                    }
                }
                Reading::Task(folder, name, evidence) => {
                    if let Some((_, project)) =
                        workspace.place_of(&folder).filter(|(_, project)| *project != id.project)
                    {
                        read_project(workspace, &project, &name, &evidence, &mut reads, &mut inputs);
                    }
                }
            }
        }
        reads.retain(|read| read.task != id);
        if let Some(task) = workspace.tasks.get_mut(&id) {
            add_to(&mut task.reads, reads.len(), reads);
            add_to(&mut task.inputs, inputs.len(), inputs);
        }
    }
    for task in workspace.tasks.values_mut() {
        let mut seen = BTreeSet::new();
        task.commands.retain(|command| seen.insert(command.clone()));
        if let Some(outputs) = &mut task.outputs {
            outputs.sort();
            outputs.dedup();
        }
    }
}

/// Up to so many items a list has no room to spare: most tasks have few claims, and room for more would stay empty.
const FEW_ITEMS: usize = 64;

/// Adds so many items at most to a list.
fn add_to<T>(list: &mut Vec<T>, count: usize, more: impl IntoIterator<Item = T>) {
    if list.len() <= FEW_ITEMS {
        list.reserve_exact(count);
    }
    list.extend(more);
}

/// Reads the named task of a project, or its files where it has no such task.
fn read_project(
    workspace: &Draft,
    project: &ProjectId,
    name: &str,
    evidence: &Evidence,
    reads: &mut Vec<Read>,
    inputs: &mut Vec<Input>,
) {
    let task = TaskId::new(project, name);
    if workspace.tasks.contains_key(&task) {
        reads.push(Read { task, evidence: Some(evidence.clone()) });
    } else {
        let selection = workspace.owners.files_of(project);
        inputs.push(Input { selection, evidence: evidence.clone() });
    }
}

fn input_whoever_owns(input: Input) -> Input {
    let selection = Selection { reach: crate::selection::Reach::All, ..input.selection };
    Input { selection, evidence: input.evidence }
}
