//! Azure Pipelines: `trigger.paths` and `pr.paths`.
//!
//! A path is a prefix, from the root on, whole segments, case and all; `/` is everything. A deeper include overrides an
//! exclude and the other way round, the order does not matter, and excludes alone exclude from everything. With `*`, `**`
//! or `?` a pattern has to match the whole path.

use std::collections::BTreeSet;

use super::files::{Page, texts};
use super::glob::{DoubleStar, Glob, Grammar, Question};
use super::lints;
use super::work::Work;
use super::{Combination, Engine, PathFilter, PathPattern, Pipeline, Reader};
use crate::discover::syntax::{Located, Value};
use crate::path::RepoPath;
use crate::tree::TreeError;

const GRAMMAR: Grammar = Grammar {
    double_star: DoubleStar::Anywhere,
    question: Question::OneCharacter,
    classes: false,
    braces: false,
    groups: false,
    commas: false,
    ignores_case: false,
};

/// Folders of which every YAML file is a pipeline or a template of one.
const FOLDERS: [&[u8]; 4] = [b".azure-pipelines", b".azuredevops", b".azure", b".pipelines"];

/// Templates may use each other this deep.
const DEEPEST: usize = 16;

pub(super) fn is_pipeline(path: &RepoPath) -> bool {
    let Some(name) = path.name() else { return false };
    let is_yaml = name.ends_with(b".yml") || name.ends_with(b".yaml");
    let in_folder = path.segments().next().is_some_and(|first| FOLDERS.contains(&first));
    is_yaml && (name.starts_with(b"azure-pipelines") || name.starts_with(b"azure_pipelines") || in_folder)
}

/// Reads a file. One that has neither triggers nor work of its own is a template, and read with who uses it.
pub(super) fn read(reader: &mut Reader<'_>, page: &Page<'_>) -> Result<(), TreeError> {
    let is_started = ["trigger", "pr", "schedules", "resources", "jobs", "stages", "extends"];
    let is_template = page.root.get("parameters").is_some() && page.root.get("trigger").is_none();
    if is_template || !is_started.iter().any(|key| page.root.get(key).is_some()) {
        return Ok(());
    }
    let mut work = Work::default();
    let mut seen = BTreeSet::from([page.file.clone()]);
    gather(reader, page, &mut work, &mut seen, 0)?;
    let mut filters = Vec::new();
    for event in ["trigger", "pr"] {
        let Some(trigger) = page.root.get(event) else { continue };
        let Some(paths) = trigger.get("paths") else { continue };
        let filter = filter(page, event, paths);
        if event == "trigger" {
            lints::new_branches(trigger, &filter, &mut reader.findings);
        }
        filters.push(filter);
    }
    reader.pipelines.push(Pipeline { engine: Engine::Azure, file: page.file.clone(), work, filters });
    Ok(())
}

fn filter(page: &Page<'_>, event: &str, paths: &Located) -> PathFilter {
    let listed = |key: &str| paths.get(key).map(texts).unwrap_or_default();
    // A list without include and exclude includes.
    let plain = texts(paths);
    let included = listed("include").into_iter().chain(plain).map(|(text, line)| (false, text, line));
    let patterns = included.chain(listed("exclude").into_iter().map(|(text, line)| (true, text, line)));
    let patterns: Vec<PathPattern> = patterns
        .map(|(excludes, text, line)| PathPattern {
            glob: glob(&text),
            depth: text.split('/').filter(|segment| !segment.is_empty()).count(),
            place: page.evidence(line),
            excludes,
            changes: None,
            text,
        })
        .collect();
    let place = patterns.first().map_or_else(|| page.evidence(paths.line), |first| first.place.clone());
    PathFilter {
        names: vec![event.to_owned()],
        place,
        combination: Combination::Deepest,
        patterns,
        work: None,
        repeated: Vec::new(),
    }
}

fn glob(text: &str) -> Glob {
    let plain = text.trim_matches('/');
    match plain {
        "" => Glob::new("**", GRAMMAR),
        _ if plain.contains(['*', '?']) => Glob::new(plain, GRAMMAR),
        _ => Glob::below(plain),
    }
}

/// What a file names, and the templates that it uses.
fn gather(
    reader: &mut Reader<'_>,
    page: &Page<'_>,
    work: &mut Work,
    seen: &mut BTreeSet<RepoPath>,
    depth: usize,
) -> Result<(), TreeError> {
    let folder = page.file.parent().unwrap_or_else(RepoPath::root);
    let folders = BTreeSet::from([RepoPath::root(), folder.clone()]);
    work.gather(reader.files, page, &page.root, &folders);
    let mut templates = Vec::new();
    find_templates(&page.root, &mut templates);
    for template in templates {
        if template.contains('@') || template.contains("${{") || depth >= DEEPEST {
            work.is_hidden = true;
            continue;
        }
        let place = match template.strip_prefix('/') {
            Some(from_top) => RepoPath::root().resolve(from_top.as_bytes()),
            None => folder.resolve(template.as_bytes()),
        };
        let Ok(place) = place else { continue };
        if seen.insert(place.clone()) {
            reader.page(&place, |reader, page| gather(reader, page, work, seen, depth + 1))?;
        }
    }
    Ok(())
}

fn find_templates(value: &Located, found: &mut Vec<String>) {
    match &value.value {
        Value::Table(pairs) => {
            for (key, below) in pairs {
                match below.text() {
                    Some(text) if key.text == "template" => found.push(text.to_owned()),
                    _ => find_templates(below, found),
                }
            }
        }
        Value::List(items) => items.iter().for_each(|item| find_templates(item, found)),
        _ => {}
    }
}
