//! Patterns that were added to the lists of filters, as a unified diff for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::audit::ChangeReport;
use super::text::{FAINT, Look, NAME, STRONG, count};
use crate::path::{RepoPath, harmless};

/// So many lines are shown around what is added.
const AROUND: usize = 3;

/// What each file said before and says now.
pub type Edits = BTreeMap<RepoPath, (Vec<u8>, Vec<u8>)>;

/// All that was added, and how much that is.
pub fn changes_text(edits: &Edits, changes: &[ChangeReport], look: Look) -> String {
    let files = edits.iter().map(|(path, (before, after))| additions_text(path, before, after, look));
    let mut text: String = files.collect();
    let patterns: usize = changes.iter().map(|change| change.add.len()).sum();
    let _ = match changes.len() {
        0 => writeln!(text, "no list of a filter lacks a pattern that can be written"),
        lists => writeln!(
            text,
            "{} for {}",
            count(patterns, "missing pattern", "missing patterns"),
            count(lists, "list", "lists")
        ),
    };
    text
}

/// What was added to a file; nothing was taken out.
fn additions_text(file: &RepoPath, before: &[u8], after: &[u8], look: Look) -> String {
    let mut text = String::new();
    for (sign, side) in [("---", "a"), ("+++", "b")] {
        let _ = writeln!(text, "{}", look.paint(NAME, format!("{sign} {side}/{file}")));
    }
    let lines = |bytes| -> Vec<String> { <[u8]>::split(bytes, |byte| *byte == b'\n').map(line).collect() };
    let (before, after) = (lines(before), lines(after));
    let mut old = 0;
    let is_added: Vec<bool> = after
        .iter()
        .map(|line| {
            let is_known = before.get(old) == Some(line);
            old += usize::from(is_known);
            !is_known
        })
        .collect();
    let is_shown = |at: usize| {
        let (first, last) = (at.saturating_sub(AROUND), (at + AROUND + 1).min(is_added.len()));
        is_added[first..last].contains(&true) && !(at + 1 == after.len() && after[at].is_empty())
    };
    let mut added_before = 0;
    let mut at = 0;
    while at < after.len() {
        if !is_shown(at) {
            at += 1;
            continue;
        }
        let end = (at..after.len()).find(|at| !is_shown(*at)).unwrap_or(after.len());
        let added = is_added[at..end].iter().filter(|added| **added).count();
        let head = format!("@@ -{},{} +{},{} @@", at + 1 - added_before, end - at - added, at + 1, end - at);
        let _ = writeln!(text, "{}", look.paint(FAINT, head));
        for (line, is_added) in after[at..end].iter().zip(&is_added[at..end]) {
            let _ = match is_added {
                true => writeln!(text, "{}", look.paint(STRONG, format!("+{line}"))),
                false => writeln!(text, " {line}"),
            };
        }
        added_before += added;
        at = end;
    }
    text
}

/// A line, safe for a terminal.
fn line(bytes: &[u8]) -> String {
    harmless(bytes.strip_suffix(b"\r").unwrap_or(bytes)).to_string()
}
