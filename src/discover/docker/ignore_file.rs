//! `.dockerignore`: what docker leaves out of a build context.
//!
//! A grammar of its own: every pattern is relative to the context's root, covers all that lies below what it
//! matches, and `!` takes back. The last pattern that matches decides.

use serde::{Deserialize, Serialize};

use super::source::glob_of;
use crate::discover::syntax::{Unreadable, text_of};
use crate::path::RepoPath;
use crate::selection::{Filter, Rule};

/// The patterns of an ignore file in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IgnoreFile {
    patterns: Vec<Pattern>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Pattern {
    takes_back: bool,
    segments: Vec<String>,
}

/// What lies deeper no file system has room for.
const DEEPEST: usize = 256;

/// An ignore file with more patterns is not read: each copy of a Dockerfile carries those that concern it.
const MOST_PATTERNS: usize = 1000;

/// Reads an ignore file.
pub fn read(bytes: &[u8]) -> Result<IgnoreFile, Unreadable> {
    let text = text_of(bytes)?;
    let patterns: Vec<Pattern> = text.lines().filter_map(pattern).collect();
    if patterns.len() > MOST_PATTERNS {
        return Err(Unreadable::at(0, format!("it has more than {MOST_PATTERNS} patterns")));
    }
    Ok(IgnoreFile { patterns })
}

fn pattern(line: &str) -> Option<Pattern> {
    if line.starts_with('#') {
        return None;
    }
    let line = line.trim();
    let (takes_back, line) = match line.strip_prefix('!') {
        Some(line) => (true, line.trim()),
        None => (false, line),
    };
    let mut segments: Vec<&str> = Vec::new();
    for segment in line.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                // Above the context is nothing, so what climbs out matches nothing.
                segments.pop()?;
            }
            _ => segments.push(segment),
        }
    }
    // A lone `.` or `/` is ignored by docker, too.
    if segments.is_empty() {
        return None;
    }
    if segments.len() > DEEPEST {
        if !takes_back {
            return None;
        }
        // All below the folder at this depth: taking back more is on the safe side.
        segments.truncate(DEEPEST);
    }
    Some(Pattern { takes_back, segments: segments.into_iter().map(str::to_owned).collect() })
}

impl IgnoreFile {
    /// Patterns that were given one by one, as `--exclude` does.
    pub fn of_patterns<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Self {
        Self { patterns: patterns.into_iter().filter_map(pattern).collect() }
    }

    /// The patterns as a filter of the context.
    pub fn filter(&self, context: &RepoPath) -> Filter {
        // Taking back before anything was left out does nothing; and a filter that began so would admit nothing else.
        let patterns = self.patterns.iter().skip_while(|pattern| pattern.takes_back);
        let rules = patterns
            .flat_map(|pattern| pattern.globs().into_iter().map(|glob| Rule { include: pattern.takes_back, glob }));
        Filter::new(context, rules.collect())
    }
}

/// The part of an ignore file's filter that can speak about anything at or below `base`: the same answers from fewer
/// rules, which is what people read and what is matched.
pub fn concerning(filter: &Filter, base: &RepoPath) -> Filter {
    let Some(below) = base.below(&filter.root) else { return filter.clone() };
    let segments: Vec<&[u8]> = below.segments().collect();
    let rules = filter.rules.iter().filter(|rule| {
        for (glob, segment) in rule.glob.split('/').zip(&segments) {
            if glob.contains(['*', '?', '[', '\\']) {
                if glob.contains("**") {
                    return true;
                }
            } else if glob.as_bytes() != *segment {
                return false;
            }
        }
        true
    });
    Filter::new(&filter.root, rules.skip_while(|rule| rule.include).cloned().collect())
}

/// How many `**` within a name one pattern may have.
const MOST_CROSSINGS: usize = 4;

impl Pattern {
    /// The globs that match what the pattern matches, and all below it.
    fn globs(&self) -> Vec<String> {
        let crossings: usize = self.segments.iter().map(|segment| crossings(segment)).sum();
        if crossings > MOST_CROSSINGS {
            // Leaving out less and taking back more are both on the safe side.
            return if self.takes_back { vec!["**".to_owned()] } else { Vec::new() };
        }
        let mut whole = vec![Vec::new()];
        for segment in &self.segments {
            let choices = spread(segment);
            whole = whole
                .into_iter()
                .flat_map(|path: Vec<String>| {
                    choices.iter().map(move |choice| path.iter().chain(choice).cloned().collect())
                })
                .collect();
        }
        let mut globs = Vec::new();
        for path in whole {
            let glob = path.iter().map(|segment| glob_of(segment)).collect::<Vec<_>>().join("/");
            let below = format!("{glob}/**");
            let all_below = path.last().is_some_and(|last| last == "**");
            globs.push(glob);
            if !all_below {
                globs.push(below);
            }
        }
        globs
    }
}

/// How often `**` stands within a name, where it means "nothing, or anything that ends a folder".
fn crossings(segment: &str) -> usize {
    if segment == "**" { 0 } else { segment.matches("**").count() }
}

/// A segment as the ways that it can be written with `**` standing alone: `a**b` is `ab` or `a*/**/b`.
fn spread(segment: &str) -> Vec<Vec<String>> {
    if segment == "**" {
        return vec![vec!["**".to_owned()]];
    }
    let mut ways: Vec<Vec<String>> = vec![vec![String::new()]];
    for (number, part) in segment.split("**").enumerate() {
        if number > 0 {
            let crossed = ways.iter().map(|way| {
                let mut way = way.clone();
                if let Some(last) = way.last_mut() {
                    if last.is_empty() {
                        *last = "**".to_owned();
                    } else {
                        last.push('*');
                        way.push("**".to_owned());
                    }
                }
                way.push(String::new());
                way
            });
            ways = ways.iter().cloned().chain(crossed).collect();
        }
        for way in &mut ways {
            if let Some(last) = way.last_mut() {
                last.push_str(part);
            }
        }
    }
    // `a**` at the end is anything that begins with `a`, at any depth.
    for way in &mut ways {
        if way.last().is_some_and(String::is_empty) {
            way.pop();
        }
        if way.len() == 1 && segment.ends_with("**") && way[0] != "**" && !way[0].ends_with('*') {
            way[0].push('*');
        }
    }
    ways.retain(|way| !way.is_empty());
    ways.dedup();
    ways
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(text: &str, path: &str) -> bool {
        let context = RepoPath::from_git(b"ctx").unwrap();
        let path = RepoPath::from_git(format!("ctx/{path}").as_bytes()).unwrap();
        read(text.as_bytes()).unwrap().filter(&context).admits(&path)
    }

    #[test]
    fn case_96_more_patterns_than_anybody_writes_are_refused() {
        assert!(read("*\n".repeat(MOST_PATTERNS).as_bytes()).is_ok());
        assert!(read("*\n".repeat(MOST_PATTERNS + 1).as_bytes()).is_err());
        let deep = "a/".repeat(50_000);
        assert!(admits(&deep, &deep[..599]));
        assert!(admits(&format!("*\n!{deep}"), &format!("{}x", &deep[..600])));
    }

    #[test]
    fn patterns_cover_all_below() {
        assert!(!admits("node_modules\n", "node_modules/a/b.js"));
        assert!(admits("node_modules\n", "x/node_modules/a"));
        assert!(!admits("/bin/\n", "bin/x"));
        assert!(!admits("./src//x/../y\n", "src/y/z"));
        assert!(!admits("*/temp*\n", "a/temporary/b"));
        assert!(admits("*/temp*\n", "a/b/temporary"));
        assert!(!admits("**/*.md\n", "README.md") && !admits("**/*.md\n", "a/b/c.md"));
        assert!(!admits("\u{feff}docs\n", "docs/x"));
    }

    #[test]
    fn the_last_pattern_that_matches_decides() {
        let text = "*\n!src\nsrc/*.md\n";
        assert!(admits(text, "src/a/b.rs"));
        assert!(!admits(text, "src/a.md"));
        assert!(!admits(text, "other"));
        assert!(admits("*.md\n!README*.md\n", "README-x.md"));
        assert!(!admits("!README.md\n*.md\n", "README.md"));
    }

    #[test]
    fn taking_back_first_hides_nothing_else() {
        assert!(admits("!keep\nother\n", "anything"));
        assert!(!admits("!keep\nother\n", "other/x"));
    }

    #[test]
    fn comments_braces_and_dots() {
        assert!(admits("# *\n", "a"));
        assert!(admits(".\n/\n../x\n", "x"));
        assert!(!admits("{a,b}\n", "{a,b}"));
        assert!(admits("{a,b}\n", "a"));
    }

    #[test]
    fn a_part_of_the_rules_gives_the_same_answers() {
        let path = |text: &str| RepoPath::from_git(text.as_bytes()).unwrap();
        let text = "docs\n!src/a/keep\nsrc/*/README.md\nsrc/b/x\n**/*.log\n*/a/tmp\n!src/a/tmp/x\n";
        let whole = read(text.as_bytes()).unwrap().filter(&path("ctx"));
        let part = concerning(&whole, &path("ctx/src/a"));
        assert!(part.rules.len() < whole.rules.len());
        for below in ["README.md", "x.log", "tmp", "tmp/x", "tmp/y", "keep", "b/x", "docs"] {
            let below = path(&format!("ctx/src/a/{below}"));
            assert_eq!(part.admits(&below), whole.admits(&below), "{below}");
        }
    }

    #[test]
    fn two_stars_within_a_name_cross_folders() {
        for path in ["ab", "a/b", "ax/y/b"] {
            assert!(!admits("a**b\n", path), "{path}");
        }
        assert!(admits("a**b\n", "axb"));
        assert!(!admits("**.log\n", "x/y/.log"));
        for path in ["a", "ab", "ab/c"] {
            assert!(!admits("a**\n", path), "{path}");
        }
    }
}
