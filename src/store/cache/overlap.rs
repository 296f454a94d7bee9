//! Whether two tasks declare outputs that can be the same files. Restoring one would then replace or remove what the
//! other made.

use std::collections::BTreeSet;

use super::Outputs;
use super::outputs::Pattern;

/// Where more comparisons of patterns would be needed, all count as overlapping that begin alike.
const MOST_COMPARISONS: usize = 1 << 20;

/// A pattern of more segments is taken for everything below its first ones.
const MOST_SEGMENTS: usize = 64;

/// One segment of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    /// `**`: any number of segments.
    Any,
    Literal(Vec<u8>),
    /// What the name begins and ends with.
    Glob {
        head: Vec<u8>,
        tail: Vec<u8>,
    },
}

struct Line {
    task: usize,
    /// Its place among the task's patterns.
    at: usize,
    segments: Vec<Segment>,
    /// All that it matches begins with this.
    literal: Vec<u8>,
}

/// For tasks by their places: pairs of those that can make the same files, the lower place first. Every task that overlaps
/// any stands in at least one. Patterns are compared by what they say, not by what is there; where that is not certain, they
/// overlap. A task whose patterns cannot be read is in none, as nothing of it is kept.
pub fn overlapping(outputs: &[Outputs<'_>]) -> BTreeSet<(usize, usize)> {
    let mut lines = Vec::new();
    let mut excluded: Vec<Vec<Line>> = Vec::new();
    for (task, of_task) in outputs.iter().enumerate() {
        let parsed = of_task.patterns.iter().map(|text| Pattern::parse(text, of_task.folder));
        let patterns = parsed.collect::<Result<Vec<_>, _>>().unwrap_or_default();
        let mut without = Vec::new();
        for (at, (pattern, _)) in patterns.iter().enumerate() {
            let line = Line::new(task, at, pattern);
            if pattern.include { lines.push(line) } else { without.push(line) }
        }
        excluded.push(without);
    }
    lines.sort_by(|a, b| a.literal.cmp(&b.literal));
    let mut pairs = BTreeSet::new();
    // What there is instead if there is too much to compare: who begins as another does, with the nearest of these.
    let mut alike = BTreeSet::new();
    let mut comparisons = 0;
    // Those that can match what the next one matches: whose beginning it begins with. Each with the nearest task before
    // it that is another.
    let mut open: Vec<(&Line, Option<usize>)> = Vec::new();
    for line in &lines {
        while open.last().is_some_and(|(last, _)| !line.literal.starts_with(&last.literal)) {
            open.pop();
        }
        let nearest =
            open.last().and_then(|(last, below)| if last.task == line.task { *below } else { Some(last.task) });
        alike.extend(nearest.map(|task| pair(task, line.task)));
        if comparisons <= MOST_COMPARISONS {
            for (other, _) in open.iter().filter(|(other, _)| other.task != line.task) {
                let meets = meet(&line.segments, &other.segments);
                if meets && !is_kept_out(other, line, &excluded) && !is_kept_out(line, other, &excluded) {
                    pairs.insert(pair(line.task, other.task));
                }
            }
            comparisons += open.len();
        }
        open.push((line, nearest));
    }
    if comparisons > MOST_COMPARISONS { alike } else { pairs }
}

fn pair(one: usize, other: usize) -> (usize, usize) {
    (one.min(other), one.max(other))
}

/// Whether a task keeps all out of one of its patterns that another's pattern matches.
fn is_kept_out(of: &Line, other: &Line, excluded: &[Vec<Line>]) -> bool {
    excluded[of.task].iter().any(|without| without.at > of.at && without.covers(other))
}

impl Line {
    fn new(task: usize, at: usize, pattern: &Pattern) -> Self {
        let root = &pattern.glob.root;
        let glob = pattern.glob.rules.first().map_or("", |rule| rule.glob.as_str());
        let mut segments: Vec<_> = root.segments().map(|name| Segment::Literal(name.to_vec())).collect();
        for segment in glob.split('/') {
            let open = |from: u8, to: u8| {
                let count = |byte| segment.bytes().filter(|other| *other == byte).count();
                count(from) != count(to)
            };
            // Alternatives that reach over a `/` are not taken apart.
            let is_part = open(b'{', b'}') || open(b'[', b']') || segment.contains('\\');
            if is_part || segments.len() == MOST_SEGMENTS {
                segments.push(Segment::Any);
                break;
            }
            segments.push(Segment::parse(segment));
        }
        let mut literal = root.as_bytes().to_vec();
        if !literal.is_empty() {
            literal.push(b'/');
        }
        literal.extend_from_slice(head(glob));
        Self { task, at, segments, literal }
    }

    /// Whether everything that another matches is matched here, as far as that is plain.
    fn covers(&self, other: &Line) -> bool {
        if self.segments == other.segments {
            return true;
        }
        let Some((Segment::Any, folder)) = self.segments.split_last() else { return false };
        folder.iter().all(|segment| matches!(segment, Segment::Literal(_)))
            && other.segments.len() > folder.len()
            && other.segments.starts_with(folder)
    }
}

/// What stands before the first character that a glob gives a meaning to.
fn head(glob: &str) -> &[u8] {
    glob.split(SPECIAL).next().unwrap_or_default().as_bytes()
}

const SPECIAL: [char; 7] = ['*', '?', '[', ']', '{', '}', '\\'];

impl Segment {
    fn parse(text: &str) -> Self {
        match (text, text.contains(SPECIAL)) {
            ("**", _) => Self::Any,
            (_, false) => Self::Literal(text.as_bytes().to_vec()),
            _ => Self::Glob {
                head: head(text).to_vec(),
                tail: text.rsplit(SPECIAL).next().unwrap_or_default().as_bytes().to_vec(),
            },
        }
    }

    /// Whether a name can match both.
    fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) | (_, Self::Any) => true,
            (Self::Literal(one), Self::Literal(two)) => one == two,
            (Self::Literal(name), Self::Glob { head, tail }) | (Self::Glob { head, tail }, Self::Literal(name)) => {
                name.starts_with(head) && name.ends_with(tail)
            }
            (Self::Glob { head: one, tail: last }, Self::Glob { head: two, tail: other_last }) => {
                (one.starts_with(two) || two.starts_with(one))
                    && (last.ends_with(other_last) || other_last.ends_with(last))
            }
        }
    }
}

/// Whether a path can match both.
fn meet(one: &[Segment], two: &[Segment]) -> bool {
    // For each beginning of `two`, whether the beginning of `one` that was looked at can match the same.
    let mut row = vec![true];
    row.extend(two.iter().scan(true, |so_far, segment| {
        *so_far &= *segment == Segment::Any;
        Some(*so_far)
    }));
    for segment in one {
        let mut next = vec![row[0] && *segment == Segment::Any];
        for (at, other) in two.iter().enumerate() {
            let both = row[at] && segment.meets(other);
            let only = *segment == Segment::Any && row[at + 1];
            let other_only = *other == Segment::Any && next[at];
            // `**` goes on with whatever the other one says next.
            let goes_on = (*segment == Segment::Any && next[at]) || (*other == Segment::Any && row[at + 1]);
            next.push(both || only || other_only || goes_on);
        }
        row = next;
    }
    row.last().copied().unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::RepoPath;

    /// Whether `svc` with these patterns overlaps a task of another folder with those.
    fn overlap(svc: &[&str], folder: &str, other: &[&str]) -> bool {
        let lists = [svc, other].map(|list| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        let folders = ["svc", folder].map(|folder| RepoPath::from_git(folder.as_bytes()).unwrap());
        let outputs = [0, 1].map(|task| Outputs { folder: &folders[task], patterns: &lists[task] });
        let pairs = overlapping(&outputs);
        assert!(pairs.is_empty() || pairs == BTreeSet::from([(0, 1)]));
        let mirrored = overlapping(&[outputs[1], outputs[0]]);
        assert_eq!(mirrored, pairs, "{svc:?} {other:?}");
        !pairs.is_empty()
    }

    #[test]
    fn case_83_outputs_that_can_be_the_same_files_overlap() {
        for (svc, folder, other) in [
            (&["dist/**"][..], "svc", &["dist/bundle.js"][..]),
            (&["dist/**"], "svc", &["dist/**"]),
            (&["dist/**"], "svc", &["dist"]),
            (&["**"], "svc/sub", &["out/x"]),
            (&["**/*.js"], "svc", &["dist/a/b.js"]),
            (&["dist/*.js"], "svc", &["dist/app*"]),
            (&["../gen/**"], "lib", &["../gen/x"]),
            (&["../**/x"], "lib", &["a/b/x"]),
            (&["{dist/a,out}"], "svc", &["dist/a"]),
            (&["a/**/b/**/c"], "svc", &["**/b/c"]),
            // What is let in again after it was kept out.
            (&["dist/**", "!dist/bundle/**", "dist/bundle/x"], "svc", &["dist/bundle/x"]),
            // Only a part is kept out.
            (&["dist/**", "!dist/bundle/**"], "svc", &["dist/**"]),
        ] {
            assert!(overlap(svc, folder, other), "{svc:?} {other:?}");
        }
        for (svc, folder, other) in [
            (&["dist/**"][..], "lib", &["dist/**"][..]),
            (&["dist/**"], "svc", &["dists/x"]),
            (&["dist/*.js"], "svc", &["dist/*.css"]),
            (&["dist/*"], "svc", &["dist/a/b"]),
            (&["target/**"], "svc/sub", &["target/**"]),
            (&["dist/**", "!dist/bundle/**"], "svc", &["dist/bundle/x"]),
            (&["dist/**", "!dist/bundle/**"], "svc", &["dist/bundle/**/*.js"]),
            (&["[x"], "svc", &["**"]),
            (&["../gen/a-*.tgz"], "lib", &["../gen/b-*.tgz"]),
            (&[], "svc", &["**"]),
        ] {
            assert!(!overlap(svc, folder, other), "{svc:?} {other:?}");
        }
    }

    #[test]
    fn many_outputs_take_no_time_that_grows_with_their_square() {
        let patterns: Vec<Vec<String>> = (0..3_000).map(|task| vec![format!("gen/*/{task}")]).collect();
        let root = RepoPath::root();
        let outputs: Vec<_> = patterns.iter().map(|patterns| Outputs { folder: &root, patterns }).collect();
        // More than can be compared: each counts as overlapping, none is passed by.
        let pairs = overlapping(&outputs);
        assert_eq!(pairs.iter().flat_map(|(one, two)| [*one, *two]).collect::<BTreeSet<_>>().len(), 3_000);
        let apart: Vec<Vec<String>> = (0..3_000).map(|task| vec![format!("gen/{task:05}-*")]).collect();
        let outputs: Vec<_> = apart.iter().map(|patterns| Outputs { folder: &root, patterns }).collect();
        assert_eq!(overlapping(&outputs), BTreeSet::new());
    }

    #[test]
    fn what_overlaps_is_what_a_path_can_be() {
        let texts =
            ["a", "b", "*", "**", "a/b", "a/*", "*/b", "**/b", "a/**", "a/**/b", "**/*", "a*", "*b", "a/a/b", "b/**/a"];
        let names = ["a", "b", "ab"];
        let mut paths: Vec<String> = names.map(str::to_owned).to_vec();
        for _ in 0..3 {
            paths.extend(paths.clone().iter().flat_map(|path| names.map(|name| format!("{path}/{name}"))));
            paths.sort();
            paths.dedup();
        }
        let root = RepoPath::root();
        for one in texts {
            for two in texts {
                let lists = [one, two].map(|text| vec![text.to_owned()]);
                let outputs = [0, 1].map(|task| Outputs { folder: &root, patterns: &lists[task] });
                let patterns = [one, two].map(|text| Pattern::parse(text, &root).unwrap().0.glob);
                let shared = paths.iter().any(|path| {
                    let path = RepoPath::from_git(path.as_bytes()).unwrap();
                    patterns.iter().all(|pattern| pattern.admits(&path))
                });
                assert!(!shared || !overlapping(&outputs).is_empty(), "{one} and {two} share a path");
            }
        }
    }
}
