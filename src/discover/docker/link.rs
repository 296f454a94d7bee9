//! Joins Dockerfiles, ignore files and compose files into projects, tasks and edges.

use std::collections::{BTreeMap, BTreeSet};

use super::builds::{NamedContext, ServiceKey, builds_of};
use super::dockerfile::Dockerfile;
use super::reads::{ignore_file_of, reads_of};
use super::recipes::recipes_of;
use super::source::holds;
use super::stages::{Argument, Resolved, resolve, stage_named};
use super::variables::Expanded;
use super::{Facts, Kind, command, deployment, kind_of};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::discover::{
    Admission, Doubtful, EdgeClaim, EdgeKind, EdgeTarget, Ground, Landscape, LayoutClaim, Links, ProjectClaim, Role,
    TaskClaim,
};
use crate::path::RepoPath;

/// One way to build one Dockerfile.
#[derive(Debug)]
pub struct Recipe<'a> {
    /// The project whose image it is.
    pub owner: RepoPath,
    /// The Dockerfile.
    pub dockerfile: RepoPath,
    /// What it says; none if that cannot be known.
    pub facts: Option<&'a Dockerfile>,
    /// The context.
    pub context: RepoPath,
    /// Sources that do not exist from the context, and do from elsewhere.
    pub missing: Vec<String>,
    /// Build arguments.
    pub arguments: Vec<Argument>,
    /// Named contexts.
    pub contexts: Vec<(String, NamedContext, Evidence)>,
    /// The stages that somebody names.
    pub targets: BTreeSet<String>,
    /// What names the context; none if it was worked out.
    pub evidence: Option<Evidence>,
    /// The task that builds the last stage.
    pub task: String,
    /// What tells the Dockerfile from others of the project.
    pub variant: String,
    /// What its images are called.
    pub tag: String,
    /// Who builds it: service, name of the image, stage.
    pub builds: Vec<(ServiceKey, Option<Expanded>, Option<String>)>,
}

/// The images that this repository builds.
#[derive(Debug, Default)]
pub struct Catalogue {
    /// By name, as compose calls them.
    pub names: BTreeSet<(String, (RepoPath, String))>,
    /// By service.
    pub services: BTreeMap<ServiceKey, (RepoPath, String)>,
    /// The folders of projects with a plain Dockerfile.
    pub folders: BTreeSet<RepoPath>,
}

/// Files that make a folder a project of its own, whatever its language.
const MANIFESTS: [&str; 19] = [
    "package.json",
    "go.mod",
    "pom.xml",
    "pyproject.toml",
    "setup.py",
    "Pipfile",
    "Cargo.toml",
    "build.gradle",
    "build.gradle.kts",
    "composer.json",
    "Gemfile",
    "mix.exs",
    "CMakeLists.txt",
    "Package.swift",
    "deno.json",
    "deno.jsonc",
    "pubspec.yaml",
    "build.sbt",
    "Makefile.PL",
];

/// Links everything.
pub fn link(landscape: &Landscape<'_, Facts>, links: &mut Links) {
    let mut diagnostics = BTreeSet::new();
    let composed = builds_of(landscape, &mut diagnostics);
    let mut recipes = recipes_of(landscape, &composed.builds, &mut diagnostics);
    name_tasks(&mut recipes);
    let catalogue = catalogue_of(&recipes);
    claim_projects(landscape, &recipes, links);
    let mut stated = Stated::default();
    for recipe in &recipes {
        claim_tasks(landscape, recipe, &catalogue, links, &mut stated);
    }
    deployment::claim(landscape, &catalogue, links);
    diagnostics.append(&mut stated.diagnostics);
    for (from, to, evidence) in &composed.depends {
        let (Some((from, _)), Some((to, _))) = (catalogue.service(from), catalogue.service(to)) else { continue };
        if from != to {
            links.edges.push(EdgeClaim {
                from: from.clone(),
                to: EdgeTarget::Project(to.clone()),
                kind: EdgeKind::Deploy,
                evidence: evidence.clone(),
            });
        }
    }
    ignore_files_without_effect(landscape, &recipes, &mut diagnostics);
    let tells_of_builds = |facts: &Facts| matches!(facts, Facts::Compose(_));
    let understood = landscape.manifests().iter().filter(|manifest| manifest.facts.is_ok_and(tells_of_builds));
    links.understood.extend(understood.map(|manifest| manifest.path.clone()));
    for finding in diagnostics {
        match doubtful(&finding) {
            Some(about) => links.doubt(about, finding),
            None => links.diagnostics.push(finding),
        }
    }
}

/// What a finding leaves unknown: an image whose base or sources are not known, or, where a compose file does not say
/// what is built, any image below it. A finding that widened the inputs instead leaves nothing unknown.
fn doubtful(finding: &Diagnostic) -> Option<Doubtful> {
    let folder = finding.place.as_ref()?.file.parent()?;
    match finding.code.as_str() {
        "docker-base-computed" | "docker-context-unknown" => Some(Doubtful::Project(folder)),
        "compose-variable-unknown" | "compose-file-unread" | "compose-extends-deep" => Some(Doubtful::Below(folder)),
        _ => None,
    }
}

/// An image in a folder without a manifest takes no files from the project around it: that one goes on reading them.
fn admission_of(landscape: &Landscape<'_, Facts>, folder: &RepoPath) -> Admission {
    let is_nested = || folder.ancestors().skip(1).any(|above| !above.is_root() && is_project(landscape, &above));
    if is_project(landscape, folder) || !is_nested() { Admission::Admitted } else { Admission::Stray }
}

pub(super) fn is_project(landscape: &Landscape<'_, Facts>, folder: &RepoPath) -> bool {
    holds(landscape, folder, |name, _| {
        let Ok(name) = std::str::from_utf8(name) else { return false };
        MANIFESTS.contains(&name)
            || [".csproj", ".fsproj", ".vbproj"].iter().any(|end| name.ends_with(end))
            || name.starts_with("requirements") && name.ends_with(".txt")
    })
}

/// `image`, with what tells a Dockerfile from the others of its project.
fn name_tasks(recipes: &mut [Recipe<'_>]) {
    let mut dockerfiles: BTreeMap<(RepoPath, String), BTreeSet<RepoPath>> = BTreeMap::new();
    for recipe in recipes.iter() {
        let key = (recipe.owner.clone(), recipe.variant.clone());
        dockerfiles.entry(key).or_default().insert(recipe.dockerfile.clone());
    }
    let tags = command::Tags::new(recipes.iter().map(|recipe| &recipe.owner));
    for recipe in recipes {
        let key = (recipe.owner.clone(), recipe.variant.clone());
        let folder = recipe.dockerfile.parent().unwrap_or_else(RepoPath::root);
        let is_shared = dockerfiles.get(&key).is_some_and(|dockerfiles| dockerfiles.len() > 1);
        let is_hidden = folder.name().is_some_and(|name| name.starts_with(b"."));
        if folder != recipe.owner && (is_shared || is_hidden) {
            let place = folder.name().map_or_else(|| "root".into(), String::from_utf8_lossy);
            let parts = format!("{place} {}", recipe.variant);
            let parts: Vec<&str> =
                parts.split(|c: char| !c.is_ascii_alphanumeric()).filter(|p| !p.is_empty()).collect();
            recipe.variant = parts.join("-");
        }
        recipe.tag = tags.tag_of(&recipe.owner);
        recipe.task = suffixed("image", &recipe.variant);
    }
}

fn suffixed(task: &str, suffix: &str) -> String {
    if suffix.is_empty() { task.to_owned() } else { format!("{task}.{suffix}") }
}

impl Recipe<'_> {
    /// The task that builds a stage which somebody names; the last stage's if the name says nothing else.
    fn task_of(&self, target: Option<&str>, stages: &[Resolved<'_>]) -> String {
        match target.and_then(|target| stage_named(stages, target).map(|at| (target, at))) {
            Some((target, at)) if at + 1 < stages.len() => match stages[at].name {
                Some(name) if is_test(name) => suffixed("test", &self.variant),
                _ => format!("{}.{target}", self.task),
            },
            _ => self.task.clone(),
        }
    }
}

fn catalogue_of(recipes: &[Recipe<'_>]) -> Catalogue {
    let mut catalogue = Catalogue::default();
    for recipe in recipes {
        if recipe.task == "image" {
            catalogue.folders.insert(recipe.owner.clone());
        }
        let stages = recipe.facts.map(|facts| resolve(facts, &recipe.arguments)).unwrap_or_default();
        for (service, image, target) in &recipe.builds {
            let built = (recipe.owner.clone(), recipe.task_of(target.as_deref(), &stages));
            if let Some(image) = image {
                catalogue.names.insert((image.text.clone(), built.clone()));
            }
            catalogue.services.entry(service.clone()).or_insert(built);
        }
    }
    catalogue
}

fn claim_projects(landscape: &Landscape<'_, Facts>, recipes: &[Recipe<'_>], links: &mut Links) {
    let mut owners: BTreeMap<&RepoPath, Vec<&Recipe<'_>>> = BTreeMap::new();
    let mut owners_of_alias: BTreeMap<&str, BTreeSet<&RepoPath>> = BTreeMap::new();
    for recipe in recipes {
        owners.entry(&recipe.owner).or_default().push(recipe);
        for alias in aliases(recipe) {
            owners_of_alias.entry(alias).or_default().insert(&recipe.owner);
        }
    }
    for (folder, recipes) in owners {
        let named: BTreeSet<&str> = recipes.iter().flat_map(|recipe| aliases(recipe)).collect();
        // A name that several projects bear tells none of them.
        let named =
            named.into_iter().filter(|alias| owners_of_alias.get(alias).is_some_and(|owners| owners.len() == 1));
        let Some(first) = recipes.iter().min_by_key(|recipe| (&recipe.task, &recipe.dockerfile)) else { continue };
        let is_elsewhere = first.dockerfile.parent().as_ref() != Some(folder);
        let evidence = match (&first.evidence, first.facts) {
            (Some(evidence), _) if is_elsewhere => evidence.clone(),
            (_, Some(facts)) => match facts.stages.first() {
                Some(stage) => stage.base.evidence(&first.dockerfile),
                None => Evidence::new(&first.dockerfile, 0, ""),
            },
            _ => Evidence::new(&first.dockerfile, 0, ""),
        };
        links.projects.push(ProjectClaim {
            folder: folder.clone(),
            role: Role::Image,
            aliases: named.map(str::to_owned).collect(),
            admission: admission_of(landscape, folder),
            ground: Ground::Own,
            evidence,
        });
    }
}

/// The names of its services and repositories.
fn aliases<'a>(recipe: &'a Recipe<'_>) -> impl Iterator<Item = &'a str> {
    recipe.builds.iter().flat_map(|((_, service), image, _)| {
        let image = image.as_ref().filter(|image| image.unknown.is_empty());
        let image = image.map(|image| super::images::Reference::parse(&image.text).repository);
        std::iter::once(service.as_str()).chain(image)
    })
}

/// Names of stages that run tests.
fn is_test(stage: &str) -> bool {
    let name = stage.replace('_', "-");
    let name = name.strip_prefix("run-").unwrap_or(&name);
    let kinds = ["unit", "integration", "acceptance", "functional", "e2e", "smoke", "component"];
    let base = kinds.iter().find_map(|kind| name.strip_prefix(kind)).map_or(name, |rest| rest.trim_start_matches('-'));
    name == "e2e" || matches!(base, "test" | "tests" | "testing" | "tester" | "testrunner" | "test-runner")
}

/// What was claimed already: targets of one Dockerfile share stages, and so lines.
#[derive(Default)]
struct Stated {
    edges: BTreeSet<(RepoPath, RepoPath, bool, Evidence)>,
    layouts: BTreeSet<(RepoPath, RepoPath, Evidence)>,
    diagnostics: BTreeSet<Diagnostic>,
}

fn claim_tasks(
    landscape: &Landscape<'_, Facts>,
    recipe: &Recipe<'_>,
    catalogue: &Catalogue,
    links: &mut Links,
    stated: &mut Stated,
) {
    let stages = recipe.facts.map(|facts| resolve(facts, &recipe.arguments)).unwrap_or_default();
    let last = stages.len().saturating_sub(1);
    let mut tasks: Vec<(String, usize, Option<&str>)> = vec![(recipe.task.clone(), last, None)];
    for (at, stage) in stages.iter().enumerate().take(last) {
        match stage.name {
            Some(name) if is_test(name) => tasks.push((suffixed("test", &recipe.variant), at, Some(name))),
            _ => {}
        }
    }
    for target in &recipe.targets {
        match stage_named(&stages, target) {
            Some(at) if at < last && !stages[at].name.is_some_and(is_test) => {
                tasks.push((recipe.task_of(Some(target), &stages), at, Some(target)));
            }
            _ => {}
        }
    }
    for (name, at, target) in tasks {
        let reads = reads_of(landscape, recipe, catalogue, &stages, at);
        let runs = name.starts_with("test");
        let copied = reads.edges.into_iter().map(|(path, evidence)| (path, false, evidence));
        let based = reads.images.into_iter().map(|(project, evidence)| (project, true, evidence));
        for (to, is_project, evidence) in copied.chain(based) {
            if stated.edges.insert((recipe.owner.clone(), to.clone(), is_project, evidence.clone())) {
                let to = if is_project { EdgeTarget::Project(to) } else { EdgeTarget::Path(to) };
                links.edges.push(EdgeClaim { from: recipe.owner.clone(), to, kind: EdgeKind::Image, evidence });
            }
        }
        for (source, evidence) in reads.layouts {
            if stated.layouts.insert((recipe.owner.clone(), source.clone(), evidence.clone())) {
                links.layouts.push(LayoutClaim { project: recipe.owner.clone(), source, evidence });
            }
        }
        stated.diagnostics.extend(reads.diagnostics);
        links.tasks.push(TaskClaim {
            folder: recipe.owner.clone(),
            command: command::of(recipe, target, runs),
            name,
            inputs: reads.inputs.into_iter().collect(),
            slices: Vec::new(),
            reads: reads.readings,
            tool: "docker".to_owned(),
            builds_upstream: false,
            outputs: runs.then(Vec::new),
        });
    }
}

/// Ignore files that docker never looks at, and where they would have to be.
fn ignore_files_without_effect(
    landscape: &Landscape<'_, Facts>,
    recipes: &[Recipe<'_>],
    diagnostics: &mut BTreeSet<Diagnostic>,
) {
    let used: BTreeSet<RepoPath> =
        recipes.iter().filter_map(|recipe| ignore_file_of(landscape, &recipe.dockerfile, &recipe.context)).collect();
    for manifest in landscape.manifests() {
        let is_ignore = manifest.path.name().is_some_and(|name| kind_of(name) == Some(Kind::Ignore));
        if !is_ignore || used.contains(manifest.path) {
            continue;
        }
        let folder = manifest.folder();
        let concerned = folder.ancestors().find_map(|above| {
            let here =
                |recipe: &&Recipe<'_>| recipe.dockerfile.parent().as_ref() == Some(&above) || recipe.owner == above;
            recipes.iter().find(here)
        });
        let place = Evidence::new(manifest.path, 0, "");
        let message = format!("{} has no effect: no build looks for it there", manifest.path);
        let mut finding = Diagnostic::warning("dockerignore-without-effect", message).at(&place);
        if let Some(recipe) = concerned {
            let at_context = recipe.context.child(b".dockerignore");
            let help = format!(
                "the context of {} is {}: put the patterns, relative to it, into {at_context} or {}.dockerignore",
                recipe.dockerfile, recipe.context, recipe.dockerfile
            );
            finding = finding.help(help);
        }
        diagnostics.insert(finding);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_that_test_are_known_by_name() {
        for name in
            ["test", "testrunner", "test-runner", "unit_tests", "unittest", "integration-test", "e2e", "run-tests"]
        {
            assert!(is_test(name), "{name}");
        }
        for name in ["build", "final", "latest", "integration", "testdata", "publish-test-results"] {
            assert!(!is_test(name), "{name}");
        }
    }
}
