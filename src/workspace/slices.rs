//! What tasks read of files that are read in slices.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rayon::prelude::*;

use super::Slice;
use crate::discover::{FragmentDigest, Fragments, SliceClaim};
use crate::path::RepoPath;

/// The digests of slices, by the file that they are of.
pub(super) struct Slices<'a>(HashMap<&'a RepoPath, (&'a Fragments, Vec<FragmentDigest>)>);

impl<'a> Slices<'a> {
    /// Works them out.
    pub(super) fn of(fragments: &'a BTreeMap<RepoPath, Arc<Fragments>>) -> Self {
        let files: Vec<(&RepoPath, &Arc<Fragments>)> = fragments.iter().collect();
        let digested = files.into_par_iter().map(|(file, fragments)| (file, (&**fragments, fragments.slices())));
        Self(digested.collect())
    }

    /// What a claim says; none where its file has no such fragment.
    pub(super) fn find(&self, claim: SliceClaim) -> Option<Slice> {
        let SliceClaim { file, fragment, evidence } = claim;
        let (fragments, digests) = self.0.get(&file)?;
        let digest = *digests.get(fragment.number())?;
        let fragment = Arc::clone(&fragments.get(fragment)?.name);
        Some(Slice { file, fragment, digest, evidence })
    }
}
