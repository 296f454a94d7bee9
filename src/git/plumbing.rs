//! Git's plumbing, for repositories that libgit2 cannot read.
//!
//! Only commands that were verified to run nothing of a hostile repository: `rev-parse`, `cat-file --batch` and
//! `ls-files -s`; and `fetch`, where somebody asked for it by name. Revisions are told from options by `--end-of-options`; the environment holds nothing but what is
//! written here, so that no variable of git or of the repository's owner reaches the child.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use super::engine::Engine;
use super::index::{CachedFolders, Flags, Index, IndexEntry};
use super::layout::Layout;
use super::object::{Hash, Kind};
use super::stat::Stat;
use super::{GitEnvironment, GitError};
use crate::path::RepoPath;
use crate::tree::ObjectId;

/// Settings that would make git run a program, reach a network or hide a change.
const OVERRIDES: [&str; 10] = [
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.quotePath=false",
    "diff.external=",
    "diff.ignoreSubmodules=none",
    "diff.renames=false",
    "diff.relative=false",
    "status.showUntrackedFiles=all",
    "submodule.recurse=false",
    "protocol.allow=never",
];

/// The git binary, at one repository.
pub(super) struct Plumbing {
    binary: PathBuf,
    layout: Layout,
    environment: GitEnvironment,
    hash: Hash,
    /// One process answers all questions for objects.
    batch: Mutex<Option<Batch>>,
}

impl Plumbing {
    /// Looks for the binary and lets it say whether it can read the repository. `shape` names what libgit2 cannot.
    pub(super) fn open(
        layout: &Layout,
        environment: &GitEnvironment,
        hash: Hash,
        shape: &str,
    ) -> Result<Self, GitError> {
        let binary = find(environment.path.as_deref()).ok_or_else(|| GitError::NoGitBinary { shape: shape.into() })?;
        let plumbing =
            Self { binary, layout: layout.clone(), environment: environment.clone(), hash, batch: Mutex::new(None) };
        plumbing.run(&["rev-parse", "--git-dir"])?;
        Ok(plumbing)
    }

    pub(super) fn binary(&self) -> &Path {
        &self.binary
    }

    fn command(&self, arguments: &[&OsStr]) -> Command {
        let mut command = Command::new(&self.binary);
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.args(["--no-pager", "--no-optional-locks", "--no-replace-objects", "--literal-pathspecs"]);
        for setting in OVERRIDES {
            command.args(["-c", setting]);
        }
        // Git is left to find the repository where it can, because only then it looks at whose it is.
        let found = match &self.layout.work_tree {
            Some(top) => top.join(".git").exists(),
            None => true,
        };
        command.current_dir(self.layout.top());
        let bare = if self.layout.work_tree.is_none() { "all" } else { "explicit" };
        command.arg("-c").arg(format!("safe.bareRepository={bare}"));
        if self.layout.named || !found {
            command.env("GIT_DIR", &self.layout.git_dir).env("GIT_COMMON_DIR", &self.layout.common_dir);
            if let Some(top) = &self.layout.work_tree {
                command.env("GIT_WORK_TREE", top);
            }
        }
        command.args(arguments);
        let given = &self.environment;
        let mut set = |name: &str, value: Option<&OsStr>| {
            if let Some(value) = value {
                command.env(name, value);
            }
        };
        let os = |path: &Option<PathBuf>| path.as_ref().map(|path| path.clone().into_os_string());
        set("PATH", given.path.as_deref());
        set("HOME", os(&given.home).as_deref());
        set("XDG_CONFIG_HOME", os(&given.xdg_config_home).as_deref());
        set("GIT_CONFIG_GLOBAL", os(&given.config_global).as_deref());
        set("GIT_OBJECT_DIRECTORY", os(&given.object_directory).as_deref());
        if !given.alternate_object_directories.is_empty() {
            let joined = std::env::join_paths(&given.alternate_object_directories).ok();
            set("GIT_ALTERNATE_OBJECT_DIRECTORIES", joined.as_deref());
        }
        if given.config_no_system {
            command.env("GIT_CONFIG_NOSYSTEM", "1");
        }
        command.env("GIT_CONFIG_COUNT", given.config_pairs.len().to_string());
        for (at, (key, value)) in given.config_pairs.iter().enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{at}"), key).env(format!("GIT_CONFIG_VALUE_{at}"), value);
        }
        command.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0").env("GIT_ASKPASS", "");
        command.env("GIT_NO_LAZY_FETCH", "1").env("GIT_OPTIONAL_LOCKS", "0");
        command
    }

    fn run(&self, arguments: &[&str]) -> Result<Vec<u8>, GitError> {
        let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        let name = arguments.first().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        self.finish(&name, self.command(&arguments))
    }

    fn finish(&self, name: &str, mut command: Command) -> Result<Vec<u8>, GitError> {
        let output = command.output().map_err(|error| failed(name, &error.to_string()))?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let reason = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        if reason.contains("dubious ownership") {
            return Err(GitError::Foreign(self.layout.top().to_owned()));
        }
        Err(failed(name, &reason))
    }

    /// Fetches from a remote as the arguments of `git fetch` say: the one command that opens a connection. It starts no
    /// hook, no maintenance and no program that a URL names, asks nobody for a password, and writes no more than objects,
    /// the references that it is told and where the history is cut.
    pub(super) fn fetch(&self, arguments: &[String]) -> Result<(), GitError> {
        let protocols = ["https", "http", "ssh", "git", "file"].map(|name| format!("protocol.{name}.allow=always"));
        let mut all: Vec<&str> = protocols.iter().flat_map(|setting| ["-c", setting]).collect();
        let quiet = [
            "--quiet",
            "--no-auto-maintenance",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
            "--no-show-forced-updates",
        ];
        let (name, rest) = arguments.split_first().ok_or_else(|| failed("fetch", "nothing is to be fetched"))?;
        all.push(name);
        all.extend(quiet);
        all.extend(rest.iter().map(String::as_str));
        let all: Vec<&OsStr> = all.into_iter().map(OsStr::new).collect();
        let mut command = self.command(&all);
        command.envs(self.environment.remote.iter().map(|(name, value)| (name, value)));
        self.finish("fetch", command).map(|_| ())
    }

    /// The id that `rev-parse` gives; none when it knows no such thing.
    fn parse(&self, text: &str) -> Result<Option<ObjectId>, GitError> {
        let arguments = ["rev-parse", "--verify", "--quiet", "--end-of-options", text].map(OsStr::new);
        let output = self.command(&arguments).output().map_err(|error| failed("rev-parse", &error.to_string()))?;
        let error = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() && !error.trim().is_empty() && !error.contains("Needed a single revision") {
            return Err(failed("rev-parse", error.trim()));
        }
        Ok(ObjectId::from_hex(String::from_utf8_lossy(&output.stdout).trim()))
    }
}

fn failed(command: &str, reason: &str) -> GitError {
    // Git repeats names of the repository, which may hold anything.
    GitError::Plumbing { command: command.to_owned(), reason: crate::path::harmless(reason).to_string() }
}

/// The first `git` on a search path. Relative folders are passed over: the current one may be hostile.
fn find(path: Option<&OsStr>) -> Option<PathBuf> {
    let name = if cfg!(windows) { "git.exe" } else { "git" };
    let folders = std::env::split_paths(path?).filter(|folder| folder.is_absolute());
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

impl Engine for Plumbing {
    fn object(&self, id: ObjectId) -> Result<Option<(Kind, Vec<u8>)>, GitError> {
        let mut batch = self.batch.lock().unwrap_or_else(PoisonError::into_inner);
        let mut process = match batch.take() {
            Some(process) => process,
            None => Batch::start(self.command(&["cat-file", "--batch"].map(OsStr::new)))
                .map_err(|error| failed("cat-file", &error.to_string()))?,
        };
        // After a failure the process is not asked again: what it writes next would answer an older question.
        let answer = process.ask(id).map_err(|error| GitError::corrupt(id, error))?;
        *batch = Some(process);
        drop(batch);
        let Some((kind, bytes)) = answer else { return Ok(None) };
        if self.hash.digest(kind, &bytes)? != id {
            return Err(GitError::corrupt(id, "its content has another id"));
        }
        Ok(Some((kind, bytes)))
    }

    fn length(&self, id: ObjectId) -> Result<Option<u64>, GitError> {
        Ok(self.object(id)?.map(|(_, bytes)| bytes.len() as u64))
    }

    fn reference(&self, name: &str) -> Result<Option<ObjectId>, GitError> {
        // `refs/x` alone would be looked for at other places too.
        let found = self.run(&["rev-parse", "--verify", "--quiet", "--symbolic-full-name", "--end-of-options", name]);
        let found = found.unwrap_or_default();
        let full = String::from_utf8_lossy(&found);
        let names_it = match full.trim() {
            full if name.starts_with("refs/") => full == name || self.symbolic(name)?.is_some(),
            // Outside `refs/` git answers for HEAD and its like, and for a branch of that name too.
            full => name == "HEAD" || !full.starts_with("refs/"),
        };
        if names_it { self.parse(name) } else { Ok(None) }
    }

    fn symbolic(&self, name: &str) -> Result<Option<String>, GitError> {
        let found = self.run(&["rev-parse", "--symbolic-full-name", "--end-of-options", name]).unwrap_or_default();
        let full = String::from_utf8_lossy(&found);
        let full = full.lines().find(|line| line.starts_with("refs/"));
        Ok(full.filter(|full| *full != name).map(str::to_owned))
    }

    fn references(&self) -> Result<Vec<String>, GitError> {
        let found = self.run(&["rev-parse", "--symbolic", "--all"])?;
        Ok(String::from_utf8_lossy(&found).lines().map(str::to_owned).collect())
    }

    fn with_prefix(&self, digits: &str) -> Result<Vec<ObjectId>, GitError> {
        let found = self.run(&["rev-parse", &format!("--disambiguate={digits}")])?;
        Ok(String::from_utf8_lossy(&found).lines().filter_map(ObjectId::from_hex).collect())
    }

    fn local_form(&self, text: &str) -> Result<Option<ObjectId>, GitError> {
        self.parse(text)
    }

    fn index(&self, file: &Path) -> Result<Index, GitError> {
        let arguments = ["ls-files", "-s", "-v", "-z", "--debug", "--full-name"].map(OsStr::new);
        let mut command = self.command(&arguments);
        if let Some(top) = &self.layout.work_tree {
            command.current_dir(top);
        }
        command.env("GIT_INDEX_FILE", OsString::from(file));
        let listed = self.finish("ls-files", command)?;
        // Git prints no ids of folders; they are computed.
        Ok(Index { entries: parse_index(&listed)?, folders: CachedFolders::new() })
    }

    /// A process takes no room here.
    fn close(&self) {}
}

/// Reads `H 100644 <id> 0\t<path>\0`, each followed by lines with the stat. Should a future git write the stat in
/// another form, it is missing here, and every file is hashed.
fn parse_index(mut listed: &[u8]) -> Result<Vec<IndexEntry>, GitError> {
    let broken = || failed("ls-files", "its answer has an unknown form");
    let mut entries = Vec::new();
    while !listed.is_empty() {
        let end = listed.iter().position(|&b| b == 0).ok_or_else(broken)?;
        let record = &listed[..end];
        listed = &listed[end + 1..];
        let tab = record.iter().position(|&b| b == b'\t').ok_or_else(broken)?;
        let header = std::str::from_utf8(&record[..tab]).map_err(|_| broken())?;
        let mut words = header.split(' ');
        let mut word = || words.next().ok_or_else(broken);
        let (tag, bits, id, stage) = (word()?, word()?, word()?, word()?);
        let mut debug = Vec::new();
        while listed.starts_with(b"  ") {
            let end = listed.iter().position(|&b| b == b'\n').ok_or_else(broken)?;
            debug.push(String::from_utf8_lossy(&listed[2..end]).into_owned());
            listed = &listed[end + 1..];
        }
        let (stat, bits_of_flags) = parse_debug(&debug);
        entries.push(IndexEntry {
            path: RepoPath::from_git(&record[tab + 1..]).map_err(|error| GitError::corrupt("index", error))?,
            bits: u32::from_str_radix(bits, 8).map_err(|_| broken())?,
            id: ObjectId::from_hex(id).ok_or_else(broken)?,
            stage: stage.parse().map_err(|_| broken())?,
            flags: Flags {
                assume_unchanged: tag.starts_with(|c: char| c.is_ascii_lowercase()),
                skip_worktree: tag.eq_ignore_ascii_case("s"),
                intent_to_add: bits_of_flags & 0x2000_0000 != 0,
            },
            stat,
        });
    }
    Ok(entries)
}

fn parse_debug(lines: &[String]) -> (Option<Stat>, u32) {
    let fields: Vec<(&str, &str)> =
        lines.iter().flat_map(|line| line.split('\t')).filter_map(|field| field.split_once(": ")).collect();
    let field = |name: &str| fields.iter().find(|(found, _)| *found == name).map(|(_, value)| *value);
    let time = |name: &str| {
        let (seconds, nanoseconds) = field(name)?.split_once(':')?;
        // The index keeps 32 bits, which git prints without a sign.
        let seconds = seconds.parse::<u32>().ok()?.cast_signed();
        Some((i64::from(seconds), nanoseconds.parse().ok()?))
    };
    let number = |name: &str| field(name)?.parse().ok();
    let stat = || {
        Some(Stat { modified: time("mtime")?, changed: time("ctime")?, inode: number("ino")?, length: number("size")? })
    };
    let flags = field("flags").and_then(|value| u32::from_str_radix(value, 16).ok()).unwrap_or(0);
    (stat(), flags)
}

/// A running `git cat-file --batch`.
struct Batch {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Batch {
    fn start(mut command: Command) -> std::io::Result<Self> {
        let missing = || std::io::Error::other("no pipe");
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let questions = child.stdin.take().ok_or_else(missing)?;
        let answers = BufReader::new(child.stdout.take().ok_or_else(missing)?);
        Ok(Self { child, questions, answers })
    }

    fn ask(&mut self, id: ObjectId) -> std::io::Result<Option<(Kind, Vec<u8>)>> {
        let unknown = || std::io::Error::other("git gave no readable answer");
        writeln!(self.questions, "{id}")?;
        self.questions.flush()?;
        let mut header = Vec::new();
        self.answers.read_until(b'\n', &mut header)?;
        let words: Vec<&[u8]> = header.trim_ascii_end().split(|&b| b == b' ').collect();
        match words[..] {
            [_, b"missing"] => Ok(None),
            [_, kind, length] => {
                let kind = Kind::from_name(kind).ok_or_else(unknown)?;
                let length = std::str::from_utf8(length).ok().and_then(|text| text.parse::<usize>().ok());
                let mut bytes = vec![0; length.ok_or_else(unknown)?];
                self.answers.read_exact(&mut bytes)?;
                self.answers.read_exact(&mut [0])?;
                Ok(Some((kind, bytes)))
            }
            _ => Err(unknown()),
        }
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
