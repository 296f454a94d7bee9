//! Lockfiles in lines that are indented: the YAML that pnpm and Yarn write, and the notation of Yarn 1.
//!
//! The managers write so few forms of YAML that a reader of lines does for them, at a twentieth of a YAML reader's
//! cost. What it does not know it leaves to that one.

use std::iter::Peekable;
use std::str::Lines;

use crate::discover::syntax::{Key, Located, Unreadable, Value, read_yaml, text_of};

/// How deep tables may nest here. No lockfile comes near it.
const DEEPEST_NESTING: usize = 16;

/// The documents of a YAML file, with every scalar as text.
pub(super) fn read_documents(bytes: &[u8]) -> Result<Vec<Located>, Unreadable> {
    if let Some(documents) = Reader::new(text_of(bytes)?, Notation::Yaml).documents() {
        return Ok(documents);
    }
    let mut documents = read_yaml(bytes)?;
    documents.iter_mut().for_each(in_text);
    Ok(documents)
}

/// The table of a `yarn.lock` of Yarn 1.
pub(super) fn read_classic(text: &str) -> Result<Located, Unreadable> {
    let mut reader = Reader::new(text, Notation::Classic);
    let mut documents = reader.documents().unwrap_or_default();
    documents.pop().ok_or_else(|| Unreadable::at(reader.line, "it is no lockfile of Yarn"))
}

fn in_text(value: &mut Located) {
    match &mut value.value {
        Value::Bool(_) | Value::Number(_) => value.value = Value::Text(value.scalar().unwrap_or_default()),
        Value::List(items) => items.iter_mut().for_each(in_text),
        Value::Table(pairs) => pairs.iter_mut().for_each(|(_, value)| in_text(value)),
        Value::Null | Value::Text(_) => {}
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Notation {
    /// `key: value`
    Yaml,
    /// `key value`, and `key:` above a table
    Classic,
}

/// A line that says something.
#[derive(Clone, Copy)]
struct Line<'a> {
    indent: usize,
    text: &'a str,
    number: u32,
}

struct Reader<'a> {
    rest: Peekable<std::iter::Enumerate<Lines<'a>>>,
    notation: Notation,
    /// The line that was read last.
    line: u32,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, notation: Notation) -> Self {
        Self { rest: text.lines().enumerate().peekable(), notation, line: 0 }
    }

    /// The next line that says something.
    fn peek(&mut self) -> Option<Line<'a>> {
        loop {
            let (number, line) = *self.rest.peek()?;
            let text = line.trim_start_matches(' ');
            if !(text.is_empty() || text.starts_with('#')) {
                return Some(Line {
                    indent: line.len() - text.len(),
                    text: text.trim_end(),
                    number: number as u32 + 1,
                });
            }
            self.rest.next();
        }
    }

    fn next(&mut self) -> Option<Line<'a>> {
        let line = self.peek()?;
        self.line = line.number;
        self.rest.next();
        Some(line)
    }

    /// All documents; none if there is a form that is not known.
    fn documents(&mut self) -> Option<Vec<Located>> {
        let mut documents = Vec::new();
        loop {
            if self.notation == Notation::Yaml && self.peek().is_some_and(|line| line.text == "---" && line.indent == 0)
            {
                self.next();
            }
            documents.push(self.table(0, 0)?);
            match self.peek() {
                None => return Some(documents),
                Some(line) if line.text == "---" && self.notation == Notation::Yaml => {}
                Some(line) => {
                    self.line = line.number;
                    return None;
                }
            }
        }
    }

    /// The keys that stand at an indent.
    fn table(&mut self, indent: usize, depth: usize) -> Option<Located> {
        let mut pairs = Vec::new();
        let first = self.peek().map_or(0, |line| line.number);
        while let Some(line) = self.peek().filter(|line| line.indent == indent && line.text != "---") {
            self.next();
            let (key, value) = match self.notation {
                Notation::Yaml => split_yaml(line.text)?,
                Notation::Classic => split_classic(line.text, depth)?,
            };
            let key = Key { text: key, line: line.number };
            let value = if value.is_empty() { self.below(line, depth)? } else { self.value(line, value)? };
            pairs.push((key, value));
        }
        Some(Located { line: first, value: Value::Table(pairs) })
    }

    /// What stands below a key without a value.
    fn below(&mut self, key: Line<'a>, depth: usize) -> Option<Located> {
        let nothing = Located { line: key.number, value: Value::Null };
        let Some(next) = self.peek() else { return Some(nothing) };
        if self.notation == Notation::Yaml && next.indent >= key.indent && next.text.starts_with("- ") {
            let mut items = Vec::new();
            while let Some(line) = self.peek().filter(|line| line.indent == next.indent && line.text.starts_with("- "))
            {
                self.next();
                let item = line.text[2..].trim();
                // A table in a list is none of the forms.
                if matches!(item.as_bytes().first(), None | Some(b'|' | b'>' | b'-')) || split_yaml(item).is_some() {
                    return None;
                }
                items.push(self.value(line, item)?);
            }
            return Some(Located { line: next.number, value: Value::List(items) });
        }
        if next.indent <= key.indent {
            return Some(nothing);
        }
        (depth < DEEPEST_NESTING).then(|| self.table(next.indent, depth + 1))?
    }

    /// The value that stands behind a key.
    fn value(&mut self, line: Line<'a>, text: &'a str) -> Option<Located> {
        let value = match (self.notation, text.as_bytes().first()?) {
            (Notation::Classic, _) => Value::Text(unquoted(text)?),
            (Notation::Yaml, b'|' | b'>') => Value::Text(self.block(line.indent)),
            (Notation::Yaml, b'{' | b'[') => {
                let (value, rest) = flow(text, line.number, 0)?;
                return rest.trim().is_empty().then_some(value);
            }
            (Notation::Yaml, _) => scalar(text)?,
        };
        Some(Located { line: line.number, value })
    }

    /// The lines of a text that stand deeper than its key. How they are to be joined does not count here.
    fn block(&mut self, indent: usize) -> String {
        let mut lines = Vec::new();
        while let Some((_, line)) = self.rest.peek() {
            let text = line.trim_start_matches(' ');
            if !text.is_empty() && line.len() - text.len() <= indent {
                break;
            }
            lines.push(text);
            self.rest.next();
        }
        lines.join("\n").trim_end().to_owned()
    }
}

/// `key: value` or `key:`.
fn split_yaml(text: &str) -> Option<(String, &str)> {
    if matches!(text.as_bytes().first()?, b'\'' | b'"') {
        let (key, rest) = quoted(text)?;
        let value = rest.trim_start().strip_prefix(':')?;
        return (value.is_empty() || value.starts_with(' ')).then_some((key, value.trim()));
    }
    let at = match text.find(": ") {
        Some(at) => at,
        None => text.strip_suffix(':')?.len(),
    };
    let key = text[..at].trim_end();
    is_plain(key).then(|| (key.to_owned(), text[at + 1..].trim()))
}

/// `key value`, or `key, key:` above a table. Only tables stand outermost.
fn split_classic(text: &str, depth: usize) -> Option<(String, &str)> {
    if let Some(keys) = text.strip_suffix(':') {
        let mut names = Vec::new();
        let mut rest = keys;
        while !rest.is_empty() {
            let (name, after) = match rest.starts_with('"') {
                true => quoted(rest)?,
                false => {
                    let end = rest.find(", ").unwrap_or(rest.len());
                    (rest[..end].to_owned(), &rest[end..])
                }
            };
            names.push(name);
            rest = match after.strip_prefix(", ") {
                Some(more) => more,
                None if after.is_empty() => after,
                None => return None,
            };
        }
        return (!names.is_empty()).then(|| (names.join(", "), ""));
    }
    if depth == 0 {
        return None;
    }
    match text.starts_with('"') {
        true => quoted(text).map(|(key, rest)| (key, rest.trim())),
        false => text.split_once(' ').map(|(key, rest)| (key.to_owned(), rest.trim())),
    }
    .filter(|(_, value)| !value.is_empty())
}

/// A text in quotes, and what follows it. Of escapes only those of the quote itself and of a backslash are known.
fn quoted(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next()?;
    let mut content = String::new();
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' if quote == '"' => {
                content.push(characters.next().map(|(_, c)| c).filter(|c| matches!(c, '"' | '\\' | '/'))?)
            }
            _ if character == quote => {
                if quote == '\'' && characters.next_if(|(_, c)| *c == '\'').is_some() {
                    content.push('\'');
                    continue;
                }
                return Some((content, &text[at + 1..]));
            }
            _ => content.push(character),
        }
    }
    None
}

fn unquoted(text: &str) -> Option<String> {
    if !text.starts_with('"') {
        return Some(text.to_owned());
    }
    quoted(text).filter(|(_, rest)| rest.is_empty()).map(|(content, _)| content)
}

/// Whether a text without quotes is one of YAML, and no other form.
fn is_plain(text: &str) -> bool {
    let starts = |c: char| "?-&*!|>%@`[]{},#\"'".contains(c);
    !text.is_empty()
        && (!text.starts_with(starts) || (text.starts_with('-') && !text.starts_with("- ") && text != "-"))
        && !text.contains(" #")
        && !text.contains(": ")
        && !text.ends_with(':')
}

fn scalar(text: &str) -> Option<Value> {
    Some(match text {
        _ if text.starts_with(['\'', '"']) => {
            let (content, rest) = quoted(text)?;
            return rest.trim().is_empty().then_some(Value::Text(content));
        }
        "~" | "null" => Value::Null,
        _ => Value::Text(is_plain(text).then(|| text.to_owned())?),
    })
}

/// A list or table in brackets, and what follows it.
fn flow(text: &str, line: u32, depth: usize) -> Option<(Located, &str)> {
    let located = |value| Located { line, value };
    let text = text.trim_start();
    let (open, mut rest) = (text.chars().next()?, &text[1.min(text.len())..]);
    if depth > DEEPEST_NESTING {
        return None;
    }
    let (mut items, mut pairs) = (Vec::new(), Vec::new());
    let close = match open {
        '[' => ']',
        '{' => '}',
        '\'' | '"' => {
            let (content, rest) = quoted(text)?;
            return Some((located(Value::Text(content)), rest));
        }
        _ => {
            let end = text.find([',', ']', '}']).unwrap_or(text.len());
            let value = scalar(text[..end].trim())?;
            return Some((located(value), &text[end..]));
        }
    };
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix(close) {
            let value = if open == '[' { Value::List(items) } else { Value::Table(pairs) };
            return Some((located(value), after));
        }
        if open == '{' {
            let (key, after) = match rest.starts_with(['\'', '"']) {
                true => quoted(rest)?,
                false => rest.find(':').map(|colon| (rest[..colon].trim().to_owned(), &rest[colon..]))?,
            };
            let after = after.trim_start().strip_prefix(": ")?;
            let (value, after) = flow(after, line, depth + 1)?;
            pairs.push((Key { text: key, line }, value));
            rest = after;
        } else {
            let (item, after) = flow(rest, line, depth + 1)?;
            items.push(item);
            rest = after;
        }
        rest = rest.trim_start();
        match rest.strip_prefix(',') {
            Some(more) => rest = more,
            None if rest.starts_with(close) => {}
            None => return None,
        }
    }
}
