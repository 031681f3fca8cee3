//! Running encryptions and decryptions with prepared keys.
//!
//! A [`Key`] is prepared once and shared: it holds the expanded schedules and builds what a mode needs on first use.
//! A [`Cipher`] is one operation over such a key: it owns a reference to the key and its own running state, and
//! [`Cipher::restart`] begins the next operation in the same buffers. Nothing here knows who may use a key.
//!
//! Rules every mode keeps:
//!
//! - A too small output buffer ([`Error::OutputTooSmall`]) consumes nothing, and a buffer of exactly the true result
//!   size suffices. Any other error ends the operation.
//! - Authenticated decryption hands out no byte before the tag has been checked: updates are held back and return 0.
//! - `input` and `output` do not overlap.
//!
//! | file | what for |
//! | --- | --- |
//! | `aes`, `des`, `rc4`, `chacha20`, `xts` | prepared keys and what the libraries do with them |
//! | `block` | ECB, CBC, CBC with padding, CBC with ciphertext stealing |
//! | `feedback` | AES CTR, OFB and CFB |
//! | `authenticated` | GCM, CCM, ChaCha20-Poly1305 |
//! | `evp`, `tail`, `held` | library contexts, partial blocks, data held back |

use std::sync::Arc;

use crate::Error;

pub mod aes;
mod authenticated;
mod block;
pub mod chacha20;
pub mod des;
pub(crate) mod evp;
mod feedback;
mod held;
mod operation;
pub mod rc4;
mod tail;
pub mod xts;

pub use held::HELD_BYTES_MAX;

use operation::State;

/// A key made ready for use: schedules expanded, library contexts built at first use and kept.
///
/// Immutable and shared between any number of operations and threads; wiped when the last of them is gone.
pub enum Key {
    /// AES with a key of 16, 24 or 32 bytes.
    Aes(aes::Key),
    /// AES-XTS: two AES keys of one length.
    AesXts(xts::Key),
    /// DES, two-key and three-key Triple DES.
    Des(des::Key),
    /// RC4.
    Rc4(rc4::Key),
    /// ChaCha20 and ChaCha20-Poly1305.
    ChaCha20(chacha20::Key),
}

impl Key {
    /// An AES key of 16, 24 or 32 bytes.
    ///
    /// # Errors
    /// [`Error::KeyLength`], [`Error::Memory`].
    pub fn aes(bytes: &[u8]) -> Result<Key, Error> {
        aes::Key::new(bytes).map(Key::Aes)
    }

    /// An AES-XTS key: data key, then tweak key, 32 bytes in all for AES-128 and 64 for AES-256 (PKCS#11 CKK_AES_XTS).
    ///
    /// # Errors
    /// [`Error::KeyLength`]; [`Error::KeyValue`] for two equal halves (NIST SP 800-38E, FIPS 140-3 IG C.I);
    /// [`Error::Memory`].
    pub fn aes_xts(bytes: &[u8]) -> Result<Key, Error> {
        xts::Key::new(bytes).map(Key::AesXts)
    }

    /// A DES key of 8 bytes, or a Triple DES key of 16 (K3 = K1) or 24 bytes. Parity bits are ignored.
    ///
    /// # Errors
    /// [`Error::KeyLength`], [`Error::Memory`].
    pub fn des(bytes: &[u8]) -> Result<Key, Error> {
        des::Key::new(bytes).map(Key::Des)
    }

    /// An RC4 key of 1 to 256 bytes.
    ///
    /// # Errors
    /// [`Error::KeyLength`], [`Error::Memory`].
    pub fn rc4(bytes: &[u8]) -> Result<Key, Error> {
        rc4::Key::new(bytes).map(Key::Rc4)
    }

    /// A ChaCha20 key of 32 bytes, for the stream cipher and for ChaCha20-Poly1305.
    ///
    /// # Errors
    /// [`Error::KeyLength`], [`Error::Memory`].
    pub fn chacha20(bytes: &[u8]) -> Result<Key, Error> {
        chacha20::Key::new(bytes).map(Key::ChaCha20)
    }
}

/// Which way a cipher runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Plaintext in, ciphertext out.
    Encrypt,
    /// Ciphertext in, plaintext out.
    Decrypt,
}

/// A mode with the parameters of one operation. The parameters are copied when the operation starts.
#[derive(Debug, Clone, Copy)]
pub enum Mode<'a> {
    /// Electronic codebook over whole blocks (AES, DES).
    Ecb,
    /// Cipher block chaining over whole blocks (AES, DES).
    Cbc {
        /// One block.
        iv: &'a [u8],
    },
    /// Cipher block chaining with PKCS#7 padding (AES, DES).
    CbcPad {
        /// One block.
        iv: &'a [u8],
    },
    /// AES-CBC with ciphertext stealing: same length out as in, at least one block.
    ///
    /// This is CBC-CS1 of the addendum to NIST SP 800-38A: whole blocks give plain CBC, otherwise the last but one
    /// ciphertext block is cut short in its place. PKCS#11 (CKM_AES_CTS) points to that addendum without naming a
    /// variant; NSS reads it as CS1 too, so files pass between the two.
    CbcCts {
        /// 16 bytes.
        iv: &'a [u8],
    },
    /// AES counter mode. The operation refuses data past the last counter value instead of wrapping around.
    Ctr {
        /// The first counter block, counter included.
        block: &'a [u8; 16],
        /// How many low bits of the block count, 1 to 128.
        counter_bits: u32,
    },
    /// AES output feedback.
    Ofb {
        /// 16 bytes.
        iv: &'a [u8],
    },
    /// AES cipher feedback, 1 bit at a time, over whole bytes.
    Cfb1 {
        /// 16 bytes.
        iv: &'a [u8],
    },
    /// AES cipher feedback, 8 bits at a time.
    Cfb8 {
        /// 16 bytes.
        iv: &'a [u8],
    },
    /// AES cipher feedback, 128 bits at a time; the last piece may be shorter.
    Cfb128 {
        /// 16 bytes.
        iv: &'a [u8],
    },
    /// AES-GCM; the tag follows the ciphertext.
    Gcm {
        /// 1 byte to 2^31 - 1 bytes; 12 is the usual and the fastest.
        iv: &'a [u8],
        /// Data authenticated but not encrypted.
        aad: &'a [u8],
        /// 4, 8 or 12 to 16 (NIST SP 800-38D §5.2.1.2).
        tag_bytes: usize,
    },
    /// AES-CCM; the tag follows the ciphertext.
    Ccm {
        /// Bytes of plaintext the operation will see, tag not counted; below 2^(8 * (15 - nonce length)).
        data_bytes: usize,
        /// 7 to 13 bytes.
        nonce: &'a [u8],
        /// Data authenticated but not encrypted.
        aad: &'a [u8],
        /// 4, 6, 8, 10, 12, 14 or 16.
        tag_bytes: usize,
    },
    /// AES-XTS over one data unit of 16 bytes to 16 MiB (2^20 blocks, NIST SP 800-38E), of any byte length.
    Xts {
        /// The data unit's number or tweak value, little-endian.
        tweak: &'a [u8; 16],
    },
    /// RC4.
    Rc4,
    /// The ChaCha20 stream: a 12-byte nonce with a 32-bit block counter (RFC 8439), or an 8-byte nonce with a 64-bit
    /// one (the original form). The counter is not allowed to wrap around.
    ChaCha20 {
        /// The first block's number.
        counter: u64,
        /// 32 or 64.
        counter_bits: u32,
        /// 12 bytes with a 32-bit counter, 8 with a 64-bit one.
        nonce: &'a [u8],
    },
    /// ChaCha20-Poly1305 (RFC 8439); the 16-byte tag follows the ciphertext.
    ChaCha20Poly1305 {
        /// 12 bytes.
        nonce: &'a [u8],
        /// Data authenticated but not encrypted.
        aad: &'a [u8],
    },
}

/// One running encryption or decryption.
pub struct Cipher {
    key: Arc<Key>,
    direction: Direction,
    state: State,
    phase: Phase,
}

impl Cipher {
    /// Begins an operation.
    ///
    /// # Errors
    /// [`Error::Parameter`] when the mode does not fit the key or a parameter is out of range; [`Error::DataLength`]
    /// for a CCM length the nonce leaves no room for; [`Error::Memory`].
    pub fn start(key: &Arc<Key>, mode: &Mode<'_>, direction: Direction) -> Result<Cipher, Error> {
        let state = State::new(key, mode, direction)?;
        Ok(Cipher { key: Arc::clone(key), direction, state, phase: Phase::Fresh })
    }

    /// Begins again with the same key and direction, whatever became of the operation before.
    ///
    /// Contexts and buffers are kept: no allocation when the mode is of the same kind.
    ///
    /// # Errors
    /// As for [`Cipher::start`]; the operation is then finished.
    pub fn restart(&mut self, mode: &Mode<'_>) -> Result<(), Error> {
        self.phase = Phase::Finished;
        self.state.renew(&self.key, mode, self.direction)?;
        self.phase = Phase::Fresh;
        Ok(())
    }

    /// Bytes an [`update`](Cipher::update) with `input` bytes will give, exactly.
    pub fn update_len(&self, input: usize) -> usize {
        self.state.operation_ref().update_len(input)
    }

    /// Bytes [`finish`](Cipher::finish) will give; an upper bound where padding decides, else exact.
    pub fn finish_len(&self) -> usize {
        self.state.operation_ref().finish_len()
    }

    /// Bytes a [`one_shot`](Cipher::one_shot) over `input` bytes will give; an upper bound where padding decides,
    /// else exact.
    pub fn one_shot_len(&self, input: usize) -> usize {
        self.state.operation_ref().one_shot_len(input)
    }

    /// Processes the next piece and returns the bytes written.
    ///
    /// # Errors
    /// [`Error::OutputTooSmall`] with nothing consumed. Any other error ends the operation: [`Error::DataLength`] and
    /// [`Error::CiphertextLength`] for more data than the mode or its parameters allow, [`Error::Memory`],
    /// [`Error::Finished`].
    pub fn update(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize, Error> {
        if self.phase == Phase::Finished {
            return Err(Error::Finished);
        }
        let outcome = self.state.operation().update(&self.key, input, output);
        self.phase = match outcome {
            Ok(_) => Phase::Running,
            Err(Error::OutputTooSmall { .. }) => self.phase,
            Err(_) => Phase::Finished,
        };
        outcome
    }

    /// Ends a multi-part operation: the last bytes, the tag, or the checked plaintext.
    ///
    /// # Errors
    /// [`Error::OutputTooSmall`] with the operation as it was. Any other error ends it: [`Error::DataLength`] or
    /// [`Error::CiphertextLength`] when the data's length does not fit the mode, [`Error::Authentication`] for a wrong
    /// tag or padding, [`Error::Memory`], [`Error::Finished`].
    pub fn finish(&mut self, output: &mut [u8]) -> Result<usize, Error> {
        if self.phase == Phase::Finished {
            return Err(Error::Finished);
        }
        let outcome = self.state.operation().finish(&self.key, output);
        self.settle(outcome)
    }

    /// The whole operation in one call, on a fresh operation.
    ///
    /// # Errors
    /// As [`update`](Cipher::update) and [`finish`](Cipher::finish); [`Error::Parameter`] after an update.
    pub fn one_shot(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize, Error> {
        let outcome = match self.phase {
            Phase::Fresh => self.state.operation().one_shot(&self.key, input, output),
            Phase::Running => Err(Error::Parameter("one call cannot end an operation in parts")),
            Phase::Finished => Err(Error::Finished),
        };
        self.settle(outcome)
    }

    fn settle(&mut self, outcome: Result<usize, Error>) -> Result<usize, Error> {
        if !matches!(outcome, Err(Error::OutputTooSmall { .. })) {
            self.phase = Phase::Finished;
        }
        outcome
    }
}

/// The key check value: the first three bytes of one encrypted zero block (PKCS#11 CKA_CHECK_VALUE), for AES and DES.
///
/// # Errors
/// [`Error::Parameter`] for a key that is no block cipher key.
pub fn check_value(key: &Key) -> Result<[u8; 3], Error> {
    let block_bytes = key.block_bytes()?;
    let zeros = [0; block::BLOCK_BYTES_MAX];
    let mut block = [0; block::BLOCK_BYTES_MAX];
    key.ecb(Direction::Encrypt, &zeros[..block_bytes], &mut block[..block_bytes])?;
    Ok([block[0], block[1], block[2]])
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Fresh,
    Running,
    Finished,
}
