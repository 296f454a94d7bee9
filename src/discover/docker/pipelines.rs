//! Builds of images that the files of CI engines state: they tell the context of a Dockerfile.
//!
//! What is not literal is no evidence, and neither is a build whose files are not there. Engines run from the root of
//! the repository.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Facts;
use super::command_lines::{NamedBuild, argument_of, builds_of, of_options, place_of};
use crate::diagnostic::Evidence;
use crate::discover::syntax::{Lines, Located, Stated, read_yaml, text_of};
use crate::discover::{Landscape, pipelines};
use crate::path::RepoPath;

/// The builds of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pipeline(pub Vec<Stated<NamedBuild>>);

/// A build that a file of an engine states, and the line.
pub struct PipelineBuild {
    /// The context, which is there.
    pub context: RepoPath,
    /// The build.
    pub build: NamedBuild,
    /// The line.
    pub evidence: Evidence,
}

/// Keys of scripts.
const SCRIPTS: [&str; 6] = ["run", "script", "bash", "command", "commands", "inlineScript"];

/// Keys of scripts that are run before others, by the same shell.
const SCRIPTS_BEFORE: [&str; 4] = ["before_script", "before_install", "install", "before_build"];

/// Keys of the folder that a script runs in.
const FOLDERS: [&str; 3] = ["working-directory", "workingDirectory", "working_directory"];

/// Reads a file; one that cannot be read states nothing.
pub fn read(name: &[u8], bytes: &[u8]) -> Pipeline {
    let Ok(text) = text_of(bytes) else { return Pipeline::default() };
    let lines = Lines::new(text);
    let found = match name.starts_with(b"Jenkinsfile") {
        true => jenkins_builds(text),
        false => read_yaml(bytes).map(|documents| documents.iter().flat_map(yaml_builds).collect()).unwrap_or_default(),
    };
    Pipeline(found.into_iter().map(|(line, build)| lines.stated(line, build)).collect())
}

/// The builds that files of engines state, by their Dockerfiles: those whose Dockerfile and context are there.
pub fn builds_by_dockerfile(landscape: &Landscape<'_, Facts>) -> BTreeMap<RepoPath, Vec<PipelineBuild>> {
    let mut builds: BTreeMap<RepoPath, Vec<PipelineBuild>> = BTreeMap::new();
    for (file, Pipeline(stated)) in files(landscape) {
        for stated in stated {
            let evidence = stated.evidence(&file);
            let place = |path: &String| RepoPath::root().resolve(path.as_bytes()).ok();
            let dockerfile = stated.value.dockerfiles.iter().filter_map(place).find(|path| landscape.is_file(path));
            let context = place(&stated.value.context).filter(|context| landscape.is_folder(context));
            if let (Some(dockerfile), Some(context)) = (dockerfile, context) {
                let build = PipelineBuild { context, build: stated.value, evidence };
                builds.entry(dockerfile).or_default().push(build);
            }
        }
    }
    builds
}

fn files(landscape: &Landscape<'_, Facts>) -> Vec<(RepoPath, Pipeline)> {
    let manifests = landscape.manifests().iter().filter_map(|manifest| match manifest.facts {
        Ok(Facts::Pipeline(pipeline)) => Some((manifest.path.clone(), pipeline.clone())),
        _ => None,
    });
    let on_demand =
        pipelines::files_in_folders(landscape).into_iter().filter_map(|path| match landscape.source(&path) {
            Some(Ok(facts)) => match &*facts {
                Facts::Pipeline(pipeline) => Some((path, pipeline.clone())),
                _ => None,
            },
            _ => None,
        });
    let mut files: Vec<(RepoPath, Pipeline)> = manifests.chain(on_demand).collect();
    files.sort_by(|a, b| a.0.cmp(&b.0));
    files.dedup_by(|a, b| a.0 == b.0);
    files
}

type Builds = Vec<(u32, NamedBuild)>;

fn yaml_builds(document: &Located) -> Builds {
    let mut builds = Vec::new();
    let is_moved = moves_before(document);
    let mut pending = vec![(document, Some(RepoPath::root()))];
    while let Some((value, around)) = pending.pop() {
        for item in value.items().iter().rev() {
            pending.push((item, around.clone()));
        }
        let default = value.at(&["defaults", "run", "working-directory"]).and_then(Located::text);
        let around = default.map_or(around, |folder| place_of(folder, Some(&RepoPath::root())));
        let here = match FOLDERS.iter().find_map(|key| value.get(key)) {
            Some(folder) => folder.text().and_then(|folder| place_of(folder, Some(&RepoPath::root()))),
            None => around.clone(),
        };
        builds.extend(of_step(value));
        for (key, inner) in value.entries() {
            if SCRIPTS.contains(&key.text.as_str()) && !inner.is_table() {
                let is_known = !(is_moved && key.text == "script");
                builds.extend(of_script(inner, here.as_ref().filter(|_| is_known)));
            }
            pending.push((inner, around.clone()));
        }
    }
    builds
}

/// Whether a script that is run before others may leave them in another folder.
fn moves_before(document: &Located) -> bool {
    let mut pending = vec![document];
    while let Some(value) = pending.pop() {
        pending.extend(value.items());
        for (key, inner) in value.entries() {
            let texts = || inner.items().iter().chain([inner]).filter_map(Located::text);
            let moves =
                |text: &str| text.split(|c: char| !c.is_alphanumeric()).any(|word| matches!(word, "cd" | "pushd"));
            if SCRIPTS_BEFORE.contains(&key.text.as_str()) && texts().any(moves) {
                return true;
            }
            pending.push(inner);
        }
    }
    false
}

/// A script, or lines of one that are run by one shell.
fn of_script(script: &Located, folder: Option<&RepoPath>) -> Builds {
    let lines: Vec<(u32, &str)> = match script.text() {
        Some(text) => vec![(script.line, text)],
        None => script.items().iter().filter_map(|item| Some((item.line, item.text()?))).collect(),
    };
    let text: String = lines.iter().flat_map(|(_, text)| [text, "\n"]).collect();
    let mut begins = Vec::new();
    let mut at = 0;
    for (line, text) in &lines {
        // A block begins on the line behind its key.
        begins.push((at, line + u32::from(text.contains('\n'))));
        at += text.matches('\n').count() as u32 + 1;
    }
    let line_of = |offset: u32| {
        let (begun, line) = begins.iter().rev().find(|(begun, _)| *begun <= offset).copied().unwrap_or_default();
        line + offset - begun
    };
    builds_of(&text, folder).into_iter().map(|(offset, build)| (line_of(offset), build)).collect()
}

/// A step of an engine that builds an image without a script.
fn of_step(step: &Located) -> Option<(u32, NamedBuild)> {
    let root = RepoPath::root();
    let names = |key: &str, name: &str| {
        step.get(key).and_then(Located::text).is_some_and(|text| text.split('@').next() == Some(name))
    };
    if names("uses", "docker/build-push-action") {
        return of_inputs(step, step.get("with"), |field| {
            // Without a context, and with the default one, git's own is fetched: its root is the repository's.
            let context = field(&["context"]).map_or(Some(".".to_owned()), |context| {
                let rest = context.strip_prefix("{{defaultContext}}");
                rest.map_or(Some(context.clone()), |rest| match rest {
                    "" => Some(".".to_owned()),
                    _ => rest.strip_prefix(':').map(str::to_owned),
                })
            });
            let context = place_of(&context?, Some(&root))?;
            let dockerfiles = match field(&["file"]) {
                Some(file) => vec![place_of(&file, Some(&root))?, place_of(&file, Some(&context))?],
                None => vec![context.child(b"Dockerfile")],
            };
            Some((context, dockerfiles))
        });
    }
    if names("task", "Docker") {
        return of_inputs(step, step.get("inputs"), |field| {
            let command = field(&["command", "action"]).unwrap_or_else(|| "buildAndPush".to_owned());
            if !matches!(command.to_ascii_lowercase().as_str(), "build" | "buildandpush" | "build an image") {
                return None;
            }
            let dockerfile = place_of(&field(&["Dockerfile", "dockerfile", "dockerFile"])?, Some(&root))?;
            let of_file = || dockerfile.parent().unwrap_or_else(RepoPath::root);
            let context = match field(&["buildContext", "context"]) {
                Some(context) if context != "**" => place_of(&context, Some(&root))?,
                _ => of_file(),
            };
            Some((context, vec![dockerfile]))
        });
    }
    for key in ["docker/build", "docker/publish"] {
        if let Some(inputs) = step.get(key) {
            return of_inputs(step, Some(inputs), |field| {
                let context = place_of(&field(&["docker-context"]).unwrap_or_else(|| ".".to_owned()), Some(&root))?;
                let folder = place_of(&field(&["path"]).unwrap_or_else(|| ".".to_owned()), Some(&root))?;
                let file = field(&["dockerfile"]).unwrap_or_else(|| "Dockerfile".to_owned());
                Some((context, vec![place_of(&file, Some(&folder))?]))
            });
        }
    }
    None
}

/// A build by the inputs of a step.
fn of_inputs(
    step: &Located,
    inputs: Option<&Located>,
    places: impl Fn(&dyn Fn(&[&str]) -> Option<String>) -> Option<(RepoPath, Vec<RepoPath>)>,
) -> Option<(u32, NamedBuild)> {
    let field = |keys: &[&str]| keys.iter().find_map(|key| inputs?.get(key)?.scalar());
    let (context, dockerfiles) = places(&field)?;
    // Further contexts are further places that are copied from.
    if field(&["build-contexts"]).is_some() {
        return None;
    }
    let target = field(&["target"]).filter(|target| !target.is_empty());
    let arguments = field(&["build-args"]).unwrap_or_default();
    let arguments = arguments.lines().filter_map(argument_of).collect();
    let line = inputs.map_or(step.line, |inputs| inputs.line);
    Some((line, NamedBuild::new(&context, &dockerfiles, target, arguments)?))
}

/// How deep blocks of a pipeline may stand in each other.
const DEEPEST_BLOCKS: usize = 128;

/// The builds of a pipeline of Jenkins: what `sh` runs and what `docker.build` is given, in the folders of `dir`.
fn jenkins_builds(text: &str) -> Builds {
    let mut builds = Vec::new();
    // For each open block the folder before it.
    let mut blocks: Vec<Option<RepoPath>> = Vec::new();
    let mut here = Some(RepoPath::root());
    // What the next text is given to, and what texts that call has.
    let mut call = "";
    let mut texts: Vec<&str> = Vec::new();
    let (mut rest, mut line) = (text, 1);
    while let Some(first) = rest.chars().next() {
        let mut taken = first.len_utf8();
        match first {
            '/' if rest.starts_with("//") => taken = rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => taken = rest.find("*/").map_or(rest.len(), |end| end + 2),
            '\'' | '"' => {
                let quotes = if first == '"' { ["\"\"\"", "\""] } else { ["'''", "'"] };
                let quote = if rest.starts_with(quotes[0]) { quotes[0] } else { quotes[1] };
                let inner = rest[quote.len()..].split(quote).next().unwrap_or_default();
                taken = (inner.len() + 2 * quote.len()).min(rest.len());
                match call {
                    "sh" => {
                        let found = builds_of(inner, here.as_ref()).into_iter();
                        builds.extend(found.map(|(offset, build)| (line + offset, build)));
                        call = "";
                    }
                    _ => texts.push(inner),
                }
            }
            '{' => {
                blocks.push(here.clone());
                if call == "dir" {
                    here = texts.first().and_then(|folder| place_of(folder, here.as_ref()));
                }
                (call, texts) = ("", Vec::new());
            }
            '}' => {
                here = blocks.pop().unwrap_or(Some(RepoPath::root()));
                (call, texts) = ("", Vec::new());
            }
            ')' if call == "docker.build" => {
                let options = texts.get(1).copied().unwrap_or(".");
                let words: Vec<&str> = options.split_whitespace().collect();
                builds.extend(of_options(&words, here.as_ref()).map(|build| (line, build)));
                (call, texts) = ("", Vec::new());
            }
            '\n' if call != "dir" && call != "docker.build" => (call, texts) = ("", Vec::new()),
            _ if first.is_alphabetic() => {
                taken = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')).unwrap_or(rest.len());
                match &rest[..taken] {
                    word @ ("sh" | "dir" | "docker.build") => (call, texts) = (word, Vec::new()),
                    // A folder or an option that is put together is not known.
                    _ if call == "dir" => texts.push("$"),
                    _ if call == "docker.build" && !texts.is_empty() => texts.push("$"),
                    _ => {}
                }
            }
            _ => {}
        }
        line += rest[..taken].matches('\n').count() as u32;
        rest = &rest[taken..];
        if blocks.len() > DEEPEST_BLOCKS {
            break;
        }
    }
    builds
}
