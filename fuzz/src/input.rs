//! The fuzzer's bytes as a sequence of choices: numbers, byte strings, templates, mechanisms with parameters. An input
//! that ends early reads as zeros, so that every input means something.

use std::sync::OnceLock;

use cryptoki_sys::*;
use strongroom_core::attribute::{AttributeType, RawAttribute, RawValue, Template, ValueKind};
use strongroom_core::mechanism::{
    CATALOGUE, Call, CounterFormat, Hkdf, Ike, Kdf108Field, Kdf108Parameter, Mechanism, Oaep, Parameter, ParameterKind,
    Pbkdf2, TlsRandom,
};

/// What is left of the fuzzer's bytes.
pub struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    /// All of `data`.
    pub fn new(data: &'a [u8]) -> Input<'a> {
        Input { rest: data }
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Everything that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// One byte.
    pub fn u8(&mut self) -> u8 {
        self.exactly(1)[0]
    }

    /// Eight bytes as a number.
    pub fn u64(&mut self) -> u64 {
        self.exactly(8).iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// A number below `end`, which is at most 256.
    pub fn below(&mut self, end: usize) -> usize {
        usize::from(self.u8()) % end.max(1)
    }

    /// One of `choices`.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// Exactly `count` bytes, at most 256: zeros where the input ends early.
    pub fn exactly(&mut self, count: usize) -> &'a [u8] {
        match self.rest.split_at_checked(count) {
            Some((taken, rest)) => {
                self.rest = rest;
                taken
            }
            None => {
                self.rest = &[];
                &ZEROS[..count]
            }
        }
    }

    /// A counted string of at most 255 bytes.
    pub fn bytes(&mut self) -> &'a [u8] {
        let count = usize::from(self.u8()).min(self.rest.len());
        let (taken, rest) = self.rest.split_at(count);
        self.rest = rest;
        taken
    }

    /// A string with a length of two bytes.
    pub fn long_bytes(&mut self) -> &'a [u8] {
        let count = (usize::from(self.u8()) << 8 | usize::from(self.u8())).min(self.rest.len());
        let (taken, rest) = self.rest.split_at(count);
        self.rest = rest;
        taken
    }

    /// A caller's template: mostly known attributes with values of their kind.
    pub fn template(&mut self) -> Vec<RawAttribute<'a>> {
        let count = self.below(24);
        (0..count).map_while(|_| (!self.is_empty()).then(|| self.raw_attribute(0))).collect()
    }

    fn raw_attribute(&mut self, depth: usize) -> RawAttribute<'a> {
        let attribute = match self.u8() {
            255 => self.u64(),
            254 => CKA_VENDOR_DEFINED | u64::from(self.u8()),
            at => known_attributes()[usize::from(at) % known_attributes().len()],
        };
        let kind = AttributeType(attribute).kind();
        let value = match (self.u8(), kind) {
            (248..=251, _) => RawValue::Bytes(self.bytes()),
            (252..=255, _) if depth < 2 => self.nested(depth),
            (flag, Some(ValueKind::Flag(_))) => RawValue::Bytes(if flag & 1 == 1 { &[1] } else { &[0] }),
            (_, Some(ValueKind::Ulong)) => RawValue::Bytes(self.ulong_bytes()),
            (choice, Some(ValueKind::Date)) => RawValue::Bytes(DATES[usize::from(choice) % DATES.len()]),
            (_, Some(ValueKind::Mechanisms)) => RawValue::Bytes(self.ulong_bytes()),
            (choice, Some(ValueKind::Template)) if choice < 240 && depth < 2 => self.nested(depth),
            (choice, _) if choice >= 240 => RawValue::Bytes(self.long_bytes()),
            _ => RawValue::Bytes(self.bytes()),
        };
        RawAttribute { attribute, value }
    }

    fn nested(&mut self, depth: usize) -> RawValue<'a> {
        let count = self.below(6);
        RawValue::Nested((0..count).map(|_| self.raw_attribute(depth + 1)).collect())
    }

    fn ulong_bytes(&mut self) -> &'a [u8] {
        match usize::from(self.u8()) {
            255 => self.exactly(8),
            at => &NUMBERS[at % NUMBERS.len()],
        }
    }

    /// A mechanism with a parameter, which is mostly of the right kind.
    pub fn call(&mut self) -> Call<'a> {
        let mechanism = &CATALOGUE[self.below(CATALOGUE.len())];
        self.call_of(mechanism)
    }

    /// A parameter for `mechanism`.
    pub fn call_of(&mut self, mechanism: &'static Mechanism) -> Call<'a> {
        let kind = match self.u8() {
            255 => CATALOGUE[self.below(CATALOGUE.len())].parameter,
            _ => mechanism.parameter,
        };
        Call { mechanism, parameter: self.parameter(kind) }
    }

    fn parameter(&mut self, kind: ParameterKind) -> Parameter<'a> {
        let odd = self.u8() >= 224;
        let iv = |input: &mut Self, usual: usize| if odd { input.bytes() } else { input.exactly(usual) };
        match kind {
            ParameterKind::None => Parameter::None,
            ParameterKind::Iv(bytes) => Parameter::Bytes(iv(self, bytes)),
            ParameterKind::Tweak => Parameter::Bytes(iv(self, 16)),
            ParameterKind::Ctr => {
                let mut block = [0; 16];
                block.copy_from_slice(self.exactly(16));
                Parameter::Ctr { counter_bits: if odd { self.u64() } else { u64::from(self.u8()) }, block }
            }
            ParameterKind::Gcm => Parameter::Gcm {
                iv: iv(self, 12),
                aad: self.bytes(),
                tag_bits: if odd { self.u64() } else { self.one_of(&[128, 120, 112, 104, 96, 64, 32]) },
            },
            ParameterKind::Ccm => Parameter::Ccm {
                data_bytes: if odd { self.u64() } else { u64::from(self.u8()) },
                nonce: iv(self, 12),
                aad: self.bytes(),
                mac_bytes: if odd { self.u64() } else { self.one_of(&[16, 14, 12, 10, 8, 6, 4]) },
            },
            ParameterKind::ChaCha20 => {
                let nonce_bytes = self.one_of(&[12, 8]);
                let nonce = iv(self, nonce_bytes);
                Parameter::ChaCha20 {
                    counter: if odd { self.u64() } else { u64::MAX - u64::from(self.u8()) },
                    counter_bits: self.one_of(&[32, 64, 0]),
                    nonce_bits: if odd { self.u64() } else { nonce.len() as u64 * 8 },
                    nonce,
                }
            }
            ParameterKind::ChaCha20Poly1305 => Parameter::ChaCha20Poly1305 { nonce: iv(self, 12), aad: self.bytes() },
            ParameterKind::MacLength => Parameter::MacLength(self.number(odd)),
            ParameterKind::Bytes | ParameterKind::StringData => Parameter::Bytes(self.bytes()),
            ParameterKind::IvOrNone(_) if self.u8() < 128 => Parameter::None,
            ParameterKind::IvOrNone(bytes) => Parameter::Bytes(iv(self, bytes)),
            ParameterKind::Pss => {
                Parameter::Pss { hash: self.hash(), mgf: u64::from(self.u8() % 11), salt_bytes: self.number(odd) }
            }
            ParameterKind::Oaep => Parameter::Oaep(self.oaep()),
            ParameterKind::RsaAes => Parameter::RsaAes { key_bits: self.aes_bits(), oaep: self.oaep() },
            ParameterKind::Ecdh | ParameterKind::EcdhAes | ParameterKind::X942Dh => Parameter::Agreement {
                kdf: u64::from(self.u8() % 28),
                shared: self.bytes(),
                public: self.bytes(),
                key_bits: self.aes_bits(),
            },
            ParameterKind::EdDsa | ParameterKind::SignContext if self.u8() < 64 => Parameter::None,
            ParameterKind::EdDsa => Parameter::EdDsa { prehash: self.u8() & 1 == 1, context: self.bytes() },
            ParameterKind::SignContext => {
                Parameter::SignContext { hedge: u64::from(self.u8() % 4), context: self.bytes(), hash: None }
            }
            ParameterKind::HashSignContext => Parameter::SignContext {
                hedge: u64::from(self.u8() % 4),
                context: self.bytes(),
                hash: Some(self.hash()),
            },
            ParameterKind::EncryptData(bytes) => Parameter::EncryptData { iv: iv(self, bytes), data: self.bytes() },
            ParameterKind::Extract => Parameter::Extract(self.number(odd)),
            ParameterKind::Key => Parameter::Key(self.number(odd)),
            ParameterKind::Hkdf => Parameter::Hkdf(Hkdf {
                extract: self.u8() & 1 == 1,
                expand: self.u8() & 1 == 1,
                hash: self.hash(),
                salt_type: u64::from(self.u8() % 6),
                salt: self.bytes(),
                salt_key: self.number(odd),
                info: self.bytes(),
            }),
            ParameterKind::Pbkdf2 => Parameter::Pbkdf2(Pbkdf2 {
                salt_source: u64::from(self.u8() & 1),
                salt: self.bytes(),
                iterations: u64::from(self.u8()),
                prf: u64::from(self.u8() % 10),
                prf_data: &[],
                password: self.bytes(),
            }),
            ParameterKind::CounterKdf | ParameterKind::FeedbackKdf => Parameter::Kdf108(Box::new(self.kdf108())),
            ParameterKind::TlsMaster => Parameter::TlsMaster { hash: self.hash(), random: self.random() },
            ParameterKind::TlsExtendedMaster => {
                Parameter::TlsExtendedMaster { hash: self.hash(), session_hash: self.bytes() }
            }
            ParameterKind::TlsKeys => Parameter::TlsKeys {
                hash: self.hash(),
                random: self.random(),
                mac_bits: self.number(odd),
                key_bits: self.aes_bits(),
                iv_bits: self.number(odd),
                export: self.u8() > 250,
            },
            ParameterKind::TlsMac => Parameter::TlsMac {
                hash: self.hash(),
                bytes: self.number(odd),
                server_or_client: u64::from(self.u8() % 4),
            },
            ParameterKind::TlsKdf => Parameter::TlsKdf {
                hash: self.hash(),
                label: self.bytes(),
                random: self.random(),
                context: (self.u8() < 128).then(|| self.bytes()),
            },
            ParameterKind::Ike2PrfPlus => Parameter::Ike(Ike::Prf2Plus {
                prf: self.hash(),
                seed_key: (self.u8() < 64).then(|| self.number(odd)),
                seed: self.bytes(),
            }),
            ParameterKind::IkePrf => Parameter::Ike(Ike::Prf {
                prf: self.hash(),
                data_as_key: self.u8() & 1 == 1,
                rekey: self.u8() & 1 == 1,
                initiator: self.bytes(),
                responder: self.bytes(),
                new_key: self.number(odd),
            }),
            ParameterKind::Ike1Prf => Parameter::Ike(Ike::Prf1 {
                prf: self.hash(),
                previous: (self.u8() < 64).then(|| self.number(odd)),
                shared: self.number(odd),
                initiator: self.bytes(),
                responder: self.bytes(),
                number: self.u8(),
            }),
            ParameterKind::Ike1Extended => Parameter::Ike(Ike::Extended1 {
                prf: self.hash(),
                shared: (self.u8() < 64).then(|| self.number(odd)),
                extra: self.bytes(),
            }),
        }
    }

    /// A number, mostly small.
    fn number(&mut self, odd: bool) -> u64 {
        if odd { self.u64() } else { u64::from(self.u8()) }
    }

    /// A hash, an HMAC, or something else.
    fn hash(&mut self) -> u64 {
        self.one_of(&[
            CKM_SHA256,
            CKM_SHA_1,
            CKM_SHA512,
            CKM_SHA3_256,
            CKM_SHA256_HMAC,
            CKM_SHA512_HMAC,
            CKM_AES_CMAC,
            CKM_TLS_PRF,
            CKM_AES_GCM,
            0,
        ])
    }

    fn aes_bits(&mut self) -> u64 {
        self.one_of(&[128, 192, 256, 0, 127, u64::MAX])
    }

    fn oaep(&mut self) -> Oaep<'a> {
        Oaep {
            hash: self.hash(),
            mgf: u64::from(self.u8() % 11),
            source: u64::from(self.u8() & 1),
            label: self.bytes(),
        }
    }

    fn random(&mut self) -> TlsRandom<'a> {
        TlsRandom { client: self.bytes(), server: self.bytes() }
    }

    fn kdf108(&mut self) -> Kdf108Parameter<'a> {
        let count = self.below(6);
        Kdf108Parameter {
            prf: self.hash(),
            fields: (0..count).map(|_| self.kdf108_field()).collect(),
            iv: self.bytes(),
            additional: (0..self.below(3)).map(|_| Template::parse(&self.template()).unwrap_or_default()).collect(),
        }
    }

    fn kdf108_field(&mut self) -> Kdf108Field<'a> {
        let format = CounterFormat { little_endian: self.u8() & 1 == 1, bits: self.one_of(&[8, 16, 24, 32, 64, 7, 0]) };
        match self.u8() % 6 {
            0 => Kdf108Field::Iteration(None),
            1 => Kdf108Field::Iteration(Some(format)),
            2 => Kdf108Field::Counter(format),
            3 => Kdf108Field::Length { method: u64::from(self.u8() % 4), format },
            4 => Kdf108Field::Key(u64::from(self.u8())),
            _ => Kdf108Field::Bytes(self.bytes()),
        }
    }
}

/// Every attribute the core knows.
pub fn known_attributes() -> &'static [u64] {
    static KNOWN: OnceLock<Vec<u64>> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let plain = 0..0x700;
        let arrays = CKF_ARRAY_ATTRIBUTE..CKF_ARRAY_ATTRIBUTE + 0x700;
        plain.chain(arrays).filter(|number| AttributeType(*number).kind().is_some()).collect()
    })
}

static ZEROS: [u8; 256] = [0; 256];
static DATES: &[&[u8]] = &[b"", b"20260101", b"20261231", b"00000101", b"20269999", b"2026010a"];
static NUMBERS: &[[u8; 8]] = &numbers(&[
    0,
    1,
    2,
    8,
    16,
    24,
    32,
    64,
    255,
    3583,
    CKO_SECRET_KEY,
    CKO_DATA,
    CKO_CERTIFICATE,
    CKO_MECHANISM,
    CKO_PROFILE,
    CKO_PRIVATE_KEY,
    CKK_AES,
    CKK_AES_XTS,
    CKK_GENERIC_SECRET,
    CKK_DES,
    CKK_DES2,
    CKK_DES3,
    CKK_RC4,
    CKK_CHACHA20,
    CKK_SHA256_HMAC,
    CKK_SHA512_HMAC,
    CKK_RSA,
    CKK_EC,
    CKK_EC_EDWARDS,
    CKK_EC_MONTGOMERY,
    CKK_ML_KEM,
    CKK_ML_DSA,
    CKO_PUBLIC_KEY,
    CKP_ML_DSA_65,
    CKM_AES_ECB,
    CKM_AES_GCM,
    CKM_SHA256_HMAC,
    u64::MAX,
]);

const fn numbers<const N: usize>(values: &[u64; N]) -> [[u8; 8]; N] {
    let mut bytes = [[0; 8]; N];
    let mut at = 0;
    while at < N {
        bytes[at] = values[at].to_ne_bytes();
        at += 1;
    }
    bytes
}
