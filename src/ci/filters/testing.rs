//! Filters of one file, for tests.

use super::{PathFilter, Pipelines, read};
use crate::diagnostic::Diagnostic;
use crate::path::RepoPath;
use crate::tree::{ChangeKind, MemoryTree};

pub(super) fn path(text: &str) -> RepoPath {
    RepoPath::from_git(text.as_bytes()).unwrap()
}

/// The pipelines of a repository.
pub(super) fn pipelines(text: &str) -> Pipelines {
    read(&MemoryTree::parse(text)).unwrap()
}

pub(super) fn filters(pipelines: &Pipelines) -> Vec<&PathFilter> {
    pipelines.pipelines.iter().flat_map(|pipeline| &pipeline.filters).collect()
}

/// Which of these paths the first filter of a repository lets in when they are modified.
pub(super) fn admitted<'a>(text: &str, paths: &'a str) -> Vec<&'a str> {
    let pipelines = pipelines(text);
    let filters = filters(&pipelines);
    paths.split_whitespace().filter(|file| filters[0].admits(&path(file), ChangeKind::Modified)).collect()
}

/// Findings as `code file:line`.
pub(super) fn told(findings: &[Diagnostic]) -> Vec<String> {
    let line = |finding: &Diagnostic| {
        let place = finding.place.as_ref().map(|place| format!("{}:{}", place.file, place.line)).unwrap_or_default();
        format!("{} {place}", finding.code)
    };
    findings.iter().map(line).collect()
}
