//! knockon answers one question about a monorepo of services: what does this change knock on to?

pub mod affect;
pub mod config;
pub mod diagnostic;
pub mod discover;
pub mod fingerprint;
pub mod path;
pub mod plan;
pub mod selection;
pub mod tree;
pub mod workspace;
