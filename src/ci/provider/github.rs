//! GitHub Actions, and what is compatible with it.

use serde_json::Value;

use super::{Provider, Variables, branch, event_of, of_branch, of_request, short_branch};
use crate::config::{EventKind, RefName};
use crate::plan::{Candidate, Event, Said};

/// The variable that names the file with the event.
pub(super) const EVENT_FILE: &str = "GITHUB_EVENT_PATH";

/// A field of the event, and that it says so.
fn field(event: &Value, path: &[&str]) -> Option<Said> {
    let value = path.iter().try_fold(event, |value, key| value.get(key))?;
    let text = value.as_str().filter(|text| !text.is_empty())?;
    Some(Said::new(text, format!("{} of {EVENT_FILE}", path.join("."))))
}

pub(super) fn event(variables: &Variables, file: Option<&[u8]>) -> Event {
    let payload: Value = file.and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or(Value::Null);
    let said = |path: &[&str]| field(&payload, path);
    let reference = variables.get("GITHUB_REF");
    let at = reference.and_then(RefName::parse);
    let is_tag = matches!(at, Some(RefName::Tag(_)));
    let kind = match variables.get("GITHUB_EVENT_NAME") {
        Some("pull_request" | "pull_request_target" | "pull_request_review" | "pull_request_review_comment") => {
            EventKind::PullRequest
        }
        Some("merge_group") => EventKind::MergeGroup,
        Some("schedule") => EventKind::Schedule,
        Some("push" | "create" | "release") if is_tag => EventKind::Tag,
        Some("push") => EventKind::Push,
        _ => EventKind::Manual,
    };
    let mut event = Event {
        at,
        default_branch: said(&["repository", "default_branch"]),
        head: variables.said("GITHUB_SHA"),
        ..event_of(Provider::GitHub, kind)
    };
    match kind {
        EventKind::Push => event.candidates = of_branch(said(&["before"])),
        EventKind::PullRequest => {
            let target =
                short_branch(said(&["pull_request", "base", "ref"]).or_else(|| variables.said("GITHUB_BASE_REF")));
            let request = said(&["pull_request", "head", "sha"]);
            event.at = said(&["pull_request", "head", "ref"])
                .or_else(|| variables.said("GITHUB_HEAD_REF"))
                .and_then(|head| branch(&head.text));
            event.candidates = of_request(target.as_ref(), said(&["pull_request", "base", "sha"]), request);
            event.target = target.map(|target| target.text);
        }
        EventKind::MergeGroup => {
            // A queue may report the newest entry for all of them. So the base is not the entry before: what lies below
            // would never be tested.
            let target = short_branch(said(&["merge_group", "base_ref"]));
            event.candidates = of_request(target.as_ref(), None, None);
            event.candidates.extend(said(&["merge_group", "base_sha"]).map(|what| Candidate::Refused {
                what,
                why: "it may be the queue's entry before, which is not tested by itself".to_owned(),
            }));
            event.target = target.map(|target| target.text);
        }
        EventKind::Tag | EventKind::Schedule | EventKind::Manual => {}
    }
    event
}
