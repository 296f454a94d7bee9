//! How the files of engines are read.

use super::super::Pipelines;
use super::{admitted, filtered, filters, path, pipelines, told};
use crate::tree::{Change, ChangeKind};

fn names(pipelines: &Pipelines) -> Vec<String> {
    filters(pipelines).iter().map(|filter| filter.names.join("+")).collect()
}

/// What the work of the filter at a place names, with the lines that do.
fn named(pipelines: &Pipelines, at: usize) -> Vec<String> {
    let work = filters(pipelines)[at].work.iter();
    work.flat_map(|work| &work.mentions).map(|(path, by)| format!("{path} {}:{}", by.file, by.line)).collect()
}

#[test]
fn equal_lists_of_two_events_are_one_filter() {
    let text = "== .github/workflows/a.yml
on:
  push: &p
    paths: [a/**]
  pull_request: *p
== .github/workflows/b.yml
on:
  push: {paths: [a]}
  pull_request: {paths: [b]}
== .github/workflows/called.yml
on:
  workflow_call: {paths: [a]}
== .github/workflows/deep/c.yml
on: {push: {paths: [a]}}
";
    let pipelines = pipelines(text);
    assert_eq!(names(&pipelines), ["push+pull_request", "push", "pull_request"]);
    let place = &filters(&pipelines)[0].place;
    assert_eq!((place.line, &*place.text), (3, "paths: [a/**]"));
    assert!(filters(&pipelines)[0].admits(&path("a/b"), ChangeKind::Deleted));
}

#[test]
fn templates_of_azure_are_read_with_who_uses_them() {
    let text = "== src/a/Dockerfile
== src/a/azure-pipelines.yml
trigger:
  branches: {include: [release/a/v*, refs/relelase/a/v*]}
  paths: {include: [/src/a]}
jobs:
- template: ./azure-pipelines-ci.yml
== src/a/azure-pipelines-ci.yml
steps:
- template: /ops/push.yml
- template: x.yml@other
== ops/push.yml
steps:
- script: echo '##vso[task.setvariable variable=chartPath]charts/a'
== charts/a/Chart.yaml
name: a
";
    let pipelines = pipelines(text);
    assert_eq!((pipelines.pipelines.len(), filters(&pipelines).len()), (1, 1));
    let work = &pipelines.pipelines[0].work;
    let named: Vec<String> = work.mentions.iter().map(|(path, at)| format!("{path} {}:{}", at.file, at.line)).collect();
    assert_eq!(named, ["charts/a ops/push.yml:2"]);
    assert!(work.charts && work.is_hidden);
    assert_eq!(
        told(&pipelines.findings),
        ["mistyped-ref src/a/azure-pipelines.yml:2", "release-needs-change src/a/azure-pipelines.yml:3"]
    );
}

#[test]
fn all_ways_of_gitlab_to_write_changes_are_read() {
    for (job, wanted) in [
        ("rules:\n  - changes: {paths: [a/*], compare_to: main}", "a/x"),
        ("rules:\n  - if: $X\n    changes: [a/*]\n  - changes: [b/*]", "a/x b/x"),
        ("only:\n    changes: [a/*]", "a/x"),
        ("except:\n    changes: [a/*]", "b/x c"),
        ("only: {changes: [a/*, b/*]}\n  except: {changes: [b/*]}", "a/x"),
        ("extends: .base", "b/x"),
        ("variables: {D: a}\n  rules:\n  - changes: ['$D/*', '${D}/y']", "a/x"),
        ("rules:\n  - changes: ['$UNKNOWN/*']", "a/x b/x c"),
        // The first rule that holds decides.
        ("rules:\n  - changes: [a/*]\n    when: never\n  - changes: [a/*, b/*]", "b/x"),
        ("rules:\n  - changes: [a/*]\n  - changes: [a/*, b/*]\n    when: never\n  - when: always", "a/x c"),
        ("rules:\n  - {changes: {paths: [a/*]}, when: never}\n  - when: on_success", "b/x c"),
        ("rules:\n  - {changes: [a/*], when: never}\n  - if: $X", "b/x c"),
        ("rules:\n  - {changes: [a/*], when: never}\n  - when: always\n  - changes: [a/*]", "b/x c"),
        ("rules:\n  - changes: [b/*]\n  - when: never\n  - changes: [a/*]", "b/x"),
        // Nobody knows whether these hold.
        ("rules:\n  - {if: $X, changes: [a/*], when: never}\n  - changes: [a/*, b/*]", "a/x b/x"),
        ("rules:\n  - {changes: ['$UNKNOWN/*'], when: never}\n  - changes: [a/*]", "a/x"),
    ] {
        let text = format!(
            "== .gitlab-ci.yml\ninclude: /ci/base.yml\nbuild:\n  script: x\n  {job}\n\
            == ci/base.yml\n.base:\n  rules:\n  - changes: [b/*]\n"
        );
        assert_eq!(admitted(&text, "a/x b/x c"), wanted.split_whitespace().collect::<Vec<_>>(), "{job}");
    }
}

#[test]
fn a_rule_that_keeps_a_job_from_starting_holds_for_all_of_a_commit() {
    let text = "== .gitlab-ci.yml\nbuild:\n  rules:\n  - changes: [docs/*]\n    when: never\n  - changes: [a/*]\n";
    let pipelines = pipelines(text);
    let filter = filters(&pipelines)[0];
    let commit = |paths: &[&str]| -> Vec<Change> {
        paths.iter().map(|file| Change { path: path(file), kind: ChangeKind::Modified }).collect()
    };
    assert!(filter.admits_any(&commit(&["a/x", "c"])));
    assert!(!filter.admits_any(&commit(&["a/x", "docs/x"])));
    assert!(!filter.admits_any(&commit(&["c"])));
    assert_eq!(told(&pipelines.findings), ["never-for-any .gitlab-ci.yml:3"]);
}

#[test]
fn a_rule_that_starts_the_job_anyway_and_a_narrow_pattern_are_told() {
    let text = "== a/b/x
== .gitlab-ci.yml
one:
  rules:
  - changes: [a/**]
  - when: always
two:
  rules:
  - changes: [a/**]
  - when: manual
";
    let pipelines = pipelines(text);
    assert_eq!(names(&pipelines), ["job two"]);
    assert_eq!(
        told(&pipelines.findings),
        ["filter-without-effect .gitlab-ci.yml:4", "narrow-pattern .gitlab-ci.yml:7"]
    );
}

#[test]
fn tags_and_headers_of_gitlab_are_no_fault() {
    let text = "== .gitlab-ci.yml
spec:
  inputs: {x: {}}
---
.r:
  rules: [{changes: [a/*]}]
build:
  script: [!reference [.s, script], cd src]
  rules:
  - changes: [b/*]
";
    let pipelines = pipelines(text);
    assert_eq!(told(&pipelines.findings), [""; 0]);
    assert_eq!(names(&pipelines), ["job build"]);
}

#[test]
fn filters_of_paths_filter_may_stand_in_a_file_and_may_be_broken() {
    let text = "== .github/workflows/a.yml
on: push
jobs:
  c:
    steps:
      - uses: dorny/paths-filter@v4
        with: {filters: .github/filters.yml}
== .github/filters.yml
api:
  - a/**
";
    assert_eq!(admitted(text, "a/x b"), ["a/x"]);
    assert_eq!(filters(&pipelines(text))[0].place.file, path(".github/filters.yml"));
    let broken = pipelines(&filtered("some", "api: [a"));
    assert_eq!(told(&broken.findings), ["unreadable-pipeline .github/workflows/a.yml:12"]);
}

#[test]
fn lists_excludes_and_groups_of_buildkite_are_read() {
    let text = "== .buildkite/pipeline.yml
steps:
- group: g
  steps:
  - key: k
    if_changed:
      include: [a/**, b]
      exclude: a/x
- wait
- command: make
  if_changed: [c]
";
    assert_eq!(admitted(text, "a/x a/y b c"), ["a/y", "b"]);
    assert_eq!(names(&pipelines(text)), ["step k", "step without a name"]);
}

#[test]
fn a_mapping_of_circleci_is_a_filter_for_each_parameter() {
    let text = "== api/x
== web/x
== .circleci/config.yml
setup: true
workflows:
  start:
    jobs:
      - path-filtering/filter:
          base-revision: main
          mapping: |
            api/.* run-api true
            (web|lib)/.*[.]ts run-web true
            docs/.* run-api true
          config-path: .circleci/more.yml
== .circleci/more.yml
jobs:
  build:
    working_directory: ~/x
    steps: [{run: cd api && make}]
workflows:
  api:
    when: << pipeline.parameters.run-api >>
    jobs: [build]
  web:
    when: {or: [<< pipeline.parameters.run-api-too >>]}
    jobs: [other]
";
    assert_eq!(admitted(text, "api/x docs/a/b xapi/x web/x.ts"), ["api/x", "docs/a/b"]);
    let pipelines = pipelines(text);
    let lines: Vec<u32> = filters(&pipelines).iter().map(|filter| filter.place.line).collect();
    assert_eq!(
        (names(&pipelines), lines),
        (vec!["parameter run-api".to_owned(), "parameter run-web".to_owned()], vec![8, 9])
    );
    assert_eq!(named(&pipelines, 0), ["api .circleci/more.yml:4"]);
}

#[test]
fn a_stage_of_jenkins_has_its_changesets_and_its_lines() {
    let text = "== api/x
== web/x
== ops/Jenkinsfile.ci
pipeline {
  // stage('no') { changeset 'x' }
  stages {
    stage('api') {
      when { anyOf { changeset 'api/**'; changeset \"lib/**\" } }
      steps { sh '''cd api
        make''' }
    }
    stage('web') {
      when { not { changeset 'docs/**' } }
      steps { dir('web') { sh 'make' } }
    }
  }
}
";
    assert_eq!(admitted(text, "api/x lib/x docs/x x"), ["api/x", "lib/x"]);
    let pipelines = pipelines(text);
    assert_eq!((names(&pipelines), filters(&pipelines)[0].place.line), (vec!["stage api".to_owned()], 5));
    assert_eq!(named(&pipelines, 0), ["api ops/Jenkinsfile.ci:6"]);
    assert_eq!(pipelines.pipelines[0].work.mentions.len(), 2);
}

#[test]
fn case_96_broken_and_hostile_files_are_findings() {
    let deep = "[".repeat(5000);
    for (file, text) in [
        (".github/workflows/a.yml", "on: [push"),
        (".github/workflows/a.yml", deep.as_str()),
        ("azure-pipelines.yml", "a: &a [*a]\nb: *c"),
        (".gitlab-ci.yml", "a: b: c"),
        (".buildkite/p.yml", "- ["),
        (".circleci/config.yml", "{"),
    ] {
        let found = pipelines(&format!("== {file}\n{text}\n"));
        assert!(told(&found.findings).iter().all(|told| told.starts_with("unreadable-pipeline")), "{file}: {text:.20}");
        assert_eq!(found.findings.len(), 1, "{file}: {text:.20}");
    }
    // Templates, includes, actions and jobs that use themselves come to an end.
    for text in [
        "== azure-pipelines.yml\njobs:\n- template: azure-pipelines.yml\n",
        "== .gitlab-ci.yml\ninclude: .gitlab-ci.yml\na: {extends: b, trigger: {include: .gitlab-ci.yml}}\nb: {extends: a}\n",
        "== .github/workflows/a.yml\non: push\njobs: {a: {uses: ./.github/workflows/a.yml}}\n",
        "== Jenkinsfile\npipeline { stage('a' { }}}}}} '''\n",
    ] {
        assert!(pipelines(text).findings.is_empty(), "{text}");
    }
}

#[test]
fn case_96_more_than_people_write_is_left_aside_with_a_word() {
    let many: String = (0..3000).map(|at| format!("- if_changed: a{at}\n")).collect();
    let found = pipelines(&format!("== .buildkite/p.yml\nsteps:\n{many}"));
    assert_eq!(
        (filters(&found).len(), told(&found.findings)),
        (1000, vec!["unreadable-pipeline .buildkite/p.yml:0".to_owned()])
    );
    let values: Vec<String> = (0..400).map(|at| format!("v{at}")).collect();
    let lines = "        make -C ./${{ matrix.v }}\n".repeat(20_000);
    let text = format!(
        "== v7/x\n== .github/workflows/a.yml\non: push\njobs:\n  a:\n    strategy: {{matrix: {{v: [{}]}}}}\n    steps:\n\
        \x20   - run: |\n{lines}",
        values.join(", ")
    );
    let work = &pipelines(&text).pipelines[0].work;
    assert!(work.is_hidden && work.mentions.len() == 1);
}
