//! CI engines: what they say of a run, what their files say, and what is written for them. Pure: values are handed in.

pub mod filters;
pub mod provider;
