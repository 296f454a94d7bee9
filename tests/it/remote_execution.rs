//! Tasks that a cluster runs: buildbox-casd, which the tests start and stop, with a runner of their own that needs no sandbox.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::remote::{Running, server};
use crate::repository::{Outcome, Repo, text};

/// Each task says where it runs by a file that only the tests' runner has; `app` reads what `lib` made.
const TASKS: &str = r#"
[project.lib.task.build]
command = "mkdir -p out/deep; cp lib.go out/deep/lib; chmod +x out/deep/lib; ln -s deep/lib out/link; echo built ${GREETING:-silently}; cat ../ran-by"
outputs = ["out/**"]
env = ["GREETING"]
[project.app.task.build]
command = "mkdir -p out; ls .. > out/seen; cat ../lib/out/link main.go > out/app"
outputs = ["out/**"]
depends-on = ["^build"]
[project.lone.task.build]
command = "echo broken; exit 3"
outputs = []
[project.lone.task.test]
command = "test ! -e ../ran-by"
outputs = []
"#;

const RUNNER: &str = include_str!("buildbox_run.py");

fn repo() -> Repo {
    let repo = Repo::of_modules();
    repo.write("knockon.toml", TASKS).write(".gitignore", "out/\n").commit("tasks");
    repo
}

/// A cluster, and its URL; none, and told, where it is not installed and need not be.
fn cluster(folder: &Path) -> Option<(Running, String)> {
    let runner = folder.join("run");
    let servers = std::env::var("SERVERS").unwrap_or_default();
    fs::write(folder.join("run.py"), RUNNER).unwrap();
    let python = format!("{servers}/buildgrid/bin/python");
    fs::write(&runner, format!("#!/bin/sh\nexec '{python}' '{}' \"$@\"\n", folder.join("run.py").display())).unwrap();
    fs::set_permissions(&runner, fs::Permissions::from_mode(0o755)).unwrap();
    let started = server("buildbox/buildbox-casd", |command, port| {
        command.arg(format!("--bind=127.0.0.1:{port}")).arg("--jobs=2");
        command.arg(format!("--buildbox-run={}", runner.display())).arg(folder.join("cas"));
    });
    started.map(|(running, port)| (running, format!("grpc://127.0.0.1:{port}")))
}

fn run(repo: &Repo, tasks: &[&str], url: &str) -> Outcome {
    let arguments = [&["run"], tasks, &["--base", "HEAD", "--output", "all", "--remote-execute", url]].concat();
    repo.start_with(&arguments, &[("GREETING", "hello")])
}

#[test]
fn a_cluster_runs_tasks_and_what_they_make_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_cluster, url)) = cluster(folder.path()) else { return };
    let (repo, here) = (repo(), repo());
    let told = run(&repo, &["app:build"], &url);
    assert_eq!((told.status, told.stderr.as_str()), (0, ""), "{}", told.stdout());
    assert!(told.stdout().contains("built hello\nthe cluster"), "{}", told.stdout());
    // What runs here makes the same.
    here.write("ran-by", "");
    here.knockon(&["run", "app:build", "--base", "HEAD"]).done();
    for path in ["lib/out/deep/lib", "app/out/app"] {
        let (there, here) = (repo.top().join(path), here.top().join(path));
        assert_eq!(fs::read(&there).unwrap(), fs::read(&here).unwrap(), "{path}");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o100;
        assert_eq!(mode(&there), mode(&here), "{path}");
    }
    assert_eq!(fs::read_link(repo.top().join("lib/out/link")).unwrap(), Path::new("deep/lib"));
    // It saw what it reads, and nothing else.
    let seen = fs::read_to_string(repo.top().join("app/out/seen")).unwrap();
    assert_eq!(seen.lines().filter(|name| *name == "lone").count(), 0, "{seen}");
    // Another time it is taken from the cache; what runs here has results of its own.
    fs::remove_dir_all(repo.top().join("app/out")).unwrap();
    let again = run(&repo, &["app:build"], &url);
    assert!(again.done().stdout().contains("2 from the cache"), "{}", again.stdout());
    repo.write("ran-by", "");
    let local = repo.knockon(&["run", "app:build", "--base", "HEAD"]);
    assert!(!local.done().stdout().contains("from the cache"), "{}", local.stdout());
}

#[test]
fn what_fails_on_a_cluster_has_failed_and_says_how() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_cluster, url)) = cluster(folder.path()) else { return };
    let repo = repo();
    for _ in 0..2 {
        let told = run(&repo, &["lone:build"], &url);
        assert_eq!(told.status, 1, "{}", told.stderr);
        assert!(told.stdout().contains("broken\n"), "{}", told.stdout());
        let last = repo.knockon(&["last", "--format", "json"]).done().json();
        assert_eq!(text(&last["tasks"][0]["reason"]), "exit code 3");
    }
}

#[test]
fn fault_8_without_its_cluster_a_task_runs_here() {
    let repo = repo();
    // Nobody listens there.
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let told = run(&repo, &["lone:test"], &format!("grpc://127.0.0.1:{port}"));
    assert_eq!(told.status, 0, "{}", told.stderr);
    assert!(told.stderr.contains("the cluster: a task was run here: it cannot be reached"), "{}", told.stderr);
    run(&repo, &["lone:test"], "https://127.0.0.1:1").refused(2, "no protocol of a remote");
    run(&repo, &["lone:test"], "grpc://cluster.example.org").refused(2, "in the clear");
}
