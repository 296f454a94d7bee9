//! What TypeScript's configurations lead to.

use super::{NPM, check_edges, check_pair, lines, pair};

/// What package `a` reads and reaches through its configurations.
fn compiled(tree: &str) -> Vec<String> {
    let package = |name: &str| {
        format!("== packages/{name}/package.json\n{{\"name\": \"@s/{name}\"}}\n== packages/{name}/src/index.ts\n\n")
    };
    let tree = format!("{NPM}{}{}{tree}", package("a"), package("b"));
    lines(
        &tree,
        &["edge packages/a", "input packages/a:build", "slice packages/a:build", "dangling", "Warning", "Note"],
    )
    .into_iter()
    .filter(|line| {
        !["<- package.json", "<- package-lock.json", "<- packages/a ", "slice packages/a:build <- packages/a/"]
            .iter()
            .any(|own| line.contains(own))
    })
    .collect()
}

#[test]
fn case_90_extends_is_followed_transitively_and_a_cycle_ends() {
    let tree = "== packages/a/tsconfig.json\n{ // comment\n\"extends\": \"../b/base\",}\n== packages/b/base.json\n{\"extends\": [\"../../tsconfig.base.json\"]}\n\
                == tsconfig.base.json\n{\"extends\": \"./packages/b/base.json\"}\n";
    assert_eq!(
        compiled(tree),
        [
            "edge packages/a -> owner of packages/b/base.json Build packages/a/tsconfig.json:2",
            "input packages/a:build <- packages/b All [*.json] packages/a/tsconfig.json:2",
            "input packages/a:build <- packages/b/base.json All [] packages/a/tsconfig.json:2",
        ]
    );
    let named = tree
        .replace("base.json", "tsconfig.base.json")
        .replace("../b/base", "../b/tsconfig.base")
        .replace("tsconfig.tsconfig", "tsconfig");
    assert_eq!(
        compiled(&named),
        [
            "edge packages/a -> owner of packages/b/tsconfig.base.json Build packages/a/tsconfig.json:2",
            "edge packages/a -> owner of tsconfig.base.json Build packages/b/tsconfig.base.json:1",
            "slice packages/a:build <- packages/b/tsconfig.base.json `configuration`",
            "slice packages/a:build <- tsconfig.base.json `configuration`",
        ]
    );
}

#[test]
fn case_90_extends_by_a_package_name_leads_to_the_member() {
    let tree = "== packages/a/tsconfig.json\n{\"extends\": [\"@s/b/tsconfig.lib\", \"@elsewhere/x\"]}\n== packages/b/tsconfig.lib.json\n{}\n";
    assert_eq!(
        compiled(tree),
        [
            "edge packages/a -> packages/b Build packages/a/tsconfig.json:1",
            "slice packages/a:build <- packages/b/tsconfig.lib.json `configuration`",
        ]
    );
}

#[test]
fn case_90_references_are_edges_and_may_dangle() {
    let tree = "== packages/a/tsconfig.build.json\n{\"references\": [{\"path\": \"../b\"},\n{\"path\": \"../c\"}], \"extends\": \"./gone.json\"}\n== packages/b/tsconfig.json\n{}\n";
    assert_eq!(
        compiled(tree),
        [
            "dangling packages/a wants gone.json packages/a/tsconfig.build.json:2",
            "dangling packages/a wants tsconfig.json packages/a/tsconfig.build.json:2",
            "edge packages/a -> owner of packages/b/tsconfig.json Build packages/a/tsconfig.build.json:1",
            "slice packages/a:build <- packages/b/tsconfig.json `configuration`",
        ]
    );
    assert!(compiled("== packages/a/tsconfig.json\n{\"extends\": \"./.nuxt/tsconfig.json\"}\n").is_empty());
    assert!(
        compiled("== packages/a/tsconfig.json\n{\"extends\": \"../../node_modules/x/tsconfig.json\"}\n").is_empty()
    );
}

#[test]
fn case_90_paths_lead_to_what_they_name() {
    let tree = "== packages/a/tsconfig.json\n{\"compilerOptions\": {\"paths\": {\"@/*\": [\"./src/*\"],\n\"b\": [\"../b/src\"],\n\"b/*\": [\"../b/src/*\"], \"i\": [\"../b/src/index\"]}}}\n";
    assert_eq!(
        compiled(tree),
        [
            "edge packages/a -> owner of packages/b/src Build packages/a/tsconfig.json:2",
            "edge packages/a -> owner of packages/b/src Build packages/a/tsconfig.json:3",
            "edge packages/a -> owner of packages/b/src/index.ts Build packages/a/tsconfig.json:3",
            "input packages/a:build <- packages/b/src All [*/** * **/*/** **/*] packages/a/tsconfig.json:3",
            "input packages/a:build <- packages/b/src All [] packages/a/tsconfig.json:2",
            "input packages/a:build <- packages/b/src/index.ts All [] packages/a/tsconfig.json:3",
        ]
    );
}

#[test]
fn inherited_paths_that_open_every_package_are_read_and_said() {
    let tree = "== packages/a/tsconfig.json\n{\"extends\": \"../../tsconfig.base.json\"}\n\
                == tsconfig.base.json\n{\"compilerOptions\": {\"baseUrl\": \".\", \"paths\": {\"@s/*\": [\"packages/*/src\"]}}}\n";
    let found = compiled(tree);
    assert!(found.iter().any(|line| line.starts_with("input packages/a:build <- packages All [*/src")), "{found:?}");
    assert!(found.iter().any(|line| line.starts_with("Note wide-paths")), "{found:?}");
    assert!(found.iter().any(|line| line.starts_with("Note open-import-root")), "{found:?}");
    let many: Vec<String> = (0..40).map(|at| format!("\"x{at}\": [\"packages/b/src\"]")).collect();
    let tree = tree.replace("\"@s/*\": [\"packages/*/src\"]", &many.join(", "));
    let found = compiled(&tree);
    assert!(found.iter().any(|line| line.starts_with("input packages/a:build <- packages All []")), "{found:?}");
}

#[test]
fn files_that_a_configuration_takes_in_are_inputs() {
    let tree = "== packages/a/tsconfig.json\n{\"include\": [\"src\", \"../b/src/**/*.ts\"], \"files\": [\"../../global.d.ts\"], \"extends\": \"../../tsconfig.base.json\",\n\
                \"compilerOptions\": {\"typeRoots\": [\"./node_modules/@types\", \"../../types\"], \"rootDirs\": [\"src\", \"../b/src\"]}}\n\
                == tsconfig.base.json\n{\"include\": [\"${configDir}/../elsewhere\"]}\n== global.d.ts\n\n== types/x.d.ts\n\n== packages/elsewhere/x.ts\n\n";
    let found = compiled(tree);
    assert_eq!(
        found.iter().filter(|line| line.starts_with("input") || line.starts_with("slice")).collect::<Vec<_>>(),
        [
            "input packages/a:build <- global.d.ts All [] packages/a/tsconfig.json:1",
            "input packages/a:build <- packages/b/src All [**/*.ts/** **/*.ts] packages/a/tsconfig.json:1",
            "input packages/a:build <- packages/b/src All [] packages/a/tsconfig.json:2",
            "input packages/a:build <- types All [] packages/a/tsconfig.json:2",
            "slice packages/a:build <- tsconfig.base.json `configuration`",
        ]
    );
    let inherited = compiled(&tree.replace("\"include\": [\"src\", \"../b/src/**/*.ts\"], ", ""));
    assert!(
        inherited.iter().any(|line| line.starts_with("input packages/a:build <- packages/elsewhere All")),
        "{inherited:?}"
    );
}

#[test]
fn sources_of_a_package_inside_the_package_are_read_without_its_result() {
    let tree = "== packages/a/tsconfig.json\n{\"files\": [\"test/f/x.ts\"]}\n== packages/a/test/f/package.json\n{\"name\": \"f\"}\n\
                == packages/a/test/f/x.ts\n\n";
    assert_eq!(compiled(tree), ["input packages/a:build <- packages/a/test/f/x.ts All [] packages/a/tsconfig.json:1"]);
}

#[test]
fn a_configuration_that_is_not_read_as_one_is_widened_and_said() {
    let tree = "== packages/a/tsconfig.json\n{\"extends\": \"../../configs/base.json\"}\n== configs/base.json\n{\"extends\": \"./root.json\"}\n";
    assert_eq!(
        compiled(tree),
        [
            "Note unread-configuration: `configs/base.json` is not read as a configuration; the JSON files beside it count as what it extends packages/a/tsconfig.json:1",
            "edge packages/a -> owner of configs/base.json Build packages/a/tsconfig.json:1",
            "input packages/a:build <- configs All [*.json] packages/a/tsconfig.json:1",
            "input packages/a:build <- configs/base.json All [] packages/a/tsconfig.json:1",
        ]
    );
}

#[test]
fn a_workspace_root_without_tasks_has_no_edges_from_its_configuration() {
    let tree = "== tsconfig.json\n{\"files\": [], \"references\": [{\"path\": \"packages/a\"}]}\n== packages/a/tsconfig.json\n{}\n";
    assert!(lines(&pair(&format!("{NPM}{tree}"), "2"), &["edge", "dangling"]).is_empty());
}

#[test]
fn a_settings_file_of_pnpm_without_packages_makes_no_workspace() {
    let tree = "== pnpm-workspace.yaml\nallowBuilds: {esbuild: true}\n== package.json\n{\"name\": \"x\", \"main\": \"x.js\"}\n";
    assert_eq!(lines(tree, &["project"]), ["project . Code Admitted [x] Own"]);
}

#[test]
fn installed_packages_and_their_configurations_are_no_dependencies() {
    check_pair(NPM, "file:../../node_modules/b", false);
}

#[test]
fn a_workspace_glob_that_cannot_be_read_names_everything() {
    let tree = pair(&NPM.replace("packages/*", "pack[ages"), "^1.0.0");
    let found = lines(&tree, &["edge", "project packages/a", "Warning"]);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].starts_with("Warning broken-glob: the workspace glob `pack[ages` cannot be read"), "{found:?}");
}

#[test]
fn a_configuration_from_above_makes_no_cycle_with_the_package_it_lies_in() {
    let tree = |dependencies: &str| {
        format!(
            "== package.json\n{{}}\n== pnpm-workspace.yaml\npackages: ['site/**', site]\n\
             == site/package.json\n{{\"name\": \"site\", \"dependencies\": {{\n{dependencies}}}}}\n\
             == site/tsconfig.json\n{{\"compilerOptions\": {{\"paths\": {{\n\"@c/*\": [\"./src/c/*\"]}}}}}}\n\
             == site/src/c/a.ts\n\n== site/deps/part/package.json\n{{\"name\": \"part\"}}\n== site/deps/part/index.js\n"
        )
    };
    let needing = tree("\"part\": \"workspace:*\"");
    check_edges(&needing, &["edge site -> site/deps/part Build site/package.json:2"]);
    // Its files are read all the same.
    let inputs = lines(&needing, &["input site/deps/part:build <- site/src/c"]);
    assert_eq!(inputs.len(), 1, "{inputs:?}");
    check_edges(&tree(""), &["edge site/deps/part -> owner of site/src/c Build site/tsconfig.json:2"]);
}
