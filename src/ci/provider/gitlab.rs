//! GitLab CI.

use super::{Provider, Variables, event_of, of_branch, of_request, short_branch};
use crate::config::{EventKind, RefName};
use crate::plan::{Candidate, Event, Said, is_zeros};

pub(super) fn event(variables: &Variables) -> Event {
    let before = variables.said("CI_COMMIT_BEFORE_SHA");
    let is_train = variables.get("CI_MERGE_REQUEST_EVENT_TYPE") == Some("merge_train");
    let is_request = variables.get("CI_MERGE_REQUEST_IID").or(variables.get("CI_MERGE_REQUEST_ID")).is_some();
    let is_tag = variables.get("CI_COMMIT_TAG").is_some();
    let kind = match variables.get("CI_PIPELINE_SOURCE") {
        Some("merge_request_event") if is_train => EventKind::MergeGroup,
        Some("merge_request_event" | "external_pull_request_event") => EventKind::PullRequest,
        Some("schedule") => EventKind::Schedule,
        // A child says of itself what its parent was started for, but for the word.
        Some("parent_pipeline") if is_request && is_train => EventKind::MergeGroup,
        Some("parent_pipeline") if is_request => EventKind::PullRequest,
        Some("push" | "parent_pipeline") if is_tag => EventKind::Tag,
        Some("push") => EventKind::Push,
        // The zeros of a child may be those of a new branch or of a parent that was started by hand.
        Some("parent_pipeline") if before.as_ref().is_some_and(|before| !is_zeros(&before.text)) => EventKind::Push,
        _ => EventKind::Manual,
    };
    let tag = variables.get("CI_COMMIT_TAG").map(|tag| RefName::Tag(tag.to_owned()));
    let branch = variables.get("CI_COMMIT_BRANCH").map(|branch| RefName::Branch(branch.to_owned()));
    let mut event = Event {
        at: tag.or(branch),
        default_branch: variables.said("CI_DEFAULT_BRANCH"),
        head: variables.said("CI_COMMIT_SHA"),
        ..event_of(Provider::GitLab, kind)
    };
    match kind {
        EventKind::Push => event.candidates = of_branch(before),
        EventKind::PullRequest | EventKind::MergeGroup => {
            let external = |name: &str| variables.said(&format!("CI_EXTERNAL_PULL_REQUEST_{name}"));
            let request = |name: &str| variables.said(&format!("CI_MERGE_REQUEST_{name}"));
            let target = short_branch(request("TARGET_BRANCH_NAME").or_else(|| external("TARGET_BRANCH_NAME")));
            let source = request("SOURCE_BRANCH_NAME").or_else(|| external("SOURCE_BRANCH_NAME"));
            event.at = source.map(|Said { text, .. }| RefName::Branch(text));
            event.candidates = if kind == EventKind::MergeGroup {
                // Each car of a train is tried on those before it, which may yet be dropped.
                of_request(target.as_ref(), None, None)
            } else {
                // What the request forked off stays as it was when the request is retargeted; the tip does not.
                let tip = request("TARGET_BRANCH_SHA").or_else(|| external("TARGET_BRANCH_SHA"));
                let tip = tip.filter(|tip| !is_zeros(&tip.text)).or_else(|| request("DIFF_BASE_SHA"));
                of_request(target.as_ref(), tip, request("SOURCE_BRANCH_SHA"))
            };
            if target.is_none() {
                event.candidates.retain(|candidate| !matches!(candidate, Candidate::TargetCommit(_)));
            }
            event.target = target.map(|target| target.text);
        }
        EventKind::Tag | EventKind::Schedule | EventKind::Manual => {}
    }
    event
}
