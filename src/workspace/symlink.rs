//! Symbolic links: what one points to inside the repository is an input of whoever reads the link.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::path::RepoPath;

/// How many links one path may pass through before it counts as a loop, as Linux does.
pub const MOST_LINKS: usize = 40;

/// Links by their path, with the path that each points to as its text reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Symlinks(BTreeMap<RepoPath, RepoPath>);

impl Symlinks {
    /// Takes the links of a tree with their target texts. Targets outside the repository are told in findings: their
    /// content is no input that anyone could see.
    pub(super) fn new(links: &[(RepoPath, Arc<[u8]>)]) -> (Self, Vec<Diagnostic>) {
        let mut known = BTreeMap::new();
        let mut findings = Vec::new();
        for (path, target) in links {
            let folder = path.parent().unwrap_or_else(RepoPath::root);
            match folder.resolve(target) {
                Ok(target) if target == *path => findings.push(
                    Diagnostic::warning("symlink-loop", format!("the symbolic link {path} points to itself"))
                        .help("remove the link, or point it to a file"),
                ),
                Ok(target) => {
                    known.insert(path.clone(), target);
                }
                Err(_) => findings.push(
                    Diagnostic::note(
                        "symlink-outside",
                        format!("the symbolic link {path} leads out of the repository"),
                    )
                    .help("what it points to is no input of any task, because no tree holds it"),
                ),
            }
        }
        let links = Self(known);
        for path in links.0.keys().filter(|path| links.loops(path)) {
            findings.push(
                Diagnostic::warning("symlink-loop", format!("the symbolic link {path} leads back to itself"))
                    .help("point one link of the loop to a file"),
            );
        }
        (links, findings)
    }

    /// Where the link at `path` points to; none if there is no link.
    pub fn target(&self, path: &RepoPath) -> Option<&RepoPath> {
        self.0.get(path)
    }

    /// Whether there is a link at a path.
    pub fn has(&self, path: &RepoPath) -> bool {
        self.0.contains_key(path)
    }

    /// Every path by which `path` can be reached: itself, and through each link that leads to it or above it.
    pub fn names_of(&self, path: &RepoPath) -> BTreeSet<RepoPath> {
        let mut names = BTreeSet::from([path.clone()]);
        if self.0.is_empty() {
            return names;
        }
        let mut fresh = vec![path.clone()];
        for _ in 0..MOST_LINKS {
            let mut next = Vec::new();
            for name in &fresh {
                for (link, target) in &self.0 {
                    // A link to one of its own ancestors adds names without end and no file that is not named yet.
                    if link.is_within(target) {
                        continue;
                    }
                    if let Some(below) = name.below(target) {
                        let other = link.join(&below);
                        if names.insert(other.clone()) {
                            next.push(other);
                        }
                    }
                }
            }
            if next.is_empty() {
                break;
            }
            fresh = next;
        }
        names
    }

    fn loops(&self, path: &RepoPath) -> bool {
        let mut here = path;
        for _ in 0..MOST_LINKS {
            match self.0.get(here) {
                Some(next) if next == path => return true,
                Some(next) => here = next,
                None => return false,
            }
        }
        true
    }
}
