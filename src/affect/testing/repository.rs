//! Small random repositories of several ecosystems, random edits of them and random histories, for the laws that hold
//! for all.

mod contents;
mod edit;
mod history;
mod manifests;

use std::collections::BTreeMap;

use proptest::prelude::*;

pub(crate) use self::edit::EditKind;
pub(crate) use self::history::{History, histories};

use self::edit::{Edit, State, edit, edit_of};
use super::Known;
use crate::path::RepoPath;
use crate::tree::{MemoryTree, Mode};

/// Folders that may be projects; some lie in others, and a chart has a service's name. No word of these stands in
/// another word of a repository, so that replacing them renames the folders and every mention of them.
pub(crate) const PLACES: &[&str] =
    &["ibex", "lynx", "lib/oryx", "lib/yak", "svc/quail", "svc/quail/wren", "svc/zebu", "charts/quail"];

/// What each place is called where folders have other names, which sort in another order.
pub(crate) const RENAMED: &[(&str, &str)] = &[
    ("ibex", "zorilla"),
    ("lynx", "marmot"),
    ("oryx", "uakari"),
    ("yak", "bongo"),
    ("quail", "kudu"),
    ("wren", "addax"),
    ("zebu", "caiman"),
];

/// Files of a tree by path.
pub(crate) type Files = BTreeMap<RepoPath, (Mode, Vec<u8>)>;

/// A repository, as the edits that make it of nothing. It prints as its files.
#[derive(Clone)]
pub(crate) struct Repository {
    start: Vec<Edit>,
}

/// Edits that make a head of a base.
#[derive(Debug, Clone)]
pub(crate) struct Edits(Vec<Edit>);

/// A repository of three to seven projects.
pub(crate) fn repositories() -> impl Strategy<Value = Repository> {
    let of = |kind| edit_of(Just(kind));
    let places = prop::collection::vec(of(EditKind::Place), 3..8);
    let written = prop::collection::vec(of(EditKind::Write), 4..14);
    let others = prop::collection::vec(edit(), 0..8);
    (of(EditKind::Roots), places, written, others).prop_map(|(roots, places, written, others)| Repository {
        start: [vec![roots], places, written, others].concat(),
    })
}

/// One to four edits of any kind.
pub(crate) fn edits() -> impl Strategy<Value = Edits> {
    prop::collection::vec(edit(), 1..5).prop_map(Edits)
}

/// One edit of one kind.
pub(crate) fn edits_of(kind: EditKind) -> impl Strategy<Value = Edits> {
    edit_of(Just(kind)).prop_map(|edit| Edits(vec![edit]))
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&print(&self.files()))
    }
}

impl Repository {
    fn state(&self) -> State {
        let mut state = State::default();
        self.start.iter().for_each(|edit| state.apply(edit));
        state
    }

    pub(crate) fn files(&self) -> Files {
        self.state().files
    }

    pub(crate) fn known(&self) -> Known {
        known(&self.files())
    }

    pub(crate) fn edited(&self, edits: &Edits) -> Files {
        let mut state = self.state();
        edits.0.iter().for_each(|edit| state.apply(edit));
        state.files
    }
}

/// The files as [`MemoryTree::parse`] reads them, as long as no name or text is odd.
pub(crate) fn print(files: &Files) -> String {
    let line = |(path, (mode, bytes)): (&RepoPath, &(Mode, Vec<u8>))| {
        let text = String::from_utf8_lossy(bytes);
        match mode {
            Mode::Symlink => format!("== {path} -> {text}\n"),
            Mode::Submodule => format!("== {path} @ {text}\n"),
            Mode::Executable => format!("== {path} *\n{text}\n"),
            Mode::File => format!("== {path}\n{text}\n"),
        }
    };
    format!("\n{}", files.iter().map(line).collect::<String>())
}

/// The tree of these files.
pub(crate) fn tree(files: &Files) -> MemoryTree {
    MemoryTree::from_contents(files.iter().map(|(path, (mode, bytes))| (path.clone(), *mode, bytes.clone())))
}

pub(crate) fn known(files: &Files) -> Known {
    Known::of(tree(files))
}

/// The same files with every mention of one word replaced by another, in paths and contents.
pub(crate) fn renamed(files: &Files, words: &[(&str, &str)]) -> Files {
    let other = |bytes: &[u8]| {
        words.iter().fold(bytes.to_vec(), |bytes, (from, to)| {
            let mut made = Vec::with_capacity(bytes.len());
            let mut rest = &bytes[..];
            while let Some(first) = rest.first() {
                match rest.strip_prefix(from.as_bytes()) {
                    Some(after) => {
                        made.extend_from_slice(to.as_bytes());
                        rest = after;
                    }
                    None => {
                        made.push(*first);
                        rest = &rest[1..];
                    }
                }
            }
            made
        })
    };
    let file = |(path, (mode, bytes)): (&RepoPath, &(Mode, Vec<u8>))| {
        (RepoPath::from_git(&other(path.as_bytes())).unwrap(), (*mode, other(bytes)))
    };
    files.iter().map(file).collect()
}

/// Puts a file where nothing else can stand any more: neither below it nor in its way.
pub(crate) fn put(files: &mut Files, path: RepoPath, mode: Mode, bytes: impl Into<Vec<u8>>) {
    files.retain(|other, _| !other.is_within(&path) && !path.is_within(other));
    files.insert(path, (mode, bytes.into()));
}

fn path(text: &str) -> RepoPath {
    RepoPath::from_git(text.as_bytes()).unwrap()
}
