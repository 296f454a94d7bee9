//! Each engine's variables as tables: what is set, and what is made of it.

use super::*;

/// One case of a table: `== name`, then `VARIABLE=value` lines and perhaps a line with the event's file as JSON, then
/// lines with what is expected, each after `-> `. In expected lines the ids are as short as in the table.
fn check(table: &str) {
    let mut checked = 0;
    for case in table.split("\n== ").skip(1) {
        let (name, rest) = case.split_once('\n').unwrap();
        let (mut variables, mut file, mut expected) = (Vec::new(), None, Vec::new());
        for line in rest.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
            if let Some(line) = line.strip_prefix("-> ") {
                expected.push(line.to_owned());
            } else if line.starts_with('{') {
                file = Some(line.as_bytes().to_vec());
            } else {
                let (variable, value) = line.split_once('=').unwrap();
                variables.push((variable.to_owned(), value.to_owned()));
            }
        }
        let event = Variables::new(variables).event(file.as_deref());
        assert_eq!(event.map(|event| told(&event)).unwrap_or_default(), expected, "{name}");
        checked += 1;
    }
    assert!(checked > 0);
}

/// An event in lines, as the tables have them.
fn told(event: &Event) -> Vec<String> {
    let said = |said: &Said| format!("{} ({})", said.text, said.by);
    let mut first = event.to_string().trim_end_matches(": ").to_owned();
    if let Some(branch) = &event.default_branch {
        first.push_str(&format!("; default {}", branch.text));
    }
    if let Some(at) = event.selecting() {
        first.push_str(&format!("; selects by {at}"));
    }
    let candidates = event.candidates.iter().map(|candidate| match candidate {
        Candidate::Before(before) => format!("before {}", said(before)),
        Candidate::LastGreen(green) => format!("last green {}", said(green)),
        Candidate::Target { branch, tip: None } => format!("target {}", said(branch)),
        Candidate::Target { branch, tip: Some(tip) } => format!("target {} at {}", said(branch), said(tip)),
        Candidate::MergedInto { request } => format!("merge of {}", said(request)),
        Candidate::TargetCommit(commit) => format!("target's commit {}", said(commit)),
        Candidate::DefaultBranch => "default branch".to_owned(),
        Candidate::Refused { what, .. } => format!("not {}", said(what)),
    });
    std::iter::once(first).chain(candidates).collect()
}

#[test]
fn github_actions() {
    check(include_str!("tests/github.txt"));
}

#[test]
fn gitlab() {
    check(include_str!("tests/gitlab.txt"));
}

#[test]
fn azure_pipelines() {
    check(include_str!("tests/azure.txt"));
}

#[test]
fn buildkite() {
    check(include_str!("tests/buildkite.txt"));
}

#[test]
fn circleci() {
    check(include_str!("tests/circleci.txt"));
}

#[test]
fn jenkins() {
    check(include_str!("tests/jenkins.txt"));
}

#[test]
fn bitbucket() {
    check(include_str!("tests/bitbucket.txt"));
}

#[test]
fn drone() {
    check(include_str!("tests/drone.txt"));
}

#[test]
fn woodpecker() {
    check(include_str!("tests/woodpecker.txt"));
}

#[test]
fn no_engine_and_two() {
    check(include_str!("tests/none.txt"));
}

#[test]
fn case_41_names_out_of_the_environment_are_data() {
    let name = "a\n::set-output name=x::$(id)'\u{1b}[2J";
    let event = Variables::new([
        ("GITLAB_CI".to_owned(), "true".to_owned()),
        ("CI_PIPELINE_SOURCE".to_owned(), "push".to_owned()),
        ("CI_COMMIT_BRANCH".to_owned(), name.to_owned()),
    ]);
    let event = event.event(None).unwrap();
    assert_eq!(event.at, Some(RefName::Branch(name.to_owned())));
    assert!(!event.to_string().contains(char::is_control), "{event}");
}

#[test]
fn the_page_of_the_job_is_known_where_the_engine_says_enough() {
    let page = |variables: &[(&str, &str)]| {
        Variables::new(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))).job_page()
    };
    let azure = [
        ("TF_BUILD", "True"),
        ("SYSTEM_COLLECTIONURI", "https://az.example/org/"),
        ("SYSTEM_TEAMPROJECT", "shop"),
        ("BUILD_BUILDID", "7"),
    ];
    assert_eq!(page(&azure).unwrap(), "https://az.example/org/shop/_build/results?buildId=7");
    let buildkite = [("BUILDKITE", "true"), ("BUILDKITE_BUILD_URL", "https://b.example/1"), ("BUILDKITE_JOB_ID", "j")];
    assert_eq!(page(&buildkite).unwrap(), "https://b.example/1#j");
    assert_eq!(page(&buildkite[..2]).unwrap(), "https://b.example/1");
    let bitbucket = [("BITBUCKET_BUILD_NUMBER", "3"), ("BITBUCKET_GIT_HTTP_ORIGIN", "https://bb.example/a/b")];
    assert_eq!(page(&bitbucket).unwrap(), "https://bb.example/a/b/pipelines/results/3");
    for (known, value, variable) in [
        ("GITLAB_CI", "true", "CI_JOB_URL"),
        ("CIRCLECI", "true", "CIRCLE_BUILD_URL"),
        ("JENKINS_URL", "https://j.example", "BUILD_URL"),
        ("DRONE", "true", "DRONE_BUILD_LINK"),
        ("CI", "woodpecker", "CI_PIPELINE_URL"),
    ] {
        assert_eq!(page(&[(known, value), (variable, "https://ci.example/1")]).unwrap(), "https://ci.example/1");
        assert_eq!(page(&[(known, value)]), None);
        assert_eq!(page(&[(known, value), (variable, &"x".repeat(3000))]), None);
    }
    assert_eq!(page(&[("GITLAB_CI", "true"), ("CIRCLECI", "true"), ("CI_JOB_URL", "https://ci.example/1")]), None);
    assert_eq!(page(&[]), None);
}
