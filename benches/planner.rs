//! How long answers take in process: `cargo bench --bench planner`.
//!
//! On a generated monorepo of `KNOCKON_BENCH_PACKAGES` packages (200 unless it is set). Every answer comes from a new
//! planner, as in a process of its own: nothing is remembered from the answer before it.

#![allow(clippy::expect_used, reason = "a measurement that cannot be made has nothing to go on with")]
#![allow(missing_docs, reason = "criterion's macro makes a public function")]

#[path = "generate/repository/mod.rs"]
#[allow(dead_code, reason = "the generator's program makes other repositories too")]
mod repository;

use std::collections::BTreeSet;
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use knockon::config::UnownedPolicy;
use knockon::fingerprint::Environment;
use knockon::git::{GitEnvironment, Repository};
use knockon::planner::{HeadChoice, Planner, RangeChoice, View};
use knockon::workspace::TaskIndex;

use repository::monorepo::Monorepo;

const PACKAGES: usize = 200;

fn planner(folder: &Path) -> Planner {
    let repository = Repository::discover(folder, &GitEnvironment::default()).expect("a generated repository opens");
    Planner::new(repository, Environment::default())
}

fn affected(folder: &Path, head: &HeadChoice) -> usize {
    let choice = RangeChoice {
        base: Some("base".to_owned()),
        head: head.clone(),
        unowned: Some(UnownedPolicy::None),
        ..RangeChoice::default()
    };
    planner(folder).affected(&choice).expect("a generated repository can be planned").affected.tasks().count()
}

fn view(planner: &Planner) -> View {
    planner.view(&HeadChoice::Revision("leaf".to_owned())).expect("a generated repository can be read").0
}

fn answers(criterion: &mut Criterion) {
    let packages = std::env::var("KNOCKON_BENCH_PACKAGES").ok().and_then(|text| text.parse().ok()).unwrap_or(PACKAGES);
    let home = tempfile::tempdir().expect("a temporary folder can be made");
    let folder = home.path().join("monorepo");
    Monorepo::new(packages).plant(&folder).expect("git can make a repository");

    let mut group = criterion.benchmark_group(format!("{packages} packages"));
    group.sample_size(20).measurement_time(Duration::from_secs(8));
    for branch in ["leaf", "core"] {
        let head = HeadChoice::Revision(branch.to_owned());
        assert!(affected(&folder, &head) > 0, "{branch} affects nothing");
        group.bench_function(format!("affected, {branch}"), |bencher| bencher.iter(|| affected(&folder, &head)));
    }
    group.bench_function("affected, work tree", |bencher| bencher.iter(|| affected(&folder, &HeadChoice::WorkTree)));
    group.bench_function("graph", |bencher| {
        bencher.iter(|| black_box(view(&planner(&folder)).workspace().edges().len()));
    });

    let planner = planner(&folder);
    let view = view(&planner);
    let all: BTreeSet<TaskIndex> = view.workspace().task_indices().collect();
    group.bench_function("fingerprints of all tasks", |bencher| {
        bencher.iter(|| planner.fingerprints(&view, &all).expect("every task is fingerprinted"));
    });
    group.finish();
}

criterion_group!(benches, answers);
criterion_main!(benches);
