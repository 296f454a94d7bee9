//! Repositories made from a number alone: the same number gives the same commit ids everywhere.

pub mod chain;
pub mod monorepo;
pub mod paths;

mod charts;
mod containers;
mod go;
mod node;
mod peers;
mod python;
mod random;
mod rust;
mod source;
mod stream;
