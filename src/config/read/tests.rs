//! What a mistyped configuration is told, and that a printed one reads back.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

use super::super::tests::{path, root};
use super::super::{
    EnvironmentSettings, EventKind, FILE_NAME, PipelineSettings, RefPattern, RemoteSettings, merge, written,
};
use super::*;

/// One line for each finding in the file at a path.
fn findings_in(file: &str, bytes: &[u8]) -> String {
    let (configuration, diagnostics) = read(&path(file), bytes);
    let failed = diagnostics.iter().any(|found| found.severity == Severity::Error);
    assert_eq!(configuration.is_none(), failed, "an error leaves no configuration");
    told(&diagnostics)
}

fn told(diagnostics: &[Diagnostic]) -> String {
    let line = |found: &Diagnostic| {
        let place = found.place.as_ref().unwrap();
        let help = found.help.as_deref().unwrap_or("NO HELP");
        format!("{}:{}:{} {}: {} -- {help}", place.file, place.line, place.column, found.code, found.message)
    };
    diagnostics.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn findings(text: &str) -> String {
    findings_in(FILE_NAME, text.as_bytes())
}

#[test]
fn case_71_unknown_keys_are_errors_with_the_nearest_name() {
    insta::assert_snapshot!(findings(r#"
worksapce = {}
[workspace]
default_branch = "main"
[project.a]
owner = ["@a"]
[task.test]
  ouputs = []
cache = true
[pipeline.x]
tasks = ["build"]
branch = ["*"]
event = ["push"]
[environment.qa]
approvals = true
[task.build]
enviroment = "qa"
[remote]
token = "secret"
"#), @r#"
    knockon.toml:2:1 unknown-key: the root's file has no key `worksapce` -- did you mean `workspace`?
    knockon.toml:4:1 unknown-key: `[workspace]` has no key `default_branch` -- did you mean `default-branch`?
    knockon.toml:6:1 unknown-key: the project's table has no key `owner` -- did you mean `owners`?
    knockon.toml:8:3 unknown-key: `[task.test]` has no key `ouputs` -- did you mean `outputs`?
    knockon.toml:9:1 unknown-key: `[task.test]` has no key `cache` -- known here: `command`, `depends-on`, `inputs`, `outputs`, `env`, `timeout`, `retries`, `weight`, `environment`
    knockon.toml:12:1 unknown-key: `[pipeline.x]` has no key `branch` -- did you mean `branches`?
    knockon.toml:13:1 unknown-key: `[pipeline.x]` has no key `event` -- did you mean `events`?
    knockon.toml:15:1 unknown-key: `[environment.qa]` has no key `approvals` -- did you mean `approval`?
    knockon.toml:17:1 unknown-key: `[task.build]` has no key `enviroment` -- did you mean `environment`?
    knockon.toml:19:1 unknown-key: `[remote]` has no key `token` -- known here: `url`, `public-key`
    "#);
}

#[test]
fn a_server_is_named_without_what_opens_it() {
    insta::assert_snapshot!(findings(r#"
[remote]
url = "https://cache.example.org"
public-key = "0A"
"#), @"
    knockon.toml:3:7 bad-value: `https://cache.example.org` is no server of a known protocol -- begin with one of `az`, `file`, `grpc`, `grpcs`, `gs`, `s3`, `turborepo+http`, `turborepo+https`, and `://`
    knockon.toml:4:14 bad-value: this is no public key -- write 64 hexadecimal digits in lower case, as `knockon cache key` prints them
    ");
    insta::assert_snapshot!(findings("[remote]\nurl = \"grpcs://token@cache.example.org/main\""), @"knockon.toml:2:7 bad-value: a server's credentials do not belong into the repository -- take out what stands before `@`, and set KNOCKON_REMOTE_TOKEN where knockon runs");
    assert_eq!(findings("[remote]\nurl = \"s3://builds/knockon@2\""), "");
}

#[test]
fn wrong_types_are_errors_with_an_example() {
    insta::assert_snapshot!(findings(r#"
project = ["a"]
pipeline = 1
[workspace]
default-branch = true
ignore = "docs/**"
[task]
command = "make"
[task.test]
timeout = 10
retries = "1"
env = ["CI", 1]
depends-on = 2026-11-23
[task.build]
retries = -1
"#), @r#"
    knockon.toml:2:11 wrong-type: `project` must be a table, and here is a list -- write `[project."src/delivery"]`
    knockon.toml:3:12 wrong-type: `pipeline` must be a table, and here is a number -- write `[pipeline.validation]`
    knockon.toml:5:18 wrong-type: `default-branch` must be a text, and here is a truth value -- write `default-branch = "main"`
    knockon.toml:6:10 wrong-type: `ignore` must be a list of texts, and here is a text -- write `ignore = ["docs/**"]`
    knockon.toml:8:11 wrong-type: `command` must be a table, and here is a text -- write `[task.test]`
    knockon.toml:10:11 wrong-type: `timeout` must be a text, and here is a number -- write `timeout = "10m"`
    knockon.toml:11:11 wrong-type: `retries` must be a whole number, and here is a text -- write `retries = 1`
    knockon.toml:12:14 wrong-type: `env` must be a list of texts alone, and here is a number -- write `env = ["CI"]`
    knockon.toml:13:14 wrong-type: `depends-on` must be a list of texts, and here is a date -- write `depends-on = ["build", "^build"]`
    knockon.toml:15:11 bad-value: `retries` is -1, but must be from 0 to 4294967295 -- write `retries = 1`
    "#);
}

#[test]
fn bad_values_are_errors_that_say_what_to_write() {
    insta::assert_snapshot!(findings(r#"
[workspace]
default-branch = "refs/heads/main"
unowned = "non"
ignore = ["!docs/**", "../x/*"]
[project."a\\b"]
[project."../a"]
[project."svc/a"]
name = "a:b"
owners = [""]
depends-on = ["/lib", "svc/a/"]
inputs = ["../../../x/**", "[z"]
[task.test]
command = " "
depends-on = ["test", "lib#build", "^a:b"]
outputs = ["dist/"]
env = ["CI=1"]
timeout = "10 minutes"
[pipeline.one]
tasks = []
[pipeline.two]
branches = ["release/{servce}"]
tasks = ["lib:build"]
[pipeline.three]
except = ["main"]
tasks = ["build"]
[pipeline."a b"]
"#), @r#"
    knockon.toml:3:18 bad-branch: `refs/heads/main` is a whole reference -- write `main`
    knockon.toml:4:11 bad-value: `non` is no policy for files that nobody owns -- did you mean `none`?
    knockon.toml:5:11 bad-glob: `!docs/**` makes an exception from nothing -- write what is ignored before it, such as `docs/**`
    knockon.toml:5:23 outside-repository: `../x/*` leaves the repository, seen from folder `.` -- write it without `../`
    knockon.toml:6:10 bad-reference: `a\b` is no project: `\` does not separate folders -- write `a/b`
    knockon.toml:7:10 outside-repository: `../a` is no project: an id is not relative to another folder -- write the project's folder from the repository root, or its name
    knockon.toml:9:8 bad-name: `a:b` is no name: letters, digits, `.`, `_` and `-` make one, with a letter or digit first -- write `a-b`
    knockon.toml:10:11 bad-value: an owner has no name -- write a team or a person, such as `@shipping`
    knockon.toml:11:15 outside-repository: `/lib` is no project: the path is absolute -- write the project's folder from the repository root, or its name
    knockon.toml:11:23 self-dependency: the project depends on itself: `svc/a` -- leave it out
    knockon.toml:12:11 outside-repository: `../../../x/**` leaves the repository, seen from folder `svc/a` -- climb at most to the repository root: `../../`
    knockon.toml:12:28 bad-glob: `[z` is no pattern: unclosed character class; missing ']' -- put `\` before a character that is meant as it is
    knockon.toml:14:11 bad-value: the command is empty or holds a NUL character -- write the line for the shell, such as `dotnet test`, or leave the key out
    knockon.toml:15:15 self-dependency: the task depends on itself: `test` -- write `^test` for the projects that it depends on
    knockon.toml:15:23 bad-reference: `lib#build` is no task: `#` has no meaning -- write `lib:build`
    knockon.toml:15:36 bad-reference: `^a:b` is no task: `^` means all projects, and one is named -- write `build` (of the same project), `^build` (of all that it depends on) or `other:build` (of one project)
    knockon.toml:16:12 bad-glob: `dist/` is no pattern: it names a folder, and only files are matched -- write `dist/**`
    knockon.toml:17:8 bad-variable: `CI=1` gives a value, but only the variable's name stands here -- write `CI`; the value is taken from the environment
    knockon.toml:18:11 bad-duration: `10 minutes` is no duration: ` minutes` is no unit -- write numbers with the units h, m, s, ms, the largest first: `10m`, `90s`, `1h30m`
    knockon.toml:20:1 empty-list: pipeline `one` has no task -- write `tasks = ["build", "test"]`
    knockon.toml:22:13 bad-branch: `release/{servce}` is no branch pattern: `{servce}` is no placeholder -- write `{service}`
    knockon.toml:23:10 bad-reference: `lib:build` is no task's name: a pipeline runs a task in each project that is affected -- write `build`
    knockon.toml:25:11 empty-list: pipeline `three` makes exceptions from no branches -- write `branches = ["*"]` for all branches
    knockon.toml:27:11 bad-name: `a b` is no name: letters, digits, `.`, `_` and `-` make one, with a letter or digit first -- write `a-b`
    "#);
}

#[test]
fn case_67_a_project_has_one_table_and_one_name() {
    insta::assert_snapshot!(findings(r#"
[project."src/a"]
name = "x"
[project."src/a/"]
[project."src/b"]
name = "x"
[project.x]
owners = ["@x"]
"#), @r#"
    knockon.toml:4:10 duplicate-project: project `src/a` has two tables, the other in line 2 -- join them
    knockon.toml:6:8 duplicate-name: two projects are named `x`, the other at knockon.toml:3 -- write another name
    knockon.toml:7:10 duplicate-project: project `x` has two tables, by its name here and by its folder `src/b` -- write all of it below `[project."src/b"]`
    "#);
}

#[test]
fn what_is_no_toml_has_a_place() {
    insta::assert_snapshot!(findings("[task.test]\ncommand = \n"), @r#"knockon.toml:2:11 bad-syntax: this is no TOML: string values must be quoted, expected literal string -- keys are written `key = "text"`, lists `["a", "b"]`, tables `[task.test]`"#);
    insta::assert_snapshot!(findings("[task.test]\n[task.test]\n"), @r#"knockon.toml:2:7 bad-syntax: this is no TOML: duplicate key -- keys are written `key = "text"`, lists `["a", "b"]`, tables `[task.test]`"#);
    insta::assert_snapshot!(findings_in(FILE_NAME, b"a = 1\n# \xc3\xa9 \xff\n"), @"knockon.toml:2:5 bad-syntax: the file is not UTF-8 text -- save it as UTF-8");
}

#[test]
fn case_96_bombs_are_refused() {
    for bytes in [
        format!("task = {}", "[".repeat(100_000)).into_bytes(),
        vec![b'#'; LARGEST_FILE + 1],
        "a.".repeat(100_000).into_bytes(),
    ] {
        assert!(read(&path(FILE_NAME), &bytes).0.is_none());
    }
}

#[test]
fn case_96_a_list_longer_than_anybody_writes_is_an_error() {
    let list = |length: usize| findings(&format!("[project.a]\ninputs = [{}]", "\"a/**\",".repeat(length)));
    assert_eq!(list(1000), "");
    assert_eq!(
        list(1001),
        "knockon.toml:2:1 bad-value: `inputs` has 1001 items, and at most 1000 are read -- write globs that match more"
    );
}

#[test]
fn a_byte_order_mark_and_windows_lines_are_read() {
    assert_eq!(root("\u{feff}[task.test]\r\nretries = 1\r\n"), root("[task.test]\nretries = 1\n"));
    let columns = findings("\u{feff}[project.\"caf\u{e9}\"] # \u{e9}\r\nname = 'b' # x\r\n\u{e9} = 1");
    assert!(columns.starts_with("knockon.toml:3:1 bad-syntax"), "{columns}");
    assert!(
        findings("a = { \"\u{e9}\u{e9}\" = 1, b = { } }\nworkspace = { \"\u{e9}\" = 1, ignored = [] }")
            .contains("2:24 unknown-key")
    );
}

#[test]
fn a_file_in_a_folder_is_the_table_of_its_project() {
    let text = "name = \"delivery\"\ninputs = [\"../../tools/**\"]\n[task.test]\nretries = 1\n";
    let (configuration, _) = read(&path("src/delivery/knockon.toml"), text.as_bytes());
    let table =
        "[project.\"src/delivery\"]\nname = \"delivery\"\ninputs = [\"../../tools/**\"]\ntask.test.retries = 1\n";
    assert_eq!(configuration.unwrap(), root(table));
}

#[test]
fn keys_in_the_wrong_file_are_sent_to_the_right_one() {
    insta::assert_snapshot!(findings("name = \"x\"\ninputs = []"), @r#"
    knockon.toml:1:1 misplaced-key: `name` is said about one project, and this file is about all -- write it below `[project."path or name"]`, or `[project."."]` for the root
    knockon.toml:2:1 misplaced-key: `inputs` is said about one project, and this file is about all -- write it below `[project."path or name"]`, or `[project."."]` for the root
    "#);
    let text = "inputs = [\"../../x/**\"]\nowner = 1\n[workspace]\n[project.x]\nname = 1\n[pipeline.a]\n";
    insta::assert_snapshot!(findings_in("a/knockon.toml", text.as_bytes()), @r#"
    a/knockon.toml:1:11 outside-repository: `../../x/**` leaves the repository, seen from folder `a` -- climb at most to the repository root: `../`
    a/knockon.toml:2:1 unknown-key: a project's file has no key `owner` -- did you mean `owners`?
    a/knockon.toml:3:2 misplaced-key: `workspace` can only stand in the `knockon.toml` at the root -- write it there
    a/knockon.toml:4:2 misplaced-key: `project` can only stand in the `knockon.toml` at the root -- this file is the project's table already: write `name = "…"`, `[task.test]` at its top level
    a/knockon.toml:6:2 misplaced-key: `pipeline` can only stand in the `knockon.toml` at the root -- write it there
    "#);
}

/// The file in a folder; it must have no finding.
fn nested(folder: &str, text: &str) -> Configuration {
    let (configuration, diagnostics) = read(&path(&format!("{folder}/{FILE_NAME}")), text.as_bytes());
    assert_eq!(diagnostics, []);
    configuration.unwrap()
}

#[test]
fn files_join_where_each_says_something_else() {
    let whole = root(
        "[project.\"a/b\"]\nname = \"b\"\nowners = [\"@b\"]\ntask.test.retries = 1\n[project.\"a/c\"]\nname = \"c\"",
    );
    let at_root = root("[project.\"a/b\"]\nowners = [\"@b\"]\n");
    let folders = vec![nested("a/c", "name = \"c\""), nested("a/b", "name = \"b\"\n[task.test]\nretries = 1")];
    let mut reversed = folders.clone();
    reversed.reverse();
    assert_eq!(merge(at_root.clone(), folders), (whole.clone(), Vec::new()));
    assert_eq!(merge(at_root, reversed), (whole, Vec::new()));
}

#[test]
fn case_67_no_file_wins_over_another() {
    let at_root = root("[project.\"a/b\"]\nname = \"b\"\ntask.test.retries = 1\n[project.x]\nowners = [\"@x\"]");
    let folders = vec![
        nested("a/b", "name = \"c\"\n[task.test]\nretries = 2"),
        nested("a/c", "name = \"b\""),
        nested("a/d", "name = \"x\""),
    ];
    insta::assert_snapshot!(told(&merge(at_root, folders).1), @r#"
    a/b/knockon.toml:1:8 duplicate-key: `name` of this project is said already at knockon.toml:2 -- keep one of the two
    a/b/knockon.toml:2:7 duplicate-key: `task.test` of this project is said already at knockon.toml:3 -- keep one of the two
    knockon.toml:2:8 duplicate-name: two projects are named `b`, the other at a/c/knockon.toml:1 -- write another name
    knockon.toml:4:10 duplicate-project: project `x` has two tables, by its name here and by its folder `a/d` -- write all of it below `[project."a/d"]`
    "#);
}

fn written_as<T>(value: T) -> Written<T> {
    Written::new(value, Place { file: path(FILE_NAME), line: 0, column: 0, text: String::new() })
}

fn name() -> impl Strategy<Value = String> {
    "[A-Za-z0-9_][A-Za-z0-9._-]{0,6}"
}

fn parsed<T: std::fmt::Debug>(
    texts: impl Strategy<Value = String>,
    parse: impl Fn(&str) -> Result<T, Mistake> + Clone,
) -> impl Strategy<Value = Written<T>> {
    texts.prop_filter_map("must be valid", move |text| parse(&text).ok().map(written_as))
}

fn pattern() -> impl Strategy<Value = Written<PathPattern>> {
    let odd = "[ -~é\"\\\\*!]{1,6}";
    let usual = "!?(\\./)?((\\.\\./){0,2})([a-z*]{1,3}/){0,2}(\\*\\*|[a-z]{1,3}\\.\\{a,b\\}|C:/!x|!y)";
    parsed(prop_oneof![odd.boxed(), usual.boxed()], PathPattern::parse)
}

fn project() -> impl Strategy<Value = Written<ProjectReference>> {
    parsed(
        prop_oneof!["[a-z :]{1,4}(/[a-zé.]{1,3}){0,3}/?".boxed(), Just(".".to_owned()).boxed()],
        ProjectReference::parse,
    )
}

prop_compose! {
    fn task()(
        command in option::of(parsed("[ -~\n\té\"']{1,12}", command)),
        depends_on in option::of(vec(parsed("(\\^|[a-z/:]{1,4}:)?[a-z]{1,4}", TaskReference::parse), 0..3)),
        inputs in option::of(vec(pattern(), 0..3)),
        outputs in option::of(vec(pattern(), 0..3)),
        env in option::of(vec(parsed("[A-Z_()]{1,5}", parse_variable), 0..3)),
        timeout in option::of((1u64..1 << 40).prop_map(|millis| written_as(std::time::Duration::from_millis(millis)))),
        retries in option::of(any::<u32>().prop_map(written_as)),
        weight in option::of(any::<u32>().prop_map(written_as)),
        environment in option::of(name().prop_map(written_as)),
    ) -> TaskSettings {
        let new = TaskSettings::new(written_as(String::new()));
        TaskSettings { command, depends_on, inputs, outputs, env, timeout, retries, weight, environment, ..new }
    }
}

fn tasks_by_name() -> impl Strategy<Value = BTreeMap<String, TaskSettings>> {
    btree_map(name(), task(), 0..3).prop_map(|mut tasks| {
        for (name, task) in &mut tasks {
            task.name = written_as(name.clone());
            let itself = TaskReference { scope: TaskScope::Own, task: name.clone() };
            task.depends_on.iter_mut().for_each(|list| list.retain(|reference| reference.value != itself));
        }
        tasks
    })
}

prop_compose! {
    fn settings()(
        project in project(),
        owners in vec(parsed("[ -~é]{1,5}", owner), 0..3),
        depends_on in vec(project(), 0..3),
        inputs in vec(pattern(), 0..3),
        tasks in tasks_by_name(),
    ) -> ProjectSettings {
        ProjectSettings { owners, depends_on, inputs, tasks, ..ProjectSettings::new(project) }
    }
}

prop_compose! {
    fn pipeline()(
        events in vec(prop::sample::select(EventKind::WORDS.to_vec()).prop_map(|(_, event)| written_as(event)), 0..3),
        branches in vec(parsed("[a-z*/]{1,5}|release/\\{service\\}/v\\{version\\}", RefPattern::parse), 1..3),
        tags in vec(parsed("[a-z*/]{1,5}|v\\{version\\}", RefPattern::parse), 0..3),
        except in vec(parsed("[a-z*/]{1,5}", RefPattern::parse), 0..3),
        tasks in vec(name().prop_map(written_as), 1..3),
    ) -> PipelineSettings {
        PipelineSettings { events, branches, tags, except, tasks, ..PipelineSettings::new(written_as(String::new())) }
    }
}

prop_compose! {
    fn environment()(
        approval in option::of(any::<bool>().prop_map(written_as)),
        pipelines in option::of(vec(name().prop_map(written_as), 0..3)),
    ) -> EnvironmentSettings {
        EnvironmentSettings { name: written_as(String::new()), approval, pipelines }
    }
}

prop_compose! {
    fn remote()(
        url in option::of("(grpcs?|s3|file)://[a-z/]{0,8}".prop_map(written_as)),
        public_key in option::of("[0-9a-f]{64}".prop_map(written_as)),
    ) -> RemoteSettings {
        RemoteSettings { url, public_key }
    }
}

prop_compose! {
    fn configuration()(
        default_branch in option::of(parsed("[a-z]{1,4}(/[a-z.]{1,4})?", branch_name)),
        unowned in option::of(prop::sample::select(UnownedPolicy::WORDS.to_vec()).prop_map(|(_, policy)| written_as(policy))),
        ignore in vec(pattern(), 0..3),
        projects in vec(settings(), 0..4),
        tasks in tasks_by_name(),
        pipelines in btree_map(name(), pipeline(), 0..3),
        environments in btree_map(name(), environment(), 0..3),
        remote in remote(),
    ) -> Configuration {
        let workspace = WorkspaceSettings { default_branch, unowned, ignore };
        Configuration { workspace, projects, tasks, pipelines, environments, remote }
    }
}

/// Takes out what is an error by more than one value, so that nothing is left but what can be written.
fn consistent(mut configuration: Configuration) -> Configuration {
    configuration.workspace.ignore.retain(|pattern| pattern.value.climbs == 0 && !pattern.value.excludes);
    configuration.projects.sort_by(|a, b| a.project.value.cmp(&b.project.value));
    configuration.projects.dedup_by(|a, b| a.project.value == b.project.value);
    for (at, settings) in configuration.projects.iter_mut().enumerate() {
        settings.name = Some(written_as(format!("project-{at}")));
        let own = settings.project.value.clone();
        settings.depends_on.retain(|dependency| dependency.value != own);
        let Some(folder) = own.folder() else { continue };
        let within = |pattern: &Written<PathPattern>| pattern.value.root(folder).is_ok();
        settings.inputs.retain(within);
        for task in settings.tasks.values_mut() {
            task.inputs.iter_mut().chain(&mut task.outputs).for_each(|list| list.retain(within));
        }
    }
    for (name, pipeline) in &mut configuration.pipelines {
        pipeline.name = written_as(name.clone());
    }
    for (name, environment) in &mut configuration.environments {
        environment.name = written_as(name.clone());
    }
    configuration
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_reads_back_equal(configuration in configuration().prop_map(consistent)) {
        let text = written::print(&configuration).unwrap();
        let (read_back, diagnostics) = read(&path(FILE_NAME), text.as_bytes());
        prop_assert_eq!(told(&diagnostics), "", "{}", text);
        prop_assert_eq!(read_back.unwrap(), configuration, "{}", text);
    }

    #[test]
    fn no_bytes_make_it_fail(bytes in vec(any::<u8>(), 0..200), text in "[\\[\\]a-z.=\"{}, \n]{0,80}") {
        for bytes in [&bytes, text.as_bytes()] {
            let (configuration, diagnostics) = read(&path("a/knockon.toml"), bytes);
            prop_assert!(configuration.is_some() != diagnostics.iter().any(|found| found.severity == Severity::Error));
        }
    }
}
