//! The engine that keeps a token in this process's memory and nowhere else: for test suites.
//!
//! A transaction collects its changes in an overlay that is merged into the map at commit, so that a body that fails
//! or panics leaves nothing behind.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use super::range::KeyRange;
use super::{Aborted, Body, Store, StoreError, Transaction, Visitor};
use crate::limits::STORE_WAIT_MS;

/// A token that ends with the process.
#[derive(Default)]
pub struct MemoryStore {
    committed: RwLock<BTreeMap<Vec<u8>, Vec<u8>>>,
    /// Held by the one transaction there may be.
    writing: Mutex<()>,
    generation: AtomicU64,
}

impl MemoryStore {
    /// An empty token.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Store for MemoryStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.committed.read().get(key).cloned())
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, visit: Visitor<'_>) -> Result<(), StoreError> {
        if let Some(range) = KeyRange::of(prefix, after) {
            visit_merged(&self.committed.read(), &BTreeMap::new(), &range, visit);
        }
        Ok(())
    }

    fn transact(&self, body: Body<'_>) -> Result<(), Aborted> {
        let wait = Duration::from_millis(STORE_WAIT_MS);
        let Some(_writing) = self.writing.try_lock_for(wait) else {
            let text = format!("another thread has been changing it for {STORE_WAIT_MS} ms");
            return Err(StoreError::Busy(text).into());
        };
        let mut transaction = MemoryTransaction { store: self, changes: BTreeMap::new() };
        body(&mut transaction)?;
        let changes = transaction.changes;
        if changes.is_empty() {
            return Ok(());
        }
        let mut committed = self.committed.write();
        for (key, change) in changes {
            match change {
                Some(value) => drop(committed.insert(key, value)),
                None => drop(committed.remove(&key)),
            }
        }
        // Still under the write lock: whoever sees the new number reads the new data.
        self.generation.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    fn compact(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn check(&self) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }
}

/// Changes of the open transaction: `None` is a removal.
type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

struct MemoryTransaction<'a> {
    store: &'a MemoryStore,
    changes: Changes,
}

impl Transaction for MemoryTransaction<'_> {
    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.changes.get(key) {
            Some(change) => Ok(change.clone()),
            None => self.store.get(key),
        }
    }

    fn scan(&mut self, prefix: &[u8], after: Option<&[u8]>, visit: Visitor<'_>) -> Result<(), StoreError> {
        if let Some(range) = KeyRange::of(prefix, after) {
            visit_merged(&self.store.committed.read(), &self.changes, &range, visit);
        }
        Ok(())
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.changes.insert(key.to_vec(), Some(value.to_vec()));
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), StoreError> {
        self.changes.insert(key.to_vec(), None);
        Ok(())
    }
}

/// Visits `committed` as `changes` leave it.
fn visit_merged(committed: &BTreeMap<Vec<u8>, Vec<u8>>, changes: &Changes, range: &KeyRange, visit: Visitor<'_>) {
    let upper = range.upper.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
    let bounds = (Bound::Included(range.lower.as_slice()), upper);
    let mut old = committed.range::<[u8], _>(bounds).peekable();
    let mut new = changes.range::<[u8], _>(bounds).peekable();
    loop {
        let changed_next = match (old.peek(), new.peek()) {
            (None, None) => return,
            (Some(_), None) => false,
            (None, Some(_)) => true,
            (Some((old_key, _)), Some((new_key, _))) => new_key <= old_key,
        };
        let pair = if changed_next {
            let Some((key, change)) = new.next() else { return };
            // A change hides what was there before.
            old.next_if(|(old_key, _)| *old_key == key);
            change.as_ref().map(|value| (key, value))
        } else {
            old.next()
        };
        if let Some((key, value)) = pair
            && visit(key, value) == ControlFlow::Break(())
        {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::MemoryStore;

    crate::store::conformance::suite!(|| Arc::new(MemoryStore::new()));
}
