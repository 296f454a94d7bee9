//! Plans for CI engines: each emitted form is read back as its engine would, and held against the plan edge by edge.

mod checkers;
mod command;
mod entries;
mod graphs;
mod offers;
mod read_back;

use std::collections::BTreeSet;

use knockon::ci::{CiError, ENGINES, Emission, Engine, Form, JobGraph, Options};

use self::graphs::{deep, few, one, timed, wide};
use self::read_back::{Interpreted, interpret};

/// The forms that there are: an engine, and what it is asked for.
fn forms() -> Vec<(Engine, Options)> {
    let options = |form| Options {
        form,
        image: Some("registry.example/tools:1".to_owned()),
        repository: Some("https://git.example/shop.git".to_owned()),
        revision: Some("0123456789012345678901234567890123456789".to_owned()),
        layers: None,
    };
    let mut forms: Vec<_> = ENGINES.into_iter().map(|engine| (engine, options(None))).collect();
    for (name, form) in [("github", Form::Workflow), ("azure", Form::Matrix)] {
        forms.extend(knockon::ci::engine(name).map(|engine| (engine, options(Some(form)))));
    }
    forms
}

fn form_name(engine: &Engine, options: &Options) -> String {
    match options.form {
        None => engine.name.to_owned(),
        Some(form) => format!("{}-{form:?}", engine.name).to_lowercase(),
    }
}

fn text(emission: &Emission) -> String {
    match emission {
        Emission::Document(text) | Emission::Outputs(text) | Emission::LoggingCommands(text) => text.clone(),
        Emission::Parts(parts) => parts.join("---\n"),
    }
}

/// Every job once with its commands, after what it needs and after nothing else that the form could leave out.
fn check(graph: &JobGraph, interpreted: &Interpreted, told: &str) {
    let names: Vec<String> = graph.jobs.iter().map(|job| interpreted.find(job)).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{told}: every job has a run of its own");
    assert_eq!(interpreted.runs.len(), names.len(), "{told}: nothing else runs");
    for (job, name) in graph.jobs.iter().zip(&names) {
        let run = &interpreted.runs[name];
        let needs: BTreeSet<&String> = job.needs.iter().map(|&need| &names[need]).collect();
        if interpreted.exact {
            assert_eq!(run.after.iter().collect::<BTreeSet<_>>(), needs, "{told}: {}", job.title());
        } else {
            assert!(needs.iter().all(|need| run.is_after(need)), "{told}: {} needs {needs:?}", job.title());
        }
        let approval = job.environment.as_ref().is_some_and(|environment| environment.approval);
        assert!(!approval || run.approved, "{told}: {} is approved", job.title());
        let environment = job.environment.as_ref().map(|environment| environment.name.clone());
        assert!(run.environment == environment, "{told}: {} {:?}", job.title(), run.environment);
        let minutes = job.timeout.map(|timeout| timeout.as_secs().div_ceil(60));
        if interpreted.exact {
            assert_eq!(run.minutes, minutes, "{told}: {}", job.title());
        }
    }
    assert!(interpreted.gate, "{told}: one job is over when all are");
}

#[test]
fn what_each_engine_reads_is_the_plan() {
    for (graph, size) in [(JobGraph::default(), "none"), (one(), "one"), (few(), "few"), (wide(40), "40")] {
        for (engine, options) in forms() {
            let told = format!("{} with {size}", form_name(&engine, &options));
            match (engine.emit)(&graph, &options) {
                Ok(emission) => check(&graph, &interpret(&engine, options.form, &emission), &told),
                // These have no form for environments or approvals, and say so.
                Err(error) => {
                    let told = format!("{told}: {error}");
                    assert!(matches!(&told[..6], "tekton" | "azure-") && size == "few", "{told}");
                    assert!(matches!(error, CiError::Unsupported { .. }), "{told}");
                }
            }
        }
    }
}

#[test]
fn each_job_is_stopped_after_its_own_minutes_and_none_before() {
    let graph = timed();
    for (engine, options) in forms() {
        let told = form_name(&engine, &options);
        let interpreted = interpret(&engine, options.form, &(engine.emit)(&graph, &options).unwrap());
        check(&graph, &interpreted, &told);
        let minutes: Vec<Option<u64>> =
            graph.jobs.iter().map(|job| interpreted.runs[&interpreted.find(job)].minutes).collect();
        let expected = match &told[..] {
            // One time-out for all that is in a layer: the longest, or Azure's own hour where that is longer.
            "azure-matrix" => [Some(90), Some(90), Some(90), Some(11), Some(11), None, None],
            _ => [None, Some(90), Some(1), Some(11), Some(5), None, Some(1)],
        };
        assert_eq!(minutes, expected, "{told}");
    }
}

/// What a reader can compare of a plan that is too long to read. The digest changes with any byte of it.
fn outline(interpreted: &Interpreted, emission: &Emission) -> String {
    let files: Vec<String> = match emission {
        Emission::Parts(parts) => parts.iter().map(|part| part.len().to_string()).collect(),
        one => vec![text(one).len().to_string()],
    };
    let digest = blake3::hash(text(emission).as_bytes()).to_hex();
    let layers = interpreted.layers();
    let mut told = format!("  files: {} ({} bytes), digest {}\n", files.len(), files.join(" + "), &digest[..16]);
    let sizes: Vec<String> = layers.iter().map(|names| names.len().to_string()).collect();
    told.push_str(&format!("  jobs: {} in {} layers ({})\n", interpreted.runs.len(), layers.len(), sizes.join(", ")));
    for (place, name) in
        [("first", layers.first().and_then(|l| l.first())), ("last", layers.last().and_then(|l| l.last()))]
    {
        let name = name.expect("a plan of many tasks has jobs");
        let run = &interpreted.runs[name];
        let lines: Vec<String> =
            run.commands.iter().map(|command| format!("{}: {}", command.folder, command.line)).collect();
        let after: Vec<&str> = run.after.iter().map(String::as_str).collect();
        let needs = match (&after[..], run.layer) {
            (_, Some(layer @ 1..)) => format!("layers below {layer}"),
            ([], _) => "nothing".to_owned(),
            ([only], _) => (*only).to_owned(),
            ([first, .., last], _) => format!("{} jobs, {first} to {last}", after.len()),
        };
        told.push_str(&format!("  {place}: {name}, runs {}, after {needs}\n", lines.join("; ")));
    }
    told
}

#[test]
fn many_tasks_are_a_plan_or_a_clear_error_within_limits() {
    for size in [300, 1_000, 100_000] {
        let graph = wide(size);
        let mut told = String::new();
        for (engine, options) in forms() {
            let name = form_name(&engine, &options);
            let lines = match (engine.emit)(&graph, &options) {
                Ok(emission) => {
                    let interpreted = interpret(&engine, options.form, &emission);
                    check(&graph, &interpreted, &name);
                    outline(&interpreted, &emission)
                }
                Err(error @ CiError::Limit { .. }) => format!("  {error}\n"),
                Err(error) => panic!("{name}: {error}"),
            };
            told.push_str(&format!("{name}\n{lines}"));
        }
        insta::assert_snapshot!(format!("many-{size}"), told);
    }
}

#[test]
fn more_layers_than_a_workflow_has_run_in_order() {
    let graph = deep(30, 3);
    for (engine, options) in forms() {
        for layers in [1, 2, 7, 30, 40] {
            let options = Options { layers: Some(layers), ..options.clone() };
            let told = format!("{} with {layers}", form_name(&engine, &options));
            match (engine.emit)(&graph, &options) {
                Ok(emission) => check(&graph, &interpret(&engine, options.form, &emission), &told),
                Err(error) => panic!("{told}: {error}"),
            }
        }
    }
}

#[test]
fn what_each_engine_reads_is_readable_and_the_same_every_time() {
    for (graph, size) in [(JobGraph::default(), "none"), (one(), "one"), (few(), "few"), (wide(40), "40")] {
        for (engine, options) in forms() {
            // What has no form for environments was held to say so above.
            let Ok(emission) = (engine.emit)(&graph, &options) else { continue };
            assert_eq!((engine.emit)(&graph, &options).as_ref(), Ok(&emission));
            insta::assert_snapshot!(format!("{}-{size}", form_name(&engine, &options)), text(&emission));
        }
    }
}

#[test]
fn case_16_nothing_of_a_repository_is_a_template_or_a_command() {
    for (engine, options) in forms() {
        let Ok(emission) = (engine.emit)(&graphs::hostile(), &options) else { panic!("{}", engine.name) };
        check(&graphs::hostile(), &interpret(&engine, options.form, &emission), engine.name);
        let text = text(&emission);
        for forbidden in [
            "$(id)",
            "${{ github.token",
            "{{workflow.name",
            "<< pipeline",
            "$[",
            "##vso[task.setvariable variable=x]",
            "]]>",
            "::error",
        ] {
            assert!(!text.contains(forbidden), "{}: {forbidden} is in\n{text}", engine.name);
        }
    }
}
