//! Which package manager installs a package, and whether it links plain version ranges inside a workspace.

use std::collections::HashMap;

use semver::Version;

use super::NodeFacts;
use super::range::{Range, version};
use crate::discover::Landscape;
use crate::path::RepoPath;

/// A package manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manager {
    /// npm.
    Npm,
    /// Yarn 1.
    YarnClassic,
    /// Yarn 2 and later.
    YarnBerry,
    /// pnpm.
    Pnpm,
    /// Bun.
    Bun,
}

/// Lockfiles and the manager that each belongs to. The first wins where a folder has several.
pub(super) const LOCKFILES: [(&str, Manager); 6] = [
    ("pnpm-lock.yaml", Manager::Pnpm),
    ("yarn.lock", Manager::YarnClassic),
    ("bun.lock", Manager::Bun),
    ("bun.lockb", Manager::Bun),
    ("package-lock.json", Manager::Npm),
    ("npm-shrinkwrap.json", Manager::Npm),
];

impl Manager {
    /// The program that people run.
    pub(super) fn program(self) -> &'static str {
        match self {
            Manager::Npm => "npm",
            Manager::YarnClassic | Manager::YarnBerry => "yarn",
            Manager::Pnpm => "pnpm",
            Manager::Bun => "bun",
        }
    }

    /// Whether a prerelease of a member satisfies every range that it lies in.
    pub(super) fn admits_prereleases(self) -> bool {
        matches!(self, Manager::Pnpm | Manager::YarnBerry)
    }
}

/// The managers of all folders, each found once.
pub(super) struct Managers<'a> {
    landscape: &'a Landscape<'a, NodeFacts>,
    known: HashMap<RepoPath, Option<Manager>>,
}

impl<'a> Managers<'a> {
    /// None is known yet.
    pub(super) fn new(landscape: &'a Landscape<'a, NodeFacts>) -> Self {
        Self { landscape, known: HashMap::new() }
    }

    /// The manager of a folder: by the nearest `packageManager` field, else by the nearest lockfile or settings
    /// file, else npm.
    pub(super) fn of(&mut self, folder: &RepoPath) -> Manager {
        let mut passed = Vec::new();
        let mut found = None;
        for ancestor in folder.ancestors() {
            if let Some(known) = self.known.get(&ancestor) {
                found = *known;
                break;
            }
            passed.push(ancestor);
        }
        // From the outermost in, so that each folder is decided by itself or by the one around it. A field decides
        // over a lockfile that is not nearer than it.
        for ancestor in passed.into_iter().rev() {
            found = self.stated_at(&ancestor).or(found);
            self.known.insert(ancestor, found);
        }
        found.unwrap_or(Manager::Npm)
    }

    fn stated_at(&self, folder: &RepoPath) -> Option<Manager> {
        let entries = self.landscape.entries(folder);
        let stands = |name: &str| entries.binary_search_by(|entry| (*entry.name).cmp(name.as_bytes())).is_ok();
        let is_file = |name: &str| stands(name) && self.landscape.is_file(&folder.child(name.as_bytes()));
        let package = match self.landscape.facts(&folder.child(b"package.json")) {
            Some(NodeFacts::Package(package)) => package.manager.as_deref(),
            _ => None,
        };
        let yarn = |classic| if classic { Manager::YarnClassic } else { Manager::YarnBerry };
        if let Some(stated) = package {
            let (name, version) = stated.split_once('@').unwrap_or((stated, ""));
            match name {
                "npm" => return Some(Manager::Npm),
                "pnpm" => return Some(Manager::Pnpm),
                "bun" => return Some(Manager::Bun),
                "yarn" => return Some(yarn(version.starts_with("1.") || version.starts_with("^1"))),
                _ => {}
            }
        }
        if let Some(&(_, manager)) = LOCKFILES.iter().find(|(name, _)| is_file(name)) {
            return Some(if manager == Manager::YarnClassic { yarn(!is_file(".yarnrc.yml")) } else { manager });
        }
        if is_file("pnpm-workspace.yaml") {
            return Some(Manager::Pnpm);
        }
        is_file(".yarnrc.yml").then_some(Manager::YarnBerry)
    }

    /// Whether a plain range is linked to the member of the workspace with this root that satisfies it. What cannot
    /// be known counts as linked.
    pub(super) fn links_ranges(&mut self, root: &RepoPath) -> bool {
        let manager = self.of(root);
        let facts = |name: &str| self.landscape.facts(&root.child(name.as_bytes()));
        match manager {
            Manager::Npm | Manager::YarnClassic | Manager::Bun => true,
            Manager::YarnBerry => match facts(".yarnrc.yml") {
                Some(NodeFacts::YarnSettings(settings)) => settings.links_ranges.unwrap_or(true),
                _ => true,
            },
            Manager::Pnpm => {
                let workspace = match facts("pnpm-workspace.yaml") {
                    Some(NodeFacts::PnpmWorkspace(workspace)) => workspace.links_ranges,
                    _ => self.unreadable(&root.child(b"pnpm-workspace.yaml")),
                };
                let npmrc = match facts(".npmrc") {
                    Some(NodeFacts::Npmrc(npmrc)) => npmrc.links_ranges,
                    _ => self.unreadable(&root.child(b".npmrc")),
                };
                // pnpm linked by default until version 8, and does not from version 9 on.
                workspace.or(npmrc).unwrap_or_else(|| match facts("package.json") {
                    Some(NodeFacts::Package(package)) => {
                        let stated = package.manager.as_deref().and_then(|manager| manager.strip_prefix("pnpm@"));
                        stated.or(package.pnpm_engine.as_deref()).is_some_and(may_be_before_version_9)
                    }
                    _ => self.unreadable(&root.child(b"package.json")).is_some(),
                })
            }
        }
    }

    /// A setting in a file that cannot be read may be on.
    fn unreadable(&self, file: &RepoPath) -> Option<bool> {
        self.landscape.has_manifest(file).then_some(true)
    }
}

fn may_be_before_version_9(stated: &str) -> bool {
    if let Some(version) = version(stated) {
        return version.major < 9;
    }
    let Some(range) = Range::parse(stated, true) else { return true };
    (1..9)
        .flat_map(|major| [(major, 0), (major, 99)])
        .any(|(major, minor)| range.allows(&Version::new(major, minor, 99)))
}
