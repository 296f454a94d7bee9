//! The files that call knockon for each plan.

use std::process::Command;

use serde_json::Value;

use knockon::ci::{CiError, ENGINES, Setup, engine, shell};

use super::read_back::{text, texts, yaml};

fn setup() -> Setup {
    Setup { layers: 3, binary: None, image: Some("registry.example/tools:1".to_owned()) }
}

pub fn entry(name: &str) -> String {
    (engine(name).unwrap().entry.unwrap().text)(&setup()).unwrap()
}

#[test]
fn the_files_are_these() {
    for engine in ENGINES.into_iter().filter(|engine| engine.entry.is_some()) {
        insta::assert_snapshot!(format!("entry-{}", engine.name), entry(engine.name));
    }
}

/// Whether a gate's script succeeds.
fn passes(script: &str, variables: &[(&str, &str)]) -> bool {
    let mut command = Command::new("sh");
    command.args(["-e", "-c", script]).env_clear().env("PATH", "/usr/bin:/bin").envs(variables.iter().copied());
    command.output().unwrap().status.success()
}

#[test]
fn githubs_gate_is_green_if_and_only_if_all_that_was_planned_succeeded() {
    let workflow = yaml(&entry("github"));
    let gate = &workflow["jobs"]["knockon"];
    assert_eq!(gate["if"], "${{ always() }}");
    assert_eq!(texts(&gate["needs"]), ["plan", "layer0", "layer1", "layer2"]);
    let script = text(&gate["steps"][0]["run"]);
    for (results, layers, green) in [
        ("success skipped skipped skipped", "0", true),
        ("success success skipped skipped", "1", true),
        ("success success success success", "3", true),
        ("failure skipped skipped skipped", "", false),
        ("cancelled skipped skipped skipped", "", false),
        ("success success failure skipped", "3", false),
        ("success success skipped skipped", "2", false),
        ("success cancelled skipped skipped", "1", false),
        // What GitHub makes of outputs in which it sees a secret.
        ("success skipped skipped skipped", "", false),
    ] {
        assert_eq!(passes(&script, &[("RESULTS", results), ("LAYERS", layers)]), green, "{results} of {layers}");
    }
}

#[test]
fn azures_gate_is_green_if_and_only_if_all_that_was_planned_succeeded() {
    let pipeline = yaml(&entry("azure"));
    let gate = pipeline["jobs"].as_array().unwrap().last().unwrap();
    assert_eq!(gate["condition"], "always()");
    let script = text(&gate["steps"][1]["bash"]);
    for (planned, results, layers, green) in [
        ("Succeeded", ["Skipped", "Skipped", "Skipped"], "0", true),
        ("Succeeded", ["Succeeded", "Succeeded", "Skipped"], "2", true),
        ("Succeeded", ["Succeeded", "Failed", "Skipped"], "3", false),
        ("Succeeded", ["Succeeded", "Skipped", "Skipped"], "2", false),
        ("Failed", ["Skipped", "Skipped", "Skipped"], "", false),
        ("Succeeded", ["Skipped", "Skipped", "Skipped"], "", false),
    ] {
        let told = [("RESULT0", results[0]), ("RESULT1", results[1]), ("RESULT2", results[2])];
        let variables = [&told[..], &[("PLANNED", planned), ("LAYERS", layers)]].concat();
        assert_eq!(passes(&script, &variables), green, "{planned} {results:?} of {layers}");
    }
}

#[test]
fn each_layer_waits_for_the_one_below_and_is_skipped_where_a_plan_has_none() {
    let github = yaml(&entry("github"));
    let azure = yaml(&entry("azure"));
    for number in 0..3_usize {
        let below: Vec<String> =
            std::iter::once("plan".to_owned()).chain(number.checked_sub(1).map(|n| format!("layer{n}"))).collect();
        let job = &github["jobs"][format!("layer{number}")];
        assert_eq!(texts(&job["needs"]), below);
        // Nothing in it but this, so that GitHub's own condition holds too: all that is needed has succeeded.
        assert_eq!(job["if"], format!("${{{{ fromJSON(needs.plan.outputs.layers) > {number} }}}}"));
        assert_eq!(job["strategy"]["fail-fast"], false);
        assert_eq!(text(&job["steps"][1]["run"]), shell::SCRIPT);
        let job = azure["jobs"].as_array().unwrap().iter().find(|job| job["job"] == format!("layer{number}")).unwrap();
        assert_eq!(texts(&job["dependsOn"]), below);
        assert!(text(&job["condition"]).starts_with("and(succeeded(), ne("), "{job}");
        let minutes = format!("$[ dependencies.plan.outputs['plan.minutes{number}'] ]");
        assert_eq!(text(&job["timeoutInMinutes"]), minutes);
        assert_eq!(text(&job["steps"][0]["bash"]), shell::SCRIPT);
    }
}

#[test]
fn expressions_stand_in_no_script() {
    let github = yaml(&entry("github"));
    for (name, job) in github["jobs"].as_object().unwrap() {
        for step in job["steps"].as_array().unwrap() {
            assert!(!step["run"].as_str().unwrap_or_default().contains("${{"), "{name}");
            let uses = step["uses"].as_str().unwrap_or("x@0123456789012345678901234567890123456789");
            let digest = uses.split_once('@').unwrap().1;
            assert!(digest.len() == 40 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()), "{uses}");
        }
    }
    assert_eq!(github["permissions"], serde_json::json!({ "contents": "read" }));
    assert!(github.get("env").is_none_or(Value::is_null));
}

#[test]
fn a_path_to_the_binary_is_no_script() {
    let with = |binary: &str| {
        let setup = Setup { binary: Some(binary.to_owned()), ..setup() };
        (engine("github").unwrap().entry.unwrap().text)(&setup)
    };
    let text = with("./tools/knockon").unwrap();
    assert!(text.contains("./tools/knockon ci github --layers 3") && !text.contains("cargo install"), "{text}");
    for wrong in ["", "-x", "a b", "$(id)", "a;b", "a\nb", "${{ x }}"] {
        assert!(matches!(with(wrong), Err(CiError::BadBinary { .. })), "{wrong}");
    }
}
