//! Key generation, in the session and durably in the token, and of key pairs in the session.

use std::time::Instant;

use aws_lc_sys as aws;
use cryptoki_sys::{CK_OBJECT_HANDLE, CKM_AES_KEY_GEN};

use super::{Bench, message, require};
use crate::limit::pairs;
use crate::measure::{Problem, Trial, latency, self_timed};
use crate::module::{CallError, Mechanism, Session};
use crate::pair::{Curve, Kind};
use crate::template::{AttributeReader, Place, Template};
use crate::token::Token;

pub(super) fn benches() -> Vec<Bench> {
    vec![
        Bench::new("keygen", "keygen.aes256.session", generate_in_session),
        Bench::new("keygen", "keygen.aes256.token", generate_in_token),
        Bench::new("keygen", "destroy.token", destroy_in_token),
        generate_pair(Kind::Rsa(2048)).with_mean(),
        generate_pair(Kind::Ec(Curve::P256)),
        generate_pair(Kind::Ed25519),
        generate_pair(Kind::MlKem768),
        generate_pair(Kind::MlDsa65),
    ]
}

/// Generates and destroys pairs.
fn generate_pair(kind: Kind) -> Bench {
    let prepare = move |token: &Token| {
        let session = token.open()?;
        let (first, request) = kind.generate(&session)?;
        let (second, _) = kind.generate(&session)?;
        require(first.value != second.value, "two generated pairs are the same")?;
        session.destroy_pair(first.handles)?;
        session.destroy_pair(second.handles)?;
        Ok(pair_probe(kind, move || request.generate_and_destroy(&session)))
    };
    let limit = move || {
        pair_probe(kind, move || {
            match kind {
                Kind::Rsa(bits) => drop(pairs::rsa(bits)),
                Kind::Ec(_) => drop(pairs::ec(aws::NID_X9_62_prime256v1)),
                Kind::MlKem768 => drop(pairs::ml_kem_768()),
                Kind::MlDsa65 => drop(pairs::ml_dsa_65()),
                _ => pairs::ed25519(),
            }
            Ok(())
        })
    };
    Bench::new("keygen", format!("pairgen.{}", kind.name()), prepare).with_limit(limit)
}

/// Looking for primes takes another time each time: there a sample is the mean of several pairs.
fn pair_probe(kind: Kind, mut generate: impl FnMut() -> Result<(), CallError> + 'static) -> Trial {
    if !matches!(kind, Kind::Rsa(_)) {
        return latency(generate);
    }
    self_timed(move || {
        let start = Instant::now();
        (0..RSA_PAIRS_PER_SAMPLE).try_for_each(|_| generate())?;
        Ok(start.elapsed() / RSA_PAIRS_PER_SAMPLE)
    })
}

/// Generates and destroys, so that the session does not fill up.
fn generate_in_session(token: &Token) -> Result<Trial, Problem> {
    let (session, template) = prepare(token, Place::Session)?;
    Ok(latency(move || {
        let key = session.generate(CKM_AES_KEY_GEN, &template)?;
        session.destroy(key)
    }))
}

fn generate_in_token(token: &Token) -> Result<Trial, Problem> {
    let (session, template) = prepare(token, Place::Token)?;
    Ok(self_timed(move || {
        let start = Instant::now();
        let key = session.generate(CKM_AES_KEY_GEN, &template)?;
        let elapsed = start.elapsed();
        session.destroy(key)?;
        Ok(elapsed)
    }))
}

fn destroy_in_token(token: &Token) -> Result<Trial, Problem> {
    let (session, template) = prepare(token, Place::Token)?;
    Ok(self_timed(move || {
        let key = session.generate(CKM_AES_KEY_GEN, &template)?;
        let start = Instant::now();
        session.destroy(key)?;
        Ok(start.elapsed())
    }))
}

fn prepare(token: &Token, place: Place) -> Result<(Session, Template), Problem> {
    let session = token.open()?;
    prove(&session, place)?;
    Ok((session, Template::aes_generation(place, "bench-generated")))
}

/// Two generated keys have the attributes asked for, work, are different, and are gone when destroyed. They differ in
/// their identifier, because NSS overwrites a token key by a new one of the same identifier.
pub(super) fn prove(session: &Session, place: Place) -> Result<(), Problem> {
    let mut ciphertexts = Vec::new();
    let mut keys = Vec::new();
    for name in ["bench-first", "bench-second"] {
        let key = session.generate(CKM_AES_KEY_GEN, &Template::aes_generation(place, name))?;
        keys.push(key);
        ciphertexts.push(prove_use(session, key, name)?);
    }
    require(ciphertexts.first() != ciphertexts.last(), "two generated keys are the same")?;
    for key in keys {
        session.destroy(key)?;
        let mut reader = AttributeReader::of_key();
        require(session.read(key, &mut reader).is_err(), "a destroyed key can still be read")?;
    }
    Ok(())
}

fn prove_use(session: &Session, key: CK_OBJECT_HANDLE, name: &str) -> Result<[u8; 80], Problem> {
    let plaintext = message(64);
    let mut reader = AttributeReader::of_key();
    session.read(key, &mut reader)?;
    require(reader.describes(name, name.as_bytes()), "a generated key lacks the attributes asked for")?;
    let (mut sealed, mut opened) = ([0; 80], [0; 80]);
    let length = session.encrypt(Mechanism::Gcm(&[7; 12]), key, &plaintext, &mut sealed)?;
    require(length == sealed.len(), "the ciphertext has the wrong length")?;
    let length = session.decrypt(Mechanism::Gcm(&[7; 12]), key, &sealed, &mut opened)?;
    require(opened.get(..length) == Some(&*plaintext), "a generated key does not decrypt what it encrypted")?;
    Ok(sealed)
}

const RSA_PAIRS_PER_SAMPLE: u32 = 8;
