//! Gradle: settings files and build scripts, as far as they are literal.
//!
//! A script is a program. It is read as tokens, and what it states as literals counts, on both sides of every `if`.
//! Where it computes which project or script is meant, that is told, and what it could reach is planned. A project
//! reads the scripts that are run for it: its own, those of the projects above it in its build, the settings, what all
//! of these apply, and `buildSrc`. What plugins do that are classes is not seen.

mod builds;
mod collect;
mod context;
mod cursor;
mod facts;
mod frame;
mod grounds;
mod link;
mod providers;
mod reader;
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

fn is_settings(name: &[u8]) -> bool {
    matches!(name, b"settings.gradle" | b"settings.gradle.kts")
}

fn is_build_script(name: &[u8]) -> bool {
    matches!(name, b"build.gradle" | b"build.gradle.kts")
}

impl Ecosystem for Gradle {
    type Facts = Facts;

    const NAME: &'static str = "gradle";

    fn recognises(name: &[u8]) -> bool {
        name.ends_with(b".gradle") || name.ends_with(b".gradle.kts") || name == PROPERTIES_FILE
    }

    fn read(name: &[u8], bytes: &[u8]) -> Result<Facts, Unreadable> {
        facts::read(name, bytes)
    }

    fn link(landscape: &Landscape<'_, Facts>, links: &mut Links) {
        link::link(landscape, links);
    }
}
