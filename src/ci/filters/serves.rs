//! Which projects a pipeline or a filter is for: those whose files its jobs name, the one that it stands in, else those
//! that its patterns speak of.

use std::collections::BTreeMap;

use super::PathFilter;
use super::glob::plain_part;
use super::work::Work;
use crate::diagnostic::Evidence;
use crate::path::RepoPath;
use crate::workspace::{Project, ProjectId, Workspace};

/// The projects of a workspace, by folder.
pub(super) struct Projects<'a> {
    workspace: &'a Workspace,
    /// Sorted by folder.
    all: Vec<&'a Project>,
}

impl<'a> Projects<'a> {
    pub fn of(workspace: &'a Workspace) -> Self {
        let mut all: Vec<&Project> = workspace.projects().collect();
        all.sort_by(|one, other| one.id.cmp(&other.id));
        Self { workspace, all }
    }

    /// The projects that work is done for, each with the line that says so. With a filter: those of its own paths where
    /// the work names none.
    pub fn served(
        &self,
        work: &Work,
        pipeline: &RepoPath,
        filter: Option<&PathFilter>,
    ) -> BTreeMap<ProjectId, Evidence> {
        let mut served = BTreeMap::new();
        let own = pipeline.parent().and_then(|folder| Some((self.workspace.owner_of(&folder)?, folder)));
        if let Some((owner, _)) = own.filter(|(owner, folder)| !owner.id.0.is_root() && !is_hidden(folder)) {
            self.all_at(&owner.id.0, &Evidence::new(pipeline, 0, ""), &mut served);
        }
        let mentions: Vec<(&RepoPath, &Evidence)> = work.mentions.iter().collect();
        for (path, evidence) in mentions.iter().filter(|(path, _)| !is_hidden(path)) {
            // A folder around what is named besides is the context of that, unless it is a project itself.
            let below = [path.as_bytes(), b"/"].concat();
            let first = mentions.partition_point(|(other, _)| other.as_bytes() < below.as_slice());
            let is_around = mentions.get(first).is_some_and(|(other, _)| other.as_bytes().starts_with(&below));
            if !is_around || self.workspace.project(&ProjectId((*path).clone())).is_some() {
                self.all_at(path, evidence, &mut served);
            }
        }
        // A root around everything owns what is nobody else's; that it is worked on takes more to say.
        let root = ProjectId(RepoPath::root());
        served.remove(&root);
        if served.is_empty()
            && let Some(filter) = filter
        {
            for pattern in filter.patterns.iter().filter(|pattern| !pattern.excludes) {
                let plain = plain_part(&pattern.text);
                match RepoPath::root().resolve(plain.as_bytes()) {
                    Ok(path) if !path.is_root() && !is_hidden(&path) => {
                        self.all_at(&path, &pattern.place, &mut served);
                    }
                    _ => {}
                }
            }
        }
        served.remove(&root);
        if served.is_empty()
            && let Some(evidence) = self.root_named(work, filter)
        {
            served.insert(root, evidence);
        }
        served
    }

    /// The line that names a file which makes the root a project, or lets changes of it in.
    fn root_named(&self, work: &Work, filter: Option<&PathFilter>) -> Option<Evidence> {
        let root = self.workspace.project(&ProjectId(RepoPath::root()))?;
        root.evidence.iter().find_map(|made| {
            let by_work = work.mentions.get(&made.file);
            let patterns = filter.into_iter().flat_map(|filter| &filter.patterns);
            let by_pattern = patterns.filter(|pattern| !pattern.excludes && pattern.glob.matches(made.file.as_bytes()));
            by_work.or_else(|| by_pattern.map(|pattern| &pattern.place).next()).cloned()
        })
    }

    /// The project that owns a path, and all at or below it.
    fn all_at(&self, path: &RepoPath, evidence: &Evidence, served: &mut BTreeMap<ProjectId, Evidence>) {
        let owner = self.workspace.owner_of(path).map(|owner| owner.id.clone());
        let below = [path.as_bytes(), b"/"].concat();
        let first = self.all.partition_point(|project| project.id.0.as_bytes() < below.as_slice());
        let inner = self.all[first..].iter().take_while(|project| project.id.0.as_bytes().starts_with(&below));
        for project in owner.into_iter().chain(inner.map(|project| project.id.clone())) {
            served.entry(project).or_insert_with(|| evidence.clone());
        }
    }

    /// The folder that a file is told under: its project's, one that was joined to that, or its own.
    pub fn folder_of(&self, path: &RepoPath) -> RepoPath {
        let around = || path.parent().filter(|folder| !folder.is_root()).unwrap_or_else(|| path.clone());
        let Some(owner) = self.workspace.owner_of(path) else { return around() };
        let joined = owner.joined.iter().map(|(folder, _)| folder).find(|folder| path.is_within(folder));
        match joined {
            Some(folder) => folder.clone(),
            None if path.is_within(&owner.id.0) => owner.id.0.clone(),
            None => around(),
        }
    }

    /// Whether one of the files lies below a folder.
    pub fn has_folder(&self, files: &[RepoPath], folder: &str) -> bool {
        let below = [folder.as_bytes(), b"/"].concat();
        let first = files.partition_point(|file| file.as_bytes() < below.as_slice());
        files.get(first).is_some_and(|file| file.as_bytes().starts_with(&below))
    }
}

/// Whether a path lies in a folder of tools, such as `.github`.
pub(super) fn is_hidden(path: &RepoPath) -> bool {
    path.segments().next().is_some_and(|first| first.starts_with(b"."))
}
