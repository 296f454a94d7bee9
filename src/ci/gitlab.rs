//! GitLab: a child pipeline in which each job waits for the jobs that it needs.

use std::collections::BTreeMap;

use super::document::Node;
use super::entry::with_remark;
use super::{
    CiError, Emission, Engine, Entry, Grammar, Job, JobGraph, Options, Setup, has_room, shell, variables, within,
};

pub(super) const ENGINE: Engine = Engine {
    name: "gitlab",
    title: TITLE,
    emit,
    forms: &[],
    entry: Some(Entry { path: ".gitlab-ci.yml", text: entry_text }),
    feedback: None,
};

const TITLE: &str = "GitLab";

/// Names of jobs may be nearly anything; a dot in front would hide a job.
const NAMES: Grammar = Grammar { signs: "_/:.-", filler: '-', digit_first: true, lower: false, longest: 255 };

/// The job that runs when all others have succeeded. It also keeps the pipeline of an empty plan from being empty, which
/// GitLab calls an error.
const GATE: &str = "knockon";

/// What jobs have in common.
const TASK: &str = ".knockon-task";

/// The most jobs that one waits for.
const MOST_NEEDS: usize = 50;

/// GitLab parses at most 2 MB of one file, unless the instance says otherwise; as an artifact it might have 5 MB.
const MOST_BYTES: usize = 2_000_000;

/// A job takes more bytes than this.
const LEAST_BYTES: usize = 100;

fn emit(graph: &JobGraph, options: &Options) -> Result<Emission, CiError> {
    has_room(TITLE, graph, LEAST_BYTES, MOST_BYTES)?;
    let mut names = NAMES.names(&graph.ids(), &[GATE]);
    let mut joins = Joins::default();
    let no_sources = || Node::map().with("GIT_STRATEGY", "none");
    let mut jobs = Vec::new();
    for (at, job) in graph.jobs.iter().enumerate() {
        let needs = joins.waiting_for(job.needs.iter().map(|&need| names[need].clone()).collect());
        jobs.push((std::mem::take(&mut names[at]), task(job, needs)?));
        // The name is needed again by those that wait for it.
        names[at].clone_from(&jobs[at].0);
    }
    let mut document = Node::map()
        .with("stages", ["tasks", "gate"])
        .with_some("default", options.image.as_ref().map(|image| Node::map().with("image", image.as_str())))
        .with(TASK, Node::map().with("stage", "tasks").with("script", [shell::SCRIPT]));
    for (name, job) in jobs {
        document = document.with(name, job);
    }
    for (name, needs) in joins.jobs {
        let join = Node::map().with("stage", "tasks").with("variables", no_sources()).with("needs", wait_for(needs));
        document = document.with(name, join.with("script", ["true"]));
    }
    let gate = Node::map().with("stage", "gate").with("variables", no_sources()).with("script", ["true"]);
    let text = document.with(GATE, gate).yaml()?;
    within(TITLE, "bytes of YAML", text.len(), MOST_BYTES, super::SHARD)?;
    Ok(Emission::Document(text))
}

fn task(job: &Job, needs: Vec<String>) -> Result<Node, CiError> {
    let mut task = Node::map()
        .with("extends", TASK)
        .with("needs", wait_for(needs))
        .with("variables", Node::Map(variables(job)?))
        .with_some("timeout", job.timeout.map(|timeout| format!("{} minutes", super::minutes(timeout))));
    if let Some(environment) = &job.environment {
        task = task.with("environment", Node::map().with("name", environment.inert_name()));
        if environment.approval {
            // A manual job that may fail would let the others go on without it.
            task = task.with("when", "manual").with("allow_failure", false);
        }
    }
    Ok(task)
}

fn wait_for(needs: Vec<String>) -> Vec<Node> {
    needs.into_iter().map(|need| Node::map().with("job", need).with("artifacts", false)).collect()
}

/// Jobs that do nothing but wait, for those that have to wait for more jobs than GitLab lets them.
#[derive(Default)]
struct Joins {
    jobs: Vec<(String, Vec<String>)>,
    by_needs: BTreeMap<Vec<String>, String>,
}

impl Joins {
    /// At most so many names as a job may wait for that are over when these are.
    fn waiting_for(&mut self, mut needs: Vec<String>) -> Vec<String> {
        while needs.len() > MOST_NEEDS {
            needs = needs.chunks(MOST_NEEDS).map(|chunk| self.join(chunk)).collect();
        }
        needs
    }

    /// Jobs that wait for the same wait for one job.
    fn join(&mut self, needs: &[String]) -> String {
        if let Some(name) = self.by_needs.get(needs) {
            return name.clone();
        }
        // No task's id is without a colon.
        let name = format!("knockon-join-{}", self.jobs.len() + 1);
        self.jobs.push((name.clone(), needs.to_vec()));
        self.by_needs.insert(needs.to_vec(), name.clone());
        name
    }
}

/// A job that plans, and one that runs the plan as a pipeline of its own and ends as that does.
fn entry_text(setup: &Setup) -> Result<String, CiError> {
    let plan = "knockon-plan";
    let file = "knockon-plan.yml";
    let image = setup.image.as_deref();
    let arguments = image.map_or("ci gitlab".to_owned(), |_| "ci gitlab --image \"$KNOCKON_IMAGE\"".to_owned());
    let variables = Node::map().with("GIT_DEPTH", "0").with_some("KNOCKON_IMAGE", image);
    let rule = |condition: &str| Node::map().with("if", condition);
    let rules = [
        rule("$CI_PIPELINE_SOURCE == \"merge_request_event\""),
        rule("$CI_COMMIT_BRANCH && $CI_OPEN_MERGE_REQUESTS").with("when", "never"),
        rule("$CI_COMMIT_BRANCH"),
    ];
    let include = Node::map().with("artifact", file).with("job", plan);
    let document = Node::map()
        .with("workflow", Node::map().with("rules", rules))
        .with("stages", ["plan", "run"])
        .with(
            plan,
            Node::map()
                .with("stage", "plan")
                .with_some("image", image)
                .with("variables", variables)
                .with("script", [setup.call(&format!("{arguments} >{file}"))?])
                .with("artifacts", Node::map().with("paths", [file])),
        )
        .with(
            "knockon-run",
            Node::map()
                .with("stage", "run")
                .with("trigger", Node::map().with("include", [include]).with("strategy", "depend")),
        );
    Ok(with_remark(&document.yaml()?))
}
