//! `knockon ci` as a command.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::repository::Repo;

const RANGE: [&str; 4] = ["--base", "HEAD~1", "--head", "HEAD"];

fn changed() -> Repo {
    let repo = Repo::of_modules();
    repo.append("lib/lib.go", "// more\n").append("lone/lone.go", "// more\n").commit("a change");
    repo
}

fn outputs(text: &str) -> Vec<(String, String)> {
    text.lines().map(|line| line.split_once('=').unwrap()).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
}

#[test]
fn githubs_outputs_go_to_stdout_and_behind_what_the_file_has() {
    let repo = changed();
    let file = repo.beside("outputs");
    fs::write(&file, "before=1\n").unwrap();
    let outcome = repo.start(&[&["ci", "github"], &RANGE[..]].concat(), |command| {
        command.env("GITHUB_OUTPUT", &file);
    });
    outcome.done();
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("before=1\n{}", outcome.stdout()));
    let told = outputs(outcome.stdout());
    assert_eq!(told[..2], [("any".to_owned(), "true".to_owned()), ("count".to_owned(), "6".to_owned())]);
    assert_eq!(told.len(), 3 + 10);
}

#[test]
fn case_98_a_plan_without_tasks_is_one_that_each_engine_can_run() {
    let repo = changed();
    let nothing = ["--base", "HEAD", "--head", "HEAD", "--image", "i", "--repository", "https://git.example/x"];
    for engine in ["github", "gitlab", "azure", "buildkite", "circleci", "jenkins", "argo", "tekton"] {
        let outcome = repo.knockon(&[&["ci", engine], &nothing[..]].concat());
        outcome.done();
        assert!(!outcome.bytes.is_empty(), "{engine}");
    }
    let outcome = repo.knockon(&[&["ci", "github"], &nothing[..]].concat());
    let told = outputs(outcome.stdout());
    assert_eq!(told[0].1, "false");
    assert!(told[3..].iter().all(|(_, layer)| layer == "{\"include\":[]}"), "{told:?}");
    assert_eq!(repo.knockon(&[&["ci", "buildkite"], &nothing[..]].concat()).stdout(), "steps: []\n");
}

#[test]
fn what_an_engine_cannot_do_without_is_asked_for() {
    let repo = changed();
    let refused = |arguments: &[&str], told: &str| {
        repo.knockon(&[&["ci"], arguments, &RANGE[..]].concat()).refused(2, told);
    };
    refused(&["circleci"], "CircleCI needs --image");
    refused(&["argo", "--image", "i"], "Argo Workflows needs --repository");
    refused(&["travis"], "invalid value");
    refused(&["github", "--shard", "3/2"], "such as 1/4");
    repo.knockon(&["ci", "tekton", "--image", "i", "--init"]).refused(2, "Tekton has no file");
}

#[test]
fn shards_are_the_plan() {
    let repo = changed();
    fs::write(
        repo.beside("durations"),
        r#"{"lone:test": 100, "lone:build": 1, "lib:test": 1.5, "lib:build": 1, "app:build": 1, "app:test": 0}"#,
    )
    .unwrap();
    let durations = repo.beside("durations");
    let of = |shard: &[&str]| -> Vec<String> {
        let arguments = [&["ci", "jenkins", "--durations", durations.to_str().unwrap()], shard, &RANGE[..]].concat();
        let outcome = repo.knockon(&arguments);
        outcome.done();
        let layers: Value = outcome.json();
        let jobs = layers["layers"].as_array().unwrap().iter().flat_map(|layer| layer.as_array().unwrap());
        jobs.map(|job| job["name"].as_str().unwrap().to_owned()).collect()
    };
    let (first, second) = (of(&["--shard", "1/2"]), of(&["--shard", "2/2"]));
    assert_eq!(first, ["lone:build", "lone:test"]);
    let all: BTreeSet<String> = of(&[]).into_iter().collect();
    assert_eq!(first.iter().chain(&second).cloned().collect::<BTreeSet<_>>(), all);
    assert_eq!(first.len() + second.len(), all.len());
    fs::write(&durations, "[1]").unwrap();
    repo.knockon(&["ci", "jenkins", "--durations", durations.to_str().unwrap()]).refused(2, "is no JSON object");
}

#[test]
fn a_committed_file_is_written_once() {
    let repo = changed();
    let path = repo.top().join(".github/workflows/knockon.yml");
    repo.knockon(&["ci", "github", "--init"]).done();
    let written = fs::read_to_string(&path).unwrap();
    assert!(written.contains("knockon ci github --layers 10\n"), "{written}");
    repo.knockon(&["ci", "github", "--init"]).refused(2, "--force overwrites it");
    repo.knockon(&["ci", "github", "--init", "--force", "--layers", "2"]).done();
    assert!(fs::read_to_string(&path).unwrap().contains("knockon ci github --layers 2\n"));
}

#[test]
fn an_environment_is_reached_by_those_that_may_and_is_approved() {
    let repo = changed();
    repo.write(
        "knockon.toml",
        "[environment.production]\napproval = true\npipelines = [\"out\"]\n[pipeline.out]\ntasks = [\"deploy\"]\n\
        [project.lone.task.deploy]\ncommand = \"./deploy\"\nenvironment = \"production\"\n",
    );
    repo.commit("a deployment");
    let gitlab = |arguments: &[&str]| repo.knockon(&[&["ci", "gitlab"], arguments, &RANGE[..]].concat());
    // What follows no pipeline plans nothing there.
    let outcome = gitlab(&[]);
    outcome.done();
    assert!(!outcome.stdout().contains("production"), "{}", outcome.stdout());
    let outcome = gitlab(&["--pipeline", "out"]);
    outcome.done();
    assert!(outcome.stdout().contains("when: manual") && outcome.stdout().contains("name: production"));
    repo.knockon(&[&["ci", "tekton", "--pipeline", "out", "--image", "i", "--repository", "r"], &RANGE[..]].concat())
        .refused(2, "Tekton has no approval, which lone:deploy asks for");
}
