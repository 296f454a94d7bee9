//! `package-lock.json` and `npm-shrinkwrap.json`, versions 1 to 3.

use std::collections::BTreeMap;

use super::tree::{Level, Levels, Tree};
use super::{Cutter, Led, Lock, dependencies};
use crate::discover::FragmentIndex;
use crate::discover::syntax::{Key, Located, Unreadable, Value, outline, read_json, text_of};

/// How an entry is come by, which follows from who needs it, and words for people.
const INERT: [&str; 8] = ["dev", "devOptional", "optional", "peer", "extraneous", "license", "funding", "deprecated"];

/// The same in version 1, and what is cut apart there.
const INERT_WHERE_NESTED: [&str; 4] = ["dev", "optional", "requires", "dependencies"];

/// How many bytes the names of nested entries may repeat: they could cost far more than the file has.
const MOST_REPEATED: usize = 64 * 1024 * 1024;

/// Cuts a lockfile; none if it is not known how.
pub(super) fn read(bytes: &[u8]) -> Result<Option<Lock>, Unreadable> {
    if let Some(lock) = text_of(bytes).ok().and_then(one_by_one) {
        return Ok(lock);
    }
    let document = read_json(bytes)?;
    Ok(cut(&document))
}

fn cut(document: &Located) -> Option<Lock> {
    if !goes_by_path(document)? {
        return nested(document);
    }
    let mut packages = Packages::new(document);
    document.get("packages")?.entries().for_each(|(path, package)| packages.add(path, package));
    packages.finish()
}

/// As [`cut`], with what stands under `packages`, which is most of a large file, read an entry at a time. None where the file
/// has to be read as a whole.
fn one_by_one(text: &str) -> Option<Option<Lock>> {
    let (mut others, mut outlined) = (Vec::new(), None);
    for (key, value) in outline(text)? {
        match outlined {
            None if key.text == "packages" => outlined = Some(value.outline()?),
            _ => others.push((key, value.read()?)),
        }
    }
    let document = Located { line: 1, value: Value::Table(others) };
    if !goes_by_path(&document)? {
        return None;
    }
    let mut packages = Packages::new(&document);
    drop(document);
    for (path, package) in outlined? {
        packages.add(&path, &package.read()?);
    }
    Some(packages.finish())
}

/// Whether packages stand under the paths that they are installed at; none where the version is not known.
fn goes_by_path(document: &Located) -> Option<bool> {
    match document.get("lockfileVersion")?.scalar()?.as_str() {
        "1" => Some(false),
        "2" | "3" => Some(true),
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
struct Packages {
    cutter: Cutter,
    all: Vec<Package>,
}

/// What is still asked of a package once all are known.
struct Package {
    path: String,
    /// None for one of the workspace.
    place: Option<FragmentIndex>,
    /// The folder that it is a link to.
    link: Option<String>,
    needs: Vec<Box<str>>,
}

impl Packages {
    fn new(document: &Located) -> Self {
        let mut cutter = Cutter::default();
        cutter.common(document, &["name", "version", "lockfileVersion", "requires", "packages", "dependencies"]);
        Self { cutter, all: Vec::new() }
    }

    fn add(&mut self, path: &Key, package: &Located) {
        let place = match installed(&path.text) {
            Some(_) => Some(self.cutter.entry(&path.text, path.line, package, &INERT)),
            None => {
                self.cutter.importer(&path.text, path.line, &[]);
                None
            }
        };
        let is_link = package.get("link").and_then(Located::truth) == Some(true);
        let link = package.get("resolved").and_then(Located::text).filter(|_| is_link).map(str::to_owned);
        let needs = dependencies(package).map(|(name, _)| name.into()).collect();
        self.all.push(Package { path: path.text.clone(), place, link, needs });
    }

    fn finish(self) -> Option<Lock> {
        let Self { mut cutter, mut all } = self;
        for package in &mut all {
            package.link = package.link.take().filter(|folder| cutter.has_importer(folder));
        }
        let mut tree = Tree::default();
        let folders = all.iter().filter_map(|package| Some(installed(&package.path)?.0));
        let levels = Levels::new(folders, &mut tree)?;
        for (number, package) in all.iter().enumerate() {
            if let Some((folder, name)) = installed(&package.path) {
                tree.put(levels.at(folder)?, name, number);
            }
        }
        let led = |number: usize| match (&all[number].link, all[number].place) {
            (Some(folder), _) => Some(Led::Member(folder.clone())),
            (None, Some(entry)) => Some(Led::Entry(entry)),
            (None, None) => None,
        };
        for Package { path, place, link, needs } in &all {
            let from = levels.at(path)?;
            for led in needs.iter().filter_map(|name| led(tree.find(from, name)?)) {
                match place {
                    Some(entry) => cutter.need(*entry, &led),
                    None => cutter.lead(path, led),
                }
            }
            if let (Some(entry), Some(folder)) = (place, link) {
                cutter.need(*entry, &Led::Member(folder.clone()));
            }
        }
        Some(cutter.finish(None))
    }
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
