//! Lockfiles and manifests of Python, read in slices.

use super::{check, check_some};

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
