//! What a `Gemfile.lock` says: gems with their versions and sources, and what each needs.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::discover::locked::{Locked, LockedEntry};
use crate::discover::syntax::{Unreadable, text_of};

/// The entry of what holds for all gems.
pub(super) const SETTINGS: &str = "settings";

/// The facts of one lockfile.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::discover) struct Lockfile {
    pub locked: Locked,
    /// The gems that are not the repository's.
    elsewhere: BTreeSet<String>,
}

impl Lockfile {
    /// Whether a gem comes from a registry or another repository.
    pub fn is_from_elsewhere(&self, name: &str) -> bool {
        self.elsewhere.contains(name)
    }
}

/// Reads a lockfile, line by line.
pub(super) fn read_lock(bytes: &[u8]) -> Result<Lockfile, Unreadable> {
    let text = text_of(bytes)?;
    let (mut lockfile, mut entries) = (Lockfile::default(), Vec::<LockedEntry>::new());
    let (mut section, mut source) = ("", Vec::<String>::new());
    let mut settings = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let number = number as u32 + 1;
        let content = line.trim_start_matches(' ');
        let content = content.trim_end();
        let depth = line.len() - line.trim_start_matches(' ').len();
        if ["<<<<<<<", "=======", ">>>>>>>"].iter().any(|sign| content.starts_with(sign)) {
            return Err(Unreadable::at(number, "it holds a conflict"));
        }
        let name = content.split([' ', '!']).next().unwrap_or_default();
        match (section, depth) {
            _ if content.is_empty() => {}
            (_, 0) => {
                section = content;
                source = vec![section.to_owned()];
            }
            ("GEM" | "GIT" | "PATH" | "PLUGIN SOURCE", 2) => {
                if content != "specs:" {
                    source.push(content.to_owned());
                }
            }
            ("GEM" | "GIT" | "PATH" | "PLUGIN SOURCE", 4) => {
                if section != "PATH" {
                    lockfile.elsewhere.insert(name.to_owned());
                }
                let said = source.iter().cloned().chain([content.to_owned()]).collect();
                entries.push(LockedEntry { name: name.to_owned(), line: number, said, needs: Vec::new() });
            }
            ("GEM" | "GIT" | "PATH" | "PLUGIN SOURCE", 6) => match entries.last_mut() {
                Some(entry) => entry.needs.push(name.to_owned()),
                None => return Err(Unreadable::at(number, "a dependency stands before its gem")),
            },
            ("CHECKSUMS", 2) => {
                let said = vec![content.to_owned()];
                entries.push(LockedEntry { name: name.to_owned(), line: number, said, needs: Vec::new() });
            }
            // What the Gemfile says itself.
            ("DEPENDENCIES", 2) => {}
            (_, 2 | 3) => settings.push(format!("{section} {content}")),
            _ => return Err(Unreadable::at(number, "the line is not understood")),
        }
    }
    settings.sort();
    entries.push(LockedEntry { name: SETTINGS.to_owned(), line: 1, said: settings, needs: Vec::new() });
    lockfile.locked = Locked::of(entries);
    Ok(lockfile)
}
