//! Laws that hold for every repository and every edit.

use proptest::prelude::*;

use super::super::testing::repository::{edits, known, put, repositories};
use super::super::testing::{Known, affected, by_fingerprints, ids};
use crate::path::RepoPath;
use crate::tree::{MemoryTree, Mode};

fn law(base: &Known, head: &Known) -> Result<(), TestCaseError> {
    let quick = affected(base, head, false);
    prop_assert_eq!(
        ids(&head.workspace, quick.certain(&head.workspace)),
        by_fingerprints(base, head),
        "{:#?}\naffected: {:#?}",
        super::super::testing::differing(base, head),
        quick.tasks().map(|task| (head.workspace.task_id(task), quick.task(&head.workspace, task))).collect::<Vec<_>>()
    );
    Ok(())
}

proptest! {
    #[test]
    fn the_quick_answer_is_that_of_fingerprinting_everything_twice(
        repository in repositories(),
        edits in edits(),
    ) {
        let (base, head) = (repository.known(), known(&repository.edited(&edits)));
        law(&base, &head)?;
        law(&head, &base)?;
    }

    #[test]
    fn a_tree_against_itself_affects_nothing(repository in repositories()) {
        let base = repository.known();
        let found = affected(&base, &repository.known(), true);
        prop_assert!(found.is_empty() && found.widened.is_empty());
    }

    #[test]
    fn one_more_changed_file_never_affects_less(repository in repositories(), edits in edits(), at in any::<prop::sample::Index>()) {
        let base = repository.known();
        let mut files = repository.edited(&edits);
        let before = known(&files);
        let fewer = affected(&base, &before, true);
        // A file that no manifest speaks of, beside one that is there.
        let folders: Vec<RepoPath> = files.keys().filter_map(RepoPath::parent).collect();
        if !folders.is_empty() {
            put(&mut files, folders[at.index(folders.len())].child(b"one-more.txt"), Mode::File, "more");
        }
        let head = known(&files);
        let more = ids(&head.workspace, affected(&base, &head, true).tasks());
        for task in ids(&before.workspace, fewer.tasks()) {
            prop_assert!(more.contains(&task), "{} is affected no longer", task);
        }
    }

    #[test]
    fn case_100_the_order_of_files_does_not_matter(repository in repositories(), edits in edits()) {
        let files = repository.edited(&edits);
        let listed: Vec<_> = files.iter().map(|(path, (mode, bytes))| (path.clone(), *mode, bytes.clone())).collect();
        let turned = Known::of(MemoryTree::from_contents(listed.into_iter().rev()));
        let straight = known(&files);
        let none = crate::fingerprint::Environment::new();
        prop_assert_eq!(turned.fingerprints(&none), straight.fingerprints(&none));
        prop_assert_eq!(turned.workspace.diagnostics(), straight.workspace.diagnostics());
        prop_assert_eq!(turned.workspace.edges(), straight.workspace.edges());
    }
}
