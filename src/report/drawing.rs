//! The graph as a drawing: Graphviz and Mermaid. One arrow for all lines that state the same edge.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::json::GraphReport;
use crate::discover::EdgeKind;
use crate::workspace::{ProjectId, ProjectKind};

/// The graph in the language of Graphviz.
pub fn dot(report: &GraphReport) -> String {
    let mut text =
        String::from("digraph knockon {\n  rankdir=LR;\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n");
    for project in &report.projects {
        let shape = match project.kind {
            ProjectKind::Service => "box",
            ProjectKind::Library => "ellipse",
            ProjectKind::Chart => "tab",
            ProjectKind::Schema => "note",
            ProjectKind::Workspace => "folder",
        };
        let (id, name) = (quoted(&project.id.to_string()), quoted(&project.name));
        let _ = writeln!(text, "  {id} [label={name}, shape={shape}];");
    }
    for ((from, to), kinds) in arrows(report) {
        let style =
            if kinds.iter().all(|kind| matches!(kind, EdgeKind::Test | EdgeKind::Deploy)) { "dashed" } else { "solid" };
        let (from, to) = (quoted(&from.to_string()), quoted(&to.to_string()));
        let _ = writeln!(text, "  {from} -> {to} [label={}, style={style}];", quoted(&words(&kinds)));
    }
    text.push_str("}\n");
    text
}

/// The graph in the language of Mermaid. Its node names are numbers, because it has no way to quote one.
pub fn mermaid(report: &GraphReport) -> String {
    let mut text = String::from("flowchart LR\n");
    let numbers: BTreeMap<&ProjectId, usize> =
        report.projects.iter().enumerate().map(|(number, project)| (&project.id, number)).collect();
    for (number, project) in report.projects.iter().enumerate() {
        let name = entities(&project.name);
        let _ = match project.kind {
            ProjectKind::Service => writeln!(text, "  p{number}[\"{name}\"]"),
            ProjectKind::Library => writeln!(text, "  p{number}([\"{name}\"])"),
            _ => writeln!(text, "  p{number}[/\"{name}\"/]"),
        };
    }
    for ((from, to), kinds) in arrows(report) {
        if let (Some(from), Some(to)) = (numbers.get(from), numbers.get(to)) {
            let _ = writeln!(text, "  p{from} -->|{}| p{to}", words(&kinds));
        }
    }
    text
}

pub(super) fn arrows(report: &GraphReport) -> BTreeMap<(&ProjectId, &ProjectId), BTreeSet<EdgeKind>> {
    let mut arrows: BTreeMap<_, BTreeSet<EdgeKind>> = BTreeMap::new();
    for edge in &report.edges {
        arrows.entry((&edge.from, &edge.to)).or_default().insert(edge.kind);
    }
    arrows
}

pub(super) fn words(kinds: &BTreeSet<EdgeKind>) -> String {
    kinds.iter().map(|kind| format!("{kind:?}").to_lowercase()).collect::<Vec<_>>().join(" ")
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Mermaid reads `#34;` as a quotation mark and takes almost everything else as it is.
fn entities(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_alphanumeric() || "._-/@ ".contains(c) { c.to_string() } else { format!("#{};", c as u32) })
        .collect()
}
