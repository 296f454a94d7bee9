//! What is wrong with a value, before its place is known.

use crate::diagnostic::{Diagnostic, Place};

/// A value that can't be read, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake {
    /// The code of the diagnostic that it becomes.
    pub(super) code: &'static str,
    /// What is wrong.
    pub(super) message: String,
    /// What to write instead.
    pub(super) help: String,
}

impl Mistake {
    /// A mistake with its mend.
    pub(super) fn new(code: &'static str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: help.into() }
    }

    /// The error that it is at a place.
    pub(super) fn at(self, place: Place) -> Diagnostic {
        Diagnostic::error(self.code, self.message).at_place(place).help(self.help)
    }
}

/// The known word that is nearest to a mistyped one, if any is near enough to be meant.
pub(super) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word.to_lowercase(), candidate), *candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(3) / 3)
        .min()
        .map(|(_, candidate)| candidate)
}

/// A list of words for a sentence.
pub(super) fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_near() {
        let known = ["inputs", "outputs", "depends-on", "env"];
        assert_eq!(nearest("ouputs", &known), Some("outputs"));
        assert_eq!(nearest("dependsOn", &known), Some("depends-on"));
        assert_eq!(nearest("depends_on", &known), Some("depends-on"));
        assert_eq!(nearest("evn", &known), Some("env"));
        assert_eq!(nearest("cache", &known), None);
        // A pasted text must not cost the square of its length.
        assert_eq!(nearest(&"x".repeat(200_000), &known), None);
    }
}
