//! The command line: arguments in, an exit code out.

use std::process::ExitCode;

use clap::Parser;
use knockon::cli::{Arguments, Surroundings, run};
use mimalloc::MiMalloc;

/// An answer is made of very many small pieces that live until its end. The system's allocator spends about a fifth of
/// a first run on them, and half of that again in the kernel, which it asks for a little at a time.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let surroundings =
        Surroundings { variables: std::env::vars_os().collect(), executable: std::env::current_exe().ok() };
    ExitCode::from(run(&arguments, &surroundings).code())
}
