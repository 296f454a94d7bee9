//! Workspaces for tests: what a tree written as one string says, or a graph without any tree.

use std::collections::BTreeSet;

use super::configure::project_without_manifest;
use super::draft::Draft;
use super::index::Reads;
use super::owner::Holding;
use super::rows::{Definition, FragmentsByFile};
use super::{Doubt, Edge, Fetch, Project, ProjectId, Read, Task, TaskId, TaskIndex, Workspace, assemble};
use crate::codec::Damaged;
use crate::config;
use crate::diagnostic::{Diagnostic, Evidence};
use crate::discover::{EdgeKind, FactsMemo, Probes, SurveyMemo, discover};
use crate::path::RepoPath;
use crate::selection::Filter;
use crate::tree::Tree;

/// A path of UTF-8 text.
pub(crate) fn path(text: &str) -> RepoPath {
    RepoPath::from_git(text.as_bytes()).unwrap()
}

/// The workspace that a tree says, its configuration applied.
pub(crate) fn workspace_of(tree: &dyn Tree) -> Workspace {
    let linked = discover(tree, &SurveyMemo::default(), &FactsMemo::default()).unwrap();
    let (configuration, findings) = config::read_all(&linked.configurations);
    let Some(configuration) = configuration else { panic!("{findings:?}") };
    assemble(tree, linked, &configuration).unwrap()
}

impl Workspace {
    /// A workspace of projects without files, each with one task `build` that reads those of the projects it depends
    /// on. Edges are pairs: who depends, and on whom.
    pub(crate) fn of_graph(count: usize, edges: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut workspace = Draft::default();
        let evidence = Evidence::new(&path("knockon.toml"), 1, "");
        let ids: Vec<ProjectId> = (0..count).map(|number| ProjectId(path(&format!("p{number:06}")))).collect();
        for id in &ids {
            let project = project_without_manifest(&id.0, &evidence, id.to_string());
            workspace.projects.insert(id.clone(), project);
            let task = TaskId::new(id, "build");
            workspace.tasks.insert(task.clone(), Task::empty(task));
        }
        for (from, to) in edges.into_iter().collect::<BTreeSet<_>>().into_iter().filter(|(from, to)| from != to) {
            let (from, to) = (&ids[from], &ids[to]);
            if let Some(task) = workspace.tasks.get_mut(&TaskId::new(from, "build")) {
                task.reads.push(Read { task: TaskId::new(to, "build"), evidence: Some(evidence.clone()) });
            }
            let (from, to, evidence) = (from.clone(), to.clone(), evidence.clone());
            workspace.edges.push(Edge { from, to, kind: EdgeKind::Build, evidence });
        }
        Self::of(workspace, &Probes::default())
    }

    /// Another command for the build of one project.
    pub(crate) fn with_command(self, project: usize, line: &str) -> Self {
        self.with_commands([project], line)
    }

    /// Another command for the builds of some projects.
    pub(crate) fn with_commands(self, projects: impl IntoIterator<Item = usize>, line: &str) -> Self {
        let mut draft = self.into_draft();
        for project in projects {
            let project = ProjectId(path(&format!("p{project:06}")));
            if let Some(task) = draft.tasks.get_mut(&TaskId::new(&project, "build")) {
                task.commands = vec![crate::discover::Command { line: line.to_owned(), folder: project.0.clone() }];
            }
        }
        Self::of(draft, &Probes::default())
    }

    /// What a workspace without owners, links and configuration was made from.
    fn into_draft(self) -> Draft {
        Draft {
            projects: self.projects().map(|project| (project.id.clone(), project.clone())).collect(),
            tasks: self.tasks().map(|task| (task.id.clone(), task.clone())).collect(),
            edges: self.edges().to_vec(),
            ..Draft::default()
        }
    }
}

/// Everything that a workspace says.
#[derive(Debug, PartialEq)]
pub(crate) struct Everything {
    owners: Vec<(RepoPath, Holding)>,
    links: Vec<(RepoPath, Vec<u8>)>,
    small: (Option<Filter>, Vec<Doubt>, String),
    readers: Vec<(TaskIndex, usize, Reads)>,
    tasks: Vec<(Task, Definition)>,
    graph: Vec<(TaskId, Vec<TaskIndex>, Vec<TaskIndex>)>,
    projects: Vec<Project>,
    edges: Vec<Edge>,
    diagnostics: Vec<Diagnostic>,
    fragments: FragmentsByFile,
}

/// What was looked at, as text.
fn places(workspace: &Workspace) -> String {
    let places = workspace.rests_on.places().cloned().unwrap_or_default();
    format!("{:?} {:?} {:?}", places.paths.as_bytes(), places.folders.as_bytes(), places.selections.len())
}

pub(crate) fn everything(workspace: &Workspace) -> Everything {
    let reads = |task| workspace.results_read_by(task).collect();
    let readers = |task| workspace.readers_of_result(task).collect();
    Everything {
        owners: workspace.index.owners().iter().map(|(folder, holding)| (folder.clone(), holding.clone())).collect(),
        links: workspace.symlinks.listed(),
        small: (workspace.ignore.clone(), workspace.doubts.clone(), places(workspace)),
        tasks: workspace.task_indices().map(|at| (workspace.task_at(at).clone(), workspace.definition(at))).collect(),
        graph: workspace.task_indices().map(|at| (workspace.task_id(at), reads(at), readers(at))).collect(),
        readers: workspace.projects().flat_map(|project| workspace.index.named_by(&project.id.0)).collect(),
        projects: workspace.projects().cloned().collect(),
        edges: workspace.edges().to_vec(),
        diagnostics: workspace.diagnostics().to_vec(),
        fragments: workspace.rows.fragments().clone(),
    }
}

/// The workspace that these parts say.
pub(crate) fn from_parts([index, places, rows]: [Vec<u8>; 3]) -> Result<Workspace, Damaged> {
    let fetch = |part: Vec<u8>| -> Fetch { Box::new(move || Some(part.clone())) };
    Workspace::from_kept(index.into(), fetch(places), fetch(rows))
}

/// A workspace kept and read back says what it said, and is the same to the byte if it is kept again.
#[track_caller]
pub(crate) fn check_kept(workspace: &Workspace) {
    let kept = from_parts(workspace.to_kept()).unwrap();
    assert!(kept.fetch());
    assert_eq!(everything(&kept), everything(workspace));
    assert!(!kept.is_damaged());
    assert_eq!(kept.to_kept(), workspace.to_kept());
}
