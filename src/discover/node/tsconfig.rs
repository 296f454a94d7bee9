//! What a `tsconfig*.json` or `jsconfig.json` says.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::package::{text_at, texts};
use crate::discover::syntax::{Lines, Located, Stated, Unreadable, read_json_lines};
use crate::discover::{FragmentIndex, Fragments};

/// What linking needs of a TypeScript configuration. What is not stated may come from the one that it extends.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::discover) struct TsConfig {
    /// The configurations that it extends; the last counts most.
    pub extends: Vec<Stated<String>>,
    /// Other configurations that `tsc --build` builds first.
    pub references: Vec<Stated<String>>,
    /// Where imports that are not relative are looked for.
    pub base_url: Option<Stated<String>>,
    /// Import names and the places that stand for them.
    pub paths: Option<Vec<Mapping>>,
    /// Folders that are read as one.
    pub root_dirs: Option<Vec<Stated<String>>>,
    /// Folders of type declarations.
    pub type_roots: Option<Vec<Stated<String>>>,
    /// The globs of the files that are compiled.
    pub include: Option<Vec<Stated<String>>>,
    /// The files that are compiled.
    pub files: Option<Vec<Stated<String>>>,
    /// The folder that everything is written to, where nothing that is said leads elsewhere.
    pub out_dir: Option<String>,
    /// All that it says, key by key.
    pub fragments: Arc<Fragments>,
    /// All of these.
    pub all: FragmentIndex,
}

/// One place that stands for an import name.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::discover) struct Mapping {
    /// The import name, with at most one `*`.
    pub name: String,
    /// The place, with at most one `*`.
    pub place: Stated<String>,
}

impl TsConfig {
    /// Reads a configuration.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let (document, lines) = read_json_lines(bytes)?;
        let list = |keys: &[&str]| document.at(keys).map(|list| texts(list, &lines));
        let reference = |item: &Located| text_at(item, &["path"], &lines);
        let mut fragments = Fragments::default();
        let mut said = fragments.add_table("", &document, |key| key == "compilerOptions");
        for (key, option) in document.get("compilerOptions").into_iter().flat_map(Located::entries) {
            // Of two patterns that fit alike, the first counts.
            let name = format!("compilerOptions.{}", key.text);
            said.push(fragments.add(name, key.line, &[&option.canonical_in_order()]));
        }
        let all = fragments.group("configuration", 1, said);
        let writes_elsewhere = ["declarationDir", "outFile", "tsBuildInfoFile", "incremental", "composite"]
            .iter()
            .any(|key| document.at(&["compilerOptions", key]).is_some());
        let out_dir = document.at(&["compilerOptions", "outDir"]).and_then(Located::text).map(str::to_owned);
        Ok(Self {
            fragments: fragments.sealed(),
            all,
            extends: match document.get("extends") {
                Some(one) if one.text().is_some() => text_at(&document, &["extends"], &lines).into_iter().collect(),
                Some(several) => texts(several, &lines),
                None => Vec::new(),
            },
            references: document
                .get("references")
                .map(|list| list.items().iter().filter_map(reference).collect())
                .unwrap_or_default(),
            base_url: text_at(&document, &["compilerOptions", "baseUrl"], &lines),
            paths: document.at(&["compilerOptions", "paths"]).map(|table| mappings(table, &lines)),
            root_dirs: list(&["compilerOptions", "rootDirs"]),
            type_roots: list(&["compilerOptions", "typeRoots"]),
            include: list(&["include"]),
            files: list(&["files"]),
            out_dir: out_dir.filter(|_| !writes_elsewhere),
        })
    }
}

fn mappings(table: &Located, lines: &Lines<'_>) -> Vec<Mapping> {
    table
        .entries()
        .flat_map(|(key, places)| {
            texts(places, lines).into_iter().map(|place| Mapping { name: key.text.clone(), place })
        })
        .collect()
}
