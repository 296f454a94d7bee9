//! What a run asks of results elsewhere; whether this build can speak to any server is another question.

use super::cache::{Cache, Kept, Outputs, ResultKey};

/// Results of others. Whatever goes wrong with them costs time, and is told when all is over.
pub trait Elsewhere: Sync {
    /// Looks for a result, and takes it into the cache; says where it was found.
    fn fetch(&self, cache: &Cache, key: &ResultKey, outputs: &[Outputs<'_>]) -> Option<String>;

    /// Sends a result that the cache has, and says what became of it; nothing where it was not sent.
    fn send(&self, cache: &Cache, key: &ResultKey) -> Option<Kept>;

    /// Whether results are sent at all.
    fn takes_results(&self) -> bool;

    /// What went wrong.
    fn told(&self) -> Vec<String>;
}
