//! What is broken, missing or hostile gets a clear message or a named widening; never a panic, a hang, or a silent
//! "nothing is affected".

use std::fs;

use crate::repository::{ALL_OF_MODULES, Outcome, Repo};

/// Every command that reads a repository, with arguments that fit [`Repo::of_modules`].
const READERS: [&[&str]; 6] = [
    &["plan", "--base", "main"],
    &["affected", "--base", "main"],
    &["explain", "app", "--base", "main"],
    &["graph"],
    &["inputs", "app:test"],
    &["check"],
];

#[test]
fn a_folder_without_a_repository_is_refused() {
    let repo = Repo::empty();
    for command in READERS {
        repo.start_with(command, &[("GIT_CEILING_DIRECTORIES", repo.beside("").to_str().unwrap())])
            .refused(3, "is not inside a git repository");
    }
    repo.knockon(&["plan", "-C", "/nowhere/at/all"]).refused(3, "/nowhere/at/all");
}

#[test]
fn a_repository_of_another_user_is_refused_with_the_mend() {
    let repo = Repo::of_modules();
    let foreign = std::process::Command::new("chown").args(["-R", "65534"]).arg(repo.top()).output().unwrap();
    if !foreign.status.success() {
        assert!(std::env::var_os("CI").is_none(), "CI runs as root, so that a repository can be given away");
        eprintln!("not run: only root can give a repository away");
        return;
    }
    for command in READERS {
        repo.knockon(command).refused(3, "git config --global --add safe.directory");
    }
}

#[test]
fn an_empty_repository_is_planned_whole() {
    let repo = Repo::new();
    for head in [&["--worktree"][..], &["--staged"]] {
        let outcome = repo.report(head);
        assert_eq!((outcome.tasks(), outcome.widened()), (vec![], vec!["no-commit".to_owned()]), "{head:?}");
    }
    repo.write("a/go.mod", "module a\n");
    let outcome = repo.report(&[]);
    assert_eq!((outcome.tasks(), outcome.widened()), (strings(&["a:build", "a:test"]), strings(&["no-commit"])));
    repo.knockon(&["plan", "--strict"]).status_is(4);
    repo.knockon(&["plan", "--head", "HEAD"]).refused(3, "no commit yet");
    repo.knockon(&["graph"]).done();
    repo.knockon(&["check"]).done();
}

#[test]
fn what_is_no_revision_is_refused() {
    let repo = Repo::of_modules();
    repo.git(&["branch", "feature"]);
    for (revision, status, told) in [
        ("featrue", 3, "did you mean `feature`?"),
        ("-x", 2, "begins with `-`"),
        ("--output=/tmp/f", 2, "begins with `-`"),
        ("main..feature", 2, "it is a range"),
        ("main:lib", 2, "`:` names a file"),
        ("HEAD^{tree}", 2, "names a folder"),
        ("HEAD~99", 2, "is the first commit"),
        ("", 2, "it is empty"),
        ("a b", 2, "no reference has ` ` in its name"),
        ("\u{1b}[2J", 2, "\\u{1b}"),
    ] {
        for option in ["--base", "--head"] {
            let outcome = repo.knockon(&["plan", option, revision]);
            outcome.refused(status, told);
            assert!(!outcome.stderr.contains('\u{1b}'), "{}", outcome.stderr);
        }
    }
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    let repo = Repo::of_modules();
    for (arguments, told) in [
        (&["plan", "--staged", "--worktree"][..], "cannot be used with"),
        (&["plan", "--staged", "--head", "main"], "cannot be used with"),
        (&["plan", "--format", "yaml"], "possible values"),
        (&["plna"], "unrecognized subcommand"),
        (&["explain", "nobody"], "nobody"),
        (&["explain", "../../etc/passwd"], "leaves the repository"),
        (&["explain", "/etc/passwd"], "absolute"),
        (&["graph", "nobody"], "nobody"),
        (&["inputs", "app"], "app:build"),
        (&["inputs", "app:launch"], "it has build, test"),
        (&["plan", "--pipeline", "nightly"], "pull-request"),
    ] {
        repo.knockon(arguments).refused(2, told);
    }
}

#[test]
fn case_35_histories_without_a_common_commit_plan_everything() {
    let repo = Repo::of_modules();
    repo.git(&["checkout", "--quiet", "--orphan", "other"]);
    repo.commit("the same files, another history");
    let outcome = repo.report(&["--base", "main", "--head", "other"]);
    assert_eq!((outcome.tasks(), outcome.widened()), (strings(&ALL_OF_MODULES), strings(&["no-merge-base"])));
    assert_eq!(repo.knockon(&["plan", "--base", "main", "--head", "other", "--strict"]).status, 4);
}

/// Manifests that cannot be read, and of which ecosystem they are.
fn broken() -> Vec<(&'static str, Vec<u8>)> {
    let deep = |open: &str, close: &str| [open.repeat(200_000), close.repeat(200_000)].concat().into_bytes();
    let bomb = {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for level in 1..30 {
            let below = vec![format!("*a{}", level - 1); 9].join(", ");
            text += &format!("a{level}: &a{level} [{below}]\n");
        }
        text.into_bytes()
    };
    let entities = {
        let mut text = String::from("<?xml version=\"1.0\"?>\n<!DOCTYPE project [<!ENTITY e0 \"x\">\n");
        for level in 1..30 {
            let below = format!("&e{};", level - 1).repeat(10);
            text += &format!("<!ENTITY e{level} \"{below}\">\n");
        }
        (text + "]>\n<project>&e29;</project>\n").into_bytes()
    };
    vec![
        ("package.json", b"{ \"name\": ".to_vec()),
        ("package.json", deep("[", "]")),
        ("package.json", b"\xff\xfe\x00{".to_vec()),
        ("package.json", Vec::new()),
        ("Cargo.toml", b"[package\nname = 3".to_vec()),
        ("Cargo.toml", [b"x = ".to_vec(), deep("[", "]")].concat()),
        ("pom.xml", b"<project><artifactId>a".to_vec()),
        ("pom.xml", deep("<a>", "</a>")),
        ("pom.xml", entities.clone()),
        ("broken.csproj", b"<Project><ItemGroup></Project>".to_vec()),
        ("broken.csproj", entities),
        ("pyproject.toml", b"[project]\nname = \xff\n".to_vec()),
        ("Chart.yaml", b"name: [\n".to_vec()),
        ("Chart.yaml", bomb.clone()),
        ("buf.yaml", bomb),
        ("go.mod", b"modulo a (((\n".to_vec()),
    ]
}

#[test]
fn case_96_a_manifest_that_cannot_be_read_plans_its_project() {
    for (name, bytes) in broken() {
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(40)]).into_owned();
        let told = format!("{name} {start:?}");
        let repo = Repo::of_modules();
        repo.write("web/package.json", "{ \"name\": \"web\" }").write(format!("p/{name}"), &bytes).commit("broken");
        // A module that cannot be read may be any module, so that its own ecosystem is not a bystander.
        let bystander = if name == "go.mod" { "web" } else { "app" };
        // Nobody touches it afterwards: still nobody knows what it reads.
        repo.append("lone/lone.go", "// changed\n").commit("elsewhere");
        let outcome = repo.report(&["--base", "HEAD~1", "--head", "HEAD"]);
        assert!(outcome.projects().iter().any(|id| id == "p"), "{told}: {:?}", outcome.projects());
        assert!(!outcome.widened().is_empty(), "{told}");
        assert!(!outcome.projects().iter().any(|id| id == bystander), "{told}: {:?}", outcome.projects());
        let strict = repo.knockon(&["plan", "--base", "HEAD~1", "--head", "HEAD", "--strict"]);
        assert_eq!(strict.status, 4, "{told}");
        let check = repo.knockon(&["check"]);
        assert!(check.done().stderr.contains(&format!("p/{name}")), "{told}: {}", check.stderr);
    }
}

#[test]
fn case_96_a_manifest_of_100_megabytes_ends_soon() {
    let repo = Repo::of_modules();
    let mut bytes = b"{ \"name\": \"p\", \"padding\": \"".to_vec();
    bytes.resize(100 << 20, b'x');
    repo.write("p/package.json", &bytes);
    let outcome = repo.report(&["--base", "HEAD"]);
    assert_eq!(outcome.projects(), ["p"]);
    assert_eq!(outcome.widened(), ["unreadable-manifest"]);
}

#[test]
fn case_45_a_broken_object_is_no_answer() {
    let repo = Repo::of_modules();
    repo.append("lib/lib.go", "// changed\n").commit("change");
    let object = |revision: &str| {
        let id = repo.id(revision);
        repo.top().join(format!(".git/objects/{}/{}", &id[..2], &id[2..]))
    };
    let folder = object("HEAD:lib");
    let kept = fs::read(&folder).unwrap();
    fs::remove_file(&folder).unwrap();
    let arguments = ["affected", "--base", "HEAD~1", "--head", "HEAD"];
    repo.knockon(&arguments).refused(3, "is missing");
    // From the second byte on libgit2 would wait for the rest for ever.
    for length in [0, 1, 2, kept.len() / 2, kept.len() - 1] {
        fs::write(&folder, &kept[..length]).unwrap();
        repo.knockon(&arguments).refused(3, "is corrupt");
    }
    fs::write(&folder, b"not zlib").unwrap();
    repo.knockon(&arguments).refused(3, "is corrupt");
    fs::write(&folder, &kept).unwrap();
    // A file that is only compared is never read.
    fs::remove_file(object("HEAD:lib/lib.go")).unwrap();
    assert_eq!(repo.knockon(&arguments).done().stdout(), "app\nlib\n");
}

#[test]
fn case_45_a_manifest_that_is_gone_from_the_store_widens() {
    let repo = Repo::of_modules();
    repo.append("lone/lone.go", "// changed\n").commit("change");
    let id = repo.id("HEAD:app/go.mod");
    fs::remove_file(repo.top().join(format!(".git/objects/{}/{}", &id[..2], &id[2..]))).unwrap();
    let outcome = repo.report(&["--base", "HEAD~1", "--head", "HEAD"]);
    assert_eq!(outcome.tasks(), ALL_OF_MODULES);
    assert_eq!(outcome.widened(), ["unreadable-manifest"]);
}

#[test]
fn case_45_a_configuration_that_is_gone_from_the_store_is_no_answer() {
    for (lost, at_head) in [("HEAD:knockon.toml", "[project.lone]\n"), ("HEAD~1:knockon.toml", "")] {
        let repo = Repo::of_modules();
        repo.write("knockon.toml", "[project.lone]\ninputs = [\"../lib/lib.go\"]\n").commit("configured");
        repo.write("knockon.toml", at_head).commit("change");
        let id = repo.id(lost);
        fs::remove_file(repo.top().join(format!(".git/objects/{}/{}", &id[..2], &id[2..]))).unwrap();
        repo.knockon(&["affected", "--base", "HEAD~1", "--head", "HEAD"]).refused(3, &id);
    }
}

#[test]
fn case_17_a_crafted_folder_is_no_answer() {
    let repo = Repo::of_modules();
    let blob = repo.git_fed(repo.top(), &["hash-object", "-w", "--stdin"], b"x");
    for name in ["..", ".git", ".GIT", "a/b"] {
        let entry = [format!("100644 {name}\0").as_bytes(), &unhex(&blob)].concat();
        let write = ["hash-object", "-t", "tree", "-w", "--stdin", "--literally"];
        let folder = repo.git_fed(repo.top(), &write, &entry);
        let commit = repo.git(&["commit-tree", "-m", "crafted", "-p", "HEAD", &folder]);
        let outcome = repo.knockon(&["affected", "--base", "HEAD", "--head", &commit]);
        outcome.refused(3, "");
        assert!(!outcome.stderr.is_empty(), "{name}");
    }
}

#[test]
fn conflicts_stop_what_is_staged_and_not_what_is_on_disk() {
    let repo = Repo::of_modules();
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    repo.write("lib/lib.go", "package lib // here\n").commit("here");
    repo.git(&["checkout", "--quiet", "main"]);
    repo.write("lib/lib.go", "package lib // there\n").commit("there");
    assert!(!repo.git_command(repo.top(), &["merge", "topic"]).output().unwrap().status.success());
    repo.knockon(&["plan", "--staged"]).refused(3, "lib/lib.go");
    let outcome = repo.report(&["--base", "HEAD"]);
    assert_eq!(outcome.projects(), ["app", "lib"]);
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(|&text| text.to_owned()).collect()
}

impl Outcome {
    fn status_is(&self, status: i32) {
        assert_eq!(self.status, status, "{}", self.stderr);
    }
}
