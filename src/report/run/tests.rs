use super::{TestResults, junit, summary_text, task_line, trace};
use crate::report::text::Look;
use crate::store::{Outcome, RunRecord, TaskRecord};

fn task(name: &str, outcome: Outcome) -> TaskRecord {
    TaskRecord {
        task: name.to_owned(),
        fingerprint: "ab".repeat(32),
        outcome,
        reason: None,
        not_kept: None,
        not_made: Vec::new(),
        start: 0.25,
        duration: 1.5,
        saved: None,
        source: None,
        attempts: u32::from(matches!(outcome, Outcome::Passed | Outcome::Failed)),
        lane: 0,
        last_output: String::new(),
        left_behind: Vec::new(),
    }
}

fn run() -> RunRecord {
    let failed = TaskRecord {
        reason: Some("exit code 1".to_owned()),
        last_output: "one\ntwo \u{1b}[31m\n".to_owned(),
        attempts: 2,
        lane: 1,
        ..task("src/b c:test", Outcome::Failed)
    };
    let flaky = TaskRecord {
        attempts: 2,
        not_kept: Some("it left processes behind".to_owned()),
        left_behind: vec!["sleep (41)".to_owned()],
        ..task("src/d:build", Outcome::Passed)
    };
    let over = TaskRecord {
        reason: Some("needs src/b c:test".to_owned()),
        duration: 0.0,
        ..task("src/e:image", Outcome::Skipped)
    };
    let cached = TaskRecord { saved: Some(75.0), duration: 0.01, ..task("src/a:test", Outcome::Cached) };
    RunRecord { began: 0, place: String::new(), duration: 3.0, signal: None, tasks: vec![cached, failed, flaky, over] }
}

const PLAIN: Look = Look { colour: false, width: 100, all: false };

#[test]
fn people_see_what_failed_why_and_how_to_run_it_again() {
    let run = run();
    let lines: String = run.tasks.iter().map(|task| task_line(task, PLAIN)).collect();
    insta::assert_snapshot!(lines + &summary_text(&run, PLAIN), @r"
     cached src/a:test  saves 75s
     FAILED src/b c:test  1.5s  2 attempts  exit code 1
      flaky src/d:build  1.5s  2 attempts  left behind and killed: sleep (41)
    skipped src/e:image  needs src/b c:test

     FAILED src/b c:test  1.5s  2 attempts  exit code 1
            one
            two 

    4 tasks in 3.0s: 1 passed, 1 from the cache, 1 failed, 1 skipped, 1 flaky; the cache saved 75s
    1 result is not kept, such as that of src/d:build: it left processes behind
    again: knockon run 'src/b c:test'
    ");
}

#[test]
fn a_trace_has_a_lane_for_each_place() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&trace(&run())["traceEvents"][1]).unwrap(), @r#"
    {
      "args": {
        "attempts": 2,
        "fingerprint": "abababababababababababababababababababababababababababababababab",
        "reason": "exit code 1"
      },
      "cat": "failed",
      "dur": 1500000.0,
      "name": "src/b c:test",
      "ph": "X",
      "pid": 1,
      "tid": 1,
      "ts": 250000.0
    }
    "#);
    let events = trace(&run());
    assert_eq!(events["traceEvents"].as_array().unwrap().len(), 5);
}

#[test]
fn tasks_and_the_results_of_their_tests_are_one_report() {
    let surefire = br#"<?xml version="1.0"?><testsuite name="A" tests="2" failures="1">
        <testcase name="x" classname="A" time="0.1"/><testcase name="y"><failure message="no"/></testcase></testsuite>"#;
    let trx = br#"<TestRun xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010"><Results>
        <UnitTestResult testName="T.one" outcome="Passed" duration="00:00:01.5"/>
        <UnitTestResult testName="T.two" outcome="Failed"><Output><ErrorInfo><Message>bad</Message></ErrorInfo></Output>
        </UnitTestResult><UnitTestResult testName="T.three" outcome="NotExecuted"/></Results></TestRun>"#;
    let results = [&surefire[..], trx].map(|bytes| TestResults::read("src/a:test", bytes).unwrap());
    assert_eq!(results.each_ref().map(TestResults::tests), [2, 3]);
    insta::assert_snapshot!(junit(&run(), results.to_vec()).unwrap(), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="knockon" tests="9" skipped="2" failures="3" errors="0" time="3.000">
        <testsuite name="knockon" tests="4" skipped="1" errors="0" failures="1">
            <testcase name="test" classname="src/a" time="0.010"/>
            <testcase name="test" classname="src/b c" time="1.500">
                <failure message="exit code 1"/>
                <system-out>one
    two 
    </system-out>
            </testcase>
            <testcase name="build" classname="src/d" time="1.500"/>
            <testcase name="image" classname="src/e" time="0.000">
                <skipped message="needs src/b c:test"/>
            </testcase>
        </testsuite>
        <testsuite name="src/a:test A" tests="2" skipped="0" errors="0" failures="1">
            <testcase name="x" classname="A" time="0.100"/>
            <testcase name="y">
                <failure message="no"/>
            </testcase>
        </testsuite>
        <testsuite name="src/a:test" tests="3" skipped="1" errors="0" failures="1">
            <testcase name="T.one" time="1.500"/>
            <testcase name="T.two">
                <failure message="bad"/>
            </testcase>
            <testcase name="T.three">
                <skipped/>
            </testcase>
        </testsuite>
    </testsuites>
    "#);
    for other in [&b"<html/>"[..], b"\xff", b"", b"<testsuite", b"<TestRun/>"] {
        assert!(TestResults::read("a:test", other).is_none());
    }
}
