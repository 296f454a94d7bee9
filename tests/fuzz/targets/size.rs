//! What a large manifest costs: a part of a small one stands in it again and again, up to 100 kB. Bytes that choose its
//! name, its place and the part come first. What costs more than its length shows here.

#![no_main]

use knockon_fuzz::{Known, NAMES, around};
use libfuzzer_sys::fuzz_target;

const SIZE: usize = 100_000;

/// In nanoseconds of the processor, with all assertions on.
const MOST: u64 = 2_000_000_000;

fuzz_target!(|data: &[u8]| {
    let [name, place, from, length, numbered, bytes @ ..] = data else { return };
    let from = usize::from(*from).min(bytes.len());
    let end = (from + usize::from(*length)).min(bytes.len());
    let part = &bytes[from..end];
    if part.is_empty() {
        return;
    }
    let mut large = bytes[..from].to_vec();
    let mut number = 0u32;
    while large.len() + part.len() < SIZE {
        large.extend_from_slice(part);
        // Each time another: a name or a key may stand but once.
        if *numbered > 0 {
            let at = large.len() - part.len() + usize::from(*numbered).min(part.len());
            large.splice(at..at, number.to_string().into_bytes());
        }
        number += 1;
    }
    large.extend_from_slice(&bytes[end..]);
    let before = processor_time();
    Known::new(around(NAMES[usize::from(*name) % NAMES.len()], *place, &large));
    let spent = processor_time() - before;
    assert!(spent < MOST, "{} ms for {}", spent / 1_000_000, String::from_utf8_lossy(part));
});

/// The nanoseconds that this thread has run.
fn processor_time() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}
