//! What compose files build: which Dockerfile, from which context, with what.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::compose::{ComposeFile, Extends, Service};
use super::environment_file::EnvironmentFile;
use super::stages::{Argument, is_remote};
use super::variables::{Dialect, Expanded, Lookup, expand};
use super::{Facts, Kind, kind_of};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::discover::Landscape;
use crate::discover::syntax::Stated;
use crate::path::{PathError, RepoPath};

/// One service: the folder of its compose file and its name. Compose files of one folder are layers of one project.
pub type ServiceKey = (RepoPath, String);

/// How one Dockerfile is built for one service.
#[derive(Debug, Clone)]
pub struct Build {
    /// The Dockerfile; the compose file itself where it is written inline.
    pub dockerfile: RepoPath,
    /// Whether the Dockerfile is written inline.
    pub inline: bool,
    /// The context.
    pub context: RepoPath,
    /// Build arguments.
    pub arguments: Vec<Argument>,
    /// Named contexts.
    pub contexts: Vec<(String, NamedContext, Evidence)>,
    /// The stage, if it is named.
    pub target: Option<String>,
    /// What the image is called, as far as it is known.
    pub image: Option<Expanded>,
    /// The service.
    pub service: ServiceKey,
    /// The line that names the Dockerfile or the context.
    pub evidence: Evidence,
}

/// What a named context is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum NamedContext {
    /// A folder of the repository.
    Folder(RepoPath),
    /// The image of another service.
    Service(ServiceKey),
    /// An image by its name.
    Image(String),
    /// Something that is fetched.
    Remote(String),
}

/// All that compose files say.
#[derive(Debug, Default)]
pub struct Builds {
    /// The builds, in the order of the compose files.
    pub builds: Vec<Build>,
    /// Who waits for whom.
    pub depends: Vec<(ServiceKey, ServiceKey, Evidence)>,
}

/// A service of a file.
#[derive(Clone, Copy)]
struct Placed<'a> {
    file: &'a RepoPath,
    service: &'a Service,
}

impl Placed<'_> {
    fn folder(&self) -> RepoPath {
        self.file.parent().unwrap_or_else(RepoPath::root)
    }
}

/// How many services one may extend, one through the other.
const MOST_EXTENDED: usize = 64;

/// All compose files, and the services of each by name.
struct Files<'a> {
    files: BTreeMap<&'a RepoPath, &'a ComposeFile>,
    services: HashMap<(&'a RepoPath, &'a str), &'a Service>,
}

impl<'a> Files<'a> {
    fn new(landscape: &Landscape<'a, Facts>) -> Self {
        let mut files = Self { files: BTreeMap::new(), services: HashMap::new() };
        for manifest in landscape.manifests() {
            let Ok(Facts::Compose(file)) = manifest.facts else { continue };
            files.files.insert(manifest.path, file);
            for service in &file.services {
                files.services.entry((manifest.path, &service.name.value)).or_insert(service);
            }
        }
        files
    }

    fn extended(&self, placed: Placed<'a>, extends: &Extends) -> Option<Placed<'a>> {
        let path = match &extends.file {
            Some(file) => placed.folder().resolve(file.as_bytes()).ok()?,
            None => placed.file.clone(),
        };
        let (&file, _) = self.files.get_key_value(&path)?;
        let service = self.services.get(&(file, extends.service.as_str()))?;
        Some(Placed { file, service })
    }
}

/// Reads the builds out of all compose files.
pub fn builds_of(landscape: &Landscape<'_, Facts>, diagnostics: &mut BTreeSet<Diagnostic>) -> Builds {
    let mut builds = Builds::default();
    let files = Files::new(landscape);
    for (&path, &file) in &files.files {
        for include in &file.includes {
            unread(landscape, path, include, diagnostics);
        }
        for service in &file.services {
            let key = (path.parent().unwrap_or_else(RepoPath::root), service.name.value.clone());
            let chain = chain_of(landscape, &files, Placed { file: path, service }, diagnostics);
            for depends in chain.iter().flat_map(|placed| &placed.service.depends_on) {
                let on = (key.0.clone(), depends.value.clone());
                builds.depends.push((key.clone(), on, depends.evidence(path)));
            }
            builds.builds.extend(build_of(landscape, &key, &chain, diagnostics));
        }
    }
    builds
}

/// A compose file that another one names is read only if its name says that it is one.
fn unread(
    landscape: &Landscape<'_, Facts>,
    file: &RepoPath,
    named: &Stated<String>,
    diagnostics: &mut BTreeSet<Diagnostic>,
) {
    let folder = file.parent().unwrap_or_else(RepoPath::root);
    let Ok(path) = folder.resolve(named.value.as_bytes()) else { return };
    let is_compose = path.name().is_some_and(|name| kind_of(name) == Some(Kind::Compose));
    if !is_compose && landscape.is_file(&path) {
        let message = format!("{path} is a compose file by use and not by name, so it is not read");
        let help = "call it compose.<name>.yaml";
        diagnostics.insert(Diagnostic::warning("compose-file-unread", message).at(&named.evidence(file)).help(help));
    }
}

/// The service, what lies under it in the same folder, and what it extends. Earlier ones win.
fn chain_of<'a>(
    landscape: &Landscape<'_, Facts>,
    files: &Files<'a>,
    first: Placed<'a>,
    diagnostics: &mut BTreeSet<Diagnostic>,
) -> Vec<Placed<'a>> {
    let mut chain = vec![first];
    let mut at = 0;
    while let Some(placed) = chain.get(at).copied() {
        at += 1;
        // A layer that adds to a build leaves the context to the file below it.
        let partial = placed.service.build.as_ref().is_some_and(|build| build.context.is_none());
        if partial && placed.service.extends.is_none() {
            let folder = placed.folder();
            let below = files.files.iter().filter(|(path, _)| path.parent() == Some(folder.clone()));
            let below =
                below.flat_map(|(&file, layer)| layer.services.iter().map(move |service| Placed { file, service }));
            let found = below
                .filter(|other| other.file != placed.file && other.service.name.value == placed.service.name.value)
                .find(|other| other.service.build.as_ref().is_some_and(|build| build.context.is_some()));
            push_new(&mut chain, found);
        }
        let Some(extends) = &placed.service.extends else { continue };
        let Some(found) = files.extended(placed, &extends.value) else {
            if let Some(file) = &extends.value.file {
                unread(landscape, placed.file, &extends.with(file.clone()), diagnostics);
            }
            continue;
        };
        if chain.len() > MOST_EXTENDED {
            let message = format!("service {} extends more than {MOST_EXTENDED} others", first.service.name.value);
            diagnostics.insert(Diagnostic::warning("compose-extends-deep", message).at(&extends.evidence(placed.file)));
            break;
        }
        if !push_new(&mut chain, Some(found)) {
            let message = format!("service {} extends itself in the end", placed.service.name.value);
            diagnostics
                .insert(Diagnostic::warning("compose-extends-cycle", message).at(&extends.evidence(placed.file)));
        }
    }
    chain
}

fn push_new<'a>(chain: &mut Vec<Placed<'a>>, found: Option<Placed<'a>>) -> bool {
    let Some(found) = found else { return false };
    let known = chain.iter().any(|placed| std::ptr::eq(placed.service, found.service));
    if !known {
        chain.push(found);
    }
    !known
}

/// The first of the chain that states a field, with the file it stands in.
fn first_of<'a, T>(
    chain: &[Placed<'a>],
    field: impl Fn(&'a super::compose::Build) -> Option<&'a Stated<T>>,
) -> Option<(Placed<'a>, &'a Stated<T>)> {
    chain.iter().find_map(|&placed| Some((placed, field(placed.service.build.as_ref()?)?)))
}

fn build_of(
    landscape: &Landscape<'_, Facts>,
    key: &ServiceKey,
    chain: &[Placed<'_>],
    diagnostics: &mut BTreeSet<Diagnostic>,
) -> Option<Build> {
    let (builder, build) = chain.iter().find_map(|placed| Some((placed, placed.service.build.as_ref()?)))?;
    let environment = Environment::beside(landscape, &key.0);
    let mut evidence = build.stated.evidence(builder.file);
    let mut resolve = |folder: &RepoPath, file: &RepoPath, stated: &Stated<String>| {
        evidence = stated.evidence(file);
        let text = match environment.expand(&stated.value, &mut evidence).known() {
            Ok(text) => text,
            Err(variable) => {
                let message = format!("the variable {variable} has no value here, so this build is not known");
                let help = format!("give it a value in .env or a default: ${{{variable}:-value}}");
                diagnostics.insert(
                    Diagnostic::warning("compose-variable-unknown", message).at(&stated.evidence(file)).help(help),
                );
                return None;
            }
        };
        if is_remote(&text) || text.contains("://") || text.starts_with("github.com/") {
            let message = format!("{text} is fetched when the image is built");
            diagnostics.insert(Diagnostic::note("not-reproducible", message).at(&stated.evidence(file)));
            return None;
        }
        match folder.resolve(text.as_bytes()) {
            Ok(path) => Some(path),
            Err(PathError::Escapes | PathError::Absolute) => {
                let message = format!("{text} lies outside the repository");
                diagnostics.insert(Diagnostic::warning("outside-repository", message).at(&stated.evidence(file)));
                None
            }
            Err(PathError::Segment) => None,
        }
    };
    let context = match first_of(chain, |build| build.context.as_ref()) {
        Some((placed, stated)) => resolve(&placed.folder(), placed.file, stated)?,
        None => builder.folder(),
    };
    let named = first_of(chain, |build| build.dockerfile.as_ref());
    let inline = first_of(chain, |build| build.inline.as_ref());
    let dockerfile = match (named, inline) {
        (_, Some((placed, stated))) => {
            evidence = stated.evidence(placed.file);
            placed.file.clone()
        }
        (Some((placed, stated)), None) => resolve(&context, placed.file, stated)?,
        (None, None) => context.child(b"Dockerfile"),
    };
    let value = |text: &str| environment.expand(text, &mut Evidence::new(&key.0, 0, "")).known();
    let mut arguments: Vec<Argument> = Vec::new();
    let mut contexts = Vec::new();
    for placed in chain {
        let Some(build) = &placed.service.build else { continue };
        for argument in &build.arguments {
            let (name, written) = &argument.value;
            if arguments.iter().all(|(known, _)| known != name) {
                let written = written.clone().unwrap_or_else(|| format!("${{{name}}}"));
                arguments.push((name.clone(), value(&written).ok()));
            }
        }
        for context in &build.contexts {
            let (name, written) = &context.value;
            if contexts.iter().all(|(known, _, _)| known != name) {
                let named = named_context(placed, key, value(written).as_deref().unwrap_or(written));
                contexts.push((name.clone(), named, context.evidence(placed.file)));
            }
        }
    }
    arguments.sort();
    let target = first_of(chain, |build| build.target.as_ref()).and_then(|(_, target)| value(&target.value).ok());
    let image = chain.iter().find_map(|placed| placed.service.image.as_ref());
    let image = image.map(|image| environment.expand(&image.value, &mut Evidence::new(&key.0, 0, "")));
    let inline = inline.is_some();
    Some(Build { dockerfile, inline, context, arguments, contexts, target, image, service: key.clone(), evidence })
}

fn named_context(placed: &Placed<'_>, key: &ServiceKey, written: &str) -> NamedContext {
    if let Some(service) = written.strip_prefix("service:") {
        return NamedContext::Service((key.0.clone(), service.trim_start_matches("//").to_owned()));
    }
    if let Some(image) = written.strip_prefix("docker-image://") {
        return NamedContext::Image(image.to_owned());
    }
    match placed.folder().resolve(written.as_bytes()) {
        Ok(folder) if !written.contains("://") && !is_remote(written) => NamedContext::Folder(folder),
        _ => NamedContext::Remote(written.to_owned()),
    }
}

/// The values that a compose file finds: those of the `.env` beside it.
pub struct Environment<'a> {
    /// Where it lies, or would.
    pub path: RepoPath,
    facts: Option<&'a Facts>,
}

impl<'a> Environment<'a> {
    /// That of a folder.
    pub fn beside(landscape: &Landscape<'a, Facts>, folder: &RepoPath) -> Self {
        let path = folder.child(b".env");
        let facts = landscape.facts(&path);
        Self { path, facts }
    }

    /// What it says; none if there is none or it cannot be read.
    pub fn file(&self) -> Option<&'a EnvironmentFile> {
        match self.facts? {
            Facts::Environment(file) => Some(file),
            _ => None,
        }
    }

    /// A text after substitution, as far as its variables are known.
    pub fn text(&self, written: &str) -> String {
        self.expand(written, &mut Evidence::new(&self.path, 0, "")).text
    }

    /// Substitutes; the evidence becomes the entry's line if one was used.
    fn expand(&self, text: &str, evidence: &mut Evidence) -> Expanded {
        let used = RefCell::new(None);
        let expanded = expand(text, Dialect::Compose, &|name| {
            let Some(entry) = self.file().and_then(|file| file.value(name)) else { return Lookup::Unset };
            used.replace(Some(entry.evidence(&self.path)));
            Lookup::Value(entry.value.clone())
        });
        if let Some(used) = used.into_inner() {
            *evidence = used;
        }
        expanded
    }
}
