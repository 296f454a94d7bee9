//! `requirements.txt` and its kin.

use serde::{Deserialize, Serialize};

use super::reference::{Dependency, Source, kind_of_group, read_location, read_requirement};
use crate::discover::syntax::{Lines, Stated, Unreadable, text_of};

/// What a requirements file says.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::discover) struct Requirements {
    pub(super) dependencies: Vec<Stated<Dependency>>,
    /// Other files that it includes (`-r`) or is held by (`-c`), relative to this one.
    pub(super) files: Vec<Stated<String>>,
    /// Folders and files that packages are taken from (`--find-links`).
    pub(super) links: Vec<Stated<String>>,
}

/// Files that make their folder a project.
pub(super) fn is_requirements(name: &[u8]) -> bool {
    name.strip_suffix(b".txt").is_some_and(|stem| stem.starts_with(b"requirements") || stem.ends_with(b"requirements"))
}

/// Files that only count where a requirements file names them, or in a folder `requirements`.
pub(super) fn is_part_of_requirements(name: &[u8]) -> bool {
    const GROUPS: [&[u8]; 17] = [
        b"base",
        b"common",
        b"core",
        b"main",
        b"default",
        b"prod",
        b"production",
        b"dev",
        b"development",
        b"local",
        b"test",
        b"tests",
        b"testing",
        b"ci",
        b"docs",
        b"lint",
        b"staging",
    ];
    name.strip_suffix(b".txt").is_some_and(|stem| stem.starts_with(b"constraints") || GROUPS.contains(&stem))
}

/// Reads a requirements file. Lines that pip would refuse say nothing.
pub(super) fn read_requirements(name: &[u8], bytes: &[u8]) -> Result<Requirements, Unreadable> {
    let decoded;
    let text = match text_of(bytes) {
        Ok(text) => text,
        Err(unreadable) => match utf16(bytes) {
            Some(text) => {
                decoded = text;
                &decoded
            }
            None if is_part_of_requirements(name) => "",
            None => return Err(unreadable),
        },
    };
    let kind = kind_of_group(&String::from_utf8_lossy(name));
    let lines = Lines::new(text);
    let mut requirements = Requirements::default();
    for (line, logical) in logical_lines(text) {
        match option(&logical) {
            Some((Opt::File, path)) => requirements.files.push(lines.stated(line, local(path))),
            Some((Opt::Links, path)) => requirements.links.push(lines.stated(line, local(path))),
            Some((Opt::Other, _)) => {}
            None => {
                // Options such as --hash stand behind a requirement.
                let requirement = logical.split(" --").next().unwrap_or_default();
                let requirement = if logical.starts_with("--editable") { &logical } else { requirement };
                if let Some(dependency) = read_requirement(requirement, kind) {
                    requirements.dependencies.push(lines.stated(line, dependency));
                }
            }
        }
    }
    Ok(requirements)
}

enum Opt {
    File,
    Links,
    Other,
}

/// The option that a line is, and its value. An editable requirement is no option here.
fn option(line: &str) -> Option<(Opt, &str)> {
    let value = |flag: &str| line.strip_prefix(flag).map(|rest| rest.trim_start_matches(['=', ' ', '\t']).trim());
    for flag in ["--requirement", "--constraint", "-r", "-c"] {
        if let Some(path) = value(flag) {
            return Some((Opt::File, path));
        }
    }
    for flag in ["--find-links", "-f"] {
        if let Some(path) = value(flag) {
            return Some((Opt::Links, path));
        }
    }
    let editable = line.starts_with("-e") || line.starts_with("--editable");
    (line.starts_with('-') && !editable).then_some((Opt::Other, ""))
}

/// The path of a local file; empty for one on a server.
fn local(written: &str) -> String {
    match read_location(written.trim_matches(['"', '\''])) {
        Source::Path(path) => path,
        _ => String::new(),
    }
}

/// Lines with their continuations joined and comments taken off, each with the number of its first line.
fn logical_lines(text: &str) -> Vec<(u32, String)> {
    let mut logical: Vec<(u32, String)> = Vec::new();
    let mut continued: Option<(u32, String)> = None;
    for (number, line) in (1u32..).zip(text.lines()) {
        let comment = line.trim_start().starts_with('#');
        let (first, mut joined) = continued.take().unwrap_or((number, String::new()));
        if !comment && let Some(part) = line.strip_suffix('\\') {
            joined.push_str(part);
            continued = Some((first, joined));
            continue;
        }
        joined.push_str(line);
        logical.push((first, joined));
    }
    logical.extend(continued);
    logical
        .into_iter()
        .filter_map(|(number, line)| {
            let cut = line.char_indices().find(|(at, c)| *c == '#' && (*at == 0 || line[..*at].ends_with([' ', '\t'])));
            let line = cut.map_or(line.as_str(), |(at, _)| &line[..at]).trim();
            (!line.is_empty()).then(|| (number, line.to_owned()))
        })
        .collect()
}

/// UTF-16 with a byte order mark, which some shells write and pip reads.
fn utf16(bytes: &[u8]) -> Option<String> {
    let (bytes, is_little) = match bytes {
        [0xff, 0xfe, rest @ ..] => (rest, true),
        [0xfe, 0xff, rest @ ..] => (rest, false),
        _ => return None,
    };
    let units = bytes.chunks_exact(2).map(|pair| [pair[0], pair[1]]);
    let units = units.map(|pair| if is_little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) });
    char::decode_utf16(units)
        .collect::<Result<String, _>>()
        .ok()
        .filter(|text| text.len() <= super::super::syntax::LARGEST_MANIFEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Requirements {
        read_requirements(b"requirements.txt", text.as_bytes()).unwrap()
    }

    #[test]
    fn continuations_hashes_comments_and_options_are_read_as_pip_does() {
        let read = read(
            "# top\nflask==1 \\\n  --hash=sha256:ab \\\n  --hash=sha256:cd\n-e ../lib#egg=lib  # ours\n-r../base.txt\n--constraint=c.txt\n-f ./wheels\n--index-url https://x/simple\n-c https://x/c.txt\n",
        );
        let sources: Vec<_> = read.dependencies.iter().map(|d| (d.line, d.value.source.clone())).collect();
        assert_eq!(sources, [(2, Source::Name), (5, Source::Path("../lib".to_owned()))]);
        let files: Vec<_> = read.files.iter().map(|file| (file.line, file.value.as_str())).collect();
        assert_eq!(files, [(6, "../base.txt"), (7, "c.txt"), (9 + 1, "")]);
        assert_eq!(read.links[0].value, "./wheels");
    }

    #[test]
    fn utf16_with_its_mark_is_read() {
        let mut bytes = vec![0xff, 0xfe];
        bytes.extend("-e ../lib\r\n".encode_utf16().flat_map(u16::to_le_bytes));
        let read = read_requirements(b"requirements.txt", &bytes).unwrap();
        assert_eq!(read.dependencies[0].value.source, Source::Path("../lib".to_owned()));
        assert!(read_requirements(b"requirements.txt", b"\xe9").is_err());
    }
}
