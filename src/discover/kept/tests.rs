//! What comes back is what was kept, read from the bytes alone; what is damaged is read again.

use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use super::*;
use crate::discover::{Found, Links, discover, ecosystems, survey};
use crate::tree::{ContentId, Entry, MemoryTree, Tree, TreeError, TreeId};

const TREE: &str = "== Cargo.lock\nversion = 4\n== a/Cargo.toml\n[package]\nname = \"a\"\n[dependencies]\nb = { path = \"../b\" }\n\
    == a/build.rs\nfn main() {}\n== b/go.mod\nmodule example/b\nreplace example/a => ../a\n== b/deep/empty/x\nx\n\
    == c/package.json\n{ \"name\": \"c\", \"dependencies\": { \"b\": \"file:../b\" } }\n== c/tsconfig.json\n{ \"extends\": \"../d\" }\n\
    == c/Dockerfile\nFROM scratch AS \u{e9}\nCOPY ../b /b\n== c/.dockerignore\n!x\n*.md\n== c/compose.yaml\nservices:\n  c:\n    build: .\n\
    == d/pom.xml\n<project><artifactId>d</artifactId></project>\n== e/pom.xml\n<project><<\n\
    == f/f.csproj\n<Project Sdk=\"x\"><ItemGroup><Compile Include=\"../a/*.cs\" /></ItemGroup></Project>\n\
    == g/Chart.yaml\nname: g\ndependencies:\n- name: h\n  repository: file:../h\n== g/values.yaml\nimage: a\n\
    == h/x.proto\nsyntax = \"proto3\";\nimport \"y.proto\";\n== h/buf.yaml\nversion: v2\n\
    == i/pyproject.toml\n[project]\nname = \"i\"\ndependencies = [\"a @ file:../a\"]\n== i/setup.py\nsetup(name='i')\n== i/requirements.txt\n-e ../a\n\
    == k/build.gradle\napply plugin: 'java'\n\
    == j/main.tf\nmodule \"k\" {\n  source = \"../k\"\n}\n== j/.terraform.lock.hcl\nprovider \"x/y\" {\n}\n\
    == l/kustomization.yaml\nresources: [../m]\nimages: [{name: a}]\n\
    == n/mix.exs\n[app: :n, deps: [{:x, path: \"../x\"}]]\n== o/composer.json\n{ \"require\": { \"a/b\": \"*\" } }\n\
    == p/Gemfile\ngem 'q', path: '../q'\n== q/Package.swift\nPackage(name: \"q\", targets: [.target(path: \"../x\")])\n\
    == r/Makefile\nbuild:\n\tcp ../x y\n== s/CMakeLists.txt\nproject(s)\ninclude(../x)\n== t/MODULE.bazel\nmodule(name = \"t\")\n\
    == .gitlab-ci.yml\nscript: b/go.mod\n== link -> a\n== knockon.toml\n== same/c/package.json\n{}\n== same/d/package.json\n{}\n";

/// A tree that notes what is read of it.
struct Watched {
    tree: MemoryTree,
    folders: Mutex<Vec<TreeId>>,
    contents: Mutex<Vec<ContentId>>,
}

impl Watched {
    fn new(text: &str) -> Self {
        Self { tree: MemoryTree::parse(text), folders: Mutex::default(), contents: Mutex::default() }
    }
}

impl Tree for Watched {
    fn root(&self) -> TreeId {
        self.tree.root()
    }

    fn folder(&self, id: TreeId) -> Result<Arc<[Entry]>, TreeError> {
        self.folders.lock().unwrap().push(id);
        self.tree.folder(id)
    }

    fn content(&self, id: ContentId) -> Result<Arc<[u8]>, TreeError> {
        self.contents.lock().unwrap().push(id);
        self.tree.content(id)
    }
}

fn memos() -> (SurveyMemo, FactsMemo) {
    Default::default()
}

/// What memos come to know of a tree, as bytes.
fn kept_of(text: &str) -> KeptParts {
    let (surveys, facts) = memos();
    discover(&MemoryTree::parse(text), &surveys, &facts).unwrap();
    kept(&surveys, &facts)
}

/// What memos know, as bytes.
fn kept(surveys: &SurveyMemo, facts: &FactsMemo) -> KeptParts {
    let mut parts = Vec::new();
    keep(surveys, facts, true, &mut parts).unwrap();
    parts.try_into().unwrap()
}

fn recalled(parts: KeptParts) -> (SurveyMemo, FactsMemo) {
    let (surveys, facts) = memos();
    recall(&surveys, &facts, parts).unwrap();
    (surveys, facts)
}

fn found(tree: &dyn Tree, surveys: &SurveyMemo) -> Vec<Found> {
    survey(tree, surveys).unwrap().found()
}

#[test]
fn nothing_that_was_kept_is_read_again() {
    let (surveys, facts) = recalled(kept_of(TREE));
    let tree = Watched::new(TREE);
    assert_eq!(found(&tree, &surveys), found(&tree.tree, &SurveyMemo::default()));
    assert_eq!(tree.folders.lock().unwrap()[..], []);
    let linked = discover(&tree, &surveys, &facts).unwrap();
    let fresh = discover(&tree.tree, &SurveyMemo::default(), &FactsMemo::default()).unwrap();
    assert_eq!(format!("{:?}", linked.links), format!("{:?}", fresh.links));
    assert_eq!(linked.unreadable, fresh.unreadable);
    assert_eq!(linked.unreadable.len(), 1, "what cannot be read is kept too");
    // The configuration and the link are read for themselves.
    assert_eq!(tree.contents.lock().unwrap().len(), 2);
    assert_eq!(news(&surveys, &facts), 0);
    let says = |links: &Links| !links.projects.is_empty() || !links.mentions.is_empty();
    let with_facts = fresh.links.iter().filter(|(_, links)| says(links)).count();
    assert_eq!(with_facts, ecosystems().count(), "the tree holds facts of every ecosystem");
}

#[test]
fn after_an_edit_only_the_way_to_it_is_read() {
    let (surveys, facts) = recalled(kept_of(TREE));
    let tree = Watched::new(&TREE.replace("module example/b", "module example/other"));
    assert_eq!(found(&tree, &surveys), found(&tree.tree, &SurveyMemo::default()));
    assert_eq!(tree.folders.lock().unwrap().len(), 2, "the root and the folder of the edit");
    discover(&tree, &surveys, &facts).unwrap();
    assert_eq!(tree.contents.lock().unwrap().len(), 3, "the manifest, the configuration and the link");
    assert_eq!(news(&surveys, &facts), 3);
    // What was kept stays, and what is new joins it.
    let (surveys, facts) = recalled(kept(&surveys, &facts));
    for text in [TREE, &TREE.replace("module example/b", "module example/other")] {
        discover(&MemoryTree::parse(text), &surveys, &facts).unwrap();
    }
    assert_eq!(news(&surveys, &facts), 0);
}

#[test]
fn what_is_not_used_goes_when_it_becomes_too_much() {
    let many = (0..FEW * 2).map(|number| format!("== m{number}/x{number}\n")).collect::<String>();
    let full = kept_of(&many);
    let (surveys, facts) = recalled(full.clone());
    discover(&MemoryTree::parse(TREE), &surveys, &facts).unwrap();
    let small = kept(&surveys, &facts);
    assert!(small[2].len() < full[2].len() / 4, "{} of {}", small[2].len(), full[2].len());
    let (surveys, facts) = recalled(small);
    discover(&MemoryTree::parse(TREE), &surveys, &facts).unwrap();
    assert_eq!(news(&surveys, &facts), 0);
}

#[test]
fn what_could_not_be_had_is_not_kept() {
    struct Lacking(MemoryTree);
    impl Tree for Lacking {
        fn root(&self) -> TreeId {
            self.0.root()
        }
        fn folder(&self, id: TreeId) -> Result<Arc<[Entry]>, TreeError> {
            self.0.folder(id)
        }
        fn content(&self, id: ContentId) -> Result<Arc<[u8]>, TreeError> {
            Err(TreeError::Content(id, "it is gone".to_owned()))
        }
    }
    let text = "== a/go.mod\nmodule example/a\n";
    let (surveys, facts) = memos();
    let linked = discover(&Lacking(MemoryTree::parse(text)), &surveys, &facts).unwrap();
    assert!(linked.is_partial);
    let (surveys, facts) = recalled(kept(&surveys, &facts));
    let linked = discover(&MemoryTree::parse(text), &surveys, &facts).unwrap();
    assert!(!linked.is_partial && linked.unreadable.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The digest of the memo refuses such bytes before they come here; should it ever not, nothing panics, and an entry
    /// that cannot be decoded is worked out again.
    #[test]
    fn damaged_bytes_are_refused_or_read_without_a_panic(part in 0..3_usize, at in any::<prop::sample::Index>(), byte in 1..=u8::MAX) {
        let tree = MemoryTree::parse(TREE);
        let fresh = discover(&tree, &SurveyMemo::default(), &FactsMemo::default()).unwrap();
        let whole = kept_of(TREE);
        let at = at.index(whole[part].len());
        let (mut flipped, mut cut) = (whole.clone(), whole);
        flipped[part][at] ^= byte;
        cut[part].truncate(at);
        let (surveys, facts) = memos();
        if recall(&surveys, &facts, flipped).is_ok() {
            let _ = discover(&tree, &surveys, &facts);
            let _ = kept(&surveys, &facts);
        }
        let (surveys, facts) = memos();
        prop_assert!(recall(&surveys, &facts, cut).is_err());
        let linked = discover(&tree, &surveys, &facts).unwrap();
        prop_assert_eq!(format!("{:?}", linked.links), format!("{:?}", fresh.links));
    }

    /// Entries of which the bytes are gone, while the index still speaks of them.
    #[test]
    fn entries_without_bytes_are_worked_out_again(at in any::<prop::sample::Index>()) {
        let tree = MemoryTree::parse(TREE);
        let fresh = discover(&tree, &SurveyMemo::default(), &FactsMemo::default()).unwrap();
        let (surveys, facts) = recalled(kept_of(TREE));
        let shorten = |entries: Arc<Entries>| {
            let bytes = entries.bytes[..at.index(entries.bytes.len())].to_vec().into();
            let (prefixes, numbers, ends) = (entries.prefixes.clone(), entries.numbers.clone(), entries.ends.clone());
            Entries { prefixes, numbers, ends, bytes }
        };
        let short = memos();
        short.0.recall(shorten(surveys.kept().unwrap()));
        short.1.recall(shorten(facts.kept().unwrap()));
        let linked = discover(&tree, &short.0, &short.1).unwrap();
        prop_assert_eq!(format!("{:?}", linked.links), format!("{:?}", fresh.links));
        prop_assert_eq!(linked.unreadable, fresh.unreadable);
    }
}
