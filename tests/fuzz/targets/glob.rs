//! The grammar of globs: lines of rules, `!` before one that excludes, an empty line, and the path that is asked for.

#![no_main]

use knockon::path::RepoPath;
use knockon::selection::{Filter, Rule, Selection, check_glob, escape_glob};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let at = data.windows(2).position(|pair| pair == b"\n\n");
    let (rules, path) = at.map_or((data, &b"a/b"[..]), |at| (&data[..at], &data[at + 2..]));
    let (Ok(rules), Ok(path)) = (std::str::from_utf8(rules), RepoPath::from_git(path)) else { return };
    let rules: Vec<Rule> =
        rules.lines().map(|line| line.strip_prefix('!').map_or_else(|| Rule::include(line), Rule::exclude)).collect();
    let root = RepoPath::root();
    for Rule { glob, .. } in &rules {
        let admits = |rule: Rule| Filter::new(&root, vec![rule]).admits(&path);
        let (included, excluded) = (admits(Rule::include(glob.clone())), admits(Rule::exclude(glob.clone())));
        match check_glob(glob) {
            Ok(()) => assert_ne!(included, excluded, "{glob} both matches and does not"),
            Err(_) => assert!(included && excluded, "{glob} is broken and hides"),
        }
        let escaped = escape_glob(glob);
        if let Ok(literal) = RepoPath::from_git(glob.as_bytes()) {
            let same = literal == path;
            assert_eq!(admits(Rule::include(escaped.clone())), same, "{escaped} is not plain");
            assert!(Filter::new(&root, vec![Rule::include(escaped)]).admits(&literal), "{glob} is not itself");
        }
    }
    let selection = Selection::all(&root).filtered(Filter::new(&root, rules));
    let kept: Selection = serde_json::from_str(&serde_json::to_string(&selection).unwrap()).unwrap();
    assert_eq!(kept, selection);
    assert_eq!(kept.matches(&path), selection.matches(&path));
    assert!(!selection.filters.iter().any(|filter| filter.to_string().contains('\x1b')));
});
