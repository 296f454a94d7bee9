//! CircleCI: the configuration that a setup workflow goes on with.

use super::document::Node;
use super::entry::with_remark;
use super::{
    CiError, Emission, Engine, Entry, Grammar, Job, JobEnvironment, JobGraph, Options, Setup, commands, has_room,
    shell, within,
};

pub(super) const ENGINE: Engine = Engine {
    name: "circleci",
    title: TITLE,
    emit,
    forms: &[],
    entry: Some(Entry { path: ".circleci/config.yml", text: entry_text }),
    feedback: None,
};

const TITLE: &str = "CircleCI";

const NAMES: Grammar = Grammar { signs: "_/:.-", filler: '-', digit_first: true, lower: false, longest: 200 };

/// The job that runs when all others have succeeded: the one to require, and the only one of an empty plan.
const GATE: &str = "knockon";

/// What is known to be taken; no documentation of a limit was found.
const MOST_BYTES: usize = 3_000_000;

/// A job takes more bytes than this.
const LEAST_BYTES: usize = 60;

fn emit(graph: &JobGraph, options: &Options) -> Result<Emission, CiError> {
    has_room(TITLE, graph, LEAST_BYTES, MOST_BYTES)?;
    let Some(image) = &options.image else {
        return Err(CiError::Missing { engine: TITLE, option: "--image", why: "its jobs run in an image" });
    };
    let (names, approvals) = NAMES.with_approvals(graph, &[GATE]);
    let mut workflow = Vec::new();
    for (at, job) in graph.jobs.iter().enumerate() {
        let mut requires: Vec<&str> = job.needs.iter().map(|&need| names[need].as_str()).collect();
        if let Some(approval) = approvals.get(&at) {
            let asks = requiring(Node::map().with("type", "approval"), &requires);
            workflow.push(Node::map().with(approval.as_str(), asks));
            requires.push(approval);
        }
        workflow.push(Node::map().with("task", requiring(task(job, &names[at])?, &requires)));
    }
    let last: Vec<&str> = graph.last().into_iter().map(|at| names[at].as_str()).collect();
    workflow.push(Node::map().with(GATE, requiring(Node::map(), &last)));
    let text = Node::map()
        .with("version", "2.1")
        .with("jobs", jobs(image))
        .with("workflows", Node::map().with("knockon", Node::map().with("jobs", workflow)))
        .yaml()?;
    within(TITLE, "bytes of configuration", text.len(), MOST_BYTES, super::SHARD)?;
    Ok(Emission::Document(text))
}

/// One job that runs any task, and the gate. Values come as parameters, which are no part of a script.
fn jobs(image: &str) -> Node {
    let docker = || Node::from([Node::map().with("image", image)]);
    let text = || Node::map().with("type", "string");
    let variables = Node::map()
        .with("KNOCKON_TASK", "<< parameters.task >>")
        .with(shell::VARIABLE, "<< parameters.commands >>")
        .with("KNOCKON_ENVIRONMENT", "<< parameters.environment >>");
    let run = Node::map()
        .with("name", "<< parameters.task >>")
        .with("shell", "/bin/sh")
        .with("no_output_timeout", "<< parameters.timeout >>")
        .with("command", shell::SCRIPT);
    let silent = || Node::map().with("type", "string").with("default", "");
    let parameters =
        Node::map().with("task", text()).with("commands", text()).with("timeout", text()).with("environment", silent());
    let task = Node::map()
        .with("parameters", parameters)
        .with("docker", docker())
        .with("environment", variables)
        .with("steps", [Node::from("checkout"), Node::map().with("run", run)]);
    let gate = Node::map().with("docker", docker()).with("steps", [Node::map().with("run", "true")]);
    Node::map().with("task", task).with(GATE, gate)
}

/// A time-out is that of a task which is silent: there is no other.
fn task(job: &Job, name: &str) -> Result<Node, CiError> {
    let timeout = job.timeout.map_or(10, super::minutes);
    Ok(Node::map()
        .with("name", name)
        .with("task", job.title())
        .with("commands", commands(job)?)
        .with("timeout", format!("{timeout}m"))
        .with_some("environment", job.environment.as_ref().map(JobEnvironment::inert_name)))
}

fn requiring(job: Node, others: &[&str]) -> Node {
    job.with_some("requires", Node::unless_empty(others.iter().map(|other| Node::from(*other)).collect()))
}

/// A setup workflow that plans and goes on with the plan.
fn entry_text(setup: &Setup) -> Result<String, CiError> {
    let Some(image) = &setup.image else {
        return Err(CiError::Missing { engine: TITLE, option: "--image", why: "its jobs run in an image" });
    };
    let file = "/tmp/knockon-plan.yml";
    let call = setup.call(&format!("ci circleci --image \"$KNOCKON_IMAGE\" >{file}"))?;
    let plan = Node::map().with("run", Node::map().with("name", "plan").with("command", call));
    let go_on = Node::map().with("continuation/continue", Node::map().with("configuration_path", file));
    let job = Node::map()
        .with("docker", [Node::map().with("image", image.as_str())])
        .with("environment", Node::map().with("KNOCKON_IMAGE", image.as_str()))
        .with("steps", [Node::from("checkout"), plan, go_on]);
    let document = Node::map()
        .with("version", "2.1")
        .with("setup", true)
        .with("orbs", Node::map().with("continuation", "circleci/continuation@1.0.0"))
        .with("jobs", Node::map().with("plan", job))
        .with("workflows", Node::map().with("setup", Node::map().with("jobs", ["plan"])));
    Ok(with_remark(&document.yaml()?))
}
