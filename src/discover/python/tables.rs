//! `pyproject.toml` in slices: its tables, and who sees each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::reference::{Dependency, kind_of_group, normalise};
use crate::discover::syntax::{Key, Located, Stated};
use crate::discover::{EdgeKind, FragmentIndex, Fragments};

/// Tools that only lint and format. What they are told counts where a dependency of the build has the tool's name in its
/// own (mypyc compiles with mypy), and for tests where a plugin of pytest has.
pub(super) const ONLOOKERS: [&str; 22] = [
    "autoflake",
    "bandit",
    "basedpyright",
    "black",
    "bumpversion",
    "codespell",
    "commitizen",
    "deptry",
    "docformatter",
    "flake8",
    "interrogate",
    "isort",
    "mypy",
    "pydocstyle",
    "pydoclint",
    "pylint",
    "pyright",
    "ruff",
    "towncrier",
    "typos",
    "vulture",
    "yapf",
];

/// Tools that only run tests.
const TESTERS: [&str; 4] = ["coverage", "nox", "pytest", "tox"];

/// A `pyproject.toml`, cut into its tables.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::discover) struct Tables {
    pub(super) fragments: Arc<Fragments>,
    /// What a build of its own project sees.
    pub(super) build: FragmentIndex,
    /// What its tests see: all of it, but for what only linters do.
    pub(super) all: FragmentIndex,
    /// What acts on each member of its workspace.
    pub(super) for_members: FragmentIndex,
    /// Where members take a dependency from, by its normalised name.
    pub(super) sources: BTreeMap<String, FragmentIndex>,
    /// The settings of pytest.
    pub(super) pytest: Option<FragmentIndex>,
}

#[derive(Default)]
struct Cut {
    fragments: Fragments,
    /// Who sees each fragment.
    build: Vec<FragmentIndex>,
    all: Vec<FragmentIndex>,
    for_members: Vec<FragmentIndex>,
}

/// By whom a table is seen.
#[derive(Clone, Copy)]
enum Seen {
    /// By builds, and by all that follows them.
    Built,
    Tested,
}

impl Cut {
    fn add(&mut self, prefix: &str, key: &Key, value: &Located, seen: Seen) -> FragmentIndex {
        let fragment = self.fragments.add(format!("{prefix}{}", key.text), key.line, &[&value.canonical()]);
        self.all.push(fragment);
        if matches!(seen, Seen::Built) {
            self.build.push(fragment);
        }
        fragment
    }

    /// Adds what stands under each key of a table, or what there is instead of a table.
    fn add_each(&mut self, prefix: &str, key: &Key, value: &Located, seen: impl Fn(&str) -> Seen) {
        if !value.is_table() {
            self.add(prefix, key, value, Seen::Built);
        }
        let below = format!("{prefix}{}.", key.text);
        for (key, value) in value.entries() {
            self.add(&below, key, value, seen(&key.text));
        }
    }
}

/// Cuts a manifest. Its dependencies tell whose settings count.
pub(super) fn cut(document: &Located, dependencies: &[Stated<Dependency>]) -> Tables {
    let mut cut = Cut::default();
    let mut tables = Tables::default();
    for (key, value) in document.entries() {
        match key.text.as_str() {
            "tool" if value.is_table() => {
                for (tool, table) in value.entries() {
                    let is_heard = |kind: EdgeKind| is_heard(&tool.text, kind, dependencies);
                    match tool.text.as_str() {
                        name if ONLOOKERS.contains(&name) => {
                            if is_heard(EdgeKind::Build) {
                                cut.add("tool.", tool, table, Seen::Built);
                            } else if is_heard(EdgeKind::Test) {
                                cut.add("tool.", tool, table, Seen::Tested);
                            }
                        }
                        name if TESTERS.contains(&name) => {
                            let fragment = cut.add("tool.", tool, table, Seen::Tested);
                            if name == "pytest" {
                                tables.pytest = Some(fragment);
                            }
                        }
                        "uv" if table.is_table() => tables.sources.extend(uv(&mut cut, table)),
                        "poetry" if table.is_table() => poetry(&mut cut, tool, table),
                        "pdm" => cut.add_each("tool.", tool, table, of_development),
                        "rye" => {
                            let fragment = cut.add("tool.", tool, table, Seen::Built);
                            cut.for_members.push(fragment);
                        }
                        _ => {
                            cut.add("tool.", tool, table, Seen::Built);
                        }
                    }
                }
            }
            "dependency-groups" => {
                let built = built_groups(value.entries().map(|(group, list)| (group.text.as_str(), includes(list))));
                let seen = |group: &str| if built.contains(&normalise(group)) { Seen::Built } else { Seen::Tested };
                cut.add_each("", key, value, seen);
            }
            _ => cut.add_each("", key, value, |_| Seen::Built),
        }
    }
    let Cut { mut fragments, build, all, for_members } = cut;
    tables.build = fragments.group("what a build can see", 1, build);
    tables.all = fragments.group("what a test can see", 1, all);
    tables.for_members = fragments.group("what acts on all members", 1, for_members);
    tables.fragments = fragments.sealed();
    tables
}

/// `[tool.uv]`. Who the members of its workspace are is in projects and edges.
fn uv(cut: &mut Cut, table: &Located) -> Vec<(String, FragmentIndex)> {
    let mut sources = Vec::new();
    for (key, value) in table.entries() {
        match key.text.as_str() {
            "workspace" if value.is_table() => {}
            "sources" if value.is_table() => {
                for (name, source) in value.entries() {
                    sources.push((normalise(&name.text), cut.add("tool.uv.sources.", name, source, Seen::Built)));
                }
            }
            "dev-dependencies" => {
                cut.add("tool.uv.", key, value, Seen::Tested);
            }
            _ => {
                let fragment = cut.add("tool.uv.", key, value, Seen::Built);
                cut.for_members.push(fragment);
            }
        }
    }
    sources
}

fn poetry(cut: &mut Cut, tool: &Key, table: &Located) {
    let (groups, rest): (Vec<_>, Vec<_>) =
        table.entries().partition(|(key, value)| key.text == "group" && value.is_table());
    for (_, groups) in groups {
        let built = built_groups(groups.entries().map(|(group, table)| (group.text.as_str(), includes(table))));
        for (group, table) in groups.entries() {
            let seen = if built.contains(&normalise(&group.text)) { Seen::Built } else { Seen::Tested };
            cut.add("tool.poetry.group.", group, table, seen);
        }
    }
    let prefix = format!("tool.{}.", tool.text);
    for (key, value) in rest {
        cut.add(&prefix, key, value, of_development(&key.text));
    }
}

fn of_development(key: &str) -> Seen {
    if key == "dev-dependencies" { Seen::Tested } else { Seen::Built }
}

/// Whether builds or tests may hear what a tool is told: a dependency has its name.
fn is_heard(tool: &str, by: EdgeKind, dependencies: &[Stated<Dependency>]) -> bool {
    dependencies.iter().any(|Stated { value, .. }| {
        let for_it =
            |name: &String| value.kind == EdgeKind::Build || by == EdgeKind::Test && name.starts_with("pytest");
        value.name.as_ref().is_some_and(|name| name.contains(tool) && for_it(name))
    })
}

/// The groups that a group of dependencies includes (PEP 735, poetry).
pub(super) fn includes(group: &Located) -> Vec<String> {
    let named = group.items().iter().filter_map(|item| item.get("include-group")?.text());
    let listed = group.get("include-groups").map_or(&[][..], Located::items).iter().filter_map(Located::text);
    named.chain(listed).map(normalise).collect()
}

/// The groups that are not for development alone, by normalised name, given what each includes: a group of development
/// that another kind of group includes is no longer one.
pub(super) fn built_groups<'a>(groups: impl Iterator<Item = (&'a str, Vec<String>)>) -> BTreeSet<String> {
    let by_name: BTreeMap<String, Vec<String>> = groups.map(|(name, includes)| (normalise(name), includes)).collect();
    let mut built: BTreeSet<String> = BTreeSet::new();
    let mut pending: Vec<&String> = by_name.keys().filter(|name| kind_of_group(name) == EdgeKind::Build).collect();
    while let Some(group) = pending.pop() {
        if built.insert(group.clone()) {
            pending.extend(by_name.get(group).into_iter().flatten());
        }
    }
    built
}
