//! Names the build by all that it is made from, so that what one build keeps is never taken for another's.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let mut files = BTreeSet::from([PathBuf::from("Cargo.toml"), PathBuf::from("build.rs")]);
    let lockfile = PathBuf::from("Cargo.lock");
    if lockfile.exists() {
        files.insert(lockfile);
    }
    collect(Path::new("src"), &mut files)?;
    let mut hasher = DefaultHasher::new();
    for variable in ["TARGET", "PROFILE", "DEBUG", "OPT_LEVEL"] {
        hasher.write(env::var(variable).unwrap_or_default().as_bytes());
        hasher.write_u8(0);
    }
    for file in &files {
        hasher.write(file.to_string_lossy().as_bytes());
        hasher.write_u8(0);
        hasher.write(&fs::read(file)?);
        println!("cargo::rerun-if-changed={}", file.display());
    }
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rustc-env=KNOCKON_BUILD={:016x}", hasher.finish());
    Ok(())
}

fn collect(folder: &Path, files: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.insert(path);
        }
    }
    Ok(())
}
