//! The Python sources below one folder, and which of them a name may mean.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::Facts;
use super::source::is_settings;
use crate::discover::Landscape;
use crate::discover::surroundings::Surroundings;
use crate::path::RepoPath;
use crate::tree::{Mode, Node};

/// The sources of one project.
pub(super) struct SourceTree<'l, 'a> {
    landscape: &'l Landscape<'a, Facts>,
    pub(super) folder: RepoPath,
    /// Every `*.py`.
    files: BTreeSet<RepoPath>,
    /// Every folder with one at it or below.
    packages: BTreeSet<RepoPath>,
    /// Every file of settings.
    settings: BTreeSet<RepoPath>,
    /// Folders of projects of other ecosystems and of nested ones of Python, without those inside each other.
    pub(super) others: BTreeSet<RepoPath>,
    /// The folders that hold a module or package of a name.
    holders: HashMap<Vec<u8>, BTreeSet<RepoPath>>,
    read: RefCell<HashMap<RepoPath, Option<Arc<Facts>>>>,
}

/// Folders of other people's files, in no language that is read here.
const PASSED_OVER: [&[u8]; 3] = [b"node_modules", b"bower_components", b".yarn"];

/// Whether a file makes its folder a project of an ecosystem other than this one, for which a Dockerfile does not count.
pub(super) fn is_of_others(name: &[u8]) -> bool {
    !matches!(name, b"pyproject.toml" | b"setup.py" | b"requirements.txt" | b"Pipfile" | b"Dockerfile")
}

impl<'l, 'a> SourceTree<'l, 'a> {
    /// Walks through a folder. `is_project` knows the nested projects of Python.
    pub(super) fn of(
        landscape: &'l Landscape<'a, Facts>,
        folder: &RepoPath,
        is_project: &dyn Fn(&RepoPath) -> bool,
    ) -> Self {
        let mut tree = Self {
            landscape,
            folder: folder.clone(),
            files: BTreeSet::new(),
            packages: BTreeSet::new(),
            settings: BTreeSet::new(),
            others: BTreeSet::new(),
            holders: HashMap::new(),
            read: RefCell::default(),
        };
        let mut surroundings = Surroundings::new(landscape, is_of_others);
        // A folder, whether another project holds it, and whether it was reached through a symbolic link: no second one is
        // followed, so that none leads round in a circle.
        let mut pending = vec![(folder.clone(), false, false)];
        while let Some((here, is_held, is_linked)) = pending.pop() {
            let is_other =
                here != *folder && (is_project(&here) || surroundings.project_around(&here).as_ref() == Some(&here));
            if is_other && !is_held {
                tree.others.insert(here.clone());
            }
            for entry in landscape.entries(&here).iter() {
                let path = here.child(&entry.name);
                let links = matches!(entry.node, Node::Content(Mode::Symlink, _));
                match entry.node {
                    Node::Content(Mode::Submodule, _) => {}
                    Node::Folder(_) if PASSED_OVER.contains(&&*entry.name) => {}
                    Node::Folder(_) => pending.push((path, is_held || is_other, is_linked)),
                    Node::Content(..) if links && landscape.is_folder(&path) => {
                        if !is_linked {
                            pending.push((path, is_held || is_other, true));
                        }
                    }
                    Node::Content(..) => tree.add(path, &entry.name),
                }
            }
        }
        tree
    }

    fn add(&mut self, path: RepoPath, name: &[u8]) {
        if is_settings(name) {
            self.settings.insert(path);
        } else if let Some(module) = name.strip_suffix(b".py") {
            let parent = path.parent().unwrap_or_else(RepoPath::root);
            self.holders.entry(module.to_vec()).or_default().insert(parent.clone());
            for package in parent.ancestors().take_while(|package| package.is_within(&self.folder)) {
                if !self.packages.insert(package.clone()) {
                    break;
                }
                if let (Some(name), Some(holder)) = (package.name(), package.parent()) {
                    self.holders.entry(name.to_vec()).or_default().insert(holder);
                }
            }
            self.files.insert(path);
        }
    }

    /// What a source or a file of settings says; none if it is no such file.
    pub(super) fn facts(&self, path: &RepoPath) -> Option<Arc<Facts>> {
        if let Some(known) = self.read.borrow().get(path) {
            return known.clone();
        }
        let facts = self.landscape.source(path).map(|read| read.unwrap_or_else(|e| Facts::NoSource(e).into()));
        self.read.borrow_mut().insert(path.clone(), facts.clone());
        facts
    }

    pub(super) fn is_file(&self, path: &RepoPath) -> bool {
        self.files.contains(path)
    }

    pub(super) fn is_settings(&self, path: &RepoPath) -> bool {
        self.settings.contains(path)
    }

    /// Whether a folder has sources at it or below.
    pub(super) fn is_package(&self, path: &RepoPath) -> bool {
        self.packages.contains(path)
    }

    /// All sources at or below a folder.
    pub(super) fn files_below<'t>(&'t self, folder: &'t RepoPath) -> impl Iterator<Item = &'t RepoPath> {
        below(&self.files, folder)
    }

    /// All files of settings at or below a folder.
    pub(super) fn settings_below<'t>(&'t self, folder: &'t RepoPath) -> impl Iterator<Item = &'t RepoPath> {
        below(&self.settings, folder)
    }

    /// The folders that hold a module or package of this name.
    pub(super) fn holders_of(&self, name: &str) -> impl Iterator<Item = &RepoPath> {
        self.holders.get(name.as_bytes()).into_iter().flatten()
    }

    /// What the import of a dotted name from a folder reads: each package on the way and the module, as far as they are
    /// there; the rest are names in it. None if not even the first is there.
    pub(super) fn module(&self, holder: &RepoPath, names: &[impl AsRef<str>]) -> Option<Module> {
        let (mut here, mut found) = (holder.clone(), Module { files: Vec::new(), package: None, depth: 0 });
        if names.is_empty() {
            found.package = Some(holder.clone());
        }
        for (at, name) in names.iter().map(AsRef::as_ref).enumerate() {
            let file = here.child(format!("{name}.py").as_bytes());
            let folder = here.child(name.as_bytes());
            let (has_file, is_package) = (self.is_file(&file), self.is_package(&folder));
            if !has_file && !is_package {
                return (at > 0).then_some(found);
            }
            found.files.extend(has_file.then_some(file));
            found.depth = at + 1;
            found.package = is_package.then(|| folder.clone());
            if !is_package {
                return Some(found);
            }
            let init = folder.child(b"__init__.py");
            found.files.extend(self.is_file(&init).then_some(init));
            here = folder;
        }
        Some(found)
    }
}

/// What a dotted name leads to.
pub(super) struct Module {
    /// The sources that it reads.
    pub(super) files: Vec<RepoPath>,
    /// The package's folder that the last of the names means that are there.
    pub(super) package: Option<RepoPath>,
    /// How many of the names are packages and modules.
    pub(super) depth: usize,
}

fn below<'t>(paths: &'t BTreeSet<RepoPath>, folder: &'t RepoPath) -> impl Iterator<Item = &'t RepoPath> {
    // Siblings such as `a-b` stand between `a` and `a/b`.
    let near = paths.range(folder.clone()..).take_while(move |path| path.as_bytes().starts_with(folder.as_bytes()));
    near.filter(move |path| path.is_within(folder))
}
