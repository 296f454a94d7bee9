//! Which manifests a folder holds, all the way down: a pure function of the folder's tree id.

use std::sync::Arc;

use rayon::prelude::*;

use super::kept::{Memo, read_survey};
use super::registry::{EcosystemIndex, recognised_by};
use crate::path::RepoPath;
use crate::tree::{ContentId, Mode, Node, Tree, TreeError, TreeId};

/// Folders whose manifests are other people's: installed or vendored packages. Their files stay inputs.
const FOREIGN_FOLDERS: [&[u8]; 4] = [b"node_modules", b"bower_components", b".yarn", b"site-packages"];

/// The file name of the project's own configuration.
const CONFIGURATION: &[u8] = b"knockon.toml";

/// A manifest, a symlink or a configuration, relative to the surveyed folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A file that an ecosystem wants to read.
    Manifest(EcosystemIndex, RepoPath, ContentId),
    /// A symbolic link.
    Symlink(RepoPath, ContentId),
    /// The project's own configuration.
    Configuration(RepoPath, ContentId),
}

/// What a folder holds, itself and below.
#[derive(Debug)]
pub struct Survey {
    pub(super) id: TreeId,
    pub(super) own: Vec<(Box<[u8]>, Own)>,
    pub(super) below: Vec<(Box<[u8]>, Arc<Survey>)>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Own {
    Manifest(EcosystemIndex, ContentId),
    Symlink(ContentId),
    Configuration(ContentId),
}

impl Survey {
    /// Everything found, sorted by path.
    pub fn found(&self) -> Vec<Found> {
        let mut all = Vec::new();
        let mut pending = vec![(RepoPath::root(), self)];
        while let Some((folder, survey)) = pending.pop() {
            all.extend(survey.own.iter().map(|(name, own)| match *own {
                Own::Manifest(ecosystem, id) => Found::Manifest(ecosystem, folder.child(name), id),
                Own::Symlink(id) => Found::Symlink(folder.child(name), id),
                Own::Configuration(id) => Found::Configuration(folder.child(name), id),
            }));
            pending.extend(survey.below.iter().map(|(name, below)| (folder.child(name), &**below)));
        }
        all.sort_by(|a, b| a.path().cmp(b.path()));
        all
    }

    fn is_empty(&self) -> bool {
        self.own.is_empty() && self.below.is_empty()
    }
}

impl Found {
    /// Where it was found.
    pub fn path(&self) -> &RepoPath {
        match self {
            Found::Manifest(_, path, _) | Found::Symlink(path, _) | Found::Configuration(path, _) => path,
        }
    }
}

/// Surveys by tree id: two trees that share folders share their surveys.
pub type SurveyMemo = Memo<TreeId, Arc<Survey>>;

impl SurveyMemo {
    fn get(&self, id: TreeId) -> Option<Arc<Survey>> {
        let mut known = self.known();
        known.get(&id).cloned().or_else(|| read_survey(&*self.kept()?, id, &mut known))
    }
}

/// One folder of the tree, as its walk left it.
struct Walked {
    id: TreeId,
    own: Vec<(Box<[u8]>, Own)>,
    below: Vec<(Box<[u8]>, TreeId)>,
}

/// Whether a file of this name is read for what it says, by an ecosystem or as the configuration.
pub fn is_read(name: &[u8]) -> bool {
    name == CONFIGURATION || recognised_by(name).next().is_some()
}

/// Surveys a tree. Folders that the memo knows are not read. Level by level and in parallel, without recursion.
pub fn survey(tree: &dyn Tree, memo: &SurveyMemo) -> Result<Arc<Survey>, TreeError> {
    let mut levels: Vec<Vec<Walked>> = Vec::new();
    let mut level = vec![tree.root()];
    let mut seen = std::collections::HashSet::from([tree.root()]);
    while !level.is_empty() {
        let walked: Vec<Walked> = level
            .par_iter()
            .filter(|id| memo.get(**id).is_none())
            .map(|id| walk(tree, *id))
            .collect::<Result<_, _>>()?;
        level = walked.iter().flat_map(|w| w.below.iter().map(|(_, id)| *id)).filter(|id| seen.insert(*id)).collect();
        levels.push(walked);
    }
    drop(seen);
    // A folder can stand at several depths; what its survey needs may then lie in a shallower level, so levels are
    // closed from the deepest up and what is not ready yet waits for the next round.
    let mut waiting: Vec<Walked> = levels.into_iter().rev().flatten().collect();
    while !waiting.is_empty() {
        let before = waiting.len();
        waiting.retain_mut(|walked| match close(walked, memo) {
            Some(survey) => {
                memo.put(survey.id, Arc::new(survey));
                false
            }
            None => true,
        });
        if waiting.len() == before {
            return Err(TreeError::Crafted(tree.root(), "a folder contains itself".to_owned()));
        }
    }
    memo.get(tree.root()).ok_or_else(|| TreeError::Folder(tree.root(), "it was not surveyed".to_owned()))
}

fn close(walked: &mut Walked, memo: &SurveyMemo) -> Option<Survey> {
    let below =
        walked.below.iter().map(|(name, id)| Some((name.clone(), memo.get(*id)?))).collect::<Option<Vec<_>>>()?;
    let below = below.into_iter().filter(|(_, survey)| !survey.is_empty()).collect();
    Some(Survey { id: walked.id, own: std::mem::take(&mut walked.own), below })
}

fn walk(tree: &dyn Tree, id: TreeId) -> Result<Walked, TreeError> {
    let mut walked = Walked { id, own: Vec::new(), below: Vec::new() };
    for entry in tree.folder(id)?.iter() {
        match entry.node {
            Node::Folder(_) if FOREIGN_FOLDERS.contains(&&*entry.name) => {}
            Node::Folder(below) => walked.below.push((entry.name.clone(), below)),
            Node::Content(Mode::Symlink, id) => walked.own.push((entry.name.clone(), Own::Symlink(id))),
            Node::Content(Mode::Submodule, _) => {}
            Node::Content(_, id) => {
                if &*entry.name == CONFIGURATION {
                    walked.own.push((entry.name.clone(), Own::Configuration(id)));
                }
                for ecosystem in recognised_by(&entry.name) {
                    walked.own.push((entry.name.clone(), Own::Manifest(ecosystem, id)));
                }
            }
        }
    }
    Ok(walked)
}
