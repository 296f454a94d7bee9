//! Jenkins: `changeset` in the `when` of a stage.
//!
//! Patterns are those of Ant, and case does not matter unless it is asked for; with `comparator: "REGEXP"` they are
//! expressions. A Jenkinsfile is a program: only its blocks, strings and comments are understood here.

use std::collections::BTreeSet;

use super::files::Page;
use super::glob::{DoubleStar, Glob, Grammar, Question};
use super::work::Work;
use super::{Combination, Engine, PathFilter, PathPattern, Pipeline, Reader};
use crate::path::RepoPath;

const GRAMMAR: Grammar = Grammar {
    double_star: DoubleStar::Segment,
    question: Question::OneCharacter,
    classes: false,
    braces: false,
    groups: false,
    commas: false,
    ignores_case: true,
};

pub(super) fn is_pipeline(path: &RepoPath) -> bool {
    path.name().is_some_and(|name| name.starts_with(b"Jenkinsfile"))
}

/// A word, a text in quotes or a brace, and its line.
#[derive(Debug, PartialEq)]
enum Token {
    Word(String, u32),
    Text(String, u32),
    Open,
    Close(u32),
}

/// A stage that is open, or any other block.
struct Block {
    stage: Option<(String, u32)>,
    /// Whether it says when its stage does not run.
    is_not: bool,
    patterns: Vec<PathPattern>,
}

/// Reads a Jenkinsfile.
pub(super) fn read(reader: &mut Reader<'_>, page: &Page<'_>) {
    let root = BTreeSet::from([RepoPath::root()]);
    let mut work = Work::default();
    work.gather_lines(reader.files, page, (1, u32::MAX), &root);
    let tokens = tokens(page.text);
    let mut filters = Vec::new();
    let mut open: Vec<Block> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Open => open.push(opened(&tokens[..at])),
            Token::Close(end) => {
                let Some(block) = open.pop() else { continue };
                let Some((name, line)) = block.stage else { continue };
                let Some(first) = block.patterns.first() else { continue };
                let mut work = Work::default();
                work.gather_lines(reader.files, page, (line, *end), &root);
                filters.push(PathFilter {
                    names: vec![format!("stage {name}")],
                    place: first.place.clone(),
                    combination: Combination::Any,
                    patterns: block.patterns,
                    work: Some(work),
                    repeated: Vec::new(),
                });
            }
            Token::Word(word, line) if word == "changeset" && !open.iter().any(|block| block.is_not) => {
                let pattern = pattern(page, &tokens[at + 1..], *line);
                let stage = open.iter_mut().rev().find(|block| block.stage.is_some());
                if let (Some(pattern), Some(stage)) = (pattern, stage) {
                    stage.patterns.push(pattern);
                }
            }
            _ => {}
        }
    }
    reader.pipelines.push(Pipeline { engine: Engine::Jenkins, file: page.file.clone(), work, filters });
}

/// What a brace opens that stands behind these tokens.
fn opened(before: &[Token]) -> Block {
    let (stage, is_not) = match before {
        [.., Token::Word(word, line), Token::Text(name, _)] if word == "stage" => (Some((name.clone(), *line)), false),
        [.., Token::Word(word, _)] => (None, word == "not"),
        _ => (None, false),
    };
    Block { stage, is_not, patterns: Vec::new() }
}

/// The pattern behind the word `changeset`.
fn pattern(page: &Page<'_>, after: &[Token], line: u32) -> Option<PathPattern> {
    let here = after.iter().take_while(|token| match token {
        Token::Word(_, at) | Token::Text(_, at) => *at == line,
        _ => false,
    });
    let here: Vec<&Token> = here.collect();
    let named = |name: &str| {
        here.windows(2).find_map(|pair| match pair {
            [Token::Word(word, _), Token::Text(text, _)] if word == name => Some(text.clone()),
            _ => None,
        })
    };
    let first = match here.first()? {
        Token::Text(text, _) => Some(text.clone()),
        _ => None,
    };
    let text = first.or_else(|| named("pattern"))?;
    let is_expression = named("comparator").is_some_and(|comparator| comparator.eq_ignore_ascii_case("regexp"));
    let minds_case = here.windows(2).any(|pair| {
        matches!(pair, [Token::Word(word, _), Token::Word(value, _)] if word == "caseSensitive" && value == "true")
    });
    // A folder with a slash at its end is all below it.
    let plain = if text.ends_with('/') { format!("{text}**") } else { text.clone() };
    let glob = match is_expression {
        true => Glob::of_expression(&text),
        false => Glob::new(&plain.replace('\\', "/"), Grammar { ignores_case: !minds_case, ..GRAMMAR }),
    };
    Some(PathPattern { glob, depth: 0, place: page.evidence(line), excludes: false, changes: None, text })
}

fn tokens(text: &str) -> Vec<Token> {
    let signs: Vec<char> = text.chars().collect();
    let (mut tokens, mut at, mut line) = (Vec::new(), 0, 1);
    while at < signs.len() {
        let start = at;
        let next = signs.get(at + 1).copied();
        match signs[at] {
            '/' if next == Some('/') => at = find(&signs, at, &['\n']),
            '/' if next == Some('*') => at = find(&signs, at + 2, &['*', '/']) + 2,
            quote @ ('"' | '\'') => {
                let triple = next == Some(quote) && signs.get(at + 2) == Some(&quote);
                let end = if triple { vec![quote; 3] } else { vec![quote] };
                let inner = at + end.len();
                let close = find(&signs, inner, &end);
                tokens.push(Token::Text(signs[inner.min(close)..close].iter().collect(), line));
                at = close + end.len();
            }
            '{' => {
                tokens.push(Token::Open);
                at += 1;
            }
            '}' => {
                tokens.push(Token::Close(line));
                at += 1;
            }
            sign if sign.is_alphanumeric() || sign == '_' => {
                at = signs[at..]
                    .iter()
                    .position(|sign| !(sign.is_alphanumeric() || *sign == '_'))
                    .map_or(signs.len(), |n| at + n);
                tokens.push(Token::Word(signs[start..at].iter().collect(), line));
            }
            _ => at += 1,
        }
        at = at.min(signs.len());
        line += signs[start..at].iter().filter(|sign| **sign == '\n').count() as u32;
    }
    tokens
}

/// Where some signs stand from a place on, escaped ones passed over; else the end.
fn find(signs: &[char], from: usize, wanted: &[char]) -> usize {
    let mut at = from;
    while at < signs.len() {
        if signs[at..].starts_with(wanted) {
            return at;
        }
        at += if signs[at] == '\\' { 2 } else { 1 };
    }
    signs.len()
}
