//! Which programs would run a task, so that the result of one compiler is not taken for that of the next.
//!
//! Nothing is asked for its version, as that would take longer than most results take to restore: `programs` tells a program
//! from others by its bytes. A manager that puts one and the same small program before many versions (asdf, pyenv, volta)
//! hides which one runs, unless a file of the repository says so, which then is an input. What rustup puts there is looked
//! behind.

use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::programs::Programs;
use crate::fingerprint::Fingerprint;
use crate::store::{Memo, ResultKey};

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
const CONTEXT: &str = "knockon 2026-11 result key v2";

/// The programs of this machine.
pub struct Tools<'a> {
    variables: &'a BTreeMap<OsString, OsString>,
    known: HashMap<String, [u8; 32]>,
    programs: Programs,
}

impl<'a> Tools<'a> {
    /// The programs that these variables lead to. What is found out of them is remembered in a memo, if there is one.
    pub fn new(variables: &'a BTreeMap<OsString, OsString>, memo: Option<Memo>) -> Self {
        Self { variables, known: HashMap::new(), programs: Programs::remembered(memo) }
    }

    /// Remembers what was found out.
    pub(super) fn remember(&self) {
        self.programs.remember();
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
            self.identify(program, &mut hasher);
        }
        let digest = *hasher.finalize().as_bytes();
        self.known.insert(tool.to_owned(), digest);
        digest
    }

    /// Adds what tells a program from others of its name.
    fn identify(&mut self, program: &str, hasher: &mut blake3::Hasher) {
        let Some(found) = self.find(program) else { return };
        self.programs.identify(&found, hasher);
        if found.file_name() != Some(OsStr::new("rustup")) {
            return;
        }
        let home = self.variables.get(OsStr::new("RUSTUP_HOME")).map(PathBuf::from);
        let home = home.or_else(|| Some(Path::new(self.variables.get(OsStr::new("HOME"))?).join(".rustup")));
        let home = home.unwrap_or_default();
        self.programs.add_content(&home.join("settings.toml"), hasher);
        let updates = fs::read_dir(home.join("update-hashes")).into_iter().flatten();
        let mut updates: Vec<PathBuf> = updates.filter_map(|entry| Some(entry.ok()?.path())).collect();
        updates.sort();
        for update in updates {
            let name = update.file_name().unwrap_or_default().as_bytes();
            hasher.update(&(name.len() as u64).to_le_bytes()).update(name);
            self.programs.add_content(&update, hasher);
        }
    }

    /// Where a program lies.
    fn find(&self, program: &str) -> Option<PathBuf> {
        let java = self.variables.get(OsStr::new("JAVA_HOME")).filter(|_| program.starts_with("java"));
        let java = java.map(|home| Path::new(home).join("bin"));
        let path = self.variables.get(OsStr::new("PATH")).map(OsString::as_os_str).unwrap_or_default();
        let folders = java.into_iter().chain(std::env::split_paths(path)).filter(|folder| folder.is_absolute());
        let is_program = |file: &PathBuf| {
            fs::metadata(file).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
        };
        folders.map(|folder| folder.join(program)).filter(is_program).find_map(|file| fs::canonicalize(file).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write_program(file: &Path, text: &str) {
        fs::write(file, text).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn case_74_another_program_of_the_name_gives_another_key_and_others_do_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| write_program(&folder.path().join(name), text);
        write("npm", "one");
        write("node", "one");
        let path = std::env::join_paths([folder.path().join("early"), folder.path().to_owned()]).unwrap();
        let variables = BTreeMap::from([(OsString::from("PATH"), path)]);
        let key = |tools: &[&str]| {
            let tools: Vec<String> = tools.iter().map(|tool| (*tool).to_owned()).collect();
            Tools::new(&variables, None).key(Fingerprint::from_bytes([1; 32]), &tools)
        };
        let (npm, none, other) = (key(&["npm"]), key(&[]), key(&["cargo"]));
        assert!(npm != none && npm != other && none != other);
        write("gradle", "one");
        // What cannot be run is passed by, and so is a folder.
        fs::create_dir_all(folder.path().join("early/node")).unwrap();
        assert_eq!(key(&["npm"]), npm);
        write("node", "longer");
        assert_ne!(key(&["npm"]), npm);
        assert_eq!((key(&[]), key(&["cargo"])), (none, other));
        assert_ne!(Tools::new(&variables, None).key(Fingerprint::from_bytes([2; 32]), &[]), none);
    }

    #[test]
    fn case_74_behind_rustup_its_toolchains_count() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        fs::create_dir_all(place("home/update-hashes")).unwrap();
        write_program(&place("rustup"), "");
        std::os::unix::fs::symlink("rustup", place("cargo")).unwrap();
        fs::write(place("home/update-hashes/stable"), "1").unwrap();
        let variables = BTreeMap::from(
            [("PATH", folder.path().to_owned()), ("RUSTUP_HOME", place("home"))]
                .map(|(name, value)| (OsString::from(name), value.into_os_string())),
        );
        let key = || Tools::new(&variables, None).key(Fingerprint::from_bytes([1; 32]), &["cargo".to_owned()]);
        let before = key();
        assert_eq!(key(), before);
        fs::write(place("home/update-hashes/stable"), "22").unwrap();
        assert_ne!(key(), before);
    }
}
