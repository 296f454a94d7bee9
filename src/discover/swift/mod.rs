//! Swift: every `Package.swift` is a project. It is a program; what it writes as literals is read.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::locked::{Locked, LockedEntry};
use super::packages::{Lock, Need, Package, claim, doubt_computed, folder_of};
use super::script::{Kind, Notation, Script, Token, value_of};
use super::syntax::{Located, Stated, Unreadable, read_json};
use super::{Command, Ecosystem, EdgeKind, Ground, Landscape, Links};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::path::RepoPath;

/// Packages of the Swift package manager.
pub(super) struct Swift;

const MANIFEST: &str = "Package.swift";
const LOCK: &[u8] = b"Package.resolved";
const NOTATION: Notation = Notation { comment: "//", interpolation: "\\(", has_single_quotes: false };

/// What one file says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Facts {
    /// `Package.swift`, or one for a version of the tools.
    Package(Manifest),
    /// `Package.resolved`.
    Lock(Locked),
}

/// What a `Package.swift` says.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Manifest {
    name: Option<Stated<String>>,
    /// Packages by path; none where the path is worked out.
    packages: Vec<Stated<Option<String>>>,
    /// The folders of targets.
    targets: Vec<Stated<String>>,
    has_tests: bool,
}

impl Ecosystem for Swift {
    type Facts = Facts;

    const NAME: &'static str = "swift";

    fn recognises(name: &[u8]) -> bool {
        is_manifest(name) || name == LOCK
    }

    fn read(name: &[u8], bytes: &[u8]) -> Result<Facts, Unreadable> {
        match name {
            LOCK => read_lock(bytes).map(Facts::Lock),
            _ => read_manifest(bytes).map(Facts::Package),
        }
    }

    fn link(landscape: &Landscape<'_, Facts>, links: &mut Links) {
        let folders: BTreeSet<RepoPath> = landscape
            .manifests()
            .iter()
            .filter(|manifest| manifest.path.name() == Some(MANIFEST.as_bytes()))
            .map(|manifest| manifest.folder())
            .collect();
        let packages = folders.into_iter().map(|folder| package_of(landscape, folder, links)).collect();
        claim(landscape, packages, &BTreeSet::new(), links);
    }
}

/// `Package.swift` and `Package@swift-5.9.swift`.
fn is_manifest(name: &[u8]) -> bool {
    name == MANIFEST.as_bytes() || (name.starts_with(b"Package@swift-") && name.ends_with(b".swift"))
}

fn package_of<'a>(landscape: &Landscape<'a, Facts>, folder: RepoPath, links: &mut Links) -> Package<'a> {
    let entries = landscape.entries(&folder);
    let files = entries.iter().filter(|entry| is_manifest(&entry.name)).map(|entry| folder.child(&entry.name));
    let manifests: Vec<(RepoPath, Option<&Manifest>)> = files
        .map(|file| match landscape.facts(&file) {
            Some(Facts::Package(manifest)) => (file, Some(manifest)),
            _ => (file, None),
        })
        .collect();
    let path = folder.child(MANIFEST.as_bytes());
    let name = match landscape.facts(&path) {
        Some(Facts::Package(manifest)) => manifest.name.as_ref(),
        _ => None,
    };
    let evidence = name.map_or_else(|| Evidence::new(&path, 0, ""), |name| name.evidence(&path));
    let (mut needs, mut reads) = (Vec::new(), Vec::new());
    for (file, manifest) in manifests.iter().filter_map(|(file, manifest)| Some((file, (*manifest)?))) {
        for package in &manifest.packages {
            let at = package.evidence(file);
            let Some(written) = &package.value else {
                doubt_computed(&folder, "a package", &at, links);
                continue;
            };
            let found = folder_of(landscape, &folder, written, &[MANIFEST], &at, links);
            needs.extend(found.map(|folder| Need { folder, kind: EdgeKind::Build, evidence: at }));
        }
        for target in &manifest.targets {
            match folder.resolve(target.value.as_bytes()) {
                Ok(path) => reads.push((path, target.evidence(file))),
                Err(_) => {
                    let message =
                        format!("`{}` lies outside the repository, so its changes are not seen", target.value);
                    let finding = Diagnostic::warning("outside-repository", message).at(&target.evidence(file));
                    links.diagnostics.push(finding.help("name a folder of the repository"));
                }
            }
        }
    }
    let version = landscape.nearest(&folder, &[".swift-version"]);
    reads.extend(version.map(|path| (path.clone(), Evidence::new(&path, 0, ""))));
    let lock = Some(folder.child(LOCK)).filter(|file| landscape.is_file(file)).map(|file| {
        let locked = match landscape.facts(&file) {
            Some(Facts::Lock(locked)) => Some(locked),
            _ => None,
        };
        // It does not say which package needs which.
        let names: Option<BTreeSet<String>> = locked.map(|locked| locked.names().map(str::to_owned).collect());
        Lock { file, holds_all: true, locked, build: names.clone(), test: names }
    });
    let has_tests = manifests.iter().any(|(_, manifest)| manifest.is_none_or(|manifest| manifest.has_tests));
    let run = |line: &str| Some(Command { line: line.to_owned(), folder: folder.clone() });
    needs.sort();
    needs.dedup_by(|a, b| (&a.folder, a.kind) == (&b.folder, b.kind));
    Package {
        aliases: name.map(|name| name.value.clone()).into_iter().collect(),
        ground: Ground::Own,
        build: run("swift build"),
        test: if has_tests { run("swift test") } else { None },
        test_files: Vec::new(),
        tool: "swift",
        folder,
        evidence,
        needs,
        reads,
        lock,
    }
}

fn read_manifest(bytes: &[u8]) -> Result<Manifest, Unreadable> {
    let script = Script::read(bytes, NOTATION)?;
    let mut manifest = Manifest::default();
    for (at, token) in script.tokens.iter().enumerate() {
        let (Kind::Word(word), Some(Token { kind: Kind::Sign(b'('), .. })) = (token.kind, script.tokens.get(at + 1))
        else {
            continue;
        };
        match word {
            "Package" if manifest.name.is_none() => {
                if let [Token { kind: Kind::Text(name), .. }, ..] = value_of(script.enclosed(at + 1), "name") {
                    manifest.name = Some(script.stated(token, (*name).to_owned()));
                }
            }
            "package" => match value_of(script.enclosed(at + 1), "path") {
                [text @ Token { kind: Kind::Text(path), .. }, ..] if script.is_literal(path) => {
                    manifest.packages.push(script.stated(text, Some((*path).to_owned())));
                }
                [computed, ..] => manifest.packages.push(script.stated(computed, None)),
                [] => {}
            },
            "target" | "executableTarget" | "testTarget" | "macro" | "plugin" | "systemLibrary" | "binaryTarget" => {
                manifest.has_tests |= word == "testTarget";
                if let [text @ Token { kind: Kind::Text(path), .. }, ..] = value_of(script.enclosed(at + 1), "path")
                    && script.is_literal(path)
                {
                    manifest.targets.push(script.stated(text, (*path).to_owned()));
                }
            }
            _ => {}
        }
    }
    Ok(manifest)
}

/// Reads a `Package.resolved`: a pin for each package, in any version of the format.
fn read_lock(bytes: &[u8]) -> Result<Locked, Unreadable> {
    let document = read_json(bytes)?;
    let pins = document.get("pins").or_else(|| document.at(&["object", "pins"]));
    let pins = pins.ok_or_else(|| Unreadable::at(1, "it has no pins"))?;
    let entries = pins.items().iter().map(|pin| {
        let text = |keys: &[&str]| pin.at(keys).and_then(Located::scalar).unwrap_or_default();
        let location = text(&["location"]) + &text(&["repositoryURL"]);
        let mut said = vec![location.clone(), text(&["kind"])];
        said.extend(["branch", "revision", "version"].map(|key| text(&["state", key])));
        let name = [text(&["identity"]), text(&["package"]), location].into_iter().find(|name| !name.is_empty());
        LockedEntry { name: name.unwrap_or_default(), line: pin.line, said, needs: Vec::new() }
    });
    Ok(Locked::of(entries.collect()))
}
