use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use super::{Command, Event, Job, OnFailure, Place, Reason, Scheduler};

fn job(needs: &[Place], seconds: u64) -> Job {
    Job { needs: needs.iter().copied().collect(), expected: Duration::from_secs(seconds), weight: 1 }
}

fn started(commands: &[Command]) -> Vec<Place> {
    commands
        .iter()
        .filter_map(|command| if let Command::Start(place) = command { Some(*place) } else { None })
        .collect()
}

#[test]
fn the_longest_way_to_the_end_starts_first() {
    // 0 is long by itself; 1 is short, and what needs it is longer still.
    let jobs = [job(&[], 5), job(&[], 1), job(&[1], 9), job(&[], 2)];
    let mut scheduler = Scheduler::new(&jobs, 2, OnFailure::Finish);
    assert_eq!(started(&scheduler.begin()), [1, 0]);
    assert_eq!(started(&scheduler.after(Event::Passed(1))), [2]);
    assert_eq!(started(&scheduler.after(Event::Passed(0))), [3]);
    assert!(scheduler.after(Event::Passed(2)).is_empty() && !scheduler.is_over());
    assert!(scheduler.after(Event::Passed(3)).is_empty() && scheduler.is_over());
}

#[test]
fn what_needs_a_failed_task_is_passed_over_and_the_rest_by_the_policy() {
    let jobs = [job(&[], 9), job(&[0], 1), job(&[1], 1), job(&[], 3), job(&[3], 1)];
    let begun = |policy| {
        let mut scheduler = Scheduler::new(&jobs, 2, policy);
        assert_eq!(started(&scheduler.begin()), [0, 3]);
        let commands = scheduler.after(Event::Failed(0));
        (scheduler, commands)
    };
    let needs = [Command::Skip(1, Reason::Needs(0)), Command::Skip(2, Reason::Needs(1))];
    let (mut going, commands) = begun(OnFailure::KeepGoing);
    assert_eq!(commands, needs);
    assert_eq!(started(&going.after(Event::Passed(3))), [4]);
    let (mut finishing, commands) = begun(OnFailure::Finish);
    assert_eq!(commands[..2], needs);
    assert_eq!(commands[2..], [Command::Skip(4, Reason::Failure(0))]);
    assert!(finishing.after(Event::Passed(3)).is_empty() && finishing.is_over());
    let (mut stopping, commands) = begun(OnFailure::Stop);
    assert_eq!(commands[2..], [Command::Stop(3), Command::Skip(4, Reason::Failure(0))]);
    assert!(stopping.after(Event::Stopped(3)).is_empty() && stopping.is_over());
}

#[test]
fn a_cancelled_run_waits_for_what_runs_and_starts_nothing() {
    let jobs = [job(&[], 2), job(&[0], 1), job(&[], 1)];
    let mut scheduler = Scheduler::new(&jobs, 1, OnFailure::KeepGoing);
    assert_eq!(started(&scheduler.begin()), [0]);
    let commands = scheduler.after(Event::Cancel);
    assert_eq!(commands, [1, 2].map(|place| Command::Skip(place, Reason::Cancelled)));
    assert!(!scheduler.is_over() && scheduler.after(Event::Cancel).is_empty());
    assert!(scheduler.after(Event::Stopped(0)).is_empty() && scheduler.is_over());
}

#[test]
fn what_does_not_fit_is_not_overtaken() {
    let heavy = Job { weight: 3, ..job(&[], 5) };
    let jobs = [job(&[], 9), heavy, job(&[], 1)];
    let mut scheduler = Scheduler::new(&jobs, 2, OnFailure::Finish);
    assert_eq!(started(&scheduler.begin()), [0]);
    assert_eq!(started(&scheduler.after(Event::Passed(0))), [1]);
    assert_eq!(started(&scheduler.after(Event::Passed(1))), [2]);
}

#[test]
fn what_finds_no_room_waits_until_something_ends() {
    let jobs = [job(&[], 3), job(&[], 2), job(&[], 1)];
    let mut scheduler = Scheduler::new(&jobs, 3, OnFailure::Finish);
    assert_eq!(started(&scheduler.begin()), [0, 1, 2]);
    assert!(scheduler.after(Event::NoRoom(1)).is_empty());
    assert_eq!(started(&scheduler.after(Event::Passed(2))), [1]);
    scheduler.after(Event::Passed(0));
    scheduler.after(Event::Passed(1));
    assert!(scheduler.is_over());
}

#[test]
fn tasks_in_a_circle_run_in_their_order() {
    let jobs = [job(&[2], 1), job(&[0], 1), job(&[1, 3], 1), job(&[], 1)];
    let mut scheduler = Scheduler::new(&jobs, 4, OnFailure::Finish);
    assert_eq!(started(&scheduler.begin()), [0, 3]);
    assert!(scheduler.after(Event::Passed(3)).is_empty());
    assert_eq!(started(&scheduler.after(Event::Passed(0))), [1]);
    assert_eq!(started(&scheduler.after(Event::Passed(1))), [2]);
}

#[test]
fn a_long_chain_overflows_no_stack() {
    let jobs: Vec<Job> =
        (0..100_000_usize).map(|place| job(&place.checked_sub(1).into_iter().collect::<Vec<_>>(), 1)).collect();
    let mut scheduler = Scheduler::new(&jobs, 4, OnFailure::Finish);
    assert_eq!(started(&scheduler.begin()), [0]);
    assert_eq!(scheduler.after(Event::Failed(0)).len(), 99_999);
    assert!(scheduler.is_over());
}

/// What happens to a task that runs, by the draw of a test.
#[derive(Debug, Clone, Copy)]
enum Draw {
    Pass,
    Fail,
    NoRoom,
    Cancel,
}

fn draws() -> impl Strategy<Value = Vec<(Draw, usize)>> {
    let draw = prop_oneof![
        12 => Just(Draw::Pass),
        2 => Just(Draw::Fail),
        2 => Just(Draw::NoRoom),
        1 => Just(Draw::Cancel),
    ];
    proptest::collection::vec((draw, any::<usize>()), 0..60)
}

fn jobs() -> impl Strategy<Value = Vec<Job>> {
    // Any graph, circles included.
    (1_usize..14).prop_flat_map(|count| {
        let job = (proptest::collection::btree_set(0..count, 0..3), 0_u64..9, 1_usize..5);
        proptest::collection::vec(job, count).prop_map(|jobs| {
            let job = |(needs, seconds, weight)| Job { needs, expected: Duration::from_secs(seconds), weight };
            jobs.into_iter().map(job).collect()
        })
    })
}

/// Whether one task can be reached from another along needs: both ways, they are of one circle.
fn reaches(jobs: &[Job], from: Place, to: Place) -> bool {
    let (mut seen, mut pending) = (BTreeSet::new(), vec![from]);
    while let Some(at) = pending.pop() {
        for need in &jobs[at].needs {
            if *need == to {
                return true;
            }
            if seen.insert(*need) {
                pending.push(*need);
            }
        }
    }
    false
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_task_starts_once_after_what_it_needs_and_none_is_lost(
        jobs in jobs(),
        draws in draws(),
        room in 1_usize..6,
        policy in prop_oneof![Just(OnFailure::Finish), Just(OnFailure::KeepGoing), Just(OnFailure::Stop)],
    ) {
        let mut scheduler = Scheduler::new(&jobs, room, policy);
        let (mut running, mut stopping) = (Vec::new(), BTreeSet::new());
        let (mut passed, mut failed, mut over) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut cancelled = false;
        let mut draws = draws.into_iter();
        let mut commands = scheduler.begin();
        loop {
            for command in commands.drain(..) {
                match command {
                    Command::Start(place) => {
                        prop_assert!(!over.contains(&place) && !running.contains(&place));
                        prop_assert!(!cancelled && (failed.is_empty() || policy == OnFailure::KeepGoing));
                        for need in &jobs[place].needs {
                            let in_circle = reaches(&jobs, *need, place);
                            prop_assert!(passed.contains(need) || in_circle && *need >= place);
                        }
                        running.push(place);
                    }
                    Command::Stop(place) => {
                        prop_assert!(running.contains(&place) && stopping.insert(place));
                    }
                    Command::Skip(place, reason) => {
                        prop_assert!(!running.contains(&place) && over.insert(place));
                        match reason {
                            Reason::Needs(need) => prop_assert!(
                                jobs[place].needs.contains(&need) && over.contains(&need) && !passed.contains(&need)
                            ),
                            Reason::Failure(other) => prop_assert!(failed.contains(&other)),
                            Reason::Cancelled => prop_assert!(cancelled),
                        }
                    }
                }
            }
            let weight: usize = running.iter().map(|place| jobs[*place].weight.clamp(1, room)).sum();
            prop_assert!(weight <= room);
            prop_assert_eq!(scheduler.running(), running.len());
            if running.is_empty() {
                break;
            }
            // After the draws are used up, everything passes.
            let (draw, number) = draws.next().unwrap_or((Draw::Pass, 0));
            let at = number % running.len();
            commands = match draw {
                Draw::Cancel => {
                    cancelled = true;
                    scheduler.after(Event::Cancel)
                }
                Draw::NoRoom => {
                    let place = running.remove(at);
                    scheduler.after(Event::NoRoom(place))
                }
                Draw::Pass | Draw::Fail => {
                    let place = running.remove(at);
                    over.insert(place);
                    if stopping.contains(&place) {
                        scheduler.after(Event::Stopped(place))
                    } else if matches!(draw, Draw::Fail) {
                        failed.insert(place);
                        scheduler.after(Event::Failed(place))
                    } else {
                        passed.insert(place);
                        scheduler.after(Event::Passed(place))
                    }
                }
            };
        }
        prop_assert!(scheduler.is_over());
        prop_assert_eq!(over.len(), jobs.len());
        if failed.is_empty() && !cancelled {
            prop_assert_eq!(passed.len(), jobs.len());
        }
    }
}
