//! knockon answers one question about a monorepo of services: what does this change knock on to?

pub mod affect;
pub mod cli;
pub mod config;
pub mod demo;
pub mod diagnostic;
pub mod discover;
pub mod fingerprint;
pub mod git;
pub mod path;
pub mod plan;
pub mod planner;
pub mod report;
pub mod selection;
pub mod tree;
pub mod workspace;
