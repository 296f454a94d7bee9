//! Plans for CI engines: each emitted form is read back as its engine would, and held against the plan edge by edge.

mod checkers;
mod command;
mod entries;
mod graphs;
mod offers;
mod read_back;

use std::collections::BTreeSet;

use knockon::ci::{CiError, ENGINES, Emission, Engine, Form, JobGraph, Options};

use self::graphs::{deep, few, one, wide};
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
fn many_tasks_are_a_plan_or_a_clear_error_within_limits() {
    let mut told = String::new();
    for size in [300, 1_000, 100_000] {
        let graph = wide(size);
        for (engine, options) in forms() {
            let name = form_name(&engine, &options);
            let line = match (engine.emit)(&graph, &options) {
                Ok(emission) => {
                    check(&graph, &interpret(&engine, options.form, &emission), &name);
                    format!("{size} {name}: {} bytes\n", text(&emission).len())
                }
                Err(error @ CiError::Limit { .. }) => format!("{size} {name}: {error}\n"),
                Err(error) => panic!("{name}: {error}"),
            };
            told.push_str(&line);
        }
    }
    insta::assert_snapshot!(told);
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
    for (graph, size) in [(JobGraph::default(), "none"), (one(), "one"), (few(), "few")] {
        for (engine, options) in forms() {
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
