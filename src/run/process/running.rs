//! One command: started, watched, and cleaned up after.
//!
//! Two threads wait, one for output and one for the end, and tell the one that called; so that one can wait for both
//! and for a moment in time at once.

use std::ffi::OsStr;
use std::io::{self, PipeReader, Read};
use std::process::{Child, Command as Program, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use super::group::{Group, Signal, Status};
use super::orphans::{self, Orphan};
use super::{Attempt, How, LABEL, NotStarted, Stop};
use crate::discover::Command;
use crate::git::on_disk;

/// By its whole path: a search would try every folder of `PATH` for each command.
const SHELL: &str = "/bin/sh";
/// What a command waits for before it begins: a line that says that whoever ends it is told of it. Without one it never
/// begins. It stands before the command's own text, in its first line, so that what the shell tells of lines stays true.
const GATE: &str = "read -r _ || exit; exec </dev/null; ";
/// How many bytes are read at once.
const CHUNK: usize = 64 * 1024;
/// How many chunks may wait for whoever takes them.
const WAITING: usize = 4;
/// What is read at most of a command that ended: more than can have been on its way. So who goes on printing cannot keep
/// anybody.
const LAST_WORDS: usize = 4 << 20;
/// The longest time between two looks for processes that outlive a command.
const LONGEST_PAUSE: Duration = Duration::from_millis(32);

/// What a watcher is told.
#[derive(Debug)]
pub(super) enum Event {
    /// It printed something.
    Output(Vec<u8>),
    /// Nobody can print any more.
    OutputEnd,
    /// It could not be started.
    NotStarted(io::Error),
    /// It was not started, as somebody asked to stop.
    NotWanted,
    /// It ended, and is not reaped.
    Ended(Child, Group, io::Result<Status>),
    /// Somebody asked to stop.
    Look,
}

/// Runs a command of an attempt that began at `begin`. Also returns what it left behind.
pub(super) fn run(
    command: &Command,
    attempt: &Attempt<'_>,
    begin: Instant,
    stop: &Stop,
    take: &mut dyn FnMut(&[u8]),
) -> (How, Vec<Orphan>) {
    let label = attempt.environment.label(attempt.label);
    match start(command, attempt, &label, stop) {
        Ok(events) => {
            let watch = Watch { attempt, begin, label: &label, stop, take, events, is_open: true, last_words: 0 };
            watch.until_over()
        }
        Err(reason) => (How::NotStarted(reason), Vec::new()),
    }
}

/// Begins to start a command, and to watch it.
fn start(command: &Command, attempt: &Attempt<'_>, label: &OsStr, stop: &Stop) -> Result<Receiver<Event>, NotStarted> {
    let folder = on_disk(attempt.work_tree, &command.folder).filter(|folder| folder.is_dir());
    let Some(folder) = folder else {
        let message = format!("the folder that it runs in, `{}`, is not there", command.folder);
        return Err(NotStarted { message, is_crowded: false });
    };
    let failed = |reason: io::Error| NotStarted::new("its output cannot be read", &reason);
    let (reader, writer) = io::pipe().map_err(failed)?;
    let mut program = Program::new(SHELL);
    program.arg("-c").arg(format!("{GATE}{}", command.line)).current_dir(folder);
    program.env_clear().envs(attempt.environment.iter()).env(LABEL, label);
    program.stdin(Stdio::piped()).stdout(writer.try_clone().map_err(failed)?).stderr(writer);

    let (sender, events) = sync_channel(WAITING);
    let watcher = sender.clone();
    // They are begun before the command, so that nothing runs unwatched where there can be no more threads.
    let failed = |reason: io::Error| NotStarted::new("it cannot be watched", &reason);
    thread::Builder::new().spawn(move || read(reader, &sender)).map_err(failed)?;
    let stop = stop.clone();
    thread::Builder::new().spawn(move || wait(program, &stop, &watcher)).map_err(failed)?;
    Ok(events)
}

/// Reads until nobody can print any more, or nobody listens.
fn read(mut output: PipeReader, watcher: &SyncSender<Event>) {
    let mut chunk = vec![0; CHUNK];
    loop {
        match output.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => {
                if watcher.send(Event::Output(chunk[..length].to_vec())).is_err() {
                    return;
                }
            }
            Err(reason) if reason.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    let _ = watcher.send(Event::OutputEnd);
}

/// Starts a program and waits until it ended.
fn wait(mut program: Program, stop: &Stop, watcher: &SyncSender<Event>) {
    let started = stop.start(&mut program, watcher.clone());
    // It holds the end of the pipe that the program writes to.
    drop(program);
    let event = match started {
        Ok(Some((child, group))) => Event::Ended(child, group, group.wait()),
        Ok(None) => Event::NotWanted,
        Err(reason) => Event::NotStarted(reason),
    };
    let _ = watcher.send(event);
}

/// Whoever watches a command.
struct Watch<'a> {
    attempt: &'a Attempt<'a>,
    /// When the attempt began.
    begin: Instant,
    label: &'a OsStr,
    stop: &'a Stop,
    take: &'a mut dyn FnMut(&[u8]),
    events: Receiver<Event>,
    /// Whether anybody can print.
    is_open: bool,
    /// How much was printed after the end.
    last_words: usize,
}

/// When and why a command was asked to end.
#[derive(Clone, Copy)]
struct Asked {
    at: Instant,
    is_late: bool,
}

impl Watch<'_> {
    fn until_over(mut self) -> (How, Vec<Orphan>) {
        let grace = self.attempt.limits.grace;
        let mut asked: Option<Asked> = None;
        let mut is_killed = false;
        let (mut child, group, status) = loop {
            if asked.is_none() && self.stop.is_asked() {
                asked = Some(Asked { at: Instant::now(), is_late: false });
            }
            let until = match asked {
                None => {
                    let begin = self.begin + self.stop.paused();
                    self.attempt.timeout.and_then(|timeout| begin.checked_add(timeout))
                }
                Some(_) if is_killed => None,
                Some(asked) => asked.at.checked_add(grace),
            };
            let event = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => self.events.recv().map_err(|_| RecvTimeoutError::Disconnected),
                // Before another event: there may always be one more.
                Some(Duration::ZERO) => Err(RecvTimeoutError::Timeout),
                Some(left) => self.events.recv_timeout(left),
            };
            match event {
                Ok(Event::Output(bytes)) => (self.take)(&bytes),
                Ok(Event::OutputEnd) => self.is_open = false,
                Ok(Event::Ended(child, group, status)) => break (child, group, status),
                Ok(Event::Look) => {}
                Ok(Event::NotWanted) => return (How::Stopped, Vec::new()),
                Ok(Event::NotStarted(reason)) => {
                    return (How::NotStarted(NotStarted::new("`sh` cannot be started", &reason)), Vec::new());
                }
                Err(RecvTimeoutError::Timeout) if asked.is_none() => {
                    asked = Some(Asked { at: Instant::now(), is_late: true });
                    self.stop.send(Signal::Ask);
                }
                Err(RecvTimeoutError::Timeout) => {
                    is_killed = true;
                    self.stop.send(Signal::Kill);
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return (How::Lost("nobody watches it any more".to_owned()), Vec::new());
                }
            }
        };
        let patience = Instant::now() + self.attempt.limits.leak_timeout;
        // Who is asked to end has the whole grace for it, and not only the shell that ran it.
        let grace = asked.and_then(|asked| asked.at.checked_add(grace));
        let leaked = self.end_others(group, grace.unwrap_or(patience).max(patience));
        self.stop.over();
        orphans::reap(&mut child);
        let how = match status {
            _ if asked.is_some_and(|asked| asked.is_late) => How::TimedOut,
            _ if self.stop.is_asked() => How::Stopped,
            Ok(Status::Exited(0)) => How::Passed,
            Ok(Status::Exited(code)) => How::Exited(code),
            Ok(Status::Signalled(signal)) => How::Signalled(signal),
            Err(reason) => How::Lost(reason.to_string()),
        };
        (how, leaked)
    }

    /// Waits until the command's other processes ended and nobody can print any more, and after the deadline ends those
    /// that have not.
    fn end_others(&mut self, group: Group, deadline: Instant) -> Vec<Orphan> {
        let mut pause = Duration::from_millis(1);
        loop {
            if !self.is_open && orphans::of(group, self.label).is_empty() {
                // Where orphans are not seen there may still be some.
                group.send(Signal::Kill);
                return Vec::new();
            }
            let now = Instant::now();
            if now >= deadline || self.stop.is_killed() {
                break;
            }
            let (was_open, until) = (self.is_open, deadline.min(now + pause));
            self.listen(until);
            if self.is_open || !was_open {
                thread::sleep(until.saturating_duration_since(Instant::now()));
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        let is_held = self.is_open;
        let mut found = orphans::end(group, self.label);
        // Only what is on its way is still to come.
        self.listen(Instant::now() + self.attempt.limits.leak_timeout);
        if found.is_empty() && is_held {
            found.push(Orphan::UNSEEN);
        }
        found
    }

    /// Takes output until then, and on as long as there is some at once.
    fn listen(&mut self, until: Instant) {
        while self.is_open && self.last_words < LAST_WORDS {
            match self.events.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Event::Output(bytes)) => {
                    self.last_words += bytes.len();
                    (self.take)(&bytes);
                }
                Ok(Event::OutputEnd) | Err(RecvTimeoutError::Disconnected) => self.is_open = false,
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => return,
            }
        }
    }
}
