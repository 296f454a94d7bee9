use super::*;
use crate::discover::testing::{describe, links_of};

fn check(tree: &str, present: &[&str], absent: &[&str]) {
    let text = describe(&links_of::<Swift>(tree));
    for line in present {
        assert!(text.lines().any(|found| found == *line), "missing `{line}` in\n{text}");
    }
    for part in absent {
        assert!(!text.contains(part), "found `{part}` in\n{text}");
    }
}

#[test]
fn packages_by_path_are_edges_and_targets_elsewhere_are_inputs() {
    check(
        "== app/Package.swift\nlet package = Package(\n  name: \"App\",\n  dependencies: [\n    // .package(path: \"../no\"),\n    .package(name: \"Core\", path: \"../core\"),\n    .package(url: \"https://github.com/apple/swift-log.git\", from: \"1.0.0\"),\n    .package(path: \"../gone\"),\n  ],\n\
         \x20 targets: [\n    .target(name: \"App\", dependencies: [.product(name: \"Core\", package: \"core\")], path: \"../Shared/Sources\"),\n    .testTarget(name: \"T\"),\n  ])\n\
         == app/Package@swift-5.9.swift\nlet p = Package(name: \"App\", dependencies: [.package(path: \"../old\")])\n== old/Package.swift\n== core/Package.swift\n== Shared/Sources/a.swift\n== app/Package.resolved\n{\"pins\": [{\"identity\": \"swift-log\", \"location\": \"x\", \"state\": {\"version\": \"1.0.0\"}}], \"version\": 2}\n",
        &[
            "project app Code Admitted [App] Own",
            "edge app -> core Build app/Package.swift:5",
            "edge app -> old Build app/Package@swift-5.9.swift:1",
            "edge app -> owner of Shared/Sources Build app/Package.swift:10",
            "input app:build <- Shared/Sources All [] app/Package.swift:10",
            "dangling app wants Package.swift app/Package.swift:7",
            "task app:test `swift test`",
            "task core:build `swift build`",
            "slice app:build <- app/Package.resolved `swift-log`",
        ],
        &["no", "task core:test"],
    );
}

#[test]
fn pins_are_read_in_slices() {
    let tree = "== a/Package.swift\nPackage(name: \"A\")\n== a/Package.resolved\n";
    for lock in [
        "{\"pins\": [{\"identity\": \"swift-log\", \"location\": \"x\", \"state\": {\"version\": \"1.0.0\"}}], \"version\": 2}\n",
        "{\"object\": {\"pins\": [{\"package\": \"swift-log\", \"repositoryURL\": \"x\", \"state\": {\"version\": \"1.0.0\"}}]}, \"version\": 1}\n",
    ] {
        let text = format!("{tree}{lock}");
        check(&text, &["slice a:build <- a/Package.resolved `swift-log`"], &[]);
    }
    check(&format!("{tree}[\n"), &["input a:build <- a Owned [] a/Package.swift:1"], &["slice"]);
}

#[test]
fn a_path_that_is_worked_out_is_a_doubt() {
    let links = links_of::<Swift>(
        "== a/Package.swift\nPackage(name: \"A\", dependencies: [.package(path: base + \"/x\"), .package(path: \"\\(x)/y\")])\n",
    );
    assert_eq!(links.doubts.len(), 2);
}

#[test]
fn a_package_inside_another_is_a_fixture_unless_it_is_wanted() {
    check(
        "== Package.swift\nPackage(name: \"A\", dependencies: [.package(path: \"Sub\")])\n== Sub/Package.swift\n== Tests/Fixtures/X/Package.swift\n",
        &["project Sub Code Admitted [] Own", "project Tests/Fixtures/X Code Stray [] Own"],
        &[],
    );
}
