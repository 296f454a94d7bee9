//! From the tokens of a script to what it says. One pass, which knows of each block what it is for.

use std::collections::BTreeMap;

use super::facts::{Component, Include, Mention, Module, Place, Plugin, Reference, Said, Script, Target, Usage};
use super::facts::is_for_tests;
use super::frame::Frame;
use super::tokens::{Kind, Token, tokens_of};
use super::value::{Anchor, Base, Part, Value};
use crate::discover::syntax::{Lines, Stated, Unreadable};

/// How deep expressions in texts are read.
const DEEPEST_TEXT: usize = 3;

/// How many facts loops may make of one script.
const MOST_REPEATED: usize = 20_000;

/// How far a look ahead or back within a statement goes, in tokens.
const FARTHEST: usize = 64;

/// Calls that take all files of a folder.
const TREES: [&str; 6] = ["fileTree", "from", "srcDir", "srcDirs", "setSrcDirs", "include"];

/// Words for places that a task writes to.
const WRITES: [&str; 6] = ["output", "dest", "into", "report", "delete", "workingdir"];

/// Calls that compare a text and do not follow it.
const COMPARES: [&str; 8] =
    ["startsWith", "endsWith", "contains", "equals", "matches", "println", "exclude", "mustRunAfter"];

/// Reads a script.
pub(super) fn read(text: &str, kotlin: bool, lines: &Lines<'_>) -> Result<Script, Unreadable> {
    let tokens = tokens_of(text, kotlin, lines, 0)?;
    let mut reader = Reader {
        script: Script::default(),
        lists: BTreeMap::new(),
        lines,
        kotlin,
        depth: 0,
        repeated: 0,
        read_to: 0,
    };
    let mut frames = vec![Frame::OUTERMOST.clone()];
    reader.read_tokens(&Tokens(&tokens), &mut frames);
    Ok(reader.script)
}

/// The tokens of a script or of an expression in a text.
pub(super) struct Tokens<'a, 't>(pub &'t [Token<'a>]);

pub(super) struct Reader<'l> {
    pub script: Script,
    /// Lists of texts by the variable that holds them.
    pub lists: BTreeMap<String, Vec<Value>>,
    lines: &'l Lines<'l>,
    kotlin: bool,
    depth: usize,
    repeated: usize,
    /// Up to here statements were read as a whole.
    read_to: usize,
}

impl<'a> Tokens<'a, '_> {
    pub fn word(&self, at: usize) -> Option<&'a str> {
        match self.0.get(at)?.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    pub fn text(&self, at: usize) -> Option<&[Part]> {
        match &self.0.get(at)?.kind {
            Kind::Text(parts, _) => Some(parts),
            _ => None,
        }
    }

    pub fn is(&self, at: usize, sign: u8) -> bool {
        matches!(self.0.get(at), Some(Token { kind: Kind::Sign(found), .. }) if *found == sign)
    }

    pub fn before(&self, at: usize, sign: u8) -> bool {
        at > 0 && self.is(at - 1, sign)
    }

    fn is_opening(&self, at: usize) -> bool {
        self.is(at, b'(') || self.is(at, b'[') || self.is(at, b'{')
    }

    /// The token behind this one, or behind the bracket that begins here.
    pub fn behind(&self, at: usize) -> usize {
        if self.is_opening(at) { self.0[at].partner + 1 } else { at + 1 }
    }

    /// Whether a statement ends before this token, which stands in the statement's own block.
    fn begins_statement(&self, at: usize) -> bool {
        let Some(token) = self.0.get(at) else { return true };
        if at == 0 || self.is(at, b';') || self.is(at, b'}') || self.is(at, b')') || self.is(at, b']') {
            return true;
        }
        let joins = |at: usize, signs: &[u8]| signs.iter().any(|&sign| self.is(at, sign));
        token.begins_line && !joins(at - 1, b",.+=:?&|<(\\") && !joins(at, b".?:&|+")
    }

    /// Where the statement ends that this token belongs to; a look that goes no farther than `most` tokens.
    pub fn statement_end(&self, from: usize, most: usize) -> usize {
        let mut at = from;
        for _ in 0..most {
            if at > from && self.begins_statement(at) {
                break;
            }
            if at >= self.0.len() {
                break;
            }
            at = self.behind(at);
        }
        at.min(self.0.len())
    }

    /// The words of `a.b.c`, of which the last stands at `end`, and the project whose folder they begin from.
    fn chain_back(&self, end: usize) -> Option<(Vec<&'a str>, Option<Base>)> {
        let mut words = Vec::new();
        let mut at = end;
        for _ in 0..16 {
            if let Some(word) = self.word(at) {
                words.push(word);
            } else if self.is(at, b')') {
                let open = self.0[at].partner;
                let word = open.checked_sub(1).and_then(|name| self.word(name))?;
                if open + 1 == at {
                    words.push(property_of(word)?);
                } else if word == "project" && at == open + 2 {
                    words.reverse();
                    return Some((words, Some(Base::Of(Value(self.text(open + 1)?.to_vec())))));
                } else {
                    return None;
                }
                at = open - 1;
            } else {
                return None;
            }
            at = match at.checked_sub(1) {
                Some(dot) if self.is(dot, b'.') => dot.checked_sub(1)?,
                _ => {
                    words.reverse();
                    return Some((words, None));
                }
            };
            if self.is(at, b'?') || self.is(at, b'!') {
                at = at.checked_sub(1)?;
            }
        }
        None
    }

    /// The folder that `a.b.c` stands for, of which the last word stands at `end`.
    fn anchor_back(&self, end: usize) -> Option<Anchor> {
        let (words, base) = self.chain_back(end)?;
        Anchor::beginning_at(base, words)
    }
}

/// `getRootDir()` is `rootDir`.
fn property_of(call: &str) -> Option<&str> {
    match call {
        "getRootDir" => Some("rootDir"),
        "getRootProject" => Some("rootProject"),
        "getProjectDir" => Some("projectDir"),
        "getSettingsDir" => Some("settingsDir"),
        "getParentFile" | "getParent" => Some("parentFile"),
        "getProject" => Some("project"),
        "getLayout" => Some("layout"),
        "getProjectDirectory" => Some("projectDirectory"),
        "get" | "toPath" | "toString" | "toFile" | "normalize" | "getAbsolutePath" | "getPath" | "getAsFile" => Some("path"),
        _ => None,
    }
}

/// What stands around a token.
struct Around<'f> {
    frames: &'f [Frame],
    /// The innermost open bracket.
    bracket: Option<usize>,
}

impl Around<'_> {
    fn frame(&self) -> &Frame {
        // The outermost frame is never taken away.
        self.frames.last().unwrap_or(&Frame::OUTERMOST)
    }
}

impl Reader<'_> {
    fn read_tokens(&mut self, tokens: &Tokens<'_, '_>, frames: &mut Vec<Frame>) {
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
    fn read_expression(&mut self, offset: usize, expression: &str, frames: &mut Vec<Frame>) {
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

    fn stated<T>(&self, tokens: &Tokens<'_, '_>, at: usize, value: T) -> Stated<T> {
        let offset = tokens.0.get(at).map_or(0, |token| token.offset);
        self.lines.stated(self.lines.line_of(offset), value)
    }

    fn said<T>(&self, tokens: &Tokens<'_, '_>, at: usize, around: &Around<'_>, what: T) -> Said<T> {
        Said { scope: around.frame().scope.clone(), what: self.stated(tokens, at, what) }
    }

    /// The same values for each turn of the loops around; what a loop cannot tell stays a name.
    fn repeated<const N: usize>(&mut self, values: [Value; N], around: &Around<'_>) -> Vec<[Value; N]> {
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

    fn on_word(&mut self, tokens: &Tokens<'_, '_>, at: usize, word: &str, around: &Around<'_>) {
        let frame = around.frame();
        let behind_dot = tokens.before(at, b'.');
        let receiver = if behind_dot { at.checked_sub(2).and_then(|at| tokens.word(at)) } else { None };
        let begins = at == frame.statement;
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
    fn on_project(&mut self, tokens: &Tokens<'_, '_>, at: usize, around: &Around<'_>) {
        let close = tokens.0[at + 1].partner;
        let configures = tokens.is(close + 1, b'{') && !around.frame().in_dependencies();
        let compared = tokens.before(at, b'-')
            || (tokens.before(at, b'=') && at > 1 && (tokens.is(at - 2, b'=') || tokens.is(at - 2, b'!')))
            || at.checked_sub(1).and_then(|at| tokens.word(at)).is_some_and(|word| word == "in" || word == "minus");
        if close == at + 2 || configures || compared {
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
            let named = tokens.word(at) == Some("path") || matches!(tokens.text(at), Some([Part::Literal(key)]) if key == "path");
            if named && (tokens.is(at + 1, b':') || tokens.is(at + 1, b'=') || tokens.word(at + 1) == Some("to")) {
                return self.value_of(tokens, at + 2, self.argument_end(tokens, at + 2, close));
            }
        }
        self.value_of(tokens, bracket + 1, self.argument_end(tokens, bracket + 1, close))
    }

    fn on_include(&mut self, tokens: &Tokens<'_, '_>, at: usize, word: &str, around: &Around<'_>) {
        let (from, end) = if tokens.is(at + 1, b'(') {
            (at + 2, tokens.0[at + 1].partner)
        } else if tokens.is(at + 1, b'=') || tokens.is(at + 1, b'.') || tokens.is(at + 1, b')') || tokens.is(at + 1, b'}')
        {
            return;
        } else {
            let end = self.list_end(tokens, at + 1);
            (at + 1, end)
        };
        self.read_to = end;
        for (start, stop) in self.arguments(tokens, from, end) {
            let values = match self.values_of(tokens, start, stop) {
                Some(values) => values,
                None => vec![self.value_of(tokens, start, stop)],
            };
            let anchor = (start..stop.min(start + FARTHEST)).find(|&at| tokens.text(at).is_some());
            for value in values {
                // What is included in a tree of files is a pattern.
                if value.0.iter().any(|part| matches!(part, Part::Literal(text) if text.contains('*'))) {
                    continue;
                }
                for [value] in self.repeated([value], around) {
                    let include = match word {
                        "includeFlat" => Include::Flat(value),
                        "includeBuild" => match anchor {
                            Some(text) if value.0.contains(&Part::Computed) => {
                                let place = self.place_at(tokens, text, around, true);
                                Include::Build(place.0, place.1)
                            }
                            _ => Include::Build(Anchor::project(), value),
                        },
                        _ => Include::Project(value),
                    };
                    let stated = self.stated(tokens, start, include);
                    self.script.includes.push(stated);
                }
                if word == "includeBuild" {
                    break;
                }
            }
            if word == "includeBuild" {
                break;
            }
        }
    }

    fn on_plugin(&mut self, tokens: &Tokens<'_, '_>, at: usize, word: &str, around: &Around<'_>) {
        let end = tokens.statement_end(at, FARTHEST);
        let idle = (at..end).any(|at| tokens.word(at) == Some("apply") && (at + 1..at + 3).any(|at| tokens.word(at) == Some("false")));
        if idle {
            return;
        }
        let bracket = usize::from(tokens.is(at + 1, b'('));
        let plugin = match (word, tokens.text(at + 1 + bracket)) {
            ("kotlin", Some([Part::Literal(name)])) => {
                self.script.multiplatform |= name == "multiplatform";
                return;
            }
            ("id", Some(parts)) => {
                let value = Value(parts.to_vec());
                self.script.multiplatform |= value.as_literal() == Some("org.jetbrains.kotlin.multiplatform");
                Plugin::Id(value)
            }
            _ => Plugin::Unnamed,
        };
        self.script.multiplatform |= (at..end).any(|at| tokens.word(at).is_some_and(|word| word.eq_ignore_ascii_case("multiplatform")));
        let said = self.said(tokens, at, around, plugin);
        self.script.plugins.push(said);
    }

    /// `apply plugin: …`, `apply from: …` and what calls `apply` on something.
    fn on_apply(&mut self, tokens: &Tokens<'_, '_>, at: usize, around: &Around<'_>) {
        let bracket = usize::from(tokens.is(at + 1, b'('));
        let first = at + 1 + bracket;
        let end = if bracket == 1 { tokens.0[at + 1].partner } else { tokens.statement_end(at, FARTHEST) };
        let mut found = false;
        for part in first..end.min(first + FARTHEST) {
            if let Some(word @ ("from" | "plugin")) = tokens.word(part)
                && (tokens.is(part + 1, b':') || tokens.is(part + 1, b'='))
            {
                found = true;
                self.on_apply_part(tokens, part, word, around);
            }
        }
        if !found && (bracket == 1 || tokens.is(first, b'<')) && !tokens.is(end, b'{') {
            let plugin = match tokens.text(first) {
                Some(parts) => Plugin::Id(Value(parts.to_vec())),
                None if tokens.before(at, b'.') && tokens.is(first, b')') => return,
                None => Plugin::Unnamed,
            };
            let said = self.said(tokens, at, around, plugin);
            self.script.plugins.push(said);
        }
    }

    fn on_apply_part(&mut self, tokens: &Tokens<'_, '_>, at: usize, word: &str, around: &Around<'_>) {
        let bracket = around.bracket.map_or(tokens.0.len(), |bracket| tokens.0[bracket].partner);
        let end = tokens.statement_end(at, FARTHEST).min(bracket);
        let first = (at + 1..end).find(|&at| tokens.text(at).is_some());
        if word == "plugin" {
            let direct = first.filter(|&text| text <= at + 2);
            for [value] in self.repeated([direct.map_or(Value::computed(), |text| self.value_of(tokens, text, text + 1))], around) {
                let plugin = if value == Value::computed() { Plugin::Unnamed } else { Plugin::Id(value) };
                let said = self.said(tokens, at, around, plugin);
                self.script.plugins.push(said);
            }
            return;
        }
        let (anchor, path) = match first {
            Some(text) => {
                let inner = Around { frames: around.frames, bracket: enclosing_call(tokens, at, text).or(around.bracket) };
                self.place_at(tokens, text, &inner, true)
            }
            None => (Anchor::project(), self.value_of(tokens, at + 2, end)),
        };
        for [path] in self.repeated([path], around) {
            let mention = Mention { anchor: anchor.clone(), path, tree: false, test: false };
            let said = self.said(tokens, at, around, mention);
            self.script.applied.push(said);
        }
    }

    /// `group: 'g', name: 'n'`.
    fn on_coordinates(&mut self, tokens: &Tokens<'_, '_>, at: usize, around: &Around<'_>) {
        let given = |at: usize| (tokens.is(at + 1, b':') || tokens.is(at + 1, b'=')) && tokens.text(at + 2).is_some();
        let name = (at + 3..at + 9).find(|&next| tokens.word(next) == Some("name") && given(next));
        if let (true, Some(name)) = (given(at), name) {
            let (group, name) = (self.value_of(tokens, at + 2, at + 3), self.value_of(tokens, name + 2, name + 3));
            let module = Module { group, name, usage: self.usage(tokens, around) };
            let said = self.said(tokens, at, around, module);
            self.script.modules.push(said);
        }
    }

    fn on_assignment(&mut self, tokens: &Tokens<'_, '_>, at: usize, around: &Around<'_>) {
        let frame = around.frame();
        let in_call = around.bracket.is_some_and(|bracket| !tokens.is(bracket, b'{'));
        let compares = tokens.is(at + 1, b'=') || (at > 0 && b"=!<>+-*/?".iter().any(|&sign| tokens.is(at - 1, sign)));
        if in_call || compares || at == 0 {
            return;
        }
        let end = tokens.statement_end(at + 1, FARTHEST);
        let keyed = (tokens.is(at - 1, b']') && at >= 4).then(|| tokens.text(at - 2)).flatten();
        if let (Some([Part::Literal(key)]), Some("ext" | "extra")) = (keyed, at.checked_sub(4).and_then(|at| tokens.word(at)))
        {
            let key = key.clone();
            return self.assign(tokens, &key, at + 1, end);
        }
        let Some((words, base)) = tokens.chain_back(at - 1) else { return };
        match (words.as_slice(), base) {
            (["projectDir"], Some(Base::Of(project))) => self.on_folder(tokens, at, end, project, around),
            ([_, "projectDir"], None) => self.on_folder(tokens, at, end, Value::computed(), around),
            (["name"], Some(Base::Of(project))) => {
                let name = self.value_of(tokens, at + 1, end);
                for [project, name] in self.repeated([project, name], around) {
                    self.script.renames.push((project, name));
                }
            }
            (["rootProject", "name"], _) => {
                let value = self.value_of(tokens, at + 1, end);
                self.script.root_name = Some(self.stated(tokens, at, value));
            }
            (["group"] | ["project" | "this", "group"], None) if frame.is_configuring => {
                let value = self.value_of(tokens, at + 1, end);
                let said = self.said(tokens, at, around, value);
                self.script.groups.push(said);
            }
            (["id"], None) if frame.provides_plugins => {
                let value = self.value_of(tokens, at + 1, end);
                self.script.provides.push(value);
            }
            ([.., "ext" | "extra", name], None) => self.assign(tokens, name, at + 1, end),
            ([name], None) => {
                // `String name =`, `val name: String =`, or a property of `ext`.
                let start = frame.statement;
                let typed = tokens.is(at.wrapping_sub(2), b':') && at >= 4;
                let (name, name_at) = match typed.then(|| tokens.word(at - 3)).flatten() {
                    Some(name) => (name, at - 3),
                    None => (*name, at - 1),
                };
                if name_at > start || frame.is_ext {
                    self.assign(tokens, name, at + 1, end);
                }
            }
            _ => {}
        }
    }

    fn on_folder(&mut self, tokens: &Tokens<'_, '_>, at: usize, end: usize, project: Value, around: &Around<'_>) {
        let text = (at + 1..end).find(|&at| tokens.text(at).is_some());
        let (anchor, folder) = match text {
            Some(text) => {
                let inner = Around { frames: around.frames, bracket: enclosing_call(tokens, at, text).or(around.bracket) };
                self.place_at(tokens, text, &inner, true)
            }
            None => (Anchor::project(), Value::computed()),
        };
        for [project, folder] in self.repeated([project, folder], around) {
            let place = Place { project, anchor: anchor.clone(), folder };
            let stated = self.stated(tokens, at, place);
            self.script.folders.push(stated);
        }
    }

    fn assign(&mut self, tokens: &Tokens<'_, '_>, name: &str, from: usize, end: usize) {
        if let Some(values) = self.values_of(tokens, from, end) {
            self.lists.insert(name.to_owned(), values);
            return;
        }
        let value = self.value_of(tokens, from, end);
        if value.0.contains(&Part::Computed) && !value.0.iter().any(|part| matches!(part, Part::Literal(_))) {
            return;
        }
        let has_room = self.script.variables.len() < MOST_VARIABLES;
        match self.script.variables.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) if known.as_ref() != Some(&value) => *known = None,
            Some(_) => {}
            None if has_room => {
                self.script.variables.push((name.to_owned(), Some(value)));
            }
            None => {}
        }
    }

    fn on_text(&mut self, tokens: &Tokens<'_, '_>, at: usize, parts: &[Part], around: &Around<'_>) {
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
            if frame.in_dependencies() && let Some((group, name)) = coordinates(text) {
                let (group, name) = (Value::literal(group), Value::literal(name));
                let said = self.said(tokens, at, around, Module { group, name, usage });
                self.script.modules.push(said);
            }
            let sources = text.strip_prefix("src/").and_then(|rest| rest.split('/').next());
            let whole = matches!(text.as_str(), "src" | "src/" | "." | "./");
            let moved = whole && call.is_some_and(|call| call.starts_with("srcDir") || call == "setSrcDirs");
            let of_tests = sources.is_some_and(|name| is_for_tests(name) || name == "testFixtures");
            self.script.odd_sources |= !test && usage != Usage::Fixtures && (moved || of_tests) && !call.is_some_and(|call| call.starts_with("exclude"));
        }
        let written = call.is_some_and(|call| {
            let lower = call.to_ascii_lowercase();
            WRITES.iter().any(|word| lower.contains(word))
        });
        if written || parts.iter().all(|part| *part == Part::Computed) {
            return;
        }
        let (anchor, path) = self.place_at(tokens, at, around, false);
        let climbs = |part: &Part| matches!(part, Part::Literal(text) if text == ".." || text.starts_with("../") || text.contains("/../"));
        let named = matches!(path.0.as_slice(), [Part::Name(_), Part::Literal(rest), ..] if rest.starts_with('/'));
        let spaced = path.0.iter().any(|part| matches!(part, Part::Literal(text) if text.contains(char::is_whitespace) || text.contains("://")));
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
    fn may_refer(&self, tokens: &Tokens<'_, '_>, at: usize, call: Option<&str>, around: &Around<'_>) -> bool {
        let list = around.bracket.is_some_and(|bracket| tokens.is(bracket, b'['));
        let compared = tokens.before(at, b'=') && at > 1 && (tokens.is(at - 2, b'=') || tokens.is(at - 2, b'!'));
        let builds = call.is_some_and(|call| matches!(call, "dependsOn" | "finalizedBy" | "builtBy"));
        // What `project(…)` names is read with the call; what is joined to a text is a piece of another.
        let known = call.is_some_and(|call| matches!(call, "project" | "findProject" | "include") || COMPARES.contains(&call));
        (!list || builds) && !compared && !known && call.is_some() && !tokens.is(at + 1, b'+') && !tokens.before(at, b'+')
    }

    /// What is depended on for: by the configuration, or by the blocks around.
    fn usage(&self, tokens: &Tokens<'_, '_>, around: &Around<'_>) -> Usage {
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
    fn place_at(&self, tokens: &Tokens<'_, '_>, at: usize, around: &Around<'_>, whole: bool) -> (Anchor, Value) {
        let value = if whole { self.value_of(tokens, at, self.operand_end(tokens, at)) } else { self.value_of(tokens, at, at + 1) };
        (anchor_of(tokens, at, around).unwrap_or_else(Anchor::project), value)
    }
}

/// How many variables of a script are known.
const MOST_VARIABLES: usize = 2_000;

/// The configuration that a statement of a block of dependencies adds to.
pub(super) fn configuration_of<'t>(tokens: &'t Tokens<'_, '_>, statement: usize) -> Option<&'t str> {
    match tokens.word(statement) {
        Some("add") if tokens.is(statement + 1, b'(') => literal_at(tokens, statement + 2),
        Some(word) => Some(word),
        None => literal_at(tokens, statement),
    }
}

pub(super) fn literal_at<'t>(tokens: &'t Tokens<'_, '_>, at: usize) -> Option<&'t str> {
    match tokens.text(at)? {
        [Part::Literal(text)] => Some(text),
        _ => None,
    }
}

/// The folder that a text is relative to.
fn anchor_of(tokens: &Tokens<'_, '_>, at: usize, around: &Around<'_>) -> Option<Anchor> {
    if tokens.before(at, b'+') {
        return at.checked_sub(2).and_then(|end| tokens.anchor_back(end));
    }
    // `new File(rootDir, "x")`
    if tokens.before(at, b',')
        && let Some(anchor) = at.checked_sub(2).and_then(|end| tokens.anchor_back(end))
    {
        return Some(anchor);
    }
    // `rootProject.file("x")`, and in Groovy also without the bracket.
    let call = match around.bracket {
        Some(bracket) if tokens.is(bracket, b'(') => bracket.checked_sub(1)?,
        _ => at.checked_sub(1)?,
    };
    tokens.word(call)?;
    let receiver = call.checked_sub(2).filter(|_| tokens.before(call, b'.'))?;
    tokens.anchor_back(receiver)
}

/// The innermost bracket before a text, looking back no farther than `from`.
fn enclosing_call(tokens: &Tokens<'_, '_>, from: usize, text: usize) -> Option<usize> {
    (from..text).rev().find(|&at| tokens.is(at, b'(') && tokens.0[at].partner > text)
}

/// The call or the property that a text is given to.
fn call_of<'a>(tokens: &Tokens<'a, '_>, at: usize, around: &Around<'_>) -> Option<&'a str> {
    let before = at.checked_sub(1)?;
    if let Some(word) = tokens.word(before) {
        return Some(word);
    }
    let mut bracket = around.bracket;
    if let Some(list) = bracket.filter(|&bracket| tokens.is(bracket, b'[')) {
        let before = list.checked_sub(1)?;
        return match tokens.is(before, b'=') {
            true => tokens.word(before.checked_sub(if tokens.is(before - 1, b'+') { 2 } else { 1 })?),
            false => tokens.word(before),
        };
    }
    if tokens.is(before, b'=') || tokens.is(before, b':') {
        let sign = usize::from(before > 0 && (tokens.is(before - 1, b'+') || tokens.is(before - 1, b'!')));
        return tokens.word(before.checked_sub(1 + sign)?);
    }
    bracket = bracket.filter(|&bracket| tokens.is(bracket, b'('));
    match bracket {
        Some(bracket) => bracket.checked_sub(1).and_then(|call| tokens.word(call)),
        None => tokens.word(around.frame().statement),
    }
}

/// `testFixtures(project(…))`.
fn wrapped_part(tokens: &Tokens<'_, '_>, at: usize) -> Component {
    let wrapper = at.checked_sub(2).filter(|_| tokens.before(at, b'(')).and_then(|at| tokens.word(at));
    if wrapper == Some("testFixtures") { Component::Fixtures } else { Component::Main }
}

/// `.sourceSets.test.output` and the like behind `project(…)`.
fn part_behind(tokens: &Tokens<'_, '_>, close: usize) -> Component {
    let mut at = close + 1;
    for _ in 0..12 {
        let name = match tokens.word(at) {
            Some(word) => word,
            None => match literal_at(tokens, at) {
                Some(text) => text,
                None if b".([?!".iter().any(|&sign| tokens.is(at, sign)) => "",
                None => break,
            },
        };
        if at == close + 1 && !name.is_empty() {
            break;
        }
        if name.starts_with("testFixtures") {
            return Component::Fixtures;
        }
        if is_for_tests(name) {
            return Component::Tests;
        }
        at += 1;
    }
    Component::Main
}

/// `configuration: 'testArtifacts'`.
fn part_named(tokens: &Tokens<'_, '_>, from: usize, close: usize) -> Component {
    for at in from..close.min(from + FARTHEST) {
        let key = tokens.word(at).or_else(|| literal_at(tokens, at));
        if key == Some("configuration")
            && let Some(name) = literal_at(tokens, at + 2)
        {
            return match name {
                _ if name.starts_with("testFixtures") => Component::Fixtures,
                _ if is_for_tests(name) || name == "tests" => Component::Tests,
                _ => Component::Main,
            };
        }
    }
    Component::Main
}

/// What the task is of, of a path that may be that of a task.
fn part_of_task(path: &str) -> Component {
    match path.rsplit(':').next() {
        Some(task) if is_for_tests(task) => Component::Tests,
        _ => Component::Main,
    }
}

fn is_project_path(text: &str) -> bool {
    text.len() > 1
        && text.strip_prefix(':').is_some_and(|rest| {
            rest.split(':').all(|name| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "-_./".contains(c)))
        })
}

/// The group and the name of `group:name:version`.
fn coordinates(text: &str) -> Option<(&str, &str)> {
    let (group, rest) = text.split_once(':')?;
    let name = rest.split([':', '@']).next()?;
    let plain = |text: &str| !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c == '/');
    (plain(group) && plain(name)).then_some((group, name))
}
