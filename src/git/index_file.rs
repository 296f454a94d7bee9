//! Reads git's index file, versions 2 to 4, with the extension that keeps the ids of folders.
//!
//! Own code, because libgit2 hashes the whole file before it looks at it, which git does not do, and copies every
//! entry several times.

use std::collections::HashMap;

use super::index::{CachedFolder, Flags, Index, IndexEntry};
use super::stat::Stat;
use crate::path::RepoPath;
use crate::tree::{ObjectId, TreeId};

/// The length of a SHA-1 id; an index of SHA-256 ids is read through git's plumbing.
const ID: usize = 20;
/// The fields of `lstat` before an entry's id.
const STAT: usize = 40;

/// Reads an index file; an error says what is wrong with it.
pub(super) fn read(file: &[u8]) -> Result<Index, String> {
    let cut = || "it is cut short".to_owned();
    let body = file.len().checked_sub(ID).map(|end| &file[..end]).ok_or_else(cut)?;
    let mut rest = body.strip_prefix(b"DIRC").ok_or("it does not begin as an index does")?;
    let version = number(&mut rest).ok_or_else(cut)?;
    if !(2..=4).contains(&version) {
        return Err(format!("its version {version} is unknown"));
    }
    let count = number(&mut rest).ok_or_else(cut)? as usize;
    // A crafted count must not ask for more memory than the file could fill.
    let mut entries: Vec<IndexEntry> = Vec::with_capacity(count.min(rest.len() / (STAT + ID)));
    let mut path = Vec::new();
    for _ in 0..count {
        let entry = entry(&mut rest, version, &mut path).ok_or_else(cut)??;
        if entries.last().is_some_and(|last| (&last.path, last.stage) >= (&entry.path, entry.stage)) {
            return Err(format!("its entries are out of order at `{}`", entry.path));
        }
        entries.push(entry);
    }
    let mut folders = HashMap::new();
    while !rest.is_empty() {
        let signature = take(&mut rest, 4).ok_or_else(cut)?;
        let length = number(&mut rest).ok_or_else(cut)? as usize;
        let data = take(&mut rest, length).ok_or_else(cut)?;
        if signature == b"TREE" {
            // It is a cache: one that cannot be read is none.
            folders = cached_folders(data).unwrap_or_default();
        } else if !signature[0].is_ascii_uppercase() {
            return Err(format!("it needs the extension `{}`, which is unknown", signature.escape_ascii()));
        }
    }
    Ok(Index { entries, folders })
}

fn take<'b>(rest: &mut &'b [u8], length: usize) -> Option<&'b [u8]> {
    let (taken, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(taken)
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    let (taken, after) = rest.split_first_chunk::<4>()?;
    *rest = after;
    Some(u32::from_be_bytes(*taken))
}

fn short(rest: &mut &[u8]) -> Option<u16> {
    let (taken, after) = rest.split_first_chunk::<2>()?;
    *rest = after;
    Some(u16::from_be_bytes(*taken))
}

/// Reads one entry. `path` holds the path of the one before; none where the file ends too early.
fn entry(rest: &mut &[u8], version: u32, path: &mut Vec<u8>) -> Option<Result<IndexEntry, String>> {
    let before = rest.len();
    let mut fields = take(rest, STAT)?;
    let mut field = || number(&mut fields);
    let mut time = || Some((i64::from(field()?.cast_signed()), field()?));
    let (changed, modified) = (time()?, time()?);
    let (_device, inode, bits, _user, _group, length) = (field()?, field()?, field()?, field()?, field()?, field()?);
    let id = ObjectId::from_bytes(take(rest, ID)?)?;
    let flags = short(rest)?;
    let extended = if version >= 3 && flags & 0x4000 != 0 { short(rest)? } else { 0 };
    if version == 4 {
        let stripped = variable_number(rest)?;
        path.truncate(path.len().checked_sub(stripped)?);
        path.extend_from_slice(until(rest, 0)?);
    } else {
        // The flags hold the length of a path that is not very long.
        let stated = usize::from(flags & 0xfff);
        let name = match stated {
            0xfff => until(rest, 0)?,
            _ if rest.get(stated) == Some(&0) => take(rest, stated + 1)?.split_last()?.1,
            _ => return Some(Err("the length of a path is wrong".to_owned())),
        };
        path.clear();
        path.extend_from_slice(name);
        // Zeros fill the entry up to a multiple of eight; the first of them is gone already.
        let filled = (before - rest.len()).next_multiple_of(8) - (before - rest.len());
        take(rest, filled)?;
    }
    let path = match RepoPath::from_git(path) {
        Ok(path) if path.is_root() => return Some(Err("an entry has no path".to_owned())),
        Ok(path) => path,
        Err(error) => return Some(Err(error.to_string())),
    };
    Some(Ok(IndexEntry {
        path,
        bits,
        id,
        stage: ((flags >> 12) & 3) as u8,
        flags: Flags {
            assume_unchanged: flags & 0x8000 != 0,
            skip_worktree: extended & 0x4000 != 0,
            intent_to_add: extended & 0x2000 != 0,
        },
        stat: Some(Stat { modified, changed, inode, length }),
    }))
}

/// Takes the bytes before the next `end`, and `end` with them.
fn until<'b>(rest: &mut &'b [u8], end: u8) -> Option<&'b [u8]> {
    let at = rest.iter().position(|&b| b == end)?;
    let taken = &rest[..at];
    *rest = &rest[at + 1..];
    Some(taken)
}

/// A number of seven bits a byte, each continued byte counting one more, as in packs.
fn variable_number(rest: &mut &[u8]) -> Option<usize> {
    let mut value = 0usize;
    loop {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        value = value.checked_mul(128)?.checked_add(usize::from(byte & 127))?;
        if byte & 128 == 0 {
            return Some(value);
        }
        value = value.checked_add(1)?;
    }
}

/// Reads the extension `TREE`: folders, each before those in it. A count below zero marks one that has changed since.
fn cached_folders(mut data: &[u8]) -> Option<HashMap<Box<[u8]>, CachedFolder>> {
    let mut folders = HashMap::new();
    // The folders around, each with how many of its own are still to come.
    let mut around: Vec<(Vec<u8>, usize)> = Vec::new();
    while !data.is_empty() {
        let name = until(&mut data, 0)?;
        let mut decimal = |end| std::str::from_utf8(until(&mut data, end)?).ok()?.parse::<i64>().ok();
        let (entries, inner) = (decimal(b' ')?, usize::try_from(decimal(b'\n')?).ok()?);
        let path = match around.last_mut() {
            None => Vec::new(),
            Some((folder, left)) => {
                *left = left.checked_sub(1)?;
                if folder.is_empty() { name.to_vec() } else { [folder, b"/".as_slice(), name].concat() }
            }
        };
        if let Ok(entries) = usize::try_from(entries) {
            let id = TreeId(ObjectId::from_bytes(take(&mut data, ID)?)?);
            folders.insert(path.as_slice().into(), CachedFolder { entries, id });
        }
        around.push((path, inner));
        while around.last().is_some_and(|(_, left)| *left == 0) {
            around.pop();
        }
        if around.is_empty() && !data.is_empty() {
            return None;
        }
    }
    around.is_empty().then_some(folders)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::git::testing::Fixture;

    /// What libgit2 reads of the same file.
    fn by_library(file: &std::path::Path) -> Vec<IndexEntry> {
        let time = |time: git2::IndexTime| (i64::from(time.seconds()), time.nanoseconds());
        let entry = |entry: git2::IndexEntry| IndexEntry {
            path: RepoPath::from_git(&entry.path).unwrap(),
            bits: entry.mode,
            id: ObjectId::from_bytes(entry.id.as_bytes()).unwrap(),
            stage: ((entry.flags >> 12) & 3) as u8,
            flags: Flags {
                assume_unchanged: entry.flags & 0x8000 != 0,
                skip_worktree: entry.flags_extended & 0x4000 != 0,
                intent_to_add: entry.flags_extended & 0x2000 != 0,
            },
            stat: Some(Stat {
                modified: time(entry.mtime),
                changed: time(entry.ctime),
                inode: entry.ino,
                length: entry.file_size,
            }),
        };
        git2::Index::open(file).unwrap().iter().map(entry).collect()
    }

    fn varied() -> Fixture {
        let f = Fixture::init(&[]);
        f.write("a/b/c", "1").write("a/b-c", "2").write("a.b", "").write("z/deep/er/x", "3");
        f.write(&format!("{}/{}", "long".repeat(50), "name".repeat(60)), "4").write("conflict", "0");
        f.symlink("a.b", "link");
        f.commit("0");
        f.git(&["checkout", "-qb", "side"]);
        f.write("conflict", "1");
        f.commit("1");
        f.git(&["checkout", "-q", "main"]);
        f.write("conflict", "2");
        f.commit("2");
        f
    }

    #[test]
    fn every_version_is_read_as_libgit2_reads_it() {
        for version in ["2", "3", "4"] {
            let f = varied();
            f.git(&["update-index", "--index-version", version]);
            let file = f.top().join(".git/index");
            let check = |wanted: &[u8]| {
                let bytes = fs::read(&file).unwrap();
                assert_eq!(&bytes[4..8], wanted);
                assert_eq!(read(&bytes).unwrap().entries, by_library(&file));
            };
            check(if version == "4" { &[0, 0, 0, 4] } else { &[0, 0, 0, 2] });
            assert!(!f.command(f.top(), &["merge", "-q", "side"]).output().unwrap().status.success());
            f.git(&["update-index", "--assume-unchanged", "a.b"]);
            f.git(&["update-index", "--skip-worktree", "a/b/c"]);
            f.write("announced", "").git(&["add", "--intent-to-add", "announced"]);
            check(if version == "4" { &[0, 0, 0, 4] } else { &[0, 0, 0, 3] });
            let stages: Vec<u8> = by_library(&file).iter().map(|entry| entry.stage).filter(|&s| s > 0).collect();
            assert_eq!(stages, [1, 2, 3]);
        }
    }

    #[test]
    fn cached_folders_have_the_ids_of_the_commit_until_something_in_them_changes() {
        let f = varied();
        let cached = || read(&fs::read(f.top().join(".git/index")).unwrap()).unwrap().folders;
        let of_commit = |path: &str| f.git(&["rev-parse", &format!("HEAD:{path}")]);
        for (path, entries) in [("", 7), ("a", 2), ("a/b", 1), ("z/deep", 1), ("z/deep/er", 1)] {
            let folder = cached()[path.as_bytes()];
            assert_eq!((folder.id.0.to_string(), folder.entries), (of_commit(path), entries), "{path}");
        }
        f.settle();
        f.write("z/deep/new", "1").git(&["update-index", "--add", "z/deep/new"]);
        let left = cached();
        for (path, is_left) in [("", false), ("z", false), ("z/deep", false), ("z/deep/er", true), ("a", true)] {
            assert_eq!(left.contains_key(path.as_bytes()), is_left, "{path}");
        }
    }

    #[test]
    fn a_path_beyond_the_length_that_an_entry_can_state_is_read() {
        let f = Fixture::init(&[]);
        let blob = f.write("after", "1").git(&["hash-object", "-w", "after"]);
        for length in [4094, 4095, 4096] {
            let path = "n".repeat(length);
            let file = f.top().join(".git/index");
            f.git(&["update-index", "--add", "--cacheinfo", &format!("100644,{blob},{path}")]);
            f.git(&["update-index", "--add", "--cacheinfo", &format!("100644,{blob},zz")]);
            let read = read(&fs::read(&file).unwrap()).unwrap().entries;
            assert_eq!(read.iter().map(|entry| entry.path.as_bytes()).collect::<Vec<_>>(), [path.as_bytes(), b"zz"]);
            assert_eq!(read, by_library(&file));
            fs::remove_file(&file).unwrap();
        }
    }

    #[test]
    fn a_broken_file_is_an_error_and_never_fewer_entries() {
        let f = varied();
        f.git(&["update-index", "--index-version", "4"]);
        let bytes = fs::read(f.top().join(".git/index")).unwrap();
        let whole = read(&bytes).unwrap().entries.len();
        for length in 0..bytes.len() {
            if let Ok(index) = read(&bytes[..length]) {
                assert_eq!(index.entries.len(), whole);
            }
        }
        let mut broken = bytes.clone();
        for (at, &byte) in bytes.iter().enumerate() {
            broken[at] ^= 0xff;
            let _ = read(&broken);
            broken[at] = byte;
        }
        assert_eq!(read(b"").unwrap_err(), "it is cut short");
        broken[7] = 5;
        assert_eq!(read(&broken).unwrap_err(), "its version 5 is unknown");
    }
}
