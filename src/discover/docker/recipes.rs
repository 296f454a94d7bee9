//! The ways in which each Dockerfile is built: as compose files and pipelines say, else as its sources tell.

use std::collections::{BTreeMap, BTreeSet};

use super::builds::Build;
use super::context::{infer, may_be};
use super::dockerfile::Dockerfile;
use super::link::{Recipe, is_project};
use super::pipelines::{PipelineBuild, builds_by_dockerfile};
use super::stages::resolve;
use super::{Facts, Kind, kind_of, variant_of};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::discover::Landscape;
use crate::path::RepoPath;

/// The recipes of all Dockerfiles.
pub fn recipes_of<'a>(
    landscape: &Landscape<'a, Facts>,
    builds: &[Build],
    diagnostics: &mut BTreeSet<Diagnostic>,
) -> Vec<Recipe<'a>> {
    let mut by_dockerfile: BTreeMap<RepoPath, Vec<&Build>> = BTreeMap::new();
    for build in builds {
        if !build.inline && !landscape.is_file(&build.dockerfile) {
            let message =
                format!("service {} is built from {}, which does not exist", build.service.1, build.dockerfile);
            diagnostics.insert(Diagnostic::warning("dockerfile-missing", message).at(&build.evidence));
            continue;
        }
        by_dockerfile.entry(build.dockerfile.clone()).or_default().push(build);
    }
    let mut recipes = Vec::new();
    let by_pipelines = builds_by_dockerfile(landscape);
    for manifest in landscape.manifests() {
        let is_dockerfile = manifest.path.name().is_some_and(|name| kind_of(name) == Some(Kind::Dockerfile));
        if !is_dockerfile {
            continue;
        }
        let facts = match manifest.facts {
            Ok(Facts::Dockerfile(facts)) => Some(facts),
            _ => None,
        };
        let (folder, stages) = (manifest.folder(), facts.map(|facts| resolve(facts, &[])).unwrap_or_default());
        let stated = by_pipelines.get(manifest.path).into_iter().flatten();
        let stated: Vec<&PipelineBuild> =
            stated.filter(|stated| may_be(landscape, &folder, &stated.context, &stages)).collect();
        let first = recipes.len();
        match by_dockerfile.remove(manifest.path) {
            Some(builds) => composed(landscape, manifest.path, facts, &builds, &mut recipes),
            None if stated.is_empty() => recipes.push(inferred(landscape, manifest.path, facts, diagnostics)),
            None => {}
        }
        add_stated(landscape, manifest.path, facts, &stated, first, &mut recipes);
    }
    // What is left is a Dockerfile by use and not by name, or is written inline.
    for (path, builds) in by_dockerfile {
        for build in &builds {
            let message = format!("{path} is not read as a Dockerfile: the whole context counts as its input");
            let help = "call it Dockerfile, Dockerfile.<name> or <name>.Dockerfile";
            diagnostics.insert(Diagnostic::warning("dockerfile-unread", message).at(&build.evidence).help(help));
        }
        composed(landscape, &path, None, &builds, &mut recipes);
    }
    recipes
}

/// How many steps of one Dockerfile are followed, over all ways in which it is built. In the ways beyond, the whole
/// context counts as an input.
const MOST_STEPS: usize = 200_000;

/// The recipes of a Dockerfile that compose files name: one for each way in which they build it.
fn composed<'a>(
    landscape: &Landscape<'_, Facts>,
    dockerfile: &RepoPath,
    facts: Option<&'a Dockerfile>,
    builds: &[&Build],
    recipes: &mut Vec<Recipe<'a>>,
) {
    let first = recipes.len();
    let steps = facts.map_or(0, Dockerfile::weight);
    for build in builds {
        let same = recipes[first..].iter().position(|recipe| {
            recipe.context == build.context && recipe.arguments == build.arguments && recipe.contexts == build.contexts
        });
        let at = match same {
            Some(at) => first + at,
            None => {
                let followed =
                    facts.filter(|_| recipes.len() == first || (recipes.len() - first + 1) * steps <= MOST_STEPS);
                let mut recipe = recipe(landscape, dockerfile, followed, build.context.clone());
                recipe.arguments.clone_from(&build.arguments);
                recipe.contexts.clone_from(&build.contexts);
                recipe.evidence = Some(build.evidence.clone());
                recipes.push(recipe);
                recipes.len() - 1
            }
        };
        recipes[at].targets.extend(build.target.clone());
        recipes[at].builds.push((build.service.clone(), build.image.clone(), build.target.clone()));
    }
}

/// The recipes of a Dockerfile that files of CI engines state, besides those that it has from `first` on: one for each further
/// context.
fn add_stated<'a>(
    landscape: &Landscape<'_, Facts>,
    dockerfile: &RepoPath,
    facts: Option<&'a Dockerfile>,
    stated: &[&PipelineBuild],
    first: usize,
    recipes: &mut Vec<Recipe<'a>>,
) {
    let steps = facts.map_or(0, Dockerfile::weight);
    for PipelineBuild { context, build, evidence } in stated {
        if !recipes[first..].iter().any(|recipe| recipe.context == *context) {
            let is_followed = recipes.len() == first || (recipes.len() - first + 1) * steps <= MOST_STEPS;
            let mut recipe = recipe(landscape, dockerfile, facts.filter(|_| is_followed), context.clone());
            recipe.arguments.clone_from(&build.arguments);
            recipe.evidence = Some(evidence.clone());
            recipes.push(recipe);
        }
        let same = recipes[first..].iter_mut().filter(|recipe| recipe.context == *context);
        same.for_each(|recipe| recipe.targets.extend(build.target.clone()));
    }
}

fn inferred<'a>(
    landscape: &Landscape<'_, Facts>,
    dockerfile: &RepoPath,
    facts: Option<&'a Dockerfile>,
    diagnostics: &mut BTreeSet<Diagnostic>,
) -> Recipe<'a> {
    let folder = dockerfile.parent().unwrap_or_else(RepoPath::root);
    let Some(facts) = facts else { return recipe(landscape, dockerfile, None, folder) };
    let context = infer(landscape, &folder, &resolve(facts, &[]));
    if !context.missing.is_empty() {
        let message = format!(
            "no folder above {dockerfile} has all that it copies; {} is taken, without {}",
            context.folder,
            context.missing.join(", ")
        );
        let help = "name its context in a compose file or a pipeline";
        let place = Evidence::new(dockerfile, 0, "");
        diagnostics.insert(Diagnostic::warning("docker-context-unknown", message).at(&place).help(help));
    }
    let mut recipe = recipe(landscape, dockerfile, Some(facts), context.folder);
    recipe.missing = context.missing;
    recipe
}

fn recipe<'a>(
    landscape: &Landscape<'_, Facts>,
    dockerfile: &RepoPath,
    facts: Option<&'a Dockerfile>,
    context: RepoPath,
) -> Recipe<'a> {
    let name = dockerfile.name().and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default();
    Recipe {
        owner: owner_of(landscape, dockerfile, &context),
        dockerfile: dockerfile.clone(),
        facts,
        context,
        missing: Vec::new(),
        arguments: Vec::new(),
        contexts: Vec::new(),
        targets: BTreeSet::new(),
        evidence: None,
        task: String::new(),
        tag: String::new(),
        variant: variant_of(name).unwrap_or_default().replace(|c: char| !c.is_ascii_alphanumeric(), "-"),
        builds: Vec::new(),
    }
}

/// An image belongs to the Dockerfile's folder, or to the project that is its context if that folder is only the place
/// where Dockerfiles are kept.
fn owner_of(landscape: &Landscape<'_, Facts>, dockerfile: &RepoPath, context: &RepoPath) -> RepoPath {
    let folder = dockerfile.parent().unwrap_or_else(RepoPath::root);
    if !folder.is_root() && is_project(landscape, &folder) {
        return folder;
    }
    if !context.is_root() && is_project(landscape, context) {
        return context.clone();
    }
    match folder.parent() {
        Some(parent) if is_side_folder(&folder) && !parent.is_root() && is_project(landscape, &parent) => parent,
        _ => folder,
    }
}

/// Whether a folder's name says that it serves the folder around it.
fn is_side_folder(folder: &RepoPath) -> bool {
    folder.name().is_some_and(|name| name == b"docker" || name.starts_with(b"."))
}
