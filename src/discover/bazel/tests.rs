use super::*;
use crate::discover::testing::{describe, links_of};

fn check(tree: &str, present: &[&str], absent: &[&str]) {
    let text = describe(&links_of::<Bazel>(tree));
    for line in present {
        assert!(text.lines().any(|found| found == *line), "missing `{line}` in\n{text}");
    }
    for part in absent {
        assert!(!text.contains(part), "found `{part}` in\n{text}");
    }
}

#[test]
fn a_module_is_one_project_and_overrides_are_edges() {
    check(
        "== a/MODULE.bazel\nmodule(name = \"a\", version = \"1\")\nbazel_dep(name = \"b\")\nlocal_path_override(module_name = \"b\", path = \"../b\") # path = \"../no\"\n== a/x/BUILD.bazel\n== b/WORKSPACE\nlocal_repository(\n  name = \"third\",\n  path = \"../third\",\n)\n\
         == third/BUILD\n== a/testdata/WORKSPACE\n",
        &[
            "project a Code Admitted [a] Own",
            "project a/testdata Code Stray [] Own",
            "edge a -> b Build a/MODULE.bazel:3",
            "edge b -> owner of third Build b/WORKSPACE:3",
            "input b:build <- third All [] b/WORKSPACE:3",
            "input a:test <- a All [] a/MODULE.bazel:1",
            "task a:build `bazel build //...`",
        ],
        &["no", "project third"],
    );
}

#[test]
fn a_path_that_is_worked_out_is_a_doubt() {
    let links = links_of::<Bazel>("== MODULE.bazel\nlocal_path_override(module_name = \"b\", path = BASE)\n");
    assert_eq!(links.doubts.len(), 1);
}
