//! `.proto` files: the package they are in and what they import.

use serde::{Deserialize, Serialize};

use crate::discover::syntax::{LARGEST_MANIFEST, Stated, Unreadable};

/// How much of a line evidence carries, in characters.
const LONGEST_LINE: usize = 160;

/// What a `.proto` file says.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::discover) struct Proto {
    /// `proto2`, `proto3` or the edition.
    pub(super) syntax: Option<String>,
    pub(super) package: Option<Stated<String>>,
    pub(super) imports: Vec<Stated<String>>,
    /// A digest of the tokens: equal for two files that differ in comments and white space alone.
    pub(super) digest: [u8; 32],
}

#[derive(PartialEq, Eq)]
enum Token<'a> {
    Word(&'a [u8]),
    Text(&'a [u8]),
    Sign(u8),
}

/// Reads a `.proto` file. Bytes that are not UTF-8 may stand in its comments.
pub(super) fn read_proto(bytes: &[u8]) -> Result<Proto, Unreadable> {
    if bytes.len() > LARGEST_MANIFEST {
        let message = format!("it has {} bytes, and at most {LARGEST_MANIFEST} are read", bytes.len());
        return Err(Unreadable::at(0, message));
    }
    let mut lexer = Lexer {
        bytes: bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes),
        at: 0,
        line: Line { number: 1, start: 0 },
    };
    let mut proto = Proto::default();
    let mut hasher = blake3::Hasher::new();
    let (mut depth, mut statement): (usize, Vec<(Line, Token<'_>)>) = (0, Vec::new());
    while let Some((line, token)) = lexer.next()? {
        let (kind, content): (u8, &[u8]) = match &token {
            Token::Word(word) => (b'w', word),
            Token::Text(text) => (b't', text),
            Token::Sign(sign) => (b's', std::slice::from_ref(sign)),
        };
        hasher.update(&[kind]).update(&(content.len() as u64).to_le_bytes()).update(content);
        match token {
            Token::Sign(b'{') => depth += 1,
            Token::Sign(b'}') => {
                depth = depth.saturating_sub(1);
                statement.clear();
            }
            Token::Sign(b';') if depth == 0 => {
                lexer.state(&statement, &mut proto);
                statement.clear();
            }
            // No statement that is read has more tokens.
            token if depth == 0 && statement.len() < 64 => statement.push((line, token)),
            _ => {}
        }
    }
    proto.digest = *hasher.finalize().as_bytes();
    Ok(proto)
}

/// A line by its number and by where it begins.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Line {
    number: u32,
    start: usize,
}

struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
    line: Line,
}

impl<'a> Lexer<'a> {
    fn next(&mut self) -> Result<Option<(Line, Token<'a>)>, Unreadable> {
        while let Some(&byte) = self.bytes.get(self.at) {
            let rest = &self.bytes[self.at..];
            let line = self.line;
            match byte {
                b'\n' => {
                    self.at += 1;
                    self.line = Line { number: line.number + 1, start: self.at };
                }
                b'/' if rest.starts_with(b"//") => {
                    self.at += rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len());
                }
                b'/' if rest.starts_with(b"/*") => {
                    let length = rest[2..].windows(2).position(|pair| pair == b"*/");
                    let length = length.ok_or_else(|| Unreadable::at(line.number, "a comment has no end"))? + 4;
                    let breaks = rest[..length].iter().filter(|&&b| b == b'\n').count() as u32;
                    if let Some(last) = rest[..length].iter().rposition(|&b| b == b'\n') {
                        self.line = Line { number: line.number + breaks, start: self.at + last + 1 };
                    }
                    self.at += length;
                }
                b'"' | b'\'' => {
                    let mut end = 1;
                    while let Some(&inner) = rest.get(end) {
                        match inner {
                            _ if inner == byte => break,
                            b'\n' => return Err(Unreadable::at(line.number, "a text has no end")),
                            b'\\' => end += 2,
                            _ => end += 1,
                        }
                    }
                    let Some(text) = rest.get(1..end).filter(|_| end < rest.len()) else {
                        return Err(Unreadable::at(line.number, "a text has no end"));
                    };
                    self.at += end + 1;
                    return Ok(Some((line, Token::Text(text))));
                }
                _ if is_word(byte) => {
                    let length = rest.iter().take_while(|&&b| is_word(b)).count();
                    self.at += length;
                    return Ok(Some((line, Token::Word(&rest[..length]))));
                }
                _ => {
                    self.at += 1;
                    if byte.is_ascii_punctuation() {
                        return Ok(Some((line, Token::Sign(byte))));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Takes what a statement at the top of the file says.
    fn state(&self, statement: &[(Line, Token<'_>)], proto: &mut Proto) {
        let text_of = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(str::to_owned);
        let [(line, Token::Word(keyword)), rest @ ..] = statement else { return };
        match (*keyword, rest) {
            (b"import", [.., (_, Token::Text(path))]) => {
                proto.imports.extend(text_of(path).map(|path| self.stated(*line, path)));
            }
            (b"package", [(_, Token::Word(package))]) => {
                proto.package = text_of(package).map(|package| self.stated(*line, package));
            }
            (b"syntax" | b"edition", [_, (_, Token::Text(syntax))]) => proto.syntax = text_of(syntax),
            _ => {}
        }
    }

    fn stated(&self, line: Line, value: String) -> Stated<String> {
        // No character takes more than four bytes, so more than this is never shown.
        let text = self.bytes[line.start..].iter().take(4 * LONGEST_LINE).take_while(|&&b| b != b'\n');
        let text: Vec<u8> = text.copied().collect();
        let text: String = String::from_utf8_lossy(&text).trim().chars().take(LONGEST_LINE).collect();
        Stated { value, line: line.number, text: text.into() }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_read_and_comments_and_bodies_are_not() {
        let text = b"// import \"no.proto\";\nsyntax = \"proto3\"; /* import\n\"no\"; */ package a.b.v1;\nimport public 'x/y.proto';\nimport \"z.proto\"; // \xe9\noption x = \"import 'no.proto';\";\nmessage M { string s = 1 [default = \"import \\\"no.proto\\\";\"]; }\n";
        let proto = read_proto(text).unwrap();
        assert_eq!(proto.syntax.as_deref(), Some("proto3"));
        assert_eq!(proto.package.map(|package| package.value).as_deref(), Some("a.b.v1"));
        let imports: Vec<_> = proto.imports.iter().map(|import| (import.value.as_str(), import.line)).collect();
        assert_eq!(imports, [("x/y.proto", 4), ("z.proto", 5)]);
    }

    #[test]
    fn comments_and_white_space_leave_the_digest() {
        let digest = |text: &[u8]| read_proto(text).unwrap().digest;
        assert_eq!(digest(b"package a; // x"), digest(b"package\n a ;"));
        assert_ne!(digest(b"package a;"), digest(b"package b;"));
    }

    #[test]
    fn case_96_broken_protos_are_refused_and_cost_little() {
        for broken in [&b"/* never ends"[..], b"import \"x", b"import \"x\n\";", b"import \"\\", b"import \"x\\"] {
            assert!(read_proto(broken).is_err());
        }
        assert!(read_proto("{".repeat(1_000_000).as_bytes()).unwrap().imports.is_empty());
        assert!(read_proto(&vec![b' '; LARGEST_MANIFEST + 1]).is_err());
    }
}
