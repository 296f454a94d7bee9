//! Values that are more than text: durations, names, references to projects and tasks.

use std::fmt;
use std::time::Duration;

use super::mistake::Mistake;
use crate::path::{PathError, RepoPath};

/// Reads `10m`, `90s`, `1h30m` or `250ms`: numbers with units, from the largest unit to the smallest.
pub(super) fn parse_duration(text: &str) -> Result<Duration, Mistake> {
    const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
    const MEND: &str = "write numbers with the units h, m, s, ms, the largest first: `10m`, `90s`, `1h30m`";
    let bad = |why: &str| Mistake::new("bad-duration", format!("`{text}` is no duration: {why}"), MEND);
    let (mut rest, mut total, mut allowed) = (text, 0u64, 0usize);
    if rest.is_empty() {
        return Err(bad("it is empty"));
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return Err(bad("a number is missing"));
        }
        let (number, behind) = rest.split_at(digits);
        let letters = behind.bytes().take_while(|byte| !byte.is_ascii_digit()).count();
        let (unit, behind) = behind.split_at(letters);
        if unit.is_empty() {
            return Err(bad("a unit is missing"));
        }
        let Some(at) = UNITS.iter().position(|(name, _)| *name == unit) else {
            return Err(bad(&format!("`{unit}` is no unit")));
        };
        if at < allowed {
            return Err(bad("a unit stands twice or out of order"));
        }
        allowed = at + 1;
        let added = number.parse::<u64>().ok().and_then(|number| number.checked_mul(UNITS[at].1));
        total = added.and_then(|added| total.checked_add(added)).ok_or_else(|| bad("it is too long"))?;
        rest = behind;
    }
    if total == 0 {
        return Err(bad("it is zero"));
    }
    Ok(Duration::from_millis(total))
}

/// Writes a duration as [`parse_duration`] reads it. What is finer than a millisecond is left out.
pub(super) fn print_duration(duration: Duration) -> String {
    let total = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let parts = [(total / 3_600_000, "h"), (total / 60_000 % 60, "m"), (total / 1000 % 60, "s"), (total % 1000, "ms")];
    parts.iter().filter(|(number, _)| *number > 0).map(|(number, unit)| format!("{number}{unit}")).collect()
}

/// Checks a name of a project, task or pipeline: letters, digits, `.`, `_` and `-`, so that it can stand in a job
/// id, an image name and a shell line as it is.
pub(super) fn parse_name(text: &str) -> Result<String, Mistake> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !text.is_empty() && text.chars().all(allowed) && !text.starts_with(['-', '.']) {
        return Ok(text.to_owned());
    }
    let mended: String = text.chars().map(|c| if allowed(c) { c } else { '-' }).collect();
    let mended = mended.trim_start_matches(['-', '.']);
    let help =
        if mended.is_empty() { "write a name such as `delivery`".to_owned() } else { format!("write `{mended}`") };
    let message =
        format!("`{text}` is no name: letters, digits, `.`, `_` and `-` make one, with a letter or digit first");
    Err(Mistake::new("bad-name", message, help))
}

/// Checks the name of an environment variable.
pub(super) fn parse_variable(text: &str) -> Result<String, Mistake> {
    if let Some((name, _)) = text.split_once('=') {
        let message = format!("`{text}` gives a value, but only the variable's name stands here");
        let help = format!("write `{name}`; the value is taken from the environment");
        return Err(Mistake::new("bad-variable", message, help));
    }
    if text.is_empty() || text.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '*' | '?' | '$')) {
        let message = format!("`{text}` is no name of an environment variable");
        return Err(Mistake::new("bad-variable", message, "write each variable by its exact name, such as `CI`"));
    }
    Ok(text.to_owned())
}

/// A project as the configuration refers to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProjectReference {
    /// The project with this folder: what was written holds a `/`, or is `.` for the root.
    Folder(RepoPath),
    /// A single word: the project with this name or, failing that, with this folder.
    Word(String),
}

impl ProjectReference {
    /// Reads an id (a folder from the repository root) or a name.
    pub(super) fn parse(text: &str) -> Result<Self, Mistake> {
        const MEND: &str = "write the project's folder from the repository root, or its name";
        let bad = |code, why: &str| Mistake::new(code, format!("`{text}` is no project: {why}"), MEND);
        if text.is_empty() {
            return Err(bad("bad-reference", "it is empty"));
        }
        if text.contains('\\') {
            let message = format!("`{text}` is no project: `\\` does not separate folders");
            return Err(Mistake::new("bad-reference", message, format!("write `{}`", text.replace('\\', "/"))));
        }
        if text.split('/').any(|segment| segment == "..") {
            return Err(bad("outside-repository", "an id is not relative to another folder"));
        }
        let folder = RepoPath::root().resolve(text.as_bytes()).map_err(|error| match error {
            PathError::Absolute | PathError::Escapes => bad("outside-repository", &error.to_string()),
            PathError::Segment => bad("bad-reference", &error.to_string()),
        })?;
        if text.contains('/') || folder.is_root() {
            return Ok(Self::Folder(folder));
        }
        Ok(Self::Word(text.to_owned()))
    }

    /// The folder, where it is known from the text alone.
    pub fn folder(&self) -> Option<&RepoPath> {
        match self {
            Self::Folder(folder) => Some(folder),
            Self::Word(_) => None,
        }
    }
}

/// As it is written in a configuration. A folder at the top level gets a `/` behind it, so that it is no word.
impl fmt::Display for ProjectReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) if folder.is_root() => f.write_str("."),
            Self::Folder(folder) => {
                let text = String::from_utf8_lossy(folder.as_bytes());
                f.write_str(&text)?;
                if text.contains('/') { Ok(()) } else { f.write_str("/") }
            }
            Self::Word(word) => f.write_str(word),
        }
    }
}

/// Which projects' task is meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskScope {
    /// The task of the same project: `build`.
    Own,
    /// The task of each project that this one depends on: `^build`.
    Upstream,
    /// The task of one given project: `other:build`.
    Project(ProjectReference),
}

/// A task that another task reads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskReference {
    /// Of which projects.
    pub scope: TaskScope,
    /// The task's name.
    pub task: String,
}

impl TaskReference {
    /// Reads `build`, `^build` or `other:build`.
    pub(super) fn parse(text: &str) -> Result<Self, Mistake> {
        const MEND: &str = "write `build` (of the same project), `^build` (of all that it depends on) or `other:build` (of one project)";
        let bad = |why: &str| Mistake::new("bad-reference", format!("`{text}` is no task: {why}"), MEND);
        if let Some((project, task)) = text.split_once('#') {
            let help = format!("write `{project}:{task}`");
            return Err(Mistake::new("bad-reference", format!("`{text}` is no task: `#` has no meaning"), help));
        }
        let (scope, task) = match text.strip_prefix('^') {
            Some(task) if task.contains(':') => return Err(bad("`^` means all projects, and one is named")),
            Some(task) => (TaskScope::Upstream, task),
            None => match text.rsplit_once(':') {
                Some((project, task)) => (TaskScope::Project(ProjectReference::parse(project)?), task),
                None => (TaskScope::Own, text),
            },
        };
        let task = parse_name(task).map_err(|_| bad("it does not end with a task's name"))?;
        Ok(Self { scope, task })
    }
}

/// As it is written in a configuration.
impl fmt::Display for TaskReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scope {
            TaskScope::Own => f.write_str(&self.task),
            TaskScope::Upstream => write!(f, "^{}", self.task),
            TaskScope::Project(project) => write!(f, "{project}:{}", self.task),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_strictly() {
        for (text, seconds) in [("10m", 600), ("90s", 90), ("1h30m", 5400), ("2h", 7200), ("1h1m1s", 3661)] {
            assert_eq!(parse_duration(text).unwrap(), Duration::from_secs(seconds), "{text}");
        }
        assert_eq!(parse_duration("1s250ms").unwrap(), Duration::from_millis(1250));
        for text in ["", "10", "m", "1.5h", "10 m", "-1s", "1m1h", "1s1s", "0s", "1d", "99999999999999999999s", "1h 3m"]
        {
            assert_eq!(parse_duration(text).unwrap_err().code, "bad-duration", "{text}");
        }
    }

    #[test]
    fn references_know_their_scope() {
        let scope = |text| TaskReference::parse(text).unwrap().scope;
        assert_eq!(scope("build"), TaskScope::Own);
        assert_eq!(scope("^build"), TaskScope::Upstream);
        assert_eq!(scope("lib:build"), TaskScope::Project(ProjectReference::Word("lib".into())));
        let folder = RepoPath::from_git(b"src/a:b").unwrap();
        assert_eq!(scope("src/a:b:build"), TaskScope::Project(ProjectReference::Folder(folder)));
        for text in ["", "^", "lib:", ":build", "^lib:build", "lib#build", "a/../b:build", "b u"] {
            assert!(TaskReference::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_project_is_an_id_or_a_name() {
        assert_eq!(ProjectReference::parse(".").unwrap(), ProjectReference::Folder(RepoPath::root()));
        assert_eq!(ProjectReference::parse("./a//b/").unwrap(), ProjectReference::parse("a/b").unwrap());
        assert_eq!(ProjectReference::parse("a/").unwrap().to_string(), "a/");
        for (text, code) in [
            ("../a", "outside-repository"),
            ("/a", "outside-repository"),
            ("a/.git/b", "bad-reference"),
            ("a\\b", "bad-reference"),
        ] {
            assert_eq!(ProjectReference::parse(text).unwrap_err().code, code, "{text}");
        }
    }

    #[test]
    fn a_name_is_mended() {
        assert_eq!(parse_name("test:unit").unwrap_err().help, "write `test-unit`");
        assert_eq!(parse_name("-rf").unwrap_err().help, "write `rf`");
        assert!(parse_name("").is_err());
        assert_eq!(parse_variable("CI=1").unwrap_err().help, "write `CI`; the value is taken from the environment");
    }
}
