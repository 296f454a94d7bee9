//! The one entry that every command calls: opens the trees, hands values to the core, and returns what it answers.
//! What `plan` prints is what `explain` explains, because both ask here.

mod digests;
mod facts;
mod history;
mod range;
mod recall;
mod staged;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub use history::{Planned, Replay, Replayed, Share};
pub use range::{HeadChoice, RangeChoice};

use self::range::{Opened, Range};
use self::recall::{Anchor, AnchorHead, Known, Recall};
use crate::affect::{Affected, Side, Terms, affect};
use crate::config::{self, Configuration, UnownedPolicy};
use crate::diagnostic::{Diagnostic, Severity};
use crate::discover::{self, FactsMemo, SurveyMemo};
use crate::fingerprint::{Environment, Fingerprints, fingerprints};
use crate::git::{GitError, Repository};
use crate::path::RepoPath;
use crate::plan::{
    Decision, FetchCommand, PipelineChoice, PipelineError, PipelineRequest, Plan, Selected, TreeKind, TreeName,
    choose_pipeline, members, plan, withheld,
};
use crate::store::{Item, Ledger, Memo};
use crate::tree::{Change, Node, Tree, TreeError, changes};
use crate::workspace::{Doubt, Fetch, ProjectId, Scope, TaskIndex, Workspace, assemble, near_names};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum PlannerError {
    /// Git's data could not be read, or a revision is not one.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A tree could not be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The configuration of the head has errors; the findings say where.
    #[error("the configuration has errors")]
    Configuration(Vec<Diagnostic>),
    /// No pipeline can be chosen.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// A changed file is owned and read by nobody, and the policy calls that an error.
    #[error("no project owns or reads {}, and the policy for such files is `error`", paths.join(", "))]
    Unowned {
        /// The files.
        paths: Vec<String>,
    },
}

/// What is known of one tree.
pub struct View {
    /// The tree's name.
    pub name: TreeName,
    /// The content.
    pub tree: Arc<dyn Tree>,
    known: Arc<Known>,
}

impl View {
    /// The projects.
    pub fn workspace(&self) -> &Workspace {
        &self.known.workspace
    }

    /// The configuration.
    pub fn configuration(&self) -> &Configuration {
        &self.known.configuration
    }
}

/// An answer about a range.
pub struct Answer {
    /// Which trees were compared, and why these.
    pub decision: Decision,
    /// The head.
    pub head: View,
    /// What differs. With several bases: from any of them.
    pub changes: Vec<Change>,
    /// What is affected.
    pub affected: Affected,
    /// Findings about the trees and the configuration. Those about manifests are the workspace's.
    pub diagnostics: Vec<Diagnostic>,
}

/// Answers questions about one repository.
pub struct Planner {
    repository: Repository,
    environment: Environment,
    surveys: SurveyMemo,
    facts: FactsMemo,
    has_recalled_facts: AtomicBool,
    recall: Recall,
    memo: Option<Memo>,
    /// Whether the rows of what was kept may be read when they are asked for.
    defers: bool,
}

/// The kind of item in the memo that holds an [`Anchor`].
const ANCHOR: &str = "workspace";

/// Fewer digests than this are worked out as quickly as they are kept.
const WORTH_KEEPING: usize = 64;

impl Planner {
    /// Answers about a repository. The environment holds the values of whatever variables tasks may declare.
    pub fn new(repository: Repository, environment: Environment) -> Self {
        let (surveys, facts, has_recalled_facts, recall) = Default::default();
        Self { repository, environment, surveys, facts, has_recalled_facts, recall, memo: None, defers: false }
    }

    /// Keeps what is worked out beside the git directory, and takes from there what was kept before.
    pub fn with_memo(mut self) -> Self {
        self.memo = Some(Memo::beside(self.repository.git_directory()));
        self
    }

    /// Neither keeps anything nor takes anything that was kept.
    pub fn without_memo(mut self) -> Self {
        self.memo = None;
        self
    }

    /// Where what is worked out is kept, if anywhere.
    pub fn memo(&self) -> Option<&Memo> {
        self.memo.as_ref()
    }

    /// What a change affects.
    pub fn affected(&self, choice: &RangeChoice) -> Result<Answer, PlannerError> {
        let (head, diagnostics) = self.view(&choice.head)?;
        self.affected_in(head, diagnostics, choice)
    }

    /// What a change affects in a head that was looked at already, with the findings about it.
    pub fn affected_in(
        &self,
        head: View,
        diagnostics: Vec<Diagnostic>,
        choice: &RangeChoice,
    ) -> Result<Answer, PlannerError> {
        let range = self.choose(choice, &head)?;
        let mut answer = self.compare(head, diagnostics, range, choice.unowned)?;
        if choice.head == HeadChoice::Staged {
            answer.diagnostics.extend(self.differing_on_disk(&answer));
        }
        Ok(answer)
    }

    /// An answer about a head alone: nothing is compared, and so nothing is affected.
    pub fn uncompared(&self, head: View, diagnostics: Vec<Diagnostic>, why: &str) -> Answer {
        let decision = Decision::new(TreeName::empty(), head.name.clone(), why);
        Answer { decision, head, changes: Vec::new(), affected: Affected::default(), diagnostics }
    }

    /// The pipeline that is asked for, and why it is this one.
    pub fn pipeline(&self, view: &View, request: &PipelineRequest) -> Result<PipelineChoice, PlannerError> {
        Ok(choose_pipeline(view.configuration(), view.workspace(), request)?)
    }

    /// What would have to be fetched for a base to be found, the cheapest first; nothing where there is one.
    pub fn lacking(&self, choice: &RangeChoice) -> Result<Vec<FetchCommand>, PlannerError> {
        let (head, _) = self.view(&choice.head)?;
        Ok(self.choose(choice, &head)?.lacking)
    }

    /// Fetches from where the repository was cloned. A planner that is made afterwards sees what came.
    pub fn fetch(&self, command: &FetchCommand) -> Result<(), PlannerError> {
        Ok(self.repository.fetch(&command.arguments())?)
    }

    fn choose(&self, choice: &RangeChoice, head: &View) -> Result<Range, PlannerError> {
        let settings = &head.configuration().workspace;
        let default_branch = settings.default_branch.as_ref().map(|name| name.value.as_str());
        range::choose(&self.repository, choice, head, default_branch)
    }

    /// What a change affects, and the affected projects by their folders, sorted. Of what was kept only that is read
    /// which this takes: an answer about everything does not need to know what everything is.
    pub fn affected_projects(&mut self, choice: &RangeChoice) -> Result<(Answer, Vec<ProjectId>), PlannerError> {
        self.defers = true;
        let mut answer = self.affected(choice);
        if self.recall.is_damaged() {
            // What was kept went bad between its first part and a later one.
            (self.memo, self.recall) = Default::default();
            answer = self.affected(choice);
        }
        self.defers = false;
        let answer = answer?;
        let workspace = answer.head.workspace();
        let mut projects: Vec<u32> = answer.affected.tasks().map(|task| workspace.project_index(task)).collect();
        projects.dedup();
        let projects = projects.into_iter().map(|project| workspace.project_id(project)).collect();
        Ok((answer, projects))
    }

    /// What differs between a head and its bases. The policy is that of the head's configuration, if none was asked for.
    fn compare(
        &self,
        head: View,
        mut diagnostics: Vec<Diagnostic>,
        range: Range,
        unowned: Option<UnownedPolicy>,
    ) -> Result<Answer, PlannerError> {
        let settings = &head.configuration().workspace;
        let policy = unowned.or(settings.unowned.as_ref().map(|policy| policy.value)).unwrap_or_default();
        let mut affected = Affected::default();
        let mut changed = Vec::new();
        for (name, base) in range.named_bases() {
            let mut terms = Terms {
                environment: self.environment.clone(),
                unowned_widens: policy == UnownedPolicy::All,
                doubts: range.doubts.clone(),
            };
            let differing = changes(&**base, &*head.tree)?;
            let known = self.known(name, base, Some(head.configuration()))?;
            // Nobody knows what a configuration said that cannot be read.
            if known.findings.iter().any(|finding| finding.severity == Severity::Error) {
                terms.doubts.push(Doubt {
                    reason: "unreadable-configuration".to_owned(),
                    detail: "the configuration of the base cannot be read".to_owned(),
                    scope: Scope::All,
                });
            }
            let base = Side { tree: &**base, workspace: &known.workspace };
            let side = Side { tree: &*head.tree, workspace: head.workspace() };
            affected = affected.union(affect(base, side, &differing, &terms)?);
            changed.extend(differing);
        }
        changed.sort();
        changed.dedup();
        if policy == UnownedPolicy::Error && !affected.unowned.is_empty() {
            let paths = affected.unowned.iter().map(ToString::to_string).collect();
            return Err(PlannerError::Unowned { paths });
        }
        diagnostics.sort();
        diagnostics.dedup();
        Ok(Answer { decision: range.decision, head, changes: changed, affected, diagnostics })
    }

    /// The answer with the tasks of a pipeline that never passed as they are now, however little the change touches. A
    /// task that runs nothing has nothing to be recorded.
    pub fn with_unpassed(
        &self,
        mut answer: Answer,
        pipeline: &PipelineChoice,
        ledger: &Ledger,
    ) -> Result<Answer, PlannerError> {
        let workspace = answer.head.workspace();
        let runs = |task: &TaskIndex| {
            pipeline.selected.includes(workspace.task_name(*task)) && !workspace.task_at(*task).commands.is_empty()
        };
        let wanted: BTreeSet<TaskIndex> = workspace.task_indices().filter(runs).collect();
        let prints = self.fingerprints(&answer.head, &wanted)?;
        let unpassed = wanted.into_iter().filter_map(|task| {
            let (id, print) = (workspace.task_id(task).to_string(), prints.tasks.get(&task)?.to_string());
            (!ledger.has_passed(&id, &print)).then(|| (task, ledger.failures(&id, &print)))
        });
        let unpassed = unpassed.collect();
        answer.affected = answer.affected.with_unpassed(&unpassed);
        Ok(answer)
    }

    /// The plan for an answer: the tasks of a pipeline, or all.
    pub fn plan(&self, answer: &Answer, pipeline: &PipelineChoice) -> Result<Plan, PlannerError> {
        let workspace = answer.head.workspace();
        let mut selected = Cow::Borrowed(&pipeline.selected);
        let mut asked = members(workspace, &answer.affected, &selected);
        let withheld = self.withheld(&answer.head, &asked, pipeline)?;
        if !withheld.is_empty() {
            let rest = |task: &TaskIndex| !withheld.contains(task) && selected.includes(workspace.task_name(*task));
            selected = Cow::Owned(Selected::Tasks(answer.affected.tasks().filter(rest).collect()));
            asked = members(workspace, &answer.affected, &selected);
        }
        let prints = self.fingerprints(&answer.head, &asked)?;
        Ok(Plan { withheld, ..plan(workspace, &answer.affected, &selected, &prints.tasks) })
    }

    /// The tasks among some that run where the pipeline may not go. A pipeline with such a task is an error; where no
    /// pipeline is followed, they are left out.
    fn withheld(
        &self,
        view: &View,
        asked: &BTreeSet<TaskIndex>,
        pipeline: &PipelineChoice,
    ) -> Result<BTreeSet<TaskIndex>, PlannerError> {
        let environments = &view.configuration().environments;
        if environments.values().all(|environment| environment.pipelines.is_none()) {
            return Ok(BTreeSet::new());
        }
        let workspace = view.workspace();
        let environment = |task: TaskIndex| environments.get(workspace.task_at(task).runs_in.as_ref()?);
        let is_barred =
            |task: TaskIndex| environment(task).is_some_and(|place| !place.allows(pipeline.pipeline.as_deref()));
        let withheld = withheld(workspace, asked, is_barred);
        let Some(name) = &pipeline.pipeline else { return Ok(withheld) };
        let barred = withheld.iter().find_map(|task| Some((*task, environment(*task).filter(|_| is_barred(*task))?)));
        let Some((task, environment)) = barred else { return Ok(withheld) };
        let place = environment.pipelines.iter().flatten().next().map_or(&environment.name.place, |first| &first.place);
        let message = format!(
            "pipeline `{name}` needs {}, which runs in environment `{}`, and may not reach that",
            workspace.task_id(task),
            environment.name.value
        );
        let finding = Diagnostic::error("forbidden-environment", message).at_place(place.clone());
        let help = format!("add `{name}` to `pipelines` of `[environment.{}]`", environment.name.value);
        Err(PlannerError::Configuration(vec![finding.help(help)]))
    }

    /// The fingerprints of some tasks.
    pub fn fingerprints(&self, view: &View, wanted: &BTreeSet<TaskIndex>) -> Result<Fingerprints, PlannerError> {
        let mut known = self.kept_digests(view).unwrap_or_default();
        let prints = fingerprints(view.workspace(), &*view.tree, &self.environment, wanted, &known)?;
        if prints.own.len() >= WORTH_KEEPING {
            prints.own.iter().for_each(|(task, digest)| known.insert(*task, *digest));
            self.keep_digests(view, known);
        }
        Ok(prints)
    }

    /// What is known of one tree, without a range.
    pub fn view(&self, choice: &HeadChoice) -> Result<(View, Vec<Diagnostic>), PlannerError> {
        self.understand(range::open_head(&self.repository, choice)?)
    }

    /// The git directory that all worktrees share.
    pub fn git_directory(&self) -> &std::path::Path {
        self.repository.git_directory()
    }

    /// The values of declared environment variables.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The top of the work tree; none in a bare repository.
    pub fn work_tree(&self) -> Option<&std::path::Path> {
        self.repository.work_tree()
    }

    /// The name of the branch that others are merged into, as it is found without configuration.
    pub fn default_branch(&self) -> Result<Option<String>, PlannerError> {
        Ok(self.repository.default_branch(None)?.map(|branch| branch.name))
    }

    fn understand(&self, opened: Opened) -> Result<(View, Vec<Diagnostic>), PlannerError> {
        let Opened { name, tree, notes } = opened;
        let known = self.known(&name, &tree, None)?;
        if known.has_errors() {
            return Err(PlannerError::Configuration(known.workspace.diagnostics().to_vec()));
        }
        let mut diagnostics = self.repository.notes().to_vec();
        diagnostics.extend(notes);
        diagnostics.extend(known.findings.iter().cloned());
        diagnostics.extend(unknown_pipeline_tasks(&known.configuration, &known.workspace));
        Ok((View { name, tree, known }, diagnostics))
    }

    /// What is known of a tree. One whose configuration cannot be read is understood with another, or not at all.
    fn known(
        &self,
        name: &TreeName,
        tree: &Arc<dyn Tree>,
        otherwise: Option<&Configuration>,
    ) -> Result<Arc<Known>, PlannerError> {
        if let Some(known) = self.recalled(&**tree)? {
            return Ok(known);
        }
        // On one of the threads that read the manifests: what each lets go of is there for itself alone.
        rayon::scope(|_| self.worked_out(name, tree, otherwise))
    }

    fn worked_out(
        &self,
        name: &TreeName,
        tree: &Arc<dyn Tree>,
        otherwise: Option<&Configuration>,
    ) -> Result<Arc<Known>, PlannerError> {
        self.recall_facts();
        let read = discover::read(&**tree, &self.surveys, &self.facts)?;
        let is_much_new = self.is_much_new();
        let linked = rayon::join(|| read.link(), || self.keep_facts()).0?;
        self.make_room(is_much_new);
        let (configuration, findings) = config::read_all(&linked.configurations);
        let is_its_own = configuration.is_some();
        let Some(configuration) = configuration.or_else(|| otherwise.cloned()) else {
            return Err(PlannerError::Configuration(findings));
        };
        let (configurations, is_partial) = (linked.configurations.clone(), linked.is_partial);
        let workspace = assemble(&**tree, linked, &configuration)?;
        let known = Arc::new(Known::new(workspace, configuration, findings, configurations));
        if is_its_own && !known.has_errors() {
            self.recall.add(Anchor::at(Arc::clone(tree), &**tree, Arc::clone(&known))?);
            if !is_partial {
                self.keep(name, tree, &known);
            }
        }
        Ok(known)
    }

    /// What is known of a tree from this run or an earlier one.
    fn recalled(&self, tree: &dyn Tree) -> Result<Option<Arc<Known>>, PlannerError> {
        if let Some(anchor) = self.recall.find(tree)? {
            return Ok(Some(Arc::clone(&anchor.known)));
        }
        for item in self.memo.iter().flat_map(|memo| memo.items(ANCHOR)) {
            let Some(anchor) = self.read_anchor(item, tree) else { continue };
            self.recall.add(anchor);
            if let Some(anchor) = self.recall.find(tree)? {
                return Ok(Some(Arc::clone(&anchor.known)));
            }
        }
        Ok(None)
    }

    /// A kept anchor that may hold for a tree. Whatever is wrong with it, or with the tree that it stands at (which may be
    /// gone from the repository), is no more than a reason to work things out.
    fn read_anchor(&self, item: Item, tree: &dyn Tree) -> Option<Anchor> {
        let head = AnchorHead::read(&item.part(0)?).ok()?;
        let at = self.repository.stored_tree(head.tree);
        if !head.may_hold(&*at, tree).ok()? {
            return None;
        }
        let item = Arc::new(item);
        let fetch = |part: usize| -> Fetch {
            let item = Arc::clone(&item);
            Box::new(move || item.part(part))
        };
        let anchor = head.with_parts(at, &item.part(1)?.into(), fetch(2), fetch(3)).ok()?;
        anchor.known.kept_as(item.name.clone());
        let is_there = self.defers || anchor.known.workspace.fetch();
        is_there.then_some(anchor)
    }

    /// Keeps what was worked out for a later run. The anchor has to be a tree that git has: that of the commit, or of the
    /// commit that is checked out.
    fn keep(&self, name: &TreeName, tree: &Arc<dyn Tree>, known: &Arc<Known>) {
        let Some(memo) = &self.memo else { return };
        let kept = || -> Option<()> {
            let at = match name.kind {
                TreeKind::Commit => Arc::clone(tree),
                _ => self.repository.commit_tree(&self.repository.head().ok()??),
            };
            let anchor = Anchor::at(at, &**tree, Arc::clone(known)).ok()?;
            let head = anchor.head();
            let name = blake3::hash(&head).to_hex()[..32].to_owned();
            // A memo that cannot be written leaves things as slow as they are.
            memo.keep(ANCHOR, &name, |parts| anchor.keep(&head, parts)).ok()?;
            known.kept_as(name);
            Some(())
        };
        let _ = kept();
    }
}

/// Warns of each name in a pipeline that no project has a task of.
fn unknown_pipeline_tasks(configuration: &Configuration, workspace: &Workspace) -> Vec<Diagnostic> {
    let named = configuration.pipelines.values().flat_map(|pipeline| &pipeline.tasks);
    let known: Vec<&str> = workspace.task_names().iter().map(|name| name.0.as_str()).collect();
    let is_known = |name: &str| {
        let selected = Selected::Named(vec![name.to_owned()]);
        workspace.task_names().iter().any(|task| selected.includes(task))
    };
    let unknown = named.filter(|name| !is_known(&name.value)).map(|name| {
        let near = near_names(&name.value, known.iter().copied());
        let help = match near.is_empty() {
            true => {
                format!("the projects here have the tasks {}", known.join(", "))
            }
            false => format!("did you mean {}?", near.join(", ")),
        };
        let message = format!("no project has a task `{}`", name.value);
        Diagnostic::warning("unknown-task", message).at_place(name.place.clone()).help(help)
    });
    unknown.collect()
}

/// The files of a tree that no project owns or reads and that are not inert, sorted. A change to one of them affects
/// everything.
pub fn unowned_files(view: &View) -> Result<Vec<RepoPath>, TreeError> {
    let mut unowned = Vec::new();
    let mut pending = vec![(RepoPath::root(), view.tree.root())];
    while let Some((folder, id)) = pending.pop() {
        for entry in view.tree.folder(id)?.iter() {
            let path = folder.child(&entry.name);
            match entry.node {
                Node::Folder(below) => pending.push((path, below)),
                Node::Content(..) if view.workspace().is_nobodys(&path) => unowned.push(path),
                Node::Content(..) => {}
            }
        }
    }
    unowned.sort();
    Ok(unowned)
}

#[cfg(test)]
mod tests;
