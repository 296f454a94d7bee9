//! The few settings of git that decide what the work tree holds, and where hooks lie. No other setting is read.

use std::path::{Path, PathBuf};

use super::layout::Layout;
use super::{GitEnvironment, GitError};

/// `core.autocrlf`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AutoCrlf {
    No,
    Yes,
    Input,
}

/// Settings of git that legitimately change which files count and what their content is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) file_mode: bool,
    pub(super) symlinks: bool,
    pub(super) auto_crlf: AutoCrlf,
    pub(super) eol: Option<String>,
    pub(super) excludes_file: Option<PathBuf>,
    pub(super) attributes_file: Option<PathBuf>,
    pub(super) system_attributes: bool,
}

impl Settings {
    /// Reads the user's and the repository's configuration files; values of the environment win.
    pub(super) fn read(layout: &Layout, environment: &GitEnvironment) -> Result<Self, GitError> {
        let config = config(layout, environment)?;
        let mut pairs: std::collections::BTreeMap<String, String> = std::collections::BTreeMap::new();
        for (key, value) in &environment.config_pairs {
            pairs.insert(key.to_ascii_lowercase(), value.clone());
        }
        let text = |key: &str| pairs.get(key).cloned().or_else(|| config.get_string(key).ok());
        let flag = |key: &str, default: bool| match pairs.get(key) {
            Some(value) => git2::Config::parse_bool(value.as_str()).unwrap_or(default),
            None => config.get_bool(key).unwrap_or(default),
        };
        let xdg = environment.xdg_config_home.clone().or_else(|| Some(environment.home.as_ref()?.join(".config")));
        let file = |key: &str, name: &str| {
            let stated = match pairs.get(key) {
                Some(value) => Some(expand(value, environment)),
                None => config.get_string(key).ok().map(|value| expand(&value, environment)),
            };
            stated.or_else(|| Some(xdg.as_ref()?.join("git").join(name)))
        };
        let auto_crlf = match text("core.autocrlf").map(|value| value.to_ascii_lowercase()).as_deref() {
            Some("input") => AutoCrlf::Input,
            _ if flag("core.autocrlf", false) => AutoCrlf::Yes,
            _ => AutoCrlf::No,
        };
        Ok(Self {
            file_mode: flag("core.filemode", true),
            symlinks: flag("core.symlinks", true),
            auto_crlf,
            eol: text("core.eol"),
            excludes_file: file("core.excludesfile", "ignore"),
            attributes_file: file("core.attributesfile", "attributes"),
            system_attributes: !environment.config_no_system,
        })
    }
}

impl Settings {
    /// The settings that decide which line endings files have on disk, as one text.
    pub(super) fn line_endings(&self) -> String {
        let auto = match self.auto_crlf {
            AutoCrlf::No => "false",
            AutoCrlf::Yes => "true",
            AutoCrlf::Input => "input",
        };
        let native = if cfg!(windows) { "crlf" } else { "lf" };
        let eol = self.eol.as_deref().filter(|eol| *eol != "native").unwrap_or(native);
        format!("autocrlf={auto} eol={}", eol.to_ascii_lowercase())
    }
}

/// `core.hooksPath`, as it is stated.
pub(super) fn hooks_path(layout: &Layout, environment: &GitEnvironment) -> Result<Option<PathBuf>, GitError> {
    let given = environment.config_pairs.iter().rfind(|(key, _)| key.eq_ignore_ascii_case("core.hookspath"));
    let stated = match given {
        Some((_, value)) => Some(value.clone()),
        None => config(layout, environment)?.get_string("core.hookspath").ok(),
    };
    Ok(stated.map(|value| expand(&value, environment)))
}

/// `~/` as git reads it, by the `HOME` that was handed in.
fn expand(value: &str, environment: &GitEnvironment) -> PathBuf {
    match (value.strip_prefix("~/"), &environment.home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(value),
    }
}

fn config(layout: &Layout, environment: &GitEnvironment) -> Result<git2::Config, GitError> {
    let mut config = git2::Config::new()?;
    let mut add = |path: &Path, level| {
        if !path.is_file() {
            return Ok(());
        }
        config.add_file(path, level, true).map_err(|error| GitError::corrupt(path.display(), error.message()))
    };
    if !environment.config_no_system {
        let system = git2::Config::find_system().unwrap_or_else(|_| PathBuf::from("/etc/gitconfig"));
        add(&system, git2::ConfigLevel::System)?;
    }
    if let Some(global) = &environment.config_global {
        add(global, git2::ConfigLevel::Global)?;
    } else {
        let home = environment.home.as_ref();
        let xdg = environment.xdg_config_home.clone().or_else(|| Some(home?.join(".config")));
        if let Some(xdg) = xdg {
            add(&xdg.join("git/config"), git2::ConfigLevel::XDG)?;
        }
        if let Some(home) = home {
            add(&home.join(".gitconfig"), git2::ConfigLevel::Global)?;
        }
    }
    add(&layout.common_dir.join("config"), git2::ConfigLevel::Local)?;
    add(&layout.git_dir.join("config.worktree"), git2::ConfigLevel::Worktree)?;
    Ok(config)
}
