//! How an engine folds a part of a log, and how it is kept from taking commands from it.

use super::provider::{Provider, Variables};

/// How a log is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogReader {
    /// By people alone.
    People,
    /// By GitHub, or what follows it.
    GitHub,
    /// By Azure Pipelines.
    Azure,
    /// By GitLab.
    GitLab,
    /// By Buildkite.
    Buildkite,
}

impl LogReader {
    /// The reader of the log of a run in this environment.
    pub fn of(variables: &Variables) -> Self {
        match variables.providers()[..] {
            [Provider::GitHub] => Self::GitHub,
            [Provider::Azure] => Self::Azure,
            [Provider::GitLab] => Self::GitLab,
            [Provider::Buildkite] => Self::Buildkite,
            _ => Self::People,
        }
    }

    /// Whether anything is folded.
    pub fn folds(self) -> bool {
        self != Self::People
    }

    /// The line before a part with a number and a title that nothing steers. `now` is in seconds since 1970.
    pub fn begin(self, number: usize, title: &str, now: u64) -> String {
        match self {
            Self::People => String::new(),
            Self::GitHub => format!("::group::{title}\n"),
            Self::Azure => format!("##[group]{title}\n"),
            Self::GitLab => format!("\x1b[0Ksection_start:{now}:knockon_{number}[collapsed=true]\r\x1b[0K{title}\n"),
            Self::Buildkite => format!("--- {title}\n"),
        }
    }

    /// The line after it.
    pub fn end(self, number: usize, now: u64) -> String {
        match self {
            Self::People | Self::Buildkite => String::new(),
            Self::GitHub => "::endgroup::\n".to_owned(),
            Self::Azure => "##[endgroup]\n".to_owned(),
            Self::GitLab => format!("\x1b[0Ksection_end:{now}:knockon_{number}\r\x1b[0K\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_engine_folds_in_its_own_words() {
        let reader = |name: &str| LogReader::of(&Variables::new([(name.to_owned(), "true".to_owned())]));
        let parts = ["GITHUB_ACTIONS", "TF_BUILD", "GITLAB_CI", "BUILDKITE", "OTHER"].map(|name| {
            let reader = reader(name);
            assert_eq!(reader.folds(), name != "OTHER");
            reader.begin(3, "a:test", 7) + "|" + &reader.end(3, 8)
        });
        assert_eq!(
            parts,
            [
                "::group::a:test\n|::endgroup::\n",
                "##[group]a:test\n|##[endgroup]\n",
                "\x1b[0Ksection_start:7:knockon_3[collapsed=true]\r\x1b[0Ka:test\n|\x1b[0Ksection_end:8:knockon_3\r\x1b[0K\n",
                "--- a:test\n|",
                "|",
            ]
        );
    }
}
