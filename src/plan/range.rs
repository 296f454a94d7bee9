//! Which trees a plan compares, and why these.

use schemars::JsonSchema;
use serde::Serialize;

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
}
