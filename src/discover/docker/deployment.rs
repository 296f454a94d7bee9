//! What compose needs to know to run a service that is built here: its own entry and those that it names, the keys of
//! `.env` that they use, and the files that they hand in.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::builds::Environment;
use super::command;
use super::compose::ComposeFile;
use super::entries::Entry;
use super::link::Catalogue;
use super::{Facts, Kind, kind_of};
use crate::diagnostic::Evidence;
use crate::discover::syntax::Stated;
use crate::discover::{Input, Landscape, Links, SliceClaim, TaskClaim};
use crate::path::RepoPath;
use crate::selection::Selection;

/// How many entries, variables and files the services of one folder may read together. Beyond that, its files are not
/// told apart.
const MOST_READ: usize = 200_000;

/// An entry and the file that it stands in.
#[derive(Clone, Copy)]
struct Placed<'a> {
    file: &'a RepoPath,
    entry: &'a Entry,
}

/// The entries of all compose files by their names.
#[derive(Default)]
struct Entries<'a> {
    placed: Vec<Placed<'a>>,
    by_folder: HashMap<(RepoPath, &'a str), Vec<usize>>,
    by_file: HashMap<(RepoPath, &'a str), Vec<usize>>,
}

/// The compose files of one folder, which are layers of one project.
#[derive(Default)]
struct Layers<'a> {
    files: Vec<(&'a RepoPath, &'a ComposeFile)>,
    unreadable: Vec<&'a RepoPath>,
}

/// Claims a task `compose` for each service that a project builds, where it is known what it reads.
pub fn claim(landscape: &Landscape<'_, Facts>, catalogue: &Catalogue, links: &mut Links) {
    let mut entries = Entries::default();
    let mut folders: BTreeMap<RepoPath, Layers<'_>> = BTreeMap::new();
    for manifest in landscape.manifests() {
        if manifest.path.name().and_then(kind_of) != Some(Kind::Compose) {
            continue;
        }
        let layers = folders.entry(manifest.folder()).or_default();
        let Ok(Facts::Compose(file)) = manifest.facts else {
            layers.unreadable.push(manifest.path);
            continue;
        };
        layers.files.push((manifest.path, file));
        for entry in &file.entries {
            let at = entries.placed.len();
            entries.placed.push(Placed { file: manifest.path, entry });
            let name = entry.name.value.as_str();
            entries.by_folder.entry((manifest.folder(), name)).or_default().push(at);
            entries.by_file.entry((manifest.path.clone(), name)).or_default().push(at);
        }
    }
    let mut fragments = BTreeMap::new();
    for (folder, layers) in &folders {
        // What a file includes may be named by any service.
        if layers.files.iter().any(|(_, file)| !file.includes.is_empty()) {
            continue;
        }
        let environment = Environment::beside(landscape, folder);
        let Some(tasks) = tasks_of(landscape, catalogue, &entries, folder, layers, &environment) else { continue };
        if !tasks.is_empty() {
            fragments.extend(layers.files.iter().map(|(path, file)| ((*path).clone(), file.fragments.clone())));
            fragments.extend(environment.file().map(|file| (environment.path.clone(), file.fragments.clone())));
        }
        for task in &tasks {
            let others = task.slices.iter().filter_map(|slice| match landscape.facts(&slice.file) {
                Some(Facts::Compose(file)) => Some((slice.file.clone(), file.fragments.clone())),
                _ => None,
            });
            fragments.extend(others);
        }
        links.tasks.extend(tasks);
    }
    links.fragments.extend(fragments);
}

fn tasks_of(
    landscape: &Landscape<'_, Facts>,
    catalogue: &Catalogue,
    entries: &Entries<'_>,
    folder: &RepoPath,
    layers: &Layers<'_>,
    environment: &Environment<'_>,
) -> Option<Vec<TaskClaim>> {
    // The plainest name is the file that the others are laid over.
    let mut files = layers.files.clone();
    files.sort_by_key(|(path, _)| (path.as_bytes().len(), *path));
    let mut services: BTreeMap<&str, &RepoPath> = BTreeMap::new();
    for (path, file) in files {
        for service in &file.services {
            services.entry(&service.name.value).or_insert(path);
        }
    }
    let mut left = MOST_READ;
    let mut tasks = Vec::new();
    for (service, path) in services {
        let Some((owner, _)) = catalogue.service(&(folder.clone(), service.to_owned())) else { continue };
        let mut reader = Reader { landscape, environment, inputs: BTreeSet::new(), slices: Vec::new() };
        left = left.checked_sub(layers.unreadable.len())?;
        for unreadable in &layers.unreadable {
            reader.input(unreadable, Evidence::new(unreadable, 0, ""));
        }
        let reached = entries.reached_from(folder, &format!("services.{service}"), environment, &mut left)?;
        reader.read(&reached);
        tasks.push(TaskClaim {
            folder: owner.clone(),
            name: "compose".to_owned(),
            inputs: reader.inputs.into_iter().collect(),
            slices: reader.slices,
            reads: Vec::new(),
            command: command::of_service(path, service),
            tool: "docker".to_owned(),
            builds_upstream: false,
            outputs: None,
        });
    }
    Some(tasks)
}

impl<'a> Entries<'a> {
    /// The entries of a name in the layers of a folder, and all that those need; none where it is more than is left.
    fn reached_from(
        &self,
        folder: &RepoPath,
        name: &str,
        environment: &Environment<'_>,
        left: &mut usize,
    ) -> Option<Vec<Placed<'a>>> {
        let at = |found: Option<&Vec<usize>>| found.cloned().unwrap_or_default();
        let mut pending = at(self.by_folder.get(&(folder.clone(), name)));
        let mut seen = HashSet::new();
        let mut reached = Vec::new();
        while let Some(next) = pending.pop() {
            if !seen.insert(next) {
                continue;
            }
            let placed = self.placed[next];
            let Entry { needs, taken_over, files, volumes, variables, .. } = placed.entry;
            let weight = 1 + needs.len() + taken_over.len() + files.len() + volumes.len() + variables.len();
            *left = left.checked_sub(weight)?;
            reached.push(placed);
            let kept = volumes.iter().map(|stated| format!("volumes.{}", source_of(&environment.text(&stated.value))));
            for name in needs.iter().map(|need| environment.text(need)).chain(kept) {
                pending.extend(at(self.by_folder.get(&(folder.clone(), name.as_str()))));
                if !folder_of(placed.file).eq(folder) {
                    pending.extend(at(self.by_file.get(&(placed.file.clone(), name.as_str()))));
                }
            }
            for (file, need) in taken_over {
                let Ok(file) = folder_of(placed.file).resolve(environment.text(&file.value).as_bytes()) else {
                    continue;
                };
                pending.extend(at(self.by_file.get(&(file, environment.text(need).as_str()))));
            }
        }
        Some(reached)
    }
}

/// The source of a volume that is written as one text.
fn source_of(volume: &str) -> &str {
    volume.split(':').next().unwrap_or_default()
}

fn folder_of(file: &RepoPath) -> RepoPath {
    file.parent().unwrap_or_else(RepoPath::root)
}

struct Reader<'a, 'b> {
    landscape: &'a Landscape<'b, Facts>,
    environment: &'a Environment<'b>,
    inputs: BTreeSet<Input>,
    slices: Vec<SliceClaim>,
}

impl Reader<'_, '_> {
    fn input(&mut self, path: &RepoPath, evidence: Evidence) {
        self.inputs.insert(Input { selection: Selection::all(path), evidence });
    }

    fn read(&mut self, reached: &[Placed<'_>]) {
        let mut used: BTreeMap<&str, Evidence> = BTreeMap::new();
        for Placed { file, entry } in reached {
            let evidence = entry.name.evidence(file);
            self.slices.push(SliceClaim {
                file: (*file).clone(),
                fragment: entry.fragment,
                evidence: evidence.clone(),
            });
            for variable in &entry.variables {
                used.entry(variable).or_insert_with(|| evidence.clone());
            }
            for stated in &entry.files {
                self.file(file, stated, &self.environment.text(&stated.value));
            }
            for stated in &entry.volumes {
                let text = self.environment.text(&stated.value);
                // Anything else is the name of a volume.
                if text.starts_with('.') {
                    self.file(file, stated, source_of(&text));
                }
            }
            for (other, _) in &entry.taken_over {
                let path = folder_of(file).resolve(self.environment.text(&other.value).as_bytes());
                let unread = path.ok().filter(|path| !matches!(self.landscape.facts(path), Some(Facts::Compose(_))));
                if unread.is_some() {
                    self.file(file, other, &self.environment.text(&other.value));
                }
            }
        }
        self.read_environment(&used);
    }

    fn file(&mut self, file: &RepoPath, stated: &Stated<String>, written: &str) {
        let path = folder_of(file).resolve(written.as_bytes()).ok();
        if let Some(path) = path.filter(|path| self.landscape.exists(path)) {
            self.input(&path, stated.evidence(file));
        }
    }

    /// The keys that are used, and those that compose itself heeds; all of a file that cannot be read.
    fn read_environment(&mut self, used: &BTreeMap<&str, Evidence>) {
        let path = &self.environment.path;
        let Some(file) = self.environment.file() else {
            if self.landscape.has_manifest(path) {
                self.input(path, Evidence::new(path, 0, ""));
            }
            return;
        };
        let evidence = Evidence::new(path, 0, "");
        self.slices.push(SliceClaim { file: path.clone(), fragment: file.of_compose(), evidence });
        for (key, evidence) in used {
            if let Some(fragment) = file.fragment(key) {
                self.slices.push(SliceClaim { file: path.clone(), fragment, evidence: evidence.clone() });
            }
        }
    }
}
