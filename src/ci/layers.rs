//! Jobs in layers, for engines whose workflow is there before the plan: it has a fixed number of layers, and each takes
//! a list.

use super::{CiError, Job, JobEnvironment, JobGraph, shell};

/// What one entry of a layer's list does: one job, several that are put together because a list would be too long, or a
/// part of the graph that lies deeper than there are layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    /// Jobs by their places in the graph. Those of one strand run in order and stop together.
    pub strands: Vec<Vec<usize>>,
}

impl Leg {
    /// All jobs of it.
    pub fn jobs<'a>(&'a self, graph: &'a JobGraph) -> impl Iterator<Item = &'a Job> {
        self.strands.iter().flatten().map(|&at| &graph.jobs[at])
    }

    /// What people call it.
    pub fn title(&self, graph: &JobGraph) -> String {
        let mut jobs = self.jobs(graph);
        let first = jobs.next().map(Job::title).unwrap_or_default();
        match jobs.count() {
            0 => first,
            more => format!("{first} and {more} more"),
        }
    }

    /// What it runs, for [`shell::SCRIPT`].
    pub fn commands(&self, graph: &JobGraph) -> Result<String, CiError> {
        let strand = |strand: &Vec<usize>| {
            strand.iter().map(|&at| (graph.jobs[at].retries, &graph.jobs[at].commands[..])).collect()
        };
        let words = shell::words(self.strands.iter().map(strand));
        if words.len() > shell::LONGEST {
            return Err(CiError::LongCommands { task: self.title(graph), found: words.len(), most: shell::LONGEST });
        }
        Ok(words)
    }

    /// How many minutes it may take; none where one of its jobs may take any time.
    pub fn minutes(&self, graph: &JobGraph) -> Option<u64> {
        self.jobs(graph).map(|job| job.timeout.map(super::minutes)).sum()
    }

    /// Where it deploys to.
    pub fn environment<'a>(&'a self, graph: &'a JobGraph) -> Option<&'a JobEnvironment> {
        self.jobs(graph).find_map(|job| job.environment.as_ref())
    }
}

/// The legs of each layer: at most so many layers, and at most so many legs in all of them.
pub fn layers(
    engine: &'static str,
    graph: &JobGraph,
    most_layers: usize,
    most_legs: usize,
) -> Result<Vec<Vec<Leg>>, CiError> {
    let strands = strands(engine, graph, most_layers.max(1))?;
    let is_alone = |strand: &Vec<usize>| strand.iter().any(|&at| graph.jobs[at].environment.is_some());
    let alone: usize = strands.iter().flatten().filter(|strand| is_alone(strand)).count();
    let together: Vec<usize> = strands.iter().map(|layer| layer.iter().filter(|s| !is_alone(s)).count()).collect();
    let legs = |size: usize| alone + together.iter().map(|count| count.div_ceil(size)).sum::<usize>();
    let least = legs(usize::MAX);
    let mend = "raise the limit of the engine, or have fewer environments in one plan";
    super::within(engine, "jobs of a matrix", least, most_legs, mend)?;
    let size = smallest(1, together.iter().copied().max().unwrap_or(1).max(1), |size| legs(size) <= most_legs);
    let in_legs = |layer: Vec<Vec<usize>>| {
        let (alone, together): (Vec<_>, Vec<_>) = layer.into_iter().partition(is_alone);
        let bundles = together.chunks(size).map(|strands| Leg { strands: strands.to_vec() });
        let mut legs: Vec<Leg> = bundles.chain(alone.into_iter().map(|strand| Leg { strands: vec![strand] })).collect();
        legs.sort_by(|a, b| a.strands.cmp(&b.strands));
        legs
    };
    Ok(strands.into_iter().map(in_legs).collect())
}

/// The strands of each layer. What lies deeper than there are layers is run in order by the last of them.
fn strands(engine: &'static str, graph: &JobGraph, most: usize) -> Result<Vec<Vec<Vec<usize>>>, CiError> {
    let count = graph.jobs.iter().map(|job| job.layer + 1).max().unwrap_or(0);
    let mut layers: Vec<Vec<Vec<usize>>> = vec![Vec::new(); count.min(most)];
    let last = most - 1;
    for (at, _) in graph.jobs.iter().enumerate().filter(|(_, job)| count <= most || job.layer < last) {
        layers[graph.jobs[at].layer].push(vec![at]);
    }
    if count > most {
        let deep = graph.parts(|at| graph.jobs[at].layer >= last);
        let deploying = deep.iter().find(|part| part.len() > 1 && environments(graph, part));
        if let Some(job) = deploying.and_then(|part| part.first()).map(|&at| &graph.jobs[at]) {
            return Err(CiError::Unsupported {
                engine,
                what: "environment for a part of a job, and jobs are put together where layers run out",
                task: job.title(),
                mend: "give the workflow and --layers more layers",
            });
        }
        layers[last] = deep;
    }
    Ok(layers)
}

fn environments(graph: &JobGraph, part: &[usize]) -> bool {
    part.iter().any(|&at| graph.jobs[at].environment.is_some())
}

/// The smallest number of a range that will do, where each above one that does will do too.
fn smallest(mut least: usize, mut most: usize, will_do: impl Fn(usize) -> bool) -> usize {
    while least < most {
        let middle = least + (most - least) / 2;
        if will_do(middle) { most = middle } else { least = middle + 1 }
    }
    least
}
