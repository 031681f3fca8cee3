//! Overwriting the stack behind libraries that leave secrets on it.

use crate::memory::wipe;

/// Runs `call` and then overwrites the stack it used: for libraries that compute with secrets by value and do not wipe
/// them. Secrets must leave `call` through references only; what it returns may be kept in registers and on the stack.
pub(crate) fn scrubbed<R>(call: impl FnOnce() -> R) -> R {
    let result = apart(call);
    overwrite();
    result
}

// In a frame that lies where `overwrite` puts its own.
#[inline(never)]
fn apart<R>(call: impl FnOnce() -> R) -> R {
    call()
}

#[inline(never)]
fn overwrite() {
    let mut space = [0; STACK_BYTES];
    wipe(&mut space);
}

// About twice the depth at which the calls leave secrets.
const STACK_BYTES: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::ffi::c_void;

    use super::*;
    use crate::{ec, edwards, montgomery};

    type Call<'a> = Cell<Option<&'a mut dyn FnMut()>>;

    extern "C" fn run(call: *mut c_void) -> *mut c_void {
        // SAFETY: `stack_after` passes a pointer to its own variable and waits.
        let call = unsafe { &*call.cast::<Call<'_>>() };
        if let Some(call) = call.take() {
            call();
        }
        std::ptr::null_mut()
    }

    /// Runs `call` in a thread and gives what is then left on the thread's stack, of which nothing is wiped at its end.
    fn stack_after(mut call: impl FnMut()) -> Vec<u8> {
        const LEN: usize = 1 << 20;
        let call: Call<'_> = Cell::new(Some(&mut call));
        // SAFETY: the thread ends before its stack is read and unmapped and before its argument dies.
        unsafe {
            let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
            let stack = libc::mmap(std::ptr::null_mut(), LEN, protection, flags, -1, 0);
            assert_ne!(stack, libc::MAP_FAILED);
            let mut attributes = std::mem::zeroed();
            assert_eq!(libc::pthread_attr_init(&mut attributes), 0);
            assert_eq!(libc::pthread_attr_setstack(&mut attributes, stack, LEN), 0);
            let mut thread = std::mem::zeroed();
            let argument = std::ptr::from_ref(&call).cast_mut().cast();
            assert_eq!(libc::pthread_create(&mut thread, &attributes, run, argument), 0);
            assert_eq!(libc::pthread_join(thread, std::ptr::null_mut()), 0);
            let left = std::slice::from_raw_parts(stack.cast::<u8>(), LEN).to_vec();
            assert_eq!(libc::pthread_attr_destroy(&mut attributes), 0);
            assert_eq!(libc::munmap(stack, LEN), 0);
            left
        }
    }

    fn holds(stack: &[u8], secret: &[u8]) -> bool {
        let reversed: Vec<u8> = secret.iter().rev().copied().collect();
        stack.windows(PART).any(|left| [secret, &reversed].iter().any(|s| s.windows(PART).any(|part| part == left)))
    }

    const PART: usize = 8;

    fn secret<const N: usize>() -> [u8; N] {
        std::array::from_fn(|index| (index as u8).wrapping_mul(0x4f) ^ 0x3b)
    }

    #[test]
    fn the_search_finds_what_is_left_and_scrubbing_takes_it_away() {
        let secret = secret::<64>();
        let leave = || {
            let mut copy = [0; 2048];
            copy[1000..1064].copy_from_slice(&secret);
            std::hint::black_box(&mut copy);
        };
        assert!(holds(&stack_after(leave), &secret));
        assert!(!holds(&stack_after(|| scrubbed(leave)), &secret));
    }

    #[test]
    fn secp256k1_leaves_no_part_of_the_key() {
        let number = secret::<32>();
        let key = ec::PrivateKey::from_scalar(ec::Curve::Secp256k1, &number).expect("key");
        let peer = key.public().expect("public").uncompressed();
        let left = stack_after(|| {
            let own = ec::PrivateKey::from_scalar(ec::Curve::Secp256k1, &number).expect("key");
            assert!(own.scalar().expect("memory").ct_eq(&number));
            key.sign(b"digest", &mut [0; 64]).expect("signed");
            key.agree(&peer).expect("secret");
        });
        assert!(!holds(&left, &number));
    }

    #[test]
    fn ed448_leaves_no_part_of_the_seed() {
        let seed = secret::<57>();
        let key = edwards::PrivateKey::from_seed(edwards::Curve::Ed448, &seed).expect("key");
        let left = stack_after(|| {
            let own = edwards::PrivateKey::from_seed(edwards::Curve::Ed448, &seed).expect("key");
            assert!(own.seed().expect("memory").ct_eq(&seed));
            key.sign(&edwards::Variant::Pure, b"message", &mut [0; 114]).expect("signed");
            key.sign(&edwards::Variant::Context(b"context"), b"message", &mut [0; 114]).expect("signed");
            key.sign(&edwards::Variant::Prehashed(b""), b"message", &mut [0; 114]).expect("signed");
        });
        assert!(!holds(&left, &seed));
    }

    #[test]
    fn x448_leaves_no_part_of_the_key_or_of_the_secret() {
        let bytes = secret::<56>();
        let key = montgomery::PrivateKey::from_bytes(montgomery::Curve::X448, &bytes).expect("key");
        let shared = key.agree(&key.public_bytes()).expect("secret");
        let left = stack_after(|| {
            let own = montgomery::PrivateKey::from_bytes(montgomery::Curve::X448, &bytes).expect("key");
            assert!(own.agree(&key.public_bytes()).expect("secret").ct_eq(shared.expose()));
        });
        assert!(!holds(&left, &bytes));
        assert!(!holds(&left, shared.expose()));
    }
}
