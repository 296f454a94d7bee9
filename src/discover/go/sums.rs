//! `go.sum`: the hashes of every version of a module that a build may have looked at.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::module_file::Requirement;
use crate::discover::syntax::text_of;

/// What a `go.sum` says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums(BTreeMap<Requirement, Sum>);

/// What it says of one version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    /// The first line that speaks of it.
    pub line: u32,
    /// Its hashes, of all of it and of its `go.mod`.
    pub hashes: BTreeSet<String>,
}

/// The compilers, which any build may download.
const TOOLCHAIN: &str = "golang.org/toolchain";

impl Sums {
    /// Reads the file; nothing where it is not what Go writes, down to a single line.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut sums = Self::default();
        for (number, line) in (1..).zip(text_of(bytes).ok()?.lines()) {
            let mut words = line.split_whitespace();
            let Some(path) = words.next() else { continue };
            let (Some(version), Some(hash), None) = (words.next(), words.next(), words.next()) else { return None };
            let (version, part) = match version.strip_suffix("/go.mod") {
                Some(version) => (version, "go.mod"),
                None => (version, "all"),
            };
            let sum = sums.0.entry(Requirement { path: path.to_owned(), version: version.to_owned() }).or_default();
            if sum.line == 0 {
                sum.line = number;
            }
            sum.hashes.insert(format!("{part} {hash}"));
        }
        Some(sums)
    }

    /// What it says of a version.
    pub fn of(&self, required: &Requirement) -> Option<&Sum> {
        self.0.get(required)
    }

    /// What it says of compilers.
    pub fn toolchains(&self) -> impl Iterator<Item = (&Requirement, &Sum)> {
        self.0.iter().filter(|(version, _)| version.path == TOOLCHAIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_96_lines_are_joined_by_version_and_anything_else_is_not_understood() {
        let sums = Sums::read(b"a v1.0.0 h1:x=\na v1.0.0/go.mod h1:y=\n\na v1.1.0/go.mod h1:z=\r\n").unwrap();
        let of = |version: &str| {
            let sum = sums.of(&Requirement { path: "a".to_owned(), version: version.to_owned() })?;
            Some((sum.line, sum.hashes.iter().map(String::as_str).collect::<Vec<_>>()))
        };
        assert_eq!(of("v1.0.0"), Some((1, vec!["all h1:x=", "go.mod h1:y="])));
        assert_eq!(of("v1.1.0"), Some((4, vec!["go.mod h1:z="])));
        assert_eq!(of("v1.2.0"), None);
        for text in [&b"a v1.0.0\n"[..], b"a v1.0.0 h1:x= more\n", b"<<<<<<< ours\n", b"a v1 \xff"] {
            assert_eq!(Sums::read(text), None, "{text:?}");
        }
    }
}
