//! Trees of commits and of the index.

use crate::git::testing::{Fixture, listing};

#[test]
fn a_commit_tree_lists_what_git_lists() {
    let f = Fixture::init(&[]);
    f.write("a/x", "1").write("a-b", "2").write("a.c", "3").write("a/y/z", "4").write("run.sh", "5");
    f.symlink("a/x", "link");
    f.git(&["add", "."]);
    f.git(&["update-index", "--chmod=+x", "run.sh"]);
    f.git(&["commit", "-qm", "c"]);
    let repository = f.open();
    let head = repository.head().unwrap().unwrap();
    let tree = repository.commit_tree(&head);
    let oracle = f.git(&["ls-tree", "-r", "HEAD"]).replace(" blob ", " ").replace('\t', " ");
    let mut oracle: Vec<String> = oracle.lines().map(str::to_owned).collect();
    oracle.sort_by(|a, b| a[48..].cmp(&b[48..]));
    assert_eq!(listing(&*tree), oracle);
    assert_eq!(head.tree.to_string(), f.git(&["rev-parse", "HEAD^{tree}"]));
    let names: Vec<_> = tree.folder(tree.root()).unwrap().iter().map(|e| e.name.to_vec()).collect();
    assert!(names.is_sorted(), "plain byte order, not git's: {names:?}");
    let index = repository.index_tree().unwrap();
    assert_eq!(index.tree.root(), tree.root());
    assert_eq!(listing(&*index.tree), oracle);
}
