//! Every reader of manifests: the first byte chooses a file name, the second where the file lies, the rest is the file.

#![no_main]

use knockon::discover::fuzzing::read;
use knockon_fuzz::{Known, NAMES, around};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [name, place, bytes @ ..] = data else { return };
    let name = NAMES[usize::from(*name) % NAMES.len()];
    let once = read(name.as_bytes(), bytes);
    assert!(!once.is_empty() || name == "knockon.toml", "{name} is not read");
    assert_eq!(once, read(name.as_bytes(), bytes), "another reading says something else");
    for written in once.iter().filter_map(|(_, facts)| facts.as_ref().ok()) {
        assert_eq!(written.facts, written.again, "facts do not survive being kept");
    }
    Known::new(around(name, *place, bytes)).check();
});
