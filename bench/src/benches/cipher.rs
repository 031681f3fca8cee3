//! Symmetric encryption and decryption: one-shot, in parts, with session keys and with a token key.

use cryptoki_sys::{
    CK_KEY_TYPE, CK_OBJECT_HANDLE, CKK_AES, CKK_DES3, CKM_AES_CBC, CKM_AES_CBC_PAD, CKM_DES3_CBC,
    CKR_OPERATION_NOT_INITIALIZED,
};

use super::{AES_KEY, Bench, message, require, size_name};
use crate::limit::{AesKey, GcmKey, TripleDesKey};
use crate::measure::{Problem, Trial, latency};
use crate::module::{CallError, Mechanism, Session};
use crate::template::{Place, Template};
use crate::token::Token;

pub(super) fn benches() -> Vec<Bench> {
    let mut benches = Vec::new();
    benches.extend([16, KIB, 16 * KIB, KIB * KIB].map(|bytes| encrypt(Cipher::Gcm, bytes, Place::Session)));
    benches.push(decrypt(Cipher::Gcm, 16 * KIB));
    benches.extend([16, KIB, 16 * KIB].map(|bytes| encrypt(Cipher::Cbc, bytes, Place::Session)));
    benches.push(encrypt(Cipher::CbcPad, KIB, Place::Session));
    benches.push(decrypt(Cipher::Cbc, 16 * KIB));
    benches.push(encrypt(Cipher::Ctr, KIB, Place::Session));
    benches.push(encrypt(Cipher::Des3Cbc, KIB, Place::Session));
    benches.extend([Cipher::Gcm, Cipher::Cbc].map(encrypt_in_parts));
    benches.push(encrypt(Cipher::Gcm, KIB, Place::Token));
    benches
}

/// A cipher and mode of the table.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Cipher {
    Gcm,
    Cbc,
    CbcPad,
    Ctr,
    Des3Cbc,
}

impl Cipher {
    fn name(self) -> &'static str {
        match self {
            Cipher::Gcm => "gcm",
            Cipher::Cbc => "cbc",
            Cipher::CbcPad => "cbcpad",
            Cipher::Ctr => "ctr",
            Cipher::Des3Cbc => "des3.cbc",
        }
    }

    fn mechanism(self, vector: &Vector) -> Mechanism<'_> {
        match self {
            Cipher::Gcm => Mechanism::Gcm(&vector.twelve),
            Cipher::Cbc => Mechanism::Iv(CKM_AES_CBC, &IV),
            Cipher::CbcPad => Mechanism::Iv(CKM_AES_CBC_PAD, &IV),
            Cipher::Ctr => Mechanism::Ctr(&IV),
            Cipher::Des3Cbc => Mechanism::Iv(CKM_DES3_CBC, &DES_IV),
        }
    }

    fn key(self) -> (CK_KEY_TYPE, &'static [u8]) {
        match self {
            Cipher::Des3Cbc => (CKK_DES3, &DES3_KEY),
            _ => (CKK_AES, &AES_KEY),
        }
    }

    /// The raw library call with the prepared key.
    fn raw(self) -> RawCall {
        match self {
            Cipher::Gcm => {
                let key = GcmKey::new(&AES_KEY);
                Box::new(move |vector, data, output| key.seal(&vector.twelve, data, output))
            }
            Cipher::Cbc => {
                let key = AesKey::new(&AES_KEY);
                Box::new(move |_, data, output| {
                    key.cbc_encrypt(&IV, data, output);
                    data.len()
                })
            }
            Cipher::CbcPad => {
                let key = AesKey::new(&AES_KEY);
                let mut padded = Vec::new();
                Box::new(move |_, data, output| {
                    padded.clear();
                    padded.extend_from_slice(data);
                    padded.resize((data.len() / 16 + 1) * 16, (16 - data.len() % 16) as u8);
                    key.cbc_encrypt(&IV, &padded, output);
                    padded.len()
                })
            }
            Cipher::Ctr => {
                let key = AesKey::new(&AES_KEY);
                Box::new(move |_, data, output| {
                    key.ctr(&IV, data, output);
                    data.len()
                })
            }
            Cipher::Des3Cbc => {
                let key = TripleDesKey::new(&DES3_KEY);
                Box::new(move |_, data, output| {
                    key.cbc_encrypt(&DES_IV, data, output);
                    data.len()
                })
            }
        }
    }
}

/// Encrypts with a prepared key and gives the length of the output.
type RawCall = Box<dyn FnMut(&Vector, &[u8], &mut [u8]) -> usize>;

/// The initialisation vector of GCM, a new one for each call.
pub(super) struct Vector {
    twelve: [u8; 12],
    counter: u64,
}

impl Vector {
    pub(super) fn new() -> Self {
        Self { twelve: [0x5a; 12], counter: 0 }
    }

    #[inline]
    pub(super) fn advance(&mut self) -> &[u8; 12] {
        self.counter += 1;
        if let Some(tail) = self.twelve.last_chunk_mut::<8>() {
            *tail = self.counter.to_be_bytes();
        }
        &self.twelve
    }
}

fn encrypt(cipher: Cipher, bytes: usize, place: Place) -> Bench {
    let size = size_name(bytes);
    let (group, name) = match (place, cipher) {
        (Place::Token, _) => ("tokenkey", format!("tokenkey.{}.{size}", cipher.name())),
        (_, Cipher::Des3Cbc) => ("des3", format!("des3.cbc.{size}")),
        _ => (group(cipher), format!("enc.{}.{size}", cipher.name())),
    };
    let prepare = move |token: &Token| {
        let (session, key) = proven_key(token, cipher, bytes, place)?;
        let data = message(bytes);
        let mut output = vec![0; bytes + OVERHEAD_MAX_BYTES];
        let mut vector = Vector::new();
        Ok(latency(move || {
            vector.advance();
            session.encrypt(cipher.mechanism(&vector), key, &data, &mut output).map(drop)
        }))
    };
    Bench::new(group, name, prepare).with_limit(move || limit_of_encryption(cipher, bytes))
}

fn decrypt(cipher: Cipher, bytes: usize) -> Bench {
    let prepare = move |token: &Token| {
        let (session, key) = proven_key(token, cipher, bytes, Place::Session)?;
        let vector = Vector::new();
        let sealed = reference(cipher, &vector, &message(bytes));
        let mut output = vec![0; bytes + OVERHEAD_MAX_BYTES];
        Ok(latency(move || session.decrypt(cipher.mechanism(&vector), key, &sealed, &mut output).map(drop)))
    };
    let limit = move || -> Trial {
        let vector = Vector::new();
        let sealed = reference(cipher, &vector, &message(bytes));
        let mut output = vec![0; bytes + OVERHEAD_MAX_BYTES];
        if cipher == Cipher::Gcm {
            let key = GcmKey::new(&AES_KEY);
            latency(move || {
                key.open(&vector.twelve, &sealed, &mut output);
                Ok(())
            })
        } else {
            let key = AesKey::new(&AES_KEY);
            latency(move || {
                key.cbc_decrypt(&IV, &sealed, &mut output);
                Ok(())
            })
        }
    };
    let name = format!("dec.{}.{}", cipher.name(), size_name(bytes));
    Bench::new(group(cipher), name, prepare).with_limit(limit)
}

/// Init, sixteen updates of 1 KiB, final. Its limit is the same work in one call.
fn encrypt_in_parts(cipher: Cipher) -> Bench {
    let bytes = 16 * KIB;
    let prepare = move |token: &Token| {
        let (session, key) = proven_key(token, cipher, bytes, Place::Session)?;
        let data = message(bytes);
        let mut output = vec![0; bytes + OVERHEAD_MAX_BYTES];
        let mut vector = Vector::new();
        let mechanism = cipher.mechanism(&vector);
        let length = session.encrypt_in_parts(mechanism, key, &data, KIB, &mut output).map_err(without_updates)?;
        let expected = reference(cipher, &vector, &data);
        require(output.get(..length) == Some(&*expected), "encryption in parts differs from the reference")?;
        Ok(latency(move || {
            vector.advance();
            session.encrypt_in_parts(cipher.mechanism(&vector), key, &data, KIB, &mut output).map(drop)
        }))
    };
    let name = format!("enc.{}.16x1k", cipher.name());
    Bench::new("multipart", name, prepare).with_limit(move || limit_of_encryption(cipher, bytes))
}

/// Right after a successful Init this code means that the module takes this mechanism in one call only.
fn without_updates(error: CallError) -> Problem {
    match (error.function, error.code) {
        ("C_EncryptUpdate", CKR_OPERATION_NOT_INITIALIZED) => Problem::Missing,
        _ => error.into(),
    }
}

/// A key of the bench's own value whose encryption equals the reference and whose decryption undoes it.
pub(super) fn proven_key(
    token: &Token,
    cipher: Cipher,
    bytes: usize,
    place: Place,
) -> Result<(Session, CK_OBJECT_HANDLE), Problem> {
    let session = token.open()?;
    let (kind, value) = cipher.key();
    let template = Template::cipher_key(kind, place, "bench-cipher", b"bench-cipher", value);
    let key = match place {
        Place::Session => session.create(&template)?,
        Place::Token => token.create_temporary(&template)?,
    };
    let (data, vector) = (message(bytes), Vector::new());
    let mut output = vec![0; bytes + OVERHEAD_MAX_BYTES];
    let length = session.encrypt(cipher.mechanism(&vector), key, &data, &mut output)?;
    output.truncate(length);
    require(output == reference(cipher, &vector, &data), "the ciphertext differs from the reference")?;
    let mut back = vec![0; output.len()];
    let length = session.decrypt(cipher.mechanism(&vector), key, &output, &mut back)?;
    require(back.get(..length) == Some(&*data), "decryption does not undo encryption")?;
    Ok((session, key))
}

fn reference(cipher: Cipher, vector: &Vector, data: &[u8]) -> Vec<u8> {
    let mut output = vec![0; data.len() + OVERHEAD_MAX_BYTES];
    let length = cipher.raw()(vector, data, &mut output);
    output.truncate(length);
    output
}

fn limit_of_encryption(cipher: Cipher, bytes: usize) -> Trial {
    let (mut raw, data) = (cipher.raw(), message(bytes));
    let mut output = vec![0; bytes + OVERHEAD_MAX_BYTES];
    let mut vector = Vector::new();
    latency(move || {
        vector.advance();
        raw(&vector, &data, &mut output);
        Ok(())
    })
}

fn group(cipher: Cipher) -> &'static str {
    match cipher {
        Cipher::Gcm => "gcm",
        Cipher::Cbc | Cipher::CbcPad => "cbc",
        Cipher::Ctr => "ctr",
        Cipher::Des3Cbc => "des3",
    }
}

pub(super) const KIB: usize = 1024;
/// A GCM tag or a block of padding.
pub(super) const OVERHEAD_MAX_BYTES: usize = 16;
const IV: [u8; 16] = [0x42; 16];
const DES_IV: [u8; 8] = [0x24; 8];
/// Three different keys of odd parity.
const DES3_KEY: [u8; 24] = *b"\x01\x23\x45\x67\x89\xab\xcd\xef\x23\x45\x67\x89\xab\xcd\xef\x01\
    \x45\x67\x89\xab\xcd\xef\x01\x23";
