//! Which pipeline a branch, a tag or an event selects, and what a release plans.

use crate::repository::{Outcome, Repo, text};

/// The three modules, of which `app` has an image and a chart too and is deployed.
fn repository(configuration: &str) -> Repo {
    let repo = Repo::of_modules();
    let tasks =
        "[project.app.task.image]\ndepends-on = [\"build\"]\n[project.app.task.chart]\n[project.lone.task.deploy]\n";
    repo.write("knockon.toml", format!("{configuration}\n{tasks}")).commit("tasks");
    repo
}

impl Outcome {
    /// The tasks of a plan, as `folder:task`.
    fn planned(&self) -> Vec<String> {
        self.done().json()["tasks"].as_array().unwrap().iter().map(|task| text(&task["id"])).collect()
    }

    fn field(&self, name: &str) -> String {
        text(&self.json()[name])
    }
}

fn plan(repo: &Repo, arguments: &[&str]) -> Outcome {
    repo.knockon(&[&["plan", "--format", "json", "--base", "HEAD"], arguments].concat())
}

const APP_RELEASE: [&str; 4] = ["app:build", "app:chart", "app:image", "app:test"];

#[test]
fn refs_and_events_select_pipelines() {
    let repo = repository("");
    let selected = |arguments: &[&str]| plan(&repo, arguments).done().field("pipeline");
    for (arguments, pipeline) in [
        (&["--ref", "feature/a"][..], "validation"),
        (&["--ref", "refs/heads/topic/a/b"], "validation"),
        (&["--ref", "topic/experimental/a"], "null"),
        (&["--ref", "main"], "null"),
        (&["--ref", "main", "--event", "pull-request"], "pull-request"),
        (&["--ref", "main", "--event", "merge-group"], "pull-request"),
        (&["--ref", "release/app/1.2.0"], "release"),
        (&["--ref", "refs/tags/release/app/1.2.0"], "null"),
        (&["--pipeline", "validation"], "validation"),
        (&[], "null"),
    ] {
        assert_eq!(selected(arguments), pipeline, "{arguments:?}");
    }
    assert_eq!(plan(&repo, &["--pipeline", "validation"]).field("selection"), "null");
    let told = |branch: &str| plan(&repo, &["--ref", branch]).field("selection");
    assert_eq!(told("feature/a"), "selected by `feature/*` for push, branch feature/a");
    assert_eq!(told("main"), "no pipeline is selected by push, branch main: all tasks are meant");
    assert!(told("topic/experimental/a").contains("not validation, for its exception `topic/experimental/*`"));
    for (arguments, told) in [
        (&["plan", "--ref", "refs/pull/1/merge"][..], "no branch or tag"),
        (&["plan", "--ref", "main", "--event", "pus"], "pull-request"),
        (&["plan", "--ref", "main", "--pipeline", "release"], "cannot be used with"),
        (&["plan", "--event", "push"], "--ref"),
    ] {
        repo.knockon(arguments).refused(2, told);
    }
}

#[test]
fn a_branch_that_selects_no_pipeline_plans_all_tasks() {
    let repo = repository("");
    repo.append("app/main.go", "// changed\n");
    let all = plan(&repo, &[]).planned();
    assert_eq!(all, ["app:build", "app:chart", "app:image", "app:test"]);
    assert_eq!(plan(&repo, &["--ref", "main"]).planned(), all);
    assert_eq!(plan(&repo, &["--ref", "feature/a"]).planned(), ["app:build", "app:test"]);
}

#[test]
fn in_ci_the_run_selects() {
    let repo = repository("");
    repo.branch("feature/a", "main").append("app/main.go", "// changed\n").commit("app");
    let run = |arguments: &[&str], more: &[(&str, &str)]| {
        let variables = [&[("GITLAB_CI", "true"), ("CI_DEFAULT_BRANCH", "main")], more].concat();
        repo.start_with(&[&["plan", "--format", "json"], arguments].concat(), &variables)
    };
    let push = [("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_BRANCH", "feature/a")];
    let outcome = run(&[], &push);
    assert_eq!(
        (outcome.planned(), outcome.field("pipeline")),
        (vec!["app:build".to_owned(), "app:test".to_owned()], "validation".to_owned())
    );
    let request = [
        ("CI_PIPELINE_SOURCE", "merge_request_event"),
        ("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "feature/a"),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
    ];
    let outcome = run(&[], &request);
    assert_eq!(
        (outcome.planned(), outcome.field("pipeline")),
        (APP_RELEASE.map(str::to_owned).to_vec(), "pull-request".to_owned())
    );
    // What is said on the command line goes first, and with a base nothing of the engine is read.
    assert_eq!(run(&["--pipeline", "release"], &push).done().field("pipeline"), "release");
    assert_eq!(run(&["--ref", "main"], &push).done().field("pipeline"), "null");
    assert_eq!(run(&["--base", "main"], &push).done().field("pipeline"), "null");
    // A base that is kept elsewhere leaves the run what it is.
    let file = repo.beside("base");
    std::fs::write(&file, repo.id("main")).unwrap();
    let outcome = run(&["--base-file", file.to_str().unwrap()], &push);
    assert_eq!((outcome.done().base(), outcome.field("pipeline")), (repo.id("main"), "validation".to_owned()));
    let release = [("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_BRANCH", "release/app/v2.0.0")];
    let outcome = run(&["--strict"], &release);
    assert_eq!(
        (outcome.planned(), outcome.field("version")),
        (APP_RELEASE.map(str::to_owned).to_vec(), "2.0.0".to_owned())
    );
}

#[test]
fn a_release_is_of_a_service_by_name_and_never_by_a_diff() {
    let repo = repository("");
    for arguments in [
        &["release", "app", "v1.2.0", "--format", "json"][..],
        &["plan", "--ref", "release/app/1.2.0", "--format", "json"],
    ] {
        let before = repo.knockon(arguments);
        assert_eq!(before.planned(), APP_RELEASE);
        assert_eq!((before.field("service"), before.field("version")), ("app".to_owned(), "1.2.0".to_owned()));
        assert_eq!((before.field("pipeline"), before.projects()), ("release".to_owned(), vec![]));
    }
    // Whatever else changed: nothing of it belongs to the release.
    repo.append("lone/lone.go", "// changed\n").append("lib/lib.go", "// changed\n");
    assert_eq!(repo.knockon(&["release", "app", "1.2.0", "--format", "json"]).planned(), APP_RELEASE);
    assert_eq!(plan(&repo, &["--ref", "release/app/1.2.0"]).planned(), APP_RELEASE);
    let told = repo.knockon(&["release", "app", "1.2.0"]);
    let told = told.done().stdout();
    assert!(told.contains("app  1.2.0") && told.contains("4 tasks of the release"), "{told}");
    assert!(!told.contains("nothing is affected"), "{told}");
}

#[test]
fn a_release_of_nothing_that_is_there_is_refused() {
    let repo = repository("[pipeline.ship]\ntags = [\"{service}/v{version}\"]\ntasks = [\"deploy\"]");
    for (arguments, told) in [
        (&["release", "ap", "1.2.0"][..], "app"),
        (&["plan", "--ref", "release/lonee/1.2.0"], "lone"),
        (&["release", "app", "1.2"], "`1.2` is no version"),
        (&["plan", "--ref", "release/app/latest"], "`latest` is no version"),
        (&["plan", "--ref", "release/app/1.02.0"], "is no version"),
        (&["plan", "--ref", "refs/tags/app/v1.2.0"], "app has none of the tasks of pipeline `ship`: deploy"),
    ] {
        repo.knockon(arguments).refused(2, told);
    }
    let tag = plan(&repo, &["--ref", "refs/tags/lone/v1.2.0"]);
    assert_eq!((tag.planned(), tag.field("pipeline")), (vec!["lone:deploy".to_owned()], "ship".to_owned()));
    let told = repo.knockon(&["plan", "--ref", "release/\u{1b}[2J\n::set-output::/1.0.0"]);
    assert_eq!(told.status, 2);
    assert!(
        !told.stderr.contains('\u{1b}') && !told.stderr.lines().any(|line| line.starts_with("::")),
        "{}",
        told.stderr
    );
}

#[test]
fn no_plan_reaches_an_environment_that_its_pipeline_may_not() {
    let policy = "[environment.production]\napproval = true\npipelines = [\"ship\"]\n[task.deploy]\nenvironment = \"production\"\n\
                  [pipeline.ship]\ntasks = [\"deploy\"]\n";
    let repo = repository(policy);
    repo.append("lone/lone.go", "// changed\n");
    let shipped = plan(&repo, &["--pipeline", "ship"]);
    assert_eq!(shipped.planned(), ["lone:deploy"]);
    assert_eq!(text(&shipped.json()["tasks"][0]["environment"]), "production");
    // Where no pipeline is followed, what may only be reached by one is left out, and said.
    let all = plan(&repo, &[]);
    assert!(!all.planned().contains(&"lone:deploy".to_owned()) && all.planned().contains(&"lone:build".to_owned()));
    assert!(all.field("withheld").contains("lone:deploy"), "{}", all.stdout());
    let told = repo.knockon(&["plan", "--base", "HEAD"]);
    assert!(told.done().stdout().contains("left out for their environments: "), "{}", told.stdout());
    // One that names it is a mistake that is found at once.
    repo.write("knockon.toml", format!("{policy}[pipeline.bad]\ntasks = [\"deploy\"]\n"));
    repo.knockon(&["check"]).refused(2, "forbidden-environment");
}

#[test]
fn nor_does_one_by_what_its_tasks_need() {
    let repo = Repo::new();
    // npm builds nothing before a test, so the test needs the build.
    repo.write(
        "web/package.json",
        r#"{ "name": "web", "version": "1.0.0", "scripts": { "build": "x", "test": "y" } }"#,
    );
    repo.write(
        "knockon.toml",
        "[environment.closed]\npipelines = [\"release\"]\n[project.web.task.build]\nenvironment = \"closed\"\n\
         [pipeline.validation]\ntasks = [\"test\"]\n[pipeline.pull-request]\ntasks = [\"test\"]\n[pipeline.release]\ntasks = [\"test\"]\n",
    );
    repo.commit("web").append("web/index.js", "// changed\n");
    assert_eq!(plan(&repo, &["--pipeline", "release"]).planned(), ["web:build", "web:test"]);
    // The configuration alone cannot tell.
    repo.knockon(&["check"]).done();
    let refused = repo.knockon(&["plan", "--base", "HEAD", "--pipeline", "validation"]);
    refused.refused(2, "pipeline `validation` needs web:build");
    let all = plan(&repo, &[]);
    assert_eq!((all.planned(), all.field("withheld")), (vec![], "[\"web:build\",\"web:test\"]".to_owned()));
}
