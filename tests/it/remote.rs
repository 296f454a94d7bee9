//! Results that are shared: by a folder, and by real servers that the tests start and stop.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::repository::{Outcome, Repo, text};

/// Two modules, one of which reads the other's result; each says in a file that it ran.
const TASKS: &str = r#"
[project.lib.task.build]
command = "echo lib >> ../ran; mkdir -p out; cp lib.go out/lib; chmod +x out/lib; ln -s lib out/link; echo built"
outputs = ["out/**"]
[project.app.task.build]
command = "echo app >> ../ran; mkdir -p out; cat ../lib/out/lib main.go > out/app; head -c 9000000 /dev/zero > out/large"
outputs = ["out/**"]
depends-on = ["^build"]
[project.lone.task.build]
command = "echo lone >> ../ran"
outputs = []
"#;

/// A repository that everybody has the same files of.
fn repo() -> Repo {
    let repo = Repo::of_modules();
    repo.write("knockon.toml", TASKS).write(".gitignore", "out/\n/ran\n").commit("tasks");
    repo
}

/// Builds everything, with some variables; says what ran.
fn build(repo: &Repo, arguments: &[&str], variables: &[(&str, &str)]) -> (Outcome, Vec<String>) {
    let arguments = [&["run", "build", "--all", "--base", "HEAD"], arguments].concat();
    let told = repo.start_with(&arguments, variables);
    let file = repo.top().join("ran");
    let mut ran: Vec<String> = fs::read_to_string(&file).unwrap_or_default().lines().map(str::to_owned).collect();
    let _ = fs::remove_file(&file);
    ran.sort();
    (told, ran)
}

const ALL: [&str; 3] = ["app", "lib", "lone"];

/// Where the results of the last run came from.
fn sources(repo: &Repo) -> Vec<String> {
    let told = repo.knockon(&["last", "--format", "json"]).done().json();
    let tasks = told["tasks"].as_array().unwrap().iter();
    tasks.filter(|task| !task["source"].is_null()).map(|task| text(&task["source"])).collect()
}

/// What one repository makes, another restores: by a server at a URL, for those who have the variables.
fn is_shared_through(url: &str, variables: &[(&str, &str)]) {
    let (one, other) = (repo(), repo());
    let reads = [("KNOCKON_REMOTE", url)].into_iter().chain(variables.iter().copied()).collect::<Vec<_>>();
    let (told, ran) = build(&one, &["--remote-write", "local"], &reads);
    assert_eq!((told.done().stderr.as_str(), ran), ("", ALL.map(str::to_owned).to_vec()), "{url}");
    let (told, ran) = build(&other, &[], &reads);
    assert_eq!((told.done().stderr.as_str(), ran.len()), ("", 0), "{url}: {}", told.stdout());
    assert_eq!(sources(&other), ["local"; 3]);
    for path in ["lib/out/lib", "app/out/app", "app/out/large"] {
        assert_eq!(fs::read(one.top().join(path)).unwrap(), fs::read(other.top().join(path)).unwrap(), "{path}");
    }
    assert_eq!(fs::read_link(other.top().join("lib/out/link")).unwrap(), Path::new("lib"));
    // Another time they are here, and nobody is asked.
    let (told, _) = build(&other, &[], &[("KNOCKON_REMOTE", "file:///nowhere")]);
    told.done();
    assert_eq!(sources(&other), ["here"; 3]);
    // Of results that are there nothing is sent again, and one that differs does not take their place.
    let third = repo();
    third.write("knockon.toml", TASKS.replace("mkdir -p out; cp lib.go out/lib", "mkdir -p out; date +%s%N > out/lib"));
    third.commit("not reproducible");
    build(&third, &["lib:build", "--remote-write", "local"], &reads);
    let (told, _) = build(&third, &["lib:build", "--force", "--no-cache"], &reads);
    told.done();
    fs::remove_dir_all(third.top().join(".git/knockon")).unwrap();
    let (told, _) = build(&third, &["--force", "--remote-write", "local"], &reads);
    assert!(told.done().stdout().contains("not reproducible"), "{url}: {}", told.stdout());
}

fn shared_folder(repo: &Repo) -> String {
    format!("file://{}", repo.beside("shared").to_str().unwrap())
}

#[test]
fn results_are_shared_through_a_folder() {
    is_shared_through(&shared_folder(&Repo::new()), &[]);
}

#[test]
fn nothing_is_sent_unasked_and_nothing_is_asked_where_that_is_off() {
    let (one, other) = (repo(), repo());
    let url = shared_folder(&one);
    build(&one, &["--remote", &url], &[]).0.done();
    assert!(!one.beside("shared").exists());
    build(&one, &["--force", "--remote", &url], &[("KNOCKON_REMOTE_WRITE", "local")]).0.done();
    assert!(one.beside("shared/v1/local/results").is_dir());
    let (_, ran) = build(&other, &["--remote", "off"], &[("KNOCKON_REMOTE", &url)]);
    assert_eq!(ran, ALL);
    // As the configuration names it.
    let third = repo();
    third.write("knockon.toml", format!("{TASKS}\n[remote]\nurl = \"{url}\"\n")).commit("remote");
    assert_eq!(build(&third, &[], &[]).1.len(), 0);
    assert_eq!(sources(&third), ["local"; 3]);
}

/// CVE-2025-36852.
#[test]
fn what_a_request_to_merge_makes_is_not_what_the_main_branch_finds() {
    let (attacker, victim) = (repo(), repo());
    let url = shared_folder(&attacker);
    // Its build tool is another, and is not among the inputs: the fingerprints are those of the main branch.
    attacker.write("bin/cp", "#!/bin/sh\necho poison > \"$2\"\n").mode("bin/cp", 0o755);
    let path = format!("{}:{}", attacker.top().join("bin").display(), std::env::var("PATH").unwrap());
    let request = [("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "pull_request"), ("PATH", path.as_str())];
    let (told, _) = build(&attacker, &["--remote", &url, "--remote-write", "trusted"], &request);
    told.refused(2, "request to merge");
    build(&attacker, &["--remote", &url, "--remote-write", "pr-666"], &request).0.done();
    assert_eq!(fs::read_to_string(attacker.top().join("lib/out/lib")).unwrap(), "poison\n");
    let main = [("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "push")];
    let (told, ran) = build(&victim, &["--remote", &url, "--remote-write", "trusted"], &main);
    assert_eq!((told.done().status, ran), (0, ALL.map(str::to_owned).to_vec()));
    assert_ne!(fs::read_to_string(victim.top().join("lib/out/lib")).unwrap(), "poison\n");
    // Another request finds what the main branch made.
    let other = repo();
    let of_other = [("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "pull_request")];
    build(&other, &["--remote", &url, "--remote-write", "pr-7"], &of_other).0.done();
    assert_eq!(sources(&other), ["trusted"; 3]);
}

#[test]
fn where_the_repository_pins_a_key_unsigned_results_are_not_used_and_no_change_brings_its_own() {
    let secret = "07".repeat(32);
    let repo = repo();
    let url = shared_folder(&repo);
    let key = repo.start_with(&["cache", "key"], &[("KNOCKON_REMOTE_SIGNING_KEY", &secret)]);
    let pinned = |key: &str| format!("{TASKS}\n[remote]\npublic-key = \"{key}\"\n");
    repo.write("knockon.toml", pinned(key.done().stdout().trim())).commit("pinned");
    let clone = |name: &str| {
        let folder = repo.beside(name);
        repo.git(&["clone", "--quiet", ".", folder.to_str().unwrap()]);
        folder
    };
    let build = |folder: &Path, arguments: &[&str], variables: &[(&str, &str)]| {
        let arguments = [&["run", "build", "--all", "--base", "HEAD", "--remote", &url], arguments].concat();
        repo.start_in(folder, &arguments, |command| {
            command.envs(variables.iter().copied());
        })
    };
    let trusted = ["--remote-write", "trusted"];
    build(repo.top(), &trusted, &[]).refused(2, "asks for signed results");
    let other = "08".repeat(32);
    build(repo.top(), &trusted, &[("KNOCKON_REMOTE_SIGNING_KEY", &other)]).refused(2, "belongs to the public key");
    // Whoever can write to the server and not sign is not believed.
    let forged = repo.beside("forged");
    repo.git(&["clone", "--quiet", ".", forged.to_str().unwrap()]);
    let other_key = repo.start_with(&["cache", "key"], &[("KNOCKON_REMOTE_SIGNING_KEY", &other)]);
    let other_key = other_key.done().stdout().trim().to_owned();
    let forger = [("KNOCKON_REMOTE_SIGNING_KEY", other.as_str()), ("KNOCKON_REMOTE_PUBLIC_KEY", other_key.as_str())];
    build(&forged, &trusted, &forger).done();
    let reader = clone("reader");
    let told = build(&reader, &[], &[]);
    assert!(told.stdout().contains("3 passed"), "{}", told.stdout());
    assert!(told.stderr.contains("not signed with the key that the repository asks for"), "{}", told.stderr);
    // Nor does it help to bring a key along in a change that is not merged yet.
    let change = clone("change");
    fs::write(change.join("knockon.toml"), pinned(&other_key)).unwrap();
    assert!(build(&change, &[], &[]).stdout().contains("3 passed"));
    // What is signed is used.
    fs::remove_dir_all(repo.beside("shared")).unwrap();
    build(repo.top(), &trusted, &[("KNOCKON_REMOTE_SIGNING_KEY", &secret)]).done();
    assert!(build(&clone("believer"), &[], &[]).stdout().contains("3 from the cache"));
}

/// A server that writes down what it is asked, and has nothing.
struct Listener {
    port: u16,
    asked: std::thread::JoinHandle<Vec<String>>,
}

impl Listener {
    fn start(answer: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = std::thread::spawn(move || {
            let mut requests = Vec::new();
            loop {
                let (mut stream, _) = listener.accept().unwrap();
                let mut bytes = [0; 4096];
                let read = stream.read(&mut bytes).unwrap_or(0);
                let request = String::from_utf8_lossy(&bytes[..read]).to_lowercase();
                if request.starts_with("stop") {
                    return requests;
                }
                requests.push(request);
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        Self { port, asked }
    }

    /// What it was asked, in small letters.
    fn stop(self) -> Vec<String> {
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap().write_all(b"stop").unwrap();
        self.asked.join().unwrap()
    }
}

const NOTHING: &str = "HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

#[test]
fn fault_9_a_server_that_the_repository_names_is_given_no_credentials() {
    for is_configured in [true, false] {
        let listener = Listener::start(NOTHING);
        let url = format!("turborepo+http://127.0.0.1:{}/?team=us", listener.port);
        let repo = repo();
        let token = ("KNOCKON_REMOTE_TOKEN", "thetoken");
        if is_configured {
            repo.write("knockon.toml", format!("{TASKS}\n[remote]\nurl = \"{url}\"\n")).commit("remote");
            build(&repo, &[], &[token]).0.done();
        } else {
            build(&repo, &[], &[token, ("KNOCKON_REMOTE", &url)]).0.done();
        }
        let requests = listener.stop();
        assert!(!requests.is_empty());
        for request in &requests {
            assert_eq!(request.contains("authorization: bearer thetoken"), !is_configured, "{request}");
        }
    }
}

#[test]
fn fault_9_a_redirect_does_not_lead_a_token_elsewhere() {
    let other = Listener::start(NOTHING);
    let location = format!("HTTP/1.1 307 Elsewhere\r\nlocation: http://127.0.0.1:{}/\r\n", other.port);
    let answer: &'static str = Box::leak(format!("{location}connection: close\r\ncontent-length: 0\r\n\r\n").into());
    let listener = Listener::start(answer);
    let url = format!("turborepo+http://127.0.0.1:{}/?team=us", listener.port);
    let repo = repo();
    let (told, ran) = build(&repo, &[], &[("KNOCKON_REMOTE_TOKEN", "thetoken"), ("KNOCKON_REMOTE", &url)]);
    assert_eq!((told.status, ran.len()), (0, 3), "{}", told.stderr);
    assert!(told.stderr.contains("status 307"), "{}", told.stderr);
    assert!(!listener.stop().is_empty());
    assert!(other.stop().is_empty());
}

#[test]
fn fault_8_whatever_a_server_answers_tasks_run() {
    const ANSWERS: [&str; 7] = [
        "",
        "HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n",
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n<html>a portal asks you to log in</html>",
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nknockon packed 1\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}",
        "HTTP/1.1 500 No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 401 No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
        "garbage\r\n\r\n",
    ];
    for answer in ANSWERS {
        let listener = Listener::start(answer);
        let url = format!("turborepo+http://127.0.0.1:{}/?team=us", listener.port);
        let repo = repo();
        let (told, ran) = build(&repo, &["--remote-write", "local"], &[("KNOCKON_REMOTE", &url)]);
        assert_eq!((told.status, ran), (0, ALL.map(str::to_owned).to_vec()), "{answer}: {}", told.stderr);
        assert!(told.stderr.contains("the remote: failed"), "{answer}: {}", told.stderr);
        assert!(!listener.stop().is_empty());
    }
}

#[test]
fn fault_8_a_server_that_is_down_changes_no_result_and_no_exit_code() {
    let repo = repo();
    // Nobody listens there.
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let endpoint = format!("http://127.0.0.1:{port}");
    let secrets = [("AWS_ACCESS_KEY_ID", "k"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_ENDPOINT_URL", endpoint.as_str())];
    let (told, ran) = build(&repo, &["--remote", "s3://bucket", "--remote-write", "local"], &secrets);
    assert_eq!((told.status, ran), (0, ALL.map(str::to_owned).to_vec()), "{}", told.stderr);
    assert!(told.stderr.contains("the remote: failed"), "{}", told.stderr);
}

#[test]
fn what_cannot_be_asked_for_is_refused() {
    let repo = repo();
    let run = |arguments: &[&str], variables: &[(&str, &str)]| build(&repo, arguments, variables).0;
    run(&["--remote", "gopher://host"], &[]).refused(2, "no protocol of a remote");
    run(&["--remote", "host"], &[]).refused(2, "no URL");
    run(&["--remote", "file:///tmp", "--remote-write", "everything"], &[]).refused(2, "no namespace");
    let in_the_clear = [("AWS_ENDPOINT_URL", "http://cache.example.org"), ("AWS_ACCESS_KEY_ID", "k")];
    run(&["--remote", "s3://bucket"], &in_the_clear).refused(2, "in the clear");
    run(&["--remote", "file:///tmp"], &[("KNOCKON_REMOTE_SIGNING_KEY", "short")]).refused(2, "64 hexadecimal digits");
    repo.knockon(&["cache", "key"]).refused(2, "KNOCKON_REMOTE_SIGNING_KEY");
}

/// A server of the folder that the variable `SERVERS` names; none, and told, where it is not there and need not be.
pub struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn server(program: &str, start: impl FnOnce(&mut Command, u16)) -> Option<(Running, u16)> {
    let folder = std::env::var_os("SERVERS").map(PathBuf::from);
    let Some(program) = folder.map(|folder| folder.join(program)).filter(|program| program.exists()) else {
        let told = format!("NOT TESTED: `SERVERS` names no folder with {program}");
        assert!(std::env::var_os("SERVERS_REQUIRED").is_none(), "{told}");
        eprintln!("{told}");
        return None;
    };
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let mut command = Command::new(program);
    start(&mut command, port);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let running = Running(command.spawn().unwrap());
    let end = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        assert!(Instant::now() < end, "{command:?} does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
    Some((running, port))
}

#[test]
fn results_are_shared_through_s3() {
    let started = server("venv/bin/moto_server", |command, port| {
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
    });
    let Some((_server, port)) = started else { return };
    let endpoint = format!("http://127.0.0.1:{port}");
    let made = Command::new("curl").args(["-sf", "-X", "PUT", &format!("{endpoint}/builds")]).status();
    assert!(made.unwrap().success());
    let secrets = [
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
    ];
    is_shared_through("s3://builds/knockon", &secrets);
}

/// The account that Azurite has, as its documentation says.
const AZURITE_KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
/// What may make a container there, signed with that key.
const AZURITE_ACCESS: &str = "sv=2020-08-04&ss=b&srt=sco&sp=rwdlac&se=2099-01-01T00%3A00%3A00Z&sig=x%2FQXZVVilc6CBdKa9TN6OcrIf0rB%2Fv0F0GVQBOwF7so%3D";

#[test]
fn results_are_shared_through_azure() {
    let folder = tempfile::tempdir().unwrap();
    let started = server("node_modules/.bin/azurite-blob", |command, port| {
        command.args(["--silent", "--disableTelemetry", "--skipApiVersionCheck", "--blobHost", "127.0.0.1"]);
        command.args(["--blobPort", &port.to_string(), "--location"]).arg(folder.path());
    });
    let Some((_server, port)) = started else { return };
    let endpoint = format!("http://127.0.0.1:{port}/devstoreaccount1");
    let secrets = [
        ("AZURE_STORAGE_ACCOUNT_NAME", "devstoreaccount1"),
        ("AZURE_STORAGE_ACCOUNT_KEY", AZURITE_KEY),
        ("AZURE_STORAGE_ENDPOINT", endpoint.as_str()),
    ];
    let container = format!("{endpoint}/builds?restype=container&{AZURITE_ACCESS}");
    let made = Command::new("curl").args(["-sf", "-X", "PUT", "-H", "content-length: 0", &container]).status();
    assert!(made.unwrap().success());
    is_shared_through("az://builds/knockon", &secrets);
}

#[test]
fn results_are_shared_through_a_cache_of_turborepo() {
    let folder = tempfile::tempdir().unwrap();
    let started = server("node_modules/.bin/turborepo-remote-cache", |command, port| {
        let variables = [
            ("NODE_ENV", "production"),
            ("HOST", "127.0.0.1"),
            ("TURBO_TOKEN", "thetoken"),
            ("STORAGE_PROVIDER", "local"),
            ("STORAGE_PATH_USE_TMP_FOLDER", "false"),
            ("AUTH_MODE", "static"),
        ];
        command.envs(variables).env("PORT", port.to_string()).env("STORAGE_PATH", folder.path());
    });
    let Some((_server, port)) = started else { return };
    let url = format!("turborepo+http://127.0.0.1:{port}/?team=us");
    is_shared_through(&url, &[("KNOCKON_REMOTE_TOKEN", "thetoken")]);
    let repo = repo();
    let (told, _) = build(&repo, &[], &[("KNOCKON_REMOTE", &url), ("KNOCKON_REMOTE_TOKEN", "another")]);
    assert!(told.done().stderr.contains("it refuses"), "{}", told.stderr);
}

#[test]
fn results_are_shared_through_a_server_of_the_remote_execution_api() {
    let folder = tempfile::tempdir().unwrap();
    let started = server("buildbox/buildbox-casd", |command, port| {
        command.arg(format!("--bind=127.0.0.1:{port}")).arg(folder.path());
    });
    let Some((_server, port)) = started else { return };
    is_shared_through(&format!("grpc://127.0.0.1:{port}"), &[]);
}

const BUILDGRID: &str = r#"
description: results on loopback
server:
  - !channel
    address: "127.0.0.1:PORT"
    insecure-mode: false
    credentials: {tls-server-key: FOLDER/server.key, tls-server-cert: FOLDER/server.pem}
authorization: {method: jwt, secret: FOLDER/secret, algorithm: hs256}
storages:
  - !disk-storage &storage {path: FOLDER/storage}
caches:
  - !lru-action-cache &results {storage: *storage, max-cached-refs: 1000, allow-updates: true, cache-failed-actions: false}
instances:
  - name: main
    services: [!action-cache {cache: *results}, !cas {storage: *storage}, !bytestream {storage: *storage}]
thread-pool-size: 30
"#;

/// An authority, and a server's certificate that it signed.
const CERTIFICATES: &str = "
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout authority.key -out authority.pem &&
openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr &&
echo subjectAltName=DNS:localhost > names &&
openssl x509 -req -in server.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days 2 -extfile names -out server.pem";

#[test]
fn results_are_shared_through_buildgrid_with_tls_and_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let started = server("buildgrid/bin/bgd", |command, port| {
        let made = Command::new("sh").args(["-c", CERTIFICATES]).current_dir(path).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        fs::write(path.join("secret"), "this is known to nobody but the server").unwrap();
        let configuration = BUILDGRID.replace("PORT", &port.to_string());
        fs::write(path.join("bgd.yml"), configuration.replace("FOLDER", path.to_str().unwrap())).unwrap();
        command.args(["server", "start"]).arg(path.join("bgd.yml"));
    });
    let Some((_server, port)) = started else { return };
    let python = Path::new(&std::env::var_os("SERVERS").unwrap()).join("buildgrid/bin/python");
    let token = |secret: &str| {
        let program = format!("import jwt; print(jwt.encode({{'exp': 1 << 34}}, '{secret}', algorithm='HS256'))");
        let made = Command::new(&python).args(["-c", &program]).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    };
    let url = format!("grpcs://localhost:{port}/main");
    let authority = path.join("authority.pem");
    let trusted = ("SSL_CERT_FILE", authority.to_str().unwrap());
    let good = token("this is known to nobody but the server");
    is_shared_through(&url, &[trusted, ("KNOCKON_REMOTE_TOKEN", &good)]);
    // Whoever has no token, or another, is refused; and nobody shows one to a server that no authority vouches for.
    let (repo, other) = (repo(), token("this is a guess of somebody who is not it"));
    for (variables, told) in [
        (vec![trusted], "it refuses"),
        (vec![trusted, ("KNOCKON_REMOTE_TOKEN", &other)], "it refuses"),
        (vec![("KNOCKON_REMOTE_TOKEN", &good)], "it cannot be reached: invalid peer certificate"),
    ] {
        let variables = [vec![("KNOCKON_REMOTE", url.as_str())], variables].concat();
        let (outcome, ran) = build(&repo, &["--force"], &variables);
        assert_eq!((outcome.status, ran.len()), (0, 3), "{}", outcome.stderr);
        let (outcome, _) = build(&repo, &["--force", "--remote-write", "local"], &variables);
        assert!(outcome.done().stderr.contains(told), "{told}: {}", outcome.stderr);
    }
}
