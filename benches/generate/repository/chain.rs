//! Services in one chain: each depends on the one before it. Small files, and nothing is checked out.
//!
//! Branch `core` changes the first service, which all others rest on, and branch `leaf` the last.

use std::io;
use std::path::Path;

use super::stream::{Planted, Stream};

/// By what the services depend on each other.
#[derive(Clone, Copy)]
pub enum Manifest {
    /// `replace` in `go.mod`.
    Go,
    /// `file:` in `package.json`.
    Node,
}

/// Creates the repository in a folder that is not there yet.
pub fn plant(folder: &Path, count: usize, manifest: Manifest) -> io::Result<Planted> {
    let mut stream = Stream::create(folder, "leaf")?;
    stream.commit("base", None)?;
    for at in 0..count {
        let (name, text) = written(at, manifest);
        stream.file(&format!("{}/{name}", place(at)), &text)?;
        stream.file(&source(at, manifest), "")?;
    }
    let files = stream.files;
    for (branch, at) in [("core", 0), ("leaf", count - 1)] {
        stream.commit(branch, Some("base"))?;
        stream.file(&source(at, manifest), "// changed\n")?;
    }
    stream.finish()?;
    Ok(Planted { files })
}

/// A hundred services lie in a folder, as nobody lists thousands.
fn place(at: usize) -> String {
    format!("services/{:04}/service-{at:06}", at / 100)
}

fn source(at: usize, manifest: Manifest) -> String {
    match manifest {
        Manifest::Go => format!("{}/main.go", place(at)),
        Manifest::Node => format!("{}/index.js", place(at)),
    }
}

fn written(at: usize, manifest: Manifest) -> (&'static str, String) {
    let below = at.checked_sub(1).map(|below| (format!("service-{below:06}"), format!("../../../{}", place(below))));
    match manifest {
        Manifest::Go => {
            let needs = below.map_or_else(String::new, |(name, folder)| {
                format!("\nrequire acme.example/{name} v0.0.0\n\nreplace acme.example/{name} => {folder}\n")
            });
            ("go.mod", format!("module acme.example/service-{at:06}\n\ngo 1.22\n{needs}"))
        }
        Manifest::Node => {
            let needs = below.map_or_else(String::new, |(name, folder)| format!("\"{name}\": \"file:{folder}\""));
            let text = format!(
                "{{\n  \"name\": \"service-{at:06}\",\n  \"version\": \"1.0.0\",\n  \"scripts\": {{ \"build\": \"node .\" }},\n  \
                 \"dependencies\": {{ {needs} }}\n}}\n"
            );
            ("package.json", text)
        }
    }
}
