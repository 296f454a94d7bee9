//! Which project of another ecosystem lies around a folder. What may stand anywhere, such as a Makefile, a schema or a
//! deployment, takes no files from it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Landscape;
use crate::path::RepoPath;

/// Files that make their folder a project.
const NAMES: [&[u8]; 19] = [
    b"package.json",
    b"go.mod",
    b"pom.xml",
    b"Cargo.toml",
    b"pyproject.toml",
    b"setup.py",
    b"requirements.txt",
    b"build.gradle",
    b"build.gradle.kts",
    b"mix.exs",
    b"composer.json",
    b"Gemfile",
    b"Package.swift",
    b"CMakeLists.txt",
    b"Dockerfile",
    b"Pipfile",
    b"MODULE.bazel",
    b"WORKSPACE",
    b"WORKSPACE.bazel",
];

/// Files with these endings do too.
const ENDINGS: [&[u8]; 4] = [b".csproj", b".fsproj", b".vbproj", b".gemspec"];

/// The nearest folders that other ecosystems make projects, as far as they were asked for.
pub(super) struct Surroundings<'a, F> {
    landscape: &'a Landscape<'a, F>,
    /// The files that count, of those above.
    counts: fn(&[u8]) -> bool,
    known: HashMap<RepoPath, Option<RepoPath>>,
}

impl<'a, F> Surroundings<'a, F> {
    /// Takes every manifest for one of another ecosystem that `counts`.
    pub fn new(landscape: &'a Landscape<'a, F>, counts: fn(&[u8]) -> bool) -> Self {
        Self { landscape, counts, known: HashMap::new() }
    }

    /// The nearest folder, this one or one above, with a manifest of another ecosystem. The root counts with a
    /// `go.mod` alone: of any other manifest there its name does not tell whether it owns what lies below.
    pub fn project_around(&mut self, folder: &RepoPath) -> Option<RepoPath> {
        let mut walked = Vec::new();
        let mut answer = None;
        for above in folder.ancestors() {
            if let Some(known) = self.known.get(&above) {
                answer = known.clone();
                break;
            }
            let entries = self.landscape.entries(&above);
            let is_manifest = |name: &[u8]| match above.is_root() {
                true => name == b"go.mod",
                false => NAMES.contains(&name) || ENDINGS.iter().any(|ending| name.ends_with(ending)),
            };
            let found = entries.iter().any(|entry| is_manifest(&entry.name) && (self.counts)(&entry.name));
            walked.push(above.clone());
            if found {
                answer = Some(above);
                break;
            }
        }
        for above in walked {
            self.known.insert(above, answer.clone());
        }
        answer
    }
}

/// For each folder of deployable files the folder of the project that its task belongs to: itself, or the project of
/// another ecosystem around it, from which it takes no files, as that project's tests may read them. Fixtures belong to
/// nobody, unless they are named.
pub(super) fn homes<'a, F>(
    landscape: &Landscape<'_, F>,
    folders: impl Iterator<Item = &'a RepoPath>,
    named: &BTreeSet<RepoPath>,
) -> BTreeMap<RepoPath, RepoPath> {
    let mut surroundings = Surroundings::new(landscape, |_| true);
    let mut homes = BTreeMap::new();
    for folder in folders {
        let around = surroundings.project_around(folder);
        let is_fixture = around.as_ref().is_some_and(|around| is_fixture(folder, around));
        if !is_fixture || named.contains(folder) {
            homes.insert(folder.clone(), around.unwrap_or_else(|| folder.clone()));
        }
    }
    homes
}

/// Whether a folder of a project is one that only its tests read.
pub(super) fn is_fixture(folder: &RepoPath, project: &RepoPath) -> bool {
    const NAMES: [&[u8]; 7] =
        [b"testdata", b"test", b"tests", b"fixtures", b"__fixtures__", b"test-fixtures", b"resources"];
    let below = folder.below(project).unwrap_or_else(RepoPath::root);
    below.segments().any(|segment| segment.starts_with(b"_") || NAMES.iter().any(|n| segment.eq_ignore_ascii_case(n)))
}
