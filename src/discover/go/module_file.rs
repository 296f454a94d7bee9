//! The notation of `go.mod` and `go.work`: one directive on a line, or a block of lines that share their verb.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::discover::syntax::{Lines, Stated, Unreadable, text_of};
use crate::discover::{FragmentIndex, Fragments};

/// What a `go.mod` or a `go.work` says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleFile {
    /// The module's path; none in a `go.work`, and in a `go.mod` that only fences a folder off.
    pub module: Option<Stated<String>>,
    /// The language version, such as `1.22`.
    pub language: Option<String>,
    /// The modules that it requires, directly or not.
    pub requires: Vec<Stated<Requirement>>,
    /// Its replacements.
    pub replaces: Vec<Stated<Replacement>>,
    /// The folders that a `go.work` uses, as written.
    pub uses: Vec<Stated<String>>,
    /// What it says, line by line.
    pub fragments: Arc<Fragments>,
    /// What acts on every build.
    pub common: FragmentIndex,
    /// All requirements.
    pub required: FragmentIndex,
}

/// One version of a module.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Requirement {
    /// The module's path.
    pub path: String,
    /// The version.
    pub version: String,
}

/// A module that is taken from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replacement {
    /// The path of the module that is replaced.
    pub module: String,
    /// The folder that replaces it, as written; none where another module does.
    pub folder: Option<String>,
    /// The module that replaces it; none where a folder does.
    pub other: Option<Requirement>,
}

/// Directives that say nothing about other folders, in either file.
const WITHOUT_LINKS: [&str; 6] = ["toolchain", "godebug", "exclude", "retract", "tool", "ignore"];

impl ModuleFile {
    /// Reads either file. As Go itself does, it refuses a directive that it does not know: it could be a new way to
    /// name a folder.
    pub fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let text = text_of(bytes)?;
        let mut file = Self::default();
        let lines = Lines::new(text);
        let mut fragments = Fragments::default();
        let (mut common, mut required) = (Vec::new(), Vec::new());
        for directive in directives(text)? {
            match (directive.verb.as_str(), directive.words.as_slice()) {
                // It speaks to who requires this module.
                ("retract", _) => {}
                ("require", [path, version]) if is_version(version) => {
                    required.push(fragments.add(format!("require {path}"), directive.line, &[version.as_bytes()]));
                }
                (verb, words) => {
                    let said: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
                    common.push(fragments.add(format!("{verb} {}", words.join(" ")), directive.line, &said));
                }
            }
            file.take(directive, &lines)?;
        }
        file.common = fragments.group("what acts on every build", 0, common);
        file.required = fragments.group("requirements", 0, required);
        file.fragments = fragments.sealed();
        Ok(file)
    }

    /// Whether the file lists every module that its packages need, indirect ones too: so it is since Go 1.17.
    pub fn lists_indirect_requirements(&self) -> bool {
        let mut numbers = self.language.iter().flat_map(|version| version.split('.'));
        let mut number = || numbers.next().and_then(|text| text.parse::<u32>().ok()).unwrap_or(0);
        (number(), number()) >= (1, 17)
    }

    fn take(&mut self, directive: Directive, lines: &Lines<'_>) -> Result<(), Unreadable> {
        let line = directive.line;
        let words: Vec<&str> = directive.words.iter().map(String::as_str).collect();
        match (directive.verb.as_str(), words.as_slice()) {
            ("module", [path]) => self.module = Some(lines.stated(line, (*path).to_owned())),
            ("go", [version]) => self.language = Some((*version).to_owned()),
            ("require", [path, version]) => self.requires.push(lines.stated(line, Requirement::of(path, version))),
            ("use", [folder]) => self.uses.push(lines.stated(line, (*folder).to_owned())),
            ("replace", [module, "=>", target, version @ ..] | [module, _, "=>", target, version @ ..]) => {
                let folder = is_folder(target).then(|| target.replace('\\', "/"));
                let other = version.first().map(|version| Requirement::of(target, version));
                self.replaces.push(lines.stated(line, Replacement { module: (*module).to_owned(), folder, other }));
            }
            (verb, _) if WITHOUT_LINKS.contains(&verb) => {}
            (verb @ ("module" | "go" | "require" | "use" | "replace"), _) => {
                return Err(Unreadable::at(line, format!("`{verb}` is not followed by what it needs")));
            }
            (verb, _) => return Err(Unreadable::at(line, format!("`{verb}` is no known directive"))),
        }
        Ok(())
    }
}

impl Requirement {
    fn of(path: &str, version: &str) -> Self {
        Self { path: path.to_owned(), version: version.to_owned() }
    }
}

/// Whether a version is one that a build can use; of any other Go would look for its meaning first.
fn is_version(text: &str) -> bool {
    text.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether the right side of a replacement is a folder: by Go's rule only what begins like one is.
fn is_folder(target: &str) -> bool {
    let drive = target.as_bytes().get(1) == Some(&b':');
    matches!(target, "." | "..")
        || drive
        || ["./", "../", "/", ".\\", "..\\", "\\"].iter().any(|s| target.starts_with(s))
}

/// One line with its verb, which it may have from the block that it stands in.
struct Directive {
    verb: String,
    words: Vec<String>,
    line: u32,
}

fn directives(text: &str) -> Result<Vec<Directive>, Unreadable> {
    let mut found = Vec::new();
    let mut block: Option<(String, u32)> = None;
    for (index, text) in text.lines().enumerate() {
        let line = index as u32 + 1;
        let mut words = words(text, line)?;
        if words.is_empty() {
            continue;
        }
        if let Some((verb, _)) = &block {
            if words == [")"] {
                block = None;
            } else {
                found.push(Directive { verb: verb.clone(), words, line });
            }
            continue;
        }
        let verb = words.remove(0);
        match words.as_slice() {
            [open] if open == "(" => block = Some((verb, line)),
            [open, close] if open == "(" && close == ")" => {}
            _ => found.push(Directive { verb, words, line }),
        }
    }
    match block {
        Some((verb, line)) => Err(Unreadable::at(line, format!("the block `{verb} (` is not closed"))),
        None => Ok(found),
    }
}

/// The words of a line, without its comment.
fn words(text: &str, line: u32) -> Result<Vec<String>, Unreadable> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if rest.starts_with("//") {
            break;
        }
        if rest.starts_with("/*") {
            return Err(Unreadable::at(line, "a comment begins with `/*`, and only `//` is allowed"));
        }
        let length = match first {
            '"' => {
                let (word, length) =
                    interpreted(rest).ok_or_else(|| Unreadable::at(line, "a quoted word does not end"))?;
                words.push(word);
                length
            }
            '`' => {
                let end = rest[1..].find('`').ok_or_else(|| Unreadable::at(line, "a quoted word does not end"))?;
                words.push(rest[1..=end].to_owned());
                end + 2
            }
            '(' | ')' | '[' | ']' | '{' | '}' | ',' => {
                words.push(first.to_string());
                1
            }
            _ => {
                let end = bare_word(rest);
                words.push(rest[..end].to_owned());
                end
            }
        };
        rest = rest[length..].trim_start();
    }
    Ok(words)
}

/// The length of the unquoted word that `text` begins with: up to white space, punctuation or a comment.
fn bare_word(text: &str) -> usize {
    if text.starts_with("=>") {
        return 2;
    }
    text.char_indices()
        .find(|&(at, c)| c.is_whitespace() || "()[]{},".contains(c) || text[at..].starts_with("//"))
        .map_or(text.len(), |(at, _)| at)
}

/// The word in double quotes that `text` begins with, and its length with the quotes.
fn interpreted(text: &str) -> Option<(String, usize)> {
    let mut word = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((word, at + 1)),
            '\\' => word.push(characters.next()?.1),
            _ => word.push(character),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_comments_and_quotes_are_read() {
        let file = ModuleFile::read(
            br#"// A comment
module "example.com/quoted" // deprecated: no
go 1.22.1
toolchain go1.22.3
require example.com/a v1.0.0
require (
	example.com/b v0.0.0-2020 // indirect

	`example.com/c` v1.2.3
)
exclude ()
retract [v1.0.0, v1.9.9] // broken
retract (
	v0.1.0
)
tool example.com/x/cmd/gen
ignore ./node_modules
godebug default=go1.21
replace example.com/a v1.0.0 => ../a
replace (
	example.com/b => example.com/fork/b v1.0.0
	example.com/c => ..\c
)
"#,
        )
        .unwrap();
        assert_eq!(file.module.as_ref().map(|m| (m.value.as_str(), m.line)), Some(("example.com/quoted", 2)));
        let requires: Vec<_> = file.requires.iter().map(|r| (r.value.path.as_str(), r.line)).collect();
        assert_eq!(requires, [("example.com/a", 5), ("example.com/b", 7), ("example.com/c", 9)]);
        let replaces: Vec<_> =
            file.replaces.iter().map(|r| (r.value.module.as_str(), r.value.folder.as_deref(), r.line)).collect();
        assert_eq!(
            replaces,
            [("example.com/a", Some("../a"), 19), ("example.com/b", None, 21), ("example.com/c", Some("../c"), 22)]
        );
        assert!(file.lists_indirect_requirements());
        assert!(!ModuleFile::read(b"go 1.16").unwrap().lists_indirect_requirements());
        assert!(!ModuleFile::default().lists_indirect_requirements());
    }

    #[test]
    fn a_carriage_return_and_a_byte_order_mark_are_no_part_of_a_word() {
        let file = ModuleFile::read(b"\xef\xbb\xbfmodule example.com/a\r\nrequire example.com/b v1.0.0\r\n").unwrap();
        assert_eq!(file.module.unwrap().value, "example.com/a");
        assert_eq!(file.requires[0].value, Requirement::of("example.com/b", "v1.0.0"));
    }

    #[test]
    fn case_96_what_go_refuses_is_unreadable_at_its_line() {
        for (text, line) in [
            ("module a\nrequire (\n\tb v1\n", 2),
            ("module a\nreplace b \"../c", 2),
            ("module a\n/* no */", 2),
            ("module a\n\nrequire b\n", 3),
            ("module a\nconjure b ../b\n", 2),
            ("module a\nreplace b ../c\n", 2),
        ] {
            assert_eq!(ModuleFile::read(text.as_bytes()).unwrap_err().line, line, "{text}");
        }
        assert_eq!(ModuleFile::read(b"module a\nrequire \xff\n").unwrap_err().line, 2);
    }
}
