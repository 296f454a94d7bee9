//! Pipelines: named sets of tasks, and the events and refs that select them.

use std::fmt;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Configuration, FILE_NAME, RefMatch, RefPattern, Written, read};
use crate::path::RepoPath;

/// What a CI engine runs for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// Commits were pushed to a branch.
    Push,
    /// Somebody asks to have a branch merged.
    PullRequest,
    /// A merge queue tries what it is about to merge.
    MergeGroup,
    /// A tag was pushed.
    Tag,
    /// The time has come.
    Schedule,
    /// Somebody or another pipeline started it.
    Manual,
}

impl EventKind {
    /// The events by the words that a configuration uses for them.
    pub const WORDS: [(&'static str, EventKind); 6] = [
        ("push", EventKind::Push),
        ("pull-request", EventKind::PullRequest),
        ("merge-group", EventKind::MergeGroup),
        ("tag", EventKind::Tag),
        ("schedule", EventKind::Schedule),
        ("manual", EventKind::Manual),
    ];

    /// The word that a configuration uses for it.
    pub fn word(self) -> &'static str {
        match self {
            EventKind::Push => "push",
            EventKind::PullRequest => "pull-request",
            EventKind::MergeGroup => "merge-group",
            EventKind::Tag => "tag",
            EventKind::Schedule => "schedule",
            EventKind::Manual => "manual",
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A branch or a tag by its short name: without `refs/heads/` or `refs/tags/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RefName {
    /// A branch.
    Branch(String),
    /// A tag.
    Tag(String),
}

impl RefName {
    /// Reads a whole reference. What is neither a tag nor anything else below `refs/` is a branch.
    pub fn parse(text: &str) -> Option<RefName> {
        let branch = |name: &str| (!name.is_empty()).then(|| RefName::Branch(name.to_owned()));
        match (text.strip_prefix("refs/heads/"), text.strip_prefix("refs/tags/")) {
            (Some(name), _) => branch(name),
            (_, Some(name)) => (!name.is_empty()).then(|| RefName::Tag(name.to_owned())),
            _ if text.starts_with("refs/") => None,
            _ => branch(text),
        }
    }

    /// The short name.
    pub fn name(&self) -> &str {
        match self {
            RefName::Branch(name) | RefName::Tag(name) => name,
        }
    }
}

impl fmt::Display for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RefName::Branch(name) => write!(f, "branch {name}"),
            RefName::Tag(name) => write!(f, "tag {name}"),
        }
    }
}

/// `[pipeline.X]`: a named set of tasks with the events, branches and tags that select it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineSettings {
    /// The pipeline's name, at its table.
    pub name: Written<String>,
    /// The events that select it; if none is said, see [`PipelineSettings::selected_by`].
    pub events: Vec<Written<EventKind>>,
    /// The branches that select it; of a pull request and a merge group it is the branch that they are to be merged into.
    pub branches: Vec<Written<RefPattern>>,
    /// The tags that select it.
    pub tags: Vec<Written<RefPattern>>,
    /// The branches and tags among them that do not.
    pub except: Vec<Written<RefPattern>>,
    /// The names of its tasks, in the order of the file.
    pub tasks: Vec<Written<String>>,
}

/// Whether an event and a ref select a pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PipelineMatch<'a> {
    /// They do.
    Selected {
        /// The pattern that the ref matches; none where any ref does.
        pattern: Option<&'a RefPattern>,
        /// What the ref tells.
        found: RefMatch,
    },
    /// The ref would, but for this exception.
    Excepted(&'a RefPattern),
    /// They do not.
    Passed,
}

impl PipelineSettings {
    /// A pipeline without anything.
    pub(super) fn new(name: Written<String>) -> Self {
        Self { name, events: Vec::new(), branches: Vec::new(), tags: Vec::new(), except: Vec::new(), tasks: Vec::new() }
    }

    /// Whether an event about a branch or tag selects the pipeline. The first pattern that matches speaks, unless an
    /// exception matches too; where there is no pattern for the kind of the ref, any ref does.
    ///
    /// Without `events`, `branches` are about runs of the branches themselves (`push`, `schedule`, `manual`) and `tags`
    /// about tags; a pipeline with neither is only selected by its name.
    pub fn selected_by(&self, event: EventKind, at: Option<&RefName>) -> PipelineMatch<'_> {
        let is_tag = matches!(at, Some(RefName::Tag(_)));
        let patterns = if is_tag { &self.tags } else { &self.branches };
        let is_among = if self.events.is_empty() {
            let of_branches = matches!(event, EventKind::Push | EventKind::Schedule | EventKind::Manual);
            !patterns.is_empty() && (is_tag || of_branches)
        } else {
            self.events.iter().any(|known| known.value == event)
        };
        if !is_among {
            return PipelineMatch::Passed;
        }
        let name = at.map(|at| at.name().as_bytes());
        let matching = |patterns: &'_ [Written<RefPattern>]| {
            patterns.iter().enumerate().find_map(|(place, pattern)| Some((place, pattern.value.matches(name?)?)))
        };
        let (pattern, found) = match matching(patterns) {
            _ if patterns.is_empty() => (None, RefMatch::default()),
            Some((place, found)) => (Some(&patterns[place].value), found),
            None => return PipelineMatch::Passed,
        };
        match matching(&self.except) {
            Some((place, _)) => PipelineMatch::Excepted(&self.except[place].value),
            None => PipelineMatch::Selected { pattern, found },
        }
    }
}

/// The pipelines that are there without configuration, in their order.
static BUILT_IN: LazyLock<Vec<PipelineSettings>> = LazyLock::new(|| {
    let file = RepoPath::root().child(FILE_NAME.as_bytes());
    let (configuration, _) = read(&file, include_bytes!("pipelines.toml"));
    in_order(configuration.map(|configuration| configuration.pipelines).unwrap_or_default().into_values())
});

/// The pipelines that are there without configuration, in the order in which they are asked whether they are meant.
pub fn built_in_pipelines() -> &'static [PipelineSettings] {
    &BUILT_IN
}

fn in_order(pipelines: impl Iterator<Item = PipelineSettings>) -> Vec<PipelineSettings> {
    let mut pipelines: Vec<_> = pipelines.collect();
    pipelines.sort_by(|a, b| a.name.place.cmp(&b.name.place));
    pipelines
}

impl Configuration {
    /// All pipelines in the order in which they are asked whether they are meant: those of the file in its order, then the
    /// built-in ones that it does not replace.
    pub fn all_pipelines(&self) -> Vec<&PipelineSettings> {
        let mut own: Vec<&PipelineSettings> = self.pipelines.values().collect();
        own.sort_by(|a, b| a.name.place.cmp(&b.name.place));
        own.extend(built_in_pipelines().iter().filter(|built_in| !self.pipelines.contains_key(&built_in.name.value)));
        own
    }

    /// The pipeline of a name.
    pub fn pipeline(&self, name: &str) -> Option<&PipelineSettings> {
        let built_in = || built_in_pipelines().iter().find(|pipeline| pipeline.name.value == name);
        self.pipelines.get(name).or_else(built_in)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{EXAMPLE, root};
    use super::*;

    /// The pipelines of a file that an event selects, each with the service that the ref names.
    fn selected(configuration: &Configuration, event: EventKind, at: &str) -> Vec<String> {
        let at = RefName::parse(at);
        let told = configuration.all_pipelines().into_iter().filter_map(|pipeline| {
            match pipeline.selected_by(event, at.as_ref()) {
                PipelineMatch::Selected { found, .. } => Some(match found.service {
                    Some(service) => format!("{} {service}", pipeline.name.value),
                    None => pipeline.name.value.clone(),
                }),
                PipelineMatch::Excepted(pattern) => Some(format!("not {} for {pattern}", pipeline.name.value)),
                PipelineMatch::Passed => None,
            }
        });
        told.collect()
    }

    #[test]
    fn the_process_is_there_without_configuration() {
        let none = Configuration::default();
        let names: Vec<_> = built_in_pipelines().iter().map(|pipeline| pipeline.name.value.as_str()).collect();
        assert_eq!(names, ["validation", "pull-request", "release"]);
        for (event, at, expected) in [
            (EventKind::Push, "refs/heads/feature/shipping", &["validation"][..]),
            (EventKind::Push, "topic/a/b", &["validation"]),
            (EventKind::Schedule, "feature/a", &["validation"]),
            (EventKind::Push, "feature/experimental/x", &["not validation for feature/experimental/*"]),
            (EventKind::PullRequest, "main", &["pull-request"]),
            (EventKind::MergeGroup, "main", &["pull-request"]),
            (EventKind::Push, "release/delivery/0.1.0", &["release delivery"]),
            (EventKind::Push, "main", &[]),
            (EventKind::Tag, "refs/tags/feature/x", &[]),
            (EventKind::PullRequest, "feature/x", &["pull-request"]),
        ] {
            assert_eq!(selected(&none, event, at), expected, "{event} {at}");
        }
    }

    #[test]
    fn the_file_goes_first_in_its_order_and_replaces_by_name() {
        let configuration = root(
            "[pipeline.z]\nbranches = [\"feature/*\"]\ntasks = [\"a\"]\n[pipeline.b]\nevents = [\"push\"]\ntasks = [\"a\"]\n\
             [pipeline.validation]\ntasks = [\"a\"]\n",
        );
        assert_eq!(selected(&configuration, EventKind::Push, "feature/a"), ["z", "b"]);
        assert_eq!(selected(&configuration, EventKind::Manual, "feature/a"), ["z"]);
        assert_eq!(selected(&configuration, EventKind::PullRequest, "feature/a"), ["pull-request"]);
        assert_eq!(configuration.pipeline("validation").unwrap().branches, []);
        assert_eq!(configuration.pipeline("release").unwrap().tasks.len(), 4);
    }

    #[test]
    fn tags_and_events_select_as_well() {
        let configuration = root(EXAMPLE);
        assert_eq!(selected(&configuration, EventKind::Tag, "refs/tags/delivery/v1.2.0"), ["release delivery"]);
        assert_eq!(selected(&configuration, EventKind::Tag, "refs/tags/v1"), Vec::<String>::new());
        assert_eq!(selected(&configuration, EventKind::Schedule, "release/delivery/1.0.0"), Vec::<String>::new());
        let nightly =
            root("[pipeline.nightly]\nevents = [\"schedule\", \"tag\"]\nbranches = [\"main\"]\ntasks = [\"a\"]\n");
        assert_eq!(selected(&nightly, EventKind::Schedule, "main"), ["nightly"]);
        assert_eq!(selected(&nightly, EventKind::Schedule, "other"), Vec::<String>::new());
        assert_eq!(selected(&nightly, EventKind::Tag, "refs/tags/any"), ["nightly"]);
        assert_eq!(selected(&nightly, EventKind::Push, "main"), Vec::<String>::new());
    }

    #[test]
    fn references_become_short_names() {
        assert_eq!(RefName::parse("refs/heads/a/b"), Some(RefName::Branch("a/b".into())));
        assert_eq!(RefName::parse("refs/tags/v1"), Some(RefName::Tag("v1".into())));
        assert_eq!(RefName::parse("main"), Some(RefName::Branch("main".into())));
        for text in ["", "refs/pull/1/merge", "refs/heads/"] {
            assert_eq!(RefName::parse(text), None, "{text}");
        }
    }
}
