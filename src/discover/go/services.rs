//! The programs of a module that has several: each is a project that reads what it imports of the module, and no more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Facts, MODULE_FILE, Module};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::discover::syntax::Stated;
use crate::discover::{Input, Landscape};
use crate::path::RepoPath;
use crate::selection::Selection;
use crate::tree::{Mode, Node};

/// Where programs begin.
pub(super) const MAIN_FILE: &[u8] = b"main.go";

/// A folder with a program of a module.
pub(super) struct Service {
    pub folder: RepoPath,
    /// The file with its `package main`.
    pub main: RepoPath,
}

/// The files that begin a program, by the folder of the module around each.
pub(super) fn main_files<'a>(
    landscape: &Landscape<'a, Facts>,
    modules: &BTreeSet<&RepoPath>,
) -> BTreeMap<RepoPath, Vec<&'a RepoPath>> {
    let mut found: BTreeMap<RepoPath, Vec<&RepoPath>> = BTreeMap::new();
    for manifest in landscape.manifests() {
        let is_main = matches!(manifest.facts, Ok(Facts::Source(source)) if source.package == "main");
        let around = || manifest.path.ancestors().find(|above| modules.contains(above));
        if let Some(module) = is_main.then(around).flatten() {
            found.entry(module).or_default().push(manifest.path);
        }
    }
    found
}

/// The programs of a module that has several: folders below a `cmd`, and those with a Dockerfile. A module with one is
/// that program's project itself.
pub(super) fn services(
    landscape: &Landscape<'_, Facts>,
    module: &Module<'_>,
    main_files: &[&RepoPath],
) -> Vec<Service> {
    if module.name().is_none() {
        return Vec::new();
    }
    let mut found: BTreeMap<RepoPath, RepoPath> = BTreeMap::new();
    for main in main_files {
        let folder = main.parent().unwrap_or_else(RepoPath::root);
        let Some(below) = folder.below(&module.folder) else { continue };
        if folder == module.folder || below.segments().any(is_passed_over) {
            continue;
        }
        let has_image = |folder: &RepoPath| landscape.is_file(&folder.child(b"Dockerfile"));
        let parent = folder.parent().unwrap_or_else(RepoPath::root);
        let is_cmd = |folder: &RepoPath| folder.name() == Some(b"cmd");
        let place = match () {
            () if has_image(&folder) => Some(folder),
            () if is_cmd(&folder) && parent != module.folder && has_image(&parent) => Some(parent),
            () if is_cmd(&parent) => Some(folder),
            () => None,
        };
        if let Some(place) = place.filter(|place| *place != module.folder) {
            found.entry(place).or_insert_with(|| (*main).clone());
        }
    }
    // What lies in another program's folder is that one's.
    let folders: BTreeSet<RepoPath> = found.keys().cloned().collect();
    found.retain(|folder, _| !folder.ancestors().skip(1).any(|above| folders.contains(&above)));
    if found.len() < 2 {
        return Vec::new();
    }
    found.into_iter().map(|(folder, main)| Service { folder, main }).collect()
}

/// What the packages of a folder import, directly or not.
pub(super) struct Imports {
    /// Files of the module outside the folder, for its builds or for its tests too.
    pub inputs: Vec<Input>,
    /// Import paths of other modules than this one, with the line of the first that imports each. The standard library's
    /// are among them.
    pub foreign: BTreeMap<String, Evidence>,
    /// Why all of the module counts instead, if it does.
    pub widened: Option<Diagnostic>,
}

/// Follows imports through the module, from the packages of one folder.
pub(super) struct Follower<'l, 'a> {
    landscape: &'l Landscape<'a, Facts>,
    module: &'l Module<'a>,
    modules: &'l BTreeSet<&'l RepoPath>,
    packages: BTreeMap<RepoPath, Arc<Package>>,
}

/// The Go files of one folder, read.
#[derive(Default)]
struct Package {
    files: Vec<(RepoPath, Arc<Facts>)>,
    unreadable: Option<Evidence>,
    folders: Vec<RepoPath>,
}

/// Whether `./...` passes over a folder of this name.
fn is_passed_over(name: &[u8]) -> bool {
    matches!(name, b"testdata" | b"vendor") || matches!(name.first(), Some(b'_' | b'.'))
}

fn is_test(path: &RepoPath) -> bool {
    path.name().is_some_and(|name| name.ends_with(b"_test.go"))
}

impl<'l, 'a> Follower<'l, 'a> {
    pub(super) fn new(
        landscape: &'l Landscape<'a, Facts>,
        module: &'l Module<'a>,
        modules: &'l BTreeSet<&'l RepoPath>,
    ) -> Self {
        Self { landscape, module, modules, packages: BTreeMap::new() }
    }

    fn package(&mut self, folder: &RepoPath) -> Arc<Package> {
        if let Some(known) = self.packages.get(folder) {
            return Arc::clone(known);
        }
        let mut package = Package::default();
        for entry in self.landscape.entries(folder).iter() {
            let path = folder.child(&entry.name);
            match entry.node {
                Node::Folder(_) if is_passed_over(&entry.name) => {}
                Node::Folder(_) => package.folders.push(path),
                Node::Content(Mode::File | Mode::Executable | Mode::Symlink, _) if entry.name.ends_with(b".go") => {
                    match self.landscape.source(&path) {
                        Some(Ok(facts)) => match &*facts {
                            Facts::NoSource(reason) => {
                                package.unreadable = Some(Evidence::new(&path, reason.line, ""));
                            }
                            _ => package.files.push((path, facts)),
                        },
                        Some(Err(reason)) => package.unreadable = Some(Evidence::new(&path, reason.line, "")),
                        None => {}
                    }
                }
                Node::Content(..) => {}
            }
        }
        let package = Arc::new(package);
        self.packages.insert(folder.clone(), Arc::clone(&package));
        package
    }

    /// All that the packages at and below a folder import; with tests, what those import too.
    pub(super) fn imports_of(&mut self, service: &RepoPath, with_tests: bool) -> Imports {
        let mut imports = Imports { inputs: Vec::new(), foreign: BTreeMap::new(), widened: None };
        let name = self.module.name().unwrap_or_default().to_owned();
        let mut seen: BTreeSet<RepoPath> = BTreeSet::new();
        let mut pending: Vec<(RepoPath, Option<Evidence>)> = vec![(service.clone(), None)];
        while let Some((folder, imported_at)) = pending.pop() {
            if !seen.insert(folder.clone()) {
                continue;
            }
            let package = self.package(&folder);
            let is_own = folder.is_within(service);
            if let Some(evidence) = &package.unreadable {
                imports.widen("source-unreadable", "a source cannot be read", evidence);
            }
            if is_own {
                let nested = package.folders.iter().filter(|folder| !self.modules.contains(folder));
                pending.extend(nested.map(|folder| (folder.clone(), None)));
            } else if let Some(evidence) = imported_at {
                let files = Selection::all(&folder).only(["*"]).without(["*_test.go"]);
                imports.inputs.push(Input { selection: files, evidence });
            }
            for (path, facts) in &package.files {
                let Facts::Source(source) = &**facts else { continue };
                if is_test(path) && !(with_tests && is_own) {
                    continue;
                }
                for embed in &source.embeds {
                    self.embedded(&folder, embed, path, service, &mut imports);
                }
                for import in &source.imports {
                    let evidence = import.evidence(path);
                    match below(&name, &import.value) {
                        Some(inside) => match self.module.folder.resolve(inside.as_bytes()) {
                            Ok(target) if self.landscape.is_folder(&target) => pending.push((target, Some(evidence))),
                            _ => imports.widen(
                                "generated-package",
                                &format!("`{}` is not in the repository: it is generated, or missing", import.value),
                                &evidence,
                            ),
                        },
                        None => {
                            imports.foreign.entry(import.value.clone()).or_insert(evidence);
                        }
                    }
                }
            }
        }
        if imports.widened.is_some() {
            let evidence = Evidence::new(&self.module.path, 0, "");
            imports.inputs = vec![Input { selection: Selection::all(&self.module.folder), evidence }];
        }
        imports.inputs.sort();
        imports.inputs.dedup_by(|later, first| later.selection == first.selection);
        imports
    }

    fn embedded(
        &self,
        folder: &RepoPath,
        embed: &Stated<String>,
        path: &RepoPath,
        service: &RepoPath,
        imports: &mut Imports,
    ) {
        if !folder.is_within(service) {
            let pattern = embed.value.trim_end_matches('/');
            let selection = Selection::all(folder).only([pattern.to_owned(), format!("{pattern}/**")]);
            imports.inputs.push(Input { selection, evidence: embed.evidence(path) });
        }
    }
}

impl Imports {
    fn widen(&mut self, code: &str, message: &str, evidence: &Evidence) {
        self.widened.get_or_insert_with(|| {
            Diagnostic::note(code, format!("{message}, so all of the module counts"))
                .at(evidence)
                .help("commit what is generated, or state the inputs of the project")
        });
    }

    /// Whether something is imported that is neither in the module nor in the standard library.
    pub(super) fn has_external(&self) -> bool {
        self.foreign.keys().any(|path| path.split('/').next().is_some_and(|first| first.contains('.')))
    }

    /// Whether a package may come from a module that is required. What such a package needs in turn nobody here says: it
    /// may be any other requirement.
    pub(super) fn needs_requirements(&self, module: &Module<'_>) -> bool {
        let requires = module.file.into_iter().flat_map(|file| &file.requires);
        let mut paths = requires.map(|require| require.value.path.as_str());
        // A module with a path inside this one's may provide what looks like a package of this one.
        let is_inside = |path: &str| module.name().is_some_and(|name| below(name, path).is_some());
        let imports = |path: &str| self.foreign.keys().any(|import| below(path, import).is_some());
        self.widened.is_some() || self.has_external() || paths.any(|path| is_inside(path) || imports(path))
    }

    /// The line that first imports a package of the module with this path.
    pub(super) fn of_module(&self, name: &str) -> Option<&Evidence> {
        self.foreign.iter().find(|(path, _)| below(name, path).is_some()).map(|(_, evidence)| evidence)
    }
}

/// The rest of an import path below a module's path.
fn below<'i>(module: &str, import: &'i str) -> Option<&'i str> {
    let rest = import.strip_prefix(module)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

/// Files of a module that each of its packages depends on.
pub(super) fn module_files(landscape: &Landscape<'_, Facts>, module: &Module<'_>) -> Vec<Input> {
    let inherited = [MODULE_FILE, b"go.sum", b"vendor"].map(|name| module.folder.child(name));
    let there = inherited.into_iter().filter(|path| landscape.exists(path));
    there.map(|path| Input { selection: Selection::all(&path), evidence: Evidence::new(&path, 0, "") }).collect()
}
