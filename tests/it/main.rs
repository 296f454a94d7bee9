//! Drives knockon on repositories that the tests create, and holds the source to its own rules.

mod tidy;
