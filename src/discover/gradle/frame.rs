//! What a block of a script is for, and the lists and values that its expressions give.

use super::cursor::{Tokens, configuration_of, literal_at};
use super::facts::{Scope, is_for_tests};
use super::reader::Reader;
use super::tokens::Kind;
use super::value::{Part, Value};

/// How far a head of a block is read, in tokens.
const LONGEST_HEAD: usize = 64;

/// How many arguments a list has.
const MOST_ARGUMENTS: usize = 20_000;

/// How many pieces a text is joined from.
const MOST_PARTS: usize = 64;

/// Blocks of which the statements are those of the block around.
const GOES_ON: [&str; 10] = ["constraints", "if", "else", "for", "while", "when", "each", "forEach", "with", "run"];

/// A block, with what holds in it from outside.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// The first token of the statement that is read.
    pub statement: usize,
    pub scope: Scope,
    /// Whether the blocks around do nothing but choose projects.
    pub is_configuring: bool,
    pub is_test: bool,
    pub is_dependencies: bool,
    /// The configuration that a block of dependencies around adds to.
    pub configuration: Option<String>,
    pub is_plugins: bool,
    pub is_apply: bool,
    pub is_ext: bool,
    /// Whether it declares plugins that the project provides.
    pub provides_plugins: bool,
    /// Whether it is an expression inside a text.
    pub is_expression: bool,
    pub repeats: Option<Turns>,
}

/// The turns of a loop.
#[derive(Debug, Clone)]
pub(super) struct Turns {
    pub name: String,
    pub items: Vec<Value>,
}

impl Frame {
    /// The script itself.
    pub const OUTERMOST: Frame = Frame {
        statement: 0,
        scope: Scope::Own,
        is_configuring: true,
        is_test: false,
        is_dependencies: false,
        configuration: None,
        is_plugins: false,
        is_apply: false,
        is_ext: false,
        provides_plugins: false,
        is_expression: false,
        repeats: None,
    };

    /// An expression inside a text of this block.
    pub fn of_expression(&self) -> Frame {
        Frame { is_expression: true, is_dependencies: false, ..self.inner(0) }
    }

    /// Whether a block of dependencies is around.
    pub fn in_dependencies(&self) -> bool {
        self.is_dependencies || self.configuration.is_some()
    }

    /// A block in this one that means nothing by itself.
    fn inner(&self, statement: usize) -> Frame {
        Frame {
            statement,
            scope: self.scope.clone(),
            is_configuring: false,
            is_test: self.is_test,
            is_dependencies: false,
            configuration: self.configuration.clone(),
            is_plugins: false,
            is_apply: false,
            is_ext: false,
            provides_plugins: self.provides_plugins,
            is_expression: false,
            repeats: None,
        }
    }
}

/// What stands before a block.
struct Head<'a> {
    words: Vec<&'a str>,
    /// The call or name just before the brace.
    last: &'a str,
    /// The bracket of that call, if it has one.
    bracket: Option<usize>,
}

impl Reader<'_> {
    /// The block that begins at a brace.
    pub(super) fn frame_of(&mut self, tokens: &Tokens<'_, '_>, at: usize, frames: &[Frame]) -> Frame {
        let outer = frames.last().unwrap_or(&Frame::OUTERMOST);
        let head = head_of(tokens, outer.statement, at);
        let parameters = parameters_end(tokens, at);
        let mut frame = outer.inner(parameters.unwrap_or(at + 1));
        let first = head.words.first().copied().unwrap_or_default();
        let chooses = |word: &&str| {
            matches!(*word, "allprojects" | "subprojects" | "configure" | "beforeProject" | "afterProject")
        };
        match head.words.iter().find(|word| chooses(word)) {
            Some(&"subprojects") => frame.scope = Scope::Below,
            Some(_) => frame.scope = Scope::All,
            None => {}
        }
        let mut configures = head.words.iter().any(chooses);
        if (first, head.last) == ("project", "project")
            && let Some(bracket) = head.bracket
            && !outer.in_dependencies()
        {
            configures = true;
            let path = self.project_path(tokens, bracket);
            let turns = frames.iter().filter_map(|frame| frame.repeats.as_ref()).any(|turns| path.names(&turns.name));
            frame.scope = if turns { Scope::All } else { Scope::Project(path) };
        }
        frame.is_configuring = outer.is_configuring && configures;
        // Within a block of dependencies, what only chooses or repeats is the same block.
        let goes_on = outer.is_dependencies && GOES_ON.contains(&head.last);
        frame.is_test |= !goes_on && is_of_tests(tokens, &head, outer.statement, at);
        frame.is_dependencies = head.last == "dependencies" || goes_on;
        self.script.has_tests |= frame.is_dependencies && frame.is_test;
        if outer.is_dependencies && !frame.is_dependencies {
            frame.configuration = configuration_of(tokens, outer.statement).map(str::to_owned);
        }
        frame.is_plugins = head.last == "plugins" && first == "plugins";
        frame.is_apply = head.last == "apply" && first == "apply";
        frame.is_ext = matches!(head.last, "ext" | "extra");
        frame.provides_plugins |= first == "gradlePlugin";
        frame.repeats = self.turns_of(tokens, &head, outer.statement, at, parameters);
        frame
    }

    /// The loop that a block is the body of.
    fn turns_of(
        &self,
        tokens: &Tokens<'_, '_>,
        head: &Head<'_>,
        statement: usize,
        at: usize,
        parameters: Option<usize>,
    ) -> Option<Turns> {
        if head.words.first() == Some(&"for") && head.last == "for" {
            let bracket = head.bracket?;
            let close = tokens.0[bracket].partner;
            let joint = (bracket + 1..close.min(bracket + 8))
                .find(|&at| tokens.word(at) == Some("in") || tokens.is(at, b':'))?;
            let name = tokens.word(joint.checked_sub(1)?)?.to_owned();
            return Some(Turns { name, items: self.values_of(tokens, joint + 1, close)? });
        }
        if !matches!(head.last, "each" | "forEach") {
            return None;
        }
        let name = match parameters {
            None => "it".to_owned(),
            // More than one parameter is a map or an index.
            Some(end) => {
                let names: Vec<&str> = (at + 1..end).filter_map(|at| tokens.word(at)).collect();
                let several = (at + 1..end).any(|at| tokens.is(at, b','));
                let typed = (at + 1..end).any(|at| tokens.is(at, b':'));
                let name = if typed { names.first() } else { names.last() };
                name.filter(|_| !several).map(|name| (*name).to_owned())?
            }
        };
        let call = at - 1;
        let dot = call.checked_sub(1).filter(|&dot| tokens.is(dot, b'.'))?;
        let mut start = dot.checked_sub(1)?;
        if tokens.is(start, b']') || tokens.is(start, b')') {
            let opening = tokens.0[start].partner;
            start = if tokens.is(opening, b'(') { opening.checked_sub(1).unwrap_or(opening) } else { opening };
        }
        Some(Turns { name, items: self.values_of(tokens, start.max(statement), dot)? })
    }

    /// The texts of a list, however it is written; none if it is no list, or not known.
    pub(super) fn values_of(&self, tokens: &Tokens<'_, '_>, from: usize, to: usize) -> Option<Vec<Value>> {
        let mut from = from;
        if tokens.is(from, b'*') {
            from += 1;
        }
        let bracketed = |bracket: usize| {
            let end = tokens.0[bracket].partner;
            let items = self.arguments(tokens, bracket + 1, end);
            let is_map = items.iter().any(|&(start, stop)| stop > start + 1 && tokens.is(start + 1, b':'));
            let values = items.iter().map(|&(start, stop)| self.value_of(tokens, start, stop));
            (!is_map).then(|| values.collect())
        };
        if from >= to {
            return None;
        }
        if tokens.is(from, b'[') && (tokens.0[from].partner + 1 == to || !tokens.is(tokens.0[from].partner + 1, b'.')) {
            return bracketed(from);
        }
        let mut call = from;
        while tokens.is(call + 1, b'.')
            && call + 2 < to
            && matches!(tokens.word(call), Some("Arrays" | "List" | "Set" | "java" | "util"))
        {
            call += 2;
        }
        let lists = ["listOf", "setOf", "arrayOf", "mutableListOf", "sequenceOf", "asList", "of"];
        if tokens.word(call).is_some_and(|word| lists.contains(&word)) && tokens.is(call + 1, b'(') {
            return bracketed(call + 1);
        }
        let name = tokens.word(from)?;
        let converts = to == from + 1
            || tokens.word(from + 1) == Some("as")
            || (tokens.is(from + 1, b'.') && tokens.word(from + 2) == Some("toTypedArray"));
        converts.then(|| self.lists.get(name).cloned()).flatten()
    }

    /// The arguments between two tokens, each from its first token to the one behind its last.
    pub(super) fn arguments(&self, tokens: &Tokens<'_, '_>, from: usize, to: usize) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        let mut start = from;
        while start < to && found.len() < MOST_ARGUMENTS {
            let end = self.argument_end(tokens, start, to);
            if end > start {
                found.push((start, end));
            }
            start = end + 1;
        }
        found
    }

    /// Where an argument ends: at a comma, or with the list.
    pub(super) fn argument_end(&self, tokens: &Tokens<'_, '_>, from: usize, to: usize) -> usize {
        let mut at = from;
        while at < to && !tokens.is(at, b',') {
            at = tokens.behind(at);
        }
        at.min(to)
    }

    /// Where a list of arguments without brackets ends.
    pub(super) fn list_end(&self, tokens: &Tokens<'_, '_>, from: usize) -> usize {
        tokens.statement_end(from, 2 * MOST_ARGUMENTS)
    }

    /// Where texts and names that are joined by `+` end.
    pub(super) fn operand_end(&self, tokens: &Tokens<'_, '_>, from: usize) -> usize {
        let mut at = from + 1;
        for _ in 0..MOST_PARTS {
            if !tokens.is(at, b'+') {
                break;
            }
            at += 2;
            while tokens.is(at, b'.') && tokens.word(at + 1).is_some() {
                at += 2;
            }
        }
        at.min(tokens.0.len())
    }

    /// The text that an expression gives, as far as it is literal.
    pub(super) fn value_of(&self, tokens: &Tokens<'_, '_>, from: usize, to: usize) -> Value {
        let (mut at, mut to) = (from, to);
        while tokens.is(at, b'(') && tokens.0[at].partner + 1 == to {
            (at, to) = (at + 1, to - 1);
        }
        let mut parts: Vec<Part> = Vec::new();
        while at < to && parts.len() < MOST_PARTS {
            match &tokens.0[at].kind {
                Kind::Text(text, _) => {
                    parts.extend(text.iter().cloned());
                    at += 1;
                }
                Kind::Word(word) => {
                    let mut name = (*word).to_owned();
                    at += 1;
                    while at + 1 < to
                        && tokens.is(at, b'.')
                        && let Some(word) = tokens.word(at + 1)
                    {
                        name.push('.');
                        name.push_str(word);
                        at += 2;
                    }
                    parts.push(Part::Name(name));
                }
                Kind::Sign(_) => return computed_from(parts),
            }
            if at < to {
                if !tokens.is(at, b'+') {
                    return computed_from(parts);
                }
                at += 1;
            }
        }
        if from >= to { Value::computed() } else { Value(parts) }
    }
}

/// A text that goes on with something that is not known.
fn computed_from(mut parts: Vec<Part>) -> Value {
    parts.clear();
    parts.push(Part::Computed);
    Value(parts)
}

fn head_of<'a>(tokens: &Tokens<'a, '_>, statement: usize, at: usize) -> Head<'a> {
    let mut words = Vec::new();
    let mut next = statement;
    for _ in 0..LONGEST_HEAD {
        if next >= at {
            break;
        }
        words.extend(tokens.word(next));
        next = tokens.behind(next);
    }
    let before = at.checked_sub(1);
    let bracket = before.filter(|&close| tokens.is(close, b')')).map(|close| tokens.0[close].partner);
    let last = match bracket {
        Some(bracket) => bracket.checked_sub(1),
        None => before,
    };
    Head { words, last: last.and_then(|at| tokens.word(at)).unwrap_or_default(), bracket }
}

/// Where the parameters of a block end, if it names any: behind the arrow.
fn parameters_end(tokens: &Tokens<'_, '_>, at: usize) -> Option<usize> {
    for next in at + 1..at + 10 {
        let plain = tokens.word(next).is_some() || b":,.<>?".iter().any(|&sign| tokens.is(next, sign));
        if tokens.is(next, b'-') && tokens.is(next + 1, b'>') {
            return Some(next + 2);
        }
        if !plain {
            return None;
        }
    }
    None
}

/// Whether a block is of tests: of a source set, a suite or a task for them.
fn is_of_tests(tokens: &Tokens<'_, '_>, head: &Head<'_>, statement: usize, at: usize) -> bool {
    let first = head.words.first().copied().unwrap_or_default();
    let others = [
        "if",
        "else",
        "for",
        "while",
        "when",
        "switch",
        "configure",
        "allprojects",
        "subprojects",
        "project",
        "class",
        "fun",
        "def",
    ];
    // What a loop goes through has a name of its own, whatever it is called.
    if others.contains(&first) || matches!(head.last, "each" | "forEach") {
        return false;
    }
    let finds = [
        "named",
        "register",
        "create",
        "getByName",
        "maybeCreate",
        "withType",
        "matching",
        "creating",
        "registering",
        "getting",
    ];
    if head.words.iter().any(|word| is_for_tests(word) || *word == "testing")
        || literal_at(tokens, statement).is_some_and(is_for_tests)
    {
        return true;
    }
    let Some(bracket) = head.bracket else { return false };
    let named = |at: usize| tokens.word(at).or_else(|| literal_at(tokens, at)).is_some_and(is_for_tests);
    head.words.iter().any(|word| finds.contains(word)) && (bracket + 1..at.min(bracket + 4)).any(named)
}
