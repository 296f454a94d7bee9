//! A source of `COPY`, `ADD` or a bind mount: a path below a context, perhaps with wildcards.

use crate::discover::Landscape;
use crate::path::RepoPath;
use crate::selection::{Filter, Rule, Selection};
use crate::tree::Node;

/// A source relative to its context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What stands before the first wildcard.
    pub prefix: RepoPath,
    /// The segments from the first wildcard on; none for a plain path.
    pattern: Vec<String>,
}

/// A source that lies deeper stands for the folder at this depth: no file system has room for it.
const DEEPEST: usize = 256;

/// How many matches of a wildcard are listed; beyond that the folder stands for them.
const MOST_MATCHES: usize = 1000;

impl Source {
    /// Reads a source as docker does: the context is the root, so neither `/` nor `..` leads out of it. None for what
    /// git cannot store, such as `.git`.
    pub fn parse(written: &str) -> Option<Self> {
        let mut segments: Vec<&str> = Vec::new();
        for segment in written.split('/') {
            match segment {
                "" | "." => {}
                ".." => {
                    segments.pop();
                }
                _ => segments.push(segment),
            }
        }
        segments.truncate(DEEPEST);
        let plain = segments.iter().position(|segment| has_wildcard(segment)).unwrap_or(segments.len());
        let prefix = RepoPath::root().resolve(segments[..plain].join("/").as_bytes()).ok()?;
        Some(Self { prefix, pattern: segments[plain..].iter().map(|&segment| segment.to_owned()).collect() })
    }

    /// Whether it is the whole context.
    pub fn is_whole(&self) -> bool {
        self.prefix.is_root() && self.pattern.is_empty()
    }

    /// Whether it is written so that nothing need be there: `yarn.lock*`, `package-lock.jso[n]`.
    pub fn is_optional(&self) -> bool {
        self.pattern.len() == 1
            && self.pattern[0].contains('.')
            && !self.pattern[0].trim_end_matches('*').contains('*')
            && !self.pattern[0].starts_with('*')
    }

    /// The files that it selects below a context.
    pub fn selection(&self, context: &RepoPath) -> Selection {
        let base = context.join(&self.prefix);
        let selection = Selection::all(&base);
        if self.pattern.is_empty() {
            return selection;
        }
        let glob = self.pattern.iter().map(|segment| glob_of(segment)).collect::<Vec<_>>().join("/");
        // A folder that matches is copied with all that is in it.
        selection.only([glob.clone(), format!("{glob}/**")])
    }

    /// What stands below a context that it means.
    pub fn matches<F>(&self, landscape: &Landscape<'_, F>, context: &RepoPath) -> Vec<RepoPath> {
        let base = context.join(&self.prefix);
        if !landscape.exists(&base) {
            return Vec::new();
        }
        let mut found = vec![base.clone()];
        for segment in &self.pattern {
            if segment == "**" {
                return found;
            }
            let glob = glob_of(segment);
            let folders = std::mem::take(&mut found);
            for folder in folders {
                let filter = Filter::new(&folder, vec![Rule::include(glob.clone())]);
                let entries = landscape.entries(&folder);
                found.extend(entries.iter().map(|entry| folder.child(&entry.name)).filter(|path| filter.admits(path)));
            }
            if found.len() > MOST_MATCHES {
                return vec![base];
            }
        }
        found
    }

    /// The longest part of the plain path that exists below a context; the context itself if nothing of it does.
    pub fn existing_part<F>(&self, landscape: &Landscape<'_, F>, context: &RepoPath) -> RepoPath {
        let whole = context.join(&self.prefix);
        let found = whole.ancestors().find(|path| path == context || landscape.exists(path));
        found.unwrap_or_else(|| context.clone())
    }
}

/// Whether a folder holds a file or folder by one of these tests.
pub fn holds<F>(landscape: &Landscape<'_, F>, folder: &RepoPath, is: impl Fn(&[u8], &Node) -> bool) -> bool {
    landscape.entries(folder).iter().any(|entry| is(&entry.name, &entry.node))
}

fn has_wildcard(segment: &str) -> bool {
    segment.contains(['*', '?', '[', '\\'])
}

/// A segment of docker's grammar as a glob of ours: braces mean themselves, and `[!a]` does not negate.
pub fn glob_of(segment: &str) -> String {
    let mut glob = String::with_capacity(segment.len());
    let mut rest = segment;
    while let Some(character) = rest.chars().next() {
        rest = &rest[character.len_utf8()..];
        match character {
            '{' | '}' => {
                glob.push('\\');
                glob.push(character);
            }
            '\\' => {
                let next = rest.chars().next().unwrap_or('\\');
                rest = rest.strip_prefix(next).unwrap_or(rest);
                glob.push('\\');
                glob.push(next);
            }
            '[' => match rest.strip_prefix('!').and_then(|rest| rest.split_once(']')) {
                Some(("", after)) => {
                    glob.push('!');
                    rest = after;
                }
                Some((class, after)) => {
                    glob.push_str(&format!("[{class}!]"));
                    rest = after;
                }
                None => glob.push('['),
            },
            _ => glob.push(character),
        }
    }
    glob
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_86_sources_cannot_leave_the_context() {
        for written in ["../shared", "/shared/", "./x/../shared", "shared/."] {
            assert_eq!(Source::parse(written).unwrap().prefix.to_string(), "shared", "{written}");
        }
        assert!(Source::parse("./").unwrap().is_whole());
        assert!(Source::parse("..").unwrap().is_whole());
        assert_eq!(Source::parse(".git/HEAD"), None);
    }

    #[test]
    fn case_96_a_source_deeper_than_any_file_is_the_folder_above_it() {
        let source = Source::parse(&format!("{}../x", "a/".repeat(50_000))).unwrap();
        assert_eq!(source.prefix.segments().count(), DEEPEST);
        assert!(source.pattern.is_empty());
    }

    #[test]
    fn optional_files_are_told_from_build_outputs() {
        for (written, optional) in
            [("yarn.lock*", true), ("x/package-lock.jso[n]", true), ("target/*.jar", false), ("*.jar", false)]
        {
            assert_eq!(Source::parse(written).unwrap().is_optional(), optional, "{written}");
        }
    }

    #[test]
    fn wildcards_stay_within_a_segment() {
        let context = RepoPath::from_git(b"c").unwrap();
        let path = |text: &str| RepoPath::from_git(text.as_bytes()).unwrap();
        let selection = Source::parse("x/*.csproj").unwrap().selection(&context);
        assert!(selection.matches(&path("c/x/a.csproj")));
        assert!(selection.matches(&path("c/x/folder.csproj/inside")));
        assert!(!selection.matches(&path("c/x/y/a.csproj")));
        let selection = Source::parse("a{b}[!c]").unwrap().selection(&context);
        assert!(selection.matches(&path("c/a{b}c")) && selection.matches(&path("c/a{b}!")));
        assert!(!selection.matches(&path("c/a{b}d")));
    }
}
