//! What is believed of a server, tried with one in memory that does what it is told.

mod http;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
use crate::path::RepoPath;
use crate::store::cache::{Cache, Ending, Kept, Outputs};
use crate::store::elsewhere::Elsewhere;

/// What a server has under a name.
#[derive(Debug, Clone, Default)]
struct Item {
    manifest: Vec<u8>,
    blobs: BTreeMap<[u8; 32], Vec<u8>>,
}

#[derive(Debug, Clone, Default)]
struct InMemory {
    items: Arc<Mutex<BTreeMap<String, Item>>>,
    /// Whether every request fails.
    is_down: bool,
    asked: Arc<Mutex<u32>>,
}

impl InMemory {
    fn ask(&self) -> Result<(), RemoteError> {
        *self.asked.lock().unwrap() += 1;
        if self.is_down { Err(RemoteError::Unreachable("refused".to_owned())) } else { Ok(()) }
    }

    fn change(&self, change: impl Fn(&mut Item)) {
        self.items.lock().unwrap().values_mut().for_each(change);
    }
}

fn name(key: &RemoteKey) -> String {
    format!("{}/{}", key.namespace, key.key)
}

impl Server for InMemory {
    fn find<'a>(&'a self, key: &RemoteKey) -> Result<Option<Box<dyn RemoteResult + 'a>>, RemoteError> {
        self.ask()?;
        let item = self.items.lock().unwrap().get(&name(key)).cloned();
        Ok(item.map(|item| Box::new(item) as Box<dyn RemoteResult>))
    }

    fn keep(&self, key: &RemoteKey, result: &Departing<'_>) -> Result<Written, RemoteError> {
        self.ask()?;
        let mut item = Item { manifest: result.manifest.to_vec(), ..Item::default() };
        for blob in result.blobs {
            let mut bytes = Vec::new();
            result.read(blob)?.read_to_end(&mut bytes)?;
            item.blobs.insert(blob.digest, bytes);
        }
        let mut items = self.items.lock().unwrap();
        if items.contains_key(&name(key)) {
            return Ok(Written::There);
        }
        items.insert(name(key), item);
        Ok(Written::Kept)
    }
}

impl RemoteResult for Item {
    fn manifest(&self) -> &[u8] {
        &self.manifest
    }

    fn read(&mut self, blob: &Blob, to: &mut dyn Write) -> Result<(), RemoteError> {
        Ok(to.write_all(&self.blobs[&blob.digest])?)
    }
}

const KEY: ResultKey = ResultKey([7; 32]);

/// A workstation with a cache of its own.
struct Place {
    folder: tempfile::TempDir,
    cache: Cache,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("tree")).unwrap();
        let cache = Cache::at(&folder.path().join("cache"));
        Self { folder, cache }
    }

    fn tree(&self) -> std::path::PathBuf {
        self.folder.path().join("tree")
    }

    /// Makes an output, and keeps it.
    fn make(&self, text: &str) {
        fs::create_dir_all(self.tree().join("out")).unwrap();
        fs::write(self.tree().join("out/file"), text).unwrap();
        let printed = self.folder.path().join("printed");
        fs::write(&printed, "printed").unwrap();
        let ending = Ending { duration: Duration::from_secs(1), attempts: 1, printed: &printed };
        assert_eq!(
            with_outputs(|outputs| self.cache.keep(&KEY, &self.tree(), outputs, &ending)).unwrap(),
            Kept::Stored
        );
    }

    fn fetch(&self, remote: &RemoteCache) -> Option<String> {
        with_outputs(|outputs| remote.fetch(&self.cache, &KEY, outputs))
    }

    /// What is restored from the local cache, if anything.
    fn restored(&self) -> Option<String> {
        let found = self.cache.find(&KEY)?;
        with_outputs(|outputs| self.cache.restore(&found, &self.tree(), outputs, &|_| false)).unwrap();
        fs::read_to_string(self.tree().join("out/file")).ok()
    }
}

fn with_outputs<T>(act: impl FnOnce(&[Outputs<'_>]) -> T) -> T {
    let (folder, patterns) = (RepoPath::root(), ["out/**".to_owned()]);
    act(&[Outputs { folder: &folder, patterns: &patterns }])
}

fn trust(reads: &[Namespace], writes: Option<Namespace>) -> Trust {
    Trust { reads: reads.to_vec(), writes, ..Trust::default() }
}

fn remote(server: &InMemory, trust: Trust) -> RemoteCache {
    RemoteCache::new(Box::new(server.clone()), trust)
}

#[test]
fn what_one_sends_another_fetches() {
    let (server, one, other) = (InMemory::default(), Place::new(), Place::new());
    one.make("made");
    let sender = remote(&server, trust(&[], Some(Namespace::Trusted)));
    assert_eq!((sender.send(&one.cache, &KEY), sender.send(&one.cache, &KEY)), (Some(Kept::Stored), Some(Kept::Same)));
    let reader = remote(&server, trust(&[Namespace::Local, Namespace::Trusted], None));
    assert_eq!((other.fetch(&reader), other.restored().as_deref()), (Some("trusted".to_owned()), Some("made")));
    assert_eq!((reader.told(), sender.told()), (vec![], vec![]));
}

#[test]
fn nobody_sends_unasked() {
    let (server, place) = (InMemory::default(), Place::new());
    place.make("made");
    assert_eq!(remote(&server, trust(&[Namespace::Trusted], None)).send(&place.cache, &KEY), None);
    assert_eq!(*server.asked.lock().unwrap(), 0);
}

/// CVE-2025-36852: the run of a request to merge computes the key that the main branch will have, and is first.
#[test]
fn what_a_request_to_merge_sends_is_found_by_nobody_else() {
    let (server, attacker, victim) = (InMemory::default(), Place::new(), Place::new());
    attacker.make("poisoned");
    let request = Namespace::PullRequest(666);
    let of_request = remote(&server, trust(&[request.clone(), Namespace::Trusted], Some(request.clone())));
    assert_eq!(of_request.send(&attacker.cache, &KEY), Some(Kept::Stored));
    let of_main = remote(&server, trust(&[Namespace::Trusted], Some(Namespace::Trusted)));
    assert_eq!((victim.fetch(&of_main), victim.restored()), (None, None));
    // What was there first does not keep the trusted result out.
    victim.make("made");
    assert_eq!(of_main.send(&victim.cache, &KEY), Some(Kept::Stored));
    let of_other = remote(&server, trust(&[Namespace::PullRequest(7), Namespace::Trusted], None));
    let other = Place::new();
    assert_eq!((other.fetch(&of_other), other.restored().as_deref()), (Some("trusted".to_owned()), Some("made")));
    // The request finds its own.
    assert_eq!(Place::new().fetch(&of_request), Some(request.to_string()));
}

#[test]
fn a_second_result_is_told_and_the_first_stays() {
    let (server, one, other, third) = (InMemory::default(), Place::new(), Place::new(), Place::new());
    one.make("made");
    other.make("made otherwise");
    let remote = remote(&server, trust(&[Namespace::Local], Some(Namespace::Local)));
    assert_eq!(remote.send(&one.cache, &KEY), Some(Kept::Stored));
    let paths = vec![RepoPath::from_git(b"out/file").unwrap()];
    assert_eq!(remote.send(&other.cache, &KEY), Some(Kept::Different { paths }));
    assert_eq!((third.fetch(&remote), third.restored().as_deref()), (Some("local".to_owned()), Some("made")));
}

#[test]
fn where_a_key_is_pinned_only_signed_results_are_used() {
    let signer = Signer::read(&"07".repeat(32)).unwrap();
    let signed = |reads: &[Namespace], writes, signer: Option<&Signer>| Trust {
        public_key: Some(Signer::read(&"07".repeat(32)).unwrap().public_key()),
        signer: signer.cloned(),
        ..trust(reads, writes)
    };
    for (by, is_used) in [(Some(signer), true), (Signer::read(&"08".repeat(32)).ok(), false), (None, false)] {
        let (server, one, other) = (InMemory::default(), Place::new(), Place::new());
        one.make("made");
        remote(&server, signed(&[], Some(Namespace::Trusted), by.as_ref())).send(&one.cache, &KEY);
        let reader = remote(&server, signed(&[Namespace::Trusted], None, None));
        assert_eq!((other.fetch(&reader).is_some(), other.restored().is_some()), (is_used, is_used));
        assert_eq!(reader.told().is_empty(), is_used);
    }
    // Nobody can pass off as trusted what was signed for a request, or moves it there.
    let (server, one, other) = (InMemory::default(), Place::new(), Place::new());
    one.make("made");
    let signer = Signer::read(&"07".repeat(32)).unwrap();
    let request = Namespace::PullRequest(1);
    remote(&server, signed(&[], Some(request.clone()), Some(&signer))).send(&one.cache, &KEY);
    let mut items = std::mem::take(&mut *server.items.lock().unwrap());
    let item = items.remove(&name(&RemoteKey { namespace: request, key: KEY })).unwrap();
    server.items.lock().unwrap().insert(name(&RemoteKey { namespace: Namespace::Trusted, key: KEY }), item);
    let reader = remote(&server, signed(&[Namespace::Trusted], None, None));
    assert_eq!(other.fetch(&reader), None);
    assert_eq!(reader.told().len(), 1);
}

#[test]
fn fault_8_whatever_a_server_sends_is_right_or_not_used() {
    type Damage = fn(&mut Item);
    let damages: [(&str, Damage); 6] = [
        ("other bytes", |item| item.blobs.values_mut().for_each(|bytes| bytes[0] ^= 1)),
        ("fewer bytes", |item| item.blobs.values_mut().for_each(|bytes| bytes.truncate(2))),
        ("more bytes", |item| item.blobs.values_mut().for_each(|bytes| bytes.push(0))),
        ("endless bytes", |item| item.blobs.values_mut().for_each(|bytes| bytes.resize(1 << 20, 0))),
        ("a page of HTML", |item| item.manifest = b"<html>".to_vec()),
        ("a damaged manifest", |item| *item.manifest.last_mut().unwrap() ^= 1),
    ];
    for (what, damage) in damages {
        let (server, one, other) = (InMemory::default(), Place::new(), Place::new());
        one.make("made");
        let remote = remote(&server, trust(&[Namespace::Local], Some(Namespace::Local)));
        remote.send(&one.cache, &KEY);
        server.change(damage);
        assert_eq!((other.fetch(&remote), other.restored()), (None, None), "{what}");
        assert_eq!(remote.told().len(), 1, "{what}: {:?}", remote.told());
        let staged = fs::read_dir(other.folder.path().join("cache/unfinished")).map_or(0, Iterator::count);
        assert_eq!(staged, 0, "{what}");
    }
}

#[test]
fn a_result_with_more_than_the_outputs_of_the_task_is_not_taken_in() {
    let (server, one, other) = (InMemory::default(), Place::new(), Place::new());
    one.make("made");
    let remote = remote(&server, trust(&[Namespace::Local], Some(Namespace::Local)));
    remote.send(&one.cache, &KEY);
    let (folder, patterns) = (RepoPath::root(), ["else/**".to_owned()]);
    let outputs = [Outputs { folder: &folder, patterns: &patterns }];
    assert_eq!(remote.fetch(&other.cache, &KEY, &outputs), None);
    assert!(other.cache.find(&KEY).is_none());
}

#[test]
fn fault_8_a_server_that_is_down_is_asked_three_times_in_a_run() {
    let (server, place) = (InMemory { is_down: true, ..InMemory::default() }, Place::new());
    let remote = remote(&server, trust(&[Namespace::Local], Some(Namespace::Local)));
    for _ in 0..10 {
        assert_eq!(place.fetch(&remote), None);
    }
    assert_eq!(*server.asked.lock().unwrap(), 3);
    assert_eq!(remote.told(), ["failed 3 times, and is not asked any more: it cannot be reached: refused"]);
}

#[test]
fn fault_8_who_sends_a_byte_now_and_then_is_not_waited_for() {
    let (deadline, folder) = (Instant::now() + Duration::from_millis(50), tempfile::tempdir().unwrap());
    let file = folder.path().join("file");
    fs::write(&file, vec![0; 1 << 20]).unwrap();
    let mut slow = InTime { inner: fs::File::open(file).unwrap(), deadline };
    let mut byte = [0];
    let ended = loop {
        if let Err(reason) = slow.read(&mut byte) {
            break reason;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(ended.kind(), io::ErrorKind::TimedOut);
    assert!(InTime { inner: Vec::new(), deadline }.write(&[0]).is_err());
}

#[test]
fn who_cannot_sign_cannot_send_where_signatures_are_asked_for() {
    let key = |text: &str| Signer::read(&text.repeat(32)).unwrap();
    let trust =
        |signer| Trust { public_key: Some(key("07").public_key()), signer, ..trust(&[], Some(Namespace::Trusted)) };
    let open = |signer| RemoteCache::open("file:///nowhere", trust(signer), &|_| None).map(|_| ());
    assert!(matches!(open(None), Err(SetupError::NoSigner)));
    assert!(matches!(open(Some(key("08"))), Err(SetupError::OtherSigner { .. })));
    for text in ["", "nowhere", "/folder"] {
        assert!(matches!(RemoteCache::open(text, Trust::default(), &|_| None), Err(SetupError::NoUrl(_))), "{text}");
    }
    let other = RemoteCache::open("gopher://host", Trust::default(), &|_| None);
    assert!(matches!(other, Err(SetupError::Scheme(scheme)) if scheme == "gopher"));
}

#[test]
fn namespaces_are_read_as_they_are_written() {
    for namespace in [Namespace::Trusted, Namespace::PullRequest(12), Namespace::Local] {
        assert_eq!(Namespace::read(&namespace.to_string()), Some(namespace));
    }
    for text in ["", "pr-", "pr-+1", "pr-x", "Trusted", "trusted/../local"] {
        assert_eq!(Namespace::read(text), None, "{text}");
    }
}

/// Whoever looks at the folder of a cache after all this sees no more than a cache.
#[test]
fn nothing_is_left_beside_the_cache() {
    let (server, one, other) = (InMemory::default(), Place::new(), Place::new());
    one.make("made");
    let remote = remote(&server, trust(&[Namespace::Local], Some(Namespace::Local)));
    remote.send(&one.cache, &KEY);
    other.fetch(&remote);
    for place in [&one, &other] {
        let unfinished: &Path = &place.folder.path().join("cache/unfinished");
        assert_eq!(fs::read_dir(unfinished).unwrap().count(), 0);
    }
}
