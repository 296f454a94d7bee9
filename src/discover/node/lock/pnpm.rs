//! `pnpm-lock.yaml`, versions 5, 6 and 9.

use std::collections::HashMap;

use super::{Cutter, Led, Lock};
use crate::discover::FragmentIndex;
use crate::discover::syntax::{Key, Located, Value};

/// What the entries tell themselves: an override or a catalog shows in the version that an entry has.
const TOLD_BY_ENTRIES: [&str; 11] = [
    "lockfileVersion",
    "importers",
    "packages",
    "snapshots",
    "overrides",
    "catalogs",
    "specifiers",
    "dependencies",
    "devDependencies",
    "optionalDependencies",
    "time",
];

/// How an entry is come by, which follows from who needs it, and words for people.
const INERT: [&str; 3] = ["dev", "optional", "deprecated"];

/// Tables of what an importer or an entry depends on. What one asks of its peers stands among the first.
const TABLES: [&str; 3] = ["dependencies", "devDependencies", "optionalDependencies"];

/// What manifests say, and the lockfile repeats.
const REPEATED: [&str; 4] = ["specifiers", "dependencies", "devDependencies", "optionalDependencies"];

/// The entries that can be meant, by their keys.
struct Entries<'a>(HashMap<&'a str, FragmentIndex>);

/// Cuts a lockfile; none if it is not known how.
pub(super) fn read(documents: &[Located]) -> Option<Lock> {
    let (document, before) = documents.split_last()?;
    let version = document.get("lockfileVersion")?.scalar()?;
    if !matches!(version.split('.').next()?, "5" | "6" | "9") {
        return None;
    }
    let mut cutter = Cutter::default();
    // Of the package manager itself, where it looks after its own version.
    for settings in before {
        let index = cutter.entry("packageManager", settings.line, settings, &[]);
        cutter.common.push(index);
    }
    // A patch that shows in the keys of what it patches is told by them.
    let patched = patched(document);
    let patches = || document.get("patchedDependencies").into_iter().flat_map(Located::entries);
    let is_told = patches().all(|(_, patch)| hash_of(patch).is_some_and(|hash| patched.contains_key(&*hash)));
    let told_by_keys = is_told.then_some("patchedDependencies");
    let told: Vec<&str> = TOLD_BY_ENTRIES.into_iter().chain(told_by_keys).collect();
    cutter.common(document, &told);
    let alone = Key { text: ".".to_owned(), line: document.line };
    let importers: Vec<(&Key, &Located)> = match document.get("importers") {
        Some(importers) => importers.entries().collect(),
        None => vec![(&alone, document)],
    };
    for (folder, importer) in &importers {
        let said = match document.get("importers") {
            Some(_) => importer.canonical_without(|key| REPEATED.contains(&key)),
            None => Vec::new(),
        };
        cutter.importer(&folder.text, folder.line, &said);
    }
    let table = |name: &str| document.get(name).into_iter().flat_map(Located::entries);
    let mut packages = Entries(HashMap::new());
    for (key, package) in table("packages") {
        packages.0.insert(&key.text, cutter.entry(&key.text, key.line, package, &INERT));
    }
    let has_snapshots = document.get("snapshots").is_some();
    let mut snapshots = Entries(HashMap::new());
    for (key, snapshot) in table("snapshots") {
        let entry = match packages.0.get(key.text.as_str()) {
            // The same package, without peers: one entry that says both.
            Some(package) => {
                if let Value::Table(pairs) = &snapshot.value
                    && !pairs.is_empty()
                {
                    let more = cutter.entry(&format!("{} as installed", key.text), key.line, snapshot, &INERT);
                    cutter.need(more, &Led::Entry(*package));
                    more
                } else {
                    *package
                }
            }
            None => {
                let package = packages.without_peers(&key.text)?;
                let entry = cutter.entry(&key.text, key.line, snapshot, &INERT);
                cutter.need(entry, &Led::Entry(package));
                entry
            }
        };
        snapshots.0.insert(&key.text, entry);
    }
    let entries = if has_snapshots { &snapshots } else { &packages };
    for (key, entry) in table(if has_snapshots { "snapshots" } else { "packages" }) {
        let Some(from) = entries.0.get(key.text.as_str()) else { continue };
        for (name, version) in references(entry) {
            if let Some(led) = entries.led(name, version, "") {
                cutter.need(*from, &led);
            }
        }
    }
    for (folder, importer) in &importers {
        for (name, version) in references(importer) {
            match entries.led(name, version, &folder.text) {
                Some(led) => cutter.lead(&folder.text, led),
                // It is not known what is meant.
                None => return None,
            }
        }
    }
    for (_, patch) in patches() {
        let hash = hash_of(patch);
        let keys = hash.as_deref().and_then(|hash| patched.get(hash)).map(Vec::as_slice).unwrap_or_default();
        let found = keys.iter().filter_map(|key| entries.0.get(key).copied());
        if let (Some(path), false) = (patch.get("path").and_then(Located::text), keys.is_empty()) {
            cutter.patches.entry(path.to_owned()).or_default().extend(found);
        }
    }
    Some(cutter.finish(None))
}

/// The hash of a patch, which newer versions give alone.
fn hash_of(patch: &Located) -> Option<String> {
    patch.get("hash").unwrap_or(patch).scalar()
}

/// The keys of patched entries, such as `a@1.0.0(patch_hash=x)`, by the hash.
fn patched(document: &Located) -> HashMap<&str, Vec<&str>> {
    let mut patched: HashMap<&str, Vec<&str>> = HashMap::new();
    let tables = ["packages", "snapshots"].into_iter().filter_map(|table| document.get(table));
    for (key, _) in tables.flat_map(Located::entries) {
        for part in key.text.split("(patch_hash=").skip(1) {
            let hash = part.split(')').next().unwrap_or_default();
            patched.entry(hash).or_default().push(&key.text);
        }
    }
    patched
}

/// The names and versions that an importer or an entry depends on.
fn references(holder: &Located) -> impl Iterator<Item = (&str, &str)> {
    let tables = TABLES.iter().filter_map(|table| holder.get(table));
    tables.flat_map(Located::entries).filter_map(|(key, value)| {
        let version = value.get("version").unwrap_or(value);
        Some((key.text.as_str(), version.text()?))
    })
}

impl Entries<'_> {
    /// What a version of a name leads to, as written in a folder.
    fn led(&self, name: &str, version: &str, folder: &str) -> Option<Led> {
        if let Some(path) = version.strip_prefix("link:") {
            return Some(Led::Member(joined(folder, path)));
        }
        // Version 9 writes the first, version 6 the second, version 5 the third; any the last for another name.
        let keys = [format!("{name}@{version}"), format!("/{name}@{version}"), format!("/{name}/{version}")];
        let found = keys.iter().find_map(|key| self.0.get(key.as_str())).or_else(|| self.0.get(version));
        found.map(|entry| Led::Entry(*entry))
    }

    /// The package of a snapshot such as `a@1.0.0(b@2.0.0)`.
    fn without_peers(&self, key: &str) -> Option<FragmentIndex> {
        // A path may have a bracket too.
        let ends = key.match_indices('(').map(|(at, _)| at).take(8);
        ends.filter_map(|at| self.0.get(&key[..at])).next().copied()
    }
}

/// The folder that a path leads to, from the lockfile's on.
fn joined(folder: &str, path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in folder.split('/').chain(path.split('/')) {
        match segment {
            "" | "." => {}
            ".." if segments.last().is_some_and(|last| *last != "..") => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    segments.join("/")
}
