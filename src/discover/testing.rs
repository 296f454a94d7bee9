//! For the tests of ecosystems: links of a tree that is written as one string, as text that is easy to compare.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::landscape::{Landscape, Manifest, Places};
use super::{Ecosystem, EdgeTarget, Links, Reading};
use crate::path::RepoPath;
use crate::selection::{Reach, Selection};
use crate::tree::{MemoryTree, Node, Tree};

/// Links the tree (see [`MemoryTree::parse`]) as one ecosystem sees it.
pub(crate) fn links_of<E: Ecosystem>(text: &str) -> Links {
    let tree = MemoryTree::parse(text);
    let mut read = Vec::new();
    let mut pending = vec![(RepoPath::root(), tree.root())];
    while let Some((folder, id)) = pending.pop() {
        for entry in tree.folder(id).unwrap().iter() {
            let path = folder.child(&entry.name);
            match entry.node {
                Node::Folder(id) => pending.push((path, id)),
                Node::Content(mode, id) if mode.is_file() && E::recognises(&entry.name) => {
                    // Facts are kept between runs, so what is linked here are facts that were kept.
                    let facts = E::read(&entry.name, &tree.content(id).unwrap());
                    let kept = facts.map(|facts| {
                        let bytes = postcard::to_allocvec(&facts).unwrap();
                        let (again, rest) = postcard::take_from_bytes::<E::Facts>(&bytes).unwrap();
                        assert_eq!((postcard::to_allocvec(&again).unwrap(), rest), (bytes.clone(), &[][..]));
                        again
                    });
                    read.push((path, kept));
                }
                Node::Content(..) => {}
            }
        }
    }
    read.sort_by(|a, b| a.0.cmp(&b.0));
    let manifests = read.iter().map(|(path, facts)| Manifest { path, facts: facts.as_ref() }).collect();
    let places = Places::new(&tree);
    let mut links = Links::default();
    let reader = |path: &RepoPath, id| E::read(path.name().unwrap(), &tree.content(id).unwrap()).map(Arc::new);
    E::link(&Landscape::new(manifests, &places, &reader), &mut links);
    assert_eq!(places.failure(), None);
    links
}

/// What a task reads, sorted and without evidence: each selection, and each file outside of its folder that it reads in
/// slices as if it were whole.
pub(crate) fn inputs_of(links: &Links, folder: &str, task: &str) -> Vec<String> {
    let mut read = BTreeSet::new();
    for claim in links.tasks.iter().filter(|claim| claim.folder.to_string() == folder && claim.name == task) {
        let outside = claim.slices.iter().filter(|slice| !slice.file.is_within(&claim.folder));
        read.extend(outside.map(|slice| format!("{} All []", slice.file)));
        read.extend(claim.inputs.iter().map(|input| {
            let selection = &input.selection;
            format!("{} {:?} [{}]", selection.base, selection.reach, rules_of(selection))
        }));
    }
    read.into_iter().collect()
}

fn rules_of(selection: &Selection) -> String {
    let rules = selection.filters.iter().flat_map(|filter| &filter.rules);
    let rules = rules.map(|rule| format!("{}{}", if rule.include { "" } else { "!" }, rule.glob));
    rules.collect::<Vec<_>>().join(" ")
}

/// Links as lines, sorted: what a test compares.
pub(crate) fn describe(links: &Links) -> String {
    let mut lines = Vec::new();
    for p in &links.projects {
        let aliases = p.aliases.join(",");
        lines.push(format!("project {} {:?} {:?} [{aliases}] {:?}", p.folder, p.role, p.admission, p.ground));
    }
    for e in &links.edges {
        let to = match &e.to {
            EdgeTarget::Project(folder) => folder.to_string(),
            EdgeTarget::Path(path) => format!("owner of {path}"),
        };
        lines.push(format!("edge {} -> {to} {:?} {}:{}", e.from, e.kind, e.evidence.file, e.evidence.line));
    }
    for t in &links.tasks {
        lines.push(format!("task {}:{} `{}`", t.folder, t.name, t.command.as_ref().map_or("", |c| &c.line)));
        for input in &t.inputs {
            lines.push(format!(
                "input {}:{} <- {} {:?} [{}]{} {}:{}",
                t.folder,
                t.name,
                input.selection.base,
                input.selection.reach,
                rules_of(&input.selection),
                input.selection.sliced.iter().map(|file| format!(" but {file}")).collect::<String>(),
                input.evidence.file,
                input.evidence.line
            ));
        }
        for slice in &t.slices {
            let fragments = &links.fragments.iter().find(|(file, _)| *file == slice.file).unwrap().1;
            let name = &fragments.get(slice.fragment).unwrap().name;
            lines.push(format!("slice {}:{} <- {} `{name}`", t.folder, t.name, slice.file));
            let covered =
                t.inputs.iter().any(|i| i.selection.reach == Reach::Owned && i.selection.matches(&slice.file));
            assert!(!covered, "{}:{} reads {} as a whole and in slices", t.folder, t.name, slice.file);
        }
        for reading in &t.reads {
            let reading = match reading {
                Reading::Own(task) => format!("own {task}"),
                Reading::Along(kinds, task) => format!("^{task} along {kinds:?}"),
                Reading::Task(project, task, _) => format!("{project}:{task}"),
            };
            lines.push(format!("reads {}:{} <- {reading}", t.folder, t.name));
        }
    }
    for l in &links.layouts {
        lines.push(format!("layout {} copies {} {}:{}", l.project, l.source, l.evidence.file, l.evidence.line));
    }
    for d in &links.dangling {
        let name = String::from_utf8_lossy(&d.name);
        lines.push(format!("dangling {} wants {name} {}:{}", d.from, d.evidence.file, d.evidence.line));
    }
    for j in &links.joins {
        lines.push(format!("join {} by {:?}", j.folder, j.wish));
    }
    for m in &links.mentions {
        let (evidence, file) = (&m.input.evidence, &m.input.selection.base);
        lines.push(format!("mention of {} in {file} {}:{}", m.path, evidence.file, evidence.line));
    }
    for d in &links.diagnostics {
        let place = d.place.as_ref().map_or(String::new(), |p| format!(" {}:{}", p.file, p.line));
        lines.push(format!("{:?} {}: {}{place}", d.severity, d.code, d.message));
    }
    lines.sort();
    lines.join("\n")
}
