//! `knockon run`: real tasks, in real repositories.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::repository::{Outcome, Repo, text};

/// Three modules, of which `app` uses `lib`, whose tasks are lines of shell that write down that they ran.
const TASKS: &str = r#"
[project.lib.task.build]
command = "echo lib:build >> ../ran; mkdir -p out/deep; cp lib.go out/deep/lib; chmod +x out/deep/lib; echo built lib"
outputs = ["out/**"]
[project.app.task.build]
command = "echo app:build >> ../ran; mkdir -p out; cat main.go ../lib/out/deep/lib > out/app"
outputs = ["out/**"]
depends-on = ["^build"]
[project.lone.task.build]
command = "echo lone:build >> ../ran"
outputs = []
[task.test]
command = "echo ${PWD##*/}:test >> ../ran"
"#;

fn repo(tasks: &str) -> Repo {
    let repo = Repo::of_modules();
    repo.write("knockon.toml", tasks).write(".gitignore", "out/\n/ran\n/signs/\n");
    repo.commit("tasks");
    fs::create_dir(repo.top().join("signs")).unwrap();
    repo
}

/// The tasks that ran since this was asked last, sorted.
fn ran(repo: &Repo) -> Vec<String> {
    let file = repo.top().join("ran");
    let mut lines: Vec<String> = fs::read_to_string(&file).unwrap_or_default().lines().map(str::to_owned).collect();
    let _ = fs::remove_file(&file);
    lines.sort();
    lines
}

/// What the last run did: each task with its outcome.
fn last(repo: &Repo) -> Vec<(String, String)> {
    let told = repo.knockon(&["last", "--format", "json"]).done().json();
    let tasks = told["tasks"].as_array().unwrap().iter();
    tasks.map(|task| (text(&task["task"]), text(&task["outcome"]))).collect()
}

fn outcomes(repo: &Repo, outcome: &str) -> Vec<String> {
    last(repo).into_iter().filter(|(_, how)| how == outcome).map(|(task, _)| task).collect()
}

fn task(repo: &Repo, id: &str) -> Value {
    let told = repo.knockon(&["last", "--format", "json"]).done().json();
    told["tasks"].as_array().unwrap().iter().find(|task| task["task"] == id).unwrap().clone()
}

#[test]
fn case_84_what_plan_prints_is_run_once_and_then_taken_from_the_cache() {
    let repo = repo(TASKS);
    repo.append("lib/lib.go", "// more\n").commit("lib");
    let plan = repo.knockon(&["plan", "--format", "json", "--base", "HEAD~1"]).done().json();
    let planned: Vec<String> = plan["tasks"].as_array().unwrap().iter().map(|task| text(&task["id"])).collect();
    repo.knockon(&["run", "--base", "HEAD~1"]).done();
    let all = ["app:build", "app:test", "lib:build", "lib:test"];
    assert_eq!((planned, ran(&repo)), (all.map(str::to_owned).to_vec(), all.map(str::to_owned).to_vec()));
    let made = |path: &str| fs::read(repo.top().join(path)).unwrap();
    let (lib, app) = (made("lib/out/deep/lib"), made("app/out/app"));
    // Everything is restored as it was, and what else lay there is gone.
    fs::remove_dir_all(repo.top().join("lib/out")).unwrap();
    repo.write("app/out/app", "other").write("app/out/stray", "");
    let again = repo.knockon(&["run", "--base", "HEAD~1"]);
    assert!(again.done().stdout().contains("4 from the cache"), "{}", again.stdout());
    assert_eq!((ran(&repo).len(), outcomes(&repo, "cached").len()), (0, 4));
    assert_eq!((made("lib/out/deep/lib"), made("app/out/app")), (lib, app));
    assert!(!repo.top().join("app/out/stray").exists());
    let mode = fs::metadata(repo.top().join("lib/out/deep/lib")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
    // One file of one module: its own tasks run, and the others' results stay what they are.
    repo.append("app/main.go", "// more\n");
    repo.knockon(&["run", "--base", "HEAD~1"]).done();
    assert_eq!(ran(&repo), ["app:build", "app:test"]);
    assert_eq!(outcomes(&repo, "cached"), ["lib:build", "lib:test"]);
    // Without the cache, or by force, all run.
    for flag in ["--force", "--no-cache"] {
        repo.knockon(&["run", "--base", "HEAD~1", flag]).done();
        assert_eq!(ran(&repo), all);
    }
}

#[test]
fn tasks_are_chosen_by_name_and_by_task() {
    let repo = repo(TASKS);
    repo.append("lib/lib.go", "// more\n").commit("lib");
    repo.knockon(&["run", "build", "--base", "HEAD~1"]).done();
    assert_eq!(ran(&repo), ["app:build", "lib:build"]);
    repo.knockon(&["run", "build", "--all", "--base", "HEAD~1"]).done();
    assert_eq!((ran(&repo), outcomes(&repo, "cached").len()), (vec!["lone:build".to_owned()], 2));
    repo.knockon(&["run", "lone:test", "--base", "HEAD~1"]).done();
    assert_eq!(ran(&repo), ["lone:test"]);
    repo.knockon(&["run", "lone:test", "--force", "--dry-run", "--base", "HEAD~1"]).done();
    assert!(ran(&repo).is_empty());
    repo.knockon(&["run", "--base", "HEAD", "--head", "HEAD"]).refused(2, "on disk");
    repo.knockon(&["run", "biuld"]).refused(2, "no project has a task `biuld`");
    repo.knockon(&["run", "lone:nothing"]).refused(2, "lone has no task `nothing`");
    let nothing = repo.knockon(&["run", "--base", "HEAD"]);
    assert!(nothing.done().stdout().contains("0 tasks"), "{}", nothing.stdout());
}

#[test]
fn case_80_after_a_failure_the_rest_goes_by_what_was_asked() {
    let tasks = TASKS.replace("echo built lib", "echo broken >&2; exit 3");
    let repo = repo(&tasks);
    let run = |flags: &[&str]| {
        let outcome = repo.knockon(&[&["run", "--all", "-j1"], flags].concat());
        assert_eq!(outcome.status, 1, "{}", outcome.stdout());
        let _ = ran(&repo);
        outcome.stdout().to_owned()
    };
    let told = run(&["--keep-going"]);
    assert_eq!(outcomes(&repo, "failed"), ["lib:build"]);
    assert_eq!(outcomes(&repo, "skipped"), ["app:build", "app:test", "lib:test"]);
    assert_eq!(outcomes(&repo, "passed"), ["lone:build", "lone:test"]);
    assert!(told.contains("broken\n") && told.contains("exit code 3"), "{told}");
    assert!(told.contains("again: knockon run lib:build\n"), "{told}");
    // The first of them failed, and so nothing else began; what passed before is there already.
    run(&[]);
    assert_eq!(outcomes(&repo, "failed"), ["lib:build"]);
    assert_eq!(text(&task(&repo, "app:build")["reason"]), "needs lib:build");
}

#[test]
fn case_81_a_flaky_task_is_tried_again_and_told() {
    let once = r#"
[project.lone.task.test]
command = "if [ -e ../signs/tried ]; then echo fine; else touch ../signs/tried; exit 1; fi"
retries = 2
"#;
    let repo = repo(once);
    let outcome = repo.knockon(&["run", "lone:test"]);
    assert!(outcome.done().stdout().contains("1 flaky"), "{}", outcome.stdout());
    assert_eq!(task(&repo, "lone:test")["attempts"], 2);
    let ledger = fs::read_to_string(repo.top().join(".git/knockon/ledger.jsonl")).unwrap();
    assert!(ledger.contains(r#""attempts":2"#) && ledger.contains(r#""result":"passed""#), "{ledger}");
}

#[test]
fn fault_13_a_task_that_takes_too_long_fails() {
    let repo = repo("[project.lone.task.test]\ncommand = \"echo before; sleep 60\"\ntimeout = \"300ms\"\n");
    let outcome = repo.knockon(&["run", "lone:test"]);
    assert_eq!(outcome.status, 1);
    assert!(outcome.stdout().contains("timed out") && outcome.stdout().contains("before"), "{}", outcome.stdout());
}

/// Starts a run in the background, and waits until a task has made a sign.
fn begun(repo: &Repo, arguments: &[&str], sign: &str) -> std::process::Child {
    // It hears every signal, also where the tests themselves run in the background of a script, or below `nohup`.
    let mut command = Command::new("env");
    repo.scrub(&mut command);
    command
        .args(["--default-signal", env!("CARGO_BIN_EXE_knockon")])
        .args(arguments)
        .current_dir(repo.top())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    appears(&repo.top().join("signs").join(sign));
    child
}

fn appears(path: &Path) {
    let begun = Instant::now();
    while !path.exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{} never came", path.display());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A task that says that it began, and ends when it is told to.
const WAITS: &str = r#"
[project.lone.task.test]
command = "echo lone:test >> ../ran; touch ../signs/began; while [ ! -e ../signs/go ]; do sleep 0.02; done"
[project.lib.task.test]
command = "echo lib:test >> ../ran"
"#;

#[test]
fn case_58_what_is_edited_while_it_runs_is_not_kept() {
    let repo = repo(WAITS);
    let child = begun(&repo, &["run", "lone:test"], "began");
    repo.append("lone/lone.go", "// edited\n");
    repo.write("signs/go", "");
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && told.contains("its inputs changed while it ran"), "{told}");
    // Neither as it was before nor as it is now.
    let _ = ran(&repo);
    repo.knockon(&["run", "lone:test"]).done();
    assert_eq!(ran(&repo), ["lone:test"]);
    repo.git(&["checkout", "--quiet", "lone"]);
    repo.knockon(&["run", "lone:test"]).done();
    assert_eq!(ran(&repo), ["lone:test"]);
    repo.knockon(&["run", "lone:test"]).done();
    assert!(ran(&repo).is_empty());
}

#[test]
fn case_82_a_task_that_writes_into_its_inputs_is_told_of_and_not_kept() {
    let repo = repo("[project.lone.task.test]\ncommand = \"echo lone:test >> ../ran; date +%N >> lone.go\"\n");
    let outcome = repo.knockon(&["run", "lone:test"]);
    assert!(outcome.done().stdout().contains("by somebody or by itself"), "{}", outcome.stdout());
    repo.knockon(&["run", "lone:test"]).done();
    assert_eq!(ran(&repo), ["lone:test", "lone:test"]);
}

#[test]
fn what_makes_nobody_knows_what_is_not_kept() {
    let repo = repo("[project.lone.task.build]\ncommand = \"echo lone:build >> ../ran\"\n");
    let outcome = repo.knockon(&["run", "lone:build"]);
    assert!(outcome.done().stdout().contains("say `outputs`"), "{}", outcome.stdout());
    repo.knockon(&["run", "lone:build"]).done();
    assert_eq!(ran(&repo).len(), 2);
}

#[test]
fn case_73_a_task_sees_what_it_declares_and_nothing_of_one_repository() {
    let tasks = "[project.lone.task.test]\ncommand = \"env\"\nenv = [\"MINE\", \"GIT_DIR\"]\n";
    let repo = repo(tasks);
    let variables = [("MINE", "1"), ("OTHER", "2"), ("GIT_AUTHOR_NAME", "me")];
    let run = |variables: &[(&str, &str)]| repo.start_with(&["run", "lone:test", "--output", "all"], variables);
    let told = run(&variables);
    let lines: Vec<&str> = told.done().stdout().lines().collect();
    assert!(lines.contains(&"MINE=1") && lines.contains(&"MSBUILDDISABLENODEREUSE=1"), "{lines:?}");
    assert!(!lines.iter().any(|line| line.starts_with("OTHER=") || line.starts_with("GIT_")), "{lines:?}");
    // Its value is a part of the fingerprint.
    assert!(run(&variables).done().stdout().contains("cached"));
    assert!(run(&[("MINE", "2")]).done().stdout().contains("MINE=2"));
}

#[test]
fn fault_14_an_interrupt_ends_what_runs_and_starts_nothing() {
    let repo = repo(WAITS);
    let child = begun(&repo, &["run", "--all", "test", "-j1", "--base", "HEAD"], "began");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(outcomes(&repo, "stopped"), ["lone:test"]);
    assert!(outcomes(&repo, "skipped").iter().all(|task| task.ends_with(":test")));
    let _ = ran(&repo);
    repo.write("signs/go", "");
    repo.knockon(&["run", "lone:test"]).done();
    assert_eq!(ran(&repo), ["lone:test"]);
}

#[test]
fn what_a_task_says_it_reads_is_made_first_also_where_its_own_tool_would_build_it() {
    let repo = repo(TASKS);
    repo.knockon(&["run", "app:build", "--base", "HEAD"]).done();
    assert_eq!(ran(&repo), ["app:build", "lib:build"]);
    repo.append("app/main.go", "// more\n").commit("app");
    let plan = repo.knockon(&["plan", "--format", "json", "--base", "HEAD~1"]).done().json();
    let planned: Vec<String> = plan["tasks"].as_array().unwrap().iter().map(|task| text(&task["id"])).collect();
    assert_eq!(planned, ["app:build", "app:test", "lib:build"]);
}

#[test]
fn what_is_staged_says_which_tasks_run() {
    let repo = repo(TASKS);
    repo.append("lone/lone.go", "// staged\n");
    repo.git(&["add", "lone"]);
    repo.append("lib/lib.go", "// not staged\n");
    repo.knockon(&["run", "--staged"]).done();
    assert_eq!(ran(&repo), ["lone:build", "lone:test"]);
}

#[test]
fn reports_are_written_for_programs() {
    let repo = repo(TASKS);
    let results = r#"<testsuite name="s"><testcase name="one"/></testsuite>"#;
    let tasks =
        format!("[project.lone.task.test]\ncommand = '''echo '{results}' > junit.xml'''\noutputs = [\"junit.xml\"]\n");
    repo.write("knockon.toml", tasks).write("lone/.gitignore", "junit.xml\n");
    let file = |name: &str| repo.beside(name);
    let path = |name: &str| file(name).to_str().unwrap().to_owned();
    let (report, junit, trace) = (path("report.json"), path("junit.xml"), path("trace.json"));
    repo.knockon(&["run", "lone:test", "--report", &report, "--junit", &junit, "--trace", &trace]).done();
    let report: Value = serde_json::from_slice(&fs::read(file("report.json")).unwrap()).unwrap();
    assert_eq!((&report["schema"], &report["tasks"][0]["task"]), (&1.into(), &"lone:test".into()));
    let junit = fs::read_to_string(file("junit.xml")).unwrap();
    assert!(junit.contains(r#"<testsuite name="lone:test s" tests="1""#), "{junit}");
    let trace: Value = serde_json::from_slice(&fs::read(file("trace.json")).unwrap()).unwrap();
    assert_eq!(trace["traceEvents"][0]["name"], "lone:test");
}

#[test]
fn fault_15_what_a_task_prints_is_no_command_to_the_engine() {
    let repo = repo("[project.lone.task.test]\ncommand = \"printf '::set-env name=a::b'\"\n");
    let told = repo.start_with(&["run", "lone:test", "--base", "HEAD"], &[("GITHUB_ACTIONS", "true")]);
    let lines: Vec<&str> = told.done().stdout().lines().collect();
    let stop = lines.iter().position(|line| line.starts_with("::stop-commands::")).unwrap();
    let token = lines[stop].strip_prefix("::stop-commands::").unwrap();
    assert!(token.len() >= 32 && lines[0] == "::group::lone:test", "{lines:?}");
    assert_eq!(lines[stop + 1], "::set-env name=a::b");
    assert_eq!(lines[stop + 2], format!("::{token}::"));
    assert!(lines.contains(&"::endgroup::"));
}

#[test]
fn output_is_shown_line_by_line_where_that_is_asked_for() {
    let repo = repo("[project.lone.task.test]\ncommand = \"echo one; printf two\"\n");
    let told = repo.knockon(&["run", "lone:test", "--output", "stream"]);
    assert!(told.done().stdout().starts_with("lone:test | one\nlone:test | two\n"), "{}", told.stdout());
}

#[test]
fn fault_4_without_a_place_to_write_tasks_run_all_the_same() {
    let repo = repo(TASKS);
    fs::remove_dir_all(repo.top().join(".git/knockon")).ok();
    repo.write(".git/knockon", "in the way");
    let told = repo.knockon(&["run", "lone:test"]);
    assert_eq!((told.status, ran(&repo)), (0, vec!["lone:test".to_owned()]), "{}", told.stderr);
    assert!(told.stderr.contains("cannot be written"), "{}", told.stderr);
}

#[test]
fn a_session_that_has_no_number_here_is_no_hindrance() {
    let repo = repo(TASKS);
    let mut command = Command::new("unshare");
    // As in a container that is entered from outside: who leads the session is in no list of processes.
    let apart = ["--user", "--map-root-user", "--pid", "--fork", "--mount-proc"];
    repo.scrub(command.args(apart).current_dir(repo.top()));
    if !Command::new("unshare").args(apart).arg("true").status().is_ok_and(|status| status.success()) {
        // Where this is not allowed, one is often in such a container already.
        command = Command::new("env");
        repo.scrub(command.current_dir(repo.top()));
    }
    command.arg(env!("CARGO_BIN_EXE_knockon")).args(["run", "lone:test"]);
    let told = Outcome::of(command);
    assert_eq!((told.status, ran(&repo)), (0, vec!["lone:test".to_owned()]), "{}", told.stderr);
}

#[test]
fn results_are_counted_checked_and_removed() {
    let repo = repo(TASKS);
    repo.knockon(&["run", "build", "--all", "--base", "HEAD"]).done();
    let counted = || repo.knockon(&["cache", "--format", "json"]).done().json()["results"].clone();
    assert_eq!(counted(), 3);
    let verify = || repo.knockon(&["cache", "verify"]).done().stdout().to_owned();
    assert!(verify().starts_with("3 results are whole; 0 were not"), "{}", verify());
    // A blob that is not what its name says.
    let blobs = repo.top().join(".git/knockon/cache/v1/blobs");
    let shelves = fs::read_dir(blobs).unwrap().flat_map(|shelf| fs::read_dir(shelf.unwrap().path()).unwrap());
    let blob = shelves.map(|blob| blob.unwrap().path()).find(|blob| fs::metadata(blob).unwrap().len() > 20).unwrap();
    fs::set_permissions(&blob, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&blob, "something else").unwrap();
    let told = verify();
    assert!(told.contains("1 damaged file was moved aside"), "{told}");
    let _ = ran(&repo);
    repo.knockon(&["run", "build", "--all", "--base", "HEAD"]).done();
    assert!(!ran(&repo).is_empty());
    assert!(repo.knockon(&["cache", "prune", "--keep", "1MB"]).done().stdout().starts_with("removed 0 results"));
    repo.knockon(&["cache", "--clear"]).done();
    assert_eq!(counted(), 0);
    repo.knockon(&["cache", "prune", "--keep", "much"]).refused(2, "write a size");
}

#[test]
fn what_made_a_result_missing_is_told_from_git_alone() {
    let repo = repo(TASKS);
    repo.append("lib/lib.go", "// more\n").write("lib/new.go", "package lib\n");
    repo.write("knockon.toml", TASKS.replace("echo built lib", "echo other"));
    repo.commit("lib");
    let told = |task: &str, trees: &str| {
        let told = repo.knockon(&["explain", task, "--fingerprint", trees]);
        let lines: Vec<String> = told.done().stdout().lines().skip(3).map(str::to_owned).collect();
        lines
    };
    assert_eq!(told("lib:build", "HEAD~1..HEAD"), ["~ its command", "~ lib/lib.go", "+ lib/new.go"]);
    assert_eq!(told("lib:build", "HEAD..HEAD~1"), ["~ its command", "~ lib/lib.go", "- lib/new.go"]);
    assert_eq!(told("app:build", "HEAD~1..HEAD"), ["~ the result of lib:build"]);
    assert_eq!(told("lone:build", "HEAD~1.."), ["nothing that it reads differs"]);
    repo.append("lone/lone.go", "// on disk\n");
    assert_eq!(told("lone:build", "HEAD.."), ["~ lone/lone.go"]);
    repo.knockon(&["explain", "lone:build", "--fingerprint", "HEAD"]).refused(2, "write two revisions");
    repo.knockon(&["explain", "lone:build", "--fingerprint", "HEAD..", "--base", "HEAD"]).refused(2, "cannot be used");
}

#[test]
fn case_83_outputs_that_overlap_are_told_and_never_restored_over_each_other() {
    let tasks = r#"
[project.lone.task.build]
command = "echo lone:build >> ../ran; mkdir -p out; date +%N > out/whole"
outputs = ["out/**"]
[project.lone.task.test]
command = "echo lone:test >> ../ran; mkdir -p out; date +%N > out/report"
outputs = ["out/report"]
[project.lib.task.build]
command = "echo lib:build >> ../ran; mkdir -p out; echo lib > out/lib"
outputs = ["out/**"]
"#;
    let repo = repo(tasks);
    let told = "the outputs of lone:build and lone:test can be the same files";
    let check = repo.knockon(&["check"]);
    assert!(check.done().stderr.contains(told), "{}", check.stderr);
    for _ in 0..2 {
        // What the other task made stays, though only one of them is run.
        repo.write("lone/out/report", "fresh");
        let outcome = repo.knockon(&["run", "lone:build", "lib:build"]);
        assert!(outcome.done().stderr.contains(told), "{}", outcome.stderr);
        assert_eq!(text(&task(&repo, "lone:build")["not-kept"]), "its outputs overlap those of lone:test");
        assert_eq!(fs::read_to_string(repo.top().join("lone/out/report")).unwrap(), "fresh");
        assert!(ran(&repo).contains(&"lone:build".to_owned()));
    }
    // Who is not concerned is not told.
    assert!(!repo.knockon(&["run", "lib:build"]).done().stderr.contains("same files"));
    // What one of them leaves to the other is no overlap.
    let tasks = tasks.replace(
        r#"outputs = ["out/**"]
[project.lone.task.test]"#,
        r#"outputs = ["out/**", "!out/report"]
[project.lone.task.test]"#,
    );
    repo.write("knockon.toml", tasks);
    repo.knockon(&["run", "lone:build", "lone:test"]).done();
    repo.write("lone/out/report", "fresh");
    let outcome = repo.knockon(&["run", "lone:build"]);
    assert!(outcome.done().stdout().contains("1 from the cache") && !outcome.stderr.contains("same files"));
    assert_eq!(fs::read_to_string(repo.top().join("lone/out/report")).unwrap(), "fresh");
}

#[test]
fn case_84_outputs_that_were_not_made_are_told() {
    let repo = repo(
        r#"
[project.lone.task.build]
command = "echo lone:build >> ../ran; mkdir out; echo x > out/x"
outputs = ["dist/**", "!dist/y"]
[project.lib.task.build]
command = "echo lib:build >> ../ran; mkdir out; echo x > out/x"
outputs = ["out/**", "coverage/**"]
"#,
    );
    // Of what is declared nothing is there: a restore would make as little, and what the task made would be missing.
    for _ in 0..2 {
        let outcome = repo.knockon(&["run", "lone:build"]);
        let told = "it made nothing that matches its outputs, `dist/**`";
        assert!(outcome.done().stdout().contains(told), "{}", outcome.stdout());
        assert_eq!(
            (ran(&repo), outcomes(&repo, "passed")),
            (vec!["lone:build".to_owned()], vec!["lone:build".to_owned()])
        );
        repo.remove("lone/out");
    }
    // Of one pattern nothing is there: that is told when it ran, and what the others match is kept.
    let outcome = repo.knockon(&["run", "lib:build"]);
    assert!(outcome.done().stdout().contains("made nothing that matches coverage/**"), "{}", outcome.stdout());
    assert_eq!(task(&repo, "lib:build")["not-made"], serde_json::json!(["coverage/**"]));
    repo.remove("lib/out");
    let outcome = repo.knockon(&["run", "lib:build"]);
    assert!(outcome.done().stdout().contains("1 from the cache") && !outcome.stdout().contains("coverage"));
    assert!(repo.top().join("lib/out/x").exists());
}

#[test]
fn case_84_what_git_sees_is_never_overwritten_by_a_result() {
    // What is generated is committed, and no input.
    let tasks = r#"
[project.lone.task.build]
command = "echo lone:build >> ../ran; mkdir -p gen out; cp lone.go gen/api; cp lone.go out/lone"
inputs = ["*.go"]
outputs = ["gen/**", "out/**"]
"#;
    let repo = repo(tasks);
    repo.write("lone/gen/api", "package lone\n").commit("generated");
    let run = || {
        let outcome = repo.knockon(&["run", "lone:build"]);
        (ran(&repo).len(), outcome.done().stdout().to_owned())
    };
    let api = || fs::read_to_string(repo.top().join("lone/gen/api")).unwrap();
    assert_eq!((run().0, run().0), (1, 0));
    // Edited by hand, staged or not, or not even known to git: the task decides, and not the cache.
    for change in ["edited", "staged", "untracked"] {
        repo.write("lone/gen/api", change);
        match change {
            "staged" => drop(repo.git(&["add", "lone/gen"])),
            "untracked" => drop(repo.git(&["rm", "--quiet", "--cached", "lone/gen/api"])),
            _ => {}
        }
        repo.remove("lone/out");
        let (times, told) = run();
        assert!(times == 1 && told.contains("`lone/gen/api` is no output alone: git sees it"), "{change}: {told}");
        assert_eq!(api(), "package lone\n");
        repo.git(&["reset", "--quiet"]);
    }
    // With all outputs declared that there are, files that a person made stay too.
    repo.write(
        "knockon.toml",
        tasks
            .replace("echo lone:build", "[ ! -e gen/notes ] || exit 3; echo lone:build")
            .replace(r#"["gen/**", "out/**"]"#, r#"["**"]"#),
    );
    repo.write("lone/gen/api", "package lone\n");
    assert_eq!((run().0, run().0), (1, 0));
    repo.write("lone/gen/notes", "mine").remove("lone/out");
    assert_eq!(run().0, 0);
    assert_eq!(fs::read_to_string(repo.top().join("lone/gen/notes")).unwrap(), "mine");
    assert!(repo.top().join("lone/out/lone").exists());
    // What is as it should be is no hindrance, and what the person removed comes back.
    repo.remove("lone/gen/api");
    assert_eq!((run().0, api()), (0, "package lone\n".to_owned()));
}

#[test]
fn what_the_last_runs_took_from_the_cache_and_where_is_told() {
    let repo = repo(TASKS);
    let run = |arguments: &[&str], variables: &[(&str, &str)]| {
        repo.start_with(&[&["run", "--base", "HEAD"], arguments].concat(), variables).done();
    };
    run(&["lib:build"], &[]);
    let engine = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_SERVER_URL", "https://git.example"),
        ("GITHUB_REPOSITORY", "a/b"),
        ("GITHUB_RUN_ID", "12"),
    ];
    run(&["build", "--all"], &engine);
    let page = "https://git.example/a/b/actions/runs/12";
    let told = repo.knockon(&["cache", "--format", "json"]).done().json()["runs"].clone();
    let counts = |at: usize| ["cached", "ran", "not-kept"].map(|count| told[at][count].as_u64().unwrap());
    assert_eq!((counts(0), counts(1), told.as_array().unwrap().len()), ([1, 2, 0], [0, 1, 0], 2), "{told}");
    let machine = text(&told[1]["place"]);
    assert!(text(&told[0]["place"]) == page && !machine.is_empty() && machine != page, "{told}");
    let people = repo.knockon(&["cache"]);
    assert!(
        people.done().stdout().contains(&format!(" ago at {page}: 1 from the cache, 2 ran\n")),
        "{}",
        people.stdout()
    );
    // Each line of the ledger says when and where.
    let ledger = fs::read_to_string(repo.top().join(".git/knockon/ledger.jsonl")).unwrap();
    let lines: Vec<Value> = ledger.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let places: Vec<String> = lines.iter().map(|line| text(&line["place"])).collect();
    assert_eq!(places, [machine.as_str(), page, page]);
    assert!(lines.iter().all(|line| line["at"].as_u64().unwrap() > 1_700_000_000));
    assert_eq!(repo.knockon(&["last", "--format", "json"]).done().json()["place"], page);
}

#[test]
fn case_55_and_56_what_lies_in_another_repository_is_never_overwritten_by_a_result() {
    let tasks = r#"
[project.lone.task.build]
command = "echo lone:build >> ../ran; for at in . sub own; do cp lone.go $at/made.gen; done"
inputs = ["*.go"]
outputs = ["**/*.gen"]
"#;
    let repo = repo(tasks);
    let inner = Repo::new();
    inner.write("made.gen", "theirs").commit("inner");
    repo.git(&["submodule", "--quiet", "add", inner.top().to_str().unwrap(), "lone/sub"]);
    repo.git(&["clone", "--quiet", inner.top().to_str().unwrap(), "lone/own"]);
    repo.write(".gitignore", "*.gen\n/ran\n").commit("submodule");
    let run = || {
        let outcome = repo.knockon(&["run", "lone:build"]);
        (ran(&repo).len(), outcome.done().stdout().to_owned())
    };
    assert_eq!((run().0, run().0), (1, 0));
    for place in ["lone/sub/made.gen", "lone/own/made.gen"] {
        repo.write(place, "edited").remove("lone/made.gen");
        let (times, told) = run();
        assert!(times == 1 && told.contains(&format!("`{place}` is no output alone")), "{told}");
    }
    repo.remove("lone/made.gen");
    assert_eq!(run().0, 0);
    assert!(repo.top().join("lone/made.gen").exists());
}
