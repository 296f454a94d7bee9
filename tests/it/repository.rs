//! A real repository, made by the git binary where no user's settings show, and the real binary run on it.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Longer than any answer takes on a busy machine: whatever takes this long hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A repository in a temporary folder, which stands beside an empty home. Commits get ascending, fixed dates.
pub struct Repo {
    folder: TempDir,
    top: PathBuf,
    clock: Cell<u32>,
}

impl Repo {
    /// A fresh repository with the branch `main`.
    pub fn new() -> Self {
        Self::shaped(&[])
    }

    /// A fresh repository; arguments go to `git init`.
    pub fn shaped(arguments: &[&str]) -> Self {
        let repo = Self::empty();
        repo.git(&[&["init", "--quiet", "--initial-branch=main"], arguments].concat());
        repo
    }

    /// A folder without a repository.
    pub fn empty() -> Self {
        let folder = TempDir::new().unwrap();
        let base = fs::canonicalize(folder.path()).unwrap();
        let top = base.join("repo");
        fs::create_dir(&top).unwrap();
        fs::create_dir(base.join("home")).unwrap();
        Self { folder, top, clock: Cell::new(1_700_000_000) }
    }

    /// Three Go modules: `app` uses `lib`, `lone` uses none; all in one commit.
    pub fn of_modules() -> Self {
        Self::new().with_modules()
    }

    /// The three modules in another repository.
    pub fn with_modules(self) -> Self {
        let repo = self;
        repo.write("lib/go.mod", "module example.org/lib\n\ngo 1.22\n").write("lib/lib.go", "package lib\n");
        repo.write("app/go.mod", APP_MODULE).write("app/main.go", "package main\n");
        repo.write("lone/go.mod", "module example.org/lone\n\ngo 1.22\n").write("lone/lone.go", "package lone\n");
        repo.commit("three modules");
        repo
    }

    /// What `knockon demo` plants.
    pub fn demo() -> Self {
        let repo = Self::empty();
        fs::remove_dir(&repo.top).unwrap();
        let top = repo.top.to_str().unwrap().to_owned();
        repo.start_in(&repo.beside(""), &["demo", &top], |_| {}).done();
        repo
    }

    pub fn top(&self) -> &Path {
        &self.top
    }

    /// A place beside the repository.
    pub fn beside(&self, name: &str) -> PathBuf {
        fs::canonicalize(self.folder.path()).unwrap().join(name)
    }

    /// Writes a file, with its folders.
    pub fn write(&self, path: impl AsRef<[u8]>, bytes: impl AsRef<[u8]>) -> &Self {
        let path = self.place(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    pub fn append(&self, path: &str, text: &str) -> &Self {
        let before = fs::read(self.top.join(path)).unwrap_or_default();
        self.write(path, [&before, text.as_bytes()].concat())
    }

    pub fn remove(&self, path: &str) -> &Self {
        let path = self.top.join(path);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap()
        } else {
            fs::remove_file(path).unwrap()
        }
        self
    }

    pub fn symlink(&self, target: &str, path: &str) -> &Self {
        let path = self.place(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, path).unwrap();
        self
    }

    pub fn mode(&self, path: &str, bits: u32) -> &Self {
        fs::set_permissions(self.top.join(path), fs::Permissions::from_mode(bits)).unwrap();
        self
    }

    fn place(&self, path: impl AsRef<[u8]>) -> PathBuf {
        self.top.join(OsStr::from_bytes(path.as_ref()))
    }

    /// Runs git at the top; gives what it prints.
    pub fn git(&self, arguments: &[&str]) -> String {
        self.git_in(&self.top, arguments)
    }

    pub fn git_in(&self, folder: &Path, arguments: &[&str]) -> String {
        self.git_fed(folder, arguments, b"")
    }

    pub fn git_fed(&self, folder: &Path, arguments: &[&str], input: &[u8]) -> String {
        use std::io::Write as _;
        let mut command = self.git_command(folder, arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned()
    }

    pub fn git_command(&self, folder: &Path, arguments: &[&str]) -> Command {
        let now = self.clock.get() + 60;
        self.clock.set(now);
        let mut command = Command::new("git");
        command.current_dir(folder).args(["-c", "protocol.file.allow=always"]).args(arguments);
        self.scrub(&mut command);
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "n").env(format!("GIT_{who}_EMAIL"), "e@example.org");
            command.env(format!("GIT_{who}_DATE"), format!("{now} +0000"));
        }
        command
    }

    /// An environment in which nothing of the machine shows: no user's settings, no variables of a CI engine.
    pub fn scrub(&self, command: &mut Command) {
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.beside("home"));
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").env("LC_ALL", "C");
    }

    /// Adds everything and commits, even nothing.
    pub fn commit(&self, message: &str) -> &Self {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--no-verify", "-m", message]);
        self
    }

    /// The id of a revision.
    pub fn id(&self, revision: &str) -> String {
        self.git(&["rev-parse", "--verify", revision])
    }

    /// Runs knockon at the top.
    pub fn knockon<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Outcome {
        self.start(arguments, |_| {})
    }

    /// Runs knockon at the top, its command changed before.
    pub fn start<A: AsRef<OsStr>>(&self, arguments: &[A], change: impl FnOnce(&mut Command)) -> Outcome {
        self.start_in(&self.top, arguments, change)
    }

    /// Runs knockon at the top with some variables more.
    pub fn start_with<A: AsRef<OsStr>>(&self, arguments: &[A], variables: &[(&str, &str)]) -> Outcome {
        self.start(arguments, |command| {
            command.envs(variables.iter().copied());
        })
    }

    pub fn start_in<A: AsRef<OsStr>>(
        &self,
        folder: &Path,
        arguments: &[A],
        change: impl FnOnce(&mut Command),
    ) -> Outcome {
        let mut command = Command::new(env!("CARGO_BIN_EXE_knockon"));
        self.scrub(&mut command);
        command.current_dir(folder).args(arguments);
        change(&mut command);
        Outcome::of(command)
    }

    /// What is affected from a base to a head, as `folder:task`.
    pub fn affected(&self, base: &str, head: &str) -> Vec<String> {
        self.report(&["--base", base, "--head", head]).tasks()
    }

    /// What `affected --format json` says with these arguments.
    pub fn report(&self, arguments: &[&str]) -> Outcome {
        let outcome = self.knockon(&[&["affected", "--format", "json"], arguments].concat());
        outcome.done();
        outcome
    }
}

const APP_MODULE: &str =
    "module example.org/app\n\ngo 1.22\n\nrequire example.org/lib v0.0.0\n\nreplace example.org/lib => ../lib\n";

/// All tasks of [`Repo::of_modules`].
pub const ALL_OF_MODULES: [&str; 6] = ["app:build", "app:test", "lib:build", "lib:test", "lone:build", "lone:test"];

/// How a run ended, and what it said.
#[derive(Debug)]
pub struct Outcome {
    pub status: i32,
    pub bytes: Vec<u8>,
    pub stderr: String,
}

impl Outcome {
    /// Waits for a command; a hang, a signal and a panic are failures whatever the test is about.
    pub fn of(mut command: Command) -> Self {
        let told = format!("{command:?}");
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let reader = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            stdout.read_to_end(&mut bytes).unwrap();
            bytes
        });
        let listener = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            stderr.read_to_end(&mut bytes).unwrap();
            bytes
        });
        let end = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > end {
                child.kill().unwrap();
                panic!("{told} hangs");
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        let bytes = reader.join().unwrap();
        let stderr = String::from_utf8_lossy(&listener.join().unwrap()).into_owned();
        assert!(!stderr.contains("panicked at"), "{told}: {stderr}");
        let status = status.code().unwrap_or_else(|| panic!("{told} ended by a signal: {status}\n{stderr}"));
        Self { status, bytes, stderr }
    }

    /// That it ended well.
    pub fn done(&self) -> &Self {
        assert_eq!(self.status, 0, "{}", self.stderr);
        self
    }

    /// That it ended with a status, said this on stderr, and answered nothing.
    pub fn refused(&self, status: i32, told: &str) -> &Self {
        assert_eq!(self.status, status, "{}\n{}", self.stdout(), self.stderr);
        assert!(self.stderr.contains(told), "`{told}` is not in\n{}", self.stderr);
        assert!(self.bytes.is_empty(), "{}", self.stdout());
        self
    }

    pub fn stdout(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|error| panic!("{error}\n{}\n{}", self.stdout(), self.stderr))
    }

    /// The affected tasks of a report, as `folder:task`.
    pub fn tasks(&self) -> Vec<String> {
        let report = self.json();
        let tasks = report["projects"].as_array().unwrap().iter().flat_map(|project| {
            let id = text(&project["id"]);
            project["tasks"].as_array().unwrap().iter().map(move |task| format!("{id}:{}", text(task)))
        });
        tasks.collect()
    }

    /// The affected projects of a report.
    pub fn projects(&self) -> Vec<String> {
        self.json()["projects"].as_array().unwrap().iter().map(|project| text(&project["id"])).collect()
    }

    /// The reasons for which a report was widened.
    pub fn widened(&self) -> Vec<String> {
        let reasons: BTreeSet<String> =
            self.json()["widened"].as_array().unwrap().iter().map(|doubt| text(&doubt["reason"])).collect();
        reasons.into_iter().collect()
    }

    /// The base that a report was made against.
    pub fn base(&self) -> String {
        text(&self.json()["base"]["commit"])
    }

    pub fn decision(&self) -> String {
        text(&self.json()["decision"])
    }
}

/// The text of a JSON value; its JSON if it is none.
pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
