//! Signatures of key pairs, made and verified. The caller hashes; SLH-DSA, ML-DSA and Ed25519 take the same 32 bytes as
//! their message.

use aws_lc_sys as aws;
use cryptoki_sys::{CKM_ECDSA, CKM_EDDSA, CKM_ML_DSA, CKM_RSA_PKCS, CKM_SLH_DSA, CKR_SIGNATURE_INVALID};

use super::{Bench, message, require};
use crate::limit::signatures::{Ecdsa, Ed25519, MlDsa65, Rsa, RsaPadding, Secp256k1, Signer, SlhDsa128f};
use crate::measure::{Problem, Trial, latency};
use crate::module::{Mechanism, Session};
use crate::pair::{Curve, Kind, Pair, PublicValue};
use crate::token::Token;

pub(super) fn benches() -> Vec<Bench> {
    let mut schemes = Vec::new();
    for bits in [2048, 3072, 4096] {
        schemes.extend([RsaPadding::Pkcs1, RsaPadding::Pss].map(|padding| Scheme::Rsa(bits, padding)));
    }
    schemes.extend([Curve::P256, Curve::P384, Curve::P521, Curve::Secp256k1].map(Scheme::Ecdsa));
    schemes.extend([Scheme::Ed25519, Scheme::MlDsa65]);
    let mut benches: Vec<Bench> = schemes.into_iter().flat_map(|scheme| [sign(scheme), verify(scheme)]).collect();
    benches.push(sign(Scheme::SlhDsa128f));
    benches
}

/// A signature of the table.
#[derive(Clone, Copy)]
enum Scheme {
    Rsa(usize, RsaPadding),
    Ecdsa(Curve),
    Ed25519,
    MlDsa65,
    SlhDsa128f,
}

fn sign(scheme: Scheme) -> Bench {
    let prepare = move |token: &Token| {
        let (session, pair, signature) = proven(token, scheme)?;
        let (input, mut output) = (scheme.input(), vec![0; signature.len()]);
        let key = pair.handles.private;
        Ok(latency(move || session.sign(scheme.mechanism(), key, &input, &mut output).map(drop)))
    };
    let limit = move || -> Trial {
        let (mut pair, digest, mut output) = (scheme.raw(), message(DIGEST_BYTES), vec![0; SIGNATURE_BYTES_MAX]);
        latency(move || {
            pair.sign(&digest, &mut output);
            Ok(())
        })
    };
    Bench::new(scheme.group(), format!("sign.{}", scheme.name()), prepare).with_limit(limit)
}

fn verify(scheme: Scheme) -> Bench {
    let prepare = move |token: &Token| {
        let (session, pair, signature) = proven(token, scheme)?;
        let (input, key) = (scheme.input(), pair.handles.public);
        Ok(latency(move || session.verify(scheme.mechanism(), key, &input, &signature)))
    };
    let limit = move || -> Trial {
        let (mut pair, digest, mut signature) = (scheme.raw(), message(DIGEST_BYTES), vec![0; SIGNATURE_BYTES_MAX]);
        let length = pair.sign(&digest, &mut signature);
        signature.truncate(length);
        latency(move || {
            assert!(pair.verify(&digest, &signature), "the limit verifies its own signature");
            Ok(())
        })
    };
    Bench::new(scheme.group(), format!("verify.{}", scheme.name()), prepare).with_limit(limit)
}

/// A session and a pair whose signature the reference accepts, as the module does, which refuses a changed one.
fn proven(token: &Token, scheme: Scheme) -> Result<(Session, Pair, Vec<u8>), Problem> {
    let (session, pair) = (token.open()?, token.pair(scheme.kind())?);
    let (input, mut signature) = (scheme.input(), vec![0; SIGNATURE_BYTES_MAX]);
    let length = session.sign(scheme.mechanism(), pair.handles.private, &input, &mut signature)?;
    signature.truncate(length);
    let is_good = scheme.raw_public(&pair.value).verify(&message(DIGEST_BYTES), &signature);
    require(is_good, "the reference refuses the signature")?;
    session.verify(scheme.mechanism(), pair.handles.public, &input, &signature)?;
    let mut changed = signature.clone();
    if let Some(byte) = changed.get_mut(length / 2) {
        *byte ^= 1;
    }
    let refusal = session.verify(scheme.mechanism(), pair.handles.public, &input, &changed);
    let is_refused = refusal.is_err_and(|error| error.code == CKR_SIGNATURE_INVALID);
    require(is_refused, "a changed signature is not refused as one")?;
    Ok((session, pair, signature))
}

impl Scheme {
    fn name(self) -> String {
        match self {
            Scheme::Rsa(_, RsaPadding::Pkcs1) => format!("{}.pkcs1", self.kind().name()),
            Scheme::Rsa(_, RsaPadding::Pss) => format!("{}.pss", self.kind().name()),
            _ => self.kind().name(),
        }
    }

    fn group(self) -> &'static str {
        match self {
            Scheme::Rsa(..) => "rsa",
            Scheme::Ecdsa(_) | Scheme::Ed25519 => "curves",
            Scheme::MlDsa65 | Scheme::SlhDsa128f => "pq",
        }
    }

    fn kind(self) -> Kind {
        match self {
            Scheme::Rsa(bits, _) => Kind::Rsa(bits),
            Scheme::Ecdsa(curve) => Kind::Ec(curve),
            Scheme::Ed25519 => Kind::Ed25519,
            Scheme::MlDsa65 => Kind::MlDsa65,
            Scheme::SlhDsa128f => Kind::SlhDsa128f,
        }
    }

    fn mechanism(self) -> Mechanism<'static> {
        match self {
            Scheme::Rsa(_, RsaPadding::Pkcs1) => Mechanism::Plain(CKM_RSA_PKCS),
            Scheme::Rsa(_, RsaPadding::Pss) => Mechanism::Pss,
            Scheme::Ecdsa(_) => Mechanism::Plain(CKM_ECDSA),
            Scheme::Ed25519 => Mechanism::Plain(CKM_EDDSA),
            Scheme::MlDsa65 => Mechanism::Plain(CKM_ML_DSA),
            Scheme::SlhDsa128f => Mechanism::Plain(CKM_SLH_DSA),
        }
    }

    /// What the module is given: `CKM_RSA_PKCS` wants the digest in its envelope.
    fn input(self) -> Vec<u8> {
        match self {
            Scheme::Rsa(_, RsaPadding::Pkcs1) => [SHA256_DIGEST_INFO, &message(DIGEST_BYTES)].concat(),
            _ => message(DIGEST_BYTES),
        }
    }

    fn raw(self) -> Box<dyn Signer> {
        match self {
            Scheme::Rsa(bits, padding) => Box::new(Rsa::generate(bits, padding)),
            Scheme::Ecdsa(Curve::Secp256k1) => Box::new(Secp256k1::generate()),
            Scheme::Ecdsa(curve) => Box::new(Ecdsa::generate(library_number(curve), curve.half_bytes())),
            Scheme::Ed25519 => Box::new(Ed25519::generate()),
            Scheme::MlDsa65 => Box::new(MlDsa65::generate()),
            Scheme::SlhDsa128f => Box::new(SlhDsa128f::generate()),
        }
    }

    fn raw_public(self, value: &PublicValue) -> Box<dyn Signer> {
        match (self, value) {
            (Scheme::Rsa(_, padding), PublicValue::Rsa { modulus, exponent }) => {
                Box::new(Rsa::public(modulus, exponent, padding))
            }
            (Scheme::Ecdsa(Curve::Secp256k1), _) => Box::new(Secp256k1::public(value.bytes())),
            (Scheme::Ecdsa(curve), _) => {
                Box::new(Ecdsa::public(library_number(curve), curve.half_bytes(), value.bytes()))
            }
            (Scheme::Ed25519, _) => Box::new(Ed25519::public(value.bytes())),
            (Scheme::MlDsa65, _) => Box::new(MlDsa65::public(value.bytes())),
            (Scheme::SlhDsa128f, _) => Box::new(SlhDsa128f::public(value.bytes())),
            (Scheme::Rsa(..), PublicValue::Bytes(_)) => unreachable!("an RSA key has two numbers"),
        }
    }
}

/// The number that the library gives a curve.
fn library_number(curve: Curve) -> i32 {
    match curve {
        Curve::P256 => aws::NID_X9_62_prime256v1,
        Curve::P384 => aws::NID_secp384r1,
        Curve::P521 => aws::NID_secp521r1,
        Curve::Secp256k1 => aws::NID_secp256k1,
    }
}

const DIGEST_BYTES: usize = 32;
/// Of SLH-DSA-SHA2-128f (FIPS 205, table 2).
const SIGNATURE_BYTES_MAX: usize = 17_088;
/// What stands before a SHA-256 digest (RFC 8017 §9.2, note 1).
const SHA256_DIGEST_INFO: &[u8] = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";
