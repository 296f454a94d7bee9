//! Changes of edges, configuration and definitions.

use std::collections::BTreeSet;

use super::super::testing::{Known, affected, differing};
use super::super::{Cause, Side, Terms, affect};
use super::{check, check_some};
use crate::fingerprint::Environment;
use crate::workspace::TaskId;
use crate::workspace::testing::from_parts;

/// A chain: a reads b, b reads c; d stands alone.
const CHAIN: &str = "== a/go.mod\nmodule x/a\nrequire x/b v0.0.0\nreplace x/b => ../b\n== b/go.mod\nmodule x/b\nrequire x/c v0.0.0\nreplace x/c => ../c\n== c/go.mod\nmodule x/c\n== c/f.go\n1\n== d/go.mod\nmodule x/d\n";
const TWO: &str = "== a/go.mod\nmodule x/a\n== a/f.go\n1\n== b/go.mod\nmodule x/b\n== b/f.go\n1\n== knockon.toml\n";
const A: [&str; 2] = ["a:build", "a:test"];

#[test]
fn case_38_a_change_and_its_revert_are_no_change() {
    check(CHAIN, CHAIN, &[]);
}

#[test]
fn case_63_an_edge_that_is_removed_affects_its_former_dependent() {
    let head = CHAIN.replace("require x/c v0.0.0\nreplace x/c => ../c\n", "");
    check(CHAIN, &head, &["a:build", "a:test", "b:build", "b:test"]);
}

#[test]
fn case_63_an_edge_that_a_third_file_states_is_seen_to_go() {
    let base = format!("{TWO}[project.a]\ndepends-on = [\"b\"]\n");
    check(&base, TWO, &A);
    // The dependency changes while the edge to it goes.
    check(&base, &TWO.replace("b/f.go\n1", "b/f.go\n2"), &["a:build", "a:test", "b:build", "b:test"]);
}

#[test]
fn case_64_an_edge_that_is_new_with_the_change_of_what_it_leads_to() {
    let head = format!("{TWO}[project.a]\ndepends-on = [\"b\"]\n").replace("b/f.go\n1", "b/f.go\n2");
    check(TWO, &head, &["a:build", "a:test", "b:build", "b:test"]);
}

#[test]
fn case_65_a_change_runs_along_a_chain_and_through_a_diamond() {
    let all = ["a:build", "a:test", "b:build", "b:test", "c:build", "c:test"];
    check(CHAIN, &CHAIN.replace("f.go\n1", "f.go\n2"), &all);
    let diamond = format!("{CHAIN}== e/go.mod\nmodule x/e\nrequire x/c v0.0.0\nreplace x/c => ../c\n")
        .replace("replace x/b => ../b\n", "replace x/b => ../b\nrequire x/e v0.0.0\nreplace x/e => ../e\n");
    let all = ["a:build", "a:test", "b:build", "b:test", "c:build", "c:test", "e:build", "e:test"];
    check(&diamond, &diamond.replace("f.go\n1", "f.go\n2"), &all);
}

#[test]
fn case_65_a_dependent_through_a_middle_that_is_removed() {
    let middle = CHAIN.find("== b/").unwrap()..CHAIN.find("== c/").unwrap();
    let mut head = CHAIN.to_owned();
    head.replace_range(middle, "");
    check_some(CHAIN, &head, &A, &["c:build", "d:build"]);
}

#[test]
fn case_65_a_test_alone_builds_nothing() {
    let base = format!("{CHAIN}== c/f_test.go\n1\n");
    check(&base, &base.replace("f_test.go\n1", "f_test.go\n2"), &["c:test"]);
}

#[test]
fn case_66_projects_in_a_circle_are_affected_as_one() {
    let base = format!("{TWO}[project.a]\ndepends-on = [\"b\"]\n[project.b]\ndepends-on = [\"a\"]\n");
    let both = ["a:build", "a:test", "b:build", "b:test"];
    check(&base, &base.replace("a/f.go\n1", "a/f.go\n2"), &both);
    check(&base, TWO, &both);
}

#[test]
fn case_69_only_what_the_configuration_says_of_a_project_affects_it() {
    let configured = |text: &str| format!("{TWO}{text}");
    check_some(TWO, &configured("[project.a.task.build]\ncommand = \"make\"\n"), &A, &["b:build", "b:test"]);
    // Comments, order, names of people, timeouts and pipelines change no result.
    let base = configured("[project.a]\nowners = [\"@x\"]\n[task.test]\nretries = 1\n");
    check(
        &base,
        &configured("# why\n[task.test]\nretries = 2\ntimeout = \"1m\"\n[project.a]\nowners = [\"@y\"]\n"),
        &[],
    );
    check(&base, &configured("[pipeline.x]\nbranches = [\"main\"]\ntasks = [\"build\"]\n"), &[]);
    let runs_in =
        "[environment.qa]\napproval = true\n[task.test]\nenvironment = \"qa\"\n[project.a]\nowners = [\"@x\"]\n";
    check(&base, &configured(runs_in), &[]);
}

#[test]
fn case_72_what_is_run_and_what_it_makes_and_reads_of_the_environment_counts() {
    let configured = |text: &str| format!("{TWO}[project.a.task.test]\n{text}\n");
    for part in ["command = \"other\"", "env = [\"CI\"]", "outputs = [\"out/**\"]"] {
        check(TWO, &configured(part), &["a:test"]);
    }
    check(&configured("env = [\"CI\"]"), &configured("env = [\"HOME\"]"), &["a:test"]);
    check(&configured("outputs = [\"out/**\"]"), &configured("outputs = [\"other/**\"]"), &["a:test"]);
}

#[test]
fn case_73_a_variable_that_is_unset_empty_or_set_are_three_fingerprints_and_others_do_not_count() {
    let known = Known::parse(&format!("{TWO}[project.a.task.test]\nenv = [\"CI\"]\n"));
    let with = |name: &str, value: Option<&str>| {
        let environment = Environment::from([(name.to_owned(), value.map(str::to_owned))]);
        known.fingerprints(&environment)
    };
    let values = [with("CI", None), with("CI", Some("")), with("CI", Some("1"))];
    let distinct = |task: &str| {
        let of = |prints: &std::collections::BTreeMap<TaskId, crate::fingerprint::Fingerprint>| {
            *prints.iter().find(|(id, _)| id.to_string() == task).unwrap().1
        };
        values.iter().map(of).collect::<BTreeSet<_>>().len()
    };
    assert_eq!((distinct("a:test"), distinct("a:build"), distinct("b:test")), (3, 1, 1));
    // A variable that is listed without a value is one that is not set.
    assert_eq!(with("OTHER", Some("1")), values[0]);
}

#[test]
fn case_77_a_project_that_moves_has_another_fingerprint() {
    let moved = TWO.replace("== a/", "== c/");
    check(TWO, &moved, &["c:build", "c:test"]);
}

#[test]
fn case_78_a_file_that_comes_where_an_input_selected_none_counts() {
    let base = format!("{TWO}[project.a]\ninputs = [\"../gen/**\"]\n");
    check(&base, &format!("== gen/x\n1\n{base}"), &A);
    check(&format!("== gen/x\n1\n{base}"), &base, &A);
}

#[test]
fn case_78_another_choice_of_inputs_that_chooses_the_same_files_affects_nothing() {
    let base = format!("{TWO}[project.a]\ninputs = [\"../gen/**\"]\n== gen/x\n1\n");
    check(&base, &base.replace("../gen/**", "../gen/x"), &[]);
    check(&base, &base.replace("../gen/**", "../gen/y"), &A);
}

#[test]
fn case_79_a_file_that_is_probed_for_counts_when_it_comes() {
    let base = "== a/b/x.csproj\n<Project Sdk=\"Microsoft.NET.Sdk\" />\n== a/c/package.json\n{\"name\": \"c\", \"scripts\": {\"build\": \"tsc\"}}\n";
    check_some(base, &format!("{base}== Directory.Build.props\n<Project />\n"), &["a/b:build"], &[]);
    check_some(base, &format!("{base}== a/Directory.Build.targets\n<Project />\n"), &["a/b:build"], &[]);
    check_some(base, &format!("{base}== a/c/.npmrc\nregistry=x\n"), &["a/c:build"], &["a/b:build"]);
    check_some(base, &format!("{base}== .npmrc\nregistry=x\n"), &["a/c:build"], &[]);
}

#[test]
fn what_is_ignored_affects_nothing_and_what_is_so_no_longer_does() {
    let base = format!("{TWO}[workspace]\nignore = [\"**/*.md\"]\n== a/x.md\n1\n");
    check(&base, &base.replace("x.md\n1", "x.md\n2"), &[]);
    check(&base, &base.replace("**/*.md", "**/*.txt"), &A);
}

#[test]
fn doubts_of_a_caller_affect_everything() {
    let (base, head) = (Known::parse(TWO), Known::parse(TWO));
    let doubt = crate::workspace::Doubt {
        reason: "shallow".to_owned(),
        detail: "the history is cut".to_owned(),
        scope: crate::workspace::Scope::All,
    };
    let terms = Terms { doubts: vec![doubt], ..Terms::default() };
    let found = affect(base.side(), head.side(), &differing(&base, &head), &terms).unwrap();
    assert_eq!(found.tasks().count(), 4);
    assert!(found.tasks().all(|task| {
        let causes = found.task(&head.workspace, task).unwrap().causes;
        causes.iter().any(|cause| matches!(cause, Cause::Widened { .. }))
    }));
}

#[test]
fn one_workspace_for_two_equal_trees_is_no_change() {
    let known = Known::parse(CHAIN);
    let side: Side<'_> = known.side();
    assert!(affect(side, side, &[], &Terms::default()).unwrap().is_empty());
    assert!(affected(&known, &known, true).is_empty());
}

#[test]
fn a_base_whose_rows_were_lost_gives_no_answer_that_counts_and_no_panic() {
    let base = Known::parse("== a/go.mod\nmodule example/a\n== a/main.go\npackage main\n");
    let head = Known::parse("== a/go.mod\nmodule example/other\n== a/main.go\npackage main // other\n");
    let [index, places, _] = base.workspace.to_kept();
    let lost = from_parts([index, places, Vec::new()]).unwrap();
    let side = Side { tree: &base.tree, workspace: &lost };
    affect(side, head.side(), &differing(&base, &head), &Terms::default()).unwrap();
    assert!(lost.is_damaged());
}

#[test]
fn what_is_done_in_a_project_is_about_its_parts_too() {
    let base = "\
== go.mod
module example.com/m
== knockon.toml
[project.\".\".task.lint]
command = \"golangci-lint run\"
[project.\".\".task.count]
command = \"count\"
inputs = [\"**/*.go\"]
[project.\".\".task.spell]
command = \"spell\"
inputs = [\"**/*.md\"]
== cmd/one/main.go
package main
== cmd/two/main.go
package main
";
    let head = base.replace("== cmd/two", "func help() {}\n== cmd/two");
    check_some(base, &head, &[".:count", ".:lint", "cmd/one:build"], &[".:spell", "cmd/two:build"]);
}
