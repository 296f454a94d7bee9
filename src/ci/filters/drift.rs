//! What to write to filters so that they match what they miss, within what their engines take.

use std::collections::{BTreeMap, BTreeSet};

use super::gitlab::MOST_PATTERNS;
use super::write::{NO_LITERAL_LIST, SHARED_LIST, WrittenList, literal_lists, written};
use super::{Audit, AuditedFilter, Combination, Engine, PathFilter, Pipelines};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::path::RepoPath;

/// What the filters of a tree lack, and how to write it.
#[derive(Debug, Default)]
pub struct Drift {
    /// The lists that lack patterns, sorted by file and line.
    pub changes: Vec<ListChange>,
    /// The new bytes of each file that changes.
    pub files: BTreeMap<RepoPath, Vec<u8>>,
    /// Filters that miss inputs and are left alone, and why. An error where an engine would take no such list.
    pub left: Vec<Diagnostic>,
}

/// Patterns for one list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListChange {
    /// The item of the list that they go behind: the last, or the one before the first that keeps something out.
    pub behind: Evidence,
    /// The patterns, as the engine writes them.
    pub add: Vec<String>,
}

/// One list and what it lacks.
struct Lacking {
    engine: Engine,
    list: WrittenList,
    add: BTreeSet<String>,
}

/// The files that filters stand in which miss something.
pub fn drifted_files(pipelines: &Pipelines, audit: &Audit) -> BTreeSet<RepoPath> {
    let filters = audit.filters.iter().filter(|filter| !filter.missed.is_empty());
    let places = filters.flat_map(|filter| pipelines.filter(filter).lists().into_iter().flatten());
    places.map(|(place, _)| place.file.clone()).collect()
}

/// Says what to write to the lists of these files. A file that is not given is left alone.
pub fn drift(pipelines: &Pipelines, audit: &Audit, sources: &BTreeMap<RepoPath, Vec<u8>>) -> Drift {
    let mut drift = Drift::default();
    let mut lacking: BTreeMap<RepoPath, BTreeMap<usize, Lacking>> = BTreeMap::new();
    for audited in audit.filters.iter().filter(|filter| !filter.missed.is_empty()) {
        let filter = pipelines.filter(audited);
        for patterns in filter.lists() {
            let (file, lists) = match lists_of(filter, audited, &patterns, sources) {
                Ok(found) => found,
                Err(why) => {
                    let place = patterns.first().map_or(&audited.place, |(place, _)| *place);
                    drift.left.push(left_alone(place, why));
                    continue;
                }
            };
            let of_file = lacking.entry(file).or_default();
            for list in lists {
                let missed = audited.missed.iter().flat_map(|missed| &missed.add);
                let add = missed.filter(|pattern| !list.contains(pattern)).cloned();
                let add: BTreeSet<String> = add.collect();
                let known = Lacking { engine: audited.engine, list, add: BTreeSet::new() };
                of_file.entry(known.list.first).or_insert(known).add.extend(add);
            }
        }
    }
    for (file, lists) in lacking {
        if let Some(source) = sources.get(&file) {
            drift.of_file(&file, source, lists);
        }
    }
    drift.left.sort();
    drift.left.dedup();
    drift
}

impl Drift {
    fn of_file(&mut self, file: &RepoPath, source: &[u8], lists: BTreeMap<usize, Lacking>) {
        let place = |line: usize, list: &WrittenList| {
            let there = list.patterns.iter().find(|(there, _)| *there == line);
            let text = there.map(|(_, pattern)| format!("- {pattern}")).unwrap_or_default();
            Evidence::new(file, u32::try_from(line).unwrap_or_default(), text)
        };
        let mut additions = Vec::new();
        for Lacking { engine, list, add } in lists.into_values() {
            match within_cap(engine, list.patterns.len(), without_covered(engine, add)) {
                Some(add) if add.is_empty() => {}
                Some(add) => additions.push((list, add.into_iter().collect::<Vec<String>>())),
                None => {
                    let message = format!("what this list misses does not fit into {MOST_PATTERNS} patterns");
                    let help = "part it into several rules, or take out patterns that match nothing";
                    let place = place(list.first, &list);
                    self.left.push(Diagnostic::error("too-many-patterns", message).at(&place).help(help));
                }
            }
        }
        let (bytes, left) = written(source, &additions);
        for (at, (list, add)) in additions.into_iter().enumerate() {
            if left.binary_search(&at).is_ok() {
                self.left.push(left_alone(&place(list.first, &list), SHARED_LIST));
            } else {
                self.changes.push(ListChange { behind: place(list.behind, &list), add });
            }
        }
        if bytes != source {
            self.files.insert(file.clone(), bytes);
        }
    }
}

fn left_alone(place: &Evidence, why: &str) -> Diagnostic {
    Diagnostic::warning("filter-left-alone", format!("this filter misses inputs and is not written to: {why}"))
        .at(place)
}

/// The literal lists that the patterns of a filter stand in, and their file.
fn lists_of(
    filter: &PathFilter,
    audited: &AuditedFilter,
    patterns: &[(&Evidence, &str)],
    sources: &BTreeMap<RepoPath, Vec<u8>>,
) -> Result<(RepoPath, Vec<WrittenList>), &'static str> {
    if audited.excludes_inputs {
        return Err("a pattern keeps out on purpose what its tasks read");
    }
    if audited.missed.iter().all(|missed| missed.add.is_empty()) {
        return Err("no pattern that is added would let in what it misses");
    }
    let Some(file) = patterns.first().map(|(place, _)| &place.file) else { return Err(NO_LITERAL_LIST) };
    if patterns.iter().any(|(place, _)| place.file != *file) {
        return Err("its patterns stand in several files");
    }
    let Some(source) = sources.get(file) else { return Err("it stands in no plain file of the work tree") };
    let lines: Vec<(u32, &str)> = patterns.iter().map(|(place, text)| (place.line, *text)).collect();
    let lists = literal_lists(source, &lines).ok_or(NO_LITERAL_LIST)?;
    let mut rest = filter.patterns.iter().zip(&lines);
    let mut letting_in = Vec::new();
    for mut list in lists {
        let items: Vec<(bool, u32)> =
            rest.by_ref().take(list.patterns.len()).map(|(pattern, (line, _))| (pattern.excludes, *line)).collect();
        match items.iter().position(|(excludes, _)| *excludes) {
            _ if items.iter().all(|(excludes, _)| *excludes) => continue,
            // Where the last pattern decides, what keeps out has to stay below what is added.
            Some(first) if filter.combination == Combination::Last => {
                let Some((_, line)) = first.checked_sub(1).and_then(|before| items.get(before)) else {
                    return Err(
                        "its first pattern keeps something out, and what is added would have to stand above it",
                    );
                };
                list.behind = *line as usize;
            }
            _ => {}
        }
        letting_in.push(list);
    }
    Ok((file.clone(), letting_in))
}

/// The folder that a pattern is everything below of.
fn folder_of(engine: Engine, pattern: &str) -> Option<&str> {
    match engine.all_below("") {
        Some(ending) => pattern.strip_suffix(ending.as_str()),
        None => Some(pattern),
    }
}

/// Leaves out patterns for what lies below others.
fn without_covered(engine: Engine, patterns: BTreeSet<String>) -> BTreeSet<String> {
    let folders: BTreeSet<&str> = patterns.iter().filter_map(|pattern| folder_of(engine, pattern)).collect();
    let is_covered = |pattern: &&String| {
        let name = folder_of(engine, pattern).unwrap_or(pattern);
        name.match_indices('/').any(|(at, _)| folders.contains(&name[..at]))
    };
    patterns.iter().filter(|pattern| !is_covered(pattern)).cloned().collect()
}

/// Patterns that fit behind others: as they are, else the deepest replaced by the folders around them as far as it takes.
/// None where not even the folders at the top fit.
fn within_cap(engine: Engine, present: usize, mut patterns: BTreeSet<String>) -> Option<BTreeSet<String>> {
    if engine != Engine::Gitlab || patterns.is_empty() {
        return Some(patterns);
    }
    let room = MOST_PATTERNS.saturating_sub(present);
    let depth = |pattern: &str| folder_of(engine, pattern).unwrap_or(pattern).matches('/').count();
    while patterns.len() > room {
        let deepest = patterns.iter().map(|pattern| depth(pattern)).max().filter(|deepest| *deepest > 0)?;
        let around = |pattern: String| {
            let name = folder_of(engine, &pattern).unwrap_or(&pattern);
            let folder = name.rsplit_once('/').filter(|_| depth(&pattern) == deepest).map(|(folder, _)| folder);
            folder.and_then(|folder| engine.all_below(folder)).unwrap_or(pattern)
        };
        patterns = without_covered(engine, patterns.into_iter().map(around).collect());
    }
    Some(patterns)
}
