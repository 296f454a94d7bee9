//! From the tokens of a script to what it says. One pass, which knows of each block what it is for.

use std::collections::BTreeMap;

use super::aliases::Names;
use super::cursor::{
    Around, FARTHEST, Tokens, anchor_of, call_of, configuration_of, coordinates, is_project_path, part_behind,
    part_named, part_of_task, wrapped_part,
};
use super::facts::{Component, Mention, Module, Plugin, Reference, Said, Script, Target, Usage, is_for_tests};
use super::frame::Frame;
use super::tokens::{Kind, tokens_of};
use super::value::{Anchor, Base, Part, Value};
use crate::discover::syntax::{Lines, Stated, Unreadable};

/// How deep expressions in texts are read.
const DEEPEST_TEXT: usize = 3;

/// How many facts loops may make of one script.
const MOST_REPEATED: usize = 20_000;

/// Calls that take all files of a folder.
const TREES: [&str; 6] = ["fileTree", "from", "srcDir", "srcDirs", "setSrcDirs", "include"];

/// Words for places that a task writes to.
const WRITES: [&str; 5] = ["output", "dest", "into", "delete", "workingdir"];

/// Calls that compare a text and do not follow it.
const COMPARES: [&str; 8] =
    ["startsWith", "endsWith", "contains", "equals", "matches", "println", "exclude", "mustRunAfter"];

/// Reads a script.
pub(super) fn read(text: &str, kotlin: bool, lines: &Lines<'_>) -> Result<Script, Unreadable> {
    let tokens = tokens_of(text, kotlin, lines, 0)?;
    let mut reader =
        Reader { script: Script::default(), lists: BTreeMap::new(), lines, kotlin, depth: 0, repeated: 0, read_to: 0 };
    let mut frames = vec![Frame::OUTERMOST.clone()];
    reader.read_tokens(&Tokens(&tokens), &mut frames);
    reader.script.names = Names::of(text, kotlin, lines, &Tokens(&tokens));
    Ok(reader.script)
}

pub(super) struct Reader<'l> {
    pub script: Script,
    /// Lists of texts by the variable that holds them.
    pub lists: BTreeMap<String, Vec<Value>>,
    lines: &'l Lines<'l>,
    kotlin: bool,
    depth: usize,
    repeated: usize,
    /// Up to here statements were read as a whole.
    pub(super) read_to: usize,
}

impl Reader<'_> {
    pub(super) fn read_tokens(&mut self, tokens: &Tokens<'_, '_>, frames: &mut Vec<Frame>) {
        let outer = frames.len();
        // What is open: of a block its frame is on the stack as well.
        let mut open: Vec<usize> = Vec::new();
        for at in 0..tokens.0.len() {
            let in_block = open.last().is_none_or(|&bracket| tokens.is(bracket, b'{'));
            if in_block
                && tokens.begins_statement(at)
                && let Some(frame) = frames.last_mut()
            {
                frame.statement = if tokens.is(at, b';') { at + 1 } else { at };
            }
            let around = Around { frames, bracket: open.last().copied() };
            match &tokens.0[at].kind {
                Kind::Sign(b'{') => {
                    let frame = self.frame_of(tokens, at, around.frames);
                    frames.push(frame);
                    open.push(at);
                }
                Kind::Sign(b'(' | b'[') => open.push(at),
                Kind::Sign(b')' | b']' | b'}') => {
                    if open.pop().is_some_and(|bracket| tokens.is(bracket, b'{')) && frames.len() > outer {
                        frames.pop();
                    }
                }
                Kind::Sign(b'=') => self.on_assignment(tokens, at, &around),
                Kind::Sign(_) => {}
                Kind::Word(word) => self.on_word(tokens, at, word, &around),
                Kind::Text(parts, expressions) => {
                    self.on_text(tokens, at, parts, &around);
                    for (offset, expression) in expressions {
                        self.read_expression(*offset, expression, frames);
                    }
                }
            }
        }
    }

    /// What an expression inside a text refers to.
    pub(super) fn read_expression(&mut self, offset: usize, expression: &str, frames: &mut Vec<Frame>) {
        if self.depth == DEEPEST_TEXT {
            return;
        }
        if let Ok(tokens) = tokens_of(expression, self.kotlin, self.lines, offset) {
            self.depth += 1;
            let read_to = std::mem::take(&mut self.read_to);
            let inside = frames.last().unwrap_or(&Frame::OUTERMOST).of_expression();
            frames.push(inside);
            self.read_tokens(&Tokens(&tokens), frames);
            frames.pop();
            self.read_to = read_to;
            self.depth -= 1;
        }
    }

    pub(super) fn stated<T>(&self, tokens: &Tokens<'_, '_>, at: usize, value: T) -> Stated<T> {
        let offset = tokens.0.get(at).map_or(0, |token| token.offset);
        self.lines.stated(self.lines.line_of(offset), value)
    }

    pub(super) fn said<T>(&self, tokens: &Tokens<'_, '_>, at: usize, around: &Around<'_>, what: T) -> Said<T> {
        Said { scope: around.frame().scope.clone(), what: self.stated(tokens, at, what) }
    }

    /// The same values for each turn of the loops around; what a loop cannot tell stays a name.
    pub(super) fn repeated<const N: usize>(&mut self, values: [Value; N], around: &Around<'_>) -> Vec<[Value; N]> {
        let mut all = vec![values];
        for turns in around.frames.iter().rev().filter_map(|frame| frame.repeats.as_ref()) {
            if !all.iter().flatten().any(|value| value.names(&turns.name)) {
                continue;
            }
            self.repeated += all.len() * turns.items.len();
            if self.repeated > MOST_REPEATED {
                return vec![std::array::from_fn(|_| Value::computed())];
            }
            let with = |values: &[Value; N], item: &Value| values.each_ref().map(|value| value.with(&turns.name, item));
            all = all.iter().flat_map(|values| turns.items.iter().map(move |item| with(values, item))).collect();
        }
        all
    }

    pub(super) fn on_word(&mut self, tokens: &Tokens<'_, '_>, at: usize, word: &str, around: &Around<'_>) {
        let frame = around.frame();
        let behind_dot = tokens.before(at, b'.');
        let receiver = if behind_dot { at.checked_sub(2).and_then(|at| tokens.word(at)) } else { None };
        let begins = at == frame.statement;
        if self.lists.contains_key(word) && is_changed(tokens, at) {
            self.lists.remove(word);
        }
        match word {
            "project" | "findProject" if tokens.is(at + 1, b'(') => {
                let known = ["rootProject", "dependencies", "project", "this", "isolated"];
                if !behind_dot || receiver.is_some_and(|receiver| known.contains(&receiver)) {
                    self.on_project(tokens, at, around);
                }
            }
            "projects" if tokens.is(at + 1, b'.') && (!behind_dot || receiver == Some("dependencies")) => {
                let mut words = Vec::new();
                let mut next = at + 1;
                while tokens.is(next, b'.')
                    && words.len() < FARTHEST
                    && let Some(word) = tokens.word(next + 1)
                    && !tokens.is(next + 2, b'(')
                {
                    words.push(word.to_owned());
                    next += 2;
                }
                if !words.is_empty() {
                    let (usage, part) = (self.usage(tokens, around), wrapped_part(tokens, at));
                    let reference = Reference { to: Target::Accessor(words), usage, part };
                    let said = self.said(tokens, at, around, reference);
                    self.script.references.push(said);
                }
            }
            "include" | "includeFlat" | "includeBuild"
                if at >= self.read_to && (!behind_dot || matches!(receiver, Some("settings" | "this"))) =>
            {
                self.on_include(tokens, at, word, around);
            }
            "substitute" if tokens.is(at + 1, b'(') => self.on_substitution(tokens, at, around),
            "id" | "alias" | "kotlin" if frame.is_plugins && begins => self.on_plugin(tokens, at, word, around),
            _ if frame.is_plugins && begins && tokens.0.get(at + 1).is_none_or(|next| next.begins_line) => {
                let said = self.said(tokens, at, around, Plugin::Id(Value::literal(word)));
                self.script.plugins.push(said);
            }
            "apply" if begins || behind_dot => self.on_apply(tokens, at, around),
            "from" | "plugin" if frame.is_apply && begins => self.on_apply_part(tokens, at, word, around),
            "buildFileName" => self.script.renames_build_files = true,
            "package" if begins && self.script.package.is_none() && around.frames.len() == 1 => {
                let mut name = String::new();
                let mut next = at + 1;
                while let Some(part) = tokens.word(next) {
                    name.push_str(part);
                    if !tokens.is(next + 1, b'.') || name.len() > 1024 {
                        break;
                    }
                    name.push('.');
                    next += 2;
                }
                self.script.package = Some(name);
            }
            "group" if begins && frame.is_configuring && tokens.text(at + 1).is_some() => {
                let value = self.value_of(tokens, at + 1, at + 2);
                let said = self.said(tokens, at, around, value);
                self.script.groups.push(said);
            }
            "group" if frame.in_dependencies() => self.on_coordinates(tokens, at, around),
            _ if begins && frame.is_dependencies && is_for_tests(word) && !word.starts_with("jmh") => {
                self.script.has_tests = true;
            }
            _ => {}
        }
    }

    /// `project(…)`, which refers to a project unless a block for that project follows.
    pub(super) fn on_project(&mut self, tokens: &Tokens<'_, '_>, at: usize, around: &Around<'_>) {
        let close = tokens.0[at + 1].partner;
        let configures = tokens.is(close + 1, b'{') && !around.frame().in_dependencies();
        let compared = tokens.before(at, b'-')
            || at < self.read_to
            || (tokens.before(at, b'=') && at > 1 && (tokens.is(at - 2, b'=') || tokens.is(at - 2, b'!')))
            || at.checked_sub(1).and_then(|at| tokens.word(at)).is_some_and(|word| word == "in" || word == "minus");
        if close == at + 2 || configures || compared {
            return;
        }
        // The path of another project is read where that one is named.
        if (at + 2..close.min(at + FARTHEST)).any(|at| tokens.word(at) == Some("project") && tokens.is(at + 1, b'(')) {
            return;
        }
        let value = self.project_path(tokens, at + 1);
        let mut part = wrapped_part(tokens, at);
        if part == Component::Main {
            part = part_behind(tokens, close);
        }
        if part == Component::Main {
            part = part_named(tokens, at + 2, close);
        }
        let usage = self.usage(tokens, around);
        for [value] in self.repeated([value], around) {
            let reference = Reference { to: Target::Path(value), usage, part };
            let said = self.said(tokens, at, around, reference);
            self.script.references.push(said);
        }
    }

    /// The path that a call of `project` names, whose bracket is given.
    pub(super) fn project_path(&self, tokens: &Tokens<'_, '_>, bracket: usize) -> Value {
        let close = tokens.0[bracket].partner;
        for at in bracket + 1..close.min(bracket + FARTHEST) {
            let named = tokens.word(at) == Some("path")
                || matches!(tokens.text(at), Some([Part::Literal(key)]) if key == "path");
            if named && (tokens.is(at + 1, b':') || tokens.is(at + 1, b'=') || tokens.word(at + 1) == Some("to")) {
                return self.value_of(tokens, at + 2, self.argument_end(tokens, at + 2, close));
            }
        }
        self.value_of(tokens, bracket + 1, self.argument_end(tokens, bracket + 1, close))
    }

    pub(super) fn on_text(&mut self, tokens: &Tokens<'_, '_>, at: usize, parts: &[Part], around: &Around<'_>) {
        let call = call_of(tokens, at, around);
        let (usage, frame) = (self.usage(tokens, around), around.frame());
        let test = usage == Usage::Test;
        if let Some(Part::Literal(text)) = parts.first() {
            if parts.len() == 1 && is_project_path(text) && self.may_refer(tokens, at, call, around) {
                let (text, part) = (text.clone(), part_of_task(text));
                let reference = Reference { to: Target::Perhaps(text), usage, part };
                let said = self.said(tokens, at, around, reference);
                self.script.references.push(said);
            }
            if frame.in_dependencies()
                && let Some((group, name)) = coordinates(text)
            {
                let (group, name) = (Value::literal(group), Value::literal(name));
                let said = self.said(tokens, at, around, Module { group, name, usage });
                self.script.modules.push(said);
            }
            let sources = text.strip_prefix("src/").and_then(|rest| rest.split('/').next());
            let whole = matches!(text.as_str(), "src" | "src/" | "." | "./");
            let moved = whole && call.is_some_and(|call| call.starts_with("srcDir") || call == "setSrcDirs");
            let of_tests = sources.is_some_and(|name| is_for_tests(name) || name == "testFixtures");
            self.script.odd_sources |= !test
                && usage != Usage::Fixtures
                && (moved || of_tests)
                && !call.is_some_and(|call| call.to_ascii_lowercase().contains("exclude"));
        }
        let said = (frame.statement..at.min(frame.statement + 8)).filter_map(|at| tokens.word(at));
        let written = said.chain(call).any(|word| {
            let lower = word.to_ascii_lowercase();
            WRITES.iter().any(|write| lower.starts_with(write))
        });
        if written || parts.iter().all(|part| *part == Part::Computed) {
            return;
        }
        let (anchor, path) = self.place_at(tokens, at, around, false);
        let climbs = |part: &Part| matches!(part, Part::Literal(text) if text == ".." || text.starts_with("../") || text.contains("/../"));
        let named = matches!(path.0.as_slice(), [Part::Name(_), Part::Literal(rest), ..] if rest.starts_with('/'));
        let spaced = path.0.iter().any(
            |part| matches!(part, Part::Literal(text) if text.contains(char::is_whitespace) || text.contains("://")),
        );
        let leads_out = anchor != Anchor::project() || named || path.0.iter().any(climbs);
        if leads_out && anchor.base != Base::Output && !spaced {
            let tree = call.is_some_and(|call| TREES.contains(&call));
            for [path] in self.repeated([path], around) {
                let mention = Mention { anchor: anchor.clone(), path, tree, test };
                let said = self.said(tokens, at, around, mention);
                self.script.mentions.push(said);
            }
        }
    }

    /// Whether a text that looks like a project's path is followed there, and not compared with something.
    pub(super) fn may_refer(
        &self,
        tokens: &Tokens<'_, '_>,
        at: usize,
        call: Option<&str>,
        around: &Around<'_>,
    ) -> bool {
        let list = around.bracket.is_some_and(|bracket| tokens.is(bracket, b'['));
        let compared = tokens.before(at, b'=') && at > 1 && (tokens.is(at - 2, b'=') || tokens.is(at - 2, b'!'));
        let builds = call.is_some_and(|call| matches!(call, "dependsOn" | "finalizedBy" | "builtBy"));
        // What `project(…)` names is read with the call; what is joined to a text is a piece of another.
        let known =
            call.is_some_and(|call| matches!(call, "project" | "findProject" | "include") || COMPARES.contains(&call));
        (!list || builds)
            && !compared
            && !known
            && call.is_some()
            && !tokens.is(at + 1, b'+')
            && !tokens.before(at, b'+')
    }

    /// What is depended on for: by the configuration, or by the blocks around.
    pub(super) fn usage(&self, tokens: &Tokens<'_, '_>, around: &Around<'_>) -> Usage {
        let frame = around.frame();
        let configuration = match frame.is_dependencies {
            true => configuration_of(tokens, frame.statement),
            false => frame.configuration.as_deref(),
        };
        match configuration {
            Some(name) if name.starts_with("testFixtures") => Usage::Fixtures,
            Some(name) if is_for_tests(name) => Usage::Test,
            _ if frame.is_test => Usage::Test,
            Some(_) => Usage::Build,
            None if frame.is_expression => Usage::Build,
            None => {
                let words = (frame.statement..frame.statement + 8).step_by(2);
                let chain = words.take_while(|&at| at == frame.statement || tokens.before(at, b'.'));
                let is_test = chain.filter_map(|at| tokens.word(at)).any(is_for_tests);
                if is_test { Usage::Test } else { Usage::Build }
            }
        }
    }

    /// The path that a text begins or is, and what it is relative to. `whole`: what is joined to it counts.
    pub(super) fn place_at(
        &self,
        tokens: &Tokens<'_, '_>,
        at: usize,
        around: &Around<'_>,
        whole: bool,
    ) -> (Anchor, Value) {
        let value = if whole {
            self.value_of(tokens, at, self.operand_end(tokens, at))
        } else {
            self.value_of(tokens, at, at + 1)
        };
        (anchor_of(tokens, at, around).unwrap_or_else(Anchor::project), value)
    }
}

/// Whether something is added to or taken from the list that a variable holds.
fn is_changed(tokens: &Tokens<'_, '_>, at: usize) -> bool {
    let sign = |sign: u8, next: u8| tokens.is(at + 1, sign) && tokens.is(at + 2, next);
    let call = tokens.word(at + 2).filter(|_| tokens.is(at + 1, b'.'));
    let changes = |word: &str| word.starts_with("add") || word.starts_with("remove") || word == "push";
    sign(b'<', b'<') || sign(b'+', b'=') || sign(b'-', b'=') || call.is_some_and(changes)
}
