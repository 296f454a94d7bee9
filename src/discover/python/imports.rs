//! What a service imports of the tree that it stands in, directly or not.
//!
//! Where from Python loads modules is settled when it is started: by folders that no file need state. So a name means every
//! module that it may mean. Where it is not certain what is loaded, everything is.

use std::collections::BTreeMap;

use super::Facts;
use super::source::{Import, Source, is_settings};
use super::source_tree::{Module, SourceTree};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::discover::syntax::Stated;
use crate::path::RepoPath;

/// What the sources of a folder import, directly or not.
pub(super) struct Imports {
    /// Sources outside the folder, each with the line that first leads to it.
    pub(super) files: BTreeMap<RepoPath, Evidence>,
    /// Why every source counts instead, if it does.
    pub(super) widened: Option<Diagnostic>,
}

/// Modules that Python and its servers load by themselves, if they find them.
const UNASKED: [&str; 4] = ["sitecustomize.py", "usercustomize.py", "gunicorn.conf.py", "celeryconfig.py"];

/// Whether a module is made of no source: of a version, or of a schema.
fn is_made_of_other_files(name: &str) -> bool {
    name.contains("version") || name.ends_with("_pb2") || name.ends_with("_pb2_grpc")
}

/// Follows imports from one folder.
pub(super) struct Follower<'t, 'l, 'a> {
    tree: &'t SourceTree<'l, 'a>,
    service: &'t RepoPath,
    /// The folders of the project's other services.
    others: &'t [RepoPath],
    /// What was reached, and by which line.
    reached: BTreeMap<RepoPath, Evidence>,
    pending: Vec<RepoPath>,
    widened: Option<Diagnostic>,
}

impl<'t, 'l, 'a> Follower<'t, 'l, 'a> {
    pub(super) fn new(tree: &'t SourceTree<'l, 'a>, service: &'t RepoPath, others: &'t [RepoPath]) -> Self {
        Self { tree, service, others, reached: BTreeMap::new(), pending: Vec::new(), widened: None }
    }

    /// Follows all sources and settings of the folder, and besides them these, as tests load them.
    pub(super) fn follow(mut self, besides: &[RepoPath]) -> Imports {
        let own = self.tree.files_below(self.service).chain(self.tree.settings_below(self.service));
        let unasked =
            self.roots(self.service).into_iter().flat_map(|root| UNASKED.map(|name| root.child(name.as_bytes())));
        let unasked = unasked.filter(|file| self.tree.is_file(file));
        let begun: Vec<RepoPath> = own.cloned().chain(unasked).chain(besides.iter().cloned()).collect();
        for file in begun {
            let evidence = Evidence::new(&file, 0, "");
            self.reach(file, &evidence);
        }
        while let Some(file) = self.pending.pop().filter(|_| self.widened.is_none()) {
            match self.tree.facts(&file).as_deref() {
                Some(Facts::Source(source)) => self.source(&file, source),
                Some(Facts::NoSource(reason)) => {
                    self.widen("source-unreadable", "a source cannot be read", &Evidence::new(&file, reason.line, ""));
                }
                // A manifest of that name is no module that anybody imports.
                _ => {}
            }
        }
        self.reached.retain(|file, _| !file.is_within(self.service));
        Imports { files: self.reached, widened: self.widened }
    }

    fn reach(&mut self, file: RepoPath, evidence: &Evidence) {
        if self.reached.contains_key(&file) {
            return;
        }
        // Each package around it is loaded before it.
        let around = file.ancestors().skip(1).take_while(|folder| folder.is_within(&self.tree.folder));
        let packages: Vec<RepoPath> =
            around.map(|folder| folder.child(b"__init__.py")).filter(|init| self.tree.is_file(init)).collect();
        self.reached.insert(file.clone(), evidence.clone());
        self.pending.push(file);
        for package in packages {
            if !self.reached.contains_key(&package) {
                self.reached.insert(package.clone(), evidence.clone());
                self.pending.push(package);
            }
        }
    }

    fn source(&mut self, file: &RepoPath, source: &Source) {
        if let Some(doubt) = &source.doubt {
            self.widen("import-computed", "what is imported is worked out", &doubt.evidence(file));
            return;
        }
        for import in &source.imports {
            self.import(file, import);
        }
        for name in &source.names {
            self.name(file, name);
        }
    }

    /// The folders from which a file may load modules: those around it and around the service, and `src` in them.
    fn roots(&self, file: &RepoPath) -> Vec<RepoPath> {
        let mut roots: Vec<RepoPath> = Vec::new();
        for folder in file.ancestors().chain(self.service.ancestors()) {
            if folder.is_within(&self.tree.folder) && self.tree.is_package(&folder) {
                let sources = folder.child(b"src");
                roots.extend(self.tree.is_package(&sources).then_some(sources));
                roots.push(folder);
            }
        }
        roots.sort();
        roots.dedup();
        roots
    }

    /// What a dotted name may mean: modules in the folders that are usual and in any other, but in those of other services
    /// only where it is nowhere as a whole. Of a name that is in none at all the modules are other people's.
    fn modules(&self, file: &RepoPath, names: &[&str]) -> Vec<Module> {
        let mut found: Vec<Module> =
            self.roots(file).iter().filter_map(|folder| self.tree.module(folder, names)).collect();
        found.extend(self.anywhere(names, false));
        if found.iter().all(|module| module.depth < names.len()) {
            found.extend(self.anywhere(names, true));
        }
        found
    }

    /// What a dotted name may mean in any folder, or in any but those of other services.
    fn anywhere(&self, names: &[&str], in_services: bool) -> Vec<Module> {
        let holders = names.first().into_iter().flat_map(|first| self.tree.holders_of(first));
        let counts = |folder: &&RepoPath| in_services || !self.others.iter().any(|other| folder.is_within(other));
        holders.filter(counts).filter_map(|folder| self.tree.module(folder, names)).collect()
    }

    fn import(&mut self, file: &RepoPath, import: &Stated<Import>) {
        let evidence = import.evidence(file);
        let Import { level, module, names } = &import.value;
        let path: Vec<&str> = module.iter().map(String::as_str).collect();
        let found = if *level == 0 {
            let mut found = self.modules(file, &path);
            // Packages without a file of their own may be in several folders.
            let is_found = |name: &String| found.iter().any(|module| self.inner(module, name).is_some());
            if found.iter().any(|module| self.is_open(module)) && !names.iter().all(is_found) {
                found.extend(self.anywhere(&path, true));
            }
            found
        } else {
            let package = file.ancestors().nth(*level).filter(|package| package.is_within(&self.tree.folder));
            let Some(package) = package else {
                self.widen("import-computed", "an import leaves the project", &evidence);
                return;
            };
            self.tree.module(&package, &path).into_iter().collect()
        };
        // A package of the project has no such module: it is made of something before it is imported.
        let is_of_project = *level > 0 || found.iter().any(|module| module.package.is_some() && module.depth > 0);
        let is_made = is_of_project && found.iter().all(|module| module.depth < path.len());
        if is_made && !path.is_empty() && !path.last().is_some_and(|name| is_made_of_other_files(name)) {
            let message = format!("`{}` is not in the repository: it is generated, or missing", path.join("."));
            self.widen("generated-package", &message, &evidence);
        }
        for module in found {
            for taken in names.iter().filter(|_| module.depth == path.len()) {
                if let (Some(package), "*") = (&module.package, taken.as_str()) {
                    // What a package lists as all of it may be modules.
                    let is_direct = |file: &&RepoPath| {
                        let depth = file.below(package).map_or(0, |below| below.segments().count());
                        depth == 1 || depth == 2 && file.name() == Some(b"__init__.py")
                    };
                    let all: Vec<RepoPath> = self.tree.files_below(package).filter(is_direct).cloned().collect();
                    self.reach_all(all, &evidence);
                } else if let Some(inner) = self.inner(&module, taken) {
                    self.reach_all(inner.files, &evidence);
                }
            }
            self.reach_all(module.files, &evidence);
        }
    }

    /// The module of this name in a package.
    fn inner(&self, module: &Module, name: &str) -> Option<Module> {
        self.tree.module(module.package.as_ref()?, &[name])
    }

    /// Whether a module is a package whose parts may lie in several folders.
    fn is_open(&self, module: &Module) -> bool {
        module.package.as_ref().is_some_and(|package| !self.tree.is_file(&package.child(b"__init__.py")))
    }

    fn reach_all(&mut self, files: Vec<RepoPath>, evidence: &Evidence) {
        files.into_iter().for_each(|file| self.reach(file, evidence));
    }

    /// A text or a word of a file may name a module, as frameworks take it, or a file or folder.
    fn name(&mut self, file: &RepoPath, name: &str) {
        let evidence = Evidence::new(file, 0, name);
        let is_file = name.ends_with(".py") || is_settings(name.as_bytes());
        if is_file || name.contains('/') {
            self.path(file, name, &evidence);
        }
        let dotted = name.split_once(':').map_or(name, |(module, _)| module);
        let relative = dotted.trim_start_matches('.');
        let names: Vec<&str> = relative.split('.').collect();
        let found = match dotted.len() - relative.len() {
            0 => self.modules(file, &names),
            level => {
                let package = file.ancestors().nth(level);
                package.and_then(|package| self.tree.module(&package, &names)).into_iter().collect()
            }
        };
        for module in found {
            // What comes behind a module's name is a name in it, or the ending of a file that is none.
            let (is_whole, is_part) = (module.depth == names.len(), module.depth > 1 || !is_file);
            if let Some(package) = module.package.as_ref().filter(|_| is_whole) {
                // Of a package frameworks load whatever they expect in it.
                self.all_below(package, &evidence);
            }
            if is_whole || is_part {
                self.reach_all(module.files, &evidence);
            }
        }
    }

    fn all_below(&mut self, folder: &RepoPath, evidence: &Evidence) {
        self.reach_all(self.tree.files_below(folder).cloned().collect(), evidence);
    }

    /// A path may be relative to the file, or to wherever the service is started.
    fn path(&mut self, file: &RepoPath, written: &str, evidence: &Evidence) {
        let mut rest = written.trim_start_matches('/');
        let folders: Vec<RepoPath> = file.ancestors().skip(1).chain(self.service.ancestors()).collect();
        let is_inside = |folder: &&RepoPath| folder.is_within(&self.tree.folder);
        loop {
            let places: Vec<RepoPath> =
                folders.iter().filter(is_inside).filter_map(|folder| folder.resolve(rest.as_bytes()).ok()).collect();
            let found: Vec<RepoPath> =
                places.iter().filter(|p| self.tree.is_file(p) || self.tree.is_settings(p)).cloned().collect();
            let packages = places
                .iter()
                .filter(|place| self.tree.is_package(place) && !self.service.is_within(place) && rest.contains('/'));
            let packages: Vec<RepoPath> = packages.cloned().collect();
            if !found.is_empty() || !packages.is_empty() {
                self.reach_all(found, evidence);
                packages.iter().for_each(|package| self.all_below(package, evidence));
                return;
            }
            // In an image it may stand elsewhere, with the same end.
            match rest.split_once('/') {
                Some((_, end)) if written.ends_with(".py") => rest = end,
                _ => break,
            }
        }
        if let Some(module) = rest.strip_suffix(".py") {
            let anywhere = self.tree.holders_of(module).map(|folder| folder.child(rest.as_bytes()));
            self.reach_all(anywhere.filter(|file| self.tree.is_file(file)).collect(), evidence);
        }
    }

    fn widen(&mut self, code: &str, message: &str, evidence: &Evidence) {
        self.widened.get_or_insert_with(|| {
            Diagnostic::note(
                code,
                format!("{message}, so every source of `{}` counts for `{}`", self.tree.folder, self.service),
            )
            .at(evidence)
            .help("write imports as statements, or state the inputs of the project")
        });
    }
}
