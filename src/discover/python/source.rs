//! What a Python source imports, and whatever else of it leads to other sources.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::loading::{Loads, finds_sources, loads};
use super::tokens::{Kind, Token, refused, tokens_of};
use crate::discover::syntax::{Lines, Stated, Unreadable, text_of};

/// The facts of one `*.py` file. Conditions are not judged: what is imported anywhere in it counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::discover) struct Source {
    pub(super) imports: Vec<Stated<Import>>,
    /// Texts that may name a module, a file or a folder.
    pub(super) names: BTreeSet<String>,
    /// The first line from which on it cannot be said what is loaded.
    pub(super) doubt: Option<Stated<()>>,
}

/// One import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::discover) struct Import {
    /// How many dots the module begins with.
    pub(super) level: usize,
    /// The module's names.
    pub(super) module: Vec<String>,
    /// What is taken from it, which may be modules again; `*` for everything.
    pub(super) names: Vec<String>,
}

/// A text beyond this many bytes names nothing.
const LONGEST_NAME: usize = 256;

impl Source {
    /// Reads a source.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let text = text_of(bytes)?;
        let lines = Lines::new(text);
        let tokens = tokens_of(text).map_err(|at| refused(lines.line_of(at)))?;
        let mut source = Self::default();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let line = lines.line_of(token.at);
            at = match token.kind {
                Kind::Word("import") => {
                    let (imports, next) = imports_at(&tokens, at).ok_or_else(|| refused(line))?;
                    for import in imports {
                        if import.is_doubtful() || has_alias(&tokens[at..next], &import) {
                            source.doubted(&lines, line);
                        }
                        source.imports.push(lines.stated(line, import));
                    }
                    next
                }
                Kind::Word("from") => {
                    // The names up to `import` are no code of their own.
                    let names = |token: &&Token<'_>| matches!(token.kind, Kind::Word(_) | Kind::Sign(b'.'));
                    let length = tokens[at + 1..].iter().take_while(names).take_while(|t| t.kind != IMPORT).count();
                    let is_import = tokens.get(at + 1 + length).is_some_and(|token| token.kind == IMPORT);
                    if is_import { at + 1 + length } else { at + 1 }
                }
                Kind::Word(word) => {
                    match loads(&tokens, at, word) {
                        Loads::Nothing => {}
                        Loads::Named(name) => {
                            let module = name.split('.').map(str::to_owned).collect();
                            source.imports.push(lines.stated(line, Import { level: 0, module, names: Vec::new() }));
                        }
                        Loads::Anything => source.doubted(&lines, line),
                    }
                    at + 1
                }
                Kind::Text(text, is_computed) => {
                    if finds_sources(text, is_computed) || text.contains("DJANGO_SETTINGS_MODULE") {
                        source.doubted(&lines, line);
                    }
                    source.named(text, is_computed);
                    if text == "-m" {
                        match (tokens.get(at + 1).map(|t| t.kind), tokens.get(at + 2).map(|t| t.kind)) {
                            (Some(Kind::Sign(b',')), Some(Kind::Text(module, false))) => source.started(module),
                            _ => source.doubted(&lines, line),
                        }
                    }
                    at + 1
                }
                Kind::Sign(_) | Kind::End => at + 1,
            };
        }
        Ok(source)
    }

    /// Reads a file of settings or a script: the words of it that may name a module or a source.
    pub(super) fn of_settings(bytes: &[u8]) -> Self {
        let mut source = Self::default();
        if bytes.len() <= LARGEST_SETTINGS {
            source.words(&String::from_utf8_lossy(bytes), &may_name);
        }
        source
    }

    /// Takes what a text names: all of it, its words, or what it begins with.
    fn named(&mut self, text: &str, is_computed: bool) {
        let begun = text.find(['{', '%']).map_or(text, |end| &text[..end]);
        if let Some(package) = begun.strip_suffix('.').filter(|package| is_dotted(package)) {
            self.started(package);
        }
        if text.contains(char::is_whitespace) {
            self.words(text, &|word| word.ends_with(".py") || word.contains('.') && is_dotted(word));
        } else if !is_computed && may_name(text) {
            self.names.insert(text.to_owned());
        }
    }

    fn words(&mut self, text: &str, may_name: &dyn Fn(&str) -> bool) {
        let words = text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | ':' | '/' | '-')));
        let mut before = "";
        for word in words.filter(|word| !word.is_empty()) {
            let trimmed = word.trim_start_matches("./").trim_end_matches(['.', ':', '-']);
            if before == "-m" {
                self.started(trimmed);
            }
            if may_name(trimmed) {
                self.names.insert(trimmed.to_owned());
            }
            before = word;
        }
    }

    /// A module is started, or a package is looked through, by its name.
    fn started(&mut self, module: &str) {
        if is_dotted(module) && module.len() <= LONGEST_NAME {
            self.names.insert(format!("{module}:"));
        }
    }

    fn doubted(&mut self, lines: &Lines<'_>, line: u32) {
        self.doubt.get_or_insert_with(|| lines.stated(line, ()));
    }
}

/// Settings beyond this many bytes are data.
const LARGEST_SETTINGS: usize = 256 * 1024;

const IMPORT: Kind<'static> = Kind::Word("import");

/// Whether names stand between the dots of a text, however many.
fn is_dotted(text: &str) -> bool {
    let is_name = |part: &str| {
        !part.is_empty()
            && !part.starts_with(|c: char| c.is_ascii_digit())
            && part.chars().all(|c| c.is_alphanumeric() || c == '_')
    };
    text.split('.').all(is_name)
}

/// Whether a text has the form of a module's name behind a package's, of a file or of a path.
fn may_name(text: &str) -> bool {
    let (module, attribute) = text.split_once(':').unwrap_or((text, ""));
    let is_module = || {
        let is_long = !attribute.is_empty() || module.contains('.');
        is_long
            && is_dotted(module.trim_start_matches('.'))
            && attribute.chars().all(|c| c.is_alphanumeric() || "_.()".contains(c))
    };
    let is_path =
        || text.ends_with(".py") || text.contains('/') && !text.contains("://") || is_settings(text.as_bytes());
    text.len() <= LONGEST_NAME && !text.contains(['\n', ' ']) && (is_module() || is_path())
}

/// Whether a file of this name holds settings, which may name modules to load.
pub(super) fn is_settings(name: &[u8]) -> bool {
    let endings: [&[u8]; 8] = [b".cfg", b".conf", b".ini", b".json", b".sh", b".toml", b".yaml", b".yml"];
    endings.iter().any(|ending| name.ends_with(ending)) || matches!(name, b"Dockerfile" | b"Procfile" | b".env")
}

/// Whether a module that is judged by how it is used gets another name.
fn has_alias(statement: &[Token<'_>], import: &Import) -> bool {
    let is_judged = import.level == 0 && matches!(import.module.first().map(String::as_str), Some("sys" | "importlib"));
    is_judged && statement.iter().any(|token| token.kind == Kind::Word("as"))
}

/// The imports of the statement whose `import` stands at a place, and where it ends; none where it is no statement.
fn imports_at(tokens: &[Token<'_>], import: usize) -> Option<(Vec<Import>, usize)> {
    let before = tokens[..import].iter().rev();
    let length =
        before.take_while(|t| matches!(t.kind, Kind::Word(w) if w != "from") || t.kind == Kind::Sign(b'.')).count();
    let from = (import - length).checked_sub(1).filter(|from| tokens[*from].kind == Kind::Word("from"));
    let mut reader = Names { tokens, at: import + 1 };
    let Some(from) = from else {
        let mut imports = Vec::new();
        loop {
            imports.push(Import { level: 0, module: reader.dotted()?, names: Vec::new() });
            reader.alias()?;
            if !reader.takes(b',') {
                return reader.ends().then_some((imports, reader.at));
            }
        }
    };
    let mut origin = Names { tokens: &tokens[..import], at: from + 1 };
    let mut level = 0;
    while origin.takes(b'.') {
        level += 1;
    }
    let module = if origin.at < import || level == 0 { origin.dotted()? } else { Vec::new() };
    if origin.at != import {
        return None;
    }
    let mut names = Vec::new();
    let is_enclosed = reader.takes(b'(');
    if reader.takes(b'*') {
        names.push("*".to_owned());
    } else {
        loop {
            names.push(reader.word()?.to_owned());
            reader.alias()?;
            if !reader.takes(b',') || is_enclosed && reader.is_sign(b')') {
                break;
            }
        }
    }
    let is_closed = !is_enclosed || reader.takes(b')');
    (is_closed && reader.ends()).then_some((vec![Import { level, module, names }], reader.at))
}

/// Reads the names of one statement.
struct Names<'t, 'a> {
    tokens: &'t [Token<'a>],
    at: usize,
}

impl<'a> Names<'_, 'a> {
    fn is_sign(&self, sign: u8) -> bool {
        self.tokens.get(self.at).is_some_and(|token| token.kind == Kind::Sign(sign))
    }

    fn takes(&mut self, sign: u8) -> bool {
        let takes = self.is_sign(sign);
        self.at += usize::from(takes);
        takes
    }

    fn word(&mut self) -> Option<&'a str> {
        let Kind::Word(word) = self.tokens.get(self.at)?.kind else { return None };
        self.at += 1;
        Some(word)
    }

    fn dotted(&mut self) -> Option<Vec<String>> {
        let mut names = vec![self.word()?.to_owned()];
        while self.takes(b'.') {
            names.push(self.word()?.to_owned());
        }
        Some(names)
    }

    fn alias(&mut self) -> Option<()> {
        if self.tokens.get(self.at)?.kind == Kind::Word("as") {
            self.at += 1;
            self.word()?;
        }
        Some(())
    }

    fn ends(&self) -> bool {
        self.tokens.get(self.at).is_some_and(|token| token.kind == Kind::End)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Source {
        Source::read(text.as_bytes()).unwrap()
    }

    fn imports(text: &str) -> Vec<String> {
        let shown = read(text).imports.into_iter().map(|stated| {
            let Import { level, module, names } = stated.value;
            let names = if names.is_empty() { String::new() } else { format!(" {}", names.join(",")) };
            format!("{}:{}{}{names}", stated.line, ".".repeat(level), module.join("."))
        });
        shown.collect()
    }

    #[test]
    fn imports_in_every_notation() {
        for (text, expected) in [
            ("import a", &["1:a"][..]),
            ("import a.b.c as d, e", &["1:a.b.c", "1:e"]),
            ("\nfrom a import b, c as d", &["2:a b,c"]),
            ("from a.b import (\n    c,  # here\n    d as e,\n)", &["1:a.b c,d"]),
            ("from . import a", &["1:. a"]),
            ("from ...a.b import c", &["1:...a.b c"]),
            ("from .import a", &["1:. a"]),
            ("from.a import b", &["1:.a b"]),
            ("from a import *", &["1:a *"]),
            ("import a; from b import c", &["1:a", "1:b c"]),
            ("try: import a\nexcept ImportError: from b import a\nelse: import c", &["1:a", "2:b a", "3:c"]),
            ("def f():\n\tif x: import a\n\tyield from b\n\timport c", &["2:a", "4:c"]),
            ("if TYPE_CHECKING:\n    from a import B", &["2:a B"]),
            ("from a \\\n    import \\\n    b", &["2:a b"]),
            ("import a\r\nimport b\r\n", &["1:a", "2:b"]),
            ("x = '''\nimport a\n'''\n# import b\nraise X from Y\nimport c", &["6:c"]),
            ("importlib.import_module('a.b')\n__import__(\"c\", x)", &["1:a.b", "2:c"]),
        ] {
            assert_eq!(imports(text), expected, "{text}");
            assert_eq!(read(text).doubt, None, "{text}");
        }
    }

    #[test]
    fn what_may_load_anything_is_a_doubt() {
        for text in [
            "importlib.import_module(name)",
            "importlib.import_module(f'a.{b}')",
            "importlib.import_module('.a', 'b')",
            "load = importlib.import_module",
            "import importlib as i",
            "from importlib import import_module as load",
            "from importlib.machinery import FileFinder",
            "getattr(importlib, 'import' + '_module')",
            "__import__(x)",
            "exec(open('x').read())",
            "eval(x)",
            "import pkgutil",
            "from a import b; import pickle",
            "import django.conf",
            "INSTALLED_APPS = []",
            "sys.path.append('..')",
            "from sys import path",
            "import sys as s",
            "x = [sys]",
            "getattr(sys, 'path')",
            "look(sys, 'x')",
            "for e in metadata.entry_points(): pass",
            "app.autodiscover_tasks()",
            "open(f'{x}.py')",
            "open(x + '.py')",
            "glob('a/*.py')",
            "run([python, '-m', x])",
            "os.environ.setdefault('DJANGO_SETTINGS_MODULE', x)",
            "f'{__import__(x)}'",
            "import \u{fb01}le",
        ] {
            assert!(read(text).doubt.is_some(), "{text}");
        }
        for text in [
            "model.eval()",
            "re.compile('x')",
            "import sys, importlib\nsys.exit(1)\nsys.argv",
            "importlib.metadata.version('x')",
            "getattr(sys, 'frozen', False)",
            "# exec(x)\n'eval(x)'",
            "os.path.join('a')",
        ] {
            assert_eq!(read(text).doubt, None, "{text}");
        }
    }

    #[test]
    fn texts_that_may_name_a_module_or_a_file_are_kept() {
        let source = read(
            "'a.b' 'a.b:c' 'main:app()' 'word' 'two words.x' 'http://x.y/z' '../t/x' 'run.py' 'log.ini' 'v1.2' '.x'\nf'{a}.b' f'p.q.{r}' 'see c.d and e.py' ['-m', 'job']",
        );
        let names: Vec<&str> = source.names.iter().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "../t/x",
                ".x",
                "a.b",
                "a.b:c",
                "c.d",
                "e.py",
                "job:",
                "log.ini",
                "main:app()",
                "p.q:",
                "run.py",
                "words.x"
            ]
        );
        let settings =
            Source::of_settings(b"CMD [\"gunicorn\", \"a.wsgi:app\"]\nRUN python ./b/run.py # x\nclass=a.b.C.\n");
        let names: Vec<&str> = settings.names.iter().map(String::as_str).collect();
        assert_eq!(names, ["a.b.C", "a.wsgi:app", "b/run.py"]);
    }

    #[test]
    fn case_96_what_is_no_python_is_unreadable() {
        for text in ["import", "import a b", "from import a", "from a import", "x = (", "{% import a %}", "import 'a'"]
        {
            assert!(Source::read(text.as_bytes()).is_err(), "{text}");
        }
        assert!(Source::read(b"x = '\xe9'").is_err());
    }
}
