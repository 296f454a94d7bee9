//! What a package's tasks read of files in slices: of its manifest, of its workspace root's, of the lockfile, and of
//! TypeScript configurations.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::compiler::Reached;
use super::layout::{Layout, Site};
use super::lock::{self, Lock};
use super::package::Parts;
use super::package_manager::LOCKFILES;
use super::patches::Patches;
use super::{NodeFacts, PACKAGE, PNPM_WORKSPACE, is_compiler_configuration};
use crate::diagnostic::Evidence;
use crate::discover::{Admission, FragmentIndex, Fragments, Landscape, Role, SliceClaim};
use crate::path::RepoPath;

/// What one package reads in slices.
#[derive(Default)]
pub(super) struct Sliced {
    /// The fragments.
    pub claims: Vec<SliceClaim>,
    /// The files that it reads no other byte of.
    pub files: BTreeSet<RepoPath>,
    /// Patches of what it does not need.
    pub unneeded: BTreeSet<RepoPath>,
}

/// Finds what packages read in slices.
pub(super) struct Slicer<'l, 'a> {
    landscape: &'l Landscape<'a, NodeFacts>,
    layout: &'l Layout<'a>,
    roles: &'l [Role],
    /// Which package depends on which, as edges say it.
    needed: &'l HashSet<(usize, usize)>,
    catalogs: HashMap<RepoPath, HashMap<&'a str, FragmentIndex>>,
    fragments: BTreeMap<RepoPath, Arc<Fragments>>,
    /// The patches of each lockfile.
    patches: HashMap<RepoPath, Patches>,
}

impl<'l, 'a> Slicer<'l, 'a> {
    /// Nothing is read yet.
    pub(super) fn new(
        landscape: &'l Landscape<'a, NodeFacts>,
        layout: &'l Layout<'a>,
        roles: &'l [Role],
        needed: &'l HashSet<(usize, usize)>,
    ) -> Self {
        Self {
            landscape,
            layout,
            roles,
            needed,
            catalogs: HashMap::new(),
            fragments: BTreeMap::new(),
            patches: HashMap::new(),
        }
    }

    /// The fragments of all files that somebody reads in slices.
    pub(super) fn fragments(self) -> impl Iterator<Item = (RepoPath, Arc<Fragments>)> {
        self.fragments.into_iter()
    }

    /// What a package reads in slices; no manifest and lockfile if its own manifest cannot be read.
    pub(super) fn of(&mut self, at: usize, reached: Option<&Reached>) -> Sliced {
        let mut sliced = Sliced::default();
        let site = &self.layout.sites[at];
        self.configurations(site, reached, &mut sliced);
        let Some(package) = site.package else { return sliced };
        let named = package.name.as_ref().map(|name| name.evidence(&site.manifest));
        let evidence = named.unwrap_or_else(|| Evidence::new(&site.manifest, 0, ""));
        self.claim(&mut sliced, &site.manifest, &package.parts.fragments, [package.parts.own], evidence);
        let is_settled = self.lockfiles(at, &mut sliced);
        for workspace in self.layout.outwards(site.workspace) {
            for name in [PACKAGE, PNPM_WORKSPACE] {
                let file = workspace.root.child(name);
                let parts: &'a Parts = match self.landscape.facts(&file) {
                    Some(NodeFacts::Package(root)) if file != site.manifest => &root.parts,
                    Some(NodeFacts::PnpmWorkspace(settings)) => &settings.parts,
                    _ => continue,
                };
                let mut read = self.catalog_entries(site, &file, parts);
                read.push(parts.for_members);
                if !is_settled {
                    read.push(parts.settled);
                }
                let states = workspace.evidence.file == file;
                let evidence = if states { workspace.evidence.clone() } else { Evidence::new(&file, 0, "") };
                self.claim(&mut sliced, &file, &parts.fragments, read, evidence);
            }
        }
        sliced
    }

    /// Reads TypeScript configurations: those beside the manifest, and those outside that others lead to. Any that lies
    /// deeper may be what a test is about, to the letter.
    fn configurations(&mut self, site: &Site<'_>, reached: Option<&Reached>, sliced: &mut Sliced) {
        let entries = self.landscape.entries(&site.folder);
        let beside = entries.iter().filter(|entry| is_compiler_configuration(&entry.name)).map(|entry| {
            let file = site.folder.child(&entry.name);
            let evidence = Evidence::new(&file, 0, "");
            (file, evidence)
        });
        let inputs = reached.map(|reached| &reached.inputs[..]).unwrap_or_default().iter();
        let outside = inputs.map(|input| (input.selection.base.clone(), input.evidence.clone()));
        for (file, evidence) in beside.chain(outside) {
            if let Some(NodeFacts::TsConfig(config)) = self.landscape.facts(&file)
                && !sliced.files.contains(&file)
            {
                self.claim(sliced, &file, &config.fragments, [config.all], evidence);
            }
        }
    }

    fn claim(
        &mut self,
        sliced: &mut Sliced,
        file: &RepoPath,
        fragments: &Arc<Fragments>,
        read: impl IntoIterator<Item = FragmentIndex>,
        evidence: Evidence,
    ) {
        self.fragments.entry(file.clone()).or_insert_with(|| Arc::clone(fragments));
        sliced.files.insert(file.clone());
        let claim = |fragment| SliceClaim { file: file.clone(), fragment, evidence: evidence.clone() };
        sliced.claims.extend(read.into_iter().map(claim));
    }

    /// The entries of catalogs that a package asks for.
    fn catalog_entries(&mut self, site: &Site<'_>, file: &RepoPath, parts: &'a Parts) -> Vec<FragmentIndex> {
        let by_name = || parts.fragments.by_name();
        let known = self.catalogs.entry(file.clone()).or_insert_with(by_name);
        let dependencies = site.package.map(|package| &package.dependencies[..]).unwrap_or_default();
        let entry = |name: &str, wanted: &str| {
            let catalog = wanted.strip_prefix("catalog:")?.trim();
            known.get(Parts::catalog_entry(catalog, name).as_str()).copied()
        };
        dependencies.iter().filter_map(|dependency| entry(&dependency.name, &dependency.wanted.value)).collect()
    }

    /// Reads the lockfiles that install a package, where they know it. Whether one does.
    fn lockfiles(&mut self, at: usize, sliced: &mut Sliced) -> bool {
        let Some(folder) = self.installed_from(at) else { return false };
        let mut is_settled = false;
        for name in lock::READ {
            let file = folder.child(name.as_bytes());
            let Some(NodeFacts::Lock(lock)) = self.landscape.facts(&file) else { continue };
            let Some(fragments) = &lock.fragments else { continue };
            if let Some(mut read) = self.entries(at, &folder, lock) {
                read.extend(lock.common);
                read.sort();
                read.dedup();
                let patches = self.patches.entry(file.clone()).or_insert_with(|| Patches::of(&folder, lock));
                let unneeded: BTreeSet<RepoPath> = patches.unneeded(&read).cloned().collect();
                // Where there are two lockfiles, it is not known whose patches are applied.
                sliced.unneeded = if is_settled { BTreeSet::new() } else { unneeded };
                let evidence = Evidence::new(&file, 0, "");
                self.claim(sliced, &file, fragments, read, evidence);
                is_settled = true;
            }
        }
        is_settled
    }

    /// The folder whose lockfile installs a package: its workspace's root, or its own where that has none. A package
    /// that is a root and a member may be installed from either.
    fn installed_from(&self, at: usize) -> Option<RepoPath> {
        let site = &self.layout.sites[at];
        let Some(workspace) = site.member_of else { return Some(site.folder.clone()) };
        if self.layout.rooted_at(&site.folder).is_some() {
            return None;
        }
        let root = &self.layout.workspaces[workspace].root;
        let locked = LOCKFILES.iter().any(|(name, _)| self.landscape.is_file(&root.child(name.as_bytes())));
        Some(if locked { root.clone() } else { site.folder.clone() })
    }

    /// The entries of a lockfile that a package depends on, and those of the workspace's root, whose tools every member
    /// finds; none where it is not known which they are.
    fn entries(&self, at: usize, folder: &RepoPath, lock: &Lock) -> Option<Vec<FragmentIndex>> {
        let site = &self.layout.sites[at];
        let root = (site.folder != *folder).then_some(folder);
        let mut read = Vec::new();
        if lock.goes_by_requests() {
            let manifest = root.map(|root| root.child(PACKAGE));
            let around = match manifest.filter(|manifest| self.landscape.has_manifest(manifest)) {
                Some(manifest) => match self.landscape.facts(&manifest) {
                    Some(NodeFacts::Package(package)) => Some(&**package),
                    _ => return None,
                },
                None => None,
            };
            let dependencies = [site.package, around].into_iter().flatten().flat_map(|package| &package.dependencies);
            read.extend(dependencies.filter_map(|dependency| lock.request(dependency)));
            return Some(read);
        }
        let below = std::str::from_utf8(site.folder.below_bytes(folder)?).ok()?;
        let importer = lock.importer(below)?;
        read.push(importer.external);
        for member in &importer.members {
            let target = folder.resolve(member.as_bytes()).ok().and_then(|place| self.layout.at(&place));
            if !target.is_some_and(|target| self.is_built_before(at, target)) {
                read.extend(lock.importer(member).map(|member| member.linked));
            }
        }
        if root.is_some() {
            match lock.importer("") {
                // Of the packages of the workspace that the root depends on, a member reads no source either.
                Some(root) => read.push(root.external),
                // Its tools are in no entry that is known.
                None if self.landscape.has_manifest(&folder.child(PACKAGE)) => return None,
                None => {}
            }
        }
        Some(read)
    }

    /// Whether a package reads the result of another one, whose build reads its own entries.
    fn is_built_before(&self, at: usize, target: usize) -> bool {
        at == target
            || (self.needed.contains(&(at, target))
                && self.roles[target] == Role::Code
                && self.layout.sites[target].admission == Admission::Admitted)
    }
}
