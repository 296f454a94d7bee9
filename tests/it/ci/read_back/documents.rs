//! Engines that are given the whole graph.

use std::collections::{BTreeMap, BTreeSet};

use knockon::ci::shell;
use serde_json::Value;

use super::{Interpreted, Run, exact, map, minutes, one_strand, text, texts, waits_for_all, yaml};

/// What a job runs: the one script, with what its variable says.
fn commands(script: &str, variables: &Value) -> Vec<knockon::discover::Command> {
    assert_eq!(script, shell::SCRIPT);
    one_strand(&text(&variables[shell::VARIABLE]))
}

pub fn github(document: &str) -> Interpreted {
    let document = yaml(document);
    let mut runs = BTreeMap::new();
    for (name, job) in map(&document["jobs"]) {
        assert!(name.len() <= 100 && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'), "{name}");
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{name}");
        let mut run = Run { after: texts(&job["needs"]).into_iter().collect(), ..Run::default() };
        let steps = job["steps"].as_array().unwrap();
        let last = steps.last().unwrap();
        if name == "knockon" {
            assert_eq!((&job["if"], steps.len()), (&Value::from("${{ always() }}"), 1));
        } else {
            assert!(job.get("if").is_none(), "without a condition a job runs when all it needs have succeeded");
            (run.title, run.environment) = (text(&job["name"]), job["environment"].as_str().map(str::to_owned));
            assert_eq!(text(&last["env"]["KNOCKON_TASK"]), run.title);
            run.minutes = minutes(&job["timeout-minutes"], 360);
            run.commands = commands(&text(&last["run"]), &last["env"]);
            // Who has to agree is a matter of the environment's own rules.
            run.approved = run.environment.is_some();
        }
        runs.insert(name.clone(), run);
    }
    let gate = waits_for_all(&runs, "knockon");
    runs.remove("knockon");
    exact(runs, gate)
}

pub fn gitlab(document: &str) -> Interpreted {
    let document = yaml(document);
    let stages = texts(&document["stages"]);
    let (mut runs, mut stage_of) = (BTreeMap::new(), BTreeMap::new());
    for (name, job) in map(&document) {
        if ["stages", "default"].contains(&name.as_str()) || name.starts_with('.') {
            continue;
        }
        assert!(name.len() <= 255, "{name}");
        let base = job.get("extends").map_or(job, |base| &document[text(base)]);
        let stage = stages.iter().position(|stage| *stage == text(&base["stage"])).unwrap();
        stage_of.insert(name.clone(), (stage, job.get("needs").is_some()));
        let mut run = Run::default();
        if let Some(needs) = job.get("needs") {
            let needs: Vec<String> = needs.as_array().unwrap().iter().map(|need| text(&need["job"])).collect();
            assert!(needs.len() <= 50, "{name} needs {}", needs.len());
            run.after = needs.into_iter().collect();
        }
        if job.get("extends").is_some() {
            run.title = text(&job["variables"]["KNOCKON_TASK"]);
            run.commands = commands(&text(&base["script"][0]), &job["variables"]);
            run.environment = job["environment"]["name"].as_str().map(str::to_owned);
            run.approved = job["when"] == "manual" && job["allow_failure"] == false;
            let timeout = job.get("timeout").map(|given| text(given).strip_suffix(" minutes").unwrap().to_owned());
            run.minutes = timeout.map(|number| number.parse().unwrap());
        }
        runs.insert(name.clone(), run);
    }
    // A job without `needs` waits for all stages before its own.
    let everyone: Vec<(String, usize)> = stage_of.iter().map(|(name, (stage, _))| (name.clone(), *stage)).collect();
    for (name, (stage, _)) in stage_of.iter().filter(|(_, (_, has_needs))| !has_needs) {
        let before: BTreeSet<String> =
            everyone.iter().filter(|(_, other)| other < stage).map(|(name, _)| name.clone()).collect();
        runs.get_mut(name).unwrap().after = before;
    }
    let gate = waits_for_all(&runs, "knockon");
    runs.remove("knockon");
    exact(runs, gate)
}

pub fn azure(document: &str) -> Interpreted {
    let document = yaml(document);
    let mut runs = BTreeMap::new();
    for job in document["jobs"].as_array().unwrap() {
        let name = text(job.get("job").or(job.get("deployment")).unwrap());
        assert!(name.len() <= 100 && name.as_bytes()[0].is_ascii_alphabetic(), "{name}");
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{name}");
        assert!(job.get("condition").is_none(), "by the usual condition all that it depends on has succeeded");
        let mut run = Run { after: texts(&job["dependsOn"]).into_iter().collect(), ..Run::default() };
        if name != "knockon" {
            let steps = job.get("steps").unwrap_or(&job["strategy"]["runOnce"]["deploy"]["steps"]);
            let step = steps.as_array().unwrap().last().unwrap();
            run.title = text(&job["displayName"]);
            run.commands = commands(&text(&step["bash"]), &step["env"]);
            // As a text it would be the environment before the first dot, and a resource of that.
            run.environment = job.get("environment").map(|environment| text(&environment["name"]));
            assert_eq!(run.environment.is_some(), job.get("deployment").is_some(), "only deployments have one");
            // Who has to approve is a matter of the environment's own checks.
            run.approved = run.environment.is_some();
            // The schema has numbers as texts.
            run.minutes = job.get("timeoutInMinutes").and_then(|given| minutes(&Value::from(text(given)), 0));
        }
        assert!(runs.insert(name.to_lowercase(), run).is_none(), "{name} is there twice");
    }
    for run in runs.values_mut() {
        run.after = run.after.iter().map(|name| name.to_lowercase()).collect();
    }
    let gate = waits_for_all(&runs, "knockon");
    runs.remove("knockon");
    exact(runs, gate)
}

pub fn buildkite(parts: &[String]) -> Interpreted {
    let mut runs: BTreeMap<String, Run> = BTreeMap::new();
    for part in parts {
        let part = yaml(part);
        let steps = part["steps"].as_array().unwrap();
        assert!(steps.len() <= 500);
        for step in steps {
            let key = text(&step["key"]);
            assert!(key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_:".contains(&byte)), "{key}");
            let is_uuid = key.len() == 36 && key.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
            assert!(!is_uuid && key.len() <= 100, "{key}");
            // Without `depends_on` a step would wait for the block before it.
            let after: BTreeSet<String> = texts(step.get("depends_on").unwrap()).into_iter().collect();
            let mut run = Run { after, ..Run::default() };
            if step.get("block").is_some() {
                run.approved = true;
            } else {
                run.title = text(&step["label"]);
                let interpolated = text(&step["command"]).replace("$$", "$");
                assert_eq!(text(&step["command"]).matches('$').count() % 2, 0);
                run.commands = commands(&interpolated, &step["env"]);
                run.environment = step["env"]["KNOCKON_ENVIRONMENT"].as_str().map(str::to_owned);
                run.minutes = minutes(&step["timeout_in_minutes"], 0);
            }
            assert!(runs.insert(key.clone(), run).is_none(), "{key} is there twice");
        }
    }
    assert!(runs.len() <= 4_000);
    // The build itself is over when all its steps are.
    exact(runs, true)
}

pub fn circleci(document: &str) -> Interpreted {
    let document = yaml(document);
    let task = &document["jobs"]["task"];
    let mut runs = BTreeMap::new();
    for job in document["workflows"]["knockon"]["jobs"].as_array().unwrap() {
        let (kind, job) = map(job).iter().next().unwrap();
        let name = job.get("name").map_or(kind.clone(), text);
        let mut run = Run { after: texts(&job["requires"]).into_iter().collect(), ..Run::default() };
        if kind == "task" {
            let given = |value: &Value| {
                let parameter = text(value).replace("<< parameters.", "").replace(" >>", "");
                job.get(&parameter).cloned().unwrap_or_else(|| task["parameters"][&parameter]["default"].clone())
            };
            let variables: serde_json::Map<String, Value> =
                map(&task["environment"]).iter().map(|(name, value)| (name.clone(), given(value))).collect();
            assert!(map(&task["parameters"]).keys().all(|name| map(job).contains_key(name) || name == "environment"));
            run.title = text(&variables["KNOCKON_TASK"]);
            run.environment = Some(text(&variables["KNOCKON_ENVIRONMENT"])).filter(|name| !name.is_empty());
            assert_eq!(task["steps"][1]["run"]["no_output_timeout"], "<< parameters.timeout >>");
            run.minutes = minutes(&Value::from(text(&job["timeout"]).strip_suffix('m').unwrap()), 10);
            run.commands = commands(&text(&task["steps"][1]["run"]["command"]), &Value::Object(variables));
        } else if job["type"] == "approval" {
            run.approved = true;
        } else {
            assert_eq!(kind, "knockon");
        }
        assert!(runs.insert(name.clone(), run).is_none(), "{name} is there twice");
    }
    let gate = waits_for_all(&runs, "knockon");
    runs.remove("knockon");
    exact(runs, gate)
}
