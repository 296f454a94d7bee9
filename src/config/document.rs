//! A TOML document walked with its places, collecting what is wrong with it.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Written;
use super::mistake::{Mistake, listed, nearest};
use crate::diagnostic::{Diagnostic, Place};
use crate::path::RepoPath;

/// The longest text of a line that a place carries, in characters.
const LONGEST_LINE: usize = 160;

/// The longest list that is read: of patterns, each carries those behind it.
const LONGEST_LIST: usize = 1000;

/// A file's text with its line starts.
pub(super) struct Source<'a> {
    file: &'a RepoPath,
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Source<'a> {
    pub(super) fn new(file: &'a RepoPath, text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { file, text, starts }
    }

    /// The place of the byte at `offset`, with the text of its line.
    pub(super) fn place(&self, offset: usize) -> Place {
        let line = self.starts.partition_point(|&start| start <= offset).max(1);
        let start = self.starts[line - 1];
        let end = self.starts.get(line).copied().unwrap_or(self.text.len());
        let whole = self.text[start..end].trim_end();
        let before = self.text.get(start..offset).unwrap_or_default();
        Place {
            file: self.file.clone(),
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(before.chars().count() + 1).unwrap_or(u32::MAX),
            text: whole.chars().take(LONGEST_LINE).collect(),
        }
    }
}

/// A key of a table with its value.
#[derive(Clone, Copy)]
pub(super) struct Field<'v> {
    /// The key.
    pub(super) key: &'v str,
    /// Where the key stands.
    pub(super) at: usize,
    value: &'v Spanned<DeValue<'v>>,
}

/// Reads values of a document, and keeps what is wrong with them.
pub(super) struct Reader<'a> {
    pub(super) source: Source<'a>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: Source<'a>) -> Self {
        Self { source, diagnostics: Vec::new() }
    }

    /// Keeps an error at a byte of the file.
    pub(super) fn mistake(&mut self, at: usize, mistake: Mistake) {
        self.diagnostics.push(mistake.at(self.source.place(at)));
    }

    /// The key itself as a value.
    pub(super) fn key(&self, field: Field<'_>) -> Written<String> {
        Written::new(field.key.to_owned(), self.source.place(field.at))
    }

    /// A key that the table does not know.
    pub(super) fn unknown(&mut self, field: Field<'_>, table: &str, known: &[&str]) {
        let help = match nearest(field.key, known) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("known here: {}", listed(known)),
        };
        self.mistake(field.at, Mistake::new("unknown-key", format!("{table} has no key `{}`", field.key), help));
    }

    /// The fields of a table in the order of the file; none where the value is no table.
    pub(super) fn table<'v>(&mut self, field: Field<'v>, example: &str) -> Vec<Field<'v>> {
        match field.value.get_ref() {
            DeValue::Table(table) => fields(table),
            _ => {
                self.wrong_type(field.key, field.value, "a table", example);
                Vec::new()
            }
        }
    }

    /// A text, read further by `parse`.
    pub(super) fn text<T>(
        &mut self,
        field: Field<'_>,
        example: &str,
        parse: impl Fn(&str) -> Result<T, Mistake>,
    ) -> Option<Written<T>> {
        match field.value.get_ref() {
            DeValue::String(text) => self.parsed(text, field.value.span().start, &parse),
            _ => {
                self.wrong_type(field.key, field.value, "a text", example);
                None
            }
        }
    }

    /// A list of texts, each read further by `parse`.
    pub(super) fn list<T: PartialEq>(
        &mut self,
        field: Field<'_>,
        example: &str,
        parse: impl Fn(&str) -> Result<T, Mistake>,
    ) -> Vec<Written<T>> {
        let DeValue::Array(items) = field.value.get_ref() else {
            self.wrong_type(field.key, field.value, "a list of texts", example);
            return Vec::new();
        };
        if items.len() > LONGEST_LIST {
            let message = format!("`{}` has {} items, and at most {LONGEST_LIST} are read", field.key, items.len());
            self.mistake(field.at, Mistake::new("bad-value", message, "write globs that match more"));
            return Vec::new();
        }
        let mut list: Vec<Written<T>> = Vec::with_capacity(items.len());
        for item in items.iter() {
            let DeValue::String(text) = item.get_ref() else {
                self.wrong_type(field.key, item, "a list of texts alone", example);
                continue;
            };
            let Some(read) = self.parsed(text, item.span().start, &parse) else { continue };
            list.push(read);
        }
        list
    }

    /// `true` or `false`.
    pub(super) fn truth(&mut self, field: Field<'_>, example: &str) -> Option<Written<bool>> {
        match field.value.get_ref() {
            DeValue::Boolean(truth) => Some(Written::new(*truth, self.source.place(field.value.span().start))),
            _ => {
                self.wrong_type(field.key, field.value, "`true` or `false`", example);
                None
            }
        }
    }

    /// A whole number from 0 on.
    pub(super) fn number(&mut self, field: Field<'_>, example: &str) -> Option<Written<u32>> {
        let DeValue::Integer(integer) = field.value.get_ref() else {
            self.wrong_type(field.key, field.value, "a whole number", example);
            return None;
        };
        let at = field.value.span().start;
        match i64::from_str_radix(integer.as_str(), integer.radix()).ok().and_then(|number| u32::try_from(number).ok())
        {
            Some(number) => Some(Written::new(number, self.source.place(at))),
            None => {
                let message = format!("`{}` is {integer}, but must be from 0 to {}", field.key, u32::MAX);
                self.mistake(at, Mistake::new("bad-value", message, format!("write `{example}`")));
                None
            }
        }
    }

    fn parsed<T>(&mut self, text: &str, at: usize, parse: &impl Fn(&str) -> Result<T, Mistake>) -> Option<Written<T>> {
        match parse(text) {
            Ok(value) => Some(Written::new(value, self.source.place(at))),
            Err(mistake) => {
                self.mistake(at, mistake);
                None
            }
        }
    }

    fn wrong_type(&mut self, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str, example: &str) {
        let found = match value.get_ref() {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "a truth value",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        let message = format!("`{key}` must be {wanted}, and here is {found}");
        self.mistake(value.span().start, Mistake::new("wrong-type", message, format!("write `{example}`")));
    }
}

/// The fields of a table in the order of the file.
pub(super) fn fields<'v>(table: &'v DeTable<'v>) -> Vec<Field<'v>> {
    let mut fields: Vec<_> =
        table.iter().map(|(key, value)| Field { key: key.get_ref(), at: key.span().start, value }).collect();
    fields.sort_by_key(|field| field.at);
    fields
}
