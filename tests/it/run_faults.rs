//! What becomes of whole runs when things go wrong around them: whatever fails, the next run is right.
//!
//! `KNOCKON_FAULT_ROUNDS` makes the loops longer.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use crate::repository::{Outcome, Repo};

/// Three modules whose builds copy their sources a few times; that of `app` copies what that of `lib` made, too.
const TASKS: &str = r#"
[task.build]
command = "rm -rf out; mkdir -p out/deep; for at in 1 2 3 4 5 6; do cat *.go > out/deep/$at; echo $at >> out/deep/$at; done; ln -sfn deep out/link; echo built ${PWD##*/}"
outputs = ["out/**"]
[project.app.task.build]
command = "rm -rf out; mkdir -p out/deep; for at in 1 2 3 4 5 6; do cat main.go ../lib/out/deep/$at > out/deep/$at; done; ln -sfn deep out/link"
outputs = ["out/**"]
depends-on = ["^build"]
[task.test]
command = "cat out/deep/1 > /dev/null"
depends-on = ["build"]
"#;

const RUN: [&str; 6] = ["run", "--all", "-j4", "--base", "HEAD", "--keep-going"];

fn repo() -> Repo {
    let repo = Repo::of_modules();
    repo.write("knockon.toml", TASKS).write(".gitignore", "out/\n/ran\n/signs/\n");
    repo.commit("tasks");
    repo
}

/// What the tasks have to make of the sources as they are.
fn wanted(repo: &Repo) -> BTreeMap<PathBuf, Vec<u8>> {
    let read = |file: &str| fs::read(repo.top().join(file)).unwrap();
    let mut wanted = BTreeMap::new();
    for at in 1..=6 {
        let of = |sources: &[u8]| [sources, format!("{at}\n").as_bytes()].concat();
        let lib = of(&read("lib/lib.go"));
        wanted.insert(format!("app/out/deep/{at}").into(), [&read("app/main.go"), &lib[..]].concat());
        wanted.insert(format!("lib/out/deep/{at}").into(), lib);
        wanted.insert(format!("lone/out/deep/{at}").into(), of(&read("lone/lone.go")));
    }
    for module in ["app", "lib", "lone"] {
        wanted.insert(format!("{module}/out/link").into(), b"deep".to_vec());
    }
    wanted
}

/// What lies where the tasks write.
fn made(repo: &Repo) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut made = BTreeMap::new();
    let mut pending: Vec<PathBuf> = ["app", "lib", "lone"].map(|module| repo.top().join(module).join("out")).to_vec();
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            if metadata.is_dir() {
                pending.push(path);
                continue;
            }
            let bytes = match metadata.is_symlink() {
                true => fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes(),
                false => fs::read(&path).unwrap(),
            };
            made.insert(path.strip_prefix(repo.top()).unwrap().to_owned(), bytes);
        }
    }
    made
}

/// That what the tasks make is there, and nothing else.
fn assert_made(repo: &Repo, told: &str) {
    let (made, wanted) = (made(repo), wanted(repo));
    let differ: Vec<_> = made.keys().chain(wanted.keys()).filter(|path| made.get(*path) != wanted.get(*path)).collect();
    assert!(differ.is_empty(), "{told}\n{differ:?}");
}

/// That a run now is right, and everything that is kept is whole.
fn assert_sound(repo: &Repo, told: &str) {
    let run = repo.knockon(&RUN);
    assert_eq!(run.status, 0, "{told}: {}\n{}", run.stdout(), run.stderr);
    assert_made(repo, &format!("{told}: {}", run.stdout()));
    let verified = repo.knockon(&["cache", "verify"]).done().stdout().to_owned();
    let whole = "results are whole; 0 were not and are removed; 0 damaged files were moved aside\n";
    assert!(verified.ends_with(whole), "{told}: {verified}");
    let stray = |entry: fs::DirEntry| entry.file_name().to_string_lossy().starts_with(".knockon");
    assert!(!fs::read_dir(repo.top()).unwrap().any(|entry| stray(entry.unwrap())), "{told}");
    assert_eq!(processes_in(repo.top()), Vec::<String>::new(), "{told}");
}

/// The processes that work somewhere in a folder.
fn processes_in(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let works_there = fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder));
        if works_there {
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            found.push(String::from_utf8_lossy(&line).replace('\0', " "));
        }
    }
    found
}

/// Numbers as if by chance, the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

fn rounds(usual: u64) -> u64 {
    std::env::var("KNOCKON_FAULT_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(usual)
}

/// Something to do for the next run: tasks to run, results to restore, or files that are not as they should be.
fn disturb(repo: &Repo, chance: &mut Chance) -> &'static str {
    match chance.below(4) {
        0 => drop(repo.append("lib/lib.go", "// more\n")),
        1 => drop(repo.append("lone/lone.go", "// more\n").append("app/main.go", "// more\n")),
        2 => {
            for module in ["app", "lib", "lone"] {
                let _ = fs::remove_dir_all(repo.top().join(module).join("out"));
            }
        }
        _ => drop(repo.write("lib/out/deep/3", "wrong").write("lib/out/stray", "").write("app/out/deep/5", "")),
    }
    if chance.below(4) == 0 { "--force" } else { "--keep-going" }
}

fn command(repo: &Repo, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_knockon"));
    repo.scrub(&mut command);
    command.args(arguments).current_dir(repo.top());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[test]
fn fault_1_killed_at_any_moment_the_next_run_is_right() {
    let repo = repo();
    let begun = Instant::now();
    assert_sound(&repo, "the first run");
    let longest = u64::try_from(begun.elapsed().as_micros()).unwrap();
    let (mut chance, mut killed) = (Chance(1), 0);
    let rounds = rounds(60);
    for round in 0..rounds {
        let flag = disturb(&repo, &mut chance);
        let mut child = command(&repo, &[&RUN[..5], &[flag]].concat()).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(chance.below(longest)));
        let _ = child.kill();
        killed += u64::from(child.wait().unwrap().signal() == Some(9));
        assert_sound(&repo, &format!("round {round}"));
    }
    assert!(killed > rounds / 4, "{killed} of {rounds} were killed while they ran");
}

#[test]
fn fault_1_what_runs_ends_with_knockon_and_nobody_begins_before() {
    let tasks = "[project.lone.task.test]\ncommand = \"trap '' TERM INT HUP; touch ../signs/began; sleep 300\"\n";
    let repo = repo();
    repo.write("knockon.toml", format!("{tasks}[project.lib.task.test]\ncommand = \"true\"\n"));
    fs::create_dir(repo.top().join("signs")).unwrap();
    let mut child = command(&repo, &["run", "lone:test"]).spawn().unwrap();
    appears(&repo.top().join("signs/began"));
    child.kill().unwrap();
    child.wait().unwrap();
    repo.knockon(&["run", "lib:test"]).done();
    assert_eq!(processes_in(repo.top()), Vec::<String>::new());
}

fn appears(path: &Path) {
    let begun = Instant::now();
    while !path.exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{} never came", path.display());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn fault_7_many_runs_at_once_take_turns_and_all_are_right() {
    let repo = repo();
    let other = repo.beside("other");
    repo.git(&["worktree", "add", "--quiet", "--detach", other.to_str().unwrap()]);
    for (times, arguments) in [(32, &RUN[..]), (8, &["run", "--all", "--base", "HEAD", "--force"])] {
        repo.append("lib/lib.go", "// more\n");
        let mut children = Vec::new();
        for at in 0..times {
            let mut command = command(&repo, arguments);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            // Another work tree has the same cache and turns of its own.
            children.push(command.current_dir(if at % 4 == 0 { &other } else { repo.top() }).spawn().unwrap());
        }
        for child in children {
            let output = child.wait_with_output().unwrap();
            let told = String::from_utf8_lossy(&output.stderr);
            let printed = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && !told.contains("panicked"), "{}: {told}{printed}", output.status);
        }
        assert_sound(&repo, "after all of them");
        assert_eq!(fs::read(other.join("app/out/deep/1")).unwrap(), b"package main\npackage lib\n1\n");
    }
    let one = repo.knockon(&RUN);
    assert!(one.done().stdout().contains("6 from the cache"), "{}", one.stdout());
}

#[test]
fn a_run_within_a_run_does_not_wait_for_it() {
    let repo = repo();
    let knockon = env!("CARGO_BIN_EXE_knockon");
    repo.write("knockon.toml", format!("[project.lone.task.test]\ncommand = \"'{knockon}' run lib:test\"\n[project.lib.task.test]\ncommand = \"echo inner\"\n"));
    let outcome = repo.knockon(&["run", "lone:test", "--output", "all"]);
    assert!(outcome.done().stdout().contains("lib:test"), "{}", outcome.stdout());
}

/// Runs knockon where the superuser of a world of its own has prepared file systems with a line of shell; none where there
/// is no such world.
fn apart(repo: &Repo, prepare: &str, arguments: &[&str]) -> Option<Outcome> {
    let apart = ["--user", "--map-root-user", "--mount"];
    let can = |line: &str| {
        let mut command = Command::new("unshare");
        repo.scrub(&mut command);
        command.args(apart).args(["sh", "-c", line]).current_dir(repo.top()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if !can(prepare) {
        return None;
    }
    let mut command = Command::new("unshare");
    repo.scrub(&mut command);
    let line = format!("{prepare} && exec \"$0\" \"$@\"");
    command.args(apart).args(["sh", "-c", &line, env!("CARGO_BIN_EXE_knockon")]).args(arguments);
    command.current_dir(repo.top());
    Some(Outcome::of(command))
}

#[test]
fn fault_3_a_full_disk_costs_results_and_nothing_else() {
    let repo = repo();
    repo.append("lone/lone.go", &format!("// {}\n", "x".repeat(100_000)));
    fs::create_dir_all(repo.top().join(".git/knockon/cache/v1")).unwrap();
    for (place, size) in [("cache/v1", "200k"), ("cache/v1", "4k"), ("cache", "64k"), ("", "64k"), ("", "4k")] {
        let prepare = format!("mount -t tmpfs -o size={size} tmpfs .git/knockon/{place}");
        let Some(outcome) = apart(&repo, &prepare, &RUN) else { return };
        assert_eq!(outcome.status, 0, "{place} {size}: {}\n{}", outcome.stdout(), outcome.stderr);
        assert_made(&repo, &format!("{place} {size}"));
        assert!(outcome.stdout().contains("not kept"), "{place} {size}: {}", outcome.stdout());
        assert!(outcome.stderr.matches("warning").count() <= 3, "{place} {size}: {}", outcome.stderr);
        for module in ["app", "lib", "lone"] {
            repo.remove(&format!("{module}/out"));
        }
    }
    assert_sound(&repo, "with room again");
}

#[test]
fn fault_4_a_cache_that_cannot_be_written_is_read() {
    let repo = repo();
    assert_sound(&repo, "the first run");
    for module in ["app", "lib", "lone"] {
        repo.remove(&format!("{module}/out"));
    }
    for place in ["cache", ""] {
        let prepare = format!(
            "mount --bind .git/knockon/{place} .git/knockon/{place} && mount -o remount,bind,ro .git/knockon/{place}"
        );
        let Some(outcome) = apart(&repo, &prepare, &RUN) else { return };
        assert!(outcome.done().stdout().contains("6 from the cache"), "{place}: {}", outcome.stdout());
        assert_made(&repo, place);
        repo.append("lib/lib.go", "// more\n");
        let outcome = apart(&repo, &prepare, &RUN).unwrap();
        assert!(outcome.done().stdout().contains("not kept"), "{place}: {}", outcome.stdout());
        assert_made(&repo, place);
        assert!(outcome.stderr.matches("warning").count() <= 3, "{place}: {}", outcome.stderr);
        repo.git(&["checkout", "--quiet", "lib"]);
    }
    assert_sound(&repo, "writable again");
}

/// Runs knockon while the operating system refuses the `when`-th of a kind of call in each of its threads, and says how
/// many it refused.
fn refusing(repo: &Repo, call: &str, when: u64, arguments: &[&str]) -> (Outcome, usize) {
    let log = repo.beside("refused");
    let mut command = Command::new("strace");
    repo.scrub(&mut command);
    // What tasks run is left alone.
    command.args(["-f", "--detach-on=execve", "-qqq", "-e", &format!("trace={call}"), "-o"]).arg(&log);
    command.args(["-e", &format!("inject={call}:error=EIO:when={when}"), env!("CARGO_BIN_EXE_knockon")]);
    command.args(arguments).current_dir(repo.top());
    let outcome = Outcome::of(command);
    let refused = String::from_utf8_lossy(&fs::read(log).unwrap()).matches("(INJECTED)").count();
    (outcome, refused)
}

#[test]
fn fault_5_whatever_call_fails_the_run_or_the_next_one_is_right() {
    let tried =
        Command::new("strace").args(["--detach-on=execve", "-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
    if !tried.is_ok_and(|status| status.success()) {
        return;
    }
    let repo = repo();
    assert_sound(&repo, "the first run");
    let mut chance = Chance(2);
    // Whether it is needed for the answer itself, so that the run may say that it cannot be had.
    let calls = [
        ("renameat2", false),
        ("renameat", false),
        ("rename", false),
        ("unlinkat", false),
        ("mkdirat", false),
        ("utimensat", false),
        ("symlinkat", false),
        ("readlinkat", false),
        ("flock", false),
        ("openat", true),
        ("read", true),
        ("write", true),
        ("getdents64", true),
    ];
    let (most, mut all_refused) = (rounds(2), 0);
    for (call, may_fail) in calls {
        for when in (1..=most).map(|at| at * (at + 1) / 2) {
            let flag = disturb(&repo, &mut chance);
            let (outcome, refused) = refusing(&repo, call, when, &[&RUN[..5], &[flag]].concat());
            all_refused += refused;
            let told = format!("{call} {when}: {}\n{}", outcome.stdout(), outcome.stderr);
            assert!(outcome.status == 0 || may_fail, "{told}");
            if outcome.status == 0 {
                assert_made(&repo, &told);
            } else {
                assert!(!outcome.stderr.is_empty() || !outcome.bytes.is_empty(), "{told}");
            }
            assert_sound(&repo, &told);
        }
    }
    assert!(all_refused >= calls.len(), "{all_refused}");
}

/// Runs a program on a terminal of its own, types Ctrl-C three times when a file is there, and prints how it ended and
/// whether the terminal is as it was.
const TERMINAL: &str = r#"
import os, pty, sys, termios, time
sign, program, *arguments = sys.argv[1:]
leader, follower = pty.openpty()
before = termios.tcgetattr(follower)
child = os.fork()
if child == 0:
    os.setsid()
    import fcntl
    fcntl.ioctl(follower, termios.TIOCSCTTY, 0)
    for number in range(3): os.dup2(follower, number)
    os.execv(program, [program, *arguments])
os.set_blocking(leader, False)
shown, typed, since = b"", 0, time.monotonic()
while True:
    try: shown += os.read(leader, 65536)
    except (BlockingIOError, OSError): pass
    if typed < 3 and os.path.exists(sign) and time.monotonic() - since > 0.3:
        try: os.write(leader, b"\x03")
        except OSError: pass
        typed, since = typed + 1, time.monotonic()
    ended, status = os.waitpid(child, os.WNOHANG)
    if ended: break
    if time.monotonic() - since > 50: os.kill(child, 9)
    time.sleep(0.01)
try: shown += os.read(leader, 65536)
except (BlockingIOError, OSError): pass
print(os.waitstatus_to_exitcode(status), termios.tcgetattr(follower) == before, shown.rfind(b"\x1b[?25l") <= shown.rfind(b"\x1b[?25h"))
"#;

#[test]
fn fault_14_three_times_ctrl_c_leaves_the_terminal_as_it_was() {
    if !Command::new("python3").args(["-c", "import pty"]).status().is_ok_and(|status| status.success()) {
        return;
    }
    let repo = repo();
    repo.write(
        "knockon.toml",
        "[project.lone.task.test]\ncommand = \"trap '' INT TERM; touch ../signs/began; sleep 300\"\n",
    );
    fs::create_dir(repo.top().join("signs")).unwrap();
    // Signals are heard also where the tests run below something that ignores them.
    let mut terminal = Command::new("env");
    repo.scrub(&mut terminal);
    let sign = repo.top().join("signs/began");
    terminal
        .args(["--default-signal", "python3", "-c", TERMINAL])
        .arg(sign)
        .arg(env!("CARGO_BIN_EXE_knockon"))
        .args(["run", "lone:test"]);
    terminal.env("TERM", "xterm").current_dir(repo.top());
    let told = Outcome::of(terminal);
    assert_eq!(told.done().stdout(), "130 True True\n", "{}", told.stderr);
    // Whoever comes next waits until all is gone.
    repo.write("knockon.toml", "[project.lone.task.test]\ncommand = \"true\"\n");
    repo.knockon(&["run", "lone:test"]).done();
    assert_eq!(processes_in(repo.top()), Vec::<String>::new());
}

#[test]
fn fault_6_whatever_is_damaged_in_a_cache_is_a_miss() {
    let repo = repo();
    assert_sound(&repo, "the first run");
    let mut chance = Chance(3);
    for round in 0..rounds(12) {
        let mut files = Vec::new();
        for kind in ["results", "blobs"] {
            for shelf in fs::read_dir(repo.top().join(".git/knockon/cache/v1").join(kind)).unwrap() {
                files.extend(fs::read_dir(shelf.unwrap().path()).unwrap().map(|file| file.unwrap().path()));
            }
        }
        files.sort();
        for _ in 0..3 {
            let pick = |chance: &mut Chance| usize::try_from(chance.below(files.len() as u64)).unwrap();
            let (one, other) = (&files[pick(&mut chance)], &files[pick(&mut chance)]);
            let Ok(mut bytes) = fs::read(one) else { continue };
            let at = usize::try_from(chance.below(bytes.len().max(1) as u64)).unwrap();
            match chance.below(4) {
                0 => bytes.truncate(at),
                1 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << chance.below(8)),
                2 => bytes = fs::read(other).unwrap_or_default(),
                _ => bytes.iter_mut().skip(at).take(9).for_each(|byte| *byte = 0xff),
            }
            let _ = fs::set_permissions(one, fs::Permissions::from_mode(0o644));
            fs::write(one, bytes).unwrap();
        }
        for module in ["app", "lib", "lone"] {
            repo.remove(&format!("{module}/out"));
        }
        let run = repo.knockon(&RUN);
        assert_eq!(run.done().stderr.matches("error").count(), 0, "round {round}: {}", run.stderr);
        assert_made(&repo, &format!("round {round}"));
        repo.knockon(&["cache", "verify"]).done();
        assert_sound(&repo, &format!("round {round}"));
    }
}

#[test]
fn fault_23_git_at_work_at_the_same_time_is_no_hindrance() {
    let repo = repo();
    // As of a git that died, or is about to commit.
    repo.write(".git/index.lock", "");
    repo.append("lib/lib.go", "// more\n");
    assert_sound(&repo, "the index is locked");
    assert!(repo.top().join(".git/index.lock").exists());
    repo.remove(".git/index.lock");
    let (over, top) = (AtomicBool::new(false), repo.top().to_owned());
    std::thread::scope(|scope| {
        let (over, top) = (&over, &top);
        let collecting = scope.spawn(move || {
            // However the other thread ends, this one does.
            for times in 0..200 {
                if over.load(Ordering::SeqCst) && times > 0 {
                    break;
                }
                let mut git = Command::new("git");
                // Not in the work tree: there it would count as left behind.
                git.arg("--git-dir").arg(top.join(".git")).args(["gc", "--quiet", "--force", "--prune=now"]);
                git.current_dir("/");
                git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
                assert!(git.status().unwrap().success());
            }
        });
        let mut chance = Chance(4);
        for round in 0..rounds(6) {
            let flag = disturb(&repo, &mut chance);
            repo.knockon(&[&RUN[..5], &[flag]].concat()).done();
            assert_sound(&repo, &format!("round {round}"));
        }
        over.store(true, Ordering::SeqCst);
        collecting.join().unwrap();
    });
}

/// The files below a folder, with what they hold.
fn files_below(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else {
                found.insert(path.clone(), fs::read(path).unwrap());
            }
        }
    }
    found
}

#[test]
fn fault_20_what_was_written_by_another_clock_is_right() {
    let repo = repo();
    assert_sound(&repo, "the first run");
    let (long_ago, far_ahead) = (SystemTime::UNIX_EPOCH, SystemTime::now() + Duration::from_secs(100 * 365 * 86_400));
    for (time, told) in [(far_ahead, "far ahead"), (long_ago, "long ago")] {
        for folder in [".git/knockon", "app", "lib", "lone"] {
            for file in files_below(&repo.top().join(folder)).into_keys().filter(|file| !file.is_symlink()) {
                fs::File::open(file).unwrap().set_modified(time).unwrap();
            }
        }
        let run = repo.knockon(&RUN);
        assert!(run.done().stdout().contains("from the cache"), "{told}: {}", run.stdout());
        assert_sound(&repo, told);
        repo.knockon(&["cache", "prune"]).done();
        repo.knockon(&["last"]).done();
        repo.write("lib/lib.go", format!("package lib // {told}\n"));
        assert_sound(&repo, told);
    }
}

#[test]
fn fault_24_what_another_version_wrote_is_neither_read_nor_touched() {
    let repo = repo();
    assert_sound(&repo, "the first run");
    let kept = repo.top().join(".git/knockon");
    // An older version's, and that of a newer one that looks just like this one's.
    fs::rename(kept.join("cache/v1"), kept.join("cache/v2")).unwrap();
    fs::create_dir(kept.join("cache/v0")).unwrap();
    fs::write(kept.join("cache/v0/results"), "a file where a folder is now").unwrap();
    let others = || [files_below(&kept.join("cache/v0")), files_below(&kept.join("cache/v2"))];
    let before = others();
    assert!(before.iter().all(|files| !files.is_empty()));
    let run = repo.knockon(&RUN);
    assert!(!run.done().stdout().contains("from the cache"), "{}", run.stdout());
    assert_sound(&repo, "beside other versions");
    assert_eq!(others(), before);
}
