//! kustomize: every kustomization is a project, and belongs to the service that it deploys.
//!
//! One that lies in a project of another ecosystem takes no files from it: its task is that project's. Resources are
//! not read: which service an overlay deploys stands in its images, its labels, or the name of its folder.

mod kustomization;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use self::kustomization::{Kustomization, is_remote};
use super::surroundings::homes;
use super::syntax::Unreadable;
use super::{
    Admission, Command, DanglingClaim, Ecosystem, EdgeClaim, EdgeKind, EdgeTarget, Ground, Input, JoinClaim, JoinWish,
    Landscape, Links, ProjectClaim, Reading, Role, TaskClaim,
};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::path::RepoPath;
use crate::selection::{Selection, escape_glob};

/// Kustomizations.
pub(super) struct Kustomize;

const TASK: &str = "manifests";

/// Folders that say which variant of an application a kustomization is, and not which application.
const VARIANTS: [&[u8]; 9] =
    [b"base", b"bases", b"overlay", b"overlays", b"components", b"environments", b"envs", b"variants", b"kustomize"];

impl Ecosystem for Kustomize {
    type Facts = Kustomization;

    const NAME: &'static str = "kustomize";

    fn recognises(name: &[u8]) -> bool {
        matches!(name, b"kustomization.yaml" | b"kustomization.yml" | b"Kustomization")
    }

    fn read(_name: &[u8], bytes: &[u8]) -> Result<Kustomization, Unreadable> {
        Kustomization::read(bytes)
    }

    fn link(landscape: &Landscape<'_, Kustomization>, links: &mut Links) {
        let mut all: BTreeMap<RepoPath, (&RepoPath, Option<&Kustomization>)> = BTreeMap::new();
        for manifest in landscape.manifests() {
            if manifest.facts.ok().is_none_or(|said| said.is_native) {
                all.insert(manifest.folder(), (manifest.path, manifest.facts.ok()));
            }
        }
        let mut named = BTreeSet::new();
        for (folder, (_, said)) in &all {
            let paths = said.iter().flat_map(|said| &said.paths);
            named.extend(paths.filter_map(|path| folder.resolve(path.value.as_bytes()).ok()).filter(|to| to != folder));
        }
        let homes = homes(landscape, all.keys(), &named);
        for (folder, (file, said)) in &all {
            if let Some(home) = homes.get(folder) {
                claim(landscape, &homes, folder, home, file, *said, links);
            }
        }
    }
}

fn claim(
    landscape: &Landscape<'_, Kustomization>,
    homes: &BTreeMap<RepoPath, RepoPath>,
    folder: &RepoPath,
    home: &RepoPath,
    file: &RepoPath,
    said: Option<&Kustomization>,
    links: &mut Links,
) {
    let is_project = home == folder;
    let evidence = Evidence::new(file, 0, "");
    let own = if is_project { Selection::owned(folder) } else { Selection::all(folder) };
    let mut inputs = vec![Input { selection: own, evidence: evidence.clone() }];
    let mut reads = Vec::new();
    for path in said.into_iter().flat_map(|said| &said.paths) {
        let evidence = path.evidence(file);
        let resolved = folder.resolve(path.value.as_bytes());
        let target = match resolved {
            Ok(target) if landscape.exists(&target) => target,
            _ if is_remote(&path.value) => continue,
            Ok(target) => {
                let name = target.name().unwrap_or_default().to_vec();
                let (from, wanted) = (home.clone(), Some(target));
                links.dangling.push(DanglingClaim { from, wanted, name, kind: EdgeKind::Build, evidence });
                continue;
            }
            Err(_) => {
                let message = format!("`{}` lies outside the repository, so its changes are not seen", path.value);
                let finding = Diagnostic::warning("outside-repository", message).at(&evidence);
                links.diagnostics.push(finding.help("name a path of the repository"));
                continue;
            }
        };
        if folder.is_within(&target) {
            continue;
        }
        let (to, kind) = match homes.get(&target) {
            Some(other) if other == home => continue,
            Some(other) => {
                reads.push(Reading::Task(other.clone(), TASK.to_owned(), evidence.clone()));
                // What lies in a service's folder brings nothing into the service's build.
                (EdgeTarget::Project(other.clone()), if is_project { EdgeKind::Build } else { EdgeKind::Deploy })
            }
            None => {
                inputs.push(Input { selection: Selection::all(&target), evidence: evidence.clone() });
                (EdgeTarget::Path(target), EdgeKind::Deploy)
            }
        };
        links.edges.push(EdgeClaim { from: home.clone(), to, kind, evidence });
    }
    if is_project {
        links.projects.push(ProjectClaim {
            folder: folder.clone(),
            role: Role::Chart,
            aliases: Vec::new(),
            admission: Admission::Admitted,
            ground: ground_of(folder, &inputs),
            evidence: evidence.clone(),
        });
        join(folder, file, said, links);
    }
    let is_component = said.is_some_and(|said| said.is_component);
    let line =
        if said.is_some_and(|said| said.has_charts) { "kustomize build --enable-helm" } else { "kustomize build" };
    links.tasks.push(TaskClaim {
        folder: home.clone(),
        name: TASK.to_owned(),
        inputs,
        slices: Vec::new(),
        reads,
        command: (!is_component).then(|| Command { line: line.to_owned(), folder: folder.clone() }),
        tool: "kustomize".to_owned(),
        builds_upstream: true,
        outputs: Some(Vec::new()),
    });
}

/// A kustomization at the root takes what it names: the rest of the repository is not its own.
fn ground_of(folder: &RepoPath, inputs: &[Input]) -> Ground {
    if !folder.is_root() {
        return Ground::Own;
    }
    let named = inputs.iter().filter_map(|input| std::str::from_utf8(input.selection.base.as_bytes()).ok());
    Ground::Shared(named.filter(|name| !name.is_empty()).map(escape_glob).collect())
}

/// The service that a kustomization deploys: by its labels, the folder that it is a variant of, or its images.
fn join(folder: &RepoPath, file: &RepoPath, said: Option<&Kustomization>, links: &mut Links) {
    let mut wish = |wish: JoinWish, evidence: Evidence| {
        links.joins.push(JoinClaim { folder: folder.clone(), wish, evidence });
    };
    for name in said.into_iter().flat_map(|said| &said.names) {
        wish(JoinWish::Name(name.value.clone()), name.evidence(file));
    }
    let segments: Vec<&[u8]> = folder.segments().collect();
    let variant = segments.iter().position(|segment| VARIANTS.contains(segment) && *segment != b"kustomize");
    let application = match variant {
        Some(at) => segments[..at].iter().rev().find(|segment| !VARIANTS.contains(segment)),
        None => segments.last(),
    };
    if let Some(name) = application.and_then(|name| std::str::from_utf8(name).ok()) {
        wish(JoinWish::Name(name.to_owned()), Evidence::new(file, 0, ""));
    }
    for image in said.into_iter().flat_map(|said| &said.images) {
        wish(JoinWish::Image(image.value.clone()), image.evidence(file));
    }
}
