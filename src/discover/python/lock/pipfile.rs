//! `Pipfile.lock`, version 6: flat, it does not say what needs what.

use super::cutter::Cutter;
use super::{Entries, Lock, Member};
use crate::discover::EdgeKind;
use crate::discover::python::reference::kind_of_group;
use crate::discover::syntax::Located;

pub(super) fn cut(document: &Located) -> Option<Lock> {
    let metadata = document.get("_meta")?;
    if metadata.get("pipfile-spec")?.scalar()? != "6" {
        return None;
    }
    let mut cutter = Cutter::default();
    // The digest of the Pipfile says what the Pipfile says.
    let common = cutter.add("_meta".to_owned(), metadata.line, metadata, &["hash"], &[]);
    let (mut build, mut all) = (Vec::new(), Vec::new());
    for (category, packages) in document.entries().filter(|(category, _)| category.text != "_meta") {
        let prefix = if category.text == "default" { String::new() } else { format!("{}: ", category.text) };
        for (name, package) in packages.entries() {
            let said = package.canonical_set(&[]);
            let fragment = cutter.fragments.add(format!("{prefix}{}", name.text), name.line, &[&said]);
            all.push(fragment);
            if kind_of_group(&category.text) == EdgeKind::Build {
                build.push(fragment);
            }
        }
    }
    let build = cutter.fragments.group("packages", 1, build);
    let all = cutter.fragments.group("packages of all categories", 1, all);
    Some(cutter.finish(common, Entries::Flat(Member { build, all })))
}
