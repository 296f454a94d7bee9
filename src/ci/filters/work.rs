//! What a job works on: the paths of the repository that its steps name, and whether they make images and charts.

use std::collections::{BTreeMap, BTreeSet};

use super::files::{Files, Page};
use crate::diagnostic::Evidence;
use crate::discover::syntax::{Located, Value};
use crate::path::RepoPath;

/// What jobs name.
#[derive(Debug, Default, Clone)]
pub(super) struct Work {
    /// Each path that is there, and the first line that names it.
    pub mentions: BTreeMap<RepoPath, Evidence>,
    /// Whether a step makes an image.
    pub images: bool,
    /// Whether a step makes all images that some file lists.
    pub makes_all: bool,
    /// Whether a step speaks of compose.
    pub composes: bool,
    /// Whether a step handles a chart.
    pub charts: bool,
    /// Whether something runs that is not to be seen from here.
    pub is_hidden: bool,
    /// Values that stand for a placeholder such as `matrix.service`.
    values: BTreeMap<String, Vec<String>>,
    words_read: usize,
}

/// Keys below which no work is told.
const SILENT: [&str; 28] = [
    "template",
    "on",
    "name",
    "displayName",
    "if",
    "condition",
    "needs",
    "dependsOn",
    "depends_on",
    "paths",
    "paths-ignore",
    "filters",
    "changes",
    "rules",
    "only",
    "except",
    "if_changed",
    "branches",
    "trigger",
    "pr",
    "permissions",
    "concurrency",
    "runs-on",
    "pool",
    "outputs",
    "mapping",
    "cache",
    "artifacts",
];

/// Keys whose value is a path even where it is a single word.
const PATH_KEYS: [&str; 20] = [
    "working-directory",
    "working_directory",
    "workingDirectory",
    "context",
    "buildContext",
    "build_context",
    "dockerfile",
    "dockerFile",
    "Dockerfile",
    "file",
    "path",
    "directory",
    "dir",
    "chartPath",
    "root",
    "project",
    "projects",
    "solution",
    "packageRoot",
    "projectBaseDir",
];

/// Where work is done.
const FOLDER_KEYS: [&str; 4] = ["working-directory", "working_directory", "workingDirectory", "dir"];

/// Options of build tools whose next word is a folder or a module.
const PATH_OPTIONS: [&str; 21] = [
    "-C",
    "-f",
    "-p",
    "-pl",
    "--projects",
    "--project",
    "--file",
    "--prefix",
    "--cwd",
    "--dir",
    "--directory",
    "--filter",
    "--workspace",
    "--manifest-path",
    "--package",
    "--chdir",
    "-w",
    "-F",
    "cd",
    "pushd",
    "dir",
];

/// How the top of the checkout is spelt.
const TOPS: [&str; 11] = [
    "$(System.DefaultWorkingDirectory)",
    "$(Build.SourcesDirectory)",
    "$(Build.Repository.LocalPath)",
    "$(Pipeline.Workspace)/s",
    "${{ github.workspace }}",
    "${{github.workspace}}",
    "$GITHUB_WORKSPACE",
    "${GITHUB_WORKSPACE}",
    "$CI_PROJECT_DIR",
    "${CI_PROJECT_DIR}",
    "${WORKSPACE}",
];

/// One word stands for at most this many.
const MOST_VALUES: usize = 500;

/// So many words are read of one job; behind them, anything may stand.
const MOST_WORDS: usize = 200_000;

/// More paths are not told of one job.
const MOST_MENTIONS: usize = 5000;

impl Work {
    /// The paths, to tell whether two filters guard the same.
    pub fn projects_named(&self) -> Vec<&RepoPath> {
        self.mentions.keys().collect()
    }

    /// Whether nothing is named, and nothing hidden.
    pub fn is_empty(&self) -> bool {
        self.mentions.is_empty() && !self.is_hidden
    }

    /// Adds what another names.
    pub fn extend(&mut self, other: &Work) {
        for (path, evidence) in &other.mentions {
            self.mentions.entry(path.clone()).or_insert_with(|| evidence.clone());
        }
        self.images |= other.images;
        self.makes_all |= other.makes_all;
        self.composes |= other.composes;
        self.charts |= other.charts;
        self.is_hidden |= other.is_hidden;
    }

    /// Lets a placeholder stand for values.
    pub fn stand_for(&mut self, placeholder: &str, values: Vec<String>) {
        let known = self.values.entry(placeholder.to_owned()).or_default();
        known.extend(values);
        known.truncate(MOST_VALUES);
    }

    /// Adds a path if it is there.
    fn mention(&mut self, files: &Files<'_>, path: RepoPath, evidence: Evidence) {
        if !path.is_root() && self.mentions.len() < MOST_MENTIONS && files.has(&path) {
            self.mentions.entry(path).or_insert(evidence);
        }
    }

    /// Reads everything below a value; words are looked for in each of the folders.
    pub fn gather(&mut self, files: &Files<'_>, page: &Page<'_>, value: &Located, folders: &BTreeSet<RepoPath>) {
        self.gather_below(files, page, value, "", folders);
    }

    /// Reads some lines of a program, the first and the last included.
    pub fn gather_lines(
        &mut self,
        files: &Files<'_>,
        page: &Page<'_>,
        (first, last): (u32, u32),
        folders: &BTreeSet<RepoPath>,
    ) {
        let lines = (1..).zip(page.text.lines()).filter(|(line, _)| (first..=last).contains(line));
        // What a condition names is not what is worked on.
        let lines = lines.map(|(_, line)| if line.contains("changeset") { "" } else { line });
        let text: String = lines.flat_map(|line| [line, "\n"]).collect();
        self.text(files, page, &(text + "\n"), first, "", folders);
    }

    fn gather_below(
        &mut self,
        files: &Files<'_>,
        page: &Page<'_>,
        value: &Located,
        key: &str,
        folders: &BTreeSet<RepoPath>,
    ) {
        match &value.value {
            Value::Table(_) => {
                let mut here = folders.clone();
                let defaults = value.at(&["defaults", "run"]);
                for (key, folder) in defaults.into_iter().chain([value]).flat_map(Located::entries) {
                    if FOLDER_KEYS.contains(&key.text.as_str())
                        && let Some(text) = folder.text()
                    {
                        let there = self.resolved(files, text, folders);
                        here.extend(there);
                    }
                }
                for (key, below) in value.entries().filter(|(key, _)| !SILENT.contains(&key.text.as_str())) {
                    self.gather_below(files, page, below, &key.text, &here);
                }
            }
            Value::List(items) => items.iter().for_each(|item| self.gather_below(files, page, item, key, folders)),
            Value::Text(text) => self.text(files, page, text, value.line, key, folders),
            _ => {}
        }
    }

    fn text(
        &mut self,
        files: &Files<'_>,
        page: &Page<'_>,
        text: &str,
        line: u32,
        key: &str,
        folders: &BTreeSet<RepoPath>,
    ) {
        let lower = text.to_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
        self.images |= says(&["docker", "buildx", "kaniko", "buildah", "podman", "skaffold", "jib", "bake"]);
        self.makes_all |= says(&["skaffold", "compose build", "compose up", "buildx bake"]);
        self.composes |= says(&["compose", "docker stack"]);
        self.charts |= says(&["helm", "chart", "kustomize", "skaffold"]);
        if key == "uses" {
            return;
        }
        let is_path = PATH_KEYS.contains(&key);
        let mut folders = folders.clone();
        // A block's line is that of its first text.
        let is_block = text.contains('\n');
        for (at, content) in (0..).zip(text.lines()) {
            let line = if is_block { line + at } else { line };
            self.line(files, page, (content, line), is_path, &mut folders);
        }
    }

    fn line(
        &mut self,
        files: &Files<'_>,
        page: &Page<'_>,
        (content, line): (&str, u32),
        is_path: bool,
        folders: &mut BTreeSet<RepoPath>,
    ) {
        if content.trim_start().starts_with(['#']) {
            return;
        }
        if self.words_read > MOST_WORDS {
            self.is_hidden = true;
            return;
        }
        let content = TOPS.iter().fold(content.to_owned(), |content, top| content.replace(top, "."));
        let mut before = String::new();
        for word in self.words(&content) {
            self.words_read += 1;
            let named = is_path || word.contains('/') || PATH_OPTIONS.contains(&before.as_str());
            if named {
                for path in self.resolved(files, &word, folders) {
                    if before == "cd" || before == "pushd" {
                        folders.insert(path.clone());
                    }
                    self.mention(files, path, page.evidence(line));
                }
            }
            before = word;
        }
    }

    /// The words of a line, with what their placeholders stand for.
    fn words(&self, content: &str) -> Vec<String> {
        let mut lines = vec![content.to_owned()];
        for (placeholder, values) in &self.values {
            if lines.iter().any(|line| line.contains(placeholder.as_str())) && lines.len() <= MOST_VALUES {
                let replaced =
                    lines.iter().flat_map(|line| values.iter().map(|value| line.replace(placeholder, value)));
                lines = replaced.take(MOST_VALUES).collect();
            }
        }
        let is_border = |c: char| c.is_whitespace() || "\"'`=,;()[]{}|&<>".contains(c);
        let is_word = |word: &str| !word.is_empty() && !word.contains("://") && !word.contains('$');
        let mut words = Vec::new();
        for line in &lines {
            let mut rest = line.as_str();
            while let Some(at) = rest.find(is_border) {
                // What goes on with a choice is no whole path.
                let is_whole = !rest[at..].starts_with(['(', '{', '[']) || !rest[..at].ends_with('/');
                words.extend(Some(&rest[..at]).filter(|word| is_whole && is_word(word)));
                rest = &rest[at + rest[at..].chars().next().map_or(1, char::len_utf8)..];
            }
            words.extend(Some(rest).filter(|word| is_word(word)));
        }
        words.into_iter().map(str::to_owned).collect()
    }

    /// The places that a word could mean, which are there.
    fn resolved(&self, files: &Files<'_>, word: &str, folders: &BTreeSet<RepoPath>) -> Vec<RepoPath> {
        let word = word.trim_start_matches(':');
        let plain = super::glob::plain_part(word.trim_end_matches("/...").trim_end_matches(':'));
        let plain = if word.starts_with("../") { word.trim_end_matches('/') } else { plain };
        if plain.is_empty() || plain == "." {
            return Vec::new();
        }
        let places = folders.iter().filter_map(|folder| folder.resolve(plain.as_bytes()).ok());
        places.filter(|path| !path.is_root() && files.has(path)).collect()
    }
}
