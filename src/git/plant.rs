//! Creates a repository from a history that is written down: for the demo, and for tests.
//!
//! The same history gives the same commit ids everywhere: author, dates and bytes are fixed, and neither the user's
//! git configuration nor templates, hooks or line-ending conversions have a say.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use git2::build::CheckoutBuilder;
use git2::{Config, Index, IndexEntry, IndexTime, ObjectType, Oid, Repository, RepositoryInitOptions, Signature, Time};

use crate::path::RepoPath;
use crate::tree::Mode;

const AUTHOR: &str = "knockon demo";
const ADDRESS: &str = "demo@knockon.example";
const BRANCH: &str = "refs/heads/main";

/// One commit of a history that is to be planted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlantedCommit {
    /// The whole message, as it is stored.
    pub message: String,
    /// The author's and the committer's time, in seconds since 1970 (UTC).
    pub time: i64,
    /// Files with their bytes, symlinks with their targets, submodules with the hexadecimal id of their commit.
    pub writes: Vec<(RepoPath, Mode, Vec<u8>)>,
    /// What goes. It goes before anything is written.
    pub deletes: Vec<RepoPath>,
}

/// Why a repository was not planted.
#[derive(Debug, thiserror::Error)]
pub enum PlantError {
    /// There is something in the folder, or the folder is none. Nothing was touched.
    #[error("{} is not an empty folder", .0.display())]
    Occupied(PathBuf),
    /// The folder cannot be looked into.
    #[error("{} cannot be read: {cause}", .folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A commit deletes what is not there.
    #[error("commit {0} deletes {1}, which is not there")]
    Absent(usize, RepoPath),
    /// A commit has a file where another path needs a folder.
    #[error("commit {0} has a file at {1} and something below it")]
    Collision(usize, RepoPath),
    /// A commit writes the root.
    #[error("commit {0} writes the root, which is a folder")]
    Root(usize),
    /// Git refused an object, a reference or a file of the work tree.
    #[error("git cannot write the repository: {0}")]
    Git(String),
}

impl From<git2::Error> for PlantError {
    fn from(error: git2::Error) -> Self {
        Self::Git(error.message().to_owned())
    }
}

/// The content of one commit: a reference to the write that it comes from.
type Snapshot<'a> = BTreeMap<&'a RepoPath, (Mode, &'a [u8])>;

/// Creates a repository in `directory` with the commits on branch `main`, oldest first, and checks the last one out.
///
/// The folder is created where it is missing. One that holds anything is refused, and so is a history that
/// contradicts itself, before anything is written.
pub fn plant(directory: &Path, commits: &[PlantedCommit]) -> Result<(), PlantError> {
    let snapshots = snapshots(commits)?;
    refuse_occupied(directory)?;
    let repository = initialise(directory)?;
    let mut tip: Option<Oid> = None;
    for (commit, snapshot) in commits.iter().zip(&snapshots) {
        let tree = repository.find_tree(write_tree(&repository, snapshot)?)?;
        let author = Signature::new(AUTHOR, ADDRESS, &Time::new(commit.time, 0))?;
        let parent = tip.map(|id| repository.find_commit(id)).transpose()?;
        let parents: Vec<_> = parent.iter().collect();
        // Without a reference: the branch appears when all of its history is there.
        tip = Some(repository.commit(None, &author, &author, &commit.message, &tree, &parents)?);
    }
    if let Some(tip) = tip {
        repository.reference(BRANCH, tip, false, "planted")?;
        repository.checkout_head(Some(CheckoutBuilder::new().force().disable_filters(true)))?;
    }
    Ok(())
}

/// What each commit holds, after all before it.
fn snapshots(commits: &[PlantedCommit]) -> Result<Vec<Snapshot<'_>>, PlantError> {
    let mut current = Snapshot::new();
    let mut all = Vec::with_capacity(commits.len());
    for (number, commit) in commits.iter().enumerate() {
        for path in &commit.deletes {
            current.remove(path).ok_or_else(|| PlantError::Absent(number, path.clone()))?;
        }
        for (path, mode, bytes) in &commit.writes {
            if path.is_root() {
                return Err(PlantError::Root(number));
            }
            current.insert(path, (*mode, bytes));
        }
        for (path, ..) in &commit.writes {
            if let Some(file) = path.ancestors().skip(1).find(|folder| current.contains_key(folder)) {
                return Err(PlantError::Collision(number, file));
            }
            let mut after = current.range::<RepoPath, _>(&path.child(b"")..);
            if after.next().is_some_and(|(next, _)| next.is_within(path)) {
                return Err(PlantError::Collision(number, path.clone()));
            }
        }
        all.push(current.clone());
    }
    Ok(all)
}

fn refuse_occupied(directory: &Path) -> Result<(), PlantError> {
    let unreadable = |cause| PlantError::Folder { folder: directory.to_owned(), cause };
    match std::fs::read_dir(directory) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(Ok(_)) => Err(PlantError::Occupied(directory.to_owned())),
            Some(Err(error)) => Err(unreadable(error)),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Err(PlantError::Occupied(directory.to_owned())),
        Err(error) => Err(unreadable(error)),
    }
}

fn initialise(directory: &Path) -> Result<Repository, PlantError> {
    let mut options = RepositoryInitOptions::new();
    options.bare(false).no_reinit(true).mkdir(true).mkpath(true).external_template(false).initial_head(BRANCH);
    let repository = Repository::init_opts(directory, &options)?;
    // From here on the repository's own file is all the configuration there is.
    repository.set_config(&Config::open(&repository.path().join("config"))?)?;
    Ok(repository)
}

/// An index in memory makes the folders; the repository's own index is written by the checkout.
fn write_tree(repository: &Repository, snapshot: &Snapshot<'_>) -> Result<Oid, PlantError> {
    let mut index = Index::new()?;
    for (path, (mode, bytes)) in snapshot {
        let id = match mode {
            Mode::Submodule => Oid::from_str(&String::from_utf8_lossy(bytes))?,
            Mode::File | Mode::Executable | Mode::Symlink => repository.odb()?.write(ObjectType::Blob, bytes)?,
        };
        index.add(&IndexEntry {
            ctime: IndexTime::new(0, 0),
            mtime: IndexTime::new(0, 0),
            dev: 0,
            ino: 0,
            mode: mode.bits(),
            uid: 0,
            gid: 0,
            file_size: 0,
            id,
            flags: 0,
            flags_extended: 0,
            path: path.as_bytes().to_vec(),
        })?;
    }
    Ok(index.write_tree_to(repository)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::from_git(text.as_bytes()).unwrap()
    }

    fn commit(message: &str, writes: &[(&str, Mode, &str)], deletes: &[&str]) -> PlantedCommit {
        PlantedCommit {
            message: message.to_owned(),
            time: 1_554_105_600,
            writes: writes.iter().map(|(at, mode, text)| (path(at), *mode, text.as_bytes().to_vec())).collect(),
            deletes: deletes.iter().map(|at| path(at)).collect(),
        }
    }

    fn history() -> Vec<PlantedCommit> {
        vec![
            commit(
                "one\n",
                &[
                    (".gitattributes", Mode::File, "* text=auto eol=crlf\n"),
                    ("a/run.sh", Mode::Executable, "#!/bin/sh\n"),
                    ("a/text", Mode::File, "lf\n"),
                    ("b", Mode::Symlink, "a/text"),
                ],
                &[],
            ),
            commit("two\n", &[("b/c", Mode::File, "")], &["b", "a/text"]),
        ]
    }

    fn tip(directory: &Path) -> String {
        Repository::open(directory).unwrap().refname_to_id(BRANCH).unwrap().to_string()
    }

    #[test]
    fn the_same_history_has_the_same_ids_everywhere() {
        let home = tempfile::tempdir().unwrap();
        let (first, second) = (home.path().join("first"), home.path().join("deep/second"));
        plant(&first, &history()).unwrap();
        plant(&second, &history()).unwrap();
        assert_eq!(tip(&first), "4cf17b66de333abaa58c9efc060aedc07d515c1d");
        assert_eq!(tip(&first), tip(&second));
    }

    #[test]
    fn the_work_tree_holds_the_last_commit_byte_for_byte() {
        let home = tempfile::tempdir().unwrap();
        plant(home.path(), &history()[..1]).unwrap();
        assert_eq!(std::fs::read(home.path().join("a/text")).unwrap(), b"lf\n");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(home.path().join("a/run.sh")).unwrap().permissions().mode();
            assert_eq!(mode & 0o111, 0o111);
            assert_eq!(std::fs::read_link(home.path().join("b")).unwrap(), Path::new("a/text"));
        }
        let repository = Repository::open(home.path()).unwrap();
        assert_eq!(repository.head().unwrap().name().unwrap(), BRANCH);
        assert!(repository.statuses(None).unwrap().is_empty());
    }

    #[test]
    fn what_a_commit_deletes_is_gone() {
        let home = tempfile::tempdir().unwrap();
        plant(home.path(), &history()).unwrap();
        let repository = Repository::open(home.path()).unwrap();
        let mut names = Vec::new();
        repository.index().unwrap().iter().for_each(|entry| names.push(String::from_utf8(entry.path).unwrap()));
        assert_eq!(names, [".gitattributes", "a/run.sh", "b/c"]);
        assert!(!home.path().join("a/text").exists());
    }

    #[test]
    fn an_occupied_place_is_refused_and_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("mine");
        std::fs::write(&file, "mine").unwrap();
        assert!(matches!(plant(home.path(), &history()), Err(PlantError::Occupied(_))));
        assert!(matches!(plant(&file, &history()), Err(PlantError::Occupied(_))));
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1);
        assert_eq!(std::fs::read(&file).unwrap(), b"mine");
    }

    #[test]
    fn a_history_that_contradicts_itself_is_refused_before_anything_is_written() {
        let home = tempfile::tempdir().unwrap();
        let file = |at| (at, Mode::File, "");
        for (commits, message) in [
            (vec![commit("x", &[], &["gone"])], "commit 0 deletes gone, which is not there"),
            (vec![commit("x", &[file("a"), file("a/b")], &[])], "commit 0 has a file at a and something below it"),
            (
                vec![commit("x", &[file("a/b"), file("a-b")], &[]), commit("y", &[file("a")], &[])],
                "commit 1 has a file at a and something below it",
            ),
            (vec![commit("x", &[file("")], &[])], "commit 0 writes the root, which is a folder"),
        ] {
            let error = plant(home.path(), &commits).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_submodule_is_pinned_to_its_commit() {
        let home = tempfile::tempdir().unwrap();
        let pinned = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
        plant(home.path(), &[commit("x", &[("vendor/lib", Mode::Submodule, pinned)], &[])]).unwrap();
        let repository = Repository::open(home.path()).unwrap();
        let tree = repository.head().unwrap().peel_to_tree().unwrap();
        let entry = tree.get_path(Path::new("vendor/lib")).unwrap();
        assert_eq!((entry.id().to_string().as_str(), entry.filemode()), (pinned, 0o160_000));
    }

    /// The test below runs it once more, with another environment and a folder of its own.
    #[test]
    fn plants_where_it_is_told() {
        let home = tempfile::tempdir().unwrap();
        let planted = std::env::var_os("PLANT_HERE").map_or_else(|| home.path().join("x"), std::path::PathBuf::from);
        plant(&planted, &history()[..1]).unwrap();
        assert!(Repository::open(&planted).unwrap().head().unwrap().name().is_ok_and(|name| name == "refs/heads/main"));
    }

    #[test]
    fn the_users_configuration_has_no_say() {
        let home = tempfile::tempdir().unwrap();
        let (template, planted) = (home.path().join("template"), home.path().join("planted"));
        std::fs::create_dir(&template).unwrap();
        std::fs::write(template.join("canary"), "").unwrap();
        let config = format!(
            "[core]\nautocrlf = true\nsymlinks = false\nfilemode = false\nhooksPath = {0}\n[init]\ndefaultBranch = other\n\
             templateDir = {0}\n[user]\nname = somebody\nemail = somebody@else.example\n[commit]\ngpgSign = true\n",
            template.display()
        );
        std::fs::write(home.path().join(".gitconfig"), config).unwrap();
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "git::plant::tests::plants_where_it_is_told"])
            .env("HOME", home.path())
            .env("USERPROFILE", home.path())
            .env("GIT_DIR", home.path().join("elsewhere"))
            .env("GIT_AUTHOR_NAME", "somebody")
            .env("PLANT_HERE", &planted)
            .stdout(std::process::Stdio::null())
            .status()
            .unwrap();
        assert!(status.success());
        let usual = home.path().join("usual");
        plant(&usual, &history()[..1]).unwrap();
        assert_eq!(tip(&planted), tip(&usual));
        assert_eq!(std::fs::read(planted.join("a/text")).unwrap(), b"lf\n");
        #[cfg(unix)]
        assert_eq!(std::fs::read_link(planted.join("b")).unwrap(), Path::new("a/text"));
        assert!(!planted.join(".git/canary").exists());
        assert!(!home.path().join("elsewhere").exists());
        let log = std::fs::read_to_string(planted.join(".git/logs/HEAD")).unwrap_or_default();
        assert!(!log.contains("somebody"), "{log}");
    }
}
