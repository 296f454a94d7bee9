//! `yarn.lock` as Yarn 1 writes it, in a notation of its own.

use super::indented::read_classic;
use super::{Cutter, Led, Lock, Requests, dependencies, name_of};
use crate::discover::syntax::{Located, Unreadable};

/// Cuts a lockfile; none if it is not known how. It does not say what the packages of the workspace ask for.
pub(super) fn read(text: &str) -> Result<Option<Lock>, Unreadable> {
    let version = text.lines().find_map(|line| line.strip_prefix("# yarn lockfile v"));
    if version.is_some_and(|version| version.trim() != "1") {
        return Ok(None);
    }
    let document = read_classic(text)?;
    let mut cutter = Cutter::default();
    let mut requests = Requests::default();
    let mut entries = Vec::new();
    for (key, entry) in document.entries() {
        // Who else asks for it is no part of what it is.
        let name = name_of(&key.text).unwrap_or(&key.text);
        let version = entry.get("version").and_then(Located::text).unwrap_or_default();
        let fragment = cutter.entry(&format!("{name}@{version}"), key.line, entry, &[]);
        requests.answer(key.text.split(", "), fragment);
        entries.push((fragment, entry));
    }
    let any = requests.any(&mut cutter.fragments);
    for (fragment, entry) in entries {
        for (name, wanted) in dependencies(entry) {
            let exact = wanted.text().and_then(|wanted| requests.exact.get(&format!("{name}@{wanted}")));
            if let Some(found) = exact.or_else(|| any.get(name)) {
                cutter.need(fragment, &Led::Entry(*found));
            }
        }
    }
    let mut all = any;
    all.extend(requests.exact);
    Ok(Some(cutter.finish(Some(all))))
}
