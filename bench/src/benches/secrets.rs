//! Keys that two sides share, that one hands to the other, and that are made of another one. Of keys that are made the
//! destruction counts too, so that the session does not fill up.

use cryptoki_sys::{
    CK_OBJECT_HANDLE, CKA_CLASS, CKA_DERIVE, CKA_ENCRYPT, CKA_EXTRACTABLE, CKA_KEY_TYPE, CKA_PRIVATE, CKA_SENSITIVE,
    CKA_TOKEN, CKA_UNWRAP, CKA_VALUE, CKA_VALUE_LEN, CKA_WRAP, CKK_AES, CKK_GENERIC_SECRET, CKM_AES_KEY_WRAP,
    CKM_ML_KEM, CKO_SECRET_KEY,
};

use super::{AES_KEY, Bench, MAC_KEY, require};
use crate::limit::AesKey;
use crate::limit::secrets::{EcdhKey, ML_KEM_768_CIPHERTEXT_BYTES, MlKemKey, OaepKey, X25519Key, hkdf};
use crate::measure::{Problem, Trial, latency};
use crate::module::{Mechanism, Session};
use crate::pair::{Curve, Kind, PublicValue};
use crate::template::{AttributeReader, Template, Value};
use crate::token::Token;

pub(super) fn benches() -> Vec<Bench> {
    vec![
        Bench::new("rsa", "dec.rsa2048.oaep", oaep).with_limit(oaep_limit),
        Bench::new("pq", "encapsulate.mlkem768", encapsulate).with_limit(encapsulate_limit),
        Bench::new("pq", "decapsulate.mlkem768", decapsulate).with_limit(decapsulate_limit),
        Bench::new("derive", "derive.ecdh.p256", ecdh).with_limit(ecdh_limit),
        Bench::new("derive", "derive.x25519", x25519).with_limit(x25519_limit),
        Bench::new("derive", "derive.hkdf.sha256", derive_hkdf).with_limit(hkdf_limit),
        Bench::new("wrap", "wrap.aes256.kw", wrap).with_limit(wrap_limit),
        Bench::new("wrap", "unwrap.aes256.kw", unwrap).with_limit(unwrap_limit),
    ]
}

/// OAEP with SHA-1, which is what SoftHSM has.
fn oaep(token: &Token) -> Result<Trial, Problem> {
    let (session, pair) = (token.open()?, token.pair(Kind::Rsa(2048))?);
    let PublicValue::Rsa { modulus, exponent } = &pair.value else {
        return Err(Problem::Wrong("an RSA key has two numbers".to_owned()));
    };
    let (mut sealed, mut opened) = ([0; RSA_BYTES], [0; RSA_BYTES]);
    OaepKey::public(modulus, exponent).encrypt(&AES_KEY, &mut sealed);
    let key = pair.handles.private;
    let length = session.decrypt(Mechanism::Oaep, key, &sealed, &mut opened)?;
    require(opened.get(..length) == Some(&AES_KEY[..]), "decryption does not undo the reference's encryption")?;
    Ok(latency(move || session.decrypt(Mechanism::Oaep, key, &sealed, &mut opened).map(drop)))
}

fn oaep_limit() -> Trial {
    let (key, mut sealed, mut opened) = (OaepKey::generate(2048), [0; RSA_BYTES], [0; RSA_BYTES]);
    key.encrypt(&AES_KEY, &mut sealed);
    latency(move || {
        key.decrypt(&sealed, &mut opened);
        Ok(())
    })
}

fn encapsulate(token: &Token) -> Result<Trial, Problem> {
    let (session, pair) = (token.open()?, token.pair(Kind::MlKem768)?);
    let (key, template) = (pair.handles, shared_secret());
    let mut ciphertext = [0; ML_KEM_768_CIPHERTEXT_BYTES];
    let ours = session.encapsulate(CKM_ML_KEM, key.public, &template, &mut ciphertext)?;
    let theirs = session.decapsulate(CKM_ML_KEM, key.private, &template, &ciphertext)?;
    require(value_of(&session, ours)? == value_of(&session, theirs)?, "the two sides have different secrets")?;
    session.destroy(ours)?;
    session.destroy(theirs)?;
    Ok(latency(move || {
        let secret = session.encapsulate(CKM_ML_KEM, key.public, &template, &mut ciphertext)?;
        session.destroy(secret)
    }))
}

fn encapsulate_limit() -> Trial {
    let (key, mut ciphertext) = (MlKemKey::generate(), [0; ML_KEM_768_CIPHERTEXT_BYTES]);
    latency(move || {
        key.encapsulate(&mut ciphertext);
        Ok(())
    })
}

fn decapsulate(token: &Token) -> Result<Trial, Problem> {
    let (session, pair) = (token.open()?, token.pair(Kind::MlKem768)?);
    let (key, template, mut ciphertext) = (pair.handles.private, shared_secret(), [0; ML_KEM_768_CIPHERTEXT_BYTES]);
    let expected = MlKemKey::public(pair.value.bytes()).encapsulate(&mut ciphertext);
    let secret = session.decapsulate(CKM_ML_KEM, key, &template, &ciphertext)?;
    require(value_of(&session, secret)? == expected, "the secret is not that of the reference's encapsulation")?;
    session.destroy(secret)?;
    Ok(latency(move || {
        let secret = session.decapsulate(CKM_ML_KEM, key, &template, &ciphertext)?;
        session.destroy(secret)
    }))
}

fn decapsulate_limit() -> Trial {
    let (key, mut ciphertext) = (MlKemKey::generate(), [0; ML_KEM_768_CIPHERTEXT_BYTES]);
    key.encapsulate(&mut ciphertext);
    latency(move || {
        key.decapsulate(&ciphertext);
        Ok(())
    })
}

fn ecdh(token: &Token) -> Result<Trial, Problem> {
    let pair = token.pair(Kind::Ec(Curve::P256))?;
    let peer = EcdhKey::generate();
    agree(token, pair.handles.private, peer.point().into(), peer.agree(pair.value.bytes()))
}

fn ecdh_limit() -> Trial {
    let (key, peer) = (EcdhKey::generate(), EcdhKey::generate().point());
    latency(move || {
        key.agree(&peer);
        Ok(())
    })
}

fn x25519(token: &Token) -> Result<Trial, Problem> {
    let pair = token.pair(Kind::X25519)?;
    let peer = X25519Key::generate();
    agree(token, pair.handles.private, peer.public.into(), peer.agree(pair.value.bytes()))
}

fn x25519_limit() -> Trial {
    let (key, peer) = (X25519Key::generate(), X25519Key::generate().public);
    latency(move || {
        key.agree(&peer);
        Ok(())
    })
}

/// Diffie-Hellman whose secret is this one. Some modules want the public key in an octet string, others as it is.
fn agree(token: &Token, key: CK_OBJECT_HANDLE, peer: Vec<u8>, expected: [u8; 32]) -> Result<Trial, Problem> {
    let (session, template) = (token.open()?, shared_secret());
    let encoded = [&[4, peer.len() as u8], peer.as_slice()].concat();
    let mut problem = Problem::Missing;
    for peer in [peer, encoded] {
        match session.derive(Mechanism::Ecdh(&peer), key, &template) {
            Ok(secret) => {
                require(value_of(&session, secret)? == expected, "the secret is not the reference's")?;
                session.destroy(secret)?;
                return Ok(latency(move || {
                    let secret = session.derive(Mechanism::Ecdh(&peer), key, &template)?;
                    session.destroy(secret)
                }));
            }
            Err(error) => problem = error.into(),
        }
    }
    Err(problem)
}

fn derive_hkdf(token: &Token) -> Result<Trial, Problem> {
    let session = token.open()?;
    let mut entries = secret_entries(CKK_GENERIC_SECRET);
    entries.extend([(CKA_VALUE, Value::Bytes(&MAC_KEY)), (CKA_DERIVE, Value::Flag(true))]);
    let (base, template) = (session.create(&Template::new(&entries))?, shared_secret());
    let mechanism = Mechanism::Hkdf { salt: &SALT, info: &INFO };
    let key = session.derive(mechanism, base, &template)?;
    require(value_of(&session, key)? == hkdf(&MAC_KEY, &SALT, &INFO), "the key is not the reference's")?;
    session.destroy(key)?;
    Ok(latency(move || {
        let key = session.derive(mechanism, base, &template)?;
        session.destroy(key)
    }))
}

fn hkdf_limit() -> Trial {
    latency(|| {
        std::hint::black_box(hkdf(&MAC_KEY, &SALT, &INFO));
        Ok(())
    })
}

fn wrap(token: &Token) -> Result<Trial, Problem> {
    let (session, wrapping) = wrapping_key(token)?;
    let mut entries = secret_entries(CKK_AES);
    entries.extend([(CKA_VALUE, Value::Bytes(&MAC_KEY)), (CKA_ENCRYPT, Value::Flag(true))]);
    let (key, mut wrapped) = (session.create(&Template::new(&entries))?, [0; WRAPPED_BYTES]);
    let length = session.wrap(KEY_WRAP, wrapping, key, &mut wrapped)?;
    let expected = AesKey::new(&AES_KEY).wrap(&MAC_KEY);
    require(wrapped.get(..length) == Some(&expected[..]), "the wrapped key differs from the reference's")?;
    Ok(latency(move || session.wrap(KEY_WRAP, wrapping, key, &mut wrapped).map(drop)))
}

fn wrap_limit() -> Trial {
    let key = AesKey::new(&AES_KEY);
    latency(move || {
        std::hint::black_box(key.wrap(&MAC_KEY));
        Ok(())
    })
}

fn unwrap(token: &Token) -> Result<Trial, Problem> {
    let (session, wrapping) = wrapping_key(token)?;
    let mut entries = secret_entries(CKK_AES);
    entries.push((CKA_ENCRYPT, Value::Flag(true)));
    let (template, wrapped) = (Template::new(&entries), AesKey::new(&AES_KEY).wrap(&MAC_KEY));
    let key = session.unwrap(KEY_WRAP, wrapping, &wrapped, &template)?;
    require(value_of(&session, key)? == MAC_KEY, "the key is not the one that the reference wrapped")?;
    session.destroy(key)?;
    Ok(latency(move || {
        let key = session.unwrap(KEY_WRAP, wrapping, &wrapped, &template)?;
        session.destroy(key)
    }))
}

fn unwrap_limit() -> Trial {
    let key = AesKey::new(&AES_KEY);
    let wrapped = key.wrap(&MAC_KEY);
    latency(move || {
        std::hint::black_box(key.unwrap(&wrapped));
        Ok(())
    })
}

fn wrapping_key(token: &Token) -> Result<(Session, CK_OBJECT_HANDLE), Problem> {
    let session = token.open()?;
    let mut entries = secret_entries(CKK_AES);
    entries.extend([
        (CKA_VALUE, Value::Bytes(&AES_KEY)),
        (CKA_WRAP, Value::Flag(true)),
        (CKA_UNWRAP, Value::Flag(true)),
    ]);
    let key = session.create(&Template::new(&entries))?;
    Ok((session, key))
}

/// A secret of 32 bytes whose value can be read, so that it can be proven.
fn shared_secret() -> Template {
    let mut entries = secret_entries(CKK_GENERIC_SECRET);
    entries.extend([(CKA_VALUE_LEN, Value::Number(32)), (CKA_DERIVE, Value::Flag(true))]);
    Template::new(&entries)
}

fn secret_entries(key_type: u64) -> Vec<(u64, Value<'static>)> {
    vec![
        (CKA_CLASS, Value::Number(CKO_SECRET_KEY)),
        (CKA_KEY_TYPE, Value::Number(key_type)),
        (CKA_TOKEN, Value::Flag(false)),
        (CKA_PRIVATE, Value::Flag(true)),
        (CKA_SENSITIVE, Value::Flag(false)),
        (CKA_EXTRACTABLE, Value::Flag(true)),
    ]
}

fn value_of(session: &Session, key: CK_OBJECT_HANDLE) -> Result<Vec<u8>, Problem> {
    let mut reader = AttributeReader::new(&[(CKA_VALUE, 64)]);
    session.read(key, &mut reader)?;
    Ok(reader.value(0).to_vec())
}

const KEY_WRAP: Mechanism<'static> = Mechanism::Plain(CKM_AES_KEY_WRAP);
const RSA_BYTES: usize = 256;
const WRAPPED_BYTES: usize = 40;
const SALT: [u8; 32] = [0x61; 32];
const INFO: [u8; 16] = [0x1f; 16];
