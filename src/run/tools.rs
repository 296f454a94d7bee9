//! Which programs would run a task, so that the result of one compiler is not taken for that of the next.
//!
//! Nothing is asked for its version, as that would take longer than most results take to restore: a program is told from
//! its successor by where it lies, how long it is and when it was installed. So results are not shared by machines this
//! way, and a manager that puts one and the same small program before many versions (asdf, pyenv, volta) hides which one
//! runs, unless a file of the repository says so, which then is an input. What rustup puts there is looked behind.

use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::fingerprint::Fingerprint;
use crate::store::ResultKey;

/// The programs that a tool needs besides itself.
const ALSO: [(&str, &[&str]); 15] = [
    ("cargo", &["rustc", "cc"]),
    ("npm", &["node"]),
    ("pnpm", &["node"]),
    ("yarn", &["node"]),
    ("mvn", &["java", "javac"]),
    ("gradle", &["java", "javac"]),
    ("python", &["python3"]),
    ("uv", &["python3"]),
    ("poetry", &["python3"]),
    ("pdm", &["python3"]),
    ("pipenv", &["python3"]),
    ("cmake", &["cc", "c++", "make", "ninja"]),
    ("make", &["cc", "c++"]),
    ("mix", &["elixir", "erl"]),
    ("composer", &["php"]),
];

/// What the keys of results are derived in.
const CONTEXT: &str = "knockon 2026-11 result key v1";

/// The programs of this machine.
pub struct Tools<'a> {
    variables: &'a BTreeMap<OsString, OsString>,
    known: HashMap<String, [u8; 32]>,
}

impl<'a> Tools<'a> {
    /// The programs that these variables lead to.
    pub fn new(variables: &'a BTreeMap<OsString, OsString>) -> Self {
        Self { variables, known: HashMap::new() }
    }

    /// What the result of a task with a fingerprint is kept under, if these tools run it on this machine.
    pub(super) fn key(&mut self, fingerprint: Fingerprint, tools: &[String]) -> ResultKey {
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        hasher.update(fingerprint.as_bytes());
        for platform in [std::env::consts::OS, std::env::consts::ARCH] {
            hasher.update(&(platform.len() as u64).to_le_bytes()).update(platform.as_bytes());
        }
        for tool in tools {
            hasher.update(&self.digest(tool));
        }
        ResultKey(*hasher.finalize().as_bytes())
    }

    fn digest(&mut self, tool: &str) -> [u8; 32] {
        if let Some(known) = self.known.get(tool) {
            return *known;
        }
        let mut hasher = blake3::Hasher::new();
        let also = ALSO.iter().find(|(name, _)| *name == tool).map_or(&[][..], |(_, also)| also);
        for program in std::iter::once(&tool).chain(also) {
            hasher.update(&(program.len() as u64).to_le_bytes()).update(program.as_bytes());
            for file in self.files_of(program) {
                identify(&file, &mut hasher);
            }
        }
        let digest = *hasher.finalize().as_bytes();
        self.known.insert(tool.to_owned(), digest);
        digest
    }

    /// The files by which a program is told from others of its name.
    fn files_of(&self, program: &str) -> Vec<PathBuf> {
        let java = self.variables.get(OsStr::new("JAVA_HOME")).filter(|_| program.starts_with("java"));
        let java = java.map(|home| Path::new(home).join("bin"));
        let path = self.variables.get(OsStr::new("PATH")).map(OsString::as_os_str).unwrap_or_default();
        let folders = java.into_iter().chain(std::env::split_paths(path)).filter(|folder| folder.is_absolute());
        let found = folders.map(|folder| folder.join(program)).find_map(|file| fs::canonicalize(file).ok());
        let Some(found) = found else { return Vec::new() };
        let mut files = vec![found];
        if files[0].file_name() == Some(OsStr::new("rustup")) {
            let home = self.variables.get(OsStr::new("RUSTUP_HOME")).map(PathBuf::from);
            let home = home.or_else(|| Some(Path::new(self.variables.get(OsStr::new("HOME"))?).join(".rustup")));
            let home = home.unwrap_or_default();
            files.push(home.join("settings.toml"));
            let updates = fs::read_dir(home.join("update-hashes")).into_iter().flatten();
            let mut updates: Vec<PathBuf> = updates.filter_map(|entry| Some(entry.ok()?.path())).collect();
            updates.sort();
            files.extend(updates);
        }
        files
    }
}

fn identify(file: &Path, hasher: &mut blake3::Hasher) {
    let name = file.as_os_str().as_bytes();
    hasher.update(&(name.len() as u64).to_le_bytes()).update(name);
    if let Ok(metadata) = fs::metadata(file) {
        for number in [metadata.len(), metadata.mtime().cast_unsigned(), metadata.mtime_nsec().cast_unsigned()] {
            hasher.update(&number.to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_74_another_program_of_the_name_gives_another_key_and_others_do_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("npm", "one");
        write("node", "one");
        let variables = BTreeMap::from([(OsString::from("PATH"), folder.path().as_os_str().to_owned())]);
        let key = |tools: &[&str]| {
            let tools: Vec<String> = tools.iter().map(|tool| (*tool).to_owned()).collect();
            Tools::new(&variables).key(Fingerprint::from_bytes([1; 32]), &tools)
        };
        let (npm, none, other) = (key(&["npm"]), key(&[]), key(&["cargo"]));
        assert!(npm != none && npm != other && none != other);
        write("gradle", "one");
        assert_eq!(key(&["npm"]), npm);
        write("node", "longer");
        assert_ne!(key(&["npm"]), npm);
        assert_eq!((key(&[]), key(&["cargo"])), (none, other));
        assert_ne!(Tools::new(&variables).key(Fingerprint::from_bytes([2; 32]), &[]), none);
    }

    #[test]
    fn case_74_behind_rustup_its_toolchains_count() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        fs::create_dir_all(place("home/update-hashes")).unwrap();
        fs::write(place("rustup"), "").unwrap();
        std::os::unix::fs::symlink("rustup", place("cargo")).unwrap();
        fs::write(place("home/update-hashes/stable"), "1").unwrap();
        let variables = BTreeMap::from(
            [("PATH", folder.path().to_owned()), ("RUSTUP_HOME", place("home"))]
                .map(|(name, value)| (OsString::from(name), value.into_os_string())),
        );
        let key = || Tools::new(&variables).key(Fingerprint::from_bytes([1; 32]), &["cargo".to_owned()]);
        let before = key();
        assert_eq!(key(), before);
        fs::write(place("home/update-hashes/stable"), "22").unwrap();
        assert_ne!(key(), before);
    }
}
