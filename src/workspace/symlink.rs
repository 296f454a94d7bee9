//! Symbolic links: what one points to inside the repository is an input of whoever reads the link.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::path::RepoPath;

/// How many links one path may pass through before it counts as a loop, as Linux does.
pub const MOST_LINKS: usize = 40;

/// How many names of one path are told. Links can name a file in more ways than anyone can count.
const MOST_NAMES: usize = 1024;

/// A link's text, and the path in the repository that it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Link {
    text: Arc<[u8]>,
    /// None where the text leads out of the repository, or to the link itself.
    target: Option<RepoPath>,
}

/// Links by their path, with where each points to as its text reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Symlinks {
    links: BTreeMap<RepoPath, Link>,
    by_target: BTreeMap<RepoPath, Vec<RepoPath>>,
}

impl Symlinks {
    /// Takes the links of a tree with their target texts. Targets outside the repository are told in findings: their
    /// content is no input that anyone could see.
    pub(super) fn new(links: &[(RepoPath, Arc<[u8]>)]) -> (Self, Vec<Diagnostic>) {
        let mut known = Self::default();
        let mut findings = Vec::new();
        for (path, text) in links {
            let folder = path.parent().unwrap_or_else(RepoPath::root);
            let target = match folder.resolve(text) {
                Ok(target) if target == *path => {
                    findings.push(
                        Diagnostic::warning("symlink-loop", format!("the symbolic link {path} points to itself"))
                            .help("remove the link, or point it to a file"),
                    );
                    None
                }
                Ok(target) => Some(target),
                Err(_) => {
                    findings.push(
                        Diagnostic::note(
                            "symlink-outside",
                            format!("the symbolic link {path} leads out of the repository"),
                        )
                        .help("what it points to is no input of any task, because no tree holds it"),
                    );
                    None
                }
            };
            if let Some(target) = &target {
                known.by_target.entry(target.clone()).or_default().push(path.clone());
            }
            known.links.insert(path.clone(), Link { text: Arc::clone(text), target });
        }
        for path in known.links.keys().filter(|path| known.loops(path)) {
            findings.push(
                Diagnostic::warning("symlink-loop", format!("the symbolic link {path} leads back to itself"))
                    .help("point one link of the loop to a file"),
            );
        }
        (known, findings)
    }

    /// Each link with its text, sorted.
    pub(super) fn listed(&self) -> Vec<(RepoPath, Vec<u8>)> {
        self.links.iter().map(|(path, link)| (path.clone(), link.text.to_vec())).collect()
    }

    /// Links that were listed. What there was to find of them was found before.
    pub(super) fn of_listed(listed: Vec<(RepoPath, Vec<u8>)>) -> Self {
        let links: Vec<(RepoPath, Arc<[u8]>)> = listed.into_iter().map(|(path, text)| (path, text.into())).collect();
        Self::new(&links).0
    }

    /// Where the link at `path` points to; none if there is no link, or if it leads nowhere in the repository.
    pub fn target(&self, path: &RepoPath) -> Option<&RepoPath> {
        self.links.get(path)?.target.as_ref()
    }

    /// Whether there is a link at a path.
    pub fn has(&self, path: &RepoPath) -> bool {
        self.links.contains_key(path)
    }

    /// Whether some link points to a path or to a folder around it.
    pub fn lead_to(&self, path: &RepoPath) -> bool {
        !self.by_target.is_empty() && path.ancestors().any(|target| self.by_target.contains_key(&target))
    }

    /// Whether the way to a path, or to anything below it, passes through a link.
    pub fn lie_on(&self, path: &RepoPath) -> bool {
        if self.links.is_empty() {
            return false;
        }
        let mut below = self.links.range(path.clone()..).map(|(link, _)| link);
        path.ancestors().any(|above| self.has(&above))
            || below.by_ref().take_while(|l| l.as_bytes().starts_with(path.as_bytes())).any(|link| link.is_within(path))
    }

    /// Paths by which `path` can be reached: itself, and through links that lead to it or above it. With links that lead
    /// back to each other there is no end of names, so what is told is bounded.
    pub fn names_of(&self, path: &RepoPath) -> BTreeSet<RepoPath> {
        let mut names = BTreeSet::from([path.clone()]);
        let mut pending = VecDeque::from([path.clone()]);
        while let Some(name) = pending.pop_front() {
            for target in name.ancestors() {
                for link in self.by_target.get(&target).into_iter().flatten() {
                    // A link to a folder around itself names no file again that is named through it already.
                    let Some(below) = name.below(&target).filter(|_| !name.is_within(link)) else { continue };
                    if names.len() >= MOST_NAMES {
                        return names;
                    }
                    let other = link.join(&below);
                    if names.insert(other.clone()) {
                        pending.push_back(other);
                    }
                }
            }
        }
        names
    }

    fn loops(&self, path: &RepoPath) -> bool {
        let mut here = path;
        for _ in 0..MOST_LINKS {
            match self.target(here) {
                Some(next) if next == path => return true,
                Some(next) => here = next,
                None => return false,
            }
        }
        true
    }
}
