//! The command line: arguments in, an exit code out.

use std::process::ExitCode;

use clap::Parser;
use knockon::cli::{Arguments, Surroundings, run};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let surroundings = Surroundings { variables: std::env::vars_os().collect() };
    ExitCode::from(run(&arguments, &surroundings).code())
}
