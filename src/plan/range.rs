//! Which trees a plan compares, and why these.

use std::fmt;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::path::steers_text;

/// One of the two trees that were compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TreeName {
    /// What kind of tree it is.
    pub kind: TreeKind,
    /// The commit; for the index and the work tree the commit that is checked out. None for the empty tree.
    pub commit: Option<String>,
    /// What was asked for, as it was written; none where it was decided.
    pub revision: Option<String>,
}

impl TreeName {
    /// The tree without anything in it.
    pub fn empty() -> Self {
        Self { kind: TreeKind::Empty, commit: None, revision: None }
    }
}

/// What kind of tree was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TreeKind {
    /// A commit.
    Commit,
    /// What is staged.
    Index,
    /// What is on disk, untracked files too.
    WorkTree,
    /// Nothing: everything is new.
    Empty,
}

/// Which trees are compared, and why these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Decision {
    /// The base; with several merge bases the first, and `bases` has all.
    pub base: TreeName,
    /// Every base whose changes count, if there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bases: Vec<TreeName>,
    /// The head.
    pub head: TreeName,
    /// Why these, in a sentence.
    pub decision: String,
    /// What was tried for a base, in this order; empty where a base was named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// The command that fetches what is missing for a better base, if anything is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fetch: Option<FetchCommand>,
}

impl Decision {
    /// A decision without steps.
    pub fn new(base: TreeName, head: TreeName, decision: impl Into<String>) -> Self {
        Self { base, bases: Vec::new(), head, decision: decision.into(), steps: Vec::new(), fetch: None }
    }
}

/// A base that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Step {
    /// What was tried.
    pub candidate: String,
    /// The variable, field, file or setting that names it.
    pub said_by: String,
    /// Whether it was taken; else it was passed by.
    pub taken: bool,
    /// Why.
    pub why: String,
}

/// A command that fetches history which a clone lacks. What is cheapest stands first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[schemars(with = "String")]
pub enum FetchCommand {
    /// The parents of a commit at which a shallow clone is cut.
    Parents {
        /// The commit.
        commit: String,
    },
    /// One commit.
    Commit {
        /// The commit.
        commit: String,
        /// Whether the clone is shallow: then its history is not asked for.
        shallow: bool,
    },
    /// A branch as it is now.
    Branch {
        /// Its short name.
        branch: String,
    },
    /// More history of a shallow clone.
    History {
        /// The branch whose history matters, too.
        branch: Option<String>,
        /// The commit that is planned.
        head: String,
        /// How many commits more; none: all.
        commits: Option<u32>,
    },
}

impl FetchCommand {
    /// The arguments that git is started with.
    pub fn arguments(&self) -> Vec<String> {
        let refspec = |branch: &str| format!("+refs/heads/{branch}:refs/remotes/origin/{branch}");
        let (depth, what) = match self {
            FetchCommand::Parents { commit } => (Some("--deepen=1".to_owned()), vec![commit.clone()]),
            FetchCommand::Commit { commit, shallow } => (shallow.then(|| "--depth=1".to_owned()), vec![commit.clone()]),
            FetchCommand::Branch { branch } => (None, vec![refspec(branch)]),
            FetchCommand::History { branch, head, commits } => {
                let depth = commits.map_or("--unshallow".to_owned(), |commits| format!("--deepen={commits}"));
                (Some(depth), branch.iter().map(|branch| refspec(branch)).chain([head.clone()]).collect())
            }
        };
        let first = ["fetch", "--no-tags"].map(str::to_owned);
        first.into_iter().chain(depth).chain(["origin".to_owned()]).chain(what).collect()
    }
}

/// The command for a shell, each word of which a shell takes as it is.
impl fmt::Display for FetchCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("git")?;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./+:=@,".contains(c);
        for word in self.arguments() {
            if word.chars().all(is_plain) {
                write!(f, " {word}")?;
            } else if word.contains(steers_text) {
                // What would steer a terminal is written as bash and its kin read it.
                let escaped = |c: char| if steers_text(c) { format!("\\u{:04x}", c as u32) } else { c.to_string() };
                let word: String = word.replace('\'', r"\'").chars().map(escaped).collect();
                write!(f, " $'{word}'")?;
            } else {
                write!(f, " '{}'", word.replace('\'', r"'\''"))?;
            }
        }
        Ok(())
    }
}

impl Serialize for FetchCommand {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_41_a_command_is_safe_in_a_shell() {
        let branch = |name: &str| FetchCommand::Branch { branch: name.to_owned() }.to_string();
        assert_eq!(branch("main"), "git fetch --no-tags origin +refs/heads/main:refs/remotes/origin/main");
        assert_eq!(
            branch("a$(id)'b"),
            r"git fetch --no-tags origin '+refs/heads/a$(id)'\''b:refs/remotes/origin/a$(id)'\''b'"
        );
        assert!(branch("\u{202e}'a").contains(r"$'+refs/heads/\u202e\'a:"), "{}", branch("\u{202e}'a"));
    }

    #[test]
    fn what_is_cheap_stands_first() {
        let head = || "1".repeat(40);
        let history = |commits| FetchCommand::History { branch: None, head: head(), commits };
        let mut all = [
            history(Some(64)),
            FetchCommand::Branch { branch: "main".to_owned() },
            FetchCommand::Commit { commit: head(), shallow: true },
            FetchCommand::Parents { commit: head() },
        ];
        all.sort();
        let told: Vec<String> = all.iter().map(|fetch| fetch.arguments()[2].clone()).collect();
        assert_eq!(told, ["--deepen=1", "--depth=1", "origin", "--deepen=64"]);
        assert_eq!(history(None).arguments()[2], "--unshallow");
    }
}
