//! Adds patterns to lists that stand literally in a YAML file: bytes in, bytes out.
//!
//! New items go behind one of a list, with its indentation, its quotes and its end of line; every other byte stays as it
//! is. A list counts as literal where each pattern is one item on a line of its own, below a plain key and
//! with nothing between but comments. What was written is read again: nothing but the lists may have changed, so that an
//! alias or a merged key that shares one of them is noticed.

use crate::discover::syntax::{Located, Value, read_yaml};

/// A list of patterns that stands literally in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WrittenList {
    /// The line of its first item, counted from 1.
    pub first: usize,
    /// The line of its last item.
    pub last: usize,
    /// The line of the item that new ones go behind: the last, unless that is said.
    pub behind: usize,
    /// Its items, each with its line.
    pub patterns: Vec<(usize, String)>,
}

impl WrittenList {
    /// Whether a pattern is in it already.
    pub fn contains(&self, pattern: &str) -> bool {
        self.patterns.iter().any(|(_, known)| known == pattern)
    }
}

/// Why a list is not certain enough to be written to.
pub(super) const NO_LITERAL_LIST: &str = "its patterns are no plain YAML list with one of them on each line";

/// Why a list is left alone that is literal.
pub(super) const SHARED_LIST: &str = "more than this list would change: an anchor or a merged key shares it";

/// The lists that patterns stand in, each given with its line, in their order; none where a place is not certain.
pub(super) fn literal_lists(source: &[u8], patterns: &[(u32, &str)]) -> Option<Vec<WrittenList>> {
    let lines: Vec<&str> = std::str::from_utf8(source).ok()?.split_inclusive('\n').collect();
    let mut lists: Vec<WrittenList> = Vec::new();
    for (line, pattern) in patterns {
        let at = *line as usize;
        let here = Item::of(lines.get(at.checked_sub(1)?)?)?;
        if here.pattern()? != *pattern {
            return None;
        }
        match lists.last_mut() {
            Some(list) if at > list.last && goes_on(&lines, list.last, at, here.indentation) => {
                (list.last, list.behind) = (at, at);
                list.patterns.push((at, (*pattern).to_owned()));
            }
            _ => {
                let patterns = vec![(at, (*pattern).to_owned())];
                lists.push(WrittenList { first: at, last: at, behind: at, patterns });
            }
        }
    }
    lists.iter().all(|list| is_whole(&lines, list)).then_some(lists)
}

/// Writes patterns to lists of a file. Also says which lists, by their place, were left alone because something else would
/// have changed with them.
pub(super) fn written(source: &[u8], additions: &[(WrittenList, Vec<String>)]) -> (Vec<u8>, Vec<usize>) {
    /// Lists are tried one by one where so many are to be written at most.
    const MOST_TRIED: usize = 100;
    let all: Vec<&(WrittenList, Vec<String>)> = additions.iter().collect();
    if let Some(bytes) = certainly_written(source, &all) {
        return (bytes, Vec::new());
    }
    let mut certain: Vec<&(WrittenList, Vec<String>)> = Vec::new();
    let mut bytes = source.to_vec();
    let mut left = Vec::new();
    for (at, addition) in additions.iter().enumerate() {
        certain.push(addition);
        match certainly_written(source, &certain).filter(|_| at < MOST_TRIED) {
            Some(longer) => bytes = longer,
            None => {
                certain.pop();
                left.push(at);
            }
        }
    }
    (bytes, left)
}

/// A line that is an item of a list.
struct Item<'a> {
    indentation: usize,
    /// The indentation, the dash and the spaces behind it.
    before: &'a str,
    rest: &'a str,
}

impl<'a> Item<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let line = line.trim_end_matches(['\n', '\r']);
        let indentation = indentation(line);
        let rest = line[indentation..].strip_prefix("- ")?.trim_start_matches(' ');
        Some(Self { indentation, before: &line[..line.len() - rest.len()], rest })
    }

    /// Its one scalar; none where it is more than that, or an alias, or goes by a name.
    fn pattern(&self) -> Option<String> {
        if self.rest.starts_with(['&', '*', '!', '|', '>', '[', '{', '?', '%', '@', '`']) {
            return None;
        }
        match read_yaml(format!("- {}", self.rest).as_bytes()).ok()?.as_slice() {
            [list] => match list.items() {
                [item] => item.scalar(),
                _ => None,
            },
            _ => None,
        }
    }
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// Whether a line says nothing.
fn is_silent(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

/// Whether an item continues the list whose last item stands on another line.
fn goes_on(lines: &[&str], last: usize, next: usize, indented: usize) -> bool {
    lines[last..next - 1].iter().all(|line| is_silent(line)) && indentation(lines[last - 1]) == indented
}

/// Whether a list begins below a plain key and ends where it seems to.
fn is_whole(lines: &[&str], list: &WrittenList) -> bool {
    let indented = indentation(lines[list.first - 1]);
    let Some(above) = lines[..list.first - 1].iter().rev().find(|line| !is_silent(line)) else { return false };
    let begins = is_plain_key(above, indented);
    let ends = lines[list.last..].iter().find(|line| !is_silent(line)).is_none_or(|below| {
        let is_item = below.trim_start().starts_with('-');
        indentation(below) < indented || (indentation(below) == indented && !is_item)
    });
    begins && ends
}

/// Whether a line is a key with nothing behind it, from which something so deep may hang.
fn is_plain_key(line: &str, indented: usize) -> bool {
    let line = line.trim_end();
    let line = line.split_once(" #").map_or(line, |(line, _)| line).trim_end();
    let mut key = line.trim_start_matches(' ');
    while let Some(inner) = key.strip_prefix("- ") {
        key = inner.trim_start_matches(' ');
    }
    let column = line.len() - key.len();
    column <= indented && key.len() > 1 && key.ends_with(':') && !key.starts_with(['&', '*', '!', '?', '<', '{', '['])
}

/// The source with these additions; none where reading it again shows another difference.
fn certainly_written(source: &[u8], additions: &[&(WrittenList, Vec<String>)]) -> Option<Vec<u8>> {
    let bytes = with_items(std::str::from_utf8(source).ok()?, additions)?.into_bytes();
    let (before, after) = (read_yaml(source).ok()?, read_yaml(&bytes).ok()?);
    let mut grown = Vec::new();
    let same_number = before.len() == after.len();
    let is_like = same_number && before.iter().zip(&after).all(|(before, after)| grew(before, after, &mut grown));
    let mut wanted: Vec<Vec<String>> = additions.iter().map(|(_, add)| add.clone()).collect();
    wanted.sort_unstable();
    grown.sort_unstable();
    (is_like && grown == wanted).then_some(bytes)
}

fn with_items(source: &str, additions: &[&(WrittenList, Vec<String>)]) -> Option<String> {
    let lines: Vec<&str> = source.split_inclusive('\n').collect();
    let mut sorted: Vec<_> = additions.to_vec();
    sorted.sort_by_key(|(list, _)| list.behind);
    let mut text = String::with_capacity(source.len());
    let mut done = 0;
    for (list, add) in sorted {
        text.extend(lines.get(done..list.behind)?.iter().copied());
        done = list.behind;
        let (last, above) = (lines[list.behind - 1], lines.get(list.behind.checked_sub(2)?)?);
        let item = Item::of(last)?;
        // The last line of a file may have no end.
        let end = if above.ends_with("\r\n") { "\r\n" } else { "\n" };
        for pattern in add {
            let pattern = quoted(pattern, item.rest);
            match last.ends_with('\n') {
                true => text.extend([item.before, &pattern, end]),
                false => text.extend([end, item.before, &pattern]),
            }
        }
    }
    text.extend(lines.get(done..)?.iter().copied());
    Some(text)
}

/// A pattern in quotes like those of another item, where they can say it.
fn quoted(pattern: &str, like: &str) -> String {
    match like.chars().next() {
        Some('"') if !pattern.contains(['"', '\\']) => format!("\"{pattern}\""),
        Some('"' | '\'') => in_single_quotes(pattern),
        _ if is_plain(pattern) => pattern.to_owned(),
        _ => in_single_quotes(pattern),
    }
}

fn in_single_quotes(pattern: &str) -> String {
    format!("'{}'", pattern.replace('\'', "''"))
}

/// Whether YAML takes it without quotes for text, and for that text.
fn is_plain(pattern: &str) -> bool {
    let is_usual = |sign: char| sign.is_ascii_alphanumeric() || "._-/@+*".contains(sign);
    let begins = |wanted: fn(char) -> bool| pattern.starts_with(wanted);
    let is_text = pattern.contains('/') && begins(|sign| sign.is_ascii_alphanumeric() || sign == '.' || sign == '/');
    let is_name = pattern.contains('.') && begins(|sign| sign.is_ascii_alphabetic());
    pattern.chars().all(is_usual) && (is_text || is_name)
}

/// Whether two values are the same but for lists that grew in one place, of which it is told by what.
fn grew(before: &Located, after: &Located, grown: &mut Vec<Vec<String>>) -> bool {
    match (&before.value, &after.value) {
        (Value::Table(before), Value::Table(after)) => {
            before.len() == after.len()
                && before
                    .iter()
                    .zip(after)
                    .all(|((key, before), (other, after))| key.text == other.text && grew(before, after, grown))
        }
        (Value::List(before), Value::List(after)) if before.len() <= after.len() => {
            let same = |(before, after): &(&Located, &Located)| before.scalar() == after.scalar();
            let at = before.iter().zip(after).take_while(same).count();
            let added = after.len() - before.len();
            if added > 0 {
                let added = after.iter().skip(at).take(added).map(Located::scalar).collect();
                let Some(added) = added else { return false };
                grown.push(added);
            }
            let (above, below) = after.split_at(if added > 0 { at } else { before.len() });
            let kept = above.iter().chain(below.iter().skip(added));
            before.iter().zip(kept).all(|(before, after)| grew(before, after, grown))
        }
        // YAML in a block of text, such as the filters of a step.
        (Value::Text(before), Value::Text(after)) if before != after && before.contains('\n') => {
            let (Ok(before), Ok(after)) = (read_yaml(before.as_bytes()), read_yaml(after.as_bytes())) else {
                return false;
            };
            before.len() == after.len() && before.iter().zip(&after).all(|(before, after)| grew(before, after, grown))
        }
        (before, after) => before == after,
    }
}
