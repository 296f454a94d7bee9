//! The paths that a build script names outside its package: literals of its text, for the script is not run.

use serde::{Deserialize, Serialize};

use crate::discover::syntax::{Lines, Stated, Unreadable, text_of};

/// The facts of one build script.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildScript {
    /// Paths that climb out of a folder, cut before the first segment that is computed.
    pub climbing: Vec<Stated<String>>,
    /// Which of the folders `tests`, `benches` and `examples` some literal begins with.
    pub test_folders: Vec<String>,
}

impl BuildScript {
    /// Reads a build script.
    pub fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let text = text_of(bytes)?;
        let lines = Lines::new(text);
        let mut script = Self::default();
        for (at, literal) in literals(text) {
            if let Some(path) = climbing_path(&literal) {
                script.climbing.push(lines.stated(lines.line_of(at), path));
            }
            for folder in super::TEST_FOLDERS {
                if literal.split(['/', '=']).any(|segment| segment == folder) {
                    script.test_folders.push(folder.to_owned());
                }
            }
        }
        Ok(script)
    }
}

/// The part of a literal from its first `..` on, up to the first segment that a macro or a glob fills in.
fn climbing_path(literal: &str) -> Option<String> {
    let begins = |at: usize| at == 0 || matches!(literal.as_bytes()[at - 1], b'/' | b'=' | b'}');
    let ends = |at: usize| matches!(literal.as_bytes().get(at + 2), None | Some(b'/'));
    let (start, _) = literal.match_indices("..").find(|&(at, _)| begins(at) && ends(at))?;
    let segments = literal[start..].split('/');
    let known: Vec<&str> = segments.take_while(|segment| !segment.contains(['{', '*', '?', '[', '\n'])).collect();
    Some(known.join("/"))
}

/// The string literals of Rust source, each with the offset at which it begins.
fn literals(text: &str) -> Vec<(usize, String)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &text[at..];
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("/*") {
            at += block_comment(rest);
        } else if let Some((hashes, opening)) = raw_opening(bytes, at) {
            let closing = format!("\"{}", "#".repeat(hashes));
            let inside = &text[at + opening..];
            let length = inside.find(&closing).unwrap_or(inside.len());
            found.push((at, inside[..length].to_owned()));
            at += (opening + length + closing.len()).min(rest.len());
        } else if bytes[at] == b'"' {
            let (literal, length) = quoted(rest);
            found.push((at, literal));
            at += length;
        } else if bytes[at] == b'\'' {
            at += character(rest);
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    found
}

/// The length of the comment that `text` begins with; comments nest.
fn block_comment(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0usize, 0);
    while at < bytes.len() {
        match bytes.get(at..at + 2) {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// The number of hashes and the length of the opening, if a raw string begins here.
fn raw_opening(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let within_a_word = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    if bytes[at] != b'r' || (within_a_word && !matches!(bytes[at - 1], b'b' | b'c')) {
        return None;
    }
    let hashes = bytes[at + 1..].iter().take_while(|&&b| b == b'#').count();
    (bytes.get(at + 1 + hashes) == Some(&b'"')).then_some((hashes, hashes + 2))
}

/// The text of the quoted string that `text` begins with, and its length with the quotes.
fn quoted(text: &str) -> (String, usize) {
    let mut literal = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (literal, at + 1),
            '\\' => match characters.next() {
                Some((_, '\\')) => literal.push('\\'),
                Some((_, '"')) => literal.push('"'),
                // No other escape stands in a path that climbs.
                _ => literal.push('\n'),
            },
            _ => literal.push(character),
        }
    }
    (literal, text.len())
}

/// The length of the character literal or the lifetime that `text` begins with.
fn character(text: &str) -> usize {
    let mut characters = text.char_indices().skip(1);
    match characters.next() {
        Some((_, '\\')) => text[2..].char_indices().skip(1).find(|&(_, c)| c == '\'').map_or(2, |(at, _)| at + 3),
        Some((at, c)) if text[at + c.len_utf8()..].starts_with('\'') => at + c.len_utf8() + 1,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_that_climb_are_found_and_comments_are_not() {
        let script = BuildScript::read(
            br###"// "../comment"
fn main<'a>() { /* "../nested /* */ comment" */
    let quote = '"'; let escaped = '\''; let name = "x\"../no";
    println!("cargo:rerun-if-changed=../proto/a.proto");
    compile(concat!(env!("CARGO_MANIFEST_DIR"), "/../raw"), r#"../raw/"b".proto"#);
    walk(&format!("{}/../gen/{}/x.proto", root, "tests/data"));
    let up = Path::new("../.."); let dots = "a..b ...";
}
"###,
        )
        .unwrap();
        let found: Vec<_> = script.climbing.iter().map(|path| (path.value.as_str(), path.line)).collect();
        assert_eq!(
            found,
            [("../proto/a.proto", 4), ("../raw", 5), ("../raw/\"b\".proto", 5), ("../gen", 6), ("../..", 7)]
        );
        assert_eq!(script.test_folders, ["tests"]);
    }

    #[test]
    fn case_96_text_that_ends_too_early_ends_the_reading() {
        for text in ["\"../a", "r#\"../a", "/* /*", "'", "'\\", "\"\\", "r", "'\u{e9}"] {
            assert!(BuildScript::read(text.as_bytes()).is_ok(), "{text}");
        }
    }
}
