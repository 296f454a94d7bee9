//! `Chart.yaml`, `requirements.yaml` and their lock files.

use std::sync::Arc;

use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};

use crate::discover::syntax::{Lines, Located, Stated};
use crate::discover::{FragmentIndex, Fragments};

/// What a `Chart.yaml` says.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::discover) struct Chart {
    pub(super) name: Option<Stated<String>>,
    /// A library chart is packaged with others and deploys nothing by itself.
    pub(super) library: bool,
    pub(super) dependencies: Vec<Stated<Dependency>>,
}

/// A chart that a chart is packaged with, stated by the line of its repository where it has one.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::discover) struct Dependency {
    pub(super) name: String,
    /// A range in `Chart.yaml`, a version in `Chart.lock`.
    pub(super) version: String,
    /// `file://../common`, `https://…`, `oci://…`, `@name`; empty for a chart vendored in `charts/`.
    pub(super) repository: String,
}

/// What a lock file says.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::discover) struct Lock {
    pub(super) dependencies: Vec<Stated<Dependency>>,
    pub(super) fragments: Arc<Fragments>,
    /// All that it says; none where it is no single table.
    pub(super) all: Option<FragmentIndex>,
}

impl Lock {
    /// Reads a lock file. When it was written changes nothing, and neither does the digest over what is asked for.
    pub(super) fn read(documents: &[Located], lines: &Lines<'_>) -> Self {
        let dependencies = read_dependencies(documents.first(), lines);
        let mut fragments = Fragments::default();
        let all = match documents {
            [document] if document.is_table() => {
                let is_apart = |key: &str| matches!(key, "dependencies" | "digest" | "generated");
                let mut said = fragments.add_table("", document, is_apart);
                let entries = document.get("dependencies").map_or(&[][..], Located::items);
                said.extend(entries.iter().map(|entry| {
                    let name = entry.get("name").and_then(Located::scalar).unwrap_or_default();
                    fragments.add(name, entry.line, &[&entry.canonical()])
                }));
                Some(fragments.group("locked", 1, said))
            }
            _ => None,
        };
        Self { dependencies, fragments: fragments.sealed(), all }
    }
}

pub(super) fn read_chart(document: &Located, lines: &Lines<'_>) -> Chart {
    let name = document.get("name").and_then(|name| Some(lines.stated(name.line, name.scalar()?)));
    let library = document.get("type").and_then(Located::text) == Some("library");
    Chart { name, library, dependencies: read_dependencies(Some(document), lines) }
}

pub(super) fn read_dependencies(document: Option<&Located>, lines: &Lines<'_>) -> Vec<Stated<Dependency>> {
    let list = document.and_then(|document| document.get("dependencies"));
    let items = list.map_or(&[][..], Located::items);
    items
        .iter()
        .filter_map(|item| {
            let text = |key| item.get(key).and_then(Located::scalar).unwrap_or_default();
            let name = item.get("name")?;
            let repository = text("repository");
            let stating = item.get("repository").filter(|_| repository.starts_with("file:")).unwrap_or(name);
            let dependency = Dependency { name: name.scalar()?, version: text("version"), repository };
            Some(lines.stated(stating.line, dependency))
        })
        .collect()
}

/// Whether a locked version may be what the range asks for. A range that is not understood is no finding.
pub(super) fn may_satisfy(locked: &str, range: &str) -> bool {
    let bare = |text: &str| text.trim().trim_start_matches(['v', '=']).trim().to_owned();
    let Ok(version) = Version::parse(&bare(locked)) else { return bare(locked) == bare(range) || !is_exact(range) };
    if let Ok(exact) = Version::parse(&bare(range)) {
        return exact.cmp_precedence(&version).is_eq();
    }
    range.split("||").any(|part| match parse_range(part) {
        Some(wanted) => wanted.matches(&version),
        None => true,
    })
}

fn is_exact(range: &str) -> bool {
    range.trim().trim_start_matches(['v', '=']).starts_with(|c: char| c.is_ascii_digit()) && !range.contains(['x', '*'])
}

/// The ranges that Helm and Cargo read alike; a bare partial version stands for all versions that begin with it.
fn parse_range(part: &str) -> Option<VersionReq> {
    let part = part.trim().to_lowercase().replace(['x'], "*");
    if part.is_empty() || part == "*" {
        return Some(VersionReq::STAR);
    }
    if part.contains(" - ") || part.contains('v') {
        return None;
    }
    // Helm separates comparisons by a comma or by white space, and allows white space behind an operator.
    let mut comparisons: Vec<String> = Vec::new();
    for word in part.split([' ', ',']).filter(|word| !word.is_empty()) {
        match comparisons.last_mut() {
            Some(last) if last.ends_with(['<', '>', '=', '~', '^']) => last.push_str(word),
            _ => comparisons.push(word.to_owned()),
        }
    }
    for comparison in &mut comparisons {
        if comparison.starts_with(|c: char| c.is_ascii_digit()) && !comparison.contains('*') {
            comparison.insert(0, '=');
        }
    }
    VersionReq::parse(&comparisons.join(", ")).ok()
}
