//! What a `Cargo.toml` says about other folders.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::discover::syntax::{Lines, Located, Stated, Unreadable, Value, read_toml, text_of};
use crate::discover::{FragmentIndex, Fragments};

/// The facts of one `Cargo.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The package, if it declares one.
    pub package: Option<Package>,
    /// The workspace, if it is the root of one.
    pub workspace: Option<Workspace>,
    /// Dependencies of every table, those of all platforms among them.
    pub dependencies: Vec<Dependency>,
    /// What `[patch]` and `[replace]` take from a folder.
    pub patches: Vec<Patch>,
    /// The files of targets that are named, as written.
    pub targets: Vec<Target>,
    /// All that it says, in parts.
    pub fragments: Arc<Fragments>,
    /// What a build or a test of its own package can depend on.
    pub own: FragmentIndex,
    /// What acts on each package of its workspace, whatever that inherits.
    pub for_members: FragmentIndex,
    /// What the package inherits: names of fragments of the workspace root.
    pub inherits: Vec<String>,
    /// Whether what only tests need may switch on features for builds too: so does the first resolver.
    pub unifies: bool,
}

/// A `[package]` table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Its name.
    pub name: Stated<String>,
    /// The workspace root that it names itself, as written.
    pub workspace: Option<Stated<String>>,
    /// The build script's file, where it is not `build.rs`.
    pub build_script: Option<Stated<String>>,
    /// The files that it is published with, as written.
    pub include: Vec<String>,
}

/// A `[workspace]` table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// Folders and globs of members.
    pub members: Vec<Stated<String>>,
    /// Folders below which nothing is a member.
    pub exclude: Vec<String>,
    /// What members inherit by `workspace = true`.
    pub dependencies: Vec<Dependency>,
}

/// For what a dependency is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Purpose {
    /// For the package or its build script.
    Build,
    /// For its tests, examples and benchmarks.
    Test,
}

/// One entry of a dependency table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// The name that the package gives it, at its line.
    pub key: Stated<String>,
    /// The name of the package that it is.
    pub package: String,
    /// Its folder, as written.
    pub path: Option<Stated<String>>,
    /// Whether the workspace root says the rest.
    pub inherited: bool,
    /// For what it is compiled.
    pub purpose: Purpose,
}

/// A crate that is taken from a folder, whoever asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patch {
    /// The crate's name.
    pub package: String,
    /// The folder, as written.
    pub path: Stated<String>,
}

/// A target with a path of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The path, as written.
    pub path: Stated<String>,
    /// Whether `cargo build` compiles it: a library or a program.
    pub built: bool,
}

impl Manifest {
    /// Reads a `Cargo.toml`.
    pub fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let document = read_toml(bytes)?;
        let reader = Reader { lines: Lines::new(text_of(bytes)?) };
        let package = document.get("package").or_else(|| document.get("project"));
        let (fragments, own, for_members) = cut(&document);
        Ok(Self {
            package: package.map(|table| reader.package(table)).transpose()?,
            workspace: document.get("workspace").map(|table| reader.workspace(table)),
            dependencies: reader.all_dependencies(&document),
            patches: reader.patches(&document),
            targets: reader.targets(&document),
            inherits: inherited(&document),
            unifies: unifies(&document),
            own,
            for_members,
            fragments: fragments.sealed(),
        })
    }
}

/// Keys of a package that no build can see: they are not among the variables that Cargo sets for rustc.
const INERT: [&str; 5] = ["categories", "keywords", "documentation", "publish", "exclude"];

/// Keys of a workspace that say who its members are: what follows from that is in projects and edges.
const MEMBERSHIP: [&str; 4] = ["members", "exclude", "default-members", "metadata"];

/// Tables of a workspace root from which each member takes single entries.
const INHERITED: [&str; 2] = ["dependencies", "package"];

/// What acts on every member of a workspace; an edition may choose the resolver.
const COMMON: [&str; 8] = [
    "profile",
    "patch",
    "replace",
    "cargo-features",
    "workspace.lints",
    "workspace.resolver",
    "package.resolver",
    "package.edition",
];

/// Cuts a manifest: what its own package depends on, and what each member of its workspace does.
fn cut(document: &Located) -> (Fragments, FragmentIndex, FragmentIndex) {
    let mut fragments = Fragments::default();
    let mut own =
        fragments.add_table("", document, |key| matches!(key, "package" | "project" | "workspace" | "badges"));
    for key in ["package", "project"] {
        if let Some(table) = document.get(key) {
            own.extend(fragments.add_table(&format!("{key}."), table, |key| INERT.contains(&key)));
        }
    }
    if let Some(workspace) = document.get("workspace") {
        let is_apart = |key: &str| MEMBERSHIP.contains(&key) || INHERITED.contains(&key);
        own.extend(fragments.add_table("workspace.", workspace, is_apart));
        for key in INHERITED {
            if let Some(table) = workspace.get(key) {
                fragments.add_table(&format!("workspace.{key}."), table, |_| false);
            }
        }
    }
    let is_common = |name: &str| COMMON.contains(&name);
    let common: Vec<_> = fragments.iter().filter(|(_, f)| is_common(&f.name)).map(|(at, _)| at).collect();
    let for_members = fragments.group("what acts on all members", 1, common);
    let own = fragments.group("what a build can see", 1, own);
    (fragments, own, for_members)
}

/// The entries of the workspace root that a package takes over by `workspace = true`.
fn inherited(document: &Located) -> Vec<String> {
    let takes = |value: &Located| value.get("workspace").and_then(Located::truth) == Some(true);
    let package = document.get("package").into_iter().flat_map(Located::entries).filter(|(_, value)| takes(value));
    let mut names: Vec<String> = package.map(|(key, _)| format!("workspace.package.{}", key.text)).collect();
    let platforms = document.get("target").into_iter().flat_map(Located::entries).map(|(_, table)| table);
    for table in std::iter::once(document).chain(platforms) {
        for (_, dependencies) in table.entries().filter(|(key, _)| key.text.ends_with("dependencies")) {
            let taken = dependencies.entries().filter(|(_, value)| takes(value));
            names.extend(taken.map(|(key, _)| format!("workspace.dependencies.{}", key.text)));
        }
    }
    names.sort();
    names.dedup();
    names
}

fn unifies(document: &Located) -> bool {
    let text = |way: &[&str]| document.at(way).and_then(Located::text);
    match text(&["workspace", "resolver"]).or_else(|| text(&["package", "resolver"])) {
        Some(resolver) => resolver == "1",
        None => {
            let inherited = || text(&["workspace", "package", "edition"]);
            let edition = text(&["package", "edition"])
                .or_else(|| document.at(&["package", "edition", "workspace"]).and_then(|_| inherited()));
            edition.is_none_or(|edition| matches!(edition, "2015" | "2018"))
        }
    }
}

/// The patches of a document: a manifest, or a configuration, where `[patch]` means the same.
pub(super) fn patches_of(document: &Located, lines: Lines<'_>) -> Vec<Patch> {
    Reader { lines }.patches(document)
}

struct Reader<'a> {
    lines: Lines<'a>,
}

impl Reader<'_> {
    fn stated(&self, value: &Located) -> Option<Stated<String>> {
        value.text().map(|text| self.lines.stated(value.line, text.to_owned()))
    }

    fn list(&self, value: Option<&Located>) -> Vec<Stated<String>> {
        value.into_iter().flat_map(Located::items).filter_map(|item| self.stated(item)).collect()
    }

    fn package(&self, table: &Located) -> Result<Package, Unreadable> {
        let name = table.get("name").and_then(|name| self.stated(name));
        let include = self.list(table.get("include"));
        Ok(Package {
            name: name.ok_or_else(|| Unreadable::at(table.line, "the package has no name"))?,
            workspace: table.get("workspace").and_then(|root| self.stated(root)),
            build_script: table.get("build").and_then(|script| self.stated(script)),
            include: include.into_iter().map(|entry| entry.value).collect(),
        })
    }

    fn workspace(&self, table: &Located) -> Workspace {
        Workspace {
            members: self.list(table.get("members")),
            exclude: self.list(table.get("exclude")).into_iter().map(|entry| entry.value).collect(),
            dependencies: self.dependencies(table.get("dependencies"), Purpose::Build),
        }
    }

    fn all_dependencies(&self, document: &Located) -> Vec<Dependency> {
        let platforms = document.get("target").into_iter().flat_map(Located::entries).map(|(_, table)| table);
        let mut found = Vec::new();
        for table in std::iter::once(document).chain(platforms) {
            for (name, purpose) in [
                ("dependencies", Purpose::Build),
                ("build-dependencies", Purpose::Build),
                ("build_dependencies", Purpose::Build),
                ("dev-dependencies", Purpose::Test),
                ("dev_dependencies", Purpose::Test),
            ] {
                found.extend(self.dependencies(table.get(name), purpose));
            }
        }
        found
    }

    fn dependencies(&self, table: Option<&Located>, purpose: Purpose) -> Vec<Dependency> {
        let entries = table.into_iter().flat_map(Located::entries);
        entries
            .map(|(key, value)| Dependency {
                key: self.lines.stated(key.line, key.text.clone()),
                package: value.get("package").and_then(Located::text).unwrap_or(&key.text).to_owned(),
                path: value.get("path").and_then(|path| self.stated(path)),
                inherited: value.get("workspace").and_then(Located::truth).unwrap_or(false),
                purpose,
            })
            .collect()
    }

    fn patches(&self, document: &Located) -> Vec<Patch> {
        let sources = document.get("patch").into_iter().flat_map(Located::entries).map(|(_, source)| source);
        let mut patches = Vec::new();
        for (table, names_a_version) in
            sources.map(|source| (source, false)).chain(document.get("replace").map(|t| (t, true)))
        {
            for (key, value) in table.entries() {
                let Some(path) = value.get("path").and_then(|path| self.stated(path)) else { continue };
                let key = if names_a_version { name_of_specification(&key.text) } else { &key.text };
                let package = value.get("package").and_then(Located::text).unwrap_or(key).to_owned();
                patches.push(Patch { package, path });
            }
        }
        patches
    }

    fn targets(&self, document: &Located) -> Vec<Target> {
        let mut targets = Vec::new();
        for (name, built) in [("lib", true), ("bin", true), ("example", false), ("test", false), ("bench", false)] {
            let Some(value) = document.get(name) else { continue };
            let tables = match &value.value {
                Value::List(items) => items.as_slice(),
                _ => std::slice::from_ref(value),
            };
            let paths = tables.iter().filter_map(|table| self.stated(table.get("path")?));
            targets.extend(paths.map(|path| Target { path, built }));
        }
        targets
    }
}

/// The name in a package specification such as `foo:1.0.0`, `foo@1.0.0` or `https://example.com/index#foo:1.0.0`.
fn name_of_specification(text: &str) -> &str {
    let name = text.rsplit('#').next().unwrap_or(text);
    name.split([':', '@']).next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_of_dependencies_is_read_with_its_line() {
        let manifest = Manifest::read(
            br#"[package]
name = "a"
[dependencies]
plain = "1"
inline = { version = "1", path = "../inline" }
dotted.workspace = true
[dependencies.table]
package = "real"
path = "../table"
[target.'cfg(unix)'.build-dependencies]
unix = { path = "../unix" }
[dev-dependencies]
dev = { path = "../dev" }
[replace]
"https://example.com/index#old:0.1.0" = { path = "../old" }
"#,
        )
        .unwrap();
        let read: Vec<_> = manifest
            .dependencies
            .iter()
            .map(|d| (d.package.as_str(), d.path.as_ref().map(|path| path.line), d.key.line, d.inherited, d.purpose))
            .collect();
        assert_eq!(
            read,
            [
                ("plain", None, 4, false, Purpose::Build),
                ("inline", Some(5), 5, false, Purpose::Build),
                ("dotted", None, 6, true, Purpose::Build),
                ("real", Some(9), 7, false, Purpose::Build),
                ("dev", Some(13), 13, false, Purpose::Test),
                ("unix", Some(11), 11, false, Purpose::Build),
            ]
        );
        assert_eq!(manifest.patches[0].package, "old");
    }

    #[test]
    fn case_96_a_package_without_a_name_is_unreadable() {
        assert_eq!(Manifest::read(b"\n[package]\nversion = \"1\"\n").unwrap_err().line, 2);
        assert_eq!(Manifest::read(b"[package]\nname = \n").unwrap_err().line, 2);
    }
}
