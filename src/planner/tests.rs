//! What is recalled is what would be worked out: the warm planner, the cold one and brute force give one answer.

use std::sync::Arc;

use proptest::prelude::*;

use super::recall::{Anchor, AnchorHead, Known, Recall};
use crate::affect::testing::repository::{edits, known, repositories};
use crate::affect::testing::{by_fingerprints, differing, ids};
use crate::affect::{Side, Terms, affect};
use crate::config;
use crate::discover::{FactsMemo, SurveyMemo, discover};
use crate::tree::{MemoryTree, Tree, changes, node_at};
use crate::workspace::testing::{check_kept, everything, from_parts};
use crate::workspace::{Fetch, assemble};

fn worked_out(tree: &dyn Tree) -> Arc<Known> {
    let linked = discover(tree, &SurveyMemo::default(), &FactsMemo::default()).unwrap();
    let (configuration, findings) = config::read_all(&linked.configurations);
    let configuration = configuration.unwrap();
    let workspace = assemble(tree, &linked, &configuration).unwrap();
    Arc::new(Known::new(workspace, configuration, findings, linked.configurations))
}

/// An anchor as a later run finds it.
fn kept(anchor: &Anchor, at: Arc<dyn Tree>) -> Anchor {
    let (head, [first, places, rows]) = anchor.to_kept();
    let head = AnchorHead::read(&head).unwrap();
    assert_eq!(head.tree, at.root());
    let fetch = |part: Vec<u8>| -> Fetch { Box::new(move || Some(part.clone())) };
    head.with_parts(at, &first.into(), fetch(places), fetch(rows)).unwrap()
}

/// Whatever the recall finds for a tree is what working it out gave.
fn check_recall(recall: &Recall, tree: &MemoryTree, fresh: &Known) -> Result<bool, TestCaseError> {
    let Some(anchor) = recall.find(tree).unwrap() else { return Ok(false) };
    prop_assert_eq!(everything(&anchor.known.workspace), everything(&fresh.workspace));
    prop_assert_eq!(&anchor.known.configuration, &fresh.configuration);
    Ok(true)
}

/// What a tree holds.
fn listing(tree: &dyn Tree) -> Vec<String> {
    let changes = changes(&MemoryTree::default(), tree).unwrap();
    changes.iter().map(|change| format!("{} {:?}", change.path, node_at(tree, &change.path).unwrap())).collect()
}

proptest! {
    #[test]
    fn a_kept_workspace_is_the_one_that_was_kept(repository in repositories(), edits in edits()) {
        check_kept(&known(&repository.edited(&edits)).workspace);
    }

    /// The digest of the memo refuses such bytes before they come here; should it ever not, nothing panics.
    #[test]
    fn damaged_bytes_are_refused_or_read_without_a_panic(
        repository in repositories(),
        at in any::<prop::sample::Index>(),
        byte in 1..=u8::MAX,
    ) {
        let whole = repository.known().workspace.to_kept();
        for part in 0..whole.len() {
            let mut parts = whole.clone();
            let at = at.index(parts[part].len());
            parts[part][at] ^= byte;
            if let Ok(read) = from_parts(parts.clone()) {
                let _ = everything(&read);
            }
            parts[part].truncate(at);
            if let Ok(read) = from_parts(parts) {
                prop_assert!(part > 0);
                let _ = everything(&read);
                prop_assert!(part == 1 || read.is_damaged());
            }
        }
    }

    /// A tree is recalled from an anchor at any other one: by what this run knows, and by what an earlier one kept.
    #[test]
    fn the_warm_planner_knows_what_the_cold_one_finds(
        repository in repositories(),
        first in edits(),
        second in edits(),
    ) {
        let files = [repository.files(), repository.edited(&first), repository.edited(&second)];
        let trees = files.map(|files| known(&files).tree);
        let fresh = trees.each_ref().map(|tree| worked_out(tree));
        for at in &trees {
            let at: Arc<dyn Tree> = Arc::new(at.clone());
            for (of, known) in trees.iter().zip(&fresh) {
                let anchor = Anchor::at(Arc::clone(&at), of, Arc::clone(known)).unwrap();
                let (this_run, earlier) = (Recall::default(), Recall::default());
                earlier.add(kept(&anchor, Arc::clone(&at)));
                this_run.add(anchor);
                for recall in [&this_run, &earlier] {
                    prop_assert!(recall.find(of).unwrap().is_some(), "an anchor holds for its own tree");
                    for (tree, fresh) in trees.iter().zip(&fresh) {
                        let found = check_recall(recall, tree, fresh);
                        let written = [&*at, of, tree].map(listing);
                        prop_assert!(found.is_ok(), "{found:?}\nat, of and for: {written:#?}");
                    }
                }
            }
        }
    }

    /// The whole way of the planner: base and head are recalled where they can be, and the answer is that of
    /// fingerprinting everything in both trees.
    #[test]
    fn the_answer_of_the_warm_planner_is_that_of_brute_force(repository in repositories(), edits in edits()) {
        let (base, head) = (repository.known(), known(&repository.edited(&edits)));
        let expected = by_fingerprints(&base, &head);
        for (from, to) in [(&base, &head), (&head, &base)] {
            let recall = Recall::default();
            recall.add(Anchor::at(Arc::new(to.tree.clone()), &to.tree, worked_out(&to.tree)).unwrap());
            let of = |tree: &MemoryTree| match recall.find(tree).unwrap() {
                Some(anchor) => Arc::clone(&anchor.known),
                None => worked_out(tree),
            };
            let (before, after) = (of(&from.tree), of(&to.tree));
            let sides = [(&from.tree, &before), (&to.tree, &after)]
                .map(|(tree, known)| Side { tree, workspace: &known.workspace });
            let terms = Terms { unowned_widens: false, ..Terms::default() };
            let found = affect(sides[0], sides[1], &differing(from, to), &terms).unwrap();
            let certain = ids(&after.workspace, found.certain(&after.workspace));
            let expected = if std::ptr::eq(from, &base) { expected.clone() } else { by_fingerprints(&head, &base) };
            prop_assert_eq!(certain, expected, "{:?}", differing(from, to));
        }
    }
}
