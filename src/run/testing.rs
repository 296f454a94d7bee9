//! What the tests of processes and signals share.

use std::process::{Command, Output};

/// Runs one test in a process of its own, which begins with lines of shell; and says how that ended. In that process
/// itself it is nothing, and the test does what it is for.
///
/// No signal is ignored there but what the lines ignore, also where the tests themselves run below `nohup`.
pub(super) fn alone(test: &str, lines: &str) -> Option<Output> {
    const VARIABLE: &str = "KNOCKON_TEST_ALONE";
    if std::env::var_os(VARIABLE).is_some_and(|name| name == test) {
        return None;
    }
    let script = format!("{lines}\nexec \"$0\" --exact --nocapture --test-threads=1 \"$1\"");
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new("env");
    command.args(["--default-signal", "sh", "-c"]).arg(script).arg(program).arg(test).env(VARIABLE, test);
    Some(command.output().unwrap())
}

/// That a test that ran alone was there and passed.
pub(super) fn assert_passed(output: &Output) {
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}\n{errors}");
}
