//! Digests and MACs.

use cryptoki_sys::{
    CK_MECHANISM_TYPE, CK_OBJECT_HANDLE, CKK_AES, CKK_GENERIC_SECRET, CKM_AES_CMAC, CKM_SHA256, CKM_SHA256_HMAC,
    CKM_SHA512,
};

use super::{AES_KEY, Bench, MAC_KEY, message, require, size_name};
use crate::limit::{self, CmacKey, HmacKey};
use crate::measure::{Problem, Trial, latency};
use crate::module::{Mechanism, Session};
use crate::template::Template;
use crate::token::Token;

pub(super) fn benches() -> Vec<Bench> {
    let mut benches = Vec::new();
    benches.extend([64, 1024, 16 * 1024].map(|bytes| digest(Hash::Sha256, bytes)));
    benches.push(digest(Hash::Sha512, 16 * 1024));
    benches.extend([64, 1024, 16 * 1024].map(|bytes| mac(Mac::HmacSha256, bytes)));
    benches.push(mac(Mac::AesCmac, 1024));
    benches
}

/// A digest of the table.
#[derive(Clone, Copy)]
pub(super) enum Hash {
    Sha256,
    Sha512,
}

/// A MAC of the table.
#[derive(Clone, Copy)]
pub(super) enum Mac {
    HmacSha256,
    AesCmac,
}

fn digest(hash: Hash, bytes: usize) -> Bench {
    let name = match hash {
        Hash::Sha256 => "sha256",
        Hash::Sha512 => "sha512",
    };
    let prepare = move |token: &Token| {
        let (session, data) = (proven_digest(token, hash, bytes)?, message(bytes));
        let mut output = [0; 64];
        Ok(latency(move || session.digest(hash.mechanism(), &data, &mut output).map(drop)))
    };
    Bench::new("digest", format!("digest.{name}.{}", size_name(bytes)), prepare).with_limit(move || hash.limit(bytes))
}

fn mac(mac: Mac, bytes: usize) -> Bench {
    let name = match mac {
        Mac::HmacSha256 => "hmac.sha256",
        Mac::AesCmac => "cmac.aes",
    };
    let prepare = move |token: &Token| {
        let ((session, key), data) = (proven_mac(token, mac, bytes)?, message(bytes));
        let mut output = [0; 32];
        Ok(latency(move || session.sign(Mechanism::Plain(mac.mechanism()), key, &data, &mut output).map(drop)))
    };
    Bench::new("mac", format!("{name}.{}", size_name(bytes)), prepare).with_limit(move || mac.limit(bytes))
}

/// A session in which the digest gives the published value of "abc" and the reference's value of the bench's message.
pub(super) fn proven_digest(token: &Token, hash: Hash, bytes: usize) -> Result<Session, Problem> {
    let session = token.open()?;
    let mut output = [0; 64];
    let length = session.digest(hash.mechanism(), b"abc", &mut output)?;
    require(output.get(..length) == Some(hash.digest_of_abc()), "the digest of \"abc\" is not the published one")?;
    let data = message(bytes);
    let length = session.digest(hash.mechanism(), &data, &mut output)?;
    require(output.get(..length) == Some(&*hash.reference(&data)), "the digest differs from the reference")?;
    Ok(session)
}

/// A session with a key whose MAC of the bench's message is the reference's.
pub(super) fn proven_mac(token: &Token, mac: Mac, bytes: usize) -> Result<(Session, CK_OBJECT_HANDLE), Problem> {
    let session = token.open()?;
    let template = match mac {
        Mac::HmacSha256 => Template::mac_key(CKK_GENERIC_SECRET, "bench-mac", &MAC_KEY),
        Mac::AesCmac => Template::mac_key(CKK_AES, "bench-mac", &AES_KEY),
    };
    let key = session.create(&template)?;
    let (data, mut output) = (message(bytes), [0; 32]);
    let length = session.sign(Mechanism::Plain(mac.mechanism()), key, &data, &mut output)?;
    require(output.get(..length) == Some(&*mac.reference(&data)), "the MAC differs from the reference")?;
    Ok((session, key))
}

impl Hash {
    pub(super) fn mechanism(self) -> CK_MECHANISM_TYPE {
        match self {
            Hash::Sha256 => CKM_SHA256,
            Hash::Sha512 => CKM_SHA512,
        }
    }

    fn limit(self, bytes: usize) -> Trial {
        let (data, mut short, mut long) = (message(bytes), [0; 32], [0; 64]);
        match self {
            Hash::Sha256 => latency(move || {
                limit::sha256(&data, &mut short);
                Ok(())
            }),
            Hash::Sha512 => latency(move || {
                limit::sha512(&data, &mut long);
                Ok(())
            }),
        }
    }

    fn reference(self, data: &[u8]) -> Vec<u8> {
        let (mut short, mut long) = ([0; 32], [0; 64]);
        match self {
            Hash::Sha256 => {
                limit::sha256(data, &mut short);
                short.to_vec()
            }
            Hash::Sha512 => {
                limit::sha512(data, &mut long);
                long.to_vec()
            }
        }
    }

    /// FIPS 180-2, appendices B.1 and C.1.
    fn digest_of_abc(self) -> &'static [u8] {
        match self {
            Hash::Sha256 => {
                b"\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23\
                  \xb0\x03\x61\xa3\x96\x17\x7a\x9c\xb4\x10\xff\x61\xf2\x00\x15\xad"
            }
            Hash::Sha512 => {
                b"\xdd\xaf\x35\xa1\x93\x61\x7a\xba\xcc\x41\x73\x49\xae\x20\x41\x31\
                  \x12\xe6\xfa\x4e\x89\xa9\x7e\xa2\x0a\x9e\xee\xe6\x4b\x55\xd3\x9a\
                  \x21\x92\x99\x2a\x27\x4f\xc1\xa8\x36\xba\x3c\x23\xa3\xfe\xeb\xbd\
                  \x45\x4d\x44\x23\x64\x3c\xe8\x0e\x2a\x9a\xc9\x4f\xa5\x4c\xa4\x9f"
            }
        }
    }
}

impl Mac {
    pub(super) fn mechanism(self) -> CK_MECHANISM_TYPE {
        match self {
            Mac::HmacSha256 => CKM_SHA256_HMAC,
            Mac::AesCmac => CKM_AES_CMAC,
        }
    }

    fn reference(self, data: &[u8]) -> Vec<u8> {
        let (mut long, mut short) = ([0; 32], [0; 16]);
        match self {
            Mac::HmacSha256 => {
                HmacKey::new(&MAC_KEY).sign(data, &mut long);
                long.to_vec()
            }
            Mac::AesCmac => {
                CmacKey::new(&AES_KEY).sign(data, &mut short);
                short.to_vec()
            }
        }
    }

    fn limit(self, bytes: usize) -> Trial {
        let (data, mut long, mut short) = (message(bytes), [0; 32], [0; 16]);
        match self {
            Mac::HmacSha256 => {
                let mut key = HmacKey::new(&MAC_KEY);
                latency(move || {
                    key.sign(&data, &mut long);
                    Ok(())
                })
            }
            Mac::AesCmac => {
                let mut key = CmacKey::new(&AES_KEY);
                latency(move || {
                    key.sign(&data, &mut short);
                    Ok(())
                })
            }
        }
    }
}
