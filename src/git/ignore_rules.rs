//! `.gitignore` files, `.git/info/exclude` and `core.excludesFile`.

use std::path::Path;
use std::sync::Arc;

use super::pattern::Pattern;

/// The rules of one file.
#[derive(Debug, Default)]
pub(super) struct IgnoreRules {
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    pattern: Pattern,
    negated: bool,
    folders_only: bool,
}

impl IgnoreRules {
    /// Reads the text of such a file, byte by byte as git does.
    pub(super) fn parse(text: &[u8]) -> Self {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let mut rules = Vec::new();
        for line in text.split(|&b| b == b'\n') {
            let line = without_trailing_spaces(line.strip_suffix(b"\r").unwrap_or(line));
            if line.starts_with(b"#") {
                continue;
            }
            let (negated, line) = line.strip_prefix(b"!").map_or((false, line), |rest| (true, rest));
            let (folders_only, line) = line.strip_suffix(b"/").map_or((false, line), |rest| (true, rest));
            if !line.is_empty() {
                rules.push(Rule { pattern: Pattern::new(line), negated, folders_only });
            }
        }
        Self { rules }
    }

    /// Reads a file that the user's settings name; nothing where there is none.
    pub(super) fn read(path: &Path) -> Self {
        std::fs::read(path).map(|text| Self::parse(&text)).unwrap_or_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether the last rule that speaks of a path ignores it; none if no rule does.
    fn verdict(&self, path: &[u8], is_folder: bool) -> Option<bool> {
        let speaks = |rule: &&Rule| (is_folder || !rule.folders_only) && rule.pattern.matches(path);
        self.rules.iter().rev().find(speaks).map(|rule| !rule.negated)
    }
}

/// A space at the end counts only behind a `\`.
fn without_trailing_spaces(line: &[u8]) -> &[u8] {
    let mut end = 0;
    let mut at = 0;
    while at < line.len() {
        match line[at] {
            b' ' => at += 1,
            b'\\' => {
                at = (at + 2).min(line.len());
                end = at;
            }
            _ => {
                at += 1;
                end = at;
            }
        }
    }
    &line[..end]
}

/// The rules that hold in a folder: its own first, then those of the folders around it, then the user's.
#[derive(Debug)]
pub(super) struct Level {
    rules: IgnoreRules,
    /// The length of the folder's path with its `/`.
    prefix: usize,
    around: Option<Arc<Level>>,
}

impl Level {
    /// The rules that stand outside the work tree's folders.
    pub(super) fn outermost(files: impl IntoIterator<Item = IgnoreRules>) -> Option<Arc<Self>> {
        let enter = |around, rules| Some(Arc::new(Self { rules, prefix: 0, around }));
        files.into_iter().filter(|rules| !rules.is_empty()).fold(None, enter)
    }

    /// Adds the rules of the folder whose path, with a `/` after it, has this length.
    pub(super) fn enter(around: Option<Arc<Self>>, rules: IgnoreRules, prefix: usize) -> Option<Arc<Self>> {
        if rules.is_empty() { around } else { Some(Arc::new(Self { rules, prefix, around })) }
    }

    /// Whether a path is ignored. The folders above it are known not to be.
    pub(super) fn ignores(level: Option<&Arc<Self>>, path: &[u8], is_folder: bool) -> bool {
        let mut next = level;
        while let Some(level) = next {
            if let Some(verdict) = level.rules.verdict(&path[level.prefix..], is_folder) {
                return verdict;
            }
            next = level.around.as_ref();
        }
        false
    }
}
