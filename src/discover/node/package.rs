//! What a `package.json` says.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::discover::syntax::{Lines, Located, Stated, Unreadable, Value, read_json_lines};
use crate::discover::{FragmentIndex, Fragments};

/// What linking needs of a `package.json`.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::discover) struct Package {
    /// The name that others depend on it by.
    pub name: Option<Stated<String>>,
    /// The version, as written.
    pub version: Option<String>,
    /// The `workspaces` globs; none if the key is not there.
    pub workspaces: Option<Vec<Stated<String>>>,
    /// Every dependency of the four tables: production, optional, peer and development.
    pub dependencies: Vec<Dependency>,
    /// The `build` script.
    pub build: Option<Stated<String>>,
    /// The `test` script, unless it is the one that `npm init` writes.
    pub test: Option<Stated<String>>,
    /// Whether there is a `start` script.
    pub starts: bool,
    /// Whether there are scripts at all.
    pub has_scripts: bool,
    /// Whether it names what others import or run of it: `main`, `exports`, `bin` and their kin.
    pub has_entry_points: bool,
    /// What is published.
    pub files: Vec<String>,
    /// The package manager as `packageManager` or `devEngines` names it: `pnpm@10.1.0`.
    pub manager: Option<String>,
    /// The pnpm that `engines` asks for.
    pub pnpm_engine: Option<String>,
    /// Catalogs that are stated here (bun).
    pub catalogs: Vec<CatalogEntry>,
    /// Overrides and resolutions that lead to a place in the repository.
    pub overrides: Vec<Dependency>,
    /// Patch files.
    pub patches: Vec<Stated<String>>,
    /// All that it says, in parts.
    pub parts: Parts,
}

/// What a manifest or the settings of a workspace say, in parts.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::discover) struct Parts {
    /// The parts.
    pub fragments: Arc<Fragments>,
    /// What a build of the package itself can see.
    pub own: FragmentIndex,
    /// What acts on every package of the workspace, whatever that asks for.
    pub for_members: FragmentIndex,
    /// What a lockfile tells too, by the versions that it has.
    pub settled: FragmentIndex,
}

/// A name and what is asked for under it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::discover) struct Dependency {
    /// The name.
    pub name: String,
    /// The range, tag, alias or path, as written.
    pub wanted: Stated<String>,
}

/// One line of a catalog.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::discover) struct CatalogEntry {
    /// The catalog's name; the one without a name is `default`.
    pub catalog: String,
    /// The package.
    pub name: String,
    /// What `catalog:` stands for, as written.
    pub wanted: String,
    /// The line, counted from 1.
    pub line: u32,
}

/// The tables whose entries a build may read.
pub(super) const TABLES: [&str; 4] = ["dependencies", "optionalDependencies", "peerDependencies", "devDependencies"];

/// Keys that no build sees: words for people, and what acts when somebody commits. Whatever tools put into what they
/// build (versions, authors, licences, homepages) counts.
const INERT: [&str; 13] = [
    "//",
    "$schema",
    "keywords",
    "bugs",
    "funding",
    "contributors",
    "maintainers",
    "lint-staged",
    "husky",
    "simple-git-hooks",
    "gitHooks",
    "pre-commit",
    "commitlint",
];

/// Tables whose order says nothing. Elsewhere it may: of the conditions of `exports` the first that fits wins.
const UNORDERED: [&str; 8] = [
    "dependencies",
    "optionalDependencies",
    "peerDependencies",
    "devDependencies",
    "peerDependenciesMeta",
    "dependenciesMeta",
    "scripts",
    "engines",
];

/// The keys by which others import or run a package.
const ENTRY_POINTS: [&str; 8] = ["main", "module", "browser", "exports", "bin", "types", "typings", "svelte"];

/// Protocols that lead to a place in the repository.
const LOCAL_PROTOCOLS: [&str; 4] = ["workspace:", "link:", "file:", "portal:"];

impl Package {
    /// Reads a `package.json`.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let (document, lines) = read_json_lines(bytes)?;
        if !document.is_table() {
            return Err(Unreadable::at(document.line, "it is not an object"));
        }
        let script = |name| text_at(&document, &["scripts", name], &lines);
        let test = script("test").filter(|test| !test.value.contains("no test specified"));
        let workspaces = document.get("workspaces");
        let globs = workspaces.map(|at| at.get("packages").unwrap_or(at));
        let manager = text_at(&document, &["packageManager"], &lines).map(|manager| manager.value).or_else(|| {
            let stated = document.at(&["devEngines", "packageManager"])?;
            let version = stated.get("version").and_then(Located::text).unwrap_or_default();
            Some(format!("{}@{version}", stated.get("name")?.text()?))
        });
        let tables = TABLES.map(|table| document.get(table));
        let count = tables.iter().flatten().map(|table| table.entries().count()).sum();
        let mut dependencies = Vec::with_capacity(count);
        tables.iter().flatten().for_each(|table| dependencies.extend(dependencies_of(table, &lines)));
        let mut package = Self {
            name: text_at(&document, &["name"], &lines).filter(|name| !name.value.is_empty()),
            version: document.get("version").and_then(Located::text).map(str::to_owned),
            workspaces: globs.map(|globs| texts(globs, &lines)),
            dependencies,
            build: script("build"),
            test,
            starts: script("start").is_some(),
            has_scripts: document.get("scripts").is_some_and(|scripts| scripts.entries().next().is_some()),
            has_entry_points: ENTRY_POINTS.iter().any(|key| document.get(key).is_some()),
            files: document
                .get("files")
                .map(|files| texts(files, &lines))
                .unwrap_or_default()
                .into_iter()
                .map(|f| f.value)
                .collect(),
            manager,
            pnpm_engine: document.at(&["engines", "pnpm"]).and_then(Located::text).map(str::to_owned),
            catalogs: [Some(&document), workspaces].into_iter().flatten().flat_map(catalogs).collect(),
            overrides: Vec::new(),
            patches: Vec::new(),
            parts: Parts::default(),
        };
        package.parts = Parts::of_package(&document, &package.catalogs);
        for table in [&["overrides"][..], &["resolutions"], &["pnpm", "overrides"]] {
            package.overrides.extend(document.at(table).into_iter().flat_map(|table| local_overrides(table, &lines)));
        }
        for table in [&["patchedDependencies"][..], &["pnpm", "patchedDependencies"]] {
            package.patches.extend(document.at(table).into_iter().flat_map(|table| values(table, &lines)));
        }
        Ok(package)
    }

    /// Whether the manifest makes a project: a nested `{"type": "module"}` only says how files are loaded.
    pub(super) fn is_project(&self) -> bool {
        self.name.is_some() || self.has_scripts || !self.dependencies.is_empty() || self.workspaces.is_some()
    }
}

impl Parts {
    fn of_package(document: &Located, catalogs: &[CatalogEntry]) -> Self {
        let mut fragments = Fragments::default();
        let (mut own, mut for_members, mut settled) = (Vec::new(), Vec::new(), Vec::new());
        for (key, value) in document.entries().filter(|(key, _)| !INERT.contains(&&*key.text)) {
            let is_unordered = UNORDERED.contains(&&*key.text);
            let said = if is_unordered { value.canonical() } else { value.canonical_in_order() };
            let part = fragments.add(key.text.as_str(), key.line, &[&said]);
            own.push(part);
            match key.text.as_str() {
                "catalog" | "catalogs" => {}
                key if REPLACES.contains(&key) => settled.push(part),
                "workspaces" => for_members.extend(fragments.add_table("workspaces.", value, is_membership)),
                "pnpm" => {
                    for_members.extend(fragments.add_table("pnpm.", value, |key| REPLACES.contains(&key)));
                    settled.extend(fragments.add_table("pnpm.", value, |key| !REPLACES.contains(&key)));
                }
                _ => for_members.push(part),
            }
        }
        Self::new(fragments, own, for_members, settled, catalogs)
    }

    /// The settings of a workspace: `own` is nobody's.
    pub(super) fn of_settings(document: &Located, catalogs: &[CatalogEntry]) -> Self {
        let mut fragments = Fragments::default();
        let for_members = fragments.add_table("", document, |key| REPLACES.contains(&key) || is_membership(key));
        let settled = fragments.add_table("", document, |key| !REPLACES.contains(&key));
        Self::new(fragments, Vec::new(), for_members, settled, catalogs)
    }

    fn new(
        mut fragments: Fragments,
        own: Vec<FragmentIndex>,
        for_members: Vec<FragmentIndex>,
        settled: Vec<FragmentIndex>,
        catalogs: &[CatalogEntry],
    ) -> Self {
        for entry in catalogs {
            let name = Self::catalog_entry(&entry.catalog, &entry.name);
            fragments.add(name, entry.line, &[entry.wanted.as_bytes()]);
        }
        Self {
            own: fragments.group("what a build can see", 1, own),
            for_members: fragments.group("what acts on all members", 1, for_members),
            settled: fragments.group("what replaces dependencies", 1, settled),
            fragments: fragments.sealed(),
        }
    }

    /// What the entry of a catalog is called.
    pub(super) fn catalog_entry(catalog: &str, name: &str) -> String {
        let catalog = if catalog.is_empty() { "default" } else { catalog };
        format!("catalog {catalog}: {name}")
    }
}

/// Keys for what takes the place of dependencies.
const REPLACES: [&str; 3] = ["overrides", "resolutions", "patchedDependencies"];

/// Which packages are members shows in what is linked, and catalogs are read by entry.
fn is_membership(key: &str) -> bool {
    matches!(key, "packages" | "catalog" | "catalogs")
}

/// The text at the end of a way of keys, stated by its line.
pub(super) fn text_at(document: &Located, keys: &[&str], lines: &Lines<'_>) -> Option<Stated<String>> {
    let value = document.at(keys)?;
    Some(lines.stated(value.line, value.text()?.to_owned()))
}

/// The texts of a list.
pub(super) fn texts(list: &Located, lines: &Lines<'_>) -> Vec<Stated<String>> {
    let item = |item: &Located| Some(lines.stated(item.line, item.text()?.to_owned()));
    list.items().iter().filter_map(item).collect()
}

/// The texts under the keys of a table.
pub(super) fn values(table: &Located, lines: &Lines<'_>) -> Vec<Stated<String>> {
    let entry = |(_, value): (_, &Located)| Some(lines.stated(value.line, value.text()?.to_owned()));
    table.entries().filter_map(entry).collect()
}

fn dependencies_of<'d>(table: &'d Located, lines: &'d Lines<'_>) -> impl Iterator<Item = Dependency> + 'd {
    table.entries().filter_map(|(key, value)| {
        let wanted = lines.stated(key.line, value.text()?.trim().to_owned());
        Some(Dependency { name: key.text.clone(), wanted })
    })
}

/// The entries of `catalog` and `catalogs` of a document.
pub(super) fn catalogs(document: &Located) -> Vec<CatalogEntry> {
    let unnamed = document.get("catalog").into_iter().map(|table| ("default", table));
    let named = document.get("catalogs").into_iter().flat_map(Located::entries);
    unnamed
        .chain(named.map(|(key, table)| (key.text.as_str(), table)))
        .flat_map(|(catalog, table)| {
            table.entries().filter_map(move |(key, value)| {
                let wanted = value.scalar()?;
                Some(CatalogEntry { catalog: catalog.to_owned(), name: key.text.clone(), wanted, line: key.line })
            })
        })
        .collect()
}

/// Overrides that replace a package by one of the repository. Nested tables (npm) are searched too; the name that
/// is replaced is the last of a selector such as `a>b@^1` or `**/b`.
pub(super) fn local_overrides(table: &Located, lines: &Lines<'_>) -> Vec<Dependency> {
    let mut found = Vec::new();
    let mut pending = vec![("", table)];
    while let Some((enclosing, table)) = pending.pop() {
        for (key, value) in table.entries() {
            let name = if key.text == "." { enclosing } else { overridden(&key.text) };
            match &value.value {
                Value::Text(text) if LOCAL_PROTOCOLS.iter().any(|protocol| text.starts_with(protocol)) => {
                    let wanted = lines.stated(key.line, text.clone());
                    found.push(Dependency { name: name.to_owned(), wanted });
                }
                Value::Table(_) => pending.push((name, value)),
                _ => {}
            }
        }
    }
    found
}

fn overridden(selector: &str) -> &str {
    let last = selector.rsplit('>').next().unwrap_or(selector).trim();
    let last = match last.rfind('/') {
        // The `/` of a scope is part of the name.
        Some(slash) => match last[..slash].rfind('@') {
            Some(at) if !last[at..slash].contains('/') && (at == 0 || last[..at].ends_with('/')) => &last[at..],
            _ => &last[slash + 1..],
        },
        None => last,
    };
    match last.char_indices().skip(1).find(|(_, c)| *c == '@') {
        Some((at, _)) => &last[..at],
        None => last,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_of_overrides_name_their_last_package() {
        for (selector, name) in [
            ("vite", "vite"),
            ("@a/b", "@a/b"),
            ("x>@a/b@^1", "@a/b"),
            ("**/b", "b"),
            ("**/@a/b", "@a/b"),
            ("c/b", "b"),
            ("b@1 || 2", "b"),
        ] {
            assert_eq!(overridden(selector), name, "{selector}");
        }
    }

    #[test]
    fn what_only_says_how_files_load_is_no_project() {
        assert!(!Package::read(br#"{"type": "module"}"#).unwrap().is_project());
        assert!(Package::read(br#"{"dependencies": {"a": "1"}}"#).unwrap().is_project());
        assert!(Package::read(b"[]").is_err());
    }
}
