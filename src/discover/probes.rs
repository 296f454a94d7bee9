//! Which paths were looked for: what a workspace rests on besides the manifests that it is made of.
//!
//! A workspace says what it says because certain files stand at certain places: a lockfile beside a manifest, the source
//! of a `COPY`. Whoever knows all places that were looked at knows which new or vanished files leave it as it is.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::fast::RandomState;
use foldhash::quality::FixedState;
use rayon::prelude::*;

use super::registry::says_the_same;
use super::survey::is_read;
use crate::codec::{Bytes, Deferred};
use crate::path::RepoPath;
use crate::selection::Selection;
use crate::tree::{Change, ChangeKind, Node, Tree, TreeError, node_at};

/// Paths that were looked at, by their hashes. Two paths with one hash cost time and change no answer: what looks as if it
/// mattered is worked out anew.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Probes {
    /// Whether and as what something stands at these paths.
    paths: HashSet<PathHash, RandomState>,
    /// Which names these folders have.
    folders: HashSet<PathHash, RandomState>,
    /// Whether any file is selected.
    selections: Vec<Selection>,
    /// What these files say.
    sources: HashSet<PathHash, RandomState>,
}

/// A hash that is the same in every run of one build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct PathHash(u64);

impl PathHash {
    fn of(path: &RepoPath) -> Self {
        Self(FixedState::default().hash_one(path.as_bytes()))
    }
}

/// It is a hash already.
impl Hash for PathHash {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
}

impl Probes {
    /// Notes that somebody looked for what stands at a path.
    pub fn look_at(&mut self, path: &RepoPath) {
        self.paths.insert(PathHash::of(path));
    }

    /// Notes that somebody looked at the names in a folder.
    pub fn list(&mut self, folder: &RepoPath) {
        self.folders.insert(PathHash::of(folder));
    }

    /// Notes that somebody looked whether any file is selected.
    pub fn look_for_any(&mut self, selection: &Selection) {
        self.selections.push(selection.clone());
    }

    /// Notes that somebody read what a file says that is no manifest.
    pub fn read(&mut self, source: &RepoPath) {
        self.sources.insert(PathHash::of(source));
    }

    /// Takes over what others looked at.
    pub fn extend(&mut self, others: Probes) {
        if self.paths.len() < others.paths.len() {
            let smaller = std::mem::replace(&mut self.paths, others.paths);
            self.paths.extend(smaller);
        } else {
            self.paths.extend(others.paths);
        }
        self.folders.extend(others.folders);
        self.selections.extend(others.selections);
        self.sources.extend(others.sources);
    }
}

/// Hashes in order, that stay where they were read.
#[derive(Debug, Clone, Default)]
pub struct PathHashes(Bytes);

impl From<Bytes> for PathHashes {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl PathHashes {
    fn of(mut hashes: Vec<PathHash>) -> Self {
        hashes.par_sort_unstable();
        hashes.dedup();
        Self(hashes.into_iter().flat_map(|hash| hash.0.to_le_bytes()).collect::<Vec<u8>>().into())
    }

    /// Eight bytes each, the lowest first.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn hold(&self, path: &RepoPath) -> bool {
        let hash = PathHash::of(path);
        self.0.as_chunks().0.binary_search_by_key(&hash.0, |eight| u64::from_le_bytes(*eight)).is_ok()
    }
}

/// The places that were looked at.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// Whether and as what something stands at these paths.
    pub paths: PathHashes,
    /// Which names these folders have.
    pub folders: PathHashes,
    /// Whether any file is selected.
    pub selections: Vec<Selection>,
}

/// What a workspace is made of: manifests, configurations, links, and the places that were looked at.
#[derive(Debug)]
pub struct RestsOn {
    places: Deferred<Places>,
    sources: PathHashes,
}

impl RestsOn {
    /// All that several looked at.
    pub fn of<'a>(probes: impl IntoIterator<Item = &'a Probes> + Clone) -> Self {
        let sorted = |of: fn(&'a Probes) -> &'a HashSet<PathHash, RandomState>| {
            PathHashes::of(probes.clone().into_iter().flat_map(of).copied().collect())
        };
        let (paths, folders) = (sorted(|probes| &probes.paths), sorted(|probes| &probes.folders));
        let sources = sorted(|probes| &probes.sources);
        let selections = probes.into_iter().flat_map(|probes| &probes.selections).cloned().collect();
        Self { places: Deferred::ready(Places { paths, folders, selections }), sources }
    }

    /// No places at all: what is made of manifests, configurations and links alone.
    pub fn no_places() -> Self {
        Self { places: Deferred::ready(Places::default()), sources: PathHashes::default() }
    }

    /// Places that are fetched when they are asked for, and the sources that were read.
    pub fn deferred(fetch: impl Fn() -> Option<Places> + Send + Sync + 'static, sources: PathHashes) -> Self {
        Self { places: Deferred::new(fetch), sources }
    }

    /// The sources that were read.
    pub fn sources(&self) -> &PathHashes {
        &self.sources
    }

    /// The places, if they can be had.
    pub fn places(&self) -> Option<&Places> {
        self.places.get()
    }

    /// Whether a workspace of either tree could be another because of one change between them: it is made of what
    /// manifests, configurations, links and a few sources say and of the places that were looked at; the bytes of all other
    /// files are nothing to it. Where the places cannot be had, every file that comes or goes counts.
    pub fn is_touched_by(&self, change: &Change, before: &dyn Tree, after: &dyn Tree) -> Result<bool, TreeError> {
        let Change { path, kind } = change;
        if path.name().is_none_or(is_read) || *kind == ChangeKind::Mode {
            return Ok(true);
        }
        // The text of a symbolic link says where other paths lead.
        let is_plain = |tree: &dyn Tree| {
            Ok::<_, TreeError>(matches!(node_at(tree, path)?, Some(Node::Content(mode, _)) if mode.is_file()))
        };
        let stays = match kind {
            ChangeKind::Modified if self.sources.hold(path) => return Ok(!says_the_same(path, before, after)?),
            ChangeKind::Modified => return Ok(!is_plain(after)?),
            ChangeKind::Added => is_plain(after)?,
            ChangeKind::Deleted => is_plain(before)?,
            ChangeKind::Mode => false,
        };
        let Some(places) = self.places().filter(|_| stays) else { return Ok(true) };
        Ok(places.selections.iter().any(|s| s.matches(path)) || places.see(path, before, after)?)
    }
}

impl Places {
    /// Whether somebody looked at a path that came or went, or at a folder that came or went with it.
    fn see(&self, path: &RepoPath, before: &dyn Tree, after: &dyn Tree) -> Result<bool, TreeError> {
        for here in path.ancestors() {
            let is_folder =
                |tree: &dyn Tree| Ok::<_, TreeError>(matches!(node_at(tree, &here)?, Some(Node::Folder(_))));
            if here != *path && is_folder(before)? && is_folder(after)? {
                return Ok(false);
            }
            let is_listed = |folder: RepoPath| self.folders.hold(&folder);
            if self.paths.hold(&here) || here.parent().is_some_and(is_listed) {
                return Ok(true);
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{MemoryTree, changes};

    const TREE: &str =
        "== a/package.json\n{}\n== a/x.ts\none\n== a/link -> x.ts\n== a/Dockerfile\nFROM x\n== knockon.toml\n\n";

    fn path(text: &str) -> RepoPath {
        RepoPath::from_git(text.as_bytes()).unwrap()
    }

    fn touches(rests_on: &RestsOn, base: &str, head: &str) -> bool {
        let (base, head) = (MemoryTree::parse(base), MemoryTree::parse(head));
        let differing = changes(&base, &head).unwrap();
        differing.iter().any(|change| rests_on.is_touched_by(change, &base, &head).unwrap())
    }

    #[test]
    fn the_bytes_and_names_of_plain_files_touch_nothing_that_nobody_looked_at() {
        let rests_on = RestsOn::no_places();
        for (from, to, touched) in [
            ("", "", false),
            ("one", "two", false),
            ("a/x.ts\n", "a/y.ts\n", false),
            ("== knockon", "== a/new\n== knockon", false),
            ("== a/x.ts\none\n", "", false),
            ("{}", "{ }", true),
            ("FROM x", "FROM y", true),
            ("knockon.toml\n", "knockon.toml\n#", true),
            ("-> x.ts", "-> y.ts", true),
            ("== a/link -> x.ts\n", "", true),
            ("x.ts\n", "x.ts *\n", true),
            ("== knockon", "== b/go.mod\nmodule b\n== knockon", true),
        ] {
            let head = TREE.replacen(from, to, 1);
            for (base, head) in [(TREE, head.as_str()), (head.as_str(), TREE)] {
                assert_eq!(touches(&rests_on, base, head), touched, "{from} → {to}");
            }
        }
    }

    #[test]
    fn what_comes_or_goes_touches_who_looked_at_it_or_at_a_folder_that_comes_or_goes_with_it() {
        let looked = |look: &dyn Fn(&mut Probes)| {
            let mut probes = Probes::default();
            look(&mut probes);
            RestsOn::of([&probes])
        };
        let (base, new, beside) = ("== a/x\n", "== a/x\n== a/new/deep/y\n", "== a/x\n== a/z\n");
        for (at, of_new, of_beside) in [
            ("a/new/deep/y", true, false),
            ("a/new/deep", true, false),
            ("a/new", true, false),
            ("a", false, false),
            ("a/z", false, true),
            ("b", false, false),
        ] {
            let rests_on = looked(&|probes| probes.look_at(&path(at)));
            for (head, expected) in [(new, of_new), (beside, of_beside)] {
                assert_eq!(touches(&rests_on, base, head), expected, "{at}: {head}");
                assert_eq!(touches(&rests_on, head, base), expected, "{at}: {head}");
            }
            // The bytes of what was looked at are nothing to who looked.
            assert!(!touches(&rests_on, new, &format!("{new}other\n")), "{at}");
        }
        for (folder, of_new, of_beside) in
            [("a", true, true), ("a/new", true, false), ("a/new/deep", true, false), ("b", false, false)]
        {
            let rests_on = looked(&|probes| probes.list(&path(folder)));
            assert_eq!(
                (touches(&rests_on, base, new), touches(&rests_on, base, beside)),
                (of_new, of_beside),
                "{folder}"
            );
        }
        let selection = Selection::all(&path("a")).only(["**/y"]);
        let rests_on = looked(&|probes| probes.look_for_any(&selection));
        assert!(touches(&rests_on, base, new) && !touches(&rests_on, base, beside));
    }

    #[test]
    fn places_that_cannot_be_had_count_as_looked_at() {
        let rests_on = RestsOn::deferred(|| None, PathHashes::default());
        assert!(touches(&rests_on, "== a/x\n", "== a/x\n== a/y\n"));
        assert!(!touches(&rests_on, "== a/x\none\n", "== a/x\ntwo\n"));
    }

    #[test]
    fn what_several_looked_at_is_held_once() {
        let (mut one, mut other) = (Probes::default(), Probes::default());
        one.look_at(&path("a"));
        other.look_at(&path("a"));
        other.look_at(&path("b"));
        one.extend(other.clone());
        assert_eq!(RestsOn::of([&one, &other]).places().unwrap().paths.as_bytes().len(), 16);
    }
}
