//! The reader of git's index file.

#![no_main]

use knockon::git::fuzzing::index;
use knockon_fuzz::inside;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let read = index(data);
    assert_eq!(read, index(data));
    let Ok((entries, _)) = read else { return };
    assert!(entries.is_sorted_by(|a, b| a < b), "entries are out of order");
    for (path, stage) in &entries {
        inside(path);
        assert!(!path.is_root() && *stage < 4);
    }
    // The checksum at the end is not looked at; a file that lacks any other byte is no index with fewer entries.
    if let Ok((fewer, _)) = index(&data[..data.len() - 1]) {
        assert_eq!(fewer, entries);
    }
});
