//! Objects in packs and loose ones beside them: found wherever they are, and never taken for others when bits flip.

use std::fs;
use std::path::PathBuf;

use crate::git::Repository;
use crate::git::packed::Packed;
use crate::git::testing::Fixture;
use crate::path::RepoPath;
use crate::tree::{Mode, Node, ObjectId, Tree, TreeError};

/// Two commits with folders alike, in one pack.
fn packed() -> (Fixture, String) {
    let f = Fixture::init(&[]);
    f.write("in/a", "one\n".repeat(40)).write("in/b", "2").write("out/a", "3").write("out/b", "4").write("top", "5");
    f.commit("1");
    f.write("in/a", "one\n".repeat(39) + "two\n");
    let head = f.commit("2");
    f.git(&["repack", "-qad"]);
    f.git(&["prune-packed"]);
    (f, head)
}

/// The only file with an ending in the folder of packs.
fn pack_file(f: &Fixture, ending: &str) -> PathBuf {
    let files = fs::read_dir(f.top().join(".git/objects/pack")).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|end| end == ending)).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

/// How many objects the index of a pack lists.
fn count_in(index: &[u8]) -> usize {
    u32::from_be_bytes(index[1028..1032].try_into().unwrap()) as usize
}

fn replace(file: &PathBuf, bytes: &[u8]) {
    fs::remove_file(file).unwrap();
    fs::write(file, bytes).unwrap();
}

/// Every file of a commit with its bytes, or the first error.
fn everything(f: &Fixture, commit: &str) -> Result<Vec<(RepoPath, Vec<u8>)>, String> {
    let r = Repository::discover(f.top(), &f.environment()).map_err(|error| error.to_string())?;
    let tree = r.commit_tree(&r.resolve(commit).map_err(|error| error.to_string())?);
    files(&*tree).map_err(|error| error.to_string())
}

fn files(tree: &dyn Tree) -> Result<Vec<(RepoPath, Vec<u8>)>, TreeError> {
    let mut files = Vec::new();
    let mut pending = vec![(RepoPath::root(), tree.root())];
    while let Some((folder, id)) = pending.pop() {
        for entry in tree.folder(id)?.iter() {
            let path = folder.child(&entry.name);
            match entry.node {
                Node::Folder(id) => pending.push((path, id)),
                Node::Content(mode, id) => {
                    assert_eq!(mode, Mode::File);
                    files.push((path, tree.content(id)?.to_vec()));
                }
            }
        }
    }
    files.sort();
    Ok(files)
}

#[test]
fn case_45_a_flipped_bit_in_a_pack_is_an_error_or_changes_nothing() {
    let (f, head) = packed();
    let whole = everything(&f, &head).unwrap();
    assert_eq!(whole.len(), 5);
    let mut refused = 0;
    let mut check = |file: &PathBuf, bytes: &[u8], at: usize, bit: usize| {
        let mut broken = bytes.to_vec();
        broken[at] ^= 1 << bit;
        replace(file, &broken);
        match everything(&f, &head) {
            Ok(read) => assert_eq!(read, whole, "bit {bit} of byte {at} of {}", file.display()),
            Err(_) => refused += 1,
        }
        replace(file, bytes);
    };
    let pack = pack_file(&f, "pack");
    let packed = fs::read(&pack).unwrap();
    for at in 0..packed.len() {
        check(&pack, &packed, at, at % 8);
    }
    let index = pack_file(&f, "idx");
    let bytes = fs::read(&index).unwrap();
    // Ids, then checksums, then where each object begins.
    let offsets = 1032 + 24 * count_in(&bytes);
    for at in (1032..offsets).step_by(5) {
        check(&index, &bytes, at, at % 8);
    }
    // Within the pack: libgit2 reads whatever lies beyond its end.
    for at in (offsets..offsets + 4 * count_in(&bytes)).step_by(4) {
        let offset = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        for bit in (0..16).filter(|bit| ((offset ^ (1 << bit)) as usize) < packed.len() - 20) {
            check(&index, &bytes, at + 3 - bit / 8, bit % 8);
        }
    }
    assert!(refused > 100, "only {refused} flips were noticed");
    assert_eq!(everything(&f, &head).unwrap(), whole);
}

#[test]
fn case_45_a_pack_index_that_leads_to_another_object_is_noticed() {
    let (f, head) = packed();
    let file = pack_file(&f, "idx");
    let mut bytes = fs::read(&file).unwrap();
    let count = count_in(&bytes);
    let place_of = |revision: &str| {
        let hex = f.git(&["rev-parse", revision]);
        let id = crate::tree::ObjectId::from_hex(&hex).unwrap();
        let at = (0..count).find(|at| &bytes[1032 + 20 * at..1052 + 20 * at] == id.as_bytes()).unwrap();
        1032 + 24 * count + 4 * at
    };
    // Each of the two is a whole folder; only its id tells that it is not the one that was asked for.
    let (one, other) = (place_of("HEAD:in"), place_of("HEAD:out"));
    for byte in 0..4 {
        bytes.swap(one + byte, other + byte);
    }
    replace(&file, &bytes);
    let error = everything(&f, &head).unwrap_err();
    assert!(error.contains("its content has another id"), "{error}");
}

#[test]
fn loose_objects_beside_a_pack_are_found_after_others_were_missed() {
    let (f, _) = packed();
    // With enough of them, every one of the 256 folders is there and is missed more than once.
    for number in 0..600 {
        f.write(&format!("many/{number}"), format!("{number}"));
    }
    let head = f.commit("3");
    let with_loose = everything(&f, &head).unwrap();
    assert_eq!(with_loose.len(), 605);
    let r = Repository::discover(f.top(), &f.environment()).unwrap();
    let commit = r.resolve(&head).unwrap();
    assert_eq!(files(&*r.commit_tree(&commit)).unwrap(), with_loose);
    // Written after the folders were listed.
    f.write("later", "6");
    let later = f.commit("4");
    let commit = r.resolve(&later).unwrap();
    assert_eq!(files(&*r.commit_tree(&commit)).unwrap().len(), 606);
    // And packed after they were listed.
    f.write("latest", "7");
    let latest = f.commit("5");
    f.git(&["repack", "-qad"]);
    f.git(&["prune-packed"]);
    let commit = r.resolve(&latest).unwrap();
    assert_eq!(files(&*r.commit_tree(&commit)).unwrap().len(), 607);
}

#[test]
fn every_object_of_a_pack_is_read_without_libgit2() {
    let f = Fixture::init(&[]);
    for round in 0..3 {
        for number in 0..300 {
            f.write(&format!("{}/{number}", number % 7), format!("{number}\n").repeat(40) + &round.to_string());
        }
        f.write("large", (0..20_000 + round).map(|line| format!("{}\n", line * line)).collect::<String>());
        f.commit(&round.to_string());
    }
    // A delta names its base by where it stands, or by its id.
    for by_offset in ["true", "false"] {
        f.git(&["-c", &format!("repack.useDeltaBaseOffset={by_offset}"), "repack", "-qadf"]);
        f.git(&["prune-packed"]);
        let listed =
            f.git(&["cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objecttype) %(deltabase)"]);
        let packed = Packed::new([f.top().join(".git/objects")]);
        let mut deltas = 0;
        for line in listed.lines() {
            let [id, kind, base] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
            let (found, _) = packed.object(ObjectId::from_hex(id).unwrap()).unwrap();
            assert_eq!(found.name(), kind, "{id}");
            deltas += usize::from(base.bytes().any(|digit| digit != b'0'));
        }
        let count = listed.lines().count();
        assert!(count > 900 && deltas > 100, "{deltas} of {count}");
        for byte in 0..=255 {
            assert!(packed.object(ObjectId::from_bytes(&[byte; 20]).unwrap()).is_none());
        }
    }
}
