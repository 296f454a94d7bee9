//! Filters held against the inputs of a whole repository.

use super::super::{Audit, audit, read};
use super::told;
use crate::tree::MemoryTree;
use crate::workspace::testing::workspace_of;

fn audited(text: &str) -> Audit {
    let tree = MemoryTree::parse(text);
    let pipelines = read(&tree).unwrap();
    audit(&pipelines, &workspace_of(&tree), &tree).unwrap()
}

/// What a filter misses, as `folder files example evidence`.
fn misses(audit: &Audit, at: usize) -> Vec<String> {
    let missed = audit.filters[at].missed.iter();
    let line = missed.map(|missed| {
        let by = &missed.evidence;
        format!("{} {} {} {}:{}", missed.folder, missed.files, missed.example, by.file, by.line)
    });
    line.collect()
}

fn serves(audit: &Audit, at: usize) -> Vec<String> {
    audit.filters[at].serves.iter().map(|served| served.project.to_string()).collect()
}

const MODULES: &str = "== app/go.mod
module x/app
require x/lib v0.0.0
replace x/lib => ../lib
== app/main.go
package main
== app/README.md
== lib/go.mod
module x/lib
== lib/lib.go
package lib
== lone/go.mod
module x/lone
";

fn with_workflow(workflow: &str) -> String {
    format!("{MODULES}== .github/workflows/app.yml\n{workflow}")
}

#[test]
fn what_a_service_reads_from_elsewhere_is_missed_with_the_line_that_says_so() {
    let found = audited(&with_workflow(
        "on: {push: {paths: ['app/**']}}\njobs:\n  a:\n    steps:\n    - run: go test ./...\n      working-directory: app\n",
    ));
    assert_eq!(serves(&found, 0), ["app"]);
    assert_eq!(misses(&found, 0), ["lib 2 lib/go.mod app/go.mod:3"]);
    assert!(!found.filters[0].matches_own_file);
    let right =
        audited(&with_workflow("on: {push: {paths: ['app/**', 'lib/**']}}\njobs: {a: {steps: [{run: cd app}]}}\n"));
    assert_eq!(misses(&right, 0), [""; 0]);
}

#[test]
fn what_is_kept_out_is_told_with_its_pattern_and_documents_are_counted() {
    let found = audited(&with_workflow(
        "on: {push: {paths: ['app/**', 'lib/**', '!**/lib.go', '!**.md']}}\njobs: {a: {steps: [{run: make -C app}]}}\n",
    ));
    assert_eq!(misses(&found, 0), ["lib 1 lib/lib.go app/go.mod:3"]);
    assert_eq!(found.filters[0].missed[0].kept_out_by.as_ref().map(|by| by.line), Some(1));
    assert_eq!(found.filters[0].documents_kept_out, 1);
}

#[test]
fn a_filter_is_for_what_its_jobs_name_else_for_its_own_paths_else_for_nobody_known() {
    let serving = |workflow: &str| serves(&audited(&with_workflow(workflow)), 0);
    let on = "on: {push: {paths: ['lone/**', 'app/**']}}\n";
    assert_eq!(serving(&format!("{on}jobs: {{a: {{steps: [{{run: cd app && go test}}]}}}}\n")), ["app"]);
    assert_eq!(serving(&format!("{on}jobs: {{a: {{steps: [{{run: make all}}]}}}}\n")), ["app", "lone"]);
    assert_eq!(serving("on: {push: {paths: ['none/**']}}\njobs: {}\n"), [""; 0]);
    let matrix = "jobs:\n  a:\n    strategy: {matrix: {module: [lib, lone]}}\n    steps:\n    - run: go test ./${{ matrix.module }}/...\n";
    assert_eq!(serving(&format!("{on}{matrix}")), ["lib", "lone"]);
    let included = "jobs:\n  a:\n    strategy: {matrix: {include: [{at: lib}]}}\n    defaults: {run: {working-directory: '${{ matrix.at }}'}}\n    steps:\n    - run: ls ./${{matrix.at}}\n";
    assert_eq!(serving(&format!("{on}{included}")), ["lib"]);
}

#[test]
fn dead_patterns_are_told_with_what_was_meant() {
    let found =
        audited(&with_workflow("on: {push: {paths: ['app', '/lib/**', './lib', '!gone/**', 'app/**']}}\njobs: {}\n"));
    let dead: Vec<String> = found.filters[0]
        .dead
        .iter()
        .map(|dead| format!("{}: {}", dead.pattern, dead.help.as_deref().unwrap_or_default()))
        .collect();
    assert_eq!(
        dead,
        [
            "app: it is a folder: write `app/**`",
            "/lib/**: paths begin at the top without `/` or `./`: write `lib/**`",
            "./lib: it is a folder: write `lib/**`",
            "!gone/**: "
        ]
    );
}

#[test]
fn a_service_that_no_pipeline_names_is_told_where_there_are_pipelines() {
    let images =
        "== web/Dockerfile\nFROM scratch\n== shop/Dockerfile\nFROM scratch\n== .tools/Dockerfile\nFROM scratch\n";
    let findings = |run: &str| {
        let workflow = format!("on: push\njobs: {{a: {{steps: [{{run: {run}}}]}}}}\n");
        told(&audited(&format!("{images}{}", with_workflow(&workflow))).findings)
    };
    assert_eq!(findings("docker build ./web"), ["no-pipeline shop/Dockerfile:1"]);
    assert_eq!(findings("docker build ./web && docker build ./shop"), [""; 0]);
    // Where no pipeline names a service, or one makes them all, nothing is known.
    assert_eq!(findings("make"), [""; 0]);
    assert_eq!(findings("cd web && docker compose build"), [""; 0]);
}

#[test]
fn images_and_charts_count_where_a_step_speaks_of_them() {
    let image = "== app/Dockerfile\nFROM scratch\nCOPY app /a\nCOPY etc/conf /c\n== etc/conf\n== compose.yml\nservices: {app: {build: {context: ., dockerfile: app/Dockerfile}}}\n";
    let on = "on: {push: {paths: ['app/**', 'lib/**']}}\n";
    let missed = |run: &str| {
        let workflow = format!("{on}jobs: {{a: {{steps: [{{run: {run}, working-directory: app}}]}}}}\n");
        misses(&audited(&format!("{image}{}", with_workflow(&workflow))), 0)
    };
    assert_eq!(missed("go test"), [""; 0]);
    assert_eq!(missed("docker build ."), ["etc 1 etc/conf app/Dockerfile:3"]);
}

#[test]
fn a_root_around_everything_is_meant_where_its_manifest_is_named() {
    let serving = |paths: &str, run: &str| {
        let text = format!(
            "== go.mod\nmodule x\n== main.go\npackage main\n== docs/x.html\n== .github/workflows/a.yml\n\
            on: {{push: {{paths: [{paths}]}}}}\njobs: {{a: {{steps: [{{run: {run}}}]}}}}\n"
        );
        serves(&audited(&text), 0)
    };
    assert_eq!(serving("docs/**", "cat docs/x.html"), [""; 0]);
    assert_eq!(serving("'**.go', go.mod", "go test ./..."), ["."]);
    assert_eq!(serving("'**.go'", "cat ./go.mod"), ["."]);
}
