//! What is recalled is what would be worked out: the warm planner, the cold one and brute force give one answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::digests::forget_changed;
use super::recall::{Anchor, AnchorHead, Known, Recall};
use crate::affect::testing::fingerprints_of;
use crate::affect::testing::repository::{History, edits, histories, known, repositories};
use crate::affect::{Affected, Side, Terms, affect};
use crate::config;
use crate::discover::{self, FactsMemo, SurveyMemo, discover};
use crate::fingerprint::{Environment, Fingerprint, OwnDigests, fingerprints};
use crate::plan::{PlannedTask, Selected, members, plan};
use crate::tree::{MemoryTree, Tree, changes, node_at};
use crate::workspace::testing::{check_kept, everything, from_parts};
use crate::workspace::{Fetch, TaskId, Workspace, assemble};

/// A case of these laws is many pairs of trees.
fn a_part_of_the_cases(divisor: u32) -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: (usual.cases / divisor).max(1), ..usual }
}

fn worked_out(tree: &dyn Tree) -> Arc<Known> {
    understood(tree).unwrap()
}

/// What is known of a tree; nothing where its configuration has an error, of which no plan is made.
fn understood(tree: &dyn Tree) -> Option<Arc<Known>> {
    let linked = discover(tree, &SurveyMemo::default(), &FactsMemo::default()).unwrap();
    let (configuration, findings) = config::read_all(&linked.configurations);
    let configuration = configuration?;
    let written = linked.configurations.clone();
    let workspace = assemble(tree, linked, &configuration).unwrap();
    Some(Arc::new(Known::new(workspace, configuration, findings, written)))
}

/// An anchor as a later run finds it.
fn kept(anchor: &Anchor, at: Arc<dyn Tree>) -> Anchor {
    let mut parts = Vec::new();
    anchor.known.keep(&mut parts).unwrap();
    let [first, places, rows] = parts.try_into().unwrap();
    let head = AnchorHead::read(&anchor.head()).unwrap();
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

fn assembled(tree: &dyn Tree, surveys: &SurveyMemo, facts: &FactsMemo) -> Workspace {
    let linked = discover(tree, surveys, facts).unwrap();
    let configuration = config::read_all(&linked.configurations).0.unwrap();
    assemble(tree, linked, &configuration).unwrap()
}

proptest! {
    #![proptest_config(a_part_of_the_cases(4))]

    /// What an earlier run kept of one tree changes nothing that is said of it or of another.
    #[test]
    fn kept_facts_make_the_workspace_that_reading_makes(repository in repositories(), edits in edits()) {
        let (base, head) = (repository.known().tree, known(&repository.edited(&edits)).tree);
        let (mut surveys, mut facts) = <(SurveyMemo, FactsMemo)>::default();
        for tree in [&base, &head, &base] {
            let fresh = assembled(tree, &SurveyMemo::default(), &FactsMemo::default());
            prop_assert_eq!(everything(&assembled(tree, &surveys, &facts)), everything(&fresh));
            let mut parts = Vec::new();
            discover::keep(&surveys, &facts, true, &mut parts).unwrap();
            (surveys, facts) = Default::default();
            discover::recall(&surveys, &facts, parts.try_into().unwrap()).unwrap();
            prop_assert_eq!(everything(&assembled(tree, &surveys, &facts)), everything(&fresh));
            prop_assert_eq!(discover::news(&surveys, &facts), 0);
        }
    }

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
}

/// Whether what is known of the second tree, anchored at the first, is taken for what is known of the third.
fn is_recalled_for([at, of, tree]: [&str; 3]) -> bool {
    let [at, of, tree] = [at, of, tree].map(MemoryTree::parse);
    let at: Arc<dyn Tree> = Arc::new(at);
    let anchor = Anchor::at(Arc::clone(&at), &of, worked_out(&of)).unwrap();
    let (this_run, earlier) = (Recall::default(), Recall::default());
    earlier.add(kept(&anchor, at));
    this_run.add(anchor);
    let found = [this_run, earlier].map(|recall| {
        assert!(recall.find(&of).unwrap().is_some(), "an anchor holds for its own tree");
        recall.find(&tree).unwrap().is_some()
    });
    assert_eq!(found[0], found[1], "a later run recalls what this one does");
    found[0]
}

#[test]
fn a_manifest_that_differs_in_another_way_is_another_workspace() {
    let tree = |says: &str| format!("== a/go.mod\nmodule {says}\n== a/other\n1\n");
    assert!(is_recalled_for([&tree("x/one"), &tree("x/two"), &tree("x/two").replace("other\n1", "other\n2")]));
    assert!(!is_recalled_for([&tree("x/one"), &tree("x/two"), &tree("x/three")]));
    assert!(!is_recalled_for([&tree("x/one"), &tree("x/two"), "== a/other\n1\n"]));
}

#[test]
fn a_manifest_that_goes_with_its_folder_is_not_one_that_goes_alone() {
    let (with, alone) = ("== a/go.mod\nmodule x/a\n== d/go.mod\nmodule x/d\n", "== a/go.mod\nmodule x/a\n");
    let kept_folder = format!("{alone}== d/other\n1\n");
    assert!(is_recalled_for([with, &kept_folder, &kept_folder.replace("other\n1", "other\n2")]));
    assert!(!is_recalled_for([with, &kept_folder, alone]));
    assert!(!is_recalled_for([with, alone, &kept_folder]));
}

/// What one commit of a history gives when it is worked out from the ground up and everything is fingerprinted.
struct BruteForce {
    tree: Arc<MemoryTree>,
    known: Arc<Known>,
    prints: BTreeMap<TaskId, Fingerprint>,
}

impl BruteForce {
    fn of(tree: MemoryTree) -> Option<Self> {
        let known = understood(&tree)?;
        let prints = fingerprints_of(&known.workspace, &tree, &Environment::new());
        Some(Self { tree: Arc::new(tree), known, prints })
    }
}

/// A plan with its causes and fingerprints, in words.
fn plan_of(known: &Known, tree: &MemoryTree, affected: &Affected, digests: &OwnDigests) -> Vec<String> {
    let workspace = &known.workspace;
    let members = members(workspace, affected, &Selected::All);
    let prints = fingerprints(workspace, tree, &Environment::new(), &members, digests).unwrap();
    let plan = plan(workspace, affected, &Selected::All, &prints.tasks);
    let told = |planned: &PlannedTask| {
        let needs: Vec<TaskId> = planned.needs.iter().map(|need| workspace.task_id(*need)).collect();
        let why = affected.task(workspace, planned.task);
        format!("{} {} {needs:?} {} {why:?}", workspace.task_id(planned.task), planned.fingerprint, planned.layer)
    };
    let (unowned, unread, widened) = (&affected.unowned, &affected.unread, &affected.widened);
    let besides = format!("{unowned:?} {unread:?} {widened:?} {:?}", affected.removed);
    plan.tasks.iter().map(told).chain([besides]).collect()
}

fn answer(base: (&MemoryTree, &Known), head: (&MemoryTree, &Known)) -> Affected {
    let sides = [base, head].map(|(tree, known)| Side { tree, workspace: &known.workspace });
    let changes = changes(base.0, head.0).unwrap();
    affect(sides[0], sides[1], &changes, &Terms { unowned_widens: true, ..Terms::default() }).unwrap()
}

/// Three planners along a history: the warm one, which recalls what it or an earlier run knows of any commit before; the
/// cold one; and brute force, which fingerprints every task of both trees.
fn three_planners(history: &History, through_bytes: bool) -> Result<(), TestCaseError> {
    let recall = Recall::default();
    let mut digests: Option<(Arc<MemoryTree>, Arc<Known>, OwnDigests)> = None;
    let mut done: Vec<Option<BruteForce>> = Vec::new();
    for (commit, tree) in history.commits.iter().zip(history.trees()) {
        let Some(head) = BruteForce::of(tree) else {
            done.push(None);
            continue;
        };
        let at: Arc<dyn Tree> = Arc::clone(&head.tree) as _;
        let recalled = recall.find(&*head.tree).unwrap();
        let known = recalled.map(|anchor| Arc::clone(&anchor.known)).unwrap_or_else(|| {
            let anchor = Anchor::at(Arc::clone(&at), &*at, Arc::clone(&head.known)).unwrap();
            let anchor = if through_bytes { kept(&anchor, at) } else { anchor };
            Arc::clone(&recall.add(anchor).known)
        });
        let workspace = &known.workspace;
        let own = match digests.take() {
            Some((before, of, mut own)) if Arc::ptr_eq(&of, &known) => {
                forget_changed(&mut own, workspace, &*before, &*head.tree).unwrap();
                own
            }
            _ => OwnDigests::default(),
        };
        let all = workspace.task_indices().collect();
        let prints = fingerprints(workspace, &*head.tree, &Environment::new(), &all, &own).unwrap();
        let by_id: BTreeMap<TaskId, Fingerprint> =
            prints.tasks.iter().map(|(task, print)| (workspace.task_id(*task), *print)).collect();
        prop_assert_eq!(&by_id, &head.prints, "fingerprints with kept digests");
        let mut own = own;
        prints.own.iter().for_each(|(task, digest)| own.insert(*task, *digest));
        for parent in &commit.parents {
            let Some(base) = &done[*parent] else { continue };
            let of_base = recall.find(&*base.tree).unwrap().map(|anchor| Arc::clone(&anchor.known));
            let of_base = of_base.unwrap_or_else(|| Arc::clone(&base.known));
            let warm = answer((&base.tree, &of_base), (&head.tree, &known));
            let cold = answer((&base.tree, &base.known), (&head.tree, &head.known));
            prop_assert_eq!(warm.differences(workspace, &base.prints, &head.prints), [], "warm and brute force");
            prop_assert_eq!(
                plan_of(&known, &head.tree, &warm, &own),
                plan_of(&head.known, &head.tree, &cold, &OwnDigests::default()),
                "warm and cold"
            );
        }
        digests = Some((Arc::clone(&head.tree), Arc::clone(&known), own));
        done.push(Some(head));
    }
    Ok(())
}

proptest! {
    #![proptest_config(a_part_of_the_cases(8))]

    #[test]
    fn the_warm_planner_the_cold_one_and_brute_force_give_one_plan(history in histories(), through_bytes in any::<bool>()) {
        three_planners(&history, through_bytes)?;
    }
}
