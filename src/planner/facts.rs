//! What folders hold and manifests say, kept between runs: most of it is the same in every tree of a repository.

use super::{Planner, WORTH_KEEPING};
use crate::discover;

/// The kind of item in the memo that holds surveys and facts, and the name of the only one.
const FACTS: &str = "facts";
const NAME: &str = "all";

impl Planner {
    /// Takes up what an earlier run kept, once. Whatever is wrong with it is no more than a reason to read it again.
    pub(super) fn recall_facts(&self) {
        self.recalls_facts.call_once(|| {
            let kept = || -> Option<()> {
                let item = self.memo.as_ref()?.item(FACTS, NAME)?;
                discover::recall(&self.surveys, &self.facts, item.part(0)?, item.part(1)?).ok()
            };
            let _ = kept();
        });
    }

    /// Keeps what is known, if enough of it is new.
    pub(super) fn keep_facts(&self) {
        let Some(memo) = &self.memo else { return };
        if discover::news(&self.surveys, &self.facts) < WORTH_KEEPING {
            return;
        }
        if let Some([index, body]) = discover::kept(&self.surveys, &self.facts) {
            // A memo that cannot be written leaves things as slow as they are.
            let _ = memo.keep(FACTS, NAME, &[&index, &body]);
        }
    }
}
