//! Which folders are projects, of which kind, and who owns what.

use std::collections::BTreeSet;

use super::{parsed, reads};
use crate::workspace::testing::path;
use crate::workspace::{ProjectId, TaskId, Workspace};

fn kinds(text: &str) -> Vec<String> {
    parsed(text).projects().map(|project| format!("{} {}", project.id, project.kind)).collect()
}

fn owner(workspace: &Workspace, of: &str) -> String {
    match workspace.owner_of(&path(of)) {
        Some(project) => project.id.to_string(),
        None => "nobody".to_owned(),
    }
}

fn readers(workspace: &Workspace, of: &str) -> Vec<String> {
    workspace.readers_of(&path(of)).iter().map(|(task, _)| workspace.task_id(*task).to_string()).collect()
}

fn commands(workspace: &Workspace, project: &str, task: &str) -> Vec<String> {
    let task = workspace.task(&TaskId::new(&ProjectId(path(project)), task)).unwrap();
    task.commands.iter().map(|command| format!("{} in {}", command.line, command.folder)).collect()
}

fn edges(workspace: &Workspace) -> Vec<String> {
    workspace.edges().iter().map(|edge| format!("{} {:?} {}", edge.from, edge.kind, edge.to)).collect()
}

const CHART: &str = "Chart.yaml\napiVersion: v2\nversion: 0.1.0\nname: ";

#[test]
fn a_project_is_what_its_manifests_make_of_it() {
    let text = format!(
        "\
== Cargo.toml
[workspace]
== lib/go.mod
module x/lib
== image/Dockerfile
FROM scratch
== both/go.mod
module x/both
== both/Dockerfile
FROM scratch
== chart/{CHART}chart
== deployed/go.mod
module x/deployed
== deployed/{CHART}deployed
== proto/buf.yaml
version: v1
== proto/a.proto
syntax = \"proto3\";
"
    );
    let expected = [
        ". workspace",
        "both service",
        "chart chart",
        "deployed service",
        "image service",
        "lib library",
        "proto schema",
    ];
    assert_eq!(kinds(&text), expected);
}

#[test]
fn the_root_of_a_workspace_keeps_its_manifest_and_an_image_at_the_root_keeps_its_own_files() {
    let workspace = parsed("== Cargo.toml\n[workspace]\n== tool.conf\n1\n");
    assert_eq!((owner(&workspace, "Cargo.toml").as_str(), owner(&workspace, "tool.conf").as_str()), (".", "nobody"));
    let workspace = parsed("== Dockerfile\nFROM scratch\nCOPY main.txt /\n== main.txt\n1\n== tool.conf\n1\n");
    assert_eq!((owner(&workspace, "Dockerfile").as_str(), owner(&workspace, "tool.conf").as_str()), (".", "nobody"));
    // Code at the root owns what lies there, and an image anywhere else what lies beside it.
    let workspace = parsed("== go.mod\nmodule x\n== Dockerfile\nFROM scratch\n== tool.conf\n1\n");
    assert_eq!(owner(&workspace, "tool.conf"), ".");
    let workspace = parsed("== svc/Dockerfile\nFROM scratch\n== svc/tool.conf\n1\n");
    assert_eq!(owner(&workspace, "svc/tool.conf"), "svc");
}

/// A package with another in it that no workspace names.
const FIXTURE: &str = "\
== app/package.json
{\"name\": \"app\", \"scripts\": {\"build\": \"tsc\"}}
== app/fixtures/one/package.json
{\"name\": \"one\", \"scripts\": {\"build\": \"never\"}}
== app/fixtures/one/i.js
1
";

#[test]
fn a_fixture_is_files_of_the_project_that_it_lies_in() {
    let workspace = parsed(FIXTURE);
    assert_eq!(kinds(FIXTURE), ["app library"]);
    assert_eq!(owner(&workspace, "app/fixtures/one/i.js"), "app");
    assert_eq!(commands(&workspace, "app", "build").len(), 1);
}

#[test]
fn what_a_fixture_on_shared_ground_refers_to_is_no_business_of_anyones() {
    let text = "\
== package.json
{\"private\": true, \"workspaces\": [\"app\"]}
== app/package.json
{\"name\": \"app\"}
== fixtures/one/package.json
{\"name\": \"one\", \"dependencies\": {\"gone\": \"file:../gone\"}}
";
    let told = |text: &str| parsed(text).diagnostics().iter().any(|finding| finding.code == "dangling-reference");
    assert!(!told(text));
    assert!(told(&text.replace("[\"app\"]", "[\"**\"]")));
}

#[test]
fn a_fixture_with_a_sign_of_standing_alone_is_a_project_that_takes_no_files() {
    for sign in ["== app/fixtures/one/package-lock.json\n{}\n", "== knockon.toml\n[project.\"app/fixtures/one\"]\n"] {
        let text = format!("{FIXTURE}{sign}");
        let workspace = parsed(&text);
        assert_eq!(kinds(&text), ["app library", "app/fixtures/one library"], "{sign}");
        assert_eq!(owner(&workspace, "app/fixtures/one/i.js"), "app");
        assert_eq!(readers(&workspace, "app/fixtures/one/i.js"), ["app/fixtures/one:build", "app:build"]);
    }
    // Another file beside it is none.
    assert_eq!(kinds(&format!("{FIXTURE}== app/fixtures/one/lock.json\n{{}}\n")), ["app library"]);
}

#[test]
fn a_folder_that_only_the_configuration_names_is_a_project_if_it_is_there_and_its_name_is_free() {
    let named = |name: &str, more: &str| format!("{more}== knockon.toml\n[project.\"{name}\"]\nowners = [\"@a\"]\n");
    assert_eq!(kinds(&named("tools", "== tools/x\n1\n")), ["tools library"]);
    for (name, more) in [("gone", ""), ("file", "== file\n1\n"), ("tools/x", "== tools/x\n1\n")] {
        let workspace = parsed(&named(name, more));
        assert_eq!((workspace.projects().count(), super::errors(&workspace)), (0, vec!["unknown-project"]), "{name}");
    }
    // Where a project has that name already, the name means that project.
    let workspace = parsed(&named("core", "== lib/core/go.mod\nmodule x/core\n== core/x\n1\n"));
    let owners: Vec<_> = workspace.projects().map(|project| (project.id.to_string(), &project.owners[..])).collect();
    assert_eq!(owners, [("lib/core".to_owned(), &["@a".to_owned()][..])]);
}

/// Each project, and the folders elsewhere that belong to it with the line that says so.
fn joined(text: &str) -> Vec<String> {
    let workspace = parsed(text);
    let projects = workspace.projects().map(|project| {
        let joined = project.joined.iter().map(|(folder, line)| format!(" <- {folder} {}:{}", line.file, line.line));
        format!("{}{}", project.id, joined.collect::<String>())
    });
    projects.collect()
}

const IMAGE: &str = "Dockerfile\nFROM scratch\n";

#[test]
fn a_chart_belongs_to_the_service_of_its_name() {
    let text = format!("== src/delivery/{IMAGE}== src/other/{IMAGE}== charts/delivery/{CHART}delivery\n");
    let workspace = parsed(&text);
    let ids: Vec<_> = workspace.projects().map(|project| project.id.to_string()).collect();
    assert_eq!(ids, ["src/delivery", "src/other"]);
    let delivery = workspace.look_up("delivery").unwrap();
    let (folder, line) = &delivery.joined[0];
    assert_eq!((folder, &line.file, line.line), (&path("charts/delivery"), &path("charts/delivery/Chart.yaml"), 3));
    assert_eq!(owner(&workspace, "charts/delivery/values.yaml"), "src/delivery");
    assert!(workspace.task(&TaskId::new(&delivery.id, "chart")).is_some());
    assert_eq!(commands(&workspace, "src/delivery", "chart"), ["helm package charts/delivery in ."]);
}

#[test]
fn a_chart_stays_on_its_own_where_no_service_or_several_fit() {
    let two = format!("== a/delivery/{IMAGE}== b/delivery/{IMAGE}== charts/delivery/{CHART}delivery\n");
    assert_eq!(joined(&two), ["a/delivery", "b/delivery", "charts/delivery"]);
    // Code without an image is no service.
    let code = format!("== src/delivery/go.mod\nmodule x/delivery\n== charts/delivery/{CHART}delivery\n");
    assert_eq!(joined(&code), ["charts/delivery", "src/delivery"]);
}

#[test]
fn a_chart_belongs_to_the_service_around_it_before_all_but_not_to_an_image_at_the_root() {
    let inside = format!("== src/a/{IMAGE}== src/b/{IMAGE}== src/a/deploy/{CHART}b\n");
    assert_eq!(joined(&inside), ["src/a <- src/a/deploy src/a/deploy/Chart.yaml:3", "src/b"]);
    let root = format!("== {IMAGE}== deploy/{CHART}other\n");
    assert_eq!(joined(&root), [".", "deploy"]);
    // A chart beside the Dockerfile of its own service looks for no other.
    let own = format!("== src/a/{IMAGE}== src/a/{CHART}b\n== src/b/{IMAGE}");
    assert_eq!(joined(&own), ["src/a", "src/b"]);
}

#[test]
fn a_chart_belongs_to_the_one_service_whose_image_it_deploys() {
    let chart = |images: &str| {
        let services = format!("== src/a/{IMAGE}== src/b/{IMAGE}");
        format!("{services}== deploy/{CHART}web\n== deploy/values.yaml\n{images}")
    };
    let one = chart("image: registry/x/a:1\nsidecar:\n  image: registry/other:1\n");
    assert_eq!(joined(&one), ["src/a <- deploy deploy/values.yaml:1", "src/b"]);
    let both = chart("image: registry/x/a:1\nsidecar:\n  image: registry/x/b:1\n");
    assert_eq!(joined(&both), ["deploy", "src/a", "src/b"]);
}

#[test]
fn a_project_that_reads_everything_around_it_does_not_depend_on_its_neighbours() {
    let text = "\
== libs/a/setup.py
import os
root = os.path.dirname(os.path.dirname(__file__))
setup(name='a')
== libs/b/go.mod
module x/b
";
    let workspace = parsed(text);
    assert_eq!(edges(&workspace), Vec::<String>::new());
    // What they hold is read all the same.
    assert!(readers(&workspace, "libs/b/go.mod").contains(&"libs/a:build".to_owned()));
}

#[test]
fn an_image_that_copies_a_folder_of_projects_depends_on_each() {
    let module = |name: &str| format!("== {name}/go.mod\nmodule x/{name}\n");
    let modules = ["libs/a", "libs/deep/b", "libs-more/c", "lib/d"].map(module).concat();
    let workspace = parsed(&format!("{modules}== svc/Dockerfile\nFROM scratch\nCOPY libs /libs\n"));
    assert_eq!(edges(&workspace), ["svc Image libs/a", "svc Image libs/deep/b"]);
}

#[test]
fn an_image_reads_the_image_of_another_project_that_it_begins_from() {
    let workspace = parsed(
        "\
== compose.yaml
services:
  base: {build: base}
  app:
    build: {context: app, additional_contexts: {root: \"service:base\"}}
== base/Dockerfile
FROM x
== app/Dockerfile
FROM root
",
    );
    assert_eq!(reads(&workspace, "app", "image"), ["base:image"]);
}

/// A schema that lies elsewhere than the project says, and images.
fn schema_in(images: &str) -> Vec<String> {
    let workspace = parsed(&format!(
        "\
== pb/a.proto
syntax = \"proto3\";
== services/svc/A.csproj
<Project Sdk=\"Microsoft.NET.Sdk\">
<ItemGroup><Protobuf Include=\"protos\\a.proto\" /></ItemGroup>
</Project>
== services/svc/Program.cs
{images}"
    ));
    edges(&workspace).into_iter().filter(|edge| edge.contains("Schema")).collect()
}

#[test]
fn only_an_image_that_holds_the_project_says_where_its_references_lead() {
    let found = ["services/svc Schema pb"];
    let image = |copies: &str| format!("== build/Dockerfile\nFROM x\n{copies}\nCOPY pb/a.proto protos/\n");
    assert_eq!(schema_in(&image("COPY services/svc/ ./")), found);
    // A part of the project, and a folder that holds it among others, are as good.
    assert_eq!(schema_in(&image("COPY services/svc/A.csproj ./")), found);
    assert_eq!(schema_in(&image("COPY services/ ./")), found);
    // Another project's image says nothing, and one of the whole repository has the file where it is.
    assert_eq!(schema_in(&image("COPY other/ ./\n== other/x")), Vec::<String>::new());
    assert_eq!(schema_in(&image("COPY . ./")), Vec::<String>::new());
}

#[test]
fn a_task_of_two_ecosystems_builds_upstream_only_if_both_tools_do() {
    let go = "== a/go.mod\nmodule x/a\n";
    let node = "== a/package.json\n{\"name\": \"a\", \"scripts\": {\"build\": \"tsc\"}}\n";
    let builds_upstream = |text: &str| {
        let workspace = parsed(text);
        workspace.task(&TaskId::new(&ProjectId(path("a")), "build")).unwrap().builds_upstream
    };
    assert!(builds_upstream(go));
    assert!(!builds_upstream(node));
    assert!(!builds_upstream(&format!("{go}{node}")));
}

#[test]
fn case_66_a_circle_is_told_with_each_edge_of_the_way_round() {
    let workspace = parsed(
        "== a/go.mod\nmodule x/a\n== b/go.mod\nmodule x/b\n== knockon.toml\n[project.a]\ndepends-on = [\"b\"]\n\
         [project.b]\ndepends-on = [\"a\"]\n",
    );
    let told: Vec<_> = workspace.diagnostics().iter().filter(|finding| finding.code == "dependency-cycle").collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].message, "a depends on itself: b (knockon.toml:2) → a (knockon.toml:4)");
}

#[test]
fn inputs_of_a_nested_project_count_for_the_outer_only_where_they_are_stated() {
    let text = "== out/go.mod\nmodule x/out\n== out/in/go.mod\nmodule x/in\n== out/in/f\n1\n== out/f\n1\n";
    let workspace = parsed(text);
    assert_eq!(readers(&workspace, "out/in/f"), ["out/in:build", "out/in:test"]);
    assert_eq!(readers(&workspace, "out/f"), ["out:build", "out:test"]);
}

#[test]
fn what_several_lines_state_is_read_once_and_told_by_the_first() {
    let workspace = parsed(
        "\
== a/go.mod
module x/a
require x/b v0.0.0
replace x/b => ../b
== b/go.mod
module x/b
== knockon.toml
[project.a]
depends-on = [\"b\"]
inputs = [\"../gen/x\", \"../gen/x\"]
",
    );
    let task = workspace.task(&TaskId::new(&ProjectId(path("a")), "build")).unwrap();
    let lines: Vec<_> = task.reads.iter().map(|read| (read.task.to_string(), read.evidence.as_ref())).collect();
    assert!(
        matches!(&lines[..], [(task, Some(line))] if task == "b:build" && line.file == path("a/go.mod")),
        "{lines:?}"
    );
    let mut sorted = task.inputs.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(task.inputs, sorted);
}

#[test]
fn case_22_only_projects_that_gained_or_lost_a_folder_can_own_other_files() {
    let before = parsed("== a/go.mod\nmodule x/a\n== a/in/f\n1\n== b/go.mod\nmodule x/b\n== b/f\n1\n");
    let disputed = |text: &str| {
        let after = parsed(text);
        let (ways, back) = (before.disputed_with(&after), after.disputed_with(&before));
        let ids = [ways, back].map(|ids| ids.iter().map(ToString::to_string).collect::<BTreeSet<_>>());
        assert_eq!(ids[0], ids[1]);
        ids[0].iter().cloned().collect::<Vec<_>>()
    };
    assert!(disputed("== a/go.mod\nmodule x/other\n== b/go.mod\nmodule x/b\n").is_empty());
    // One is made inside another, one is gone.
    let nested = "== a/go.mod\nmodule x/a\n== a/in/go.mod\nmodule x/in\n== b/go.mod\nmodule x/b\n";
    assert_eq!(disputed(nested), ["a", "a/in"]);
    assert_eq!(disputed("== a/go.mod\nmodule x/a\n== b/f\n1\n"), ["b"]);
}
