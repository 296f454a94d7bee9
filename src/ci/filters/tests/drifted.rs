//! What is written to lists: all that is missed, nothing else, and only where the place is certain.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::write::{literal_lists, written};
use super::super::{Drift, audit, drift, drifted_files, read};
use super::told;
use crate::tree::MemoryTree;
use crate::workspace::testing::workspace_of;

/// Modules of which `app` needs all others.
fn modules(others: &[String]) -> String {
    let lines = |line: &dyn Fn(&String) -> String| others.iter().map(line).collect::<String>();
    let requires = lines(&|other| format!("require x/{other} v0.0.0\n"));
    let replaces = lines(&|other| format!("replace x/{other} => ../{other}\n"));
    let files = lines(&|other| format!("== {other}/go.mod\nmodule x/{other}\n== {other}/a.go\npackage a\n"));
    format!("== app/go.mod\nmodule x/app\n{requires}{replaces}== app/main.go\npackage main\n{files}")
}

/// The drift of a repository, and how many inputs its filters miss.
fn drift_of(repository: &str, sources: &BTreeMap<&str, &str>) -> (Drift, usize) {
    let mut text = repository.to_owned();
    sources.iter().for_each(|(file, source)| text.push_str(&format!("== {file}\n{source}")));
    let tree = MemoryTree::parse(&text);
    let pipelines = read(&tree).unwrap();
    let audited = audit(&pipelines, &workspace_of(&tree), &tree).unwrap();
    let missed = audited.filters.iter().flat_map(|filter| &filter.missed).map(|missed| missed.files).sum();
    let files = drifted_files(&pipelines, &audited);
    let given = files.iter().filter_map(|file| {
        let source = sources.get(std::str::from_utf8(file.as_bytes()).unwrap())?;
        Some((file.clone(), source.as_bytes().to_vec()))
    });
    (drift(&pipelines, &audited, &given.collect()), missed)
}

/// One file as it would be written; none where nothing would.
fn rewritten(repository: &str, file: &str, source: &str) -> Option<String> {
    let (drift, _) = drift_of(repository, &BTreeMap::from([(file, source)]));
    drift.files.into_values().next().map(|bytes| String::from_utf8(bytes).unwrap())
}

const WORKFLOW: &str = ".github/workflows/a.yml";

/// A pipeline around the items of a list.
type Pipeline = fn(&str) -> String;

/// A pipeline of each engine that guards `app`, with the place of its file.
fn engines() -> [(&'static str, Pipeline); 6] {
    [
        (WORKFLOW, |items| {
            format!(
                "on:\n  push:\n    # why\n    paths:\n{items}    branches: [main]\njobs: {{a: {{steps: [{{run: make -C app}}]}}}}\n"
            )
        }),
        (".github/workflows/dorny.yml", |items| {
            format!(
                "on: push\njobs:\n  a:\n    steps:\n    - uses: dorny/paths-filter@v3\n      id: f\n      with:\n        filters: |\n          other:\n            - 'none'\n          app:\n{items}    - run: make -C app\n      if: steps.f.outputs.app\n"
            )
        }),
        (".gitlab-ci.yml", |items| {
            format!(
                "build:\n  script: make -C app\n  rules:\n    - if: $A\n      changes:\n        paths:\n{items}    - when: manual\n"
            )
        }),
        ("other.gitlab-ci.yml", |items| format!("build:\n  script: make -C app\n  rules:\n  - changes:\n{items}")),
        ("azure-pipelines.yml", |items| {
            format!("trigger:\n  paths:\n    include:\n{items}jobs:\n- job: a\n  steps:\n  - script: make -C app\n")
        }),
        (".buildkite/p.yml", |items| {
            format!("steps:\n  - command: make -C app\n    key: a\n    if_changed:\n{items}    label: x\n")
        }),
    ]
}

/// Indentation for the items of all pipelines above.
fn items(pattern: &str, quote: &str, comment: &str, end: &str) -> String {
    let indentation = " ".repeat(12);
    format!("{indentation}# first\n{indentation}-  {quote}{pattern}{quote}{comment}{end}\n")
}

#[test]
fn what_is_missed_goes_behind_the_last_item_in_its_style() {
    let repository = modules(&["lib".to_owned()]);
    for (file, pipeline) in engines() {
        for (quote, comment) in [("'", ""), ("\"", " # kept"), ("", "  # kept")] {
            let source = pipeline(&items("app/**/*", quote, comment, ""));
            let app = if file.starts_with("azure") { "app/**" } else { "app/**/*" };
            let source = source.replace("app/**/*", app);
            let after = rewritten(&repository, file, &source).unwrap_or_else(|| panic!("{file}: {source}"));
            let added: Vec<&str> = after.lines().filter(|line| !source.lines().any(|other| other == *line)).collect();
            let lib = match file {
                "azure-pipelines.yml" => "lib",
                ".gitlab-ci.yml" | "other.gitlab-ci.yml" => "lib/**/*",
                _ => "lib/**",
            };
            let quote = if file.starts_with("azure") && quote.is_empty() { "'" } else { quote };
            assert_eq!(added, [format!("{}-  {quote}{lib}{quote}", " ".repeat(12))], "{file}");
            // Without the line it is what it was, and there is nothing more to write.
            assert_eq!(after.replace(&format!("{}\n", added[0]), ""), source);
            let (again, missed) = drift_of(&repository, &BTreeMap::from([(file, after.as_str())]));
            assert_eq!((again.files.len(), again.left.len(), missed), (0, 0, 0), "{file}");
        }
    }
}

#[test]
fn ends_of_lines_and_of_files_stay() {
    let repository = modules(&["lib".to_owned()]);
    let source = "jobs: {a: {steps: [{run: make -C app}]}}\r\non:\r\n  push:\r\n    paths:\r\n    - app/**\r\n";
    assert_eq!(rewritten(&repository, WORKFLOW, source).unwrap(), format!("{source}    - lib/**\r\n"));
    let unended = source.trim_end();
    // A tree of tests ends each file; the bytes that are written to are those of the work tree.
    let tree = [(5, "app/**")];
    let lists = literal_lists(unended.as_bytes(), &tree).unwrap();
    let (bytes, left) = written(unended.as_bytes(), &[(lists[0].clone(), vec!["lib/**".to_owned()])]);
    assert_eq!((String::from_utf8(bytes).unwrap(), left), (format!("{unended}\r\n    - lib/**"), vec![]));
}

#[test]
fn every_list_that_says_the_same_is_written() {
    let repository = modules(&["lib".to_owned()]);
    let source = "on:\n  push:\n    paths:\n      - app/**\n  pull_request:\n    paths:\n    - app/**\njobs: {a: {steps: [{run: make -C app}]}}\n";
    let after = rewritten(&repository, WORKFLOW, source).unwrap();
    assert_eq!(after.matches("    - lib/**\n").count(), 2, "{after}");
    assert_eq!(rewritten(&repository, WORKFLOW, &after), None);
}

#[test]
fn what_is_not_certain_is_left_alone_and_told() {
    let repository = modules(&["lib".to_owned()]);
    let jobs = "jobs: {a: {steps: [{run: make -C app}]}}\n";
    for lists in [
        // Flow sequences.
        "on: {push: {paths: ['app/**']}}\n",
        "on:\n  push:\n    paths: [\n      'app/**'\n    ]\n",
        // What is kept out on purpose, and read all the same, or with nothing above it to add to.
        "on:\n  push:\n    paths:\n    - 'app/**'\n    - '!**/a.go'\n",
        "on:\n  push:\n    paths:\n    - '!**/x.go'\n    - 'app/**'\n",
        "on:\n  push:\n    paths-ignore:\n    - 'lib/**'\n    - app/x\n",
        // Anchors, aliases and merged keys.
        "on:\n  push:\n    paths: &paths\n    - 'app/**'\n  pull_request:\n    paths: *paths\n",
        "on:\n  push:\n    paths:\n    - &app 'app/**'\n",
        "on:\n  push: &push\n    paths:\n    - 'app/**'\n  pull_request:\n    <<: *push\n",
        "on:\n  push: &push\n    paths:\n    - 'app/**'\n  pull_request: *push\n",
        // Items over several lines, and a text instead of a list.
        "on:\n  push:\n    paths:\n    - 'app\n      /**'\n",
        "on:\n  push:\n    paths:\n    - app/**\n      \n      x\n",
        "on:\n  push:\n    paths: app/**\n",
        "on:\n  push:\n    paths:\n    - >-\n      app/**\n",
    ] {
        let source = format!("{lists}{jobs}");
        let (drift, missed) = drift_of(&repository, &BTreeMap::from([(WORKFLOW, source.as_str())]));
        assert!(drift.files.is_empty() && drift.changes.is_empty(), "{lists}");
        assert!(missed > 0, "{lists}");
        let codes: Vec<&str> = drift.left.iter().map(|finding| finding.code.as_str()).collect();
        assert!(!codes.is_empty() && codes.iter().all(|code| *code == "filter-left-alone"), "{lists} {codes:?}");
    }
}

#[test]
fn what_is_kept_out_stays_out_where_no_task_reads_it() {
    let repository = modules(&["lib".to_owned()]);
    let jobs = "jobs: {a: {steps: [{run: make -C app}]}}\n";
    let dorny = |quantifier: &str, items: &str| {
        format!(
            "on: push\njobs:\n  a:\n    steps:\n    - uses: dorny/paths-filter@v3\n      id: f\n      with:\n\
            \x20       predicate-quantifier: {quantifier}\n        filters: |\n          app:\n{items}\
            \x20   - run: make -C app\n      if: steps.f.outputs.app\n"
        )
    };
    let list = |items: &[&str]| items.iter().map(|item| format!("            - '{item}'\n")).collect::<String>();
    for (file, before, after) in [
        // The last pattern that matches decides.
        (
            WORKFLOW,
            format!("on:\n  push:\n    paths:\n{}{jobs}", list(&["app/**", "!**/*.md", "x", "!y"])),
            format!("on:\n  push:\n    paths:\n{}{jobs}", list(&["app/**", "lib/**", "!**/*.md", "x", "!y"])),
        ),
        // What keeps out does so wherever it stands.
        (
            WORKFLOW,
            dorny("some-with-excludes", &list(&["app/**", "!**/*.md"])),
            dorny("some-with-excludes", &list(&["app/**", "!**/*.md", "lib/**"])),
        ),
        // It stands in a list of its own.
        (
            ".buildkite/p.yml",
            "steps:\n- command: make -C app\n  if_changed:\n    include:\n    - app/**\n    exclude:\n    - '**/*.md'\n".to_owned(),
            "steps:\n- command: make -C app\n  if_changed:\n    include:\n    - app/**\n    - lib/**\n    exclude:\n    - '**/*.md'\n".to_owned(),
        ),
        (
            "azure-pipelines.yml",
            "trigger:\n  paths:\n    include:\n    - app\n    exclude:\n    - app/docs\nsteps:\n- script: make -C app\n".to_owned(),
            "trigger:\n  paths:\n    include:\n    - app\n    - 'lib'\n    exclude:\n    - app/docs\nsteps:\n- script: make -C app\n".to_owned(),
        ),
        (
            ".gitlab-ci.yml",
            "build:\n  script: make -C app\n  rules:\n  - changes:\n    - docs/*\n    when: never\n  - changes:\n    - app/**/*\n".to_owned(),
            "build:\n  script: make -C app\n  rules:\n  - changes:\n    - docs/*\n    when: never\n  - changes:\n    - app/**/*\n    - lib/**/*\n".to_owned(),
        ),
    ] {
        let (drift, missed) = drift_of(&repository, &BTreeMap::from([(file, before.as_str())]));
        assert!(missed > 0, "{before}");
        assert_eq!(told(&drift.left), [""; 0], "{before}");
        let written = drift.files.into_values().next().map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(written.as_ref(), Some(&after));
        let (again, missed) = drift_of(&repository, &BTreeMap::from([(file, after.as_str())]));
        assert_eq!((again.files.len(), missed), (0, 0), "{after}");
    }
}

#[test]
fn one_list_that_is_shared_keeps_no_other_from_being_written() {
    let repository = modules(&["lib".to_owned()]);
    let source = "one:\n  script: make -C app\n  rules:\n  - &rule\n    changes:\n    - app/*\n.again:\n  rules:\n  - *rule\ntwo:\n  script: make -C app all\n  rules:\n  - changes:\n    - app/**/*\n";
    let (drift, _) = drift_of(&repository, &BTreeMap::from([(".gitlab-ci.yml", source)]));
    let after = drift.files.values().next().map(|bytes| String::from_utf8(bytes.clone()).unwrap());
    assert_eq!(after, Some(format!("{source}    - lib/**/*\n")));
    assert_eq!(told(&drift.left), ["filter-left-alone .gitlab-ci.yml:6"]);
}

#[test]
fn a_list_of_gitlab_is_made_to_fit() {
    let gitlab = |present: usize| {
        let present: String = (0..present).map(|at| format!("    - app/{at}\n")).collect();
        format!("build:\n  script: make -C app\n  rules:\n  - changes:\n    - app/**/*\n{present}")
    };
    let others = |folder: &str| (0..60).map(|at| format!("{folder}{at}")).collect::<Vec<String>>();
    let nested = modules(&others("libs/m"));
    let after = rewritten(&nested, ".gitlab-ci.yml", &gitlab(0)).unwrap();
    assert_eq!(after, format!("{}    - libs/**/*\n", gitlab(0)));
    let (again, missed) = drift_of(&nested, &BTreeMap::from([(".gitlab-ci.yml", after.as_str())]));
    assert_eq!((again.files.len(), missed), (0, 0));
    // Folders at the top have none around them, and a list that is full takes nothing.
    for (repository, source) in [(modules(&others("m")), gitlab(0)), (nested, gitlab(49))] {
        let (drift, _) = drift_of(&repository, &BTreeMap::from([(".gitlab-ci.yml", source.as_str())]));
        assert!(drift.files.is_empty());
        assert_eq!(told(&drift.left), ["too-many-patterns .gitlab-ci.yml:5"]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn after_writing_nothing_is_missed_and_nothing_else_changed(
        others in prop::collection::vec("[b-l][a-z0-9+é_]{0,3}[a-z]", 1..6),
        extra in prop::collection::vec("(app|zz|\\.x)/[a-z]{1,4}", 0..4),
        quote in prop::sample::select(vec!["'", "\""]),
        ends_in_two in any::<bool>(),
        engine in 0..6_usize,
    ) {
        let repository = modules(&others);
        let (file, pipeline) = engines()[engine];
        let end = if ends_in_two { "\r" } else { "" };
        let mut list = items(if file.starts_with("azure") { "app" } else { "app/**/*" }, quote, "", "");
        extra.iter().for_each(|pattern| list.push_str(&items(pattern, quote, " # x", "")));
        let source = pipeline(&list).replace('\n', &format!("{end}\n"));
        let source = source.as_str();
        let (drift, missed) = drift_of(&repository, &BTreeMap::from([(file, source)]));
        prop_assert_eq!(drift.left.len(), 0);
        prop_assert!(missed > 0);
        let after = String::from_utf8(drift.files.into_values().next().unwrap()).unwrap();
        let (again, missed) = drift_of(&repository, &BTreeMap::from([(file, after.as_str())]));
        prop_assert_eq!((again.files.len(), missed), (0, 0), "{}", after);
        // The lines that are new stand in one place, and without them each byte is what it was.
        let added: usize = drift.changes.iter().map(|change| change.add.len()).sum();
        let last = usize::try_from(drift.changes[0].behind.line).unwrap();
        let mut lines: Vec<&str> = after.split_inclusive('\n').collect();
        let new: Vec<&str> = lines.drain(last..last + added).collect();
        prop_assert!(new.iter().all(|line| line.ends_with(&format!("{end}\n"))), "{:?}", new);
        prop_assert_eq!(lines.concat(), source);
    }

    #[test]
    fn any_pattern_is_read_as_it_was_written(
        patterns in prop::collection::btree_set("[ -~é]{0,10}[!-~é]", 1..5),
        quote in prop::sample::select(vec!["", "'", "\""]),
        indentation in 0..5_usize,
    ) {
        let indentation = " ".repeat(indentation);
        let source = format!("paths:\n{indentation}- {quote}app/x{quote} # kept\nother: 1\n");
        let list = literal_lists(source.as_bytes(), &[(2, "app/x")]).unwrap().remove(0);
        let patterns: Vec<String> = patterns.into_iter().collect();
        let (bytes, left) = written(source.as_bytes(), &[(list, patterns.clone())]);
        prop_assert!(left.is_empty());
        let all: Vec<(u32, &str)> = (3..).zip(patterns.iter().map(String::as_str)).collect();
        let all = [vec![(2, "app/x")], all].concat();
        let lists = literal_lists(&bytes, &all).unwrap();
        prop_assert_eq!((lists.len(), lists[0].last), (1, 2 + patterns.len()));
    }
}
