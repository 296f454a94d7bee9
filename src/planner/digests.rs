//! The own parts of tasks, kept between runs: of most tasks they are what they were.

use std::sync::Arc;

use super::{Planner, View};
use crate::affect::{Side, Terms, affect};
use crate::codec::{Damaged, Parts, Reader, Writer};
use crate::fingerprint::{Fingerprint, OwnDigests};
use crate::plan::TreeKind;
use crate::tree::{ObjectId, Tree, TreeError, TreeId, changes};
use crate::workspace::{TaskIndex, Workspace};

/// The kind of item in the memo that holds digests. It has the name of the workspace whose tasks they are of.
const DIGESTS: &str = "digests";

impl Planner {
    /// The own digests of a view's tasks, as far as an earlier run kept them and nothing changed them since.
    pub(super) fn kept_digests(&self, view: &View) -> Option<OwnDigests> {
        let item = self.memo.as_ref()?.item(DIGESTS, view.known.name()?)?;
        let head = item.part(0)?;
        let mut reader = Reader::new(&head);
        let tree = TreeId(ObjectId::from_bytes(reader.field().ok()?)?);
        let mut digests = read(&item.part(1)?, view.workspace()).ok()?;
        let at = self.repository.stored_tree(tree);
        forget_changed(&mut digests, view.workspace(), &*at, &*view.tree).ok()?;
        Some(digests)
    }

    /// Keeps own digests of a view's tasks. They have to be those of a tree that git has.
    pub(super) fn keep_digests(&self, view: &View, mut digests: OwnDigests) {
        let mut kept = || -> Option<()> {
            let (memo, name) = (self.memo.as_ref()?, view.known.name()?);
            let at = match view.name.kind {
                TreeKind::Commit => Arc::clone(&view.tree),
                _ => self.repository.commit_tree(&self.repository.head().ok()??),
            };
            // A tree with another workspace has other tasks.
            let anchor = self.recall.find(&*at).ok()??;
            if !Arc::ptr_eq(&anchor.known, &view.known) {
                return None;
            }
            let workspace = view.workspace();
            forget_changed(&mut digests, workspace, &*view.tree, &*at).ok()?;
            // What the environment is to one run it need not be to another.
            let depends = |task: &TaskIndex| !workspace.task_at(*task).environment.is_empty();
            let dependent: Vec<TaskIndex> = digests.iter().map(|(task, _)| task).filter(depends).collect();
            dependent.into_iter().for_each(|task| digests.remove(task));
            let mut head = Writer::default();
            head.field(at.root().0.as_bytes());
            let keep = |parts: &mut dyn Parts| {
                for part in [head.bytes, written(&digests)] {
                    parts.begin()?;
                    parts.write(&part)?;
                }
                Ok(())
            };
            memo.keep(DIGESTS, name, keep).ok()
        };
        // A memo that cannot be written leaves things as slow as they are.
        let _ = kept();
    }
}

/// Forgets the digests of tasks whose own part is another in a second tree with the same workspace.
pub(super) fn forget_changed(
    digests: &mut OwnDigests,
    workspace: &Workspace,
    before: &dyn Tree,
    after: &dyn Tree,
) -> Result<(), TreeError> {
    let changes = changes(before, after)?;
    let sides = [before, after].map(|tree| Side { tree, workspace });
    let affected = affect(sides[0], sides[1], &changes, &Terms::default())?;
    affected.by_themselves().for_each(|task| digests.remove(task));
    Ok(())
}

fn written(digests: &OwnDigests) -> Vec<u8> {
    let mut writer = Writer::default();
    let tasks: Vec<u32> = digests.iter().map(|(task, _)| task.number() as u32).collect();
    writer.array(tasks.into_iter());
    writer.bytes.extend(digests.iter().flat_map(|(_, digest)| *digest.as_bytes()));
    writer.bytes
}

fn read(body: &[u8], workspace: &Workspace) -> Result<OwnDigests, Damaged> {
    let mut reader = Reader::new(body);
    let tasks = reader.array()?;
    let (digests, rest) = reader.rest().as_chunks::<32>();
    let count = workspace.task_indices().len();
    if !rest.is_empty() || digests.len() != tasks.len() || tasks.iter().any(|&task| task as usize >= count) {
        return Err(Damaged);
    }
    let mut known = OwnDigests::default();
    for (task, digest) in tasks.into_iter().zip(digests) {
        known.insert(TaskIndex::new(task), Fingerprint::from_bytes(*digest));
    }
    Ok(known)
}
