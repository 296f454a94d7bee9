//! GitHub Actions: `on.<event>.paths` and `paths-ignore`, and what the jobs of a workflow work on.
//!
//! `*` stays within a segment and `**` does not; `?` makes the character before it optional and `+` repeats it; `!` at the
//! start takes out again; the last pattern that matches a path decides. A pattern has to match the whole path, so the
//! name of a folder alone matches nothing.

use std::collections::BTreeSet;

use super::files::{Page, texts};
use super::glob::{DoubleStar, Glob, Grammar, Question};
use super::work::Work;
use super::{Combination, Engine, PathFilter, PathPattern, Pipeline, Reader, paths_filter};
use crate::discover::syntax::Located;
use crate::path::RepoPath;
use crate::tree::TreeError;

const GRAMMAR: Grammar = Grammar {
    double_star: DoubleStar::Anywhere,
    question: Question::Optional,
    classes: true,
    braces: false,
    groups: false,
    commas: false,
    ignores_case: false,
};

const FOLDER: &[u8] = b".github/workflows/";

/// Workflows and actions may use each other this deep.
const DEEPEST: usize = 10;

pub(super) fn is_workflow(path: &RepoPath) -> bool {
    let Some(name) = path.as_bytes().strip_prefix(FOLDER) else { return false };
    !name.contains(&b'/') && (name.ends_with(b".yml") || name.ends_with(b".yaml"))
}

/// Reads a workflow.
pub(super) fn read(reader: &mut Reader<'_>, page: &Page<'_>) -> Result<(), TreeError> {
    // `on` is a truth value to some readers of YAML.
    let Some(on) = page.root.get("on").or_else(|| page.root.get("true")) else { return Ok(()) };
    let only_called = on.entries().all(|(event, _)| event.text == "workflow_call") && on.is_table();
    if only_called {
        return Ok(());
    }
    let mut work = Work::default();
    let mut seen = BTreeSet::from([page.file.clone()]);
    for (_, job) in page.root.get("jobs").into_iter().flat_map(Located::entries) {
        work.extend(&job_work(reader, page, job, &mut seen, 0)?);
    }
    let mut filters = Vec::new();
    for (event, settings) in on.entries() {
        for (key, combination) in [("paths", Combination::Last), ("paths-ignore", Combination::LastOrElseIn)] {
            if let Some(list) = settings.get(key) {
                filters.push(filter(page, &event.text, list, combination));
            }
        }
    }
    filters.extend(paths_filter::read(reader, page)?);
    reader.pipelines.push(Pipeline { engine: Engine::Github, file: page.file.clone(), work, filters });
    Ok(())
}

fn filter(page: &Page<'_>, event: &str, list: &Located, combination: Combination) -> PathFilter {
    let ignores = combination == Combination::LastOrElseIn;
    let pattern = |(text, line): (String, u32)| {
        let (negated, plain) = text.strip_prefix('!').map_or((false, text.as_str()), |plain| (true, plain));
        PathPattern {
            glob: Glob::new(plain, GRAMMAR),
            depth: 0,
            place: page.evidence(line),
            excludes: negated != ignores,
            changes: None,
            text,
        }
    };
    let patterns: Vec<PathPattern> = texts(list).into_iter().map(pattern).collect();
    let place = patterns.first().map_or_else(|| page.evidence(list.line), |first| first.place.clone());
    PathFilter { names: vec![event.to_owned()], place, combination, patterns, work: None, repeated: Vec::new() }
}

/// What a job works on, with the workflow or the actions that it uses.
pub(super) fn job_work(
    reader: &mut Reader<'_>,
    page: &Page<'_>,
    job: &Located,
    seen: &mut BTreeSet<RepoPath>,
    depth: usize,
) -> Result<Work, TreeError> {
    let mut work = Work::default();
    for (key, values) in job.at(&["strategy", "matrix"]).into_iter().flat_map(Located::entries) {
        match key.text.as_str() {
            "include" => {
                for (key, value) in values.items().iter().flat_map(Located::entries) {
                    stand_for(&mut work, &key.text, texts(value));
                }
            }
            "exclude" => {}
            name => {
                stand_for(&mut work, name, texts(values));
                for (inner, value) in values.items().iter().flat_map(Located::entries) {
                    stand_for(&mut work, &format!("{name}.{}", inner.text), texts(value));
                }
            }
        }
    }
    let root = BTreeSet::from([RepoPath::root()]);
    work.gather(reader.files, page, job, &root);
    let steps = job.get("steps").map(Located::items).unwrap_or_default();
    for user in steps.iter().chain([job]) {
        let Some(used) = user.get("uses").and_then(Located::text) else { continue };
        let Some(local) = used.strip_prefix("./") else {
            work.is_hidden |= used.contains("/.github/workflows/");
            continue;
        };
        if depth >= DEEPEST {
            work.is_hidden = true;
            continue;
        }
        for place in places_of(local) {
            if reader.files.has(&place) && !reader.files.has_folder(&place) && seen.insert(place.clone()) {
                let inner = reader.page(&place, |reader, page| used_work(reader, page, &mut work, seen, depth + 1));
                inner?;
            }
        }
    }
    Ok(work)
}

fn stand_for(work: &mut Work, name: &str, values: Vec<(String, u32)>) {
    let values: Vec<String> =
        values.into_iter().map(|(value, _)| value).filter(|value| !value.contains("${{")).collect();
    if !values.is_empty() {
        work.stand_for(&format!("${{{{ matrix.{name} }}}}"), values.clone());
        work.stand_for(&format!("${{{{matrix.{name}}}}}"), values);
    }
}

/// The file of a local workflow, or that of a local action.
fn places_of(local: &str) -> Vec<RepoPath> {
    let files = ["", "/action.yml", "/action.yaml"];
    files.iter().filter_map(|file| RepoPath::root().resolve(format!("{local}{file}").as_bytes()).ok()).collect()
}

/// What a workflow or an action does for whoever uses it.
fn used_work(
    reader: &mut Reader<'_>,
    page: &Page<'_>,
    work: &mut Work,
    seen: &mut BTreeSet<RepoPath>,
    depth: usize,
) -> Result<(), TreeError> {
    let jobs: Vec<&Located> =
        page.root.get("jobs").into_iter().flat_map(Located::entries).map(|(_, job)| job).collect();
    for job in jobs.into_iter().chain(page.root.get("runs")) {
        let inner = job_work(reader, page, job, seen, depth)?;
        work.extend(&inner);
    }
    Ok(())
}
