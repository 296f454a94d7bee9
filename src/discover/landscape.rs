//! What an ecosystem sees of a tree while it links: the facts of all its manifests, and which paths exist.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::fast::RandomState;

use super::probes::Probes;
use super::syntax::Unreadable;
use crate::path::RepoPath;
use crate::tree::{ContentId, Entry, Mode, Node, Tree, TreeError};

/// One manifest of the ecosystem.
#[derive(Debug)]
pub struct Manifest<'a, F> {
    /// Where it lies.
    pub path: &'a RepoPath,
    /// What it says, or why that cannot be known.
    pub facts: Result<&'a F, &'a Unreadable>,
}

impl<F> Manifest<'_, F> {
    /// The folder it lies in.
    pub fn folder(&self) -> RepoPath {
        self.path.parent().unwrap_or_else(RepoPath::root)
    }
}

/// The facts of one ecosystem and the paths of the tree.
pub struct Landscape<'a, F> {
    manifests: Vec<Manifest<'a, F>>,
    by_path: HashMap<&'a RepoPath, usize, RandomState>,
    places: &'a Places<'a>,
    probes: Mutex<Probes>,
    reader: &'a Reader<'a, F>,
}

/// Reads a file of the tree that is no manifest.
pub(super) type Reader<'a, F> = dyn Fn(&RepoPath, ContentId) -> Result<Arc<F>, Unreadable> + Sync + 'a;

impl<'a, F> Landscape<'a, F> {
    pub(super) fn new(manifests: Vec<Manifest<'a, F>>, places: &'a Places<'a>, reader: &'a Reader<'a, F>) -> Self {
        let by_path = manifests.iter().enumerate().map(|(at, manifest)| (manifest.path, at)).collect();
        Self { manifests, by_path, places, probes: Mutex::default(), reader }
    }

    /// Everything that was looked at.
    pub(super) fn into_probes(self) -> Probes {
        self.probes.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn node(&self, path: &RepoPath) -> Option<Node> {
        let mut probes = self.probes.lock().unwrap_or_else(PoisonError::into_inner);
        self.places.resolve(path, &mut probes).map(|(_, node)| node)
    }

    /// What a file says that is no manifest; none if no such file stands there. Its ecosystem reads files of that name on
    /// demand.
    pub fn source(&self, path: &RepoPath) -> Option<Result<Arc<F>, Unreadable>> {
        let (real, id) = {
            let mut probes = self.probes.lock().unwrap_or_else(PoisonError::into_inner);
            let (real, Node::Content(mode, id)) = self.places.resolve(path, &mut probes)? else { return None };
            probes.read(&real);
            mode.is_file().then_some((real, id))?
        };
        Some((self.reader)(&real, id))
    }

    /// All manifests, sorted by path.
    pub fn manifests(&self) -> &[Manifest<'a, F>] {
        &self.manifests
    }

    /// What the manifest at a path says; none if there is none or it cannot be read.
    pub fn facts(&self, path: &RepoPath) -> Option<&'a F> {
        self.by_path.get(path).and_then(|&at| self.manifests[at].facts.ok())
    }

    /// Whether a manifest of this ecosystem lies at a path, readable or not.
    pub fn has_manifest(&self, path: &RepoPath) -> bool {
        self.by_path.contains_key(path)
    }

    /// Whether a file stands at a path. Symlinks on the way and at the end are followed inside the repository.
    pub fn is_file(&self, path: &RepoPath) -> bool {
        matches!(self.node(path), Some(Node::Content(..)))
    }

    /// Whether a folder stands at a path. Symlinks are followed inside the repository.
    pub fn is_folder(&self, path: &RepoPath) -> bool {
        matches!(self.node(path), Some(Node::Folder(_)))
    }

    /// Whether anything stands at a path.
    pub fn exists(&self, path: &RepoPath) -> bool {
        self.node(path).is_some()
    }

    /// The entries of a folder, sorted by name; none if it is no folder.
    pub fn entries(&self, folder: &RepoPath) -> Arc<[Entry]> {
        let mut probes = self.probes.lock().unwrap_or_else(PoisonError::into_inner);
        self.places.entries(folder, &mut probes)
    }

    /// The nearest file with one of these names in `folder` or a folder above it; the first name wins in a folder.
    pub fn nearest(&self, folder: &RepoPath, names: &[&str]) -> Option<RepoPath> {
        folder
            .ancestors()
            .flat_map(|ancestor| names.iter().map(move |name| ancestor.child(name.as_bytes())))
            .find(|path| self.is_file(path))
    }

    /// Every file with one of these names in `folder` or a folder above it, the nearest first.
    pub fn all_above(&self, folder: &RepoPath, names: &[&str]) -> Vec<RepoPath> {
        folder
            .ancestors()
            .flat_map(|ancestor| names.iter().map(move |name| ancestor.child(name.as_bytes())))
            .filter(|path| self.is_file(path))
            .collect()
    }
}

/// The paths of a tree, each folder read at most once.
pub struct Places<'a> {
    tree: &'a dyn Tree,
    folders: Mutex<HashMap<RepoPath, Arc<[Entry]>, RandomState>>,
    failure: Mutex<Option<TreeError>>,
}

/// How many symlinks one look-up follows before it counts as a loop, as Linux does.
const MOST_LINKS: usize = 40;

impl<'a> Places<'a> {
    pub(super) fn new(tree: &'a dyn Tree) -> Self {
        Self { tree, folders: Mutex::default(), failure: Mutex::default() }
    }

    /// What went wrong while paths were looked up, if anything did: the answer then rests on nothing.
    pub(super) fn failure(self) -> Option<TreeError> {
        self.failure.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, error: TreeError) {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    fn entries(&self, folder: &RepoPath, probes: &mut Probes) -> Arc<[Entry]> {
        let real = match self.resolve(folder, probes) {
            Some((real, Node::Folder(_))) => real,
            _ => return Arc::from([]),
        };
        probes.list(&real);
        self.listed(&real).unwrap_or_else(|| Arc::from([]))
    }

    /// The path with every symlink followed, and what stands there.
    fn resolve(&self, path: &RepoPath, probes: &mut Probes) -> Option<(RepoPath, Node)> {
        probes.look_at(path);
        // Most look-ups ask for something in a folder that an earlier one went through: no need to begin at the root.
        if let (Some(folder), Some(name)) = (path.parent(), path.name())
            && let Some(entries) = self.known(&folder)
        {
            match entries.binary_search_by(|entry| (*entry.name).cmp(name)) {
                Err(_) => return None,
                Ok(at) if !matches!(entries[at].node, Node::Content(Mode::Symlink, _)) => {
                    return Some((path.clone(), entries[at].node));
                }
                Ok(_) => {}
            }
        }
        let mut links = 0;
        let mut wanted = path.clone();
        'restart: loop {
            let mut here = RepoPath::root();
            let mut node = Node::Folder(self.tree.root());
            let segments: Vec<&[u8]> = wanted.segments().collect();
            for (at, segment) in segments.iter().enumerate() {
                let entries = self.listed(&here)?;
                let found = entries.binary_search_by(|entry| (*entry.name).cmp(segment)).ok()?;
                node = entries[found].node;
                if let Node::Content(Mode::Symlink, id) = node {
                    links += 1;
                    if links > MOST_LINKS {
                        return None;
                    }
                    let target = self.tree.content(id).map_err(|error| self.note(error)).ok()?;
                    let mut next = here.resolve(&target).ok()?;
                    for rest in &segments[at + 1..] {
                        next = next.child(rest);
                    }
                    probes.look_at(&next);
                    wanted = next;
                    continue 'restart;
                }
                here = here.child(segment);
            }
            return Some((here, node));
        }
    }

    fn known(&self, folder: &RepoPath) -> Option<Arc<[Entry]>> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner).get(folder).cloned()
    }

    /// The entries of a folder that is reached without a symlink.
    fn listed(&self, folder: &RepoPath) -> Option<Arc<[Entry]>> {
        if let Some(entries) = self.known(folder) {
            return Some(entries);
        }
        let node = match (folder.parent(), folder.name()) {
            (Some(parent), Some(name)) => {
                let entries = self.listed(&parent)?;
                let at = entries.binary_search_by(|entry| (*entry.name).cmp(name)).ok()?;
                entries[at].node
            }
            _ => Node::Folder(self.tree.root()),
        };
        let Node::Folder(id) = node else { return None };
        let entries = self.tree.folder(id).map_err(|error| self.note(error)).ok()?;
        self.folders.lock().unwrap_or_else(PoisonError::into_inner).insert(folder.clone(), Arc::clone(&entries));
        Some(entries)
    }
}
