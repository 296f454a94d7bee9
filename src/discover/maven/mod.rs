//! Maven: each `pom.xml` and what it inherits, aggregates and depends on.
//!
//! A child reads its parents' POMs and nothing else of them, so each of them is an input by itself. The edge to the
//! parent is claimed only where the parent has nothing but its POM (an aggregator, a parent or a BOM): a parent that
//! has code besides would bring its code into the child's build. What a parent depends on or builds with, the child
//! inherits: those edges are the child's, at the parent's line.

mod facts;
mod reactor;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashSet};

pub use self::facts::Pom;

use self::facts::{Mention, PLUGIN_GROUP, Reference, ReferenceKind};
use self::reactor::{Filled, Module, Reactor};
use super::shell::path_word;
use super::syntax::Unreadable;
use super::{
    Admission, Command, Ecosystem, EdgeClaim, EdgeKind, EdgeTarget, Ground, Input, Landscape, Links, ProjectClaim,
    Reading, Role, SliceClaim, TaskClaim,
};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::path::RepoPath;
use crate::selection::{Selection, escape_glob};

/// The Maven ecosystem.
pub struct Maven;

/// Plugins that the lifecycle runs without being named.
const LIFECYCLE_PLUGINS: [&str; 9] = [
    "maven-clean-plugin",
    "maven-compiler-plugin",
    "maven-deploy-plugin",
    "maven-ear-plugin",
    "maven-install-plugin",
    "maven-jar-plugin",
    "maven-resources-plugin",
    "maven-surefire-plugin",
    "maven-war-plugin",
];

impl Ecosystem for Maven {
    type Facts = Pom;

    const NAME: &'static str = "maven";

    fn recognises(name: &[u8]) -> bool {
        name == b"pom.xml"
    }

    fn read(_name: &[u8], bytes: &[u8]) -> Result<Pom, Unreadable> {
        facts::read(bytes)
    }

    fn link(landscape: &Landscape<'_, Pom>, links: &mut Links) {
        let reactor = Reactor::new(landscape, links);
        let uses: Vec<Vec<Use<'_>>> = (0..reactor.modules.len()).map(|place| uses_of(&reactor, place, links)).collect();
        let mut roles = Roles::default();
        for (module, uses) in reactor.modules.iter().zip(&uses) {
            roles.parents.extend(module.lineage.get(1));
            for used in uses {
                if used.reference.kind == ReferenceKind::Import {
                    roles.parents.insert(used.module);
                }
                if used.reference.tests {
                    roles.test_suppliers.insert(used.module);
                }
            }
        }
        for (place, uses) in uses.iter().enumerate() {
            let linker =
                Linker { reactor: &reactor, landscape, place, shape: shape_of(&reactor, landscape, &roles, place) };
            linker.link(uses, &roles, links);
        }
        claim_fragments(landscape, links);
        // A fixture may be as odd as it likes.
        let admitted = |finding: &Diagnostic| {
            let module = finding.place.as_ref().and_then(|place| reactor.at(&place.file));
            module.is_none_or(|module| reactor.modules[module].admitted)
        };
        links.diagnostics.retain(admitted);
        links.diagnostics.sort();
        links.diagnostics.dedup();
    }
}

/// Claims the fragments of every POM that some task reads in slices.
fn claim_fragments(landscape: &Landscape<'_, Pom>, links: &mut Links) {
    let files: BTreeSet<&RepoPath> =
        links.tasks.iter().flat_map(|task| &task.slices).map(|slice| &slice.file).collect();
    let found = files.into_iter().filter_map(|file| Some((file.clone(), landscape.facts(file)?.fragments.clone())));
    let found: Vec<_> = found.collect();
    links.fragments.extend(found);
}

/// A module of the repository that another one uses.
struct Use<'a> {
    module: usize,
    kind: EdgeKind,
    reference: &'a Reference,
    /// The POM that says so: the module's own or a parent's.
    stated_in: usize,
}

/// What modules are for others.
#[derive(Default)]
struct Roles {
    /// Those that others inherit from, or import as a BOM.
    parents: HashSet<usize>,
    /// Those whose test classes others use.
    test_suppliers: HashSet<usize>,
}

/// What a POM makes of its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// It aggregates modules and builds nothing.
    Aggregator,
    /// It aggregates modules and has sources beside.
    AggregatorWithSources,
    /// Others read it, and it has nothing but itself.
    PomOnly,
    /// It builds what is in its folder.
    Whole,
}

fn shape_of(reactor: &Reactor<'_>, landscape: &Landscape<'_, Pom>, roles: &Roles, place: usize) -> Shape {
    let module = &reactor.modules[place];
    let Some(pom) = module.pom else { return Shape::Whole };
    let packaged_as_pom = reactor.fill(place, &pom.packaging) == Filled::Known("pom".to_owned());
    let sources = landscape.is_folder(&module.folder.child(b"src"));
    match (packaged_as_pom, pom.modules.is_empty(), sources) {
        (true, false, false) => Shape::Aggregator,
        (true, false, true) => Shape::AggregatorWithSources,
        (true, true, false) if roles.parents.contains(&place) => Shape::PomOnly,
        _ => Shape::Whole,
    }
}

/// The modules of the repository that a module uses, by its own word or by a parent's.
fn uses_of<'a>(reactor: &Reactor<'a>, place: usize, links: &mut Links) -> Vec<Use<'a>> {
    let lineage = &reactor.modules[place].lineage;
    let references = || {
        let poms = lineage.iter().filter_map(|&ancestor| Some((ancestor, reactor.modules[ancestor].pom?)));
        poms.flat_map(|(ancestor, pom)| pom.references.iter().map(move |reference| (ancestor, reference)))
    };
    let plugins: HashSet<&str> = references()
        .filter(|(_, reference)| reference.kind == ReferenceKind::Build)
        .filter_map(|(_, reference)| reference.plugin.as_deref())
        .collect();
    let runs = |plugin: &str| {
        let name = plugin.strip_prefix(PLUGIN_GROUP).and_then(|rest| rest.strip_prefix(':'));
        plugins.contains(plugin) || name.is_some_and(|name| LIFECYCLE_PLUGINS.contains(&name))
    };
    let mut uses = Vec::new();
    for (stated_in, reference) in references() {
        let counts = match reference.kind {
            ReferenceKind::Managed => false,
            ReferenceKind::ManagedBuild => reference.plugin.as_deref().is_some_and(runs),
            _ => true,
        };
        if !counts {
            continue;
        }
        let (meant, known) = reactor.meant(place, reference);
        let evidence = reference.artifact.evidence(reactor.modules[stated_in].path);
        if !known && !meant.is_empty() {
            let message = "its coordinates hang on a property that is not known, so every module that fits counts";
            links.diagnostics.push(
                Diagnostic::warning("maven-property-unknown", message)
                    .at(&evidence)
                    .help("define the property in the POM or in a parent that is in the repository"),
            );
        }
        let version = reference.version.as_deref().and_then(|text| reactor.fixed_version(place, text));
        for module in meant {
            if let (Some(wanted), Some(version)) = (&version, &reactor.modules[module].version)
                && wanted != version
            {
                let path = reactor.modules[module].path;
                let message = format!("it asks for version {wanted}, and `{path}` is {version}: it comes from outside");
                links.diagnostics.push(Diagnostic::note("maven-version-outside", message).at(&evidence));
                continue;
            }
            let kind = kind_of(reactor, place, reference);
            uses.push(Use { module, kind, reference, stated_in });
        }
    }
    uses
}

/// Tests alone use what is in the scope `test`, which a parent may give.
fn kind_of(reactor: &Reactor<'_>, place: usize, reference: &Reference) -> EdgeKind {
    if reference.kind != ReferenceKind::Dependency {
        return EdgeKind::Build;
    }
    let managed = || reactor.managed(place, reference).and_then(|managed| managed.scope.as_deref());
    match reference.scope.as_deref().or_else(managed) {
        Some("test") => EdgeKind::Test,
        _ => EdgeKind::Build,
    }
}

/// Links one module.
struct Linker<'a> {
    reactor: &'a Reactor<'a>,
    landscape: &'a Landscape<'a, Pom>,
    place: usize,
    shape: Shape,
}

impl<'a> Linker<'a> {
    fn module(&self) -> &'a Module<'a> {
        &self.reactor.modules[self.place]
    }

    fn link(&self, uses: &[Use<'_>], roles: &Roles, links: &mut Links) {
        let module = self.module();
        let evidence = match module.pom {
            Some(pom) => pom.artifact.evidence(module.path),
            None => Evidence::new(module.path, 0, ""),
        };
        let own_files = ["pom.xml", ".mvn/**", "mvnw*"].map(str::to_owned).to_vec();
        let ground = match self.shape {
            Shape::Whole => Ground::Own,
            Shape::Aggregator | Shape::PomOnly => Ground::Shared(own_files),
            Shape::AggregatorWithSources => Ground::Shared([own_files, vec!["src/**".to_owned()]].concat()),
        };
        let group = module.group.as_deref();
        links.projects.push(ProjectClaim {
            folder: module.folder.clone(),
            role: if self.shape == Shape::Aggregator { Role::Workspace } else { Role::Code },
            aliases: group.map(|group| format!("{group}:{}", module.artifact)).into_iter().collect(),
            admission: if module.admitted { Admission::Admitted } else { Admission::Stray },
            ground,
            evidence: evidence.clone(),
        });
        if self.shape == Shape::Aggregator {
            return;
        }
        self.link_edges(uses, roles, links);
        let slices = self.slices();
        let mut inputs = Vec::new();
        self.inherited(&mut inputs);
        self.mentioned(&mut inputs, links);
        let (mut build, mut test) = (inputs.clone(), inputs);
        if self.shape == Shape::PomOnly {
            let own = Input { selection: Selection::all(module.path).slicing(self.sliced()), evidence };
            build.push(own.clone());
            test.push(own);
        } else {
            let owned = Selection::owned(&module.folder).slicing(self.sliced());
            let odd = module.pom.is_none() || self.lineage_poms().any(|(_, pom)| pom.odd_sources);
            let tests_count = odd || roles.test_suppliers.contains(&self.place);
            let main = if tests_count { owned.clone() } else { owned.clone().without(["src/test/**"]) };
            build.push(Input { selection: main, evidence: evidence.clone() });
            test.push(Input { selection: owned, evidence });
        }
        let along = |kinds: &[EdgeKind]| Reading::Along(kinds.to_vec(), "build".to_owned());
        let built = along(&[EdgeKind::Build, EdgeKind::Schema]);
        let tested = along(&[EdgeKind::Build, EdgeKind::Schema, EdgeKind::Test]);
        for (name, inputs, reads) in
            [("build", build, vec![built]), ("test", test, vec![Reading::Own("build".to_owned()), tested])]
        {
            links.tasks.push(TaskClaim {
                folder: module.folder.clone(),
                name: name.to_owned(),
                inputs: sorted(inputs),
                slices: slices.clone(),
                reads,
                // There is nothing to run in a POM that only others read.
                command: (self.shape != Shape::PomOnly).then(|| self.command(name)),
                tool: "mvn".to_owned(),
                builds_upstream: true,
                outputs: Some(if name == "test" { Vec::new() } else { vec!["target/**".to_owned()] }),
            });
        }
    }

    /// The module's own POM, where it is read in slices.
    fn sliced(&self) -> Option<&'a RepoPath> {
        let module = self.module();
        module.pom.map(|_| module.path)
    }

    /// What the module's tasks read of POMs: all that a build can see of its own, and what parents hand down. A POM that
    /// has nothing else is there to be inherited from.
    fn slices(&self) -> Vec<SliceClaim> {
        let claim = |(place, pom): (usize, &Pom)| {
            let file = self.reactor.modules[place].path;
            let is_own = place == self.place && self.shape != Shape::PomOnly;
            let fragment = if is_own { pom.own } else { pom.handed_down };
            SliceClaim { file: file.clone(), fragment, evidence: pom.artifact.evidence(file) }
        };
        self.lineage_poms().map(claim).collect()
    }

    fn lineage_poms(&self) -> impl Iterator<Item = (usize, &'a Pom)> {
        let reactor = self.reactor;
        self.module().lineage.iter().filter_map(move |&ancestor| Some((ancestor, reactor.modules[ancestor].pom?)))
    }

    fn link_edges(&self, uses: &[Use<'_>], roles: &Roles, links: &mut Links) {
        let mut edges: BTreeSet<(&RepoPath, EdgeKind, Evidence)> = BTreeSet::new();
        for used in uses {
            let evidence = used.reference.artifact.evidence(self.reactor.modules[used.stated_in].path);
            edges.insert((&self.reactor.modules[used.module].folder, used.kind, evidence));
        }
        if let (Some(&parent), Some(stated)) = (self.module().lineage.get(1), self.parent_line(self.place))
            && matches!(shape_of(self.reactor, self.landscape, roles, parent), Shape::Aggregator | Shape::PomOnly)
        {
            edges.insert((&self.reactor.modules[parent].folder, EdgeKind::Build, stated));
        }
        for (to, kind, evidence) in edges {
            if *to != self.module().folder {
                let (from, to) = (self.module().folder.clone(), EdgeTarget::Project(to.clone()));
                links.edges.push(EdgeClaim { from, to, kind, evidence });
            }
        }
    }

    /// The line by which a POM names its parent.
    fn parent_line(&self, place: usize) -> Option<Evidence> {
        let module = &self.reactor.modules[place];
        Some(module.pom?.parent.as_ref()?.artifact.evidence(module.path))
    }

    /// The parents' POMs that cannot be read, and the settings of the build that encloses the module.
    fn inherited(&self, inputs: &mut Vec<Input>) {
        let module = self.module();
        for pair in module.lineage.windows(2) {
            let parent = &self.reactor.modules[pair[1]];
            if let Some(evidence) = self.parent_line(pair[0]).filter(|_| parent.pom.is_none()) {
                inputs.push(Input { selection: Selection::all(parent.path), evidence });
            }
        }
        if module.pom.is_none() {
            // Whatever its parent is, it stands as a rule above.
            for file in module.folder.ancestors().skip(1).map(|folder| folder.child(b"pom.xml")) {
                if self.landscape.is_file(&file) {
                    let evidence = Evidence::new(&file, 0, "");
                    inputs.push(Input { selection: Selection::all(&file), evidence });
                }
            }
        }
        if let Some(settings) = self.settings_folder() {
            let evidence = Evidence::new(&settings, 0, "");
            inputs.push(Input { selection: Selection::all(&settings), evidence });
        }
    }

    /// The nearest `.mvn`.
    fn settings_folder(&self) -> Option<RepoPath> {
        let folders = self.module().folder.ancestors().map(|folder| folder.child(b".mvn"));
        folders.into_iter().find(|folder| self.landscape.is_folder(folder))
    }

    /// Files and folders outside that the build names: sources, resources, settings of plugins.
    fn mentioned(&self, inputs: &mut Vec<Input>, links: &mut Links) {
        for (ancestor, pom) in self.lineage_poms() {
            for mention in &pom.mentions {
                let Some(path) = self.place_of(&mention.path.value) else { continue };
                let evidence = mention.path.evidence(self.reactor.modules[ancestor].path);
                let folder = self.landscape.is_folder(&path);
                if path.is_within(&self.module().folder) || (folder && !mention.folder) {
                    continue;
                }
                if !folder && !mention.folder && !self.landscape.is_file(&path) {
                    continue;
                }
                if folder && !self.module().folder.is_within(&path) {
                    let (from, to) = (self.module().folder.clone(), EdgeTarget::Path(path.clone()));
                    links.edges.push(EdgeClaim { from, to, kind: EdgeKind::Build, evidence: evidence.clone() });
                }
                inputs.push(Input { selection: limited(&path, mention), evidence });
            }
        }
    }

    /// Where a path of the build leads: it is relative to the module, even where a parent writes it.
    fn place_of(&self, written: &str) -> Option<RepoPath> {
        let mut text = written.replace('\\', "/");
        let mut base = self.module().folder.clone();
        // A property at the start may itself begin with a folder of Maven's.
        for _ in 0..8 {
            let Some((name, rest)) = text.strip_prefix("${").and_then(|rest| rest.split_once('}')) else { break };
            let known = match name {
                "project.basedir" | "basedir" | "pom.basedir" => Some(self.module().folder.clone()),
                "project.parent.basedir" => {
                    self.module().lineage.get(1).map(|&parent| self.reactor.modules[parent].folder.clone())
                }
                "maven.multiModuleProjectDirectory" | "session.rootDirectory" | "project.rootDirectory" => {
                    let above = self.settings_folder().and_then(|settings| settings.parent());
                    Some(above.unwrap_or_else(|| self.top().folder.clone()))
                }
                "session.executionRootDirectory" | "session.topDirectory" => Some(self.top().folder.clone()),
                _ => None,
            };
            if let Some(known) = known {
                (base, text) = (known, rest.trim_start_matches('/').to_owned());
                break;
            }
            let value = self.reactor.property(self.place, name)?;
            text = format!("{value}{rest}");
        }
        let text = self.reactor.fill(self.place, &text).known()?;
        base.resolve(text.as_bytes()).ok()
    }

    fn top(&self) -> &'a Module<'a> {
        &self.reactor.modules[self.reactor.top(self.place)]
    }

    /// What a person would run: from the aggregator, which builds what the module needs, or alone.
    fn command(&self, task: &str) -> Command {
        let (module, top) = (self.module(), self.top());
        let path = top.folder.relative_to(&module.folder);
        match std::str::from_utf8(&path) {
            Ok(path) if top.path != module.path => {
                let goal = if task == "build" { "package -DskipTests" } else { "verify" };
                Command { line: format!("mvn -pl {} -am {goal}", path_word(path)), folder: top.folder.clone() }
            }
            _ => {
                let goal = if task == "build" { "package -DskipTests" } else { "test" };
                Command { line: format!("mvn {goal}"), folder: module.folder.clone() }
            }
        }
    }
}

fn sorted(mut inputs: Vec<Input>) -> Vec<Input> {
    inputs.sort();
    inputs.dedup();
    inputs
}

/// A folder of resources limited to its includes, which are patterns of Ant.
fn limited(path: &RepoPath, mention: &Mention) -> Selection {
    let all = Selection::all(path);
    if mention.includes.is_empty() || mention.includes.iter().any(|include| include.contains("${")) {
        return all;
    }
    let globs = mention.includes.iter().map(|include| {
        let literal: String = include
            .replace('\\', "/")
            .trim_start_matches('/')
            .chars()
            .map(|character| match character {
                '*' | '?' => character.to_string(),
                _ => escape_glob(character.encode_utf8(&mut [0; 4])),
            })
            .collect();
        if literal.ends_with('/') { format!("{literal}**") } else { literal }
    });
    all.only(globs)
}
