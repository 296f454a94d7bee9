//! A repository of several files, and a change to it: `== path` begins a file. Behind a line `====` stand files that
//! the head adds or replaces, and lines `-- path` for files that it lacks.

#![no_main]

use knockon::tree::MemoryTree;
use knockon_fuzz::Known;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let (before, edit) = text.split_once("\n====\n").unwrap_or((&text, ""));
    let gone: Vec<&str> = edit.lines().filter_map(|line| line.strip_prefix("-- ")).collect();
    let mut after = String::new();
    for file in before.split_inclusive('\n').collect::<Vec<_>>().chunk_by(|_, next| !next.starts_with("== ")) {
        let path = file[0].trim_start_matches("== ").trim_end();
        if !gone.contains(&path) {
            after.extend(file.iter().copied());
        }
    }
    if !after.ends_with('\n') {
        after.push('\n');
    }
    after.extend(edit.split_inclusive('\n').filter(|line| !line.starts_with("-- ")));

    let base = Known::new(MemoryTree::parse(before));
    base.check();
    let head = Known::new(MemoryTree::parse(&after));
    head.check_against(&base);
    base.check_against(&head);
});
