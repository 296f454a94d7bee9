//! Lines that were added to a file, as a unified diff for people.

use std::fmt::Write as _;

use super::text::{FAINT, Look, NAME, STRONG};
use crate::path::{RepoPath, escape_for_people};

/// So many lines are shown around what is added.
const AROUND: usize = 3;

/// What to add to a file, where that makes the one text of the other and nothing is taken out.
pub fn additions_text(file: &RepoPath, before: &[u8], after: &[u8], look: Look) -> String {
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
    let mut safe = String::new();
    let _ = escape_for_people(bytes.strip_suffix(b"\r").unwrap_or(bytes), &mut safe);
    safe
}
