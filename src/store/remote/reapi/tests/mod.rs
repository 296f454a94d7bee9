//! What is asked of servers, tried with one in memory that can break its protocol, and with real ones.

mod fake;
mod servers;

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use fake::{Mood, start};

use super::*;
use crate::store::cache::ResultKey;
use crate::store::remote::Namespace;

/// A result that can be sent.
struct Sample {
    folder: tempfile::TempDir,
    manifest: Vec<u8>,
    blobs: Vec<Blob>,
}

impl Sample {
    /// One with blobs of so many bytes each.
    fn new(lengths: &[usize]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut blobs = Vec::new();
        for (number, length) in lengths.iter().enumerate() {
            // Bytes that nothing makes shorter.
            let mut bytes = vec![0; *length];
            blake3::Hasher::new().update(&number.to_le_bytes()).finalize_xof().fill(&mut bytes);
            let blob = Blob { digest: *blake3::hash(&bytes).as_bytes(), length: bytes.len() as u64 };
            fs::write(file_of(folder.path(), &blob), bytes).unwrap();
            blobs.push(blob);
        }
        blobs.sort_unstable();
        Self { folder, manifest: b"what names them".to_vec(), blobs }
    }

    fn send(&self, server: &dyn Server, key: &RemoteKey) -> Result<Written, RemoteError> {
        let open = |blob: &Blob| File::open(file_of(self.folder.path(), blob));
        let deadline = Instant::now() + Duration::from_secs(60);
        server.keep(key, &Departing { manifest: &self.manifest, blobs: &self.blobs, open: &open, deadline })
    }

    /// Reads all of what is found, and says whether anything was. What arrives has to be right.
    fn fetch(&self, server: &dyn Server, key: &RemoteKey) -> Result<bool, RemoteError> {
        let Some(mut found) = server.find(key)? else { return Ok(false) };
        assert_eq!(found.manifest(), self.manifest);
        for blob in &self.blobs {
            let mut bytes = Vec::new();
            found.read(blob, &mut bytes)?;
            assert_eq!(bytes, fs::read(file_of(self.folder.path(), blob)).unwrap());
        }
        Ok(true)
    }
}

fn file_of(folder: &std::path::Path, blob: &Blob) -> PathBuf {
    folder.join(name_of(blob))
}

fn key(number: u8) -> RemoteKey {
    RemoteKey { namespace: Namespace::Local, key: ResultKey([number; 32]) }
}

fn connect(url: &Url) -> Reapi {
    Reapi::open(url, &|_| None).unwrap()
}

/// From one byte to more than a message has, and more files than fit in one.
const LENGTHS: [usize; 9] = [1, 10, 20_000, 30_000, 40_000, 64 << 10, 70_000, 1 << 20, (9 << 20) + 1];

/// What holds for each server that works: nothing, then what was sent, which stays.
fn assert_keeps(server: &dyn Server) {
    let sample = Sample::new(&LENGTHS);
    assert!(!sample.fetch(server, &key(1)).unwrap());
    assert_eq!(sample.send(server, &key(1)).unwrap(), Written::Kept);
    assert!(sample.fetch(server, &key(1)).unwrap());
    let other = Sample { manifest: b"something else".to_vec(), ..Sample::new(&[3, 1 << 20]) };
    assert_eq!(other.send(server, &key(1)).unwrap(), Written::There);
    assert!(sample.fetch(server, &key(1)).unwrap());
    // The same blobs under another name, and a result that is a manifest alone.
    assert!(!sample.fetch(server, &key(2)).unwrap());
    assert_eq!(sample.send(server, &key(2)).unwrap(), Written::Kept);
    assert!(sample.fetch(server, &key(2)).unwrap());
    let bare = Sample { manifest: b"alone".to_vec(), ..Sample::new(&[]) };
    assert_eq!(bare.send(server, &key(3)).unwrap(), Written::Kept);
    assert!(bare.fetch(server, &key(3)).unwrap());
    // Who may read one namespace is told nothing of another.
    let request = RemoteKey { namespace: Namespace::PullRequest(1), ..key(1) };
    assert!(!sample.fetch(server, &request).unwrap());
}

#[test]
fn what_was_sent_is_found() {
    let running = start(Mood::Honest, None);
    assert_keeps(&connect(&running.url));
    let calls = running.fake.calls.lock().unwrap();
    let count = |method| calls.iter().filter(|call| **call == method).count();
    assert_eq!(count("GetCapabilities"), 1);
    // What is larger than a message is a stream: three blobs, and a fourth because of what stands around its bytes.
    assert_eq!((count("Write"), count("UpdateActionResult")), (4, 3));
}

#[test]
fn small_files_come_together() {
    let running = start(Mood::Honest, None);
    let (server, sample) = (connect(&running.url), Sample::new(&[100; 1]));
    let many: Vec<usize> = (100..300).collect();
    let many = Sample::new(&many);
    assert_eq!(many.send(&server, &key(1)).unwrap(), Written::Kept);
    assert_eq!(sample.send(&server, &key(2)).unwrap(), Written::Kept);
    running.fake.calls.lock().unwrap().clear();
    assert!(many.fetch(&server, &key(1)).unwrap());
    // 200 files of 200 bytes each, and of what stands around them, in messages of 64 kB.
    let expected = ["GetActionResult", "FindMissingBlobs", "BatchReadBlobs", "BatchReadBlobs"];
    assert_eq!(*running.fake.calls.lock().unwrap(), expected);
}

/// The name under which results are found must never change unnoticed, or all of them are lost.
#[test]
fn a_result_is_kept_under_the_digest_of_an_action() {
    let digest = Action::of(&key(7)).digest.to_string();
    assert_eq!(digest, "f42ad4d9e1c6fff96d2b89f0b02fd7194dca4856cb5414cb246115363d269c9c/138");
}

#[test]
fn a_server_is_shown_the_token_that_it_wants() {
    let running = start(Mood::Honest, Some("secret"));
    let token = |token: &'static str| {
        Reapi::open(&running.url, &move |name| (name == client::TOKEN).then(|| token.to_owned())).unwrap()
    };
    assert_keeps(&token("secret"));
    for server in [connect(&running.url), token("other")] {
        assert!(matches!(server.find(&key(1)), Err(RemoteError::Refused(_))));
    }
    let debug = format!("{:?}", token("secret"));
    assert!(!debug.contains("secret"), "{debug}");
}

#[test]
fn only_this_machine_is_spoken_to_in_the_clear() {
    let open = |url: &str, insecure: bool| {
        Reapi::open(&Url::parse(url).unwrap(), &|name| {
            (insecure && name == "KNOCKON_REMOTE_INSECURE").then(|| "1".to_owned())
        })
    };
    for url in ["grpc://127.0.0.1:1", "grpc://localhost:1/x", "grpc://[::1]:1", "grpcs://cache.example.org/main"] {
        assert!(open(url, false).is_ok(), "{url}");
    }
    for url in
        ["grpc://cache.example.org:1/main", "grpc://127.0.0.1.example.org", "grpc://127.org", "grpc://[2001:db8::1]"]
    {
        assert!(matches!(open(url, false), Err(SetupError::Insecure(_))), "{url}");
        assert!(open(url, true).is_ok(), "{url}");
    }
    for url in ["grpcs://user@example.org/", "grpcs://example.org/?token=x", "grpcs:path"] {
        assert!(matches!(open(url, true), Err(SetupError::Server(_))), "{url}");
    }
}

#[test]
fn fault_8_what_a_server_says_is_told_as_what_it_is() {
    let running = start(Mood::Honest, None);
    let server = connect(&running.url);
    assert_eq!(Sample::new(&[1]).send(&server, &key(1)).unwrap(), Written::Kept);
    let told = |code| {
        *running.fake.mood.lock().unwrap() = Mood::Says(code);
        server.find(&key(1)).map(|found| found.is_some()).map_err(|reason| reason.to_string())
    };
    assert_eq!(told(Code::NotFound), Ok(false));
    for (code, expected) in [
        (Code::Unauthenticated, "it refuses: said so"),
        (Code::PermissionDenied, "it refuses: said so"),
        (Code::ResourceExhausted, "it takes no more: said so"),
        (Code::DeadlineExceeded, "it does not answer in time"),
        (Code::Unavailable, "it cannot be reached: said so"),
        (Code::Internal, "what it answers makes no sense: Internal: said so"),
        (Code::Unimplemented, "what it answers makes no sense: Unimplemented: said so"),
    ] {
        assert_eq!(told(code), Err(expected.to_owned()));
    }
}

#[test]
fn fault_8_a_server_that_is_not_there_or_goes_is_unreachable() {
    // Nobody listens on a port that was just given back.
    let url = start(Mood::Honest, None).url.clone();
    std::thread::sleep(Duration::from_millis(50));
    assert!(matches!(connect(&url).find(&key(1)), Err(RemoteError::Unreachable(_))));
    // It speaks something else.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("grpc://{}", listener.local_addr().unwrap())).unwrap();
    let page = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>").unwrap();
    });
    assert!(connect(&url).find(&key(1)).is_err());
    page.join().unwrap();
}

#[test]
fn fault_8_whatever_a_server_sends_is_right_or_an_error() {
    let sample = Sample::new(&LENGTHS);
    for mood in [Mood::OtherBytes, Mood::Endless, Mood::HugeManifest, Mood::NoDigests, Mood::ManyFiles] {
        let running = start(Mood::Honest, None);
        let server = connect(&running.url);
        assert_eq!(sample.send(&server, &key(1)).unwrap(), Written::Kept);
        *running.fake.mood.lock().unwrap() = mood;
        assert!(sample.fetch(&server, &key(1)).is_err(), "{mood:?}");
    }
}

#[test]
fn fault_8_what_a_server_forgot_is_a_miss_and_can_be_sent_again() {
    let (running, sample) = (start(Mood::Honest, None), Sample::new(&LENGTHS));
    let server = connect(&running.url);
    assert_eq!(sample.send(&server, &key(1)).unwrap(), Written::Kept);
    *running.fake.mood.lock().unwrap() = Mood::Forgets;
    assert!(!sample.fetch(&server, &key(1)).unwrap());
    *running.fake.mood.lock().unwrap() = Mood::Honest;
    let largest = *running.fake.blobs.lock().unwrap().keys().max_by_key(|digest| digest.length).unwrap();
    running.fake.blobs.lock().unwrap().remove(&largest);
    assert_eq!(sample.send(&server, &key(1)).unwrap(), Written::Kept);
    assert!(sample.fetch(&server, &key(1)).unwrap());
}

#[test]
fn fault_8_what_a_server_does_not_take_is_not_said_to_be_kept() {
    let sample = Sample::new(&LENGTHS);
    for mood in [Mood::ReadOnly, Mood::OtherDigests, Mood::TakesNothing, Mood::AsksForOthers] {
        let running = start(mood, None);
        assert!(sample.send(&connect(&running.url), &key(1)).is_err(), "{mood:?}");
        assert!(running.fake.results.lock().unwrap().is_empty(), "{mood:?}");
    }
    let running = start(Mood::ReadOnly, None);
    assert!(!sample.fetch(&connect(&running.url), &key(1)).unwrap());
}

#[test]
fn fault_8_nothing_is_sent_again_because_a_server_asks_again() {
    let running = start(Mood::AsksAgain, None);
    assert_eq!(Sample::new(&LENGTHS).send(&connect(&running.url), &key(1)).unwrap(), Written::Kept);
    let calls = running.fake.calls.lock().unwrap();
    assert_eq!(calls.iter().filter(|call| **call == "Write").count(), 4);
}

#[test]
fn many_are_served_at_once_by_one_connection() {
    let running = start(Mood::Honest, None);
    let server = connect(&running.url);
    std::thread::scope(|scope| {
        for number in 0..8 {
            let server = &server;
            scope.spawn(move || {
                let sample = Sample::new(&[1, 1000 + usize::from(number), 100_000 + usize::from(number)]);
                for at in 0..25 {
                    let key = key(number * 25 + at);
                    assert_eq!(sample.send(server, &key).unwrap(), Written::Kept);
                    assert!(sample.fetch(server, &key).unwrap());
                }
            });
        }
    });
    assert_eq!(running.fake.results.lock().unwrap().len(), 200);
}

/// All at once, as each takes as long as a server is waited for.
#[test]
fn fault_8_a_server_that_stops_half_way_is_not_waited_for() {
    let most = LONGEST_SILENCE * 3;
    std::thread::scope(|scope| {
        for mood in [Mood::Silent, Mood::Stalls, Mood::Drips, Mood::Empty] {
            scope.spawn(move || {
                let (running, sample) = (start(Mood::Honest, None), Sample::new(&[70_000]));
                let server = connect(&running.url);
                assert_eq!(sample.send(&server, &key(1)).unwrap(), Written::Kept);
                *running.fake.mood.lock().unwrap() = mood;
                let begun = Instant::now();
                let fetched = sample.fetch(&server, &key(1));
                assert!(matches!(fetched, Err(RemoteError::Slow)), "{mood:?}: {fetched:?}");
                assert!(begun.elapsed() < most, "{mood:?}: {:?}", begun.elapsed());
            });
        }
    });
}

#[test]
fn fault_8_bytes_that_change_on_their_way_are_not_sent() {
    // One that is sent with others, and one that is a stream; when they are digested, and when they are sent.
    for (length, time) in [(1000, 1), (1000, 2), (70_000, 1), (70_000, 2)] {
        let (running, sample) = (start(Mood::Honest, None), Sample::new(&[length]));
        let opened = std::cell::Cell::new(0);
        let open = |blob: &Blob| {
            let path = file_of(sample.folder.path(), blob);
            opened.set(opened.get() + 1);
            if opened.get() == time {
                let mut bytes = fs::read(&path)?;
                bytes[0] ^= 1;
                fs::write(&path, bytes)?;
            }
            File::open(path)
        };
        let deadline = Instant::now() + Duration::from_secs(60);
        let departing = Departing { manifest: b"m", blobs: &sample.blobs, open: &open, deadline };
        let kept = connect(&running.url).keep(&key(1), &departing);
        assert!(kept.is_err(), "{length} {time}");
        assert!(running.fake.results.lock().unwrap().is_empty(), "{length} {time}");
    }
}
