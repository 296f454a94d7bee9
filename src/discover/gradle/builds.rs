//! The builds of a tree, and the projects of each.

use std::collections::{BTreeMap, BTreeSet};

use super::aliases::catalogs_of;
use super::context::Context;
use super::facts::{Facts, Include, Properties, Script};
use super::grounds::Grounds;
use super::{PROPERTIES_FILE, is_build_script, is_settings};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::discover::{Landscape, Links};
use crate::path::RepoPath;

/// All builds of a tree.
pub(super) struct Builds<'a> {
    pub landscape: &'a Landscape<'a, Facts>,
    pub all: Vec<Build<'a>>,
    pub members: Vec<Member<'a>>,
    /// The project of each folder.
    pub by_folder: BTreeMap<RepoPath, usize>,
    /// The build of each folder.
    places: BTreeMap<RepoPath, usize>,
}

/// One build: a settings file and its projects, or a script alone.
pub(super) struct Build<'a> {
    pub folder: RepoPath,
    /// The settings file, with the scripts that it applies.
    pub settings: Vec<RepoPath>,
    pub root_name: String,
    /// Its projects by their paths; a project that was renamed has two.
    pub by_path: BTreeMap<String, usize>,
    /// Builds that it includes, by folder.
    pub includes: BTreeMap<RepoPath, Evidence>,
    /// Whether another build includes it.
    pub is_included: bool,
    /// Whether it is a build of this repository and no fixture.
    pub is_admitted: bool,
    /// Whether it includes projects that are not known.
    pub is_open: bool,
    pub properties: Option<&'a Properties>,
    /// The build in its `buildSrc`.
    pub build_source: Option<usize>,
    /// The files of its catalogs, by the names that scripts know them by.
    pub catalogs: BTreeMap<String, RepoPath>,
}

/// One project of a build.
pub(super) struct Member<'a> {
    pub build: usize,
    /// Such as `:a:b`; of the root `:`.
    pub path: String,
    /// Paths of projects that were renamed.
    pub other_paths: Vec<String>,
    pub folder: RepoPath,
    /// Its build scripts; more than one where their names are not known.
    pub scripts: Vec<(RepoPath, Option<&'a Script>)>,
    pub properties: Option<&'a Properties>,
    pub evidence: Evidence,
    /// Whether the settings name it, and not only a project below it.
    pub is_named: bool,
}

impl Member<'_> {
    /// The last part of the path; of the root the name of the build.
    pub fn name<'b>(&'b self, build: &'b Build<'_>) -> &'b str {
        match self.path.rsplit(':').next() {
            Some("") | None => &build.root_name,
            Some(name) => name,
        }
    }
}

/// A project that a build is about to have.
struct Wanted {
    folder: RepoPath,
    evidence: Evidence,
    is_named: bool,
}

impl<'a> Builds<'a> {
    pub fn of(landscape: &'a Landscape<'a, Facts>, links: &mut Links) -> Self {
        let mut builds = Self {
            landscape,
            all: Vec::new(),
            members: Vec::new(),
            by_folder: BTreeMap::new(),
            places: BTreeMap::new(),
        };
        let mut settings: BTreeMap<RepoPath, RepoPath> = BTreeMap::new();
        let mut scripts: BTreeSet<RepoPath> = BTreeSet::new();
        for manifest in landscape.manifests() {
            let name = manifest.path.name().unwrap_or_default();
            if is_settings(name) {
                settings.entry(manifest.folder()).or_insert_with(|| manifest.path.clone());
            } else if is_build_script(name) {
                scripts.insert(manifest.folder());
            }
        }
        let mut by_name: BTreeMap<&[u8], Vec<&RepoPath>> = BTreeMap::new();
        for folder in &scripts {
            by_name.entry(folder.name().unwrap_or_default()).or_default().push(folder);
        }
        let grounds = Grounds { settings: &settings, scripts: &scripts, by_name: &by_name };
        for (folder, file) in &settings {
            builds.add(&grounds, folder, Some(file), links);
        }
        // What is included or is the `buildSrc` of a build needs no settings of its own.
        let mut at = 0;
        while at < builds.all.len() {
            let source = builds.all[at].folder.child(b"buildSrc");
            let is_source = !landscape.entries(&source).is_empty();
            let includes: Vec<RepoPath> = builds.all[at].includes.keys().cloned().collect();
            for folder in includes.into_iter().chain(is_source.then(|| source.clone())) {
                let place = match builds.places.get(&folder) {
                    Some(&place) => place,
                    None if landscape.is_folder(&folder) => {
                        builds.add(&grounds, &folder, None, links);
                        builds.all.len() - 1
                    }
                    None => continue,
                };
                if folder == source {
                    builds.all[at].build_source = Some(place);
                } else {
                    builds.all[place].is_included = true;
                }
            }
            at += 1;
        }
        for folder in &scripts {
            if !builds.by_folder.contains_key(folder) {
                builds.add(&grounds, folder, None, links);
            }
        }
        builds.admit(&grounds);
        builds
    }

    /// The build of a folder.
    pub fn build_of(&self, folder: &RepoPath) -> Option<usize> {
        self.places.get(folder).copied()
    }

    /// Whether projects lie in a folder, and not only one that is the folder.
    pub fn has_members_below(&self, folder: &RepoPath) -> bool {
        let after = self.by_folder.range(folder.clone()..).map(|(path, _)| path);
        let mut below = after.take_while(|path| path.as_bytes().starts_with(folder.as_bytes()));
        below.any(|path| path != folder && path.is_within(folder))
    }

    /// The script at a path, if it can be read.
    pub fn script(&self, path: &RepoPath) -> Option<&'a Script> {
        match self.landscape.facts(path)? {
            Facts::Script(script) => Some(script),
            _ => None,
        }
    }

    fn properties(&self, folder: &RepoPath) -> Option<&'a Properties> {
        match self.landscape.facts(&folder.child(PROPERTIES_FILE))? {
            Facts::Properties(properties) => Some(properties),
            _ => None,
        }
    }

    fn add(&mut self, grounds: &Grounds<'_>, folder: &RepoPath, settings: Option<&RepoPath>, links: &mut Links) {
        let place = self.all.len();
        let default_name = folder.name().map(|name| String::from_utf8_lossy(name).into_owned()).unwrap_or_default();
        let mut build = Build {
            folder: folder.clone(),
            settings: settings.into_iter().cloned().collect(),
            root_name: default_name,
            by_path: BTreeMap::new(),
            includes: BTreeMap::new(),
            is_included: false,
            is_admitted: true,
            is_open: settings.is_some_and(|file| self.script(file).is_none()),
            properties: self.properties(folder),
            build_source: None,
            catalogs: catalogs_of(folder, settings.and_then(|file| self.script(file))),
        };
        self.follow_applied(&mut build, links);
        let scripts: Vec<(RepoPath, &'a Script)> =
            build.settings.iter().filter_map(|path| Some((path.clone(), self.script(path)?))).collect();
        let evidence = Evidence::new(settings.unwrap_or(folder), 0, "");
        let mut wanted = BTreeMap::from([(
            ":".to_owned(),
            Wanted { folder: folder.clone(), evidence: evidence.clone(), is_named: true },
        )]);
        let mut renames = Vec::new();
        self.read_settings(&mut build, &scripts, grounds, &mut wanted, &mut renames, links);
        if build.is_open {
            for below in grounds.scripts_of(folder) {
                let path = String::from_utf8_lossy(below.below_bytes(folder).unwrap_or_default()).replace('/', ":");
                if !wanted.values().any(|known| known.folder == *below) {
                    let evidence = evidence.clone();
                    wanted.entry(format!(":{path}")).or_insert(Wanted {
                        folder: below.clone(),
                        evidence,
                        is_named: true,
                    });
                }
            }
        }
        let renamed = scripts.iter().any(|(_, script)| script.renames_build_files);
        for (path, wanted) in wanted {
            let member = self.member(place, path.clone(), wanted, renamed);
            let at = self.members.len();
            build.by_path.insert(path, at);
            self.by_folder.entry(member.folder.clone()).or_insert(at);
            self.members.push(member);
        }
        for (path, name) in renames {
            let parent = path.rsplit_once(':').map_or("", |(parent, _)| parent);
            let renamed = format!("{parent}:{name}");
            if let Some(&member) = build.by_path.get(&path)
                && !build.by_path.contains_key(&renamed)
            {
                self.members[member].other_paths.push(renamed.clone());
                build.by_path.insert(renamed, member);
            }
        }
        self.places.insert(folder.clone(), place);
        self.all.push(build);
    }

    /// The scripts that a settings file applies, and those that these apply.
    fn follow_applied(&self, build: &mut Build<'a>, links: &mut Links) {
        let mut at = 0;
        while at < build.settings.len() {
            let path = build.settings[at].clone();
            at += 1;
            let Some(script) = self.script(&path) else { continue };
            let context = self.context_of_settings(build, script);
            let mut found = Vec::new();
            for applied in &script.applied {
                match context.place_of_mention(&applied.what.value, &|_| None) {
                    Some(place) if self.landscape.has_manifest(&place) => found.push(place),
                    Some(_) => {}
                    None if context.text_of(&applied.what.value.path).is_none() => {
                        links.diagnostics.push(
                            Diagnostic::warning("gradle-script-computed", "which script is applied here is not known")
                                .at(&applied.what.evidence(&path))
                                .help("name the script by a literal path"),
                        );
                    }
                    None => {}
                }
            }
            found.retain(|place| !build.settings.contains(place));
            build.settings.extend(found);
        }
    }

    fn context_of_settings<'b>(&self, build: &'b Build<'a>, script: &'b Script) -> Context<'b> {
        let others = build.settings.iter().filter_map(|path| self.script(path));
        Context {
            scripts: std::iter::once(script).chain(others).collect(),
            properties: build.properties.into_iter().collect(),
            folder: &build.folder,
            root: &build.folder,
            name: None,
            root_name: &build.root_name,
        }
    }

    fn read_settings(
        &self,
        build: &mut Build<'a>,
        scripts: &[(RepoPath, &'a Script)],
        grounds: &Grounds<'_>,
        wanted: &mut BTreeMap<String, Wanted>,
        renames: &mut Vec<(String, String)>,
        links: &mut Links,
    ) {
        let root = build.folder.clone();
        for (_, script) in scripts {
            let stated = script.root_name.as_ref();
            let name = stated.and_then(|name| self.context_of_settings(build, script).text_of(&name.value));
            build.root_name = name.unwrap_or_else(|| std::mem::take(&mut build.root_name));
        }
        let mut folders: BTreeMap<String, RepoPath> = BTreeMap::new();
        let mut moved = false;
        let mut includes = BTreeMap::new();
        for (path, script) in scripts {
            let context = self.context_of_settings(build, script);
            for place in &script.folders {
                let project = context.text_of(&place.value.project).map(|text| absolute(&text, ":"));
                let folder = context.place_of(&place.value.anchor, &place.value.folder, &|_| None);
                match (project, folder) {
                    (Some(project), Some(folder)) => drop(folders.insert(project, folder)),
                    _ => moved = true,
                }
            }
            for (project, name) in &script.renames {
                if let (Some(project), Some(name)) = (context.text_of(project), context.text_of(name)) {
                    renames.push((absolute(&project, ":"), name));
                }
            }
            for include in &script.includes {
                if let Include::Build(anchor, value) = &include.value {
                    match context.place_of(anchor, value, &|_| None) {
                        Some(folder) => drop(includes.insert(folder, include.evidence(path))),
                        None => links.diagnostics.push(
                            Diagnostic::warning("gradle-include-computed", "which build is included here is not known")
                                .at(&include.evidence(path))
                                .help("name the build by a literal path inside the repository"),
                        ),
                    }
                }
            }
        }
        let mut open = build.is_open;
        for (path, script) in scripts {
            let context = self.context_of_settings(build, script);
            for include in &script.includes {
                let (value, flat) = match &include.value {
                    Include::Project(value) => (value, false),
                    Include::Flat(value) => (value, true),
                    Include::Build(..) => continue,
                };
                let evidence = include.evidence(path);
                let Some(text) = context.text_of(value) else {
                    if !open {
                        links.diagnostics.push(
                            Diagnostic::warning(
                                "gradle-include-computed",
                                "which projects are included here is not known, so every build script below counts",
                            )
                            .at(&evidence)
                            .help("include the projects by literal paths"),
                        );
                    }
                    open = true;
                    continue;
                };
                let project = absolute(&text, ":");
                if project == ":" {
                    continue;
                }
                if flat {
                    let folder = root.parent().and_then(|above| above.resolve(text.as_bytes()).ok());
                    if let Some(folder) = folder {
                        wanted.insert(project, Wanted { folder, evidence, is_named: true });
                    }
                    continue;
                }
                self.want(build, grounds, &folders, moved, &project, &evidence, wanted, links);
            }
        }
        build.includes = includes;
        build.is_open = open;
    }

    /// A project and those that its path leads through.
    #[expect(clippy::too_many_arguments, reason = "what the settings said so far")]
    fn want(
        &self,
        build: &Build<'a>,
        grounds: &Grounds<'_>,
        folders: &BTreeMap<String, RepoPath>,
        moved: bool,
        project: &str,
        evidence: &Evidence,
        wanted: &mut BTreeMap<String, Wanted>,
        links: &mut Links,
    ) {
        let mut parent = build.folder.clone();
        let ends = project.match_indices(':').skip(1).map(|(at, _)| at).chain([project.len()]);
        for end in ends {
            let path = &project[..end];
            let is_last = end == project.len();
            let segment = path.rsplit(':').next().unwrap_or_default();
            if segment.is_empty() {
                continue;
            }
            if let Some(known) = wanted.get_mut(path) {
                known.is_named |= is_last;
                parent = known.folder.clone();
                continue;
            }
            let by_layout = build.folder.resolve(path.trim_start_matches(':').replace(':', "/").as_bytes()).ok();
            let below = parent.resolve(segment.as_bytes()).ok();
            let stands = |folder: &RepoPath| self.landscape.is_folder(folder);
            let folder = folders
                .get(path)
                .cloned()
                .or_else(|| by_layout.clone().filter(stands))
                .or_else(|| below.filter(stands))
                .or_else(|| if moved { grounds.named(&build.folder, segment) } else { None });
            let Some(folder) = folder.or(by_layout) else { continue };
            if is_last && !stands(&folder) {
                links.diagnostics.push(
                    Diagnostic::warning(
                        "gradle-project-missing",
                        format!("the folder `{folder}` of the project `{path}` does not exist"),
                    )
                    .at(evidence)
                    .help("correct the path, or remove the project"),
                );
            }
            parent = folder.clone();
            wanted.insert(path.to_owned(), Wanted { folder, evidence: evidence.clone(), is_named: is_last });
        }
    }

    fn member(&self, build: usize, path: String, wanted: Wanted, renamed: bool) -> Member<'a> {
        let folder = wanted.folder;
        let mut scripts: Vec<(RepoPath, Option<&'a Script>)> = Vec::new();
        for name in ["build.gradle", "build.gradle.kts"] {
            let file = folder.child(name.as_bytes());
            if scripts.is_empty() && self.landscape.has_manifest(&file) {
                let script = self.script(&file);
                scripts.push((file, script));
            }
        }
        if renamed && scripts.is_empty() {
            for entry in self.landscape.entries(&folder).iter() {
                let file = folder.child(&entry.name);
                let is_script = entry.name.ends_with(b".gradle") || entry.name.ends_with(b".gradle.kts");
                if is_script && !is_settings(&entry.name) && self.landscape.has_manifest(&file) {
                    let script = self.script(&file);
                    scripts.push((file, script));
                }
            }
        }
        let evidence = match scripts.first() {
            Some((file, _)) => Evidence::new(file, 0, ""),
            None => wanted.evidence,
        };
        let properties = self.properties(&folder);
        Member {
            build,
            path,
            other_paths: Vec::new(),
            folder,
            scripts,
            properties,
            evidence,
            is_named: wanted.is_named,
        }
    }

    /// Files and folders that the settings of a build name, catalogs and scripts of other kinds among them.
    pub fn mentions_of_settings(&self, build: &Build<'a>) -> Vec<(RepoPath, Evidence)> {
        let mut found = Vec::new();
        for path in &build.settings {
            let Some(script) = self.script(path) else { continue };
            let context = self.context_of_settings(build, script);
            for said in &script.mentions {
                let mention = &said.what.value;
                // A folder is one of a project or a build, which is read by what it is.
                let place = context.place_of_mention(mention, &|_| None).filter(|place| self.landscape.is_file(place));
                found.extend(place.map(|place| (place, said.what.evidence(path))));
            }
        }
        found
    }

    /// Tells builds of the repository from fixtures: below the sources of another build, or a script that no settings
    /// around name, unless another build includes them.
    fn admit(&mut self, grounds: &Grounds<'_>) {
        let sources: BTreeSet<usize> = self.all.iter().filter_map(|build| build.build_source).collect();
        for place in 0..self.all.len() {
            let build = &self.all[place];
            let enclosing = build.folder.ancestors().skip(1).find(|above| grounds.is_ground(above));
            let is_fixture = enclosing.is_some_and(|above| {
                let below = build.folder.below(&above).unwrap_or_else(RepoPath::root);
                build.settings.is_empty() || below.segments().any(|name| matches!(name, b"src" | b"testdata"))
            });
            let is_admitted = !is_fixture || build.is_included;
            self.all[place].is_admitted = is_admitted;
        }
        // A source of a build, and what a fixture includes, is as the build is.
        for place in 0..self.all.len() {
            if let Some(source) = self.all[place].build_source {
                self.all[source].is_admitted = self.all[place].is_admitted;
            }
            if !self.all[place].is_admitted && !sources.contains(&place) {
                let includes: Vec<usize> =
                    self.all[place].includes.keys().filter_map(|folder| self.places.get(folder).copied()).collect();
                for included in includes {
                    let build = &mut self.all[included];
                    let below_sources = build.folder.segments().any(|name| matches!(name, b"src" | b"testdata"));
                    build.is_admitted &= !below_sources;
                }
            }
        }
    }
}

/// A path of a project from the root, as it is written from a project.
pub(super) fn absolute(written: &str, from: &str) -> String {
    let from = if written.starts_with(':') { "" } else { from };
    let names = from.split(':').chain(written.split(':')).filter(|name| !name.is_empty());
    let path: String = names.flat_map(|name| [":", name]).collect();
    if path.is_empty() { ":".to_owned() } else { path }
}
