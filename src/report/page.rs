//! The graph as one page that needs nothing else: layers from left to right, and behind each edge the line that
//! states it. Text of the repository reaches the page escaped, as text or as JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::drawing::arrows;
use super::json::GraphReport;
use crate::discover::EdgeKind;
use crate::plan::layers;
use crate::workspace::{ProjectId, ProjectKind};

const PAGE: &str = include_str!("page.html");

const ROW: usize = 34;
const COLUMN_GAP: usize = 90;
const BOX_HEIGHT: usize = 24;
const CHARACTER: usize = 7;
const MARGIN: usize = 20;

#[derive(Serialize)]
struct PageData {
    projects: Vec<PageProject>,
    arrows: Vec<PageArrow>,
}

#[derive(Serialize)]
struct PageProject {
    id: String,
    name: String,
    kind: String,
    ecosystems: String,
    owners: String,
    tasks: String,
}

#[derive(Serialize)]
struct PageArrow {
    from: usize,
    to: usize,
    kinds: String,
    lines: Vec<String>,
}

/// Where a project stands on the page.
#[derive(Clone, Copy)]
struct Place {
    x: usize,
    y: usize,
    width: usize,
}

/// The page.
pub fn html(report: &GraphReport) -> String {
    let summary = format!("{} projects, {} edges", report.projects.len(), report.edges.len());
    let kinds: BTreeSet<ProjectKind> = report.projects.iter().map(|project| project.kind).collect();
    let mut keys = String::new();
    for kind in kinds {
        let _ = write!(keys, "<span class=\"key {kind}\">{kind}</span>");
    }
    let data = serde_json::to_string(&data(report)).unwrap_or_default().replace('<', "\\u003c");
    let mut page = String::with_capacity(PAGE.len() + data.len() * 2);
    // One pass, so that nothing of the repository is taken for a placeholder.
    for (number, part) in PAGE.split('%').enumerate() {
        match part {
            "SUMMARY" if number % 2 == 1 => page.push_str(&summary),
            "KEYS" if number % 2 == 1 => page.push_str(&keys),
            "DRAWING" if number % 2 == 1 => page.push_str(&drawing(report)),
            "GRAPH" if number % 2 == 1 => page.push_str(&data),
            _ => page.push_str(part),
        }
    }
    page
}

fn data(report: &GraphReport) -> PageData {
    let numbers = numbers(report);
    let mut lines: BTreeMap<(&ProjectId, &ProjectId), Vec<String>> = BTreeMap::new();
    for edge in &report.edges {
        let evidence = &edge.evidence;
        let line = format!("{}:{}  {}", evidence.file, evidence.line, evidence.text);
        lines.entry((&edge.from, &edge.to)).or_default().push(line);
    }
    let projects = report.projects.iter().map(|project| PageProject {
        id: project.id.to_string(),
        name: project.name.clone(),
        kind: project.kind.to_string(),
        ecosystems: project.ecosystems.join(" "),
        owners: project.owners.join(" "),
        tasks: project.tasks.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
    });
    let arrows = arrows(report).into_iter().filter_map(|((from, to), kinds)| {
        Some(PageArrow {
            from: *numbers.get(from)?,
            to: *numbers.get(to)?,
            kinds: super::drawing::words(&kinds),
            lines: lines.remove(&(from, to)).unwrap_or_default(),
        })
    });
    PageData { projects: projects.collect(), arrows: arrows.collect() }
}

fn numbers(report: &GraphReport) -> BTreeMap<&ProjectId, usize> {
    report.projects.iter().enumerate().map(|(number, project)| (&project.id, number)).collect()
}

fn drawing(report: &GraphReport) -> String {
    let places = places(report);
    let width = places.values().map(|place| place.x + place.width).max().unwrap_or(0) + MARGIN;
    let height = places.values().map(|place| place.y).max().unwrap_or(0) + ROW + MARGIN;
    let mut svg = format!("<svg width=\"{width}\" height=\"{height}\" xmlns=\"http://www.w3.org/2000/svg\">");
    for ((from, to), kinds) in arrows(report) {
        let (Some(from), Some(to)) = (places.get(from), places.get(to)) else { continue };
        // Who depends stands left of what it depends on.
        let (x1, y1) = (from.x + from.width, from.y + BOX_HEIGHT / 2);
        let (x2, y2) = (to.x, to.y + BOX_HEIGHT / 2);
        let bend = x2.abs_diff(x1).max(COLUMN_GAP) / 2;
        let (c1, c2) = (x1 + bend, x2.saturating_sub(bend));
        let weak = kinds.iter().all(|kind| matches!(kind, EdgeKind::Test | EdgeKind::Deploy));
        let class = if weak { "edge weak" } else { "edge" };
        let _ = write!(svg, "<path class=\"{class}\" d=\"M{x1} {y1}C{c1} {y1} {c2} {y2} {x2} {y2}\"/>");
    }
    for project in &report.projects {
        let Some(place) = places.get(&project.id) else { continue };
        let Place { x, y, width } = *place;
        let (kind, name, id) = (project.kind, escaped(&project.name), escaped(&project.id.to_string()));
        let _ = write!(
            svg,
            "<g class=\"node {kind}\" tabindex=\"0\"><title>{id}</title><rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{BOX_HEIGHT}\" rx=\"5\"/><text x=\"{}\" y=\"{}\">{name}</text></g>",
            x + 8,
            y + 16
        );
    }
    svg.push_str("</svg>");
    svg
}

/// Columns by layer, who depends on most at the left; within a column each project near what it is joined to.
fn places(report: &GraphReport) -> BTreeMap<&ProjectId, Place> {
    let mut needs: BTreeMap<&ProjectId, BTreeSet<ProjectId>> =
        report.projects.iter().map(|project| (&project.id, BTreeSet::new())).collect();
    let mut neighbours: BTreeMap<&ProjectId, Vec<&ProjectId>> = BTreeMap::new();
    for edge in &report.edges {
        if let Some(needed) = needs.get_mut(&edge.from) {
            needed.insert(edge.to.clone());
        }
        neighbours.entry(&edge.from).or_default().push(&edge.to);
        neighbours.entry(&edge.to).or_default().push(&edge.from);
    }
    let layers = layers(&needs);
    let deepest = layers.values().copied().max().unwrap_or(0);
    let mut columns: Vec<Vec<&super::json::GraphProject>> = vec![Vec::new(); deepest + 1];
    for project in &report.projects {
        let layer = layers.get(&project.id).copied().unwrap_or(0);
        columns[deepest - layer].push(project);
    }
    let mut rows: BTreeMap<&ProjectId, usize> = BTreeMap::new();
    for _ in 0..4 {
        for column in &mut columns {
            column.sort_by_cached_key(|project| {
                let near = neighbours.get(&project.id).map(Vec::as_slice).unwrap_or_default();
                let placed: Vec<usize> = near.iter().filter_map(|id| rows.get(id).copied()).collect();
                let middle =
                    if placed.is_empty() { usize::MAX } else { placed.iter().sum::<usize>() * 16 / placed.len() };
                (middle, &project.id)
            });
            rows.extend(column.iter().enumerate().map(|(row, project)| (&project.id, row)));
        }
    }
    let mut places = BTreeMap::new();
    let mut x = MARGIN;
    for column in columns {
        let width = column.iter().map(|project| project.name.width() * CHARACTER + 18).max().unwrap_or(0);
        for (row, project) in column.into_iter().enumerate() {
            let own = project.name.width() * CHARACTER + 18;
            places.insert(&project.id, Place { x, y: MARGIN + row * ROW, width: own });
        }
        x += width + COLUMN_GAP;
    }
    places
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            _ => safe.push(character),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Evidence;
    use crate::path::RepoPath;
    use crate::plan::{TreeKind, TreeName};
    use crate::report::json::{GraphProject, SCHEMA};
    use crate::workspace::Edge;

    #[test]
    fn text_of_the_repository_cannot_become_markup() {
        let id = |text: &str| ProjectId(RepoPath::from_git(text.as_bytes()).unwrap());
        let project = |text: &str| GraphProject {
            id: id(text),
            name: text.to_owned(),
            kind: ProjectKind::Library,
            ecosystems: Vec::new(),
            aliases: Vec::new(),
            owners: Vec::new(),
            tasks: Vec::new(),
            joined: Vec::new(),
            evidence: Vec::new(),
        };
        let (evil, other) = ("<script>alert(1)<", "%GRAPH%");
        let evidence = Evidence::new(&RepoPath::root(), 1, "</script><b>%DRAWING%");
        let report = GraphReport {
            schema: SCHEMA,
            tree: TreeName { kind: TreeKind::Empty, commit: None, revision: None },
            projects: vec![project(other), project(evil)],
            edges: vec![Edge { from: id(evil), to: id(other), kind: EdgeKind::Build, evidence }],
        };
        let page = html(&report);
        assert_eq!(page.matches("<script").count(), 2, "the page's own two");
        assert_eq!(page.matches("</script>").count(), 2);
        assert!(!page.contains("<b>"));
        assert_eq!(page.matches("<svg").count(), 1);
        assert_eq!(page.matches("class=\"edge\"").count(), 1);
    }
}
