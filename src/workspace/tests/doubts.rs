//! How far reaches what cannot be known.

use super::parsed;
use crate::diagnostic::Severity;
use crate::workspace::testing::path;
use crate::workspace::{ProjectId, Scope, Workspace};

fn scopes(workspace: &Workspace) -> Vec<(&str, Scope)> {
    workspace.doubts.iter().map(|doubt| (doubt.reason.as_str(), doubt.scope.clone())).collect()
}

fn everywhere(name: &str) -> Scope {
    Scope::Ecosystem { name: name.to_owned(), below: path("") }
}

#[test]
fn case_96_a_broken_manifest_that_would_declare_a_project_reaches_its_ecosystem() {
    let workspace = parsed("== a/package.json\n{\"name\": <\n== b/go.mod\nmodule x/b\n");
    assert_eq!(scopes(&workspace), [("unreadable-manifest", everywhere("node"))]);
    assert!(workspace.doubts[0].detail.starts_with("a/package.json:1 cannot be read: "), "{:?}", workspace.doubts);
}

#[test]
fn case_96_a_broken_image_reaches_its_project() {
    let workspace = parsed("== a/go.mod\nmodule x/a\n== a/Dockerfile\nCOPY x y\n");
    assert_eq!(scopes(&workspace), [("unreadable-manifest", Scope::Project(ProjectId(path("a"))))]);
}

#[test]
fn case_96_a_broken_manifest_where_no_project_is_reaches_its_ecosystem() {
    let workspace = parsed("== a/go.mod\nmodule x/a\n== deploy/compose.yaml\nservices: [\n");
    assert_eq!(scopes(&workspace), [("unreadable-manifest", everywhere("docker"))]);
}

#[test]
fn case_96_a_broken_fixture_is_a_file_of_its_project_like_any_other() {
    let workspace = parsed("== a/package.json\n{\"name\": \"a\"}\n== a/fixtures/broken/package.json\n{\"name\": <\n");
    assert_eq!(scopes(&workspace), []);
    let told: Vec<_> = workspace.diagnostics().iter().filter(|f| f.code == "unreadable-manifest").collect();
    assert!(matches!(told[..], [finding] if finding.severity == Severity::Note), "{told:?}");
}

#[test]
fn what_an_ecosystem_cannot_know_reaches_as_far_as_it_says() {
    let workspace = parsed(
        "\
== a/Dockerfile
ARG BASE
FROM $BASE
== b/compose.yaml
services:
  b:
    build: $UNKNOWN/x
",
    );
    let below = Scope::Ecosystem { name: "docker".to_owned(), below: path("b") };
    let expected =
        [("compose-variable-unknown", below), ("docker-base-computed", Scope::Project(ProjectId(path("a"))))];
    assert_eq!(scopes(&workspace), expected);
    assert!(workspace.doubts[0].detail.ends_with(" (b/compose.yaml:3)"), "{:?}", workspace.doubts);
}
