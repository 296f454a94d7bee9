//! What can go wrong between knockon and a repository, each with its mend.

use std::path::PathBuf;

use super::CommitId;
use crate::path::RepoPath;
use crate::tree::{ObjectId, TreeError};

/// Why git's data could not be read. Messages are fragments that follow "cannot …: ".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// No repository at or above the folder.
    #[error("`{}` is not inside a git repository; run `git init`, or change to a folder of the repository", .0.display())]
    NotARepository(PathBuf),
    /// The repository belongs to another user, and git would refuse it too.
    #[error(
        "the repository `{}` belongs to another user; if you trust it, run `git config --global --add safe.directory {}`",
        .0.display(),
        quote(.0)
    )]
    Foreign(PathBuf),
    /// The repository has no work tree, hence no index and no files on disk to look at.
    #[error("the repository `{}` is bare, so there is no work tree and no index; name commits: `--head`, and `--base` where two are compared", .0.display())]
    Bare(PathBuf),
    /// Nothing has been committed yet.
    #[error("the repository has no commit yet; commit something, or compare with the empty tree")]
    UnbornHead,
    /// No reference and no object has the name.
    #[error("`{revision}` is not a known revision{}", near_names(.near))]
    UnknownRevision {
        /// What was asked for.
        revision: String,
        /// Names of references that are spelt much alike.
        near: Vec<String>,
    },
    /// The text is no name of a single commit.
    #[error("`{revision}` cannot be used as a revision: {reason}")]
    RefusedRevision {
        /// What was asked for.
        revision: String,
        /// Why, and what to write instead.
        reason: String,
    },
    /// The text names more than one thing.
    #[error("`{revision}` is ambiguous: it could be {}; write one of them in full", .meanings.join(" or "))]
    AmbiguousRevision {
        /// What was asked for.
        revision: String,
        /// Each thing it could be.
        meanings: Vec<String>,
    },
    /// The parent that was asked for lies beyond the end of a shallow clone's history.
    #[error(
        "`{revision}` lies beyond the shallow clone's history, which is cut at {commit}; run `git fetch --unshallow`"
    )]
    CutHistory {
        /// What was asked for.
        revision: String,
        /// The last commit that is here.
        commit: CommitId,
    },
    /// An object is not in the object store.
    #[error("object {id} is missing; {mend}")]
    MissingObject {
        /// Its id.
        id: ObjectId,
        /// What to run.
        mend: String,
    },
    /// An object or a reference is there and cannot be used.
    #[error("{what} is corrupt: {reason}; run `git fsck`")]
    Corrupt {
        /// The object, reference or file.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The index holds unresolved conflicts, so that nobody can say what would be committed.
    #[error("the index has unresolved conflicts in {}; resolve them and `git add` the files", listed(.0))]
    Conflicts(Vec<RepoPath>),
    /// A repository that only the git binary can read, and no git binary.
    #[error("the repository uses {shape}, which needs git itself, and there is no `git` on the PATH; install git")]
    NoGitBinary {
        /// What cannot be read in process.
        shape: String,
    },
    /// The git binary failed.
    #[error("`git {command}` failed: {reason}")]
    Plumbing {
        /// The plumbing command.
        command: String,
        /// What it said.
        reason: String,
    },
    /// A file of the repository or of the work tree could not be read.
    #[error("`{}` cannot be read: {reason}", .path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        reason: String,
    },
    /// A tree could not be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// Whatever else libgit2 reports.
    #[error("git's data cannot be read: {0}")]
    Library(String),
}

impl GitError {
    pub(super) fn unreadable(path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::Unreadable { path: path.to_owned(), reason: error.to_string() }
    }

    pub(super) fn corrupt(what: impl ToString, reason: impl ToString) -> Self {
        Self::Corrupt { what: what.to_string(), reason: reason.to_string() }
    }
}

impl From<git2::Error> for GitError {
    fn from(error: git2::Error) -> Self {
        Self::Library(error.message().to_owned())
    }
}

fn near_names(near: &[String]) -> String {
    match near {
        [] => "; `git fetch` may bring it".to_owned(),
        _ => format!("; did you mean `{}`?", near.join("`, `")),
    }
}

fn listed(paths: &[RepoPath]) -> String {
    const SHOWN: usize = 3;
    let mut text: Vec<String> = paths.iter().take(SHOWN).map(|path| format!("`{path}`")).collect();
    if paths.len() > SHOWN {
        text.push(format!("{} more", paths.len() - SHOWN));
    }
    text.join(", ")
}

/// As a shell reads it, so that the line can be copied.
fn quote(path: &std::path::Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
