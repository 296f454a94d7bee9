//! What a `.cargo/config.toml` says about folders of the repository.

use serde::{Deserialize, Serialize};

use super::manifest::{Patch, patches_of};
use crate::discover::syntax::{Lines, Located, Stated, Unreadable, read_toml, text_of};

/// The facts of one configuration. Paths are relative to the folder that holds `.cargo`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// Crates that it takes from a folder.
    pub patches: Vec<Patch>,
    /// Folders of crates that replace those of the same name.
    pub overrides: Vec<Stated<String>>,
    /// Folders that replace a registry, and programs that compile, link or run.
    pub files: Vec<Stated<String>>,
}

impl Configuration {
    /// Reads a configuration.
    pub fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let document = read_toml(bytes)?;
        let lines = Lines::new(text_of(bytes)?);
        let stated = |value: &Located| value.text().map(|text| lines.stated(value.line, text.to_owned()));
        let overrides = document.get("paths").into_iter().flat_map(Located::items).filter_map(stated).collect();
        let tables = |key: &str| document.get(key).into_iter().flat_map(Located::entries).map(|(_, table)| table);
        let sources = tables("source").flat_map(|table| ["directory", "local-registry"].map(|key| table.get(key)));
        let programs = tables("target").flat_map(|table| ["linker", "runner"].map(|key| table.get(key)));
        let compilers =
            ["rustc", "rustc-wrapper", "rustc-workspace-wrapper", "rustdoc"].map(|key| document.at(&["build", key]));
        let files = sources.chain(programs).chain(compilers).flatten().filter_map(stated).collect();
        Ok(Self { overrides, files, patches: patches_of(&document, Lines::new(text_of(bytes)?)) })
    }
}
