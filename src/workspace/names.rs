//! Short names that are unique, and names that are near a mistyped one.

use std::collections::{BTreeMap, BTreeSet};

use super::ProjectId;

/// For each project the shortest tail of its folder that no other project shares.
pub(super) fn short_names<'a>(projects: impl Iterator<Item = &'a ProjectId>) -> BTreeMap<ProjectId, String> {
    let mut names: BTreeMap<ProjectId, String> = BTreeMap::new();
    let mut open: BTreeSet<&ProjectId> = projects.collect();
    for length in 1.. {
        if open.is_empty() {
            break;
        }
        let mut by_tail: BTreeMap<String, Vec<&ProjectId>> = BTreeMap::new();
        for id in &open {
            by_tail.entry(tail(id, length)).or_default().push(id);
        }
        // No longer tail is a name that was given before: its folder would have shared that name.
        for (name, ids) in by_tail {
            if let [id] = ids[..] {
                names.insert(id.clone(), name);
                open.remove(id);
            }
        }
    }
    names
}

fn tail(id: &ProjectId, length: usize) -> String {
    if id.0.is_root() {
        return ".".to_owned();
    }
    let segments: Vec<String> = id.to_string().split('/').map(str::to_owned).collect();
    segments[segments.len().saturating_sub(length)..].join("/")
}

/// At most three names within a third of the wanted name's length by edit distance, or that contain it, nearest first.
pub fn near_names<'a>(wanted: &str, all: impl Iterator<Item = &'a str>) -> Vec<String> {
    let lower = wanted.to_lowercase();
    let mut near: Vec<(usize, &str)> = all
        .filter_map(|name| {
            let other = name.to_lowercase();
            let distance = strsim::damerau_levenshtein(&lower, &other);
            let close = distance <= (wanted.chars().count() / 3).max(1);
            (close || (lower.len() > 2 && other.contains(&lower))).then_some((distance, name))
        })
        .collect();
    near.sort();
    near.into_iter().take(3).map(|(_, name)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::RepoPath;

    #[test]
    fn names_grow_until_they_are_unique() {
        let ids: Vec<_> = ["a/core", "b/core", "c/x", "core"]
            .iter()
            .map(|text| ProjectId(RepoPath::from_git(text.as_bytes()).unwrap()))
            .collect();
        let names = short_names(ids.iter());
        let names: Vec<_> = ids.iter().map(|id| names[id].as_str()).collect();
        assert_eq!(names, ["a/core", "b/core", "x", "core"]);
    }

    #[test]
    fn folders_that_would_look_alike_have_names_of_their_own() {
        // A byte that is no text, and the text that stands for it.
        let ids = [&b"a/\xff"[..], b"a/\\xff", b"b/\\xff"];
        let ids = ids.map(|bytes| ProjectId(RepoPath::from_git(bytes).unwrap()));
        let names: BTreeSet<String> = short_names(ids.iter()).into_values().collect();
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["\\xff", "a/\\\\xff", "b/\\\\xff"]);
    }

    #[test]
    fn the_root_is_called_by_a_dot() {
        let ids = [ProjectId(RepoPath::root()), ProjectId(RepoPath::from_git(b"a/b").unwrap())];
        assert_eq!(short_names(ids.iter()).into_values().collect::<Vec<_>>(), [".", "b"]);
        assert!(short_names([].into_iter()).is_empty());
    }

    #[test]
    fn near_names_are_few_and_the_nearest_stands_first() {
        let all = ["cart", "cartoon", "card", "carts", "art", "delivery", "cart-worker"];
        let near = |wanted: &str| near_names(wanted, all.into_iter());
        // One slip is always let pass, more with every third letter, and a part of a name finds it too.
        assert_eq!(near("cart"), ["cart", "art", "card"]);
        assert_eq!(near("livery"), ["delivery"]);
        assert_eq!(near("DELIVERY"), ["delivery"]);
        assert_eq!(near("delxxery"), ["delivery"]);
        assert_eq!(near("worker"), ["cart-worker"]);
        assert!(near("dexxxery").is_empty());
        assert!(near("er").is_empty());
    }

    #[test]
    fn near_names_find_the_typo() {
        assert_eq!(near_names("delivry", ["delivery", "package"].into_iter()), ["delivery"]);
        assert!(near_names("zzz", ["delivery"].into_iter()).is_empty());
    }
}
