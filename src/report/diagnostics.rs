//! Findings for people: what is the matter, where, the line itself, and what to write instead.
//!
//! Text from a repository is shown so that it steers no terminal and starts no command of a CI engine: nothing from
//! the repository begins a line.

use std::cmp::Reverse;
use std::fmt::Write;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::path::harmless;

/// Renders findings for people, errors first, each by its place; a finding that is there twice is shown once.
pub fn render(diagnostics: &[Diagnostic], colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut text = String::new();
    for diagnostic in in_order(diagnostics) {
        text.push_str(&renderer.render(&[group(diagnostic)]));
        text.push_str("\n\n");
    }
    text.truncate(text.trim_end().len() + usize::from(!text.is_empty()));
    text
}

/// Renders each finding as one line, in the same order: `error[code] file:line:column: message (help)`.
pub fn render_lines(diagnostics: &[Diagnostic]) -> String {
    in_order(diagnostics).into_iter().map(|diagnostic| line(diagnostic) + "\n").collect()
}

fn in_order(diagnostics: &[Diagnostic]) -> Vec<&Diagnostic> {
    let mut sorted: Vec<_> = diagnostics.iter().collect();
    // What has no place is about the repository as a whole, and comes first.
    sorted.sort_by_key(|diagnostic| {
        (diagnostic.severity, Reverse(diagnostic.place.is_none()), &diagnostic.place, *diagnostic)
    });
    sorted.dedup();
    sorted
}

fn line(diagnostic: &Diagnostic) -> String {
    let mut text = format!("{}[{}]", word(diagnostic.severity), safe(&diagnostic.code));
    if let Some(place) = &diagnostic.place {
        text.push(' ');
        text.push_str(&location(place));
    }
    text.push_str(": ");
    text.push_str(&safe(&diagnostic.message));
    if let Some(help) = &diagnostic.help {
        text.push_str(&format!(" ({})", safe(help)));
    }
    text
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// A place as `file:line:column`, as far as it is known.
pub fn location(place: &Place) -> String {
    match (place.line, place.column) {
        (0, _) => place.file.to_string(),
        (line, 0) => format!("{}:{line}", place.file),
        (line, column) => format!("{}:{line}:{column}", place.file),
    }
}

fn group(diagnostic: &Diagnostic) -> Group<'static> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let mut group = Group::with_title(level.primary_title(safe(&diagnostic.message)).id(safe(&diagnostic.code)));
    if let Some(place) = &diagnostic.place {
        let quoted = quoted(&place.text);
        // A line is cut where it is too long; what lies behind the cut can't be pointed at.
        let reaches = quoted.chars().count() >= place.column as usize;
        if place.line > 0 && reaches && !quoted.trim().is_empty() {
            let span = span(place, &quoted);
            let snippet = Snippet::source(quoted).path(place.file.to_string()).line_start(place.line as usize);
            group = group.element(snippet.annotation(AnnotationKind::Primary.span(span)));
        } else {
            group = group.element(Origin::path(location(place)));
        }
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(safe(help)));
    }
    group
}

/// The bytes of the quoted line that the place means: the word or the text in quotes at its column, or all of it.
fn span(place: &Place, quoted: &str) -> Range<usize> {
    let whole = quoted.len() - quoted.trim_start().len()..quoted.trim_end().len();
    let Some(skipped) = (place.column as usize).checked_sub(1) else { return whole };
    let Some((start, first)) = quoted.char_indices().nth(skipped) else { return whole };
    let rest = &quoted[start..];
    let length = match first {
        '"' | '\'' => rest[1..].find(first).map_or(rest.trim_end().len(), |at| at + 2),
        _ => {
            let other = |c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
            rest.find(other).unwrap_or(rest.len()).max(first.len_utf8())
        }
    };
    start..start + length
}

/// Text in a sentence: what could steer a terminal is escaped. `\` stays as it is, because sentences speak of it.
fn safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for (at, part) in text.split('\\').enumerate() {
        if at > 0 {
            safe.push('\\');
        }
        safe.push_str(&harmless(part).to_string());
    }
    safe
}

/// A line of a file, one character for each of its own, so that columns hold: what could steer a terminal becomes
/// the replacement character, a tab a space.
fn quoted(text: &str) -> String {
    let mut escaped = String::new();
    text.chars()
        .map(|character| {
            escaped.clear();
            let _ = write!(escaped, "{character}");
            match character {
                '\t' => ' ',
                _ if safe(&escaped) == escaped => character,
                _ => char::REPLACEMENT_CHARACTER,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Evidence;
    use crate::path::RepoPath;

    fn place(file: &[u8], line: u32, column: u32, text: &str) -> Place {
        Place { file: RepoPath::from_git(file).unwrap(), line, column, text: text.to_owned() }
    }

    fn unknown_key() -> Diagnostic {
        Diagnostic::error("unknown-key", "`[task.test]` has no key `ouputs`")
            .at_place(place(b"svc/knockon.toml", 14, 3, "  ouputs = [\"dist/**\"]"))
            .help("did you mean `outputs`?")
    }

    #[test]
    fn a_finding_shows_its_line_and_its_mend() {
        insta::assert_snapshot!(render(&[unknown_key()], false), @r#"
        error[unknown-key]: `[task.test]` has no key `ouputs`
          --> svc/knockon.toml:14:3
           |
        14 |   ouputs = ["dist/**"]
           |   ^^^^^^
           |
           = help: did you mean `outputs`?
        "#);
    }

    #[test]
    fn the_text_in_quotes_is_underlined() {
        let found = Diagnostic::warning("dangling-reference", "`../lib` is not there").at_place(place(
            b"a/package.json",
            9,
            9,
            "\t\"lib\": \"file:../lib\",",
        ));
        insta::assert_snapshot!(render(&[found], false), @r#"
        warning[dangling-reference]: `../lib` is not there
         --> a/package.json:9:9
          |
        9 |  "lib": "file:../lib",
          |         ^^^^^^^^^^^^^
        "#);
    }

    #[test]
    fn what_is_known_of_a_place_is_shown() {
        let evidence = Evidence::new(&RepoPath::from_git(b"go.mod").unwrap(), 3, "replace x => ../x");
        let findings = [
            Diagnostic::note("shallow", "the clone is shallow"),
            Diagnostic::warning("outside-repository", "`../x` leaves the repository").at(&evidence),
            Diagnostic::warning("unreadable", "the file is too large").at_place(place(b"x.json", 0, 0, "")),
            Diagnostic::error("wide", "columns count characters").at_place(place(
                b"y.json",
                2,
                9,
                "caf\u{e9} \u{4f60}\u{597d} w\u{f6}rd x",
            )),
            Diagnostic::error("cut", "behind the cut").at_place(place(b"x.json", 1, 500, "{ short")),
        ];
        insta::assert_snapshot!(render(&findings, false), @r#"
        error[cut]: behind the cut
        --> x.json:1:500

        error[wide]: columns count characters
         --> y.json:2:9
          |
        2 | café 你好 wörd x
          |           ^^^^

        warning[outside-repository]: `../x` leaves the repository
         --> go.mod:3:1
          |
        3 | replace x => ../x
          | ^^^^^^^^^^^^^^^^^

        warning[unreadable]: the file is too large
        --> x.json

        note[shallow]: the clone is shallow
        "#);
        insta::assert_snapshot!(render_lines(&findings), @r#"
        error[cut] x.json:1:500: behind the cut
        error[wide] y.json:2:9: columns count characters
        warning[outside-repository] go.mod:3: `../x` leaves the repository
        warning[unreadable] x.json: the file is too large
        note[shallow]: the clone is shallow
        "#);
    }

    #[test]
    fn colour_is_only_there_when_it_is_asked_for() {
        assert!(!render(&[unknown_key()], false).contains('\u{1b}'));
        assert!(render(&[unknown_key()], true).contains("\u{1b}["));
        assert_eq!(render(&[], true), "");
    }

    #[test]
    fn order_and_repetition_do_not_show() {
        let other = Diagnostic::warning("a", "b");
        let one = [unknown_key(), other.clone()];
        let two = [other.clone(), unknown_key(), other, unknown_key()];
        assert_eq!(render(&one, true), render(&two, true));
        assert_eq!(render_lines(&one), render_lines(&two));
    }

    #[test]
    fn case_15_nothing_steers_the_terminal() {
        let found = Diagnostic::error("bad", "no \u{1b}[2J\r\n::add-mask::x \u{202e} C:\\x")
            .at_place(place(b"a\x1b[2J\xff\nb", 1, 8, "x \u{1b}[2J\u{202e} = 1 # \u{85}"))
            .help("write \u{7f}");
        let text = render(std::slice::from_ref(&found), false) + &render_lines(&[found]);
        insta::assert_snapshot!(text, @r#"
        error[bad]: no \u{1b}[2J\r\n::add-mask::x \u{202e} C:\x
         --> a\u{1b}[2J\xff\nb:1:8
          |
        1 | x �[2J� = 1 # �
          |        ^
          |
          = help: write \u{7f}
        error[bad] a\u{1b}[2J\xff\nb:1:8: no \u{1b}[2J\r\n::add-mask::x \u{202e} C:\x (write \u{7f})
        "#);
        assert!(!text.chars().any(|c| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c)));
    }

    #[test]
    fn case_16_no_line_begins_with_text_from_the_repository() {
        let name = b"::set-output name=x::y";
        let found = Diagnostic::error("bad", "\n::stop-commands::x").at_place(place(name, 1, 1, "::add-mask::x"));
        let text = render(std::slice::from_ref(&found), false) + &render_lines(&[found]);
        assert!(text.contains("::add-mask"));
        assert!(text.lines().all(|line| !line.trim_start().starts_with("::")), "{text}");
    }
}
