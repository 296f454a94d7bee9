//! The tasks of a Python project.

use std::collections::BTreeSet;

use super::inherited::{found, inherited_by_all, inherited_by_tests};
use super::pyproject::Manager;
use super::services::Service;
use super::slices::{Reader, Slices};
use crate::diagnostic::Evidence;
use crate::discover::{Command, EdgeKind, Input, Links, Reading, SliceClaim, TaskClaim};
use crate::path::RepoPath;
use crate::selection::Selection;

/// What the tasks of a project read besides its own files, and its services with it.
pub(super) struct Surrounding {
    pub(super) sliced: Slices,
    shared: Vec<Input>,
    /// What tests alone read.
    of_tests: Vec<Input>,
    tool: Tool,
}

/// The tool of a project and its commands.
struct Tool {
    name: &'static str,
    build: &'static str,
    test: &'static str,
}

/// What a project reads. The places are files and folders outside, and whether tests alone read them.
pub(super) fn surrounding_of(reader: &Reader<'_>, places: &BTreeSet<(RepoPath, EdgeKind, Evidence)>) -> Surrounding {
    let &Reader { landscape, projects, project, .. } = reader;
    let sliced = reader.slices();
    let mut shared: Vec<Input> = sliced.whole.iter().map(found).collect();
    shared.extend(inherited_by_all(landscape, &project.folder));
    let read_by = |kind: EdgeKind| {
        places
            .iter()
            .filter(move |place| place.1 == kind)
            .map(|(path, _, evidence)| Input { selection: Selection::all(path), evidence: evidence.clone() })
    };
    shared.extend(read_by(EdgeKind::Build));
    let workspace = projects.workspace_of(&project.folder);
    let (name, build, test) = match project.manager(landscape).or_else(|| workspace.map(|_| Manager::Uv)) {
        Some(Manager::Uv) => ("uv", "uv build", "uv run pytest"),
        Some(Manager::Poetry) => ("poetry", "poetry build", "poetry run pytest"),
        Some(Manager::Pdm) => ("pdm", "pdm build", "pdm run pytest"),
        Some(Manager::Pipenv) => ("pipenv", "pipenv run python -m build", "pipenv run python -m pytest"),
        None => ("python", "python -m build", "python -m pytest"),
    };
    Surrounding { sliced, shared, of_tests: read_by(EdgeKind::Test).collect(), tool: Tool { name, build, test } }
}

/// Claims the tasks of a project.
pub(super) fn claim_tasks(reader: &Reader<'_>, surrounding: &Surrounding, services: &[Service], links: &mut Links) {
    let &Reader { landscape, project, has_tests, .. } = reader;
    let Surrounding { sliced, shared, of_tests, tool } = surrounding;
    let folder = &project.folder;
    let inputs = |more: Vec<Input>| {
        let own = Input { selection: Selection::owned(folder).slicing(&sliced.files), evidence: project.evidence() };
        let mut seen = BTreeSet::new();
        let all = std::iter::once(own).chain(shared.iter().cloned()).chain(more);
        all.filter(|input| seen.insert(input.selection.base.clone())).collect::<Vec<_>>()
    };
    // Its tests are about its services too, and what they are built of is its own; an image's folder is not, at the root.
    let of_services = |counts: &dyn Fn(&Service) -> bool| {
        let counted = services.iter().filter(|service| counts(service));
        let selections = counted.map(|service| Selection::all(&service.folder).slicing(&sliced.files));
        selections.map(|selection| Input { selection, evidence: project.evidence() }).collect::<Vec<_>>()
    };
    let command = |line: &str| Some(Command { line: line.to_owned(), folder: folder.clone() });
    let builds = match project.pyproject() {
        // uv and pdm make a package only of what names a build system.
        Some(read) if matches!(tool.name, "uv" | "pdm") => read.is_package && read.has_build_system,
        Some(read) if read.is_project => read.is_package,
        _ => project.is_package(),
    };
    let build_command = if builds { command(tool.build) } else { None };
    let read = inputs(of_services(&|service| !(service.has_image && folder.is_root())));
    links.tasks.push(build(folder, tool, read, sliced.build.clone(), build_command));
    if has_tests {
        let inherited = inherited_by_tests(landscape, project);
        let more = inherited.inputs.into_iter().chain(of_tests.iter().cloned());
        let more = more.chain(of_services(&|_| true)).collect();
        let slices = sliced.test.iter().cloned().chain(inherited.slice).collect();
        links.tasks.push(test(folder, tool, inputs(more), slices, command(tool.test)));
    }
}

/// Claims the tasks of a service: what its builds read, and what its tests read if it has any.
pub(super) fn claim_service_tasks(
    folder: &RepoPath,
    surrounding: &Surrounding,
    built: Vec<Input>,
    tested: Option<(Vec<Input>, Option<SliceClaim>)>,
    links: &mut Links,
) {
    let Surrounding { sliced, shared, of_tests, tool } = surrounding;
    let with =
        |inputs: Vec<Input>, more: &[Input]| inputs.into_iter().chain(shared.iter().chain(more).cloned()).collect();
    links.tasks.push(build(folder, tool, with(built, &[]), sliced.build.clone(), None));
    if let Some((inputs, settings)) = tested {
        let slices = sliced.test.iter().cloned().chain(settings).collect();
        let command = Command { line: tool.test.to_owned(), folder: folder.clone() };
        links.tasks.push(test(folder, tool, with(inputs, of_tests), slices, Some(command)));
    }
}

fn build(
    folder: &RepoPath,
    tool: &Tool,
    inputs: Vec<Input>,
    slices: Vec<SliceClaim>,
    command: Option<Command>,
) -> TaskClaim {
    let reads = vec![upstream(&[EdgeKind::Build, EdgeKind::Schema])];
    TaskClaim {
        folder: folder.clone(),
        name: "build".to_owned(),
        inputs,
        slices,
        reads,
        command,
        tool: tool.name.to_owned(),
        builds_upstream: false,
        outputs: None,
    }
}

fn test(
    folder: &RepoPath,
    tool: &Tool,
    inputs: Vec<Input>,
    slices: Vec<SliceClaim>,
    command: Option<Command>,
) -> TaskClaim {
    let kinds = [EdgeKind::Build, EdgeKind::Schema, EdgeKind::Test];
    let reads = vec![Reading::Own("build".to_owned()), upstream(&kinds)];
    TaskClaim {
        name: "test".to_owned(),
        reads,
        outputs: Some(Vec::new()),
        ..build(folder, tool, inputs, slices, command)
    }
}

fn upstream(kinds: &[EdgeKind]) -> Reading {
    Reading::Along(kinds.to_vec(), "build".to_owned())
}
