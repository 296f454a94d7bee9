//! What folders hold and manifests say, kept between runs: most of it is the same in every tree of a repository.

use super::{Planner, WORTH_KEEPING};
use crate::discover::{self, KeptParts};

/// The kind of item in the memo that holds surveys and facts, and the name of the only one.
const FACTS: &str = "facts";
const NAME: &str = "all";

impl Planner {
    /// Takes up what an earlier run kept, once. Whatever is wrong with it is no more than a reason to read it again.
    pub(super) fn recall_facts(&self) {
        self.recalls_facts.call_once(|| {
            let kept = || -> Option<()> {
                let item = self.memo.as_ref()?.item(FACTS, NAME)?;
                let parts = [item.part(0)?, item.part(1)?, item.part(2)?];
                discover::recall(&self.surveys, &self.facts, parts).ok()
            };
            let _ = kept();
        });
    }

    /// Keeps what is known, if enough of it is new. Gives what was kept.
    pub(super) fn keep_facts(&self) -> Option<KeptParts> {
        let memo = self.memo.as_ref()?;
        if discover::news(&self.surveys, &self.facts) < WORTH_KEEPING {
            return None;
        }
        let parts = discover::kept(&self.surveys, &self.facts)?;
        // A memo that cannot be written leaves things as slow as they are.
        let _ = memo.keep(FACTS, NAME, &parts.each_ref().map(Vec::as_slice));
        Some(parts)
    }

    /// Lets go of what can be had from what was kept, and of folders: joining claims needs the most room. Where little was
    /// new the next tree is likely to ask for the same again.
    pub(super) fn make_room(&self, kept: Option<KeptParts>) {
        if let Some(parts) = kept {
            self.repository.forget_folders();
            let _ = discover::recall(&self.surveys, &self.facts, parts);
        }
    }

    /// Closes packs if much of them was read. Folders lie beside each other in a pack, and so do manifests: what was read
    /// of one kind is not asked for again.
    pub(super) fn close_packs(&self) {
        if discover::news(&self.surveys, &self.facts) >= WORTH_KEEPING {
            self.repository.close_packs();
        }
    }
}
