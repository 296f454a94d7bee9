//! Jenkins, with the variables of its Git plugin and of multibranch projects.

use super::{Provider, Variables, branch, event_of, of_branch, of_request, short_branch};
use crate::config::{EventKind, RefName};
use crate::plan::{Candidate, Event};

pub(super) fn event(variables: &Variables) -> Event {
    let tag = variables.get("TAG_NAME").map(|tag| RefName::Tag(tag.to_owned()));
    let kind = match &tag {
        _ if variables.get("CHANGE_ID").is_some() => EventKind::PullRequest,
        Some(_) => EventKind::Tag,
        None => EventKind::Push,
    };
    let last_green = variables.said("GIT_PREVIOUS_SUCCESSFUL_COMMIT").map(Candidate::LastGreen);
    let mut event = Event { at: tag, head: variables.said("GIT_COMMIT"), ..event_of(Provider::Jenkins, kind) };
    match kind {
        EventKind::PullRequest => {
            let target = short_branch(variables.said("CHANGE_TARGET"));
            event.at = variables.get("CHANGE_BRANCH").and_then(branch);
            event.candidates = of_request(target.as_ref(), None, None);
            event.target = target.map(|target| target.text);
        }
        EventKind::Tag => event.candidates.extend(last_green),
        _ => {
            // The Git plugin names the branch with its remote, and knows no branch at all for a commit.
            let remote = variables.get("GIT_BRANCH").and_then(|name| name.strip_prefix("origin/"));
            event.at = variables.get("BRANCH_NAME").or(remote).and_then(branch);
            event.candidates.extend(last_green);
            event.candidates.extend(variables.said("GIT_PREVIOUS_COMMIT").map(|what| Candidate::Refused {
                what,
                why: "it is the last build however that ended, and a red one would be hidden by it".to_owned(),
            }));
            event.candidates.extend(of_branch(None));
        }
    }
    event
}
