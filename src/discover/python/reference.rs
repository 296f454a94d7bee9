//! What one dependency says: a name for an index, or a path. All notations of Python packaging meet here.

use serde::{Deserialize, Serialize};

use crate::discover::EdgeKind;

/// One dependency of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::discover) struct Dependency {
    /// The normalised name, where it is written.
    pub(super) name: Option<String>,
    pub(super) source: Source,
    pub(super) kind: EdgeKind,
}

/// Where a dependency comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::discover) enum Source {
    /// By its name alone: an index, or whatever is installed already.
    Name,
    /// The member of the uv workspace that has the name.
    Workspace,
    /// A path, `/`-separated, relative to the project; an absolute one leaves the repository.
    Path(String),
    /// A path that a variable decides.
    Computed(String),
    /// A repository or a server elsewhere.
    Elsewhere,
}

/// A project name in the form in which two spellings of one name are equal (PEP 503).
pub(super) fn normalise(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for character in name.trim().chars() {
        match character {
            '-' | '_' | '.' if normal.ends_with('-') => {}
            '-' | '_' | '.' => normal.push('-'),
            _ => normal.extend(character.to_lowercase()),
        }
    }
    normal
}

/// The kind of edge that a group or extra of this name states: development alone, or the build.
pub(super) fn kind_of_group(name: &str) -> EdgeKind {
    const DEVELOPMENT: [&str; 16] = [
        "dev",
        "develop",
        "development",
        "test",
        "tests",
        "testing",
        "lint",
        "linting",
        "typing",
        "types",
        "docs",
        "doc",
        "ci",
        "qa",
        "bench",
        "benchmark",
    ];
    let name = name.to_lowercase();
    let mut words = name.split(['-', '_', '.', ' ']);
    if words.any(|word| DEVELOPMENT.contains(&word)) { EdgeKind::Test } else { EdgeKind::Build }
}

/// Reads one requirement as pip does: `name[extra]>=1; marker`, `name @ url`, `-e path`, a path, a URL.
pub(super) fn read_requirement(text: &str, kind: EdgeKind) -> Option<Dependency> {
    let text = text.trim();
    let editable = ["-e ", "-e\t", "--editable ", "--editable="].iter().find_map(|flag| text.strip_prefix(flag));
    let text = editable.or_else(|| text.strip_prefix("-e")).unwrap_or(text).trim().trim_matches(['"', '\'']);
    if text.is_empty() {
        return None;
    }
    let name_end =
        text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))).unwrap_or(text.len());
    let (name, rest) = text.split_at(name_end);
    let rest = rest.trim_start();
    let after_extras = match rest.strip_prefix('[') {
        Some(extras) => extras.split_once(']').map_or("", |(_, rest)| rest).trim_start(),
        None => rest,
    };
    let begins_as_name = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if let (true, Some(url)) = (begins_as_name, after_extras.strip_prefix('@')) {
        let source = read_location(without_marker(url, " ;"));
        return Some(Dependency { name: Some(normalise(name)), source, kind });
    }
    if looks_like_path(text) {
        let path = without_marker(text, ";");
        return Some(Dependency { name: egg_name(path), source: read_location(path), kind });
    }
    begins_as_name.then(|| Dependency { name: Some(normalise(name)), source: Source::Name, kind })
}

fn without_marker<'a>(text: &'a str, separator: &str) -> &'a str {
    text.split_once(separator).map_or(text, |(before, _)| before).trim()
}

fn looks_like_path(text: &str) -> bool {
    let before_marker = without_marker(text, ";");
    let place = before_marker.split('[').next().unwrap_or_default();
    place.starts_with(['.', '/', '{', '$', '~'])
        || place.contains(['/', '\\'])
        || place.contains("://")
        || place.starts_with("file:")
        || [".whl", ".tar.gz", ".zip"].iter().any(|suffix| place.ends_with(suffix))
}

fn egg_name(url: &str) -> Option<String> {
    let (_, name) = url.split_once("#egg=")?;
    name.split(['&', '[']).next().map(normalise).filter(|name| !name.is_empty())
}

/// Where a URL or a path leads.
pub(super) fn read_location(written: &str) -> Source {
    let written = written.trim();
    let place = written.split('#').next().unwrap_or_default();
    let (place, is_url) = match place.strip_prefix("file:") {
        Some(path) => (path.to_owned(), true),
        None if place.contains("://") && !place.contains("{root") => return Source::Elsewhere,
        None if place.starts_with("git+") || place.starts_with("git@") => return Source::Elsewhere,
        None => (place.to_owned(), false),
    };
    // Extras stand behind a path, too.
    let place = match place.rfind('[') {
        Some(at) if place.ends_with(']') => place[..at].to_owned(),
        _ => place,
    };
    let place = if is_url { percent_decoded(&place) } else { place.replace('\\', "/") };
    if let Some((_, below)) = place.split_once("${PROJECT_ROOT}") {
        return Source::Path(format!("./{}", below.trim_start_matches('/')));
    }
    if let Some((_, context)) = place.split_once("{root")
        && let Some((modifiers, below)) = context.split_once('}')
    {
        let climbs = "../".repeat(modifiers.split(':').filter(|modifier| *modifier == "parent").count());
        return Source::Path(format!("./{climbs}{}", below.trim_start_matches('/')));
    }
    if place.contains(['$', '{', '%']) || place.starts_with('~') {
        return Source::Computed(written.to_owned());
    }
    let path = match place.strip_prefix("//") {
        Some(rest) if is_url => rest.strip_prefix("localhost").filter(|rest| rest.starts_with('/')).unwrap_or(rest),
        _ => &place,
    };
    Source::Path(if path.is_empty() { ".".to_owned() } else { path.to_owned() })
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match escape.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_notation_of_a_path_is_read() {
        for (written, name, path) in [
            ("-e ../lib", None, "../lib"),
            ("--editable=../lib[extra]", None, "../lib"),
            ("./lib[a,b] ; python_version > '3'", None, "./lib"),
            ("lib @ file:../lib", Some("lib"), "../lib"),
            ("lib[x] @ file:///${PROJECT_ROOT}/../lib", Some("lib"), "./../lib"),
            ("-e file:///${PROJECT_ROOT}/../my%20lib#egg=My_Lib", Some("my-lib"), "./../my lib"),
            ("lib @ {root:uri}/../lib", Some("lib"), "./../lib"),
            ("lib @ {root:parent:uri}/lib", Some("lib"), "./../lib"),
            ("..\\lib", None, "../lib"),
            (".", None, "."),
            ("lib @ file:///opt/lib ; sys_platform == 'linux'", Some("lib"), "/opt/lib"),
        ] {
            let read = read_requirement(written, EdgeKind::Build).unwrap();
            assert_eq!((read.name.as_deref(), &read.source), (name, &Source::Path(path.to_owned())), "{written}");
        }
    }

    #[test]
    fn what_is_no_path_is_not_taken_for_one() {
        for (written, source) in [
            ("Flask>=1,<2; python_version >= '3.8'", Source::Name),
            ("requests[security]==2.0", Source::Name),
            ("x @ https://example.org/x.whl", Source::Elsewhere),
            ("git+https://example.org/x.git#egg=x", Source::Elsewhere),
            ("-e ${LIBS}/x", Source::Computed("${LIBS}/x".to_owned())),
        ] {
            assert_eq!(read_requirement(written, EdgeKind::Build).unwrap().source, source, "{written}");
        }
        assert_eq!(read_requirement("--hash=sha256:ab", EdgeKind::Build), None);
    }

    #[test]
    fn groups_of_development_are_told_from_the_rest() {
        assert_eq!(kind_of_group("test"), EdgeKind::Test);
        assert_eq!(kind_of_group("requirements-dev.txt"), EdgeKind::Test);
        assert_eq!(kind_of_group("server"), EdgeKind::Build);
        assert_eq!(kind_of_group("latest"), EdgeKind::Build);
    }
}
