//! What an action made and printed, on its way here.
//!
//! It is laid out in a folder where nothing else is, so that no path can lead out of it: folders and files first, and
//! symbolic links when nothing is written any more. What of it are outputs, and whether links lead out of the work tree,
//! is looked at when it is taken from there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use prost::Message as _;

use super::api;
use crate::path::RepoPath;
use crate::run::spool::Spool;
use crate::run::work::Errand;
use crate::store::RemoteError;
use crate::store::reapi::{Client, Digest, room_for};

/// More files and folders than this are not taken, nor more bytes, nor deeper folders.
const MOST_ENTRIES: usize = 1_000_000;
const MOST_BYTES: u64 = 16 << 30;
const DEEPEST: usize = 128;
/// What names the files of a folder may have so many bytes.
const LONGEST_TREE: u64 = 64 << 20;

/// What an action made, as it is named.
#[derive(Default)]
struct Made {
    folders: BTreeSet<RepoPath>,
    files: BTreeMap<RepoPath, (Digest, bool)>,
    links: BTreeMap<RepoPath, String>,
}

/// Lays out what an action made.
pub(super) async fn fetch(client: &Client, result: &api::ActionResult, landing: &Path) -> Result<(), RemoteError> {
    let mut made = Made::default();
    for file in &result.output_files {
        made.files.insert(path(&file.path)?, (Digest::read(file.digest.as_ref())?, file.is_executable));
    }
    #[expect(deprecated, reason = "older servers name links there")]
    let links = [&result.output_symlinks, &result.output_file_symlinks, &result.output_directory_symlinks];
    for link in links.into_iter().flatten() {
        made.links.insert(path(&link.path)?, link.target.clone());
    }
    for directory in &result.output_directories {
        let digest = Digest::read(directory.tree_digest.as_ref())?;
        if digest.length > LONGEST_TREE {
            return Err(too_much());
        }
        let mut bytes = Vec::new();
        client.read(&digest, &mut bytes).await?;
        let tree = api::Tree::decode(&bytes[..]).map_err(|_| wrong("a folder that cannot be read"))?;
        made.folder(path(&directory.path)?, tree)?;
    }
    let bytes = made.files.values().try_fold(0_u64, |sum, (digest, _)| sum.checked_add(digest.length));
    if made.entries() > MOST_ENTRIES || bytes.is_none_or(|bytes| bytes > MOST_BYTES) {
        return Err(too_much());
    }
    made.lay_out(client, landing).await
}

impl Made {
    fn entries(&self) -> usize {
        self.folders.len() + self.files.len() + self.links.len()
    }

    /// Adds a folder with all below it. A folder may be named by many, so that what is counted is what would be made.
    fn folder(&mut self, top: RepoPath, tree: api::Tree) -> Result<(), RemoteError> {
        let child = |directory: &api::Directory| Digest::of(&directory.encode_to_vec());
        let children: BTreeMap<Digest, &api::Directory> =
            tree.children.iter().map(|directory| (child(directory), directory)).collect();
        let root = tree.root.as_ref().ok_or_else(|| wrong("a folder without a root"))?;
        let mut pending = vec![(top, root, 0)];
        while let Some((at, directory, depth)) = pending.pop() {
            if depth > DEEPEST || self.entries() + pending.len() > MOST_ENTRIES {
                return Err(too_much());
            }
            for file in &directory.files {
                let digest = Digest::read(file.digest.as_ref())?;
                self.files.insert(below(&at, &file.name)?, (digest, file.is_executable));
            }
            for link in &directory.symlinks {
                self.links.insert(below(&at, &link.name)?, link.target.clone());
            }
            for node in &directory.directories {
                let digest = Digest::read(node.digest.as_ref())?;
                let found = children.get(&digest).copied();
                let found = found.ok_or_else(|| wrong("a folder that names one which is not there"))?;
                pending.push((below(&at, &node.name)?, found, depth + 1));
            }
            self.folders.insert(at);
        }
        Ok(())
    }

    async fn lay_out(self, client: &Client, landing: &Path) -> Result<(), RemoteError> {
        let place = |path: &RepoPath| landing.join(Path::new(std::ffi::OsStr::from_bytes(path.as_bytes())));
        for path in &self.folders {
            fs::create_dir_all(place(path))?;
        }
        let mut wanted: BTreeMap<Digest, Vec<(PathBuf, bool)>> = BTreeMap::new();
        for (path, (digest, is_executable)) in &self.files {
            wanted.entry(*digest).or_default().push((place(path), *is_executable));
        }
        let batch = client.capabilities().await?.batch;
        let (mut together, mut taken) = (Vec::new(), 0);
        for (digest, places) in &wanted {
            match room_for(digest, batch) {
                _ if digest.length == 0 => write_all(places, &[])?,
                Some(room) => {
                    if taken + room > batch {
                        take_together(client, &std::mem::take(&mut together), &wanted).await?;
                        taken = 0;
                    }
                    together.push(*digest);
                    taken += room;
                }
                None => {
                    let Some(((first, is_executable), others)) = places.split_first() else { continue };
                    client.read(digest, &mut create(first, *is_executable)?).await?;
                    for (other, is_executable) in others {
                        io::copy(&mut fs::File::open(first)?, &mut create(other, *is_executable)?)?;
                    }
                }
            }
        }
        if !together.is_empty() {
            take_together(client, &together, &wanted).await?;
        }
        for (path, target) in &self.links {
            let place = place(path);
            place.parent().map_or(Ok(()), fs::create_dir_all)?;
            std::os::unix::fs::symlink(target, place)?;
        }
        Ok(())
    }
}

async fn take_together(
    client: &Client,
    digests: &[Digest],
    wanted: &BTreeMap<Digest, Vec<(PathBuf, bool)>>,
) -> Result<(), RemoteError> {
    for (digest, bytes) in client.read_batch(digests).await? {
        wanted.get(&digest).map_or(Ok(()), |places| write_all(places, &bytes))?;
    }
    Ok(())
}

fn write_all(places: &[(PathBuf, bool)], bytes: &[u8]) -> io::Result<()> {
    places.iter().try_for_each(|(place, is_executable)| create(place, *is_executable)?.write_all(bytes))
}

fn create(place: &Path, is_executable: bool) -> io::Result<fs::File> {
    place.parent().map_or(Ok(()), fs::create_dir_all)?;
    let mode = if is_executable { 0o755 } else { 0o644 };
    OpenOptions::new().write(true).create_new(true).mode(mode).open(place)
}

/// Writes down what an action printed: first what it said, then what it complained of, as nobody knows the order.
pub(super) async fn print(client: &Client, result: &api::ActionResult, errand: &Errand<'_>) -> Result<(), RemoteError> {
    let mut spool = Spool::create(errand.spool, errand.most_printed)?;
    let printed = [(&result.stdout_raw, &result.stdout_digest), (&result.stderr_raw, &result.stderr_digest)];
    for (raw, digest) in printed {
        match digest.as_ref().map(|digest| Digest::read(Some(digest))).transpose()? {
            Some(digest) if raw.is_empty() && digest.length > errand.most_printed => {
                spool.take(format!("[{} bytes that it printed are not fetched]\n", digest.length).as_bytes());
            }
            Some(digest) if raw.is_empty() && digest.length > 0 => {
                client.read(&digest, &mut Printing { spool: &mut spool, errand }).await?;
            }
            _ => Printing { spool: &mut spool, errand }.write_all(raw)?,
        }
    }
    spool.finish();
    Ok(())
}

struct Printing<'a> {
    spool: &'a mut Spool,
    errand: &'a Errand<'a>,
}

impl Write for Printing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.spool.take(bytes);
        (self.errand.on_output)(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn path(text: &str) -> Result<RepoPath, RemoteError> {
    RepoPath::from_git(text.as_bytes()).ok().filter(|path| !path.is_root()).ok_or_else(|| wrong("a path that is none"))
}

fn below(folder: &RepoPath, name: &str) -> Result<RepoPath, RemoteError> {
    let path = path(name)?;
    if path.segments().count() == 1 { Ok(folder.join(&path)) } else { Err(wrong("a name that is none")) }
}

fn wrong(what: &str) -> RemoteError {
    RemoteError::Wrong(format!("an action made {what}"))
}

fn too_much() -> RemoteError {
    RemoteError::Wrong("an action made more than anybody takes".to_owned())
}
