//! Patterns of files.

use std::fmt;

use super::Written;
use super::mistake::Mistake;
use crate::diagnostic::Diagnostic;
use crate::path::{PathError, RepoPath};
use crate::selection::{Filter, Reach, Rule, Selection, check_glob, escape_glob};

/// A glob relative to a project's folder. It may climb with `../`, and `!` before it keeps out what it matches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathPattern {
    /// Whether a match is kept out.
    pub excludes: bool,
    /// How many folders it climbs before the glob begins.
    pub climbs: usize,
    /// The glob below the folder that was climbed to.
    pub glob: String,
}

impl PathPattern {
    /// Reads a pattern.
    pub(super) fn parse(text: &str) -> Result<Self, Mistake> {
        let (excludes, written) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let bad = |why: &str, help: String| Mistake::new("bad-glob", format!("`{text}` is no pattern: {why}"), help);
        if written.is_empty() {
            return Err(bad("it is empty", "write a glob such as `src/**`".to_owned()));
        }
        if is_absolute(written) {
            let message = format!("`{text}` leaves the repository: it is an absolute path");
            let help = "write it relative to the project's folder, such as `../../tools/**`";
            return Err(Mistake::new("outside-repository", message, help));
        }
        if windows_separator(written) {
            return Err(bad("`\\` does not separate folders", format!("write `{}`", text.replace('\\', "/"))));
        }
        let mut segments = Vec::new();
        let mut climbs = 0;
        for segment in written.split('/') {
            match segment {
                "." => {}
                ".." if segments.is_empty() => climbs += 1,
                _ => segments.push(segment),
            }
        }
        let bare = segments.is_empty() || segments.last() == Some(&"");
        if bare {
            let folder = written.trim_end_matches('/');
            return Err(bad("it names a folder, and only files are matched", format!("write `{folder}/**`")));
        }
        if segments.contains(&"") {
            return Err(bad("a folder's name is empty", "write a single `/` between two names".to_owned()));
        }
        let alternatives = segments.iter().flat_map(|segment| segment.split(['{', ',', '}']));
        if alternatives.clone().any(|name| name == "..") {
            return Err(bad("`..` can only stand at its beginning", "write the path without a detour".to_owned()));
        }
        if alternatives.clone().any(|name| name.eq_ignore_ascii_case(".git")) {
            return Err(bad("what is in `.git` is no file of the repository", "leave it out".to_owned()));
        }
        if written.contains('\0') {
            return Err(bad("it holds a NUL character, and no path does", "leave it out".to_owned()));
        }
        let glob = segments.join("/");
        check_glob(&glob).map_err(|why| bad(&why, "put `\\` before a character that is meant as it is".to_owned()))?;
        Ok(Self { excludes, climbs, glob })
    }

    /// The folder that the glob is relative to, for a project with this folder.
    pub fn root(&self, folder: &RepoPath) -> Result<RepoPath, PathError> {
        (0..self.climbs).try_fold(folder.clone(), |at, _| at.parent().ok_or(PathError::Escapes))
    }

    /// The deepest place below which everything lies that the pattern can match.
    fn base(&self, root: &RepoPath) -> Result<RepoPath, PathError> {
        let plain = |segment: &&str| !segment.contains(['*', '?', '[', '{', '}', '\\']);
        let segments: Vec<_> = self.glob.split('/').take_while(plain).collect();
        root.resolve(segments.join("/").as_bytes())
    }
}

fn is_absolute(written: &str) -> bool {
    matches!(written.as_bytes(), [b'/', ..] | [b'A'..=b'Z' | b'a'..=b'z', b':', b'/' | b'\\', ..])
}

/// Whether a `\` stands before a letter or digit, where it escapes nothing that a glob gives a meaning to.
fn windows_separator(written: &str) -> bool {
    let mut bytes = written.bytes().peekable();
    while let Some(byte) = bytes.next() {
        if byte == b'\\' && bytes.next().is_none_or(|next| next.is_ascii_alphanumeric()) {
            return true;
        }
    }
    false
}

/// As it is written in a configuration.
impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not = if self.excludes { "!" } else { "" };
        // A glob that would be read as something else begins with a step that leads nowhere.
        let here = self.climbs == 0 && (is_absolute(&self.glob) || (!self.excludes && self.glob.starts_with('!')));
        write!(f, "{not}{}{}{}", if here { "./" } else { "" }, "../".repeat(self.climbs), self.glob)
    }
}

/// What a list of patterns selects for a project with this folder; the last pattern that matches a path decides.
///
/// Where a pattern names no place below the project's folder, only files that the project owns are meant; where it
/// does (`inner/gen/**`, `../../tools/**`), whoever owns them. A list that begins with `!` begins with all that the
/// project owns. A pattern that climbs above the repository root is an error at its place.
pub fn select(patterns: &[Written<PathPattern>], folder: &RepoPath) -> Result<Vec<Selection>, Diagnostic> {
    let mut rules = Vec::with_capacity(patterns.len());
    let mut bases = Vec::with_capacity(patterns.len());
    for pattern in patterns {
        let root = pattern.value.root(folder);
        let base = root.and_then(|root| pattern.value.base(&root).map(|base| (root, base)));
        let (root, base) = base.map_err(|_| outside(pattern, folder))?;
        let glob = if root.is_root() {
            pattern.value.glob.clone()
        } else {
            format!("{}/{}", glob_of(&root), pattern.value.glob)
        };
        rules.push(Rule { include: !pattern.value.excludes, glob });
        bases.push(base);
    }
    let filter = |from: usize| Filter::new(&RepoPath::root(), rules[from..].to_vec());
    let mut selections = Vec::new();
    if rules.first().is_some_and(|first| !first.include) {
        selections.push(Selection::owned(folder).filtered(filter(0)));
    }
    for (at, base) in bases.into_iter().enumerate().filter(|(at, _)| rules[*at].include) {
        let reach = if base == *folder { Reach::Owned } else { Reach::All };
        selections.push(Selection { base, reach, filters: vec![filter(at)], sliced: Vec::new() });
    }
    Ok(selections)
}

/// The error that a pattern leaves the repository, seen from a folder.
pub(super) fn outside(pattern: &Written<PathPattern>, folder: &RepoPath) -> Diagnostic {
    let message = format!("`{}` leaves the repository, seen from folder `{folder}`", pattern.value);
    let help = match folder.segments().count() {
        0 => "write it without `../`".to_owned(),
        depth => format!("climb at most to the repository root: `{}`", "../".repeat(depth)),
    };
    Mistake::new("outside-repository", message, help).at(pattern.place.clone())
}

/// A glob that matches a path; bytes that are not UTF-8 match any one character, which widens and never hides.
fn glob_of(path: &RepoPath) -> String {
    let mut glob = String::new();
    for chunk in path.as_bytes().utf8_chunks() {
        glob.push_str(&escape_glob(chunk.valid()));
        glob.extend(chunk.invalid().iter().map(|_| '?'));
    }
    glob
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Place;

    fn path(text: &str) -> RepoPath {
        RepoPath::from_git(text.as_bytes()).unwrap()
    }

    fn patterns(texts: &[&str]) -> Vec<Written<PathPattern>> {
        let place = Place { file: path("knockon.toml"), line: 1, column: 1, text: String::new() };
        texts.iter().map(|text| Written::new(PathPattern::parse(text).unwrap(), place.clone())).collect()
    }

    fn selects(texts: &[&str], folder: &str, file: &str) -> bool {
        select(&patterns(texts), &path(folder)).unwrap().iter().any(|selection| selection.matches(&path(file)))
    }

    #[test]
    fn the_last_pattern_that_matches_decides() {
        let list = ["**/*.cs", "!gen/**", "gen/keep.cs"];
        assert!(selects(&list, "svc", "svc/a/b.cs"));
        assert!(!selects(&list, "svc", "svc/gen/x.cs"));
        assert!(selects(&list, "svc", "svc/gen/keep.cs"));
        assert!(!selects(&list, "svc", "svc/readme.md"));
        assert!(!selects(&list, "svc", "other/a.cs"));
    }

    #[test]
    fn a_list_that_begins_with_an_exception_begins_with_everything() {
        let list = ["!**/*.md", "../shared/*.md"];
        assert!(selects(&list, "svc", "svc/a.cs"));
        assert!(!selects(&list, "svc", "svc/a.md"));
        assert!(selects(&list, "svc", "shared/a.md"));
        assert!(!selects(&list, "svc", "shared/a.cs"));
    }

    #[test]
    fn climbing_reads_what_others_own() {
        let list = patterns(&["../../tools/gen/**", "*.cs"]);
        let selections = select(&list, &path("src/delivery")).unwrap();
        assert_eq!((&selections[0].base, selections[0].reach), (&path("tools/gen"), Reach::All));
        assert_eq!((&selections[1].base, selections[1].reach), (&path("src/delivery"), Reach::Owned));
        assert!(selections[0].matches(&path("tools/gen/a/b")));
        assert!(!selections[0].matches(&path("tools/other")));
    }

    #[test]
    fn case_20_a_named_place_reaches_a_nested_project() {
        let selections = select(&patterns(&["inner/gen/**"]), &path("outer")).unwrap();
        assert_eq!(selections[0].reach, Reach::All);
    }

    #[test]
    fn climbing_above_the_root_is_an_error_at_its_place() {
        let diagnostic = select(&patterns(&["../../x/**"]), &path("a")).unwrap_err();
        assert_eq!(diagnostic.code, "outside-repository");
        assert_eq!(diagnostic.place.unwrap().line, 1);
    }

    #[test]
    fn case_13_a_folder_with_wildcards_in_its_name_is_meant_as_it_is() {
        assert!(selects(&["*.cs"], "a[b]*", "a[b]*/x.cs"));
        assert!(!selects(&["*.cs"], "a[b]*", "ab/x.cs"));
        let odd = RepoPath::from_git(b"odd\xff").unwrap();
        let selection = &select(&patterns(&["*.cs"]), &odd).unwrap()[0];
        assert!(selection.matches(&odd.child(b"x.cs")));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for (text, code) in [
            ("", "bad-glob"),
            ("!", "bad-glob"),
            ("/etc/*", "outside-repository"),
            ("C:/x", "outside-repository"),
            ("a/../b", "bad-glob"),
            ("{..,a}/b", "bad-glob"),
            ("docs/", "bad-glob"),
            ("..", "bad-glob"),
            (".", "bad-glob"),
            ("a//b", "bad-glob"),
            ("[a", "bad-glob"),
            ("{a", "bad-glob"),
            ("src\\gen\\*", "bad-glob"),
            (".git/config", "bad-glob"),
        ] {
            assert_eq!(PathPattern::parse(text).unwrap_err().code, code, "{text}");
        }
        assert_eq!(PathPattern::parse("docs/").unwrap_err().help, "write `docs/**`");
        assert_eq!(PathPattern::parse("!./../a/**").unwrap().to_string(), "!../a/**");
        assert!(PathPattern::parse("a\\[b\\]/*").is_ok());
    }
}
