//! What a project's tasks read of files in slices: of every MSBuild file that makes it up all but comments and layout, and
//! of central versions those of the packages that it refers to.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::evaluate::Evaluation;
use super::expand::{Place, is_known};
use super::facts::{BuildFile, ItemKind, LOCKFILE};
use super::{DotnetFacts, Index};
use crate::diagnostic::Evidence;
use crate::discover::{FragmentIndex, Landscape, Links, SliceClaim};
use crate::path::RepoPath;
use crate::selection::Selection;

/// SDKs of which it is known which packages they bring in by themselves.
const KNOWN_SDKS: [&str; 5] = [
    "microsoft.net.sdk",
    "microsoft.net.sdk.blazorwebassembly",
    "microsoft.net.sdk.razor",
    "microsoft.net.sdk.web",
    "microsoft.net.sdk.worker",
];

/// Packages that these SDKs bring in.
const IMPLICIT: [&str; 7] = [
    "fsharp.core",
    "microsoft.aspnetcore.app",
    "microsoft.dotnet.ilcompiler",
    "microsoft.net.illink.tasks",
    "microsoft.netcore.app",
    "microsoft.netframework.referenceassemblies",
    "netstandard.library",
];

/// The slices that the project at `path` reads.
pub(super) fn slices(index: &Index<'_>, path: &RepoPath, evaluation: &Evaluation<'_>) -> Vec<SliceClaim> {
    let evidence: HashMap<&RepoPath, &Evidence> =
        evaluation.inputs.iter().map(|input| (&input.selection.base, &input.evidence)).collect();
    let packages = packages(path, evaluation);
    let mut claims = Vec::new();
    let mut claim = |file: &RepoPath, fragment: FragmentIndex| {
        let evidence = evidence.get(file).map_or_else(|| Evidence::new(file, 0, ""), |evidence| (*evidence).clone());
        claims.push(SliceClaim { file: file.clone(), fragment, evidence });
    };
    for &(file, facts) in &evaluation.files {
        let Some(parts) = &facts.parts else { continue };
        match &packages {
            None => claim(file, parts.all),
            Some(packages) => {
                claim(file, parts.rest);
                let versions = packages.iter().filter_map(|package| parts.versions.get(package));
                versions.for_each(|version| claim(file, *version));
            }
        }
    }
    let lockfile = path.parent().unwrap_or_else(RepoPath::root).child(LOCKFILE);
    if let Some(DotnetFacts::Lock(Some((_, all)))) = index.landscape.facts(&lockfile) {
        claim(&lockfile, *all);
    }
    claims
}

/// The packages of which a project takes the central version, in lower case; none where that may be any.
fn packages(path: &RepoPath, evaluation: &Evaluation<'_>) -> Option<BTreeSet<String>> {
    let pins = |file: &BuildFile| {
        file.properties.iter().any(|property| {
            property.name == "centralpackagetransitivepinningenabled"
                && !property.value.value.eq_ignore_ascii_case("false")
        })
    };
    if !evaluation.findings.is_empty() {
        return None;
    }
    let mut packages: BTreeSet<String> = IMPLICIT.map(str::to_owned).into();
    for &(file, facts) in &evaluation.files {
        let computes = facts.parts.as_ref().is_none_or(|parts| parts.computes_versions);
        if computes || pins(facts) || facts.sdks.iter().any(|sdk| !KNOWN_SDKS.contains(&sdk.as_str())) {
            return None;
        }
        let base = file.parent().unwrap_or_else(RepoPath::root);
        for import in &facts.imports {
            // What a package or the machine imports may refer to more.
            if evaluation.scope.places(&import.project.value, file, &base).contains(&Place::External) {
                return None;
            }
        }
        for item in facts.items.iter().filter(|item| item.kind == ItemKind::Package) {
            for value in evaluation.scope.expand(&item.value.value, path) {
                let text = std::str::from_utf8(&value)
                    .ok()
                    .filter(|text| is_known(text) && !text.contains(['@', '%', '*']))?;
                let names = text.split(';').map(|name| name.split(',').next().unwrap_or_default().trim());
                packages.extend(names.map(str::to_ascii_lowercase));
            }
        }
    }
    evaluation.scope.take_missing();
    Some(packages)
}

/// Whether an input is a file that is read in slices, and nothing more.
pub(super) fn is_sliced(selection: &Selection, files: &BTreeSet<&RepoPath>) -> bool {
    files.contains(&selection.base) && *selection == Selection::all(&selection.base)
}

/// Claims the fragments of every file that some task reads in slices.
pub(super) fn claim_fragments(landscape: &Landscape<'_, DotnetFacts>, links: &mut Links) {
    let slices = links.tasks.iter().flat_map(|task| &task.slices);
    let found = slices.filter_map(|slice| match landscape.facts(&slice.file)? {
        DotnetFacts::Build(file) => Some((slice.file.clone(), file.parts.as_ref()?.fragments.clone())),
        DotnetFacts::Lock(Some((fragments, _))) => Some((slice.file.clone(), fragments.clone())),
        _ => None,
    });
    let found: BTreeMap<RepoPath, _> = found.collect();
    links.fragments.extend(found);
}
