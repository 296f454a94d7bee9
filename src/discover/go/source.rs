//! What a Go file says before its code: its package, what it imports, and what it embeds.

use serde::{Deserialize, Serialize};

use crate::discover::syntax::{Lines, Stated, Unreadable, text_of};

/// The facts of one `*.go` file. Build constraints are not judged: what any build imports counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The package's name.
    pub package: String,
    /// Import paths.
    pub imports: Vec<Stated<String>>,
    /// Patterns of `//go:embed`, relative to the file's folder.
    pub embeds: Vec<Stated<String>>,
}

impl Source {
    /// Reads a file up to the end of its imports, and all its embeddings.
    pub fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let text = text_of(bytes)?;
        let lines = Lines::new(text);
        let mut tokens = Tokens { text, at: 0 };
        let mut source = Self::default();
        let refuse = |at: usize| Unreadable::at(lines.line_of(at), "its imports cannot be read");
        let start = tokens.at;
        match (tokens.next(), tokens.next()) {
            (Some((_, Token::Word("package"))), Some((_, Token::Word(name)))) => source.package = name.to_owned(),
            _ => return Err(refuse(start)),
        }
        loop {
            match tokens.next() {
                Some((_, Token::Mark(';'))) => {}
                Some((_, Token::Word("import"))) => {
                    let mut grouped = false;
                    loop {
                        match tokens.next() {
                            Some((_, Token::Mark('('))) if !grouped => grouped = true,
                            Some((_, Token::Mark(')'))) if grouped => break,
                            Some((_, Token::Mark(';' | '.') | Token::Word(_))) => {}
                            Some((at, Token::Text(path))) => {
                                source.imports.push(lines.stated(lines.line_of(at), path.to_owned()));
                                if !grouped {
                                    break;
                                }
                            }
                            Some((at, _)) => return Err(refuse(at)),
                            None => return Err(refuse(text.len())),
                        }
                    }
                }
                // Whatever comes now is no import: they come first.
                _ => break,
            }
        }
        for (number, line) in (1..).zip(text.lines()) {
            if let Some(patterns) = line.strip_prefix("//go:embed") {
                source.embeds.extend(patterns_of(patterns).map(|pattern| lines.stated(number, pattern)));
            }
        }
        Ok(source)
    }
}

/// The patterns of one `//go:embed`: words, or quoted where they hold white space. `all:` only lets in hidden files.
fn patterns_of(line: &str) -> impl Iterator<Item = String> {
    let mut tokens = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, after) = match first {
            '"' | '`' => match rest[1..].find(first) {
                Some(end) => (&rest[1..=end], &rest[end + 2..]),
                None => (&rest[1..], ""),
            },
            _ => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
        };
        tokens.push(word.strip_prefix("all:").unwrap_or(word).to_owned());
        rest = after.trim_start();
    }
    tokens.into_iter().filter(|pattern| !pattern.is_empty())
}

/// What may stand before the code of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Text(&'a str),
    Mark(char),
}

struct Tokens<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    /// The next token and where it begins; none at the end, and where a comment or a text has none.
    fn next(&mut self) -> Option<(usize, Token<'a>)> {
        loop {
            let rest = &self.text[self.at..];
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            let length = if trimmed.starts_with("//") {
                trimmed.find('\n')?
            } else if trimmed.starts_with("/*") {
                trimmed.find("*/")? + 2
            } else {
                break;
            };
            self.at += length;
        }
        let (start, rest) = (self.at, &self.text[self.at..]);
        let first = rest.chars().next()?;
        let (token, length) = match first {
            '"' | '`' => {
                let end = rest[1..].find(first)?;
                (Token::Text(&rest[1..=end]), end + 2)
            }
            _ if first.is_alphanumeric() || first == '_' => {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                (Token::Word(&rest[..end]), end)
            }
            _ => (Token::Mark(first), first.len_utf8()),
        };
        self.at += length;
        Some((start, token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_in_every_notation_with_their_lines_and_nothing_behind_them() {
        let source = Source::read(
            b"// Copyright\n//go:build linux\n\n/* package none */ package main // here\n\nimport \"fmt\"\nimport (\n\tm \"example.com/m/one\" // two\n\t. \"example.com/m/dot\"\n\t_ `example.com/m/raw`; \"C\"\n\t/* \"no\" */\n)\n\nvar x = `import \"not\"`\n//go:embed a/*.txt \"with space\" all:b\nvar y string\n",
        )
        .unwrap();
        assert_eq!(source.package, "main");
        let imports: Vec<_> = source.imports.iter().map(|import| (import.line, import.value.as_str())).collect();
        assert_eq!(
            imports,
            [(6, "fmt"), (8, "example.com/m/one"), (9, "example.com/m/dot"), (10, "example.com/m/raw"), (10, "C")]
        );
        let embeds: Vec<_> = source.embeds.iter().map(|embed| (embed.line, embed.value.as_str())).collect();
        assert_eq!(embeds, [(15, "a/*.txt"), (15, "with space"), (15, "b")]);
    }

    #[test]
    fn case_96_what_is_no_go_or_is_cut_off_is_unreadable() {
        for text in
            ["", "packag main\n", "package main\nimport (\n\"a\"\n", "package main\nimport \"a", "/* package main"]
        {
            assert!(Source::read(text.as_bytes()).is_err(), "{text}");
        }
        assert!(Source::read(b"package main\nfunc main() {}\n").unwrap().imports.is_empty());
    }
}
