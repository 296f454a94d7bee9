//! Helm: charts, the charts they are packaged with, and the services whose images they deploy.
//!
//! Templates are not read. What a chart says about images stands in its values.

mod chart;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use self::chart::{Chart, Dependency, Lock, read_chart, read_dependencies};
use self::values::read_images;
use super::syntax::{Stated, Unreadable, read_yaml};
use super::{
    Admission, Command, DanglingClaim, Ecosystem, EdgeClaim, EdgeKind, EdgeTarget, Ground, Input, JoinClaim, JoinWish,
    Landscape, Links, Manifest, ProjectClaim, Reading, Role, SliceClaim, TaskClaim,
};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::path::{PathError, RepoPath};
use crate::selection::Selection;

/// Helm charts.
pub(super) struct Helm;

/// The lock files of a chart of either API version.
const LOCKS: [&str; 2] = ["Chart.lock", "requirements.lock"];

/// What one file of a chart says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Facts {
    /// `Chart.yaml`.
    Chart(Chart),
    /// `requirements.yaml`, the dependencies of a chart of the first API version.
    Requirements(Vec<Stated<Dependency>>),
    /// `Chart.lock` or `requirements.lock`.
    Lock(Lock),
    /// The image repositories that a values file names, by their last segment.
    Values(Vec<Stated<String>>),
    /// A template of something else that only shares a name with a file of a chart.
    Template,
}

impl Ecosystem for Helm {
    type Facts = Facts;

    const NAME: &'static str = "helm";

    fn recognises(name: &[u8]) -> bool {
        matches!(name, b"Chart.yaml" | b"Chart.lock" | b"requirements.yaml" | b"requirements.lock") || is_values(name)
    }

    fn read(name: &[u8], bytes: &[u8]) -> Result<Facts, Unreadable> {
        let documents = match read_yaml(bytes) {
            Ok(documents) => documents,
            // Only a chart's own files have to be YAML, and where a file lies is not known here.
            Err(_) if name != b"Chart.yaml" && holds_template(bytes) => return Ok(Facts::Template),
            Err(unreadable) => return Err(unreadable),
        };
        let lines = super::syntax::Lines::new(super::syntax::text_of(bytes)?);
        match name {
            b"Chart.yaml" => {
                let document = documents.first().filter(|document| document.is_table());
                let document = document.ok_or_else(|| Unreadable::at(1, "a chart is a table"))?;
                Ok(Facts::Chart(read_chart(document, &lines)))
            }
            b"requirements.yaml" => Ok(Facts::Requirements(read_dependencies(documents.first(), &lines))),
            b"Chart.lock" | b"requirements.lock" => Ok(Facts::Lock(Lock::read(&documents, &lines))),
            _ => Ok(Facts::Values(read_images(&documents, &lines))),
        }
    }

    fn link(landscape: &Landscape<'_, Facts>, links: &mut Links) {
        let charts = Charts::of(landscape);
        for (folder, manifest) in &charts.manifests {
            link_chart(landscape, &charts, folder, manifest, links);
        }
        for manifest in landscape.manifests() {
            link_values(manifest, &charts, links);
        }
    }
}

/// The charts of a tree by their folder.
struct Charts<'a> {
    manifests: BTreeMap<RepoPath, &'a Manifest<'a, Facts>>,
    /// Charts inside another chart: its parts.
    vendored: BTreeSet<RepoPath>,
}

impl<'a> Charts<'a> {
    fn of(landscape: &'a Landscape<'a, Facts>) -> Self {
        let manifests: BTreeMap<RepoPath, &Manifest<'_, Facts>> = landscape
            .manifests()
            .iter()
            .filter(|manifest| manifest.path.name() == Some(b"Chart.yaml"))
            .map(|manifest| (manifest.folder(), manifest))
            .collect();
        let inside_another =
            |folder: &&RepoPath| folder.ancestors().skip(1).any(|above| manifests.contains_key(&above));
        let vendored = manifests.keys().filter(inside_another).cloned().collect();
        Self { manifests, vendored }
    }

    /// Whether a chart that is not part of another one lies in the folder.
    fn stands_at(&self, folder: &RepoPath) -> bool {
        self.manifests.contains_key(folder) && !self.vendored.contains(folder)
    }
}

/// `values.yaml`, `values.production.yaml`, `values-production.yaml`.
fn is_values(name: &[u8]) -> bool {
    let Some(stem) = name.strip_suffix(b".yaml").or_else(|| name.strip_suffix(b".yml")) else { return false };
    match stem.strip_prefix(b"values") {
        Some(rest) => rest.is_empty() || matches!(rest.first(), Some(b'.' | b'-')),
        None => false,
    }
}

fn holds_template(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| pair == b"{{")
}

fn link_chart(
    landscape: &Landscape<'_, Facts>,
    charts: &Charts<'_>,
    folder: &RepoPath,
    manifest: &Manifest<'_, Facts>,
    links: &mut Links,
) {
    let chart = match manifest.facts {
        Ok(Facts::Chart(chart)) => Some(chart),
        _ => None,
    };
    let vendored = charts.vendored.contains(folder);
    let name = chart.and_then(|chart| chart.name.as_ref());
    let evidence = match (name, manifest.facts) {
        (Some(name), _) => name.evidence(manifest.path),
        (None, Err(unreadable)) => Evidence::new(manifest.path, unreadable.line, ""),
        (None, Ok(_)) => Evidence::new(manifest.path, 0, ""),
    };
    links.projects.push(ProjectClaim {
        folder: folder.clone(),
        role: Role::Chart,
        aliases: name.map(|name| name.value.clone()).into_iter().collect(),
        admission: if vendored { Admission::Stray } else { Admission::Admitted },
        ground: ground_of(landscape, folder),
        evidence: evidence.clone(),
    });

    let requirements_path = folder.child(b"requirements.yaml");
    let requirements = match landscape.facts(&requirements_path) {
        Some(Facts::Requirements(dependencies)) => dependencies.as_slice(),
        _ => &[],
    };
    let stated: Vec<(&RepoPath, &Stated<Dependency>)> = chart
        .map_or(&[][..], |chart| &chart.dependencies)
        .iter()
        .map(|dependency| (manifest.path, dependency))
        .chain(requirements.iter().map(|dependency| (&requirements_path, dependency)))
        .collect();

    // A chart inside another one is read by that one as it lies there.
    let slices = if vendored { Vec::new() } else { lock_slices(landscape, folder, links) };
    let selection = Selection::owned(folder).slicing(slices.iter().map(|slice| &slice.file));
    let mut inputs = vec![Input { selection, evidence: evidence.clone() }];
    for (file, dependency) in &stated {
        inputs.extend(link_dependency(landscape, charts, folder, file, dependency, links));
    }
    check_lock(landscape, folder, &stated, links);

    let fetches = stated.iter().any(|(_, dependency)| !dependency.value.repository.is_empty());
    links.tasks.push(TaskClaim {
        folder: folder.clone(),
        name: "chart".to_owned(),
        inputs,
        slices,
        reads: vec![Reading::Along(vec![EdgeKind::Build], "chart".to_owned())],
        command: Some(package_command(folder, fetches)),
        tool: "helm".to_owned(),
        builds_upstream: true,
        outputs: None,
    });

    // A library chart deploys nothing, and a vendored one deploys what its parent says.
    if let (Some(chart), Some(name), false) = (chart, name, vendored)
        && !chart.library
    {
        let wish = JoinWish::Name(name.value.clone());
        links.joins.push(JoinClaim { folder: folder.clone(), wish, evidence });
    }
}

/// A chart at the root takes no more than what Helm packages: the rest of the repository is not the chart's.
fn ground_of(landscape: &Landscape<'_, Facts>, folder: &RepoPath) -> Ground {
    if !folder.is_root() {
        return Ground::Own;
    }
    let mut globs: Vec<String> = [
        ".helmignore",
        "Chart.lock",
        "Chart.yaml",
        "charts/**",
        "crds/**",
        "requirements.lock",
        "requirements.yaml",
        "templates/**",
        "values.schema.json",
    ]
    .map(str::to_owned)
    .to_vec();
    for entry in landscape.entries(folder).iter().filter(|entry| is_values(&entry.name)) {
        if let Ok(name) = std::str::from_utf8(&entry.name) {
            globs.push(crate::selection::escape_glob(name));
        }
    }
    Ground::Shared(globs)
}

/// Claims the edge that a `file://` dependency is; gives what else the chart reads by it.
fn link_dependency(
    landscape: &Landscape<'_, Facts>,
    charts: &Charts<'_>,
    folder: &RepoPath,
    file: &RepoPath,
    dependency: &Stated<Dependency>,
    links: &mut Links,
) -> Option<Input> {
    let written = dependency.value.repository.strip_prefix("file://")?;
    let evidence = dependency.evidence(file);
    let target = match folder.resolve(written.as_bytes()) {
        Ok(target) => target,
        Err(PathError::Escapes | PathError::Absolute) => {
            let message = format!("dependency `{}` lies outside the repository", dependency.value.name);
            let mend =
                "changes there are not seen: move the chart into the repository, or take it from a chart repository";
            links.diagnostics.push(Diagnostic::warning("outside-repository", message).at(&evidence).help(mend));
            return None;
        }
        Err(PathError::Segment) => return None,
    };
    if target == *folder {
        return None;
    }
    let mut input = None;
    let to = if charts.stands_at(&target) {
        EdgeTarget::Project(target)
    } else if landscape.exists(&target) {
        input = Some(Input { selection: Selection::all(&target), evidence: evidence.clone() });
        EdgeTarget::Path(target)
    } else {
        links.dangling.push(DanglingClaim {
            from: folder.clone(),
            name: target.name().unwrap_or_default().to_vec(),
            wanted: Some(target),
            kind: EdgeKind::Build,
            evidence,
        });
        return None;
    };
    links.edges.push(EdgeClaim { from: folder.clone(), to, kind: EdgeKind::Build, evidence });
    input
}

/// What the lock files of a chart say, without when they were written.
fn lock_slices(landscape: &Landscape<'_, Facts>, folder: &RepoPath, links: &mut Links) -> Vec<SliceClaim> {
    let mut slices = Vec::new();
    for name in LOCKS {
        let file = folder.child(name.as_bytes());
        let Some(Facts::Lock(lock)) = landscape.facts(&file) else { continue };
        let Some(fragment) = lock.all else { continue };
        let evidence = Evidence::new(&file, 0, "");
        links.fragments.push((file.clone(), lock.fragments.clone()));
        slices.push(SliceClaim { file, fragment, evidence });
    }
    slices
}

/// Says where the lock file and the stated dependencies differ.
fn check_lock(
    landscape: &Landscape<'_, Facts>,
    folder: &RepoPath,
    stated: &[(&RepoPath, &Stated<Dependency>)],
    links: &mut Links,
) {
    for (file_name, lock_name) in ["Chart.yaml", "requirements.yaml"].into_iter().zip(LOCKS) {
        let lock_path = folder.child(lock_name.as_bytes());
        let Some(Facts::Lock(lock)) = landscape.facts(&lock_path) else { continue };
        let locked = &lock.dependencies;
        let file = folder.child(file_name.as_bytes());
        let stated: Vec<_> = stated.iter().filter(|(from, _)| **from == file).map(|(_, stated)| *stated).collect();
        let mut by_name: BTreeMap<&str, Vec<&Stated<Dependency>>> = BTreeMap::new();
        for entry in locked {
            by_name.entry(&entry.value.name).or_default().push(entry);
        }
        let named: BTreeSet<&str> = stated.iter().map(|dependency| dependency.value.name.as_str()).collect();
        let mut warn = |message: String, evidence: &Evidence| {
            let mend = format!("run `helm dependency update` and commit {lock_name}");
            links.diagnostics.push(Diagnostic::warning("chart-lock-out-of-step", message).at(evidence).help(mend));
        };
        for dependency in &stated {
            let (name, wanted) = (&dependency.value.name, &dependency.value.version);
            let same = by_name.get(name.as_str()).map_or(&[][..], Vec::as_slice);
            let evidence = dependency.evidence(&file);
            match same.first() {
                None => warn(format!("dependency `{name}` is not in {lock_name}"), &evidence),
                Some(entry) if !same.iter().any(|entry| chart::may_satisfy(&entry.value.version, wanted)) => {
                    let (found, line) = (&entry.value.version, entry.line);
                    let message = format!("dependency `{name}` wants {wanted}, and {lock_name}:{line} has {found}");
                    warn(message, &evidence);
                }
                Some(_) => {}
            }
        }
        for entry in locked {
            if !named.contains(entry.value.name.as_str()) {
                let message = format!("`{}` is locked, and {file_name} does not name it", entry.value.name);
                warn(message, &entry.evidence(&lock_path));
            }
        }
    }
}

fn package_command(folder: &RepoPath, fetches: bool) -> Command {
    // A name that is no text cannot stand on a command line, so the command runs in the folder instead.
    let (place, runs_in) = match std::str::from_utf8(folder.as_bytes()) {
        Ok(text) if !text.is_empty() => (shell_word(text), RepoPath::root()),
        _ => (".".to_owned(), folder.clone()),
    };
    let package = format!("helm package {place}");
    let line = if fetches { format!("helm dependency build {place} && {package}") } else { package };
    Command { line, folder: runs_in }
}

/// A path as one word of a POSIX shell that no program takes for an option.
fn shell_word(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | '@');
    let path = if path.starts_with('-') { format!("./{path}") } else { path.to_owned() };
    if path.chars().all(plain) { path } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

/// Values beside a chart, or in a folder below it, say which images it deploys.
fn link_values(manifest: &Manifest<'_, Facts>, charts: &Charts<'_>, links: &mut Links) {
    let folder = manifest.folder();
    let chart = folder.ancestors().find(|above| charts.manifests.contains_key(above));
    let Some(chart) = chart.filter(|chart| charts.stands_at(chart)) else { return };
    match manifest.facts {
        Ok(Facts::Values(images)) => {
            for image in images {
                let wish = JoinWish::Image(image.value.clone());
                let evidence = image.evidence(manifest.path);
                links.joins.push(JoinClaim { folder: chart.clone(), wish, evidence });
            }
        }
        Ok(Facts::Template) if folder == chart => {
            let message = "it holds template syntax and is not YAML, so the images it names are not known";
            let mend = "Helm renders templates/ alone: write plain YAML here";
            let evidence = Evidence::new(manifest.path, 0, "");
            links.diagnostics.push(Diagnostic::warning("templated-values", message).at(&evidence).help(mend));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
