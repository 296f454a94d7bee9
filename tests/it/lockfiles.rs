//! Lockfiles that package managers made themselves, each bumped; those of Node written in another way and broken, too.

use std::fs;
use std::path::{Path, PathBuf};

use crate::repository::Repo;

const FIXTURES: [(&str, &str); 5] = [
    ("lock-npm", "package-lock.json"),
    ("lock-pnpm", "pnpm-lock.yaml"),
    ("lock-yarn", "yarn.lock"),
    ("lock-berry", "yarn.lock"),
    ("lock-bun", "bun.lock"),
];

const EVERY: &[&str] = &["packages/a:build", "packages/b:build", "packages/c:build"];

/// What each commit of every fixture affects.
const COMMITS: [(&str, &[&str]); 5] = [
    ("02-debug", &["packages/a:build", "packages/b:build"]),
    ("03-inherits", &["packages/c:build"]),
    ("04-format", &[]),
    ("05-words", &[]),
    ("06-tool", EVERY),
];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// Writes all files below a folder into the repository.
fn write(repo: &Repo, folder: &Path) {
    let mut pending = vec![folder.to_owned()];
    while let Some(inner) = pending.pop() {
        for entry in fs::read_dir(inner).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else {
                let place = path.strip_prefix(folder).unwrap().to_str().unwrap();
                repo.write(place, fs::read(&path).unwrap());
            }
        }
    }
}

fn planted(name: &str) -> Repo {
    let repo = Repo::new();
    write(&repo, &fixture(name).join("repository"));
    repo.commit("base");
    repo
}

fn affected(repo: &Repo) -> Vec<String> {
    repo.report(&["--base", "HEAD~1", "--head", "HEAD"]).tasks()
}

#[test]
fn case_91_a_bump_reaches_those_who_need_it_whatever_the_manager() {
    for (name, _) in FIXTURES {
        let repo = planted(name);
        for (commit, expected) in COMMITS {
            write(&repo, &fixture(name).join("commits").join(commit));
            repo.commit(commit);
            assert_eq!(affected(&repo), expected, "{name}, {commit}");
        }
    }
}

#[test]
fn case_91_a_bump_by_poetry_or_pdm_reaches_those_who_need_it() {
    // `iniconfig` is a dependency of the group `test`; the lockfile of `alpha` is read by those who build on it, too.
    let commits: [(&str, &[&str]); 4] = [
        ("02-six", &["beta:build", "beta:test"]),
        ("03-iniconfig", &["beta:test"]),
        ("04-packaging", &["alpha:build", "alpha:test", "beta:build", "beta:test"]),
        ("05-packaging", &["beta:build", "beta:test"]),
    ];
    for name in ["lock-poetry", "lock-pdm"] {
        let repo = planted(name);
        for (commit, expected) in commits {
            write(&repo, &fixture(name).join("commits").join(commit));
            repo.commit(commit);
            assert_eq!(affected(&repo), expected, "{name}, {commit}");
        }
    }
}

#[test]
fn case_91_a_conflicted_or_truncated_lockfile_reaches_everybody() {
    for (name, lockfile) in FIXTURES {
        let text = fs::read_to_string(fixture(name).join("repository").join(lockfile)).unwrap();
        let conflicted = format!("<<<<<<< ours\n{text}=======\n{text}>>>>>>> theirs\n");
        // In the middle of a line that says something.
        let cut_short = &text[..text.find("sha512").or_else(|| text.find("10c0/")).unwrap()];
        for broken in [conflicted.as_str(), cut_short] {
            let repo = planted(name);
            repo.write(lockfile, broken).commit("broken");
            assert_eq!(affected(&repo), EVERY, "{name}: {broken}");
        }
    }
}
