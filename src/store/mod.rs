//! What is kept between runs. A fault in it costs time and never changes an answer.

#[cfg(unix)]
mod cache;
#[cfg(unix)]
mod elsewhere;
mod ledger;
mod memo;
#[cfg(all(unix, feature = "remote"))]
mod remote;
mod run_history;
mod run_record;

#[cfg(unix)]
pub use cache::{
    Cache, CacheContents, CacheError, Ending, Kept, Outputs, PreparedResult, Pruned, Restored, ResultKey, StoredResult,
    Verified, overlapping,
};
#[cfg(unix)]
pub use elsewhere::Elsewhere;
pub use ledger::{Ledger, Record, TaskResult, is_whole, shorten};
pub use memo::{Contents, Item, Memo};
#[cfg(all(unix, feature = "remote"))]
pub(crate) use remote::reapi;
#[cfg(all(unix, feature = "remote"))]
pub use remote::{Namespace, NoKey, PublicKey, RemoteCache, RemoteError, SetupError, Signer, Trust};
pub use run_history::RunSummary;
pub use run_record::{HERE, Outcome, RunRecord, TaskRecord};
