//! What the configuration adds to the claims, and what it takes away.

use super::{TWO, errors, parsed, reads};
use crate::workspace::testing::path;
use crate::workspace::{ProjectId, TaskId, Workspace};

/// The inputs of a task that cover a path, each with the line of its evidence.
fn lines_of(workspace: &Workspace, project: &str, task: &str, file: &str) -> Vec<String> {
    let id = workspace.task_index(&TaskId::new(&ProjectId(path(project)), task)).unwrap();
    let readers = workspace.readers_of(&path(file)).into_iter().filter(|(task, _)| *task == id);
    let evidence = readers.map(|(task, input)| &workspace.task_at(task).inputs[input].evidence);
    evidence.map(|e| format!("{}:{}", e.file, e.line)).collect()
}

#[test]
fn case_66_a_project_that_depends_on_itself_is_an_error() {
    // By another of its names, which only the workspace knows to be one.
    let text = format!("== src/own/go.mod\nmodule x/own\n{TWO}[project.own]\ndepends-on = [\"src/own\", \"b\"]\n");
    let workspace = parsed(&text);
    assert_eq!(errors(&workspace), ["self-dependency"]);
    assert_eq!(workspace.edges().len(), 1);
    assert_eq!(reads(&workspace, "src/own", "build"), ["b:build"]);
}

#[test]
fn each_pattern_of_a_list_is_the_evidence_of_what_it_selects() {
    let list = |patterns: &str| parsed(&format!("{TWO}[project.a.task.build]\ninputs = [\n{patterns}]\n"));
    let workspace = list("\"*.go\",\n\"!x.go\",\n\"../gen/*\",\n");
    assert_eq!(lines_of(&workspace, "a", "build", "a/y.go"), ["knockon.toml:3"]);
    assert_eq!(lines_of(&workspace, "a", "build", "gen/y"), ["knockon.toml:5"]);
    for file in ["a/x.go", "a/y.rs"] {
        assert!(lines_of(&workspace, "a", "build", file).is_empty(), "{file}");
    }
    // A list that begins with what it keeps out begins with everything.
    let workspace = list("\"!x.go\",\n\"!z.go\",\n\"../gen/*\",\n");
    assert_eq!(lines_of(&workspace, "a", "build", "a/y.rs"), ["knockon.toml:3"]);
    assert_eq!(lines_of(&workspace, "a", "build", "gen/y"), ["knockon.toml:5"]);
    for file in ["a/x.go", "a/z.go"] {
        assert!(lines_of(&workspace, "a", "build", file).is_empty(), "{file}");
    }
}

#[test]
fn a_tasks_inputs_replace_what_it_read_in_its_folder_and_leave_what_it_reads_outside() {
    let text = "\
== web/package.json
{\"name\": \"web\", \"scripts\": {\"build\": \"tsc\"}}
== web/tsconfig.json
{\"extends\": \"../base.json\"}
== base.json
{}
== web/package-lock.json
{}
== knockon.toml
[project.web.task.build]
inputs = [\"src/**\"]
";
    let workspace = parsed(text);
    let reads = |file: &str| !lines_of(&workspace, "web", "build", file).is_empty();
    assert!(reads("web/src/i.ts") && reads("base.json"));
    assert!(!reads("web/i.ts") && !reads("web/package-lock.json"));
}

#[test]
fn at_the_root_a_tasks_inputs_replace_only_what_the_project_owns() {
    let text = "\
== package.json
{\"name\": \"root\", \"scripts\": {\"build\": \"tsc\"}}
== package-lock.json
{}
== knockon.toml
[project.\".\".task.build]
inputs = [\"src/**\"]
";
    let workspace = parsed(text);
    let reads = |file: &str| !lines_of(&workspace, "", "build", file).is_empty();
    assert!(reads("src/i.ts") && reads("package-lock.json"));
    assert!(!reads("i.ts"));
}

#[test]
fn only_tests_follow_the_edges_that_are_for_tests() {
    let package = |name: &str, more: &str| format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\n{more}");
    let text = format!(
        "== Cargo.toml\n[workspace]\nmembers = [\"a\", \"b\"]\n== a/Cargo.toml\n{}== b/Cargo.toml\n{}== knockon.toml\n[task.build]\ndepends-on = [\"^build\"]\n[task.test]\ndepends-on = [\"^build\"]\n",
        package("a", "[dev-dependencies]\nb = { path = \"../b\" }\n"),
        package("b", "")
    );
    let workspace = parsed(&text);
    assert_eq!(reads(&workspace, "a", "build"), Vec::<String>::new());
    assert_eq!(reads(&workspace, "a", "test"), ["b:build"]);
}

#[test]
fn a_task_that_could_read_nothing_is_an_error_unless_it_asks_what_lies_upstream() {
    let read = |task: &str, what: &str| parsed(&format!("{TWO}[project.a.task.{task}]\ndepends-on = [\"{what}\"]\n"));
    for what in ["a:build", "nothing", "b:nothing"] {
        let workspace = read("build", what);
        assert_eq!(errors(&workspace), ["unknown-task"], "{what}");
        assert_eq!(reads(&workspace, "a", "build"), Vec::<String>::new(), "{what}");
    }
    // Nothing lies upstream of it: that is no mistake.
    assert_eq!(errors(&read("build", "^build")), Vec::<&str>::new());
    assert_eq!(reads(&read("test", "b:build"), "a", "test"), ["b:build"]);
}

/// The messages about patterns that match nothing.
fn unmatched(configuration: &str) -> Vec<String> {
    let text = format!("== a/go.mod\nmodule x/a\n== a/src/f.go\n1\n== gen/deep/x\n1\n== knockon.toml\n{configuration}");
    let workspace = parsed(&text);
    let told = workspace.diagnostics().iter().filter(|finding| finding.code == "unmatched-pattern");
    told.map(|finding| finding.message.clone()).collect()
}

#[test]
fn case_78_patterns_that_match_something_or_keep_something_out_are_not_told() {
    for pattern in ["*.mod", "src/*", "**/*.go", "../gen/**", "../gen/deep/x", "./src/f.go"] {
        assert_eq!(unmatched(&format!("[project.a]\ninputs = [\"{pattern}\"]\n")), Vec::<String>::new(), "{pattern}");
    }
    for out in ["!*.none", "!**"] {
        assert_eq!(unmatched(&format!("[project.a]\ninputs = [\"**\", \"{out}\"]\n")), Vec::<String>::new(), "{out}");
    }
    assert_eq!(unmatched("[workspace]\nignore = [\"gen/**\"]\n"), Vec::<String>::new());
}

#[test]
fn case_78_patterns_that_match_nothing_are_told_wherever_they_stand() {
    for pattern in ["*.go", "src", "../gen/*", "../none/**", "src/f.go/x"] {
        let message = format!("`{pattern}` matches no file, seen from folder `a`");
        assert_eq!(unmatched(&format!("[project.a]\ninputs = [\"{pattern}\"]\n")), [message.as_str()]);
        assert_eq!(unmatched(&format!("[project.a.task.build]\ninputs = [\"{pattern}\"]\n")), [message.as_str()]);
    }
    let ignored = unmatched("[workspace]\nignore = [\"none/**\"]\n");
    assert_eq!(ignored, ["`none/**` matches no file, seen from folder `.`"]);
}
