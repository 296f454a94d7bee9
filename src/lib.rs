//! knockon answers one question about a monorepo of services: what does this change knock on to?

pub mod diagnostic;
pub mod discover;
pub mod path;
pub mod selection;
pub mod tree;
