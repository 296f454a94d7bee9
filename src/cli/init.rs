//! `knockon init`: a `knockon.toml` to begin from, which changes no answer.

use std::fmt::Write as _;
use std::io::Write as _;

use super::Exit;
use super::commands::{Failure, Session};
use crate::config::FILE_NAME;
use crate::planner::{HeadChoice, unowned_files};

impl Session<'_> {
    /// Writes the file at the top of the work tree, unless there is one.
    pub(super) fn init(&self) -> Result<Exit, Failure> {
        let planner = self.planner(&self.common.directory)?;
        let Some(top) = planner.work_tree().map(std::path::Path::to_owned) else {
            return Err(Failure::Usage("the repository is bare, and has no place for a knockon.toml".to_owned()));
        };
        let (view, _) = planner.view(&HeadChoice::WorkTree)?;
        let mut text = String::from(
            "# What knockon cannot know from the manifests. Everything here is optional; `knockon schema config` has it all.\n\n[workspace]\n",
        );
        if let Some(branch) = planner.default_branch()? {
            let _ = writeln!(text, "# Found by itself; say it to make it certain.\n# default-branch = {branch:?}");
        }
        text.push_str(
            "# A changed file that no project owns or reads plans everything: all, none or error.\nunowned = \"all\"\n",
        );
        text.push_str("# Never an input of anything.\nignore = []\n");
        let unowned = unowned_files(&view)?;
        if !unowned.is_empty() {
            text.push_str(
                "\n# No project owns or reads these. Give them to who reads them, or put them under `ignore`:\n",
            );
            for path in unowned.iter().take(30) {
                let _ = writeln!(text, "#   {path}");
            }
            if unowned.len() > 30 {
                let _ = writeln!(text, "#   and {} more; `knockon check --all` lists them", unowned.len() - 30);
            }
        }
        text.push_str("\n# [project.\"path/or/name\"]\n# owners = [\"@team\"]\n# depends-on = [\"other-project\"]\n# inputs = [\"../../tools/**\"]\n");
        let path = top.join(FILE_NAME);
        let mut file =
            std::fs::OpenOptions::new().write(true).create_new(true).open(&path).map_err(|error| {
                match error.kind() {
                    std::io::ErrorKind::AlreadyExists => Failure::Usage(format!("{} is there already", path.display())),
                    _ => error.into(),
                }
            })?;
        file.write_all(text.as_bytes())?;
        self.output.answer(&format!("wrote {}\n", path.display()))?;
        Ok(Exit::Done)
    }
}
