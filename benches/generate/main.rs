//! Makes a repository to measure on: `cargo bench --bench generate -- FOLDER [PACKAGES]`.
//!
//! The same number of packages gives the same commit ids everywhere. `git` has to be on the path.

mod monorepo;

use std::path::Path;
use std::process::ExitCode;

use monorepo::Monorepo;

const PACKAGES: usize = 1_000;

fn main() -> ExitCode {
    // `cargo bench` adds a flag of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let packages = match arguments.get(1).map(|text| text.parse()) {
        None => Some(PACKAGES),
        Some(parsed) => parsed.ok(),
    };
    let (Some(folder), Some(packages @ 10..), 1..=2) = (arguments.first(), packages, arguments.len()) else {
        eprintln!("usage: generate FOLDER [PACKAGES, at least 10]");
        return ExitCode::from(2);
    };
    let monorepo = Monorepo::new(packages);
    match monorepo.plant(Path::new(folder)) {
        Ok(planted) => {
            println!("packages={packages}");
            println!("files={}", planted.files);
            println!("edges={}", monorepo.edges());
            println!("leaf={}", monorepo.leaf());
            println!("core={}", monorepo.core());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
