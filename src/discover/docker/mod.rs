//! Docker: images that Dockerfiles build, and the compose files that say how.
//!
//! A Dockerfile alone does not say what its context is, so that is taken from whoever names it, else from where its
//! sources are. What a target reads is then exact: the sources of the stages that it needs, without what the ignore
//! file leaves out.

mod builds;
mod command;
mod command_lines;
mod compose;
mod context;
mod deployment;
mod dockerfile;
mod entries;
mod environment_file;
mod here_document;
mod ignore_file;
mod images;
mod link;
mod pipelines;
mod reads;
mod recipes;
mod skaffold;
mod source;
mod stages;
#[cfg(test)]
mod tests;
mod variables;

use serde::{Deserialize, Serialize};

use self::compose::ComposeFile;
use self::dockerfile::Dockerfile;
use self::environment_file::EnvironmentFile;
use self::ignore_file::IgnoreFile;
use self::pipelines::Pipeline;
use super::pipelines::Pipelines;
use super::syntax::Unreadable;
use super::{Ecosystem, Landscape, Links};

/// Dockerfiles, their ignore files, the files of compose, bake and skaffold, and what CI engines build.
pub struct Docker;

/// What one of the files says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Facts {
    /// A Dockerfile.
    Dockerfile(Dockerfile),
    /// A `.dockerignore`.
    Ignore(IgnoreFile),
    /// A compose file, or one of bake or skaffold.
    Compose(ComposeFile),
    /// A `.env`.
    Environment(EnvironmentFile),
    /// A file of a CI engine.
    Pipeline(Pipeline),
}

/// What a file's name makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Dockerfile,
    Ignore,
    Compose,
    Bake,
    Skaffold,
    Environment,
}

/// Ends of names that begin like a Dockerfile and are none: templates, editors' leftovers, prose.
const NO_DOCKERFILES: [&str; 15] = [
    "bak",
    "erb",
    "j2",
    "jinja",
    "jinja2",
    "md",
    "mustache",
    "orig",
    "rej",
    "swp",
    "template",
    "tmpl",
    "tpl",
    "txt",
    "dockerignore",
];

fn kind_of(name: &[u8]) -> Option<Kind> {
    // Every file of a repository comes by here, and one look tells most of them.
    let begins = matches!(name, [b'.' | b'C' | b'D' | b'c' | b'd' | b's', ..]);
    if !begins && !name.ends_with(b"file") && !name.ends_with(b"ignore") {
        return None;
    }
    let name = std::str::from_utf8(name).ok()?;
    if name == ".env" {
        return Some(Kind::Environment);
    }
    if name.ends_with(".dockerignore") {
        return Some(Kind::Ignore);
    }
    let is_yaml = name.ends_with(".yml") || name.ends_with(".yaml");
    let compose = name.strip_prefix("docker-").unwrap_or(name).strip_prefix("compose");
    if is_yaml && compose.is_some_and(|rest| rest.starts_with(['.', '-', '_'])) {
        return Some(Kind::Compose);
    }
    if matches!(name, "docker-bake.json" | "docker-bake.override.json") {
        return Some(Kind::Bake);
    }
    if is_yaml && name.strip_prefix("skaffold").is_some_and(|rest| rest.starts_with(['.', '-', '_'])) {
        return Some(Kind::Skaffold);
    }
    variant_of(name).map(|_| Kind::Dockerfile)
}

/// The part of a Dockerfile's name that tells it from others: `dev` of `Dockerfile.dev` and `dev.Dockerfile`, nothing
/// for `Dockerfile`. None for what is no Dockerfile.
fn variant_of(name: &str) -> Option<&str> {
    for word in ["Dockerfile", "Containerfile", "dockerfile"] {
        if name == word {
            return Some("");
        }
        let variant = name.strip_prefix(word).and_then(|rest| rest.strip_prefix('.'));
        let variant = variant.or_else(|| name.strip_suffix(word).and_then(|rest| rest.strip_suffix('.')));
        if let Some(variant) = variant {
            let end = variant.rsplit('.').next().unwrap_or(variant);
            return (!variant.is_empty() && !NO_DOCKERFILES.contains(&end)).then_some(variant);
        }
    }
    None
}

impl Ecosystem for Docker {
    type Facts = Facts;

    const NAME: &'static str = "docker";

    fn recognises(name: &[u8]) -> bool {
        kind_of(name).is_some() || Pipelines::recognises(name)
    }

    fn reads_on_demand(name: &[u8]) -> bool {
        Pipelines::reads_on_demand(name)
    }

    fn read(name: &[u8], bytes: &[u8]) -> Result<Facts, Unreadable> {
        match kind_of(name) {
            Some(Kind::Dockerfile) => dockerfile::read(bytes).map(Facts::Dockerfile),
            Some(Kind::Ignore) => ignore_file::read(bytes).map(Facts::Ignore),
            Some(Kind::Compose) => compose::read(bytes).map(Facts::Compose),
            Some(Kind::Bake) => skaffold::read_bake(bytes).map(Facts::Compose),
            Some(Kind::Skaffold) => skaffold::read_skaffold(bytes).map(Facts::Compose),
            Some(Kind::Environment) => environment_file::read(bytes).map(Facts::Environment),
            None => Ok(Facts::Pipeline(pipelines::read(name, bytes))),
        }
    }

    fn link(landscape: &Landscape<'_, Facts>, links: &mut Links) {
        link::link(landscape, links);
    }
}
