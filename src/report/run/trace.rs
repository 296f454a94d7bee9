//! A run as a trace that Chrome's `about:tracing` and Perfetto show: a lane for each place that tasks run in.
//!
//! Format: "Trace Event Format", Google; complete events (`ph: X`) with times in microseconds.

use serde_json::{Value, json};

use crate::store::{Outcome, RunRecord};

/// The trace of a run.
pub fn trace(run: &RunRecord) -> Value {
    let microseconds = |seconds: f64| (seconds * 1e6).round();
    let ran = run.tasks.iter().filter(|task| task.outcome != Outcome::Skipped);
    let mut events: Vec<Value> = ran
        .map(|task| {
            json!({
                "name": task.task,
                "cat": task.outcome,
                "ph": "X",
                "ts": microseconds(task.start),
                "dur": microseconds(task.duration),
                "pid": 1,
                "tid": task.lane,
                "args": {
                    "fingerprint": task.fingerprint,
                    "attempts": task.attempts,
                    "reason": task.reason,
                },
            })
        })
        .collect();
    let lanes: std::collections::BTreeSet<usize> = run.tasks.iter().map(|task| task.lane).collect();
    events.extend(lanes.into_iter().map(|lane| {
        json!({ "name": "thread_name", "ph": "M", "pid": 1, "tid": lane, "args": { "name": format!("place {}", lane + 1) } })
    }));
    json!({ "displayTimeUnit": "ms", "traceEvents": events })
}
