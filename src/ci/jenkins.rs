//! Jenkins: layers as JSON, for a pipeline that is there already and runs each in parallel.

use super::document::Node;
use super::{
    CiError, Emission, Engine, Entry, Job, JobEnvironment, JobGraph, Options, Setup, commands, has_room, shell, within,
};

pub(super) const ENGINE: Engine = Engine {
    name: "jenkins",
    title: TITLE,
    emit,
    forms: &[],
    entry: Some(Entry { path: "Jenkinsfile", text: entry_text }),
    feedback: None,
};

const TITLE: &str = "Jenkins";

/// No limit is known but memory; more than this is no plan for one build.
const MOST_BYTES: usize = 5_000_000;

/// A job takes more bytes than this.
const LEAST_BYTES: usize = 60;

fn emit(graph: &JobGraph, _: &Options) -> Result<Emission, CiError> {
    has_room(TITLE, graph, LEAST_BYTES, MOST_BYTES)?;
    let count = graph.jobs.iter().map(|job| job.layer + 1).max().unwrap_or(0);
    let mut layers: Vec<Vec<Node>> = vec![Vec::new(); count];
    for job in &graph.jobs {
        layers[job.layer].push(task(job)?);
    }
    let document = Node::map()
        .with("schema", 1_u64)
        .with("script", shell::SCRIPT)
        .with("count", graph.jobs.len() as u64)
        .with("layers", layers);
    let text = document.json()? + "\n";
    within(TITLE, "bytes of JSON", text.len(), MOST_BYTES, super::SHARD)?;
    Ok(Emission::Document(text))
}

fn task(job: &Job) -> Result<Node, CiError> {
    let environment = job.environment.as_ref();
    Ok(Node::map()
        .with("name", job.title())
        .with("commands", commands(job)?)
        // 0 is none.
        .with("timeout", job.timeout.map_or(0, super::minutes))
        .with("environment", environment.map_or(String::new(), JobEnvironment::inert_name))
        .with("approval", JobEnvironment::needs_approval(environment)))
}

/// A pipeline that plans and runs layer by layer. It needs the plugin Pipeline Utility Steps, for `readJSON`.
fn entry_text(setup: &Setup) -> Result<String, CiError> {
    let call = setup.call("ci jenkins >knockon-plan.json")?;
    Ok(PIPELINE.replace("@CALL@", &call.replace('\\', "\\\\").replace('\'', "\\'")))
}

/// Texts in it stand between single quotes, in which Groovy looks for nothing.
const PIPELINE: &str = r#"// Written by `knockon ci ENGINE --init`; write it again with --force, or change it.
def plan
stage('plan') {
  node {
    checkout scm
    sh '''set -e
@CALL@'''
    plan = readJSON file: 'knockon-plan.json', returnPojo: true
  }
}
plan.layers.eachWithIndex { layer, number ->
  stage("layer ${number}") {
    parallel layer.collectEntries { job ->
      [(job.name): {
        if (job.approval) {
          input message: "Approve ${job.name} in ${job.environment}?"
        }
        node {
          checkout scm
          withEnv(["KNOCKON_TASK=${job.name}", "KNOCKON_ENVIRONMENT=${job.environment}", "KNOCKON_COMMANDS=${job.commands}"]) {
            if (job.timeout > 0) {
              timeout(time: job.timeout, unit: 'MINUTES') { sh plan.script }
            } else {
              sh plan.script
            }
          }
        }
      }]
    } + [failFast: false]
  }
}
"#;
