//! .NET: MSBuild projects, the files that they import or inherit, and solutions.
//!
//! A project's inheritance is found by probing upwards (`Directory.Build.props` and its kin), so those files are
//! inputs without a line that names them. Conditions are not judged: both sides are taken.

mod evaluate;
mod expand;
mod facts;
mod parts;
mod project;
mod slices;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

pub use self::facts::DotnetFacts;

use super::shell::path_word;
use super::syntax::Unreadable;
use super::{
    Admission, Command, DanglingClaim, Ecosystem, EdgeClaim, EdgeKind, EdgeTarget, Ground, Input, Landscape, Links,
    ProjectClaim, Reading, Role, SliceClaim, TaskClaim,
};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::path::RepoPath;
use crate::selection::Selection;

/// The .NET ecosystem.
pub struct Dotnet;

impl Ecosystem for Dotnet {
    type Facts = DotnetFacts;

    const NAME: &'static str = "dotnet";

    fn recognises(name: &[u8]) -> bool {
        facts::is_recognised(name)
    }

    fn read(name: &[u8], bytes: &[u8]) -> Result<DotnetFacts, Unreadable> {
        facts::read(name, bytes)
    }

    fn link(landscape: &Landscape<'_, DotnetFacts>, links: &mut Links) {
        let index = Index::new(landscape);
        let mut tests = HashSet::new();
        for manifest in landscape.manifests() {
            if facts::is_project(manifest.path.name().unwrap_or_default())
                && project::link(&index, manifest.path, manifest.facts.ok(), links)
            {
                tests.insert(manifest.path.clone());
            }
        }
        for manifest in landscape.manifests() {
            let folder = manifest.folder();
            // A solution at the root gathers the repository: it makes nothing of its own.
            if facts::is_solution(manifest.path.name().unwrap_or_default())
                && !folder.is_root()
                && !index.project_folders.contains(&folder)
            {
                link_solution(&index, manifest.path, manifest.facts.ok(), &tests, links);
            }
        }
        slices::claim_fragments(landscape, links);
        links.diagnostics.sort();
        links.diagnostics.dedup();
    }
}

/// What is looked up again and again while projects are linked.
struct Index<'a> {
    landscape: &'a Landscape<'a, DotnetFacts>,
    project_folders: HashSet<RepoPath>,
    solution_folders: HashSet<RepoPath>,
}

impl<'a> Index<'a> {
    fn new(landscape: &'a Landscape<'a, DotnetFacts>) -> Self {
        let folders = |wanted: fn(&[u8]) -> bool| {
            landscape
                .manifests()
                .iter()
                .filter(|manifest| wanted(manifest.path.name().unwrap_or_default()))
                .map(|manifest| manifest.folder())
                .collect()
        };
        Self { landscape, project_folders: folders(facts::is_project), solution_folders: folders(facts::is_solution) }
    }

    /// The path as the tree writes it, when a file or folder stands there in any case. Windows and macOS do not tell
    /// cases apart, so references with another case are common.
    fn find(&self, path: &RepoPath) -> Option<RepoPath> {
        if self.landscape.exists(path) {
            return Some(path.clone());
        }
        path.segments().try_fold(RepoPath::root(), |here, segment| {
            let entries = self.landscape.entries(&here);
            let exact = entries.iter().find(|entry| *entry.name == *segment);
            let entry = exact.or_else(|| entries.iter().find(|entry| entry.name.eq_ignore_ascii_case(segment)))?;
            Some(here.child(&entry.name))
        })
    }

    /// As [`Index::find`], with a note when only the case differs.
    fn find_noting(&self, path: &RepoPath, evidence: &Evidence, findings: &mut Vec<Diagnostic>) -> Option<RepoPath> {
        let found = self.find(path)?;
        if found != *path {
            findings.push(
                Diagnostic::note("path-case", format!("`{path}` is written in another case than `{found}`"))
                    .at(evidence)
                    .help("write the path as git stores it: the build fails where cases are told apart"),
            );
        }
        Some(found)
    }

    /// The file of this ecosystem at a path, and what it says if it can be read.
    fn manifest(&self, path: &RepoPath) -> Option<(&'a RepoPath, Option<&'a DotnetFacts>)> {
        let manifests = self.landscape.manifests();
        let at = manifests.binary_search_by(|manifest| manifest.path.cmp(path)).ok()?;
        Some((manifests[at].path, manifests[at].facts.ok()))
    }

    /// The files of this ecosystem that a selection admits.
    fn matching(&self, selection: &Selection) -> impl Iterator<Item = &'a RepoPath> {
        let manifests = self.landscape.manifests().iter();
        manifests.map(|manifest| manifest.path).filter(move |path| selection.matches(path))
    }

    /// The nearest folder at or above `folder` that holds a solution.
    fn solution_above(&self, folder: &RepoPath) -> Option<RepoPath> {
        folder.ancestors().find(|ancestor| self.solution_folders.contains(ancestor))
    }

    /// The nearest folder at or above `path` that holds a project file.
    fn project_above(&self, path: &RepoPath) -> Option<RepoPath> {
        path.ancestors().find(|ancestor| self.project_folders.contains(ancestor))
    }
}

fn link_solution(
    index: &Index<'_>,
    path: &RepoPath,
    facts: Option<&DotnetFacts>,
    tests: &HashSet<RepoPath>,
    links: &mut Links,
) {
    let folder = path.parent().unwrap_or_else(RepoPath::root);
    let evidence = Evidence::new(path, 0, "");
    let alias = String::from_utf8_lossy(&expand::stem(path)).into_owned();
    links.projects.push(ProjectClaim {
        folder: folder.clone(),
        role: Role::Code,
        aliases: vec![alias],
        admission: Admission::Admitted,
        ground: Ground::Own,
        evidence: evidence.clone(),
    });
    let listed: &[_] = match facts {
        Some(DotnetFacts::Solution(listed)) => listed,
        _ => &[],
    };
    for listed in listed {
        let evidence = listed.evidence(path);
        let written = listed.value.replace('\\', "/");
        let Ok(wanted) = folder.resolve(written.as_bytes()) else {
            links.diagnostics.push(outside(&evidence));
            continue;
        };
        let kind = |found: &RepoPath| if tests.contains(found) { EdgeKind::Test } else { EdgeKind::Build };
        match index.find_noting(&wanted, &evidence, &mut links.diagnostics) {
            Some(found) => {
                let (kind, to) = (kind(&found), target(index, &found));
                links.edges.push(EdgeClaim { from: folder.clone(), to, kind, evidence });
            }
            None => {
                let (from, name) = (folder.clone(), wanted.name().unwrap_or_default().to_vec());
                let wanted = Some(wanted);
                links.dangling.push(DanglingClaim { from, wanted, name, kind: EdgeKind::Build, evidence });
            }
        }
    }
    let mut inputs = vec![Input { selection: Selection::all(path), evidence: evidence.clone() }];
    for name in ["Directory.Solution.props", "Directory.Solution.targets", "Directory.Build.rsp", "global.json"] {
        let found = index.landscape.nearest(&folder, &[name]);
        inputs.extend(
            found.map(|file| Input { selection: Selection::all(&file), evidence: Evidence::new(&file, 0, "") }),
        );
    }
    // A solution's build compiles the test projects that it lists.
    let along = Reading::Along(vec![EdgeKind::Build, EdgeKind::Schema, EdgeKind::Test], "build".to_owned());
    for (name, reads) in [("build", vec![along.clone()]), ("test", vec![Reading::Own("build".to_owned()), along])] {
        links.tasks.push(TaskClaim {
            folder: folder.clone(),
            name: name.to_owned(),
            inputs: inputs.clone(),
            slices: Vec::new(),
            reads,
            command: Some(command(name, path)),
            tool: "dotnet".to_owned(),
            builds_upstream: true,
            outputs: (name == "test").then(Vec::new),
        });
    }
}

/// The project that a file of the tree belongs to, or its owner when it is no project file that is read here.
fn target(index: &Index<'_>, file: &RepoPath) -> EdgeTarget {
    match file.parent() {
        Some(folder) if index.landscape.has_manifest(file) => EdgeTarget::Project(folder),
        _ => EdgeTarget::Path(file.clone()),
    }
}

fn outside(evidence: &Evidence) -> Diagnostic {
    Diagnostic::warning("outside-repository", "the path leads out of the repository, where changes are not seen")
        .at(evidence)
        .help("move what it names into the repository")
}

/// `dotnet <verb> <path>` in the root folder, or in the file's own folder when its path is no text.
fn command(verb: &str, path: &RepoPath) -> Command {
    match std::str::from_utf8(path.as_bytes()) {
        Ok(text) => Command { line: format!("dotnet {verb} {}", path_word(text)), folder: RepoPath::root() },
        Err(_) => Command { line: format!("dotnet {verb}"), folder: path.parent().unwrap_or_else(RepoPath::root) },
    }
}
