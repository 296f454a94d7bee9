//! What trees of packages are linked to.

mod configurations;

use super::Node;
use crate::discover::testing::{describe, links_of};

/// The lines of a tree's links that begin with one of the words.
fn lines(tree: &str, words: &[&str]) -> Vec<String> {
    let described = describe(&links_of::<Node>(tree));
    described.lines().filter(|line| words.iter().any(|word| line.starts_with(word))).map(str::to_owned).collect()
}

fn check_edges(tree: &str, expected: &[&str]) {
    assert_eq!(lines(tree, &["edge"]), expected, "{tree}");
}

/// A workspace of npm with `a`, which depends on `b` as `wanted` says, and `b` of version 1.2.0.
fn pair(root: &str, wanted: &str) -> String {
    format!(
        "{root}== packages/a/package.json\n{{\"name\": \"a\", \"dependencies\": {{\n\"b\": \"{wanted}\"}}}}\n\
         == packages/b/package.json\n{{\"name\": \"b\", \"version\": \"1.2.0\"}}\n"
    )
}

const NPM: &str = "== package.json\n{\"workspaces\": [\"packages/*\"]}\n== package-lock.json\n{\"lockfileVersion\": 3, \"packages\": {}}\n";
const PNPM: &str =
    "== package.json\n{\"packageManager\": \"pnpm@10.1.0\"}\n== pnpm-workspace.yaml\npackages: [packages/*]\n";
const BERRY: &str =
    "== package.json\n{\"workspaces\": [\"packages/*\"]}\n== yarn.lock\n\n== .yarnrc.yml\nnodeLinker: pnp\n";

fn check_pair(root: &str, wanted: &str, linked: bool) {
    let expected: &[&str] =
        if linked { &["edge packages/a -> packages/b Build packages/a/package.json:2"] } else { &[] };
    assert_eq!(lines(&pair(root, wanted), &["edge"]), expected, "{root} {wanted}");
}

#[test]
fn a_member_is_linked_where_the_manager_links_ranges() {
    for (wanted, linked) in [("^1.0.0", true), ("*", true), ("", true), ("latest", true), ("^2.0.0", false)] {
        check_pair(NPM, wanted, linked);
        check_pair(BERRY, wanted, linked);
        check_pair(PNPM, wanted, false);
    }
    check_pair(&format!("{NPM}== .npmrc\nlink-workspace-packages=true\n"), "^1.0.0", true);
    check_pair(&format!("{PNPM}== .npmrc\nlink-workspace-packages = true\n"), "^1.0.0", true);
    check_pair(&PNPM.replace("packages:", "linkWorkspacePackages: deep\npackages:"), "1.x", true);
    check_pair(&PNPM.replace("pnpm@10.1.0", "pnpm@8.15.0"), "^1.0.0", true);
    check_pair(&BERRY.replace("nodeLinker: pnp", "enableTransparentWorkspaces: false"), "^1.0.0", false);
}

#[test]
fn the_workspace_protocol_always_links() {
    for root in [NPM, PNPM, BERRY] {
        for wanted in ["workspace:*", "workspace:^", "workspace:~", "workspace:^9", "workspace:../b", "workspace:b@*"] {
            check_pair(root, wanted, true);
        }
    }
    check_pair(BERRY, "workspace:packages/b", true);
}

#[test]
fn paths_link_whatever_the_workspace_says() {
    for wanted in ["file:../b", "link:../b", "portal:../b", "../b", "file:..\\\\b"] {
        check_pair(PNPM, wanted, true);
        check_pair("", wanted, true);
    }
    check_pair("", "^1.0.0", false);
}

#[test]
fn what_comes_from_elsewhere_is_no_edge() {
    for wanted in ["https://x/b.tgz", "git+ssh://git@x/b.git", "github:x/b", "x/b", "jsr:@x/b", "npm:c@1"] {
        check_pair(NPM, wanted, false);
    }
}

#[test]
fn an_alias_leads_to_the_package_that_it_names() {
    let tree = |wanted: &str| {
        format!(
            "{NPM}== packages/a/package.json\n{{\"name\": \"a\", \"dependencies\": {{\"x\": \"{wanted}\"}}}}\n\
             == packages/b/package.json\n{{\"name\": \"@s/b\", \"version\": \"1.2.0\"}}\n"
        )
    };
    let edge = &["edge packages/a -> packages/b Build packages/a/package.json:1"][..];
    check_edges(&tree("npm:@s/b@^1"), edge);
    check_edges(&tree("npm:@s/b"), edge);
    check_edges(&tree("workspace:@s/b@*"), edge);
    check_edges(&tree("npm:@s/b@^2"), &[]);
}

#[test]
fn case_90_a_catalog_says_what_is_wanted() {
    let catalog = |entry: &str| {
        PNPM.replace("packages:", &format!("catalog: {{b: {entry}}}\ncatalogs: {{x: {{b: 'workspace:*'}}}}\npackages:"))
    };
    check_pair(&catalog("^1.0.0"), "catalog:", false);
    check_pair(&catalog("'workspace:*'"), "catalog:", true);
    check_pair(&catalog("^1.0.0"), "catalog:x", true);
    let bun = "== package.json\n{\"workspaces\": {\"packages\": [\"packages/*\"], \"catalog\": {\"b\": \"^1\"}}}\n== bun.lock\n{}\n";
    check_pair(bun, "catalog:", true);
    check_pair(&bun.replace("^1", "^2"), "catalog:", false);
    check_pair(&format!("{BERRY}catalog:\n  b: ^1.0.0\n"), "catalog:default", true);
}

#[test]
fn case_90_an_override_links_what_a_member_asks_of_the_registry() {
    let root = |table: &str| NPM.replace("{\"work", &format!("{{{table}, \"work"));
    check_pair(&root("\"overrides\": {\"b\": \"file:./packages/b\"}"), "^2.0.0", true);
    check_pair(&root("\"overrides\": {\"c\": {\"b\": \"file:packages/b\"}}"), "^2.0.0", true);
    check_pair(&root("\"resolutions\": {\"**/b\": \"workspace:*\"}"), "^2.0.0", true);
    check_pair(&root("\"overrides\": {\"b\": \"3.0.0\"}"), "^2.0.0", false);
    check_pair(&PNPM.replace("packages:", "overrides: {'b@2': 'workspace:*'}\npackages:"), "^2.0.0", true);
}

#[test]
fn every_table_of_dependencies_is_read() {
    let tree = format!(
        "{NPM}== packages/a/package.json\n{{\"name\": \"a\",\n\"dependencies\": {{\"b\": \"1\"}},\n\"devDependencies\": {{\"b\": \"1\"}},\n\
         \"peerDependencies\": {{\"b\": \"1\"}},\n\"optionalDependencies\": {{\"b\": \"1\"}}}}\n\
         == packages/b/package.json\n{{\"name\": \"b\", \"version\": \"1.0.0\"}}\n"
    );
    let edge = |line: u32| format!("edge packages/a -> packages/b Build packages/a/package.json:{line}");
    assert_eq!(lines(&tree, &["edge"]), [edge(2), edge(3), edge(4), edge(5)]);
}

#[test]
fn a_package_that_depends_on_its_own_name_has_no_edge() {
    check_edges(
        &format!("{NPM}== packages/a/package.json\n{{\"name\": \"a\", \"devDependencies\": {{\"a\": \"*\"}}}}\n"),
        &[],
    );
}

#[test]
fn names_respect_their_borders() {
    let tree = format!(
        "{NPM}== packages/a/package.json\n{{\"name\": \"a\", \"dependencies\": {{\"mmm-pkg\": \"*\"}}}}\n\
         == packages/mmm-pkg-extra/package.json\n{{\"name\": \"mmm-pkg-extra\"}}\n"
    );
    check_edges(&tree, &[]);
}

#[test]
fn names_that_packages_share_lead_to_all_of_them_with_a_warning() {
    let tree = format!(
        "{NPM}== packages/a/package.json\n{{\"name\": \"a\", \"dependencies\": {{\"b\": \"*\"}}}}\n\
         == packages/b/package.json\n{{\"name\": \"b\"}}\n== packages/c/package.json\n{{\"name\": \"b\"}}\n"
    );
    assert_eq!(
        lines(&tree, &["edge", "Warning", "Note"]),
        [
            "Warning duplicate-name: 2 packages have the name `b`: packages/b, packages/c; a dependency on it leads to all of them packages/c/package.json:1",
            "edge packages/a -> packages/b Build packages/a/package.json:1",
            "edge packages/a -> packages/c Build packages/a/package.json:1",
        ]
    );
}

#[test]
fn the_member_of_the_same_workspace_wins_over_one_of_another() {
    let workspace = |at: &str| {
        format!(
            "== {at}/package.json\n{{\"workspaces\": [\"*\"]}}\n== {at}/a/package.json\n{{\"name\": \"a\", \"dependencies\": {{\"b\": \"*\"}}}}\n\
             == {at}/b/package.json\n{{\"name\": \"b\"}}\n"
        )
    };
    let tree = format!("{}{}", workspace("x"), workspace("y"));
    check_edges(&tree, &["edge x/a -> x/b Build x/a/package.json:1", "edge y/a -> y/b Build y/a/package.json:1"]);
    assert!(lines(&tree, &["Warning"]).is_empty());
    assert_eq!(lines(&tree, &["Note duplicate-name"]).len(), 2);
}

#[test]
fn a_missing_member_and_a_missing_folder_are_said() {
    let found = lines(&pair(PNPM, "workspace:*").replace("\"name\": \"b\"", "\"name\": \"c\""), &["edge", "Warning"]);
    assert_eq!(
        found,
        ["Warning dangling-reference: no package of the repository has the name `b` packages/a/package.json:2"]
    );
    let found = lines(&pair(PNPM, "file:../gone"), &["edge", "dangling", "Warning"]);
    assert_eq!(found, ["dangling packages/a wants gone packages/a/package.json:2"]);
    let found = lines(&pair(PNPM, "link:../../../out"), &["edge", "dangling", "Warning"]);
    assert_eq!(
        found,
        [
            "Warning outside-repository: `../../../out` leads out of the repository, where no change is seen packages/a/package.json:2"
        ]
    );
}

#[test]
fn what_a_build_makes_does_not_dangle() {
    check_edges(&pair(NPM, "file:../b/dist"), &["edge packages/a -> packages/b Build packages/a/package.json:2"]);
    assert!(lines(&pair(NPM, "link:./dist"), &["edge", "dangling"]).is_empty());
}

#[test]
fn a_path_to_what_is_no_package_is_an_input() {
    let tree = format!("{}== vendor/b.tgz\nx\n", pair("", "file:../../vendor/b.tgz"));
    assert_eq!(
        lines(&tree, &["edge", "input packages/a:build <- vendor"]),
        [
            "edge packages/a -> owner of vendor/b.tgz Build packages/a/package.json:2",
            "input packages/a:build <- vendor/b.tgz All [] packages/a/package.json:2",
        ]
    );
}

#[test]
fn a_workspace_root_owns_its_manifest_alone() {
    let tree = "== package.json\n{\"name\": \"root\", \"workspaces\": [\"packages/*\"], \"scripts\": {\"build\": \"turbo build\"}, \"devDependencies\": {\n\"a\": \"workspace:*\"}}\n\
                == src/x.ts\n\n== packages/a/package.json\n{\"name\": \"a\"}\n";
    assert_eq!(
        lines(tree, &["project", "task", "edge"]),
        [
            "edge . -> packages/a Build package.json:2",
            "project . Workspace Admitted [root] Shared([\"package.json\"])",
            "project packages/a Code Admitted [a] Own",
            "task packages/a:build ``",
        ]
    );
}

#[test]
fn a_workspace_root_with_sources_of_its_own_is_code() {
    let ground = r#"Shared(["dist", "dist/**", "index.*", "lib/**", "package.json", "src/**"])"#;
    let root = |rest: &str| {
        format!("== package.json\n{{\"name\": \"root\", \"workspaces\": [\"packages/*\"], {rest}}}\n== src/x.ts\n\n")
    };
    let expected = format!("project . Code Admitted [root] {ground}");
    for rest in
        ["\"main\": \"x.js\", \"files\": [\"dist/\"]", "\"scripts\": {\"build\": \"tsc\"}, \"files\": [\"./dist\"]"]
    {
        assert_eq!(lines(&root(rest), &["project"]), [&*expected], "{rest}");
    }
    let consumed = format!(
        "{}== packages/a/package.json\n{{\"dependencies\": {{\"root\": \"workspace:*\"}}}}\n",
        root("\"files\": [\"dist\"]")
    );
    assert_eq!(lines(&consumed, &["project ."]), [&*expected]);
    assert_eq!(lines(&consumed, &["edge"]), ["edge packages/a -> . Build packages/a/package.json:1"]);
}

#[test]
fn globs_decide_who_is_a_member() {
    let package = |at: &str| format!("== {at}/package.json\n{{\"name\": \"{at}\"}}\n");
    let tree = format!(
        "== pnpm-workspace.yaml\npackages:\n  - '**'\n  - '!x/*'\n== package.json\n{{\"private\": true}}\n{}{}{}",
        package("x"),
        package("x/fixture"),
        package("y/z")
    );
    assert_eq!(
        lines(&tree, &["project"]),
        [
            "project . Workspace Admitted [] Shared([\"package.json\"])",
            "project x Code Admitted [x] Own",
            "project x/fixture Code Stray [x/fixture] Own",
            "project y/z Code Admitted [y/z] Own",
        ]
    );
}

#[test]
fn lerna_names_members_too() {
    let tree = format!(
        "== lerna.json\n{{\"packages\": [\"packages/*\"]}}\n{}",
        pair("== package.json\n{\"devDependencies\": {\"lerna\": \"3\"}}\n", "^1.0.0")
    );
    check_edges(&tree, &["edge packages/a -> packages/b Build packages/a/package.json:2"]);
    assert_eq!(lines(&tree, &["project packages"]).len(), 2);
}

#[test]
fn a_package_nested_in_a_package_is_stray_unless_a_path_reaches_it() {
    let tree = |wanted: &str| {
        format!(
            "== app/package.json\n{{\"name\": \"app\", \"main\": \"x\", \"dependencies\": {{\"f\": \"{wanted}\"}}}}\n\
             == app/test/f/package.json\n{{\"name\": \"f\"}}\n"
        )
    };
    assert_eq!(lines(&tree("^1"), &["project app/test"]), ["project app/test/f Code Stray [f] Own"]);
    assert_eq!(lines(&tree("file:test/f"), &["project app/test"]), ["project app/test/f Code Admitted [f] Own"]);
}

#[test]
fn a_root_that_only_installs_tools_encloses_nothing() {
    let tree = |root: &str| format!("== package.json\n{root}\n== web/package.json\n{{\"name\": \"web\"}}\n");
    assert_eq!(
        lines(&tree("{\"devDependencies\": {\"husky\": \"9\"}}"), &["project"]),
        ["project . Workspace Admitted [] Shared([\"package.json\"])", "project web Code Admitted [web] Own"]
    );
    assert_eq!(
        lines(&tree("{\"name\": \"x\", \"main\": \"x.js\"}"), &["project"]),
        ["project . Code Admitted [x] Own", "project web Code Stray [web] Own"]
    );
}

#[test]
fn a_nested_workspace_with_a_lockfile_stands_alone_with_its_members() {
    let tree = |lock: &str| {
        format!(
            "{NPM}== old/package.json\n{{\"workspaces\": [\"*\"]}}\n{lock}== old/a/package.json\n{{\"name\": \"a\"}}\n"
        )
    };
    assert_eq!(lines(&tree("== old/yarn.lock\n\n"), &["project old/a"]), ["project old/a Code Admitted [a] Own"]);
    assert_eq!(lines(&tree(""), &["project old/a"]), ["project old/a Code Stray [a] Own"]);
}

#[test]
fn a_manifest_for_the_module_type_alone_is_no_project() {
    let tree = "== a/package.json\n{\"name\": \"a\"}\n== a/dist/esm/package.json\n{\"type\": \"module\"}\n";
    assert_eq!(lines(tree, &["project"]), ["project a Code Admitted [a] Own"]);
}

#[test]
fn case_96_a_manifest_that_cannot_be_read_is_planned() {
    let tree = format!("{NPM}== packages/a/package.json\n{{broken\n");
    assert_eq!(
        lines(&tree, &["project packages", "task"]),
        [
            "project packages/a Code Admitted [] Own",
            "task packages/a:build `npm run build`",
            "task packages/a:test `npm run test`",
        ]
    );
}

#[test]
fn case_96_a_workspace_root_that_cannot_be_read_is_planned() {
    let tree = "== package.json\n{broken\n== a/package.json\n{\"name\": \"a\"}\n";
    assert_eq!(lines(tree, &["project .", "task ."]).len(), 3);
}

#[test]
fn case_96_below_a_root_that_cannot_be_read_everyone_may_be_a_member() {
    let members = pair("", "^1.0.0");
    let linked = "edge packages/a -> packages/b Build packages/a/package.json:2";
    for root in ["== package.json\n{broken\n", "== package.json\n{}\n== pnpm-workspace.yaml\n\"\n"] {
        let found = lines(&format!("{root}{members}"), &["edge", "project packages"]);
        let admitted = |name: &str| format!("project packages/{name} Code Admitted [{name}] Own");
        assert_eq!(found, [linked.to_owned(), admitted("a"), admitted("b")], "{root}");
    }
}

#[test]
fn tasks_run_the_scripts_that_there_are() {
    let tree = |scripts: &str, more: &str| {
        format!("== package.json\n{{\"name\": \"a\", \"main\": \"x\", \"scripts\": {{{scripts}}}}}\n{more}")
    };
    let all = "\"build\": \"tsc\", \"test\": \"vitest\", \"lint\": \"eslint\"";
    assert_eq!(lines(&tree(all, ""), &["task"]), ["task .:build `npm run build`", "task .:test `npm run test`"]);
    assert_eq!(lines(&tree(all, "== bun.lockb\n\n"), &["task"])[0], "task .:build `bun run build`");
    assert_eq!(lines(&tree(all, "== yarn.lock\n\n"), &["task"])[1], "task .:test `yarn run test`");
    let stub = "\"test\": \"echo \\\"Error: no test specified\\\" && exit 1\"";
    assert_eq!(lines(&tree(stub, ""), &["task"]), ["task .:build ``"]);
    assert_eq!(
        lines(&tree(all, ""), &["reads"]),
        [
            "reads .:build <- ^build along [Build, Schema]",
            "reads .:test <- ^build along [Build, Schema, Test]",
            "reads .:test <- own build"
        ]
    );
}

#[test]
fn the_manager_is_the_nearest_that_is_stated() {
    let tree = format!(
        "{PNPM}== packages/a/package.json\n{{\"name\": \"a\", \"scripts\": {{\"build\": \"x\"}}}}\n\
         == example/package.json\n{{\"name\": \"e\", \"scripts\": {{\"build\": \"x\"}}}}\n== example/package-lock.json\n{{}}\n"
    );
    assert_eq!(
        lines(&tree, &["task"]),
        ["task example:build `npm run build`", "task packages/a:build `pnpm run build`"]
    );
}

#[test]
fn case_90_and_91_a_member_reads_what_acts_on_it_from_above() {
    let tree = "== package.json\n{\n\"workspaces\": [\"packages/*\"], \"pnpm\": {\n\"patchedDependencies\": {\"y@1\": \"fixes/y.patch\"}}}\n\
        == pnpm-workspace.yaml\npackages:\n  - packages/*\n== pnpm-lock.yaml\n\n== .npmrc\n//registry/:_authToken=secret\n== .nvmrc\n22\n\
        == .pnpmfile.cjs\n\n== babel.config.js\n\n== patches/x.patch\n\n== fixes/y.patch\n\n== .yarn/releases/yarn.cjs\n\n== .yarn/cache/x.zip\n\n\
        == turbo.json\n{}\n== .eslintrc\n{}\n== packages/a/package.json\n{\"name\": \"a\"}\n";
    let described = lines(tree, &["input packages/a:build"]);
    let bases: Vec<&str> = described.iter().map(|line| line.split(' ').nth(3).unwrap()).collect();
    assert_eq!(
        bases,
        [
            ".npmrc",
            ".nvmrc",
            ".pnpmfile.cjs",
            ".yarn/releases",
            "babel.config.js",
            "fixes/y.patch",
            "packages/a",
            "patches",
            "pnpm-lock.yaml",
        ]
    );
    assert_eq!(described[5], "input packages/a:build <- fixes/y.patch All [] package.json:3");
    assert!(!describe(&links_of::<Node>(tree)).contains("secret"));
}

#[test]
fn case_79_a_file_that_appears_above_becomes_an_input() {
    let tree = "== x/a/package.json\n{\"name\": \"a\"}\n";
    assert_eq!(lines(tree, &["input x/a:build"]).len(), 1);
    for appeared in ["x/.npmrc", "tsconfig.json", "x/.yarnrc.yml", ".nvmrc", "x/babel.config.json"] {
        let found = lines(&format!("{tree}== {appeared}\n\n"), &["input x/a:build"]);
        assert!(found.iter().any(|line| line.contains(&format!("<- {appeared} All"))), "{appeared}: {found:?}");
    }
}

#[test]
fn yarn_patches_are_inputs() {
    let tree = format!("{}== fix.patch\n\n", pair(BERRY, "patch:b@npm%3A^1.0.0#~/fix.patch"));
    let expected = [
        "edge packages/a -> packages/b Build packages/a/package.json:2",
        "input packages/a:build <- fix.patch All [] packages/a/package.json:2",
    ];
    assert_eq!(lines(&tree, &["edge", "input packages/a:build <- fix"]), expected);
}
