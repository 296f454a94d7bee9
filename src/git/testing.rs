//! Real repositories for tests, made by the git binary in an environment where no user's settings show.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::layout::Layout;
use super::object::Hash;
use super::{GitEnvironment, GitError, Repository, TreeView, shape};
use crate::path::RepoPath;
use crate::tree::{Mode, Node, Tree};

/// A repository in a temporary folder. Commits get ascending, fixed dates.
pub(super) struct Fixture {
    folder: TempDir,
    top: PathBuf,
    clock: std::cell::Cell<u32>,
}

impl Fixture {
    /// A fresh repository with branch `main`; arguments go to `git init`.
    pub(super) fn init(arguments: &[&str]) -> Self {
        let fixture = Self::empty();
        fixture.git_in(&fixture.top, &[&["init", "--quiet", "--initial-branch=main"], arguments].concat());
        fixture
    }

    /// A folder without a repository.
    pub(super) fn empty() -> Self {
        let folder = TempDir::new().unwrap();
        let base = fs::canonicalize(folder.path()).unwrap();
        let top = base.join("repo");
        fs::create_dir(&top).unwrap();
        Self { folder, top, clock: std::cell::Cell::new(1_700_000_000) }
    }

    pub(super) fn top(&self) -> &Path {
        &self.top
    }

    /// A place beside the repository.
    pub(super) fn beside(&self, name: &str) -> PathBuf {
        fs::canonicalize(self.folder.path()).unwrap().join(name)
    }

    /// Runs git at the top; gives what it prints.
    pub(super) fn git(&self, arguments: &[&str]) -> String {
        self.git_in(&self.top, arguments)
    }

    pub(super) fn git_in(&self, folder: &Path, arguments: &[&str]) -> String {
        let output = self.command(folder, arguments).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "git {arguments:?}: {error}");
        String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned()
    }

    pub(super) fn command(&self, folder: &Path, arguments: &[&str]) -> Command {
        let now = self.clock.get() + 60;
        self.clock.set(now);
        let date = format!("{now} +0000");
        let mut command = Command::new("git");
        command.env_clear().current_dir(folder).args(["-c", "protocol.file.allow=always"]).args(arguments);
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.folder.path());
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").env("LC_ALL", "C");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "n").env(format!("GIT_{who}_EMAIL"), "e@example.org");
            command.env(format!("GIT_{who}_DATE"), &date);
        }
        command
    }

    /// Writes a file, with its folders.
    pub(super) fn write(&self, path: &str, bytes: impl AsRef<[u8]>) -> &Self {
        let path = self.top.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    pub(super) fn remove(&self, path: &str) {
        fs::remove_file(self.top.join(path)).unwrap();
    }

    pub(super) fn symlink(&self, target: &str, path: &str) {
        let path = self.top.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, path).unwrap();
    }

    /// Adds everything and commits; gives the commit's id.
    pub(super) fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Lets the index be safely younger than every file, so that an unchanged file is known by its stat.
    pub(super) fn settle(&self) {
        std::thread::sleep(std::time::Duration::from_millis(60));
        self.git(&["update-index", "-q", "--really-refresh", "--force-write-index"]);
    }

    pub(super) fn environment(&self) -> GitEnvironment {
        GitEnvironment {
            config_global: Some("/dev/null".into()),
            config_no_system: true,
            home: Some(self.folder.path().to_owned()),
            path: std::env::var_os("PATH"),
            ..GitEnvironment::default()
        }
    }

    pub(super) fn open(&self) -> Repository {
        self.open_at(&self.top).unwrap()
    }

    /// Opens a repository as anybody would, and holds both engines to the same answers on the way.
    pub(super) fn open_at(&self, folder: &Path) -> Result<Repository, GitError> {
        let repository = Repository::discover(folder, &self.environment())?;
        if repository.notes().is_empty() {
            assert_eq!(answers(&repository), answers(&self.plumbing_at(folder)), "the engines disagree");
        }
        Ok(repository)
    }

    /// The same repository, read through the git binary.
    pub(super) fn plumbing(&self) -> Repository {
        self.plumbing_at(&self.top)
    }

    fn plumbing_at(&self, folder: &Path) -> Repository {
        let environment = self.environment();
        let layout = Layout::discover(folder, &environment).unwrap();
        let choice = shape::through_plumbing(&layout, &environment, Hash::Sha1, "a test", "").unwrap();
        Repository::with_engine(layout, environment, choice).unwrap()
    }
}

/// What a repository says of itself, without the note on the engine.
fn answers(repository: &Repository) -> String {
    let view = |view: Result<TreeView, GitError>| {
        let view = view.map(|view| (listing(&*view.tree), view.notes));
        view.map(|(listing, notes)| {
            (listing, notes.into_iter().filter(|note| note.code != "git-binary").collect::<Vec<_>>())
        })
    };
    let head = repository.head();
    let mut names = repository.objects.engine.references().unwrap();
    names.sort();
    names.retain(|name| name.starts_with("refs/"));
    let targets: Vec<_> = names.iter().map(|name| repository.objects.engine.reference(name)).collect();
    let default = repository.default_branch(None);
    let index = view(repository.index_tree());
    format!("{head:?}\n{names:?}\n{targets:?}\n{default:?}\n{index:?}\n{:?}", view(repository.worktree_tree()))
}

/// Every path of a tree with its mode and id, as `git ls-tree -r` prints it.
pub(super) fn listing(tree: &dyn Tree) -> Vec<String> {
    let mut lines = Vec::new();
    let mut pending = vec![(RepoPath::root(), tree.root())];
    while let Some((folder, id)) = pending.pop() {
        for entry in tree.folder(id).unwrap().iter() {
            let path = folder.child(&entry.name);
            match entry.node {
                Node::Folder(id) => pending.push((path, id)),
                Node::Content(mode, id) => lines.push(format!("{:06o} {id} {path}", mode.bits())),
            }
        }
    }
    lines.sort_by(|a, b| path_in(a).cmp(path_in(b)));
    lines
}

fn path_in(line: &str) -> &str {
    line.splitn(3, ' ').last().unwrap()
}

/// The paths of a tree.
pub(super) fn paths(tree: &dyn Tree) -> Vec<String> {
    listing(tree).iter().map(|line| path_in(line).to_owned()).collect()
}

/// The bytes of a file.
pub(super) fn bytes_at(tree: &dyn Tree, path: &str) -> Vec<u8> {
    match node_at(tree, path) {
        Some(Node::Content(mode, id)) if mode != Mode::Submodule => tree.content(id).unwrap().to_vec(),
        other => panic!("{path} is {other:?}"),
    }
}

pub(super) fn node_at(tree: &dyn Tree, path: &str) -> Option<Node> {
    crate::tree::node_at(tree, &RepoPath::from_git(path.as_bytes()).unwrap()).unwrap()
}
