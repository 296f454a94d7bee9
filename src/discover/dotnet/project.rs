//! Links one project: its edges, what it reads outside its folder, and its tasks.

use std::collections::BTreeSet;

use super::evaluate::{Evaluation, evaluate, unknown_property};
use super::expand::{Place, stem};
use super::facts::{Item, ItemKind, is_project};
use super::slices::{is_sliced, slices};
use super::{
    Admission, DanglingClaim, DotnetFacts, EdgeClaim, EdgeKind, EdgeTarget, Ground, Index, Input, Links, ProjectClaim,
    Reading, Role, SliceClaim, TaskClaim, command, outside, target,
};
use crate::diagnostic::Evidence;
use crate::path::RepoPath;
use crate::selection::Selection;

/// Files of every folder above that the SDK or NuGet merge, the nearest first.
const ALL_ABOVE: [&str; 5] = ["nuget.config", "NuGet.config", "NuGet.Config", ".editorconfig", ".globalconfig"];

/// Packages that make a project one of tests, in lower case.
const TEST_PACKAGES: [&str; 14] = [
    "microsoft.net.test.sdk",
    "xunit",
    "xunit.v3",
    "xunit.core",
    "xunit.runner.visualstudio",
    "nunit",
    "nunit.framework",
    "nunit3testadapter",
    "mstest",
    "mstest.testframework",
    "mstest.testadapter",
    "tunit",
    "microsoft.visualstudio.qualitytools.unittestframework",
    "microsoft.visualstudio.testplatform.testframework",
];

/// The project type that Visual Studio gave to test projects before there were SDKs.
const TEST_PROJECT_TYPE: &str = "3ac096d0-a1c2-e12c-1390-a8335801fdab";

/// Claims the project at `path`. The answer is whether it holds tests.
pub(super) fn link(index: &Index<'_>, path: &RepoPath, facts: Option<&DotnetFacts>, links: &mut Links) -> bool {
    let evaluation = evaluate(index, path, facts);
    let folder = path.parent().unwrap_or_else(RepoPath::root);
    // An unreadable project may hold tests.
    let tests = facts.is_none() || holds_tests(&evaluation, path);
    let mut project = Project { index, path, folder, inputs: Vec::new(), links };
    project.links.diagnostics.extend(evaluation.findings.iter().cloned());
    let slices = slices(index, path, &evaluation);
    let sliced: BTreeSet<&RepoPath> = slices.iter().map(|slice| &slice.file).collect();
    project.inputs.extend(evaluation.inputs.iter().filter(|input| !is_sliced(&input.selection, &sliced)).cloned());
    for &(file, facts) in &evaluation.files {
        for item in &facts.items {
            project.read_item(&evaluation, file, item);
        }
    }
    project.inherit();
    project.read_default_items(&evaluation);
    project.claim(&evaluation, &slices, tests);
    tests
}

struct Project<'a> {
    index: &'a Index<'a>,
    path: &'a RepoPath,
    folder: RepoPath,
    inputs: Vec<Input>,
    links: &'a mut Links,
}

impl Project<'_> {
    fn read_item(&mut self, evaluation: &Evaluation<'_>, file: &RepoPath, item: &Item) {
        if matches!(item.kind, ItemKind::Package | ItemKind::Removed) {
            return;
        }
        let evidence = item.value.evidence(file);
        // Items are relative to the project, even where an imported file states them.
        let places = evaluation.scope.places(&item.value.value, file, &self.folder);
        let exists = |place: &Place| matches!(place, Place::Path(path) if self.index.find(path).is_some());
        // Of the values that a property can have, one that leads somewhere is the one that is meant.
        let one_leads = item.value.value.contains("$(") && places.iter().any(exists);
        for place in places {
            match place {
                Place::External => {}
                Place::Outside if item.kind == ItemKind::Mention => {}
                Place::Outside => {
                    self.links.diagnostics.push(outside(&evidence));
                    if item.kind == ItemKind::Project {
                        // An image may put there what the repository has elsewhere.
                        let name = item.value.value.rsplit(['/', '\\']).next().unwrap_or_default();
                        self.dangle(None, name.as_bytes(), EdgeKind::Build, &evidence);
                    }
                }
                Place::Path(path)
                    if item.kind == ItemKind::Project && one_leads && !exists(&Place::Path(path.clone())) =>
                {
                    self.input(Selection::all(&path), &evidence);
                }
                Place::Path(path) => {
                    // A schema that is not there may be what an image puts beside the project.
                    let literal = !item.value.value.contains("$(");
                    if item.kind == ItemKind::Schema && literal && !exists(&Place::Path(path.clone())) {
                        self.dangle(Some(&path), path.name().unwrap_or_default(), EdgeKind::Schema, &evidence);
                    }
                    self.read_path(item.kind, &path, &evidence);
                }
                Place::Glob { known: false, .. } if item.kind == ItemKind::Mention => {}
                Place::Glob { base, glob, known } => {
                    if !known {
                        let finding = unknown_property(&evaluation.scope, &base, &glob, &evidence);
                        self.links.diagnostics.push(finding);
                    }
                    self.read_glob(item.kind, &base, &glob, known, &evidence);
                }
            }
        }
        evaluation.scope.take_missing();
    }

    fn read_path(&mut self, kind: ItemKind, path: &RepoPath, evidence: &Evidence) {
        let mut findings = Vec::new();
        let found = self.index.find_noting(path, evidence, &mut findings);
        if kind == ItemKind::Mention {
            // Only a guess that it is a path at all: what does not stand outside as a file says nothing.
            let Some(found) = found.filter(|found| self.index.landscape.is_file(found)) else { return };
            if is_project(found.name().unwrap_or_default()) && found != *self.path {
                self.edge(target(self.index, &found), EdgeKind::Build, evidence);
            } else if !self.owns(&found) {
                self.input(Selection::all(&found), evidence);
            }
            return;
        }
        self.links.diagnostics.extend(findings);
        match (kind, found) {
            (ItemKind::Project, Some(found)) => {
                let to = target(self.index, &found);
                if let EdgeTarget::Path(_) = to {
                    // A project type that is not read here: its folder holds what it builds from.
                    let folder = found.parent().unwrap_or_else(RepoPath::root);
                    self.input(Selection::all(&folder), evidence);
                }
                self.edge(to, EdgeKind::Build, evidence);
            }
            (ItemKind::Project, None) => {
                self.dangle(Some(path), path.name().unwrap_or_default(), EdgeKind::Build, evidence);
            }
            (ItemKind::SchemaFolder, found) => {
                let folder = found.unwrap_or_else(|| path.clone());
                self.input(Selection::all(&folder).only(["**/*.proto"]), evidence);
                self.edge_to_folder(&folder, EdgeKind::Schema, evidence);
            }
            (ItemKind::Schema, Some(found)) if !self.owns(&found) => {
                // Its imports are searched beside it.
                let folder = found.parent().unwrap_or_else(RepoPath::root);
                self.input(Selection::all(&folder).only(["**/*.proto"]), evidence);
                self.edge(EdgeTarget::Path(found), EdgeKind::Schema, evidence);
            }
            (_, Some(found)) => {
                if !self.owns(&found) || found != self.folder && self.index.landscape.is_folder(&found) {
                    self.input(Selection::all(&found), evidence);
                    self.edge_to_folder(&found, EdgeKind::Build, evidence);
                }
            }
            // A file that appears there changes the build.
            (_, None) => {
                if !self.owns(path) {
                    self.input(Selection::all(path), evidence);
                }
            }
        }
    }

    fn read_glob(&mut self, kind: ItemKind, base: &RepoPath, glob: &str, known: bool, evidence: &Evidence) {
        let selection = Selection::all(base).only([glob]);
        if kind == ItemKind::Project {
            let referenced: Vec<_> = self
                .index
                .matching(&selection)
                .filter(|path| *path != self.path && is_project(path.name().unwrap_or_default()))
                .collect();
            for path in &referenced {
                self.edge(target(self.index, path), EdgeKind::Build, evidence);
            }
            if referenced.is_empty() || !known {
                self.input(selection, evidence);
            }
            return;
        }
        // Files of a project of another ecosystem below the folder are not owned, so what is named stays an input.
        let plain = base == &self.folder && !glob.contains('/');
        if plain {
            return;
        }
        self.input(selection, evidence);
        let kind = match kind {
            ItemKind::Schema | ItemKind::SchemaFolder => EdgeKind::Schema,
            _ => EdgeKind::Build,
        };
        if known && kind == EdgeKind::Schema && !self.owns(base) {
            self.input(Selection::all(base).only(["**/*.proto"]), evidence);
        }
        if known {
            self.edge_to_folder(base, kind, evidence);
        }
    }

    /// An edge to whoever owns a path. A folder around this project would lead to all its neighbours: there the
    /// files alone are the input.
    fn edge_to_folder(&mut self, path: &RepoPath, kind: EdgeKind, evidence: &Evidence) {
        if !self.owns(path) && !self.folder.is_within(path) && self.index.landscape.exists(path) {
            self.edge(EdgeTarget::Path(path.clone()), kind, evidence);
        }
    }

    fn edge(&mut self, to: EdgeTarget, kind: EdgeKind, evidence: &Evidence) {
        let itself = matches!(&to, EdgeTarget::Project(folder) if *folder == self.folder);
        if !itself {
            let (from, evidence) = (self.folder.clone(), evidence.clone());
            self.links.edges.push(EdgeClaim { from, to, kind, evidence });
        }
    }

    fn dangle(&mut self, wanted: Option<&RepoPath>, name: &[u8], kind: EdgeKind, evidence: &Evidence) {
        self.links.dangling.push(DanglingClaim {
            from: self.folder.clone(),
            wanted: wanted.cloned(),
            name: name.to_vec(),
            kind,
            evidence: evidence.clone(),
        });
    }

    fn input(&mut self, selection: Selection, evidence: &Evidence) {
        self.inputs.push(Input { selection, evidence: evidence.clone() });
    }

    /// Whether a path lies in this project's folder and not in that of a .NET project below it.
    fn owns(&self, path: &RepoPath) -> bool {
        path.is_within(&self.folder) && self.index.project_above(path).as_ref() == Some(&self.folder)
    }

    /// What MSBuild, the SDK and NuGet find by probing upwards.
    fn inherit(&mut self) {
        let landscape = self.index.landscape;
        let nearest = ["Directory.Build.rsp", "global.json"];
        let nearest = nearest.iter().filter_map(|name| landscape.nearest(&self.folder, &[name]));
        let inherited: Vec<_> = nearest.chain(landscape.all_above(&self.folder, &ALL_ABOVE)).collect();
        for file in inherited {
            self.input(Selection::all(&file), &Evidence::new(&file, 0, ""));
        }
    }

    /// The SDK's default globs take in every folder below, whatever lies there: with another project below, its
    /// sources too, unless the project says otherwise.
    fn read_default_items(&mut self, evaluation: &Evaluation<'_>) {
        let nested = |folder: &RepoPath| folder != &self.folder && folder.is_within(&self.folder);
        let sdk_style = evaluation.files.iter().any(|(file, facts)| *file == self.path && !facts.sdks.is_empty());
        let says_otherwise = ["enabledefaultitems", "enabledefaultcompileitems", "defaultitemexcludes"];
        let mut properties = evaluation.files.iter().flat_map(|(_, facts)| &facts.properties);
        if !sdk_style
            || properties.any(|property| says_otherwise.contains(&property.name.as_str()))
            || !self.index.project_folders.iter().any(nested)
        {
            return;
        }
        let name = self.path.name().unwrap_or_default().to_ascii_lowercase();
        // F# has no default sources: their order means something.
        let sources = match name.rsplit(|&b| b == b'.').next() {
            Some(b"csproj") => "**/*.{cs,resx,razor,cshtml}",
            Some(b"vbproj") => "**/*.{vb,resx}",
            _ => return,
        };
        let mut removed = vec!["**/bin/**".to_owned(), "**/obj/**".to_owned(), "**/.*/**".to_owned()];
        for &(file, facts) in &evaluation.files {
            for item in facts.items.iter().filter(|item| item.kind == ItemKind::Removed && item.condition.is_empty()) {
                for place in evaluation.scope.places(&item.value.value, file, &self.folder) {
                    if let Place::Glob { base, glob, known: true } = place
                        && let Some(below) = base.below(&self.folder)
                        && let Ok(below) = std::str::from_utf8(below.as_bytes())
                    {
                        let below = crate::selection::escape_glob(below);
                        removed.push(if below.is_empty() { glob } else { format!("{below}/{glob}") });
                    }
                }
            }
        }
        evaluation.scope.take_missing();
        let selection = Selection::all(&self.folder).only([sources]).without(removed);
        self.input(selection, &Evidence::new(self.path, 0, ""));
    }

    fn claim(mut self, evaluation: &Evaluation<'_>, slices: &[SliceClaim], tests: bool) {
        let evidence = Evidence::new(self.path, 0, "");
        let mut aliases = vec![String::from_utf8_lossy(&stem(self.path)).into_owned()];
        let own =
            evaluation.files.iter().filter(|(file, _)| *file == self.path).flat_map(|(_, facts)| &facts.properties);
        for property in own.filter(|property| property.name == "assemblyname") {
            let names = evaluation.scope.expand(&property.value.value, self.path);
            let printable = names.into_iter().filter(|name| !name.iter().any(|&b| b < b' '));
            aliases.extend(printable.filter_map(|name| String::from_utf8(name).ok()).filter(|name| !name.is_empty()));
        }
        aliases.sort();
        aliases.dedup();
        self.links.projects.push(ProjectClaim {
            folder: self.folder.clone(),
            role: Role::Code,
            aliases,
            admission: Admission::Admitted,
            ground: Ground::Own,
            evidence: evidence.clone(),
        });
        let own = Selection::owned(&self.folder).slicing(slices.iter().map(|slice| &slice.file));
        self.inputs.push(Input { selection: own, evidence });
        self.inputs.sort();
        self.inputs.dedup();
        let along = |kinds: &[EdgeKind]| Reading::Along(kinds.to_vec(), "build".to_owned());
        let task = |name: &str, reads| TaskClaim {
            folder: self.folder.clone(),
            name: name.to_owned(),
            inputs: self.inputs.clone(),
            slices: slices.to_vec(),
            reads,
            command: Some(command(name, self.path)),
            tool: "dotnet".to_owned(),
            builds_upstream: true,
            outputs: Some(if name == "test" { Vec::new() } else { vec!["bin/**".to_owned()] }),
        };
        self.links.tasks.push(task("build", vec![along(&[EdgeKind::Build, EdgeKind::Schema])]));
        if tests {
            let along = along(&[EdgeKind::Build, EdgeKind::Schema, EdgeKind::Test]);
            self.links.tasks.push(task("test", vec![Reading::Own("build".to_owned()), along]));
        }
    }
}

/// Whether a project holds tests: it says so, or it uses a test framework, by itself or by what it imports.
fn holds_tests(evaluation: &Evaluation<'_>, path: &RepoPath) -> bool {
    let (mut own, mut inherited) = (None, false);
    for &(file, facts) in &evaluation.files {
        for property in &facts.properties {
            let value = property.value.value.to_ascii_lowercase();
            match property.name.as_str() {
                // The project's own word goes before what it inherits; of several, the one that says yes.
                "istestproject" if file == path => own = Some(own == Some(true) || value != "false"),
                "istestproject" if value == "true" => inherited = true,
                "projecttypeguids" if value.contains(TEST_PROJECT_TYPE) => return true,
                _ => {}
            }
        }
    }
    if let Some(stated) = own.or(inherited.then_some(true)) {
        return stated;
    }
    evaluation.files.iter().any(|(_, facts)| {
        let mut packages = facts.items.iter().filter(|item| item.kind == ItemKind::Package);
        facts.sdks.iter().any(|sdk| sdk == "mstest.sdk")
            || packages.any(|item| {
                // What a shared file gives to test projects alone makes none.
                !item.condition.contains("$(istestproject)") && names_test_package(&item.value.value)
            })
    })
}

fn names_test_package(include: &str) -> bool {
    include.split(';').any(|name| {
        // An assembly is named with its version behind a comma.
        let name = name.split(',').next().unwrap_or_default().trim().to_ascii_lowercase();
        TEST_PACKAGES.contains(&name.as_str()) || name.starts_with("xunit.v3.mtp")
    })
}
