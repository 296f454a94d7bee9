//! `pdm.lock`, version 4. The project is not in it: it names what it needs.

use super::cutter::{Cutter, Wanted, title};
use super::{Entries, Lock};
use crate::discover::python::reference::{normalise, read_requirement};
use crate::discover::syntax::Located;
use crate::discover::{EdgeKind, FragmentIndex};

pub(super) fn cut(document: &Located) -> Option<Lock> {
    let metadata = document.get("metadata")?;
    let version = metadata.get("lock_version")?.text()?;
    if version.split('.').next() != Some("4") {
        return None;
    }
    let mut cutter = Cutter::default();
    let common = [
        cutter.add("metadata".to_owned(), metadata.line, metadata, &["content_hash", "files", "lock_version"], &[]),
        cutter.add("what holds for all packages".to_owned(), 1, document, &["metadata", "package"], &[]),
    ];
    // The first locks of this version have the files in a table of their own, by name and version.
    let files = metadata.get("files");
    let mut placed: Vec<(FragmentIndex, &Located)> = Vec::new();
    for package in document.get("package").map_or(&[][..], Located::items) {
        let name = package.get("name")?.text()?;
        let title = title(name, package.get("version").and_then(Located::text));
        let own = cutter.add(title, package.line, package, &["summary"], &[]);
        // A package with extras is an entry besides: who needs the package is given both.
        cutter.found_by(&Wanted::named(normalise(name)), own);
        placed.push((own, package));
    }
    let files: Vec<FragmentIndex> =
        files.map(|files| cutter.fragments.add_table("files of ", files, |_| false)).unwrap_or_default();
    for (own, package) in placed {
        for requirement in package.get("dependencies").map_or(&[][..], Located::items) {
            let name = read_requirement(requirement.text()?, EdgeKind::Build)?.name?;
            cutter.need(own, &Wanted::named(name));
        }
    }
    let common = cutter.fragments.group("what holds for all", 1, common.into_iter().chain(files));
    let entries = Entries::Packages(cutter.by_name());
    Some(cutter.finish(common, entries))
}
