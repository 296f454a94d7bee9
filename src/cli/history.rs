//! `knockon history`: the last commits, planned again.

use super::Exit;
use super::arguments::Format;
use super::commands::{Failure, Session};
use crate::planner::{Replayed, Share};
use crate::report::history::{CommitReport, HistoryReport, ShareReport, commit_text, heading, totals_text};

impl Session<'_> {
    /// Replays commits. Lines for people come as they are found: many commits take a while.
    pub(super) fn history(&self, count: u32, verify: bool, head: &str, format: Format) -> Result<Exit, Failure> {
        // A replay goes through more trees than are worth keeping.
        let planner = self.planner(&self.common.directory)?.without_memo();
        let (name, mut replay) = planner.replay(head, verify)?;
        let mut report = HistoryReport::new(name, verify);
        let look = self.output.look;
        let is_text = format == Format::Text;
        if is_text {
            self.output.answer(&heading(look))?;
        }
        for _ in 0..count {
            let Some(replayed) = replay.next() else { break };
            let commit = described(replayed?);
            if is_text {
                self.output.answer(&commit_text(&commit, look))?;
            }
            report.add(commit);
        }
        report.cut = replay.cut().map(|commit| commit.to_string());
        match format {
            Format::Text => self.output.answer(&totals_text(&report, look))?,
            Format::Json => self.output.json(&report)?,
        }
        Ok(if report.totals.differences > 0 { Exit::Doubt } else { Exit::Done })
    }
}

fn described(replayed: Replayed) -> CommitReport {
    let share = |share: Share| ShareReport { affected: share.affected, all: share.all };
    let mut report = CommitReport {
        commit: replayed.commit.to_string(),
        parent: replayed.parent.map(|parent| parent.to_string()),
        subject: replayed.subject,
        changed: replayed.changed,
        projects: ShareReport::default(),
        tasks: ShareReport::default(),
        widened: Vec::new(),
        filter_misses: Vec::new(),
        differences: Vec::new(),
        refused: None,
    };
    match replayed.planned {
        Ok(planned) => {
            report.projects = share(planned.projects);
            report.tasks = share(planned.tasks);
            report.widened = planned.widened.into_iter().collect();
            report.filter_misses = planned.filter_misses;
            report.differences = planned.differences;
        }
        Err(why) => report.refused = Some(why),
    }
    report
}
