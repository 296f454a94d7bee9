//! Which files make up one project: its own, those that it inherits by probing upwards, and all that they import.

use std::collections::HashSet;

use super::expand::{Place, Scope};
use super::facts::BuildFile;
use super::{DotnetFacts, Index, outside};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::discover::Input;
use crate::path::RepoPath;
use crate::selection::Selection;

/// Files that MSBuild takes from the nearest folder that has them.
const NEAREST: [&str; 3] = ["Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props"];

/// How many files one project may be made of.
const MOST_FILES: usize = 512;

/// A project with everything that it imports.
pub(super) struct Evaluation<'a> {
    /// What properties stand for.
    pub(super) scope: Scope<'a>,
    /// The files, the project first.
    pub(super) files: Vec<(&'a RepoPath, &'a BuildFile)>,
    /// Files that are imported, and what stands for imports that are not known.
    pub(super) inputs: Vec<Input>,
    /// What was found out on the way.
    pub(super) findings: Vec<Diagnostic>,
}

/// What one round of following imports found out; only the last round's counts.
#[derive(Default)]
struct Round {
    inputs: Vec<Input>,
    findings: Vec<Diagnostic>,
}

/// Gathers the files of the project at `path`. An import can hang on a property that another import defines, so
/// this goes round until nothing new turns up.
pub(super) fn evaluate<'a>(index: &'a Index<'a>, path: &'a RepoPath, facts: Option<&'a DotnetFacts>) -> Evaluation<'a> {
    let folder = path.parent().unwrap_or_else(RepoPath::root);
    let scope = Scope::new(path, index.solution_above(&folder), index.landscape);
    let mut evaluation = Evaluation { scope, files: Vec::new(), inputs: Vec::new(), findings: Vec::new() };
    let mut seen: HashSet<RepoPath> = HashSet::from([path.clone()]);
    if let Some(DotnetFacts::Build(file)) = facts {
        evaluation.add(path, file);
    }
    for name in NEAREST {
        if let Some(found) = index.landscape.nearest(&folder, &[name]) {
            evaluation.include(index, &found, &Evidence::new(&found, 0, ""), &mut seen);
        }
    }
    loop {
        let before = evaluation.files.len();
        let round = evaluation.follow_imports(index, &mut seen);
        if evaluation.files.len() == before {
            evaluation.inputs.extend(round.inputs);
            evaluation.findings.extend(round.findings);
            return evaluation;
        }
    }
}

impl<'a> Evaluation<'a> {
    fn add(&mut self, path: &'a RepoPath, file: &'a BuildFile) {
        for property in &file.properties {
            self.scope.define(&property.name, &property.value.value, path);
        }
        self.files.push((path, file));
    }

    /// Takes a file into the project: as an input, and with what it says.
    fn include(&mut self, index: &'a Index<'a>, path: &RepoPath, evidence: &Evidence, seen: &mut HashSet<RepoPath>) {
        if !seen.insert(path.clone()) || self.files.len() >= MOST_FILES {
            return;
        }
        self.inputs.push(Input { selection: Selection::all(path), evidence: evidence.clone() });
        if let Some((path, Some(DotnetFacts::Build(file)))) = index.manifest(path) {
            self.add(path, file);
            return;
        }
        // What it imports in turn lies as a rule beside it.
        let folder = path.parent().unwrap_or_else(RepoPath::root);
        self.inputs.push(Input { selection: Selection::all(&folder), evidence: evidence.clone() });
        let message = format!("`{path}` is not read as an MSBuild file, so all of its folder counts as an input");
        self.findings.push(Diagnostic::warning("msbuild-import-unread", message).at(evidence));
    }

    fn follow_imports(&mut self, index: &'a Index<'a>, seen: &mut HashSet<RepoPath>) -> Round {
        let mut round = Round::default();
        for at in 0..self.files.len() {
            let (file, facts) = self.files[at];
            let base = file.parent().unwrap_or_else(RepoPath::root);
            for import in &facts.imports {
                let evidence = import.project.evidence(file);
                for place in self.scope.places(&import.project.value, file, &base) {
                    match place {
                        Place::External => {}
                        Place::Outside => round.findings.push(outside(&evidence)),
                        Place::Path(path) => match index.find_noting(&path, &evidence, &mut round.findings) {
                            Some(found) if index.landscape.is_file(&found) => {
                                self.include(index, &found, &evidence, seen);
                            }
                            Some(_) => {}
                            None => {
                                // Its absence is what the build sees: a file that appears there changes it.
                                let selection = Selection::all(&path);
                                round.inputs.push(Input { selection, evidence: evidence.clone() });
                                if !import.conditional {
                                    let message = format!("the imported file `{path}` does not exist");
                                    let finding = Diagnostic::note("msbuild-import-missing", message);
                                    round.findings.push(finding.at(&evidence));
                                }
                            }
                        },
                        Place::Glob { base, glob, known } => {
                            let selection = Selection::all(&base).only([glob.as_str()]);
                            for path in index.matching(&selection) {
                                self.include(index, path, &evidence, seen);
                            }
                            round.inputs.push(Input { selection, evidence: evidence.clone() });
                            if !known {
                                round.findings.push(unknown_property(&self.scope, &base, &glob, &evidence));
                            }
                        }
                    }
                }
                self.scope.take_missing();
            }
        }
        round
    }
}

/// A path hangs on a property that no file of the repository defines, so everything that it could be is an input.
pub(super) fn unknown_property(scope: &Scope<'_>, base: &RepoPath, glob: &str, evidence: &Evidence) -> Diagnostic {
    let names: Vec<String> = scope.take_missing().into_iter().map(|name| format!("`$({name})`")).collect();
    let names = if names.is_empty() { "a property".to_owned() } else { names.join(", ") };
    let message = format!("{names} is not known here, so everything that matches `{glob}` below `{base}` is an input");
    Diagnostic::warning("msbuild-property-unknown", message)
        .at(evidence)
        .help("define the property in the project or in Directory.Build.props, or write the path out")
}
