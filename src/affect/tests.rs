//! Tests of the closure.
