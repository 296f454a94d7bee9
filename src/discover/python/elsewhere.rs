//! What the sources of a project that is not installed import from elsewhere in the repository.
//!
//! Such a project is started with the folders around it on Python's path, which no file need state. So a module that the
//! project does not have itself is looked for in each folder around it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Facts;
use super::projects::{Project, Projects};
use super::source::Import;
use super::source_tree::SourceTree;
use crate::diagnostic::Evidence;
use crate::discover::{EdgeKind, Landscape};
use crate::path::RepoPath;

/// Folders beside a project that are put on the path besides those around it.
const LIBRARIES: [&[u8]; 3] = [b"lib", b"libs", b"src"];

/// Each place that is imported, and the first line that does.
type Imports = Vec<(RepoPath, Evidence)>;

/// What projects that are not installed import from elsewhere. What a place outside them imports in turn is worked out once
/// for all projects in one folder, as they have the same folders around them.
pub(super) struct Elsewhere<'p, 'l> {
    landscape: &'p Landscape<'l, Facts>,
    projects: &'p Projects<'l>,
    followed: HashMap<(RepoPath, RepoPath), Imports>,
}

impl<'p, 'l> Elsewhere<'p, 'l> {
    pub(super) fn new(landscape: &'p Landscape<'l, Facts>, projects: &'p Projects<'l>) -> Self {
        Self { landscape, projects, followed: HashMap::new() }
    }

    /// Files and folders outside a project that its sources import, directly or not, each with the line that leads to it.
    pub(super) fn of(&mut self, project: &Project<'_>) -> BTreeSet<(RepoPath, EdgeKind, Evidence)> {
        let folder = &project.folder;
        let Some(around) = folder.parent().filter(|_| !project.is_package() && !project.is_virtual()) else {
            return BTreeSet::new();
        };
        let mut found: BTreeMap<RepoPath, Evidence> = BTreeMap::new();
        let mut reached = self.imports_of(folder, folder, Some(folder));
        while let Some((place, evidence)) = reached.pop() {
            if place.is_within(folder) || found.contains_key(&place) {
                continue;
            }
            found.insert(place.clone(), evidence);
            let key = (place, around.clone());
            if !self.followed.contains_key(&key) {
                let imports = self.imports_of(&key.0, &around, None);
                self.followed.insert(key.clone(), imports);
            }
            reached.extend(self.followed.get(&key).into_iter().flatten().cloned());
        }
        found.into_iter().map(|(path, evidence)| (path, EdgeKind::Build, evidence)).collect()
    }

    /// What the sources at a place may import where `around` and the folders around it are on Python's path, but for modules
    /// that the project has itself.
    fn imports_of(&self, place: &RepoPath, around: &RepoPath, own: Option<&RepoPath>) -> Imports {
        let mut imports = BTreeMap::new();
        for file in sources_in(self.landscape, self.projects, place) {
            let Some(Ok(facts)) = self.landscape.source(&file) else { continue };
            let Facts::Source(source) = &*facts else { continue };
            for import in &source.imports {
                for reached in reached_by(self.landscape, self.projects, (around, own), &file, &import.value) {
                    imports.entry(reached).or_insert_with(|| import.evidence(&file));
                }
            }
        }
        imports.into_iter().collect()
    }
}

/// The sources of a place, without those of projects nested in it.
fn sources_in(landscape: &Landscape<'_, Facts>, projects: &Projects<'_>, place: &RepoPath) -> Vec<RepoPath> {
    if !landscape.is_folder(place) {
        return vec![place.clone()];
    }
    let tree = SourceTree::of(landscape, place, &|folder| projects.all.contains_key(folder));
    let is_nested = |file: &RepoPath| file.ancestors().any(|above| tree.others.contains(&above));
    tree.files_below(place).filter(|file| !is_nested(file)).cloned().collect()
}

/// What an import may read outside the project, by the folders on Python's path: one with those around it, and one whose
/// modules are found before any other.
fn reached_by(
    landscape: &Landscape<'_, Facts>,
    projects: &Projects<'_>,
    (innermost, own): (&RepoPath, Option<&RepoPath>),
    file: &RepoPath,
    import: &Import,
) -> Vec<RepoPath> {
    let roots: BTreeSet<RepoPath> = match import.level {
        0 => {
            let around = file.ancestors().skip(1).chain(innermost.ancestors());
            around.flat_map(|above| LIBRARIES.map(|name| above.child(name)).into_iter().chain([above])).collect()
        }
        level => file.ancestors().nth(level).into_iter().collect(),
    };
    let (own, others): (Vec<RepoPath>, Vec<RepoPath>) =
        roots.into_iter().partition(|root| own.is_some_and(|own| root.is_within(own)));
    let names: Vec<&str> = import.module.iter().map(String::as_str).collect();
    let mut reached = Vec::new();
    let taken = import.names.iter().map(String::as_str).filter(|name| *name != "*");
    for last in taken.map(Some).chain([None]) {
        let whole: Vec<&str> = names.iter().copied().chain(last).collect();
        // A module that the project has itself as a whole is found before any other.
        let is_whole = |root: &RepoPath| module(landscape, root, &names).is_some_and(|(_, depth)| depth == names.len());
        if !names.is_empty() && own.iter().any(is_whole) {
            continue;
        }
        for root in &others {
            let Some((path, _)) = module(landscape, root, &whole) else { continue };
            reached.extend(read_of(landscape, projects, root, &path));
        }
    }
    reached
}

/// The file or folder that the longest part of a dotted name leads to, and how many names that are.
fn module(landscape: &Landscape<'_, Facts>, root: &RepoPath, names: &[&str]) -> Option<(RepoPath, usize)> {
    let (mut here, mut found) = (root.clone(), None);
    for (at, name) in names.iter().enumerate() {
        let source = here.child(format!("{name}.py").as_bytes());
        here = here.child(name.as_bytes());
        if landscape.is_folder(&here) {
            if landscape.entries(&here).iter().any(|entry| entry.name.ends_with(b".py")) {
                found = Some((here.clone(), at + 1));
            }
        } else if landscape.is_file(&source) {
            return Some((source, at + 1));
        } else {
            break;
        }
    }
    found
}

/// What is read of the place of a module: the project that has it, or the whole of the outermost package around it that
/// encloses no project, as a package opens files of its own besides its sources.
fn read_of(
    landscape: &Landscape<'_, Facts>,
    projects: &Projects<'_>,
    root: &RepoPath,
    path: &RepoPath,
) -> Vec<RepoPath> {
    let around: Vec<RepoPath> = path.ancestors().take_while(|above| above != root && above.is_within(root)).collect();
    let is_project = |folder: &RepoPath| !folder.is_root() && projects.all.contains_key(folder);
    if let Some(home) = path.ancestors().find(is_project) {
        return vec![home];
    }
    let encloses = |folder: &RepoPath| {
        let near = projects.all.range(folder.clone()..).map(|(other, _)| other);
        near.take_while(|other| other.as_bytes().starts_with(folder.as_bytes())).any(|other| other.is_within(folder))
    };
    let whole = around.iter().rev().find(|folder| !encloses(folder)).unwrap_or(path).clone();
    let begun = around.iter().filter(|folder| !folder.is_within(&whole)).map(|folder| folder.child(b"__init__.py"));
    begun.filter(|file| landscape.is_file(file)).chain([whole.clone()]).collect()
}
