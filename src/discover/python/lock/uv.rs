//! `uv.lock`, version 1. Its revisions add to it what older readers may leave aside.

use std::collections::BTreeMap;

use super::cutter::{Cutter, Wanted, title};
use super::{Entries, Lock, Member};
use crate::discover::python::reference::{kind_of_group, normalise};
use crate::discover::syntax::Located;
use crate::discover::{EdgeKind, FragmentIndex};

/// Keys of a package that others stand for: its extras and groups are fragments of their own, and `metadata` says again
/// what the manifest of a package here says.
const APART: [&str; 3] = ["dev-dependencies", "metadata", "optional-dependencies"];

/// What a file is known by besides its digest.
const INERT: [&str; 2] = ["size", "upload-time"];

pub(super) fn cut(document: &Located) -> Option<Lock> {
    if document.get("version")?.scalar()? != "1" {
        return None;
    }
    let mut cutter = Cutter::default();
    let beside = ["manifest", "package", "revision", "version"];
    let mut common = vec![cutter.add("what holds for all packages".to_owned(), 1, document, &beside, &[])];
    let manifest = document.get("manifest");
    if let Some(manifest) = manifest {
        // Who the members are is in their entries.
        let beside = ["dependency-groups", "members"];
        common.push(cutter.add("manifest".to_owned(), manifest.line, manifest, &beside, &[]));
    }
    let packages: Option<Vec<Package<'_>>> =
        document.get("package").map_or(&[][..], Located::items).iter().map(Package::of).collect();
    let packages = packages?;
    let placed: Vec<Placed<'_>> = packages.iter().map(|package| package.place(&mut cutter)).collect();
    let mut by_folder: BTreeMap<String, Option<Member>> = BTreeMap::new();
    let mut tools = Vec::new();
    for (package, placed) in packages.iter().zip(&placed) {
        let parts = [(package.table.get("dependencies"), placed.own)].into_iter();
        let parts = parts.chain(placed.parts.iter().map(|part| (Some(part.list), part.fragment)));
        for (list, fragment) in parts {
            let wanted = list.map_or(&[][..], Located::items).iter().flat_map(wanted);
            wanted.for_each(|wanted| cutter.need(fragment, &wanted));
        }
        let Some(folder) = package.folder() else { continue };
        let built = placed.parts.iter().filter(|part| part.kind == EdgeKind::Build);
        let built: Vec<FragmentIndex> = built.map(|part| part.fragment).collect();
        let all = placed.parts.iter().map(|part| part.fragment);
        if folder == "." {
            tools.extend(placed.parts.iter().filter(|part| part.is_group).map(|part| part.fragment));
        }
        let title = title(package.name, package.version);
        let line = package.table.line;
        let build = cutter.fragments.group(format!("{title} (build)"), line, std::iter::once(placed.own).chain(built));
        let all = cutter.fragments.group(format!("{title} (all)"), line, std::iter::once(placed.own).chain(all));
        let member = Some(Member { build, all });
        by_folder.entry(folder.to_owned()).and_modify(|known| *known = None).or_insert(member);
    }
    // A root that is no project has groups all the same.
    let groups = manifest.and_then(|manifest| manifest.get("dependency-groups"));
    for (group, list) in groups.into_iter().flat_map(Located::entries) {
        let fragment = cutter.fragments.add(format!("group {}", group.text), group.line, &[&list.canonical_set(&[])]);
        list.items().iter().flat_map(wanted).for_each(|wanted| cutter.need(fragment, &wanted));
        tools.push(fragment);
    }
    let tools = cutter.fragments.group("groups of the root", 1, tools);
    let common = cutter.fragments.group("what holds for all", 1, common);
    Some(cutter.finish(common, Entries::Members { by_folder, tools }))
}

/// A `[[package]]`.
struct Package<'a> {
    table: &'a Located,
    /// As written.
    name: &'a str,
    version: Option<&'a str>,
}

/// The fragments of a package.
struct Placed<'a> {
    own: FragmentIndex,
    parts: Vec<Part<'a>>,
}

/// An extra or a group of a package.
struct Part<'a> {
    fragment: FragmentIndex,
    list: &'a Located,
    kind: EdgeKind,
    is_group: bool,
}

impl<'a> Package<'a> {
    fn of(table: &'a Located) -> Option<Self> {
        Some(Self { table, name: table.get("name")?.text()?, version: table.get("version").and_then(Located::text) })
    }

    /// The folder that it is taken from, as written.
    fn folder(&self) -> Option<&'a str> {
        let source = self.table.get("source")?;
        ["editable", "virtual", "directory"].iter().find_map(|kind| source.get(kind)?.text())
    }

    fn place(&self, cutter: &mut Cutter) -> Placed<'a> {
        let title = title(self.name, self.version);
        let full = Wanted {
            version: self.version.map(str::to_owned),
            source: self.table.get("source").map(Located::canonical),
            ..Wanted::named(normalise(self.name))
        };
        let own = cutter.add(title.clone(), self.table.line, self.table, &APART, &INERT);
        cutter.found_by(&full, own);
        let mut parts = Vec::new();
        for (key, is_group) in [("optional-dependencies", false), ("dev-dependencies", true)] {
            for (part, list) in self.table.get(key).into_iter().flat_map(Located::entries) {
                let name =
                    if is_group { format!("{title} ({})", part.text) } else { format!("{title} [{}]", part.text) };
                let fragment = cutter.fragments.add(name, part.line, &[&list.canonical_set(&[])]);
                if !is_group {
                    cutter.found_by(&Wanted { extra: Some(normalise(&part.text)), ..full.clone() }, fragment);
                }
                parts.push(Part { fragment, list, kind: kind_of_group(&part.text), is_group });
            }
        }
        Placed { own, parts }
    }
}

/// What an item of a list of dependencies wants: a package, and the extras of it that it names.
fn wanted(item: &Located) -> Vec<Wanted> {
    let Some(name) = item.get("name").and_then(Located::text) else { return Vec::new() };
    let package = Wanted {
        version: item.get("version").and_then(Located::text).map(str::to_owned),
        source: item.get("source").map(Located::canonical),
        ..Wanted::named(normalise(name))
    };
    let extras = ["extra", "extras"].iter().filter_map(|key| item.get(key)).flat_map(Located::items);
    let extras =
        extras.filter_map(Located::text).map(|extra| Wanted { extra: Some(normalise(extra)), ..package.clone() });
    let extras: Vec<Wanted> = extras.collect();
    std::iter::once(package).chain(extras).collect()
}
