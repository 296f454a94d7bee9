//! Python: projects of pip, setuptools, uv, poetry, pdm, hatch and pipenv.
//!
//! Everything in one folder is one project, whichever of its files say so. Where a project holds several services, each
//! is a project besides, which reads what it imports of it.

mod elsewhere;
mod imports;
mod inherited;
mod link;
mod loading;
mod lock;
mod projects;
mod pyproject;
mod reference;
mod requirements;
mod services;
mod setup;
mod slices;
mod source;
mod source_tree;
mod tables;
mod tasks;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_services;
mod tokens;

use serde::{Deserialize, Serialize};

use self::lock::{Kind, Lock};
use self::pyproject::{Pyproject, read_pipfile, read_pyproject};
use self::reference::Dependency;
use self::requirements::{Requirements, is_part_of_requirements, is_requirements, read_requirements};
use self::setup::{Setup, read_setup_cfg, read_setup_py};
use self::source::{Source, is_settings};
use super::syntax::{Stated, Unreadable};
use super::{Ecosystem, Landscape, Links};

/// Python projects.
pub(super) struct Python;

/// What one file of a Python project says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Facts {
    /// `pyproject.toml`.
    Pyproject(Box<Pyproject>),
    /// `setup.py` or `setup.cfg`.
    Setup(Setup),
    /// A requirements file, or one that such a file includes.
    Requirements(Requirements),
    /// `Pipfile`.
    Pipfile(Vec<Stated<Dependency>>),
    /// A lockfile; nothing of one that is not understood.
    Lock(Option<Lock>),
    /// A `*.py`, or a file of settings that may name modules.
    Source(Source),
    /// A `*.py` that cannot be read. It is a fault only where it is imported.
    NoSource(Unreadable),
}

/// A package that can be started.
const MAIN_FILE: &[u8] = b"__main__.py";

const DOCKERFILE: &[u8] = b"Dockerfile";

impl Ecosystem for Python {
    type Facts = Facts;

    const NAME: &'static str = "python";

    fn recognises(name: &[u8]) -> bool {
        matches!(name, b"pyproject.toml" | b"setup.py" | b"setup.cfg" | b"Pipfile" | MAIN_FILE | DOCKERFILE)
            || Kind::of(name).is_some()
            || is_requirements(name)
            || is_part_of_requirements(name)
    }

    fn reads_on_demand(name: &[u8]) -> bool {
        name.ends_with(b".py") || is_settings(name)
    }

    fn read(name: &[u8], bytes: &[u8]) -> Result<Facts, Unreadable> {
        if let Some(kind) = Kind::of(name) {
            return Ok(Facts::Lock(kind.read(bytes)));
        }
        match name {
            b"pyproject.toml" => read_pyproject(bytes).map(|read| Facts::Pyproject(Box::new(read))),
            b"setup.py" => read_setup_py(bytes).map(Facts::Setup),
            b"setup.cfg" => read_setup_cfg(bytes).map(Facts::Setup),
            b"Pipfile" => read_pipfile(bytes).map(Facts::Pipfile),
            _ if name.ends_with(b".py") => Ok(Source::read(bytes).map_or_else(Facts::NoSource, Facts::Source)),
            _ if is_settings(name) => Ok(Facts::Source(Source::of_settings(bytes))),
            _ => read_requirements(name, bytes).map(Facts::Requirements),
        }
    }

    fn link(landscape: &Landscape<'_, Facts>, links: &mut Links) {
        link::link(landscape, links);
    }
}
