//! Random edits of a repository.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::select;

use super::contents::{
    APPEARING, COMPILER, COPIED, FILES, INHERITED, LINKS, LOCKFILES, ODD_NAMES, TARGETS, content_of,
};
use super::manifests::{MANIFESTS, NAMES, Place, Settings, roots, table};
use super::{Files, PLACES, path, put};
use crate::path::RepoPath;
use crate::tree::Mode;

/// What an edit does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum EditKind {
    /// A file of a project gets other bytes, or comes into being.
    Write,
    /// A file outside every project does.
    Inherit,
    /// Any file gets a comment.
    Touch,
    /// Any file goes.
    Delete,
    /// All files of a place go.
    DeleteFolder,
    /// Any file goes to another place, with its name.
    Move,
    /// All files of a place go to another.
    MoveFolder,
    /// The executable bit of any file.
    Executable,
    /// Any file becomes unreadable as what it is.
    Break,
    /// A new symbolic link.
    Link,
    /// A link that is there leads elsewhere.
    Retarget,
    /// A link to a link to a folder.
    LinkChain,
    /// Two links to each other.
    LinkLoop,
    /// The manifests of a place, which may be of several ecosystems.
    Place,
    /// One more dependency of a place.
    AddEdge,
    /// One less.
    RemoveEdge,
    /// Which workspaces the root declares, and whom they take in.
    Roots,
    /// A lockfile.
    Lockfile,
    /// The configuration of the repository.
    Configure,
    /// The configuration of one project at the root.
    ConfigureProject,
    /// The configuration of one project in its folder.
    ConfigureFolder,
    /// There is no configuration at the root.
    Unconfigure,
    /// One of several TypeScript configurations that extend each other.
    Compiler,
    /// What images copy comes or goes.
    Copied,
    /// A file that counts by being there comes or goes.
    Appear,
    /// A manifest inside a project comes or goes.
    Nest,
    /// The commit of a submodule.
    Submodule,
    /// A file of an odd name.
    OddName,
    /// A folder becomes a file, or the other way round.
    Swap,
}

impl EditKind {
    /// All kinds, with how often each is chosen.
    pub(crate) const ALL: [(u32, EditKind); 29] = {
        use EditKind::*;
        [
            (4, Write),
            (3, Inherit),
            (3, Touch),
            (3, Delete),
            (1, DeleteFolder),
            (2, Move),
            (1, MoveFolder),
            (1, Executable),
            (1, Break),
            (3, Link),
            (2, Retarget),
            (1, LinkChain),
            (1, LinkLoop),
            (4, Place),
            (3, AddEdge),
            (2, RemoveEdge),
            (1, Roots),
            (1, Lockfile),
            (1, Configure),
            (2, ConfigureProject),
            (1, ConfigureFolder),
            (1, Unconfigure),
            (2, Compiler),
            (2, Copied),
            (3, Appear),
            (2, Nest),
            (1, Submodule),
            (1, OddName),
            (1, Swap),
        ]
    };
}

/// One edit: its kind, and numbers that choose places, names and contents.
#[derive(Debug, Clone)]
pub(super) struct Edit {
    kind: EditKind,
    numbers: [u16; 4],
}

pub(super) fn edit_of(kind: impl Strategy<Value = EditKind>) -> impl Strategy<Value = Edit> {
    (kind, prop::array::uniform4(0..5040_u16)).prop_map(|(kind, numbers)| Edit { kind, numbers })
}

pub(super) fn edit() -> impl Strategy<Value = Edit> {
    let weighted = EditKind::ALL.iter().flat_map(|(weight, kind)| std::iter::repeat_n(*kind, *weight as usize));
    edit_of(select(weighted.collect::<Vec<_>>()))
}

/// Files, and what their manifests were made of.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) files: Files,
    places: BTreeMap<&'static str, Place>,
    settings: Option<Settings>,
}

fn chosen<T: Copy>(of: &[T], number: u16) -> T {
    of[usize::from(number) % of.len()]
}

impl State {
    /// Any file but those whose errors stop everything.
    fn existing(&self, number: u16) -> Option<RepoPath> {
        let all: Vec<&RepoPath> = self.files.keys().filter(|path| path.name() != Some(b"knockon.toml")).collect();
        (!all.is_empty()).then(|| all[usize::from(number) % all.len()].clone())
    }

    fn write(&mut self, file: &str, content: u16) {
        put(&mut self.files, path(file), Mode::File, content_of(file, content));
    }

    /// Writes a file that is not there, removes one that is.
    fn toggle(&mut self, file: &str, content: u16) {
        if self.files.remove(&path(file)).is_none() {
            self.write(file, content);
        }
    }

    pub(super) fn apply(&mut self, edit: &Edit) {
        self.make(edit);
        self.settle();
    }

    /// Takes away what no plan can be made with: a project's own file that says again what the root says of it, or
    /// that came to a place which it depends on.
    pub(super) fn settle(&mut self) {
        let root = self.files.get(&path("knockon.toml")).map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned());
        for place in PLACES {
            let own = path(place).child(b"knockon.toml");
            let Some((_, bytes)) = self.files.get(&own) else { continue };
            let is_said = root.as_ref().is_some_and(|root| root.contains(&format!("[project.{place:?}]")));
            if is_said || String::from_utf8_lossy(bytes).contains(&format!("{place:?}")) {
                self.files.remove(&own);
            }
        }
    }

    fn make(&mut self, edit: &Edit) {
        let [first, second, third, fourth] = edit.numbers;
        let place = chosen(PLACES, first);
        match edit.kind {
            EditKind::Write => self.write(&format!("{place}/{}", chosen(FILES, second)), third),
            EditKind::Inherit => self.write(chosen(INHERITED, first), second),
            EditKind::Lockfile => self.write(chosen(LOCKFILES, first), second),
            EditKind::Copied => self.toggle(chosen(COPIED, first), second),
            EditKind::Appear if second % 3 == 0 => self.toggle(chosen(INHERITED, first), third),
            EditKind::Appear => self.toggle(&format!("{place}/{}", chosen(APPEARING, second)), third),
            EditKind::Compiler if second % 2 == 0 => self.write(chosen(COMPILER, first), third),
            EditKind::Compiler => self.write(&format!("{place}/tsconfig.json"), third),
            EditKind::Touch => self.touch(first, second),
            EditKind::Delete => {
                self.existing(first).map(|path| self.files.remove(&path));
            }
            EditKind::DeleteFolder => {
                let folder = path(place);
                self.files.retain(|path, _| !path.is_within(&folder));
            }
            EditKind::Move => {
                if let Some(from) = self.existing(first)
                    && let Some((mode, bytes)) = self.files.remove(&from)
                {
                    let to = path(chosen(PLACES, second)).child(from.name().unwrap());
                    put(&mut self.files, to, mode, bytes);
                }
            }
            EditKind::MoveFolder => self.move_folder(place, chosen(PLACES, second)),
            EditKind::Executable => {
                if let Some(path) = self.existing(first)
                    && let Some((mode @ (Mode::File | Mode::Executable), _)) = self.files.get_mut(&path)
                {
                    *mode = if *mode == Mode::File { Mode::Executable } else { Mode::File };
                }
            }
            EditKind::Break => {
                if let Some(path) = self.existing(first)
                    && let Some((Mode::File, bytes)) = self.files.get_mut(&path)
                {
                    *bytes = b"<{[broken".to_vec();
                }
            }
            EditKind::Link => self.link(&format!("{place}/{}", chosen(LINKS, second)), chosen(TARGETS, third)),
            EditKind::Retarget => {
                let mut links: Vec<_> = self.files.values_mut().filter(|(mode, _)| *mode == Mode::Symlink).collect();
                let count = links.len().max(1);
                if let Some((_, text)) = links.get_mut(usize::from(first) % count) {
                    *text = chosen(TARGETS, second).into();
                }
            }
            EditKind::LinkChain => {
                let to = |from: &str, to: &str| String::from_utf8(path(from).relative_to(&path(to))).unwrap();
                self.link(&format!("{place}/link"), &to(place, "way/one"));
                self.link("way/one", "two");
                self.link("way/two", &to("way", chosen(PLACES, second)));
            }
            EditKind::LinkLoop => {
                self.link(&format!("{place}/link"), "other");
                self.link(&format!("{place}/other"), chosen(&["link", "./link", "../link"], second));
            }
            EditKind::Place => {
                let several = 1 + usize::from(second % 5 / 2);
                let manifests = (0..several).map(|at| chosen(MANIFESTS, second / 5 + third * at as u16)).collect();
                let refers = (0..third % 4).map(|at| chosen(PLACES, third / 4 + fourth * at)).collect();
                self.replace(place, Place { manifests, refers, by_path: fourth % 2 == 0, way: fourth / 2 });
            }
            EditKind::AddEdge => self.refer(first, |refers| refers.push(chosen(PLACES, second))),
            EditKind::RemoveEdge => self.refer(first, |refers| refers.truncate(refers.len().saturating_sub(1))),
            EditKind::Roots => {
                for (name, text) in roots([first, second, third]) {
                    match text {
                        Some(text) => put(&mut self.files, path(name), Mode::File, text),
                        None => drop(self.files.remove(&path(name))),
                    }
                }
            }
            EditKind::Configure => {
                self.settings.get_or_insert_default().workspace = [first, second, third];
                self.write_settings();
            }
            EditKind::ConfigureProject => {
                let settings = self.settings.get_or_insert_default();
                settings.projects.retain(|(at, _)| *at != place);
                settings.projects.push((place, [second, third, fourth]));
                self.write_settings();
            }
            EditKind::Unconfigure => {
                self.settings = None;
                self.files.remove(&path("knockon.toml"));
            }
            EditKind::ConfigureFolder => {
                let text = table(place, [second, third, fourth], "");
                put(&mut self.files, path(place).child(b"knockon.toml"), Mode::File, text);
            }
            EditKind::Nest => {
                let (name, text) = chosen(
                    &[
                        ("package.json", "{}"),
                        ("package.json", "{\"name\": \"inner\", \"scripts\": {\"build\": \"x\"}}"),
                        ("go.mod", "module example.com/inner\n"),
                        ("Cargo.toml", "[package]\nname = \"inner\"\nversion = \"0.1.0\"\n"),
                        ("x.csproj", "<Project Sdk=\"Microsoft.NET.Sdk\" />"),
                        ("pyproject.toml", "[project]\nname = \"inner\"\n"),
                        ("Dockerfile", "FROM scratch\nCOPY . .\n"),
                    ],
                    third,
                );
                let file = path(&format!("{place}/{}/{name}", chosen(&["src", "inner", "tests"], second)));
                if self.files.remove(&file).is_none() {
                    put(&mut self.files, file, Mode::File, text);
                }
            }
            EditKind::Submodule => {
                let at = chosen(&["vendor", "src", "third/party"], second);
                let commit = chosen(
                    &["1111111111111111111111111111111111111111", "2222222222222222222222222222222222222222"],
                    third,
                );
                put(&mut self.files, path(&format!("{place}/{at}")), Mode::Submodule, commit);
            }
            EditKind::OddName => {
                let folder = path(place).child(chosen(&[&b"src"[..], b"tests", b"\xfe odd"], second));
                let file = folder.child(chosen(ODD_NAMES, third));
                put(&mut self.files, file, Mode::File, format!("{fourth}\n"));
            }
            EditKind::Swap => {
                let at = path(chosen(&["src", "tests", "conf"], second));
                let at = path(place).join(&at);
                match self.files.get(&at) {
                    Some(_) => put(&mut self.files, at.child(b"main.ts"), Mode::File, "swapped\n"),
                    None => put(&mut self.files, at, Mode::File, "swapped\n"),
                }
            }
        }
    }

    fn touch(&mut self, at: u16, content: u16) {
        if let Some(path) = self.existing(at)
            && let Some((mode, bytes)) = self.files.get_mut(&path)
            && mode.is_file()
        {
            // A manifest stays one.
            let comment = match path.as_bytes() {
                name if name.ends_with(b".json") => " ".repeat(1 + usize::from(content % 3)),
                name if [&b".xml"[..], b"proj", b".props"].iter().any(|end| name.ends_with(end)) => "\n".to_owned(),
                name if name.ends_with(b"go.mod") => format!("// {content}\n"),
                _ => format!("\n# {content}"),
            };
            bytes.extend_from_slice(comment.as_bytes());
        }
    }

    fn link(&mut self, at: &str, target: &str) {
        put(&mut self.files, path(at), Mode::Symlink, target);
    }

    fn move_folder(&mut self, from: &str, to: &str) {
        let (from, to) = (path(from), path(to));
        if from.is_within(&to) || to.is_within(&from) {
            return;
        }
        let moved: Vec<RepoPath> = self.files.keys().filter(|path| path.is_within(&from)).cloned().collect();
        for path in moved {
            if let (Some((mode, bytes)), Some(below)) = (self.files.remove(&path), path.below(&from)) {
                put(&mut self.files, to.join(&below), mode, bytes);
            }
        }
    }

    /// Writes the manifests of a place anew.
    fn replace(&mut self, at: &'static str, mut place: Place) {
        place.refers.retain(|other| *other != at);
        place.refers.sort_unstable();
        place.refers.dedup();
        for name in NAMES {
            self.files.remove(&path(at).child(name.as_bytes()));
        }
        for (name, text) in place.written(at) {
            put(&mut self.files, path(at).child(name.as_bytes()), Mode::File, text);
        }
        self.places.insert(at, place);
    }

    fn refer(&mut self, number: u16, change: impl FnOnce(&mut Vec<&'static str>)) {
        let known: Vec<&'static str> = self.places.keys().copied().collect();
        if known.is_empty() {
            return;
        }
        let at = chosen(&known, number);
        if let Some(mut place) = self.places.get(at).cloned() {
            change(&mut place.refers);
            self.replace(at, place);
        }
    }

    fn write_settings(&mut self) {
        if let Some(settings) = &self.settings {
            let text = settings.written();
            put(&mut self.files, path("knockon.toml"), Mode::File, text);
        }
    }
}
