//! Which trees are asked for: flags, the file of a base that is kept elsewhere, and in CI what the engine says.

use std::io::Read as _;
use std::path::Path;

use super::arguments::{Range, Unowned};
use super::commands::{Failure, Session};
use crate::ci::provider::Variables;
use crate::config::{EventKind, UnownedPolicy};
use crate::plan::{Candidate, Event, Said, is_whole_id};
use crate::planner::{HeadChoice, Planner, RangeChoice};

/// More of a file that describes an event, or of one that names a base, is not read.
const LARGEST_FILE: u64 = 32 * 1024 * 1024;

/// By how many commits the history is deepened, one after another; none: by all.
const DEPTHS: [Option<u32>; 4] = [Some(64), Some(512), Some(4096), None];

impl Session<'_> {
    /// A planner and what it is asked for. With `--deepen` what it lacks is fetched before.
    pub(super) fn asked(&self, range: &Range) -> Result<(Planner, RangeChoice), Failure> {
        let mut planner = self.planner(&self.common.directory)?;
        let mut choice = self.choice(range);
        if !range.deepen {
            return Ok((planner, choice));
        }
        let mut tried = Vec::new();
        let mut depths = DEPTHS.iter().skip(1);
        loop {
            let lacking = planner.lacking(&choice)?;
            if lacking.is_empty() {
                break;
            }
            let Some(fetch) = lacking.into_iter().find(|fetch| !tried.contains(fetch)) else {
                let Some(depth) = depths.next() else { break };
                choice.deepen_by = *depth;
                continue;
            };
            self.output.note(&format!("--deepen runs `{fetch}`"));
            // What cannot be fetched leaves the plan as wide as it is.
            if let Err(error) = planner.fetch(&fetch) {
                self.output.warning(&error.to_string());
            }
            tried.push(fetch);
            planner = self.planner(&self.common.directory)?;
        }
        Ok((planner, choice))
    }

    fn choice(&self, range: &Range) -> RangeChoice {
        let mut event = if range.base.is_none() && range.head.is_none() && !range.staged { self.event() } else { None };
        if let Some(file) = &range.base_file {
            let kept = event.get_or_insert(Event { provider: None, ..Event::new("", EventKind::Manual) });
            kept.candidates = vec![base_in(file)];
        }
        RangeChoice {
            base: range.base.clone(),
            head: head_choice(range.head.as_deref(), range.staged),
            unowned: range.unowned.map(|policy| match policy {
                Unowned::All => UnownedPolicy::All,
                Unowned::None => UnownedPolicy::None,
                Unowned::Error => UnownedPolicy::Error,
            }),
            in_ci: self.surroundings.variable("CI").is_some_and(|value| !matches!(value, "0" | "false")),
            event,
            deepen_by: DEPTHS[0],
        }
    }

    /// The environment, as far as it is text.
    /// Where this runs: the page of a CI engine's job, or the name of the machine.
    pub(super) fn place(&self) -> String {
        self.variables().job_page().unwrap_or_else(machine_name)
    }

    pub(super) fn variables(&self) -> Variables {
        let text = |value: &std::ffi::OsString| value.to_str().map(str::to_owned);
        let variables = self.surroundings.variables.iter();
        Variables::new(variables.filter_map(|(name, value)| Some((text(name)?, text(value)?))))
    }

    /// What the CI engine says of its run, whichever range is asked for.
    pub(super) fn event(&self) -> Option<Event> {
        let variables = self.variables();
        let file = variables.event_file().and_then(|file| beginning_of(Path::new(file)).ok());
        variables.event(file.as_deref())
    }
}

/// The tree that flags name; what is on disk, if they name none.
pub(super) fn head_choice(revision: Option<&str>, staged: bool) -> HeadChoice {
    match (revision, staged) {
        (Some(revision), _) => HeadChoice::Revision(revision.to_owned()),
        (None, true) => HeadChoice::Staged,
        (None, false) => HeadChoice::WorkTree,
    }
}

fn machine_name() -> String {
    String::from_utf8_lossy(rustix::system::uname().nodename().to_bytes()).into_owned()
}

fn beginning_of(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // A named pipe in its place would keep us waiting.
    if !std::fs::metadata(file)?.is_file() {
        return Err(std::io::Error::other("it is no file"));
    }
    std::fs::File::open(file)?.take(LARGEST_FILE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The base that a file names in its first line. Without one everything is planned.
fn base_in(file: &Path) -> Candidate {
    let by = format!("--base-file {}", file.display());
    let refused = |why: String| Candidate::Refused { what: Said::new("the last good build", by.clone()), why };
    let bytes = match beginning_of(file) {
        Ok(bytes) => bytes,
        Err(error) => return refused(format!("the file cannot be read: {error}")),
    };
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    match std::str::from_utf8(first).map(str::trim) {
        Ok(id) if is_whole_id(id) => Candidate::LastGreen(Said::new(id, by)),
        _ => refused("its first line is no whole id of a commit".to_owned()),
    }
}
