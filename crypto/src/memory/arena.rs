//! Where small secrets live: blocks of a few sizes, carved from spans of locked pages.
//!
//! Threads are spread over shards, each with its own lock, so that two of them seldom meet. A span belongs to one
//! shard for ever and a block goes back to the shard of its span. Free blocks are zero except for the link to the
//! next one, so a new block needs no clearing.
//!
//! All bookkeeping, locks included, is in memory that a fork wipes, and so are the spans: the child sees an arena
//! without spans and starts its own. A block it inherited has a span without an owner; releasing it does nothing.

use std::cell::Cell;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::lock::Locked;
use super::pages::{self, Mapping, Purpose, Wiped, ZeroIsFresh};
use super::wipe;
use crate::Error;

/// A zeroed block of at least `len` bytes (`len` > 0), aligned to 64 bytes, or to its class where that is less.
#[inline]
pub(super) fn allocate(len: usize) -> Result<NonNull<u8>, Error> {
    let Some(class) = class_of(len) else {
        return allocate_large(len);
    };
    let arena = ARENA.current()?;
    let shard_index = thread_shard();
    let mut shard = arena.shards[shard_index].state.lock();
    if let Some(block) = shard.pop(class) {
        return Ok(block);
    }
    if !shard.fits(class) {
        let span = new_span(arena, shard_index)?;
        shard.adopt(span);
    }
    Ok(shard.carve(class))
}

/// Wipes and frees a block.
///
/// # Safety
///
/// `block` came from [`allocate`] with the same `len`, in this process or in one it was forked from, and is not used
/// again.
#[inline]
pub(super) unsafe fn release(block: NonNull<u8>, len: usize) {
    let Some(class) = class_of(len) else {
        // SAFETY: promised by the caller.
        return unsafe { release_large(block, len) };
    };
    // SAFETY: `len` bytes of the block are ours until it is freed below.
    wipe(unsafe { std::slice::from_raw_parts_mut(block.as_ptr(), len) });
    // SAFETY: every block of a class lies in a span, which starts at a multiple of its length and is never unmapped.
    let span = unsafe { &*((block.as_ptr() as usize & !(SPAN_LEN - 1)) as *const SpanHeader) };
    // A fork has cleared the header, or (where pages cannot be wiped) this process has an arena of its own.
    if let Ok(arena) = ARENA.current()
        && ptr::eq(span.arena, arena)
    {
        arena.shards[span.shard].state.lock().push(class, block);
    }
}

/// The shards of one process.
struct Arena {
    shards: [Shard; SHARDS],
}

/// Apart from its neighbours' cache lines.
#[repr(C, align(128))]
struct Shard {
    state: Locked<ShardState>,
}

/// Free blocks per class, and the part of the newest span that is still in one piece.
struct ShardState {
    free: [*mut FreeBlock; CLASSES],
    next: *mut u8,
    left: usize,
}

struct FreeBlock {
    next: *mut FreeBlock,
}

/// At the start of each span. Written once, before the first block of the span is handed out.
#[repr(C, align(64))]
struct SpanHeader {
    arena: *const Arena,
    shard: usize,
}

// SAFETY: the pointers lead to spans, which are never unmapped, and only the holder of the lock follows them.
unsafe impl Send for ShardState {}
// SAFETY: null lists, nothing left to carve and a free lock: an arena without spans.
unsafe impl ZeroIsFresh for Arena {}

impl ShardState {
    #[inline]
    fn pop(&mut self, class: usize) -> Option<NonNull<u8>> {
        let block = NonNull::new(self.free[class])?;
        // SAFETY: blocks in the list are free, large enough and aligned for the link; clearing it makes them all zero.
        unsafe {
            self.free[class] = block.as_ref().next;
            block.write(FreeBlock { next: ptr::null_mut() });
        }
        Some(block.cast())
    }

    #[inline]
    fn push(&mut self, class: usize, block: NonNull<u8>) {
        let block = block.cast::<FreeBlock>();
        // SAFETY: the block is free, wiped, at least 16 bytes and aligned to 16.
        unsafe { block.write(FreeBlock { next: self.free[class] }) };
        self.free[class] = block.as_ptr();
    }

    /// Whether the uncarved part can give a block of the class. Blocks start at multiples of 64, or of their length
    /// if that is less.
    fn fits(&self, class: usize) -> bool {
        self.left >= self.padding(class) + class_len(class)
    }

    fn padding(&self, class: usize) -> usize {
        (self.next as usize).wrapping_neg() & (alignment(class) - 1)
    }

    /// Takes a block off the uncarved part, after [`ShardState::fits`].
    fn carve(&mut self, class: usize) -> NonNull<u8> {
        self.split_small(self.padding(class));
        let block = self.next;
        self.left -= class_len(class);
        // SAFETY: `fits` has checked that the uncarved part holds the block, so both pointers stay inside the span.
        unsafe {
            self.next = block.add(class_len(class));
            NonNull::new_unchecked(block)
        }
    }

    /// Turns the first `len` bytes of the uncarved part (a multiple of 16) into free blocks.
    fn split_small(&mut self, mut len: usize) {
        while let Some(class) = (0..CLASSES).rev().find(|class| class_len(*class) <= len && self.padding(*class) == 0) {
            // SAFETY: the block lies in the uncarved part, as `len` is not more than what is left.
            unsafe {
                let block = NonNull::new_unchecked(self.next);
                self.next = self.next.add(class_len(class));
                self.push(class, block);
            }
            self.left -= class_len(class);
            len -= class_len(class);
        }
    }

    /// Carves up the rest of the span so far and goes on with a new one.
    fn adopt(&mut self, span: NonNull<u8>) {
        self.split_small(self.left);
        // SAFETY: the header is at the start of the span, the blocks follow it.
        self.next = unsafe { span.as_ptr().add(size_of::<SpanHeader>()) };
        self.left = SPAN_LEN - size_of::<SpanHeader>();
    }
}

#[cold]
fn new_span(arena: &'static Arena, shard: usize) -> Result<NonNull<u8>, Error> {
    let span = Mapping::new_aligned(SPAN_LEN, Purpose::Secrets)?.leak();
    // SAFETY: the mapping is fresh, page aligned and longer than the header.
    unsafe { span.cast::<SpanHeader>().write(SpanHeader { arena, shard }) };
    Ok(span)
}

/// In front of a block that has a mapping of its own.
#[repr(C, align(64))]
struct LargeHeader {
    mapped_len: usize,
    locked: bool,
}

#[cold]
fn allocate_large(len: usize) -> Result<NonNull<u8>, Error> {
    let wanted = len.checked_add(size_of::<LargeHeader>()).filter(|len| *len <= LARGEST).ok_or(Error::Memory)?;
    let mapping = Mapping::new(wanted, Purpose::Secrets)?;
    let header = LargeHeader { mapped_len: mapping.len(), locked: mapping.locked() };
    let start = mapping.leak();
    // SAFETY: the mapping is fresh, page aligned and holds the header and `len` bytes behind it.
    unsafe {
        start.cast::<LargeHeader>().write(header);
        Ok(start.add(size_of::<LargeHeader>()))
    }
}

/// # Safety
///
/// As [`release`], for a length over the largest class.
#[cold]
unsafe fn release_large(block: NonNull<u8>, len: usize) {
    // SAFETY: the block has `len` bytes, and the header lies in front of it in the same mapping. After a fork it reads
    // zero, but the mapping still covers the block: its extent follows from `len`, which rounds up to whole pages.
    unsafe {
        wipe(std::slice::from_raw_parts_mut(block.as_ptr(), len));
        let start = block.sub(size_of::<LargeHeader>());
        let header = start.cast::<LargeHeader>().read();
        if header.mapped_len != 0 {
            pages::forget_secrets(header.mapped_len, header.locked);
        }
        pages::unmap(start, len + size_of::<LargeHeader>());
    }
}

/// The class of a length, or none for a block with a mapping of its own.
#[inline(always)]
fn class_of(len: usize) -> Option<usize> {
    if len <= SMALLEST {
        Some(0)
    } else if len <= LARGEST_CLASS {
        Some((usize::BITS - (len - 1).leading_zeros()) as usize - SMALLEST.ilog2() as usize)
    } else {
        None
    }
}

#[inline(always)]
const fn class_len(class: usize) -> usize {
    SMALLEST << class
}

#[inline(always)]
const fn alignment(class: usize) -> usize {
    if class_len(class) < 64 { class_len(class) } else { 64 }
}

/// The shard of this thread: the next one in turn at the thread's first use. Needs no destructor.
#[inline]
fn thread_shard() -> usize {
    thread_local!(static SHARD: Cell<usize> = const { Cell::new(usize::MAX) });
    SHARD.with(|shard| {
        if shard.get() == usize::MAX {
            static NEXT: AtomicUsize = AtomicUsize::new(0);
            shard.set(NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
        }
        shard.get()
    })
}

static ARENA: Wiped<Arena> = Wiped::new();

const SHARDS: usize = 8;
const SMALLEST: usize = 16;
const LARGEST_CLASS: usize = 4096;
/// 16, 32, ... 4096.
const CLASSES: usize = (LARGEST_CLASS / SMALLEST).ilog2() as usize + 1;
/// Lengths stay far enough from `isize::MAX` for pointer arithmetic.
const LARGEST: usize = isize::MAX as usize - 65_536;
/// Small, because common limits on locked memory are as low as 64 KiB; at least a page of the machines with large ones.
const SPAN_LEN: usize = if cfg!(any(target_arch = "aarch64", target_arch = "powerpc64")) { 65_536 } else { 32_768 };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_cover_every_length() {
        assert_eq!(CLASSES, 9);
        for len in 1..=LARGEST_CLASS {
            let class = class_of(len).expect("a class");
            assert!(class_len(class) >= len);
            assert!(class == 0 || class_len(class - 1) < len);
        }
        assert_eq!(class_of(LARGEST_CLASS + 1), None);
    }

    #[test]
    fn blocks_are_aligned_disjoint_and_zero() {
        let lens: Vec<usize> =
            (0..6000).map(|i| [1, 16, 17, 32, 48, 64, 100, 244, 300, 1000, 2400, 4096, 4097][i % 13]).collect();
        let blocks: Vec<(NonNull<u8>, usize)> =
            lens.iter().map(|len| (allocate(*len).expect("memory"), *len)).collect();
        for (index, (block, len)) in blocks.iter().enumerate() {
            let class_len = class_of(*len).map_or(4096, class_len);
            assert_eq!(block.as_ptr() as usize % class_len.min(64), 0);
            // SAFETY: the block is allocated and has `len` bytes.
            let bytes = unsafe { std::slice::from_raw_parts_mut(block.as_ptr(), *len) };
            assert!(bytes.iter().all(|byte| *byte == 0));
            bytes.fill(index as u8 | 1);
        }
        for (index, (block, len)) in blocks.iter().enumerate() {
            // SAFETY: as above; then the block is freed once, with its length.
            unsafe {
                let bytes = std::slice::from_raw_parts(block.as_ptr(), *len);
                assert!(bytes.iter().all(|byte| *byte == index as u8 | 1));
                release(*block, *len);
            }
        }
        for len in lens {
            let block = allocate(len).expect("memory");
            // SAFETY: as above.
            unsafe {
                assert!(std::slice::from_raw_parts(block.as_ptr(), len).iter().all(|byte| *byte == 0));
                release(block, len);
            }
        }
    }

    #[test]
    fn impossible_lengths_are_errors() {
        for len in [usize::MAX, isize::MAX as usize, isize::MAX as usize - 65_536] {
            assert_eq!(allocate(len).err(), Some(Error::Memory));
        }
    }

    #[test]
    fn a_child_does_not_wait_for_locks_that_were_held_at_the_fork() {
        let arena = ARENA.current().expect("memory");
        let guards: Vec<_> = arena.shards.iter().map(|shard| shard.state.lock()).collect();
        crate::memory::testing::check_in_child(|| {
            (1..5000).step_by(7).all(|len| {
                allocate(len).is_ok_and(|block| {
                    // SAFETY: the block was allocated with this length and is freed once.
                    unsafe { release(block, len) };
                    true
                })
            })
        });
        drop(guards);
    }
}
