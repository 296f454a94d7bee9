//! Which files a task reads: a place in the repository and ordered patterns, the last match of which wins.
//!
//! One grammar for all: `*` and `?` stay within a segment, `**` crosses segments, `{a,b}` and `[a-z]` choose. A
//! pattern matches the path relative to its filter's root, and a folder's name alone matches nothing but the folder.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::OnceLock;

use globset::{Candidate, Glob, GlobBuilder, GlobSet};
use serde::{Deserialize, Serialize};

use crate::path::{RepoPath, harmless};

/// One ordered pattern: what it matches is let in or kept out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Rule {
    /// Whether a match is let in.
    pub include: bool,
    /// The glob, relative to the filter's root.
    pub glob: String,
}

impl Rule {
    /// Lets in what the glob matches.
    pub fn include(glob: impl Into<String>) -> Self {
        Self { include: true, glob: glob.into() }
    }

    /// Keeps out what the glob matches.
    pub fn exclude(glob: impl Into<String>) -> Self {
        Self { include: false, glob: glob.into() }
    }
}

/// Ordered rules below a folder. A path that no rule matches is let in if the first rule excludes, else kept out.
#[derive(Clone, Serialize, Deserialize)]
pub struct Filter {
    /// The folder that the globs are relative to.
    pub root: RepoPath,
    /// The rules; the last that matches decides.
    pub rules: Vec<Rule>,
    #[serde(skip)]
    compiled: OnceLock<Vec<Option<GlobSet>>>,
}

impl Filter {
    /// Rules relative to `root`.
    pub fn new(root: &RepoPath, rules: Vec<Rule>) -> Self {
        Self { root: root.clone(), rules, compiled: OnceLock::new() }
    }

    /// Whether the filter lets a path in. A path outside the filter's root is let in if nothing else speaks.
    pub fn admits(&self, path: &RepoPath) -> bool {
        let default = self.rules.first().is_none_or(|first| !first.include);
        let Some(below) = path.below_bytes(&self.root) else { return default };
        let candidate = Candidate::from_bytes(below);
        let compiled = self.compiled.get_or_init(|| self.rules.iter().map(|rule| compile(&rule.glob)).collect());
        let last = compiled.iter().zip(&self.rules).rev().find(|(matcher, _)| {
            // A glob that does not compile matches everything: it widens and never hides.
            matcher.as_ref().is_none_or(|matcher| matcher.is_match_candidate(&candidate))
        });
        match last {
            Some((Some(_), rule)) => rule.include,
            Some((None, _)) => true,
            None => default,
        }
    }
}

/// Whether somebody asked it already does not show.
impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filter").field("root", &self.root).field("rules", &self.rules).finish()
    }
}

/// The rules in order, behind the folder that they are relative to.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.root)?;
        self.rules.iter().try_for_each(|rule| {
            f.write_str(if rule.include { " " } else { " !" })?;
            write!(f, "{}", harmless(&rule.glob))
        })
    }
}

fn compile(glob: &str) -> Option<GlobSet> {
    parse_glob(glob, Separator::Stops).and_then(|glob| compile_glob(&glob)).ok()
}

/// Whether a text is a glob of the one grammar; the error says what is wrong with it.
pub fn check_glob(glob: &str) -> Result<(), String> {
    parse_glob(glob, Separator::Stops).and_then(|glob| compile_glob(&glob)).map(drop)
}

/// What `*` and `?` do at a `/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Separator {
    /// They stay within a segment, as in every glob of files.
    Stops,
    /// They match it as any other character.
    Matches,
}

/// Alternatives may stand in each other this deep: the parser of globs recurses.
const DEEPEST_ALTERNATIVES: usize = 32;

/// A glob beyond this many bytes is not read: no glob that people write comes near it.
const LONGEST_GLOB: usize = 64 * 1024;

/// Reads a glob; the error says what is wrong with it.
pub(crate) fn parse_glob(glob: &str, separator: Separator) -> Result<Glob, String> {
    if glob.len() > LONGEST_GLOB {
        return Err(format!("it has {} bytes, and at most {LONGEST_GLOB} are read", glob.len()));
    }
    if depth_of(glob) > DEEPEST_ALTERNATIVES {
        return Err("its alternatives nest too deep".to_owned());
    }
    GlobBuilder::new(glob)
        .literal_separator(separator == Separator::Stops)
        .backslash_escape(true)
        .build()
        .map_err(|error| error.kind().to_string())
}

/// Makes a glob ready to match. A set of one, because a matcher panics where its expression is too large.
pub(crate) fn compile_glob(glob: &Glob) -> Result<GlobSet, String> {
    GlobSet::new([glob]).map_err(|error| error.kind().to_string())
}

/// How deep the alternatives of a glob nest. One in a class counts too, unless it is alone there, as
/// [`escape_glob`] writes it.
fn depth_of(glob: &str) -> usize {
    let (mut depth, mut deepest, mut before) = (0usize, 0, 0);
    for (at, byte) in glob.bytes().enumerate() {
        let alone = before == b'[' && glob.as_bytes().get(at + 1) == Some(&b']');
        let escaped = before == b'\\';
        match byte {
            b'{' if !alone && !escaped => depth += 1,
            b'}' if !alone && !escaped => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
        // A backslash that is escaped escapes nothing.
        before = if escaped { 0 } else { byte };
    }
    deepest
}

/// The text with every character escaped that a glob gives a meaning to.
pub fn escape_glob(text: &str) -> String {
    // The library leaves a backslash as it is, which would escape what follows it.
    text.split('\\').map(globset::escape).collect::<Vec<_>>().join("\\\\")
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        (&self.root, &self.rules) == (&other.root, &other.rules)
    }
}

impl Eq for Filter {}

impl PartialOrd for Filter {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Filter {
    fn cmp(&self, other: &Self) -> Ordering {
        (&self.root, &self.rules).cmp(&(&other.root, &other.rules))
    }
}

impl Hash for Filter {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.root, &self.rules).hash(state);
    }
}

/// Whose files below the base are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Reach {
    /// Those that the task's own project owns: a nested project's files are not among them.
    Owned,
    /// All of them, whoever owns them.
    All,
}

/// Files that a task reads: those at or below `base` that every filter admits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Selection {
    /// A file, or a folder for everything below it.
    pub base: RepoPath,
    /// Whose files.
    pub reach: Reach,
    /// All of these must admit a path.
    pub filters: Vec<Filter>,
    /// Files that are read in slices, and so not as a whole; sorted.
    pub sliced: Vec<RepoPath>,
}

impl Selection {
    /// Everything below a project's folder that the project owns.
    pub fn owned(folder: &RepoPath) -> Self {
        Self { base: folder.clone(), reach: Reach::Owned, filters: Vec::new(), sliced: Vec::new() }
    }

    /// One file, or everything below one folder, whoever owns it.
    pub fn all(base: &RepoPath) -> Self {
        Self { base: base.clone(), reach: Reach::All, filters: Vec::new(), sliced: Vec::new() }
    }

    /// The same, without what the globs match; they are relative to the base.
    pub fn without(self, globs: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let rules: Vec<_> = globs.into_iter().map(Rule::exclude).collect();
        let base = self.base.clone();
        self.filtered(Filter::new(&base, rules))
    }

    /// The same, limited to what the globs match; they are relative to the base.
    pub fn only(self, globs: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let rules: Vec<_> = globs.into_iter().map(Rule::include).collect();
        let base = self.base.clone();
        self.filtered(Filter::new(&base, rules))
    }

    /// The same, limited to what the filter admits.
    pub fn filtered(mut self, filter: Filter) -> Self {
        if !filter.rules.is_empty() {
            self.filters.push(filter);
        }
        self
    }

    /// The same, without these files, which are read in slices.
    pub fn slicing<'a>(mut self, files: impl IntoIterator<Item = &'a RepoPath>) -> Self {
        let below: Vec<_> = files.into_iter().filter(|file| file.is_within(&self.base)).cloned().collect();
        self.sliced.extend(below);
        self.sliced.sort();
        self.sliced.dedup();
        self
    }

    /// Whether a path lies here and every filter admits it. Ownership is the workspace's to ask.
    pub fn matches(&self, path: &RepoPath) -> bool {
        path.is_within(&self.base)
            && self.filters.iter().all(|filter| filter.admits(path))
            && self.sliced.binary_search(path).is_err()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::from_git(text.as_bytes()).unwrap()
    }

    #[test]
    fn the_last_matching_rule_decides() {
        let rules = vec![Rule::include("**/*.cs"), Rule::exclude("gen/**"), Rule::include("gen/keep.cs")];
        let filter = Filter::new(&path("svc"), rules);
        assert!(filter.admits(&path("svc/a/b.cs")));
        assert!(!filter.admits(&path("svc/gen/x.cs")));
        assert!(filter.admits(&path("svc/gen/keep.cs")));
        assert!(!filter.admits(&path("svc/readme.md")));
    }

    #[test]
    fn case_13_names_have_no_pattern_magic_once_escaped() {
        for name in ["a*b", "[x]", "{a,b}", "q?", "-rf", "sp ace", "a\\b", "\\*", "[\\]", "x\\"] {
            let selection = Selection::all(&RepoPath::root()).only([escape_glob(name)]);
            assert!(selection.matches(&path(name)), "{name}");
            assert!(!selection.matches(&path("axb")), "{name}");
        }
    }

    #[test]
    fn a_broken_glob_widens() {
        let selection = Selection::all(&path("a")).without(["[broken"]);
        assert!(selection.matches(&path("a/anything")));
    }

    #[test]
    fn case_96_a_glob_that_costs_too_much_widens() {
        let deep = |depth| format!("{}a{}", "{".repeat(depth), "}".repeat(depth));
        for glob in [deep(40), deep(300), deep(30_000), "{".repeat(60_000), "a".repeat(70_000)] {
            assert!(check_glob(&glob).is_err(), "{} bytes", glob.len());
            assert!(Selection::all(&path("a")).without([glob]).matches(&path("a/anything")));
        }
        let nested = deep(DEEPEST_ALTERNATIVES);
        assert_eq!(check_glob(&nested), Ok(()));
        assert!(!Selection::all(&path("a")).without([nested]).matches(&path("a/a")));
    }

    #[test]
    fn braces_that_are_escaped_nest_nothing() {
        let name = "{\\".repeat(100);
        for glob in [escape_glob(&name), "\\{\\\\".repeat(100)] {
            assert!(Selection::all(&RepoPath::root()).only([glob]).matches(&path(&name)));
        }
        assert!(check_glob(&"\\\\{".repeat(100)).is_err());
    }

    #[test]
    fn one_star_stays_within_a_segment() {
        let selection = Selection::owned(&path("a")).only(["*.cs"]);
        assert!(selection.matches(&path("a/x.cs")));
        assert!(!selection.matches(&path("a/b/x.cs")));
    }
}
