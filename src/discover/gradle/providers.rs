//! Which projects provide plugins, modules and accessors.

use std::collections::{BTreeMap, BTreeSet};

use super::builds::Builds;
use super::context::Context;
use super::facts::{Facts, Scope};
use crate::path::RepoPath;

/// A project that provides a plugin.
#[derive(Debug, Clone)]
pub(super) struct Provider {
    pub member: usize,
    /// The precompiled script that is the plugin.
    pub script: Option<RepoPath>,
}

/// What the projects of a tree provide for each other.
#[derive(Default)]
pub(super) struct Providers {
    plugins: BTreeMap<String, Vec<Provider>>,
    /// By build, the projects with plugins whose ids are not known.
    unnamed: BTreeMap<usize, BTreeSet<usize>>,
    /// By build, everything that is a plugin.
    by_build: BTreeMap<usize, Vec<Provider>>,
    /// Names of modules that included builds provide, with their groups where these are known.
    modules: BTreeMap<String, Vec<(Option<String>, usize)>>,
    accessors: BTreeMap<(usize, Vec<String>), usize>,
    /// Of builds that include what is not known, projects by the last part of their paths; none where several have it.
    named: BTreeMap<(usize, String), Option<usize>>,
    /// Of each build, the builds whose plugins it sees.
    sees: Vec<BTreeSet<usize>>,
    /// Of each build, all that are built together with it.
    composite: Vec<usize>,
    /// The build of each project.
    builds: Vec<usize>,
}

impl Providers {
    pub fn of(builds: &Builds<'_>) -> Self {
        let builds_of = builds.members.iter().map(|member| member.build).collect();
        let mut providers = Self { builds: builds_of, ..Self::default() };
        providers.connect(builds);
        providers.find_scripts(builds);
        for (place, member) in builds.members.iter().enumerate() {
            let build = &builds.all[member.build];
            for path in [&member.path].into_iter().chain(&member.other_paths) {
                let accessor = path.split(':').filter(|name| !name.is_empty()).map(camel_case);
                providers.accessors.insert((member.build, accessor.collect()), place);
            }
            if build.is_open {
                let named = providers.named.entry((member.build, camel_case(member.name(build))));
                named.and_modify(|known| *known = None).or_insert(Some(place));
            }
            for script in member.scripts.iter().filter_map(|(_, script)| *script) {
                let context = providers.context(builds, place);
                for value in &script.provides {
                    let provider = Provider { member: place, script: None };
                    providers.by_build.entry(member.build).or_default().push(provider.clone());
                    match context.text_of(value) {
                        Some(id) => providers.plugins.entry(id).or_default().push(provider),
                        None => drop(providers.unnamed.entry(member.build).or_default().insert(place)),
                    }
                }
            }
            if build.is_included {
                let group = providers.group_of(builds, place);
                let name = member.name(build).to_owned();
                providers.modules.entry(name).or_default().push((group, place));
            }
        }
        providers
    }

    fn context<'b>(&self, builds: &'b Builds<'_>, member: usize) -> Context<'b> {
        let member = &builds.members[member];
        let build = &builds.all[member.build];
        let root = build.by_path.get(":").map(|&root| &builds.members[root]);
        let scripts = member.scripts.iter().chain(root.into_iter().flat_map(|root| &root.scripts));
        Context {
            scripts: scripts.filter_map(|(_, script)| *script).collect(),
            properties: member.properties.into_iter().chain(build.properties).collect(),
            folder: &member.folder,
            root: &build.folder,
            name: Some(member.name(build)),
            root_name: &build.root_name,
        }
    }

    /// Which builds are built together, and which see the plugins of which.
    fn connect(&mut self, builds: &Builds<'_>) {
        let count = builds.all.len();
        self.composite = (0..count).collect();
        self.sees = vec![BTreeSet::new(); count];
        for (place, build) in builds.all.iter().enumerate() {
            self.sees[place].extend(build.build_source);
            for included in build.includes.keys().filter_map(|folder| builds.build_of(folder)) {
                self.sees[place].insert(included);
                let (one, other) = (self.leader(place), self.leader(included));
                self.composite[one.max(other)] = one.min(other);
            }
        }
        for place in 0..count {
            self.composite[place] = self.leader(place);
        }
        // The sources of a build see what the build includes.
        for (place, build) in builds.all.iter().enumerate() {
            if let Some(source) = build.build_source {
                let seen: Vec<usize> = self.sees[place].iter().copied().filter(|&seen| seen != source).collect();
                self.sees[source].extend(seen);
            }
        }
    }

    fn leader(&mut self, mut place: usize) -> usize {
        while self.composite[place] != place {
            self.composite[place] = self.composite[self.composite[place]];
            place = self.composite[place];
        }
        place
    }

    /// Scripts below `src/main/groovy` and `src/main/kotlin` are plugins.
    fn find_scripts(&mut self, builds: &Builds<'_>) {
        for manifest in builds.landscape.manifests() {
            let Ok(Facts::Script(script)) = manifest.facts else { continue };
            let Some(folder) = source_project(manifest.path) else { continue };
            let Some(&member) = builds.by_folder.get(&folder) else { continue };
            let name = manifest.path.name().unwrap_or_default();
            let name = String::from_utf8_lossy(name);
            let name = name.trim_end_matches(".kts").trim_end_matches(".gradle");
            let id = match &script.package {
                Some(package) => format!("{package}.{name}"),
                None => name.to_owned(),
            };
            let provider = Provider { member, script: Some(manifest.path.clone()) };
            self.by_build.entry(builds.members[member].build).or_default().push(provider.clone());
            self.plugins.entry(id).or_default().push(provider);
        }
    }

    /// Who provides a plugin to a build. A plugin without a known id may be any.
    pub fn of_plugin(&self, build: usize, id: Option<&str>) -> Vec<Provider> {
        let seen = &self.sees[build];
        let Some(id) = id else {
            return seen.iter().filter_map(|build| self.by_build.get(build)).flatten().cloned().collect();
        };
        let named = self.plugins.get(id).into_iter().flatten();
        let mut found: Vec<Provider> =
            named.filter(|provider| seen.contains(&self.builds[provider.member])).cloned().collect();
        // An id without a dot, or of Gradle's own, is nobody else's.
        if found.is_empty() && id.contains('.') && !id.starts_with("org.gradle.") {
            let unnamed = seen.iter().filter_map(|build| self.unnamed.get(build)).flatten();
            found.extend(unnamed.map(|&member| Provider { member, script: None }));
        }
        found
    }

    /// The projects of other builds that take the place of a module.
    pub fn of_module<'b>(
        &'b self,
        builds: &'b Builds<'_>,
        build: usize,
        group: Option<&'b str>,
        name: &str,
    ) -> Vec<usize> {
        let candidates = self.modules.get(name).into_iter().flatten();
        let fits = |(known, member): &&(Option<String>, usize)| {
            let other = builds.members[*member].build;
            let same_group = known.is_none() || group.is_none() || known.as_deref() == group;
            same_group && other != build && self.composite[other] == self.composite[build]
        };
        candidates.filter(fits).map(|(_, member)| *member).collect()
    }

    /// The group of a project, if a script or a property says it.
    fn group_of(&self, builds: &Builds<'_>, place: usize) -> Option<String> {
        let member = &builds.members[place];
        let build = &builds.all[member.build];
        let context = self.context(builds, place);
        let own = member.scripts.iter().filter_map(|(_, script)| *script).flat_map(|script| &script.groups);
        let own = own.filter(|said| matches!(said.scope, Scope::Own | Scope::All));
        let root = build.by_path.get(":").map(|&root| &builds.members[root]);
        let inherited = root.into_iter().flat_map(|root| root.scripts.iter().filter_map(|(_, script)| *script));
        let inherited = inherited.flat_map(|script| &script.groups).filter(|said| match said.scope {
            Scope::All | Scope::Below => true,
            Scope::Own | Scope::Project(_) => false,
        });
        let said = own.chain(inherited).find_map(|said| context.text_of(&said.what.value));
        let property = context
            .properties
            .iter()
            .find_map(|properties| properties.0.iter().find(|(key, _)| key == "group").map(|(_, value)| value.clone()));
        said.or(property)
    }

    /// The project that a type-safe accessor names; what follows it is a call on the project.
    pub fn by_accessor(&self, build: usize, words: &[String]) -> Option<usize> {
        let longest = |words: &[String]| {
            (1..=words.len()).rev().find_map(|length| self.accessors.get(&(build, words[..length].to_vec())).copied())
        };
        // The accessors may begin with that of the root project.
        longest(words).or_else(|| longest(words.get(1..)?)).or_else(|| self.by_name(build, words.last()?))
    }

    /// The one project of this name in a build that includes what is not known.
    pub fn by_name(&self, build: usize, name: &str) -> Option<usize> {
        self.named.get(&(build, camel_case(name))).copied().flatten()
    }
}

/// The project whose sources a script lies in, if it is a plugin.
fn source_project(path: &RepoPath) -> Option<RepoPath> {
    let folders = path.ancestors().skip(1);
    for folder in folders.filter(|folder| matches!(folder.name(), Some(b"groovy" | b"kotlin" | b"java"))) {
        let main = folder.parent()?;
        let source = main.parent()?;
        if main.name() == Some(b"main") && source.name() == Some(b"src") {
            return source.parent();
        }
    }
    None
}

/// The name of an accessor: `data-test` and `data_test` are `dataTest`.
fn camel_case(name: &str) -> String {
    let mut accessor = String::with_capacity(name.len());
    let mut begins = false;
    for character in name.chars() {
        if matches!(character, '-' | '_' | '.' | ' ') {
            begins = true;
        } else if begins && !accessor.is_empty() {
            accessor.extend(character.to_uppercase());
            begins = false;
        } else {
            accessor.push(character);
            begins = false;
        }
    }
    accessor
}
