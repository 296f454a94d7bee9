//! `setup.cfg` and `setup.py`. The second is a program: what it states as literals is read, and a path above its
//! folder that it computes is told.

use serde::{Deserialize, Serialize};

use super::reference::{Dependency, Source, kind_of_group, read_requirement};
use crate::discover::EdgeKind;
use crate::discover::syntax::{Lines, Stated, Unreadable, text_of};

/// What a `setup.cfg` or `setup.py` says.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::discover) struct Setup {
    pub(super) name: Option<Stated<String>>,
    /// Whether it describes a project, and not only the settings of tools.
    pub(super) is_project: bool,
    pub(super) dependencies: Vec<Stated<Dependency>>,
    /// Literal paths that begin with `../`.
    pub(super) outside: Vec<Stated<String>>,
    /// Folders above that paths are computed from, such as `..`.
    pub(super) computed: Vec<Stated<String>>,
    pub(super) pytest: bool,
    /// The modules that its scripts begin in, as `a.b:main`.
    pub(super) scripts: Vec<Stated<String>>,
    /// Whether packages may be installed under other names than those of their folders.
    pub(super) renames: bool,
}

pub(super) fn read_setup_cfg(bytes: &[u8]) -> Result<Setup, Unreadable> {
    let text = text_of(bytes)?;
    let lines = Lines::new(text);
    let mut setup = Setup::default();
    let (mut section, mut key) = (String::new(), String::new());
    for (number, line) in (1u32..).zip(text.lines()) {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'))
            && !line.starts_with([' ', '\t'])
        {
            (section, key) = (name.trim().to_lowercase(), String::new());
            setup.is_project |= section == "metadata" || section.starts_with("options");
            setup.pytest |= section == "tool:pytest";
            continue;
        }
        let value = if line.starts_with([' ', '\t']) {
            trimmed
        } else if let Some((name, value)) = trimmed.split_once(['=', ':']) {
            key = name.trim().to_lowercase();
            value.trim()
        } else {
            continue;
        };
        let kind = match (section.as_str(), key.as_str()) {
            ("metadata", "name") if !value.is_empty() => {
                setup.name = Some(lines.stated(number, value.to_owned()));
                continue;
            }
            ("options", "install_requires" | "setup_requires") => EdgeKind::Build,
            ("options", "tests_require") => EdgeKind::Test,
            ("options.extras_require", extra) => kind_of_group(extra),
            ("options.entry_points", _) => {
                setup.scripts.extend(script_of(value).map(|script| lines.stated(number, script)));
                continue;
            }
            _ => {
                let places_packages = (section.as_str(), key.as_str()) == ("options", "package_dir");
                setup.renames |= places_packages && !value.is_empty() && !value.starts_with('=');
                let paths = value.strip_prefix("file:").unwrap_or(value).split([',', ' ']);
                let climbing = paths.map(str::trim).filter(|path| path.starts_with("../"));
                setup.outside.extend(climbing.map(|path| lines.stated(number, path.to_owned())));
                continue;
            }
        };
        setup.dependencies.extend(read_requirement(value, kind).map(|read| lines.stated(number, read)));
    }
    Ok(setup)
}

/// How many literals one path is joined from.
const MOST_PARTS: usize = 32;

/// How many lists of requirements one program has: reading each costs its length.
const MOST_LISTS: usize = 64;

enum Token<'a> {
    Name(&'a str),
    Text(&'a str),
    Sign(u8),
}

pub(super) fn read_setup_py(bytes: &[u8]) -> Result<Setup, Unreadable> {
    let text = text_of(bytes)?;
    let lines = Lines::new(text);
    let tokens = tokens_of(text);
    let stated = |offset: usize, path: String| lines.stated(lines.line_of(offset), path);
    let mut setup =
        Setup { renames: text.split("package_dir").skip(1).any(|after| !is_layout(after)), ..Setup::default() };
    let mut lists = 0;
    for at in 0..tokens.len() {
        let offset = tokens[at].0;
        match &tokens[at].1 {
            Token::Name("setup") if is_sign(&tokens, at + 1, b'(') => setup.is_project = true,
            Token::Name("name") if setup.is_project && setup.name.is_none() && is_sign(&tokens, at + 1, b'=') => {
                if let Some((offset, Token::Text(name))) = tokens.get(at + 2) {
                    setup.name = Some(stated(*offset, (*name).to_owned()));
                }
            }
            Token::Name(key) | Token::Text(key) => {
                let kind = match *key {
                    "install_requires" | "setup_requires" | "extras_require" => Some(EdgeKind::Build),
                    "tests_require" => Some(EdgeKind::Test),
                    _ => None,
                };
                if let Some(kind) = kind {
                    lists += 1;
                    if lists > MOST_LISTS {
                        return Err(Unreadable::at(lines.line_of(offset), "it has too many lists of requirements"));
                    }
                    for (offset, text, kind) in listed(&tokens, at + 1, kind) {
                        let dependency = read_requirement(text, kind).map(located_beside);
                        setup.dependencies.extend(dependency.map(|read| lines.stated(lines.line_of(offset), read)));
                    }
                } else if matches!(tokens[at].1, Token::Text(_)) {
                    setup.scripts.extend(script_of(key).map(|script| stated(offset, script)));
                    // What follows a lone `..` belongs to the path that begins there.
                    let follows = at >= 2 && is_joint(&tokens, at - 1) && matches!(tokens[at - 2].1, Token::Text(".."));
                    if !climbs(key) || follows {
                        continue;
                    }
                    let path = joined(&tokens, at, (*key).to_owned());
                    if path.split('/').all(|part| matches!(part, ".." | "" | ".")) {
                        setup.computed.push(stated(offset, path));
                        continue;
                    }
                    // A comma joins in a call and separates in a list: both paths are taken.
                    if path != *key && *key != ".." {
                        setup.outside.push(stated(offset, (*key).to_owned()));
                    }
                    setup.outside.push(stated(offset, path));
                } else if let Some((end, path)) = ancestor_of_file(&tokens, at, key) {
                    match joined(&tokens, end, path.clone()) {
                        whole if whole != path => setup.outside.push(stated(offset, whole)),
                        _ => setup.computed.push(stated(offset, path)),
                    }
                }
            }
            Token::Sign(_) => {}
        }
    }
    setup.outside.dedup();
    setup.computed.dedup();
    Ok(setup)
}

/// The module of an entry point such as `name = a.b:main`.
fn script_of(entry: &str) -> Option<String> {
    let (name, place) = entry.split_once('=')?;
    let is_name = !name.trim().is_empty() && !name.trim().contains(char::is_whitespace);
    (is_name && place.contains(':')).then(|| place.trim().to_owned())
}

/// Whether what follows `package_dir` only says where packages begin: `={"": "src"}`.
fn is_layout(after: &str) -> bool {
    let table: String = after.split_inclusive('}').next().unwrap_or_default().split_whitespace().collect();
    let entry = table.strip_prefix("={\"\":").or_else(|| table.strip_prefix("={'':"));
    entry.is_some_and(|entry| entry.ends_with('}') && !entry.contains(':'))
}

fn climbs(text: &str) -> bool {
    text == ".." || text.starts_with("../") && !text.contains(char::is_whitespace)
}

/// A local URL that a program builds: the part that it computes is taken for the folder of the program.
fn located_beside(dependency: Dependency) -> Dependency {
    let Source::Computed(written) = &dependency.source else { return dependency };
    let after = written.rsplit_once('}').or_else(|| written.rsplit_once("%s")).map(|(_, after)| after);
    match after {
        Some(path) if path.starts_with('/') => {
            let path = path.split(['#', '[']).next().unwrap_or_default();
            Dependency { source: Source::Path(format!(".{path}")), ..dependency }
        }
        _ => dependency,
    }
}

fn is_sign(tokens: &[(usize, Token<'_>)], at: usize, sign: u8) -> bool {
    matches!(tokens.get(at), Some((_, Token::Sign(found))) if *found == sign)
}

fn is_joint(tokens: &[(usize, Token<'_>)], at: usize) -> bool {
    is_sign(tokens, at, b',') || is_sign(tokens, at, b'/')
}

/// The path that begins at a token, with the literals that follow in `join(…, "a", "b")` or `… / "a" / "b"`.
fn joined(tokens: &[(usize, Token<'_>)], mut at: usize, mut path: String) -> String {
    let last = at + 2 * MOST_PARTS;
    while at < last
        && is_joint(tokens, at + 1)
        && let Some((_, Token::Text(part))) = tokens.get(at + 2)
    {
        path.push('/');
        path.push_str(part);
        at += 2;
    }
    path
}

/// `.parent.parent` and `dirname(dirname(`: how far above the program's folder, and the last token of it.
fn ancestor_of_file(tokens: &[(usize, Token<'_>)], at: usize, name: &str) -> Option<(usize, String)> {
    let is = |at: usize, wanted: &str| matches!(tokens.get(at), Some((_, Token::Name(found))) if *found == wanted);
    let (mut end, mut count) = (at, 1);
    match name {
        "parent" if at < 2 || !(is_sign(tokens, at - 1, b'.') && is(at - 2, "parent")) => {
            while is_sign(tokens, end + 1, b'.') && is(end + 2, "parent") {
                end += 2;
                count += 1;
            }
        }
        "dirname" => {
            let opens = |at: usize| is_sign(tokens, at, b'(');
            // `os.path.` may stand before each.
            let next = |end: usize| [end + 2, end + 4, end + 6].into_iter().find(|&next| is(next, "dirname"));
            let nested =
                [2usize, 4, 6].iter().any(|back| at >= *back && is(at - back, "dirname") && opens(at - back + 1));
            if nested {
                return None;
            }
            while opens(end + 1)
                && let Some(next) = next(end)
            {
                end = next;
                count += 1;
            }
        }
        _ => return None,
    }
    (count > 1).then(|| (end, vec![".."; count - 1].join("/")))
}

/// The texts of the list behind `name =` or `"name":`, also where a variable holds it. In a table, a text before `:`
/// is the name of an extra and decides the kind.
fn listed<'a>(tokens: &[(usize, Token<'a>)], at: usize, kind: EdgeKind) -> Vec<(usize, &'a str, EdgeKind)> {
    if !is_sign(tokens, at, b'=') && !is_sign(tokens, at, b':') {
        return Vec::new();
    }
    let mut start = at + 1;
    if let Some((_, Token::Name(variable))) = tokens.get(start) {
        let assigned = (0..tokens.len()).find(|&place| {
            matches!(tokens[place].1, Token::Name(name) if name == *variable)
                && is_sign(tokens, place + 1, b'=')
                && [b'[', b'(', b'{'].iter().any(|sign| is_sign(tokens, place + 2, *sign))
        });
        match assigned {
            Some(place) => start = place + 2,
            None => return Vec::new(),
        }
    }
    let (mut depth, mut kind, mut found) = (0usize, kind, Vec::new());
    for place in start..tokens.len() {
        match &tokens[place].1 {
            Token::Sign(b'[' | b'(' | b'{') => depth += 1,
            Token::Sign(b']' | b')' | b'}') => depth = depth.saturating_sub(1),
            Token::Text(extra) if is_sign(tokens, place + 1, b':') => kind = kind_of_group(extra),
            Token::Text(text) if depth > 0 => found.push((tokens[place].0, *text, kind)),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    found
}

/// The names, literals and signs of a Python program, without its comments.
fn tokens_of(text: &str) -> Vec<(usize, Token<'_>)> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        match byte {
            b'#' => at += text[at..].find('\n').unwrap_or(text.len() - at),
            b'"' | b'\'' => {
                let triple = bytes[at..].starts_with(&[byte; 3]);
                let start = at + if triple { 3 } else { 1 };
                let mut end = start;
                while end < bytes.len() {
                    match bytes[end] {
                        b'\\' => end += 1,
                        b'\n' if !triple => break,
                        found if found == byte && (!triple || bytes[end..].starts_with(&[byte; 3])) => break,
                        _ => {}
                    }
                    end += 1;
                }
                let end = end.min(bytes.len());
                tokens.push((at, Token::Text(text.get(start..end).unwrap_or_default())));
                at = end + if triple { 3 } else { 1 };
            }
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => {
                let length = bytes[at..].iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
                let name = &text[at..at + length];
                // A short name right before a quote is the prefix of a literal.
                if !(length <= 2 && matches!(bytes.get(at + length), Some(b'"' | b'\''))) {
                    tokens.push((at, Token::Name(name)));
                }
                at += length;
            }
            byte if byte.is_ascii_punctuation() => {
                tokens.push((at, Token::Sign(byte)));
                at += 1;
            }
            _ => at += 1,
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Setup {
        read_setup_py(text.as_bytes()).unwrap()
    }

    #[test]
    fn literals_of_a_program_are_read() {
        let setup = check(
            "from setuptools import setup\n# setup(name='no')\nREQ = [\n  'flask>=1',\n  f'lib @ file://{here}/../lib',\n]\nsetup(\n  name='mine',\n  install_requires=REQ,\n  extras_require={'test': ['pytest'], 'srv': ['uvicorn']},\n)\n",
        );
        assert!(setup.is_project);
        assert_eq!(setup.name.map(|name| (name.value, name.line)), Some(("mine".to_owned(), 8)));
        let read: Vec<_> = setup.dependencies.iter().map(|d| (d.line, d.value.name.as_deref(), d.value.kind)).collect();
        assert_eq!(
            read,
            [
                (4, Some("flask"), EdgeKind::Build),
                (5, Some("lib"), EdgeKind::Build),
                (10, Some("pytest"), EdgeKind::Test),
                (10, Some("uvicorn"), EdgeKind::Build)
            ]
        );
        assert_eq!(setup.dependencies[1].value.source, Source::Path("./../lib".to_owned()));
    }

    #[test]
    fn paths_above_the_folder_are_found_however_they_are_computed() {
        let outside = |text: &str| check(text).outside.into_iter().map(|path| path.value).collect::<Vec<_>>();
        assert_eq!(outside("open('../VERSION')"), ["../VERSION"]);
        assert_eq!(outside("open(os.path.join(here, '..', '..', 'shared', 'v.txt'))"), ["../../shared/v.txt"]);
        assert_eq!(outside("files = ['../a.txt', '../b.txt']"), ["../a.txt", "../a.txt/../b.txt", "../b.txt"]);
        assert_eq!(outside("(Path(__file__).parent.parent / 'VERSION').read_text()"), ["../VERSION"]);
        let computed = |text: &str| check(text).computed.into_iter().map(|path| path.value).collect::<Vec<_>>();
        assert_eq!(computed("root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))"), [".."]);
        assert_eq!(computed("root = Path(__file__).resolve().parent.parent.parent\n"), ["../.."]);
        assert_eq!(computed("here = os.path.dirname(__file__); open('README.md')"), [""; 0]);
    }

    #[test]
    fn scripts_and_a_layout_that_renames_packages_are_seen() {
        assert!(!check("setup(package_dir={'': 'src'},\n packages=[])").renames);
        assert!(!check("setup(package_dir = {\n \"\": where, })").renames);
        for text in [
            "package_dir={'a': 'lib'}",
            "package_dir=where",
            "package_dir={'': 'src', 'a': 'b'}",
            "**{'package_dir': x}",
        ] {
            assert!(check(&format!("setup({text})")).renames, "{text}");
        }
        let scripts = "setup(entry_points={'console_scripts': ['one = a.one:main', 'two=a.two:main']}, url='x=y')";
        let found = |setup: Setup| setup.scripts.into_iter().map(|script| script.value).collect::<Vec<_>>();
        assert_eq!(found(check(scripts)), ["a.one:main", "a.two:main"]);
        let scripts = "[options.entry_points]\nconsole_scripts =\n  one = a.one:main\n";
        assert_eq!(found(read_setup_cfg(scripts.as_bytes()).unwrap()), ["a.one:main"]);
        for (text, renames) in
            [("package_dir =\n  = src", false), ("package_dir =\n  a = lib", true), ("package_dir = = src", false)]
        {
            assert_eq!(read_setup_cfg(format!("[options]\n{text}\n").as_bytes()).unwrap().renames, renames, "{text}");
        }
    }

    #[test]
    fn a_module_that_is_only_named_setup_is_no_project() {
        assert!(!check("def setup_app():\n    'setup(…)'\n    return 1\n").is_project);
    }

    #[test]
    fn setup_cfg_states_its_requirements_line_by_line() {
        let text = "[metadata]\nname = my_lib\nlong_description = file: ../README.md\n[options]\ninstall_requires =\n    flask\n    lib @ file:../lib\n[options.extras_require]\ntest = pytest\n[flake8]\nmax = 1\n";
        let setup = read_setup_cfg(text.as_bytes()).unwrap();
        let read: Vec<_> = setup.dependencies.iter().map(|d| (d.line, d.value.name.as_deref(), d.value.kind)).collect();
        assert_eq!(
            read,
            [
                (6, Some("flask"), EdgeKind::Build),
                (7, Some("lib"), EdgeKind::Build),
                (9, Some("pytest"), EdgeKind::Test)
            ]
        );
        assert_eq!(setup.outside[0].value, "../README.md");
        assert!(!read_setup_cfg(b"[flake8]\nmax = 1\n").unwrap().is_project);
    }
}
