//! Running a plan.
//!
//! [`scheduler`] says what starts when, and knows nothing else; [`process`] runs one attempt of one task and blocks until
//! it is over; [`spool`] keeps what it printed, [`log_commands`] makes that harmless in the log of a CI engine, and
//! [`signals`] says what whoever runs knockon wants to end.

pub mod log_commands;
pub mod process;
pub mod scheduler;
pub mod signals;
pub mod spool;

#[cfg(all(test, target_os = "linux"))]
mod testing;
