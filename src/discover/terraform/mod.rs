//! Terraform and OpenTofu: every folder with configuration is a module and a project; Terragrunt's units beside them.
//!
//! A module that lies in a project of another ecosystem takes no files from it: its task is that project's.

mod configuration;
mod language;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use self::configuration::{Base, Configuration, read_lock, reference};
use super::locked::Locked;
use super::surroundings::homes;
use super::syntax::{Stated, Unreadable};
use super::{
    Admission, Command, DanglingClaim, Doubtful, Ecosystem, EdgeClaim, EdgeKind, EdgeTarget, Ground, Input, Landscape,
    Links, ProjectClaim, Reading, Role, SliceClaim, TaskClaim,
};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::path::{PathError, RepoPath};
use crate::selection::{Selection, escape_glob};

/// Terraform, OpenTofu and Terragrunt.
pub(super) struct Terraform;

/// What one file says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Facts {
    /// Configuration of a module.
    Module(Configuration),
    /// `*.tfvars`: values for the variables of a module.
    Variables(Configuration),
    /// `terragrunt.hcl`, or another file of HCL that it may include.
    Terragrunt(Configuration),
    /// `.terraform.lock.hcl`.
    Lock(Locked),
}

impl Facts {
    fn configuration(&self) -> Option<&Configuration> {
        match self {
            Facts::Module(found) | Facts::Variables(found) | Facts::Terragrunt(found) => Some(found),
            Facts::Lock(_) => None,
        }
    }
}

const LOCK: &[u8] = b".terraform.lock.hcl";
const TASK: &str = "validate";

/// How many modules one calls at most, directly or not, where its lockfile is read in slices.
const MOST_CALLED: usize = 1_000;

impl Ecosystem for Terraform {
    type Facts = Facts;

    const NAME: &'static str = "terraform";

    fn recognises(name: &[u8]) -> bool {
        is_module(name) || is_variables(name) || is_terragrunt(name) || name == LOCK
    }

    fn read(name: &[u8], bytes: &[u8]) -> Result<Facts, Unreadable> {
        let read = match name.ends_with(b".json") {
            true => Configuration::read_json,
            false => Configuration::read,
        };
        match name {
            LOCK => read_lock(bytes).map(Facts::Lock),
            _ if is_terragrunt(name) => read(bytes).map(Facts::Terragrunt),
            _ if is_variables(name) => read(bytes).map(Facts::Variables),
            _ => read(bytes).map(Facts::Module),
        }
    }

    fn link(landscape: &Landscape<'_, Facts>, links: &mut Links) {
        let modules = Modules::of(landscape);
        for (folder, module) in &modules.by_folder {
            if let Some(home) = modules.home_of(folder) {
                claim_module(landscape, &modules, folder, home, module, links);
            }
        }
    }
}

fn is_module(name: &[u8]) -> bool {
    [&b".tf"[..], b".tofu", b".tf.json", b".tofu.json"].iter().any(|ending| name.ends_with(ending))
}

fn is_variables(name: &[u8]) -> bool {
    [&b".tfvars"[..], b".tfvars.json"].iter().any(|ending| name.ends_with(ending))
}

fn is_terragrunt(name: &[u8]) -> bool {
    name.ends_with(b".hcl") && name != LOCK
}

/// The files of one folder. One that cannot be read says nothing.
#[derive(Default)]
struct Module<'a> {
    files: Vec<(&'a RepoPath, Option<&'a Configuration>)>,
    is_module: bool,
    is_unit: bool,
}

impl Module<'_> {
    fn evidence(&self) -> Evidence {
        let main = self.files.iter().find(|(path, _)| path.name() == Some(b"main.tf"));
        let first = main.or_else(|| self.files.iter().find(|(path, _)| !is_variables(path.as_bytes())));
        Evidence::new(first.or(self.files.first()).map_or(&RepoPath::root(), |(path, _)| path), 0, "")
    }

    fn said(&self) -> impl Iterator<Item = (&RepoPath, &Configuration)> {
        self.files.iter().filter_map(|(path, file)| Some((*path, (*file)?)))
    }
}

/// All modules of the tree, and whose each one's task is.
struct Modules<'a> {
    by_folder: BTreeMap<RepoPath, Module<'a>>,
    homes: BTreeMap<RepoPath, RepoPath>,
}

impl<'a> Modules<'a> {
    fn of(landscape: &'a Landscape<'a, Facts>) -> Self {
        let mut by_folder: BTreeMap<RepoPath, Module<'a>> = BTreeMap::new();
        for manifest in landscape.manifests().iter().filter(|manifest| !is_fetched(manifest.path)) {
            let name = manifest.path.name().unwrap_or_default();
            if name == LOCK {
                continue;
            }
            let module = by_folder.entry(manifest.folder()).or_default();
            let said = manifest.facts.ok().and_then(Facts::configuration);
            module.is_module |= is_module(name);
            module.is_unit |= name == b"terragrunt.hcl" && said.is_none_or(|said| said.is_unit);
            module.files.push((manifest.path, said));
        }
        by_folder.retain(|_, module| module.is_module || module.is_unit);
        let mut named: BTreeSet<RepoPath> = BTreeSet::new();
        for (folder, module) in &by_folder {
            for (_, said) in module.said() {
                let sources = said.modules.iter().filter(|source| source.value.starts_with('.'));
                named.extend(sources.filter_map(|source| folder.resolve(source.value.as_bytes()).ok()));
            }
        }
        let homes = homes(landscape, by_folder.keys(), &named);
        Self { by_folder, homes }
    }

    /// The folder of the project that a module's task belongs to; none for a fixture.
    fn home_of(&self, folder: &RepoPath) -> Option<&RepoPath> {
        self.homes.get(folder)
    }

    /// The modules that a module calls here, itself among them; none where one of them is called from elsewhere or cannot
    /// be read, or where there are too many to follow for each module.
    fn called_by(&self, folder: &RepoPath) -> Option<BTreeSet<RepoPath>> {
        let mut called = BTreeSet::from([folder.clone()]);
        let mut pending = vec![folder.clone()];
        while let Some(folder) = pending.pop() {
            let module = self.by_folder.get(&folder)?;
            for (_, said) in &module.files {
                for source in &(*said)?.modules {
                    let target = local(&folder, &source.value)?.ok()?;
                    if called.insert(target.clone()) {
                        pending.push(target);
                    }
                    if called.len() > MOST_CALLED {
                        return None;
                    }
                }
            }
        }
        Some(called)
    }
}

/// Whether it lies among what `init` fetched.
fn is_fetched(path: &RepoPath) -> bool {
    path.segments().any(|segment| matches!(segment, b".terraform" | b".terragrunt-cache"))
}

/// The folder that a module's source names, if it names one beside it.
fn local(folder: &RepoPath, source: &str) -> Option<Result<RepoPath, PathError>> {
    let reference = reference(source, false)?;
    match reference.base {
        _ if reference.goes_on => None,
        Base::Folder => Some(folder.resolve(reference.path.as_bytes())),
        Base::Repository => Some(RepoPath::root().resolve(reference.path.as_bytes())),
        Base::Above(_) => None,
    }
}

fn claim_module(
    landscape: &Landscape<'_, Facts>,
    modules: &Modules<'_>,
    folder: &RepoPath,
    home: &RepoPath,
    module: &Module<'_>,
    links: &mut Links,
) {
    let evidence = module.evidence();
    let is_project = home == folder;
    let mut claims = Claims { landscape, modules, folder, home, inputs: BTreeMap::new(), reads: Vec::new() };
    for (file, said) in module.said() {
        claims.take(file, said, links);
    }
    let Claims { inputs: outside, mut reads, .. } = claims;
    let mut computed = module.said().flat_map(|(file, said)| said.computed.iter().map(move |call| (file, call)));
    if let Some((file, call)) = computed.next() {
        let more = match computed.count() {
            0 => String::new(),
            more => format!(" (and {more} more such calls)"),
        };
        let message = format!("the path that `{}` reads is worked out, so it is not known{more}", call.value);
        let mend = "write the path as a literal that begins with ${path.module}, or state the files under `inputs`";
        links.diagnostics.push(Diagnostic::note("computed-path", message).at(&call.evidence(file)).help(mend));
    }
    reads.sort_by(|(a, _), (b, _)| a.cmp(b));
    reads.dedup_by(|(a, _), (b, _)| a == b);

    let lock = folder.child(LOCK);
    let sliced = slices(landscape, modules, folder, &lock);
    let whole = if is_project { Selection::owned(folder) } else { Selection::all(folder) };
    let whole = whole.slicing(sliced.as_ref().map(|_| &lock));
    let mut inputs = vec![Input { selection: whole, evidence: evidence.clone() }];
    // What lies in the folder may be another project's all the same.
    inputs.extend(outside.into_iter().map(|(path, evidence)| Input { selection: Selection::all(&path), evidence }));
    if let (Some(_), Some(Facts::Lock(locked))) = (&sliced, landscape.facts(&lock)) {
        links.fragments.push((lock.clone(), locked.fragments.clone()));
    }
    if is_project {
        links.projects.push(ProjectClaim {
            folder: folder.clone(),
            role: Role::Code,
            aliases: Vec::new(),
            admission: Admission::Admitted,
            ground: ground_of(folder),
            evidence: evidence.clone(),
        });
    }
    links.tasks.push(TaskClaim {
        folder: home.clone(),
        name: TASK.to_owned(),
        inputs,
        slices: sliced.unwrap_or_default(),
        reads: reads.into_iter().map(|(to, evidence)| Reading::Task(to, TASK.to_owned(), evidence)).collect(),
        command: Some(command(folder, module.is_unit)),
        tool: if module.is_unit { "terragrunt" } else { "terraform" }.to_owned(),
        builds_upstream: true,
        outputs: Some(Vec::new()),
    });
}

/// A module at the root takes what Terraform reads of it: the rest of the repository is not the module's.
fn ground_of(folder: &RepoPath) -> Ground {
    if !folder.is_root() {
        return Ground::Own;
    }
    let globs = ["*.tf", "*.tofu", "*.tf.json", "*.tofu.json", "*.tfvars", "*.tfvars.json", "*.tftest.hcl"];
    let mut globs = globs.map(str::to_owned).to_vec();
    globs.extend([".terraform.lock.hcl", ".terraform-version", ".opentofu-version"].map(escape_glob));
    Ground::Shared(globs)
}

/// What one module claims besides its own folder.
struct Claims<'a> {
    landscape: &'a Landscape<'a, Facts>,
    modules: &'a Modules<'a>,
    folder: &'a RepoPath,
    home: &'a RepoPath,
    inputs: BTreeMap<RepoPath, Evidence>,
    reads: Vec<(RepoPath, Evidence)>,
}

impl Claims<'_> {
    fn take(&mut self, file: &RepoPath, said: &Configuration, links: &mut Links) {
        for source in said.modules.iter().chain(&said.dependencies) {
            self.call(file, source, links);
        }
        for wanted in &said.from_above {
            self.include(&wanted.value, &wanted.evidence(file), links);
        }
        self.paths(self.folder, file, said, links);
    }

    /// The nearest file of a name above, which an include leads to or a file that is included.
    fn above(&self, name: &str) -> Option<RepoPath> {
        self.landscape.nearest(&self.folder.parent()?, &[name])
    }

    /// What a file says that is included, and what it looks for from where it is included.
    fn include(&mut self, name: &str, evidence: &Evidence, links: &mut Links) {
        let mut pending: Vec<RepoPath> = self.above(name).into_iter().collect();
        while let Some(found) = pending.pop() {
            if self.inputs.contains_key(&found) {
                continue;
            }
            self.inputs.insert(found.clone(), evidence.clone());
            let Some(included) = self.landscape.facts(&found).and_then(Facts::configuration) else { continue };
            self.paths(&found.parent().unwrap_or_else(RepoPath::root), &found, included, links);
            pending.extend(included.from_above.iter().filter_map(|wanted| self.above(&wanted.value)));
        }
    }

    /// A module that is called, or a unit whose outputs are read.
    fn call(&mut self, file: &RepoPath, source: &Stated<String>, links: &mut Links) {
        let evidence = source.evidence(file);
        let target = match local(self.folder, &source.value) {
            Some(Ok(target)) => target,
            Some(Err(_)) => {
                links.diagnostics.push(outside_repository(&source.value, &evidence));
                return;
            }
            None if source.value.contains("${") && !["::", "://", "?ref="].iter().any(|m| source.value.contains(m)) => {
                let message = format!("the source `{}` is worked out, so the module is not known", source.value);
                let finding = Diagnostic::warning("computed-path", message).at(&evidence);
                let finding = finding.help("write the source as a literal path");
                links.doubt(Doubtful::Project(self.home.clone()), finding);
                return;
            }
            // From a registry or another repository.
            None => return,
        };
        if target == *self.folder {
            return;
        }
        match self.modules.home_of(&target) {
            Some(home) if home != self.home => {
                self.reads.push((home.clone(), evidence.clone()));
                self.lead(EdgeTarget::Project(home.clone()), EdgeKind::Build, evidence, links);
            }
            Some(_) => {}
            None if self.landscape.exists(&target) => drop(self.inputs.insert(target, evidence)),
            None => links.dangling.push(DanglingClaim {
                from: self.home.clone(),
                name: target.name().unwrap_or_default().to_vec(),
                wanted: Some(target),
                kind: EdgeKind::Build,
                evidence,
            }),
        }
    }

    /// A module inside a project of another ecosystem brings nothing into that project's build.
    fn lead(&self, to: EdgeTarget, kind: EdgeKind, evidence: Evidence, links: &mut Links) {
        let kind = if self.home == self.folder { kind } else { EdgeKind::Deploy };
        links.edges.push(EdgeClaim { from: self.home.clone(), to, kind, evidence });
    }

    fn paths(&mut self, folder: &RepoPath, file: &RepoPath, said: &Configuration, links: &mut Links) {
        let called = said.modules.iter().chain(&said.dependencies);
        let called: BTreeSet<(u32, &str)> = called.map(|source| (source.line, source.value.as_str())).collect();
        for path in said.paths.iter().filter(|path| !called.contains(&(path.line, path.value.path.as_str()))) {
            let evidence = path.evidence(file);
            let resolved = match &path.value.base {
                Base::Above(name) => {
                    let above = self.above(name).and_then(|found| found.parent());
                    above.ok_or(PathError::Segment).and_then(|above| above.resolve(path.value.path.as_bytes()))
                }
                _ if path.value.path.starts_with('~') => Err(PathError::Absolute),
                Base::Folder => folder.resolve(path.value.path.as_bytes()),
                Base::Repository => RepoPath::root().resolve(path.value.path.as_bytes()),
            };
            match resolved {
                // The module itself, or a folder around it: `${path.module}/..` says no more than where it stands.
                Ok(target) if self.folder.is_within(&target) && (!path.value.goes_on || target == *self.folder) => {}
                Ok(target) if self.landscape.exists(&target) => {
                    self.lead(EdgeTarget::Path(target.clone()), EdgeKind::Deploy, evidence.clone(), links);
                    let is_new = self.inputs.insert(target.clone(), evidence).is_none();
                    // A file that is included looks for others from where it is included.
                    if let (true, Some(Facts::Terragrunt(included))) = (is_new, self.landscape.facts(&target)) {
                        for wanted in &included.from_above {
                            self.include(&wanted.value, &wanted.evidence(&target), links);
                        }
                    }
                }
                // `path.root` is where Terraform runs, which for a module that is called is elsewhere.
                Ok(target) if path.value.is_read && !path.value.goes_on && !path.text.contains("path.root") => {
                    let name = target.name().unwrap_or_default().to_vec();
                    let (from, wanted) = (self.home.clone(), Some(target));
                    links.dangling.push(DanglingClaim { from, wanted, name, kind: EdgeKind::Deploy, evidence });
                }
                Ok(_) => {}
                Err(_) if path.value.is_read => links.diagnostics.push(outside_repository(&path.value.path, &evidence)),
                Err(_) => {}
            }
        }
    }
}

fn outside_repository(path: &str, evidence: &Evidence) -> Diagnostic {
    let message = format!("`{path}` lies outside the repository, so its changes are not seen");
    Diagnostic::warning("outside-repository", message).at(evidence).help("name a path of the repository")
}

/// What the lockfile says of the providers of a module and of those that it calls; none where that cannot be told.
fn slices(
    landscape: &Landscape<'_, Facts>,
    modules: &Modules<'_>,
    folder: &RepoPath,
    lock: &RepoPath,
) -> Option<Vec<SliceClaim>> {
    let Some(Facts::Lock(locked)) = landscape.facts(lock) else { return None };
    let mut addresses: BTreeSet<String> = BTreeSet::new();
    for called in modules.called_by(folder)? {
        let module = modules.by_folder.get(&called)?;
        let providers = module.said().flat_map(|(_, said)| &said.providers);
        let mut sources: BTreeMap<&str, Option<&str>> = BTreeMap::new();
        for (name, source) in providers {
            let known = sources.entry(name).or_default();
            *known = known.or(source.as_deref());
        }
        // Terraform brings this one itself.
        sources.remove("terraform");
        for (name, source) in sources {
            let source = source.map_or_else(|| format!("hashicorp/{name}"), str::to_lowercase);
            let hosts = ["", "registry.terraform.io/", "registry.opentofu.org/"];
            addresses.insert(hosts.iter().map(|host| format!("{host}{source}")).find(|name| locked.has(name))?);
        }
    }
    locked.claims(lock, addresses.iter().map(String::as_str))
}

fn command(folder: &RepoPath, is_unit: bool) -> Command {
    let line = if is_unit { "terragrunt validate" } else { "terraform init -backend=false && terraform validate" };
    Command { line: line.to_owned(), folder: folder.clone() }
}
