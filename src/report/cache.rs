//! What is kept between runs, for people and programs.

use schemars::JsonSchema;
use serde::Serialize;

use super::text::count;
use crate::path::harmless;

/// What `cache` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CacheReport {
    /// The version of this format.
    pub schema: u32,
    /// The folder that it lies in.
    pub folder: String,
    /// How many items this build can use.
    pub items: usize,
    /// How many bytes they take.
    pub bytes: u64,
    /// How many items of other builds, or unfinished ones, there are.
    pub others: usize,
    /// How many bytes they take.
    pub other_bytes: u64,
    /// Whether all of them were removed.
    pub cleared: bool,
}

/// What is kept, or was removed.
pub fn cache_text(report: &CacheReport) -> String {
    let removed = if report.cleared { "removed from " } else { "" };
    let (folder, items) = (harmless(&report.folder), count(report.items, "item", "items"));
    let mut text = format!("{removed}{folder}: {items}, {}\n", megabytes(report.bytes));
    if report.others > 0 {
        let others = count(report.others, "item", "items");
        text.push_str(&format!("of other builds or unfinished: {others}, {}\n", megabytes(report.other_bytes)));
    }
    if !report.cleared {
        text.push_str(
            "it holds workspaces and digests that were worked out before; `knockon cache --clear` removes it,\n",
        );
        text.push_str("and nothing but time is lost\n");
    }
    text
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
