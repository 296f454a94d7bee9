//! Crates of one Cargo workspace.

use std::fmt::Write as _;
use std::io;

use super::monorepo::{Language, Monorepo, Package};
use super::source::Syntax;
use super::stream::Stream;

/// Writes the workspace's manifest and lockfile.
pub fn write_root(monorepo: &Monorepo, stream: &mut Stream) -> io::Result<()> {
    let crates = || monorepo.packages().iter().filter(|package| package.language == Language::Rust);
    let mut manifest = String::from("[workspace]\nresolver = \"2\"\nmembers = [\n");
    for package in crates() {
        let _ = writeln!(manifest, "    \"{}\",", package.folder);
    }
    manifest.push_str("]\n");
    stream.file("Cargo.toml", &manifest)?;

    let mut names: Vec<_> = crates().collect();
    names.sort_by_key(|package| &package.id);
    let mut lockfile = String::from("version = 4\n");
    for package in names {
        let _ = write!(lockfile, "\n[[package]]\nname = \"{}\"\nversion = \"1.0.0\"\ndependencies = [\n", package.id);
        let mut needs: Vec<_> = monorepo.same_language(package).map(|on| &on.id).collect();
        needs.sort();
        for on in needs {
            let _ = writeln!(lockfile, " \"{on}\",");
        }
        lockfile.push_str("]\n");
    }
    stream.file("Cargo.lock", &lockfile)
}

/// Writes a package's `Cargo.toml` and the root of its library.
pub fn write(monorepo: &Monorepo, package: &Package, stream: &mut Stream) -> io::Result<Syntax> {
    let folder = &package.folder;
    let mut manifest =
        format!("[package]\nname = \"{}\"\nversion = \"1.0.0\"\nedition = \"2021\"\n\n[dependencies]\n", package.id);
    for on in monorepo.same_language(package) {
        let _ = writeln!(manifest, "{} = {{ path = \"../../../{}\" }}", on.id, on.folder);
    }
    stream.file(&format!("{folder}/Cargo.toml"), &manifest)?;
    stream.file(&format!("{folder}/src/lib.rs"), "//! A library.\n")?;
    Ok(Syntax::Rust)
}
