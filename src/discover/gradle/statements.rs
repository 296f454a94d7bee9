//! Statements that are read as a whole: what is included, applied, substituted and assigned.

use super::cursor::{Around, FARTHEST, Tokens, coordinates, enclosing_call, literal_at, path_text};
use super::facts::{Include, Mention, Module, Place, Plugin, Substitution};
use super::reader::Reader;
use super::value::{Anchor, Base, Part, Value};

/// How many variables of a script are known.
const MOST_VARIABLES: usize = 2_000;

impl Reader<'_> {
    pub(super) fn on_include(&mut self, tokens: &Tokens<'_, '_>, at: usize, word: &str, around: &Around<'_>) {
        let (from, end) = if tokens.is(at + 1, b'(') {
            (at + 2, tokens.0[at + 1].partner)
        } else if tokens.is(at + 1, b'=')
            || tokens.is(at + 1, b'.')
            || tokens.is(at + 1, b')')
            || tokens.is(at + 1, b'}')
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

    /// `substitute(module("g:n")).using(project(":p"))`: nothing is used yet.
    pub(super) fn on_substitution(&mut self, tokens: &Tokens<'_, '_>, at: usize, around: &Around<'_>) {
        let end = tokens.statement_end(at, FARTHEST);
        let within = || at + 2..end.min(at + FARTHEST);
        let module = within().find_map(|at| coordinates(literal_at(tokens, at)?));
        let project = within().find(|&at| tokens.word(at) == Some("project") && tokens.is(at + 1, b'('));
        self.read_to = end;
        if let (Some((group, name)), Some(project)) = (module, project) {
            let project = self.project_path(tokens, project + 1);
            let substitution = Substitution { group: group.to_owned(), name: name.to_owned(), project };
            let said = self.said(tokens, at, around, substitution);
            self.script.substitutions.push(said);
        }
    }

    pub(super) fn on_plugin(&mut self, tokens: &Tokens<'_, '_>, at: usize, word: &str, around: &Around<'_>) {
        let end = tokens.statement_end(at, FARTHEST);
        let idle = (at..end)
            .any(|at| tokens.word(at) == Some("apply") && (at + 1..at + 3).any(|at| tokens.word(at) == Some("false")));
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
        self.script.multiplatform |=
            (at..end).any(|at| tokens.word(at).is_some_and(|word| word.eq_ignore_ascii_case("multiplatform")));
        let said = self.said(tokens, at, around, plugin);
        self.script.plugins.push(said);
    }

    /// `apply plugin: …`, `apply from: …` and what calls `apply` on something.
    pub(super) fn on_apply(&mut self, tokens: &Tokens<'_, '_>, at: usize, around: &Around<'_>) {
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

    pub(super) fn on_apply_part(&mut self, tokens: &Tokens<'_, '_>, at: usize, word: &str, around: &Around<'_>) {
        let bracket = around.bracket.map_or(tokens.0.len(), |bracket| tokens.0[bracket].partner);
        let end = tokens.statement_end(at, FARTHEST).min(bracket);
        let first = path_text(tokens, at + 1, end);
        if word == "plugin" {
            let direct = first.filter(|&text| text <= at + 2);
            for [value] in
                self.repeated([direct.map_or(Value::computed(), |text| self.value_of(tokens, text, text + 1))], around)
            {
                let plugin = if value == Value::computed() { Plugin::Unnamed } else { Plugin::Id(value) };
                let said = self.said(tokens, at, around, plugin);
                self.script.plugins.push(said);
            }
            return;
        }
        let (anchor, path) = match first {
            Some(text) => {
                let inner =
                    Around { frames: around.frames, bracket: enclosing_call(tokens, at, text).or(around.bracket) };
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
    pub(super) fn on_coordinates(&mut self, tokens: &Tokens<'_, '_>, at: usize, around: &Around<'_>) {
        let given = |at: usize| (tokens.is(at + 1, b':') || tokens.is(at + 1, b'=')) && tokens.text(at + 2).is_some();
        let name = (at + 3..at + 9).find(|&next| tokens.word(next) == Some("name") && given(next));
        if let (true, Some(name)) = (given(at), name) {
            let (group, name) = (self.value_of(tokens, at + 2, at + 3), self.value_of(tokens, name + 2, name + 3));
            let module = Module { group, name, usage: self.usage(tokens, around) };
            let said = self.said(tokens, at, around, module);
            self.script.modules.push(said);
        }
    }

    pub(super) fn on_assignment(&mut self, tokens: &Tokens<'_, '_>, at: usize, around: &Around<'_>) {
        let frame = around.frame();
        let in_call = around.bracket.is_some_and(|bracket| !tokens.is(bracket, b'{'));
        let compares = tokens.is(at + 1, b'=') || (at > 0 && b"=!<>+-*/?".iter().any(|&sign| tokens.is(at - 1, sign)));
        if at > 1
            && tokens.is(at - 1, b'+')
            && let Some(name) = tokens.word(at - 2)
        {
            self.forget(name);
        }
        if in_call || compares || at == 0 {
            return;
        }
        let end = tokens.statement_end(at + 1, FARTHEST);
        let keyed = (tokens.is(at - 1, b']') && at >= 4).then(|| tokens.text(at - 2)).flatten();
        if let (Some([Part::Literal(key)]), Some("ext" | "extra")) =
            (keyed, at.checked_sub(4).and_then(|at| tokens.word(at)))
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

    pub(super) fn on_folder(
        &mut self,
        tokens: &Tokens<'_, '_>,
        at: usize,
        end: usize,
        project: Value,
        around: &Around<'_>,
    ) {
        let text = path_text(tokens, at + 1, end);
        let (anchor, folder) = match text {
            Some(text) => {
                let inner =
                    Around { frames: around.frames, bracket: enclosing_call(tokens, at, text).or(around.bracket) };
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

    /// A variable that is added to is not known.
    fn forget(&mut self, name: &str) {
        if let Some((_, known)) = self.script.variables.iter_mut().find(|(known, _)| known == name) {
            *known = None;
        }
    }

    pub(super) fn assign(&mut self, tokens: &Tokens<'_, '_>, name: &str, from: usize, end: usize) {
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
}
