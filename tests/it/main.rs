//! Drives knockon on repositories that the tests create, and holds the source to its own rules.

// Clippy knows a test by its attribute, and what tests share has none.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod audit;
mod bad_input;
mod changed_set;
mod ci;
mod ci_base;
mod config;
mod edge_cases;
mod history;
mod hook;
mod hostile;
mod images;
mod ledger;
mod lockfiles;
mod memo;
mod output;
mod pipelines;
mod range;
#[cfg(feature = "remote")]
mod remote;
#[cfg(feature = "remote")]
mod remote_execution;
mod repository;
mod run;
mod run_faults;
mod scenario;
mod tidy;
mod work_tree;
