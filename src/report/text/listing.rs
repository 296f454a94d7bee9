//! Plans, graphs, inputs and findings as lists.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

use super::{DOUBT, FAINT, Look, MOST_CAUSES, MOST_FILES, MOST_PROJECTS, NAME, STRONG};
use super::{cause_text, count, evidence_text, padded};
use crate::affect::Cause;
use crate::path::{RepoPath, harmless};
use crate::plan::{Decision, TreeKind, TreeName};
use crate::report::json::{
    AffectedProject, AffectedReport, CheckReport, GraphReport, InputsReport, PlanReport, PlannedTaskReport,
    ProjectCause,
};
use crate::workspace::{Doubt, ProjectId, Scope};

/// What is affected, project by project.
pub fn affected_text(report: &AffectedReport, look: Look) -> String {
    let mut text = range_text(&report.range, look);
    projects_text(&mut text, report, look);
    remainder_text(&mut text, report, look);
    text
}

/// A plan: what is affected, then what runs in which order.
pub fn plan_text(report: &PlanReport, look: Look) -> String {
    let affected = &report.affected;
    let mut text = range_text(&affected.range, look);
    selection_text(&mut text, report, look);
    match &report.service {
        Some(service) => {
            let version = report.version.as_deref().unwrap_or("no version");
            let _ = writeln!(text, "{}  {version}", look.paint(NAME, service.to_string()));
        }
        None => projects_text(&mut text, affected, look),
    }
    if !report.tasks.is_empty() {
        text.push('\n');
        let mut layers: Vec<Vec<&PlannedTaskReport>> = vec![Vec::new(); report.layers];
        report.tasks.iter().for_each(|task| layers[task.layer].push(task));
        for (layer, tasks) in layers.into_iter().enumerate() {
            let mut by_task: BTreeMap<&str, Vec<String>> = BTreeMap::new();
            for task in tasks {
                let mark = if task.affected { "" } else { " (needed)" };
                by_task.entry(&task.task.0).or_default().push(format!("{}{mark}", task.name));
            }
            for (at, (task, projects)) in by_task.into_iter().enumerate() {
                let step = if at == 0 { format!("{:>3}.", layer + 1) } else { "    ".to_owned() };
                let line = look.cut(&projects.join("  "), 14);
                let _ = writeln!(text, "{} {}  {line}", look.paint(FAINT, step), look.paint(STRONG, padded(task, 8)));
            }
        }
    }
    let needed = report.tasks.iter().filter(|task| !task.affected).count();
    if !report.tasks.is_empty() {
        let projects = count(affected.projects.len(), "project", "projects");
        let tasks = count(report.tasks.len() - needed, "task", "tasks");
        let what = match report.service {
            Some(_) => format!("{tasks} of the release"),
            None => format!("{projects} and {tasks} affected"),
        };
        let _ = write!(text, "\n{what}");
        if needed > 0 {
            let _ = write!(text, ", {needed} more needed");
        }
        let _ = writeln!(text, ", in {}", count(report.layers, "layer", "layers"));
    }
    remainder_text(&mut text, affected, look);
    text
}

/// Which pipeline it is and why, where that was decided, and what it may not reach.
fn selection_text(text: &mut String, report: &PlanReport, look: Look) {
    if let Some(selection) = &report.selection {
        let name = report.pipeline.as_deref().unwrap_or("none");
        let _ = writeln!(text, "{} {name}", look.paint(FAINT, "pipeline"));
        let _ = writeln!(text, "{}\n", look.paint(FAINT, format!("     {selection}")));
    }
    if !report.withheld.is_empty() {
        let tasks: Vec<String> = report.withheld.iter().map(ToString::to_string).collect();
        let line = format!("left out for their environments: {}", tasks.join("  "));
        let _ = writeln!(text, "{}\n", look.paint(DOUBT, look.cut(&line, 0)));
    }
}

fn range_text(range: &Decision, look: Look) -> String {
    let mut text = String::new();
    let bases = if range.bases.is_empty() { std::slice::from_ref(&range.base) } else { &range.bases };
    let bases: Vec<String> = bases.iter().map(tree_text).collect();
    let _ = writeln!(text, "{} {}", look.paint(FAINT, "base"), bases.join(", "));
    let _ = writeln!(text, "{} {}", look.paint(FAINT, "head"), tree_text(&range.head));
    let _ = writeln!(text, "{}", look.paint(FAINT, format!("     {}", range.decision)));
    text.push('\n');
    text
}

/// How the base was chosen: each candidate, whether it was taken, and why.
pub fn steps_text(range: &Decision, look: Look) -> String {
    let mut text = String::new();
    for (at, step) in range.steps.iter().enumerate() {
        let said_by = RepoPath::root().child(step.said_by.as_bytes());
        let outcome = if step.taken { look.paint(STRONG, "taken") } else { "passed by".to_owned() };
        let _ = writeln!(text, "{:>3}. {}  {}", at + 1, step.candidate, look.paint(FAINT, format!("({said_by})")));
        let _ = writeln!(text, "     {outcome}: {}", step.why);
    }
    if range.steps.iter().all(|step| !step.taken) {
        let _ = writeln!(text, "     {}", range.decision);
    }
    text.push('\n');
    text
}

/// A tree by its commit, and by the name that it was asked for by.
pub fn tree_text(tree: &TreeName) -> String {
    let commit = tree.commit.as_deref().map(|commit| &commit[..commit.len().min(12)]);
    match (tree.kind, commit, &tree.revision) {
        (TreeKind::Commit, Some(commit), Some(revision)) if !commit.starts_with(revision.as_str()) => {
            format!("{commit} ({})", RepoPath::root().child(revision.as_bytes()))
        }
        (TreeKind::Commit, Some(commit), _) => commit.to_owned(),
        (TreeKind::Commit, None, _) => "a commit".to_owned(),
        (TreeKind::Index, commit, _) => format!("what is staged, on {}", commit.unwrap_or("no commit")),
        (TreeKind::WorkTree, commit, _) => format!("the work tree, on {}", commit.unwrap_or("no commit")),
        (TreeKind::Empty, ..) => "the empty tree".to_owned(),
    }
}

fn projects_text(text: &mut String, report: &AffectedReport, look: Look) {
    if report.projects.is_empty() {
        text.push_str("nothing is affected\n");
        return;
    }
    let mut order: Vec<&AffectedProject> = report.projects.iter().collect();
    let everything = report.widened.iter().any(|doubt| doubt.scope == Scope::All);
    if everything && !look.all {
        // Where everything is planned, worth telling is what would be planned anyway.
        order.retain(|project| project.causes.iter().any(|told| is_certain(&told.cause)));
    }
    order.sort_by_key(|project| (project.distance, &project.id));
    let shown = look.most(order.len(), MOST_PROJECTS);
    let widest = order[..shown].iter().map(|project| project.name.width()).max().unwrap_or(0).min(40);
    for project in &order[..shown] {
        let tasks: Vec<&str> = project.tasks.iter().map(|task| task.0.as_str()).collect();
        let _ = writeln!(
            text,
            "{}  {}  {}",
            look.paint(NAME, padded(&project.name, widest)),
            padded(&tasks.join(" "), 16),
            look.paint(FAINT, project.id.to_string())
        );
        causes_text(text, &project.causes, look);
    }
    let rest = report.projects.len() - shown;
    if everything && rest > 0 {
        let _ = writeln!(
            text,
            "{}",
            look.paint(DOUBT, format!("and {} because of what is widened", count(rest, "project", "projects")))
        );
    } else if rest > 0 {
        let _ = writeln!(text, "{}", look.paint(FAINT, format!("… and {rest} more; --all tells")));
    }
}

/// Whether a cause is known, and stands by itself.
fn is_certain(cause: &Cause) -> bool {
    !matches!(cause, Cause::Widened { .. } | Cause::Upstream { .. })
}

/// The causes of a project that tell why it is affected, in order.
pub fn telling_causes(causes: &[ProjectCause]) -> Vec<&Cause> {
    // Steps within the project are its own affair: they tell nothing about why it is affected.
    let mut told: Vec<&Cause> = causes.iter().map(|told| &told.cause).collect();
    told.retain(|cause| !matches!(cause, Cause::Upstream { evidence: None, .. }));
    if told.iter().any(|cause| is_certain(cause)) {
        told.retain(|cause| !matches!(cause, Cause::Widened { .. }));
    }
    told
}

fn causes_text(text: &mut String, causes: &[ProjectCause], look: Look) {
    let told = telling_causes(causes);
    let shown = look.most(told.len(), MOST_CAUSES);
    for cause in &told[..shown] {
        let (sentence, evidence) = cause_text(cause);
        let _ = writeln!(text, "    {}", look.cut(&sentence, 4));
        if let Some(evidence) = evidence {
            let line = look.cut(&evidence_text(evidence), 6);
            let _ = writeln!(text, "      {}", look.paint(FAINT, line));
        }
    }
    if shown < told.len() {
        let _ = writeln!(text, "    {}", look.paint(FAINT, format!("and {} more", told.len() - shown)));
    }
}

fn remainder_text(text: &mut String, report: &AffectedReport, look: Look) {
    let shown = look.most(report.widened.len(), MOST_FILES);
    for doubt in &report.widened[..shown] {
        let _ = writeln!(text, "{} {}", look.paint(DOUBT, "widened"), doubt_text(doubt));
    }
    if shown < report.widened.len() {
        let _ = writeln!(text, "{} and {} times more", look.paint(DOUBT, "widened"), report.widened.len() - shown);
    }
    paths_text(text, "no project owns or reads", &report.unowned, look);
    paths_text(text, "read by no task", &report.unread, look);
    if !report.removed.is_empty() {
        let removed: Vec<String> = report.removed.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "{} {}", look.paint(FAINT, "removed"), look.cut(&removed.join(", "), 8));
    }
}

/// What cannot be known, and what that means for the plan.
pub fn doubt_text(doubt: &Doubt) -> String {
    let scope = match &doubt.scope {
        Scope::All => "everything is planned".to_owned(),
        Scope::Ecosystem { name, below } if below.is_root() => format!("all of {name} is planned"),
        Scope::Ecosystem { name, below } => format!("all of {name} below {below} is planned"),
        Scope::Project(project) => format!("{project} is planned"),
    };
    format!("{}: {scope}", doubt.detail)
}

fn paths_text(text: &mut String, what: &str, paths: &[RepoPath], look: Look) {
    if paths.is_empty() {
        return;
    }
    let shown = look.most(paths.len(), MOST_FILES);
    let list: Vec<String> = paths[..shown].iter().map(ToString::to_string).collect();
    let more = if shown < paths.len() { format!(" and {} more", paths.len() - shown) } else { String::new() };
    let _ = writeln!(text, "{} {}{more}", look.paint(FAINT, format!("{what}:")), list.join(", "));
}

/// Projects, each with what it depends on.
pub fn graph_text(report: &GraphReport, look: Look) -> String {
    let mut text = String::new();
    let names: BTreeMap<&ProjectId, &str> =
        report.projects.iter().map(|project| (&project.id, project.name.as_str())).collect();
    for project in &report.projects {
        let about = format!("{} {}", project.kind, project.ecosystems.join(" "));
        let _ = writeln!(
            text,
            "{}  {}  {}",
            look.paint(NAME, &project.name),
            about,
            look.paint(FAINT, project.id.to_string())
        );
        for joined in &project.joined {
            let _ =
                writeln!(text, "    with {}  {}", joined.folder, look.paint(FAINT, evidence_text(&joined.evidence)));
        }
        for edge in report.edges.iter().filter(|edge| edge.from == project.id) {
            let kind = format!("{:?}", edge.kind).to_lowercase();
            let to = names.get(&edge.to).map_or_else(|| edge.to.to_string(), |name| (*name).to_owned());
            let line = look.cut(&evidence_text(&edge.evidence), 12 + to.width());
            let _ = writeln!(text, "    {} → {to}  {}", padded(&kind, 6), look.paint(FAINT, line));
        }
    }
    let _ = writeln!(
        text,
        "{}, {}",
        count(report.projects.len(), "project", "projects"),
        count(report.edges.len(), "edge", "edges")
    );
    text
}

/// What a task reads.
pub fn inputs_text(report: &InputsReport, look: Look) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}", look.paint(NAME, report.task.to_string()));
    let _ = writeln!(text, "{} {}", look.paint(FAINT, "fingerprint"), report.fingerprint);
    for command in &report.commands {
        let line = harmless(&command.line);
        let _ = writeln!(
            text,
            "{} {line}  {}",
            look.paint(FAINT, "runs"),
            look.paint(FAINT, format!("in {}", command.folder))
        );
    }
    for read in &report.reads {
        let evidence = read.evidence.as_ref().map(evidence_text).unwrap_or_default();
        let _ = writeln!(text, "{} {}  {}", look.paint(FAINT, "reads"), read.task, look.paint(FAINT, evidence));
    }
    for slice in &report.slices {
        let entry = harmless(&slice.entry);
        let needs = match slice.entries {
            0 | 1 => String::new(),
            entries => format!(" and {} that it needs", count(entries - 1, "entry", "entries")),
        };
        let _ = writeln!(text, "{} {}: {entry}{needs}", look.paint(FAINT, "reads"), slice.path);
    }
    for name in &report.environment {
        let _ = writeln!(text, "{} ${name}", look.paint(FAINT, "reads"));
    }
    let mut by_evidence: BTreeMap<String, Vec<&RepoPath>> = BTreeMap::new();
    for input in &report.inputs {
        by_evidence.entry(evidence_text(&input.evidence)).or_default().push(&input.path);
    }
    if !report.inputs.is_empty() {
        let _ = writeln!(text, "{}:", count(report.inputs.len(), "file", "files"));
    }
    for (evidence, paths) in by_evidence {
        let _ = writeln!(text, "  {}", look.paint(FAINT, look.cut(&evidence, 2)));
        let shown = look.most(paths.len(), MOST_FILES * 2);
        for path in &paths[..shown] {
            let _ = writeln!(text, "    {path}");
        }
        if shown < paths.len() {
            let _ =
                writeln!(text, "    {}", look.paint(FAINT, format!("… and {} more; --all tells", paths.len() - shown)));
        }
    }
    text
}

/// What was understood of a tree.
pub fn check_text(report: &CheckReport, look: Look) -> String {
    let mut text = String::new();
    for (what, counts) in
        [("projects", &report.projects), ("kinds", &report.kinds), ("edges", &report.edges), ("tasks", &report.tasks)]
    {
        let counted: Vec<String> = counts.iter().map(|(name, number)| format!("{number} {name}")).collect();
        let counted = if counted.is_empty() { "none".to_owned() } else { counted.join(", ") };
        let _ = writeln!(text, "{}  {counted}", look.paint(STRONG, padded(what, 8)));
    }
    for doubt in &report.widened {
        let _ = writeln!(text, "{} {}", look.paint(DOUBT, "widened "), doubt.detail);
    }
    if !report.unowned.is_empty() {
        text.push('\n');
        paths_text(&mut text, "no project owns or reads", &report.unowned, look);
        text.push_str("a change to one of them affects everything; list in `[workspace] ignore` what nothing reads,\n");
        text.push_str("or in a project's `inputs` what it reads\n");
    }
    text
}
