//! What one script or properties file says, before anything is looked up.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::aliases::Names;
use super::catalog::Catalog;
use super::lockfile::Lockfile;
use super::reader;
use super::value::{Anchor, Value};
use crate::discover::syntax::{Lines, Stated, Unreadable, text_of};

/// One file that Gradle reads.
#[derive(Debug, Serialize, Deserialize)]
pub enum Facts {
    /// `*.gradle` or `*.gradle.kts`.
    Script(Box<Script>),
    /// `gradle.properties`.
    Properties(Properties),
    /// `*.versions.toml`; none where its entries cannot be told apart.
    Catalog(Option<Arc<Catalog>>),
    /// `*.lockfile`; none where its entries cannot be told apart.
    Lockfile(Option<Arc<Lockfile>>),
    /// The source of a class, which may be a plugin's.
    Source(Names),
}

/// The properties of a build or a project, in the order of the file. What may be a secret is not kept.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Properties(pub(super) Vec<(String, String)>);

/// What a script says. Of `if` and `else`, both sides count.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Script {
    /// The package of a Kotlin script.
    pub(super) package: Option<String>,
    /// `rootProject.name`.
    pub(super) root_name: Option<Stated<Value>>,
    /// The group of the projects.
    pub(super) groups: Vec<Said<Value>>,
    /// Variables by name; none where two values were given.
    pub(super) variables: Vec<(String, Option<Value>)>,
    /// What a settings file includes.
    pub(super) includes: Vec<Stated<Include>>,
    /// Folders that a settings file gives to projects.
    pub(super) folders: Vec<Stated<Place>>,
    /// Projects that it gives another name.
    pub(super) renames: Vec<(Value, Value)>,
    /// Whether build scripts have other names than Gradle's.
    pub(super) renames_build_files: bool,
    /// Other projects that it refers to.
    pub(super) references: Vec<Said<Reference>>,
    /// Plugins that it applies.
    pub(super) plugins: Vec<Said<Plugin>>,
    /// Plugins that the project provides by a declaration; a computed one may be any.
    pub(super) provides: Vec<Value>,
    /// Scripts that it applies.
    pub(super) applied: Vec<Said<Mention>>,
    /// `group:name` of modules that it depends on.
    pub(super) modules: Vec<Said<Module>>,
    /// Modules that projects take the place of.
    pub(super) substitutions: Vec<Said<Substitution>>,
    /// Paths that may lead out of the project.
    pub(super) mentions: Vec<Said<Mention>>,
    /// Whether it depends on something for tests.
    pub(super) has_tests: bool,
    /// Whether sources of tests may be read by the build.
    pub(super) odd_sources: bool,
    /// Whether it is for several platforms: then the tests of all of them have another name.
    pub(super) multiplatform: bool,
    /// What it may take from catalogs.
    pub(super) names: Names,
}

/// For which projects something is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Scope {
    /// For the project that runs the script.
    Own,
    /// For it and all below.
    All,
    /// For all below.
    Below,
    /// For the project with this path.
    Project(Value),
}

/// Something that is said for some projects.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Said<T> {
    pub scope: Scope,
    pub what: Stated<T>,
}

/// What a settings file includes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Include {
    /// A project by its path.
    Project(Value),
    /// A folder beside the root.
    Flat(Value),
    /// Another build, by its folder.
    Build(Anchor, Value),
}

/// `project(path).projectDir = …`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Place {
    pub project: Value,
    pub anchor: Anchor,
    pub folder: Value,
}

/// Another project.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Reference {
    pub to: Target,
    pub usage: Usage,
    pub part: Component,
}

/// How another project is named.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Target {
    /// By its path.
    Path(Value),
    /// By a text that may be the path of a project, of a task or of nothing.
    Perhaps(String),
    /// By a type-safe accessor: the words behind `projects`.
    Accessor(Vec<String>),
}

/// What a dependency is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Usage {
    Build,
    Test,
    /// The project's test fixtures.
    Fixtures,
}

/// What of another project is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Component {
    Main,
    Tests,
    Fixtures,
}

/// A plugin that is applied.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Plugin {
    Id(Value),
    /// By an alias of a catalog or by a class: it may be any.
    Unnamed,
}

/// A module by its coordinates.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Module {
    pub group: Value,
    pub name: Value,
    pub usage: Usage,
}

/// A project that takes the place of a module.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Substitution {
    pub group: String,
    pub name: String,
    pub project: Value,
}

/// A text that may be a path.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Mention {
    pub anchor: Anchor,
    pub path: Value,
    /// Whether all that lies in a folder is meant.
    pub tree: bool,
    /// Whether only tests read it.
    pub test: bool,
}

/// Whether a name is that of tests, or of benchmarks, which run apart as tests do: of a configuration, a source set,
/// a suite or a task.
pub(super) fn is_for_tests(name: &str) -> bool {
    if name.starts_with("testFixtures") {
        return false;
    }
    let ends_word = |rest: &str| !rest.starts_with(|next: char| next.is_ascii_lowercase());
    ["test", "jmh"].iter().any(|prefix| name.strip_prefix(prefix).is_some_and(ends_word))
        || name.match_indices("Test").any(|(at, found)| ends_word(&name[at + found.len()..]))
}

/// Reads one file.
pub(super) fn read(name: &[u8], bytes: &[u8]) -> Result<Facts, Unreadable> {
    if name.ends_with(super::CATALOG_ENDING) {
        return Ok(Facts::Catalog(Catalog::read(bytes).map(Arc::new)));
    }
    if name.ends_with(super::LOCKFILE_ENDING) {
        let locked = std::str::from_utf8(name).ok().and_then(|name| Lockfile::read(name, bytes));
        return Ok(Facts::Lockfile(locked.map(Arc::new)));
    }
    let text = text_of(bytes)?;
    if super::is_source(name) {
        return Ok(Facts::Source(Names::of_source(text)));
    }
    if name == super::PROPERTIES_FILE {
        return Ok(Facts::Properties(read_properties(text)));
    }
    let kotlin = name.ends_with(b".kts");
    reader::read(text, kotlin, &Lines::new(text)).map(|script| Facts::Script(Box::new(script)))
}

/// Words of keys whose values are nobody's business.
const SECRET: [&str; 7] = ["password", "passphrase", "secret", "token", "credential", "key", "user"];

/// The longest value that may be a part of a path or of coordinates.
const LONGEST_VALUE: usize = 256;

fn read_properties(text: &str) -> Properties {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with(['#', '!']));
    let pairs = lines.filter_map(|line| line.split_once(['=', ':']));
    let kept = pairs.map(|(key, value)| (key.trim(), value.trim())).filter(|(key, value)| {
        let lower = key.to_ascii_lowercase();
        value.len() <= LONGEST_VALUE && !value.ends_with('\\') && !SECRET.iter().any(|word| lower.contains(word))
    });
    Properties(kept.map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
}
