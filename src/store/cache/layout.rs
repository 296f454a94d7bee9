//! Where things lie in the folder of a cache:
//!
//! ```text
//! CACHEDIR.TAG     tells backups to pass by
//! results/ab/cd…   manifests, by the task's fingerprint
//! blobs/ab/cd…     bytes of files, by their digest
//! unfinished/      what somebody is writing now, a folder for each
//! damaged/         what was found not to be what its name says
//! collector        locked by whoever removes what is too much
//! ```

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::content::write;
use super::folder::{Folder, Kind};
use super::manifest::{Blob, LONGEST, Manifest, ResultKey};
use super::staging::Staging;

pub(super) const RESULTS: &str = "results";
pub(super) const BLOBS: &str = "blobs";
pub(super) const UNFINISHED: &str = "unfinished";
pub(super) const DAMAGED: &str = "damaged";
pub(super) const COLLECTOR: &str = "collector";

/// <https://bford.info/cachedir/>
const TAG: &[u8] =
    b"Signature: 8a477f597d28d172789f06886806bc55\n# What tasks made, kept by knockon. It can be removed.\n";

/// The folder of a cache, opened.
pub(super) struct Layout {
    pub(super) top: Folder,
    /// Whose manifests are believed.
    owner: u32,
}

/// What was found under a key.
pub(super) enum Lookup {
    Nothing,
    /// Something that cannot be believed, and is not there any more if it could be moved.
    Damaged,
    Result(Manifest),
}

impl Layout {
    /// Opens a cache that is there. Manifests are believed if they belong to the superuser or to the owner of `beside`.
    pub(super) fn open(folder: &Path, beside: &Path) -> io::Result<Self> {
        Ok(Self { top: Folder::top(folder)?, owner: Folder::top(beside)?.facts()?.owner })
    }

    /// Opens a cache, which is made if it is not there. What it lies beside is not made.
    pub(super) fn make(folder: &Path, beside: &Path) -> io::Result<Self> {
        if folder != beside && !beside.is_dir() {
            return Err(io::ErrorKind::NotFound.into());
        }
        std::fs::create_dir_all(folder)?;
        let layout = Self::open(folder, beside)?;
        for name in [RESULTS, BLOBS, UNFINISHED, DAMAGED] {
            layout.top.open_or_make(name.as_bytes())?;
        }
        if let Ok(mut tag) = layout.top.create(b"CACHEDIR.TAG", false) {
            write(&mut tag, TAG)?;
        }
        Ok(layout)
    }

    /// The manifest of a key. One that is damaged is moved out of the way.
    pub(super) fn result(&self, key: &ResultKey) -> io::Result<Lookup> {
        let name = result_name(key);
        let (mut file, facts) = match self.top.read(name.as_bytes()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Lookup::Nothing),
            opened => opened?,
        };
        if facts.owner != self.owner && facts.owner != 0 {
            // Anybody else could forge what it says. It is not ours to move.
            return Ok(Lookup::Damaged);
        }
        let mut bytes = Vec::new();
        if facts.length <= LONGEST {
            file.by_ref().take(LONGEST).read_to_end(&mut bytes)?;
        }
        match Manifest::decode(key, &bytes) {
            Ok(manifest) => Ok(Lookup::Result(manifest)),
            Err(_) => {
                self.quarantine(&name);
                Ok(Lookup::Damaged)
            }
        }
    }

    /// Says that a result is used, so that it is not among the first that go.
    pub(super) fn touch(&self, name: &str) {
        // In a cache that cannot be written nothing is removed either.
        let _ = self.top.touch(name.as_bytes());
    }

    /// Opens a blob that has its length.
    pub(super) fn blob(&self, blob: &Blob) -> io::Result<File> {
        let (file, facts) = self.top.read(blob_name(blob).as_bytes())?;
        match facts.length == blob.length {
            true => Ok(file),
            false => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// Whether there is a file with the name and the length of a blob. No bytes need no file.
    pub(super) fn has_blob(&self, blob: &Blob) -> bool {
        if blob.length == 0 {
            return true;
        }
        let facts = self.top.look(blob_name(blob).as_bytes());
        facts.is_ok_and(|facts| facts.kind == Kind::File && facts.length == blob.length)
    }

    /// Gives staged bytes the name of a blob. Whatever has it held the same bytes, or should have.
    pub(super) fn keep_blob(&self, staging: &Staging, staged: &str, blob: &Blob) -> io::Result<()> {
        self.with_shelf(&blob_name(blob), |name| staging.folder().replace(staged.as_bytes(), &self.top, name))
    }

    /// Gives a staged manifest its name, unless something has it.
    pub(super) fn keep_result(&self, staging: &Staging, staged: &str, key: &ResultKey) -> io::Result<()> {
        self.with_shelf(&result_name(key), |name| staging.folder().place(staged.as_bytes(), &self.top, name))
    }

    /// Does something with a name for which its folder must be there.
    fn with_shelf(&self, name: &str, act: impl Fn(&[u8]) -> io::Result<()>) -> io::Result<()> {
        match (act(name.as_bytes()), name.rsplit_once('/')) {
            (Err(error), Some((shelf, _))) if error.kind() == io::ErrorKind::NotFound => {
                self.top.open_or_make(shelf.as_bytes())?;
                act(name.as_bytes())
            }
            (done, _) => done,
        }
    }

    /// Moves something that is not what its name says to where nobody looks for it.
    pub(super) fn quarantine(&self, name: &str) {
        let aside = format!("{DAMAGED}/{}", name.replace('/', "-"));
        if self.top.replace(name.as_bytes(), &self.top, aside.as_bytes()).is_err() {
            // The other user of it may have moved it. In a cache that cannot be written it stays, and is found damaged again.
            let _ = self.top.remove(name.as_bytes());
        }
    }
}

/// The name of a manifest.
pub(super) fn result_name(key: &ResultKey) -> String {
    shelved(RESULTS, &key.to_string())
}

/// The name of a blob.
pub(super) fn blob_name(blob: &Blob) -> String {
    shelved(BLOBS, &ResultKey(blob.digest).to_string())
}

/// No folder holds more than a 256th of all.
fn shelved(folder: &str, digits: &str) -> String {
    let (shelf, rest) = digits.split_at_checked(2).unwrap_or(("", digits));
    format!("{folder}/{shelf}/{rest}")
}
