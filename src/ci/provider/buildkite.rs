//! Buildkite. It does not say what a branch was before.

use super::{Provider, Variables, branch, event_of, of_branch, of_request, short_branch};
use crate::config::{EventKind, RefName};
use crate::plan::{Candidate, Event};

pub(super) fn event(variables: &Variables) -> Event {
    let tag = variables.get("BUILDKITE_TAG").map(|tag| RefName::Tag(tag.to_owned()));
    let is_request = variables.get("BUILDKITE_PULL_REQUEST").is_some_and(|number| number != "false");
    let queued_on = variables.said("BUILDKITE_MERGE_QUEUE_BASE_COMMIT");
    let kind = match variables.get("BUILDKITE_SOURCE") {
        _ if queued_on.is_some() => EventKind::MergeGroup,
        Some("schedule") => EventKind::Schedule,
        _ if tag.is_some() => EventKind::Tag,
        _ if is_request => EventKind::PullRequest,
        Some("webhook") => EventKind::Push,
        _ => EventKind::Manual,
    };
    let mut event = Event {
        at: tag.or_else(|| variables.get("BUILDKITE_BRANCH").and_then(branch)),
        default_branch: variables.said("BUILDKITE_PIPELINE_DEFAULT_BRANCH"),
        head: variables.said("BUILDKITE_COMMIT").filter(|said| said.text != "HEAD"),
        ..event_of(Provider::Buildkite, kind)
    };
    match kind {
        EventKind::Push => event.candidates = of_branch(None),
        EventKind::PullRequest => {
            let target = short_branch(variables.said("BUILDKITE_PULL_REQUEST_BASE_BRANCH"));
            event.candidates = of_request(target.as_ref(), None, None);
            event.target = target.map(|target| target.text);
        }
        EventKind::MergeGroup => {
            let target = short_branch(variables.said("BUILDKITE_MERGE_QUEUE_BASE_BRANCH"));
            event.candidates = of_request(target.as_ref(), None, None);
            event.candidates.extend(queued_on.map(|what| Candidate::Refused {
                what,
                why: "it may be the queue's entry before, which is not tested by itself".to_owned(),
            }));
            event.target = target.map(|target| target.text);
        }
        _ => {}
    }
    event
}
