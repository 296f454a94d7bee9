//! What the targets share: laws that hold for whatever stands in a repository.

use std::collections::BTreeMap;
use std::sync::Once;

use knockon::affect::{Side, Terms, affect};
use knockon::config;
use knockon::discover::{EdgeTarget, FactsMemo, Linked, SurveyMemo, discover};
use knockon::fingerprint::{Environment, Fingerprint, OwnDigests, fingerprints};
use knockon::path::RepoPath;
use knockon::selection::Selection;
use knockon::tree::{MemoryTree, Mode, Tree, changes};
use knockon::workspace::{TaskId, Workspace, assemble};

/// A file name of each kind. New ones are added at the end, so that the corpus keeps its meaning.
pub const NAMES: [&str; 83] = [
    "Cargo.toml",
    "Cargo.lock",
    "config.toml",
    "build.rs",
    "Dockerfile",
    ".dockerignore",
    "compose.yaml",
    "docker-bake.json",
    "skaffold.yaml",
    ".env",
    "a.csproj",
    "a.sln",
    "a.slnx",
    "Directory.Build.props",
    "Directory.Packages.props",
    "a.targets",
    "a.projitems",
    "go.mod",
    "go.work",
    "Chart.yaml",
    "Chart.lock",
    "requirements.yaml",
    "values.yaml",
    "pom.xml",
    "package.json",
    "pnpm-workspace.yaml",
    ".yarnrc.yml",
    "lerna.json",
    ".npmrc",
    "tsconfig.json",
    "jsconfig.json",
    "a.proto",
    "buf.yaml",
    "buf.work.yaml",
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "Pipfile",
    "requirements.txt",
    "base.txt",
    "knockon.toml",
    "requirements.lock",
    "tsconfig.build.json",
    "build.gradle",
    "settings.gradle",
    "settings.gradle.kts",
    "gradle.properties",
    "main.tf",
    "main.tf.json",
    "terragrunt.hcl",
    ".terraform.lock.hcl",
    "kustomization.yaml",
    "Gemfile",
    "x.gemspec",
    "Gemfile.lock",
    "composer.json",
    "composer.lock",
    "mix.exs",
    "mix.lock",
    "Package.swift",
    "Package.resolved",
    "CMakeLists.txt",
    "Makefile",
    "MODULE.bazel",
    "buf.gen.yaml",
    "buf.lock",
    "main.go",
    ".gitlab-ci.yml",
    "package-lock.json",
    "pnpm-lock.yaml",
    "yarn.lock",
    "bun.lock",
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
    "Pipfile.lock",
    "pylock.toml",
    "packages.lock.json",
    "__main__.py",
    "go.sum",
    "gradle.lockfile",
    "libs.versions.toml",
    "Jenkinsfile",
];

/// What a manifest may refer to.
const AROUND: &str = include_str!("around.txt");

/// A manifest of the kind and at the place that two bytes choose, in a small repository.
pub fn around(name: &str, place: u8, bytes: &[u8]) -> MemoryTree {
    let folder = ["", "a/", "a/b/", "a/.cargo/", "a/templates/", "lib/"][usize::from(place) % 6];
    let mut files = vec![(format!("{folder}{name}"), bytes.to_vec())];
    if place & 0x80 != 0 {
        files.push((format!("other/{name}"), bytes.to_vec()));
    }
    let others = AROUND.split("== ").filter_map(|file| file.split_once('\n'));
    let others = others.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()));
    let all = others.chain(files);
    let listed = all.map(|(path, bytes)| (RepoPath::from_git(path.as_bytes()).unwrap(), Mode::File, bytes));
    MemoryTree::from_contents(listed)
}

/// A tree and what is understood of it.
pub struct Known {
    tree: MemoryTree,
    linked: Linked,
    workspace: Workspace,
    prints: BTreeMap<TaskId, Fingerprint>,
}

impl Known {
    /// Reads, links, assembles and fingerprints everything. A configuration with an error counts as none.
    pub fn new(tree: MemoryTree) -> Self {
        single_thread();
        let linked = discover(&tree, &SurveyMemo::default(), &FactsMemo::default()).unwrap();
        let configuration = config::read_all(&linked.configurations).0.unwrap_or_default();
        let workspace = assemble(&tree, linked.clone(), &configuration).unwrap();
        let wanted = workspace.task_indices().collect();
        let found = fingerprints(&workspace, &tree, &Environment::new(), &wanted, &OwnDigests::default()).unwrap();
        assert_eq!(found.tasks.len(), wanted.len(), "a task has no fingerprint");
        let prints = found.tasks.into_iter().map(|(task, print)| (workspace.task_id(task), print)).collect();
        Self { tree, linked, workspace, prints }
    }

    /// The workspace of the tree.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// Holds what was understood against what must be true of any tree.
    pub fn check(&self) {
        self.check_places();
        self.check_tells();
        // Understanding everything again halves the speed, so it is done for some trees and not for others.
        if self.tree.root().0.as_bytes()[0] < 64 {
            self.check_again();
        }
    }

    fn check_again(&self) {
        let again = Self::new(self.tree.clone());
        assert_eq!(format!("{:?}", self.linked.links), format!("{:?}", again.linked.links), "links");
        assert_eq!(self.prints, again.prints, "fingerprints");
        assert_eq!(self.workspace.edges(), again.workspace.edges(), "edges");
        assert_eq!(self.workspace.diagnostics(), again.workspace.diagnostics(), "findings");
    }

    fn side(&self) -> Side<'_> {
        Side { tree: &self.tree, workspace: &self.workspace }
    }

    /// Nothing that is claimed lies outside the repository.
    fn check_places(&self) {
        for (_, links) in &self.linked.links {
            let projects = links.projects.iter().map(|claim| &claim.folder);
            let edges = links.edges.iter().flat_map(|claim| match &claim.to {
                EdgeTarget::Project(to) | EdgeTarget::Path(to) => [&claim.from, to],
            });
            let tasks = links.tasks.iter().map(|claim| &claim.folder);
            let layouts = links.layouts.iter().flat_map(|claim| [&claim.project, &claim.source]);
            let dangling = links.dangling.iter().flat_map(|claim| claim.wanted.iter().chain([&claim.from]));
            let all = projects.chain(edges).chain(tasks).chain(layouts).chain(dangling);
            all.for_each(inside);
            links.tasks.iter().flat_map(|claim| &claim.inputs).for_each(|input| selected_inside(&input.selection));
        }
        for task in self.workspace.tasks() {
            task.inputs.iter().for_each(|input| selected_inside(&input.selection));
        }
    }

    /// A manifest that cannot be read is told with its place.
    fn check_tells(&self) {
        for unreadable in &self.linked.unreadable {
            let told = self
                .workspace
                .diagnostics()
                .iter()
                .any(|finding| finding.place.as_ref().is_some_and(|place| place.file == unreadable.path));
            assert!(told, "{unreadable:?} is not told");
        }
    }

    /// The quick answer is that of fingerprinting everything twice.
    pub fn check_against(&self, base: &Known) {
        let changes = changes(&base.tree, &self.tree).unwrap();
        let answer = affect(base.side(), self.side(), &changes, &Terms::default()).unwrap();
        assert_eq!(answer.differences(&self.workspace, &base.prints, &self.prints), [], "{changes:#?}");
        if base.tree.root() == self.tree.root() {
            assert!(answer.is_empty(), "a tree against itself");
        }
    }
}

fn selected_inside(selection: &Selection) {
    inside(&selection.base);
    selection.filters.iter().for_each(|filter| inside(&filter.root));
}

/// Asserts that a path is one that git could store: whatever a manifest writes, it was resolved.
pub fn inside(path: &RepoPath) {
    assert_eq!(RepoPath::from_git(path.as_bytes()).as_ref(), Ok(path));
}

/// Runs all parallel work on the calling thread, so that a run is repeatable and libFuzzer sees what it covers.
fn single_thread() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread();
        pool.build_global().unwrap();
    });
}
