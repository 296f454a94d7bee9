//! Repositories inside the work tree, against git's own answers.

use std::fs;
use std::path::PathBuf;

use super::work_tree::{check, codes};
use crate::git::testing::{Fixture, node_at, paths};
use crate::tree::{Mode, Node};

/// Makes a repository of one commit at a path inside another.
fn plant(f: &Fixture, path: &str) -> PathBuf {
    let inner = f.top().join(path);
    fs::create_dir_all(&inner).unwrap();
    f.git_in(&inner, &["init", "-q"]);
    fs::write(inner.join("x"), "1").unwrap();
    f.git_in(&inner, &["add", "."]);
    f.git_in(&inner, &["commit", "-qm", "1"]);
    inner
}

#[test]
fn case_55_a_nested_repository_is_one_opaque_content() {
    let f = Fixture::init(&[]);
    f.write("svc/f", "1");
    f.commit("1");
    let inner = plant(&f, "svc/vendor/inner");
    let view = check(&f);
    assert_eq!(codes(&view), ["nested-repository"]);
    fs::write(inner.join("x"), "2").unwrap();
    let changed = f.open().worktree_tree().unwrap();
    assert_ne!(node_at(&*changed.tree, "svc/vendor/inner"), node_at(&*view.tree, "svc/vendor/inner"));
    f.write("svc/broken/.git/x", "no repository").write("svc/broken/y", "1");
    assert_eq!(paths(&*f.open().worktree_tree().unwrap().tree), ["svc/broken/y", "svc/f", "svc/vendor/inner"]);
}

#[test]
fn case_56_submodules_are_at_the_commit_that_is_checked_out() {
    let f = Fixture::init(&[]);
    let library = Fixture::init(&[]);
    library.write("l", "1");
    let first = library.commit("1");
    f.git(&["submodule", "--quiet", "add", library.top().to_str().unwrap(), "sub"]);
    f.commit("1");
    f.git(&["config", "-f", ".gitmodules", "submodule.sub.ignore", "all"]);
    f.commit("ignored from now on");
    f.git(&["config", "diff.ignoreSubmodules", "all"]);
    let id = |f: &Fixture| match node_at(&*f.open().worktree_tree().unwrap().tree, "sub") {
        Some(Node::Content(Mode::Submodule, id)) => id.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(id(&f), first);
    let inner = f.top().join("sub");
    assert_eq!(f.open_at(&inner).unwrap().head().unwrap().unwrap().id.to_string(), first, "the submodule as root");
    f.write("sub/l", "2");
    let dirty = f.open().worktree_tree().unwrap();
    assert_eq!(codes(&dirty), ["dirty-submodule"]);
    assert_ne!(id(&f), first);
    f.git_in(&inner, &["commit", "-qam", "2"]);
    assert_eq!(id(&f), f.git_in(&inner, &["rev-parse", "HEAD"]));
    f.git(&["submodule", "--quiet", "deinit", "-f", "sub"]);
    assert_eq!(id(&f), first, "not checked out: the index's commit");
}

#[test]
fn case_55_a_repository_in_the_place_of_a_known_file_counts_under_any_rule() {
    let f = Fixture::init(&[]);
    f.write(".gitignore", "out/\n*.log\n");
    f.write("out/deep/known", "1").write("out/plain", "1").write("a.log", "1").write("b.log", "1");
    f.git(&["add", "-f", "."]);
    f.commit("1");
    for path in ["out/deep/known", "out/plain", "a.log", "b.log"] {
        f.remove(path);
    }
    for path in ["out/deep/known", "a.log", "out/unknown", "c.log"] {
        plant(&f, path);
    }
    f.write("out/plain/new", "1").write("b.log/new", "1");
    let view = check(&f);
    assert_eq!(paths(&*view.tree), [".gitignore", "a.log", "out/deep/known"]);
    assert_eq!(codes(&view), ["nested-repository"]);
}
