//! What the dependencies of packages lead to inside the repository.
//!
//! Lockfiles are not asked: where one would say what is linked, the package manager's rule decides, and what that
//! rule leaves open counts as linked.

use std::collections::{HashMap, HashSet};

use super::layout::{Layout, Site};
use super::package::Dependency;
use super::range::{Range, version};
use super::{NodeFacts, PACKAGE, PNPM_WORKSPACE, YARN_SETTINGS};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::discover::{DanglingClaim, EdgeKind, Input, Landscape};
use crate::path::{PathError, RepoPath};
use crate::selection::Selection;

/// Where a dependency leads.
#[derive(Debug, Clone)]
pub(super) enum Target {
    /// To a package.
    Site(usize),
    /// To a file or folder that is no package.
    Place(RepoPath),
}

/// One dependency inside the repository.
#[derive(Debug)]
pub(super) struct Link {
    /// The package that depends.
    pub from: usize,
    /// What it depends on.
    pub to: Target,
    /// The line that says so.
    pub evidence: Evidence,
    /// Whether a path was written, so that no workspace has to admit the target.
    pub by_path: bool,
}

/// What the dependencies of all packages lead to.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Dependencies inside the repository.
    pub links: Vec<Link>,
    /// Files outside a package that its dependencies name.
    pub inputs: Vec<(usize, Input)>,
    /// Paths to nothing.
    pub dangling: Vec<DanglingClaim>,
    /// Findings.
    pub diagnostics: Vec<Diagnostic>,
}

impl Found {
    /// Which packages each package reaches by a path.
    pub(super) fn reached_by_path(&self) -> HashMap<usize, HashSet<usize>> {
        let mut reached: HashMap<usize, HashSet<usize>> = HashMap::new();
        for link in &self.links {
            if let (true, Target::Site(to)) = (link.by_path, &link.to) {
                reached.entry(link.from).or_default().insert(*to);
            }
        }
        reached
    }
}

/// What a workspace settles for all its members.
#[derive(Default)]
struct Settlement<'a> {
    catalogs: HashMap<(&'a str, &'a str), &'a str>,
    overrides: HashMap<&'a str, Vec<&'a str>>,
}

/// One dependency on its way to what it leads to.
#[derive(Clone, Copy)]
struct Request<'r> {
    from: usize,
    /// The folder that paths start from.
    base: &'r RepoPath,
    name: &'r str,
    wanted: &'r str,
    evidence: &'r Evidence,
}

/// Links the dependencies of all packages.
pub(super) fn link(landscape: &Landscape<'_, NodeFacts>, layout: &Layout<'_>) -> Found {
    let settlements = layout.workspaces.iter().map(|workspace| settlement(landscape, &workspace.root)).collect();
    let mut linker = Linker { landscape, layout, settlements, ranges: HashMap::new(), found: Found::default() };
    for (from, site) in layout.sites.iter().enumerate() {
        for dependency in site.package.map(|package| &package.dependencies[..]).unwrap_or_default() {
            linker.dependency(from, site, dependency);
        }
    }
    linker.found
}

fn settlement<'a>(landscape: &Landscape<'a, NodeFacts>, root: &RepoPath) -> Settlement<'a> {
    let mut settlement = Settlement::default();
    for name in [PACKAGE, PNPM_WORKSPACE, YARN_SETTINGS] {
        let (catalogs, overrides) = match landscape.facts(&root.child(name)) {
            Some(NodeFacts::Package(package)) => (&package.catalogs, &package.overrides[..]),
            Some(NodeFacts::PnpmWorkspace(workspace)) => (&workspace.catalogs, &workspace.overrides[..]),
            Some(NodeFacts::YarnSettings(settings)) => (&settings.catalogs, &[][..]),
            _ => continue,
        };
        settlement.catalogs.extend(catalogs.iter().map(|entry| ((&*entry.catalog, &*entry.name), &*entry.wanted)));
        for Dependency { name, wanted } in overrides {
            settlement.overrides.entry(name).or_default().push(&wanted.value);
        }
    }
    settlement
}

struct Linker<'l, 'a> {
    landscape: &'l Landscape<'a, NodeFacts>,
    layout: &'l Layout<'a>,
    settlements: Vec<Settlement<'a>>,
    ranges: HashMap<(String, bool), Option<Range>>,
    found: Found,
}

impl Linker<'_, '_> {
    fn dependency(&mut self, from: usize, site: &Site<'_>, dependency: &Dependency) {
        let evidence = dependency.wanted.evidence(&site.manifest);
        let (name, wanted) = (&*dependency.name, &*dependency.wanted.value);
        self.follow(Request { from, base: &site.folder, name, wanted, evidence: &evidence });
        // An override replaces what any member asks for.
        let layout = self.layout;
        let mut around = site.workspace;
        while let Some(at) = around {
            let workspace = &layout.workspaces[at];
            for wanted in self.settlements[at].overrides.get(name).cloned().unwrap_or_default() {
                if wanted != dependency.wanted.value || wanted.contains("./") {
                    self.follow(Request { from, base: &workspace.root, name, wanted, evidence: &evidence });
                }
            }
            around = workspace.outer;
        }
    }

    fn follow(&mut self, request: Request<'_>) {
        let wanted = request.wanted;
        let (protocol, rest) = wanted.split_once(':').unwrap_or(("", wanted));
        match protocol {
            "workspace" => self.workspace(request, rest),
            "file" | "link" | "portal" => self.path(request, rest),
            "catalog" => self.catalog(request, rest),
            "npm" => match alias(rest) {
                Some((name, range)) => {
                    self.range(Request { name, ..request }, range);
                    // `npm:next` is an alias to npm, and a tag to Yarn.
                    if name == rest {
                        self.range(request, rest);
                    }
                }
                None => self.range(request, rest),
            },
            "patch" => self.patch(request, rest),
            "" if is_path(wanted) => self.path(request, wanted),
            "" => self.range(request, wanted),
            // A URL, a repository, another registry.
            _ => {}
        }
    }

    /// `workspace:`: a range, a name and a range, or a path.
    fn workspace(&mut self, request: Request<'_>, rest: &str) {
        if is_path(rest) {
            return self.path(request, rest);
        }
        if matches!(rest, "" | "*" | "^" | "~") || self.parsed(rest, true).is_some() {
            return self.member(request, rest);
        }
        if let Some((name, range)) = alias(rest) {
            return self.member(Request { name, ..request }, range);
        }
        // Yarn also takes a member's folder, from the workspace's root.
        let root = self.layout.outwards(self.layout.sites[request.from].workspace).next().map(|found| &found.root);
        let folder = root.and_then(|root| root.resolve(rest.as_bytes()).ok());
        match folder.and_then(|folder| self.layout.at(&folder)) {
            Some(target) => self.push(request, Target::Site(target), true),
            None => self.member(request, "*"),
        }
    }

    /// A member of the workspace, whatever its version: the manager refuses to install anything else.
    fn member(&mut self, request: Request<'_>, range: &str) {
        let workspace = self.layout.sites[request.from].workspace;
        let mut candidates = self.layout.named(request.name, workspace);
        if candidates.is_empty() {
            candidates = self.layout.named_anywhere(request.name);
        }
        let fitting: Vec<_> = candidates.iter().copied().filter(|&at| self.fits(at, range, true)).collect();
        let candidates = if fitting.is_empty() { candidates } else { fitting };
        if candidates.is_empty() {
            let message = format!("no package of the repository has the name `{}`", request.name);
            let help = "add the package to the workspace, or ask for a version from the registry";
            let warning = Diagnostic::warning("dangling-reference", message).at(request.evidence).help(help);
            self.found.diagnostics.push(warning);
        }
        for target in candidates {
            self.push(request, Target::Site(target), false);
        }
    }

    /// A range or a dist-tag. Outside a workspace it always comes from the registry.
    fn range(&mut self, request: Request<'_>, range: &str) {
        let workspace = self.layout.sites[request.from].workspace;
        let Some(around) = self.layout.outwards(workspace).next() else { return };
        // `user/repo` and URLs without a protocol.
        if !around.links_ranges || range.contains('/') {
            return;
        }
        let prereleases = around.manager.admits_prereleases();
        for target in self.layout.named(request.name, workspace) {
            if self.fits(target, range, prereleases) {
                self.push(request, Target::Site(target), false);
            }
        }
    }

    /// Whether a package's version lies in a range. A tag, or a version that is not known, may be anything.
    fn fits(&mut self, at: usize, range: &str, prereleases: bool) -> bool {
        let stated = self.layout.sites[at].package.and_then(|package| package.version.as_deref());
        let Some(stated) = stated.and_then(version) else { return true };
        self.parsed(range, prereleases).is_none_or(|range| range.is_any() || range.allows(&stated))
    }

    fn parsed(&mut self, range: &str, prereleases: bool) -> Option<&Range> {
        let parse = || Range::parse(range, prereleases);
        self.ranges.entry((range.to_owned(), prereleases)).or_insert_with(parse).as_ref()
    }

    fn catalog(&mut self, request: Request<'_>, rest: &str) {
        let catalog = if rest.trim().is_empty() { "default" } else { rest.trim() };
        let mut around = self.layout.sites[request.from].workspace;
        let mut wanted = None;
        while let (Some(at), None) = (around, wanted) {
            wanted = self.settlements[at].catalogs.get(&(catalog, request.name)).copied();
            around = self.layout.workspaces[at].outer;
        }
        match wanted {
            Some(wanted) if !wanted.starts_with("catalog:") => self.follow(Request { wanted, ..request }),
            // The entry is not known, so that neither is what it leads to.
            _ => self.range(request, "*"),
        }
    }

    /// Yarn's `patch:package@range#file`: the package as ever, and the file of the patch.
    fn patch(&mut self, request: Request<'_>, rest: &str) {
        let (package, patches) = rest.split_once('#').unwrap_or((rest, ""));
        let package = package.replace("%3A", ":").replace("%40", "@").replace("%2F", "/");
        if let Some((name, inner)) = alias(&package) {
            let inner = if inner.starts_with("patch:") { "*" } else { inner };
            self.follow(Request { name, wanted: inner, ..request });
        }
        let layout = self.layout;
        let site = &layout.sites[request.from];
        let root = layout.outwards(site.workspace).next().map_or(&site.folder, |workspace| &workspace.root);
        for patch in patches.split("::").next().unwrap_or_default().split('&') {
            let patch = patch.trim_start_matches("optional!");
            let places = match patch.strip_prefix("~/") {
                Some(below) => vec![root.resolve(below.as_bytes())],
                None => vec![site.folder.resolve(patch.as_bytes()), root.resolve(patch.as_bytes())],
            };
            let there = places.into_iter().flatten().find(|path| self.landscape.is_file(path));
            self.found.inputs.extend(there.map(|path| (request.from, input(&path, request.evidence))));
        }
    }

    fn path(&mut self, request: Request<'_>, written: &str) {
        let written = written.split("::").next().unwrap_or(written).replace('\\', "/");
        let path = match request.base.resolve(written.as_bytes()) {
            Ok(path) => path,
            Err(PathError::Segment) => return,
            Err(PathError::Escapes | PathError::Absolute) => {
                let message = format!("`{written}` leads out of the repository, where no change is seen");
                self.found.diagnostics.push(Diagnostic::warning("outside-repository", message).at(request.evidence));
                return;
            }
        };
        if path.segments().any(|segment| segment == b"node_modules") {
            return;
        }
        if let Some(target) = self.layout.at(&path) {
            return self.push(request, Target::Site(target), true);
        }
        let enclosing = self.layout.enclosing(&path);
        if self.landscape.exists(&path) {
            if enclosing != Some(request.from) || !path.is_within(&self.layout.sites[request.from].folder) {
                self.found.inputs.push((request.from, input(&path, request.evidence)));
                self.push(request, Target::Place(path), true);
            }
            return;
        }
        let from = &self.layout.sites[request.from].folder;
        match enclosing {
            // What its own build makes.
            Some(enclosing) if enclosing == request.from => {}
            // What the build of another package makes, such as `../lib/dist`.
            Some(enclosing) if !from.is_within(&self.layout.sites[enclosing].folder) => {
                self.push(request, Target::Site(enclosing), true);
            }
            _ => self.found.dangling.push(DanglingClaim {
                from: from.clone(),
                name: path.name().unwrap_or_default().to_owned(),
                wanted: Some(path),
                kind: EdgeKind::Build,
                evidence: request.evidence.clone(),
            }),
        }
    }

    fn push(&mut self, request: Request<'_>, to: Target, by_path: bool) {
        if !matches!(to, Target::Site(at) if at == request.from) {
            self.found.links.push(Link { from: request.from, to, evidence: request.evidence.clone(), by_path });
        }
    }
}

fn input(path: &RepoPath, evidence: &Evidence) -> Input {
    Input { selection: Selection::all(path), evidence: evidence.clone() }
}

fn is_path(text: &str) -> bool {
    matches!(text, "." | "..") || ["./", "../", "/", "~/", ".\\", "..\\"].iter().any(|start| text.starts_with(start))
}

/// `name@range`, or a name alone; none if it is a range for the name that is known already.
fn alias(text: &str) -> Option<(&str, &str)> {
    let (name, range) = match text.char_indices().skip(1).find(|(_, c)| *c == '@') {
        Some((at, _)) => (&text[..at], &text[at + 1..]),
        None => (text, "*"),
    };
    let is_name = name.starts_with('@') && name.contains('/')
        || name.starts_with(|c: char| c.is_ascii_alphabetic()) && !name.contains(['/', ' ', '<', '>', '|']);
    let is_range = Range::parse(text, true).is_some();
    (is_name && !is_range).then_some((name, range))
}
