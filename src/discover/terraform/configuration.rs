//! What one file of Terraform, OpenTofu or Terragrunt says: modules, providers, and the paths that it writes.

use serde::{Deserialize, Serialize};

use super::language::{Kind, Token, template, tokens};
use crate::discover::locked::{Locked, LockedEntry};
use crate::discover::syntax::{Lines, Located, Stated, Unreadable, read_json_lines};

/// Functions whose first argument is a path.
const READERS: [&str; 14] = [
    "file",
    "filebase64",
    "filebase64sha256",
    "filebase64sha512",
    "fileexists",
    "filemd5",
    "fileset",
    "filesha1",
    "filesha256",
    "filesha512",
    "templatefile",
    "read_terragrunt_config",
    "read_tfvars_file",
    "sops_decrypt_file",
];

/// What Terragrunt looks for in the folders above, if no name is given.
const DEFAULT_PARENT: &str = "terragrunt.hcl";

/// What one file says.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::discover) struct Configuration {
    /// The sources of the modules that it calls, as written.
    pub modules: Vec<Stated<String>>,
    /// Paths that are written as literals, at least in their beginning.
    pub paths: Vec<Stated<Reference>>,
    /// Calls that read a file whose path is worked out.
    pub computed: Vec<Stated<String>>,
    /// The providers that it needs by the names they have here, with their sources.
    pub providers: Vec<(String, Option<String>)>,
    /// Files of folders above that Terragrunt looks for by name.
    pub from_above: Vec<Stated<String>>,
    /// Folders whose outputs Terragrunt reads.
    pub dependencies: Vec<Stated<String>>,
    /// Whether Terragrunt runs in its folder.
    pub is_unit: bool,
}

/// Where a path begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::discover) enum Base {
    /// The folder of the file.
    Folder,
    /// The root of the repository.
    Repository,
    /// The folder of the nearest file of this name above.
    Above(String),
}

/// A path as far as it is literal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::discover) struct Reference {
    pub base: Base,
    pub path: String,
    /// Whether more follows that is worked out.
    pub goes_on: bool,
    /// Whether a function reads it, so that it has to be there.
    pub is_read: bool,
}

impl Configuration {
    /// Reads a file in the native notation.
    pub fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let (tokens, lines) = tokens(bytes)?;
        let mut configuration = Self::default();
        configuration.walk(&tokens, &lines);
        Ok(configuration)
    }

    /// Reads a file in JSON.
    pub fn read_json(bytes: &[u8]) -> Result<Self, Unreadable> {
        let (document, lines) = read_json_lines(bytes)?;
        let mut configuration = Self::default();
        let blocks = |name: &str| document.get(name).into_iter().flat_map(alternatives);
        for module in blocks("module").flat_map(Located::entries).flat_map(|(_, module)| alternatives(module)) {
            let source = module.get("source");
            configuration.modules.extend(source.and_then(|s| Some(lines.stated(s.line, s.text()?.to_owned()))));
        }
        let required = blocks("terraform").filter_map(|block| block.get("required_providers")).flat_map(alternatives);
        for (name, provider) in required.flat_map(Located::entries) {
            let source = provider.get("source").and_then(Located::text);
            configuration.providers.push((name.text.clone(), source.map(str::to_owned)));
        }
        for (name, _) in blocks("provider").flat_map(Located::entries) {
            configuration.providers.push((name.text.clone(), None));
        }
        for (kind, _) in ["resource", "data"].into_iter().flat_map(blocks).flat_map(Located::entries) {
            configuration.providers.push((provider_of(&kind.text).to_owned(), None));
        }
        let mut pending = vec![&document];
        while let Some(value) = pending.pop() {
            if let Some(text) = value.text() {
                configuration.walk(&template(text, value.line), &lines);
            }
            pending.extend(value.items());
            pending.extend(value.entries().map(|(_, below)| below));
        }
        configuration.paths.sort_by_key(|path| path.line);
        configuration.computed.sort_by_key(|call| call.line);
        Ok(configuration)
    }

    fn walk(&mut self, tokens: &[Token<'_>], lines: &Lines<'_>) {
        let mut blocks: Vec<Vec<&str>> = Vec::new();
        for (at, token) in tokens.iter().enumerate() {
            let following = &tokens[at + 1..];
            match token.kind {
                Kind::Sign(b'{') => blocks.push(header(&tokens[..at], token.line)),
                Kind::Sign(b'}') => drop(blocks.pop()),
                Kind::Word(word) => match following {
                    [Token { kind: Kind::Sign(b'('), .. }, argument, ..] => {
                        self.call(word, argument, lines);
                    }
                    [Token { kind: Kind::Sign(b'='), .. }, Token { kind, line }, ..] => {
                        self.attribute(&blocks, word, *kind, *line, lines);
                    }
                    _ => {}
                },
                Kind::Text(text, _) => {
                    let is_read = matches!(&tokens[..at], [.., Token { kind: Kind::Word(name), .. }, Token { kind: Kind::Sign(b'('), .. }] if READERS.contains(name));
                    if blocks.last().is_some_and(|block| matches!(block.as_slice(), ["dependencies"])) {
                        self.dependencies.push(lines.stated(token.line, text.to_owned()));
                    } else if let Some(reference) = reference(text, is_read) {
                        self.paths.push(lines.stated(token.line, reference));
                    }
                }
                Kind::Sign(_) => {}
            }
            if let (Kind::Sign(b'{'), Some(block)) = (token.kind, blocks.last()) {
                match block.as_slice() {
                    ["resource" | "data" | "ephemeral", kind, _] => {
                        self.providers.push((provider_of(kind).to_owned(), None));
                    }
                    ["provider", name] => self.providers.push(((*name).to_owned(), None)),
                    ["include", ..] => self.is_unit = true,
                    _ => {}
                }
            }
        }
    }

    fn attribute(&mut self, blocks: &[Vec<&str>], key: &str, value: Kind<'_>, line: u32, lines: &Lines<'_>) {
        let within: Vec<&[&str]> = blocks.iter().map(Vec::as_slice).collect();
        match (within.as_slice(), key, value) {
            ([["module", _]], "source", Kind::Text(source, _)) => {
                self.modules.push(lines.stated(line, source.to_owned()));
            }
            ([["terraform"]], "source", _) => {
                self.is_unit = true;
                if let Kind::Text(source, _) = value {
                    self.modules.push(lines.stated(line, source.to_owned()));
                }
            }
            ([["dependency", _]], "config_path", Kind::Text(path, _)) => {
                self.dependencies.push(lines.stated(line, path.to_owned()));
            }
            ([["terraform"], ["required_providers"], [name]], "source", Kind::Text(source, _)) => {
                self.providers.push(((*name).to_owned(), Some(source.to_owned())));
            }
            ([["terraform"], ["required_providers"]], name, Kind::Text(..)) => {
                self.providers.push((name.to_owned(), None));
            }
            ([["resource" | "data", ..]], "provider", Kind::Word(name)) => {
                let name = name.split('.').next().unwrap_or_default();
                self.providers.push((name.to_owned(), None));
            }
            _ => {}
        }
    }

    /// A call and the first token of its arguments.
    fn call(&mut self, name: &str, argument: &Token<'_>, lines: &Lines<'_>) {
        if name == "find_in_parent_folders" {
            let file = match argument.kind {
                Kind::Text(file, _) => file,
                _ => DEFAULT_PARENT,
            };
            self.from_above.push(lines.stated(argument.line, file.to_owned()));
        } else if READERS.contains(&name) {
            let is_known = match argument.kind {
                Kind::Text(text, _) => reference(text, true).is_some(),
                Kind::Word(word) => matches!(word, "path.module" | "path.root" | "path.cwd" | "find_in_parent_folders"),
                Kind::Sign(_) => false,
            };
            if !is_known {
                self.computed.push(lines.stated(argument.line, name.to_owned()));
            }
        }
    }
}

/// A block may stand alone or in a list of several.
fn alternatives(value: &Located) -> impl Iterator<Item = &Located> {
    std::iter::once(value).filter(|value| value.is_table()).chain(value.items())
}

/// The words before a brace: a block with its labels, or the key of an object.
fn header<'a>(before: &[Token<'a>], line: u32) -> Vec<&'a str> {
    let word = |token: &Token<'a>| match token.kind {
        Kind::Word(word) | Kind::Text(word, 0) if token.line == line => Some(word),
        _ => None,
    };
    let mut words: Vec<&str> = match before {
        [.., key, Token { kind: Kind::Sign(b'=' | b':'), .. }] => word(key).into_iter().collect(),
        _ => before.iter().rev().map_while(word).take(4).collect(),
    };
    words.reverse();
    words
}

/// A resource of the type `aws_vpc` is of the provider `aws`.
fn provider_of(kind: &str) -> &str {
    kind.split('_').next().unwrap_or_default()
}

/// What a text says of a path, if it is one. What a function reads is one whatever it looks like.
pub(super) fn reference(text: &str, is_read: bool) -> Option<Reference> {
    const BASES: [(&str, Base); 7] = [
        ("${path.module}", Base::Folder),
        ("${path.root}", Base::Folder),
        ("${path.cwd}", Base::Folder),
        ("${get_terragrunt_dir()}", Base::Folder),
        ("${get_parent_terragrunt_dir()}", Base::Folder),
        ("${get_repo_root()}", Base::Repository),
        ("${get_path_to_repo_root()}", Base::Repository),
    ];
    let based = BASES.iter().find_map(|(start, base)| Some((base.clone(), text.strip_prefix(start)?)));
    let based = based.or_else(|| {
        let (name, rest) = text.strip_prefix("${dirname(find_in_parent_folders(")?.split_once("))}")?;
        let name = if name.is_empty() { DEFAULT_PARENT } else { name.trim_matches('"') };
        Some((Base::Above(name.to_owned()), rest))
    });
    let is_based = based.is_some();
    let (base, rest) = match based {
        Some((base, rest)) if rest.is_empty() || rest.starts_with('/') => (base, rest.trim_start_matches('/')),
        Some(_) => return None,
        None if is_read || ["../", "./"].iter().any(|start| text.starts_with(start)) || text == ".." => {
            (Base::Folder, text)
        }
        None => return None,
    };
    let computed = rest.find("${").into_iter().chain(rest.find("%{")).min();
    let literal = match computed {
        Some(at) => rest[..at].rfind('/').map_or("", |slash| &rest[..slash]),
        None => rest,
    };
    // Without a beginning it could lead anywhere.
    if literal.contains('\n') || (computed.is_some() && literal.is_empty() && !is_based) {
        return None;
    }
    Some(Reference { base, path: literal.to_owned(), goes_on: computed.is_some(), is_read })
}

/// Reads `.terraform.lock.hcl`: an entry for each provider.
pub(super) fn read_lock(bytes: &[u8]) -> Result<Locked, Unreadable> {
    let (tokens, _) = tokens(bytes)?;
    let mut entries: Vec<LockedEntry> = Vec::new();
    let (mut depth, mut key) = (0usize, "");
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            Kind::Sign(b'{') => {
                if let (0, ["provider", name]) = (depth, header(&tokens[..at], token.line).as_slice()) {
                    entries.push(LockedEntry { name: (*name).to_owned(), line: token.line, ..LockedEntry::default() });
                }
                depth += 1;
            }
            Kind::Sign(b'}') => depth = depth.saturating_sub(1),
            Kind::Word(word) => key = word,
            Kind::Text(text, _) if depth > 0 => {
                entries.last_mut().into_iter().for_each(|entry| entry.said.push(format!("{key} {text}")));
            }
            _ => {}
        }
    }
    // The order of checksums says nothing.
    entries.iter_mut().for_each(|entry| entry.said.sort());
    Ok(Locked::of(entries))
}
