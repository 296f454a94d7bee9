//! Random steps that make a repository, and random settings of its user.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use proptest::prelude::*;

use crate::repository::Repo;

/// Folders and files; one name may be either.
const FOLDERS: [&[u8]; 12] = [
    b"",
    b"a",
    b"a/inner",
    b"s p",
    b"q\"uote",
    b"caf\xc3\xa9",
    b"cafe\xcc\x81",
    b"\xff\xfe",
    b"-rf",
    b"new\nline",
    b".hidden",
    b"[x]*",
];
const FILES: [&[u8]; 20] = [
    b"f",
    b"F",
    b"g.txt",
    b"a",
    b"inner",
    b"-x",
    b" lead",
    b"trail ",
    b"q\"uote",
    b"new\nline",
    b"tab\t",
    b"back\\slash",
    b"\xff.bin",
    b"\xc3\xa9",
    b"e\xcc\x81",
    b":(top)",
    b"*.txt",
    b"x.log",
    b"keep.log",
    b"id.id",
];

/// Contents. Some are alike in size, some differ in line endings alone.
const CONTENTS: [&[u8]; 12] = [
    b"",
    b"one\n",
    b"two\n",
    b"a\nb\n",
    b"a\r\nb\r\n",
    b"a\r\nb\n",
    b"a\rb\r\n",
    b"nul\0\r\n",
    b"$Id$\n",
    b"$Id: 12 $\r\n",
    b"\x01\x02\x03\r\n",
    b"eof\r\n\x1a",
];
const TARGETS: [&[u8]; 7] = [b"f", b"../a", b"nothing", b"/outside", b"\xff", b".", b"g.txt"];
const ATTRIBUTES: [&str; 7] = [
    "* text=auto\n",
    "*.txt text eol=crlf\n*.bin binary\n",
    "*.txt -text\n*.id ident\n",
    "[attr]mine text\n*.txt mine\nf !text\n",
    "* -text\n",
    "a/** text\n\"q\\\"uote\" eol=lf\n",
    "*.bin filter=mark\n*.id diff=mark merge=mark\n",
];
const IGNORES: [&str; 7] = [
    "*.log\n!keep.log\n",
    "inner/\n",
    "/a\n",
    "**/inner\n",
    "F\n\\ lead\n",
    "*\n!*/\n!f\n",
    "\n#x\ntrail\\ \n*.txt\r\n",
];

/// Every setting of git that could show in what differs, with the values that it may have. Most must not show at all.
const SETTINGS: [(&str, &[&str]); 35] = [
    ("core.quotePath", &["true", "false"]),
    ("diff.renames", &["false", "true", "copies"]),
    ("diff.renameLimit", &["1"]),
    ("core.autocrlf", &["true", "false", "input"]),
    ("core.eol", &["lf", "crlf", "native"]),
    ("core.safecrlf", &["warn", "false"]),
    ("core.fileMode", &["true", "false"]),
    ("core.symlinks", &["true", "false"]),
    ("core.trustctime", &["false"]),
    ("core.checkStat", &["minimal", "default"]),
    ("core.checkRoundtripEncoding", &["UTF-16"]),
    ("diff.ignoreSubmodules", &["all", "dirty", "untracked"]),
    ("status.submoduleSummary", &["true"]),
    ("core.fsmonitor", &["<mark>"]),
    ("core.hooksPath", &["<hooks>"]),
    ("core.untrackedCache", &["true", "false", "keep"]),
    ("core.ignoreCase", &["true", "false"]),
    ("core.precomposeUnicode", &["true", "false"]),
    ("core.protectNTFS", &["false"]),
    ("status.showUntrackedFiles", &["no", "normal", "all"]),
    ("status.relativePaths", &["false"]),
    ("feature.manyFiles", &["true"]),
    ("core.excludesFile", &["<excludes>"]),
    ("core.attributesFile", &["<attributes>"]),
    ("core.preloadIndex", &["true", "false"]),
    ("index.version", &["2", "3", "4"]),
    ("index.skipHash", &["true"]),
    ("index.threads", &["1", "true"]),
    ("core.splitIndex", &["true"]),
    ("core.bigFileThreshold", &["3"]),
    ("filter.mark.clean", &["<mark-and-copy>"]),
    ("filter.mark.required", &["true", "false"]),
    ("diff.mark.textconv", &["<mark>"]),
    ("diff.external", &["<mark>"]),
    ("core.abbrev", &["4"]),
];

/// What is done to files.
#[derive(Debug, Clone)]
enum Edit {
    Write(Place, usize),
    /// Other bytes of the same length and time.
    Disguise(Place),
    Symlink(Place, usize),
    Executable(Place),
    Delete(Place),
    DeleteFolder(usize),
    /// A folder without files.
    Empty(Place),
    Move(Place, Place),
    MoveFolder(usize, usize),
    Attributes(usize, usize),
    Ignore(usize, usize),
    /// A commit of another repository in the index, without a repository on disk.
    Pin(Place, u8),
    /// A repository inside, at one of two commits; with something more than the commit or without.
    Nested(Place, u8, bool),
}

/// One of the names, or something that is there already: half of all steps meet others.
#[derive(Debug, Clone, Copy)]
enum Place {
    Named(usize, usize),
    Existing(usize),
}

/// What is done to the index.
#[derive(Debug, Clone)]
enum Stage {
    All,
    Force(Place),
    IntentToAdd(Place),
    Forget(Place),
    Executable(Place),
    Refresh,
}

#[derive(Debug, Clone)]
enum Step {
    Edit(Edit),
    Stage(Stage),
}

/// A repository as the steps that make it.
#[derive(Debug, Clone)]
pub struct Case {
    commits: Vec<Vec<Edit>>,
    settings: Vec<(usize, usize, bool)>,
    after: Vec<Step>,
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![
        (0..FOLDERS.len(), 0..FILES.len()).prop_map(|(folder, file)| Place::Named(folder, file)),
        (0..1000_usize).prop_map(Place::Existing),
    ]
}

fn edit() -> impl Strategy<Value = Edit> {
    let folder = || 0..FOLDERS.len();
    prop_oneof![
        10 => (place(), 0..CONTENTS.len()).prop_map(|(place, content)| Edit::Write(place, content)),
        2 => place().prop_map(Edit::Disguise),
        3 => (place(), 0..TARGETS.len()).prop_map(|(place, target)| Edit::Symlink(place, target)),
        3 => place().prop_map(Edit::Executable),
        3 => place().prop_map(Edit::Delete),
        1 => folder().prop_map(Edit::DeleteFolder),
        1 => place().prop_map(Edit::Empty),
        3 => (place(), place()).prop_map(|(from, to)| Edit::Move(from, to)),
        1 => (folder(), folder()).prop_map(|(from, to)| Edit::MoveFolder(from, to)),
        1 => (0..3_usize, 0..ATTRIBUTES.len()).prop_map(|(folder, text)| Edit::Attributes(folder, text)),
        1 => (0..3_usize, 0..IGNORES.len()).prop_map(|(folder, text)| Edit::Ignore(folder, text)),
        1 => (place(), 0..2_u8).prop_map(|(place, commit)| Edit::Pin(place, commit)),
        1 => (place(), 0..2_u8, any::<bool>()).prop_map(|(place, commit, dirty)| Edit::Nested(place, commit, dirty)),
    ]
}

fn stage() -> impl Strategy<Value = Stage> {
    prop_oneof![
        2 => Just(Stage::All),
        1 => place().prop_map(Stage::Force),
        1 => place().prop_map(Stage::IntentToAdd),
        1 => place().prop_map(Stage::Forget),
        1 => place().prop_map(Stage::Executable),
        1 => Just(Stage::Refresh),
    ]
}

pub fn cases() -> impl Strategy<Value = Case> {
    let first = prop::collection::vec(edit(), 4..14);
    let others = prop::collection::vec(prop::collection::vec(edit(), 0..8), 1..4);
    let setting = (0..SETTINGS.len(), 0..3_usize, any::<bool>());
    let step = prop_oneof![4 => edit().prop_map(Step::Edit), 1 => stage().prop_map(Step::Stage)];
    (first, others, prop::collection::vec(setting, 0..12), prop::collection::vec(step, 0..12))
        .prop_map(|(first, others, settings, after)| Case { commits: [vec![first], others].concat(), settings, after })
}

/// A case that was played.
pub struct Player {
    pub repo: Repo,
    /// The ids of its commits, the first first.
    pub commits: Vec<String>,
}

impl Player {
    pub fn play(case: &Case) -> Self {
        let mut player = Self { repo: Repo::shaped(&["--template="]), commits: Vec::new() };
        player.prepare();
        for edits in &case.commits {
            edits.iter().for_each(|edit| player.edit(edit));
            player.tried(&["add", "--all"]);
            player.tried(&["-c", "maintenance.auto=false", "commit", "-q", "--allow-empty", "--no-verify", "-m", "x"]);
            let head = fs::read_to_string(player.repo.top().join(".git/refs/heads/main")).unwrap();
            player.commits.push(head.trim_end().to_owned());
        }
        player.configure(&case.settings);
        for step in &case.after {
            match step {
                Step::Edit(edit) => player.edit(edit),
                Step::Stage(stage) => player.stage(stage),
            }
        }
        player
    }

    /// The files that settings speak of: programs that leave a mark, patterns.
    fn prepare(&self) {
        fs::create_dir(self.repo.beside("hooks")).unwrap();
        let mark = self.repo.beside("mark");
        // As a monitor it says that everything may have changed.
        let program = format!("#!/bin/sh\necho run >>'{}'\nprintf 'token\\0/\\0'\n", mark.display());
        let copier = format!("#!/bin/sh\necho run >>'{}'\ncat\n", mark.display());
        for (name, text) in [("program", &program), ("copier", &copier), ("hooks/post-index-change", &program)] {
            fs::write(self.repo.beside(name), text).unwrap();
            fs::set_permissions(self.repo.beside(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::write(self.repo.beside("excludes"), "*.bin\n/s p/\n").unwrap();
        fs::write(self.repo.beside("attributes"), "*.txt text\n*.bin -text\n*.id ident\n").unwrap();
        fs::write(self.user_settings(), "").unwrap();
    }

    pub fn user_settings(&self) -> PathBuf {
        self.repo.beside("user-settings")
    }

    /// Forgets that programs of the configuration were run by git itself.
    pub fn forget_marks(&self) {
        let _ = fs::remove_file(self.repo.beside("mark"));
    }

    /// What was run since.
    pub fn marks(&self) -> Vec<String> {
        fs::read_to_string(self.repo.beside("mark")).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// Settings go to the user's file or to the repository's own.
    fn configure(&self, settings: &[(usize, usize, bool)]) {
        let own = self.repo.top().join(".git/config");
        let names = |name: &str| settings.iter().any(|(key, ..)| SETTINGS[*key].0 == name);
        // An index without a checksum cannot be split: git 2.47 writes one that it finds no entries in itself.
        let is_unsplit = names("index.skipHash") || names("feature.manyFiles");
        for (key, value, is_users) in settings {
            let (key, values) = SETTINGS[*key];
            if key == "core.splitIndex" && is_unsplit {
                continue;
            }
            let value = values[value % values.len()];
            let at = |name: &str| self.repo.beside(name).display().to_string();
            let value = match value {
                "<mark>" => at("program"),
                "<mark-and-copy>" => at("copier"),
                "<hooks>" => at("hooks"),
                "<excludes>" => at("excludes"),
                "<attributes>" => at("attributes"),
                _ => value.to_owned(),
            };
            let (section, name) = key.rsplit_once('.').unwrap();
            let section = section.split_once('.').map_or(format!("[{section}]"), |(a, b)| format!("[{a} \"{b}\"]"));
            let file = if *is_users { self.user_settings() } else { own.clone() };
            let before = fs::read_to_string(&file).unwrap();
            fs::write(file, format!("{before}\n{section}\n\t{name} = \"{value}\"\n")).unwrap();
        }
    }

    /// Git at the top, under the settings of the case.
    pub fn git(&self, arguments: &[&str]) -> Command {
        self.git_in(self.repo.top(), arguments)
    }

    pub fn git_in(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = self.repo.git_command(folder, arguments);
        command.env("GIT_CONFIG_GLOBAL", self.user_settings());
        command
    }

    /// Runs git, which may refuse: whatever it leaves behind is a state as any other.
    fn tried(&self, arguments: &[&str]) {
        self.tried_of(&[], arguments, None);
    }

    fn tried_of(&self, before: &[&str], arguments: &[&str], path: Option<&[u8]>) {
        let mut command = self.git(&[before, arguments].concat());
        if let Some(path) = path {
            command.arg("--").arg(OsStr::from_bytes(path));
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().unwrap();
    }

    fn stage(&self, stage: &Stage) {
        let literal = ["--literal-pathspecs"];
        match stage {
            Stage::All => self.tried(&["add", "--all"]),
            Stage::Force(place) => self.tried_of(&literal, &["add", "--force"], Some(&self.path(place))),
            Stage::IntentToAdd(place) => {
                self.tried_of(&literal, &["add", "--force", "--intent-to-add"], Some(&self.path(place)));
            }
            Stage::Forget(place) => self.tried_of(&literal, &["rm", "--cached", "-rfq"], Some(&self.path(place))),
            Stage::Executable(place) => self.tried_of(&[], &["update-index", "--chmod=+x"], Some(&self.path(place))),
            Stage::Refresh => self.tried(&["status", "--porcelain"]),
        }
    }

    fn path(&self, place: &Place) -> Vec<u8> {
        let named = |folder: usize, file: usize| joined(FOLDERS[folder], FILES[file]);
        match *place {
            Place::Named(folder, file) => named(folder, file),
            Place::Existing(number) => {
                let all = self.on_disk();
                if all.is_empty() { named(0, number % FILES.len()) } else { all[number % all.len()].clone() }
            }
        }
    }

    /// What is neither a folder nor inside a repository of its own, sorted.
    fn on_disk(&self) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        let mut pending = vec![(self.repo.top().to_owned(), Vec::new())];
        while let Some((folder, path)) = pending.pop() {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap).filter(|entry| entry.file_name() != ".git") {
                let path = joined(&path, entry.file_name().as_bytes());
                match entry.file_type().unwrap().is_dir() {
                    true if entry.path().join(".git").exists() => {}
                    true => pending.push((entry.path(), path)),
                    false => found.push(path),
                }
            }
        }
        found.sort();
        found
    }

    pub fn place(&self, path: &[u8]) -> PathBuf {
        self.repo.top().join(OsStr::from_bytes(path))
    }

    /// Makes room for a file or folder: whatever stands in its way goes.
    fn room(&self, path: &[u8]) -> PathBuf {
        let disk = self.place(path);
        for above in disk.ancestors().skip(1).take_while(|above| *above != self.repo.top()) {
            if fs::symlink_metadata(above).is_ok_and(|metadata| !metadata.is_dir()) {
                fs::remove_file(above).unwrap();
            }
        }
        discard(&disk);
        fs::create_dir_all(disk.parent().unwrap()).unwrap();
        disk
    }

    fn edit(&self, edit: &Edit) {
        match edit {
            Edit::Write(place, content) => fs::write(self.room(&self.path(place)), CONTENTS[*content]).unwrap(),
            Edit::Disguise(place) => {
                let disk = self.place(&self.path(place));
                let Ok(metadata) = fs::symlink_metadata(&disk) else { return };
                if let (true, Ok(mut bytes)) = (metadata.is_file(), fs::read(&disk)) {
                    if let Some(first) = bytes.first_mut() {
                        *first ^= 1;
                    }
                    fs::write(&disk, bytes).unwrap();
                    let file = fs::File::options().write(true).open(&disk).unwrap();
                    file.set_modified(metadata.modified().unwrap()).unwrap();
                }
            }
            Edit::Symlink(place, target) => {
                let target = OsStr::from_bytes(TARGETS[*target]);
                std::os::unix::fs::symlink(target, self.room(&self.path(place))).unwrap();
            }
            Edit::Executable(place) => {
                let disk = self.place(&self.path(place));
                if let Some(metadata) = fs::symlink_metadata(&disk).ok().filter(fs::Metadata::is_file) {
                    let mode = fs::Permissions::from_mode(metadata.permissions().mode() ^ 0o111);
                    fs::set_permissions(disk, mode).unwrap();
                }
            }
            Edit::Delete(place) => discard(&self.place(&self.path(place))),
            Edit::DeleteFolder(folder) if !FOLDERS[*folder].is_empty() => discard(&self.place(FOLDERS[*folder])),
            Edit::Empty(place) => fs::create_dir(self.room(&self.path(place))).unwrap(),
            Edit::Move(from, to) => self.rename(&self.path(from), &self.path(to)),
            Edit::MoveFolder(from, to) if !FOLDERS[*from].is_empty() && !FOLDERS[*to].is_empty() => {
                self.rename(FOLDERS[*from], FOLDERS[*to]);
            }
            Edit::DeleteFolder(_) | Edit::MoveFolder(..) => {}
            Edit::Attributes(folder, text) => self.rules(*folder, b".gitattributes", ATTRIBUTES[*text]),
            Edit::Ignore(folder, text) => self.rules(*folder, b".gitignore", IGNORES[*text]),
            Edit::Pin(place, commit) => {
                let path = self.path(place);
                discard(&self.place(&path));
                let id = [["1"; 40], ["2"; 40]][usize::from(*commit)].concat();
                let entry = [format!("160000,{id},").into_bytes(), path.clone()].concat();
                let mut command = self.git(&["update-index", "--add", "--replace", "--cacheinfo"]);
                command.arg(OsStr::from_bytes(&entry)).stderr(Stdio::null());
                command.status().unwrap();
                fs::create_dir_all(self.room(&path)).unwrap();
            }
            Edit::Nested(place, commit, dirty) => self.nested(&self.path(place), *commit, *dirty),
        }
    }

    fn rules(&self, folder: usize, name: &[u8], text: &str) {
        fs::write(self.room(&joined(FOLDERS[folder], name)), text).unwrap();
    }

    fn rename(&self, from: &[u8], to: &[u8]) {
        let (old, new) = (self.place(from), self.place(to));
        if old.starts_with(&new) || new.starts_with(&old) || fs::symlink_metadata(&old).is_err() {
            return;
        }
        let new = self.room(to);
        // Making room may have removed a link that the old place was reached through.
        let _ = fs::rename(old, new);
    }

    fn nested(&self, path: &[u8], commit: u8, dirty: bool) {
        let disk = self.room(path);
        fs::create_dir(&disk).unwrap();
        let git = |arguments: &[&str]| {
            let mut command = self.git_in(&disk, arguments);
            for who in ["AUTHOR", "COMMITTER"] {
                command.env(format!("GIT_{who}_DATE"), "1700000000 +0000");
            }
            assert!(command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success(), "{arguments:?}");
        };
        git(&["init", "--quiet", "--template="]);
        fs::write(disk.join("inside"), format!("{commit}\n")).unwrap();
        git(&["add", "--all"]);
        git(&["commit", "--quiet", "--no-verify", "-m", "inside"]);
        if dirty {
            fs::write(disk.join("more"), "more\n").unwrap();
        }
    }
}

fn joined(folder: &[u8], name: &[u8]) -> Vec<u8> {
    if folder.is_empty() { name.to_vec() } else { [folder, b"/", name].concat() }
}

/// Removes whatever stands at a place.
fn discard(disk: &Path) {
    match fs::symlink_metadata(disk) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(disk).unwrap(),
        Ok(_) => fs::remove_file(disk).unwrap(),
        Err(_) => {}
    }
}
