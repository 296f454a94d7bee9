//! Plans for people: one screen for a usual change, the rest on request.

mod difference;
mod explanation;
mod listing;

pub use difference::{DifferenceText, differences_text};
pub use explanation::{explain_path, explain_project, explain_task};
pub use listing::{affected_text, check_text, doubt_text, graph_text, inputs_text, plan_text, steps_text};
pub(super) use listing::{telling_causes, tree_text};

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

use crate::affect::Cause;
use crate::diagnostic::Evidence;
use crate::path::harmless;
use crate::tree::ChangeKind;

/// How a text is to look.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Whether colours are used.
    pub colour: bool,
    /// How many columns there are.
    pub width: usize,
    /// Whether everything is told, or what fits a screen.
    pub all: bool,
}

/// How many projects, causes and files a text tells of before it says how many more there are.
const MOST_PROJECTS: usize = 16;
const MOST_CAUSES: usize = 1;
const MOST_FILES: usize = 5;

pub(super) const STRONG: Style = Style::new().bold();
pub(super) const FAINT: Style = Style::new().dimmed();
pub(super) const NAME: Style = AnsiColor::Cyan.on_default().bold();
pub(super) const DOUBT: Style = AnsiColor::Yellow.on_default();

impl Look {
    pub(super) fn paint(self, style: Style, text: impl AsRef<str>) -> String {
        let text = text.as_ref();
        if self.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// The text cut to what is left of a line after `used` columns.
    pub(super) fn cut(self, text: &str, used: usize) -> String {
        let room = self.width.saturating_sub(used).max(20);
        if self.all || text.width() <= room {
            return text.to_owned();
        }
        let mut kept = String::new();
        for character in text.chars() {
            if kept.width() + 1 >= room {
                break;
            }
            kept.push(character);
        }
        kept + "…"
    }

    /// How many of `there` items are shown, of which `usual` fit.
    fn most(self, there: usize, usual: usize) -> usize {
        // One more line costs no more than the line that says there is one more.
        if self.all || there <= usual + 1 { there } else { usual }
    }
}

/// Text padded to a width in columns.
pub(super) fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

pub(super) fn count(number: usize, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}

/// `file:line  text`, safe for a terminal.
pub(super) fn evidence_text(evidence: &Evidence) -> String {
    let mut text = evidence.file.to_string();
    if evidence.line > 0 {
        let _ = write!(text, ":{}", evidence.line);
    }
    if !evidence.text.is_empty() {
        let _ = write!(text, "  {}", harmless(&*evidence.text));
    }
    text
}

fn change_word(change: ChangeKind) -> &'static str {
    match change {
        ChangeKind::Added => "added",
        ChangeKind::Deleted => "deleted",
        ChangeKind::Modified => "modified",
        ChangeKind::Mode => "mode changed",
    }
}

/// A cause in a sentence, and the line that proves it.
pub(super) fn cause_text(cause: &Cause) -> (String, Option<&Evidence>) {
    match cause {
        Cause::Input { path, change, evidence } => (format!("{path} {}", change_word(*change)), Some(evidence)),
        Cause::InputSet { path, at_head: true, evidence } => (format!("{path} is an input now"), Some(evidence)),
        Cause::InputSet { path, at_head: false, evidence } => (format!("{path} is an input no longer"), Some(evidence)),
        Cause::Slice { path, entry, change, evidence } => {
            (format!("{path}: {} {}", harmless(entry), change_word(*change)), Some(evidence))
        }
        Cause::Definition { part } => (format!("its {part} changed"), None),
        Cause::NewTask => ("the task is new".to_owned(), None),
        Cause::NotPassed { failures: 0 } => ("it never ran with this fingerprint".to_owned(), None),
        Cause::NotPassed { failures } => {
            (format!("it failed with this fingerprint, {}", count(*failures as usize, "time", "times")), None)
        }
        Cause::Reading { task, at_head: true, evidence } => (format!("reads {task} now"), evidence.as_ref()),
        Cause::Reading { task, at_head: false, evidence } => (format!("reads {task} no longer"), evidence.as_ref()),
        Cause::Upstream { task, evidence } => (format!("reads {task}"), evidence.as_ref()),
        Cause::Widened { detail, .. } => (format!("cannot be known: {detail}"), None),
    }
}
