//! JSON, with the comments and trailing commas that tsconfig and its kin allow.

use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::plain_json::read_plain;
use super::{DEEPEST_NESTING, Key, Lines, Located, Unreadable, Value, text_of};

/// Reads JSON with comments.
pub fn read_json(bytes: &[u8]) -> Result<Located, Unreadable> {
    read(text_of(bytes)?)
}

/// As [`read_json`], with the lines of the text.
pub fn read_json_lines(bytes: &[u8]) -> Result<(Located, Lines<'_>), Unreadable> {
    let text = text_of(bytes)?;
    Ok((read(text)?, Lines::new(text)))
}

/// Most of it is plain, and that is read at a fraction of the cost.
fn read(text: &str) -> Result<Located, Unreadable> {
    read_plain(text).map_or_else(|| read_with_comments(text), Ok)
}

/// Nesting is bounded before the parser sees it, whose own bound a small stack does not hold.
pub(super) fn read_with_comments(text: &str) -> Result<Located, Unreadable> {
    if let Some(at) = too_deep(text.as_bytes()) {
        return Err(Unreadable::at(Lines::new(text).line_of(at), "its lists and tables nest too deep"));
    }
    let parsed =
        parse_to_ast(text, &CollectOptions::default(), &ParseOptions::default()).map_err(|error| Unreadable {
            message: error.kind().to_string(),
            line: error.line_display() as u32,
            column: error.column_display() as u32,
        })?;
    let value = parsed.value.ok_or_else(|| Unreadable::at(0, "it is empty"))?;
    Ok(locate(value, &Lines::new(text)))
}

/// Where lists and tables nest too deep; what stands in texts and comments does not count.
fn too_deep(text: &[u8]) -> Option<usize> {
    let (mut depth, mut at) = (0usize, 0);
    while let Some(&byte) = text.get(at) {
        match (byte, text.get(at + 1)) {
            (b'[' | b'{', _) => depth += 1,
            (b']' | b'}', _) => depth = depth.saturating_sub(1),
            (b'"' | b'\'', _) => {
                at += 1;
                while text.get(at).is_some_and(|&inside| inside != byte && inside != b'\n') {
                    at += if text[at] == b'\\' { 2 } else { 1 };
                }
            }
            (b'/', Some(b'/')) => at += text[at..].iter().position(|&b| b == b'\n').unwrap_or(text.len() - at),
            (b'/', Some(b'*')) => {
                at += 2 + text[at + 2..]
                    .windows(2)
                    .position(|pair| pair == b"*/")
                    .map_or(text.len(), |length| length + 1);
            }
            _ => {}
        }
        if depth > DEEPEST_NESTING {
            return Some(at);
        }
        at += 1;
    }
    None
}

fn locate(value: ast::Value<'_>, lines: &Lines<'_>) -> Located {
    let line = lines.line_of(value.range().start);
    let value = match value {
        ast::Value::StringLit(text) => Value::Text(text.value.into_owned()),
        ast::Value::NumberLit(number) => Value::Number(number.value.to_owned()),
        ast::Value::BooleanLit(truth) => Value::Bool(truth.value),
        ast::Value::NullKeyword(_) => Value::Null,
        ast::Value::Array(array) => Value::List(array.elements.into_iter().map(|item| locate(item, lines)).collect()),
        ast::Value::Object(object) => Value::Table(
            object
                .properties
                .into_iter()
                .map(|property| {
                    let line = lines.line_of(property.range().start);
                    let key = Key { text: property.name.into_string(), line };
                    (key, locate(property.value, lines))
                })
                .collect(),
        ),
    };
    Located { line, value }
}
