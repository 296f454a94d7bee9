//! What is known by key, whether found in this run or kept by an earlier one.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;

use super::Entries;

/// What is known by key.
pub(in crate::discover) type Known<K, V> = HashMap<K, V, RandomState>;

/// Values by what they are a function of: what two trees share is worked out once.
pub struct Memo<K, V> {
    known: Mutex<Known<K, V>>,
    kept: Mutex<Option<Arc<Entries>>>,
    news: AtomicUsize,
}

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self { known: Mutex::default(), kept: Mutex::default(), news: AtomicUsize::default() }
    }
}

impl<K: Eq + std::hash::Hash, V> Memo<K, V> {
    /// Adds what was worked out.
    pub(in crate::discover) fn put(&self, key: K, value: V) {
        self.news.fetch_add(1, Ordering::Relaxed);
        self.known().insert(key, value);
    }

    pub(in crate::discover) fn known(&self) -> MutexGuard<'_, Known<K, V>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes up what was kept, instead of what is known in its own form.
    pub(super) fn recall(&self, kept: Entries) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(kept));
        *self.known() = HashMap::default();
    }

    /// Forgets what is known and what was kept.
    pub(super) fn forget(&self) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = None;
        *self.known() = HashMap::default();
        self.forget_news();
    }

    pub(in crate::discover) fn kept(&self) -> Option<Arc<Entries>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How much was put in since the last [`Memo::forget_news`].
    pub(super) fn news(&self) -> usize {
        self.news.load(Ordering::Relaxed)
    }

    pub(super) fn forget_news(&self) {
        self.news.store(0, Ordering::Relaxed);
    }
}
