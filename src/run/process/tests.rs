use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use tempfile::TempDir;

use super::*;
use crate::path::RepoPath;
use crate::run::testing::{alone, assert_passed};

/// A work tree and all else that an attempt needs. Nothing in it has to wait for as long as it may.
struct Scene {
    work_tree: TempDir,
    commands: Vec<Command>,
    environment: Environment,
    timeout: Option<Duration>,
    limits: Limits,
    stop: Stop,
    label: String,
}

fn scene(lines: &[&str]) -> Scene {
    static ATTEMPTS: AtomicU32 = AtomicU32::new(0);
    let command = |line: &&str| Command { line: (*line).to_owned(), folder: RepoPath::root() };
    Scene {
        work_tree: tempfile::tempdir().unwrap(),
        commands: lines.iter().map(command).collect(),
        environment: Environment::new(&std::env::vars_os().collect(), &[].into(), []),
        timeout: None,
        limits: Limits { grace: Duration::from_secs(30), leak_timeout: Duration::from_millis(100), spool: u64::MAX },
        stop: Stop::default(),
        label: format!("{}-{}", std::process::id(), ATTEMPTS.fetch_add(1, Ordering::Relaxed)),
    }
}

impl Scene {
    fn run_with(&self, mut on_output: impl FnMut(&[u8])) -> Ended {
        let attempt = Attempt {
            commands: &self.commands,
            work_tree: self.work_tree.path(),
            environment: &self.environment,
            timeout: self.timeout,
            spool: &self.spool(),
            label: &self.label,
            limits: self.limits,
        };
        run(&attempt, &self.stop, &mut on_output)
    }

    /// Runs it, with a look at whether everybody gets the same output.
    fn run(&self) -> Ended {
        let mut live = Vec::new();
        let ended = self.run_with(|bytes| live.extend_from_slice(bytes));
        assert!(live == fs::read(self.spool()).unwrap_or_default(), "what is kept is what was printed");
        assert_eq!(ended.output.bytes, live.len() as u64);
        ended
    }

    /// Runs it, and does something once it printed a line.
    fn run_until_ready(&self, ready: impl FnOnce(&str)) -> Ended {
        let (mut line, mut ready) = (Vec::new(), Some(ready));
        self.run_with(|bytes| {
            line.extend_from_slice(bytes);
            if line.contains(&b'\n')
                && let Some(ready) = ready.take()
            {
                ready(std::str::from_utf8(&line).unwrap().trim());
            }
        })
    }

    fn spool(&self) -> PathBuf {
        self.work_tree.path().join(".spool")
    }

    fn printed(&self) -> String {
        String::from_utf8(fs::read(self.spool()).unwrap()).unwrap()
    }
}

fn names(orphans: &[Orphan]) -> Vec<&str> {
    orphans.iter().map(|orphan| orphan.known.as_ref().map_or("?", |(_, name)| name.as_str())).collect()
}

/// Whether a process is there that has not ended.
fn lives(id: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", id.trim())).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

#[test]
fn commands_run_in_order_until_one_fails() {
    let scene = scene(&["echo a; echo b >&2; echo c", "echo d", "exit 3", "echo e"]);
    let ended = scene.run();
    assert_eq!((ended.how, scene.printed().as_str()), (How::Exited(3), "a\nb\nc\nd\n"));
    assert_eq!(ended.leaked, []);
    assert_eq!(super::tests::scene(&["true", "true"]).run().how, How::Passed);
    assert_eq!(super::tests::scene(&["no-such-command-is-there"]).run().how, How::Exited(127));
}

#[test]
fn a_command_runs_in_its_folder_whatever_its_name() {
    let mut scene = scene(&["cat here"]);
    let folder = scene.work_tree.path().join(OsStr::from_bytes(b"a/\xff b"));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("here"), "found").unwrap();
    scene.commands[0].folder = RepoPath::from_git(b"a/\xff b").unwrap();
    assert_eq!((scene.run().how, scene.printed().as_str()), (How::Passed, "found"));
    scene.commands[0].folder = RepoPath::from_git(b"gone").unwrap();
    let How::NotStarted(reason) = scene.run().how else { panic!("it has no folder to run in") };
    assert_eq!(reason.message, "the folder that it runs in, `gone`, is not there");
    assert!(!reason.is_crowded);
}

#[test]
fn a_command_gets_the_variables_that_it_is_given_and_its_label() {
    let mut scene = scene(&["env"]);
    let given = |name: &str, value: &str| (OsString::from(name), OsString::from(value));
    let of_process = [given("PATH", "/usr/bin:/bin"), given("SECRET", "x"), given("GIT_DIR", "/r")].into();
    scene.environment = Environment::new(&of_process, &["GIT_DIR".to_owned()].into(), [given("A", "b\nc")]);
    assert_eq!(scene.run().how, How::Passed);
    let printed = scene.printed();
    // A shell adds some of its own.
    let own = ["PWD=", "OLDPWD=", "SHLVL=", "_="];
    let mut lines: Vec<&str> = printed.lines().filter(|line| !own.iter().any(|own| line.starts_with(own))).collect();
    lines.sort_unstable();
    assert_eq!(lines, ["A=b", &format!("{LABEL}={}", scene.label), "PATH=/usr/bin:/bin", "c"]);
}

#[test]
fn fault_11_a_daemon_is_found_and_reported() {
    let scene = scene(&["setsid sh -c 'echo $$ > id; exec sleep 1000' > /dev/null 2>&1 < /dev/null &
        until [ -s id ]; do sleep 0.01; done"]);
    let ended = scene.run();
    let id = fs::read_to_string(scene.work_tree.path().join("id")).unwrap();
    assert!(!lives(&id), "it is still there");
    assert_eq!((ended.how, names(&ended.leaked)), (How::Passed, vec!["sleep"]));
    assert_eq!(ended.leaked[0].to_string(), format!("`sleep` (process {})", id.trim()));
}

#[test]
fn fault_11_daemons_of_others_are_left_alone() {
    let daemon = "setsid sleep 1000 > /dev/null 2>&1 & echo $!; until [ -e over ]; do sleep 0.01; done";
    let (outer, inner) = (
        scene(&[daemon]),
        scene(&["setsid sh -c 'sleep 1000 & echo > up; wait' & until [ -s up ]; do sleep 0.01; done"]),
    );
    let ended = outer.run_until_ready(|id| {
        let ended = inner.run();
        assert_eq!((ended.how, ended.leaked.len()), (How::Passed, 2));
        assert!(lives(id), "the other attempt's daemon was killed");
        fs::write(outer.work_tree.path().join("over"), "").unwrap();
    });
    assert_eq!((ended.how, names(&ended.leaked)), (How::Passed, vec!["sleep"]));
}

#[test]
fn fault_12_who_keeps_the_output_open_is_not_waited_for() {
    let scene = scene(&["echo hello; sleep 1000 &"]);
    let ended = scene.run();
    assert_eq!((ended.how, names(&ended.leaked), scene.printed().as_str()), (How::Passed, vec!["sleep"], "hello\n"));
    assert!(ended.duration < Duration::from_secs(60));
}

#[test]
fn fault_12_who_goes_on_printing_is_not_waited_for_either() {
    let ended = scene(&["yes & exit 4"]).run();
    assert_eq!((ended.how, names(&ended.leaked)), (How::Exited(4), vec!["yes"]));
}

#[test]
fn fault_12_who_ends_a_little_later_is_no_leak() {
    let mut scene = scene(&["(sleep 0.2; echo late) & (sleep 0.1 > /dev/null 2>&1) & echo early"]);
    scene.limits.leak_timeout = Duration::from_secs(30);
    let ended = scene.run();
    assert_eq!((ended.how, ended.leaked, scene.printed().as_str()), (How::Passed, vec![], "early\nlate\n"));
    assert!(ended.duration < Duration::from_secs(20), "the end is noticed");
}

#[test]
fn fault_12_who_hides_and_keeps_the_output_open_is_reported() {
    let hides = "env -i PATH=\"$PATH\" setsid sh -c 'echo > up; exec sleep 3' & until [ -s up ]; do sleep 0.01; done";
    let scene = scene(&[hides]);
    let ended = scene.run();
    assert_eq!((ended.how, ended.leaked), (How::Passed, vec![Orphan::UNSEEN]));
}

#[test]
fn fault_13_who_ignores_being_asked_is_killed() {
    let mut scene = scene(&["trap '' TERM; echo $$; sleep 1000; sleep 1000"]);
    scene.limits.grace = Duration::from_millis(100);
    let mut leader = String::new();
    let ended = scene.run_until_ready(|id| {
        leader = id.to_owned();
        scene.stop.ask();
    });
    assert_eq!(ended.how, How::Stopped);
    assert!(ended.duration >= scene.limits.grace && !lives(&leader));

    scene.stop = Stop::default();
    scene.timeout = Some(Duration::from_millis(200));
    let ended = scene.run();
    assert_eq!(ended.how, How::TimedOut);
    assert!(ended.duration >= Duration::from_millis(200) && ended.duration < Duration::from_secs(60));
}

#[test]
fn fault_13_who_prints_without_end_is_stopped_in_time() {
    let mut scene = scene(&["trap '' TERM; yes"]);
    scene.limits = Limits { grace: Duration::from_millis(50), spool: 1000, ..scene.limits };
    scene.timeout = Some(Duration::from_millis(50));
    // Whoever takes the output is slower than what prints, so that there is always more of it.
    let mut taken = 0;
    let ended = scene.run_with(|_| {
        thread::sleep(Duration::from_millis(1));
        taken += 1;
        assert!(taken < 10_000, "its output is waited for without end");
    });
    assert_eq!(ended.how, How::TimedOut);
}

#[test]
fn who_is_asked_to_end_has_the_whole_grace_for_it() {
    // The shell is gone at once, and what it ran takes its time.
    let scene =
        scene(&["sh -c 'trap \"sleep 0.3; echo tidied; exit\" TERM; echo ready; while :; do sleep 0.01; done'; true"]);
    let ended = scene.run_until_ready(|_| scene.stop.ask());
    assert_eq!((ended.how, ended.leaked), (How::Stopped, vec![]));
    assert!(scene.printed().ends_with("tidied\n"), "{}", scene.printed());
}

#[test]
fn who_is_killed_has_no_grace() {
    let scene = scene(&["trap '' TERM; setsid sh -c 'echo ready; sleep 1000 & wait' & wait"]);
    let ended = scene.run_until_ready(|_| {
        scene.stop.ask();
        scene.stop.kill();
    });
    assert_eq!(ended.how, How::Stopped);
    assert!(!ended.leaked.is_empty() && ended.duration < scene.limits.grace);
}

#[test]
fn who_is_stopped_before_never_begins_and_afterwards_nothing_happens() {
    let scene = scene(&["echo ran"]);
    let ended = scene.run();
    scene.stop.pause();
    scene.stop.resume();
    scene.stop.ask();
    scene.stop.kill();
    assert_eq!(ended.how, How::Passed);
    assert_eq!((scene.run().how, scene.printed().as_str()), (How::Stopped, ""));
    let empty = super::tests::scene(&[]);
    assert_eq!(empty.run().how, How::Passed);
}

#[test]
fn fault_14_a_task_stands_still_and_goes_on() {
    let scene = scene(&["echo $$; until [ -e over ]; do :; done"]);
    let ended = scene.run_until_ready(|id| {
        scene.stop.pause();
        let stands_still = || fs::read_to_string(format!("/proc/{id}/stat")).unwrap().contains(") T ");
        let begin = Instant::now();
        while !stands_still() && begin.elapsed() < Duration::from_secs(10) {
            thread::sleep(Duration::from_millis(1));
        }
        assert!(stands_still());
        fs::write(scene.work_tree.path().join("over"), "").unwrap();
        scene.stop.resume();
    });
    assert_eq!(ended.how, How::Passed);
    assert!(scene.stop.paused() > Duration::ZERO && scene.stop.paused() <= ended.duration);
}

#[test]
fn fault_15_much_output_takes_little_memory() {
    let Some(output) = alone("run::process::tests::fault_15_much_output_takes_little_memory", "") else {
        let highest = || {
            let status = fs::read_to_string("/proc/self/status").unwrap();
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
            line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap()
        };
        assert_eq!(scene(&["echo a"]).run().how, How::Passed);
        let before = highest();
        let scene = scene(&["head -c 50000001 /dev/urandom | tee copy"]);
        let ended = scene.run_with(|bytes| assert!(bytes.len() <= 64 * 1024));
        let after = highest();
        assert_eq!((ended.how, ended.output.bytes, ended.output.is_truncated), (How::Passed, 50_000_001, false));
        assert!(after < before + 4 * 1024, "{before} KiB became {after} KiB");
        let same = fs::read(scene.spool()).unwrap() == fs::read(scene.work_tree.path().join("copy")).unwrap();
        assert!(same, "the output is kept byte by byte");
        return;
    };
    assert_passed(&output);
}

#[test]
fn fault_15_no_more_is_kept_than_may_be_and_the_task_goes_on() {
    let mut scene = scene(&["head -c 3000000 /dev/zero; echo the end"]);
    scene.limits.spool = 1_000_000;
    let ended = scene.run_with(|_| ());
    let kept = fs::read(scene.spool()).unwrap();
    assert_eq!((ended.how, ended.output.bytes, ended.output.is_truncated), (How::Passed, 3_000_008, true));
    assert!(kept.len() < 1_000_100 && kept.ends_with(b"\0the end\n"));
}

#[test]
fn fault_16_stdin_is_empty() {
    let scene = scene(&["cat; read line || echo over"]);
    assert_eq!((scene.run().how, scene.printed().as_str()), (How::Passed, "over\n"));
}

#[test]
fn fault_17_too_many_open_files_are_no_failure_of_the_task() {
    let test = "run::process::tests::fault_17_too_many_open_files_are_no_failure_of_the_task";
    let Some(output) = alone(test, "ulimit -n 40") else {
        let scene = scene(&["echo a"]);
        let mut held: Vec<fs::File> = Vec::new();
        while let Ok(file) = fs::File::open("/dev/null") {
            held.push(file);
        }
        let mut refused = 0;
        loop {
            // What fails is another thing with each file more that can be opened.
            match scene.run_with(|_| ()).how {
                How::Passed => break,
                How::NotStarted(reason) => assert!(reason.is_crowded, "{}", reason.message),
                other => panic!("{other}"),
            }
            refused += 1;
            held.pop().unwrap();
        }
        assert!(refused >= 3, "{refused}");
        return;
    };
    assert_passed(&output);
}

#[test]
fn fault_21_who_is_killed_from_outside_says_by_which_signal() {
    let ended = scene(&["kill -9 $$"]).run();
    assert_eq!(ended.how, How::Signalled(9));
    assert_eq!(ended.how.to_string(), "signal 9 (SIGKILL), as when memory runs out");
    let ended = scene(&["sh -c 'kill -9 $$'; exit $?"]).run();
    assert_eq!((ended.how.to_string().as_str(), ended.how), ("exit code 137, as of a signal 9", How::Exited(137)));
}

#[test]
fn what_daemons_leave_behind_is_reaped() {
    let test = "run::process::tests::what_daemons_leave_behind_is_reaped";
    let Some(output) = alone(test, "") else {
        for _ in 0..3 {
            assert_eq!(scene(&["(setsid true &); (true &)"]).run().leaked, []);
        }
        let own = format!(") Z {} ", std::process::id());
        let begin = Instant::now();
        loop {
            assert_eq!(scene(&["true"]).run().how, How::Passed);
            let stats = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path().join("stat"));
            if !stats.flat_map(fs::read_to_string).any(|stat| stat.contains(&own)) {
                break;
            }
            assert!(begin.elapsed() < Duration::from_secs(10), "they still wait to be reaped");
        }
        return;
    };
    assert_passed(&output);
}
