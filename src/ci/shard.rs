//! One of several parts of a plan, for runs beside each other that share nothing.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::time::Duration;

use super::JobGraph;

/// Which part of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// From 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str| text.parse::<usize>().ok().filter(|number| *number <= 10_000);
        let parsed = text.split_once('/').and_then(|(part, of)| Some((number(part)?, number(of)?)));
        match parsed {
            Some((number, of)) if 1 <= number && number <= of => Ok(Shard { number, of }),
            _ => Err("write a part and how many there are, such as 1/4".to_owned()),
        }
    }
}

impl JobGraph {
    /// The jobs of a shard. What has to do with each other is in one, so that nothing is run twice; the longest go
    /// first to the shard that has least to do. A job of unknown length counts as much as a known one does on average.
    pub fn shard(&self, shard: Shard) -> Self {
        let known: Vec<Duration> = self.jobs.iter().filter_map(|job| job.expected).collect();
        let total = known.iter().fold(Duration::ZERO, |sum, one| sum.saturating_add(*one));
        let usual = u32::try_from(known.len()).ok().and_then(|count| total.checked_div(count));
        let usual = usual.unwrap_or(Duration::from_secs(1));
        let length = |part: &Vec<usize>| {
            part.iter().map(|&at| self.jobs[at].expected.unwrap_or(usual).as_nanos()).fold(0, u128::saturating_add)
        };
        let mut parts: Vec<(u128, Vec<usize>)> =
            self.parts(|_| true).into_iter().map(|part| (length(&part), part)).collect();
        // Parts are in the order of their first jobs, and stay so where they are equally long.
        parts.sort_by_key(|(length, _)| Reverse(*length));
        let mut loads: BTreeSet<(u128, usize)> = (1..=shard.of).map(|number| (0, number)).collect();
        let mut members = BTreeSet::new();
        for (length, part) in parts {
            let Some((load, number)) = loads.pop_first() else { break };
            // A part of no length takes its turn too.
            loads.insert((load.saturating_add(length.max(1)), number));
            if number == shard.number {
                members.extend(part);
            }
        }
        self.only(&members)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ci::Job;
    use crate::path::RepoPath;
    use crate::workspace::{ProjectId, TaskId};

    /// Jobs with the seconds that each takes, and edges to earlier ones.
    fn graph(lengths: &[Option<u8>], edges: &[(usize, usize)]) -> JobGraph {
        let mut jobs: Vec<Job> = Vec::new();
        for (at, length) in lengths.iter().enumerate() {
            let needs: BTreeSet<usize> = edges
                .iter()
                .filter(|(from, to)| from % lengths.len() == at && to % lengths.len() < at)
                .map(|(_, to)| to % lengths.len())
                .collect();
            let folder = RepoPath::from_git(format!("p{at:04}").as_bytes()).unwrap();
            jobs.push(Job {
                tasks: vec![TaskId::new(&ProjectId(folder), "build")],
                commands: Vec::new(),
                layer: needs.iter().map(|&need| jobs[need].layer + 1).max().unwrap_or(0),
                needs: needs.into_iter().collect(),
                timeout: None,
                retries: 0,
                environment: None,
                expected: length.map(|seconds| Duration::from_secs(seconds.into())),
            });
        }
        JobGraph { jobs }
    }

    fn ids(graph: &JobGraph) -> BTreeSet<Vec<u8>> {
        graph.ids().into_iter().collect()
    }

    proptest! {
        #[test]
        fn shards_are_the_plan_and_share_nothing(
            lengths in prop::collection::vec(prop::option::of(0..60_u8), 1..40),
            edges in prop::collection::vec((0..40_usize, 0..40_usize), 0..30),
            of in 1..6_usize,
        ) {
            let graph = graph(&lengths, &edges);
            let shards: Vec<JobGraph> = (1..=of).map(|number| graph.shard(Shard { number, of })).collect();
            let mut all = BTreeSet::new();
            for shard in &shards {
                for id in ids(shard) {
                    prop_assert!(all.insert(id), "a job is in two shards");
                }
                // What a job needs is in its shard.
                for job in &shard.jobs {
                    let whole = graph.jobs.iter().find(|other| other.id() == job.id()).unwrap();
                    let needs = |graph: &JobGraph, job: &Job| -> BTreeSet<Vec<u8>> {
                        job.needs.iter().map(|&need| graph.jobs[need].id()).collect()
                    };
                    prop_assert_eq!(needs(shard, job), needs(&graph, whole));
                }
            }
            prop_assert_eq!(all, ids(&graph));
            let again: Vec<JobGraph> = (1..=of).map(|number| graph.shard(Shard { number, of })).collect();
            prop_assert_eq!(shards, again);
        }
    }

    #[test]
    fn the_longest_go_first() {
        let graph = graph(&[Some(1), Some(2), Some(3), Some(3), Some(9), Some(1)], &[(5, 0)]);
        let numbers = |number| -> Vec<String> {
            graph.shard(Shard { number, of: 2 }).jobs.iter().map(|job| job.title()).collect()
        };
        assert_eq!(numbers(1), ["p0004:build"]);
        assert_eq!(numbers(2), ["p0000:build", "p0001:build", "p0002:build", "p0003:build", "p0005:build"]);
    }

    #[test]
    fn a_shard_is_written_as_a_part_of_a_whole() {
        assert_eq!("2/4".parse(), Ok(Shard { number: 2, of: 4 }));
        for wrong in ["0/4", "5/4", "1", "/", "1/99999", "a/b", "-1/2"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
