//! Which trees are compared, decided and explained. When in doubt the answer is wider, and says why.

mod event;

use std::sync::Arc;

use super::{PlannerError, View};
use crate::config::UnownedPolicy;
use crate::diagnostic::Diagnostic;
use crate::git::{Commit, GitError, MergeBases, Repository};
use crate::plan::{Decision, Event, FetchCommand, TreeKind, TreeName, is_whole_id, is_zeros};
use crate::tree::Tree;
use crate::workspace::{Doubt, Scope};

/// Which tree is looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum HeadChoice {
    /// A revision.
    Revision(String),
    /// What is staged.
    Staged,
    /// What is on disk; in a bare repository, where nothing is, the commit that `HEAD` names.
    #[default]
    WorkTree,
}

/// Which trees are compared, as it was asked for.
#[derive(Debug, Clone, Default)]
pub struct RangeChoice {
    /// The base, if one was named.
    pub base: Option<String>,
    /// The head.
    pub head: HeadChoice,
    /// What a changed file means that nobody owns or reads, if that was said.
    pub unowned: Option<UnownedPolicy>,
    /// Whether a CI engine asks: there, a base that is guessed could hide what was pushed.
    pub in_ci: bool,
    /// What the run is about whose base is asked for, if no base was named.
    pub event: Option<Event>,
    /// How many commits more are to be fetched where history is lacking; none: all.
    pub deepen_by: Option<u32>,
}

/// A head that was opened.
pub(super) struct Opened {
    pub(super) name: TreeName,
    pub(super) tree: Arc<dyn Tree>,
    pub(super) notes: Vec<Diagnostic>,
}

/// The range that was decided on.
pub(super) struct Range {
    pub(super) decision: Decision,
    pub(super) bases: Vec<Arc<dyn Tree>>,
    pub(super) doubts: Vec<Doubt>,
    /// What would have to be fetched for a base, the cheapest first.
    pub(super) lacking: Vec<FetchCommand>,
}

impl Range {
    /// The range of which it is known what would have to be fetched for a better one.
    fn lacking(mut self, commands: impl IntoIterator<Item = FetchCommand>) -> Self {
        self.lacking = commands.into_iter().collect();
        self.lacking.sort();
        self.lacking.dedup();
        self.decision.fetch = self.lacking.first().cloned();
        self
    }

    /// Each base with its name.
    pub(super) fn named_bases(&self) -> impl Iterator<Item = (&TreeName, &Arc<dyn Tree>)> {
        let names = if self.decision.bases.is_empty() {
            std::slice::from_ref(&self.decision.base)
        } else {
            &self.decision.bases
        };
        names.iter().zip(&self.bases)
    }
}

pub(super) fn open_head(repository: &Repository, choice: &HeadChoice) -> Result<Opened, PlannerError> {
    let checked_out = || Ok::<_, GitError>(repository.head()?.map(|commit| commit.id.to_string()));
    let opened = match choice {
        HeadChoice::Revision(revision) => {
            let commit = repository.resolve(revision)?;
            Opened {
                name: commit_name(&commit, Some(revision)),
                tree: repository.commit_tree(&commit),
                notes: Vec::new(),
            }
        }
        HeadChoice::Staged => {
            let view = repository.index_tree()?;
            let name = TreeName { kind: TreeKind::Index, commit: checked_out()?, revision: None };
            Opened { name, tree: view.tree, notes: view.notes }
        }
        HeadChoice::WorkTree => {
            let view = repository.worktree_tree()?;
            let name = TreeName { kind: TreeKind::WorkTree, commit: checked_out()?, revision: None };
            Opened { name, tree: view.tree, notes: view.notes }
        }
    };
    Ok(opened)
}

pub(super) fn commit_name(commit: &Commit, revision: Option<&str>) -> TreeName {
    TreeName { kind: TreeKind::Commit, commit: Some(commit.id.to_string()), revision: revision.map(str::to_owned) }
}

pub(super) fn choose(
    repository: &Repository,
    choice: &RangeChoice,
    head: &View,
    default_branch: Option<&str>,
) -> Result<Range, PlannerError> {
    let head_commit = match head.name.commit.as_deref() {
        Some(id) => Some(repository.resolve(id)?),
        None => None,
    };
    let chooser = Chooser { repository, head, head_commit, deepen_by: choice.deepen_by };
    if let Some(event) = choice.event.as_ref().filter(|_| choice.base.is_none()) {
        return chooser.since_event(event, default_branch);
    }
    match choice.base.as_deref() {
        Some(base) if is_zeros(base) => {
            let why = "the base is all zeros: the branch is new";
            chooser.since_default_branch(default_branch, why, true)
        }
        Some(base) => chooser.since_named(base),
        None if choice.head == HeadChoice::Staged => chooser.since_last_commit(),
        None => chooser.since_default_branch(default_branch, "no base was given", choice.in_ci),
    }
}

struct Chooser<'a> {
    repository: &'a Repository,
    head: &'a View,
    head_commit: Option<Commit>,
    deepen_by: Option<u32>,
}

impl Chooser<'_> {
    fn since_last_commit(&self) -> Result<Range, PlannerError> {
        match &self.head_commit {
            Some(commit) => {
                let reason = "what is staged, compared with the last commit".to_owned();
                Ok(self.range(vec![*commit], None, reason, Vec::new()))
            }
            None => self.everything("no-commit", "there is no commit yet: everything is new"),
        }
    }

    fn since_named(&self, base: &str) -> Result<Range, PlannerError> {
        let commit = match self.repository.resolve(base) {
            Ok(commit) => commit,
            // A whole id that is not here was rewritten or never fetched; it is no slip of the pen.
            Err(GitError::UnknownRevision { .. } | GitError::MissingObject { .. }) if is_whole_id(base) => {
                let detail = format!(
                    "the base {base} is not in this clone: it was rewritten, or the history is cut; `git fetch origin {base}` may bring it"
                );
                let commit = FetchCommand::Commit { commit: base.to_owned(), shallow: self.repository.is_shallow() };
                return Ok(self.everything("missing-base", &detail)?.lacking([commit]));
            }
            Err(error) => return Err(error.into()),
        };
        let Some(head) = &self.head_commit else {
            return Ok(self.range(vec![commit], Some(base), format!("{base}, as given"), Vec::new()));
        };
        self.since_merge_bases(&commit, head, base)
    }

    fn since_default_branch(&self, configured: Option<&str>, why: &str, in_ci: bool) -> Result<Range, PlannerError> {
        let Some(head) = &self.head_commit else {
            return self.everything("no-commit", "there is no commit yet: everything is new");
        };
        let Some(branch) = self.repository.default_branch(configured)? else {
            let detail = format!("{why}, and no default branch is known; name it with --base or in knockon.toml");
            return self.everything("no-base", &detail);
        };
        if in_ci && branch.commit.id == head.id {
            let detail =
                format!("{why}, and the head is {} itself: what was pushed cannot be told; give --base", branch.name);
            return self.everything("no-base", &detail);
        }
        let mut range = self.since_merge_bases(&branch.commit, head, &branch.name)?;
        range.decision.decision = format!("{why}: {} ({})", range.decision.decision, branch.reason);
        Ok(range)
    }

    /// Compares with all best common ancestors; with the named commit itself where the head lies behind it.
    fn since_merge_bases(&self, named: &Commit, head: &Commit, name: &str) -> Result<Range, PlannerError> {
        match self.repository.merge_bases(named.id, head.id)? {
            MergeBases::Proved(bases) if bases == [head.id] && named.id != head.id => {
                let reason = format!("{name} is ahead of the head, and compared as it is");
                Ok(self.range(vec![*named], Some(name), reason, Vec::new()))
            }
            MergeBases::Proved(bases) => {
                let commits =
                    bases.iter().map(|id| self.repository.resolve(&id.to_string())).collect::<Result<Vec<_>, _>>()?;
                let reason = match &bases[..] {
                    [base] if *base == named.id => format!("{name}, which the head descends from"),
                    [_] => format!("the merge base of {name} and the head"),
                    _ => format!(
                        "{} merge bases of {name} and the head; what differs from any of them counts",
                        bases.len()
                    ),
                };
                let revision = (bases == [named.id]).then_some(name);
                Ok(self.range(commits, revision, reason, Vec::new()))
            }
            MergeBases::Unproved { candidates, reason } => {
                let doubt = Doubt { reason: "shallow".to_owned(), detail: reason.clone(), scope: Scope::All };
                let base = candidates.first().and_then(|id| self.repository.resolve(&id.to_string()).ok());
                let base = base.unwrap_or(*named);
                let range = self.range(vec![base], None, format!("no merge base can be proved: {reason}"), vec![doubt]);
                Ok(range.lacking(self.more_history(name)))
            }
            MergeBases::None { reason } => {
                let doubt = Doubt { reason: "no-merge-base".to_owned(), detail: reason.clone(), scope: Scope::All };
                Ok(self.range(vec![*named], Some(name), reason, vec![doubt]).lacking(self.more_history(name)))
            }
        }
    }

    /// The command for more history of the head and of what it is compared with, if the clone is shallow.
    fn more_history(&self, name: &str) -> Option<FetchCommand> {
        let head = self.head_commit.filter(|_| self.repository.is_shallow())?.id.to_string();
        let branch = name.strip_prefix("origin/").map(str::to_owned);
        Some(FetchCommand::History { branch, head, commits: self.deepen_by })
    }

    fn everything(&self, reason: &str, detail: &str) -> Result<Range, PlannerError> {
        let doubt = Doubt { reason: reason.to_owned(), detail: detail.to_owned(), scope: Scope::All };
        let decision = Decision::new(TreeName::empty(), self.head.name.clone(), detail);
        let bases = vec![self.repository.empty_tree()?];
        Ok(Range { decision, bases, doubts: vec![doubt], lacking: Vec::new() })
    }

    fn range(&self, bases: Vec<Commit>, revision: Option<&str>, reason: String, doubts: Vec<Doubt>) -> Range {
        let names: Vec<TreeName> = bases.iter().map(|commit| commit_name(commit, revision)).collect();
        let base = names.first().cloned().unwrap_or(TreeName::empty());
        let mut decision = Decision::new(base, self.head.name.clone(), reason);
        if names.len() > 1 {
            decision.bases = names;
        }
        let bases = bases.iter().map(|commit| self.repository.commit_tree(commit)).collect();
        Range { decision, bases, doubts, lacking: Vec::new() }
    }
}
