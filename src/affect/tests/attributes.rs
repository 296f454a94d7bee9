//! `.gitattributes` says how the files beside and below it are checked out, so it is read with each of them.

use super::super::Cause;
use super::super::testing::{Known, affected, by_fingerprints, ids};
use super::check;
use crate::workspace::{ProjectId, TaskId};

/// A module around another, one with an image that copies one file from a folder of nobody, and one of neither.
const BASE: &str = "\
== a/go.mod
module x/a
== a/in/go.mod
module x/in
== a/in/main.go
1
== a/docs/x.md
1
== b/go.mod
module x/b
== b/Dockerfile
FROM scratch
COPY conf/deep/app.conf /
COPY b /
== c/go.mod
module x/c
== conf/deep/app.conf
1
== conf/other/x.conf
1
";

fn with(file: &str) -> String {
    format!("{BASE}== {file}\n* text eol=crlf\n")
}

#[track_caller]
fn check_all_ways(file: &str, expected: &[&str]) {
    check(BASE, &with(file), expected);
    check(&with(file), BASE, expected);
    check(&with(file), &with(file).replace("eol=crlf", "eol=lf"), expected);
}

const ALL: [&str; 9] =
    ["a:build", "a:test", "a/in:build", "a/in:test", "b:build", "b:image", "b:test", "c:build", "c:test"];

#[test]
fn attributes_reach_the_nested_project_whose_files_they_apply_to() {
    check_all_ways("a/.gitattributes", &["a:build", "a:test", "a/in:build", "a/in:test"]);
    check_all_ways("a/in/.gitattributes", &["a/in:build", "a/in:test"]);
    check_all_ways("a/docs/.gitattributes", &["a:build", "a:test"]);
    check_all_ways(".gitattributes", &ALL);
}

/// The tasks that attributes of a folder that nobody owns affect, whatever else is widened.
#[track_caller]
fn check_shared(base: &str, file: &str, expected: &[&str]) {
    let (base, head) = (Known::parse(base), Known::parse(&format!("{base}== {file}\n* -text\n")));
    let found = affected(&base, &head, false);
    let certain = ids(&head.workspace, found.certain(&head.workspace));
    assert_eq!(certain, by_fingerprints(&base, &head));
    assert_eq!(certain.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
}

#[test]
fn attributes_reach_a_task_that_names_one_file_below_them() {
    check_shared(BASE, "conf/.gitattributes", &["b:image"]);
    check_shared(BASE, "conf/deep/.gitattributes", &["b:image"]);
    check_shared(BASE, "conf/other/.gitattributes", &[]);
    check_shared(BASE, ".gitattributes", &ALL);
}

#[test]
fn attributes_reach_a_task_that_reads_a_file_through_a_link_or_in_slices() {
    let linked = format!("{BASE}== c/link -> ../conf/other/x.conf\n");
    check_shared(&linked, "conf/other/.gitattributes", &["c:build", "c:test"]);
    check_shared(&linked, "conf/.gitattributes", &["b:image", "c:build", "c:test"]);
    let catalog = "\
== settings.gradle
include 'app'
== app/build.gradle
dependencies { implementation libs.guava }
== app/src/main/java/A.java
1
== gradle/libs.versions.toml
[libraries]
guava = 'com.google.guava:guava:1'
";
    check_shared(catalog, "gradle/.gitattributes", &["app:build"]);
}

#[test]
fn attributes_are_blamed_with_the_line_that_makes_a_file_an_input_that_they_apply_to() {
    let (base, head) = (Known::parse(BASE), Known::parse(&with("conf/.gitattributes")));
    let found = affected(&base, &head, false);
    let image = TaskId::new(&ProjectId(crate::workspace::testing::path("b")), "image");
    let at = head.workspace.task_index(&image).unwrap();
    let causes = found.task(&head.workspace, at).unwrap().causes;
    let [Cause::Input { path, evidence, .. }] = &causes.iter().collect::<Vec<_>>()[..] else { panic!("{causes:?}") };
    assert_eq!(
        (path.to_string(), evidence.line, &*evidence.text),
        ("conf/.gitattributes".to_owned(), 2, "COPY conf/deep/app.conf /")
    );
}

#[test]
fn attributes_that_apply_to_files_of_nobody_as_well_are_told_so_and_those_of_an_owner_are_not() {
    let found = |file: &str| affected(&Known::parse(BASE), &Known::parse(&with(file)), false);
    assert_eq!(found("conf/.gitattributes").unowned.len(), 1);
    let owned = found("a/.gitattributes");
    assert!(owned.unowned.is_empty() && owned.unread.is_empty());
}

#[test]
fn attributes_that_the_configuration_ignores_are_nobodys_input() {
    let ignoring = format!("{BASE}== knockon.toml\n[workspace]\nignore = [\"**/.gitattributes\"]\n");
    check(&ignoring, &format!("{ignoring}== a/.gitattributes\n* -text\n"), &[]);
}
