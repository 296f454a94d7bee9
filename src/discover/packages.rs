//! What package managers have in common: a package in a folder, others that it depends on by path, and a lockfile.

use std::collections::{BTreeMap, BTreeSet};

use super::locked::Locked;
use super::{
    Admission, Command, DanglingClaim, Doubtful, EdgeClaim, EdgeKind, EdgeTarget, Ground, Input, Landscape, Links,
    ProjectClaim, Reading, Role, TaskClaim,
};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::path::RepoPath;
use crate::selection::Selection;

/// One package as its ecosystem read it.
pub(super) struct Package<'a> {
    pub folder: RepoPath,
    pub evidence: Evidence,
    pub aliases: Vec<String>,
    /// Whose the remaining files of its folder are.
    pub ground: Ground,
    /// Packages of the repository that it depends on.
    pub needs: Vec<Need>,
    /// Files and folders elsewhere that both tasks read.
    pub reads: Vec<(RepoPath, Evidence)>,
    /// The lockfile that holds for it.
    pub lock: Option<Lock<'a>>,
    pub build: Option<Command>,
    /// What runs its tests; none where it has none.
    pub test: Option<Command>,
    /// What only tests read, as globs below the folder.
    pub test_files: Vec<String>,
    pub tool: &'static str,
}

/// A package that another one depends on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Need {
    pub folder: RepoPath,
    pub kind: EdgeKind,
    pub evidence: Evidence,
}

/// A lockfile, and the entries that a package's tasks read of it.
pub(super) struct Lock<'a> {
    pub file: RepoPath,
    /// Whether it has entries for packages of the repository too, with what they need.
    pub holds_all: bool,
    /// None where it cannot be read.
    pub locked: Option<&'a Locked>,
    /// The entries that `build` reads; none where that cannot be told.
    pub build: Option<BTreeSet<String>>,
    /// The entries that `test` reads; none where that cannot be told.
    pub test: Option<BTreeSet<String>>,
}

/// Claims the packages of one ecosystem. A package inside another one is a fixture, unless another depends on it or it is
/// admitted by name.
pub(super) fn claim<F>(
    landscape: &Landscape<'_, F>,
    mut packages: Vec<Package<'_>>,
    admitted: &BTreeSet<RepoPath>,
    links: &mut Links,
) {
    widen_locks(&mut packages);
    let folders: BTreeSet<RepoPath> = packages.iter().map(|package| package.folder.clone()).collect();
    let mut wanted: BTreeSet<&RepoPath> = admitted.iter().collect();
    wanted.extend(packages.iter().flat_map(|package| package.needs.iter().map(|need| &need.folder)));
    let is_stray = |folder: &RepoPath| {
        !wanted.contains(folder) && folder.ancestors().skip(1).any(|above| folders.contains(&above))
    };
    let mut sliced: BTreeSet<RepoPath> = BTreeSet::new();
    for package in &packages {
        let admission = if is_stray(&package.folder) { Admission::Stray } else { Admission::Admitted };
        links.projects.push(ProjectClaim {
            folder: package.folder.clone(),
            role: Role::Code,
            aliases: package.aliases.clone(),
            admission,
            ground: package.ground.clone(),
            evidence: package.evidence.clone(),
        });
        for need in package.needs.iter().filter(|need| need.folder != package.folder) {
            let (to, evidence) = (EdgeTarget::Project(need.folder.clone()), need.evidence.clone());
            let kind = if admission == Admission::Stray { EdgeKind::Test } else { need.kind };
            links.edges.push(EdgeClaim { from: package.folder.clone(), to, kind, evidence });
        }
        for (path, evidence) in &package.reads {
            if !package.folder.is_within(path) && landscape.exists(path) {
                let (to, evidence) = (EdgeTarget::Path(path.clone()), evidence.clone());
                links.edges.push(EdgeClaim { from: package.folder.clone(), to, kind: EdgeKind::Build, evidence });
            }
        }
        let every = vec![EdgeKind::Build, EdgeKind::Schema, EdgeKind::Test];
        // What a fixture needs, the tests of the project around it need: all its edges are theirs.
        let built_with = if admission == Admission::Stray { every.clone() } else { every[..2].to_vec() };
        let build_needs = vec![Reading::Along(built_with, "build".to_owned())];
        let test_needs = vec![Reading::Own("build".to_owned()), Reading::Along(every, "build".to_owned())];
        let built = task(landscape, package, "build", package.build.clone(), build_needs);
        let tested = package.test.clone().map(|test| task(landscape, package, "test", Some(test), test_needs));
        for claim in std::iter::once(built).chain(tested) {
            if let (false, Some(lock)) = (claim.slices.is_empty(), &package.lock)
                && let (true, Some(locked)) = (sliced.insert(lock.file.clone()), lock.locked)
            {
                links.fragments.push((lock.file.clone(), locked.fragments.clone()));
            }
            links.tasks.push(claim);
        }
    }
}

/// What a package of the repository needs is locked where it is built: a lockfile that holds for a package, and not for
/// one that it depends on, has entries of that one too.
fn widen_locks(packages: &mut [Package<'_>]) {
    let locks: BTreeMap<RepoPath, RepoPath> =
        packages.iter().filter_map(|p| Some((p.folder.clone(), p.lock.as_ref()?.file.clone()))).collect();
    for Package { folder, needs, lock, .. } in packages {
        let Some(lock) = lock.as_mut().filter(|lock| !lock.holds_all) else { continue };
        let foreign = |need: &&Need| need.folder != *folder && locks.get(&need.folder) != Some(&lock.file);
        for need in needs.iter().filter(foreign) {
            lock.test = None;
            if need.kind != EdgeKind::Test {
                lock.build = None;
            }
        }
    }
}

fn task<F>(
    landscape: &Landscape<'_, F>,
    package: &Package<'_>,
    name: &str,
    command: Option<Command>,
    reads: Vec<Reading>,
) -> TaskClaim {
    let lock = package.lock.as_ref();
    let slices = lock.and_then(|lock| {
        let names = if name == "build" { &lock.build } else { &lock.test };
        lock.locked?.claims(&lock.file, names.as_ref()?.iter().map(String::as_str))
    });
    let sliced = lock.filter(|_| slices.as_ref().is_some_and(|slices| !slices.is_empty())).map(|lock| &lock.file);
    let mut own = Selection::owned(&package.folder);
    if name == "build" {
        own = own.without(package.test_files.iter().cloned());
    }
    let mut inputs = vec![Input { selection: own.slicing(sliced), evidence: package.evidence.clone() }];
    let outside = |path: &RepoPath| !package.folder.is_within(path) && landscape.exists(path);
    inputs.extend(
        package.reads.iter().filter(|(path, _)| outside(path)).map(|(path, evidence)| Input {
            selection: Selection::all(path).slicing(sliced),
            evidence: evidence.clone(),
        }),
    );
    if let (None, Some(lock)) = (sliced, lock)
        && !lock.file.is_within(&package.folder)
    {
        inputs.push(Input { selection: Selection::all(&lock.file), evidence: Evidence::new(&lock.file, 0, "") });
    }
    TaskClaim {
        folder: package.folder.clone(),
        name: name.to_owned(),
        inputs,
        slices: slices.unwrap_or_default(),
        reads,
        command,
        tool: package.tool.to_owned(),
        builds_upstream: true,
        outputs: (name == "test").then(Vec::new),
    }
}

/// The folder that a manifest names as a package, if one of its manifests stands there; else what is wrong is claimed.
pub(super) fn folder_of<F>(
    landscape: &Landscape<'_, F>,
    from: &RepoPath,
    written: &str,
    manifests: &[&str],
    evidence: &Evidence,
    links: &mut Links,
) -> Option<RepoPath> {
    match from.resolve(written.as_bytes()) {
        Ok(folder) => {
            let ends = |name: &[u8]| {
                manifests.iter().any(|manifest| match manifest.strip_prefix('*') {
                    Some(ending) => name.ends_with(ending.as_bytes()),
                    None => name == manifest.as_bytes(),
                })
            };
            if landscape.entries(&folder).iter().any(|entry| ends(&entry.name)) {
                return Some(folder);
            }
            links.dangling.push(DanglingClaim {
                from: from.clone(),
                name: manifests.first().map(|name| name.as_bytes().to_vec()).unwrap_or_default(),
                wanted: Some(folder),
                kind: EdgeKind::Build,
                evidence: evidence.clone(),
            });
        }
        Err(_) => {
            let message = format!("`{written}` lies outside the repository, so its changes are not seen");
            let finding = Diagnostic::warning("outside-repository", message).at(evidence);
            links.diagnostics.push(finding.help("name a folder of the repository, or take a released version"));
        }
    }
    None
}

/// A path that a manifest works out: where it leads cannot be known.
pub(super) fn doubt_computed(folder: &RepoPath, what: &str, evidence: &Evidence, links: &mut Links) {
    let message = format!("the path of {what} is worked out, so where it leads is not known");
    let finding = Diagnostic::warning("computed-path", message).at(evidence).help("write the path as one literal");
    links.doubt(Doubtful::Project(folder.clone()), finding);
}
