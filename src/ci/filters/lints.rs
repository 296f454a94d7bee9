//! Faults of pipelines that show in single lines: references that never are, tags that collide, versions that are
//! replaced.

use super::PathFilter;
use super::files::{Page, texts};
use crate::diagnostic::Diagnostic;
use crate::discover::syntax::Located;
use crate::workspace::near_names;

/// What stands directly below `refs/` in git and with those who serve it.
const NAMESPACES: [&str; 13] = [
    "heads",
    "tags",
    "pull",
    "remotes",
    "notes",
    "merge-requests",
    "pull-requests",
    "changes",
    "for",
    "stash",
    "replace",
    "pipelines",
    "environments",
];

/// More findings of one kind in one file say nothing more.
const MOST: usize = 20;

/// What the lines of a file show.
pub(super) fn of_page(page: &Page<'_>, findings: &mut Vec<Diagnostic>) {
    let mut found = Vec::new();
    references(page, &mut found);
    found.truncate(MOST);
    if let Some(finding) = last_segment(page) {
        found.push(finding);
    }
    if let Some(finding) = forced_push(page) {
        found.push(finding);
    }
    findings.extend(found);
}

fn code_lines<'a>(page: &'a Page<'_>) -> impl Iterator<Item = (u32, &'a str)> {
    let lines = (1..).zip(page.text.lines());
    lines.filter(|(_, line)| !line.trim_start().starts_with('#'))
}

/// `refs/head/main` and its kind: no engine makes such a reference, so a condition is never true.
fn references(page: &Page<'_>, found: &mut Vec<Diagnostic>) {
    for (number, line) in code_lines(page) {
        let line = line.split(" #").next().unwrap_or(line);
        for (at, _) in line.match_indices("refs/") {
            // `xrefs/` and `a/refs/` are other things.
            if line[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '/' | '_' | '-' | '.')) {
                continue;
            }
            let rest = &line[at + "refs/".len()..];
            let word =
                &rest[..rest.find(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_')).unwrap_or(rest.len())];
            let is_namespace = rest[word.len()..].starts_with('/') && !word.is_empty();
            if !is_namespace || NAMESPACES.contains(&word) {
                continue;
            }
            let near = near_names(word, NAMESPACES.into_iter());
            let help = match near.first() {
                Some(near) => format!("did you mean `refs/{near}/…`?"),
                None => format!("branches are below `refs/heads/`: `refs/heads/{word}/…`"),
            };
            let message = format!("no branch and no tag is below `refs/{word}/`, so this never matches");
            found.push(Diagnostic::warning("mistyped-ref", message).at(&page.evidence(number)).help(help));
        }
    }
}

/// The last segment of a branch's name as a version or a tag.
fn last_segment(page: &Page<'_>) -> Option<Diagnostic> {
    let names = ["build.sourcebranchname", "github_ref##*/", "build_sourcebranchname"];
    let uses = ["tag", "image", "version", " -t "];
    let (line, _) = code_lines(page).find(|(_, line)| {
        let lower = line.to_lowercase();
        names.iter().any(|name| lower.contains(name)) && uses.iter().any(|word| lower.contains(word))
    })?;
    let message = "the version is the last segment of the branch's name: `feature/a/fix` and `feature/b/fix` get the \
                   same one, and a pull request is called `merge`";
    let help = "make it from the whole name, the commit, or the version of a release branch";
    Some(Diagnostic::warning("colliding-version", message).at(&page.evidence(line)).help(help))
}

/// A push that replaces a version that is out already.
fn forced_push(page: &Page<'_>) -> Option<Diagnostic> {
    let pushes = ["helm push", "helm cm-push", "helm chart push", "acr import"];
    let forces_by_variable =
        code_lines(page).any(|(_, line)| line.contains("force='--force'") || line.contains("force=\"--force\""));
    let (line, _) = code_lines(page).find(|(_, line)| {
        let forces = line.contains(" --force") || (forces_by_variable && line.contains("$force"));
        forces && pushes.iter().any(|push| line.contains(push))
    })?;
    let message = "the push is forced: a version that is released twice is replaced, and nobody is told";
    let help = "let the push fail where the version is there already";
    Some(Diagnostic::warning("forced-push", message).at(&page.evidence(line)).help(help))
}

/// A pipeline of release branches that also asks for changed paths.
pub(super) fn new_branches(trigger: &Located, filter: &PathFilter, findings: &mut Vec<Diagnostic>) {
    let branches = match trigger.get("branches") {
        Some(branches) => texts(branches.get("include").unwrap_or(branches)),
        None => Vec::new(),
    };
    let is_release = |name: &str| name.to_lowercase().contains("release") && name.contains('*');
    // Where another branch starts it too, releases may start it by way of that. What is written as a reference is judged
    // by what it says.
    let others = branches.iter().any(|(name, _)| !is_release(name) && !name.starts_with("refs/"));
    let release = branches.iter().find(|(name, _)| is_release(name));
    let Some((release, _)) = release.filter(|_| !others && !filter.patterns.is_empty()) else { return };
    let message = format!("a new branch `{release}` starts nothing unless it changes one of these paths");
    let help = "let release branches start it by their name alone: leave `paths` out";
    findings.push(Diagnostic::warning("release-needs-change", message).at(&filter.place).help(help));
}
