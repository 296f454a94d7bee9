//! Which CI engine a run is of, and what it says about itself: the event, the branches, and the bases that these offer.
//!
//! Pure: the environment is handed in as a map, and the file that describes the event, where the engine has one, as bytes.
//! Nothing is believed here. What is missing, empty or of another form leaves a candidate out, and the planner holds
//! those that there are against the repository; with none of them everything is planned.

mod azure;
mod bitbucket;
mod buildkite;
mod circleci;
mod drone;
mod github;
mod gitlab;
mod jenkins;
mod woodpecker;

use std::collections::BTreeMap;

use crate::config::{EventKind, RefName};
use crate::plan::{Candidate, Event, Said};

/// A CI engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provider {
    /// GitHub Actions, and what is compatible with it.
    GitHub,
    /// GitLab CI.
    GitLab,
    /// Azure Pipelines.
    Azure,
    /// Buildkite.
    Buildkite,
    /// CircleCI.
    CircleCi,
    /// Jenkins.
    Jenkins,
    /// Bitbucket Pipelines.
    Bitbucket,
    /// Drone.
    Drone,
    /// Woodpecker.
    Woodpecker,
}

/// Each engine, its name, and the variable by which it is known, with the value that the variable then has; none: any.
const KNOWN_BY: [(Provider, &str, &str, Option<&str>); 9] = [
    (Provider::GitHub, "GitHub Actions", "GITHUB_ACTIONS", Some("true")),
    (Provider::GitLab, "GitLab CI", "GITLAB_CI", Some("true")),
    (Provider::Azure, "Azure Pipelines", "TF_BUILD", Some("true")),
    (Provider::Buildkite, "Buildkite", "BUILDKITE", Some("true")),
    (Provider::CircleCi, "CircleCI", "CIRCLECI", Some("true")),
    (Provider::Jenkins, "Jenkins", "JENKINS_URL", None),
    (Provider::Bitbucket, "Bitbucket Pipelines", "BITBUCKET_BUILD_NUMBER", None),
    (Provider::Drone, "Drone", "DRONE", Some("true")),
    (Provider::Woodpecker, "Woodpecker", "CI", Some("woodpecker")),
];

/// An address of more bytes is none.
const LONGEST_PAGE: usize = 2048;

impl Provider {
    /// Its name.
    pub fn name(self) -> &'static str {
        KNOWN_BY.iter().find(|(provider, ..)| *provider == self).map_or("", |(_, name, ..)| name)
    }
}

/// The environment of a run. A variable that is empty says nothing.
#[derive(Debug, Clone, Default)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Takes variables; those that are empty are left out.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(variables.into_iter().filter(|(_, value)| !value.is_empty()).collect())
    }

    /// The value of a variable.
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value of a variable, and that it says so.
    fn said(&self, name: &str) -> Option<Said> {
        self.get(name).map(|value| Said::new(value, name))
    }

    /// The engines whose variables are there.
    pub(super) fn providers(&self) -> Vec<Provider> {
        let is_there = |variable: &str, value: Option<&str>| {
            self.get(variable).is_some_and(|found| value.is_none_or(|value| found.eq_ignore_ascii_case(value)))
        };
        KNOWN_BY.iter().filter(|(_, _, variable, value)| is_there(variable, *value)).map(|known| known.0).collect()
    }

    /// The page of the job that runs, where one engine is known and says enough.
    pub fn job_page(&self) -> Option<String> {
        let get = |name| self.get(name);
        let page = match self.providers()[..] {
            [Provider::GitHub] => {
                let (server, repository) = (get("GITHUB_SERVER_URL")?, get("GITHUB_REPOSITORY")?);
                format!("{server}/{repository}/actions/runs/{}", get("GITHUB_RUN_ID")?)
            }
            [Provider::GitLab] => get("CI_JOB_URL")?.to_owned(),
            [Provider::Azure] => {
                let (collection, project) = (get("SYSTEM_COLLECTIONURI")?, get("SYSTEM_TEAMPROJECT")?);
                format!("{collection}{project}/_build/results?buildId={}", get("BUILD_BUILDID")?)
            }
            [Provider::Buildkite] => match get("BUILDKITE_JOB_ID") {
                Some(job) => format!("{}#{job}", get("BUILDKITE_BUILD_URL")?),
                None => get("BUILDKITE_BUILD_URL")?.to_owned(),
            },
            [Provider::CircleCi] => get("CIRCLE_BUILD_URL")?.to_owned(),
            [Provider::Jenkins] => get("BUILD_URL")?.to_owned(),
            [Provider::Bitbucket] => {
                let origin = get("BITBUCKET_GIT_HTTP_ORIGIN")?;
                format!("{origin}/pipelines/results/{}", get("BITBUCKET_BUILD_NUMBER")?)
            }
            [Provider::Drone] => get("DRONE_BUILD_LINK")?.to_owned(),
            [Provider::Woodpecker] => get("CI_PIPELINE_URL")?.to_owned(),
            _ => return None,
        };
        (page.len() <= LONGEST_PAGE).then_some(page)
    }

    /// The file that describes the event, where an engine names one.
    pub fn event_file(&self) -> Option<&str> {
        self.providers().contains(&Provider::GitHub).then(|| self.get(github::EVENT_FILE)).flatten()
    }

    /// What the run is about; none where no engine is known by its variables. `event_file` is the content of
    /// [`Variables::event_file`], if that could be read.
    pub fn event(&self, event_file: Option<&[u8]>) -> Option<Event> {
        let event = match self.providers()[..] {
            [] => return None,
            [Provider::GitHub] => github::event(self, event_file),
            [Provider::GitLab] => gitlab::event(self),
            [Provider::Azure] => azure::event(self),
            [Provider::Buildkite] => buildkite::event(self),
            [Provider::CircleCi] => circleci::event(self),
            [Provider::Jenkins] => jenkins::event(self),
            [Provider::Bitbucket] => bitbucket::event(self),
            [Provider::Drone] => drone::event(self),
            [Provider::Woodpecker] => woodpecker::event(self),
            ref several => {
                // One runs within the other, and which of them speaks of this run cannot be told.
                let names: Vec<&str> = several.iter().map(|provider| provider.name()).collect();
                let why = "the variables of several engines are set, and which of them runs this cannot be told";
                let candidates =
                    vec![Candidate::Refused { what: Said::new("any base", "the environment"), why: why.to_owned() }];
                Event { candidates, ..Event::new(&names.join(" and "), EventKind::Manual) }
            }
        };
        Some(event)
    }
}

/// The beginning of an engine's event.
fn event_of(provider: Provider, kind: EventKind) -> Event {
    Event::new(provider.name(), kind)
}

/// The candidates for a run of a branch: what it was before, then its merge base with the default branch.
fn of_branch(before: Option<Said>) -> Vec<Candidate> {
    before.map(Candidate::Before).into_iter().chain([Candidate::DefaultBranch]).collect()
}

/// A branch by its short name, from a short name or a whole reference.
fn branch(text: &str) -> Option<RefName> {
    RefName::parse(text).filter(|name| matches!(name, RefName::Branch(_)))
}

/// A variable that names a branch, with the branch's short name.
fn short_branch(said: Option<Said>) -> Option<Said> {
    let said = said?;
    let name = branch(&said.text)?;
    Some(Said::new(name.name(), said.by))
}

/// The candidates for a request to merge: the branch that it is to be merged into, the merge that the engine made, the
/// commit that the engine takes for the branch. Without a branch that is named, nothing is known.
fn of_request(target: Option<&Said>, tip: Option<Said>, request: Option<Said>) -> Vec<Candidate> {
    let branch = target.map(|branch| Candidate::Target { branch: branch.clone(), tip: tip.clone() });
    let merged = request.map(|request| Candidate::MergedInto { request });
    branch.into_iter().chain(merged).chain(tip.map(Candidate::TargetCommit)).collect()
}

#[cfg(test)]
mod tests;
