//! The tasks of a Python project.

use std::collections::BTreeSet;

use super::inherited::{found, inherited_by_all, inherited_by_tests};
use super::pyproject::Manager;
use super::slices::Reader;
use crate::diagnostic::Evidence;
use crate::discover::{Command, EdgeKind, Input, Links, Reading, TaskClaim};
use crate::path::RepoPath;
use crate::selection::Selection;

/// Claims the tasks of a project. The places are files and folders outside that it reads, and whether tests alone do.
pub(super) fn claim_tasks(reader: &Reader<'_>, places: &BTreeSet<(RepoPath, EdgeKind, Evidence)>, links: &mut Links) {
    let &Reader { landscape, projects, project, has_tests, .. } = reader;
    let folder = &project.folder;
    let workspace = projects.workspace_of(folder);
    let sliced = reader.slices();
    let manager = project.manager(landscape).or_else(|| workspace.map(|_| Manager::Uv));
    let mut shared: Vec<Input> = sliced.whole.iter().map(found).collect();
    shared.extend(inherited_by_all(landscape, folder));
    let read_by = |kind: EdgeKind| {
        places
            .iter()
            .filter(move |place| place.1 == kind)
            .map(|(path, _, evidence)| Input { selection: Selection::all(path), evidence: evidence.clone() })
    };
    shared.extend(read_by(EdgeKind::Build));
    let inputs = |more: Vec<Input>| {
        let own = Input { selection: Selection::owned(folder).slicing(&sliced.files), evidence: project.evidence() };
        let mut seen = BTreeSet::new();
        let all = std::iter::once(own).chain(shared.iter().cloned()).chain(more);
        all.filter(|input| seen.insert(input.selection.base.clone())).collect::<Vec<_>>()
    };
    let (tool, build, test) = match manager {
        Some(Manager::Uv) => ("uv", "uv build", "uv run pytest"),
        Some(Manager::Poetry) => ("poetry", "poetry build", "poetry run pytest"),
        Some(Manager::Pdm) => ("pdm", "pdm build", "pdm run pytest"),
        Some(Manager::Pipenv) => ("pipenv", "pipenv run python -m build", "pipenv run python -m pytest"),
        None => ("python", "python -m build", "python -m pytest"),
    };
    let command = |line: &str| Some(Command { line: line.to_owned(), folder: folder.clone() });
    let claim = |name: &str, inputs, slices, reads, command| TaskClaim {
        folder: folder.clone(),
        name: name.to_owned(),
        inputs,
        slices,
        reads,
        command,
        tool: tool.to_owned(),
        builds_upstream: false,
    };
    let upstream = |kinds: &[EdgeKind]| Reading::Along(kinds.to_vec(), "build".to_owned());
    let builds = match project.pyproject() {
        // uv and pdm make a package only of what names a build system.
        Some(read) if matches!(manager, Some(Manager::Uv | Manager::Pdm)) => read.is_package && read.has_build_system,
        Some(read) if read.is_project => read.is_package,
        _ => project.is_package(),
    };
    let build_command = if builds { command(build) } else { None };
    links.tasks.push(claim(
        "build",
        inputs(Vec::new()),
        sliced.build.clone(),
        vec![upstream(&[EdgeKind::Build, EdgeKind::Schema])],
        build_command,
    ));
    if has_tests {
        let inherited = inherited_by_tests(landscape, project);
        let more = inherited.inputs.into_iter().chain(read_by(EdgeKind::Test)).collect();
        let slices = sliced.test.iter().cloned().chain(inherited.slice).collect();
        let kinds = [EdgeKind::Build, EdgeKind::Schema, EdgeKind::Test];
        let reads = vec![Reading::Own("build".to_owned()), upstream(&kinds)];
        links.tasks.push(claim("test", inputs(more), slices, reads, command(test)));
    }
}
