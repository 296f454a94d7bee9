//! What is kept is what was known. Generated repositories are kept and read back by the tests of the planner.

use crate::tree::MemoryTree;
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
