//! Buildkite: steps that depend on each other, in as many uploads as it takes.

use super::document::Node;
use super::entry::with_remark;
use super::{CiError, Emission, Engine, Entry, Grammar, Job, JobGraph, Options, Setup, shell, variables, within};

pub(super) const ENGINE: Engine = Engine {
    name: "buildkite",
    title: TITLE,
    emit,
    forms: &[],
    entry: Some(Entry { path: ".buildkite/pipeline.yml", text: entry_text }),
    feedback: None,
};

const TITLE: &str = "Buildkite";

/// Every id has a colon, so that no key looks like a UUID, which would be refused.
const KEYS: Grammar = Grammar { signs: "-_:", filler: '-', digit_first: true, lower: false, longest: 100 };

/// The most jobs of an upload, and of a build.
const MOST_OF_UPLOAD: usize = 500;
const MOST_OF_BUILD: usize = 4_000;

fn emit(graph: &JobGraph, options: &Options) -> Result<Emission, CiError> {
    within(TITLE, "jobs of a build", graph.jobs.len(), MOST_OF_BUILD, super::SHARD)?;
    let (keys, approvals) = KEYS.with_approvals(graph, &[]);
    let count = keys.len() + approvals.len();
    within(TITLE, "jobs of a build", count, MOST_OF_BUILD, super::SHARD)?;
    let mut steps = Vec::with_capacity(count);
    for (at, job) in graph.jobs.iter().enumerate() {
        let mut needs: Vec<&str> = job.needs.iter().map(|&need| keys[need].as_str()).collect();
        if let (Some(key), Some(environment)) = (approvals.get(&at), &job.environment) {
            let asks = format!("Approve {} in {}", job.title(), environment.inert_name());
            steps.push(Node::map().with("block", asks).with("key", key.as_str()).with("depends_on", needs.clone()));
            needs.push(key);
        }
        steps.push(task(job, &keys[at], needs, options)?);
    }
    // What an upload depends on is in it or in one before.
    let upload = |steps: &[Node]| Node::map().with("steps", steps.to_vec()).yaml();
    let uploads = if steps.is_empty() { vec![upload(&[])] } else { steps.chunks(MOST_OF_UPLOAD).map(upload).collect() };
    uploads.into_iter().collect::<Result<_, _>>().map(Emission::Parts)
}

fn task(job: &Job, key: &str, needs: Vec<&str>, options: &Options) -> Result<Node, CiError> {
    let environment = job.environment.as_ref();
    Ok(Node::map()
        .with("label", job.title())
        .with("key", key)
        .with_some("image", options.image.as_deref())
        // What an upload finds after a single `$` it takes for a variable of its own.
        .with("command", shell::SCRIPT.replace('$', "$$"))
        .with("depends_on", needs)
        .with("env", Node::Map(variables(job)?))
        .with_some("timeout_in_minutes", job.timeout.map(super::minutes))
        // One deployment to an environment at a time.
        .with_some("concurrency", environment.map(|_| 1_u64))
        .with_some("concurrency_group", environment.map(|e| format!("knockon/{}", e.inert_name()))))
}

/// A step that plans and uploads.
fn entry_text(setup: &Setup) -> Result<String, CiError> {
    let call = setup.call("ci buildkite --parts \"$parts\"")?;
    let upload = format!(
        "set -e\nparts=`mktemp -d`\n{call}for part in \"$parts\"/*.yml; do buildkite-agent pipeline upload \"$part\"; done\n"
    );
    let plan = Node::map()
        .with("label", "knockon")
        .with("key", "knockon")
        .with_some("image", setup.image.as_deref())
        // An upload would take a single `$` for a variable of its own.
        .with("command", upload.replace('$', "$$"));
    Ok(with_remark(&Node::map().with("steps", [plan]).yaml()?))
}
