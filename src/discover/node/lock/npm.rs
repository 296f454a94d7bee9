//! `package-lock.json` and `npm-shrinkwrap.json`, versions 1 to 3.

use std::collections::BTreeMap;

use super::tree::{Level, Levels, Tree};
use super::{Cutter, Led, Lock, dependencies};
use crate::discover::FragmentIndex;
use crate::discover::syntax::Located;

/// How an entry is come by, which follows from who needs it, and words for people.
const INERT: [&str; 8] = ["dev", "devOptional", "optional", "peer", "extraneous", "license", "funding", "deprecated"];

/// The same in version 1, and what is cut apart there.
const INERT_WHERE_NESTED: [&str; 4] = ["dev", "optional", "requires", "dependencies"];

/// How many bytes the names of nested entries may repeat: they could cost far more than the file has.
const MOST_REPEATED: usize = 64 * 1024 * 1024;

/// Cuts a lockfile; none if it is not known how.
pub(super) fn read(document: &Located) -> Option<Lock> {
    match document.get("lockfileVersion")?.scalar()?.as_str() {
        "1" => nested(document),
        "2" | "3" => by_path(document),
        _ => None,
    }
}

/// The folder that a package lies in and its name, if it is an installed one.
fn installed(path: &str) -> Option<(&str, &str)> {
    const FOLDER: &str = "node_modules/";
    let at = path.rfind(FOLDER).filter(|at| *at == 0 || path[..*at].ends_with('/'))?;
    Some((path[..at].trim_end_matches('/'), &path[at + FOLDER.len()..]))
}

/// Versions 2 and 3: `packages` by the paths that they are installed at. The second repeats itself as the first would
/// have it.
fn by_path(document: &Located) -> Option<Lock> {
    let packages: Vec<_> = document.get("packages")?.entries().collect();
    let mut cutter = Cutter::default();
    cutter.common(document, &["name", "version", "lockfileVersion", "requires", "packages", "dependencies"]);
    let mut tree = Tree::default();
    let folders = packages.iter().filter_map(|(path, _)| Some(installed(&path.text)?.0));
    let levels = Levels::new(folders, &mut tree)?;
    let mut places: Vec<Option<FragmentIndex>> = Vec::with_capacity(packages.len());
    for (number, (path, package)) in packages.iter().enumerate() {
        places.push(match installed(&path.text) {
            Some((folder, name)) => {
                tree.put(levels.at(folder)?, name, number);
                Some(cutter.entry(&path.text, path.line, package, &INERT))
            }
            None => {
                cutter.importer(&path.text, path.line, &[]);
                None
            }
        });
    }
    let links: Vec<Option<&str>> = packages
        .iter()
        .map(|(_, package)| {
            let is_link = package.get("link").and_then(Located::truth) == Some(true);
            package.get("resolved").and_then(Located::text).filter(|folder| is_link && cutter.has_importer(folder))
        })
        .collect();
    let led = |number: usize| match (links[number], places[number]) {
        (Some(folder), _) => Some(Led::Member(folder.to_owned())),
        (None, Some(entry)) => Some(Led::Entry(entry)),
        (None, None) => None,
    };
    for (number, (path, package)) in packages.iter().enumerate() {
        let from = levels.at(&path.text)?;
        for led in dependencies(package).filter_map(|(name, _)| led(tree.find(from, name)?)) {
            match places[number] {
                Some(entry) => cutter.need(entry, &led),
                None => cutter.lead(&path.text, led),
            }
        }
        if let (Some(entry), Some(folder)) = (places[number], links[number]) {
            cutter.need(entry, &Led::Member(folder.to_owned()));
        }
    }
    Some(cutter.finish(None))
}

/// An entry of version 1.
struct Nested<'a> {
    says: &'a Located,
    fragment: FragmentIndex,
    /// The folder of what is nested in it, or else the one that it lies in.
    level: Level,
}

/// Version 1: `dependencies` in `dependencies`. It does not say what its own package asks for.
fn nested(document: &Located) -> Option<Lock> {
    let mut cutter = Cutter::default();
    let mut tree = Tree::default();
    let mut entries: Vec<Nested<'_>> = Vec::new();
    let mut requests = BTreeMap::new();
    let outermost = tree.level(None)?;
    let mut pending = vec![(document, outermost, String::new())];
    let mut names = 0;
    while let Some((holder, level, around)) = pending.pop() {
        for (key, says) in holder.get("dependencies").into_iter().flat_map(Located::entries) {
            let name = format!("{around}{}", key.text);
            names += around.len();
            if names > MOST_REPEATED {
                return None;
            }
            let nests = says.get("dependencies").is_some_and(|nested| nested.entries().next().is_some());
            let fragment = cutter.entry(&name, key.line, says, &INERT_WHERE_NESTED);
            let own = if nests { tree.level(Some(level))? } else { level };
            tree.put(level, &key.text, entries.len());
            entries.push(Nested { says, fragment, level: own });
            if level == outermost {
                requests.insert(key.text.clone(), fragment);
            }
            if nests {
                pending.push((says, own, format!("{name}/")));
            }
        }
    }
    for entry in &entries {
        // What is bundled is there whether it is asked for or not.
        let tables = ["requires", "dependencies"].into_iter().filter_map(|table| entry.says.get(table));
        for (name, _) in tables.flat_map(Located::entries) {
            if let Some(found) = tree.find(entry.level, &name.text) {
                cutter.need(entry.fragment, &Led::Entry(entries[found].fragment));
            }
        }
    }
    Some(cutter.finish(Some(requests)))
}
