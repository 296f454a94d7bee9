//! Containers that fetch the sources before they run a task, for engines that leave this to their jobs.

use super::document::Node;
use super::{CiError, Options, shell};

/// Fetches one commit. As everywhere, what it is told comes in variables.
pub const FETCH: &str = r#"knockon_repository=`printf %b "${KNOCKON_REPOSITORY:?}"`
git init --quiet /tmp/knockon && cd /tmp/knockon || exit
git fetch --quiet --depth 1 --end-of-options "$knockon_repository" "${KNOCKON_REVISION:?}" || exit
git checkout --quiet FETCH_HEAD || exit
"#;

/// Where containers get the sources from, and what they are made of.
pub struct Sources {
    image: String,
    repository: String,
    revision: String,
}

impl Sources {
    /// What was asked for; nothing of it can be guessed.
    pub fn new(engine: &'static str, options: &Options) -> Result<Self, CiError> {
        let missing = |option, why| CiError::Missing { engine, option, why };
        let image =
            options.image.clone().ok_or(missing("--image", "its jobs run in an image, which has sh and git"))?;
        let repository =
            options.repository.as_ref().ok_or(missing("--repository", "its jobs fetch the sources by themselves"))?;
        let revision = options.revision.clone().ok_or(missing("--head", "its jobs fetch a commit"))?;
        Ok(Self { image, repository: shell::inert(repository.as_bytes()), revision })
    }

    /// A container for a task.
    pub fn container(&self, variables: Vec<(String, Node)>) -> Node {
        let sources = [("KNOCKON_REPOSITORY", &self.repository), ("KNOCKON_REVISION", &self.revision)];
        let sources = sources.map(|(name, value)| (name.to_owned(), Node::from(value.as_str())));
        let variables: Vec<Node> = variables
            .into_iter()
            .chain(sources)
            .map(|(name, value)| Node::map().with("name", name).with("value", value))
            .collect();
        Node::map()
            .with("image", self.image.as_str())
            .with("command", ["sh", "-c"])
            .with("args", [format!("{FETCH}{}", shell::SCRIPT)])
            .with("env", variables)
    }

    /// A container that does nothing.
    pub fn nothing(&self) -> Node {
        Node::map().with("image", self.image.as_str()).with("command", ["true"])
    }
}
