//! The laws of a plan.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::affect::testing::repository::{edits, known, repositories};
use crate::affect::testing::{Known, affected};
use crate::affect::{Side, Terms, affect};
use crate::tree::MemoryTree;

fn planned(base: &Known, head: &Known, selected: &Selected) -> Plan {
    let found = affected(base, head, true);
    plan(&head.workspace, &head.tree, &Environment::new(), &found, selected).unwrap()
}

proptest! {
    #[test]
    fn a_plan_holds_what_is_affected_and_orders_it(repository in repositories(), edits in edits()) {
        let (base, head) = (repository.known(), known(&repository.edited(&edits)));
        let found = affected(&base, &head, true);
        let plan = planned(&base, &head, &Selected::All);
        let prints = head.fingerprints(&Environment::new());
        let affected_in_plan: BTreeSet<_> =
            plan.tasks.iter().filter(|(_, task)| task.affected.is_some()).map(|(id, _)| id).collect();
        prop_assert_eq!(affected_in_plan, found.tasks.keys().collect());
        for (id, task) in &plan.tasks {
            prop_assert_eq!(task.fingerprint, prints[id]);
            for need in &task.needs {
                let below = &plan.tasks[need];
                // Tasks that need each other share a layer.
                let strictly = below.layer < task.layer;
                prop_assert!(strictly || (below.layer == task.layer && reaches(&plan, need, id)), "{} needs {}", id, need);
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
        for (id, task) in builds.tasks.iter().filter(|(_, task)| task.affected.is_some()) {
            prop_assert_eq!(id.name.0.as_str(), "build");
            prop_assert_eq!(&task.affected, &all.tasks[id].affected);
        }
    }
}

fn reaches(plan: &Plan, from: &TaskId, to: &TaskId) -> bool {
    let mut seen = BTreeSet::from([from]);
    let mut pending = vec![from];
    while let Some(here) = pending.pop() {
        for need in &plan.tasks[here].needs {
            if seen.insert(need) {
                pending.push(need);
            }
        }
    }
    seen.contains(to)
}

#[test]
fn a_chain_of_a_hundred_thousand_tasks_has_as_many_layers_and_needs_no_deep_stack() {
    let run = || {
        let count = 100_000;
        let chain = || Workspace::of_graph(count, (1..count).map(|n| (n, n - 1)));
        let (base, head, tree) = (chain(), chain().with_command(0, "other"), MemoryTree::default());
        let sides = (Side { tree: &tree, workspace: &base }, Side { tree: &tree, workspace: &head });
        let found = affect(sides.0, sides.1, &[], &Terms::default()).unwrap();
        let plan = plan(&head, &tree, &Environment::new(), &found, &Selected::All).unwrap();
        assert_eq!(plan.layers().len(), count);
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn a_name_asks_for_its_parts_too() {
    let named = Selected::Named(vec!["image".to_owned()]);
    let includes =
        |name: &str| named.includes(&TaskId::new(&crate::workspace::ProjectId(crate::path::RepoPath::root()), name));
    assert!(includes("image") && includes("image.worker") && !includes("images") && !includes("build"));
}
