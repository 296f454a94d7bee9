//! The one entry that every command calls: opens the trees, hands values to the core, and returns what it answers.
//! What `plan` prints is what `explain` explains, because both ask here.

mod history;
mod range;

use std::collections::BTreeSet;
use std::sync::Arc;

pub use history::{Planned, Replay, Replayed, Share};
pub use range::{HeadChoice, RangeChoice};

use self::range::{Opened, Range};
use crate::affect::{Affected, Side, Terms, affect};
use crate::config::{self, Configuration, PipelineSettings, UnownedPolicy};
use crate::diagnostic::{Diagnostic, Severity};
use crate::discover::{FactsMemo, SurveyMemo, discover, is_read};
use crate::fingerprint::Environment;
use crate::git::{GitError, Repository};
use crate::path::RepoPath;
use crate::plan::{Decision, Plan, Selected, TreeName, plan};
use crate::tree::{Change, ChangeKind, Node, Tree, TreeError, changes, node_at};
use crate::workspace::{Doubt, Scope, Workspace, assemble, near_names};

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
    /// No pipeline has the name.
    #[error("no pipeline is called `{wanted}`; there are {}", known.join(", "))]
    UnknownPipeline {
        /// What was asked for.
        wanted: String,
        /// The names that there are.
        known: Vec<String>,
    },
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
    /// The projects.
    pub workspace: Workspace,
    /// The configuration.
    pub configuration: Configuration,
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
}

/// The pipelines that are there without configuration.
const BUILT_IN_PIPELINES: [(&str, &[&str]); 2] =
    [("validation", &["build", "test"]), ("pull-request", &["build", "test", "image", "chart"])];

impl Planner {
    /// Answers about a repository. The environment holds the values of whatever variables tasks may declare.
    pub fn new(repository: Repository, environment: Environment) -> Self {
        Self { repository, environment, surveys: SurveyMemo::default(), facts: FactsMemo::default() }
    }

    /// What a change affects.
    pub fn affected(&self, choice: &RangeChoice) -> Result<Answer, PlannerError> {
        let opened = range::open_head(&self.repository, &choice.head)?;
        let (head, diagnostics) = self.understand(opened)?;
        let settings = &head.configuration.workspace;
        let default_branch = settings.default_branch.as_ref().map(|name| name.value.as_str());
        let range = range::choose(&self.repository, choice, &head, default_branch)?;
        self.compare(head, diagnostics, range, choice.unowned)
    }

    /// What differs between a head and its bases. The policy is that of the head's configuration, if none was asked for.
    fn compare(
        &self,
        head: View,
        mut diagnostics: Vec<Diagnostic>,
        range: Range,
        unowned: Option<UnownedPolicy>,
    ) -> Result<Answer, PlannerError> {
        let settings = &head.configuration.workspace;
        let policy = unowned.or(settings.unowned.as_ref().map(|policy| policy.value)).unwrap_or_default();
        let mut affected = Affected::default();
        let mut changed = Vec::new();
        for base in &range.bases {
            let mut terms = Terms {
                environment: self.environment.clone(),
                unowned_widens: policy == UnownedPolicy::All,
                doubts: range.doubts.clone(),
            };
            let differing = changes(&**base, &*head.tree)?;
            let workspace = self.base_workspace(&**base, &head, &differing, &mut terms)?;
            let base = Side { tree: &**base, workspace: workspace.as_ref().unwrap_or(&head.workspace) };
            let side = Side { tree: &*head.tree, workspace: &head.workspace };
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

    /// The plan for an answer: the tasks of a pipeline, or all.
    pub fn plan(&self, answer: &Answer, pipeline: Option<&str>) -> Result<Plan, PlannerError> {
        let selected = match pipeline {
            None => Selected::All,
            Some(name) => pipeline_tasks(&answer.head.configuration, name)?,
        };
        let (workspace, tree) = (&answer.head.workspace, &*answer.head.tree);
        Ok(plan(workspace, tree, &self.environment, &answer.affected, &selected)?)
    }

    /// What is known of one tree, without a range.
    pub fn view(&self, choice: &HeadChoice) -> Result<(View, Vec<Diagnostic>), PlannerError> {
        self.understand(range::open_head(&self.repository, choice)?)
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
        let linked = discover(&*tree, &self.surveys, &self.facts)?;
        let (configuration, mut findings) = config::read_all(&linked.configurations);
        let Some(configuration) = configuration else { return Err(PlannerError::Configuration(findings)) };
        let workspace = assemble(&*tree, &linked, &configuration)?;
        findings.extend(unknown_pipeline_tasks(&configuration, &workspace));
        if workspace.diagnostics.iter().any(|finding| finding.severity == Severity::Error) {
            return Err(PlannerError::Configuration(workspace.diagnostics));
        }
        let mut diagnostics = self.repository.notes().to_vec();
        diagnostics.extend(notes);
        diagnostics.extend(findings);
        Ok((View { name, tree, workspace, configuration }, diagnostics))
    }

    /// The workspace of a base; none where it is that of the head. A configuration that cannot be read at the base
    /// widens to everything: nobody knows what it said.
    fn base_workspace(
        &self,
        base: &dyn Tree,
        head: &View,
        differing: &[Change],
        terms: &mut Terms,
    ) -> Result<Option<Workspace>, PlannerError> {
        if leave_the_workspace(differing, &*head.tree)? {
            return Ok(None);
        }
        let linked = discover(base, &self.surveys, &self.facts)?;
        let configuration = config::read_all(&linked.configurations).0.unwrap_or_else(|| {
            terms.doubts.push(Doubt {
                reason: "unreadable-configuration".to_owned(),
                detail: "the configuration of the base cannot be read".to_owned(),
                scope: Scope::All,
            });
            head.configuration.clone()
        });
        Ok(Some(assemble(base, &linked, &configuration)?))
    }
}

/// Whether the workspace of the base has to be that of the head: all that differs is the bytes of plain files that
/// nobody reads for what they say. A workspace is made of such files' names alone.
fn leave_the_workspace(differing: &[Change], head: &dyn Tree) -> Result<bool, TreeError> {
    let only_bytes =
        |change: &Change| change.kind == ChangeKind::Modified && change.path.name().is_some_and(|name| !is_read(name));
    if !differing.iter().all(only_bytes) {
        return Ok(false);
    }
    for change in differing {
        // The text of a symbolic link says where other paths lead.
        if !matches!(node_at(head, &change.path)?, Some(Node::Content(mode, _)) if mode.is_file()) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Warns of each name in a pipeline that no project has a task of.
fn unknown_pipeline_tasks(configuration: &Configuration, workspace: &Workspace) -> Vec<Diagnostic> {
    let named = configuration.pipelines.values().flat_map(|pipeline| &pipeline.tasks);
    let known: BTreeSet<&str> = workspace.tasks().map(|task| task.id.name.0.as_str()).collect();
    let is_known = |name: &str| {
        let selected = Selected::Named(vec![name.to_owned()]);
        workspace.tasks().any(|task| selected.includes(&task.id))
    };
    let unknown = named.filter(|name| !is_known(&name.value)).map(|name| {
        let near = near_names(&name.value, known.iter().copied());
        let help = match near.is_empty() {
            true => {
                format!("the projects here have the tasks {}", known.iter().copied().collect::<Vec<_>>().join(", "))
            }
            false => format!("did you mean {}?", near.join(", ")),
        };
        let message = format!("no project has a task `{}`", name.value);
        Diagnostic::warning("unknown-task", message).at_place(name.place.clone()).help(help)
    });
    unknown.collect()
}

fn pipeline_tasks(configuration: &Configuration, wanted: &str) -> Result<Selected, PlannerError> {
    if let Some(PipelineSettings { tasks, .. }) = configuration.pipelines.get(wanted) {
        return Ok(Selected::Named(tasks.iter().map(|task| task.value.clone()).collect()));
    }
    if let Some((_, tasks)) = BUILT_IN_PIPELINES.iter().find(|(name, _)| *name == wanted) {
        return Ok(Selected::Named(tasks.iter().map(|task| (*task).to_owned()).collect()));
    }
    let built_in = BUILT_IN_PIPELINES.iter().map(|(name, _)| (*name).to_owned());
    let mut known: Vec<String> = configuration.pipelines.keys().cloned().chain(built_in).collect();
    known.sort();
    known.dedup();
    Err(PlannerError::UnknownPipeline { wanted: wanted.to_owned(), known })
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
                Node::Content(..) if view.workspace.is_nobodys(&path) => unowned.push(path),
                Node::Content(..) => {}
            }
        }
    }
    unowned.sort();
    Ok(unowned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::MemoryTree;

    const TREE: &str =
        "== a/package.json\n{}\n== a/x.ts\none\n== a/link -> x.ts\n== a/Dockerfile\nFROM x\n== knockon.toml\n\n";

    #[test]
    fn only_the_bytes_of_plain_files_leave_the_workspace() {
        let base = MemoryTree::parse(TREE);
        for (from, to, leaves) in [
            ("", "", true),
            ("one", "two", true),
            ("{}", "{ }", false),
            ("FROM x", "FROM y", false),
            ("knockon.toml\n", "knockon.toml\n#", false),
            ("-> x.ts", "-> y.ts", false),
            ("x.ts\n", "x.ts *\n", false),
            ("a/x.ts", "a/y.ts", false),
            ("== knockon", "== a/new\n== knockon", false),
            ("== a/x.ts\none\n", "", false),
        ] {
            let head = MemoryTree::parse(&TREE.replace(from, to));
            let differing = changes(&base, &head).unwrap();
            assert_eq!(differing.is_empty(), from == to, "{from} → {to}");
            assert_eq!(leave_the_workspace(&differing, &head).unwrap(), leaves, "{from} → {to}");
        }
    }
}
