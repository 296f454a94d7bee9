//! The work tree against git's own answers.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::git::TreeView;
use crate::git::object::Hash;
use crate::git::testing::{Fixture, bytes_at, listing, node_at, paths};
use crate::path::RepoPath;
use crate::tree::{Mode, Node, Tree, TreeId};

/// What `git add --all` would make of the work tree, in an index of its own so that the fixture stays as it is.
fn oracle(f: &Fixture) -> Vec<String> {
    let index = f.beside("oracle-index");
    let real = f.git(&["rev-parse", "--absolute-git-dir"]) + "/index";
    fs::copy(real, &index).unwrap();
    let with_index = |arguments: &[&str], input: &[u8]| {
        let given = f.beside("oracle-input");
        fs::write(&given, input).unwrap();
        let mut command = f.command(f.top(), arguments);
        command.env("GIT_INDEX_FILE", &index).stdin(fs::File::open(given).unwrap());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    // Written anew, the entries hold no stat, so that git reads every file: it compares times by the second only.
    let entries = with_index(&["ls-files", "-s", "-z"], b"");
    with_index(&["update-index", "-z", "--index-info"], &entries);
    with_index(&["add", "--all"], b"");
    let listed = String::from_utf8(with_index(&["-c", "core.quotePath=false", "ls-files", "-s"], b"")).unwrap();
    let mut lines: Vec<String> = listed.lines().map(|line| line.replacen(" 0\t", " ", 1)).collect();
    lines.sort_by(|a, b| a[48..].cmp(&b[48..]));
    lines
}

pub(super) fn check(f: &Fixture) -> TreeView {
    let view = f.open().worktree_tree().unwrap();
    assert_eq!(listing(&*view.tree), oracle(f));
    view
}

pub(super) fn codes(view: &TreeView) -> Vec<&str> {
    view.notes.iter().map(|note| note.code.as_str()).collect()
}

#[test]
fn a_clean_work_tree_is_the_commit() {
    let f = Fixture::init(&[]);
    f.write("a/x", "1").write("a-b", "2").write("b/c/d", "3").write("empty", "");
    f.symlink("a/x", "link");
    f.commit("1");
    f.settle();
    let r = f.open();
    let view = check(&f);
    assert_eq!(view.tree.root(), r.head().unwrap().unwrap().tree);
    assert!(view.notes.is_empty());
}

#[test]
fn case_46_staged_unstaged_and_untracked_changes_all_count() {
    let f = Fixture::init(&[]);
    f.write("s/staged", "1").write("s/unstaged", "1").write("s/deleted", "1").write("s/both", "1");
    f.commit("1");
    f.git(&["config", "status.showUntrackedFiles", "no"]);
    f.write("s/staged", "2").write("s/both", "2");
    f.git(&["add", "."]);
    f.write("s/unstaged", "3").write("s/both", "3").write("s/new/untracked", "3").write(".hidden/x", "4");
    f.remove("s/deleted");
    let view = check(&f);
    assert_eq!(bytes_at(&*view.tree, "s/both"), b"3");
    assert_eq!(bytes_at(&*view.tree, "s/staged"), b"2");
    assert_eq!(bytes_at(&*view.tree, "s/new/untracked"), b"3");
    let index = f.open().index_tree().unwrap();
    assert_eq!(bytes_at(&*index.tree, "s/both"), b"2");
    assert_eq!(paths(&*index.tree), ["s/both", "s/deleted", "s/staged", "s/unstaged"]);
}

#[test]
fn case_05_06_and_19_modes_links_and_folders_that_change_places() {
    let f = Fixture::init(&[]);
    f.write("run", "x").write("file", "x").write("d/f", "x").write("e", "x");
    f.symlink("a", "link");
    f.commit("1");
    f.settle();
    fs::set_permissions(f.top().join("run"), fs::Permissions::from_mode(0o755)).unwrap();
    f.remove("file");
    f.symlink("run", "file");
    f.remove("link");
    f.symlink("b", "link");
    fs::remove_dir_all(f.top().join("d")).unwrap();
    f.write("d", "now a file");
    f.remove("e");
    f.write("e/f", "now a folder");
    let view = check(&f);
    assert!(matches!(node_at(&*view.tree, "run"), Some(Node::Content(Mode::Executable, _))));
    assert_eq!(bytes_at(&*view.tree, "link"), b"b");
    f.git(&["config", "core.fileMode", "false"]);
    let view = check(&f);
    assert!(matches!(node_at(&*view.tree, "run"), Some(Node::Content(Mode::File, _))));
}

#[test]
fn case_60_a_folder_that_became_a_symlink_hides_what_was_in_it() {
    let f = Fixture::init(&[]);
    f.write("d/f", "x").write("other/f", "x");
    f.commit("1");
    f.settle();
    fs::remove_dir_all(f.top().join("d")).unwrap();
    f.symlink("other", "d");
    let view = check(&f);
    assert_eq!(paths(&*view.tree), ["d", "other/f"]);
}

#[test]
fn case_59_a_same_size_edit_with_the_old_time_is_seen() {
    let f = Fixture::init(&[]);
    f.write("f", "aaaa");
    f.commit("1");
    f.settle();
    let path = f.top().join("f");
    let before = fs::metadata(&path).unwrap().modified().unwrap();
    f.write("f", "bbbb");
    fs::File::options().write(true).open(&path).unwrap().set_modified(before).unwrap();
    assert_eq!(bytes_at(&*f.open().worktree_tree().unwrap().tree, "f"), b"bbbb");
}

#[test]
fn a_racy_edit_right_after_the_index_was_written_is_seen() {
    for _ in 0..20 {
        let f = Fixture::init(&[]);
        f.write("f", "aaaa");
        f.git(&["add", "."]);
        f.write("f", "bbbb");
        assert_eq!(bytes_at(&*f.open().worktree_tree().unwrap().tree, "f"), b"bbbb");
    }
}

#[test]
fn case_47_intent_to_add_is_in_the_work_tree_only() {
    let f = Fixture::init(&[]);
    f.write("f", "1");
    f.commit("1");
    f.write("new", "2").write("empty", "");
    f.git(&["add", "--intent-to-add", "new", "empty"]);
    let view = check(&f);
    assert_eq!(paths(&*view.tree), ["empty", "f", "new"]);
    assert_eq!(paths(&*f.open().index_tree().unwrap().tree), ["f"]);
}

#[test]
fn case_48_and_49_files_that_git_looks_away_from() {
    let f = Fixture::init(&[]);
    f.write("a", "1").write("s/absent", "1").write("s/back", "1").write("s/same", "1").write("keep", "1");
    f.commit("1");
    f.settle();
    f.git(&["update-index", "--assume-unchanged", "a"]);
    f.git(&["update-index", "--skip-worktree", "s/absent", "s/back", "s/same"]);
    f.write("a", "2");
    f.remove("s/absent");
    f.write("s/back", "2");
    assert_eq!(f.git(&["status", "--porcelain"]), "");
    let view = f.open().worktree_tree().unwrap();
    assert_eq!(bytes_at(&*view.tree, "a"), b"2");
    assert_eq!(bytes_at(&*view.tree, "s/absent"), b"1");
    assert_eq!(bytes_at(&*view.tree, "s/back"), b"2");
    assert_eq!(paths(&*view.tree), ["a", "keep", "s/absent", "s/back", "s/same"]);
    assert_eq!(codes(&view), ["hidden-change"]);
    assert!(view.notes[0].message.contains("`a`, `s/back`"), "{:?}", view.notes);
}

#[test]
fn case_49_a_sparse_checkout_deletes_nothing() {
    let f = Fixture::init(&[]);
    f.write("in/f", "1").write("out/f", "1").write("out/deep/g", "1").write("top", "1");
    f.commit("1");
    f.git(&["sparse-checkout", "set", "--cone", "--no-sparse-index", "in"]);
    assert!(!f.top().join("out").exists());
    let r = f.open();
    assert_eq!(r.worktree_tree().unwrap().tree.root(), r.head().unwrap().unwrap().tree);
}

#[test]
fn case_54_ignore_rules_are_git_s_own() {
    let f = Fixture::init(&[]);
    f.write(".gitignore", "build/\n*.{js,ts}\n*.log\n!keep.log\n/only-root\nspace\\ \n#x\n\\#hash\nd/**/deep\nt  \n");
    f.write("svc/.gitignore", "!build/\nlocal\r\n*.o\n");
    f.write(".git/info/exclude", "excluded\n!never.log\n");
    let excludes = f.beside("excludes");
    fs::write(&excludes, "from-user\n").unwrap();
    f.git(&["config", "core.excludesFile", excludes.to_str().unwrap()]);
    for path in [
        "build/x",
        "svc/build/x",
        "a.js",
        "a.{js,ts}",
        "a.log",
        "keep.log",
        "never.log",
        "only-root",
        "sub/only-root",
        "space ",
        "space",
        "#hash",
        "#x",
        "d/1/2/deep",
        "d/deep",
        "t",
        "svc/local",
        "local",
        "svc/x.o",
        "x.o",
        "excluded",
        "from-user",
        "svc/from-user",
        "forced.log",
        "caf\u{e9}",
        "new\nline",
        "-rf",
        "q\"uote",
        "tab\t",
    ] {
        f.write(path, path);
    }
    f.git(&["add", "-f", "forced.log"]);
    f.symlink("/dev/null", "svc/deep/.gitignore");
    f.write("svc/deep/x", "");
    let view = f.open().worktree_tree().unwrap();
    let tracked = f.git(&["ls-files", "-z", "-c", "-o", "--exclude-standard"]);
    let mut expected: Vec<&str> = tracked.split_terminator('\0').collect();
    expected.sort_unstable();
    let raw = |path: &str| path.replace("\\n", "\n").replace("\\t", "\t");
    let mut found: Vec<String> = paths(&*view.tree).iter().map(|path| raw(path)).collect();
    found.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn case_14_names_that_are_not_text_are_kept() {
    use std::os::unix::ffi::OsStrExt;
    let f = Fixture::init(&[]);
    f.write("x", "1");
    let name = std::ffi::OsStr::from_bytes(b"\xff\xfe");
    fs::write(f.top().join(name), "1").unwrap();
    f.git(&["add", "."]);
    let other = std::ffi::OsStr::from_bytes(b"\xfe\xff");
    fs::write(f.top().join(other), "1").unwrap();
    let r = f.open();
    assert_eq!(paths(&*r.worktree_tree().unwrap().tree), ["\\xfe\\xff", "\\xff\\xfe", "x"]);
    assert_eq!(paths(&*r.index_tree().unwrap().tree), ["\\xff\\xfe", "x"]);
}

#[test]
fn case_50_line_endings_are_converted_as_git_does() {
    let files: [(&str, &[u8]); 12] = [
        ("plain.txt", b"a\r\nb\r\n"),
        ("mixed.txt", b"a\r\nb\n"),
        ("lone.txt", b"a\rb\r\n"),
        ("nul.txt", b"a\0b\r\n"),
        ("text.t", b"a\r\nb\rc\r\n\0"),
        ("crlf.c", b"a\r\nb\r\n"),
        ("lf.l", b"a\r\nb\r\n"),
        ("not.bin", b"a\r\nb\r\n"),
        ("auto.auto", b"a\r\n\x01\x02\x03\r\n"),
        ("id.id", b"$Id: 1234 $\r\n$Id$ $Id: broken\n$Id: x$"),
        ("sub/over.t", b"a\r\nb\r\n"),
        ("eof.txt", b"a\r\nb\r\n\x1a"),
    ];
    let attributes = "*.t text\n*.c text eol=crlf\n*.l eol=lf\n*.bin binary\n*.auto text=auto\n*.id ident\n[attr]mine text=auto\n\"mixed.txt\" mine\n";
    for (auto_crlf, attributes) in
        [("false", attributes), ("true", attributes), ("input", attributes), ("true", ""), ("input", "")]
    {
        let f = Fixture::init(&[]);
        f.git(&["config", "core.autocrlf", auto_crlf]);
        f.git(&["config", "core.safecrlf", "false"]);
        f.write(".gitattributes", attributes).write("sub/.gitattributes", "*.t -text\n");
        // The index holds these with `\r\n`, which keeps git from guessing.
        f.git(&["-c", "core.autocrlf=false", "commit", "-qm", "0", "--allow-empty"]);
        f.write("held.txt", "a\r\n");
        f.git(&["-c", "core.autocrlf=false", "add", "held.txt"]);
        for (path, bytes) in files {
            f.write(path, bytes);
        }
        f.write("held.txt", "a\r\nb\r\n");
        let view = check(&f);
        assert!(view.notes.is_empty(), "{:?}", view.notes);
        let stored = f.git(&["cat-file", "--filters", ":held.txt"]).len();
        assert!(stored > 0);
        // What is read has the id that it is listed under.
        for (path, _) in files {
            bytes_at(&*view.tree, path);
        }
    }
}

#[test]
fn case_50_a_link_that_stands_in_a_plain_file_is_converted_too() {
    let f = Fixture::init(&[]);
    f.symlink("target", "link");
    f.commit("1");
    f.git(&["config", "core.symlinks", "false"]);
    f.git(&["config", "core.autocrlf", "input"]);
    f.remove("link");
    f.write("link", "other\r\n");
    assert_eq!(bytes_at(&*check(&f).tree, "link"), b"other\n");
}

#[test]
fn case_51_and_52_filters_are_never_run_and_their_files_are_named() {
    let f = Fixture::init(&[]);
    f.git(&["config", "filter.hide.clean", &format!("tee {}; true", f.beside("canary").display())]);
    f.write(".gitattributes", "*.secret filter=hide\n*.big filter=lfs\n*.utf16 working-tree-encoding=UTF-16\n");
    f.write("x.secret", "1");
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
    f.write("not-fetched.big", pointer).write("fetched.big", "content");
    f.commit("1");
    f.settle();
    let canary = f.beside("canary");
    fs::remove_file(&canary).unwrap();
    let clean = f.open().worktree_tree().unwrap();
    assert_eq!(codes(&clean), ["lfs-pointer"]);
    assert!(clean.notes[0].message.ends_with("`not-fetched.big`"), "{:?}", clean.notes);
    f.write("x.secret", "2").write("fetched.big", "other").write("new.utf16", "x");
    let view = f.open().worktree_tree().unwrap();
    assert_eq!(bytes_at(&*view.tree, "x.secret"), b"2");
    assert_eq!(bytes_at(&*view.tree, "fetched.big"), b"other");
    let mut found = codes(&view);
    found.sort_unstable();
    assert_eq!(found, ["git-encoding", "git-filter", "lfs-pointer"]);
    assert!(!canary.exists());
}

#[test]
fn conflicts_stop_the_index_and_not_the_work_tree() {
    let f = Fixture::init(&[]);
    f.write("f", "0").write("g", "0");
    f.commit("0");
    f.git(&["checkout", "-qb", "side"]);
    f.write("f", "1");
    f.commit("1");
    f.git(&["checkout", "-q", "main"]);
    f.write("f", "2");
    f.commit("2");
    assert!(!f.command(f.top(), &["merge", "-q", "side"]).output().unwrap().status.success());
    let error = f.open().index_tree().unwrap_err().to_string();
    assert_eq!(error, "the index has unresolved conflicts in `f`; resolve them and `git add` the files");
    let view = check(&f);
    assert_eq!(codes(&view), ["git-conflict"]);
    assert!(bytes_at(&*view.tree, "f").starts_with(b"<<<<<<<"));
}

#[test]
fn case_60_pipes_are_left_aside_and_named() {
    let f = Fixture::init(&[]);
    f.write("a", "1").write("tracked", "1");
    f.commit("1");
    f.remove("tracked");
    for name in ["tracked", "untracked"] {
        let made = std::process::Command::new("mkfifo").arg(f.top().join(name)).status().unwrap();
        assert!(made.success());
    }
    let view = f.open().worktree_tree().unwrap();
    assert_eq!(paths(&*view.tree), ["a"]);
    assert_eq!(codes(&view), ["special-file"]);
    assert!(view.notes[0].message.ends_with("`tracked`, `untracked`"), "{:?}", view.notes);
}

#[test]
fn case_60_what_cannot_be_read_counts_as_changed() {
    let f = Fixture::init(&[]);
    f.write("a", "1");
    f.commit("1");
    // A name that no file system can hold: even root cannot look at it.
    let long = "n".repeat(300);
    let blob = f.git(&["rev-parse", "HEAD:a"]);
    f.git(&["update-index", "--add", "--cacheinfo", &format!("100644,{blob},{long}")]);
    let view = f.open().worktree_tree().unwrap();
    assert_eq!(codes(&view), ["unreadable-file"]);
    let Some(Node::Content(_, id)) = node_at(&*view.tree, &long) else { panic!("it must not vanish") };
    assert_ne!(id.to_string(), blob);
    assert!(view.tree.content(id).unwrap_err().to_string().contains("long"));
}

#[test]
fn case_58_a_file_that_changes_after_it_was_hashed_is_an_error() {
    let f = Fixture::init(&[]);
    f.write("a", "1");
    f.commit("1");
    f.write("a", "2");
    let view = f.open().worktree_tree().unwrap();
    let Some(Node::Content(_, id)) = node_at(&*view.tree, "a") else { panic!() };
    assert_eq!(view.tree.size(id), Ok(1));
    f.write("a", "3");
    assert!(view.tree.content(id).unwrap_err().to_string().contains("changed while knockon ran"));
}

#[test]
fn case_62_a_huge_file_is_hashed_as_a_stream() {
    let f = Fixture::init(&[]);
    f.write("small", "");
    f.commit("1");
    let file = fs::File::create(f.top().join("huge")).unwrap();
    file.set_len(65 << 20).unwrap();
    let view = f.open().worktree_tree().unwrap();
    let Some(Node::Content(_, id)) = node_at(&*view.tree, "huge") else { panic!() };
    assert_eq!(id.to_string(), f.git(&["hash-object", "huge"]));
    assert_eq!(view.tree.size(id), Ok(65 << 20));
}

#[test]
fn known_files_in_an_ignored_folder_count_and_others_do_not() {
    let f = Fixture::init(&[]);
    f.write(".gitignore", "out/\n").write("out/deep/known", "1").write("out/deep/gone", "1").write("src/x", "1");
    f.git(&["add", "-f", "."]);
    f.commit("1");
    f.settle();
    f.write("out/deep/known", "22").write("out/deep/new", "1").write("out/other/new", "1");
    f.write("out/deep/.gitignore", "!new\n");
    f.remove("out/deep/gone");
    let view = check(&f);
    assert_eq!(paths(&*view.tree), [".gitignore", "out/deep/known", "src/x"]);
}

#[test]
fn a_folder_s_kept_id_is_the_one_that_its_entries_give() {
    let f = Fixture::init(&[]);
    for path in ["a/b/c/x", "a/b/c/y", "a/b-c/x", "a/b.c", "a/z", "other/one", "other/two", "same/x", "same/y/z", "d/e"]
    {
        f.write(path, path);
    }
    f.symlink("a", "link");
    f.commit("1");
    f.settle();
    let check_ids = || {
        // Git's own answer, from entries only; then ours, through the index's ids and through plumbing without them.
        let view = check(&f);
        let plain = f.plumbing().worktree_tree().unwrap();
        assert_eq!(view.tree.root(), plain.tree.root());
        assert_eq!(every_folder(&*view.tree), every_folder(&*plain.tree));
        for (folder, id) in every_folder(&*view.tree) {
            let entries = view.tree.folder(id).unwrap();
            assert_eq!(Hash::Sha1.folder_id(&entries).unwrap(), id, "{folder}");
        }
        let (index, plain) = (f.open().index_tree().unwrap(), f.plumbing().index_tree().unwrap());
        assert_eq!(every_folder(&*index.tree), every_folder(&*plain.tree));
        assert_eq!(index.tree.root().to_string(), f.git(&["write-tree"]));
    };
    check_ids();
    let steps: [&dyn Fn(); 9] = [
        &|| f.remove("a/b/c/x"),
        &|| _ = f.write("other/new", "untracked"),
        &|| _ = f.write("same/y/z", "longer than before"),
        &|| _ = f.write("a/b/new/er", "untracked, in a new folder"),
        &|| fs::set_permissions(f.top().join("d/e"), fs::Permissions::from_mode(0o755)).unwrap(),
        &|| _ = f.git(&["add", "other"]),
        &|| _ = f.git(&["rm", "-q", "--cached", "a/z"]),
        &|| {
            // One goes and another comes: the folder holds as many as before.
            f.remove("same/x");
            f.write("same/new", "1");
        },
        &|| {
            f.remove("d/e");
            fs::remove_dir(f.top().join("d")).unwrap();
            f.write("d", "now a file");
        },
    ];
    for step in steps {
        step();
        check_ids();
    }
}

fn every_folder(tree: &dyn Tree) -> Vec<(RepoPath, TreeId)> {
    let mut found = vec![(RepoPath::root(), tree.root())];
    let mut at = 0;
    while let Some((folder, id)) = found.get(at).cloned() {
        for entry in tree.folder(id).unwrap().iter() {
            if let Node::Folder(id) = entry.node {
                found.push((folder.child(&entry.name), id));
            }
        }
        at += 1;
    }
    found
}

#[test]
fn a_sparse_checkout_with_changes_keeps_what_it_leaves_out() {
    let f = Fixture::init(&[]);
    f.write("in/f", "1").write("out/f", "1").write("out/deep/g", "1").write("top", "1");
    f.commit("1");
    f.git(&["sparse-checkout", "set", "--cone", "--no-sparse-index", "in"]);
    f.write("in/f", "22").write("in/new", "1");
    let view = f.open().worktree_tree().unwrap();
    assert_eq!(paths(&*view.tree), ["in/f", "in/new", "out/deep/g", "out/f", "top"]);
    assert_eq!(bytes_at(&*view.tree, "in/f"), b"22");
    for (_, id) in every_folder(&*view.tree) {
        assert_eq!(Hash::Sha1.folder_id(&view.tree.folder(id).unwrap()).unwrap(), id);
    }
}
