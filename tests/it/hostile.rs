//! A repository that tries to have its own programs run. Planning reads it, runs nothing of it, opens no socket and
//! writes nothing: what the kernel was asked for proves it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::repository::{Outcome, Repo};

const WATCHED: &str = "execve,execveat,fork,vfork,connect,socket,open,openat,creat,unlink,unlinkat,rename,renameat,\
                       renameat2,mkdir,mkdirat,link,linkat,symlink,symlinkat,truncate,ftruncate,chmod,fchmod,fchmodat";

/// A repository in which everything that can name a program names one that leaves a trace.
fn hostile() -> Repo {
    hostile_in(Repo::of_modules())
}

fn hostile_in(repo: Repo) -> Repo {
    let canary = repo.beside("canary").display().to_string();
    let program = repo.top().join(".git/touch-canary");
    fs::write(&program, format!("#!/bin/sh\necho \"$0 $*\" >>'{canary}'\ncat\n")).unwrap();
    repo.mode(".git/touch-canary", 0o755);
    let program = program.to_str().unwrap();
    for hook in [
        "pre-commit",
        "post-checkout",
        "post-index-change",
        "fsmonitor-watchman",
        "query-watchman",
        "pre-auto-gc",
        "reference-transaction",
        "post-merge",
    ] {
        fs::create_dir_all(repo.top().join(".git/hooks")).unwrap();
        fs::copy(program, repo.top().join(".git/hooks").join(hook)).unwrap();
    }
    repo.write(
        ".gitattributes",
        "*.go filter=evil diff=evil merge=evil\n*.bin filter=process\n*.txt working-tree-encoding=UTF-16LE\n",
    );
    repo.write("lone/a.bin", "a").write("lone/a.txt", "a\n");
    repo.git(&["config", "extensions.worktreeConfig", "true"]);
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "--no-verify", "-m", "attributes"]);
    // A second commit, with another manifest, a package manager of the repository's own and a build script.
    repo.write("web/package.json", "{ \"name\": \"web\", \"scripts\": { \"build\": \"touch canary\" } }\n");
    repo.write("web/.yarnrc.yml", "yarnPath: ./evil.js\nplugins: [./evil.js]\n").write("web/yarn.lock", "");
    repo.write("web/evil.js", format!("require('fs').writeFileSync('{canary}', '')\n"));
    repo.write("rust/Cargo.toml", "[package]\nname = \"rust\"\nversion = \"0.1.0\"\n")
        .write("rust/build.rs", "fn main() {}\n");
    repo.write("rust/.cargo/config.toml", format!("[build]\nrustc-wrapper = \"{program}\"\n"));
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "--no-verify", "-m", "web"]);
    for (key, value) in [
        ("core.fsmonitor", program),
        ("core.hooksPath", repo.top().join(".git/hooks").to_str().unwrap()),
        ("core.pager", program),
        ("core.editor", program),
        ("core.askPass", program),
        ("core.sshCommand", program),
        ("core.gitProxy", program),
        ("core.alternateRefsCommand", program),
        ("core.untrackedCache", "true"),
        ("credential.helper", program),
        ("gpg.program", program),
        ("diff.external", program),
        ("diff.evil.command", program),
        ("diff.evil.textconv", program),
        ("merge.evil.driver", program),
        ("filter.evil.clean", program),
        ("filter.evil.smudge", program),
        ("filter.evil.required", "true"),
        ("filter.process.process", program),
        ("pager.status", program),
        ("pager.log", program),
        ("interactive.diffFilter", program),
        ("alias.status", &format!("!{program}")),
        ("alias.ls-files", &format!("!{program}")),
        ("remote.origin.url", &format!("ext::{program}")),
        ("remote.origin.promisor", "true"),
        ("remote.origin.uploadpack", program),
        ("uploadpack.packObjectsHook", program),
        ("protocol.ext.allow", "always"),
    ] {
        let file = repo.top().join(".git/config");
        repo.git(&["config", "--file", file.to_str().unwrap(), key, value]);
    }
    // On disk, but for git: every program above would be asked about these.
    repo.append("lone/lone.go", "// changed\n").append("lone/a.bin", "b").append("lone/a.txt", "b\n");
    let _ = fs::remove_file(&canary);
    repo
}

fn strace() -> PathBuf {
    let found = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .map(|folder| folder.join("strace"))
        .find(|file| file.is_file());
    found.expect("strace proves what a program asks the kernel for: install it (`apt-get install strace`)")
}

/// Runs knockon under strace; gives what it asked the kernel for, and how it ended.
fn traced(repo: &Repo, arguments: &[&str]) -> (Vec<String>, Outcome) {
    traced_with(repo, arguments, &[])
}

fn traced_with(repo: &Repo, arguments: &[&str], variables: &[(&str, &str)]) -> (Vec<String>, Outcome) {
    let trace = repo.beside("trace");
    let mut command = Command::new(strace());
    repo.scrub(&mut command);
    command.envs(variables.iter().copied());
    command.current_dir(repo.top()).args(["-f", "-qq", "-y", "-s", "4096", "-e", &format!("trace={WATCHED}"), "-o"]);
    command.arg(&trace).arg(env!("CARGO_BIN_EXE_knockon")).args(arguments);
    let outcome = Outcome::of(command);
    let lines = String::from_utf8_lossy(&fs::read(&trace).unwrap()).lines().map(str::to_owned).collect();
    fs::remove_file(trace).unwrap();
    (lines, outcome)
}

/// The system calls that do more than read, but for the start of knockon itself.
fn suspects(lines: &[String]) -> Vec<&String> {
    let own_start = |line: &str| line.contains(&format!("execve(\"{}\"", env!("CARGO_BIN_EXE_knockon")));
    let reads = |line: &str| {
        let opens = line.contains(" openat(") || line.contains(" open(");
        let writes = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND"].iter().any(|flag| line.contains(flag));
        // The second half of a call that was interrupted was judged by its first.
        // A thread that idles when the process ends is let go of in no call at all.
        (opens && !writes)
            || line.contains("resumed>")
            || line.ends_with("???( <detached ...>")
            || line.contains(" +++ ")
            || line.contains(" --- ")
    };
    lines.iter().filter(|line| !own_start(line) && !reads(line)).collect()
}

/// Whether a call writes to knockon's own memo and nowhere else.
fn keeps(repo: &Repo, line: &str) -> bool {
    let memo = repo.top().join(".git/knockon");
    let calls = ["mkdir(", "openat(", "rename(", "unlink("];
    let mut named = line.split('"').skip(1).step_by(2).peekable();
    calls.iter().any(|call| line.contains(call))
        && named.peek().is_some()
        && named.all(|path| Path::new(path).starts_with(&memo) && !path.contains(".."))
}

#[test]
fn planning_runs_nothing_opens_no_socket_and_writes_its_own_memo_alone() {
    let repo = hostile();
    for arguments in [
        &["plan"][..],
        &["plan", "--base", "HEAD~1", "--head", "HEAD"],
        &["plan", "--staged"],
        &["affected", "--base", "HEAD~1", "--format", "json"],
        &["explain", "lone", "--base", "HEAD"],
        &["inputs", "lone:test"],
        &["graph"],
        &["check"],
    ] {
        let (lines, outcome) = traced(&repo, arguments);
        outcome.done();
        assert!(lines.iter().any(|line| line.contains("openat(")), "{arguments:?}: nothing was traced");
        let suspects: Vec<_> = suspects(&lines).into_iter().filter(|line| !keeps(&repo, line)).collect();
        assert_eq!(suspects, [""; 0], "{arguments:?}");
    }
    assert!(!repo.beside("canary").exists(), "{}", fs::read_to_string(repo.beside("canary")).unwrap());
}

#[test]
fn without_a_memo_nothing_at_all_is_written() {
    let repo = hostile();
    for arguments in [&["plan"][..], &["plan", "--base", "HEAD~1", "--head", "HEAD"], &["graph"]] {
        let (lines, outcome) = traced_with(&repo, arguments, &[("KNOCKON_MEMO", "off")]);
        outcome.done();
        assert_eq!(suspects(&lines), [""; 0], "{arguments:?}");
    }
}

#[test]
fn the_canary_sings_when_git_itself_is_asked() {
    let repo = hostile();
    let _ = repo.git_command(repo.top(), &["status"]).output().unwrap();
    assert!(repo.beside("canary").exists(), "the repository is not hostile");
}

#[test]
fn the_trace_shows_what_is_forbidden() {
    let repo = Repo::new();
    let (lines, outcome) = traced(&repo, &["init"]);
    outcome.done();
    assert!(suspects(&lines).iter().any(|line| line.contains("knockon.toml") && line.contains("O_CREAT")), "{lines:?}");
}

#[test]
fn an_index_and_attributes_that_name_programs_change_no_answer() {
    let (hostile, tame) = (hostile(), hostile());
    let config = tame.top().join(".git/config");
    fs::write(&config, "[core]\nrepositoryformatversion = 0\nbare = false\n").unwrap();
    let arguments = ["affected", "--base", "HEAD", "--format", "json"];
    assert_eq!(
        hostile.knockon(&arguments).done().json()["projects"],
        tame.knockon(&arguments).done().json()["projects"]
    );
}

/// A repository that libgit2 cannot read is read through git's plumbing, which is told to run nothing either.
#[test]
fn reading_through_git_runs_git_alone() {
    for shape in [&["--object-format=sha256"][..], &["--ref-format=reftable"]] {
        let repo = hostile_in(Repo::shaped(shape).with_modules());
        for arguments in [
            &["affected"][..],
            &["affected", "--base", "HEAD~1", "--head", "HEAD"],
            &["affected", "--staged"],
            &["check"],
        ] {
            let (lines, outcome) = traced(&repo, arguments);
            outcome.done();
            let runs_git = |line: &str| line.contains("/git\", [\"") && !line.contains("touch-canary");
            let inside = repo.top().display().to_string();
            let harmless = |line: &str| {
                // To start git is to fork, to run it, to look for it on the PATH, and to give it /dev/null.
                (line.contains("execve(") && (runs_git(line) || line.contains("ENOENT")))
                    || line.contains("/dev/null")
                    || line.contains("fork(")
                    || keeps(&repo, line)
                    || (line.contains("openat(") && !line.contains(&inside))
            };
            let suspects: Vec<_> = suspects(&lines).into_iter().filter(|line| !harmless(line)).collect();
            assert_eq!(suspects, [""; 0], "{shape:?} {arguments:?}");
            assert!(lines.iter().any(|line| line.contains("execve(") && runs_git(line)), "{shape:?}: git was not run");
        }
        assert!(!repo.beside("canary").exists(), "{}", fs::read_to_string(repo.beside("canary")).unwrap());
    }
}
