//! The cache: what tasks wrote and printed, by their fingerprints, so that it need not be made again.
//!
//! A result is a manifest that names blobs, and a blob is a file named by the digest of its bytes. Nothing has its name
//! before it is whole, and every byte is digested again before it reaches a work tree, so that a cache that is damaged,
//! cut short, copied or full costs time and never gives a wrong file. The format and the rules stand in `docs/cache.md`.

mod content;
#[cfg(feature = "remote")]
mod exchange;
mod fault;
mod folder;
mod keep;
mod layout;
mod manifest;
mod outputs;
mod overlap;
mod prune;
mod publish;
mod restore;
mod staging;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[cfg(feature = "remote")]
pub(in crate::store) use exchange::HandedOut;
pub use keep::{Kept, PreparedResult};
use layout::{Layout, Lookup};
#[cfg(feature = "remote")]
pub(in crate::store) use manifest::Blob;
use manifest::Manifest;
pub use manifest::ResultKey;
pub use outputs::Outputs;
pub use overlap::overlapping;
pub use prune::{CacheContents, Pruned, Verified};
pub use restore::Restored;

use crate::path::RepoPath;

/// A cache of results, in a folder of its own.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
    /// What has to be there before a cache is made; its owner's manifests are believed.
    beside: PathBuf,
}

/// How a task ended that is worth keeping: well.
#[derive(Debug, Clone, Copy)]
pub struct Ending<'a> {
    /// How long it took.
    pub duration: Duration,
    /// How often it was tried.
    pub attempts: u32,
    /// A file with what it printed.
    pub printed: &'a Path,
}

/// A result that was found: what it consists of is known, and whether it is all there is seen when it is restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredResult {
    key: ResultKey,
    manifest: Manifest,
}

/// Why something was not kept or not restored. The work tree is as it was.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// A pattern of outputs that cannot be read.
    #[error("`{pattern}` is no pattern of outputs: {why}")]
    Pattern {
        /// As it is written.
        pattern: String,
        /// What is wrong with it.
        why: String,
    },
    /// A symlink among the outputs is absolute or leads out of the work tree.
    #[error("the output `{path}` is a symbolic link that leads out of the work tree")]
    LinkLeaves {
        /// The symlink.
        path: RepoPath,
    },
    /// A symlink stands where outputs should lie in a folder.
    #[error("`{path}` is a symbolic link, and what lies behind it is not followed")]
    BehindLink {
        /// The symlink.
        path: RepoPath,
    },
    /// An output is a pipe, a socket or a device.
    #[error("the output `{path}` is neither a file nor a folder nor a symbolic link")]
    Special {
        /// The output.
        path: RepoPath,
    },
    /// A folder among the outputs is a git repository, which cannot be restored.
    #[error("the output `{path}` is a git repository")]
    Repository {
        /// The folder.
        path: RepoPath,
    },
    /// A folder matches a pattern, and no pattern says anything of what is in it.
    #[error("the output `{path}` is a folder, and no pattern matches what is in it: write `{path}/**`")]
    PartlyDeclared {
        /// The folder.
        path: RepoPath,
    },
    /// Folders nest too deep.
    #[error("the folder `{path}` lies too deep")]
    TooDeep {
        /// The folder.
        path: RepoPath,
    },
    /// There are more outputs than a result can have.
    #[error("there are too many outputs")]
    TooMany,
    /// Outputs are declared, and nothing that is there is one of them.
    #[error("it made nothing that matches its outputs, {}", patterns.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", "))]
    NothingMade {
        /// The patterns.
        patterns: Vec<String>,
    },
    /// An output changed while it was read.
    #[error("the output `{path}` changed while it was read")]
    Changed {
        /// The output.
        path: RepoPath,
    },
    /// The result names something that is no output of the task.
    #[error("the result holds `{path}`, which is no output of the task")]
    Undeclared {
        /// What it names.
        path: RepoPath,
    },
    /// Something stands where an output belongs that is not the task's to remove.
    #[error("`{path}` is in the way of an output")]
    InTheWay {
        /// What is in the way.
        path: RepoPath,
    },
    /// A file that git sees would be replaced by another. What it holds may be nowhere else.
    #[error("`{path}` is no output alone: git sees it, and its content is another")]
    Source {
        /// The file.
        path: RepoPath,
    },
    /// Something of the result is not there any more.
    #[error("the result is not complete any more")]
    Missing,
    /// Something of the result is not what was kept.
    #[error("the result is damaged")]
    Damaged,
    /// The work tree cannot be read or written.
    #[error("`{path}`: {error}")]
    WorkTree {
        /// Where.
        path: RepoPath,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// The cache cannot be read or written.
    #[error("the cache cannot be used: {0}")]
    Store(#[source] io::Error),
    /// What the task printed cannot be read, or not be handed on.
    #[error("what the task printed: {0}")]
    Printed(#[source] io::Error),
}

impl CacheError {
    /// Adds the place in the work tree to an error.
    fn at(path: &RepoPath) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.clone();
        move |error| Self::WorkTree { path, error }
    }
}

impl Cache {
    /// The cache beside a git directory. Nothing is created before something is kept.
    pub fn beside(git_directory: &Path) -> Self {
        Self { folder: git_directory.join("knockon/cache/v1"), beside: git_directory.to_owned() }
    }

    /// The cache in a folder, whose owner is believed.
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), beside: folder.to_owned() }
    }

    /// The folder that everything lies in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What is kept under a key. What is damaged, of somebody else or cannot be read is as good as not there.
    pub fn find(&self, key: &ResultKey) -> Option<StoredResult> {
        let layout = Layout::open(&self.folder, &self.beside).ok()?;
        match layout.result(key) {
            Ok(Lookup::Result(manifest)) => {
                layout.touch(&layout::result_name(key));
                Some(StoredResult { key: *key, manifest })
            }
            _ => None,
        }
    }

    fn open(&self) -> Result<Layout, CacheError> {
        Layout::open(&self.folder, &self.beside).map_err(CacheError::Store)
    }
}

impl StoredResult {
    /// What it is kept under.
    pub fn key(&self) -> &ResultKey {
        &self.key
    }

    /// How long the task took.
    pub fn duration(&self) -> Duration {
        self.manifest.duration
    }

    /// How often it was tried.
    pub fn attempts(&self) -> u32 {
        self.manifest.attempts
    }

    /// How many bytes it printed.
    pub fn printed(&self) -> u64 {
        self.manifest.printed.length
    }

    /// The outputs, sorted: files, symlinks, and folders in which nothing else of the result lies.
    pub fn paths(&self) -> impl ExactSizeIterator<Item = &RepoPath> {
        self.manifest.entries.iter().map(|entry| &entry.path)
    }
}
