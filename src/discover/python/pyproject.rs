//! `pyproject.toml` and `Pipfile`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::reference::{Dependency, Source, kind_of_group, normalise, read_location, read_requirement};
use super::tables::{ONLOOKERS, Tables, built_groups, cut, includes};
use crate::discover::EdgeKind;
use crate::discover::syntax::{Lines, Located, Stated, Unreadable, Value, read_toml, text_of};

/// What a `pyproject.toml` says.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::discover) struct Pyproject {
    pub(super) name: Option<Stated<String>>,
    /// Whether it describes a project, and not only the settings of tools.
    pub(super) is_project: bool,
    /// Whether its own tool can build it into a package.
    pub(super) is_package: bool,
    pub(super) has_build_system: bool,
    pub(super) manager: Option<Manager>,
    pub(super) workspace: Option<Members>,
    pub(super) sources: Vec<(String, Stated<Source>)>,
    pub(super) dependencies: Vec<Stated<Dependency>>,
    /// Paths that begin with `../`, wherever they stand.
    pub(super) outside: Vec<Stated<String>>,
    /// Whether every package that it depends on stands here by name: nothing else computes them.
    pub(super) names_all: bool,
    /// The modules that its scripts begin in, as `a.b:main`.
    pub(super) scripts: Vec<Stated<String>>,
    /// Whether packages may be installed under other names than those of their folders.
    pub(super) renames: bool,
    /// All that it says, in parts.
    pub(super) tables: Tables,
}

/// The tool that a project is developed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::discover) enum Manager {
    Uv,
    Poetry,
    Pdm,
    Pipenv,
}

/// The members of a workspace, as globs of folders.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::discover) struct Members {
    pub(super) include: Stated<Vec<String>>,
    pub(super) exclude: Vec<String>,
}

pub(super) fn read_pyproject(bytes: &[u8]) -> Result<Pyproject, Unreadable> {
    let document = read_toml(bytes)?;
    let lines = Lines::new(text_of(bytes)?);
    let tool = |keys: &[&str]| document.get("tool").and_then(|tool| tool.at(keys));
    let poetry = tool(&["poetry"]);
    let (uv, pdm) = (tool(&["uv"]), tool(&["pdm"]));
    let project = document.get("project");
    let build_system = document.get("build-system");
    let backend =
        build_system.and_then(|system| system.get("build-backend")).and_then(Located::text).unwrap_or_default();
    let manager = if uv.is_some() || tool(&["rye"]).is_some() || backend.starts_with("uv_build") {
        Some(Manager::Uv)
    } else if poetry.is_some() || backend.starts_with("poetry") {
        Some(Manager::Poetry)
    } else if pdm.is_some() || backend.starts_with("pdm") {
        Some(Manager::Pdm)
    } else {
        None
    };
    let name = project.and_then(|project| project.get("name")).or_else(|| poetry.and_then(|poetry| poetry.get("name")));
    let named = name.is_some();
    let refuses = |value: Option<&Located>| value.and_then(Located::truth) == Some(false);
    let is_package = match manager {
        Some(Manager::Uv) => build_system.is_some() && !refuses(tool(&["uv", "package"])),
        Some(Manager::Poetry) => named && !refuses(tool(&["poetry", "package-mode"])),
        Some(Manager::Pdm) => build_system.is_some() && !refuses(tool(&["pdm", "distribution"])),
        Some(Manager::Pipenv) | None => project.is_some() || build_system.is_some(),
    };
    let workspace = tool(&["uv", "workspace"]).or_else(|| tool(&["rye", "workspace"])).map(|workspace| {
        let texts = |key| texts(workspace.get(key)).map(|(_, text)| text.to_owned()).collect::<Vec<_>>();
        let line = workspace.get("members").map_or(workspace.line, |members| members.line);
        Members { include: lines.stated(line, texts("members")), exclude: texts("exclude") }
    });
    let mut found = Collected { lines: &lines, dependencies: Vec::new() };
    found.all(&document);
    let computes = document.at(&["project", "dynamic"]).map_or(&[][..], Located::items);
    let computes = computes.iter().any(|item| matches!(item.text(), Some("dependencies" | "optional-dependencies")));
    let states = if computes { tool(&["poetry", "dependencies"]).is_some() } else { project.or(poetry).is_some() };
    Ok(Pyproject {
        name: name.and_then(|name| Some(lines.stated(name.line, name.text()?.to_owned()))),
        is_project: project.is_some()
            || build_system.is_some()
            || poetry.is_some()
            || document.get("dependency-groups").is_some()
            || tool(&["flit"]).is_some(),
        is_package,
        has_build_system: build_system.is_some(),
        manager,
        workspace,
        sources: read_sources(tool(&["uv", "sources"]), &lines),
        names_all: states && found.dependencies.iter().all(|dependency| dependency.value.name.is_some()),
        tables: cut(&document, &found.dependencies),
        scripts: scripts(&document, &lines),
        renames: renames(&document),
        dependencies: found.dependencies,
        outside: read_outside(&document, &lines),
    })
}

fn scripts(document: &Located, lines: &Lines<'_>) -> Vec<Stated<String>> {
    let ways: [&[&str]; 3] = [&["project", "scripts"], &["project", "gui-scripts"], &["tool", "poetry", "scripts"]];
    let tables = ways.into_iter().filter_map(|way| document.at(way));
    let entries = tables.flat_map(Located::entries).map(|(_, script)| script);
    entries.filter_map(|script| Some(lines.stated(script.line, script.text()?.to_owned()))).collect()
}

/// Whether a build backend is told to put packages elsewhere than they stand.
fn renames(document: &Located) -> bool {
    let setuptools = document.at(&["tool", "setuptools", "package-dir"]);
    let mut pending: Vec<&Located> = document.at(&["tool", "hatch", "build"]).into_iter().collect();
    let mut found = setuptools.is_some_and(|table| table.entries().any(|(name, _)| !name.text.is_empty()));
    let poetry = document.at(&["tool", "poetry", "packages"]).map_or(&[][..], Located::items);
    found |= poetry.iter().any(|package| package.get("to").is_some());
    while let Some(table) = pending.pop() {
        for (key, value) in table.entries() {
            found |= matches!(key.text.as_str(), "force-include" | "sources") && value.entries().next().is_some();
            pending.push(value);
        }
    }
    found
}

pub(super) fn read_pipfile(bytes: &[u8]) -> Result<Vec<Stated<Dependency>>, Unreadable> {
    let document = read_toml(bytes)?;
    let lines = Lines::new(text_of(bytes)?);
    let mut found = Collected { lines: &lines, dependencies: Vec::new() };
    for (category, table) in document.entries() {
        match category.text.as_str() {
            "source" | "requires" | "pipenv" | "scripts" => {}
            "packages" => found.table(Some(table), EdgeKind::Build),
            "dev-packages" => found.table(Some(table), EdgeKind::Test),
            other => found.table(Some(table), kind_of_group(other)),
        }
    }
    Ok(found.dependencies)
}

struct Collected<'a> {
    lines: &'a Lines<'a>,
    dependencies: Vec<Stated<Dependency>>,
}

impl Collected<'_> {
    fn all(&mut self, document: &Located) {
        let tool = |keys: &[&str]| document.get("tool").and_then(|tool| tool.at(keys));
        self.list(document.at(&["build-system", "requires"]), EdgeKind::Build);
        self.list(document.at(&["project", "dependencies"]), EdgeKind::Build);
        if let Some(extras) = document.at(&["project", "optional-dependencies"]) {
            for (extra, list) in extras.entries() {
                self.list(Some(list), kind_of_group(&extra.text));
            }
        }
        self.groups(document.get("dependency-groups"));
        self.list(tool(&["uv", "dev-dependencies"]), EdgeKind::Test);
        self.list(tool(&["rye", "dev-dependencies"]), EdgeKind::Test);
        if let Some(groups) = tool(&["pdm", "dev-dependencies"]) {
            for (_, list) in groups.entries() {
                self.list(Some(list), EdgeKind::Test);
            }
        }
        if let Some(environments) = tool(&["hatch", "envs"]) {
            for (_, environment) in environments.entries() {
                self.list(environment.get("dependencies"), EdgeKind::Test);
                self.list(environment.get("extra-dependencies"), EdgeKind::Test);
            }
        }
        self.table(tool(&["poetry", "dependencies"]), EdgeKind::Build);
        self.table(tool(&["poetry", "dev-dependencies"]), EdgeKind::Test);
        if let Some(groups) = tool(&["poetry", "group"]) {
            let built = built_groups(groups.entries().map(|(group, table)| (group.text.as_str(), includes(table))));
            for (group, table) in groups.entries() {
                self.table(table.get("dependencies"), kind_of(&group.text, &built));
            }
        }
    }

    /// A list of requirements as texts.
    fn list(&mut self, list: Option<&Located>, kind: EdgeKind) {
        for (line, text) in texts(list) {
            self.dependencies.extend(read_requirement(text, kind).map(|read| self.lines.stated(line, read)));
        }
    }

    /// Dependency groups (PEP 735).
    fn groups(&mut self, groups: Option<&Located>) {
        let Some(groups) = groups else { return };
        let built = built_groups(groups.entries().map(|(group, list)| (group.text.as_str(), includes(list))));
        for (group, list) in groups.entries() {
            self.list(Some(list), kind_of(&group.text, &built));
        }
    }

    /// A table from names to versions or to tables such as `{path = "../lib"}`, the way of poetry and pipenv.
    fn table(&mut self, table: Option<&Located>, kind: EdgeKind) {
        for (name, value) in table.into_iter().flat_map(Located::entries) {
            let alternatives = match &value.value {
                Value::List(alternatives) => alternatives.as_slice(),
                _ => std::slice::from_ref(value),
            };
            for alternative in alternatives {
                let (line, source) = source_of(alternative).unwrap_or((name.line, Source::Name));
                let dependency = Dependency { name: Some(normalise(&name.text)), source, kind };
                self.dependencies.push(self.lines.stated(line, dependency));
            }
        }
    }
}

fn kind_of(group: &str, built: &BTreeSet<String>) -> EdgeKind {
    if built.contains(&normalise(group)) { EdgeKind::Build } else { EdgeKind::Test }
}

/// What a table such as `{path = "../lib", develop = true}` says, and the line that says it.
fn source_of(value: &Located) -> Option<(u32, Source)> {
    if let Some(path) = value.get("path").or_else(|| value.get("file")) {
        return Some((path.line, read_location(path.text()?)));
    }
    if let Some(workspace) = value.get("workspace")
        && workspace.truth() == Some(true)
    {
        return Some((workspace.line, Source::Workspace));
    }
    if let Some(url) = value.get("url") {
        return Some((url.line, read_location(url.text()?)));
    }
    ["git", "hg", "svn", "index"].iter().find_map(|key| value.get(key)).map(|value| (value.line, Source::Elsewhere))
}

fn read_sources(table: Option<&Located>, lines: &Lines<'_>) -> Vec<(String, Stated<Source>)> {
    let mut sources = Vec::new();
    for (name, value) in table.into_iter().flat_map(Located::entries) {
        let alternatives = match &value.value {
            Value::List(alternatives) => alternatives.as_slice(),
            _ => std::slice::from_ref(value),
        };
        let read = alternatives.iter().filter_map(source_of);
        sources.extend(read.map(|(line, source)| (normalise(&name.text), lines.stated(line, source))));
    }
    sources
}

/// Every path that climbs out of the folder, whatever tool reads it: readme, packages, force-include, pythonpath.
fn read_outside(document: &Located, lines: &Lines<'_>) -> Vec<Stated<String>> {
    let mut outside = Vec::new();
    let mut pending: Vec<(&Located, bool)> = vec![(document, false)];
    while let Some((value, in_tool)) = pending.pop() {
        if let Some(text) = value.text() {
            outside.extend(climbing(text).map(|path| lines.stated(value.line, path)));
        }
        pending.extend(value.items().iter().map(|item| (item, false)));
        if let (Some(from), Some(include)) =
            (value.get("from").and_then(Located::text), value.get("include").and_then(Located::text))
        {
            outside.extend(climbing(&format!("{from}/{include}")).map(|path| lines.stated(value.line, path)));
            continue;
        }
        for (key, below) in value.entries() {
            let dependencies = key.text == "sources" || key.text.ends_with("dependencies") || key.text == "path";
            if dependencies || in_tool && ONLOOKERS.contains(&key.text.as_str()) {
                continue;
            }
            outside.extend(climbing(&key.text).map(|path| lines.stated(key.line, path)));
            pending.push((below, key.text == "tool"));
        }
    }
    outside.sort_by(|a, b| (a.line, &a.value).cmp(&(b.line, &b.value)));
    outside
}

fn climbing(text: &str) -> Option<String> {
    let path = text.strip_prefix("./").unwrap_or(text);
    let climbs = path == ".." || path.starts_with("../") && !path.contains(char::is_whitespace);
    // What a glob begins with is read as a whole.
    climbs
        .then(|| path.split('/').take_while(|segment| !segment.contains(['*', '?', '['])).collect::<Vec<_>>().join("/"))
}

/// The texts of a list, each with its line.
fn texts(list: Option<&Located>) -> impl Iterator<Item = (u32, &str)> {
    list.map_or(&[][..], Located::items).iter().filter_map(|item| Some((item.line, item.text()?)))
}
