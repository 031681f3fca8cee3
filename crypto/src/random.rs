//! Random numbers: fast for a nonce, fast for a megabyte, different in every process.
//!
//! Each of a few shards has a ChaCha20 generator that the operating system seeds and reseeds. Small draws come from a
//! buffer whose drawn part is wiped; at each refill the first bytes of the new buffer replace the key, so a later look
//! at the state tells nothing about earlier draws. Large draws are an AES-256-CTR keystream under a key drawn from the
//! same generator.
//!
//! The state lies in pages that a fork clears, and a cleared generator seeds itself afresh: parent and child never
//! share a stream.

use std::cell::Cell;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use aws_lc_sys::{
    AES_KEY, AES_ctr128_encrypt, AES_set_encrypt_key, SHA256_CTX, SHA256_Final, SHA256_Init, SHA256_Update,
};
use rand_chacha::ChaCha20Core;
use rand_chacha::rand_core::SeedableRng;
use rand_chacha::rand_core::block::Generator as _;

use crate::Error;
use crate::memory::{Locked, Wiped, ZeroIsFresh, wipe, wipe_plain};

/// Fills `out` with random bytes. [`Error::Library`] if the operating system gives no seed, [`Error::Memory`] if there
/// is no page for the generator; `out` is then not to be used.
#[inline]
pub fn fill(out: &mut [u8]) -> Result<(), Error> {
    shard().current()?.lock().fill(out)
}

/// `N` random bytes, with the errors of [`fill`].
#[inline]
pub fn bytes<const N: usize>() -> Result<[u8; N], Error> {
    let mut out = [0; N];
    fill(&mut out)?;
    Ok(out)
}

/// Mixes the caller's entropy into all generators (PKCS#11 3.2 §5.20.1, `C_SeedRandom`), with fresh entropy of the
/// operating system. It never replaces what they hold: known or hostile input weakens nothing.
pub fn reseed_with(extra: &[u8]) -> Result<(), Error> {
    for shard in &SHARDS {
        shard.current()?.lock().mix(extra)?;
    }
    Ok(())
}

/// Where random bytes come from: the system's generators, or a fixed stream in a test.
pub trait Source: Send + Sync {
    /// Fills `out`.
    fn fill(&self, out: &mut [u8]) -> Result<(), Error>;
}

/// The generators of this process, as [`fill`].
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

impl Source for System {
    fn fill(&self, out: &mut [u8]) -> Result<(), Error> {
        fill(out)
    }
}

/// A stream that depends only on its seed, for tests that must repeat. Never for keys.
pub struct Seeded {
    generator: Mutex<Generator>,
}

impl Seeded {
    /// The stream of this seed. The same sequence of draws gives the same bytes.
    pub fn new(seed: [u8; 32]) -> Seeded {
        let mut generator = Generator::unseeded();
        generator.rekey(seed);
        generator.until_reseed = u64::MAX;
        Seeded { generator: Mutex::new(generator) }
    }
}

impl Source for Seeded {
    fn fill(&self, out: &mut [u8]) -> Result<(), Error> {
        self.generator.lock().unwrap_or_else(PoisonError::into_inner).fill(out)
    }
}

impl std::fmt::Debug for Seeded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seeded")
    }
}

/// One generator and what it has ready. All bytes zero is the state before the first seed.
#[repr(C, align(64))]
struct Generator {
    buffer: [u32; BUFFER_WORDS],
    /// Initialised when `seeded` is not zero.
    core: MaybeUninit<ChaCha20Core>,
    seeded: u32,
    /// Bytes of the buffer that are still to be drawn: its end.
    ready: usize,
    /// Bytes to draw before the operating system is asked again.
    until_reseed: u64,
}

// SAFETY: unseeded and with an empty buffer; `core` may hold anything then. Nothing in it needs dropping.
unsafe impl ZeroIsFresh for Locked<Generator> {}

impl Generator {
    const fn unseeded() -> Generator {
        Generator { buffer: [0; BUFFER_WORDS], core: MaybeUninit::zeroed(), seeded: 0, ready: 0, until_reseed: 0 }
    }

    #[inline]
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        if self.until_reseed < out.len() as u64 || self.seeded == 0 {
            self.reseed()?;
        }
        self.until_reseed = self.until_reseed.saturating_sub(out.len() as u64);
        if out.len() <= self.ready && out.len() < LARGE_DRAW {
            self.take(out);
            Ok(())
        } else if out.len() < LARGE_DRAW {
            self.take_across(out);
            Ok(())
        } else {
            self.keystream(out)
        }
    }

    /// Draws from the buffer, which has enough, and wipes what was drawn.
    #[inline]
    fn take(&mut self, out: &mut [u8]) {
        let start = BUFFER_LEN - self.ready;
        let drawn = &mut bytes_of(&mut self.buffer)[start..start + out.len()];
        out.copy_from_slice(drawn);
        drawn.fill(0);
        self.ready -= out.len();
    }

    #[cold]
    fn take_across(&mut self, out: &mut [u8]) {
        let mut rest = out;
        while !rest.is_empty() {
            if self.ready == 0 {
                self.refill();
            }
            let (now, later) = rest.split_at_mut(rest.len().min(self.ready));
            self.take(now);
            rest = later;
        }
    }

    /// A new buffer, whose beginning becomes the next key at once.
    fn refill(&mut self) {
        debug_assert!(self.seeded != 0);
        // SAFETY: nothing is drawn before `fill` has seeded the generator, and seeding writes the core.
        let core = unsafe { self.core.assume_init_mut() };
        for block in self.buffer.as_chunks_mut().0 {
            core.generate(block);
        }
        self.ready = BUFFER_LEN;
        let mut key = [0; KEY_LEN];
        self.take(&mut key);
        self.core.write(ChaCha20Core::from_seed(key));
        wipe(&mut key);
    }

    /// Fills a large buffer with the keystream of a key that is used for nothing else.
    fn keystream(&mut self, out: &mut [u8]) -> Result<(), Error> {
        for piece in out.chunks_mut(KEYSTREAM_LEN) {
            let mut key = [0; KEY_LEN];
            self.take_across(&mut key);
            piece.fill(0);
            let done = aes_256_ctr(&key, piece);
            wipe(&mut key);
            done?;
        }
        Ok(())
    }

    /// Starts with, or mixes in, 32 bytes of the operating system.
    #[cold]
    fn reseed(&mut self) -> Result<(), Error> {
        let mut seed = [0; KEY_LEN];
        system_entropy(&mut seed)?;
        if self.seeded != 0 {
            let mut own = [0; KEY_LEN];
            self.take_across(&mut own);
            seed.iter_mut().zip(&own).for_each(|(seed, own)| *seed ^= own);
            wipe(&mut own);
        }
        self.rekey(seed);
        wipe(&mut seed);
        Ok(())
    }

    /// Replaces the key by a hash of the stream, fresh entropy and the caller's.
    fn mix(&mut self, extra: &[u8]) -> Result<(), Error> {
        let mut secrets = [0; 2 * KEY_LEN];
        let (own, system) = secrets.split_at_mut(KEY_LEN);
        self.fill(own)?;
        system_entropy(system)?;
        let mut seed = hash(&[b"strongroom random reseed", &secrets, extra]);
        self.rekey(seed);
        wipe(&mut seed);
        wipe(&mut secrets);
        Ok(())
    }

    /// Starts a new stream; what the buffer still held is never drawn.
    fn rekey(&mut self, mut seed: [u8; KEY_LEN]) {
        self.core.write(ChaCha20Core::from_seed(seed));
        wipe(&mut seed);
        wipe(bytes_of(&mut self.buffer));
        self.ready = 0;
        self.until_reseed = RESEED_AFTER_BYTES;
        self.seeded = 1;
    }
}

/// XORs the AES-256-CTR keystream of `key`, from counter 0, into `data`.
fn aes_256_ctr(key: &[u8; KEY_LEN], data: &mut [u8]) -> Result<(), Error> {
    let mut schedule = AES_KEY { rd_key: [0; 60], rounds: 0 };
    let (mut counter, mut block, mut used) = ([0; 16], [0; 16], 0);
    // SAFETY: the key has 256 bits; input and output are the same buffer, which the call allows.
    unsafe {
        if AES_set_encrypt_key(key.as_ptr(), 256, &mut schedule) != 0 {
            return Err(Error::Library("AES_set_encrypt_key"));
        }
        let data_start = data.as_mut_ptr();
        AES_ctr128_encrypt(
            data_start,
            data_start,
            data.len(),
            &schedule,
            counter.as_mut_ptr(),
            block.as_mut_ptr(),
            &mut used,
        );
    }
    wipe_plain(&mut schedule);
    wipe(&mut block);
    Ok(())
}

/// SHA-256 over the parts.
fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut digest = [0; 32];
    // SAFETY: the context is initialised by the first call, and each pointer is valid for the length beside it.
    // These calls cannot fail.
    unsafe {
        let mut context = MaybeUninit::<SHA256_CTX>::uninit();
        SHA256_Init(context.as_mut_ptr());
        let mut context = context.assume_init();
        for part in parts {
            SHA256_Update(&mut context, part.as_ptr().cast(), part.len());
        }
        SHA256_Final(digest.as_mut_ptr(), &mut context);
        wipe_plain(&mut context);
    }
    digest
}

/// Bytes of the operating system's generator, once that is initialised.
fn system_entropy(out: &mut [u8]) -> Result<(), Error> {
    let mut rest = out;
    while !rest.is_empty() {
        // SAFETY: the buffer is valid for writes of its length.
        let written = unsafe { libc::getrandom(rest.as_mut_ptr().cast(), rest.len(), 0) };
        match usize::try_from(written) {
            Ok(written) => rest = rest.split_at_mut_checked(written).ok_or(Error::Library("getrandom"))?.1,
            Err(_) if std::io::Error::last_os_error().kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return Err(Error::Library("getrandom")),
        }
    }
    Ok(())
}

#[inline(always)]
fn bytes_of(words: &mut [u32]) -> &mut [u8] {
    // SAFETY: the same memory, with a weaker alignment; every pattern is valid for both.
    unsafe { std::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), size_of_val(words)) }
}

/// The generator of this thread's shard, the next in turn at the thread's first use. Needs no destructor.
#[inline]
fn shard() -> &'static Wiped<Locked<Generator>> {
    thread_local!(static SHARD: Cell<Option<&'static Wiped<Locked<Generator>>>> = const { Cell::new(None) });
    SHARD.with(|own| match own.get() {
        Some(shard) => shard,
        None => {
            static NEXT: AtomicUsize = AtomicUsize::new(0);
            let shard = &SHARDS[NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS.len()];
            own.set(Some(shard));
            shard
        }
    })
}

/// Each takes one page, at its first use.
static SHARDS: [Wiped<Locked<Generator>>; 16] = [const { Wiped::new_secret() }; 16];

const KEY_LEN: usize = 32;
const BUFFER_WORDS: usize = 512;
const BUFFER_LEN: usize = BUFFER_WORDS * 4;

/// From about here on a keystream of its own is cheaper than the buffer.
const LARGE_DRAW: usize = 512;

/// How much one AES key is used for.
const KEYSTREAM_LEN: usize = 4 << 20;

/// How much one seed is used for.
const RESEED_AFTER_BYTES: u64 = 4 << 20;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::memory::testing::{check_in_child, hex};

    #[test]
    fn draws_of_all_lengths_differ() {
        for len in [16, 31, 32, 33, 500, 511, 512, 513, 2048, 5000] {
            let draws: HashSet<Vec<u8>> = (0..200)
                .map(|_| {
                    let mut out = vec![0; len];
                    fill(&mut out).expect("random");
                    out
                })
                .collect();
            assert_eq!(draws.len(), 200);
        }
        fill(&mut []).expect("nothing to draw");
    }

    /// A stuck or biased bit would show: 8 Mbit have a standard deviation of about 1,450 around the half.
    #[test]
    fn bits_are_balanced_in_small_and_large_draws() {
        for draw_len in [24, 1 << 16] {
            let mut out = vec![0; 1 << 20];
            out.chunks_mut(draw_len).for_each(|chunk| fill(chunk).expect("random"));
            let ones: i64 = out.iter().map(|byte| i64::from(byte.count_ones())).sum();
            assert!((ones - (4 << 20)).abs() < 15_000, "{ones}");
        }
    }

    #[test]
    fn a_seeded_stream_repeats_and_another_seed_differs() {
        let draw = |seed: u8| {
            let source = Seeded::new([seed; 32]);
            let mut out = vec![0; 10_000];
            let (small, large) = out.split_at_mut(3000);
            small.chunks_mut(17).for_each(|chunk| source.fill(chunk).expect("random"));
            source.fill(large).expect("random");
            out
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    /// The stream before the first replacement of the key is plain ChaCha20 behind its first 32 bytes: the block
    /// function's output for a zero key and nonce (RFC 8439 A.1, vectors 1 and 2).
    #[test]
    fn the_stream_is_chacha20() {
        let mut out = [0; 48];
        Seeded::new([0; 32]).fill(&mut out).expect("random");
        let (rest_of_block_0, start_of_block_1) = out.split_at(32);
        assert_eq!(rest_of_block_0, hex("da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586"));
        assert_eq!(start_of_block_1, hex("9f07e7be5551387a98ba977c732d080d"));
    }

    #[test]
    fn drawn_bytes_are_wiped_from_the_buffer() {
        let mut generator = Generator::unseeded();
        generator.rekey([3; 32]);
        let mut out = [0; 100];
        generator.fill(&mut out).expect("random");
        let ready = generator.ready;
        let buffer = bytes_of(&mut generator.buffer);
        assert!(buffer[..BUFFER_LEN - ready].iter().all(|byte| *byte == 0));
        assert!(buffer[BUFFER_LEN - ready..].iter().any(|byte| *byte != 0));
    }

    #[test]
    fn the_system_is_asked_again_after_some_output() {
        let mut generator = Generator::unseeded();
        generator.rekey([3; 32]);
        let mut out = vec![0; 1 << 20];
        for _ in 0..4 {
            generator.fill(&mut out).expect("random");
        }
        assert_eq!(generator.until_reseed, 0);
        generator.fill(&mut out[..16]).expect("random");
        assert_eq!(generator.until_reseed, RESEED_AFTER_BYTES - 16);
    }

    #[test]
    fn callers_entropy_changes_the_stream_and_cannot_fix_it() {
        let mixed = |extra: &[u8]| {
            let mut generator = Generator::unseeded();
            generator.rekey([3; 32]);
            generator.mix(extra).expect("random");
            let mut out = [0; 32];
            generator.fill(&mut out).expect("random");
            out
        };
        assert_ne!(mixed(b"same"), mixed(b"same"));
        reseed_with(b"").expect("random");
        reseed_with(&[0; 5000]).expect("random");
        assert_ne!(bytes::<32>(), bytes::<32>());
    }

    #[test]
    fn a_child_draws_another_stream() {
        use std::io::Read;
        use std::os::fd::FromRawFd;

        let mut ends = [0; 2];
        // SAFETY: makes a pipe; the read end is owned by one file below.
        let mut reader = unsafe {
            assert_eq!(libc::pipe(ends.as_mut_ptr()), 0);
            std::fs::File::from_raw_fd(ends[0])
        };
        // A full buffer is waiting when the process forks.
        bytes::<16>().expect("random");
        let draw = || {
            let mut out = [0; 96];
            fill(&mut out).expect("random");
            out
        };
        check_in_child(|| {
            let mut out = [0; 2000];
            let (small, large) = out.split_at_mut(96);
            small.copy_from_slice(&draw());
            fill(large).expect("random");
            // SAFETY: writes from a live buffer, within the capacity of the pipe.
            unsafe { libc::write(ends[1], out.as_ptr().cast(), out.len()) == out.len() as isize }
        });
        let here = draw();
        let mut there = [0; 2000];
        reader.read_exact(&mut there).expect("from the child");
        assert!(here.chunks(16).all(|chunk| !there.windows(16).any(|window| window == chunk)));
        // SAFETY: closes the write end, which nobody else owns.
        unsafe { libc::close(ends[1]) };
    }

    #[test]
    fn threads_draw_different_bytes() {
        let draws: Vec<Vec<[u8; 16]>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..20)
                .map(|_| scope.spawn(|| (0..500).map(|_| bytes().expect("random")).collect::<Vec<[u8; 16]>>()))
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        assert_eq!(draws.iter().flatten().collect::<HashSet<_>>().len(), 10_000);
    }

    #[test]
    fn a_child_does_not_wait_for_locks_that_were_held_at_the_fork() {
        let guards: Vec<_> = SHARDS.iter().map(|shard| shard.current().expect("memory").lock()).collect();
        check_in_child(|| reseed_with(b"child").is_ok() && bytes::<32>().is_ok());
        drop(guards);
    }
}
