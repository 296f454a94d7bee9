//! What a package's tasks read besides its own folder.

use std::collections::{BTreeMap, BTreeSet};

use super::lockfile::{Locked, LockedDependency, Lockfile};
use super::manifest::{Dependency, Purpose};
use super::membership::{Package, Packages, written};
use super::{CONFIGURATIONS, Facts, LOCKFILE, build_script_of, evidence_of, ground, outside_repository};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::discover::syntax::Stated;
use crate::discover::{EdgeClaim, EdgeKind, EdgeTarget, FragmentIndex, Ground, Input, Landscape, Links, SliceClaim};
use crate::path::{PathError, RepoPath};
use crate::selection::Selection;

/// The inputs of a package that lie outside its folder, and the edges that go with them.
pub(super) struct Outside {
    pub inputs: Vec<Input>,
    pub edges: Vec<EdgeClaim>,
}

pub(super) fn outside_of(
    landscape: &Landscape<'_, Facts>,
    packages: &Packages<'_>,
    package: &Package<'_>,
    links: &mut Links,
) -> Outside {
    let mut found: BTreeMap<RepoPath, Evidence> = BTreeMap::new();
    let shared = matches!(ground(package), Ground::Shared(_));
    let mut add = |path: &RepoPath, evidence: Evidence| {
        if (shared || !path.is_within(&package.folder)) && landscape.exists(path) {
            found.entry(path.clone()).or_insert(evidence);
        }
    };
    let probed = |path: &RepoPath| Evidence::new(path, 0, "");
    let root = packages.root(package).filter(|root| root.folder != package.folder);
    if let Some(root) = root.filter(|root| root.manifest.is_none() || package.manifest.is_none()) {
        let named = package.names_root.as_ref().map(|stated| stated.evidence(&package.path));
        add(&root.path, named.unwrap_or_else(|| probed(&root.path)));
    }
    if sliced_lockfile(landscape, package).is_none() {
        for lockfile in landscape.all_above(&package.folder, &["Cargo.lock"]) {
            add(&lockfile, probed(&lockfile));
        }
    }
    // Cargo runs in the workspace root, which need not lie above the package.
    for folder in [&package.folder, &package.root] {
        let toolchain = landscape.nearest(folder, &["rust-toolchain", "rust-toolchain.toml"]);
        for path in toolchain.into_iter().chain(landscape.all_above(folder, &CONFIGURATIONS)) {
            add(&path, probed(&path));
            let Some(Facts::Configuration(configuration)) = landscape.facts(&path) else { continue };
            let Some(holder) = path.parent().and_then(|folder| folder.parent()) else { continue };
            for file in &configuration.files {
                // A program without a slash is looked up in the search path.
                let target = holder.resolve(&written(&file.value)).ok();
                if let Some(target) = target.filter(|target| !package.folder.is_within(target)) {
                    add(&target, file.evidence(&path));
                }
            }
        }
    }
    let mut edges = Vec::new();
    let mut lead = |path: RepoPath, kind: EdgeKind, evidence: Evidence| {
        edges.push(EdgeClaim { from: package.folder.clone(), to: EdgeTarget::Path(path), kind, evidence });
    };
    for target in package.manifest.into_iter().flat_map(|manifest| &manifest.targets) {
        let evidence = target.path.evidence(&package.path);
        match package.folder.resolve(&written(&target.path.value)) {
            Ok(file) if !file.is_within(&package.folder) && landscape.exists(&file) => {
                // The modules of a target lie beside its file.
                let folder = file.parent().filter(|folder| !package.folder.is_within(folder));
                add(folder.as_ref().unwrap_or(&file), evidence.clone());
                lead(file, if target.built { EdgeKind::Build } else { EdgeKind::Test }, evidence);
            }
            Err(PathError::Escapes) => links.diagnostics.push(outside_repository(&target.path, &package.path)),
            _ => {}
        }
    }
    if let Some((script_path, script)) = build_script_of(landscape, package) {
        if !script_path.is_within(&package.folder) {
            add(&script_path, probed(&script_path));
        }
        for climbing in &script.climbing {
            let evidence = climbing.evidence(&script_path);
            match package.folder.resolve(climbing.value.as_bytes()) {
                Ok(path) if package.folder.is_within(&path) && path != package.folder => {
                    links.diagnostics.push(computed_path(climbing, &path, &evidence));
                    add(&path, evidence);
                }
                Ok(path) if !path.is_within(&package.folder) && landscape.exists(&path) => {
                    add(&path, evidence.clone());
                    lead(path.clone(), kind_of(&path), evidence);
                }
                Err(PathError::Escapes) => links.diagnostics.push(outside_repository(climbing, &script_path)),
                _ => {}
            }
        }
    }
    let inputs = found.into_iter().map(|(path, evidence)| Input { selection: Selection::all(&path), evidence });
    Outside { inputs: inputs.collect(), edges }
}

/// The lockfile of a package's workspace and what it says of the package, where it is known whose the entries are.
pub(super) fn sliced_lockfile<'a>(
    landscape: &Landscape<'a, Facts>,
    package: &Package<'_>,
) -> Option<(RepoPath, &'a Lockfile, &'a Locked)> {
    let path = package.root.child(LOCKFILE);
    let Facts::Lockfile(lockfile) = landscape.facts(&path)? else { return None };
    lockfile.fragments.as_ref()?;
    Some((path, lockfile, lockfile.member(package.name()?)?))
}

/// What a package's tasks read of its manifest, and of that of its workspace's root.
fn of_manifests(packages: &Packages<'_>, package: &Package<'_>) -> Vec<SliceClaim> {
    let Some(manifest) = package.manifest else { return Vec::new() };
    let claim = |path: &RepoPath, fragment: FragmentIndex, evidence: Evidence| SliceClaim {
        file: path.clone(),
        fragment,
        evidence,
    };
    let mut claims = vec![claim(&package.path, manifest.own, evidence_of(package))];
    if let Some(root) = packages.root(package)
        && let Some(of_root) = root.manifest
    {
        let named = package.names_root.as_ref().map(|stated| stated.evidence(&package.path));
        let evidence = named.unwrap_or_else(|| Evidence::new(&root.path, 0, ""));
        let names = &packages.fragments[&root.folder];
        claims.push(claim(&root.path, of_root.for_members, evidence.clone()));
        let taken = manifest.inherits.iter().filter_map(|name| names.get(name.as_str()));
        claims.extend(taken.map(|fragment| claim(&root.path, *fragment, evidence.clone())));
    }
    claims
}

/// What a package's tasks read of files in slices: of manifests, and of the lockfile what it says of each package that the
/// package depends on, for its build alone or for its tests too. What it says of another package of the workspace counts
/// where that one is built.
pub(super) fn slices(
    landscape: &Landscape<'_, Facts>,
    packages: &Packages<'_>,
    package: &Package<'_>,
    for_tests: bool,
) -> Vec<SliceClaim> {
    let mut claims = of_manifests(packages, package);
    let Some((file, _, locked)) = sliced_lockfile(landscape, package) else { return claims };
    let of = |purpose: Purpose| package.dependencies().iter().filter(move |found| found.purpose == purpose);
    let named = |found: &Dependency| normal(packages.path_of(package, found).0);
    let unifies = packages.root(package).and_then(|root| root.manifest).is_none_or(|root| root.unifies);
    // What only tests need; whatever cannot be told apart counts.
    let left_out: BTreeSet<String> = if for_tests || unifies {
        BTreeSet::new()
    } else {
        let built: BTreeSet<String> = of(Purpose::Build).map(named).collect();
        of(Purpose::Test).map(named).filter(|name| !built.contains(name)).collect()
    };
    let counts = |dependency: &&LockedDependency| {
        let has_a_build = dependency.is_member && packages.names.contains(&dependency.package);
        !has_a_build && !left_out.contains(&normal(&dependency.package))
    };
    let evidence = Evidence::new(&file, 0, "");
    claims.extend(locked.dependencies.iter().filter(counts).map(|dependency| SliceClaim {
        file: file.clone(),
        fragment: dependency.fragment,
        evidence: evidence.clone(),
    }));
    claims
}

/// Cargo finds a package by either spelling of its name.
fn normal(name: &str) -> String {
    name.replace('_', "-")
}

/// A build script climbs to a folder that encloses its package, and what it reads from there is computed.
fn computed_path(path: &Stated<String>, folder: &RepoPath, evidence: &Evidence) -> Diagnostic {
    let message = format!(
        "the build script climbs to `{}`, and what it reads there cannot be known, so all of `{folder}` counts",
        path.value
    );
    Diagnostic::warning("computed-path", message)
        .at(evidence)
        .help("write the path that it reads as one literal, such as \"../proto/x.proto\"")
}

fn kind_of(path: &RepoPath) -> EdgeKind {
    let schema = [&b".proto"[..], b".capnp", b".fbs", b".thrift", b".graphql", b".avsc"];
    let name = path.name().unwrap_or_default();
    let is_schema = schema.iter().any(|extension| name.ends_with(extension)) || matches!(name, b"proto" | b"protos");
    if is_schema { EdgeKind::Schema } else { EdgeKind::Build }
}
