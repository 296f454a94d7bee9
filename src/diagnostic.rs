//! What a user can cure: a message at a place in a file, with the mend.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::path::RepoPath;

/// How much a [`Diagnostic`] weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Nothing can be answered until it is cured.
    Error,
    /// The answer stands, wider than it had to be or with something left aside.
    Warning,
    /// Worth knowing.
    Note,
}

/// A line of a file that says something: the proof of an edge, an input or a finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// The file.
    pub file: RepoPath,
    /// The line, counted from 1; 0 where the file as a whole is the evidence.
    pub line: u32,
    /// The text of the line, without white space around it.
    pub text: Arc<str>,
}

/// A line has one text.
impl Hash for Evidence {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.file.hash(state);
        self.line.hash(state);
    }
}

impl Evidence {
    /// Evidence at a line of a file.
    pub fn new(file: &RepoPath, line: u32, text: impl Into<Arc<str>>) -> Self {
        Self { file: file.clone(), line, text: text.into() }
    }
}

/// One finding, with where it was found and what to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Diagnostic {
    /// How much it weighs.
    pub severity: Severity,
    /// A stable name, such as `dangling-reference`.
    pub code: String,
    /// What is the matter, in a sentence without a full stop.
    pub message: String,
    /// Where it was found.
    pub place: Option<Place>,
    /// What to write or do instead.
    pub help: Option<String>,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// The file.
    pub file: RepoPath,
    /// The line, counted from 1; 0 where the file as a whole is meant.
    pub line: u32,
    /// The column in characters, counted from 1; 0 where the line as a whole is meant.
    pub column: u32,
    /// The text of the line, empty where it is not known.
    pub text: String,
}

impl Diagnostic {
    /// A warning; add a place and a mend with [`Diagnostic::at`] and [`Diagnostic::help`].
    pub fn warning(code: &str, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message)
    }

    /// An error.
    pub fn error(code: &str, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    /// A note.
    pub fn note(code: &str, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, code, message)
    }

    fn new(severity: Severity, code: &str, message: impl Into<String>) -> Self {
        Self { severity, code: code.to_owned(), message: message.into(), place: None, help: None }
    }

    /// The same finding at the line that `evidence` names.
    pub fn at(mut self, evidence: &Evidence) -> Self {
        self.place = Some(Place {
            file: evidence.file.clone(),
            line: evidence.line,
            column: 0,
            text: evidence.text.to_string(),
        });
        self
    }

    /// The same finding at an exact place.
    pub fn at_place(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// The same finding with its mend.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
