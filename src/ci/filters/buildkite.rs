//! Buildkite: `if_changed` of steps.
//!
//! `**` crosses folders wherever it stands, a comma outside of braces parts whole patterns, and excludes win.

use std::collections::BTreeSet;

use super::files::{Page, texts};
use super::glob::{DoubleStar, Glob, Grammar, Question};
use super::work::Work;
use super::{Combination, Engine, PathFilter, PathPattern, Pipeline, Reader};
use crate::discover::syntax::{Located, Value};
use crate::path::RepoPath;
use crate::tree::TreeError;

const GRAMMAR: Grammar = Grammar {
    double_star: DoubleStar::Anywhere,
    question: Question::OneCharacter,
    classes: true,
    braces: true,
    groups: false,
    commas: true,
    ignores_case: false,
};

pub(super) fn is_pipeline(path: &RepoPath) -> bool {
    let below = path.as_bytes().starts_with(b".buildkite/");
    below && path.name().is_some_and(|name| name.ends_with(b".yml") || name.ends_with(b".yaml"))
}

/// Reads a pipeline.
pub(super) fn read(reader: &mut Reader<'_>, page: &Page<'_>) -> Result<(), TreeError> {
    let steps = page.root.get("steps").unwrap_or(&page.root);
    let root = BTreeSet::from([RepoPath::root()]);
    let mut work = Work::default();
    work.gather(reader.files, page, steps, &root);
    let mut filters = Vec::new();
    find(reader, page, steps, &mut filters);
    reader.pipelines.push(Pipeline { engine: Engine::Buildkite, file: page.file.clone(), work, filters });
    Ok(())
}

fn find(reader: &Reader<'_>, page: &Page<'_>, value: &Located, filters: &mut Vec<PathFilter>) {
    if let Some(condition) = value.get("if_changed") {
        let include = condition.get("include").unwrap_or(condition);
        let excluded = condition.get("exclude").map(texts).unwrap_or_default();
        let included = texts(include).into_iter().map(|(text, line)| (false, text, line));
        let all = included.chain(excluded.into_iter().map(|(text, line)| (true, text, line)));
        let pattern = |(excludes, text, line): (bool, String, u32)| PathPattern {
            glob: Glob::new(&text, GRAMMAR),
            depth: 0,
            place: page.evidence(line),
            excludes,
            changes: None,
            text,
        };
        let patterns: Vec<PathPattern> = all.map(pattern).collect();
        let name = ["key", "label", "group", "name"].iter().find_map(|key| value.get(key)?.text());
        let mut work = Work::default();
        work.gather(reader.files, page, value, &BTreeSet::from([RepoPath::root()]));
        filters.push(PathFilter {
            names: vec![format!("step {}", name.unwrap_or("without a name"))],
            place: patterns.first().map_or_else(|| page.evidence(condition.line), |first| first.place.clone()),
            combination: Combination::AnyUnlessExcluded,
            patterns,
            work: Some(work),
            repeated: Vec::new(),
        });
    }
    match &value.value {
        Value::List(items) => items.iter().for_each(|item| find(reader, page, item, filters)),
        Value::Table(pairs) => pairs.iter().for_each(|(_, below)| find(reader, page, below, filters)),
        _ => {}
    }
}
