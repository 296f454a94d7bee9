//! Which packages and workspaces a tree has, who is whose member, and what stands alone.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::members::{Members, Negation};
use super::package::Package;
use super::package_manager::{LOCKFILES, Manager, Managers};
use super::{LERNA, NodeFacts, PACKAGE, PNPM_WORKSPACE};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::discover::syntax::Stated;
use crate::discover::{Admission, Landscape};
use crate::path::RepoPath;
use crate::tree::Node;

/// A `package.json` that makes a project.
pub(super) struct Site<'a> {
    /// Its folder.
    pub folder: RepoPath,
    /// Its manifest.
    pub manifest: RepoPath,
    /// What the manifest says; none if it cannot be read.
    pub package: Option<&'a Package>,
    /// The workspace whose names it sees: its own if it is a root, else the one that it is a member of.
    pub workspace: Option<usize>,
    /// The workspace that names it as a member.
    pub member_of: Option<usize>,
    /// Whether the workspace rule admits it.
    pub admission: Admission,
}

/// The root of a workspace.
pub(super) struct Workspace {
    /// Its folder.
    pub root: RepoPath,
    /// The line that names the members.
    pub evidence: Evidence,
    /// The workspace that the root is itself a member of.
    pub outer: Option<usize>,
    /// Who installs it.
    pub manager: Manager,
    /// Whether a plain range is linked to a member that satisfies it.
    pub links_ranges: bool,
}

/// All packages and workspaces of a tree.
pub(super) struct Layout<'a> {
    /// The packages, sorted by folder.
    pub sites: Vec<Site<'a>>,
    /// The workspaces, sorted by root.
    pub workspaces: Vec<Workspace>,
    by_folder: HashMap<RepoPath, usize>,
    by_name: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Layout<'a> {
    /// Finds them.
    pub(super) fn find(
        landscape: &'a Landscape<'a, NodeFacts>,
        managers: &mut Managers<'a>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut layout = Self {
            sites: sites(landscape),
            workspaces: Vec::new(),
            by_folder: HashMap::new(),
            by_name: HashMap::new(),
        };
        let members = layout.add_workspaces(landscape, managers, diagnostics);
        for (at, site) in layout.sites.iter().enumerate() {
            layout.by_folder.insert(site.folder.clone(), at);
            if let Some(name) = site.package.and_then(|package| package.name.as_ref()) {
                layout.by_name.entry(&name.value).or_default().push(at);
            }
        }
        layout.assign(&members);
        layout.admit(landscape);
        layout
    }

    /// The package with exactly this folder.
    pub(super) fn at(&self, folder: &RepoPath) -> Option<usize> {
        self.by_folder.get(folder).copied()
    }

    /// The package whose folder encloses a path most closely.
    pub(super) fn enclosing(&self, path: &RepoPath) -> Option<usize> {
        path.ancestors().find_map(|ancestor| self.at(&ancestor))
    }

    /// The packages of a name that a package in `workspace` sees: members of the nearest workspace that has any.
    pub(super) fn named(&self, name: &str, workspace: Option<usize>) -> Vec<usize> {
        let Some(all) = self.by_name.get(name) else { return Vec::new() };
        let mut here = workspace;
        while let Some(at) = here {
            let own =
                |&&site: &&usize| self.sites[site].workspace == Some(at) || self.sites[site].member_of == Some(at);
            let found: Vec<usize> = all.iter().filter(own).copied().collect();
            if !found.is_empty() {
                return found;
            }
            here = self.workspaces[at].outer;
        }
        Vec::new()
    }

    /// The packages of a name that stand anywhere in the repository, strays left aside if there are others.
    pub(super) fn named_anywhere(&self, name: &str) -> Vec<usize> {
        let all = self.by_name.get(name).cloned().unwrap_or_default();
        let admitted: Vec<_> =
            all.iter().copied().filter(|&at| self.sites[at].admission == Admission::Admitted).collect();
        if admitted.is_empty() { all } else { admitted }
    }

    /// The names that several admitted packages have, with those packages, sorted by name.
    pub(super) fn shared_names(&self) -> Vec<(&'a str, Vec<usize>)> {
        let is_admitted = |&&at: &&usize| self.sites[at].admission == Admission::Admitted;
        let mut shared: Vec<_> = self
            .by_name
            .iter()
            .map(|(name, sites)| (*name, sites.iter().filter(is_admitted).copied().collect::<Vec<_>>()))
            .filter(|(_, sites)| sites.len() > 1)
            .collect();
        shared.sort();
        shared
    }

    /// The workspace that a package is the root of.
    pub(super) fn rooted_at(&self, folder: &RepoPath) -> Option<usize> {
        self.workspaces.binary_search_by(|workspace| workspace.root.cmp(folder)).ok()
    }

    /// The workspace and those around it, the nearest first.
    pub(super) fn outwards(&self, workspace: Option<usize>) -> impl Iterator<Item = &Workspace> {
        let mut here = workspace;
        std::iter::from_fn(move || {
            let found = &self.workspaces[here?];
            here = found.outer;
            Some(found)
        })
    }

    /// Finds the roots and compiles their globs, by the folder that the globs start from.
    fn add_workspaces(
        &mut self,
        landscape: &'a Landscape<'a, NodeFacts>,
        managers: &mut Managers<'a>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> HashMap<RepoPath, Vec<(usize, Members)>> {
        type Stating<'s> = (RepoPath, &'s [Stated<String>], Negation);
        let mut stating: Vec<(RepoPath, Stating<'_>)> = Vec::new();
        // Below a file that cannot be read, but may name members, everyone may be one.
        let everyone = [Stated { value: "**".to_owned(), line: 0, text: Arc::default() }];
        let mut enclosing: Option<HashSet<RepoPath>> = None;
        for manifest in landscape.manifests() {
            let (globs, negation) = match manifest.facts {
                Ok(NodeFacts::Package(package)) => (package.workspaces.as_deref(), Negation::InOrder),
                Ok(NodeFacts::PnpmWorkspace(workspace)) => (workspace.packages.as_deref(), Negation::Always),
                Ok(NodeFacts::Lerna(lerna)) => (lerna.packages.as_deref(), Negation::InOrder),
                Err(_) if matches!(manifest.path.name(), Some(PACKAGE | PNPM_WORKSPACE | LERNA)) => {
                    let enclosing = enclosing.get_or_insert_with(|| self.enclosing_folders());
                    (enclosing.contains(&manifest.folder()).then_some(&everyone[..]), Negation::InOrder)
                }
                _ => continue,
            };
            if let Some(globs) = globs {
                stating.push((manifest.folder(), (manifest.path.clone(), globs, negation)));
            }
        }
        stating.sort_by(|a, b| (&a.0, &a.1.0).cmp(&(&b.0, &b.1.0)));
        let mut by_base: HashMap<RepoPath, Vec<(usize, Members)>> = HashMap::new();
        for (root, (file, globs, negation)) in stating {
            if self.workspaces.last().is_none_or(|last| last.root != root) {
                let evidence = globs.first().map_or_else(|| Evidence::new(&file, 0, ""), |glob| glob.evidence(&file));
                let (manager, links_ranges) = (managers.of(&root), managers.links_ranges(&root));
                self.workspaces.push(Workspace { root: root.clone(), evidence, outer: None, manager, links_ranges });
            }
            let at = self.workspaces.len() - 1;
            for members in Members::compile(&root, &file, globs, negation, diagnostics) {
                by_base.entry(members.base.clone()).or_default().push((at, members));
            }
        }
        by_base
    }

    /// Every folder that has a package somewhere below it.
    fn enclosing_folders(&self) -> HashSet<RepoPath> {
        let mut folders = HashSet::new();
        for site in &self.sites {
            for above in site.folder.ancestors().skip(1) {
                if !folders.insert(above) {
                    break;
                }
            }
        }
        folders
    }

    /// Gives every package the workspace that names it: the one with the nearest globs.
    fn assign(&mut self, members: &HashMap<RepoPath, Vec<(usize, Members)>>) {
        for at in 0..self.sites.len() {
            let folder = &self.sites[at].folder;
            let own = self.rooted_at(folder);
            let member_of = folder
                .ancestors()
                .filter_map(|ancestor| members.get(&ancestor))
                .flatten()
                .filter(|(workspace, _)| Some(*workspace) != own)
                .find(|(_, members)| members.name(folder))
                .map(|(workspace, _)| *workspace);
            if let (Some(own), Some(outer)) = (own, member_of) {
                // Two roots can name each other; then neither is around the other.
                let circular = self.outwards(Some(outer)).any(|around| around.root == self.workspaces[own].root);
                self.workspaces[own].outer = (!circular).then_some(outer);
            }
            let site = &mut self.sites[at];
            (site.workspace, site.member_of) = (own.or(member_of), member_of);
        }
    }

    fn admit(&mut self, landscape: &Landscape<'_, NodeFacts>) {
        // A folder sorts before what is below it, so what encloses a package is decided before the package.
        let mut members_admitted: Vec<Option<bool>> = vec![None; self.workspaces.len()];
        let order: Vec<usize> = {
            let is_root = |at: &usize| self.rooted_at(&self.sites[*at].folder).is_some();
            let (roots, others): (Vec<_>, Vec<_>) = (0..self.sites.len()).partition(is_root);
            roots.into_iter().chain(others).collect()
        };
        let tooling_root = self.at(&RepoPath::root()).is_some_and(|root| self.is_tooling(root, landscape));
        for at in order {
            let folder = self.sites[at].folder.clone();
            let admitted = match self.sites[at].member_of {
                Some(workspace) => members_admitted[workspace].unwrap_or(true),
                None => {
                    let around =
                        || folder.parent().into_iter().flat_map(|parent| parent.ancestors().collect::<Vec<_>>());
                    let in_workspace = around().any(|ancestor| self.rooted_at(&ancestor).is_some());
                    let in_package = around()
                        .find(|ancestor| self.at(ancestor).is_some())
                        .is_some_and(|ancestor| !(ancestor.is_root() && tooling_root));
                    !in_workspace && !in_package
                }
            };
            if let Some(own) = self.rooted_at(&folder) {
                // A workspace with a lockfile stands alone with all its members, whatever encloses it.
                let locked = || LOCKFILES.iter().any(|(name, _)| landscape.is_file(&folder.child(name.as_bytes())));
                members_admitted[own] = Some(admitted || locked());
            }
            self.sites[at].admission = if admitted { Admission::Admitted } else { Admission::Stray };
        }
    }

    /// Admits what admitted packages reach by a path, and what those reach in turn.
    pub(super) fn admit_reached(&mut self, reached: &HashMap<usize, HashSet<usize>>) {
        let mut pending: Vec<usize> =
            (0..self.sites.len()).filter(|&at| self.sites[at].admission == Admission::Admitted).collect();
        while let Some(at) = pending.pop() {
            for &target in reached.get(&at).into_iter().flatten() {
                if self.sites[target].admission == Admission::Stray {
                    self.sites[target].admission = Admission::Admitted;
                    pending.push(target);
                }
            }
        }
    }

    /// Whether a package outside any workspace has nothing of its own to build: it only installs tools.
    pub(super) fn is_tooling(&self, at: usize, landscape: &Landscape<'_, NodeFacts>) -> bool {
        let site = &self.sites[at];
        let Some(package) = site.package else { return false };
        let script =
            |script: &Option<Stated<String>>| script.as_ref().is_some_and(|script| !only_orchestrates(&script.value));
        site.workspace.is_none()
            && !(package.has_entry_points
                || package.starts
                || script(&package.build)
                || script(&package.test)
                || has_sources(&site.folder, landscape))
    }

    /// Whether the root of a workspace is besides a package with sources of its own.
    pub(super) fn root_has_sources(&self, at: usize, landscape: &Landscape<'_, NodeFacts>) -> bool {
        let site = &self.sites[at];
        let Some(package) = site.package else { return false };
        let builds = package.build.as_ref().is_some_and(|build| !only_orchestrates(&build.value));
        package.has_entry_points || (builds && has_sources(&site.folder, landscape))
    }
}

fn sites<'a>(landscape: &'a Landscape<'a, NodeFacts>) -> Vec<Site<'a>> {
    let mut sites = Vec::new();
    for manifest in landscape.manifests() {
        if manifest.path.name() != Some(PACKAGE) {
            continue;
        }
        let folder = manifest.folder();
        let package = match manifest.facts {
            Ok(NodeFacts::Package(package)) => {
                if !package.is_project() && !landscape.has_manifest(&folder.child(PNPM_WORKSPACE)) {
                    continue;
                }
                Some(&**package)
            }
            _ => None,
        };
        let manifest = manifest.path.clone();
        sites.push(Site {
            folder,
            manifest,
            package,
            workspace: None,
            member_of: None,
            admission: Admission::Admitted,
        });
    }
    sites.sort_by(|a, b| a.folder.cmp(&b.folder));
    sites
}

/// What a script's command begins with if it only has others do the work.
const ORCHESTRATORS: [&str; 9] = ["turbo", "nx", "lerna", "wireit", "rush", "moon", "lage", "ultra", "echo"];

/// Whether every command of a script only has the members of the workspace do the work.
fn only_orchestrates(script: &str) -> bool {
    let mut commands = script.split(['&', '|', ';']).map(str::trim).filter(|command| !command.is_empty());
    commands.all(|command| {
        let words: Vec<&str> = command
            .split_whitespace()
            .skip_while(|word| word.contains('=') || matches!(*word, "cross-env" | "npx" | "bunx" | "exec" | "dlx"))
            .collect();
        let words: &[&str] = match words.as_slice() {
            ["npm" | "pnpm" | "yarn" | "bun", "exec" | "dlx", rest @ ..] if !rest.is_empty() => rest,
            ["pnpm" | "yarn", tool, ..] if ORCHESTRATORS.contains(tool) => &words[1..],
            all => all,
        };
        let has =
            |flags: &[&str]| words.iter().any(|word| flags.iter().any(|flag| word.split('=').next() == Some(flag)));
        match words.first() {
            Some(tool) if ORCHESTRATORS.contains(tool) => true,
            Some(&"pnpm") => has(&["-r", "--recursive", "recursive", "--filter", "-F", "--parallel"]),
            Some(&"yarn") => has(&["workspaces", "workspace"]),
            Some(&"npm") => has(&["--workspaces", "-ws", "--workspace", "-w", "--prefix"]),
            Some(&"bun") => has(&["--filter", "-F", "--workspaces"]),
            _ => false,
        }
    })
}

/// What JavaScript and its kin are written in.
const SOURCE_EXTENSIONS: [&[u8]; 11] =
    [b"js", b"jsx", b"ts", b"tsx", b"mjs", b"cjs", b"mts", b"cts", b"vue", b"svelte", b"astro"];

/// The names that a program or library begins in.
const ENTRY_NAMES: [&[u8]; 4] = [b"index", b"main", b"server", b"app"];

/// Whether a folder has sources: in `src` or `lib`, or beginning in a file such as `index.js`.
fn has_sources(folder: &RepoPath, landscape: &Landscape<'_, NodeFacts>) -> bool {
    let has = |folder: &RepoPath, wanted: fn(&[u8]) -> bool| {
        landscape.entries(folder).iter().any(|entry| {
            let Some(dot) = entry.name.iter().rposition(|&b| b == b'.') else { return false };
            matches!(entry.node, Node::Content(..))
                && SOURCE_EXTENSIONS.contains(&&entry.name[dot + 1..])
                && wanted(&entry.name[..dot])
        })
    };
    has(folder, |stem| ENTRY_NAMES.contains(&stem))
        || has(&folder.child(b"src"), |_| true)
        || has(&folder.child(b"lib"), |_| true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_that_only_have_others_work() {
        for script in [
            "turbo run build",
            "pnpm -r build",
            "pnpm turbo build && nx run-many",
            "yarn workspaces foreach run build",
            "npm run build --workspaces --if-present",
            "CI=1 npx lerna run build",
            "npm run build -w a; npm run build -w b",
            "pnpm exec nx build",
        ] {
            assert!(only_orchestrates(script), "{script}");
        }
        for script in ["tsc -b", "turbo run build && node finish.js", "npm run compile", "vite build"] {
            assert!(!only_orchestrates(script), "{script}");
        }
    }
}
