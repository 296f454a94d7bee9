//! The event loop of a run: it alone knows what runs, tells the workers what to do, and tells the observer.
//!
//! What is to happen is decided by the [`scheduler`](super::scheduler); here it is done.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::courier::COURIERS;
use super::process::{How, Stop};
use super::scheduler::{Command, Event, Job, Place, Reason, Scheduler};
use super::signals::{self, Request, Urgency};
use super::work::{Observer, Output, Settings, Work};
use super::worker::{Assignment, End, Message, Report, work};
use super::{courier, keeper, spool};
use crate::store::{Elsewhere, Kept, Outcome, PreparedResult, Record, RunRecord, TaskRecord, TaskResult};

/// So often the observer is told that time goes by, and requests to stop are looked for.
const TICK: Duration = Duration::from_millis(50);
/// No more messages than this wait: a task that prints faster than it can be shown is slowed down.
const MOST_WAITING: usize = 256;
/// So long the end of a run waits for results that are still to be sent.
const LONGEST_FAREWELL: Duration = Duration::from_secs(30);
/// So much of what a failed task printed last goes into its record.
const LAST_OUTPUT: u64 = 8 * 1024;

/// Runs some tasks. The record has one entry for each, in their order.
pub fn execute(
    works: &[Work],
    settings: &Settings<'_>,
    requests: &Receiver<Request>,
    observer: &mut dyn Observer,
) -> RunRecord {
    let began = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let begun = Instant::now();
    let jobs: Vec<Job> = works.iter().map(|work| work.job.clone()).collect();
    let (told, messages) = sync_channel(MOST_WAITING);
    let (assign, assignments) = channel();
    let (keep, made) = channel();
    let (send, kept) = channel();
    let (kept, is_over) = (Mutex::new(kept), AtomicBool::new(false));
    let couriers = if settings.elsewhere.is_some_and(Elsewhere::takes_results) { COURIERS } else { 0 };
    let assignments = Mutex::new(assignments);
    let lanes = settings.room.min(works.len());
    let mut run = Run {
        works,
        settings,
        observer,
        scheduler: Scheduler::new(&jobs, settings.room, settings.on_failure),
        begun,
        running: BTreeMap::new(),
        records: works.iter().map(|_| None).collect(),
        keep: Some(keep),
        send: (couriers > 0).then_some(send),
        unkept: 0,
        is_over: &is_over,
        signal: None,
        warned_of_ledger: false,
    };
    thread::scope(|scope| {
        for lane in 0..lanes {
            let (assignments, told) = (&assignments, told.clone());
            scope.spawn(move || work(lane, works, settings, assignments, &told));
        }
        for _ in 0..couriers {
            let (kept, is_over, told) = (&kept, &is_over, told.clone());
            scope.spawn(move || courier::send(works, settings, kept, is_over, &told));
        }
        scope.spawn(move || keeper::keep(settings, &made, &told));
        run.until_the_end(&messages, requests, &assign);
        drop(assign);
    });
    run.record(began)
}

struct Run<'a> {
    works: &'a [Work],
    settings: &'a Settings<'a>,
    observer: &'a mut dyn Observer,
    scheduler: Scheduler,
    begun: Instant,
    running: BTreeMap<Place, Stop>,
    records: Vec<Option<TaskRecord>>,
    keep: Option<Sender<(Place, PreparedResult)>>,
    send: Option<Sender<Place>>,
    /// For how many results nobody has said whether they were kept, or sent.
    unkept: usize,
    /// Whether nobody waits for results that are to be sent.
    is_over: &'a AtomicBool,
    signal: Option<i32>,
    warned_of_ledger: bool,
}

impl Run<'_> {
    fn until_the_end(
        &mut self,
        messages: &Receiver<Message>,
        requests: &Receiver<Request>,
        assign: &Sender<Assignment>,
    ) {
        let first = self.scheduler.begin();
        self.obey(first, assign);
        let mut farewell = None;
        loop {
            if self.scheduler.is_over() {
                // The keeper need not wait for more.
                self.keep = None;
                if self.unkept == 0 {
                    self.send = None;
                    return;
                }
                let farewell = *farewell.get_or_insert_with(|| Instant::now() + LONGEST_FAREWELL);
                if self.signal.is_some() || Instant::now() >= farewell {
                    self.is_over.store(true, Ordering::Relaxed);
                }
            }
            while let Ok(request) = requests.try_recv() {
                let commands = self.requested(request);
                self.obey(commands, assign);
            }
            match messages.recv_timeout(TICK) {
                Ok(message) => {
                    let commands = self.told(message);
                    self.obey(commands, assign);
                }
                Err(RecvTimeoutError::Timeout) => self.observer.ticked(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn requested(&mut self, request: Request) -> Vec<Command> {
        match request {
            Request::End { urgency, signal } => {
                self.signal.get_or_insert(signal);
                self.running.values().for_each(match urgency {
                    Urgency::Ask => Stop::ask,
                    Urgency::Kill => Stop::kill,
                });
                return self.scheduler.after(Event::Cancel);
            }
            Request::Pause => {
                self.running.values().for_each(Stop::pause);
                signals::stand_still();
            }
            Request::Resume => self.running.values().for_each(Stop::resume),
        }
        Vec::new()
    }

    fn obey(&mut self, commands: Vec<Command>, assign: &Sender<Assignment>) {
        for command in commands {
            match command {
                Command::Start(place) => {
                    let stop = Stop::watched_by(self.settings.warden.clone());
                    self.running.insert(place, stop.clone());
                    self.observer.started(place);
                    // There is a worker for each task that may run.
                    let _ = assign.send(Assignment { place, stop });
                }
                Command::Stop(place) => {
                    self.running.get(&place).into_iter().for_each(Stop::ask);
                }
                Command::Skip(place, reason) => {
                    let reason = match reason {
                        Reason::Needs(need) => format!("needs {}", self.works[need].id),
                        Reason::Failure(other) => format!("{} failed", self.works[other].id),
                        Reason::Cancelled => "the run was cancelled".to_owned(),
                    };
                    let record = TaskRecord {
                        start: self.begun.elapsed().as_secs_f64(),
                        ..self.blank(place, Outcome::Skipped, Some(reason))
                    };
                    self.observer.ended(place, &record, Output::None);
                    self.records[place] = Some(record);
                }
            }
        }
    }

    fn told(&mut self, message: Message) -> Vec<Command> {
        match message {
            Message::Printed(place, bytes) => {
                self.observer.printed(place, &bytes);
                Vec::new()
            }
            Message::Kept(place, kept) => {
                let is_sent = matches!(kept, Ok(Kept::Stored | Kept::Same))
                    && self.send.as_ref().is_some_and(|send| send.send(place).is_ok());
                // Of what is sent somebody else will say what became of it.
                self.unkept -= usize::from(!is_sent);
                self.not_kept(place, kept);
                Vec::new()
            }
            Message::Sent(place, sent) => {
                self.unkept -= 1;
                self.not_kept(place, Ok(sent.unwrap_or(Kept::Same)));
                Vec::new()
            }
            Message::Over(place, report) => self.over(place, *report),
        }
    }

    fn not_kept(&mut self, place: Place, kept: Result<Kept, String>) {
        let reason = match kept {
            Ok(Kept::Stored | Kept::Same) => return,
            Ok(Kept::Different { paths }) => {
                let path = paths.first().map(|path| format!(", such as {path}")).unwrap_or_default();
                format!("it made other outputs before of the same inputs{path}: it is not reproducible")
            }
            Err(reason) => reason,
        };
        if let Some(record) = &mut self.records[place] {
            record.not_kept = Some(reason);
        }
    }

    fn over(&mut self, place: Place, report: Report) -> Vec<Command> {
        self.running.remove(&place);
        if let End::Ran { how: How::NotStarted(reason), .. } = &report.end
            && reason.is_crowded
            && self.scheduler.running() > 1
        {
            return self.scheduler.after(Event::NoRoom(place));
        }
        let start = report.begun.saturating_duration_since(self.begun).as_secs_f64();
        let timed = |record| TaskRecord { start, duration: report.duration.as_secs_f64(), lane: report.lane, ..record };
        let (record, event) = match report.end {
            End::Restored { stored, source } => {
                let (saved, source) = (Some(stored.duration().as_secs_f64()), Some(source));
                let record = timed(TaskRecord { saved, source, ..self.blank(place, Outcome::Cached, None) });
                self.observer.ended(place, &record, Output::Stored(&stored));
                (record, Event::Passed(place))
            }
            End::Ran { how, attempts, left_behind, spool, made, refused } => {
                let (outcome, event) = match how {
                    How::Passed => (Outcome::Passed, Event::Passed(place)),
                    How::Stopped => (Outcome::Stopped, Event::Stopped(place)),
                    _ => (Outcome::Failed, Event::Failed(place)),
                };
                let reason = if outcome == Outcome::Passed { refused } else { Some(how.to_string()) };
                let mut record = timed(TaskRecord { attempts, left_behind, ..self.blank(place, outcome, reason) });
                if outcome == Outcome::Failed {
                    record.last_output = spool::last_lines(&spool, LAST_OUTPUT);
                }
                match made {
                    Ok(None) => {}
                    Ok(Some(prepared)) => {
                        record.not_made = prepared.not_made().to_vec();
                        let sent = self.keep.as_ref().is_some_and(|keep| keep.send((place, prepared)).is_ok());
                        self.unkept += usize::from(sent);
                    }
                    Err(reason) => record.not_kept = Some(reason),
                }
                self.observer.ended(place, &record, Output::Spooled(&spool));
                (record, event)
            }
        };
        self.remember(place, &record);
        self.records[place] = Some(record);
        self.scheduler.after(event)
    }

    /// Tells the ledger how a task ended that ran.
    fn remember(&mut self, place: Place, record: &TaskRecord) {
        let result = match record.outcome {
            Outcome::Passed => TaskResult::Passed,
            Outcome::Failed => TaskResult::Failed,
            Outcome::Cached | Outcome::Stopped | Outcome::Skipped => return,
        };
        let Some(ledger) = self.settings.ledger.filter(|_| !self.works[place].commands.is_empty()) else { return };
        let line = Record {
            task: record.task.clone(),
            fingerprint: record.fingerprint.clone(),
            result,
            duration: Some(record.duration),
            attempts: Some(record.attempts),
            at: Some(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()),
            place: Some(self.settings.place.to_owned()),
        };
        if let Err(error) = line.append(ledger)
            && !std::mem::replace(&mut self.warned_of_ledger, true)
        {
            self.observer.warned(&format!("{} cannot be written: {error}", ledger.display()));
        }
    }

    fn blank(&self, place: Place, outcome: Outcome, reason: Option<String>) -> TaskRecord {
        TaskRecord {
            task: self.works[place].id.to_string(),
            fingerprint: self.works[place].fingerprint.to_string(),
            outcome,
            reason,
            not_kept: None,
            not_made: Vec::new(),
            start: 0.0,
            duration: 0.0,
            saved: None,
            source: None,
            attempts: 0,
            lane: 0,
            last_output: String::new(),
            left_behind: Vec::new(),
        }
    }

    fn record(self, began: Duration) -> RunRecord {
        let lost = || Some("it was lost: this is a mistake of knockon's".to_owned());
        let works = 0..self.works.len();
        let blank: Vec<TaskRecord> = works.map(|place| self.blank(place, Outcome::Failed, lost())).collect();
        RunRecord {
            began: u64::try_from(began.as_millis()).unwrap_or(u64::MAX),
            place: self.settings.place.to_owned(),
            duration: self.begun.elapsed().as_secs_f64(),
            signal: self.signal,
            tasks: self.records.into_iter().zip(blank).map(|(record, blank)| record.unwrap_or(blank)).collect(),
        }
    }
}
