//! What a CI engine says of its run, and which bases that offers. Nothing here is believed: the planner holds each
//! candidate against the repository, and takes or passes it by.

use std::fmt;

use crate::config::{EventKind, RefName};

/// What a run of a CI engine is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The engine, as people call it; none where no engine speaks.
    pub provider: Option<String>,
    /// What it runs for.
    pub kind: EventKind,
    /// The branch or tag that it runs for; of a pull request and a merge group, the branch to be merged.
    pub at: Option<RefName>,
    /// The branch that a pull request or merge group is to be merged into, by its short name.
    pub target: Option<String>,
    /// The branch that others are merged into, and who says so.
    pub default_branch: Option<Said>,
    /// The commit that it runs for, and who says so.
    pub head: Option<Said>,
    /// The bases to be tried, in this order. After the last one everything is planned.
    pub candidates: Vec<Candidate>,
}

/// A text, and the variable or field that says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The text.
    pub text: String,
    /// Who says it.
    pub by: String,
}

impl Said {
    /// A text that somebody says.
    pub fn new(text: impl Into<String>, by: impl Into<String>) -> Self {
        Self { text: text.into(), by: by.into() }
    }
}

/// A base to be tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Candidate {
    /// The commit that the branch was at before a push.
    Before(Said),
    /// A commit that was built without a fault.
    LastGreen(Said),
    /// The merge base with the branch that a request is to be merged into. The commit that the engine takes for that
    /// branch tells whether the branch is stale here; it is not believed where it says something else.
    Target {
        /// The branch.
        branch: Said,
        /// Where the engine says the branch is, or where it says that the request forked off.
        tip: Option<Said>,
    },
    /// The first parent of the merge that an engine made to try a request; its second one is the request's head.
    MergedInto {
        /// The request's head.
        request: Said,
    },
    /// The merge base with a commit that the engine takes for the target branch.
    TargetCommit(Said),
    /// The merge base with the default branch.
    DefaultBranch,
    /// One that is not to be used, and why.
    Refused {
        /// What it is.
        what: Said,
        /// Why it is not used.
        why: String,
    },
}

/// The beginning of a sentence about the run; nothing where no engine speaks.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(provider) = &self.provider else { return Ok(()) };
        let mut told = format!("{provider}, {}", self.kind);
        let names =
            self.at.iter().map(|at| format!(" of {at}")).chain(self.target.iter().map(|to| format!(" into {to}")));
        // A name out of an environment may hold anything.
        names.for_each(|name| told.push_str(&crate::path::harmless(&name).to_string()));
        write!(f, "{told}: ")
    }
}

impl Event {
    /// An event of an engine, of which nothing else is known.
    pub fn new(provider: &str, kind: EventKind) -> Self {
        let provider = Some(provider.to_owned());
        Self { provider, kind, at: None, target: None, default_branch: None, head: None, candidates: Vec::new() }
    }

    /// The branch or tag that pipelines are selected by: where a request is to be merged into, else what is run.
    pub fn selecting(&self) -> Option<RefName> {
        match self.kind {
            EventKind::PullRequest | EventKind::MergeGroup => self.target.clone().map(RefName::Branch),
            _ => self.at.clone(),
        }
    }
}

/// The id that CI engines give for "there was nothing before".
pub fn is_zeros(revision: &str) -> bool {
    matches!(revision.len(), 40 | 64) && revision.bytes().all(|byte| byte == b'0')
}

/// Whether a text is a whole id of a commit, and no abbreviation or name.
pub fn is_whole_id(revision: &str) -> bool {
    matches!(revision.len(), 40 | 64) && revision.bytes().all(|byte| byte.is_ascii_hexdigit())
}
