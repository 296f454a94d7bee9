//! Elixir: every `mix.exs` is a project. It is a program; what it writes as literals is read.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::locked::{Locked, LockedEntry};
use super::packages::{Lock, Need, Package, claim, doubt_computed, folder_of};
use super::script::{Kind, Notation, Script, Token, value_of};
use super::syntax::{Lines, Stated, Unreadable, text_of};
use super::{Command, Ecosystem, EdgeKind, Ground, Landscape, Links};
use crate::diagnostic::Evidence;
use crate::path::RepoPath;

/// Projects of Mix.
pub(super) struct Elixir;

const MANIFEST: &str = "mix.exs";
const LOCK: &[u8] = b"mix.lock";
const NOTATION: Notation = Notation { comment: "#", interpolation: "#{", has_single_quotes: false };

/// What one file says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Facts {
    /// `mix.exs`.
    Project(Box<Project>),
    /// `mix.lock`; none where a line of it is not understood.
    Lock(Option<Locked>),
}

/// What a `mix.exs` says.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Project {
    app: Option<Stated<String>>,
    /// The folder of the applications of an umbrella.
    apps_path: Option<Stated<String>>,
    dependencies: Vec<Stated<Dependency>>,
    /// Paths to the lockfile and the configuration elsewhere.
    lockfile: Option<Stated<String>>,
    configuration: Option<Stated<String>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Dependency {
    name: String,
    is_test: bool,
    source: Source,
}

#[derive(Debug, Serialize, Deserialize)]
enum Source {
    /// A folder.
    Path(String),
    /// A folder that is worked out.
    Computed,
    /// An application of the same umbrella.
    Umbrella,
    /// A registry or another repository.
    Elsewhere,
}

impl Ecosystem for Elixir {
    type Facts = Facts;

    const NAME: &'static str = "elixir";

    fn recognises(name: &[u8]) -> bool {
        name == MANIFEST.as_bytes() || name == LOCK
    }

    fn read(name: &[u8], bytes: &[u8]) -> Result<Facts, Unreadable> {
        match name {
            LOCK => read_lock(bytes).map(Facts::Lock),
            _ => read_project(bytes).map(|project| Facts::Project(Box::new(project))),
        }
    }

    fn link(landscape: &Landscape<'_, Facts>, links: &mut Links) {
        let manifests = landscape.manifests().iter().filter(|manifest| {
            let fetched = manifest.path.segments().any(|segment| segment == b"deps");
            manifest.path.name() == Some(MANIFEST.as_bytes()) && !fetched
        });
        let mut packages = Vec::new();
        let mut admitted = BTreeSet::new();
        for manifest in manifests {
            let project = match manifest.facts {
                Ok(Facts::Project(project)) => Some(&**project),
                _ => None,
            };
            let folder = manifest.folder();
            for app in umbrella_apps(landscape, &folder, project) {
                admitted.insert(app);
            }
            packages.push(package_of(landscape, folder, manifest.path, project, links));
        }
        claim(landscape, packages, &admitted, links);
    }
}

/// The folders of the applications of an umbrella.
fn umbrella_apps(landscape: &Landscape<'_, Facts>, folder: &RepoPath, project: Option<&Project>) -> Vec<RepoPath> {
    let apps = project.and_then(|project| project.apps_path.as_ref());
    let Some(Ok(apps)) = apps.map(|apps| folder.resolve(apps.value.as_bytes())) else { return Vec::new() };
    let below = landscape.entries(&apps);
    let folders = below.iter().map(|entry| apps.child(&entry.name));
    folders.filter(|app| landscape.has_manifest(&app.child(MANIFEST.as_bytes()))).collect()
}

fn package_of<'a>(
    landscape: &Landscape<'a, Facts>,
    folder: RepoPath,
    file: &RepoPath,
    project: Option<&Project>,
    links: &mut Links,
) -> Package<'a> {
    let app = project.and_then(|project| project.app.as_ref());
    let evidence = app.map_or_else(|| Evidence::new(file, 0, ""), |app| app.evidence(file));
    let mut needs = Vec::new();
    let mut reads = Vec::new();
    let mut names = [BTreeSet::new(), BTreeSet::new()];
    for dependency in project.into_iter().flat_map(|project| &project.dependencies) {
        let Dependency { name, is_test, source } = &dependency.value;
        let kind = if *is_test { EdgeKind::Test } else { EdgeKind::Build };
        let at = dependency.evidence(file);
        let written = match source {
            Source::Path(path) => path.clone(),
            Source::Umbrella => format!("../{name}"),
            Source::Computed => {
                doubt_computed(&folder, &format!("`{name}`"), &at, links);
                continue;
            }
            Source::Elsewhere => {
                names[1].insert(name.clone());
                if !is_test {
                    names[0].insert(name.clone());
                }
                continue;
            }
        };
        let found = folder_of(landscape, &folder, &written, &[MANIFEST], &at, links);
        needs.extend(found.map(|folder| Need { folder, kind, evidence: at }));
    }
    for app in umbrella_apps(landscape, &folder, project) {
        needs.push(Need { folder: app, kind: EdgeKind::Build, evidence: evidence.clone() });
    }
    let configuration = project.and_then(|project| project.configuration.as_ref());
    if let Some(configuration) = configuration {
        // Beside the file that is named stand those of each environment.
        let named = folder.resolve(configuration.value.as_bytes()).ok().and_then(|path| path.parent());
        reads.extend(named.map(|path| (path, configuration.evidence(file))));
    }
    let versions = landscape.nearest(&folder, &[".tool-versions"]);
    reads.extend(versions.map(|path| (path.clone(), Evidence::new(&path, 0, ""))));
    let lock_file = match project.and_then(|project| project.lockfile.as_ref()) {
        Some(named) => folder.resolve(named.value.as_bytes()).ok(),
        None => Some(folder.child(LOCK)),
    };
    let lock = lock_file.filter(|file| landscape.is_file(file)).map(|file| {
        let locked = match landscape.facts(&file) {
            Some(Facts::Lock(locked)) => locked.as_ref(),
            _ => None,
        };
        // What packages of the repository need of it, their own builds read.
        let [build, test] = names.map(|names| Some(names).filter(|_| project.is_some()));
        Lock { file, holds_all: false, locked, build, test }
    });
    let has_tests = landscape.is_folder(&folder.child(b"test")) || project.is_none();
    let is_umbrella = project.is_some_and(|project| project.apps_path.is_some());
    let run = |line: &str| Some(Command { line: line.to_owned(), folder: folder.clone() });
    Package {
        aliases: app.map(|app| app.value.clone()).into_iter().collect(),
        build: run("mix compile"),
        test: if has_tests || is_umbrella { run("mix test") } else { None },
        test_files: vec!["test/**".to_owned()],
        ground: Ground::Own,
        tool: "mix",
        folder,
        evidence,
        needs,
        reads,
        lock,
    }
}

fn read_project(bytes: &[u8]) -> Result<Project, Unreadable> {
    let script = Script::read(bytes, NOTATION)?;
    let mut project = Project::default();
    for (at, token) in script.tokens.iter().enumerate() {
        let following = &script.tokens[at + 1..];
        match (token.kind, following) {
            // `app: :name`
            (Kind::Word("app"), [colon, sign, Token { kind: Kind::Word(name), .. }, ..])
                if is_sign(colon, b':') && is_sign(sign, b':') && project.app.is_none() =>
            {
                project.app = Some(script.stated(token, (*name).to_owned()));
            }
            (
                Kind::Word(key @ ("apps_path" | "lockfile" | "config_path")),
                [colon, Token { kind: Kind::Text(text), .. }, ..],
            ) if is_sign(colon, b':') && script.is_literal(text) => {
                let stated = Some(script.stated(token, (*text).to_owned()));
                match key {
                    "apps_path" => project.apps_path = stated,
                    "lockfile" => project.lockfile = stated,
                    _ => project.configuration = stated,
                }
            }
            // `{:name, …}`
            (Kind::Sign(b'{'), [colon, Token { kind: Kind::Word(name), .. }, comma, ..])
                if is_sign(colon, b':') && is_sign(comma, b',') =>
            {
                let arguments = script.enclosed(at);
                let path = value_of(arguments, "path");
                let source = match path {
                    [Token { kind: Kind::Text(path), .. }, ..] if script.is_literal(path) => {
                        Source::Path((*path).to_owned())
                    }
                    [_, ..] => Source::Computed,
                    [] if !value_of(arguments, "in_umbrella").is_empty() => Source::Umbrella,
                    // Another tuple, such as an option of the project.
                    [] if !matches!(
                        arguments.get(3),
                        Some(Token { kind: Kind::Text(_) | Kind::Word("git" | "github" | "hex"), .. })
                    ) =>
                    {
                        continue;
                    }
                    [] => Source::Elsewhere,
                };
                let only = value_of(arguments, "only");
                let environments: Vec<_> = only
                    .iter()
                    .take_while(|token| !matches!(token.kind, Kind::Sign(b']')))
                    .filter_map(|token| if let Kind::Word(word) = token.kind { Some(word) } else { None })
                    .take(if only.first().is_some_and(|first| is_sign(first, b'[')) { 9 } else { 1 })
                    .collect();
                let is_test = !environments.is_empty() && environments.iter().all(|name| *name == "test");
                let dependency = Dependency { name: (*name).to_owned(), is_test, source };
                project.dependencies.push(script.stated(token, dependency));
            }
            _ => {}
        }
    }
    Ok(project)
}

fn is_sign(token: &Token<'_>, sign: u8) -> bool {
    token.kind == Kind::Sign(sign)
}

/// Reads a `mix.lock`: a line for each package. None where there is a line that is not understood.
fn read_lock(bytes: &[u8]) -> Result<Option<Locked>, Unreadable> {
    let text = text_of(bytes)?;
    let lines = Lines::new(text);
    let mut entries = Vec::new();
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let number = lines.line_of(offset);
        offset += line.len();
        let line = line.trim();
        if matches!(line, "%{" | "}" | "" | "%{}") {
            continue;
        }
        let parts = line.strip_prefix('"').and_then(|rest| rest.split_once("\": {"));
        let Some((name, said)) = parts.filter(|(_, said)| said.trim_end_matches(',').ends_with('}')) else {
            return Ok(None);
        };
        // What a package from elsewhere than a registry needs is not listed.
        if !said.starts_with(":hex,") {
            return Ok(None);
        }
        let needs = said.match_indices("{:").filter_map(|(at, sign)| {
            said[at + sign.len()..].split(',').next().map(|name| name.trim_matches('"').to_owned())
        });
        entries.push(LockedEntry {
            name: name.to_owned(),
            line: number,
            needs: needs.collect(),
            said: vec![said.trim_end_matches(',').to_owned()],
        });
    }
    Ok(Some(Locked::of(entries)))
}
