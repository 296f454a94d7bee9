//! Gradle: settings files and build scripts, as far as they are literal.
//!
//! A script is a program. It is read as tokens, and what it states as literals counts, on both sides of every `if`.
//! Where it computes which project or script is meant, that is told, and what it could reach is planned. A project
//! reads the scripts that are run for it: its own, those of the projects above it in its build, the settings, what all
//! of these apply, and `buildSrc`. What plugins do that are classes is not seen.

mod aliases;
mod builds;
mod catalog;
mod collect;
mod context;
mod cursor;
mod facts;
mod frame;
mod grounds;
mod link;
mod lockfile;
mod providers;
mod reader;
mod slices;
mod statements;
#[cfg(test)]
mod tests;
mod tokens;
mod value;

pub use self::facts::Facts;

use super::syntax::Unreadable;
use super::{Ecosystem, Landscape, Links};

/// The Gradle ecosystem.
pub struct Gradle;

const PROPERTIES_FILE: &[u8] = b"gradle.properties";
const CATALOG_ENDING: &[u8] = b".versions.toml";
const LOCKFILE_ENDING: &[u8] = b".lockfile";

fn is_settings(name: &[u8]) -> bool {
    matches!(name, b"settings.gradle" | b"settings.gradle.kts")
}

fn is_build_script(name: &[u8]) -> bool {
    matches!(name, b"build.gradle" | b"build.gradle.kts")
}

fn is_script(name: &[u8]) -> bool {
    name.ends_with(b".gradle") || name.ends_with(b".gradle.kts")
}

/// Whether it is the source of a class, or of a script that is none of Gradle's.
fn is_source(name: &[u8]) -> bool {
    let endings = [&b".kt"[..], b".kts", b".java", b".groovy", b".scala"];
    endings.iter().any(|ending| name.ends_with(ending)) && !is_script(name)
}

impl Ecosystem for Gradle {
    type Facts = Facts;

    const NAME: &'static str = "gradle";

    fn recognises(name: &[u8]) -> bool {
        is_script(name) || name == PROPERTIES_FILE || name.ends_with(CATALOG_ENDING) || name.ends_with(LOCKFILE_ENDING)
    }

    fn reads_on_demand(name: &[u8]) -> bool {
        is_source(name)
    }

    fn read(name: &[u8], bytes: &[u8]) -> Result<Facts, Unreadable> {
        facts::read(name, bytes)
    }

    fn link(landscape: &Landscape<'_, Facts>, links: &mut Links) {
        link::link(landscape, links);
    }
}
