//! Symbolic links as the workspace knows them.

use std::collections::BTreeSet;

use super::parsed;
use crate::workspace::Workspace;
use crate::workspace::testing::path;

/// Links that are told to lead back to themselves.
fn loops(text: &str) -> Vec<String> {
    let workspace = parsed(&format!("== a/go.mod\nmodule x/a\n{text}"));
    let told = workspace.diagnostics().iter().filter(|finding| finding.code == "symlink-loop");
    told.map(|finding| finding.message.clone()).collect()
}

fn names(workspace: &Workspace, of: &str) -> BTreeSet<String> {
    workspace.symlinks.names_of(&path(of)).iter().map(ToString::to_string).collect()
}

#[test]
fn case_7_only_links_that_lead_back_are_told_as_loops() {
    assert_eq!(loops("== a/one -> two\n== a/two -> three\n== a/three\n"), Vec::<String>::new());
    assert_eq!(loops("== a/up -> ..\n== a/here -> .\n"), Vec::<String>::new());
    assert_eq!(
        loops("== a/one -> two\n== a/two -> one\n"),
        ["one", "two"].map(|name| format!("the symbolic link a/{name} leads back to itself"))
    );
    // A link into a loop has no end either.
    assert_eq!(loops("== a/in -> one\n== a/one -> two\n== a/two -> one\n").len(), 3);
    assert_eq!(loops("== a/self -> self\n"), ["the symbolic link a/self points to itself"]);
}

#[test]
fn case_7_a_path_has_a_name_for_each_way_through_links() {
    let workspace =
        parsed("== a/go.mod\nmodule x/a\n== a/lib -> ../shared\n== b/again -> ../a/lib\n== shared/in/x\n1\n");
    let expected = ["a/lib/in/x", "b/again/in/x", "shared/in/x"].map(str::to_owned);
    assert_eq!(names(&workspace, "shared/in/x"), expected.into());
    assert_eq!(names(&workspace, "other/x"), ["other/x".to_owned()].into());
    assert_eq!(names(&workspace, "shared-too/x"), ["shared-too/x".to_owned()].into());
    // A link to a folder around itself gives no second name to what is named through it already.
    let workspace = parsed("== a/go.mod\nmodule x/a\n== a/up -> .\n");
    assert_eq!(names(&workspace, "a/x"), ["a/up/x", "a/x"].map(str::to_owned).into());
}

#[test]
fn a_way_lies_on_links_if_one_stands_above_it_at_it_or_below_it() {
    let links = parsed("== a/go.mod\nmodule x/a\n== a/in/lib -> ../../shared\n").symlinks;
    for on in ["", "a", "a/in", "a/in/lib", "a/in/lib/x/y"] {
        assert!(links.lie_on(&path(on)), "{on}");
    }
    for off in ["a/i", "a/in/li", "a/in/lib2", "shared", "shared/x", "b"] {
        assert!(!links.lie_on(&path(off)), "{off}");
    }
    assert!(links.lead_to(&path("shared")) && links.lead_to(&path("shared/x/y")));
    assert!(!links.lead_to(&path("share")) && !links.lead_to(&path("a/in/lib/x")));
    let none = parsed("== a/go.mod\nmodule x/a\n").symlinks;
    assert!(!none.lie_on(&path("a")) && !none.lead_to(&path("a")) && !none.has(&path("a")));
}
