//! Drives knockon on repositories that the tests create, and holds the source to its own rules.

mod bad_input;
mod config;
mod hostile;
mod output;
mod range;
mod repository;
mod scenario;
mod tidy;
mod work_tree;
