//! Go modules that replace their neighbours by folders.

use std::fmt::Write as _;
use std::io;

use super::monorepo::{Monorepo, Package};
use super::source::Syntax;
use super::stream::Stream;

/// Writes a package's `go.mod` and its first file.
pub fn write(monorepo: &Monorepo, package: &Package, stream: &mut Stream) -> io::Result<Syntax> {
    let folder = &package.folder;
    let mut manifest = format!("module {}\n\ngo 1.22\n\nrequire (\n", module(package));
    for on in monorepo.same_language(package) {
        let _ = writeln!(manifest, "\t{} v0.0.0", module(on));
    }
    manifest.push_str(")\n\n");
    let mut first = String::from("package part\n\nimport (\n");
    for on in monorepo.same_language(package) {
        let _ = writeln!(manifest, "replace {} => ../../../{}", module(on), on.folder);
        let _ = writeln!(first, "\t_ \"{}/src\"", module(on));
    }
    first.push_str(")\n");
    stream.file(&format!("{folder}/go.mod"), &manifest)?;
    stream.file(&format!("{folder}/src/part.go"), &first)?;
    Ok(Syntax::Go)
}

fn module(package: &Package) -> String {
    format!("acme.example/{}", package.id)
}
