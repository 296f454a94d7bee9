//! Ruby: every folder with a gemspec or a Gemfile is a project. Both are programs; what they write as literals is read.

mod gemfile;
mod lockfile;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use self::gemfile::{Gem, Manifest, Source, read_manifest};
use self::lockfile::{Lockfile, SETTINGS, read_lock};
use super::packages::{Lock, Need, Package, claim, doubt_computed, folder_of};
use super::syntax::Unreadable;
use super::{Command, Ecosystem, EdgeKind, Ground, Landscape, Links};
use crate::diagnostic::Evidence;
use crate::path::RepoPath;

/// Gems and applications of Bundler.
pub(super) struct Ruby;

/// What one file says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Facts {
    /// A Gemfile or a gemspec.
    Manifest(Manifest),
    /// `Gemfile.lock`.
    Lock(Lockfile),
}

const LOCKS: [&str; 2] = ["Gemfile.lock", "gems.locked"];
const GEMFILES: [&str; 2] = ["Gemfile", "gems.rb"];

impl Ecosystem for Ruby {
    type Facts = Facts;

    const NAME: &'static str = "ruby";

    fn recognises(name: &[u8]) -> bool {
        is_gemspec(name) || is_gemfile(name) || is_lock(name)
    }

    fn read(name: &[u8], bytes: &[u8]) -> Result<Facts, Unreadable> {
        match is_lock(name) {
            true => read_lock(bytes).map(Facts::Lock),
            false => read_manifest(bytes).map(Facts::Manifest),
        }
    }

    fn link(landscape: &Landscape<'_, Facts>, links: &mut Links) {
        let mut folders: BTreeMap<RepoPath, Vec<(&RepoPath, Option<&Manifest>)>> = BTreeMap::new();
        let mut gems: BTreeMap<&str, BTreeSet<RepoPath>> = BTreeMap::new();
        for manifest in landscape.manifests() {
            let name = manifest.path.name().unwrap_or_default();
            let is_installed = manifest.path.segments().any(|segment| segment == b"vendor");
            if is_lock(name) || is_installed {
                continue;
            }
            let said = match manifest.facts {
                Ok(Facts::Manifest(said)) => Some(said),
                _ => None,
            };
            if let Some(gem) = said.and_then(|said| said.name.as_ref()).filter(|_| is_gemspec(name)) {
                gems.entry(&gem.value).or_default().insert(manifest.folder());
            }
            folders.entry(manifest.folder()).or_default().push((manifest.path, said));
        }
        let mut packages = Vec::new();
        let mut admitted = BTreeSet::new();
        for (folder, manifests) in &folders {
            // A gem is published by itself, wherever it stands beside others.
            if manifests.iter().any(|(path, _)| is_gemspec(path.as_bytes())) && is_beside_gems(folder, &folders) {
                admitted.insert(folder.clone());
            }
            packages.push(package_of(landscape, folder, manifests, &gems, links));
        }
        claim(landscape, packages, &admitted, links);
    }
}

fn is_gemspec(name: &[u8]) -> bool {
    name.ends_with(b".gemspec")
}

fn is_gemfile(name: &[u8]) -> bool {
    GEMFILES.iter().any(|gemfile| name == gemfile.as_bytes())
}

fn is_lock(name: &[u8]) -> bool {
    LOCKS.iter().any(|lock| name == lock.as_bytes())
}

type Folders<'a> = BTreeMap<RepoPath, Vec<(&'a RepoPath, Option<&'a Manifest>)>>;

/// Whether a gem stands right below a folder of Ruby, or in a folder of gems there, as the parts of a repository of
/// several gems do.
fn is_beside_gems(folder: &RepoPath, folders: &Folders<'_>) -> bool {
    let Some(parent) = folder.parent() else { return false };
    let is_of_gems = matches!(parent.name(), Some(b"gems" | b"engines" | b"components" | b"packages" | b"plugins"));
    let is_of_tests = matches!(folder.name(), Some(b"test" | b"spec" | b"fixtures"));
    let above = if is_of_gems && !folders.contains_key(&parent) { parent.parent() } else { Some(parent) };
    !is_of_tests && above.is_some_and(|above| folders.contains_key(&above))
}

fn package_of<'a>(
    landscape: &Landscape<'a, Facts>,
    folder: &RepoPath,
    manifests: &[(&RepoPath, Option<&Manifest>)],
    gems: &BTreeMap<&str, BTreeSet<RepoPath>>,
    links: &mut Links,
) -> Package<'a> {
    let gemspec = manifests.iter().find(|(path, _)| is_gemspec(path.as_bytes()));
    let name = gemspec.and_then(|(path, said)| Some((path, said.as_ref()?.name.as_ref()?)));
    let evidence = match (name, manifests.first()) {
        (Some((path, name)), _) => name.evidence(path),
        (None, Some((path, _))) => Evidence::new(path, 0, ""),
        (None, None) => Evidence::new(folder, 0, ""),
    };
    let lock_file = landscape.nearest(folder, &LOCKS);
    let lockfile = match lock_file.as_ref().and_then(|file| landscape.facts(file)) {
        Some(Facts::Lock(lockfile)) => Some(lockfile),
        _ => None,
    };
    let mut found = Found { landscape, folder, gems, lockfile, needs: Vec::new(), reads: Vec::new() };
    let mut names = [BTreeSet::from([SETTINGS.to_owned()]), BTreeSet::from([SETTINGS.to_owned()])];
    let mut is_known = true;
    let mut pending: Vec<(RepoPath, &Manifest)> =
        manifests.iter().filter_map(|(path, said)| Some(((*path).clone(), (*said)?))).collect();
    let gemfile_above = landscape.nearest(folder, &GEMFILES).filter(|path| path.parent().as_ref() != Some(folder));
    // Tests run under the nearest Gemfile.
    let has_gemfile = manifests.iter().any(|(path, _)| path.name().is_some_and(is_gemfile));
    if let (false, Some(above)) = (has_gemfile, &gemfile_above) {
        found.reads.push((above.clone(), Evidence::new(above, 0, "")));
    }
    is_known &= manifests.iter().all(|(_, said)| said.is_some());
    let mut seen = BTreeSet::new();
    while let Some((file, said)) = pending.pop() {
        if !seen.insert(file.clone()) {
            continue;
        }
        let of_gemfile = !is_gemspec(file.as_bytes());
        for gem in &said.gems {
            let kind = if gem.value.is_test { EdgeKind::Test } else { EdgeKind::Build };
            found.gem(&file, gem, kind, links);
            is_known &= gem.value.source != Source::Computed;
            names[1].insert(gem.value.name.clone());
            if kind == EdgeKind::Build {
                names[0].insert(gem.value.name.clone());
            }
        }
        for path in &said.evaluates {
            let place = file.parent().unwrap_or_else(RepoPath::root);
            let Ok(target) = place.resolve(path.value.as_bytes()) else { continue };
            found.reads.push((target.clone(), path.evidence(&file)));
            match landscape.facts(&target) {
                Some(Facts::Manifest(other)) => pending.push((target, other)),
                _ => is_known = false,
            }
        }
        for path in said.gemspecs.iter().filter(|_| of_gemfile) {
            let evidence = path.evidence(&file);
            if path.value == "." {
                continue;
            }
            if let Some(to) = folder_of(landscape, folder, &path.value, &["*.gemspec"], &evidence, links) {
                found.needs.push(Need { folder: to, kind: EdgeKind::Build, evidence });
                is_known = false;
            }
        }
        if said.is_computed {
            is_known = false;
        }
    }
    let Found { mut needs, mut reads, .. } = found;
    needs.sort();
    needs.dedup_by(|a, b| (&a.folder, a.kind) == (&b.folder, b.kind));
    for name in [".ruby-version", ".tool-versions"] {
        reads.extend(landscape.nearest(folder, &[name]).map(|path| (path.clone(), Evidence::new(&path, 0, ""))));
    }
    // Bundler loads all that the Gemfile names, whatever a gem's own tests need.
    let test_names = match lockfile {
        Some(lockfile) if !has_gemfile => Some(lockfile.locked.names().map(str::to_owned).collect()),
        _ => Some(std::mem::take(&mut names[1])),
    };
    let lock = lock_file.map(|file| Lock {
        file,
        holds_all: true,
        locked: lockfile.map(|lockfile| &lockfile.locked),
        build: Some(std::mem::take(&mut names[0])).filter(|_| is_known),
        test: test_names.filter(|_| is_known),
    });
    let has = |name: &[u8]| landscape.exists(&folder.child(name));
    let run = |line: &str| Some(Command { line: line.to_owned(), folder: folder.clone() });
    let build = gemspec.and_then(|(path, _)| std::str::from_utf8(path.name()?).ok());
    let is_application = has(b"config.ru") || has(b"config");
    Package {
        aliases: name.map(|(_, name)| name.value.clone()).into_iter().collect(),
        // A Gemfile at the root that only installs tools says nothing about who reads the root's other files.
        ground: match folder.is_root() && gemspec.is_none() && !is_application {
            true => Ground::Shared(["Gemfile", "Gemfile.lock", "Rakefile"].map(str::to_owned).to_vec()),
            false => Ground::Own,
        },
        build: build.and_then(|file| run(&format!("gem build {}", super::shell::path_word(file)))),
        test: match (has(b"spec"), has(b"test")) {
            (true, _) => run("bundle exec rspec"),
            (false, true) => run("bundle exec rake test"),
            (false, false) => None,
        },
        test_files: Vec::new(),
        tool: "ruby",
        folder: folder.clone(),
        evidence,
        needs,
        reads,
        lock,
    }
}

/// What a package's manifests lead to.
struct Found<'a> {
    landscape: &'a Landscape<'a, Facts>,
    folder: &'a RepoPath,
    gems: &'a BTreeMap<&'a str, BTreeSet<RepoPath>>,
    lockfile: Option<&'a Lockfile>,
    needs: Vec<Need>,
    reads: Vec<(RepoPath, Evidence)>,
}

impl Found<'_> {
    fn gem(&mut self, file: &RepoPath, gem: &super::syntax::Stated<Gem>, kind: EdgeKind, links: &mut Links) {
        let evidence = gem.evidence(file);
        let place = file.parent().unwrap_or_else(RepoPath::root);
        let name = &gem.value.name;
        match &gem.value.source {
            Source::Path(path) => {
                let resolved = place.resolve(path.as_bytes());
                // A folder of several gems may be named for each of them.
                let of_name = self.gems.get(name.as_str()).into_iter().flatten();
                let below = resolved.as_ref().ok().and_then(|at| of_name.clone().find(|folder| folder.is_within(at)));
                let found = match below {
                    Some(folder) => Some(folder.clone()),
                    None => folder_of(self.landscape, &place, path, &["*.gemspec"], &evidence, links),
                };
                self.needs.extend(found.map(|folder| Need { folder, kind, evidence }));
            }
            Source::Computed => doubt_computed(self.folder, &format!("`{name}`"), &evidence, links),
            // The lockfile says whether a name means the gem of the repository.
            Source::Name if self.lockfile.is_none_or(|lockfile| !lockfile.is_from_elsewhere(name)) => {
                let folders = self.gems.get(name.as_str()).into_iter().flatten();
                self.needs.extend(folders.map(|to| Need { folder: to.clone(), kind, evidence: evidence.clone() }));
            }
            Source::Name | Source::Elsewhere => {}
        }
    }
}
