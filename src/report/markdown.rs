//! A plan as Markdown, for the page of a CI run. Text of the repository stands in it as character references wherever it
//! has a sign that Markdown or HTML could read, and what is too long is cut between rows.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::json::{AffectedProject, PlanReport};
use super::text::{cause_text, count, doubt_text, evidence_text, telling_causes, tree_text};

/// How many names stand in one cell, and how many doubts and files in a list.
const MOST_NAMES: usize = 100;
const MOST_LINES: usize = 20;

/// Room for the line that says that a table is cut, and for that with a header.
const CUT: usize = 100;
const LEAST: usize = 200;

/// The plan in at most so many bytes: which trees were compared, what is affected and why, and what runs in which order.
/// Nothing where not even the beginnings of these fit.
pub fn plan_summary(report: &PlanReport, room: usize) -> String {
    let head = head(report) + &remainder(report);
    let Some(room) = room.checked_sub(head.len()).filter(|room| *room >= 2 * LEAST) else { return String::new() };
    // The order is short, and what it leaves is for the projects.
    let order = order(report, room / 2);
    let projects = projects(report, room - order.len());
    head + &projects + &order
}

fn head(report: &PlanReport) -> String {
    let range = &report.affected.range;
    let needed = report.tasks.iter().filter(|task| !task.affected).count();
    let mut title = match &report.service {
        Some(service) => {
            let version = report.version.as_deref().unwrap_or("no version");
            format!("release of {} {}", escaped(&service.to_string()), escaped(version))
        }
        None if report.affected.projects.is_empty() => "nothing is affected".to_owned(),
        None => {
            let projects = count(report.affected.projects.len(), "project", "projects");
            format!("{projects} and {} affected", count(report.tasks.len() - needed, "task", "tasks"))
        }
    };
    if needed > 0 {
        let _ = write!(title, ", {needed} more needed");
    }
    let bases = if range.bases.is_empty() { std::slice::from_ref(&range.base) } else { &range.bases };
    let bases: Vec<String> = bases.iter().map(|base| code(&tree_text(base))).collect();
    let mut text = format!("## knockon: {title}\n\n");
    let _ = writeln!(text, "Base {}, head {}: {}", bases.join(", "), code(&tree_text(&range.head)), {
        escaped(&range.decision)
    });
    if let Some(fetch) = &range.fetch {
        let _ = writeln!(text, "\nA better base takes {}", code(&fetch.to_string()));
    }
    if let Some(selection) = &report.selection {
        let name = report.pipeline.as_deref().unwrap_or("none");
        let _ = writeln!(text, "\nPipeline {}: {}", code(name), escaped(selection));
    }
    text
}

/// What could not be known, and what nobody reads.
fn remainder(report: &PlanReport) -> String {
    let affected = &report.affected;
    let mut text = String::new();
    let mut list = |title: &str, lines: &mut dyn ExactSizeIterator<Item = String>| {
        let there = lines.len();
        if there > 0 {
            let _ = writeln!(text, "\n{title}\n");
            lines.take(MOST_LINES).for_each(|line| text.push_str(&format!("- {line}\n")));
        }
        if there > MOST_LINES {
            let _ = writeln!(text, "- and {} more", there - MOST_LINES);
        }
    };
    list("Widened, as this cannot be known:", &mut affected.widened.iter().map(|doubt| escaped(&doubt_text(doubt))));
    let paths = |path: &crate::path::RepoPath| code(&path.to_string());
    list("No project owns or reads:", &mut affected.unowned.iter().map(paths));
    list("Read by no task:", &mut affected.unread.iter().map(paths));
    list("Removed:", &mut affected.removed.iter().map(|project| code(&project.to_string())));
    list("Left out for their environments:", &mut report.withheld.iter().map(|task| code(&task.to_string())));
    text
}

fn projects(report: &PlanReport, room: usize) -> String {
    let mut order: Vec<&AffectedProject> = report.affected.projects.iter().collect();
    order.sort_by_key(|project| (project.distance, &project.id));
    let rows = order.into_iter().map(|project| {
        let causes = telling_causes(&project.causes);
        let (why, evidence) = causes.first().map(|cause| cause_text(cause)).unwrap_or_default();
        let more = match causes.len() {
            0 | 1 => String::new(),
            causes => format!(" (and {})", count(causes - 1, "cause more", "causes more")),
        };
        let tasks = names(project.tasks.iter().map(|task| task.0.as_str()));
        let line = evidence.map(|evidence| code(&evidence_text(evidence))).unwrap_or_default();
        format!("| {} | {tasks} | {}{more} | {line} |\n", code(&project.id.to_string()), escaped(&why))
    });
    table("\n| Project | Tasks | Why | Where it says so |\n|---|---|---|---|\n", rows, room)
}

fn order(report: &PlanReport, room: usize) -> String {
    let mut cells: BTreeMap<(usize, &str), Vec<String>> = BTreeMap::new();
    for task in &report.tasks {
        // Several projects may go by one short name.
        cells.entry((task.layer, &task.task.0)).or_default().push(task.project.to_string());
    }
    let rows = cells.into_iter().map(|((layer, task), projects)| {
        format!("| {} | {} | {} |\n", layer + 1, code(task), names(projects.iter().map(String::as_str)))
    });
    table("\n| Layer | Task | Projects |\n|---|---|---|\n", rows, room)
}

/// A table of as many rows as there is room for, which is [`LEAST`] or more; nothing where there are none.
fn table(header: &str, rows: impl ExactSizeIterator<Item = String>, room: usize) -> String {
    let there = rows.len();
    if there == 0 {
        return String::new();
    }
    let mut text = header.to_owned();
    for (number, row) in rows.enumerate() {
        if text.len() + row.len() + CUT > room {
            let _ = writeln!(
                text,
                "\nCut here, as the page takes no more: {} of {there} rows are left out",
                there - number
            );
            break;
        }
        text.push_str(&row);
    }
    text
}

fn names<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let left = names.len().saturating_sub(MOST_NAMES);
    let shown: Vec<String> = names.take(MOST_NAMES).map(escaped).collect();
    if left == 0 { shown.join(", ") } else { format!("{} and {left} more", shown.join(", ")) }
}

/// Text as it is written, in which neither people nor issues are mentioned.
fn code(text: &str) -> String {
    format!("<code>{}</code>", escaped(text))
}

/// Text in which nothing is Markdown, HTML or a link: what stands for a sign by its number is never read as one.
fn escaped(text: &str) -> String {
    let plain = crate::path::harmless(text).to_string();
    let mut safe = String::with_capacity(plain.len());
    for c in plain.chars() {
        if c.is_ascii_punctuation() && !"/.,-()'=;".contains(c) {
            let _ = write!(safe, "&#{};", u32::from(c));
        } else {
            safe.push(c);
        }
    }
    // What looks like a web site is made a link of without any sign for it.
    safe.replace("www.", "www&#46;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_16_no_text_is_markdown_or_html() {
        let text = escaped("a|b `c` <img src=x onerror=y> [l](http://x) *_~#@&amp; \\| \n\r\u{202e}!$");
        assert!(!text.contains(['|', '`', '<', '>', '[', ']', '*', '_', '~', '@', '\\', '\n', '\r', ':', '\u{202e}']));
        assert_eq!(escaped("src/lib-a.go (x)"), "src/lib-a.go (x)");
        assert_eq!(escaped("a|b<"), "a&#124;b&#60;");
        assert_eq!(escaped("www.example.org/x.y"), "www&#46;example.org/x.y");
    }

    #[test]
    fn a_table_is_cut_between_rows_and_says_so() {
        let rows = || (0..1_000).map(|number| format!("| row {number} |\n")).collect::<Vec<_>>().into_iter();
        let whole = table("| H |\n|---|\n", rows(), usize::MAX);
        assert_eq!(whole.lines().count(), 1_002);
        for room in [LEAST, 500, 5_000] {
            let cut = table("| H |\n|---|\n", rows(), room);
            assert!(cut.len() <= room);
            let told = cut.lines().filter(|line| line.starts_with("| row")).count();
            let wanted = format!("Cut here, as the page takes no more: {} of 1000 rows are left out", 1_000 - told);
            assert_eq!(cut.lines().last(), Some(&wanted[..]));
        }
        assert_eq!(table("| H |\n", Vec::new().into_iter(), 1_000), "");
    }
}
