//! CMake: the topmost `CMakeLists.txt` that begins a project is a project, with all that it adds below.
//!
//! One in a project of another ecosystem is part of that project.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::surroundings::Surroundings;
use super::syntax::{Lines, Stated, Unreadable, text_of};
use super::{
    Admission, Command, Ecosystem, EdgeClaim, EdgeKind, EdgeTarget, Ground, Input, Landscape, Links, ProjectClaim,
    Reading, Role, TaskClaim,
};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::path::RepoPath;
use crate::selection::Selection;

/// Projects of CMake.
pub(super) struct Cmake;

const MANIFEST: &[u8] = b"CMakeLists.txt";

/// What a `CMakeLists.txt` says.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Lists {
    project: Option<Stated<Option<String>>>,
    has_tests: bool,
    /// Paths that climb, as far as they are literal.
    paths: Vec<Stated<Climb>>,
}

/// A path that climbs out of a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Climb {
    /// Whether it begins at the topmost folder, and not at the file's own.
    from_top: bool,
    path: String,
}

impl Ecosystem for Cmake {
    type Facts = Lists;

    const NAME: &'static str = "cmake";

    fn recognises(name: &[u8]) -> bool {
        name == MANIFEST
    }

    fn read(_name: &[u8], bytes: &[u8]) -> Result<Lists, Unreadable> {
        let text = text_of(bytes)?;
        let lines = Lines::new(text);
        let mut lists = Lists::default();
        for (offset, command, argument) in words(text) {
            let line = lines.line_of(offset);
            match command.to_ascii_lowercase().as_str() {
                "project" if lists.project.is_none() => {
                    let name = Some(argument.to_owned()).filter(|name| !name.is_empty() && !name.contains('$'));
                    lists.project = Some(lines.stated(line, name));
                }
                "enable_testing" | "add_test" => lists.has_tests = true,
                "include" if argument == "CTest" => lists.has_tests = true,
                _ => {}
            }
            lists.paths.extend(climb(argument).map(|climb| lines.stated(line, climb)));
        }
        Ok(lists)
    }

    fn link(landscape: &Landscape<'_, Lists>, links: &mut Links) {
        let mut surroundings = Surroundings::new(landscape, |name| name != MANIFEST);
        let mut projects: BTreeMap<RepoPath, Evidence> = BTreeMap::new();
        for manifest in landscape.manifests() {
            let folder = manifest.folder();
            let begins = manifest.facts.map_or(true, |lists| lists.project.is_some());
            // Paths are sorted, but a folder's own file may come behind those of folders below it.
            if begins && surroundings.project_around(&folder).is_none() {
                let named = manifest.facts.ok().and_then(|lists| lists.project.as_ref());
                let evidence = named.map_or_else(|| Evidence::new(manifest.path, 0, ""), |p| p.evidence(manifest.path));
                projects.insert(folder, evidence);
            }
        }
        let topmost: BTreeSet<RepoPath> = projects
            .keys()
            .filter(|folder| !folder.ancestors().skip(1).any(|above| projects.contains_key(&above)))
            .cloned()
            .collect();
        let mut inside: BTreeMap<&RepoPath, Vec<(&RepoPath, &Lists)>> = BTreeMap::new();
        for manifest in landscape.manifests() {
            let top = manifest.folder().ancestors().find_map(|above| topmost.get(&above));
            if let (Some(top), Ok(lists)) = (top, manifest.facts) {
                inside.entry(top).or_default().push((manifest.path, lists));
            }
        }
        for folder in &topmost {
            let files = inside.remove(folder).unwrap_or_default();
            // Lists in the folder of another project are read all the same.
            let mut owned_by_others = |place: &RepoPath| {
                place != folder && surroundings.project_around(place).is_some_and(|around| around.is_within(folder))
            };
            let places = files.iter().filter_map(|(path, _)| path.parent());
            let foreign: Vec<RepoPath> = places.filter(|place| owned_by_others(place)).collect();
            claim_project(landscape, folder, &projects[folder], &files, &foreign, links);
        }
    }
}

fn claim_project(
    landscape: &Landscape<'_, Lists>,
    folder: &RepoPath,
    evidence: &Evidence,
    files: &[(&RepoPath, &Lists)],
    foreign: &[RepoPath],
    links: &mut Links,
) {
    let own = landscape.facts(&folder.child(MANIFEST));
    let name = own.and_then(|lists| lists.project.as_ref()?.value.clone());
    links.projects.push(ProjectClaim {
        folder: folder.clone(),
        role: Role::Code,
        aliases: name.into_iter().collect(),
        admission: Admission::Admitted,
        ground: Ground::Own,
        evidence: evidence.clone(),
    });
    let mut inputs = vec![Input { selection: Selection::owned(folder), evidence: evidence.clone() }];
    for place in foreign {
        let evidence = Evidence::new(&place.child(MANIFEST), 0, "");
        inputs.push(Input { selection: Selection::all(place), evidence: evidence.clone() });
        let (from, to) = (folder.clone(), EdgeTarget::Path(place.clone()));
        links.edges.push(EdgeClaim { from, to, kind: EdgeKind::Build, evidence });
    }
    let mut seen = BTreeSet::new();
    for (file, lists) in files {
        let place = file.parent().unwrap_or_else(RepoPath::root);
        for climb in &lists.paths {
            let base = if climb.value.from_top { folder } else { &place };
            let evidence = climb.evidence(file);
            match base.resolve(climb.value.path.as_bytes()) {
                // A project's own folder, or one around it, which is only named to go on from there.
                Ok(path) if path.is_within(folder) || folder.is_within(&path) => {}
                Ok(path) if landscape.exists(&path) => {
                    if seen.insert(path.clone()) {
                        inputs.push(Input { selection: Selection::all(&path), evidence: evidence.clone() });
                        let (from, to) = (folder.clone(), EdgeTarget::Path(path));
                        links.edges.push(EdgeClaim { from, to, kind: EdgeKind::Build, evidence });
                    }
                }
                Ok(_) => {}
                Err(_) => {
                    let message = format!("`{}` lies outside the repository, so its changes are not seen", climb.text);
                    let finding = Diagnostic::warning("outside-repository", message).at(&evidence);
                    links.diagnostics.push(finding.help("name a path of the repository"));
                }
            }
        }
    }
    let has_tests = own.is_none() || files.iter().any(|(_, lists)| lists.has_tests);
    let upstream = Reading::Along(vec![EdgeKind::Build, EdgeKind::Schema], "build".to_owned());
    let mut task = |name: &str, line: &str, reads: Vec<Reading>| {
        links.tasks.push(TaskClaim {
            folder: folder.clone(),
            name: name.to_owned(),
            inputs: inputs.clone(),
            slices: Vec::new(),
            reads,
            command: Some(Command { line: line.to_owned(), folder: folder.clone() }),
            tool: "cmake".to_owned(),
            builds_upstream: true,
            outputs: (name == "test").then(Vec::new),
        });
    };
    let build = "cmake -B build && cmake --build build";
    task("build", build, vec![upstream.clone()]);
    if has_tests {
        task("test", &format!("{build} && ctest --test-dir build"), vec![Reading::Own("build".to_owned()), upstream]);
    }
}

/// The part of a path that climbs, if one does. What follows a variable that is not known is left out.
fn climb(argument: &str) -> Option<Climb> {
    let bases = [
        ("${CMAKE_CURRENT_SOURCE_DIR}/", false),
        ("${CMAKE_CURRENT_LIST_DIR}/", false),
        ("${CMAKE_SOURCE_DIR}/", true),
        ("${PROJECT_SOURCE_DIR}/", true),
    ];
    let based = bases.iter().find_map(|(base, from_top)| Some((argument.strip_prefix(base)?, *from_top)));
    let (path, from_top) = based.unwrap_or((argument, false));
    let literal = match path.find(['$', '*', '<']) {
        Some(at) => &path[..path[..at].rfind('/')?],
        None => path,
    };
    let climbs = literal.split('/').any(|segment| segment == "..");
    climbs.then(|| Climb { from_top, path: literal.to_owned() })
}

/// Each argument with its command and where it stands; a command without arguments has one that is empty.
fn words(text: &str) -> Vec<(usize, &str, &str)> {
    let bytes = text.as_bytes();
    let (mut found, mut command, mut word) = (Vec::new(), "", "");
    let (mut at, mut depth, mut is_first) = (0, 0usize, false);
    while let Some(&byte) = bytes.get(at) {
        let rest = &bytes[at..];
        let length = match byte {
            b'#' if bracket(&rest[1..]).is_some() => 1 + bracket(&rest[1..]).unwrap_or_default(),
            b'#' => memchr::memchr(b'\n', rest).unwrap_or(rest.len()),
            b'[' if bracket(rest).is_some() => bracket(rest).unwrap_or(1),
            b'(' => {
                if depth == 0 {
                    (command, is_first) = (word, true);
                }
                depth += 1;
                1
            }
            b')' => {
                depth = depth.saturating_sub(1);
                if depth == 0 && is_first {
                    found.push((at, command, ""));
                    is_first = false;
                }
                1
            }
            b'"' => {
                let mut end = 1;
                while rest.get(end).is_some_and(|&inside| inside != b'"') {
                    end += if rest[end] == b'\\' { 2 } else { 1 };
                }
                let argument = text.get(at + 1..at + end).unwrap_or_default();
                found.push((at, command, argument));
                is_first = false;
                end + 1
            }
            _ if byte.is_ascii_whitespace() || byte == b';' => 1,
            _ => {
                let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'(' | b')' | b'"' | b'#' | b';');
                let length = rest.iter().position(ends).unwrap_or(rest.len()).max(1);
                word = text.get(at..at + length).unwrap_or_default();
                if depth > 0 {
                    found.push((at, command, word));
                    is_first = false;
                }
                length
            }
        };
        at += length;
    }
    found
}

/// The length of `[[…]]` or `[=[…]=]`, if one begins here.
fn bracket(rest: &[u8]) -> Option<usize> {
    let signs = rest.strip_prefix(b"[")?.iter().take_while(|&&byte| byte == b'=').count();
    let inside = rest.get(signs + 1..)?.strip_prefix(b"[")?;
    let end = [&b"]"[..], &b"=".repeat(signs), b"]"].concat();
    let length = memchr::memmem::find(inside, &end).map_or(inside.len(), |found| found + end.len());
    Some(signs + 2 + length)
}
