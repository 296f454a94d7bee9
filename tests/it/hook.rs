//! What a hook of `git commit` is told, and `knockon hook`, which writes one.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

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
fn case_51_a_filter_that_is_not_run_is_told_beside_the_file() {
    let repo = Repo::of_modules();
    repo.write(".gitattributes", "*.txt filter=loud\n").git(&["config", "filter.loud.clean", "tr a-z A-Z"]);
    repo.write("lone/x.txt", "quiet\n").commit("filtered");
    repo.append("lone/x.txt", "staged\n").git(&["add", "lone"]);
    // As young as the index, so that only its content could tell.
    let file = fs::File::options().write(true).open(repo.top().join("lone/x.txt")).unwrap();
    file.set_modified(fs::metadata(repo.top().join(".git/index")).unwrap().modified().unwrap()).unwrap();
    let outcome = repo.knockon(&["plan", "--staged"]);
    assert!(told(&outcome).is_some_and(|told| told.starts_with("`lone/x.txt`")), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("warning[git-filter]"), "{}", outcome.stderr);
}

#[test]
fn case_16_a_name_on_disk_steers_nothing() {
    let repo = Repo::of_modules();
    repo.append("lone/lone.go", "// staged\n").git(&["add", "lone"]);
    repo.write("lone/\n::error::\u{1b}[2J.go", "package lone\n");
    let stderr = repo.knockon(&["plan", "--staged"]).stderr;
    assert!(stderr.contains("unstaged-inputs") && !stderr.contains('\u{1b}') && !stderr.contains("\n::"), "{stderr}");
}

/// Where the tests' own programs are found, with knockon among them or without.
fn search_path(with_knockon: bool) -> OsString {
    let own = Path::new(env!("CARGO_BIN_EXE_knockon")).parent().unwrap().to_owned();
    let others = env::var_os("PATH").unwrap();
    let others: Vec<PathBuf> = env::split_paths(&others).filter(|folder| !folder.join("knockon").exists()).collect();
    env::join_paths(with_knockon.then_some(own).into_iter().chain(others)).unwrap()
}

impl Repo {
    fn hook(&self, arguments: &[&str]) -> Outcome {
        self.hook_in(self.top(), arguments)
    }

    fn hook_in(&self, folder: &Path, arguments: &[&str]) -> Outcome {
        self.start_in(folder, &[&["hook"], arguments].concat(), |command| {
            command.env("PATH", search_path(true));
        })
    }

    /// Commits everything; a commit that a hook holds up ends with 1.
    fn commit_with_hooks(&self, folder: &Path, with_knockon: bool) -> Outcome {
        self.git_in(folder, &["add", "--all"]);
        let mut command = self.git_command(folder, &["commit", "--quiet", "-m", "hooked"]);
        command.env("PATH", search_path(with_knockon));
        Outcome::of(command)
    }

    fn hook_file(&self) -> PathBuf {
        self.top().join(".git/hooks/pre-commit")
    }
}

const PLANNED: &str = "1 project and 2 tasks affected";

#[test]
fn an_installed_hook_prints_the_plan_of_a_commit() {
    let repo = Repo::of_modules();
    fs::remove_dir_all(repo.top().join(".git/hooks")).unwrap();
    for _ in 0..2 {
        let told = format!("wrote {}: each commit prints its plan\n", repo.hook_file().display());
        assert_eq!(repo.hook(&["install"]).done().stdout(), told);
        assert_eq!(fs::metadata(repo.hook_file()).unwrap().permissions().mode() & 0o777, 0o755);
    }
    let names = |folder: &str| fs::read_dir(repo.top().join(folder)).unwrap().count();
    assert_eq!(names(".git/hooks"), 1, "nothing unfinished stays");
    let script = fs::read_to_string(repo.hook_file()).unwrap();
    assert!(script.contains("knockon='knockon'\n"), "{script}");
    repo.append("lone/lone.go", "// changed\n");
    let outcome = repo.commit_with_hooks(repo.top(), true);
    assert!(outcome.done().stderr.contains(PLANNED), "{}", outcome.stderr);
    // One that is not there any more.
    repo.append("lone/lone.go", "// changed\n");
    let outcome = repo.commit_with_hooks(repo.top(), false);
    assert_eq!(
        outcome.done().stderr,
        "pre-commit: there is no knockon here, so nobody told what this commit knocks on to\n"
    );
    // Only an error holds a commit up.
    repo.write("knockon.toml", "[");
    let outcome = repo.commit_with_hooks(repo.top(), true);
    assert_eq!(outcome.status, 1);
    assert!(outcome.stderr.contains("knockon.toml"), "{}", outcome.stderr);
    repo.git(&["commit", "--quiet", "--no-verify", "-m", "passed by"]);
    for told in ["removed ", ""] {
        assert!(repo.hook(&["uninstall"]).done().stdout().starts_with(told));
        assert!(!repo.hook_file().exists());
    }
}

#[test]
fn a_hook_names_a_knockon_that_is_not_on_the_path() {
    let repo = Repo::of_modules();
    let place = repo.beside("it's here");
    fs::create_dir(&place).unwrap();
    let program = place.join("knockon");
    // Copied by another process: what this one has open for writing, tests beside this one hand to what they start.
    assert!(Command::new("cp").args([env!("CARGO_BIN_EXE_knockon").as_ref(), &*program]).status().unwrap().success());
    let mut command = Command::new(&program);
    repo.scrub(&mut command);
    // A folder that is meant from wherever one stands is no place for a hook to look in.
    let relative = env::join_paths(env::split_paths(&search_path(false)).chain(["../it's here".into()])).unwrap();
    command.current_dir(repo.top()).env("PATH", relative).args(["hook", "install"]);
    Outcome::of(command).done();
    repo.append("lone/lone.go", "// changed\n");
    let outcome = repo.commit_with_hooks(repo.top(), false);
    assert!(outcome.done().stderr.contains(PLANNED), "{}", outcome.stderr);
    fs::remove_file(program).unwrap();
    repo.append("lone/lone.go", "// changed\n");
    assert!(repo.commit_with_hooks(repo.top(), false).done().stderr.contains("it's here/knockon here, so nobody"));
}

#[test]
fn a_hook_of_somebody_else_stays() {
    let foreign = "#!/bin/sh\necho of somebody else >&2\n";
    let repo = Repo::of_modules();
    let (hook, kept) = (repo.hook_file(), repo.top().join(".git/hooks/pre-commit.before-knockon"));
    let write = || {
        repo.write(".git/hooks/pre-commit", foreign).mode(".git/hooks/pre-commit", 0o755);
    };
    let stays = || assert_eq!(fs::read_to_string(&hook).unwrap(), foreign);
    write();
    repo.hook(&["install"])
        .refused(2, "not written by knockon; add `knockon plan --staged` to it by hand, or give --force");
    assert!(repo.hook(&["uninstall"]).done().stdout().contains("not written by knockon"));
    stays();
    assert!(
        repo.hook(&["install", "--force"])
            .done()
            .stdout()
            .starts_with(&format!("kept the hook that was there as {}\n", kept.display()))
    );
    assert_eq!(fs::read_to_string(&kept).unwrap(), foreign);
    repo.append("lone/lone.go", "// changed\n");
    assert!(repo.commit_with_hooks(repo.top(), true).done().stderr.contains(PLANNED));
    // Its own again, which does not count as somebody else's.
    repo.hook(&["install", "--force"]).done();
    // Another one came in its place.
    write();
    repo.hook(&["install", "--force"]).refused(2, "would be lost; move it away");
    stays();
    repo.remove(".git/hooks/pre-commit").hook(&["install"]).done();
    assert!(repo.hook(&["uninstall"]).done().stdout().starts_with("put "));
    stays();
    repo.append("lone/lone.go", "// changed\n");
    assert_eq!(repo.commit_with_hooks(repo.top(), true).done().stderr, "of somebody else\n");
    // A link is not written through, wherever it leads.
    for target in ["../../script", "nowhere"] {
        repo.remove(".git/hooks/pre-commit").write("script", foreign).symlink(target, ".git/hooks/pre-commit");
        repo.hook(&["install"]).refused(2, "not written by knockon");
        repo.hook(&["install", "--force"]).done();
        assert!(!hook.is_symlink() && kept.is_symlink());
        assert_eq!(fs::read_to_string(repo.top().join("script")).unwrap(), foreign);
        repo.hook(&["uninstall"]).done();
        assert_eq!(fs::read_link(&hook).unwrap(), Path::new(target));
    }
}

#[test]
fn case_42_a_hook_is_installed_where_git_looks_for_it() {
    let repo = Repo::of_modules();
    let installs = |folder: &Path, from: &str| {
        let git_says = folder.join(repo.git_in(folder, &["rev-parse", "--git-path", "hooks/pre-commit"]));
        let told = repo.hook_in(&folder.join(from), &["install"]);
        assert!(told.done().stdout().starts_with(&format!("wrote {}: ", git_says.display())), "{}", told.stdout());
        fs::write(folder.join("lone/lone.go"), format!("package lone // {}\n", folder.display())).unwrap();
        let outcome = repo.commit_with_hooks(folder, true);
        assert!(outcome.done().stderr.contains("tasks affected, in "), "{}", outcome.stderr);
        repo.hook_in(folder, &["uninstall"]).done();
        assert!(!git_says.exists());
    };
    installs(repo.top(), "lone");
    let linked = repo.beside("linked");
    repo.git(&["worktree", "add", "--quiet", "-b", "other", linked.to_str().unwrap()]);
    installs(&linked, "lone");
    assert_eq!(
        repo.git_in(&linked, &["rev-parse", "--git-path", "hooks"]),
        repo.top().join(".git/hooks").to_str().unwrap()
    );
    let inner = Repo::of_modules();
    repo.git(&["submodule", "--quiet", "add", inner.top().to_str().unwrap(), "lone/inner"]);
    installs(&repo.top().join("lone/inner"), ".");
    let (apart, store) = (repo.beside("apart"), repo.beside("store"));
    repo.git(&["clone", "--quiet", "--separate-git-dir", store.to_str().unwrap(), ".", apart.to_str().unwrap()]);
    installs(&apart, "lone");
    // The work tree of a bare repository has a place for it, the repository alone needs none.
    let (bare, of_bare) = (repo.beside("bare"), repo.beside("of-bare"));
    repo.git(&["clone", "--quiet", "--bare", ".", bare.to_str().unwrap()]);
    repo.hook_in(&bare, &["install"]).refused(2, "nothing is committed in it");
    repo.git_in(&bare, &["worktree", "add", "--quiet", of_bare.to_str().unwrap()]);
    installs(&of_bare, "lone");
    // Hooks of its own choice, in its work tree; of a worktree in that one.
    repo.git(&["config", "core.hooksPath", "tools/hooks"]);
    installs(repo.top(), "lone");
    installs(&linked, "lone");
}

#[test]
fn hooks_that_serve_other_repositories_are_left_alone() {
    let repo = Repo::of_modules();
    let shared = repo.beside("shared");
    fs::create_dir(&shared).unwrap();
    repo.symlink(shared.to_str().unwrap(), "leads-out").symlink("nowhere", "leads-nowhere");
    let outside = [
        shared.to_str().unwrap(),
        "/dev/null",
        "../shared",
        "lone/../../shared",
        "not-there/../../shared",
        "leads-out/deep",
        "leads-nowhere/deep",
        "~/hooks",
        "~somebody/hooks",
        "%(prefix)/hooks",
        "",
    ];
    for path in outside {
        repo.git(&["config", "core.hooksPath", path]);
        repo.hook(&["install"]).refused(2, "(`git config core.hooksPath`)");
        repo.hook(&["install", "--force"]).refused(2, "may serve others, too");
        repo.hook(&["uninstall"]).refused(2, "lie outside of this repository");
    }
    // The user's own settings count, the environment's above them.
    repo.git(&["config", "--unset", "core.hooksPath"]);
    let home = repo.beside("home/.gitconfig");
    fs::write(home, format!("[core]\nhooksPath = {}\n", shared.display())).unwrap();
    let install = |variables: &[(&str, &str)]| {
        repo.start(&["hook", "install"], |command| {
            command.env_remove("GIT_CONFIG_GLOBAL").envs(variables.iter().copied());
        })
    };
    install(&[]).refused(2, "may serve others, too");
    let pairs = [("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", "core.hooksPath"), ("GIT_CONFIG_VALUE_0", "lone")];
    assert!(!repo.hook_file().exists() && fs::read_dir(&shared).unwrap().next().is_none());
    install(&pairs).done();
    assert!(repo.top().join("lone/pre-commit").exists());
}

#[test]
fn the_pre_commit_framework_runs_the_hook_in_a_commit() {
    if Command::new("pre-commit").arg("--version").output().is_err() {
        let told = "pre-commit is not here: .pre-commit-hooks.yaml is NOT tried";
        assert!(env::var_os("PRE_COMMIT_REQUIRED").is_none(), "{told}");
        eprintln!("{told}");
        return;
    }
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join(".pre-commit-hooks.yaml");
    let repo = Repo::of_modules();
    let framework = |arguments: &[&str]| {
        let mut command = Command::new("pre-commit");
        repo.scrub(&mut command);
        command.current_dir(repo.top()).args(arguments);
        Outcome::of(command)
    };
    framework(&["validate-manifest", manifest.to_str().unwrap()]).done();
    let hooks = repo.beside("hooks");
    fs::create_dir(&hooks).unwrap();
    fs::copy(manifest, hooks.join(".pre-commit-hooks.yaml")).unwrap();
    repo.git_in(&hooks, &["init", "--quiet"]);
    repo.git_in(&hooks, &["add", "."]);
    repo.git_in(&hooks, &["commit", "--quiet", "-m", "hooks"]);
    let at = repo.git_in(&hooks, &["rev-parse", "HEAD"]);
    let config = format!("repos:\n- repo: {}\n  rev: {at}\n  hooks:\n  - id: knockon-plan-system\n", hooks.display());
    repo.write(".pre-commit-config.yaml", config).commit("configured");
    framework(&["install"]).done();
    let commit = |arguments: &[&str]| {
        let mut command = repo.git_command(repo.top(), &[&["commit", "--quiet", "-m", "hooked"], arguments].concat());
        command.env("PATH", search_path(true));
        Outcome::of(command)
    };
    // It sets aside what is not staged; what git was not told of stays.
    repo.append("lone/lone.go", "// staged\n").git(&["add", "lone"]);
    repo.append("lone/lone.go", "// left\n").append("lib/lib.go", "// left\n").write("lone/new.go", "package lone\n");
    let outcome = commit(&[]);
    assert!(outcome.done().stderr.contains(PLANNED), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("in `lone/new.go`; a local run of lone:build"), "{}", outcome.stderr);
    for (arguments, planned) in [(["lone/lone.go"], PLANNED), (["--all"], "2 projects and 4 tasks affected")] {
        let outcome = commit(&arguments);
        assert!(outcome.done().stderr.contains(planned), "{}", outcome.stderr);
    }
    repo.write("knockon.toml", "[").git(&["add", "knockon.toml"]);
    let outcome = commit(&[]);
    assert!(outcome.status == 1 && outcome.stderr.contains("knockon.toml"), "{}", outcome.stderr);
}
