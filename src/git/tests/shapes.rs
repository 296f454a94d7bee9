//! Kinds of repositories, ways to be inside one, and what hostile or broken ones do.

use std::fs;
use std::path::{Path, PathBuf};

use crate::git::testing::{Fixture, bytes_at, listing, paths};
use crate::git::{GitEnvironment, GitError, Repository};
use crate::tree::TreeError;

fn fill(f: &Fixture) {
    f.write("in/a", "1").write("in/b", "2").write("out/deep/c", "3").write("top", "4");
    f.commit("1");
    f.write("in/a", "5");
    f.commit("2");
}

/// A change on disk, one in the index and an untracked file, held against what git itself would make of them.
fn check_changes(f: &Fixture, r: &Repository) {
    let head = r.resolve("HEAD").unwrap();
    assert_eq!(head.tree.to_string(), f.git(&["rev-parse", "HEAD^{tree}"]));
    assert_eq!(r.resolve("main~1").unwrap().id.to_string(), f.git(&["rev-parse", "HEAD~1"]));
    assert_eq!(r.worktree_tree().unwrap().tree.root(), head.tree);
    assert_eq!(r.index_tree().unwrap().tree.root(), head.tree);
    let (mut base, mut all) = (listing(&*r.commit_tree(&head)), listing(&*r.worktree_tree().unwrap().tree));
    base.retain(|line| all.contains(line));
    assert_eq!(base, all);
    f.write("in/a", "disk").write("in/b", "index").write("in/new", "untracked");
    f.git(&["add", "in/b"]);
    let view = r.worktree_tree().unwrap();
    assert_eq!(bytes_at(&*view.tree, "in/a"), b"disk");
    assert_eq!(bytes_at(&*view.tree, "in/b"), b"index");
    assert_eq!(bytes_at(&*view.tree, "out/deep/c"), b"3");
    let index = r.index_tree().unwrap();
    assert_eq!(bytes_at(&*index.tree, "in/a"), b"5");
    assert_eq!(bytes_at(&*index.tree, "in/b"), b"index");
    let staged = f.git(&["write-tree"]);
    assert_eq!(index.tree.root().to_string(), staged);
    f.git(&["add", "--all"]);
    assert_eq!(view.tree.root().to_string(), f.git(&["write-tree"]));
    all = paths(&*view.tree);
    assert_eq!(all, ["in/a", "in/b", "in/new", "out/deep/c", "top"]);
}

fn note_of(r: &Repository) -> String {
    let mut notes = r.notes().to_vec();
    notes.extend(r.worktree_tree().unwrap().notes);
    notes.retain(|note| note.code == "git-binary");
    assert_eq!(notes.len(), 1, "said once");
    notes.remove(0).message
}

#[test]
fn an_ordinary_repository_needs_no_git_binary() {
    let f = Fixture::init(&[]);
    fill(&f);
    let environment = GitEnvironment { path: None, ..f.environment() };
    let r = Repository::discover(f.top(), &environment).unwrap();
    assert!(r.notes().is_empty());
    check_changes(&f, &r);
}

#[test]
fn a_split_index_is_read_through_plumbing() {
    let f = Fixture::init(&[]);
    fill(&f);
    f.git(&["update-index", "--split-index"]);
    let r = f.open();
    assert!(note_of(&r).ends_with("it uses a split index"));
    check_changes(&f, &r);
}

#[test]
fn case_49_a_sparse_index_is_read_through_plumbing() {
    let f = Fixture::init(&[]);
    fill(&f);
    f.git(&["sparse-checkout", "set", "--cone", "--sparse-index", "in"]);
    assert!(!f.top().join("out").exists());
    let r = f.open();
    assert!(note_of(&r).ends_with("it uses a sparse index"));
    let head = r.head().unwrap().unwrap();
    assert_eq!(r.worktree_tree().unwrap().tree.root(), head.tree);
    assert_eq!(r.index_tree().unwrap().tree.root(), head.tree);
    f.write("in/new", "1");
    f.write("out/deep/c", "back and changed");
    let view = r.worktree_tree().unwrap();
    assert_eq!(bytes_at(&*view.tree, "out/deep/c"), b"back and changed");
}

#[test]
fn case_42_sha_256_and_reftable_are_read_through_plumbing() {
    for (arguments, shape) in [
        (["--object-format=sha256"], "SHA-256 object ids"),
        (["--ref-format=reftable"], "the reftable format of references"),
    ] {
        let f = Fixture::init(&arguments);
        let unborn = f.open();
        assert_eq!(unborn.resolve("HEAD"), Err(GitError::UnbornHead));
        assert_eq!(unborn.head(), Ok(None));
        fill(&f);
        f.git(&["tag", "-am", "t", "v1"]);
        f.git(&["branch", "feature/login", "HEAD~1"]);
        let r = f.open();
        assert!(note_of(&r).ends_with(shape), "{}", note_of(&r));
        assert_eq!(r.resolve("v1"), r.resolve("HEAD"));
        assert_eq!(r.default_branch(None).unwrap().unwrap().name, "main");
        let Err(GitError::UnknownRevision { near, .. }) = r.resolve("feature/logni") else { panic!() };
        assert_eq!(near, ["feature/login"]);
        let empty = f.git(&["hash-object", "-t", "tree", "/dev/null"]);
        assert_eq!(r.empty_tree().unwrap().root().to_string(), empty);
        check_changes(&f, &r);
        let environment = GitEnvironment { path: Some("relative:".into()), ..f.environment() };
        let error = Repository::discover(f.top(), &environment).unwrap_err();
        assert_eq!(error, GitError::NoGitBinary { shape: shape.to_owned() });
    }
}

#[test]
fn other_forms_of_the_index_are_read_in_process() {
    let f = Fixture::init(&[]);
    fill(&f);
    f.git(&["config", "index.skipHash", "true"]);
    f.git(&["update-index", "--index-version", "4", "--untracked-cache", "--force-write-index"]);
    let r = f.open();
    assert!(r.worktree_tree().unwrap().notes.is_empty());
    check_changes(&f, &r);
}

#[test]
fn case_44_a_partial_clone_names_what_is_missing_and_opens_no_connection() {
    let f = Fixture::init(&[]);
    fill(&f);
    f.git(&["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", f.top().display());
    for (filter, folder_is_missing) in [("blob:none", false), ("tree:0", true)] {
        let clone = f.beside(filter);
        f.git(&["clone", "-q", "--no-checkout", &format!("--filter={filter}"), &url, clone.to_str().unwrap()]);
        let environment = f.environment();
        let r = Repository::discover(&clone, &environment).unwrap();
        let head = r.resolve("HEAD~1").unwrap();
        let tree = r.commit_tree(&head);
        let error = match tree.folder(tree.root()) {
            Err(error @ TreeError::Folder(..)) if folder_is_missing => error,
            Ok(_) if !folder_is_missing => {
                let id = f.git(&["rev-parse", "HEAD~1:top"]);
                let id = crate::tree::ContentId(crate::tree::ObjectId::from_hex(&id).unwrap());
                tree.content(id).unwrap_err()
            }
            other => panic!("{filter}: {other:?}"),
        };
        assert!(error.to_string().contains("git fetch --refetch --no-filter"), "{error}");
        f.git_in(&clone, &["fetch", "-q", "--refetch", "--no-filter"]);
        let again = Repository::discover(&clone, &environment).unwrap();
        assert_eq!(paths(&*again.commit_tree(&head)).len(), 4, "the mend helps");
    }
}

#[test]
fn case_42_every_way_to_stand_in_a_repository() {
    let f = Fixture::init(&[]);
    fill(&f);
    f.git(&["worktree", "add", "-q", "../linked", "-b", "other"]);
    let linked = f.beside("linked");
    fs::write(linked.join("top"), "linked").unwrap();
    let r = f.open_at(&linked.join("in")).unwrap();
    assert_eq!(r.work_tree(), Some(linked.as_path()));
    assert_eq!(r.git_directory(), f.top().join(".git"));
    assert_eq!(bytes_at(&*r.worktree_tree().unwrap().tree, "top"), b"linked");
    assert_eq!(r.head().unwrap(), r.resolve("other").ok());

    let below = f.open_at(&f.top().join("out/deep")).unwrap();
    assert_eq!(below.work_tree(), Some(f.top()));
    assert_eq!(f.open_at(&f.top().join(".git")).unwrap().work_tree(), Some(f.top()));

    let bare = f.beside("bare.git");
    f.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    let r = f.open_at(&bare).unwrap();
    assert_eq!(r.work_tree(), None);
    assert_eq!(r.resolve("main~1").unwrap().id.to_string(), f.git(&["rev-parse", "HEAD~1"]));
    assert_eq!(r.worktree_tree().unwrap_err(), GitError::Bare(bare.clone()));
    assert!(r.index_tree().unwrap_err().to_string().contains("`--head`"));

    let separate = f.beside("separate");
    let store = f.beside("store");
    f.git(&["clone", "-q", "--separate-git-dir", store.to_str().unwrap(), ".", separate.to_str().unwrap()]);
    let r = f.open_at(&separate).unwrap();
    assert_eq!((r.git_directory(), r.work_tree()), (store.as_path(), Some(separate.as_path())));
    assert_eq!(r.worktree_tree().unwrap().tree.root(), r.head().unwrap().unwrap().tree);

    let nowhere = f.beside("nowhere");
    fs::create_dir(&nowhere).unwrap();
    assert_eq!(f.open_at(&nowhere).unwrap_err(), GitError::NotARepository(nowhere));
    let ceilings = vec![f.top().to_owned()];
    let inside = f.top().join("out/deep");
    let environment = GitEnvironment { ceilings, ..f.environment() };
    assert_eq!(Repository::discover(&inside, &environment).unwrap_err(), GitError::NotARepository(inside));
}

#[test]
fn case_42_the_environment_names_the_repository() {
    let f = Fixture::init(&[]);
    fill(&f);
    let elsewhere = f.beside("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("only"), "1").unwrap();
    let git_dir = Some(f.top().join(".git"));
    let environment =
        GitEnvironment { git_dir: git_dir.clone(), work_tree: Some("../elsewhere".into()), ..f.environment() };
    let r = Repository::discover(f.top(), &environment).unwrap();
    assert_eq!(r.work_tree(), Some(elsewhere.as_path()));
    assert_eq!(paths(&*r.worktree_tree().unwrap().tree), ["only"]);
    let environment = GitEnvironment { git_dir, ..f.environment() };
    let r = Repository::discover(&f.top().join("in"), &environment).unwrap();
    assert_eq!(r.work_tree(), Some(f.top()), "a hook's child that changed into a folder");
    let wrong = GitEnvironment { git_dir: Some("nothing".into()), ..f.environment() };
    assert!(matches!(Repository::discover(f.top(), &wrong), Err(GitError::NotARepository(_))));
}

#[test]
fn case_57_a_hook_sees_what_is_being_committed() {
    let f = Fixture::init(&[]);
    fill(&f);
    let told = f.beside("told");
    let hook = f.top().join(".git/hooks/pre-commit");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    let copy = f.beside("index-copy");
    fs::write(&hook, format!("#!/bin/sh\nenv > {}\ncp \"$GIT_INDEX_FILE\" {}\n", told.display(), copy.display()))
        .unwrap();
    fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    f.write("in/a", "committed").write("in/b", "left").write("top", "staged");
    f.git(&["add", "top"]);
    f.git(&["commit", "-qm", "only a", "in/a"]);
    let variables = fs::read_to_string(&told).unwrap();
    let index = variables.lines().find_map(|line| line.strip_prefix("GIT_INDEX_FILE=")).unwrap();
    assert!(index.contains("next-index"), "{index}");
    for repository in [f.environment(), GitEnvironment { git_dir: Some(".git".into()), ..f.environment() }] {
        let environment = GitEnvironment { index_file: Some(copy.clone()), ..repository };
        let r = Repository::discover(f.top(), &environment).unwrap();
        let seen = r.index_tree().unwrap();
        assert_eq!(bytes_at(&*seen.tree, "in/a"), b"committed");
        assert_eq!(bytes_at(&*seen.tree, "in/b"), b"2");
        assert_eq!(bytes_at(&*seen.tree, "top"), b"4", "staged, and not part of this commit");
        assert_eq!(seen.tree.root(), r.head().unwrap().unwrap().tree);
    }
}

#[test]
fn case_17_crafted_trees_are_refused() {
    let f = Fixture::init(&[]);
    f.write("f", "1");
    f.commit("1");
    let blob = f.git(&["rev-parse", "HEAD:f"]);
    let raw: Vec<u8> = (0..20).map(|at| u8::from_str_radix(&blob[at * 2..at * 2 + 2], 16).unwrap()).collect();
    let entry = |name: &[u8]| [b"100644 ", name, b"\0", &raw].concat();
    for crafted in
        [entry(b".."), entry(b".git"), entry(b".GIT"), entry(b"a/b"), entry(b""), [entry(b"x"), entry(b"x")].concat()]
    {
        let input = f.beside("tree");
        fs::write(&input, &crafted).unwrap();
        let tree = f.git(&["hash-object", "-w", "--literally", "-t", "tree", input.to_str().unwrap()]);
        let commit = f.git(&["commit-tree", "-m", "c", &tree]);
        for r in [f.open(), f.plumbing()] {
            let tree = r.commit_tree(&r.resolve(&commit).unwrap());
            assert!(matches!(tree.folder(tree.root()), Err(TreeError::Crafted(..))), "{crafted:?}");
        }
    }
}

#[test]
fn case_45_missing_and_corrupt_objects_are_errors() {
    let f = Fixture::init(&[]);
    fill(&f);
    let object = |id: &str| f.top().join(".git/objects").join(&id[..2]).join(&id[2..]);
    let old = f.git(&["rev-parse", "HEAD~1^{tree}"]);
    fs::remove_file(object(&old)).unwrap();
    let folder = f.git(&["rev-parse", "HEAD:out"]);
    let path = object(&folder);
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    fs::write(&path, b"garbage").unwrap();
    // Valid, and something else than its name says.
    let blob = f.git(&["rev-parse", "HEAD:top"]);
    let other = f.git(&["rev-parse", "HEAD:in/b"]);
    fs::set_permissions(object(&blob), std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    fs::copy(object(&other), object(&blob)).unwrap();
    for r in [Repository::discover(f.top(), &f.environment()).unwrap(), f.plumbing()] {
        let tree = r.commit_tree(&r.resolve("HEAD~1").unwrap());
        assert!(tree.folder(tree.root()).unwrap_err().to_string().contains("missing"));
        let tree = r.commit_tree(&r.resolve("HEAD").unwrap());
        let hex = |hex: &str| crate::tree::ObjectId::from_hex(hex).unwrap();
        let error = tree.folder(crate::tree::TreeId(hex(&folder))).unwrap_err();
        // Git's own batch calls an object missing that it cannot unpack.
        assert!(error.to_string().contains("corrupt") || error.to_string().contains("missing"), "{error}");
        let error = tree.content(crate::tree::ContentId(hex(&blob))).unwrap_err();
        assert!(error.to_string().contains("corrupt"), "{error}");
    }
    fs::write(f.top().join(".git/index"), b"DIRC garbage").unwrap();
    let r = Repository::discover(f.top(), &f.environment()).unwrap();
    assert!(matches!(r.index_tree(), Err(GitError::Corrupt { .. })));
    assert!(matches!(r.worktree_tree(), Err(GitError::Corrupt { .. })));
}

#[test]
fn a_repository_of_another_user_is_refused_with_the_line_that_helps() {
    let f = Fixture::init(&[]);
    fill(&f);
    for (shape, name) in [("--ref-format=files", "plain"), ("--ref-format=reftable", "reftable")] {
        let foreign = f.beside(name);
        f.git(&["init", "-q", shape, foreign.to_str().unwrap()]);
        for path in [foreign.join(".git"), foreign.clone()] {
            if std::os::unix::fs::chown(&path, Some(12345), None).is_err() {
                assert!(std::env::var_os("CI").is_none(), "CI runs as root, so that a repository can be given away");
                eprintln!("not run: only root can give a repository away");
                return;
            }
        }
        let error = f.open_at(&foreign).unwrap_err();
        assert_eq!(error, GitError::Foreign(foreign.clone()), "{shape}");
        let line = format!("git config --global --add safe.directory {}", foreign.display());
        assert!(error.to_string().contains(&line), "{error}");
    }
}

/// Programs in every place where a repository can name one; each would leave a canary behind.
fn plant(f: &Fixture) -> PathBuf {
    let canaries = f.beside("canaries");
    fs::create_dir(&canaries).unwrap();
    let script = |name: &str| {
        let path = f.beside(&format!("run-{name}"));
        fs::write(&path, format!("#!/bin/sh\ntouch {}\ncat\n", canaries.join(name).display())).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    for key in [
        "core.fsmonitor",
        "core.pager",
        "core.editor",
        "core.askPass",
        "core.sshCommand",
        "core.alternateRefsCommand",
        "diff.external",
        "diff.d.textconv",
        "diff.d.command",
        "filter.d.clean",
        "filter.d.smudge",
        "filter.d.process",
        "merge.d.driver",
        "credential.helper",
        "alias.ls-files",
        "alias.rev-parse",
        "uploadpack.packObjectsHook",
    ] {
        let mut program = script(&key.replace('.', "-"));
        if key.starts_with("alias") {
            program.insert(0, '!');
        }
        f.git(&["config", key, &program]);
    }
    let hooks = f.beside("hooks");
    fs::create_dir(&hooks).unwrap();
    for hook in ["post-index-change", "pre-commit", "post-checkout", "fsmonitor-watchman", "reference-transaction"] {
        fs::rename(script(hook), hooks.join(hook)).unwrap();
    }
    f.git(&["config", "core.hooksPath", hooks.to_str().unwrap()]);
    canaries
}

fn canaries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn a_hostile_configuration_runs_nothing_in_either_engine() {
    let f = Fixture::init(&[]);
    f.write(".gitattributes", "* filter=d diff=d merge=d\n").write("a/x", "1").write("b", "2");
    f.commit("1");
    f.settle();
    let planted = plant(&f);
    f.write("a/x", "changed").write("new", "3");
    for r in [Repository::discover(f.top(), &f.environment()).unwrap(), f.plumbing()] {
        let head = r.resolve("HEAD").unwrap();
        listing(&*r.commit_tree(&head));
        assert_eq!(bytes_at(&*r.commit_tree(&head), "a/x"), b"1");
        assert_eq!(bytes_at(&*r.index_tree().unwrap().tree, "b"), b"2");
        assert_eq!(bytes_at(&*r.worktree_tree().unwrap().tree, "a/x"), b"changed");
        assert_eq!(bytes_at(&*r.worktree_tree().unwrap().tree, "new"), b"3");
        assert!(r.resolve("no-such-branch").is_err());
        r.default_branch(None).unwrap();
        r.merge_bases(head.id, head.id).unwrap();
    }
    assert_eq!(canaries(&planted), Vec::<PathBuf>::new());
    // The trap is a real one: an ordinary command springs it.
    f.git(&["status"]);
    assert!(!canaries(&planted).is_empty());
}

#[test]
fn one_repository_serves_many_threads() {
    use rayon::prelude::*;
    let f = Fixture::init(&[]);
    fill(&f);
    for r in [f.open(), f.plumbing()] {
        let head = r.head().unwrap().unwrap();
        let read = |_| bytes_at(&*r.commit_tree(&r.resolve("HEAD").unwrap()), "in/a") == b"5";
        assert!((0..64).into_par_iter().all(read));
        assert_eq!(r.resolve("HEAD"), Ok(head));
    }
}
