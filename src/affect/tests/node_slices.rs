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
