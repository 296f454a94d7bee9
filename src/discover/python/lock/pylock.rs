//! `pylock.toml` and its kin (PEP 751), version 1: flat, all of it is installed.

use super::cutter::{Cutter, title};
use super::{Entries, Lock, Member};
use crate::discover::syntax::Located;

pub(super) fn cut(document: &Located) -> Option<Lock> {
    if document.get("lock-version")?.text()?.split('.').next() != Some("1") {
        return None;
    }
    let mut cutter = Cutter::default();
    let beside = ["created-by", "lock-version", "packages"];
    let common = cutter.add("what holds for all packages".to_owned(), 1, document, &beside, &[]);
    let mut all = Vec::new();
    for package in document.get("packages").map_or(&[][..], Located::items) {
        let title = title(package.get("name")?.text()?, package.get("version").and_then(Located::text));
        all.push(cutter.add(title, package.line, package, &[], &["size", "upload-time"]));
    }
    let all = cutter.fragments.group("packages", 1, all);
    Some(cutter.finish(common, Entries::Flat(Member { build: all, all })))
}
