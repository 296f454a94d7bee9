//! TOML 1.1.

use ::toml::Spanned;
use ::toml::de::{DeTable, DeValue};

use super::{Key, Lines, Located, Unreadable, Value, text_of};

/// Reads TOML. The parser itself refuses deep nesting.
pub fn read_toml(bytes: &[u8]) -> Result<Located, Unreadable> {
    let text = text_of(bytes)?;
    let lines = Lines::new(text);
    let table = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(0, |span| lines.line_of(span.start));
        Unreadable::at(line, error.message().trim().replace('\n', ", "))
    })?;
    Ok(Located { line: 1, value: locate_table(table.get_ref(), &lines) })
}

fn locate_table(table: &DeTable<'_>, lines: &Lines<'_>) -> Value {
    let mut pairs: Vec<_> = table
        .iter()
        .map(|(key, value)| {
            let at = key.span().start;
            (at, (Key { text: key.get_ref().to_string(), line: lines.line_of(at) }, locate(value, lines)))
        })
        .collect();
    pairs.sort_by_key(|(at, _)| *at);
    Value::Table(pairs.into_iter().map(|(_, pair)| pair).collect())
}

fn locate(value: &Spanned<DeValue<'_>>, lines: &Lines<'_>) -> Located {
    let line = lines.line_of(value.span().start);
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => Value::Number(number.to_string()),
        DeValue::Float(number) => Value::Number(number.to_string()),
        DeValue::Boolean(truth) => Value::Bool(*truth),
        DeValue::Datetime(date) => Value::Number(date.to_string()),
        DeValue::Array(items) => Value::List(items.iter().map(|item| locate(item, lines)).collect()),
        DeValue::Table(table) => locate_table(table, lines),
    };
    Located { line, value }
}
