//! What one target of a Dockerfile reads: files, other images, and results of builds.

use std::collections::BTreeSet;

use super::Facts;
use super::builds::{NamedContext, ServiceKey};
use super::ignore_file::{self, IgnoreFile};
use super::images::Reference;
use super::link::{Catalogue, Recipe};
use super::source::Source;
use super::stages::{Base, Origin, Resolved, ResolvedCopy, reachable};
use super::variables::Expanded;
use crate::diagnostic::{Diagnostic, Evidence};
use crate::discover::{EdgeKind, Input, Landscape, Reading};
use crate::path::RepoPath;
use crate::selection::{Filter, Selection};

/// What a target reads.
#[derive(Debug, Default)]
pub struct Reads {
    /// Files.
    pub inputs: BTreeSet<Input>,
    /// Results of tasks.
    pub readings: Vec<Reading>,
    /// What is copied from outside the project.
    pub edges: BTreeSet<(RepoPath, Evidence)>,
    /// Projects whose images are read.
    pub images: BTreeSet<(RepoPath, Evidence)>,
    /// Folders that are copied, and files from outside the project.
    pub layouts: BTreeSet<(RepoPath, Evidence)>,
    /// Findings.
    pub diagnostics: BTreeSet<Diagnostic>,
}

struct Reader<'a, 'b> {
    landscape: &'a Landscape<'b, Facts>,
    recipe: &'a Recipe<'b>,
    catalogue: &'a Catalogue,
    ignore: Option<Filter>,
    reads: Reads,
}

/// The ignore file that counts for a Dockerfile and a context.
pub fn ignore_file_of(landscape: &Landscape<'_, Facts>, dockerfile: &RepoPath, context: &RepoPath) -> Option<RepoPath> {
    let mut own = dockerfile.name()?.to_vec();
    own.extend_from_slice(b".dockerignore");
    let own = dockerfile.parent()?.child(&own);
    [own, context.child(b".dockerignore")].into_iter().find(|path| landscape.is_file(path))
}

/// What a target reads; without facts, all that it could.
pub fn reads_of(
    landscape: &Landscape<'_, Facts>,
    recipe: &Recipe<'_>,
    catalogue: &Catalogue,
    stages: &[Resolved<'_>],
    target: usize,
) -> Reads {
    let mut reader = Reader { landscape, recipe, catalogue, ignore: None, reads: Reads::default() };
    let whole_file = Evidence::new(&recipe.dockerfile, 0, "");
    let evidence = recipe.evidence.clone().unwrap_or_else(|| whole_file.clone());
    reader.input(Selection::all(&recipe.dockerfile), evidence.clone());
    if let Some(path) = ignore_file_of(landscape, &recipe.dockerfile, &recipe.context) {
        reader.input(Selection::all(&path), Evidence::new(&path, 0, ""));
        if let Some(Facts::Ignore(file)) = landscape.facts(&path) {
            reader.ignore = Some(file.filter(&recipe.context));
        }
    }
    if stages.is_empty() {
        if recipe.evidence.is_some() {
            reader.whole_context(&evidence);
        } else {
            reader.input(Selection::all(&recipe.context), whole_file);
        }
    }
    for at in reachable(stages, target) {
        let stage = &stages[at];
        if let Base::Image(reference) = &stage.base {
            reader.base(reference, &stage.from.evidence(&recipe.dockerfile));
        }
        for copy in &stage.copies {
            reader.copy(copy);
        }
    }
    reader.reads
}

impl Reader<'_, '_> {
    fn input(&mut self, selection: Selection, evidence: Evidence) {
        self.reads.inputs.insert(Input { selection, evidence });
    }

    fn whole_context(&mut self, evidence: &Evidence) {
        let selection = Selection::all(&self.recipe.context);
        let selection = match &self.ignore {
            Some(ignore) => selection.filtered(ignore.clone()),
            None => selection,
        };
        self.input(selection, evidence.clone());
    }

    fn reading(&mut self, reading: Reading) {
        if !self.reads.readings.contains(&reading) {
            self.reads.readings.push(reading);
        }
    }

    fn base(&mut self, reference: &Expanded, evidence: &Evidence) {
        if let Some(named) = self.named(&reference.text) {
            return match named {
                NamedContext::Folder(folder) => self.input(Selection::all(&folder), evidence.clone()),
                other => self.other_context(&other, evidence),
            };
        }
        if !self.image(reference, evidence) && reference.text.trim_matches(['/', ':']).is_empty() {
            let variable = reference.unknown.first().map_or("", String::as_str);
            let message = format!("the base image depends on {variable}, which has no value here");
            let help = format!("give it a default: ARG {variable}=image");
            self.reads.diagnostics.insert(Diagnostic::warning("docker-base-computed", message).at(evidence).help(help));
        }
    }

    fn named(&self, name: &str) -> Option<NamedContext> {
        self.recipe.contexts.iter().find(|(known, _, _)| known == name).map(|(_, context, _)| context.clone())
    }

    fn other_context(&mut self, context: &NamedContext, evidence: &Evidence) {
        match context {
            NamedContext::Folder(_) => {}
            NamedContext::Service(key) => self.service(key, evidence),
            NamedContext::Image(name) => {
                let reference = Expanded { text: name.clone(), ..Expanded::default() };
                self.image(&reference, evidence);
            }
            NamedContext::Remote(from) => self.remote(from, evidence),
        }
    }

    fn remote(&mut self, from: &str, evidence: &Evidence) {
        let message = format!("{from} is fetched when the image is built: the same sources can give another image");
        let help = "pin it with --checksum, or keep the file in the repository";
        self.reads.diagnostics.insert(Diagnostic::note("not-reproducible", message).at(evidence).help(help));
    }

    fn service(&mut self, key: &ServiceKey, evidence: &Evidence) {
        if let Some((project, task)) = self.catalogue.service(key) {
            self.task(project.clone(), task.clone(), evidence);
        }
    }

    /// Reads an image if this repository builds it.
    fn image(&mut self, reference: &Expanded, evidence: &Evidence) -> bool {
        let found = self.catalogue.image(reference, &self.recipe.owner);
        if let Some((project, task)) = found {
            self.task(project, task, evidence);
            return true;
        }
        false
    }

    fn task(&mut self, project: RepoPath, task: String, evidence: &Evidence) {
        if project == self.recipe.owner {
            if task != self.recipe.task {
                self.reading(Reading::Own(task));
            }
            return;
        }
        self.reads.images.insert((project.clone(), evidence.clone()));
        self.reading(Reading::Task(project, task, evidence.clone()));
    }

    fn copy(&mut self, copy: &ResolvedCopy<'_>) {
        let evidence = copy.copy.evidence(&self.recipe.dockerfile);
        let (root, ignore) = match &copy.origin {
            Origin::Context => (self.recipe.context.clone(), self.ignore.clone()),
            Origin::Stage(_) | Origin::Unknown => return,
            Origin::Named(name) => match self.named(name) {
                Some(NamedContext::Folder(folder)) => (folder, None),
                Some(other) => return self.other_context(&other, &evidence),
                None => {
                    let reference = Expanded { text: name.clone(), ..Expanded::default() };
                    self.image(&reference, &evidence);
                    return;
                }
            },
        };
        for remote in &copy.remote {
            let is_commit = remote.rsplit_once('#').is_some_and(|(_, commit)| commit.len() >= 40);
            if !copy.copy.value.pinned && !is_commit {
                self.remote(remote, &evidence);
            }
        }
        if let Some(variable) = &copy.computed {
            let message = format!("a source depends on {variable}, which has no value here: the whole context is read");
            let help = format!("give it a default: ARG {variable}=path");
            let finding = Diagnostic::warning("docker-source-computed", message).at(&evidence).help(help);
            self.reads.diagnostics.insert(finding);
            let selection = Selection::all(&root);
            let selection = match &ignore {
                Some(ignore) => selection.filtered(ignore.clone()),
                None => selection,
            };
            self.input(selection, evidence.clone());
        }
        for written in &copy.sources {
            let Some(source) = Source::parse(written) else {
                let message =
                    format!("{written} is no content that git keeps: the same sources can give another image");
                self.reads.diagnostics.insert(Diagnostic::note("not-reproducible", message).at(&evidence));
                continue;
            };
            self.source(&root, &source, written, copy, ignore.as_ref(), &evidence);
        }
    }

    fn source(
        &mut self,
        root: &RepoPath,
        source: &Source,
        written: &str,
        copy: &ResolvedCopy<'_>,
        ignore: Option<&Filter>,
        evidence: &Evidence,
    ) {
        let mut root = root.clone();
        let mut matches = source.matches(self.landscape, &root);
        let mut ignore = ignore;
        if matches.is_empty() && self.recipe.missing.iter().any(|missing| missing == written) {
            // No context fits all sources; this one is read from where it is.
            let folder = self.recipe.dockerfile.parent().unwrap_or_else(RepoPath::root);
            if let Some(other) = folder.ancestors().find(|other| !source.matches(self.landscape, other).is_empty()) {
                matches = source.matches(self.landscape, &other);
                root = other;
                ignore = None;
            }
        }
        if matches.is_empty() && !source.is_optional() {
            self.build_output(&root, source, written, evidence);
            return;
        }
        let mut selection = source.selection(&root);
        let excludes = self.excludes(&root, source, copy);
        selection = selection.filtered(excludes);
        if let Some(ignore) = ignore {
            let ignore = ignore_file::concerning(ignore, &selection.base);
            // Whether one file is left out is known now.
            let is_admitted_file = matches == [selection.base.clone()]
                && self.landscape.is_file(&selection.base)
                && ignore.admits(&selection.base);
            if !is_admitted_file {
                selection = selection.filtered(ignore);
            }
        }
        self.input(selection, evidence.clone());
        for path in matches {
            // What lies in the folder itself is nobody else's.
            let is_own = path.parent().as_ref() == Some(&self.recipe.owner) && !self.landscape.is_folder(&path);
            if !is_own && !self.recipe.owner.is_within(&path) {
                self.reads.edges.insert((path.clone(), evidence.clone()));
            }
            if !self.recipe.owner.is_within(&path) && !path.is_within(&self.recipe.owner)
                || self.landscape.is_folder(&path)
            {
                self.reads.layouts.insert((path, evidence.clone()));
            }
        }
    }

    /// What `--exclude` leaves out, as far as its place is certain.
    fn excludes(&self, root: &RepoPath, source: &Source, copy: &ResolvedCopy<'_>) -> Filter {
        let anywhere = |pattern: &&str| pattern.starts_with("**/");
        let patterns = copy.excludes.iter().map(String::as_str).filter(|pattern| !pattern.starts_with('!'));
        let patterns: Vec<&str> =
            if copy.copy.value.parents { patterns.filter(anywhere).collect() } else { patterns.collect() };
        IgnoreFile::of_patterns(patterns).filter(&root.join(&source.prefix))
    }

    /// A source that is not there is what a build leaves behind.
    fn build_output(&mut self, root: &RepoPath, source: &Source, written: &str, evidence: &Evidence) {
        let owner = &self.recipe.owner;
        let part = source.existing_part(self.landscape, root);
        let is_foreign = !part.is_within(owner) && !owner.is_within(&part);
        let message = format!("{written} is not in the repository, so it counts as the result of a build");
        self.reads.diagnostics.insert(Diagnostic::note("docker-build-output", message).at(evidence));
        if is_foreign {
            self.reads.edges.insert((part, evidence.clone()));
            self.reading(Reading::Along(vec![EdgeKind::Image], "build".to_owned()));
        } else {
            self.reading(Reading::Own("build".to_owned()));
        }
    }
}

impl Catalogue {
    /// The task that builds an image, if exactly one of another project does.
    pub fn image(&self, reference: &Expanded, owner: &RepoPath) -> Option<(RepoPath, String)> {
        let parsed = Reference::parse(&reference.text);
        if parsed.is_pinned || parsed.repository.is_empty() {
            return None;
        }
        let named = |is: &dyn Fn(&str) -> bool| {
            let found = self.names.iter().filter(|(name, _)| is(name)).map(|(_, built)| built);
            let found: BTreeSet<_> = found.collect();
            if found.len() == 1 { found.into_iter().next().cloned() } else { None }
        };
        let exact = named(&|name| name == reference.text);
        let by_repository = || named(&|name| Reference::parse(name).repository == parsed.repository);
        if let Some(built) = exact.or_else(by_repository) {
            return Some(built);
        }
        let last = parsed.local_name()?.as_bytes();
        let mut folders = self.folders.iter().filter(|folder| folder.name() == Some(last) && *folder != owner);
        let folder = folders.next()?;
        folders.next().is_none().then(|| (folder.clone(), "image".to_owned()))
    }

    /// The task that builds a service's image.
    pub fn service(&self, key: &ServiceKey) -> Option<&(RepoPath, String)> {
        self.services.get(key)
    }
}
