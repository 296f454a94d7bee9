//! Entries by the place that they are installed at: what one needs is found beside it or above.

use std::collections::HashMap;

/// A package beyond this many levels of nested folders is not looked for, nor are longer paths: no manager makes them.
const MOST_LEVELS: usize = 64;
const LONGEST_PATH: usize = 1024;

/// The place of a folder of packages in its tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Level(usize);

/// Folders of packages, each within another but the outermost.
#[derive(Default)]
pub(super) struct Tree<'a> {
    parents: Vec<Option<Level>>,
    depths: Vec<usize>,
    packages: HashMap<(Level, &'a str), usize>,
}

impl<'a> Tree<'a> {
    /// Adds a folder; none if it lies too deep.
    pub(super) fn level(&mut self, parent: Option<Level>) -> Option<Level> {
        let depth = parent.map_or(0, |parent| self.depths[parent.0] + 1);
        self.parents.push(parent);
        self.depths.push(depth);
        (depth <= MOST_LEVELS).then_some(Level(self.parents.len() - 1))
    }

    /// Puts the package with this number into a folder.
    pub(super) fn put(&mut self, level: Level, name: &'a str, package: usize) {
        self.packages.insert((level, name), package);
    }

    /// The package of a name that is found from a folder.
    pub(super) fn find(&self, from: Level, name: &str) -> Option<usize> {
        let mut here = Some(from);
        while let Some(level) = here {
            if let Some(found) = self.packages.get(&(level, name)) {
                return Some(*found);
            }
            here = self.parents[level.0];
        }
        None
    }
}

/// The folders of a tree by their paths.
pub(super) struct Levels<'a>(HashMap<&'a str, Level>);

impl<'a> Levels<'a> {
    /// Makes a folder of each path, the one that encloses all besides; none if one is too long or too deep.
    pub(super) fn new(paths: impl IntoIterator<Item = &'a str>, tree: &mut Tree<'a>) -> Option<Self> {
        let mut paths: Vec<&str> = paths.into_iter().collect();
        paths.push("");
        if paths.iter().any(|path| path.len() > LONGEST_PATH || path.matches('/').count() > 2 * MOST_LEVELS) {
            return None;
        }
        paths.sort_unstable_by_key(|path| path.len());
        paths.dedup();
        let mut levels = Self(HashMap::with_capacity(paths.len()));
        for path in paths {
            if !levels.0.contains_key(path) {
                let parent = if path.is_empty() { None } else { Some(levels.at(above(path))?) };
                levels.0.insert(path, tree.level(parent)?);
            }
        }
        Some(levels)
    }

    /// The folder of a path, or the nearest above it.
    pub(super) fn at(&self, path: &str) -> Option<Level> {
        if path.len() > LONGEST_PATH {
            return None;
        }
        let mut here = path;
        loop {
            match self.0.get(here) {
                Some(level) => return Some(*level),
                None if here.is_empty() => return None,
                None => here = above(here),
            }
        }
    }
}

fn above(path: &str) -> &str {
    path.rfind('/').map_or("", |slash| &path[..slash])
}
