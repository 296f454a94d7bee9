//! Fixtures with a history: what `scenario.toml` expects must fit the files that are planted.
//!
//! An expectation about something that is not there would hold for ever and say nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use knockon::demo::{self, Fixture, Scenario};
use knockon::git::{PlantedCommit, plant};
use knockon::path::RepoPath;
use knockon::tree::Mode;
use serde_json::Value;

use crate::repository::{Repo, text};

/// What one commit holds, by path.
type Content = BTreeMap<RepoPath, (Mode, Vec<u8>)>;

struct Loaded {
    name: String,
    fixture: Fixture,
    scenario: Scenario,
    commits: Vec<PlantedCommit>,
    /// The content after each commit.
    contents: Vec<Content>,
}

/// Every fixture that has a `scenario.toml`.
fn fixtures() -> Vec<Loaded> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut folders: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|folder| folder.join("scenario.toml").is_file());
    folders.sort();
    assert!(!folders.is_empty());
    folders.iter().map(|folder| load(folder)).collect()
}

fn load(folder: &Path) -> Loaded {
    let fixture = Fixture::new(files_below(folder)).unwrap();
    let scenario = fixture.scenario().unwrap();
    let commits = fixture.commits(&scenario).unwrap();
    let mut content = Content::new();
    let mut contents = Vec::new();
    for commit in &commits {
        for path in &commit.deletes {
            content.remove(path);
        }
        content.extend(commit.writes.iter().map(|(path, mode, bytes)| (path.clone(), (*mode, bytes.clone()))));
        contents.push(content.clone());
    }
    Loaded { name: folder.file_name().unwrap().to_str().unwrap().to_owned(), fixture, scenario, commits, contents }
}

/// The files below a folder, relative to it, but for a repository's own. Of a symlink, its target.
fn files_below(root: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut pending = vec![root.to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            if path == root.join(".git") {
                continue;
            }
            if kind.is_dir() {
                pending.push(path);
                continue;
            }
            let bytes = if kind.is_symlink() {
                fs::read_link(&path).unwrap().to_str().unwrap().as_bytes().to_vec()
            } else {
                fs::read(&path).unwrap()
            };
            files.push((path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/"), bytes));
        }
    }
    files
}

fn has_folder(content: &Content, folder: &RepoPath) -> bool {
    content.keys().any(|path| path != folder && path.is_within(folder))
}

#[test]
fn the_demo_that_is_embedded_is_the_one_on_disk() {
    let delivery = fixtures().into_iter().find(|loaded| loaded.name == "delivery").unwrap();
    let embedded = Fixture::demo().unwrap();
    let names = |fixture: &Fixture| fixture.files().keys().cloned().collect::<Vec<_>>();
    // A file that is new is embedded when src/demo.rs is compiled again.
    assert_eq!(names(&embedded), names(&delivery.fixture));
    assert_eq!(embedded, delivery.fixture);
    assert_eq!(demo::commits().unwrap(), delivery.commits);
}

#[test]
fn each_fixture_is_planted_with_the_same_ids_every_time() {
    for Loaded { name, commits, contents, .. } in fixtures() {
        let home = tempfile::tempdir().unwrap();
        let tips = ["first", "second"].map(|place| {
            let place = home.path().join(place);
            plant(&place, &commits).unwrap();
            fs::read_to_string(place.join(".git/refs/heads/main")).unwrap()
        });
        assert_eq!(tips[0], tips[1], "{name}");
        let planted: BTreeMap<_, _> = files_below(&home.path().join("first")).into_iter().collect();
        let last = contents.last().unwrap().iter().map(|(path, (_, bytes))| (path.to_string(), bytes.clone()));
        assert!(planted == last.collect(), "{name}: the work tree is not the last commit");
    }
}

#[test]
fn what_is_expected_is_there_to_be_found() {
    for Loaded { name, scenario, contents, .. } in fixtures() {
        let first = &contents[0];
        let ids: BTreeSet<_> = scenario.projects.iter().map(|project| &project.id).collect();
        assert_eq!(ids.len(), scenario.projects.len(), "{name}: an id stands twice");
        for project in &scenario.projects {
            for folder in project.joins.iter().chain([&project.id]) {
                assert!(has_folder(first, folder), "{name}: {folder} is no folder");
            }
        }
        for edge in &scenario.edges {
            for id in [&edge.from, &edge.to] {
                assert!(ids.contains(id), "{name}: {id} is no project");
            }
            let (_, evidence) =
                first.get(&edge.evidence).unwrap_or_else(|| panic!("{name}: {} is no file", edge.evidence));
            let target = std::str::from_utf8(edge.to.name().unwrap()).unwrap();
            let says_so = String::from_utf8_lossy(evidence).contains(target);
            assert!(says_so, "{name}: {} says nothing of {}", edge.evidence, edge.to);
        }
    }
}

#[test]
fn what_a_commit_affects_is_a_task_of_a_project() {
    for Loaded { name, scenario, contents, .. } in fixtures() {
        let ids: BTreeSet<_> = scenario.projects.iter().map(|project| project.id.to_string()).collect();
        for (commit, content) in scenario.commits.iter().zip(&contents) {
            let place = format!("{name}, {:?}", commit.message);
            let affected = commit.affected.as_deref().unwrap_or_default();
            assert!(!commit.everything || commit.affected.is_none(), "{place}: everything, or these");
            assert_eq!(affected.iter().collect::<BTreeSet<_>>().len(), affected.len(), "{place}: a task stands twice");
            for task in affected {
                let (id, task) = task.rsplit_once(':').unwrap();
                assert!(ids.contains(id), "{place}: {id} is no project");
                assert!(scenario.tasks.iter().any(|known| known == task), "{place}: {task} is no task");
                let doubted = commit.not_affected.iter().any(|project| project.to_string() == id);
                assert!(!doubted, "{place}: {id} is affected and is not");
            }
            for project in &commit.not_affected {
                assert!(ids.contains(&project.to_string()), "{place}: {project} is no project");
                assert!(has_folder(content, project), "{place}: {project} is gone");
            }
            for gone in &commit.removes_edges {
                let known = scenario
                    .edges
                    .iter()
                    .any(|edge| (&edge.from, &edge.to, edge.kind) == (&gone.from, &gone.to, gone.kind));
                assert!(known, "{place}: {} -> {} was no edge", gone.from, gone.to);
            }
        }
    }
}

#[test]
fn each_commit_changes_every_file_that_it_names() {
    for Loaded { name, commits, contents, .. } in fixtures() {
        for (commit, before) in commits.iter().skip(1).zip(&contents) {
            for (path, mode, bytes) in &commit.writes {
                assert_ne!(
                    before.get(path),
                    Some(&(*mode, bytes.clone())),
                    "{name}, {:?}: {path} is as it was",
                    commit.message
                );
            }
        }
    }
}

#[test]
fn each_file_of_a_fixture_is_planted_and_acts_only_there() {
    for Loaded { name, fixture, scenario, .. } in fixtures() {
        for file in fixture.files().keys() {
            let used = scenario.commits.iter().filter_map(|commit| commit.overlay.as_ref());
            let planted = used.into_iter().any(|overlay| file.is_within(overlay));
            assert!(planted || file.to_string() == "scenario.toml", "{name}: no commit plants {file}");
            let bare = matches!(
                file.name(),
                Some(b"Cargo.toml" | b".gitignore" | b".gitattributes" | b".gitmodules" | b".mailmap")
            );
            assert!(!bare, "{name}: {file} acts on this repository; let its name end in .planted");
        }
    }
}

#[test]
fn the_two_newest_commits_of_the_demo_reach_differently_far() {
    let scenario = Fixture::demo().unwrap().scenario().unwrap();
    let reaches: Vec<_> =
        scenario.commits.iter().rev().take(2).map(|commit| commit.affected.clone().unwrap()).collect();
    assert_eq!(reaches[1], ["src/shipping/package:chart"]);
    assert!(reaches[0].len() > 5 && !reaches[0].contains(&reaches[1][0]), "{reaches:?}");
}

/// The answers of the binary itself, for every commit of every fixture.
#[test]
fn each_fixture_is_understood_as_its_scenario_says() {
    for Loaded { name, scenario, commits, .. } in fixtures() {
        let repo = Repo::empty();
        plant(repo.top(), &commits).unwrap();
        let revision = |number: usize| format!("main~{}", commits.len() - 1 - number);
        let exact = |tasks: Vec<String>| -> BTreeSet<String> {
            let known = |task: &String| scenario.tasks.iter().any(|name| task.rsplit(':').next() == Some(name));
            tasks.into_iter().filter(known).collect()
        };

        let graph = repo.knockon(&["graph", "--format", "json", "--head", &revision(0)]).done().json();
        let found = list(&graph["projects"], |project| {
            format!(
                "{} {} {}",
                text(&project["id"]),
                text(&project["kind"]),
                list(&project["joined"], |it| text(&it["folder"])).join(",")
            )
        });
        let expected: BTreeSet<String> = scenario
            .projects
            .iter()
            .map(|project| {
                let joined: Vec<String> = project.joins.iter().map(ToString::to_string).collect();
                format!("{} {} {}", project.id, format!("{:?}", project.kind).to_lowercase(), joined.join(","))
            })
            .collect();
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected, "{name}");
        let edges = edges_of(&graph);
        for edge in &scenario.edges {
            let wanted = (edge.from.to_string(), edge.to.to_string(), format!("{:?}", edge.kind).to_lowercase());
            let evidence = edges.iter().filter(|(found, _)| *found == wanted).map(|(_, file)| file.clone());
            assert!(
                evidence.clone().any(|file| file == edge.evidence.to_string()),
                "{name}: {edge:?} has {:?}",
                evidence.collect::<Vec<_>>()
            );
        }

        // The first commit is compared with one that holds nothing.
        let empty = repo.git_fed(repo.top(), &["mktree"], b"");
        let nothing = repo.git(&["commit-tree", "-m", "nothing", &empty]);
        let first = repo.git(&["commit-tree", "-m", "first", "-p", &nothing, &format!("{}^{{tree}}", revision(0))]);
        for (number, commit) in scenario.commits.iter().enumerate() {
            let place = format!("{name}, {:?}", commit.message);
            let (base, head) = match number {
                0 => (nothing.clone(), first.clone()),
                _ => (revision(number - 1), revision(number)),
            };
            let graph = repo.knockon(&["graph", "--format", "json", "--head", &head]).done().json();
            let every: BTreeSet<String> = list(&graph["projects"], |project| {
                list(&project["tasks"], |task| format!("{}:{}", text(&project["id"]), text(task)))
            })
            .concat()
            .into_iter()
            .collect();
            // Files that nobody reads are new as well in the first one, and are not what makes all the rest new.
            let unowned = if number == 0 { "none" } else { "all" };
            let report = repo.report(&["--base", &base, "--head", &head, "--unowned", unowned]);
            let affected: BTreeSet<String> = report.tasks().into_iter().collect();
            assert_eq!(report.widened(), [""; 0], "{place}");
            if commit.everything {
                assert_eq!(affected, every, "{place}");
            }
            if let Some(expected) = &commit.affected {
                assert_eq!(exact(report.tasks()), expected.iter().cloned().collect(), "{place}");
            }
            for project in &commit.not_affected {
                assert!(!report.projects().contains(&project.to_string()), "{place}: {project}");
            }
            let edges = edges_of(&graph);
            for gone in &commit.removes_edges {
                let wanted = (gone.from.to_string(), gone.to.to_string(), format!("{:?}", gone.kind).to_lowercase());
                assert!(!edges.iter().any(|(found, _)| *found == wanted), "{place}: {gone:?}");
            }
            // What `plan` prints is what `affected` says.
            let plan = repo
                .knockon(&["plan", "--format", "json", "--base", &base, "--head", &head, "--unowned", unowned])
                .done()
                .json();
            let planned = list(&plan["tasks"], |task| (task["affected"].as_bool().unwrap(), text(&task["id"])));
            let planned: BTreeSet<String> =
                planned.into_iter().filter(|(affected, _)| *affected).map(|(_, id)| id).collect();
            assert_eq!(planned, affected, "{place}");
        }
    }
}

fn list<T>(value: &Value, read: impl FnMut(&Value) -> T) -> Vec<T> {
    value.as_array().unwrap().iter().map(read).collect()
}

/// From, to and kind of each edge, with the file that says so.
fn edges_of(graph: &Value) -> Vec<((String, String, String), String)> {
    list(&graph["edges"], |edge| {
        let named = (text(&edge["from"]), text(&edge["to"]), text(&edge["kind"]));
        (named, text(&edge["evidence"]["file"]))
    })
}
