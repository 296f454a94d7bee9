//! A run as JUnit XML: a case for each task, and the suites that the tasks' own test results hold.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};
use roxmltree::{Document, Node};

use crate::store::{Outcome, RunRecord, TaskRecord};

/// The suite that holds a case for each task.
const TASKS: &str = "knockon";

/// The namespace of a file of results as `dotnet test --logger trx` writes it.
const TRX: &str = "http://microsoft.com/schemas/VisualStudio/TeamTest/2010";

/// What a file of test results says, JUnit or TRX.
#[derive(Debug, Clone)]
pub struct TestResults(Vec<TestSuite>);

impl TestResults {
    /// Reads a file that a task wrote; none where it is neither.
    pub fn read(task: &str, bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?.trim_start_matches('\u{feff}');
        let document = Document::parse(text).ok()?;
        let root = document.root_element();
        let mut suites = match root.tag_name().name() {
            "TestRun" if root.tag_name().namespace() == Some(TRX) => vec![of_trx(&root)],
            "testsuites" | "testsuite" => of_junit(&root),
            _ => return None,
        };
        for suite in &mut suites {
            suite.name = format!("{task} {}", suite.name.as_str()).trim_end().into();
        }
        Some(Self(suites))
    }

    /// How many tests it tells of.
    pub fn tests(&self) -> usize {
        self.0.iter().map(|suite| suite.test_cases.len()).sum()
    }
}

/// The suites that have cases of their own. Tools write more than any schema of JUnit has, so whatever is not known is
/// passed by.
fn of_junit(root: &Node<'_, '_>) -> Vec<TestSuite> {
    let suites = root.descendants().filter(|node| node.tag_name().name() == "testsuite");
    let suites = suites.map(|node| {
        let mut suite = TestSuite::new(node.attribute("name").unwrap_or_default());
        suite.add_test_cases(node.children().filter(|node| node.tag_name().name() == "testcase").map(|node| {
            let mut case = TestCase::new(node.attribute("name").unwrap_or_default(), status(&node));
            if let Some(name) = node.attribute("classname") {
                case.set_classname(name);
            }
            let time = node.attribute("time").and_then(|time| time.parse().ok());
            if let Some(time) = time.and_then(|time| Duration::try_from_secs_f64(time).ok()) {
                case.set_time(time);
            }
            case
        }));
        suite
    });
    suites.filter(|suite| !suite.test_cases.is_empty()).collect()
}

fn status(case: &Node<'_, '_>) -> TestCaseStatus {
    let kinds = [("failure", NonSuccessKind::Failure), ("error", NonSuccessKind::Error)];
    for child in case.children() {
        let name = child.tag_name().name();
        let mut status = match kinds.iter().find(|(kind, _)| *kind == name) {
            Some((_, kind)) => TestCaseStatus::non_success(*kind),
            None if name == "skipped" => TestCaseStatus::skipped(),
            None => continue,
        };
        if let Some(message) = child.attribute("message") {
            status.set_message(message);
        }
        if let Some(text) = child.text() {
            status.set_description(text);
        }
        return status;
    }
    TestCaseStatus::success()
}

/// Format: `vstst.xsd` of Visual Studio.
fn of_trx(root: &Node<'_, '_>) -> TestSuite {
    let results = root.descendants().filter(|node| node.tag_name().name() == "UnitTestResult");
    let mut suite = TestSuite::new("");
    for result in results {
        let status = match result.attribute("outcome") {
            Some("Passed") => TestCaseStatus::success(),
            Some("NotExecuted") => TestCaseStatus::skipped(),
            _ => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                let message = result.descendants().find(|node| node.tag_name().name() == "Message");
                if let Some(message) = message.and_then(|node| node.text()) {
                    status.set_message(message);
                }
                status
            }
        };
        let mut case = TestCase::new(result.attribute("testName").unwrap_or_default(), status);
        if let Some(duration) = result.attribute("duration").and_then(clock) {
            case.set_time(duration);
        }
        suite.add_test_case(case);
    }
    suite
}

/// Reads `hours:minutes:seconds`.
fn clock(text: &str) -> Option<Duration> {
    let mut parts = text.splitn(3, ':').map(|part| part.parse::<f64>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    Duration::try_from_secs_f64(hours * 3600.0 + minutes * 60.0 + seconds).ok()
}

/// A run and what its tasks' own test results say.
pub fn junit(run: &RunRecord, results: Vec<TestResults>) -> Result<String, SerializeError> {
    let mut report = Report::new(TASKS);
    report.set_time(Duration::try_from_secs_f64(run.duration).unwrap_or_default());
    let mut suite = TestSuite::new(TASKS);
    suite.add_test_cases(run.tasks.iter().map(case));
    report.add_test_suite(suite);
    report.add_test_suites(results.into_iter().flat_map(|results| results.0));
    report.to_string()
}

fn case(task: &TaskRecord) -> TestCase {
    let mut status = match task.outcome {
        Outcome::Passed | Outcome::Cached => TestCaseStatus::success(),
        Outcome::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Outcome::Stopped => TestCaseStatus::non_success(NonSuccessKind::Error),
        Outcome::Skipped => TestCaseStatus::skipped(),
    };
    if let Some(reason) = &task.reason {
        status.set_message(reason.as_str());
    }
    let (project, name) = task.task.rsplit_once(':').unwrap_or(("", &task.task));
    let mut case = TestCase::new(name, status);
    case.set_classname(project).set_time(Duration::try_from_secs_f64(task.duration).unwrap_or_default());
    if !task.last_output.is_empty() {
        case.set_system_out(anstream::adapter::strip_str(&task.last_output).to_string());
    }
    case
}
