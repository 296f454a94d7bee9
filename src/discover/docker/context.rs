//! Which folder is a Dockerfile's build context when nobody names it: the nearest from which its sources exist.

use std::collections::BTreeSet;

use super::source::{Source, holds};
use super::stages::{Origin, Resolved};
use super::{Facts, Kind, kind_of};
use crate::discover::Landscape;
use crate::path::RepoPath;
use crate::tree::Node;

/// A context as it was worked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inferred {
    /// The folder.
    pub folder: RepoPath,
    /// Sources that exist above or below it, and not from it.
    pub missing: Vec<String>,
}

/// Works out the context of a Dockerfile in `folder`.
pub fn infer(landscape: &Landscape<'_, Facts>, folder: &RepoPath, stages: &[Resolved<'_>]) -> Inferred {
    let sources = sources_of(stages);
    let candidates: Vec<RepoPath> = folder.ancestors().collect();
    let exists: Vec<Vec<bool>> = candidates
        .iter()
        .map(|candidate| sources.iter().map(|(_, source)| stands(landscape, folder, candidate, source)).collect())
        .collect();
    let resolvable: Vec<bool> = (0..sources.len()).map(|at| exists.iter().any(|row| row[at])).collect();
    let copies_whole = sources.iter().any(|(_, source)| source.is_whole());
    let best = (0..candidates.len())
        .filter(|&at| !(copies_whole && is_bare(landscape, &candidates[at])) || at + 1 == candidates.len())
        .max_by_key(|&at| (exists[at].iter().filter(|&&stands| stands).count(), candidates.len() - at))
        .unwrap_or_default();
    let missing = (0..sources.len()).filter(|&at| resolvable[at] && !exists[best][at]);
    Inferred { folder: candidates[best].clone(), missing: missing.map(|at| sources[at].0.to_owned()).collect() }
}

/// Whether a folder can be the context: no folder above the Dockerfile has more of its sources.
pub fn may_be(
    landscape: &Landscape<'_, Facts>,
    folder: &RepoPath,
    context: &RepoPath,
    stages: &[Resolved<'_>],
) -> bool {
    let sources = sources_of(stages);
    let count = |candidate: &RepoPath| {
        sources.iter().filter(|(_, source)| stands(landscape, folder, candidate, source)).count()
    };
    let here = count(context);
    folder.ancestors().all(|candidate| count(&candidate) <= here)
}

/// What is copied from the context, as written and as read.
fn sources_of<'s>(stages: &'s [Resolved<'_>]) -> Vec<(&'s str, Source)> {
    let mut written = BTreeSet::new();
    for copy in stages.iter().flat_map(|stage| &stage.copies) {
        if copy.origin == Origin::Context {
            written.extend(copy.sources.iter().map(String::as_str));
        }
    }
    written.into_iter().filter_map(|text| Some((text, Source::parse(text)?))).collect()
}

/// Whether a source exists from a candidate. A build output does not exist at all; but where it would lie beside the
/// Dockerfile, that tells the context as well.
fn stands(landscape: &Landscape<'_, Facts>, folder: &RepoPath, candidate: &RepoPath, source: &Source) -> bool {
    if source.is_whole() || !source.matches(landscape, candidate).is_empty() {
        return true;
    }
    let part = source.existing_part(landscape, candidate);
    part != *candidate && folder.is_within(&part) && !part.is_root()
}

/// Whether a folder holds nothing but docker's own files: copying the whole of it would copy nothing.
fn is_bare(landscape: &Landscape<'_, Facts>, folder: &RepoPath) -> bool {
    !holds(landscape, folder, |name, node| {
        matches!(node, Node::Folder(_)) || !matches!(kind_of(name), Some(Kind::Dockerfile | Kind::Ignore))
    })
}
