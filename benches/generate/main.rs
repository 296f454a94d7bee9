//! Makes a repository to measure on: `cargo bench --bench generate -- [SHAPE] FOLDER [COUNT]`.
//!
//! | shape | what | count of |
//! |---|---|---|
//! | `monorepo`, unless told | packages of several languages | packages |
//! | `chain-go`, `chain-node` | services, each of which depends on the one before it | services |
//! | `paths` | two commits between which every file differs | changed files |
//!
//! The same count gives the same commit ids everywhere. `git` has to be on the path.

mod repository;

use std::io;
use std::path::Path;
use std::process::ExitCode;

use repository::chain::{self, Manifest};
use repository::monorepo::Monorepo;
use repository::paths;

const USAGE: &str =
    "usage: generate [monorepo | chain-go | chain-node | paths] FOLDER [COUNT, 10 to 1000000; 1000 unless told]";

fn main() -> ExitCode {
    // `cargo bench` adds a flag of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (shape, rest) = match arguments.split_first() {
        Some((&shape @ ("monorepo" | "chain-go" | "chain-node" | "paths"), rest)) => (shape, rest),
        _ => ("monorepo", arguments.as_slice()),
    };
    let count = match rest.get(1).map(|text| text.parse()) {
        None => Some(1_000),
        Some(parsed) => parsed.ok(),
    };
    let (Some(folder), Some(count @ 10..=1_000_000), 1..=2) = (rest.first(), count, rest.len()) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match plant(shape, Path::new(folder), count) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn plant(shape: &str, folder: &Path, count: usize) -> io::Result<()> {
    let planted = match shape {
        "chain-go" => chain::plant(folder, count, Manifest::Go)?,
        "chain-node" => chain::plant(folder, count, Manifest::Node)?,
        "paths" => paths::plant(folder, count)?,
        _ => {
            let monorepo = Monorepo::new(count);
            let planted = monorepo.plant(folder)?;
            println!("edges={}", monorepo.edges());
            println!("leaf={}", monorepo.leaf().folder);
            println!("core={}", monorepo.core().folder);
            planted
        }
    };
    println!("count={count}");
    println!("files={}", planted.files);
    Ok(())
}
