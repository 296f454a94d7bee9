//! What is on disk and what is staged: section C of the edge cases, by number, as far as planning goes.

use std::fs;
use std::process::Command;

use crate::repository::{Outcome, Repo};

const LIB: [&str; 4] = ["app:build", "app:test", "lib:build", "lib:test"];
const APP: [&str; 2] = ["app:build", "app:test"];
const LONE: [&str; 2] = ["lone:build", "lone:test"];
const NOTHING: [&str; 0] = [];

impl Repo {
    /// What the work tree affects since the last commit.
    fn on_disk(&self) -> Outcome {
        self.report(&["--base", "HEAD"])
    }

    fn staged(&self) -> Outcome {
        self.report(&["--staged"])
    }
}

#[test]
fn case_46_staged_unstaged_and_untracked_changes_count() {
    let repo = Repo::of_modules();
    repo.git(&["config", "status.showUntrackedFiles", "no"]);
    repo.write("lone/new.go", "package lone\n");
    assert_eq!((repo.on_disk().tasks(), repo.staged().tasks()), (LONE.map(str::to_owned).to_vec(), vec![]));
    repo.append("app/main.go", "// staged\n").git(&["add", "app"]);
    assert_eq!(repo.staged().tasks(), APP);
    repo.append("lib/lib.go", "// not staged\n");
    assert_eq!(repo.on_disk().projects(), ["app", "lib", "lone"]);
    assert_eq!(repo.staged().tasks(), APP);
    // Staged, and changed back on disk: what is committed differs, what is on disk does not.
    let repo = Repo::of_modules();
    let before = fs::read(repo.top().join("lib/lib.go")).unwrap();
    repo.append("lib/lib.go", "// staged\n").git(&["add", "lib"]);
    repo.write("lib/lib.go", before);
    assert_eq!((repo.staged().tasks(), repo.on_disk().tasks()), (LIB.map(str::to_owned).to_vec(), vec![]));
}

#[test]
fn a_new_folder_with_a_manifest_is_a_project_before_git_knows_it() {
    let repo = Repo::of_modules();
    repo.write("fresh/go.mod", "module example.org/fresh\n").write("fresh/fresh.go", "package fresh\n");
    assert_eq!(repo.on_disk().tasks(), ["fresh:build", "fresh:test"]);
    assert_eq!(repo.staged().tasks(), NOTHING);
}

#[test]
fn case_47_intent_to_add_is_on_disk_and_not_staged() {
    let repo = Repo::of_modules();
    repo.write("lone/new.go", "package lone\n").git(&["add", "--intent-to-add", "lone/new.go"]);
    assert_eq!(repo.on_disk().tasks(), LONE);
    assert_eq!(repo.staged().tasks(), NOTHING);
}

#[test]
fn case_48_what_git_looks_away_from_is_seen() {
    for flag in ["--assume-unchanged", "--skip-worktree"] {
        let repo = Repo::of_modules();
        repo.git(&["update-index", flag, "lib/lib.go"]);
        assert_eq!(repo.on_disk().tasks(), NOTHING, "{flag}");
        repo.append("lib/lib.go", "// changed\n");
        assert_eq!(repo.git(&["status", "--porcelain"]), "", "{flag}");
        assert_eq!(repo.on_disk().tasks(), LIB, "{flag}");
        let told = repo.knockon(&["plan", "--base", "HEAD", "--all"]);
        assert!(told.done().stderr.contains("hidden-change"), "{flag}: {}", told.stderr);
    }
}

#[test]
fn case_49_a_sparse_checkout_deletes_nothing() {
    let repo = Repo::of_modules();
    repo.git(&["sparse-checkout", "set", "--no-cone", "/lone/"]);
    assert!(!repo.top().join("lib/go.mod").exists());
    assert_eq!(repo.on_disk().tasks(), NOTHING);
    assert_eq!(repo.knockon(&["graph"]).done().stdout().lines().last(), Some("3 projects, 1 edge"));
    repo.append("lone/lone.go", "// changed\n");
    assert_eq!(repo.on_disk().tasks(), LONE);
    // Back on disk and changed, whatever the index says about it.
    repo.write("lib/lib.go", "package lib // back\n");
    assert_eq!(repo.on_disk().projects(), ["app", "lib", "lone"]);
}

#[test]
fn case_50_line_endings_are_no_change() {
    let repo = Repo::of_modules();
    repo.git(&["config", "core.autocrlf", "true"]);
    repo.write("lib/lib.go", "package lib\r\n");
    repo.git(&["add", "--renormalize", "."]);
    assert_eq!(repo.on_disk().tasks(), NOTHING);
    repo.write("lib/lib.go", "package lib // changed\r\n");
    assert_eq!(repo.on_disk().tasks(), LIB);
    // Without a conversion the very same bytes are a change.
    repo.write("lib/lib.go", "package lib\r\n").git(&["config", "core.autocrlf", "false"]);
    assert_eq!(repo.on_disk().tasks(), LIB);
}

#[test]
fn case_51_a_clean_filter_hides_nothing() {
    let repo = Repo::of_modules();
    repo.write(".gitattributes", "*.go filter=secret\n").git(&["config", "filter.secret.clean", "grep -v SECRET"]);
    repo.commit("filtered");
    repo.append("lib/lib.go", "// SECRET\n");
    assert_eq!(repo.git(&["diff", "--name-only"]), "");
    assert_eq!(repo.on_disk().tasks(), LIB);
    assert!(repo.knockon(&["plan"]).done().stderr.contains("git-filter"));
}

#[test]
fn case_52_a_pointer_of_lfs_and_its_content_are_told_apart() {
    let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 3\n", "0".repeat(64));
    let repo = Repo::of_modules();
    repo.write("lone/.gitattributes", "*.bin filter=lfs -text\n").write("lone/data.bin", &pointer).commit("pointer");
    let told = repo.knockon(&["plan"]);
    assert!(told.done().stderr.contains("lfs-pointer"), "{}", told.stderr);
    assert_eq!(repo.on_disk().tasks(), NOTHING);
    repo.write("lone/data.bin", "abc");
    assert_eq!(repo.on_disk().tasks(), LONE);
}

#[test]
fn case_53_ignored_files_are_no_inputs() {
    let repo = Repo::of_modules();
    repo.write(".gitignore", "*.log\n/lone/generated/\n").commit("ignore");
    repo.write("lone/x.log", "x").write("lone/generated/a.go", "package generated\n");
    assert_eq!(repo.on_disk().tasks(), NOTHING);
    // What is tracked counts although a pattern matches it.
    repo.git(&["add", "--force", "lone/x.log"]);
    repo.git(&["commit", "--quiet", "-m", "tracked"]);
    repo.write("lone/x.log", "y");
    assert_eq!(repo.on_disk().tasks(), LONE);
}

#[test]
fn case_54_other_ignore_rules_are_another_set_of_inputs() {
    let repo = Repo::of_modules();
    repo.write("lone/.gitignore", "generated.go\n").commit("ignore");
    repo.write("lone/generated.go", "package lone\n");
    assert_eq!(repo.on_disk().tasks(), NOTHING);
    repo.remove("lone/.gitignore");
    let outcome = repo.on_disk();
    assert_eq!(outcome.tasks(), LONE);
    assert!(outcome.stdout().contains("lone/generated.go"));
}

#[test]
fn case_55_a_nested_repository_is_opaque_and_not_overlooked() {
    let repo = Repo::of_modules();
    let nested = repo.top().join("lone/vendor/inner");
    fs::create_dir_all(&nested).unwrap();
    repo.git_in(&nested, &["init", "--quiet"]);
    fs::write(nested.join("a.go"), "package inner\n").unwrap();
    repo.git_in(&nested, &["add", "."]);
    repo.git_in(&nested, &["commit", "--quiet", "-m", "inner"]);
    assert_eq!(repo.on_disk().tasks(), LONE);
    let told = repo.knockon(&["plan", "--all"]);
    assert!(told.done().stderr.contains("nested-repository"), "{}", told.stderr);
}

#[test]
fn case_56_submodules_count_by_what_is_checked_out() {
    let inner = Repo::of_modules();
    let repo = Repo::of_modules();
    repo.git(&["submodule", "--quiet", "add", inner.top().to_str().unwrap(), "lone/inner"]);
    repo.git(&["config", "-f", ".gitmodules", "submodule.lone/inner.ignore", "all"]);
    repo.git(&["config", "diff.ignoreSubmodules", "all"]);
    repo.commit("submodule");
    assert_eq!(repo.on_disk().tasks(), NOTHING);
    // Dirty.
    let place = repo.top().join("lone/inner");
    fs::write(place.join("lib/lib.go"), "package lib // dirty\n").unwrap();
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
    assert_eq!(repo.on_disk().tasks(), LONE);
    // Another commit is checked out.
    repo.git_in(&place, &["commit", "--quiet", "-am", "bump"]);
    assert_eq!(repo.on_disk().tasks(), LONE);
    assert_eq!(repo.staged().tasks(), NOTHING);
    // The pointer is bumped, and both sides are commits.
    repo.git(&["add", "--force", "lone/inner"]);
    assert_eq!(repo.staged().tasks(), LONE);
    repo.git(&["commit", "--quiet", "-m", "bump"]);
    assert_eq!(repo.affected("HEAD~1", "HEAD"), LONE);
    // Not initialised: it is where the index says it is.
    repo.git(&["submodule", "--quiet", "deinit", "--force", "lone/inner"]);
    assert_eq!(repo.on_disk().tasks(), NOTHING);
}

#[test]
fn case_59_an_edit_of_the_same_size_and_time_is_seen() {
    let repo = Repo::of_modules();
    let file = repo.top().join("lib/lib.go");
    let time = fs::metadata(&file).unwrap().modified().unwrap();
    fs::write(&file, "package lub\n").unwrap();
    fs::File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
    assert_eq!(repo.on_disk().tasks(), LIB);
}

#[test]
fn case_60_pipes_sockets_and_loops_do_not_hang() {
    let repo = Repo::of_modules();
    let pipe = |place: &str| {
        assert!(Command::new("mkfifo").arg(repo.top().join(place)).status().unwrap().success());
    };
    pipe("lone/pipe");
    let _socket = std::os::unix::net::UnixListener::bind(repo.top().join("lone/socket")).unwrap();
    assert_eq!(repo.on_disk().tasks(), NOTHING);
    assert!(repo.knockon(&["plan", "--all"]).done().stderr.contains("special-file"));
    // In the place of what is tracked: deleted, as git sees it.
    repo.remove("lone/lone.go").remove("app/go.mod").remove("lib/go.mod");
    pipe("lone/lone.go");
    pipe("app/go.mod");
    repo.symlink("../..", "lib/loop").symlink("go.mod", "lib/go.mod");
    let outcome = repo.on_disk();
    assert!(outcome.projects().contains(&"lone".to_owned()), "{:?}", outcome.projects());
    pipe("knockon.toml");
    repo.knockon(&["check"]).done();
}

#[test]
fn case_60_a_folder_that_became_a_link_is_not_followed() {
    let repo = Repo::of_modules();
    fs::rename(repo.top().join("lone"), repo.beside("elsewhere")).unwrap();
    repo.symlink(repo.beside("elsewhere").to_str().unwrap(), "lone");
    let outcome = repo.on_disk();
    assert!(!outcome.projects().contains(&"lone".to_owned()));
    assert_eq!(outcome.json()["removed"], serde_json::json!(["lone"]));
}

#[test]
fn case_61_both_names_of_a_hard_link_change() {
    let repo = Repo::of_modules();
    fs::hard_link(repo.top().join("lib/lib.go"), repo.top().join("lone/same.go")).unwrap();
    repo.commit("linked");
    let file = fs::File::options().append(true).open(repo.top().join("lone/same.go")).unwrap();
    std::io::Write::write_all(&mut &file, b"// through the other name\n").unwrap();
    assert_eq!(repo.on_disk().projects(), ["app", "lib", "lone"]);
}

#[test]
fn case_62_a_huge_file_is_read_as_a_stream() {
    let repo = Repo::of_modules();
    let file = fs::File::create(repo.top().join("lone/huge.bin")).unwrap();
    file.set_len(400 << 20).unwrap();
    // Less memory than the file is long.
    let script = format!("ulimit -v 350000; exec '{}' affected --base HEAD", env!("CARGO_BIN_EXE_knockon"));
    let mut command = Command::new("sh");
    repo.scrub(&mut command);
    command.current_dir(repo.top()).args(["-c", &script]);
    assert_eq!(Outcome::of(command).done().stdout(), "lone\n");
}

#[test]
fn modes_links_and_folders_that_change_places_are_changes() {
    let repo = Repo::of_modules();
    repo.mode("lib/lib.go", 0o755);
    assert_eq!(repo.on_disk().tasks(), LIB);
    let repo = Repo::of_modules();
    repo.remove("lone/lone.go").symlink("../lib/lib.go", "lone/lone.go");
    assert_eq!(repo.on_disk().tasks(), LONE);
    let repo = Repo::of_modules();
    repo.write("lone/data", "file").commit("file");
    repo.remove("lone/data").write("lone/data/a", "folder").commit("folder");
    assert_eq!(repo.affected("HEAD~1", "HEAD"), LONE);
    let repo = Repo::of_modules();
    repo.git(&["config", "core.fileMode", "false"]);
    repo.git(&["update-index", "--chmod=+x", "lib/lib.go"]);
    assert_eq!(repo.staged().tasks(), LIB);
}

#[test]
fn case_7_bytes_that_change_behind_a_link_reach_who_reads_the_link() {
    let repo = Repo::new();
    repo.write("svc/go.mod", "module example.com/svc\n").write("shared/x.go", "package x\n");
    repo.symlink("../shared", "svc/lib").commit("first");
    // Nothing but the bytes of a plain file differs, so both trees have one workspace.
    repo.append("shared/x.go", "// changed\n");
    assert_eq!(repo.on_disk().tasks(), ["svc:build", "svc:test"]);
    repo.commit("second");
    assert_eq!(repo.affected("HEAD~1", "HEAD"), ["svc:build", "svc:test"]);
}
