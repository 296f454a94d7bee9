//! What is kept between runs. A fault in it costs time and never changes an answer.

mod ledger;
mod memo;
mod run_record;

pub use ledger::{Ledger, Record, TaskResult, is_whole};
pub use memo::{Contents, Item, Memo};
pub use run_record::{Outcome, RunRecord, TaskRecord};
