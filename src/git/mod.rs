//! Git's data as trees: commits, the index and the work tree. The only module that knows git.
//!
//! # What is fixed here
//! * **One id, one content.** Folders and files carry git's own ids wherever they are read from, so that equal
//!   folders of a commit, the index and the work tree compare as equal without being read. A changed file on disk
//!   gets the id that `git add` would give it, with git's line-ending conversion done in process.
//! * **Nothing is run.** No hook, filter, fsmonitor, text conversion or pager of a repository is ever started, and no
//!   socket is opened but by [`Repository::fetch`]. A file whose bytes a `filter=` driver would change is taken as it is on disk, and named.
//! * **The user's settings do not show**, but for the few that say what the work tree is: line endings, excluded
//!   files, attributes, the executable bit, symlinks.
//! * **Never silently less.** What cannot be read counts as changed and is named in the notes; a missing or broken
//!   object is an error, never an empty folder.
//! * **Neither replacements nor grafts are followed.**
//!
//! # Two engines
//! libgit2 reads in process; loose objects and well-formed packs are read beside it. What it cannot read (SHA-256 ids, reftable, a split or a sparse index) is read through
//! git's plumbing, in a form that was verified to run nothing of the repository; a note says so once. Above the two
//! stands one reader of objects, revisions and merge bases, so that both give the same trees.

mod attributes;
mod commit_graph;
mod commit_tree;
mod content_id;
mod directory;
mod engine;
mod environment;
mod error;
mod findings;
#[cfg(fuzzing)]
pub mod fuzzing;
mod history;
mod hook;
mod ignore_rules;
mod index;
mod index_file;
mod layout;
mod listed_tree;
mod loose;
mod merge_base;
mod nested;
mod object;
mod objects;
mod packed;
mod pattern;
mod plant;
mod plumbing;
mod revision;
mod settings;
mod shape;
mod stat;
#[cfg(test)]
mod testing;
mod walk;
mod work_tree;

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use environment::GitEnvironment;
pub use error::GitError;
pub use hook::{HookError, Installed, Uninstalled};
pub use merge_base::MergeBases;
pub use plant::{PlantError, PlantedCommit, plant};
pub use revision::is_branch_name;
pub use walk::on_disk;

use crate::diagnostic::Diagnostic;
use crate::tree::{ObjectId, Tree, TreeId};
use commit_graph::Located;
use commit_tree::StoredTree;
use engine::Engine;
use layout::Layout;
use objects::Objects;
use plumbing::Plumbing;
use settings::Settings;

/// The id of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CommitId(pub ObjectId);

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A commit and its root folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Commit {
    /// Its id.
    pub id: CommitId,
    /// Its root folder.
    pub tree: TreeId,
}

/// A tree with what was noticed while it was put together.
#[derive(Clone)]
pub struct TreeView {
    /// The tree.
    pub tree: Arc<dyn Tree>,
    /// Findings, sorted.
    pub notes: Vec<Diagnostic>,
}

impl fmt::Debug for TreeView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TreeView").field("root", &self.tree.root()).field("notes", &self.notes).finish()
    }
}

/// The branch that work is measured against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultBranch {
    /// Its short name, such as `origin/main`.
    pub name: String,
    /// The commit it is at.
    pub commit: Commit,
    /// How it was found, for people.
    pub reason: String,
}

/// A git repository. Cheap to share between threads.
pub struct Repository {
    layout: Layout,
    environment: GitEnvironment,
    settings: Settings,
    objects: Arc<Objects>,
    notes: Vec<Diagnostic>,
}

impl Repository {
    /// Finds the repository that a folder lies in: from a sub-folder, a linked worktree, a submodule, a bare
    /// repository, or as the environment says.
    pub fn discover(start: &Path, environment: &GitEnvironment) -> Result<Self, GitError> {
        let layout = Layout::discover(start, environment)?;
        Self::open(layout, environment.clone())
    }

    fn open(layout: Layout, environment: GitEnvironment) -> Result<Self, GitError> {
        let choice = shape::choose(&layout, &environment)?;
        Self::with_engine(layout, environment, choice)
    }

    fn with_engine(layout: Layout, environment: GitEnvironment, choice: shape::Choice) -> Result<Self, GitError> {
        let settings = Settings::read(&layout, &environment)?;
        let shallow = shallow_commits(&layout)?;
        let objects = Arc::new(Objects::new(choice.engine, choice.hash, shallow, choice.mend));
        Ok(Self { layout, environment, settings, objects, notes: choice.notes })
    }

    /// What is worth knowing about the repository itself, such as that git's own binary had to be used.
    pub fn notes(&self) -> &[Diagnostic] {
        &self.notes
    }

    /// The git directory that all worktrees share.
    pub fn git_directory(&self) -> &Path {
        &self.layout.common_dir
    }

    /// The top of the work tree; none in a bare repository.
    pub fn work_tree(&self) -> Option<&Path> {
        self.layout.work_tree.as_deref()
    }

    /// Whether a part of the history was left behind when this clone was made.
    pub fn is_shallow(&self) -> bool {
        self.objects.is_shallow()
    }

    /// The commit that a revision names: a branch, a tag, an id or the beginning of one, with `~n` and `^n`.
    /// Ranges, options, anything ambiguous and anything that is no commit is refused.
    pub fn resolve(&self, revision: &str) -> Result<Commit, GitError> {
        revision::resolve(&self.objects, revision)
    }

    /// The commit that is checked out; none before the first commit.
    pub fn head(&self) -> Result<Option<Commit>, GitError> {
        let head = self.objects.engine.reference("HEAD")?;
        head.map(|id| revision::load(&self.objects, CommitId(id))).transpose()
    }

    /// The parents of a commit, the mainline first; empty for a first commit. An error where a shallow clone is cut.
    pub fn parents(&self, commit: CommitId) -> Result<Vec<CommitId>, GitError> {
        if self.objects.is_cut(commit) {
            return Err(GitError::CutHistory { revision: format!("{commit}^"), commit });
        }
        Ok(self.objects.commit(commit)?.parents.into_iter().map(CommitId).collect())
    }

    /// The first line of a commit's message, in whatever encoding it was written.
    pub fn subject(&self, commit: CommitId) -> Result<Vec<u8>, GitError> {
        Ok(object::subject(&self.objects.read(commit.0, object::Kind::Commit)?).to_vec())
    }

    /// The tree of a commit. It is read as it is asked for.
    pub fn commit_tree(&self, commit: &Commit) -> Arc<dyn Tree> {
        self.stored_tree(commit.tree)
    }

    /// The tree with an id, which need not be there: asking it for anything tells.
    pub fn stored_tree(&self, root: TreeId) -> Arc<dyn Tree> {
        Arc::new(StoredTree { objects: Arc::clone(&self.objects), root })
    }

    /// Closes packs: what was read of them takes room, and another part is read next. Somebody who reads meanwhile only
    /// keeps them open.
    pub fn close_packs(&self) {
        self.objects.engine.close();
    }

    /// Forgets the folders that were read. They are read again as they are asked for.
    pub fn forget_folders(&self) {
        self.objects.forget_folders();
    }

    /// The tree without anything in it, which the first commit is compared with.
    pub fn empty_tree(&self) -> Result<Arc<dyn Tree>, GitError> {
        Ok(self.stored_tree(self.objects.hash.folder_id(&[])?))
    }

    /// All best common ancestors of two commits, or why they cannot be trusted.
    pub fn merge_bases(&self, one: CommitId, two: CommitId) -> Result<MergeBases, GitError> {
        let graph = Located::in_store(&self.layout.common_dir.join("objects"));
        let has_grafts = self.layout.common_dir.join("info/grafts").exists();
        merge_base::merge_bases(&self.objects, graph.filter(|_| !has_grafts), one, two)
    }

    /// The branch that work is measured against: the configured one, else the one that `origin/HEAD` names, else
    /// `main` or `master`. The branch of `origin` comes before the local one, which may be behind.
    pub fn default_branch(&self, configured: Option<&str>) -> Result<Option<DefaultBranch>, GitError> {
        if let Some(name) = configured {
            let reason = "the configuration names it";
            return match self.branch(name)? {
                Some((name, commit)) => Ok(Some(DefaultBranch { name, commit, reason: reason.to_owned() })),
                None => {
                    let commit = self.resolve(name)?;
                    Ok(Some(DefaultBranch { name: name.to_owned(), commit, reason: reason.to_owned() }))
                }
            };
        }
        if let Some(full) = self.objects.engine.symbolic("refs/remotes/origin/HEAD")?
            && let Some(id) = self.objects.engine.reference(&full)?
        {
            let name = full.strip_prefix("refs/remotes/").unwrap_or(&full).to_owned();
            let commit = revision::load(&self.objects, CommitId(id))?;
            return Ok(Some(DefaultBranch { name, commit, reason: "`origin/HEAD` names it".to_owned() }));
        }
        for name in ["main", "master"] {
            if let Some((name, commit)) = self.branch(name)? {
                return Ok(Some(DefaultBranch { name, commit, reason: "it has the usual name".to_owned() }));
            }
        }
        Ok(None)
    }

    /// A branch by its short name: the one of `origin` before the local one, which may be behind. The name that it has
    /// here, and the commit that it is at.
    pub fn branch(&self, name: &str) -> Result<Option<(String, Commit)>, GitError> {
        for (full, short) in [
            (format!("refs/remotes/origin/{name}"), format!("origin/{name}")),
            (format!("refs/heads/{name}"), name.to_owned()),
        ] {
            if let Some(id) = self.objects.engine.reference(&full)? {
                return Ok(Some((short, revision::load(&self.objects, CommitId(id))?)));
            }
        }
        Ok(None)
    }

    /// Fetches what the arguments of a `git fetch` say. Nothing else here opens a connection, and the repository has to be
    /// opened anew to see what came.
    pub fn fetch(&self, arguments: &[String]) -> Result<(), GitError> {
        let what = "a history that is not all here";
        Plumbing::open(&self.layout, &self.environment, self.objects.hash, what)?.fetch(arguments)
    }

    /// What `git commit` would commit now. With `GIT_INDEX_FILE` in the environment, what the running commit will.
    pub fn index_tree(&self) -> Result<TreeView, GitError> {
        self.need_work_tree()?;
        let (index, notes) = self.index()?;
        Ok(TreeView { tree: Arc::new(index::IndexTree::new(Arc::clone(&self.objects), &index)?), notes })
    }

    /// What is on disk, with files that git was not told of and without ignored ones.
    ///
    /// A file's id is what `git add` would give it. Three things are taken otherwise, and named in the notes: a
    /// changed file under a `filter=` program counts by its bytes on disk, a repository inside the work tree is one
    /// opaque content, and what cannot be read has an id that no content has.
    pub fn worktree_tree(&self) -> Result<TreeView, GitError> {
        self.work_tree_at(0)
    }

    fn work_tree_at(&self, depth: usize) -> Result<TreeView, GitError> {
        let top = self.need_work_tree()?;
        // Its time is taken first: should the index be written meanwhile, more files are hashed, not fewer.
        let written = std::fs::metadata(&self.layout.index).ok();
        let index_written = written.and_then(|metadata| stat::Stat::of(&metadata)).map(|stat| stat.modified);
        let (index, mut notes) = self.index()?;
        let reader = work_tree::Reader {
            layout: &self.layout,
            top,
            environment: &self.environment,
            settings: &self.settings,
            objects: &self.objects,
            index_written,
            depth,
        };
        let (tree, found) = reader.read(&index)?;
        notes.extend(found);
        notes.sort();
        Ok(TreeView { tree, notes })
    }

    /// How line endings are converted in this clone. Two clones of one commit may hold other bytes on disk, so this
    /// is a part of every task's key.
    pub fn line_endings(&self) -> String {
        self.settings.line_endings()
    }

    fn need_work_tree(&self) -> Result<&Path, GitError> {
        self.work_tree().ok_or_else(|| GitError::Bare(self.layout.git_dir.clone()))
    }

    /// The index. One that is split or sparse is read through git's plumbing.
    fn index(&self) -> Result<(index::Index, Vec<Diagnostic>), GitError> {
        let path = &self.layout.index;
        if !path.exists() {
            return Ok((index::Index::default(), Vec::new()));
        }
        let error = match self.objects.engine.index(path) {
            Ok(index) => return Ok((index, Vec::new())),
            Err(error) => error,
        };
        let bytes = std::fs::read(path).map_err(|error| GitError::unreadable(path, &error))?;
        let Some(shape) = shape::index_shape(&bytes).filter(|_| self.notes.is_empty()) else { return Err(error) };
        let plumbing = Plumbing::open(&self.layout, &self.environment, self.objects.hash, shape)?;
        Ok((plumbing.index(path)?, vec![shape::note(&plumbing, shape)]))
    }
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repository").field("layout", &self.layout).finish_non_exhaustive()
    }
}

/// The commits at which this clone's history is cut.
fn shallow_commits(layout: &Layout) -> Result<HashSet<ObjectId>, GitError> {
    let path: PathBuf = layout.shallow_file();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(HashSet::new()),
        Err(error) => return Err(GitError::unreadable(&path, &error)),
    };
    let id = |line: &str| {
        ObjectId::from_hex(line.trim()).ok_or_else(|| GitError::corrupt(path.display(), "a line is no commit id"))
    };
    text.lines().filter(|line| !line.trim().is_empty()).map(id).collect()
}

#[cfg(test)]
mod tests;
