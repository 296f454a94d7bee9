//! What manifests of the ecosystems bring in from outside a project.

use super::{check, check_some};

const IMAGE: &str = "== shared/x.txt\n1\n== svc/Dockerfile\nFROM scratch\nCOPY shared /shared\n== svc/main.txt\n1\n== other/go.mod\nmodule x/other\n== .dockerignore\nshared/x.md\n";

#[test]
fn case_86_what_an_image_copies_from_another_folder_is_read() {
    check_some(IMAGE, &IMAGE.replace("x.txt\n1", "x.txt\n2"), &["svc:image"], &["other:build"]);
}

#[test]
fn case_86_an_ignore_file_that_changes_rebuilds_the_image() {
    check_some(IMAGE, &IMAGE.replace("shared/x.md", "shared/x.txt"), &["svc:image"], &["other:build"]);
    let own = format!("{IMAGE}== svc/Dockerfile.dockerignore\n**/*.tmp\n");
    check_some(IMAGE, &own, &["svc:image"], &["other:build"]);
}

#[test]
fn case_86_an_image_that_copies_a_projects_folder_follows_it() {
    let base = format!("{IMAGE}== shared/go.mod\nmodule x/shared\n");
    check_some(&base, &base.replace("x.txt\n1", "x.txt\n2"), &["svc:image", "shared:build"], &["other:build"]);
}

#[test]
fn case_87_a_chart_reads_the_chart_that_it_names_by_file() {
    let base = "== charts/a/Chart.yaml\napiVersion: v2\nname: a\nversion: 0.1.0\ndependencies:\n  - name: common\n    version: 0.1.0\n    repository: file://../common\n== charts/common/Chart.yaml\napiVersion: v2\nname: common\nversion: 0.1.0\n== charts/common/templates/x.yaml\na: 1\n== charts/b/Chart.yaml\napiVersion: v2\nname: b\nversion: 0.1.0\n";
    check_some(base, &base.replace("a: 1", "a: 2"), &["charts/a:chart", "charts/common:chart"], &["charts/b:chart"]);
    let locked = format!("{base}== charts/a/Chart.lock\nx: 1\n");
    check_some(base, &locked, &["charts/a:chart"], &["charts/common:chart", "charts/b:chart"]);
}

#[test]
fn case_88_a_schema_that_another_imports_reaches_it() {
    let base = "== proto/buf.yaml\nversion: v1\n== proto/a.proto\nsyntax = \"proto3\";\n== svc/go.mod\nmodule x/svc\n== svc/b.proto\nsyntax = \"proto3\";\nimport \"proto/a.proto\";\n== other/go.mod\nmodule x/other\n";
    let head = base.replace("== proto/a.proto\n", "== proto/a.proto\n// more\n");
    check_some(base, &head, &["svc:build"], &["other:build"]);
}

#[test]
fn case_88_a_schema_of_a_module_inside_a_module_reaches_the_projects_that_import_it() {
    let base = "== buf.yaml\nversion: v2\nmodules:\n  - path: .\n    excludes: [third_party]\n== third_party/buf.yaml\nversion: v1\n== third_party/rules/r.proto\nsyntax = \"proto3\";\n== svc/go.mod\nmodule x/svc\n== svc/s.proto\nsyntax = \"proto3\";\nimport \"rules/r.proto\";\n== other/go.mod\nmodule x/other\n";
    let head = base.replace("== third_party/rules/r.proto\n", "== third_party/rules/r.proto\n// more\n");
    check_some(base, &head, &["svc:build"], &["other:build"]);
}

#[test]
fn case_89_a_replace_a_workspace_and_sums_are_read() {
    let base = "== a/go.mod\nmodule x/a\nrequire x/lib v0.0.0\nreplace x/lib => ../lib\n== lib/go.mod\nmodule x/lib\n== lib/l.go\n1\n== c/go.mod\nmodule x/c\n";
    check(base, &base.replace("l.go\n1", "l.go\n2"), &["a:build", "a:test", "lib:build", "lib:test"]);
    check_some(base, &format!("{base}== a/go.sum\nx\n"), &["a:build"], &["c:build", "lib:build"]);
    let uses = |modules: &str| format!("{base}== go.work\ngo 1.24\nuse (\n{modules})\n");
    check_some(&uses("./a\n./lib\n"), &uses("./a\n./lib\n./c\n"), &["c:build"], &[]);
    check_some(&uses("./a\n./lib\n./c\n"), &uses("./a\n./lib\n"), &["c:build"], &[]);
}

#[test]
fn case_90_workspaces_references_and_inherited_files_of_node() {
    let base = "== package.json\n{\"private\": true, \"workspaces\": [\"a\", \"b\", \"c\"]}\n== a/package.json\n{\"name\": \"a\", \"scripts\": {\"build\": \"tsc\"}, \"dependencies\": {\"b\": \"*\"}}\n== a/tsconfig.json\n{\"extends\": \"../tsconfig.base.json\"}\n== tsconfig.base.json\n{}\n== b/package.json\n{\"name\": \"b\", \"scripts\": {\"build\": \"tsc\"}}\n== b/i.ts\n1\n== c/package.json\n{\"name\": \"c\", \"scripts\": {\"build\": \"tsc\"}}\n";
    check_some(base, &base.replace("i.ts\n1", "i.ts\n2"), &["a:build", "b:build"], &["c:build"]);
    check_some(
        base,
        &base.replace("base.json\n{}", "base.json\n{\"files\": []}"),
        &["a:build"],
        &["b:build", "c:build"],
    );
    for file in [".npmrc", "package-lock.json"] {
        check_some(base, &format!("{base}== {file}\n{{}}\n"), &["a:build", "b:build", "c:build"], &[]);
    }
    let linked = base.replace("\"b\": \"*\"", "\"b\": \"file:../b\"");
    check_some(&linked, &linked.replace("i.ts\n1", "i.ts\n2"), &["a:build"], &["c:build"]);
}

#[test]
fn case_92_references_and_probed_files_of_dotnet() {
    let project = |references: &str| format!("<Project Sdk=\"Microsoft.NET.Sdk\">{references}</Project>\n");
    let reference = "<ItemGroup><ProjectReference Include=\"..\\b\\b.csproj\" /></ItemGroup>";
    let base = format!(
        "== src/a/a.csproj\n{}== src/b/b.csproj\n{}== src/b/B.cs\n1\n== src/c/c.csproj\n{}",
        project(reference),
        project(""),
        project("")
    );
    check_some(&base, &base.replace("B.cs\n1", "B.cs\n2"), &["src/a:build", "src/b:build"], &["src/c:build"]);
    for file in ["src/Directory.Build.props", "Directory.Packages.props", "global.json", "nuget.config"] {
        let head = format!("{base}== {file}\n{}\n", if file.ends_with("json") { "{}" } else { "<Project />" });
        check_some(&base, &head, &["src/a:build", "src/b:build", "src/c:build"], &[]);
    }
}

#[test]
fn case_93_inheritance_paths_and_probed_files_of_cargo() {
    let package = |name: &str, more: &str| {
        format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition.workspace = true\n{more}")
    };
    let base = format!(
        "== Cargo.toml\n[workspace]\nmembers = [\"a\", \"b\", \"c\"]\n[workspace.package]\nedition = \"2021\"\n== a/Cargo.toml\n{}== b/Cargo.toml\n{}== b/src/lib.rs\n1\n== c/Cargo.toml\n{}",
        package("a", "[dependencies]\nb = { path = \"../b\" }\n"),
        package("b", ""),
        package("c", "")
    );
    check_some(&base, &base.replace("lib.rs\n1", "lib.rs\n2"), &["a:build", "b:build"], &["c:build"]);
    check_some(&base, &base.replace("2021", "2024"), &["a:build", "b:build", "c:build"], &[]);
    for file in ["rust-toolchain.toml", ".cargo/config.toml", "Cargo.lock"] {
        check_some(&base, &format!("{base}== {file}\n\n"), &["a:build", "b:build", "c:build"], &[]);
    }
}

#[test]
fn case_95_paths_of_python() {
    let base = "== a/pyproject.toml\n[project]\nname = \"a\"\ndependencies = [\"lib\"]\n[tool.uv.sources]\nlib = { path = \"../lib\" }\n== lib/pyproject.toml\n[project]\nname = \"lib\"\n== lib/l.py\n1\n== c/requirements.txt\n-e ../lib\n-r ../base.txt\n== c/setup.py\n1\n== base.txt\nx\n== d/pyproject.toml\n[project]\nname = \"d\"\n";
    check_some(base, &base.replace("l.py\n1", "l.py\n2"), &["a:build", "lib:build", "c:build"], &["d:build"]);
    check_some(base, &base.replace("base.txt\nx", "base.txt\ny"), &["c:build"], &["a:build", "d:build"]);
}

#[test]
fn case_96_a_manifest_that_cannot_be_read_plans_its_project_and_tells() {
    let base = "== a/package.json\n{\"name\": \"a\", \"scripts\": {\"build\": \"x\"}}\n== b/go.mod\nmodule x/b\n== b/f.go\n1\n";
    let broken = base.replace("{\"name\": \"a\", \"scripts\": {\"build\": \"x\"}}", "{\"name\": <broken");
    check_some(base, &broken, &["a:build"], &["b:build"]);
    // It stays planned with every change until it is mended, and is planned when it is.
    check_some(&broken, &broken.replace("f.go\n1", "f.go\n2"), &["a:build", "b:build"], &[]);
    check_some(&broken, base, &["a:build"], &["b:build"]);
    check(&broken, &broken, &[]);
    let deep = base.replace("{\"name\": \"a\", \"scripts\": {\"build\": \"x\"}}", &"[".repeat(100_000));
    check_some(base, &deep, &["a:build"], &["b:build"]);
}

#[test]
fn a_program_of_a_module_reacts_to_what_it_imports() {
    let base = "== go.mod\nmodule x/m\n== cmd/a/main.go\npackage main\nimport \"x/m/lib\"\n== cmd/b/main.go\npackage main\n== lib/l.go\npackage lib\n== lib/l_test.go\npackage lib\n== other/o.go\npackage other\n";
    let module = [".:build", ".:test"];
    let of_a = ["cmd/a:build", "cmd/a:test"];
    check(
        base,
        &base.replace("package lib\n== lib/l_t", "package lib\nvar x = 1\n== lib/l_t"),
        &[&module[..], &of_a].concat(),
    );
    check(base, &base.replace("l_test.go\npackage lib\n", "l_test.go\npackage lib\nvar x = 1\n"), &[".:test"]);
    check(base, &base.replace("package other\n", "package other\nvar x = 1\n"), &module);
    // A new import of an imported package leads further.
    let more = base.replace("package lib\n== lib/l_t", "package lib\nimport \"x/m/other\"\n== lib/l_t");
    check(&more, &more.replace("package other\n", "package other\nvar x = 1\n"), &[&module[..], &of_a].concat());
    check_some(base, &format!("{base}== lib/new.go\npackage lib\n"), &["cmd/a:build"], &["cmd/b:build"]);
}

#[test]
fn a_pipeline_reaches_the_projects_that_it_mentions_and_one_that_mentions_none_reaches_all() {
    let base = "== a/go.mod\nmodule x/a\n== b/go.mod\nmodule x/b\n== .github/workflows/a.yml\nrun: go test ./a/...\n== .github/workflows/all.yml\nrun: make\n";
    check(base, &base.replace("go test", "go build"), &["a:build", "a:test"]);
    check(base, &base.replace("go test ./a", "go test ./b"), &["a:build", "a:test", "b:build", "b:test"]);
    let known = super::names(base, &base.replace("run: make", "run: make all"));
    assert_eq!(known, ["a:build", "a:test", "b:build", "b:test"]);
}
