//! The base of a run in CI: what an engine says, held against real repositories.

use std::fs;
use std::path::Path;

use crate::repository::{ALL_OF_MODULES, Outcome, Repo};

const LIB: [&str; 4] = ["app:build", "app:test", "lib:build", "lib:test"];
const LONE: [&str; 2] = ["lone:build", "lone:test"];
const NONE: [&str; 0] = [];

/// What an engine says of a run.
struct Run<'a> {
    repo: &'a Repo,
    place: &'a Path,
    variables: Vec<(&'a str, String)>,
}

impl<'a> Run<'a> {
    fn new(repo: &'a Repo, variables: &[(&'a str, &str)]) -> Self {
        let variables = variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self { repo, place: repo.top(), variables }
    }

    /// A push of GitHub's to a branch, with what the branch was before.
    fn push(repo: &'a Repo, branch: &str, before: &str) -> Self {
        let event = format!(r#"{{"before":"{before}","repository":{{"default_branch":"main"}}}}"#);
        let file = repo.beside("event.json");
        fs::write(&file, event).unwrap();
        let reference = format!("refs/heads/{branch}");
        let variables = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_EVENT_NAME", "push"),
            ("GITHUB_REF", &reference),
            ("GITHUB_EVENT_PATH", file.to_str().unwrap()),
        ];
        Self::new(repo, &variables)
    }

    /// A pull request of GitHub's: its head, the branch that it is to be merged into, and the commit of that.
    fn request(repo: &'a Repo, head: &str, target: &str, tip: &str) -> Self {
        let event = format!(
            r#"{{"pull_request":{{"base":{{"ref":"{target}","sha":"{tip}"}},"head":{{"ref":"topic","sha":"{head}"}}}}}}"#
        );
        let file = repo.beside("event.json");
        fs::write(&file, event).unwrap();
        let variables = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_EVENT_NAME", "pull_request"),
            ("GITHUB_EVENT_PATH", file.to_str().unwrap()),
        ];
        Self::new(repo, &variables)
    }

    fn at(mut self, place: &'a Path) -> Self {
        self.place = place;
        self
    }

    fn start(&self, arguments: &[&str]) -> Outcome {
        self.repo.start_in(self.place, arguments, |command| {
            command.envs(self.variables.iter().map(|(name, value)| (*name, value.as_str())));
        })
    }

    fn report(&self) -> Outcome {
        let outcome = self.start(&["affected", "--format", "json"]);
        outcome.done();
        outcome
    }

    /// What is affected; no doubt may have widened it.
    fn certain(&self) -> Vec<String> {
        let outcome = self.report();
        assert_eq!(outcome.widened(), NONE, "{}", outcome.stdout());
        outcome.tasks()
    }

    /// That everything is planned for a reason, and that `--strict` ends with 4. Gives what the decision says.
    fn everything(&self, reason: &str) -> String {
        let outcome = self.report();
        assert_eq!(outcome.widened(), [reason], "{}", outcome.stdout());
        assert_eq!(outcome.tasks(), ALL_OF_MODULES);
        assert_eq!(self.start(&["affected", "--strict"]).status, 4);
        outcome.decision()
    }
}

fn zeros() -> String {
    "0".repeat(40)
}

#[test]
fn a_push_is_compared_with_what_the_branch_was_before() {
    let repo = Repo::of_modules();
    let before = repo.id("HEAD");
    // Several commits in one push, or several pushes in one run.
    repo.touch("lone").commit("nothing").touch("lone");
    let run = Run::push(&repo, "main", &before);
    assert_eq!(run.certain(), LONE);
    assert_eq!(run.report().base(), before);
    // What is named goes first.
    let named = run.start(&["affected", "--format", "json", "--base", "HEAD~1"]);
    assert_eq!(named.done().base(), repo.id("HEAD~1"));
    // A head that is named is no run of the engine's.
    let head = run.start(&["affected", "--format", "json", "--head", "HEAD~1"]);
    assert!(!head.done().decision().contains("GitHub"), "{}", head.decision());
}

#[test]
fn case_37_a_new_branch_is_compared_with_where_it_forked_off() {
    let repo = Repo::of_modules();
    repo.branch("topic", "main").touch("lib");
    repo.switch("main").touch("lone").switch("topic");
    assert_eq!(Run::push(&repo, "topic", &zeros()).certain(), LIB);
    // One without a commit of its own holds nothing new.
    repo.branch("fresh", "main");
    assert_eq!(Run::push(&repo, "fresh", &zeros()).certain(), NONE);
    // On the default branch nobody knows what was pushed.
    repo.switch("main");
    let told = Run::push(&repo, "main", &zeros()).everything("no-base");
    assert!(told.contains("all zeros"), "{told}");
}

#[test]
fn case_36_a_rewritten_branch_is_compared_with_where_it_forked_off() {
    let repo = Repo::of_modules();
    let main = repo.id("main");
    repo.branch("topic", "main").touch("lone");
    let before = repo.id("HEAD");
    repo.branch("topic", "main").touch("lib");
    // The commit is still here, and no ancestor.
    let run = Run::push(&repo, "topic", &before);
    assert_eq!((run.certain(), run.report().base()), (LIB.map(str::to_owned).to_vec(), main.clone()));
    let steps = run.report().json()["steps"].clone();
    assert!(steps[0]["why"].as_str().unwrap().contains("rewritten"), "{steps}");
    assert_eq!((&steps[0]["taken"], &steps[1]["taken"]), (&false.into(), &true.into()));
    // A commit that nobody has.
    let gone = "1".repeat(40);
    let run = Run::push(&repo, "topic", &gone);
    assert_eq!((run.certain(), run.report().base()), (LIB.map(str::to_owned).to_vec(), main));
    // The default branch itself, rewritten.
    repo.branch("main", "topic");
    let told = Run::push(&repo, "main", &gone).everything("missing-base");
    assert!(told.contains(&format!("git fetch --no-tags origin {gone}")), "{told}");
}

#[test]
fn what_a_push_says_of_itself_never_makes_a_plan_smaller() {
    let repo = Repo::of_modules();
    repo.touch("lone");
    let head = repo.id("HEAD");
    let tree = repo.id("HEAD^{tree}");
    for before in [&head, "", "HEAD", "main", "--output=x", "a\u{1b}[2J", &head[..12], &tree] {
        let told = Run::push(&repo, "main", before).everything("no-base");
        assert!(!told.contains(char::is_control), "{told}");
    }
    // No file with the event, a file that is none, one with other things in it.
    for text in [None, Some("null"), Some("{\"before\":"), Some("{\"before\":{\"before\":\"x\"}}")] {
        let run = Run::push(&repo, "main", "");
        match text {
            None => fs::remove_file(repo.beside("event.json")).unwrap(),
            Some(text) => fs::write(repo.beside("event.json"), text).unwrap(),
        }
        run.everything("no-base");
    }
}

#[test]
fn case_39_a_request_is_compared_with_where_it_left_its_target() {
    let repo = Repo::of_modules();
    let fork = repo.id("main");
    repo.branch("topic", "main").touch("lib");
    let head = repo.id("HEAD");
    repo.switch("main").touch("lone");
    let tip = repo.id("main");
    // The head itself is checked out.
    repo.switch("topic");
    let run = Run::request(&repo, &head, "main", &tip);
    assert_eq!((run.certain(), run.report().base()), (LIB.map(str::to_owned).to_vec(), fork));
    // The merge that the engine makes to try it.
    repo.git(&["checkout", "--quiet", "--detach", "main"]);
    repo.git(&["merge", "--quiet", "--no-ff", "-m", "try", "topic"]);
    let run = Run::request(&repo, &head, "main", &tip);
    assert_eq!((run.certain(), run.report().base()), (LIB.map(str::to_owned).to_vec(), tip.clone()));
    // The target went on since.
    repo.git(&["update-ref", "refs/heads/main", &repo.git(&["commit-tree", "-p", "main", "-m", "on", "main^{tree}"])]);
    assert_eq!(run.report().base(), tip);
    // The target's own commit is checked out: that would compare nothing.
    repo.switch("main");
    let told = run.everything("no-base");
    assert!(told.contains("lies on main"), "{told}");
}

#[test]
fn a_retargeted_request_is_compared_with_its_new_target() {
    let repo = Repo::of_modules();
    let main = repo.id("main");
    repo.branch("stacked-on", "main").touch("lone");
    let stale = repo.id("HEAD");
    repo.branch("topic", "stacked-on").touch("lib");
    // It was to be merged into `stacked-on`, and is now to be merged into `main`; the engine still says the old commit.
    let run = Run::new(
        &repo,
        &[
            ("GITLAB_CI", "true"),
            ("CI_PIPELINE_SOURCE", "merge_request_event"),
            ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
            ("CI_MERGE_REQUEST_DIFF_BASE_SHA", &stale),
        ],
    );
    assert_eq!(run.certain(), ALL_OF_MODULES);
    let bases = run.report().json()["bases"].to_string();
    assert!(bases.contains(&main), "{bases}");
    // Where the target is not here, what the engine says is all there is; with nothing said there is nothing.
    let clone = repo.cloned("single", &["--single-branch", "--branch=topic"]);
    assert_eq!(Run { place: &clone, variables: run.variables.clone(), ..run }.certain(), LIB);
}

#[test]
fn a_target_that_is_behind_hides_no_change() {
    let repo = Repo::of_modules();
    let old = repo.id("main");
    let before = fs::read(repo.top().join("lib/lib.go")).unwrap();
    // The target changes `lib` after this clone saw it last, and the request takes that back.
    repo.write("lib/lib.go", "package lib // B\n").commit("main goes on");
    let tip = repo.id("main");
    repo.branch("topic", "main").write("lib/lib.go", before).commit("back");
    let head = repo.id("HEAD");
    repo.git(&["update-ref", "refs/remotes/origin/main", &old]);
    assert_eq!(repo.affected("origin/main", "HEAD"), NONE);
    let run = Run::request(&repo, &head, "main", &tip);
    assert_eq!(run.certain(), LIB);
    assert!(run.report().decision().contains("it is behind"), "{}", run.report().decision());
    // Nor where the commit that the engine names is not here.
    let told = Run::request(&repo, &head, "main", &"2".repeat(40)).everything("stale-branch");
    assert!(told.contains("git fetch --no-tags origin +refs/heads/main:refs/remotes/origin/main"), "{told}");
}

#[test]
fn a_merge_group_is_compared_with_the_branch_whichever_way_it_is_grouped() {
    let repo = Repo::of_modules();
    let main = repo.id("main");
    // Two entries; of the second the engine says that the first is its base.
    repo.branch("gh-readonly-queue/main/pr-1", "main").touch("lone");
    let first = repo.id("HEAD");
    repo.branch("gh-readonly-queue/main/pr-2", "HEAD").touch("lib");
    let event = repo.beside("event.json");
    fs::write(&event, format!(r#"{{"merge_group":{{"base_ref":"refs/heads/main","base_sha":"{first}"}}}}"#)).unwrap();
    let variables = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_EVENT_NAME", "merge_group"),
        ("GITHUB_EVENT_PATH", event.to_str().unwrap()),
    ];
    let run = Run::new(&repo, &variables);
    assert_eq!((run.certain(), run.report().base()), (ALL_OF_MODULES.map(str::to_owned).to_vec(), main));
}

#[test]
fn case_31_a_request_with_two_merge_bases_counts_both() {
    let repo = Repo::of_modules();
    repo.branch("topic", "main").touch("lib");
    let topic = repo.id("topic");
    repo.switch("main").touch("lone");
    let main = repo.id("main");
    repo.git(&["merge", "--quiet", "-m", "cross", &topic]);
    repo.switch("topic").git(&["merge", "--quiet", "-m", "criss", &main]);
    repo.append("app/main.go", "// goes on\n").commit("app");
    let run = Run::request(&repo, &repo.id("topic"), "main", &repo.id("main"));
    assert_eq!(run.certain(), ALL_OF_MODULES);
    assert_eq!(run.report().json()["bases"].as_array().unwrap().len(), 2);
}

#[test]
fn what_is_not_about_a_change_is_about_everything() {
    let repo = Repo::of_modules();
    repo.touch("lone");
    for kind in ["schedule", "workflow_dispatch", "who-knows"] {
        let variables = [("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", kind), ("GITHUB_REF", "refs/heads/main")];
        let told = Run::new(&repo, &variables).everything("no-base");
        assert!(told.contains("--base-file"), "{told}");
    }
    let tag = [("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "push"), ("GITHUB_REF", "refs/tags/v1")];
    Run::new(&repo, &tag).everything("no-base");
    // Of a batch on the default branch nothing is said, and the commit before is not what was built last.
    let batch = [("TF_BUILD", "True"), ("BUILD_REASON", "BatchedCI"), ("BUILD_SOURCEBRANCH", "refs/heads/main")];
    Run::new(&repo, &batch).everything("no-base");
    let two = [("GITHUB_ACTIONS", "true"), ("GITLAB_CI", "true"), ("CI_COMMIT_BEFORE_SHA", &repo.id("HEAD~1"))];
    Run::new(&repo, &two).everything("no-base");
}

#[test]
fn jenkins_is_compared_with_its_last_good_build() {
    let repo = Repo::of_modules();
    let green = repo.id("HEAD");
    repo.touch("lib");
    let red = repo.id("HEAD");
    repo.touch("lone");
    let jenkins = |more: &[(&'static str, &str)]| {
        let variables =
            [&[("JENKINS_URL", "x"), ("BRANCH_NAME", "main"), ("GIT_PREVIOUS_COMMIT", &red)], more].concat();
        Run::new(&repo, &variables)
    };
    assert_eq!(jenkins(&[("GIT_PREVIOUS_SUCCESSFUL_COMMIT", &green)]).certain(), ALL_OF_MODULES);
    // The last build of all was red: what it failed at must not be left out.
    let told = jenkins(&[]).everything("no-base");
    assert!(told.contains("a red one would be hidden"), "{told}");
}

#[test]
fn a_base_can_be_kept_in_a_file() {
    let repo = Repo::of_modules();
    let base = repo.id("HEAD");
    repo.touch("lone");
    let file = repo.beside("last-green");
    let name = file.to_str().unwrap();
    let run = Run::new(&repo, &[("TF_BUILD", "True"), ("BUILD_REASON", "Schedule")]);
    let report = |run: &Run<'_>| run.start(&["affected", "--format", "json", "--base-file", name]);
    for text in [format!("{base}\n"), format!("{base}\r\nand more\n")] {
        fs::write(&file, text).unwrap();
        assert_eq!(report(&run).done().tasks(), LONE);
        assert_eq!(repo.knockon(&["affected", "--format", "json", "--base-file", name]).done().tasks(), LONE);
    }
    for text in ["", "main\n", &format!("\n{base}\n"), &base[..20], "\u{0}\u{ff}"] {
        fs::write(&file, text).unwrap();
        let outcome = report(&run);
        assert_eq!(
            (outcome.done().tasks(), outcome.widened()),
            (ALL_OF_MODULES.map(str::to_owned).to_vec(), vec!["no-base".to_owned()])
        );
    }
    fs::write(&file, "3".repeat(40)).unwrap();
    assert_eq!(report(&run).done().widened(), ["missing-base"]);
    fs::remove_file(&file).unwrap();
    let outcome = report(&run);
    assert_eq!(outcome.done().widened(), ["no-base"]);
    assert!(outcome.decision().contains("cannot be read"), "{}", outcome.decision());
    repo.knockon(&["affected", "--base", "HEAD", "--base-file", name]).refused(2, "cannot be used with");
}

#[test]
fn the_choice_is_told_step_by_step() {
    let repo = Repo::of_modules();
    repo.branch("topic", "main").touch("lib");
    let told = Run::push(&repo, "topic", &zeros()).start(&["plan", "--why-base"]);
    let told = told.done().stdout();
    for line in [
        "  1. the commit before the push 0000000000000000000000000000000000000000  (before of GITHUB_EVENT_PATH)",
        "     passed by: it is all zeros: there was nothing before",
        "  2. the merge base with the default branch  (repository.default_branch of GITHUB_EVENT_PATH)",
        "     taken: the merge base of main and the head",
    ] {
        assert!(told.lines().any(|found| found == line), "{line}\n{told}");
    }
    let mut run = Run::push(&repo, "topic", &zeros());
    run.variables.push(("GITHUB_SHA", "5".repeat(40)));
    assert!(run.start(&["plan", "--why-base"]).done().stdout().contains("what is here is"));
}

#[test]
fn case_41_names_of_branches_are_data() {
    let repo = Repo::of_modules();
    repo.touch("lone");
    for name in
        ["$(touch x)", "a'b\"c", "-x", "--output=x", "a\n::set-output name=a::b", "a..b", "##vso[task.x]y", "\u{202e}a"]
    {
        let variables = [
            ("GITLAB_CI", "true"),
            ("CI_PIPELINE_SOURCE", "merge_request_event"),
            ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", name),
            ("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", name),
            ("CI_COMMIT_BRANCH", name),
            ("CI_DEFAULT_BRANCH", name),
        ];
        let run = Run::new(&repo, &variables);
        let outcome = run.start(&["plan", "--why-base"]);
        let told = format!("{}{}", outcome.done().stdout(), outcome.stderr);
        assert!(!told.lines().any(|line| line.trim_start().starts_with("::")), "{told}");
        assert!(!told.contains("##vso[") && !told.contains('\u{202e}'), "{told}");
        assert!(run.report().widened() == ["no-base"] || run.report().widened() == ["missing-base"]);
        assert_eq!(run.report().tasks(), ALL_OF_MODULES);
        let deepened = run.start(&["affected", "--deepen"]);
        assert_eq!(deepened.done().stdout().lines().count(), 3);
    }
    assert!(!repo.top().join("x").exists());
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
}

/// A request that is 3 commits away from its target, of which only the merge is in a clone.
fn shallow_request(repo: &Repo, depth: u32) -> (String, String, std::path::PathBuf) {
    repo.branch("topic", "main").touch("lib").commit("second").commit("third");
    let head = repo.id("HEAD");
    repo.switch("main").touch("lone");
    let tip = repo.id("main");
    repo.git(&["checkout", "--quiet", "-B", "merge", "main"]);
    repo.git(&["merge", "--quiet", "--no-ff", "-m", "try", "topic"]);
    let clone = repo.cloned("shallow", &[&format!("--depth={depth}"), "--single-branch", "--branch=merge"]);
    (head, tip, clone)
}

#[test]
fn case_32_in_a_shallow_clone_the_merge_tells_the_base_or_everything_is_planned() {
    let repo = Repo::of_modules();
    let (head, tip, clone) = shallow_request(&repo, 2);
    let run = Run::request(&repo, &head, "main", &tip).at(&clone);
    assert_eq!((run.certain(), run.report().base()), (LIB.map(str::to_owned).to_vec(), tip.clone()));
    // Another merge at the head is not the one that the engine made.
    let other = Run::request(&repo, &tip, "main", &"4".repeat(40)).at(&clone);
    other.everything("missing-base");

    let repo = Repo::of_modules();
    let (head, tip, clone) = shallow_request(&repo, 1);
    let run = Run::request(&repo, &head, "main", &tip).at(&clone);
    let told = run.everything("missing-base");
    let merge = repo.id("merge");
    assert!(told.contains(&format!("run `git fetch --no-tags --deepen=1 origin {merge}`")), "{told}");
    // And it is fetched only when that is asked for.
    let trace = repo.beside("trace");
    let mut asked = Run::request(&repo, &head, "main", &tip).at(&clone);
    asked.variables.push(("GIT_TRACE", trace.to_str().unwrap().to_owned()));
    asked.everything("missing-base");
    assert!(!clone.join(".git/FETCH_HEAD").exists());
    let outcome = asked.start(&["affected", "--deepen", "--format", "json"]);
    assert_eq!((outcome.done().tasks(), outcome.widened()), (LIB.map(str::to_owned).to_vec(), vec![]));
    assert!(outcome.stderr.contains("--deepen runs `git fetch"), "{}", outcome.stderr);
    assert_eq!(run.certain(), LIB);
}

#[test]
fn case_33_a_shallow_clone_is_deepened_until_the_base_is_proved() {
    let repo = Repo::of_modules();
    repo.branch("topic", "main").touch("lib");
    for _ in 0..80 {
        repo.commit("on");
    }
    repo.switch("main").touch("lone");
    let tip = repo.id("main");
    let clone = repo.cloned("shallow", &["--depth=2", "--single-branch", "--branch=topic"]);
    // No engine made a merge, and the target is not here.
    let run = Run::request(&repo, &repo.id("topic"), "main", &tip).at(&clone);
    run.everything("missing-base");
    let outcome = run.start(&["affected", "--deepen", "--format", "json"]);
    assert_eq!((outcome.done().tasks(), outcome.widened()), (LIB.map(str::to_owned).to_vec(), vec![]));
    assert!(outcome.stderr.contains("--deepen=64") && outcome.stderr.contains("--deepen=512"), "{}", outcome.stderr);
    assert_eq!(run.certain(), LIB);
    // There is nothing to be fetched any more, and so nothing is.
    assert_eq!(run.start(&["affected", "--deepen"]).done().stderr, "");
}

#[test]
fn a_push_to_a_shallow_clone_needs_one_commit() {
    let repo = Repo::of_modules();
    let before = repo.id("HEAD");
    repo.touch("lone").commit("nothing");
    let clone = repo.cloned("shallow", &["--depth=1"]);
    let run = Run::push(&repo, "main", &before).at(&clone);
    let told = run.everything("missing-base");
    assert!(told.contains(&format!("git fetch --no-tags --depth=1 origin {before}")), "{told}");
    let outcome = run.start(&["affected", "--deepen", "--format", "json"]);
    assert_eq!((outcome.done().tasks(), outcome.widened()), (LONE.map(str::to_owned).to_vec(), vec![]));
    assert_eq!(outcome.base(), before);
}

#[test]
fn what_cannot_be_fetched_leaves_the_plan_wide() {
    let repo = Repo::of_modules();
    repo.touch("lone");
    let clone = repo.cloned("shallow", &["--depth=1"]);
    let canary = repo.beside("canary");
    repo.git_in(&clone, &["remote", "set-url", "origin", &format!("ext::touch {}", canary.display())]);
    let run = Run::push(&repo, "main", &"6".repeat(40)).at(&clone);
    let outcome = run.start(&["affected", "--deepen", "--format", "json"]);
    assert_eq!(
        (outcome.done().tasks(), outcome.widened()),
        (ALL_OF_MODULES.map(str::to_owned).to_vec(), vec!["missing-base".to_owned()])
    );
    assert!(outcome.stderr.contains("warning: `git fetch` failed"), "{}", outcome.stderr);
    assert!(!canary.exists(), "a URL named a program, and it was run");
}
