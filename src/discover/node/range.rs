//! Version ranges as npm reads them: `^ ~ >= < - || x *`, with npm's care for prereleases.

use std::cmp::Ordering;

use semver::{Prerelease, Version};

/// A range: a version satisfies it if it satisfies every bound of one alternative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Range {
    alternatives: Vec<Vec<Bound>>,
    prereleases: bool,
}

/// One side of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Bound {
    side: Side,
    version: Version,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Above,
    From,
    Below,
    UpTo,
    Exactly,
}

/// A version of which the last parts may be missing or `x`.
struct Partial {
    major: Option<u64>,
    minor: Option<u64>,
    patch: Option<u64>,
    prerelease: Prerelease,
}

/// A version as npm writes it: `v` and `=` before it are allowed.
pub(super) fn version(text: &str) -> Option<Version> {
    Version::parse(text.trim().trim_start_matches(['v', '=']).trim_start()).ok()
}

impl Range {
    /// Reads a range; none for a dist-tag or anything else that is no range. With `prereleases`, a prerelease
    /// satisfies every range that it lies in; without, only one that names a prerelease of the same version.
    pub(super) fn parse(text: &str, prereleases: bool) -> Option<Self> {
        let alternatives = text.split("||").map(|part| alternative(part.trim(), prereleases)).collect::<Option<_>>()?;
        Some(Self { alternatives, prereleases })
    }

    /// Whether the range is `*` or empty: a member is linked under it whatever its version.
    pub(super) fn is_any(&self) -> bool {
        self.alternatives.iter().any(Vec::is_empty)
    }

    /// Whether a version lies in the range.
    pub(super) fn allows(&self, version: &Version) -> bool {
        self.alternatives.iter().any(|bounds| {
            bounds.iter().all(|bound| bound.allows(version))
                && (self.prereleases
                    || version.pre.is_empty()
                    || bounds.iter().any(|bound| {
                        !bound.version.pre.is_empty()
                            && without_prerelease(&bound.version) == without_prerelease(version)
                    }))
        })
    }
}

impl Bound {
    fn allows(&self, version: &Version) -> bool {
        let order = version.cmp_precedence(&self.version);
        match self.side {
            Side::Above => order == Ordering::Greater,
            Side::From => order != Ordering::Less,
            Side::Below => order == Ordering::Less,
            Side::UpTo => order != Ordering::Greater,
            Side::Exactly => order == Ordering::Equal,
        }
    }
}

fn without_prerelease(version: &Version) -> (u64, u64, u64) {
    (version.major, version.minor, version.patch)
}

fn alternative(text: &str, prereleases: bool) -> Option<Vec<Bound>> {
    let mut bounds = Vec::new();
    if let Some((from, to)) = text.split_once(" - ") {
        let (from, to) = (Partial::parse(from.trim())?, Partial::parse(to.trim())?);
        bounds.push(Bound { side: Side::From, version: from.lowest(prereleases) });
        match to.next() {
            _ if to.patch.is_some() => bounds.push(Bound { side: Side::UpTo, version: to.lowest(prereleases) }),
            Some(next) => bounds.push(Bound { side: Side::Below, version: next }),
            None => {}
        }
        return Some(bounds);
    }
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        let length = word.find(|c: char| !"<>=~^".contains(c)).unwrap_or(word.len());
        let (operator, rest) = word.split_at(length);
        // An operator may stand apart from its version: `>= 1.2.3`.
        let rest = if rest.is_empty() { words.next()? } else { rest };
        comparator(operator, &Partial::parse(rest)?, prereleases, &mut bounds)?;
    }
    Some(bounds)
}

fn comparator(operator: &str, partial: &Partial, prereleases: bool, bounds: &mut Vec<Bound>) -> Option<()> {
    let lowest = partial.lowest(prereleases);
    let next = partial.next();
    let whole = partial.patch.is_some();
    let mut push = |side, version| bounds.push(Bound { side, version });
    match operator {
        "" | "=" | "==" if whole => push(Side::Exactly, lowest),
        "" | "=" | "==" => {
            push_span(&mut push, partial, lowest, next);
        }
        "^" => {
            let next = partial.next_incompatible();
            push_span(&mut push, partial, lowest, next);
        }
        "~" | "~>" => {
            let next = Partial { patch: None, prerelease: Prerelease::EMPTY, ..*partial }.next();
            push_span(&mut push, partial, lowest, next);
        }
        ">" if whole => push(Side::Above, lowest),
        ">" => push(Side::From, next.unwrap_or_else(highest)),
        ">=" if partial.major.is_none() => {}
        ">=" => push(Side::From, lowest),
        // Nothing lies below "any version", nor, as with `>*`, above it.
        "<" if whole => push(Side::Below, lowest),
        "<" => push(Side::Below, first_prerelease(lowest)),
        "<=" if whole => push(Side::UpTo, lowest),
        "<=" => {
            if let Some(next) = next {
                push(Side::Below, next);
            }
        }
        _ => return None,
    }
    Some(())
}

fn push_span(push: &mut impl FnMut(Side, Version), partial: &Partial, lowest: Version, next: Option<Version>) {
    if partial.major.is_some() {
        push(Side::From, lowest);
    }
    if let Some(next) = next {
        push(Side::Below, next);
    }
}

/// The version and all its prereleases are above what this is compared with by "below".
fn first_prerelease(mut version: Version) -> Version {
    version.pre = Prerelease::new("0").unwrap_or(Prerelease::EMPTY);
    version
}

fn highest() -> Version {
    Version::new(u64::MAX, u64::MAX, u64::MAX)
}

impl Partial {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim_start_matches(['v', '=']);
        let text = text.split_once('+').map_or(text, |(before, _)| before);
        let (numbers, prerelease) = text.split_once('-').map_or((text, ""), |(numbers, pre)| (numbers, pre));
        let mut parts = [None; 3];
        let mut open = false;
        for (at, part) in numbers.split('.').enumerate() {
            let slot = parts.get_mut(at)?;
            match part {
                "x" | "X" | "*" => open = true,
                "" if numbers.is_empty() => open = true,
                _ => {
                    let number = part.parse().ok()?;
                    // `1.x.3` is read as `1.x`.
                    *slot = (!open).then_some(number);
                }
            }
        }
        let [major, minor, patch] = parts;
        let prerelease = if patch.is_some() { Prerelease::new(prerelease).ok()? } else { Prerelease::EMPTY };
        Some(Self { major, minor, patch, prerelease })
    }

    /// The lowest version that this stands for.
    fn lowest(&self, prereleases: bool) -> Version {
        let [major, minor, patch] = [self.major, self.minor, self.patch].map(|part| part.unwrap_or(0));
        let version = Version { pre: self.prerelease.clone(), ..Version::new(major, minor, patch) };
        if prereleases && self.patch.is_none() { first_prerelease(version) } else { version }
    }

    /// The lowest version above all that this stands for; none for "any version".
    fn next(&self) -> Option<Version> {
        let version = match (self.major?, self.minor, self.patch) {
            (major, None, _) => Version::new(major.saturating_add(1), 0, 0),
            (major, Some(minor), None) => Version::new(major, minor.saturating_add(1), 0),
            (major, Some(minor), Some(patch)) => Version::new(major, minor, patch.saturating_add(1)),
        };
        Some(first_prerelease(version))
    }

    /// The lowest version that `^` no longer allows.
    fn next_incompatible(&self) -> Option<Version> {
        let version = match (self.major?, self.minor, self.patch) {
            (0, Some(0), Some(patch)) => Version::new(0, 0, patch.saturating_add(1)),
            (0, Some(minor), _) => Version::new(0, minor.saturating_add(1), 0),
            (major, _, _) => Version::new(major.saturating_add(1), 0, 0),
        };
        Some(first_prerelease(version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(range: &str, inside: &[&str], outside: &[&str]) {
        let parsed = Range::parse(range, false).unwrap();
        for text in inside {
            assert!(parsed.allows(&version(text).unwrap()), "{text} in {range}");
        }
        for text in outside {
            assert!(!parsed.allows(&version(text).unwrap()), "{text} not in {range}");
        }
    }

    #[test]
    fn ranges_are_read_as_npm_reads_them() {
        check("^1.2.3", &["1.2.3", "1.9.0"], &["1.2.2", "2.0.0", "2.0.0-alpha"]);
        check("^0.2.3", &["0.2.9"], &["0.3.0", "0.2.2"]);
        check("^0.0.3", &["0.0.3"], &["0.0.4"]);
        check("^0.0", &["0.0.9"], &["0.1.0"]);
        check("^0", &["0.9.9"], &["1.0.0"]);
        check("^1.x", &["1.0.0", "1.9.9"], &["2.0.0"]);
        check("~1.2.3", &["1.2.9"], &["1.3.0"]);
        check("~1", &["1.9.0"], &["2.0.0"]);
        check("~> 1.2", &["1.2.0"], &["1.3.0"]);
        check("1.2.3", &["1.2.3", "v1.2.3+build"], &["1.2.4"]);
        check("=1.2.3", &["1.2.3"], &["1.2.4"]);
        check("1.2.x", &["1.2.0"], &["1.3.0"]);
        check("1", &["1.4.0"], &["2.0.0", "0.9.0"]);
        check(">= 1.2.3 <2", &["1.9.0"], &["2.0.0", "1.2.2"]);
        check(">1", &["2.0.0"], &["1.9.0"]);
        check("<=1.2", &["1.2.9"], &["1.3.0"]);
        check("<1.2", &["1.1.9"], &["1.2.0"]);
        check("1.2.3 - 2.3", &["2.3.9", "1.2.3"], &["2.4.0"]);
        check("1.2 - 2.3.4", &["1.2.0", "2.3.4"], &["2.3.5"]);
        check("^1 || ^3.1", &["1.5.0", "3.2.0"], &["2.0.0", "3.0.0"]);
        check("*", &["0.0.0", "9.9.9"], &["1.0.0-rc.1"]);
        check("", &["1.0.0"], &[]);
        check("x", &["1.0.0"], &[]);
        check(">=0", &["0.0.1"], &[]);
    }

    #[test]
    fn a_prerelease_is_in_a_range_only_if_the_range_names_one_of_its_version() {
        check("^1.2.3-beta.2", &["1.2.3-beta.4", "1.2.3", "1.3.0"], &["1.2.3-beta.1", "1.3.0-beta.4"]);
        check(">=1.0.0", &["1.0.0"], &["2.0.0-rc.1"]);
        let wide = Range::parse("^2.0.0 || 3.x", true).unwrap();
        assert!(wide.allows(&version("2.1.0-rc.1").unwrap()));
        assert!(wide.allows(&version("3.0.0-rc.1").unwrap()));
        assert!(!wide.allows(&version("4.0.0-rc.1").unwrap()));
    }

    #[test]
    fn tags_and_urls_are_no_ranges() {
        for text in ["latest", "next", "beta-1", "git+ssh://x/y", "1.2.3.4", "user/repo", "99999999999999999999"] {
            assert_eq!(Range::parse(text, false), None, "{text}");
        }
    }
}
