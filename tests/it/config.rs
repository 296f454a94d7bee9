//! `knockon.toml` as the command sees it.

use crate::repository::{ALL_OF_MODULES, Repo};

const LIB: [&str; 4] = ["app:build", "app:test", "lib:build", "lib:test"];
const LONE: [&str; 2] = ["lone:build", "lone:test"];
const NOTHING: [&str; 0] = [];

impl Repo {
    /// [`Repo::of_modules`] with a configuration.
    fn configured(text: &str) -> Self {
        let repo = Self::of_modules();
        repo.write("knockon.toml", text).commit("configured");
        repo
    }

    fn tasks_on_disk(&self) -> Vec<String> {
        self.report(&["--base", "HEAD"]).tasks()
    }

    /// What another configuration affects.
    fn reconfigured(&self, text: &str) -> Vec<String> {
        self.write("knockon.toml", text);
        self.tasks_on_disk()
    }
}

#[test]
fn case_71_a_typo_is_an_error_at_its_place() {
    let repo = Repo::configured("[workspace]\n\n[task.test]\nouputs = [\"x\"]\n");
    for command in [&["plan"][..], &["affected"], &["explain", "app"], &["graph"], &["inputs", "app:test"], &["check"]]
    {
        let outcome = repo.knockon(command);
        outcome.refused(2, "knockon.toml:4:1");
        assert!(outcome.stderr.contains("did you mean `outputs`?"), "{}", outcome.stderr);
    }
    let repo = Repo::configured("");
    repo.write("lone/knockon.toml", "onwers = [\"@a\"]\n");
    repo.knockon(&["plan"]).refused(2, "lone/knockon.toml:1:1");
}

#[test]
fn case_69_an_unreadable_configuration_is_an_error_at_the_head_and_widens_at_the_base() {
    let repo = Repo::configured("[workspace\n");
    repo.knockon(&["plan"]).refused(2, "knockon.toml:1");
    repo.write("knockon.toml", "[workspace]\n").commit("mended");
    let outcome = repo.report(&["--base", "HEAD~1", "--head", "HEAD"]);
    assert_eq!(outcome.tasks(), ALL_OF_MODULES);
    assert_eq!(outcome.widened(), ["unreadable-configuration"]);
    assert_eq!(repo.knockon(&["plan", "--strict", "--base", "HEAD~1", "--head", "HEAD"]).status, 4);
}

#[test]
fn case_69_comments_spaces_and_order_affect_nothing() {
    let repo =
        Repo::configured("[workspace]\nunowned = \"all\"\nignore = [\"*.md\"]\n\n[project.lone]\nowners = [\"@a\"]\n");
    let reordered = "# why\n[project.lone]\nowners = ['@a']\n[workspace]\nignore = [ \"*.md\" , ]\nunowned = \"all\"\n";
    assert_eq!(repo.reconfigured(reordered), NOTHING);
    assert_eq!(Repo::of_modules().reconfigured("# only a comment\n"), NOTHING);
    // In a project's own folder too, where every other file is an input.
    let repo = Repo::of_modules();
    repo.write("lone/knockon.toml", "owners = [\"@a\"]\n").commit("configured");
    repo.write("lone/knockon.toml", "# why\nowners = [\"@a\"]\n");
    assert_eq!(repo.tasks_on_disk(), NOTHING);
}

#[test]
fn who_owns_a_project_is_no_input() {
    let repo = Repo::configured("[project.lone]\nowners = [\"@a\"]\n");
    assert_eq!(repo.reconfigured("[project.lone]\nowners = [\"@b\"]\n"), NOTHING);
    repo.append("lone/lone.go", "// changed\n");
    let report = repo.report(&["--base", "HEAD"]).json();
    assert_eq!(report["projects"][0]["owners"], serde_json::json!(["@b"]));
}

#[test]
fn ignored_files_are_inputs_of_nothing() {
    let repo = Repo::configured("[workspace]\nignore = [\"**/*.md\", \"scripts/**\"]\n");
    repo.write("lone/notes.md", "x").write("scripts/x.sh", "x");
    assert_eq!(repo.tasks_on_disk(), NOTHING);
    repo.write("lone/notes.txt", "x");
    assert_eq!(repo.tasks_on_disk(), LONE);
    // What was an input and is one no longer.
    let repo = Repo::of_modules();
    repo.write("lone/notes.md", "x").commit("notes");
    assert_eq!(repo.reconfigured("[workspace]\nignore = [\"**/*.md\"]\n"), LONE);
}

#[test]
fn case_21_the_policy_says_what_an_unowned_file_means() {
    let repo = Repo::configured("[workspace]\nunowned = \"all\"\n");
    repo.write("scripts/build.sh", "x");
    let outcome = repo.report(&["--base", "HEAD"]);
    assert_eq!(
        (outcome.tasks(), outcome.widened()),
        (ALL_OF_MODULES.map(str::to_owned).to_vec(), vec!["unowned".to_owned()])
    );
    repo.write("knockon.toml", "[workspace]\nunowned = \"none\"\n");
    let outcome = repo.report(&["--base", "HEAD"]);
    assert_eq!(outcome.tasks(), NOTHING);
    assert_eq!(outcome.json()["unowned"], serde_json::json!(["scripts/build.sh"]));
    repo.write("knockon.toml", "[workspace]\nunowned = \"error\"\n");
    repo.knockon(&["affected", "--base", "HEAD"]).refused(2, "scripts/build.sh");
    // What the command line says comes first.
    repo.knockon(&["affected", "--base", "HEAD", "--unowned", "none"]).done();
}

#[test]
fn case_63_and_64_an_edge_that_is_configured_carries_changes() {
    let repo = Repo::configured("[project.lone]\ndepends-on = [\"lib\"]\n");
    repo.append("lib/lib.go", "// changed\n");
    let both = [&LIB[..], &LONE].concat();
    assert_eq!(repo.tasks_on_disk(), both);
    let graph = repo.knockon(&["graph", "lone", "--format", "json"]).done().json();
    assert_eq!(graph["edges"][0]["evidence"]["file"], "knockon.toml");
    assert_eq!(graph["edges"][0]["evidence"]["line"], 2);
    // Gone in the same range as the change, and added in it.
    assert_eq!(repo.reconfigured(""), both);
    let repo = Repo::configured("");
    repo.append("lib/lib.go", "// changed\n");
    assert_eq!(repo.reconfigured("[project.lone]\ndepends-on = [\"lib\"]\n"), both);
}

#[test]
fn inputs_that_are_configured_are_read_from_their_place() {
    let repo = Repo::configured("[project.lone]\ninputs = [\"../tools/**\", \"!../tools/*.md\"]\n");
    repo.write("tools/gen.sh", "x");
    assert_eq!(repo.tasks_on_disk(), LONE);
    repo.commit("tools").write("tools/notes.md", "x");
    assert_eq!(repo.report(&["--base", "HEAD", "--unowned", "none"]).tasks(), NOTHING);
    let repo = Repo::configured("");
    repo.write("tools/gen.sh", "x").commit("tools");
    assert_eq!(repo.reconfigured("[project.lone]\ninputs = [\"../tools/**\"]\n"), LONE);
    repo.write("knockon.toml", "[project.lone]\ninputs = [\"../../outside/**\"]\n");
    repo.knockon(&["plan"]).refused(2, "knockon.toml:2:");
}

#[test]
fn case_72_what_is_run_and_with_what_is_a_part_of_the_task() {
    let of_test = |settings: &str| format!("[project.lone.task.test]\n{settings}\n");
    let repo = Repo::configured(&of_test("command = \"go test ./...\"\nenv = [\"A\"]"));
    assert_eq!(repo.reconfigured(&of_test("command = \"go test -race ./...\"\nenv = [\"A\"]")), ["lone:test"]);
    assert_eq!(repo.reconfigured(&of_test("command = \"go test ./...\"\nenv = [\"A\", \"B\"]")), ["lone:test"]);
    assert_eq!(
        repo.reconfigured(&of_test("command = \"go test ./...\"\nenv = [\"A\"]\noutputs = [\"o\"]")),
        ["lone:test"]
    );
    assert_eq!(repo.reconfigured(&of_test("command = \"go test ./...\"\nenv = [\"A\"]\nretries = 3")), NOTHING);
    // Of every project that has the task.
    let repo = Repo::configured("");
    assert_eq!(repo.reconfigured("[task.test]\ncommand = \"make test\"\n"), ["app:test", "lib:test", "lone:test"]);
}

#[test]
fn case_73_a_declared_variable_is_in_the_fingerprint() {
    let repo = Repo::configured("[project.lone.task.test]\nenv = [\"MODE\"]\n");
    let fingerprint = |task: &str, value: Option<&str>| {
        let variables: Vec<_> = value.map(|value| ("MODE", value)).into_iter().collect();
        let told = repo.start_with(&["inputs", task, "--format", "json"], &variables);
        let report = told.done().json();
        assert!(!told.stdout().contains("s3cret"), "a value shows");
        report["fingerprint"].as_str().unwrap().to_owned()
    };
    let told = [None, Some(""), Some("s3cret")].map(|value| fingerprint("lone:test", value));
    assert!(told[0] != told[1] && told[1] != told[2] && told[0] != told[2], "{told:?}");
    let other = [None, Some("s3cret")].map(|value| fingerprint("lone:build", value));
    assert_eq!(other[0], other[1]);
    // It is the same on both sides of a comparison.
    assert_eq!(repo.start_with(&["affected"], &[("MODE", "s3cret")]).done().stdout(), "");
}

#[test]
fn case_68_a_project_that_is_not_there_is_an_error() {
    let repo = Repo::configured("[project.lone]\ndepends-on = [\"lbi\"]\n");
    repo.knockon(&["plan"]).refused(2, "knockon.toml:2:");
    assert!(
        repo.knockon(&["plan"]).stderr.contains("did you mean `lib`?")
            || repo.knockon(&["plan"]).stderr.contains("lib")
    );
    repo.write("knockon.toml", "[project.\"src/nowhere\"]\nowners = [\"@a\"]\n");
    repo.knockon(&["plan"]).refused(2, "knockon.toml:1:");
}

#[test]
fn case_67_no_two_projects_have_one_name() {
    let repo = Repo::configured("[project.lone]\nname = \"same\"\n\n[project.lib]\nname = \"same\"\n");
    repo.knockon(&["plan"]).refused(2, "knockon.toml:");
    // Each thing is said once, wherever it is said.
    let repo = Repo::configured("[project.\"src/x\"]\nowners = [\"@a\"]\n");
    repo.write("src/x/go.mod", "module example.org/x\n").write("src/x/knockon.toml", "owners = [\"@b\"]\n");
    repo.knockon(&["plan"]).refused(2, "src/x/knockon.toml");
}

#[test]
fn case_66_a_project_cannot_depend_on_itself_and_a_circle_ends() {
    let repo = Repo::configured("[project.lone]\ndepends-on = [\"lone\"]\n");
    repo.knockon(&["plan"]).refused(2, "the project depends on itself");
    let repo = Repo::configured("[project.lib]\ndepends-on = [\"app\"]\n");
    repo.append("app/main.go", "// changed\n");
    assert_eq!(repo.report(&["--base", "HEAD"]).tasks(), LIB);
    assert!(repo.knockon(&["plan", "--base", "HEAD"]).done().stdout().contains("app"));
    let told = repo.knockon(&["check"]);
    assert!(told.done().stderr.contains("dependency-cycle"), "{}", told.stderr);
}

#[test]
fn pipelines_choose_tasks() {
    let text = "[pipeline.quick]\nbranches = [\"feature/*\"]\ntasks = [\"test\"]\n";
    let repo = Repo::configured(text);
    repo.append("lib/lib.go", "// changed\n");
    let plan = |pipeline: &str| {
        let plan = repo.knockon(&["plan", "--base", "HEAD", "--pipeline", pipeline, "--format", "json"]);
        let plan = plan.done().json();
        assert_eq!(plan["pipeline"], pipeline);
        let tasks = plan["tasks"].as_array().unwrap().iter();
        let mut ids: Vec<String> =
            tasks.filter(|task| task["affected"] == true).map(|task| crate::repository::text(&task["id"])).collect();
        ids.sort();
        ids
    };
    assert!(plan("quick").iter().any(|task| task == "app:test"));
    assert!(!plan("quick").iter().any(|task| task.ends_with(":image")));
    assert_eq!(plan("validation"), LIB);
    assert_eq!(plan("pull-request"), LIB);
    repo.knockon(&["plan", "--pipeline", "nightly"]).refused(2, "pull-request, quick, release, validation");
}

#[test]
fn the_default_branch_can_be_named() {
    let repo = Repo::configured("[workspace]\ndefault-branch = \"trunk\"\n");
    repo.git(&["branch", "trunk"]);
    repo.append("lone/lone.go", "// changed\n").commit("lone");
    let outcome = repo.report(&[]);
    assert_eq!(outcome.tasks(), LONE);
    assert!(outcome.decision().contains("the configuration names it"), "{}", outcome.decision());
    repo.write("knockon.toml", "[workspace]\ndefault-branch = \"trnuk\"\n");
    repo.knockon(&["plan"]).refused(3, "did you mean `trunk`?");
}

#[test]
fn case_25_a_project_that_gets_another_name_stays_itself() {
    let repo = Repo::configured("");
    assert_eq!(repo.reconfigured("[project.lone]\nname = \"alone\"\n"), NOTHING);
    let told = repo.knockon(&["explain", "alone", "--base", "HEAD"]);
    assert!(told.done().stdout().starts_with("alone"), "{}", told.stdout());
}

#[test]
fn what_init_writes_changes_no_answer() {
    let repo = Repo::of_modules();
    repo.write("scripts/build.sh", "x").write("docker/\u{1b}[2J", "x").commit("unowned");
    let before = repo.knockon(&["inputs", "app:test", "--format", "json"]).done().json()["fingerprint"].clone();
    let wrote = repo.knockon(&["init"]);
    assert!(wrote.done().stdout().starts_with("wrote "));
    let text = std::fs::read_to_string(repo.top().join("knockon.toml")).unwrap();
    assert!(text.contains("#   scripts/build.sh\n") && !text.contains('\u{1b}'), "{text}");
    assert_eq!(repo.tasks_on_disk(), NOTHING);
    assert_eq!(repo.knockon(&["inputs", "app:test", "--format", "json"]).done().json()["fingerprint"], before);
    repo.knockon(&["init"]).refused(2, "is there already");
}
