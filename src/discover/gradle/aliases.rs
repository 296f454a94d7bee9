//! Which aliases of which catalogs a script names, and which catalogs a settings file defines.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::catalog::accessor;
use super::cursor::{FARTHEST, Tokens, literal_at};
use super::facts::Script;
use super::tokens::{Kind, tokens_of};
use super::value::Part;
use crate::discover::syntax::Lines;
use crate::path::RepoPath;

/// The name that scripts know the catalog by which Gradle finds on its own.
pub(super) const DEFAULT_CATALOG: &str = "libs";

/// How deep expressions in texts are read.
const DEEPEST_TEXT: usize = 3;

/// What a script says that may name aliases: which names are those of catalogs is for the settings of its build to say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// Words that stand behind each other, joined by dots: `libs.a.b`. Also what a text says that is a name.
    chains: BTreeSet<String>,
    /// Whether it may take what no accessor tells: it looks entries up, or defines catalogs.
    pub(super) is_open: bool,
    /// The catalogs that it defines, as a settings file does: by name, the file as written. If one is defined in another
    /// way the script is open.
    pub(super) defined: Vec<(String, String)>,
}

/// What is taken from one catalog.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Taken {
    /// The words behind its name, joined by dots.
    pub accessors: BTreeSet<String>,
    /// Whether it is taken further as a whole.
    pub is_open: bool,
}

/// What is taken from each catalog of a build, by its name.
pub(super) type TakenByName = BTreeMap<String, Taken>;

impl Names {
    /// What a script says.
    pub(super) fn of(text: &str, kotlin: bool, lines: &Lines<'_>, tokens: &Tokens<'_, '_>) -> Self {
        let mut names = Self::default();
        let understood = names.definitions(tokens);
        names.read(text, kotlin, lines, tokens, understood, 0);
        names
    }

    /// What the source of a class takes: a class has no accessors.
    pub fn of_source(text: &str) -> Self {
        let mut words = words_of(text);
        Self { is_open: is_catalog_api(text) || words.any(|word| word == DEFAULT_CATALOG), ..Self::default() }
    }

    /// Whether the script defines catalogs.
    pub(super) fn defines(&self) -> bool {
        !self.defined.is_empty()
    }

    /// Whether anything may be taken from a catalog.
    pub(super) fn takes(&self, catalogs: &BTreeMap<String, RepoPath>) -> bool {
        let mut taken = TakenByName::default();
        self.add_to(&mut taken, catalogs);
        self.is_open || self.defines() || !taken.is_empty()
    }

    /// Adds what is taken from these catalogs.
    pub(super) fn add_to(&self, taken: &mut TakenByName, catalogs: &BTreeMap<String, RepoPath>) {
        for chain in &self.chains {
            let words: Vec<&str> = chain.split('.').collect();
            for (at, name) in words.iter().enumerate().filter(|(_, word)| catalogs.contains_key(**word)) {
                let taken = taken.entry((*name).to_owned()).or_default();
                match words.get(at + 1..) {
                    None | Some([]) => taken.is_open = true,
                    Some(rest) => {
                        let rest: Vec<String> = rest.iter().map(|word| accessor(word)).collect();
                        taken.accessors.insert(rest.join("."));
                    }
                }
                // What stands behind the name of a catalog is an alias, whatever else has that name.
                if at == 0 {
                    break;
                }
            }
        }
    }

    fn read(
        &mut self,
        text: &str,
        kotlin: bool,
        lines: &Lines<'_>,
        tokens: &Tokens<'_, '_>,
        understood: Option<RangeInclusive<usize>>,
        depth: usize,
    ) {
        let mut at = 0;
        while let Some(token) = tokens.0.get(at) {
            if let Some(range) = understood.as_ref().filter(|range| range.contains(&at)) {
                at = range.end() + 1;
                continue;
            }
            let mut next = at + 1;
            match &token.kind {
                Kind::Word(first) => {
                    let mut words = vec![*first];
                    loop {
                        let mut dot = next;
                        while tokens.is(dot, b'?') || tokens.is(dot, b'!') {
                            dot += 1;
                        }
                        let Some(word) = tokens.word(dot + 1).filter(|_| tokens.is(dot, b'.')) else { break };
                        words.push(word);
                        next = dot + 2;
                        if words.len() > FARTHEST {
                            self.is_open = true;
                            break;
                        }
                    }
                    self.is_open |= words.iter().any(|word| is_catalog_api(word));
                    // A call or a block has a name of its own.
                    if words.len() > 1 || !(tokens.is(next, b'(') || tokens.is(next, b'{')) {
                        self.add(&words.join("."));
                    }
                }
                Kind::Sign(_) => {}
                Kind::Text(parts, expressions) => {
                    self.read_parts(parts, is_folder(tokens, at));
                    // What stands in a text between slashes is not told.
                    if parts.as_slice() == [Part::Computed] && expressions.is_empty() {
                        let end = tokens.0.get(next).map_or(text.len(), |next| next.offset);
                        match text.get(token.offset..end) {
                            Some(untold) => words_of(untold).for_each(|word| self.add(word)),
                            None => self.is_open = true,
                        }
                    }
                    for (offset, expression) in expressions {
                        match tokens_of(expression, kotlin, lines, *offset).ok().filter(|_| depth < DEEPEST_TEXT) {
                            Some(inner) => self.read(text, kotlin, lines, &Tokens(&inner), None, depth + 1),
                            None => words_of(expression).for_each(|word| self.add(word)),
                        }
                    }
                }
            }
            at = next;
        }
    }

    /// Adds words that may name something. No name begins with a digit.
    fn add(&mut self, chain: &str) {
        if chain.starts_with(|first: char| first.is_alphabetic() || first == '_') && !self.chains.contains(chain) {
            self.chains.insert(chain.to_owned());
        }
    }

    fn read_parts(&mut self, parts: &[Part], is_folder: bool) {
        for part in parts {
            match part {
                Part::Literal(text) => {
                    self.is_open |= is_catalog_api(text);
                    if !is_folder && text.chars().all(is_of_word) {
                        self.add(text);
                    }
                }
                Part::Name(name) => {
                    self.add(name);
                    self.is_open |= is_catalog_api(name);
                }
                Part::Computed => {}
            }
        }
    }

    /// Reads the catalogs that a settings file defines each of one file and of nothing else; the tokens that say so.
    fn definitions(&mut self, tokens: &Tokens<'_, '_>) -> Option<RangeInclusive<usize>> {
        let begin = (0..tokens.0.len()).find(|&at| tokens.word(at) == Some("versionCatalogs"))?;
        let open = begin + 1;
        let end = tokens.0.get(open).filter(|_| tokens.is(open, b'{'))?.partner;
        let mut defined = Vec::new();
        let mut at = open + 1;
        while at < end {
            if tokens.is(at, b';') {
                at += 1;
                continue;
            }
            let (name, block) = match tokens.word(at)? {
                "create" | "register" if tokens.is(at + 1, b'(') && tokens.is(at + 3, b')') => {
                    (literal_at(tokens, at + 2)?, at + 4)
                }
                "val" if tokens.word(at + 2) == Some("by") => {
                    tokens.word(at + 3).filter(|word| matches!(*word, "creating" | "registering"))?;
                    (tokens.word(at + 1)?, at + 4)
                }
                name => (name, at + 1),
            };
            let close = tokens.0.get(block).filter(|_| tokens.is(block, b'{'))?.partner;
            defined.push((name.to_owned(), only_file(tokens, block + 1, close)?.to_owned()));
            at = close + 1;
        }
        self.defined = defined;
        Some(begin..=end)
    }
}

/// The files of a build's catalogs by name: that which Gradle finds on its own, and those that the settings file defines.
/// Of one that is defined twice, or of a file elsewhere, no file is known.
pub(super) fn catalogs_of(folder: &RepoPath, settings: Option<&Script>) -> BTreeMap<String, RepoPath> {
    let mut catalogs = BTreeMap::new();
    for (name, file) in settings.map_or(&[][..], |script| &script.names.defined) {
        let file = folder.resolve(file.as_bytes()).unwrap_or_else(|_| RepoPath::root());
        if catalogs.insert(name.clone(), file).is_some() {
            catalogs.insert(name.clone(), RepoPath::root());
        }
    }
    let found = || folder.child(b"gradle").child(b"libs.versions.toml");
    catalogs.entry(DEFAULT_CATALOG.to_owned()).or_insert_with(found);
    catalogs
}

/// The file of `from(files("…"))`, where nothing else stands between two places.
fn only_file<'t>(tokens: &'t Tokens<'_, '_>, begin: usize, end: usize) -> Option<&'t str> {
    let told = (begin..end).filter(|&at| !(tokens.is(at, b'(') || tokens.is(at, b')') || tokens.is(at, b';')));
    let told: Vec<usize> = told.collect();
    let [from, files, file] = told[..] else { return None };
    (tokens.word(from) == Some("from") && tokens.word(files) == Some("files")).then(|| literal_at(tokens, file))?
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !is_of_word(c)).filter(|word| !word.is_empty())
}

/// Whether a text speaks of Gradle's interface to catalogs, or of the file of one.
fn is_catalog_api(text: &str) -> bool {
    ["ersionCatalog", "LibrariesFor", "LibrariesExtension", ".versions.toml"].iter().any(|word| text.contains(word))
}

/// Whether a text is given to a call or a property for folders: many a project has one of the catalog's name.
fn is_folder(tokens: &Tokens<'_, '_>, at: usize) -> bool {
    let signs = (0..at).rev().take_while(|&at| b"(:=".iter().any(|&sign| tokens.is(at, sign))).count();
    let word = at.checked_sub(signs + 1).and_then(|at| tokens.word(at));
    let words = ["dir", "dirs", "flatDir", "fileTree", "files", "file", "from", "into", "srcDir", "srcDirs", "to"];
    word.is_some_and(|word| words.contains(&word))
}
