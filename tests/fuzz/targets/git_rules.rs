//! `.gitignore`, `.gitattributes` and git's patterns: the rules, an empty line, and the path that is asked for.

#![no_main]

use knockon::git::fuzzing::{attributes, is_ignored, matches};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let at = data.windows(2).position(|pair| pair == b"\n\n");
    let (rules, path) = at.map_or((data, &b"a/b"[..]), |at| (&data[..at], &data[at + 2..]));
    assert_eq!(attributes(rules, path), attributes(rules, path));
    let ignored = is_ignored(rules, path, false);
    assert!(!ignored || is_ignored(rules, path, true) || rules.contains(&b'!'), "a folder is ignored by more rules");
    for pattern in rules.split(|&b| b == b'\n').take(8) {
        let plain = !pattern.iter().any(|b| b"*?[\\/".contains(b));
        if plain {
            assert_eq!(matches(pattern, path), path.rsplit(|&b| b == b'/').next() == Some(pattern));
        }
        // Written byte by byte behind `\`, every path is a pattern of itself.
        let escaped: Vec<u8> = [b'/'].into_iter().chain(path.iter().flat_map(|&b| [b'\\', b])).collect();
        assert!(path.is_empty() || matches(&escaped, path), "a path does not match itself");
    }
});
