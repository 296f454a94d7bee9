//! Which POM inherits from which, which aggregates which, and under which coordinates each is known.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::facts::{Parent, Pom, Reference, ReferenceKind};
use crate::diagnostic::Diagnostic;
use crate::discover::{Landscape, Links};
use crate::path::RepoPath;

/// How often properties are filled in one after the other before the text counts as unknown.
const DEEPEST_USE: usize = 32;
/// The longest text that properties may fill in to.
const LONGEST_TEXT: usize = 4096;
/// How many parents one POM may have above it.
const MOST_PARENTS: usize = 128;

/// Properties that the command line sets for the whole build, so that their value in the file says little.
const SET_FROM_OUTSIDE: [&str; 3] = ["${revision}", "${sha1}", "${changelist}"];

/// One POM and what follows from its place.
pub(super) struct Module<'a> {
    pub(super) path: &'a RepoPath,
    pub(super) folder: RepoPath,
    /// What it says; none if it cannot be read.
    pub(super) pom: Option<&'a Pom>,
    /// Its own place, then those of its parents, as far as they are in the repository.
    pub(super) lineage: Vec<usize>,
    /// A POM that lists it as a module.
    pub(super) aggregator: Option<usize>,
    /// Whether the rules of its build reach it.
    pub(super) admitted: bool,
    pub(super) group: Option<String>,
    pub(super) artifact: String,
    /// Its version, if nothing from outside can change it.
    pub(super) version: Option<String>,
}

/// All POMs of a tree.
pub(super) struct Reactor<'a> {
    pub(super) modules: Vec<Module<'a>>,
    by_artifact: BTreeMap<String, Vec<usize>>,
    properties: Vec<HashMap<&'a str, &'a str>>,
    /// For each POM what it manages, by the artifact as written; under the empty name what hangs on properties.
    managed: Vec<HashMap<&'a str, Vec<&'a Reference>>>,
}

/// What a text with properties comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Filled {
    /// All of it is known.
    Known(String),
    /// A property is not known; what stands before the first and after the last such is.
    Partly(String, String),
}

impl Filled {
    fn admits(&self, text: &str) -> bool {
        match self {
            Filled::Known(known) => known == text,
            Filled::Partly(before, after) => {
                text.len() >= before.len() + after.len()
                    && text.starts_with(before.as_str())
                    && text.ends_with(after.as_str())
            }
        }
    }

    pub(super) fn known(self) -> Option<String> {
        match self {
            Filled::Known(text) => Some(text),
            Filled::Partly(..) => None,
        }
    }
}

impl<'a> Reactor<'a> {
    pub(super) fn new(landscape: &Landscape<'a, Pom>, links: &mut Links) -> Self {
        let manifests = landscape.manifests();
        let mut reactor =
            Self { modules: Vec::new(), by_artifact: BTreeMap::new(), properties: Vec::new(), managed: Vec::new() };
        for manifest in manifests {
            let pom = manifest.facts.ok();
            reactor.modules.push(Module {
                path: manifest.path,
                folder: manifest.folder(),
                pom,
                lineage: vec![reactor.modules.len()],
                aggregator: None,
                admitted: false,
                group: None,
                artifact: pom.map_or_else(String::new, |pom| pom.artifact.value.clone()),
                version: None,
            });
            // Of several definitions the last one counts, as in Maven.
            let properties = pom.into_iter().flat_map(|pom| &pom.properties);
            reactor.properties.push(properties.map(|(name, value)| (name.as_str(), value.as_str())).collect());
            let mut managed: HashMap<&str, Vec<&Reference>> = HashMap::new();
            let references = pom.into_iter().flat_map(|pom| &pom.references);
            for reference in references.filter(|reference| reference.kind == ReferenceKind::Managed) {
                let artifact = reference.artifact.value.as_str();
                managed.entry(if artifact.contains("${") { "" } else { artifact }).or_default().push(reference);
            }
            reactor.managed.push(managed);
        }
        reactor.find_lineages(landscape, links);
        reactor.find_coordinates();
        let listed = reactor.find_aggregators(landscape, links);
        reactor.admit(landscape, &listed);
        reactor
    }

    /// The place of the POM at a path.
    pub(super) fn at(&self, path: &RepoPath) -> Option<usize> {
        self.modules.binary_search_by(|module| module.path.cmp(path)).ok()
    }

    fn find_lineages(&mut self, landscape: &Landscape<'a, Pom>, links: &mut Links) {
        // Parents that are only known by their coordinates: reactors may switch the path off.
        let mut literal: HashMap<(&str, &str), usize> = HashMap::new();
        for (place, module) in self.modules.iter().enumerate() {
            let Some(pom) = module.pom else { continue };
            let inherited = pom.parent.as_ref().map(|parent| parent.group.as_str());
            if let Some(group) = pom.group.as_deref().or(inherited) {
                literal.entry((group, &pom.artifact.value)).or_insert(place);
            }
        }
        let mut parents: Vec<Option<usize>> = Vec::new();
        for (place, module) in self.modules.iter().enumerate() {
            let parent = module.pom.and_then(|pom| pom.parent.as_ref());
            let found = parent.and_then(|parent| {
                let by_path = self.parent_by_path(landscape, module, parent);
                let known = || literal.get(&(parent.group.as_str(), parent.artifact.value.as_str())).copied();
                by_path.or_else(known).filter(|&found| found != place && self.same_version(found, parent))
            });
            if let (Some(parent), None) = (parent, found) {
                let message =
                    format!("the parent `{}:{}` is not in the repository", parent.group, parent.artifact.value);
                let evidence = parent.artifact.evidence(module.path);
                links.diagnostics.push(Diagnostic::note("maven-parent-outside", message).at(&evidence));
            }
            parents.push(found);
        }
        for (place, module) in self.modules.iter_mut().enumerate() {
            let mut seen = HashSet::from([place]);
            let mut next = parents[place];
            while let Some(parent) = next.filter(|parent| seen.len() < MOST_PARENTS && seen.insert(*parent)) {
                module.lineage.push(parent);
                next = parents[parent];
            }
        }
    }

    fn parent_by_path(&self, landscape: &Landscape<'a, Pom>, module: &Module<'a>, parent: &Parent) -> Option<usize> {
        let written = parent.relative_path.as_deref().unwrap_or("../pom.xml");
        if written.is_empty() {
            return None;
        }
        let path = module.folder.resolve(written.replace('\\', "/").as_bytes()).ok()?;
        let path = if landscape.is_folder(&path) { path.child(b"pom.xml") } else { path };
        let found = self.at(&path)?;
        // One that cannot be read may well be the parent.
        let Some(pom) = self.modules[found].pom else { return Some(found) };
        let inherited = pom.parent.as_ref().map(|parent| parent.group.as_str());
        let group = pom.group.as_deref().or(inherited)?;
        let plain = |text: &str| !text.contains("${");
        let same = |a: &str, b: &str| a == b || !plain(a) || !plain(b);
        (same(group, &parent.group) && same(&pom.artifact.value, &parent.artifact.value)).then_some(found)
    }

    /// Whether a POM can be the parent, as far as both versions stand in the files.
    fn same_version(&self, found: usize, parent: &Parent) -> bool {
        let Some(pom) = self.modules[found].pom else { return true };
        let inherited = pom.parent.as_ref().and_then(|parent| parent.version.as_deref());
        match (pom.version.as_deref().or(inherited), parent.version.as_deref()) {
            (Some(a), Some(b)) => a == b || [a, b].iter().any(|text| text.contains("${") || is_range(text)),
            _ => true,
        }
    }

    fn find_coordinates(&mut self) {
        let mut coordinates = Vec::new();
        for place in 0..self.modules.len() {
            let Some(pom) = self.modules[place].pom else {
                coordinates.push((None, String::new(), None));
                continue;
            };
            let parent = pom.parent.as_ref();
            let group = pom.group.as_deref().or(parent.map(|parent| parent.group.as_str()));
            let group = group.and_then(|text| self.fill(place, text).known());
            let artifact = self.fill(place, &pom.artifact.value).known().unwrap_or_default();
            let version = pom.version.as_deref().or(parent.and_then(|parent| parent.version.as_deref()));
            let version = version.and_then(|text| self.fixed_version(place, text));
            coordinates.push((group, artifact, version));
        }
        for (place, (module, (group, artifact, version))) in self.modules.iter_mut().zip(coordinates).enumerate() {
            if !artifact.is_empty() {
                self.by_artifact.entry(artifact.clone()).or_default().push(place);
            }
            (module.group, module.artifact, module.version) = (group, artifact, version);
        }
    }

    /// A version that cannot be anything else: no range, and no property that the command line sets.
    pub(super) fn fixed_version(&self, place: usize, text: &str) -> Option<String> {
        // A property may lead to one that is set from outside.
        let mut text = text.to_owned();
        for _ in 0..DEEPEST_USE {
            if SET_FROM_OUTSIDE.iter().any(|name| text.contains(name)) || is_range(&text) {
                return None;
            }
            if !text.contains("${") {
                return Some(text);
            }
            text = self.fill_once(place, &text)?;
        }
        None
    }

    fn find_aggregators(&mut self, landscape: &Landscape<'a, Pom>, links: &mut Links) -> Vec<Vec<usize>> {
        let mut listed = vec![Vec::new(); self.modules.len()];
        for (place, listed) in listed.iter_mut().enumerate() {
            let Some(pom) = self.modules[place].pom else { continue };
            for written in &pom.modules {
                let evidence = written.evidence(self.modules[place].path);
                let Some(text) = self.fill(place, &written.value.replace('\\', "/")).known() else { continue };
                let Ok(path) = self.modules[place].folder.resolve(text.as_bytes()) else {
                    let finding = Diagnostic::warning("outside-repository", "the module lies outside the repository");
                    links.diagnostics.push(finding.at(&evidence));
                    continue;
                };
                let path = if landscape.is_folder(&path) { path.child(b"pom.xml") } else { path };
                match self.at(&path) {
                    Some(module) if module != place => listed.push(module),
                    _ if landscape.exists(&path) => {}
                    _ => {
                        let message = format!("the module `{path}` does not exist");
                        links.diagnostics.push(Diagnostic::warning("maven-module-missing", message).at(&evidence));
                    }
                }
            }
        }
        for (place, modules) in listed.iter().enumerate() {
            for &module in modules {
                self.modules[module].aggregator.get_or_insert(place);
            }
        }
        listed
    }

    /// A POM is admitted if nothing encloses it, if it brings a wrapper, or if one that is admitted lists it or is its parent.
    fn admit(&mut self, landscape: &Landscape<'a, Pom>, listed: &[Vec<usize>]) {
        let mut children = vec![Vec::new(); self.modules.len()];
        for (place, module) in self.modules.iter().enumerate() {
            if let Some(&parent) = module.lineage.get(1) {
                children[parent].push(place);
            }
        }
        let mut pending: Vec<usize> =
            (0..self.modules.len()).filter(|&place| !self.is_enclosed(landscape, place)).collect();
        while let Some(place) = pending.pop() {
            if !std::mem::replace(&mut self.modules[place].admitted, true) {
                pending.extend(listed[place].iter().chain(&children[place]));
            }
        }
    }

    /// Whether a folder above has a POM with modules or sources, so that its word counts below.
    fn is_enclosed(&self, landscape: &Landscape<'a, Pom>, place: usize) -> bool {
        let folder = &self.modules[place].folder;
        // A wrapper is there to start a build; but a fixture may have one too.
        let is_fixture = folder.segments().any(|name| name == b"src");
        if !is_fixture && landscape.is_file(&folder.child(b"mvnw")) {
            return false;
        }
        let above = folder.ancestors().skip(1);
        above.filter_map(|folder| self.at(&folder.child(b"pom.xml"))).any(|outer| {
            let outer = &self.modules[outer];
            // What cannot be read may list anything.
            outer.pom.is_some_and(|pom| !pom.modules.is_empty() || landscape.is_folder(&outer.folder.child(b"src")))
        })
    }

    /// The topmost POM that reaches a module by lists of modules.
    pub(super) fn top(&self, place: usize) -> usize {
        let mut seen = HashSet::new();
        let mut top = place;
        while let Some(above) = self.modules[top].aggregator.filter(|above| seen.insert(*above)) {
            top = above;
        }
        top
    }

    /// The modules that a reference, read by the module at `place`, can mean. With a property that is not known,
    /// all that fit.
    pub(super) fn meant(&self, place: usize, reference: &Reference) -> (Vec<usize>, bool) {
        let group = self.fill(place, &reference.group);
        let artifact = self.fill(place, &reference.artifact.value);
        let known = matches!((&group, &artifact), (Filled::Known(_), Filled::Known(_)));
        let fits = |&&other: &&usize| {
            let module = &self.modules[other];
            other != place && module.group.as_deref().is_none_or(|text| group.admits(text))
        };
        let meant: Vec<usize> = match &artifact {
            Filled::Known(artifact) => {
                self.by_artifact.get(artifact).into_iter().flatten().filter(fits).copied().collect()
            }
            Filled::Partly(..) => {
                let named = self.by_artifact.iter().filter(|(name, _)| artifact.admits(name));
                named.flat_map(|(_, places)| places).filter(fits).copied().collect()
            }
        };
        // A fixture may carry the coordinates of a real module: its own build means its own modules.
        let top = self.top(place);
        let near: Vec<usize> = meant.iter().copied().filter(|&other| self.top(other) == top).collect();
        if !near.is_empty() {
            return (near, known);
        }
        (meant.into_iter().filter(|&other| self.modules[other].admitted).collect(), known)
    }

    /// What the module at `place`, or the nearest of its parents, manages for a dependency.
    pub(super) fn managed(&self, place: usize, reference: &Reference) -> Option<&'a Reference> {
        let Filled::Known(artifact) = self.fill(place, &reference.artifact.value) else { return None };
        let group = self.fill(place, &reference.group);
        self.modules[place].lineage.iter().find_map(|&ancestor| {
            let managed = &self.managed[ancestor];
            let named = managed.get(artifact.as_str()).into_iter().chain(managed.get("")).flatten().copied();
            named.into_iter().find(|other| {
                other.tests == reference.tests
                    && self.fill(place, &other.artifact.value) == Filled::Known(artifact.clone())
                    && self.fill(place, &other.group) == group
            })
        })
    }

    /// The text with all properties filled in, as the module at `place` sees them.
    pub(super) fn fill(&self, place: usize, text: &str) -> Filled {
        let mut text = text.to_owned();
        for _ in 0..DEEPEST_USE {
            if !text.contains("${") {
                return Filled::Known(text);
            }
            match self.fill_once(place, &text) {
                Some(filled) if filled.len() <= LONGEST_TEXT => text = filled,
                _ => break,
            }
        }
        let before = text.find("${").unwrap_or(text.len());
        let after = text.rfind('}').map_or(text.len(), |at| at + 1);
        Filled::Partly(text[..before].to_owned(), text[after.max(before)..].to_owned())
    }

    /// Fills in each property once; none if one of them is not known.
    fn fill_once(&self, place: usize, text: &str) -> Option<String> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            filled.push_str(&rest[..start]);
            let end = start + rest[start..].find('}')?;
            filled.push_str(self.property(place, &rest[start + 2..end])?);
            if filled.len() > LONGEST_TEXT {
                return None;
            }
            rest = &rest[end + 1..];
        }
        filled.push_str(rest);
        Some(filled)
    }

    /// The value of one property as written, as the module at `place` sees it.
    pub(super) fn property(&self, place: usize, name: &str) -> Option<&'a str> {
        let pom = self.modules[place].pom?;
        let parent = pom.parent.as_ref();
        let plain = name.strip_prefix("project.").or_else(|| name.strip_prefix("pom.")).unwrap_or(name);
        match plain {
            "groupId" => return pom.group.as_deref().or(parent.map(|parent| parent.group.as_str())),
            "artifactId" => return Some(&pom.artifact.value),
            "version" => {
                return pom.version.as_deref().or(parent.and_then(|parent| parent.version.as_deref()));
            }
            "parent.groupId" => return parent.map(|parent| parent.group.as_str()),
            "parent.artifactId" => return parent.map(|parent| parent.artifact.value.as_str()),
            "parent.version" => return parent.and_then(|parent| parent.version.as_deref()),
            _ => {}
        }
        self.modules[place].lineage.iter().find_map(|&ancestor| self.properties[ancestor].get(name).copied())
    }
}

fn is_range(version: &str) -> bool {
    version.contains(['[', '(', ',']) || matches!(version, "LATEST" | "RELEASE")
}
