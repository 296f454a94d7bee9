//! A Groovy or Kotlin script as words, texts and signs: just enough of both languages to tell code from comments and
//! to see where texts and brackets end.

use super::value::Part;
use crate::discover::syntax::{Lines, Unreadable};

/// How deep brackets may stand in each other.
const DEEPEST_BRACKETS: usize = 128;

/// How deep expressions may stand in each other inside one text.
const DEEPEST_EXPRESSION: usize = 128;

/// What a token is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// A name, a keyword or a number.
    Word(&'a str),
    /// A text with its interpolations, and the expressions in it that are more than a name, each at its offset.
    Text(Vec<Part>, Vec<(usize, &'a str)>),
    /// Any other character.
    Sign(u8),
}

/// One token.
#[derive(Debug)]
pub(super) struct Token<'a> {
    pub kind: Kind<'a>,
    /// Where it begins.
    pub offset: usize,
    /// Whether it is the first on its line.
    pub begins_line: bool,
    /// Of a bracket, the place of the one that belongs to it; else its own.
    pub partner: usize,
}

/// The tokens of a script. `kotlin` tells the languages apart where they differ.
pub(super) fn tokens_of<'a>(
    text: &'a str,
    kotlin: bool,
    lines: &Lines<'_>,
    start: usize,
) -> Result<Vec<Token<'a>>, Unreadable> {
    let scanner = Scanner { text, bytes: text.as_bytes(), kotlin, at: 0 };
    let broken = |(offset, message): (usize, &str)| Unreadable::at(lines.line_of(start + offset), message);
    let mut tokens = scanner.run().map_err(broken)?;
    let mut open: Vec<usize> = Vec::new();
    for at in 0..tokens.len() {
        let Kind::Sign(sign) = tokens[at].kind else { continue };
        let offset = tokens[at].offset;
        match sign {
            b'(' | b'[' | b'{' => {
                open.push(at);
                if open.len() > DEEPEST_BRACKETS {
                    return Err(broken((offset, "its brackets stand too deep in each other")));
                }
            }
            b')' | b']' | b'}' => {
                let opening = open.pop().ok_or_else(|| broken((offset, "a bracket is closed that none opened")))?;
                let fits = matches!(
                    (&tokens[opening].kind, sign),
                    (Kind::Sign(b'('), b')') | (Kind::Sign(b'['), b']') | (Kind::Sign(b'{'), b'}')
                );
                if !fits {
                    return Err(broken((offset, "a bracket is closed by another kind of bracket")));
                }
                tokens[opening].partner = at;
                tokens[at].partner = opening;
            }
            _ => {}
        }
    }
    match open.pop() {
        Some(opening) => Err(broken((tokens[opening].offset, "a bracket is never closed"))),
        None => {
            for token in &mut tokens {
                token.offset += start;
                if let Kind::Text(_, expressions) = &mut token.kind {
                    expressions.iter_mut().for_each(|(offset, _)| *offset += start);
                }
            }
            Ok(tokens)
        }
    }
}

/// What is wrong, and where.
type Broken = (usize, &'static str);

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    kotlin: bool,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn run(mut self) -> Result<Vec<Token<'a>>, Broken> {
        let mut tokens: Vec<Token<'a>> = Vec::new();
        let mut begins_line = true;
        if self.bytes.starts_with(b"#!") {
            self.skip_line();
        }
        while let Some(&byte) = self.bytes.get(self.at) {
            let offset = self.at;
            let kind = match byte {
                b'\n' => {
                    begins_line = true;
                    self.at += 1;
                    continue;
                }
                _ if byte.is_ascii_whitespace() => {
                    self.at += 1;
                    continue;
                }
                b'/' if self.follows(b"//") => {
                    self.skip_line();
                    continue;
                }
                b'/' if self.follows(b"/*") => {
                    self.skip_comment()?;
                    continue;
                }
                b'\'' | b'"' => self.quoted(byte)?,
                b'`' => match memchr::memchr2(b'`', b'\n', &self.bytes[offset + 1..]) {
                    Some(length) if self.bytes[offset + 1 + length] == b'`' => {
                        self.at = offset + length + 2;
                        Kind::Word(&self.text[offset + 1..offset + 1 + length])
                    }
                    _ => self.sign(byte),
                },
                b'/' if !self.kotlin && begins_pattern(tokens.last()) => self.pattern(),
                _ if is_word(byte) => {
                    let length = self.bytes[offset..].iter().take_while(|&&byte| is_word(byte)).count();
                    self.at += length;
                    Kind::Word(&self.text[offset..self.at])
                }
                _ => self.sign(byte),
            };
            tokens.push(Token { kind, offset, begins_line, partner: tokens.len() });
            begins_line = false;
        }
        Ok(tokens)
    }

    fn follows(&self, wanted: &[u8]) -> bool {
        self.bytes[self.at..].starts_with(wanted)
    }

    fn sign(&mut self, byte: u8) -> Kind<'a> {
        self.at += 1;
        Kind::Sign(byte)
    }

    fn skip_line(&mut self) {
        self.at = memchr::memchr(b'\n', &self.bytes[self.at..]).map_or(self.bytes.len(), |length| self.at + length);
    }

    /// In Kotlin comments stand in each other.
    fn skip_comment(&mut self) -> Result<(), Broken> {
        let start = self.at;
        let mut depth = 0usize;
        while self.at < self.bytes.len() {
            if self.follows(b"*/") {
                self.at += 2;
                depth -= 1;
                if depth == 0 {
                    return Ok(());
                }
            } else if self.follows(b"/*") && (depth == 0 || self.kotlin) {
                self.at += 2;
                depth += 1;
            } else {
                self.at += 1;
            }
        }
        Err((start, "a comment is never closed"))
    }

    /// A regular expression between slashes; a slash that none follows on its line divides.
    fn pattern(&mut self) -> Kind<'a> {
        let mut end = self.at + 1;
        while let Some(&byte) = self.bytes.get(end) {
            match byte {
                b'\n' => break,
                b'\\' => end += 2,
                b'/' => {
                    self.at = end + 1;
                    return Kind::Text(vec![Part::Computed], Vec::new());
                }
                _ => end += 1,
            }
        }
        self.sign(b'/')
    }

    /// A text in quotes, which stand alone or three together.
    fn quoted(&mut self, quote: u8) -> Result<Kind<'a>, Broken> {
        let start = self.at;
        let triple = self.follows(&[quote; 3]);
        self.at += if triple { 3 } else { 1 };
        let interpolated = quote == b'"';
        let (mut parts, mut expressions) = (Vec::new(), Vec::new());
        let mut literal: Vec<u8> = Vec::new();
        loop {
            let Some(&byte) = self.bytes.get(self.at) else {
                return Err((start, "a text is never closed"));
            };
            if triple && self.follows(&[quote; 3]) {
                // Of four quotes, the first belongs to the text.
                while self.bytes.get(self.at + 3) == Some(&quote) {
                    literal.push(quote);
                    self.at += 1;
                }
                self.at += 3;
                break;
            }
            if !triple && (byte == quote || byte == b'\n') {
                if byte == b'\n' {
                    return Err((start, "a text is not closed on its line"));
                }
                self.at += 1;
                break;
            }
            match byte {
                b'\\' if !(self.kotlin && triple) => {
                    let escaped = self.bytes.get(self.at + 1).copied().unwrap_or(b'\\');
                    literal.push(match escaped {
                        b'n' | b'\n' => b'\n',
                        b't' => b'\t',
                        b'r' => b'\r',
                        _ => escaped,
                    });
                    self.at += 2;
                }
                b'$' if interpolated => {
                    let part = self.interpolation(&mut expressions)?;
                    match part {
                        Some(part) => {
                            flush(&mut literal, &mut parts);
                            parts.push(part);
                        }
                        None => literal.push(b'$'),
                    }
                }
                _ => {
                    literal.push(byte);
                    self.at += 1;
                }
            }
        }
        flush(&mut literal, &mut parts);
        Ok(Kind::Text(parts, expressions))
    }

    /// `$name`, `$name.of.groovy` or `${…}`; none for a lone dollar.
    fn interpolation(&mut self, expressions: &mut Vec<(usize, &'a str)>) -> Result<Option<Part>, Broken> {
        self.at += 1;
        if self.bytes.get(self.at) == Some(&b'{') {
            let start = self.at + 1;
            let end = self.end_of_expression(start)?;
            self.at = end + 1;
            let expression = self.text[start..end].trim();
            if is_dotted(expression) {
                return Ok(Some(Part::Name(expression.to_owned())));
            }
            expressions.push((start, &self.text[start..end]));
            return Ok(Some(Part::Computed));
        }
        let start = self.at;
        while let Some(&byte) = self.bytes.get(self.at) {
            let dot = byte == b'.'
                && !self.kotlin
                && self.at > start
                && self.bytes.get(self.at + 1).is_some_and(|&next| next.is_ascii_alphabetic() || next == b'_');
            if !is_word(byte) && !dot {
                break;
            }
            self.at += 1;
        }
        Ok((self.at > start).then(|| Part::Name(self.text[start..self.at].to_owned())))
    }

    /// Where the `}` stands that closes an expression; texts in it may hold further expressions.
    fn end_of_expression(&self, start: usize) -> Result<usize, Broken> {
        let mut open = vec![b'}'];
        let mut at = start;
        while let Some(&byte) = self.bytes.get(at) {
            let inside = open.last().copied().unwrap_or(b'}');
            if open.len() > DEEPEST_EXPRESSION {
                return Err((start, "an expression in a text stands too deep in others"));
            }
            match byte {
                b'\\' if inside != b'}' => at += 1,
                b'$' if inside == b'"' && self.bytes.get(at + 1) == Some(&b'{') => {
                    open.push(b'}');
                    at += 1;
                }
                _ if byte == inside => {
                    open.pop();
                    if open.is_empty() {
                        return Ok(at);
                    }
                }
                b'{' if inside == b'}' => open.push(b'}'),
                b'\'' | b'"' if inside == b'}' => open.push(byte),
                _ => {}
            }
            at += 1;
        }
        Err((start, "an expression in a text is never closed"))
    }
}

fn flush(literal: &mut Vec<u8>, parts: &mut Vec<Part>) {
    if !literal.is_empty() {
        parts.push(Part::Literal(String::from_utf8_lossy(literal).into_owned()));
        literal.clear();
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

/// Whether a text is a name, or names joined by dots.
fn is_dotted(text: &str) -> bool {
    !text.is_empty() && text.split('.').all(|name| !name.is_empty() && name.bytes().all(is_word))
}

/// Whether a slash after this token begins a text and does not divide.
fn begins_pattern(before: Option<&Token<'_>>) -> bool {
    match before.map(|token| &token.kind) {
        None => true,
        Some(Kind::Sign(sign)) => {
            matches!(sign, b'(' | b',' | b'=' | b'[' | b'{' | b':' | b'~' | b'!' | b'&' | b'|' | b'?')
        }
        Some(Kind::Word(word)) => matches!(*word, "return" | "in" | "case"),
        Some(Kind::Text(..)) => false,
    }
}
