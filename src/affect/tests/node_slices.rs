//! TypeScript configurations and patches of packages, read in slices.

use super::{check, check_some};

/// `a` extends a configuration by its path, `b` one of a package, and `c` has that of the root by its place.
const CONFIGURED: &str = "\
== package.json
{\"private\": true, \"workspaces\": [\"packages/*\"]}
== tsconfig.json
{\"compilerOptions\": {\"strict\": true}}
== tsconfig.base.json
{\"compilerOptions\": {\"target\": \"es2020\", \"paths\": {\"x*y\": [\"./one/*\"], \"x*z\": [\"./two/*\"]}}}
== packages/config/package.json
{\"name\": \"config\"}
== packages/config/tsconfig.json
{\"compilerOptions\": {\"module\": \"esnext\"}}
== packages/config/deep/tsconfig.json
{\"compilerOptions\": {}}
== packages/a/package.json
{\"name\": \"a\"}
== packages/a/tsconfig.json
{\"extends\": \"../../tsconfig.base.json\", \"include\": [\"src\"]}
== packages/b/package.json
{\"name\": \"b\", \"devDependencies\": {\"config\": \"*\"}}
== packages/b/tsconfig.json
{\"extends\": \"config/tsconfig.json\"}
== packages/c/package.json
{\"name\": \"c\"}
";

#[test]
fn case_90_a_configuration_reaches_those_that_extend_it() {
    let changed = |from: &str, to: &str| CONFIGURED.replace(from, to);
    check(CONFIGURED, &changed("es2020", "es2022"), &["packages/a:build"]);
    check(CONFIGURED, &changed("esnext", "node16"), &["packages/b:build", "packages/config:build"]);
    check(CONFIGURED, &changed("\"strict\": true", "\"strict\": false"), &["packages/c:build"]);
    check(CONFIGURED, &changed("[\"src\"]", "[\"lib\"]"), &["packages/a:build"]);
    // Of two patterns that fit alike, the first counts.
    let turned =
        changed("\"x*y\": [\"./one/*\"], \"x*z\": [\"./two/*\"]", "\"x*z\": [\"./two/*\"], \"x*y\": [\"./one/*\"]");
    check(CONFIGURED, &turned, &["packages/a:build"]);
    // One that is nearer.
    let nearer = format!("{CONFIGURED}== packages/c/tsconfig.json\n{{\"compilerOptions\": {{\"strict\": true}}}}\n");
    check(CONFIGURED, &nearer, &["packages/c:build"]);
    let between = format!("{CONFIGURED}== packages/tsconfig.json\n{{\"compilerOptions\": {{\"strict\": true}}}}\n");
    check(CONFIGURED, &between, &["packages/c:build"]);
}

#[test]
fn case_90_comments_and_the_way_a_configuration_is_written_reach_nobody() {
    let written = CONFIGURED
        .replace("{\"compilerOptions\": {\"target\"", "// why\n{\n  \"compilerOptions\" : {\"target\"")
        .replace(
            "{\"extends\": \"../../tsconfig.base.json\", \"include\": [\"src\"]}",
            "{\"include\": [\"src\",], /* x */ \"extends\": \"../../tsconfig.base.json\"}",
        )
        .replace("\"strict\": true}", "\"strict\": true,}");
    check(CONFIGURED, &written, &[]);
}

#[test]
fn case_90_a_configuration_counts_to_the_letter_where_it_is_copied_tested_or_broken() {
    let comment = |tree: &str, option: &str| tree.replace(option, &format!("/* x */ {option}"));
    let image = format!("{CONFIGURED}== svc/Dockerfile\nFROM scratch\nCOPY tsconfig.base.json /\n");
    check(&image, &comment(&image, "\"target\""), &["svc:image"]);
    // What lies deeper may be what a test is about.
    let deep = CONFIGURED.replace("{\"compilerOptions\": {}}", "{\"compilerOptions\": {/* x */}}");
    check(CONFIGURED, &deep, &["packages/b:build", "packages/config:build"]);
    let broken = CONFIGURED.replace("es2020\"", "es2020");
    check_some(CONFIGURED, &broken, &["packages/a:build"], &[]);
}

/// `a` needs `x`, which needs the patched `p`; `b` needs the patched `q`, and `c` nothing.
const PATCHED: &str = "\
== package.json
{\"private\": true}
== pnpm-workspace.yaml
packages: [packages/*]
patchedDependencies:
  p@1.0.0: patches/p.patch
  q: fixes/q.patch
== pnpm-lock.yaml
lockfileVersion: '9.0'
patchedDependencies:
  p@1.0.0:
    hash: aaaa
    path: patches/p.patch
  q:
    hash: bbbb
    path: fixes/q.patch
importers:
  .: {}
  packages/a:
    dependencies:
      x:
        specifier: ^1
        version: 1.0.0
  packages/b:
    dependencies:
      q:
        specifier: ^1
        version: 1.0.0(patch_hash=bbbb)(x@1.0.0)
  packages/c: {}
packages:
  p@1.0.0:
    resolution: {integrity: p}
  q@1.0.0:
    resolution: {integrity: q}
  x@1.0.0:
    resolution: {integrity: x}
snapshots:
  p@1.0.0(patch_hash=aaaa): {}
  q@1.0.0(patch_hash=bbbb)(x@1.0.0): {}
  x@1.0.0:
    dependencies:
      p: 1.0.0(patch_hash=aaaa)
== patches/p.patch
1
== patches/other.patch
1
== fixes/q.patch
1
== packages/a/package.json
{\"name\": \"a\", \"dependencies\": {\"x\": \"^1\"}}
== packages/b/package.json
{\"name\": \"b\", \"dependencies\": {\"q\": \"^1\"}}
== packages/c/package.json
{\"name\": \"c\"}
";

const ALL: [&str; 3] = ["packages/a:build", "packages/b:build", "packages/c:build"];

#[test]
fn case_90_a_patch_reaches_those_who_need_what_it_patches() {
    let edited = |file: &str| PATCHED.replace(&format!("== {file}\n1"), &format!("== {file}\n2"));
    check(PATCHED, &edited("patches/p.patch"), &["packages/a:build"]);
    check(PATCHED, &edited("fixes/q.patch"), &["packages/b:build"]);
    // What the lockfile does not know of may be applied by a script.
    check(PATCHED, &edited("patches/other.patch"), &ALL);
    check(PATCHED, &format!("{PATCHED}== patches/new.patch\n1\n"), &ALL);
    // A new hash shows in what is patched.
    check(PATCHED, &edited("patches/p.patch").replace("aaaa", "cccc"), &["packages/a:build"]);
    let without = PATCHED
        .replace("  p@1.0.0: patches/p.patch\n", "")
        .replace("  p@1.0.0:\n    hash: aaaa\n    path: patches/p.patch\n", "")
        .replace("(patch_hash=aaaa)", "")
        .replace("== patches/p.patch\n1\n", "");
    check(&without, PATCHED, &["packages/a:build"]);
    check(PATCHED, &without, &["packages/a:build"]);
    // The patches of other formats.
    let alone = PATCHED.replace("\n    hash: bbbb\n    path: fixes/q.patch", " bbbb");
    check(&alone, &alone.replace("fixes/q.patch\n1", "fixes/q.patch\n2"), &ALL);
}

#[test]
fn case_90_a_patch_reaches_all_where_the_lockfile_does_not_tell_whose_it_is() {
    let edited = |tree: &str| tree.replace("== patches/p.patch\n1", "== patches/p.patch\n2");
    let unknown = PATCHED.replace("'9.0'", "'10.0'");
    check(&unknown, &edited(&unknown), &ALL);
    let unused = PATCHED.replace("(patch_hash=aaaa)", "");
    check(&unused, &edited(&unused), &ALL);
    check(&unused, &unused.replace("hash: aaaa", "hash: cccc"), &ALL);
    let two = format!("{PATCHED}== yarn.lock\n# yarn lockfile v1\n\nx@^1:\n  version \"1.0.0\"\n");
    check(&two, &edited(&two), &ALL);
    // Whoever the lockfile does not have.
    let more = format!("{PATCHED}== packages/d/package.json\n{{\"name\": \"d\"}}\n");
    check(&more, &edited(&more), &["packages/a:build", "packages/d:build"]);
}

#[test]
fn case_90_a_patch_of_later_yarn_reaches_those_who_need_what_it_patches() {
    let entry = |name: &str, more: &str| {
        format!("\"{name}@npm:1.0.0\":\n  version: 1.0.0\n  resolution: \"{name}@npm:1.0.0\"\n{more}\n")
    };
    let tree = |patch: &str| {
        let member = |name: &str, needs: &str| {
            format!(
                "\"{name}@workspace:{name}\":\n  version: 0.0.0-use.local\n  resolution: \"{name}@workspace:{name}\"\n{needs}\n"
            )
        };
        [
            "== package.json\n{\"private\": true, \"workspaces\": [\"a\", \"b\"]}\n== a/package.json\n{\"name\": \"a\", \"dependencies\": {\"x\": \"1.0.0\"}}\n== b/package.json\n{\"name\": \"b\"}\n== .yarn/patches/p.patch\n1\n== .yarn/patches/q.patch\n1\n== yarn.lock\n__metadata:\n  version: 8\n\n",
            &member("a", "  dependencies:\n    x: \"npm:1.0.0\"\n"),
            &member("b", ""),
            "\"root@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"root@workspace:.\"\n\n",
            &entry("x", "  dependencies:\n    p: \"npm:1.0.0\"\n"),
            &entry("p", ""),
            &format!("\"p@patch:p@npm%3A1.0.0#{patch}\":\n  version: 1.0.0\n  resolution: \"p@patch:p@npm%3A1.0.0#{patch}\"\n"),
        ]
        .concat()
    };
    let edited = |tree: &str, file: &str| tree.replace(&format!("{file}.patch\n1"), &format!("{file}.patch\n2"));
    for (patch, of_a) in [
        ("~/.yarn/patches/p.patch::version=1.0.0&hash=abc", true),
        ("optional!~/.yarn/patches/p.patch::version=1.0.0&hash=abc", true),
        ("./.yarn/patches/p.patch::version=1.0.0&hash=abc&locator=root%40workspace%3A.", true),
        ("./.yarn/patches/p.patch::version=1.0.0&hash=abc&locator=a%40workspace%3Aa", false),
        ("optional!builtin<compat/p>::version=1.0.0&hash=abc", false),
    ] {
        let base = tree(patch);
        let readers: &[&str] = if of_a { &["a:build"] } else { &["a:build", "b:build"] };
        check(&base, &edited(&base, "p"), readers);
        check(&base, &edited(&base, "q"), &["a:build", "b:build"]);
    }
}
