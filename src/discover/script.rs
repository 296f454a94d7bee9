//! Manifests that are programs (a Gemfile, a `mix.exs`, a `Package.swift`, a `MODULE.bazel`), cut into tokens. None is
//! run: what they write as literals is read, and what they work out is told.

use std::collections::HashMap;

use super::syntax::{Lines, Stated, Unreadable, text_of};

/// A token and the line it begins on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub kind: Kind<'a>,
    pub line: u32,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// A name or a number.
    Word(&'a str),
    /// What stands between quotes, as written.
    Text(&'a str),
    /// Any other sign.
    Sign(u8),
}

/// How a language writes comments and what it works out inside texts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Notation {
    /// What begins a comment that ends with its line.
    pub comment: &'static str,
    /// What begins an expression inside a text.
    pub interpolation: &'static str,
    /// Whether a single quote begins a text too.
    pub has_single_quotes: bool,
}

/// A file as tokens.
pub(super) struct Script<'a> {
    pub tokens: Vec<Token<'a>>,
    pub lines: Lines<'a>,
    notation: Notation,
    /// For each sign that opens arguments the one that closes them.
    closes: HashMap<usize, usize>,
}

/// Deeper arguments are not looked into: each is walked through from all that enclose it.
const DEEPEST_NESTING: usize = 128;

impl<'a> Script<'a> {
    /// Cuts a file into tokens. A text ends with its line, unless it has three quotes.
    pub fn read(bytes: &'a [u8], notation: Notation) -> Result<Self, Unreadable> {
        let text = text_of(bytes)?;
        let bytes = text.as_bytes();
        let (mut tokens, mut at, mut line) = (Vec::new(), 0, 1);
        while let Some(&byte) = bytes.get(at) {
            let rest = &bytes[at..];
            let length = match byte {
                b'\n' => {
                    line += 1;
                    1
                }
                _ if rest.starts_with(notation.comment.as_bytes()) => line_length(rest),
                b'/' if notation.comment == "//" && rest.starts_with(b"/*") => {
                    let length = memchr::memmem::find(&rest[2..], b"*/").map_or(rest.len(), |found| found + 4);
                    line += memchr::memchr_iter(b'\n', &rest[..length]).count() as u32;
                    length
                }
                b'"' if rest.starts_with(b"\"\"\"") => {
                    let length = memchr::memmem::find(&rest[3..], b"\"\"\"").map_or(rest.len(), |found| found + 6);
                    line += memchr::memchr_iter(b'\n', &rest[..length]).count() as u32;
                    length
                }
                b'"' | b'\'' if byte == b'"' || notation.has_single_quotes => {
                    let length = quoted_length(rest, byte);
                    if let Some(inside) = text.get(at + 1..at + length - 1) {
                        tokens.push(Token { kind: Kind::Text(inside), line });
                    }
                    length
                }
                _ if is_word(byte) => {
                    let length = rest.iter().take_while(|&&byte| is_word(byte)).count();
                    tokens.extend(text.get(at..at + length).map(|word| Token { kind: Kind::Word(word), line }));
                    length
                }
                _ => {
                    if byte.is_ascii_punctuation() {
                        tokens.push(Token { kind: Kind::Sign(byte), line });
                    }
                    1
                }
            };
            at += length;
        }
        let closes = closes(&tokens);
        Ok(Self { tokens, lines: Lines::new(text), notation, closes })
    }

    /// Whether a text is one as it stands.
    pub fn is_literal(&self, text: &str) -> bool {
        !text.contains(self.notation.interpolation)
    }

    /// A value, stated by the line of a token.
    pub fn stated<T>(&self, token: &Token<'_>, value: T) -> Stated<T> {
        self.lines.stated(token.line, value)
    }

    /// The arguments between the opening sign at a place and the one that closes it; none where nothing does.
    pub fn enclosed(&self, open: usize) -> &[Token<'a>] {
        let close = self.closes.get(&open).copied().unwrap_or(open);
        self.tokens.get(open + 1..close).unwrap_or_default()
    }
}

fn closes(tokens: &[Token<'_>]) -> HashMap<usize, usize> {
    let (mut closes, mut open) = (HashMap::new(), Vec::new());
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            Kind::Sign(b'(' | b'[' | b'{') => open.push(at),
            Kind::Sign(b')' | b']' | b'}') => {
                let depth = open.len();
                if let Some(begin) = open.pop().filter(|_| depth <= DEEPEST_NESTING) {
                    closes.insert(begin, at);
                }
            }
            _ => {}
        }
    }
    closes
}

/// What follows a key in arguments: `key: value`, `:key => value` or `key = value`. Empty where there is no such key.
pub(super) fn value_of<'t, 'a>(arguments: &'t [Token<'a>], key: &str) -> &'t [Token<'a>] {
    let found = arguments.iter().position(|token| token.kind == Kind::Word(key));
    let following = found.and_then(|at| arguments.get(at + 1..)).unwrap_or_default();
    match following {
        [Token { kind: Kind::Sign(b'='), .. }, Token { kind: Kind::Sign(b'>'), .. }, value @ ..] => value,
        [Token { kind: Kind::Sign(b':' | b'='), .. }, value @ ..] => value,
        _ => &[],
    }
}

fn line_length(rest: &[u8]) -> usize {
    memchr::memchr(b'\n', rest).unwrap_or(rest.len())
}

/// A text with its quotes; one that has no end, ends with its line. At least two bytes.
fn quoted_length(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while let Some(&byte) = rest.get(at) {
        match byte {
            b'\\' => at += 2,
            b'\n' => return at.max(2),
            _ if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len().max(2)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUBY: Notation = Notation { comment: "#", interpolation: "#{", has_single_quotes: true };

    #[test]
    fn values_are_found_in_both_notations_and_not_in_comments() {
        let script =
            Script::read(b"# path: 'no'\ngem 'a', path: '../a' # x\ngem \"b\", :path => \"../#{x}\"\n", RUBY).unwrap();
        let texts: Vec<_> = script.tokens.iter().filter(|token| matches!(token.kind, Kind::Text(_))).collect();
        assert_eq!(texts.len(), 4);
        assert_eq!(value_of(&script.tokens, "path")[0].kind, Kind::Text("../a"));
        let second = script.tokens.iter().position(|token| token.kind == Kind::Text("b")).unwrap();
        let value = value_of(&script.tokens[second..], "path");
        assert_eq!(value[0].kind, Kind::Text("../#{x}"));
        assert!(!script.is_literal("../#{x}"));
    }

    #[test]
    fn case_96_texts_without_an_end_cost_little() {
        for broken in ["\"", "'", "'\\", "\"\"\"", "\"x\n'y", "#", "\u{e9}\"\u{e9}"] {
            assert!(Script::read(broken.as_bytes(), RUBY).is_ok(), "{broken}");
        }
        let deep = format!("{}{}", "(".repeat(1_000_000), ")".repeat(1_000_000));
        let script = Script::read(deep.as_bytes(), RUBY).unwrap();
        assert_eq!(script.enclosed(0).len(), 1_999_998);
        assert_eq!(script.enclosed(DEEPEST_NESTING).len(), 0);
    }
}
