//! What folders hold and manifests say, kept between runs: most of it is the same in every tree of a repository.

use std::sync::atomic::Ordering;

use super::{Planner, WORTH_KEEPING};
use crate::discover;

/// The kind of item in the memo that holds surveys and facts, and the name of the only one.
const FACTS: &str = "facts";
const NAME: &str = "all";

impl Planner {
    /// Takes up what was kept, by an earlier run or for an earlier tree. Whatever is wrong with it is no more than a reason
    /// to read it again.
    pub(super) fn recall_facts(&self) {
        if self.has_recalled_facts.swap(true, Ordering::Relaxed) {
            return;
        }
        let kept = || -> Option<()> {
            let item = self.memo.as_ref()?.item(FACTS, NAME)?;
            let parts = [item.part(0)?, item.part(1)?, item.part(2)?];
            discover::recall(&self.surveys, &self.facts, parts).ok()
        };
        let _ = kept();
    }

    /// Keeps what is known, if enough of it is new, and lets go of it until the next tree asks for it: joining claims needs
    /// the most room.
    pub(super) fn keep_facts(&self) {
        let Some(memo) = self.memo.as_ref().filter(|_| self.is_much_new()) else { return };
        let keep = |with_unused| {
            memo.keep(FACTS, NAME, |parts| discover::keep(&self.surveys, &self.facts, with_unused, parts)).is_ok()
        };
        // A memo that cannot be written leaves things as slow as they are.
        if keep(true) || keep(false) {
            discover::forget(&self.surveys, &self.facts);
            self.has_recalled_facts.store(false, Ordering::Relaxed);
        }
    }

    /// Closes packs and forgets folders where much of them was read: few are asked for again.
    pub(super) fn make_room(&self, much_was_read: bool) {
        if much_was_read {
            self.repository.close_packs();
            self.repository.forget_folders();
        }
    }

    /// Whether much was read that nobody knew.
    pub(super) fn is_much_new(&self) -> bool {
        discover::news(&self.surveys, &self.facts) >= WORTH_KEEPING
    }
}
