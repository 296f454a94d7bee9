//! The patterns of CI engines. They look alike and differ in what matters: whether `**` crosses folders, whether a name
//! means all below it, what `?` is. Each engine's file states its [`Grammar`]; here one is made ready to match.

use regex_automata::meta::{Config, Regex};
use regex_automata::util::syntax;

/// What the signs of a pattern mean to an engine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grammar {
    /// Where `**` reaches into folders.
    pub double_star: DoubleStar,
    /// What `?` is.
    pub question: Question,
    /// Whether `[ab]` is one of these characters, and `\` takes the meaning from a sign.
    pub classes: bool,
    /// Whether `{a,b}` is a choice.
    pub braces: bool,
    /// Whether `@(a|b)`, `?(a)`, `*(a)` and `+(a)` are groups, and `!(a)` what no expression here can say.
    pub groups: bool,
    /// Whether a comma outside of braces parts whole patterns.
    pub commas: bool,
    /// Whether case does not matter.
    pub ignores_case: bool,
}

/// Where `**` reaches into folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DoubleStar {
    /// Wherever it stands.
    Anywhere,
    /// Where it is a whole segment; else it is `*`.
    Segment,
    /// Where a `/` follows it; at the end it is `*`.
    BeforeSlash,
}

/// What `?` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// One character.
    OneCharacter,
    /// The character before it may be missing; and `+` repeats it.
    Optional,
}

/// A pattern that is ready to match, or one that cannot be read here: that matches everything, so that nobody is told of
/// a miss that is none.
#[derive(Debug, Clone)]
pub(super) struct Glob(Option<Regex>);

/// A compiled pattern may take this many bytes.
const LARGEST: usize = 1 << 20;

/// A pattern beyond this many bytes is not read: no pattern that people write comes near it.
const LONGEST: usize = 4096;

/// Groups may stand in each other this deep.
const DEEPEST: usize = 16;

impl Glob {
    /// Reads a pattern.
    pub fn new(pattern: &str, grammar: Grammar) -> Self {
        Self(Translation::of(pattern, grammar).and_then(|text| compile(&text, grammar.ignores_case)))
    }

    /// A regular expression that has to match a whole path.
    pub fn of_expression(expression: &str) -> Self {
        Self(if expression.len() > LONGEST { None } else { compile(expression, false) })
    }

    /// A path and all below it.
    pub fn below(path: &str) -> Self {
        let mut text = String::new();
        for sign in path.chars() {
            if sign.is_ascii_punctuation() {
                text.push('\\');
            }
            text.push(sign);
        }
        Self::of_expression(&(text + "(?:/.*)?"))
    }

    /// A pattern that cannot be read.
    pub fn unknown() -> Self {
        Self(None)
    }

    /// Whether it could be read.
    pub fn is_readable(&self) -> bool {
        self.0.is_some()
    }

    /// Whether a path matches.
    pub fn matches(&self, path: &[u8]) -> bool {
        self.0.as_ref().is_none_or(|regex| regex.is_match(path))
    }
}

fn compile(expression: &str, ignores_case: bool) -> Option<Regex> {
    let bytes = syntax::Config::new().unicode(false).utf8(false).dot_matches_new_line(true);
    let limits = Config::new().nfa_size_limit(Some(LARGEST)).hybrid_cache_capacity(LARGEST);
    let whole = format!("\\A(?:{expression})\\z");
    Regex::builder().syntax(bytes.case_insensitive(ignores_case)).configure(limits).build(&whole).ok()
}

/// A pattern on its way to an expression.
struct Translation<'a> {
    grammar: Grammar,
    rest: &'a [char],
    at: usize,
    text: String,
    /// Where the last thing begins that `?` or `+` could be about.
    last: Option<usize>,
    /// The closing sign of each open group.
    open: Vec<(char, &'static str)>,
}

impl Translation<'_> {
    fn of(pattern: &str, grammar: Grammar) -> Option<String> {
        if pattern.len() > LONGEST {
            return None;
        }
        let signs: Vec<char> = pattern.chars().collect();
        let mut translation =
            Translation { grammar, rest: &signs, at: 0, text: String::new(), last: None, open: Vec::new() };
        while translation.at < signs.len() {
            translation.sign()?;
        }
        translation.open.is_empty().then_some(translation.text)
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.rest.get(self.at + ahead).copied()
    }

    fn put(&mut self, piece: &str) {
        self.last = Some(self.text.len());
        self.text.push_str(piece);
    }

    fn literal(&mut self, sign: char) {
        self.last = Some(self.text.len());
        if sign.is_ascii_punctuation() {
            self.text.push('\\');
        }
        self.text.push(sign);
    }

    fn sign(&mut self) -> Option<()> {
        let sign = self.peek(0)?;
        if self.grammar.groups && self.peek(1) == Some('(') && "@?*+!".contains(sign) {
            let after = match sign {
                '@' => ")",
                '?' => ")?",
                '*' => ")*",
                '+' => ")+",
                // What is not there cannot be said.
                _ => return None,
            };
            self.at += 2;
            return self.enter(')', after);
        }
        match sign {
            '*' => return self.star(),
            '?' => match (self.grammar.question, self.last) {
                (Question::OneCharacter, _) => self.put("[^/]"),
                (Question::Optional, Some(last)) => self.repeat(last, '?'),
                (Question::Optional, None) => self.literal('?'),
            },
            '+' if self.grammar.question == Question::Optional => match self.last {
                Some(last) => self.repeat(last, '+'),
                None => self.literal('+'),
            },
            '[' if self.grammar.classes => return self.class(),
            '\\' if self.grammar.classes => {
                self.at += 1;
                let escaped = self.peek(0)?;
                self.literal(escaped);
            }
            '{' if self.grammar.braces => {
                self.at += 1;
                return self.enter('}', ")");
            }
            ',' if self.open.last().is_some_and(|(close, _)| *close == '}') => self.text.push('|'),
            '|' if self.open.last().is_some_and(|(close, _)| *close == ')') => self.text.push('|'),
            ',' if self.grammar.commas && self.open.is_empty() => self.text.push('|'),
            close if self.open.last().is_some_and(|(open, _)| *open == close) => {
                let after = self.open.pop()?.1;
                self.text.push_str(after);
            }
            other => self.literal(other),
        }
        self.at += 1;
        Some(())
    }

    fn enter(&mut self, close: char, after: &'static str) -> Option<()> {
        self.text.push_str("(?:");
        self.open.push((close, after));
        (self.open.len() <= DEEPEST).then_some(())
    }

    fn repeat(&mut self, last: usize, sign: char) {
        let repeated = format!("(?:{}){sign}", &self.text[last..]);
        self.text.truncate(last);
        self.text.push_str(&repeated);
    }

    /// One star or more.
    fn star(&mut self) -> Option<()> {
        let begins = self.at == 0 || matches!(self.rest[self.at - 1], '/' | ',' | '{');
        let stars = self.rest[self.at..].iter().take_while(|sign| **sign == '*').count();
        self.at += stars;
        let slash = self.peek(0) == Some('/');
        let ends = self.peek(0).is_none() || (self.grammar.commas && self.peek(0) == Some(','));
        let crosses = stars > 1
            && match self.grammar.double_star {
                DoubleStar::Anywhere => true,
                DoubleStar::Segment => begins && (slash || ends),
                DoubleStar::BeforeSlash => begins && slash,
            };
        match crosses {
            // No folder at all is a depth too.
            true if begins && slash => {
                self.at += 1;
                self.put("(?:.*/)?");
            }
            // `a/**` means `a` itself as well.
            true if ends && self.grammar.double_star == DoubleStar::Segment && self.text.ends_with("\\/") => {
                self.text.truncate(self.text.len() - 2);
                self.put("(?:/.*)?");
            }
            true => self.put(".*"),
            false => self.put("[^/]*"),
        }
        Some(())
    }

    /// Characters in brackets; a bracket that is never closed is itself.
    fn class(&mut self) -> Option<()> {
        let inner = &self.rest[self.at + 1..];
        let negated = matches!(inner.first(), Some('!' | '^'));
        let skipped = usize::from(negated);
        let Some(length) = inner.iter().skip(skipped + 1).position(|sign| *sign == ']').map(|at| at + 1) else {
            self.literal('[');
            self.at += 1;
            return Some(());
        };
        let mut class = String::from(if negated { "[^/" } else { "[" });
        for sign in &inner[skipped..skipped + length] {
            if sign.is_ascii_punctuation() && *sign != '-' {
                class.push('\\');
            }
            class.push(*sign);
        }
        class.push(']');
        self.put(&class);
        self.at += skipped + length + 2;
        Some(())
    }
}

/// The part of a pattern before anything that is not a plain name: the folder that it is about, or the file.
pub(super) fn plain_part(pattern: &str) -> &str {
    let plain = pattern.split(['*', '?', '[', '{', '+', '(', ',']).next().unwrap_or_default();
    let plain =
        if plain.len() < pattern.len() { plain.rsplit_once('/').map_or("", |(folder, _)| folder) } else { plain };
    plain.trim_start_matches("./").trim_matches('/')
}
