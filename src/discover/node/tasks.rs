//! The tasks of a package, and the files above it that every install and build below them reads.

use std::collections::HashMap;

use super::compiler::Reached;
use super::layout::{Layout, Site};
use super::package_manager::Managers;
use super::slices::Sliced;
use super::{NodeFacts, PACKAGE, PNPM_WORKSPACE};
use crate::diagnostic::Evidence;
use crate::discover::{Command, EdgeKind, Input, Landscape, Reading, TaskClaim};
use crate::path::RepoPath;
use crate::selection::{Selection, escape_glob};

/// Files that act on every package at or below their folder: found by looking upwards.
const INHERITED_FILES: [&str; 27] = [
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "bun.lockb",
    "pnpm-workspace.yaml",
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    "bunfig.toml",
    ".pnpmfile.cjs",
    ".pnpmfile.mjs",
    "pnpmfile.js",
    ".nvmrc",
    ".node-version",
    ".tool-versions",
    "mise.toml",
    ".mise.toml",
    ".browserslistrc",
    "babel.config.js",
    "babel.config.cjs",
    "babel.config.mjs",
    "babel.config.json",
    "babel.config.ts",
    "babel.config.cts",
    "babel.config.mts",
];

/// Folders that act on every package at or below the folder that they stand in.
const INHERITED_FOLDERS: [&str; 3] = [".yarn/patches", ".yarn/plugins", ".yarn/releases"];

/// States the tasks of packages.
pub(super) struct Tasks<'l, 'a> {
    landscape: &'l Landscape<'a, NodeFacts>,
    layout: &'l Layout<'a>,
    inherited: HashMap<RepoPath, Vec<Input>>,
}

impl<'l, 'a> Tasks<'l, 'a> {
    /// Nothing is known yet.
    pub(super) fn new(landscape: &'l Landscape<'a, NodeFacts>, layout: &'l Layout<'a>) -> Self {
        Self { landscape, layout, inherited: HashMap::new() }
    }

    /// The tasks of a package that reads `named` besides its own files and what it inherits.
    pub(super) fn of(
        &mut self,
        site: &Site<'_>,
        named: impl IntoIterator<Item = Input>,
        reached: Option<&Reached>,
        sliced: &Sliced,
        managers: &mut Managers<'_>,
    ) -> Vec<TaskClaim> {
        let mut inputs: Vec<Input> = site.folder.ancestors().flat_map(|above| self.inherited_from(&above)).collect();
        inputs.extend(self.workspace_inputs(site));
        inputs.retain(|input| !sliced.unneeded.contains(&input.selection.base));
        let without =
            |Input { selection, evidence }| Input { selection: selection.slicing(&sliced.unneeded), evidence };
        let mut inputs: Vec<Input> = inputs.into_iter().map(without).collect();
        inputs.extend(reached.into_iter().flat_map(|reached| reached.inputs.iter().cloned()));
        inputs.retain(|input| !sliced.files.contains(&input.selection.base));
        inputs.extend(named);
        inputs.sort();
        inputs.dedup_by(|a, b| a.selection == b.selection);
        let owned = Selection::owned(&site.folder).slicing(&sliced.files);
        inputs.insert(0, Input { selection: owned, evidence: file_evidence(&site.manifest) });

        let program = managers.of(&site.folder).program();
        let command = |script| Command { line: format!("{program} run {script}"), folder: site.folder.clone() };
        // Of a manifest that cannot be read, either script may be meant.
        let builds = site.package.is_none_or(|package| package.build.is_some());
        let tests = site.package.is_none_or(|package| package.test.is_some());
        let claim = |name: &str, inputs, reads, command, outputs| TaskClaim {
            folder: site.folder.clone(),
            name: name.to_owned(),
            inputs,
            slices: sliced.claims.clone(),
            reads,
            command,
            tool: program.to_owned(),
            builds_upstream: false,
            outputs,
        };
        let along = |kinds: &[EdgeKind]| Reading::Along(kinds.to_vec(), "build".to_owned());
        let build_reads = vec![along(&[EdgeKind::Build, EdgeKind::Schema])];
        let mut claims =
            vec![claim("build", inputs.clone(), build_reads, builds.then(|| command("build")), self.made(site))];
        if tests {
            let reads =
                vec![Reading::Own("build".to_owned()), along(&[EdgeKind::Build, EdgeKind::Schema, EdgeKind::Test])];
            claims.push(claim("test", inputs, reads, Some(command("test")), Some(Vec::new())));
        }
        claims
    }

    /// What the build of a package makes, where its script is the plain compiler: any other script can write anywhere.
    fn made(&self, site: &Site<'_>) -> Option<Vec<String>> {
        let Some(script) = &site.package?.build else { return Some(Vec::new()) };
        let Some(NodeFacts::TsConfig(config)) = self.landscape.facts(&site.folder.child(b"tsconfig.json")) else {
            return None;
        };
        let folder = config.out_dir.as_deref().filter(|_| script.value.trim() == "tsc")?;
        let inside = site.folder.resolve(folder.as_bytes()).ok().filter(|path| *path != site.folder)?;
        inside.is_within(&site.folder).then_some(())?;
        let relative = String::from_utf8(site.folder.relative_to(&inside)).ok()?;
        Some(vec![format!("{}/**", escape_glob(&relative))])
    }

    /// What a folder hands down to the packages at and below it.
    fn inherited_from(&mut self, folder: &RepoPath) -> Vec<Input> {
        if let Some(known) = self.inherited.get(folder) {
            return known.clone();
        }
        let entries = self.landscape.entries(folder);
        let stands = |name: &str| entries.binary_search_by(|entry| (*entry.name).cmp(name.as_bytes())).is_ok();
        let below = |name: &str| name.split('/').fold(folder.clone(), |path, segment| path.child(segment.as_bytes()));
        let is_inherited = |name: &[u8]| INHERITED_FILES.iter().any(|inherited| inherited.as_bytes() == name);
        let mut inputs: Vec<Input> = entries
            .iter()
            .filter(|entry| is_inherited(&entry.name))
            .map(|entry| folder.child(&entry.name))
            .filter(|path| self.landscape.is_file(path))
            .map(|path| file_input(&path))
            .collect();
        if stands(".yarn") {
            let folders = INHERITED_FOLDERS.iter().map(|name| below(name));
            inputs.extend(folders.filter(|path| self.landscape.is_folder(path)).map(|path| file_input(&path)));
        }
        self.inherited.insert(folder.clone(), inputs.clone());
        inputs
    }

    /// What the roots of a package's workspaces hand down to it: their manifests, for overrides and catalogs, and
    /// patches.
    fn workspace_inputs(&self, site: &Site<'_>) -> Vec<Input> {
        let mut inputs = Vec::new();
        for workspace in self.layout.outwards(site.workspace) {
            let manifest = workspace.root.child(PACKAGE);
            if self.landscape.is_file(&manifest) && manifest != site.manifest {
                let evidence = if workspace.evidence.file == manifest {
                    workspace.evidence.clone()
                } else {
                    file_evidence(&manifest)
                };
                inputs.push(Input { selection: Selection::all(&manifest), evidence });
            }
            let named = workspace.root.child(b"lerna.json");
            if workspace.evidence.file == named {
                inputs.push(Input { selection: Selection::all(&named), evidence: workspace.evidence.clone() });
            }
            let patches = workspace.root.child(b"patches");
            if self.landscape.is_folder(&patches) {
                inputs.push(file_input(&patches));
            }
            for name in [PACKAGE, PNPM_WORKSPACE] {
                let file = workspace.root.child(name);
                let stated = match self.landscape.facts(&file) {
                    Some(NodeFacts::Package(package)) => &package.patches,
                    Some(NodeFacts::PnpmWorkspace(settings)) => &settings.patches,
                    _ => continue,
                };
                for patch in stated {
                    let Ok(path) = workspace.root.resolve(patch.value.as_bytes()) else { continue };
                    if !path.is_within(&patches) {
                        inputs.push(Input { selection: Selection::all(&path), evidence: patch.evidence(&file) });
                    }
                }
            }
        }
        inputs
    }
}

fn file_evidence(file: &RepoPath) -> Evidence {
    Evidence::new(file, 0, "")
}

fn file_input(path: &RepoPath) -> Input {
    Input { selection: Selection::all(path), evidence: file_evidence(path) }
}
