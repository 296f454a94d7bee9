//! `.gitattributes`, for the few attributes that change what `git add` stores.
//!
//! Own code, so that both engines see the same attributes: libgit2's reader needs a repository that it can open.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use super::index::IndexEntry;
use super::layout::Layout;
use super::object::Kind;
use super::objects::Objects;
use super::pattern::Pattern;
use super::settings::Settings;
use super::walk::on_disk;
use crate::path::RepoPath;
use crate::tree::ObjectId;

/// What a line says of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    Set,
    Unset,
    /// `!name`: as if no line had spoken.
    Unspecified,
    Value(Box<[u8]>),
}

impl State {
    pub(super) fn is(&self, value: &str) -> bool {
        matches!(self, State::Value(found) if **found == *value.as_bytes())
    }
}

pub(super) type Assigned = (Box<[u8]>, State);

/// The attributes that a name stands for.
pub(super) type Macros = HashMap<Box<[u8]>, Vec<Assigned>>;

#[derive(Debug, Default)]
pub(super) struct AttributesFile {
    lines: Vec<(Pattern, Vec<Assigned>)>,
    pub(super) macros: Vec<(Box<[u8]>, Vec<Assigned>)>,
}

/// The attributes that hold in one work tree.
pub(super) struct Attributes {
    top: PathBuf,
    objects: Arc<Objects>,
    /// `.gitattributes` of the index count where the work tree has none.
    in_index: HashMap<RepoPath, ObjectId>,
    info: AttributesFile,
    /// The user's, then the system's.
    outer: Vec<AttributesFile>,
    folders: RwLock<HashMap<RepoPath, Arc<AttributesFile>>>,
    macros: Macros,
}

impl Attributes {
    pub(super) fn new(layout: &Layout, settings: &Settings, objects: Arc<Objects>, index: &[IndexEntry]) -> Self {
        let read = |path: &Path| fs::read(path).map(|text| parse(&text, true)).unwrap_or_default();
        let mut outer = Vec::new();
        outer.extend(settings.attributes_file.as_deref().map(read));
        outer.extend(settings.system_attributes.then(|| read(Path::new("/etc/gitattributes"))));
        let named = |entry: &&IndexEntry| entry.path.name() == Some(b".gitattributes");
        let in_index = index.iter().filter(named).map(|entry| (entry.path.clone(), entry.id)).collect();
        let mut attributes = Self {
            top: layout.work_tree.clone().unwrap_or_default(),
            objects,
            in_index,
            info: read(&layout.common_dir.join("info/attributes")),
            outer,
            folders: RwLock::default(),
            macros: HashMap::new(),
        };
        attributes.collect_macros();
        attributes
    }

    fn collect_macros(&mut self) {
        let built_in = parse(b"[attr]binary -diff -merge -text", true);
        let root = self.folder(&RepoPath::root());
        let weakest_first = std::iter::once(&built_in).chain(self.outer.iter().rev()).chain([&*root, &self.info]);
        self.macros = weakest_first.flat_map(|file| file.macros.iter().cloned()).collect();
    }

    /// Whether any line of the repository or the user names a filter, so that most repositories need not ask for
    /// every file.
    pub(super) fn any_filter(&self) -> bool {
        let names = |assigned: &[Assigned]| assigned.iter().any(|(name, _)| **name == *b"filter");
        let file_names = |file: &AttributesFile| {
            file.lines.iter().any(|(_, assigned)| names(assigned)) || file.macros.iter().any(|(_, a)| names(a))
        };
        let mut folders: Vec<RepoPath> = self.in_index.keys().filter_map(RepoPath::parent).collect();
        folders.push(RepoPath::root());
        self.outer.iter().any(file_names)
            || file_names(&self.info)
            || folders.iter().any(|folder| file_names(&self.folder(folder)))
    }

    /// The attributes of a file. What no line speaks of is absent.
    pub(super) fn of(&self, path: &RepoPath) -> HashMap<Box<[u8]>, State> {
        let mut states = HashMap::new();
        self.info.apply(&self.macros, path.as_bytes(), &mut states);
        for folder in path.ancestors().skip(1) {
            if let Some(below) = path.below_bytes(&folder) {
                self.folder(&folder).apply(&self.macros, below, &mut states);
            }
        }
        for file in &self.outer {
            file.apply(&self.macros, path.as_bytes(), &mut states);
        }
        states.retain(|_, state| *state != State::Unspecified);
        states
    }

    fn folder(&self, folder: &RepoPath) -> Arc<AttributesFile> {
        if let Some(known) = self.folders.read().unwrap_or_else(PoisonError::into_inner).get(folder) {
            return Arc::clone(known);
        }
        let path = folder.child(b".gitattributes");
        let on_disk = on_disk(&self.top, &path);
        // Git does not follow a `.gitattributes` that is a symlink, and takes a folder for one without any line.
        let text = on_disk.and_then(|disk| match fs::symlink_metadata(&disk).ok()?.file_type() {
            kind if kind.is_dir() => Some(Vec::new()),
            kind if kind.is_file() => fs::read(disk).ok(),
            _ => None,
        });
        let text = text.or_else(|| self.objects.read(*self.in_index.get(&path)?, Kind::Blob).ok());
        let file = Arc::new(text.map(|text| parse(&text, folder.is_root())).unwrap_or_default());
        let mut folders = self.folders.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(folders.entry(folder.clone()).or_insert(file))
    }
}

impl AttributesFile {
    /// Lines are taken from the strongest to the weakest, and what is assigned once stays.
    pub(super) fn apply(&self, macros: &Macros, path: &[u8], states: &mut HashMap<Box<[u8]>, State>) {
        for (pattern, assigned) in self.lines.iter().rev() {
            if !pattern.matches(path) {
                continue;
            }
            let mut pending: Vec<&Assigned> = assigned.iter().collect();
            while let Some((name, state)) = pending.pop() {
                if states.contains_key(name) {
                    continue;
                }
                states.insert(name.clone(), state.clone());
                if *state == State::Set
                    && let Some(meaning) = macros.get(name)
                {
                    pending.extend(meaning);
                }
            }
        }
    }
}

pub(super) fn parse(text: &[u8], may_define: bool) -> AttributesFile {
    let mut file = AttributesFile::default();
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    for line in text.split(|&b| b == b'\n') {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let (pattern, rest) = if line.starts_with(b"\"") {
            let Some(quoted) = unquote(line) else { continue };
            quoted
        } else {
            let end = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
            (line[..end].to_vec(), &line[end..])
        };
        let words = rest.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let assigned: Vec<Assigned> = words.map(assignment).collect();
        if let Some(name) = pattern.strip_prefix(b"[attr]") {
            if may_define {
                file.macros.push((name.into(), assigned));
            }
            continue;
        }
        // Negative patterns are forbidden here, and a pattern for folders speaks of no file.
        if !pattern.starts_with(b"!") && !pattern.ends_with(b"/") {
            file.lines.push((Pattern::new(&pattern), assigned));
        }
    }
    file
}

fn assignment(word: &[u8]) -> Assigned {
    if let Some(name) = word.strip_prefix(b"-") {
        return (name.into(), State::Unset);
    }
    if let Some(name) = word.strip_prefix(b"!") {
        return (name.into(), State::Unspecified);
    }
    match word.iter().position(|&b| b == b'=') {
        Some(at) => (word[..at].into(), State::Value(word[at + 1..].into())),
        None => (word.into(), State::Set),
    }
}

/// Reads a pattern in quotes, as C writes them; gives what follows it too.
fn unquote(line: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut text = Vec::new();
    let mut at = 1;
    loop {
        match *line.get(at)? {
            b'"' => return Some((text, &line[at + 1..])),
            b'\\' => {
                at += 1;
                text.push(match *line.get(at)? {
                    b'a' => 7,
                    b'b' => 8,
                    b'f' => 12,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'v' => 11,
                    first @ b'0'..=b'3' => {
                        let digit = |at: usize| line.get(at).filter(|b| (b'0'..=b'7').contains(*b)).map(|b| b - b'0');
                        let value = (first - b'0') * 64 + digit(at + 1)? * 8 + digit(at + 2)?;
                        at += 2;
                        value
                    }
                    other => other,
                });
            }
            byte => text.push(byte),
        }
        at += 1;
    }
}
