//! Patterns of branches and tags.

use std::fmt;

use globset::{Candidate, GlobSet};

use super::mistake::{Mistake, nearest};
use crate::selection::{Separator, check_glob, compile_glob, parse_glob};

/// What a placeholder of a pattern stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Placeholder {
    /// `{service}`: the name of a service.
    Service,
    /// `{version}`: the version that is released.
    Version,
}

impl Placeholder {
    const ALL: [(&'static str, Placeholder); 2] =
        [("service", Placeholder::Service), ("version", Placeholder::Version)];
}

/// A pattern of names of branches or tags: a glob, whose `*` matches any text, `/` too, so that `feature/*` reaches each branch
/// below `feature/`; or plain text with placeholders, each of which stands for text without a `/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RefPattern(String);

/// What a name that matches tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RefMatch {
    /// What stands for `{service}`.
    pub service: Option<String>,
    /// What stands for `{version}`.
    pub version: Option<String>,
}

impl RefPattern {
    /// Reads a pattern.
    pub(super) fn parse(text: &str) -> Result<Self, Mistake> {
        let bad =
            |why: &str, help: String| Mistake::new("bad-branch", format!("`{text}` is no branch pattern: {why}"), help);
        if text.is_empty() {
            return Err(bad("it is empty", "write a pattern such as `feature/*`".to_owned()));
        }
        if let Some(branch) = ["refs/heads/", "refs/tags/"].iter().find_map(|prefix| text.strip_prefix(prefix)) {
            return Err(bad("it is a whole reference", format!("write `{branch}`")));
        }
        if text.starts_with('!') {
            return Err(bad("`!` has no meaning here", "write it under `except`, without the `!`".to_owned()));
        }
        let mut seen = Vec::new();
        let mut last = None;
        for piece in pieces(text) {
            if let Piece::Word(word) = piece {
                let known = Placeholder::ALL.map(|(name, _)| name);
                let Some((_, placeholder)) = Placeholder::ALL.iter().find(|(name, _)| *name == word) else {
                    let help = match nearest(word, &known) {
                        Some(name) => format!("write `{{{name}}}`"),
                        None => "`{service}` and `{version}` are the placeholders".to_owned(),
                    };
                    return Err(bad(&format!("`{{{word}}}` is no placeholder"), help));
                };
                if seen.contains(placeholder) {
                    return Err(bad(&format!("`{{{word}}}` stands in it twice"), "write it once".to_owned()));
                }
                if matches!(last, Some(Piece::Word(_))) {
                    return Err(bad("two placeholders touch", "write a `/` between them".to_owned()));
                }
                seen.push(*placeholder);
            }
            last = Some(piece);
        }
        if seen.is_empty() {
            check_glob(text).map_err(|why| bad(&why, "write a pattern such as `feature/*`".to_owned()))?;
        } else if pieces(text)
            .iter()
            .any(|piece| matches!(piece, Piece::Text(text) if text.contains(['*', '?', '[', '{', '}', '\\'])))
        {
            let why = "wildcards and placeholders do not go together";
            return Err(bad(why, "write only plain text around the placeholders".to_owned()));
        } else if text.split('/').any(|segment| segment.matches('{').count() > 1) {
            let why = "two placeholders stand in one segment";
            return Err(bad(why, "write a `/` between them, such as `release/{service}/{version}`".to_owned()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The pattern as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The placeholders that stand in it.
    pub fn placeholders(&self) -> Vec<Placeholder> {
        let named = |piece: &Piece<'_>| match piece {
            Piece::Word(word) => Placeholder::ALL.iter().find(|(name, _)| name == word).map(|(_, which)| *which),
            Piece::Text(_) => None,
        };
        pieces(&self.0).iter().filter_map(named).collect()
    }

    /// What a name tells, if it matches. The name is short: without `refs/heads/` or `refs/tags/`.
    pub fn matches(&self, branch: &[u8]) -> Option<RefMatch> {
        if self.placeholders().is_empty() {
            return compile(&self.0)?.is_match_candidate(&Candidate::from_bytes(branch)).then(RefMatch::default);
        }
        let branch = std::str::from_utf8(branch).ok()?;
        if branch.split('/').count() != self.0.split('/').count() {
            return None;
        }
        let mut found = RefMatch::default();
        for (pattern, segment) in self.0.split('/').zip(branch.split('/')) {
            let Some((before, (word, after))) =
                pattern.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
            else {
                if pattern != segment {
                    return None;
                }
                continue;
            };
            let value = segment.strip_prefix(before)?.strip_suffix(after).filter(|value| !value.is_empty())?;
            match word {
                "service" => found.service = Some(value.to_owned()),
                _ => found.version = Some(value.to_owned()),
            }
        }
        Some(found)
    }
}

impl fmt::Display for RefPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn compile(glob: &str) -> Option<GlobSet> {
    parse_glob(glob, Separator::Matches).and_then(|glob| compile_glob(&glob)).ok()
}

/// A part of a branch pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'a> {
    /// Text between placeholders.
    Text(&'a str),
    /// The word in `{word}`; `{a,b}` is a glob's choice and stays text.
    Word(&'a str),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let (mut pieces, mut from, mut search) = (Vec::new(), 0, 0);
    while let Some(open) = text[search..].find('{').map(|at| search + at) {
        let Some(close) = text[open..].find('}').map(|at| open + at) else { break };
        let word = &text[open + 1..close];
        if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-') {
            if from < open {
                pieces.push(Piece::Text(&text[from..open]));
            }
            pieces.push(Piece::Word(word));
            from = close + 1;
            search = from;
        } else {
            search = open + 1;
        }
    }
    if from < text.len() {
        pieces.push(Piece::Text(&text[from..]));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_reaches_every_branch_below() {
        let pattern = RefPattern::parse("feature/*").unwrap();
        assert!(pattern.matches(b"feature/a").is_some());
        assert!(pattern.matches(b"feature/a/b").is_some());
        assert!(pattern.matches(b"features/a").is_none());
        assert!(RefPattern::parse("{main,master}").unwrap().matches(b"master").is_some());
    }

    #[test]
    fn placeholders_tell_service_and_version() {
        let pattern = RefPattern::parse("release/{service}/v{version}").unwrap();
        let found = pattern.matches(b"release/delivery/v1.2.0").unwrap();
        assert_eq!((found.service.as_deref(), found.version.as_deref()), (Some("delivery"), Some("1.2.0")));
        for branch in
            ["release/delivery/1.2.0", "release/delivery/v", "release/delivery/v1/x", "release//v1", "delivery/v1"]
        {
            assert_eq!(pattern.matches(branch.as_bytes()), None, "{branch}");
        }
    }

    #[test]
    fn what_is_no_branch_pattern_is_refused() {
        for text in [
            "",
            "refs/heads/main",
            "refs/tags/v*",
            "!x",
            "release/{servce}",
            "{service}{version}",
            "{service}/{service}",
            "{service}-{version}",
            "*/{service}",
            "[a",
        ] {
            assert_eq!(RefPattern::parse(text).unwrap_err().code, "bad-branch", "{text}");
        }
        assert_eq!(RefPattern::parse("release/{servce}").unwrap_err().help, "write `{service}`");
    }
}
