//! What all scripts that are run for a project say together.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::aliases::TakenByName;
use super::builds::{Builds, absolute};
use super::context::{Context, fits, is_unknown};
use super::facts::{Component, Mention, Plugin, Reference, Said, Scope, Script, Substitution, Target, Usage};
use super::providers::Providers;
use super::value::{Part, Value};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::discover::syntax::Stated;
use crate::path::RepoPath;

/// What a project uses and reads.
#[derive(Default)]
pub(super) struct Collected {
    /// Other projects, each by the first line that says so.
    pub uses: BTreeMap<(usize, Usage, Component), Evidence>,
    /// Folders that a reference leads to although no project is known there.
    pub folders: BTreeMap<(RepoPath, Usage), Evidence>,
    /// Scripts outside the project that are run for it.
    pub scripts: BTreeMap<RepoPath, Evidence>,
    /// Files and folders that lie elsewhere.
    pub mentions: BTreeMap<Mentioned, Evidence>,
    pub findings: BTreeSet<Diagnostic>,
    pub doubts: BTreeSet<Diagnostic>,
    pub has_tests: bool,
    pub odd_sources: bool,
    pub multiplatform: bool,
    /// What is taken by name from each catalog of the build by all that is run.
    pub taken: TakenByName,
    /// Whether what is run may take what no accessor tells.
    pub takes_any: bool,
}

/// A file or folder that a script names.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mentioned {
    pub path: RepoPath,
    pub tree: bool,
    pub test: bool,
}

/// One script that is run for a project, or for one above it.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Run {
    script: RepoPath,
    runner: usize,
}

/// A module that a project depends on.
struct Needed {
    group: Option<String>,
    name: String,
    usage: Usage,
    evidence: Evidence,
}

/// Collects for one project.
pub(super) struct Collector<'a, 'b> {
    builds: &'b Builds<'a>,
    providers: &'b Providers,
    member: usize,
    runs: Vec<Run>,
    seen: HashSet<Run>,
    collected: Collected,
    modules: Vec<Needed>,
    /// By group and name of a module, the projects that take its place.
    substitutions: BTreeMap<(&'a str, &'a str), BTreeSet<usize>>,
    /// How many facts were looked at.
    pub steps: usize,
}

impl<'a, 'b> Collector<'a, 'b> {
    pub fn new(builds: &'b Builds<'a>, providers: &'b Providers, member: usize) -> Self {
        let (runs, seen, collected) = (Vec::new(), HashSet::new(), Collected::default());
        let (modules, substitutions) = (Vec::new(), BTreeMap::new());
        Self { builds, providers, member, runs, seen, collected, modules, substitutions, steps: 0 }
    }

    pub fn collect(mut self) -> (Collected, usize) {
        let member = &self.builds.members[self.member];
        let build = &self.builds.all[member.build];
        let mut lineage = vec![self.member];
        let mut path = member.path.as_str();
        while let Some((above, _)) = path.rsplit_once(':').filter(|_| path != ":") {
            path = if above.is_empty() { ":" } else { above };
            lineage.extend(build.by_path.get(path));
        }
        for runner in lineage {
            for (script, _) in &self.builds.members[runner].scripts {
                self.run(script.clone(), runner, None);
            }
        }
        if let Some(&root) = build.by_path.get(":") {
            for script in &build.settings {
                self.run(script.clone(), root, None);
            }
        }
        let mut at = 0;
        while at < self.runs.len() {
            let run = self.runs[at].clone();
            match self.builds.script(&run.script) {
                Some(script) => {
                    script.names.add_to(&mut self.collected.taken, &build.catalogs);
                    let may_define = build.settings.first() == Some(&run.script);
                    self.collected.takes_any |= script.names.is_open || (!may_define && script.names.defines());
                    self.read(&run, script);
                }
                None => self.collected.takes_any = true,
            }
            at += 1;
        }
        for needed in std::mem::take(&mut self.modules) {
            let Needed { group, name, usage, evidence } = needed;
            let group = group.as_deref();
            let mut found = self.providers.of_module(self.builds, member.build, group, &name);
            let substituted = group.and_then(|group| self.substitutions.get(&(group, name.as_str())));
            found.extend(substituted.into_iter().flatten());
            for provider in found {
                self.add(provider, usage, Component::Main, evidence.clone());
            }
        }
        (self.collected, self.steps)
    }

    /// The projects that a substitution means: of the build itself, or in its settings of the builds it includes.
    fn substitutes(&self, written: &str, settings: bool) -> Vec<usize> {
        let build = &self.builds.all[self.builds.members[self.member].build];
        if !settings {
            return self.find(written, self.member).into_iter().collect();
        }
        let included = build.includes.keys().filter_map(|folder| self.builds.build_of(folder));
        let path = absolute(written, ":");
        included.filter_map(|place| self.builds.all[place].by_path.get(&path).copied()).collect()
    }

    /// Adds a script; `evidence` is the line that applies it.
    fn run(&mut self, script: RepoPath, runner: usize, evidence: Option<Evidence>) {
        let run = Run { script: script.clone(), runner };
        if !self.seen.insert(run.clone()) {
            return;
        }
        if let Some(evidence) = evidence {
            if self.builds.landscape.has_manifest(&script) && self.builds.script(&script).is_none() {
                let message = format!("`{script}` is applied here and cannot be read");
                self.collected.doubts.insert(Diagnostic::warning("gradle-script-unreadable", message).at(&evidence));
            }
            self.collected.scripts.entry(script).or_insert(evidence);
        }
        self.runs.push(run);
    }

    /// Whether what a script says for a scope holds for the project.
    fn covers(&self, scope: &Scope, run: &Run) -> bool {
        let (member, runner) = (&self.builds.members[self.member], &self.builds.members[run.runner]);
        let is_below = || {
            let above = runner.path.trim_end_matches(':');
            member.path.strip_prefix(above).is_some_and(|rest| rest.starts_with(':'))
        };
        match scope {
            Scope::Own => run.runner == self.member && !self.is_settings(run),
            Scope::All => run.runner == self.member || is_below(),
            Scope::Below => run.runner != self.member && is_below(),
            Scope::Project(value) => {
                let text = self.context(run).text_of(value);
                text.is_none_or(|text| self.find(&text, run.runner) == Some(self.member))
            }
        }
    }

    fn is_settings(&self, run: &Run) -> bool {
        let build = &self.builds.all[self.builds.members[self.member].build];
        build.settings.contains(&run.script)
    }

    fn context(&self, run: &Run) -> Context<'b> {
        let member = &self.builds.members[self.member];
        let build = &self.builds.all[member.build];
        let root = build.by_path.get(":").map(|&root| &self.builds.members[root]);
        let of_root = root.into_iter().flat_map(|root| root.scripts.iter().filter_map(|(_, script)| *script));
        let of_own = member.scripts.iter().filter_map(|(_, script)| *script);
        Context {
            scripts: self.builds.script(&run.script).into_iter().chain(of_own).chain(of_root).collect(),
            properties: member.properties.into_iter().chain(build.properties).collect(),
            folder: &member.folder,
            root: &build.folder,
            name: Some(member.name(build)),
            root_name: &build.root_name,
        }
    }

    /// The project that a path names, from the project that writes it.
    fn find(&self, written: &str, from: usize) -> Option<usize> {
        let from = &self.builds.members[from];
        let by_path = &self.builds.all[from.build].by_path;
        by_path.get(&absolute(written, &from.path)).or_else(|| by_path.get(&absolute(written, ":"))).copied()
    }

    fn read(&mut self, run: &Run, script: &'a Script) {
        let context = self.context(run);
        let settings = self.is_settings(run);
        self.steps += 1 + script.references.len() + script.mentions.len() + script.plugins.len() + script.modules.len();
        for said in script.references.iter().filter(|_| !settings) {
            if self.covers(&said.scope, run) {
                self.refer(&said.what, run, &context);
            }
        }
        for said in &script.applied {
            self.apply(said, run, &context);
        }
        for said in &script.plugins {
            let covered = self.covers(&said.scope, run);
            if covered || run.runner != self.member {
                self.plug(said, covered, run, &context);
            }
        }
        for said in &script.modules {
            if self.covers(&said.scope, run) {
                let module = &said.what.value;
                if let Some(name) = context.text_of(&module.name) {
                    let evidence = said.what.evidence(&run.script);
                    self.modules.push(Needed {
                        group: context.text_of(&module.group),
                        name,
                        usage: module.usage,
                        evidence,
                    });
                }
            }
        }
        for said in &script.substitutions {
            if settings || self.covers(&said.scope, run) {
                let Substitution { group, name, project } = &said.what.value;
                let found =
                    context.text_of(project).map_or_else(Vec::new, |written| self.substitutes(&written, settings));
                self.substitutions.entry((group, name)).or_default().extend(found);
            }
        }
        for said in script.mentions.iter().filter(|_| !settings) {
            if self.covers(&said.scope, run) {
                self.mention(&said.what, run, &context);
            }
        }
        if !settings
            && (run.runner == self.member
                || !self.builds.members[run.runner].scripts.iter().any(|(path, _)| *path == run.script))
        {
            self.collected.has_tests |= script.has_tests;
            self.collected.multiplatform |= script.multiplatform;
            self.collected.odd_sources |= script.odd_sources;
        } else if !settings {
            self.collected.odd_sources |= script.odd_sources;
        }
    }

    fn add(&mut self, to: usize, usage: Usage, part: Component, evidence: Evidence) {
        if to != self.member {
            self.collected.uses.entry((to, usage, part)).or_insert(evidence);
        }
    }

    fn refer(&mut self, stated: &Stated<Reference>, run: &Run, context: &Context<'_>) {
        let evidence = stated.evidence(&run.script);
        let Reference { to, usage, part } = &stated.value;
        match to {
            Target::Path(value) => self.refer_by_path(value, *usage, *part, evidence, run, context),
            Target::Perhaps(text) => {
                let member = &self.builds.members[self.member];
                let by_path = &self.builds.all[member.build].by_path;
                let owner = text.rsplit_once(':').map(|(owner, _)| owner).filter(|owner| !owner.is_empty());
                if let Some(&found) = by_path.get(text) {
                    self.add(found, *usage, Component::Main, evidence);
                } else if let Some(&found) = owner.and_then(|owner| by_path.get(owner)) {
                    self.add(found, *usage, *part, evidence);
                }
            }
            Target::Accessor(words) => {
                let build = self.builds.members[self.member].build;
                if let Some(found) = self.providers.by_accessor(build, words) {
                    self.add(found, *usage, *part, evidence);
                } else if self.builds.all[build].is_open {
                    let message = format!("no project is known for the accessor `projects.{}`", words.join("."));
                    self.collected.doubts.insert(Diagnostic::warning("gradle-project-unknown", message).at(&evidence));
                }
            }
        }
    }

    fn refer_by_path(
        &mut self,
        value: &Value,
        usage: Usage,
        part: Component,
        evidence: Evidence,
        run: &Run,
        context: &Context<'_>,
    ) {
        let parts = context.filled(value);
        let build = &self.builds.all[self.builds.members[self.member].build];
        let Some(text) = Value(parts.clone()).as_literal().map(str::to_owned) else {
            if value.0.iter().all(|part| matches!(part, Part::Name(name) if is_own_path(name))) {
                return;
            }
            let help = "name the project by a literal path";
            if is_unknown(&parts) {
                let message = "which project is meant here is not known";
                let finding = Diagnostic::warning("gradle-project-computed", message).at(&evidence).help(help);
                self.collected.doubts.insert(finding);
                return;
            }
            self.steps += build.by_path.len();
            let fitting: Vec<usize> =
                build.by_path.iter().filter(|(path, _)| fits(&parts, path)).map(|(_, &member)| member).collect();
            let message = "which project is meant here is not known, so every project that fits counts";
            self.collected
                .findings
                .insert(Diagnostic::warning("gradle-project-computed", message).at(&evidence).help(help));
            for member in fitting {
                self.add(member, usage, part, evidence.clone());
            }
            return;
        };
        if let Some(found) = self.find(&text, run.runner).or_else(|| self.find(&text, self.member)) {
            return self.add(found, usage, part, evidence);
        }
        let path = absolute(&text, ":");
        let name = path.rsplit(':').next().unwrap_or_default();
        if let Some(found) = self.providers.by_name(self.builds.members[self.member].build, name) {
            return self.add(found, usage, part, evidence);
        }
        let layout = build.folder.resolve(path.trim_start_matches(':').replace(':', "/").as_bytes()).ok();
        if let Some(folder) = layout.filter(|folder| self.builds.landscape.is_folder(folder)) {
            self.collected.folders.entry((folder, usage)).or_insert(evidence);
            return;
        }
        let message = format!("the project `{path}` is not one of the build");
        let finding = Diagnostic::warning("gradle-project-unknown", message).at(&evidence);
        if build.is_open {
            self.collected.doubts.insert(finding.help("include the project by a literal path"));
        } else {
            self.collected
                .findings
                .insert(finding.help("include the project in the settings, or remove the reference"));
        }
    }

    /// `apply from`: the script is run for whom the line is said.
    fn apply(&mut self, said: &Said<Mention>, run: &Run, context: &Context<'_>) {
        let covered = self.covers(&said.scope, run);
        let runner = match covered {
            true if !self.is_settings(run) => self.member,
            _ if said.scope == Scope::Own && run.runner != self.member => run.runner,
            _ => return,
        };
        let evidence = said.what.evidence(&run.script);
        // What a script above applies for itself is relative to its own project.
        let runner_folder = &self.builds.members[runner].folder;
        let context = Context {
            scripts: context.scripts.clone(),
            properties: context.properties.clone(),
            folder: runner_folder,
            ..*context
        };
        match context.place_of_mention(&said.what.value, &|value| self.folder_of(value, run, &context)) {
            Some(place) if self.builds.landscape.is_file(&place) => self.run(place, runner, Some(evidence)),
            Some(place) => {
                let message = format!("the script `{place}` does not exist");
                let finding = Diagnostic::warning("gradle-script-missing", message).at(&evidence);
                self.collected.findings.insert(finding.help("correct the path"));
            }
            None => {
                let written = context.text_of(&said.what.value.path);
                if written.is_none_or(|written| !written.contains("://")) {
                    let message = "which script is applied here is not known";
                    let finding = Diagnostic::warning("gradle-script-computed", message).at(&evidence);
                    self.collected.doubts.insert(finding.help("name the script by a literal path"));
                }
            }
        }
    }

    fn plug(&mut self, said: &Said<Plugin>, covered: bool, run: &Run, context: &Context<'_>) {
        let evidence = said.what.evidence(&run.script);
        let own = &self.builds.members[self.member];
        let (build, settings) = (own.build, self.is_settings(run));
        let id = match &said.what.value {
            Plugin::Id(value) => context.text_of(value),
            Plugin::Unnamed => None,
        };
        for provider in self.providers.of_plugin(build, id.as_deref()) {
            self.steps += 1;
            let from_itself = self.builds.members[provider.member].build == build;
            if (covered || settings) && !from_itself {
                self.add(provider.member, Usage::Build, Component::Main, evidence.clone());
            }
            if let Some(script) = provider.script.clone().filter(|_| !settings) {
                let runner = if covered { self.member } else { run.runner };
                if covered || said.scope == Scope::Own {
                    self.run(script, runner, Some(evidence.clone()));
                }
            }
        }
    }

    fn folder_of(&self, value: &Value, run: &Run, context: &Context<'_>) -> Option<RepoPath> {
        let text = context.text_of(value)?;
        let found = self.find(&text, run.runner)?;
        Some(self.builds.members[found].folder.clone())
    }

    fn mention(&mut self, stated: &Stated<Mention>, run: &Run, context: &Context<'_>) {
        let place = context.place_of_mention(&stated.value, &|value| self.folder_of(value, run, context));
        let Some(path) = place else { return };
        let member = &self.builds.members[self.member];
        let nearest = path.ancestors().find_map(|above| self.builds.by_folder.get(&above));
        let keeps_all = member.path != ":" || self.builds.all[member.build].by_path.len() == 1;
        // What is around the project is a place to start from, unless all that lies there is meant.
        if (nearest == Some(&self.member) && keeps_all && path.is_within(&member.folder))
            || (!stated.value.tree && member.folder.is_within(&path))
        {
            return;
        }
        // What is not there may be the result of a build: then it is its project that is read.
        let mentioned = Mentioned { path, tree: stated.value.tree, test: stated.value.test };
        self.collected.mentions.entry(mentioned).or_insert_with(|| stated.evidence(&run.script));
    }
}

/// Whether a name is that of the project's own path.
fn is_own_path(name: &str) -> bool {
    matches!(name, "path" | "project.path" | "this.path" | "name" | "project.name")
}
