//! What is printed, and where: section F of the edge cases, with names that try to steer whoever reads them.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::repository::{Outcome, Repo, text};

/// Names of files that a person, a terminal or a CI engine could take for something else.
const NAMES: [&[u8]; 16] = [
    b"esc\x1b[2J\x1b]52;c;aGk=\x07",
    b"carriage\rreturn",
    b"bidi\xe2\x80\xaetxt",
    b"nl\n::set-output name=x::y",
    b"::add-mask::secret",
    b"nl\n::add-mask::secret",
    b"##vso[task.setvariable variable=x]y",
    b"\xff\xfe",
    b" leading and trailing ",
    b"-rf",
    b"--output=x",
    b"quote\"back\\slash",
    b"*?[a]",
    b"a:b",
    b"tab\there",
    "é and e\u{301}".as_bytes(),
];

const LAST: [&str; 4] = ["--base", "HEAD~1", "--head", "HEAD"];

/// Every name as a file and as a folder with a project in it.
fn of_names() -> Repo {
    let repo = Repo::of_modules();
    for name in NAMES {
        repo.write([b"lone/", name].concat(), "x");
        repo.write([b"modules/", name, b"/go.mod"].concat(), "module example.org/x\n");
        repo.write([b"nobody/", name].concat(), "x");
        repo.write([name, b"/go.mod"].concat(), "module example.org/x\n");
    }
    repo.commit("names");
    repo
}

fn bytes_of(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.clone().into_bytes(),
        _ => value["bytes"].as_array().unwrap().iter().map(|byte| byte.as_u64().unwrap() as u8).collect(),
    }
}

#[test]
fn case_13_and_14_names_come_through_json_byte_by_byte() {
    let repo = of_names();
    let report = repo.report(&LAST).json();
    let mut unowned: Vec<Vec<u8>> = report["unowned"].as_array().unwrap().iter().map(bytes_of).collect();
    unowned.sort();
    let below = |folder: &str| {
        let mut names: Vec<Vec<u8>> = NAMES.iter().map(|name| [folder.as_bytes(), name].concat()).collect();
        names.sort();
        names
    };
    assert_eq!(unowned, below("nobody/"));
    let ids: Vec<Vec<u8>> =
        report["projects"].as_array().unwrap().iter().map(|project| bytes_of(&project["id"])).collect();
    for id in below("modules/") {
        assert!(ids.contains(&id), "{}", String::from_utf8_lossy(&id));
    }
    let lone = report["projects"].as_array().unwrap().iter().find(|project| project["id"] == "lone").unwrap();
    let mut read: Vec<Vec<u8>> = lone["causes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|cause| cause["cause"] == "input")
        .map(|cause| bytes_of(&cause["path"]))
        .collect();
    read.sort();
    read.dedup();
    assert_eq!(read, below("lone/"));
}

#[test]
fn case_15_and_16_no_name_steers_a_terminal_or_a_log() {
    let repo = of_names();
    for command in [
        &["plan", "--all"][..],
        &["affected"],
        &["affected", "--format", "text", "--all"],
        &["explain", "lone", "--all"],
        &["explain", "modules/::add-mask::secret"],
    ] {
        let outcome = repo.knockon(&[command, &LAST].concat());
        steers_nothing(command, &outcome);
    }
    for command in [
        &["graph", "--all"][..],
        &["graph", "--format", "dot"],
        &["graph", "--format", "mermaid"],
        &["inputs", "lone:test", "--all"],
        &["check", "--all"],
        &["explain", "lone/::add-mask::secret"],
        &["check", "--format", "json"],
        &["graph", "--format", "json"],
        &["explain", "no\u{1b}[2Jproject\n::add-mask::x"],
        &["plan", "--base", "no\u{1b}[2Jrevision\n::add-mask::x"],
    ] {
        steers_nothing(command, &repo.knockon(command));
    }
}

#[test]
fn names_for_shell_loops_are_folders_and_no_options() {
    let repo = Repo::of_modules();
    for name in ["-rf", "::add-mask::x", "with space", "plain"] {
        repo.write(format!("{name}/go.mod"), "module example.org/x\n");
    }
    let told = repo.knockon(&["affected", "--base", "HEAD"]);
    assert_eq!(told.done().stdout(), "./-rf\n./::add-mask::x\nplain\nwith space\n");
}

fn steers_nothing(command: &[&str], outcome: &Outcome) {
    assert!(matches!(outcome.status, 0 | 2), "{command:?}: {}", outcome.stderr);
    let said = [String::from_utf8(outcome.bytes.clone()).unwrap(), outcome.stderr.clone()];
    for line in said.iter().flat_map(|text| text.split('\n')) {
        let steers = |c: char| c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}');
        assert!(!line.contains(steers), "{command:?}: {line:?}");
        assert!(!line.trim_start().starts_with("::"), "{command:?}: {line:?}");
        assert!(!line.contains("##vso[") && !line.contains("##["), "{command:?}: {line:?}");
    }
}

#[test]
fn colours_are_for_terminals_and_for_whoever_asks() {
    let repo = Repo::demo();
    let plan = |options: &[&str], variables: &[(&str, &str)]| {
        let outcome = repo.start_with(&[&["plan"], options, &LAST].concat(), variables);
        outcome.done().stdout().contains('\u{1b}')
    };
    assert!(!plan(&[], &[]));
    assert!(plan(&["--color", "always"], &[]));
    assert!(plan(&["--color", "always"], &[("NO_COLOR", "1")]), "what is asked for comes first");
    assert!(!plan(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
    assert!(!plan(&[], &[("NO_COLOR", "1"), ("TERM", "xterm-256color")]));
}

#[test]
fn stdout_carries_the_answer_alone() {
    let repo = Repo::demo();
    // Findings there are: the demo's mistakes are on purpose.
    repo.write("lone.bin", "version https://git-lfs.github.com/spec/v1\n");
    for command in [&["plan"][..], &["affected"], &["graph"], &["inputs", "delivery:test"], &["check"]] {
        let outcome = repo.knockon(&[command, &["--format", "json", "--all"]].concat());
        assert_eq!(outcome.done().json()["schema"], 1, "{command:?}");
    }
    let names = repo.knockon(&[&["affected"][..], &LAST].concat());
    for line in names.done().stdout().lines() {
        assert!(repo.top().join(line).is_dir(), "{line}");
    }
}

#[test]
fn case_98_an_empty_answer_is_an_answer() {
    let repo = Repo::demo();
    let nothing = ["--base", "HEAD", "--head", "HEAD"];
    assert_eq!(repo.knockon(&[&["affected"][..], &nothing].concat()).done().stdout(), "");
    assert_eq!(repo.report(&nothing).json()["projects"], serde_json::json!([]));
    let plan = repo.knockon(&[&["plan", "--format", "json"][..], &nothing].concat());
    assert_eq!(plan.done().json()["tasks"], serde_json::json!([]));
    repo.knockon(&[&["plan", "--strict"][..], &nothing].concat()).done();
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let repo = Repo::of_modules();
    for number in 0..2000 {
        repo.write(format!("many/module-with-a-long-name-{number}/go.mod"), format!("module example.org/m{number}\n"));
    }
    let knockon = env!("CARGO_BIN_EXE_knockon");
    for command in ["affected --base HEAD", "plan --all --base HEAD", "graph --format json", "check --all"] {
        let script = format!("set -o pipefail; '{knockon}' {command} | head -n 1 >/dev/null; echo ${{PIPESTATUS[0]}}");
        let mut shell = Command::new("bash");
        repo.scrub(&mut shell);
        let outcome = Outcome::of({
            shell.current_dir(repo.top()).args(["-c", &script]);
            shell
        });
        assert_eq!(
            (outcome.stdout(), outcome.stderr.contains("error")),
            ("0\n", false),
            "{command}: {}",
            outcome.stderr
        );
    }
    // Neither is a closed stream.
    for closed in ["1>&-", "2>&-", "1>&- 2>&-"] {
        let mut shell = Command::new("sh");
        repo.scrub(&mut shell);
        shell.current_dir(repo.top()).args(["-c", &format!("'{knockon}' graph {closed}")]);
        let status = shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        assert!(matches!(status.code(), Some(0 | 3)), "{closed}: {status}");
    }
}

#[test]
fn case_100_nothing_but_the_repository_shows_in_an_answer() {
    let repo = Repo::demo();
    let hostile = repo.beside("gitconfig");
    fs::write(
        &hostile,
        "[diff]\n\trenames = copies\n\tnoprefix = true\n\texternal = false\n\tignoreSubmodules = all\n\torderFile = /dev/null\n\
         [core]\n\tquotePath = false\n\tprecomposeUnicode = true\n\tignoreCase = true\n\tabbrev = 40\n\
         [status]\n\tshowUntrackedFiles = no\n[color]\n\tui = always\n[i18n]\n\tlogOutputEncoding = latin1\n\
         [log]\n\tshowSignature = true\n[merge]\n\trenames = false\n",
    )
    .unwrap();
    let hostile = hostile.to_str().unwrap();
    let surroundings: [&[(&str, &str)]; 7] = [
        &[("RAYON_NUM_THREADS", "1")],
        &[("RAYON_NUM_THREADS", "8")],
        &[("LC_ALL", "tr_TR.UTF-8"), ("LANG", "tr_TR.UTF-8"), ("LC_COLLATE", "de_DE")],
        &[("LC_ALL", ""), ("LANG", ""), ("TZ", "Pacific/Kiritimati")],
        &[("GIT_CONFIG_GLOBAL", hostile), ("TERM", "xterm"), ("COLUMNS", "40")],
        &[("GIT_PAGER", "false"), ("PAGER", "false"), ("GIT_EXTERNAL_DIFF", "false"), ("GIT_LITERAL_PATHSPECS", "1")],
        &[("USER", "x"), ("HOSTNAME", "y"), ("SOURCE_DATE_EPOCH", "0"), ("FAKETIME", "@0")],
    ];
    repo.append("proto/position.proto", "// on disk\n").write("new/go.mod", "module new\n");
    for command in [
        &["plan", "--format", "json", "--base", "HEAD~2", "--head", "HEAD"][..],
        &["plan", "--base", "HEAD~3"],
        &["affected", "--format", "json", "--base", "HEAD~3"],
        &["explain", "dronescheduler", "--base", "HEAD~1"],
        &["graph", "--format", "json"],
        &["inputs", "delivery:image", "--format", "json"],
        &["check", "--format", "json"],
    ] {
        let expected = repo.knockon(command);
        expected.done();
        for variables in surroundings {
            let outcome = repo.start_with(command, variables);
            assert_eq!(outcome.stdout(), expected.stdout(), "{command:?} with {variables:?}");
            assert_eq!(outcome.stderr, expected.stderr, "{command:?} with {variables:?}");
        }
    }
    // The same repository elsewhere.
    let elsewhere = Repo::demo();
    assert_eq!(elsewhere.report(&LAST).bytes, repo.report(&LAST).bytes);
}

const OUTPUTS: [(&str, &[&str]); 5] = [
    ("plan", &["plan", "--format", "json", "--base", "HEAD~1", "--head", "HEAD"]),
    ("affected", &["affected", "--format", "json", "--base", "HEAD~1", "--head", "HEAD"]),
    ("graph", &["graph", "--format", "json", "--head", "HEAD"]),
    ("inputs", &["inputs", "delivery:image", "--format", "json", "--head", "HEAD"]),
    ("check", &["check", "--format", "json", "--head", "HEAD"]),
];

#[test]
fn the_answers_about_the_demo_are_these() {
    let repo = Repo::demo();
    for (name, arguments) in OUTPUTS {
        // What a fingerprint is of is held by its own tests; here it would only tell that something changed.
        let told = repo.knockon(arguments);
        let lines: Vec<&str> = told
            .done()
            .stdout()
            .lines()
            .map(|line| line.split_once("\"fingerprint\": ").map_or(line, |(start, _)| start))
            .collect();
        insta::assert_snapshot!(format!("{name}.json"), lines.join("\n"));
    }
    for (name, arguments) in [
        ("plan", &["plan"][..]),
        ("affected", &["affected", "--format", "text"]),
        ("explain", &["explain", "dronescheduler"]),
        ("explain-task", &["explain", "Shipping.Delivery.Tests:test"]),
        ("explain-not", &["explain", "tracking"]),
        ("explain-path", &["explain", "src/shipping/delivery/Shipping.Common/Limits.cs"]),
    ] {
        insta::assert_snapshot!(format!("{name}.text"), repo.knockon(&[arguments, &LAST].concat()).done().stdout());
    }
}

/// The schemas are written by `for of in config plan affected graph inputs check history cache run; do knockon schema $of
/// > docs/schema/$of.json; done`.
#[test]
fn the_published_schemas_are_those_of_the_types() {
    let repo = Repo::demo();
    for name in ["config", "plan", "affected", "graph", "inputs", "check", "history", "cache", "run"] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/schema/{name}.json"));
        let published = fs::read_to_string(&file).unwrap_or_default();
        let told = repo.knockon(&["schema", name]);
        assert!(published == told.done().stdout(), "run `knockon schema {name} > docs/schema/{name}.json`");
    }
    for (name, arguments) in OUTPUTS {
        let schema = repo.knockon(&["schema", name]).done().json();
        let output = repo.knockon(arguments).done().json();
        let mut keys: Vec<String> = output.as_object().unwrap().keys().cloned().collect();
        let properties = schema["properties"].as_object().unwrap();
        for key in &keys {
            assert!(properties.contains_key(key), "{name}: the schema says nothing of `{key}`");
        }
        keys.sort();
        for key in schema["required"].as_array().unwrap() {
            assert!(keys.contains(&text(key)), "{name}: `{key}` is required and not there");
        }
    }
}

#[test]
fn completions_and_the_manual_name_every_command() {
    let repo = Repo::empty();
    let help = repo.knockon(&["--help"]);
    let commands = [
        "plan",
        "affected",
        "explain",
        "graph",
        "inputs",
        "check",
        "init",
        "schema",
        "demo",
        "completions",
        "cache",
        "run",
        "last",
    ];
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let told = repo.knockon(&["completions", shell]);
        for command in commands {
            assert!(told.done().stdout().contains(command), "{shell}: {command}");
        }
    }
    let page = repo.knockon(&["man"]);
    for command in commands {
        assert!(page.done().stdout().contains(command) && help.done().stdout().contains(command), "{command}");
    }
    assert!(page.stdout().starts_with(".ie") && help.stdout().contains("Exit codes: 0 done"));
}

#[test]
fn the_demo_is_planted_planned_and_explained() {
    let repo = Repo::empty();
    let place = repo.beside("demo");
    let told = repo.knockon(&["demo", place.to_str().unwrap()]);
    for part in ["$ knockon plan --base HEAD~1 --head HEAD", "$ knockon explain dronescheduler", "7 commits"] {
        assert!(told.done().stdout().contains(part), "{part}");
    }
    assert_eq!(repo.git_in(&place, &["status", "--porcelain"]), "");
    assert_eq!(repo.git_in(&place, &["fsck", "--strict"]), "");
    repo.knockon(&["demo", place.to_str().unwrap()]).refused(3, place.to_str().unwrap());
}
