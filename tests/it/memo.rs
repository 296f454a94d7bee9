//! What is kept between runs makes answers faster and changes none, whatever happens to it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::repository::{Outcome, Repo};

const QUESTIONS: [&[&str]; 4] = [
    &["plan", "--format", "json", "--base", "HEAD~1", "--head", "HEAD"],
    &["affected", "--base", "HEAD~1", "--head", "HEAD"],
    &["affected", "--format", "json", "--base", "HEAD~1"],
    &["graph", "--format", "json", "--head", "HEAD"],
];

fn memo(repo: &Repo) -> PathBuf {
    repo.top().join(".git/knockon")
}

/// The demo with as many modules more as it takes for digests to be worth keeping; nothing is known of it yet.
fn demo() -> Repo {
    let repo = Repo::demo();
    for number in 0..40 {
        repo.write(format!("more/m{number}/go.mod"), format!("module example/m{number}\n"));
        repo.write(format!("more/m{number}/main.go"), "package main\n");
    }
    repo.commit("more");
    repo.knockon(&["cache", "--clear"]).done();
    repo
}

fn kept(repo: &Repo) -> Vec<PathBuf> {
    let entries = fs::read_dir(memo(repo)).into_iter().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// What is answered, and what is said besides.
type Told = Vec<(Vec<u8>, String)>;

fn told(outcomes: impl Iterator<Item = Outcome>) -> Told {
    outcomes.map(|outcome| (outcome.done().bytes.clone(), outcome.stderr.clone())).collect()
}

fn answers(repo: &Repo) -> Told {
    told(QUESTIONS.iter().map(|question| repo.knockon(question)))
}

/// The answers of runs that keep nothing.
fn cold(repo: &Repo) -> Told {
    let off = [("KNOCKON_MEMO", "off")];
    let told = told(QUESTIONS.iter().map(|question| repo.start_with(question, &off)));
    assert!(kept(repo).is_empty(), "{:?}", kept(repo));
    told
}

#[test]
fn a_second_run_answers_as_the_first_and_as_one_without_a_memo() {
    let repo = demo();
    let expected = cold(&repo);
    assert_eq!(answers(&repo), expected);
    let files = kept(&repo);
    assert!(!files.is_empty());
    assert_eq!(answers(&repo), expected);
    assert_eq!(kept(&repo), files, "what is known is not kept again");
}

#[test]
fn the_memo_follows_every_kind_of_change() {
    let repo = demo();
    let edits: [(&str, &dyn Fn()); 6] = [
        ("a new file", &|| {
            repo.write("src/shipping/delivery/New.cs", "class New {}\n");
        }),
        ("a changed manifest", &|| {
            repo.append("src/shipping/delivery/Dockerfile", "RUN true\n");
        }),
        ("a new project", &|| {
            repo.write("src/more/go.mod", "module example/more\n").write("src/more/main.go", "package main\n");
        }),
        ("a configuration", &|| {
            repo.write("knockon.toml", "[workspace]\nignore = [\"docs/**\"]\n");
        }),
        ("a removed project", &|| {
            repo.remove("src/more/go.mod").remove("src/more/main.go");
        }),
        ("a link", &|| {
            repo.symlink("../shipping", "src/link");
        }),
    ];
    for (what, edit) in edits {
        edit();
        let arguments = ["plan", "--format", "json", "--base", "HEAD"];
        let fresh = repo.start_with(&arguments, &[("KNOCKON_MEMO", "off")]);
        for _ in 0..2 {
            let kept = repo.knockon(&arguments);
            assert_eq!(kept.done().stdout(), fresh.done().stdout(), "{what}, on disk");
        }
        repo.commit(what);
        let arguments = ["plan", "--format", "json", "--base", "HEAD~1", "--head", "HEAD"];
        let fresh = repo.start_with(&arguments, &[("KNOCKON_MEMO", "off")]);
        for _ in 0..2 {
            assert_eq!(repo.knockon(&arguments).done().stdout(), fresh.done().stdout(), "{what}, committed");
        }
    }
}

#[test]
fn an_edited_manifest_is_understood_with_what_was_kept_of_the_others() {
    let repo = demo();
    let ask = ["plan", "--format", "json", "--base", "HEAD~1", "--head", "HEAD"];
    repo.knockon(&ask).done();
    let facts = |repo: &Repo| -> Vec<PathBuf> {
        kept(repo).into_iter().filter(|file| file.to_string_lossy().ends_with("-facts-all")).collect()
    };
    assert_eq!(facts(&repo).len(), 1);
    let before = fs::read(&facts(&repo)[0]).unwrap();
    let edits: [(&str, &dyn Fn()); 3] = [
        ("a manifest", &|| {
            repo.write("more/m7/go.mod", "module example/m7\nreplace example/m8 => ../m8\nrequire example/m8 v1.0.0\n");
        }),
        ("a manifest that says nothing", &|| {
            repo.write("more/m9/package.json", "{ \"name\": ");
        }),
        ("a moved project", &|| {
            repo.remove("more/m3/go.mod").write("more/n3/go.mod", "module example/m3\n");
        }),
    ];
    for (what, edit) in edits {
        edit();
        repo.commit(what);
        let fresh = repo.start_with(&ask, &[("KNOCKON_MEMO", "off")]);
        assert_eq!(repo.knockon(&ask).done().stdout(), fresh.done().stdout(), "{what}");
        assert_eq!(fs::read(&facts(&repo)[0]).unwrap(), before, "{what} is too little to be kept");
    }
    for number in 0..40 {
        repo.append(&format!("more/m{number}/go.mod"), "// more\n");
    }
    repo.commit("many manifests");
    let fresh = repo.start_with(&ask, &[("KNOCKON_MEMO", "off")]);
    assert_eq!(repo.knockon(&ask).done().stdout(), fresh.done().stdout());
    assert_ne!(fs::read(&facts(&repo)[0]).unwrap(), before, "much is new");
}

#[test]
fn what_is_damaged_is_as_good_as_not_there() {
    let repo = demo();
    let expected = cold(&repo);
    answers(&repo);
    let whole: Vec<(PathBuf, Vec<u8>)> =
        kept(&repo).into_iter().map(|file| (file.clone(), fs::read(file).unwrap())).collect();
    assert!(whole.len() > 2, "workspaces, digests and facts are kept");
    type Damage<'a> = (&'a str, &'a dyn Fn(&[u8]) -> Vec<u8>);
    let damages: [Damage<'_>; 7] = [
        ("empty", &|_| Vec::new()),
        ("cut short", &|bytes| bytes[..bytes.len() / 2].to_vec()),
        ("without its last byte", &|bytes| bytes[..bytes.len() - 1].to_vec()),
        ("longer", &|bytes| [bytes, b"more"].concat()),
        ("of zeros", &|bytes| vec![0; bytes.len()]),
        ("with a flipped bit", &|bytes| {
            let mut bytes = bytes.to_vec();
            let at = bytes.len() * 2 / 3;
            bytes[at] ^= 1;
            bytes
        }),
        ("with a flipped bit at the end", &|bytes| {
            let mut bytes = bytes.to_vec();
            *bytes.last_mut().unwrap() ^= 1;
            bytes
        }),
    ];
    for (what, damage) in damages {
        for (question, expected) in QUESTIONS.iter().zip(&expected) {
            // Every question meets the damage itself, not what an earlier one made of it.
            for (file, bytes) in &whole {
                fs::write(file, damage(bytes)).unwrap();
            }
            let found = repo.knockon(question);
            assert_eq!((&found.done().bytes, &found.stderr), (&expected.0, &expected.1), "{what}: {question:?}");
        }
    }
}

#[test]
fn what_another_build_or_a_dead_process_left_is_passed_by_and_shown() {
    let repo = demo();
    let expected = cold(&repo);
    fs::create_dir(memo(&repo)).unwrap();
    fs::write(memo(&repo).join("0123456789abcdef-workspace-0123"), "of another build").unwrap();
    fs::write(memo(&repo).join("0123456789abcdef-workspace-0123.17-0.new"), "begun").unwrap();
    // Ten gigabytes that take no room.
    let huge = fs::File::create(memo(&repo).join("fedcba9876543210-workspace-4567")).unwrap();
    huge.set_len(10 << 30).unwrap();
    assert_eq!(answers(&repo), expected);
    assert!(!memo(&repo).join("fedcba9876543210-workspace-4567").exists(), "it is more than is kept");
    let shown = repo.knockon(&["cache"]);
    assert!(shown.done().stdout().contains("of other builds or unfinished: 2 items"), "{}", shown.stdout());
}

#[test]
fn where_nothing_can_be_kept_the_answer_is_the_same() {
    let repo = demo();
    let expected = cold(&repo);
    // A file where the folder would be: whoever runs the tests, nothing can be created in it.
    fs::write(memo(&repo), "no folder").unwrap();
    assert_eq!(answers(&repo), expected);
    fs::remove_file(memo(&repo)).unwrap();
    // A link that leads out: nothing is written where it leads to.
    let elsewhere = repo.beside("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, memo(&repo)).unwrap();
    assert_eq!(answers(&repo), expected);
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}

#[test]
fn a_full_disk_is_only_slower() {
    let repo = demo();
    let expected = cold(&repo);
    for (question, expected) in QUESTIONS.iter().zip(&expected) {
        // No file may grow beyond 512 bytes, and a write that tries fails as it does on a full disk.
        let mut limited = Command::new("sh");
        repo.scrub(&mut limited);
        limited.current_dir(repo.top()).args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\""]);
        limited.arg(env!("CARGO_BIN_EXE_knockon")).args(*question);
        let found = Outcome::of(limited);
        assert_eq!((&found.done().bytes, &found.stderr), (&expected.0, &expected.1), "{question:?}");
        assert!(kept(&repo).is_empty(), "something half written stays: {:?}", kept(&repo));
    }
}

#[test]
fn many_processes_share_one_memo() {
    let repo = demo();
    let expected = cold(&repo);
    let asked = |question: &&[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_knockon"));
        repo.scrub(&mut command);
        command.current_dir(repo.top()).args(*question);
        command
    };
    let commands = (0..8).map(|_| QUESTIONS.iter().map(asked).collect::<Vec<_>>());
    let runs: Vec<_> =
        commands.map(|of_one| std::thread::spawn(|| told(of_one.into_iter().map(Outcome::of)))).collect();
    for run in runs {
        assert_eq!(run.join().unwrap(), expected);
    }
    assert!(kept(&repo).iter().all(|file| !file.to_string_lossy().ends_with(".new")));
    assert_eq!(answers(&repo), expected);
}

#[test]
fn a_process_that_is_killed_leaves_nothing_that_counts() {
    let repo = demo();
    let expected = cold(&repo);
    for milliseconds in 0..12 {
        let mut command = Command::new(env!("CARGO_BIN_EXE_knockon"));
        repo.scrub(&mut command);
        let mut child =
            command.current_dir(repo.top()).args(QUESTIONS[0]).stdout(std::process::Stdio::null()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(milliseconds * 5));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(told(std::iter::once(repo.knockon(QUESTIONS[0]))), expected[..1]);
        let _ = fs::remove_dir_all(memo(&repo));
    }
}

#[test]
fn the_cache_is_shown_and_cleared() {
    let repo = demo();
    let empty = repo.knockon(&["cache", "--format", "json"]).done().json();
    assert_eq!((&empty["items"], &empty["bytes"]), (&0.into(), &0.into()));
    assert!(!memo(&repo).exists(), "looking creates nothing");
    answers(&repo);
    let shown = repo.knockon(&["cache", "--format", "json"]).done().json();
    let bytes: u64 = kept(&repo).iter().map(|file| fs::metadata(file).unwrap().len()).sum();
    assert_eq!((shown["items"].as_u64().unwrap(), shown["bytes"].as_u64().unwrap()), (kept(&repo).len() as u64, bytes));
    assert_eq!(Path::new(shown["folder"].as_str().unwrap()), memo(&repo).canonicalize().unwrap());
    // What others put there is not knockon's to remove.
    fs::write(memo(&repo).join("notes"), "mine").unwrap();
    assert!(repo.knockon(&["cache", "--clear"]).done().stdout().starts_with("removed from "));
    assert_eq!(kept(&repo), [memo(&repo).join("notes")]);
    fs::remove_file(memo(&repo).join("notes")).unwrap();
    assert_eq!(repo.knockon(&["cache", "--clear", "--format", "json"]).done().json()["cleared"], true);
    assert!(!memo(&repo).exists());
}

#[test]
fn a_memo_is_bounded() {
    let repo = Repo::of_modules();
    for number in 0..40 {
        repo.write("new/go.mod", format!("module example/new{number}\n"));
        repo.knockon(&["affected"]).done();
    }
    assert!(kept(&repo).len() <= 32, "{}", kept(&repo).len());
}

/// The kept digests of tasks say nothing of the variables that tasks declare: another value is another fingerprint.
#[test]
fn another_value_of_a_declared_variable_is_seen_by_a_warm_run() {
    let repo = demo();
    repo.write("knockon.toml", "[task.build]\nenv = [\"FLAVOUR\"]\n").commit("flavour");
    let arguments = ["plan", "--format", "json", "--base", "HEAD~2", "--head", "HEAD"];
    let plan = |flavour: &str, memo: &str| {
        let plan = repo.start_with(&arguments, &[("FLAVOUR", flavour), ("KNOCKON_MEMO", memo)]).done().json();
        let tasks = plan["tasks"].as_array().unwrap().iter();
        tasks.map(|task| (task["id"].to_string(), task["fingerprint"].to_string())).collect::<Vec<_>>()
    };
    let (sweet, sour) = (plan("sweet", "off"), plan("sour", "off"));
    assert!(sweet.len() > 64 && sweet.iter().zip(&sour).any(|(one, other)| one != other));
    for _ in 0..2 {
        assert_eq!((plan("sweet", "on"), plan("sour", "on")), (sweet.clone(), sour.clone()));
    }
}
