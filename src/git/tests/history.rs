//! Revisions and merge bases.

use crate::git::testing::Fixture;
use crate::git::{CommitId, GitError, MergeBases, Repository};
use crate::tree::ObjectId;

fn id(hex: &str) -> CommitId {
    CommitId(ObjectId::from_hex(hex).unwrap())
}

fn commit_of(repository: &Repository, revision: &str) -> String {
    repository.resolve(revision).unwrap().id.to_string()
}

#[test]
fn revisions_resolve_as_git_resolves_them() {
    let f = Fixture::init(&[]);
    let first = f.commit("1");
    let second = f.commit("2");
    f.git(&["tag", "-a", "v1", "-m", "t", &first]);
    f.git(&["tag", "-a", "v1-again", "-m", "t", "v1"]);
    f.git(&["checkout", "-qb", "side", &first]);
    let side = f.commit("3");
    f.git(&["checkout", "-q", "main"]);
    f.git(&["merge", "-q", "--no-ff", "-m", "m", "side"]);
    let merge = f.git(&["rev-parse", "HEAD"]);
    f.git(&["update-ref", "refs/remotes/origin/main", &second]);
    for (revision, expected) in [
        ("HEAD", &merge),
        ("@", &merge),
        ("main", &merge),
        ("refs/heads/main", &merge),
        ("heads/main", &merge),
        ("origin/main", &second),
        ("v1", &first),
        ("v1-again^{commit}", &first),
        ("v1^{}", &first),
        ("HEAD~1", &second),
        ("HEAD^", &second),
        ("HEAD^2", &side),
        ("HEAD^2~1", &first),
        ("HEAD~~", &first),
        ("HEAD^0", &merge),
        ("ORIG_HEAD", &second),
        ("@{-1}", &side),
        ("main@{1}", &second),
        (merge.as_str(), &merge),
        (&merge[..12], &merge),
        (&merge.to_uppercase(), &merge),
    ] {
        for r in [f.open(), f.plumbing()] {
            assert_eq!(&commit_of(&r, revision), expected, "{revision}");
        }
    }
}

#[test]
fn case_41_options_ranges_and_injections_are_refused() {
    let f = Fixture::init(&[]);
    let first = f.commit("1");
    f.git(&["update-ref", "refs/heads/-x", &first]);
    let r = f.open();
    for revision in [
        "",
        "-x",
        "--output=f",
        "main...main",
        "main..main",
        "main:f",
        ":/1",
        "HEAD^{tree}",
        "HEAD^@",
        "^main",
        "HEAD^-",
        "a b",
        "x\n",
        "HEAD^9",
        "HEAD~7",
        "HEAD~99999999999999999999999",
    ] {
        assert!(
            matches!(r.resolve(revision), Err(GitError::RefusedRevision { .. })),
            "{revision}: {:?}",
            r.resolve(revision)
        );
    }
    for revision in ["$(id)", "a;b", "'q'", "no-such"] {
        assert!(matches!(r.resolve(revision), Err(GitError::UnknownRevision { .. })), "{revision}");
    }
    assert_eq!(commit_of(&r, "refs/heads/-x"), first);
}

#[test]
fn unknown_revisions_propose_near_names() {
    let f = Fixture::init(&[]);
    let first = f.commit("1");
    f.git(&["branch", "feature/login"]);
    f.git(&["update-ref", "refs/remotes/origin/mian", &first]);
    let r = f.open();
    let near = |revision: &str| match r.resolve(revision) {
        Err(GitError::UnknownRevision { near, .. }) => near,
        other => panic!("{other:?}"),
    };
    assert_eq!(near("feature/logni"), ["feature/login"]);
    assert_eq!(near("maim"), ["main"]);
    assert_eq!(near("mian"), ["origin/mian", "main"]);
    assert!(near("zzzzzzzz").is_empty());
}

#[test]
fn case_40_what_could_mean_two_things_is_refused() {
    let f = Fixture::init(&[]);
    let first = f.commit("1");
    let second = f.commit("2");
    f.git(&["branch", &first[..7], &second]);
    f.git(&["branch", "both", &first]);
    f.git(&["tag", "both", &second]);
    f.git(&["branch", "same", &first]);
    f.git(&["tag", "same", &first]);
    let r = f.open();
    for revision in [&first[..7], "both"] {
        let Err(GitError::AmbiguousRevision { meanings, .. }) = r.resolve(revision) else { panic!("{revision}") };
        assert_eq!(meanings.len(), 2, "{meanings:?}");
    }
    assert_eq!(commit_of(&r, "same"), first);
    assert_eq!(commit_of(&r, "heads/both"), first);
    let blob = f.git(&["hash-object", "-w", "--stdin"]);
    assert!(matches!(r.resolve(&blob), Err(GitError::RefusedRevision { .. })));
}

#[test]
fn case_28_and_36_no_commit_yet_and_a_commit_that_is_gone() {
    let f = Fixture::init(&[]);
    let r = f.open();
    assert_eq!(r.resolve("HEAD"), Err(GitError::UnbornHead));
    assert_eq!(r.resolve("HEAD~1"), Err(GitError::UnbornHead));
    assert_eq!(r.head(), Ok(None));
    assert!(matches!(r.resolve("main"), Err(GitError::UnknownRevision { .. })));
    assert!(matches!(r.resolve(&"1".repeat(40)), Err(GitError::UnknownRevision { .. })));
    assert!(matches!(r.resolve(&"0".repeat(40)), Err(GitError::UnknownRevision { .. })));
    let empty = r.empty_tree().unwrap();
    assert_eq!(empty.root().to_string(), "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
    assert!(empty.folder(empty.root()).unwrap().is_empty());
}

#[test]
fn case_31_a_criss_cross_has_two_bases() {
    let f = Fixture::init(&[]);
    f.commit("0");
    f.git(&["branch", "topic"]);
    let a = f.commit("a");
    f.git(&["checkout", "-q", "topic"]);
    let b = f.commit("b");
    f.git(&["merge", "-q", "--no-ff", "-m", "m", &a]);
    f.git(&["checkout", "-q", "main"]);
    f.git(&["merge", "-q", "--no-ff", "-m", "m", &b]);
    let r = f.open();
    let bases = r.merge_bases(r.resolve("main").unwrap().id, r.resolve("topic").unwrap().id).unwrap();
    let mut expected = vec![id(&a), id(&b)];
    expected.sort();
    assert_eq!(bases, MergeBases::Proved(expected));
}

#[test]
fn case_35_unrelated_histories_have_no_base() {
    let f = Fixture::init(&[]);
    let a = f.commit("a");
    f.git(&["checkout", "-q", "--orphan", "other"]);
    let b = f.commit("b");
    assert!(matches!(f.open().merge_bases(id(&a), id(&b)), Ok(MergeBases::None { .. })));
}

/// main: s1 - M1 - x1..x4 - merge(oldM from s1); topic from M1: y1..y4 - merge(oldT from s1) - last.
fn shallow_trap() -> (Fixture, String) {
    let f = Fixture::init(&[]);
    f.write("svc/f", "A");
    let s1 = f.commit("s1");
    f.write("svc/f", "B");
    let m1 = f.commit("M1");
    for (name, from, count) in [("oldM", &s1, 1), ("oldT", &s1, 1), ("topic", &m1, 4), ("main", &m1, 4)] {
        if name == "main" {
            f.git(&["checkout", "-q", name]);
        } else {
            f.git(&["checkout", "-qb", name, from]);
        }
        for n in 1..=count {
            f.write(&format!("{name}{n}"), "");
            f.commit(&format!("{name}{n}"));
        }
    }
    f.git(&["merge", "-q", "--no-ff", "-m", "merge oldM", "oldM"]);
    f.git(&["checkout", "-q", "topic"]);
    f.git(&["merge", "-q", "--no-ff", "-m", "merge oldT", "oldT"]);
    f.write("svc/f", "A");
    f.commit("last");
    (f, m1)
}

#[test]
fn case_33_a_shallow_clone_never_gives_an_older_base_as_proved() {
    let (f, m1) = shallow_trap();
    for depth in 1..=7 {
        let clone = f.beside(&format!("clone{depth}"));
        let url = format!("file://{}", f.top().display());
        f.git(&["clone", "-q", "--no-single-branch", &format!("--depth={depth}"), &url, clone.to_str().unwrap()]);
        let r = f.open_at(&clone).unwrap();
        let (main, topic) = (r.resolve("origin/main").unwrap(), r.resolve("origin/topic").unwrap());
        let bases = r.merge_bases(main.id, topic.id).unwrap();
        match depth {
            1 | 2 => assert!(
                matches!(&bases, MergeBases::None { reason } if reason.contains("shallow")),
                "{depth}: {bases:?}"
            ),
            3..=6 => assert!(matches!(&bases, MergeBases::Unproved { .. }), "{depth}: {bases:?}"),
            _ => assert_eq!(bases, MergeBases::Proved(vec![id(&m1)]), "{depth}"),
        }
    }
    let full = f.open();
    let bases = full.merge_bases(full.resolve("main").unwrap().id, full.resolve("topic").unwrap().id);
    assert_eq!(bases, Ok(MergeBases::Proved(vec![id(&m1)])));
    assert!(!full.is_shallow());
}

#[test]
fn case_34_a_shallow_fetch_into_a_full_clone_is_noticed() {
    let f = Fixture::init(&[]);
    f.commit("1");
    let clone = f.beside("clone");
    let url = format!("file://{}", f.top().display());
    f.git(&["clone", "-q", &url, clone.to_str().unwrap()]);
    f.commit("2");
    f.commit("3");
    f.git_in(&clone, &["fetch", "-q", "--depth=1", "origin"]);
    let r = f.open_at(&clone).unwrap();
    assert!(r.is_shallow());
    let (local, remote) = (r.resolve("HEAD").unwrap().id, r.resolve("origin/main").unwrap().id);
    assert!(matches!(r.merge_bases(local, remote), Ok(MergeBases::None { reason }) if reason.contains("shallow")));
    assert!(matches!(r.resolve("origin/main~1"), Err(GitError::CutHistory { .. })));
    assert!(matches!(r.parents(remote), Err(GitError::CutHistory { .. })));
}

#[test]
fn a_cut_below_the_base_leaves_it_proved() {
    let f = Fixture::init(&[]);
    f.commit("1");
    let base = f.commit("2");
    f.git(&["checkout", "-qb", "topic"]);
    f.commit("3");
    let clone = f.beside("clone");
    let url = format!("file://{}", f.top().display());
    f.git(&["clone", "-q", "--depth=2", "-b", "topic", "--no-single-branch", &url, clone.to_str().unwrap()]);
    let r = f.open_at(&clone).unwrap();
    let bases = r.merge_bases(r.resolve("origin/main").unwrap().id, r.resolve("HEAD").unwrap().id);
    assert_eq!(bases, Ok(MergeBases::Proved(vec![id(&base)])));
    assert!(r.is_shallow());
}

#[test]
fn case_43_replacements_and_grafts_are_not_followed() {
    let f = Fixture::init(&[]);
    f.write("f", "1");
    let first = f.commit("1");
    f.write("f", "2");
    let second = f.commit("2");
    let tree = f.git(&["rev-parse", "HEAD^{tree}"]);
    f.git(&["replace", &second, &first]);
    f.write(".git/info/grafts", format!("{second}\n"));
    let r = f.open();
    let head = r.resolve("HEAD").unwrap();
    assert_eq!(head.id, id(&second));
    assert_eq!(head.tree.to_string(), tree);
    assert_eq!(r.parents(head.id), Ok(vec![id(&first)]));
    assert_eq!(r.merge_bases(id(&first), id(&second)), Ok(MergeBases::Proved(vec![id(&first)])));
}

#[test]
fn the_default_branch_is_found_and_explained() {
    let f = Fixture::init(&[]);
    let first = f.commit("1");
    assert_eq!(f.open().default_branch(None).unwrap().unwrap().name, "main");
    f.git(&["update-ref", "refs/remotes/origin/main", &first]);
    assert_eq!(f.open().default_branch(None).unwrap().unwrap().name, "origin/main");
    f.git(&["update-ref", "refs/remotes/origin/trunk", &first]);
    f.git(&["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk"]);
    let found = f.open().default_branch(None).unwrap().unwrap();
    assert_eq!((found.name.as_str(), found.reason.as_str()), ("origin/trunk", "`origin/HEAD` names it"));
    assert_eq!(f.open().default_branch(Some("main")).unwrap().unwrap().name, "origin/main");
    assert!(matches!(f.open().default_branch(Some("mian")), Err(GitError::UnknownRevision { .. })));
    let empty = Fixture::init(&[]);
    assert_eq!(empty.open().default_branch(None), Ok(None));
}
