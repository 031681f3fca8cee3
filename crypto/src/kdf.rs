//! Keys from PINs and from other keys, and keyed tags.
//!
//! Argon2id turns a PIN into the key of a user's record; HKDF separates one key into several; the tags make encrypted
//! attributes searchable without showing them.

use std::ffi::c_void;
use std::mem::MaybeUninit;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_sys::{EVP_sha256, HKDF, SHA256_CTX, SHA256_Final, SHA256_Init, SHA256_Update};

use crate::Error;
use crate::cipher::evp::clear_errors;
use crate::memory::{Mapping, Purpose, SecretBox, SecretBytes, wipe, wipe_plain};

/// Argon2id, version 1.3 (RFC 9106), with an output of 32 bytes.
///
/// The memory is taken for this call and wiped after it; [`Error::Memory`] when there is not enough.
/// [`Error::Parameter`] for parameters outside RFC 9106 §3.1, more memory than [`ARGON2_MEMORY_KIB_MAX`], or a salt
/// of fewer than 8 bytes. Lanes change the result, not the number of threads: there is one.
pub fn argon2id(
    password: &[u8],
    salt: &[u8],
    memory_kib: u32,
    iterations: u32,
    lanes: u32,
) -> Result<SecretBytes, Error> {
    if memory_kib > ARGON2_MEMORY_KIB_MAX {
        return Err(Error::Parameter("Argon2id memory"));
    }
    let params = Params::new(memory_kib, iterations, lanes, Some(ARGON2_OUTPUT_LEN))
        .map_err(|_| Error::Parameter("Argon2id memory, iterations or lanes"))?;
    run_argon2(&Argon2::new(Algorithm::Argon2id, Version::V0x13, params), password, salt)
}

/// HKDF with SHA-256 (RFC 5869): fills `out` with key material. No salt is an empty salt.
///
/// [`Error::Parameter`] for more than 255 * 32 bytes.
pub fn hkdf_sha256(ikm: &[u8], salt: &[u8], info: &[u8], out: &mut [u8]) -> Result<(), Error> {
    if out.len() > HKDF_OUTPUT_LEN_MAX {
        return Err(Error::Parameter("HKDF output length"));
    }
    // SAFETY: every pointer is valid for the length beside it; the digest is static.
    let done = unsafe {
        HKDF(
            out.as_mut_ptr(),
            out.len(),
            EVP_sha256(),
            ikm.as_ptr(),
            ikm.len(),
            salt.as_ptr(),
            salt.len(),
            info.as_ptr(),
            info.len(),
        )
    };
    if done == 1 {
        Ok(())
    } else {
        clear_errors();
        Err(Error::Library("HKDF"))
    }
}

/// HMAC-SHA256 (RFC 2104) over the concatenation of the parts. Several tags under one key: [`TagKey`].
pub fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; TAG_LEN] {
    let mut states = [new_context(); 2];
    prepare(&mut states, key);
    let tag = tag(&states, parts);
    wipe_plain(&mut states);
    tag
}

/// A prepared HMAC-SHA256 key, in locked memory.
///
/// In a forked child it is wiped and must not be used, as all secret memory.
#[derive(Debug)]
pub struct TagKey {
    states: SecretBox<KeyedStates>,
}

impl TagKey {
    /// Prepares a key of any length. [`Error::Memory`] when there is no memory for it.
    pub fn new(key: &[u8]) -> Result<TagKey, Error> {
        let mut states = SecretBox::new_zeroed()?;
        prepare(&mut states, key);
        Ok(TagKey { states })
    }

    /// The tag of the concatenation of the parts.
    pub fn tag(&self, parts: &[&[u8]]) -> [u8; TAG_LEN] {
        tag(&self.states, parts)
    }
}

/// Bytes of a tag.
pub const TAG_LEN: usize = 32;

/// The most memory an Argon2id call takes: 4 GiB, twice the first choice of RFC 9106 §4. A record that asks for more
/// is damaged or hostile, and the kernel's overcommitment would grant it until the host is killed.
pub const ARGON2_MEMORY_KIB_MAX: u32 = 4 << 20;

fn run_argon2(argon2: &Argon2<'_>, password: &[u8], salt: &[u8]) -> Result<SecretBytes, Error> {
    let mut out = SecretBytes::zeroed(ARGON2_OUTPUT_LEN)?;
    let mut memory = Blocks::new(argon2.params().block_count())?;
    argon2.hash_password_into_with_memory(password, salt, out.expose_mut(), memory.blocks()).map_err(|error| {
        match error {
            argon2::Error::SaltTooShort | argon2::Error::SaltTooLong => Error::Parameter("Argon2id salt length"),
            argon2::Error::PwdTooLong => Error::Parameter("Argon2id password length"),
            _ => Error::Library("Argon2id"),
        }
    })?;
    Ok(out)
}

/// Argon2's working memory in pages of its own, so that a lack of them is an error and no dump shows them.
struct Blocks {
    mapping: Mapping,
    count: usize,
}

impl Blocks {
    fn new(count: usize) -> Result<Blocks, Error> {
        let len = count.checked_mul(size_of::<Block>()).ok_or(Error::Memory)?;
        Ok(Blocks { mapping: Mapping::new(len, Purpose::Scratch)?, count })
    }

    fn blocks(&mut self) -> &mut [Block] {
        // SAFETY: the mapping holds `count` blocks, is aligned to a page and zero at first, which is a valid block.
        unsafe { std::slice::from_raw_parts_mut(self.mapping.start().as_ptr().cast(), self.count) }
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        // SAFETY: the whole mapping is ours and writable.
        wipe(unsafe { std::slice::from_raw_parts_mut(self.mapping.start().as_ptr(), self.mapping.len()) });
    }
}

/// SHA-256 after the inner and after the outer padded key: what each tag starts from.
type KeyedStates = [SHA256_CTX; 2];

fn prepare(states: &mut KeyedStates, key: &[u8]) {
    let mut block = [0; SHA256_BLOCK_LEN];
    match block.get_mut(..key.len()) {
        Some(start) => start.copy_from_slice(key),
        None => {
            let mut context = new_context();
            start(&mut context);
            update(&mut context, key);
            block[..TAG_LEN].copy_from_slice(&finish(&mut context));
        }
    }
    for (state, pad) in states.iter_mut().zip([INNER_PAD, OUTER_PAD]) {
        let mut padded = block.map(|byte| byte ^ pad);
        start(state);
        update(state, &padded);
        wipe(&mut padded);
    }
    wipe(&mut block);
}

fn tag(states: &KeyedStates, parts: &[&[u8]]) -> [u8; TAG_LEN] {
    let [mut inner, mut outer] = *states;
    parts.iter().for_each(|part| update(&mut inner, part));
    update(&mut outer, &finish(&mut inner));
    finish(&mut outer)
}

fn new_context() -> SHA256_CTX {
    // SAFETY: the struct is numbers and bytes only.
    unsafe { MaybeUninit::zeroed().assume_init() }
}

fn start(context: &mut SHA256_CTX) {
    // SAFETY: overwrites the context; cannot fail.
    unsafe { SHA256_Init(context) };
}

fn update(context: &mut SHA256_CTX, data: &[u8]) {
    // SAFETY: the data is readable for its length; hashing cannot fail.
    unsafe { SHA256_Update(context, data.as_ptr().cast::<c_void>(), data.len()) };
}

/// The digest. Wipes the context.
fn finish(context: &mut SHA256_CTX) -> [u8; TAG_LEN] {
    let mut digest = [0; TAG_LEN];
    // SAFETY: the output takes the 32 bytes of a digest; finishing a started context cannot fail.
    unsafe { SHA256_Final(digest.as_mut_ptr(), context) };
    wipe_plain(context);
    digest
}

const ARGON2_OUTPUT_LEN: usize = 32;
const HKDF_OUTPUT_LEN_MAX: usize = 255 * 32;
const SHA256_BLOCK_LEN: usize = 64;
const INNER_PAD: u8 = 0x36;
const OUTER_PAD: u8 = 0x5c;

#[cfg(test)]
mod tests {
    use argon2::{AssociatedData, ParamsBuilder};

    use super::*;
    use crate::memory::testing::hex;

    /// RFC 9106 §5.3, which also has a secret and associated data.
    #[test]
    fn argon2id_rfc_9106_vector() {
        let mut params = ParamsBuilder::new();
        params.m_cost(32).t_cost(3).p_cost(4).output_len(32);
        params.data(AssociatedData::new(&[4; 12]).expect("short"));
        let params = params.build().expect("valid");
        let argon2 = Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, params).expect("valid");
        let out = run_argon2(&argon2, &[1; 32], &[2; 16]).expect("memory");
        assert_eq!(out.expose(), hex("0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"));
    }

    /// From the tests of the reference implementation.
    #[test]
    fn argon2id_reference_vectors() {
        let cases = [
            (256, 1, "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"),
            (256, 2, "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037"),
            (65_536, 1, "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"),
        ];
        for (memory_kib, lanes, expected) in cases {
            let out = argon2id(b"password", b"somesalt", memory_kib, 2, lanes).expect("memory");
            assert_eq!(out.expose(), hex(expected));
        }
    }

    #[test]
    fn argon2id_refuses_what_the_standard_refuses() {
        let outcome = |salt: &[u8], memory_kib, iterations, lanes| {
            argon2id(b"pin", salt, memory_kib, iterations, lanes).map(|_| ()).map_err(|error| match error {
                Error::Parameter(_) => "parameter",
                _ => "other",
            })
        };
        assert_eq!(outcome(b"8 bytes.", 8, 1, 1), Ok(()));
        assert_eq!(outcome(b"7 bytes", 8, 1, 1), Err("parameter"));
        assert_eq!(outcome(b"8 bytes.", 7, 1, 1), Err("parameter"));
        assert_eq!(outcome(b"8 bytes.", 8, 0, 1), Err("parameter"));
        assert_eq!(outcome(b"8 bytes.", 8, 1, 0), Err("parameter"));
        assert_eq!(outcome(b"8 bytes.", 8, 1, 2), Err("parameter"));
        assert_eq!(outcome(b"8 bytes.", u32::MAX, 1, 1), Err("parameter"));
        assert_eq!(outcome(b"8 bytes.", 8, 1, u32::MAX), Err("parameter"));
    }

    #[test]
    fn argon2id_without_memory_is_an_error() {
        crate::memory::testing::check_in_child(|| {
            let limit = libc::rlimit { rlim_cur: 1 << 30, rlim_max: 1 << 30 };
            // SAFETY: limits the address space of this child only.
            assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
            argon2id(b"pin", b"somesalt", 2 << 20, 1, 1).err() == Some(Error::Memory)
        });
    }

    /// RFC 5869 A.1 and A.3.
    #[test]
    fn hkdf_vectors() {
        let ikm = [0x0b; 22];
        let mut out = [0; 42];
        hkdf_sha256(&ikm, &hex("000102030405060708090a0b0c"), &hex("f0f1f2f3f4f5f6f7f8f9"), &mut out).expect("done");
        let expected = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865";
        assert_eq!(out, *hex(expected));
        hkdf_sha256(&ikm, &[], &[], &mut out).expect("done");
        let expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8";
        assert_eq!(out, *hex(expected));
    }

    #[test]
    fn hkdf_output_is_bounded() {
        let mut out = vec![0; HKDF_OUTPUT_LEN_MAX + 1];
        assert!(matches!(hkdf_sha256(b"key", b"", b"", &mut out), Err(Error::Parameter(_))));
        assert_eq!(hkdf_sha256(b"key", b"", b"", &mut out[..HKDF_OUTPUT_LEN_MAX]), Ok(()));
    }

    /// RFC 4231 test cases 1, 2 and 6 (a key longer than a block).
    #[test]
    fn hmac_vectors() {
        let cases: [(&[u8], &[u8], &str); 3] = [
            (&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ];
        for (key, message, expected) in cases {
            let (start, end) = message.split_at(5);
            assert_eq!(hmac_sha256(key, &[message]), *hex(expected));
            let prepared = TagKey::new(key).expect("memory");
            for _ in 0..2 {
                assert_eq!(prepared.tag(&[start, b"", end]), *hex(expected));
            }
        }
    }
}
