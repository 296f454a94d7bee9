//! Bitbucket Pipelines. It does not say what a branch was before; of a request it merges the target into the source.

use super::{Provider, Variables, branch, event_of, of_branch, of_request, short_branch};
use crate::config::{EventKind, RefName};
use crate::plan::Event;

pub(super) fn event(variables: &Variables) -> Event {
    let tag = variables.get("BITBUCKET_TAG").map(|tag| RefName::Tag(tag.to_owned()));
    let kind = match &tag {
        _ if variables.get("BITBUCKET_PR_ID").is_some() => EventKind::PullRequest,
        Some(_) => EventKind::Tag,
        None => EventKind::Push,
    };
    let at = tag.or_else(|| variables.get("BITBUCKET_BRANCH").and_then(branch));
    let mut event = Event { at, head: variables.said("BITBUCKET_COMMIT"), ..event_of(Provider::Bitbucket, kind) };
    match kind {
        EventKind::Push => event.candidates = of_branch(None),
        EventKind::PullRequest => {
            let target = short_branch(variables.said("BITBUCKET_PR_DESTINATION_BRANCH"));
            event.candidates = of_request(target.as_ref(), variables.said("BITBUCKET_PR_DESTINATION_COMMIT"), None);
            event.target = target.map(|target| target.text);
        }
        _ => {}
    }
    event
}
