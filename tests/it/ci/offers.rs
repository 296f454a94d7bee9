//! What other repositories use as it is: the action for GitHub and the component for GitLab.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::read_back::{text, yaml};
use crate::repository::{Outcome, Repo};

fn offered(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// What the action's one step is given: for each variable the input that it comes from.
fn step() -> Value {
    let action = yaml(&offered("action.yml"));
    assert_eq!(action["runs"]["using"], "composite");
    let steps = action["runs"]["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 1);
    steps[0].clone()
}

#[test]
fn inputs_of_the_action_reach_its_script_as_variables_only() {
    let action = yaml(&offered("action.yml"));
    let step = step();
    assert!(!text(&step["run"]).contains("${{"), "{step}");
    let mut given: Vec<String> = step["env"].as_object().unwrap().values().map(text).collect();
    let mut inputs: Vec<String> =
        action["inputs"].as_object().unwrap().keys().map(|name| format!("${{{{ inputs.{name} }}}}")).collect();
    given.sort();
    inputs.sort();
    assert_eq!(given, inputs);
}

/// Runs a script as a runner does, with such values for its variables and nothing for the others.
fn run(repo: &Repo, script: &str, variables: &Value, values: &[(&str, &str)], also: &[(&str, &str)]) -> Outcome {
    let mut command = Command::new("sh");
    repo.scrub(&mut command);
    command.current_dir(repo.top()).args(["-e", "-c", script]);
    for name in variables.as_object().unwrap().keys().filter(|name| name.starts_with("PLAN_")) {
        let value = values.iter().find(|(wanted, _)| wanted == name).map_or("", |(_, value)| value);
        command.env(name, value);
    }
    command.envs(also.iter().copied());
    Outcome::of(command)
}

#[test]
fn the_action_makes_the_outputs_that_it_names() {
    let repo = Repo::of_modules();
    repo.append("lib/lib.go", "// more\n").commit("a change");
    let (step, outputs) = (step(), repo.beside("outputs"));
    let values = [
        ("PLAN_BINARY", env!("CARGO_BIN_EXE_knockon")),
        ("PLAN_LAYERS", "10"),
        ("PLAN_BASE", "HEAD~1"),
        ("PLAN_HEAD", "HEAD"),
    ];
    run(&repo, &text(&step["run"]), &step["env"], &values, &[("GITHUB_OUTPUT", outputs.to_str().unwrap())]).done();
    let told = fs::read_to_string(&outputs).unwrap();
    let mut made: Vec<&str> = told.lines().map(|line| line.split_once('=').unwrap().0).collect();
    let action = yaml(&offered("action.yml"));
    let declared = action["outputs"].as_object().unwrap();
    for (name, output) in declared {
        assert_eq!(output["value"], format!("${{{{ steps.{}.outputs.{name} }}}}", text(&step["id"])));
    }
    let mut declared: Vec<&str> = declared.keys().map(String::as_str).collect();
    made.sort_unstable();
    declared.sort_unstable();
    assert_eq!(made, declared);
    assert!(told.starts_with("any=true\ncount=4\n"), "{told}");
}

/// A program that prints its arguments, each on a line.
fn teller(repo: &Repo) -> String {
    let file = repo.beside("teller");
    fs::write(&file, "#!/bin/sh\nprintf '%s\\n' \"$@\"\n").unwrap();
    #[cfg(unix)]
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn inputs_of_the_action_are_arguments_and_no_script() {
    let repo = Repo::of_modules();
    let (step, teller) = (step(), teller(&repo));
    let told = |values: &[(&str, &str)]| -> Vec<String> {
        let values = [&[("PLAN_BINARY", &teller[..]), ("PLAN_LAYERS", "3")], values].concat();
        let outcome = run(&repo, &text(&step["run"]), &step["env"], &values, &[]);
        outcome.done();
        outcome.stdout().lines().map(str::to_owned).collect()
    };
    assert_eq!(told(&[]), ["ci", "github", "--layers=3"]);
    let hostile = "a b;$(touch made)`touch made`";
    let all = [
        ("PLAN_BASE", hostile),
        ("PLAN_HEAD", "--force"),
        ("PLAN_PIPELINE", "'\"*"),
        ("PLAN_ARGUMENTS", "--strict  --shard=1/2 * $(touch made)"),
    ];
    let wanted = [
        "ci",
        "github",
        "--layers=3",
        "--strict",
        "--shard=1/2",
        "*",
        "$(touch",
        "made)",
        "--base=a b;$(touch made)`touch made`",
        "--head=--force",
        "--pipeline='\"*",
    ];
    assert_eq!(told(&all), wanted);
    assert!(!repo.top().join("made").exists());
}

#[test]
fn the_action_plans_for_no_more_layers_than_it_has_outputs() {
    let repo = Repo::of_modules();
    let (step, teller) = (step(), teller(&repo));
    for layers in ["11", "100", "", "x"] {
        let values = [("PLAN_BINARY", &teller[..]), ("PLAN_LAYERS", layers)];
        run(&repo, &text(&step["run"]), &step["env"], &values, &[]).refused(2, "layers is 10 at most");
    }
}

#[test]
fn without_a_binary_the_action_has_cargo_install_its_own_version() {
    let repo = Repo::of_modules();
    let step = step();
    let programs = repo.beside("programs");
    fs::create_dir(&programs).unwrap();
    fs::rename(teller(&repo), programs.join("cargo")).unwrap();
    let installed = repo.beside("runner/knockon/bin");
    fs::create_dir_all(&installed).unwrap();
    fs::rename(teller(&repo), installed.join("knockon")).unwrap();
    let path = format!("{}:/usr/bin:/bin", programs.display());
    let runner = repo.beside("runner");
    let runner = runner.to_str().unwrap();
    let also = [("PATH", &path[..]), ("GITHUB_ACTION_PATH", "/the/action"), ("RUNNER_TEMP", runner)];
    let outcome = run(&repo, &text(&step["run"]), &step["env"], &[("PLAN_LAYERS", "10")], &also);
    outcome.done();
    let wanted = format!("install\n--locked\n--path\n/the/action\n--root\n{runner}/knockon\nci\ngithub\n--layers=10\n");
    assert_eq!(outcome.stdout(), wanted);
}

/// The component as GitLab makes a configuration of it, with such inputs and else their defaults.
pub fn component(given: &[(&str, &str)]) -> String {
    let offered = offered("templates/knockon.yml");
    let (spec, document) = offered.split_once("\n---\n").unwrap();
    let spec = yaml(spec);
    let mut document = document.to_owned();
    for (name, input) in spec["spec"]["inputs"].as_object().unwrap() {
        let value = given.iter().find(|(wanted, _)| wanted == name).map(|(_, value)| (*value).to_owned());
        let value = value.or_else(|| input.get("default").map(text)).unwrap_or_else(|| panic!("{name} is needed"));
        let place = format!("$[[ inputs.{name} ]]");
        assert!(document.contains(&place), "{name} is asked for and read by nothing");
        document = document.replace(&place, &value);
    }
    assert!(!document.contains("$[["), "{document}");
    document
}

#[test]
fn the_component_hands_the_plan_on_and_ends_as_that_does() {
    let component = yaml(&component(&[("image", "registry.example/tools:1"), ("args", "--strict *")]));
    let gate = &component["knockon"];
    assert_eq!(gate["trigger"]["strategy"], "depend");
    assert_eq!(gate["trigger"]["include"][0]["job"], "knockon-plan");
    assert_eq!(gate["needs"][0], "knockon-plan");
    let plan = &component["knockon-plan"];
    let file = text(&gate["trigger"]["include"][0]["artifact"]);
    assert_eq!(text(&plan["artifacts"]["paths"][0]), file);
    assert_eq!(plan["variables"]["GIT_DEPTH"], "0");
    let script = text(&plan["script"][0]);
    let repo = Repo::of_modules();
    let teller = teller(&repo);
    let mut values: Vec<(&str, String)> =
        ["PLAN_IMAGE", "PLAN_PIPELINE", "PLAN_ARGUMENTS"].map(|name| (name, text(&plan["variables"][name]))).to_vec();
    values.push(("PLAN_BINARY", teller));
    let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, &value[..])).collect();
    run(&repo, &script, &plan["variables"], &values, &[]).done();
    let told = fs::read_to_string(repo.top().join(&file)).unwrap();
    assert_eq!(told, "ci\ngitlab\n--image=registry.example/tools:1\n--strict\n*\n");
}

#[test]
fn the_components_plan_is_a_pipeline() {
    let repo = Repo::of_modules();
    repo.append("lib/lib.go", "// more\n").commit("a change");
    let component = yaml(&component(&[("image", "i"), ("binary", env!("CARGO_BIN_EXE_knockon"))]));
    let plan = &component["knockon-plan"];
    let values = [
        ("PLAN_BINARY", env!("CARGO_BIN_EXE_knockon")),
        ("PLAN_IMAGE", "i"),
        ("PLAN_ARGUMENTS", "--base HEAD~1 --head HEAD"),
    ];
    run(&repo, &text(&plan["script"][0]), &plan["variables"], &values, &[]).done();
    let pipeline = yaml(&fs::read_to_string(repo.top().join("knockon-plan.yml")).unwrap());
    assert!(pipeline["lib:build"]["script"].is_array() || pipeline["lib:build"]["extends"].is_string(), "{pipeline}");
    assert!(pipeline["knockon"].is_object());
    // A plan that could not be made is red, and hands nothing on.
    let wrong =
        [("PLAN_BINARY", env!("CARGO_BIN_EXE_knockon")), ("PLAN_IMAGE", "i"), ("PLAN_ARGUMENTS", "--base none")];
    assert_eq!(run(&repo, &text(&plan["script"][0]), &plan["variables"], &wrong, &[]).status, 3);
}
