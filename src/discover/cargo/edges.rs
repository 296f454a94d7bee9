//! Which packages a package depends on: by a path, or by a name that a patch leads to a folder.

use std::collections::{BTreeMap, BTreeSet};

use super::manifest::Purpose;
use super::membership::{Package, Packages, written};
use super::{CONFIGURATIONS, Facts, LOCKFILE, MANIFEST, dangling, outside_repository};
use crate::diagnostic::Evidence;
use crate::discover::syntax::Stated;
use crate::discover::{EdgeClaim, EdgeKind, EdgeTarget, Input, Landscape, Links};
use crate::path::RepoPath;
use crate::selection::Selection;

/// Edges between folders that are read by builds.
type Graph = BTreeMap<RepoPath, BTreeSet<RepoPath>>;

/// A crate that a folder replaces.
struct Redirection {
    crate_name: String,
    folder: RepoPath,
    evidence: Evidence,
}

/// A dependency that comes from a registry or from git.
struct External<'a> {
    name: &'a str,
    purpose: Purpose,
}

pub(super) fn claim_edges(landscape: &Landscape<'_, Facts>, packages: &Packages<'_>, links: &mut Links) {
    let mut graph = Graph::new();
    let mut indirect = Vec::new();
    for package in packages.by_folder.values() {
        let redirections = redirections(landscape, packages, package, links);
        let mut externals = Vec::new();
        for dependency in package.dependencies() {
            let kind = kind_of(dependency.purpose);
            let (name, path) = packages.path_of(package, dependency);
            let mut add = |to: EdgeTarget, evidence: Evidence| {
                if to == EdgeTarget::Project(package.folder.clone()) {
                    return;
                }
                if let (EdgeKind::Build, EdgeTarget::Project(folder)) = (kind, &to) {
                    graph.entry(package.folder.clone()).or_default().insert(folder.clone());
                }
                links.edges.push(EdgeClaim { from: package.folder.clone(), to, kind, evidence });
            };
            if let Some((base, path)) = path {
                let (file, stated) = if dependency.inherited {
                    (&package.path, dependency.key.with(path.value.clone()))
                } else {
                    (&package.path, path.clone())
                };
                match target_of(landscape, packages, base, &stated) {
                    Target::Package(to) => add(to, stated.evidence(file)),
                    Target::Missing(wanted) => {
                        links.dangling.push(dangling(package, &wanted, kind, stated.evidence(file)));
                    }
                    Target::Outside => links.diagnostics.push(outside_repository(&stated, file)),
                }
                continue;
            }
            for redirection in redirections.iter().filter(|redirection| redirection.crate_name == name) {
                add(target_for(packages, &redirection.folder), dependency.key.evidence(&package.path));
            }
            externals.push(External { name, purpose: dependency.purpose });
        }
        if !redirections.is_empty() && !externals.is_empty() {
            indirect.push((package, redirections, externals));
        }
    }
    claim_indirect_edges(landscape, packages, graph, &indirect, links);
}

fn kind_of(purpose: Purpose) -> EdgeKind {
    match purpose {
        Purpose::Build => EdgeKind::Build,
        Purpose::Test => EdgeKind::Test,
    }
}

enum Target {
    Package(EdgeTarget),
    Missing(RepoPath),
    Outside,
}

fn target_of(
    landscape: &Landscape<'_, Facts>,
    packages: &Packages<'_>,
    base: &RepoPath,
    path: &Stated<String>,
) -> Target {
    match base.resolve(&written(&path.value)) {
        Ok(folder) if landscape.has_manifest(&folder.child(MANIFEST)) => Target::Package(target_for(packages, &folder)),
        Ok(folder) => Target::Missing(folder),
        Err(_) => Target::Outside,
    }
}

/// A vendored package is no project: the edge leads to whoever owns its folder.
fn target_for(packages: &Packages<'_>, folder: &RepoPath) -> EdgeTarget {
    match packages.by_folder.contains_key(folder) {
        true => EdgeTarget::Project(folder.clone()),
        false => EdgeTarget::Path(folder.clone()),
    }
}

/// The crates that the workspace root's manifest and the configurations above take from folders. What is wrong with
/// a root's patches is claimed when the root's own turn comes.
fn redirections(
    landscape: &Landscape<'_, Facts>,
    packages: &Packages<'_>,
    package: &Package<'_>,
    links: &mut Links,
) -> Vec<Redirection> {
    let mut found = Vec::new();
    let root = packages.root(package).unwrap_or(package);
    for patch in root.manifest.into_iter().flat_map(|manifest| &manifest.patches) {
        let evidence = patch.path.evidence(&root.path);
        match root.folder.resolve(&written(&patch.path.value)) {
            Ok(folder) if landscape.has_manifest(&folder.child(MANIFEST)) => {
                found.push(Redirection { crate_name: patch.package.clone(), folder, evidence });
            }
            Ok(wanted) if root.folder == package.folder => {
                links.dangling.push(dangling(package, &wanted, EdgeKind::Build, evidence));
            }
            Err(_) if root.folder == package.folder => {
                links.diagnostics.push(outside_repository(&patch.path, &root.path));
            }
            _ => {}
        }
    }
    for path in landscape.all_above(&package.folder, &CONFIGURATIONS) {
        let Some(Facts::Configuration(configuration)) = landscape.facts(&path) else { continue };
        let Some(holder) = path.parent().and_then(|folder| folder.parent()) else { continue };
        for patch in &configuration.patches {
            if let Ok(folder) = holder.resolve(&written(&patch.path.value)) {
                let evidence = patch.path.evidence(&path);
                found.push(Redirection { crate_name: patch.package.clone(), folder, evidence });
            }
        }
        for over in &configuration.overrides {
            let Ok(folder) = holder.resolve(&written(&over.value)) else { continue };
            let name = packages.by_folder.get(&folder).and_then(|package| package.name());
            if let Some(name) = name {
                found.push(Redirection { crate_name: name.to_owned(), folder, evidence: over.evidence(&path) });
            }
        }
    }
    found.retain(|redirection| landscape.has_manifest(&redirection.folder.child(MANIFEST)));
    found
}

/// A crate from elsewhere may need a crate that a patch takes from a folder; then so does whoever needs the former.
/// The lockfile says which do. Without it all may, except where Cargo refuses it: as a cycle of builds.
fn claim_indirect_edges(
    landscape: &Landscape<'_, Facts>,
    packages: &Packages<'_>,
    direct: Graph,
    indirect: &[(&Package<'_>, Vec<Redirection>, Vec<External<'_>>)],
    links: &mut Links,
) {
    let mut graph = direct.clone();
    for (package, redirections, externals) in indirect {
        let lockfile = match landscape.facts(&package.root.child(LOCKFILE)) {
            Some(Facts::Lockfile(lockfile)) => Some(lockfile),
            _ => None,
        };
        for redirection in redirections.iter().filter(|redirection| redirection.folder != package.folder) {
            let wanted = redirection.crate_name.as_str();
            let purposes: BTreeSet<Purpose> = externals
                .iter()
                .filter(|external| external.name != wanted)
                .filter(|external| lockfile.is_none_or(|lockfile| lockfile.reaches(external.name, wanted)))
                .map(|external| external.purpose)
                .collect();
            for purpose in purposes {
                let kind = kind_of(purpose);
                let to = target_for(packages, &redirection.folder);
                // What the package's build leads to is read by its build and its tests as it is.
                if reachable(&graph, &package.folder).contains(&redirection.folder) {
                    continue;
                }
                if kind == EdgeKind::Build {
                    if reachable(&direct, &redirection.folder).contains(&package.folder) {
                        continue;
                    }
                    let further = reachable(&graph, &redirection.folder);
                    if further.contains(&package.folder) {
                        // Two crates that may each need the other: only one does, and which is not known.
                        widen(links, package, reachable(&direct, &redirection.folder), &redirection.evidence);
                        continue;
                    }
                    graph.entry(package.folder.clone()).or_default().insert(redirection.folder.clone());
                }
                let stated = links.edges.iter().any(|e| e.from == package.folder && e.to == to && e.kind == kind);
                if !stated {
                    let evidence = redirection.evidence.clone();
                    links.edges.push(EdgeClaim { from: package.folder.clone(), to, kind, evidence });
                }
            }
        }
    }
}

/// The folder and all that its builds lead to.
fn reachable(graph: &Graph, from: &RepoPath) -> BTreeSet<RepoPath> {
    let mut seen = BTreeSet::from([from.clone()]);
    let mut pending = vec![from.clone()];
    while let Some(folder) = pending.pop() {
        for next in graph.get(&folder).into_iter().flatten() {
            if seen.insert(next.clone()) {
                pending.push(next.clone());
            }
        }
    }
    seen
}

/// Makes the folders inputs of the package's tasks.
fn widen(links: &mut Links, package: &Package<'_>, folders: BTreeSet<RepoPath>, evidence: &Evidence) {
    let inputs = folders.iter().map(|folder| Input { selection: Selection::all(folder), evidence: evidence.clone() });
    let inputs: Vec<Input> = inputs.collect();
    for task in links.tasks.iter_mut().filter(|task| task.folder == package.folder) {
        task.inputs.extend(inputs.iter().cloned());
    }
}
