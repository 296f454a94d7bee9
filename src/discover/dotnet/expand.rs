//! Expands MSBuild properties as far as they are literal. What is not known stays in the text as a mark that
//! matches anything, so that a path that uses it can only become wider.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};

use crate::discover::Landscape;
use crate::discover::dotnet::facts::DotnetFacts;
use crate::path::{PathError, RepoPath};
use crate::selection::escape_glob;

/// Stands for the repository root at the start of an absolute path.
const ROOT: u8 = 0;
/// Stands for a folder of the machine: an SDK, a package cache, build output.
const EXTERNAL: u8 = 1;
/// Stands for text that is not known.
const UNKNOWN: u8 = 2;

/// How many values one text can expand to before it counts as unknown.
const MOST_VALUES: usize = 64;
/// How long one value may become, in bytes, before it counts as unknown.
const LONGEST_VALUE: usize = 4096;
/// How deep properties and functions may use one another.
const DEEPEST_USE: usize = 32;

/// Properties that name folders outside the repository or what the build itself writes.
const EXTERNAL_PROPERTIES: [&str; 26] = [
    "msbuildtoolspath",
    "msbuildtoolspath32",
    "msbuildbinpath",
    "msbuildextensionspath",
    "msbuildextensionspath32",
    "msbuildextensionspath64",
    "msbuilduserextensionspath",
    "msbuildsdkspath",
    "msbuildprogramfiles32",
    "vstoolspath",
    "frameworkpathoverride",
    "frameworksdkroot",
    "nugetpackageroot",
    "nugetpackagefolders",
    "restorepackagespath",
    "netcoretargetingpackroot",
    "userprofile",
    "localappdata",
    "appdata",
    "programfiles",
    "home",
    "outdir",
    "outputpath",
    "intermediateoutputpath",
    "baseintermediateoutputpath",
    "targetdir",
];

/// Whether all of an expanded text is known.
pub(super) fn is_known(text: &str) -> bool {
    !text.bytes().any(|byte| matches!(byte, ROOT | EXTERNAL | UNKNOWN))
}

/// What an expanded path leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Somewhere on the machine that git does not hold.
    External,
    /// A path above the repository root.
    Outside,
    /// One file or folder.
    Path(RepoPath),
    /// All that a glob matches below a folder. `known` tells whether only the author's own wildcards are in it.
    Glob { base: RepoPath, glob: String, known: bool },
}

/// What properties expand to in one project.
pub(super) struct Scope<'a> {
    project: &'a RepoPath,
    solution: Option<RepoPath>,
    landscape: &'a Landscape<'a, DotnetFacts>,
    definitions: HashMap<&'a str, Vec<(&'a str, &'a RepoPath)>>,
    known: RefCell<HashMap<&'a str, Vec<Vec<u8>>>>,
    active: RefCell<Vec<&'a str>>,
    missing: RefCell<BTreeSet<String>>,
    depth: Cell<usize>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(
        project: &'a RepoPath,
        solution: Option<RepoPath>,
        landscape: &'a Landscape<'a, DotnetFacts>,
    ) -> Self {
        Self {
            project,
            solution,
            landscape,
            definitions: HashMap::new(),
            known: RefCell::default(),
            active: RefCell::default(),
            missing: RefCell::default(),
            depth: Cell::default(),
        }
    }

    /// Adds a definition of a property (its name in lower case) by `file`. All definitions count: which of them wins
    /// hangs on conditions.
    pub(super) fn define(&mut self, name: &'a str, value: &'a str, file: &'a RepoPath) {
        self.definitions.entry(name).or_default().push((value, file));
        self.known.get_mut().clear();
    }

    /// The properties that were asked for and are not known since the last call.
    pub(super) fn take_missing(&self) -> BTreeSet<String> {
        self.missing.take()
    }

    /// Where the paths of a `;`-separated list lead that `file` writes and that are relative to `base`.
    pub(super) fn places(&self, text: &str, file: &RepoPath, base: &RepoPath) -> Vec<Place> {
        let mut places = Vec::new();
        for value in self.expand(text, file) {
            for piece in value.split(|&b| b == b';').map(<[u8]>::trim_ascii) {
                // `@(List)` and `%(Metadata)` are filled from items that are read where they stand.
                let computed = piece.windows(2).any(|pair| pair == b"@(" || pair == b"%(");
                if piece.is_empty() || computed {
                    continue;
                }
                let place = locate(piece, base);
                if !places.contains(&place) {
                    places.push(place);
                }
            }
        }
        places
    }

    /// Every text that `text`, written in `file`, can stand for.
    pub(super) fn expand(&self, text: &str, file: &RepoPath) -> Vec<Vec<u8>> {
        if self.depth.get() >= DEEPEST_USE {
            return vec![vec![UNKNOWN]];
        }
        self.depth.set(self.depth.get() + 1);
        let values = self.expand_once(text, file);
        self.depth.set(self.depth.get() - 1);
        values
    }

    fn expand_once(&self, text: &str, file: &RepoPath) -> Vec<Vec<u8>> {
        let mut values = vec![Vec::new()];
        let mut rest = text;
        while let Some(start) = rest.find("$(") {
            append(&mut values, &[rest.as_bytes()[..start].to_vec()]);
            let inside = &rest[start + 2..];
            let Some(end) = closing(inside) else {
                append(&mut values, &[vec![UNKNOWN]]);
                return values;
            };
            append(&mut values, &self.property(inside[..end].trim(), file));
            rest = &inside[end + 1..];
        }
        append(&mut values, &[rest.as_bytes().to_vec()]);
        values
    }

    fn property(&self, inside: &str, file: &RepoPath) -> Vec<Vec<u8>> {
        if let Some(values) = self.function(inside, file) {
            return values;
        }
        let name = inside.to_ascii_lowercase();
        let folder = file.parent().unwrap_or_else(RepoPath::root);
        let project_folder = self.project.parent().unwrap_or_else(RepoPath::root);
        let one = |value: Vec<u8>| vec![value];
        match name.as_str() {
            "msbuildthisfiledirectory" => return one(rooted(&folder, true)),
            "msbuildthisfilefullpath" => return one(rooted(file, false)),
            "msbuildthisfile" => return one(file.name().unwrap_or_default().to_vec()),
            "msbuildthisfilename" => return one(stem(file)),
            "msbuildprojectdirectory" => return one(rooted(&project_folder, false)),
            "projectdir" => return one(rooted(&project_folder, true)),
            "msbuildprojectfullpath" => return one(rooted(self.project, false)),
            "msbuildprojectfile" => return one(self.project.name().unwrap_or_default().to_vec()),
            "msbuildprojectname" => return one(stem(self.project)),
            "configuration" => return vec![b"Debug".to_vec(), b"Release".to_vec()],
            "solutiondir" if !self.definitions.contains_key("solutiondir") => {
                if let Some(solution) = &self.solution {
                    return one(rooted(solution, true));
                }
            }
            _ => {}
        }
        // NuGet generates `Pkg…` for the folder of each package.
        if EXTERNAL_PROPERTIES.contains(&name.as_str()) || name.starts_with("pkg") {
            return one(vec![EXTERNAL]);
        }
        self.defined(&name).unwrap_or_else(|| {
            self.missing.borrow_mut().insert(inside.chars().take(80).collect());
            one(vec![UNKNOWN])
        })
    }

    fn defined(&self, name: &str) -> Option<Vec<Vec<u8>>> {
        let (&name, definitions) = self.definitions.get_key_value(name)?;
        if let Some(values) = self.known.borrow().get(name) {
            return Some(values.clone());
        }
        if self.active.borrow().contains(&name) {
            // `<A>$(A);more</A>`: the earlier definitions of A count by themselves.
            return Some(vec![Vec::new()]);
        }
        self.active.borrow_mut().push(name);
        let mut values: Vec<Vec<u8>> = definitions.iter().flat_map(|(value, file)| self.expand(value, file)).collect();
        self.active.borrow_mut().pop();
        values.sort();
        values.dedup();
        if values.len() > MOST_VALUES {
            values = vec![vec![UNKNOWN]];
        }
        self.known.borrow_mut().insert(name, values.clone());
        Some(values)
    }

    /// The path functions that people write in project files; none for any other.
    fn function(&self, inside: &str, file: &RepoPath) -> Option<Vec<Vec<u8>>> {
        let (head, tail) = inside.strip_prefix('[')?.split_once("]::")?;
        let (function, arguments) = tail.split_once('(')?;
        let arguments = arguments.strip_suffix(')')?;
        let folder = file.parent().unwrap_or_else(RepoPath::root);
        let arguments: Vec<Vec<Vec<u8>>> = split_arguments(arguments)
            .into_iter()
            .map(|argument| self.expand(argument.trim().trim_matches(['\'', '"', '`']), file))
            .collect();
        let head = head.to_ascii_lowercase();
        let function = function.to_ascii_lowercase();
        match (head.as_str(), function.as_str()) {
            ("msbuild", "getpathoffileabove") => {
                let from = arguments.get(1).map_or_else(|| vec![rooted(&folder, true)], Clone::clone);
                Some(self.file_above(arguments.first()?, &from, &folder, false))
            }
            ("msbuild", "getdirectorynameoffileabove") => {
                Some(self.file_above(arguments.get(1)?, arguments.first()?, &folder, true))
            }
            ("msbuild", "normalizepath" | "normalizedirectory")
            | ("system.io.path", "combine" | "getfullpath" | "join")
            | ("msbuild", "ensuretrailingslash") => {
                let mut values = vec![Vec::new()];
                for (index, argument) in arguments.iter().enumerate() {
                    if index > 0 {
                        append(&mut values, &[b"/".to_vec()]);
                    }
                    append(&mut values, argument);
                }
                if function == "normalizedirectory" || function == "ensuretrailingslash" {
                    append(&mut values, &[b"/".to_vec()]);
                }
                Some(values)
            }
            _ => None,
        }
    }

    /// The nearest file of a name at or above a folder, or that file's folder. Empty text when there is none.
    fn file_above(&self, names: &[Vec<u8>], from: &[Vec<u8>], here: &RepoPath, folder: bool) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        for start in from {
            for name in names {
                let (Place::Path(start), Ok(name)) = (locate(start, here), std::str::from_utf8(name)) else {
                    found.push(vec![UNKNOWN]);
                    continue;
                };
                found.push(match self.landscape.nearest(&start, &[name]) {
                    Some(path) if folder => rooted(&path.parent().unwrap_or_else(RepoPath::root), false),
                    Some(path) => rooted(&path, false),
                    None => Vec::new(),
                });
            }
        }
        found
    }
}

/// Where one path leads that is relative to `base` unless it is absolute.
fn locate(piece: &[u8], base: &RepoPath) -> Place {
    if piece.contains(&EXTERNAL) {
        return Place::External;
    }
    let rooted = piece.iter().rposition(|&b| b == ROOT);
    let (mut base, piece) = match rooted {
        Some(at) => (RepoPath::root(), &piece[at + 1..]),
        None => (base.clone(), piece),
    };
    let piece = unescape(piece);
    let piece: Vec<u8> = piece.iter().map(|&b| if b == b'\\' { b'/' } else { b }).collect();
    let piece = if rooted.is_some() { trim_slashes(&piece) } else { &piece };
    if piece.first() == Some(&b'/') || piece.get(1) == Some(&b':') {
        return Place::External;
    }
    let segments: Vec<&[u8]> = piece.split(|&b| b == b'/').filter(|s| !s.is_empty() && *s != b".").collect();
    let wild = |segment: &&[u8]| segment.iter().any(|b| matches!(b, b'*' | b'?' | &UNKNOWN));
    let first = segments.iter().position(wild).unwrap_or(segments.len());
    base = match base.resolve(&segments[..first].join(&b'/')) {
        Ok(path) => path,
        Err(PathError::Escapes) => return Place::Outside,
        Err(PathError::Absolute | PathError::Segment) => return Place::External,
    };
    let mut pattern = &segments[first..];
    if pattern.is_empty() {
        return Place::Path(base);
    }
    let known = !pattern.iter().any(|segment| segment.contains(&UNKNOWN));
    if !known && first == 0 {
        // What begins with something unknown may begin anywhere.
        base = RepoPath::root();
    }
    if let Some(up) = pattern.iter().rposition(|segment| *segment == b"..") {
        base = RepoPath::root();
        pattern = &pattern[up + 1..];
    }
    let glob = pattern.iter().map(|segment| glob_of(segment)).collect::<Vec<_>>().join("/");
    let glob = if pattern.len() < segments.len() - first { format!("**/{glob}") } else { glob };
    Place::Glob { base, glob, known }
}

/// One segment as a glob: MSBuild knows `*`, `**` and `?`, and nothing else.
fn glob_of(segment: &[u8]) -> String {
    if segment.iter().all(|&b| b == UNKNOWN) || segment == b"**" {
        return "**".to_owned();
    }
    let Some((before, after)) = split_unknown(segment) else { return literal_glob(segment) };
    let (before, after) = (literal_glob(before), literal_glob(after));
    // The unknown text may hold separators or none.
    format!("{{{before}*{after},{before}*/**/*{after}}}")
}

/// What stands before the first and after the last unknown text.
fn split_unknown(segment: &[u8]) -> Option<(&[u8], &[u8])> {
    let first = segment.iter().position(|&b| b == UNKNOWN)?;
    let last = segment.iter().rposition(|&b| b == UNKNOWN)?;
    Some((&segment[..first], &segment[last + 1..]))
}

fn literal_glob(bytes: &[u8]) -> String {
    let mut glob = String::new();
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '*' | '?' => glob.push(character),
                _ => glob.push_str(&escape_glob(character.encode_utf8(&mut [0; 4]))),
            }
        }
        if !chunk.invalid().is_empty() {
            glob.push('*');
        }
    }
    glob
}

/// `%20` and its like as the character that they stand for.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let digits = text.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if text[at] == b'%' && byte > UNKNOWN => {
                out.push(byte);
                at += 3;
            }
            _ => {
                out.push(text[at]);
                at += 1;
            }
        }
    }
    out
}

fn trim_slashes(text: &[u8]) -> &[u8] {
    &text[text.iter().take_while(|&&b| b == b'/').count()..]
}

fn rooted(path: &RepoPath, slash: bool) -> Vec<u8> {
    let mut text = vec![ROOT, b'/'];
    text.extend_from_slice(path.as_bytes());
    if slash && !path.is_root() {
        text.push(b'/');
    }
    text
}

/// A file's name without its extension.
pub(super) fn stem(file: &RepoPath) -> Vec<u8> {
    let name = file.name().unwrap_or_default();
    name[..name.iter().rposition(|&b| b == b'.').unwrap_or(name.len())].to_vec()
}

/// Every value followed by every one of `more`.
fn append(values: &mut Vec<Vec<u8>>, more: &[Vec<u8>]) {
    let too_many = values.len() * more.len() > MOST_VALUES;
    let too_long = values.iter().map(Vec::len).max().unwrap_or(0) + more.iter().map(Vec::len).max().unwrap_or(0);
    if too_many || too_long > LONGEST_VALUE {
        *values = vec![vec![UNKNOWN]];
        return;
    }
    *values = values.iter().flat_map(|value| more.iter().map(move |end| [value.as_slice(), end].concat())).collect();
}

/// Where the parenthesis closes that was open before `text` began.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 1usize;
    text.bytes().position(|byte| {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        depth == 0
    })
}

/// The arguments of a function, split at commas outside parentheses.
fn split_arguments(text: &str) -> Vec<&str> {
    let mut depth = 0usize;
    text.split(|character| {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        character == ',' && depth == 0
    })
    .collect()
}
