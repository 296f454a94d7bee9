//! Which folders are Python projects, and which workspace each belongs to.

use std::collections::BTreeMap;

use super::lock::Kind;
use super::pyproject::{Manager, Members, Pyproject};
use super::reference::normalise;
use super::requirements::is_requirements;
use super::{DOCKERFILE, Facts, MAIN_FILE};
use crate::diagnostic::Evidence;
use crate::discover::syntax::Stated;
use crate::discover::{Ground, Landscape, Manifest};
use crate::path::RepoPath;
use crate::selection::{Filter, Rule, escape_glob};
use crate::tree::Node;

/// A folder and the manifests that make it a project.
pub(super) struct Project<'a> {
    pub(super) folder: RepoPath,
    pub(super) manifests: Vec<&'a Manifest<'a, Facts>>,
}

/// All projects of a tree by folder.
pub(super) struct Projects<'a> {
    pub(super) all: BTreeMap<RepoPath, Project<'a>>,
    pub(super) by_name: BTreeMap<String, Vec<RepoPath>>,
    /// The workspace root of each member.
    workspaces: BTreeMap<RepoPath, RepoPath>,
}

impl<'a> Project<'a> {
    pub(super) fn pyproject(&self) -> Option<&'a Pyproject> {
        self.manifests.iter().find_map(|manifest| match manifest.facts {
            Ok(Facts::Pyproject(pyproject)) => Some(&**pyproject),
            _ => None,
        })
    }

    pub(super) fn workspace(&self) -> Option<&'a Members> {
        self.pyproject()?.workspace.as_ref()
    }

    /// A workspace that is no project itself.
    pub(super) fn is_virtual(&self) -> bool {
        self.pyproject().is_some_and(|read| read.workspace.is_some() && read.name.is_none() && !read.is_package)
    }

    /// The name and the manifest that states it.
    pub(super) fn name(&self) -> Option<(&'a RepoPath, &'a Stated<String>)> {
        self.manifests.iter().find_map(|manifest| {
            let name = match manifest.facts.ok()? {
                Facts::Pyproject(read) => read.name.as_ref(),
                Facts::Setup(read) => read.name.as_ref(),
                _ => None,
            };
            Some((manifest.path, name?))
        })
    }

    pub(super) fn evidence(&self) -> Evidence {
        if let Some((file, name)) = self.name() {
            return name.evidence(file);
        }
        match self.manifests.first() {
            Some(manifest) => {
                Evidence::new(manifest.path, manifest.facts.err().map_or(0, |unreadable| unreadable.line), "")
            }
            None => Evidence::new(&self.folder, 0, ""),
        }
    }

    /// Whether pip can install the folder.
    pub(super) fn is_package(&self) -> bool {
        self.manifests.iter().any(|manifest| match manifest.facts {
            Ok(Facts::Pyproject(read)) => read.is_project,
            Ok(Facts::Setup(read)) => read.is_project,
            Ok(_) => false,
            Err(_) => matches!(manifest.path.name(), Some(b"pyproject.toml" | b"setup.py" | b"setup.cfg")),
        })
    }

    pub(super) fn manager(&self, landscape: &Landscape<'_, Facts>) -> Option<Manager> {
        let stated = self.pyproject().and_then(|read| read.manager);
        let has = |name: &str| landscape.is_file(&self.folder.child(name.as_bytes()));
        let by_file = [
            ("uv.lock", Manager::Uv),
            ("poetry.lock", Manager::Poetry),
            ("pdm.lock", Manager::Pdm),
            ("Pipfile", Manager::Pipenv),
        ];
        stated.or_else(|| by_file.into_iter().find(|(name, _)| has(name)).map(|(_, manager)| manager))
    }
}

impl<'a> Projects<'a> {
    pub(super) fn of(landscape: &'a Landscape<'a, Facts>) -> Self {
        let mut strong: BTreeMap<RepoPath, Project<'a>> = BTreeMap::new();
        let mut weak: BTreeMap<RepoPath, Vec<&'a Manifest<'a, Facts>>> = BTreeMap::new();
        for manifest in landscape.manifests().iter().filter(|manifest| says_of_project(manifest)) {
            let folder = home_of(manifest);
            if makes_project(manifest) {
                strong
                    .entry(folder.clone())
                    .or_insert_with(|| Project { folder, manifests: Vec::new() })
                    .manifests
                    .push(manifest);
            } else {
                weak.entry(folder).or_default().push(manifest);
            }
        }
        for (folder, manifests) in weak {
            if let Some(project) = strong.get_mut(&folder) {
                project.manifests.extend(manifests);
                continue;
            }
            // The settings of tools make a project only of a folder that stands for nothing else.
            let only_settings =
                manifests.iter().any(|manifest| matches!(manifest.path.name(), Some(b"pyproject.toml" | b"setup.cfg")));
            let encloses = strong.range(folder.clone()..).any(|(other, _)| other.is_within(&folder));
            let is_inside = folder.ancestors().skip(1).any(|above| strong.contains_key(&above));
            if only_settings && !folder.is_root() && !encloses && !is_inside {
                strong.insert(folder.clone(), Project { folder, manifests });
            }
        }
        for project in strong.values_mut() {
            project.manifests.sort_by_key(|manifest| (rank(manifest), manifest.path));
        }
        let mut by_name: BTreeMap<String, Vec<RepoPath>> = BTreeMap::new();
        for (folder, project) in &strong {
            if let Some((_, name)) = project.name() {
                by_name.entry(normalise(&name.value)).or_default().push(folder.clone());
            }
        }
        let mut projects = Self { all: strong, by_name, workspaces: BTreeMap::new() };
        projects.find_workspaces();
        projects
    }

    /// The nearest project above a folder.
    pub(super) fn enclosing(&self, folder: &RepoPath) -> Option<&Project<'a>> {
        folder.ancestors().skip(1).find_map(|above| self.all.get(&above))
    }

    /// The uv workspace that a project belongs to: the nearest that encloses it, if that one admits it.
    pub(super) fn workspace_of(&self, folder: &RepoPath) -> Option<&Project<'a>> {
        self.all.get(self.workspaces.get(folder)?)
    }

    fn find_workspaces(&mut self) {
        let mut globs: BTreeMap<&RepoPath, (Vec<Filter>, Vec<Filter>)> = BTreeMap::new();
        for (folder, project) in &self.all {
            if let Some(members) = project.workspace() {
                globs.insert(folder, (filters(folder, &members.include.value), filters(folder, &members.exclude)));
            }
        }
        let matches = |filters: &[Filter], folder: &RepoPath| {
            filters.iter().any(|filter| folder.is_within(&filter.root) && filter.admits(folder))
        };
        let admits = |root: &RepoPath, folder: &RepoPath| {
            let Some((include, exclude)) = globs.get(root) else { return false };
            root == folder || matches(include, folder) && !matches(exclude, folder)
        };
        let mut workspaces = BTreeMap::new();
        for folder in self.all.keys() {
            if let Some(root) = self.workspace_above(folder).filter(|root| admits(&root.folder, folder)) {
                workspaces.insert(folder.clone(), root.folder.clone());
            }
        }
        self.workspaces = workspaces;
    }

    /// The nearest uv workspace that encloses a folder, whether it admits it or not.
    pub(super) fn workspace_above(&self, folder: &RepoPath) -> Option<&Project<'a>> {
        folder.ancestors().find_map(|above| self.all.get(&above).filter(|project| project.workspace().is_some()))
    }

    /// Whether a root only serves the tools of what lies below it.
    pub(super) fn is_tooling_root(&self, landscape: &Landscape<'_, Facts>, project: &Project<'_>) -> bool {
        project.folder.is_root()
            && project.workspace().is_none()
            && (!project.is_package() || self.source_globs(landscape, project).is_empty())
    }

    /// Whose the folder's remaining files are.
    pub(super) fn ground_of(&self, landscape: &Landscape<'_, Facts>, project: &Project<'_>) -> Ground {
        if project.is_virtual() {
            return Ground::Shared(vec!["pyproject.toml".to_owned()]);
        }
        if project.workspace().is_none() && !project.folder.is_root() {
            return Ground::Own;
        }
        let sources = self.source_globs(landscape, project);
        let shares = project.workspace().is_some() || sources.is_empty();
        if !shares {
            return Ground::Own;
        }
        const MANIFESTS: [&str; 12] = [
            "*.py",
            "*requirements.txt",
            "LICENSE*",
            "MANIFEST.in",
            "Pipfile",
            "README*",
            "constraints*.txt",
            "pyproject.toml",
            "requirements*.txt",
            "requirements/**",
            "setup.cfg",
            "py.typed",
        ];
        Ground::Shared(MANIFESTS.map(str::to_owned).into_iter().chain(sources).collect())
    }

    /// The top-level folders and modules that the project's own sources and tests stand in, as globs. A folder
    /// without `__init__.py` counts, too: namespace packages have none.
    fn source_globs(&self, landscape: &Landscape<'_, Facts>, project: &Project<'_>) -> Vec<String> {
        let is_source = |name: &[u8]| {
            name.ends_with(b".py") && !matches!(name, b"setup.py" | b"conftest.py" | b"noxfile.py" | b"tasks.py")
        };
        let mut globs = Vec::new();
        for entry in landscape.entries(&project.folder).iter() {
            let Ok(name) = std::str::from_utf8(&entry.name) else { continue };
            let folder = project.folder.child(&entry.name);
            match entry.node {
                Node::Content(..) if is_source(&entry.name) => globs.push(escape_glob(name)),
                Node::Folder(_) if !name.starts_with('.') => {
                    let holds_project =
                        self.all.range(folder.clone()..).next().is_some_and(|(next, _)| next.is_within(&folder));
                    let below = landscape.entries(&folder);
                    let has_source = below.iter().any(|entry| match entry.node {
                        Node::Folder(_) => landscape
                            .entries(&folder.child(&entry.name))
                            .iter()
                            .any(|deeper| deeper.name.ends_with(b".py")),
                        Node::Content(..) => entry.name.ends_with(b".py"),
                    });
                    if has_source && !holds_project {
                        globs.push(format!("{}/**", escape_glob(name)));
                    }
                }
                _ => {}
            }
        }
        globs
    }
}

/// The folder whose project a manifest is part of. A folder `requirements` only holds files of the one above it.
fn home_of(manifest: &Manifest<'_, Facts>) -> RepoPath {
    let folder = manifest.folder();
    let is_list = matches!(manifest.path.name(), Some(name) if name.ends_with(b".txt"));
    match folder.parent() {
        Some(parent) if is_list && folder.name() == Some(b"requirements") => parent,
        _ => folder,
    }
}

/// Whether a file says something of the project in its folder: lockfiles and sources do not.
fn says_of_project(manifest: &Manifest<'_, Facts>) -> bool {
    let name = manifest.path.name().unwrap_or_default();
    Kind::of(name).is_none() && !matches!(name, MAIN_FILE | DOCKERFILE)
}

fn makes_project(manifest: &Manifest<'_, Facts>) -> bool {
    let name = manifest.path.name().unwrap_or_default();
    let in_requirements = manifest.folder().name() == Some(b"requirements");
    match manifest.facts {
        Ok(Facts::Pyproject(read)) => read.is_project || read.workspace.is_some(),
        Ok(Facts::Setup(read)) => read.is_project,
        Ok(Facts::Pipfile(_)) => true,
        Ok(Facts::Requirements(_)) => is_requirements(name) || in_requirements && !name.starts_with(b"constraints"),
        Ok(Facts::Lock(_) | Facts::Source(_) | Facts::NoSource(_)) => false,
        Err(_) => !name.ends_with(b".txt") || is_requirements(name),
    }
}

fn rank(manifest: &Manifest<'_, Facts>) -> usize {
    let name = manifest.path.name().unwrap_or_default();
    let order: [&[u8]; 5] = [b"pyproject.toml", b"setup.cfg", b"setup.py", b"Pipfile", b"requirements.txt"];
    order.iter().position(|known| *known == name).unwrap_or(order.len())
}

/// The globs of folders that a workspace root writes.
fn filters(root: &RepoPath, globs: &[String]) -> Vec<Filter> {
    let filter = |glob: &String| {
        let (mut base, mut glob) = (root.clone(), glob.trim_end_matches('/'));
        loop {
            if let Some(rest) = glob.strip_prefix("./") {
                glob = rest;
            } else if let (Some(rest), Some(parent)) = (glob.strip_prefix("../"), base.parent()) {
                (base, glob) = (parent, rest);
            } else {
                break;
            }
        }
        Filter::new(&base, vec![Rule::include(glob)])
    };
    globs.iter().map(filter).collect()
}
