//! The environment variables that say where a repository is, as values.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// What git's environment variables say. Whoever starts knockon reads them; this module never does.
///
/// A hook of `git commit` is told by them which index will be committed: `git commit -a` and `git commit <path>`
/// use an index that no other place names.
#[derive(Debug, Clone, Default)]
pub struct GitEnvironment {
    /// `GIT_DIR`.
    pub git_dir: Option<PathBuf>,
    /// `GIT_COMMON_DIR`.
    pub common_dir: Option<PathBuf>,
    /// `GIT_WORK_TREE`.
    pub work_tree: Option<PathBuf>,
    /// `GIT_INDEX_FILE`.
    pub index_file: Option<PathBuf>,
    /// `GIT_OBJECT_DIRECTORY`: where a server keeps what is being pushed.
    pub object_directory: Option<PathBuf>,
    /// `GIT_ALTERNATE_OBJECT_DIRECTORIES`.
    pub alternate_object_directories: Vec<PathBuf>,
    /// `GIT_CEILING_DIRECTORIES`: folders that the search does not climb into.
    pub ceilings: Vec<PathBuf>,
    /// `GIT_CONFIG_GLOBAL`.
    pub config_global: Option<PathBuf>,
    /// `GIT_CONFIG_NOSYSTEM`.
    pub config_no_system: bool,
    /// `GIT_CONFIG_COUNT` with its keys and values.
    pub config_pairs: Vec<(String, String)>,
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`.
    pub xdg_config_home: Option<PathBuf>,
    /// `PATH`, where the git binary is looked for if the repository needs it.
    pub path: Option<OsString>,
    /// What says how a remote is reached and who asks; only a fetch that was asked for gets these.
    pub remote: Vec<(String, OsString)>,
}

/// The variables that say how a remote is reached and who asks.
const REMOTE: [&str; 17] = [
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSH_VARIANT",
    "GIT_ASKPASS",
    "SSH_ASKPASS",
    "SSH_AUTH_SOCK",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_PROXY_COMMAND",
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "no_proxy",
    "NO_PROXY",
    "ALL_PROXY",
];

impl GitEnvironment {
    /// Picks what matters from variables, such as those of `std::env::vars_os`.
    pub fn from_variables(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut found = Self::default();
        let (mut keys, mut values) = (std::collections::BTreeMap::new(), std::collections::BTreeMap::new());
        let mut count = 0;
        for (name, value) in variables {
            let Some(name) = name.to_str() else { continue };
            let path = || (!value.is_empty()).then(|| PathBuf::from(&value));
            match name {
                "GIT_DIR" => found.git_dir = path(),
                "GIT_COMMON_DIR" => found.common_dir = path(),
                "GIT_WORK_TREE" => found.work_tree = path(),
                "GIT_INDEX_FILE" => found.index_file = path(),
                "GIT_OBJECT_DIRECTORY" => found.object_directory = path(),
                "GIT_ALTERNATE_OBJECT_DIRECTORIES" => found.alternate_object_directories = listed(&value),
                "GIT_CEILING_DIRECTORIES" => found.ceilings = listed(&value),
                "GIT_CONFIG_GLOBAL" => found.config_global = Some(PathBuf::from(&value)),
                "GIT_CONFIG_NOSYSTEM" => {
                    found.config_no_system = !matches!(value.to_str(), Some("" | "0" | "false" | "no" | "off"));
                }
                "HOME" => found.home = path(),
                "XDG_CONFIG_HOME" => found.xdg_config_home = path(),
                "PATH" => found.path = Some(value),
                _ if REMOTE.contains(&name) => found.remote.push((name.to_owned(), value)),
                "GIT_CONFIG_COUNT" => count = value.to_str().and_then(|text| text.parse().ok()).unwrap_or(0),
                _ => {
                    let numbered = |prefix| name.strip_prefix(prefix).and_then(|n: &str| n.parse::<usize>().ok());
                    let text = value.to_string_lossy().into_owned();
                    if let Some(number) = numbered("GIT_CONFIG_KEY_") {
                        keys.insert(number, text);
                    } else if let Some(number) = numbered("GIT_CONFIG_VALUE_") {
                        values.insert(number, text);
                    }
                }
            }
        }
        keys.retain(|number, _| *number < count);
        let pair = |(number, key)| values.remove(&number).map(|value| (key, value));
        found.config_pairs = keys.into_iter().filter_map(pair).collect();
        found
    }
}

fn listed(value: &OsStr) -> Vec<PathBuf> {
    std::env::split_paths(value).filter(|path| !path.as_os_str().is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_become_values() {
        let given = [
            ("GIT_DIR", "/r/.git"),
            ("GIT_INDEX_FILE", ".git/next-index-1.lock"),
            ("GIT_CONFIG_COUNT", "1"),
            ("GIT_CONFIG_KEY_0", "core.autocrlf"),
            ("GIT_CONFIG_VALUE_0", "true"),
            ("GIT_CONFIG_KEY_1", "beyond.count"),
            ("GIT_CONFIG_VALUE_1", "x"),
            ("UNRELATED", "x"),
        ];
        let read = GitEnvironment::from_variables(given.map(|(name, value)| (name.into(), value.into())));
        assert_eq!(read.git_dir, Some("/r/.git".into()));
        assert_eq!(read.index_file, Some(".git/next-index-1.lock".into()));
        assert_eq!(read.config_pairs, [("core.autocrlf".to_owned(), "true".to_owned())]);
        assert_eq!(read.work_tree, None);
    }
}
