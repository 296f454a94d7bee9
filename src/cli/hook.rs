//! `knockon hook`: a hook of `git commit` that plans what is about to be committed.

use std::path::{Path, PathBuf};

use super::Exit;
use super::arguments::HookAction;
use super::commands::{Failure, Session};
use crate::git::{GitEnvironment, Installed, Repository, Uninstalled};

/// What the hook does once it is known what knockon is called. A commit is not held up by a knockon that is not here.
const LINES: &str = r#"if ! command -v "$knockon" >/dev/null 2>&1; then
    echo "pre-commit: there is no $knockon here, so nobody told what this commit knocks on to" >&2
    exit 0
fi
exec "$knockon" plan --staged
"#;

impl Session<'_> {
    /// Writes the hook, or removes it.
    pub(super) fn hook(&self, action: &HookAction) -> Result<Exit, Failure> {
        let git = GitEnvironment::from_variables(self.surroundings.variables.iter().cloned());
        let search = git.path.clone();
        let repository = Repository::discover(&self.common.directory, &git)?;
        let told = match action {
            HookAction::Install { force } => {
                let named = search.iter().flat_map(std::env::split_paths).any(|folder| has_knockon(&folder));
                let program = self.surroundings.executable.clone().filter(|_| !named);
                let program = program.unwrap_or_else(|| PathBuf::from("knockon"));
                let Installed { path, kept } = repository.install_hook(&script(&program), *force)?;
                let kept = kept.map(|kept| format!("kept the hook that was there as {}\n", kept.display()));
                format!("{}wrote {}: each commit prints its plan\n", kept.unwrap_or_default(), path.display())
            }
            HookAction::Uninstall => match repository.uninstall_hook()? {
                Uninstalled::Removed(path) => format!("removed {}\n", path.display()),
                Uninstalled::Restored(path) => format!("put {} back as it was\n", path.display()),
                Uninstalled::Nothing(path) => format!("{} is not there, or not written by knockon\n", path.display()),
            },
        };
        self.output.answer(&told)?;
        Ok(Exit::Done)
    }
}

/// Whether a folder of the search path has a knockon that a hook would find, wherever it is run.
fn has_knockon(folder: &Path) -> bool {
    folder.is_absolute() && folder.join(format!("knockon{}", std::env::consts::EXE_SUFFIX)).is_file()
}

fn script(program: &Path) -> Vec<u8> {
    let mut script = b"knockon='".to_vec();
    for &byte in program.as_os_str().as_encoded_bytes() {
        match byte {
            b'\'' => script.extend(b"'\\''"),
            _ => script.push(byte),
        }
    }
    script.extend(b"'\n");
    script.extend(LINES.as_bytes());
    script
}
