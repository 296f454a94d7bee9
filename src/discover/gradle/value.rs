//! Values of a script as far as they are literal, and the folders that its words stand for.

use serde::{Deserialize, Serialize};

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Part {
    /// As written.
    Literal(String),
    /// A variable or a property, perhaps with dots.
    Name(String),
    /// What only a run of the script would tell.
    Computed,
}

/// A text in pieces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Value(pub Vec<Part>);

impl Value {
    /// A text that is known.
    pub fn literal(text: impl Into<String>) -> Self {
        Self(vec![Part::Literal(text.into())])
    }

    /// A text of which nothing is known.
    pub fn computed() -> Self {
        Self(vec![Part::Computed])
    }

    /// The text, if it is one literal.
    pub fn as_literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether a name is a piece of it.
    pub fn names(&self, wanted: &str) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Name(name) if name == wanted))
    }

    /// The same with a value in the place of a name.
    pub fn with(&self, name: &str, value: &Value) -> Value {
        let replaced = self.0.iter().flat_map(|part| match part {
            Part::Name(found) if found == name => value.0.clone(),
            part => vec![part.clone()],
        });
        Value(replaced.collect())
    }
}

/// What a path is relative to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Anchor {
    pub base: Base,
    /// How many folders above the base.
    pub above: u8,
}

/// A folder that a script has a word for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Base {
    /// The folder of the project that the script is run for; of a settings file, its own.
    Project,
    /// The root folder of the build.
    Root,
    /// The folder of the project with this path.
    Of(Value),
    /// What the build writes to: nothing of it is in a repository.
    Output,
}

impl Anchor {
    /// The folder of the project itself.
    pub fn project() -> Self {
        Self { base: Base::Project, above: 0 }
    }

    /// The folder that words such as `rootProject.projectDir` stand for, if they do.
    pub fn of_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        Self::beginning_at(None, words)
    }

    /// As [`Anchor::of_words`], where the words follow `project(path)`.
    pub fn beginning_at<'a>(start: Option<Base>, words: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut base = start;
        let (mut above, mut is_folder) = (0u8, base.is_some());
        for word in words {
            match word {
                "rootProject" | "rootDir" | "settingsDir" | "settingsDirectory" | "rootDirectory" => {
                    (base, is_folder) = (Some(Base::Root), true);
                }
                "projectDir" | "projectDirectory" | "layout" => {
                    (base, is_folder) = (base.or(Some(Base::Project)), true);
                }
                "project" | "this" => (base, is_folder) = (base.or(Some(Base::Project)), true),
                "parentFile" | "parent" if is_folder => above = above.saturating_add(1),
                "buildDir" | "buildDirectory" => (base, is_folder) = (Some(Base::Output), true),
                "settings" | "isolated" | "gradle" | "asFile" | "path" | "absolutePath" | "canonicalPath"
                | "absoluteFile" | "canonicalFile" | "toPath" | "toString" | "toFile" | "normalize" | "get" => {}
                _ => return None,
            }
        }
        base.map(|base| Self { base, above })
    }
}
