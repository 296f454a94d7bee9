//! Python sources as tokens: as much of its notation as it takes to tell an import from a text.

use crate::discover::syntax::Unreadable;

/// What may stand in a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// A name, a keyword or a number.
    Word(&'a str),
    /// What stands between quotes, as written, and whether anything of it is worked out: an f-string.
    Text(&'a str, bool),
    /// Any other sign.
    Sign(u8),
    /// The end of a statement.
    End,
}

/// A token and where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind<'a>,
    pub(super) at: usize,
}

/// How deep expressions may nest in texts that nest in expressions.
const DEEPEST_TEXT: usize = 16;

/// Cuts a source into tokens. What Python would refuse for its texts or its brackets is unreadable.
pub(super) fn tokens_of(text: &str) -> Result<Vec<Token<'_>>, usize> {
    let mut reader = Reader { text, bytes: text.as_bytes(), at: 0, tokens: Vec::new() };
    reader.code(false, 0)?;
    reader.push(Kind::End, text.len());
    Ok(reader.tokens)
}

/// Why a source at a line cannot be read.
pub(super) fn refused(line: u32) -> Unreadable {
    Unreadable::at(line, "it is no Python that can be read")
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    tokens: Vec<Token<'a>>,
}

impl<'a> Reader<'a> {
    fn push(&mut self, kind: Kind<'a>, at: usize) {
        self.tokens.push(Token { kind, at });
    }

    fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    /// Reads code up to the end of the file or, inside a text, up to what ends the expression: its brace, or the colon
    /// before a notation for its value.
    fn code(&mut self, inside_text: bool, depth: usize) -> Result<(), usize> {
        let mut open: Vec<u8> = Vec::new();
        while let Some(&byte) = self.bytes.get(self.at) {
            let start = self.at;
            match byte {
                b'}' | b':' if inside_text && open.is_empty() => return Ok(()),
                b'#' => self.at += memchr::memchr(b'\n', self.rest()).unwrap_or(self.rest().len()),
                b'\\' if self.rest().starts_with(b"\\\n") => self.at += 2,
                b'\\' if self.rest().starts_with(b"\\\r\n") => self.at += 3,
                b'\n' | b';' | b'\r' => {
                    if open.is_empty() && !inside_text {
                        self.push(Kind::End, start);
                    }
                    self.at += 1;
                }
                b'\'' | b'"' => self.quoted("", start, depth)?,
                b'(' | b'[' | b'{' | b')' | b']' | b'}' => {
                    match byte {
                        b'(' => open.push(b')'),
                        b'[' => open.push(b']'),
                        b'{' => open.push(b'}'),
                        _ if open.pop() == Some(byte) => {}
                        _ => return Err(start),
                    }
                    self.push(Kind::Sign(byte), start);
                    self.at += 1;
                }
                _ if is_word(byte) => {
                    let length = self.rest().iter().take_while(|byte| is_word(**byte)).count();
                    let word = self.text.get(start..start + length).ok_or(start)?;
                    self.at += length;
                    let is_prefix = length <= 3 && word.bytes().all(|byte| b"rRbBuUfFtT".contains(&byte));
                    match self.bytes.get(self.at) {
                        Some(b'\'' | b'"') if is_prefix => self.quoted(word, start, depth)?,
                        _ => self.push(Kind::Word(word), start),
                    }
                }
                _ => {
                    if byte.is_ascii_punctuation() {
                        self.push(Kind::Sign(byte), start);
                    }
                    self.at += 1;
                }
            }
        }
        if open.is_empty() && !inside_text { Ok(()) } else { Err(self.at) }
    }

    /// Reads a text from its first quote on, with the expressions in it.
    fn quoted(&mut self, prefix: &str, start: usize, depth: usize) -> Result<(), usize> {
        let quote = self.bytes[self.at];
        let is_long = self.rest().starts_with(&[quote; 3]);
        let works_out = prefix.bytes().any(|byte| b"fFtT".contains(&byte));
        self.at += if is_long { 3 } else { 1 };
        let (from, mut is_computed) = (self.at, false);
        loop {
            match *self.bytes.get(self.at).ok_or(start)? {
                b'\\' => self.at += if self.rest().starts_with(b"\\\r\n") { 3 } else { 2 },
                b'\n' if !is_long => return Err(start),
                byte if byte == quote && (!is_long || self.rest().starts_with(&[quote; 3])) => {
                    let value = self.text.get(from..self.at).ok_or(start)?;
                    self.push(Kind::Text(value, is_computed), start);
                    self.at += if is_long { 3 } else { 1 };
                    return Ok(());
                }
                b'{' if works_out && self.rest().starts_with(b"{{") => self.at += 2,
                b'{' if works_out => {
                    is_computed = true;
                    self.at += 1;
                    self.expression(start, depth + 1)?;
                }
                _ => self.at += 1,
            }
        }
    }

    /// Reads an expression in a text up to and with its closing brace.
    fn expression(&mut self, start: usize, depth: usize) -> Result<(), usize> {
        if depth > DEEPEST_TEXT {
            return Err(start);
        }
        self.code(true, depth)?;
        if self.bytes.get(self.at) == Some(&b':') {
            // How the value is written, which may hold expressions in turn.
            self.at += 1;
            loop {
                match *self.bytes.get(self.at).ok_or(start)? {
                    b'}' => break,
                    b'{' => {
                        self.at += 1;
                        self.expression(start, depth + 1)?;
                    }
                    _ => self.at += 1,
                }
            }
        }
        self.at += 1;
        Ok(())
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        let tokens = tokens_of(text).unwrap();
        let shown = tokens.iter().map(|token| match token.kind {
            Kind::Word(word) => word.to_owned(),
            Kind::Text(text, false) => format!("<{text}>"),
            Kind::Text(text, true) => format!("<{text}>?"),
            Kind::Sign(sign) => char::from(sign).to_string(),
            Kind::End => "$".to_owned(),
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn texts_comments_brackets_and_joined_lines_are_told_apart() {
        for (text, expected) in [
            ("import a # import b\nimport c", "import a $ import c $"),
            ("import a; import b", "import a $ import b $"),
            ("x = 'import a' \"it's\"", "x = <import a> <it's> $"),
            ("'''import a\nimport b'''\nimport c", "<import a\nimport b> $ import c $"),
            ("x = r'\\' import' + rb\"\\\\\"", "x = <\\' import> + <\\\\> $"),
            ("from a import (b, # one\n c,\n)", "from a import ( b , c , ) $"),
            ("from a \\\n  import b", "from a import b $"),
            ("f'{a[\"#\"]:>{w}}' + f'{{x}}'", "a [ <#> ] w <{a[\"#\"]:>{w}}>? + <{{x}}> $"),
            ("f\"{x[\"a\"]!r:'>10}\"\nimport b", "x [ <a> ] ! r <{x[\"a\"]!r:'>10}>? $ import b $"),
            ("f'{(lambda: 1)()}'", "( lambda : 1 ) ( ) <{(lambda: 1)()}>? $"),
        ] {
            assert_eq!(written(text), expected, "{text}");
        }
    }

    #[test]
    fn case_96_what_does_not_end_is_refused() {
        for text in ["x = 'a", "x = '''a''", "(a", "a)", "(]", "f'{a'", "f'{a:", "'a\nb'", &"f'{".repeat(40)] {
            assert!(tokens_of(text).is_err(), "{text}");
        }
    }
}
