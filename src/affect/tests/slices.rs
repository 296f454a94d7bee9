//! Files that are read in slices: a change reaches those who read the entries that changed, and nobody else.

use super::super::Cause;
use super::super::testing::{Known, affected};
use super::{check, check_some};

/// `a` depends on `one`, which needs `deep`, and its tests on `two`; `b` depends on `three`.
const LOCKED: &str = "\
== Cargo.toml
[workspace]
members = [\"a\", \"b\"]
resolver = \"2\"
== a/Cargo.toml
[package]
name = \"a\"
[dependencies]
one = \"1\"
[dev-dependencies]
two = \"1\"
== b/Cargo.toml
[package]
name = \"b\"
[dependencies]
three = \"1\"
== Cargo.lock
version = 4
[[package]]
name = \"a\"
version = \"0.1.0\"
dependencies = [\"one\", \"two\"]
[[package]]
name = \"b\"
version = \"0.1.0\"
dependencies = [\"three\"]
[[package]]
name = \"deep\"
version = \"1.0.0\"
source = \"registry+x\"
checksum = \"deep-1\"
[[package]]
name = \"one\"
version = \"1.0.0\"
source = \"registry+x\"
dependencies = [\"deep\"]
[[package]]
name = \"three\"
version = \"1.0.0\"
source = \"registry+x\"
[[package]]
name = \"two\"
version = \"1.0.0\"
source = \"registry+x\"
";

const A: [&str; 2] = ["a:build", "a:test"];
const B: [&str; 2] = ["b:build", "b:test"];

#[test]
fn case_91_a_changed_entry_reaches_those_who_need_it() {
    check(LOCKED, &LOCKED.replace("deep-1", "deep-2"), &A);
    check(
        LOCKED,
        &LOCKED.replace("name = \"two\"\nversion = \"1.0.0\"", "name = \"two\"\nversion = \"1.1.0\""),
        &["a:test"],
    );
    check(
        LOCKED,
        &LOCKED.replace("name = \"three\"\nversion = \"1.0.0\"", "name = \"three\"\nversion = \"1.1.0\""),
        &B,
    );
    // Another way to the same crate.
    let more = "name = \"three\"\nversion = \"1.0.0\"\ndependencies = [\"deep\"]";
    check(LOCKED, &LOCKED.replace("name = \"three\"\nversion = \"1.0.0\"", more), &B);
}

#[test]
fn case_91_comments_order_and_entries_that_nobody_needs_reach_nobody() {
    check(LOCKED, &LOCKED.replace("version = 4\n", "# written by hand\nversion = 4\n\n"), &[]);
    check(LOCKED, &LOCKED.replace("\"one\", \"two\"", "\"two\",\n\"one\""), &[]);
    check(LOCKED, &format!("{LOCKED}[[package]]\nname = \"new\"\nversion = \"1.0.0\"\nsource = \"registry+x\"\n"), &[]);
    // A format that says the same: full names of dependencies, checksums in a table of their own.
    let older = LOCKED
        .replace("version = 4\n", "")
        .replace("[\"deep\"]", "[\"deep 1.0.0 (registry+x)\"]")
        .replace("checksum = \"deep-1\"\n", "")
        + "[metadata]\n\"checksum deep 1.0.0 (registry+x)\" = \"deep-1\"\n";
    check(LOCKED, &older, &[]);
}

#[test]
fn case_91_a_lockfile_that_cannot_be_read_in_slices_reaches_all_below_it() {
    let all = ["a:build", "a:test", "b:build", "b:test"];
    check(LOCKED, &LOCKED.replace("version = 4", "version = 5"), &all);
    check_some(LOCKED, &LOCKED.replace("version = 4", "<<<<<<< ours\nversion = 4\n======="), &all, &[]);
    let without = &LOCKED[..LOCKED.find("== Cargo.lock").unwrap()];
    check(LOCKED, without, &all);
    check(without, LOCKED, &all);
}

#[test]
fn case_91_whoever_copies_the_lockfile_reads_all_of_it() {
    let image = format!("{LOCKED}== svc/Dockerfile\nFROM scratch\nCOPY Cargo.lock /\n");
    check_some(&image, &image.replace("checksum = \"deep-1\"", "# deep-1"), &["svc:image"], &["b:build"]);
    let stated = format!("{LOCKED}== knockon.toml\n[project.b]\ninputs = [\"../Cargo.lock\"]\n");
    check_some(&stated, &stated.replace("deep-1", "deep-2"), &["a:build", "b:build"], &[]);
    let ignored = format!("{LOCKED}== knockon.toml\n[workspace]\nignore = [\"Cargo.lock\"]\n");
    check(&ignored, &ignored.replace("deep-1", "deep-2"), &[]);
}

#[test]
fn case_91_the_entries_that_changed_are_told_as_causes() {
    let (base, head) = (Known::parse(LOCKED), Known::parse(&LOCKED.replace("deep-1", "deep-2")));
    let found = affected(&base, &head, true);
    let told: Vec<String> = found
        .tasks()
        .flat_map(|task| found.task(&head.workspace, task).unwrap().causes)
        .filter_map(|cause| match cause {
            Cause::Slice { path, entry, change, evidence } => {
                Some(format!("{path}:{} {entry} {change:?}", evidence.line))
            }
            _ => None,
        })
        .collect();
    assert_eq!(told, ["Cargo.lock:10 deep 1.0.0 Modified", "Cargo.lock:10 deep 1.0.0 Modified"]);
}

/// A workspace whose members inherit; `b` stands on its own words.
const INHERITED: &str = "\
== Cargo.toml
[workspace]
members = [\"a\", \"b\"]
resolver = \"2\"
[workspace.package]
version = \"1.0.0\"
license = \"MIT\"
[workspace.dependencies]
one = \"1\"
two = \"2\"
== a/Cargo.toml
[package]
name = \"a\"
version.workspace = true
[dependencies]
one.workspace = true
== b/Cargo.toml
[package]
name = \"b\"
description = \"what it is\"
keywords = [\"x\"]
";

#[test]
fn case_93_what_is_inherited_reaches_those_that_inherit_it() {
    check(INHERITED, &INHERITED.replace("one = \"1\"", "one = \"1.1\""), &A);
    check(INHERITED, &INHERITED.replace("version = \"1.0.0\"", "version = \"1.0.1\""), &A);
    check(INHERITED, &INHERITED.replace("two = \"2\"", "two = \"3\""), &[]);
    check(INHERITED, &INHERITED.replace("license = \"MIT\"", "license = \"ISC\""), &[]);
    let all = ["a:build", "a:test", "b:build", "b:test"];
    check(INHERITED, &INHERITED.replace("resolver = \"2\"", "resolver = \"3\""), &all);
    check(INHERITED, &INHERITED.replace("== a/", "[profile.dev]\nopt-level = 1\n== a/"), &all);
    check(INHERITED, &INHERITED.replace("[\"a\", \"b\"]", "[\"b\", \"a\"]"), &[]);
}

#[test]
fn case_93_comments_order_and_words_that_no_build_sees_change_nothing() {
    check(INHERITED, &INHERITED.replace("keywords = [\"x\"]", "# why\nkeywords = [\"y\"]\n"), &[]);
    let turned =
        INHERITED.replace("name = \"a\"\nversion.workspace = true", "version = { workspace = true }\nname = \"a\"");
    check(INHERITED, &turned, &[]);
    // Cargo hands the description to the compiler.
    check(INHERITED, &INHERITED.replace("what it is", "another"), &B);
    let image = format!("{INHERITED}== svc/Dockerfile\nFROM scratch\nCOPY b/Cargo.toml /\n");
    check(&image, &image.replace("keywords = [\"x\"]", "keywords = [\"y\"]"), &["svc:image"]);
}
