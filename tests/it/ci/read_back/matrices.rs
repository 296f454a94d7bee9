//! Engines whose workflow is there already, and that are given a list for each layer.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Interpreted, Run, minutes, strands, text};

/// A leg of a layer.
struct Leg {
    title: String,
    words: String,
    environment: Option<String>,
    minutes: Option<u64>,
}

/// Each strand runs after everything in lower layers, and each of its commands after those before it. So that a strand
/// of several jobs can be told apart, their commands have to differ.
fn layered(layers: Vec<Vec<Leg>>) -> Interpreted {
    let mut runs = BTreeMap::new();
    for (number, legs) in layers.into_iter().enumerate() {
        for leg in legs {
            let strands = strands(&leg.words);
            let is_one = !leg.title.ends_with(" more");
            for (strand_number, strand) in strands.into_iter().enumerate() {
                let mut before = BTreeSet::new();
                // A leg of one job has all its commands; of several, each command is a job.
                let jobs =
                    if is_one { vec![strand] } else { strand.into_iter().map(|command| vec![command]).collect() };
                for (place, commands) in jobs.into_iter().enumerate() {
                    let name = format!("{number:03} {} {strand_number} {place}", leg.title);
                    let title = if is_one { leg.title.clone() } else { name.clone() };
                    let environment = leg.environment.clone();
                    let approved = environment.is_some();
                    let (layer, minutes, after) = (Some(number), leg.minutes, before.clone());
                    let run = Run { title, after, layer, commands, approved, environment, minutes };
                    runs.insert(name.clone(), run);
                    before.insert(name);
                }
            }
        }
    }
    Interpreted::new(runs, false, true)
}

pub fn github(outputs: &str) -> Interpreted {
    let outputs: BTreeMap<&str, &str> = outputs.lines().map(|line| line.split_once('=').unwrap()).collect();
    assert!(outputs.values().map(|value| value.encode_utf16().count() * 2).sum::<usize>() <= 1 << 20);
    let layers: usize = outputs["layers"].parse().unwrap();
    assert_eq!(outputs["any"], (layers > 0).to_string());
    let legs = |number: usize| -> Vec<Leg> {
        let value: Value = serde_json::from_str(outputs[format!("layer{number}").as_str()]).unwrap();
        let include = value["include"].as_array().unwrap();
        let leg = |leg: &Value| Leg {
            title: text(&leg["task"]),
            words: text(&leg["commands"]),
            environment: leg["environment"].as_str().map(str::to_owned),
            minutes: minutes(&leg["timeout"], 360),
        };
        include.iter().map(leg).collect()
    };
    let found: Vec<Vec<Leg>> = (0..layers).map(legs).collect();
    assert!(found.iter().all(|legs| !legs.is_empty()), "an empty matrix fails the run");
    assert!(found.iter().map(Vec::len).sum::<usize>() <= 256);
    // The jobs of layers that the plan does not have are skipped: their lists are empty.
    for number in layers..outputs.len() - 3 {
        assert!(legs(number).is_empty());
    }
    layered(found)
}

pub fn azure(log: &str) -> Interpreted {
    let variable = |line: &str| {
        let (name, value) = line.strip_prefix("##vso[task.setvariable variable=").unwrap().split_once(']').unwrap();
        (name.strip_suffix(";isOutput=true").unwrap().to_owned(), value.replace("%AZP25", "%"))
    };
    let variables: BTreeMap<String, String> = log.lines().map(variable).collect();
    let layers: usize = variables["layers"].parse().unwrap();
    let legs = |number: usize| -> Vec<Leg> {
        let matrix: Value = serde_json::from_str(&variables[&format!("layer{number}")]).unwrap();
        let leg = |(name, leg): (&String, &Value)| {
            assert!(name.len() <= 100 && name.as_bytes()[0].is_ascii_alphabetic(), "{name}");
            assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{name}");
            Leg {
                title: text(&leg["KNOCKON_TASK"]),
                words: text(&leg["KNOCKON_COMMANDS"]),
                environment: None,
                minutes: minutes(&Value::from(variables[&format!("minutes{number}")].as_str()), 60),
            }
        };
        super::map(&matrix).iter().map(leg).collect()
    };
    let found: Vec<Vec<Leg>> = (0..layers).map(legs).collect();
    assert!(found.iter().all(|legs| !legs.is_empty()), "an empty matrix runs a job with empty variables");
    assert!(found.iter().map(Vec::len).sum::<usize>() <= 256);
    layered(found)
}

pub fn jenkins(document: &str) -> Interpreted {
    assert_eq!(document.lines().count(), 1);
    let document: Value = serde_json::from_str(document).unwrap();
    assert_eq!(text(&document["script"]), knockon::ci::shell::SCRIPT);
    let mut approved = BTreeSet::new();
    let mut layers = Vec::new();
    for layer in document["layers"].as_array().unwrap() {
        let mut legs = Vec::new();
        for job in layer.as_array().unwrap() {
            if job["approval"] == true {
                approved.insert(text(&job["name"]));
            }
            let environment = Some(text(&job["environment"])).filter(|name| !name.is_empty());
            legs.push(Leg {
                title: text(&job["name"]),
                words: text(&job["commands"]),
                environment,
                minutes: minutes(&job["timeout"], 0),
            });
        }
        layers.push(legs);
    }
    let mut interpreted = layered(layers);
    for run in interpreted.runs.values_mut() {
        run.approved = approved.contains(&run.title);
    }
    interpreted
}
