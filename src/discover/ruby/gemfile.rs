//! What a Gemfile or a gemspec says, as far as it is literal.

use serde::{Deserialize, Serialize};

use crate::discover::script::{Kind, Notation, Script, Token, value_of};
use crate::discover::syntax::{Stated, Unreadable};

const NOTATION: Notation = Notation { comment: "#", interpolation: "#{", has_single_quotes: true };

/// What a Gemfile or a gemspec says.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::discover) struct Manifest {
    /// The name of the gem.
    pub name: Option<Stated<String>>,
    pub gems: Vec<Stated<Gem>>,
    /// Other Gemfiles that are evaluated.
    pub evaluates: Vec<Stated<String>>,
    /// The folders whose gemspec counts.
    pub gemspecs: Vec<Stated<String>>,
    /// Whether a name of a gem is worked out.
    pub is_computed: bool,
}

/// A gem that is needed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(in crate::discover) struct Gem {
    pub name: String,
    pub source: Source,
    pub is_test: bool,
}

/// Where a gem comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(in crate::discover) enum Source {
    /// By its name alone.
    Name,
    /// A folder.
    Path(String),
    /// A folder that is worked out.
    Computed,
    /// Another repository.
    Elsewhere,
}

/// A block that says something of the gems inside: the line of its `do`, and what it says.
struct Block {
    path: Option<Source>,
    is_test: bool,
}

/// Reads a Gemfile or a gemspec, a statement a line; lines that end with a comma go on.
pub(super) fn read_manifest(bytes: &[u8]) -> Result<Manifest, Unreadable> {
    let script = Script::read(bytes, NOTATION)?;
    let mut manifest = Manifest::default();
    let mut blocks: Vec<Block> = Vec::new();
    let mut rest = script.tokens.as_slice();
    while let Some(first) = rest.first() {
        let ends = |at: &usize| {
            let (before, next) = (&rest[*at - 1], &rest[*at]);
            next.line != before.line && !matches!(before.kind, Kind::Sign(b',' | b'(' | b'[' | b'\\'))
        };
        let length = (1..rest.len()).find(ends).unwrap_or(rest.len());
        let (statement, following) = rest.split_at(length);
        rest = following;
        let Kind::Word(keyword) = first.kind else { continue };
        let arguments = match &statement[1..] {
            [Token { kind: Kind::Sign(b'('), .. }, arguments @ ..] => arguments,
            arguments => arguments,
        };
        let opens = matches!(statement.last(), Some(Token { kind: Kind::Word("do"), .. }))
            || statement.iter().any(|token| token.kind == Kind::Word("do"));
        let around = blocks.last().map_or((None, false), |block| (block.path.clone(), block.is_test));
        match keyword {
            "gem" => manifest.gem(&script, first, arguments, &around),
            "eval_gemfile" => {
                if let Some(path) = literal(&script, arguments) {
                    manifest.evaluates.push(script.stated(first, path));
                }
            }
            "gemspec" => {
                let path = literal(&script, value_of(arguments, "path")).unwrap_or_else(|| ".".to_owned());
                manifest.gemspecs.push(script.stated(first, path));
            }
            "end" => drop(blocks.pop()),
            "if" | "unless" | "case" | "begin" | "def" | "while" => {
                let (path, is_test) = around.clone();
                blocks.push(Block { path, is_test });
            }
            _ => manifest.specification(&script, statement),
        }
        if opens {
            let (mut path, mut is_test) = around;
            match keyword {
                "path" => path = Some(source_of(&script, arguments)),
                "git" | "github" => path = Some(Source::Elsewhere),
                "group" => is_test |= is_test_group(arguments),
                _ => {}
            }
            blocks.push(Block { path, is_test });
        }
    }
    Ok(manifest)
}

impl Manifest {
    fn gem(
        &mut self,
        script: &Script<'_>,
        first: &Token<'_>,
        arguments: &[Token<'_>],
        around: &(Option<Source>, bool),
    ) {
        let Some(name) = literal(script, arguments) else {
            self.is_computed = true;
            return;
        };
        let path = value_of(arguments, "path");
        let elsewhere = ["git", "github", "gist", "bitbucket"].iter().any(|key| !value_of(arguments, key).is_empty());
        let source = match (&around.0, path) {
            (_, [_, ..]) => source_of(script, path),
            _ if elsewhere => Source::Elsewhere,
            (Some(Source::Path(folder)), _) => Source::Path(format!("{folder}/{name}")),
            (Some(source), _) => source.clone(),
            (None, []) => Source::Name,
        };
        let groups = [value_of(arguments, "group"), value_of(arguments, "groups")].concat();
        let is_test = around.1 || (!groups.is_empty() && is_test_group(&groups));
        self.gems.push(script.stated(first, Gem { name, source, is_test }));
    }

    /// `spec.name = "x"`, `spec.add_dependency "y"`.
    fn specification(&mut self, script: &Script<'_>, statement: &[Token<'_>]) {
        let [_, Token { kind: Kind::Sign(b'.'), .. }, key @ Token { kind: Kind::Word(word), .. }, value @ ..] =
            statement
        else {
            return;
        };
        let value = match value {
            [Token { kind: Kind::Sign(b'(' | b'='), .. }, value @ ..] => value,
            value => value,
        };
        match *word {
            "name" if self.name.is_none() => {
                self.name = literal(script, value).map(|name| script.stated(key, name));
            }
            "add_dependency" | "add_runtime_dependency" | "add_development_dependency" => {
                match literal(script, value) {
                    Some(name) => {
                        let is_test = *word == "add_development_dependency";
                        self.gems.push(script.stated(key, Gem { name, source: Source::Name, is_test }));
                    }
                    None => self.is_computed = true,
                }
            }
            _ => {}
        }
    }
}

/// The text that a value begins with, if it is one as it stands and nothing is added to it.
fn literal(script: &Script<'_>, value: &[Token<'_>]) -> Option<String> {
    match value {
        [Token { kind: Kind::Text(_), .. }, Token { kind: Kind::Sign(b'+' | b'%' | b'.'), .. }, ..] => None,
        [Token { kind: Kind::Text(text), .. }, ..] if script.is_literal(text) => Some((*text).to_owned()),
        _ => None,
    }
}

/// A folder as it is written: a text, or one relative to the file by the usual means.
fn source_of(script: &Script<'_>, value: &[Token<'_>]) -> Source {
    let words = |token: &Token<'_>| match token.kind {
        Kind::Word(word) => Some(word.to_owned()),
        _ => None,
    };
    let texts: Vec<&Token<'_>> = value.iter().take(8).filter(|token| matches!(token.kind, Kind::Text(_))).collect();
    match (literal(script, value), texts.first().map(|text| text.kind)) {
        (Some(path), _) => Source::Path(path),
        // `File.expand_path("../x", __dir__)` and `File.join(__dir__, "../x")`
        (None, Some(Kind::Text(text))) if script.is_literal(text) => {
            let used: Vec<String> = value.iter().take(8).filter_map(words).collect();
            let is_usual = used.first().is_some_and(|word| word == "File")
                && used.get(1).is_some_and(|word| word == "expand_path" || word == "join");
            match (is_usual, used.iter().any(|word| word == "__dir__"), used.iter().any(|word| word == "__FILE__")) {
                (true, true, _) => Source::Path((*text).to_owned()),
                // Relative to the file itself: one step more.
                (true, _, true) => match text.strip_prefix("../") {
                    Some(path) => Source::Path(path.to_owned()),
                    None => Source::Computed,
                },
                _ => Source::Computed,
            }
        }
        _ => Source::Computed,
    }
}

/// Whether all groups that are named are for development and tests.
fn is_test_group(arguments: &[Token<'_>]) -> bool {
    let names =
        arguments.iter().take(16).take_while(|token| !matches!(token.kind, Kind::Word("do") | Kind::Sign(b']')));
    let names: Vec<&str> = names
        .filter_map(|token| match token.kind {
            Kind::Word(word) | Kind::Text(word) => Some(word),
            Kind::Sign(_) => None,
        })
        .collect();
    let for_tests = ["test", "tests", "development", "dev", "lint", "docs", "doc", "ci"];
    !names.is_empty() && names.iter().all(|name| for_tests.contains(name) || *name == "optional" || *name == "true")
}
