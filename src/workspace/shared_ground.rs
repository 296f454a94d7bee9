//! The built-in lists, kept as data: what is inert, and what is a sign of standing alone.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::path::RepoPath;
use crate::selection::{Filter, Rule};

#[derive(Deserialize, Default)]
struct Lists {
    inert: Vec<String>,
    lockfiles: Vec<String>,
}

static LISTS: LazyLock<Lists> =
    LazyLock::new(|| toml::from_str(include_str!("shared_ground.toml")).unwrap_or_default());

static INERT: LazyLock<Filter> = LazyLock::new(|| {
    let rule = |glob: &String| match glob.strip_prefix('/') {
        Some(at_root) => vec![Rule::include(at_root)],
        None => vec![Rule::include(glob), Rule::include(format!("**/{glob}"))],
    };
    Filter::new(&RepoPath::root(), LISTS.inert.iter().flat_map(rule).collect())
});

/// Whether a path is inert for building and testing by the built-in list. An unreadable list makes nothing inert.
pub fn is_inert(path: &RepoPath) -> bool {
    !INERT.rules.is_empty() && INERT.admits(path)
}

/// File names that are a sign of standing alone.
pub fn lockfile_names() -> &'static [String] {
    &LISTS.lockfiles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_read_and_bounded_to_their_places() {
        let inert = |text: &str| is_inert(&RepoPath::from_git(text.as_bytes()).unwrap());
        assert!(inert("README.md") && inert("docs/a/b.md") && inert("a/CODEOWNERS") && inert(".github/CODEOWNERS"));
        assert!(!inert("src/README.md") && !inert("scripts/build.sh") && !inert(".github/workflows/ci.yml"));
        assert!(lockfile_names().iter().any(|name| name == "Cargo.lock"));
    }
}
