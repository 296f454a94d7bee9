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
    for engine in ["gitlab", "buildkite", "circleci", "jenkins", "argo", "tekton"] {
        for form in ["matrix", "workflow"] {
            refused(&[engine, "--format", form], "and --format chooses among several");
        }
    }
    for (engine, form) in [("github", "matrix"), ("github", "workflow"), ("azure", "matrix"), ("azure", "workflow")] {
        repo.knockon(&[&["ci", engine, "--format", form], &RANGE[..]].concat()).done();
    }
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
fn a_ledger_tells_shards_how_long_tasks_take() {
    let repo = changed();
    let ledger = repo.beside("ledger");
    let ledger = ledger.to_str().unwrap();
    let record = |task: &str, seconds: &str| {
        repo.knockon(&["record", task, "--result", "passed", "--duration", seconds, "--ledger", ledger]).done();
    };
    let first = |arguments: &[&str]| -> BTreeSet<String> {
        let outcome = repo.knockon(&[&["ci", "jenkins", "--shard", "1/2"], arguments, &RANGE[..]].concat());
        outcome.done();
        let layers: Value = outcome.json();
        let jobs = layers["layers"].as_array().unwrap().iter().flat_map(|layer| layer.as_array().unwrap());
        jobs.map(|job| job["name"].as_str().unwrap().to_owned()).collect()
    };
    let lone: BTreeSet<String> = ["lone:build", "lone:test"].map(str::to_owned).into();
    for task in ["lone:build", "lone:test", "lib:build", "lib:test", "app:build", "app:test"] {
        record(task, "3");
    }
    // What is longest is the first part.
    assert_ne!(first(&["--ledger", ledger]), lone);
    record("lone:test", "5000");
    assert_eq!(first(&["--ledger", ledger]), lone);
    // What is said by hand goes before what is recorded.
    let durations = repo.beside("durations");
    fs::write(&durations, r#"{"lone:build": 1, "lone:test": 1, "lib:build": 3}"#).unwrap();
    assert_ne!(first(&["--ledger", ledger, "--durations", durations.to_str().unwrap()]), lone);
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
fn a_committed_file_is_written_with_nothing_asked_for_that_it_does_not_say() {
    let repo = changed();
    for option in [
        &["--format", "matrix"][..],
        &["--format", "workflow"],
        &["--repository", "https://git.example/x"],
        &["--shard", "1/2"],
        &["--durations", "f"],
        &["--parts", "f"],
        &["--pipeline", "release"],
        &["--ref", "main"],
        &["--ledger", "f"],
        &["--base", "HEAD~1"],
        &["--base-file", "f"],
        &["--head", "HEAD"],
        &["--worktree"],
        &["--unowned", "all"],
        &["--deepen"],
        &["--staged"],
        &["--strict"],
    ] {
        for engine in ["github", "azure", "buildkite"] {
            let told = format!("'--init' cannot be used with '{}", option[0]);
            repo.knockon(&[&["ci", engine, "--init"], option].concat()).refused(2, &told);
        }
    }
    for file in [".github/workflows/knockon.yml", "azure-pipelines.yml", ".buildkite/pipeline.yml"] {
        assert!(!repo.top().join(file).exists(), "{file}");
    }
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

#[test]
fn github_shows_the_plan_on_the_page_of_the_run() {
    let repo = changed();
    let page = repo.beside("page");
    fs::write(&page, "# before\n").unwrap();
    let on_github = |arguments: &[&str]| {
        repo.start(&[&["ci"], arguments, &RANGE[..]].concat(), |command| {
            command.env("GITHUB_STEP_SUMMARY", &page);
        })
    };
    on_github(&["github"]).done();
    let text = fs::read_to_string(&page).unwrap();
    assert!(text.starts_with("# before\n## knockon: 3 projects and 6 tasks affected\n"), "{text}");
    assert!(text.contains("| <code>lib</code> | build, test | lib/lib.go modified | "), "{text}");
    assert!(text.contains("| 1 | <code>build</code> | "), "{text}");
    // Nobody else's plan goes there, and a page that cannot be written changes no plan.
    on_github(&["gitlab"]).done();
    assert_eq!(fs::read_to_string(&page).unwrap(), text);
    on_github(&["github", "--shard", "1/2"]).done();
    assert!(fs::read_to_string(&page).unwrap().ends_with("\nThis step runs part 1 of 2.\n"));
    fs::write(&page, vec![b'x'; 1_048_570]).unwrap();
    let outcome = on_github(&["github"]);
    outcome.done();
    assert_eq!(outputs(outcome.stdout()).len(), 3 + 10);
    assert!(outcome.stderr.contains("there is no summary in GITHUB_STEP_SUMMARY: it has no room left"));
    assert_eq!(fs::metadata(&page).unwrap().len(), 1_048_570);
}

#[test]
fn a_page_is_cut_to_what_github_takes_and_says_so() {
    let repo = changed();
    let page = repo.beside("page");
    let mut cut = 0;
    for room in [10, 300, 500, 700, 900, 5_000] {
        fs::write(&page, vec![b'\n'; 1_048_576 - room]).unwrap();
        let outcome = repo.start(&[&["ci", "github"], &RANGE[..]].concat(), |command| {
            command.env("GITHUB_STEP_SUMMARY", &page);
        });
        outcome.done();
        let text = fs::read_to_string(&page).unwrap();
        assert!(text.len() <= 1_048_576, "{room}");
        let is_whole = text.contains("<code>app</code>") && text.contains("| 2 | <code>test</code> |");
        let says_so = text.contains("\nCut here, ") || outcome.stderr.contains("it has no room left");
        assert_ne!(is_whole, says_so, "{room}: {}", text.trim_start());
        cut += usize::from(text.contains("\nCut here, "));
    }
    assert!(cut > 0, "none was cut within a table");
}

#[test]
fn case_16_a_name_breaks_neither_the_page_nor_the_log() {
    let repo = changed();
    let page = repo.beside("page");
    for name in ["a|b", "<img src=x>", "`c`", "x\n| y |", "x\n::error::y"] {
        repo.write(format!("{name}/go.mod"), "module example.com/x\n").write(format!("{name}/x.go"), "package x\n");
    }
    repo.commit("names");
    let outcome = repo.start(&[&["ci", "github"], &RANGE[..]].concat(), |command| {
        command.env("GITHUB_STEP_SUMMARY", &page).env("GITHUB_ACTIONS", "true");
    });
    let text = fs::read_to_string(&page).unwrap();
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| <code>")).collect();
    assert_eq!(rows.len(), 5, "{text}");
    assert!(rows.iter().all(|row| row.matches('|').count() == 5), "{text}");
    assert!(!text.contains("<img") && !text.contains('`'), "{text}");
    let commands = outcome.stderr.lines().filter(|line| line.trim_start().starts_with("::"));
    assert!(commands.clone().all(|line| line.starts_with("::warning title=knockon ")), "{}", outcome.stderr);
}

#[test]
fn findings_are_annotations_where_the_engine_runs() {
    let repo = changed();
    repo.write("lone/knockon.toml", "[task.test]\nouputs = []\n").commit("a mistake");
    let told = |engine: &str, variables: &[(&str, &str)]| {
        let outcome = repo.start_with(&[&["ci", engine], &RANGE[..]].concat(), variables);
        outcome.refused(2, "");
        outcome
            .stderr
            .lines()
            .filter(|line| line.starts_with("::") || line.starts_with("##vso"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let github = told("github", &[("GITHUB_ACTIONS", "true")]);
    assert!(
        github.starts_with("::error title=knockon ") && github.contains(",file=lone/knockon.toml,line=2,"),
        "{github}"
    );
    let azure = told("azure", &[("TF_BUILD", "True")]);
    assert!(azure.starts_with("##vso[task.logissue type=error;code=knockon "), "{azure}");
    assert!(azure.contains(";sourcepath=lone/knockon.toml;linenumber=2;"), "{azure}");
    assert_eq!(told("github", &[]), "");
    assert_eq!(told("github", &[("TF_BUILD", "True")]), "");
}
