//! `poetry.lock`, versions 1 and 2. The project is not in it: it names what it needs.

use std::collections::HashMap;

use super::cutter::{Cutter, Wanted, title};
use super::{Entries, Lock};
use crate::discover::FragmentIndex;
use crate::discover::python::reference::normalise;
use crate::discover::syntax::Located;

/// What nobody installs differently for.
const INERT: [&str; 1] = ["description"];

pub(super) fn cut(document: &Located) -> Option<Lock> {
    let metadata = document.get("metadata")?;
    let version = metadata.get("lock-version")?.text()?;
    if !matches!(version.split('.').next(), Some("1" | "2")) {
        return None;
    }
    let mut cutter = Cutter::default();
    // The digest of the manifest says what the manifest says.
    let apart = ["content-hash", "files", "hashes", "lock-version"];
    let common = [
        cutter.add("metadata".to_owned(), metadata.line, metadata, &apart, &[]),
        cutter.add("what holds for all packages".to_owned(), 1, document, &["metadata", "package"], &[]),
    ];
    let digests = digests_of(metadata, &mut cutter);
    let mut placed: Vec<(FragmentIndex, &Located)> = Vec::new();
    for package in document.get("package").map_or(&[][..], Located::items) {
        let name = package.get("name")?.text()?;
        let title = title(name, package.get("version").and_then(Located::text));
        let own = cutter.add(title, package.line, package, &INERT, &[]);
        let name = normalise(name);
        digests.get(&name).into_iter().flatten().for_each(|digest| cutter.fragments.need(own, *digest));
        cutter.found_by(&Wanted::named(name), own);
        placed.push((own, package));
    }
    for (own, package) in placed {
        // Those of extras are among them, whoever asks for the extra.
        for (name, _) in package.get("dependencies").into_iter().flat_map(Located::entries) {
            cutter.need(own, &Wanted::named(normalise(&name.text)));
        }
    }
    let common = cutter.fragments.group("what holds for all", 1, common);
    let entries = Entries::Packages(cutter.by_name());
    Some(cutter.finish(common, entries))
}

/// Older locks have the digests of files in a table of their own, by package.
fn digests_of(metadata: &Located, cutter: &mut Cutter) -> HashMap<String, Vec<FragmentIndex>> {
    let mut digests: HashMap<String, Vec<FragmentIndex>> = HashMap::new();
    for table in ["files", "hashes"].iter().filter_map(|key| metadata.get(key)) {
        for (name, files) in table.entries() {
            let title = format!("files of {}", name.text);
            let fragment = cutter.fragments.add(title, name.line, &[&files.canonical_set(&[])]);
            digests.entry(normalise(&name.text)).or_default().push(fragment);
        }
    }
    digests
}
