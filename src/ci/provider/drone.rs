//! Drone.

use super::{Provider, Variables, branch, event_of, of_branch, of_request, short_branch};
use crate::config::{EventKind, RefName};
use crate::plan::Event;

pub(super) fn event(variables: &Variables) -> Event {
    let kind = match variables.get("DRONE_BUILD_EVENT") {
        Some("push") => EventKind::Push,
        Some("pull_request") => EventKind::PullRequest,
        Some("tag") => EventKind::Tag,
        Some("cron") => EventKind::Schedule,
        _ => EventKind::Manual,
    };
    let tag = variables.get("DRONE_TAG").map(|tag| RefName::Tag(tag.to_owned()));
    let mut event = Event {
        at: tag.or_else(|| variables.get("DRONE_BRANCH").and_then(branch)),
        default_branch: variables.said("DRONE_REPO_BRANCH"),
        head: variables.said("DRONE_COMMIT_SHA"),
        ..event_of(Provider::Drone, kind)
    };
    match kind {
        EventKind::Push => event.candidates = of_branch(variables.said("DRONE_COMMIT_BEFORE")),
        EventKind::PullRequest => {
            let target = short_branch(variables.said("DRONE_TARGET_BRANCH").or_else(|| variables.said("DRONE_BRANCH")));
            event.at = variables.get("DRONE_SOURCE_BRANCH").and_then(branch);
            event.candidates = of_request(target.as_ref(), variables.said("DRONE_COMMIT_BEFORE"), None);
            event.target = target.map(|target| target.text);
        }
        _ => {}
    }
    event
}
