//! PHP: every `composer.json` is a project.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::locked::{Locked, LockedEntry};
use super::packages::{Lock, Need, Package, claim};
use super::surroundings::is_fixture;
use super::syntax::{Lines, Located, Stated, Unreadable, Value, read_json, read_json_lines};
use super::{Command, DanglingClaim, Ecosystem, EdgeKind, Ground, Landscape, Links};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::path::RepoPath;

/// Packages of Composer.
pub(super) struct Php;

const MANIFEST: &[u8] = b"composer.json";
const LOCK: &[u8] = b"composer.lock";

/// The entry of what a lockfile says of all packages.
const SETTINGS: &str = "settings";

/// What one file says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Facts {
    /// `composer.json`.
    Package(Manifest),
    /// `composer.lock`.
    Lock(Locked),
}

/// What a `composer.json` says.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Manifest {
    name: Option<Stated<String>>,
    /// Whether it has code of its own.
    has_code: bool,
    requires: Vec<Stated<String>>,
    requires_for_tests: Vec<Stated<String>>,
    /// Packages that it stands in for: the parts of a repository that is published in parts.
    replaces: Vec<Stated<String>>,
    /// The folders of other packages, also as globs.
    repositories: Vec<Stated<String>>,
    /// Folders and files that are loaded.
    loads: Vec<Stated<String>>,
    has_test_script: bool,
}

impl Ecosystem for Php {
    type Facts = Facts;

    const NAME: &'static str = "php";

    fn recognises(name: &[u8]) -> bool {
        name == MANIFEST || name == LOCK
    }

    fn read(name: &[u8], bytes: &[u8]) -> Result<Facts, Unreadable> {
        match name {
            LOCK => read_lock(bytes).map(Facts::Lock),
            _ => read_manifest(bytes).map(Facts::Package),
        }
    }

    fn link(landscape: &Landscape<'_, Facts>, links: &mut Links) {
        let mut found: BTreeMap<RepoPath, (&RepoPath, Option<&Manifest>)> = BTreeMap::new();
        for manifest in landscape.manifests() {
            let is_installed = manifest.path.segments().any(|segment| segment == b"vendor");
            if manifest.path.name() == Some(MANIFEST) && !is_installed {
                let said = match manifest.facts {
                    Ok(Facts::Package(said)) => Some(said),
                    _ => None,
                };
                found.insert(manifest.folder(), (manifest.path, said));
            }
        }
        let mut by_name: BTreeMap<&str, Vec<&RepoPath>> = BTreeMap::new();
        for (folder, (_, said)) in &found {
            if let Some(name) = said.and_then(|said| said.name.as_ref()) {
                by_name.entry(&name.value).or_default().push(folder);
            }
        }
        let mut packages = Vec::new();
        let mut admitted = BTreeSet::new();
        for (folder, (file, said)) in &found {
            if let Some(said) = said {
                // A package with a name and code is published by itself, wherever it stands.
                let around = folder.ancestors().skip(1).find(|above| found.contains_key(above));
                let is_published = said.name.is_some() && said.has_code;
                if is_published && around.is_some_and(|around| !is_fixture(folder, &around)) {
                    admitted.insert(folder.clone());
                }
                admitted.extend(repositories(landscape, folder, file, said, links));
                let parts = said.replaces.iter().filter_map(|name| by_name.get(name.value.as_str()));
                admitted.extend(parts.flatten().map(|folder| (*folder).clone()));
            }
            packages.push(package_of(landscape, folder, file, *said, &by_name));
        }
        claim(landscape, packages, &admitted, links);
    }
}

/// The folders of packages that a package names as repositories.
fn repositories(
    landscape: &Landscape<'_, Facts>,
    folder: &RepoPath,
    file: &RepoPath,
    said: &Manifest,
    links: &mut Links,
) -> Vec<RepoPath> {
    let mut folders = Vec::new();
    let mut seen = BTreeSet::new();
    for repository in &said.repositories {
        let evidence = repository.evidence(file);
        let (base, pattern) = match repository.value.find(['*', '?', '{', '[']) {
            Some(at) => {
                let slash = repository.value[..at].rfind('/').unwrap_or(0);
                (&repository.value[..slash], repository.value[slash..].trim_start_matches('/'))
            }
            None => (repository.value.as_str(), ""),
        };
        let Ok(base) = folder.resolve(base.as_bytes()) else {
            let message = format!("`{}` lies outside the repository, so its changes are not seen", repository.value);
            let finding = Diagnostic::warning("outside-repository", message).at(&evidence);
            links.diagnostics.push(finding.help("name a folder of the repository, or take a released version"));
            continue;
        };
        // What is between two slashes is any folder; a package that is not meant is a package all the same.
        if !seen.insert((base.clone(), pattern.split('/').count())) {
            continue;
        }
        let mut level = vec![base.clone()];
        for _ in pattern.split('/').filter(|part| !part.is_empty()) {
            level = level
                .iter()
                .flat_map(|above| {
                    let entries = landscape.entries(above);
                    entries.iter().map(|entry| above.child(&entry.name)).collect::<Vec<_>>()
                })
                .collect();
        }
        level.retain(|folder| landscape.has_manifest(&folder.child(MANIFEST)));
        if level.is_empty() && pattern.is_empty() {
            links.dangling.push(DanglingClaim {
                from: folder.clone(),
                name: MANIFEST.to_vec(),
                wanted: Some(base),
                kind: EdgeKind::Build,
                evidence,
            });
        }
        folders.extend(level);
    }
    folders
}

fn package_of<'a>(
    landscape: &Landscape<'a, Facts>,
    folder: &RepoPath,
    file: &RepoPath,
    said: Option<&Manifest>,
    by_name: &BTreeMap<&str, Vec<&RepoPath>>,
) -> Package<'a> {
    let name = said.and_then(|said| said.name.as_ref());
    let evidence = name.map_or_else(|| Evidence::new(file, 0, ""), |name| name.evidence(file));
    let mut needs = Vec::new();
    let mut names = [BTreeSet::from([SETTINGS.to_owned()]), BTreeSet::from([SETTINGS.to_owned()])];
    let required = said.into_iter().flat_map(|said| said.requires.iter().map(|name| (name, EdgeKind::Build)));
    let for_tests = said.into_iter().flat_map(|said| said.requires_for_tests.iter().map(|name| (name, EdgeKind::Test)));
    for (required, kind) in required.chain(for_tests) {
        if let Some(folders) = by_name.get(required.value.as_str()) {
            let evidence = required.evidence(file);
            needs.extend(folders.iter().map(|to| Need { folder: (*to).clone(), kind, evidence: evidence.clone() }));
        }
        if !is_platform(&required.value) {
            names[1].insert(required.value.clone());
            if kind == EdgeKind::Build {
                names[0].insert(required.value.clone());
            }
        }
    }
    let loads = said.into_iter().flat_map(|said| &said.loads);
    let climbing = loads.filter(|path| path.value.contains(".."));
    let reads = climbing
        .filter_map(|path| Some((folder.resolve(path.value.as_bytes()).ok()?, path.evidence(file))))
        .filter(|(path, _)| !path.is_within(folder))
        .collect();
    let lock = Some(folder.child(LOCK)).filter(|file| landscape.is_file(file)).map(|file| {
        let locked = match landscape.facts(&file) {
            Some(Facts::Lock(locked)) => Some(locked),
            _ => None,
        };
        let [build, test] = names.map(|names| Some(names).filter(|_| said.is_some()));
        Lock { file, holds_all: true, locked, build, test }
    });
    let settings = ["phpunit.xml", "phpunit.xml.dist", "phpunit.dist.xml"];
    let has_settings = settings.iter().any(|name| landscape.is_file(&folder.child(name.as_bytes())));
    let run = |line: &str| Some(Command { line: line.to_owned(), folder: folder.clone() });
    Package {
        aliases: name.map(|name| name.value.clone()).into_iter().collect(),
        // One at the root that only installs tools says nothing about who reads the root's other files.
        ground: match folder.is_root() && said.is_some_and(|said| !said.has_code) {
            true => Ground::Shared(["composer.json", "composer.lock"].map(str::to_owned).to_vec()),
            false => Ground::Own,
        },
        build: run("composer install"),
        test: match said {
            Some(said) if said.has_test_script => run("composer test"),
            _ if has_settings => run("vendor/bin/phpunit"),
            Some(_) => None,
            None => run("composer test"),
        },
        test_files: Vec::new(),
        tool: "composer",
        folder: folder.clone(),
        evidence,
        needs,
        reads,
        lock,
    }
}

/// PHP itself, its extensions and libraries, and Composer.
fn is_platform(name: &str) -> bool {
    !name.contains('/')
}

fn read_manifest(bytes: &[u8]) -> Result<Manifest, Unreadable> {
    let (document, lines) = read_json_lines(bytes)?;
    if !document.is_table() {
        return Err(Unreadable::at(1, "a package is a table"));
    }
    let name = document.get("name").and_then(|name| Some(lines.stated(name.line, name.text()?.to_owned())));
    let keys = |key: &str| -> Vec<Stated<String>> {
        let table = document.get(key).into_iter().flat_map(Located::entries);
        table.map(|(key, _)| lines.stated(key.line, key.text.to_lowercase())).collect()
    };
    let mut repositories = Vec::new();
    if let Some(list) = document.get("repositories") {
        let paths = list.items().iter().chain(list.entries().map(|(_, value)| value));
        let paths = paths.filter(|repository| repository.get("type").and_then(Located::text) == Some("path"));
        let urls = paths.filter_map(|repository| repository.get("url"));
        repositories.extend(urls.filter_map(|url| Some(lines.stated(url.line, url.text()?.to_owned()))));
    }
    let mut loads = Vec::new();
    for autoload in ["autoload", "autoload-dev"].into_iter().filter_map(|key| document.get(key)) {
        collect_texts(autoload, &lines, &mut loads);
    }
    Ok(Manifest {
        name: name.map(|name| name.with(name.value.to_lowercase())),
        has_code: document.get("autoload").is_some() || document.get("type").and_then(Located::text) == Some("project"),
        requires: keys("require"),
        requires_for_tests: keys("require-dev"),
        replaces: keys("replace"),
        repositories,
        loads,
        has_test_script: document.at(&["scripts", "test"]).is_some(),
    })
}

fn collect_texts(value: &Located, lines: &Lines<'_>, texts: &mut Vec<Stated<String>>) {
    let mut pending = vec![value];
    while let Some(value) = pending.pop() {
        texts.extend(value.text().map(|text| lines.stated(value.line, text.to_owned())));
        pending.extend(value.items());
        pending.extend(value.entries().map(|(_, below)| below));
    }
    texts.sort();
}

/// Reads a `composer.lock`: each package with what it requires. A name that a package stands in for needs that package.
fn read_lock(bytes: &[u8]) -> Result<Locked, Unreadable> {
    let document = read_json(bytes)?;
    if document.get("packages").is_none() {
        return Err(Unreadable::at(1, "it has no packages"));
    }
    let mut entries = Vec::new();
    let lists = ["packages", "packages-dev"].into_iter().filter_map(|key| document.get(key));
    for package in lists.flat_map(Located::items) {
        let Some(name) = package.get("name").and_then(Located::text).map(str::to_lowercase) else {
            return Err(Unreadable::at(package.line, "a package has no name"));
        };
        let keys =
            |key: &str| package.get(key).into_iter().flat_map(Located::entries).map(|(key, _)| key.text.to_lowercase());
        for other in keys("provide").chain(keys("replace")) {
            let needs = vec![name.clone()];
            entries.push(LockedEntry { name: other, line: package.line, said: Vec::new(), needs });
        }
        let needs = keys("require").collect();
        entries.push(LockedEntry { line: package.line, said: vec![written(package)], needs, name });
    }
    let settings = document.entries().filter(|(key, _)| {
        !matches!(key.text.as_str(), "packages" | "packages-dev" | "_readme" | "content-hash" | "plugin-api-version")
    });
    let said = settings.map(|(key, value)| format!("{} {}", key.text, written(value))).collect();
    entries.push(LockedEntry { name: SETTINGS.to_owned(), line: 1, said, needs: Vec::new() });
    Ok(Locked::of(entries))
}

/// A value in one notation, whatever the white space and the order of its keys. What only informs is left out.
fn written(value: &Located) -> String {
    match &value.value {
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.clone(),
        Value::Text(text) => format!("{text:?}"),
        Value::List(items) => format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(",")),
        Value::Table(pairs) => {
            let informs =
                ["time", "support", "funding", "description", "homepage", "keywords", "authors", "notification-url"];
            let kept = pairs.iter().filter(|(key, _)| !informs.contains(&key.text.as_str()));
            let sorted: BTreeSet<String> =
                kept.map(|(key, value)| format!("{:?}:{}", key.text, written(value))).collect();
            format!("{{{}}}", sorted.into_iter().collect::<Vec<_>>().join(","))
        }
    }
}
