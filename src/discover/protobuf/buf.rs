//! What buf has besides modules: who generates code from which schemas, and the modules that are locked.

use std::collections::BTreeSet;

use super::{Facts, Schemas};
use crate::diagnostic::Diagnostic;
use crate::discover::locked::{Locked, LockedEntry};
use crate::discover::syntax::{Located, Stated};
use crate::discover::{DanglingClaim, EdgeClaim, EdgeKind, EdgeTarget, Landscape, Links};
use crate::path::RepoPath;

/// `buf.gen.yaml`, and others beside it: `buf.gen.go.yaml`.
pub(super) fn is_generation(name: &[u8]) -> bool {
    name.starts_with(b"buf.gen.") && name.ends_with(b".yaml")
}

/// Whoever has a `buf.gen.yaml` generates code from the schemas that it names.
pub(super) fn link_generation(
    landscape: &Landscape<'_, Facts>,
    schemas: &Schemas,
    file: &RepoPath,
    places: &[Stated<String>],
    links: &mut Links,
) {
    let from = file.parent().unwrap_or_else(RepoPath::root);
    for place in places {
        let evidence = place.evidence(file);
        let target = match from.resolve(place.value.as_bytes()) {
            Ok(target) if landscape.exists(&target) => target,
            Ok(wanted) => {
                let name = wanted.name().unwrap_or_default().to_vec();
                let (from, wanted) = (from.clone(), Some(wanted));
                links.dangling.push(DanglingClaim { from, wanted, name, kind: EdgeKind::Schema, evidence });
                continue;
            }
            Err(_) => {
                let message = format!("`{}` lies outside the repository, so its changes are not seen", place.value);
                let finding = Diagnostic::warning("outside-repository", message).at(&evidence);
                links.diagnostics.push(finding.help("name a folder of the repository"));
                continue;
            }
        };
        let below = schemas.projects.range(target.clone()..);
        let below = below.take_while(|(folder, _)| folder.as_bytes().starts_with(target.as_bytes()));
        let mut read: BTreeSet<RepoPath> =
            below.map(|(folder, _)| folder.clone()).filter(|folder| folder.is_within(&target)).collect();
        read.extend(schemas.home_of(&target.child(b"x.proto")));
        for to in read.into_iter().filter(|to| *to != from) {
            let (from, to, evidence) = (from.clone(), EdgeTarget::Project(to), evidence.clone());
            links.edges.push(EdgeClaim { from, to, kind: EdgeKind::Schema, evidence });
        }
    }
}

/// Reads a `buf.lock`: an entry for each module from elsewhere.
pub(super) fn read_lock(document: Option<&Located>) -> Locked {
    let modules = document.and_then(|document| document.get("deps")).map_or(&[][..], Located::items);
    let entries = modules.iter().map(|module| {
        let text = |key: &str| module.get(key).and_then(Located::scalar).unwrap_or_default();
        let name = match module.get("name") {
            Some(_) => text("name"),
            None => format!("{}/{}/{}", text("remote"), text("owner"), text("repository")),
        };
        let said = vec![text("commit"), text("digest"), text("branch")];
        LockedEntry { name, line: module.line, said, needs: Vec::new() }
    });
    Locked::of(entries.collect())
}
