//! Path filters of pipelines, held against the inputs of real repositories.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::repository::{Outcome, Repo, text};

fn audit(repo: &Repo, arguments: &[&str]) -> Outcome {
    let outcome = repo.knockon(&[&["audit", "filters", "--format", "json"], arguments].concat());
    outcome.done();
    outcome
}

fn filters(outcome: &Outcome) -> Vec<Value> {
    outcome.json()["filters"].as_array().unwrap().clone()
}

/// A filter of the demo, by the file that it stands in.
fn filter_in(outcome: &Outcome, file: &str) -> Value {
    filters(outcome).into_iter().find(|filter| filter["place"]["file"] == file).unwrap()
}

/// What a filter misses, each folder with the line that proves it.
fn missed(filter: &Value) -> Vec<(String, String)> {
    let line = |by: &Value| format!("{}:{}", text(&by["file"]), by["line"]);
    let missed = filter["missed"].as_array().unwrap().iter();
    missed.map(|missed| (text(&missed["folder"]), line(&missed["evidence"]))).collect()
}

#[test]
fn the_mistakes_of_the_demo_are_found() {
    let repo = Repo::demo();
    let outcome = audit(&repo, &[]);
    let drones = filter_in(&outcome, "src/shipping/dronescheduler/azure-pipelines.yml");
    let folders: Vec<String> = missed(&drones).into_iter().map(|(folder, _)| folder).collect();
    assert!(folders.contains(&"src/shipping/delivery/Shipping.Common".to_owned()), "{folders:?}");
    let (_, proof) = missed(&drones).into_iter().find(|(folder, _)| folder.ends_with("Common")).unwrap();
    assert!(proof.starts_with("src/shipping/dronescheduler/Dockerfile:"), "{proof}");
    let codes: Vec<String> =
        outcome.json()["findings"].as_array().unwrap().iter().map(|finding| text(&finding["code"])).collect();
    for code in ["dockerignore-without-effect", "mistyped-ref", "no-pipeline"] {
        assert!(codes.iter().any(|found| found == code), "{code} is not among {codes:?}");
    }
    let told = repo.knockon(&["audit", "filters", "--color", "never"]);
    insta::assert_snapshot!("audit.text", told.done().stdout());
    insta::assert_snapshot!("audit.findings", told.stderr);
}

#[test]
fn a_filter_that_lists_what_is_read_misses_nothing_and_strict_says_so() {
    let repo = Repo::of_modules();
    let workflow = |paths: &str| {
        format!(
            "on:\n  push:\n    paths: [{paths}]\njobs:\n  a:\n    defaults: {{run: {{working-directory: app}}}}\n    \
            steps:\n    - run: go test ./...\n"
        )
    };
    repo.write(".github/workflows/app.yml", workflow("'app/**'")).commit("narrow");
    assert_eq!(missed(&filters(&audit(&repo, &[]))[0]), [("lib".to_owned(), "app/go.mod:7".to_owned())]);
    assert_eq!(repo.knockon(&["audit", "filters", "--strict"]).status, 4);
    repo.write(".github/workflows/app.yml", workflow("'app/**', 'lib/**'"));
    assert_eq!(missed(&filters(&audit(&repo, &[]))[0]), []);
    repo.knockon(&["audit", "filters", "--strict"]).done();
    // What is committed is asked by its revision.
    assert_eq!(repo.knockon(&["audit", "filters", "--strict", "--head", "HEAD"]).status, 4);
}

#[test]
fn history_counts_the_builds_that_a_filter_missed() {
    let repo = Repo::of_modules();
    let workflow = "on: {push: {paths: ['app/**']}}\njobs: {a: {steps: [{run: make -C app}]}}\n";
    repo.write(".github/workflows/app.yml", workflow).commit("workflow");
    repo.append("lib/lib.go", "// 1\n").commit("missed");
    repo.append("lib/lib.go", "// 2\n").append("app/main.go", "//\n").commit("started");
    repo.append("lone/lone.go", "//\n").commit("nothing to do with it");
    let outcome = audit(&repo, &["--history", "4"]);
    let builds = &filters(&outcome)[0]["builds"];
    assert_eq!((&builds["called_for"], &builds["missed"]), (&json!(2), &json!(1)));
    assert_eq!(builds["paths"], json!([{ "path": "lib/lib.go", "commits": 1 }]));
    let history = &outcome.json()["history"];
    assert_eq!((&history["commits"], &history["missed_commits"]), (&json!(4), &json!(1)));
    let told = repo.knockon(&["audit", "filters", "--history", "4"]);
    assert!(told.done().stdout().contains("in 1 a filter misses a build, 1 of 2 builds"), "{}", told.stdout());
}

#[test]
fn a_broken_file_is_named_and_the_others_are_read() {
    let repo = Repo::of_modules();
    repo.write(".github/workflows/bad.yml", "on: [").write("azure-pipelines.yml", b"\xff\xfe");
    repo.write(".github/workflows/good.yml", "on: {push: {paths: ['lone/**']}}\njobs: {}\n");
    let outcome = audit(&repo, &[]);
    let codes: Vec<Value> =
        outcome.json()["findings"].as_array().unwrap().iter().map(|finding| finding["code"].clone()).collect();
    assert_eq!(codes, [json!("unreadable-pipeline"), json!("unreadable-pipeline")]);
    assert_eq!(filters(&outcome).len(), 1);
}

/// A pipeline of each engine that guards `app` and misses `lib`, and the items of its list.
const DRIFTED: [(&str, &str, &str, &str); 6] = [
    (
        ".github/workflows/a.yml",
        "on:\r\n  push:\r\n    paths: # why\r\n      - 'app/**'\r\njobs: {a: {steps: [{run: make -C app}]}}\r\n",
        "      - 'app/**'\r\n",
        "      - 'lib/**'\r\n",
    ),
    (
        ".github/filters.yml",
        "none:\n- zz/**\napp:\n  # ours\n  - app/** # all\n\n  # the end\n",
        "  - app/** # all\n",
        "  - lib/**\n",
    ),
    (
        ".gitlab-ci.yml",
        "build:\n  script: make -C app\n  rules:\n    - changes:\n        paths:\n          - app/**/*\n          # the module\n          - \"app/go.mod\"\n",
        "          - \"app/go.mod\"\n",
        "          - \"lib/**/*\"\n",
    ),
    (
        "ci/old.gitlab-ci.yml",
        "test:\n  script: make -C app\n  only:\n    changes:\n    - app/**/*\n",
        "    - app/**/*\n",
        "    - lib/**/*\n",
    ),
    (
        "azure-pipelines.yml",
        "trigger:\n  paths:\n    include:\n    - app/\njobs:\n- job: a\n  steps:\n  - script: make -C app\n",
        "    - app/\n",
        "    - 'lib'\n",
    ),
    (
        ".buildkite/pipeline.yml",
        "steps:\n- command: make -C app\n  if_changed:\n  - app/**\n",
        "  - app/**\n",
        "  - lib/**\n",
    ),
];

const DORNY: &str = "on: push\njobs:\n  a:\n    steps:\n    - {uses: dorny/paths-filter@v3, id: f, with: {filters: .github/filters.yml}}\n    - {run: make -C app, if: steps.f.outputs.app}\n";

#[test]
fn what_check_finds_write_mends_for_each_engine() {
    let repo = Repo::of_modules();
    repo.write(".github/workflows/dorny.yml", DORNY);
    DRIFTED.iter().for_each(|(file, source, _, _)| _ = repo.write(file, source));
    repo.mode("azure-pipelines.yml", 0o755).commit("pipelines");
    let read = |file: &str| fs::read_to_string(repo.top().join(file)).unwrap();
    let told = repo.knockon(&["audit", "filters", "--check", "--color", "never"]);
    assert_eq!(told.status, 1, "{}", told.stderr);
    insta::assert_snapshot!("audit.check", told.stdout());
    DRIFTED.iter().for_each(|(file, source, _, _)| assert_eq!(read(file), *source));
    assert_eq!(repo.knockon(&["audit", "filters", "--check", "--head", "HEAD"]).status, 1);

    let outcome = audit(&repo, &["--write"]);
    assert_eq!(outcome.json()["changes"].as_array().unwrap().len(), DRIFTED.len());
    for (file, source, last, added) in DRIFTED {
        assert_eq!(read(file), source.replace(last, &format!("{last}{added}")), "{file}");
    }
    let changed = repo.git(&["status", "--porcelain"]);
    assert_eq!(changed.lines().count(), DRIFTED.len(), "{changed}");
    assert!(!repo.git(&["diff", "--summary"]).contains("mode change"));
    let told = repo.knockon(&["audit", "filters", "--check", "--strict"]);
    assert!(told.done().stdout().starts_with("no list of a filter lacks"), "{}", told.stdout());
    filters(&audit(&repo, &[])).iter().for_each(|filter| assert_eq!(missed(filter), []));
    // Once more changes nothing, and what was committed has drifted still.
    let before = repo.git(&["diff"]);
    assert_eq!(audit(&repo, &["--write"]).json()["changes"], json!([]));
    assert_eq!(repo.git(&["diff"]), before);
    assert_eq!(repo.knockon(&["audit", "filters", "--check", "--head", "HEAD"]).status, 1);
    repo.knockon(&["audit", "filters", "--write", "--check"]).refused(2, "cannot be used with");
    repo.knockon(&["audit", "filters", "--write", "--head", "HEAD"]).refused(2, "cannot be used with");
}

#[test]
fn what_a_filter_serves_by_its_own_patterns_is_written_until_nothing_is_missed() {
    let repo = Repo::of_modules();
    // No job names a project, so what is added makes the filter be for that as well.
    repo.write(
        ".github/workflows/a.yml",
        "on:\n  push:\n    paths:\n    - app/**\njobs: {a: {steps: [{run: make}]}}\n",
    );
    audit(&repo, &["--write"]);
    repo.knockon(&["audit", "filters", "--check", "--strict"]).done();
}

#[test]
fn what_is_not_certain_is_left_alone_with_a_word() {
    let repo = Repo::of_modules();
    let workflow =
        |paths: &str| format!("on:\n  push:\n    paths: {paths}\njobs: {{a: {{steps: [{{run: make -C app}}]}}}}\n");
    repo.write(".github/workflows/flow.yml", workflow("['app/**']"));
    repo.write("elsewhere.yml", workflow("\n    - app/**"))
        .symlink("../../elsewhere.yml", ".github/workflows/link.yml");
    repo.write(".github/workflows/not.yml", workflow("\n    - app/**\n    - '!**/lib.go'"));
    repo.commit("workflows");
    for flag in ["--check", "--write"] {
        let told = repo.knockon(&["audit", "filters", flag]);
        told.done();
        assert_eq!(told.stderr.matches("[filter-left-alone]").count(), 2, "{}", told.stderr);
        assert_eq!(repo.knockon(&["audit", "filters", flag, "--strict"]).status, 4);
    }
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
}

#[test]
fn a_list_that_gitlab_would_not_take_is_an_error() {
    let repo = Repo::of_modules();
    let present: String = (0..50).map(|at| format!("    - app/{at}\n")).collect();
    repo.write(".gitlab-ci.yml", format!("build:\n  script: make -C app\n  rules:\n  - changes:\n{present}"));
    repo.commit("a full list");
    for flag in ["--check", "--write"] {
        let told = repo.knockon(&["audit", "filters", flag]);
        assert_eq!(told.status, 2);
        assert!(told.stderr.contains("error[too-many-patterns]"), "{}", told.stderr);
    }
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
}

/// The schema is written by `knockon schema audit-filters > docs/schema/audit-filters.json`.
#[test]
fn the_published_schema_of_the_audit_is_that_of_its_types() {
    let repo = Repo::demo();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema/audit-filters.json");
    let told = repo.knockon(&["schema", "audit-filters"]);
    assert_eq!(fs::read_to_string(file).unwrap_or_default(), told.done().stdout());
    let (schema, output) = (told.json(), audit(&repo, &["--history", "3"]).json());
    let (drifted, (file, source, _, _)) = (Repo::of_modules(), DRIFTED[0]);
    let mended = audit(drifted.write(file, source), &["--write"]).json();
    let defined = &schema["$defs"];
    for (schema, value) in [
        (&schema, &output),
        (&defined["FilterReport"], &output["filters"][0]),
        (&defined["MissedReport"], &output["filters"][0]["missed"][0]),
        (&defined["FilterHistory"], &output["history"]),
        (&defined["ChangeReport"], &mended["changes"][0]),
    ] {
        let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
        let properties: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
        assert_eq!(keys.len(), properties.len());
        assert!(keys.iter().all(|key| properties.contains(key)), "{keys:?} {properties:?}");
    }
}
