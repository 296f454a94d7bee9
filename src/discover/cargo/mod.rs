//! Cargo: every package is a project, and so is the root of a virtual workspace.
//!
//! What is read: `Cargo.toml`, `.cargo/config.toml`, `build.rs` for the paths that it names, and of `Cargo.lock` which
//! crates need which. What is not read is the rest of the Rust sources: an `include_str!` or a `#[path]` that leaves
//! the package, or that leads a library into `tests/`, is to be declared as an input. `[env]` of a configuration and a
//! `rust-toolchain.toml` that names a folder are not followed either.

mod build_script;
mod configuration;
mod edges;
mod inputs;
mod lockfile;
mod manifest;
mod membership;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use self::build_script::BuildScript;
use self::configuration::Configuration;
use self::edges::claim_edges;
use self::inputs::{Outside, outside_of, sliced_lockfile, slices};
use self::lockfile::Lockfile;
use self::manifest::Manifest;
use self::membership::{Member, Package, Packages, members_of};
use super::syntax::{Stated, Unreadable};
use super::{
    Admission, Command, DanglingClaim, Ecosystem, EdgeKind, Ground, Input, Landscape, Links, ProjectClaim, Reading,
    Role, TaskClaim,
};
use crate::diagnostic::{Diagnostic, Evidence, Place};
use crate::path::RepoPath;
use crate::selection::{Selection, escape_glob};

/// Packages and workspaces of Cargo.
pub struct Cargo;

const MANIFEST: &[u8] = b"Cargo.toml";
const LOCKFILE: &[u8] = b"Cargo.lock";
const CONFIGURATIONS: [&str; 2] = [".cargo/config.toml", ".cargo/config"];

/// Folders whose targets `cargo build` leaves aside.
const TEST_FOLDERS: [&str; 3] = ["tests", "benches", "examples"];

/// What one file says, by its name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Facts {
    /// A `Cargo.toml`.
    Manifest(Box<Manifest>),
    /// A `Cargo.lock`.
    Lockfile(Lockfile),
    /// A `config.toml` that is TOML.
    Configuration(Configuration),
    /// A `config.toml` that is not: a fault only where Cargo would read it.
    NoConfiguration(Unreadable),
    /// A build script.
    BuildScript(BuildScript),
}

impl Ecosystem for Cargo {
    type Facts = Facts;

    const NAME: &'static str = "cargo";

    fn recognises(name: &[u8]) -> bool {
        matches!(name, MANIFEST | LOCKFILE | b"config.toml" | b"config") || is_build_script(name)
    }

    fn read(name: &[u8], bytes: &[u8]) -> Result<Facts, Unreadable> {
        match name {
            MANIFEST => Manifest::read(bytes).map(|manifest| Facts::Manifest(Box::new(manifest))),
            LOCKFILE => Lockfile::read(bytes).map(Facts::Lockfile),
            _ if is_build_script(name) => BuildScript::read(bytes).map(Facts::BuildScript),
            _ => Ok(Configuration::read(bytes).map_or_else(Facts::NoConfiguration, Facts::Configuration)),
        }
    }

    fn link(landscape: &Landscape<'_, Facts>, links: &mut Links) {
        let packages = Packages::of(landscape);
        let admitted = packages.admitted(landscape);
        report_broken_configurations(landscape, links);
        for package in packages.by_folder.values() {
            let admission = if admitted.contains(&package.folder) { Admission::Admitted } else { Admission::Stray };
            claim_project(package, admission, links);
            claim_missing_folders(landscape, package, links);
            if is_code(package) {
                let outside = outside_of(landscape, &packages, package, links);
                links.edges.extend(outside.edges.iter().cloned());
                links.tasks.extend(tasks(landscape, &packages, package, &outside, admission));
            }
        }
        claim_edges(landscape, &packages, links);
        let locked = packages.by_folder.values().filter_map(|package| sliced_lockfile(landscape, package));
        let locked = locked.filter_map(|(path, lockfile, _)| Some((path, lockfile.fragments.clone()?)));
        let stated = packages.by_folder.values().filter_map(|p| Some((p.path.clone(), p.manifest?.fragments.clone())));
        links.fragments.extend(locked.chain(stated).collect::<BTreeMap<RepoPath, _>>());
        let unbuilt = packages.by_folder.values().filter(|package| !admitted.contains(&package.folder));
        let unbuilt: BTreeSet<&RepoPath> =
            unbuilt.filter(|package| is_left_alone(landscape, &packages, package)).map(|p| &p.folder).collect();
        for edge in links.edges.iter_mut().filter(|edge| unbuilt.contains(&edge.from)) {
            edge.kind = EdgeKind::Test;
        }
    }
}

/// Whether Cargo never builds a stray with the package around it: only a build script could. That package's tests may
/// still, so what the stray needs is theirs as long as it is no project of its own.
fn is_left_alone(landscape: &Landscape<'_, Facts>, packages: &Packages<'_>, stray: &Package<'_>) -> bool {
    let around = stray.folder.ancestors().skip(1).find_map(|above| packages.by_folder.get(&above));
    around.is_some_and(|around| {
        let declared = around.manifest.map(|manifest| manifest.package.as_ref().and_then(|p| p.build_script.as_ref()));
        declared == Some(None) && !landscape.is_file(&around.folder.child(b"build.rs"))
    })
}

fn is_build_script(name: &[u8]) -> bool {
    name == b"build.rs" || (name.starts_with(b"build_") && name.ends_with(b".rs"))
}

/// Whether there is something to build: a package, or what may be one.
fn is_code(package: &Package<'_>) -> bool {
    package.manifest.is_none_or(|manifest| manifest.package.is_some())
}

fn report_broken_configurations(landscape: &Landscape<'_, Facts>, links: &mut Links) {
    for found in landscape.manifests() {
        let Ok(Facts::NoConfiguration(reason)) = found.facts else { continue };
        if found.folder().name() == Some(b".cargo") {
            let place =
                Place { file: found.path.clone(), line: reason.line, column: reason.column, text: String::new() };
            let message = format!("the configuration of Cargo cannot be read: {}", reason.message);
            links.diagnostics.push(Diagnostic::warning("unreadable-manifest", message).at_place(place));
        }
    }
}

fn evidence_of(package: &Package<'_>) -> Evidence {
    match package.manifest.and_then(|manifest| manifest.package.as_ref()) {
        Some(declared) => declared.name.evidence(&package.path),
        None => Evidence::new(&package.path, 0, ""),
    }
}

fn claim_project(package: &Package<'_>, admission: Admission, links: &mut Links) {
    links.projects.push(ProjectClaim {
        folder: package.folder.clone(),
        role: if is_code(package) { Role::Code } else { Role::Workspace },
        aliases: package.name().map(str::to_owned).into_iter().collect(),
        admission,
        ground: ground(package),
        evidence: evidence_of(package),
    });
}

/// The root of a workspace owns what Cargo reads of it; the rest of its folder is common to all members.
fn ground(package: &Package<'_>) -> Ground {
    let Some(manifest) = package.manifest.filter(|manifest| manifest.workspace.is_some()) else { return Ground::Own };
    let Some(declared) = &manifest.package else { return Ground::Shared(vec!["Cargo.toml".to_owned()]) };
    let by_rule = ["Cargo.toml", "build.rs", "src/**", "tests/**", "benches/**", "examples/**"];
    let mut globs = by_rule.map(str::to_owned).to_vec();
    let script = declared.build_script.iter();
    for path in manifest.targets.iter().map(|target| &target.path).chain(script) {
        // The modules of a target lie beside its file.
        if let Ok(file) = RepoPath::root().resolve(&membership::written(&path.value)) {
            let text = String::from_utf8_lossy(file.as_bytes()).into_owned();
            globs.push(match text.rsplit_once('/') {
                Some((folder, _)) => format!("{}/**", escape_glob(folder)),
                None => "*.rs".to_owned(),
            });
        }
    }
    for entry in declared.include.iter().filter(|entry| !entry.starts_with('!')) {
        let (anchored, entry) = match entry.strip_prefix('/') {
            Some(rest) => (true, rest),
            None => (entry.trim_end_matches('/').contains('/'), entry.as_str()),
        };
        let entry = entry.trim_end_matches('/');
        if !entry.is_empty() {
            let glob = if anchored { entry.to_owned() } else { format!("**/{entry}") };
            globs.extend([format!("{glob}/**"), glob]);
        }
    }
    globs.sort();
    globs.dedup();
    Ground::Shared(globs)
}

fn claim_missing_folders(landscape: &Landscape<'_, Facts>, root: &Package<'_>, links: &mut Links) {
    if let Some(named) = &root.names_root {
        match root.folder.resolve(&membership::written(&named.value)) {
            Ok(folder) if landscape.has_manifest(&folder.child(MANIFEST)) => {}
            Ok(folder) => links.dangling.push(dangling(root, &folder, EdgeKind::Build, named.evidence(&root.path))),
            Err(_) => links.diagnostics.push(outside_repository(named, &root.path)),
        }
    }
    for member in members_of(root) {
        match member {
            Member::Folder(folder, stated) => {
                if !landscape.has_manifest(&folder.child(MANIFEST)) {
                    links.dangling.push(dangling(root, &folder, EdgeKind::Build, stated.evidence(&root.path)));
                }
            }
            Member::Outside(stated) => links.diagnostics.push(outside_repository(&stated, &root.path)),
            Member::Glob(_) => {}
        }
    }
}

fn dangling(from: &Package<'_>, wanted: &RepoPath, kind: EdgeKind, evidence: Evidence) -> DanglingClaim {
    let wanted = Some(wanted.child(MANIFEST));
    DanglingClaim { from: from.folder.clone(), wanted, name: MANIFEST.to_vec(), kind, evidence }
}

fn outside_repository(path: &Stated<String>, file: &RepoPath) -> Diagnostic {
    let message = format!("`{}` lies outside the repository, so its changes are not seen", path.value);
    Diagnostic::warning("outside-repository", message)
        .at(&path.evidence(file))
        .help("name a folder of the repository, or take a released version")
}

fn tasks(
    landscape: &Landscape<'_, Facts>,
    packages: &Packages<'_>,
    package: &Package<'_>,
    outside: &Outside,
    admission: Admission,
) -> [TaskClaim; 2] {
    let evidence = evidence_of(package);
    let lockfile = sliced_lockfile(landscape, package).map(|(path, _, _)| path);
    let manifest = package.manifest.map(|_| &package.path);
    let owned = Selection::owned(&package.folder).slicing(lockfile.iter().chain(manifest));
    let root = packages.root(package).map_or(&package.folder, |root| &root.folder);
    let plain = |name: &&str| name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    let choice = package.name().filter(plain).map(|name| format!(" -p {name}"));
    let task = |name: &str, own: Selection, reads: Vec<Reading>| TaskClaim {
        folder: package.folder.clone(),
        name: name.to_owned(),
        inputs: std::iter::once(Input { selection: own, evidence: evidence.clone() })
            .chain(outside.inputs.iter().cloned())
            .collect(),
        slices: slices(landscape, packages, package, name == "test" || admission == Admission::Stray),
        reads,
        command: Some(match &choice {
            Some(choice) => Command { line: format!("cargo {name}{choice}"), folder: root.clone() },
            None => Command { line: format!("cargo {name}"), folder: package.folder.clone() },
        }),
        tool: "cargo".to_owned(),
        builds_upstream: true,
        outputs: (name == "test").then(Vec::new),
    };
    let upstream = |kinds: &[EdgeKind]| Reading::Along(kinds.to_vec(), "build".to_owned());
    let every = [EdgeKind::Build, EdgeKind::Schema, EdgeKind::Test];
    // All edges of a stray may count as those of tests.
    let for_build = if admission == Admission::Stray { &every[..] } else { &every[..2] };
    let built = owned.clone().without(test_only_folders(landscape, package).map(|folder| format!("{folder}/**")));
    [
        task("build", built, vec![upstream(for_build)]),
        task("test", owned, vec![Reading::Own("build".to_owned()), upstream(&every)]),
    ]
}

/// The folders of test targets, without those that a library, a program or the build script lies in or names.
fn test_only_folders<'a>(
    landscape: &'a Landscape<'_, Facts>,
    package: &'a Package<'_>,
) -> impl Iterator<Item = &'static str> {
    let manifest = package.manifest;
    let built = manifest.into_iter().flat_map(|m| m.targets.iter().filter(|target| target.built).map(|t| &t.path));
    let script = manifest.and_then(|m| m.package.as_ref()).and_then(|declared| declared.build_script.as_ref());
    let files: Vec<RepoPath> =
        built.chain(script).filter_map(|path| package.folder.resolve(&membership::written(&path.value)).ok()).collect();
    let named = build_script_of(landscape, package).map(|(_, script)| script.test_folders.clone()).unwrap_or_default();
    let readable = manifest.is_some();
    let folder = package.folder.clone();
    TEST_FOLDERS.into_iter().filter(move |name| {
        let test_folder = folder.child(name.as_bytes());
        readable && !files.iter().any(|file| file.is_within(&test_folder)) && !named.iter().any(|n| n == name)
    })
}

/// The build script of a package, if it has one that can be read.
fn build_script_of<'a>(landscape: &Landscape<'a, Facts>, package: &Package<'_>) -> Option<(RepoPath, &'a BuildScript)> {
    let declared = package.manifest?.package.as_ref()?;
    let path = match &declared.build_script {
        Some(script) => package.folder.resolve(&membership::written(&script.value)).ok()?,
        None => package.folder.child(b"build.rs"),
    };
    match landscape.facts(&path)? {
        Facts::BuildScript(script) => Some((path, script)),
        _ => None,
    }
}
