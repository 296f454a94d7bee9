//! What is kept is what was known. Generated repositories are kept and read back by the tests of the planner.

use crate::tree::MemoryTree;
use crate::workspace::Workspace;
use crate::workspace::testing::{check_kept, from_parts, workspace_of};

#[test]
fn every_kind_of_value_comes_back() {
    let workspace = workspace_of(&MemoryTree::parse(
        "== a/go.mod\nmodule example/a\nreplace example/b => ../b\n== a/main.go\npackage main\n== b/go.mod\nmodule example/b\n\
         == b/\u{e9}/x\n== c/package.json\n{ \"name\": \"c\", \"dependencies\": { \"nothing\": \"file:../gone\" } }\n\
         == c/Dockerfile\nFROM scratch\nCOPY ../b /b\n== d/pom.xml\n<project><<\n== link -> a\n== dangling -> ../out\n\
         == charts/c/Chart.yaml\nname: c\n== knockon.toml\n[workspace]\nignore = [\"docs/**\", \"!docs/x\"]\n\
         [project.a]\nowners = [\"@one\"]\ndepends-on = [\"c\"]\n[task.test]\ntimeout = \"90s\"\nretries = 2\nenv = [\"CI\"]\nenvironment = \"qa\"\n\
         outputs = [\"out/**\"]\n[environment.qa]\n",
    ));
    assert!(!workspace.doubts.is_empty() && !workspace.diagnostics().is_empty() && !workspace.edges().is_empty());
    check_kept(&workspace);
    check_kept(&workspace_of(&MemoryTree::default()));
}

#[test]
fn an_index_whose_ranges_lead_nowhere_is_damaged() {
    let mut workspace = workspace_of(&MemoryTree::parse("== a/go.mod\nmodule example/a\n"));
    assert!(from_parts(workspace.to_kept()).is_ok());
    workspace.index.reader_starts = vec![0, u32::MAX].into();
    assert!(from_parts(workspace.to_kept()).is_err());
}

#[test]
fn which_sources_were_read_on_demand_comes_back() {
    // What a command of a large module imports stands in its sources, of which a change asks anew.
    let workspace = workspace_of(&MemoryTree::parse(
        "== go.mod\nmodule example\n== cmd/a/main.go\npackage main\nimport _ \"example/x\"\nfunc main() {}\n\
         == cmd/b/main.go\npackage main\nfunc main() {}\n== x/x.go\npackage x\n",
    ));
    let sources = workspace.rests_on.sources().as_bytes();
    assert!(!sources.is_empty());
    assert_eq!(from_parts(workspace.to_kept()).unwrap().rests_on.sources().as_bytes(), sources);
}

#[test]
fn parts_with_more_or_with_less_than_they_should_have_are_damaged() {
    let one = "== a/go.mod\nmodule example/a\n";
    let workspace = |more: &str| workspace_of(&MemoryTree::parse(&format!("{one}{more}")));
    let counts = |workspace: &Workspace| (workspace.projects().count(), workspace.tasks().count());
    let [index, places, rows] = workspace("").to_kept();
    let fetched = |places: &[u8], rows: &[u8]| from_parts([index.clone(), places.to_vec(), rows.to_vec()]).unwrap();
    let more = |part: &[u8]| [part, &[0]].concat();
    assert!(fetched(&places, &rows).fetch());
    assert!(from_parts([more(&index), places.clone(), rows.clone()]).is_err());
    assert!(fetched(&places, &rows).rests_on.places().is_some());
    assert!(fetched(&more(&places), &rows).rests_on.places().is_none());
    let (projects, tasks) = counts(&workspace(""));
    let root = workspace("== package.json\n{\"private\": true, \"workspaces\": [\"packages/*\"]}\n");
    assert_eq!(counts(&root), (projects + 1, tasks));
    let task = workspace("== knockon.toml\n[project.a.task.lint]\ncommand = \"lint\"\n");
    assert_eq!(counts(&task), (projects, tasks + 1));
    for wrong in [more(&rows), root.to_kept()[2].clone(), task.to_kept()[2].clone()] {
        let workspace = fetched(&places, &wrong);
        assert!(!workspace.fetch());
        // Whoever asks all the same is told afterwards.
        assert!(!workspace.is_damaged());
        workspace.tasks().count();
        assert!(workspace.is_damaged() && !workspace.fetch());
    }
}

#[test]
fn a_row_that_says_nothing_makes_all_of_it_damaged() {
    let [index, places, mut rows] = workspace_of(&MemoryTree::parse("== a/go.mod\nmodule example/a\n")).to_kept();
    let whole = rows.clone();
    let damaged = (0..rows.len()).filter(|&at| {
        rows.copy_from_slice(&whole);
        rows[at] = rows[at].wrapping_add(0x55);
        let workspace = from_parts([index.clone(), places.clone(), rows.clone()]).unwrap();
        let was_had = workspace.fetch();
        workspace.tasks().count();
        // It could be had as a whole, and one of its rows not.
        was_had && workspace.is_damaged() && !workspace.fetch()
    });
    assert!(damaged.count() > 0);
}
