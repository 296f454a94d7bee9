//! A new repository, written through `git fast-import`.

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};

/// 2020-01-01. Every commit is a minute after the one before it.
const FIRST_TIME: u64 = 1_577_836_800;

/// What was planted.
pub struct Planted {
    /// How many files the first commit has.
    pub files: usize,
}

/// A repository that is being written.
pub struct Stream<'folder> {
    folder: &'folder Path,
    import: Child,
    to: BufWriter<ChildStdin>,
    commits: u64,
    /// How many files were written so far, over all commits.
    pub files: usize,
}

impl<'folder> Stream<'folder> {
    /// Creates the repository in a folder that is not there yet; `head` is the branch that it will stand on.
    pub fn create(folder: &'folder Path, head: &str) -> io::Result<Self> {
        std::fs::create_dir(folder)?;
        git(folder, &["init", "--quiet", &format!("--initial-branch={head}")])?;
        for (name, value) in [("gc.auto", "0"), ("user.name", "bench"), ("user.email", "bench@knockon.example")] {
            git(folder, &["config", name, value])?;
        }
        let mut import = Command::new("git")
            .args(["fast-import", "--quiet", "--done"])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .spawn()?;
        let to = BufWriter::new(import.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?);
        Ok(Self { folder, import, to, commits: 0, files: 0 })
    }

    /// Starts a commit on a new branch; what is written next are its differences from the branch that it starts from.
    pub fn commit(&mut self, branch: &str, from: Option<&str>) -> io::Result<()> {
        let who = format!("bench <bench@knockon.example> {} +0000", FIRST_TIME + 60 * self.commits);
        self.commits += 1;
        let length = branch.len();
        write!(self.to, "commit refs/heads/{branch}\nauthor {who}\ncommitter {who}\ndata {length}\n{branch}\n")?;
        from.map_or(Ok(()), |from| writeln!(self.to, "from refs/heads/{from}"))
    }

    /// Writes a file, or overwrites it.
    pub fn file(&mut self, path: &str, text: &str) -> io::Result<()> {
        self.files += 1;
        write!(self.to, "M 100644 inline {path}\ndata {}\n{text}\n", text.len())
    }

    /// Stores a content before the commit that uses it by its mark, so that it is sent once for any number of files.
    pub fn content(&mut self, mark: usize, text: &str) -> io::Result<()> {
        write!(self.to, "blob\nmark :{mark}\ndata {}\n{text}\n", text.len())
    }

    /// Writes a file with a content that was stored.
    pub fn marked_file(&mut self, path: &str, mark: usize) -> io::Result<()> {
        self.files += 1;
        writeln!(self.to, "M 100644 :{mark} {path}")
    }

    /// Ends the writing and packs the repository as a fresh clone would be.
    pub fn finish(mut self) -> io::Result<()> {
        self.to.write_all(b"done\n")?;
        self.to.flush()?;
        drop(self.to);
        ended(self.import.wait()?, "fast-import")?;
        git(self.folder, &["repack", "-a", "-d", "-f", "--quiet"])
    }
}

/// Runs git in a folder.
pub fn git(folder: &Path, arguments: &[&str]) -> io::Result<()> {
    ended(Command::new("git").args(arguments).current_dir(folder).status()?, arguments[0])
}

fn ended(status: ExitStatus, what: &str) -> io::Result<()> {
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("git {what} ended with {status}"))) }
}
