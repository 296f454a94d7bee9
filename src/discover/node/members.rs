//! Which folders the globs of a workspace name.

use globset::{Candidate, GlobSet, GlobSetBuilder};

use crate::diagnostic::Diagnostic;
use crate::discover::syntax::Stated;
use crate::path::RepoPath;
use crate::selection::{Separator, parse_glob};

/// How globs that begin with `!` work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Negation {
    /// They always exclude: pnpm.
    Always,
    /// The last glob that matches decides: npm and those who follow it.
    InOrder,
}

/// The globs of one workspace, compiled once. They are relative to `base`.
#[derive(Debug)]
pub(super) struct Members {
    /// The folder that the globs start from: the workspace's root, or one above it for globs such as `../x`.
    pub base: RepoPath,
    /// None where the globs could not be compiled together: then they name everything.
    set: Option<GlobSet>,
    globs: Vec<MemberGlob>,
    negation: Negation,
}

#[derive(Debug)]
struct MemberGlob {
    includes: bool,
    /// A wildcard does not match a folder whose name begins with a dot, unless the glob writes such a name.
    names_dots: bool,
}

/// Whether a glob includes, its text from its base on, and where it stands.
type Written<'a> = (bool, &'a str, &'a Stated<String>);

impl Members {
    /// Compiles the globs that the file `file` in the workspace root `root` states. Globs that leave the root give a
    /// set of their own, based where they lead.
    pub(super) fn compile(
        root: &RepoPath,
        file: &RepoPath,
        stated: &[Stated<String>],
        negation: Negation,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Vec<Self> {
        let mut by_base: Vec<(RepoPath, Vec<Written<'_>>)> = Vec::new();
        for glob in stated {
            let text = glob.value.trim();
            let bare = text.trim_start_matches('!');
            let includes = (text.len() - bare.len()).is_multiple_of(2);
            let mut base = root.clone();
            let mut rest = bare.trim_start_matches('/');
            loop {
                if let Some(below) = rest.strip_prefix("./") {
                    rest = below.trim_start_matches('/');
                } else if let Some(above) =
                    rest.strip_prefix("../").or(rest.strip_prefix("..").filter(|r| r.is_empty()))
                {
                    let Some(parent) = base.parent() else { break };
                    (base, rest) = (parent, above);
                } else {
                    break;
                }
            }
            let rest = rest.trim_end_matches('/');
            if rest == ".." || rest.starts_with("../") {
                let message = format!("the workspace glob `{text}` leaves the repository");
                diagnostics.push(Diagnostic::warning("outside-repository", message).at(&glob.evidence(file)));
                continue;
            }
            match by_base.iter_mut().find(|(known, _)| *known == base) {
                Some((_, globs)) => globs.push((includes, rest, glob)),
                None => by_base.push((base, vec![(includes, rest, glob)])),
            }
        }
        by_base.into_iter().map(|(base, globs)| Self::of(base, &globs, file, negation, diagnostics)).collect()
    }

    fn of(
        base: RepoPath,
        stated: &[Written<'_>],
        file: &RepoPath,
        negation: Negation,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut set = GlobSetBuilder::new();
        let mut globs = Vec::new();
        for &(includes, text, glob) in stated {
            let Some(plain) = without_extended_groups(text, includes) else { continue };
            // `x/**` names `x` too: it stands for `x/**/package.json`.
            let itself = plain.strip_suffix("/**").map(str::to_owned);
            let alternatives = itself.into_iter().chain([if plain == "." { String::new() } else { plain }]);
            for alternative in alternatives {
                let built = match parse_glob(&alternative, Separator::Stops) {
                    Ok(built) => built,
                    Err(error) => {
                        let message = format!("the workspace glob `{text}` cannot be read: {error}");
                        diagnostics.push(Diagnostic::warning("broken-glob", message).at(&glob.evidence(file)));
                        // What cannot be read names everything, and excludes nothing.
                        match parse_glob("**", Separator::Stops) {
                            Ok(everything) if includes => everything,
                            _ => continue,
                        }
                    }
                };
                set.add(built);
                let names_dots = alternative.starts_with('.') || alternative.contains("/.");
                globs.push(MemberGlob { includes, names_dots });
            }
        }
        let set = set.build();
        if let (Err(error), Some((_, _, glob))) = (&set, stated.first()) {
            let message = format!("the workspace globs are too much together: {}", error.kind());
            diagnostics.push(Diagnostic::warning("broken-glob", message).at(&glob.evidence(file)));
        }
        Self { base, set: set.ok(), globs, negation }
    }

    /// Whether the globs name a folder.
    pub(super) fn name(&self, folder: &RepoPath) -> bool {
        let Some(below) = folder.below_bytes(&self.base) else { return false };
        let dotted = below.split(|&b| b == b'/').any(|segment| segment.starts_with(b"."));
        let Some(set) = &self.set else { return true };
        let matched = set.matches_candidate(&Candidate::from_bytes(below));
        let mut hits =
            matched.into_iter().map(|at| &self.globs[at]).filter(|glob| !dotted || glob.names_dots || !glob.includes);
        match self.negation {
            Negation::InOrder => hits.next_back().is_some_and(|glob| glob.includes),
            Negation::Always => {
                let (mut named, mut excluded) = (false, false);
                for glob in hits {
                    *if glob.includes { &mut named } else { &mut excluded } = true;
                }
                named && !excluded
            }
        }
    }
}

/// Extended groups such as `@(a|b)` or `!(x)` as plain globs. One that includes is widened to `*`; one that excludes
/// cannot be widened, so it is left out and excludes nothing.
fn without_extended_groups(glob: &str, includes: bool) -> Option<String> {
    let is_group = |window: &[u8]| matches!(window, [b'@' | b'!' | b'+' | b'?' | b'*', b'(']);
    let Some(at) = glob.as_bytes().windows(2).position(is_group) else { return Some(glob.to_owned()) };
    if !includes {
        return None;
    }
    let mut plain = glob[..at].to_owned();
    let mut depth = 0usize;
    for segment in glob[at..].split_inclusive('/') {
        let opened = segment.matches('(').count();
        let closed = segment.matches(')').count();
        if depth > 0 || opened > 0 {
            depth = (depth + opened).saturating_sub(closed);
            if depth == 0 {
                plain = plain.rsplit_once('/').map_or(String::new(), |(before, _)| format!("{before}/"));
                plain.push('*');
                plain.push_str(if segment.ends_with('/') { "/" } else { "" });
            }
        } else {
            plain.push_str(segment);
        }
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::from_git(text.as_bytes()).unwrap()
    }

    fn check(root: &str, globs: &[&str], negation: Negation, named: &[&str], not: &[&str]) {
        let stated: Vec<_> =
            globs.iter().map(|glob| Stated { value: (*glob).to_owned(), line: 1, text: Arc::default() }).collect();
        let root = if root.is_empty() { RepoPath::root() } else { path(root) };
        let members = Members::compile(&root, &root.child(b"package.json"), &stated, negation, &mut Vec::new());
        let names = |folder: &str| members.iter().any(|members| members.name(&path(folder)));
        for folder in named {
            assert!(names(folder), "{globs:?} name {folder}");
        }
        for folder in not {
            assert!(!names(folder), "{globs:?} do not name {folder}");
        }
    }

    #[test]
    fn globs_name_folders() {
        use Negation::{Always, InOrder};
        check("", &["packages/*"], InOrder, &["packages/a"], &["packages", "packages/a/b", "packages/.a", "x/a"]);
        check("", &["./packages/*/"], InOrder, &["packages/a"], &["packages/a/b"]);
        check("", &["packages/**"], Always, &["packages", "packages/a", "packages/a/b"], &["packages-extra/a"]);
        check("", &["{apps,libs}/*"], Always, &["apps/a", "libs/b"], &["other/c"]);
        check("ui", &["packages/*"], InOrder, &["ui/packages/a"], &["packages/a"]);
        check("ui", &["../shared", "../libs/*"], Always, &["shared", "libs/a"], &["ui/shared", "ui"]);
        check("", &["packages/!(x)", "@(a|b)/c"], InOrder, &["packages/y", "a/c", "b/c"], &["packages/y/z"]);
        check("", &[".config/*"], InOrder, &[".config/a"], &["config/a"]);
    }

    #[test]
    fn a_negated_glob_below_a_folder_does_not_exclude_the_folder() {
        check("", &["**", "!x/*"], Negation::Always, &["x", "y"], &["x/a"]);
        check("", &["**", "!x/**"], Negation::Always, &["y", "y/a"], &["x", "x/a", "x/a/b"]);
    }

    #[test]
    fn the_order_of_negated_globs_counts_for_npm_and_not_for_pnpm() {
        let globs = ["!packages/a", "packages/*"];
        check("", &globs, Negation::InOrder, &["packages/a", "packages/b"], &[]);
        check("", &globs, Negation::Always, &["packages/b"], &["packages/a"]);
        check("", &["packages/*", "!packages/a", "packages/a"], Negation::InOrder, &["packages/a"], &[]);
    }
}
