//! `yarn.lock` as Yarn 2 and later write it: YAML with `__metadata`.

use std::collections::BTreeSet;

use super::{Cutter, Led, Lock, Requests, dependencies, name_of};
use crate::discover::syntax::Located;

/// The newest version of the format that is known.
const NEWEST: u64 = 10;

/// Whether a `yarn.lock` is one of these.
pub(super) fn is_meant(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("__metadata:"))
}

/// Cuts a lockfile; none if it is not known how.
pub(super) fn read(document: &Located) -> Option<Lock> {
    let version: u64 = document.at(&["__metadata", "version"])?.scalar()?.parse().ok()?;
    if version > NEWEST {
        return None;
    }
    let mut cutter = Cutter::default();
    let mut requests = Requests::default();
    let mut entries = Vec::new();
    // An entry that was patched stands beside the one that it was made of, under a descriptor that nobody writes.
    let mut patched: BTreeSet<&str> = BTreeSet::new();
    for (key, entry) in document.entries().filter(|(key, _)| key.text != "__metadata") {
        let resolution = entry.get("resolution").and_then(Located::text)?;
        let name = name_of(resolution)?;
        let member = resolution[name.len()..].strip_prefix("@workspace:");
        let place = match member {
            Some(folder) => {
                cutter.importer(folder, key.line, &[]);
                Led::Member(folder.to_owned())
            }
            None => Led::Entry(cutter.entry(resolution, key.line, entry, &[])),
        };
        let fragment = match &place {
            Led::Entry(fragment) => *fragment,
            Led::Member(folder) => cutter.importers.get(super::normal(folder))?.linked,
        };
        requests.answer(key.text.split(',').map(str::trim), fragment);
        if resolution[name.len()..].starts_with("@patch:") {
            patched.insert(name);
            for file in patch_files(resolution) {
                cutter.patches.entry(file.to_owned()).or_default().push(fragment);
            }
        }
        entries.push((place, fragment, entry));
    }
    let any = requests.any(&mut cutter.fragments);
    let members: std::collections::HashMap<_, _> = entries
        .iter()
        .filter_map(|(place, fragment, _)| match place {
            Led::Member(folder) => Some((*fragment, folder.clone())),
            Led::Entry(_) => None,
        })
        .collect();
    for (place, fragment, entry) in &entries {
        for (name, wanted) in dependencies(entry) {
            let Some(wanted) = wanted.scalar() else { continue };
            // Before its version 8 the format left the protocol of the registry out.
            let exact = || {
                let exact = requests.exact.get(&format!("{name}@{wanted}"));
                exact.or_else(|| requests.exact.get(&format!("{name}@npm:{wanted}")))
            };
            // A resolution answers what is asked for under another descriptor.
            let found = if patched.contains(name) { None } else { exact() };
            let Some(found) = found.or_else(|| any.get(name)) else { continue };
            let led = members.get(found).map_or(Led::Entry(*found), |folder| Led::Member(folder.clone()));
            match place {
                Led::Member(folder) => cutter.lead(folder, led),
                Led::Entry(_) => cutter.need(*fragment, &led),
            }
        }
    }
    Some(cutter.finish(None))
}

/// The files of a resolution such as `a@patch:a@npm%3A1.0.0#~/.yarn/patches/a.patch::version=1.0.0&hash=x`, from the
/// root's folder on.
fn patch_files(resolution: &str) -> impl Iterator<Item = &str> {
    let (files, bound) = resolution.split_once('#').map_or("", |(_, files)| files).split_once("::").unwrap_or_default();
    // Older versions say from which package of the workspace on.
    let is_of_root = bound.split('&').any(|bound| bound.starts_with("locator=") && bound.ends_with("%40workspace%3A."));
    let files = files.split('&').map(|file| file.strip_prefix("optional!").unwrap_or(file));
    let files =
        files.filter_map(move |file| file.strip_prefix("~/").or(file.strip_prefix("./").filter(|_| is_of_root)));
    files.filter(|file| !file.contains('%'))
}
