//! Message authentication codes: HMAC, CMAC, CBC-MAC, GMAC.
//!
//! A [`Key`] is prepared once and shared, like those of [`cipher`](crate::cipher); a [`Mac`] is one running
//! computation over it and can be restarted without an allocation.

use std::mem::MaybeUninit;
use std::sync::Arc;

use crate::Error;
use crate::cipher::evp::{CipherContext, TAG_BYTES_MAX};
use crate::cipher::{Direction, aes, des};
use crate::hash::{self, Algorithm, Hash};
use crate::memory::{Plain, SecretBox, constant_time_eq, wipe};

/// A key made ready for one kind of MAC.
pub struct Key {
    kind: Kind,
}

impl Key {
    /// HMAC (RFC 2104, FIPS 198-1) with a key of any length.
    ///
    /// # Errors
    /// [`Error::Memory`].
    pub fn hmac(algorithm: Algorithm, bytes: &[u8]) -> Result<Key, Error> {
        HmacKey::new(algorithm, bytes).map(|key| Key { kind: Kind::Hmac(key) })
    }

    /// CMAC (NIST SP 800-38B) with an AES key of 16, 24 or 32 bytes.
    ///
    /// # Errors
    /// [`Error::KeyLength`], [`Error::Memory`].
    pub fn cmac_aes(bytes: &[u8]) -> Result<Key, Error> {
        BlockKey::prepare(Block::Aes(aes::Key::new(bytes)?), Ending::Cmac)
    }

    /// CMAC (NIST SP 800-38B) with a Triple DES key of 16 or 24 bytes.
    ///
    /// # Errors
    /// [`Error::KeyLength`], [`Error::Memory`].
    pub fn cmac_des3(bytes: &[u8]) -> Result<Key, Error> {
        BlockKey::prepare(Block::des3(bytes)?, Ending::Cmac)
    }

    /// CBC-MAC with an AES key: zero IV, the last block filled up with zeros, no other ending (PKCS#11 CKM_AES_MAC,
    /// after FIPS 113). Safe only for messages of one fixed length.
    ///
    /// # Errors
    /// [`Error::KeyLength`], [`Error::Memory`].
    pub fn cbc_mac_aes(bytes: &[u8]) -> Result<Key, Error> {
        BlockKey::prepare(Block::Aes(aes::Key::new(bytes)?), Ending::Zeros)
    }

    /// CBC-MAC as in [`cbc_mac_aes`](Key::cbc_mac_aes) with a DES key of 8 bytes (PKCS#11 CKM_DES_MAC, FIPS 113).
    ///
    /// # Errors
    /// [`Error::KeyLength`], [`Error::Memory`].
    pub fn cbc_mac_des(bytes: &[u8]) -> Result<Key, Error> {
        if bytes.len() != 8 {
            return Err(Error::KeyLength { got: bytes.len() });
        }
        BlockKey::prepare(Block::Des(des::Key::new(bytes)?), Ending::Zeros)
    }

    /// CBC-MAC as in [`cbc_mac_aes`](Key::cbc_mac_aes) with a Triple DES key of 16 or 24 bytes (PKCS#11
    /// CKM_DES3_MAC).
    ///
    /// # Errors
    /// [`Error::KeyLength`], [`Error::Memory`].
    pub fn cbc_mac_des3(bytes: &[u8]) -> Result<Key, Error> {
        BlockKey::prepare(Block::des3(bytes)?, Ending::Zeros)
    }

    /// GMAC (NIST SP 800-38D) with an AES key of 16, 24 or 32 bytes. Each MAC needs an IV of its own.
    ///
    /// # Errors
    /// [`Error::KeyLength`], [`Error::Memory`].
    pub fn gmac(bytes: &[u8]) -> Result<Key, Error> {
        Ok(Key { kind: Kind::Gmac(aes::Key::new(bytes)?) })
    }

    /// Bytes in a full-length tag.
    pub fn full_bytes(&self) -> usize {
        match &self.kind {
            Kind::Hmac(key) => key.states().inner.algorithm().output_bytes(),
            Kind::Block(key) => key.block.bytes(),
            Kind::Gmac(_) => TAG_BYTES_MAX,
        }
    }
}

/// One running MAC.
pub struct Mac {
    key: Arc<Key>,
    state: State,
    finished: bool,
}

impl Mac {
    /// Begins a MAC. GMAC takes an IV of at least one byte; all others take an empty one.
    ///
    /// # Errors
    /// [`Error::Parameter`] for an IV where there is none or the other way around; [`Error::Memory`].
    pub fn start(key: &Arc<Key>, iv: &[u8]) -> Result<Mac, Error> {
        key.check_iv(iv)?;
        let state = match &key.kind {
            Kind::Hmac(key) => State::Hmac(key.states().inner.clone()),
            Kind::Block(_) => State::Block(Chain::new()),
            Kind::Gmac(key) => State::Gmac(gmac_context(key, iv)?),
        };
        Ok(Mac { key: Arc::clone(key), state, finished: false })
    }

    /// Begins again with the same key, whatever became of the MAC before.
    ///
    /// # Errors
    /// As for [`Mac::start`]; the MAC is then finished.
    pub fn restart(&mut self, iv: &[u8]) -> Result<(), Error> {
        self.finished = true;
        self.key.check_iv(iv)?;
        match (&self.key.kind, &mut self.state) {
            (Kind::Hmac(key), State::Hmac(hash)) => hash.clone_from(&key.states().inner),
            (Kind::Gmac(key), State::Gmac(context)) => {
                if context.begin(iv).is_err() {
                    *context = gmac_context(key, iv)?;
                }
            }
            (_, State::Block(chain)) => chain.clear(),
            _ => return Err(Error::Library("Mac::restart")),
        }
        self.finished = false;
        Ok(())
    }

    /// Takes in the next piece of the message.
    ///
    /// # Errors
    /// [`Error::Finished`]; [`Error::Memory`]. After an error the MAC is finished.
    pub fn update(&mut self, data: &[u8]) -> Result<(), Error> {
        if self.finished {
            return Err(Error::Finished);
        }
        let outcome = match (&self.key.kind, &mut self.state) {
            (Kind::Block(key), State::Block(chain)) => chain.update(key, data),
            (_, State::Hmac(hash)) => {
                hash.update(data);
                Ok(())
            }
            (_, State::Gmac(context)) => context.authenticate(data),
            _ => Err(Error::Library("Mac::update")),
        };
        self.finished = outcome.is_err();
        outcome
    }

    /// Writes the leftmost bytes of the tag, as many as `output` takes, and ends the MAC; returns their number.
    ///
    /// # Errors
    /// [`Error::Parameter`] when `output` is empty or longer than [`full_bytes`](Mac::full_bytes); the MAC goes on.
    /// [`Error::Finished`], [`Error::Memory`].
    pub fn finish(&mut self, output: &mut [u8]) -> Result<usize, Error> {
        if self.finished {
            return Err(Error::Finished);
        }
        if output.is_empty() || output.len() > self.full_bytes() {
            return Err(Error::Parameter("the tag has 1 byte to its full length"));
        }
        self.finished = true;
        let mut tag = [0; hash::OUTPUT_BYTES_MAX];
        let outcome = self.full_tag(&mut tag);
        if outcome.is_ok() {
            output.copy_from_slice(&tag[..output.len()]);
        }
        wipe(&mut tag);
        outcome.map(|()| output.len())
    }

    /// Ends the MAC and compares its leftmost bytes with `tag` in constant time. A tag that is empty or too long is
    /// wrong.
    ///
    /// # Errors
    /// [`Error::Finished`], [`Error::Memory`].
    pub fn verify(&mut self, tag: &[u8]) -> Result<bool, Error> {
        let mut expected = [0; hash::OUTPUT_BYTES_MAX];
        let full_bytes = self.full_bytes();
        self.finish(&mut expected[..full_bytes])?;
        let right = match expected[..full_bytes].get(..tag.len()) {
            Some(leftmost) => !tag.is_empty() & constant_time_eq(leftmost, tag),
            None => false,
        };
        wipe(&mut expected);
        Ok(right)
    }

    /// Bytes in a full-length tag.
    pub fn full_bytes(&self) -> usize {
        self.key.full_bytes()
    }

    fn full_tag(&mut self, tag: &mut [u8; hash::OUTPUT_BYTES_MAX]) -> Result<(), Error> {
        match (&self.key.kind, &mut self.state) {
            (Kind::Hmac(key), State::Hmac(hash)) => {
                let len = hash.end(tag)?;
                hash.clone_from(&key.states().outer);
                hash.update(&tag[..len]);
                hash.finish(tag)?;
                Ok(())
            }
            (Kind::Block(key), State::Block(chain)) => chain.finish(key, tag),
            (_, State::Gmac(context)) => {
                if !context.finish() {
                    return Err(Error::Library("EVP_CipherFinal_ex"));
                }
                context.tag(&mut tag[..TAG_BYTES_MAX])
            }
            _ => Err(Error::Library("Mac::finish")),
        }
    }
}

enum Kind {
    Hmac(HmacKey),
    Block(BlockKey),
    Gmac(aes::Key),
}

impl Key {
    fn check_iv(&self, iv: &[u8]) -> Result<(), Error> {
        match (&self.kind, iv.is_empty()) {
            (Kind::Gmac(_), true) => Err(Error::Parameter("GMAC needs an IV")),
            (Kind::Hmac(_) | Kind::Block(_), false) => Err(Error::Parameter("only GMAC takes an IV")),
            _ => Ok(()),
        }
    }
}

enum State {
    Hmac(Hash),
    Block(Chain),
    Gmac(CipherContext),
}

// The hash after the padded key has gone in, for both passes of HMAC. The key itself is not kept.
struct HmacKey {
    states: SecretBox<MaybeUninit<HmacStates>>,
}

// Never dropped: the secret memory around it is wiped as a whole.
struct HmacStates {
    inner: Hash,
    outer: Hash,
}

// SAFETY: hash states own nothing; any bytes do for a value that is not assumed to be initialised.
unsafe impl Plain for MaybeUninit<HmacStates> {}

impl HmacKey {
    fn new(algorithm: Algorithm, bytes: &[u8]) -> Result<HmacKey, Error> {
        let mut states = SecretBox::<MaybeUninit<HmacStates>>::new_zeroed()?;
        let HmacStates { inner, outer } =
            states.write(HmacStates { inner: Hash::new(algorithm), outer: Hash::new(algorithm) });
        let mut block = [0; hash::BLOCK_BYTES_MAX];
        let block = &mut block[..algorithm.block_bytes()];
        match block.get_mut(..bytes.len()) {
            Some(start) => start.copy_from_slice(bytes),
            None => {
                inner.update(bytes);
                inner.finish(block)?;
            }
        }
        block.iter_mut().for_each(|byte| *byte ^= INNER_PAD);
        inner.update(block);
        block.iter_mut().for_each(|byte| *byte ^= INNER_PAD ^ OUTER_PAD);
        outer.update(block);
        wipe(block);
        Ok(HmacKey { states })
    }

    fn states(&self) -> &HmacStates {
        // SAFETY: `new` wrote the value before anyone could see it.
        unsafe { self.states.assume_init_ref() }
    }
}

struct BlockKey {
    block: Block,
    ending: Ending,
    // CMAC's K1 and K2, for a last block that is whole and for one that is not.
    subkeys: SecretBox<[u8; 2 * BLOCK_BYTES_MAX]>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Cmac,
    Zeros,
}

impl BlockKey {
    fn prepare(block: Block, ending: Ending) -> Result<Key, Error> {
        let mut subkeys = SecretBox::<[u8; 2 * BLOCK_BYTES_MAX]>::new_zeroed()?;
        if ending == Ending::Cmac {
            let bytes = block.bytes();
            let mut start = [0; BLOCK_BYTES_MAX];
            block.cbc(&mut [0; BLOCK_BYTES_MAX], &[0; BLOCK_BYTES_MAX][..bytes], &mut start[..bytes])?;
            double(&mut start[..bytes]);
            subkeys[..bytes].copy_from_slice(&start[..bytes]);
            double(&mut start[..bytes]);
            subkeys[BLOCK_BYTES_MAX..][..bytes].copy_from_slice(&start[..bytes]);
            wipe(&mut start);
        }
        Ok(Key { kind: Kind::Block(BlockKey { block, ending, subkeys }) })
    }

    // K1 for a last block that is whole, K2 for one that is not.
    fn subkey(&self, whole: bool) -> &[u8] {
        let (first, second) = self.subkeys.split_at(BLOCK_BYTES_MAX);
        if whole { first } else { second }
    }
}

enum Block {
    Aes(aes::Key),
    Des(des::Key),
}

impl Block {
    fn des3(bytes: &[u8]) -> Result<Block, Error> {
        if !matches!(bytes.len(), 16 | 24) {
            return Err(Error::KeyLength { got: bytes.len() });
        }
        des::Key::new(bytes).map(Block::Des)
    }

    fn bytes(&self) -> usize {
        match self {
            Block::Aes(_) => 16,
            Block::Des(_) => 8,
        }
    }

    fn cbc(&self, iv: &mut [u8; BLOCK_BYTES_MAX], input: &[u8], output: &mut [u8]) -> Result<(), Error> {
        match self {
            Block::Aes(key) => key.cbc(Direction::Encrypt, iv, input, output),
            Block::Des(key) => {
                let (iv, _) = iv.split_first_chunk_mut().ok_or(Error::Library("split_first_chunk_mut"))?;
                key.cbc(Direction::Encrypt, iv, input, output);
                Ok(())
            }
        }
    }
}

// A chain of blocks under CBC, of which only the last ciphertext counts. Wiped on drop: it would let one forge.
struct Chain {
    value: [u8; BLOCK_BYTES_MAX],
    // The last piece of message: up to one whole block, since the last block is treated apart.
    kept: [u8; BLOCK_BYTES_MAX],
    kept_bytes: usize,
    discarded: [u8; RUN_BYTES],
}

impl Chain {
    fn new() -> Chain {
        Chain { value: [0; BLOCK_BYTES_MAX], kept: [0; BLOCK_BYTES_MAX], kept_bytes: 0, discarded: [0; RUN_BYTES] }
    }

    fn clear(&mut self) {
        self.value = [0; BLOCK_BYTES_MAX];
        self.kept_bytes = 0;
    }

    fn update(&mut self, key: &BlockKey, data: &[u8]) -> Result<(), Error> {
        let block_bytes = key.block.bytes();
        let (filling, rest) = data.split_at(data.len().min(block_bytes - self.kept_bytes));
        self.kept[self.kept_bytes..self.kept_bytes + filling.len()].copy_from_slice(filling);
        self.kept_bytes += filling.len();
        if rest.is_empty() {
            return Ok(());
        }
        let kept = self.kept;
        self.absorb(key, &kept[..block_bytes])?;
        let (whole, last) = rest.split_at((rest.len() - 1) / block_bytes * block_bytes);
        self.absorb(key, whole)?;
        self.kept[..last.len()].copy_from_slice(last);
        self.kept_bytes = last.len();
        Ok(())
    }

    fn absorb(&mut self, key: &BlockKey, blocks: &[u8]) -> Result<(), Error> {
        for run in blocks.chunks(RUN_BYTES) {
            key.block.cbc(&mut self.value, run, &mut self.discarded[..run.len()])?;
        }
        Ok(())
    }

    fn finish(&mut self, key: &BlockKey, tag: &mut [u8]) -> Result<(), Error> {
        let block_bytes = key.block.bytes();
        let mut last = [0; BLOCK_BYTES_MAX];
        last[..self.kept_bytes].copy_from_slice(&self.kept[..self.kept_bytes]);
        match key.ending {
            Ending::Cmac => {
                let whole = self.kept_bytes == block_bytes;
                if !whole {
                    last[self.kept_bytes] = 0x80;
                }
                last.iter_mut().zip(key.subkey(whole)).for_each(|(byte, mask)| *byte ^= mask);
            }
            // An empty message is one block of zeros.
            Ending::Zeros => {}
        }
        self.absorb(key, &last[..block_bytes])?;
        tag[..block_bytes].copy_from_slice(&self.value[..block_bytes]);
        wipe(&mut last);
        Ok(())
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        wipe(&mut self.value);
        wipe(&mut self.kept);
        wipe(&mut self.discarded);
    }
}

fn gmac_context(key: &aes::Key, iv: &[u8]) -> Result<CipherContext, Error> {
    let mut context = CipherContext::new(key.gcm_method(), key.raw(), Direction::Encrypt)?;
    context.begin(iv)?;
    Ok(context)
}

// Multiplies by x in GF(2^64) or GF(2^128) (NIST SP 800-38B §6.1), without a branch on the bit that falls out.
fn double(value: &mut [u8]) {
    let reduction = if value.len() == BLOCK_BYTES_MAX { 0x87 } else { 0x1b };
    let mut carry = (value[0] >> 7).wrapping_neg() & reduction;
    for byte in value.iter_mut().rev() {
        let out = *byte >> 7;
        *byte = (*byte << 1) ^ carry;
        carry = out;
    }
}

const BLOCK_BYTES_MAX: usize = 16;
const RUN_BYTES: usize = 256;
const INNER_PAD: u8 = 0x36;
const OUTER_PAD: u8 = 0x5c;
