//! Every mode with every kind of key, with random parameters: what the tests that hold for all modes run over.

use std::sync::Arc;

use strongroom_crypto::cipher::{Key, Mode};

use super::Random;

/// One mode with a key and parameters.
pub struct Setup {
    pub name: String,
    pub key: Arc<Key>,
    pub shape: Shape,
    kind: Kind,
    iv: Vec<u8>,
    aad: Vec<u8>,
    block: [u8; 16],
    tag_bytes: usize,
}

/// Which lengths a mode takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Any,
    Blocks(usize),
    AtLeast(usize),
}

#[derive(Clone, Copy)]
enum Kind {
    Ecb,
    Cbc,
    CbcPad,
    CbcCts,
    Ctr(u32),
    Ofb,
    Cfb1,
    Cfb8,
    Cfb128,
    Gcm,
    Ccm,
    Xts,
    Rc4,
    ChaCha20(u32),
    ChaCha20Poly1305,
}

impl Setup {
    /// The mode for a message of `data_bytes` plaintext bytes.
    pub fn mode(&self, data_bytes: usize) -> Mode<'_> {
        let (iv, aad, tag_bytes) = (&self.iv[..], &self.aad[..], self.tag_bytes);
        match self.kind {
            Kind::Ecb => Mode::Ecb,
            Kind::Cbc => Mode::Cbc { iv },
            Kind::CbcPad => Mode::CbcPad { iv },
            Kind::CbcCts => Mode::CbcCts { iv },
            Kind::Ctr(counter_bits) => Mode::Ctr { block: &self.block, counter_bits },
            Kind::Ofb => Mode::Ofb { iv },
            Kind::Cfb1 => Mode::Cfb1 { iv },
            Kind::Cfb8 => Mode::Cfb8 { iv },
            Kind::Cfb128 => Mode::Cfb128 { iv },
            Kind::Gcm => Mode::Gcm { iv, aad, tag_bytes },
            Kind::Ccm => Mode::Ccm { data_bytes, nonce: iv, aad, tag_bytes },
            Kind::Xts => Mode::Xts { tweak: &self.block },
            Kind::Rc4 => Mode::Rc4,
            Kind::ChaCha20(counter_bits) => Mode::ChaCha20 { counter: 7, counter_bits, nonce: iv },
            Kind::ChaCha20Poly1305 => Mode::ChaCha20Poly1305 { nonce: iv, aad },
        }
    }

    /// Whether a wrong ciphertext is always refused.
    pub fn authenticates(&self) -> bool {
        matches!(self.kind, Kind::Gcm | Kind::Ccm | Kind::ChaCha20Poly1305)
    }

    /// Whether the length of the result is not known beforehand.
    pub fn unpads(&self) -> bool {
        matches!(self.kind, Kind::CbcPad)
    }

    /// A length the mode takes, up to about `limit`.
    pub fn data_bytes(&self, random: &mut Random, limit: usize) -> usize {
        match self.shape {
            Shape::Any => random.below(limit),
            Shape::Blocks(block) => random.below(limit / block + 1) * block,
            Shape::AtLeast(least) => least + random.below(limit),
        }
    }
}

/// All modes, each with random keys and parameters.
pub fn all(random: &mut Random) -> Vec<Setup> {
    let mut setups = Vec::new();
    for key_bytes in [16, 24, 32] {
        let key = Arc::new(Key::aes(&random.bytes(key_bytes)).unwrap());
        let name = format!("AES-{}", key_bytes * 8);
        let mut add = |kind, shape, iv_bytes, aad_bytes, tag_bytes| {
            setups.push(setup(random, &name, &key, kind, shape, iv_bytes, aad_bytes, tag_bytes));
        };
        add(Kind::Ecb, Shape::Blocks(16), 0, 0, 0);
        add(Kind::Cbc, Shape::Blocks(16), 16, 0, 0);
        add(Kind::CbcPad, Shape::Any, 16, 0, 0);
        add(Kind::CbcCts, Shape::AtLeast(16), 16, 0, 0);
        add(Kind::Ctr(128), Shape::Any, 0, 0, 0);
        add(Kind::Ctr(32), Shape::Any, 0, 0, 0);
        add(Kind::Ofb, Shape::Any, 16, 0, 0);
        add(Kind::Cfb1, Shape::Any, 16, 0, 0);
        add(Kind::Cfb8, Shape::Any, 16, 0, 0);
        add(Kind::Cfb128, Shape::Any, 16, 0, 0);
        add(Kind::Gcm, Shape::Any, 12, 20, 16);
        add(Kind::Gcm, Shape::Any, 12, 0, 16);
        add(Kind::Gcm, Shape::Any, 12, 20, 12);
        add(Kind::Gcm, Shape::Any, 1, 5, 4);
        add(Kind::Gcm, Shape::Any, 256, 300, 16);
        add(Kind::Gcm, Shape::Any, 60, 0, 8);
        add(Kind::Ccm, Shape::Any, 13, 20, 16);
        add(Kind::Ccm, Shape::Any, 7, 0, 4);
        add(Kind::Ccm, Shape::Any, 12, 300, 10);
    }
    for key_bytes in [32, 64] {
        let key = Arc::new(Key::aes_xts(&random.bytes(key_bytes)).unwrap());
        let name = format!("AES-{}-XTS", key_bytes * 4);
        setups.push(setup(random, &name, &key, Kind::Xts, Shape::AtLeast(16), 0, 0, 0));
    }
    for key_bytes in [8, 16, 24] {
        let key = Arc::new(Key::des(&random.bytes(key_bytes)).unwrap());
        let name = format!("DES of {key_bytes} bytes");
        setups.push(setup(random, &name, &key, Kind::Ecb, Shape::Blocks(8), 0, 0, 0));
        setups.push(setup(random, &name, &key, Kind::Cbc, Shape::Blocks(8), 8, 0, 0));
        setups.push(setup(random, &name, &key, Kind::CbcPad, Shape::Any, 8, 0, 0));
    }
    for key_bytes in [1, 16, 256] {
        let key = Arc::new(Key::rc4(&random.bytes(key_bytes)).unwrap());
        setups.push(setup(random, "RC4", &key, Kind::Rc4, Shape::Any, 0, 0, 0));
    }
    let key = Arc::new(Key::chacha20(&random.bytes(32)).unwrap());
    setups.push(setup(random, "ChaCha20", &key, Kind::ChaCha20(32), Shape::Any, 12, 0, 0));
    setups.push(setup(random, "ChaCha20", &key, Kind::ChaCha20(64), Shape::Any, 8, 0, 0));
    setups.push(setup(random, "ChaCha20", &key, Kind::ChaCha20Poly1305, Shape::Any, 12, 17, 16));
    setups.push(setup(random, "ChaCha20", &key, Kind::ChaCha20Poly1305, Shape::Any, 12, 0, 16));
    setups
}

#[allow(clippy::too_many_arguments)]
fn setup(
    random: &mut Random,
    key_name: &str,
    key: &Arc<Key>,
    kind: Kind,
    shape: Shape,
    iv_bytes: usize,
    aad_bytes: usize,
    tag_bytes: usize,
) -> Setup {
    let mut block = [0; 16];
    // Room for a 32-bit counter to count.
    block[..12].copy_from_slice(&random.bytes(12));
    let mut setup = Setup {
        name: String::new(),
        key: Arc::clone(key),
        shape,
        kind,
        iv: random.bytes(iv_bytes),
        aad: random.bytes(aad_bytes),
        block,
        tag_bytes,
    };
    let mode = format!("{:?}", setup.mode(0));
    setup.name = format!("{key_name} {}", mode.split_once(' ').map_or(&mode[..], |(name, _)| name));
    setup
}
