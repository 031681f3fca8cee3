//! Key generation, in the session and durably in the token.

use std::time::Instant;

use cryptoki_sys::{CK_OBJECT_HANDLE, CKM_AES_KEY_GEN};

use super::{Bench, message, require};
use crate::measure::{Problem, Trial, latency, self_timed};
use crate::module::{Mechanism, Session};
use crate::template::{AttributeReader, Place, Template};
use crate::token::Token;

pub(super) fn benches() -> Vec<Bench> {
    vec![
        Bench::new("keygen", "keygen.aes256.session", generate_in_session),
        Bench::new("keygen", "keygen.aes256.token", generate_in_token),
        Bench::new("keygen", "destroy.token", destroy_in_token),
    ]
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
