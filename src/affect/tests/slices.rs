//! Files that are read in slices: a change reaches those who read the entries that changed, and nobody else.

use std::collections::BTreeSet;

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
fn case_91_another_way_into_a_circle_of_entries_is_no_change() {
    let entry = |name: &str, needs: &str| {
        format!(
            "[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\nsource = \"registry+x\"\ndependencies = [{needs}]\n"
        )
    };
    let tree = |needs: &str| {
        let circle = [entry("inner", "\"outer\""), entry("middle", ""), entry("outer", "\"inner\"")].concat();
        format!(
            "== a/Cargo.toml\n[package]\nname = \"a\"\n== a/Cargo.lock\nversion = 4\n[[package]]\nname = \"a\"\ndependencies = [{needs}]\n{circle}"
        )
    };
    check(&tree("\"middle\", \"outer\""), &tree("\"inner\", \"middle\", \"outer\""), &[]);
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
    let told = |base: &str, head: &str| {
        let (base, head) = (Known::parse(base), Known::parse(head));
        let found = affected(&base, &head, true);
        let causes = found.tasks().flat_map(|task| found.task(&head.workspace, task).unwrap().causes);
        let told: BTreeSet<String> = causes
            .filter_map(|cause| match cause {
                Cause::Slice { path, entry, change, evidence } => {
                    Some(format!("{path}:{} {entry} {change:?}", evidence.line))
                }
                _ => None,
            })
            .collect();
        told.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(told(LOCKED, &LOCKED.replace("deep-1", "deep-2")), ["Cargo.lock:10 deep 1.0.0 Modified"]);
    // An entry that comes is told, and so is the one that needs it now; and the same when it goes.
    let without = LOCKED.replace("dependencies = [\"deep\"]\n", "").replace(
        "[[package]]\nname = \"deep\"\nversion = \"1.0.0\"\nsource = \"registry+x\"\nchecksum = \"deep-1\"\n",
        "",
    );
    assert_eq!(told(&without, LOCKED), ["Cargo.lock:10 deep 1.0.0 Added", "Cargo.lock:15 one 1.0.0 Modified"]);
    assert_eq!(told(LOCKED, &without), ["Cargo.lock:10 deep 1.0.0 Deleted", "Cargo.lock:10 one 1.0.0 Modified"]);
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

/// `a` needs a version of `x` of its own, which needs `deep`; `b` has the one that all find; the root has a tool.
const NPM: &str = "\
== package.json
{\"private\": true, \"workspaces\": [\"packages/*\"],
\"devDependencies\": {\"tool\": \"^1\"}}
== packages/a/package.json
{\"name\": \"a\", \"scripts\": {\"build\": \"x\"},
\"dependencies\": {\"x\": \"^2\", \"b\": \"*\"}}
== packages/b/package.json
{\"name\": \"b\", \"version\": \"1.0.0\", \"scripts\": {\"build\": \"x\"},
\"dependencies\": {\"x\": \"^1\"}}
== packages/c/package.json
{\"name\": \"c\", \"scripts\": {\"build\": \"x\"}}
== package-lock.json
{\"lockfileVersion\": 3, \"packages\": {
\"\": {\"devDependencies\": {\"tool\": \"^1\"}},
\"packages/a\": {\"dependencies\": {\"x\": \"^2\", \"b\": \"*\"}},
\"packages/b\": {\"dependencies\": {\"x\": \"^1\"}},
\"packages/c\": {},
\"node_modules/b\": {\"resolved\": \"packages/b\", \"link\": true},
\"node_modules/tool\": {\"version\": \"1.0.0\"},
\"node_modules/deep\": {\"version\": \"1.0.0\"},
\"node_modules/x\": {\"version\": \"1.0.0\"},
\"packages/a/node_modules/x\": {\"version\": \"2.0.0\",
 \"dependencies\": {\"deep\": \"*\"}}
}}
";

const EVERY: [&str; 3] = ["packages/a:build", "packages/b:build", "packages/c:build"];
const OF_A: [&str; 1] = ["packages/a:build"];
const OF_A_AND_B: [&str; 2] = ["packages/a:build", "packages/b:build"];

#[test]
fn case_91_a_changed_entry_of_npm_reaches_those_who_find_it() {
    let bump =
        |entry: &str| NPM.replace(&format!("{entry}\": {{\"version\": \""), &format!("{entry}\": {{\"version\": \"9"));
    check(NPM, &bump("packages/a/node_modules/x"), &OF_A);
    check(NPM, &bump("node_modules/deep"), &OF_A);
    // `b` is built with it, and `a` reads what is built.
    check(NPM, &bump("\"node_modules/x"), &OF_A_AND_B);
    check(NPM, &bump("node_modules/tool"), &EVERY);
    // Without its own, `a` finds the one of all.
    check(NPM, &NPM.replace("\"packages/a/node_modules/x\"", "\"packages/c/node_modules/x\""), &OF_A);
    check(
        NPM,
        &NPM.replace(
            "\"node_modules/tool\": {",
            "\"node_modules/new\": {},\n\"node_modules/tool\": {\n\"dev\": true, ",
        ),
        &[],
    );
}

#[test]
fn case_91_a_member_without_an_edge_is_gone_through() {
    // No range of the registry's is a member's: there is no edge, and yet the lockfile links it.
    let linked = NPM.replace("\"b\": \"*\"}}\n== packages/b", "\"b\": \"^7\"}}\n== packages/b");
    let bumped = linked.replace("\"node_modules/x\": {\"version\": \"1", "\"node_modules/x\": {\"version\": \"3");
    check(&linked, &bumped, &OF_A_AND_B);
}

#[test]
fn case_91_what_only_the_root_links_is_no_members() {
    let base = NPM.replace("{\"tool\": \"^1\"}", "{\"tool\": \"^1\", \"b\": \"*\"}");
    let bumped = base.replace("\"node_modules/x\": {\"version\": \"1", "\"node_modules/x\": {\"version\": \"3");
    check(&base, &bumped, &OF_A_AND_B);
}

#[test]
fn case_91_a_lockfile_of_node_that_cannot_be_cut_reaches_all_below_it() {
    check(NPM, &NPM.replace("\"lockfileVersion\": 3", "\"lockfileVersion\": 4"), &EVERY);
    check(NPM, &NPM.replace("{\"lockfileVersion\": 3", "<<<<<<< ours\n{\"lockfileVersion\": 3"), &EVERY);
    let cut_short = &NPM[..NPM.find("\"node_modules/deep\"").unwrap()];
    check(NPM, cut_short, &EVERY);
    let unknown = NPM.replace("\"lockfileVersion\": 3", "\"lockfileVersion\": 4");
    check(&unknown, &unknown.replace("deep\": {\"version\": \"1", "deep\": {\"version\": \"2"), &EVERY);
    // Whoever is not in it reads all of it.
    let without = NPM.replace("\"packages/c\": {},\n", "");
    let bumped = without.replace("deep\": {\"version\": \"1", "deep\": {\"version\": \"2");
    check(&without, &bumped, &["packages/a:build", "packages/c:build"]);
}

#[test]
fn case_91_a_lockfile_of_node_is_whole_to_who_copies_it_and_to_who_is_not_installed_from_it() {
    let image = format!("{NPM}== svc/Dockerfile\nFROM scratch\nCOPY package-lock.json /\n");
    let bumped = |tree: &str| tree.replace("deep\": {\"version\": \"1", "deep\": {\"version\": \"2");
    check_some(&image, &bumped(&image), &["svc:image", "packages/a:build"], &["packages/b:build"]);
    let alone =
        format!("{NPM}== packages/c/package-lock.json\n{{\"lockfileVersion\": 3, \"packages\": {{\"\": {{}}}}}}\n");
    check(&alone, &bumped(&alone), &OF_A);
    check(&alone, &alone.replace("{\"\": {}}", "{\"\": {}, \"node_modules/n\": {}}"), &["packages/c:build"]);
}

#[test]
fn case_91_an_alone_package_reads_its_own_lockfile() {
    let base = "== web/package.json\n{\"name\": \"web\", \"dependencies\": {\"x\": \"1\"}}\n== web/yarn.lock\n# yarn lockfile v1\n\nx@1:\n  version \"1.0.0\"\n\ny@1:\n  version \"1.0.0\"\n";
    check(base, &base.replace("x@1:\n  version \"1", "x@1:\n  version \"2"), &["web:build"]);
    check(base, &base.replace("y@1:\n  version \"1", "y@1:\n  version \"2"), &[]);
    check(base, &base.replace("x@1:\n", "# again\nx@1, x@^1:\n"), &[]);
}

/// A workspace of pnpm with a catalog.
const PNPM: &str = "\
== package.json
{\"private\": true}
== pnpm-workspace.yaml
packages: [packages/*]
catalog:
  x: ^1
  y: ^1
catalogs: {old: {x: ^0}}
overrides:
  deep: ^1
== pnpm-lock.yaml
lockfileVersion: '9.0'
settings:
  autoInstallPeers: true
importers:
  .: {}
  packages/a:
    dependencies:
      x:
        specifier: 'catalog:'
        version: 1.0.0
  packages/b:
    dependencies:
      a:
        specifier: workspace:*
        version: link:../a
packages:
  x@1.0.0:
    resolution: {integrity: sha512-x}
snapshots:
  x@1.0.0: {}
== packages/a/package.json
{\"name\": \"a\", \"dependencies\": {\"x\": \"catalog:\"}}
== packages/b/package.json
{\"name\": \"b\", \"dependencies\": {\"x\": \"catalog:old\"}}
== packages/c/package.json
{\"name\": \"c\"}
";

#[test]
fn case_91_the_settings_of_pnpm_reach_all_and_catalogs_whoever_asks() {
    let base = PNPM.replace("packages/b:\n    dependencies:", "packages/c: {}\n  packages/b:\n    dependencies:");
    check(&base, &base.replace("sha512-x", "sha512-z"), &OF_A_AND_B);
    check(&base, &base.replace("autoInstallPeers: true", "autoInstallPeers: false"), &EVERY);
    check(&base, &base.replace("  x: ^1\n", "  x: ^1.5\n"), &OF_A);
    check(&base, &base.replace("x: ^0", "x: ^0.5"), &["packages/b:build"]);
    check(&base, &base.replace("  y: ^1\n", "  y: ^1.5\n"), &[]);
    check(&base, &base.replace("packages: [packages/*]", "# all\npackages: ['packages/*']"), &[]);
    check(&base, &base.replace("catalog:\n", "nodeLinker: hoisted\ncatalog:\n"), &EVERY);
    // What is overridden shows in the lockfile, to those who are in it.
    check(&base, &base.replace("deep: ^1", "deep: ^2"), &[]);
    check(PNPM, &PNPM.replace("deep: ^1", "deep: ^2"), &["packages/c:build"]);
}

/// A root and a member with all sorts of keys.
const KEYS: &str = "\
== package.json
{\"private\": true, \"workspaces\": [\"a\"],
\"scripts\": {\"lint\": \"x\"},
\"devDependencies\": {\"tool\": \"^1\"},
\"overrides\": {\"deep\": \"^1\"},
\"lint-staged\": {\"*\": \"x\"}}
== a/package.json
{\"name\": \"a\", \"version\": \"1.0.0\", \"description\": \"d\", \"keywords\": [\"k\"], \"bugs\": \"u\",
\"exports\": {\"import\": \"./m.js\", \"default\": \"./c.js\"},
\"scripts\": {\"build\": \"x\", \"test\": \"y\"}}
== b/go.mod
module b
";

#[test]
fn case_90_of_manifests_what_a_build_can_see_counts() {
    for (from, to) in [
        ("\"keywords\": [\"k\"]", "\"keywords\": [\"l\"]"),
        ("\"bugs\": \"u\", ", ""),
        ("\"bugs\": \"u\",", "\n\"bugs\":   \"v\",\n\"funding\": \"f\","),
        ("\"build\": \"x\", \"test\": \"y\"", "\"test\": \"y\", \"build\": \"x\""),
        ("\"*\": \"x\"", "\"*\": \"z\""),
        ("[\"a\"]", "[\"a\", \"none\"]"),
    ] {
        check(KEYS, &KEYS.replace(from, to), &[]);
    }
    for (from, to) in [
        ("\"description\": \"d\"", "\"description\": \"e\""),
        ("\"version\": \"1.0.0\"", "\"version\": \"1.0.1\""),
        // The first condition that fits wins.
        ("\"import\": \"./m.js\", \"default\": \"./c.js\"", "\"default\": \"./c.js\", \"import\": \"./m.js\""),
        ("\"tool\": \"^1\"", "\"tool\": \"^2\""),
        ("\"lint\": \"x\"", "\"lint\": \"y\""),
        // No lockfile says what it comes to.
        ("\"deep\": \"^1\"", "\"deep\": \"^2\""),
    ] {
        check(KEYS, &KEYS.replace(from, to), &A);
    }
    let image = format!("{KEYS}== svc/Dockerfile\nFROM scratch\nCOPY a/package.json /\n");
    check(&image, &image.replace("\"k\"", "\"l\""), &["svc:image"]);
}

/// Two services that are built here, one that is not, and the values that they use.
const DEPLOYED: &str = "\
== compose.yaml
services:
  a:
    build: a
    environment: {PORT: \"${PORT}\"}
    depends_on: [queue]
    volumes: [\"./conf/a.yml:/etc/a.yml\"]
  b: {build: b, env_file: b.env}
  queue: {image: \"queue:${QUEUE}\"}
  lone: {image: \"lone:${LONE}\"}
== .env
BASE=80
PORT=${BASE}80
QUEUE=1
LONE=1
== b.env
== conf/a.yml
== conf/lone.yml
== a/Dockerfile
FROM scratch
== b/Dockerfile
FROM scratch
";

#[test]
fn case_86_a_key_of_an_environment_file_reaches_the_services_that_use_it() {
    check(DEPLOYED, &DEPLOYED.replace("PORT=${BASE}80", "PORT=1"), &["a:compose"]);
    check(DEPLOYED, &DEPLOYED.replace("BASE=80", "BASE=81"), &["a:compose"]);
    check(DEPLOYED, &DEPLOYED.replace("QUEUE=1", "QUEUE=2"), &["a:compose"]);
    check(DEPLOYED, &DEPLOYED.replace("QUEUE=1\n", ""), &["a:compose"]);
    check(DEPLOYED, &DEPLOYED.replace("LONE=1", "LONE=2"), &[]);
    check(DEPLOYED, &DEPLOYED.replace("QUEUE=1\nLONE=1", "# why\nLONE=1\n\nQUEUE=1\nNEW=1"), &[]);
    let both = ["a:compose", "b:compose"];
    check(DEPLOYED, &DEPLOYED.replace("BASE=80", "BASE=80\nCOMPOSE_PROJECT_NAME=x"), &both);
    // An argument of a build is one of the image too.
    let built = DEPLOYED.replace("build: b,", "build: {context: b, args: {Q: \"${QUEUE}\"}},");
    check(&built, &built.replace("QUEUE=1", "QUEUE=2"), &["a:compose", "b:compose", "b:image"]);
}

#[test]
fn case_86_an_entry_of_a_compose_file_reaches_the_services_that_need_it() {
    check(DEPLOYED, &DEPLOYED.replace("{image: \"queue:", "{restart: always, image: \"queue:"), &["a:compose"]);
    check(DEPLOYED, &DEPLOYED.replace("env_file: b.env}", "env_file: b.env, restart: always}"), &["b:compose"]);
    check(DEPLOYED, &DEPLOYED.replace("{image: \"lone:", "{restart: always, image: \"lone:"), &[]);
    check(DEPLOYED, &DEPLOYED.replace("services:\n", "# all\nversion: '3'\nservices:\n"), &[]);
    check(DEPLOYED, &DEPLOYED.replace("services:\n", "name: n\nservices:\n"), &["a:compose", "b:compose"]);
    check(DEPLOYED, &DEPLOYED.replace("== conf/a.yml\n", "== conf/a.yml\nx\n"), &["a:compose"]);
    check(DEPLOYED, &DEPLOYED.replace("== b.env\n", "== b.env\nX=1\n"), &["b:compose"]);
    let all = ["a:compose", "a:image", "b:compose", "b:image"];
    check_some(DEPLOYED, &DEPLOYED.replace("== conf/lone.yml\n", "== conf/lone.yml\nx\n"), &all, &[]);
}
