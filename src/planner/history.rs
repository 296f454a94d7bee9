//! Replays history: what would have been planned for each commit, counted, and on request held against its definition.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::range::{Opened, Range, commit_name};
use super::{Answer, Planner, PlannerError};
use crate::affect::Difference;
use crate::config::{self, Configuration};
use crate::discover::{FactsMemo, SurveyMemo, discover};
use crate::fingerprint::{Fingerprint, OwnDigests, fingerprints};
use crate::git::{Commit, CommitId, GitError};
use crate::path::RepoPath;
use crate::plan::{Decision, TreeName};
use crate::tree::{Tree, TreeId, changes};
use crate::workspace::{ProjectId, TaskId, assemble};

/// Commits from the newest on along first parents, each planned against its first parent.
pub struct Replay<'a> {
    planner: &'a Planner,
    verify: bool,
    next: Option<Commit>,
    cut: Option<CommitId>,
    in_full: Option<(TreeId, Fingerprints)>,
}

type Fingerprints = BTreeMap<TaskId, Fingerprint>;

/// One commit.
pub struct Replayed {
    /// The commit.
    pub commit: CommitId,
    /// Its first parent; none for a first commit, which is compared with the empty tree.
    pub parent: Option<CommitId>,
    /// The first line of its message, in whatever encoding.
    pub subject: Vec<u8>,
    /// How many files it changes.
    pub changed: usize,
    /// What was planned; or why nothing could be, where the configuration of that time forbids it.
    pub planned: Result<Planned, String>,
}

/// What was planned for a commit.
pub struct Planned {
    /// The answer about it.
    pub answer: Answer,
    /// Affected projects.
    pub projects: Share,
    /// Affected tasks.
    pub tasks: Share,
    /// The reasons of doubts that widened the plan.
    pub widened: BTreeSet<String>,
    /// Tasks that are affected, and not only by a doubt, although no file of their project's own folders changed.
    pub filter_misses: Vec<TaskId>,
    /// Where the answer is not what fingerprints of both trees say; empty where that was not asked for.
    pub differences: Vec<Difference>,
}

/// How many of how many.
pub struct Share {
    /// How many are affected.
    pub affected: usize,
    /// How many there are.
    pub all: usize,
}

impl Planner {
    /// Replays history from a revision on, newest first. With `verify` each answer is held against the fingerprints of
    /// every task in both trees.
    pub fn replay(&self, revision: &str, verify: bool) -> Result<(TreeName, Replay<'_>), PlannerError> {
        let head = self.repository.resolve(revision)?;
        let replay = Replay { planner: self, verify, next: Some(head), cut: None, in_full: None };
        Ok((commit_name(&head, Some(revision)), replay))
    }

    /// The fingerprints of all tasks of a tree, worked out from the tree alone: nothing is shared with other answers.
    /// None where its configuration cannot be read and no other is given to be used.
    fn fingerprints_in_full(
        &self,
        tree: &dyn Tree,
        otherwise: Option<&Configuration>,
    ) -> Result<Option<Fingerprints>, PlannerError> {
        let linked = discover(tree, &SurveyMemo::default(), &FactsMemo::default())?;
        let configuration = config::read_all(&linked.configurations).0;
        let Some(configuration) = configuration.as_ref().or(otherwise) else { return Ok(None) };
        let workspace = assemble(tree, linked, configuration)?;
        let all = workspace.task_indices().collect();
        let prints = fingerprints(&workspace, tree, &self.environment, &all, &OwnDigests::default())?;
        Ok(Some(prints.tasks.into_iter().map(|(task, print)| (workspace.task_id(task), print)).collect()))
    }
}

impl Iterator for Replay<'_> {
    type Item = Result<Replayed, PlannerError>;

    fn next(&mut self) -> Option<Self::Item> {
        let commit = self.next.take()?;
        self.step(commit).transpose()
    }
}

impl Replay<'_> {
    /// The commit at which a shallow clone cuts the history, once that is reached. It is not replayed.
    pub fn cut(&self) -> Option<CommitId> {
        self.cut
    }

    fn step(&mut self, commit: Commit) -> Result<Option<Replayed>, PlannerError> {
        let repository = &self.planner.repository;
        let parents = match repository.parents(commit.id) {
            Err(GitError::CutHistory { .. }) => {
                self.cut = Some(commit.id);
                return Ok(None);
            }
            parents => parents?,
        };
        let parent = parents.first().map(|id| repository.resolve(&id.to_string())).transpose()?;
        self.next = parent;
        let tree = repository.commit_tree(&commit);
        let base = match &parent {
            Some(parent) => repository.commit_tree(parent),
            None => repository.empty_tree()?,
        };
        Ok(Some(Replayed {
            commit: commit.id,
            parent: parent.map(|parent| parent.id),
            subject: repository.subject(commit.id)?,
            changed: changes(&*base, &*tree)?.len(),
            planned: match self.plan(&commit, parent.as_ref(), tree, base) {
                Ok(planned) => Ok(planned),
                Err(error @ (PlannerError::Configuration(_) | PlannerError::Unowned { .. })) => Err(error.to_string()),
                Err(error) => return Err(error),
            },
        }))
    }

    fn plan(
        &mut self,
        commit: &Commit,
        parent: Option<&Commit>,
        tree: Arc<dyn Tree>,
        base: Arc<dyn Tree>,
    ) -> Result<Planned, PlannerError> {
        let name = commit_name(commit, None);
        let (head, diagnostics) =
            self.planner.understand(Opened { name: name.clone(), tree: Arc::clone(&tree), notes: Vec::new() })?;
        let compared = parent.map_or_else(TreeName::empty, |parent| commit_name(parent, None));
        let decision = Decision::new(compared, name, "a commit and its first parent");
        let range = Range { decision, bases: vec![Arc::clone(&base)], doubts: Vec::new(), lacking: Vec::new() };
        let answer = self.planner.compare(head, diagnostics, range, None)?;
        let differences = if self.verify { self.differences(&answer, &*base)? } else { Vec::new() };
        Ok(counted(answer, differences))
    }

    /// Where an answer is not what its definition says. The base is the head of the commit that comes next, so its
    /// fingerprints are kept until then.
    fn differences(&mut self, answer: &Answer, base: &dyn Tree) -> Result<Vec<Difference>, PlannerError> {
        let head = &answer.head;
        let after = match self.in_full.take() {
            Some((root, known)) if root == head.tree.root() => known,
            _ => self.planner.fingerprints_in_full(&*head.tree, Some(head.configuration()))?.unwrap_or_default(),
        };
        let before = match self.planner.fingerprints_in_full(base, None)? {
            Some(before) => {
                let (_, before) = self.in_full.insert((base.root(), before));
                &*before
            }
            // What such a configuration said is not known; the answer takes it for that of the head, and says so.
            None => &self.planner.fingerprints_in_full(base, Some(head.configuration()))?.unwrap_or_default(),
        };
        Ok(answer.affected.differences(head.workspace(), before, &after))
    }
}

fn counted(answer: Answer, differences: Vec<Difference>) -> Planned {
    let (workspace, affected) = (answer.head.workspace(), &answer.affected);
    let projects: BTreeSet<u32> = affected.tasks().map(|task| workspace.project_index(task)).collect();
    let changed: BTreeSet<&RepoPath> = answer.changes.iter().map(|change| &change.path).collect();
    let mut touched: BTreeMap<ProjectId, bool> = BTreeMap::new();
    let certain: Vec<TaskId> = affected.certain(workspace).into_iter().map(|task| workspace.task_id(task)).collect();
    for task in &certain {
        touched.entry(task.project.clone()).or_insert_with(|| {
            let joined = workspace.project(&task.project).into_iter().flat_map(|project| &project.joined);
            let folders: Vec<&RepoPath> = std::iter::once(&task.project.0).chain(joined.map(|(at, _)| at)).collect();
            changed.iter().any(|path| folders.iter().any(|folder| path.is_within(folder)))
        });
    }
    let missed = certain.into_iter().filter(|task| touched.get(&task.project) == Some(&false));
    Planned {
        projects: Share { affected: projects.len(), all: workspace.project_count() },
        tasks: Share { affected: affected.tasks().count(), all: workspace.task_indices().len() },
        widened: affected.widened.iter().map(|doubt| doubt.reason.clone()).collect(),
        filter_misses: missed.collect(),
        differences,
        answer,
    }
}
