//! From what a person writes to one commit, or to a refusal that says what to write instead.

use super::object::{Kind, tagged};
use super::objects::Objects;
use super::{Commit, CommitId, GitError};
use crate::tree::{ObjectId, TreeId};

/// Resolves a revision: a reference, an id or the beginning of one, with `~n`, `^n` and `^{commit}` after it.
///
/// Stricter than git: whatever could mean two things is refused, as is all that is no single commit.
pub(super) fn resolve(objects: &Objects, revision: &str) -> Result<Commit, GitError> {
    let refuse = |reason: &str| Err(GitError::RefusedRevision { revision: revision.to_owned(), reason: reason.into() });
    if revision.is_empty() {
        return refuse("it is empty");
    }
    if revision.starts_with('-') {
        return refuse("it begins with `-`, as an option does; write `refs/heads/-…` for such a branch");
    }
    if revision.contains("..") {
        return refuse("it is a range; name its two ends with `--base` and `--head`");
    }
    if revision.contains(':') {
        return refuse("`:` names a file or a search; name a commit");
    }
    if let Some(c) = revision.chars().find(|c| c.is_control() || " ?*[\\".contains(*c)) {
        return refuse(&format!("no reference has `{}` in its name", c.escape_default()));
    }
    let (name, mut steps) = revision.split_at(revision.find(['~', '^']).unwrap_or(revision.len()));
    if name.is_empty() {
        return refuse("it names no reference");
    }
    let mut commit = peel(objects, revision, named(objects, revision, name)?)?;
    while let Some(rest) = steps.get(1..) {
        if steps.starts_with("^{") {
            let Some((kind, after)) = steps[2..].split_once('}') else {
                return refuse("a `^{` is not closed");
            };
            match kind {
                "" | "commit" => {}
                "tree" => return refuse("it names a folder without history; name the commit"),
                _ => return refuse("only `^{commit}` is understood after a name"),
            }
            steps = after;
            continue;
        }
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number = if digits == 0 { Ok(1) } else { rest[..digits].parse::<usize>() };
        let Ok(number) = number else { return refuse("its number is too large") };
        if !matches!(rest[digits..].chars().next(), None | Some('~' | '^')) {
            return refuse("only `~n`, `^n` and `^{commit}` are understood after a name");
        }
        if steps.starts_with('~') {
            for _ in 0..number {
                commit = parent(objects, revision, commit, 1)?;
            }
        } else if number > 0 {
            commit = parent(objects, revision, commit, number)?;
        }
        steps = &rest[digits..];
    }
    Ok(commit)
}

/// Whether git could store a branch of a short name, which then is no option, no range and no refspec either.
pub fn is_branch_name(name: &str) -> bool {
    let odd = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    let is_part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    !name.starts_with('-')
        && !name.ends_with('.')
        && !name.contains("..")
        && !name.contains("@{")
        && !name.contains(odd)
        && name.split('/').all(is_part)
}

fn parent(objects: &Objects, revision: &str, commit: Commit, number: usize) -> Result<Commit, GitError> {
    let parents = objects.commit(commit.id)?.parents;
    match parents.get(number - 1) {
        Some(&id) => load(objects, CommitId(id)),
        None if objects.is_cut(commit.id) => {
            Err(GitError::CutHistory { revision: revision.to_owned(), commit: commit.id })
        }
        None => {
            let reason = match parents.len() {
                0 => format!("{} is the first commit of its history", commit.id),
                1 => format!("{} is no merge", commit.id),
                count => format!("{} has only {count} parents", commit.id),
            };
            Err(GitError::RefusedRevision { revision: revision.to_owned(), reason })
        }
    }
}

/// The commit with an id.
pub(super) fn load(objects: &Objects, id: CommitId) -> Result<Commit, GitError> {
    Ok(Commit { id, tree: TreeId(objects.commit(id)?.tree) })
}

fn peel(objects: &Objects, revision: &str, mut id: ObjectId) -> Result<Commit, GitError> {
    loop {
        let Some((kind, bytes)) = objects.engine.object(id)? else { return Err(objects.missing(id)) };
        let what = match kind {
            Kind::Commit => return load(objects, CommitId(id)),
            Kind::Tag => {
                id = tagged(&bytes).ok_or_else(|| GitError::corrupt(id, "the tag points nowhere"))?;
                continue;
            }
            Kind::Tree => "a folder without history",
            Kind::Blob => "a file",
        };
        let reason = format!("it names {what}; name a commit");
        return Err(GitError::RefusedRevision { revision: revision.to_owned(), reason });
    }
}

/// Where git looks for a short name, in its order.
const PLACES: [(&str, &str); 6] = [
    ("", ""),
    ("refs/", ""),
    ("refs/tags/", ""),
    ("refs/heads/", ""),
    ("refs/remotes/", ""),
    ("refs/remotes/", "/HEAD"),
];

fn named(objects: &Objects, revision: &str, name: &str) -> Result<ObjectId, GitError> {
    let name = if name == "@" { "HEAD" } else { name };
    if name.contains("@{") {
        let found = objects.engine.local_form(name)?;
        return found.ok_or_else(|| GitError::UnknownRevision { revision: revision.to_owned(), near: Vec::new() });
    }
    let mut meanings: Vec<(String, ObjectId)> = Vec::new();
    for (before, after) in PLACES {
        // Only names like HEAD and whole ones stand outside `refs/`.
        let outside = before.is_empty() && !name.starts_with("refs/");
        if outside && !name.chars().all(|c| c.is_ascii_uppercase() || c == '_') {
            continue;
        }
        let full = format!("{before}{name}{after}");
        if let Some(id) = objects.engine.reference(&full)? {
            meanings.push((full, id));
        }
    }
    // A remote's folder gives way to a branch of its name, as in git; a branch and a tag are never told apart by luck.
    if meanings.len() > 1 {
        meanings.retain(|(full, _)| !full.starts_with("refs/remotes/"));
    }
    let digits = name.len();
    if (4..=objects.hash.length() * 2).contains(&digits) && name.chars().all(|c| c.is_ascii_hexdigit()) {
        let objects_with = objects.engine.with_prefix(&name.to_ascii_lowercase())?;
        let several = objects_with.len() > 1;
        for id in objects_with.into_iter().take(2) {
            let text =
                if several { format!("several objects whose ids begin with {name}") } else { format!("object {id}") };
            meanings.push((text, id));
        }
        if several && meanings.iter().all(|(text, _)| text.starts_with("several")) {
            return Err(ambiguous(revision, &meanings));
        }
    }
    let Some(&(_, first)) = meanings.first() else {
        if name == "HEAD" {
            return Err(GitError::UnbornHead);
        }
        return Err(GitError::UnknownRevision { revision: revision.to_owned(), near: near(objects, name)? });
    };
    if meanings.iter().any(|&(_, id)| id != first) {
        return Err(ambiguous(revision, &meanings));
    }
    Ok(first)
}

fn ambiguous(revision: &str, meanings: &[(String, ObjectId)]) -> GitError {
    let mut meanings: Vec<String> = meanings.iter().map(|(text, _)| text.clone()).collect();
    meanings.dedup();
    GitError::AmbiguousRevision { revision: revision.to_owned(), meanings }
}

/// Up to three short names of references that are spelt much alike, the nearest first.
fn near(objects: &Objects, name: &str) -> Result<Vec<String>, GitError> {
    let mut found = Vec::new();
    for full in objects.engine.references()? {
        let short = ["refs/heads/", "refs/tags/", "refs/remotes/"].iter().find_map(|prefix| full.strip_prefix(prefix));
        let Some(short) = short else { continue };
        let last = short.rsplit('/').next().unwrap_or(short);
        let distance = distance(name, short).min(1 + distance(name, last));
        if distance <= 1 + name.chars().count() / 4 {
            found.push((distance, short.to_owned()));
        }
    }
    found.sort();
    found.dedup();
    Ok(found.into_iter().take(3).map(|(_, name)| name).collect())
}

/// How many characters have to be added, dropped or replaced.
fn distance(one: &str, two: &str) -> usize {
    let two: Vec<char> = two.chars().collect();
    let mut row: Vec<usize> = (0..=two.len()).collect();
    for (at, c) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (column, other) in two.iter().enumerate() {
            let replaced = diagonal + usize::from(c != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}
