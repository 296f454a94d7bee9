//! A task that never passed as it is stays in the plan.

use std::fs;

use crate::repository::{Outcome, Repo, text};

/// The three modules in a repository where the newest commit touches `lone` alone.
fn repository() -> Repo {
    let repo = Repo::of_modules();
    repo.append("lib/lib.go", "// changed\n").commit("lib").touch("lone");
    repo
}

fn ledger(repo: &Repo) -> String {
    repo.beside("ledger").to_str().unwrap().to_owned()
}

fn plan(repo: &Repo, arguments: &[&str]) -> Outcome {
    let file = ledger(repo);
    let common = ["plan", "--format", "json", "--base", "HEAD~1", "--ledger", &file];
    repo.knockon(&[&common, arguments].concat())
}

/// The planned tasks, each with how often it failed if it never passed.
fn told(outcome: &Outcome) -> Vec<String> {
    let described = |task: &serde_json::Value| {
        let causes = task["causes"].as_array().unwrap();
        match causes.iter().find(|cause| cause["cause"] == "not-passed") {
            Some(cause) => format!("{} {}", text(&task["id"]), cause["failures"]),
            None => text(&task["id"]),
        }
    };
    outcome.done().json()["tasks"].as_array().unwrap().iter().map(described).collect()
}

fn record(repo: &Repo, task: &str, result: &str) {
    repo.knockon(&["record", task, "--result", result, "--ledger", &ledger(repo), "--duration", "1.5"]).done();
}

#[test]
fn what_failed_or_never_ran_stays_however_little_changed() {
    let repo = repository();
    let outcome = plan(&repo, &[]);
    assert!(outcome.stderr.contains("no task counts as passed"), "{}", outcome.stderr);
    assert_eq!(told(&outcome).len(), 6);
    for task in ["app:build", "app:test", "lib:build", "lone:build", "lone:test"] {
        record(&repo, task, "passed");
    }
    record(&repo, "lib:test", "failed");
    record(&repo, "lib:test", "failed");
    // What the commit touches is planned as ever, and what was red is with it.
    assert_eq!(told(&plan(&repo, &[])), ["lib:test 2", "lone:build", "lone:test"]);
    let people = repo.knockon(&["plan", "--base", "HEAD", "--ledger", &ledger(&repo)]);
    assert!(people.done().stdout().contains("it failed with this fingerprint, 2 times"), "{}", people.stdout());
    record(&repo, "lib:test", "passed");
    let outcome = plan(&repo, &[]);
    assert_eq!((told(&outcome), outcome.stderr.as_str()), (vec!["lone:build".to_owned(), "lone:test".to_owned()], ""));
    // Another content is another fingerprint, which never ran; and the one before is known still.
    repo.append("app/main.go", "// changed\n").commit("app").append("lone/lone.go", "// more\n").commit("lone");
    assert_eq!(told(&plan(&repo, &[])), ["app:build 0", "app:test 0", "lone:build 0", "lone:test 0"]);
    // Of a pipeline only its own tasks are asked for.
    repo.write("knockon.toml", "[pipeline.quick]\ntasks = [\"build\"]\n").commit("pipeline");
    assert_eq!(told(&plan(&repo, &["--pipeline", "quick"])), ["app:build 0", "lone:build 0"]);
}

#[test]
fn a_damaged_ledger_costs_time() {
    let repo = repository();
    for task in ["app:build", "app:test", "lib:build", "lib:test", "lone:build", "lone:test"] {
        record(&repo, task, "passed");
    }
    let file = ledger(&repo);
    let whole = fs::read_to_string(&file).unwrap();
    assert_eq!(told(&plan(&repo, &[])), ["lone:build", "lone:test"]);
    fs::write(&file, whole.replacen("\"passed\"", "\"pass", 1)).unwrap();
    let outcome = plan(&repo, &[]);
    assert_eq!(told(&outcome), ["app:build 0", "lone:build", "lone:test"]);
    assert_eq!(outcome.stderr.matches("warning").count(), 1, "{}", outcome.stderr);
    // Another task's line, or another fingerprint, says nothing of this one.
    fs::write(&file, whole.replacen("app:build", "app:test", 1)).unwrap();
    assert_eq!(told(&plan(&repo, &[])), ["app:build 0", "lone:build", "lone:test"]);
}

#[test]
fn a_record_is_of_a_task_and_a_fingerprint_that_there_are() {
    let repo = repository();
    let file = ledger(&repo);
    let print = text(&plan(&repo, &[]).done().json()["tasks"][0]["fingerprint"]);
    let base = ["record", "app:build", "--result", "passed", "--ledger", &file];
    repo.append("app/main.go", "// on disk\n");
    repo.knockon(&[&base[..], &["--fingerprint", &print, "--attempts", "2"]].concat()).done();
    repo.knockon(&[&base[..], &["--head", "HEAD"]].concat()).done();
    let lines = fs::read_to_string(&file).unwrap();
    let records: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (at, place) = (&records[1]["at"], &records[1]["place"]);
    assert!(at.is_u64() && place.is_string());
    let expected = serde_json::json!({
        "task": "app:build", "fingerprint": print, "result": "passed", "at": at, "place": place,
    });
    assert_eq!(records[1], expected);
    assert_eq!((&records[0]["attempts"], &records[0]["fingerprint"]), (&2.into(), &print.clone().into()));
    for (arguments, told) in [
        (&["record", "app:buil", "--result", "passed", "--ledger", &file][..], "app has no task"),
        (&["record", "app:build", "--result", "green", "--ledger", &file], "possible values"),
        (&["record", "app:build", "--result", "passed"], "--ledger"),
        (&["record", "app:build", "--result", "passed", "--ledger", &file, "--duration", "-1"], "-1"),
        (&["record", "app:build", "--result", "passed", "--ledger", &file, "--fingerprint", "ab"], "no fingerprint"),
    ] {
        repo.knockon(arguments).refused(2, told);
    }
    repo.knockon(&["record", "app:build", "--result", "passed", "--ledger", "no/such/folder"])
        .refused(3, "No such file");
    assert_eq!(fs::read_to_string(&file).unwrap(), lines);
}
