//! The laws of the encoding, and the vectors that hold it.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::tree::{ContentId, MemoryTree, Mode, ObjectId};
use crate::workspace::TaskId;
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

/// A task's own part as `docs/fingerprint.md` names its fields, each in the order that is written there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct OwnPart {
    project: Vec<u8>,
    name: Vec<u8>,
    files: Vec<(Vec<u8>, u32, Vec<u8>)>,
    commands: Vec<(Vec<u8>, Vec<u8>)>,
    variables: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    outputs: Vec<Vec<u8>>,
    tools: Vec<Vec<u8>>,
    slices: Vec<(Vec<u8>, Vec<u8>)>,
}

/// The encoding, written from the document alone.
mod documented {
    use super::OwnPart;

    pub(super) fn bytes(field: &[u8]) -> Vec<u8> {
        [&count(field.len()), field].concat()
    }

    pub(super) fn count(count: usize) -> Vec<u8> {
        (count as u64).to_le_bytes().to_vec()
    }

    pub(super) fn number(number: u32) -> Vec<u8> {
        number.to_le_bytes().to_vec()
    }

    pub(super) fn digest(encoded: &[u8]) -> [u8; 32] {
        blake3::derive_key("knockon 2026-11 task fingerprint v2", encoded)
    }

    fn list<T>(items: &[T], item: impl Fn(&T) -> Vec<u8>) -> Vec<u8> {
        [count(items.len()), items.iter().flat_map(item).collect()].concat()
    }

    pub(super) fn own(part: &OwnPart) -> Vec<u8> {
        let optional = |value: &Option<Vec<u8>>| match value {
            None => number(0),
            Some(value) => [number(1), bytes(value)].concat(),
        };
        [
            bytes(b"own"),
            bytes(&part.project),
            bytes(&part.name),
            list(&part.files, |(path, mode, id)| [bytes(path), number(*mode), bytes(id)].concat()),
            list(&part.commands, |(line, folder)| [bytes(line), bytes(folder)].concat()),
            list(&part.variables, |(name, value)| [bytes(name), optional(value)].concat()),
            list(&part.outputs, |pattern| bytes(pattern)),
            list(&part.tools, |name| bytes(name)),
            list(&part.slices, |(path, slice)| [bytes(path), bytes(slice)].concat()),
        ]
        .concat()
    }

    /// What remains to be read of an encoding.
    struct Reader<'a>(&'a [u8]);

    impl Reader<'_> {
        fn take(&mut self, length: usize) -> Option<Vec<u8>> {
            let (taken, rest) = self.0.split_at_checked(length)?;
            self.0 = rest;
            Some(taken.to_vec())
        }

        fn count(&mut self) -> Option<usize> {
            usize::try_from(u64::from_le_bytes(self.take(8)?.try_into().ok()?)).ok()
        }

        fn number(&mut self) -> Option<u32> {
            Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
        }

        fn bytes(&mut self) -> Option<Vec<u8>> {
            let length = self.count()?;
            self.take(length)
        }

        fn list<T>(&mut self, item: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
            (0..self.count()?).map(|_| item(self)).collect()
        }
    }

    /// The inverse: an encoding that can be read back in one way only was made of one thing only.
    pub(super) fn decode(encoded: &[u8]) -> Option<OwnPart> {
        let mut reader = Reader(encoded);
        if reader.bytes()? != b"own" {
            return None;
        }
        let part = OwnPart {
            project: reader.bytes()?,
            name: reader.bytes()?,
            files: reader.list(|r| Some((r.bytes()?, r.number()?, r.bytes()?)))?,
            commands: reader.list(|r| Some((r.bytes()?, r.bytes()?)))?,
            variables: reader.list(|r| {
                let name = r.bytes()?;
                Some((name, if r.number()? == 0 { None } else { Some(r.bytes()?) }))
            })?,
            outputs: reader.list(Reader::bytes)?,
            tools: reader.list(Reader::bytes)?,
            slices: reader.list(|r| Some((r.bytes()?, r.bytes()?)))?,
        };
        reader.0.is_empty().then_some(part)
    }
}

/// Short texts of few letters, so that borders between fields are where they could be mistaken.
fn text() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(select(&b"ab\x01"[..]), 0..4)
}

fn own_part() -> impl Strategy<Value = OwnPart> {
    let name = || prop::collection::vec(select(&b"ab"[..]), 1..4);
    let id = (0..3_u8, select(vec![20_usize, 32])).prop_map(|(byte, length)| vec![byte; length]);
    let mode = select(MODES.map(Mode::bits).to_vec());
    let files = prop::collection::btree_map(name(), (mode, id), 0..3);
    let variables = prop::collection::btree_map(text(), prop::option::of(text()), 0..3);
    let tools = prop::collection::btree_set(text(), 0..3);
    let slices = prop::collection::btree_set((name(), (0..3_u8).prop_map(|byte| vec![byte; 32])), 0..3);
    let (commands, outputs) = (prop::collection::vec((text(), name()), 0..3), prop::collection::vec(text(), 0..3));
    (name(), text(), files, commands, variables, outputs, tools, slices).prop_map(
        |(project, name, files, commands, variables, outputs, tools, slices)| OwnPart {
            project,
            name,
            files: files.into_iter().map(|(path, (mode, id))| (path, mode, id)).collect(),
            commands,
            variables: variables.into_iter().collect(),
            outputs,
            tools: tools.into_iter().collect(),
            slices: slices.into_iter().collect(),
        },
    )
}

/// Two parts of which the second is the first, or is made of it by a small step, or has nothing to do with it.
fn neighbours() -> impl Strategy<Value = (OwnPart, OwnPart)> {
    (own_part(), own_part(), 0..9_u8).prop_map(|(one, other, step)| {
        let mut next = one.clone();
        match step {
            0 => {}
            1 => next.commands.reverse(),
            2 => next.outputs.reverse(),
            3 => next.files.iter_mut().for_each(|(_, mode, _)| *mode ^= Mode::File.bits() ^ Mode::Executable.bits()),
            4 => next.files.clone_from(&other.files),
            5 => next.variables.iter_mut().for_each(|(_, value)| {
                *value = match value.take() {
                    None => Some(Vec::new()),
                    Some(value) => Some(value).filter(|value| !value.is_empty()),
                };
            }),
            6 if one.slices.is_empty() => std::mem::swap(&mut next.outputs, &mut next.tools),
            6 => next.slices.clone_from(&other.slices),
            7 => {
                // A letter goes over the border to the next field.
                let letter = next.project.pop();
                next.name.splice(0..0, letter);
            }
            _ => next = other,
        }
        // Sorted lists stay sorted, and modes modes.
        next.tools.sort();
        next.tools.dedup();
        next.files.retain(|(_, mode, _)| MODES.iter().any(|known| known.bits() == *mode));
        (one, next)
    })
}

const MODES: [Mode; 4] = [Mode::File, Mode::Executable, Mode::Symlink, Mode::Submodule];

/// What the code digests of a part.
fn coded(part: &OwnPart) -> [u8; 32] {
    let words = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let place = |bytes: &[u8]| crate::path::RepoPath::from_git(bytes).unwrap();
    let all = crate::discover::Input {
        selection: crate::selection::Selection::all(&place(b"")),
        evidence: crate::diagnostic::Evidence::new(&place(b"x"), 1, ""),
    };
    let slice = |path: &[u8], digest: &[u8]| crate::workspace::Slice {
        file: place(path),
        fragment: Arc::default(),
        digest: crate::discover::FragmentDigest(digest.try_into().unwrap()),
        evidence: crate::diagnostic::Evidence::new(&place(b"x"), 1, ""),
    };
    let task = Task {
        id: TaskId::new(&crate::workspace::ProjectId(place(&part.project)), &words(&part.name)),
        inputs: vec![all],
        reads: Vec::new(),
        after: BTreeSet::new(),
        commands: part
            .commands
            .iter()
            .map(|(line, folder)| crate::discover::Command { line: words(line), folder: place(folder) })
            .collect(),
        environment: part.variables.iter().map(|(name, _)| words(name)).collect(),
        outputs: Some(part.outputs.iter().map(|pattern| words(pattern)).collect()),
        tools: part.tools.iter().map(|name| words(name)).collect(),
        slices: part.slices.iter().map(|(path, digest)| slice(path, digest)).collect(),
        ecosystems: Vec::new(),
        builds_upstream: true,
        timeout: None,
        retries: 0,
        weight: 1,
        runs_in: None,
    };
    let listed = part.files.iter().map(|(path, mode, id)| {
        let mode = MODES.into_iter().find(|known| known.bits() == *mode).unwrap();
        (place(path), mode, ContentId(ObjectId::from_bytes(id).unwrap()))
    });
    let tree = MemoryTree::from_ids(listed, &|_| crate::tree::TreeId(ObjectId::from([7; 32])));
    let environment: Environment =
        part.variables.iter().map(|(name, value)| (words(name), value.as_deref().map(words))).collect();
    *own_digest(&Workspace::of_graph(0, []), &tree, &environment, &task).unwrap().as_bytes()
}

/// Fingerprints by the formulas of the document, for the graph of a workspace whose tasks have parts of their own.
fn by_the_document(workspace: &Workspace) -> BTreeMap<TaskId, [u8; 32]> {
    use documented::{bytes, count, digest, number};
    let tree = MemoryTree::default();
    let tasks: Vec<&Task> = workspace.tasks().collect();
    let reach = |from: &TaskId| {
        let mut seen: BTreeSet<TaskId> = BTreeSet::new();
        let mut pending = vec![from.clone()];
        while let Some(task) = pending.pop() {
            let reads = workspace.task(&task).unwrap().reads.iter().map(|read| read.task.clone());
            pending.extend(reads.filter(|read| seen.insert(read.clone())));
        }
        seen
    };
    let reached: BTreeMap<&TaskId, BTreeSet<TaskId>> = tasks.iter().map(|task| (&task.id, reach(&task.id))).collect();
    let together = |a: &TaskId, b: &TaskId| a == b || (reached[a].contains(b) && reached[b].contains(a));
    let named = |task: &TaskId| [bytes(task.project.0.as_bytes()), bytes(task.name.0.as_bytes())].concat();
    let mut known: BTreeMap<TaskId, [u8; 32]> = BTreeMap::new();
    while known.len() < tasks.len() {
        for task in &tasks {
            let circle: Vec<&Task> = tasks.iter().copied().filter(|other| together(&task.id, &other.id)).collect();
            let outside = |t: &Task| {
                t.reads.iter().filter(|read| !together(&t.id, &read.task)).all(|r| known.contains_key(&r.task))
            };
            if known.contains_key(&task.id) || !circle.iter().all(|task| outside(task)) {
                continue;
            }
            let joined = |task: &Task| {
                let own = own_digest(workspace, &tree, &Environment::new(), task).unwrap();
                let read: BTreeSet<&TaskId> = task.reads.iter().map(|read| &read.task).collect();
                let each = read.iter().flat_map(|read| match together(&task.id, read) {
                    true => [named(read), number(0)].concat(),
                    false => [named(read), number(1), bytes(&known[*read])].concat(),
                });
                digest(&[bytes(b"task"), bytes(own.as_bytes()), count(read.len()), each.collect()].concat())
            };
            let print = if circle.len() == 1 {
                joined(task)
            } else {
                let each = circle.iter().flat_map(|task| [named(&task.id), bytes(&joined(task))].concat());
                let circle = digest(&[bytes(b"circle"), count(circle.len()), each.collect()].concat());
                digest(&[bytes(b"member"), bytes(&joined(task)), bytes(&circle)].concat())
            };
            known.insert(task.id.clone(), print);
        }
    }
    known
}

proptest! {
    #[test]
    fn case_76_the_documented_encoding_can_be_read_back_and_is_what_is_digested(part in own_part()) {
        let encoded = documented::own(&part);
        prop_assert_eq!(documented::decode(&encoded), Some(part.clone()));
        prop_assert_eq!(coded(&part), documented::digest(&encoded));
        // A part that is cut off, or has something behind it, is none.
        prop_assert_eq!(documented::decode(&encoded[..encoded.len() - 1]), None);
        prop_assert_eq!(documented::decode(&[&encoded[..], &[0]].concat()), None);
    }

    #[test]
    fn case_76_parts_are_equal_if_and_only_if_their_digests_are((one, other) in neighbours()) {
        prop_assert_eq!(one == other, coded(&one) == coded(&other));
        prop_assert_eq!(one == other, documented::own(&one) == documented::own(&other));
    }

    #[test]
    fn case_76_readings_are_digested_as_documented(edges in prop::collection::vec((0..6_usize, 0..6_usize), 0..14)) {
        let workspace = Workspace::of_graph(6, edges);
        let all = workspace.task_indices().collect();
        let (tree, known) = (MemoryTree::default(), OwnDigests::default());
        let found = fingerprints(&workspace, &tree, &Environment::new(), &all, &known).unwrap().tasks;
        let found: BTreeMap<TaskId, [u8; 32]> =
            found.into_iter().map(|(task, print)| (workspace.task_id(task), *print.as_bytes())).collect();
        prop_assert_eq!(found, by_the_document(&workspace));
    }
}
