//! The tables of edge cases and of faults say what is shown where; here they are held to that.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn the_table_has_every_case_and_names_tests_that_exist() {
    assert_every("docs/edge-cases.md", 100);
}

#[test]
fn the_table_has_every_fault_and_names_tests_that_exist() {
    assert_every("docs/faults.md", 25);
}

/// That a table has each number once, and that the tests exist that it names.
fn assert_every(file: &str, last: usize) {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = fs::read_to_string(top.join(file)).unwrap();
    let mut source = String::new();
    let mut pending: Vec<PathBuf> = vec![top.join("src"), top.join("tests/it")];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                source += &fs::read_to_string(path).unwrap();
            }
        }
    }
    let mut numbers = Vec::new();
    for row in table.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let Ok(number) = cells[1].parse::<usize>() else { continue };
        numbers.push(number);
        let (state, shown) = (cells[3], cells[4]);
        let tests: BTreeSet<&str> = shown.split('`').skip(1).step_by(2).collect();
        for test in &tests {
            assert!(source.contains(&format!("fn {test}(")), "{number}: there is no test {test}");
        }
        assert!(!tests.is_empty() || state.contains("waits for"), "{number}: nothing shows it");
    }
    assert_eq!(numbers, (1..=last).collect::<Vec<_>>());
}
