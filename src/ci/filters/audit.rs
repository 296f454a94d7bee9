//! Holds filters against the inputs of the tasks that they guard.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::rc::Rc;

use super::additions::additions;
use super::serves::{Projects, is_hidden};
use super::work::Work;
use super::{Engine, PathFilter, Pipeline, Pipelines, Verdict};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::fingerprint::{is_attributes, resolve};
use crate::path::RepoPath;
use crate::tree::{ChangeKind, Tree, TreeError};
use crate::workspace::{ProjectId, ProjectKind, Reason, TaskId, TaskIndex, Workspace, is_inert};

/// What was found about the filters of one tree.
#[derive(Debug)]
pub struct Audit {
    /// How many pipelines there are, with filters or without.
    pub pipelines: usize,
    /// The filters, sorted by file and line.
    pub filters: Vec<AuditedFilter>,
    /// What else is wrong with filters, references and releases.
    pub findings: Vec<Diagnostic>,
}

/// What was found about one filter.
#[derive(Debug)]
pub struct AuditedFilter {
    /// Whose filter it is.
    pub engine: Engine,
    /// What it is for: the events, the job or the output of this name. Several where they say the same.
    pub names: Vec<String>,
    /// Its first line.
    pub place: Evidence,
    /// The patterns as written.
    pub patterns: Vec<String>,
    /// The projects that it guards. Empty: none that is known here, so nothing is said about misses.
    pub serves: Vec<Served>,
    /// The tasks of these projects that the guarded jobs run.
    pub tasks: Vec<TaskId>,
    /// What these tasks read and the filter does not match.
    pub missed: Vec<MissedInputs>,
    /// Patterns that match no file.
    pub dead: Vec<DeadPattern>,
    /// Whether it matches the file that it stands in.
    pub matches_own_file: bool,
    /// How many documents it keeps out that tasks may read.
    pub documents_kept_out: usize,
    /// Whether a pattern that keeps out matches anything that these tasks read.
    pub(super) excludes_inputs: bool,
    /// The pipeline's and the filter's places, to find it again.
    pub(super) at: (usize, usize),
}

/// A project that a filter guards, and the line that says so.
#[derive(Debug)]
pub struct Served {
    /// The project.
    pub project: ProjectId,
    /// The line.
    pub evidence: Evidence,
}

/// Inputs of one project or folder that a filter does not match.
#[derive(Debug)]
pub struct MissedInputs {
    /// The project's folder, or the folder that is nobody's.
    pub folder: RepoPath,
    /// How many files.
    pub files: usize,
    /// One of them.
    pub example: RepoPath,
    /// A task that reads it.
    pub task: TaskId,
    /// The line by which that is known.
    pub evidence: Evidence,
    /// The pattern that keeps it out, where another would let it in.
    pub kept_out_by: Option<Evidence>,
    /// Patterns that would match those that no pattern keeps out.
    pub add: Vec<String>,
}

/// A pattern that matches no file.
#[derive(Debug)]
pub struct DeadPattern {
    /// The pattern as written.
    pub pattern: String,
    /// Its line.
    pub place: Evidence,
    /// What would match.
    pub help: Option<String>,
}

/// Holds each filter against the inputs of what it guards.
pub fn audit(pipelines: &Pipelines, workspace: &Workspace, tree: &dyn Tree) -> Result<Audit, TreeError> {
    let mut auditor =
        Auditor { pipelines, workspace, tree, projects: Projects::of(workspace), inputs: BTreeMap::new() };
    let mut findings = pipelines.findings.clone();
    let mut filters = Vec::new();
    let mut served_by_any: BTreeSet<ProjectId> = BTreeSet::new();
    for (number, pipeline) in pipelines.pipelines.iter().enumerate() {
        served_by_any.extend(auditor.projects.served(&pipeline.work, &pipeline.file, None).into_keys());
        for (at, filter) in pipeline.filters.iter().enumerate() {
            let audited = auditor.filter(pipeline, filter, (number, at))?;
            served_by_any.extend(audited.serves.iter().map(|served| served.project.clone()));
            findings.extend(unreadable(filter));
            filters.push(audited);
        }
    }
    // A step that makes whatever a file lists may make any of them.
    if !pipelines.pipelines.iter().any(|pipeline| pipeline.work.makes_all) {
        findings.extend(without_pipeline(workspace, &served_by_any));
    }
    let ignore_files = workspace.diagnostics().iter().filter(|finding| finding.code == "dockerignore-without-effect");
    findings.extend(ignore_files.cloned());
    findings.sort();
    findings.dedup();
    filters.sort_by(|one, other| (&one.place, &one.names).cmp(&(&other.place, &other.names)));
    Ok(Audit { pipelines: pipelines.pipelines.len(), filters, findings })
}

/// Services that no pipeline names, where pipelines name services.
fn without_pipeline(workspace: &Workspace, served: &BTreeSet<ProjectId>) -> Vec<Diagnostic> {
    let services = || workspace.projects().filter(|project| project.kind == ProjectKind::Service);
    if !services().any(|project| served.contains(&project.id)) {
        return Vec::new();
    }
    let forgotten = services().filter(|project| !served.contains(&project.id) && !is_hidden(&project.id.0));
    let finding = |project: &crate::workspace::Project| {
        let finding = Diagnostic::warning("no-pipeline", format!("no pipeline names the service {}", project.id));
        match project.evidence.first() {
            Some(evidence) => finding.at(evidence),
            None => finding,
        }
    };
    forgotten.map(finding).collect()
}

fn unreadable(filter: &PathFilter) -> Vec<Diagnostic> {
    let patterns = filter.patterns.iter().filter(|pattern| !pattern.glob.is_readable());
    let finding = |pattern: &super::PathPattern| {
        let taken = if pattern.excludes { "nothing" } else { "everything" };
        let message = format!("`{}` cannot be read here, and is taken to match {taken}", pattern.text);
        Diagnostic::note("unreadable-pattern", message).at(&pattern.place)
    };
    patterns.map(finding).collect()
}

struct Auditor<'a> {
    pipelines: &'a Pipelines,
    workspace: &'a Workspace,
    tree: &'a dyn Tree,
    projects: Projects<'a>,
    /// What tasks read, by the place of the file among all files.
    inputs: BTreeMap<TaskIndex, Rc<[(usize, Reason)]>>,
}

/// A file that is missed.
struct Miss {
    task: TaskIndex,
    evidence: Evidence,
    kept_out_by: Option<Evidence>,
}

/// What a filter makes of all that its tasks read.
struct Missed {
    folders: Vec<MissedInputs>,
    documents_kept_out: usize,
    excludes_inputs: bool,
}

impl Auditor<'_> {
    fn filter(
        &mut self,
        pipeline: &Pipeline,
        filter: &PathFilter,
        at: (usize, usize),
    ) -> Result<AuditedFilter, TreeError> {
        let work = filter.work.as_ref().unwrap_or(&pipeline.work);
        let serves = self.projects.served(work, &pipeline.file, Some(filter));
        let tasks: Vec<TaskIndex> = serves.keys().flat_map(|project| self.tasks(project, work)).collect();
        let Missed { mut folders, documents_kept_out, excludes_inputs } =
            self.missed(pipeline.engine, filter, &tasks)?;
        for missed in &mut folders {
            // That the job itself names the folder is the best proof.
            if let Some(evidence) = work.mentions.get(&missed.folder) {
                missed.evidence = evidence.clone();
            }
        }
        let change = ChangeKind::Modified;
        Ok(AuditedFilter {
            engine: pipeline.engine,
            names: filter.names.clone(),
            place: filter.place.clone(),
            patterns: filter.patterns.iter().map(|pattern| pattern.text.clone()).collect(),
            serves: serves.into_iter().map(|(project, evidence)| Served { project, evidence }).collect(),
            tasks: tasks.into_iter().map(|task| self.workspace.task_id(task)).collect(),
            missed: folders,
            dead: self.dead(pipeline.engine, filter),
            matches_own_file: filter.admits(&pipeline.file, change),
            documents_kept_out,
            excludes_inputs,
            at,
        })
    }

    /// The tasks of a project that jobs run which do this work. Builds and tests are taken to be run; images and charts
    /// where a step speaks of them.
    fn tasks(&self, project: &ProjectId, work: &Work) -> Vec<TaskIndex> {
        let is_run = |name: &str| {
            let is_said = match name {
                "chart" => work.charts,
                "compose" => work.composes,
                _ => work.images || !(name == "image" || name.starts_with("image-")),
            };
            is_said || work.is_hidden
        };
        let tasks = self.workspace.tasks_of(project).filter(|task| is_run(&task.id.name.0));
        tasks.filter_map(|task| self.workspace.task_index(&task.id)).collect()
    }

    fn missed(&mut self, engine: Engine, filter: &PathFilter, tasks: &[TaskIndex]) -> Result<Missed, TreeError> {
        let mut misses: BTreeMap<RepoPath, Miss> = BTreeMap::new();
        let mut asked: HashSet<usize> = HashSet::new();
        let (mut documents_kept_out, mut excludes_inputs) = (0, false);
        for (task, edge) in self.with_upstream(tasks) {
            let inputs = self.inputs_of(task)?;
            for (file, reason) in inputs.iter() {
                let path = &self.pipelines.files[*file];
                if !asked.insert(*file) || self.pipelines.sources.binary_search(path).is_ok() || is_inert(path) {
                    continue;
                }
                excludes_inputs = excludes_inputs || filter.excludes(path);
                let kept_out_by = match filter.verdict(path, ChangeKind::Modified) {
                    Verdict::Matches => continue,
                    Verdict::KeptOut(_) if is_document(path) => {
                        documents_kept_out += 1;
                        continue;
                    }
                    Verdict::KeptOut(at) => Some(filter.patterns[at].place.clone()),
                    Verdict::Unmentioned => None,
                };
                let is_its_own =
                    self.workspace.owner_of(path).is_some_and(|owner| owner.id == self.workspace.project_of(task));
                let evidence = match &edge {
                    Some(edge) if is_its_own => edge.clone(),
                    _ => self.workspace.task_at(task).evidence_of(*reason, path),
                };
                misses.insert(path.clone(), Miss { task, evidence, kept_out_by });
            }
        }
        let mut groups: BTreeMap<RepoPath, Vec<(RepoPath, Miss)>> = BTreeMap::new();
        for (path, miss) in misses {
            groups.entry(self.projects.folder_of(&path)).or_default().push((path, miss));
        }
        let grouped = groups.into_iter().filter_map(|(folder, mut missed)| {
            let files = missed.len();
            // A file that nobody keeps out says more, and so does one that is no prose.
            missed.sort_by_key(|(path, miss)| (miss.kept_out_by.is_some(), is_document(path)));
            let unmentioned = missed.iter().filter(|(_, miss)| miss.kept_out_by.is_none()).map(|(path, _)| path);
            let unmentioned: Vec<&RepoPath> = unmentioned.collect();
            let add = additions(engine, filter, &folder, unmentioned.into_iter());
            let (example, miss) = missed.into_iter().next()?;
            let task = self.workspace.task_id(miss.task);
            let Miss { evidence, kept_out_by, .. } = miss;
            Some(MissedInputs { folder, files, example, task, evidence, kept_out_by, add })
        });
        Ok(Missed { folders: grouped.collect(), documents_kept_out, excludes_inputs })
    }

    /// Tasks and all whose results they read, each with the line of the edge that leads out of its project to it.
    fn with_upstream(&self, tasks: &[TaskIndex]) -> Vec<(TaskIndex, Option<Evidence>)> {
        let mut seen: BTreeSet<TaskIndex> = tasks.iter().copied().collect();
        let mut reached: Vec<(TaskIndex, Option<Evidence>)> = tasks.iter().map(|task| (*task, None)).collect();
        let mut next = 0;
        while let Some((task, edge)) = reached.get(next).cloned() {
            next += 1;
            let task = self.workspace.task_at(task);
            for read in &task.reads {
                let Some(upstream) = self.workspace.task_index(&read.task) else { continue };
                if seen.insert(upstream) {
                    let leads = read.evidence.clone().filter(|_| read.task.project != task.id.project);
                    reached.push((upstream, leads.or_else(|| edge.clone())));
                }
            }
        }
        reached
    }

    fn inputs_of(&mut self, task: TaskIndex) -> Result<Rc<[(usize, Reason)]>, TreeError> {
        if let Some(known) = self.inputs.get(&task) {
            return Ok(Rc::clone(known));
        }
        let about = self.workspace.task_at(task);
        let place = |path: &RepoPath| self.pipelines.files.binary_search(path).ok();
        let whole = resolve(self.workspace, self.tree, about)?;
        // Next to no filter names attributes, and to tell each so would hide what else it misses.
        let whole = whole.into_iter().filter(|(path, _)| !is_attributes(path));
        let whole = whole.filter_map(|(path, input)| Some((place(&path)?, input.reason)));
        let slices = about.slices.iter().enumerate();
        let slices = slices.filter_map(|(at, slice)| Some((place(&slice.file)?, Reason::Slice(at))));
        let inputs: Rc<[(usize, Reason)]> = whole.chain(slices).collect();
        self.inputs.insert(task, Rc::clone(&inputs));
        Ok(inputs)
    }

    fn dead(&self, engine: Engine, filter: &PathFilter) -> Vec<DeadPattern> {
        let is_dead = |pattern: &&super::PathPattern| {
            !self.pipelines.files.iter().any(|file| pattern.glob.matches(file.as_bytes()))
        };
        let dead = filter.patterns.iter().filter(is_dead).map(|pattern| DeadPattern {
            pattern: pattern.text.clone(),
            place: pattern.place.clone(),
            help: self.help(engine, &pattern.text),
        });
        dead.collect()
    }

    /// What a pattern could mean that matches nothing.
    fn help(&self, engine: Engine, pattern: &str) -> Option<String> {
        let (sign, plain) = pattern.strip_prefix('!').map_or(("", pattern), |plain| ("!", plain));
        let meant = plain.trim_start_matches("./").trim_matches('/');
        let is_plain = !meant.contains(['*', '?', '[', '{']);
        if is_plain && self.projects.has_folder(&self.pipelines.files, meant) {
            return engine.all_below(meant).map(|all| format!("it is a folder: write `{sign}{all}`"));
        }
        (plain != meant && engine != Engine::Azure)
            .then(|| format!("paths begin at the top without `/` or `./`: write `{sign}{meant}`"))
    }
}

/// Prose that a filter may well keep out, although nobody can say that no task reads it.
fn is_document(path: &RepoPath) -> bool {
    let name = path.name().unwrap_or_default().to_ascii_lowercase();
    let endings: [&[u8]; 5] = [b".md", b".mdx", b".rst", b".adoc", b".txt"];
    endings.iter().any(|ending| name.ends_with(ending)) || name.starts_with(b"license") || name.starts_with(b"readme")
}
