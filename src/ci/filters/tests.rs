//! Each engine's way of matching as a table, and how its files are read.

mod audited;
mod drifted;
mod engines;

use super::additions::additions;
use super::testing::{admitted, filters, path, pipelines, told};
use crate::tree::ChangeKind;

type Rows<'a> = &'a [(&'a str, &'a str, &'a str)];

/// That each pattern, in a file around it, lets in of some paths the wanted ones.
fn check(around: impl Fn(&str) -> String, rows: Rows<'_>) {
    for (pattern, paths, wanted) in rows {
        let wanted: Vec<&str> = wanted.split_whitespace().collect();
        assert_eq!(admitted(&around(pattern), paths), wanted, "{pattern}");
    }
}

#[test]
fn github_matches_as_it_documents() {
    let workflow =
        |pattern: &str| format!("== .github/workflows/a.yml\non:\n  push:\n    paths: ['{pattern}']\njobs: {{}}\n");
    check(
        workflow,
        &[
            ("*", "README.md server.rb a/b", "README.md server.rb"),
            ("*.jsx?", "page.js page.jsx page.jsxx", "page.js page.jsx"),
            ("**", "all/the/files.md x .github/x", "all/the/files.md x .github/x"),
            ("*.js", "app.js js/app.js", "app.js"),
            ("**.js", "index.js js/index.js src/js/app.js", "index.js js/index.js src/js/app.js"),
            ("docs/*", "docs/README.md docs/file.txt docs/a/b", "docs/README.md docs/file.txt"),
            ("docs/**", "docs/README.md docs/mona/octocat.txt docsx/a docs", "docs/README.md docs/mona/octocat.txt"),
            ("docs/**/*.md", "docs/README.md docs/mona/hello.md docs/a/b.txt", "docs/README.md docs/mona/hello.md"),
            (
                "**/docs/**",
                "docs/hello.md dir/docs/file.txt space/docs/a/b",
                "docs/hello.md dir/docs/file.txt space/docs/a/b",
            ),
            ("**/README.md", "README.md js/README.md xREADME.md", "README.md js/README.md"),
            ("**/*src/**", "a/src/app.js my-src/code/js/app.js src2/a", "a/src/app.js my-src/code/js/app.js"),
            ("**/*-post.md", "my-post.md path/their-post.md", "my-post.md path/their-post.md"),
            ("v[12].[0-9]+", "v1.0 v2.17 v3.0 v1.", "v1.0 v2.17"),
            // A name is that file alone, and no path begins with a slash.
            ("docs", "docs docs/a", "docs"),
            ("/docs/**", "docs/a", ""),
            ("./docs/**", "docs/a", ""),
            ("{a,b}", "a b {a,b}", "{a,b}"),
        ],
    );
}

#[test]
fn github_lets_the_last_pattern_decide() {
    let lists = |key: &str, list: &str| {
        format!("== .github/workflows/a.yml\non:\n  pull_request:\n    {key}: [{list}]\njobs: {{}}\n")
    };
    let paths = "a/x.go a/x.md a/keep.md b";
    assert_eq!(admitted(&lists("paths", "'a/**', '!**.md', a/keep.md"), paths), ["a/x.go", "a/keep.md"]);
    assert_eq!(admitted(&lists("paths", "'!**.md', 'a/**'"), paths), ["a/x.go", "a/x.md", "a/keep.md"]);
    assert_eq!(admitted(&lists("paths-ignore", "'**.md'"), paths), ["a/x.go", "b"]);
}

#[test]
fn azure_takes_paths_for_prefixes_and_lets_the_deepest_decide() {
    for (include, exclude, paths, wanted) in [
        ("/src/a/", "", "src/a/x src/a src/ab/x a", "src/a/x src/a"),
        ("src/a", "/, /src/", "src/a/x src/b/x x", "src/a/x"),
        ("docs", "docs/old", "docs/x docs/old/x docs/older", "docs/x docs/older"),
        ("docs, docs/old/keep", "docs/old", "docs/x docs/old/x docs/old/keep/x", "docs/x docs/old/keep/x"),
        ("/", "", "a b/c", "a b/c"),
        // Excludes alone exclude from everything.
        ("", "docs", "a docs/x", "a"),
        ("a", "a", "a/x", ""),
        ("Src", "", "src/x Src/x", "Src/x"),
        ("docs/*", "", "docs/x docs/a/x", "docs/x"),
        ("src/**/myapp*", "", "src/myapp1 src/a/b/myapp2 src/b", "src/myapp1 src/a/b/myapp2"),
    ] {
        let lists = format!(
            "== azure-pipelines.yml\ntrigger:\n  paths:\n    include: [{include}]\n    exclude: [{exclude}]\njobs: []\n"
        );
        let wanted: Vec<&str> = wanted.split_whitespace().collect();
        assert_eq!(admitted(&lists, paths), wanted, "{include} but {exclude}");
    }
}

#[test]
fn gitlab_matches_as_fnmatch_does() {
    check(
        |pattern| format!("== .gitlab-ci.yml\nbuild:\n  script: make\n  rules:\n  - changes: ['{pattern}']\n"),
        &[
            ("Dockerfile", "Dockerfile a/Dockerfile", "Dockerfile"),
            ("a/*", "a/x a/b/x a/.x", "a/x a/.x"),
            ("a/**", "a/x a/b/x", "a/x"),
            ("a/**/*", "a/x a/b/x a/b/c/x b", "a/x a/b/x a/b/c/x"),
            ("**/*.go", "x.go a/x.go a/b/x.go", "x.go a/x.go a/b/x.go"),
            ("**.go", "x.go a/x.go", "x.go"),
            ("*.{rb,py}", "a.rb a.py a.go", "a.rb a.py"),
            ("a?c", "abc ac a/c", "abc"),
            ("[a-c]x", "ax dx", "ax"),
            ("a/", "a/x", ""),
        ],
    );
}

/// A workflow with a filter of these lines, a job that asks for its `api` and one that asks for another.
fn filtered(quantifier: &str, lines: &str) -> String {
    let lines: String = lines.lines().map(|line| format!("            {line}\n")).collect();
    format!(
        "== .github/workflows/a.yml
on: push
jobs:
  changes:
    outputs:
      api: ${{{{ steps.f.outputs.api }}}}
    steps:
      - uses: dorny/paths-filter@v4
        id: f
        with:
          predicate-quantifier: {quantifier}
          filters: |
{lines}  build:
    if: needs.changes.outputs.api == 'true'
    steps: [{{run: make -C api}}]
  other:
    if: needs.changes.outputs.api2 == 'true'
    steps: [{{run: make -C web}}]
== api/x
== web/x
"
    )
}

#[test]
fn paths_filter_matches_as_picomatch_does() {
    check(
        |pattern| filtered("some", &format!("api: ['{pattern}']")),
        &[
            ("a/**", "a/x a/b/.x a ab", "a/x a/b/.x a"),
            ("**", "a a/.b/c", "a a/.b/c"),
            ("**/*.js", "x.js a/b/x.js x.jsx", "x.js a/b/x.js"),
            ("**.js", "x.js a/x.js", "x.js"),
            ("a/*.{js,ts}", "a/x.js a/x.ts a/x.go", "a/x.js a/x.ts"),
            ("a/@(b|c)/*", "a/b/x a/d/x", "a/b/x"),
            ("./a/**", "a/x", "a/x"),
            ("a/?.js", "a/x.js a/xy.js", "a/x.js"),
            // What cannot be said here is never held against anyone.
            ("a/!(b)/**", "a/b/x", "a/b/x"),
        ],
    );
}

#[test]
fn quantifiers_of_paths_filter_decide_what_a_negation_does() {
    let list = "api: ['a/**', '!**/*.md']";
    let paths = "a/x a/x.md b b.md";
    assert_eq!(admitted(&filtered("some", list), paths), ["a/x", "a/x.md", "b"]);
    assert_eq!(admitted(&filtered("every", list), paths), ["a/x"]);
    assert_eq!(admitted(&filtered("some-with-excludes", list), paths), ["a/x"]);
    assert_eq!(told(&pipelines(&filtered("some", list)).findings), ["widening-negation .github/workflows/a.yml:12"]);
    assert_eq!(told(&pipelines(&filtered("every", list)).findings), [""; 0]);
}

#[test]
fn lists_in_lists_and_kinds_of_change_are_read() {
    let lines = "shared: &shared\n  - lib/**\napi:\n  - *shared\n  - added|modified: [a/**]\n  - deleted: b";
    let pipelines = pipelines(&filtered("some", lines));
    let api = filters(&pipelines)[1];
    assert_eq!((api.names[0].as_str(), api.place.line), ("filter api", 14));
    for (file, change, wanted) in [
        ("lib/x", ChangeKind::Deleted, true),
        ("a/x", ChangeKind::Added, true),
        ("a/x", ChangeKind::Mode, true),
        ("a/x", ChangeKind::Deleted, false),
        ("b", ChangeKind::Deleted, true),
        ("b", ChangeKind::Modified, false),
    ] {
        assert_eq!(api.admits(&path(file), change), wanted, "{file} {change:?}");
    }
    let work = api.work.as_ref().unwrap();
    assert_eq!(work.mentions.keys().map(ToString::to_string).collect::<Vec<_>>(), ["api"], "of the job that asks");
}

#[test]
fn buildkite_matches_as_it_documents() {
    check(
        |pattern| format!("== .buildkite/pipeline.yml\nsteps:\n- label: x\n  if_changed: '{pattern}'\n"),
        &[
            ("**.go,go.mod,fixtures/**", "a/x.go go.mod fixtures/a/b x", "a/x.go go.mod fixtures/a/b"),
            ("*.go", "x.go a/x.go", "x.go"),
            ("a/**/*.go", "a/x.go a/b/x.go", "a/x.go a/b/x.go"),
            ("{a,b}/*", "a/x b/x c/x", "a/x b/x"),
            (r"a\*", "a* ab", "a*"),
        ],
    );
}

#[test]
fn jenkins_matches_as_ant_does() {
    check(
        |pattern| {
            format!("== Jenkinsfile\npipeline {{ stages {{ stage('a') {{ when {{ changeset {pattern} }} }} }} }}\n")
        },
        &[
            ("\"api/**\"", "api/x API/y api/a/b b", "api/x API/y api/a/b"),
            ("'**/*.js'", "x.js a/x.JS x.ts", "x.js a/x.JS"),
            ("'api/'", "api/x api/a/b", "api/x api/a/b"),
            ("pattern: 'api/*', caseSensitive: true", "api/x API/x", "api/x"),
            ("pattern: \"a.*/x\", comparator: \"REGEXP\"", "ab/x b/x", "ab/x"),
        ],
    );
}

#[test]
fn case_96_patterns_that_cost_too_much_match_everything() {
    for pattern in ["{a,b}".repeat(2000), "{".repeat(40), "[a-z]".repeat(700), "*a".repeat(2000)] {
        let text = format!("== .gitlab-ci.yml\nbuild:\n  rules:\n  - changes: ['{pattern}']\n");
        let path = "x".repeat(2000);
        assert!(admitted(&text, &path).len() <= 1, "{} bytes", pattern.len());
    }
    let deep = format!("== .gitlab-ci.yml\nbuild:\n  rules:\n  - changes: ['{}']\n", "{".repeat(40));
    assert_eq!(admitted(&deep, "anything"), ["anything"]);
}

/// A file in which such patterns are listed.
type Lists = Box<dyn Fn(&[String]) -> String>;

/// A list with these patterns in the file of each engine, behind one for `a`.
fn lists() -> Vec<Lists> {
    let quoted = |patterns: &[String]| {
        patterns.iter().map(|pattern| format!(", '{}'", pattern.replace('\'', "''"))).collect::<String>()
    };
    vec![
        Box::new(move |more| {
            format!("== .github/workflows/a.yml\non: {{push: {{paths: ['a'{}]}}}}\njobs: {{}}\n", quoted(more))
        }),
        Box::new(move |more| filtered("some-with-excludes", &format!("api: ['a'{}]", quoted(more)))),
        Box::new(move |more| {
            format!("== azure-pipelines.yml\ntrigger: {{paths: {{include: ['a'{}]}}}}\njobs: []\n", quoted(more))
        }),
        Box::new(move |more| format!("== .gitlab-ci.yml\nbuild:\n  rules:\n  - changes: ['a'{}]\n", quoted(more))),
        Box::new(move |more| format!("== .buildkite/p.yml\nsteps:\n- if_changed: ['a'{}]\n", quoted(more))),
        Box::new(|more| {
            let more: String = more.iter().map(|pattern| format!("            {pattern} p true\n")).collect();
            format!(
                "== .circleci/config.yml\nworkflows:\n  s:\n    jobs:\n      - path-filtering/filter:\n          mapping: |\n\
                \x20           a p true\n{more}"
            )
        }),
        Box::new(|more| {
            let more: String = more.iter().map(|pattern| format!(" changeset \"{pattern}\"\n")).collect();
            format!("== Jenkinsfile\nstage('s') {{ when {{ anyOf {{ changeset 'a'\n{more} }} }} }}\n")
        }),
    ]
}

#[test]
fn case_13_what_is_to_be_added_matches_all_that_was_missed() {
    let names = [
        "lib/x.go",
        "lib/deep/er/y",
        "[id].tsx",
        "q?",
        "s*r",
        "a+b/c++",
        "{x,y}/z",
        "$HOME/x",
        "!not",
        "sp ace/x y",
        "#1",
        "back\\slash",
        "Makefile",
        "p(a|r)/en",
        "é/ü",
        "it's",
        "x,y",
    ];
    let files: Vec<_> = names.iter().map(|name| path(name)).collect();
    let root = crate::path::RepoPath::root();
    for list in lists() {
        let missing = list(&[]);
        let missing = pipelines(&missing);
        let engine = missing.pipelines[0].engine;
        let check = |folder: &crate::path::RepoPath, files: &[crate::path::RepoPath]| {
            let add = additions(engine, filters(&missing)[0], folder, files.iter());
            let text = list(&add);
            let found = pipelines(&text);
            let filter = filters(&found)[0];
            for file in files {
                assert!(filter.admits(file, ChangeKind::Modified), "{engine:?} {file} {add:?}");
            }
        };
        for file in &files {
            check(&file.parent().unwrap(), std::slice::from_ref(file));
            check(&file.parent().unwrap(), &[file.clone(), file.parent().unwrap().child(b"other")]);
        }
        check(&root, &files);
    }
}
