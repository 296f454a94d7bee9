//! Real servers, started on this machine from the folder that `SERVERS` names. Where `SERVERS_REQUIRED` is set, one that
//! is missing is a failure.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::*;

/// A server, which ends when it is dropped.
struct Started {
    child: Child,
    url: Url,
    _folder: tempfile::TempDir,
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program of a server; none where it is missing and may be.
fn program(name: &str) -> Option<PathBuf> {
    let program =
        std::env::var_os("SERVERS").map(|servers| Path::new(&servers).join(name)).filter(|file| file.exists());
    if program.is_none() {
        assert!(std::env::var_os("SERVERS_REQUIRED").is_none(), "{name} is missing in the folder of SERVERS");
        eprintln!("SKIPPED: {name} is missing; `.ci/run` shows how it comes to be in the folder of SERVERS");
    }
    program
}

/// Starts a server with a folder and a port of its own, and waits until it answers.
fn started(instance: &str, command: impl FnOnce(&Path, u16) -> Command) -> Started {
    let folder = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let child = command(folder.path(), port).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let url = Url::parse(&format!("grpc://127.0.0.1:{port}/{instance}")).unwrap();
    let mut started = Started { child: child.unwrap(), url, _folder: folder };
    let until = Instant::now() + Duration::from_secs(120);
    loop {
        let client = Client::open(&started.url, &|_| None).unwrap();
        match client.wait(client.capabilities()) {
            Ok(_) => return started,
            Err(reason) => assert!(Instant::now() < until, "the server does not answer: {reason}"),
        }
        assert!(started.child.try_wait().unwrap().is_none(), "the server ended");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn casd(program: &Path) -> Started {
    started("", |folder, port| {
        let mut command = Command::new(program);
        command.arg(format!("--bind=127.0.0.1:{port}")).arg(folder.join("cas"));
        command
    })
}

const BUILDGRID: &str = "\
description: results on loopback
server:
  - !channel {address: \"127.0.0.1:PORT\", insecure-mode: true}
authorization: {method: none}
storages:
  - !disk-storage &cas {path: FOLDER/cas}
caches:
  - !lru-action-cache &ac {storage: *cas, max-cached-refs: 10000, allow-updates: true, cache-failed-actions: false}
instances:
  - name: 'main'
    services: [!action-cache {cache: *ac}, !cas {storage: *cas}, !bytestream {storage: *cas}]
thread-pool-size: 30
";

#[test]
fn buildbox_casd_keeps_results() {
    let Some(program) = program("buildbox/buildbox-casd") else { return };
    let server = casd(&program);
    assert_keeps(&connect(&server.url));
}

#[test]
fn buildgrid_keeps_results() {
    let Some(program) = program("buildgrid/bin/bgd") else { return };
    let server = started("main", |folder, port| {
        let configuration = BUILDGRID.replace("PORT", &port.to_string());
        let configuration = configuration.replace("FOLDER", folder.to_str().unwrap());
        let file = folder.join("bgd.yml");
        fs::write(&file, configuration).unwrap();
        let mut command = Command::new(program);
        command.args(["server", "start"]).arg(file);
        command
    });
    assert_keeps(&connect(&server.url));
}
