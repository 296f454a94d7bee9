//! CircleCI: the mappings of the `path-filtering` orb.
//!
//! A line has an expression of Python that has to match a whole path, a parameter, and the value that the parameter gets.
//! What a parameter guards stands in the configuration that goes on: workflows whose `when` asks for it.

use std::collections::{BTreeMap, BTreeSet};

use super::files::{Page, texts};
use super::glob::Glob;
use super::work::Work;
use super::{Combination, Engine, PathFilter, PathPattern, Pipeline, Reader};
use crate::discover::syntax::{Located, Value};
use crate::path::RepoPath;
use crate::tree::TreeError;

pub(super) fn is_pipeline(path: &RepoPath) -> bool {
    matches!(path.as_bytes(), b".circleci/config.yml" | b".circleci/config.yaml")
}

/// Reads the configuration that every run begins with.
pub(super) fn read(reader: &mut Reader<'_>, page: &Page<'_>) -> Result<(), TreeError> {
    let root = BTreeSet::from([RepoPath::root()]);
    let mut work = Work::default();
    work.gather(reader.files, page, &page.root, &root);
    let mut filters = Vec::new();
    let mut settings = Vec::new();
    find(&page.root, &mut settings);
    for settings in settings {
        let Some(mapping) = settings.get("mapping") else { continue };
        let Some(written) = mapping.text() else { continue };
        let going_on = settings.get("config-path").and_then(Located::text).unwrap_or(".circleci/continue_config.yml");
        let mut guarded: BTreeMap<String, Work> = BTreeMap::new();
        let mut by_parameter: BTreeMap<String, Vec<PathPattern>> = BTreeMap::new();
        for (at, line) in (0..).zip(written.lines()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [expression, parameter, ..] = words[..] else { continue };
            by_parameter.entry(parameter.to_owned()).or_default().push(PathPattern {
                glob: Glob::of_expression(expression),
                depth: 0,
                place: page.evidence(mapping.line + at),
                excludes: false,
                changes: None,
                text: expression.to_owned(),
            });
        }
        if let Ok(place) = RepoPath::root().resolve(going_on.as_bytes()) {
            reader.page(&place, |reader, page| {
                for parameter in by_parameter.keys() {
                    guarded.insert(parameter.clone(), guarded_by(reader, page, parameter));
                }
                Ok(())
            })?;
        }
        for (parameter, patterns) in by_parameter {
            let Some(first) = patterns.first() else { continue };
            filters.push(PathFilter {
                place: first.place.clone(),
                work: guarded.remove(&parameter),
                names: vec![format!("parameter {parameter}")],
                combination: Combination::Any,
                patterns,
                repeated: Vec::new(),
            });
        }
    }
    filters.iter().filter_map(|filter| filter.work.as_ref()).for_each(|guarded| work.extend(guarded));
    reader.pipelines.push(Pipeline { engine: Engine::Circleci, file: page.file.clone(), work, filters });
    Ok(())
}

/// The settings of each use of the orb.
fn find<'a>(value: &'a Located, found: &mut Vec<&'a Located>) {
    match &value.value {
        Value::List(items) => items.iter().for_each(|item| find(item, found)),
        Value::Table(pairs) => {
            for (key, below) in pairs {
                match key.text.ends_with("/filter") && below.get("mapping").is_some() {
                    true => found.push(below),
                    false => find(below, found),
                }
            }
        }
        _ => {}
    }
}

/// What the jobs work on of the workflows that ask for a parameter.
fn guarded_by(reader: &Reader<'_>, page: &Page<'_>, parameter: &str) -> Work {
    let root = BTreeSet::from([RepoPath::root()]);
    let mut work = Work::default();
    let asked = format!("pipeline.parameters.{parameter}");
    for (_, workflow) in page.root.get("workflows").into_iter().flat_map(Located::entries) {
        if !workflow.get("when").is_some_and(|when| says(when, &asked)) {
            continue;
        }
        for entry in workflow.get("jobs").map(Located::items).unwrap_or_default() {
            work.gather(reader.files, page, entry, &root);
            let names = texts(entry).into_iter().map(|(name, _)| name);
            let named = names.chain(entry.entries().map(|(key, _)| key.text.clone()));
            for job in named.filter_map(|name| page.root.at(&["jobs", &name])) {
                work.gather(reader.files, page, job, &root);
            }
        }
    }
    work
}

/// Whether a condition asks for something, however deep.
fn says(value: &Located, asked: &str) -> bool {
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '-');
    match &value.value {
        Value::Text(text) => text.match_indices(asked).any(|(at, _)| ends(&text[at + asked.len()..])),
        Value::List(items) => items.iter().any(|item| says(item, asked)),
        Value::Table(pairs) => pairs.iter().any(|(_, below)| says(below, asked)),
        _ => false,
    }
}
