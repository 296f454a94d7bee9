//! Commits that are planned again, and the answers held against their definition.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::repository::{ALL_OF_MODULES, Outcome, Repo, text};

fn history(repo: &Repo, arguments: &[&str]) -> Outcome {
    let outcome = repo.knockon(&[&["history", "--format", "json"], arguments].concat());
    outcome.done();
    outcome
}

fn commits(outcome: &Outcome) -> Vec<Value> {
    outcome.json()["commits"].as_array().unwrap().clone()
}

fn ids(outcome: &Outcome) -> Vec<String> {
    commits(outcome).iter().map(|commit| text(&commit["commit"])).collect()
}

fn share(of: &Value) -> (u64, u64) {
    (of["affected"].as_u64().unwrap(), of["all"].as_u64().unwrap())
}

#[test]
fn the_history_of_the_demo_is_this() {
    let repo = Repo::demo();
    let verified = history(&repo, &["--verify"]);
    insta::assert_snapshot!("history.json", verified.stdout());
    insta::assert_snapshot!("history.text", repo.knockon(&["history", "--verify"]).done().stdout());
    let quick = history(&repo, &[]).json();
    assert_eq!((&quick["commits"], &quick["verified"]), (&verified.json()["commits"], &json!(false)));
}

#[test]
fn each_commit_is_planned_as_affected_would() {
    let repo = Repo::demo();
    for (at, commit) in commits(&history(&repo, &["6"])).iter().enumerate() {
        let (head, base) = (format!("HEAD~{at}"), format!("HEAD~{}", at + 1));
        assert_eq!((text(&commit["commit"]), text(&commit["parent"])), (repo.id(&head), repo.id(&base)));
        let tasks = repo.affected(&base, &head).len() as u64;
        assert_eq!(share(&commit["tasks"]), (tasks, 48), "{head}");
    }
}

#[test]
fn history_ends_where_it_began() {
    let repo = Repo::of_modules();
    repo.append("lib/lib.go", "// more\n").commit("lib");
    let outcome = history(&repo, &["1000", "--verify"]);
    let told = commits(&outcome);
    assert_eq!(ids(&outcome), [repo.id("HEAD"), repo.id("HEAD~1")]);
    assert_eq!((&told[1]["parent"], share(&told[1]["tasks"])), (&Value::Null, (6, 6)));
    assert_eq!((&told[1]["widened"], &told[1]["changed"]), (&json!([]), &json!(6)), "everything is new, and no doubt");
    assert_eq!(told[1]["filter_misses"], json!([]));
    // `app` reads `lib`, and no file of its own changed.
    assert_eq!(told[0]["filter_misses"], json!(["app:build", "app:test"]));
    assert_eq!(share(&told[0]["tasks"]), (4, ALL_OF_MODULES.len() as u64));
    let totals = &outcome.json()["totals"];
    assert_eq!((&totals["commits"], share(&totals["tasks"])), (&json!(2), (10, 12)));
    assert_eq!((&totals["filter_missed_commits"], &totals["filter_misses"]), (&json!(1), &json!(2)));
    assert_eq!((&totals["differences"], &outcome.json()["cut"]), (&json!(0), &Value::Null));
}

#[test]
fn as_many_commits_as_asked_for_from_where_asked() {
    let repo = Repo::of_modules();
    for number in 0..60 {
        repo.append("lone/lone.go", &format!("// {number}\n")).commit("lone");
    }
    assert_eq!(ids(&history(&repo, &[])).len(), 50);
    let two = history(&repo, &["2", "--head", "HEAD~3"]);
    assert_eq!(ids(&two), [repo.id("HEAD~3"), repo.id("HEAD~4")]);
    assert_eq!(two.json()["head"]["revision"], "HEAD~3");
}

#[test]
fn a_merge_counts_as_what_it_brings_to_its_first_parent() {
    let repo = Repo::of_modules();
    repo.git(&["checkout", "--quiet", "-b", "side"]);
    repo.append("lib/lib.go", "// side\n").commit("side");
    repo.git(&["checkout", "--quiet", "main"]);
    repo.append("lone/lone.go", "// main\n").commit("main");
    repo.git(&["merge", "--quiet", "--no-ff", "-m", "merge", "side"]);
    let outcome = history(&repo, &["--verify"]);
    assert_eq!(ids(&outcome), [repo.id("HEAD"), repo.id("HEAD^1"), repo.id("HEAD~2")]);
    let told: Vec<(u64, u64)> = commits(&outcome).iter().map(|commit| share(&commit["tasks"])).collect();
    assert_eq!(told, [(4, 6), (2, 6), (6, 6)]);
}

#[test]
fn a_doubt_widens_and_is_no_difference() {
    let repo = Repo::of_modules();
    repo.write("nobodys.xyz", "1\n").commit("nobody's");
    let outcome = history(&repo, &["1", "--verify"]);
    let told = &commits(&outcome)[0];
    assert_eq!((share(&told["tasks"]), &told["widened"]), ((6, 6), &json!(["unowned"])));
    assert_eq!((&told["filter_misses"], &told["differences"]), (&json!([]), &json!([])));
    assert_eq!(outcome.json()["totals"]["widened_by"], json!({ "unowned": 1 }));
    // The policy is that of the configuration at the time.
    repo.write("knockon.toml", "[workspace]\nunowned = \"none\"\n").commit("policy");
    repo.write("nobodys.xyz", "2\n").commit("nobody's, again");
    let outcome = history(&repo, &["1", "--verify"]);
    assert_eq!(share(&commits(&outcome)[0]["tasks"]), (0, 6));
}

#[test]
fn a_configuration_that_allows_no_plan_stops_its_own_commit_alone() {
    let repo = Repo::of_modules();
    repo.write("knockon.toml", "[workspace]\nunowned = 1\n").append("lib/lib.go", "//\n").commit("broken");
    repo.write("knockon.toml", "[workspace]\nunowned = \"error\"\n").append("app/main.go", "//\n").commit("mended");
    repo.write("nobodys.xyz", "1\n").commit("nobody's");
    let outcome = history(&repo, &["--verify"]);
    let refused: Vec<bool> = commits(&outcome).iter().map(|commit| commit["refused"].is_string()).collect();
    assert_eq!(refused, [true, false, true, false]);
    assert_eq!(commits(&outcome)[1]["widened"], json!(["unreadable-configuration"]));
    assert_eq!(outcome.json()["totals"]["refused"], 2);
    assert!(repo.knockon(&["history"]).done().stdout().contains("not planned: the configuration has errors"));
}

#[test]
fn a_shallow_clone_ends_with_a_word() {
    let repo = Repo::demo();
    let url = format!("file://{}", repo.top().display());
    let clone = repo.beside("shallow");
    repo.git(&["clone", "--quiet", "--depth", "3", &url, clone.to_str().unwrap()]);
    let told = repo.start_in(&clone, &["history", "--verify"], |_| {});
    let cut = format!("the history of this shallow clone is cut at {}", repo.id("HEAD~2"));
    assert!(told.done().stdout().contains(&cut), "{}", told.stdout());
    let told = repo.start_in(&clone, &["history", "--format", "json"], |_| {});
    assert_eq!((ids(&told).len(), text(&told.done().json()["cut"])), (2, repo.id("HEAD~2")));
}

#[test]
fn a_bare_repository_has_a_history() {
    let repo = Repo::demo();
    let bare = repo.beside("bare.git");
    repo.git(&["clone", "--quiet", "--bare", repo.top().to_str().unwrap(), bare.to_str().unwrap()]);
    let told = repo.start_in(&bare, &["history", "--format", "json", "--verify"], |_| {});
    assert_eq!(told.done().bytes, history(&repo, &["--verify"]).bytes);
}

#[test]
fn subjects_steer_nothing() {
    let repo = Repo::of_modules();
    repo.git(&["commit", "--quiet", "--allow-empty", "-m", "\u{1b}[2Jcleared \u{202e}turned\n\nbody"]);
    repo.git_fed(
        repo.top(),
        &["-c", "i18n.commitEncoding=latin1", "commit", "--quiet", "--allow-empty", "--cleanup=verbatim", "-F", "-"],
        b"\n\n  caf\xe9 \r\nnext",
    );
    repo.git(&["commit", "--quiet", "--allow-empty", "--allow-empty-message", "-m", ""]);
    let told = repo.knockon(&["history", "--color", "never"]);
    let lines: Vec<&str> = told.done().stdout().lines().skip(1).take(3).collect();
    assert!(lines[0].ends_with("0/6  "), "{lines:?}");
    assert!(lines[1].ends_with("0/6  caf\\xe9"), "{lines:?}");
    assert!(lines[2].ends_with("0/6  \\u{1b}[2Jcleared \\u{202e}turned"), "{lines:?}");
}

#[test]
fn what_cannot_be_replayed_is_refused() {
    let repo = Repo::of_modules();
    let outcome = repo.knockon(&["history", "0"]);
    assert_eq!((outcome.status, outcome.stdout()), (2, ""), "{}", outcome.stderr);
    repo.knockon(&["history", "--head", "nowhere"]).refused(3, "nowhere");
    repo.knockon(&["history", "--head", "HEAD~1..HEAD"]).refused(2, "range");
    Repo::new().knockon(&["history"]).refused(3, "no commit yet");
}

/// The schema is written by `knockon schema history > docs/schema/history.json`.
#[test]
fn the_published_schema_of_the_history_is_that_of_its_types() {
    let repo = Repo::demo();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema/history.json");
    let told = repo.knockon(&["schema", "history"]);
    assert_eq!(fs::read_to_string(file).unwrap_or_default(), told.done().stdout());
    let (schema, output) = (told.json(), history(&repo, &[]).json());
    for (schema, value) in [(&schema, &output), (&schema["$defs"]["CommitReport"], &output["commits"][0])] {
        let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
        let properties: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
        assert_eq!(keys.len(), properties.len());
        assert!(keys.iter().all(|key| properties.contains(key)), "{keys:?} {properties:?}");
    }
}
