//! A range of two commits with very many changed paths: every file but the manifests differs. Nothing is checked out.

use std::io;
use std::path::Path;

use super::stream::{Planted, Stream};

/// How many files lie in one folder, and in one package.
const IN_FOLDER: usize = 100;
const IN_PACKAGE: usize = 1_000;
/// Some contents, so that neighbouring files differ.
const CONTENTS: usize = 64;

/// Creates the repository, with branches `base` and `head`, in a folder that is not there yet.
pub fn plant(folder: &Path, count: usize) -> io::Result<Planted> {
    let mut stream = Stream::create(folder, "head")?;
    for mark in 1..=2 * CONTENTS {
        stream.content(mark, &format!("export const value = {mark};\n"))?;
    }
    stream.commit("base", None)?;
    for package in 0..count.div_ceil(IN_PACKAGE) {
        let name = format!("package-{package:05}");
        let manifest = format!(
            "{{\n  \"name\": \"{name}\",\n  \"version\": \"1.0.0\",\n  \"scripts\": {{ \"build\": \"tsc\" }}\n}}\n"
        );
        stream.file(&format!("packages/{name}/package.json"), &manifest)?;
    }
    write(&mut stream, count, 1)?;
    let files = stream.files;
    stream.commit("head", Some("base"))?;
    write(&mut stream, count, 1 + CONTENTS)?;
    stream.finish()?;
    Ok(Planted { files })
}

fn write(stream: &mut Stream, count: usize, first_mark: usize) -> io::Result<()> {
    for at in 0..count {
        let (package, within) = (at / IN_PACKAGE, at / IN_FOLDER % (IN_PACKAGE / IN_FOLDER));
        // The number of the package is part of the name, as folders that are equal would be one folder to git.
        let path = format!("packages/package-{package:05}/src/part-{within}/file-{at:07}.ts");
        stream.marked_file(&path, first_mark + at % CONTENTS)?;
    }
    Ok(())
}
