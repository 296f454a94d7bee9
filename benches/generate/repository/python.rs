//! Python projects that install their neighbours from folders.

use std::fmt::Write as _;
use std::io;

use super::monorepo::{Monorepo, Package};
use super::source::Syntax;
use super::stream::Stream;

/// Writes a package's `pyproject.toml` and the first file of its module.
pub fn write(monorepo: &Monorepo, package: &Package, stream: &mut Stream) -> io::Result<Syntax> {
    let folder = &package.folder;
    let mut manifest =
        format!("[project]\nname = \"{}\"\nversion = \"1.0.0\"\nrequires-python = \">=3.11\"\n", package.id);
    let names: Vec<String> = monorepo.same_language(package).map(|on| format!("\"{}\"", on.id)).collect();
    let _ = write!(manifest, "dependencies = [{}]\n\n[tool.uv.sources]\n", names.join(", "));
    for on in monorepo.same_language(package) {
        let _ = writeln!(manifest, "{} = {{ path = \"../../../{}\", editable = true }}", on.id, on.folder);
    }
    manifest.push_str("\n[build-system]\nrequires = [\"hatchling\"]\nbuild-backend = \"hatchling.build\"\n");
    stream.file(&format!("{folder}/pyproject.toml"), &manifest)?;
    stream.file(&format!("{folder}/src/__init__.py"), "\"\"\"A library.\"\"\"\n")?;
    Ok(Syntax::Python)
}
