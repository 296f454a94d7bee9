//! The hook of `git commit`: where it lies, whose it is, and how it is written and removed.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use super::{GitError, Repository, settings};

const NAME: &str = "pre-commit";

/// How a hook begins that knockon wrote. What begins otherwise is somebody else's.
const BEGINNING: &str = "#!/bin/sh\n# Written by `knockon hook install`, and removed by `knockon hook uninstall`.\n";

/// What a hook that had to give way is called.
const KEPT: &str = "pre-commit.before-knockon";

/// Why a hook was neither written nor removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HookError {
    /// The repository could not be read.
    #[error(transparent)]
    Git(#[from] GitError),
    /// Nothing is committed in a bare repository.
    #[error("the repository `{}` is bare, and nothing is committed in it; go to one of its work trees", .0.display())]
    Bare(PathBuf),
    /// The hooks are not this repository's alone.
    #[error(
        "the hooks lie outside of this repository, in `{}` (`git config core.hooksPath`), and may serve others, too; add `knockon plan --staged` to `{NAME}` there by hand",
        .0.display()
    )]
    Elsewhere(PathBuf),
    /// There is a hook that somebody else wrote.
    #[error(
        "`{}` is there, and not written by knockon; add `knockon plan --staged` to it by hand, or give --force, which keeps it as `{KEPT}`",
        .0.display()
    )]
    Foreign(PathBuf),
    /// A hook had to give way before.
    #[error("`{}` is there already, and would be lost; move it away", .0.display())]
    KeptBefore(PathBuf),
    /// The operating system refused.
    #[error("`{}` cannot be written: {reason}", .path.display())]
    Unwritable {
        /// The file or folder.
        path: PathBuf,
        /// What it said.
        reason: io::Error,
    },
}

/// A hook that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The hook.
    pub path: PathBuf,
    /// Where the one is that was there before, if somebody else wrote it.
    pub kept: Option<PathBuf>,
}

/// What became of a hook that was to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Uninstalled {
    /// It was removed.
    Removed(PathBuf),
    /// It was removed, and the one that it had replaced is back in its place.
    Restored(PathBuf),
    /// There was none that knockon wrote.
    Nothing(PathBuf),
}

/// What stands in the place of the hook.
enum Found {
    Nothing,
    Own,
    Foreign,
}

impl Repository {
    /// Writes the hook that `git commit` runs in this repository and all its worktrees, with the lines of a POSIX shell.
    /// One that somebody else wrote stays as it is, unless it is told to give way; then it is kept beside.
    pub fn install_hook(&self, lines: &[u8], force: bool) -> Result<Installed, HookError> {
        let folder = self.hooks_folder()?;
        let (path, kept) = (folder.join(NAME), folder.join(KEPT));
        let is_foreign = matches!(found(&path)?, Found::Foreign);
        if is_foreign && !force {
            return Err(HookError::Foreign(path));
        }
        if is_foreign && fs::symlink_metadata(&kept).is_ok() {
            return Err(HookError::KeptBefore(kept));
        }
        fs::create_dir_all(&folder).map_err(|reason| unwritable(&folder, reason))?;
        // A commit that begins meanwhile finds one whole hook or the other.
        let unfinished = folder.join(format!("{NAME}.{}.new", std::process::id()));
        let replaced = write(&unfinished, &[BEGINNING.as_bytes(), lines].concat())
            .and_then(|()| if is_foreign { fs::rename(&path, &kept) } else { Ok(()) })
            .and_then(|()| fs::rename(&unfinished, &path));
        if let Err(reason) = replaced {
            let _ = fs::remove_file(&unfinished);
            return Err(unwritable(&path, reason));
        }
        Ok(Installed { path, kept: is_foreign.then_some(kept) })
    }

    /// Removes the hook if knockon wrote it, and puts back the one that had to give way.
    pub fn uninstall_hook(&self) -> Result<Uninstalled, HookError> {
        let folder = self.hooks_folder()?;
        let (path, kept) = (folder.join(NAME), folder.join(KEPT));
        if !matches!(found(&path)?, Found::Own) {
            return Ok(Uninstalled::Nothing(path));
        }
        if fs::symlink_metadata(&kept).is_ok() {
            fs::rename(&kept, &path).map_err(|reason| unwritable(&path, reason))?;
            return Ok(Uninstalled::Restored(path));
        }
        fs::remove_file(&path).map_err(|reason| unwritable(&path, reason))?;
        Ok(Uninstalled::Removed(path))
    }

    /// The folder that git looks for hooks in, if it is this repository's own.
    fn hooks_folder(&self) -> Result<PathBuf, HookError> {
        let layout = &self.layout;
        let top = layout.work_tree.as_deref().ok_or_else(|| HookError::Bare(layout.git_dir.clone()))?;
        let stated = settings::hooks_path(layout, &self.environment)?;
        let folder = stated.as_ref().map_or_else(|| layout.common_dir.join("hooks"), |path| top.join(path));
        let own = [top, &layout.common_dir, &layout.git_dir].map(|place| fs::canonicalize(place).ok());
        let is_own = |real: &Path| own.iter().flatten().any(|place| real.starts_with(place));
        // An empty path and one with a user's name or a prefix in it are read in a way of git's own.
        let is_plain = stated.is_none_or(|path| {
            let text = path.as_os_str().as_encoded_bytes();
            !text.is_empty() && !text.starts_with(b"~") && !text.starts_with(b"%(")
        });
        match real(&folder) {
            Some(real) if is_plain && is_own(&real) => Ok(folder),
            _ => Err(HookError::Elsewhere(folder)),
        }
    }
}

/// Where a path leads that may not be there yet; none if that cannot be told.
fn real(path: &Path) -> Option<PathBuf> {
    let mut missing: Vec<OsString> = Vec::new();
    let mut here = path;
    loop {
        match fs::canonicalize(here) {
            Ok(real) => return Some(missing.iter().rev().fold(real, |path, name| path.join(name))),
            // A link that leads nowhere is there, and what would be made through it is not known.
            Err(_) if fs::symlink_metadata(here).is_ok() => return None,
            Err(_) => {}
        }
        let Some(Component::Normal(name)) = here.components().next_back() else { return None };
        missing.push(name.to_owned());
        here = here.parent()?;
    }
}

fn found(path: &Path) -> Result<Found, HookError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Nothing),
        Err(error) => Err(GitError::unreadable(path, &error).into()),
        // A link leads to a file that is kept elsewhere, whoever wrote it.
        Ok(metadata) if !metadata.is_file() => Ok(Found::Foreign),
        Ok(_) => {
            let bytes = fs::read(path).map_err(|error| GitError::unreadable(path, &error))?;
            Ok(if bytes.starts_with(BEGINNING.as_bytes()) { Found::Own } else { Found::Foreign })
        }
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::options().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    make_executable(&file)
}

#[cfg(unix)]
fn make_executable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o755))
}

/// Git's own shell runs whatever begins as a script.
#[cfg(not(unix))]
fn make_executable(_: &File) -> io::Result<()> {
    Ok(())
}

fn unwritable(path: &Path, reason: io::Error) -> HookError {
    HookError::Unwritable { path: path.to_owned(), reason }
}
