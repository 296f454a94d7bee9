//! What names in a script stand for, where it is run.

use super::facts::{Mention, Properties, Script};
use super::value::{Anchor, Base, Part, Value};
use crate::path::RepoPath;

/// How often a name may lead to another.
const LONGEST_WAY: usize = 8;

/// How many pieces a text may become.
const MOST_PARTS: usize = 256;

/// The longest text that names make, in bytes.
const LONGEST_TEXT: usize = 4096;

/// Where a script is run: what it sees by name, and the folders that it is relative to.
pub(super) struct Context<'a> {
    /// Scripts whose variables count, the nearest first.
    pub scripts: Vec<&'a Script>,
    /// Properties that count, the nearest first.
    pub properties: Vec<&'a Properties>,
    /// The folder of the project.
    pub folder: &'a RepoPath,
    /// The root folder of the build.
    pub root: &'a RepoPath,
    /// The name of the project; none for a settings file.
    pub name: Option<&'a str>,
    /// The name of the root project.
    pub root_name: &'a str,
}

impl Context<'_> {
    /// The pieces of a value, with every name filled in that is known. Names of folders stay.
    pub fn filled(&self, value: &Value) -> Vec<Part> {
        let mut filled: Vec<Part> = Vec::new();
        let mut pending: Vec<(Part, usize)> = value.0.iter().rev().map(|part| (part.clone(), 0)).collect();
        let mut length = 0;
        while let Some((part, way)) = pending.pop() {
            if filled.len() >= MOST_PARTS || length > LONGEST_TEXT {
                return vec![Part::Computed];
            }
            match part {
                Part::Name(name) if way < LONGEST_WAY && Anchor::of_words(name.split('.')).is_none() => {
                    match self.meaning_of(&name) {
                        Some(value) => pending.extend(value.0.into_iter().rev().map(|part| (part, way + 1))),
                        None => filled.push(Part::Computed),
                    }
                }
                Part::Literal(text) => {
                    length += text.len();
                    match filled.last_mut() {
                        Some(Part::Literal(before)) => before.push_str(&text),
                        _ => filled.push(Part::Literal(text)),
                    }
                }
                part => filled.push(part),
            }
        }
        filled
    }

    fn meaning_of(&self, name: &str) -> Option<Value> {
        match name {
            "project.name" | "name" if self.name.is_some() => return self.name.map(Value::literal),
            "rootProject.name" => return Some(Value::literal(self.root_name)),
            _ => {}
        }
        let mut short = name;
        for prefix in ["project.", "rootProject.", "settings.", "ext.", "extra.", "this."] {
            short = short.strip_prefix(prefix).unwrap_or(short);
        }
        let variable = |script: &&Script| {
            script.variables.iter().find(|(known, _)| known == short).map(|(_, value)| value.clone())
        };
        if let Some(known) = self.scripts.iter().find_map(variable) {
            return known;
        }
        let property = |properties: &&Properties| {
            properties.0.iter().rev().find(|(known, _)| known == short).map(|(_, value)| Value::literal(value.as_str()))
        };
        self.properties.iter().find_map(property)
    }

    /// The text of a value, if all of it is known.
    pub fn text_of(&self, value: &Value) -> Option<String> {
        Value(self.filled(value)).as_literal().map(str::to_owned)
    }

    /// Where a path leads; none if that is not known, or not a place of the repository.
    pub fn place_of(
        &self,
        anchor: &Anchor,
        path: &Value,
        folder_of: &dyn Fn(&Value) -> Option<RepoPath>,
    ) -> Option<RepoPath> {
        let mut parts = self.filled(path);
        let mut anchor = anchor.clone();
        let mut anchored = anchor != Anchor::project();
        if let Some(Part::Name(name)) = parts.first() {
            anchor = Anchor::of_words(name.split('.'))?;
            parts.remove(0);
            anchored = true;
        }
        let written = Value(parts).as_literal()?.replace('\\', "/");
        if written.contains("://") || written.contains('\0') {
            return None;
        }
        let written = if anchored { written.trim_start_matches('/') } else { &written };
        let mut base = match &anchor.base {
            Base::Project => self.folder.clone(),
            Base::Root => self.root.clone(),
            Base::Of(project) => folder_of(project)?,
            Base::Output => return None,
        };
        for _ in 0..anchor.above {
            base = base.parent()?;
        }
        base.resolve(written.as_bytes()).ok()
    }

    /// Where a mention leads.
    pub fn place_of_mention(
        &self,
        mention: &Mention,
        folder_of: &dyn Fn(&Value) -> Option<RepoPath>,
    ) -> Option<RepoPath> {
        self.place_of(&mention.anchor, &mention.path, folder_of)
    }
}

/// Whether a text fits pieces of which some are not known.
pub(super) fn fits(parts: &[Part], text: &str) -> bool {
    let mut rest = text;
    for (at, part) in parts.iter().enumerate() {
        let Part::Literal(literal) = part else { continue };
        let last = at + 1 == parts.len();
        rest = match (at, last) {
            (0, false) => match rest.strip_prefix(literal.as_str()) {
                Some(rest) => rest,
                None => return false,
            },
            (_, true) => return rest.ends_with(literal.as_str()),
            _ => match rest.find(literal.as_str()) {
                Some(found) => &rest[found + literal.len()..],
                None => return false,
            },
        };
    }
    true
}

/// Whether nothing of a value is known.
pub(super) fn is_unknown(parts: &[Part]) -> bool {
    !parts.iter().any(|part| matches!(part, Part::Literal(text) if text.chars().any(|c| c.is_alphanumeric())))
}
