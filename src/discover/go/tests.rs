use super::*;
use crate::discover::testing::{describe, links_of};

fn lines_of(text: &str, beginning: &str) -> String {
    let lines = describe(&links_of::<Go>(text));
    lines.lines().filter(|line| line.starts_with(beginning)).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_module_has_a_build_and_a_test() {
    let text = "== svc/go.mod\nmodule example.com/svc\n== svc/go.sum\n== .go-version\n1.22\n";
    assert_eq!(
        describe(&links_of::<Go>(text)),
        "\
input svc:build <- .go-version All [] .go-version:0
input svc:build <- svc Owned [!**/*_test.go] svc/go.mod:1
input svc:test <- .go-version All [] .go-version:0
input svc:test <- svc Owned [] svc/go.mod:1
project svc Code Admitted [example.com/svc] Own
reads svc:build <- ^build along [Build, Schema]
reads svc:test <- ^build along [Build, Schema, Test]
reads svc:test <- own build
task svc:build `go build ./...`
task svc:test `go test ./...`"
    );
}

#[test]
fn tests_are_no_inputs_of_the_build_and_every_other_file_is() {
    let links = links_of::<Go>("== go.mod\nmodule example.com/x\n");
    let reads = |task: &str, file: &str| {
        let task = links.tasks.iter().find(|claim| claim.name == task).unwrap();
        task.inputs.iter().any(|input| input.selection.matches(&RepoPath::from_git(file.as_bytes()).unwrap()))
    };
    for file in ["x_test.go", "a/x_test.go"] {
        assert!(!reads("build", file) && reads("test", file), "{file}");
    }
    // cgo sources, files behind build tags, generated and embedded files, internal packages, vendored ones, go.sum.
    for file in ["a/x.c", "a/x_windows.go", "a/x.pb.go", "a/page.html", "internal/x.go", "vendor/modules.txt", "go.sum"]
    {
        assert!(reads("build", file) && reads("test", file), "{file}");
    }
}

#[test]
fn case_89_replace_reaches_a_sibling() {
    let text = "\
== svc/go.mod
module example.com/svc
require example.com/lib v1.0.0
replace example.com/lib v1.0.0 => ../lib
replace (
	example.com/other => ../../../outside
	example.com/missing => ./missing
	example.com/fork => example.com/fork/v2 v2.0.0
)
== lib/go.mod
module example.com/lib
== apart/go.mod
module example.com/apart
require example.com/lib v1.0.0
";
    assert_eq!(lines_of(text, "edge"), "edge svc -> lib Build svc/go.mod:3");
    assert_eq!(lines_of(text, "dangling"), "dangling svc wants go.mod svc/go.mod:6");
    assert_eq!(
        lines_of(text, "Warning"),
        "Warning outside-repository: `../../../outside` lies outside the repository, so its changes are not seen \
         svc/go.mod:5"
    );
}

const SHARED: &str = "\
== a/go.mod
module example.com/a
go 1.22
require example.com/b v1.0.0
require example.com/x v1.0.0 // indirect
== b/go.mod
module example.com/b
go 1.22
replace example.com/x => ../x
== c/go.mod
module example.com/c
go 1.22
require example.com/b v1.0.0
== x/go.mod
module example.com/x
";

#[test]
fn case_89_a_workspace_resolves_what_it_uses() {
    let with = |work: &str| format!("{SHARED}== go.work\n{work}");
    assert_eq!(lines_of(SHARED, "edge"), "edge b -> x Build b/go.mod:3");
    assert_eq!(
        lines_of(&with("go 1.22\nuse (\n\t./a\n\t./b\n)\n"), "edge"),
        "edge a -> b Build a/go.mod:3\nedge a -> x Build a/go.mod:4\nedge b -> x Build b/go.mod:3"
    );
    assert_eq!(lines_of(&with("use ./a\n"), "edge"), "edge b -> x Build b/go.mod:3");
    assert_eq!(
        lines_of(&with("use a\nreplace example.com/b => ./c\n"), "edge"),
        "edge a -> c Build a/go.mod:3\nedge b -> x Build b/go.mod:3"
    );
}

#[test]
fn a_workspace_brings_its_files_and_the_versions_of_all_its_modules() {
    let text = format!("{SHARED}== b/go.sum\n== go.work.sum\n== vendor/modules.txt\n== go.work\nuse ./a\nuse ./b\n");
    assert_eq!(
        lines_of(&text, "input a:build"),
        "\
input a:build <- a Owned [!**/*_test.go] a/go.mod:1
input a:build <- b/go.mod All [] go.work:2
input a:build <- b/go.sum All [] go.work:2
input a:build <- go.work All [] go.work:0
input a:build <- go.work.sum All [] go.work:0
input a:build <- vendor All [] go.work:0"
    );
    assert_eq!(
        lines_of(&text, "project ."),
        "project . Workspace Admitted [] Shared([\"go.work\", \"go.work.sum\", \"vendor/**\"])"
    );
    assert_eq!(lines_of(&text, "task c:build"), "task c:build `GOWORK=off go build ./...`");
    assert_eq!(
        lines_of(&text, "input c:build"),
        "input c:build <- c Owned [!**/*_test.go] but c/go.mod c/go.mod:1\ninput c:build <- go.work All [] go.work:0"
    );
}

#[test]
fn before_go_1_17_a_module_may_need_what_it_does_not_list() {
    let text = "\
== a/go.mod
module example.com/a
go 1.16
require example.com/external v1.0.0
== x/go.mod
module example.com/x
== go.work
use ./a
replace example.com/x => ./x
";
    assert_eq!(lines_of(text, "edge"), "edge a -> x Build go.work:2");
    assert_eq!(lines_of(&text.replace("1.16", "1.17"), "edge"), "");
}

#[test]
fn a_missing_use_dangles_and_an_unreadable_workspace_uses_all() {
    let text = format!("{SHARED}== go.work\nuse ./gone\n");
    assert_eq!(lines_of(&text, "dangling"), "dangling . wants go.mod go.work:1");
    let text = format!("{SHARED}== go.work\nuse (\n");
    assert_eq!(
        lines_of(&text, "edge"),
        "edge a -> b Build a/go.mod:3\nedge a -> x Build a/go.mod:4\nedge b -> x Build b/go.mod:3\n\
         edge c -> b Build c/go.mod:3"
    );
}

#[test]
fn nested_modules_are_separate_unless_they_are_fixtures() {
    let text = "\
== go.mod
module example.com/root
replace example.com/named => ./_named
== sub/go.mod
module example.com/sub
== testdata/a/go.mod
module example.com/fixture
== testdata/b/go.mod
module example.com/alone
== testdata/b/go.sum
== _named/go.mod
module example.com/named
== fence/go.mod
// keeps ./... out
== vendor/modules.txt
== vendor/example.com/dep/go.mod
module example.com/dep
";
    assert_eq!(
        lines_of(text, "project"),
        "\
project . Code Admitted [example.com/root] Own
project _named Code Admitted [example.com/named] Own
project sub Code Admitted [example.com/sub] Own
project testdata/a Code Stray [example.com/fixture] Own
project testdata/b Code Admitted [example.com/alone] Own"
    );
}

#[test]
fn case_96_an_unreadable_module_is_still_a_project() {
    let text = "== a/go.mod\nmodule (\n== b/go.mod\nmodule example.com/b\nreplace example.com/a => ../a\n";
    assert_eq!(
        lines_of(text, "project"),
        "project a Code Admitted [] Own\nproject b Code Admitted [example.com/b] Own"
    );
    assert_eq!(lines_of(text, "edge"), "edge b -> a Build b/go.mod:2");
    assert_eq!(lines_of(text, "task a"), "task a:build `go build ./...`\ntask a:test `go test ./...`");
}

/// Two programs of one module that share a package.
const SERVICES: &str = "\
== go.mod
module example.com/m
== cmd/one/main.go
package main
import \"example.com/m/internal/shared\"
== cmd/two/main.go
package main
import (
\t\"fmt\"
\t\"example.com/m/pkg/two\"
)
== cmd/two/x_test.go
package main
import \"example.com/m/pkg/fake\"
== internal/shared/s.go
package shared
import \"example.com/m/internal/deep\"
== internal/shared/s_test.go
package shared
import \"example.com/m/pkg/two\"
== internal/deep/d.go
package deep
//go:embed data/*.sql \"all:more\"
var x string
== pkg/two/t.go
package two
== pkg/fake/f.go
package fake
";

fn inputs_of(text: &str, task: &str) -> Vec<String> {
    let described = describe(&links_of::<Go>(text));
    let of = |line: &str| line.strip_prefix(&format!("input {task} <- ")).map(str::to_owned);
    described.lines().filter_map(of).collect()
}

#[test]
fn each_program_of_a_module_with_several_reads_what_it_imports() {
    assert_eq!(
        inputs_of(SERVICES, "cmd/one:build"),
        [
            "cmd/one Owned [!**/*_test.go] cmd/one/main.go:0",
            "go.mod All [] go.mod:0",
            "internal/deep All [* !*_test.go] internal/shared/s.go:2",
            "internal/deep All [data/*.sql data/*.sql/**] internal/deep/d.go:2",
            "internal/deep All [more more/**] internal/deep/d.go:2",
            "internal/shared All [* !*_test.go] cmd/one/main.go:2",
        ]
    );
    assert_eq!(inputs_of(SERVICES, "cmd/two:build").len(), 3);
    assert!(
        inputs_of(SERVICES, "cmd/two:test").contains(&"pkg/fake All [* !*_test.go] cmd/two/x_test.go:2".to_owned())
    );
    // The module builds and tests them all.
    let module = inputs_of(SERVICES, ".:build");
    assert!(module.contains(&"cmd/one All [!**/*_test.go] go.mod:1".to_owned()), "{module:?}");
}

#[test]
fn a_module_with_one_program_is_its_project() {
    for text in [
        SERVICES.replace("cmd/two/main.go\npackage main", "cmd/two/main.go\npackage two"),
        SERVICES.replace("cmd/two", "tools/two"),
        SERVICES.replace("cmd/two", "cmd/testdata/two"),
        SERVICES.replace("cmd/two/main.go\npackage main", "cmd/two/main.go\npackage {{ name }}"),
    ] {
        assert!(!describe(&links_of::<Go>(&text)).contains("project cmd/one"), "{text}");
    }
    let with_image = SERVICES.replace("cmd/two", "apps/two/cmd") + "== apps/two/Dockerfile\nFROM scratch\n";
    let described = describe(&links_of::<Go>(&with_image));
    assert!(described.contains("project apps/two Code") && described.contains("project cmd/one Code"), "{described}");
}

#[test]
fn what_cannot_be_followed_reads_all_of_the_module() {
    for text in [
        SERVICES.replace("== internal/deep/d.go", "== internal/other/d.go"),
        SERVICES.replace("package deep", "package {{ deep }}"),
    ] {
        let inputs = inputs_of(&text, "cmd/one:build");
        assert!(inputs.contains(&". All [] go.mod:0".to_owned()), "{inputs:?}");
        assert_eq!(inputs_of(&text, "cmd/two:build").len(), 3);
    }
}

#[test]
fn a_program_depends_on_the_modules_that_it_imports_or_that_others_may() {
    let replaced = "module example.com/m\nrequire example.com/lib v0.0.0\nreplace example.com/lib => ./lib\n";
    let text = SERVICES.replace("module example.com/m\n", replaced)
        + "== lib/go.mod\nmodule example.com/lib\n== lib/l.go\npackage lib\n";
    let edges = |text: &str| {
        let described = describe(&links_of::<Go>(text));
        described.lines().filter(|line| line.starts_with("edge cmd")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(edges(&text), [""; 0]);
    let imported = text.replace("package two\n", "package two\nimport \"example.com/lib\"\n");
    assert_eq!(edges(&imported), ["edge cmd/two -> lib Build pkg/two/t.go:2"]);
    let external = text.replace("package deep\n", "package deep\nimport \"github.com/x/y\"\n");
    assert_eq!(edges(&external), ["edge cmd/one -> lib Build go.mod:3"]);
}
