//! `bun.lock`, versions 0 to 2: JSON with trailing commas.

use super::tree::{Levels, Tree};
use super::{Cutter, Led, Lock, dependencies};
use crate::discover::syntax::{Located, Value};

/// What is told by the entries: which versions they are.
const TOLD_BY_ENTRIES: [&str; 6] = ["lockfileVersion", "workspaces", "packages", "overrides", "catalog", "catalogs"];

/// Cuts a lockfile; none if it is not known how.
pub(super) fn read(document: &Located) -> Option<Lock> {
    if !matches!(document.get("lockfileVersion")?.scalar()?.as_str(), "0" | "1" | "2") {
        return None;
    }
    let mut cutter = Cutter::default();
    cutter.common(document, &TOLD_BY_ENTRIES);
    let workspaces: Vec<_> = document.get("workspaces")?.entries().collect();
    for (folder, _) in &workspaces {
        cutter.importer(&folder.text, folder.line, &[]);
    }
    let packages: Vec<_> = document.get("packages").into_iter().flat_map(Located::entries).collect();
    let mut tree = Tree::default();
    let levels = Levels::new(packages.iter().map(|(path, _)| enclosing(&path.text).0), &mut tree)?;
    let mut places = Vec::with_capacity(packages.len());
    for (number, (path, package)) in packages.iter().enumerate() {
        let (folder, name) = enclosing(&path.text);
        tree.put(levels.at(folder)?, name, number);
        let member =
            package.items().first().and_then(Located::text).and_then(|resolved| resolved.split_once("@workspace:"));
        places.push(match member.filter(|(_, folder)| cutter.has_importer(folder)) {
            Some((_, folder)) => Led::Member(folder.to_owned()),
            None => Led::Entry(cutter.entry(&path.text, path.line, package, &[])),
        });
    }
    for ((path, package), place) in packages.iter().zip(&places) {
        let Led::Entry(entry) = place else { continue };
        let from = levels.at(&path.text)?;
        let tables = package.items().iter().filter(|item| matches!(item.value, Value::Table(_)));
        for (name, _) in tables.flat_map(dependencies) {
            if let Some(found) = tree.find(from, name) {
                cutter.need(*entry, &places[found]);
            }
        }
    }
    for (folder, workspace) in workspaces {
        // What is installed for one package of the workspace alone stands below its name.
        let name = workspace.get("name").and_then(Located::text).unwrap_or_default();
        let from = levels.at(name)?;
        for (name, _) in dependencies(workspace) {
            if let Some(found) = tree.find(from, name) {
                let led = match &places[found] {
                    Led::Entry(entry) => Led::Entry(*entry),
                    Led::Member(folder) => Led::Member(folder.clone()),
                };
                cutter.lead(&folder.text, led);
            }
        }
    }
    Some(cutter.finish(None))
}

/// The packages around one, and its name: `a/@scope/b` lies in `a`.
fn enclosing(path: &str) -> (&str, &str) {
    let Some(slash) = path.rfind('/') else { return ("", path) };
    let scope = path[..slash].rfind('/').map_or(0, |at| at + 1);
    match path[scope..].starts_with('@') {
        true => (path[..scope].trim_end_matches('/'), &path[scope..]),
        false => (&path[..slash], &path[slash + 1..]),
    }
}
