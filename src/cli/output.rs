//! Where output goes: what programs read to stdout and nothing else there; findings and progress to stderr.

use std::io::{self, IsTerminal, Write};

use super::arguments::{Colour, Common};
use crate::diagnostic::{Diagnostic, Severity};
use crate::report::diagnostics;
use crate::report::json::AffectedReport;
use crate::report::text::{Look, doubt_text};

/// What a process knows of the world around it, read once at the start and handed in.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The environment.
    pub variables: Vec<(std::ffi::OsString, std::ffi::OsString)>,
}

impl Surroundings {
    /// The value of a variable, if it is set to text that is not empty.
    pub fn variable(&self, name: &str) -> Option<&str> {
        let found = self.variables.iter().find(|(key, _)| key == name)?;
        found.1.to_str().filter(|value| !value.is_empty())
    }
}

/// The two streams, and how text looks on them.
pub(super) struct Output {
    pub(super) look: Look,
    findings_in_colour: bool,
    all: bool,
}

/// Columns of a stream that is no terminal and of a terminal that does not say.
const USUAL_WIDTH: usize = 100;

impl Output {
    pub(super) fn new(common: &Common, surroundings: &Surroundings) -> Self {
        let colour = |terminal: bool| match common.color {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => terminal && surroundings.variable("NO_COLOR").is_none(),
        };
        let terminal = io::stdout().is_terminal();
        let width = if terminal { terminal_width(surroundings) } else { usize::MAX };
        Self {
            look: Look { colour: colour(terminal), width, all: common.all },
            findings_in_colour: colour(io::stderr().is_terminal()),
            all: common.all,
        }
    }

    /// Writes what was asked for. A reader that has gone away has read what it wanted.
    pub(super) fn answer(&self, text: &str) -> io::Result<()> {
        match io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }

    /// Writes bytes that programs read.
    pub(super) fn json<T: serde::Serialize>(&self, value: &T) -> io::Result<()> {
        let text = serde_json::to_string_pretty(value).map_err(io::Error::other)?;
        self.answer(&(text + "\n"))
    }

    /// Writes errors and warnings; with `--all` notes too.
    pub(super) fn findings(&self, findings: &[Diagnostic]) {
        let told: Vec<Diagnostic> =
            findings.iter().filter(|finding| self.all || finding.severity != Severity::Note).cloned().collect();
        const MOST: usize = 8;
        let shown = if self.all || told.len() <= MOST { told.len() } else { MOST };
        let mut text = diagnostics::render(&told[..shown], self.findings_in_colour);
        if shown < told.len() {
            text.push_str(&format!("… and {} more findings; --all or `knockon check` tells\n", told.len() - shown));
        }
        // There is nowhere to report that stderr is gone.
        let _ = io::stderr().write_all(text.as_bytes());
    }

    /// Writes every finding, in the order of their weight.
    pub(super) fn all_findings(&self, findings: &[Diagnostic]) {
        let _ = io::stderr().write_all(diagnostics::render(findings, self.findings_in_colour).as_bytes());
    }

    /// Writes what could not be known and what nobody reads, where the answer itself goes to a program.
    pub(super) fn doubts(&self, report: &AffectedReport) {
        const MOST: usize = 5;
        let nobodys = report.unowned.iter().map(|path| format!("no project owns or reads {path}"));
        let widened: Vec<String> = report.widened.iter().map(doubt_text).collect();
        let told: Vec<String> = if widened.is_empty() { nobodys.collect() } else { widened };
        let shown = if self.all { told.len() } else { told.len().min(MOST) };
        let mut text: String = told[..shown].iter().map(|line| format!("warning: {line}\n")).collect();
        if shown < told.len() {
            text.push_str(&format!("warning: and {} more; --all tells\n", told.len() - shown));
        }
        let _ = io::stderr().write_all(text.as_bytes());
    }

    /// Writes why there is no answer.
    pub(super) fn error(&self, message: &str) {
        let mut text = String::from("error: ");
        let _ = crate::path::escape_for_people(message.as_bytes(), &mut text);
        text.push('\n');
        let _ = io::stderr().write_all(text.as_bytes());
    }
}

fn terminal_width(surroundings: &Surroundings) -> usize {
    let asked = surroundings.variable("COLUMNS").and_then(|text| text.parse().ok());
    let columns = asked.or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)));
    columns.filter(|&columns| columns >= 40).unwrap_or(USUAL_WIDTH)
}
