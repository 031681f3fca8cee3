//! Objects kept in memory between uses, by number, and how sure we are that they are current.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;

use crate::limits::CACHED_OBJECTS_MAX;
use crate::object::Object;

/// A sharded map from numbers of objects or sessions.
pub struct Numbered<T> {
    shards: [RwLock<HashMap<u64, T, NumberHash>>; SHARDS],
}

/// Hashes numbers that we give ourselves.
pub type NumberHash = BuildHasherDefault<NumberHasher>;

const SHARDS: usize = 16;

/// Spreads small consecutive numbers; they are our own, so nobody can choose them to collide.
#[derive(Default)]
pub struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Numbered { shards: Default::default() }
    }
}

impl<T: Clone> Numbered<T> {
    /// What is kept under `number`.
    pub fn get(&self, number: u64) -> Option<T> {
        self.shard(number).read().get(&number).cloned()
    }

    /// Keeps `value` under `number`.
    pub fn insert(&self, number: u64, value: T) {
        self.shard(number).write().insert(number, value);
    }

    /// Forgets what is under `number`, and returns it.
    pub fn remove(&self, number: u64) -> Option<T> {
        self.shard(number).write().remove(&number)
    }

    /// Replaces what is under `number` if it is what `expected` wants.
    pub fn replace_if(&self, number: u64, value: T, expected: impl FnOnce(&T) -> bool) -> bool {
        match self.shard(number).write().get_mut(&number) {
            Some(kept) if expected(kept) => {
                *kept = value;
                true
            }
            _ => false,
        }
    }

    /// Forgets all that `keep` does not want.
    pub fn retain(&self, mut keep: impl FnMut(&T) -> bool) {
        for shard in &self.shards {
            shard.write().retain(|_, value| keep(value));
        }
    }

    /// Visits everything.
    pub fn for_each(&self, mut visit: impl FnMut(u64, &T)) {
        for shard in &self.shards {
            for (number, value) in shard.read().iter() {
                visit(*number, value);
            }
        }
    }

    fn shard(&self, number: u64) -> &RwLock<HashMap<u64, T, NumberHash>> {
        &self.shards[number as usize % SHARDS]
    }
}

/// Opened token objects.
#[derive(Default)]
pub(super) struct ObjectCache {
    objects: Numbered<Arc<Cached>>,
}

/// One opened object.
pub(super) struct Cached {
    /// The object.
    pub object: Arc<Object>,
    /// The revision of its record.
    pub revision: u64,
    seen: AtomicU64,
}

/// No generation: what was just written must be looked at once more before it is trusted.
pub const UNSEEN: u64 = u64::MAX;

impl Cached {
    /// An object with the revision of its record, compared with the store at `generation`.
    pub(super) fn new(object: Arc<Object>, revision: u64, generation: u64) -> Cached {
        Cached { object, revision, seen: AtomicU64::new(generation) }
    }

    /// Whether the store has not changed since the object was last compared with it.
    pub(super) fn is_current(&self, generation: u64) -> bool {
        self.seen.load(Ordering::Acquire) == generation
    }

    /// Notes that the object was compared with the store at `generation`.
    pub(super) fn mark_current(&self, generation: u64) {
        self.seen.store(generation, Ordering::Release);
    }
}

impl ObjectCache {
    /// The object, if it is kept.
    pub(super) fn get(&self, number: u64) -> Option<Arc<Cached>> {
        self.objects.get(number)
    }

    /// Keeps an object. When a shard is full it starts anew: the store has everything.
    pub(super) fn insert(&self, number: u64, cached: Arc<Cached>) {
        let mut shard = self.objects.shard(number).write();
        if shard.len() >= CACHED_OBJECTS_MAX / SHARDS {
            shard.clear();
        }
        shard.insert(number, cached);
    }

    /// Forgets an object.
    pub(super) fn remove(&self, number: u64) {
        self.objects.remove(number);
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        self.objects.retain(|_| false);
    }
}
