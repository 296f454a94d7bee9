//! What a project and a path go by.

use super::{errors, parsed};
use crate::workspace::testing::path;
use crate::workspace::{ProjectId, ProjectKind, Workspace};

const SHOP: &str = "\
== src/cart/package.json
{\"name\": \"@shop/cart\", \"scripts\": {\"build\": \"x\"}}
== src/mail/go.mod
module x/mail
== old/mail/go.mod
module x/mail
";

fn found(workspace: &Workspace, wanted: &str) -> String {
    workspace.look_up(wanted).map_or_else(|error| error.to_string(), |project| project.id.to_string())
}

#[test]
fn a_project_goes_by_its_folder_its_name_and_its_alias() {
    let workspace = parsed(SHOP);
    for wanted in ["src/cart", "src/cart/", "./src/cart", "cart", "@shop/cart"] {
        assert_eq!(found(&workspace, wanted), "src/cart", "{wanted}");
    }
    assert_eq!(found(&workspace, "old/mail"), "old/mail");
    assert_eq!(found(&workspace, "x/mail"), "`x/mail` names several projects: old/mail, src/mail; give the folder");
}

#[test]
fn case_68_an_unknown_project_is_told_with_those_that_are_near() {
    let workspace = parsed(SHOP);
    assert_eq!(found(&workspace, "crt"), "no project is called `crt`; did you mean cart?");
    assert_eq!(found(&workspace, "nothing-like-it"), "no project is called `nothing-like-it`");
    let workspace = parsed(&format!("{SHOP}== knockon.toml\n[project.carr]\nowners = [\"@a\"]\n"));
    assert_eq!(errors(&workspace), ["unknown-project"]);
}

#[test]
fn around_a_project_stands_what_it_depends_on_and_what_depends_on_it() {
    let module = |name: &str, needs: &str| {
        format!("== {name}/go.mod\nmodule x/{name}\nrequire x/{needs} v0.0.0\nreplace x/{needs} => ../{needs}\n")
    };
    let text = format!("{}{}{}", module("a", "b"), module("b", "c"), module("other", "c"));
    let workspace = parsed(&format!("{text}== c/go.mod\nmodule x/c\n== alone/go.mod\nmodule x/alone\n"));
    let around = |name: &str| {
        workspace.around(&ProjectId(path(name))).iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    // `other` depends on what `b` depends on: that makes it no neighbour of `b`.
    assert_eq!(around("b"), "a b c");
    assert_eq!(around("c"), "a b c other");
    assert_eq!(around("alone"), "alone");
}

#[test]
fn case_21_a_path_is_nobodys_if_it_is_neither_owned_nor_read_nor_inert_nor_understood() {
    let workspace = parsed(
        "\
== a/go.mod
module x/a
== a/lib -> ../shared
== compose.yaml
services: {}
== knockon.toml
[workspace]
ignore = [\"*.log\"]
[project.a]
inputs = [\"../gen/**\"]
",
    );
    for nobodys in ["tool.conf", "scripts/build.sh", "other/x", "x/README.md"] {
        assert!(workspace.is_nobodys(&path(nobodys)), "{nobodys}");
    }
    let somebodys = ["a/main.go", "a/new", "gen/x", "shared/x", "README.md", "x.log", "knockon.toml", "compose.yaml"];
    for somebodys in somebodys {
        assert!(!workspace.is_nobodys(&path(somebodys)), "{somebodys}");
    }
}

#[test]
fn a_kind_is_printed_as_programs_read_it() {
    use ProjectKind::{Chart, Library, Schema, Service, Workspace};
    for kind in [Service, Library, Chart, Schema, Workspace] {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.to_string());
    }
}
