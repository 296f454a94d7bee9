//! Laws that hold for every repository, every edit and every history.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::super::testing::repository::{
    EditKind, Files, History, RENAMED, edits, edits_of, histories, known, put, renamed, repositories,
};
use super::super::testing::{Known, affected, by_fingerprints, differing, ids};
use crate::config;
use crate::discover::{FactsMemo, SurveyMemo, discover};
use crate::fingerprint::{Environment, Fingerprint};
use crate::path::RepoPath;
use crate::tree::{MemoryTree, Mode, Tree};
use crate::workspace::{TaskId, Workspace, assemble};

/// A tree with the fingerprints of all its tasks.
struct Fingerprinted {
    known: Known,
    prints: BTreeMap<TaskId, Fingerprint>,
}

impl Fingerprinted {
    fn of(known: Known) -> Self {
        let prints = known.fingerprints(&Environment::new());
        Self { known, prints }
    }
}

fn law(base: &Fingerprinted, head: &Fingerprinted) -> Result<(), TestCaseError> {
    let quick = affected(&base.known, &head.known, false);
    let differences = quick.differences(&head.known.workspace, &base.prints, &head.prints);
    prop_assert!(
        differences.is_empty(),
        "{:?}\n{:#?}\naffected: {:#?}",
        differences.iter().map(|one| format!("{:?} {}", one.side, one.task)).collect::<Vec<_>>(),
        differing(&base.known, &head.known),
        quick.tasks().map(|task| quick.task(&head.known.workspace, task)).collect::<Vec<_>>()
    );
    Ok(())
}

/// Every commit against its parents and the first, both ways; a merge also against all of its parents at once.
fn law_of(history: &History) -> Result<(), TestCaseError> {
    let trees = history.trees();
    let known: Vec<Fingerprinted> = trees.into_iter().map(|tree| Fingerprinted::of(Known::of(tree))).collect();
    for (at, commit) in history.commits.iter().enumerate() {
        let bases: BTreeSet<usize> = commit.parents.iter().copied().chain([0]).filter(|base| *base != at).collect();
        for base in bases {
            law(&known[base], &known[at])?;
            law(&known[at], &known[base])?;
        }
        if let [one, two] = commit.parents[..] {
            let [one, two, head] = [one, two, at].map(|at| &known[at]);
            let both = affected(&one.known, &head.known, false).union(affected(&two.known, &head.known, false));
            let differ: BTreeSet<TaskId> = by_fingerprints(&one.known, &head.known)
                .union(&by_fingerprints(&two.known, &head.known))
                .cloned()
                .collect();
            prop_assert_eq!(ids(&head.known.workspace, both.certain(&head.known.workspace)), differ);
        }
    }
    Ok(())
}

/// All that is known of a tree, as it is seen from outside.
fn told(workspace: &Workspace) -> String {
    let projects: Vec<_> = workspace.projects().collect();
    let tasks: Vec<_> = workspace.tasks().collect();
    format!("{projects:#?}{tasks:#?}{:#?}{:#?}{:#?}", workspace.edges(), workspace.doubts, workspace.diagnostics())
}

fn understood(tree: &MemoryTree, surveys: &SurveyMemo, facts: &FactsMemo) -> Workspace {
    let linked = discover(tree, surveys, facts).unwrap();
    let (configuration, _) = config::read_all(&linked.configurations);
    assemble(tree, linked, &configuration.unwrap()).unwrap()
}

/// The tasks of an answer, with the words of another naming of the folders.
fn in_other_words(tasks: impl IntoIterator<Item = TaskId>, words: &[(&str, &str)]) -> BTreeSet<String> {
    let other = |task: TaskId| words.iter().fold(task.to_string(), |text, (from, to)| text.replace(from, to));
    tasks.into_iter().map(other).collect()
}

proptest! {
    #[test]
    fn the_quick_answer_is_that_of_fingerprinting_everything_twice(
        repository in repositories(),
        edits in edits(),
    ) {
        let [base, head] = [repository.known(), known(&repository.edited(&edits))].map(Fingerprinted::of);
        law(&base, &head)?;
        law(&head, &base)?;
    }

    #[test]
    fn case_31_the_quick_answer_is_right_all_along_a_history(history in histories()) {
        law_of(&history)?;
    }

    #[test]
    fn what_was_kept_of_earlier_commits_changes_nothing_of_later_ones(history in histories(), turned in any::<bool>()) {
        let (surveys, facts) = (SurveyMemo::default(), FactsMemo::default());
        let mut trees = history.trees();
        if turned {
            trees.reverse();
        }
        for tree in trees {
            let fresh = understood(&tree, &SurveyMemo::default(), &FactsMemo::default());
            prop_assert_eq!(told(&understood(&tree, &surveys, &facts)), told(&fresh));
        }
    }

    #[test]
    fn a_tree_against_itself_affects_nothing(repository in repositories()) {
        let base = repository.known();
        let found = affected(&base, &repository.known(), true);
        prop_assert!(found.is_empty() && found.widened.is_empty());
    }

    #[test]
    fn one_more_changed_file_never_affects_less(repository in repositories(), edits in edits(), at in any::<Index>()) {
        let base = repository.known();
        let mut files = repository.edited(&edits);
        let before = known(&files);
        let fewer = ids(&before.workspace, affected(&base, &before, true).tasks());
        // A file that no manifest speaks of, beside one that is there.
        let folders: Vec<RepoPath> = files.keys().filter_map(RepoPath::parent).collect();
        if !folders.is_empty() {
            put(&mut files, folders[at.index(folders.len())].child(b"one-more.txt"), Mode::File, "more");
        }
        let after = known(&files);
        let more = ids(&after.workspace, affected(&base, &after, true).tasks());
        // The file may say which tasks there are: with it a folder that held a Dockerfile alone is worth copying.
        for task in fewer.into_iter().filter(|task| after.workspace.task(task).is_some()) {
            prop_assert!(more.contains(&task), "{} is affected no longer", task);
        }
    }

    #[test]
    fn other_bytes_of_a_file_that_is_read_as_bytes_never_affect_less(
        repository in repositories(),
        edits in edits(),
        at in any::<Index>(),
    ) {
        let base_files = repository.files();
        let base = known(&base_files);
        let mut files = repository.edited(&edits);
        let before = known(&files);
        let fewer = ids(&before.workspace, affected(&base, &before, true).tasks());
        // One that was as it is in the base: to change another back may well affect less.
        let same: Vec<RepoPath> = files
            .iter()
            .filter(|(path, file)| base_files.get(*path) == Some(file) && file.0.is_file() && is_bytes(path))
            .map(|(path, _)| path.clone())
            .collect();
        if !same.is_empty() {
            files.entry(same[at.index(same.len())].clone()).and_modify(|(_, bytes)| bytes.extend_from_slice(b"more"));
        }
        let after = known(&files);
        let more = ids(&after.workspace, affected(&base, &after, true).tasks());
        // The file may say which tasks there are: with it a folder that held a Dockerfile alone is worth copying.
        for task in fewer.into_iter().filter(|task| after.workspace.task(task).is_some()) {
            prop_assert!(more.contains(&task), "{} is affected no longer", task);
        }
    }

    #[test]
    fn other_names_of_the_folders_give_the_same_answer_in_other_words(repository in repositories(), edits in edits()) {
        let (before, after) = (repository.files(), repository.edited(&edits));
        let tasks = |base: Known, head: Known| ids(&head.workspace, affected(&base, &head, true).tasks());
        let other = |files: &Files| known(&renamed(files, RENAMED));
        let found = tasks(known(&before), known(&after));
        let there = tasks(other(&before), other(&after));
        prop_assert_eq!(in_other_words(found, RENAMED), in_other_words(there, &[]));
    }

    #[test]
    fn case_100_the_order_of_files_does_not_matter(repository in repositories(), edits in edits()) {
        let files = repository.edited(&edits);
        let listed: Vec<_> = files.iter().map(|(path, (mode, bytes))| (path.clone(), *mode, bytes.clone())).collect();
        let turned = Known::of(MemoryTree::from_contents(listed.into_iter().rev()));
        let straight = known(&files);
        let none = Environment::new();
        prop_assert_eq!(turned.tree.root(), straight.tree.root());
        prop_assert_eq!(turned.fingerprints(&none), straight.fingerprints(&none));
        prop_assert_eq!(told(&turned.workspace), told(&straight.workspace));
        // Tables of hashes are seeded anew for each: what was asked in between shows nowhere.
        let base = repository.known();
        prop_assert_eq!(
            format!("{:?}", affected(&base, &turned, true)),
            format!("{:?}", affected(&repository.known(), &straight, true))
        );
    }
}

/// Whether a file's bytes mean nothing to any ecosystem.
fn is_bytes(path: &RepoPath) -> bool {
    [&b".ts"[..], b".go", b".rs", b".md", b".sh", b".conf", b".java"].iter().any(|end| path.as_bytes().ends_with(end))
        && path.name() != Some(b"build.rs")
}

/// An answer of nothing and an answer of everything are easy to get right. Each kind of edit gives others, so that none
/// of them can fall asleep in the laws above.
#[test]
fn every_kind_of_edit_gives_answers_that_are_neither_nothing_nor_everything() {
    let mut runner = TestRunner::deterministic();
    let mut asleep = Vec::new();
    for (_, kind) in EditKind::ALL {
        let telling = (0..400).filter(|_| {
            let repository = repositories().new_tree(&mut runner).unwrap().current();
            let edits = edits_of(kind).new_tree(&mut runner).unwrap().current();
            let (before, after) = (repository.files(), repository.edited(&edits));
            if before == after {
                return false;
            }
            let (base, head) = (known(&before), known(&after));
            let found = affected(&base, &head, false).certain(&head.workspace).len();
            (1..head.workspace.tasks().count()).contains(&found)
        });
        if telling.take(2).count() < 2 {
            asleep.push(kind);
        }
    }
    assert!(asleep.is_empty(), "{asleep:?}");
}

/// Histories hold what makes them more than pairs.
#[test]
fn histories_hold_merges_reverts_and_merges_across_each_other() {
    let mut runner = TestRunner::deterministic();
    let (mut merges, mut reverts, mut crosses, mut lengths) = (0, 0, 0, BTreeSet::new());
    for _ in 0..300 {
        let history = histories().new_tree(&mut runner).unwrap().current();
        let commits = &history.commits;
        lengths.insert(commits.len());
        for (at, commit) in commits.iter().enumerate() {
            merges += usize::from(commit.parents.len() == 2);
            let earlier = |other: usize| commits[other].files == commit.files;
            reverts += usize::from((0..at).any(|other| earlier(other) && !commit.parents.contains(&other)));
            // Another merge of the same two.
            crosses += usize::from(
                commit.parents.len() == 2
                    && commits[..at].iter().any(|other| {
                        let two: BTreeSet<usize> = other.parents.iter().copied().collect();
                        two.len() == 2 && two == commit.parents.iter().copied().collect()
                    }),
            );
        }
    }
    assert_eq!(lengths, (2..=6).collect());
    assert!(merges > 50 && reverts > 10 && crosses > 10, "{merges} {reverts} {crosses}");
}
