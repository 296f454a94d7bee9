//! JSON, with the comments and trailing commas that tsconfig and its kin allow.

use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::{Key, Lines, Located, Unreadable, Value, text_of};

/// Reads JSON with comments. The parser itself refuses deep nesting.
pub fn read_json(bytes: &[u8]) -> Result<Located, Unreadable> {
    read_json_lines(bytes).map(|(document, _)| document)
}

/// As [`read_json`], with the lines of the text.
pub fn read_json_lines(bytes: &[u8]) -> Result<(Located, Lines<'_>), Unreadable> {
    let text = text_of(bytes)?;
    let parsed =
        parse_to_ast(text, &CollectOptions::default(), &ParseOptions::default()).map_err(|error| Unreadable {
            message: error.kind().to_string(),
            line: error.line_display() as u32,
            column: error.column_display() as u32,
        })?;
    let value = parsed.value.ok_or_else(|| Unreadable::at(0, "it is empty"))?;
    let lines = Lines::new(text);
    Ok((locate(value, &lines), lines))
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
