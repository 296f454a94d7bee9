//! From what scripts say to claims.

use std::collections::{BTreeMap, BTreeSet};

use super::builds::{Build, Builds, Member};
use super::collect::{Collected, Collector};
use super::facts::{Component, Facts, Usage, is_for_tests};
use super::providers::Providers;
use super::slices::{Sliced, slices};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::discover::shell::path_word;
use crate::discover::{
    Admission, Command, Doubtful, EdgeClaim, EdgeKind, EdgeTarget, Ground, Input, Landscape, Links, ProjectClaim,
    Reading, Role, SliceClaim, TaskClaim,
};
use crate::path::RepoPath;
use crate::selection::Selection;

/// How many facts are looked at for all projects of a tree together.
const MOST_STEPS: usize = 10_000_000;

/// Files of a build that every project of it reads, relative to its root.
const SETTINGS_OF_BUILD: [&str; 12] = [
    "gradle.properties",
    "gradlew",
    "gradlew.bat",
    "gradle/wrapper",
    "gradle/gradle-daemon-jvm.properties",
    "gradle/verification-metadata.xml",
    "gradle/verification-keyring.keys",
    "gradle/verification-keyring.gpg",
    "gradle.lockfile",
    "buildscript-gradle.lockfile",
    "settings-gradle.lockfile",
    "gradle/dependency-locks",
];

/// What a root with projects below keeps of its folder.
const OWN_FILES_OF_ROOT: [&str; 7] =
    ["*.gradle", "*.gradle.kts", "gradle.properties", "gradle/**", "gradlew*", "*.lockfile", "src/**"];

/// Links everything.
pub(super) fn link(landscape: &Landscape<'_, Facts>, links: &mut Links) {
    let builds = Builds::of(landscape, links);
    let providers = Providers::of(&builds);
    let claimed: Vec<usize> = (0..builds.members.len()).filter(|&member| is_claimed(&builds, member)).collect();
    let mut collected: BTreeMap<usize, Collected> = BTreeMap::new();
    let mut steps = 0;
    for &member in &claimed {
        if steps > MOST_STEPS {
            let message = "there is more in the scripts of this tree than is looked at";
            links.doubt(Doubtful::Below(RepoPath::root()), Diagnostic::warning("gradle-too-large", message));
            break;
        }
        let (found, taken) = Collector::new(&builds, &providers, member).collect();
        steps += taken;
        collected.insert(member, found);
    }
    let settings: Vec<Vec<Input>> = builds.all.iter().map(|build| inputs_of_build(&builds, build)).collect();
    let sliced = slices(&builds, &collected, links);
    let (nothing, no_slices) = (Collected::default(), Sliced::default());
    for &member in &claimed {
        let own = collected.get(&member).unwrap_or(&nothing);
        let sliced = sliced.get(&member).unwrap_or(&no_slices);
        let linker = Linker { builds: &builds, collected: &collected, place: member, own, sliced };
        linker.link(&settings[builds.members[member].build], links);
    }
    links.diagnostics.sort();
    links.diagnostics.dedup();
    // A fixture may be as odd as it likes.
    let admitted = |finding: &Diagnostic| {
        let folder = finding.place.as_ref().and_then(|place| place.file.parent());
        let build = folder.and_then(|folder| folder.ancestors().find_map(|above| builds.build_of(&above)));
        build.is_none_or(|build| builds.all[build].is_admitted)
    };
    links.diagnostics.retain(admitted);
}

/// Whether a folder is made a project: a project in between, without a script or sources, is only a name.
fn is_claimed(builds: &Builds<'_>, place: usize) -> bool {
    let member = &builds.members[place];
    let has_content = || !member.scripts.is_empty() || builds.landscape.is_folder(&member.folder.child(b"src"));
    builds.by_folder.get(&member.folder) == Some(&place)
        && builds.landscape.is_folder(&member.folder)
        && (member.is_named || has_content())
}

/// Whether a project is the root of others and has nothing to build of its own.
pub(super) fn is_workspace(builds: &Builds<'_>, place: usize) -> bool {
    let member = &builds.members[place];
    let is_root_of_others = member.path == ":" && builds.all[member.build].by_path.len() > 1;
    is_root_of_others && !builds.landscape.is_folder(&member.folder.child(b"src"))
}

/// What every project of a build reads.
fn inputs_of_build(builds: &Builds<'_>, build: &Build<'_>) -> Vec<Input> {
    let landscape = builds.landscape;
    let mut inputs = Vec::new();
    let mut add = |path: RepoPath| {
        let evidence = Evidence::new(&path, 0, "");
        inputs.push(Input { selection: Selection::all(&path), evidence });
    };
    for path in &build.settings {
        add(path.clone());
    }
    for path in build.catalogs.values().filter(|path| landscape.is_file(path)) {
        add(path.clone());
    }
    for name in SETTINGS_OF_BUILD {
        if let Ok(path) = build.folder.resolve(name.as_bytes())
            && landscape.exists(&path)
        {
            add(path);
        }
    }
    let folder = build.folder.child(b"gradle");
    for entry in landscape.entries(&folder).iter().filter(|entry| entry.name.ends_with(b".versions.toml")) {
        add(folder.child(&entry.name));
    }
    for (path, evidence) in builds.mentions_of_settings(build) {
        inputs.push(Input { selection: Selection::all(&path), evidence });
    }
    inputs
}

/// Links one project.
struct Linker<'a, 'b> {
    builds: &'b Builds<'a>,
    collected: &'b BTreeMap<usize, Collected>,
    place: usize,
    own: &'b Collected,
    sliced: &'b Sliced,
}

impl<'a, 'b> Linker<'a, 'b> {
    fn member(&self) -> &'b Member<'a> {
        &self.builds.members[self.place]
    }

    fn build(&self) -> &'b Build<'a> {
        &self.builds.all[self.member().build]
    }

    fn link(&self, settings: &[Input], links: &mut Links) {
        let (member, build) = (self.member(), self.build());
        let is_root_of_others = self.keeps_little();
        let is_workspace = is_workspace(self.builds, self.place);
        let own_files = || OWN_FILES_OF_ROOT.map(str::to_owned).to_vec();
        links.projects.push(ProjectClaim {
            folder: member.folder.clone(),
            role: if is_workspace { Role::Workspace } else { Role::Code },
            aliases: self.aliases(),
            admission: if build.is_admitted { Admission::Admitted } else { Admission::Stray },
            ground: if is_root_of_others { Ground::Shared(own_files()) } else { Ground::Own },
            evidence: self.evidence(),
        });
        links.diagnostics.extend(self.own.findings.iter().cloned());
        if is_workspace {
            links.diagnostics.extend(self.own.doubts.iter().cloned());
            return;
        }
        for doubt in &self.own.doubts {
            links.doubt(Doubtful::Project(member.folder.clone()), doubt.clone());
        }
        let mut reads = Reads::default();
        self.edges(&mut reads, links);
        self.tasks(settings, reads, links);
    }

    fn aliases(&self) -> Vec<String> {
        let (member, build) = (self.member(), self.build());
        match member.path.as_str() {
            ":" => vec![build.root_name.clone()].into_iter().filter(|name| !name.is_empty()).collect(),
            path => [path.to_owned()].into_iter().chain(member.other_paths.iter().cloned()).collect(),
        }
    }

    /// The project's own line. A settings file that cannot be read hides what there is.
    fn evidence(&self) -> Evidence {
        let (member, build) = (self.member(), self.build());
        match build.settings.first() {
            Some(settings) if member.path == ":" && self.builds.script(settings).is_none() => {
                Evidence::new(settings, 0, "")
            }
            _ => member.evidence.clone(),
        }
    }

    fn edges(&self, reads: &mut Reads, links: &mut Links) {
        let mut edges: BTreeMap<(RepoPath, EdgeKind), Evidence> = BTreeMap::new();
        let mut paths: BTreeMap<(RepoPath, EdgeKind), Evidence> = BTreeMap::new();
        for (&(to, usage, part), evidence) in &self.own.uses {
            let kind = kind_of(usage);
            edges.entry((self.folder(to), kind)).or_insert_with(|| evidence.clone());
            match part {
                Component::Main => {}
                Component::Tests => reads.add_test(kind, self.folder(to), evidence),
                Component::Fixtures => self.use_fixtures(to, kind, evidence, reads, &mut edges),
            }
        }
        for ((folder, usage), evidence) in &self.own.folders {
            paths.entry((folder.clone(), kind_of(*usage))).or_insert_with(|| evidence.clone());
        }
        for (mentioned, evidence) in &self.own.mentions {
            let kind = if mentioned.test { EdgeKind::Test } else { EdgeKind::Build };
            let exists = self.builds.landscape.exists(&mentioned.path);
            if exists {
                reads.add_input(kind, Input { selection: Selection::all(&mentioned.path), evidence: evidence.clone() });
            }
            // The files of a folder around projects are read, and not what each of them makes.
            let is_around = self.builds.has_members_below(&mentioned.path);
            if !exists || (self.builds.landscape.is_folder(&mentioned.path) && !is_around) {
                paths.entry((mentioned.path.clone(), kind)).or_insert_with(|| evidence.clone());
            }
        }
        if let Some(source) = self.build().build_source {
            let first =
                self.builds.all[source].by_path.get(":").map(|&root| self.builds.members[root].evidence.clone());
            for &member in self.builds.all[source].by_path.values() {
                if let Some(evidence) = &first {
                    edges.entry((self.folder(member), EdgeKind::Build)).or_insert_with(|| evidence.clone());
                }
            }
        }
        let from = &self.member().folder;
        for ((to, kind), evidence) in edges {
            if to != *from {
                links.edges.push(EdgeClaim { from: from.clone(), to: EdgeTarget::Project(to), kind, evidence });
            }
        }
        for ((path, kind), evidence) in paths {
            links.edges.push(EdgeClaim { from: from.clone(), to: EdgeTarget::Path(path), kind, evidence });
        }
    }

    fn folder(&self, member: usize) -> RepoPath {
        self.builds.members[member].folder.clone()
    }

    /// Who uses the fixtures of a project reads their sources, and depends on what they depend on.
    fn use_fixtures(
        &self,
        of: usize,
        kind: EdgeKind,
        evidence: &Evidence,
        reads: &mut Reads,
        edges: &mut BTreeMap<(RepoPath, EdgeKind), Evidence>,
    ) {
        let mut seen = BTreeSet::from([of]);
        let mut pending = vec![(of, evidence.clone())];
        while let Some((project, evidence)) = pending.pop() {
            let folder = self.folder(project);
            let sources = folder.child(b"src").child(b"testFixtures");
            if self.builds.landscape.is_folder(&sources) {
                reads.add_input(kind, Input { selection: Selection::all(&sources), evidence });
            } else {
                reads.add_test(kind, folder, &evidence);
            }
            let uses = self.collected.get(&project).into_iter().flat_map(|collected| &collected.uses);
            for (&(to, _, part), evidence) in uses.filter(|((_, usage, _), _)| *usage == Usage::Fixtures) {
                edges.entry((self.folder(to), kind)).or_insert_with(|| evidence.clone());
                if part == Component::Fixtures && seen.insert(to) {
                    pending.push((to, evidence.clone()));
                }
            }
        }
    }

    fn tasks(&self, settings: &[Input], reads: Reads, links: &mut Links) {
        let member = self.member();
        let is_whole = |input: &&Input| !self.sliced.files.contains(&input.selection.base);
        let mut inherited: Vec<Input> = settings.iter().filter(is_whole).cloned().collect();
        for input in &mut inherited {
            input.selection = input.selection.clone().slicing(&self.sliced.files);
        }
        let scripts = self.scripts_above().into_iter().map(|path| (path.clone(), Evidence::new(&path, 0, "")));
        let applied = self.own.scripts.iter().map(|(path, evidence)| (path.clone(), evidence.clone()));
        for (path, evidence) in scripts.chain(applied) {
            inherited.push(Input { selection: Selection::all(&path), evidence });
        }
        inherited.retain(|input| !input.selection.base.is_within(&member.folder) || self.keeps_little());
        let evidence = self.evidence();
        let owned = Selection::owned(&member.folder).slicing(&self.sliced.files);
        let is_unread = member.scripts.iter().any(|(_, script)| script.is_none());
        let main = match self.own.odd_sources || is_unread {
            true => owned.clone(),
            false => owned.clone().without(self.folders_of_tests()),
        };
        let along = |kinds: &[EdgeKind]| Reading::Along(kinds.to_vec(), "build".to_owned());
        let [build_only, test_only] = reads.parts();
        let built: Vec<Reading> = std::iter::once(along(&[EdgeKind::Build, EdgeKind::Schema]))
            .chain(build_only.tasks.iter().cloned())
            .collect();
        let mut tested =
            vec![Reading::Own("build".to_owned()), along(&[EdgeKind::Build, EdgeKind::Schema, EdgeKind::Test])];
        tested.extend(build_only.tasks.into_iter().chain(test_only.tasks));
        let mut inputs = inherited;
        inputs.extend(build_only.inputs);
        let mut test_inputs = inputs.clone();
        test_inputs.extend(test_only.inputs);
        inputs.push(Input { selection: main, evidence: evidence.clone() });
        test_inputs.push(Input { selection: owned, evidence });
        let mut test_slices = self.sliced.build.clone();
        test_slices.extend(self.sliced.test.iter().cloned());
        // Sources of tests that the build reads are built with what tests need.
        let reads_tests = self.own.odd_sources || is_unread;
        let slices = if reads_tests { test_slices.clone() } else { self.sliced.build.clone() };
        let mut add = |name: &str, inputs: Vec<Input>, slices: Vec<SliceClaim>, reads: Vec<Reading>| {
            links.tasks.push(TaskClaim {
                folder: member.folder.clone(),
                name: name.to_owned(),
                inputs: sorted(inputs),
                slices,
                reads,
                command: Some(self.command(name)),
                tool: "gradle".to_owned(),
                builds_upstream: true,
                outputs: Some(if name == "test" { Vec::new() } else { vec!["build/**".to_owned()] }),
            });
        };
        add("build", inputs, slices, built);
        if is_unread || self.has_tests() {
            add("test", test_inputs, test_slices, tested);
        }
    }

    /// Whether the folder's own files do not hold all that lies in it.
    fn keeps_little(&self) -> bool {
        self.member().path == ":" && self.build().by_path.len() > 1
    }

    /// The build scripts of the projects above.
    fn scripts_above(&self) -> Vec<RepoPath> {
        let (member, build) = (self.member(), self.build());
        let mut found = Vec::new();
        let mut path = member.path.as_str();
        while let Some((above, _)) = path.rsplit_once(':').filter(|_| path != ":") {
            path = if above.is_empty() { ":" } else { above };
            let above = build.by_path.get(path).map(|&above| &self.builds.members[above]);
            found.extend(above.into_iter().flat_map(|above| above.scripts.iter().map(|(file, _)| file.clone())));
            if let Some(above) = above.filter(|above| above.properties.is_some()) {
                found.push(above.folder.child(super::PROPERTIES_FILE));
            }
        }
        found
    }

    /// Globs of the sources that only tests read, whether or not there are any now.
    fn folders_of_tests(&self) -> [&'static str; 6] {
        ["src/test/**", "src/test[A-Z]*/**", "src/testFixtures/**", "src/*Test/**", "src/*Test[A-Z]*/**", "src/jmh*/**"]
    }

    /// Whether there is a sign of tests: a dependency for them, or a folder, which sets of sources without `src` have
    /// beside or one folder below.
    fn has_tests(&self) -> bool {
        let landscape = self.builds.landscape;
        let folder = &self.member().folder;
        let of_tests =
            |name: &[u8]| std::str::from_utf8(name).is_ok_and(|name| is_for_tests(name) && !name.starts_with("jmh"));
        let sources = landscape.entries(&folder.child(b"src"));
        let own = || landscape.entries(folder);
        self.own.has_tests
            || sources.iter().any(|entry| of_tests(&entry.name))
            || own().iter().any(|entry| of_tests(&entry.name))
            || own().iter().any(|entry| {
                let is_set = matches!(&*entry.name, b"common" | b"jvm" | b"js" | b"native" | b"posix" | b"web");
                is_set && landscape.is_folder(&folder.child(&entry.name).child(b"test"))
            })
    }

    /// What a person would run: the wrapper from the root of the build.
    fn command(&self, task: &str) -> Command {
        let (member, build) = (self.member(), self.build());
        let wrapper = self.builds.landscape.nearest(&build.folder, &["gradlew"]);
        let tool = match wrapper.map(|wrapper| build.folder.relative_to(&wrapper)) {
            Some(path) if !path.starts_with(b"..") => "./gradlew".to_owned(),
            Some(path) => path_word(&String::from_utf8_lossy(&path)),
            None => "gradle".to_owned(),
        };
        let goal = match task {
            "build" => "assemble",
            _ if self.own.multiplatform => "allTests",
            _ => "test",
        };
        let path = member.path.trim_end_matches(':');
        let path = if path.contains('/') { path.replace('/', ":") } else { path.to_owned() };
        let task = path_of_task(&format!("{path}:{goal}"));
        Command { line: format!("{tool} {task}"), folder: build.folder.clone() }
    }
}

/// A colon needs no quotes.
fn path_of_task(path: &str) -> String {
    let plain = path.replace(':', "/");
    if path_word(&plain) == plain { path.to_owned() } else { path_word(path) }
}

fn kind_of(usage: Usage) -> EdgeKind {
    match usage {
        Usage::Build => EdgeKind::Build,
        Usage::Test | Usage::Fixtures => EdgeKind::Test,
    }
}

/// What is read besides the edges: by the build, and so by the tests too, or by the tests alone.
#[derive(Default)]
struct Reads {
    build: Part,
    test: Part,
}

#[derive(Default)]
struct Part {
    inputs: Vec<Input>,
    tasks: Vec<Reading>,
}

impl Reads {
    fn of(&mut self, kind: EdgeKind) -> &mut Part {
        if kind == EdgeKind::Test { &mut self.test } else { &mut self.build }
    }

    fn add_input(&mut self, kind: EdgeKind, input: Input) {
        self.of(kind).inputs.push(input);
    }

    /// The tests of another project, and all that they read.
    fn add_test(&mut self, kind: EdgeKind, of: RepoPath, evidence: &Evidence) {
        self.of(kind).tasks.push(Reading::Task(of, "test".to_owned(), evidence.clone()));
    }

    fn parts(self) -> [Part; 2] {
        [self.build, self.test]
    }
}

fn sorted(mut inputs: Vec<Input>) -> Vec<Input> {
    inputs.sort();
    inputs.dedup();
    inputs
}
