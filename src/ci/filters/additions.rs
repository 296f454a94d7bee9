//! What to add to a filter so that it matches what it misses, in its engine's own way of writing.

use std::collections::BTreeSet;

use super::{Combination, Engine, PathFilter};
use crate::path::RepoPath;

/// Patterns that match all of these files of one folder, and may match more; none where the filter decides otherwise than by
/// letting in what it lists.
pub(super) fn additions<'a>(
    engine: Engine,
    filter: &PathFilter,
    folder: &RepoPath,
    files: impl ExactSizeIterator<Item = &'a RepoPath>,
) -> Vec<String> {
    let lists = filter.patterns.iter().any(|pattern| !pattern.excludes);
    let is_asked_otherwise =
        matches!(filter.combination, Combination::LastOrElseIn | Combination::FirstOrElseIn | Combination::Every);
    if !lists || is_asked_otherwise {
        return Vec::new();
    }
    let several = files.len() > 1;
    let patterns: BTreeSet<String> = files.filter_map(|file| written(engine, folder, file, several)).collect();
    patterns.into_iter().collect()
}

/// The file itself, or everything below its folder: where several files lie there, and where its name cannot be written.
/// Below the root that is everything below the first segment.
fn written(engine: Engine, folder: &RepoPath, file: &RepoPath, several: bool) -> Option<String> {
    if several && !folder.is_root() {
        return all_below(engine, folder);
    }
    let first = file.segments().next().map(|first| RepoPath::root().child(first))?;
    if several && first != *file {
        return all_below(engine, &first);
    }
    exactly(engine, file).or_else(|| all_below(engine, &file.parent()?))
}

fn all_below(engine: Engine, folder: &RepoPath) -> Option<String> {
    // A folder whose name cannot be written is reached by one that is around it; everything, if need be.
    let around = folder.ancestors().find(|folder| folder.is_root() || exactly(engine, folder).is_some())?;
    let name = exactly(engine, &around).unwrap_or_default();
    match engine {
        Engine::Azure if around.is_root() => Some("/".to_owned()),
        Engine::Azure => Some(name),
        _ if around.is_root() => Some(if engine == Engine::Circleci { ".*".to_owned() } else { "**/*".to_owned() }),
        _ => engine.all_below(&name),
    }
}

/// A path as a pattern that matches it; none where the engine has no way to write it.
fn exactly(engine: Engine, path: &RepoPath) -> Option<String> {
    let text = std::str::from_utf8(path.as_bytes()).ok().filter(|text| !text.chars().any(char::is_control))?;
    let signs: &[char] = match engine {
        Engine::Azure => &['*', '?'],
        Engine::Jenkins => &['*', '?', '\\', '"', '\'', '$'],
        Engine::Circleci => &['.', '*', '?', '+', '[', ']', '(', ')', '{', '}', '|', '^', '$', '\\'],
        _ => &['*', '?', '+', '[', ']', '{', '}', '(', ')', ',', '!', '\\', '$', '#'],
    };
    let has_signs = text.contains(signs);
    match engine {
        // Words are parted by spaces, and there is nothing to take the meaning from a sign with.
        Engine::Circleci if text.contains(char::is_whitespace) => None,
        Engine::Azure | Engine::Jenkins if has_signs => None,
        // A variable cannot be told from a name.
        Engine::Gitlab if text.contains('$') => None,
        _ if has_signs => {
            let escape = |sign: char| if signs.contains(&sign) { vec!['\\', sign] } else { vec![sign] };
            Some(text.chars().flat_map(escape).collect())
        }
        _ => Some(text.to_owned()),
    }
}
