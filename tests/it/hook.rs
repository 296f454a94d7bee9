//! What a hook of `git commit` is told, and `knockon hook`, which writes one.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;

use crate::repository::{Outcome, Repo};

const LIB: [&str; 4] = ["app:build", "app:test", "lib:build", "lib:test"];
const APP: [&str; 2] = ["app:build", "app:test"];
const LONE: [&str; 2] = ["lone:build", "lone:test"];
const NOTHING: [&str; 0] = [];

/// A commit that was made, and what a hook was told about it.
struct Hooked {
    plan: Value,
    findings: String,
}

impl Hooked {
    fn affected(&self) -> Vec<String> {
        let tasks = self.plan["tasks"].as_array().unwrap().iter();
        tasks.filter(|task| task["affected"] == true).map(|task| task["id"].as_str().unwrap().to_owned()).collect()
    }

    /// That the files on disk were not found to differ in what is planned.
    fn quiet(&self) -> &Self {
        assert!(!self.findings.contains("unstaged-inputs"), "{}", self.findings);
        self
    }
}

impl Repo {
    fn commit_hooked(&self, arguments: &[&str]) -> Hooked {
        self.commit_in(self.top(), arguments)
    }

    fn commit_in(&self, folder: &Path, arguments: &[&str]) -> Hooked {
        self.run_hooked(folder, &[&["commit", "--quiet", "-m", "hooked"], arguments].concat(), ".")
    }

    /// Runs git, which commits, with a hook that goes to a folder and plans there what is staged. The plan has to be that
    /// of a commit of the tree that git writes of the index at that moment, and git has to commit just this tree.
    fn run_hooked(&self, folder: &Path, arguments: &[&str], from: &str) -> Hooked {
        let told = |name: &str| self.beside(name);
        let before = self.git_command(folder, &["rev-parse", "--verify", "--quiet", "HEAD"]).output().unwrap();
        let before = String::from_utf8(before.stdout).unwrap().trim().to_owned();
        let script = format!(
            "#!/bin/sh\nset -e\ngit write-tree >'{}'\ncd '{from}'\nexec '{}' plan --staged --format json >'{}' 2>'{}'\n",
            told("tree").display(),
            env!("CARGO_BIN_EXE_knockon"),
            told("plan").display(),
            told("findings").display()
        );
        let hooks = folder.join(self.git_in(folder, &["rev-parse", "--git-path", "hooks"]));
        fs::create_dir_all(&hooks).unwrap();
        let hook = hooks.join("pre-commit");
        fs::write(&hook, script).unwrap();
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
        self.git_fed(folder, arguments, b"y\n");
        fs::remove_file(hook).unwrap();
        let read = |name: &str| fs::read_to_string(told(name)).unwrap();
        let (tree, plan) = (read("tree"), serde_json::from_str(&read("plan")).unwrap());
        let hooked = Hooked { plan, findings: read("findings") };
        assert_eq!(tree.trim(), self.git_in(folder, &["rev-parse", "HEAD^{tree}"]));
        assert_eq!(hooked.plan["head"]["kind"], "index");
        if !before.is_empty() {
            assert_eq!(hooked.plan["base"]["commit"], before);
            let commit = self.git_in(folder, &["commit-tree", "-m", "like it", "-p", &before, tree.trim()]);
            let arguments = ["plan", "--format", "json", "--base", &before, "--head", &commit];
            let of_commits = self.start_in(folder, &arguments, |_| {});
            assert_eq!(comparable(&hooked.plan), comparable(&of_commits.done().json()));
        }
        hooked
    }
}

/// A plan without what says which trees it is of.
fn comparable(plan: &Value) -> Value {
    let mut plan = plan.clone();
    for named in ["base", "head", "decision"] {
        plan.as_object_mut().unwrap().remove(named);
    }
    plan
}

#[test]
fn case_57_a_hook_plans_what_will_be_committed() {
    let repo = Repo::of_modules();
    repo.append("lone/lone.go", "// left\n").append("lib/lib.go", "// staged\n").git(&["add", "lib"]);
    assert_eq!(repo.commit_hooked(&[]).quiet().affected(), LIB);
    assert_eq!(repo.commit_hooked(&["-a"]).quiet().affected(), LONE);
    // Only one of two: by path, and by path from below.
    repo.append("lib/lib.go", "// left\n").append("lone/lone.go", "// path\n");
    assert_eq!(repo.commit_hooked(&["lone/lone.go"]).quiet().affected(), LONE);
    repo.append("app/main.go", "// path from below\n").append("lone/lone.go", "// staged\n").git(&["add", "lone"]);
    assert_eq!(repo.commit_in(&repo.top().join("app"), &["main.go"]).affected(), APP);
    repo.append("app/main.go", "// only\n");
    assert_eq!(repo.commit_hooked(&["--only", "app"]).affected(), APP);
    repo.append("app/main.go", "// included\n");
    assert_eq!(repo.commit_hooked(&["--include", "app"]).affected(), [APP, LONE].concat());
    assert_eq!(repo.commit_hooked(&["--patch"]).affected(), LIB);
    // What an amended commit changes is seen against the commit that it takes the place of.
    repo.append("lone/lone.go", "// amended\n").git(&["add", "lone"]);
    assert_eq!(repo.commit_hooked(&["--amend"]).affected(), LONE);
    assert_eq!(repo.commit_hooked(&["--amend", "--allow-empty"]).affected(), NOTHING);
}

#[test]
fn case_47_a_hook_does_not_plan_what_is_only_announced() {
    let repo = Repo::of_modules();
    repo.write("lone/new.go", "package lone\n").git(&["add", "--intent-to-add", "lone/new.go"]);
    repo.append("app/main.go", "// staged\n").git(&["add", "app"]);
    assert_eq!(repo.commit_hooked(&[]).quiet().affected(), APP);
    repo.append("lone/lone.go", "// staged\n").git(&["add", "lone/lone.go"]);
    let hooked = repo.commit_hooked(&[]);
    assert!(hooked.findings.contains("`lone/new.go`"), "{}", hooked.findings);
    repo.git(&["rm", "--quiet", "-r", "app"]);
    assert_eq!(repo.commit_hooked(&["-a"]).affected(), LONE);
}

#[test]
fn case_42_a_hook_finds_its_repository_from_wherever_it_goes() {
    let here = |repo: &Repo, folder: &Path, arguments: &[&str], from: &str| {
        let commit = ["commit", "--quiet", "--message", "hooked"];
        let hooked = repo.run_hooked(folder, &[arguments, &commit, &["--all"]].concat(), from);
        assert_eq!(hooked.quiet().affected(), APP);
        fs::write(folder.join("app/main.go"), "package main // one of two\n").unwrap();
        fs::write(folder.join("lib/lib.go"), "package lib // left\n").unwrap();
        let hooked = repo.run_hooked(folder, &[arguments, &commit, &["app"]].concat(), from);
        assert_eq!(hooked.affected(), APP);
        assert!(hooked.findings.contains("in `lib/lib.go`; a local run of app:build"), "{}", hooked.findings);
    };
    let repo = Repo::of_modules();
    let linked = repo.beside("linked");
    repo.git(&["worktree", "add", "--quiet", "-b", "other", linked.to_str().unwrap()]);
    for folder in [repo.top(), &linked] {
        for from in [".", "lone"] {
            fs::write(folder.join("app/main.go"), format!("package main // {from}\n")).unwrap();
            here(&repo, folder, &[], from);
            repo.git_in(folder, &["checkout", "--quiet", "lib"]);
        }
    }
    let inner = Repo::of_modules();
    repo.git(&["submodule", "--quiet", "add", inner.top().to_str().unwrap(), "lone/inner"]);
    let submodule = repo.top().join("lone/inner");
    fs::write(submodule.join("app/main.go"), "package main // in it\n").unwrap();
    here(&repo, &submodule, &[], "lone");
    // Beside its git directory, which is told by the environment alone.
    let (apart, store) = (repo.beside("apart"), repo.beside("store"));
    repo.git(&["clone", "--quiet", "--separate-git-dir", store.to_str().unwrap(), ".", apart.to_str().unwrap()]);
    fs::write(apart.join("app/main.go"), "package main // apart\n").unwrap();
    here(&repo, &apart, &[], "lone");
    fs::write(apart.join("app/main.go"), "package main // named\n").unwrap();
    repo.git_in(&apart, &["checkout", "--quiet", "lib"]);
    // There git says `.` for the work tree, which leads elsewhere from below for git as well.
    let named = [format!("--git-dir={}", store.display()), format!("--work-tree={}", apart.display())];
    here(&repo, &apart, &[&named[0], &named[1]], ".");
}

#[test]
fn case_28_a_hook_of_the_first_commit_plans_everything() {
    let repo = Repo::new();
    repo.write("app/go.mod", "module example.org/app\n").write("app/main.go", "package main\n");
    repo.write("lone/go.mod", "module example.org/lone\n");
    repo.git(&["add", "app"]);
    let hooked = repo.commit_hooked(&[]);
    assert_eq!(hooked.quiet().affected(), APP);
    assert_eq!(hooked.plan["widened"][0]["reason"], "no-commit");
}

#[test]
fn a_hook_within_a_merge_a_cherry_pick_and_a_rebase_plans_what_is_added() {
    let repo = Repo::of_modules();
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    repo.append("lone/lone.go", "// topic\n").append("lib/lib.go", "// topic\n").commit("topic");
    repo.git(&["checkout", "--quiet", "main"]);
    repo.append("lib/lib.go", "// main\n").commit("main");
    let stopped = |arguments: &[&str]| {
        assert!(!repo.git_command(repo.top(), arguments).output().unwrap().status.success(), "{arguments:?}");
        // Nobody knows what would be committed.
        repo.knockon(&["plan", "--staged"])
            .refused(3, "unresolved conflicts in `lib/lib.go`; resolve them and `git add`");
        repo.write("lib/lib.go", "package lib // both\n").git(&["add", "lib"]);
    };
    stopped(&["merge", "--quiet", "topic"]);
    assert_eq!(repo.commit_hooked(&[]).quiet().affected(), [&LIB[..], &LONE].concat());
    repo.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    stopped(&["cherry-pick", "topic"]);
    assert_eq!(repo.commit_hooked(&[]).affected(), [&LIB[..], &LONE].concat());
    repo.git(&["checkout", "--quiet", "topic"]);
    stopped(&["rebase", "--quiet", "main~1"]);
    let hooked = repo.run_hooked(repo.top(), &["-c", "core.editor=true", "rebase", "--continue"], ".");
    assert_eq!(hooked.affected(), [&LIB[..], &LONE].concat());
}

#[test]
fn case_49_a_hook_reads_an_index_that_is_split_or_sparse() {
    for (settings, arguments) in [
        (["update-index", "--split-index"].as_slice(), [].as_slice()),
        (&["sparse-checkout", "set", "--cone", "--sparse-index", "app", "lone"], &[]),
        (&["status"], &["--object-format=sha256"]),
    ] {
        let repo = Repo::shaped(arguments).with_modules();
        repo.git(settings);
        repo.append("app/main.go", "// -a\n");
        assert_eq!(repo.commit_hooked(&["-a"]).quiet().affected(), APP, "{settings:?}");
        repo.append("app/main.go", "// left\n").append("lone/lone.go", "// path\n");
        assert_eq!(repo.commit_hooked(&["lone/lone.go"]).quiet().affected(), LONE, "{settings:?}");
        repo.git(&["add", "app"]);
        assert_eq!(repo.commit_hooked(&[]).quiet().affected(), APP, "{settings:?}");
    }
}

/// What is said of files on disk that differ.
fn told(outcome: &Outcome) -> Option<String> {
    let line = outcome.done().stderr.lines().find(|line| line.contains("unstaged-inputs"));
    line.and_then(|line| line.split_once("differs from what is staged in ")).map(|(_, told)| told.to_owned())
}

#[test]
fn files_on_disk_that_differ_in_what_is_planned_are_named() {
    let repo = Repo::of_modules();
    let staged = |command: &[&str]| told(&repo.knockon(&[command, &["--staged"]].concat()));
    let plan = || staged(&["plan"]);
    let but =
        |files: &str, tasks: &str| Some(format!("{files}; a local run of {tasks} would not test what is committed"));
    // Nothing is planned.
    repo.append("lib/lib.go", "// left\n");
    assert_eq!(plan(), None);
    // Another project's.
    repo.append("lone/lone.go", "// staged\n").git(&["add", "lone"]);
    assert_eq!(plan(), None);
    // Its own, changed again, by every command.
    repo.append("lone/lone.go", "// left\n");
    assert_eq!(plan(), but("`lone/lone.go`", "lone:build and 1 more"));
    assert_eq!(staged(&["affected"]), plan());
    assert_eq!(staged(&["affected", "--format", "json"]), plan());
    assert_eq!(staged(&["explain", "lone"]), plan());
    repo.git(&["add", "lone"]);
    assert_eq!(plan(), None);
    // One that was forgotten, and one that is no input.
    repo.write("lone/forgotten.go", "package lone\n").write(".gitignore", "*.log\n").write("lone/x.log", "");
    repo.write("nobodys", "");
    assert_eq!(plan(), but("`lone/forgotten.go`", "lone:build and 1 more"));
    repo.git(&["add", "lone"]);
    assert_eq!(plan(), None);
    // Of what a planned task reads the result of; and of that alone where both differ.
    repo.append("lone/lone.go", "// left\n").git(&["reset", "--quiet"]);
    repo.append("app/main.go", "// staged\n").git(&["add", "app"]);
    assert_eq!(plan(), but("`lib/lib.go`", "app:build and 1 more"));
    // Gone, and many.
    repo.git(&["checkout", "--quiet", "lib"]);
    repo.remove("app/go.mod");
    assert_eq!(plan(), but("`app/go.mod`", "app:build and 1 more"));
    repo.git(&["checkout", "--quiet", "app/go.mod"]);
    for name in ["a", "b", "c", "d", "e", "f"] {
        repo.write(format!("app/{name}.go"), "package main\n");
    }
    let many = "`app/a.go`, `app/b.go`, `app/c.go`, `app/d.go`, `app/e.go`, 1 more";
    assert_eq!(plan(), but(many, "app:build and 1 more"));
    // What is compared with commits is not on disk.
    repo.commit("all").append("app/main.go", "// left\n");
    assert_eq!(told(&repo.knockon(&["plan", "--base", "HEAD~1", "--head", "HEAD"])), None);
}

#[test]
fn a_configuration_that_differs_on_disk_is_named_and_no_error() {
    let repo = Repo::of_modules();
    repo.append("lone/lone.go", "// staged\n").git(&["add", "lone"]);
    repo.write("knockon.toml", "[project.lone.task.test]\ncommand = \"true\"\n");
    let outcome = repo.knockon(&["plan", "--staged"]);
    assert!(
        told(&outcome).is_some_and(|told| told.starts_with("`knockon.toml`; a local run of lone:test")),
        "{outcome:?}"
    );
    repo.write("knockon.toml", "[");
    assert_eq!(told(&repo.knockon(&["plan", "--staged"])), None);
    repo.write("lone/go.mod", "\"");
    assert!(told(&repo.knockon(&["plan", "--staged"])).is_some_and(|told| told.contains("`lone/go.mod`")));
}

#[test]
fn case_16_a_name_on_disk_steers_nothing() {
    let repo = Repo::of_modules();
    repo.append("lone/lone.go", "// staged\n").git(&["add", "lone"]);
    repo.write("lone/\n::error::\u{1b}[2J.go", "package lone\n");
    let stderr = repo.knockon(&["plan", "--staged"]).stderr;
    assert!(stderr.contains("unstaged-inputs") && !stderr.contains('\u{1b}') && !stderr.contains("\n::"), "{stderr}");
}
