//! Runs a plan.

pub mod scheduler;
