//! What projects read of catalogs and of lockfiles in slices.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::aliases::{DEFAULT_CATALOG, Taken};
use super::builds::{Build, Builds};
use super::catalog::Catalog;
use super::collect::Collected;
use super::facts::Facts;
use super::link::is_workspace;
use super::{LOCKFILE_ENDING, is_script, is_source};
use crate::diagnostic::Evidence;
use crate::discover::{FragmentIndex, Fragments, Links, SliceClaim};
use crate::path::RepoPath;
use crate::tree::{Mode, Node};

/// How many sources of plugins are read at most.
const MOST_SOURCES: usize = 4_000;

/// What one project reads in slices.
#[derive(Default)]
pub(super) struct Sliced {
    /// The files.
    pub files: BTreeSet<RepoPath>,
    /// What its build reads.
    pub build: Vec<SliceClaim>,
    /// What only its tests read.
    pub test: Vec<SliceClaim>,
}

impl Sliced {
    fn claim(&mut self, file: &RepoPath, fragment: FragmentIndex, of_tests: bool) {
        let claims = if of_tests { &mut self.test } else { &mut self.build };
        claims.push(SliceClaim { file: file.clone(), fragment, evidence: Evidence::new(file, 0, "") });
    }
}

/// What each project reads in slices; the files are claimed.
pub(super) fn slices(
    builds: &Builds<'_>,
    collected: &BTreeMap<usize, Collected>,
    links: &mut Links,
) -> BTreeMap<usize, Sliced> {
    let mut sliced: BTreeMap<usize, Sliced> = BTreeMap::new();
    let mut files: BTreeMap<RepoPath, Arc<Fragments>> = BTreeMap::new();
    let mut by_build: BTreeMap<usize, Vec<(usize, &Collected)>> = BTreeMap::new();
    for (member, found) in collected.iter().filter(|(member, _)| !is_workspace(builds, **member)) {
        by_build.entry(builds.members[*member].build).or_default().push((*member, found));
    }
    let mut taken: BTreeMap<&RepoPath, EntriesByMember> = BTreeMap::new();
    for (place, members) in by_build {
        let build = &builds.all[place];
        for (file, by_member) in entries_of(builds, build, &members) {
            taken.entry(file).or_default().extend(by_member);
        }
        for (member, _) in &members {
            take_locked(builds, build, *member, sliced.entry(*member).or_default(), &mut files);
        }
    }
    for (file, by_member) in taken {
        if let Some(Facts::Catalog(Some(catalog))) = builds.landscape.facts(file) {
            take_aliases(file, catalog, by_member, &mut sliced, &mut files);
        }
    }
    links.fragments.extend(files);
    sliced
}

/// What plugins that are built here may take from catalogs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PluginsTake {
    /// There are no classes.
    Nothing,
    /// Classes do not speak of catalogs, nor of the one that Gradle finds on its own.
    NotByDefaultName,
    Anything,
}

/// The entries of a catalog that projects take.
type EntriesByMember = Vec<(usize, BTreeSet<FragmentIndex>)>;

/// The entries that members of a build take from its catalogs by name, as far as it is certain that they take no others.
fn entries_of<'b>(
    builds: &Builds<'_>,
    build: &'b Build<'_>,
    members: &[(usize, &Collected)],
) -> Vec<(&'b RepoPath, EntriesByMember)> {
    let catalogs = build.catalogs.iter().filter_map(|(name, file)| match builds.landscape.facts(file)? {
        Facts::Catalog(Some(catalog)) => Some((name, file, catalog)),
        _ => None,
    });
    let catalogs: Vec<_> = catalogs.collect();
    if catalogs.is_empty() {
        return Vec::new();
    }
    let plugins = plugins_take(builds, build);
    let is_closed = |name: &str, file: &RepoPath| match plugins {
        PluginsTake::Anything => false,
        // Which words of a class are names of catalogs is not known.
        PluginsTake::NotByDefaultName if name != DEFAULT_CATALOG => false,
        _ => build.catalogs.values().filter(|other| *other == file).count() == 1,
    };
    let nothing = Taken::default();
    let closed = catalogs.into_iter().filter(|(name, file, _)| is_closed(name, file));
    let by_file = closed.map(|(name, file, catalog)| {
        let members = members.iter().filter(|(_, found)| !found.takes_any);
        let taken = members.map(|(member, found)| (*member, found.taken.get(name).unwrap_or(&nothing)));
        let taken = taken.filter(|(_, taken)| !taken.is_open);
        (file, taken.filter_map(|(member, taken)| Some((member, catalog.entries_of(&taken.accessors)?))).collect())
    });
    by_file.collect()
}

/// What plugins of `buildSrc` or of an included build may take: their classes, which may apply scripts among their sources
/// too.
fn plugins_take(builds: &Builds<'_>, build: &Build<'_>) -> PluginsTake {
    let mut found: BTreeSet<&RepoPath> = BTreeSet::new();
    let mut pending = vec![build];
    while let Some(build) = pending.pop() {
        let included = build.includes.keys().filter_map(|folder| builds.build_of(folder));
        for other in included.chain(build.build_source).map(|place| &builds.all[place]) {
            if found.insert(&other.folder) {
                pending.push(other);
            }
        }
    }
    let mut sources = 0;
    let mut folders: Vec<RepoPath> = Vec::new();
    for folder in found {
        // A build that includes the one around it is not read file by file.
        if build.folder.is_within(folder) {
            return PluginsTake::Anything;
        }
        folders.push(folder.clone());
    }
    while let Some(folder) = folders.pop() {
        for entry in builds.landscape.entries(&folder).iter() {
            let path = folder.child(&entry.name);
            if matches!(entry.node, Node::Folder(_)) {
                folders.push(path);
            } else if matches!(entry.node, Node::Content(Mode::Symlink, _)) && builds.landscape.is_folder(&path) {
                return PluginsTake::Anything;
            } else if is_script(&entry.name) && path.segments().any(|segment| segment == b"src") {
                if builds.script(&path).is_none_or(|script| script.names.takes(&build.catalogs)) {
                    return PluginsTake::Anything;
                }
            } else if is_source(&entry.name) {
                sources += 1;
                let said = builds.landscape.source(&path);
                let is_closed = matches!(said.as_ref().map(|said| said.as_deref()),
                    Some(Ok(Facts::Source(taken))) if !taken.is_open);
                if !is_closed || sources > MOST_SOURCES {
                    return PluginsTake::Anything;
                }
            }
        }
    }
    match sources {
        0 => PluginsTake::Nothing,
        _ => PluginsTake::NotByDefaultName,
    }
}

/// Each project reads the entries that its scripts name, and those that no script names of any build with this catalog:
/// whoever looks them up is a plugin from elsewhere.
fn take_aliases(
    file: &RepoPath,
    catalog: &Catalog,
    taken: EntriesByMember,
    sliced: &mut BTreeMap<usize, Sliced>,
    files: &mut BTreeMap<RepoPath, Arc<Fragments>>,
) {
    if taken.is_empty() {
        return;
    }
    let named: BTreeSet<FragmentIndex> = taken.iter().flat_map(|(_, entries)| entries).copied().collect();
    let mut fragments = catalog.fragments.clone();
    let besides = catalog.besides(&named).into_iter().chain(catalog.own.iter().copied());
    let of_all = fragments.group("what no script names", 0, besides);
    for (member, entries) in taken {
        let sliced = sliced.entry(member).or_default();
        sliced.files.insert(file.clone());
        entries.into_iter().chain([of_all]).for_each(|entry| sliced.claim(file, entry, false));
    }
    files.insert(file.clone(), fragments.sealed());
}

/// Each project reads its own lockfiles and those of the root, which may hold for all.
fn take_locked(
    builds: &Builds<'_>,
    build: &Build<'_>,
    member: usize,
    sliced: &mut Sliced,
    files: &mut BTreeMap<RepoPath, Arc<Fragments>>,
) {
    for folder in BTreeSet::from([&build.folder, &builds.members[member].folder]) {
        let of_each = folder.child(b"gradle").child(b"dependency-locks");
        let named = ["gradle.lockfile", "buildscript-gradle.lockfile", "settings-gradle.lockfile"];
        let mut locks: Vec<RepoPath> = named.iter().map(|name| folder.child(name.as_bytes())).collect();
        let entries = builds.landscape.entries(&of_each);
        let entries = entries.iter().filter(|entry| entry.name.ends_with(LOCKFILE_ENDING));
        locks.extend(entries.map(|entry| of_each.child(&entry.name)));
        for file in locks {
            let Some(Facts::Lockfile(Some(locked))) = builds.landscape.facts(&file) else { continue };
            sliced.claim(&file, locked.build, false);
            sliced.claim(&file, locked.test, true);
            files.entry(file.clone()).or_insert_with(|| Arc::new(locked.fragments.clone()));
            sliced.files.insert(file);
        }
    }
}
