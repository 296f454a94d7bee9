//! The readers of loose objects, folders, commits and tags. The first byte chooses.

#![no_main]

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use knockon::git::fuzzing::{blob_id, commit, folder, folder_id, loose, subject, tagged};
use knockon::path::RepoPath;
use knockon::tree::{Entry, Node, ObjectId};
use knockon_fuzz::inside;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [which, bytes @ ..] = data else { return };
    match which % 4 {
        0 => check_folder(bytes, which & 0x80 != 0),
        1 => {
            assert_eq!(commit(bytes), commit(bytes));
            assert_eq!(tagged(bytes), tagged(bytes));
            assert!(!subject(bytes).contains(&b'\n'));
        }
        2 => assert!(loose(bytes, ObjectId::from([0; 32])).is_err(), "no content has this id"),
        _ => check_loose(bytes),
    }
});

fn check_folder(bytes: &[u8], sha256: bool) {
    let Ok(entries) = folder(bytes, sha256) else { return };
    assert!(entries.is_sorted_by(|a, b| a.name < b.name), "entries are out of order");
    let mut written = Vec::new();
    for Entry { name, node } in entries.iter() {
        inside(&RepoPath::root().child(name));
        let (bits, id) = match node {
            Node::Folder(id) => (0o040_000, id.0),
            Node::Content(mode, id) => (mode.bits(), id.0),
        };
        write!(written, "{bits:o} ").unwrap();
        written.extend_from_slice(name);
        written.push(0);
        written.extend_from_slice(id.as_bytes());
    }
    let again = folder(&written, sha256).unwrap();
    assert_eq!(again, entries);
    assert_eq!(folder_id(&again, sha256).unwrap(), folder_id(&entries, sha256).unwrap());
}

/// What is packed as git packs it is read as it was; packed under another length or cut, it is an error.
fn check_loose(content: &[u8]) {
    let id = blob_id(content).unwrap();
    for stated in [content.len(), content.len() + 1, content.len().wrapping_sub(1)] {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        write!(encoder, "blob {stated}\0").unwrap();
        encoder.write_all(content).unwrap();
        let file = encoder.finish().unwrap();
        let read = loose(&file, id);
        if stated == content.len() {
            assert_eq!(read.unwrap(), ("blob", content.to_vec()));
            assert!(loose(&file[..file.len() / 2], id).is_err(), "half of an object is none");
        } else {
            assert!(read.is_err(), "{stated} is not its length");
        }
    }
}
