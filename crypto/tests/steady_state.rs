//! No heap allocation in an operation that was restarted: what the hot path of every call rests on.
//!
//! Counts what Rust code allocates. In a file of its own, because the counter sees the whole process.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::setups::all;
use common::{Decrypt, Encrypt, Random, whole};
use strongroom_crypto::cipher::Cipher;
use strongroom_crypto::hash::{Algorithm, Hash};
use strongroom_crypto::mac::{Key, Mac};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: passes everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocations(run: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.with(Cell::get);
    run();
    ALLOCATIONS.with(Cell::get) - before
}

#[test]
fn restarted_ciphers_allocate_nothing() {
    assert_eq!(allocations(|| drop(std::hint::black_box(vec![1]))), 1, "the counter counts");
    let mut random = Random::new(41);
    for setup in all(&mut random) {
        let message = random.bytes(2048);
        let mode = setup.mode(message.len());
        let ciphertext = whole(&setup.key, &mode, Encrypt, &message).unwrap();
        for (direction, input) in [(Encrypt, &message), (Decrypt, &ciphertext)] {
            let mut output = vec![0; 4096];
            let mut cipher = Cipher::start(&setup.key, &mode, direction).unwrap();
            let mut round = |in_parts: bool| {
                cipher.restart(&mode).unwrap();
                if in_parts {
                    let written = cipher.update(&input[..1000], &mut output).unwrap();
                    cipher.update(&input[1000..], &mut output[written..]).unwrap();
                    cipher.finish(&mut output).unwrap();
                } else {
                    cipher.one_shot(input, &mut output).unwrap();
                }
            };
            for in_parts in [false, true] {
                round(in_parts);
                let count = allocations(|| (0..4).for_each(|_| round(in_parts)));
                assert_eq!(count, 0, "{} {direction:?} in parts: {in_parts}", setup.name);
            }
        }
    }
}

#[test]
fn restarted_macs_and_digests_allocate_nothing() {
    let mut keys: Vec<(Key, &[u8])> = Vec::new();
    for algorithm in Algorithm::ALL {
        keys.push((Key::hmac(algorithm, &[1; 32]).unwrap(), &[]));
        let mut hash = Hash::new(algorithm);
        let count = allocations(|| {
            hash.update(&[1; 300]);
            hash.finish(&mut [0; 64]).unwrap();
        });
        assert_eq!(count, 0, "{algorithm:?}");
    }
    keys.push((Key::cmac_aes(&[1; 32]).unwrap(), &[]));
    keys.push((Key::cmac_des3(&[1; 24]).unwrap(), &[]));
    keys.push((Key::cbc_mac_aes(&[1; 16]).unwrap(), &[]));
    keys.push((Key::gmac(&[1; 16]).unwrap(), &[5; 12]));
    keys.push((Key::gmac(&[1; 16]).unwrap(), &[5; 60]));
    for (key, iv) in keys {
        let mut mac = Mac::start(&key.into(), iv).unwrap();
        let count = allocations(|| {
            for _ in 0..4 {
                mac.restart(iv).unwrap();
                mac.update(&[1; 300]).unwrap();
                mac.finish(&mut [0; 8]).unwrap();
            }
        });
        assert_eq!(count, 0);
    }
}
