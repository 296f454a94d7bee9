//! What a command leaves behind: processes that outlive it, in its group or, as daemons do, in a session of their own.

use std::fmt;

#[cfg(target_os = "linux")]
pub(super) use linux::{adopt, end, of, reap};
#[cfg(not(target_os = "linux"))]
pub(super) use other::{adopt, end, of, reap};

/// A process that outlived its command.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Orphan {
    /// Its number and its name; nothing of one of which all that is known is that it could still print.
    pub known: Option<(u32, String)>,
}

impl Orphan {
    /// All that is known of it is that it could still print.
    pub(super) const UNSEEN: Self = Self { known: None };
}

impl fmt::Display for Orphan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.known {
            Some((id, name)) => {
                f.write_str("`")?;
                write!(f, "{}", crate::path::harmless(name))?;
                write!(f, "` (process {id})")
            }
            None => f.write_str("a process that keeps the output open"),
        }
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::{BTreeMap, BTreeSet, HashMap};
    use std::ffi::OsStr;
    use std::fs::{self, File};
    use std::io::Read;
    use std::os::unix::ffi::OsStrExt;
    use std::process::Child;
    use std::sync::{Mutex, Once, PoisonError};
    use std::thread;
    use std::time::{Duration, Instant};

    use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, getpid, kill_process, set_child_subreaper, waitid};

    use super::Orphan;
    use crate::run::process::LABEL;
    use crate::run::process::group::{self, Group};

    /// How long killed processes are waited for.
    const LONGEST_DEATH: Duration = Duration::from_secs(2);
    /// How much of an environment is read.
    const LONGEST_ENVIRONMENT: u64 = 4 << 20;

    /// How much of what is told of a process is read: more than its first few fields can be long.
    const LONGEST_STAT: usize = 512;

    /// Nobody reaps a child while one looks, so that no number that was seen is another's when a signal is sent, and the
    /// kernel loses its place in no list of children.
    static LOOKING: Mutex<()> = Mutex::new(());

    /// A process, as `/proc` tells of it.
    struct Process {
        id: u32,
        parent: u32,
        group: u32,
        session: u32,
        is_zombie: bool,
        name: String,
    }

    /// Makes this process the parent of all orphans below it. What cannot be done is not needed to run anything.
    pub(in super::super) fn adopt() {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            let _ = set_child_subreaper(Some(getpid()));
        });
    }

    /// Reaps a child that ended.
    pub(in super::super) fn reap(child: &mut Child) {
        let _looking = LOOKING.lock().unwrap_or_else(PoisonError::into_inner);
        // How it ended is known already.
        let _ = child.wait();
    }

    /// The processes of a group besides its leader, and those below this process that carry a label.
    pub(in super::super) fn of(group: Group, label: &OsStr) -> Vec<Orphan> {
        let _looking = LOOKING.lock().unwrap_or_else(PoisonError::into_inner);
        look(group, label).iter().map(Process::orphan).collect()
    }

    /// Kills these, and tells all that there were.
    pub(in super::super) fn end(group: Group, label: &OsStr) -> Vec<Orphan> {
        let _looking = LOOKING.lock().unwrap_or_else(PoisonError::into_inner);
        let mut seen = BTreeMap::new();
        let deadline = Instant::now() + LONGEST_DEATH;
        loop {
            let found = look(group, label);
            if found.is_empty() || Instant::now() >= deadline {
                return seen.into_values().collect();
            }
            group.send(group::Signal::Kill);
            for process in found {
                // The number of a child is nobody else's before it is reaped. Others become children when their parents
                // are gone.
                if process.parent == std::process::id() {
                    let _ = process.number().map(|id| kill_process(id, Signal::KILL));
                }
                seen.entry(process.id).or_insert_with(|| process.orphan());
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Finds them, and reaps what has ended.
    fn look(group: Group, label: &OsStr) -> Vec<Process> {
        let mut below = below_this();
        below.retain(|process| {
            if process.is_zombie {
                process.reap_if_orphan();
            }
            !process.is_zombie && process.id != group.leader()
        });
        below.retain(|process| process.group == group.leader() || process.carries(label));
        below
    }

    /// All processes below this one.
    fn below_this() -> Vec<Process> {
        let mut below = Vec::new();
        let own = || children_of(std::process::id());
        // Twice, as a child is not seen that moves from one list to another meanwhile: a thread that ends leaves its
        // children to the first one.
        let mut pending = match (own(), own()) {
            (Some(once), Some(again)) => [once, again].concat(),
            _ => return below_this_of_all(),
        };
        let mut met = BTreeSet::new();
        while let Some(id) = pending.pop() {
            // What changes while it is read might go in a circle.
            if met.insert(id)
                && let Some(process) = Process::read(id)
            {
                pending.extend(children_of(id).unwrap_or_default());
                below.push(process);
            }
        }
        below
    }

    /// The children of a process; none where the kernel was built without telling them.
    fn children_of(id: u32) -> Option<Vec<u32>> {
        let mut children = Vec::new();
        for thread in fs::read_dir(format!("/proc/{id}/task")).ok()?.flatten() {
            match fs::read_to_string(thread.path().join("children")) {
                Ok(told) => children.extend(told.split_ascii_whitespace().filter_map(|id| id.parse::<u32>().ok())),
                // The thread is gone, and its children are another's.
                Err(_) if !thread.path().exists() => {}
                Err(_) => return None,
            }
        }
        Some(children)
    }

    /// All processes below this one, found among all that there are.
    fn below_this_of_all() -> Vec<Process> {
        let mut children: HashMap<u32, Vec<Process>> = HashMap::new();
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let id = entry.file_name().to_str().and_then(|name| name.parse().ok());
            if let Some(process) = id.and_then(Process::read) {
                children.entry(process.parent).or_default().push(process);
            }
        }
        let (mut below, mut parents) = (Vec::new(), vec![std::process::id()]);
        let mut met = BTreeSet::new();
        while let Some(parent) = parents.pop() {
            for process in children.remove(&parent).unwrap_or_default() {
                // What changes while it is read might go in a circle.
                if met.insert(process.id) {
                    parents.push(process.id);
                    below.push(process);
                }
            }
        }
        below
    }

    impl Process {
        fn read(id: u32) -> Option<Self> {
            // Whatever is read of it is made anew, so that it is read at once.
            let mut text = [0; LONGEST_STAT];
            let length = File::open(format!("/proc/{id}/stat")).and_then(|mut file| file.read(&mut text)).ok()?;
            let text = &text[..length];
            // The name may hold anything, also what ends it.
            let (begin, end) =
                (text.iter().position(|byte| *byte == b'(')?, text.iter().rposition(|byte| *byte == b')')?);
            let name = String::from_utf8_lossy(text.get(begin + 1..end)?).into_owned();
            let mut fields = std::str::from_utf8(text.get(end + 1..)?).ok()?.split_ascii_whitespace();
            let is_zombie = matches!(fields.next()?, "Z" | "X");
            let mut number = || fields.next().and_then(|field| field.parse().ok());
            Some(Self { id, parent: number()?, group: number()?, session: number()?, is_zombie, name })
        }

        fn orphan(&self) -> Orphan {
            Orphan { known: Some((self.id, self.name.clone())) }
        }

        fn number(&self) -> Option<Pid> {
            i32::try_from(self.id).ok().and_then(Pid::from_raw)
        }

        /// Whether it was started with a label, or by a run within the run that has it.
        fn carries(&self, label: &OsStr) -> bool {
            let mut variables = Vec::new();
            let file = File::open(format!("/proc/{}/environ", self.id));
            // Of one that is gone meanwhile nothing can be read.
            let _ = file.and_then(|file| file.take(LONGEST_ENVIRONMENT).read_to_end(&mut variables));
            variables.split(|byte| *byte == 0).any(|variable| {
                let value = variable.strip_prefix(LABEL.as_bytes()).and_then(|rest| rest.strip_prefix(b"="));
                let rest = value.and_then(|value| value.strip_prefix(label.as_bytes()));
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
            })
        }

        /// Reaps an orphan. A child that somebody else here started and waits for is in the group of this process, or
        /// leads one in its session.
        fn reap_if_orphan(&self) {
            // The group or the session of this process may be of no number here: a container is entered from outside.
            let Some(own) = Self::read(std::process::id()) else { return };
            let is_others = self.session == own.session && [self.id, own.group].contains(&self.group);
            if self.parent == own.id && !is_others {
                let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
                let _ = self.number().map(|id| waitid(WaitId::Pid(id), options));
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use std::ffi::OsStr;
    use std::process::Child;

    use super::Orphan;
    use crate::run::process::group::{Group, Signal};

    /// Reaps a child that ended.
    pub(in super::super) fn reap(child: &mut Child) {
        // How it ended is known already.
        let _ = child.wait();
    }

    /// Nobody can be the parent of orphans.
    pub(in super::super) fn adopt() {}

    /// Nobody is seen.
    pub(in super::super) fn of(_: Group, _: &OsStr) -> Vec<Orphan> {
        Vec::new()
    }

    /// Kills those in the group.
    pub(in super::super) fn end(group: Group, _: &OsStr) -> Vec<Orphan> {
        group.send(Signal::Kill);
        Vec::new()
    }
}
