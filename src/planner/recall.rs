//! What is known of trees already, in this run or from an earlier one: workspaces, each with the tree it is known of.
//!
//! A workspace is made of little of its tree: of what manifests, configurations and links say, and of the places that
//! were looked at ([`RestsOn`]). So it is the workspace of every other tree that agrees in these, and whether one does is
//! found by looking at what differs between the two, and at nothing else.

use std::collections::VecDeque;
use std::io;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::codec::{Bytes, Damaged, Parts, Reader, Writer};
use crate::config::{self, Configuration};
use crate::diagnostic::{Diagnostic, Severity};
use crate::discover::RestsOn;
use crate::path::RepoPath;
use crate::tree::{ContentId, Mode, Node, ObjectId, Tree, TreeError, TreeId, each_change};
use crate::workspace::{Fetch, Workspace};

/// What is known of a tree.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) workspace: Workspace,
    pub(super) configuration: Configuration,
    /// Findings about the configuration.
    pub(super) findings: Vec<Diagnostic>,
    /// Configurations and their bytes.
    written: Vec<(RepoPath, Arc<[u8]>)>,
    /// By which name the memo knows it.
    name: OnceLock<String>,
}

/// A path at which a tree differs from another, and what stands there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Patch {
    path: RepoPath,
    /// How many folders stand on the way to it. A file can go with its folder or without, and a folder may be what
    /// somebody looked for.
    folders: u32,
    content: Option<(Mode, ContentId)>,
}

/// A workspace and where it belongs: to a tree, but for some paths at which it would be another.
pub(super) struct Anchor {
    tree: Arc<dyn Tree>,
    patches: Vec<Patch>,
    pub(super) known: Arc<Known>,
}

/// The anchors of this run, the newest first.
#[derive(Default)]
pub(super) struct Recall(Mutex<VecDeque<Arc<Anchor>>>);

/// How many anchors are held: a base, a head and the few that were tried for them. A long replay needs no more.
const MOST_ANCHORS: usize = 16;

impl Recall {
    /// The anchor that a tree belongs to.
    pub(super) fn find(&self, tree: &dyn Tree) -> Result<Option<Arc<Anchor>>, TreeError> {
        let anchors = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for anchor in anchors {
            if anchor.holds(tree)? {
                return Ok(Some(anchor));
            }
        }
        Ok(None)
    }

    /// Whether something that was kept could not be had after all.
    pub(super) fn is_damaged(&self) -> bool {
        let anchors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        anchors.iter().any(|anchor| anchor.known.workspace.is_damaged())
    }

    /// Takes up an anchor.
    pub(super) fn add(&self, anchor: Anchor) -> Arc<Anchor> {
        let anchor = Arc::new(anchor);
        let mut anchors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        anchors.push_front(Arc::clone(&anchor));
        anchors.truncate(MOST_ANCHORS);
        anchor
    }
}

impl Known {
    pub(super) fn new(
        workspace: Workspace,
        configuration: Configuration,
        findings: Vec<Diagnostic>,
        written: Vec<(RepoPath, Arc<[u8]>)>,
    ) -> Self {
        Self { workspace, configuration, findings, written, name: OnceLock::new() }
    }

    /// Notes by which name the memo knows it.
    pub(super) fn kept_as(&self, name: String) {
        let _ = self.name.set(name);
    }

    /// By which name the memo knows it, if it does.
    pub(super) fn name(&self) -> Option<&str> {
        self.name.get().map(String::as_str)
    }

    /// Whether the configuration cannot be applied to the projects.
    pub(super) fn has_errors(&self) -> bool {
        self.workspace.diagnostics().iter().any(|finding| finding.severity == Severity::Error)
    }

    /// Writes it in three parts.
    pub(super) fn keep(&self, to: &mut dyn Parts) -> io::Result<()> {
        let mut first = Writer::default();
        first.count(self.written.len());
        for (path, bytes) in &self.written {
            first.field(path.as_bytes());
            first.field(bytes);
        }
        to.begin()?;
        to.write(&first.bytes)?;
        self.workspace.keep(to)
    }

    fn from_kept(first: &Bytes, places: Fetch, rows: Fetch) -> Result<Self, Damaged> {
        let mut reader = Reader::sharing(first);
        let written = reader.list(|reader| {
            let path = RepoPath::from_git(reader.field()?).map_err(|_| Damaged)?;
            Ok((path, Arc::from(reader.field()?)))
        })?;
        let (configuration, findings) = config::read_all(&written);
        let workspace = Workspace::from_kept(reader.shared_rest()?, places, rows)?;
        Ok(Self::new(workspace, configuration.ok_or(Damaged)?, findings, written))
    }
}

impl Anchor {
    /// Anchors what is known of `of` at a tree.
    pub(super) fn at(tree: Arc<dyn Tree>, of: &dyn Tree, known: Arc<Known>) -> Result<Self, TreeError> {
        let patches = differing(&known.workspace.rests_on, &*tree, of)?;
        Ok(Self { tree, patches, known })
    }

    /// Whether the workspace is that of a tree.
    fn holds(&self, tree: &dyn Tree) -> Result<bool, TreeError> {
        let found = matching(&self.known.workspace.rests_on, &*self.tree, tree, &self.patches)?;
        Ok(found == Some(self.patches.len()))
    }

    /// Writes its head, and what is known in three parts more.
    pub(super) fn keep(&self, head: &[u8], to: &mut dyn Parts) -> io::Result<()> {
        to.begin()?;
        to.write(head)?;
        self.known.keep(to)
    }

    /// Where it stands, as bytes.
    pub(super) fn head(&self) -> Vec<u8> {
        let mut head = Writer::default();
        head.field(self.tree.root().0.as_bytes());
        head.count(self.patches.len());
        for patch in &self.patches {
            head.field(patch.path.as_bytes());
            head.number(patch.folders);
            match &patch.content {
                None => head.number(0_u32),
                Some((mode, id)) => {
                    head.number(mode.bits());
                    head.field(id.0.as_bytes());
                }
            }
        }
        head.bytes
    }
}

/// The head of a kept anchor.
pub(super) struct AnchorHead {
    /// The tree that it stands at.
    pub(super) tree: TreeId,
    patches: Vec<Patch>,
}

impl AnchorHead {
    pub(super) fn read(head: &[u8]) -> Result<Self, Damaged> {
        let mut reader = Reader::new(head);
        let object = |reader: &mut Reader<'_>| ObjectId::from_bytes(reader.field()?).ok_or(Damaged);
        let tree = TreeId(object(&mut reader)?);
        let patches = reader.list(|reader| {
            let path = RepoPath::from_git(reader.field()?).map_err(|_| Damaged)?;
            let folders = reader.small()?;
            let content = match reader.small()? {
                0 => None,
                bits => Some((Mode::of_bits(bits).ok_or(Damaged)?, ContentId(object(reader)?))),
            };
            Ok(Patch { path, folders, content })
        })?;
        reader.end()?;
        Ok(Self { tree, patches })
    }

    /// Whether the anchor may hold for a tree: told from its head alone, without the places that were looked at.
    pub(super) fn may_hold(&self, at: &dyn Tree, tree: &dyn Tree) -> Result<bool, TreeError> {
        Ok(matching(&RestsOn::no_places(), at, tree, &self.patches)?.is_some())
    }

    /// The whole anchor.
    pub(super) fn with_parts(
        self,
        tree: Arc<dyn Tree>,
        first: &Bytes,
        places: Fetch,
        rows: Fetch,
    ) -> Result<Anchor, Damaged> {
        Ok(Anchor { tree, patches: self.patches, known: Arc::new(Known::from_kept(first, places, rows)?) })
    }
}

fn patch(tree: &dyn Tree, path: RepoPath) -> Result<Patch, TreeError> {
    let mut node = Some(Node::Folder(tree.root()));
    let mut folders = 0;
    for segment in path.segments() {
        let Some(Node::Folder(id)) = node else {
            node = None;
            break;
        };
        folders += 1;
        let entries = tree.folder(id)?;
        let found = entries.binary_search_by(|entry| (*entry.name).cmp(segment));
        node = found.ok().map(|at| entries[at].node);
    }
    let content = match node {
        Some(Node::Content(mode, id)) => Some((mode, id)),
        _ => None,
    };
    Ok(Patch { path, folders, content })
}

/// Where two trees differ in what a workspace rests on, sorted.
fn differing(rests_on: &RestsOn, base: &dyn Tree, head: &dyn Tree) -> Result<Vec<Patch>, TreeError> {
    let mut patches = Vec::new();
    let _ = each_change(base, head, |change| {
        if rests_on.is_touched_by(&change, base, head)? {
            patches.push(patch(head, change.path)?);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    patches.sort();
    Ok(patches)
}

/// How many of the patches two trees differ by; none as soon as they differ otherwise.
fn matching(
    rests_on: &RestsOn,
    base: &dyn Tree,
    head: &dyn Tree,
    patches: &[Patch],
) -> Result<Option<usize>, TreeError> {
    let mut found = 0;
    let told = each_change(base, head, |change| {
        if rests_on.is_touched_by(&change, base, head)? {
            if patches.binary_search(&patch(head, change.path)?).is_err() {
                return Ok(ControlFlow::Break(()));
            }
            found += 1;
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(told.is_continue().then_some(found))
}
