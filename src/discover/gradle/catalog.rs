//! Catalogs of versions: what `gradle/libs.versions.toml` says of each alias, and which aliases a script names.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use serde::{Deserialize, Serialize};

use super::cursor::{FARTHEST, Tokens};
use super::tokens::{Kind, tokens_of};
use super::value::Part;
use crate::discover::syntax::{Lines, Located, Value, read_toml};
use crate::discover::{FragmentIndex, Fragments};

/// The name that scripts know the catalog by which Gradle finds on its own.
const NAME: &str = "libs";

/// How deep expressions in texts are read.
const DEEPEST_TEXT: usize = 3;

/// What a catalog says, alias by alias.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalog {
    pub(super) fragments: Fragments,
    /// What is said of the catalog itself.
    pub(super) own: Vec<FragmentIndex>,
    /// Its entries, by the words of their accessors: `bundles.a`, `plugins.a`, `versions.a`, and `a` of a library.
    entries: BTreeMap<String, FragmentIndex>,
}

impl Catalog {
    /// Reads a catalog; none where two aliases have one accessor, or where it is no catalog.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let document = read_toml(bytes).ok()?;
        let mut catalog = Self::default();
        let of = |section: &str| document.get(section).into_iter().flat_map(Located::entries);
        for (section, prefix) in
            [("versions", "versions."), ("libraries", ""), ("bundles", "bundles."), ("plugins", "plugins.")]
        {
            for (key, value) in of(section) {
                let name = format!("{section}.{}", key.text);
                let fragment = catalog.fragments.add(name, key.line, &[&value.canonical()]);
                if catalog.entries.insert(format!("{prefix}{}", accessor(&key.text)), fragment).is_some() {
                    return None;
                }
                let version = value.at(&["version", "ref"]).and_then(Located::text);
                let needed = version.map(|version| format!("versions.{}", accessor(version)));
                let libraries = value.items().iter().filter(|_| section == "bundles").filter_map(Located::text);
                for needed in needed.into_iter().chain(libraries.map(accessor)) {
                    if let Some(needed) = catalog.entries.get(&needed) {
                        catalog.fragments.need(fragment, *needed);
                    }
                }
            }
        }
        let known = |key: &str| matches!(key, "versions" | "libraries" | "bundles" | "plugins");
        catalog.own = catalog.fragments.add_table("", &document, known);
        matches!(document.value, Value::Table(_)).then_some(catalog)
    }

    /// The entries that accessors mean; none where one of them means nothing that is known. An accessor may be followed by
    /// calls on what it gives, and it may stop at what several entries begin with.
    pub fn entries_of(&self, accessors: &BTreeSet<String>) -> Option<BTreeSet<FragmentIndex>> {
        let mut found = BTreeSet::new();
        for accessor in accessors {
            let cuts = std::iter::once(accessor.len()).chain(accessor.rmatch_indices('.').map(|(at, _)| at));
            let named = cuts.map(|cut| &accessor[..cut]).find_map(|name| self.entries.get(name));
            let below = format!("{accessor}.");
            let all_below = self.entries.range::<str, _>((Bound::Included(below.as_str()), Bound::Unbounded));
            let all_below = all_below.take_while(|(name, _)| name.starts_with(&below));
            let mut meant = named.into_iter().chain(all_below.map(|(_, entry)| entry)).peekable();
            meant.peek()?;
            found.extend(meant.copied());
        }
        Some(found)
    }

    /// The entries that none of these is or needs.
    pub fn besides(&self, named: &BTreeSet<FragmentIndex>) -> Vec<FragmentIndex> {
        let mut reached = named.clone();
        let mut pending: Vec<FragmentIndex> = named.iter().copied().collect();
        while let Some(entry) = pending.pop() {
            let needs = self.fragments.get(entry).into_iter().flat_map(|fragment| &fragment.needs);
            pending.extend(needs.copied().filter(|need| reached.insert(*need)));
        }
        self.entries.values().copied().filter(|entry| !reached.contains(entry)).collect()
    }
}

/// The words of the accessor of an alias, each of which begins with a small letter.
fn accessor(alias: &str) -> String {
    let words = alias.split(['-', '_', '.']).map(|word| {
        let mut characters = word.chars();
        characters.next().into_iter().flat_map(char::to_lowercase).chain(characters).collect::<String>()
    });
    words.collect::<Vec<_>>().join(".")
}

/// What a script takes from the catalog `libs`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogUse {
    /// The words behind `libs`, joined by dots.
    pub(super) accessors: BTreeSet<String>,
    /// Whether it may take what no accessor tells: it looks entries up, or defines catalogs.
    pub(super) is_open: bool,
}

impl CatalogUse {
    /// What a script takes.
    pub(super) fn of(text: &str, kotlin: bool, lines: &Lines<'_>, tokens: &Tokens<'_, '_>) -> Self {
        let mut taken = Self::default();
        taken.read(text, kotlin, lines, tokens, 0);
        taken
    }

    /// What the source of a class takes: a class has no accessors.
    pub fn of_source(text: &str) -> Self {
        let words = || text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        Self { accessors: BTreeSet::new(), is_open: is_catalog_api(text) || words().any(|word| word == NAME) }
    }

    fn read(&mut self, text: &str, kotlin: bool, lines: &Lines<'_>, tokens: &Tokens<'_, '_>, depth: usize) {
        for (at, token) in tokens.0.iter().enumerate() {
            match &token.kind {
                Kind::Word(NAME) => {
                    let mut words = Vec::new();
                    let mut next = at + 1;
                    loop {
                        while tokens.is(next, b'?') || tokens.is(next, b'!') {
                            next += 1;
                        }
                        let Some(word) = tokens.word(next + 1).filter(|_| tokens.is(next, b'.')) else { break };
                        words.push(accessor(word));
                        next += 2;
                        if words.len() == FARTHEST {
                            self.is_open = true;
                            break;
                        }
                    }
                    self.take(&words.join("."));
                }
                Kind::Word(word) => self.is_open |= is_catalog_api(word),
                Kind::Sign(_) => {}
                Kind::Text(parts, expressions) => {
                    self.read_parts(parts, is_folder(tokens, at));
                    // What stands in a text between slashes is not told.
                    let end = tokens.0.get(at + 1).map_or(text.len(), |next| next.offset);
                    let is_untold = parts.as_slice() == [Part::Computed] && expressions.is_empty();
                    self.is_open |= is_untold && text.get(token.offset..end).is_none_or(|text| text.contains(NAME));
                    for (offset, expression) in expressions {
                        match tokens_of(expression, kotlin, lines, *offset).ok().filter(|_| depth < DEEPEST_TEXT) {
                            Some(inner) => self.read(text, kotlin, lines, &Tokens(&inner), depth + 1),
                            None => self.is_open |= expression.contains(NAME),
                        }
                    }
                }
            }
        }
    }

    fn take(&mut self, accessor: &str) {
        match accessor.is_empty() {
            true => self.is_open = true,
            false => drop(self.accessors.insert(accessor.to_owned())),
        }
    }

    fn read_parts(&mut self, parts: &[Part], is_folder: bool) {
        for part in parts {
            match part {
                Part::Literal(text) => self.is_open |= (text == NAME && !is_folder) || is_catalog_api(text),
                Part::Name(name) => {
                    let mut words = name.split('.');
                    if words.any(|word| word == NAME) {
                        self.take(&words.map(accessor).collect::<Vec<_>>().join("."));
                    }
                    self.is_open |= is_catalog_api(name);
                }
                Part::Computed => {}
            }
        }
    }

    /// Takes what another script takes.
    pub fn join(&mut self, other: &Self) {
        self.accessors.extend(other.accessors.iter().cloned());
        self.is_open |= other.is_open;
    }
}

/// Whether a text speaks of Gradle's interface to catalogs, or of the file of one.
fn is_catalog_api(text: &str) -> bool {
    ["ersionCatalog", "LibrariesFor", ".versions.toml"].iter().any(|word| text.contains(word))
}

/// Whether a text is given to a call or a property for folders: many a project has one of the catalog's name.
fn is_folder(tokens: &Tokens<'_, '_>, at: usize) -> bool {
    let signs = (0..at).rev().take_while(|&at| b"(:=".iter().any(|&sign| tokens.is(at, sign))).count();
    let word = at.checked_sub(signs + 1).and_then(|at| tokens.word(at));
    let words = ["dir", "dirs", "flatDir", "fileTree", "files", "file", "from", "into", "srcDir", "srcDirs", "to"];
    word.is_some_and(|word| words.contains(&word))
}
