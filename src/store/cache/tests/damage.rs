//! Faults of the disk, of the machine and of others: always a miss, never a wrong byte.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use proptest::prelude::*;

use super::super::fault::testing::{Fault, with};
use super::super::manifest::{Blob, Content, Entry, Manifest};
use super::super::prune::prune;
use super::*;

const OUT: [&str; 1] = ["out/**"];
const ENOSPC: i32 = 28;
const EIO: i32 = 5;
const EACCES: i32 = 13;

/// What a task writes; the second way touches, replaces and removes what the first wrote.
fn work(place: &Place) {
    place.empty_tree();
    place.write("svc/out/a", "alpha");
    place.write("svc/out/deep/b", "beta");
    place.write("svc/out/deep/c", "alpha");
    place.link("deep/b", "svc/out/link");
    fs::create_dir_all(place.tree().join("svc/out/void")).unwrap();
}

fn mess(place: &Place) {
    place.empty_tree();
    place.write("svc/out/a", "other");
    place.write("svc/out/old/x", "old");
    place.write("svc/out/deep/b", "BETA");
    place.link("/etc", "svc/out/void");
    fs::create_dir_all(place.tree().join("svc/out/deep/c")).unwrap();
}

/// Whether a restore gave what was kept, and if it did not, left everything.
fn is_hit_or_miss(place: &Place, right: &[(Vec<u8>, String)]) -> bool {
    mess(place);
    let before = listing(&place.tree());
    match place.restore(1, &OUT) {
        Ok(_) => {
            assert_eq!(listing(&place.tree()), right);
            true
        }
        Err(_) => {
            assert_eq!(listing(&place.tree()), before);
            false
        }
    }
}

fn kept() -> (Place, Vec<(Vec<u8>, String)>) {
    let place = Place::new();
    work(&place);
    let right = listing(&place.tree());
    place.keep(1, &OUT).unwrap();
    (place, right)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn fault_6_damage_anywhere_is_a_miss(file in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), damage in 0..5u8, bit in 0..8u8) {
        let (place, right) = kept();
        let files = [place.files("results"), place.files("blobs")].concat();
        let file = file.get(&files);
        let mut bytes = fs::read(file).unwrap();
        let at = at.index(bytes.len());
        match damage {
            0 => bytes[at] ^= 1 << bit,
            1 => bytes.truncate(at),
            2 => bytes.push(bit),
            3 => drop(bytes.remove(at)),
            _ => bytes.clear(),
        }
        fs::write(file, bytes).unwrap();
        prop_assert!(!is_hit_or_miss(&place, &right));
        prop_assert!(place.is_tidy());
        // It is kept again, whole; a manifest that was not damaged is right again with its blob.
        work(&place);
        prop_assert!(matches!(place.keep(1, &OUT), Ok(Kept::Stored | Kept::Same)));
        prop_assert!(is_hit_or_miss(&place, &right));
    }

    /// What has the right digest is not believed either.
    #[test]
    fn fault_6_a_manifest_of_any_bytes_is_read_or_refused(
        paths in prop::collection::vec("[a.]{1,2}(/[a.]{1,2}){0,2}|\\.git|/a", 0..4),
        target in "[a./]{0,6}",
        lengths in prop::collection::vec(any::<u64>(), 4),
        flip in any::<Option<(prop::sample::Index, u8)>>(),
    ) {
        let blob = |length| Blob { digest: [3; 32], length };
        let mut entries = Vec::new();
        for (path, length) in paths.iter().zip(&lengths) {
            let Ok(path) = RepoPath::from_git(path.as_bytes()) else { continue };
            let content = match length % 4 {
                0 => Content::Folder,
                1 => Content::Link { target: target.clone().into_bytes() },
                _ => Content::File { blob: blob(*length), executable: length % 4 == 2 },
            };
            entries.push(Entry { path, content });
        }
        let manifest = Manifest { entries, printed: blob(1), duration: Duration::ZERO, attempts: 1 };
        let mut body = manifest.encode(&key(1)).split_off(48);
        if let Some((at, byte)) = flip {
            let at = at.index(body.len());
            body[at] = byte;
        }
        let Ok(read) = Manifest::decode_body(&key(1), &body) else { return Ok(()) };
        prop_assert!(read.entries.is_sorted_by(|a, b| a.path < b.path));
        for Entry { path, content } in &read.entries {
            prop_assert!(!path.segments().any(|segment| segment == b".." || segment == b".git"));
            prop_assert!(!read.entries.iter().any(|other| other.path != *path && other.path.is_within(path)));
            if let Content::Link { target } = content {
                prop_assert!(path.parent().unwrap().resolve(target).is_ok());
            }
        }
    }
}

#[test]
fn fault_6_a_blob_or_a_manifest_under_the_name_of_another_is_a_miss() {
    let (place, right) = kept();
    let blobs = place.files("blobs");
    fs::copy(&blobs[0], &blobs[1]).unwrap();
    assert!(!is_hit_or_miss(&place, &right));
    // Aside, where nobody looks for it.
    assert_eq!((place.files("blobs").len(), place.files("damaged").len()), (blobs.len() - 1, 1));
    work(&place);
    place.keep(1, &OUT).unwrap();
    place.keep(2, &OUT).unwrap();
    let results = place.files("results");
    fs::copy(&results[1], &results[0]).unwrap();
    assert!(!is_hit_or_miss(&place, &right));
    assert!(place.cache.find(&key(2)).is_some());
}

#[test]
fn fault_6_no_length_makes_room_for_more_than_there_is() {
    let mut body = key(1).0.to_vec();
    body.extend([0, 0, 0, 0]);
    body.extend([0xff; 9]);
    body.push(1);
    assert!(Manifest::decode_body(&key(1), &body).is_err());
    let (place, _) = kept();
    let file = fs::File::options().write(true).open(&place.files("results")[0]).unwrap();
    file.set_len(1 << 40).unwrap();
    assert!(place.cache.find(&key(1)).is_none());
}

/// Each step fails once, and then from each step on all do, as on a full disk.
#[test]
fn fault_3_and_5_every_step_that_fails_is_a_miss() {
    for (fails, is_lasting) in [
        (Fault::Fails(EIO), false),
        (Fault::Fails(ENOSPC), false),
        (Fault::Fails(EACCES), false),
        (Fault::FailsFromHere(ENOSPC), true),
    ] {
        let mut at = 0;
        loop {
            let place = Place::new();
            work(&place);
            let right = listing(&place.tree());
            let (kept, steps) = with(at, fails, || place.keep(1, &OUT));
            assert_eq!(listing(&place.tree()), right, "step {at}");
            if kept.is_err() {
                assert!(!is_hit_or_miss(&place, &right), "step {at}");
                work(&place);
                assert_eq!(place.keep(1, &OUT).unwrap(), Kept::Stored, "step {at}");
            }
            assert!(is_hit_or_miss(&place, &right), "step {at}");
            at += 1;
            if at > steps {
                break;
            }
        }
        assert!(at > 20);
        let (place, right) = kept();
        let mut at = 0;
        loop {
            mess(&place);
            let before = listing(&place.tree());
            let (restored, steps) = with(at, fails, || place.restore(1, &OUT));
            let now = listing(&place.tree());
            match restored {
                Ok(_) => assert_eq!(now, right, "step {at}"),
                // Where nothing can be written any more, nothing can be taken back either.
                Err(_) if is_lasting => assert!(is_of_either(&now, &before, &right), "step {at}"),
                Err(error) => assert_eq!(now, before, "step {at}: {error}"),
            }
            // What was damaged on the way only costs time.
            work(&place);
            place.keep(1, &OUT).unwrap();
            assert!(is_hit_or_miss(&place, &right), "step {at}");
            at += 1;
            if at > steps {
                break;
            }
        }
        assert!(at > 20);
    }
}

/// Whether each thing that is there is as it was before or as it was kept.
fn is_of_either(now: &[(Vec<u8>, String)], before: &[(Vec<u8>, String)], right: &[(Vec<u8>, String)]) -> bool {
    now.iter().all(|thing| thing.1 == "folder" || before.contains(thing) || right.contains(thing))
}

const DIES_AT: &str = "KNOCKON_TEST_DIES_AT";
const FOLDER: &str = "KNOCKON_TEST_FOLDER";

/// Not a test by itself: what the processes of the next one do, which end at some step.
#[test]
fn fault_1_process() {
    let (Ok(at), Ok(folder)) = (std::env::var(DIES_AT), std::env::var(FOLDER)) else { return };
    let (tree, cache) = (Path::new(&folder).join("tree"), Cache::beside(&Path::new(&folder).join("git")));
    let printed = Path::new(&folder).join("printed");
    let outputs = [Outputs { folder: &path("svc"), patterns: &patterns(&OUT) }];
    let ending = Ending { duration: Duration::ZERO, attempts: 1, printed: &printed };
    let work = || match cache.find(&key(1)) {
        Some(result) => drop(cache.restore(&result, &tree, &outputs, &|_| false).unwrap()),
        None => drop(cache.keep(&key(1), &tree, &outputs, &ending).unwrap()),
    };
    with(at.parse().unwrap(), Fault::Dies, work);
}

/// Runs the process above; whether it died.
fn dies(place: &Place, at: usize) -> bool {
    let mut process = Command::new(std::env::current_exe().unwrap());
    process.args(["--exact", "store::cache::tests::damage::fault_1_process"]).env(DIES_AT, at.to_string());
    let ended = process.env(FOLDER, place.folder.path()).output().unwrap();
    assert!(ended.status.success() || ended.status.signal() == Some(6), "{ended:?}");
    !ended.status.success()
}

#[test]
fn fault_1_a_process_that_is_killed_leaves_nothing_half() {
    let later = std::time::SystemTime::now() + Duration::from_secs(3600);
    let mut at = 0;
    loop {
        let place = Place::new();
        work(&place);
        place.printed(b"");
        let right = listing(&place.tree());
        let died = dies(&place, at);
        assert_eq!(listing(&place.tree()), right);
        if place.cache.find(&key(1)).is_some() {
            assert!(is_hit_or_miss(&place, &right), "step {at}");
        }
        work(&place);
        place.keep(1, &OUT).unwrap();
        let layout = place.cache.open().unwrap();
        prune(&layout, u64::MAX, Duration::from_secs(60), later).unwrap();
        assert!(place.is_tidy(), "step {at}");
        // Then while it restores: each thing is the old one or the new one.
        mess(&place);
        let before = listing(&place.tree());
        let died_restoring = dies(&place, at);
        assert!(is_of_either(&listing(&place.tree()), &before, &right), "step {at}");
        assert!(is_hit_or_miss(&place, &right), "step {at}");
        prune(&layout, u64::MAX, Duration::from_secs(60), later).unwrap();
        assert!(place.is_tidy(), "step {at}");
        if !died && !died_restoring {
            break;
        }
        at += 1;
    }
    assert!(at > 40);
}
