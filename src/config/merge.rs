//! The files of one tree become one configuration.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::mistake::Mistake;
use super::policy;
use super::read::{read, said_twice};
use super::{Configuration, ProjectReference, ProjectSettings, Written};
use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::path::RepoPath;

/// The configuration that all `knockon.toml` of a tree make together; none where one of them has an error.
pub fn read_all(files: &[(RepoPath, Arc<[u8]>)]) -> (Option<Configuration>, Vec<Diagnostic>) {
    let mut findings = Vec::new();
    let mut root = Configuration::default();
    let mut nested = Vec::new();
    let mut readable = true;
    for (path, bytes) in files {
        let (configuration, found) = read(path, bytes);
        findings.extend(found);
        match configuration {
            Some(configuration) if path.parent().is_some_and(|folder| folder.is_root()) => root = configuration,
            Some(configuration) => nested.push(configuration),
            None => readable = false,
        }
    }
    let (merged, found) = merge(root, nested);
    readable &= !found.iter().any(|finding| finding.severity == Severity::Error);
    findings.extend(found);
    (readable.then_some(merged), findings)
}

/// Joins the configuration at the root with those of the projects' folders. A project may be spoken of in both, but
/// each thing is said once: never does the last one win. An error means that the result is not what was meant.
pub fn merge(root: Configuration, nested: Vec<Configuration>) -> (Configuration, Vec<Diagnostic>) {
    let mut merged = root;
    let mut diagnostics = Vec::new();
    let mut projects: BTreeMap<ProjectReference, ProjectSettings> = BTreeMap::new();
    let mut nested: Vec<_> = nested.into_iter().flat_map(|configuration| configuration.projects).collect();
    nested.sort_by(|a, b| a.project.value.cmp(&b.project.value));
    for settings in merged.projects.into_iter().chain(nested) {
        // `[project.delivery]` may mean the top-level folder of that name; the workspace, which knows, decides.
        match projects.get_mut(&settings.project.value) {
            Some(first) => first.join(settings, &mut diagnostics),
            None => {
                projects.insert(settings.project.value.clone(), settings);
            }
        }
    }
    merged.projects = projects.into_values().collect();
    diagnostics.extend(said_twice(&merged.projects));
    diagnostics.extend(policy::violations(&merged));
    diagnostics.sort_by(|a, b| a.place.cmp(&b.place));
    (merged, diagnostics)
}

impl ProjectSettings {
    /// Takes over what else is said of the same project. What is said twice is an error at its second place.
    pub fn join(&mut self, second: ProjectSettings, diagnostics: &mut Vec<Diagnostic>) {
        let mut conflict = |key: &str, first: &Place, second: &Place| {
            let message = format!("`{key}` of this project is said already at {}:{}", first.file, first.line);
            diagnostics.push(Mistake::new("duplicate-key", message, "keep one of the two").at(second.clone()));
        };
        match (&self.name, &second.name) {
            (Some(one), Some(other)) => conflict("name", &one.place, &other.place),
            (None, Some(_)) => self.name = second.name,
            _ => {}
        }
        join_list("owners", &mut self.owners, second.owners, &mut conflict);
        join_list("depends-on", &mut self.depends_on, second.depends_on, &mut conflict);
        join_list("inputs", &mut self.inputs, second.inputs, &mut conflict);
        for (name, task) in second.tasks {
            match self.tasks.get(&name) {
                Some(one) => conflict(&format!("task.{name}"), &one.name.place, &task.name.place),
                None => {
                    self.tasks.insert(name, task);
                }
            }
        }
    }
}

fn join_list<T>(
    key: &str,
    first: &mut Vec<Written<T>>,
    second: Vec<Written<T>>,
    conflict: &mut impl FnMut(&str, &Place, &Place),
) {
    match (first.first(), second.first()) {
        (Some(one), Some(other)) => conflict(key, &one.place, &other.place),
        (None, Some(_)) => *first = second,
        _ => {}
    }
}
