//! Why two fingerprints of a task differ.

use std::fmt::Write as _;

use super::{FAINT, Look, NAME, tree_text};
use crate::fingerprint::{Differing, Fingerprint, Sides};
use crate::path::harmless;
use crate::plan::TreeName;
use crate::workspace::TaskId;

/// A task in two trees.
pub struct DifferenceText<'a> {
    /// The task.
    pub task: &'a TaskId,
    /// The trees.
    pub names: [&'a TreeName; 2],
    /// Its fingerprint in each; none where it is not there.
    pub fingerprints: [Option<Fingerprint>; 2],
    /// The inputs that differ.
    pub differing: Vec<Differing>,
}

/// Both fingerprints, and each input that differs, with a `-` where the first tree alone has it, and a `+` where the
/// second has.
pub fn differences_text(told: &DifferenceText<'_>, look: Look) -> String {
    let mut text = format!("{}\n", look.paint(NAME, told.task.to_string()));
    for (name, fingerprint) in told.names.iter().zip(&told.fingerprints) {
        let fingerprint = fingerprint.map_or("has no such task".to_owned(), |print| print.to_string());
        let _ = writeln!(text, "  {fingerprint}  {}", look.paint(FAINT, tree_text(name)));
    }
    if told.fingerprints[0] == told.fingerprints[1] {
        text.push_str("nothing that it reads differs\n");
    }
    for differing in &told.differing {
        let (sides, what) = match differing {
            Differing::Part(part) => (Sides::Both, format!("its {part}")),
            Differing::File(path, sides) => (*sides, path.to_string()),
            Differing::Slice(file, name, sides) => (*sides, format!("{file} as far as `{}` reaches", harmless(name))),
            Differing::Read(task, sides) => (*sides, format!("the result of {task}")),
        };
        let sign = match sides {
            Sides::First => '-',
            Sides::Second => '+',
            Sides::Both => '~',
        };
        let _ = writeln!(text, "{sign} {what}");
    }
    text
}
