//! What the claims and the configuration of a tree make of it.

mod configured;
mod doubts;
mod links;
mod look_up;
mod projects;

use super::testing::{path, workspace_of};
use super::*;
use crate::diagnostic::Severity;
use crate::tree::MemoryTree;

fn parsed(text: &str) -> Workspace {
    workspace_of(&MemoryTree::parse(text))
}

fn reads(workspace: &Workspace, project: &str, task: &str) -> Vec<String> {
    let task = workspace.task(&TaskId::new(&ProjectId(path(project)), task)).unwrap();
    task.reads.iter().map(|read| read.task.to_string()).collect()
}

fn errors(workspace: &Workspace) -> Vec<&str> {
    let errors = workspace.diagnostics().iter().filter(|finding| finding.severity == Severity::Error);
    errors.map(|finding| finding.code.as_str()).collect()
}

const TWO: &str = "== a/go.mod\nmodule x/a\n== b/go.mod\nmodule x/b\n== knockon.toml\n";

#[test]
fn a_table_for_all_tasks_keeps_what_a_project_adds_to_all_of_its_tasks() {
    let text = format!(
        "{TWO}[project.a]\ndepends-on = [\"b\"]\ninputs = [\"gen/**\"]\n[task.test]\ndepends-on = [\"build\"]\ninputs = [\"*.go\"]\n"
    );
    let workspace = parsed(&text);
    assert_eq!(reads(&workspace, "a", "test"), ["a:build", "b:build"]);
    let readers: Vec<_> =
        workspace.readers_of(&path("a/gen/x")).iter().map(|(task, _)| workspace.task_id(*task).to_string()).collect();
    assert!(readers.contains(&"a:test".to_owned()), "{readers:?}");
}

#[test]
fn the_upstream_of_a_task_knows_the_dependencies_that_the_configuration_adds() {
    let text = format!("{TWO}[project.a]\ndepends-on = [\"b\"]\n[project.a.task.generate]\ndepends-on = [\"^test\"]\n");
    assert_eq!(reads(&parsed(&text), "a", "generate"), ["b:build", "b:test"]);
}

#[test]
fn a_projects_own_table_speaks_for_its_task_also_under_a_new_name() {
    let text = format!(
        "{TWO}[project.a]\nname = \"other\"\n[project.a.task.test]\ncommand = \"own\"\n[task.test]\ncommand = \"general\"\n"
    );
    let workspace = parsed(&text);
    let command = |project: &str| {
        workspace.task(&TaskId::new(&ProjectId(path(project)), "test")).unwrap().commands[0].line.clone()
    };
    assert_eq!((command("a"), command("b")), ("own".to_owned(), "general".to_owned()));
}

#[test]
fn case_67_a_name_that_is_taken_is_an_error() {
    let text = format!("{TWO}[project.a]\nname = \"b\"\n");
    assert_eq!(errors(&parsed(&text)), ["duplicate-name"]);
}

#[test]
fn case_68_a_dependency_on_nothing_is_an_error() {
    let workspace = parsed(&format!("{TWO}[project.a]\ndepends-on = [\"bb\"]\n"));
    assert_eq!(errors(&workspace), ["unknown-project"]);
    let finding = workspace.diagnostics().iter().find(|finding| finding.code == "unknown-project").unwrap();
    assert_eq!(finding.place.as_ref().map(|place| place.line), Some(2));
    assert_eq!(finding.help.as_deref(), Some("did you mean b?"));
}

#[test]
fn case_66_a_circle_is_told_once_and_the_same_in_any_order() {
    let text = format!("{TWO}[project.a]\ndepends-on = [\"b\"]\n[project.b]\ndepends-on = [\"a\"]\n");
    let turned = "== knockon.toml\n[project.b]\ndepends-on = [\"a\"]\n[project.a]\ndepends-on = [\"b\"]\n== b/go.mod\nmodule x/b\n== a/go.mod\nmodule x/a\n";
    let ways = [parsed(&text), parsed(turned)].map(|workspace| {
        let way = |cycle: &Cycle| cycle.edges.iter().map(|e| format!("{} {}", e.from, e.to)).collect::<Vec<_>>();
        cycles(&workspace).iter().map(way).collect::<Vec<_>>()
    });
    assert_eq!(ways[0], [["a b", "b a"]]);
    assert_eq!(ways[0], ways[1]);
}

#[test]
fn case_7_a_loop_of_links_is_told_by_name() {
    let workspace = parsed("== a/go.mod\nmodule x/a\n== a/one -> two\n== a/two -> one\n== a/self -> self\n");
    let told: Vec<_> = workspace.diagnostics().iter().filter(|finding| finding.code == "symlink-loop").collect();
    assert_eq!(told.len(), 3);
    assert!(told.iter().any(|finding| finding.message.contains("a/self")));
}

#[test]
fn case_8_a_link_that_leaves_the_repository_is_told() {
    let workspace = parsed("== a/go.mod\nmodule x/a\n== a/out -> ../../etc/passwd\n== a/abs -> /etc/passwd\n");
    assert_eq!(workspace.diagnostics().iter().filter(|finding| finding.code == "symlink-outside").count(), 2);
}

#[test]
fn names_through_links_are_bounded() {
    let mut text = String::new();
    for (from, to) in [("a", "b"), ("b", "a")] {
        for number in 0..4 {
            text.push_str(&format!("== {from}/link{number} -> ../{to}\n"));
        }
    }
    let workspace = parsed(&text);
    assert!(workspace.symlinks.names_of(&path("a/file")).len() <= 1024);
    assert!(workspace.symlinks.names_of(&path("a/file")).contains(&path("b/link2/file")));
}

#[test]
fn case_78_a_pattern_that_matches_nothing_is_told() {
    let workspace = parsed(
        "== svc/package.json\n{\"name\":\"svc\"}\n== svc/a.cs\nx\n== knockon.toml\n[project.svc]\ninputs = [\"*.cs\", \"*.cz\"]\n",
    );
    let told: Vec<&str> = workspace.diagnostics().iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!(told, ["`*.cz` matches no file, seen from folder `svc`"]);
}

#[test]
fn a_schema_is_found_where_an_image_puts_it() {
    let workspace = parsed(
        "\
== pb/a.proto
syntax = \"proto3\";
package a;
== svc/A.csproj
<Project Sdk=\"Microsoft.NET.Sdk\">
<ItemGroup><Protobuf Include=\"protos\\a.proto\" /></ItemGroup>
</Project>
== svc/Dockerfile
FROM x
COPY svc/ ./
COPY pb/a.proto protos/
",
    );
    let edges: Vec<String> = workspace
        .edges()
        .iter()
        .filter(|edge| edge.kind == EdgeKind::Schema)
        .map(|edge| format!("{} -> {} {}:{}", edge.from, edge.to, edge.evidence.file, edge.evidence.line))
        .collect();
    assert_eq!(edges, ["svc -> pb svc/A.csproj:2"]);
    assert!(workspace.diagnostics().iter().any(|finding| finding.code == "resolved-by-image-layout"));
}

#[test]
fn a_manifest_that_is_copied_before_its_folder_is_one_answer() {
    let workspace = parsed(
        "\
== lib/Common/Common.csproj
<Project Sdk=\"Microsoft.NET.Sdk\" />
== lib/Common/c.cs
== svc/A/A.csproj
<Project Sdk=\"Microsoft.NET.Sdk\">
<ItemGroup><ProjectReference Include=\"../Common/Common.csproj\" /></ItemGroup>
</Project>
== svc/Dockerfile
FROM x
COPY lib/Common/*.csproj Common/
COPY lib/Common/ Common/
COPY svc/A/ A/
",
    );
    let build = workspace.edges().iter().filter(|edge| edge.kind == EdgeKind::Build);
    let build: Vec<String> = build.map(|edge| format!("{} -> {}", edge.from, edge.to)).collect();
    assert_eq!(build, ["svc/A -> lib/Common"]);
    let note = workspace.diagnostics().iter().find(|finding| finding.code == "resolved-by-image-layout");
    assert!(note.is_some_and(|note| note.help.as_ref().is_some_and(|help| help.contains("svc/Dockerfile:3"))));
}

#[test]
fn thousands_of_configured_projects_are_looked_up_and_not_searched_for() {
    let mut text = "== knockon.toml\n[task.build]\ndepends-on = [\"^build\"]\n".to_owned();
    let count = 4_000;
    for number in 1..count {
        let before = number - 1;
        text.push_str(&format!(
            "[project.\"p/{number}\"]\ndepends-on = [\"p/{before}\"]\n[project.\"p/{number}\".task.build]\ncommand = \"x\"\n"
        ));
    }
    text.push_str("[project.\"p/0\".task.build]\ncommand = \"x\"\n");
    for number in 0..count {
        text.push_str(&format!("== p/{number}/x\n"));
    }
    let workspace = parsed(&text);
    assert_eq!(workspace.tasks().count(), count);
    assert_eq!(workspace.edges().len(), count - 1);
    assert_eq!(reads(&workspace, "p/7", "build"), ["p/6:build"]);
}

#[test]
fn case_67_a_project_that_is_spoken_of_by_name_and_by_folder_is_one() {
    let text =
        "== lone/go.mod\nmodule x/lone\n== knockon.toml\n[project.lone]\nowners = [\"@a\"]\n== lone/knockon.toml\n";
    let workspace = parsed(&format!("{text}inputs = [\"go.mod\"]\n"));
    assert_eq!(workspace.project(&ProjectId(path("lone"))).unwrap().owners, ["@a"]);
    assert_eq!(errors(&parsed(&format!("{text}owners = [\"@b\"]\n"))), ["duplicate-key"]);
}
