//! What a project reads besides its folder because its tools look for it above.

use super::Facts;
use super::projects::Project;
use crate::diagnostic::Evidence;
use crate::discover::{Input, Landscape, SliceClaim};
use crate::path::RepoPath;
use crate::selection::Selection;

const LOCK_FILES: [&str; 5] = ["Pipfile.lock", "pdm.lock", "poetry.lock", "pylock.toml", "uv.lock"];

/// Lockfiles in a folder and above it, the nearest first.
pub(super) fn lockfiles_of(landscape: &Landscape<'_, Facts>, folder: &RepoPath) -> Vec<RepoPath> {
    let mut files = landscape.all_above(folder, &LOCK_FILES);
    for above in folder.ancestors() {
        let entries = landscape.entries(&above);
        let named = entries.iter().filter(|entry| entry.name.starts_with(b"pylock.") && entry.name.ends_with(b".toml"));
        files.extend(named.filter(|entry| &*entry.name != b"pylock.toml").map(|entry| above.child(&entry.name)));
    }
    files
}

/// The version of Python and constraints that hold for a folder.
pub(super) fn inherited_by_all(landscape: &Landscape<'_, Facts>, folder: &RepoPath) -> Vec<Input> {
    let mut files: Vec<RepoPath> = landscape.nearest(folder, &[".python-version"]).into_iter().collect();
    if let Some(parent) = folder.parent() {
        files.extend(landscape.nearest(&parent, &["constraints.txt"]));
        files.extend(landscape.nearest(&parent, &["uv.toml"]));
    }
    files.iter().map(found).collect()
}

/// What the tests of a project take from above.
#[derive(Default)]
pub(super) struct ForTests {
    pub(super) inputs: Vec<Input>,
    /// The settings of pytest in a `pyproject.toml`.
    pub(super) slice: Option<SliceClaim>,
}

/// The settings of pytest above a folder, and every `conftest.py` on the way there. pytest looks no further than the
/// nearest settings.
pub(super) fn inherited_by_tests(landscape: &Landscape<'_, Facts>, project: &Project<'_>) -> ForTests {
    if settings_of_pytest(landscape, &project.folder).is_some() {
        return ForTests::default();
    }
    let above: Vec<RepoPath> = project.folder.ancestors().skip(1).collect();
    let Some((at, settings)) =
        above.iter().enumerate().find_map(|(at, folder)| Some((at, settings_of_pytest(landscape, folder)?)))
    else {
        return ForTests::default();
    };
    let fixtures =
        above[..=at].iter().map(|folder| folder.child(b"conftest.py")).filter(|file| landscape.is_file(file));
    let mut for_tests = ForTests { inputs: fixtures.map(|file| found(&file)).collect(), slice: None };
    let table = match landscape.facts(&settings) {
        Some(Facts::Pyproject(read)) => read.tables.pytest,
        _ => None,
    };
    match table {
        Some(fragment) => {
            let evidence = Evidence::new(&settings, 0, "");
            for_tests.slice = Some(SliceClaim { file: settings, fragment, evidence });
        }
        None => for_tests.inputs.insert(0, found(&settings)),
    }
    for_tests
}

fn settings_of_pytest(landscape: &Landscape<'_, Facts>, folder: &RepoPath) -> Option<RepoPath> {
    let holds = |file: &RepoPath| match landscape.facts(file) {
        Some(Facts::Pyproject(read)) => read.tables.pytest.is_some(),
        Some(Facts::Setup(read)) => read.pytest,
        // What is not read here may hold them.
        _ => landscape.is_file(file),
    };
    ["pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg"]
        .iter()
        .map(|name| folder.child(name.as_bytes()))
        .find(holds)
}

/// Whether there is a sign of tests in the two topmost levels of a folder.
pub(super) fn has_tests(
    landscape: &Landscape<'_, Facts>,
    project: &Project<'_>,
    is_project: &dyn Fn(&RepoPath) -> bool,
) -> bool {
    let stated = project.manifests.iter().any(|manifest| match manifest.facts {
        Ok(Facts::Pyproject(read)) => read.tables.pytest.is_some(),
        Ok(Facts::Setup(read)) => read.pytest,
        _ => false,
    });
    let is_test = |name: &[u8]| {
        let file = name.ends_with(b".py") && (name.starts_with(b"test_") || name.ends_with(b"_test.py"));
        file || matches!(name, b"conftest.py" | b"pytest.ini" | b".pytest.ini" | b"pytest.toml")
    };
    let entries = landscape.entries(&project.folder);
    stated
        || entries.iter().any(|entry| {
            let folder = project.folder.child(&entry.name);
            if !landscape.is_folder(&folder) {
                return is_test(&entry.name);
            }
            let named = matches!(&*entry.name, b"tests" | b"test");
            !is_project(&folder) && (named || landscape.entries(&folder).iter().any(|below| is_test(&below.name)))
        })
}

pub(super) fn found(file: &RepoPath) -> Input {
    Input { selection: Selection::all(file), evidence: Evidence::new(file, 0, "") }
}
