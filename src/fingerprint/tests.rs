//! The laws of the encoding, and the vectors that hold it.

use super::*;
use crate::tree::{ContentId, MemoryTree, Mode, ObjectId};
use crate::workspace::testing::{path, workspace_of};

#[test]
fn case_76_fields_and_lists_cannot_run_into_each_other() {
    let digest = |write: &dyn Fn(&mut Encoder) -> Fingerprint| {
        let mut encoder = Encoder::new(b"test");
        write(&mut encoder)
    };
    let different = [
        digest(&|e| e.bytes(b"ab").bytes(b"c").finish()),
        digest(&|e| e.bytes(b"a").bytes(b"bc").finish()),
        digest(&|e| e.bytes(b"abc").finish()),
        digest(&|e| e.count(1).bytes(b"abc").finish()),
        digest(&|e| e.bytes(b"abc").bytes(b"").finish()),
        digest(&|e| e.optional(None).finish()),
        digest(&|e| e.optional(Some("")).finish()),
        Encoder::new(b"other").finish(),
    ];
    let distinct: BTreeSet<_> = different.iter().collect();
    assert_eq!(distinct.len(), different.len());
}

/// The content ids of the vectors: 20 bytes of one number, as a SHA-1 would be.
fn tree(files: &[(&str, Mode, u8)]) -> MemoryTree {
    let listed = files.iter().map(|(file, mode, id)| {
        let id = ContentId(ObjectId::from_bytes(&[*id; 20]).unwrap());
        (path(file), *mode, id)
    });
    let folder = |entries: &[crate::tree::Entry]| {
        let text = format!("{entries:?}");
        crate::tree::TreeId(ObjectId::from(*blake3::hash(text.as_bytes()).as_bytes()))
    };
    MemoryTree::from_ids(listed, &folder)
}

/// Two modules and a configuration; `a` reads `b`, and both read each other where the configuration says so.
fn workspace(more: &str) -> Workspace {
    let text = "== a/x\n== b/x\n== knockon.toml\n[project.a]\ndepends-on = [\"b\"]\n[project.a.task.build]\ncommand = \"make\"\nenv = [\"CI\", \"LANG\"]\noutputs = [\"out/**\", \"log\"]\n[project.b.task.build]\n";
    workspace_of(&MemoryTree::parse(&format!("{text}{more}")))
}

fn prints(workspace: &Workspace, files: &[(&str, Mode, u8)], environment: &Environment) -> Vec<String> {
    let all = workspace.task_indices().collect();
    let prints = fingerprints(workspace, &tree(files), environment, &all, &OwnDigests::default()).unwrap();
    prints.tasks.iter().map(|(task, print)| format!("{} {print}", workspace.task_id(*task))).collect()
}

const FILES: [(&str, Mode, u8); 3] = [("a/x", Mode::File, 1), ("a/run", Mode::Executable, 2), ("b/x", Mode::File, 3)];

/// These stand in `docs/fingerprint.md` too. Whoever changes the encoding changes its context with them.
#[test]
fn case_76_golden_vectors() {
    let environment = Environment::from([("CI".to_owned(), Some(String::new())), ("LANG".to_owned(), None)]);
    let document = include_str!("../../docs/fingerprint.md");
    let mut told = vec![format!("empty {}", Encoder::new(b"own").finish())];
    told.extend(prints(&workspace(""), &FILES, &environment).into_iter().map(|line| format!("chain {line}")));
    let circle = workspace("depends-on = [\"a:build\"]\n");
    told.extend(prints(&circle, &FILES, &environment).into_iter().map(|line| format!("circle {line}")));
    for line in &told {
        assert!(
            document.contains(line.as_str()),
            "docs/fingerprint.md lacks a vector; there are now\n{}",
            told.join("\n")
        );
    }
    assert_eq!(told.len(), 5);
}

#[test]
fn case_76_each_part_of_a_task_is_told_apart() {
    let none = Environment::new();
    let own = |workspace: &Workspace, files: &[(&str, Mode, u8)], environment: &Environment| {
        prints(workspace, files, environment)[0].clone()
    };
    let configured = |text: &str| {
        workspace_of(&MemoryTree::parse(&format!("== a/x\n== knockon.toml\n[project.a.task.build]\n{text}\n")))
    };
    let plain = configured("");
    let environment = |value: Option<&str>| Environment::from([("CI".to_owned(), value.map(str::to_owned))]);
    let reads_ci = configured("env = [\"CI\"]");
    let file = [("a/x", Mode::File, 1)];
    let different = [
        own(&plain, &[], &none),
        own(&plain, &file, &none),
        own(&plain, &[("a/y", Mode::File, 1)], &none),
        own(&plain, &[("a/x", Mode::File, 2)], &none),
        own(&plain, &[("a/x", Mode::Executable, 1)], &none),
        own(&plain, &[("a/x", Mode::Symlink, 1)], &none),
        own(&plain, &[("a/x", Mode::Submodule, 1)], &none),
        own(&configured("command = \"x a b\""), &file, &none),
        own(&configured("command = \"x b a\""), &file, &none),
        own(&configured("command = \"\\\"x a\\\" b\""), &file, &none),
        own(&reads_ci, &file, &none),
        own(&reads_ci, &file, &environment(Some(""))),
        own(&reads_ci, &file, &environment(Some("1"))),
        own(&configured("env = [\"C\"]"), &file, &none),
        own(&configured("outputs = [\"CI\"]"), &file, &none),
        own(&configured("outputs = [\"C\", \"I\"]"), &file, &none),
    ];
    assert_eq!(different.iter().collect::<BTreeSet<_>>().len(), different.len());
    assert_eq!(own(&reads_ci, &file, &environment(None)), own(&reads_ci, &file, &none));
    // Names of variables are a set; those that are not declared do not count.
    let turned = [configured("env = [\"A\", \"B\"]"), configured("env = [\"B\", \"A\"]")];
    assert_eq!(own(&turned[0], &file, &none), own(&turned[1], &file, &environment(Some("1"))));
}
