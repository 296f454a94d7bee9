//! Files of CI engines: each is an input of the projects whose paths it mentions.
//!
//! They make no project, edge or task. A pipeline that mentions nobody's path is left to the policy for files of nobody:
//! it may be everybody's.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::syntax::{LARGEST_MANIFEST, Lines, Stated, Unreadable, text_of};
use super::{Ecosystem, Input, Landscape, Links, MentionClaim};
use crate::path::RepoPath;
use crate::selection::Selection;
use crate::tree::Node;

/// GitHub Actions, GitLab, Azure Pipelines, Buildkite, CircleCI, Jenkins, Bitbucket, Drone, Woodpecker, Travis.
pub struct Pipelines;

/// Folders of which every YAML file is one.
const FOLDERS: [&str; 4] = [".github/workflows", ".buildkite", ".circleci", ".woodpecker"];

/// Below this folder stand actions that workflows use, a folder each.
const ACTIONS: &str = ".github/actions";

/// The words of one file that could be paths.
#[derive(Debug, Serialize, Deserialize)]
pub struct Mentions(Vec<Stated<String>>);

/// How many words of a file count; one beyond is no mention.
const MOST_WORDS: usize = 20_000;

/// Keys whose value is a path even where it is a single word.
const PATH_KEYS: [&str; 14] = [
    "working-directory",
    "working_directory",
    "workingDirectory",
    "context",
    "buildContext",
    "dockerfile",
    "Dockerfile",
    "file",
    "path",
    "directory",
    "chartPath",
    "root",
    "project",
    "projects",
];

impl Ecosystem for Pipelines {
    type Facts = Mentions;

    const NAME: &'static str = "ci";

    fn recognises(name: &[u8]) -> bool {
        let is_yaml = name.ends_with(b".yml") || name.ends_with(b".yaml");
        let known: [&[u8]; 5] = [b".gitlab-ci.", b"azure-pipelines", b"bitbucket-pipelines.", b".drone.", b".travis."];
        name.starts_with(b"Jenkinsfile")
            || (is_yaml && known.iter().chain(&[&b".woodpecker."[..]]).any(|known| name.starts_with(known)))
    }

    fn reads_on_demand(name: &[u8]) -> bool {
        name.ends_with(b".yml") || name.ends_with(b".yaml") || Self::recognises(name)
    }

    /// The files are programs in many notations, so words are what is read: a line at a time, comments left out.
    fn read(_name: &[u8], bytes: &[u8]) -> Result<Mentions, Unreadable> {
        let text = text_of(bytes)?;
        let lines = Lines::new(text);
        let mut found = BTreeSet::new();
        let mut mentions = Vec::new();
        let mut length = 0;
        for (line, number) in text.lines().zip(1..) {
            for word in words_of(line) {
                length += word.len();
                if found.len() < MOST_WORDS && length < LARGEST_MANIFEST && found.insert(word.clone()) {
                    mentions.push(lines.stated(number, word));
                }
            }
        }
        Ok(Mentions(mentions))
    }

    fn link(landscape: &Landscape<'_, Mentions>, links: &mut Links) {
        let mut files: BTreeMap<RepoPath, Vec<Stated<String>>> = BTreeMap::new();
        for manifest in landscape.manifests() {
            if let Ok(Mentions(words)) = manifest.facts {
                files.insert(manifest.path.clone(), words.clone());
            }
        }
        for path in files_in_folders(landscape) {
            if let Some(Ok(facts)) = landscape.source(&path) {
                files.insert(path, facts.0.clone());
            }
        }
        claim(landscape, &files, links);
    }
}

/// The files that are an engine's by the folder that they stand in.
pub(super) fn files_in_folders<F>(landscape: &Landscape<'_, F>) -> Vec<RepoPath> {
    let root = RepoPath::root();
    let folders = FOLDERS.iter().filter_map(|folder| root.resolve(folder.as_bytes()).ok());
    let actions = root.resolve(ACTIONS.as_bytes()).ok();
    let of_actions = actions.iter().flat_map(|actions| {
        let entries = landscape.entries(actions);
        let folders = entries.iter().filter(|entry| matches!(entry.node, Node::Folder(_)));
        folders.map(|entry| actions.child(&entry.name)).collect::<Vec<_>>()
    });
    let mut files = Vec::new();
    for folder in folders.chain(of_actions) {
        let entries = landscape.entries(&folder);
        let read = entries.iter().filter(|entry| Pipelines::reads_on_demand(&entry.name));
        files.extend(read.map(|entry| folder.child(&entry.name)));
    }
    files
}

/// The words of a line that could be paths: those with a slash, and what stands under a key for paths.
fn words_of(line: &str) -> Vec<String> {
    let line = line.trim_start();
    if line.starts_with('#') || line.starts_with("//") {
        return Vec::new();
    }
    let line = line.split(" #").next().unwrap_or(line);
    let is_border = |c: char| c.is_whitespace() || "\"'`=,;()[]{}|&<>".contains(c);
    let key = line.trim_start_matches("- ").split_once(':').map(|(key, _)| key.trim());
    let is_path = key.is_some_and(|key| PATH_KEYS.contains(&key));
    let words = line.split(is_border).filter(|word| !word.ends_with(':') || word.contains('/'));
    let words = words.filter(|word| !word.starts_with('!') && !word.contains("://") && !word.contains('$'));
    let words = words.filter(|word| is_path || word.contains('/')).map(|word| {
        // What a pattern selects lies below its part without a wild card.
        let plain = word.split(['*', '?']).next().unwrap_or_default();
        let is_pattern = plain.len() < word.len();
        let plain = if is_pattern { plain.rsplit_once('/').map_or("", |(folder, _)| folder) } else { plain };
        plain.trim_end_matches("/...").trim_start_matches("./").trim_end_matches(['/', ':'])
    });
    words.filter(|word| !word.is_empty() && *word != ".").map(str::to_owned).collect()
}

/// Makes each file an input of whoever it mentions, and of whoever a file mentions that uses it.
fn claim(landscape: &Landscape<'_, Mentions>, files: &BTreeMap<RepoPath, Vec<Stated<String>>>, links: &mut Links) {
    let at_root = |path: &RepoPath| path.segments().next().is_some_and(|first| first.starts_with(b"."));
    let mut mentioned: BTreeMap<&RepoPath, Vec<(RepoPath, &Stated<String>)>> = BTreeMap::new();
    for (file, words) in files {
        // Engines run from the root; a pipeline beside a service may speak of what is beside it.
        let folder = file.parent().filter(|_| !at_root(file)).unwrap_or_else(RepoPath::root);
        for word in words {
            let bases = [RepoPath::root(), folder.clone()];
            let there = bases.iter().filter_map(|base| base.resolve(word.value.as_bytes()).ok());
            let there: BTreeSet<RepoPath> = there.filter(|path| !path.is_root() && landscape.exists(path)).collect();
            mentioned.entry(file).or_default().extend(there.into_iter().map(|path| (path, word)));
        }
    }
    for file in files.keys() {
        // The file itself, and all that it uses of the engine's own.
        let mut used = BTreeSet::from([file]);
        let mut pending = vec![file];
        while let Some(next) = pending.pop() {
            for (path, _) in mentioned.get(next).into_iter().flatten().filter(|(path, _)| at_root(path)) {
                let others = files.range(path.clone()..).map(|(file, _)| file).take_while(|file| file.is_within(path));
                pending.extend(others.filter(|other| used.insert(other)));
            }
        }
        let spoken_of: Vec<_> = mentioned.get(file).into_iter().flatten().filter(|(path, _)| !at_root(path)).collect();
        // A folder around what is named besides is the context of that: it does not mean what else stands there.
        let around: BTreeSet<RepoPath> = spoken_of.iter().flat_map(|(path, _)| path.ancestors().skip(1)).collect();
        for (path, word) in spoken_of.into_iter().filter(|(path, _)| !around.contains(path)) {
            links.mentions.extend(used.iter().map(|used| MentionClaim {
                path: path.clone(),
                input: Input { selection: Selection::all(used), evidence: word.evidence(file) },
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::testing::{describe, links_of};

    fn mentions(text: &str) -> Vec<String> {
        describe(&links_of::<Pipelines>(text)).lines().map(str::to_owned).collect()
    }

    const SERVICES: &str = "== src/a/x\n== src/b/Dockerfile\n== charts/a/Chart.yaml\n== web/x\n";

    #[test]
    fn what_a_workflow_names_by_keys_scripts_and_patterns_is_mentioned() {
        let text = format!(
            "{SERVICES}== .github/workflows/a.yml
on:
  push:
    paths: ['src/a/**', \"!src/b/**\", \"charts/*/values.yaml\"]
# src/b is another's
jobs:
  build:
    defaults:
      run:
        working-directory: ./web/
    steps:
      - run: docker build -f src/b/Dockerfile ${{{{ env.x }}}}/src/a https://x/src/b # src/b/none
      - run: make web
"
        );
        assert_eq!(
            mentions(&text),
            [
                "mention of charts in .github/workflows/a.yml .github/workflows/a.yml:3",
                "mention of src/a in .github/workflows/a.yml .github/workflows/a.yml:3",
                "mention of src/b/Dockerfile in .github/workflows/a.yml .github/workflows/a.yml:11",
                "mention of web in .github/workflows/a.yml .github/workflows/a.yml:9",
            ]
        );
    }

    #[test]
    fn what_a_workflow_uses_of_the_engines_own_goes_with_it() {
        let text = format!(
            "{SERVICES}== .github/workflows/a.yml
  - uses: ./.github/workflows/shared.yml
    with: {{ context: src/a }}
== .github/workflows/shared.yml
  - uses: ./.github/actions/build
== .github/actions/build/action.yml
runs: docker
"
        );
        let of = |file: &str| format!("mention of src/a in {file} .github/workflows/a.yml:2");
        assert_eq!(
            mentions(&text),
            [".github/actions/build/action.yml", ".github/workflows/a.yml", ".github/workflows/shared.yml"].map(of)
        );
    }

    #[test]
    fn the_folder_around_what_is_named_is_its_context() {
        let text = format!("{SERVICES}== azure-pipelines.yml\nscript: docker build -f src/b/Dockerfile ./src\n");
        assert_eq!(mentions(&text), ["mention of src/b/Dockerfile in azure-pipelines.yml azure-pipelines.yml:1"]);
    }

    #[test]
    fn a_pipeline_beside_a_service_speaks_of_what_is_beside_it() {
        let text = format!("{SERVICES}== src/a/azure-pipelines.yml\nsteps:\n- script: cat ../b/Dockerfile ./x\n");
        assert_eq!(
            mentions(&text)[1],
            "mention of src/b/Dockerfile in src/a/azure-pipelines.yml src/a/azure-pipelines.yml:2"
        );
    }

    #[test]
    fn engines_are_known_by_the_names_of_their_files() {
        let all = [
            ".gitlab-ci.yml",
            "Jenkinsfile",
            "Jenkinsfile.release",
            "azure-pipelines-ci.yml",
            "bitbucket-pipelines.yml",
            ".drone.yml",
            ".travis.yml",
            ".woodpecker.yml",
            ".circleci/config.yml",
            ".buildkite/pipeline.yaml",
            ".woodpecker/build.yaml",
            "ops/azure-pipelines.yml",
        ];
        for file in all {
            assert_eq!(mentions(&format!("{SERVICES}== {file}\nbuild src/a\n")).len(), 1, "{file}");
        }
        for file in [".github/other/a.yml", "compose.yaml", "Jenkins", "gitlab-ci.yml", ".circleci/x.txt"] {
            assert_eq!(mentions(&format!("{SERVICES}== {file}\nbuild src/a\n")), [""; 0], "{file}");
        }
    }
}
