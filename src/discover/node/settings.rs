//! What the settings of package managers say: data that is read, never run.

use serde::{Deserialize, Serialize};

use super::package::{CatalogEntry, Dependency, Parts, catalogs, local_overrides, texts, values};
use crate::discover::syntax::{Lines, Stated, Unreadable, read_json_lines, read_yaml, text_of};

/// What linking needs of `pnpm-workspace.yaml`.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::discover) struct PnpmWorkspace {
    /// The globs of the members; none if the file only holds settings.
    pub packages: Option<Vec<Stated<String>>>,
    /// The catalogs.
    pub catalogs: Vec<CatalogEntry>,
    /// Overrides that lead to a place in the repository.
    pub overrides: Vec<Dependency>,
    /// Patch files.
    pub patches: Vec<Stated<String>>,
    /// `linkWorkspacePackages`.
    pub links_ranges: Option<bool>,
    /// All that it says, in parts.
    pub parts: Parts,
}

/// What linking needs of `.yarnrc.yml`.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::discover) struct YarnSettings {
    /// `enableTransparentWorkspaces`.
    pub links_ranges: Option<bool>,
    /// The catalogs.
    pub catalogs: Vec<CatalogEntry>,
}

/// What linking needs of `lerna.json`.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::discover) struct Lerna {
    /// The globs of the members, where lerna does not take them from the package manager.
    pub packages: Option<Vec<Stated<String>>>,
}

/// What linking needs of `.npmrc`. It may hold secrets, so that no other line is kept.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::discover) struct Npmrc {
    /// `link-workspace-packages`, which pnpm reads here too.
    pub links_ranges: Option<bool>,
}

impl PnpmWorkspace {
    /// Reads a `pnpm-workspace.yaml`.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let lines = Lines::new(text_of(bytes)?);
        let documents = read_yaml(bytes)?;
        let Some(document) = documents.first() else { return Ok(Self::default()) };
        let catalogs = catalogs(document);
        Ok(Self {
            packages: document.get("packages").map(|packages| texts(packages, &lines)),
            parts: Parts::of_settings(document, &catalogs),
            catalogs,
            overrides: document.get("overrides").map(|table| local_overrides(table, &lines)).unwrap_or_default(),
            patches: document.get("patchedDependencies").map(|table| values(table, &lines)).unwrap_or_default(),
            links_ranges: document
                .get("linkWorkspacePackages")
                .and_then(|value| truth(&value.scalar().unwrap_or_default())),
        })
    }
}

impl YarnSettings {
    /// Reads a `.yarnrc.yml`.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let documents = read_yaml(bytes)?;
        let Some(document) = documents.first() else { return Ok(Self::default()) };
        let links_ranges = document.get("enableTransparentWorkspaces").and_then(|value| truth(&value.scalar()?));
        Ok(Self { links_ranges, catalogs: catalogs(document) })
    }
}

impl Lerna {
    /// Reads a `lerna.json`.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let (document, lines) = read_json_lines(bytes)?;
        Ok(Self { packages: document.get("packages").map(|packages| texts(packages, &lines)) })
    }
}

impl Npmrc {
    /// Reads an `.npmrc`.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let setting = |line: &str| {
            let (key, value) = line.split_once('=')?;
            (key.trim() == "link-workspace-packages").then(|| truth(value.trim())).flatten()
        };
        Ok(Self { links_ranges: text_of(bytes)?.lines().rev().find_map(setting) })
    }
}

/// `deep` links even more than `true` does.
fn truth(text: &str) -> Option<bool> {
    match text {
        "true" | "deep" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}
