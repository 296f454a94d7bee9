//! The notations that manifests are written in, read into one located value: JSON with comments, YAML, TOML, XML.
//!
//! Every value knows its line, because an edge without the line that states it is no edge. Nesting, size and
//! aliases are bounded, so that no manifest can cost more than it should.

mod canonical;
mod json;
mod plain_json;
mod toml;
mod xml;
mod yaml;

use std::cell::RefCell;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::json::{read_json, read_json_lines};
pub use self::plain_json::{Unread, outline};
pub use self::toml::read_toml;
pub use self::xml::{XmlLines, canonical_element, read_xml};
pub use self::yaml::read_yaml;

use crate::diagnostic::Evidence;
use crate::path::RepoPath;

/// A manifest beyond this many bytes is not read: no manifest that people write comes near it.
pub const LARGEST_MANIFEST: usize = 16 * 1024 * 1024;

/// How deep lists and tables may nest. Deeper input is refused before a recursive reader sees it.
const DEEPEST_NESTING: usize = 128;

/// The longest text of a line that evidence carries, in characters.
const LONGEST_EVIDENCE: usize = 160;

/// Why the bytes of a manifest could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Unreadable {
    /// What is wrong, in a sentence without a full stop.
    pub message: String,
    /// The line, counted from 1; 0 where it is not known.
    pub line: u32,
    /// The column, counted from 1; 0 where it is not known.
    pub column: u32,
}

impl Unreadable {
    /// Unreadable at a line; the column is not known.
    pub fn at(line: u32, message: impl Into<String>) -> Self {
        Self { message: message.into(), line, column: 0 }
    }
}

/// A value and the line that states it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stated<T> {
    /// The value.
    pub value: T,
    /// The line, counted from 1.
    pub line: u32,
    /// The text of the line.
    pub text: Arc<str>,
}

impl<T> Stated<T> {
    /// The evidence that this value gives, in the file that it was read from.
    pub fn evidence(&self, file: &RepoPath) -> Evidence {
        Evidence::new(file, self.line, self.text.clone())
    }

    /// Another value, stated by the same line.
    pub fn with<U>(&self, value: U) -> Stated<U> {
        Stated { value, line: self.line, text: self.text.clone() }
    }
}

/// The lines of a text, for evidence.
pub struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
    /// The line that was asked for last and its text: many values may stand on one line, behind much white space.
    last: RefCell<Option<(u32, Arc<str>)>>,
}

impl<'a> Lines<'a> {
    /// Finds the line starts once.
    pub fn new(text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1)).collect();
        Self { text, starts, last: RefCell::default() }
    }

    /// The line, counted from 1, that the byte at `offset` lies on.
    pub fn line_of(&self, offset: usize) -> u32 {
        self.starts.partition_point(|&start| start <= offset) as u32
    }

    /// The text of a line without white space around it, cut to what evidence carries.
    pub fn text(&self, line: u32) -> Arc<str> {
        let mut last = self.last.borrow_mut();
        if let Some((known, text)) = &*last
            && *known == line
        {
            return text.clone();
        }
        let index = (line as usize).saturating_sub(1);
        let Some(&start) = self.starts.get(index) else { return Arc::default() };
        let end = self.starts.get(index + 1).copied().unwrap_or(self.text.len());
        let text = self.text[start..end].trim();
        // A text has no more characters than bytes.
        let text: Arc<str> = if text.len() <= LONGEST_EVIDENCE {
            text.into()
        } else {
            text.chars().take(LONGEST_EVIDENCE).collect::<String>().into()
        };
        *last = Some((line, text.clone()));
        text
    }

    /// `value`, stated by `line`.
    pub fn stated<T>(&self, line: u32, value: T) -> Stated<T> {
        Stated { value, line, text: self.text(line) }
    }
}

/// A value of JSON, YAML or TOML and the line it begins on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The line, counted from 1.
    pub line: u32,
    /// The value.
    pub value: Value,
}

/// What the three notations have in common. Numbers are kept as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// A number or a date, as written.
    Number(String),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Located>),
    /// A table, in the order of the file.
    Table(Vec<(Key, Located)>),
}

/// A key of a table and the line it stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The key's text.
    pub text: String,
    /// The line, counted from 1.
    pub line: u32,
}

impl Located {
    /// The value under a key, if this is a table that has it.
    pub fn get(&self, key: &str) -> Option<&Located> {
        self.entries().find(|(k, _)| k.text == key).map(|(_, value)| value)
    }

    /// The value at the end of a way of keys.
    pub fn at(&self, keys: &[&str]) -> Option<&Located> {
        keys.iter().try_fold(self, |value, key| value.get(key))
    }

    /// The key and value pairs of a table; none for anything else.
    pub fn entries(&self) -> impl Iterator<Item = (&Key, &Located)> {
        let pairs: &[(Key, Located)] = match &self.value {
            Value::Table(pairs) => pairs,
            _ => &[],
        };
        pairs.iter().map(|(key, value)| (key, value))
    }

    /// The items of a list; none for anything else.
    pub fn items(&self) -> &[Located] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The text, if this is text.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Text, a number or a truth value as it would be written.
    pub fn scalar(&self) -> Option<String> {
        match &self.value {
            Value::Text(text) | Value::Number(text) => Some(text.clone()),
            Value::Bool(truth) => Some(truth.to_string()),
            _ => None,
        }
    }

    /// The truth value, if this is one.
    pub fn truth(&self) -> Option<bool> {
        match self.value {
            Value::Bool(truth) => Some(truth),
            _ => None,
        }
    }

    /// Whether this is a table.
    pub fn is_table(&self) -> bool {
        matches!(self.value, Value::Table(_))
    }
}

/// The bytes as text: UTF-8, without a byte order mark, within the size that is read.
pub fn text_of(bytes: &[u8]) -> Result<&str, Unreadable> {
    if bytes.len() > LARGEST_MANIFEST {
        let message = format!("it has {} bytes, and at most {LARGEST_MANIFEST} are read", bytes.len());
        return Err(Unreadable::at(0, message));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].iter().filter(|&&b| b == b'\n').count() as u32 + 1;
        Unreadable::at(line, "it is not UTF-8 text")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(document: &Located) {
        assert_eq!(document.at(&["a", "b"]).and_then(Located::text), Some("text"));
        assert_eq!(document.at(&["a", "b"]).map(|value| value.line), Some(3));
        let (key, list) = document.entries().find(|(key, _)| key.text == "list").unwrap();
        assert_eq!(key.line, 4);
        assert_eq!(list.items()[0].scalar().as_deref(), Some("1"));
        assert_eq!(list.items()[1].truth(), Some(true));
    }

    #[test]
    fn the_three_notations_give_one_value() {
        check(&read_json(b"{ // comment\n \"a\": {\n  \"b\": \"text\" },\n \"list\": [1, true,] }").unwrap());
        check(&read_toml(b"\na.\"c\" = 1\na.b = \"text\"\nlist = [1, true]\n").unwrap());
        check(&read_yaml(b"# comment\na:\n  b: text\nlist: [1, true]\n---\nsecond: 1\n").unwrap()[0]);
    }

    #[test]
    fn case_96_bombs_are_refused() {
        let deep = "[".repeat(200_000);
        assert!(read_json(deep.as_bytes()).is_err());
        assert!(read_toml(format!("a = {deep}").as_bytes()).is_err());
        assert!(read_yaml(deep.as_bytes()).is_err());
        let elements = "<a>".repeat(200_000);
        assert!(read_xml(&elements).is_err());
        let mut laughs = "a0: &a0 [x]\n".to_owned();
        for level in 1..40 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(",");
            laughs.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        assert!(read_yaml(laughs.as_bytes()).is_err());
        assert!(read_xml("<!DOCTYPE x [<!ENTITY a \"b\">]><x>&a;</x>").is_err());
        assert!(read_json(&vec![b' '; LARGEST_MANIFEST + 1]).is_err());
    }

    #[test]
    fn case_96_any_depth_is_read_or_refused() {
        // Without optimisation each level of YAML takes some 30 kB of the stack.
        let wide = std::thread::Builder::new().stack_size(16 * 1024 * 1024);
        wide.spawn(read_at_all_depths).unwrap().join().unwrap();
    }

    fn read_at_all_depths() {
        for depth in [60, 120, 130, 250, 500, 1000, 1900, 2000, 2100, 5000, 20_000] {
            let nested = |open: &str, close: &str| format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let indented: String = (0..depth.min(5000)).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
            let json = [nested("[", "]"), nested("{\"a\":", "}")].map(|text| read_json(text.as_bytes()).is_ok());
            let toml = [nested("[", "]"), nested("{a = ", "}")].map(|text| format!("a = {text}"));
            let toml = toml.map(|text| read_toml(text.as_bytes()).is_ok());
            let yaml = [nested("[", "]"), nested("{a: ", "}"), nested("- ", ""), nested("!!seq [", "]"), indented];
            let yaml = yaml.map(|text| read_yaml(text.as_bytes()).is_ok());
            let xml = [read_xml(&nested("<a>", "</a>")).is_ok()];
            let read = [&json[..], &toml, &yaml, &xml].concat();
            assert!(depth > 60 || read.iter().all(|&read| read), "{depth}: {read:?}");
            assert!(depth < 5000 || !read.contains(&true), "{depth}: {read:?}");
            // A key in dots is a table in a table.
            let _ = read_toml(format!("{}a = 1", "a.".repeat(depth)).as_bytes());
            let _ = read_toml(format!("[{}a]", "a.".repeat(depth)).as_bytes());
        }
    }

    #[test]
    fn brackets_in_texts_and_comments_nest_nothing() {
        let open = "[{".repeat(100);
        let text = format!(
            "{{ // {open}\n/* {open} ' */ \"a\": \"\\\"{open}\", 'b': '\\'{open}', \"c\": [1] /* {open} */ }} // '"
        );
        assert_eq!(read_json(text.as_bytes()).unwrap().get("c").map(|list| list.items().len()), Some(1));
        for broken in ["[\"", "['\\", "/*", "/* *", "//", "/", "\"\\"] {
            assert!(read_json(broken.as_bytes()).is_err(), "{broken}");
        }
    }

    #[test]
    fn case_96_many_values_cost_no_more_than_their_length() {
        // A reader that begins anew for each would take minutes.
        let values = format!("{}[{}1]", " ".repeat(300_000), "1,".repeat(300_000));
        let lines = Lines::new(&values);
        let document = read_json(values.as_bytes()).unwrap();
        let stated: Vec<_> = document.items().iter().map(|item| lines.stated(item.line, ())).collect();
        assert_eq!(stated.len(), 300_001);
        assert!(read_xml(&format!("{}/>", "<a ".repeat(4_000_000))).is_err());
        let attributes: String = (0..1_000_000).map(|number| format!(" a{number}=\">\"")).collect();
        assert!(read_xml(&format!("<a{attributes}/>")).is_err());
        let namespaces: String = (0..400).map(|number| format!(" xmlns:a{number}=\"x\"")).collect();
        let inner: String = (0..300_000).map(|number| format!("<a xmlns:b=\"{number}\"/>")).collect();
        assert!(read_xml(&format!("<a{namespaces}>{inner}</a>")).is_err());
    }
}
