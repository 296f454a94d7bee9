//! `dorny/paths-filter`: filters by name in a step of a workflow, inline or in a file of their own.
//!
//! Patterns are those of picomatch, with names that begin with a dot. Every pattern is asked by itself: under `some`, the
//! default, a pattern `!x` holds for all files but `x`, so it widens where its author meant to narrow; `every` wants all
//! to hold, and `some-with-excludes` is what most authors mean. A pattern may be for added, modified or deleted files only.

use std::collections::BTreeSet;

use super::files::Page;
use super::github::job_work;
use super::glob::{DoubleStar, Glob, Grammar, Question};
use super::work::Work;
use super::{Combination, PathFilter, PathPattern, Reader};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::discover::syntax::{Located, Value, read_yaml};
use crate::path::RepoPath;
use crate::tree::{ChangeKind, TreeError};

const GRAMMAR: Grammar = Grammar {
    double_star: DoubleStar::Segment,
    question: Question::OneCharacter,
    classes: true,
    braces: true,
    groups: true,
    commas: false,
    ignores_case: false,
};

/// A step that filters, and where its outputs go.
struct Step<'a> {
    job: &'a str,
    id: Option<&'a str>,
    quantifier: Combination,
}

/// Reads the filters of all jobs of a workflow.
pub(super) fn read(reader: &mut Reader<'_>, page: &Page<'_>) -> Result<Vec<PathFilter>, TreeError> {
    let mut filters = Vec::new();
    for (name, job) in page.root.get("jobs").into_iter().flat_map(Located::entries) {
        for step in job.get("steps").map(Located::items).unwrap_or_default() {
            let is_filter = |used: &str| used.starts_with("dorny/paths-filter@");
            if !step.get("uses").and_then(Located::text).is_some_and(is_filter) {
                continue;
            }
            let Some(written) = step.at(&["with", "filters"]) else { continue };
            let quantifier = match step.at(&["with", "predicate-quantifier"]).and_then(Located::text) {
                Some("every") => Combination::Every,
                Some("some-with-excludes") => Combination::AnyUnlessExcluded,
                _ => Combination::Any,
            };
            let step = Step { job: &name.text, id: step.get("id").and_then(Located::text), quantifier };
            filters.extend(read_step(reader, page, &step, written)?);
        }
    }
    Ok(filters)
}

fn read_step(
    reader: &mut Reader<'_>,
    page: &Page<'_>,
    step: &Step<'_>,
    written: &Located,
) -> Result<Vec<PathFilter>, TreeError> {
    let Some(text) = written.text() else { return Ok(Vec::new()) };
    let mut named: Vec<(String, Evidence, Vec<PathPattern>)> = Vec::new();
    // One line without a colon is the name of a file.
    if !text.trim().contains('\n') && !text.contains(':') {
        let Ok(place) = RepoPath::root().resolve(text.trim().as_bytes()) else { return Ok(Vec::new()) };
        reader.page(&place, |_, file| {
            named = filters_of(&file.root, &|line| file.evidence(line));
            Ok(())
        })?;
    } else {
        match read_yaml(text.as_bytes()) {
            Ok(documents) => {
                // A block's line is that of its first text.
                let evidence = |line: u32| page.evidence(written.line + line.saturating_sub(1));
                named = documents.iter().flat_map(|root| filters_of(root, &evidence)).collect();
            }
            Err(why) => {
                let message = format!("the filters of this step cannot be read: {why}");
                let place = page.evidence(written.line);
                reader.findings.push(Diagnostic::warning("unreadable-pipeline", message).at(&place));
            }
        }
    }
    let alone = named.len() == 1;
    let mut filters = Vec::new();
    for (name, place, patterns) in named {
        let work = guarded(reader, page, step, &name, alone)?;
        if step.quantifier == Combination::Any {
            let negated = patterns.iter().filter(|pattern| pattern.excludes);
            reader.findings.extend(negated.map(|pattern| {
                let message = format!("`{}` holds for every file but those: it takes nothing out", pattern.text);
                let help = "give the step `predicate-quantifier: some-with-excludes`";
                Diagnostic::warning("widening-negation", message).at(&pattern.place).help(help)
            }));
        }
        let names = vec![format!("filter {name}")];
        filters.push(PathFilter {
            names,
            place,
            combination: step.quantifier,
            patterns,
            work: Some(work),
            repeated: Vec::new(),
        });
    }
    Ok(filters)
}

fn filters_of(root: &Located, evidence: &dyn Fn(u32) -> Evidence) -> Vec<(String, Evidence, Vec<PathPattern>)> {
    let filter = |name: &str, line: u32, list: &Located| {
        let mut patterns = Vec::new();
        add(list, None, evidence, &mut patterns);
        (name.to_owned(), evidence(line), patterns)
    };
    root.entries().map(|(key, list)| filter(&key.text, key.line, list)).collect()
}

/// Adds the patterns of a list, of lists in it (shared by an anchor), and of those for some kinds of change alone.
fn add(
    value: &Located,
    changes: Option<&[ChangeKind]>,
    evidence: &dyn Fn(u32) -> Evidence,
    patterns: &mut Vec<PathPattern>,
) {
    match &value.value {
        Value::List(items) => items.iter().for_each(|item| add(item, changes, evidence, patterns)),
        Value::Table(pairs) => {
            for (key, below) in pairs {
                let kinds: Vec<ChangeKind> = key.text.split('|').filter_map(|kind| change_of(kind.trim())).collect();
                add(below, Some(&kinds), evidence, patterns);
            }
        }
        _ => {
            let Some(text) = value.scalar() else { return };
            let (excludes, plain) = match text.strip_prefix('!') {
                Some(plain) if !plain.starts_with('(') => (true, plain),
                _ => (false, text.as_str()),
            };
            patterns.push(PathPattern {
                glob: Glob::new(plain.strip_prefix("./").unwrap_or(plain), GRAMMAR),
                depth: 0,
                place: evidence(value.line),
                excludes,
                changes: changes.map(<[ChangeKind]>::to_vec),
                text,
            });
        }
    }
}

fn change_of(kind: &str) -> Option<ChangeKind> {
    match kind {
        "added" | "copied" => Some(ChangeKind::Added),
        "modified" => Some(ChangeKind::Modified),
        "deleted" => Some(ChangeKind::Deleted),
        _ => None,
    }
}

/// What runs only where a filter holds: jobs and steps whose condition asks for its output. Where nobody seems to ask for the
/// only filter of a step, whoever asks for an output of its job.
fn guarded(
    reader: &mut Reader<'_>,
    page: &Page<'_>,
    step: &Step<'_>,
    filter: &str,
    alone: bool,
) -> Result<Work, TreeError> {
    let jobs: Vec<(&str, &Located)> = page
        .root
        .get("jobs")
        .into_iter()
        .flat_map(Located::entries)
        .map(|(key, job)| (key.text.as_str(), job))
        .collect();
    let own = step.id.map(|id| format!("steps.{id}.outputs."));
    let outputs = jobs.iter().filter(|(name, _)| *name == step.job).filter_map(|(_, job)| job.get("outputs"));
    let of_filter = |text: &str| own.as_ref().is_some_and(|own| asks(text, own, filter));
    let handed_on: Vec<String> = outputs
        .flat_map(Located::entries)
        .filter(|(_, value)| value.text().is_some_and(of_filter))
        .map(|(key, _)| key.text.clone())
        .collect();
    let needed = format!("needs.{}.outputs.", step.job);
    let mut work = Work::default();
    for any_output in [false, true] {
        let asks_for_it = |condition: &str| {
            handed_on.iter().any(|output| asks(condition, &needed, output))
                || of_filter(condition)
                || (any_output && condition.contains(&needed))
        };
        for (_, job) in &jobs {
            let condition = |of: &Located| of.get("if").and_then(Located::text).is_some_and(asks_for_it);
            if condition(job) {
                work.extend(&job_work(reader, page, job, &mut BTreeSet::new(), 0)?);
                continue;
            }
            let steps = job.get("steps").map(Located::items).unwrap_or_default();
            for inner in steps.iter().filter(|inner| condition(inner)) {
                work.extend(&job_work(reader, page, inner, &mut BTreeSet::new(), 0)?);
            }
        }
        if !work.is_empty() || !alone {
            break;
        }
    }
    Ok(work)
}

/// Whether a condition asks for an output of this name.
fn asks(condition: &str, prefix: &str, output: &str) -> bool {
    let by_dot = format!("{prefix}{output}");
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '-');
    condition.match_indices(&by_dot).any(|(at, _)| ends(&condition[at + by_dot.len()..]))
        || condition.contains(&format!("{}['{output}']", prefix.trim_end_matches('.')))
}
