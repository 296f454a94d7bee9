//! Who owns a path: the nearest enclosing project, or nobody.

use std::collections::BTreeMap;

use super::ProjectId;
use crate::path::RepoPath;
use crate::selection::{Filter, Selection};

/// Who owns a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner<'a> {
    /// A project.
    Project(&'a ProjectId),
    /// Nobody: shared ground.
    Shared,
}

/// One folder that belongs to a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// The project.
    pub project: ProjectId,
    /// Where the folder is shared ground for the rest: the paths that the project keeps.
    pub keeps: Option<Filter>,
}

/// Which folder belongs to which project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owners(BTreeMap<RepoPath, Holding>);

impl Owners {
    pub(super) fn insert(&mut self, folder: RepoPath, holding: Holding) {
        self.0.insert(folder, holding);
    }

    /// Each folder with its holding, sorted.
    pub(super) fn iter(&self) -> std::collections::btree_map::Iter<'_, RepoPath, Holding> {
        self.0.iter()
    }

    /// Owners that were listed.
    pub(super) fn of_listed(listed: impl Iterator<Item = (RepoPath, Holding)>) -> Self {
        Self(listed.collect())
    }

    /// The owner of a path, which need not exist.
    pub fn owner_of(&self, path: &RepoPath) -> Owner<'_> {
        let Some((_, holding)) = self.holding_of(path) else { return Owner::Shared };
        if holding.keeps.as_ref().is_none_or(|keeps| keeps.admits(path)) {
            Owner::Project(&holding.project)
        } else {
            Owner::Shared
        }
    }

    /// What a project's folder holds of its own: everything, or on shared ground what the project keeps.
    pub fn files_of(&self, project: &ProjectId) -> Selection {
        let everything = Selection::all(&project.0);
        match self.0.get(&project.0).and_then(|holding| holding.keeps.as_ref()) {
            Some(keeps) => everything.filtered(keeps.clone()),
            None => everything,
        }
    }

    /// The owner of whatever may stand in a folder, whether or not it holds anything now.
    pub fn owner_inside(&self, folder: &RepoPath) -> Owner<'_> {
        self.owner_of(&folder.child(b"\xff"))
    }

    fn holding_of(&self, path: &RepoPath) -> Option<(RepoPath, &Holding)> {
        path.ancestors().find_map(|folder| self.0.get(&folder).map(|holding| (folder, holding)))
    }

    /// Projects whose own files may differ between two sets of owners although no file changed: those that gained or
    /// lost a folder, and those that a nested folder was taken from or given back to.
    pub fn disputed_with<'a>(&'a self, other: &'a Owners) -> impl Iterator<Item = &'a ProjectId> {
        let one_sided = |here: &'a Owners, there: &'a Owners| {
            here.0.iter().filter(move |(folder, holding)| there.0.get(*folder) != Some(holding)).flat_map(
                move |(folder, holding)| {
                    let outer = folder.parent();
                    let outer_here = outer.as_ref().and_then(|f| here.holding_of(f)).map(|(_, h)| &h.project);
                    let outer_there = outer.as_ref().and_then(|f| there.holding_of(f)).map(|(_, h)| &h.project);
                    [Some(&holding.project), outer_here, outer_there].into_iter().flatten()
                },
            )
        };
        one_sided(self, other).chain(one_sided(other, self))
    }

    /// Every project that holds a folder below `folder`, or `folder` itself.
    pub fn below<'a>(&'a self, folder: &'a RepoPath) -> impl Iterator<Item = &'a ProjectId> {
        // Children sort after their folder, but siblings such as `a-b` stand between `a` and `a/b`.
        self.0
            .range(folder.clone()..)
            .take_while(move |(path, _)| path.as_bytes().starts_with(folder.as_bytes()))
            .filter(move |(path, _)| path.is_within(folder))
            .map(|(_, holding)| &holding.project)
    }
}
