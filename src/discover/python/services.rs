//! The services of a project that has several: each is a project that reads what it imports of the tree, and no more.
//!
//! What is no source (templates, settings, data) is read from the whole tree: it is opened by names that are put together.

use std::collections::{BTreeMap, BTreeSet};

use super::imports::{Follower, Imports};
use super::inherited::{found, has_tests, inherited_by_tests};
use super::projects::{Project, Projects};
use super::slices::Reader;
use super::source_tree::{SourceTree, is_of_others};
use super::tasks::{Surrounding, claim_service_tasks};
use super::{DOCKERFILE, Facts, MAIN_FILE};
use crate::diagnostic::Evidence;
use crate::discover::surroundings::{Surroundings, is_fixture};
use crate::discover::{
    Admission, EdgeClaim, EdgeTarget, Ground, Input, Landscape, Links, PartClaim, ProjectClaim, Role,
};
use crate::path::RepoPath;
use crate::selection::{Selection, escape_glob};

/// A folder of a project that is started by itself.
#[derive(Debug, Clone)]
pub(super) struct Service {
    pub(super) folder: RepoPath,
    /// What says so.
    evidence: Evidence,
    /// Whether it has an image, which makes the folder a project in any case.
    pub(super) has_image: bool,
}

/// The services of each project that has several, by its folder.
pub(super) fn services(
    landscape: &Landscape<'_, Facts>,
    projects: &Projects<'_>,
    admitted: &BTreeSet<RepoPath>,
) -> BTreeMap<RepoPath, Vec<Service>> {
    let mut found: BTreeMap<RepoPath, BTreeMap<RepoPath, Service>> = BTreeMap::new();
    let mut surroundings = Surroundings::new(landscape, is_of_others);
    let mut add = |folder: RepoPath, evidence: Evidence, has_image: bool| {
        let project = folder.ancestors().find_map(|above| projects.all.get(&above));
        let Some(project) = project.filter(|project| admitted.contains(&project.folder)) else { return };
        let is_inside = surroundings.project_around(&folder).is_none_or(|other| project.folder.is_within(&other));
        if folder == project.folder || project.is_virtual() || !is_inside || is_aside(&folder, &project.folder) {
            return;
        }
        // It takes its folder from the project, unless an image has done so: no other tool may read it there.
        let is_taken = has_image && project.folder.is_root();
        if !is_taken && is_shared(landscape, &project.folder) {
            return;
        }
        let service = Service { folder: folder.clone(), evidence, has_image };
        let known = found.entry(project.folder.clone()).or_default().entry(folder).or_insert_with(|| service.clone());
        if has_image && !known.has_image {
            *known = service;
        }
    };
    for manifest in landscape.manifests() {
        match manifest.path.name() {
            Some(DOCKERFILE) => add(manifest.folder(), Evidence::new(manifest.path, 0, ""), true),
            Some(MAIN_FILE) => add(manifest.folder(), Evidence::new(manifest.path, 0, ""), false),
            _ => {}
        }
        let scripts = match manifest.facts {
            Ok(Facts::Pyproject(read)) => &read.scripts[..],
            Ok(Facts::Setup(read)) => &read.scripts[..],
            _ => &[],
        };
        for script in scripts {
            let home = manifest.folder();
            let module = script.value.split(':').next().unwrap_or_default().trim();
            let places =
                [home.clone(), home.child(b"src")].map(|root| root.resolve(module.replace('.', "/").as_bytes()));
            for place in places.into_iter().flatten() {
                let folder = match place.parent() {
                    _ if landscape.is_folder(&place) => place,
                    Some(parent) if landscape.is_file(&named(&place, ".py")) => parent,
                    _ => continue,
                };
                if folder != home.child(b"src") {
                    add(folder, script.evidence(manifest.path), false);
                }
            }
        }
    }
    found.into_iter().map(|(folder, services)| (folder, outermost(services))).filter(|(_, all)| all.len() > 1).collect()
}

fn named(path: &RepoPath, ending: &str) -> RepoPath {
    let name = [path.name().unwrap_or_default(), ending.as_bytes()].concat();
    path.parent().unwrap_or_else(RepoPath::root).child(&name)
}

/// What lies in another service's folder is that one's. An image says more of a folder than a package that can be started:
/// such a package is a service where another one stands beside it; alone it is the project's own program.
fn outermost(services: BTreeMap<RepoPath, Service>) -> Vec<Service> {
    let is_below = |folder: &RepoPath, has_image: bool| {
        folder.ancestors().skip(1).any(|above| services.get(&above).is_some_and(|other| other.has_image == has_image))
    };
    let encloses_image =
        |folder: &RepoPath| services.values().any(|other| other.has_image && other.folder.is_within(folder));
    let stands = |service: &&Service| match service.has_image {
        true => !is_below(&service.folder, true),
        false => {
            !is_below(&service.folder, true) && !is_below(&service.folder, false) && !encloses_image(&service.folder)
        }
    };
    let outermost: Vec<&Service> = services.values().filter(stands).collect();
    let mut beside: BTreeMap<Option<RepoPath>, usize> = BTreeMap::new();
    outermost.iter().for_each(|service| *beside.entry(service.folder.parent()).or_default() += 1);
    let is_one = |service: &&Service| service.has_image || beside.get(&service.folder.parent()) > Some(&1);
    outermost.into_iter().filter(is_one).cloned().collect()
}

/// Whether a folder serves tests and documentation, or is other people's.
fn is_aside(folder: &RepoPath, project: &RepoPath) -> bool {
    const NAMES: [&[u8]; 8] =
        [b"doc", b"docs", b"example", b"examples", b"site-packages", b"third_party", b"vendor", b"vendored"];
    let below = folder.below(project).unwrap_or_else(RepoPath::root);
    let is_named = |segment: &[u8]| segment.starts_with(b".") || NAMES.contains(&segment);
    is_fixture(folder, project) || below.segments().any(is_named)
}

/// Whether other ecosystems have manifests in a project's folder, whose tasks read what lies below.
fn is_shared(landscape: &Landscape<'_, Facts>, folder: &RepoPath) -> bool {
    const ENDINGS: [&[u8]; 6] = [b".csproj", b".fsproj", b".vbproj", b".gemspec", b".tf", b".sln"];
    const NAMES: [&[u8]; 18] = [
        b"package.json",
        b"go.mod",
        b"pom.xml",
        b"Cargo.toml",
        b"build.gradle",
        b"build.gradle.kts",
        b"mix.exs",
        b"composer.json",
        b"Gemfile",
        b"Package.swift",
        b"CMakeLists.txt",
        b"MODULE.bazel",
        b"WORKSPACE",
        b"WORKSPACE.bazel",
        b"Chart.yaml",
        b"kustomization.yaml",
        b"kustomization.yml",
        b"terragrunt.hcl",
    ];
    landscape
        .entries(folder)
        .iter()
        .any(|entry| NAMES.contains(&&*entry.name) || ENDINGS.iter().any(|ending| entry.name.ends_with(ending)))
}

/// Claims the services of one project. The edges are what the project depends on.
pub(super) fn claim_services(
    reader: &Reader<'_>,
    services: &[Service],
    surrounding: &Surrounding,
    is_project: &dyn Fn(&RepoPath) -> bool,
    links: &mut Links,
) {
    let (landscape, project) = (reader.landscape, reader.project);
    let tree = SourceTree::of(landscape, &project.folder, is_project);
    let services: Vec<&Service> = services.iter().filter(|service| tree.is_package(&service.folder)).collect();
    if services.len() < 2 {
        return;
    }
    let edges: Vec<EdgeClaim> = links.edges.iter().filter(|edge| edge.from == project.folder).cloned().collect();
    let others = others_of(&tree);
    for service in &services {
        let folder = &service.folder;
        let beside = services.iter().map(|other| other.folder.clone()).filter(|other| other != folder);
        let beside: Vec<RepoPath> = beside.collect();
        links.parts.push(PartClaim { part: folder.clone(), whole: project.folder.clone() });
        links.projects.push(ProjectClaim {
            folder: folder.clone(),
            role: Role::Code,
            aliases: Vec::new(),
            admission: Admission::Admitted,
            ground: Ground::Own,
            evidence: service.evidence.clone(),
        });
        let to_itself = EdgeTarget::Project(folder.clone());
        let taken = edges.iter().filter(|edge| edge.to != to_itself);
        links.edges.extend(taken.map(|edge| EdgeClaim { from: folder.clone(), ..edge.clone() }));
        let alone = Project { folder: folder.clone(), manifests: Vec::new() };
        let tested = has_tests(landscape, &alone, &|_| false);
        let fixtures: Vec<RepoPath> = folder
            .ancestors()
            .take_while(|above| above.is_within(&project.folder))
            .map(|above| above.child(b"conftest.py"))
            .filter(|file| tree.is_file(file))
            .collect();
        let built = Follower::new(&tree, folder, &beside).follow(&[]);
        let imported = |imports: &Imports| {
            let own = Input {
                selection: Selection::owned(folder).slicing(&surrounding.sliced.files),
                evidence: service.evidence.clone(),
            };
            let mut inputs = vec![own];
            let whole = Selection::all(&project.folder).slicing(&surrounding.sliced.files);
            let rest = if renames(project) || imports.widened.is_some() { whole } else { whole.without(["**/*.py"]) };
            let rest = rest.without(others.iter().cloned());
            inputs.push(Input { selection: rest, evidence: project.evidence() });
            let manifests = project.manifests.iter().filter(|manifest| manifest.path.name() == Some(b"setup.py"));
            inputs.extend(manifests.map(|manifest| found(manifest.path)));
            let files = imports.files.iter();
            inputs.extend(files.map(|(file, line)| Input { selection: Selection::all(file), evidence: line.clone() }));
            inputs
        };
        let mut tests = None;
        if tested {
            let with_fixtures = Follower::new(&tree, folder, &beside).follow(&fixtures);
            let inherited = inherited_by_tests(landscape, &alone);
            let mut inputs = imported(&with_fixtures);
            inputs.extend(inherited.inputs);
            tests = Some((inputs, inherited.slice));
        }
        let inputs = imported(&built);
        links.diagnostics.extend(built.widened);
        claim_service_tasks(folder, surrounding, inputs, tests, links);
    }
}

/// The globs of what belongs to other projects in the tree.
fn others_of(tree: &SourceTree<'_, '_>) -> Vec<String> {
    let below = tree.others.iter().filter_map(|other| other.below(&tree.folder));
    let written =
        below.filter_map(|below| Some(format!("{}/**", escape_glob(std::str::from_utf8(below.as_bytes()).ok()?))));
    written.collect()
}

/// Whether packages are installed under other names than those of their folders, so that no import is certain.
fn renames(project: &Project<'_>) -> bool {
    project.manifests.iter().any(|manifest| match manifest.facts {
        Ok(Facts::Pyproject(read)) => read.renames,
        Ok(Facts::Setup(read)) => read.renames,
        Ok(_) => false,
        Err(_) => true,
    })
}
