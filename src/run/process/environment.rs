//! The variables that a task is started with.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};

use super::LABEL;

/// What a task gets of knockon's own variables without declaring it: what says where tools, their folders and the network
/// are. None of it is part of a fingerprint, so nothing stands here that says what a tool does (`CFLAGS`,
/// `NODE_OPTIONS`, `CI`) or who may do something (tokens): a task that reads such declares it.
const PASSED: [&str; 95] = [
    // Who and where one is.
    "HOME",
    "LOGNAME",
    "PATH",
    "SHELL",
    "TEMP",
    "TMP",
    "TMPDIR",
    "USER",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
    // In which words and hours. `LC_*` is passed, too.
    "LANG",
    "LANGUAGE",
    "TERM",
    "TZ",
    // How the network is reached.
    "ALL_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "all_proxy",
    "https_proxy",
    "http_proxy",
    "no_proxy",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "NIX_SSL_CERT_FILE",
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    // Where shared libraries are that tools themselves need.
    "DYLD_FALLBACK_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "LD_LIBRARY_PATH",
    "NIX_LD",
    "NIX_LD_LIBRARY_PATH",
    "NIX_PATH",
    "NIX_PROFILES",
    // Managers of tools.
    "ASDF_DATA_DIR",
    "ASDF_DIR",
    "HOMEBREW_PREFIX",
    "MISE_CACHE_DIR",
    "MISE_CONFIG_DIR",
    "MISE_DATA_DIR",
    "PROTO_HOME",
    "SDKMAN_DIR",
    // .NET.
    "DOTNET_CLI_HOME",
    "DOTNET_ROOT",
    "NUGET_PACKAGES",
    // Node.
    "BUN_INSTALL",
    "COREPACK_HOME",
    "FNM_DIR",
    "FNM_MULTISHELL_PATH",
    "NVM_BIN",
    "NVM_DIR",
    "PNPM_HOME",
    "VOLTA_HOME",
    "YARN_CACHE_FOLDER",
    "npm_config_cache",
    // Go.
    "GOCACHE",
    "GOMODCACHE",
    "GOPATH",
    "GOROOT",
    // Rust.
    "CARGO_HOME",
    "RUSTUP_HOME",
    // The JVM.
    "ANDROID_HOME",
    "ANDROID_SDK_ROOT",
    "GRADLE_HOME",
    "GRADLE_USER_HOME",
    "JAVA_HOME",
    "M2_HOME",
    "MAVEN_HOME",
    // Python.
    "CONDA_PREFIX",
    "PIPX_HOME",
    "PIP_CACHE_DIR",
    "POETRY_CACHE_DIR",
    "POETRY_HOME",
    "PYENV_ROOT",
    "UV_CACHE_DIR",
    "UV_PYTHON_INSTALL_DIR",
    "VIRTUAL_ENV",
    // Ruby, PHP, Elixir.
    "BUNDLE_PATH",
    "COMPOSER_CACHE_DIR",
    "COMPOSER_HOME",
    "GEM_HOME",
    "GEM_PATH",
    "HEX_HOME",
    "MIX_HOME",
    "RBENV_ROOT",
    // Containers: where the daemon is, and the folder that says how.
    "DOCKER_CERT_PATH",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_HOST",
    "DOCKER_TLS_VERIFY",
];

/// The beginnings of further names that a task gets.
const PASSED_PREFIXES: [&str; 1] = ["LC_"];

/// What git tells its own children about one repository (`git rev-parse --local-env-vars`). In a hook a task that got them
/// would work on that repository's index, whatever folder it is in, and could empty it.
const OF_ONE_REPOSITORY: [&str; 16] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// The variables of a task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
    /// The label of a run that this one is within.
    outer: Option<OsString>,
}

impl Environment {
    /// Of the variables of this process those that every tool needs and those that the task declares, and further ones
    /// with their values, which win; but none that git hands to its children about one repository.
    pub fn new(
        of_process: &BTreeMap<OsString, OsString>,
        declared: &BTreeSet<String>,
        further: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Self {
        let is_passed = |name: &str| {
            PASSED.contains(&name)
                || PASSED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
                || declared.contains(name)
        };
        let own = of_process.iter().filter(|(name, _)| name.to_str().is_some_and(is_passed));
        let mut variables: BTreeMap<_, _> = own.map(|(name, value)| (name.clone(), value.clone())).collect();
        variables.extend(further);
        variables.retain(|name, _| !OF_ONE_REPOSITORY.iter().any(|other| name == other) && name != LABEL);
        Self { variables, outer: of_process.get(OsStr::new(LABEL)).cloned() }
    }

    /// The variables, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.variables.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// The value of [`LABEL`] of an attempt with this label.
    pub(super) fn label(&self, label: &str) -> OsString {
        let mut whole = self.outer.clone().map_or_else(OsString::new, |mut outer| {
            outer.push("/");
            outer
        });
        whole.push(label);
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(of_process: &[(&str, &str)], declared: &[&str], further: &[(&str, &str)]) -> Vec<String> {
        let pair = |(name, value): &(&str, &str)| (OsString::from(name), OsString::from(value));
        let declared = declared.iter().map(|name| (*name).to_owned()).collect();
        let made = Environment::new(&of_process.iter().map(pair).collect(), &declared, further.iter().map(pair));
        made.iter().map(|(name, value)| format!("{}={}", name.to_str().unwrap(), value.to_str().unwrap())).collect()
    }

    #[test]
    fn a_task_gets_what_says_where_tools_are_and_what_it_declares_and_nothing_else() {
        let of_process = [
            ("PATH", "/bin"),
            ("LC_ALL", "C"),
            ("CARGO_HOME", "/c"),
            ("TOKEN", "secret"),
            ("CI", "true"),
            ("RUSTFLAGS", "-x"),
            ("API_URL", "http://a"),
            ("PATHS", "no"),
        ];
        let made = environment(&of_process, &["API_URL", "MISSING"], &[("PATH", "/other"), ("KNOCKON_TASK", "a:test")]);
        assert_eq!(made, ["API_URL=http://a", "CARGO_HOME=/c", "KNOCKON_TASK=a:test", "LC_ALL=C", "PATH=/other"]);
    }

    #[test]
    fn what_git_says_of_one_repository_is_never_passed() {
        let told = std::process::Command::new("git").args(["rev-parse", "--local-env-vars"]).output().unwrap();
        let names: Vec<&str> = std::str::from_utf8(&told.stdout).unwrap().lines().collect();
        assert!(names.contains(&"GIT_INDEX_FILE") && names.contains(&"GIT_DIR"));
        let given: Vec<(&str, &str)> = names.iter().map(|name| (*name, "x")).collect();
        assert_eq!(environment(&given, &names, &given), [""; 0]);
        // What is declared beside them is passed.
        assert_eq!(environment(&[("GIT_AUTHOR_NAME", "a")], &["GIT_AUTHOR_NAME"], &[]), ["GIT_AUTHOR_NAME=a"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_no_text_is_not_passed() {
        use std::os::unix::ffi::OsStringExt;
        let of_process = [(OsString::from_vec(b"P\xff".to_vec()), OsString::from("x"))].into();
        assert_eq!(Environment::new(&of_process, &BTreeSet::new(), []).iter().count(), 0);
    }

    #[test]
    fn a_run_within_a_run_is_known_by_the_label_of_the_outer_one() {
        let of_process = [(OsString::from(LABEL), OsString::from("outer"))].into();
        let made = Environment::new(&of_process, &[LABEL.to_owned()].into(), []);
        assert_eq!((made.iter().count(), made.label("inner")), (0, OsString::from("outer/inner")));
        assert_eq!(Environment::default().label("inner"), OsString::from("inner"));
    }
}
