//! The projects, edges, tasks and findings of a workspace: made just now, or kept and decoded where they are asked for.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use super::kept::KeptRows;
use super::{Edge, Project, ProjectId, ProjectKind, Task, TaskId, TaskIndex};
use crate::codec::Deferred;
use crate::diagnostic::Diagnostic;
use crate::discover::Fragments;
use crate::path::RepoPath;

/// A digest over what defines a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Definition(pub(super) [u8; 16]);

impl Definition {
    /// Named in every digest.
    const CONTEXT: &'static str = "knockon 2026-11 task definition";

    pub(super) fn of(task: &Task) -> Self {
        let mut hasher = blake3::Hasher::new();
        let mut field = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        field(Self::CONTEXT.as_bytes());
        field(&(task.inputs.len() as u64).to_le_bytes());
        for input in &task.inputs {
            let selection = &input.selection;
            field(selection.base.as_bytes());
            field(&[selection.reach as u8]);
            field(&(selection.filters.len() as u64).to_le_bytes());
            field(&(selection.sliced.len() as u64).to_le_bytes());
            selection.sliced.iter().for_each(|file| field(file.as_bytes()));
            for filter in &selection.filters {
                field(filter.root.as_bytes());
                field(&(filter.rules.len() as u64).to_le_bytes());
                for rule in &filter.rules {
                    field(&[u8::from(rule.include)]);
                    field(rule.glob.as_bytes());
                }
            }
        }
        field(&(task.slices.len() as u64).to_le_bytes());
        for slice in &task.slices {
            field(slice.file.as_bytes());
            field(&slice.digest.0);
        }
        field(&(task.reads.len() as u64).to_le_bytes());
        for read in &task.reads {
            field(read.task.project.0.as_bytes());
            field(read.task.name.0.as_bytes());
        }
        field(&(task.commands.len() as u64).to_le_bytes());
        for command in &task.commands {
            field(command.line.as_bytes());
            field(command.folder.as_bytes());
        }
        let mut texts = |texts: &mut dyn ExactSizeIterator<Item = &String>| {
            field(&(texts.len() as u64).to_le_bytes());
            texts.for_each(|text| field(text.as_bytes()));
        };
        texts(&mut task.environment.iter());
        texts(&mut task.output_patterns().iter());
        texts(&mut task.tools.iter());
        let mut short = [0; 16];
        short.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        Self(short)
    }
}

/// The files that tasks read in slices.
pub(super) type FragmentsByFile = BTreeMap<RepoPath, Arc<Fragments>>;

/// Rows by the place of their id.
#[derive(Debug)]
pub(super) struct Rows {
    projects: Vec<OnceLock<Box<Project>>>,
    tasks: Vec<OnceLock<Box<Task>>>,
    edges: OnceLock<Vec<Edge>>,
    diagnostics: Vec<Diagnostic>,
    fragments: OnceLock<FragmentsByFile>,
    kept: Option<Deferred<KeptRows>>,
    damaged: AtomicBool,
}

fn made<T>(value: T) -> OnceLock<Box<T>> {
    OnceLock::from(Box::new(value))
}

impl Rows {
    pub(super) fn of(
        projects: BTreeMap<ProjectId, Project>,
        tasks: BTreeMap<TaskId, Task>,
        edges: Vec<Edge>,
        diagnostics: Vec<Diagnostic>,
        fragments: FragmentsByFile,
    ) -> Self {
        Self {
            projects: projects.into_values().map(made).collect(),
            tasks: tasks.into_values().map(made).collect(),
            edges: OnceLock::from(edges),
            diagnostics,
            fragments: OnceLock::from(fragments),
            kept: None,
            damaged: AtomicBool::new(false),
        }
    }

    /// Rows that are decoded where they are asked for.
    pub(super) fn kept(
        kept: Deferred<KeptRows>,
        (projects, tasks): (usize, usize),
        diagnostics: Vec<Diagnostic>,
    ) -> Self {
        Self {
            projects: (0..projects).map(|_| OnceLock::new()).collect(),
            tasks: (0..tasks).map(|_| OnceLock::new()).collect(),
            edges: OnceLock::new(),
            diagnostics,
            fragments: OnceLock::new(),
            kept: Some(kept),
            damaged: AtomicBool::new(false),
        }
    }

    /// Fetches what is decoded; says whether it could be had.
    pub(super) fn fetch(&self) -> bool {
        self.kept.as_ref().is_none_or(|kept| kept.get().is_some())
    }

    /// Whether something that was asked for could not be decoded: then no answer that was given counts.
    pub(super) fn are_damaged(&self) -> bool {
        self.damaged.load(Ordering::Relaxed)
    }

    fn decoded<T>(&self, decode: impl FnOnce(&KeptRows) -> Option<T>, otherwise: impl FnOnce() -> T) -> T {
        self.kept.as_ref().and_then(Deferred::get).and_then(decode).unwrap_or_else(|| {
            self.damaged.store(true, Ordering::Relaxed);
            otherwise()
        })
    }

    pub(super) fn project(&self, at: usize) -> &Project {
        self.projects[at].get_or_init(|| {
            let nothing = || Project {
                id: ProjectId(crate::path::RepoPath::root()),
                name: String::new(),
                kind: ProjectKind::Library,
                aliases: Default::default(),
                ecosystems: Default::default(),
                owners: Vec::new(),
                evidence: Vec::new(),
                joined: Vec::new(),
            };
            Box::new(self.decoded(|kept| kept.project(at).ok(), nothing))
        })
    }

    pub(super) fn task(&self, at: TaskIndex, id: impl FnOnce() -> TaskId) -> &Task {
        self.tasks[at.number()].get_or_init(|| Box::new(self.decoded(|kept| kept.task(at).ok(), || Task::empty(id()))))
    }

    pub(super) fn edges(&self) -> &[Edge] {
        self.edges.get_or_init(|| self.decoded(|kept| kept.edges().ok(), Vec::new))
    }

    pub(super) fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    pub(super) fn fragments(&self) -> &FragmentsByFile {
        self.fragments.get_or_init(|| self.decoded(|kept| kept.fragments().ok(), BTreeMap::new))
    }

    pub(super) fn definition<'a>(&self, at: TaskIndex, task: impl FnOnce() -> &'a Task) -> Definition {
        let kept = self.kept.as_ref().and_then(Deferred::get).and_then(|kept| kept.definition(at));
        kept.unwrap_or_else(|| Definition::of(task()))
    }
}
