//! Where an engine shows what a step has to say besides its log: findings beside the lines that they are about, and a
//! summary on the page of the run.

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, Severity};
use crate::path::harmless;

/// What an engine shows.
#[derive(Debug, Clone, Copy)]
pub struct Feedback {
    /// The variable that is `true` in the engine's own runs.
    pub variable: &'static str,
    /// Writes a finding as a command.
    pub(super) annotation: fn(&Annotation) -> String,
    /// How many findings of one severity it shows of a step.
    pub(super) most: usize,
    /// The file whose Markdown it shows.
    pub summary: Option<SummaryFile>,
}

/// A file whose Markdown an engine shows.
#[derive(Debug, Clone, Copy)]
pub struct SummaryFile {
    /// The variable that names it.
    pub variable: &'static str,
    /// The most bytes that it may have.
    pub most: usize,
}

/// A finding as an engine shows it. Nothing in it steers a terminal; what steers the engine is for the engine to escape.
#[derive(Debug)]
pub(super) struct Annotation {
    pub(super) is_error: bool,
    pub(super) title: String,
    /// The file, where its name can be told to the engine as it is.
    pub(super) file: Option<String>,
    /// The line, or 0.
    pub(super) line: u32,
    /// The column, or 0.
    pub(super) column: u32,
    pub(super) message: String,
}

impl Feedback {
    /// The errors and warnings among findings as commands, so many of each severity as the engine shows, and a line that
    /// counts the others.
    pub fn commands(&self, findings: &[Diagnostic]) -> String {
        let mut text = String::new();
        let mut left = 0;
        for severity in [Severity::Error, Severity::Warning] {
            let of_severity: BTreeSet<&Diagnostic> =
                findings.iter().filter(|finding| finding.severity == severity).collect();
            left += of_severity.len().saturating_sub(self.most);
            let shown = of_severity.into_iter().take(self.most);
            text.extend(shown.map(|finding| (self.annotation)(&Annotation::new(finding))));
        }
        if left > 0 {
            text.push_str(&format!("{left} more findings are not shown beside their lines\n"));
        }
        text
    }
}

impl Annotation {
    fn new(finding: &Diagnostic) -> Self {
        let mut message = safe(&finding.message);
        if let Some(help) = &finding.help {
            message.push_str(&format!(" ({})", safe(help)));
        }
        let mut annotation = Self {
            is_error: finding.severity == Severity::Error,
            title: format!("knockon {}", safe(&finding.code)),
            file: None,
            line: 0,
            column: 0,
            message,
        };
        if let Some(place) = &finding.place {
            let name = place.file.to_string();
            if name.as_bytes() == place.file.as_bytes() {
                (annotation.line, annotation.column) = (place.line, place.column);
                annotation.file = Some(name);
            } else {
                // The name is none that the engine would find.
                annotation.message = format!("{name}:{}: {}", place.line, annotation.message);
            }
        }
        annotation
    }
}

fn safe(text: &str) -> String {
    // Azure and GitHub's older form would read a command in the midst of a line.
    harmless(text).to_string().replace("##", "#\\u{23}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ci::engine;
    use crate::diagnostic::Place;
    use crate::path::RepoPath;

    fn finding(file: &[u8], message: &str) -> Diagnostic {
        let file = RepoPath::from_git(file).unwrap();
        Diagnostic::warning("a-code", message).at_place(Place { file, line: 3, column: 2, text: String::new() })
    }

    fn commands(name: &str, findings: &[Diagnostic]) -> String {
        engine(name).unwrap().feedback.unwrap().commands(findings)
    }

    #[test]
    fn findings_are_commands_with_their_places() {
        let findings = [finding(b"a/b.toml", "is missing").help("write it"), Diagnostic::error("bad", "100 % wrong")];
        assert_eq!(
            commands("github", &findings),
            "::error title=knockon bad::100 %25 wrong\n\
            ::warning title=knockon a-code,file=a/b.toml,line=3,col=2::is missing (write it)\n"
        );
        assert_eq!(
            commands("azure", &findings),
            "##vso[task.logissue type=error;code=knockon bad]100 %AZP25 wrong\n\
            ##vso[task.logissue type=warning;code=knockon a-code;sourcepath=a/b.toml;linenumber=3;columnnumber=2]is \
            missing (write it)\n"
        );
    }

    #[test]
    fn case_16_a_finding_is_one_command_whatever_it_says() {
        let findings = [
            finding(b"a,line=9::x;y]z%0A.toml", "x\r\n::add-mask::x ##vso[task.y]z %0A\u{1b}[2J"),
            finding(b"a\n::error::b\xff", "\n##[error]c"),
        ];
        insta::assert_snapshot!(commands("github", &findings) + &commands("azure", &findings), @r"
        ::warning title=knockon a-code::a\n::error::b\xff:3: \n#\u{23}[error]c
        ::warning title=knockon a-code,file=a%2Cline=9%3A%3Ax;y]z%250A.toml,line=3,col=2::x\r\n::add-mask::x #\u{23}vso[task.y]z %250A\u{1b}[2J
        ##vso[task.logissue type=warning;code=knockon a-code]a\n::error::b\xff:3: \n#\u{23}[error]c
        ##vso[task.logissue type=warning;code=knockon a-code;sourcepath=a,line=9::x%3By%5Dz%AZP250A.toml;linenumber=3;columnnumber=2]x\r\n::add-mask::x #\u{23}vso[task.y]z %AZP250A\u{1b}[2J
        ");
    }

    #[test]
    fn no_more_are_shown_than_an_engine_shows_and_the_others_are_counted() {
        let mut findings: Vec<Diagnostic> = (0..30).map(|at| finding(b"a", &format!("number {at:02}"))).collect();
        findings.extend((0..11).map(|at| Diagnostic::error("bad", format!("error {at}"))));
        findings.push(finding(b"a", "number 00"));
        findings.push(Diagnostic::note("a-note", "nothing"));
        let text = commands("github", &findings);
        assert_eq!(text.matches("::warning title").count(), 10);
        assert_eq!(text.matches("::error title").count(), 10);
        assert!(text.ends_with("\n21 more findings are not shown beside their lines\n") && !text.contains("nothing"));
        assert_eq!(commands("azure", &[]), "");
    }
}
