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

/// A workspace of uv with the lockfile that uv made. `root` needs `alpha`, that `beta`; `alpha` has tests.
fn uv() -> String {
    let file = |path: &str, text: &str| format!("== {path}\n{text}");
    [
        file("pyproject.toml", include_str!("../../../fixtures/lock-uv/pyproject.toml")),
        file("packages/alpha/pyproject.toml", include_str!("../../../fixtures/lock-uv/packages/alpha/pyproject.toml")),
        file("packages/alpha/tests/test_a.py", ""),
        file("packages/beta/pyproject.toml", include_str!("../../../fixtures/lock-uv/packages/beta/pyproject.toml")),
        file("uv.lock", include_str!("../../../fixtures/lock-uv/uv.lock")),
    ]
    .concat()
}

/// The same, where the root is no project and so reads nothing.
fn virtual_uv() -> String {
    let (before, rest) =
        uv().split_once("[project]\nname = \"root\"").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    before
        + rest
            .split_once("[dependency-groups]")
            .unwrap()
            .1
            .split_once("[tool")
            .map(|(_, b)| format!("[tool{b}"))
            .unwrap()
            .as_str()
}

const OF_ALPHA: [&str; 3] = [".:build", "packages/alpha:build", "packages/alpha:test"];
const OF_ALL: [&str; 4] = [".:build", "packages/alpha:build", "packages/alpha:test", "packages/beta:build"];

/// The text with another version of a package that has one entry.
fn bumped(text: &str, package: &str) -> String {
    let entry = format!("name = \"{package}\"\nversion = \"");
    assert_eq!(text.matches(&entry).count(), 1, "{package}");
    text.replace(&entry, &format!("{entry}9"))
}

#[test]
fn case_91_a_package_of_uv_reaches_those_who_need_it() {
    let base = uv();
    for (package, expected) in [
        ("anyio", &OF_ALPHA[..]),
        ("idna", &OF_ALPHA),
        ("click", &OF_ALL),
        // Of an extra of `alpha`.
        ("jaraco-context", &OF_ALPHA),
        ("backports-tarfile", &OF_ALPHA),
        // Of its group `test`.
        ("iniconfig", &["packages/alpha:test"]),
        // Of the group `dev` of the root, which has no tests itself.
        ("pluggy", &[".:build", "packages/alpha:test"]),
    ] {
        check(&base, &bumped(&base, package), expected);
    }
    // The file that is installed, and not the version.
    let (at, _) = base.match_indices("sha256:").nth(2).unwrap();
    check(&base, &format!("{}sha256:0{}", &base[..at], &base[at + 7..]), &OF_ALPHA);
    // What a dependency hangs on.
    let marked = base.replacen("{ name = \"idna\" }", "{ name = \"idna\", marker = \"os_name == 'nt'\" }", 1);
    assert_ne!(marked, base);
    check(&base, &marked, &OF_ALPHA);
    check(
        &base,
        &base.replace("requires-python = \">=3.11\"\n\n[manifest]", "requires-python = \">=3.12\"\n\n[manifest]"),
        &OF_ALL,
    );
}

#[test]
fn case_91_a_lockfile_of_uv_that_says_the_same_reaches_nobody() {
    let base = uv();
    let (before, packages) = base.split_once("[[package]]").unwrap();
    let mut entries: Vec<&str> = packages.split("[[package]]").collect();
    entries.reverse();
    let turned = format!("{before}[[package]]{}", entries.join("\n# moved\n[[package]]"));
    check(&base, &turned, &[]);
    check(&base, &base.replace("revision = 5", "revision = 6"), &[]);
    check(&base, &base.replace(", upload-time = \"", ", upload-time = \"2"), &[]);
    check(
        &base,
        &format!("{base}[[package]]\nname = \"new\"\nversion = \"1\"\nsource = {{ registry = \"x\" }}\n"),
        &[],
    );
}

#[test]
fn case_91_a_lockfile_of_uv_that_is_not_understood_reaches_all() {
    let base = uv();
    check(&base, &base.replace("version = 1\nrevision", "version = 2\nrevision"), &OF_ALL);
    check_some(&base, &base.replace("version = 1\nrevision", "<<<<<<< ours\nversion = 1\nrevision"), &OF_ALL, &[]);
    // It does not know `beta`, or knows two of it.
    let unknown = base.replace("source = { editable = \"packages/beta\" }", "source = { editable = \"elsewhere\" }");
    let unknown = unknown.replace("source = { virtual = \"packages/beta\" }", "source = { virtual = \"elsewhere\" }");
    assert_ne!(unknown, base);
    check_some(&unknown, &bumped(&unknown, "pluggy"), &["packages/beta:build"], &[]);
    let twice =
        format!("{base}[[package]]\nname = \"b2\"\nversion = \"1\"\nsource = {{ virtual = \"packages/beta\" }}\n");
    check_some(&twice, &bumped(&twice, "pluggy"), &["packages/beta:build"], &[]);
}

#[test]
fn case_91_a_name_of_several_packages_means_each_of_them() {
    let base = uv().replace(
        "[[package]]\nname = \"click\"",
        "[[package]]\nname = \"click\"\nversion = \"1\"\nsource = { registry = \"old\" }\n\n[[package]]\nname = \"click\"",
    );
    check(&base, &base.replace("registry = \"old\"", "registry = \"older\""), &OF_ALL);
    let chosen = base.replacen("{ name = \"click\" }", "{ name = \"click\", version = \"8.5.1\" }", 1);
    assert_ne!(chosen, base);
    check(&chosen, &chosen.replace("registry = \"old\"", "registry = \"older\""), &[]);
}

#[test]
fn case_95_tables_of_a_manifest_reach_those_who_see_them() {
    let base = virtual_uv();
    let alpha = |text: &str| base.replace("[dependency-groups]\ntest", &format!("{text}\n[dependency-groups]\ntest"));
    check(&base, &alpha("# why\n"), &[]);
    check(&base, &alpha("[tool.ruff]\nline-length = 100\n[tool.mypy]\nstrict = true"), &[]);
    check(&base, &alpha("[tool.pytest.ini_options]\naddopts = \"-q\""), &["packages/alpha:test"]);
    check(&base, &alpha("[tool.hatch.build]\nx = 1"), &OF_ALPHA[1..]);
    check(&base, &base.replace("test = [\"iniconfig\"]", "test = [\"iniconfig>=2\"]"), &["packages/alpha:test"]);
    let compiled =
        base.replace("dependencies = [\"click\"]", "dependencies = [\"click\", \"hatch-mypyc\"]\n[tool.mypy]\na = 1");
    check(&compiled, &compiled.replace("a = 1", "a = 2"), &OF_ALL[1..]);
}

#[test]
fn case_95_what_a_workspace_says_reaches_the_members_that_it_is_for() {
    let base = uv();
    check(&base, &base.replace("beta = { workspace = true }", "beta = { workspace = true, x = 1 }"), &OF_ALPHA);
    check(&base, &base.replace("members = [\"packages/*\"]", "members = [\"packages/beta\", \"packages/alpha\"]"), &[]);
    check(&base, &base.replace("[tool.uv.sources]", "[tool.uv]\nprerelease = \"allow\"\n[tool.uv.sources]"), &OF_ALL);
    check(&base, &base.replace("[tool.uv.sources]", "[tool.black]\nx = 1\n[tool.uv.sources]"), &[]);
    let settings = base.replace("[tool.uv.sources]", "[tool.pytest.ini_options]\nx = 1\n[tool.uv.sources]");
    check_some(&settings, &settings.replace("x = 1", "x = 2"), &["packages/alpha:test"], &["packages/alpha:build"]);
}

/// `app` needs `One_Thing`, which needs `deep`, and its group `dev` needs `two`.
const POETRY: &str = "\
== app/pyproject.toml
[tool.poetry]
name = \"app\"
[tool.poetry.dependencies]
python = \"^3.11\"
One_Thing = \"^1\"
[tool.poetry.group.dev.dependencies]
two = \"*\"
== app/tests/test_a.py
== app/poetry.lock
# generated
[[package]]
name = \"deep\"
version = \"1.0\"
description = \"far down\"
files = [{file = \"deep.whl\", hash = \"sha256:1\"}]

[[package]]
name = \"one-thing\"
version = \"1.0\"
[package.dependencies]
Deep = [{version = \">=1\", markers = \"a\"}, {version = \">=2\"}]
absent = {version = \"*\", optional = true}

[[package]]
name = \"two\"
version = \"2.0\"

[metadata]
lock-version = \"2.1\"
python-versions = \"^3.11\"
content-hash = \"abc\"
";

#[test]
fn case_91_a_package_of_poetry_reaches_those_who_need_it() {
    let all = ["app:build", "app:test"];
    check(POETRY, &bumped(POETRY, "deep"), &all);
    check(POETRY, &POETRY.replace("sha256:1", "sha256:2"), &all);
    check(POETRY, &bumped(POETRY, "two"), &["app:test"]);
    check(POETRY, &POETRY.replace("python-versions = \"^3.11\"", "python-versions = \"^3.12\""), &all);
    for same in [
        POETRY.replace("# generated", "# generated by another"),
        POETRY.replace("content-hash = \"abc\"", "content-hash = \"d\""),
        POETRY.replace("far down", "deep down"),
        POETRY.replace("lock-version = \"2.1\"", "lock-version = \"2.0\""),
        POETRY.replace("name = \"one-thing\"", "name = \"one-thing\"\n"),
    ] {
        check(POETRY, &same, &[]);
    }
    check(POETRY, &POETRY.replace("lock-version = \"2.1\"", "lock-version = \"3.0\""), &all);
    check_some(POETRY, &POETRY.replace("# generated", "<<<<<<< HEAD"), &all, &[]);
    // One that cannot be read is no doubt: it hides nothing from anybody else, and its bytes count.
    let broken = POETRY.replace("# generated", "<<<<<<< HEAD") + "== own/pyproject.toml\n[project]\nname = \"own\"\n";
    check(&broken, &broken.replace("name = \"own\"", "name = \"other\""), &["own:build"]);
    check(&broken, &broken.replace("far down", "deep down"), &all);
    // Older locks have the files in a table of their own.
    let older = POETRY.replace(
        "content-hash",
        "files = { deep = [{file = \"x\", hash = \"1\"}], two = [{file = \"y\", hash = \"1\"}] }\ncontent-hash",
    );
    check(&older, &older.replace("file = \"y\"", "file = \"z\""), &["app:test"]);
    check(&older, &older.replace("file = \"x\"", "file = \"z\""), &all);
}

#[test]
fn case_91_a_project_whose_needs_are_computed_reads_all_of_its_lockfile() {
    let computed = POETRY.replace(
        "[tool.poetry]\nname = \"app\"\n[tool.poetry.dependencies]",
        "[project]\nname = \"app\"\ndynamic = [\"dependencies\"]\n[tool.x]",
    );
    check(&computed, &bumped(&computed, "two"), &["app:build", "app:test"]);
}

#[test]
fn case_91_locks_of_pdm_pipenv_and_pylock_are_read_by_package() {
    let pdm = "== app/pyproject.toml\n[project]\nname = \"app\"\ndependencies = [\"one[x]>=1\"]\n[dependency-groups]\ndev = [\"two\"]\n[tool.pdm]\n== app/tests/test_a.py\n== app/pdm.lock\n[metadata]\ngroups = [\"default\", \"dev\"]\nlock_version = \"4.5.0\"\ncontent_hash = \"sha256:a\"\n[[package]]\nname = \"deep\"\nversion = \"1\"\nsummary = \"s\"\n[[package]]\nname = \"one\"\nversion = \"1\"\n[[package]]\nname = \"One\"\nversion = \"1\"\nextras = [\"x\"]\ndependencies = [\"Deep>=1; os_name == 'nt'\", \"one==1\"]\n[[package]]\nname = \"two\"\nversion = \"1\"\n";
    let all = ["app:build", "app:test"];
    check(pdm, &bumped(pdm, "deep"), &all);
    check(pdm, &bumped(pdm, "two"), &["app:test"]);
    check(pdm, &pdm.replace("sha256:a", "sha256:b").replace("\"s\"", "\"t\""), &[]);
    check(pdm, &pdm.replace("4.5.0", "5.0"), &all);
    let joined = pdm.replace("[dependency-groups]", "[project.optional-dependencies]\nfull = [\"App[dev]\"]");
    check(&joined, &bumped(&joined, "two"), &all);
    let pipenv = format!(
        "== app/Pipfile\n{}== app/tests/test_a.py\n== app/Pipfile.lock\n{}",
        include_str!("../../../fixtures/lock-pipenv/Pipfile"),
        include_str!("../../../fixtures/lock-pipenv/Pipfile.lock")
    );
    check(&pipenv, &pipenv.replacen("sha256:59bb", "sha256:0", 1), &all);
    check(&pipenv, &pipenv.replacen("sha256:67f4", "sha256:0", 1), &["app:test"]);
    check(&pipenv, &pipenv.replace("94e482ef", "0").replace("    \"default\": {", "\n\"default\":{"), &[]);
    check(&pipenv, &pipenv.replace("\"pipfile-spec\": 6", "\"pipfile-spec\": 7"), &all);
    let pylock = virtual_uv() + "== packages/pylock.toml\n" + include_str!("../../../fixtures/lock-uv/pylock.toml");
    check(&pylock, &pylock.replace("created-by = \"uv\"", "# by hand\ncreated-by = \"hand\""), &[]);
    let (before, exported) = pylock.split_once("created-by").unwrap();
    let changed = format!(
        "{before}created-by{}",
        exported.replace("name = \"click\"\nversion = \"", "name = \"click\"\nversion = \"9")
    );
    check(&pylock, &changed, &OF_ALL[1..]);
}

/// `App` refers to `one` by a central version and to `Lib`, which refers to `two`.
const CENTRAL: &str = "\
== Directory.Packages.props
<Project>
  <PropertyGroup><ManagePackageVersionsCentrally>true</ManagePackageVersionsCentrally></PropertyGroup>
  <ItemGroup>
    <PackageVersion Include=\"One\" Version=\"1.0\" />
    <PackageVersion Include=\"two\" Version=\"2.0\" />
    <PackageVersion Include=\"three\" Version=\"3.0\" />
  </ItemGroup>
</Project>
== app/App.csproj
<Project Sdk=\"Microsoft.NET.Sdk\">
  <ItemGroup>
    <PackageReference Include=\"one\" />
    <ProjectReference Include=\"..\\lib\\Lib.csproj\" />
  </ItemGroup>
</Project>
== app/packages.lock.json
{\"version\": 2, \"dependencies\": {\"net8.0\": {\"one\": {\"type\": \"Direct\", \"resolved\": \"1.0\"}}}}
== lib/Lib.csproj
<Project Sdk=\"Microsoft.NET.Sdk\"><ItemGroup><PackageReference Include=\"two\" /></ItemGroup></Project>
== own/Own.csproj
<Project Sdk=\"Microsoft.NET.Sdk\"></Project>
";

#[test]
fn case_92_a_central_version_reaches_those_who_refer_to_the_package() {
    let both = ["app:build", "lib:build"];
    let all = ["app:build", "lib:build", "own:build"];
    check(CENTRAL, &CENTRAL.replace("\"1.0\" />", "\"1.1\" />"), &["app:build"]);
    check(CENTRAL, &CENTRAL.replace("\"2.0\"", "\"2.1\""), &both);
    check(CENTRAL, &CENTRAL.replace("\"3.0\"", "\"3.1\""), &[]);
    check(
        CENTRAL,
        &CENTRAL
            .replace("<ItemGroup>\n    <PackageVersion", "<ItemGroup Condition=\"'$(A)' == ''\">\n    <PackageVersion"),
        &both,
    );
    check(CENTRAL, &CENTRAL.replace("</PropertyGroup>", "<A>1</A></PropertyGroup>"), &all);
    check(
        CENTRAL,
        &CENTRAL.replace(
            "</PropertyGroup>",
            "</PropertyGroup><ItemGroup><GlobalPackageReference Include=\"g\" /></ItemGroup>",
        ),
        &all,
    );
    // Whatever may take any version.
    for any in [
        "<CentralPackageTransitivePinningEnabled>true</CentralPackageTransitivePinningEnabled></PropertyGroup>",
        "</PropertyGroup><ItemGroup><PackageVersion Update=\"@(PackageVersion)\" X=\"1\" /></ItemGroup>",
        "</PropertyGroup><ItemGroup><Other Include=\"@(PackageVersion)\" /></ItemGroup>",
        "</PropertyGroup><Import Project=\"Sdk.props\" Sdk=\"Some.Sdk\" />",
    ] {
        let wide = CENTRAL.replace("</PropertyGroup>", any);
        assert_ne!(wide, CENTRAL);
        check(&wide, &wide.replace("\"3.0\"", "\"3.1\""), &all);
    }
    let computed = CENTRAL.replace("Include=\"one\"", "Include=\"$(Unknown)\"");
    check(&computed, &computed.replace("\"3.0\"", "\"3.1\""), &["app:build"]);
}

#[test]
fn case_92_comments_and_layout_of_build_files_reach_nobody() {
    check(
        CENTRAL,
        &CENTRAL.replace("  <ItemGroup>\n    <Pack", "<!-- why -->\n  <ItemGroup>\n\n    <!-- x --> <Pack"),
        &[],
    );
    check(CENTRAL, &CENTRAL.replace("Include=\"One\" Version=\"1.0\"", "Version=\"1.0\"  Include='One'"), &[]);
    check(CENTRAL, &CENTRAL.replace("{\"version\": 2, ", "{\n  // by hand\n  \"version\": 2, "), &[]);
    check(CENTRAL, &CENTRAL.replace("\"resolved\": \"1.0\"", "\"resolved\": \"1.0.1\""), &["app:build"]);
    check_some(CENTRAL, &CENTRAL.replace("{\"version\": 2, ", "<<<<<<< ours\n{\"version\": 2, "), &["app:build"], &[]);
    // The order of definitions means something.
    let defined = CENTRAL.replace("<Project Sdk=\"Microsoft.NET.Sdk\"></Project>", "<Project Sdk=\"Microsoft.NET.Sdk\"><PropertyGroup><A>1</A></PropertyGroup><PropertyGroup><A>2</A></PropertyGroup></Project>");
    let turned = defined.replace(
        "<PropertyGroup><A>1</A></PropertyGroup><PropertyGroup><A>2</A></PropertyGroup>",
        "<PropertyGroup><A>2</A></PropertyGroup><PropertyGroup><A>1</A></PropertyGroup>",
    );
    check(&defined, &turned, &["own:build"]);
    let image = format!("{CENTRAL}== svc/Dockerfile\nFROM scratch\nCOPY own/Own.csproj /\n");
    check(&image, &image.replace("== own/Own.csproj\n", "== own/Own.csproj\n<!-- why -->"), &["svc:image"]);
}

/// `leaf` inherits from `parent`, which has nothing but its POM; `alone` does not.
const POMS: &str = "\
== parent/pom.xml
<project>
  <groupId>g</groupId><artifactId>parent</artifactId><version>1</version><packaging>pom</packaging>
  <name>the parent</name>
  <developers><developer><id>x</id></developer></developers>
  <properties><a>1</a></properties>
</project>
== leaf/pom.xml
<project>
  <parent><groupId>g</groupId><artifactId>parent</artifactId><version>1</version><relativePath>../parent</relativePath></parent>
  <artifactId>leaf</artifactId>
</project>
== alone/pom.xml
<project><groupId>g</groupId><artifactId>alone</artifactId><version>1</version></project>
";

#[test]
fn case_94_what_a_parent_hands_down_reaches_those_that_inherit_it() {
    let leaf = ["leaf:build", "leaf:test", "parent:build", "parent:test"];
    check(POMS, &POMS.replace("<a>1</a>", "<a>2</a>"), &leaf);
    for same in [
        POMS.replace("<properties>", "<!-- why -->\n  <properties>\n "),
        POMS.replace("the parent", "a parent"),
        POMS.replace("<id>x</id>", "<id>y</id>"),
        POMS.replace("<artifactId>leaf</artifactId>\n", "<!-- a leaf -->\n  <artifactId>leaf</artifactId>\n\n"),
    ] {
        check(POMS, &same, &[]);
    }
    check(
        POMS,
        &POMS.replace("<artifactId>leaf</artifactId>", "<artifactId>leaf</artifactId><name>n</name>"),
        &leaf[..2],
    );
}
