//! What tells a program from another of its name: the digest of its bytes, the same on every machine that has it.
//!
//! To digest a compiler takes longer than to restore most results, so digests are remembered, each with all that the file
//! system says of the file. Its time of change is among that, which nobody sets: a program that was patched and given its
//! old length and time is read again.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::codec::{Damaged, Reader, Writer};
use crate::store::Memo;

/// The kind and the name of what the memo holds.
const KIND: &str = "programs";
const NAME: &str = "digests";

/// A program that is shorter than this is a script or starts what lies in a library: its own bytes say little.
const LAUNCHER: u64 = 128 * 1024;

/// So many digests are remembered at most.
const MOST: usize = 256;

/// A file that changed as lately as this may change again and look the same.
const YOUNG: Duration = Duration::from_secs(2);

type Digest = [u8; 32];

/// What the file system says of a file: whatever is written to it, one of these is another afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look([u64; 7]);

impl Look {
    fn of(metadata: &Metadata) -> Self {
        let times = [metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec()];
        let [modified, modified_part, changed, changed_part] = times.map(i64::cast_unsigned);
        Self([metadata.dev(), metadata.ino(), metadata.len(), modified, modified_part, changed, changed_part])
    }
}

/// Digests of programs.
#[derive(Debug, Default)]
pub(super) struct Programs {
    memo: Option<Memo>,
    known: BTreeMap<PathBuf, (Look, Digest)>,
    has_news: bool,
}

impl Programs {
    /// The digests that are remembered.
    pub(super) fn remembered(memo: Option<Memo>) -> Self {
        let item = memo.as_ref().and_then(|memo| memo.item(KIND, NAME)?.part(0));
        let known = item.and_then(|bytes| read(&bytes).ok()).unwrap_or_default();
        Self { memo, known, has_news: false }
    }

    /// Remembers the digests for the next run.
    pub(super) fn remember(&self) {
        let Some(memo) = self.memo.as_ref().filter(|_| self.has_news) else { return };
        let mut writer = Writer::default();
        writer.count(self.known.len());
        for (path, (look, digest)) in &self.known {
            writer.field(path.as_os_str().as_bytes());
            look.0.iter().for_each(|number| writer.number(*number));
            writer.bytes.extend_from_slice(digest);
        }
        // What is not remembered is digested again.
        let _ = memo.keep(KIND, NAME, |parts| {
            parts.begin()?;
            parts.write(&writer.bytes)
        });
    }

    /// Adds what tells a program from others. Two machines agree where the program is a whole one, or what it starts says
    /// of which version it is; of any other launcher it counts where it lies and when it was installed, too.
    pub(super) fn identify(&mut self, program: &Path, hasher: &mut blake3::Hasher) {
        let Some((metadata, digest)) = self.digest(program) else {
            field(hasher, b"unreadable");
            return;
        };
        field(hasher, &digest);
        if metadata.len() >= LAUNCHER {
            return;
        }
        match version_file(program).and_then(|file| self.digest(&file)) {
            Some((_, digest)) => field(hasher, &digest),
            None => {
                field(hasher, program.as_os_str().as_bytes());
                for number in [metadata.len(), metadata.mtime().cast_unsigned(), metadata.mtime_nsec().cast_unsigned()]
                {
                    hasher.update(&number.to_le_bytes());
                }
            }
        }
    }

    /// Adds the bytes of a file that says which program runs.
    pub(super) fn add_content(&mut self, file: &Path, hasher: &mut blake3::Hasher) {
        match self.digest(file) {
            Some((_, digest)) => field(hasher, &digest),
            None => field(hasher, b"unreadable"),
        }
    }

    fn digest(&mut self, path: &Path) -> Option<(Metadata, Digest)> {
        // A pipe would wait for a writer.
        let metadata = fs::metadata(path).ok().filter(Metadata::is_file)?;
        let look = Look::of(&metadata);
        if let Some((known, digest)) = self.known.get(path)
            && *known == look
        {
            return Some((metadata, *digest));
        }
        let file = File::open(path).ok()?;
        let digest = digest(&file).ok()?;
        let after = file.metadata().ok()?;
        if Look::of(&after) == look && !is_young(&after) {
            if self.known.len() >= MOST {
                self.known.clear();
            }
            self.known.insert(path.to_owned(), (look, digest));
            self.has_news = true;
        }
        Some((metadata, digest))
    }
}

fn read(bytes: &[u8]) -> Result<BTreeMap<PathBuf, (Look, Digest)>, Damaged> {
    let mut reader = Reader::new(bytes);
    let known = reader.list(|reader| {
        let path = PathBuf::from(OsStr::from_bytes(reader.field()?));
        let mut look = [0; 7];
        for number in &mut look {
            *number = reader.number()?;
        }
        let digest = reader.take(size_of::<Digest>())?.try_into().map_err(|_| Damaged)?;
        Ok((path, (Look(look), digest)))
    })?;
    reader.end()?;
    Ok(known.into_iter().collect())
}

fn field(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
}

fn digest(file: &File) -> io::Result<Digest> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file)?;
    Ok(*hasher.finalize().as_bytes())
}

/// A clock that stands before the time of change makes everything young.
fn is_young(metadata: &Metadata) -> bool {
    let changed = u64::try_from(metadata.ctime()).map(Duration::from_secs).unwrap_or_default();
    SystemTime::now().duration_since(UNIX_EPOCH + changed).map_or(true, |age| age < YOUNG)
}

/// A file beside a program that says of which version it is: `release` of a JDK, the manifest of a package of Node.
fn version_file(program: &Path) -> Option<PathBuf> {
    let folder = program.parent()?;
    if program.file_name().is_some_and(|name| name == "java" || name == "javac") {
        return Some(folder.parent()?.join("release")).filter(|file| file.is_file());
    }
    let inner = program.ancestors().skip(1).take_while(|above| above.file_name() != Some(OsStr::new("node_modules")));
    let inner: Vec<&Path> = inner.collect();
    let is_package = inner.last().is_some_and(|last| last.parent().is_some());
    inner.into_iter().filter(|_| is_package).map(|above| above.join("package.json")).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Self {
            let place = Self(tempfile::tempdir().unwrap());
            fs::create_dir(place.at("git")).unwrap();
            place
        }

        fn at(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn write(&self, name: &str, bytes: &[u8], age: u64) -> PathBuf {
            let file = self.at(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, bytes).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
            let time = SystemTime::now() - Duration::from_secs(age);
            File::options().append(true).open(&file).unwrap().set_modified(time).unwrap();
            file
        }

        fn identity(&self, program: &Path) -> blake3::Hash {
            let mut programs = Programs::remembered(Some(Memo::beside(&self.at("git"))));
            let mut hasher = blake3::Hasher::new();
            programs.identify(program, &mut hasher);
            programs.remember();
            hasher.finalize()
        }
    }

    #[test]
    fn case_74_a_whole_program_is_the_same_wherever_and_whenever_it_was_installed() {
        let place = Place::new();
        let bytes = vec![1; 200_000];
        let one = place.identity(&place.write("a/node", &bytes, 100));
        assert_eq!(place.identity(&place.write("b/node", &bytes, 7000)), one);
        let mut patched = bytes.clone();
        patched[150_000] = 2;
        assert_ne!(place.identity(&place.write("a/node", &patched, 100)), one);
    }

    #[test]
    fn case_74_a_launcher_is_told_by_its_version_or_by_its_place_and_time() {
        let place = Place::new();
        let script = b"#!/bin/sh\n";
        let one = place.identity(&place.write("a/mvn", script, 100));
        assert_ne!(place.identity(&place.write("b/mvn", script, 100)), one);
        assert_ne!(place.identity(&place.write("a/mvn", script, 500)), one);
        for (program, version) in [
            ("jdk/bin/java", "jdk/release"),
            ("lib/node_modules/npm/bin/npm-cli.js", "lib/node_modules/npm/package.json"),
            ("lib/node_modules/@scope/tool/bin/tool", "lib/node_modules/@scope/tool/package.json"),
        ] {
            let identity = |prefix: &str, says: &str, age| {
                place.write(&format!("{prefix}/{version}"), says.as_bytes(), age);
                place.identity(&place.write(&format!("{prefix}/{program}"), script, age))
            };
            let one = identity("a", "17.0.1", 100);
            assert_eq!(identity("b", "17.0.1", 7000), one, "{program}");
            assert_ne!(identity("b", "17.0.2", 7000), one, "{program}");
        }
    }

    #[test]
    fn case_74_a_digest_is_remembered_until_the_file_is_another() {
        let place = Place::new();
        let program = place.write("node", &vec![1; 200_000], 100);
        let known = || Programs::remembered(Some(Memo::beside(&place.at("git")))).known;
        // As young as that, it may change unseen.
        place.identity(&program);
        assert!(known().is_empty());
        let metadata = fs::metadata(&program).unwrap();
        let look = Look::of(&metadata);
        let programs = Programs {
            memo: Some(Memo::beside(&place.at("git"))),
            known: BTreeMap::from([(program.clone(), (look, [7; 32]))]),
            has_news: true,
        };
        programs.remember();
        assert_eq!(known(), programs.known);
        let remembered = place.identity(&program);
        // Other bytes, with the old length and time: the time of change tells.
        let file = File::options().write(true).open(&program).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, &[2; 10], 0).unwrap();
        file.set_modified(metadata.modified().unwrap()).unwrap();
        let after = fs::metadata(&program).unwrap();
        assert_eq!((after.len(), after.modified().unwrap()), (metadata.len(), metadata.modified().unwrap()));
        assert_ne!(place.identity(&program), remembered);
        // A memo that is damaged is none.
        assert!(read(&[5, 1, 2]).is_err() && read(&[0, 0]).is_err());
    }
}
