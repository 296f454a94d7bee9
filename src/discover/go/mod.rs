//! Go: every module is a project.
//!
//! Edges come from replacements with a folder, and from requirements that a `go.work` resolves inside the
//! repository. A requirement that neither redirects comes from the module proxy, whatever stands beside it here.
//! In a `go.work` all used modules are resolved together: one build list, and the replacements of all of them.
//!
//! A module with several programs (folders below `cmd`, or with a Dockerfile) has a project for each besides: it reads
//! what it imports of the module. Elsewhere sources are not read. So it is not seen when a module of a `go.work` imports
//! another one that its `go.mod` does not require, which Go lets pass there; nor when a build embeds a `_test.go`; nor
//! where cgo is pointed outside the module. Such files are to be declared as inputs.

mod module_file;
mod services;
mod slices;
mod source;
mod sums;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use self::module_file::ModuleFile;
use self::services::{Follower, Imports, MAIN_FILE, Service, main_files, module_files, services};
use self::slices::{Sliced, sliced};
use self::source::Source;
use self::sums::Sums;
use super::syntax::{Stated, Unreadable};
use super::{
    Admission, Command, DanglingClaim, Ecosystem, EdgeClaim, EdgeKind, EdgeTarget, Ground, Input, Landscape, Links,
    PartClaim, ProjectClaim, Reading, Role, SliceClaim, TaskClaim,
};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::path::{PathError, RepoPath};
use crate::selection::Selection;

/// Modules and workspaces of the `go` tool.
pub struct Go;

const MODULE_FILE: &[u8] = b"go.mod";
const WORKSPACE_FILE: &[u8] = b"go.work";
const SUM_FILE: &[u8] = b"go.sum";

/// What one file says.
#[derive(Debug, Serialize, Deserialize)]
pub enum Facts {
    /// A `go.mod` or a `go.work`.
    Module(ModuleFile),
    /// A `go.sum`; nothing of one that is not understood.
    Sums(Option<Sums>),
    /// A `*.go`.
    Source(Source),
    /// A `*.go` that is none: a template, say. It is a fault only where it is built.
    NoSource(Unreadable),
}

impl Ecosystem for Go {
    type Facts = Facts;

    const NAME: &'static str = "go";

    fn recognises(name: &[u8]) -> bool {
        matches!(name, MODULE_FILE | WORKSPACE_FILE | SUM_FILE | MAIN_FILE)
    }

    fn reads_on_demand(name: &[u8]) -> bool {
        name.ends_with(b".go")
    }

    fn read(name: &[u8], bytes: &[u8]) -> Result<Facts, Unreadable> {
        match name {
            SUM_FILE => Ok(Facts::Sums(Sums::read(bytes))),
            _ if Self::reads_on_demand(name) => Ok(Source::read(bytes).map_or_else(Facts::NoSource, Facts::Source)),
            _ => ModuleFile::read(bytes).map(Facts::Module),
        }
    }

    fn link(landscape: &Landscape<'_, Facts>, links: &mut Links) {
        let ground = Modules::of(landscape);
        for work in &ground.workspaces {
            claim_workspace(landscape, work, links);
        }
        let named = ground.named_folders();
        let folders: BTreeSet<&RepoPath> = ground.modules.keys().collect();
        let main_files = main_files(landscape, &folders);
        for module in ground.modules.values() {
            let main_files = main_files.get(&module.folder).map_or(&[][..], Vec::as_slice);
            let services = services(landscape, module, main_files);
            let claimed = claim_module(landscape, &ground, module, &named, &services, links);
            let mut follower = Follower::new(landscape, module, &folders);
            for service in &services {
                claim_service(&ground, &claimed, service, &mut follower, links);
            }
        }
    }
}

/// One module: its folder and what its `go.mod` says, if that can be read.
struct Module<'a> {
    folder: RepoPath,
    path: RepoPath,
    file: Option<&'a ModuleFile>,
}

impl Module<'_> {
    fn name(&self) -> Option<&str> {
        self.file.and_then(|file| file.module.as_ref()).map(|module| module.value.as_str())
    }
}

/// One `go.work`. What it uses is not known where it cannot be read.
struct Workspace<'a> {
    folder: RepoPath,
    path: RepoPath,
    file: Option<&'a ModuleFile>,
}

/// All modules and workspaces of the tree.
struct Modules<'a> {
    modules: BTreeMap<RepoPath, Module<'a>>,
    workspaces: Vec<Workspace<'a>>,
}

/// The modules that a workspace uses, by folder, each with the line that says so.
type Used = BTreeMap<RepoPath, Evidence>;

impl<'a> Modules<'a> {
    fn of(landscape: &Landscape<'a, Facts>) -> Self {
        let mut all = Self { modules: BTreeMap::new(), workspaces: Vec::new() };
        for manifest in landscape.manifests() {
            let (folder, path) = (manifest.folder(), manifest.path.clone());
            let file = match manifest.facts {
                Ok(Facts::Module(file)) => Some(file),
                Ok(_) => continue,
                Err(_) if path.name() == Some(SUM_FILE) => continue,
                Err(_) => None,
            };
            if path.name() == Some(WORKSPACE_FILE) {
                all.workspaces.push(Workspace { folder, path, file });
            } else if is_module(landscape, &folder, file) {
                all.modules.insert(folder.clone(), Module { folder, path, file });
            }
        }
        all
    }

    /// The workspace that `go` finds from a folder, with the modules that it uses.
    fn workspace_of(&self, folder: &RepoPath) -> Option<(&Workspace<'a>, Used)> {
        let work = folder.ancestors().find_map(|above| self.workspaces.iter().find(|work| work.folder == above))?;
        Some((work, self.used_by(work)))
    }

    fn used_by(&self, work: &Workspace<'a>) -> Used {
        let Some(file) = work.file else {
            // It cannot be read, so any module below may be used.
            let below = self.modules.keys().filter(|folder| folder.is_within(&work.folder));
            return below.map(|folder| (folder.clone(), Evidence::new(&work.path, 0, ""))).collect();
        };
        file.uses
            .iter()
            .filter_map(|used| {
                let folder = work.folder.resolve(written(&used.value).as_bytes()).ok()?;
                self.modules.contains_key(&folder).then(|| (folder, used.evidence(&work.path)))
            })
            .collect()
    }

    /// The folders that a workspace or a replacement of another module names.
    fn named_folders(&self) -> BTreeSet<RepoPath> {
        let mut named: BTreeSet<_> = self.workspaces.iter().flat_map(|work| self.used_by(work).into_keys()).collect();
        let modules = self.modules.values().map(|module| (&module.folder, module.file));
        for (folder, file) in self.workspaces.iter().map(|work| (&work.folder, work.file)).chain(modules) {
            let replaced = file.into_iter().flat_map(|file| &file.replaces);
            named.extend(replaced.filter_map(|replace| folder.resolve(replace.value.folder.as_ref()?.as_bytes()).ok()));
        }
        named
    }
}

/// Whether a `go.mod` makes its folder a module of ours. One without a module path only fences its folder off, and
/// one below `vendor/` is a copy of somebody else's.
fn is_module(landscape: &Landscape<'_, Facts>, folder: &RepoPath, file: Option<&ModuleFile>) -> bool {
    if file.is_some_and(|file| file.module.is_none()) {
        return false;
    }
    !folder.ancestors().any(|above| above.name() == Some(b"vendor") && landscape.is_file(&above.child(b"modules.txt")))
}

/// A folder as a `use` line may write it.
fn written(folder: &str) -> String {
    folder.replace('\\', "/")
}

fn claim_workspace(landscape: &Landscape<'_, Facts>, work: &Workspace<'_>, links: &mut Links) {
    if !landscape.has_manifest(&work.folder.child(MODULE_FILE)) {
        links.projects.push(ProjectClaim {
            folder: work.folder.clone(),
            role: Role::Workspace,
            aliases: Vec::new(),
            admission: Admission::Admitted,
            ground: Ground::Shared(["go.work", "go.work.sum", "vendor/**"].map(str::to_owned).to_vec()),
            evidence: Evidence::new(&work.path, 0, ""),
        });
    }
    for used in work.file.iter().flat_map(|file| &file.uses) {
        find_module(landscape, &work.folder, &used.with(written(&used.value)), &work.path, links);
    }
    for replace in work.file.iter().flat_map(|file| &file.replaces) {
        if let Some(target) = &replace.value.folder {
            find_module(landscape, &work.folder, &replace.with(target.clone()), &work.path, links);
        }
    }
}

/// The folder that a line names, if a module stands there; else what is wrong is claimed.
fn find_module(
    landscape: &Landscape<'_, Facts>,
    folder: &RepoPath,
    target: &Stated<String>,
    file: &RepoPath,
    links: &mut Links,
) -> Option<RepoPath> {
    let evidence = target.evidence(file);
    match folder.resolve(target.value.as_bytes()) {
        Ok(found) if landscape.has_manifest(&found.child(MODULE_FILE)) => Some(found),
        Ok(wanted) => {
            links.dangling.push(DanglingClaim {
                from: folder.clone(),
                wanted: Some(wanted.child(MODULE_FILE)),
                name: MODULE_FILE.to_vec(),
                kind: EdgeKind::Build,
                evidence,
            });
            None
        }
        Err(PathError::Escapes | PathError::Absolute | PathError::Segment) => {
            let message = format!("`{}` lies outside the repository, so its changes are not seen", target.value);
            let finding = Diagnostic::warning("outside-repository", message).at(&evidence);
            links.diagnostics.push(finding.help("name a folder of the repository, or require a released version"));
            None
        }
    }
}

/// What a module's programs have in common with it.
struct Claimed<'m, 'a> {
    module: &'m Module<'a>,
    edges: BTreeSet<(RepoPath, Evidence)>,
    inherited: Vec<Input>,
    /// What stands before the command.
    prefix: &'static str,
    sliced: Sliced,
}

fn claim_module<'m, 'a>(
    landscape: &Landscape<'_, Facts>,
    all: &Modules<'_>,
    module: &'m Module<'a>,
    named: &BTreeSet<RepoPath>,
    services: &[Service],
    links: &mut Links,
) -> Claimed<'m, 'a> {
    let declared = module.file.and_then(|file| file.module.as_ref());
    let evidence = declared.map_or_else(|| Evidence::new(&module.path, 0, ""), |stated| stated.evidence(&module.path));
    links.projects.push(ProjectClaim {
        folder: module.folder.clone(),
        role: Role::Code,
        aliases: module.name().map(str::to_owned).into_iter().collect(),
        admission: admission(landscape, all, module, named),
        ground: Ground::Own,
        evidence: evidence.clone(),
    });
    let workspace = all.workspace_of(&module.folder);
    let shared = workspace.as_ref().filter(|(_, used)| used.contains_key(&module.folder));
    let edges = match module.file {
        Some(file) => edges(landscape, all, module, file, shared, links),
        None => BTreeSet::new(),
    };
    links.edges.extend(edges.iter().cloned().map(|(to, evidence)| EdgeClaim {
        from: module.folder.clone(),
        to: EdgeTarget::Project(to),
        kind: EdgeKind::Build,
        evidence,
    }));
    let inherited = inherited_inputs(landscape, module, workspace.as_ref());
    // In a workspace all versions are chosen together, from more than the lines of this module.
    let sliced = if shared.is_none() { sliced(landscape, module, links) } else { Sliced::default() };
    let prefix = if workspace.is_some() && shared.is_none() { "GOWORK=off " } else { "" };
    // `./...` means the packages of its programs too.
    let all_of = |of: &dyn Fn(Selection) -> Selection| {
        let nested = services.iter().map(|service| Selection::all(&service.folder));
        let own = Selection::owned(&module.folder).slicing(sliced.files());
        let selections = std::iter::once(own).chain(nested);
        let own = selections.map(|selection| Input { selection: of(selection), evidence: evidence.clone() });
        own.chain(inherited.iter().cloned()).collect::<Vec<_>>()
    };
    let command = |name: &str| Command { line: format!("{prefix}go {name} ./..."), folder: module.folder.clone() };
    let [build, test] =
        [all_of(&without_tests), all_of(&|selection| selection)].map(|inputs| (inputs, sliced.claims(true)));
    links.tasks.extend(tasks(&module.folder, build, test, command));
    let mut of_module = module_files(landscape, module);
    of_module.retain(|input| !sliced.files().contains(&input.selection.base));
    of_module.extend(inherited);
    Claimed { module, edges, inherited: of_module, prefix, sliced }
}

fn without_tests(selection: Selection) -> Selection {
    selection.without(["**/*_test.go"])
}

/// What a task reads as files and in slices.
type Claims = (Vec<Input>, Vec<SliceClaim>);

/// The two tasks of a project, by what each reads.
fn tasks(folder: &RepoPath, build: Claims, test: Claims, command: impl Fn(&str) -> Command) -> [TaskClaim; 2] {
    let upstream = |kinds: &[EdgeKind]| Reading::Along(kinds.to_vec(), "build".to_owned());
    let task = |name: &str, (inputs, slices): Claims, reads: Vec<Reading>| TaskClaim {
        folder: folder.clone(),
        name: name.to_owned(),
        inputs,
        slices,
        reads,
        command: Some(command(name)),
        tool: "go".to_owned(),
        builds_upstream: true,
        outputs: (name == "test").then(Vec::new),
    };
    [
        task("build", build, vec![upstream(&[EdgeKind::Build, EdgeKind::Schema])]),
        task(
            "test",
            test,
            vec![Reading::Own("build".to_owned()), upstream(&[EdgeKind::Build, EdgeKind::Schema, EdgeKind::Test])],
        ),
    ]
}

/// One of several programs of a module.
fn claim_service(
    all: &Modules<'_>,
    of_module: &Claimed<'_, '_>,
    service: &Service,
    follower: &mut Follower<'_, '_>,
    links: &mut Links,
) {
    let Claimed { module, edges, inherited, prefix, sliced } = of_module;
    let evidence = Evidence::new(&service.main, 0, "");
    let below = service.folder.below(&module.folder).map(|below| below.to_string()).unwrap_or_default();
    links.parts.push(PartClaim { part: service.folder.clone(), whole: module.folder.clone() });
    links.projects.push(ProjectClaim {
        folder: service.folder.clone(),
        role: Role::Code,
        aliases: module.name().map(|name| format!("{name}/{below}")).into_iter().collect(),
        admission: Admission::Admitted,
        ground: Ground::Own,
        evidence: evidence.clone(),
    });
    let [built, tested] = [false, true].map(|with_tests| follower.imports_of(&service.folder, with_tests));
    for (to, stated) in edges {
        let name = all.modules.get(to).and_then(Module::name);
        // A package from elsewhere may import a module of ours in turn, which nothing here says.
        let imported = name.and_then(|name| tested.of_module(name));
        if tested.widened.is_some() || tested.has_external() || imported.is_some() || name.is_none() {
            let to = EdgeTarget::Project(to.clone());
            let evidence = imported.unwrap_or(stated).clone();
            links.edges.push(EdgeClaim { from: service.folder.clone(), to, kind: EdgeKind::Build, evidence });
        }
    }
    let inputs = |own: Selection, imports: Imports| {
        let slices = sliced.claims(imports.needs_requirements(module));
        let own = std::iter::once(Input { selection: own, evidence: evidence.clone() });
        let imported = imports.inputs.into_iter();
        let imported = imported.map(|Input { selection, evidence }| {
            // All of the module, where it is not certain what is imported.
            Input { selection: selection.slicing(sliced.files()), evidence }
        });
        (own.chain(imported).chain(inherited.iter().cloned()).collect::<Vec<_>>(), slices)
    };
    let owned = Selection::owned(&service.folder);
    links.diagnostics.extend(tested.widened.clone());
    let (build, test) = (inputs(without_tests(owned.clone()), built), inputs(owned, tested));
    let command = |name: &str| Command { line: format!("{prefix}go {name} ./..."), folder: service.folder.clone() };
    links.tasks.extend(tasks(&service.folder, build, test, command));
}

/// A nested module is separate by Go's own rule, wherever it stands; but in a folder that `./...` passes over it is
/// taken for a fixture, unless something speaks for it.
fn admission(
    landscape: &Landscape<'_, Facts>,
    all: &Modules<'_>,
    module: &Module<'_>,
    named: &BTreeSet<RepoPath>,
) -> Admission {
    let enclosing = module.folder.ancestors().skip(1).find(|above| all.modules.contains_key(above));
    let Some(below) = enclosing.and_then(|outer| module.folder.below(&outer)) else { return Admission::Admitted };
    let passed_over = below.segments().any(|name| name == b"testdata" || matches!(name.first(), Some(b'_' | b'.')));
    let stands_alone = named.contains(&module.folder) || landscape.is_file(&module.folder.child(b"go.sum"));
    if passed_over && !stands_alone { Admission::Stray } else { Admission::Admitted }
}

/// The folders of the modules that a module depends on, each with the line that says so.
fn edges(
    landscape: &Landscape<'_, Facts>,
    all: &Modules<'_>,
    module: &Module<'_>,
    file: &ModuleFile,
    shared: Option<&(&Workspace<'_>, Used)>,
    links: &mut Links,
) -> BTreeSet<(RepoPath, Evidence)> {
    let mut edges = BTreeSet::new();
    let mut add = |to: RepoPath, evidence: Evidence| {
        if to != module.folder {
            edges.insert((to, evidence));
        }
    };
    for replace in &file.replaces {
        let Some(target) = &replace.value.folder else { continue };
        let target = replace.with(target.clone());
        if let Some(found) = find_module(landscape, &module.folder, &target, &module.path, links) {
            add(found, target.evidence(&module.path));
        }
    }
    let Some((work, used)) = shared else { return edges };
    for require in &file.requires {
        let named = used.keys().filter(|folder| {
            all.modules.get(folder).is_some_and(|other| other.name().is_none_or(|name| name == require.value.path))
        });
        for folder in named {
            add(folder.clone(), require.evidence(&module.path));
        }
    }
    for (folder, replace, replaced_at) in shared_replacements(all, work, used) {
        let requirement = file.requires.iter().find(|require| require.value.path == replace.module);
        let evidence = match requirement {
            Some(require) => require.evidence(&module.path),
            // Before Go 1.17 a module that is needed by a requirement alone is not listed.
            None if !file.lists_indirect_requirements() && !file.requires.is_empty() => replaced_at,
            None => continue,
        };
        let target = replace.folder.as_ref().and_then(|target| folder.resolve(target.as_bytes()).ok());
        if let Some(target) = target.filter(|target| landscape.has_manifest(&target.child(MODULE_FILE))) {
            add(target, evidence);
        }
    }
    edges
}

/// The replacements of a workspace and of every module that it uses: they hold for all of them.
fn shared_replacements<'a>(
    all: &'a Modules<'_>,
    work: &'a Workspace<'_>,
    used: &'a Used,
) -> impl Iterator<Item = (&'a RepoPath, &'a module_file::Replacement, Evidence)> {
    let modules = used.keys().filter_map(|folder| all.modules.get(folder));
    let files = modules.map(|module| (&module.folder, &module.path, module.file));
    std::iter::once((&work.folder, &work.path, work.file)).chain(files).flat_map(|(folder, path, file)| {
        let replaces = file.into_iter().flat_map(|file| &file.replaces);
        replaces.map(move |replace| (folder, &replace.value, replace.evidence(path)))
    })
}

/// What a module's tasks read besides its own folder.
fn inherited_inputs(
    landscape: &Landscape<'_, Facts>,
    module: &Module<'_>,
    workspace: Option<&(&Workspace<'_>, Used)>,
) -> Vec<Input> {
    let mut inputs = Vec::new();
    let mut add = |path: RepoPath, evidence: Evidence| {
        if !path.is_within(&module.folder) && landscape.exists(&path) {
            inputs.push(Input { selection: Selection::all(&path), evidence });
        }
    };
    if let Some(version) = landscape.nearest(&module.folder, &[".go-version"]) {
        add(version.clone(), Evidence::new(&version, 0, ""));
    }
    let Some((work, used)) = workspace else { return inputs };
    let work_evidence = Evidence::new(&work.path, 0, "");
    add(work.path.clone(), work_evidence.clone());
    if used.contains_key(&module.folder) {
        add(work.folder.child(b"go.work.sum"), work_evidence.clone());
        if landscape.is_file(&work.folder.child(b"vendor").child(b"modules.txt")) {
            add(work.folder.child(b"vendor"), work_evidence);
        }
        // One build list for all: a version that another used module raises is raised here too.
        for (folder, evidence) in used {
            add(folder.child(MODULE_FILE), evidence.clone());
            add(folder.child(b"go.sum"), evidence.clone());
        }
    }
    inputs
}
