//! `go.mod` and `go.sum`, read by what they say.

use super::{check, check_some};

/// `one` needs nothing from outside, `two` imports `a`, of which nobody knows what it needs.
const MODULE: &str = "\
== go.mod
module example.com/m

go 1.22

require example.org/a v1.0.0

require (
\texample.org/b v1.0.0
\texample.org/c v1.0.0 // indirect
)
== go.sum
example.org/a v1.0.0 h1:a1=
example.org/a v1.0.0/go.mod h1:am=
example.org/b v0.9.0/go.mod h1:old=
example.org/b v1.0.0 h1:b1=
example.org/b v1.0.0/go.mod h1:bm=
example.org/c v1.0.0 h1:c1=
== cmd/one/main.go
package main
import \"fmt\"
== cmd/two/main.go
package main
import \"example.org/a/x\"
== cmd/three/main.go
package main
import \"os\"
== cmd/three/main_test.go
package main
import \"example.org/b\"
";

const ALL: [&str; 8] = [
    ".:build",
    ".:test",
    "cmd/one:build",
    "cmd/one:test",
    "cmd/three:build",
    "cmd/three:test",
    "cmd/two:build",
    "cmd/two:test",
];

/// Who needs any requirement.
const NEED: [&str; 5] = [".:build", ".:test", "cmd/three:test", "cmd/two:build", "cmd/two:test"];

#[track_caller]
fn reaches(base: &str, from: &str, to: &str, expected: &[&str]) {
    let head = base.replacen(from, to, 1);
    assert_ne!(base, head, "{from}");
    check(base, &head, expected);
    check(&head, base, expected);
}

#[test]
fn case_91_a_version_reaches_those_who_need_any_module() {
    reaches(MODULE, "a v1.0.0\n\nrequire", "a v1.1.0\n\nrequire", &NEED);
    reaches(MODULE, "b v1.0.0\n\t", "b v1.1.0\n\t", &NEED);
    reaches(MODULE, "c v1.0.0 //", "c v1.1.0 //", &NEED);
    reaches(MODULE, "\texample.org/c v1.0.0 // indirect\n", "", &NEED);
    for sum in ["h1:a1=", "h1:am=", "h1:b1=", "h1:bm=", "h1:c1="] {
        reaches(MODULE, sum, "h1:x=", &NEED);
    }
    reaches(MODULE, "example.org/c v1.0.0 h1:c1=\n", "", &NEED);
    reaches(
        MODULE,
        "example.org/c v1.0.0 h1:c1=\n",
        "example.org/c v1.0.0 h1:c1=\nexample.org/c v1.0.0/go.mod h1:d=\n",
        &NEED,
    );
}

#[test]
fn case_91_order_comments_and_hashes_of_other_versions_reach_nobody() {
    reaches(MODULE, " // indirect", "", &[]);
    reaches(MODULE, "go 1.22\n", "go 1.22 // why\n\n", &[]);
    reaches(MODULE, "require example.org/a v1.0.0\n\nrequire (\n", "require (\n\texample.org/a v1.0.0\n", &[]);
    reaches(MODULE, "example.org/b v0.9.0/go.mod h1:old=\n", "", &[]);
    reaches(
        MODULE,
        "example.org/c v1.0.0 h1:c1=\n",
        "example.org/d v1.0.0/go.mod h1:d=\nexample.org/c v1.0.0 h1:c1=\n\n",
        &[],
    );
    reaches(MODULE, "go 1.22\n", "go 1.22\nretract v0.1.0\n", &[]);
}

#[test]
fn case_91_what_acts_on_every_build_reaches_all() {
    for (from, to) in [
        ("go 1.22\n", "go 1.23\n"),
        ("go 1.22\n", "go 1.22\ntoolchain go1.23.1\n"),
        ("go 1.22\n", "go 1.22\ngodebug default=go1.21\n"),
        ("go 1.22\n", "go 1.22\nexclude example.org/a v0.1.0\n"),
        ("go 1.22\n", "go 1.22\nreplace example.org/a => example.org/fork v1.0.0\n"),
        ("a v1.0.0\n\nrequire", "a main\n\nrequire"),
        ("== go.sum\n", "== go.sum\ngolang.org/toolchain v0.0.1-go1.23.1.linux-amd64 h1:t=\n"),
    ] {
        reaches(MODULE, from, to, &ALL);
    }
}

#[test]
fn case_91_hashes_of_a_replacement_count() {
    let replaced = MODULE.replace("go 1.22\n", "go 1.22\nreplace example.org/a => example.org/fork v1.0.0\n");
    let replaced = replaced.replace("== go.sum\n", "== go.sum\nexample.org/fork v1.0.0 h1:f=\n");
    reaches(&replaced, "h1:f=", "h1:g=", &NEED);
}

#[test]
fn case_91_where_more_may_count_all_of_both_files_does() {
    let old = "example.org/b v0.9.0/go.mod h1:old=\n";
    for tree in [
        MODULE.replace("go 1.22", "go 1.16"),
        MODULE.replace("go 1.22\n\n", ""),
        format!("{MODULE}== go.work\ngo 1.22\nuse .\n"),
        MODULE.replace("h1:c1=\n", "h1:c1=\n<<<<<<< ours\n"),
    ] {
        check(&tree, &tree.replace(old, ""), &ALL);
    }
    // What is vendored has to fit all requirements.
    let vendored = format!("{MODULE}== vendor/modules.txt\n# example.org/a v1.0.0\n");
    check(&vendored, &vendored.replace("c v1.0.0 //", "c v1.1.0 //"), &ALL);
    // A module inside this one's path may provide what looks like a package of it.
    let inside = MODULE.replace("example.org/b v1.0.0\n\t", "example.com/m/inside v1.0.0\n\t");
    check(&inside, &inside.replace("a v1.0.0\n\nrequire", "a v1.1.0\n\nrequire"), &ALL);
}

#[test]
fn case_91_a_module_reads_what_a_module_beside_it_requires() {
    let lib = "== lib/go.mod\nmodule example.com/lib\ngo 1.22\nrequire example.org/d v1.0.0\n== lib/go.sum\nexample.org/d v1.0.0 h1:d=\nexample.org/e v1.0.0/go.mod h1:e=\n";
    let app = "== app/go.mod\nmodule example.com/app\ngo 1.22\nrequire example.com/lib v0.0.0\nreplace example.com/lib => ../lib\n";
    let tree = format!("{lib}{app}");
    let all = ["app:build", "app:test", "lib:build", "lib:test"];
    check(&tree, &tree.replace("d v1.0.0\n==", "d v1.1.0\n=="), &all);
    check(&tree, &tree.replace("h1:d=", "h1:x="), &all);
    check(&tree, &tree.replace("h1:e=", "h1:x="), &[]);
    check_some(&tree, &tree.replace("module example.com/lib\ngo 1.22", "module example.com/lib\ngo 1.23"), &all, &[]);
}
