//! The laws of a plan.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::affect::testing::repository::{edits, known, repositories};
use crate::affect::testing::{Known, affected};
use crate::affect::{Side, Terms, affect};
use crate::fingerprint::{Environment, OwnDigests, fingerprints};
use crate::tree::MemoryTree;

fn plan_of(head: &Known, found: &Affected, selected: &Selected) -> Plan {
    let members = members(&head.workspace, found, selected);
    let prints =
        fingerprints(&head.workspace, &head.tree, &Environment::new(), &members, &OwnDigests::default()).unwrap();
    plan(&head.workspace, found, selected, &prints.tasks)
}

fn planned(base: &Known, head: &Known, selected: &Selected) -> Plan {
    let found = affected(base, head, true);
    plan_of(head, &found, selected)
}

proptest! {
    #[test]
    fn a_plan_holds_what_is_affected_and_orders_it(repository in repositories(), edits in edits()) {
        let (base, head) = (repository.known(), known(&repository.edited(&edits)));
        let found = affected(&base, &head, true);
        let plan = planned(&base, &head, &Selected::All);
        let prints = head.fingerprints(&Environment::new());
        let affected_in_plan: BTreeSet<_> =
            plan.tasks.iter().filter(|planned| planned.affected).map(|planned| planned.task).collect();
        prop_assert_eq!(affected_in_plan, found.tasks().collect());
        let by_task: BTreeMap<TaskIndex, &PlannedTask> = plan.tasks.iter().map(|planned| (planned.task, planned)).collect();
        for (id, task) in &by_task {
            prop_assert_eq!(task.fingerprint, prints[&head.workspace.task_id(*id)]);
            for need in &task.needs {
                let below = by_task[need];
                // Tasks that need each other share a layer.
                let strictly = below.layer < task.layer;
                prop_assert!(strictly || (below.layer == task.layer && reaches(&by_task, *need, *id)), "{:?} needs {:?}", id, need);
            }
        }
        let twice = planned(&base, &head, &Selected::All);
        prop_assert_eq!(format!("{:?}", plan), format!("{:?}", twice));
    }

    #[test]
    fn the_plan_of_a_tree_against_itself_is_empty(repository in repositories()) {
        prop_assert!(planned(&repository.known(), &repository.known(), &Selected::All).tasks.is_empty());
    }

    #[test]
    fn a_pipeline_plans_no_other_affected_tasks_than_all_do(repository in repositories(), edits in edits()) {
        let (base, head) = (repository.known(), known(&repository.edited(&edits)));
        let all = planned(&base, &head, &Selected::All);
        let builds = planned(&base, &head, &Selected::Named(vec!["build".to_owned()]));
        for planned in builds.tasks.iter().filter(|planned| planned.affected) {
            prop_assert_eq!(head.workspace.task_name(planned.task).0.as_str(), "build");
            prop_assert!(all.tasks.iter().any(|other| other.task == planned.task && other.affected));
        }
    }
}

fn reaches(plan: &BTreeMap<TaskIndex, &PlannedTask>, from: TaskIndex, to: TaskIndex) -> bool {
    let mut seen = BTreeSet::from([from]);
    let mut pending = vec![from];
    while let Some(here) = pending.pop() {
        for need in &plan[&here].needs {
            if seen.insert(*need) {
                pending.push(*need);
            }
        }
    }
    seen.contains(&to)
}

#[test]
fn a_chain_of_a_hundred_thousand_tasks_has_as_many_layers_and_needs_no_deep_stack() {
    let run = || {
        let count = 100_000;
        let chain = || Workspace::of_graph(count, (1..count).map(|n| (n, n - 1)));
        let (base, head, tree) = (chain(), chain().with_command(0, "other"), MemoryTree::default());
        let sides = (Side { tree: &tree, workspace: &base }, Side { tree: &tree, workspace: &head });
        let found = affect(sides.0, sides.1, &[], &Terms::default()).unwrap();
        let members = members(&head, &found, &Selected::All);
        let prints = fingerprints(&head, &tree, &Environment::new(), &members, &OwnDigests::default()).unwrap();
        assert_eq!(plan(&head, &found, &Selected::All, &prints.tasks).layers().len(), count);
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn a_name_asks_for_its_parts_too() {
    let named = Selected::Named(vec!["image".to_owned()]);
    let includes = |name: &str| named.includes(&TaskName(name.to_owned()));
    assert!(includes("image") && includes("image.worker") && !includes("images") && !includes("build"));
}
