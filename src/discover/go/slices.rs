//! What the tasks of a module read of its `go.mod` and `go.sum`, by what they say.
//!
//! Since Go 1.17 a `go.mod` lists every module that a build needs, at the version that it uses, so hashes of other versions
//! are nothing to a build. Which module needs which other one neither file says: who needs one requirement reads them all.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::module_file::Requirement;
use super::sums::Sum;
use super::{Facts, Module, SUM_FILE};
use crate::diagnostic::Evidence;
use crate::discover::{FragmentIndex, Fragments, Landscape, Links, SliceClaim};
use crate::path::RepoPath;

/// What is read in slices; nothing where the whole files count.
#[derive(Default)]
pub(super) struct Sliced {
    /// What every build reads.
    common: Vec<(RepoPath, FragmentIndex)>,
    /// What a build reads besides that needs any requirement.
    required: Vec<(RepoPath, FragmentIndex)>,
    files: BTreeSet<RepoPath>,
}

/// Cuts the files of a module.
pub(super) fn sliced(landscape: &Landscape<'_, Facts>, module: &Module<'_>, links: &mut Links) -> Sliced {
    let mut sliced = Sliced::default();
    let Some(file) = module.file.filter(|file| file.lists_indirect_requirements()) else { return sliced };
    sliced.common.push((module.path.clone(), file.common));
    // Every build holds what is vendored against all requirements.
    let is_vendored = landscape.is_file(&module.folder.child(b"vendor").child(b"modules.txt"));
    let of_requirements = if is_vendored { &mut sliced.common } else { &mut sliced.required };
    of_requirements.push((module.path.clone(), file.required));
    sliced.files.insert(module.path.clone());
    links.fragments.push((module.path.clone(), Arc::clone(&file.fragments)));
    let path = module.folder.child(SUM_FILE);
    let Some(Facts::Sums(Some(sums))) = landscape.facts(&path) else { return sliced };
    let replaced = file.replaces.iter().filter_map(|replace| replace.value.other.as_ref());
    let used: BTreeSet<_> = file.requires.iter().map(|require| &require.value).chain(replaced).collect();
    let mut fragments = Fragments::default();
    let mut group = |name: &str, sums: Vec<(&Requirement, &Sum)>| {
        let mut members = Vec::new();
        for (version, sum) in sums {
            let hashes: Vec<&[u8]> = sum.hashes.iter().map(String::as_bytes).collect();
            members.push(fragments.add(format!("{} {}", version.path, version.version), sum.line, &hashes));
        }
        fragments.group(name, 0, members)
    };
    let of_used = used.into_iter().filter_map(|version| Some((version, sums.of(version)?)));
    sliced.required.push((path.clone(), group("hashes of what is required", of_used.collect())));
    sliced.common.push((path.clone(), group("hashes of toolchains", sums.toolchains().collect())));
    links.fragments.push((path.clone(), fragments.sealed()));
    sliced.files.insert(path);
    sliced
}

impl Sliced {
    /// The files of which nothing else is read.
    pub(super) fn files(&self) -> &BTreeSet<RepoPath> {
        &self.files
    }

    /// What a task reads that needs requirements or does without.
    pub(super) fn claims(&self, needs_requirements: bool) -> Vec<SliceClaim> {
        let required = self.required.iter().filter(|_| needs_requirements);
        let claim = |(file, fragment): &(RepoPath, FragmentIndex)| SliceClaim {
            file: file.clone(),
            fragment: *fragment,
            evidence: Evidence::new(file, 0, ""),
        };
        self.common.iter().chain(required).map(claim).collect()
    }
}
