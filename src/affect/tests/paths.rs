//! Changes of paths: moves, modes, links, names.

use super::super::testing::{Known, affected, by_fingerprints, differing, ids};
use super::super::{Cause, Side, Terms, affect};
use super::{check, check_some, names};
use crate::path::RepoPath;
use crate::tree::{ChangeKind, MemoryTree, Mode};

/// Two modules that know nothing of each other.
const TWO: &str = "== a/go.mod\nmodule x/a\n== a/main.go\n1\n== b/go.mod\nmodule x/b\n== b/main.go\n1\n";

fn with(text: &str) -> String {
    format!("{TWO}{text}")
}

const BOTH: [&str; 4] = ["a:build", "a:test", "b:build", "b:test"];
const A: [&str; 2] = ["a:build", "a:test"];

#[test]
fn case_1_a_file_that_moves_affects_where_it_was_and_where_it_is() {
    check(&with("== a/f\nsame\n"), &with("== b/f\nsame\n"), &BOTH);
}

#[test]
fn case_2_a_copy_affects_where_it_lands() {
    check(&with("== a/f\nsame\n"), &with("== a/f\nsame\n== b/f\nsame\n"), &["b:build", "b:test"]);
}

#[test]
fn case_4_the_only_changed_file_is_gone() {
    check(&with("== a/f\n1\n"), TWO, &A);
}

#[test]
fn case_5_the_executable_bit_alone_counts() {
    check(&with("== a/run.sh\n1\n"), &with("== a/run.sh *\n1\n"), &A);
}

#[test]
fn case_6_a_file_that_becomes_a_link_and_a_link_that_points_elsewhere_count() {
    check(&with("== a/f\nmain.go\n"), &with("== a/f -> main.go\n"), &A);
    check(&with("== a/f -> main.go\n"), &with("== a/f -> go.mod\n"), &A);
    // The same place, written in another way: what is read as a link is another text.
    check(&with("== a/f -> main.go\n"), &with("== a/f -> ./main.go\n"), &A);
}

#[test]
fn case_7_what_a_linked_file_or_folder_holds_is_read() {
    for link in ["== a/lib -> ../shared\n", "== a/lib -> ../shared/x\n"] {
        let base = with(&format!("== shared/x\n1\n{link}"));
        check(&base, &base.replace("shared/x\n1", "shared/x\n2"), &A);
    }
}

#[test]
fn case_7_a_chain_of_links_is_followed_and_each_link_of_it_counts() {
    let base =
        with("== shared/x\n1\n== other/x\n1\n== way/one -> two\n== way/two -> ../shared\n== a/lib -> ../way/one\n");
    check(&base, &base.replace("shared/x\n1", "shared/x\n2"), &A);
    check(&base, &base.replace("two -> ../shared", "two -> ../other"), &A);
    check_some(&base, &base.replace("other/x\n1", "other/x\n2"), &A, &[]);
    let base = with("== shared/in/x\n1\n== way -> shared\n== a/lib -> ../way/in\n");
    check(&base, &base.replace("in/x\n1", "in/x\n2"), &A);
    check(&base, &base.replace("way -> shared", "way -> ./shared"), &A);
    check(&base, &base.replace("way -> shared", "way -> /outside"), &A);
    let outside = base.replace("way -> shared", "way -> /outside");
    check(&outside, &base.replace("way -> shared", "way -> /elsewhere"), &A);
}

#[test]
fn case_7_a_dangling_link_is_an_input_and_so_is_what_fills_it() {
    let base = with("== a/lib -> ../shared\n");
    check(TWO, &base, &A);
    check_some(&base, &format!("{base}== shared/x\n1\n"), &A, &[]);
    check(&format!("{base}== shared/x\n1\n"), &base, &A);
}

#[test]
fn case_7_links_of_one_workspace_for_both_trees_lead_to_what_changed() {
    let base = Known::parse(&with("== shared/x\n1\n== a/lib -> ../shared\n"));
    let head = Known::parse(&with("== shared/x\n2\n== a/lib -> ../shared\n"));
    // As it is recalled: nothing that a workspace is made from differs.
    let side = Side { tree: &head.tree, workspace: &base.workspace };
    let found = affect(base.side(), side, &differing(&base, &head), &Terms::default()).unwrap();
    assert_eq!(ids(&base.workspace, found.tasks()), by_fingerprints(&base, &head));
    assert!(!found.is_empty());
    for task in found.by_themselves() {
        let causes = found.task(&base.workspace, task).unwrap().causes;
        let told = causes.iter().filter_map(|cause| match cause {
            Cause::Input { path, change, .. } => Some((path.to_string(), *change)),
            _ => None,
        });
        assert_eq!(told.collect::<Vec<_>>(), [("shared/x".to_owned(), ChangeKind::Modified)]);
    }
}

#[test]
fn case_7_a_choice_of_inputs_behind_a_link_counts_when_the_link_comes_or_goes() {
    let one = with("== data/x.json\n1\n== knockon.toml\n[project.a]\ninputs = [\"../b/way/*.json\"]\n");
    let two = format!("{one}== b/way -> ../data\n");
    check_some(&one, &two, &A, &[]);
    check_some(&two, &one, &A, &[]);
}

#[test]
fn case_7_a_link_that_nobody_reads_through_hides_nobodys_file() {
    let unowned = |base: &str, head: &str| {
        let (base, head) = (Known::parse(base), Known::parse(head));
        affected(&base, &head, false).unowned.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let base = with("== shared/x\n1\n== way -> shared\n");
    assert_eq!(unowned(&base, &base.replace("shared/x\n1", "shared/x\n2")), ["shared/x"]);
    assert_eq!(unowned(&base, &base.replace("way -> shared", "way -> a")), ["way"]);
    // Read through a link that leads elsewhere at the head.
    let base = with("== shared/x\n1\n== other/y\n1\n== a/lib -> ../shared\n");
    let head = base.replace("shared/x\n1", "shared/x\n2").replace("lib -> ../shared", "lib -> ../other");
    assert_eq!(unowned(&base, &head), ["shared/x"]);
    // Read through a link, and gone.
    assert_eq!(unowned(&base, &base.replace("== shared/x\n1\n", "")), [] as [&str; 0]);
}

#[test]
fn case_7_loops_of_links_end() {
    let base = with("== a/one -> two\n== a/two -> one\n== a/self -> self\n== a/up -> ..\n== a/here -> .\n");
    check_some(&base, &base.replace("a/main.go\n1", "a/main.go\n2"), &A, &[]);
    let mut many = TWO.to_owned();
    for (from, to) in [("a", "b"), ("b", "c"), ("c", "a")] {
        for number in 0..6 {
            many.push_str(&format!("== {from}/deep/link{number} -> ../../{to}/deep\n"));
        }
    }
    many.push_str("== c/deep/x\n1\n");
    check_some(&many, &many.replace("deep/x\n1", "deep/x\n2"), &BOTH, &[]);
}

#[test]
fn case_7_a_link_to_a_folder_around_the_project_reads_what_lies_there() {
    let base = with("== a/repository -> ..\n");
    check(&base, &base.replace("b/main.go\n1", "b/main.go\n2"), &BOTH);
    let base = with("== a/lib -> ../shared/in\n== shared/in/up -> ..\n== shared/x\n1\n");
    check(&base, &base.replace("shared/x\n1", "shared/x\n2"), &A);
}

#[test]
fn case_7_a_linked_folder_is_read_by_an_image_that_copies_it() {
    let base = "== svc/Dockerfile\nFROM scratch\nCOPY svc/conf /conf\n== svc/conf -> ../shared\n== shared/x\n1\n== other/y\n1\n";
    check_some(base, &base.replace("shared/x\n1", "shared/x\n2"), &["svc:image"], &[]);
}

#[test]
fn case_8_of_a_link_that_leaves_the_repository_the_text_counts() {
    check(&with("== a/out -> /etc/one\n"), &with("== a/out -> /etc/two\n"), &A);
}

#[test]
fn case_9_names_that_differ_by_case_alone_are_two() {
    check(&with("== a/Foo\n1\n"), &with("== a/foo\n1\n"), &A);
}

#[test]
fn case_11_names_are_compared_byte_by_byte() {
    // One é, composed and decomposed: two folders, two projects.
    let composed = "== caf\u{e9}/go.mod\nmodule x/c\n== caf\u{e9}/f\n1\n";
    let decomposed = "== cafe\u{301}/go.mod\nmodule x/d\n== cafe\u{301}/f\n1\n";
    let base = format!("{composed}{decomposed}");
    let head = format!("{}{decomposed}", composed.replace("/f\n1", "/f\n2"));
    check(&base, &head, &["caf\u{e9}:build", "caf\u{e9}:test"]);
}

#[test]
fn case_13_14_any_name_that_git_can_store_belongs_to_its_project() {
    let odd: [&[u8]; 17] = [
        b"sp ace",
        b"tab\t",
        b"new\nline",
        b"\"quoted\"",
        b"back\\slash",
        b"a:b",
        b"st*r",
        b"qu?stion",
        b"[set]",
        b" lead",
        b"trail ",
        b"-rf",
        b"--output=x",
        b"\xff\xfe",
        b"\x1b[2J",
        b"{a,b}",
        b"!not",
    ];
    for name in odd {
        let tree = |content: &str| {
            let path = |folder: &str| RepoPath::from_git(folder.as_bytes()).unwrap();
            let file = |path: RepoPath, bytes: &str| (path, Mode::File, bytes.as_bytes().to_vec());
            Known::of(MemoryTree::from_contents([
                file(path("a/go.mod"), "module x/a\n"),
                file(path("b/go.mod"), "module x/b\n"),
                file(path("a/src").child(name), content),
                file(RepoPath::from_git(b"c").unwrap().child(name).child(b"go.mod"), &format!("module x/c{content}\n")),
            ]))
        };
        let head = tree("2");
        let found: Vec<String> = affected(&tree("1"), &head, true)
            .tasks()
            .map(|task| head.workspace.task_name(task).to_string() + &head.workspace.project_of(task).to_string())
            .collect();
        let odd = RepoPath::from_git(b"c").unwrap().child(name).to_string();
        assert_eq!(found, ["builda", "testa", &format!("build{odd}"), &format!("test{odd}")]);
    }
}

#[test]
fn case_19_a_folder_that_becomes_a_file_and_back() {
    check(&with("== a/x/f\n1\n"), &with("== a/x\n1\n"), &A);
    check(&with("== a/x\n1\n"), &with("== a/x/f\n1\n"), &A);
    check(
        &with("== c/go.mod\nmodule x/c\n"),
        &with("== c\nmodule x/c\n== a/y\n"),
        &["a:build", "a:test", "b:build", "b:test"],
    );
}

#[test]
fn case_20_a_file_between_nested_projects_affects_both() {
    let base = "== out/go.mod\nmodule x/out\n== out/in/go.mod\nmodule x/in\n== out/f\n1\n";
    let moved = base.replace("out/f", "out/in/f");
    check(base, &moved, &["out:build", "out:test", "out/in:build", "out/in:test"]);
    let inside = base.replace("module x/in\n", "module x/in\n// more\n");
    check(base, &inside, &["out/in:build", "out/in:test"]);
    // A stated input reaches into the nested project.
    let stated = |text: &str| format!("{text}== knockon.toml\n[project.out]\ninputs = [\"in/**\"]\n");
    check_some(&stated(base), &stated(&inside), &["out:build", "out/in:build"], &[]);
}

#[test]
fn case_21_a_path_that_nobody_owns_affects_everything() {
    check(&with("== tool.conf\n1\n"), &with("== tool.conf\n2\n"), &BOTH);
    check(&with("== README.md\n1\n"), &with("== README.md\n2\n"), &[]);
    let (base, head) = (Known::parse(&with("== tool.conf\n1\n")), Known::parse(&with("== tool.conf\n2\n")));
    assert!(affected(&base, &head, false).is_empty());
    assert_eq!(affected(&base, &head, false).unowned.len(), 1);
}

#[test]
fn case_22_a_new_project_is_affected() {
    check(TWO, &with("== c/go.mod\nmodule x/c\n"), &["c:build", "c:test"]);
}

#[test]
fn case_22_a_project_that_is_made_inside_another_takes_its_files_away() {
    let base = with("== a/in/f.go\n1\n");
    let head = with("== a/in/f.go\n1\n== a/in/go.mod\nmodule x/in\n");
    check(&base, &head, &["a:build", "a:test", "a/in:build", "a/in:test"]);
    check(&head, &base, &A);
}

const DEPENDS: &str =
    "== a/go.mod\nmodule x/a\nrequire x/b v0.0.0\nreplace x/b => ../b\n== b/go.mod\nmodule x/b\n== b/f.go\n1\n";

#[test]
fn case_23_a_project_that_is_removed_affects_its_dependents_and_is_told() {
    let gone = "== a/go.mod\nmodule x/a\nrequire x/b v0.0.0\nreplace x/b => ../b\n";
    check_some(DEPENDS, gone, &A, &["b:build"]);
    let (base, head) = (Known::parse(DEPENDS), Known::parse(gone));
    assert_eq!(affected(&base, &head, true).removed.len(), 1);
    assert!(head.workspace.diagnostics().iter().any(|finding| finding.code == "dangling-reference"));
}

#[test]
fn case_24_a_project_that_moves_affects_its_new_id_and_the_dependents_of_both() {
    let moved = DEPENDS.replace("== b/", "== c/").replace("../b", "../c");
    check(DEPENDS, &moved, &["a:build", "a:test", "c:build", "c:test"]);
    let dangling = DEPENDS.replace("== b/", "== c/");
    check_some(DEPENDS, &dangling, &["a:build", "a:test", "c:build", "c:test"], &[]);
}

#[test]
fn case_25_a_project_whose_folder_changes_in_the_configuration_alone() {
    let tree = "== a/go.mod\nmodule x/a\n== a/tools/x\n1\n== knockon.toml\n";
    let project = |place: &str| format!("{tree}[project.\"{place}\".task.build]\ncommand = \"make\"\n");
    let tools = project("a/tools");
    check_some(tree, &tools, &["a:build", "a:test", "a/tools:build"], &[]);
    assert_eq!(names(&tools, tree), A);
}

#[test]
fn case_54_an_ignore_file_of_git_is_a_file_as_any_other() {
    check(&with("== a/.gitignore\n*.log\n"), &with("== a/.gitignore\nf\n"), &A);
    check(&with("== .gitignore\n*.log\n"), &with("== .gitignore\nf\n"), &BOTH);
}

#[test]
fn case_21_a_file_that_stays_where_a_project_was_removed_is_nobodys() {
    let base = with("== c/go.mod\nmodule x/c\n== c/f.go\n1\n");
    check(&base, &with("== c/f.go\n2\n"), &BOTH);
    check(&base, TWO, &[]);
}
