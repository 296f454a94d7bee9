//! Which paths are a task's outputs, and which of them are there.

use std::io;

use super::CacheError;
use super::folder::{Facts, Folder, Kind};
use super::manifest::{Content, Entry};
use super::staging::IN_WORK_TREE;
use crate::path::RepoPath;
use crate::selection::{Filter, Rule, check_glob};

/// What a task writes, as it is declared.
#[derive(Debug, Clone, Copy)]
pub struct Outputs<'a> {
    /// The folder that the patterns are relative to: that of the task's project.
    pub folder: &'a RepoPath,
    /// Globs of [`crate::selection`], which may climb with `../`. `!` before one excludes; the last that matches decides.
    pub patterns: &'a [String],
}

/// Folders nest no deeper than this: each level of a walk holds one open.
const DEEPEST: usize = 128;
/// A task has no more outputs than this.
pub(super) const MOST_ENTRIES: usize = 1 << 20;

/// The outputs that tasks declare, ready to be asked.
pub(super) struct Declared {
    /// For each task its patterns, in order.
    lists: Vec<Vec<Pattern>>,
    /// Where to look for what the patterns match; none lies in another.
    bases: Vec<RepoPath>,
}

pub(super) struct Pattern {
    pub(super) include: bool,
    pub(super) glob: Filter,
    /// For `dist/**`: the folder `dist` itself, which the glob does not match.
    folder: Option<Filter>,
}

/// Something that is there, and an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) path: RepoPath,
    pub(super) facts: Facts,
    /// For a symlink that outputs would lie behind: they are not looked for.
    pub(super) in_the_way: bool,
}

impl Declared {
    pub(super) fn new(outputs: &[Outputs<'_>]) -> Result<Self, CacheError> {
        let mut bases = Vec::new();
        let mut lists = Vec::with_capacity(outputs.len());
        for of_task in outputs {
            let mut list = Vec::with_capacity(of_task.patterns.len());
            for text in of_task.patterns {
                let (pattern, base) = Pattern::parse(text, of_task.folder)
                    .map_err(|why| CacheError::Pattern { pattern: text.clone(), why })?;
                if pattern.include {
                    bases.push(base);
                }
                list.push(pattern);
            }
            lists.push(list);
        }
        bases.sort();
        bases.dedup();
        let all = bases.clone();
        bases.retain(|base| base.ancestors().skip(1).all(|above| all.binary_search(&above).is_err()));
        Ok(Self { lists, bases })
    }

    /// Whether a file or a symlink at a path is an output.
    pub(super) fn admits(&self, path: &RepoPath) -> bool {
        self.lists.iter().any(|list| decide(list, path, false) == Some(true))
    }

    /// Whether a folder at a path is an output.
    pub(super) fn admits_folder(&self, path: &RepoPath) -> bool {
        self.lists.iter().any(|list| decide(list, path, true) == Some(true))
    }

    /// Whether a result holds nothing but outputs.
    pub(super) fn check(&self, entries: &[Entry]) -> Result<(), CacheError> {
        let other = entries.iter().find(|Entry { path, content }| match content {
            Content::Folder => !self.admits_folder(path),
            Content::File { .. } | Content::Link { .. } => !self.admits(path),
        });
        other.map_or(Ok(()), |Entry { path, .. }| Err(CacheError::Undeclared { path: path.clone() }))
    }

    /// Whether no pattern says anything of a path.
    fn is_unsaid(&self, path: &RepoPath) -> bool {
        self.lists.iter().all(|list| decide(list, path, false).is_none())
    }

    /// The patterns of outputs that match nothing of what was found, as they are written in `outputs`.
    pub(super) fn unmatched(&self, outputs: &[Outputs<'_>], found: &[Found]) -> Vec<String> {
        let lists = self.lists.iter().zip(outputs).flat_map(|(list, outputs)| list.iter().zip(outputs.patterns));
        let is_matched = |pattern: &Pattern| found.iter().any(|found| pattern.matches(&found.path, true));
        let unmatched = lists.filter(|(pattern, _)| pattern.include && !is_matched(pattern));
        unmatched.map(|(_, text)| text.clone()).collect()
    }

    /// The outputs that are there, sorted. What lies behind a symlink is not.
    pub(super) fn found(&self, work_tree: &Folder) -> Result<Vec<Found>, CacheError> {
        let mut walk = Walk { declared: self, found: Vec::new() };
        for base in &self.bases {
            walk.base(work_tree, base)?;
        }
        walk.found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(walk.found)
    }
}

/// What the last pattern says that matches; none if none does.
fn decide(list: &[Pattern], path: &RepoPath, is_folder: bool) -> Option<bool> {
    list.iter().rev().find(|pattern| pattern.matches(path, is_folder)).map(|pattern| pattern.include)
}

impl Pattern {
    fn matches(&self, path: &RepoPath, is_folder: bool) -> bool {
        // A folder is no output of its own project.
        let matches = |filter: &Filter| filter.admits(path) && filter.root != *path;
        matches(&self.glob) || (is_folder && self.folder.as_ref().is_some_and(matches))
    }

    /// Reads a pattern, and says below which place everything lies that it can match.
    pub(super) fn parse(text: &str, folder: &RepoPath) -> Result<(Self, RepoPath), String> {
        let (include, mut rest) = match text.strip_prefix('!') {
            Some(rest) => (false, rest),
            None => (true, text),
        };
        let mut root = folder.clone();
        loop {
            if let Some(below) = rest.strip_prefix("./") {
                rest = below;
            } else if let Some(below) = rest.strip_prefix("../") {
                root = root.parent().ok_or("it leaves the repository")?;
                rest = below;
            } else {
                break;
            }
        }
        // A glob that does not compile would match everything.
        check_glob(rest)?;
        if rest.is_empty() || rest.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
            return Err("it is no path below a folder".to_owned());
        }
        let is_plain = |segment: &&str| !segment.contains(['*', '?', '[', '{', '}', '\\']);
        let plain: Vec<_> = rest.split('/').take_while(is_plain).collect();
        let base = root.resolve(plain.join("/").as_bytes()).map_err(|error| error.to_string())?;
        let filter = |glob: &str| Filter::new(&root, vec![Rule::include(glob)]);
        let above = rest.strip_suffix("/**").filter(|above| !above.is_empty() && check_glob(above).is_ok());
        Ok((Self { include, glob: filter(rest), folder: above.map(filter) }, base))
    }
}

struct Walk<'a> {
    declared: &'a Declared,
    found: Vec<Found>,
}

/// A folder that is being walked, with the names in it that are left.
struct Open {
    path: RepoPath,
    folder: Folder,
    names: std::vec::IntoIter<(Vec<u8>, Kind)>,
    /// Whether it is an output itself.
    admitted: bool,
}

impl Walk<'_> {
    /// Goes down to a base, then through all that is below it.
    fn base(&mut self, work_tree: &Folder, base: &RepoPath) -> Result<(), CacheError> {
        let mut path = RepoPath::root();
        let mut at = None;
        for name in base.segments() {
            let above = at.as_ref().unwrap_or(work_tree);
            path = path.child(name);
            let facts = match above.look(name) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                facts => facts.map_err(CacheError::at(&path))?,
            };
            if facts.kind != Kind::Folder {
                let in_the_way = facts.kind == Kind::Link && (path != *base || !self.declared.admits(&path));
                if in_the_way || self.declared.admits(&path) || self.declared.admits_folder(&path) {
                    self.add(Found { path, facts, in_the_way })?;
                }
                return Ok(());
            }
            at = Some(above.open(name).map_err(CacheError::at(&path))?);
        }
        let folder = match at {
            Some(folder) => folder,
            None => work_tree.open(b".").map_err(CacheError::at(&path))?,
        };
        self.below(path, folder)
    }

    fn below(&mut self, path: RepoPath, folder: Folder) -> Result<(), CacheError> {
        let mut open = vec![self.enter(path, folder)?];
        while let Some(top) = open.last_mut() {
            let Some((name, kind)) = top.names.next() else {
                open.pop();
                continue;
            };
            // No path is in `.git`: the repository's own is no output, and another's cannot be restored.
            if name.eq_ignore_ascii_case(b".git") {
                if top.admitted {
                    return Err(CacheError::Repository { path: top.path.clone() });
                }
                continue;
            }
            // Another process restores here.
            if top.path.is_root() && name.starts_with(IN_WORK_TREE.as_bytes()) {
                continue;
            }
            let path = top.path.child(&name);
            if top.admitted && self.declared.is_unsaid(&path) {
                return Err(CacheError::PartlyDeclared { path: top.path.clone() });
            }
            if kind == Kind::Folder {
                let folder = match top.folder.open(&name) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    folder => folder.map_err(CacheError::at(&path))?,
                };
                if open.len() == DEEPEST {
                    return Err(CacheError::TooDeep { path });
                }
                let entered = self.enter(path, folder)?;
                open.push(entered);
            } else if self.declared.admits(&path) {
                match top.folder.look(&name) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    facts => {
                        let facts = facts.map_err(CacheError::at(&path))?;
                        self.add(Found { path, facts, in_the_way: false })?;
                    }
                }
            }
        }
        Ok(())
    }

    fn enter(&mut self, path: RepoPath, folder: Folder) -> Result<Open, CacheError> {
        let admitted = self.declared.admits_folder(&path);
        if admitted {
            let facts = folder.facts().map_err(CacheError::at(&path))?;
            self.add(Found { path: path.clone(), facts, in_the_way: false })?;
        }
        let names = folder.names().map_err(CacheError::at(&path))?.into_iter();
        Ok(Open { path, folder, names, admitted })
    }

    fn add(&mut self, found: Found) -> Result<(), CacheError> {
        if self.found.len() == MOST_ENTRIES {
            return Err(CacheError::TooMany);
        }
        self.found.push(found);
        Ok(())
    }
}
