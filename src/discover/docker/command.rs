//! The commands that build images, and what the images are called.

use std::collections::HashMap;

use super::builds::NamedContext;
use super::link::Recipe;
use super::{Kind, kind_of};
use crate::discover::Command;
use crate::path::RepoPath;

/// The line that a person would type at the root; none if it could not be typed.
pub fn of(recipe: &Recipe<'_>, target: Option<&str>, runs: bool) -> Option<Command> {
    let text = |path: &RepoPath| -> Option<String> {
        let text = if path.is_root() { "." } else { std::str::from_utf8(path.as_bytes()).ok()? };
        Some(if text.starts_with('-') { quoted(&format!("./{text}")) } else { quoted(text) })
    };
    let mut line = format!("docker build -f {}", text(&recipe.dockerfile)?);
    if recipe.dockerfile.name().and_then(kind_of) == Some(Kind::Bake) {
        let target = &recipe.builds.first()?.0.1;
        let line = format!("docker buildx bake -f {} {}", text(&recipe.dockerfile)?, quoted(target));
        return Some(Command { line, folder: RepoPath::root() });
    }
    if is_inline(recipe) {
        let service = &recipe.builds.first()?.0.1;
        let line = format!("docker compose -f {} build {}", text(&recipe.dockerfile)?, quoted(service));
        return Some(Command { line, folder: RepoPath::root() });
    }
    let mut tag = recipe.tag.clone();
    if !recipe.variant.is_empty() {
        tag.push_str(&format!("-{}", recipe.variant.to_ascii_lowercase()));
    }
    if let Some(target) = target {
        line.push_str(&format!(" --target {}", quoted(target)));
        tag.push_str(&if runs { "-test".to_owned() } else { format!("-{}", target.to_ascii_lowercase()) });
    }
    line.push_str(&format!(" -t {tag}"));
    for (name, value) in &recipe.arguments {
        let argument = value.as_ref().map_or_else(|| name.clone(), |value| format!("{name}={value}"));
        line.push_str(&format!(" --build-arg {}", quoted(&argument)));
    }
    for (name, context, _) in &recipe.contexts {
        let value = match context {
            NamedContext::Folder(folder) => text(folder)?,
            NamedContext::Service((_, service)) => format!("docker-image://{}", quoted(service)),
            NamedContext::Image(image) => format!("docker-image://{}", quoted(image)),
            NamedContext::Remote(from) => quoted(from),
        };
        line.push_str(&format!(" --build-context {}={value}", quoted(name)));
    }
    line.push_str(&format!(" {}", text(&recipe.context)?));
    if runs {
        line.push_str(&format!(" && docker run --rm {tag}"));
    }
    Some(Command { line, folder: RepoPath::root() })
}

/// The line that has compose read a service, in the folder of its file; none if it could not be typed.
pub fn of_service(file: &RepoPath, service: &str) -> Option<Command> {
    let name = quoted(std::str::from_utf8(file.name()?).ok()?);
    let line = format!("docker compose -f {name} config --quiet {}", quoted(service));
    Some(Command { line, folder: file.parent()? })
}

/// Only compose itself can build what is written inline.
fn is_inline(recipe: &Recipe<'_>) -> bool {
    recipe.dockerfile.name().and_then(kind_of) == Some(Kind::Compose)
}

/// A word for a POSIX shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// Names of images: of each project as many of its folder's last segments as tell it from the others.
#[derive(Debug, Default)]
pub struct Tags {
    bearers: HashMap<String, usize>,
}

impl Tags {
    /// The names that the folders compete for.
    pub fn new<'a>(folders: impl Iterator<Item = &'a RepoPath>) -> Self {
        let folders: std::collections::BTreeSet<&RepoPath> = folders.collect();
        let mut tags = Self::default();
        for name in folders.into_iter().flat_map(names) {
            *tags.bearers.entry(name).or_default() += 1;
        }
        tags
    }

    /// The name of a project's image.
    pub fn tag_of(&self, folder: &RepoPath) -> String {
        let names = names(folder);
        let tells = |name: &&String| name.as_str() != "src" && self.bearers.get(*name).is_none_or(|&count| count < 2);
        let name = names.iter().find(tells).or(names.last());
        name.filter(|name| !name.is_empty()).cloned().unwrap_or_else(|| "app".to_owned())
    }
}

/// The last segment of a folder, the last two, and so on, as repository names that docker takes.
fn names(folder: &RepoPath) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for segment in folder.segments().rev().take(MOST_SEGMENTS) {
        let text = String::from_utf8_lossy(segment).to_lowercase();
        let parts = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
        let parts = parts.chain(names.last().into_iter().map(String::as_str).filter(|last| !last.is_empty()));
        let name = parts.collect::<Vec<_>>().join("-");
        names.push(name);
    }
    names
}

/// How many segments of a folder a name may have.
const MOST_SEGMENTS: usize = 8;
