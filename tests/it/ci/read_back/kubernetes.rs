//! Engines whose plans are objects of Kubernetes.

use std::collections::BTreeMap;

use knockon::ci::shell;
use serde_json::Value;

use super::{Interpreted, Run, exact, minutes, one_strand, text, texts, waits_for_all, yaml};

fn check_name(name: &str) {
    assert!(name.len() <= 63 && name.as_bytes()[0].is_ascii_lowercase(), "{name}");
    assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'), "{name}");
    assert!(!name.ends_with('-'), "{name}");
}

/// The variables of a container that fetches the sources and runs the script.
fn variables(container: &Value) -> BTreeMap<String, String> {
    let script = text(&container["args"][0]);
    assert!(script.ends_with(shell::SCRIPT) && !script.contains("$(") && !script.contains("{{"));
    let of = |variable: &Value| (text(&variable["name"]), text(&variable["value"]));
    container["env"].as_array().unwrap().iter().map(of).collect()
}

fn run(variables: &BTreeMap<String, String>) -> Run {
    Run {
        title: variables["KNOCKON_TASK"].clone(),
        commands: one_strand(&variables[shell::VARIABLE]),
        environment: variables.get("KNOCKON_ENVIRONMENT").filter(|name| !name.is_empty()).cloned(),
        ..Run::default()
    }
}

pub fn argo(document: &str) -> Interpreted {
    assert!(document.len() < 1 << 20);
    let document = yaml(document);
    let templates: BTreeMap<String, &Value> =
        document["spec"]["templates"].as_array().unwrap().iter().map(|one| (text(&one["name"]), one)).collect();
    let dag = &templates[&text(&document["spec"]["entrypoint"])]["dag"];
    assert_eq!(dag["failFast"], false);
    let mut runs = BTreeMap::new();
    for task in dag["tasks"].as_array().unwrap() {
        let name = text(&task["name"]);
        check_name(&name);
        let template = templates[&text(&task["template"])];
        let mut found = Run::default();
        if template.get("inputs").is_some() {
            let parameters: BTreeMap<String, String> = task["arguments"]["parameters"]
                .as_array()
                .unwrap()
                .iter()
                .map(|parameter| (text(&parameter["name"]), text(&parameter["value"])))
                .collect();
            let mut variables = variables(&template["container"]);
            for value in variables.values_mut().filter(|value| value.starts_with("{{")) {
                *value = parameters[&value.replace("{{inputs.parameters.", "").replace("}}", "")].clone();
            }
            found = run(&variables);
            found.minutes = minutes(&template["activeDeadlineSeconds"], 0).map(|seconds| seconds / 60);
        } else if template.get("suspend").is_some() {
            found.approved = true;
        }
        found.after = texts(&task["dependencies"]).into_iter().collect();
        assert!(runs.insert(name.clone(), found).is_none(), "{name} is there twice");
    }
    let gate = waits_for_all(&runs, "knockon");
    runs.remove("knockon");
    exact(runs, gate)
}

pub fn tekton(document: &str) -> Interpreted {
    assert!(document.len() < 1_500_000);
    let document = yaml(document);
    let mut runs = BTreeMap::new();
    for task in document["spec"]["pipelineSpec"]["tasks"].as_array().unwrap() {
        let name = text(&task["name"]);
        check_name(&name);
        let step = &task["taskSpec"]["steps"][0];
        let mut found = if name == "knockon" { Run::default() } else { run(&variables(step)) };
        found.after = texts(&task["runAfter"]).into_iter().collect();
        let timeout = task.get("timeout").map(|given| text(given).strip_suffix("m0s").unwrap().to_owned());
        found.minutes = timeout.map(|number| number.parse().unwrap());
        assert!(runs.insert(name.clone(), found).is_none(), "{name} is there twice");
    }
    let gate = waits_for_all(&runs, "knockon");
    runs.remove("knockon");
    exact(runs, gate)
}
