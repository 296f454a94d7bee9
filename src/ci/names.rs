//! Names for jobs within the grammar of each engine: readable, each once, and the same in every run.

use std::collections::{BTreeMap, BTreeSet};

use super::{Job, JobEnvironment, JobGraph};

/// What an engine allows as the name of a job.
#[derive(Debug, Clone, Copy)]
pub struct Grammar {
    /// Which signs a name may have besides ASCII letters and digits.
    pub signs: &'static str,
    /// What stands for a sign that it may not have: one of `signs`.
    pub filler: char,
    /// Whether it may begin with a digit.
    pub digit_first: bool,
    /// Whether capital letters are none.
    pub lower: bool,
    /// The most characters.
    pub longest: usize,
}

/// Digits of a digest that tell two names apart; more of them where that is not enough.
const DIGITS: [usize; 4] = [0, 8, 16, 32];

impl Grammar {
    /// A name for each of some ids that differ. `taken` are names that other jobs have.
    ///
    /// A name has a few digits of the id's digest behind it where its id had signs that one would not expect, is too
    /// long, or would be called as another is. Engines that tell no capitals apart are thought of everywhere.
    pub fn names<I: AsRef<[u8]>>(&self, ids: &[I], taken: &[&str]) -> Vec<String> {
        let mut steps: Vec<usize> = ids.iter().map(|id| usize::from(!self.is_plain(id.as_ref()))).collect();
        loop {
            let names: Vec<String> =
                ids.iter().zip(&steps).map(|(id, step)| self.name(id.as_ref(), DIGITS[*step])).collect();
            let mut by_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
            for (at, name) in names.iter().enumerate() {
                by_name.entry(name.to_ascii_lowercase()).or_default().push(at);
            }
            let taken: BTreeSet<String> = taken.iter().map(|name| name.to_ascii_lowercase()).collect();
            let unclear = by_name.iter().filter(|(name, at)| at.len() > 1 || taken.contains(*name));
            let mut again = false;
            for at in unclear.flat_map(|(_, at)| at) {
                // The whole digest is never that of another id.
                again |= steps[*at] + 1 < DIGITS.len();
                steps[*at] = (steps[*at] + 1).min(DIGITS.len() - 1);
            }
            if !again {
                return names;
            }
        }
    }

    /// The names of jobs, and of what asks for the approval of those that need one.
    pub fn with_approvals(&self, graph: &JobGraph, taken: &[&str]) -> (Vec<String>, BTreeMap<usize, String>) {
        let approved = |(_, job): &(usize, &Job)| JobEnvironment::needs_approval(job.environment.as_ref());
        let approved: Vec<usize> = graph.jobs.iter().enumerate().filter(approved).map(|(at, _)| at).collect();
        let mut ids = graph.ids();
        for &at in &approved {
            ids.push([b"approve:", &ids[at][..]].concat());
        }
        let mut names = self.names(&ids, taken);
        let approvals = names.split_off(graph.jobs.len());
        (names, approved.into_iter().zip(approvals).collect())
    }

    fn allows(&self, byte: u8) -> bool {
        (byte.is_ascii_alphanumeric() && !(self.lower && byte.is_ascii_uppercase()))
            || self.signs.as_bytes().contains(&byte)
    }

    /// Whether an id becomes a name without more than what every id has to go through.
    fn is_plain(&self, id: &[u8]) -> bool {
        let expected = |byte: u8| byte.is_ascii_alphanumeric() || b"/:._-".contains(&byte);
        id.len() < self.longest && id.iter().all(|&byte| expected(byte))
    }

    fn name(&self, id: &[u8], digits: usize) -> String {
        let room = self.longest - if digits > 0 { digits + 1 } else { 0 };
        let mut name = String::new();
        for &byte in id {
            let byte = if self.lower { byte.to_ascii_lowercase() } else { byte };
            let c = if self.allows(byte) { char::from(byte) } else { self.filler };
            let is_first_allowed = c.is_ascii_alphabetic() || (self.digit_first && c.is_ascii_digit());
            if name.is_empty() && !is_first_allowed {
                // A digit is worth keeping; a sign in front says nothing.
                if c.is_ascii_digit() {
                    name.push('n');
                } else {
                    continue;
                }
            }
            // Of a row of one sign the first will do; two colons might be a command.
            if c.is_ascii_alphanumeric() || !name.ends_with(c) {
                name.push(c);
            }
        }
        name.truncate(room);
        name.truncate(name.trim_end_matches(|c: char| !c.is_ascii_alphanumeric()).len());
        if name.is_empty() {
            name.push('n');
        }
        if digits > 0 {
            name.push(self.filler);
            name.push_str(&blake3::hash(id).to_hex()[..digits]);
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LABEL: Grammar = Grammar { signs: "-", filler: '-', digit_first: false, lower: true, longest: 63 };
    const WORD: Grammar = Grammar { signs: "_", filler: '_', digit_first: false, lower: false, longest: 100 };

    #[test]
    fn names_can_be_read() {
        assert_eq!(
            LABEL.names(&["src/shipping/delivery:build", ".:test", "1st:a"], &[]),
            ["src-shipping-delivery-build", "test", "n1st-a"]
        );
        assert_eq!(WORD.names(&["src/shipping/delivery:build"], &[]), ["src_shipping_delivery_build"]);
    }

    #[test]
    fn names_that_would_be_one_are_told_apart_whatever_their_order() {
        let forth = LABEL.names(&["a/b:c", "a-b:c", "A/B:c", "d:e"], &["d-e"]);
        assert_eq!(forth.iter().collect::<BTreeSet<_>>().len(), 4, "{forth:?}");
        assert!(forth.iter().all(|name| name.len() == "a-b-c-".len() + 8 || name.starts_with("d-e-")), "{forth:?}");
        let mut back = LABEL.names(&["d:e", "A/B:c", "a-b:c", "a/b:c"], &["d-e"]);
        back.reverse();
        assert_eq!(forth, back);
        // A name that looks like another with its digits.
        let names = LABEL.names(&["a/b:c", "a-b:c", forth[0].as_str()], &[]);
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), 3, "{names:?}");
    }

    proptest! {
        #[test]
        fn every_name_is_within_the_grammar_and_there_once(
            ids in prop::collection::btree_set(prop::collection::vec(prop::sample::select(b"aB1/-_.: \xff\xf0$".to_vec()), 0..9), 1..30),
            long in 0..200_usize,
        ) {
            let mut ids: Vec<Vec<u8>> = ids.into_iter().collect();
            ids.push([b"x".repeat(long), b":y".to_vec()].concat());
            for grammar in [LABEL, WORD] {
                let names = grammar.names(&ids, &["knockon"]);
                let told: BTreeSet<String> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
                prop_assert_eq!(told.len(), ids.len());
                for name in &names {
                    prop_assert!(!name.is_empty() && name.len() <= grammar.longest);
                    prop_assert!(name.bytes().all(|byte| grammar.allows(byte)) && name.as_bytes()[0].is_ascii_alphabetic());
                    prop_assert!(name.ends_with(|c: char| c.is_ascii_alphanumeric()));
                }
            }
        }
    }
}
