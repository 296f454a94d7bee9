//! The commit-graph: what is read from it is what the objects say, and a bad one changes no answer.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;

use proptest::prelude::*;
use proptest::sample::Index;

use crate::git::commit_graph::{CommitGraph, GraphCommit, Located};
use crate::git::merge_base::merge_bases;
use crate::git::object::Hash;
use crate::git::testing::Fixture;
use crate::git::{CommitId, MergeBases, Repository};
use crate::tree::ObjectId;

/// A commit: the places of its parents among those before it, and its time.
type Step = (BTreeSet<usize>, u32);

/// A repository with a history in which every commit has a branch.
struct Story {
    fixture: Fixture,
    commits: Vec<CommitId>,
}

impl Story {
    fn new(steps: &[Step], arguments: &[&str]) -> Self {
        let fixture = Fixture::init(arguments);
        let mut stream = String::new();
        for (place, (parents, time)) in steps.iter().enumerate() {
            stream += &format!("commit refs/heads/c{place}\nmark :{}\n", place + 1);
            stream += &format!("committer n <e@example.org> {time} +0000\ndata <<.\n{place}\n.\n");
            for (word, parent) in std::iter::once("from").chain(std::iter::repeat("merge")).zip(parents) {
                stream += &format!("{word} :{}\n", parent + 1);
            }
        }
        let story = Self { fixture, commits: Vec::new() };
        story.feed(&["fast-import", "--quiet"], &stream);
        let id = |place| ObjectId::from_hex(&story.fixture.git(&["rev-parse", &format!("c{place}")])).map(CommitId);
        Self { commits: (0..steps.len()).map(|place| id(place).unwrap()).collect(), ..story }
    }

    fn feed(&self, arguments: &[&str], input: &str) {
        let mut command = self.fixture.command(self.fixture.top(), arguments);
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "git {arguments:?}");
    }

    /// Writes the graph of what some commits lead to.
    fn write_graph(&self, arguments: &[&str], commits: &[CommitId]) {
        let ids: String = commits.iter().map(|commit| format!("{commit}\n")).collect();
        self.feed(&[&["commit-graph", "write", "--stdin-commits"], arguments].concat(), &ids);
    }

    fn open(&self) -> Repository {
        Repository::discover(self.fixture.top(), &self.fixture.environment()).unwrap()
    }

    fn located(&self) -> Option<Located> {
        Located::in_store(&self.fixture.top().join(".git/objects"))
    }

    fn graph(&self, repository: &Repository) -> CommitGraph {
        self.located().unwrap().read(repository.objects.hash)
    }

    /// The merge bases of all pairs.
    fn bases(&self, repository: &Repository, with_graph: bool) -> Vec<MergeBases> {
        let pairs = self.commits.iter().flat_map(|one| self.commits.iter().map(move |two| (*one, *two)));
        let graph = || self.located().filter(|_| with_graph);
        pairs.map(|(one, two)| merge_bases(&repository.objects, graph(), one, two).unwrap()).collect()
    }
}

fn told(repository: &Repository, id: CommitId) -> GraphCommit {
    let object = repository.objects.commit(id).unwrap();
    GraphCommit { time: object.time, parents: object.parents.into_iter().map(CommitId).collect() }
}

/// Two branches that met crosswise, an octopus and a second root.
fn crossing(arguments: &[&str]) -> Story {
    let parents: [&[usize]; 9] = [&[], &[0], &[0], &[1, 2], &[1, 2], &[2, 3, 4], &[], &[3, 4, 5, 6], &[4]];
    let steps = parents.into_iter().zip(1_000..).map(|(parents, time)| (parents.iter().copied().collect(), time));
    Story::new(&steps.collect::<Vec<Step>>(), arguments)
}

/// The files of the graph, in whatever form it is in.
fn files(story: &Story) -> Vec<PathBuf> {
    let info = story.fixture.top().join(".git/objects/info");
    let chain = fs::read_dir(info.join("commit-graphs")).into_iter().flatten().map(|entry| entry.unwrap().path());
    chain.chain([info.join("commit-graph")]).filter(|path| path.exists()).collect()
}

#[test]
fn case_31_a_graph_says_what_the_objects_say() {
    for arguments in [&[][..], &["--object-format=sha256"]] {
        let story = crossing(arguments);
        let repository = story.open();
        let without = story.bases(&repository, false);
        assert!(story.located().is_none());
        assert!(without.iter().any(|bases| matches!(bases, MergeBases::Proved(bases) if bases.len() == 2)));
        story.write_graph(&["--changed-paths"], &story.commits);
        let graph = story.graph(&repository);
        for &commit in &story.commits {
            assert_eq!(graph.commit(commit), Some(told(&repository, commit)), "{arguments:?}");
        }
        assert_eq!(graph.commit(CommitId(ObjectId::from([7; 32]))), None);
        assert_eq!(story.bases(&repository, true), without, "{arguments:?}");
    }
}

#[test]
fn a_damaged_graph_is_passed_by() {
    let story = crossing(&[]);
    let repository = story.open();
    let without = story.bases(&repository, false);
    for split in [false, true] {
        story.write_graph(if split { &["--split=no-merge"] } else { &[] }, &story.commits[..4]);
        story.write_graph(if split { &["--split=no-merge"] } else { &[] }, &story.commits);
        for file in files(&story) {
            let whole = fs::read(&file).unwrap();
            let is_whole = |graph: &CommitGraph| story.commits.iter().all(|commit| graph.commit(*commit).is_some());
            assert!(is_whole(&story.graph(&repository)), "{}", file.display());
            // git writes them read-only.
            fs::remove_file(&file).unwrap();
            for place in (0..whole.len()).step_by(7) {
                let mut flipped = whole.clone();
                flipped[place] ^= 0x10;
                for bytes in [&flipped[..], &whole[..place]] {
                    fs::write(&file, bytes).unwrap();
                    let graph = story.graph(&repository);
                    assert!(!is_whole(&graph), "{} at {place}", file.display());
                    for &commit in &story.commits {
                        let found = graph.commit(commit);
                        assert!(found.is_none_or(|found| found == told(&repository, commit)), "{}", file.display());
                    }
                }
                if place % 10 == 0 {
                    assert_eq!(story.bases(&repository, true), without, "{} at {place}", file.display());
                }
            }
            fs::write(&file, &whole).unwrap();
        }
        assert_eq!(story.bases(&repository, true), without);
        files(&story).iter().for_each(|file| fs::remove_file(file).unwrap());
    }
}

#[test]
fn files_of_another_chain_are_passed_by() {
    let story = crossing(&[]);
    let repository = story.open();
    let write = |commits: &[CommitId]| story.write_graph(&["--split=no-merge"], commits);
    let chain = story.fixture.top().join(".git/objects/info/commit-graphs/commit-graph-chain");
    let read = || fs::read_to_string(&chain).unwrap();
    write(&story.commits[..1]);
    let kept = files(&story).into_iter().find(|file| file.extension().is_some_and(|name| name == "graph")).unwrap();
    let first = read();
    let bytes = fs::read(&kept).unwrap();
    for file in files(&story) {
        fs::remove_file(file).unwrap();
    }
    write(&story.commits[..3]);
    write(&story.commits);
    let top = read().lines().last().unwrap().to_owned();
    // The second file counts its parents behind those of another first one.
    fs::write(&kept, bytes).unwrap();
    fs::remove_file(&chain).unwrap();
    fs::write(&chain, format!("{first}{top}\n")).unwrap();
    let graph = story.graph(&repository);
    let known: Vec<bool> = story.commits.iter().map(|commit| graph.commit(*commit).is_some()).collect();
    assert_eq!(known, [true, false, false, false, false, false, false, false, false]);
}

/// A graph in good order in which no commit has a parent.
fn without_parents(mut graph: Vec<u8>) -> Vec<u8> {
    let table = graph.windows(4).position(|name| name == b"CDAT").unwrap();
    let offset = |at: usize| u64::from_be_bytes(*graph[at..].first_chunk().unwrap()) as usize;
    for at in (offset(table + 4)..offset(table + 16)).step_by(36) {
        graph[at + 20..at + 28].copy_from_slice(&[0x70, 0, 0, 0, 0x70, 0, 0, 0]);
    }
    let end = graph.len() - 20;
    let digest = Hash::Sha1.plain(&graph[..end]).unwrap();
    graph[end..].copy_from_slice(digest.as_bytes());
    graph
}

#[test]
fn case_43_no_graph_is_read_beside_replacements_or_grafts_or_in_a_shallow_clone() {
    let story = crossing(&[]);
    let [root, one, two] = story.commits[..3] else { panic!() };
    story.write_graph(&[], &story.commits);
    let [file] = &files(&story)[..] else { panic!() };
    let graph = without_parents(fs::read(file).unwrap());
    fs::remove_file(file).unwrap();
    fs::write(file, graph).unwrap();
    let bases = || story.open().merge_bases(one, two).unwrap();
    // Otherwise it is read, and believed.
    assert!(matches!(bases(), MergeBases::None { .. }));
    let proved = MergeBases::Proved(vec![root]);
    story.fixture.git(&["replace", &one.to_string(), &two.to_string()]);
    assert_eq!(bases(), proved);
    story.fixture.git(&["replace", "--delete", &one.to_string()]);
    for path in [".git/info/grafts", ".git/shallow"] {
        story.fixture.write(path, format!("{root}\n"));
        assert_eq!(bases(), proved, "{path}");
        story.fixture.remove(path);
    }
    assert!(matches!(bases(), MergeBases::None { .. }));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: (ProptestConfig::default().cases / 8).max(1), ..Default::default() })]

    #[test]
    fn whatever_part_of_history_a_graph_has_the_bases_are_the_same(
        drawn in prop::collection::vec((prop::collection::vec(any::<Index>(), 0..4), 1..40_u32), 1..14),
        ends in prop::collection::vec(any::<Index>(), 0..3),
        split in any::<bool>(),
    ) {
        let steps = drawn.iter().enumerate().map(|(place, (parents, time))| {
            let parents = parents.iter().filter(|_| place > 0).map(|parent| parent.index(place));
            (parents.collect(), *time)
        });
        let story = Story::new(&steps.collect::<Vec<Step>>(), &[]);
        let repository = story.open();
        for end in ends {
            let last = end.index(story.commits.len());
            story.write_graph(if split { &["--split=no-merge"] } else { &["--append"] }, &story.commits[..=last]);
            let graph = story.graph(&repository);
            for &commit in &story.commits[..=last] {
                prop_assert_eq!(graph.commit(commit), Some(told(&repository, commit)));
            }
        }
        prop_assert_eq!(story.bases(&repository, true), story.bases(&repository, false));
    }
}
