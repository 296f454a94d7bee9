use super::*;
use crate::discover::testing::{describe, links_of};

fn lines_of(text: &str, beginning: &str) -> String {
    let lines = describe(&links_of::<Cargo>(text));
    lines.lines().filter(|line| line.starts_with(beginning)).collect::<Vec<_>>().join("\n")
}

/// A package with nothing but a name, then more lines of its manifest.
fn package(folder: &str, more: &str) -> String {
    let name = folder.rsplit('/').next().unwrap();
    let slash = if folder.is_empty() { "" } else { "/" };
    let name = if name.is_empty() { "root" } else { name };
    format!("== {folder}{slash}Cargo.toml\n[package]\nname = \"{name}\"\n{more}")
}

fn tree(parts: &[String]) -> String {
    parts.concat()
}

fn root(text: &str) -> String {
    format!("== Cargo.toml\n{text}")
}

#[test]
fn a_member_of_a_virtual_workspace() {
    let text = tree(&[
        root("[workspace]\nmembers = [\"a\"]\n"),
        package("a", ""),
        "== Cargo.lock\n== rust-toolchain.toml\n== .cargo/config.toml\n".to_owned(),
    ]);
    assert_eq!(
        describe(&links_of::<Cargo>(&text)),
        "\
input a:build <- .cargo/config.toml All [] .cargo/config.toml:0
input a:build <- Cargo.lock All [] Cargo.lock:0
input a:build <- a Owned [!tests/** !benches/** !examples/**] but a/Cargo.toml a/Cargo.toml:2
input a:build <- rust-toolchain.toml All [] rust-toolchain.toml:0
input a:test <- .cargo/config.toml All [] .cargo/config.toml:0
input a:test <- Cargo.lock All [] Cargo.lock:0
input a:test <- a Owned [] but a/Cargo.toml a/Cargo.toml:2
input a:test <- rust-toolchain.toml All [] rust-toolchain.toml:0
project . Workspace Admitted [] Shared([\"Cargo.toml\"])
project a Code Admitted [a] Own
reads a:build <- ^build along [Build, Schema]
reads a:test <- ^build along [Build, Schema, Test]
reads a:test <- own build
slice a:build <- Cargo.toml `what acts on all members`
slice a:build <- a/Cargo.toml `what a build can see`
slice a:test <- Cargo.toml `what acts on all members`
slice a:test <- a/Cargo.toml `what a build can see`
task a:build `cargo build -p a`
task a:test `cargo test -p a`"
    );
    let links = links_of::<Cargo>(&text);
    assert!(links.tasks.iter().all(|task| task.command.as_ref().unwrap().folder.is_root()));
}

#[test]
fn a_root_package_owns_what_cargo_reads_of_it() {
    let text = root(
        "[package]\nname = \"r\"\nbuild = \"tools/build.rs\"\ninclude = [\"/README.md\", \"!x\", \"*.txt\", \"data/\"]\n\
         [workspace]\n[[bin]]\nname = \"b\"\npath = \"cmd/b.rs\"\n[lib]\npath = \"lib.rs\"\n",
    );
    let expected = "project . Code Admitted [r] Shared([\"**/*.txt\", \"**/*.txt/**\", \"**/data\", \"**/data/**\", \
                    \"*.rs\", \"Cargo.toml\", \"README.md\", \"README.md/**\", \"benches/**\", \"build.rs\", \"cmd/**\", \
                    \"examples/**\", \"src/**\", \"tests/**\", \"tools/**\"])";
    assert_eq!(lines_of(&text, "project"), expected);
    assert_eq!(lines_of(&package("", ""), "project"), "project . Code Admitted [root] Own");
}

#[test]
fn members_are_globs_folders_and_what_they_lead_to() {
    let text = tree(&[
        root(
            "[workspace]\nmembers = [\"crates/*\", \"./tools/x/\", \"gone\", \"../above\"]\nexclude = [\"crates/out\"]\n\
             default-members = [\"crates/a\"]\n",
        ),
        package("crates/a", "[dependencies]\nlib = { path = \"../../lib\" }\n"),
        package("crates/b", ""),
        package("crates/a/tests/fixture", ""),
        package("crates/out", ""),
        package("crates/out/alone", "[workspace]\n"),
        package("lib", "[dev-dependencies]\nhelp = { path = \"help\" }\n"),
        package("lib/help", ""),
        package("lib/unlisted", ""),
        package("tools/x", ""),
        package("tools/y", "workspace = \"../..\"\n"),
        package("vendor/serde", ""),
        "== vendor/serde/.cargo-checksum.json\n{}\n".to_owned(),
    ]);
    assert_eq!(
        lines_of(&text, "project"),
        "\
project . Workspace Admitted [] Shared([\"Cargo.toml\"])
project crates/a Code Admitted [a] Own
project crates/a/tests/fixture Code Stray [fixture] Own
project crates/b Code Admitted [b] Own
project crates/out Code Stray [out] Own
project crates/out/alone Code Stray [alone] Shared([\"Cargo.toml\", \"benches/**\", \"build.rs\", \"examples/**\", \"src/**\", \"tests/**\"])
project lib Code Admitted [lib] Own
project lib/help Code Admitted [help] Own
project lib/unlisted Code Stray [unlisted] Own
project tools/x Code Admitted [x] Own
project tools/y Code Admitted [y] Own"
    );
    assert_eq!(lines_of(&text, "dangling"), "dangling . wants Cargo.toml Cargo.toml:2");
    assert_eq!(
        lines_of(&text, "Warning"),
        "Warning outside-repository: `../above` lies outside the repository, so its changes are not seen Cargo.toml:2"
    );
    // Not a default member, and built all the same.
    assert_eq!(lines_of(&text, "task crates/b:build"), "task crates/b:build `cargo build -p b`");
    // Excluded, so the root's manifest says nothing to it.
    assert_eq!(
        lines_of(&text, "input crates/out:build"),
        "input crates/out:build <- crates/out Owned [!tests/** !benches/** !examples/**] but crates/out/Cargo.toml crates/out/Cargo.toml:2"
    );
}

#[test]
fn a_nested_workspace_with_a_lockfile_admits_its_members() {
    let parts = [
        root("[workspace]\nexclude = [\"apps\"]\n"),
        "== apps/x/Cargo.toml\n[workspace]\nmembers = [\"m\"]\n".to_owned(),
        package("apps/x/m", ""),
    ];
    assert_eq!(lines_of(&tree(&parts), "project apps/x/m"), "project apps/x/m Code Stray [m] Own");
    let with_lockfile = tree(&parts) + "== apps/x/Cargo.lock\n";
    assert_eq!(lines_of(&with_lockfile, "project apps/x/m"), "project apps/x/m Code Admitted [m] Own");
}

#[test]
fn case_93_edges_by_path_inheritance_and_platform() {
    let text = tree(&[
        root(
            "[workspace]\nmembers = [\"*\"]\n[workspace.dependencies]\nshared = { path = \"libs/shared\" }\n\
             alias = { package = \"real\", path = \"real\", version = \"1\" }\nserde = \"1\"\n",
        ),
        package(
            "a",
            "[dependencies]\nshared = { workspace = true }\nalias.workspace = true\nserde.workspace = true\n\
             real = \"1\"\n[target.'cfg(windows)'.dependencies]\nwin = { path = '..\\win' }\n\
             [build-dependencies.gen]\nversion = \"1\"\npath = \"../gen\"\n\
             [dev-dependencies]\na = { path = \".\" }\nhelp = { path = \"../help\" }\n\
             gone = { path = \"../gone\" }\nfar = { path = \"../../far\" }\n",
        ),
        package("libs/shared", ""),
        package("real", ""),
        package("win", ""),
        package("gen", ""),
        package("help", "[dependencies]\na = { path = \"../a\" }\n"),
    ]);
    assert_eq!(
        lines_of(&text, "edge"),
        "\
edge a -> gen Build a/Cargo.toml:12
edge a -> help Test a/Cargo.toml:15
edge a -> libs/shared Build a/Cargo.toml:4
edge a -> real Build a/Cargo.toml:5
edge a -> win Build a/Cargo.toml:9
edge help -> a Build help/Cargo.toml:4"
    );
    assert_eq!(lines_of(&text, "dangling"), "dangling a wants Cargo.toml a/Cargo.toml:16");
    assert_eq!(
        lines_of(&text, "Warning"),
        "Warning outside-repository: `../../far` lies outside the repository, so its changes are not seen a/Cargo.toml:17"
    );
}

#[test]
fn dev_dependencies_carry_no_further_than_tests() {
    let text = tree(&[
        root("[workspace]\nmembers = [\"a\"]\n"),
        package("a", "[dev-dependencies]\nb = { path = \"../b\" }\n"),
        package("b", ""),
    ]);
    let links = links_of::<Cargo>(&text);
    assert_eq!(lines_of(&text, "edge"), "edge a -> b Test a/Cargo.toml:4");
    let build = links.tasks.iter().find(|task| task.name == "build").unwrap();
    assert!(!build.reads.iter().any(|r| matches!(r, Reading::Along(kinds, _) if kinds.contains(&EdgeKind::Test))));
}

const PATCHED: &str = "[workspace]\nmembers = [\"*\"]\n[patch.crates-io]\ncore = { path = \"core\" }\n";

fn patched(lockfile: &str) -> String {
    tree(&[
        root(PATCHED),
        package("core", "[dependencies]\nbase = { path = \"../base\" }\nlibc = \"1\"\n"),
        package("base", "[dependencies]\nlibc = \"1\"\n"),
        package("named", "[dependencies]\ncore = \"1\"\n"),
        package("renamed", "[dependencies]\nother = { package = \"core\", version = \"1\" }\n"),
        package("near", "[dependencies]\nhyper = \"1\"\n"),
        package("far", "[dependencies]\nlibc = \"1\"\n"),
        package("tested", "[dev-dependencies]\nhyper = \"1\"\n"),
        package("none", ""),
        lockfile.to_owned(),
    ])
}

#[test]
fn case_93_a_patch_leads_names_to_a_folder() {
    let lockfile = "== Cargo.lock\n[[package]]\nname = \"hyper\"\nsource = \"r\"\ndependencies = [\"core\"]\n\
                    [[package]]\nname = \"libc\"\nsource = \"r\"\n";
    assert_eq!(
        lines_of(&patched(lockfile), "edge"),
        "\
edge core -> base Build core/Cargo.toml:4
edge named -> core Build named/Cargo.toml:4
edge near -> core Build Cargo.toml:4
edge renamed -> core Build renamed/Cargo.toml:4
edge tested -> core Test Cargo.toml:4"
    );
}

#[test]
fn case_93_without_a_lockfile_any_crate_from_elsewhere_may_need_the_patched_one() {
    // But not `base`: it would be a cycle of builds, and Cargo refuses that.
    assert_eq!(
        lines_of(&patched(""), "edge"),
        "\
edge core -> base Build core/Cargo.toml:4
edge far -> core Build Cargo.toml:4
edge named -> core Build named/Cargo.toml:4
edge near -> core Build Cargo.toml:4
edge renamed -> core Build renamed/Cargo.toml:4
edge tested -> core Test Cargo.toml:4"
    );
}

#[test]
fn what_a_build_reads_already_needs_no_second_edge() {
    let text = tree(&[
        root(PATCHED),
        package("core", ""),
        package("base", "[dependencies]\ncore = { path = \"../core\" }\n"),
        package(
            "top",
            "[dependencies]\nbase = { path = \"../base\" }\nlibc = \"1\"\n[dev-dependencies]\nhyper = \"1\"\n",
        ),
    ]);
    assert_eq!(
        lines_of(&text, "edge"),
        "edge base -> core Build base/Cargo.toml:4\nedge top -> base Build top/Cargo.toml:4"
    );
}

#[test]
fn two_patched_crates_that_may_need_each_other_read_each_other_without_a_cycle() {
    let text = tree(&[
        root("[workspace]\nmembers = [\"*\"]\n[patch.crates-io]\nx = { path = \"x\" }\ny = { path = \"y\" }\n"),
        package("x", "[dependencies]\nlibc = \"1\"\n"),
        package("y", "[dependencies]\nlibc = \"1\"\n"),
    ]);
    assert_eq!(lines_of(&text, "edge"), "edge x -> y Build Cargo.toml:5");
    assert_eq!(
        lines_of(&text, "input y:build <- x "),
        "input y:build <- x All [] Cargo.toml:4",
        "what the edge cannot say, an input does"
    );
}

#[test]
fn replace_and_configurations_redirect_too() {
    let text = tree(&[
        root(
            "[workspace]\nmembers = [\"*\"]\n[replace]\n\"old:0.1.0\" = { path = \"old\" }\nlost = { path = \"lost\" }\n",
        ),
        package("old", ""),
        package("over", ""),
        package("conf", ""),
        package("a", "[dependencies]\nold = \"0.1\"\nover = \"1\"\nconf = \"1\"\n"),
        "== .cargo/config.toml\npaths = [\"over\"]\n[patch.crates-io]\nconf = { path = \"conf\" }\n".to_owned(),
        "[source.vendored]\ndirectory = \"vendor\"\n[target.x]\nlinker = \"tools/link.sh\"\n".to_owned(),
        "== vendor/x/lib.rs\n== tools/link.sh\n".to_owned(),
    ]);
    assert_eq!(
        lines_of(&text, "edge"),
        "edge a -> conf Build a/Cargo.toml:6\nedge a -> old Build a/Cargo.toml:4\nedge a -> over Build a/Cargo.toml:5"
    );
    assert_eq!(lines_of(&text, "dangling"), "dangling . wants Cargo.toml Cargo.toml:5");
    assert_eq!(
        lines_of(&text, "input a:build"),
        "\
input a:build <- .cargo/config.toml All [] .cargo/config.toml:0
input a:build <- a Owned [!tests/** !benches/** !examples/**] but a/Cargo.toml a/Cargo.toml:2
input a:build <- tools/link.sh All [] .cargo/config.toml:7
input a:build <- vendor All [] .cargo/config.toml:5"
    );
}

#[test]
fn case_93_a_build_script_reads_outside() {
    let text = tree(&[
        package("svc/a", "[[bin]]\nname = \"b\"\npath = \"../shared/b.rs\"\n"),
        "== svc/a/build.rs\nfn main() {\n f(\"../../proto/a.proto\");\n g(\"../gone\", \"src/../x\");\n up(\"..\");\n \
         far(\"../../../x\"); t(\"tests/data\");\n}\n"
            .to_owned(),
        "== proto/a.proto\n== svc/shared/b.rs\n".to_owned(),
    ]);
    assert_eq!(
        lines_of(&text, "edge"),
        "edge svc/a -> owner of proto/a.proto Schema svc/a/build.rs:2\n\
         edge svc/a -> owner of svc/shared/b.rs Build svc/a/Cargo.toml:5"
    );
    assert_eq!(
        lines_of(&text, "input svc/a:build"),
        "\
input svc/a:build <- proto/a.proto All [] svc/a/build.rs:2
input svc/a:build <- svc All [] svc/a/build.rs:4
input svc/a:build <- svc/a Owned [!benches/** !examples/**] but svc/a/Cargo.toml svc/a/Cargo.toml:2
input svc/a:build <- svc/shared All [] svc/a/Cargo.toml:5"
    );
    let warnings = lines_of(&text, "Warning");
    assert!(warnings.contains("computed-path") && warnings.contains("svc/a/build.rs:4"), "{warnings}");
    assert!(warnings.contains("outside-repository") && warnings.contains("svc/a/build.rs:5"), "{warnings}");
}

#[test]
fn a_program_among_the_tests_keeps_their_folder_in_the_build() {
    let text = package(
        "a",
        "[[bin]]\nname = \"b\"\npath = \"tests/b.rs\"\n[[test]]\nname = \"t\"\npath = \"examples/t.rs\"\n",
    );
    assert_eq!(
        lines_of(&text, "input a:build"),
        "input a:build <- a Owned [!benches/** !examples/**] but a/Cargo.toml a/Cargo.toml:2"
    );
}

#[test]
fn case_93_configurations_of_all_parents_and_the_nearest_toolchain() {
    let text = tree(&[
        package("x/a", ""),
        "== rust-toolchain\n== x/rust-toolchain.toml\n== .cargo/config\n== x/.cargo/config.toml\nnot toml\n".to_owned(),
    ]);
    assert_eq!(
        lines_of(&text, "input x/a:build"),
        "\
input x/a:build <- .cargo/config All [] .cargo/config:0
input x/a:build <- x/.cargo/config.toml All [] x/.cargo/config.toml:0
input x/a:build <- x/a Owned [!tests/** !benches/** !examples/**] but x/a/Cargo.toml x/a/Cargo.toml:2
input x/a:build <- x/rust-toolchain.toml All [] x/rust-toolchain.toml:0"
    );
    let warning = lines_of(&text, "Warning");
    assert!(
        warning.starts_with("Warning unreadable-manifest") && warning.ends_with("x/.cargo/config.toml:1"),
        "{warning}"
    );
    assert_eq!(lines_of("== site/config.toml\n{{ template }}\n", ""), "");
}

/// Two members of a workspace; `a` depends on `one`, and only its tests on `two`; both need `three`.
fn locked(lockfile: &str) -> String {
    tree(&[
        root("[workspace]\nmembers = [\"a\", \"b\"]\nresolver = \"2\"\n"),
        package("a", "[dependencies]\none = \"1\"\nb = { path = \"../b\" }\n[dev-dependencies]\ntwo = \"1\"\n"),
        package("b", "[dependencies]\nthree = \"1\"\n"),
        format!("== Cargo.lock\n{lockfile}"),
    ])
}

const LOCK: &str = "\
version = 4
[[package]]
name = \"a\"
version = \"0.1.0\"
dependencies = [\"b\", \"one\", \"two\"]
[[package]]
name = \"b\"
version = \"0.1.0\"
dependencies = [\"three 1.0.0\"]
[[package]]
name = \"one\"
version = \"1.0.0\"
source = \"registry+x\"
dependencies = [\"three 1.0.0\"]
[[package]]
name = \"three\"
version = \"1.0.0\"
source = \"registry+x\"
[[package]]
name = \"three\"
version = \"2.0.0\"
source = \"registry+x\"
[[package]]
name = \"two\"
version = \"1.0.0\"
source = \"registry+x\"
dependencies = [\"three 2.0.0\"]
";

#[test]
fn case_91_a_member_reads_what_the_lockfile_says_of_its_dependencies() {
    let text = locked(LOCK);
    assert_eq!(
        lines_of(&text, "slice").lines().filter(|line| line.contains("Cargo.lock")).collect::<Vec<_>>().join("\n"),
        "slice a:build <- Cargo.lock `one 1.0.0`\nslice a:test <- Cargo.lock `one 1.0.0`\nslice a:test <- Cargo.lock `two 1.0.0`\nslice b:build <- Cargo.lock `three 1.0.0`\nslice b:test <- Cargo.lock `three 1.0.0`"
    );
    assert_eq!(lines_of(&text, "input a:build <- Cargo.lock"), "");
}

#[test]
fn case_91_a_lockfile_that_does_not_say_whose_its_entries_are_counts_as_a_whole() {
    let twice = format!("{LOCK}[[package]]\nname = \"a\"\nversion = \"0.2.0\"\n");
    for lockfile in [
        "",
        "version = 5\n",
        "version = \"x\"\n",
        "<<<<<<< ours\n",
        &LOCK.replace("version = 4", "version = 5"),
        &twice,
    ] {
        let text = locked(lockfile);
        assert!(!lines_of(&text, "slice a").contains("Cargo.lock"), "{lockfile}");
        for task in ["a:build", "a:test"] {
            let line = format!("input {task} <- Cargo.lock");
            assert_eq!(lines_of(&text, &line), format!("{line} All [] Cargo.lock:0"), "{lockfile}");
        }
    }
}

#[test]
fn case_96_an_unreadable_manifest_is_still_a_project() {
    let text = tree(&[
        "== a/Cargo.toml\n[package\n".to_owned(),
        package("b", "[dependencies]\na = { path = \"../a\" }\n"),
        package("a/inner", ""),
    ]);
    assert_eq!(
        lines_of(&text, "project"),
        "project a Code Admitted [] Own\nproject a/inner Code Admitted [inner] Own\nproject b Code Admitted [b] Own"
    );
    assert_eq!(lines_of(&text, "edge"), "edge b -> a Build b/Cargo.toml:4");
    assert_eq!(lines_of(&text, "task a:"), "task a:build `cargo build`\ntask a:test `cargo test`");
    // Nothing is left out of the build of what cannot be read, and what may be its root is read by what is below.
    assert_eq!(lines_of(&text, "input a:build"), "input a:build <- a Owned [] a/Cargo.toml:0");
    assert!(lines_of(&text, "input a/inner:build").contains("<- a/Cargo.toml All"));
}

#[test]
fn what_a_stray_needs_is_no_need_of_the_build_around_it() {
    let parts = |more: &str| {
        tree(&[
            root("[workspace]\nmembers = [\"lib\", \"kit\"]\n"),
            package("lib", "[dev-dependencies]\nkit = { path = \"../kit\" }\n"),
            package("kit", "[dependencies]\nlib = { path = \"../lib\" }\n"),
            package("lib/fuzz", "[dependencies]\nkit = { path = \"../../kit\" }\n[workspace]\n"),
            more.to_owned(),
        ])
    };
    assert_eq!(lines_of(&parts(""), "edge lib/fuzz"), "edge lib/fuzz -> kit Test lib/fuzz/Cargo.toml:4");
    assert_eq!(
        lines_of(&parts(""), "reads lib/fuzz:build"),
        "reads lib/fuzz:build <- ^build along [Build, Schema, Test]"
    );
    // A build script may build what is nested.
    assert_eq!(
        lines_of(&parts("== lib/build.rs\nfn main() {}\n"), "edge lib/fuzz"),
        "edge lib/fuzz -> kit Build lib/fuzz/Cargo.toml:4"
    );
}
