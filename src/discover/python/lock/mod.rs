//! Lockfiles in slices: which packages each locks, and which of them a project's tasks need.

mod cutter;
mod pdm;
mod pipfile;
mod poetry;
mod pylock;
mod uv;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::discover::syntax::{read_json, read_toml};
use crate::discover::{FragmentIndex, Fragments};

/// The packages of a lockfile.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::discover) struct Lock {
    pub(super) fragments: Arc<Fragments>,
    /// What counts whichever packages are needed.
    pub(super) common: FragmentIndex,
    pub(super) entries: Entries,
}

/// How a project finds what is locked for it.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::discover) enum Entries {
    /// The lockfile knows the projects that it was made for.
    Members {
        /// By their folders, as written; none where several say that they are one.
        by_folder: BTreeMap<String, Option<Member>>,
        /// What the tests of all may use: the groups of development of the root.
        tools: FragmentIndex,
    },
    /// The project names what it needs; by normalised name.
    Packages(BTreeMap<String, FragmentIndex>),
    /// It was made for one project, and does not say what needs what.
    Flat(Member),
}

/// What is locked for one project.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::discover) struct Member {
    /// For its build: not the groups and extras of development.
    pub(super) build: FragmentIndex,
    /// All of it.
    pub(super) all: FragmentIndex,
}

/// The tools whose lockfiles are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Uv,
    Poetry,
    Pdm,
    Pipenv,
    Pylock,
}

impl Kind {
    /// The kind that a file name means.
    pub(super) fn of(name: &[u8]) -> Option<Self> {
        match name {
            b"uv.lock" => Some(Self::Uv),
            b"poetry.lock" => Some(Self::Poetry),
            b"pdm.lock" => Some(Self::Pdm),
            b"Pipfile.lock" => Some(Self::Pipenv),
            _ if name == b"pylock.toml" || name.starts_with(b"pylock.") && name.ends_with(b".toml") => {
                Some(Self::Pylock)
            }
            _ => None,
        }
    }

    /// Reads a lockfile of this kind; none where it is not understood. That is no fault: whoever it is for reads its bytes.
    pub(super) fn read(self, bytes: &[u8]) -> Option<Lock> {
        let document = if self == Self::Pipenv { read_json(bytes) } else { read_toml(bytes) }.ok()?;
        match self {
            Self::Uv => uv::cut(&document),
            Self::Poetry => poetry::cut(&document),
            Self::Pdm => pdm::cut(&document),
            Self::Pipenv => pipfile::cut(&document),
            Self::Pylock => pylock::cut(&document),
        }
    }
}
