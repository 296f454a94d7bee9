//! Which entries differ in the slices that a task reads of a file.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::Cause;
use crate::diagnostic::Evidence;
use crate::discover::{Fragment, FragmentDigest, FragmentIndex, Fragments};
use crate::path::RepoPath;
use crate::tree::ChangeKind;
use crate::workspace::{Slice, Workspace};

/// How many entries of one file are told as causes of one task: a lockfile that was written anew changes thousands, of
/// thousands of tasks.
const MOST_TOLD: usize = 8;

/// The fragments of a file and what is worked out of them once.
struct Known<'a> {
    fragments: &'a Fragments,
    slices: Vec<FragmentDigest>,
    by_name: HashMap<&'a str, FragmentIndex>,
}

impl<'a> Known<'a> {
    fn new(fragments: &'a Fragments) -> Self {
        Self { fragments, slices: fragments.slices(), by_name: fragments.by_name() }
    }

    fn find(&self, name: &str) -> Option<(FragmentIndex, &'a Fragment)> {
        let at = *self.by_name.get(name)?;
        Some((at, self.fragments.get(at)?))
    }

    fn needs(&self, fragment: &'a Fragment) -> impl Iterator<Item = &'a Fragment> {
        fragment.needs.iter().filter_map(|need| self.fragments.get(*need))
    }
}

/// The files that are read in slices, of the base and of the head.
pub(super) struct SlicesOf<'a> {
    workspaces: [&'a Workspace; 2],
    known: BTreeMap<&'a RepoPath, [Option<Known<'a>>; 2]>,
}

impl<'a> SlicesOf<'a> {
    pub(super) fn new(workspaces: [&'a Workspace; 2]) -> Self {
        Self { workspaces, known: BTreeMap::new() }
    }

    /// The entries that differ between what a task reads of a file at the base and at the head; none if its slices are
    /// equal, at least one and at most a few if they are not.
    pub(super) fn differing(&mut self, file: &'a RepoPath, before: &[&'a Slice], after: &[&'a Slice]) -> Vec<Cause> {
        let digests = |slices: &[&Slice]| slices.iter().map(|slice| slice.digest).collect::<BTreeSet<_>>();
        let (old, new) = (digests(before), digests(after));
        if old == new {
            return Vec::new();
        }
        let workspaces = self.workspaces;
        let sides = self.known.entry(file).or_insert_with(|| workspaces.map(|w| w.fragments(file).map(Known::new)));
        let mut found = match sides {
            [Some(base), Some(head)] => Walk { file, base, head, seen: BTreeSet::new(), found: Vec::new() }
                .follow(before.iter().chain(after).map(|slice| &*slice.fragment)),
            _ => Vec::new(),
        };
        if found.is_empty() {
            // It is read no longer, or was not read: the entries themselves say the same.
            let side = |slices: &[&'a Slice], others: &BTreeSet<FragmentDigest>, change| {
                let slices = slices.iter().filter(|slice| !others.contains(&slice.digest)).take(MOST_TOLD);
                let told = slices.map(|slice| Cause::Slice {
                    path: file.clone(),
                    entry: slice.fragment.to_string(),
                    change,
                    evidence: slice.evidence.clone(),
                });
                told.collect::<Vec<_>>()
            };
            found.extend(side(after, &old, ChangeKind::Added));
            found.extend(side(before, &new, ChangeKind::Deleted));
        }
        found
    }
}

/// The way through both files at once, wherever they differ.
struct Walk<'w, 'a> {
    file: &'a RepoPath,
    base: &'w Known<'a>,
    head: &'w Known<'a>,
    seen: BTreeSet<&'a str>,
    found: Vec<Cause>,
}

impl<'a> Walk<'_, 'a> {
    fn follow(mut self, from: impl Iterator<Item = &'a str>) -> Vec<Cause> {
        let mut pending: Vec<&str> = from.collect();
        while let Some(name) = pending.pop() {
            if self.found.len() == MOST_TOLD || !self.seen.insert(name) {
                continue;
            }
            match (self.base.find(name), self.head.find(name)) {
                (Some((before, old)), Some((after, new))) => {
                    if self.base.slices[before.number()] == self.head.slices[after.number()] {
                        continue;
                    }
                    if !self.base.fragments.is_same(old, self.head.fragments, new) {
                        self.tell(new, ChangeKind::Modified);
                    }
                    let needs = self.base.needs(old).chain(self.head.needs(new));
                    pending.extend(needs.map(|need| &*need.name));
                }
                (Some((_, old)), None) => self.tell(old, ChangeKind::Deleted),
                (None, Some((_, new))) => self.tell(new, ChangeKind::Added),
                (None, None) => {}
            }
        }
        self.found
    }

    fn tell(&mut self, fragment: &Fragment, change: ChangeKind) {
        let evidence = Evidence::new(self.file, fragment.line, Arc::clone(&fragment.name));
        self.found.push(Cause::Slice { path: self.file.clone(), entry: fragment.name.to_string(), change, evidence });
    }
}
