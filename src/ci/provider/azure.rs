//! Azure Pipelines. It does not say what a branch was before: of a batch least of all.

use super::{Provider, Variables, branch, event_of, of_branch, of_request, short_branch};
use crate::config::{EventKind, RefName};
use crate::plan::Event;

pub(super) fn event(variables: &Variables) -> Event {
    let at = variables.get("BUILD_SOURCEBRANCH").and_then(RefName::parse);
    let is_tag = matches!(at, Some(RefName::Tag(_)));
    let kind = match variables.get("BUILD_REASON") {
        Some("PullRequest") => EventKind::PullRequest,
        Some("Schedule") => EventKind::Schedule,
        Some("IndividualCI" | "BatchedCI") if is_tag => EventKind::Tag,
        Some("IndividualCI" | "BatchedCI") => EventKind::Push,
        _ => EventKind::Manual,
    };
    let mut event = Event { at, head: variables.said("BUILD_SOURCEVERSION"), ..event_of(Provider::Azure, kind) };
    match kind {
        EventKind::Push => event.candidates = of_branch(None),
        EventKind::PullRequest => {
            let target = short_branch(variables.said("SYSTEM_PULLREQUEST_TARGETBRANCH"));
            event.at = variables.get("SYSTEM_PULLREQUEST_SOURCEBRANCH").and_then(branch);
            let request = variables.said("SYSTEM_PULLREQUEST_SOURCECOMMITID");
            event.candidates = of_request(target.as_ref(), None, request);
            event.target = target.map(|target| target.text);
        }
        _ => {}
    }
    event
}
