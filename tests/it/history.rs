//! Commits that are planned again, and the answers held against their definition.
