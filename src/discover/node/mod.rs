//! Node: npm, Yarn, pnpm and Bun workspaces, and packages that stand alone.
//!
//! Each `package.json` with a name, scripts or dependencies is a project. A dependency leads inside the repository
//! by a path, by `workspace:`, or by a range that a member of the same workspace satisfies where the package manager
//! links ranges. TypeScript configurations lead to further files and packages.

mod compiler;
mod dependencies;
mod layout;
mod lock;
mod members;
mod package;
mod package_manager;
mod patches;
mod range;
mod settings;
mod slices;
mod tasks;
#[cfg(test)]
mod tests;
mod tsconfig;

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use self::dependencies::Target;
use self::layout::{Layout, Site};
use self::lock::Lock;
use self::package::Package;
use self::package_manager::Managers;
use self::settings::{Lerna, Npmrc, PnpmWorkspace, YarnSettings};
use self::slices::Slicer;
use self::tasks::Tasks;
use self::tsconfig::TsConfig;
use super::syntax::Unreadable;
use super::{Ecosystem, EdgeClaim, EdgeKind, EdgeTarget, Ground, Input, Landscape, Links, ProjectClaim, Role};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::path::RepoPath;

const PACKAGE: &[u8] = b"package.json";
const PNPM_WORKSPACE: &[u8] = b"pnpm-workspace.yaml";
const YARN_SETTINGS: &[u8] = b".yarnrc.yml";
const LERNA: &[u8] = b"lerna.json";
const NPMRC: &[u8] = b".npmrc";

/// How many tasks a package has if it has many.
const USUAL_TASKS: usize = 4;

/// Packages of npm, Yarn, pnpm and Bun.
pub(super) struct Node;

/// What one file of a Node package or workspace says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum NodeFacts {
    /// `package.json`
    Package(Box<Package>),
    /// `pnpm-workspace.yaml`
    PnpmWorkspace(PnpmWorkspace),
    /// `.yarnrc.yml`
    YarnSettings(YarnSettings),
    /// `lerna.json`
    Lerna(Lerna),
    /// `.npmrc`
    Npmrc(Npmrc),
    /// `tsconfig*.json`, `jsconfig.json`
    TsConfig(TsConfig),
    /// `package-lock.json`, `pnpm-lock.yaml` and their kin
    Lock(Box<Lock>),
    /// A lockfile that cannot be read.
    NoLock(Unreadable),
}

impl Ecosystem for Node {
    type Facts = NodeFacts;

    const NAME: &'static str = "node";

    fn recognises(name: &[u8]) -> bool {
        matches!(name, PACKAGE | PNPM_WORKSPACE | YARN_SETTINGS | LERNA | NPMRC)
            || is_lockfile(name)
            || is_compiler_configuration(name)
    }

    fn read(name: &[u8], bytes: &[u8]) -> Result<NodeFacts, Unreadable> {
        Ok(match name {
            PACKAGE => NodeFacts::Package(Box::new(Package::read(bytes)?)),
            PNPM_WORKSPACE => NodeFacts::PnpmWorkspace(PnpmWorkspace::read(bytes)?),
            YARN_SETTINGS => NodeFacts::YarnSettings(YarnSettings::read(bytes)?),
            LERNA => NodeFacts::Lerna(Lerna::read(bytes)?),
            NPMRC => NodeFacts::Npmrc(Npmrc::read(bytes)?),
            _ if is_lockfile(name) => match Lock::read(name, bytes) {
                Ok(lock) => NodeFacts::Lock(Box::new(lock)),
                Err(reason) => NodeFacts::NoLock(reason),
            },
            _ => NodeFacts::TsConfig(TsConfig::read(bytes)?),
        })
    }

    fn link(landscape: &Landscape<'_, NodeFacts>, links: &mut Links) {
        let mut managers = Managers::new(landscape);
        let mut layout = Layout::find(landscape, &mut managers, &mut links.diagnostics);
        let dependencies = dependencies::link(landscape, &layout);
        layout.admit_reached(&dependencies.reached_by_path());
        let compiled = compiler::follow(landscape, &layout);

        let depended_on: HashSet<usize> = dependencies.links.iter().filter_map(|link| site_of(&link.to)).collect();
        let roles: Vec<Role> =
            (0..layout.sites.len()).map(|at| role(&layout, at, depended_on.contains(&at), landscape)).collect();
        let mut named: HashMap<usize, Vec<Input>> = HashMap::new();
        for (at, input) in dependencies.inputs {
            named.entry(at).or_default().push(input);
        }
        let needed: HashSet<(usize, usize)> =
            dependencies.links.iter().filter_map(|link| Some((link.from, site_of(&link.to)?))).collect();
        let mut slicer = Slicer::new(landscape, &layout, &roles, &needed);
        let mut tasks = Tasks::new(landscape, &layout);
        // Large lists that grow step by step are copied each time.
        links.projects.reserve(layout.sites.len());
        links.tasks.reserve(layout.sites.len() * USUAL_TASKS);
        links.edges.reserve(dependencies.links.len());
        for (at, site) in layout.sites.iter().enumerate() {
            links.projects.push(project(&layout, site, roles[at], landscape));
            if roles[at] == Role::Workspace {
                continue;
            }
            let named = named.remove(&at).unwrap_or_default();
            let reached = compiled.reached.get(&at);
            let sliced = slicer.of(at, reached);
            links.tasks.extend(tasks.of(site, named, reached, &sliced, &mut managers));
        }
        links.fragments.extend(slicer.fragments());
        links.diagnostics.extend(unknown_lockfiles(landscape));
        for link in dependencies.links {
            let to = match link.to {
                Target::Site(at) => EdgeTarget::Project(layout.sites[at].folder.clone()),
                Target::Place(path) => EdgeTarget::Path(path),
            };
            links.edges.push(edge(&layout.sites[link.from].folder, to, link.evidence));
        }
        for (at, reached) in compiled.reached {
            if roles[at] == Role::Workspace {
                continue;
            }
            let from = &layout.sites[at].folder;
            for (target, evidence) in reached.sites {
                links.edges.push(edge(from, EdgeTarget::Project(layout.sites[target].folder.clone()), evidence));
            }
            for (path, evidence) in reached.places {
                // A configuration found above speaks for the package that it lies in. What that one needs cannot wait
                // for its result: the files that it names are read, and they are inputs already.
                let needs_this =
                    |outer: usize| from.is_within(&layout.sites[outer].folder) && needed.contains(&(outer, at));
                if !evidence.file.is_within(from) && layout.enclosing(&path).is_some_and(needs_this) {
                    continue;
                }
                links.edges.push(edge(from, EdgeTarget::Path(path), evidence));
            }
            links.dangling.extend(reached.dangling);
        }
        links.dangling.extend(dependencies.dangling);
        links.diagnostics.extend(dependencies.diagnostics);
        links.diagnostics.extend(compiled.diagnostics);
        links.diagnostics.extend(layout.shared_names().iter().map(|(name, sites)| shared_name(&layout, name, sites)));
    }
}

fn is_lockfile(name: &[u8]) -> bool {
    lock::READ.iter().any(|lockfile| lockfile.as_bytes() == name)
}

fn is_compiler_configuration(name: &[u8]) -> bool {
    name == b"jsconfig.json" || (name.ends_with(b".json") && name.windows(8).any(|part| part == b"tsconfig"))
}

fn site_of(target: &Target) -> Option<usize> {
    match target {
        Target::Site(at) => Some(*at),
        Target::Place(_) => None,
    }
}

fn edge(from: &RepoPath, to: EdgeTarget, evidence: Evidence) -> EdgeClaim {
    EdgeClaim { from: from.clone(), to, kind: EdgeKind::Build, evidence }
}

/// The root of a workspace is code too if it has sources of its own or others depend on it. A package without a
/// workspace is none only if it stands at the repository's root to install tools: its ground is everyone's.
fn role(layout: &Layout<'_>, at: usize, depended_on: bool, landscape: &Landscape<'_, NodeFacts>) -> Role {
    let folder = &layout.sites[at].folder;
    let bare = match layout.rooted_at(folder) {
        Some(_) => !layout.root_has_sources(at, landscape) && layout.sites[at].package.is_some(),
        None => folder.is_root() && layout.is_tooling(at, landscape),
    };
    if bare && !depended_on { Role::Workspace } else { Role::Code }
}

fn project(layout: &Layout<'_>, site: &Site<'_>, role: Role, landscape: &Landscape<'_, NodeFacts>) -> ProjectClaim {
    let name = site.package.and_then(|package| package.name.as_ref());
    let is_root = layout.rooted_at(&site.folder).is_some();
    let ground = match role {
        Role::Workspace => Ground::Shared(vec!["package.json".to_owned()]),
        _ if is_root => Ground::Shared(root_globs(site)),
        _ if site.folder.is_root() && layout.at(&site.folder).is_some_and(|at| layout.is_tooling(at, landscape)) => {
            Ground::Shared(root_globs(site))
        }
        _ => Ground::Own,
    };
    ProjectClaim {
        folder: site.folder.clone(),
        role,
        aliases: name.map(|name| name.value.clone()).into_iter().collect(),
        admission: site.admission,
        ground,
        evidence: name.map_or_else(|| Evidence::new(&site.manifest, 0, ""), |name| name.evidence(&site.manifest)),
    }
}

/// What the root of a workspace owns if it is a package too: its usual folders of sources, and what it publishes.
fn root_globs(site: &Site<'_>) -> Vec<String> {
    let mut globs: Vec<String> = ["package.json", "src/**", "lib/**", "index.*"].map(str::to_owned).to_vec();
    for file in site.package.map(|package| &package.files[..]).unwrap_or_default() {
        let file = file.trim_start_matches("./").trim_matches('/');
        // A whole-tree pattern would take the ground of every other project.
        if file.is_empty() || file.starts_with('!') || file.starts_with("..") || matches!(file, "." | "*" | "**") {
            continue;
        }
        globs.push(file.to_owned());
        if !file.ends_with("**") {
            globs.push(format!("{file}/**"));
        }
    }
    globs.sort();
    globs.dedup();
    globs
}

/// Lockfiles that count as a whole: their version is not known, or they cannot be read. No edge rests on them, so that
/// nothing besides is in doubt.
fn unknown_lockfiles(landscape: &Landscape<'_, NodeFacts>) -> impl Iterator<Item = Diagnostic> {
    landscape.manifests().iter().filter_map(|manifest| {
        let (why, line) = match manifest.facts.ok()? {
            NodeFacts::Lock(lock) if lock.fragments.is_none() => ("its format is not known", 1),
            NodeFacts::NoLock(reason) => (&*reason.message, reason.line),
            _ => return None,
        };
        let message = format!("`{}` counts as a whole for whoever is below it: {why}", manifest.path);
        let finding = Diagnostic::note("unknown-lockfile", message).at(&Evidence::new(manifest.path, line, ""));
        Some(finding.help("have its package manager write it anew, in a version of the format that is known"))
    })
}

/// Within one workspace a dependency on the name is in doubt and leads to all of them; elsewhere it is only worth
/// knowing.
fn shared_name(layout: &Layout<'_>, name: &str, sites: &[usize]) -> Diagnostic {
    let homes: HashSet<_> = sites.iter().map(|&at| layout.sites[at].member_of.or(layout.sites[at].workspace)).collect();
    let in_one = homes.len() < sites.len() && sites.iter().any(|&at| layout.sites[at].workspace.is_some());
    let folders: Vec<String> = sites.iter().map(|&at| layout.sites[at].folder.to_string()).collect();
    let message = format!("{} packages have the name `{name}`: {}", sites.len(), folders.join(", "));
    let second = &layout.sites[sites[1]];
    let evidence = second.package.and_then(|package| package.name.as_ref()).map(|name| name.evidence(&second.manifest));
    let finding = if in_one {
        Diagnostic::warning("duplicate-name", format!("{message}; a dependency on it leads to all of them"))
    } else {
        Diagnostic::note("duplicate-name", message)
    };
    let finding = finding.help("give each package a name of its own");
    evidence.iter().fold(finding, |finding, evidence| finding.at(evidence))
}
