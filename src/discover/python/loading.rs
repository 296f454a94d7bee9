//! Ways in which a source loads others that no import statement tells.

use super::source::Import;
use super::tokens::{Kind, Token};

/// Modules of other people that load code by names that stand in settings, or find it by looking around.
const LOADERS: [&str; 32] = [
    "alembic",
    "builtins",
    "cloudpickle",
    "connexion",
    "dill",
    "django",
    "dynaconf",
    "frappe",
    "hydra",
    "imp",
    "jsonpickle",
    "joblib",
    "kedro",
    "lazy_loader",
    "marshal",
    "odoo",
    "omegaconf",
    "paste",
    "pickle",
    "pkg_resources",
    "pkgutil",
    "pluggy",
    "pyramid",
    "runpy",
    "scrapy",
    "shelve",
    "stevedore",
    "straight",
    "venusian",
    "yapsy",
    "zipimport",
    "zope",
];

/// Names that load code, or change from where it is loaded.
const SIGNS: [&str; 22] = [
    "INSTALLED_APPS",
    "SourceFileLoader",
    "SourcelessFileLoader",
    "__builtins__",
    "__loader__",
    "__path__",
    "addsitedir",
    "entry_points",
    "execfile",
    "extend_path",
    "import_string",
    "iter_entry_points",
    "load_entry_point",
    "load_module",
    "load_source",
    "meta_path",
    "module_from_spec",
    "path_hooks",
    "spec_from_file_location",
    "spec_from_loader",
    "walk_packages",
    "exec_module",
];

/// What of `importlib` is judged by how it is used, or loads nothing.
const PARTS_OF_IMPORTLIB: [&str; 6] = ["abc", "import_module", "metadata", "reload", "resources", "util"];

impl Import {
    /// Whether what is imported loads other modules in ways that are not followed.
    pub(super) fn is_doubtful(&self) -> bool {
        let Some(first) = self.module.first().filter(|_| self.level == 0) else { return false };
        let takes = |word: &str| self.names.iter().any(|name| name == word);
        let is_foreign = !self.module.iter().chain(&self.names).all(|name| name.is_ascii());
        is_foreign
            || LOADERS.contains(&first.as_str())
            || first == "sys" && (takes("path") || takes("*"))
            || first == "importlib" && self.loads_by_name()
            || self.names.iter().any(|name| SIGNS.contains(&name.as_str()))
    }

    fn loads_by_name(&self) -> bool {
        let part = self.module.get(1).or(self.names.first());
        part.is_some_and(|part| !PARTS_OF_IMPORTLIB.contains(&part.as_str()))
    }
}

/// What a name in code loads.
pub(super) enum Loads<'a> {
    Nothing,
    /// This module.
    Named(&'a str),
    /// That cannot be said.
    Anything,
}

/// What the name at a place in code loads.
pub(super) fn loads<'a>(tokens: &[Token<'a>], at: usize, word: &str) -> Loads<'a> {
    let kind = |at: usize| tokens.get(at).map(|token| token.kind);
    let is_attribute = at > 0 && kind(at - 1) == Some(Kind::Sign(b'.'));
    let called = || match (kind(at + 1), kind(at + 2), kind(at + 3)) {
        (Some(Kind::Sign(b'(')), Some(Kind::Text(name, false)), Some(Kind::Sign(b')' | b','))) => {
            let is_plain = name
                .split('.')
                .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
            if is_plain { Loads::Named(name) } else { Loads::Anything }
        }
        _ => Loads::Anything,
    };
    // `getattr(sys, "frozen", False)`
    let is_asked = |at: usize| {
        let asks = |at: usize| matches!(kind(at), Some(Kind::Word("getattr" | "hasattr")));
        at > 1 && kind(at - 1) == Some(Kind::Sign(b'(')) && asks(at - 2)
    };
    match word {
        "import_module" | "__import__" => called(),
        "exec" | "eval" | "compile" if !is_attribute => Loads::Anything,
        "importlib" if !is_attribute => match (kind(at + 1), kind(at + 2)) {
            (Some(Kind::Sign(b'.')), Some(Kind::Word(part))) if PARTS_OF_IMPORTLIB.contains(&part) => Loads::Nothing,
            _ => Loads::Anything,
        },
        "sys" if !is_attribute => match (kind(at + 1), kind(at + 2)) {
            (Some(Kind::Sign(b'.')), Some(Kind::Word(part))) if part != "path" => Loads::Nothing,
            (Some(Kind::Sign(b',')), Some(Kind::Text(part, false))) if part != "path" && is_asked(at) => Loads::Nothing,
            _ => Loads::Anything,
        },
        _ if SIGNS.contains(&word) || word.starts_with("autodiscover") => Loads::Anything,
        _ => Loads::Nothing,
    }
}

/// Whether sources are found by the names of their files, of which this text is a part.
pub(super) fn finds_sources(text: &str, is_computed: bool) -> bool {
    let stem = text.strip_suffix(".py");
    let is_pattern = |stem: &str| stem.is_empty() || stem.ends_with('/') || stem.contains(['*', '?', '[', '{', '%']);
    stem.is_some_and(|stem| is_computed || is_pattern(stem))
}
