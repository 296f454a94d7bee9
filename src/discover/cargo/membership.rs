//! Which packages there are, which workspace each belongs to, and which of them a workspace admits.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::manifest::{Dependency, Manifest};
use super::{Facts, MANIFEST};
use crate::discover::syntax::Stated;
use crate::discover::{FragmentIndex, Landscape};
use crate::path::RepoPath;
use crate::selection::Selection;

/// One folder with a `Cargo.toml`; none where it cannot be read.
pub(super) struct Package<'a> {
    pub folder: RepoPath,
    pub path: RepoPath,
    pub manifest: Option<&'a Manifest>,
    /// The folder of its workspace's root: its own where it is the root or has none.
    pub root: RepoPath,
    /// The line by which it names that root itself.
    pub names_root: Option<Stated<String>>,
}

impl Package<'_> {
    pub fn name(&self) -> Option<&str> {
        self.manifest?.package.as_ref().map(|package| package.name.value.as_str())
    }

    pub fn dependencies(&self) -> &[Dependency] {
        self.manifest.map_or(&[], |manifest| &manifest.dependencies)
    }
}

/// All packages and workspace roots of the tree that are not vendored.
pub(super) struct Packages<'a> {
    pub by_folder: BTreeMap<RepoPath, Package<'a>>,
    /// The names of all packages.
    pub names: BTreeSet<String>,
    /// The fragments of the manifests of workspace roots, by name.
    pub fragments: BTreeMap<RepoPath, HashMap<&'a str, FragmentIndex>>,
}

impl<'a> Packages<'a> {
    pub fn of(landscape: &Landscape<'a, Facts>) -> Self {
        let mut manifests: BTreeMap<RepoPath, Option<&'a Manifest>> = BTreeMap::new();
        for found in landscape.manifests().iter().filter(|found| found.path.name() == Some(MANIFEST)) {
            let manifest = match found.facts {
                Ok(Facts::Manifest(manifest)) => Some(&**manifest),
                _ => None,
            };
            let folder = found.folder();
            let says_something = manifest.is_none_or(|m| m.package.is_some() || m.workspace.is_some());
            let vendored = landscape.is_file(&folder.child(b".cargo-checksum.json"));
            if says_something && !vendored {
                manifests.insert(folder, manifest);
            }
        }
        let by_folder = manifests.iter().map(|(folder, manifest)| {
            let names_root = manifest.and_then(|m| m.package.as_ref()).and_then(|package| package.workspace.clone());
            let package = Package {
                folder: folder.clone(),
                path: folder.child(MANIFEST),
                manifest: *manifest,
                root: root_of(&manifests, folder).unwrap_or_else(|| folder.clone()),
                names_root,
            };
            (folder.clone(), package)
        });
        let by_folder: BTreeMap<RepoPath, Package<'a>> = by_folder.collect();
        let names = by_folder.values().filter_map(Package::name).map(str::to_owned).collect();
        let roots: BTreeSet<&RepoPath> = by_folder.values().map(|package| &package.root).collect();
        let read = |root: &RepoPath| Some((root.clone(), by_folder.get(root)?.manifest?.fragments.by_name()));
        let fragments = roots.into_iter().filter_map(read).collect();
        Self { by_folder, names, fragments }
    }

    /// What the root of a package's workspace says; none where it cannot be read.
    pub fn root(&self, package: &Package<'_>) -> Option<&Package<'a>> {
        self.by_folder.get(&package.root)
    }

    /// The folder and the path that a dependency's path is written for: those of the workspace root where it is
    /// inherited. With the name of the package.
    pub fn path_of<'b>(
        &'b self,
        package: &'b Package<'_>,
        dependency: &'b Dependency,
    ) -> (&'b str, Option<(&'b RepoPath, &'b Stated<String>)>) {
        if !dependency.inherited {
            return (&dependency.package, dependency.path.as_ref().map(|path| (&package.folder, path)));
        }
        let workspace = self.root(package).and_then(|root| root.manifest?.workspace.as_ref());
        let inherited = workspace.into_iter().flat_map(|workspace| &workspace.dependencies);
        match inherited.into_iter().find(|candidate| candidate.key.value == dependency.key.value) {
            Some(said) => (&said.package, said.path.as_ref().map(|path| (&package.root, path))),
            None => (&dependency.package, None),
        }
    }

    /// The folders that a package's manifest leads to by a path.
    fn reached_from(&self, package: &Package<'_>) -> Vec<RepoPath> {
        let dependencies = package.dependencies().iter().filter_map(|dependency| {
            let (folder, path) = self.path_of(package, dependency).1?;
            folder.resolve(&written(&path.value)).ok()
        });
        let patches = package.manifest.into_iter().flat_map(|manifest| &manifest.patches);
        let patches = patches.filter_map(|patch| package.folder.resolve(&written(&patch.path.value)).ok());
        dependencies.chain(patches).collect()
    }

    /// The packages that Cargo's own rule admits: those that nothing encloses, the members of admitted workspaces,
    /// and whatever an admitted package leads to by a path.
    pub fn admitted(&self, landscape: &Landscape<'_, Facts>) -> BTreeSet<RepoPath> {
        let mut members: BTreeMap<&RepoPath, Vec<RepoPath>> = BTreeMap::new();
        let mut pending = Vec::new();
        let patterns: BTreeMap<&RepoPath, Vec<Member>> =
            self.by_folder.values().map(|package| (&package.folder, members_of(package))).collect();
        for (folder, package) in &self.by_folder {
            let enclosed = folder.ancestors().skip(1).any(|above| self.by_folder.contains_key(&above));
            let root_is_unreadable =
                package.root != *folder && self.root(package).is_none_or(|root| root.manifest.is_none());
            if !enclosed || root_is_unreadable {
                pending.push(folder.clone());
            } else if package.root != *folder {
                let listed = patterns.get(&package.root).is_some_and(|list| list.iter().any(|m| m.is(folder)));
                if listed || package.names_root.is_some() {
                    members.entry(&package.root).or_default().push(folder.clone());
                }
            }
        }
        // A workspace with a lockfile stands alone, whatever encloses it.
        for (root, listed) in &members {
            if landscape.is_file(&root.child(b"Cargo.lock")) {
                pending.extend(listed.iter().cloned());
            }
        }
        let mut admitted = BTreeSet::new();
        while let Some(folder) = pending.pop() {
            let Some(package) = self.by_folder.get(&folder) else { continue };
            if admitted.insert(folder) {
                pending.extend(members.get(&package.folder).into_iter().flatten().cloned());
                pending.extend(self.reached_from(package));
            }
        }
        admitted
    }
}

/// A path as a manifest may write it.
pub(super) fn written(path: &str) -> Vec<u8> {
    path.replace('\\', "/").into_bytes()
}

/// The folder of the workspace root that Cargo finds for a package: its own, the one that it names, or the nearest
/// above that does not exclude it. One that cannot be read may be a root.
fn root_of(manifests: &BTreeMap<RepoPath, Option<&Manifest>>, folder: &RepoPath) -> Option<RepoPath> {
    let own = (*manifests.get(folder)?)?;
    if own.workspace.is_some() {
        return Some(folder.clone());
    }
    if let Some(named) = own.package.as_ref().and_then(|package| package.workspace.as_ref()) {
        return folder.resolve(&written(&named.value)).ok();
    }
    for above in folder.ancestors().skip(1) {
        match manifests.get(&above) {
            None => {}
            Some(None) => return Some(above),
            Some(Some(manifest)) => {
                let named = manifest.package.as_ref().and_then(|package| package.workspace.as_ref());
                if let Some(named) = named {
                    return above.resolve(&written(&named.value)).ok();
                }
                if manifest.workspace.is_some() && !excludes(manifest, &above, folder) {
                    return Some(above);
                }
            }
        }
    }
    None
}

fn excludes(root: &Manifest, root_folder: &RepoPath, folder: &RepoPath) -> bool {
    let Some(workspace) = &root.workspace else { return false };
    let holds = |path: &str| root_folder.resolve(&written(path)).is_ok_and(|above| folder.is_within(&above));
    workspace.exclude.iter().any(|path| holds(path)) && !workspace.members.iter().any(|member| holds(&member.value))
}

/// An entry of `members`.
pub(super) enum Member {
    Folder(RepoPath, Stated<String>),
    Glob(Selection),
    Outside(Stated<String>),
}

impl Member {
    fn is(&self, folder: &RepoPath) -> bool {
        match self {
            Member::Folder(member, _) => member == folder,
            Member::Glob(selection) => selection.matches(folder),
            Member::Outside(_) => false,
        }
    }
}

/// The entries of a root's `members`.
pub(super) fn members_of(root: &Package<'_>) -> Vec<Member> {
    let workspace = root.manifest.and_then(|manifest| manifest.workspace.as_ref());
    let entries = workspace.into_iter().flat_map(|workspace| &workspace.members);
    entries
        .map(|entry| {
            let path = entry.value.replace('\\', "/");
            let segments: Vec<&str> = path.split('/').filter(|segment| !matches!(*segment, "" | ".")).collect();
            let plain = segments.iter().position(|s| s.contains(['*', '?', '['])).unwrap_or(segments.len());
            let (plain, glob) = segments.split_at(plain);
            match root.folder.resolve(plain.join("/").as_bytes()) {
                Err(_) => Member::Outside(entry.clone()),
                Ok(folder) if glob.is_empty() => Member::Folder(folder, entry.clone()),
                Ok(folder) => Member::Glob(Selection::all(&folder).only([glob.join("/")])),
            }
        })
        .collect()
}
