//! Workspaces for tests: what a tree written as one string says, or a graph without any tree.

use std::collections::BTreeSet;

use super::configure::project_without_manifest;
use super::{Edge, ProjectId, Read, Task, TaskId, Workspace, assemble};
use crate::config;
use crate::diagnostic::Evidence;
use crate::discover::{EdgeKind, FactsMemo, SurveyMemo, discover};
use crate::path::RepoPath;
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
    assemble(tree, &linked, &configuration).unwrap()
}

impl Workspace {
    /// A workspace of projects without files, each with one task `build` that reads those of the projects it depends
    /// on. Edges are pairs: who depends, and on whom.
    pub(crate) fn of_graph(count: usize, edges: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut workspace = Self::default();
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
        workspace
    }

    /// Another command for the build of one project.
    pub(crate) fn with_command(mut self, project: usize, line: &str) -> Self {
        let project = ProjectId(path(&format!("p{project:06}")));
        if let Some(task) = self.tasks.get_mut(&TaskId::new(&project, "build")) {
            task.commands = vec![crate::discover::Command { line: line.to_owned(), folder: project.0.clone() }];
        }
        self
    }
}
