//! Job graphs to write for engines.

use std::time::Duration;

use knockon::ci::{Job, JobEnvironment, JobGraph};
use knockon::discover::Command;
use knockon::path::RepoPath;
use knockon::workspace::{ProjectId, TaskId};

/// A job `folder:name` with one command.
pub fn job(folder: &[u8], name: &str, line: &str, needs: &[usize], layer: usize) -> Job {
    let folder = RepoPath::from_git(folder).unwrap();
    Job {
        tasks: vec![TaskId::new(&ProjectId(folder.clone()), name)],
        commands: vec![Command { line: line.to_owned(), folder }],
        needs: needs.to_vec(),
        layer,
        timeout: None,
        retries: 0,
        environment: None,
        expected: None,
    }
}

pub fn one() -> JobGraph {
    JobGraph { jobs: vec![job(b"src/delivery", "build", "go build ./...", &[], 0)] }
}

/// A diamond, a circle, a command less, a time-out, retries and two environments.
pub fn few() -> JobGraph {
    let mut circle = job(b"circle/a", "build", "make a", &[], 0);
    circle.tasks.push(TaskId::new(&ProjectId(RepoPath::from_git(b"circle/b").unwrap()), "build"));
    circle.commands.push(Command { line: "make b".to_owned(), folder: RepoPath::from_git(b"circle/b").unwrap() });
    let mut schema = job(b"schema", "build", "", &[], 0);
    schema.commands.clear();
    let mut test = job(b"app", "test", "go test ./... && echo \"it's done\"", &[0, 1], 1);
    (test.timeout, test.retries) = (Some(Duration::from_secs(601)), 2);
    let other = job(b"other", "build", "go build ./...", &[1], 1);
    let mut qa = job(b"app", "deploy", "helm upgrade app .", &[2, 3], 2);
    qa.environment = Some(JobEnvironment { name: "qa".to_owned(), approval: false });
    let mut production = job(b"app", "release", "helm upgrade app .", &[4], 3);
    production.environment = Some(JobEnvironment { name: "production".to_owned(), approval: true });
    JobGraph { jobs: vec![circle, schema, test, other, qa, production] }
}

/// Two layers of jobs with time-outs and without, and none in an environment.
pub fn timed() -> JobGraph {
    let timed = |folder: &[u8], seconds: Option<u64>, needs: &[usize], layer: usize| Job {
        timeout: seconds.map(Duration::from_secs),
        ..job(folder, "test", "go test ./...", needs, layer)
    };
    let below = [(&b"any"[..], None), (b"long", Some(5_400)), (b"short", Some(30))];
    let mut jobs: Vec<Job> = below.map(|(folder, seconds)| timed(folder, seconds, &[], 0)).into();
    jobs.push(timed(b"app", Some(601), &[0, 1], 1));
    jobs.push(timed(b"lone", Some(300), &[2], 1));
    jobs.push(timed(b"site", None, &[3], 2));
    jobs.push(timed(b"page", Some(60), &[3], 2));
    JobGraph { jobs }
}

/// Jobs in four layers. Each needs up to three of the layer below; the last needs a hundred and twenty of it.
pub fn wide(count: usize) -> JobGraph {
    let size = count.div_ceil(4);
    let jobs = (0..count).map(|at| {
        let (layer, place) = (at / size, at % size);
        let below = layer.wrapping_sub(1).wrapping_mul(size);
        let needs: Vec<usize> = match layer {
            0 => Vec::new(),
            _ if at + 1 == count => (below..below + size.min(120)).collect(),
            _ => (place.saturating_sub(1)..(place + 2).min(size)).map(|near| below + near).collect(),
        };
        job(format!("src/p{at:06}").as_bytes(), "build", "go build ./...", &needs, layer)
    });
    JobGraph { jobs: jobs.collect() }
}

/// Chains beside each other, each so deep.
pub fn deep(depth: usize, chains: usize) -> JobGraph {
    let jobs = (0..depth * chains).map(|at| {
        let needs: Vec<usize> = at.checked_sub(chains).into_iter().collect();
        job(format!("src/c{}/p{}", at % chains, at / chains).as_bytes(), "build", "true", &needs, at / chains)
    });
    JobGraph { jobs: jobs.collect() }
}

/// Names and commands that are something to an engine, a shell or a log, and such as no engine can bear.
pub const HOSTILE: [&[u8]; 14] = [
    b"$(id)",
    b"`id`",
    b"a'b\"c",
    b"a\n::error::x",
    b"${{ github.token }}",
    b"{{workflow.name}}",
    b"<< pipeline.id >>",
    b"]]>",
    b"##vso[task.setvariable variable=x]y",
    b"$[ 1 ]",
    "\u{1f680}\u{202e}".as_bytes(),
    b"\xff\xfe",
    b"-rf",
    b"* ~ !&# %s",
];

pub fn hostile() -> JobGraph {
    let mut jobs: Vec<Job> = HOSTILE
        .iter()
        .map(|name| job(name, "build", &format!("echo '{}'", String::from_utf8_lossy(name)), &[], 0))
        .collect();
    jobs.push(job(&b"long/".repeat(80)[..399], "build", "true", &[], 0));
    jobs.push(job(b"a'b\"d", "$(id)", "true", &(0..jobs.len()).collect::<Vec<_>>(), 1));
    JobGraph { jobs }
}
