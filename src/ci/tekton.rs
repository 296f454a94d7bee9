//! Tekton: a run of a pipeline with a task for each job.

use super::document::Node;
use super::sources::Sources;
use super::{
    CiError, Emission, Engine, Grammar, Job, JobEnvironment, JobGraph, Options, has_room, shell, variables, within,
};

pub(super) const ENGINE: Engine =
    Engine { name: "tekton", title: TITLE, emit, forms: &[], entry: None, feedback: None };

const TITLE: &str = "Tekton";

const NAMES: Grammar = Grammar { signs: "-", filler: '-', digit_first: false, lower: true, longest: 63 };

/// The task that runs when all others have succeeded, and the only one of an empty plan: a pipeline has to have one.
const GATE: &str = "knockon";

/// A run is one object of etcd.
const MOST_BYTES: usize = 1_400_000;

fn emit(graph: &JobGraph, options: &Options) -> Result<Emission, CiError> {
    has_room(TITLE, graph, shell::SCRIPT.len(), MOST_BYTES)?;
    let approved = |job: &&Job| JobEnvironment::needs_approval(job.environment.as_ref());
    if let Some(job) = graph.jobs.iter().find(approved) {
        return Err(CiError::Unsupported {
            engine: TITLE,
            what: "approval",
            task: job.title(),
            mend: "run what needs one by another engine, and choose the others with --pipeline",
        });
    }
    let sources = Sources::new(TITLE, options)?;
    let names = NAMES.names(&graph.ids(), &[GATE]);
    let after = |needs: &[usize]| Node::unless_empty(needs.iter().map(|&need| names[need].as_str().into()).collect());
    let mut tasks = Vec::new();
    for (job, name) in graph.jobs.iter().zip(&names) {
        let container = sources.container(variables(job)?).with("name", "task");
        tasks.push(
            Node::map()
                .with("name", name.as_str())
                .with("displayName", job.title())
                .with_some("runAfter", after(&job.needs))
                .with_some("timeout", job.timeout.map(|timeout| format!("{}m0s", super::minutes(timeout))))
                .with("taskSpec", Node::map().with("steps", [container])),
        );
    }
    let nothing = sources.nothing().with("name", "gate");
    tasks.push(
        Node::map()
            .with("name", GATE)
            .with_some("runAfter", after(&graph.last()))
            .with("taskSpec", Node::map().with("steps", [nothing])),
    );
    let text = Node::map()
        .with("apiVersion", "tekton.dev/v1")
        .with("kind", "PipelineRun")
        .with("metadata", Node::map().with("generateName", "knockon-"))
        .with("spec", Node::map().with("pipelineSpec", Node::map().with("tasks", tasks)))
        .yaml()?;
    within(TITLE, "bytes of a run", text.len(), MOST_BYTES, super::SHARD)?;
    Ok(Emission::Document(text))
}
