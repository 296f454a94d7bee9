//! What the tasks of a project read of files in slices: of lockfiles the packages that they need, of manifests the
//! tables that they see.

use std::collections::{BTreeMap, BTreeSet};

use super::Facts;
use super::inherited::lockfiles_of;
use super::lock::{Entries, Kind, Lock, Member};
use super::projects::{Project, Projects};
use super::pyproject::Pyproject;
use super::reference::normalise;
use crate::diagnostic::Evidence;
use crate::discover::{EdgeKind, FragmentIndex, Landscape, Links, SliceClaim};
use crate::path::RepoPath;

/// The lockfiles of a tree, and whom they know.
pub(super) struct Locks<'a> {
    by_file: BTreeMap<&'a RepoPath, &'a Lock>,
    /// By lockfile and folder; none where several entries say that they are that folder.
    members: BTreeMap<(&'a RepoPath, RepoPath), Option<Member>>,
}

impl<'a> Locks<'a> {
    pub(super) fn of(landscape: &'a Landscape<'a, Facts>) -> Self {
        let mut locks = Self { by_file: BTreeMap::new(), members: BTreeMap::new() };
        for manifest in landscape.manifests() {
            let Ok(Facts::Lock(Some(lock))) = manifest.facts else { continue };
            locks.by_file.insert(manifest.path, lock);
            let Entries::Members { by_folder, .. } = &lock.entries else { continue };
            let home = manifest.folder();
            for (written, member) in by_folder {
                let Ok(folder) = home.resolve(written.as_bytes()) else { continue };
                locks.members.entry((manifest.path, folder)).and_modify(|known| *known = None).or_insert(*member);
            }
        }
        locks
    }
}

/// A project that reads files in slices.
pub(super) struct Reader<'a> {
    pub(super) landscape: &'a Landscape<'a, Facts>,
    pub(super) projects: &'a Projects<'a>,
    pub(super) locks: &'a Locks<'a>,
    pub(super) project: &'a Project<'a>,
    pub(super) has_tests: bool,
}

/// What a project reads in slices.
#[derive(Default)]
pub(super) struct Slices {
    pub(super) build: Vec<SliceClaim>,
    pub(super) test: Vec<SliceClaim>,
    /// The files of which nothing else is read.
    pub(super) files: BTreeSet<RepoPath>,
    /// Lockfiles of which it is not certain what is meant.
    pub(super) whole: Vec<RepoPath>,
}

impl Slices {
    /// Reads these fragments of a file, and no byte besides.
    fn read(&mut self, file: &RepoPath, build: &[FragmentIndex], test: &[FragmentIndex], evidence: &Evidence) {
        let claim = |fragment: &FragmentIndex| SliceClaim {
            file: file.clone(),
            fragment: *fragment,
            evidence: evidence.clone(),
        };
        self.build.extend(build.iter().map(claim));
        self.test.extend(test.iter().map(claim));
        self.files.insert(file.clone());
    }
}

impl<'a> Reader<'a> {
    /// What the project's tasks read in slices.
    pub(super) fn slices(&self) -> Slices {
        let mut slices = Slices::default();
        self.manifests(&mut slices);
        let mut found: BTreeSet<Kind> = BTreeSet::new();
        for file in lockfiles_of(self.landscape, &self.project.folder) {
            let Some(kind) = file.name().and_then(Kind::of) else { continue };
            if found.contains(&kind) {
                // A tool reads one lockfile, and none above it.
                slices.files.insert(file);
            } else if let Some((build, test)) = self.needs(kind, &file) {
                slices.read(&file, &build, &test, &Evidence::new(&file, 0, ""));
                if kind != Kind::Pylock {
                    found.insert(kind);
                }
            } else {
                slices.whole.push(file);
            }
        }
        slices
    }

    /// What builds and tests need of a lockfile; nothing where it is not certain.
    fn needs(&self, kind: Kind, file: &RepoPath) -> Option<(Vec<FragmentIndex>, Vec<FragmentIndex>)> {
        let lock = self.locks.by_file.get(file)?;
        let folder = &self.project.folder;
        let home = match kind {
            Kind::Uv => self.projects.workspace_of(folder).map_or(folder, |root| &root.folder),
            _ => folder,
        };
        if file.parent().as_ref() != Some(home) && kind != Kind::Pylock {
            return None;
        }
        if kind == Kind::Pipenv && !self.landscape.is_file(&home.child(b"Pipfile")) {
            // pipenv goes by a Pipfile, which may lie above.
            return None;
        }
        let both = |member: &Member| (vec![self.of_build(member)], vec![member.all]);
        let (mut build, mut test) = match &lock.entries {
            Entries::Members { tools, .. } => {
                let member = self.locks.members.get(&(file, folder.clone()))?.as_ref()?;
                let (build, mut test) = both(member);
                test.push(*tools);
                (build, test)
            }
            Entries::Packages(packages) => {
                let manifest = self.project.pyproject().filter(|manifest| manifest.names_all)?;
                let of = |all: bool| named(manifest, all).filter_map(|name| packages.get(name).copied()).collect();
                // An extra may take in another one of the project, by its own name.
                let own = manifest.name.as_ref().map(|name| normalise(&name.value));
                let is_joined = named(manifest, true).any(|name| Some(name) == own.as_ref());
                (of(is_joined || !self.has_tests), of(true))
            }
            Entries::Flat(member) => both(member),
        };
        build.push(lock.common);
        test.push(lock.common);
        Some((build, test))
    }

    /// What is locked for the build. Without tests, nobody else reads what is locked for development.
    fn of_build(&self, member: &Member) -> FragmentIndex {
        if self.has_tests { member.build } else { member.all }
    }

    /// The project's own `pyproject.toml`, and what that of the workspace says to its members.
    fn manifests(&self, slices: &mut Slices) {
        let pyproject = |project: &Project<'a>| {
            let manifest =
                project.manifests.iter().find(|manifest| matches!(manifest.facts, Ok(Facts::Pyproject(_))))?;
            Some((manifest.path, project.pyproject()?))
        };
        let own = pyproject(self.project);
        if let Some((file, read)) = own {
            let build = if self.has_tests { read.tables.build } else { read.tables.all };
            slices.read(file, &[build], &[read.tables.all], &self.project.evidence());
        }
        let root = self.projects.workspace_of(&self.project.folder).filter(|root| root.folder != self.project.folder);
        let Some((root, (file, read))) = root.and_then(|root| Some((root, pyproject(root)?))) else { return };
        let stated = own.map(|(_, read)| read).filter(|read| read.dependencies.iter().all(|d| d.value.name.is_some()));
        let mut taken: Vec<FragmentIndex> = match stated {
            Some(read_here) => {
                named(read_here, true).filter_map(|name| read.tables.sources.get(name).copied()).collect()
            }
            None => read.tables.sources.values().copied().collect(),
        };
        taken.push(read.tables.for_members);
        let evidence = root.workspace().map(|members| members.include.evidence(file));
        slices.read(file, &taken, &taken, &evidence.unwrap_or_else(|| root.evidence()));
    }
}

/// The names of what a manifest depends on, for builds or for all.
fn named(manifest: &Pyproject, all: bool) -> impl Iterator<Item = &String> {
    let counts = move |kind: EdgeKind| all || kind == EdgeKind::Build;
    let names: BTreeSet<&String> =
        manifest.dependencies.iter().filter(|d| counts(d.value.kind)).filter_map(|d| d.value.name.as_ref()).collect();
    names.into_iter()
}

/// Claims the fragments of every file that some task reads in slices.
pub(super) fn claim_fragments(landscape: &Landscape<'_, Facts>, links: &mut Links) {
    let files: BTreeSet<&RepoPath> =
        links.tasks.iter().flat_map(|task| &task.slices).map(|slice| &slice.file).collect();
    let found = files.into_iter().filter_map(|file| match landscape.facts(file)? {
        Facts::Pyproject(read) => Some((file.clone(), read.tables.fragments.clone())),
        Facts::Lock(Some(lock)) => Some((file.clone(), lock.fragments.clone())),
        _ => None,
    });
    let found: Vec<_> = found.collect();
    links.fragments.extend(found);
}
