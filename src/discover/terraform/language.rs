//! HCL, the language of Terraform, as tokens: words, signs, and texts with the templates inside them.

use crate::discover::syntax::{Lines, Unreadable, text_of};

/// How deep braces and templates may nest.
const DEEPEST_NESTING: usize = 128;

/// A token and the line it begins on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub kind: Kind<'a>,
    pub line: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// A name, also with dots and dashes, or a number.
    Word(&'a str),
    /// What stands between quotes or in a heredoc, as written. The tokens of the templates in it follow, so many.
    Text(&'a str, usize),
    Sign(u8),
}

/// What the lexer is in the middle of.
enum Mode<'a> {
    /// Expressions; in a template they end with the brace that is open.
    Code { braces: usize },
    /// A text between quotes: its token, and where it begins.
    Quoted { token: usize, start: usize },
    /// A heredoc: its token, where it begins, and the word that ends it.
    Heredoc { token: usize, start: usize, end: &'a str },
}

/// Cuts a file into tokens.
pub(super) fn tokens(bytes: &[u8]) -> Result<(Vec<Token<'_>>, Lines<'_>), Unreadable> {
    let text = text_of(bytes)?;
    let lines = Lines::new(text);
    let tokens = Lexer { text, at: 0, line: 1, tokens: Vec::new(), modes: vec![Mode::Code { braces: 0 }] }.run()?;
    Ok((tokens, lines))
}

/// Cuts a text of JSON, which is a template, into tokens, all of them of one line. One that is no template has none.
pub(super) fn template(text: &str, line: u32) -> Vec<Token<'_>> {
    let start = Mode::Quoted { token: 0, start: 0 };
    let tokens = vec![Token { kind: Kind::Text(text, 0), line }];
    let lexer = Lexer { text, at: 0, line, tokens, modes: vec![Mode::Code { braces: 0 }, start] };
    let mut tokens = lexer.run_template();
    tokens.iter_mut().for_each(|token| token.line = line);
    if let Some(inside) = tokens.len().checked_sub(1) {
        tokens[0].kind = Kind::Text(text, inside);
    }
    tokens
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    tokens: Vec<Token<'a>>,
    modes: Vec<Mode<'a>>,
}

impl<'a> Lexer<'a> {
    fn run(mut self) -> Result<Vec<Token<'a>>, Unreadable> {
        while self.at < self.text.len() {
            self.step(true)?;
        }
        match self.modes.as_slice() {
            [Mode::Code { .. }] => Ok(self.tokens),
            _ => Err(Unreadable::at(self.line, "a text has no end")),
        }
    }

    /// A broken template in JSON is a text like any other.
    fn run_template(mut self) -> Vec<Token<'a>> {
        while self.at < self.text.len() {
            if self.step(self.modes.len() > 2).is_err() {
                break;
            }
        }
        self.tokens
    }

    fn step(&mut self, quotes_end: bool) -> Result<(), Unreadable> {
        match self.modes.last() {
            Some(Mode::Quoted { token, start }) => {
                let (token, start) = (*token, *start);
                self.inside_quotes(token, start, quotes_end)
            }
            Some(Mode::Heredoc { token, start, end }) => {
                let (token, start, end) = (*token, *start, *end);
                self.inside_heredoc(token, start, end)
            }
            _ => self.code(),
        }
    }

    fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    fn enter(&mut self, mode: Mode<'a>) -> Result<(), Unreadable> {
        if self.modes.len() >= DEEPEST_NESTING {
            return Err(Unreadable::at(self.line, "its templates nest too deep"));
        }
        self.modes.push(mode);
        Ok(())
    }

    /// Ends a text: what its templates hold stands behind its token.
    fn close(&mut self, token: usize, start: usize, end: usize) {
        let inside = self.tokens.len() - token - 1;
        if let Some(text) = self.text.get(start..end) {
            self.tokens[token].kind = Kind::Text(text, inside);
        }
        self.modes.pop();
    }

    /// Whether a template begins here; `$${` and `%%{` are texts.
    fn template_begins(&mut self) -> Result<bool, Unreadable> {
        match self.rest() {
            [b'$', b'$', b'{', ..] | [b'%', b'%', b'{', ..] => {
                self.at += 3;
                Ok(true)
            }
            [b'$' | b'%', b'{', ..] => {
                self.at += 2;
                self.enter(Mode::Code { braces: 1 })?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn inside_quotes(&mut self, token: usize, start: usize, quotes_end: bool) -> Result<(), Unreadable> {
        if self.template_begins()? {
            return Ok(());
        }
        match self.rest() {
            [b'"', ..] if quotes_end => {
                self.close(token, start, self.at);
                self.at += 1;
            }
            [b'\\', b'\n', ..] | [b'\n', ..] if quotes_end => {
                return Err(Unreadable::at(self.line, "a text has no end"));
            }
            [b'\\', _, ..] => self.at += 2,
            _ => self.at += 1,
        }
        Ok(())
    }

    fn inside_heredoc(&mut self, token: usize, start: usize, end: &str) -> Result<(), Unreadable> {
        // At the beginning of a line.
        if self.text.as_bytes().get(self.at.wrapping_sub(1)) == Some(&b'\n') {
            let rest = self.rest();
            let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            if rest[..length].trim_ascii() == end.as_bytes() {
                self.close(token, start, self.at);
                self.at += length;
                return Ok(());
            }
        }
        if self.template_begins()? {
            return Ok(());
        }
        if self.rest().first() == Some(&b'\n') {
            self.line += 1;
        }
        self.at += 1;
        Ok(())
    }

    fn push(&mut self, kind: Kind<'a>, length: usize) {
        self.tokens.push(Token { kind, line: self.line });
        self.at += length;
    }

    fn code(&mut self) -> Result<(), Unreadable> {
        let rest = self.rest();
        match rest {
            [b'\n', ..] => {
                self.line += 1;
                self.at += 1;
            }
            [b'#', ..] | [b'/', b'/', ..] => self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len()),
            [b'/', b'*', ..] => {
                let length = memchr::memmem::find(&rest[2..], b"*/");
                let length = length.ok_or_else(|| Unreadable::at(self.line, "a comment has no end"))? + 4;
                self.line += memchr::memchr_iter(b'\n', &rest[..length]).count() as u32;
                self.at += length;
            }
            [b'"', ..] => {
                let mode = Mode::Quoted { token: self.tokens.len(), start: self.at + 1 };
                self.push(Kind::Text("", 0), 1);
                self.enter(mode)?;
            }
            [b'<', b'<', ..] if self.heredoc()? => {}
            [first, ..] if is_word(*first) => {
                let length = rest.iter().take_while(|&&byte| is_word(byte)).count();
                if let Some(word) = self.text.get(self.at..self.at + length) {
                    self.push(Kind::Word(word), length);
                }
            }
            [first, ..] => {
                if first.is_ascii_punctuation() {
                    self.push(Kind::Sign(*first), 1);
                } else {
                    self.at += 1;
                }
                self.brace(*first)?;
            }
            [] => {}
        }
        Ok(())
    }

    /// Counts a brace. The one that ends a template leads back into its text.
    fn brace(&mut self, sign: u8) -> Result<(), Unreadable> {
        let in_template = self.modes.len() > 1;
        let Some(Mode::Code { braces }) = self.modes.last_mut() else { return Ok(()) };
        match sign {
            b'{' => *braces += 1,
            b'}' => *braces = braces.saturating_sub(1),
            _ => return Ok(()),
        }
        if *braces > DEEPEST_NESTING {
            return Err(Unreadable::at(self.line, "its blocks nest too deep"));
        }
        if in_template && *braces == 0 {
            self.modes.pop();
        }
        Ok(())
    }

    /// `<<WORD` or `<<-WORD`.
    fn heredoc(&mut self) -> Result<bool, Unreadable> {
        let begin = self.at + 2 + usize::from(self.rest().get(2) == Some(&b'-'));
        let after = &self.text.as_bytes()[begin..];
        let length = after.iter().take_while(|&&byte| is_word(byte)).count();
        let line_end = to_next_line(&after[length..]);
        let (Some(end), Some(line_end), true) = (self.text.get(begin..begin + length), line_end, length > 0) else {
            return Ok(false);
        };
        let start = begin + length + line_end;
        let mode = Mode::Heredoc { token: self.tokens.len(), start, end };
        self.tokens.push(Token { kind: Kind::Text("", 0), line: self.line });
        self.line += 1;
        self.at = start;
        self.enter(mode)?;
        Ok(true)
    }
}

/// How many bytes there are up to the next line, if nothing but white space stands before it.
fn to_next_line(bytes: &[u8]) -> Option<usize> {
    let blank = bytes.iter().take_while(|&&byte| matches!(byte, b' ' | b'\t' | b'\r')).count();
    (bytes.get(blank) == Some(&b'\n')).then_some(blank + 1)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-') || !byte.is_ascii()
}
