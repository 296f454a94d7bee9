//! Which task starts when: a pure state machine. Events go in, commands come out; it knows no process and no clock.
//!
//! What is longest on the way to the end starts first, so that no long chain is left over while everything else is done.
//! Its invariants are properties in the tests: a task starts once, and not before all that it needs has passed; no more
//! runs at once than there is room for; and in the end each task has passed, failed, or is passed over with a reason.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::time::Duration;

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

/// Where a task stands in the list that a run is made of.
pub type Place = usize;

/// What the scheduler has to know of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// What has to pass before it starts. Where tasks need each other in a circle, they run in their order.
    pub needs: BTreeSet<Place>,
    /// How long it may be expected to take.
    pub expected: Duration,
    /// How much of the room it takes; one that takes more than there is runs alone.
    pub weight: usize,
}

/// What becomes of the others when a task fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// Nothing more starts; what runs is waited for.
    #[default]
    Finish,
    /// Everything runs that does not need what failed.
    KeepGoing,
    /// Nothing more starts, and what runs is stopped.
    Stop,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A task passed.
    Passed(Place),
    /// A task failed.
    Failed(Place),
    /// A task was stopped before it came to an end.
    Stopped(Place),
    /// A task could not be started for want of processes or files, while others run: it waits until one of them ends.
    NoRoom(Place),
    /// Somebody asks for an end: nothing more starts.
    Cancel,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Start a task.
    Start(Place),
    /// Stop a task that runs.
    Stop(Place),
    /// Tell that a task does not run.
    Skip(Place, Reason),
}

/// Why a task does not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It needs this one, which did not pass.
    Needs(Place),
    /// Another one failed.
    Failure(Place),
    /// Somebody asked for an end.
    Cancelled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Running,
    Over,
}

/// The state of a run.
#[derive(Debug)]
pub struct Scheduler {
    states: Vec<State>,
    weights: Vec<usize>,
    /// How many of the tasks that each needs have not passed yet.
    lacking: Vec<usize>,
    needed_by: Vec<Vec<Place>>,
    /// How long it takes from the start of each to the end of all that needs it.
    rest: Vec<Duration>,
    ready: BinaryHeap<(Duration, Reverse<Place>)>,
    room: usize,
    taken: usize,
    running: usize,
    open: usize,
    on_failure: OnFailure,
    ending: Option<Reason>,
    /// Nothing starts until something ends.
    crowded: bool,
}

impl Scheduler {
    /// A run of some tasks, with room for so many at once.
    pub fn new(jobs: &[Job], room: usize, on_failure: OnFailure) -> Self {
        let room = room.max(1);
        let (needs, order) = without_circles(jobs);
        let mut needed_by = vec![Vec::new(); jobs.len()];
        for (place, needs) in needs.iter().enumerate() {
            needs.iter().for_each(|need| needed_by[*need].push(place));
        }
        let mut rest = vec![Duration::ZERO; jobs.len()];
        for &place in order.iter().rev() {
            let longest = needed_by[place].iter().map(|after| rest[*after]).max().unwrap_or_default();
            rest[place] = longest.saturating_add(jobs[place].expected);
        }
        let lacking: Vec<usize> = needs.iter().map(BTreeSet::len).collect();
        let first = (0..jobs.len()).filter(|place| lacking[*place] == 0);
        Self {
            states: vec![State::Waiting; jobs.len()],
            weights: jobs.iter().map(|job| job.weight.clamp(1, room)).collect(),
            ready: first.map(|place| (rest[place], Reverse(place))).collect(),
            lacking,
            needed_by,
            rest,
            room,
            taken: 0,
            running: 0,
            open: jobs.len(),
            on_failure,
            ending: None,
            crowded: false,
        }
    }

    /// What is to be done at the beginning.
    pub fn begin(&mut self) -> Vec<Command> {
        let mut commands = Vec::new();
        self.start(&mut commands);
        commands
    }

    /// What is to be done after something happened. An event about a task that does not run changes nothing.
    pub fn after(&mut self, event: Event) -> Vec<Command> {
        let mut commands = Vec::new();
        match event {
            Event::Passed(place) if self.leaves(place, State::Over) => {
                for at in 0..self.needed_by[place].len() {
                    let next = self.needed_by[place][at];
                    self.lacking[next] -= 1;
                    if self.lacking[next] == 0 && self.states[next] == State::Waiting {
                        self.ready.push((self.rest[next], Reverse(next)));
                    }
                }
            }
            Event::Failed(place) | Event::Stopped(place) if self.leaves(place, State::Over) => {
                self.skip_what_needs(place, &mut commands);
                if matches!(event, Event::Failed(_)) && self.on_failure != OnFailure::KeepGoing {
                    self.end(Reason::Failure(place), self.on_failure == OnFailure::Stop, &mut commands);
                }
            }
            Event::NoRoom(place) if self.leaves(place, State::Waiting) => {
                if self.ending.is_some() {
                    self.skip_all_that_waits(&mut commands);
                } else {
                    self.ready.push((self.rest[place], Reverse(place)));
                    self.crowded = self.running > 0;
                }
            }
            Event::Cancel => self.end(Reason::Cancelled, false, &mut commands),
            _ => {}
        }
        self.start(&mut commands);
        commands
    }

    /// Whether every task has come to its end.
    pub fn is_over(&self) -> bool {
        self.open == 0
    }

    /// How many tasks run.
    pub fn running(&self) -> usize {
        self.running
    }

    /// Takes a task that runs out of those that do; false where it does not.
    fn leaves(&mut self, place: Place, state: State) -> bool {
        if self.states.get(place) != Some(&State::Running) {
            return false;
        }
        self.states[place] = state;
        self.taken -= self.weights[place];
        self.running -= 1;
        self.open -= usize::from(state == State::Over);
        self.crowded = false;
        true
    }

    fn start(&mut self, commands: &mut Vec<Command>) {
        while let Some(&(_, Reverse(place))) = self.ready.peek() {
            // What comes first is not overtaken by what is smaller, or it might wait for ever.
            if self.crowded || self.ending.is_some() || self.taken + self.weights[place] > self.room {
                return;
            }
            self.ready.pop();
            self.states[place] = State::Running;
            self.taken += self.weights[place];
            self.running += 1;
            commands.push(Command::Start(place));
        }
    }

    fn end(&mut self, reason: Reason, stop_running: bool, commands: &mut Vec<Command>) {
        if stop_running {
            let running = (0..self.states.len()).filter(|place| self.states[*place] == State::Running);
            commands.extend(running.map(Command::Stop));
        }
        self.ending.get_or_insert(reason);
        self.skip_all_that_waits(commands);
    }

    fn skip_all_that_waits(&mut self, commands: &mut Vec<Command>) {
        self.ready.clear();
        let Some(reason) = self.ending else { return };
        for place in 0..self.states.len() {
            self.skip(place, reason, commands);
        }
    }

    fn skip_what_needs(&mut self, place: Place, commands: &mut Vec<Command>) {
        let mut pending = vec![place];
        while let Some(lost) = pending.pop() {
            for at in 0..self.needed_by[lost].len() {
                let next = self.needed_by[lost][at];
                if self.skip(next, Reason::Needs(lost), commands) {
                    pending.push(next);
                }
            }
        }
    }

    fn skip(&mut self, place: Place, reason: Reason, commands: &mut Vec<Command>) -> bool {
        let waits = self.states[place] == State::Waiting;
        if waits {
            self.states[place] = State::Over;
            self.open -= 1;
            commands.push(Command::Skip(place, reason));
        }
        waits
    }
}

/// What each task needs, without circles, and an order in which each comes after all that it needs. In a circle a task
/// needs only those of the circle that come before it.
fn without_circles(jobs: &[Job]) -> (Vec<BTreeSet<Place>>, Vec<Place>) {
    let mut graph: DiGraph<(), ()> = DiGraph::with_capacity(jobs.len(), jobs.len());
    (0..jobs.len()).for_each(|_| {
        graph.add_node(());
    });
    for (place, job) in jobs.iter().enumerate() {
        for need in job.needs.iter().filter(|need| **need < jobs.len()) {
            graph.add_edge(NodeIndex::new(place), NodeIndex::new(*need), ());
        }
    }
    let mut circles = vec![0; jobs.len()];
    let mut order = Vec::with_capacity(jobs.len());
    for (number, circle) in kosaraju_scc(&graph).into_iter().enumerate() {
        let mut circle: Vec<Place> = circle.into_iter().map(NodeIndex::index).collect();
        circle.sort_unstable();
        circle.iter().for_each(|place| circles[*place] = number);
        order.extend(circle);
    }
    let needs = jobs.iter().enumerate().map(|(place, job)| {
        let stays = |need: &Place| *need < jobs.len() && (circles[*need] != circles[place] || *need < place);
        job.needs.iter().copied().filter(stays).collect()
    });
    (needs.collect(), order)
}

#[cfg(test)]
mod tests;
