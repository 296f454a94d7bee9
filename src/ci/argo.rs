//! Argo Workflows: a DAG of tasks, which all are one template with other parameters.

use std::collections::BTreeSet;

use super::document::Node;
use super::sources::Sources;
use super::{
    CiError, Emission, Engine, Grammar, Job, JobEnvironment, JobGraph, Options, commands, has_room, shell, within,
};

pub(super) const ENGINE: Engine = Engine { name: "argo", title: TITLE, emit, forms: &[], entry: None, feedback: None };

const TITLE: &str = "Argo Workflows";

const NAMES: Grammar = Grammar { signs: "-", filler: '-', digit_first: false, lower: true, longest: 63 };

/// The task that runs when all others have succeeded, and the only one of an empty plan: a DAG has to have one.
const GATE: &str = "knockon";

/// A workflow is one object of etcd. The state of its nodes is added to it while it runs, and put elsewhere if need be.
const MOST_BYTES: usize = 1_000_000;

/// A job takes more bytes than this.
const LEAST_BYTES: usize = 150;

fn emit(graph: &JobGraph, options: &Options) -> Result<Emission, CiError> {
    has_room(TITLE, graph, LEAST_BYTES, MOST_BYTES)?;
    let sources = Sources::new(TITLE, options)?;
    let (names, approvals) = NAMES.with_approvals(graph, &[GATE]);
    let mut tasks = Vec::new();
    for (at, job) in graph.jobs.iter().enumerate() {
        let mut needs: Vec<&str> = job.needs.iter().map(|&need| names[need].as_str()).collect();
        if let Some(name) = approvals.get(&at) {
            tasks.push(waiting(Node::map().with("name", name.as_str()).with("template", "approve"), &needs));
            needs = vec![name];
        }
        tasks.push(task(job, &names[at], &needs)?);
    }
    let last: Vec<&str> = graph.last().into_iter().map(|at| names[at].as_str()).collect();
    tasks.push(waiting(Node::map().with("name", GATE).with("template", "nothing"), &last));
    let plan = Node::map().with("name", "plan").with("dag", Node::map().with("failFast", false).with("tasks", tasks));
    let approve = Node::map().with("name", "approve").with("suspend", Node::map());
    let nothing = Node::map().with("name", "nothing").with("container", sources.nothing());
    let mut templates = vec![plan, approve, nothing];
    let timeouts: BTreeSet<Option<u64>> = graph.jobs.iter().map(minutes).collect();
    templates.extend(timeouts.into_iter().map(|timeout| template(timeout, &sources)));
    let text = Node::map()
        .with("apiVersion", "argoproj.io/v1alpha1")
        .with("kind", "Workflow")
        .with("metadata", Node::map().with("generateName", "knockon-"))
        .with("spec", Node::map().with("entrypoint", "plan").with("templates", templates))
        .yaml()?;
    within(TITLE, "bytes of a workflow", text.len(), MOST_BYTES, super::SHARD)?;
    Ok(Emission::Document(text))
}

fn minutes(job: &Job) -> Option<u64> {
    job.timeout.map(super::minutes)
}

/// The template of tasks with one time-out.
fn template_name(timeout: Option<u64>) -> String {
    timeout.map_or("task".to_owned(), |minutes| format!("task-{minutes}-minutes"))
}

fn template(timeout: Option<u64>, sources: &Sources) -> Node {
    let parameters = [("KNOCKON_TASK", "task"), ("KNOCKON_ENVIRONMENT", "environment"), (shell::VARIABLE, "commands")];
    let inputs = parameters.map(|(_, name)| Node::map().with("name", name));
    let variables =
        parameters.map(|(variable, name)| (variable.to_owned(), format!("{{{{inputs.parameters.{name}}}}}").into()));
    Node::map()
        .with("name", template_name(timeout))
        .with_some("activeDeadlineSeconds", timeout.map(|minutes| minutes * 60))
        .with("inputs", Node::map().with("parameters", inputs))
        .with("container", sources.container(variables.to_vec()))
}

fn task(job: &Job, name: &str, needs: &[&str]) -> Result<Node, CiError> {
    let parameter = |name: &str, value: String| Node::map().with("name", name).with("value", value);
    let environment = job.environment.as_ref().map_or(String::new(), JobEnvironment::inert_name);
    let parameters =
        [parameter("task", job.title()), parameter("environment", environment), parameter("commands", commands(job)?)];
    let task = Node::map()
        .with("name", name)
        .with("template", template_name(minutes(job)))
        .with("arguments", Node::map().with("parameters", parameters));
    Ok(waiting(task, needs))
}

fn waiting(task: Node, needs: &[&str]) -> Node {
    task.with_some("dependencies", Node::unless_empty(needs.iter().map(|need| Node::from(*need)).collect()))
}
