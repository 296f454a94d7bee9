//! The changed set is complete: whatever is committed, staged or on disk, and however git is configured, the paths that
//! knockon compares as different are exactly those whose bytes differ.
//!
//! Each case is a small real repository of awkward names, made by random steps under random settings of the user. The
//! expected sets come from git's plumbing: commits and the index as git lists them with the bytes of each object, the
//! work tree as `git add --all` into an index without any stat would store it.

mod script;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, UNIX_EPOCH};

use knockon::git::{GitEnvironment, Repository};
use knockon::path::RepoPath;
use knockon::tree::{ChangeKind, Mode, Node, Tree, changes};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRng, TestRunner};

use script::{Case, Player};

/// What stands at a path, as git lists it.
type Listing = BTreeMap<Vec<u8>, (u32, String)>;

const SUBMODULE: u32 = 0o160_000;

/// Settings under which git says what is on disk, and not what it remembers of it. The first three are those that
/// knockon leaves aside on purpose: a file system that tells `Foo` from `foo` holds two files, whatever
/// `core.ignoreCase` says; a lossy conversion is a warning, and no reason to know nothing; nor is a filter that is
/// required and has no program.
const ORACLE: [&str; 6] = [
    "core.ignoreCase=false",
    "core.safecrlf=false",
    "filter.mark.required=false",
    "diff.ignoreSubmodules=none",
    "core.fsmonitor=false",
    "core.untrackedCache=false",
];

/// A file must be this much older than the index for its time to prove anything.
const TICK: Duration = Duration::from_millis(20);

struct Oracle<'a> {
    player: &'a Player,
}

impl Oracle<'_> {
    fn git(&self, index: Option<&Path>, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let settings: Vec<&str> = ORACLE.iter().flat_map(|setting| ["-c", setting]).collect();
        let mut command = self.player.git(&[&settings, arguments].concat());
        if let Some(index) = index {
            command.env("GIT_INDEX_FILE", index);
        }
        fed(command, input)
    }

    fn commit(&self, revision: &str) -> Listing {
        listed(&self.git(None, &["ls-tree", "-r", "-z", "--full-tree", revision], b""), 2)
    }

    /// What `git commit` would commit.
    fn index(&self) -> Listing {
        let copy = self.player.repo.beside("oracle-index");
        let own = self.player.repo.top().join(".git/index");
        if !own.exists() {
            return Listing::new();
        }
        fs::copy(own, &copy).unwrap();
        let tree = self.git(Some(&copy), &["write-tree"], b"");
        self.commit(std::str::from_utf8(&tree).unwrap().trim_end())
    }

    /// What `git add --all` would store, with four exceptions.
    ///
    /// A file that holds the very bytes that the index has for it is what the index has. Git would say so too, as long
    /// as the file's time is the old one; touched, it would convert the file anew by attributes that came later. What a
    /// tool reads is the bytes on disk, and those are the same.
    ///
    /// A file that nobody touched since it was staged is what was staged, whatever rules for line endings came later:
    /// so git sees it, until somebody asks it to renormalise. Of a file as young as the index nobody can know that.
    ///
    /// A `.gitattributes` that is in the index and no file on disk is added last: it speaks as long as it is staged, as
    /// it does for `git add FILE`. To `git add --all` it speaks or not by which of the two comes first in the alphabet.
    ///
    /// A repository inside that holds more than its commit is not what its commit is: git would store the commit alone.
    fn work_tree(&self) -> Listing {
        let own = self.player.repo.top().join(".git/index");
        let index = self.player.repo.beside("oracle-work-tree");
        let _ = fs::remove_file(&index);
        let entries = self.git(None, &["ls-files", "-s", "-z"], b"");
        self.git(Some(&index), &["update-index", "-z", "--index-info"], &entries);
        let staged = listed(&entries, 1);
        let is_gone = |path: &Vec<u8>| {
            let is_file = fs::symlink_metadata(self.player.place(path)).is_ok_and(|metadata| metadata.is_file());
            path.ends_with(b".gitattributes") && !is_file
        };
        // Each byte behind a `\`: git refuses an ignored folder that a pathspec names, even one that excludes.
        let add = |magic: &str, paths: &[&Vec<u8>], wanted: &[u8]| {
            let named = |path: &&Vec<u8>| [magic.as_bytes(), &behind_backslashes(path), b"\0"].concat();
            let wanted = [wanted, &paths.iter().flat_map(named).collect::<Vec<u8>>()].concat();
            self.git(Some(&index), &["add", "--all", "--pathspec-from-file=-", "--pathspec-file-nul"], &wanted);
            listed(&self.git(Some(&index), &["ls-files", "-s", "-z"], b""), 1)
        };
        let mut gone: Vec<&Vec<u8>> = staged.keys().filter(|path| is_gone(path)).collect();
        let mut found = add(":(exclude,top,glob)", &gone, b":/\0");
        gone.retain(|path| found.contains_key(*path));
        if !gone.is_empty() {
            found = add(":(top,glob)", &gone, b"");
        }
        let both: Vec<&Listing> = vec![&found, &staged];
        let bytes = self.contents(&both);
        let stats = self.stats();
        let index_written = fs::metadata(own).and_then(|metadata| metadata.modified()).unwrap_or(UNIX_EPOCH);
        for (path, (mode, id)) in &mut found {
            let disk = self.player.place(path);
            let metadata = fs::symlink_metadata(&disk).ok().filter(fs::Metadata::is_file);
            if *mode == SUBMODULE && self.holds_more(path) {
                "more than its commit".clone_into(id);
            }
            let (Some(metadata), Some((before, indexed))) = (metadata, staged.get(path)) else { continue };
            let (Some(indexed_bytes), false) = (bytes.get(indexed), *mode == SUBMODULE || *before == SUBMODULE) else {
                continue;
            };
            let content = fs::read(&disk).unwrap();
            let length = i64::try_from(metadata.len()).unwrap();
            let stat = [metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec(), length];
            let untouched = stats.get(path) == Some(&stat) && metadata.modified().unwrap() + TICK <= index_written;
            if content == *indexed_bytes || (untouched && without_endings(&content) == without_endings(indexed_bytes)) {
                id.clone_from(indexed);
            }
        }
        found
    }

    /// Whether a repository inside holds something else than its commit.
    fn holds_more(&self, path: &[u8]) -> bool {
        let top = self.player.place(path);
        let settings = ORACLE.iter().chain(&["status.showUntrackedFiles=all"]).flat_map(|setting| ["-c", setting]);
        let arguments: Vec<&str> = settings.chain(["status", "--porcelain"]).collect();
        top.join(".git").exists() && !fed(self.player.git_in(&top, &arguments), b"").is_empty()
    }

    /// When each file was written and changed, and its length, as the index remembers it: git sets the length to zero
    /// where it found that the time is no proof.
    fn stats(&self) -> BTreeMap<Vec<u8>, [i64; 5]> {
        let output = self.git(None, &["ls-files", "-z", "--debug"], b"");
        let mut found = BTreeMap::new();
        let mut rest = &output[..];
        while let Some(end) = rest.iter().position(|byte| *byte == 0) {
            let path = rest[..end].to_vec();
            rest = &rest[end + 1..];
            let mut lines = Vec::new();
            while rest.starts_with(b"  ") {
                let end = rest.iter().position(|byte| *byte == b'\n').unwrap();
                lines.push(String::from_utf8(rest[2..end].to_vec()).unwrap());
                rest = &rest[end + 1..];
            }
            let time = |name: &str| lines.iter().find_map(|line| line.strip_prefix(name)?.split_once(':'));
            let (changed, written) = (time("ctime: ").unwrap(), time("mtime: ").unwrap());
            let length = lines.iter().find_map(|line| line.strip_prefix("size: ")?.split('\t').next()).unwrap();
            let numbers = [written.0, written.1, changed.0, changed.1, length];
            found.insert(path, numbers.map(|number| number.parse().unwrap()));
        }
        found
    }

    /// The bytes of all objects that the listings name, but of commits.
    fn contents(&self, listings: &[&Listing]) -> BTreeMap<String, Vec<u8>> {
        let wanted: BTreeSet<&str> = listings
            .iter()
            .flat_map(|listing| listing.values())
            .filter(|(mode, _)| *mode != SUBMODULE)
            .map(|(_, id)| id.as_str())
            .collect();
        let input: String = wanted.iter().map(|id| format!("{id}\n")).collect();
        let output = self.git(None, &["cat-file", "--batch"], input.as_bytes());
        let mut rest = &output[..];
        let mut found = BTreeMap::new();
        for id in wanted {
            let end = rest.iter().position(|byte| *byte == b'\n').unwrap();
            let header = std::str::from_utf8(&rest[..end]).unwrap();
            let length: usize = header.strip_prefix(&format!("{id} blob ")).unwrap().parse().unwrap();
            found.insert(id.to_owned(), rest[end + 1..=end + length].to_vec());
            rest = &rest[end + length + 2..];
        }
        found
    }
}

fn behind_backslashes(path: &[u8]) -> Vec<u8> {
    let escaped = |byte: &u8| if *byte == b'/' { vec![*byte] } else { vec![b'\\', *byte] };
    path.iter().flat_map(escaped).collect()
}

/// The bytes without what line endings and `$Id$` make of them.
fn without_endings(bytes: &[u8]) -> Vec<u8> {
    let text: String = bytes.iter().filter(|byte| **byte != b'\r').map(|byte| char::from(*byte)).collect();
    text.replace("$Id: 12 $", "$Id$").into_bytes()
}

/// Lines of `fields TAB path NUL`: the mode comes first, the id is the field of this number.
fn listed(output: &[u8], id: usize) -> Listing {
    let line = |line: &[u8]| {
        let tab = line.iter().position(|byte| *byte == b'\t').unwrap();
        let fields: Vec<&str> = std::str::from_utf8(&line[..tab]).unwrap().split(' ').collect();
        (line[tab + 1..].to_vec(), (u32::from_str_radix(fields[0], 8).unwrap(), fields[id].to_owned()))
    };
    output.split(|byte| *byte == 0).filter(|line| !line.is_empty()).map(line).collect()
}

fn fed(mut command: Command, input: &[u8]) -> Vec<u8> {
    let told = format!("{command:?}");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join().unwrap();
    assert!(output.status.success(), "{told}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// How each path differs, by its bytes and its mode.
fn differing(base: &Listing, head: &Listing, contents: &BTreeMap<String, Vec<u8>>) -> Vec<(Vec<u8>, ChangeKind)> {
    let bytes = |id: &String| contents.get(id).map_or_else(|| id.as_bytes().to_vec(), Vec::clone);
    let paths: BTreeSet<&Vec<u8>> = base.keys().chain(head.keys()).collect();
    let kind = |path: &Vec<u8>| match (base.get(path), head.get(path)) {
        (None, _) => Some(ChangeKind::Added),
        (_, None) => Some(ChangeKind::Deleted),
        (Some((before, _)), Some((after, _))) if before != after => Some(ChangeKind::Mode),
        (Some((_, old)), Some((_, new))) => (bytes(old) != bytes(new)).then_some(ChangeKind::Modified),
    };
    paths.into_iter().filter_map(|path| Some((path.clone(), kind(path)?))).collect()
}

/// Every content of a tree by its path, with the bytes that reading it gives.
fn read(tree: &dyn Tree) -> BTreeMap<Vec<u8>, (Mode, Option<Vec<u8>>)> {
    let mut found = BTreeMap::new();
    let mut pending = vec![(RepoPath::root(), tree.root())];
    while let Some((folder, id)) = pending.pop() {
        for entry in tree.folder(id).unwrap().iter() {
            let path = folder.child(&entry.name);
            match entry.node {
                Node::Folder(id) => pending.push((path, id)),
                Node::Content(mode, id) => {
                    let bytes = (mode != Mode::Submodule).then(|| tree.content(id).unwrap().to_vec());
                    found.insert(path.as_bytes().to_vec(), (mode, bytes));
                }
            }
        }
    }
    found
}

fn law(case: &Case) -> Result<(), TestCaseError> {
    let player = Player::play(case);
    let environment = GitEnvironment {
        config_global: Some(player.user_settings()),
        config_no_system: true,
        home: Some(player.repo.beside("home")),
        path: std::env::var_os("PATH"),
        ..GitEnvironment::default()
    };
    player.forget_marks();
    let repository = Repository::discover(player.repo.top(), &environment).unwrap();
    let commits = player.commits.iter().map(|id| repository.commit_tree(&repository.resolve(id).unwrap()));
    let mut trees: Vec<(String, _)> = player.commits.iter().cloned().zip(commits).collect();
    trees.push(("index".to_owned(), repository.index_tree().unwrap().tree));
    trees.push(("work tree".to_owned(), repository.worktree_tree().unwrap().tree));
    let pairs = || (0..player.commits.len()).flat_map(|base| (0..trees.len()).map(move |head| (base, head)));
    let found: Vec<_> = pairs().map(|(base, head)| changes(&*trees[base].1, &*trees[head].1).unwrap()).collect();
    let contents: Vec<_> = trees.iter().map(|(_, tree)| read(&**tree)).collect();
    prop_assert_eq!(player.marks(), Vec::<String>::new(), "a program of the configuration was run");

    let oracle = Oracle { player: &player };
    let mut listings: Vec<Listing> = player.commits.iter().map(|id| oracle.commit(id)).collect();
    listings.extend([oracle.index(), oracle.work_tree()]);
    let bytes = oracle.contents(&listings.iter().collect::<Vec<_>>());
    for ((base, head), found) in pairs().zip(found) {
        let found: Vec<_> = found.iter().map(|change| (change.path.as_bytes().to_vec(), change.kind)).collect();
        let expected = differing(&listings[base], &listings[head], &bytes);
        let told = |changes: &[(Vec<u8>, ChangeKind)]| -> Vec<String> {
            changes.iter().map(|(path, kind)| format!("{kind:?} {}", path.escape_ascii())).collect()
        };
        prop_assert_eq!(told(&found), told(&expected), "from {} to {}", trees[base].0, trees[head].0);
    }
    // What is compared by id is what is read: each tree gives the very bytes, and lists nothing twice or not at all.
    for ((listing, read), (name, _)) in listings.iter().zip(contents).zip(&trees) {
        let paths = |paths: Vec<&Vec<u8>>| paths.iter().map(|path| path.escape_ascii().to_string()).collect::<Vec<_>>();
        prop_assert_eq!(paths(read.keys().collect()), paths(listing.keys().collect()), "{}", name);
        for (path, (mode, content)) in read {
            let (bits, id) = &listing[&path];
            prop_assert_eq!(mode.bits(), *bits, "{} in {}", path.escape_ascii(), name);
            prop_assert_eq!(content.as_ref(), bytes.get(id), "{} in {}", path.escape_ascii(), name);
        }
    }
    Ok(())
}

/// As many random cases as `PROPTEST_CASES` says. Unless somebody asks, few that are always the same, because each
/// starts git some twenty times.
#[test]
fn what_differs_is_exactly_what_is_told_under_any_settings() {
    let asked: Option<u32> = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let config =
        Config { cases: asked.unwrap_or(64), failure_persistence: None, max_shrink_iters: 300, ..Config::default() };
    let mut runner = match asked {
        Some(_) => TestRunner::new(config),
        None => TestRunner::new_with_rng(config.clone(), TestRng::deterministic_rng(config.rng_algorithm)),
    };
    runner.run(&script::cases(), |case| law(&case)).unwrap_or_else(|error| panic!("{error}"));
}

/// The scripts reach what they are for: a case that holds none of it could not fail.
#[test]
fn the_scripts_of_the_law_reach_every_kind_of_difference() {
    let mut runner = TestRunner::deterministic();
    let mut reached = BTreeSet::new();
    for _ in 0..40 {
        let case = script::cases().new_tree(&mut runner).unwrap().current();
        let player = Player::play(&case);
        let oracle = Oracle { player: &player };
        let (index, disk) = (oracle.index(), oracle.work_tree());
        let mut listings: Vec<Listing> = player.commits.iter().map(|id| oracle.commit(id)).collect();
        listings.extend([index, disk]);
        let bytes = oracle.contents(&listings.iter().collect::<Vec<_>>());
        let (last, at) = (player.commits.len() - 1, |back: usize| &listings[listings.len() - back]);
        for (place, base, head) in
            [("commit", &listings[0], &listings[last]), ("index", &listings[last], at(2)), ("disk", at(2), at(1))]
        {
            reached.extend(differing(base, head, &bytes).into_iter().map(|(_, kind)| format!("{place} {kind:?}")));
        }
        reached.extend(listings.iter().flat_map(|listing| listing.values()).map(|(mode, _)| format!("{mode:o}")));
        reached.extend(at(1).values().filter(|(_, id)| id == "more than its commit").map(|_| "dirty".to_owned()));
    }
    let mut expected: BTreeSet<String> = ["dirty", "100644", "100755", "120000", "160000"].map(str::to_owned).into();
    for place in ["commit", "index", "disk"] {
        expected.extend(["Added", "Deleted", "Modified", "Mode"].map(|kind| format!("{place} {kind}")));
    }
    assert_eq!(reached, expected);
}
