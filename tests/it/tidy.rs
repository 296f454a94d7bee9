//! The rules of the source that no compiler checks: the floors of the architecture, a core that meets no outer
//! world, and files that one can read. Layers inside one crate rot unless something checks them.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The floors, lowest first. A module uses only floors below its own; within a floor they do not know each other, so
/// that on floor 7 nothing but `cli` above it can use `planner`, and `report` sees results by the types of
/// `affect` and `plan`. `lib` and `main` stand above all.
const FLOORS: [&[&str]; 8] = [
    &["path", "tree", "diagnostic", "selection", "codec"],
    &["git", "discover", "config"],
    &["workspace", "store"],
    &["fingerprint"],
    &["affect"],
    &["plan"],
    &["planner", "ci", "report", "run", "demo"],
    &["cli"],
];

/// Uses within a floor that are meant.
const EXCEPTIONS: [(&str, &str); 3] = [
    // A path is the word that the rest of floor 1 is made of, and itself uses nothing.
    ("tree", "path"),
    ("diagnostic", "path"),
    ("selection", "path"),
];

/// The modules that are handed values and trees, and never see a process, a clock, a socket or git itself.
const CORE: [&str; 10] =
    ["path", "tree", "selection", "codec", "discover", "config", "workspace", "fingerprint", "affect", "plan"];

/// What of the standard library is the outer world.
const OUTER_WORLD: [&str; 5] = ["fs", "env", "process", "net", "time"];

/// A length of time is a value; only a clock is of the outer world.
const HARMLESS: [&str; 1] = ["time::Duration"];

/// The longest file, in lines.
const LONGEST_FILE: usize = 600;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 6] = ["util", "utils", "helper", "helpers", "common", "manager"];

#[test]
fn the_source_keeps_its_own_rules() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.join("src")];
    let mut files = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.insert(path);
            }
        }
    }
    assert!(files.contains(&root.join("src/lib.rs")), "the source is where it is looked for");
    for file in files {
        let relative = file.strip_prefix(root).map(PathBuf::from).unwrap_or_default();
        found.extend(violations(&relative.to_string_lossy().replace('\\', "/"), &fs::read_to_string(&file)?));
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
    Ok(())
}

/// What a file breaks, each as `file:line: what`.
fn violations(file: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let lines = text.lines().count();
    if lines > LONGEST_FILE {
        found.push(format!("{file}: {lines} lines, and more than {LONGEST_FILE} are two files"));
    }
    let below = file.strip_prefix("src/").and_then(|file| file.strip_suffix(".rs")).unwrap_or(file);
    let mut segments: Vec<&str> = below.split('/').collect();
    if let Some(name) = segments.iter().find(|name| EMPTY_NAMES.contains(name)) {
        found.push(format!("{file}: `{name}` says nothing about what is inside"));
    }
    if segments.last() == Some(&"mod") {
        segments.pop();
    }
    let module = segments[0];
    let above_all = module == "lib" || module == "main";
    let Some(own) = floor(module).or(above_all.then_some(FLOORS.len())) else {
        found.push(format!("{file}: `{module}` stands on no floor of the architecture"));
        return found;
    };
    let depth = if above_all { 0 } else { segments.len() };
    for Use { line, path } in uses(text, depth) {
        let mut say = |what: String| found.push(format!("{file}:{line}: {what}"));
        match path.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["git2", ..] if module != "git" => say("only `git` names git2".to_owned()),
            ["crate", used, ..] if !above_all && used != module => match floor(used) {
                Some(_) if EXCEPTIONS.contains(&(module, used)) => {}
                Some(other) if other < own => {}
                Some(other) => {
                    say(format!("`{module}` (floor {}) uses `{used}` (floor {})", own + 1, other + 1));
                }
                None => say(format!("`crate::{used}` stands on no floor of the architecture")),
            },
            ["crate"] if !above_all => say("the crate as a whole is used".to_owned()),
            ["std" | "core", part, ref rest @ ..] if CORE.contains(&module) && OUTER_WORLD.contains(&part) => {
                let named = [&[part], &rest[..rest.len().min(1)]].concat().join("::");
                if !HARMLESS.contains(&named.as_str()) {
                    say(format!("`{module}` is of the core and uses `std::{named}`"));
                }
            }
            ["std" | "core"] | ["std" | "core", "*"] if CORE.contains(&module) => {
                say("the standard library as a whole is used".to_owned());
            }
            _ => {}
        }
    }
    found
}

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

/// A path that the code names, from `crate`, `std`, `core` or `git2` on.
#[derive(Debug, PartialEq, Eq)]
struct Use {
    line: usize,
    path: Vec<String>,
}

/// The paths that a file names, `use` groups taken apart and `super` chains followed to the crate. `depth` is how
/// many modules the file lies below the crate.
fn uses(text: &str, depth: usize) -> Vec<Use> {
    let tokens = tokens(text);
    let word = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let mut found = Vec::new();
    // For each open brace, whether it is that of a module.
    let mut braces = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let line = tokens[at].line;
        let starts_path = at == 0 || word(at - 1) != "::" || at == 1 || !is_word(word(at - 2));
        match word(at) {
            "{" => braces.push(at >= 2 && word(at - 2) == "mod"),
            "}" => {
                braces.pop();
            }
            // `pub(crate)` names nothing.
            "crate" if word(at + 1) == ")" => {}
            first @ ("crate" | "std" | "core" | "git2") if starts_path => {
                at = take_tree(&tokens, at + 1, line, vec![first.to_owned()], &mut found);
                continue;
            }
            "super" if starts_path => {
                let mut supers = 1;
                while word(at + 1) == "::" && word(at + 2) == "super" {
                    supers += 1;
                    at += 2;
                }
                if supers >= depth + braces.iter().filter(|module| **module).count() {
                    at = take_tree(&tokens, at + 1, line, vec!["crate".to_owned()], &mut found);
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Reads what follows the first segment of a path, a group of a `use` too; returns where it ends.
fn take_tree(tokens: &[Token], mut at: usize, line: usize, start: Vec<String>, found: &mut Vec<Use>) -> usize {
    let word = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let mut prefixes = vec![start];
    let mut path = prefixes[0].clone();
    loop {
        if word(at) == "::" && word(at + 1) == "{" {
            prefixes.push(path.clone());
            at += 2;
        } else if word(at) == "::" && (is_word(word(at + 1)) || word(at + 1) == "*") {
            path.push(word(at + 1).to_owned());
            at += 2;
            continue;
        } else {
            let line = tokens.get(at.saturating_sub(1)).map_or(line, |token| token.line);
            // `self` in a group is the group's own path.
            path.retain(|segment| segment != "self");
            if word(at.wrapping_sub(1)) != "}" {
                found.push(Use { line, path: path.clone() });
            }
            if word(at) == "as" {
                at += 2;
            }
            while prefixes.len() > 1 && word(at) == "}" {
                prefixes.pop();
                at += 1;
            }
            if prefixes.len() == 1 || at >= tokens.len() {
                return at;
            }
            if word(at) == "," {
                at += 1;
                while prefixes.len() > 1 && word(at) == "}" {
                    prefixes.pop();
                    at += 1;
                }
                if prefixes.len() == 1 {
                    return at;
                }
            } else if !is_word(word(at)) && word(at) != "*" {
                return at;
            }
        }
        // The next item of a group begins with its first segment.
        path = prefixes[prefixes.len() - 1].clone();
        if is_word(word(at)) || word(at) == "*" {
            path.push(word(at).to_owned());
            at += 1;
        }
    }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// A word or a sign of the code, and its line.
struct Token {
    line: usize,
    text: String,
}

/// The words and signs of a file, without comments and literals.
fn tokens(text: &str) -> Vec<Token> {
    let bytes: Vec<char> = text.chars().collect();
    let at_is = |at: usize, c: char| bytes.get(at) == Some(&c);
    let (mut tokens, mut line, mut at) = (Vec::new(), 1, 0);
    while at < bytes.len() {
        let start = at;
        match bytes[at] {
            '/' if at_is(at + 1, '/') => {
                while at < bytes.len() && !at_is(at, '\n') {
                    at += 1;
                }
            }
            '/' if at_is(at + 1, '*') => {
                let mut open = 0;
                while at < bytes.len() {
                    if at_is(at, '/') && at_is(at + 1, '*') {
                        (open, at) = (open + 1, at + 2);
                    } else if at_is(at, '*') && at_is(at + 1, '/') {
                        (open, at) = (open - 1, at + 2);
                        if open == 0 {
                            break;
                        }
                    } else {
                        at += 1;
                    }
                }
            }
            '"' => at = quote_end(&bytes, at + 1, '"'),
            '\'' if at_is(at + 1, '\\') || at_is(at + 2, '\'') => at = quote_end(&bytes, at + 1, '\''),
            c if c.is_alphanumeric() || c == '_' => {
                while bytes.get(at).is_some_and(|c| c.is_alphanumeric() || *c == '_') {
                    at += 1;
                }
                let word: String = bytes[start..at].iter().collect();
                let hashes = bytes[at..].iter().take_while(|c| **c == '#').count();
                if matches!(word.as_str(), "r" | "br" | "cr") && at_is(at + hashes, '"') {
                    at = raw_end(&bytes, at + hashes + 1, hashes);
                } else {
                    tokens.push(Token { line, text: word });
                }
            }
            ':' if at_is(at + 1, ':') => {
                tokens.push(Token { line, text: "::".to_owned() });
                at += 2;
            }
            c => {
                if !c.is_whitespace() {
                    tokens.push(Token { line, text: c.to_string() });
                }
                at += 1;
            }
        }
        line += bytes[start..at.min(bytes.len())].iter().filter(|c| **c == '\n').count();
    }
    tokens
}

fn quote_end(text: &[char], mut at: usize, quote: char) -> usize {
    while at < text.len() && text[at] != quote {
        at += if text[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

fn raw_end(text: &[char], mut at: usize, hashes: usize) -> usize {
    while at < text.len()
        && !(text[at] == '"' && text[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes)
    {
        at += 1;
    }
    at + 1 + hashes
}

/// The paths that a text names, for tests.
fn named(text: &str) -> Vec<String> {
    uses(text, 2).into_iter().map(|used| format!("{}:{}", used.line, used.path.join("::"))).collect()
}

#[test]
fn paths_are_found_wherever_they_stand() {
    assert_eq!(named("use crate::tree::Tree;"), ["1:crate::tree::Tree"]);
    assert_eq!(named("let x = crate::tree::read(&std::fs::read(p));"), ["1:crate::tree::read", "1:std::fs::read"]);
    assert_eq!(
        named("use crate::{\n    path::{self, RepoPath as P},\n    tree::*, plan,\n};\nuse std::fs;"),
        ["2:crate::path", "2:crate::path::RepoPath", "3:crate::tree::*", "3:crate::plan", "5:std::fs"]
    );
    assert_eq!(
        named("use std::{collections::{BTreeMap, btree_map::Entry}, fs as disk};"),
        ["1:std::collections::BTreeMap", "1:std::collections::btree_map::Entry", "1:std::fs",]
    );
    assert_eq!(named("fn f(a: &'static str) -> ::std::net::IpAddr {}"), ["1:std::net::IpAddr"]);
    assert_eq!(named("use crate as it; pub(crate) fn f() {}"), ["1:crate"]);
    assert_eq!(named("macro_rules! m { () => { $crate::ci::x() } }"), ["1:crate::ci::x"]);
    assert_eq!(
        named("use std::{self};\nuse {crate::ci::x, git2::Repository};"),
        ["1:std", "2:crate::ci::x", "2:git2::Repository"]
    );
}

#[test]
fn chains_of_super_are_followed() {
    assert_eq!(named("use super::x;"), [""; 0]);
    assert_eq!(named("use super::super::{ci::x, plan};"), ["1:crate::ci::x", "1:crate::plan"]);
    assert_eq!(named("mod tests { use super::super::x; use super::super::super::ci::y; }"), ["1:crate::ci::y"]);
    assert_eq!(named("mod tests {} use super::super::ci::y;"), ["1:crate::ci::y"]);
}

#[test]
fn comments_and_literals_are_no_code() {
    let text = "// use crate::ci;\n/* std::fs /* nested */ git2 */\n//! crate::ci\nlet a = \"crate::ci \\\" std::fs\";\n\
        let b = r#\"crate::ci \"quoted\" std::fs\"#; let c = ['\"', '\\'', 'x']; let d = b\"git2\"; fn f<'a>(x: &'a str) {}\n\
        my::std::fs(); mycrate::x; crate::ci::y();";
    assert_eq!(named(text), ["6:crate::ci::y"]);
}

#[test]
fn a_violation_of_each_rule_is_found() {
    let told = |file, text: &str| violations(file, text).join("\n");
    for (file, text, wanted) in [
        ("src/tree/mod.rs", "use crate::discover::X;", "src/tree/mod.rs:1: `tree` (floor 1) uses `discover` (floor 2)"),
        ("src/git/mod.rs", "\nuse crate::config;", "src/git/mod.rs:2: `git` (floor 2) uses `config` (floor 2)"),
        ("src/report/x.rs", "use crate::planner::P;", "src/report/x.rs:1: `report` (floor 7) uses `planner` (floor 7)"),
        ("src/path.rs", "use super::tree::T;", "src/path.rs:1: `path` (floor 1) uses `tree` (floor 1)"),
        ("src/plan.rs", "use crate::*;", "src/plan.rs:1: `crate::*` stands on no floor of the architecture"),
        ("src/plan.rs", "use crate as all;", "src/plan.rs:1: the crate as a whole is used"),
        (
            "src/plan/a.rs",
            "fn f() { std::env::var(\"X\"); }",
            "src/plan/a.rs:1: `plan` is of the core and uses `std::env::var`",
        ),
        ("src/plan/a.rs", "use std::{fmt, fs};", "src/plan/a.rs:1: `plan` is of the core and uses `std::fs`"),
        (
            "src/config/a.rs",
            "use std::time::{Duration, Instant};",
            "src/config/a.rs:1: `config` is of the core and uses `std::time::Instant`",
        ),
        ("src/affect.rs", "use core::time as t;", "src/affect.rs:1: `affect` is of the core and uses `std::time`"),
        ("src/affect.rs", "use std as s;", "src/affect.rs:1: the standard library as a whole is used"),
        ("src/planner.rs", "fn f(r: &git2::Repository) {}", "src/planner.rs:1: only `git` names git2"),
        ("src/main.rs", "use git2;", "src/main.rs:1: only `git` names git2"),
        ("src/other/mod.rs", "", "src/other/mod.rs: `other` stands on no floor of the architecture"),
        ("src/run/utils.rs", "", "src/run/utils.rs: `utils` says nothing about what is inside"),
        ("src/run/a.rs", &"\n".repeat(601), "src/run/a.rs: 601 lines, and more than 600 are two files"),
    ] {
        assert_eq!(told(file, text), wanted);
    }
}

#[test]
fn what_is_meant_is_no_violation() {
    for (file, text) in [
        ("src/tree/changes.rs", "use crate::path::RepoPath; use crate::tree::changes; use super::x;"),
        (
            "src/plan.rs",
            "use crate::{affect, config::TaskScope}; use std::time::Duration; use std::collections::BTreeMap;",
        ),
        ("src/git/mod.rs", "use git2::Repository; use std::fs;"),
        ("src/store/mod.rs", "use std::{env, fs}; use crate::discover::Facts;"),
        ("src/cli/mod.rs", "use crate::planner::plan; use crate::report;"),
        ("src/lib.rs", "pub mod path; pub use crate::path::RepoPath;"),
        ("src/main.rs", "use knockon::cli; use std::process;"),
        ("src/run/a.rs", &"\n".repeat(600)),
    ] {
        assert_eq!(violations(file, text), [""; 0], "{file}");
    }
}
