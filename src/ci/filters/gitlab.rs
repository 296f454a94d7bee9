//! GitLab: `rules:changes`, `only:changes` and `except:changes` of jobs, and those of `workflow`.
//!
//! Patterns are those of Ruby's `File.fnmatch` with names that begin with a dot and with braces: `*` stays within a
//! segment, and `**` crosses only where a `/` follows it, so `a/**` reaches no deeper than `a/*`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::files::{Page, texts};
use super::glob::{DoubleStar, Glob, Grammar, Question};
use super::work::Work;
use super::{Combination, Engine, PathFilter, PathPattern, Pipeline, Reader};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::discover::syntax::Located;
use crate::path::RepoPath;
use crate::tree::TreeError;

const GRAMMAR: Grammar = Grammar {
    double_star: DoubleStar::BeforeSlash,
    question: Question::OneCharacter,
    classes: true,
    braces: true,
    groups: false,
    commas: false,
    ignores_case: false,
};

/// Keys of a file that are no jobs.
const NO_JOBS: [&str; 13] = [
    "stages",
    "variables",
    "include",
    "default",
    "workflow",
    "image",
    "services",
    "cache",
    "before_script",
    "after_script",
    "spec",
    "pages_settings",
    "types",
];

/// More files are not followed from one.
const MOST_FILES: usize = 500;

/// Jobs may extend each other this deep.
const DEEPEST: usize = 12;

/// The child pipelines of more jobs are not followed.
const MOST_CHILDREN: usize = 200;

/// GitLab refuses a list with more patterns.
pub(super) const MOST_PATTERNS: usize = 50;

pub(super) fn is_pipeline(path: &RepoPath) -> bool {
    let name = path.name().unwrap_or_default();
    name.ends_with(b".gitlab-ci.yml") || name.ends_with(b".gitlab-ci.yaml")
}

/// Reads a file with all that it includes, unless another included it already.
pub(super) fn read(reader: &mut Reader<'_>, start: &RepoPath) -> Result<(), TreeError> {
    let mut starts = vec![start.clone()];
    while let Some(start) = starts.pop() {
        if reader.sources.contains(&start) {
            continue;
        }
        let sources = with_includes(reader, &start)?;
        let pages: Vec<Page<'_>> = sources.iter().filter_map(|(file, bytes)| Page::of(file, bytes).ok()).collect();
        read_pages(reader, &start, &Jobs::of(&pages), &mut starts);
    }
    Ok(())
}

/// A file and its bytes.
type Source = (RepoPath, Arc<[u8]>);

/// A file and the local ones that it includes, each that can be read.
fn with_includes(reader: &mut Reader<'_>, start: &RepoPath) -> Result<Vec<Source>, TreeError> {
    let mut sources = Vec::new();
    let mut pending = vec![start.clone()];
    let mut seen = BTreeSet::from([start.clone()]);
    while let Some(file) = pending.pop() {
        let mut is_read = false;
        reader.page(&file, |reader, page| {
            is_read = true;
            for place in page.root.get("include").map(|include| included(reader, include)).unwrap_or_default() {
                if seen.len() < MOST_FILES && seen.insert(place.clone()) {
                    pending.push(place);
                }
            }
            Ok(())
        })?;
        if is_read && let Some(bytes) = reader.files.read(&file)? {
            sources.push((file, bytes));
        }
    }
    Ok(sources)
}

/// The files that an `include` names, of this repository.
fn included(reader: &Reader<'_>, include: &Located) -> Vec<RepoPath> {
    let entries = match include.items() {
        [] => std::slice::from_ref(include),
        items => items,
    };
    let mut found = Vec::new();
    for entry in entries {
        let of_here = entry.get("project").is_none() && entry.get("artifact").is_none();
        let local = entry.text().or_else(|| entry.get("local").and_then(Located::text)).filter(|_| of_here);
        let Some(local) = local.map(|local| local.trim_start_matches('/')) else { continue };
        if local.contains('*') {
            let glob = Glob::new(local, Grammar { double_star: DoubleStar::Anywhere, ..GRAMMAR });
            found.extend(reader.files.paths.iter().filter(|path| glob.matches(path.as_bytes())).cloned());
        } else if let Ok(place) = RepoPath::root().resolve(local.as_bytes()) {
            found.push(place);
        }
    }
    found
}

/// The jobs of a file and all that it includes, by name.
struct Jobs<'a> {
    pages: &'a [Page<'a>],
    by_name: BTreeMap<&'a str, (usize, &'a Located)>,
}

impl<'a> Jobs<'a> {
    fn of(pages: &'a [Page<'a>]) -> Self {
        let mut by_name = BTreeMap::new();
        for (at, page) in pages.iter().enumerate() {
            for (key, job) in page.root.entries().filter(|(key, job)| job.is_table() && !NO_JOBS.contains(&&*key.text))
            {
                // The file that includes overrides what it includes.
                by_name.entry(key.text.as_str()).or_insert((at, job));
            }
        }
        Self { pages, by_name }
    }

    /// A job, then what it extends, nearest first.
    fn with_bases(&self, job: (usize, &'a Located)) -> Vec<(usize, &'a Located)> {
        let mut chain = vec![job];
        let mut at = 0;
        while at < chain.len() && at < DEEPEST {
            let extends = chain[at].1.get("extends").map(texts).unwrap_or_default();
            let bases = extends.iter().rev().filter_map(|(name, _)| self.by_name.get(name.as_str()));
            chain.extend(bases.copied().collect::<Vec<_>>());
            at += 1;
        }
        chain
    }
}

fn read_pages(reader: &mut Reader<'_>, start: &RepoPath, jobs: &Jobs<'_>, starts: &mut Vec<RepoPath>) {
    let mut whole = Work::default();
    let mut filters = Vec::new();
    let mut children = 0;
    for (name, job) in &jobs.by_name {
        let chain = jobs.with_bases(*job);
        let mut work = Work::default();
        for (page, part) in &chain {
            work.gather(reader.files, &jobs.pages[*page], part, &BTreeSet::from([RepoPath::root()]));
        }
        for child in chain.iter().find_map(|(_, part)| part.at(&["trigger", "include"])).into_iter() {
            for place in included(reader, child) {
                children += 1;
                if children > MOST_CHILDREN {
                    work.is_hidden = true;
                    break;
                }
                if let Ok(Some(bytes)) = reader.files.read(&place)
                    && let Ok(page) = Page::of(&place, &bytes)
                {
                    let folder = BTreeSet::from([RepoPath::root()]);
                    work.gather(reader.files, &page, &page.root, &folder);
                }
                starts.push(place);
            }
        }
        if name.starts_with('.') {
            continue;
        }
        whole.extend(&work);
        let variables = variables(jobs, &chain);
        if let Some(mut filter) = filter_of(reader, jobs, &chain, &variables) {
            filter.names = vec![format!("job {name}")];
            filter.work = Some(work);
            filters.push(filter);
        }
    }
    for (at, page) in jobs.pages.iter().enumerate() {
        if let Some(workflow) = page.root.get("workflow")
            && let Some(mut filter) = filter_of(reader, jobs, &[(at, workflow)], &variables(jobs, &[]))
        {
            filter.names = vec!["workflow".to_owned()];
            filters.push(filter);
        }
    }
    for filter in &filters {
        judge(reader, filter);
    }
    reader.pipelines.push(Pipeline { engine: Engine::Gitlab, file: start.clone(), work: whole, filters });
}

fn variables(jobs: &Jobs<'_>, chain: &[(usize, &Located)]) -> BTreeMap<String, String> {
    let of_files = jobs.pages.iter().filter_map(|page| page.root.get("variables"));
    let of_job = chain.iter().rev().filter_map(|(_, part)| part.get("variables"));
    let all = of_files.chain(of_job).flat_map(Located::entries);
    let value = |value: &Located| value.scalar().or_else(|| value.get("value")?.scalar());
    all.filter_map(|(key, written)| Some((key.text.clone(), value(written)?))).collect()
}

/// What the rules of a job say of changed files. They are tried in order, and the first that holds decides.
struct Rules<'a> {
    /// The patterns of each rule, and whether they keep the job from starting.
    lists: Vec<(&'a Located, bool)>,
    combination: Combination,
}

impl<'a> Rules<'a> {
    /// None where files decide nothing. Of a rule that also asks for something else it is not known whether it holds: one
    /// that starts the job is taken to, one that keeps it from starting is not.
    fn of(reader: &mut Reader<'_>, page: &Page<'_>, rules: &'a Located) -> Option<Self> {
        let mut lists: Vec<(&Located, bool)> = Vec::new();
        let (mut starts_anyway, mut may_start) = (None, false);
        for rule in rules.items() {
            let when = rule.get("when").and_then(Located::text).unwrap_or("on_success");
            let asks_more = rule.get("if").is_some() || rule.get("exists").is_some();
            let starts = matches!(when, "on_success" | "always");
            match rule.get("changes").map(|changes| changes.get("paths").unwrap_or(changes)) {
                Some(changes) if when != "never" => lists.push((changes, false)),
                Some(changes) if !asks_more => lists.push((changes, true)),
                Some(_) => {}
                None if asks_more => may_start |= starts,
                None => {
                    starts_anyway = Some(rule).filter(|_| starts);
                    break;
                }
            }
        }
        let keeps_out = lists.iter().find(|(_, excludes)| *excludes).map(|(list, _)| *list);
        let lets_in = lists.iter().any(|(_, excludes)| !excludes);
        match (keeps_out, starts_anyway) {
            (None, Some(rule)) if lets_in => {
                let message = "this rule starts the job whatever changed, so its `changes` decide nothing";
                let finding = Diagnostic::warning("filter-without-effect", message).at(&page.evidence(rule.line));
                reader.findings.push(finding);
                return None;
            }
            (Some(list), anyway) if anyway.is_some() || may_start || lets_in => {
                let message = "a commit that changes one of these starts no job, whatever else it changes";
                let help = "list what the job is for in a rule with `changes`, and leave out `when: never`";
                let place = page.evidence(texts(list).first().map_or(list.line, |(_, line)| *line));
                reader.findings.push(Diagnostic::warning("never-for-any", message).at(&place).help(help));
            }
            _ if !lets_in => return None,
            _ => {}
        }
        let else_in = starts_anyway.is_some() || (!lets_in && may_start);
        let combination = if else_in { Combination::FirstOrElseIn } else { Combination::First };
        Some(Self { lists, combination })
    }
}

/// The patterns by which a job is started, if that depends on patterns alone.
fn filter_of(
    reader: &mut Reader<'_>,
    jobs: &Jobs<'_>,
    chain: &[(usize, &Located)],
    variables: &BTreeMap<String, String>,
) -> Option<PathFilter> {
    let find = |key: &str| chain.iter().find_map(|(page, part)| Some((&jobs.pages[*page], part.get(key)?)));
    let mut lists: Vec<(&Page<'_>, &Located, bool)> = Vec::new();
    let mut by_rules = None;
    if let Some((page, rules)) = find("rules") {
        let ruled = Rules::of(reader, page, rules)?;
        lists.extend(ruled.lists.into_iter().map(|(list, excludes)| (page, list, excludes)));
        by_rules = Some(ruled.combination);
    }
    for (key, excludes) in [("only", false), ("except", true)] {
        if let Some((page, changes)) = find(key).and_then(|(page, value)| Some((page, value.get("changes")?))) {
            lists.push((page, changes, excludes));
        }
    }
    let mut patterns = Vec::new();
    let mut place: Option<Evidence> = None;
    for (page, list, excludes) in lists {
        let texts = texts(list);
        place.get_or_insert_with(|| page.evidence(texts.first().map_or(list.line, |(_, line)| *line)));
        if texts.len() > MOST_PATTERNS {
            let message = format!("the list has {} patterns, and GitLab takes {MOST_PATTERNS}", texts.len());
            reader.findings.push(Diagnostic::warning("too-many-patterns", message).at(&page.evidence(list.line)));
        }
        patterns.extend(texts.into_iter().map(|(text, line)| PathPattern {
            glob: expanded(&text, variables).map_or_else(Glob::unknown, |text| Glob::new(&text, GRAMMAR)),
            depth: 0,
            place: page.evidence(line),
            excludes,
            changes: None,
            text,
        }));
    }
    let combination = match by_rules {
        Some(combination) => combination,
        None if patterns.iter().all(|pattern| pattern.excludes) => Combination::LastOrElseIn,
        None => Combination::AnyUnlessExcluded,
    };
    Some(PathFilter { names: Vec::new(), place: place?, combination, patterns, work: None, repeated: Vec::new() })
}

/// A pattern with the values of its variables; none where one is not known, as it may stand for anything.
fn expanded(text: &str, variables: &BTreeMap<String, String>) -> Option<String> {
    let mut rest = text;
    let mut expanded = String::new();
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        let braced = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let end = after.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(after.len());
        let (name, after) = braced.unwrap_or((&after[..end], &after[end..]));
        match variables.get(name) {
            Some(value) if !value.contains('$') => expanded.push_str(value),
            _ => return None,
        }
        rest = after;
    }
    Some(expanded + rest)
}

/// What the grammar makes of patterns that are meant otherwise.
fn judge(reader: &mut Reader<'_>, filter: &PathFilter) {
    for pattern in &filter.patterns {
        let Some(folder) = pattern.text.strip_suffix("/**") else { continue };
        let deep = Glob::new(&format!("{folder}/**/*"), GRAMMAR);
        let is_narrower = |path: &&RepoPath| deep.matches(path.as_bytes()) && !pattern.glob.matches(path.as_bytes());
        if let Some(path) = reader.files.paths.iter().find(is_narrower) {
            let message = format!("`{}` reaches only what lies directly in the folder, and not {path}", pattern.text);
            let help = format!("write `{folder}/**/*`");
            reader.findings.push(Diagnostic::warning("narrow-pattern", message).at(&pattern.place).help(help));
        }
    }
}
