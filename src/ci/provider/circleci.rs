//! CircleCI. It says neither what a branch was before nor what a request is to be merged into.

use super::{Provider, Variables, branch, event_of, of_branch};
use crate::config::{EventKind, RefName};
use crate::plan::Event;

pub(super) fn event(variables: &Variables) -> Event {
    let tag = variables.get("CIRCLE_TAG").map(|tag| RefName::Tag(tag.to_owned()));
    let is_request = variables.get("CIRCLE_PULL_REQUEST").or(variables.get("CIRCLE_PULL_REQUESTS")).is_some();
    let kind = match &tag {
        Some(_) => EventKind::Tag,
        None if is_request => EventKind::PullRequest,
        None => EventKind::Push,
    };
    let at = tag.or_else(|| variables.get("CIRCLE_BRANCH").and_then(branch));
    let candidates = if kind == EventKind::Tag { Vec::new() } else { of_branch(None) };
    Event { at, head: variables.said("CIRCLE_SHA1"), candidates, ..event_of(Provider::CircleCi, kind) }
}
