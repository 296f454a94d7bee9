//! Several users of one cache, what is removed from it, and caches that cannot be used.

use std::os::unix::fs::chown;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use super::super::prune::prune;
use super::super::staging::Staging;
use super::*;

const OUT: [&str; 1] = ["out/**"];
const HOUR: Duration = Duration::from_secs(3600);

/// Keeps a result of so many bytes that are not those of another.
fn keep_bytes(place: &Place, number: u8, bytes: usize) {
    place.empty_tree();
    place.write("svc/out/shared", "shared");
    place.write("svc/out/own", vec![number; bytes]);
    place.keep(number, &OUT).unwrap();
}

/// Makes a result look as if it had been used so long ago.
fn age(place: &Place, number: u8, hours: u32) {
    let digits = key(number).to_string();
    let file = place.cache.folder().join("results").join(&digits[..2]).join(&digits[2..]);
    let then = SystemTime::now() - hours * HOUR;
    fs::File::open(file).unwrap().set_modified(then).unwrap();
}

#[test]
fn what_was_not_used_for_the_longest_time_goes_first() {
    let place = Place::new();
    for number in 1..=4 {
        keep_bytes(&place, number, 10_000);
        age(&place, number, u32::from(10 - number));
    }
    // Whoever finds a result uses it.
    place.cache.find(&key(1)).unwrap();
    let before = place.cache.contents().unwrap();
    assert_eq!((before.results, before.blobs, before.damaged), (4, 6, 0));
    assert!((40_000..42_000).contains(&before.bytes));
    let pruned = place.cache.prune(25_000, Duration::ZERO).unwrap();
    assert_eq!((pruned.results, pruned.blobs), (2, 2));
    let after = place.cache.contents().unwrap();
    assert_eq!((after.results, after.blobs), (2, 4));
    assert_eq!(before.bytes - after.bytes, pruned.bytes);
    let left: Vec<u8> = (1..=4).filter(|number| place.cache.find(&key(*number)).is_some()).collect();
    assert_eq!(left, [1, 4]);
    for number in left {
        place.restore(number, &OUT).unwrap();
        assert_eq!(fs::read(place.tree().join("svc/out/own")).unwrap(), [number; 10_000]);
    }
    let pruned = place.cache.prune(0, Duration::ZERO).unwrap();
    assert_eq!((pruned.results, pruned.blobs), (2, 4));
    assert_eq!(place.cache.contents().unwrap(), CacheContents::default());
}

#[test]
fn fault_7_what_is_young_stays_and_what_nobody_names_goes() {
    let place = Place::new();
    keep_bytes(&place, 1, 1000);
    let kept = place.cache.contents().unwrap();
    assert_eq!(place.cache.prune(0, HOUR).unwrap(), Pruned::default());
    assert_eq!(place.cache.contents().unwrap(), kept);
    // Blobs without a result: of a process that died before it wrote the manifest, or is about to write it.
    fs::remove_file(&place.files("results")[0]).unwrap();
    assert_eq!(place.cache.prune(u64::MAX, HOUR).unwrap(), Pruned::default());
    let layout = place.cache.open().unwrap();
    assert_eq!(prune(&layout, u64::MAX, HOUR, SystemTime::now() + 2 * HOUR).unwrap().blobs, 3);
    // A clock that was ahead protects nothing for ever.
    keep_bytes(&place, 1, 1000);
    assert_eq!(prune(&layout, 0, HOUR, SystemTime::now() - 2 * HOUR).unwrap().results, 1);
}

#[test]
fn what_a_second_result_left_goes_and_the_first_stays() {
    let place = Place::new();
    place.write("svc/out/a", "first");
    place.write("svc/out/same", "of both");
    place.keep(1, &["out/**"]).unwrap();
    let first = place.files("blobs");
    place.write("svc/out/a", "second");
    place.write("svc/out/b", "more");
    assert!(matches!(place.keep(1, &["out/**"]).unwrap(), Kept::Different { .. }));
    assert_eq!(place.files("blobs").len(), first.len() + 2);
    let layout = place.cache.open().unwrap();
    let pruned = prune(&layout, u64::MAX, HOUR, SystemTime::now() + 2 * HOUR).unwrap();
    assert_eq!((pruned.results, pruned.blobs, pruned.bytes), (0, 2, 10));
    assert_eq!(place.files("blobs"), first);
    place.restore(1, &["out/**"]).unwrap();
    assert_eq!(fs::read_to_string(place.tree().join("svc/out/a")).unwrap(), "first");
}

#[test]
fn fault_1_what_the_dead_left_is_swept_and_what_the_living_write_is_not() {
    let place = Place::new();
    keep_bytes(&place, 1, 1000);
    let unfinished = place.cache.folder().join("unfinished");
    fs::create_dir(unfinished.join("4194399-0")).unwrap();
    fs::write(unfinished.join("4194399-0/1"), "half").unwrap();
    let layout = place.cache.open().unwrap();
    let living = Staging::make(layout.top.open(b"unfinished").unwrap(), "").unwrap();
    living.folder().create(b"1", false).unwrap();
    let now = SystemTime::now();
    // It may be that its process has not locked it yet.
    assert_eq!(prune(&layout, u64::MAX, HOUR, now).unwrap().unfinished, 0);
    assert_eq!(prune(&layout, u64::MAX, HOUR, now + HOUR).unwrap().unfinished, 1);
    assert_eq!(fs::read_dir(&unfinished).unwrap().count(), 1);
    drop(living);
    assert!(place.is_tidy());
}

#[test]
fn fault_7_one_collector_at_a_time() {
    let place = Place::new();
    keep_bytes(&place, 1, 1000);
    let lock = fs::File::create(place.cache.folder().join("collector")).unwrap();
    lock.lock().unwrap();
    assert_eq!(place.cache.prune(0, Duration::ZERO).unwrap(), Pruned { busy: true, ..Pruned::default() });
    drop(lock);
    assert_eq!(place.cache.prune(0, Duration::ZERO).unwrap().results, 1);
}

/// Keepers, restorers and collectors at once. Contents follow from the key, so that wrong bytes show.
#[test]
fn fault_7_thirty_two_at_once_never_see_wrong_bytes() {
    let place = Place::new();
    let printed = place.printed(b"printed");
    let (hits, pruned) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let folder = path("svc");
    let patterns = patterns(&OUT);
    std::thread::scope(|scope| {
        for thread in 0..32u8 {
            let (place, printed, hits, pruned, folder, patterns) =
                (&place, &printed, &hits, &pruned, &folder, &patterns);
            scope.spawn(move || {
                let tree = place.folder.path().join(format!("tree-{thread}"));
                let outputs = [Outputs { folder, patterns }];
                for turn in 0..30u8 {
                    let number = thread.wrapping_mul(7).wrapping_add(turn.wrapping_mul(5)) % 12;
                    let expected = |file: u8| vec![number.wrapping_mul(file); 3000 * usize::from(file)];
                    let is_right =
                        || (1..4).all(|file| fs::read(tree.join(format!("svc/out/{file}"))).unwrap() == expected(file));
                    fs::create_dir_all(tree.join("svc/out")).unwrap();
                    match place.cache.find(&key(number)) {
                        Some(result) => {
                            if place.cache.restore(&result, &tree, &outputs, &|_| false).is_ok() {
                                assert!(is_right());
                                hits.fetch_add(1, Ordering::Relaxed);
                            }
                        }
                        None => {
                            for file in 1..4 {
                                fs::write(tree.join(format!("svc/out/{file}")), expected(file)).unwrap();
                            }
                            let ending = Ending { duration: Duration::ZERO, attempts: 1, printed };
                            // What a collector without any grace takes away meanwhile is not kept, and no more than that.
                            if let Ok(kept) = place.cache.keep(&key(number), &tree, &outputs, &ending) {
                                assert!(matches!(kept, Kept::Stored | Kept::Same), "{kept:?}");
                            }
                            assert!(is_right());
                        }
                    }
                    if turn % 10 == thread % 10 {
                        let done = place.cache.prune(60_000, Duration::ZERO).unwrap();
                        pruned.fetch_add(done.results, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert!(hits.into_inner() > 0 && pruned.into_inner() > 0);
    let verified = place.cache.verify().unwrap();
    assert_eq!(verified.damaged, 0);
    place.cache.prune(0, Duration::ZERO).unwrap();
    assert_eq!(place.cache.contents().unwrap(), CacheContents::default());
}

#[test]
fn a_check_of_everything_moves_aside_what_is_damaged() {
    let place = Place::new();
    for number in 1..=4 {
        keep_bytes(&place, number, 1000 + usize::from(number));
    }
    assert_eq!(place.cache.verify().unwrap(), Verified { results: 4, broken: 0, damaged: 0 });
    let own = place.files("blobs").into_iter().find(|blob| fs::metadata(blob).unwrap().len() == 1001).unwrap();
    fs::write(own, [9; 1001]).unwrap();
    let own = place.files("blobs").into_iter().find(|blob| fs::metadata(blob).unwrap().len() == 1002).unwrap();
    fs::remove_file(own).unwrap();
    fs::write(&place.files("results")[2], "knockon result 1").unwrap();
    assert_eq!(place.cache.verify().unwrap(), Verified { results: 1, broken: 3, damaged: 1 });
    assert_eq!(place.cache.verify().unwrap(), Verified { results: 1, broken: 0, damaged: 0 });
    assert!(place.cache.find(&key(4)).is_some());
    assert_eq!(place.cache.contents().unwrap().damaged, 4);
    place.cache.prune(u64::MAX, Duration::ZERO).unwrap();
    assert_eq!(place.cache.contents().unwrap().damaged, 0);
}

#[test]
fn fault_4_a_cache_that_is_not_there_or_no_folder_is_empty() {
    let place = Place::new();
    assert!(place.cache.find(&key(1)).is_none());
    assert_eq!(place.cache.contents().unwrap(), CacheContents::default());
    assert_eq!(place.cache.verify().unwrap(), Verified::default());
    assert_eq!(place.cache.prune(0, Duration::ZERO).unwrap(), Pruned::default());
    place.write("svc/out/a", "a");
    // What it would lie beside is not made.
    let nowhere = Cache::beside(&place.folder.path().join("nowhere"));
    let ending = Ending { duration: Duration::ZERO, attempts: 1, printed: &place.printed(b"") };
    let outputs = [Outputs { folder: &path("svc"), patterns: &patterns(&OUT) }];
    assert!(matches!(nowhere.keep(&key(1), &place.tree(), &outputs, &ending), Err(CacheError::Store(_))));
    assert!(!place.folder.path().join("nowhere").exists());
    fs::write(place.folder.path().join("git/knockon"), "a file").unwrap();
    assert!(matches!(place.keep(1, &OUT), Err(CacheError::Store(_))));
    assert!(place.cache.find(&key(1)).is_none() && place.cache.contents().is_err());
}

#[test]
fn fault_4_a_cache_that_cannot_be_written_can_be_read() {
    let place = Place::new();
    keep_bytes(&place, 1, 1000);
    let right = listing(&place.tree());
    place.empty_tree();
    // Nothing can be staged in the cache then. (Modes do not stop the superuser.)
    fs::remove_dir(place.cache.folder().join("unfinished")).unwrap();
    fs::write(place.cache.folder().join("unfinished"), "").unwrap();
    fs::create_dir_all(place.tree().join(".knockon-restore-4194399-0")).unwrap();
    for name in ["", "results", "blobs"] {
        fs::set_permissions(place.cache.folder().join(name), fs::Permissions::from_mode(0o555)).unwrap();
    }
    let restored = place.restore(1, &OUT);
    for name in ["", "results", "blobs"] {
        fs::set_permissions(place.cache.folder().join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    assert_eq!(restored.unwrap().written, 2);
    fs::remove_dir(place.tree().join(".knockon-restore-4194399-0")).unwrap();
    assert_eq!(listing(&place.tree()), right);
    assert!(matches!(place.keep(2, &OUT), Err(CacheError::Store(_))));
}

/// Only the superuser can give files away; for everybody else there is nothing to see here.
#[test]
fn fault_22_a_manifest_of_another_user_is_not_believed() {
    let place = Place::new();
    keep_bytes(&place, 1, 1000);
    assert!(place.cache.find(&key(1)).is_some());
    let file = &place.files("results")[0];
    if chown(file, Some(12345), None).is_err() {
        return;
    }
    assert!(place.cache.find(&key(1)).is_none());
    assert!(file.exists());
    // It is whoever owns the git directory.
    chown(place.folder.path().join("git"), Some(12345), None).unwrap();
    assert!(place.cache.find(&key(1)).is_some());
}

#[test]
fn backups_are_told_to_pass_by() {
    let place = Place::new();
    keep_bytes(&place, 1, 10);
    let tag = fs::read(place.cache.folder().join("CACHEDIR.TAG")).unwrap();
    assert!(tag.starts_with(b"Signature: 8a477f597d28d172789f06886806bc55\n"));
}
