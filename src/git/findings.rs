//! What is noticed about single paths, gathered into few diagnostics.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Evidence};
use crate::path::RepoPath;

/// What can be noticed about a path of the work tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Finding {
    /// Changed, under a `filter=` driver that is not run.
    Filtered,
    /// Changed, under a `working-tree-encoding`.
    Encoded,
    /// LFS left its pointer in place of the file.
    LfsPointer,
    /// It could not be read.
    Unreadable,
    /// A pipe, a socket or a device.
    Special,
    /// A repository of its own that is no submodule.
    Nested,
    /// A submodule, or a nested repository, with changes that are not committed in it.
    Dirty,
    /// An unresolved conflict.
    Conflict,
    /// The index tells git to look away from it, and it has changed.
    Hidden,
}

impl Finding {
    /// The stable code, what is so, and the mend.
    fn texts(self) -> (&'static str, &'static str, Option<&'static str>) {
        match self {
            Finding::Filtered => (
                "git-filter",
                "changed, and taken as on disk: git would pass the content through a `filter=` program, which knockon never runs",
                None,
            ),
            Finding::Encoded => (
                "git-encoding",
                "changed, and taken as on disk: git would convert the content's `working-tree-encoding`",
                None,
            ),
            Finding::LfsPointer => {
                ("lfs-pointer", "only a pointer of Git LFS, without the content", Some("run `git lfs pull`"))
            }
            Finding::Unreadable => {
                ("unreadable-file", "unreadable, hence taken as changed", Some("make it readable, or remove it"))
            }
            Finding::Special => ("special-file", "a pipe, a socket or a device, hence left aside", None),
            Finding::Nested => (
                "nested-repository",
                "a git repository of its own, taken as one opaque content",
                Some("make it a submodule, or ignore it"),
            ),
            Finding::Dirty => (
                "dirty-submodule",
                "a repository with changes that are not committed in it, hence taken as changed",
                Some("commit the changes in it"),
            ),
            Finding::Conflict => {
                ("git-conflict", "in conflict; the content on disk is taken", Some("resolve it and `git add` it"))
            }
            Finding::Hidden => (
                "hidden-change",
                "changed, while `git status` is told to look away from it",
                Some("run `git update-index --no-assume-unchanged --no-skip-worktree` on it"),
            ),
        }
    }

    fn is_warning(self) -> bool {
        matches!(
            self,
            Finding::Filtered | Finding::Encoded | Finding::LfsPointer | Finding::Unreadable | Finding::Conflict
        )
    }
}

/// Findings by kind. A work tree can hold very many of one kind; a diagnostic names a few and counts the rest.
#[derive(Debug, Default)]
pub(super) struct Findings(BTreeMap<Finding, Vec<RepoPath>>);

impl Findings {
    const NAMED: usize = 5;

    pub(super) fn add(&mut self, finding: Finding, path: &RepoPath) {
        self.0.entry(finding).or_default().push(path.clone());
    }

    /// One diagnostic for each kind, at its first path.
    pub(super) fn diagnostics(self) -> Vec<Diagnostic> {
        let mut diagnostics: Vec<Diagnostic> =
            self.0.into_iter().map(|(finding, paths)| gathered(finding, paths)).collect();
        diagnostics.sort();
        diagnostics
    }
}

fn gathered(finding: Finding, mut paths: Vec<RepoPath>) -> Diagnostic {
    paths.sort();
    paths.dedup();
    let (code, text, mend) = finding.texts();
    let mut named: Vec<String> = paths.iter().take(Findings::NAMED).map(|path| format!("`{path}`")).collect();
    if paths.len() > Findings::NAMED {
        named.push(format!("{} more", paths.len() - Findings::NAMED));
    }
    let message = format!("{text}: {}", named.join(", "));
    let diagnostic =
        if finding.is_warning() { Diagnostic::warning(code, message) } else { Diagnostic::note(code, message) };
    let diagnostic = match paths.first() {
        Some(path) => diagnostic.at(&Evidence::new(path, 0, "")),
        None => diagnostic,
    };
    match mend {
        Some(mend) => diagnostic.help(mend),
        None => diagnostic,
    }
}
