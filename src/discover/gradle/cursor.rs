//! How one looks around among the tokens of a script: along statements, chains of names and calls.

use super::facts::{Component, is_for_tests};
use super::frame::Frame;
use super::tokens::{Kind, Token};
use super::value::{Anchor, Base, Part, Value};

/// How far a look ahead or back within a statement goes, in tokens.
pub(super) const FARTHEST: usize = 64;

/// The tokens of a script or of an expression in a text.
pub(super) struct Tokens<'a, 't>(pub &'t [Token<'a>]);

impl<'a> Tokens<'a, '_> {
    pub fn word(&self, at: usize) -> Option<&'a str> {
        match self.0.get(at)?.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    pub fn text(&self, at: usize) -> Option<&[Part]> {
        match &self.0.get(at)?.kind {
            Kind::Text(parts, _) => Some(parts),
            _ => None,
        }
    }

    pub fn is(&self, at: usize, sign: u8) -> bool {
        matches!(self.0.get(at), Some(Token { kind: Kind::Sign(found), .. }) if *found == sign)
    }

    pub fn before(&self, at: usize, sign: u8) -> bool {
        at > 0 && self.is(at - 1, sign)
    }

    pub(super) fn is_opening(&self, at: usize) -> bool {
        self.is(at, b'(') || self.is(at, b'[') || self.is(at, b'{')
    }

    /// The token behind this one, or behind the bracket that begins here.
    pub fn behind(&self, at: usize) -> usize {
        if self.is_opening(at) { self.0[at].partner + 1 } else { at + 1 }
    }

    /// Whether a statement ends before this token, which stands in the statement's own block.
    pub(super) fn begins_statement(&self, at: usize) -> bool {
        let Some(token) = self.0.get(at) else { return true };
        if at == 0 || self.is(at, b';') || self.is(at, b'}') || self.is(at, b')') || self.is(at, b']') {
            return true;
        }
        let joins = |at: usize, signs: &[u8]| signs.iter().any(|&sign| self.is(at, sign));
        token.begins_line && !joins(at - 1, b",.+=:?&|<(\\") && !joins(at, b".?:&|+")
    }

    /// Where the statement ends that this token belongs to; a look that goes no farther than `most` tokens.
    pub fn statement_end(&self, from: usize, most: usize) -> usize {
        let mut at = from;
        for _ in 0..most {
            if at > from && self.begins_statement(at) {
                break;
            }
            if at >= self.0.len() {
                break;
            }
            at = self.behind(at);
        }
        at.min(self.0.len())
    }

    /// The words of `a.b.c`, of which the last stands at `end`, and the project whose folder they begin from.
    pub(super) fn chain_back(&self, end: usize) -> Option<(Vec<&'a str>, Option<Base>)> {
        let mut words = Vec::new();
        let mut at = end;
        for _ in 0..16 {
            if let Some(word) = self.word(at) {
                words.push(word);
            } else if self.is(at, b')') {
                let open = self.0[at].partner;
                let word = open.checked_sub(1).and_then(|name| self.word(name))?;
                if open + 1 == at {
                    words.push(property_of(word)?);
                } else if matches!(word, "project" | "findProject") && at == open + 2 {
                    words.reverse();
                    return Some((words, Some(Base::Of(Value(self.text(open + 1)?.to_vec())))));
                } else {
                    return None;
                }
                at = open - 1;
            } else {
                return None;
            }
            at = match at.checked_sub(1) {
                Some(dot) if self.is(dot, b'.') => dot.checked_sub(1)?,
                _ => {
                    words.reverse();
                    return Some((words, None));
                }
            };
            if self.is(at, b'?') || self.is(at, b'!') {
                at = at.checked_sub(1)?;
            }
        }
        None
    }

    /// The folder that `a.b.c` stands for, of which the last word stands at `end`.
    pub(super) fn anchor_back(&self, end: usize) -> Option<Anchor> {
        let (words, base) = self.chain_back(end)?;
        Anchor::beginning_at(base, words)
    }
}

/// `getRootDir()` is `rootDir`.
pub(super) fn property_of(call: &str) -> Option<&str> {
    match call {
        "getRootDir" => Some("rootDir"),
        "getRootProject" => Some("rootProject"),
        "getProjectDir" => Some("projectDir"),
        "getSettingsDir" => Some("settingsDir"),
        "getParentFile" | "getParent" => Some("parentFile"),
        "getProject" => Some("project"),
        "getLayout" => Some("layout"),
        "getProjectDirectory" => Some("projectDirectory"),
        "get" | "toPath" | "toString" | "toFile" | "normalize" | "getAbsolutePath" | "getPath" | "getAsFile" => {
            Some("path")
        }
        _ => None,
    }
}

/// What stands around a token.
pub(super) struct Around<'f> {
    pub frames: &'f [Frame],
    /// The innermost open bracket.
    pub bracket: Option<usize>,
}

impl Around<'_> {
    pub(super) fn frame(&self) -> &Frame {
        // The outermost frame is never taken away.
        self.frames.last().unwrap_or(&Frame::OUTERMOST)
    }
}

/// The configuration that a statement of a block of dependencies adds to.
pub(super) fn configuration_of<'t>(tokens: &'t Tokens<'_, '_>, statement: usize) -> Option<&'t str> {
    match tokens.word(statement) {
        Some("add") if tokens.is(statement + 1, b'(') => literal_at(tokens, statement + 2),
        Some(word) => Some(word),
        None => literal_at(tokens, statement),
    }
}

pub(super) fn literal_at<'t>(tokens: &'t Tokens<'_, '_>, at: usize) -> Option<&'t str> {
    match tokens.text(at)? {
        [Part::Literal(text)] => Some(text),
        _ => None,
    }
}

/// The folder that a text is relative to.
pub(super) fn anchor_of(tokens: &Tokens<'_, '_>, at: usize, around: &Around<'_>) -> Option<Anchor> {
    if tokens.before(at, b'+') {
        return at.checked_sub(2).and_then(|end| tokens.anchor_back(end));
    }
    // `new File(rootDir, "x")`
    if tokens.before(at, b',')
        && let Some(anchor) = at.checked_sub(2).and_then(|end| tokens.anchor_back(end))
    {
        return Some(anchor);
    }
    // `rootProject.file("x")`, and in Groovy also without the bracket.
    let call = match around.bracket {
        Some(bracket) if tokens.is(bracket, b'(') => bracket.checked_sub(1)?,
        _ => at.checked_sub(1)?,
    };
    tokens.word(call)?;
    let receiver = call.checked_sub(2).filter(|_| tokens.before(call, b'.'))?;
    tokens.anchor_back(receiver)
}

/// The text that a path is, alone or in a call that makes a file of it; none if anything else is made of it.
pub(super) fn path_text(tokens: &Tokens<'_, '_>, from: usize, end: usize) -> Option<usize> {
    let text = (from..end.min(from + FARTHEST)).find(|&at| tokens.text(at).is_some())?;
    let Some(bracket) = enclosing_call(tokens, from, text) else { return Some(text) };
    let call = bracket.checked_sub(1).and_then(|call| tokens.word(call))?;
    matches!(call, "from" | "file" | "File" | "uri" | "url" | "resolve" | "dir" | "of" | "get").then_some(text)
}

/// The innermost bracket before a text, looking back no farther than `from`.
pub(super) fn enclosing_call(tokens: &Tokens<'_, '_>, from: usize, text: usize) -> Option<usize> {
    (from..text).rev().find(|&at| tokens.is(at, b'(') && tokens.0[at].partner > text)
}

/// The call or the property that a text is given to.
pub(super) fn call_of<'a>(tokens: &Tokens<'a, '_>, at: usize, around: &Around<'_>) -> Option<&'a str> {
    let before = at.checked_sub(1)?;
    if let Some(word) = tokens.word(before) {
        return Some(word);
    }
    let mut bracket = around.bracket;
    if let Some(list) = bracket.filter(|&bracket| tokens.is(bracket, b'[')) {
        let before = list.checked_sub(1)?;
        return match tokens.is(before, b'=') {
            true => tokens.word(before.checked_sub(if tokens.is(before - 1, b'+') { 2 } else { 1 })?),
            false => tokens.word(before),
        };
    }
    if tokens.is(before, b'=') || tokens.is(before, b':') {
        let sign = usize::from(before > 0 && (tokens.is(before - 1, b'+') || tokens.is(before - 1, b'!')));
        return tokens.word(before.checked_sub(1 + sign)?);
    }
    bracket = bracket.filter(|&bracket| tokens.is(bracket, b'('));
    match bracket {
        Some(bracket) => bracket.checked_sub(1).and_then(|call| tokens.word(call)),
        None => tokens.word(around.frame().statement),
    }
}

/// `testFixtures(project(…))`.
pub(super) fn wrapped_part(tokens: &Tokens<'_, '_>, at: usize) -> Component {
    let wrapper = at.checked_sub(2).filter(|_| tokens.before(at, b'(')).and_then(|at| tokens.word(at));
    if wrapper == Some("testFixtures") { Component::Fixtures } else { Component::Main }
}

/// `.sourceSets.test.output` and the like behind `project(…)`.
pub(super) fn part_behind(tokens: &Tokens<'_, '_>, close: usize) -> Component {
    for at in close + 1..close + 13 {
        let name = match tokens.word(at) {
            Some(word) => word,
            None => match literal_at(tokens, at) {
                Some(text) => text,
                None if b".([?!".iter().any(|&sign| tokens.is(at, sign)) => "",
                None => break,
            },
        };
        if at == close + 1 && !name.is_empty() {
            break;
        }
        if name.starts_with("testFixtures") {
            return Component::Fixtures;
        }
        if is_for_tests(name) {
            return Component::Tests;
        }
    }
    Component::Main
}

/// `configuration: 'testArtifacts'`.
pub(super) fn part_named(tokens: &Tokens<'_, '_>, from: usize, close: usize) -> Component {
    for at in from..close.min(from + FARTHEST) {
        let key = tokens.word(at).or_else(|| literal_at(tokens, at));
        if key == Some("configuration")
            && let Some(name) = literal_at(tokens, at + 2)
        {
            return match name {
                _ if name.starts_with("testFixtures") => Component::Fixtures,
                _ if is_for_tests(name) || name == "tests" => Component::Tests,
                _ => Component::Main,
            };
        }
    }
    Component::Main
}

/// What the task is of, of a path that may be that of a task.
pub(super) fn part_of_task(path: &str) -> Component {
    match path.rsplit(':').next() {
        Some(task) if is_for_tests(task) => Component::Tests,
        _ => Component::Main,
    }
}

pub(super) fn is_project_path(text: &str) -> bool {
    text.len() > 1
        && text.strip_prefix(':').is_some_and(|rest| {
            rest.split(':')
                .all(|name| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "-_./".contains(c)))
        })
}

/// The group and the name of `group:name:version`.
pub(super) fn coordinates(text: &str) -> Option<(&str, &str)> {
    let (group, rest) = text.split_once(':')?;
    let name = rest.split([':', '@']).next()?;
    let plain = |text: &str| !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c == '/');
    (plain(group) && plain(name)).then_some((group, name))
}
