//! Woodpecker. The commit of the pipeline before may be of another branch, so it is no base.

use super::{Provider, Variables, branch, event_of, of_branch, of_request, short_branch};
use crate::config::{EventKind, RefName};
use crate::plan::Event;

pub(super) fn event(variables: &Variables) -> Event {
    let kind = match variables.get("CI_PIPELINE_EVENT") {
        Some("push") => EventKind::Push,
        Some("pull_request" | "pull_request_closed" | "pull_request_metadata") => EventKind::PullRequest,
        Some("tag" | "release") => EventKind::Tag,
        Some("cron") => EventKind::Schedule,
        _ => EventKind::Manual,
    };
    let tag = variables.get("CI_COMMIT_TAG").map(|tag| RefName::Tag(tag.to_owned()));
    let mut event = Event {
        at: tag.or_else(|| variables.get("CI_COMMIT_BRANCH").and_then(branch)),
        default_branch: variables.said("CI_REPO_DEFAULT_BRANCH"),
        head: variables.said("CI_COMMIT_SHA"),
        ..event_of(Provider::Woodpecker, kind)
    };
    match kind {
        EventKind::Push => event.candidates = of_branch(None),
        EventKind::PullRequest => {
            let target = variables.said("CI_COMMIT_TARGET_BRANCH").or_else(|| variables.said("CI_COMMIT_BRANCH"));
            let target = short_branch(target);
            event.at = variables.get("CI_COMMIT_SOURCE_BRANCH").and_then(branch);
            event.candidates = of_request(target.as_ref(), None, None);
            event.target = target.map(|target| target.text);
        }
        _ => {}
    }
    event
}
