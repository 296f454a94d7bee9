//! Continuous integration: what an engine says of its run.

pub mod provider;
