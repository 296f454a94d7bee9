//! JSON as programs write it, read in one pass and a value at a time: no comments, no commas too many, no characters by
//! number. Whatever else there is, errors too, is left to the reader of JSON with comments: none means no more than that.

use super::{DEEPEST_NESTING, Key, Located, Value};

/// The value that a text holds.
pub(super) fn read_plain(text: &str) -> Option<Located> {
    let mut cursor = Cursor::new(text);
    let value = cursor.value()?;
    cursor.end().then_some(value)
}

/// A value that was passed over. Whether it is one shows when it is read.
#[derive(Clone, Copy)]
pub struct Unread<'a>(Cursor<'a>);

/// The keys of the table that a text holds, and what stands under each.
pub fn outline(text: &str) -> Option<Vec<(Key, Unread<'_>)>> {
    let mut cursor = Cursor::new(text);
    let entries = cursor.outline()?;
    cursor.end().then_some(entries)
}

impl<'a> Unread<'a> {
    /// The value.
    pub fn read(mut self) -> Option<Located> {
        self.0.value()
    }

    /// The keys of a table, and what stands under each.
    pub fn outline(mut self) -> Option<Vec<(Key, Unread<'a>)>> {
        self.0.outline()
    }
}

#[derive(Clone, Copy)]
struct Cursor<'a> {
    text: &'a str,
    at: usize,
    /// Counted from 1.
    line: u32,
    /// In how many lists and tables it is.
    depth: usize,
}

impl<'a> Cursor<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, at: 0, line: 1, depth: 0 }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = self.byte()?;
            match byte {
                b'\n' => self.line += 1,
                b' ' | b'\r' | b'\t' => {}
                _ => return Some(byte),
            }
            self.at += 1;
        }
    }

    fn take(&mut self, wanted: u8) -> bool {
        let is_there = self.peek() == Some(wanted);
        self.at += usize::from(is_there);
        is_there
    }

    /// Whether nothing more follows.
    fn end(&mut self) -> bool {
        self.peek().is_none()
    }

    fn value(&mut self) -> Option<Located> {
        let first = self.peek()?;
        let line = self.line;
        let value = match first {
            b'{' => {
                let mut pairs = Vec::new();
                self.each(b'}', |cursor| {
                    let key = cursor.key()?;
                    pairs.push((key, cursor.value()?));
                    Some(())
                })?;
                Value::Table(pairs)
            }
            b'[' => {
                let mut items = Vec::new();
                self.each(b']', |cursor| {
                    items.push(cursor.value()?);
                    Some(())
                })?;
                Value::List(items)
            }
            b'"' => Value::Text(self.string()?),
            b't' => self.word("true", Value::Bool(true))?,
            b'f' => self.word("false", Value::Bool(false))?,
            b'n' => self.word("null", Value::Null)?,
            _ => Value::Number(self.number()?.to_owned()),
        };
        Some(Located { line, value })
    }

    fn outline(&mut self) -> Option<Vec<(Key, Unread<'a>)>> {
        if self.peek() != Some(b'{') {
            return None;
        }
        let mut entries = Vec::new();
        self.each(b'}', |cursor| {
            let key = cursor.key()?;
            cursor.peek()?;
            entries.push((key, Unread(*cursor)));
            cursor.pass()
        })?;
        Some(entries)
    }

    /// Reads what a list or a table holds, from its first bracket to its last.
    fn each(&mut self, last: u8, mut read: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.at += 1;
        self.depth += 1;
        if self.depth > DEEPEST_NESTING {
            return None;
        }
        if !self.take(last) {
            loop {
                read(self)?;
                if self.take(last) {
                    break;
                }
                if !self.take(b',') {
                    return None;
                }
            }
        }
        self.depth -= 1;
        Some(())
    }

    fn key(&mut self) -> Option<Key> {
        if self.peek() != Some(b'"') {
            return None;
        }
        let line = self.line;
        let text = self.string()?;
        self.take(b':').then_some(Key { text, line })
    }

    /// The text between quotes. A line does not end in it.
    fn string(&mut self) -> Option<String> {
        self.at += 1;
        let mut taken = String::new();
        let mut start = self.at;
        loop {
            match self.byte()? {
                b'"' => {
                    let rest = self.text.get(start..self.at)?;
                    self.at += 1;
                    if taken.is_empty() {
                        return Some(rest.to_owned());
                    }
                    taken.push_str(rest);
                    return Some(taken);
                }
                b'\\' => {
                    taken.push_str(self.text.get(start..self.at)?);
                    self.at += 1;
                    taken.push(match self.byte()? {
                        same @ (b'"' | b'\\' | b'/') => char::from(same),
                        b'b' => '\u{8}',
                        b'f' => '\u{c}',
                        b'n' => '\n',
                        b'r' => '\r',
                        b't' => '\t',
                        _ => return None,
                    });
                    self.at += 1;
                    start = self.at;
                }
                0..0x20 => return None,
                _ => self.at += 1,
            }
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Option<Value> {
        self.text.as_bytes().get(self.at..)?.strip_prefix(word.as_bytes())?;
        self.at += word.len();
        self.stands_alone().then_some(value)
    }

    fn number(&mut self) -> Option<&'a str> {
        let start = self.at;
        self.at += usize::from(self.byte() == Some(b'-'));
        match self.byte()? {
            b'0' => self.at += 1,
            _ => self.digits()?,
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), Some(b'+' | b'-')));
            self.digits()?;
        }
        self.stands_alone().then_some(self.text.get(start..self.at)?)
    }

    /// One digit at least.
    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    /// Whether a word or a number ends here.
    fn stands_alone(&self) -> bool {
        matches!(self.byte(), None | Some(b' ' | b'\n' | b'\r' | b'\t' | b',' | b']' | b'}'))
    }

    /// Passes over a value.
    fn pass(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.byte()? {
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.checked_sub(1)?,
                b'"' => {
                    self.at += 1;
                    loop {
                        match self.byte()? {
                            b'"' => break,
                            b'\\' => self.at += 2,
                            0..0x20 => return None,
                            _ => self.at += 1,
                        }
                    }
                }
                b'\n' => self.line += 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 && (self.stands_alone() || self.byte() == Some(b'"')) {
                return Some(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::json::read_with_comments;
    use super::*;

    /// What is read here is what the reader of JSON with comments reads.
    fn check(text: &str) -> bool {
        let plain = read_plain(text);
        if let Some(plain) = &plain {
            assert_eq!(read_with_comments(text).as_ref().ok(), Some(plain), "{text}");
        }
        if let Some(entries) = outline(text) {
            let read: Option<Vec<_>> = entries.into_iter().map(|(key, value)| Some((key, value.read()?))).collect();
            let of_all = plain.as_ref().map(|plain| &plain.value);
            // What is passed over is not judged, so more may be passed over than can be read.
            if let (Some(read), Some(of_all)) = (read, of_all) {
                assert_eq!(&Value::Table(read), of_all, "{text}");
            }
        }
        plain.is_some()
    }

    #[test]
    fn what_programs_write_is_read() {
        for text in [
            "{}",
            " [ ] \n",
            "\"\"",
            "-0.50e+12",
            "{\n \"a\": [1, true,\n false, null, {\"b\": \"c\\\"\\\\\\/\\n\\t\"}],\r\n \"\u{e9}\": \"\u{fc}\"\n}\n",
            "{\"a\": 1, \"a\": 2}",
            "{\"a\": {\"b\": {\"c\": [[], {}]}}, \"d\": \"{[\"}",
        ] {
            assert!(check(text), "{text}");
        }
    }

    #[test]
    fn what_else_there_is_is_left_to_others() {
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\": 1,}",
            "[1 2]",
            "// x\n1",
            "'a'",
            "{a: 1}",
            "\"\\u0041\"",
            "\"\\x\"",
            "+1",
            "01",
            "1.",
            ".5",
            "0x1",
            "NaN",
            "truex",
            "1 1",
            "\"a\nb\"",
            "{\"a\" 1}",
            "{\"a\":}",
            "[}",
            "\"a",
            "\"a\\",
            "-",
            "1e",
            "{\"a\": [}",
            "{\"a\": }",
        ] {
            assert!(!check(text), "{text}");
        }
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(check(&nested(DEEPEST_NESTING)) && !check(&nested(DEEPEST_NESTING + 1)));
        assert!(!check(&"[".repeat(300_000)) && !check(&format!("{{\"a\": {}", "{\"a\":".repeat(300_000))));
    }

    #[test]
    fn an_outline_tells_lines_and_depths() {
        let entries = outline("{\n\"a\":\n 1, \"b\": {\"c\":\n\n[2]}}").unwrap();
        let lines: Vec<_> = entries.iter().map(|(key, value)| (key.line, value.read().unwrap().line)).collect();
        assert_eq!(lines, [(2, 3), (3, 3)]);
        let below = entries[1].1.outline().unwrap();
        assert_eq!((below[0].0.line, below[0].1.read().unwrap().line), (3, 5));
        assert!(outline("[]").is_none() && entries[0].1.outline().is_none());
        let deep = format!("{{\"a\": {}{}}}", "[".repeat(DEEPEST_NESTING), "]".repeat(DEEPEST_NESTING));
        assert!(outline(&deep).unwrap()[0].1.read().is_none());
    }

    proptest! {
        #[test]
        fn nothing_is_read_that_others_read_otherwise(text in "[\\[\\]{},:\"\\\\ \na0-9.eE+tru/-]{0,24}") {
            check(&text);
        }

        #[test]
        fn nothing_in_a_table_is_read_otherwise(text in "\\{\"a\": ?(\\[|\\{\"b\":)?[1a\", :\n]{0,8}(\\]|\\})?(,\"c\":[0-9]{1,2})?\\}") {
            check(&text);
        }
    }
}
