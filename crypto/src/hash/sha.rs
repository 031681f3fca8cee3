//! SHA-1 and SHA-2 over AWS-LC's low-level calls.
//!
//! Their contexts are plain structs, so a running digest needs no allocation, is cloned by a copy, and its state can be
//! written down from the fields: the chaining words, the length of the message so far in bytes (64 bits) and the block
//! that is not full yet, with zeros behind it; all numbers little-endian.

use std::ffi::c_void;

use aws_lc_sys::{
    SHA_CTX, SHA1_Final, SHA1_Update, SHA224_Final, SHA224_Update, SHA256_CTX, SHA256_Final, SHA256_Update,
    SHA384_Final, SHA384_Update, SHA512_224_Final, SHA512_224_Update, SHA512_256_Final, SHA512_256_Update, SHA512_CTX,
    SHA512_Final, SHA512_Update,
};

use super::{Hash, Running, State};
use crate::Error;
use crate::memory::{Plain, wipe_plain};

// A running digest of each function under a name of its own, because functions share contexts and one must only be
// ended by the function that began it.
macro_rules! function {
    ($name:ident, $context:ty, $output_bytes:literal, $beginning:ident, $update:ident, $end:ident) => {
        #[derive(Clone)]
        pub(super) struct $name($context);

        impl $name {
            // Inlined side by side, these are merged into one piecewise copy that takes three times as long.
            #[inline(never)]
            pub(super) fn begin() -> Hash {
                Hash { state: State::$name($name($beginning)) }
            }
        }

        impl Running for $name {
            #[inline]
            fn update(&mut self, data: &[u8]) {
                // SAFETY: the context was begun, the data is readable for its length; hashing cannot fail.
                unsafe { $update(&mut self.0, data.as_ptr().cast::<c_void>(), data.len()) };
            }

            #[inline]
            fn finish(&mut self, output: &mut [u8]) -> Result<usize, Error> {
                let written = self.end(output)?;
                self.reset();
                Ok(written)
            }

            #[inline]
            fn end(&mut self, output: &mut [u8]) -> Result<usize, Error> {
                let output =
                    output.first_chunk_mut::<$output_bytes>().ok_or(Error::OutputTooSmall { needed: $output_bytes })?;
                // SAFETY: the context was begun, the output takes the digest's bytes.
                match unsafe { $end(output.as_mut_ptr(), &mut self.0) } {
                    1 => Ok($output_bytes),
                    _ => Err(Error::Library(stringify!($end))),
                }
            }

            #[inline]
            fn reset(&mut self) {
                self.0 = $beginning;
            }

            fn export(&self) -> Result<Vec<u8>, Error> {
                self.0.export()
            }

            fn import(bytes: &[u8]) -> Option<$name> {
                let mut hash = $name($beginning);
                hash.0.import(bytes)?;
                Some(hash)
            }
        }

        impl Drop for $name {
            #[inline]
            fn drop(&mut self) {
                wipe_plain(&mut self.0);
            }
        }
    };
}

function!(Sha1, SHA_CTX, 20, SHA1_BEGINNING, SHA1_Update, SHA1_Final);
function!(Sha224, SHA256_CTX, 28, SHA224_BEGINNING, SHA224_Update, SHA224_Final);
function!(Sha256, SHA256_CTX, 32, SHA256_BEGINNING, SHA256_Update, SHA256_Final);
function!(Sha384, SHA512_CTX, 48, SHA384_BEGINNING, SHA384_Update, SHA384_Final);
function!(Sha512, SHA512_CTX, 64, SHA512_BEGINNING, SHA512_Update, SHA512_Final);
function!(Sha512_224, SHA512_CTX, 28, SHA512_224_BEGINNING, SHA512_224_Update, SHA512_224_Final);
function!(Sha512_256, SHA512_CTX, 32, SHA512_256_BEGINNING, SHA512_256_Update, SHA512_256_Final);

// The state of a context, to and from bytes.
trait Context: Sized {
    fn export(&self) -> Result<Vec<u8>, Error>;

    // Into a context that has just begun. None, with the context as it was, for bytes that no message leads to.
    fn import(&mut self, bytes: &[u8]) -> Option<()>;
}

macro_rules! context {
    ($context:ty, $word:ty, $block:ident) => {
        impl Context for $context {
            fn export(&self) -> Result<Vec<u8>, Error> {
                let message_bits = u128::from(self.Nh) << <$word>::BITS | u128::from(self.Nl);
                let block = self.$block.get(..self.num as usize).ok_or(Error::Library("SHA context"))?;
                let state_bytes = size_of_val(&self.h) + COUNT_BYTES + self.$block.len();
                let mut bytes = Vec::new();
                bytes.try_reserve_exact(state_bytes).map_err(|_| Error::Memory)?;
                self.h.iter().for_each(|word| bytes.extend_from_slice(&word.to_le_bytes()));
                bytes.extend_from_slice(&((message_bits / 8) as u64).to_le_bytes());
                bytes.extend_from_slice(block);
                bytes.resize(state_bytes, 0);
                Ok(bytes)
            }

            fn import(&mut self, bytes: &[u8]) -> Option<()> {
                let (words, rest) = bytes.split_at_checked(size_of_val(&self.h))?;
                let (count, block) = rest.split_first_chunk::<COUNT_BYTES>()?;
                let message_bytes = u64::from_le_bytes(*count);
                if block.len() != self.$block.len() || message_bytes >= MESSAGE_BYTES_LIMIT {
                    return None;
                }
                let block_bytes = (message_bytes % block.len() as u64) as usize;
                let nothing_behind = block.iter().skip(block_bytes).all(|byte| *byte == 0);
                let mut chaining = self.h;
                let (words, _) = words.as_chunks::<{ size_of::<$word>() }>();
                chaining.iter_mut().zip(words).for_each(|(word, bytes)| *word = <$word>::from_le_bytes(*bytes));
                // Before the first whole block the words are those every message begins with.
                let reachable = message_bytes >= block.len() as u64 || chaining == self.h;
                if !nothing_behind || !reachable {
                    return None;
                }
                let message_bits = u128::from(message_bytes) * 8;
                self.h = chaining;
                self.Nl = message_bits as $word;
                self.Nh = (message_bits >> <$word>::BITS) as $word;
                self.$block.copy_from_slice(block);
                self.num = block_bytes as u32;
                Some(())
            }
        }
    };
}

context!(SHA_CTX, u32, data);
context!(SHA256_CTX, u32, data);
context!(SHA512_CTX, u64, p);

// SAFETY: words, a block buffer and counts.
unsafe impl Plain for SHA_CTX {}
// SAFETY: as above.
unsafe impl Plain for SHA512_CTX {}

const COUNT_BYTES: usize = 8;

// No machine gets there, and the count of bits stays within 64 bits whatever is added.
const MESSAGE_BYTES_LIMIT: u64 = 1 << 58;

// Each function's initial hash value (FIPS 180-4 §5.3) as its `Init` sets it. To copy a constant takes a fraction of
// that call, and nothing of the message before is left in the block buffer, which not every `Init` clears.
const SHA1_BEGINNING: SHA_CTX = SHA_CTX {
    h: [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0],
    Nl: 0,
    Nh: 0,
    data: [0; 64],
    num: 0,
};

const SHA224_BEGINNING: SHA256_CTX = sha256(
    [0xc105_9ed8, 0x367c_d507, 0x3070_dd17, 0xf70e_5939, 0xffc0_0b31, 0x6858_1511, 0x64f9_8fa7, 0xbefa_4fa4],
    28,
);

const SHA256_BEGINNING: SHA256_CTX = sha256(
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19],
    32,
);

const SHA384_BEGINNING: SHA512_CTX = sha512(
    [
        0xcbbb_9d5d_c105_9ed8,
        0x629a_292a_367c_d507,
        0x9159_015a_3070_dd17,
        0x152f_ecd8_f70e_5939,
        0x6733_2667_ffc0_0b31,
        0x8eb4_4a87_6858_1511,
        0xdb0c_2e0d_64f9_8fa7,
        0x47b5_481d_befa_4fa4,
    ],
    48,
);

const SHA512_BEGINNING: SHA512_CTX = sha512(
    [
        0x6a09_e667_f3bc_c908,
        0xbb67_ae85_84ca_a73b,
        0x3c6e_f372_fe94_f82b,
        0xa54f_f53a_5f1d_36f1,
        0x510e_527f_ade6_82d1,
        0x9b05_688c_2b3e_6c1f,
        0x1f83_d9ab_fb41_bd6b,
        0x5be0_cd19_137e_2179,
    ],
    64,
);

const SHA512_224_BEGINNING: SHA512_CTX = sha512(
    [
        0x8c3d_37c8_1954_4da2,
        0x73e1_9966_89dc_d4d6,
        0x1dfa_b7ae_32ff_9c82,
        0x679d_d514_582f_9fcf,
        0x0f6d_2b69_7bd4_4da8,
        0x77e3_6f73_04c4_8942,
        0x3f9d_85a8_6a1d_36c8,
        0x1112_e6ad_91d6_92a1,
    ],
    28,
);

const SHA512_256_BEGINNING: SHA512_CTX = sha512(
    [
        0x2231_2194_fc2b_f72c,
        0x9f55_5fa3_c84c_64c2,
        0x2393_b86b_6f53_b151,
        0x9638_7719_5940_eabd,
        0x9628_3ee2_a88e_ffe3,
        0xbe5e_1e25_5386_3992,
        0x2b01_99fc_2c85_b8aa,
        0x0eb7_2ddc_81c5_2ca2,
    ],
    32,
);

const fn sha256(h: [u32; 8], output_bytes: u32) -> SHA256_CTX {
    SHA256_CTX { h, Nl: 0, Nh: 0, data: [0; 64], num: 0, md_len: output_bytes }
}

const fn sha512(h: [u64; 8], output_bytes: u32) -> SHA512_CTX {
    SHA512_CTX { h, Nl: 0, Nh: 0, p: [0; 128], num: 0, md_len: output_bytes }
}

#[cfg(test)]
mod tests {
    use std::mem::MaybeUninit;

    use aws_lc_sys::{SHA1_Init, SHA224_Init, SHA256_Init, SHA384_Init, SHA512_224_Init, SHA512_256_Init, SHA512_Init};

    use super::*;
    use crate::hash::Algorithm;

    const FUNCTIONS: [(Algorithm, usize); 7] = [
        (Algorithm::Sha1, 20),
        (Algorithm::Sha224, 32),
        (Algorithm::Sha256, 32),
        (Algorithm::Sha384, 64),
        (Algorithm::Sha512, 64),
        (Algorithm::Sha512_224, 64),
        (Algorithm::Sha512_256, 64),
    ];

    #[test]
    fn messages_begin_as_the_library_begins_them() {
        macro_rules! check {
            ($($beginning:ident $init:ident)*) => {$(
                // SAFETY: numbers and bytes only; the call overwrites them.
                let context = unsafe {
                    let mut context = MaybeUninit::zeroed().assume_init();
                    assert_eq!($init(&mut context), 1);
                    context
                };
                assert_eq!($beginning, context, stringify!($init));
            )*};
        }
        check!(SHA1_BEGINNING SHA1_Init SHA224_BEGINNING SHA224_Init SHA256_BEGINNING SHA256_Init);
        check!(SHA384_BEGINNING SHA384_Init SHA512_BEGINNING SHA512_Init);
        check!(SHA512_224_BEGINNING SHA512_224_Init SHA512_256_BEGINNING SHA512_256_Init);
    }

    fn state_after(algorithm: Algorithm, message_bytes: usize) -> Vec<u8> {
        let mut hash = Hash::new(algorithm);
        hash.update(&vec![1; message_bytes]);
        hash.export_state().unwrap()
    }

    #[test]
    fn a_state_is_the_chaining_words_the_count_and_the_open_block() {
        for (algorithm, chaining_bytes) in FUNCTIONS {
            let block_bytes = algorithm.block_bytes();
            let state = state_after(algorithm, block_bytes * 258 + 5);
            let (count, block) = state[chaining_bytes..].split_at(COUNT_BYTES);
            assert_eq!(count, (block_bytes as u64 * 258 + 5).to_le_bytes(), "{algorithm:?}");
            let (open, behind) = block.split_at(5);
            assert_eq!(open, [1; 5]);
            assert_eq!(behind, vec![0; block_bytes - 5]);
        }
        // The first words of FIPS 180-4 §5.3.3, little-endian.
        assert_eq!(state_after(Algorithm::Sha256, 0)[..8], [0x67, 0xe6, 0x09, 0x6a, 0x85, 0xae, 0x67, 0xbb]);
    }

    #[test]
    fn states_that_no_message_leads_to_are_refused() {
        for (algorithm, chaining_bytes) in FUNCTIONS {
            let block_bytes = algorithm.block_bytes();
            let accepted = |state: &[u8]| Hash::import_state(algorithm, state).is_ok();
            let with_byte = |state: &[u8], place: usize, value: u8| {
                let mut changed = state.to_vec();
                changed[place] = value;
                changed
            };
            let state = state_after(algorithm, block_bytes * 3 + 5);
            assert!(accepted(&state));
            // Any chaining value can occur after a block, but only one before.
            assert!(accepted(&with_byte(&state, 0, !state[0])));
            let early = state_after(algorithm, 5);
            assert!(accepted(&early));
            assert!(!accepted(&with_byte(&early, 0, !early[0])), "{algorithm:?}");
            // The open block has what the count says: no byte more.
            let open_block = chaining_bytes + COUNT_BYTES;
            assert!(accepted(&with_byte(&state, open_block + 4, 9)));
            assert!(!accepted(&with_byte(&state, open_block + 5, 9)), "{algorithm:?}");
            assert!(!accepted(&with_byte(&state, state.len() - 1, 9)), "{algorithm:?}");
            assert!(!accepted(&with_byte(&state, chaining_bytes, state[chaining_bytes] - 1)), "{algorithm:?}");
            // Counts up to the limit, and not from there on.
            assert!(accepted(&with_byte(&state, chaining_bytes + 7, 3)));
            assert!(!accepted(&with_byte(&state, chaining_bytes + 7, 4)), "{algorithm:?}");
            assert!(!accepted(&with_byte(&state, chaining_bytes + 7, 0xff)), "{algorithm:?}");
        }
    }

    #[test]
    fn a_long_message_goes_on_from_its_state() {
        // Where the 32-bit words that count the bits of SHA-1 and SHA-256 overflow into the next.
        for (algorithm, chaining_bytes) in FUNCTIONS {
            let mut state = state_after(algorithm, algorithm.block_bytes());
            state[chaining_bytes..][..COUNT_BYTES].copy_from_slice(&((1_u64 << 29) - 128).to_le_bytes());
            let mut hash = Hash::import_state(algorithm, &state).unwrap();
            hash.update(&[1; 130]);
            let state = hash.export_state().unwrap();
            assert_eq!(state[chaining_bytes..][..COUNT_BYTES], ((1_u64 << 29) + 2).to_le_bytes(), "{algorithm:?}");
            assert_eq!(Hash::import_state(algorithm, &state).unwrap().export_state(), Ok(state));
        }
    }

    #[test]
    fn ended_and_reset_digests_keep_nothing_of_the_message() {
        let mut hash = Sha512(SHA512_BEGINNING);
        hash.update(&[0xa5; 100]);
        hash.finish(&mut [0; 64]).unwrap();
        assert_eq!(hash.0, SHA512_BEGINNING);
        hash.update(&[0xa5; 100]);
        hash.reset();
        assert_eq!(hash.0, SHA512_BEGINNING);
    }
}
