//! Drives knockon on repositories that the tests create.

fn main() {}
