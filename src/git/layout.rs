//! Where a repository is: its git directory, the directory that linked worktrees share, its work tree, its index.
//!
//! Found without libgit2, because libgit2 refuses some repositories that git itself can read.

use std::fs;
use std::path::{Path, PathBuf};

use super::{GitEnvironment, GitError};

/// The places of one repository, all absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) git_dir: PathBuf,
    pub(super) common_dir: PathBuf,
    pub(super) work_tree: Option<PathBuf>,
    pub(super) index: PathBuf,
    /// The environment names the git directory, so git will not find it by itself.
    pub(super) named: bool,
}

impl Layout {
    /// Finds the repository that `start` lies in, or that the environment names.
    pub(super) fn discover(start: &Path, environment: &GitEnvironment) -> Result<Self, GitError> {
        let start = fs::canonicalize(start).map_err(|error| GitError::unreadable(start, &error))?;
        if let Some(named) = &environment.git_dir {
            let git_dir = start.join(named);
            let git_dir = link_target(&git_dir).unwrap_or(git_dir);
            if !is_git_dir(&git_dir) {
                return Err(GitError::NotARepository(git_dir));
            }
            return Self::named(&start, &git_dir, environment);
        }
        let ceilings: Vec<PathBuf> =
            environment.ceilings.iter().filter_map(|path| fs::canonicalize(path).ok()).collect();
        for (climbed, folder) in start.ancestors().enumerate() {
            if climbed > 0 && ceilings.iter().any(|ceiling| ceiling == folder) {
                break;
            }
            if let Some(layout) = Self::at(folder, environment)? {
                return Ok(layout);
            }
        }
        Err(GitError::NotARepository(start))
    }

    /// The repository whose top is exactly this folder.
    pub(super) fn at(folder: &Path, environment: &GitEnvironment) -> Result<Option<Self>, GitError> {
        let dot_git = folder.join(".git");
        if let Some(git_dir) = link_target(&dot_git).or_else(|| is_git_dir(&dot_git).then_some(dot_git)) {
            return Self::with_work_tree(git_dir, folder, environment).map(Some);
        }
        if !is_git_dir(folder) {
            return Ok(None);
        }
        match folder.parent() {
            Some(top) if folder.ends_with(".git") && !Stated::read(folder, folder)?.bare => {
                Self::with_work_tree(folder.to_owned(), top, environment).map(Some)
            }
            _ => Ok(Some(Self::new(folder.to_owned(), None, environment, folder))),
        }
    }

    fn named(start: &Path, git_dir: &Path, environment: &GitEnvironment) -> Result<Self, GitError> {
        let common = environment.common_dir.as_ref().map_or_else(|| common_dir(git_dir), |dir| start.join(dir));
        let stated = Stated::read(git_dir, &common)?;
        // In a linked worktree the file `gitdir` leads back to the `.git` file at its top.
        let linked = fs::read_to_string(git_dir.join("gitdir")).ok();
        let work_tree = if let Some(top) = &environment.work_tree {
            Some(start.join(top))
        } else if let Some(top) = stated.work_tree {
            Some(git_dir.join(top))
        } else if let Some(dot_git) = linked {
            git_dir.join(dot_git.trim_end()).parent().map(Path::to_owned)
        } else if stated.bare {
            None
        } else {
            // Git takes the current folder; a hook's child that changed into a sub-folder means the same top.
            let tidy = |path: PathBuf| fs::canonicalize(&path).unwrap_or(path);
            let leads_here = |top: &&Path| {
                let dot_git = top.join(".git");
                tidy(link_target(&dot_git).unwrap_or(dot_git)) == tidy(git_dir.to_owned())
            };
            Some(start.ancestors().find(leads_here).unwrap_or(start).to_owned())
        };
        let mut layout = Self::new(git_dir.to_owned(), work_tree, environment, start);
        layout.common_dir = common;
        layout.named = true;
        Ok(layout)
    }

    fn with_work_tree(git_dir: PathBuf, top: &Path, environment: &GitEnvironment) -> Result<Self, GitError> {
        let common = common_dir(&git_dir);
        let linked = common != git_dir;
        let stated = Stated::read(&git_dir, &common)?;
        // `core.bare` and `core.worktree` of the shared config speak of the main work tree, not of a linked one.
        let work_tree = match stated.work_tree {
            Some(path) if !linked => Some(git_dir.join(path)),
            _ if stated.bare && !linked => None,
            _ => Some(top.to_owned()),
        };
        Ok(Self::new(git_dir, work_tree, environment, top))
    }

    fn new(git_dir: PathBuf, work_tree: Option<PathBuf>, environment: &GitEnvironment, start: &Path) -> Self {
        let tidy = |path: PathBuf| fs::canonicalize(&path).unwrap_or(path);
        let work_tree = work_tree.map(tidy);
        // Git goes to the top of the work tree before it reads a relative name.
        let base = work_tree.as_deref().filter(|top| start.starts_with(top)).unwrap_or(start);
        let index = environment.index_file.as_ref().map_or_else(|| git_dir.join("index"), |file| base.join(file));
        let common_dir = tidy(common_dir(&git_dir));
        Self { git_dir: tidy(git_dir), common_dir, work_tree, index, named: false }
    }

    /// The folder that people know the repository by.
    pub(super) fn top(&self) -> &Path {
        self.work_tree.as_deref().unwrap_or(&self.git_dir)
    }

    /// The commits whose parents are not here, from the file that says so.
    pub(super) fn shallow_file(&self) -> PathBuf {
        self.common_dir.join("shallow")
    }
}

/// The two settings that decide where the work tree is.
struct Stated {
    bare: bool,
    work_tree: Option<PathBuf>,
}

impl Stated {
    fn read(git_dir: &Path, common_dir: &Path) -> Result<Self, GitError> {
        let mut stated = Self { bare: false, work_tree: None };
        for file in [common_dir.join("config"), git_dir.join("config.worktree")] {
            if !file.is_file() {
                continue;
            }
            let broken = |error: git2::Error| GitError::corrupt(file.display(), error.message());
            let config = git2::Config::open(&file).map_err(broken)?;
            stated.bare = config.get_bool("core.bare").unwrap_or(stated.bare);
            stated.work_tree = config.get_path("core.worktree").ok().or(stated.work_tree);
        }
        Ok(stated)
    }
}

/// Where a `.git` file points to.
fn link_target(dot_git: &Path) -> Option<PathBuf> {
    if !dot_git.is_file() {
        return None;
    }
    let text = fs::read(dot_git).ok()?;
    let target = text.strip_prefix(b"gitdir: ")?.trim_ascii_end();
    let target = dot_git.parent()?.join(path_of(target)?);
    is_git_dir(&target).then_some(target)
}

fn common_dir(git_dir: &Path) -> PathBuf {
    let named = fs::read(git_dir.join("commondir")).ok();
    named.and_then(|text| path_of(text.trim_ascii_end())).map_or_else(|| git_dir.to_owned(), |path| git_dir.join(path))
}

fn is_git_dir(path: &Path) -> bool {
    let common = common_dir(path);
    fs::symlink_metadata(path.join("HEAD")).is_ok() && common.join("objects").is_dir() && common.join("refs").exists()
}

/// Bytes that git stores as a path of the operating system.
#[cfg(unix)]
pub(super) fn path_of(bytes: &[u8]) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    Some(PathBuf::from(std::ffi::OsStr::from_bytes(bytes)))
}

/// Bytes that git stores as a path of the operating system; none where it cannot have such a name.
#[cfg(not(unix))]
pub(super) fn path_of(bytes: &[u8]) -> Option<PathBuf> {
    std::str::from_utf8(bytes).ok().map(PathBuf::from)
}
