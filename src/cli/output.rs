//! Where output goes: what programs read to stdout and nothing else there; findings and progress to stderr.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use super::arguments::{Colour, Common};
use crate::affect::Affected;
use crate::diagnostic::{Diagnostic, Severity};
use crate::report::diagnostics;
use crate::report::text::{Look, doubt_text};

/// What a process knows of the world around it, read once at the start and handed in.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The environment.
    pub variables: Vec<(std::ffi::OsString, std::ffi::OsString)>,
    /// The program itself, if the operating system says where it is.
    pub executable: Option<std::path::PathBuf>,
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
        self.commands(&without_commands(text))
    }

    /// Writes what was asked for where it is commands to a CI engine.
    pub(super) fn commands(&self, text: &str) -> io::Result<()> {
        match io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }

    /// Writes bytes that programs read.
    pub(super) fn json<T: serde::Serialize>(&self, value: &T) -> io::Result<()> {
        let text = serde_json::to_string_pretty(value).map_err(io::Error::other)?;
        self.answer(&(inert_json(text) + "\n"))
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
        self.tell(&text);
    }

    /// Says that there are warnings about manifests, which a plan does not go into.
    pub(super) fn hint_at(&self, findings: &[Diagnostic]) {
        let warnings = findings.iter().filter(|finding| finding.severity != Severity::Note).count();
        if warnings > 0 {
            let what = if warnings == 1 { "warning" } else { "warnings" };
            let line = format!("note: {warnings} {what} about manifests; `knockon check` tells\n");
            let _ = io::stderr().write_all(line.as_bytes());
        }
    }

    /// Writes every finding, in the order of their weight.
    pub(super) fn all_findings(&self, findings: &[Diagnostic]) {
        self.tell(&diagnostics::render(findings, self.findings_in_colour));
    }

    /// Writes what could not be known and what nobody reads, where the answer itself goes to a program.
    pub(super) fn doubts(&self, affected: &Affected) {
        const MOST: usize = 5;
        let nobodys = affected.unowned.iter().map(|path| format!("no project owns or reads {path}"));
        let widened: Vec<String> = affected.widened.iter().map(doubt_text).collect();
        let told: Vec<String> = if widened.is_empty() { nobodys.collect() } else { widened };
        let shown = if self.all { told.len() } else { told.len().min(MOST) };
        let mut text: String = told[..shown].iter().map(|line| format!("warning: {line}\n")).collect();
        if shown < told.len() {
            text.push_str(&format!("warning: and {} more; --all tells\n", told.len() - shown));
        }
        self.tell(&text);
    }

    /// Writes why there is no answer.
    pub(super) fn error(&self, message: &str) {
        self.line("error", message);
    }

    /// Writes what went wrong and changes no answer.
    pub(super) fn warning(&self, message: &str) {
        self.line("warning", message);
    }

    /// Writes what is done.
    pub(super) fn note(&self, message: &str) {
        self.line("note", message);
    }

    /// Writes findings where they are commands to a CI engine. Engines read them on this stream too, and stdout may be
    /// what the engine is handed as the plan.
    pub(super) fn annotations(&self, commands: &str) {
        let _ = io::stderr().write_all(commands.as_bytes());
    }

    fn line(&self, weight: &str, message: &str) {
        self.tell(&format!("{weight}: {}\n", crate::path::harmless(message)));
    }

    fn tell(&self, text: &str) {
        // There is nowhere to report that stderr is gone.
        let _ = io::stderr().write_all(without_commands(text).as_bytes());
    }
}

/// Text in which no CI engine finds a command, whatever names a repository has. GitHub reads `::` where a line begins,
/// spaces before it or not; Azure and GitHub's older form read `##vso[` and `##[` anywhere.
fn without_commands(text: &str) -> Cow<'_, str> {
    let line_begins_with_one = |line: &str| line.trim_start().starts_with("::");
    if !text.contains("##[") && !text.contains("##vso[") && !text.lines().any(line_begins_with_one) {
        return Cow::Borrowed(text);
    }
    let defuse = |line: &str| match line_begins_with_one(line) {
        true => line.replacen("::", "\\u{3a}:", 1),
        false => line.to_owned(),
    };
    let lines: String = text.split_inclusive('\n').map(defuse).collect();
    Cow::Owned(lines.replace("##[", "#\\u{23}[").replace("##vso[", "#\\u{23}vso["))
}

/// The same JSON to whoever parses it, in which nothing steers a terminal or a CI engine that it is shown to.
fn inert_json(text: String) -> String {
    let steers = |c: char| c != '\n' && (c.is_control() || crate::path::steers_text(c));
    let text = if !text.contains(steers) {
        text
    } else {
        // All of these stand in strings, and none lies beyond the first plane.
        let escape = |c: char| if steers(c) { format!("\\u{:04x}", c as u32) } else { c.to_string() };
        text.chars().map(escape).collect()
    };
    text.replace("##[", "#\\u0023[").replace("##vso[", "#\\u0023vso[")
}

fn terminal_width(surroundings: &Surroundings) -> usize {
    let asked = surroundings.variable("COLUMNS").and_then(|text| text.parse().ok());
    let columns = asked.or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)));
    columns.filter(|&columns| columns >= 40).unwrap_or(USUAL_WIDTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_16_no_line_is_a_command() {
        for (text, safe) in [
            ("::add-mask::x\n", "\\u{3a}:add-mask::x\n"),
            ("a::b\n  ::warning::x", "a::b\n  \\u{3a}:warning::x"),
            ("a ##vso[task.x]y ##[error]", "a #\\u{23}vso[task.x]y #\\u{23}[error]"),
        ] {
            assert_eq!(without_commands(text), safe);
        }
        let json = serde_json::json!(["##[a]", "##vso[b]", "\u{9b}2J\u{202e}\u{7f}\n"]);
        let text = inert_json(serde_json::to_string_pretty(&json).unwrap());
        assert!(!text.contains("##") && text.contains("\\u009b2J\\u202e\\u007f\\n"), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), json);
        assert!(matches!(without_commands("## a\nb::c [x]\n"), Cow::Borrowed(_)));
    }
}
