//! The jobs of a plan: what every engine's form is made from.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use petgraph::algo::kosaraju_scc;
use petgraph::graph::DiGraph;

use super::CiError;
use crate::config::Configuration;
use crate::discover::Command;
use crate::plan::Plan;
use crate::workspace::{TaskId, TaskIndex, Workspace};

/// Where a job deploys to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobEnvironment {
    /// The name that the engine knows it by.
    pub name: String,
    /// Whether somebody has to agree first.
    pub approval: bool,
}

impl JobEnvironment {
    /// The name, with nothing in it that an engine could find something of its own in.
    pub fn inert_name(&self) -> String {
        super::shell::inert(self.name.as_bytes())
    }

    /// Whether somebody has to agree first.
    pub fn needs_approval(environment: Option<&Self>) -> bool {
        environment.is_some_and(|environment| environment.approval)
    }
}

/// What an engine is to run in one go: a task, or a circle of tasks that need each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its tasks, sorted by id.
    pub tasks: Vec<TaskId>,
    /// What to run, in this order.
    pub commands: Vec<Command>,
    /// The jobs that have to be over before it begins, by their places in the graph, sorted; all are before this one.
    pub needs: Vec<usize>,
    /// The layer, counted from 0: everything that it needs lies in a lower one.
    pub layer: usize,
    /// How long it may take.
    pub timeout: Option<Duration>,
    /// How often each of its commands is tried again.
    pub retries: u32,
    /// Where it deploys to.
    pub environment: Option<JobEnvironment>,
    /// How long it is expected to take, if that is known.
    pub expected: Option<Duration>,
}

impl Job {
    /// The bytes that no other job has: its first task's id.
    pub fn id(&self) -> Vec<u8> {
        let Some(first) = self.tasks.first() else { return Vec::new() };
        let project = if first.project.0.is_root() { b"." } else { first.project.0.as_bytes() };
        [project, b":", first.name.0.as_bytes()].concat()
    }

    /// What people call it, with nothing that an engine could find something of its own in.
    pub fn title(&self) -> String {
        let first = super::shell::inert(&self.id());
        match self.tasks.len() {
            0 | 1 => first,
            more => format!("{first} and {} that need each other", more - 1),
        }
    }
}

/// The jobs of a plan, each after all that it needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobGraph {
    /// By layer, and within a layer by id.
    pub jobs: Vec<Job>,
}

/// How many seconds each task is expected to take.
pub type Durations = BTreeMap<String, f64>;

/// What jobs depend on besides the plan.
#[derive(Debug, Clone, Copy)]
pub struct JobTerms<'a> {
    /// What is said about environments.
    pub configuration: &'a Configuration,
    /// The pipeline that the plan follows.
    pub pipeline: Option<&'a str>,
    /// How long tasks take.
    pub durations: &'a Durations,
}

/// A command may be tried again this often: more is a mistake, and the dots that say it would fill a variable.
const MOST_RETRIES: u32 = 100;

impl JobGraph {
    /// The jobs of a plan.
    pub fn new(workspace: &Workspace, plan: &Plan, terms: &JobTerms<'_>) -> Result<Self, CiError> {
        let place: BTreeMap<TaskIndex, usize> =
            plan.tasks.iter().enumerate().map(|(at, planned)| (planned.task, at)).collect();
        let mut graph: DiGraph<usize, ()> = DiGraph::with_capacity(plan.tasks.len(), 0);
        let nodes: Vec<_> = (0..plan.tasks.len()).map(|at| graph.add_node(at)).collect();
        for (at, planned) in plan.tasks.iter().enumerate() {
            for need in planned.needs.iter().filter_map(|need| place.get(need)) {
                graph.add_edge(nodes[at], nodes[*need], ());
            }
        }
        // Tasks that need each other can only be run together.
        let mut groups: Vec<Vec<usize>> =
            kosaraju_scc(&graph).into_iter().map(|group| group.into_iter().map(|node| graph[node]).collect()).collect();
        groups.iter_mut().for_each(|group| group.sort_unstable());
        // Plans are in the order of ids, so the first of a group says where it stands.
        groups.sort_by_key(|group| group.first().map(|&at| (plan.tasks[at].layer, at)));
        let mut group_of = vec![0; plan.tasks.len()];
        for (number, group) in groups.iter().enumerate() {
            group.iter().for_each(|&at| group_of[at] = number);
        }
        let mut jobs = Vec::with_capacity(groups.len());
        for (number, group) in groups.iter().enumerate() {
            let needs: BTreeSet<usize> = group
                .iter()
                .flat_map(|&at| &plan.tasks[at].needs)
                .filter_map(|need| Some(group_of[*place.get(need)?]))
                .filter(|&need| need != number)
                .collect();
            let layer = group.first().map_or(0, |&at| plan.tasks[at].layer);
            let members: Vec<TaskIndex> = group.iter().map(|&at| plan.tasks[at].task).collect();
            jobs.push(job(workspace, &members, needs.into_iter().collect(), layer, terms)?);
        }
        Ok(Self { jobs })
    }

    /// The jobs that no other needs.
    pub fn last(&self) -> Vec<usize> {
        let needed: BTreeSet<usize> = self.jobs.iter().flat_map(|job| job.needs.iter().copied()).collect();
        (0..self.jobs.len()).filter(|at| !needed.contains(at)).collect()
    }

    /// The ids of all jobs.
    pub fn ids(&self) -> Vec<Vec<u8>> {
        self.jobs.iter().map(Job::id).collect()
    }

    /// The places of jobs in parts that have nothing to do with each other, each in order; the parts by their first.
    pub fn parts(&self, members: impl Fn(usize) -> bool) -> Vec<Vec<usize>> {
        let mut parts = petgraph::unionfind::UnionFind::new(self.jobs.len());
        for (at, job) in self.jobs.iter().enumerate().filter(|(at, _)| members(*at)) {
            job.needs.iter().filter(|need| members(**need)).for_each(|&need| {
                parts.union(at, need);
            });
        }
        let mut found: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for at in (0..self.jobs.len()).filter(|at| members(*at)) {
            found.entry(parts.find(at)).or_default().push(at);
        }
        let mut found: Vec<Vec<usize>> = found.into_values().collect();
        found.sort_unstable();
        found
    }

    /// Some of the jobs, without what they need of others.
    pub fn only(&self, members: &BTreeSet<usize>) -> Self {
        let place: BTreeMap<usize, usize> = members.iter().enumerate().map(|(new, old)| (*old, new)).collect();
        let jobs = members.iter().map(|&at| {
            let job = self.jobs[at].clone();
            Job { needs: job.needs.iter().filter_map(|need| place.get(need).copied()).collect(), ..job }
        });
        Self { jobs: jobs.collect() }
    }
}

fn job(
    workspace: &Workspace,
    members: &[TaskIndex],
    needs: Vec<usize>,
    layer: usize,
    terms: &JobTerms<'_>,
) -> Result<Job, CiError> {
    let tasks: Vec<_> = members.iter().map(|at| workspace.task_at(*at)).collect();
    let ids: Vec<TaskId> = members.iter().map(|at| workspace.task_id(*at)).collect();
    let sum = |durations: Vec<Option<Duration>>| durations.into_iter().collect::<Option<Vec<_>>>().map(total);
    let known = |id: &TaskId| {
        let seconds = terms.durations.get(&id.to_string())?;
        Duration::try_from_secs_f64(*seconds).ok()
    };
    let retries = tasks.iter().map(|task| task.retries).max().unwrap_or(0);
    if retries > MOST_RETRIES {
        let task = ids.first().map(ToString::to_string).unwrap_or_default();
        return Err(CiError::TooManyRetries { task, retries, most: MOST_RETRIES });
    }
    Ok(Job {
        commands: tasks.iter().flat_map(|task| task.commands.iter().cloned()).collect(),
        needs,
        layer,
        timeout: sum(tasks.iter().map(|task| task.timeout).collect()),
        retries,
        environment: environment(&ids, &tasks, terms)?,
        expected: sum(ids.iter().map(known).collect()),
        tasks: ids,
    })
}

/// The one environment that the tasks of a job run in.
fn environment(
    ids: &[TaskId],
    tasks: &[&crate::workspace::Task],
    terms: &JobTerms<'_>,
) -> Result<Option<JobEnvironment>, CiError> {
    let names: BTreeSet<Option<&str>> = tasks.iter().map(|task| task.runs_in.as_deref()).collect();
    let task = || ids.first().map(ToString::to_string).unwrap_or_default();
    if names.len() > 1 {
        return Err(CiError::SplitCircle { task: task() });
    }
    let Some(name) = names.into_iter().next().flatten() else { return Ok(None) };
    // An environment that nobody describes is an error of the configuration, and nobody has agreed to anything there.
    let settings = terms.configuration.environments.get(name);
    if !settings.is_some_and(|settings| settings.allows(terms.pipeline)) {
        return Err(CiError::Forbidden { task: task(), environment: name.to_owned() });
    }
    let approval = settings.is_some_and(|settings| settings.needs_approval());
    Ok(Some(JobEnvironment { name: name.to_owned(), approval }))
}

fn total(durations: Vec<Duration>) -> Duration {
    durations.into_iter().fold(Duration::ZERO, Duration::saturating_add)
}
