//! Which two trees are compared: section B of the edge cases, by number.

use std::fs;
use std::path::PathBuf;

use crate::repository::{ALL_OF_MODULES, Repo};

const LIB: [&str; 4] = ["app:build", "app:test", "lib:build", "lib:test"];
const APP: [&str; 2] = ["app:build", "app:test"];
const LONE: [&str; 2] = ["lone:build", "lone:test"];

impl Repo {
    /// A commit that changes a file of a module.
    pub fn touch(&self, module: &str) -> &Self {
        let clock = self.git(&["rev-list", "--all", "--count"]);
        self.append(&format!("{module}/{module}.go"), &format!("// {clock}\n")).commit(module)
    }

    pub fn switch(&self, branch: &str) -> &Self {
        self.git(&["checkout", "--quiet", branch]);
        self
    }

    pub fn branch(&self, name: &str, at: &str) -> &Self {
        self.git(&["checkout", "--quiet", "-B", name, at]);
        self
    }

    /// A clone beside it.
    pub fn cloned(&self, name: &str, arguments: &[&str]) -> PathBuf {
        let place = self.beside(name);
        let url = format!("file://{}", self.top().display());
        let target = place.to_str().unwrap();
        self.git(&[&["clone", "--quiet"], arguments, &[&url, target]].concat());
        place
    }

    fn report_in(&self, place: &std::path::Path, arguments: &[&str]) -> crate::repository::Outcome {
        let outcome = self.start_in(place, &[&["affected", "--format", "json"], arguments].concat(), |_| {});
        outcome.done();
        outcome
    }
}

#[test]
fn case_28_the_first_commit_brings_everything() {
    let repo = Repo::of_modules();
    let outcome = repo.knockon(&["affected", "--base", "HEAD~1", "--head", "HEAD"]);
    outcome.refused(2, "is the first commit of its history");
    // After a commit without files everything is new.
    let empty = repo.git_fed(repo.top(), &["mktree"], b"");
    let nothing = repo.git(&["commit-tree", "-m", "nothing", &empty]);
    let first = repo.git(&["commit-tree", "-m", "first", "-p", &nothing, "HEAD^{tree}"]);
    let outcome = repo.report(&["--base", &nothing, "--head", &first]);
    assert_eq!((outcome.tasks(), outcome.widened()), (ALL_OF_MODULES.map(str::to_owned).to_vec(), vec![]));
}

#[test]
fn case_29_a_merge_is_compared_with_its_first_parent() {
    let repo = Repo::of_modules();
    repo.branch("topic", "main").touch("lib");
    repo.switch("main").touch("lone").git(&["merge", "--quiet", "--no-ff", "-m", "merge", "topic"]);
    assert_eq!(repo.affected("HEAD~1", "HEAD"), LIB);
    assert_eq!(repo.affected("HEAD^2", "HEAD"), LONE);
}

#[test]
fn case_30_an_octopus_and_what_only_the_merge_holds() {
    let repo = Repo::of_modules();
    repo.branch("one", "main").touch("lib");
    repo.branch("two", "main").touch("lone");
    repo.switch("main").git(&["merge", "--quiet", "--no-ff", "-m", "octopus", "one", "two"]);
    assert_eq!(repo.git(&["show", "--no-patch", "--format=%P", "HEAD"]).split(' ').count(), 3);
    assert_eq!(repo.affected("HEAD~1", "HEAD"), ALL_OF_MODULES);
    assert_eq!(repo.affected("one", "HEAD"), LONE);

    let evil = Repo::of_modules();
    evil.branch("topic", "main").touch("lone");
    evil.switch("main").git(&["merge", "--quiet", "--no-ff", "--no-commit", "topic"]);
    evil.append("app/main.go", "// in neither parent\n").commit("evil");
    assert_eq!(evil.affected("topic", "HEAD"), APP);
}

/// `left` and `right` have merged each other: two merge bases, of which one knows the change of `lib` and the other
/// that of `lone`.
fn criss_cross() -> Repo {
    let repo = Repo::of_modules();
    repo.branch("left", "main").touch("lib");
    repo.branch("right", "main").touch("lone");
    let (left, right) = (repo.id("left"), repo.id("right"));
    repo.switch("left").git(&["merge", "--quiet", "-m", "cross", &right]);
    repo.switch("right").git(&["merge", "--quiet", "-m", "criss", &left]);
    repo.append("app/main.go", "// right\n").commit("right goes on");
    repo
}

#[test]
fn case_31_what_differs_from_any_merge_base_counts() {
    let repo = criss_cross();
    assert_eq!(repo.git(&["merge-base", "--all", "left", "right"]).lines().count(), 2);
    let outcome = repo.report(&["--base", "left", "--head", "right"]);
    // From one base `lone` differs, from the other `lib`; `app` from both.
    assert_eq!(outcome.tasks(), ALL_OF_MODULES);
    assert_eq!(outcome.json()["bases"].as_array().unwrap().len(), 2);
    assert_eq!(outcome.widened(), [""; 0]);
    assert!(outcome.decision().contains("2 merge bases"), "{}", outcome.decision());
}

/// A history whose shallow clones name an older merge base as if it were the right one. `main` changes `lib` after
/// `s1` and `topic`, which begins there, changes it back: only the true base shows that.
fn shallow_trap() -> Repo {
    let repo = Repo::of_modules();
    repo.branch("old", "main");
    for side in ["old-main", "old-topic"] {
        repo.branch(side, "main").commit(side);
    }
    let before = fs::read(repo.top().join("lib/lib.go")).unwrap();
    repo.switch("main").write("lib/lib.go", "package lib // B\n").commit("m1");
    repo.branch("topic", "main");
    repo.switch("main");
    for number in 1..=4 {
        repo.commit(&format!("x{number}"));
    }
    repo.git(&["merge", "--quiet", "--no-ff", "-m", "old", "old-main"]);
    repo.switch("topic");
    for number in 1..=4 {
        repo.commit(&format!("y{number}"));
    }
    repo.git(&["merge", "--quiet", "--no-ff", "-m", "old", "old-topic"]);
    repo.write("lib/lib.go", before).commit("lib as it was");
    repo
}

#[test]
fn case_33_no_depth_of_a_shallow_clone_hides_a_change() {
    let repo = shallow_trap();
    assert_eq!(repo.affected("main", "topic"), LIB);
    for depth in 1..=7 {
        let depth_option = format!("--depth={depth}");
        let clone = repo.cloned(&format!("depth-{depth}"), &[&depth_option, "--no-single-branch"]);
        let outcome = repo.report_in(&clone, &["--base", "origin/main", "--head", "origin/topic"]);
        if depth == 7 {
            assert_eq!((outcome.tasks(), outcome.widened()), (LIB.map(str::to_owned).to_vec(), vec![]));
        } else {
            assert_eq!(outcome.tasks(), ALL_OF_MODULES, "depth {depth}");
            let reason = &outcome.widened()[0];
            assert!(matches!(reason.as_str(), "shallow" | "no-merge-base"), "depth {depth}: {reason}");
            let strict = ["plan", "--strict", "--base", "origin/main", "--head", "origin/topic"];
            assert_eq!(repo.start_in(&clone, &strict, |_| {}).status, 4, "depth {depth}");
        }
    }
}

#[test]
fn case_32_a_shallow_clone_without_a_merge_base_plans_everything_and_says_how_to_mend_it() {
    let repo = shallow_trap();
    let clone = repo.cloned("shallow", &["--depth=1", "--no-single-branch"]);
    let outcome = repo.report_in(&clone, &["--base", "origin/main", "--head", "origin/topic"]);
    assert_eq!(
        (outcome.tasks(), outcome.widened()),
        (ALL_OF_MODULES.map(str::to_owned).to_vec(), vec!["no-merge-base".to_owned()])
    );
    assert!(outcome.decision().contains("git fetch --unshallow"), "{}", outcome.decision());
    repo.start_in(&clone, &["plan", "--base", "origin/topic~1"], |_| {}).refused(3, "git fetch --unshallow");
}

#[test]
fn case_34_a_shallow_fetch_into_a_full_clone_is_noticed() {
    let repo = shallow_trap();
    let clone = repo.cloned("full", &["--branch=topic"]);
    repo.git_in(&clone, &["fetch", "--quiet", "--depth=1", "origin", "main"]);
    let outcome = repo.report_in(&clone, &["--base", "FETCH_HEAD", "--head", "topic"]);
    assert_eq!(outcome.tasks(), ALL_OF_MODULES);
    assert!(!outcome.widened().is_empty());
}

#[test]
fn case_36_a_base_that_is_gone_plans_everything() {
    let repo = Repo::of_modules();
    repo.touch("lib");
    let gone = "0123456789abcdef0123456789abcdef01234567";
    let outcome = repo.report(&["--base", gone, "--head", "HEAD"]);
    assert_eq!(
        (outcome.tasks(), outcome.widened()),
        (ALL_OF_MODULES.map(str::to_owned).to_vec(), vec!["missing-base".to_owned()])
    );
    assert!(outcome.decision().contains(gone) && outcome.decision().contains("git fetch origin"));
    assert_eq!(repo.knockon(&["affected", "--strict", "--base", gone]).status, 4);
}

#[test]
fn case_37_zeros_mean_a_new_branch() {
    let zeros = "0".repeat(40);
    let repo = Repo::of_modules();
    repo.branch("topic", "main").touch("lib");
    let outcome = repo.report(&["--base", &zeros, "--head", "topic"]);
    assert_eq!((outcome.tasks(), outcome.widened()), (LIB.map(str::to_owned).to_vec(), vec![]));
    assert!(outcome.decision().contains("all zeros"), "{}", outcome.decision());
    // The default branch itself is new, or there is none to compare with.
    for branch in ["main", "trunk"] {
        let repo = Repo::of_modules();
        repo.git(&["branch", "--quiet", "-m", branch]);
        let outcome = repo.report(&["--base", &zeros, "--head", branch]);
        assert_eq!(
            (outcome.tasks(), outcome.widened()),
            (ALL_OF_MODULES.map(str::to_owned).to_vec(), vec!["no-base".to_owned()])
        );
    }
}

#[test]
fn case_38_a_change_that_was_taken_back_affects_nothing() {
    let repo = Repo::of_modules();
    let start = repo.id("HEAD");
    repo.touch("lib").git(&["revert", "--no-edit", "HEAD"]);
    assert_eq!(repo.affected(&start, "HEAD"), [""; 0]);
    assert_eq!(repo.affected("HEAD~1", "HEAD"), LIB);
}

#[test]
fn case_39_a_base_that_moved_on_is_compared_at_the_merge_base() {
    let repo = Repo::of_modules();
    repo.branch("topic", "main").touch("lib");
    repo.switch("main").touch("lone");
    // What the base branch gained meanwhile is not the topic's.
    assert_eq!(repo.affected("main", "topic"), LIB);
    // The CI host's merge of both is compared with the base as it is.
    repo.git(&["merge", "--quiet", "--no-ff", "-m", "host", "topic"]);
    assert_eq!(repo.affected("HEAD~1", "HEAD"), LIB);
}

#[test]
fn a_head_behind_its_base_is_compared_as_it_is() {
    let repo = Repo::of_modules();
    repo.touch("lib");
    let outcome = repo.report(&["--base", "HEAD", "--head", "HEAD~1"]);
    assert_eq!(outcome.tasks(), LIB);
    assert!(outcome.decision().contains("ahead"), "{}", outcome.decision());
}

#[test]
fn case_40_tags_abbreviations_and_a_detached_head_are_commits() {
    let repo = Repo::of_modules();
    repo.git(&["tag", "light"]);
    repo.git(&["tag", "-a", "-m", "annotated", "heavy"]);
    repo.git(&["tag", "-a", "-m", "of a tag", "heavier", "heavy"]);
    let short = repo.id("HEAD")[..9].to_owned();
    repo.touch("lib").git(&["checkout", "--quiet", "--detach"]);
    for base in ["light", "heavy", "heavier", &short, "HEAD~1", "main~1", "@~1", "refs/tags/heavy", "main^{commit}~1"] {
        let outcome = repo.report(&["--base", base]);
        assert_eq!((outcome.tasks(), outcome.widened()), (LIB.map(str::to_owned).to_vec(), vec![]), "{base}");
        assert_eq!(outcome.base(), repo.id("light"), "{base}");
    }
    // A branch whose name is an abbreviation of another commit.
    repo.git(&["branch", &short, "main"]);
    repo.knockon(&["plan", "--base", &short]).refused(2, "is ambiguous");
}

#[test]
fn case_41_names_are_neither_options_nor_scripts() {
    let repo = Repo::of_modules();
    let start = repo.id("HEAD");
    repo.touch("lib");
    let canary = repo.top().join("f");
    for name in ["-x", "--output=f", "$(touch${IFS}f)", "`touch${IFS}f`", "a'b\"c", "a;touch${IFS}f", "a|b", "ünï"] {
        repo.git(&["update-ref", &format!("refs/heads/{name}"), &start]);
        let full = format!("refs/heads/{name}");
        assert_eq!(repo.affected(&full, "HEAD"), LIB, "{name}");
        if name.starts_with('-') {
            repo.knockon(&["plan", "--base", name]).refused(2, "begins with `-`");
            repo.knockon(&["plan", &format!("--base={name}")]).refused(2, "begins with `-`");
        } else {
            assert_eq!(repo.affected(name, "HEAD"), LIB, "{name}");
        }
    }
    for range in ["main...topic", "main..topic", "..", "@{u}"] {
        assert!(matches!(repo.knockon(&["plan", "--base", range]).status, 2 | 3), "{range}");
    }
    assert!(!canary.exists());
}

#[test]
fn case_42_every_way_to_stand_in_a_repository() {
    let repo = Repo::of_modules();
    repo.touch("lib");
    let arguments = ["--base", "HEAD~1", "--head", "HEAD"];
    let expected = repo.report(&arguments).bytes;

    let bare = repo.cloned("bare.git", &["--bare"]);
    assert_eq!(repo.report_in(&bare, &arguments).bytes, expected);
    repo.start_in(&bare, &["plan", "--base", "HEAD~1"], |_| {}).refused(3, "is bare");
    repo.start_in(&bare, &["plan", "--staged"], |_| {}).refused(3, "is bare");

    let linked = repo.beside("linked");
    repo.git(&["worktree", "add", "--quiet", "--detach", linked.to_str().unwrap()]);
    assert!(linked.join(".git").is_file());
    assert_eq!(repo.report_in(&linked, &arguments).bytes, expected);
    fs::write(linked.join("lone/lone.go"), "package lone // only here\n").unwrap();
    assert_eq!(repo.report_in(&linked, &["--base", "HEAD"]).tasks(), LONE);
    assert_eq!(repo.report(&["--base", "HEAD"]).tasks(), [""; 0]);

    let below = repo.top().join("app");
    assert_eq!(repo.report_in(&below, &arguments).bytes, expected);
    let top = repo.top().to_str().unwrap();
    for place in [top, below.to_str().unwrap()] {
        let directed = [&["-C", place, "affected", "--format", "json"][..], &arguments].concat();
        assert_eq!(repo.start_in(&repo.beside(""), &directed, |_| {}).done().bytes, expected);
    }
    let named = |run: &mut std::process::Command| {
        run.env("GIT_DIR", repo.top().join(".git")).env("GIT_WORK_TREE", repo.top());
    };
    let asked = [&["affected", "--format", "json"][..], &arguments].concat();
    assert_eq!(repo.start_in(&repo.beside("home"), &asked, named).done().bytes, expected);

    let apart = repo.cloned("apart", &[&format!("--separate-git-dir={}", repo.beside("apart.git").display())]);
    assert_eq!(repo.report_in(&apart, &arguments).bytes, expected);
}

#[test]
fn case_42_other_ids_and_other_stores_of_references_give_the_same_answer() {
    for shape in [&["--object-format=sha256"][..], &["--ref-format=reftable"]] {
        let repo = Repo::shaped(shape).with_modules();
        repo.touch("lib");
        assert_eq!(repo.affected("HEAD~1", "HEAD"), LIB, "{shape:?}");
        let zeros = "0".repeat(repo.id("HEAD").len());
        assert_eq!(repo.report(&["--base", &zeros, "--head", "HEAD"]).widened(), ["no-base"], "{shape:?}");
        repo.append("lone/lone.go", "// on disk\n");
        assert_eq!(repo.report(&["--base", "HEAD"]).tasks(), LONE, "{shape:?}");
        assert_eq!(repo.report(&["--staged"]).tasks(), [""; 0], "{shape:?}");
    }
}

#[test]
fn case_42_a_submodule_is_a_repository_of_its_own() {
    let inner = Repo::of_modules();
    inner.touch("lib");
    let outer = Repo::of_modules();
    outer.git(&["submodule", "--quiet", "add", inner.top().to_str().unwrap(), "vendor/inner"]);
    let place = outer.top().join("vendor/inner");
    assert_eq!(outer.report_in(&place, &["--base", "HEAD~1", "--head", "HEAD"]).tasks(), LIB);
}

#[test]
fn case_43_replacements_are_not_followed() {
    let repo = Repo::of_modules();
    repo.touch("lib");
    let before = repo.report(&["--base", "HEAD~1", "--head", "HEAD"]).bytes;
    repo.git(&["replace", "HEAD", "HEAD~1"]);
    assert_eq!(repo.report(&["--base", "HEAD~1", "--head", "HEAD"]).bytes, before);
    repo.git(&["replace", "-d", &repo.id("HEAD")]);
    repo.git(&["replace", "HEAD:lib", "HEAD~1:lib"]);
    assert_eq!(repo.report(&["--base", "HEAD~1", "--head", "HEAD"]).bytes, before);
}

#[test]
fn case_44_a_partial_clone_is_read_without_a_network() {
    let repo = Repo::of_modules();
    repo.git(&["config", "uploadpack.allowFilter", "true"]);
    repo.touch("lib");
    // What is checked out is here; of older commits only the folders are.
    let clone = repo.cloned("partial", &["--filter=blob:none"]);
    let arguments = ["affected", "--format", "json", "--base", "HEAD~1", "--head", "HEAD"];
    let outcome = repo.start_in(&clone, &arguments, |run| {
        run.env("GIT_TRACE", repo.beside("trace"));
    });
    // Only lib.go differs, and no manifest: what is needed is here.
    assert_eq!(outcome.done().tasks(), LIB);
    assert!(!repo.beside("trace").exists(), "git was started");

    // What a manifest says that only the server has cannot be known.
    repo.append("app/go.mod", "// changed\n").commit("app");
    repo.git_in(&clone, &["fetch", "--quiet"]);
    let outcome = repo.report_in(&clone, &["--base", "HEAD", "--head", "origin/main"]);
    assert_eq!(
        (outcome.tasks(), outcome.widened()),
        (ALL_OF_MODULES.map(str::to_owned).to_vec(), vec!["unreadable-manifest".to_owned()])
    );
}

#[test]
fn without_a_range_the_work_tree_is_compared_with_the_default_branch() {
    let repo = Repo::of_modules();
    assert_eq!(repo.report(&[]).tasks(), [""; 0]);
    repo.append("lone/lone.go", "// on disk\n");
    assert_eq!(repo.report(&[]).tasks(), LONE);
    repo.branch("topic", "main").commit("lone");
    repo.append("app/main.go", "// on disk\n");
    let outcome = repo.report(&[]);
    assert_eq!(outcome.tasks(), ["app:build", "app:test", "lone:build", "lone:test"]);
    assert_eq!(outcome.base(), repo.id("main"));
    assert!(outcome.decision().starts_with("no base was given: "), "{}", outcome.decision());

    let clone = repo.cloned("clone", &["--branch=topic"]);
    repo.git_in(&clone, &["remote", "set-head", "origin", "main"]);
    let outcome = repo.report_in(&clone, &[]);
    assert_eq!(outcome.tasks(), LONE);
    assert!(outcome.decision().contains("origin/main"), "{}", outcome.decision());
}

#[test]
fn on_the_default_branch_ci_has_to_name_a_base() {
    let repo = Repo::of_modules();
    let in_ci = |arguments: &[&str]| {
        repo.start_with(&[&["affected", "--format", "json"], arguments].concat(), &[("CI", "true")])
    };
    let outcome = in_ci(&["--head", "HEAD"]);
    assert_eq!(outcome.done().tasks(), ALL_OF_MODULES);
    assert_eq!(outcome.widened(), ["no-base"]);
    assert_eq!(in_ci(&["--strict", "--head", "HEAD"]).status, 4);
    assert_eq!(in_ci(&["--base", "HEAD", "--strict"]).done().tasks(), [""; 0]);
    repo.branch("topic", "main").touch("lib");
    assert_eq!(in_ci(&["--head", "HEAD", "--strict"]).done().tasks(), LIB);
}
