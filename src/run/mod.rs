//! Running a plan.
//!
//! [`execute`] runs the tasks that it is handed. What starts when is decided by [`scheduler`], which knows nothing else;
//! `worker` sees to one task, [`process`] runs one attempt of it and blocks until it is over, `keeper` keeps what
//! it made, and `courier` sends that to others. [`spool`] keeps what it printed, [`log_commands`] makes that harmless in the log of a CI engine, and
//! [`signals`] says what whoever runs knockon wants to end.

#[cfg(feature = "remote")]
mod cluster;
mod courier;
mod executor;
mod keeper;
pub mod log_commands;
mod overlaps;
pub mod process;
mod programs;
pub mod scheduler;
pub mod signals;
pub mod spool;
mod spools;
mod test_results;
mod tools;
mod turn;
mod work;
mod worker;

#[cfg(test)]
#[cfg(target_os = "linux")]
mod testing;

#[cfg(feature = "remote")]
pub use cluster::RemoteCluster;
pub use executor::execute;
pub use overlaps::Overlaps;
pub use spools::Spools;
pub use test_results::test_results;
pub use tools::Tools;
pub use turn::Turn;
pub use work::{Cluster, Errand, NoKey, Observer, Output, Settings, Unchanged, Work, works};
